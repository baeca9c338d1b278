/* Bodies of messages by themselves: put into a frame as they are, or made of a message, and taken apart again. */
#ifndef QUORATE_TESTS_BODIES_H
#define QUORATE_TESTS_BODIES_H

#include "round_trip.h"
#include "samples.h"

static inline void with_body(struct buffer *out, enum frame_type type, struct bytes body) {
    struct signature sig = {{0}};
    struct seal_context context = sample_context(type, 1);
    frame_rebuild(out, &context, body, &sig);
}

static inline enum error decoded(enum frame_type type, struct bytes body) {
    struct buffer raw = {0}, back = {0};
    with_body(&raw, type, body);
    enum error e = round_trip_frame(&back, buffer_bytes(&raw));
    buffer_free(&raw);
    buffer_free(&back);
    return e;
}

static inline enum error encoded(const struct msg *m) {
    struct buffer body = {0};
    codec_encode(&body, m);
    enum error e = decoded(m->type, buffer_bytes(&body));
    buffer_free(&body);
    return e;
}

#endif
