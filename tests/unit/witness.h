/* Frames that chosen members sign, right or wrong: what evidence and audit are tried with. Keys come from fixed seeds;
   d is the digest of the batch "d" of one byte. */
#ifndef QUORATE_TESTS_WITNESS_H
#define QUORATE_TESTS_WITNESS_H

#include "proto/codec.h"
#include "proto/evidence.h"
#include "proto/proof.h"

#include <stdlib.h>
#include <string.h>

enum { WITNESS_WINDOW = 16, WITNESS_CLIENTS = 2 };

struct witness {
    unsigned members, strong;
    struct verifier verifier;
    struct secret_key secrets[MEMBERS_MAX];
    struct public_key client_keys[WITNESS_CLIENTS];
    struct secret_key client_secrets[WITNESS_CLIENTS];
    struct keyring *keys;
    struct evidence_judge judge;
    struct arena arena; /* all frames live here */
};

static inline struct witness *witness_new(unsigned members) {
    struct witness *w = xcalloc(1, sizeof *w);
    w->members = members;
    w->strong = quorum_strong(members);
    w->keys = keyring_new(32);
    memcpy(w->verifier.cluster.b, "a witness's file", CLUSTER_ID_LEN);
    w->verifier.members = members;
    for (member_id i = 0; i < members; i++) {
        uint8_t seed[SECRET_SEED_LEN] = {3, (uint8_t)i};
        crypto_keypair_from_seed(&w->verifier.keys[i], &w->secrets[i], seed);
        keyring_add(w->keys, &(struct key_entry){w->verifier.keys[i], ROLE_MEMBER, i});
    }
    for (uint32_t i = 0; i < WITNESS_CLIENTS; i++) {
        uint8_t seed[SECRET_SEED_LEN] = {4, (uint8_t)i};
        crypto_keypair_from_seed(&w->client_keys[i], &w->client_secrets[i], seed);
        keyring_add(w->keys, &(struct key_entry){w->client_keys[i], ROLE_OBSERVER, i});
    }
    w->judge = (struct evidence_judge){&w->verifier, w->keys, WITNESS_WINDOW};
    return w;
}

static inline void witness_free(struct witness *w) {
    keyring_free(w->keys);
    arena_free(&w->arena);
    free(w);
}

static inline struct digest batch_d(uint8_t d) {
    return batch_digest(bytes_of(&d, 1));
}

static inline struct bytes keep(struct witness *w, struct buffer *frame) {
    struct bytes kept = arena_copy(&w->arena, buffer_bytes(frame));
    buffer_free(frame);
    return kept;
}

static inline struct bytes sealed(struct witness *w, enum frame_type type, member_id member, struct bytes body) {
    struct buffer frame = {0};
    struct seal_context context = {(uint8_t)type, w->verifier.cluster, w->verifier.epoch, member};
    frame_seal(&frame, &context, body, &w->secrets[member]);
    return keep(w, &frame);
}

static inline struct signature signed_body(struct witness *w, enum frame_type type, member_id member,
                                           struct bytes body) {
    struct signature sig;
    struct seal_context context = {(uint8_t)type, w->verifier.cluster, w->verifier.epoch, member};
    seal_sign(&sig, &context, body, &w->secrets[member]);
    return sig;
}

static inline struct bytes said(struct witness *w, member_id member, const struct msg *m) {
    struct buffer body = {0};
    codec_encode(&body, m);
    struct bytes frame = sealed(w, m->type, member, buffer_bytes(&body));
    buffer_free(&body);
    return frame;
}

static inline struct msg heard(struct witness *w, struct bytes raw) {
    struct frame f;
    struct msg m = {.type = 0};
    if (frame_open(&f, raw) != ERR_OK || codec_decode(&m, &f, &w->arena) != ERR_OK) {
        abort();
    }
    return m;
}

/* --- votes and checkpoints --- */

static inline struct bytes vote_in(struct witness *w, enum frame_type type, member_id member, struct vote v) {
    uint8_t body[VOTE_BODY_LEN];
    vote_encode(body, &v);
    return sealed(w, type, member, bytes_of(body, sizeof body));
}

/* In a view whose NEW-VIEW nobody looks at. */
static inline struct bytes vote_of(struct witness *w, enum frame_type type, member_id member, view_no v, seq_no n,
                                   uint8_t d) {
    return vote_in(w, type, member, (struct vote){v, n, batch_d(d), {{0}}});
}

static inline struct checkpoint checkpoint_at(seq_no n, uint8_t root) {
    return (struct checkpoint){.n = n, .root = {{root}}, .t = 1000};
}

static inline struct bytes checkpoint_of(struct witness *w, member_id member, seq_no n, uint8_t root) {
    struct msg m = {.type = FRAME_CHECKPOINT, .checkpoint = checkpoint_at(n, root)};
    return said(w, member, &m);
}

static inline struct checkpoint_cert certificate_by(struct witness *w, seq_no n, uint8_t root, member_set signers) {
    struct checkpoint_cert cert = {.statement = checkpoint_at(n, root)};
    uint8_t body[CHECKPOINT_BODY_LEN];
    checkpoint_encode(body, &cert.statement);
    for (member_id i = 0; n > 0 && i < w->members; i++) {
        if (set_has(signers, i)) {
            cert.sigs[cert.count++] =
                (struct member_signature){i, signed_body(w, FRAME_CHECKPOINT, i, bytes_of(body, sizeof body))};
        }
    }
    return n > 0 ? cert : (struct checkpoint_cert){.count = 0};
}

static inline struct bytes certificate_of(struct witness *w, seq_no n, uint8_t root, member_set signers) {
    struct msg m = {.type = FRAME_CERT};
    m.cert.kind = CERT_CHECKPOINT;
    m.cert.checkpoint = certificate_by(w, n, root, signers);
    return said(w, 0, &m);
}

