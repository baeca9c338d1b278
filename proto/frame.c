/* Takes frames apart and seals them. Everything here is arithmetic on lengths: what a frame says about itself is
   compared with the bytes that are there and with the cap of its type before anything else looks at it. */
#include "proto/frame.h"

#include "base/invariant.h"

#include <string.h>

enum {
    FRAME_VERSION = 1,
    KIB = 1024,
    MIB = 1024 * 1024,
    VOTE_FRAME = FRAME_OVERHEAD + VOTE_BODY_LEN,
    CHECKPOINT_FRAME = FRAME_OVERHEAD + 120,
    RECEIPT_FRAME = FRAME_OVERHEAD + 80,
    RECALL_FRAME = FRAME_OVERHEAD + 32,
    REQUEST_CAP = 64 * KIB,
    NEW_VIEW_CAP = 2 * MIB,
};
static const uint8_t magic[2] = {'Q', 'R'};

static const struct frame_kind {
    const char *name;
    size_t cap; /* of the whole frame, bytes */
    bool is_signed;
} kinds[FRAME_TYPE_LIMIT] = {
    [FRAME_REQUEST] = {"REQUEST", REQUEST_CAP, true},
    [FRAME_RELAY] = {"RELAY", REQUEST_CAP + KIB, true},
    [FRAME_FETCH] = {"FETCH", 32 * KIB, true},
    [FRAME_DATA] = {"DATA", MIB + 256 * KIB, true},
    [FRAME_PRE_PREPARE] = {"PRE-PREPARE", 256 * KIB, true},
    [FRAME_PREPARE] = {"PREPARE", VOTE_FRAME, true},
    [FRAME_COMMIT] = {"COMMIT", VOTE_FRAME, true},
    [FRAME_CHECKPOINT] = {"CHECKPOINT", CHECKPOINT_FRAME, true},
    [FRAME_WISH] = {"WISH", KIB, true},
    [FRAME_VIEW_CHANGE] = {"VIEW-CHANGE", 256 * KIB, true},
    [FRAME_NEW_VIEW] = {"NEW-VIEW", NEW_VIEW_CAP, true},
    [FRAME_STATUS] = {"STATUS", KIB, true},
    [FRAME_FETCH_DECISION] = {"FETCH-DECISION", KIB, true},
    [FRAME_DECISION] = {"DECISION", MIB + 64 * KIB, true},
    [FRAME_FETCH_CERT] = {"FETCH-CERT", KIB, true},
    [FRAME_CERT] = {"CERT", NEW_VIEW_CAP + 64 * KIB, true},
    [FRAME_RECEIPT] = {"RECEIPT", RECEIPT_FRAME, true},
    [FRAME_RECALL] = {"RECALL", RECALL_FRAME, true},
    [FRAME_RECALLED] = {"RECALLED", NEW_VIEW_CAP + 512 * KIB, true},
    [FRAME_ST_FETCH] = {"ST-FETCH", KIB, true},
    [FRAME_ST_DATA] = {"ST-DATA", MIB + 64 * KIB, true},
    [FRAME_FETCH_ALERTS] = {"FETCH-ALERTS", KIB, false},
    [FRAME_FETCH_STATUS] = {"FETCH-STATUS", KIB, false},
    [FRAME_OUTPUTS] = {"OUTPUTS", MIB + 256 * KIB, false},
    [FRAME_REFUSAL] = {"REFUSAL", KIB, true},
    [FRAME_FETCH_EVIDENCE] = {"FETCH-EVIDENCE", KIB, false},
    [FRAME_EVIDENCE] = {"EVIDENCE", 257 * KIB, false},
};

static const struct frame_kind *kind_of(enum frame_type type) {
    return (unsigned)type < FRAME_TYPE_LIMIT && kinds[type].name ? &kinds[type] : NULL;
}

size_t frame_cap(enum frame_type type) {
    const struct frame_kind *k = kind_of(type);
    return k ? k->cap : 0;
}

const char *frame_type_name(enum frame_type type) {
    const struct frame_kind *k = kind_of(type);
    return k ? k->name : "?";
}

