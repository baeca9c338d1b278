/* Accusations (R10): what this replica noticed goes to the log with its frames, so that everybody judges it and the
   culprit is named once, for all. Frames that fit go into one request; larger ones are staged part by part before. What
   the log already knows is dropped; who waits its turn mostly finds that another was faster. */
#include "replica/accuse.h"

#include "replica/node_internal.h"

#include <stdio.h>
#include <string.h>

enum {
    EVIDENCE_FITS = 63 * 1024, /* bytes of the frames that go into one request */
    TURN_MS = 1000,            /* between the turns of members to accuse with much */
    PATIENCE_MS = 120 * 1000,  /* after this an accusation is given up */
    HELD_BYTES_MAX = 8 << 20,
};

static struct evidence_record proof_of(const struct accusation *a) {
    return (struct evidence_record){
        .culprit = a->finding.culprit.key, .kind = a->kind, .v = a->finding.v, .n = a->finding.n};
}

static bool still_counts(const struct node *n, const struct accusation *a) {
    struct evidence_record proof = proof_of(a);
    return ledger_proof_counts(n->machine.ledger, &proof);
}

static void forget(struct accuser *x, unsigned i) {
    buffer_free(&x->list[i].blocks);
    memmove(&x->list[i], &x->list[i + 1], (x->count - i - 1) * sizeof x->list[i]);
    x->count--;
}

void accuse_close(struct accuser *x) {
    while (x->count)
        forget(x, x->count - 1);
    for (unsigned i = 0; i < MEMBERS_MAX; i++)
        buffer_free(&x->ticks[i].frame);
}

/* ---- noticing ---- */

static bool held_already(const struct accuser *x, const struct accusation *a, size_t *bytes) {
    for (unsigned i = 0; i < x->count; i++) {
        const struct accusation *o = &x->list[i];
        if (o->kind == a->kind && public_key_equal(&o->finding.culprit.key, &a->finding.culprit.key))
            return true;
        *bytes += o->blocks.len;
    }
    return false;
}

/* Two of a kind have no order: sorted, all accusers send the same bytes. */
static void put_in_order(struct op_evidence *e) {
    struct frame a, b;
    if (e->count != 2 || frame_open(&a, e->frames[0]) != ERR_OK || frame_open(&b, e->frames[1]) != ERR_OK ||
        a.type != b.type || bytes_compare(e->frames[0], e->frames[1]) <= 0)
        return;
    struct bytes first = e->frames[0];
    e->frames[0] = e->frames[1];
    e->frames[1] = first;
}

/* What fits goes at once. To stage parts, members take turns, beginning behind the culprit. */
static mono_ms turn_of(const struct node *n, const struct accusation *a) {
    unsigned members = n->cluster->member_count;
    unsigned rank = (n->self + members - (unsigned)(a->finding.culprit.index % members)) % members;
    return a->blocks.len <= EVIDENCE_FITS ? n->now.mono : n->now.mono + (mono_ms)rank * TURN_MS;
}

/* Observers are many and may all be bad: members' faults have half of the list to themselves. */
static unsigned room_for(enum evidence_kind kind) {
    bool of_client = kind == EV_OBS_EQUIV || kind == EV_CLIENT_EQUIV;
    return of_client ? ACCUSATIONS_MAX / 2 : ACCUSATIONS_MAX;
}

bool accuse(struct node *n, enum evidence_kind kind, const struct bytes *frames, unsigned count) {
    struct accuser *x = &n->accuser;
    struct evidence_judge judge = {&n->admit.verifier, n->keys, n->admit.window};
    struct op_evidence e = {.kind = kind, .count = count};
    struct accusation a = {.kind = kind};
    size_t bytes = 0;
    REQUIRE(count <= EVIDENCE_FRAMES_MAX);
    for (unsigned i = 0; i < count; i++)
        e.frames[i] = frames[i];
    put_in_order(&e);
    if (x->count >= room_for(kind) || evidence_verify(&judge, &e, &a.finding) != ERR_OK ||
        public_key_equal(&a.finding.culprit.key, &n->admit.verifier.keys[n->self]) || !still_counts(n, &a) ||
        held_already(x, &a, &bytes) || bytes > HELD_BYTES_MAX)
        return false;
    for (unsigned i = 0; i < count; i++)
        buffer_block(&a.blocks, e.frames[i]);
    a.due = turn_of(n, &a);
    a.until = n->now.mono + PATIENCE_MS;
    x->list[x->count++] = a;
    return true;
}

