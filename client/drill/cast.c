/* Puts a cast on the stage and takes it off again: the cluster, its replicas, the watched world, agents and notifiers,
   in the order in which an operator would. */
#include "base/clock.h"
#include "client/drill/cast_parts.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READY_MS = 120000, WELL_MS = 180000, ALIVE_EVERY_MS = 10000, TAIL_LINES = 6, TAIL_BYTES = 4096 };

/* ---- waiting and failing ---- */

void cast_alive(void *self) {
    struct cast *c = self;
    mono_ms now = clock_mono();
    if (c->life.alive && now - c->alive_at >= ALIVE_EVERY_MS) {
        c->alive_at = now;
        c->life.alive(c->life.self);
    }
}

bool cast_await(bool (*is)(struct cast *c, int64_t argument), struct cast *c, int64_t argument, int64_t ms) {
    mono_ms deadline = clock_mono() + ms;
    while (!is(c, argument)) {
        if (clock_mono() >= deadline) {
            return false;
        }
        cast_alive(c);
        clock_sleep(CAST_POLL_MS);
    }
    return true;
}

void cast_on_failure(struct cast *c, void (*failed)(void *self, const char *why), void *self) {
    c->failed = failed;
    c->failed_self = self;
}

void cast_fail(struct cast *c, const char *format, ...) {
    char text[2048];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    if (c->failed) {
        c->failed(c->failed_self, text);
    }
    fprintf(stderr, "quorate: drill: %s\n", text);
    _exit(1);
}

/* ---- opening ---- */

static char *path_of(const char *dir, const char *name) {
    struct buffer path = {0};
    buffer_printf(&path, "%s/%s", dir, name);
    char *text = xstrdup(buffer_cstr(&path));
    buffer_free(&path);
    return text;
}

/* Beside the programs where they were built; installed, in the directory for libraries. */
static char *find_disk_library(const char *programs) {
    char *beside = path_of(programs, "quorate-disk.so");
    if (access(beside, R_OK) == 0) {
        return beside;
    }
    free(beside);
    return path_of(programs, "../lib/quorate/quorate-disk.so");
}

static enum error find_programs(struct cast *c, const char *dir, struct buffer *why) {
    char real[PATH_MAX];
    if (!realpath(dir, real)) {
        buffer_printf(why, "%s: %s: name the directory of quorate and quorated", strerror(errno), dir);
        return ERR_NOT_FOUND;
    }
    c->programs = xstrdup(real);
    c->quorate = path_of(real, "quorate");
    c->quorated = path_of(real, "quorated");
    c->disk_library = find_disk_library(real);
    const char *needed[] = {c->quorate, c->quorated, c->drill->cast.disks ? c->disk_library : c->quorate};
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        if (access(needed[i], R_OK) != 0) {
            buffer_printf(why, "%s: %s: install all of quorate in one place", strerror(errno), needed[i]);
            return ERR_NOT_FOUND;
        }
    }
    return ERR_OK;
}

static enum error make_directories(struct buffer *why) {
    static const char *const dirs[] = {CAST_LOGS, CAST_DATA, CAST_DISKS};
    for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) {
        if (mkdir(dirs[i], 0755) != 0) {
            buffer_printf(why, "%s: %s: play in a box of its own", strerror(errno), dirs[i]);
            return ERR_IO;
        }
    }
    return ERR_OK;
}

bool cast_any_ended(struct cast *c) {
    for (member_id m = 0; m < c->members; m++) {
        struct process *p = &c->replica[m].process;
        if (!process_runs(p) && p->ended) {
            return true;
        }
    }
    return false;
}

/* Until it is so, or a replica has ended, behind which nothing is worth waiting for. */
static bool await_opening(bool (*is)(struct cast *c), struct cast *c, int64_t ms) {
    mono_ms deadline = clock_mono() + ms;
    while (!is(c)) {
        if (clock_mono() >= deadline || cast_any_ended(c)) {
            return false;
        }
        cast_alive(c);
        clock_sleep(CAST_POLL_MS);
    }
    return true;
}

