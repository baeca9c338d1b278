/* The client library: sends signed requests to every replica and asks for their status. One lying or silent replica
   changes nothing: an answer counts when F members signed it alike. */
#include "client/client.h"

#include "base/clock.h"
#include "base/invariant.h"
#include "client/inner.h"
#include "client/session.h"
#include "crypto/keyfile.h"

#include <stdlib.h>
#include <string.h>

enum { RESEND_MS = 1000, BUSY_RETRY_MS = 250, ANSWER_ARENA_MAX = 16 << 20 };

enum error client_open(struct client **out, const struct cluster *cluster, struct buffer *why) {
    struct client *c = xcalloc(1, sizeof *c);
    c->cluster = cluster;
    cluster_verifier(&c->verifier, cluster);
    enum error e = client_net_open(&c->net, cluster, why);
    if (e != ERR_OK) {
        free(c);
        c = NULL;
    }
    *out = c;
    return e;
}

void client_close(struct client *c) {
    if (c != NULL) {
        client_net_close(c->net);
        free(c);
    }
}

void client_trust(struct client *c, member_id m) {
    c->patience[m] = (struct patience){0};
}

void client_distrust(struct client *c, member_id m, mono_ms now) {
    struct patience *p = &c->patience[m];
    p->pause = p->pause == 0 ? PATIENCE_MIN_MS : p->pause * 2;
    if (p->pause > PATIENCE_MAX_MS) {
        p->pause = PATIENCE_MAX_MS;
    }
    p->until = now + p->pause;
}

enum error client_open_answer(const struct client *c, member_id from, struct bytes raw, struct msg *out,
                              struct arena *arena) {
    struct frame f;
    enum error e = frame_open(&f, raw);
    if (e != ERR_OK) {
        return e;
    }
    if (memcmp(&f.cluster, &c->cluster->id, sizeof f.cluster) != 0) {
        return ERR_FOREIGN_CLUSTER;
    }
    if (f.type != FRAME_OUTPUTS && f.type != FRAME_REFUSAL && f.type != FRAME_STATUS && f.type != FRAME_EVIDENCE) {
        return ERR_BAD_TYPE;
    }
    if (frame_type_signed(f.type)) {
        if (f.sender != from) {
            return ERR_NOT_A_MEMBER;
        }
        if (f.epoch != c->verifier.epoch) {
            return ERR_WRONG_EPOCH;
        }
        e = frame_verify(&f, &c->cluster->id, &c->verifier.keys[from]);
    }
    return e == ERR_OK ? codec_decode(out, &f, arena) : e;
}

void client_seal_question(const struct client *c, const struct msg *m, struct buffer *out) {
    struct buffer body = {0};
    struct seal_context context = {
        .type = (uint8_t)m->type, .cluster = c->cluster->id, .epoch = 0, .sender = MEMBER_NONE};
    codec_encode(&body, m);
    frame_seal(out, &context, buffer_bytes(&body), NULL);
    buffer_free(&body);
}

/* --- requests --- */

struct asking { /* one request on its way */
    struct client *client;
    struct bytes frame;
    struct public_key key;
    uint64_t req_seq;
    struct digest digest;
    struct client_poll *poll;
    struct gather *gather;
    mono_ms ask_at[MEMBERS_MAX];
    enum error refusal[MEMBERS_MAX]; /* the last signed one; ERR_OK: none */
};

static enum error asking_read(struct asking *a, struct bytes sealed) {
    struct frame f;
    enum error e = frame_open(&f, sealed);
    if (e != ERR_OK) {
        return e;
    }
    if (f.type != FRAME_REQUEST) {
        return ERR_BAD_TYPE;
    }
    struct reader r = reader_of(f.body);
    read_into(&r, a->key.b, sizeof a->key.b);
    a->req_seq = read_u64(&r);
    a->frame = sealed;
    a->digest = crypto_digest(DIGEST_REQUEST, sealed);
    return r.bad ? ERR_TRUNCATED : ERR_OK;
}

