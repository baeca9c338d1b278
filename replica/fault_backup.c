/* Traitorous backups: silent, lying in votes and STATUS, withholding, or loud. */
#include "base/invariant.h"
#include "replica/fault_parts.h"

#include <string.h>

/* ---- silence ---- */

void send_nothing(struct fault *f, struct buffer *out, member_id to, struct bytes frame) {
    (void)f, (void)out, (void)to, (void)frame;
}

void answer_nothing(struct fault *f, struct buffer *out, struct bytes frame) {
    (void)f, (void)out, (void)frame;
}

void send_commits_to_all_but_one(struct fault *f, struct buffer *out, member_id to, struct bytes frame) {
    if (to != f->parameter || !fault_is(frame, FRAME_COMMIT))
        fault_pass(out, frame);
}

/* ---- lies ---- */

/* Every vote for another batch than the one proposed. */
void send_wrong_votes(struct fault *f, struct buffer *out, member_id to, struct bytes frame) {
    (void)to;
    struct arena arena = {0};
    struct msg m;
    if (fault_take_apart(&m, &arena, frame, FRAME_PREPARE) || fault_take_apart(&m, &arena, frame, FRAME_COMMIT)) {
        m.vote.d = crypto_digest(DIGEST_BATCH, bytes_of(m.vote.d.b, DIGEST_LEN));
        fault_seal(f, out, &m);
    } else {
        fault_pass(out, frame);
    }
    arena_free(&arena);
}

/* By turns far behind, so that everything is resent, and far ahead, so that decisions are asked for. */
void send_false_status(struct fault *f, struct buffer *out, member_id to, struct bytes frame) {
    (void)to;
    struct arena arena = {0};
    struct msg m;
    if (fault_take_apart(&m, &arena, frame, FRAME_STATUS)) {
        bool behind = f->counter++ % 2 == 0;
        memset(m.status.prepared, 0, sizeof m.status.prepared);
        memset(m.status.committed, 0, sizeof m.status.committed);
        m.status.certified = m.status.stable = behind ? 0 : NUMBER_MAX;
        m.status.executed = behind ? 0 : NUMBER_MAX;
        fault_seal(f, out, &m);
    } else {
        fault_pass(out, frame);
    }
    arena_free(&arena);
}

/* ---- noise ---- */

/* How many frames this turn has: the parameter is a second's. */
static unsigned frames_of_turn(struct fault *f) {
    uint64_t per_turn = (uint64_t)f->parameter * FAULT_TURN_MS, before = f->counter;
    f->counter += per_turn;
    uint64_t count = f->counter / 1000 - before / 1000;
    return count < FAULT_FRAMES_A_TURN ? (unsigned)count : FAULT_FRAMES_A_TURN;
}

static void say_to_all(struct fault *f, struct bytes frame) {
    for (member_id to = 0; to < f->cluster->member_count; to++)
        if (to != f->self)
            fault_say(f, to, frame);
}

/* Ever higher views, and one that nobody will ever reach. */
void turn_wishes(struct fault *f) {
    for (unsigned i = frames_of_turn(f); i > 0; i--) {
        struct msg m = {.type = FRAME_WISH};
        struct buffer frame = {0};
        m.wish = (struct msg_wish){i % 2 ? f->counter : NUMBER_MAX - f->counter, WISH_REQ_TIMEOUT};
        fault_seal(f, &frame, &m);
        say_to_all(f, buffer_bytes(&frame));
        buffer_free(&frame);
    }
}

void turn_garbage(struct fault *f) {
    uint8_t noise[4096];
    for (unsigned i = frames_of_turn(f); i > 0; i--) {
        crypto_random(noise, sizeof noise);
        say_to_all(f, bytes_of(noise, sizeof noise));
    }
}

void send_and_keep_a_sample(struct fault *f, struct buffer *out, member_id to, struct bytes frame) {
    (void)to;
    if (fault_is(frame, FRAME_PREPARE)) {
        buffer_clear(&f->sample);
        fault_pass(&f->sample, frame);
    }
    fault_pass(out, frame);
}

/* PREPAREs with one bit of the signature turned over, each time another one. */
void turn_bad_signatures(struct fault *f) {
    for (unsigned i = f->sample.len ? frames_of_turn(f) : 0; i > 0; i--) {
        uint8_t *signature = f->sample.data + f->sample.len - SIGNATURE_LEN;
        unsigned bit = i % (8 * SIGNATURE_LEN);
        signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
        say_to_all(f, buffer_bytes(&f->sample));
        signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}
