/* One handler's way through the alerts: mark "attempt", carry the message, mark "done". What fails is tried again; what
   the receiver refuses for good, or is given up, is told and passed over, so that it holds up nothing for ever. */
#include "client/handler.h"

#include "base/clock.h"
#include "base/invariant.h"
#include "base/log.h"
#include "client/carrier.h"

#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum { TICK_EVERY = 1000 };

struct handler {
    struct handler_setup setup;
    struct carrier *carrier;
    uint64_t position; /* handed, or passed over */
    bool unsettled;    /* position is ahead of the outbox */
    bool again;        /* the outbox knows of an attempt whose end it does not know */
    unsigned next_run;
    uint64_t begun;  /* the last alert of the message that the outbox knows begun; 0: none */
    uint64_t theirs; /* how far another is done, as we saw while we tried */
    bool lost;       /* a run of the message was refused, given up, or done by another */
    struct buffer said;
};

static struct carrier *carrier_of(const struct handler_setup *setup, struct buffer *why) {
    switch (setup->config->kind) {
    case NOTIFY_COMMAND:
        return carry_command(setup);
    case NOTIFY_WEBHOOK:
        return carry_webhook(setup);
    case NOTIFY_SMTP:
        return carry_mail(setup);
    case NOTIFY_ALERTMANAGER:
        return carry_alertmanager(setup, why);
    }
    UNREACHABLE();
}

struct handler *handler_new(const struct handler_setup *setup, struct buffer *why) {
    struct outbox_position position;
    bool known = outbox_find(setup->outbox, setup->config->name, &position);
    REQUIRE(known);
    struct carrier *carrier = carrier_of(setup, why);
    if (carrier == NULL) {
        return NULL;
    }
    struct handler *h = xcalloc(1, sizeof *h);
    *h = (struct handler){.setup = *setup,
                          .carrier = carrier,
                          .position = position.handed,
                          .next_run = position.next_run,
                          .again = position.attempting,
                          .begun = position.last};
    if (setup->turns != NULL) {
        turns_begin(setup->turns, position.handed, position.begin);
    }
    return h;
}

void handler_free(struct handler *h) {
    if (h != NULL) {
        h->carrier->free(h->carrier);
        buffer_free(&h->said);
        free(h);
    }
}

uint64_t handler_position(const struct handler *h) {
    return h->position;
}

/* --- pauses --- */

/* What one message waits for others must not: what was done is recorded, and what fires is repeated, meanwhile. true:
   asked to stop. */
static bool rest(struct handler *h, mono_ms pause) {
    struct pollfd stop = {.fd = h->setup.stop_fd, .events = POLLIN};
    mono_ms until = clock_mono() + pause, left;
    do {
        handler_tick(h);
        if (h->setup.turns != NULL) {
            turns_settle(h->setup.turns);
        }
        left = until - clock_mono();
        left = left < 0 ? 0 : left > TICK_EVERY ? TICK_EVERY : left;
        if (poll(&stop, 1, (int)left) > 0) {
            return true;
        }
    } while (clock_mono() < until);
    return false;
}

static mono_ms longer(const struct handler *h, mono_ms pause) {
    return pause * 2 < h->setup.longest_pause ? pause * 2 : h->setup.longest_pause;
}

/* --- marks: written until the disk takes them --- */

enum mark { MARK_ATTEMPT, MARK_DONE, MARK_HANDED };

static enum error put_mark(struct handler *h, enum mark mark, const struct parcel *p, struct buffer *why) {
    struct outbox *o = h->setup.outbox;
    const char *name = h->setup.config->name;
    switch (mark) {
    case MARK_ATTEMPT:
        return outbox_attempt_group(o, name, p->first, p->last, p->run, why);
    case MARK_DONE:
        return outbox_done(o, name, p->first, p->run, why);
    case MARK_HANDED:
        return outbox_handed(o, name, p->last, why);
    }
    UNREACHABLE();
}

