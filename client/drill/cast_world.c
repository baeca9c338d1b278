/* The watched world of a stage: files that say how hosts and services are, a plugin that reads them, agents that run
   the plugin, notifiers that hand alerts to the sink. Plugins of agents that root started run as nobody, so what they
   read is open to all. */
#include "base/clock.h"
#include "client/drill/cast_parts.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char plugin[] =
    "#!/bin/sh\n"
    "# plugin OBSERVER HOST [SERVICE]: the truth about it, or what the observer is made to say instead\n"
    "w=" CAST_WORLD "\n"
    "read -r truth <\"$w/truth/$2:$3\" || truth=3\n"
    "state=$truth\n"
    "for lie in \"$w/lie/$1\" \"$w/lie/$1:$3\"; do\n"
    "    [ -r \"$lie\" ] && read -r said percent <\"$lie\" || continue\n"
    "    if [ \"$percent\" -lt 100 ]; then\n"
    "        draw=$(od -An -tu2 -N2 /dev/urandom)\n"
    "        [ $((draw % 100)) -lt \"$percent\" ] || continue\n"
    "    fi\n"
    "    state=$said\n"
    "done\n"
    "[ \"$state\" = \"$truth\" ] || printf . >>\"$w/told/$1\"\n"
    "case $state in 0) word=OK ;; 1) word=WARNING ;; 2) word=CRITICAL ;; *) word=UNKNOWN ;; esac\n"
    "echo \"$word - as $1 sees it\"\n"
    "exit \"$state\"\n";

static const char sink[] =
    "#!/bin/sh\n"
    "# sink NUMBER TYPE HOST SERVICE HOSTSTATE SERVICESTATE\n"
    "[ ! -e " CAST_SINK_DOWN " ] || exit 1\n"
    "if [ -n \"$4\" ]; then state=$6; else state=$5; fi\n"
    "printf '%s\\t%s\\t%s\\t%s\\t%s\\t%s\\n' \"$1\" \"$2\" \"$3\" \"$4\" \"$state\" \"$(date +%s%3N)\" >>" CAST_SINK
    "\n";

static const struct {
    const char *host, *service;
} watched[] = {{"web1", ""}, {"db1", ""}, {"web1", "http"}, {"web1", "ssh"}, {"db1", "sql"}};
enum { WATCHED = sizeof watched / sizeof *watched };

/* ---- files ---- */

void cast_truth(struct cast *c, const char *host, const char *service, unsigned state) {
    char path[256], text[16];
    snprintf(path, sizeof path, CAST_WORLD "/truth/%s:%s", host, service);
    snprintf(text, sizeof text, "%u\n", state);
    if (!cast_put_file(path, bytes_of_text(text), 0644)) {
        cast_fail(c, "the truth cannot be written: %s: make room in memory", path);
    }
}

static bool make_directories(void) {
    return mkdir(CAST_WORLD, 0755) == 0 && mkdir(CAST_WORLD "/truth", 0755) == 0 &&
           mkdir(CAST_WORLD "/lie", 0755) == 0 && mkdir(CAST_WORLD "/told", 0777) == 0 &&
           chmod(CAST_WORLD "/told", 01777) == 0;
}

enum error cast_make_world(struct cast *c, struct buffer *why) {
    bool good = make_directories() && cast_put_file(CAST_WORLD "/plugin", bytes_of_text(plugin), 0755) &&
                cast_put_file(CAST_WORLD "/sink", bytes_of_text(sink), 0755) &&
                cast_put_file(CAST_SINK, bytes_of("", 0), 0644);
    if (!good) {
        buffer_printf(why, "the watched world cannot be written: %s: make room in memory", CAST_WORLD);
        return ERR_IO;
    }
    for (unsigned i = 0; i < WATCHED; i++) {
        cast_truth(c, watched[i].host, watched[i].service, 0);
    }
    return ERR_OK;
}

uint64_t cast_lies_told(const struct cast *c) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < c->observers; i++) {
        char path[64];
        snprintf(path, sizeof path, CAST_WORLD "/told/%s", c->agent[i].name);
        sum += (uint64_t)cast_file_size(path);
    }
    return sum;
}

/* ---- agents ---- */

