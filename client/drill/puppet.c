/* Questions go out on lanes taken by turns: each lane drops its last question for the next one, so that nothing waits
   for who does not answer. */
#include "client/drill/puppet.h"

#include "base/clock.h"
#include "base/invariant.h"
#include "client/external.h"
#include "client/net.h"
#include "crypto/keyfile.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { LANES = 32, OBS_COUNTER_BITS = 20, TURN_MS = 10, RESEND_MS = 60000, PATIENCE_MS = 60000 };

struct puppet {
    const struct cluster *cluster;
    char *path;
    struct keyfile key;
    struct client_net *net;
    struct client *client;
    struct client_poll *lanes[LANES];
    unsigned lane;
    uint64_t next_obs;
    struct buffer heard;
    atomic_uint_fast64_t sent, refused[ERR_LIMIT];
    pthread_t thread;
    bool runs;
    atomic_bool rests;
    puppet_way *way;
    void *context;
    unsigned per_s;
    uint64_t turns;
};

static bool puppet_open(struct puppet *p, struct buffer *why) {
    if (keyfile_read(&p->key, p->path, why) != ERR_OK || client_net_open(&p->net, p->cluster, why) != ERR_OK ||
        client_open(&p->client, p->cluster, why) != ERR_OK)
        return false;
    for (unsigned i = 0; i < LANES; i++)
        p->lanes[i] = client_poll_new(p->net);
    return true;
}

struct puppet *puppet_new(struct scene *s, const char *key) {
    struct buffer why = {0};
    struct puppet *p = xcalloc(1, sizeof *p);
    p->cluster = scene_cluster(s);
    p->path = xstrdup(scene_key_path(s, key));
    p->next_obs = (uint64_t)clock_wall() << OBS_COUNTER_BITS;
    if (!puppet_open(p, &why)) {
        scene_broken(s, PROMISE_LIVENESS, "the misbehaving client can't be made: %s", buffer_cstr(&why));
        puppet_free(p);
        p = NULL;
    }
    buffer_free(&why);
    return p;
}

void puppet_free(struct puppet *p) {
    if (!p)
        return;
    puppet_rest(p);
    for (unsigned i = 0; i < LANES; i++)
        if (p->lanes[i])
            client_poll_free(p->lanes[i]);
    client_close(p->client);
    if (p->net)
        client_net_close(p->net);
    buffer_free(&p->heard);
    crypto_wipe(&p->key, sizeof p->key);
    free(p->path);
    free(p);
}

/* ---- signing ---- */

uint64_t puppet_draw(struct puppet *p, uint32_t count) {
    struct buffer why = {0};
    uint64_t first = 0;
    enum error e = keycounter_draw(p->path, count, &first, &why);
    ENSURE(e == ERR_OK);
    buffer_free(&why);
    return first;
}

struct observation puppet_result(struct puppet *p, const char *host, const char *service, uint8_t state,
                                 const char *output) {
    return (struct observation){.host = host,
                                .service = service,
                                .obs_seq = ++p->next_obs,
                                .state = state,
                                .output = output,
                                .perfdata = "",
                                .observed_at = clock_wall()};
}

void puppet_seal(const struct puppet *p, struct buffer *out, uint64_t req_seq, const struct observation *list,
                 unsigned count) {
    struct request r = {.kind = OP_OBSERVE, .client = p->key.pk, .req_seq = req_seq, .observe = {count, list}};
    buffer_clear(out);
    request_seal(out, &r, &p->cluster->id, &p->key.sk);
}

/* ---- sending ---- */

/* A count for people: who signed the refusal is not looked at. */
static void note_answer(struct puppet *p) {
    struct arena arena = {.limit = 1 << 20};
    struct frame f;
    struct msg m;
    if (frame_open(&f, buffer_bytes(&p->heard)) == ERR_OK && f.type == FRAME_REFUSAL &&
        codec_decode(&m, &f, &arena) == ERR_OK && (unsigned)m.refusal.reason < ERR_LIMIT)
        p->refused[m.refusal.reason]++;
    arena_free(&arena);
}

void puppet_say(struct puppet *p, member_set to, struct bytes frame) {
    struct client_poll *lane = p->lanes[p->lane++ % LANES];
    member_id from;
    while (client_poll_next(lane, clock_mono(), &from, &p->heard))
        note_answer(p);
    for (member_id i = 0; i < p->cluster->member_count; i++) {
        if (set_has(to, i)) {
            client_poll_ask(lane, i, frame, RESEND_MS);
            p->sent++;
        }
    }
}

void puppet_say_all(struct puppet *p, struct bytes frame) {
    puppet_say(p, set_all(p->cluster->member_count), frame);
}

enum error puppet_ask(struct puppet *p, struct bytes frame, struct client_reply *out) {
    return client_request(p->client, frame, PATIENCE_MS, out);
}

enum error puppet_submit(struct puppet *p, const struct observation *o) {
    struct buffer frame = {0};
    struct client_reply reply;
    puppet_seal(p, &frame, puppet_draw(p, 1), o, 1);
    enum error e = puppet_ask(p, buffer_bytes(&frame), &reply);
    if (e == ERR_OK) {
        e = reply.reply.result;
        if (e == ERR_OK && reply.reply.refused_count > 0)
            e = reply.reply.refused[0].reason;
        client_reply_free(&reply);
    }
    buffer_free(&frame);
    return e;
}

enum error puppet_order(struct puppet *p, const char *line) {
    struct arena arena = {0};
    struct external order;
    struct client_reply reply;
    struct buffer why = {0};
    external_parse(&order, bytes_of_text(line), &arena);
    REQUIRE(order.kind == EXTERNAL_COMMAND);
    struct request r = {.kind = OP_COMMAND, .command = order.command};
    enum error e = client_call(p->client, p->path, &r, PATIENCE_MS, &reply, &why);
    if (e == ERR_OK) {
        e = reply.reply.result;
        client_reply_free(&reply);
    }
    buffer_free(&why);
    arena_free(&arena);
    return e;
}

uint64_t puppet_sent(const struct puppet *p) {
    return p->sent;
}

uint64_t puppet_refused(const struct puppet *p, enum error reason) {
    return p->refused[reason];
}

/* ---- beside the play ---- */

static void *run(void *self) {
    struct puppet *p = self;
    uint64_t owed = 0; /* thousandths of a turn */
    while (!p->rests) {
        for (owed += (uint64_t)p->per_s * TURN_MS; owed >= 1000; owed -= 1000)
            p->way(p, p->context, p->turns++);
        clock_sleep(TURN_MS);
    }
    return NULL;
}

void puppet_begin(struct puppet *p, puppet_way *way, void *context, unsigned per_s) {
    REQUIRE(!p->runs && per_s > 0);
    p->way = way;
    p->context = context;
    p->per_s = per_s;
    p->turns = 0;
    p->rests = false;
    p->runs = pthread_create(&p->thread, NULL, run, p) == 0;
    ENSURE(p->runs);
}

uint64_t puppet_rest(struct puppet *p) {
    if (p->runs) {
        p->rests = true;
        pthread_join(p->thread, NULL);
        p->runs = false;
    }
    return p->turns;
}
