/* Renders alerts and states: JSON lines with stable field names in the order of the documentation, and lines for
   people. Everything is a function of signed bytes and a certificate, so an alert's line can be made anew and compared.
 */
#include "client/render.h"

#include "base/clock.h"
#include "base/invariant.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* --- JSON --- */

static json_t *text(const char *s) {
    json_t *j = json_string(s);
    return j != NULL ? j : json_null(); /* decoders let only UTF-8 in */
}

static json_t *text_or_null(const char *s) {
    return *s != '\0' ? text(s) : json_null();
}

/* jansson's integers are signed; what is beyond them is written as text rather than as a wrong number. */
static json_t *number(uint64_t v) {
    if (v <= INT64_MAX) {
        return json_integer((json_int_t)v);
    }
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRIu64, v);
    return json_string(digits);
}

static json_t *moment(time_ms t) {
    char stamp[25];
    if (t <= 0) {
        return json_null();
    }
    clock_rfc3339(stamp, t);
    return json_string(stamp);
}

static json_t *moment_ms(time_ms t) {
    return t <= 0 ? json_null() : json_integer(t);
}

static json_t *hex(const struct digest *d) {
    char out[2 * DIGEST_LEN + 1];
    hex_encode(out, (struct bytes){d->b, DIGEST_LEN});
    return json_string(out);
}

static json_t *base64(struct bytes b) {
    struct buffer out = {0};
    base64_encode(&out, b);
    json_t *j = json_string(buffer_cstr(&out));
    buffer_free(&out);
    return j;
}

static void put(json_t *object, const char *key, json_t *value) {
    REQUIRE(json_object_set_new(object, key, value) == 0);
}

static void push(json_t *array, json_t *value) {
    REQUIRE(json_array_append_new(array, value) == 0);
}

static void dump(struct buffer *out, json_t *object) {
    char *line = json_dumps(object, JSON_COMPACT);
    REQUIRE(line != NULL);
    buffer_put(out, line, strlen(line));
    free(line);
    json_decref(object);
}

/* Beyond 2^53 many JSON readers round, and a rounded line does not verify: such numbers travel as text. */
static json_t *large_number(uint64_t n) {
    char digits[24];
    snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);
    return text(digits);
}

static json_t *vote_json(const struct vote_view *v, bool is_host, time_ms now) {
    json_t *j = json_object();
    put(j, "observer", text(v->observer));
    put(j, "state", text(state_name(is_host, v->state)));
    put(j, "output", text(v->output));
    put(j, "obs_seq", v->accepted_at == 0 ? json_null() : large_number(v->obs_seq));
    put(j, "age_ms", v->accepted_at == 0 ? json_null() : json_integer(now - v->accepted_at));
    put(j, "fresh", json_boolean(v->fresh));
    put(j, "masked", json_boolean(v->masked));
    put(j, "convicted", json_boolean(v->convicted));
    put(j, "masked_by", text_or_null(v->masked_by));
    put(j, "masked_since", moment(v->masked_since));
    put(j, "masked_since_ms", moment_ms(v->masked_since));
    put(j, "score", json_integer(v->score));
    put(j, "rounds", json_integer(v->rounds));
    put(j, "disagreed", json_integer(v->disagreed));
    put(j, "disagreed_at", moment(v->disagreed_at));
    put(j, "disagreed_at_ms", moment_ms(v->disagreed_at));
    put(j, "probation", json_integer(v->probation));
    return j;
}

static json_t *votes_json(const struct vote_view *votes, unsigned count, bool is_host, time_ms now) {
    json_t *list = json_array();
    for (unsigned i = 0; i < count; i++) {
        push(list, vote_json(&votes[i], is_host, now));
    }
    return list;
}

static json_t *certificate_json(const struct client_alert *a) {
    const struct certificate *c = &a->certificate;
    json_t *j = json_object(), *path = json_array(), *receipts = json_array();
    for (unsigned i = 0; i < c->path_len; i++) {
        push(path, hex(&c->path[i]));
    }
    for (unsigned i = 0; i < c->receipts_len; i++) {
        json_t *r = json_object();
        put(r, "replica", json_integer(c->receipts[i].replica));
        put(r, "signature", base64((struct bytes){c->receipts[i].sig.b, SIGNATURE_LEN}));
        push(receipts, r);
    }
    put(j, "epoch", json_integer(c->epoch));
    put(j, "n", number(c->body.n));
    put(j, "root", hex(&c->body.output_root));
    put(j, "log_hash", hex(&c->body.log_hash));
    put(j, "t_ms", json_integer(c->body.t));
    put(j, "index", json_integer(c->index));
    put(j, "count", json_integer(c->count));
    put(j, "path", path);
    put(j, "leaf", base64(a->leaf));
    put(j, "receipts", receipts);
    return j;
}

