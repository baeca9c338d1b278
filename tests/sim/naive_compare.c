/* What the naive model and the machine are compared by: alerts, and objects as an operator sees them. */
#include "tests/sim/naive.h"

#include <string.h>

void naive_print_alert(struct buffer *out, const struct naive_alert *a) {
    if (a->type == ALERT_SYSTEM)
        buffer_printf(out, "SYSTEM '%.90s' [", a->text);
    else
        buffer_printf(out, "%s %s/%s %s %s attempt %u number %u [", alert_type_name(a->type), a->host, a->service,
                      state_name(!*a->service, a->state), a->hard ? "HARD" : "SOFT", a->attempt, a->number);
    for (unsigned i = 0; i < a->contact_count; i++)
        buffer_printf(out, "%s%s", i ? "," : "", a->contacts[i]);
    buffer_printf(out, "]%s%s", a->author ? " by " : "", a->author ? a->author : "");
}

void naive_found_alert(struct naive_alert *out, const struct alert *a) {
    *out = (struct naive_alert){.type = a->type,
                                .host = a->host,
                                .service = a->service,
                                .text = a->output,
                                .state = a->state,
                                .hard = a->hard,
                                .attempt = a->attempt,
                                .number = a->notification_number,
                                .author = *a->author ? a->author : NULL,
                                .contact_count = a->contact_count};
    for (unsigned i = 0; i < a->contact_count; i++)
        out->contacts[i] = a->contacts[i].name;
}

bool naive_same_alert(const struct naive_alert *a, const struct naive_alert *b) {
    bool same = a->type == b->type && strcmp(a->host, b->host) == 0 && strcmp(a->service, b->service) == 0 &&
                a->state == b->state && a->hard == b->hard && a->attempt == b->attempt && a->number == b->number &&
                a->contact_count == b->contact_count;
    for (unsigned i = 0; same && i < a->contact_count; i++)
        same = strcmp(a->contacts[i], b->contacts[i]) == 0;
    same = same && strcmp(a->author ? a->author : "", b->author ? b->author : "") == 0;
    return same && (a->type != ALERT_SYSTEM || strncmp(a->text, b->text, strlen(a->text)) == 0);
}

/* ---- objects ---- */

static void print_state(struct buffer *out, const char *host, const char *service, unsigned state, bool hard,
                        uint32_t attempt, time_ms since) {
    buffer_printf(out, "%s/%s %s %s attempt %u since %lld", host, service, state_name(!*service, state),
                  hard ? "HARD" : "SOFT", attempt, (long long)since);
}

static void print_marks(struct buffer *out, bool undecided, bool flaps, bool acknowledged, unsigned depth) {
    buffer_printf(out, "%s%s%s depth %u", undecided ? " undecided" : "", flaps ? " flapping" : "",
                  acknowledged ? " acknowledged" : "", depth);
}

void naive_print_object(struct buffer *out, const struct naive *m, const struct naive_object *o) {
    enum naive_kind kind;
    unsigned state = naive_verdict(m, o, &kind);
    print_state(out, o->def->host, o->def->service, o->state, o->hard, o->attempt, o->since);
    print_marks(out, o->open, o->flaps, naive_acknowledgement(m, o), naive_depth(m, o));
    for (unsigned i = 0; i < o->def->observer_count; i++) {
        const struct naive_vote *v = &o->votes[i];
        buffer_printf(out, ", %s%s%s %u %u/%u %u", o->def->observers[i], v->masked ? " masked " : "",
                      v->by ? v->by : "", v->score, v->disagreed, v->rounds, v->probation);
    }
    buffer_printf(out, " dissent");
    for (unsigned i = 0; o->state != STATE_PENDING && i < o->def->observer_count; i++)
        if (naive_fresh(m, &o->votes[i]) && naive_dissents(state, kind, o->votes[i].state))
            buffer_printf(out, " %s", o->def->observers[i]);
}

void naive_print_status(struct buffer *out, const struct object_status *s) {
    print_state(out, s->host, s->service, s->state, s->hard, s->attempt, s->since);
    print_marks(out, s->undecided, s->flapping, s->acknowledged, s->downtime_depth);
    for (unsigned i = 0; i < s->vote_count; i++) {
        const struct vote_view *v = &s->votes[i];
        buffer_printf(out, ", %s%s%s %u %u/%u %u", v->observer, v->masked ? " masked " : "", v->masked_by, v->score,
                      v->disagreed, v->rounds, v->probation);
    }
    buffer_printf(out, " dissent");
    for (unsigned i = 0; s->state != STATE_PENDING && i < s->dissent_count; i++)
        buffer_printf(out, " %s", s->dissent[i]);
}
