/* Fuzzes what a peer's bytes meet before any key is asked: frames and the bodies of all messages, and records. Whatever
   is taken must encode to the same bytes. */
#include "base/invariant.h"
#include "tests/unit/round_trip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    crypto_start();
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bytes in = bytes_of(data, size);
    check(round_trip_frame, in);
    check_body(in);
    check(round_trip_batch, in);
    check(round_trip_checkpoint_cert, in);
    check(round_trip_prepared, in);
    check(round_trip_certificate, in);
    return 0;
}