static json_t *contacts_json(const struct alert *a) {
    json_t *list = json_array();
    for (unsigned i = 0; i < a->contact_count; i++) {
        push(list, text(a->contacts[i].name));
    }
    return list;
}

void render_alert_json(struct buffer *out, const struct client_alert *ca) {
    const struct alert *a = &ca->alert;
    bool is_host = *a->service == '\0';
    json_t *j = json_object();
    put(j, "number", number(a->number));
    put(j, "n", number(a->n));
    put(j, "time", moment(a->t));
    put(j, "time_ms", moment_ms(a->t));
    put(j, "type", text(alert_type_name(a->type)));
    put(j, "host", text_or_null(a->host));
    put(j, "service", text_or_null(a->service));
    put(j, "state", text(state_name(is_host, a->state)));
    put(j, "state_type", text(a->hard ? "HARD" : "SOFT"));
    put(j, "attempt", json_integer(a->attempt));
    put(j, "output", text(a->output));
    put(j, "votes", votes_json(a->votes, a->vote_count, is_host, a->t));
    put(j, "contacts", contacts_json(a));
    put(j, "max_attempts", json_integer(a->max_attempts));
    put(j, "quorum", json_integer(a->quorum));
    put(j, "observers", json_integer(a->observers));
    put(j, "author", text_or_null(a->author));
    put(j, "comment", text_or_null(a->comment));
    put(j, "certificate", certificate_json(ca));
    dump(out, j);
}

void render_status_json(struct buffer *out, const struct query_page *page, const struct object_status *s) {
    bool is_host = *s->service == '\0';
    json_t *j = json_object(), *dissent = json_array();
    for (unsigned i = 0; i < s->dissent_count; i++) {
        push(dissent, text(s->dissent[i]));
    }
    put(j, "host", text(s->host));
    put(j, "service", text_or_null(s->service));
    put(j, "state", text(state_name(is_host, s->state)));
    put(j, "state_type", text(s->hard ? "HARD" : "SOFT"));
    put(j, "attempt", json_integer(s->attempt));
    put(j, "max_attempts", json_integer(s->max_attempts));
    put(j, "verdict", text(state_name(is_host, s->verdict)));
    put(j, "quorum", json_integer(s->quorum));
    put(j, "observers", json_integer(s->observers));
    put(j, "votes", votes_json(s->votes, s->vote_count, is_host, page->t));
    put(j, "dissent", dissent);
    put(j, "output", text(s->output));
    put(j, "since", moment(s->since));
    put(j, "since_ms", moment_ms(s->since));
    put(j, "downtime", json_boolean(s->downtime_depth > 0));
    put(j, "acknowledged", json_boolean(s->acknowledged));
    put(j, "flapping", json_boolean(s->flapping));
    put(j, "undecided", json_boolean(s->undecided));
    put(j, "uncorroborated", json_boolean(s->uncorroborated));
    put(j, "n", number(page->n));
    dump(out, j);
}

/* --- for people --- */

void render_plain(struct buffer *out, const char *s) {
    for (const uint8_t *p = (const uint8_t *)s; *p != '\0' && *p != '\n'; p++) {
        bool c1 = p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0;
        if (*p < 0x20 || *p == 0x7f || c1) {
            buffer_u8(out, '?');
            p += c1;
        } else {
            buffer_u8(out, *p);
        }
    }
}

void render_age(struct buffer *out, time_ms age) {
    static const struct {
        time_ms unit;
        const char *name;
    } units[] = {{86400000, "d"}, {3600000, "h"}, {60000, "m"}, {1000, "s"}};
    age = age < 0 ? 0 : age;
    for (unsigned i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (age >= 2 * units[i].unit || (i == 3 && age >= 1000)) {
            buffer_printf(out, "%" PRId64 "%s", age / units[i].unit, units[i].name);
            return;
        }
    }
    buffer_printf(out, "%" PRId64 "ms", age);
}

void render_subject(struct buffer *out, const char *host, const char *service) {
    render_plain(out, *host != '\0' ? host : "cluster");
    if (*service != '\0') {
        buffer_u8(out, '/');
        render_plain(out, service);
    }
}

