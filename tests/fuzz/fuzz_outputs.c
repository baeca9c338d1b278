/* Fuzzes what replicas hand to clients and auditors: replies, alerts, query pages, certificates. Whatever is taken must
   encode to the same bytes, and so render to the same signed leaf. */
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bytes in = bytes_of(data, size);
    enum output_kind kind;
    if (output_kind_of(&kind, in) == ERR_OK) {
        ENSURE(kind == OUTPUT_REPLY || kind == OUTPUT_ALERT);
    }
    if (size > 0) {
        ENSURE(alert_type_name((enum alert_type)data[0])[0] != 0);
        ENSURE(state_name(data[0] & 1, data[0] / 2)[0] != 0);
    }
    check(round_trip_reply, in);
    check(round_trip_alert, in);
    check(round_trip_page, in);
    check(round_trip_certificate, in);
    check(round_trip_frame, in);
    return 0;
}
