/* Traitors about state, rows D and E4: checkpoints, what others fetch, and what they ask to be reminded of. */
#include "replica/fault_parts.h"

#include <string.h>

static enum said vouches_wrongly(struct fault *f, member_id to, struct msg *m) {
    (void)f, (void)to;
    if (m->type != FRAME_CHECKPOINT)
        return SAID_AS_IS;
    m->checkpoint.root.b[7] ^= 1;
    return SAID_OTHERWISE;
}

static enum said vouches_twice(struct fault *f, member_id to, struct msg *m) {
    if (m->type != FRAME_CHECKPOINT)
        return SAID_AS_IS;
    struct msg other = *m;
    other.checkpoint.log_hash.b[0] ^= 1;
    if (fault_chance(f, 500))
        fault_say(f, to, &other);
    else
        fault_say_raw(f, to, m->raw);
    *m = in_half(f, to) ? other : *m;
    return in_half(f, to) ? SAID_OTHERWISE : SAID_AS_IS;
}

/* ---- what others fetch ---- */

/* Certificates and the offer of an image are no gifts: without a true one nobody would ask for more. */
static bool is_gift(const struct msg *m) {
    return m->type == FRAME_DATA || m->type == FRAME_DECISION ||
           (m->type == FRAME_ST_DATA && (m->st_data.kind == ST_NODE || m->st_data.kind == ST_PAGES));
}

/* One leaf of one mid; mostly not, so that pages are asked for as well. */
static enum said poisons_leaves(struct fault *f, struct msg_st_data *d) {
    if (d->count == 0 || !fault_chance(f, 50))
        return SAID_AS_IS;
    struct st_node *nodes = fault_memory(f, d->count, sizeof *nodes);
    struct digest *leaves = fault_memory(f, ST_LEAVES, sizeof *leaves);
    memcpy(nodes, d->nodes, d->count * sizeof *nodes);
    memcpy(leaves, nodes[0].leaves, ST_LEAVES * sizeof *leaves);
    leaves[fault_below(f, ST_LEAVES)].b[5] ^= 1;
    nodes[0].leaves = leaves;
    d->nodes = nodes;
    return SAID_OTHERWISE;
}

/* The value of a record: the page still reads like one. */
static enum said poisons_pages(struct fault *f, struct msg_st_data *d) {
    if (d->count == 0 || d->pages[0].part.len == 0)
        return SAID_AS_IS;
    struct st_page *pages = fault_memory(f, d->count, sizeof *pages);
    memcpy(pages, d->pages, d->count * sizeof *pages);
    size_t len = pages[0].part.len;
    uint8_t *part = fault_memory(f, len, 1);
    memcpy(part, pages[0].part.data, len);
    part[len - 1] ^= 1;
    pages[0].part = bytes_of(part, len);
    d->pages = pages;
    return SAID_OTHERWISE;
}

/* Decisions, requests, leaves and pages with one wrong bit, signed. Of the first two few: who offends three times is
   not heard any more, and what it gives of the state would never be looked at. */
static enum said poisons(struct fault *f, member_id to, struct msg *m) {
    struct frame opened;
    struct buffer body = {0};
    if (!is_gift(m) || frame_open(&opened, m->raw) != ERR_OK || opened.body.len == 0)
        return SAID_AS_IS;
    if (m->type == FRAME_ST_DATA)
        return m->st_data.kind == ST_NODE ? poisons_leaves(f, &m->st_data) : poisons_pages(f, &m->st_data);
    if (!fault_chance(f, 100))
        return SAID_AS_IS;
    buffer_put(&body, opened.body.data, opened.body.len);
    body.data[fault_below(f, body.len)] ^= (uint8_t)(1u << fault_below(f, 8));
    fault_say_body(f, to, fault_context(f, opened.type), buffer_bytes(&body));
    buffer_free(&body);
    return SAID_NOTHING;
}

/* Three in ten come, so late; the rest never does. */
static enum said stalls(struct fault *f, member_id to, struct msg *m) {
    if (!is_gift(m))
        return SAID_AS_IS;
    if (fault_chance(f, 300))
        fault_hold(f, to, m->raw, f->now + f->parameter + (mono_ms)fault_below(f, (uint64_t)f->parameter));
    return SAID_NOTHING;
}

/* Begins to give its state, and then has none any more. */
static enum said drops_its_image(struct fault *f, member_id to, struct msg *m) {
    (void)f, (void)to;
    if (m->type != FRAME_ST_DATA || (m->st_data.kind != ST_NODE && m->st_data.kind != ST_PAGES))
        return SAID_AS_IS;
    m->st_data = (struct msg_st_data){.kind = ST_REFUSED, .to = m->st_data.to, .nonce = m->st_data.nonce};
    return SAID_OTHERWISE;
}

/* Always a little newer than anybody can get, or gone again. */
static enum said advertises(struct fault *f, member_id to, struct msg *m) {
    (void)to;
    if (m->type != FRAME_STATUS)
        return SAID_AS_IS;
    m->status.executed += fault_chance(f, 500) ? 100 + fault_below(f, 1000) : 0;
    m->status.certified = fault_chance(f, 500) ? m->status.executed + f->cluster->knobs.checkpoint_interval : 0;
    m->status.stable = m->status.certified;
    m->status.view += fault_below(f, 3);
    return SAID_OTHERWISE;
}

/* ---- what others signed ---- */

static enum said forgets(struct fault *f, member_id to, struct bytes frame) {
    (void)f, (void)to;
    return fault_is(frame, FRAME_RECALLED) ? SAID_NOTHING : SAID_AS_IS;
}

/* Leaves out, or puts words into the asker's mouth, with its own name under them. */
static enum said misremembers(struct fault *f, member_id to, struct msg *m) {
    (void)to;
    if (m->type != FRAME_RECALLED)
        return SAID_AS_IS;
    if (m->recalled.count && fault_chance(f, 500)) {
        struct recalled *one = fault_memory(f, 1, sizeof *one);
        *one = m->recalled.statements[0];
        one->vote.d = fault_digest(f);
        m->recalled.statements = one;
        m->recalled.count = 1;
    } else {
        m->recalled.count = 0;
    }
    m->recalled.nonce ^= fault_chance(f, 200);
    return SAID_OTHERWISE;
}

const struct behaviour faults_of_state[] = {
    {{"wrong-checkpoints", "DR-D1", NULL, "vouches for another state root", FAULT_SEAT_ANY, false, true},
     .send = vouches_wrongly},
    {{"two-checkpoints", "DR-D1", NULL, "vouches for two logs", FAULT_SEAT_ANY, false, false}, .send = vouches_twice},
    {{"poison-transfer", "DR-D3", NULL, "flips a bit of what others fetch from it", FAULT_SEAT_ANY, false, false},
     .send = poisons},
    {{"stall-transfer", "DR-D4", "MS", "gives little of what others fetch, and late", FAULT_SEAT_ANY, false, false},
     .standard = 1000,
     .lowest = 1,
     .highest = 60000,
     .send = stalls},
    {{"false-targets", "DR-D5", NULL, "claims ever newer states, or none", FAULT_SEAT_ANY, false, false},
     .send = advertises},
    {{"drop-image", "DR-D6", NULL, "begins to give its state and then has none", FAULT_SEAT_ANY, true, false},
     .send = drops_its_image},
    {{"forget-recall", "DR-E4", NULL, "never says what others signed", FAULT_SEAT_ANY, false, false}, .raw = forgets},
    {{"false-recall", "DR-E4", NULL, "says wrongly what others signed", FAULT_SEAT_ANY, false, false},
     .send = misremembers},
    {.is = {.name = NULL}},
};