/* false: asked to stop. */
static bool note(struct handler *h, enum mark mark, const struct parcel *p) {
    struct buffer why = {0};
    mono_ms pause = h->setup.first_pause;
    bool stopped = false;
    while (!stopped && put_mark(h, mark, p, &why) != ERR_OK) {
        log_event_limited(LOG_ERROR_, "state-write-failed", "handler=%s error=\"%s\"", h->setup.config->name,
                          buffer_cstr(&why));
        buffer_clear(&why);
        stopped = rest(h, pause);
        pause = longer(h, pause);
    }
    buffer_free(&why);
    return !stopped;
}

/* --- one run of a message --- */

static void make_quotable(struct buffer *said) {
    for (size_t i = 0; i < said->len; i++) { /* one quoted field of one line */
        uint8_t c = said->data[i];
        said->data[i] = c == '"' ? '\'' : c < ' ' || c == 0x7f ? ' ' : c;
    }
}

static void tell_failure(struct handler *h, const struct parcel *p, unsigned tries, mono_ms pause) {
    make_quotable(&h->said);
    log_event(LOG_WARN_, "handler-failed",
              "handler=%s alert=%" PRIu64 " last=%" PRIu64 " tries=%u retry_in_ms=%" PRId64 " said=\"%.200s\"",
              h->setup.config->name, p->first, p->last, tries, pause, buffer_cstr(&h->said));
}

static void tell_loss(struct handler *h, const struct parcel *p, const char *event, unsigned tries) {
    make_quotable(&h->said);
    log_event(
        LOG_ERROR_, event,
        "handler=%s alert=%" PRIu64 " last=%" PRIu64 " run=%u tries=%u said=\"%.200s\" text=\"not handed over and "
        "not tried again: mend the handler or its receiver, and see what it missed: quorate alerts --since %" PRIu64
        "\"",
        h->setup.config->name, p->first, p->last, p->run, tries, buffer_cstr(&h->said), p->first - 1);
    h->lost = true;
}

static void tell_theirs(const struct handler *h, uint64_t first, uint64_t last) {
    log_event(LOG_INFO_, "done-with-by-another", "handler=%s alert=%" PRIu64 " last=%" PRIu64, h->setup.config->name,
              first, last);
}

/* While we tried in vain another notifier may have reached the receiver. */
static bool is_theirs_now(struct handler *h, const struct parcel *p) {
    uint64_t upto;
    bool theirs = h->setup.turns != NULL && turns_await(h->setup.turns, p->last, p->alerts[0]->t, &upto) == TURN_THEIRS;
    if (theirs) {
        tell_theirs(h, p->first, p->last);
        h->lost = true;
        h->theirs = upto;
    }
    return theirs;
}

/* How long what ended so is tried. What fails here, or is refused, another notifier may be granted: its host, its way
   and its login are others. Until it had time to, we do not count it as done. */
static mono_ms patience(const struct handler *h, enum carry_end end) {
    mono_ms least = h->setup.turns == NULL ? 0 : h->setup.others_need;
    mono_ms most = h->setup.config->retry_for == 0 ? INT64_MAX : h->setup.config->retry_for;
    return end == CARRY_REFUSED || most < least ? least : most;
}

static bool carry_out(struct handler *h, const struct parcel *p);

/* What is too much at once may be taken in parts. Repeated after a crash it falls into the same parts, under the same
   numbers. */
static bool carry_halves(struct handler *h, const struct parcel *p) {
    unsigned half = p->count / 2;
    struct parcel one = {.alerts = p->alerts, .count = half, .run = p->run, .first = p->first};
    struct parcel other = {.alerts = p->alerts + half, .count = p->count - half, .run = p->run, .last = p->last};
    one.last = p->alerts[half - 1]->number;
    other.first = p->alerts[half]->number;
    make_quotable(&h->said);
    log_event(LOG_WARN_, "message-halved", "handler=%s alert=%" PRIu64 " last=%" PRIu64 " alerts=%u said=\"%.200s\"",
              h->setup.config->name, p->first, p->last, p->count, buffer_cstr(&h->said));
    return carry_out(h, &one) && carry_out(h, &other);
}

