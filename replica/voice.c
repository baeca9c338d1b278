/* The replica's own requests. A tick tells the agreed clock what this member's clock says (R8); accusations (accuse.c)
   go the same way. Numbers are reserved on disk before they are used: no req_seq is ever signed twice across boots. */
#include "replica/node_internal.h"

enum {
    RESERVE = 4096,
    NEW_LIFE_BOOTS = 1024,   /* boots and request numbers that a lost disk may have used, generously: the ledger */
    NEW_LIFE_SEQS = 1 << 18, /* takes numbers up to 2^20 ahead */
};

static const struct bytes BOOT_KEY = {(const uint8_t *)"boot", 4};

static void reserve(struct node *n) {
    struct voice *v = &n->voice;
    v->reserved = v->next_seq + RESERVE;
    struct buffer value = {0};
    buffer_u64(&value, n->boot);
    buffer_u64(&value, v->reserved);
    disk_batch_put(&n->batch, DISK_META, BOOT_KEY, buffer_bytes(&value));
    n->sync = true;
    buffer_free(&value);
}

void voice_open(struct node *n, uint64_t reserved) {
    uint64_t top = ledger_top(n->machine.ledger, &n->admit.verifier.keys[n->self]);
    n->voice.next_seq = (reserved > top ? reserved : top) + 1;
    n->voice.tick_due = n->now.mono;
    reserve(n);
}

static uint64_t draw(struct node *n) {
    if (n->voice.next_seq >= n->voice.reserved)
        reserve(n);
    return n->voice.next_seq++;
}

/* To this replica's own core, and to every other member as a RELAY. */
static void submit(struct node *n, struct bytes frame) {
    struct request *r = NULL;
    ENSURE(request_new(&r, frame) == ERR_OK);
    struct msg relay = {.type = FRAME_RELAY, .relay = {frame}};
    struct buffer body = {0}, sealed = {0};
    codec_encode(&body, &relay);
    node_seal(n, &sealed, FRAME_RELAY, buffer_bytes(&body));
    node_send(n, set_all(n->cluster->member_count) & (member_set)~set_of(n->self), buffer_bytes(&sealed));
    buffer_free(&body);
    buffer_free(&sealed);
    struct pbft_event event = node_request_event(n, r);
    node_step(n, &event);
}

static void seal_request(struct node *n, struct request *r, struct buffer *out) {
    r->client = n->admit.verifier.keys[n->self];
    r->req_seq = draw(n);
    buffer_clear(out);
    request_seal(out, r, &n->cluster->id, &n->secret);
}

uint64_t voice_ask(struct node *n, struct request *r) {
    struct buffer frame = {0};
    seal_request(n, r, &frame);
    submit(n, buffer_bytes(&frame));
    buffer_free(&frame);
    return r->req_seq;
}

bool voice_may_vote(const struct node *n) {
    struct pbft_view view;
    pbft_inspect(n->pbft, &view);
    return view.phase == PHASE_ACTIVE || view.phase == PHASE_CHANGING;
}

/* A replica whose disk was lost still tells what its clock says, under numbers that its earlier lives never used. */
static void begin_new_life(struct node *n, uint64_t boot_claimed) {
    struct voice *v = &n->voice;
    uint64_t top = ledger_top(n->machine.ledger, &n->admit.verifier.keys[n->self]);
    n->boot = (boot_claimed > n->boot ? boot_claimed : n->boot) + NEW_LIFE_BOOTS;
    v->next_seq = (v->next_seq > top ? v->next_seq : top) + NEW_LIFE_SEQS;
    v->counter = 0;
    v->new_life = true;
    reserve(n);
}

/* Until the others have said what this key signed before, and while a second process uses it, it signs no request. */
static bool may_speak(struct node *n) {
    struct pbft_view view;
    pbft_inspect(n->pbft, &view);
    uint64_t top = ledger_top(n->machine.ledger, &n->admit.verifier.keys[n->self]);
    if (view.amnesiac && (!n->voice.new_life || view.boot_claimed >= n->boot || n->voice.next_seq <= top))
        begin_new_life(n, view.boot_claimed);
    return view.phase != PHASE_RECALL && (view.phase != PHASE_LEARNER || view.amnesiac);
}

static bool tick_undecided(const struct node *n) {
    const struct voice *v = &n->voice;
    return v->tick_open && ledger_judge(n->machine.ledger, &n->admit.verifier.keys[n->self], v->tick_seq) == ERR_OK;
}

static void stamp(struct node *n) {
    struct voice *v = &n->voice;
    struct pbft_view view;
    pbft_inspect(n->pbft, &view);
    struct request r = {.kind = OP_TICK};
    r.tick = (struct op_tick){n->boot, ++v->counter, n->now.wall, view.view, voice_may_vote(n)};
    seal_request(n, &r, &v->tick_frame);
    v->tick_seq = r.req_seq;
    v->tick_digest = crypto_digest(DIGEST_REQUEST, buffer_bytes(&v->tick_frame));
    v->tick_open = true;
}

void voice_tick(struct node *n) {
    struct voice *v = &n->voice;
    bool silent = !may_speak(n);
    if (n->now.mono < v->tick_due)
        return;
    uint32_t every = n->cluster->knobs.tick_ms;
    v->tick_due = n->now.mono + every - (mono_ms)((uint64_t)n->now.wall % every);
    if (silent)
        return;
    if (!tick_undecided(n))
        stamp(n);
    else if (voice_may_vote(n) && pbft_request(n->pbft, &v->tick_digest))
        return; /* held: it will be ordered, and the core relays it */
    struct buffer frame = {0};
    buffer_put(&frame, v->tick_frame.data, v->tick_frame.len);
    submit(n, buffer_bytes(&frame));
    buffer_free(&frame);
}
