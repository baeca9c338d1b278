/* One slot's life: its place in the ring, its two machines, the votes and batches that belong to it. */
#include "replica/pbft/core.h"

#include <stdlib.h>
#include <string.h>

void slot_move(struct pbft *p, struct slot *s, enum slot_stage to) {
    static const bool allowed[STAGES][STAGES] = {
        [STAGE_EMPTY] = {[STAGE_ACCEPTED] = true},
        [STAGE_ACCEPTED] = {[STAGE_PREPARED] = true, [STAGE_EMPTY] = true},
        [STAGE_PREPARED] = {[STAGE_EMPTY] = true},
    };
    REQUIRE(allowed[s->stage][to]);
    s->stage = to;
    s->since = p->now;
    if (to == STAGE_EMPTY) {
        s->accepted = (struct proposal){0};
    } else {
        trace(p, "%s n=%llu v=%llu d=%s", to == STAGE_ACCEPTED ? "accepted" : "prepared", (unsigned long long)s->n,
              (unsigned long long)s->accepted.statement.v, shorten(&s->accepted.statement.d).text);
    }
}

void slot_settle(struct pbft *p, struct slot *s, enum slot_fate to) {
    REQUIRE((int)to == (int)s->fate + 1); /* never back, no state left out */
    s->fate = to;
    if (to == FATE_DECIDED) {
        trace(p, "decided n=%llu v=%llu d=%s", (unsigned long long)s->n, (unsigned long long)s->chosen.v,
              shorten(&s->chosen.d).text);
    }
}

/* --- where --- */

static size_t ballots_of_slot(const struct pbft *p) {
    return (size_t)VOTE_KINDS * p->members * VIEWS_KEPT;
}

static struct slot *ring_place(const struct pbft *p, seq_no n) {
    return &p->ring[n % p->ring_len];
}

static bool in_ring(const struct pbft *p, seq_no n) {
    return n > p->base && n <= pbft_window_end(p);
}

static bool in_bridge(const struct pbft *p, seq_no n) {
    return n > p->executed && n <= p->executed + BRIDGE_LEN && n <= p->base;
}

static struct slot *bridge_place(const struct pbft *p, seq_no n) {
    return (struct slot *)&p->bridge[n % BRIDGE_LEN];
}

struct slot *slot_find(const struct pbft *p, seq_no n) {
    struct slot *s = in_ring(p, n) ? ring_place(p, n) : in_bridge(p, n) ? bridge_place(p, n) : NULL;
    return s && s->n == n && n > 0 ? s : NULL;
}

struct slot *slot_at(struct pbft *p, seq_no n) {
    bool ring = in_ring(p, n);
    if (!ring && !in_bridge(p, n)) {
        return NULL;
    }
    struct slot *s = ring ? ring_place(p, n) : bridge_place(p, n);
    if (s->n != n) {
        ENSURE(s->n == 0 || (!ring && s->n <= p->executed)); /* window_moved cleared what left */
        slot_clear(p, s);
        s->n = n;
        s->fate = n <= p->executed ? FATE_EXECUTED : FATE_OPEN;
    }
    return s;
}

/* --- votes --- */

struct ballot *slot_ballot(const struct pbft *p, const struct slot *s, enum vote_kind kind, member_id member,
                           view_no v) {
    REQUIRE(s->ballots && member < p->members);
    return &s->ballots[((size_t)kind * p->members + member) * VIEWS_KEPT + v % VIEWS_KEPT];
}

void slot_keep_vote(struct pbft *p, struct slot *s, enum vote_kind kind, member_id member, const struct vote *v,
                    const struct signature *sig) {
    struct ballot *b = slot_ballot(p, s, kind, member, v->v);
    if (kind == VOTE_COMMIT && b->held && b->statement.v < v->v) {
        const struct ballot *past = &s->past[member];
        s->past[member] = past->held && past->statement.v > b->statement.v ? *past : *b;
    }
    *b = (struct ballot){true, *v, *sig};
}

member_set slot_votes(const struct pbft *p, const struct slot *s, enum vote_kind kind, const struct vote *statement) {
    member_set votes = 0;
    for (member_id i = 0; s->ballots && i < p->members; i++) {
        const struct ballot *b = slot_ballot(p, s, kind, i, statement->v);
        if (b->held && vote_equal(&b->statement, statement)) { /* S4: byte-equal, distinct members */
            votes |= set_of(i);
        }
    }
    return votes;
}

unsigned slot_signatures(const struct pbft *p, const struct slot *s, enum vote_kind kind, const struct vote *statement,
                         member_set members, unsigned max, struct member_signature *out) {
    unsigned count = 0;
    for (member_id i = 0; i < p->members && count < max; i++) {
        if (set_has(members, i)) {
            out[count++] = (struct member_signature){i, slot_ballot(p, s, kind, i, statement->v)->sig};
        }
    }
    return count;
}

/* --- batches --- */

