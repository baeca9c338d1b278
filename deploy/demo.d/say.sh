# How the story is told: headings, sentences, commands with their real output, waits that show progress, promises that
# are kept or broken. A wait that runs out and a promise that breaks end in the closing line and a failure.

BROKEN=0

now_ms() { echo $(($(date +%s%N) / 1000000)); }
seconds() { printf '%d.%d s' $(($1 / 1000)) $(($1 % 1000 / 100)); }

part() { # part NUMBER TITLE
    printf '\n== %s. %s\n' "$1" "$2"
}
say() { printf '%s\n' "$*" | fold -s -w 96 | sed 's/^/   /; s/ *$//'; }
quote() { cut -c1-"${1:-116}" | sed 's/^/     | /'; } # output of a program, cut to one screen line each

show() { # show VERB ...: the command as a user would type it, and what it prints
    printf '     $ quorate %s\n' "$*"
    quorate "$@" 2>&1 | quote
}

await() { # await SECONDS WHAT COMMAND...: the story stops when it does not come true in time
    local limit=$1 what=$2 began last now; shift 2
    began=$(now_ms) last=$(now_ms)
    printf '   %-72s' "$what"
    until "$@" >/dev/null 2>&1; do
        now=$(now_ms)
        if [ $((now - began)) -gt $((limit * 1000)) ]; then
            printf ' NOT within %s s\n' "$limit"
            BROKEN=$((BROKEN + 1))
            stop_story
        fi
        [ $((now - last)) -lt 1000 ] || { printf .; last=$now; }
        sleep 0.2
    done
    printf ' %s\n' "$(seconds $(($(now_ms) - began)))"
}

promise() { # promise WHAT COMMAND...: the story goes on, but the demo fails when it is broken
    local what=$1; shift
    if "$@" >"$WORK/promise.out" 2>&1; then
        printf '   kept: %s\n' "$what"
    else
        printf '   BROKEN: %s\n' "$what"
        tail -5 "$WORK/promise.out" | quote
        BROKEN=$((BROKEN + 1))
    fi
}
