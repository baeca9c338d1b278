/* Keys, frames and requests from fixed seeds: what the samples are made of. */
#ifndef QUORATE_TESTS_SAMPLE_PARTS_H
#define QUORATE_TESTS_SAMPLE_PARTS_H

#include "base/invariant.h"
#include "crypto/keyring.h"
#include "proto/codec.h"
#include "proto/op.h"

#include <string.h>

enum { SAMPLE_MEMBERS = 4, SAMPLE_QUORUM = 3 };
#define SAMPLE_TIME INT64_C(1767225600000) /* 2026-01-01T00:00:00Z */

struct sample_key {
    struct public_key pk;
    struct secret_key sk;
};

static inline struct sample_key sample_key(uint8_t fill) {
    struct sample_key k;
    uint8_t seed[SECRET_SEED_LEN];
    memset(seed, fill, sizeof seed);
    crypto_keypair_from_seed(&k.pk, &k.sk, seed);
    return k;
}
static inline struct sample_key sample_member(member_id i) {
    return sample_key((uint8_t)(0x10 + i));
}
static inline struct sample_key sample_client(void) {
    return sample_key(0xa0);
}
static inline struct sample_key sample_operator(void) {
    return sample_key(0xb0);
}

static inline struct cluster_id sample_cluster(void) {
    struct cluster_id id;
    memset(id.b, 0xc1, sizeof id.b);
    return id;
}

static inline struct verifier sample_verifier(void) {
    struct verifier v = {.cluster = sample_cluster(), .members = SAMPLE_MEMBERS};
    for (member_id i = 0; i < SAMPLE_MEMBERS; i++) {
        v.keys[i] = sample_member(i).pk;
    }
    return v;
}

static inline struct keyring *sample_keyring(void) {
    struct keyring *k = keyring_new(16);
    for (member_id i = 0; i < SAMPLE_MEMBERS; i++) {
        keyring_add(k, &(struct key_entry){sample_member(i).pk, ROLE_MEMBER, i});
    }
    keyring_add(k, &(struct key_entry){sample_operator().pk, ROLE_OPERATOR, 0});
    keyring_add(k, &(struct key_entry){sample_client().pk, ROLE_OBSERVER, 0});
    return k;
}

static inline struct digest sample_digest(uint8_t fill) {
    struct digest d;
    memset(d.b, fill, sizeof d.b);
    return d;
}

/* --- frames --- */

static inline struct seal_context sample_context(enum frame_type type, member_id sender) {
    return (struct seal_context){(uint8_t)type, sample_cluster(), 0, sender};
}

static inline void sample_seal(struct buffer *out, const struct msg *m) {
    struct buffer body = {0};
    struct seal_context context = sample_context(m->type, m->sender);
    struct sample_key key = sample_member(m->sender);
    codec_encode(&body, m);
    frame_seal(out, &context, buffer_bytes(&body), frame_type_signed(m->type) ? &key.sk : NULL);
    buffer_free(&body);
}

static inline struct signature sample_sign(enum frame_type type, member_id sender, const void *body, size_t len) {
    struct signature sig;
    struct seal_context context = sample_context(type, sender);
    struct sample_key key = sample_member(sender);
    seal_sign(&sig, &context, bytes_of(body, len), &key.sk);
    return sig;
}

static inline struct signature sample_sign_vote(enum frame_type type, member_id sender, const struct vote *v) {
    uint8_t body[VOTE_BODY_LEN];
    vote_encode(body, v);
    return sample_sign(type, sender, body, sizeof body);
}

/* --- requests --- */

static inline void sample_request(struct buffer *out, struct request *r, struct sample_key key, uint64_t req_seq) {
    struct cluster_id cluster = sample_cluster();
    r->client = key.pk;
    r->req_seq = req_seq;
    request_seal(out, r, &cluster, &key.sk);
}

static inline void sample_observe_output(struct buffer *out, uint64_t req_seq, const char *output) {
    struct observation list[] = {
        {"web1", "http", UINT64_C(1853020188835840001), 2, output, "time=3.2s;1;5;0", SAMPLE_TIME},
        {"web1", "", UINT64_C(1853020188835840002), 0, "PING OK", "", SAMPLE_TIME + 5},
        {"db", "caf\303\251", 3, 255, "", "", 0},
    };
    struct request r = {.kind = OP_OBSERVE, .observe = {3, list}};
    sample_request(out, &r, sample_client(), req_seq);
}

static inline void sample_observe(struct buffer *out) {
    sample_observe_output(out, 7, "CRITICAL: Connection refused");
}

