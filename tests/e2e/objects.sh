# Small object configurations for the end-to-end tests: source this after lib.sh.
#
#   objects_begin                          an empty configuration in $WORK/objects.cfg with a contact and templates
#   objects_host NAME OBSERVERS [SERVICE...]   a host and its services, all voted on by OBSERVERS ("a,b,c")
#   objects_apply                          makes it the agreed one

objects_begin() {
    printf 'interval_length=1\ncfg_file=objects.cfg\n' >"$WORK/nagios.cfg"
    cat >"$WORK/objects.cfg" <<'END'
define command {
    command_name  page
    command_line  /bin/true
}
define contact {
    contact_name                   oncall
    host_notification_commands     page
    service_notification_commands  page
}
define host {
    name                 any-host
    register             0
    max_check_attempts   1
    freshness_threshold  3600
    contacts             oncall
}
define service {
    name                   any-service
    register               0
    check_command          page
    max_check_attempts     1
    check_interval         60
    retry_interval         1
    freshness_threshold    3600
    notification_interval  0
    contacts               oncall
}
END
}

objects_host() { # objects_host NAME OBSERVERS [SERVICE...]
    local host=$1 observers=$2 service; shift 2
    printf 'define host {\n use any-host\n host_name %s\n _OBSERVERS %s\n}\n' "$host" "$observers" >>"$WORK/objects.cfg"
    for service in "$@"; do
        printf 'define service {\n use any-service\n host_name %s\n service_description %s\n _OBSERVERS %s\n}\n' \
            "$host" "$service" "$observers" >>"$WORK/objects.cfg"
    done
}

objects_apply() { quorate apply "$WORK/nagios.cfg" --timeout 60s; }
