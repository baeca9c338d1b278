# The eight parts of the story. Each says what happens and why it matters, then watches real processes until it has come
# true.

outage() { # outage HOST/SERVICE: from here on an alert about it is a true one
    EXPECTED+=("$1")
    service_kill "$1"
}
await_alert() { # await_alert TYPE HOST/SERVICE
    await 60 "the replicas agree on it" is_told "$1" "$2"
    await 60 "the pager has it" is_paged "$1" "$2"
    grep "^[0-9]* $1 $2 " "$WORK/pager.txt" | tail -1 | sed 's/^/pager: /' | quote
}
await_rounds() { # await_rounds WHAT N HOST SERVICE: so many more votes of each observer
    rounds_begin
    await 60 "$1" rounds_passed "${@:2}"
}

part_well() {
    part 1 "All is well"
    say "Four replicas keep one log. Three observers (eu, us, ap) run Nagios' own check_http, check_tcp and" \
        "$OWN_PLUGIN against real services and vote; two of three must see a problem before it is one."
    await 60 "three votes on each of $OBJECTS hosts and services, all of them well" all_well
    show status
}

part_outage() {
    part 2 "A real outage"
    say "The web server of web1 is killed. All three observers see it, each alone. One alert has to come out, once."
    outage web1/http
    await_alert PROBLEM web1/http
    await_rounds "three more rounds of votes say the same" 3 web1 http
    promise "one outage, three observers, four replicas: one alert, one page" told_once PROBLEM web1/http
}

part_recovery() {
    part 3 "Recovery, and a proof to keep"
    say "The web server is started again."
    service_start web1/http
    await_alert RECOVERY web1/http
    say "An alert carries the signatures of f+1 = 2 replicas, so anyone can check it later, offline, with" \
        "cluster.yaml alone. Change one byte (web1 becomes web2) and it is refused:"
    alerts
    grep -m1 '"type":"PROBLEM"' "$WORK/alerts.json" >"$WORK/alert.json"
    sed 's/"host":"web1"/"host":"web2"/' "$WORK/alert.json" >"$WORK/changed.json"
    show verify "$WORK/alert.json"
    show verify "$WORK/changed.json"
    promise "the proof holds, and only for what was signed" proof_holds
}
proof_holds() {
    [ "$(cmp -l "$WORK/alert.json" "$WORK/changed.json" | wc -l)" = 1 ] && quorate verify "$WORK/alert.json" &&
        ! quorate verify "$WORK/changed.json"
}

part_liar() {
    part 4 "An observer that lies"
    say "ap now says CRITICAL about web2/http, which is healthy. A single Nagios server would wake somebody."
    agent_stop ap
    agent_start ap liar
    await 60 "ap's lie is counted as one vote of three, and shown as dissent" dissents ap web2 http
    await_rounds "ap goes on lying for three rounds" 3 web2 http
    show status web2 http
    promise "no alert: one liar does not make a problem" nothing_false
    agent_stop ap
    agent_start ap
}

part_cut() {
    local before
    part 5 "A replica cut off"
    before=$(primary)
    CUT=2
    [ "$before" != 2 ] || CUT=1
    cut_off "$CUT"
    if [ "$CUT_HOW" = nft ]; then
        say "nftables drops every packet to and from replica $CUT. Meanwhile web2's web server is killed for real:" \
            "three of four replicas are enough to agree."
    else
        say "nftables is not permitted here, so replica $CUT is stopped with SIGSTOP. Meanwhile web2's web server is" \
            "killed for real: three of four replicas are enough to agree."
    fi
    await 60 "replica $CUT does not answer any more" is_unreachable "$CUT"
    outage web2/http
    await_alert PROBLEM web2/http
    service_start web2/http
    await_alert RECOVERY web2/http
    promise "no false alert while a replica was away" nothing_false
    promise "the cut was real" cut_bit
    heal
    await 120 "healed: replica $CUT catches up until all four hold one log" one_log
}

part_traitor() {
    part 6 "A traitor among the replicas"
    say "Replica 3 is restarted with --behave forge-alerts: it tells everybody who asks about outages that never" \
        "were, with proofs that it made up."
    PAGES=$(pager_lines)
    replica_stop 3
    replica_start 3 --behave forge-alerts
    await 60 "replica 3 takes part again" replica_ready 3
    await 60 "the pager's side refuses its alerts and names it" \
        grep -q '^quorate: notify: replica 3: forged' "$WORK/notify.log"
    grep '^quorate: notify: replica 3: forged' "$WORK/notify.log" | tail -1 | quote
    await 60 "so does \`quorate alerts\`" alerts_name_3
    grep 'replica 3' "$WORK/named.err" | tail -1 | quote
    say "Next it forges receipts: it signs other results than the log gives (--behave forge-receipts)."
    replica_stop 3
    replica_start 3 --behave forge-receipts
    await 60 "the other replicas see it and name it" is_suspected 3
    show replicas
    promise "none of it reached the pager" nothing_paged_since
    promise "no false alert" nothing_false
    replica_stop 3
    replica_start 3
    await 120 "replica 3 is restarted, honest: all four hold one log" one_log
}
alerts_name_3() {
    quorate alerts --since 0 --json 2>"$WORK/named.err" >/dev/null
    grep -q 'replica 3' "$WORK/named.err"
}
nothing_paged_since() { [ "$(pager_lines)" = "$PAGES" ] || { tail -3 "$WORK/pager.txt"; return 1; }; }

part_primary() {
    local view
    part 7 "The primary dies while an outage begins"
    OLD=$(primary) view=$(view)
    say "Replica $OLD orders the log just now. It gets kill -9, and in the same moment the database of db1 goes down." \
        "The others have to notice both."
    replica_kill "$OLD"
    outage db1/port
    await 60 "the others elect another primary (view $view is over)" view_beyond "$view"
    await_alert PROBLEM db1/port
    say "Now replica $(primary) orders the log."
    promise "one alert all the same, one page" told_once PROBLEM db1/port
}

part_return() {
    part 8 "Everything comes back"
    say "Replica $OLD is started again with what its disk holds, and the database too."
    replica_start "$OLD"
    service_start db1/port
    await_alert RECOVERY db1/port
    await 60 "everything is well again" all_well
    await 120 "replica $OLD has caught up: all four hold one log and one state" one_log
    jq -rs '.[] | "replica \(.id): view \(.view), executed \(.executed), log \(.log_hash[0:16])," +
        " state \(.state_root[0:16])"' "$WORK/replicas.json" | quote
}