static inline void sample_tick(struct buffer *out) {
    struct request r = {.kind = OP_TICK, .tick = {3, 99, SAMPLE_TIME + 1000, 1, true}};
    sample_request(out, &r, sample_member(2), 1);
}

static inline void sample_blob(struct buffer *out) {
    struct request r = {.kind = OP_BLOB, .blob = {sample_digest(0x51), 2, bytes_of_text("define host {\n}\n")}};
    sample_request(out, &r, sample_operator(), 40);
}

static inline void sample_apply(struct buffer *out) {
    struct request r = {.kind = OP_APPLY, .apply = {sample_digest(0x51), 1 << 20, sample_digest(0), true}};
    sample_request(out, &r, sample_operator(), 41);
}

static inline void sample_query(struct buffer *out) {
    struct request r = {.kind = OP_QUERY, .query = {QUERY_STATUS, "web1", "", "web1", "http", 64, 0}};
    sample_request(out, &r, sample_operator(), 42);
}

static inline const struct note_view *sample_notes(void) { /* two */
    static const struct note_view notes[] = {
        {.id = 3,
         .kind = NOTE_DOWNTIME,
         .host = "web1",
         .service = "http",
         .author = "ada",
         .by = "operator",
         .comment = "new disks",
         .at = SAMPLE_TIME - 5,
         .start = SAMPLE_TIME,
         .end = SAMPLE_TIME + 7200000,
         .duration = 3600000,
         .trigger = 2,
         .in_effect = true},
        {.id = 4,
         .kind = NOTE_ACKNOWLEDGEMENT,
         .host = "db",
         .service = "",
         .author = "",
         .by = "operator",
         .comment = "",
         .persistent = true,
         .fixed = true},
    };
    return notes;
}

static inline void sample_command(struct buffer *out) {
    struct request r = {.kind = OP_COMMAND,
                        .command = {.kind = COMMAND_DOWNTIME,
                                    .target = TARGET_OBJECT,
                                    .host = "web1",
                                    .service = "http",
                                    .observer = "",
                                    .flags = COMMAND_FIXED,
                                    .start = SAMPLE_TIME,
                                    .end = SAMPLE_TIME + 7200000,
                                    .duration = 7200000,
                                    .id = 3,
                                    .author = "ada",
                                    .comment = "new disks"}};
    sample_request(out, &r, sample_operator(), 43);
}

static inline void sample_notified(struct buffer *out) {
    struct request r = {.kind = OP_NOTIFIED, .notified = {42, 57, "page", "host-a"}};
    sample_request(out, &r, sample_operator(), 44);
}

static inline void sample_drill(struct buffer *out) {
    struct request r = {.kind = OP_DRILL, .drill = {2, "delay-proposals:400", "slow-primary", 20000}};
    sample_request(out, &r, sample_operator(), 45);
}

static inline void sample_drill_stop(struct buffer *out) {
    struct request r = {.kind = OP_DRILL_STOP, .drill_stop = {3}};
    sample_request(out, &r, sample_operator(), 46);
}

static inline void sample_drill_done(struct buffer *out) {
    struct request r = {.kind = OP_DRILL_DONE, .drill_done = {3, 1841, 7, 96}};
    sample_request(out, &r, sample_member(2), 3);
}

static inline void sample_evidence(struct buffer *out) {
    struct buffer first = {0}, second = {0};
    sample_observe(&first);
    sample_observe_output(&second, 8, "OK");
    struct request r = {
        .kind = OP_EVIDENCE,
        .evidence = {.kind = EV_OBS_EQUIV, .count = 2, .frames = {buffer_bytes(&first), buffer_bytes(&second)}}};
    sample_request(out, &r, sample_member(1), 2);
    buffer_free(&first);
    buffer_free(&second);
}

static inline const struct vote_view *sample_votes(void) {
    static const struct vote_view votes[] = {
        {.observer = "ap",
         .state = STATE_OK,
         .fresh = true,
         .output = "HTTP OK",
         .obs_seq = 12,
         .accepted_at = SAMPLE_TIME - 900,
         .observed_at = SAMPLE_TIME - 1000,
         .score = 10,
         .rounds = 3,
         .disagreed = 2,
         .probation = 100,
         .disagreed_at = SAMPLE_TIME - 900},
        {.observer = "eu",
         .state = STATE_CRITICAL,
         .fresh = true,
         .output = "CRITICAL: Connection refused",
         .obs_seq = 13,
         .accepted_at = SAMPLE_TIME,
         .observed_at = SAMPLE_TIME - 3},
        {.observer = "us",
         .state = STATE_PENDING,
         .masked = true,
         .convicted = true,
         .output = "",
         .masked_by = "anna",
         .masked_since = SAMPLE_TIME - 7},
    };
    return votes;
}

#endif
