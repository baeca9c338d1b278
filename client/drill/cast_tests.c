/* What a play can watch for: tests of the replicas' own words and of the evidence that the log holds. */
#include "base/clock.h"
#include "client/drill/cast_parts.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LAG_MAX = 24 /* batches between two looks of one round */, ENOUGH_MS = 30000, POLL_MS = 200 };

static bool is_active(const struct replica_seen *r) {
    return r->reachable && strcmp(r->phase, "ACTIVE") == 0;
}

static unsigned reachable(const struct scene *s, const struct replica_seen *seen) {
    unsigned count = 0;
    for (unsigned i = 0; i < s->cast->members; i++) {
        count += seen[i].reachable;
    }
    return count;
}

bool scene_look_at(struct scene *s, unsigned enough, struct replica_seen seen[MEMBERS_MAX]) {
    mono_ms deadline = clock_mono() + ENOUGH_MS;
    for (;;) {
        scene_look(s, seen);
        if (reachable(s, seen) >= enough) {
            return true;
        }
        if (clock_mono() >= deadline) {
            return false;
        }
        clock_sleep(POLL_MS);
    }
}

/* The highest view that f+1 active replicas are in, or, while none is, that f+1 reachable ones are in; 0: none. */
static view_no view_of(const struct cast *c, const struct replica_seen *seen) {
    view_no best[2] = {0, 0};
    bool found[2] = {false, false};
    for (unsigned i = 0; i < c->members; i++) {
        unsigned count[2] = {0, 0};
        for (unsigned k = 0; k < c->members; k++) {
            count[0] += is_active(&seen[k]) && seen[k].view == seen[i].view;
            count[1] += seen[k].reachable && seen[k].view == seen[i].view;
        }
        for (unsigned kind = 0; kind < 2; kind++) {
            if (count[kind] >= quorum_weak(c->members) && (!found[kind] || seen[i].view > best[kind])) {
                best[kind] = seen[i].view;
                found[kind] = true;
            }
        }
    }
    return found[0] ? best[0] : best[1];
}

member_id scene_primary(struct scene *s) {
    struct replica_seen seen[MEMBERS_MAX];
    scene_look(s, seen);
    return (member_id)(view_of(s->cast, seen) % s->cast->members);
}

bool scene_is_traitor(const struct scene *s, member_id who) {
    return who < s->cast->members && s->cast->replica[who].behaviour != NULL;
}

member_id scene_backup(struct scene *s, unsigned k) {
    member_id primary = scene_primary(s);
    for (member_id m = 0; m < s->cast->members; m++) {
        if (m != primary && !s->cast->replica[m].behaviour && k-- == 0) {
            return m;
        }
    }
    cast_fail(s->cast, "so many backups are not there: %s: correct the drill", s->drill->name);
}

bool scene_view_above(struct scene *s, int64_t view) {
    struct replica_seen seen[MEMBERS_MAX];
    unsigned count = 0;
    scene_look(s, seen);
    for (unsigned i = 0; i < s->cast->members; i++) {
        count += is_active(&seen[i]) && (int64_t)seen[i].view > view;
    }
    return count >= quorum_weak(s->cast->members);
}

bool scene_view_is(struct scene *s, int64_t view) {
    struct replica_seen seen[MEMBERS_MAX];
    bool is = scene_look_at(s, quorum_weak(s->cast->members), seen);
    for (unsigned i = 0; i < s->cast->members; i++) {
        is = is && (!seen[i].reachable || (int64_t)seen[i].view == view);
    }
    return is;
}

bool scene_all_active(struct scene *s, int64_t unused) {
    (void)unused;
    struct replica_seen seen[MEMBERS_MAX];
    seq_no low = UINT64_MAX, high = 0;
    scene_look(s, seen);
    for (unsigned i = 0; i < s->cast->members; i++) {
        if (s->cast->replica[i].given_up) {
            continue;
        }
        if (!is_active(&seen[i])) {
            return false;
        }
        low = seen[i].executed < low ? seen[i].executed : low;
        high = seen[i].executed > high ? seen[i].executed : high;
        for (unsigned k = 0; k < i; k++) {
            if (!s->cast->replica[k].given_up && seen[k].executed == seen[i].executed &&
                strcmp(seen[k].log_hash, seen[i].log_hash) != 0) {
                return false;
            }
        }
    }
    return high - low <= LAG_MAX;
}