static bool all_ready(struct cast *c) {
    for (member_id m = 0; m < c->members; m++) {
        if (!cast_replica_ready(m)) {
            return false;
        }
    }
    return true;
}

static enum error start_replicas(struct cast *c, struct buffer *why) {
    enum error e = ERR_OK;
    for (member_id m = 0; m < c->members && e == ERR_OK; m++) {
        e = cast_start_replica(c, m, why);
    }
    if (e == ERR_OK && !await_opening(all_ready, c, READY_MS)) {
        buffer_printf(why, "the replicas don't get ready: %s: the last lines of their logs say why\n", CAST_LOGS);
        e = ERR_TIMED_OUT;
    }
    return e;
}

static enum error start_clients(struct cast *c, struct buffer *why) {
    enum error e = ERR_OK;
    for (unsigned i = 0; i < c->observers && e == ERR_OK; i++) {
        e = cast_start_agent(c, i, why);
    }
    for (unsigned i = 0; i < c->notifiers && e == ERR_OK; i++) {
        e = cast_start_notifier(c, i, why);
    }
    return e;
}

static enum error await_well(struct cast *c, struct buffer *why) {
    if (await_opening(cast_all_well, c, WELL_MS)) {
        return ERR_OK;
    }
    buffer_printf(why, "not every object became OK: %s: the last lines of the agents' logs say why\n", CAST_LOGS);
    return ERR_TIMED_OUT;
}

static enum error set_stage(struct cast *c, const char *programs_dir, struct buffer *why) {
    enum error e = find_programs(c, programs_dir, why);
    e = e == ERR_OK ? make_directories(why) : e;
    e = e == ERR_OK ? cast_make_cluster(c, why) : e;
    e = e == ERR_OK && c->drill->cast.network ? cast_make_network(c, why) : e;
    e = e == ERR_OK ? cast_make_world(c, why) : e;
    e = e == ERR_OK ? start_replicas(c, why) : e;
    e = e == ERR_OK ? cast_make_objects(c, why) : e;
    e = e == ERR_OK ? start_clients(c, why) : e;
    return e == ERR_OK ? await_well(c, why) : e;
}

static void assign_parts(struct cast *c, const struct drill *d) {
    c->drill = d;
    c->members = d->cast.members ? d->cast.members : 4;
    c->observers = d->cast.observers ? d->cast.observers : 3;
    c->notifiers = d->cast.notifiers ? d->cast.notifiers : 1;
    for (unsigned i = 0; i < MEMBERS_MAX; i++) {
        c->replica[i].net = -1;
    }
    for (unsigned i = 0; i < DRILL_TRAITORS_MAX && d->cast.traitors[i].behaviour; i++) {
        c->replica[d->cast.traitors[i].member].behaviour = d->cast.traitors[i].behaviour;
    }
    for (unsigned i = 0; i < CAST_OBSERVERS_MAX; i++) {
        snprintf(c->agent[i].name, sizeof c->agent[i].name, "%c", (char)('a' + i));
    }
}

enum error cast_open(struct cast **out, const struct drill *d, const char *programs_dir, struct cast_life life,
                     struct buffer *why) {
    struct cast *c = xcalloc(1, sizeof *c);
    c->life = life;
    assign_parts(c, d);
    enum error e = ERR_OK;
    if (c->members > MEMBERS_MAX || c->observers > CAST_OBSERVERS_MAX || c->notifiers > DRILL_NOTIFIERS_MAX) {
        buffer_printf(why, "a cast too large: %s: correct the drill", d->name);
        c->members = c->observers = c->notifiers = 0;
        e = ERR_OUT_OF_RANGE;
    }
    e = e == ERR_OK ? set_stage(c, programs_dir, why) : e;
    for (member_id m = 0; e == ERR_OK && m < c->members; m++) {
        struct buffer path = {0};
        buffer_printf(&path, CAST_LOGS "/replica-%u.log", m);
        c->replica[m].logged_from = cast_file_size(buffer_cstr(&path));
        buffer_free(&path);
    }
    *out = c;
    return e;
}

