/* Drills of the running cluster (R13): who may be made a traitor when, and when that is over. All of it is judged by
   replicated state alone: what ticks said, what was proven, what was ordered. A drill takes the place of one real
   fault, so it is refused, and ends, where more than f members would be faulty with it. */
#include "replica/ledger/internal.h"

#include <inttypes.h>
#include <string.h>

static const struct drill_entry *running(const struct ledger *l) {
    for (uint32_t i = 0; i < l->drill_count; i++)
        if (l->drills[i].record.end == DRILL_RUNS)
            return &l->drills[i];
    return NULL;
}

const struct drill_record *ledger_drill_running(const struct ledger *l) {
    const struct drill_entry *e = running(l);
    return e ? &e->record : NULL;
}

const struct drill_record *ledger_drill_at(const struct ledger *l, uint32_t index) {
    return index < l->drill_count ? &l->drills[index].record : NULL;
}

static struct drill_entry *entry_of(struct ledger *l, uint64_t id) {
    for (uint32_t i = 0; i < l->drill_count; i++)
        if (l->drills[i].record.id == id)
            return &l->drills[i];
    return NULL;
}

const struct drill_record *ledger_drill_find(const struct ledger *l, uint64_t id) {
    for (uint32_t i = 0; i < l->drill_count; i++)
        if (l->drills[i].record.id == id)
            return &l->drills[i].record;
    return NULL;
}

/* ---- who is faulty ---- */

static unsigned members_above(const struct ledger *l, view_no view, member_id except) {
    unsigned count = 0;
    for (unsigned i = 0; i < l->genesis->member_count; i++)
        count += i != except && l->ticks[i].present && l->ticks[i].view > view;
    return count;
}

/* The highest view that at least f+1 members but the target tell: one of them is honest, and was there. */
static view_no view_told(const struct ledger *l, member_id target) {
    view_no best = 0;
    for (unsigned i = 0; i < l->genesis->member_count; i++) {
        view_no view = l->ticks[i].view;
        if (view > best && members_above(l, view - 1, target) >= quorum_weak(l->genesis->member_count))
            best = view;
    }
    return best;
}

bool ledger_drill_counts(const struct ledger *l, const struct drill_record *d) {
    if (d->end == DRILL_RUNS || !d->done)
        return true;
    if (d->max_n > 0 && l->executed <= d->max_n + l->genesis->knobs.window)
        return true;
    return d->max_view > 0 && members_above(l, d->max_view, MEMBER_NONE) < quorum_strong(l->genesis->member_count);
}

static const struct drill_record *drilled_by(const struct ledger *l, member_id member) {
    for (uint32_t i = 0; i < l->drill_count; i++) {
        const struct drill_record *d = &l->drills[i].record;
        if (d->target == member && ledger_drill_counts(l, d))
            return d;
    }
    return NULL;
}

static time_ms silence_allowed(const struct ledger *l) {
    time_ms ticks = (time_ms)LEDGER_SILENT_TICKS * l->genesis->knobs.tick_ms;
    return ticks > LEDGER_SILENT_MS ? ticks : LEDGER_SILENT_MS;
}

static void say_drilled(const struct ledger *l, const struct drill_record *d, struct buffer *why) {
    buffer_printf(why, "replica %u still counts as drilled by drill %" PRIu64, (unsigned)d->target, d->id);
    if (d->end == DRILL_RUNS)
        buffer_printf(why, ": it runs");
    else if (!d->done)
        buffer_printf(why, ": it has not said how far it went");
    else if (d->max_n > 0 && l->executed <= d->max_n + l->genesis->knobs.window)
        buffer_printf(why, ": until n=%" PRIu64 " is executed", d->max_n + l->genesis->knobs.window + 1);
    else
        buffer_printf(why, ": until a quorum is in a view above %" PRIu64, d->max_view);
}

