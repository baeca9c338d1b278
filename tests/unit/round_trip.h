/* Decode and encode again. Whatever a decoder takes must come out as the same bytes, since only one encoding of a
   meaning exists; unit tests and fuzzers check it with the same code. */
#ifndef QUORATE_TESTS_ROUND_TRIP_H
#define QUORATE_TESTS_ROUND_TRIP_H

#include "proto/codec.h"
#include "proto/op.h"

enum { ROUND_TRIP_ARENA = 64 << 20 };

static inline enum error round_trip_frame(struct buffer *again, struct bytes raw) {
    struct arena arena = {.limit = ROUND_TRIP_ARENA};
    struct buffer body = {0};
    struct frame f;
    struct msg m;
    enum error e = frame_open(&f, raw);
    if (e == ERR_OK) {
        e = codec_decode(&m, &f, &arena);
    }
    if (e == ERR_OK) {
        struct seal_context context = {(uint8_t)f.type, f.cluster, f.epoch, f.sender};
        codec_encode(&body, &m);
        frame_rebuild(again, &context, buffer_bytes(&body), &f.sig);
    }
    arena_free(&arena);
    buffer_free(&body);
    return e;
}

/* The signature is copied from raw, so any key serves to encode the body again. */
static inline enum error round_trip_request(struct buffer *again, struct bytes raw) {
    struct request *r;
    enum error e = request_new(&r, raw);
    if (e == ERR_OK) {
        struct frame f;
        struct public_key pk;
        struct secret_key sk;
        static const uint8_t seed[SECRET_SEED_LEN] = {1};
        struct buffer sealed = {0};
        crypto_keypair_from_seed(&pk, &sk, seed);
        e = frame_open(&f, raw);
        request_seal(&sealed, r, &f.cluster, &sk);
        buffer_put(again, sealed.data, sealed.len - SIGNATURE_LEN);
        buffer_put(again, f.sig.b, SIGNATURE_LEN);
        buffer_free(&sealed);
    }
    request_free(r);
    return e;
}

#define ROUND_TRIP_ARENA_OF(name, type, decode, encode)                                                                \
    static inline enum error round_trip_##name(struct buffer *again, struct bytes in) {                                \
        struct arena arena = {.limit = ROUND_TRIP_ARENA};                                                              \
        type value;                                                                                                    \
        enum error e = decode(&value, in, &arena);                                                                     \
        if (e == ERR_OK) {                                                                                             \
            encode(again, &value);                                                                                     \
        }                                                                                                              \
        arena_free(&arena);                                                                                            \
        return e;                                                                                                      \
    }
ROUND_TRIP_ARENA_OF(reply, struct reply, reply_decode, reply_encode)
ROUND_TRIP_ARENA_OF(alert, struct alert, alert_decode, alert_encode)
ROUND_TRIP_ARENA_OF(page, struct query_page, query_page_decode, query_page_encode)
ROUND_TRIP_ARENA_OF(batch, struct batch, batch_decode, batch_encode)
#undef ROUND_TRIP_ARENA_OF

#define ROUND_TRIP_OF(name, type, decode, encode)                                                                      \
    static inline enum error round_trip_##name(struct buffer *again, struct bytes in) {                                \
        type value;                                                                                                    \
        enum error e = decode(&value, in);                                                                             \
        if (e == ERR_OK) {                                                                                             \
            encode(again, &value);                                                                                     \
        }                                                                                                              \
        return e;                                                                                                      \
    }
ROUND_TRIP_OF(checkpoint_cert, struct checkpoint_cert, codec_decode_checkpoint_cert, codec_encode_checkpoint_cert)
ROUND_TRIP_OF(prepared, struct prepared_entry, codec_decode_prepared, codec_encode_prepared)
ROUND_TRIP_OF(certificate, struct certificate, codec_decode_certificate, codec_encode_certificate)
#undef ROUND_TRIP_OF

#endif
