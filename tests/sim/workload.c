/* Observers report on the estate each beat; some may lie, one may do worse; an operator applies the objects first. What
   is not acknowledged is sent again, the same bytes. */
#include "base/invariant.h"
#include "checks/objects.h"
#include "tests/sim/estate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NEVER_FAILS = 3, LIAR = 1, OPERATOR = SIM_OBSERVERS, CLIENTS, WAITING_MAX = 24, ORDERS_A_BEAT = 3 };

struct outstanding {
    unsigned client;
    struct buffer frame;
    struct request *request;
    struct gather *gather; /* NULL once acknowledged */
    time_us since;
    seq_no floor; /* acknowledged before it was submitted: it comes after that (I23) */
};

struct workload {
    struct sim *sim;
    const struct cluster *cluster;
    const struct sim_options *options;
    struct verifier verifier;
    struct prng chance, orders;
    struct public_key keys[CLIENTS];
    struct secret_key secrets[CLIENTS];
    uint64_t req_seq[CLIENTS], obs_seq;
    unsigned waiting[CLIENTS];
    struct estate estate;
    unsigned beat;
    unsigned truth[ESTATE_MAX];
    bool ever[ESTATE_MAX][4];
    unsigned changes[ESTATE_MAX];
    unsigned count;
    struct outstanding list[SIM_REQUESTS_MAX];
    uint64_t acknowledged;
    unsigned objects_from, objects_until; /* requests that the objects need */
    bool applying;
};

unsigned workload_truth(const struct workload *w, unsigned object) {
    return w->truth[object];
}

bool workload_ever(const struct workload *w, unsigned object, unsigned state) {
    return w->ever[object][state];
}

const struct estate *workload_estate(const struct workload *w) {
    return &w->estate;
}

bool workload_beyond(const struct workload *w, unsigned object) {
    const struct estate_object *o = &w->estate.list[object];
    unsigned doubted = lie_doubted(w->options->lie) | (w->options->rude ? 1u << LIAR : 0);
    return (unsigned)__builtin_popcount(doubted & o->watchers) > estate_bound(o);
}

bool workload_two_faced(const struct workload *w, const char *observer) {
    return w->options->rude && strcmp(observer, observer_name(LIAR)) == 0;
}

bool workload_may_dissent(const struct workload *w, const char *observer) {
    unsigned who = lie_dissenters(w->options->lie) | (w->options->rude ? 1u << LIAR : 0);
    for (unsigned i = 0; i < SIM_OBSERVERS; i++)
        if (strcmp(observer, observer_name(i)) == 0)
            return who >> i & 1;
    return false;
}

unsigned workload_changes(const struct workload *w, unsigned object) {
    return w->changes[object];
}

uint64_t workload_acknowledged(const struct workload *w) {
    return w->acknowledged;
}

struct workload *workload_new(struct sim *s, const struct cluster *cluster, const struct sim_options *o) {
    struct workload *w = xcalloc(1, sizeof *w);
    w->sim = s;
    w->cluster = cluster;
    w->options = o;
    w->obs_seq = UINT64_C(1700000000000) << 20;
    prng_seed(&w->chance, o->seed ^ 0x776f726b);
    prng_seed(&w->orders, o->seed ^ 0x6f7264657273);
    cluster_verifier(&w->verifier, cluster);
    for (unsigned i = 0; i < CLIENTS; i++) {
        uint8_t seed[SECRET_SEED_LEN] = {(uint8_t)(100 + i)};
        crypto_keypair_from_seed(&w->keys[i], &w->secrets[i], seed);
    }
    estate_draw(&w->estate, o);
    for (unsigned i = 0; i < w->estate.count; i++)
        w->ever[i][STATE_OK] = true;
    return w;
}

void workload_free(struct workload *w) {
    for (unsigned i = 0; i < w->count; i++) {
        buffer_free(&w->list[i].frame);
        request_free(w->list[i].request);
        gather_free(w->list[i].gather);
    }
    estate_free(&w->estate);
    free(w);
}

/* ---- sending ---- */

static void send_to_all(struct workload *w, unsigned index) {
    for (member_id i = 0; i < w->cluster->member_count; i++)
        sim_client_send(w->sim, index, i, buffer_bytes(&w->list[index].frame));
}