/* "[2 of 3 observers; ap says OK]": how many are at the state or worse, and who is not. */
static void corroboration(struct buffer *out, const struct alert *a) {
    bool is_host = *a->service == '\0';
    unsigned same = 0;
    if (a->observers == 0) {
        return;
    }
    for (unsigned i = 0; i < a->vote_count; i++) {
        const struct vote_view *v = &a->votes[i];
        same += v->fresh && !v->masked && !v->convicted && v->state == a->state;
    }
    buffer_printf(out, " [%u of %u observers", same, a->observers);
    for (unsigned i = 0; i < a->vote_count; i++) {
        const struct vote_view *v = &a->votes[i];
        bool aside = v->masked || v->convicted;
        if (v->fresh && (v->state != a->state || aside)) {
            buffer_printf(out, "; ");
            render_plain(out, v->observer);
            buffer_printf(out, " says %s%s", state_name(is_host, v->state),
                          !aside         ? ""
                          : v->convicted ? " (convicted)"
                                         : " (masked)");
        }
    }
    buffer_printf(out, "]");
}

void render_alert_text(struct buffer *out, const struct alert *a) {
    char stamp[25];
    clock_rfc3339(stamp, a->t);
    buffer_printf(out, "%" PRIu64 " %s %s ", a->number, stamp, alert_type_name(a->type));
    render_subject(out, a->host, a->service);
    if (a->type != ALERT_SYSTEM) {
        buffer_printf(out, " %s %s %u/%u", state_name(*a->service == '\0', a->state), a->hard ? "HARD" : "SOFT",
                      a->attempt, a->max_attempts);
    }
    buffer_printf(out, ": ");
    render_plain(out, a->output);
    corroboration(out, a);
    if (*a->author != '\0') {
        buffer_printf(out, " (");
        render_plain(out, a->author);
        buffer_printf(out, ": ");
        render_plain(out, a->comment);
        buffer_printf(out, ")");
    }
    buffer_printf(out, "\n");
}

static bool dissents(const struct object_status *s, const char *observer) {
    for (unsigned i = 0; i < s->dissent_count; i++) {
        if (strcmp(s->dissent[i], observer) == 0) {
            return true;
        }
    }
    return false;
}

/* Who said what, when, and why it does not count if it does not. */
static void vote_text(struct buffer *out, const struct object_status *s, const struct vote_view *v, time_ms now) {
    buffer_printf(out, " ");
    render_plain(out, v->observer);
    buffer_printf(out, "=%s(", state_name(*s->service == '\0', v->state));
    if (v->accepted_at != 0) {
        render_age(out, now - v->accepted_at);
    } else {
        buffer_printf(out, "never reported");
    }
    buffer_printf(out, "%s%s", v->fresh || v->accepted_at == 0 ? "" : ",stale", v->convicted ? ",convicted" : "");
    if (v->masked) {
        buffer_printf(out, ",masked by ");
        render_plain(out, *v->masked_by != '\0' ? v->masked_by : "its score");
    }
    buffer_printf(out, "%s)", dissents(s, v->observer) ? ",dissents" : "");
}

static void flags_text(struct buffer *out, const struct object_status *s) {
    buffer_printf(out, "%s%s%s%s%s", s->undecided ? " undecided" : "", s->flapping ? " flapping" : "",
                  s->acknowledged ? " acknowledged" : "", s->downtime_depth > 0 ? " downtime" : "",
                  s->uncorroborated ? " uncorroborated" : "");
}

void render_pad(struct buffer *out, size_t from, size_t width) {
    do {
        buffer_u8(out, ' ');
    } while (out->len - from < width);
}

void render_status_head(struct buffer *out) {
    buffer_printf(out, "%-28s%-12s%-12s%-9s%-7s%s\n", "OBJECT", "STATE", "VERDICT", "ATTEMPT", "SINCE",
                  "VOTES: OUTPUT");
}

void render_status_text(struct buffer *out, const struct query_page *page, const struct object_status *s) {
    bool is_host = *s->service == '\0';
    size_t from = out->len;
    render_subject(out, s->host, s->service);
    render_pad(out, from, 28);
    buffer_printf(out, "%-12s%-12s%u/%u %s", state_name(is_host, s->state), state_name(is_host, s->verdict), s->attempt,
                  s->max_attempts, s->hard ? "HARD" : "SOFT");
    render_pad(out, from, 61);
    if (s->since > 0) {
        render_age(out, page->t - s->since);
    } else {
        buffer_printf(out, "-");
    }
    render_pad(out, from, 67);
    buffer_printf(out, "%u of %u:", s->quorum, s->observers);
    for (unsigned i = 0; i < s->vote_count; i++) {
        vote_text(out, s, &s->votes[i], page->t);
    }
    flags_text(out, s);
    buffer_printf(out, ": ");
    render_plain(out, s->output);
    buffer_printf(out, "\n");
}