static struct agent_cast *agent(struct cast *c, const char *observer) {
    for (unsigned i = 0; i < c->observers; i++) {
        if (strcmp(c->agent[i].name, observer) == 0) {
            return &c->agent[i];
        }
    }
    cast_fail(c, "no observer is called %s: %s: correct the drill", observer, c->drill->name);
}

static bool write_checks(const char *name, const char *path) {
    struct buffer text = {0};
    buffer_printf(&text, "checks:\n");
    for (unsigned i = 0; i < WATCHED; i++) {
        buffer_printf(&text, "  - { host: %s, ", watched[i].host);
        if (*watched[i].service) {
            buffer_printf(&text, "service: %s, ", watched[i].service);
        }
        buffer_printf(&text, "interval: 1s, timeout: 20s, command: [" CAST_WORLD "/plugin, %s, %s, \"%s\"] }\n", name,
                      watched[i].host, watched[i].service);
    }
    bool good = cast_put_file(path, buffer_bytes(&text), 0644);
    buffer_free(&text);
    return good;
}

enum error cast_start_agent(struct cast *c, unsigned which, struct buffer *why) {
    struct agent_cast *a = &c->agent[which];
    char key[64], checks[64], spool[64], log[64], name[24];
    snprintf(key, sizeof key, CAST_KEYS "/%s.key", a->name);
    snprintf(checks, sizeof checks, BOX_DIR "/agent-%s.yaml", a->name);
    snprintf(spool, sizeof spool, BOX_DIR "/agent-%s.spool", a->name);
    snprintf(log, sizeof log, CAST_LOGS "/agent-%s.log", a->name);
    if (!write_checks(a->name, checks)) {
        buffer_printf(why, "cannot be written: %s: make room in memory", checks);
        return ERR_IO;
    }
    static const char cluster[] = CAST_CLUSTER;
    const char *argv[] = {c->quorate, "agent", "-c", cluster, "-k", key, "--checks", checks, "--spool", spool, NULL};
    struct process_job job = {.path = c->quorate, .argv = argv, .err = log, .net = -1};
    snprintf(name, sizeof name, "agent-%s", a->name);
    cast_note_end(c, name, &a->process);
    a->stopped = false;
    return process_start(&a->process, &job, why);
}

void scene_agent_stop(struct scene *s, const char *observer) {
    struct agent_cast *a = agent(s->cast, observer);
    char what[64], name[24];
    snprintf(name, sizeof name, "agent-%s", a->name);
    cast_stop(s->cast, name, &a->process);
    a->stopped = true;
    snprintf(what, sizeof what, "the agent of observer %s is stopped", observer);
    scene_injected(s, what);
    scene_bit(s, 1, what);
}

static void start_agent(struct cast *c, struct agent_cast *a) {
    struct buffer why = {0};
    if (!process_runs(&a->process) && cast_start_agent(c, (unsigned)(a - c->agent), &why) != ERR_OK) {
        cast_fail(c, "%s", buffer_cstr(&why));
    }
    buffer_free(&why);
}

void scene_agent_start(struct scene *s, const char *observer) {
    start_agent(s->cast, agent(s->cast, observer));
    scene_note(s, "the agent of observer %s is started again", observer);
}

void scene_observer_says(struct scene *s, const char *observer, const char *service, unsigned state, unsigned percent) {
    char path[256], text[32], what[160];
    agent(s->cast, observer);
    snprintf(path, sizeof path, CAST_WORLD "/lie/%s%s%s", observer, service ? ":" : "", service ? service : "");
    snprintf(text, sizeof text, "%u %u\n", state, percent);
    if (percent == 0) {
        unlink(path);
        scene_note(s, "observer %s is honest about %s again", observer, service ? service : "all");
        return;
    }
    if (!cast_put_file(path, bytes_of_text(text), 0644)) {
        cast_fail(s->cast, "a lie cannot be written: %s: make room in memory", path);
    }
    snprintf(what, sizeof what, "observer %s says %u about %s, %u %% of the time", observer, state,
             service ? service : "all", percent);
    scene_injected(s, what);
}

int scene_submit(struct scene *s, const char *observer, const char *lines, struct buffer *out) {
    const char *words[] = {"submit", "--timeout", "20s", NULL};
    return cast_verb(s->cast, observer, words, bytes_of_text(lines), out, out, 40000);
}

/* ---- notifiers ---- */

