/* How observers stand, for people: what each one says of an object, whether that counts, and what its score is. */
#include "client/render.h"

#include <inttypes.h>

static const char *why_not_counted(const struct vote_view *v) {
    if (v->convicted) {
        return "no: convicted";
    }
    if (v->masked) {
        return "no: masked";
    }
    if (v->accepted_at == 0) {
        return "no: silent";
    }
    return !v->fresh ? "no: stale" : v->state == STATE_UNKNOWN ? "no: UNKNOWN" : "yes";
}

static void put_age(struct buffer *out, time_ms now, time_ms then) {
    if (then > 0) {
        render_age(out, now - then);
    } else {
        buffer_printf(out, "-");
    }
}

static void put_rounds(struct buffer *out, const struct vote_view *v) {
    if (v->rounds > 0) {
        buffer_printf(out, "%" PRIu32 " of %" PRIu32, v->disagreed, v->rounds);
    } else {
        buffer_printf(out, "-");
    }
}

/* Some quorums bear no liar, so nobody is scored. */
static bool is_scored(const struct object_status *s) {
    return s->quorum > 1 && s->quorum < s->observers;
}

/* What its score will lead to. */
static void put_prospect(struct buffer *out, const struct object_status *s, const struct vote_view *v, time_ms now) {
    if (v->convicted) {
        buffer_printf(out, "convicted");
    } else if (v->masked && *v->masked_by != '\0') {
        buffer_printf(out, "masked for ");
        render_age(out, now - v->masked_since);
        buffer_printf(out, " by ");
        render_plain(out, v->masked_by);
        buffer_printf(out, ", until an operator unmasks it");
    } else if (v->masked) {
        buffer_printf(out, "SUSPECT, masked for ");
        render_age(out, now - v->masked_since);
        buffer_printf(out, ", until it agreed in %" PRIu32 " more round%s", v->score, v->score == 1 ? "" : "s");
    } else if (!is_scored(s)) {
        buffer_printf(out, "not scored: the quorum bears no liar");
    } else if (v->probation > 0) {
        buffer_printf(out, "masked at %d: %" PRIu32 " round%s of probation left", SCORE_MAX / 2, v->probation,
                      v->probation == 1 ? "" : "s");
    } else {
        buffer_printf(out, "masked at %d", SCORE_MAX);
    }
}

void render_observers_head(struct buffer *out) {
    buffer_printf(out, "%-28s%-14s%-10s%-6s%-15s%-6s%-13s%-6s%s\n", "OBJECT", "OBSERVER", "SAYS", "AGE", "COUNTED",
                  "SCORE", "DISAGREED", "LAST", "STANDING");
}

static void put_line(struct buffer *out, const struct query_page *page, const struct object_status *s,
                     const struct vote_view *v) {
    size_t from = out->len;
    render_subject(out, s->host, s->service);
    render_pad(out, from, 28);
    render_plain(out, v->observer);
    render_pad(out, from, 42);
    buffer_printf(out, "%s", state_name(*s->service == '\0', v->state));
    render_pad(out, from, 52);
    put_age(out, page->t, v->accepted_at);
    render_pad(out, from, 58);
    buffer_printf(out, "%-15s%-6" PRIu32, why_not_counted(v), v->score);
    size_t rounds = out->len;
    put_rounds(out, v);
    render_pad(out, rounds, 13);
    size_t last = out->len;
    put_age(out, page->t, v->disagreed_at);
    render_pad(out, last, 6);
    put_prospect(out, s, v, page->t);
    buffer_printf(out, "\n");
}

void render_observers_text(struct buffer *out, const struct query_page *page, const struct object_status *s) {
    for (unsigned i = 0; i < s->vote_count; i++) {
        put_line(out, page, s, &s->votes[i]);
    }
}
