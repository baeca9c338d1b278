/* What operators say (Nagios' external commands, base/commands.c): acknowledge, plan downtime, comment, have something
   told, turn something on or off. A command takes effect for all of its objects or for none, and the answer says what
   it did or why not. */
#include "checks/command.h"

#include "base/invariant.h"

#include <string.h>

enum { ANSWER_LINES = 32, TARGETS_MAX = 50000, WORDS_MAX = 16 << 20 };

/* ---- switches ---- */

unsigned switch_of(const struct object *o, enum command_subject s) {
    return o->switches >> 2 * (s - 1) & 3u;
}

static void set_switch(struct object *o, enum command_subject s, unsigned value) {
    unsigned shift = 2 * ((unsigned)s - 1);
    o->switches = (uint8_t)((o->switches & ~(3u << shift)) | value << shift);
}

bool switched_on(const struct monitor *m, const struct object *o, enum command_subject s, bool defined) {
    unsigned own = switch_of(o, s);
    return !(m->off >> s & 1u) && (own == SWITCH_LEFT ? defined : own == SWITCH_ON);
}

/* ---- a command at work ---- */

struct work {
    struct monitor *m;
    const struct op_command *c;
    const char *by, *author;
    struct targets targets;
    struct buffer *answer;
    unsigned lines;
};

static void title(struct buffer *out, const struct object *o) {
    buffer_printf(out, "%s%s%s", o->def->host, o->is_host ? "" : "/", o->def->service);
}

/* "downtime 7 of web1/http"; a long list ends in a count. */
static void said(struct work *w, const char *what, uint64_t id, const struct object *o) {
    if (w->lines++ >= ANSWER_LINES) {
        return;
    }
    buffer_printf(w->answer, "%s", what);
    if (id) {
        buffer_printf(w->answer, " %llu", (unsigned long long)id);
    }
    buffer_printf(w->answer, id ? " of " : ": ");
    title(w->answer, o);
    buffer_printf(w->answer, "\n");
}

static enum error refused(struct work *w, const struct object *o, enum error e, const char *why) {
    buffer_clear(w->answer);
    if (o) {
        title(w->answer, o);
        buffer_printf(w->answer, ": ");
    }
    buffer_printf(w->answer, "%s\n", why);
    return e;
}

static struct object *target(const struct work *w, size_t i) {
    return &w->m->table.list[w->targets.ids[i]];
}

static struct note *attach(struct work *w, struct object *o, const struct note *spec) {
    struct note_words words = {w->author, w->by, w->c->comment};
    return note_add(w->m, o, spec, &words);
}

static enum error room_for_each(struct work *w) {
    size_t words = strlen(w->author) + strlen(w->by) + strlen(w->c->comment);
    if (w->targets.count > TARGETS_MAX || words * w->targets.count > WORDS_MAX) {
        return refused(
            w, NULL, ERR_TOO_MANY,
            "one command is for at most 50,000 objects and 16 MiB of comments: name smaller groups, or say less");
    }
    for (size_t i = 0; i < w->targets.count; i++) {
        if (!notes_have_room(w->m, target(w, i), 1) || w->m->notes.count + w->targets.count > NOTES_MAX) {
            return refused(w, target(w, i), ERR_TOO_MANY,
                           "too many comments and downtimes: an object holds 64, the cluster 200,000: delete some");
        }
    }
    return ERR_OK;
}

/* ---- acknowledgements ---- */

static enum error acknowledge(struct work *w) {
    struct object *o = target(w, 0);
    struct note *before = acknowledgement(o), spec = {.kind = NOTE_ACKNOWLEDGEMENT, .at = w->m->t};
    enum error e = before && !before->persistent ? ERR_OK : room_for_each(w); /* it takes the place of the old one */
    if (o->state == STATE_OK || o->state == STATE_PENDING) {
        return refused(w, o, ERR_NO_PROBLEM, "nothing to acknowledge, it has no problem");
    }
    if (w->c->end != 0 && w->c->end <= w->m->t) {
        return refused(w, o, ERR_BAD_TIME, "the acknowledgement would have expired already");
    }
    if (e != ERR_OK) {
        return e;
    }
    if (w->c->flags & COMMAND_TELL) {
        notify_remark(w->m, o, ALERT_ACKNOWLEDGEMENT, 0, w->author, w->c->comment);
    }
    if (before) {
        acknowledgement_end(w->m, before);
    }
    spec.fixed = w->c->flags & COMMAND_STICKY;
    spec.persistent = w->c->flags & COMMAND_PERSISTENT;
    spec.in_effect = true;
    spec.end = w->c->end;
    said(w, "acknowledgement", attach(w, o, &spec)->id, o);
    return ERR_OK;
}

