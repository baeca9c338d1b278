/* What was signed, by whom: kept so that a traitor can build its proofs out of what honest members really said, and
   frames can be named, lost, held back and shown again. */
#include "tests/script/script.h"

/* --- places --- */

static bool place_of(const struct msg *m, view_no *v, seq_no *n) {
    *v = *n = 0;
    switch (m->type) {
    case FRAME_PRE_PREPARE:
        *v = m->pre_prepare.statement.v, *n = m->pre_prepare.statement.n;
        return true;
    case FRAME_PREPARE:
    case FRAME_COMMIT:
        *v = m->vote.v, *n = m->vote.n;
        return true;
    case FRAME_CHECKPOINT:
        *n = m->checkpoint.n;
        return true;
    case FRAME_VIEW_CHANGE:
        *v = m->view_change.v;
        return true;
    case FRAME_NEW_VIEW:
        *v = m->new_view.v;
        return true;
    case FRAME_WISH:
        *v = m->wish.target;
        return false;
    case FRAME_DECISION:
        *v = m->decision.statement.v, *n = m->decision.statement.n;
        return false;
    default:
        return false;
    }
}

bool selector_matches(const struct selector *x, member_id from, member_id to, const struct msg *m) {
    view_no v;
    seq_no n;
    place_of(m, &v, &n);
    return (x->type == 0 || x->type == m->type) && set_has(x->from, from) && set_has(x->to, to) &&
           (!x->has_v || x->v == v) && (!x->has_n || x->n == n);
}

/* --- the memory --- */

static bool seen_already(const struct story *s, struct bytes frame) {
    for (size_t i = 0; i < s->said_count; i++) {
        if (bytes_equal(buffer_bytes(&s->said[i].frame), frame)) {
            return true;
        }
    }
    return false;
}

void seen_add(struct story *s, struct bytes raw) {
    struct arena arena = {0};
    struct frame f;
    struct msg m;
    struct said x = {.from = 0};
    if (frame_open(&f, raw) == ERR_OK && codec_decode(&m, &f, &arena) == ERR_OK && place_of(&m, &x.v, &x.n) &&
        !seen_already(s, raw)) {
        x.type = m.type;
        x.from = m.sender;
        buffer_put(&x.frame, raw.data, raw.len);
        s->said = xrealloc(s->said, (s->said_count + 1) * sizeof *s->said);
        s->said[s->said_count++] = x;
        if (m.type == FRAME_PRE_PREPARE) {
            batch_learn(s, m.pre_prepare.batch_bytes);
        }
    }
    arena_free(&arena);
}

static void on_sent(struct cluster *c, member_id from, member_id to, struct bytes raw) {
    struct story *s = c->owner;
    struct frame f;
    if (frame_open(&f, raw) == ERR_OK) {
        s->sent[f.type][from][to]++;
    }
    seen_add(s, raw);
}

void seen_free(struct story *s) {
    for (size_t i = 0; i < s->said_count; i++) {
        buffer_free(&s->said[i].frame);
    }
    free(s->said);
    free(s->batches);
}

/* --- what comes through --- */

static bool is_cut(const struct story *s, member_id from, member_id to) {
    for (unsigned i = 0; i < s->group_count; i++) {
        if (set_has(s->groups[i], from) && set_has(s->groups[i], to)) {
            return false;
        }
    }
    return s->group_count > 0;
}

static void hold(struct story *s, member_id from, member_id to, struct bytes raw) {
    s->held = xrealloc(s->held, (s->held_count + 1) * sizeof *s->held);
    struct parcel_in_flight *x = &s->held[s->held_count++];
    *x = (struct parcel_in_flight){from, to, {0}};
    buffer_put(&x->frame, raw.data, raw.len);
}

static bool on_arrival(struct cluster *c, member_id from, member_id to, const struct msg *m) {
    struct story *s = c->owner;
    if (is_cut(s, from, to)) {
        return false;
    }
    for (unsigned i = 0; i < s->filter_count; i++) {
        if (selector_matches(&s->filters[i].what, from, to, m)) {
            if (s->filters[i].hold) {
                hold(s, from, to, m->raw);
            }
            return false;
        }
    }
    return true;
}

void seen_attach(struct story *s) {
    s->c->owner = s;
    s->c->sent = on_sent;
    s->c->arrives = on_arrival;
}

/* --- asking it --- */

bool seen_signature(struct story *s, enum frame_type type, member_id member, struct bytes body, struct signature *out) {
    for (size_t i = 0; i < s->said_count; i++) {
        struct frame f;
        if (s->said[i].type == type && s->said[i].from == member &&
            frame_open(&f, buffer_bytes(&s->said[i].frame)) == ERR_OK && bytes_equal(f.signed_body, body)) {
            *out = f.sig;
            return true;
        }
    }
    if (!set_has(s->traitors | s->liars, member)) {
        return false;
    }
    struct seal_context context = {(uint8_t)type, s->c->verifier.cluster, 0, member};
    seal_sign(out, &context, body, &s->c->secrets[member]);
    return true;
}

const struct said *seen_find(const struct story *s, enum frame_type type, member_id from, view_no v) {
    for (size_t i = s->said_count; i-- > 0;) {
        const struct said *x = &s->said[i];
        if (x->type == type && (from == MEMBER_NONE || x->from == from) && x->v == v) {
            return x;
        }
    }
    return NULL;
}

struct digest new_view_digest(struct story *s, view_no v) {
    struct digest d = {{0}};
    const struct said *x = v > 0 ? seen_find(s, FRAME_NEW_VIEW, MEMBER_NONE, v) : NULL;
    if (x) {
        struct arena arena = {0};
        struct frame f;
        struct msg m;
        if (frame_open(&f, buffer_bytes(&x->frame)) == ERR_OK && codec_decode(&m, &f, &arena) == ERR_OK) {
            d = m.new_view.digest;
        }
        arena_free(&arena);
    }
    return d;
}
