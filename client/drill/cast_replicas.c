/* The replicas of a stage as processes: started, killed, paused, lying; their disks copied, put back and lost. */
#include "client/drill/cast_parts.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum { SIGNALS_MS = 30000, TOGGLED_MS = 30000, TWIN_PORT = 200 };

static struct replica_cast *replica(struct cast *c, member_id who) {
    if (who >= c->members) {
        cast_fail(c, "the drill speaks of replica %u of %u: %s: correct the drill", who, c->members, c->drill->name);
    }
    return &c->replica[who];
}

static void check(struct cast *c, enum error e, struct buffer *why) {
    if (e != ERR_OK) {
        cast_fail(c, "%s", buffer_cstr(why));
    }
    buffer_free(why);
}

/* ---- starting ---- */

struct arguments {
    const char *argv[CAST_ARGS_MAX];
    unsigned count;
    struct arena arena;
};

static void add(struct arguments *a, const char *word) {
    if (a->count + 1 < CAST_ARGS_MAX) {
        a->argv[a->count++] = arena_text(&a->arena, bytes_of_text(word));
    }
}

static void add_options(struct arguments *a, const char *words) {
    for (words += strspn(words, " "); *words; words += strspn(words, " ")) {
        size_t len = strcspn(words, " ");
        if (a->count + 1 < CAST_ARGS_MAX) {
            a->argv[a->count++] = arena_text(&a->arena, bytes_of(words, len));
        }
        words += len;
    }
}

static void add_behaviour(struct arguments *a, const struct replica_cast *r) {
    struct buffer text = {0};
    if (r->behaviour) {
        buffer_printf(&text, "%s%s", r->lying ? "" : "later:", r->behaviour);
        add(a, "--behave");
        add(a, buffer_cstr(&text));
    }
    buffer_free(&text);
}

static enum error start(struct cast *c, member_id who, struct process *p, const char *cluster, const char *directory,
                        const char *log, struct buffer *why) {
    struct replica_cast *r = &c->replica[who];
    struct arguments a = {0};
    char id[8], key[64], out[64], err[64], preload[4096], fault[64], ledger[64], below[64];
    snprintf(id, sizeof id, "%u", who);
    snprintf(key, sizeof key, CAST_KEYS "/replica-%u.key", who);
    snprintf(out, sizeof out, CAST_LOGS "/%s.out", log);
    snprintf(err, sizeof err, CAST_LOGS "/%s.log", log);
    const char *words[] = {c->quorated, "-c", cluster, "-i", id, "-k", key, "-d", directory};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        add(&a, words[i]);
    }
    add_options(&a, c->drill->cast.replica_options ? c->drill->cast.replica_options : "");
    add_behaviour(&a, r);
    snprintf(preload, sizeof preload, "LD_PRELOAD=%s", c->disk_library);
    snprintf(fault, sizeof fault, "QUORATE_DISK_FAULT=" CAST_DISKS "/%u.fault", who);
    snprintf(ledger, sizeof ledger, "QUORATE_DISK_SYNCED=" CAST_DISKS "/%s.synced", log);
    snprintf(below, sizeof below, "QUORATE_DISK_DIR=%s", directory);
    const char *env[] = {preload, fault, ledger, below, NULL};
    struct process_job job = {.path = c->quorated,
                              .argv = a.argv,
                              .env = c->drill->cast.disks ? env : NULL,
                              .out = out,
                              .err = err,
                              .net = r->net};
    enum error e = process_start(p, &job, why);
    arena_free(&a.arena);
    return e;
}

static void names(member_id who, char log[32], char directory[64]) {
    snprintf(log, 32, "replica-%u", who);
    snprintf(directory, 64, CAST_DATA "/r%u", who);
}

enum error cast_start_replica(struct cast *c, member_id who, struct buffer *why) {
    struct replica_cast *r = replica(c, who);
    char log[32], directory[64];
    names(who, log, directory);
    cast_note_end(c, log, &r->process);
    r->down = false;
    c->twinned[who] = false;
    return start(c, who, &r->process, CAST_CLUSTER, directory, log, why);
}

bool cast_replica_ready(member_id who) {
    struct buffer text = {0};
    char path[64];
    snprintf(path, sizeof path, CAST_LOGS "/replica-%u.out", who);
    bool ready = cast_take_file(path, 0, &text) && strstr(buffer_cstr(&text), "ready\n") != NULL;
    buffer_free(&text);
    return ready;
}

void scene_start(struct scene *s, member_id who) {
    struct buffer why = {0};
    struct replica_cast *r = replica(s->cast, who);
    if (process_runs(&r->process)) {
        return;
    }
    check(s->cast, cast_start_replica(s->cast, who, &why), &why);
    scene_note(s, "replica %u is started again", who);
}

/* ---- lying ---- */