/* Faulty, as far as the log knows; then why says so. */
static bool is_faulty(const struct ledger *l, member_id member, struct buffer *why) {
    const struct member_tick *tick = &l->ticks[member];
    const struct drill_record *drill = drilled_by(l, member);
    unsigned id = member;
    if (ledger_convicted(l, &l->genesis->members[member].key))
        buffer_printf(why, "replica %u is convicted", id);
    else if (!tick->present)
        buffer_printf(why, "replica %u is faulty: no tick yet", id);
    else if (l->t - tick->at >= silence_allowed(l))
        buffer_printf(why, "replica %u is faulty: no tick for %" PRIi64 " s", id, (l->t - tick->at) / 1000);
    else if (!tick->voting)
        buffer_printf(why, "replica %u is faulty: it does not vote", id);
    else if (drill)
        say_drilled(l, drill, why);
    else
        return false;
    return true;
}

/* With a drill of `target` more than f members would be faulty. */
static bool beyond_bound(const struct ledger *l, member_id target, struct buffer *why) {
    unsigned f = quorum_faults(l->genesis->member_count), faulty = 0;
    struct buffer reason = {0};
    for (member_id i = 0; i < l->genesis->member_count; i++) {
        buffer_clear(&reason);
        if (i == target || !is_faulty(l, i, &reason))
            continue;
        buffer_printf(why, "%s%s", faulty ? "; " : "", buffer_cstr(&reason));
        faulty++;
    }
    buffer_free(&reason);
    return faulty + 1 > f;
}

/* ---- what it may have signed ---- */

/* How far a drill that is closed can have gone, whatever its target claims, and when it claims nothing at all. An
   honest target loses nothing by it, be it down for an hour before it says DONE. Its filter had ended: by the end in
   the log, or by its own clock where it lags or is cut off. What was certified until then lies below closed_n, and
   nothing is signed for a drill more than 2 W beyond that. As to views, a filter signs VIEW-CHANGEs up to 4 above its
   own, and that may be above what ticks told by those views that pass while nothing is executed, no tick either. The
   filter is patient for 20 s then (replica/node_drill.c): some 25 views where timeouts double to 1 s only, 5 as they
   are. */
static void cap_range(const struct ledger *l, const struct drill_record *d, struct drill_range *r) {
    seq_no n = d->closed_n + 2 * (seq_no)l->genesis->knobs.window;
    view_no view = d->closed_view + LEDGER_DRILL_VIEWS;
    r->to_n = d->done && d->max_n < n ? d->max_n : n;
    r->to_view = d->done && d->max_view < view ? d->max_view : view;
}

static struct drill_range range_of(const struct ledger *l, const struct drill_record *d) {
    seq_no window = l->genesis->knobs.window;
    struct drill_range r = {.from_n = d->started_n > window ? d->started_n - window + 1 : 1,
                            .to_n = UINT64_MAX,
                            .from_view = d->started_view > 0 ? d->started_view : 1,
                            .to_view = UINT64_MAX};
    if (d->closed_n > 0)
        cap_range(l, d, &r);
    return r;
}

/* ---- beginning ---- */

static void copy_text(char *out, size_t max, const char *text) {
    size_t len = strlen(text);
    REQUIRE(len <= max);
    memcpy(out, text, len + 1);
}

static enum error target_allowed(const struct ledger *l, member_id target, struct buffer *why) {
    if (target >= l->genesis->member_count) {
        buffer_printf(why, "there is no replica %u", (unsigned)target);
        return ERR_DRILL_TARGET;
    }
    return is_faulty(l, target, why) ? ERR_DRILL_TARGET : ERR_OK;
}

static enum error margin_allows(const struct ledger *l, member_id target, struct buffer *why) {
    unsigned f = quorum_faults(l->genesis->member_count);
    struct buffer who = {0};
    bool beyond = beyond_bound(l, target, &who);
    if (beyond)
        buffer_printf(why, "%s%sthe cluster bears %u faulty", who.len ? buffer_cstr(&who) : "", who.len ? "; " : "", f);
    buffer_free(&who);
    return beyond ? ERR_DRILL_MARGIN : ERR_OK;
}

/* The oldest one that does not count any more; drill_count: there is none. */
static uint32_t first_past(const struct ledger *l) {
    uint32_t at = 0;
    while (at < l->drill_count && ledger_drill_counts(l, &l->drills[at].record))
        at++;
    return at;
}

/* One target may count for many drills: what bent VIEW-CHANGEs do is over when ticks say so, and these may take it
 * back. */
