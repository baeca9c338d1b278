/* libFuzzer: object configuration as text and as canonical bytes. What parses must encode, decode and encode to the
   same bytes; what decodes must be exactly what encoding writes. */
#include "base/invariant.h"
#include "checks/objects.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_round_trip(const struct objects *o) {
    struct buffer first = {0}, second = {0}, why = {0};
    struct objects *again = NULL;
    objects_encode(&first, o);
    ENSURE(objects_decode(&again, buffer_bytes(&first), &why) == ERR_OK);
    objects_encode(&second, again);
    ENSURE(bytes_equal(buffer_bytes(&first), buffer_bytes(&second)));
    objects_diff(&why, NULL, o, again);
    ENSURE(why.len == 0);
    buffer_free(&first);
    buffer_free(&second);
    buffer_free(&why);
    objects_free(again);
}

static void try_text(struct bytes text) {
    struct object_source source = {"fuzz.cfg", text};
    struct buffer why = {0}, ignored = {0};
    struct objects *o = NULL;
    if (objects_parse(&o, &source, 1, NULL, &ignored, &why) == ERR_OK) {
        ENSURE(why.len == 0);
        check_round_trip(o);
    } else {
        ENSURE(o == NULL && why.len > 0);
    }
    buffer_free(&why);
    buffer_free(&ignored);
    objects_free(o);
}

static void try_bytes(struct bytes bytes) {
    struct buffer why = {0}, back = {0};
    struct objects *o = NULL;
    if (objects_decode(&o, bytes, &why) == ERR_OK) {
        objects_encode(&back, o);
        ENSURE(bytes_equal(buffer_bytes(&back), bytes));
    } else {
        ENSURE(o == NULL && why.len > 0 && why.len <= 4096);
    }
    buffer_free(&why);
    buffer_free(&back);
    objects_free(o);
}

/* The first byte chooses the door. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 0 && data[0] == 'Q') {
        try_bytes(bytes_of(data, size));
    } else {
        try_text(bytes_of(data, size));
    }
    return 0;
}