/* --- decisions, VIEW-CHANGE, NEW-VIEW --- */

static inline struct bytes decision_of(struct witness *w, struct vote v, uint8_t d, member_set signers) {
    struct msg m = {.type = FRAME_DECISION};
    uint8_t body[VOTE_BODY_LEN];
    v.d = batch_d(d);
    vote_encode(body, &v);
    m.decision.statement = v;
    m.decision.batch = arena_copy(&w->arena, bytes_of(&d, 1));
    for (member_id i = 0; i < w->members; i++) {
        if (set_has(signers, i)) {
            m.decision.commits[m.decision.count++] =
                (struct member_signature){i, signed_body(w, FRAME_COMMIT, i, bytes_of(body, sizeof body))};
        }
    }
    return said(w, 0, &m);
}

/* A P entry: the PRE-PREPARE of primary(u) and PREPAREs of the first Q-1 others among signers. */
static inline struct prepared_entry prepared_by(struct witness *w, struct vote v, member_set signers) {
    struct prepared_entry e = {.statement = v};
    uint8_t body[VOTE_BODY_LEN];
    member_id primary = primary_of(v.v, w->members);
    vote_encode(body, &v);
    e.pp_sig = signed_body(w, FRAME_PRE_PREPARE, primary, bytes_of(body, sizeof body));
    for (member_id i = 0; i < w->members && e.count < w->strong - 1; i++) {
        if (i != primary && set_has(signers, i)) {
            e.prepares[e.count++] =
                (struct member_signature){i, signed_body(w, FRAME_PREPARE, i, bytes_of(body, sizeof body))};
        }
    }
    return e;
}

static inline struct prepared_entry prepared_in(struct witness *w, view_no u, seq_no n, uint8_t d) {
    return prepared_by(w, (struct vote){u, n, batch_d(d), {{0}}}, set_all(w->members));
}

static inline struct bytes view_change_of(struct witness *w, member_id sender, view_no v, seq_no c,
                                          const struct prepared_entry *p, unsigned count) {
    struct msg m = {.type = FRAME_VIEW_CHANGE};
    m.view_change.v = v;
    m.view_change.c = certificate_by(w, c, 1, set_all(w->strong));
    m.view_change.p = p;
    m.view_change.count = count;
    return said(w, sender, &m);
}

struct staged_view { /* a NEW-VIEW in the making; O may be bent before it is sealed */
    struct msg vcs[MEMBERS_MAX];
    unsigned vc_count;
    struct new_view_plan plan;
    struct digest digest; /* of the core, once sealed */
};

static inline void stage_view(struct witness *w, struct staged_view *x, const struct bytes *vcs, unsigned count) {
    *x = (struct staged_view){.vc_count = count};
    for (unsigned i = 0; i < count; i++) {
        x->vcs[i] = heard(w, vcs[i]);
    }
    new_view_compute(&x->plan, x->vcs, count, WITNESS_WINDOW);
}

static inline struct bytes new_view_of(struct witness *w, struct staged_view *x, view_no v, member_id sender) {
    struct msg m = {.type = FRAME_NEW_VIEW};
    struct buffer core = {0};
    m.new_view = (struct msg_new_view){
        .v = v, .vc_count = x->vc_count, .vcs = x->vcs, .slot_count = x->plan.slot_count, .slots = x->plan.slots};
    codec_new_view_core(&core, &m.new_view);
    m.new_view.core = buffer_bytes(&core);
    x->digest = crypto_digest(DIGEST_NEW_VIEW, m.new_view.core);
    for (unsigned i = 0; i < x->plan.slot_count; i++) {
        uint8_t body[VOTE_BODY_LEN];
        vote_encode(body, &(struct vote){v, x->plan.slots[i].n, x->plan.slots[i].d, x->digest});
        x->plan.slots[i].pp_sig =
            signed_body(w, FRAME_PRE_PREPARE, primary_of(v, w->members), bytes_of(body, sizeof body));
    }
    struct bytes frame = said(w, sender, &m);
    buffer_free(&core);
    return frame;
}

/* --- requests and receipts --- */

static inline struct bytes asked(struct witness *w, struct request *r, const struct public_key *key,
                                 const struct secret_key *secret, uint64_t req_seq) {
    struct buffer frame = {0};
    r->client = *key;
    r->req_seq = req_seq;
    request_seal(&frame, r, &w->verifier.cluster, secret);
    return keep(w, &frame);
}

static inline struct bytes tick_of(struct witness *w, member_id member, uint64_t req_seq, uint64_t boot,
                                   uint64_t counter, time_ms wall) {
    struct request r = {.kind = OP_TICK, .tick = {boot, counter, wall, 0, true}};
    return asked(w, &r, &w->verifier.keys[member], &w->secrets[member], req_seq);
}

static inline struct bytes result_of(struct witness *w, unsigned client, uint64_t req_seq, uint64_t obs_seq,
                                     const char *output) {
    struct observation list[] = {{"db", "", 1, 0, "", "", 1000}, {"web1", "http", obs_seq, 0, output, "", 1000}};
    struct request r = {.kind = OP_OBSERVE, .observe = {2, list}};
    return asked(w, &r, &w->client_keys[client], &w->client_secrets[client], req_seq);
}

static inline struct bytes receipt_of(struct witness *w, member_id member, seq_no n, uint8_t root) {
    uint8_t body[RECEIPT_BODY_LEN];
    receipt_encode(body, &(struct receipt_body){n, {{root}}, {{1}}, 1000});
    return sealed(w, FRAME_RECEIPT, member, bytes_of(body, sizeof body));
}

#endif
