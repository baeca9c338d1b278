/* Fuzzes what clients send: whole REQUEST frames, and the same bytes as a body inside a well-formed one. Whatever is
   taken must encode to the same bytes. */
#include "base/invariant.h"
#include "tests/unit/round_trip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    crypto_start();
    return 0;
}

/* A result says something else as soon as its number is another. */
static void check_results(struct bytes raw) {
    struct request *r = NULL;
    if (request_new(&r, raw) == ERR_OK && r->kind == OP_OBSERVE) {
        for (unsigned i = 0; i < r->observe.count; i++) {
            struct observation next = r->observe.list[i];
            next.obs_seq++;
            struct digest a = observation_digest(&r->observe.list[i]), b = observation_digest(&next);
            ENSURE(!digest_equal(&a, &b));
        }
    }
    request_free(r);
}

static void check(struct bytes raw) {
    struct buffer again = {0};
    if (round_trip_request(&again, raw) == ERR_OK) {
        ENSURE(bytes_equal(buffer_bytes(&again), raw));
    }
    buffer_free(&again);
    check_results(raw);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct buffer raw = {0};
    struct signature sig = {{0}};
    struct seal_context context = {FRAME_REQUEST, {{0}}, 0, MEMBER_NONE};
    check(bytes_of(data, size));
    if (size > 0) {
        ENSURE(op_kind_name((enum op_kind)data[0])[0] != 0);
    }
    if (size + FRAME_OVERHEAD <= frame_cap(FRAME_REQUEST)) {
        frame_rebuild(&raw, &context, bytes_of(data, size), &sig);
        check(buffer_bytes(&raw));
    }
    buffer_free(&raw);
    return 0;
}