static void submit(struct workload *w, unsigned client, struct request *r, time_us now) {
    if (w->count == SIM_REQUESTS_MAX)
        return;
    struct outstanding *o = &w->list[w->count];
    r->client = w->keys[client];
    r->req_seq = ++w->req_seq[client];
    request_seal(&o->frame, r, &w->cluster->id, &w->secrets[client]);
    ENSURE(request_new(&o->request, buffer_bytes(&o->frame)) == ERR_OK);
    o->client = client;
    o->gather = gather_new(&w->verifier);
    o->since = now;
    o->floor = checker_acknowledged_to(sim_checker(w->sim));
    checker_submitted(sim_checker(w->sim), buffer_bytes(&o->frame));
    w->waiting[client]++;
    send_to_all(w, w->count++);
}

static void apply_objects(struct workload *w, time_us now) {
    struct buffer canonical = {0};
    estate_compile(&w->estate, &canonical);
    struct digest whole = crypto_digest(DIGEST_OBJECTS, buffer_bytes(&canonical));
    struct request blob = {.kind = OP_BLOB, .blob = {whole, 0, buffer_bytes(&canonical)}};
    struct request apply = {.kind = OP_APPLY, .apply = {.whole = whole, .length = canonical.len}};
    REQUIRE(canonical.len <= BLOB_MAX_LEN);
    if (!w->applying)
        submit(w, OPERATOR, &blob, now);
    else
        submit(w, OPERATOR, &apply, now);
    buffer_free(&canonical);
}

/* A page of all states, to be compared with what the naive model knows at that place of the log. */
void workload_ask(struct workload *w, time_us now) {
    struct request r = {.kind = OP_QUERY,
                        .query = {.kind = QUERY_STATUS,
                                  .host = "",
                                  .service = "",
                                  .after_host = "",
                                  .after_service = "",
                                  .limit = QUERY_PAGE_MAX}};
    submit(w, OPERATOR, &r, now);
}

bool workload_asked(const struct workload *w) {
    return w->count == 0 || !w->list[w->count - 1].gather;
}

bool workload_applied(const struct workload *w) {
    return w->count >= 2 && !w->list[0].gather && !w->list[1].gather;
}

/* What the observer says of the object in this beat; false: nothing. */
static bool make_result(struct workload *w, unsigned observer, unsigned object, struct observation *out) {
    static const char *const texts[] = {"OK says the plugin", "WARNING says the plugin", "CRITICAL says the plugin",
                                        "UNKNOWN says the plugin"};
    const struct estate_object *o = &w->estate.list[object];
    enum lie lie = w->options->lie;
    if (!(o->watchers >> observer & 1))
        return false;
    int state = lie_says(lie, observer, object, !*o->service, w->truth[object], w->beat, &w->chance);
    bool old = lie_is_old(lie, observer, object);
    sim_counts(w->sim)->lie_bites[lie] += state != (int)w->truth[object] || old;
    if (state == SAYS_NOTHING)
        return false;
    *out = (struct observation){o->host,
                                o->service,
                                ++w->obs_seq,
                                (uint8_t)state,
                                texts[state],
                                "",
                                sim_wall(w->sim, MEMBER_NONE) - (old ? 86400000 : 0)};
    return true;
}

static void report(struct workload *w, unsigned observer, time_us now) {
    struct observation list[ESTATE_MAX];
    unsigned count = 0;
    for (unsigned i = 0; i < w->estate.count; i++)
        count += make_result(w, observer, i, &list[count]);
    struct request r = {.kind = OP_OBSERVE, .observe = {count, list}};
    if (count > 0)
        submit(w, observer, &r, now);
}

/* ---- an observer that misbehaves ---- */

static void rude_send(struct workload *w, struct request *r, member_id to) {
    struct buffer frame = {0};
    r->client = w->keys[LIAR];
    request_seal(&frame, r, &w->cluster->id, &w->secrets[LIAR]);
    checker_submitted(sim_checker(w->sim), buffer_bytes(&frame));
    sim_client_send(w->sim, UINT64_MAX, to, buffer_bytes(&frame));
    buffer_free(&frame);
    sim_counts(w->sim)->rude++;
}

static struct observation rude_result(struct workload *w, const char *output) {
    return (struct observation){
        w->estate.list[0].host,       w->estate.list[0].service, ++w->obs_seq, STATE_OK, output, "",
        sim_wall(w->sim, MEMBER_NONE)};
}