static enum error unacknowledge(struct work *w) {
    struct object *o = target(w, 0);
    struct note *n = acknowledgement(o);
    if (!n) {
        return refused(w, o, ERR_UNKNOWN_ID, "it is not acknowledged");
    }
    said(w, "ended acknowledgement", n->id, o);
    acknowledgement_end(w->m, n);
    return ERR_OK;
}

/* ---- downtime ---- */

static enum error check_downtime(struct work *w) {
    const struct op_command *c = w->c;
    if (c->start >= c->end || c->end <= w->m->t) {
        return refused(w, NULL, ERR_BAD_TIME, "a downtime ends behind its start and in the future");
    }
    if (!(c->flags & COMMAND_FIXED) && c->duration == 0) {
        return refused(w, NULL, ERR_BAD_TIME, "a flexible downtime needs a duration");
    }
    const struct note *trigger = c->id ? note_find(w->m, c->id) : NULL;
    if (c->id && (!trigger || trigger->kind != NOTE_DOWNTIME)) {
        return refused(w, NULL, ERR_UNKNOWN_ID, "no downtime has the number that shall trigger this one");
    }
    bool deeper = c->target == TARGET_CHILDREN && (c->flags & COMMAND_TRIGGERED);
    if (downtime_trigger_depth(w->m, c->id) + deeper >= TRIGGER_DEPTH_MAX) {
        return refused(w, NULL, ERR_TOO_MANY, "downtimes trigger each other more than eight deep");
    }
    return room_for_each(w);
}

static enum error plan_downtime(struct work *w) {
    struct note spec = {.kind = NOTE_DOWNTIME, .at = w->m->t};
    enum error e = check_downtime(w);
    if (e != ERR_OK) {
        return e;
    }
    spec.fixed = w->c->flags & COMMAND_FIXED;
    spec.start = w->c->start;
    spec.end = w->c->end;
    spec.duration = spec.fixed ? spec.end - spec.start : w->c->duration;
    spec.trigger = w->c->id;
    for (size_t i = 0; i < w->targets.count; i++) {
        struct note *n = attach(w, target(w, i), &spec);
        said(w, "downtime", n->id, target(w, i));
        downtime_scheduled(w->m, n);
        if (i == 0 && w->c->target == TARGET_CHILDREN) {
            spec.trigger = w->c->flags & COMMAND_TRIGGERED ? n->id : 0;
        }
    }
    return ERR_OK;
}

static enum error cancel_downtime(struct work *w) {
    struct note *n = note_find(w->m, w->c->id);
    if (!n || n->kind != NOTE_DOWNTIME) {
        return refused(w, NULL, ERR_UNKNOWN_ID, "no downtime has this number");
    }
    said(w, "cancelled downtime", n->id, &w->m->table.list[n->object]);
    downtime_cancel(w->m, n, w->author, w->c->comment);
    return ERR_OK;
}

/* ---- comments ---- */

static enum error comment(struct work *w) {
    struct note spec = {.kind = NOTE_COMMENT, .at = w->m->t};
    enum error e = room_for_each(w);
    if (w->c->comment[0] == '\0') {
        return refused(w, target(w, 0), ERR_BAD_COMMAND, "a comment without words");
    }
    if (e == ERR_OK) {
        said(w, "comment", attach(w, target(w, 0), &spec)->id, target(w, 0));
    }
    return e;
}

/* An acknowledgement that holds keeps its own. */
static bool is_deletable(const struct note *n) {
    return n->kind == NOTE_COMMENT || (n->kind == NOTE_ACKNOWLEDGEMENT && !n->in_effect);
}