static void batch_name(struct pbft *p, struct held_batch *b, bool name) {
    if (b->naming == name) {
        return;
    }
    b->naming = name;
    for (unsigned i = 0; i < b->batch.count; i++) {
        if (name) {
            pool_name(&p->pool, &b->batch.refs[i]);
        } else {
            pool_unname(&p->pool, &b->batch.refs[i].digest);
        }
    }
}

static void batch_free(struct pbft *p, struct held_batch *b) {
    if (b) {
        batch_name(p, b, false);
        buffer_free(&b->bytes);
        arena_free(&b->arena);
        free(b);
    }
}

struct held_batch *slot_batch(const struct slot *s, const struct digest *d) {
    for (unsigned i = 0; i < SLOT_BATCHES_MAX; i++) {
        if (s->batches[i] && digest_equal(&s->batches[i]->d, d)) {
            return s->batches[i];
        }
    }
    return NULL;
}

bool waiting_counts(const struct pbft *p, const struct slot *s) {
    return s->waiting.held && s->waiting.statement.v <= p->view;
}

static bool proposal_names(const struct proposal *p, const struct digest *d) {
    return p->held && digest_equal(&p->statement.d, d);
}

/* What waits for a later view names nothing yet: its primary would hide requests from the one whose turn it is. */
static bool slot_names(const struct pbft *p, const struct slot *s, const struct digest *d) {
    return proposal_names(&s->accepted, d) || (waiting_counts(p, s) && proposal_names(&s->waiting, d)) ||
           (s->fate >= FATE_CHOSEN && digest_equal(&s->chosen.d, d));
}

static bool slot_needs(const struct pbft *p, const struct slot *s, const struct digest *d) {
    return slot_names(p, s, d) || proposal_names(&s->waiting, d) ||
           (s->has_entry && digest_equal(&s->entry.statement.d, d));
}

void slot_name_requests(struct pbft *p, struct slot *s) {
    for (unsigned i = 0; i < SLOT_BATCHES_MAX; i++) {
        struct held_batch *b = s->batches[i];
        if (b && s->fate != FATE_EXECUTED && slot_names(p, s, &b->d)) {
            batch_name(p, b, true);
        }
    }
    for (unsigned i = 0; i < SLOT_BATCHES_MAX; i++) {
        struct held_batch *b = s->batches[i];
        if (b && (s->fate == FATE_EXECUTED || !slot_names(p, s, &b->d))) {
            batch_name(p, b, false);
        }
    }
}

/* A free place, else that of a batch which no statement of this replica needs. At most four are needed at once. */
static struct held_batch **batch_place(struct pbft *p, struct slot *s) {
    for (unsigned i = 0; i < SLOT_BATCHES_MAX; i++) {
        if (!s->batches[i]) {
            return &s->batches[i];
        }
    }
    for (unsigned i = 0; i < SLOT_BATCHES_MAX; i++) {
        if (!slot_needs(p, s, &s->batches[i]->d)) {
            batch_free(p, s->batches[i]);
            s->batches[i] = NULL;
            return &s->batches[i];
        }
    }
    return NULL;
}

enum error slot_hold_batch(struct pbft *p, struct slot *s, const struct digest *d, struct bytes bytes) {
    if (slot_batch(s, d)) {
        return ERR_OK;
    }
    struct digest actual = batch_digest(bytes);
    if (!digest_equal(&actual, d)) {
        return ERR_MISMATCH;
    }
    struct held_batch *b = xcalloc(1, sizeof *b);
    b->d = *d;
    buffer_put(&b->bytes, bytes.data, bytes.len);
    enum error e = batch_decode(&b->batch, buffer_bytes(&b->bytes), &b->arena);
    if (e == ERR_OK && b->batch.count > p->config.batch_max) { /* A4: the agreed cap */
        e = ERR_TOO_MANY;
    }
    struct held_batch **place = e == ERR_OK ? batch_place(p, s) : NULL;
    if (!place) {
        batch_free(p, b);
        return e == ERR_OK ? ERR_BUSY : e;
    }
    *place = b;
    return ERR_OK;
}

/* Held under that digest, and from the client and with the number that the reference says: exactly once and the
   uniqueness of references rest on it. */
static bool ref_is_true(const struct pbft *p, const struct request_ref *ref) {
    const struct pooled *e = pool_find(&p->pool, &ref->digest);
    return e && e->request && e->request->req_seq == ref->req_seq &&
           public_key_equal(&e->request->client, &ref->client);
}

bool batch_complete(const struct pbft *p, const struct held_batch *b) {
    for (unsigned i = 0; i < b->batch.count; i++) {
        if (!ref_is_true(p, &b->batch.refs[i])) {
            return false;
        }
    }
    return true;
}

void slot_clear(struct pbft *p, struct slot *s) {
    struct ballot *ballots = s->ballots, *past = s->past;
    for (unsigned i = 0; i < SLOT_BATCHES_MAX; i++) {
        batch_free(p, s->batches[i]);
    }
    *s = (struct slot){.ballots = ballots, .past = past};
    if (ballots) {
        memset(past, 0, p->members * sizeof *past);
        memset(ballots, 0, ballots_of_slot(p) * sizeof *ballots);
    }
}
