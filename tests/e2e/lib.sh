# Helpers of the end-to-end tests: source this, then e2e_begin. Real processes on loopback; nothing is left behind.
# States are waited for by watching them until a deadline, never by sleeping and hoping.
#
#   cluster_make [init options]   a cluster in $CLUSTER (cluster.yaml, keys/) on free ports
#   cluster_drills sandbox        its genesis allows traitors; before the first start
#   replica_start I [options]     quorated for member I, its log in $WORK/rI.log, --record in $WORK/rI.rec
#   replica_stop I / replica_kill I / replica_pause I / replica_resume I    SIGTERM, -9, SIGSTOP, SIGCONT
#   replica_ready I               has it said ready since it was started?
#   replicas_start I... / replicas_ready SECONDS I...
#   quorate VERB ...              with this cluster and the operator's key
#   wait_until SECONDS COMMAND... true as soon as the command is, false at the deadline
#   check NAME COMMAND...         one TAP line
#   e2e_end                       the plan line; false when a check failed

E2E_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BUILD=${BUILD:-build}
case $BUILD in /*) ;; *) BUILD=$E2E_ROOT/$BUILD ;; esac
QUORATED=$BUILD/quorated
declare -A REPLICA_PID=()
TAP_COUNT=0 TAP_FAILED=0 PORT_LOCK=

e2e_begin() {
    WORK=$(mktemp -d "${TMPDIR:-/tmp}/quorate-e2e.XXXXXX") || exit 2
    CLUSTER=$WORK/cluster
    trap e2e_clean EXIT
    trap 'exit 130' INT TERM HUP
}

e2e_clean() {
    local status=$? i
    trap - EXIT
    for i in "${!REPLICA_PID[@]}"; do
        kill -KILL "${REPLICA_PID[$i]}" 2>/dev/null
        wait "${REPLICA_PID[$i]}" 2>/dev/null
    done
    [ -n "$PORT_LOCK" ] && rmdir "$PORT_LOCK" 2>/dev/null
    if [ -n "${E2E_KEEP:-}" ]; then echo "# kept: $WORK"; else rm -rf "$WORK"; fi
    exit "$status"
}

# ---- TAP ----

tap() { # tap 0|1 NAME
    TAP_COUNT=$((TAP_COUNT + 1))
    if [ "$1" = 0 ]; then
        echo "ok $TAP_COUNT - $2"
    else
        TAP_FAILED=$((TAP_FAILED + 1))
        echo "not ok $TAP_COUNT - $2"
    fi
    return "$1"
}

check() { # check NAME COMMAND...
    local name=$1 status; shift
    "$@" >"$WORK/check.out" 2>&1; status=$?
    [ "$status" = 0 ] || sed 's/^/# /' "$WORK/check.out" | tail -20
    tap "$((status != 0))" "$name"
}

e2e_end() {
    echo "1..$TAP_COUNT"
    [ "$TAP_FAILED" = 0 ]
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

quorate() { "$BUILD/quorate" "$1" -c "$CLUSTER/cluster.yaml" -k "$CLUSTER/keys/operator.key" "${@:2}"; }

# ---- replicas ----

replica_start() { # replica_start I [options]
    local i=$1; shift
    : >"$WORK/r$i.out"
    "$QUORATED" -c "$CLUSTER/cluster.yaml" -i "$i" -k "$CLUSTER/keys/replica-$i.key" -d "$WORK/r$i.data" \
        --record "$WORK/r$i.rec" "$@" >"$WORK/r$i.out" 2>>"$WORK/r$i.log" </dev/null &
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