/* Again and again, until it is taken or passed over; false: asked to stop. */
static bool carry_out(struct handler *h, const struct parcel *p) {
    mono_ms pause = h->setup.first_pause, began = clock_mono();
    for (unsigned tries = 1;; tries++) {
        buffer_clear(&h->said);
        enum carry_end end = h->carrier->carry(h->carrier, p, &h->said);
        if (end == CARRY_DONE || end == CARRY_STOPPED) {
            return end == CARRY_DONE;
        }
        if (end == CARRY_REFUSED && p->count > 1) {
            return carry_halves(h, p);
        }
        if (clock_mono() - began >= patience(h, end)) {
            if (h->carrier->pass_over != NULL) {
                h->carrier->pass_over(h->carrier, p);
            }
            tell_loss(h, p, end == CARRY_REFUSED ? "alert-refused" : "alert-given-up", tries);
            return true;
        }
        tell_failure(h, p, tries, pause);
        if (rest(h, pause)) {
            return false;
        }
        if (is_theirs_now(h, p)) {
            return true;
        }
        pause = longer(h, pause);
    }
}

static bool take_run(struct handler *h, const struct parcel *p) {
    return note(h, MARK_ATTEMPT, p) && carry_out(h, p) && note(h, MARK_DONE, p);
}

/* --- a message --- */

/* Whether any run that is still open wants the alert. */
static bool wants(const struct handler *h, const struct alert *alert) {
    for (unsigned run = h->next_run; run < notify_handler_runs(h->setup.config, alert); run++) {
        if (notify_handler_wants(h->setup.config, alert, run)) {
            return true;
        }
    }
    return false;
}

/* How many of the alerts a message takes that was begun before; 0: more than are there. */
static unsigned begun_size(const struct handler *h, const struct alert *list, unsigned count) {
    unsigned size = 0;
    while (size < count && list[size].number <= h->begun) {
        size++;
    }
    return size == count && list[count - 1].number < h->begun ? 0 : size;
}

/* How many of the alerts are the next message: one, or, when too many wait, all up to the last wanted one. What was
   begun is told again as it was, since its receiver may know it by its numbers. */
static unsigned message_size(const struct handler *h, const struct alert *list, unsigned count) {
    unsigned waiting = 0, size = 0;
    if (h->setup.config->kind == NOTIFY_COMMAND) {
        return 1;
    }
    if (h->begun >= list[0].number) {
        return begun_size(h, list, count);
    }
    if (!wants(h, &list[0])) {
        return 1;
    }
    for (unsigned i = 0; i < count; i++) {
        if (wants(h, &list[i])) {
            waiting++;
            size = i + 1;
        }
    }
    return waiting > h->setup.config->group_above ? size : 1;
}

static bool take_runs(struct handler *h, struct parcel *p) {
    const struct alert *first = p->alerts[0];
    for (p->run = h->next_run; p->run < notify_handler_runs(h->setup.config, first) && h->theirs < p->last; p->run++) {
        if (notify_handler_wants(h->setup.config, first, p->run) && !take_run(h, p)) {
            return false;
        }
    }
    return true;
}

static void tell_taken(const struct handler *h, const struct parcel *p) {
    for (unsigned i = 0; i < p->count && !h->lost; i++) {
        const struct alert *a = p->alerts[i];
        log_event(LOG_INFO_, "alert-handed-over", "handler=%s alert=%" PRIu64 " type=%s host=\"%s\" service=\"%s\"",
                  h->setup.config->name, a->number, alert_type_name(a->type), a->host, a->service);
    }
}

