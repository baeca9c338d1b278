# Looking at the cluster as any user can: each question is one `quorate` command and a bit of jq.

EXPECTED=() # host/service of every real outage so far

alerts() { quorate alerts --since 0 --json 2>>"$WORK/alerts.err" >"$WORK/alerts.json"; }
told() { # told TYPE HOST/SERVICE: how often, in the last answer
    jq -s --arg t "$1" --arg x "$2" 'map(select(.type == $t and "\(.host)/\(.service // "")" == $x)) | length' \
        "$WORK/alerts.json"
}
paged() { grep -c "^[0-9]* $1 $2 " "$WORK/pager.txt"; } # paged TYPE HOST/SERVICE
is_told() { alerts && [ "$(told "$1" "$2")" -ge 1 ]; }
is_paged() { [ "$(paged "$1" "$2")" -ge 1 ]; }
told_once() { # told_once TYPE HOST/SERVICE: in the stream, and to the pager
    alerts
    echo "raised $(told "$1" "$2") times, paged $(paged "$1" "$2") times"
    [ "$(told "$1" "$2")" = 1 ] && [ "$(paged "$1" "$2")" = 1 ]
}
problems() { jq -r 'select(.type == "PROBLEM") | "\(.host)/\(.service // "")"' "$WORK/alerts.json"; }
nothing_false() { # every PROBLEM in the stream and at the pager is one of the real outages
    local x
    alerts || return 1
    for x in $(problems) $(awk '$2 == "PROBLEM" {print $3}' "$WORK/pager.txt"); do
        case " ${EXPECTED[*]:-} " in *" $x "*) ;; *) echo "false: $x"; return 1 ;; esac
    done
}
pager_lines() { wc -l <"$WORK/pager.txt"; }

statuses() { quorate status --json >"$WORK/status.json"; }
all_well() { # every object OK, with three fresh votes
    statuses && jq -se --argjson n "$OBJECTS" 'length == $n and all(.[]; (.state == "OK" or .state == "UP") and
        ([.votes[] | select(.fresh and .state == "OK" or .fresh and .state == "UP")] | length == 3))' \
        "$WORK/status.json"
}
dissents() { quorate status "$2" "$3" --json | jq -e --arg o "$1" '.dissent | index($o) != null'; }

# Rounds of votes: each observer's next result for the service is one of its rounds.
declare -A VOTE_SEEN=() VOTE_ROUNDS=()
votes_now() { # votes_now HOST SERVICE: OBSERVER NUMBER, one a line
    quorate status "$1" "$2" --json | jq -r '.votes[] | "\(.observer) \(.obs_seq)"'
}
rounds_passed() { # rounds_passed N HOST SERVICE: since rounds_begin
    local o number
    while read -r o number; do
        [ "${VOTE_SEEN[$o]:-}" = "$number" ] || VOTE_ROUNDS[$o]=$((${VOTE_ROUNDS[$o]:--1} + 1))
        VOTE_SEEN[$o]=$number
    done < <(votes_now "$2" "$3")
    for o in $OBSERVERS; do [ "${VOTE_ROUNDS[$o]:-0}" -ge "$1" ] || return 1; done
}
rounds_begin() { VOTE_SEEN=() VOTE_ROUNDS=(); }

# ---- replicas ----

replicas() { quorate replicas --json >"$WORK/replicas.json"; }
primary() {
    replicas
    jq -s 'map(select(.reachable)) | group_by(.primary) | max_by(length) | .[0].primary' "$WORK/replicas.json"
}
view() { replicas; jq -s 'map(select(.reachable).view) | sort | .[length / 2 | floor]' "$WORK/replicas.json"; }
is_unreachable() {
    replicas && jq -se --argjson i "$1" 'any(.[]; .id == $i and (.reachable | not))' "$WORK/replicas.json"
}
view_beyond() { [ "$(view)" -gt "$1" ]; }
is_suspected() { # by two others, one of which is honest
    replicas && jq -se --argjson i "$1" \
        '[.[] | select(.id != $i and (.suspects // [] | index($i)))] | length >= 2' "$WORK/replicas.json"
}
# All four stand at one place of the log with one hash, and at one stable state.
ONE_LOG='length == 4 and all(.[]; .reachable and .phase == "ACTIVE" and .stable > 0) and
    (map([.executed, .log_hash, .stable, .state_root]) | unique | length == 1)'
one_log() { replicas && jq -se "$ONE_LOG" "$WORK/replicas.json"; }

# ---- the closing line ----

STORY_OUTAGES=3

closing_line() {
    local x raised=0 recovered=0 false pages streamed handed="handed to the pager once each" agreed
    agreed=$(agreement) || BROKEN=$((BROKEN + 1))
    alerts
    for x in "${EXPECTED[@]}"; do
        [ "$(told PROBLEM "$x")" = 0 ] || raised=$((raised + 1))
        [ "$(told RECOVERY "$x")" = 0 ] || recovered=$((recovered + 1))
    done
    false=$(($(problems | wc -l) - raised))
    pages=$(cut -d' ' -f1 "$WORK/pager.txt" | sort -n | xargs)
    streamed=$(jq -r 'select(.type == "PROBLEM" or .type == "RECOVERY") | .number' "$WORK/alerts.json" |
        sort -n | xargs)
    [ "$pages" = "$streamed" ] || handed="NOT handed to the pager once each (alerts: $streamed; pages: $pages)"
    [ "$raised $recovered $false $pages" = "$STORY_OUTAGES $STORY_OUTAGES 0 $streamed" ] || BROKEN=$((BROKEN + 1))
    printf '\nalerts: expected %d, raised %d, false %d, missed %d; recoveries %d of %d; %s; %s\n' "$STORY_OUTAGES" \
        "$raised" "$false" $((STORY_OUTAGES - raised)) "$recovered" "$STORY_OUTAGES" "$handed" "$agreed"
}
agreement() { # as last awaited, or as of now
    if jq -se "$ONE_LOG" "$WORK/replicas.json" >/dev/null 2>&1 || wait_until 5 one_log; then
        jq -rs '.[0] | "all four replicas hold the same log (n \(.executed), hash \(.log_hash[0:8]))" +
            " and the same state root"' "$WORK/replicas.json"
    else
        echo "the replicas do NOT hold one log and one state"
        return 1
    fi
}