static enum error room_allows(const struct ledger *l, struct buffer *why) {
    if (l->drill_count < LEDGER_DRILLS_MAX || first_past(l) < l->drill_count)
        return ERR_OK;
    buffer_printf(why, "%u drills are listed, and each of them still counts", LEDGER_DRILLS_MAX);
    return ERR_TOO_MANY;
}

static enum error may_begin(const struct ledger *l, const struct op_drill *op, struct buffer *why) {
    const struct drill_record *now = ledger_drill_running(l);
    if (l->genesis->drills != DRILLS_LIVE) {
        buffer_printf(why, "this cluster allows no drills while it runs: its genesis does not say `drills: live`");
        return ERR_DRILLS_OFF;
    }
    if (now) {
        buffer_printf(why, "drill %" PRIu64 " (%s) of replica %u runs", now->id, now->name, (unsigned)now->target);
        return ERR_DRILL_RUNS;
    }
    enum error e = target_allowed(l, op->target, why);
    if (e == ERR_OK)
        e = margin_allows(l, op->target, why);
    return e == ERR_OK ? room_allows(l, why) : e;
}

static void widen(uint64_t *from, uint64_t *to, uint64_t also_from, uint64_t also_to) {
    bool empty = *to < *from;
    if (also_to < also_from)
        return;
    *from = empty || also_from < *from ? also_from : *from;
    *to = empty || also_to > *to ? also_to : *to;
}

/* It leaves only what it may have signed. */
static void make_room(struct ledger *l) {
    uint32_t at = first_past(l);
    REQUIRE(at < l->drill_count); /* else the order was refused */
    const struct drill_record *d = &l->drills[at].record;
    const struct drill_range range = range_of(l, d);
    struct drills_past *past = &l->drills_past[d->target];
    if (past->id == 0)
        past->range = (struct drill_range){.from_n = 1, .from_view = 1};
    widen(&past->range.from_n, &past->range.to_n, range.from_n, range.to_n);
    widen(&past->range.from_view, &past->range.to_view, range.from_view, range.to_view);
    past->id = d->id;
    past->dirty = true;
    struct buffer key = {0};
    buffer_put(&key, "ld", 2);
    buffer_u64(&key, d->id);
    buffer_block(&l->gone, buffer_bytes(&key));
    l->gone_count++;
    buffer_free(&key);
    memmove(&l->drills[at], &l->drills[at + 1], (l->drill_count - at - 1) * sizeof l->drills[0]);
    l->drill_count--;
}

/* Where the target is. Its own tick may be seconds old, so an honest one may tell a view that ended; but one that lags
   far behind what others tell would bring its old lies under the drill. */
static view_no view_believed(const struct ledger *l, member_id target) {
    view_no own = l->ticks[target].view, told = view_told(l, target);
    view_no least = told > LEDGER_DRILL_LAG ? told - LEDGER_DRILL_LAG : 0;
    if (own > told)
        return told;
    return own > least ? own : least;
}

enum error ledger_drill(struct ledger *l, const struct public_key *by, const struct op_drill *op, struct buffer *why) {
    enum error e = may_begin(l, op, why);
    if (e != ERR_OK)
        return e;
    if (l->drill_count == LEDGER_DRILLS_MAX)
        make_room(l);
    const struct key_entry *who = keyring_find(l->keys, by);
    REQUIRE(who && who->role == ROLE_OPERATOR);
    struct drill_entry *entry = &l->drills[l->drill_count];
    uint64_t id = l->drill_count ? l->drills[l->drill_count - 1].record.id + 1 : 1;
    *entry = (struct drill_entry){.dirty = true};
    struct drill_record *d = &entry->record;
    d->id = id;
    d->target = op->target;
    copy_text(d->name, DRILL_NAME_MAX, op->name);
    copy_text(d->behaviour, DRILL_BEHAVIOUR_MAX, op->behaviour);
    copy_text(d->operator_name, DRILL_OPERATOR_MAX, l->genesis->operators[who->index].name);
    d->started_n = l->executed + 1;
    d->started_t = l->t;
    d->ends_t = l->t + op->duration;
    d->started_view = view_believed(l, op->target);
    l->drill_count++;
    buffer_printf(why, "drill %" PRIu64 " begins: replica %u behaves as %s\n", id, (unsigned)op->target, op->behaviour);
    return ERR_OK;
}

/* ---- ending ---- */