static enum error delete_comments_of(struct work *w) {
    struct object *o = target(w, 0);
    for (struct note *n = o->notes, *next; n; n = next) {
        next = n->next;
        if (is_deletable(n)) {
            said(w, "deleted comment", n->id, o);
            note_remove(w->m, n);
        }
    }
    return ERR_OK;
}

static enum error delete_comment(struct work *w) {
    if (w->c->id == 0) {
        return delete_comments_of(w);
    }
    struct note *n = note_find(w->m, w->c->id);
    if (!n || !is_deletable(n)) {
        return refused(w, NULL, ERR_UNKNOWN_ID, "no comment has this number");
    }
    said(w, "deleted comment", n->id, &w->m->table.list[n->object]);
    note_remove(w->m, n);
    return ERR_OK;
}

/* ---- notifications ---- */

static enum error notify(struct work *w) {
    struct object *o = target(w, 0);
    uint64_t before = w->m->alerts;
    notify_remark(w->m, o, ALERT_CUSTOM, w->c->flags, w->author, w->c->comment);
    if (w->m->alerts > before) {
        said(w, "alert", w->m->alerts, o);
    } else {
        buffer_printf(w->answer, "nobody is told: no contact is left, or notifications are off or withheld\n");
    }
    return ERR_OK;
}

static enum error delay(struct work *w) {
    struct object *o = target(w, 0);
    time_ms at = w->c->start > w->m->t ? w->c->start : w->m->t + 1;
    o->next_notification = at;
    o->remind_at = o->remind_at > 0 && !o->waits_for_period ? at : o->remind_at;
    object_touch(w->m, o);
    said(w, "next notification delayed", 0, o);
    return ERR_OK;
}

/* ---- turning on and off ---- */

/* Results that nobody may send any more do not grow stale; once they may, they have a threshold's time. */
static void results_switched(struct monitor *m, struct object *o, bool on) {
    struct observer_vote *votes = object_votes(&m->table, o);
    for (unsigned i = 0; i < o->def->observer_count; i++) {
        struct observer_vote *v = &votes[i];
        if (vote_fresh(v, m->t) && o->def->check_freshness) {
            v->fresh_until = on ? m->t + o->def->freshness_threshold : TIME_NEVER;
            vote_touch(m, v);
        }
    }
}

static void switched(struct monitor *m, struct object *o, enum command_subject s, bool was_on) {
    bool on = switched_on(m, o, s, true);
    if (s == SUBJECT_RESULTS && on != was_on) {
        results_switched(m, o, on);
    }
    if (s == SUBJECT_FLAP_DETECTION) {
        flapping_switched(m, o);
    }
}

static enum error turn_all(struct work *w, bool on) {
    enum command_subject s = w->c->subject;
    bool all_off = w->m->off >> s & 1u;
    if (on && !all_off) {
        buffer_printf(w->answer, "nobody had disabled it for the whole cluster: what the objects say stands\n");
        return ERR_OK;
    }
    w->m->off = on ? w->m->off & ~(1u << s) : w->m->off | 1u << s;
    w->m->header_dirty = true;
    for (size_t i = 0; i < w->targets.count; i++) {
        switched(w->m, target(w, i), s, !all_off && switch_of(target(w, i), s) != SWITCH_OFF);
    }
    buffer_printf(w->answer, "%s for the whole cluster\n", on ? "enabled" : "disabled");
    return ERR_OK;
}

static enum error turn(struct work *w, bool on) {
    enum command_subject s = w->c->subject;
    if (w->c->target == TARGET_CLUSTER) {
        return turn_all(w, on);
    }
    for (size_t i = 0; i < w->targets.count; i++) {
        struct object *o = target(w, i);
        bool was_on = switched_on(w->m, o, s, true);
        set_switch(o, s, on ? SWITCH_ON : SWITCH_OFF);
        object_touch(w->m, o);
        switched(w->m, o, s, was_on);
        said(w, on ? "enabled" : "disabled", 0, o);
    }
    return ERR_OK;
}

