# Helpers of the end-to-end tests: source this, then e2e_begin. Real processes on loopback; nothing is left behind.
# Clusters and replicas are those of deploy/sandbox.sh; every replica records what it signs.
#
#   check NAME COMMAND...         one TAP line
#   e2e_end                       the plan line; false when a check failed

E2E_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BUILD=${BUILD:-build}
case $BUILD in /*) ;; *) BUILD=$E2E_ROOT/$BUILD ;; esac
QUORATED=$BUILD/quorated
RECORD=yes TAP_COUNT=0 TAP_FAILED=0
. "$E2E_ROOT/deploy/sandbox.sh"

e2e_begin() {
    WORK=$(mktemp -d "${TMPDIR:-/tmp}/quorate-e2e.XXXXXX") || exit 2
    CLUSTER=$WORK/cluster
    trap e2e_clean EXIT
    trap 'exit 130' INT TERM HUP
}

e2e_clean() {
    local status=$?
    [ "$BASHPID" = $$ ] || exit "$status" # a child that was ended before it became its program
    trap - EXIT
    sandbox_clean
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
