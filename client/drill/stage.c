/* One drill from its first process to its report: the curtain opens, figures before, a rehearsal, the play, healing,
   another rehearsal, figures after, the judgement. */
#include "client/drill/stage.h"

#include "base/invariant.h"
#include "client/drill/box.h"
#include "client/drill/cast.h"
#include "client/drill/judge.h"
#include "client/drill/line.h"
#include "client/drill/load.h"
#include "client/drill/plan.h"
#include "client/drill/remarks.h"
#include "client/drill/report.h"
#include "client/drill/stream.h"
#include "client/durable.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

/* Deadlines are for machines that are busy with other stages. */
enum {
    FIGURES_MS = 3000, /* at least, and FIGURES_ACKS */
    FIGURES_ACKS = 20,
    FIGURES_S = 90,
    TOLD_S = 90,
    ACTIVE_S = 120,
    SHOWS_S = 5, /* not every lie can be seen */
    BEHIND = 32
};
static const char acks_path[] = BOX_DIR "/load.acks";

struct stage {
    struct scene scene;
    const struct drill *drill;
    const char *programs;
    int fd;
    pid_t loader;
    jmp_buf failure;
    struct buffer why; /* of the failure */
    time_ms wall;
    mono_ms loaded_at, after_at;
};

/* ---- the loader ---- */

static void start_load(struct stage *g) {
    struct scene *s = &g->scene;
    if (g->drill->cast.no_load) {
        return;
    }
    const char *const argv[] = {
        "quorate", "drill",   "load", "-c", scene_cluster_path(s), "-k", scene_key_path(s, "load"),
        "--acks",  acks_path, NULL};
    s->load = load_open(acks_path);
    g->loader = scene_spawn(s, "load", argv);
}

static bool enough_acks(struct scene *s, int64_t from) {
    load_read(s->load);
    mono_ms now = clock_mono();
    return now - from >= FIGURES_MS && load_figures(s->load, from, now).acks >= FIGURES_ACKS;
}

static bool first_ack(struct scene *s, int64_t unused) {
    (void)unused;
    load_read(s->load);
    return load_acks(s->load) > 0;
}

static void measure(struct stage *g, mono_ms *from, const char *what) {
    struct scene *s = &g->scene;
    *from = clock_mono();
    if (s->load != NULL &&
        (!scene_must(s, PROMISE_LIVENESS, FIGURES_S, first_ack, 0, "the loader's requests are acknowledged"))) {
        return;
    }
    *from = clock_mono();
    if (s->load != NULL) {
        scene_must(s, PROMISE_LIVENESS, FIGURES_S, enough_acks, *from, what);
    }
}

static void stop_load(struct stage *g) {
    if (g->scene.load != NULL) {
        scene_stop(&g->scene, g->loader);
        load_read(g->scene.load);
    }
}

/* ---- the play ---- */

static void lie_all(struct scene *s, void (*act)(struct scene *s, member_id who)) {
    const struct drill_traitor *t = s->drill->cast.traitors;
    for (unsigned i = 0; i < DRILL_TRAITORS_MAX && t[i].behaviour != NULL; i++) {
        act(s, t[i].member);
    }
}

/* An operator would see it: a traitor that doesn't answer, doesn't take part, lags, is suspected or proven to lie. */
static bool shows(struct scene *s, int64_t member) {
    struct replica_seen seen[MEMBERS_MAX];
    seq_no highest = 0;
    bool suspected = false;
    scene_look(s, seen);
    for (member_id m = 0; m < scene_members(s); m++) {
        highest = seen[m].reachable && seen[m].executed > highest ? seen[m].executed : highest;
        suspected |= seen[m].reachable && set_has(seen[m].suspects, (member_id)member);
    }
    const struct replica_seen *it = &seen[member];
    return suspected || !it->reachable || strcmp(it->phase, "ACTIVE") != 0 || it->executed + BEHIND < highest ||
           scene_convicted(s, member);
}

