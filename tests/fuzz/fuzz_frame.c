/* Fuzzes what a peer's bytes meet before any key is asked: frames and the bodies of all messages, and records. Whatever
   is taken must encode to the same bytes; two statements are equal only if their bytes are; nobody's signature is found
   good under a key that signed nothing. */
#include "base/invariant.h"
#include "tests/unit/round_trip.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct public_key nobody;

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    static const uint8_t seed[SECRET_SEED_LEN] = {0xfe};
    struct secret_key unused;
    (void)argc, (void)argv;
    crypto_start();
    crypto_keypair_from_seed(&nobody, &unused, seed);
    return 0;
}

static void check(enum error (*round_trip)(struct buffer *, struct bytes), struct bytes in) {
    struct buffer again = {0};
    if (round_trip(&again, in) == ERR_OK) {
        ENSURE(bytes_equal(buffer_bytes(&again), in));
    }
    buffer_free(&again);
}

/* A frame as it stands; and, since lengths are hard to guess, the same bytes as the body of the type in the first. */
static void check_body(struct bytes in) {
    struct buffer raw = {0};
    struct signature sig = {{0}};
    struct seal_context context = {in.len ? in.data[0] : 0, {{0}}, 0, 1};
    if (in.len > 0 && frame_cap((enum frame_type)context.type) >= FRAME_OVERHEAD + in.len) {
        frame_rebuild(&raw, &context, bytes_of(in.data + 1, in.len - 1), &sig);
        check(round_trip_frame, buffer_bytes(&raw));
    }
    buffer_free(&raw);
}

/* With little memory for what is decoded, as much as the last byte says: refused, or taken as a whole. */
static void check_tight(struct bytes in) {
    struct frame f;
    struct msg m;
    struct batch b;
    struct arena arena = {.limit = 1 + (in.len ? in.data[in.len - 1] * (size_t)64 : 0)};
    if (frame_open(&f, in) == ERR_OK) {
        (void)codec_decode(&m, &f, &arena);
    } else {
        (void)batch_decode(&b, in, &arena);
    }
    ENSURE(arena.used <= arena.limit);
    arena_free(&arena);
}

/* Two halves as two statements, and one beside itself. */
static void check_statements(struct bytes in) {
    if (in.len >= 2 * VOTE_BODY_LEN) {
        struct vote a, b;
        vote_decode(&a, in.data);
        vote_decode(&b, in.data + VOTE_BODY_LEN);
        ENSURE(vote_equal(&a, &a));
        ENSURE(vote_equal(&a, &b) == (memcmp(in.data, in.data + VOTE_BODY_LEN, VOTE_BODY_LEN) == 0));
    }
    if (in.len >= 2 * CHECKPOINT_BODY_LEN) {
        struct checkpoint a, b;
        checkpoint_decode(&a, in.data);
        checkpoint_decode(&b, in.data + CHECKPOINT_BODY_LEN);
        ENSURE(checkpoint_equal(&a, &a));
        ENSURE(checkpoint_equal(&a, &b) == (memcmp(in.data, in.data + CHECKPOINT_BODY_LEN, CHECKPOINT_BODY_LEN) == 0));
    }
}

static void check_signature(struct bytes in) {
    static const struct cluster_id cluster;
    struct frame f;
    if (frame_open(&f, in) == ERR_OK) {
        ENSURE(frame_verify(&f, &cluster, &nobody) != ERR_OK);
    }
}

static void check_names(struct bytes in) {
    if (in.len > 0) {
        ENSURE(frame_type_name((enum frame_type)in.data[0])[0] != 0);
        ENSURE(phase_name((enum phase)in.data[0])[0] != 0);
        (void)frame_type_signed((enum frame_type)in.data[0]);
        (void)batch_digest(in);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bytes in = bytes_of(data, size);
    check(round_trip_frame, in);
    check_body(in);
    check_tight(in);
    check_statements(in);
    check_signature(in);
    check_names(in);
    check(round_trip_batch, in);
    check(round_trip_checkpoint_cert, in);
    check(round_trip_prepared, in);
    check(round_trip_certificate, in);
    return 0;
}
