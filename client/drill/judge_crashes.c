/* Whether a replica came to its end by its own fault: by a broken invariant, which its log tells, or by a signal of
   which nobody in the stage is the sender. A drill may kill replicas; none may make one stop itself. */
#include "client/drill/cast.h"
#include "client/drill/judge.h"

#include <string.h>

static const char marker[] = "quorate: broken invariant: ";

bool judge_rule_broken(const char *log, struct buffer *rule) {
    const char *at = strstr(log, marker);
    if (at == NULL) {
        return false;
    }
    at += strlen(marker);
    buffer_clear(rule);
    buffer_put(rule, at, strcspn(at, "\n"));
    return true;
}

enum promise judge_promise_of_rule(const char *rule) {
    const char *place = strstr(rule, " at replica/pbft/");
    return place != NULL ? PROMISE_AGREEMENT : PROMISE_LIVENESS;
}

/* What became of a member, in words; empty: it did not end itself. */
static enum promise describe(struct scene *s, member_id who, struct buffer *words) {
    struct buffer log = {0}, rule = {0};
    enum promise p = PROMISE_LIVENESS;
    int signal = cast_crashed(s->cast, who);
    cast_log_of(who, &log);
    if (judge_rule_broken(buffer_cstr(&log), &rule)) {
        p = judge_promise_of_rule(buffer_cstr(&rule));
        buffer_printf(words, "stopped itself, for its own state had broken a rule: %s", buffer_cstr(&rule));
    } else if (signal != 0) {
        buffer_printf(words, "crashed by signal %d, which nobody had sent", signal);
    }
    buffer_free(&log);
    buffer_free(&rule);
    return p;
}

/* Whom the same became of is told of once: "replicas 0 1 3 ..."; they are emptied. */
static void tell_alike(struct scene *s, enum promise p, struct buffer *first, member_id who, unsigned members) {
    struct buffer names = {0};
    unsigned count = 1;
    buffer_printf(&names, "%u", who);
    for (unsigned i = 1; who + i < members; i++) {
        if (bytes_equal(buffer_bytes(first), buffer_bytes(first + i))) {
            buffer_printf(&names, " %u", who + i);
            buffer_clear(first + i);
            count++;
        }
    }
    scene_broken(s, p, "replica%s %s %.500s", count > 1 ? "s" : "", buffer_cstr(&names), buffer_cstr(first));
    buffer_free(&names);
}

void judge_crashes(struct scene *s) {
    struct buffer words[MEMBERS_MAX] = {0};
    enum promise p[MEMBERS_MAX];
    unsigned members = scene_members(s);
    for (member_id m = 0; m < members; m++) {
        p[m] = describe(s, m, &words[m]);
    }
    for (member_id m = 0; m < members; m++) {
        if (words[m].len > 0) {
            tell_alike(s, p[m], &words[m], m, members);
        }
        buffer_free(&words[m]);
    }
}
