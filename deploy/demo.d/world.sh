# What the story is about: three small hosts with real services, three observers that check them with Nagios' own
# plugins, and a pager. Plugins of an agent that root started run as `nobody`; they need nothing of $WORK.

PLUGINS=/usr/lib/nagios/plugins
declare -A SERVICE_PID=() AGENT_PID=()
PAGER_PID=
OBSERVERS="eu us ap"

# One busybox httpd stands for each service; "login" is what a host answers on as long as it is up.
service_port() {
    case $1 in
    web1/http) echo $((BASE_PORT + 40)) ;;
    web2/http) echo $((BASE_PORT + 41)) ;;
    db1/port) echo $((BASE_PORT + 42)) ;;
    login) echo $((BASE_PORT + 43)) ;;
    esac
}
service_answers() { ! port_is_free "$(service_port "$1")"; }
service_start() {
    busybox httpd -f -p "127.0.0.1:$(service_port "$1")" -h "$WORK/www" </dev/null >/dev/null 2>&1 &
    SERVICE_PID[$1]=$!
}
service_kill() { end_process KILL "${SERVICE_PID[$1]}"; unset "SERVICE_PID[$1]"; }
services_start() {
    local s
    mkdir -p "$WORK/www"
    echo 'It works.' >"$WORK/www/index.html"
    for s in web1/http web2/http db1/port login; do
        service_start "$s"
        wait_until 20 service_answers "$s" || { echo "busybox httpd does not listen for $s" >&2; return 1; }
    done
}

end_process() { # end_process SIGNAL PID
    [ -n "$2" ] || return 0
    kill "-$1" "$2" 2>/dev/null
    wait "$2" 2>/dev/null
    return 0
}

# ---- what is monitored: Nagios' own object files ----

write_objects() {
    printf 'interval_length=1\ncfg_file=demo.cfg\n' >"$WORK/nagios.cfg"
    {
        cat <<'CFG'
define command {
    command_name   passive
    command_line   /bin/true
}
define command {
    command_name   page
    command_line   /bin/true
}
define contact {
    contact_name                    oncall
    host_notification_commands      page
    service_notification_commands   page
}
define host {
    name                   demo-host
    register               0
    max_check_attempts     2
    check_interval         2
    freshness_threshold    20
    contacts               oncall
    _OBSERVERS             eu,us,ap
}
define service {
    name                   demo-service
    register               0
    check_command          passive
    max_check_attempts     2
    check_interval         1
    retry_interval         1
    freshness_threshold    20
    notification_interval  0
    contacts               oncall
    _OBSERVERS             eu,us,ap    ; these three vote
    _QUORUM                2           ; two of them must see a problem
}
CFG
        printf 'define host {\n    use         demo-host\n    host_name   %s\n}\n' web1 web2 db1
        printf 'define service {\n    use    demo-service\n    host_name    %s\n    service_description    %s\n}\n' \
            web1 http web1 "$OWN" web2 http db1 port
    } >"$WORK/demo.cfg"
}
OBJECTS=7

# ---- observers ----

# A check of the machine itself. check_disk sees no file system where / is no mount point, as in a plain chroot.
OWN=disk OWN_PLUGIN=check_disk OWN_COMMAND='check_disk, -w, "1", -c, "0", -p, /'
"$PLUGINS/check_disk" -w 1 -c 0 -p / >/dev/null 2>&1 ||
    { OWN=load OWN_PLUGIN=check_load OWN_COMMAND='check_load, -w, "900,900,900", -c, "1000,1000,1000"'; }

write_checks() { # write_checks OBSERVER honest|liar
    local web2="[check_http, -H, 127.0.0.1, -p, \"$(service_port web2/http)\"]" host
    [ "$2" = honest ] || web2='[check_dummy, "2", "a lie: nobody looked"]'
    {
        echo "plugin_dir: $PLUGINS"
        echo 'checks:'
        for host in web1 web2 db1; do
            printf '  - { host: %s, interval: 2s, timeout: 15s, command: [check_tcp, -H, 127.0.0.1, -p, "%s"] }\n' \
                "$host" "$(service_port login)"
        done
        printf '  - { host: web1, service: http, interval: 1s, timeout: 15s, command: %s }\n' \
            "[check_http, -H, 127.0.0.1, -p, \"$(service_port web1/http)\"]"
        printf '  - { host: web2, service: http, interval: 1s, timeout: 15s, command: %s }\n' "$web2"
        printf '  - { host: db1, service: port, interval: 1s, timeout: 15s, command: %s }\n' \
            "[check_tcp, -H, 127.0.0.1, -p, \"$(service_port db1/port)\"]"
        printf '  - { host: web1, service: %s, interval: 2s, timeout: 15s, command: [%s] }\n' "$OWN" "$OWN_COMMAND"
    } >"$WORK/$1.yaml"
}
agent_start() { # agent_start OBSERVER [honest|liar]
    write_checks "$1" "${2:-honest}"
    "$BUILD/quorate" agent -c "$CLUSTER/cluster.yaml" -k "$CLUSTER/keys/$1.key" --checks "$WORK/$1.yaml" \
        --spool "$WORK/$1.spool" </dev/null >>"$WORK/$1.log" 2>&1 &
    AGENT_PID[$1]=$!
}
agent_stop() { end_process TERM "${AGENT_PID[$1]:-}"; unset "AGENT_PID[$1]"; }
agents_start() { local o; for o in $OBSERVERS; do agent_start "$o"; done; }

# ---- the pager ----

pager_start() {
    cat >"$WORK/pager.sh" <<'SH'
#!/bin/sh
# Called by `quorate notify` for each proven alert: NUMBER TYPE HOST SERVICE STATE OUTPUT
file=$1; shift
printf '%s %s %s/%s %s: %s\n' "$@" >>"$file"
SH
    : >"$WORK/pager.txt"
    cat >"$WORK/notify.yaml" <<YAML
handlers:
  - name: page
    command: [/bin/sh, $WORK/pager.sh, $WORK/pager.txt, "\$QUORATE_ALERT_NUMBER\$", "\$NOTIFICATIONTYPE\$",
              "\$HOSTNAME\$", "\$SERVICEDESC\$", "\$SERVICESTATE\$", "\$SERVICEOUTPUT\$"]
    types: [PROBLEM, RECOVERY]
YAML
    "$BUILD/quorate" notify -c "$CLUSTER/cluster.yaml" --config "$WORK/notify.yaml" --state "$WORK/notify.state" \
        --since 0 </dev/null >>"$WORK/notify.log" 2>&1 &
    PAGER_PID=$!
}

world_clean() {
    local s
    for s in "${!AGENT_PID[@]}"; do end_process KILL "${AGENT_PID[$s]}"; done
    end_process KILL "$PAGER_PID"
    for s in "${!SERVICE_PID[@]}"; do end_process KILL "${SERVICE_PID[$s]}"; done
}
