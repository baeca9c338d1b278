/* Which processes came to an end by their own fault: by a broken rule, which their log tells, by a signal of which
   nobody on the stage is the sender, or by an exit that no play asks for. A drill may kill who it likes; none may make
   one stop itself. */
#include "base/invariant.h"
#include "client/drill/cast.h"
#include "client/drill/judge.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static const char marker[] = "quorate: broken invariant: ", breach[] = "SAFETY BREACH: ";

bool judge_rule_broken(const char *log, enum promise p, struct buffer *rule) {
    for (const char *at = log; (at = strstr(at, marker)) != NULL;) {
        at += strlen(marker);
        buffer_clear(rule);
        buffer_put(rule, at, strcspn(at, "\n"));
        if (judge_promise_of_rule(buffer_cstr(rule)) == p) {
            return true;
        }
    }
    buffer_clear(rule);
    return false;
}

enum promise judge_promise_of_rule(const char *rule) {
    const char *place = strstr(rule, " at replica/pbft/");
    return place != NULL ? PROMISE_AGREEMENT : PROMISE_LIVENESS;
}

/* What became of a process, in words. */
struct fate {
    char process[24];
    enum promise promise;
    struct buffer words;
};
struct fates {
    unsigned count;
    struct fate *list;
};

static struct buffer *add(struct fates *all, const char *process, enum promise p) {
    all->list = xrealloc(all->list, (all->count + 1) * sizeof *all->list);
    struct fate *f = &all->list[all->count++];
    *f = (struct fate){.promise = p};
    snprintf(f->process, sizeof f->process, "%s", process);
    return &f->words;
}

static void read_log(struct fates *all, const char *process) {
    static const enum promise promises[] = {PROMISE_AGREEMENT, PROMISE_LIVENESS};
    struct buffer log = {0}, rule = {0};
    cast_log_of(process, &log);
    for (unsigned i = 0; i < 2; i++) {
        if (judge_rule_broken(buffer_cstr(&log), promises[i], &rule)) {
            buffer_printf(add(all, process, promises[i]), "stopped itself, for its own state had broken a rule: %s",
                          buffer_cstr(&rule));
        }
    }
    if (strstr(buffer_cstr(&log), breach) != NULL) {
        buffer_printf(add(all, process, PROMISE_AGREEMENT), "stopped itself, for two quorums had decided differently");
    }
    buffer_free(&log);
    buffer_free(&rule);
}

/* Its log has told already why it stopped in this way. */
static bool is_explained(const struct fates *all, const struct cast_end *end) {
    bool as_told = WIFSIGNALED(end->status) ? WTERMSIG(end->status) == SIGABRT : WEXITSTATUS(end->status) == 1;
    for (unsigned i = 0; i < all->count && as_told; i++) {
        if (strcmp(all->list[i].process, end->process) == 0) {
            return true;
        }
    }
    return false;
}

enum promise judge_promise_of_process(const char *process) {
    bool tells = strncmp(process, "agent-", 6) == 0 || strncmp(process, "notify-", 7) == 0;
    return tells ? PROMISE_NO_MISSED_ALERT : PROMISE_LIVENESS;
}

static void read_end(struct fates *all, const struct cast_end *end) {
    if (is_explained(all, end)) {
        return;
    }
    struct buffer *words = add(all, end->process, judge_promise_of_process(end->process));
    if (WIFSIGNALED(end->status)) {
        buffer_printf(words, "crashed by signal %d, which nobody had sent", WTERMSIG(end->status));
    } else {
        buffer_printf(words, "ended by exit status %d, which nobody had asked for", WEXITSTATUS(end->status));
    }
}

/* Whom the same became of is told of once: "replica-0, replica-1 ..."; they are emptied. */
static void tell_alike(struct scene *s, struct fates *all, unsigned first) {
    struct fate *f = &all->list[first];
    struct buffer names = {0};
    buffer_printf(&names, "%s", f->process);
    for (unsigned i = first + 1; i < all->count; i++) {
        struct fate *other = &all->list[i];
        if (other->promise == f->promise && bytes_equal(buffer_bytes(&other->words), buffer_bytes(&f->words))) {
            buffer_printf(&names, ", %s", other->process);
            buffer_clear(&other->words);
        }
    }
    scene_broken(s, f->promise, "%.300s %.500s", buffer_cstr(&names), buffer_cstr(&f->words));
    buffer_free(&names);
}

void judge_crashes(struct scene *s) {
    const struct cast_end *ends;
    struct fates all = {0};
    for (member_id m = 0; m < scene_members(s); m++) {
        char name[24];
        snprintf(name, sizeof name, "replica-%u", m);
        read_log(&all, name);
    }
    read_log(&all, "twin");
    unsigned count = cast_ends(s->cast, &ends);
    for (unsigned i = 0; i < count; i++) {
        read_end(&all, &ends[i]);
    }
    for (unsigned i = 0; i < all.count; i++) {
        if (all.list[i].words.len > 0) {
            tell_alike(s, &all, i);
        }
        buffer_free(&all.list[i].words);
    }
    free(all.list);
}