static void end_drill(struct ledger *l, struct drill_entry *e, enum drill_end why) {
    REQUIRE(e->record.end == DRILL_RUNS);
    e->record.end = why;
    e->record.ended_n = l->executed + 1;
    e->record.ended_t = l->t;
    e->dirty = true;
}

/* Its target lies no more, as far as it is honest. */
static void close_drill(const struct ledger *l, struct drill_entry *e) {
    REQUIRE(e->record.end != DRILL_RUNS);
    if (e->record.closed_n > 0)
        return;
    e->record.closed_n = l->executed + 1;
    e->record.closed_view = view_told(l, e->record.target);
    e->dirty = true;
}

static bool open_no_longer(const struct ledger *l, const struct drill_record *d) {
    return d->end != DRILL_RUNS && l->t >= d->ended_t + LEDGER_DRILL_OPEN_MS;
}

static struct drill_entry *running_entry(struct ledger *l) {
    const struct drill_record *d = ledger_drill_running(l);
    return d ? entry_of(l, d->id) : NULL;
}

enum error ledger_drill_stop(struct ledger *l, const struct op_drill_stop *op, struct buffer *why) {
    struct drill_entry *e = running_entry(l);
    if (!e || e->record.id != op->id) {
        buffer_printf(why, "drill %" PRIu64 " does not run", op->id);
        return ERR_NO_DRILL;
    }
    end_drill(l, e, DRILL_END_STOPPED);
    buffer_printf(why, "drill %" PRIu64 " is over\n", op->id);
    return ERR_OK;
}

enum error ledger_drill_done(struct ledger *l, member_id from, const struct op_drill_done *op) {
    struct drill_entry *e = entry_of(l, op->id);
    if (!e)
        return ERR_NO_DRILL;
    struct drill_record *d = &e->record;
    if (d->target != from)
        return ERR_FORBIDDEN;
    if (d->done)
        return ERR_DUPLICATE;
    if (op->max_n > l->executed + 1 + 2 * (seq_no)l->genesis->knobs.window)
        return ERR_OUT_OF_RANGE;
    if (op->max_view > view_told(l, from) + LEDGER_DRILL_VIEWS)
        return ERR_OUT_OF_RANGE;
    /* Its own clock measures the same time a little faster than ticks do. */
    bool in_time = l->t + silence_allowed(l) >= d->ends_t;
    if (d->end == DRILL_RUNS)
        end_drill(l, e, in_time ? DRILL_END_TIME : DRILL_END_TARGET);
    close_drill(l, e);
    d->done = true;
    d->max_n = op->max_n;
    d->max_view = op->max_view;
    d->bites = op->bites;
    e->dirty = true;
    return ERR_OK;
}

void ledger_drill_watch(struct ledger *l) {
    struct drill_entry *e = running_entry(l);
    struct buffer why = {0};
    if (e && l->t >= e->record.ends_t)
        end_drill(l, e, DRILL_END_TIME);
    else if (e && beyond_bound(l, e->record.target, &why))
        end_drill(l, e, DRILL_END_MARGIN);
    buffer_free(&why);
    for (uint32_t i = 0; i < l->drill_count; i++)
        if (open_no_longer(l, &l->drills[i].record))
            close_drill(l, &l->drills[i]);
}

void ledger_drill_abort(struct ledger *l) {
    struct drill_entry *e = running_entry(l);
    if (e)
        end_drill(l, e, DRILL_END_EVIDENCE);
}

/* ---- whose doing a proof is ---- */

/* Its place is a view, not a number: what lies is a VIEW-CHANGE or a NEW-VIEW. */
static bool is_of_view(const struct evidence_record *p) {
    return p->n == 0 && p->v > 0;
}

/* Of a COMMIT and the VIEW-CHANGE that leaves it out either may be the lie, and the other the honest core's. */
static bool range_holds(const struct drill_range *r, const struct evidence_record *p) {
    bool slot = p->n >= r->from_n && p->n <= r->to_n, view = p->v >= r->from_view && p->v <= r->to_view;
    if (p->kind == EV_VC_OMISSION)
        return slot || view;
    return is_of_view(p) ? view : slot;
}

static bool has_place(const struct evidence_record *p) {
    return p->kind != EV_TICK_EQUIV && p->kind != EV_CLIENT_EQUIV && p->kind != EV_OBS_EQUIV;
}

