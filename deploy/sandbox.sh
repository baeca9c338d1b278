# A throw-away cluster of real processes on loopback, for the demo and the end-to-end tests. The caller sets BUILD
# (where the programs are), WORK (an empty directory) and CLUSTER (where `quorate init` shall write), and calls
# sandbox_clean at its end. States are waited for by watching them until a deadline, never by sleeping and hoping.
#
#   cluster_make [init options]   a cluster in $CLUSTER (cluster.yaml, keys/) on free ports
#   cluster_drills sandbox        its genesis allows traitors; before the first start
#   replica_start I [options]     quorated for member I, its log in $WORK/rI.log; with RECORD=yes --record $WORK/rI.rec
#   replica_stop I / replica_kill I / replica_pause I / replica_resume I    SIGTERM, -9, SIGSTOP, SIGCONT
#   replica_ready I               has it said ready since it was started?
#   replicas_start I... / replicas_ready SECONDS I...
#   quorate VERB ...              with this cluster and the operator's key, at most two minutes
#   wait_until SECONDS COMMAND... true as soon as the command is, false at the deadline
#   sandbox_clean                 kills what still runs, gives the ports back

declare -A REPLICA_PID=()
PORT_LOCK= RECORD=${RECORD:-}

sandbox_clean() {
    local i
    for i in "${!REPLICA_PID[@]}"; do
        kill -KILL "${REPLICA_PID[$i]}" 2>/dev/null
        wait "${REPLICA_PID[$i]}" 2>/dev/null
    done
    REPLICA_PID=()
    [ -z "$PORT_LOCK" ] || rmdir "$PORT_LOCK" 2>/dev/null
    PORT_LOCK=
}

wait_until() { # wait_until SECONDS COMMAND...
    local deadline=$(($(date +%s%N) + $1 * 1000000000)); shift
    until "$@" >/dev/null 2>&1; do
        [ "$(date +%s%N)" -lt "$deadline" ] || return 1
        sleep 0.05
    done
}

# ---- clusters ----

port_is_free() { ! ss -Htln "sport = :$1" | grep -q .; }

# A block of 60 ports that nobody listens on, below the kernel's range for outgoing connections and held by a directory,
# so that tests beside this one choose others.
free_base_port() {
    local try base i
    for try in $(seq 200); do
        base=$((10000 + (RANDOM % 220) * 100))
        mkdir "${TMPDIR:-/tmp}/quorate-ports.$base" 2>/dev/null || continue
        PORT_LOCK=${TMPDIR:-/tmp}/quorate-ports.$base
        for i in $(seq 0 59); do port_is_free $((base + i)) || break; done
        if [ "$i" = 59 ] && port_is_free $((base + 59)); then BASE_PORT=$base; return 0; fi
        rmdir "$PORT_LOCK"; PORT_LOCK=
    done
    echo "# no free ports after $try tries"; return 1
}

cluster_make() {
    [ -n "$PORT_LOCK" ] || free_base_port || return 1
    "$BUILD/quorate" init "$CLUSTER" --base-port "$BASE_PORT" "$@" >"$WORK/init.out" 2>&1 ||
        { sed 's/^/# /' "$WORK/init.out"; return 1; }
}

cluster_drills() { sed -i "s/^drills:.*/drills: $1/" "$CLUSTER/cluster.yaml"; }

peer_port() { echo $((BASE_PORT + $1)); }
client_port() { echo $((BASE_PORT + 10 + $1)); }

quorate() {
    timeout --foreground -k 5 120 \
        "$BUILD/quorate" "$1" -c "$CLUSTER/cluster.yaml" -k "$CLUSTER/keys/operator.key" "${@:2}"
}

# ---- replicas ----

replica_start() { # replica_start I [options]
    local i=$1; shift
    : >"$WORK/r$i.out"
    "$BUILD/quorated" -c "$CLUSTER/cluster.yaml" -i "$i" -k "$CLUSTER/keys/replica-$i.key" -d "$WORK/r$i.data" \
        ${RECORD:+--record "$WORK/r$i.rec"} "$@" >"$WORK/r$i.out" 2>>"$WORK/r$i.log" </dev/null &
    REPLICA_PID[$i]=$!
}

replica_runs() { kill -0 "${REPLICA_PID[$1]:-0}" 2>/dev/null && [ -n "${REPLICA_PID[$1]:-}" ]; }
replica_ready() { grep -qx ready "$WORK/r$1.out"; }
replica_logged() { grep -q "$2" "$WORK/r$1.log"; }

replica_reap() { # sets STATUS to how it ended
    wait "${REPLICA_PID[$1]}" 2>/dev/null; STATUS=$?
    unset "REPLICA_PID[$1]"
}
replica_stop() { kill -TERM "${REPLICA_PID[$1]}" && replica_reap "$1" && return "$STATUS"; }
replica_kill() { kill -KILL "${REPLICA_PID[$1]}" && replica_reap "$1"; return 0; }
replica_pause() { kill -STOP "${REPLICA_PID[$1]}"; }
replica_resume() { kill -CONT "${REPLICA_PID[$1]}"; }

replicas_start() { local i; for i in "$@"; do replica_start "$i"; done; }
replicas_ready() { # replicas_ready SECONDS I...
    local seconds=$1 i; shift
    for i in "$@"; do
        wait_until "$seconds" replica_ready "$i" ||
            { echo "# replica $i is not ready after $seconds s:"; tail -5 "$WORK/r$i.log" | sed 's/^/# /'; return 1; }
    done
}

# The counters as of now, logged by SIGUSR1; prints the lines since the request.
replica_counters() {
    local from
    from=$(grep -c 'counters-end' "$WORK/r$1.log")
    kill -USR1 "${REPLICA_PID[$1]}" || return 1
    replica_counted() { [ "$(grep -c 'counters-end' "$WORK/r$1.log")" -gt "$2" ]; }
    wait_until 20 replica_counted "$1" "$from" || return 1
    awk -v from="$from" '/counters-end/ {seen++; next} seen >= from' "$WORK/r$1.log"
}