static bool take_parcel(struct handler *h, struct parcel *p) {
    h->lost = false;
    if (p->count > 0 && h->again) {
        log_event(LOG_WARN_, "handing-over-again", "handler=%s alert=%" PRIu64 " text=\"its last run was cut short\"",
                  h->setup.config->name, p->first);
    }
    if (p->count > 0 && !take_runs(h, p)) {
        return false;
    }
    bool started = p->count > 0 || h->next_run > 0 || h->again;
    if (started && !note(h, MARK_HANDED, p)) {
        return false;
    }
    tell_taken(h, p);
    h->position = p->last;
    h->next_run = 0;
    h->again = false;
    h->begun = 0;
    h->unsettled = !started;
    return true;
}

static bool take_message(struct handler *h, const struct alert *list, unsigned size) {
    const struct alert **wanted = xcalloc(size, sizeof *wanted);
    struct parcel p = {.alerts = wanted, .first = list[0].number, .last = list[size - 1].number};
    for (unsigned i = 0; i < size; i++) {
        if (wants(h, &list[i])) {
            wanted[p.count++] = &list[i];
        }
    }
    bool taken = take_parcel(h, &p);
    free(wanted);
    return taken;
}

/* What was begun of the alerts up to this one is void. */
static void step_over(struct handler *h, uint64_t number) {
    h->position = number;
    h->next_run = 0;
    h->again = false;
    h->begun = 0;
}

/* History may have been pruned beyond what was handed over. */
static void step_over_gap(struct handler *h, uint64_t number) {
    REQUIRE(number > h->position);
    if (number > h->position + 1) {
        log_event(LOG_ERROR_, "alerts-gone",
                  "handler=%s first=%" PRIu64 " last=%" PRIu64
                  " text=\"no replica has them any more: not handed over\"",
                  h->setup.config->name, h->position + 1, number - 1);
        step_over(h, number - 1);
    }
}

/* Those of the alerts that another notifier is done with. */
static bool step_over_theirs(struct handler *h, const struct alert *list, unsigned count, uint64_t upto) {
    struct parcel theirs = {.first = list[0].number};
    for (unsigned i = 0; i < count && list[i].number <= upto; i++) {
        theirs.last = list[i].number;
    }
    if (!note(h, MARK_HANDED, &theirs)) {
        return false;
    }
    tell_theirs(h, theirs.first, theirs.last);
    step_over(h, theirs.last);
    h->unsettled = false;
    return true;
}

/* false: asked to stop. Behind it h->position tells whether another has done what is next. */
static bool await_turn(struct handler *h, const struct alert *list, unsigned count) {
    uint64_t upto;
    if (h->setup.turns == NULL || !wants(h, &list[0])) {
        return true;
    }
    switch (turns_await(h->setup.turns, list[0].number, list[0].t, &upto)) {
    case TURN_OURS:
        return true;
    case TURN_THEIRS:
        return step_over_theirs(h, list, count, upto);
    case TURN_STOPPED:
        return false;
    }
    UNREACHABLE();
}

static void tell_others(struct handler *h) {
    if (h->setup.turns != NULL) {
        turns_done(h->setup.turns, h->position);
    }
}

enum handler_end handler_take(struct handler *h, const struct alert *list, unsigned count) {
    unsigned at = 0;
    while (at < count) {
        step_over_gap(h, list[at].number);
        if (!await_turn(h, list + at, count - at)) {
            return HANDLER_STOPPED;
        }
        if (h->position < list[at].number) {
            unsigned size = message_size(h, list + at, count - at);
            if (size == 0) {
                return HANDLER_MORE;
            }
            if (!take_message(h, list + at, size)) {
                return HANDLER_STOPPED;
            }
        }
        tell_others(h);
        while (at < count && list[at].number <= h->position) {
            at++;
        }
    }
    return HANDLER_HANDED;
}

void handler_settle(struct handler *h) {
    const struct parcel passed = {.last = h->position};
    if (h->unsettled && note(h, MARK_HANDED, &passed)) {
        h->unsettled = false;
    }
    if (h->setup.turns != NULL) {
        turns_settle(h->setup.turns);
    }
}

void handler_tick(struct handler *h) {
    if (h->carrier->tick != NULL) {
        h->carrier->tick(h->carrier);
    }
}