void accuse_at_the_door(struct node *n, enum evidence_kind kind, const struct msg *m) {
    struct accuser *x = &n->accuser;
    mono_ms *last = &x->door_at[m->sender];
    size_t bytes = 0;
    struct accusation a = {.kind = kind, .finding.culprit.key = n->admit.verifier.keys[m->sender]};
    a.finding.v = m->type == FRAME_NEW_VIEW ? m->new_view.v : m->view_change.v;
    if (*last != 0 && n->now.mono - *last < TURN_MS) /* to judge a NEW-VIEW again costs much */
        return;
    if (!still_counts(n, &a) || held_already(x, &a, &bytes)) /* so nothing of what is known already */
        return;
    *last = n->now.mono;
    if (accuse(n, kind, &m->raw, 1))
        node_trace(n, "evidence %s %s culprit %u", evidence_code(kind), evidence_name(kind), m->sender);
}

/* ---- two requests under one number ---- */

bool accuse_may_load(struct node *n) {
    struct accuser *x = &n->accuser;
    if (n->now.mono - x->loads_since >= TURN_MS) {
        x->loads_since = n->now.mono;
        x->load_count = 0;
    }
    return x->load_count++ < ACCUSE_LOADS_MAX;
}

bool accuse_may_look(struct node *n, const struct public_key *client) {
    struct accuser *x = &n->accuser;
    struct client_look *slot = NULL;
    for (unsigned i = 0; i < x->look_count; i++) {
        struct client_look *look = &x->looks[i];
        if (n->now.mono - look->at >= TURN_MS) {
            slot = look;
        } else if (public_key_equal(&look->client, client)) {
            return false;
        }
    }
    if (!slot && x->look_count < ACCUSE_LOOKS_MAX)
        slot = &x->looks[x->look_count++];
    if (slot)
        *slot = (struct client_look){*client, n->now.mono};
    return slot != NULL;
}

static const char *culprit_name(const struct node *n, const struct public_key *key, char text[16]) {
    const struct key_entry *who = ledger_who(n->machine.ledger, key);
    if (who && who->role == ROLE_OBSERVER)
        return ledger_observer_name(n->machine.ledger, who->index);
    if (who && who->role == ROLE_MEMBER) {
        snprintf(text, 16, "%u", (unsigned)who->index);
        return text;
    }
    return "?";
}

void accuse_client(struct node *n, const struct request *a, const struct request *b) {
    struct bytes frames[2] = {a->frame, b->frame};
    struct buffer what = {0};
    char text[16];
    const char *name = culprit_name(n, &a->client, text);
    if (evidence_observation_conflict(a, b, &what, NULL)) {
        if (accuse(n, EV_OBS_EQUIV, frames, 2))
            node_trace(n, "evidence EV12 OBS_EQUIV culprit %s over %s", name, buffer_cstr(&what));
    } else if (a->req_seq == b->req_seq && accuse(n, EV_CLIENT_EQUIV, frames, 2)) {
        node_trace(n, "evidence EV13 CLIENT_EQUIV culprit %s n=%llu", name, (unsigned long long)a->req_seq);
    }
    buffer_free(&what);
}

void accuse_ticks(struct node *n, const struct request *r) {
    const struct key_entry *who = r->kind == OP_TICK ? ledger_who(n->machine.ledger, &r->client) : NULL;
    if (!who || who->role != ROLE_MEMBER)
        return;
    struct heard_tick *last = &n->accuser.ticks[who->index];
    struct bytes frames[2] = {buffer_bytes(&last->frame), r->frame};
    bool same_number = last->frame.len && last->boot == r->tick.boot && last->counter == r->tick.counter;
    if (same_number && !bytes_equal(frames[0], frames[1]) && accuse_may_look(n, &r->client) &&
        accuse(n, EV_TICK_EQUIV, frames, 2))
        node_trace(n, "evidence EV11 TICK_EQUIV culprit %u boot=%llu counter=%llu", (unsigned)who->index,
                   (unsigned long long)r->tick.boot, (unsigned long long)r->tick.counter);
    if (same_number)
        return;
    last->boot = r->tick.boot;
    last->counter = r->tick.counter;
    buffer_clear(&last->frame);
    buffer_put(&last->frame, r->frame.data, r->frame.len);
}