bool scene_is_active(struct scene *s, int64_t member) {
    struct replica_seen seen[MEMBERS_MAX];
    scene_look(s, seen);
    return member >= 0 && member < (int64_t)s->cast->members && is_active(&seen[member]);
}

static bool evidence_has(struct scene *s, const char *field, const char *value) {
    json_t *all = scene_ask(s, "evidence", "--timeout", "10s", NULL), *one;
    bool found = false;
    size_t i;
    json_array_foreach(all, i, one) {
        const char *text = json_string_value(json_object_get(one, field));
        found = found || (text && strcmp(text, value) == 0);
    }
    json_decref(all);
    return found;
}

bool scene_convicted(struct scene *s, int64_t member) {
    char name[32];
    snprintf(name, sizeof name, "replica %lld", (long long)member);
    return evidence_has(s, "culprit", name);
}

bool scene_has_evidence(struct scene *s, int64_t kind) {
    return evidence_has(s, "kind", evidence_code((enum evidence_kind)kind));
}

/* ---- for clients of their own making ---- */

const struct cluster *scene_cluster(struct scene *s) {
    return s->cast->cluster;
}

const char *scene_cluster_path(struct scene *s) {
    (void)s;
    return CAST_CLUSTER;
}

const char *scene_key_path(struct scene *s, const char *name) {
    static char paths[8][96]; /* of the last eight that were asked for */
    static unsigned next;
    (void)s;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], CAST_KEYS "/%s.key", name);
    return path;
}

pid_t scene_spawn(struct scene *s, const char *name, const char *const argv[]) {
    struct cast *c = s->cast;
    struct buffer why = {0}, path = {0}, log = {0}, out = {0};
    unsigned i = 0;
    while (i < CAST_EXTRAS_MAX && c->extra[i].process.pid > 0 && process_runs(&c->extra[i].process)) {
        i++;
    }
    if (i == CAST_EXTRAS_MAX) {
        cast_fail(c, "too many processes: %s: correct the drill", c->drill->name);
    }
    buffer_printf(&path, "%s/%s", c->programs, name);
    if (access(buffer_cstr(&path), X_OK) != 0) {
        buffer_clear(&path);
        buffer_printf(&path, "%s", c->quorate);
    }
    cast_note_end(c, c->extra[i].name, &c->extra[i].process);
    cast_log_path(&log, name);
    buffer_printf(&out, CAST_LOGS "/%s.out", name);
    struct process_job job = {
        .path = buffer_cstr(&path), .argv = argv, .out = buffer_cstr(&out), .err = buffer_cstr(&log), .net = -1};
    if (process_start(&c->extra[i].process, &job, &why) != ERR_OK) {
        cast_fail(c, "%s", buffer_cstr(&why));
    }
    snprintf(c->extra[i].name, sizeof c->extra[i].name, "%s", name);
    buffer_free(&path);
    buffer_free(&log);
    buffer_free(&out);
    buffer_free(&why);
    return c->extra[i].process.pid;
}

void scene_may_end(struct scene *s, pid_t pid) {
    for (unsigned i = 0; i < CAST_EXTRAS_MAX; i++) {
        struct process *p = &s->cast->extra[i].process;
        p->asked = p->asked || (p->pid == pid && pid > 0);
    }
}

void scene_stop(struct scene *s, pid_t pid) {
    for (unsigned i = 0; i < CAST_EXTRAS_MAX; i++) {
        struct process *p = &s->cast->extra[i].process;
        if (p->pid == pid && pid > 0) {
            cast_stop(s->cast, s->cast->extra[i].name, p);
        }
    }
}