/* A signal that comes before the process takes signals would end it. */
static bool takes_signals(struct cast *c, int64_t who) {
    struct buffer text = {0};
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/status", (int)c->replica[who].process.pid);
    const char *at = cast_take_file(path, 0, &text) ? strstr(buffer_cstr(&text), "\nSigBlk:") : NULL;
    unsigned long long blocked = at ? strtoull(at + strlen("\nSigBlk:"), NULL, 16) : 0;
    buffer_free(&text);
    return !process_runs(&c->replica[who].process) || (blocked >> (SIGUSR2 - 1) & 1u);
}

/* "lies=1" in the log behind where it stood. */
struct toggled {
    off_t from;
    member_id who;
    bool lies;
};
static bool has_toggled(struct cast *c, int64_t argument) {
    const struct toggled *t = (const struct toggled *)(intptr_t)argument;
    struct buffer text = {0};
    char path[64];
    snprintf(path, sizeof path, CAST_LOGS "/replica-%u.log", t->who);
    bool seen = cast_take_file(path, t->from, &text) && strstr(buffer_cstr(&text), t->lies ? " lies=1" : " lies=0");
    buffer_free(&text);
    return seen || !process_runs(&c->replica[t->who].process);
}

void cast_set_lying(struct cast *c, member_id who, bool lies) {
    struct replica_cast *r = replica(c, who);
    char path[64];
    snprintf(path, sizeof path, CAST_LOGS "/replica-%u.log", who);
    if (!r->behaviour) {
        cast_fail(c, "replica %u has no behaviour to lie by: %s: correct the drill", who, c->drill->name);
    }
    if (r->lying == lies) {
        return;
    }
    r->lying = lies;
    if (r->process.paused || !process_runs(&r->process)) {
        return; /* one that is down lies, or not, from its start on */
    }
    struct toggled t = {cast_file_size(path), who, lies};
    if (!cast_await(takes_signals, c, who, SIGNALS_MS)) {
        cast_fail(c, "replica %u takes no signals: %s: look at its end", who, path);
    }
    process_signal(&r->process, SIGUSR2);
    if (!cast_await(has_toggled, c, (intptr_t)&t, TOGGLED_MS)) {
        cast_fail(c, "replica %u does not %s: %s: look at its end", who, lies ? "begin to lie" : "stop lying", path);
    }
}

void scene_lies(struct scene *s, member_id who) {
    char what[128];
    cast_set_lying(s->cast, who, true);
    snprintf(what, sizeof what, "replica %u lies: %s", who, s->cast->replica[who].behaviour);
    scene_injected(s, what);
}

void scene_honest(struct scene *s, member_id who) {
    cast_set_lying(s->cast, who, false);
    scene_note(s, "replica %u is honest again", who);
}

/* ---- killing and pausing ---- */

void cast_kill_replica(struct cast *c, member_id who) {
    struct replica_cast *r = replica(c, who);
    if (r->behaviour) {
        r->bites += cast_counter(c, who, "frames_changed");
    }
    char name[24];
    bool ran = process_runs(&r->process);
    cast_kill(c, cast_name_of_replica(name, who), &r->process);
    c->killed += ran;
    r->down = true;
}

void scene_kill(struct scene *s, member_id who) {
    char what[64];
    cast_kill_replica(s->cast, who);
    snprintf(what, sizeof what, "replica %u is killed", who);
    scene_injected(s, what);
}

void scene_pause(struct scene *s, member_id who) {
    char what[64];
    process_signal(&replica(s->cast, who)->process, SIGSTOP);
    snprintf(what, sizeof what, "replica %u is stopped", who);
    scene_injected(s, what);
    scene_bit(s, 1, what);
}

void scene_hold(struct scene *s, member_id who) {
    process_signal(&replica(s->cast, who)->process, SIGSTOP);
    scene_note(s, "replica %u stands still", who);
}

void scene_resume(struct scene *s, member_id who) {
    process_signal(&replica(s->cast, who)->process, SIGCONT);
    scene_note(s, "replica %u goes on", who);
}

bool scene_ended(struct scene *s, member_id who, int *status) {
    struct replica_cast *r = replica(s->cast, who);
    if (process_runs(&r->process) || !r->process.ended) {
        return false;
    }
    r->process.asked = true;
    if (status) {
        *status = WIFEXITED(r->process.status) ? WEXITSTATUS(r->process.status) : 128 + WTERMSIG(r->process.status);
    }
    return true;
}

void scene_given_up(struct scene *s, member_id who) {
    replica(s->cast, who)->given_up = true;
}

/* ---- directories ---- */

const char *scene_dir(struct scene *s, member_id who) {
    static char path[MEMBERS_MAX][64];
    replica(s->cast, who);
    snprintf(path[who], sizeof path[who], CAST_DATA "/r%u", who);
    return path[who];
}