/* An output about something else is no lie (a replica may send more than was asked), but nothing to us. */
static bool asking_concerns(const struct asking *a, struct bytes leaf, struct arena *arena) {
    enum output_kind kind;
    struct reply reply;
    return output_kind_of(&kind, leaf) == ERR_OK && kind == OUTPUT_REPLY &&
           reply_decode(&reply, leaf, arena) == ERR_OK && public_key_equal(&reply.client, &a->key) &&
           reply.req_seq == a->req_seq;
}

/* False: what the member said is worthless. */
static bool take_outputs(struct asking *a, member_id from, const struct msg_outputs *outputs, struct arena *arena) {
    bool good = false;
    for (unsigned i = 0; i < outputs->count && i < GATHER_OFFERS_MAX; i++) {
        const struct output *o = &outputs->list[i];
        good |= asking_concerns(a, o->leaf, arena) && gather_add(a->gather, from, o, NULL) == ERR_OK;
    }
    return good;
}

static bool take_refusal(struct asking *a, member_id from, const struct msg_refusal *refusal, mono_ms now) {
    if (!digest_equal(&refusal->request, &a->digest) || refusal->reason == ERR_OK) {
        return false;
    }
    a->refusal[from] = refusal->reason;
    a->ask_at[from] = now + (refusal->reason == ERR_BUSY ? BUSY_RETRY_MS : RESEND_MS);
    return true;
}

static void asking_take(struct asking *a, member_id from, struct bytes raw) {
    struct arena arena = {.limit = ANSWER_ARENA_MAX};
    struct msg m;
    mono_ms now = clock_mono();
    bool good = client_open_answer(a->client, from, raw, &m, &arena) == ERR_OK;
    a->ask_at[from] = now + RESEND_MS;
    if (good && m.type == FRAME_OUTPUTS) {
        good = take_outputs(a, from, &m.outputs, &arena);
    } else if (good && m.type == FRAME_REFUSAL) {
        good = take_refusal(a, from, &m.refusal, now);
    } else {
        good = false;
    }
    if (good) {
        client_trust(a->client, from);
    } else {
        client_distrust(a->client, from, now);
        a->ask_at[from] = a->client->patience[from].until;
    }
    arena_free(&arena);
}

/* A reason that F members signed is true for at least one honest one; BUSY passes, so it is waited out. */
static enum error asking_refused(const struct asking *a) {
    unsigned members = a->client->verifier.members;
    for (unsigned i = 0; i < members; i++) {
        unsigned same = 0;
        for (unsigned k = 0; k < members; k++) {
            same += a->refusal[k] == a->refusal[i];
        }
        if (a->refusal[i] != ERR_OK && a->refusal[i] != ERR_BUSY && same >= quorum_weak(members)) {
            return a->refusal[i];
        }
    }
    return ERR_OK;
}

/* Asks who is due; returns when the next one is. */
static mono_ms asking_send(struct asking *a, mono_ms now, mono_ms deadline) {
    mono_ms next = deadline;
    for (member_id i = 0; i < a->client->verifier.members; i++) {
        if (client_poll_asking(a->poll, i)) {
            continue;
        }
        if (a->ask_at[i] <= now) {
            client_poll_ask(a->poll, i, a->frame, RESEND_MS);
            a->ask_at[i] = now + RESEND_MS;
        }
        next = a->ask_at[i] < next ? a->ask_at[i] : next;
    }
    return next;
}

static enum error asking_run(struct asking *a, mono_ms deadline) {
    struct buffer answer = {0};
    enum error e = ERR_OK;
    while (e == ERR_OK && gather_proven(a->gather) == NULL) {
        mono_ms now = clock_mono();
        member_id from;
        if (now >= deadline) {
            e = ERR_NO_QUORUM;
        } else if (client_poll_next(a->poll, asking_send(a, now, deadline), &from, &answer)) {
            asking_take(a, from, buffer_bytes(&answer));
            e = gather_proven(a->gather) != NULL ? ERR_OK : asking_refused(a);
        }
    }
    buffer_free(&answer);
    return e;
}