/* ---- masks ---- */

static enum error mask(struct work *w, enum mask_order order) {
    bool one = w->c->target == TARGET_OBJECT;
    struct mask_request r = {.observer = w->c->observer,
                             .host = one ? w->c->host : "",
                             .service = one ? w->c->service : "",
                             .by = w->by,
                             .order = order};
    enum error e = monitor_mask(w->m, &r, w->m->sink, w->answer);
    if (e != ERR_OK) {
        return refused(w, one ? target(w, 0) : NULL, e,
                       e == ERR_DUPLICATE   ? "an operator masked this observer before"
                       : e == ERR_NOT_FOUND ? "this observer is neither masked nor has it a score"
                                            : error_text(e));
    }
    buffer_printf(w->answer, "\n");
    return ERR_OK;
}

/* ---- the door ---- */

static bool fits(const struct op_command *c) {
    bool by_id = c->id != 0 && c->target == TARGET_CLUSTER;
    switch (c->kind) {
    case COMMAND_ACKNOWLEDGE:
    case COMMAND_UNACKNOWLEDGE:
    case COMMAND_COMMENT:
    case COMMAND_NOTIFY:
    case COMMAND_DELAY:
        return c->target == TARGET_OBJECT && c->id == 0;
    case COMMAND_DOWNTIME:
        return c->target != TARGET_CLUSTER && c->target != TARGET_BEYOND;
    case COMMAND_CANCEL_DOWNTIME:
        return by_id;
    case COMMAND_DELETE_COMMENT:
        return by_id || (c->id == 0 && c->target == TARGET_OBJECT);
    case COMMAND_ENABLE:
    case COMMAND_DISABLE:
        return c->subject != SUBJECT_NONE && c->id == 0;
    case COMMAND_MASK:
    case COMMAND_UNMASK:
        return (c->target == TARGET_OBJECT || c->target == TARGET_CLUSTER) && c->id == 0;
    default:
        return false;
    }
}

static enum error run(struct work *w) {
    switch (w->c->kind) {
    case COMMAND_ACKNOWLEDGE:
        return acknowledge(w);
    case COMMAND_UNACKNOWLEDGE:
        return unacknowledge(w);
    case COMMAND_DOWNTIME:
        return plan_downtime(w);
    case COMMAND_CANCEL_DOWNTIME:
        return cancel_downtime(w);
    case COMMAND_COMMENT:
        return comment(w);
    case COMMAND_DELETE_COMMENT:
        return delete_comment(w);
    case COMMAND_NOTIFY:
        return notify(w);
    case COMMAND_DELAY:
        return delay(w);
    case COMMAND_ENABLE:
        return turn(w, true);
    case COMMAND_DISABLE:
        return turn(w, false);
    case COMMAND_MASK:
        return mask(w, MASK_SET);
    case COMMAND_UNMASK:
        return mask(w, MASK_CLEAR);
    default:
        UNREACHABLE();
    }
}

enum error monitor_command(struct monitor *m, const char *by, const struct op_command *c,
                           const struct monitor_sink *sink, struct buffer *answer) {
    struct work w = {.m = m, .c = c, .by = by, .author = c->author[0] ? c->author : by, .answer = answer};
    if (!fits(c)) {
        return refused(&w, NULL, ERR_BAD_COMMAND, error_text(ERR_BAD_COMMAND));
    }
    bool by_id = c->id != 0 && c->target == TARGET_CLUSTER;
    enum error e = by_id ? ERR_OK : targets_of(m, c, &w.targets);
    if (e != ERR_OK) {
        e = refused(&w, NULL, e, error_text(e));
    } else {
        m->sink = sink;
        e = run(&w);
        for (size_t i = 0; i < w.targets.count; i++) {
            freshness_schedule(m, target(&w, i));
        }
        m->sink = NULL;
    }
    if (answer->len == 0) {
        buffer_printf(answer, "nothing to do\n");
    }
    if (w.lines > ANSWER_LINES) {
        buffer_printf(answer, "and %u more\n", w.lines - ANSWER_LINES);
    }
    targets_free(&w.targets);
    return e;
}