static void aside(member_id who, char path[64]) {
    snprintf(path, 64, CAST_DATA "/backup-%u", who);
}

/* A copy of one moment: what runs on it stands still meanwhile. */
static void copy_disk(struct scene *s, member_id who, const char *to) {
    struct replica_cast *r = replica(s->cast, who);
    bool runs = process_runs(&r->process) && !r->process.paused;
    if (runs) {
        process_signal(&r->process, SIGSTOP);
    }
    if (!cast_remove_tree(to) || !cast_copy_tree(scene_dir(s, who), to)) {
        cast_fail(s->cast, "the disk of replica %u cannot be copied: %s: make room in memory", who, to);
    }
    if (runs) {
        process_signal(&r->process, SIGCONT);
    }
}

void scene_backup_disk(struct scene *s, member_id who) {
    char backup[64];
    aside(who, backup);
    copy_disk(s, who, backup);
    scene_note(s, "the disk of replica %u is copied aside", who);
}

static void need_down(struct cast *c, member_id who) {
    if (process_runs(&replica(c, who)->process)) {
        cast_fail(c, "replica %u still runs on its disk: %s: correct the drill", who, c->drill->name);
    }
}

void scene_restore_disk(struct scene *s, member_id who) {
    char backup[64], what[64];
    aside(who, backup);
    need_down(s->cast, who);
    if (!cast_remove_tree(scene_dir(s, who)) || !cast_copy_tree(backup, scene_dir(s, who))) {
        cast_fail(s->cast, "the disk of replica %u cannot be put back: %s: copy it aside first", who, backup);
    }
    cast_disk_settled(s->cast, who);
    snprintf(what, sizeof what, "replica %u gets its old disk", who);
    scene_injected(s, what);
    scene_bit(s, 1, what);
}

void scene_lose_disk(struct scene *s, member_id who) {
    char what[64];
    need_down(s->cast, who);
    if (!cast_remove_tree(scene_dir(s, who))) {
        cast_fail(s->cast, "the disk of replica %u cannot be removed: %s: look at it", who, scene_dir(s, who));
    }
    snprintf(what, sizeof what, "replica %u loses its disk", who);
    scene_injected(s, what);
    scene_bit(s, 1, what);
}

/* ---- twins ---- */

/* Addresses are no part of the genesis, so a twin listens elsewhere under the same cluster id. */
static enum error write_twin(member_id who, struct buffer *why) {
    struct cluster *other = NULL;
    struct buffer text = {0};
    enum error e = cluster_load(&other, CAST_CLUSTER, why);
    if (e == ERR_OK) {
        struct cluster_member *m = &other->members[who];
        const char *host = strstr(m->peer, "//") + 2;
        int len = (int)strcspn(host, ":");
        char at[64];
        snprintf(at, sizeof at, "%.*s", len, host);
        snprintf(m->peer, sizeof m->peer, "tcp://%s:%d", at, CAST_BASE_PORT + TWIN_PORT);
        snprintf(m->client, sizeof m->client, "tcp://%s:%d", at, CAST_BASE_PORT + TWIN_PORT + 1);
        snprintf(m->http, sizeof m->http, "%s:%d", at, CAST_BASE_PORT + TWIN_PORT + 2);
        cluster_write(&text, other);
        e = cast_put_file(BOX_DIR "/twin.yaml", buffer_bytes(&text), 0644) ? ERR_OK : ERR_IO;
    }
    cluster_free(other);
    buffer_free(&text);
    return e;
}

static bool is_ready(struct cast *c, int64_t who) {
    return cast_replica_ready((member_id)who) || !process_runs(&c->replica[who].process);
}

/* As when a machine is cloned while it is off and both are switched on: the two begin with one boot number. The first
   is ready before the second starts, so it is the one that may have voted. */
void scene_twin(struct scene *s, member_id who) {
    struct cast *c = s->cast;
    struct buffer why = {0};
    char what[64], name[24];
    cast_kill(c, cast_name_of_replica(name, who), &replica(c, who)->process);
    check(c, write_twin(who, &why), &why);
    copy_disk(s, who, CAST_DATA "/twin");
    check(c, cast_start_replica(c, who, &why), &why);
    cast_await(is_ready, c, who, SIGNALS_MS);
    cast_kill(c, "twin", &c->twin);
    check(c, start(c, who, &c->twin, BOX_DIR "/twin.yaml", CAST_DATA "/twin", "twin", &why), &why);
    c->twinned[who] = true;
    snprintf(what, sizeof what, "a second process has the key of replica %u", who);
    scene_injected(s, what);
    scene_bit(s, 1, what);
}

void scene_end_twin(struct scene *s) {
    cast_kill(s->cast, "twin", &s->cast->twin);
    scene_note(s, "the twin is ended");
}