/* Everything that it ever said, to everybody, again. */
static void rude_again(struct workload *w) {
    for (unsigned i = 0; i < w->count; i++)
        for (member_id to = 0; w->list[i].client == LIAR && to < w->cluster->member_count; to++) {
            sim_client_send(w->sim, UINT64_MAX, to, buffer_bytes(&w->list[i].frame));
            sim_counts(w->sim)->rude++;
        }
}

static void rude_flood(struct workload *w) {
    for (unsigned i = 0; i < 20; i++) {
        struct observation o = rude_result(w, "more");
        struct request r = {.kind = OP_OBSERVE, .req_seq = ++w->req_seq[LIAR], .observe = {1, &o}};
        rude_send(w, &r, (member_id)prng_below(&w->chance, w->cluster->member_count));
    }
}

/* One number, two contents, each to some. */
static void rude_two_stories(struct workload *w) {
    struct observation a = rude_result(w, "one story"), b = a;
    uint64_t seq = ++w->req_seq[LIAR];
    b.output = "another story";
    b.obs_seq += prng_chance(&w->chance, 500);
    for (member_id to = 0; to < w->cluster->member_count; to++) {
        struct request r = {.kind = OP_OBSERVE, .req_seq = seq, .observe = {1, to % 2 ? &a : &b}};
        rude_send(w, &r, to);
    }
    w->obs_seq++;
}

static void rude_jumps(struct workload *w) {
    static const uint64_t steps[] = {0, 300, 1u << 20, (1u << 20) + 600, 1u << 30};
    struct observation o = rude_result(w, "far away");
    struct request r = {.kind = OP_OBSERVE, .observe = {1, &o}};
    r.req_seq = prng_chance(&w->chance, 300) ? 1 : w->req_seq[LIAR] + steps[prng_below(&w->chance, 5)];
    for (member_id to = 0; to < w->cluster->member_count; to++)
        rude_send(w, &r, to);
}

static void rude_strange(struct workload *w) {
    static const char *const perfdata[] = {"", "x=NaN;;;;", "load=1e999", "a=1;2;3;4;5 'b c'=-0.000000001ms"};
    static char longest[OUTPUT_MAX_LEN + 1];
    struct observation o = rude_result(w, longest);
    memset(longest, 'x', OUTPUT_MAX_LEN);
    o.perfdata = perfdata[prng_below(&w->chance, 4)];
    o.state = (uint8_t)prng_below(&w->chance, 7);
    o.observed_at += prng_chance(&w->chance, 500) ? 86400000 : -86400000;
    o.host = prng_chance(&w->chance, 300) ? "nowhere" : o.host;
    struct request r = {.kind = OP_OBSERVE, .req_seq = ++w->req_seq[LIAR], .observe = {1, &o}};
    for (member_id to = 0; to < w->cluster->member_count; to++)
        rude_send(w, &r, to);
}

static void be_rude(struct workload *w) {
    static void (*const ways[RUDE_KINDS])(struct workload *) = {rude_again, rude_flood, rude_two_stories, rude_jumps,
                                                                rude_strange};
    for (unsigned i = 0; i < RUDE_KINDS; i++)
        if (w->options->rude & (1u << i))
            ways[i](w);
}

/* Plain hosts stay up, and one service never fails. */
static void change_one(struct workload *w, unsigned i) {
    const struct estate_object *o = &w->estate.list[i];
    bool plain = i < SIM_SERVICES, toggles = w->options->lie == LIE_SLOW && i == 1;
    unsigned worst = *o->service ? STATE_CRITICAL : HOST_DOWN;
    if (!toggles && !prng_chance(&w->chance, plain ? 80 : w->truth[i] ? 400 : 250))
        return;
    unsigned other = !*o->service ? HOST_DOWN : plain || prng_chance(&w->chance, 700) ? STATE_WARNING : STATE_UNKNOWN;
    w->truth[i] = w->truth[i] ? STATE_OK : prng_chance(&w->chance, 700) ? worst : other;
    w->ever[i][w->truth[i]] = true;
    w->changes[i]++;
}

static void change_truth(struct workload *w, bool lively) {
    for (unsigned i = 0; i < w->estate.count; i++) {
        bool never = i == NEVER_FAILS || i == SIM_SERVICES || i == SIM_SERVICES + 1;
        if (!never && (lively || (i > SIM_SERVICES + 1 && w->options->seed % 2)))
            change_one(w, i);
    }
}