/* ERR_CONFLICT: the number was used for another request, so this one will never take effect. */
static enum error reply_fill(struct client_reply *out, const struct asking *a) {
    const struct output *o = gather_proven(a->gather);
    struct bytes leaf = arena_copy(&out->arena, o->leaf);
    enum error e = reply_decode(&out->reply, leaf, &out->arena);
    out->n = o->cert.body.n;
    out->t = o->cert.body.t;
    out->contradicted = gather_contradicted(a->gather);
    if (e == ERR_OK && !digest_equal(&out->reply.request, &a->digest)) {
        e = ERR_CONFLICT;
    }
    return e;
}

enum error client_request(struct client *c, struct bytes sealed_request, mono_ms timeout, struct client_reply *out) {
    struct asking a = {.client = c};
    *out = (struct client_reply){0};
    enum error e = asking_read(&a, sealed_request);
    if (e != ERR_OK) {
        return e;
    }
    a.poll = client_poll_new(c->net);
    a.gather = gather_new(&c->verifier);
    e = asking_run(&a, clock_mono() + timeout);
    if (e == ERR_OK) {
        e = reply_fill(out, &a);
    }
    if (e != ERR_OK) {
        client_reply_free(out);
    }
    gather_free(a.gather);
    client_poll_free(a.poll);
    return e;
}

void client_reply_free(struct client_reply *r) {
    arena_free(&r->arena);
    *r = (struct client_reply){0};
}

enum error client_call(struct client *c, const char *key_path, struct request *r, mono_ms timeout,
                       struct client_reply *out, struct buffer *why) {
    struct keyfile key;
    struct buffer frame = {0};
    *out = (struct client_reply){0};
    enum error e = keyfile_read(&key, key_path, why);
    if (e == ERR_OK) {
        e = keycounter_draw(key_path, 1, &r->req_seq, why);
    }
    if (e == ERR_OK) {
        r->client = key.pk;
        request_seal(&frame, r, &c->cluster->id, &key.sk);
        e = frame.len > frame_cap(FRAME_REQUEST) ? ERR_OVERSIZED : ERR_OK;
    }
    if (e == ERR_OK) {
        e = client_request(c, buffer_bytes(&frame), timeout, out);
    }
    crypto_wipe(&key, sizeof key);
    buffer_free(&frame);
    return e;
}

/* --- status --- */

static bool status_take(const struct client *c, member_id from, struct bytes raw, struct msg_status *out) {
    struct arena arena = {.limit = ANSWER_ARENA_MAX};
    struct msg m;
    bool good = client_open_answer(c, from, raw, &m, &arena) == ERR_OK && m.type == FRAME_STATUS;
    if (good) {
        *out = m.status;
    }
    arena_free(&arena);
    return good;
}

enum error client_status(struct client *c, mono_ms timeout, struct msg_status status[MEMBERS_MAX],
                         bool reachable[MEMBERS_MAX]) {
    struct buffer question = {0}, answer = {0};
    struct client_poll *poll = client_poll_new(c->net);
    mono_ms deadline = clock_mono() + timeout;
    unsigned open = c->verifier.members;
    member_id from;
    memset(reachable, 0, MEMBERS_MAX * sizeof *reachable);
    client_seal_question(c, &(struct msg){.type = FRAME_FETCH_STATUS}, &question);
    for (member_id i = 0; i < c->verifier.members; i++) {
        client_poll_ask(poll, i, buffer_bytes(&question), RESEND_MS);
    }
    while (open > 0 && client_poll_next(poll, deadline, &from, &answer)) {
        reachable[from] = status_take(c, from, buffer_bytes(&answer), &status[from]);
        open--;
    }
    client_poll_free(poll);
    buffer_free(&answer);
    buffer_free(&question);
    return ERR_OK;
}
