# Cutting one replica off: with nftables where that is permitted (a table of our own, on the loopback interface, only
# ports of this cluster), else by stopping its process. Either way it hears nothing and nobody hears it. The table bears
# the cluster's first port, so that demos side by side keep out of each other's way.

CUT_HOW= CUT_MEMBER=
PATH=$PATH:/usr/sbin:/sbin
cut_table() { echo "quorate_demo_$BASE_PORT"; }

# The ports that replica $1 listens on, and those of the connections that it opened to the others.
ports_of_replica() {
    local offset port
    for offset in 0 10 20; do
        port=$((BASE_PORT + offset + $1))
        port_is_free "$port" || echo "$port"
    done
    ss -Htnp state established 2>/dev/null | grep "pid=${REPLICA_PID[$1]}," | awk '{print $3}' | sed 's/.*://'
}
cut_rules() {
    cat <<NFT
table inet $(cut_table)
delete table inet $(cut_table)
table inet $(cut_table) {
    set cut {
        type inet_service
        elements = { $(ports_of_replica "$1" | sort -un | paste -sd,) }
    }
    chain loopback {
        type filter hook input priority 0
        iifname "lo" tcp dport @cut counter drop
        iifname "lo" tcp sport @cut counter drop
    }
}
NFT
}
cut_off() { # cut_off I; sets CUT_HOW to nft or stop
    CUT_MEMBER=$1 CUT_HOW=nft
    if ! cut_rules "$1" | nft -f - 2>"$WORK/nft.err"; then
        CUT_HOW=stop
        replica_pause "$1"
    fi
}
cut_packets() { # how many were dropped
    nft list table inet "$(cut_table)" |
        awk '{for (i = 1; i < NF; i++) if ($i == "packets") n += $(i + 1)} END {print n + 0}'
}
cut_bit() {
    if [ "$CUT_HOW" = nft ]; then
        [ "$(cut_packets)" -gt 0 ]
    else
        grep -q '^State:.T' "/proc/${REPLICA_PID[$CUT_MEMBER]}/status"
    fi
}
heal() {
    [ "$CUT_HOW" != nft ] || nft delete table inet "$(cut_table)" 2>/dev/null
    [ "$CUT_HOW" != stop ] || replica_resume "$CUT_MEMBER" 2>/dev/null
    CUT_HOW=
}
