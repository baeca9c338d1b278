/* Looking at a stage as an operator does: by quorate's own verbs, by the replicas' counters and by their logs. */
#include "base/clock.h"
#include "client/drill/cast_parts.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { VERB_MS = 60000, LOOK_MS = 20000, REPORT_MS = 60000, JUDGE_MS = 600000, WORDS_MAX = 24 };

/* ---- verbs ---- */

int cast_verb(struct cast *c, const char *key, const char *const *words, struct bytes input, struct buffer *out,
              struct buffer *err, int64_t ms) {
    const char *argv[WORDS_MAX + 8] = {c->quorate, words[0], "-c", CAST_CLUSTER};
    char path[128];
    unsigned count = 4;
    snprintf(path, sizeof path, CAST_KEYS "/%s.key", key ? key : "");
    if (key) {
        argv[count++] = "-k";
        argv[count++] = path;
    }
    for (unsigned i = 1; words[i] && i < WORDS_MAX; i++) {
        argv[count++] = words[i];
    }
    struct process_job job = {.path = c->quorate, .argv = argv, .net = -1, .waiting = cast_alive, .self = c};
    return process_run(&job, input, out, err, ms);
}

/* words[0] is the verb; the rest of the list up to NULL, `extra` behind it. */
static void take_words(const char *words[WORDS_MAX], const char *verb, va_list list, const char *extra) {
    unsigned count = 0;
    words[count++] = verb;
    for (const char *word; (word = va_arg(list, const char *)) != NULL && count < WORDS_MAX - 2;) {
        words[count++] = word;
    }
    if (extra) {
        words[count++] = extra;
    }
    words[count] = NULL;
}

/* One array of the lines; NULL when one of them is no JSON. */
static json_t *lines_of(struct buffer *text) {
    json_t *all = json_array();
    for (const char *at = buffer_cstr(text); all && *at; at += strspn(at, "\n")) {
        size_t len = strcspn(at, "\n");
        json_t *one = len > 0 ? json_loadb(at, len, 0, NULL) : NULL;
        if (len > 0 && (!one || json_array_append_new(all, one) != 0)) {
            json_decref(all);
            all = NULL;
        }
        at += len;
    }
    return all;
}

static json_t *ask(struct cast *c, const char *const *words, int64_t ms) {
    struct buffer out = {0};
    int status = cast_verb(c, "operator", words, bytes_of("", 0), &out, NULL, ms);
    json_t *all = status == 0 ? lines_of(&out) : NULL;
    buffer_free(&out);
    return all;
}

json_t *scene_ask(struct scene *s, const char *verb, ...) {
    const char *words[WORDS_MAX];
    va_list list;
    va_start(list, verb);
    take_words(words, verb, list, "--json");
    va_end(list);
    return ask(s->cast, words, VERB_MS);
}

int scene_run(struct scene *s, struct buffer *out, const char *verb, ...) {
    const char *words[WORDS_MAX];
    va_list list;
    va_start(list, verb);
    take_words(words, verb, list, NULL);
    va_end(list);
    return cast_verb(s->cast, "operator", words, bytes_of("", 0), out, out, VERB_MS);
}

int cast_judge_verb(struct cast *c, const char *const *words, struct buffer *out, struct buffer *err) {
    int status = cast_verb(c, "operator", words, bytes_of("", 0), out, err, JUDGE_MS);
    if (status < 0) {
        cast_fail(c, "quorate %s did not end: the judgement: give the machine less to do", words[0]);
    }
    return status;
}

json_t *scene_status(struct scene *s, const char *host, const char *service) {
    const char *of_host[] = {"status", host, "--json", "--timeout", "10s", NULL};
    const char *of_service[] = {"status", host, service, "--json", "--timeout", "10s", NULL};
    json_t *all = ask(s->cast, *service ? of_service : of_host, LOOK_MS), *found = NULL, *one;
    size_t i;
    json_array_foreach(all, i, one) {
        const char *name = json_string_value(json_object_get(one, "service"));
        if (!found && strcmp(name ? name : "", service) == 0) {
            found = json_incref(one);
        }
    }
    json_decref(all);
    return found;
}

/* ---- is everything well? ---- */

static bool is_good(const char *state) {
    return state && (strcmp(state, "OK") == 0 || strcmp(state, "UP") == 0);
}

static unsigned good_votes(const json_t *object) {
    unsigned count = 0;
    size_t i;
    json_t *vote;
    json_array_foreach(json_object_get(object, "votes"), i, vote) {
        count += json_is_true(json_object_get(vote, "fresh")) && !json_is_true(json_object_get(vote, "masked")) &&
                 is_good(json_string_value(json_object_get(vote, "state")));
    }
    return count;
}

bool cast_all_well(struct cast *c) {
    static const char *const hosts[] = {"web1", "db1"};
    const char *words[] = {"status", "--json", "--timeout", "10s", NULL};
    json_t *all = ask(c, words, LOOK_MS), *one;
    unsigned good = 0, objects = 0;
    size_t i;
    json_array_foreach(all, i, one) {
        const char *host = json_string_value(json_object_get(one, "host"));
        bool ours = host && (strcmp(host, hosts[0]) == 0 || strcmp(host, hosts[1]) == 0) &&
                    good_votes(one) + 0u >= c->observers;
        objects += host && (strcmp(host, hosts[0]) == 0 || strcmp(host, hosts[1]) == 0);
        good += ours && is_good(json_string_value(json_object_get(one, "state")));
    }
    json_decref(all);
    return objects == 5 && good == objects;
}

