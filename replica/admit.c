/* The doors of a replica: bytes of peers and clients become authenticated, bounded messages, or a named refusal. What
   is cheap and rejects most comes first: lengths, type, cluster, epoch, member; then decoding; signatures and inner
   proofs last (R1). Runs on any thread, since everything that it reads was built at start, or has a lock of its own. */
#include "replica/admit.h"

#include "base/invariant.h"
#include "proto/evidence.h"
#include "proto/proof.h"

#include <stdlib.h>
#include <string.h>

/* What decoding may unfold a frame into. Lists of small entries take the most, about ten times their bytes. */
enum { ARENA_BASE = 256 * 1024, ARENA_PER_BYTE = 16 };

static bool peer_may_send(enum frame_type type) {
    return type >= FRAME_RELAY && type <= FRAME_ST_DATA;
}

static bool client_may_send(enum frame_type type) {
    return type == FRAME_REQUEST || type == FRAME_FETCH_ALERTS || type == FRAME_FETCH_STATUS ||
           type == FRAME_FETCH_EVIDENCE;
}

static enum error check_cluster(const struct admit *a, const struct frame *f) {
    bool same = memcmp(f->cluster.b, a->verifier.cluster.b, CLUSTER_ID_LEN) == 0;
    return same ? ERR_OK : ERR_FOREIGN_CLUSTER;
}

static enum error check_member(const struct admit *a, const struct frame *f) {
    if (f->epoch != a->verifier.epoch) {
        return ERR_WRONG_EPOCH;
    }
    return f->sender < a->verifier.members ? ERR_OK : ERR_NOT_A_MEMBER;
}

/* --- requests --- */

/* The key that a request names, before anything is decoded: unknown ones cost no more than this. */
static enum error check_known_key(const struct admit *a, const struct frame *f) {
    struct public_key key;
    if (f->body.len < sizeof key.b) {
        return ERR_MALFORMED;
    }
    memcpy(key.b, f->body.data, sizeof key.b);
    return keyring_find(a->keys, &key) ? ERR_OK : ERR_UNKNOWN_KEY;
}

/* Decoded, and signed by the key that it names. */
static enum error open_request(struct request **out, const struct admit *a, struct bytes raw) {
    struct frame f;
    *out = NULL;
    enum error e = frame_open(&f, raw);
    if (e == ERR_OK && f.type != FRAME_REQUEST) {
        e = ERR_BAD_TYPE;
    }
    if (e == ERR_OK) {
        e = check_cluster(a, &f);
    }
    if (e == ERR_OK) {
        e = check_known_key(a, &f);
    }
    if (e == ERR_OK) {
        e = request_new(out, raw);
    }
    if (e == ERR_OK) {
        e = frame_verify(&f, &a->verifier.cluster, &(*out)->client);
    }
    if (e != ERR_OK) {
        request_free(*out);
        *out = NULL;
    }
    return e;
}

/* Evidence proves itself, or nobody holds it. What is staged is judged where it is executed. */
static enum error check_evidence(const struct admit *a, const struct op_evidence *evidence) {
    struct evidence_judge judge = {&a->verifier, a->keys, a->window};
    struct evidence_finding finding;
    bool staged = evidence->count == 0;
    return staged || evidence_verify(&judge, evidence, &finding) == ERR_OK ? ERR_OK : ERR_BAD_PROOF;
}

enum error admit_request(struct request **out, const struct admit *a, struct bytes raw) {
    enum error e = open_request(out, a, raw);
    if (e == ERR_OK && (*out)->kind == OP_EVIDENCE) {
        e = check_evidence(a, &(*out)->evidence);
    }
    if (e != ERR_OK) {
        request_free(*out);
        *out = NULL;
    }
    return e;
}

static enum error take_request(struct admitted *x, const struct admit *a, struct bytes raw) {
    x->requests = xcalloc(1, sizeof *x->requests);
    enum error e = admit_request(&x->requests[0], a, raw);
    x->request_count = e == ERR_OK ? 1 : 0;
    return e;
}

/* Keeps the good requests of a DATA; a bad one among them says nothing about the others. */
static void take_requests(struct admitted *x, const struct admit *a) {
    struct msg_data *data = &x->msg.data;
    struct bytes *kept = arena_alloc(&x->arena, (data->request_count + 1) * sizeof *kept);
    if (!kept) {
        data->request_count = 0;
        return;
    }
    x->requests = xcalloc(data->request_count + 1, sizeof *x->requests);
    for (unsigned i = 0; i < data->request_count; i++) {
        if (admit_request(&x->requests[x->request_count], a, data->requests[i]) == ERR_OK) {
            kept[x->request_count++] = data->requests[i];
        }
    }
    data->requests = kept;
    data->request_count = x->request_count;
}

/* --- inner proofs --- */

static enum error check_batch(struct bytes batch, const struct digest *d) {
    struct digest actual = batch_digest(batch);
    return digest_equal(&actual, d) ? ERR_OK : ERR_MISMATCH;
}

static enum error check_decision(const struct admit *a, const struct msg_decision *d) {
    enum error e = check_batch(d->batch, &d->statement.d);
    return e == ERR_OK ? proof_decision_valid(&a->verifier, d) : e;
}

static enum error check_view_proof(const struct admit *a, const struct msg *m) {
    return m->type == FRAME_VIEW_CHANGE ? proof_view_change_valid(&a->verifier, a->window, m)
                                        : proof_new_view_valid(&a->verifier, a->window, m);
}

