/* A traitor with a key against three honest nodes. The input is a program: its first byte names the traitor, each
   instruction after that has six bytes. Whatever the program, the honest ones must agree, keep their invariants and
   live. Bit 0 of the second byte: they must also make progress once the traitor is silent; bit 1: an audit of what the
   traitor sent and heard must name nobody else.
   FUZZ_TRACE=1 prints what happens. */
#include "tests/fuzz/node_world.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

enum instruction {
    I_TICK,
    I_SETTLE,
    I_DELIVER, /* x: which one */
    I_DROP,
    I_CLIENT,
    I_BEND,
    I_MAKE,
    I_OBEY, /* to: who gets what the traitor's node sends */
    I_CUT,
    I_RESTART,
    I_ROUND, /* time passes, all is delivered: what mostly happens */
    I_LIMIT
};
enum { HEAD = 2, STEP = 6, STEPS_MAX = 48 };
struct step {
    uint8_t op, to, pick, how, x, y;
};
_Static_assert(sizeof(struct step) == STEP, "an instruction is its bytes");

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

static struct world world;

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    mallopt(M_MMAP_THRESHOLD, 1 << 16); /* the nodes' tables come zeroed from the system, most pages never touched */
    crypto_start();
    world_found(&world);
    world.trace = getenv("FUZZ_TRACE") != NULL;
    return 0;
}

static void client(struct world *w, const struct step *s) {
    enum world_request kind = (enum world_request)(s->how % WORLD_REQUEST_LIMIT);
    unsigned who = kind >= WORLD_BLOB ? WORLD_CLIENTS - 1 : s->pick % (WORLD_CLIENTS - 1);
    struct bytes frame = world_request(w, who, kind, s->x % 8, s->y & 1);
    for (member_id i = 0; i < WORLD_MEMBERS; i++)
        if (!set_has(s->to, i))
            world_give_client(w, i, frame);
}

static mono_ms duration(const struct step *s) {
    static const mono_ms unit[] = {1, 10, 60, 250};
    return (s->x % 16 + 1) * unit[s->y % 4];
}

static void restart(struct world *w, const struct step *s) {
    member_id i = (member_id)(s->pick % WORLD_MEMBERS);
    for (unsigned at = w->pending_count; s->how & 1 && at-- > 0;)
        if (w->pending[at].to == i)
            world_drop(w, at);
    world_restart(w, i, s->x);
}

static void run(struct world *w, const struct step *s) {
    switch (s->op % I_LIMIT) {
    case I_TICK:
        world_tick(w, duration(s));
        break;
    case I_SETTLE:
        world_settle(w, 1u + s->x);
        break;
    case I_DELIVER:
        world_deliver(w, w->pending_count ? s->x % w->pending_count : 0);
        break;
    case I_DROP:
        world_drop(w, w->pending_count ? s->x % w->pending_count : 0);
        break;
    case I_CLIENT:
        client(w, s);
        break;
    case I_BEND:
        lie_bend(w, s->to, s->pick, s->how, s->x, s->y);
        break;
    case I_MAKE:
        lie_make(w, s->to, s->pick, s->how, s->x, s->y);
        break;
    case I_OBEY:
        w->obeyed = s->to;
        break;
    case I_CUT:
        w->side = s->to & set_all(WORLD_MEMBERS);
        break;
    case I_RESTART:
        restart(w, s);
        break;
    default:
        world_tick(w, duration(s));
        world_settle(w, 200);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct world *w = &world;
    if (size < HEAD)
        return 0;
    world_start(w, data[0] % WORLD_MEMBERS);
    size_t steps = (size - HEAD) / STEP;
    for (size_t i = 0; i < steps && i < STEPS_MAX; i++) {
        struct step s;
        memcpy(&s, data + HEAD + i * STEP, STEP);
        if (w->trace)
            printf("%8.3f step %zu: op %u to %x pick %u how %u x %u y %u, %u wait\n", (double)w->now / 1000, i,
                   s.op % I_LIMIT, s.to, s.pick, s.how, s.x, s.y, w->pending_count);
        run(w, &s);
    }
    if (data[1] & 2)
        world_judge_audit(w);
    if (data[1] & 1)
        world_judge_liveness(w);
    world_end(w);
    return 0;
}

/* ---- mutation in whole instructions ---- */

static struct step random_step(struct prng *p) {
    static const uint8_t mostly[] = {I_BEND, I_BEND, I_BEND, I_MAKE, I_MAKE, I_ROUND, I_ROUND, I_CLIENT};
    static const uint8_t types[] = {FRAME_PRE_PREPARE, FRAME_PREPARE,  FRAME_COMMIT,   FRAME_CHECKPOINT,
                                    FRAME_VIEW_CHANGE, FRAME_NEW_VIEW, FRAME_DECISION, FRAME_CERT,
                                    FRAME_STATUS,      FRAME_WISH};
    uint64_t r = prng_next(p);
    struct step s = {(uint8_t)r,         (uint8_t)(r >> 8),  (uint8_t)(r >> 16),
                     (uint8_t)(r >> 24), (uint8_t)(r >> 32), (uint8_t)(r >> 40)};
    if (r >> 62)
        s.op = mostly[prng_below(p, sizeof mostly)];
    if (s.op == I_BEND)
        s.pick = (uint8_t)(types[prng_below(p, sizeof types)] + 32 * prng_below(p, 4));
    if (s.op == I_ROUND)
        s.y = (uint8_t)prng_below(p, 4);
    return s;
}

static size_t insert(uint8_t *data, size_t size, size_t max, size_t at, const struct step *s) {
    if (size + STEP > max || (size - HEAD) / STEP >= STEPS_MAX)
        return size;
    memmove(data + at + STEP, data + at, size - at);
    memcpy(data + at, s, STEP);
    return size + STEP;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed) {
    struct prng p;
    prng_seed(&p, seed);
    if (size < HEAD) {
        memset(data, 0, HEAD);
        size = HEAD;
    }
    size -= (size - HEAD) % STEP;
    for (uint64_t changes = 1 + prng_below(&p, 3); changes; changes--) {
        size_t steps = (size - HEAD) / STEP, at = HEAD + prng_below(&p, steps + 1) * STEP;
        struct step s = random_step(&p);
        uint64_t what = prng_below(&p, 10);
        bool inside = at < size;
        if (what < 4 || !inside) {
            size = insert(data, size, max, at, &s);
        } else if (what < 7) {
            data[at + prng_below(&p, STEP)] = (uint8_t)prng_next(&p);
        } else if (what == 7) {
            memcpy(&s, data + at, STEP);
            size = insert(data, size, max, HEAD + prng_below(&p, steps + 1) * STEP, &s);
        } else if (what == 8) {
            memmove(data + at, data + at + STEP, size - at - STEP);
            size -= STEP;
        } else {
            data[prng_below(&p, HEAD)] = (uint8_t)prng_below(&p, 4);
        }
    }
    return size;
}