/* ---- asking ---- */

static bool executed(const struct node *n, uint64_t seq) {
    return ledger_judge(n->machine.ledger, &n->admit.verifier.keys[n->self], seq) != ERR_OK;
}

static void ask_inline(struct node *n, struct accusation *a) {
    struct request r = {.kind = OP_EVIDENCE, .evidence = {.kind = a->kind}};
    struct reader in = reader_of(buffer_bytes(&a->blocks));
    while (in.at < in.end)
        r.evidence.frames[r.evidence.count++] = read_block(&in, SIZE_MAX);
    a->seq = voice_ask(n, &r);
    a->stage = ACCUSATION_ASKED;
}

static void ask_staged(struct node *n, struct accusation *a) {
    struct request r = {.kind = OP_EVIDENCE, .evidence = {.kind = a->kind, .length = a->blocks.len}};
    r.evidence.whole = crypto_digest(DIGEST_EVIDENCE, buffer_bytes(&a->blocks));
    a->seq = voice_ask(n, &r);
    a->stage = ACCUSATION_ASKED;
}

/* One part is on its way at a time: evidence never crowds out the log. */
static void stage_next(struct node *n, struct accusation *a) {
    size_t at = (size_t)a->parts * BLOB_MAX_LEN, left = a->blocks.len - at;
    if (a->stage == ACCUSATION_STAGING && !executed(n, a->seq))
        return;
    if (at >= a->blocks.len) {
        ask_staged(n, a);
        return;
    }
    struct request r = {.kind = OP_BLOB};
    r.blob.whole = crypto_digest(DIGEST_EVIDENCE, buffer_bytes(&a->blocks));
    r.blob.index = a->parts++;
    r.blob.part = bytes_of(a->blocks.data + at, left < BLOB_MAX_LEN ? left : BLOB_MAX_LEN);
    a->seq = voice_ask(n, &r);
    a->stage = ACCUSATION_STAGING;
}

static bool staging_another(const struct accuser *x, const struct accusation *a) {
    for (unsigned i = 0; i < x->count; i++)
        if (&x->list[i] != a && x->list[i].parts > 0)
            return true;
    return false;
}

static void advance(struct node *n, struct accusation *a) {
    if (a->stage == ACCUSATION_ASKED || n->now.mono < a->due || !ledger_may_accuse(n->machine.ledger, n->self))
        return;
    if (a->blocks.len <= EVIDENCE_FITS)
        ask_inline(n, a);
    else if (a->stage == ACCUSATION_STAGING || !staging_another(&n->accuser, a))
        stage_next(n, a);
}

static bool is_over(const struct node *n, const struct accusation *a) {
    bool asked = a->stage == ACCUSATION_ASKED;
    return n->now.mono >= a->until || (asked ? executed(n, a->seq) : !still_counts(n, a));
}

void accuse_turn(struct node *n) {
    struct accuser *x = &n->accuser;
    if (x->count == 0 || !voice_may_vote(n))
        return;
    for (unsigned i = 0; i < x->count;) {
        if (is_over(n, &x->list[i])) {
            forget(x, i);
        } else {
            advance(n, &x->list[i]);
            i++;
        }
    }
}

mono_ms accuse_deadline(const struct node *n) {
    mono_ms soonest = INT64_MAX;
    for (unsigned i = 0; i < n->accuser.count; i++) {
        const struct accusation *a = &n->accuser.list[i];
        mono_ms at = a->stage == ACCUSATION_WAITING && a->due > n->now.mono ? a->due : a->until;
        soonest = at < soonest ? at : soonest;
    }
    return soonest;
}