/* Both are resent until they are superseded, and verifying one takes hundreds of signatures. */
static enum error check_view_frame(const struct admit *a, const struct msg *m) {
    if (!a->proven) {
        return check_view_proof(a, m);
    }
    struct digest digest = proven_digest(m->raw);
    if (proven_has(a->proven, m->sender, &digest)) {
        return ERR_OK;
    }
    enum error e = check_view_proof(a, m);
    if (e == ERR_OK) {
        proven_add(a->proven, m->sender, &digest);
    }
    return e;
}

/* A NEW-VIEW travels as its own frame: the core takes none out of a CERT, so no work is spent on one. */
static enum error check_cert(const struct admit *a, const struct msg_cert *c) {
    return c->kind == CERT_NEW_VIEW ? ERR_BAD_TYPE : proof_checkpoint_cert_valid(&a->verifier, &c->checkpoint);
}

/* Its signer is known by now: a wrong proof convicts it. */
static enum error accusing(struct admitted *x, enum error e) {
    enum evidence_kind kind = x->msg.type == FRAME_NEW_VIEW ? EV_BAD_NV : EV_BAD_VC;
    x->accuses = e == ERR_BAD_PROOF ? kind : (enum evidence_kind)0;
    return e;
}

static enum error check_inside(struct admitted *x, const struct admit *a) {
    const struct msg *m = &x->msg;
    switch (m->type) {
    case FRAME_RELAY:
        return take_request(x, a, m->relay.request);
    case FRAME_DATA:
        take_requests(x, a);
        return ERR_OK;
    case FRAME_PRE_PREPARE:
        return check_batch(m->pre_prepare.batch_bytes, &m->pre_prepare.statement.d);
    case FRAME_VIEW_CHANGE:
    case FRAME_NEW_VIEW:
        return accusing(x, check_view_frame(a, m));
    case FRAME_DECISION:
        return check_decision(a, &m->decision);
    case FRAME_CERT:
        return check_cert(a, &m->cert);
    case FRAME_ST_DATA:
        return m->st_data.kind == ST_META ? proof_checkpoint_cert_valid(&a->verifier, &m->st_data.cert) : ERR_OK;
    default:
        return ERR_OK;
    }
}

/* --- the doors --- */

static struct admitted *admitted_new(struct frame *f, struct bytes raw) {
    struct admitted *x = xcalloc(1, sizeof *x);
    x->arena.limit = ARENA_BASE + ARENA_PER_BYTE * raw.len;
    buffer_put(&x->raw, raw.data, raw.len);
    enum error e = frame_open(f, buffer_bytes(&x->raw));
    ENSURE(e == ERR_OK);
    return x;
}

/* Ownership passes to the caller only when all went well, or went wrong in a telling way. */
static enum error hand_over(struct admitted **out, struct admitted *x, enum error e) {
    if (e != ERR_OK && !x->accuses) {
        admitted_free(x);
        x = NULL;
    }
    *out = x;
    return e;
}

static enum error check_peer_envelope(struct frame *f, const struct admit *a, struct bytes raw) {
    enum error e = frame_open(f, raw);
    if (e == ERR_OK && !peer_may_send(f->type)) {
        e = ERR_BAD_TYPE;
    }
    if (e == ERR_OK) {
        e = check_cluster(a, f);
    }
    if (e == ERR_OK) {
        e = check_member(a, f);
    }
    return e == ERR_OK && f->sender == a->self ? ERR_REFLECTED : e;
}

enum error admit_peer_glance(const struct admit *a, struct bytes raw) {
    struct frame f;
    return check_peer_envelope(&f, a, raw);
}

enum error admit_peer(struct admitted **out, const struct admit *a, struct bytes raw) {
    struct frame f;
    *out = NULL;
    enum error e = check_peer_envelope(&f, a, raw);
    if (e != ERR_OK) {
        return e;
    }
    struct admitted *x = admitted_new(&f, raw);
    e = codec_decode(&x->msg, &f, &x->arena);
    if (e == ERR_OK) {
        e = frame_verify(&f, &a->verifier.cluster, &a->verifier.keys[f.sender]);
    }
    if (e == ERR_OK) {
        e = check_inside(x, a);
    }
    return hand_over(out, x, e);
}

enum error admit_client(struct admitted **out, const struct admit *a, struct bytes raw) {
    struct frame f;
    *out = NULL;
    enum error e = frame_open(&f, raw);
    if (e == ERR_OK && !client_may_send(f.type)) {
        e = ERR_BAD_TYPE;
    }
    if (e == ERR_OK) {
        e = check_cluster(a, &f);
    }
    if (e != ERR_OK) {
        return e;
    }
    struct admitted *x = admitted_new(&f, raw);
    if (f.type == FRAME_REQUEST) {
        x->msg = (struct msg){.type = f.type, .epoch = f.epoch, .sender = f.sender, .sig = f.sig, .raw = f.raw};
        e = take_request(x, a, f.raw);
    } else {
        e = codec_decode(&x->msg, &f, &x->arena);
    }
    return hand_over(out, x, e);
}

void admitted_free(struct admitted *x) {
    if (!x) {
        return;
    }
    for (unsigned i = 0; i < x->request_count; i++) {
        request_free(x->requests[i]);
    }
    free(x->requests);
    arena_free(&x->arena);
    buffer_free(&x->raw);
    free(x);
}