static void give_order(struct workload *w, time_us now) {
    struct request r = {.kind = OP_COMMAND};
    if (w->estate.count == w->estate.plain || w->waiting[OPERATOR] >= WAITING_MAX)
        return;
    order_draw(&w->estate, &w->orders, sim_wall(w->sim, MEMBER_NONE), &r.command);
    submit(w, OPERATOR, &r, now);
}

static void apply_when_due(struct workload *w, time_us now) {
    if (w->count == 0 || (w->count == 1 && !w->list[0].gather)) {
        apply_objects(w, now);
        w->applying = true;
    }
}

void workload_beat(struct workload *w, time_us now, enum workload_mood mood) {
    for (unsigned i = 0; i < w->count; i++)
        if (w->list[i].gather)
            send_to_all(w, i);
    apply_when_due(w, now);
    if (!workload_applied(w) || mood == MOOD_IDLE)
        return;
    w->beat++;
    change_truth(w, mood == MOOD_LIVELY);
    for (unsigned i = 0; w->options->orders && mood != MOOD_LONE && i < ORDERS_A_BEAT; i++)
        if (prng_chance(&w->orders, 700))
            give_order(w, now);
    if (mood == MOOD_LIVELY)
        be_rude(w);
    for (unsigned i = 0; i < (mood == MOOD_LONE ? 1 : w->estate.observers); i++)
        if (w->waiting[i] < WAITING_MAX)
            report(w, i, now);
}

unsigned workload_waiting(const struct workload *w, time_us now, time_us age) {
    unsigned count = 0;
    for (unsigned i = 0; i < w->count; i++)
        count += w->list[i].gather && now - w->list[i].since > age && !(w->options->rude && w->list[i].client == LIAR);
    return count;
}

/* ---- answers ---- */

static void acknowledge(struct workload *w, struct outstanding *o, const struct output *proven) {
    struct arena arena = {0};
    struct reply reply;
    bool rude = w->options->rude && o->client == LIAR;
    if (reply_decode(&reply, proven->leaf, &arena) != ERR_OK || !digest_equal(&reply.request, &o->request->digest))
        sim_fail(w->sim, "a proven output that is not the reply");
    else if (reply.result != ERR_OK && !rude && o->request->kind != OP_COMMAND) /* the model knows better */
        sim_fail(w->sim, "request refused: %s: %.*s", error_name(reply.result), (int)reply.value.len,
                 (const char *)reply.value.data);
    checker_acknowledged(sim_checker(w->sim), o->request, proven, o->floor);
    if (sim_naive_log(w->sim))
        naive_log_reply(sim_naive_log(w->sim), &o->request->digest, proven->leaf);
    arena_free(&arena);
    gather_free(o->gather);
    o->gather = NULL;
    w->waiting[o->client]--;
    w->acknowledged++;
}

void workload_answer(struct workload *w, uint64_t handle, member_id from, struct bytes frame) {
    struct outstanding *o = &w->list[handle];
    struct frame f;
    struct msg m;
    struct arena arena = {0};
    if (sim_beyond(w->sim))
        return;
    if (handle < w->count && o->gather && frame_open(&f, frame) == ERR_OK && f.type == FRAME_OUTPUTS &&
        codec_decode(&m, &f, &arena) == ERR_OK && m.outputs.count == 1) {
        member_id culprit;
        if (gather_add(o->gather, from, &m.outputs.list[0], &culprit) != ERR_OK &&
            !set_has(sim_untrusted(w->sim), from))
            sim_fail(w->sim, "node %u answered with what does not prove", from);
        const struct output *proven = gather_proven(o->gather);
        if (proven)
            acknowledge(w, o, proven);
    }
    arena_free(&arena);
}

/* ---- somebody without a key ---- */

void workload_forge(struct workload *w, struct buffer *out, struct prng *chance) {
    const struct estate_object *never = &w->estate.list[NEVER_FAILS];
    struct observation lie = {never->host,
                              never->service,
                              ++w->obs_seq + 1000,
                              STATE_CRITICAL,
                              "CRITICAL says nobody",
                              "",
                              sim_wall(w->sim, MEMBER_NONE)};
    unsigned victim = (unsigned)prng_below(chance, w->estate.observers);
    struct request r = {.kind = OP_OBSERVE, .observe = {1, &lie}};
    r.client = w->keys[victim];
    r.req_seq = w->req_seq[victim] + 40 + prng_below(chance, 40);
    struct secret_key wrong = {.b = {7, 7, 7}};
    request_seal(out, &r, &w->cluster->id, &wrong);
}