static bool any_shows(struct scene *s, int64_t unused) {
    const struct drill_traitor *t = s->drill->cast.traitors;
    (void)unused;
    for (unsigned i = 0; i < DRILL_TRAITORS_MAX && t[i].behaviour != NULL; i++) {
        if (shows(s, t[i].member)) {
            return true;
        }
    }
    return false;
}

static void usual_play(struct scene *s) {
    lie_all(s, scene_lies);
    if (scene_comes(s, SHOWS_S, any_shows, 0)) {
        scene_detected(s, "the replicas or their evidence show a traitor");
    }
    scene_acknowledged(s, 0);
    scene_outage(s, "web1", "http", STATE_CRITICAL);
    scene_outage(s, "db1", "sql", STATE_WARNING);
    scene_all_told(s, TOLD_S);
    scene_mended(s, "db1", "sql");
    scene_mended(s, "web1", "http");
    scene_all_told(s, TOLD_S);
    if (s->load != NULL) {
        scene_must(s, PROMISE_LIVENESS, TOLD_S, scene_acknowledged, FIGURES_ACKS,
                   "requests are acknowledged while the traitor lies");
    }
    lie_all(s, scene_honest);
}

static void count_bites(struct scene *s, uint64_t count, const char *what) {
    if (count > 0) {
        scene_bit(s, count, what);
    }
}

/* Each traitor must have done something by itself: what others were made to suffer is no bite of its. */
static void count_frames(struct scene *s, struct outcome *o) {
    const struct drill_traitor *t = s->drill->cast.traitors;
    for (unsigned i = 0; i < DRILL_TRAITORS_MAX && t[i].behaviour != NULL; i++) {
        uint64_t changed = cast_changed_frames(s->cast, t[i].member);
        o->changed_frames += changed;
        if (changed == 0) {
            o->idle |= set_of(t[i].member);
            scene_note(s, "replica %u changed nothing: %s", t[i].member, t[i].behaviour);
        }
    }
}

/* False: what was broken stays so, and nothing more can be rehearsed. */
static bool heal(struct scene *s) {
    cast_heal(s->cast);
    if (line_marks(s->line)->healed == LINE_NEVER) {
        scene_healed(s, "every fault is undone");
    }
    return scene_must(s, PROMISE_RECOVERY, ACTIVE_S, scene_all_active, 0,
                      "all replicas that are expected are active with one log");
}

static void play(struct stage *g) {
    struct scene *s = &g->scene;
    stream_start(s);
    start_load(g);
    measure(g, &g->loaded_at, "enough requests are acknowledged before the fault");
    scene_note(s, "rehearsed before the fault");
    scene_rehearse(s, TOLD_S);
    (g->drill->play != NULL ? g->drill->play : usual_play)(s);
    if (heal(s)) {
        scene_note(s, "rehearsed after the fault");
        scene_rehearse(s, TOLD_S);
        measure(g, &g->after_at, "enough requests are acknowledged after the fault");
        remarks_judge(s);
    } else {
        g->after_at = clock_mono();
    }
    stop_load(g);
}

/* ---- the end ---- */

static void put_figures(struct outcome *o, const struct stage *g) {
    const struct load *l = g->scene.load;
    const struct line_marks *m = line_marks(o->line);
    mono_ms from = m->injected != LINE_NEVER ? m->injected : m->healed;
    o->loaded = l != NULL;
    if (l != NULL) {
        o->before = load_figures(l, g->loaded_at, from);
        o->during = load_figures(l, from, m->healed);
        o->after = load_figures(l, g->after_at, o->ended);
    }
}

