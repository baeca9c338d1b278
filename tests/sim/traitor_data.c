/* Traitors about state: checkpoints, what others fetch, and what clients are answered. Rows D and B12. */
#include "tests/sim/traitor.h"

#include <string.h>

static enum said vouches_wrongly(struct liar *t, member_id to, struct msg *m) {
    (void)t, (void)to;
    if (m->type != FRAME_CHECKPOINT)
        return SAID_AS_IS;
    m->checkpoint.root.b[7] ^= 1;
    return SAID_OTHERWISE;
}

static enum said vouches_twice(struct liar *t, member_id to, struct msg *m) {
    if (m->type != FRAME_CHECKPOINT)
        return SAID_AS_IS;
    struct msg other = *m;
    other.checkpoint.log_hash.b[0] ^= 1;
    liar_say(t, to, liar_chance(t, 500) ? &other : m);
    *m = in_half(t, to) ? other : *m;
    return SAID_OTHERWISE;
}

static bool is_gift(enum frame_type type) {
    switch (type) {
    case FRAME_DATA:
    case FRAME_DECISION:
    case FRAME_CERT:
        return true;
    case FRAME_RELAY:
    case FRAME_FETCH:
    case FRAME_PRE_PREPARE:
    case FRAME_PREPARE:
    case FRAME_COMMIT:
    case FRAME_CHECKPOINT:
    case FRAME_WISH:
    case FRAME_VIEW_CHANGE:
    case FRAME_NEW_VIEW:
    case FRAME_STATUS:
    case FRAME_FETCH_DECISION:
    case FRAME_FETCH_CERT:
    case FRAME_RECEIPT:
    case FRAME_RECALL:
    case FRAME_RECALLED:
    case FRAME_ST_FETCH:
        return false;
    default: /* state transfer */
        return true;
    }
}

/* Decisions, requests, certificates and pages with one wrong bit, signed. */
static enum said poisons(struct liar *t, member_id to, struct msg *m) {
    struct frame f;
    struct buffer body = {0};
    if (!is_gift(m->type) || frame_open(&f, m->raw) != ERR_OK || f.body.len == 0)
        return SAID_AS_IS;
    buffer_put(&body, f.body.data, f.body.len);
    body.data[liar_below(t, body.len)] ^= (uint8_t)(1u << liar_below(t, 8));
    liar_say_body(t, to, liar_context(t, f.type), buffer_bytes(&body));
    buffer_free(&body);
    return SAID_NOTHING;
}

static enum said stalls(struct liar *t, member_id to, struct msg *m) {
    if (!is_gift(m->type))
        return SAID_AS_IS;
    if (liar_chance(t, 300))
        liar_say_later(t, to, m, SECOND + (time_us)liar_below(t, SECOND));
    return SAID_NOTHING;
}

/* Always a little newer than anybody can get, or gone again. */
static enum said advertises(struct liar *t, member_id to, struct msg *m) {
    (void)to;
    if (m->type != FRAME_STATUS)
        return SAID_AS_IS;
    m->status.executed += liar_chance(t, 500) ? 100 + liar_below(t, 1000) : 0;
    m->status.certified = liar_chance(t, 500) ? m->status.executed + t->sim->options->checkpoint_interval : 0;
    m->status.stable = m->status.certified;
    m->status.view += liar_below(t, 3);
    return SAID_OTHERWISE;
}

/* ---- what others signed ---- */

static enum said forgets(struct liar *t, member_id to, struct msg *m) {
    (void)t, (void)to;
    return m->type == FRAME_RECALLED ? SAID_NOTHING : SAID_AS_IS;
}

/* Leaves out, or puts words into the asker's mouth, with its own name under them. */
static enum said misremembers(struct liar *t, member_id to, struct msg *m) {
    static struct recalled one; /* one answer at a time */
    (void)to;
    if (m->type != FRAME_RECALLED)
        return SAID_AS_IS;
    if (m->recalled.count && liar_chance(t, 500)) {
        one = m->recalled.statements[0];
        one.vote.d = liar_digest(t);
        m->recalled.statements = &one;
        m->recalled.count = 1;
    } else {
        m->recalled.count = 0;
    }
    m->recalled.nonce ^= liar_chance(t, 200);
    return SAID_OTHERWISE;
}

/* ---- clients ---- */

static enum said answers_nothing(struct liar *t, struct msg *m) {
    (void)t, (void)m;
    return SAID_NOTHING;
}

static enum said signs_wrong_receipts(struct liar *t, member_id to, struct msg *m) {
    (void)t, (void)to;
    if (m->type != FRAME_RECEIPT)
        return SAID_AS_IS;
    m->receipt.body.output_root.b[2] ^= 1;
    return SAID_OTHERWISE;
}

/* Another leaf, another root or another signature than F members stand for. */
static enum said answers_wrongly(struct liar *t, struct msg *m) {
    static struct output bent; /* one answer at a time */
    if (m->outputs.count != 1)
        return SAID_AS_IS;
    bent = m->outputs.list[0];
    m->outputs.list = &bent;
    uint64_t what = liar_below(t, 3);
    if (what == 0 && bent.cert.receipts_len) {
        bent.cert.receipts[0].sig.b[0] ^= 1;
    } else if (what == 1) {
        bent.cert.body.output_root.b[0] ^= 1;
    } else {
        buffer_clear(&t->scratch);
        buffer_put(&t->scratch, bent.leaf.data, bent.leaf.len);
        t->scratch.data[liar_below(t, t->scratch.len)] ^= 1;
        bent.leaf = buffer_bytes(&t->scratch);
    }
    return SAID_OTHERWISE;
}

const struct behaviour data_behaviours[] = {
    {"wrong-checkpoint", "DR-D1", SEAT_ANY, .send = vouches_wrongly},
    {"two-checkpoints", "DR-D1b", SEAT_ANY, .send = vouches_twice},
    {"poisoned-donor", "DR-D3", SEAT_ANY, .send = poisons},
    {"stalling-donor", "DR-D4", SEAT_ANY, .send = stalls},
    {"vanishing-target", "DR-D5", SEAT_ANY, .send = advertises},
    {"forgetful", "DR-E4", SEAT_ANY, .send = forgets},
    {"misremembering", "DR-E4b", SEAT_ANY, .send = misremembers},
    {"mute-to-clients", "DR-J2", SEAT_ANY, .answer = answers_nothing},
    {"receipt-forger", "DR-B12", SEAT_ANY, .send = signs_wrong_receipts, .answer = answers_wrongly},
};
const unsigned data_behaviour_count = sizeof data_behaviours / sizeof *data_behaviours;
