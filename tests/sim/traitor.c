/* A member with a valid key that lies: what its node would send is withheld, said again later, or bent and signed
   anew, to one member this way and to another one that way. It goes on after the heal: f members may. */
#include "tests/sim/world.h"

#include <stdlib.h>
#include <string.h>

enum { KEPT = 64, BEND = 250, WITHHOLD = 60, REPEAT = 80, AHEAD = 10 }; /* per mille of its frames */

struct traitor {
    struct buffer kept[KEPT]; /* frames of its own, to be said again */
    unsigned next;
};

struct traitor *traitor_new(void) {
    return xcalloc(1, sizeof(struct traitor));
}

void traitor_free(struct traitor *t) {
    for (unsigned i = 0; t && i < KEPT; i++)
        buffer_free(&t->kept[i]);
    free(t);
}

static bool perhaps(struct sim *s) {
    return prng_chance(&s->chance, 500);
}

static uint64_t near(struct sim *s, uint64_t number) {
    static const uint64_t far[] = {0, 1, 100, 1000000, NUMBER_MAX};
    uint64_t near = number + prng_below(&s->chance, 5);
    return prng_chance(&s->chance, 100) ? far[prng_below(&s->chance, 5)] : near > 2 ? near - 2 : near;
}

static struct digest any_digest(struct sim *s) {
    struct digest d = batch_null_digest();
    d.b[0] ^= (uint8_t)prng_below(&s->chance, 4);
    return d;
}

static void bend_vote(struct sim *s, struct vote *v) {
    uint64_t what = prng_below(&s->chance, 4);
    if (what == 0)
        v->d = any_digest(s);
    else if (what == 1)
        v->v = near(s, v->v);
    else if (what == 2)
        v->n = near(s, v->n);
    else
        v->nv_digest = any_digest(s);
}

/* References that lie about their request, a batch for another place, nothing at all. */
static void bend_proposal(struct sim *s, struct msg_pre_prepare *p, struct buffer *bytes) {
    struct request_ref refs[BATCH_REFS_MAX];
    struct batch b = {p->batch.kind, p->batch.count, refs};
    if (perhaps(s) || b.kind == BATCH_NULL) {
        bend_vote(s, &p->statement);
        return;
    }
    memcpy(refs, p->batch.refs, b.count * sizeof *refs);
    struct request_ref *ref = &refs[prng_below(&s->chance, b.count)];
    switch (prng_below(&s->chance, 4)) {
    case 0:
        ref->req_seq = near(s, ref->req_seq);
        break;
    case 1:
        ref->client = s->observers[0].key;
        break;
    case 2:
        ref->digest = any_digest(s);
        break;
    default:
        b = (struct batch){.kind = BATCH_NULL};
    }
    batch_encode(bytes, &b);
    p->batch_bytes = buffer_bytes(bytes);
    p->statement.d = batch_digest(p->batch_bytes);
}

static void bend_status(struct sim *s, struct msg_status *m) {
    m->executed = perhaps(s) ? near(s, m->executed) : m->executed;
    m->certified = perhaps(s) ? near(s, m->certified) : m->certified;
    m->view = perhaps(s) ? near(s, m->view) : m->view;
    m->wish = perhaps(s) ? near(s, m->wish) : m->wish;
    m->phase = perhaps(s) ? PHASE_CHANGING : m->phase;
    memset(m->prepared, perhaps(s) ? 0xff : 0, sizeof m->prepared);
    memset(m->committed, perhaps(s) ? 0xff : 0, sizeof m->committed);
}