static json_t *judge(struct stage *g) {
    struct scene *s = &g->scene;
    struct outcome o = {.drill = g->drill, .line = s->line, .wall = g->wall, .ended = clock_mono()};
    put_figures(&o, g);
    count_frames(s, &o);
    o.killed = cast_killed(s->cast);
    count_bites(s, cast_dropped(s->cast), "packets dropped");
    count_bites(s, cast_lies_told(s->cast), "lies of observers");
    count_bites(s, cast_disk_faults(s->cast), "faults of disks");
    judge_crashes(s);
    o.lost = judge_durability(s);
    judge_alerts(s);
    judge_agreement(s);
    o.evidence = judge_evidence(s);
    uint64_t unlogged = judge_logs(s);
    judge_crashes(s); /* of the judgement itself, and of who was ended for it */
    o.lost = unlogged > o.lost ? unlogged : o.lost;
    o.alerts = plan_count(s->plan);
    o.ended = clock_mono();
    json_t *report = report_new(&o);
    json_decref(o.evidence);
    return report;
}

static int write_line(const struct stage *g, const char *key, json_t *value) {
    struct buffer line = {0};
    json_t *j = json_object();
    json_object_set_new(j, key, value);
    char *text = json_dumps(j, JSON_COMPACT);
    REQUIRE(text != NULL);
    buffer_printf(&line, "%s\n", text);
    bool good = durable_write_all(g->fd, buffer_bytes(&line));
    buffer_free(&line);
    free(text);
    json_decref(j);
    return good ? 0 : 1;
}

/* The logs' last lines are the only trace of what a failed stage did. */
static int write_failure(struct stage *g) {
    if (g->scene.cast != NULL) {
        buffer_u8(&g->why, '\n');
        cast_tails(g->scene.cast, &g->why);
    }
    json_t *why = json_string(buffer_cstr(&g->why));
    write_line(g, "error", why != NULL ? why : json_string("the stage failed: its logs: they are no UTF-8"));
    return 1;
}

static void fail(void *self, const char *why) {
    struct stage *g = self;
    buffer_printf(&g->why, "%s", why);
    longjmp(g->failure, 1);
}

static void open_stage(struct stage *g, const struct drill *d) {
    struct scene *s = &g->scene;
    s->drill = d;
    s->line = line_new(g->fd, clock_mono());
    s->plan = plan_new(d->cast.allowed, d->cast.notifiers <= 1, !stream_forgets(d));
    s->accused = json_array();
    scene_note(s, "the stage is built");
}

static void close_stage(struct stage *g) {
    struct scene *s = &g->scene;
    if (s->cast != NULL) {
        cast_close(s->cast);
    }
    line_free(s->line);
    plan_free(s->plan);
    load_close(s->load);
    json_decref(s->accused);
    buffer_free(&g->why);
}

/* A stage that fails because replicas stop themselves, or behind a false alert, has not failed: it found what drills
   look for. */
static int judge_failure(struct stage *g) {
    struct scene *s = &g->scene;
    judge_cut_short(s);
    if (line_all_kept(s->line)) {
        return write_failure(g);
    }
    scene_note(s, "the stage ends: %.500s", buffer_cstr(&g->why));
    return write_line(
        g, "report",
        report_new(&(struct outcome){
            .drill = g->drill, .line = s->line, .wall = g->wall, .ended = clock_mono(), .cut_short = true}));
}

static void say_alive(void *line) {
    line_alive(line, clock_mono());
}

static int perform(struct stage *g) {
    struct scene *s = &g->scene;
    if (setjmp(g->failure) != 0) {
        return judge_failure(g);
    }
    if (cast_open(&s->cast, g->drill, g->programs, (struct cast_life){say_alive, s->line}, &g->why) != ERR_OK) {
        return judge_failure(g);
    }
    cast_on_failure(s->cast, fail, g);
    scene_note(s, "the curtain opens: everything is well");
    play(g);
    return write_line(g, "report", judge(g));
}

int stage_play(const struct drill *d, const char *programs_dir, int fd) {
    struct stage *g = xcalloc(1, sizeof *g);
    *g = (struct stage){.drill = d, .programs = programs_dir, .fd = fd, .wall = clock_wall()};
    open_stage(g, d);
    int code = perform(g);
    close_stage(g);
    free(g);
    return code;
}