/* ---- replicas ---- */

static void take_seen(struct replica_seen *r, const json_t *j) {
    r->reachable = json_is_true(json_object_get(j, "reachable"));
    if (!r->reachable) {
        return;
    }
    const char *phase = json_string_value(json_object_get(j, "phase"));
    const char *log = json_string_value(json_object_get(j, "log_hash"));
    const char *root = json_string_value(json_object_get(j, "state_root"));
    r->view = (view_no)json_integer_value(json_object_get(j, "view"));
    r->executed = (seq_no)json_integer_value(json_object_get(j, "executed"));
    r->stable = (seq_no)json_integer_value(json_object_get(j, "stable"));
    r->clock_offset_ms = json_integer_value(json_object_get(j, "clock_offset_ms"));
    snprintf(r->phase, sizeof r->phase, "%s", phase ? phase : "");
    snprintf(r->log_hash, sizeof r->log_hash, "%s", log ? log : "");
    snprintf(r->state_root, sizeof r->state_root, "%s", root ? root : "");
    size_t i;
    json_t *who;
    json_array_foreach(json_object_get(j, "suspects"), i, who) {
        r->suspects = (member_set)(r->suspects | set_of((member_id)json_integer_value(who)));
    }
}

void scene_look(struct scene *s, struct replica_seen seen[MEMBERS_MAX]) {
    const char *words[] = {"replicas", "--json", "--timeout", "3s", NULL};
    memset(seen, 0, MEMBERS_MAX * sizeof *seen);
    json_t *all = ask(s->cast, words, LOOK_MS), *one;
    size_t i;
    json_array_foreach(all, i, one) {
        json_int_t id = json_integer_value(json_object_get(one, "id"));
        if (id >= 0 && id < MEMBERS_MAX) {
            take_seen(&seen[id], one);
        }
    }
    json_decref(all);
}

unsigned scene_members(const struct scene *s) {
    return s->cast->members;
}

/* ---- counters ---- */

void cast_log_path(struct buffer *out, const char *process) {
    buffer_printf(out, CAST_LOGS "/%s.log", process);
}

/* "... name=123 ..." or, of what was refused, "reason=name count=123". */
static uint64_t count_in_line(const char *line, size_t len, const char *name) {
    struct buffer copy = {0}, key = {0};
    uint64_t value = 0;
    buffer_put(&copy, line, len);
    buffer_printf(&key, " reason=%s count=", name);
    const char *at = strstr(buffer_cstr(&copy), buffer_cstr(&key));
    if (!at) {
        buffer_clear(&key);
        buffer_printf(&key, " %s=", name);
        at = strstr(buffer_cstr(&copy), buffer_cstr(&key));
    }
    if (at) {
        value = strtoull(at + key.len, NULL, 0);
    }
    buffer_free(&copy);
    buffer_free(&key);
    return value;
}

struct reporting {
    char path[64];
    off_t from;
    struct buffer text;
    member_id who;
};

static bool has_reported(struct cast *c, int64_t argument) {
    struct reporting *r = (struct reporting *)(intptr_t)argument;
    buffer_clear(&r->text);
    cast_take_file(r->path, r->from, &r->text);
    return strstr(buffer_cstr(&r->text), "counters-end") || !process_runs(&c->replica[r->who].process);
}

/* Only one that is ready takes signals for certain. */
uint64_t cast_counter(struct cast *c, member_id who, const char *name) {
    struct process *p = &c->replica[who].process;
    struct reporting r = {.who = who};
    uint64_t sum = 0;
    if (!process_runs(p) || p->paused || !cast_replica_ready(who)) {
        return 0;
    }
    snprintf(r.path, sizeof r.path, CAST_LOGS "/replica-%u.log", who);
    r.from = cast_file_size(r.path);
    process_signal(p, SIGUSR1);
    if (!cast_await(has_reported, c, (intptr_t)&r, REPORT_MS)) {
        cast_fail(c, "replica %u does not tell its counters: %s: look at its end", who, r.path);
    }
    for (const char *at = buffer_cstr(&r.text); *at; at += strspn(at, "\n")) {
        size_t len = strcspn(at, "\n");
        sum += count_in_line(at, len, name);
        at += len;
    }
    buffer_free(&r.text);
    return sum;
}

uint64_t scene_counter(struct scene *s, member_id who, const char *name) {
    return who < s->cast->members ? cast_counter(s->cast, who, name) : 0;
}

/* ---- logs ---- */

static bool log_has(const char *process, off_t from, const char *text) {
    struct buffer path = {0}, all = {0};
    cast_log_path(&path, process);
    cast_take_file(buffer_cstr(&path), from, &all);
    bool has = strstr(buffer_cstr(&all), text) != NULL;
    buffer_free(&path);
    buffer_free(&all);
    return has;
}

void cast_log_of(const char *process, struct buffer *out) {
    struct buffer path = {0};
    cast_log_path(&path, process);
    cast_take_file(buffer_cstr(&path), 0, out);
    buffer_free(&path);
}

bool scene_logged(struct scene *s, member_id who, const char *text) {
    char name[32];
    snprintf(name, sizeof name, "replica-%u", who);
    return who < s->cast->members && log_has(name, s->cast->replica[who].logged_from, text);
}

bool scene_log_of(struct scene *s, const char *process, const char *text) {
    (void)s;
    return log_has(process, 0, text);
}