/* ---- healing and closing ---- */

static void heal_replica(struct cast *c, member_id who) {
    struct replica_cast *r = &c->replica[who];
    char name[24];
    if (r->process.paused) {
        process_signal(&r->process, SIGCONT);
    }
    if (r->disk_fault) {
        cast_disk_fault(c, who, 0);
    }
    if (r->lying) {
        cast_set_lying(c, who, false);
    }
    if (c->twinned[who]) {
        cast_kill(c, cast_name_of_replica(name, who), &r->process); /* as an operator does once the twin is gone */
    }
    if (!r->given_up && !process_runs(&r->process)) {
        struct buffer why = {0};
        if (cast_start_replica(c, who, &why) != ERR_OK) {
            cast_fail(c, "%s", buffer_cstr(&why));
        }
        buffer_free(&why);
    }
}

void cast_heal(struct cast *c) {
    cast_kill(c, "twin", &c->twin);
    if (c->drill->cast.network) {
        cast_mend_network(c);
    }
    for (member_id m = 0; m < c->members; m++) {
        heal_replica(c, m);
    }
    cast_heal_world(c);
}

unsigned cast_killed(const struct cast *c) {
    return c->killed;
}

bool cast_given_up(const struct cast *c, member_id who) {
    return c->replica[who].given_up;
}

uint64_t cast_changed_frames(struct cast *c, member_id who) {
    const struct replica_cast *r = &c->replica[who];
    return r->bites + (r->behaviour ? cast_counter(c, who, "frames_changed") : 0);
}

const char *cast_sink_path(const struct cast *c) {
    (void)c;
    return CAST_SINK;
}

void cast_close(struct cast *c) {
    if (!c) {
        return;
    }
    for (unsigned i = 0; i < CAST_EXTRAS_MAX; i++) {
        process_kill(&c->extra[i].process);
    }
    for (unsigned i = 0; i < DRILL_NOTIFIERS_MAX; i++) {
        process_kill(&c->notifier[i]);
    }
    for (unsigned i = 0; i < CAST_OBSERVERS_MAX; i++) {
        process_kill(&c->agent[i].process);
    }
    process_kill(&c->twin);
    for (unsigned i = 0; i < MEMBERS_MAX; i++) {
        process_kill(&c->replica[i].process);
    }
    cast_close_network(c);
    cluster_free(c->cluster);
    free(c->quorate);
    free(c->quorated);
    free(c->disk_library);
    free(c->programs);
    free(c);
}

/* ---- logs ---- */

static void put_tail(struct buffer *out, const char *process) {
    struct buffer path = {0}, text = {0};
    cast_log_path(&path, process);
    off_t size = cast_file_size(buffer_cstr(&path));
    if (size > 0 && cast_take_file(buffer_cstr(&path), size > TAIL_BYTES ? size - TAIL_BYTES : 0, &text)) {
        size_t from = text.len, lines = 0;
        while (from > 0 && (lines += text.data[from - 1] == '\n') <= TAIL_LINES) {
            from--;
        }
        buffer_printf(out, "%s.log:\n", process);
        buffer_put(out, text.data + from, text.len - from);
    }
    buffer_free(&path);
    buffer_free(&text);
}

void cast_tails(struct cast *c, struct buffer *out) {
    char name[32];
    for (member_id m = 0; m < c->members; m++) {
        snprintf(name, sizeof name, "replica-%u", m);
        put_tail(out, name);
    }
    for (unsigned i = 0; i < c->observers; i++) {
        snprintf(name, sizeof name, "agent-%s", c->agent[i].name);
        put_tail(out, name);
    }
    for (unsigned i = 0; i < c->notifiers; i++) {
        snprintf(name, sizeof name, "notify-%u", i);
        put_tail(out, name);
    }
    for (unsigned i = 0; i < CAST_EXTRAS_MAX; i++) {
        if (*c->extra[i].name) {
            put_tail(out, c->extra[i].name);
        }
    }
}
