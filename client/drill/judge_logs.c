/* The last judgement, when everything stands still: the logs of all replicas beside each other, and the loader's
   acknowledgements in them. */
#include "client/drill/cast.h"
#include "client/drill/judge.h"
#include "client/drill/stored.h"
#include "client/drill/stream.h"
#include "client/read_file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define EXPORTS "/run/exports"

static void export_path(char out[64], member_id who) {
    snprintf(out, 64, EXPORTS "/r%u.frames", who);
}

static member_set export_all(struct scene *s) {
    member_set exported = 0;
    mkdir(EXPORTS, 0700);
    for (member_id m = 0; m < scene_members(s); m++) {
        struct buffer why = {0};
        char path[64];
        export_path(path, m);
        if (cast_export(s->cast, m, path, &why)) {
            exported |= set_of(m);
        } else if (!cast_given_up(s->cast, m)) {
            scene_broken(s, PROMISE_RECOVERY, "the log of replica %u can't be read: %.300s", m, buffer_cstr(&why));
        }
        buffer_free(&why);
    }
    return exported;
}

/* ---- who contradicts whom ---- */

static void judge_finding(struct scene *s, const json_t *j) {
    const char *breach = json_string_value(json_object_get(j, "disagreement"));
    const json_t *member = json_object_get(j, "culprit");
    char culprit[32];
    if (breach != NULL) {
        scene_broken(s, PROMISE_AGREEMENT, "the logs hold %s at %" PRId64, breach,
                     (int64_t)json_integer_value(json_object_get(j, "n")));
    }
    snprintf(culprit, sizeof culprit, "replica %d", (int)json_integer_value(member));
    if (json_is_integer(member) && !judge_guilty(s, culprit)) {
        scene_broken(s, PROMISE_ACCOUNTABILITY, "%s signed nothing untrue and stands accused by the logs", culprit);
    }
}

/* A line of the summary, and then one that speaks of so many files and of decisions. */
static bool is_summary(const json_t *j, unsigned files) {
    return json_integer_value(json_object_get(j, "files")) >= files &&
           json_integer_value(json_object_get(j, "decisions")) > 0;
}

void judge_audit(struct scene *s, int code, struct buffer *out, unsigned files) {
    char *save = NULL;
    bool summed = false;
    buffer_cstr(out);
    for (char *line = strtok_r((char *)out->data, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
        json_t *j = *line == '{' ? json_loads(line, 0, NULL) : NULL;
        judge_finding(s, j);
        summed |= is_summary(j, files);
        json_decref(j);
    }
    if (!summed || (code != 0 && code != 1)) {
        scene_broken(s, PROMISE_AGREEMENT,
                     "the logs prove nothing: the audit of %u ended with %d and found no decisions", files, code);
    }
}

static void audit(struct scene *s, member_set exported) {
    const char *words[] = {"audit", EXPORTS, "--json", NULL};
    struct buffer out = {0};
    int code = cast_judge_verb(s->cast, words, &out, NULL);
    judge_audit(s, code, &out, set_count(exported));
    buffer_free(&out);
}

/* ---- what was acknowledged ---- */

uint64_t judge_count(struct scene *s, const struct stored_count *c) {
    scene_note(s, "%" PRIu64 " of %" PRIu64 " acknowledged bundles are looked up in the logs", c->judged, c->acks);
    if (c->lost > 0) {
        scene_broken(s, PROMISE_DURABILITY,
                     "%" PRIu64 " acknowledged bundles are not in the log, the first is number %" PRIu64
                     " of load/s%u at batch %" PRIu64,
                     c->lost, c->first->number, c->first->lane, c->first->n);
    }
    if (c->acks > 0 && (!c->any || (c->judged < c->acks && !stream_forgets(s->drill)))) {
        scene_broken(s, PROMISE_DURABILITY, "the logs begin behind %" PRIu64 " of %" PRIu64 " acknowledged bundles",
                     c->acks - c->judged, c->acks);
    }
    return c->lost;
}

static uint64_t judge_stored(struct scene *s, member_set exported) {
    struct stored *stored = stored_new(s->load);
    for (member_id m = 0; m < scene_members(s); m++) {
        struct buffer file = {0};
        char path[64];
        export_path(path, m);
        if (set_has(exported, m) && !cast_given_up(s->cast, m) && read_file(&file, path)) {
            stored_take(stored, buffer_bytes(&file));
        }
        buffer_free(&file);
    }
    struct stored_count count = stored_count(stored);
    uint64_t lost = judge_count(s, &count);
    stored_free(stored);
    return lost;
}

uint64_t judge_logs(struct scene *s) {
    member_set exported = export_all(s);
    audit(s, exported);
    return s->load != NULL ? judge_stored(s, exported) : 0;
}