static bool write_config(void) {
    static const char text[] =
        "handlers:\n"
        "  - name: sink\n"
        "    command: [" CAST_WORLD "/sink, \"$QUORATE_ALERT_NUMBER$\", \"$NOTIFICATIONTYPE$\", \"$HOSTNAME$\",\n"
        "              \"$SERVICEDESC$\", \"$HOSTSTATEID$\", \"$SERVICESTATEID$\"]\n";
    return cast_put_file(BOX_DIR "/notify.yaml", bytes_of_text(text), 0644);
}

/* Of two the second waits for what the first hands over. */
enum error cast_start_notifier(struct cast *c, unsigned which, struct buffer *why) {
    char key[64], state[64], log[64], name[16];
    snprintf(name, sizeof name, "notify-%u", which);
    snprintf(key, sizeof key, CAST_KEYS "/%s.key", name);
    snprintf(state, sizeof state, BOX_DIR "/%s.state", name);
    snprintf(log, sizeof log, CAST_LOGS "/%s.log", name);
    if (!write_config()) {
        buffer_printf(why, "cannot be written: %s: make room in memory", BOX_DIR "/notify.yaml");
        return ERR_IO;
    }
    static const char cluster[] = CAST_CLUSTER, config[] = BOX_DIR "/notify.yaml";
    const char *argv[20] = {c->quorate, "notify", "-c", cluster, "--config", config, "--state", state, "--since", "0"};
    unsigned count = 10;
    if (c->notifiers > 1) {
        argv[count++] = "-k";
        argv[count++] = key;
        argv[count++] = "--instance";
        argv[count++] = name;
    }
    if (which > 0) {
        argv[count++] = "--standby-after";
        argv[count++] = "5s";
    }
    struct process_job job = {.path = c->quorate, .argv = argv, .err = log, .net = -1};
    cast_note_end(c, name, &c->notifier[which]);
    c->notifier_killed[which] = false;
    return process_start(&c->notifier[which], &job, why);
}

static void need_notifier(struct cast *c, unsigned which) {
    if (which >= c->notifiers) {
        cast_fail(c, "there are %u notifiers: %s: correct the drill", c->notifiers, c->drill->name);
    }
}

void scene_notify_kill(struct scene *s, unsigned which) {
    char what[64], name[24];
    need_notifier(s->cast, which);
    s->cast->killed += process_runs(&s->cast->notifier[which]);
    snprintf(name, sizeof name, "notify-%u", which);
    cast_kill(s->cast, name, &s->cast->notifier[which]);
    s->cast->notifier_killed[which] = true;
    snprintf(what, sizeof what, "notifier %u is killed", which);
    scene_injected(s, what);
}

static void start_notifier(struct cast *c, unsigned which) {
    struct buffer why = {0};
    need_notifier(c, which);
    if (!process_runs(&c->notifier[which]) && cast_start_notifier(c, which, &why) != ERR_OK) {
        cast_fail(c, "%s", buffer_cstr(&why));
    }
    buffer_free(&why);
}

void scene_notify_start(struct scene *s, unsigned which) {
    start_notifier(s->cast, which);
    scene_note(s, "notifier %u is started again", which);
}

void scene_sink_down(struct scene *s, bool down) {
    if (!down) {
        unlink(CAST_SINK_DOWN);
        scene_note(s, "the sink takes messages again");
        return;
    }
    if (!cast_put_file(CAST_SINK_DOWN, bytes_of("", 0), 0644)) {
        cast_fail(s->cast, "cannot be written: %s: make room in memory", CAST_SINK_DOWN);
    }
    scene_injected(s, "the sink refuses all messages");
    scene_bit(s, 1, "the sink refuses all messages");
}

/* ---- after a play ---- */

void cast_heal_world(struct cast *c) {
    unlink(CAST_SINK_DOWN);
    if (!cast_remove_tree(CAST_WORLD "/lie") || mkdir(CAST_WORLD "/lie", 0755) != 0) {
        cast_fail(c, "the lies cannot be removed: %s: look at it", CAST_WORLD "/lie");
    }
    for (unsigned i = 0; i < c->observers; i++) {
        start_agent(c, &c->agent[i]);
    }
    for (unsigned i = 0; i < c->notifiers; i++) {
        start_notifier(c, i);
    }
}