/* A number under which two ticks or requests were signed tells nothing of when: a filter counts its own. Members show
   at once what they see, so what counts is when it is shown. A target that is cut off may lie for the rest of the
   drill's time after its end was agreed on. */
static bool shown_in_time(const struct ledger *l, const struct drill_record *d) {
    return !open_no_longer(l, d);
}

static bool made_by(const struct ledger *l, const struct drill_record *d, const struct evidence_record *p) {
    struct drill_range range = range_of(l, d);
    return has_place(p) ? range_holds(&range, p) : shown_in_time(l, d);
}

uint64_t drill_of_proof(const struct ledger *l, const struct evidence_record *p) {
    uint32_t seat = seat_index(l, &p->culprit);
    if (seat >= l->genesis->member_count)
        return 0;
    for (uint32_t i = l->drill_count; i-- > 0;) {
        const struct drill_record *d = &l->drills[i].record;
        if (d->target == seat && made_by(l, d, p))
            return d->id;
    }
    const struct drills_past *past = &l->drills_past[seat];
    return past->id && has_place(p) && range_holds(&past->range, p) ? past->id : 0;
}

/* ---- records: key "ld" id, value drill_record; key "lf" member, value id | from_n | to_n | from_view | to_view ----
 */

static void flush_past(struct ledger *l, const struct record_sink *sink) {
    struct buffer key = {0}, value = {0};
    for (uint16_t i = 0; i < l->genesis->member_count; i++) {
        struct drills_past *past = &l->drills_past[i];
        if (!past->dirty)
            continue;
        buffer_clear(&key);
        buffer_clear(&value);
        buffer_put(&key, "lf", 2);
        buffer_u16(&key, i);
        buffer_u64(&value, past->id);
        buffer_u64(&value, past->range.from_n);
        buffer_u64(&value, past->range.to_n);
        buffer_u64(&value, past->range.from_view);
        buffer_u64(&value, past->range.to_view);
        sink->record(sink->self, buffer_bytes(&key), buffer_bytes(&value));
        past->dirty = false;
    }
    buffer_free(&key);
    buffer_free(&value);
}

void drills_flush(struct ledger *l, const struct record_sink *sink) {
    struct buffer key = {0}, value = {0};
    for (uint32_t i = 0; i < l->drill_count; i++) {
        struct drill_entry *e = &l->drills[i];
        if (!e->dirty)
            continue;
        buffer_clear(&key);
        buffer_clear(&value);
        buffer_put(&key, "ld", 2);
        buffer_u64(&key, e->record.id);
        drill_record_encode(&value, &e->record);
        sink->record(sink->self, buffer_bytes(&key), buffer_bytes(&value));
        e->dirty = false;
    }
    buffer_free(&key);
    buffer_free(&value);
    flush_past(l, sink);
}

enum error drills_restore(struct ledger *l, struct reader *key, struct reader *value) {
    uint64_t id = read_u64(key);
    struct drill_record d;
    uint32_t at = 0;
    if (key->bad || drill_record_decode(&d, value) != ERR_OK || d.id != id || d.counts ||
        d.target >= l->genesis->member_count)
        return ERR_CORRUPT;
    while (at < l->drill_count && l->drills[at].record.id < id)
        at++;
    bool known = at < l->drill_count && l->drills[at].record.id == id;
    if (!known && l->drill_count == LEDGER_DRILLS_MAX)
        return ERR_CORRUPT;
    if (!known) {
        memmove(&l->drills[at + 1], &l->drills[at], (l->drill_count - at) * sizeof l->drills[0]);
        l->drill_count++;
    }
    l->drills[at] = (struct drill_entry){.record = d};
    return ERR_OK;
}

enum error drills_past_restore(struct ledger *l, struct reader *key, struct reader *value) {
    uint16_t member = read_u16(key);
    struct drills_past past = {.id = read_u64(value)};
    past.range.from_n = read_u64(value);
    past.range.to_n = read_u64(value);
    past.range.from_view = read_u64(value);
    past.range.to_view = read_u64(value);
    if (key->bad || value->bad || member >= l->genesis->member_count || past.id == 0)
        return ERR_CORRUPT;
    l->drills_past[member] = past;
    return ERR_OK;
}
