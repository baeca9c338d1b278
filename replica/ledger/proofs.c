/* What was proven against whom (R10). One record for each culprit and kind, so a liar who is proven to lie again and
   again takes no more room; and a bound on what one accuser may have judged. */
#include "replica/ledger/internal.h"

#include <stdlib.h>
#include <string.h>

/* Order: seat, kind, then what it did by itself before what a drill made it do. */
static bool lies_before(const struct proof_entry *e, uint32_t seat, enum evidence_kind kind, bool drilled) {
    if (e->seat != seat)
        return e->seat < seat;
    return e->proof.kind != kind ? e->proof.kind < kind : !(e->proof.drill != 0) && drilled;
}

static uint32_t place_of(const struct ledger *l, uint32_t seat, enum evidence_kind kind, bool drilled) {
    uint32_t at = 0;
    while (at < l->proof_count && lies_before(&l->proofs[at], seat, kind, drilled))
        at++;
    return at;
}

static const struct proof_entry *proof_find(const struct ledger *l, uint32_t seat, enum evidence_kind kind,
                                            bool drilled) {
    uint32_t at = place_of(l, seat, kind, drilled);
    if (at == l->proof_count)
        return NULL; /* also while there is no list to point into */
    const struct proof_entry *e = &l->proofs[at];
    return e->seat == seat && e->proof.kind == kind && (e->proof.drill != 0) == drilled ? e : NULL;
}

struct proof_entry *proof_entry_at(struct ledger *l, uint32_t seat, enum evidence_kind kind, bool drilled) {
    uint32_t at = place_of(l, seat, kind, drilled);
    if (!proof_find(l, seat, kind, drilled)) {
        l->proofs = xrealloc(l->proofs, (l->proof_count + 1) * sizeof *l->proofs);
        memmove(&l->proofs[at + 1], &l->proofs[at], (l->proof_count - at) * sizeof *l->proofs);
        l->proofs[at] = (struct proof_entry){.seat = seat, .proof.kind = kind, .proof.culprit = *seat_key(l, seat)};
        l->proof_count++;
    }
    return &l->proofs[at];
}

/* What the member used of its allowance, at the batch that comes next. */
static uint32_t used_now(const struct ledger *l, const struct allowance *a) {
    return l->executed + 1 - a->since < l->genesis->knobs.checkpoint_interval ? a->used : 0;
}

bool ledger_may_accuse(const struct ledger *l, member_id accuser) {
    REQUIRE(accuser < l->genesis->member_count);
    const struct allowance *a = &l->allowances[accuser];
    return l->executed + 1 >= a->shut_until && used_now(l, a) < LEDGER_ACCUSATIONS_MAX;
}

enum error ledger_accuse(struct ledger *l, member_id accuser, bool staged) {
    if (!ledger_may_accuse(l, accuser))
        return ERR_BUSY;
    struct allowance *a = &l->allowances[accuser];
    uint32_t used = used_now(l, a);
    if (used == 0)
        a->since = l->executed + 1;
    a->used = staged ? LEDGER_ACCUSATIONS_MAX : used + 1;
    a->dirty = true;
    return ERR_OK;
}

void ledger_accused_falsely(struct ledger *l, member_id accuser) {
    REQUIRE(accuser < l->genesis->member_count);
    struct allowance *a = &l->allowances[accuser];
    a->shut_until = l->executed + 1 + (seq_no)LEDGER_LIAR_PERIODS * l->genesis->knobs.checkpoint_interval;
    a->dirty = true;
}

static bool above(const struct evidence_record *a, const struct evidence_record *b) {
    return a->v > b->v || (a->v == b->v && a->n > b->n);
}

/* A newer drill begins anew, at any place, but no sooner; what belongs to an older one is past. */
static bool counts(const struct ledger *l, const struct evidence_record *held, const struct evidence_record *proven,
                   uint64_t drill) {
    seq_no now = l->executed + 1;
    if (held->count == 0)
        return true;
    bool further = drill != held->drill ? drill > held->drill : above(proven, held);
    return further && now - held->last_n >= l->genesis->knobs.checkpoint_interval;
}

bool ledger_proof_counts(const struct ledger *l, const struct evidence_record *proven) {
    uint64_t drill = drill_of_proof(l, proven);
    const struct proof_entry *e = proof_find(l, seat_index(l, &proven->culprit), proven->kind, drill != 0);
    return !e || counts(l, &e->proof, proven, drill);
}

/* Empty, and of this drill from now on. */
static void begin_anew(struct proof_entry *e, uint64_t drill) {
    e->proof = (struct evidence_record){.culprit = e->proof.culprit, .kind = e->proof.kind, .drill = drill};
}

enum error ledger_prove(struct ledger *l, const struct evidence_record *proven, const struct evidence_record **out) {
    uint64_t drill = drill_of_proof(l, proven);
    struct proof_entry *e = proof_entry_at(l, seat_index(l, &proven->culprit), proven->kind, drill != 0);
    struct evidence_record *p = &e->proof;
    *out = p;
    if (!counts(l, p, proven, drill))
        return ERR_DUPLICATE;
    if (p->drill != drill)
        begin_anew(e, drill);
    p->last_n = l->executed + 1;
    p->last_t = l->t;
    p->v = proven->v;
    p->n = proven->n;
    p->frames = proven->frames;
    if (p->count++ == 0) {
        p->first_n = p->last_n;
        p->first_t = p->last_t;
        p->accuser = proven->accuser;
        p->first_frames = proven->frames;
    }
    e->dirty = true;
    return ERR_OK;
}

const struct evidence_record *ledger_proof_at(const struct ledger *l, uint32_t index) {
    return index < l->proof_count ? &l->proofs[index].proof : NULL;
}