bool frame_type_signed(enum frame_type type) {
    const struct frame_kind *k = kind_of(type);
    return k && k->is_signed;
}

/* A PRE-PREPARE's signature must survive without its batch, inside a certificate (R1). */
static struct bytes signed_part(enum frame_type type, struct bytes body) {
    if (type == FRAME_PRE_PREPARE && body.len > VOTE_BODY_LEN) {
        body.len = VOTE_BODY_LEN;
    }
    return body;
}

static enum error open_header(struct frame *out, size_t *body_len, struct bytes raw) {
    if (raw.len < FRAME_HEADER_LEN) {
        return ERR_TRUNCATED;
    }
    struct reader r = reader_of(raw);
    if (memcmp(read_bytes(&r, sizeof magic).data, magic, sizeof magic) != 0) {
        return ERR_BAD_MAGIC;
    }
    if (read_u8(&r) != FRAME_VERSION) {
        return ERR_BAD_VERSION;
    }
    out->type = (enum frame_type)read_u8(&r);
    if (!kind_of(out->type)) {
        return ERR_BAD_TYPE;
    }
    read_into(&r, out->cluster.b, CLUSTER_ID_LEN);
    out->epoch = read_u32(&r);
    out->sender = read_u16(&r);
    *body_len = read_u32(&r);
    return *body_len > frame_cap(out->type) - FRAME_OVERHEAD ? ERR_OVERSIZED : ERR_OK;
}

enum error frame_open(struct frame *out, struct bytes raw) {
    size_t body_len = 0;
    *out = (struct frame){0};
    enum error e = open_header(out, &body_len, raw);
    if (e != ERR_OK) {
        return e;
    }
    if (raw.len < FRAME_OVERHEAD + body_len) {
        return ERR_TRUNCATED;
    }
    if (raw.len > FRAME_OVERHEAD + body_len) {
        return ERR_TRAILING;
    }
    if (out->type == FRAME_PRE_PREPARE && body_len < VOTE_BODY_LEN) {
        return ERR_TRUNCATED;
    }
    out->body = bytes_of(raw.data + FRAME_HEADER_LEN, body_len);
    out->signed_body = signed_part(out->type, out->body);
    memcpy(out->sig.b, raw.data + FRAME_HEADER_LEN + body_len, SIGNATURE_LEN);
    out->raw = raw;
    return ERR_OK;
}

void frame_rebuild(struct buffer *out, const struct seal_context *context, struct bytes body,
                   const struct signature *sig) {
    enum frame_type type = (enum frame_type)context->type;
    REQUIRE(kind_of(type) != NULL);
    REQUIRE(body.len <= frame_cap(type) - FRAME_OVERHEAD);
    buffer_put(out, magic, sizeof magic);
    buffer_u8(out, FRAME_VERSION);
    buffer_u8(out, context->type);
    buffer_put(out, context->cluster.b, CLUSTER_ID_LEN);
    buffer_u32(out, context->epoch);
    buffer_u16(out, context->sender);
    buffer_u32(out, (uint32_t)body.len);
    buffer_put(out, body.data, body.len);
    buffer_put(out, sig->b, SIGNATURE_LEN);
}

void frame_seal(struct buffer *out, const struct seal_context *context, struct bytes body,
                const struct secret_key *sk) {
    enum frame_type type = (enum frame_type)context->type;
    struct signature sig = {0};
    REQUIRE((sk != NULL) == frame_type_signed(type));
    if (sk) {
        seal_sign(&sig, context, signed_part(type, body), sk);
    }
    frame_rebuild(out, context, body, &sig);
}

enum error frame_verify(const struct frame *f, const struct cluster_id *cluster, const struct public_key *pk) {
    if (memcmp(f->cluster.b, cluster->b, CLUSTER_ID_LEN) != 0) {
        return ERR_FOREIGN_CLUSTER;
    }
    struct seal_context context = {(uint8_t)f->type, f->cluster, f->epoch, f->sender};
    if (!frame_type_signed(f->type) || !seal_verify(&f->sig, &context, f->signed_body, pk)) {
        return ERR_BAD_SIGNATURE;
    }
    return ERR_OK;
}
