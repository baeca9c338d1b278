# KEEP=1: the cluster goes on when the story ends; what to try next, and a script that ends it.

write_stop() { # also ends what the user started in that directory since then
    cat >"$WORK/stop" <<SH
#!/bin/sh
# Ends the kept demo: its processes, its ports' reservation, its files.
for process in /proc/[0-9]*; do
    line=\$(tr '\\0' ' ' 2>/dev/null <"\$process/cmdline")
    case \$line in
    */quorate*" $WORK/"* | *busybox*" $WORK/"*) kill -KILL "\${process#/proc/}" ;;
    esac
done 2>/dev/null
rmdir "$PORT_LOCK" 2>/dev/null
rm -rf "$WORK"
SH
    chmod 755 "$WORK/stop"
}
keep_running() {
    local quorate="$BUILD/quorate" options="-c $CLUSTER/cluster.yaml -k $CLUSTER/keys/operator.key"
    write_stop
    trap - EXIT INT TERM HUP
    cat <<TEXT

The cluster goes on. What to try next:

   $quorate status $options
   $quorate replicas $options
   $quorate alerts $options --follow
   tail -f $WORK/pager.txt
   kill ${SERVICE_PID[web1/http]:-}    # the web server of web1: an alert, once
   busybox httpd -p 127.0.0.1:$(service_port web1/http) -h $WORK/www    # starts it again
   kill -9 ${REPLICA_PID[0]:-}    # replica 0; start it again with:
   $BUILD/quorated -c $CLUSTER/cluster.yaml -i 0 -k $CLUSTER/keys/replica-0.key -d $WORK/r0.data

To end it and remove every trace:

   $WORK/stop
TEXT
    disown -a
    exit "$((BROKEN != 0))"
}