/* False: this type is not bent. */
static bool bend(struct sim *s, struct msg *m, struct buffer *bytes) {
    switch (m->type) {
    case FRAME_PRE_PREPARE:
        bend_proposal(s, &m->pre_prepare, bytes);
        return true;
    case FRAME_PREPARE:
    case FRAME_COMMIT:
        m->type = perhaps(s) ? FRAME_PREPARE : FRAME_COMMIT;
        bend_vote(s, &m->vote);
        return true;
    case FRAME_CHECKPOINT:
        m->checkpoint.root.b[0] ^= 1;
        m->checkpoint.n = near(s, m->checkpoint.n);
        return m->checkpoint.n > 0;
    case FRAME_WISH:
        m->wish.target = near(s, m->wish.target + 1);
        return m->wish.target > 0;
    case FRAME_VIEW_CHANGE: /* forgets what it prepared */
        m->view_change.count = (unsigned)prng_below(&s->chance, m->view_change.count + 1);
        m->view_change.v = near(s, m->view_change.v);
        return m->view_change.v > 0;
    case FRAME_STATUS:
        bend_status(s, &m->status);
        return true;
    case FRAME_RECEIPT:
        m->receipt.body.output_root.b[0] ^= 1;
        m->receipt.body.n = near(s, m->receipt.body.n);
        return m->receipt.body.n > 0;
    case FRAME_DECISION:
        bend_vote(s, &m->decision.statement);
        return true;
    default:
        return false;
    }
}

static void seal_again(struct sim *s, const struct msg *m, struct buffer *out) {
    struct seal_context context = {(uint8_t)m->type, s->cluster.id, 0, s->traitor};
    struct buffer body = {0};
    codec_encode(&body, m);
    frame_seal(out, &context, buffer_bytes(&body), &s->secrets[s->traitor]);
    buffer_free(&body);
}

static bool bent(struct sim *s, struct bytes frame, struct buffer *out) {
    struct arena arena = {0};
    struct buffer bytes = {0};
    struct frame f;
    struct msg m;
    bool is = frame_open(&f, frame) == ERR_OK && f.sender == s->traitor && codec_decode(&m, &f, &arena) == ERR_OK &&
              bend(s, &m, &bytes);
    if (is)
        seal_again(s, &m, out);
    arena_free(&arena);
    buffer_free(&bytes);
    return is;
}

static void keep(struct traitor *t, struct bytes frame) {
    struct buffer *place = &t->kept[t->next++ % KEPT];
    buffer_clear(place);
    buffer_put(place, frame.data, frame.len);
}

static void send(struct sim *s, member_id to, struct bytes frame) {
    carry(s, (struct event){.kind = EVENT_PEER, .node = to, .from = s->traitor}, frame);
}

/* Proposals for views that it will lead, two for each place, of requests that nobody holds: none may end the view of
   another member. */
static void propose_ahead(struct sim *s, member_id to) {
    struct node_facts facts;
    struct buffer bytes = {0};
    node_inspect(s->hosts[s->traitor].node, &facts);
    view_no v = facts.pbft.view + 1 + prng_below(&s->chance, 2);
    if (v % s->options->members != s->traitor)
        return;
    for (seq_no n = facts.executed + 1; n <= facts.executed + 16; n++) {
        struct request_ref ref = {s->observers[0].key, 1 + prng_below(&s->chance, 2), any_digest(s)};
        struct buffer frame = {0};
        struct msg m = {.type = FRAME_PRE_PREPARE};
        buffer_clear(&bytes);
        batch_encode(&bytes, &(struct batch){BATCH_NORMAL, 1, &ref});
        m.pre_prepare.batch_bytes = buffer_bytes(&bytes);
        m.pre_prepare.statement = (struct vote){v, n, batch_digest(buffer_bytes(&bytes)), {{0}}};
        seal_again(s, &m, &frame);
        send(s, to, buffer_bytes(&frame));
        buffer_free(&frame);
    }
    buffer_free(&bytes);
}

void traitor_send(struct sim *s, struct traitor *t, member_id to, struct bytes frame) {
    struct buffer other = {0};
    if (prng_chance(&s->chance, AHEAD))
        propose_ahead(s, to);
    if (prng_chance(&s->chance, WITHHOLD))
        return;
    const struct buffer *old = &t->kept[prng_below(&s->chance, KEPT)];
    if (prng_chance(&s->chance, REPEAT) && old->len)
        send(s, to, buffer_bytes(old));
    if (prng_chance(&s->chance, 100))
        keep(t, frame);
    if (prng_chance(&s->chance, BEND) && bent(s, frame, &other)) {
        s->counts->bent++;
        send(s, to, buffer_bytes(&other));
        if (perhaps(s)) /* contradicts itself */
            send(s, to, frame);
    } else {
        send(s, to, frame);
    }
    buffer_free(&other);
}
