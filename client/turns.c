/* Before a message the log is read, behind it the log is told. Reading costs a request, so what was read counts for a
   moment, that nothing was answered for a longer one, and records of messages that follow each other closely are
   joined. */
#include "client/turns.h"

#include "base/clock.h"
#include "base/invariant.h"
#include "base/log.h"

#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>

struct turns {
    struct turns_setup setup;
    uint64_t begin;            /* where we began: what came before is not ours to record */
    uint64_t position;         /* done with by us, or by others as far as we saw */
    uint64_t recorded;         /* of these, what stands in the log */
    uint64_t known;            /* how far the log says the handler is; 0: nothing, or not read */
    bool was_read, was_tried;  /* known, and a record, were asked for at ... */
    mono_ms read_at, tried_at; /* ... these moments */
    mono_ms rest;              /* from then to the next record */
    bool was_deaf;             /* the log did not answer at ... */
    mono_ms deaf_at;           /* ... this moment */
    mono_ms arrived_at;        /* of the last alerts that came */
    bool came;                 /* any did: */
    mono_ms lag;               /* the least that clock_mono() was ahead of the agreed time of an alert when it came */
};

struct turns *turns_new(const struct turns_setup *setup) {
    struct turns *t = xcalloc(1, sizeof *t);
    *t = (struct turns){.setup = *setup, .arrived_at = clock_mono()};
    return t;
}

void turns_free(struct turns *t) {
    free(t);
}

void turns_begin(struct turns *t, uint64_t position, uint64_t begin) {
    REQUIRE(begin <= position);
    t->position = position;
    t->recorded = t->begin = begin;
}

bool turns_beginning(uint64_t recorded, const uint64_t *since, struct turns_beginning *out) {
    bool chosen = since != NULL && recorded == 0;
    *out = (struct turns_beginning){.after = chosen ? *since : recorded, .chosen = chosen};
    return since == NULL || recorded == 0 || *since <= recorded;
}

/* Alerts are taken from the stream when those before them are done with, so that they may have waited there. How long
   tells the difference of their agreed times from others', whatever this machine's clock shows. */
void turns_arrived(struct turns *t, mono_ms now, time_ms newest) {
    t->arrived_at = now;
    t->lag = t->came && t->lag < now - newest ? t->lag : now - newest;
    t->came = true;
}

/* When it could have come, at the earliest. */
static mono_ms raised_at(const struct turns *t, time_ms alert) {
    return t->came && alert + t->lag < t->arrived_at ? alert + t->lag : t->arrived_at;
}

/* --- reading --- */

/* It is not asked for each alert when it does not answer: that costs seconds. */
static void heard(struct turns *t, bool answer) {
    t->was_deaf = !answer;
    t->deaf_at = clock_mono();
}

static bool is_deaf(const struct turns *t, mono_ms now) {
    return t->was_deaf && now - t->deaf_at < t->setup.deaf;
}

static void read_log(struct turns *t) {
    uint64_t upto = 0;
    t->was_read = t->setup.read(t->setup.self, t->setup.handler, &upto);
    t->read_at = clock_mono();
    heard(t, t->was_read);
    if (!t->was_read) {
        log_event_limited(LOG_WARN_, "turn-unknown",
                          "handler=%s text=\"cannot read what other notifiers handed over: alerts may go out twice\"",
                          t->setup.handler);
    } else if (upto > t->known) {
        t->known = upto;
    }
}

static bool is_fresh(const struct turns *t, mono_ms now) {
    return t->was_read && now - t->read_at < t->setup.fresh;
}

/* true: asked to stop. */
static bool wait_until(const struct turns *t, mono_ms until) {
    struct pollfd stop = {.fd = t->setup.stop_fd, .events = POLLIN};
    mono_ms now = clock_mono();
    return poll(&stop, 1, (int)(until > now ? until - now : 0)) > 0;
}

enum turn turns_await(struct turns *t, uint64_t number, time_ms raised, uint64_t *upto) {
    mono_ms deadline = raised_at(t, raised) + t->setup.standby_after;
    for (;;) {
        mono_ms now = clock_mono();
        /* While others have their turn asking holds up nothing. */
        if (t->known < number && !is_fresh(t, now) && (now < deadline || !is_deaf(t, now))) {
            read_log(t);
            now = clock_mono();
        }
        if (t->known >= number) {
            *upto = t->known;
            return TURN_THEIRS;
        }
        if (now >= deadline) {
            return TURN_OURS;
        }
        mono_ms next = now + t->setup.pause;
        if (wait_until(t, next < deadline ? next : deadline)) {
            return TURN_STOPPED;
        }
        t->was_read = false; /* read again */
    }
}

/* --- recording --- */

static void tell_failure(const struct turns *t, enum error e) {
    log_event_limited(
        LOG_WARN_, "not-recorded",
        "handler=%s upto=%" PRIu64 " error=\"%s\" text=\"other notifiers do not know what was handed over%s\"",
        t->setup.handler, t->position, error_text(e),
        e == ERR_FORBIDDEN || e == ERR_UNKNOWN_KEY ? ": give the key of an operator with the role notify" : "");
}

/* Others, or nobody, are done with what lies between the log and where we began: we cannot say it is done. */
static void tell_gap(const struct turns *t) {
    log_event_limited(LOG_WARN_, "not-recorded",
                      "handler=%s upto=%" PRIu64 " first=%" PRIu64 " last=%" PRIu64
                      " text=\"nobody recorded these alerts, and this notifier began behind them: start one that "
                      "hands them over, or move the state file away and give --since\"",
                      t->setup.handler, t->position, t->known + 1, t->begin);
}

static void record(struct turns *t) {
    uint64_t from = t->known > t->begin ? t->known : t->begin;
    struct op_notified op = {from + 1, t->position, t->setup.handler, t->setup.instance};
    t->was_tried = true;
    enum error e = from < t->position ? t->setup.record(t->setup.self, &op) : ERR_OK;
    t->tried_at = clock_mono();
    t->rest = e == ERR_OK || e == ERR_DUPLICATE ? t->setup.pause : t->setup.deaf;
    heard(t, e == ERR_OK || e == ERR_DUPLICATE || e == ERR_STALE || e == ERR_FORBIDDEN || e == ERR_UNKNOWN_KEY);
    if (e == ERR_OK || e == ERR_DUPLICATE) {
        t->recorded = t->position;
        t->known = t->known < t->position ? t->position : t->known;
    } else if (e == ERR_STALE) {
        tell_gap(t);
    } else {
        tell_failure(t, e);
    }
}

static bool is_due(const struct turns *t) {
    mono_ms now = clock_mono();
    return t->position > t->recorded && !is_deaf(t, now) && (!t->was_tried || now - t->tried_at >= t->rest);
}

void turns_done(struct turns *t, uint64_t position) {
    REQUIRE(position >= t->position);
    t->position = position;
    if (is_due(t)) {
        record(t);
    }
}

void turns_settle(struct turns *t) {
    if (is_due(t)) {
        record(t);
    }
}
