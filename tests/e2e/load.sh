# A steady load and what must hold under it: source this after lib.sh and objects.sh.
#
#   load_cluster             four replicas that run, eight observers, one service they all vote on
#   load_start NAME          bundles until load_end, their events in $WORK/NAME.events; KEYS says how many keys (8)
#   load_end                 waits for the last one; false when a bundle failed
#   load_flows               true once bundles that were sent after the call are acknowledged
#   load_kept NAME           every key's last acknowledged result, or a later one, is its vote
#   one_log                  all four stand at one place of the log with one hash

LOAD_OBSERVERS="a b c d e f g h"
LOAD_PID=

load_cluster() { # load_cluster [init options]
    cluster_make --observers "${LOAD_OBSERVERS// /,}" "$@" || return 1
    objects_begin
    objects_host web1 "${LOAD_OBSERVERS// /,}" s0
    replicas_start 0 1 2 3
    replicas_ready 60 0 1 2 3 && objects_apply
}
load_start() {
    local o keys=()
    for o in $(echo "$LOAD_OBSERVERS" | tr ' ' '\n' | head -n "${KEYS:-8}"); do keys+=(-k "$CLUSTER/keys/$o.key"); done
    LOAD_EVENTS=$WORK/$1.events
    : >"$LOAD_EVENTS"
    "$BUILD/bench/load" -c "$CLUSTER/cluster.yaml" "${keys[@]}" --for 24h --timeout 120s --events "$LOAD_EVENTS" \
        >"$WORK/$1.load" 2>&1 &
    LOAD_PID=$!
}
load_end() {
    local status
    kill -TERM "$LOAD_PID"; wait "$LOAD_PID"; status=$?
    LOAD_PID=
    return "$status"
}
load_abort() { [ -z "$LOAD_PID" ] || { kill -KILL "$LOAD_PID"; wait "$LOAD_PID"; } 2>/dev/null; }
load_events() { wc -l <"$LOAD_EVENTS"; }
more_events() { [ "$(load_events)" -ge "$1" ]; }
load_flows() { wait_until "${1:-60}" more_events "$(($(load_events) + 2 * ${KEYS:-8}))"; }
load_kept() {
    awk 'NF == 6 && $5 == "ok" {last[$2] = $6} END {for (o in last) print o, last[o]}' \
        "$WORK/$1.events" >"$WORK/last"
    quorate status web1 s0 --json --timeout 60s >"$WORK/status.json" || return 1
    [ "$(wc -l <"$WORK/last")" = "${KEYS:-8}" ] && while read -r o seq; do
        jq -e --arg o "$o" --arg seq "$seq" 'any(.votes[]; .observer == $o
            and ((.obs_seq | length) > ($seq | length) or .obs_seq >= $seq))' "$WORK/status.json" >/dev/null ||
            { echo "$o: acknowledged up to $seq"; cat "$WORK/status.json"; return 1; }
    done <"$WORK/last"
}
one_log() {
    quorate replicas --json >"$WORK/replicas.json" &&
        jq -se 'length == 4 and (map([.executed, .log_hash]) | unique | length == 1)' "$WORK/replicas.json"
}
executed() { quorate replicas --json | jq -s 'map(select(.reachable)) | map(.executed) | max'; }
