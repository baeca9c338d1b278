/* Plays of the rows H: clients that ask for more than their share, twice, or without a signature. Their results are
   about lone/beat, for which observer c alone speaks, so that no vote of another object is touched. */
#include "base/clock.h"
#include "client/drill/moves.h"
#include "client/drill/plays.h"
#include "client/drill/puppet.h"
#include "client/drill/watch.h"

enum { RESENT = 32, IN_FLIGHT = 40, JUMP = 300 };

static struct observation beat(struct puppet *p, const char *output) {
    return puppet_result(p, "lone", "beat", STATE_OK, output);
}

/* Work goes on and alerts are told while the client does its worst. */
static void goes_on(struct scene *s) {
    moves_outage(s);
    moves_flow(s);
    moves_mended(s);
    moves_flow(s);
}

/* ---- DR-H1 ---- */

struct resent {
    struct buffer frames[RESENT];
};

static void resend(struct puppet *p, void *context, uint64_t turn) {
    const struct resent *r = context;
    puppet_say_all(p, buffer_bytes(&r->frames[turn % RESENT]));
}

static seq_no place_of(struct scene *s, struct puppet *p, struct bytes frame) {
    struct client_reply reply;
    seq_no n = 0;
    if (puppet_ask(p, frame, &reply) == ERR_OK) {
        n = reply.n;
        client_reply_free(&reply);
    } else {
        scene_broken(s, PROMISE_LIVENESS, "a request that was executed is not answered");
    }
    return n;
}

void play_endless_resend(struct scene *s) {
    struct puppet *p = puppet_new(s, "c");
    struct resent r = {0};
    seq_no places[RESENT];
    if (!p)
        return;
    for (unsigned i = 0; i < RESENT; i++) {
        struct observation o = beat(p, "once");
        puppet_seal(p, &r.frames[i], puppet_draw(p, 1), &o, 1);
        places[i] = place_of(s, p, buffer_bytes(&r.frames[i]));
    }
    scene_injected(s, "observer c sends the same requests again and again, to all");
    puppet_begin(p, resend, &r, 300);
    goes_on(s);
    puppet_rest(p);
    scene_bit(s, puppet_sent(p), "requests sent again");
    for (unsigned i = 0; i < RESENT; i++) {
        seq_no again = place_of(s, p, buffer_bytes(&r.frames[i]));
        if (again != places[i])
            scene_broken(s, PROMISE_VALIDITY, "a request that took effect at %llu is now answered from %llu",
                         (unsigned long long)places[i], (unsigned long long)again);
        buffer_free(&r.frames[i]);
    }
    puppet_free(p);
    scene_healed(s, "it is quiet again");
}

/* ---- DR-H2 ---- */

static void flood(struct puppet *p, void *context, uint64_t turn) {
    struct buffer frame = {0};
    struct observation o = beat(p, "more");
    (void)context;
    (void)turn;
    puppet_seal(p, &frame, puppet_draw(p, 1), &o, 1);
    puppet_say_all(p, buffer_bytes(&frame));
    buffer_free(&frame);
}

static bool was_told_busy(struct scene *s, int64_t argument) {
    (void)s;
    return puppet_refused((const struct puppet *)(intptr_t)argument, ERR_BUSY) > 0;
}

void play_flooding_agent(struct scene *s) {
    struct puppet *p = puppet_new(s, "c");
    if (!p)
        return;
    scene_injected(s, "observer c asks for 500 requests a second");
    puppet_begin(p, flood, NULL, 500);
    if (scene_must(s, PROMISE_LIVENESS, MOVES_PATIENCE_S, was_told_busy, (int64_t)(intptr_t)p,
                   "who asks for more than its quota is told to wait"))
        scene_detected(s, "the replicas answer it busy");
    goes_on(s);
    puppet_rest(p);
    scene_bit(s, puppet_sent(p), "requests sent");
    puppet_free(p);
    scene_healed(s, "it is quiet again");
}

/* ---- DR-H3 ---- */

static void sign_badly(struct puppet *p, void *context, uint64_t turn) {
    struct buffer frame = {0};
    struct observation o = beat(p, "unsigned");
    (void)context;
    puppet_seal(p, &frame, 1000000 + turn, &o, 1);
    frame.data[frame.len - 1 - turn % SIGNATURE_LEN] ^= 1;
    puppet_say_all(p, buffer_bytes(&frame));
    buffer_free(&frame);
}

void play_unsigned_flood(struct scene *s) {
    struct puppet *p = puppet_new(s, "c");
    if (!p)
        return;
    scene_injected(s, "somebody sends 500 requests a second that nobody signed");
    puppet_begin(p, sign_badly, NULL, 500);
    moves_told_in_logs(s, PROMISE_LIVENESS, "client-muted reason=bad-signature", "its connection is muted");
    goes_on(s);
    puppet_rest(p);
    scene_bit(s, puppet_sent(p), "requests with a wrong signature");
    if (watch_rounds(s, &(struct watched){.host = "lone", .service = "beat", .observer = "c"}) > 0 ||
        watch_says(s, watched(&(struct watched){.host = "lone", .service = "beat", .observer = "c", .text = "OK"})))
        scene_broken(s, PROMISE_VALIDITY, "a result without a valid signature became a vote");
    puppet_free(p);
    scene_healed(s, "it is quiet again");
}

/* ---- DR-H4 ---- */

struct pair {
    struct buffer one, two;
};

static void seal_pair(struct puppet *p, struct pair *pair) {
    uint64_t number = puppet_draw(p, 1);
    struct observation first = beat(p, "one"), second = beat(p, "two");
    puppet_seal(p, &pair->one, number, &first, 1);
    puppet_seal(p, &pair->two, number, &second, 1);
}

/* Each half hears another of the two first. */
static void tell_halves(struct scene *s, struct puppet *p, const struct pair *pair) {
    member_set all = set_all(scene_members(s)), low = set_all(scene_members(s) / 2), high = all & (member_set)~low;
    puppet_say(p, low, buffer_bytes(&pair->one));
    puppet_say(p, high, buffer_bytes(&pair->two));
    puppet_say(p, high, buffer_bytes(&pair->one));
    puppet_say(p, low, buffer_bytes(&pair->two));
}

static bool took_effect(struct puppet *p, const struct buffer *frame) {
    struct client_reply reply;
    enum error e = puppet_ask(p, buffer_bytes(frame), &reply);
    if (e == ERR_OK)
        client_reply_free(&reply);
    return e == ERR_OK;
}

struct two_contents {
    struct puppet *puppet;
    struct pair pair;
    unsigned told;
};

/* Replicas compare one pair of a client in a second, so it is told until one was. */
static bool contradicts_itself(struct scene *s, int64_t argument) {
    struct two_contents *c = (struct two_contents *)(intptr_t)argument;
    const struct watched proven = {.text = "observer c", .kind = EV_CLIENT_EQUIV};
    seal_pair(c->puppet, &c->pair);
    tell_halves(s, c->puppet, &c->pair);
    c->told++;
    return watch_evidence(s, watched(&proven));
}

void play_two_contents(struct scene *s) {
    struct two_contents c = {.puppet = puppet_new(s, "c")};
    if (!c.puppet)
        return;
    scene_injected(s,
                   "observer c signs two requests under one number, and each half of the replicas hears another first");
    moves_outage(s);
    if (scene_must(s, PROMISE_ACCOUNTABILITY, MOVES_PATIENCE_S, contradicts_itself, (int64_t)(intptr_t)&c,
                   "the client is named in the log"))
        scene_detected(s, "EV13 against observer c");
    scene_bit(s, c.told, "numbers used twice");
    scene_accused(s, "observer c");
    unsigned effects = took_effect(c.puppet, &c.pair.one) + took_effect(c.puppet, &c.pair.two);
    if (effects != 1)
        scene_broken(s, PROMISE_VALIDITY, "of two requests under one number %u took effect", effects);
    if (!watch_counted(s, watched(&(struct watched){.host = "lone", .service = "beat", .observer = "c"})))
        scene_broken(s, PROMISE_ACCOUNTABILITY, "an observer is set aside for a client's fault");
    moves_flow(s);
    moves_mended(s);
    puppet_free(c.puppet);
    buffer_free(&c.pair.one);
    buffer_free(&c.pair.two);
    scene_healed(s, "it uses its numbers once");
}

/* ---- DR-H6 ---- */

static void must_refuse(struct scene *s, struct puppet *p, uint64_t number, enum error reason) {
    struct buffer frame = {0};
    struct client_reply reply;
    struct observation o = beat(p, "out of its row");
    puppet_seal(p, &frame, number, &o, 1);
    enum error e = puppet_ask(p, buffer_bytes(&frame), &reply);
    if (e != reason)
        scene_broken(s, PROMISE_VALIDITY, "request %llu is answered %s, not %s", (unsigned long long)number,
                     error_name(e), error_name(reason));
    else
        scene_detected(s, error_name(reason));
    if (e == ERR_OK)
        client_reply_free(&reply);
    buffer_free(&frame);
}

void play_number_jumps(struct scene *s) {
    struct puppet *p = puppet_new(s, "c");
    struct buffer frame = {0};
    if (!p)
        return;
    scene_injected(s, "observer c jumps with its request numbers, ahead and back");
    moves_outage(s);
    uint64_t first = puppet_draw(p, JUMP), last = first + JUMP - 1;
    struct observation o = beat(p, "after a jump");
    puppet_seal(p, &frame, last, &o, 1);
    if (!took_effect(p, &frame))
        scene_broken(s, PROMISE_LIVENESS, "a request within reach of the window is not executed");
    must_refuse(s, p, first, ERR_OLD);
    must_refuse(s, p, last + (2u << 20), ERR_AHEAD);
    must_refuse(s, p, (uint64_t)1 << 60, ERR_AHEAD);
    scene_bit(s, 3, "numbers outside the window");
    o = beat(p, "in its row");
    if (puppet_submit(p, &o) != ERR_OK)
        scene_broken(s, PROMISE_LIVENESS, "the client that jumped is not heard any more");
    moves_flow(s);
    moves_mended(s);
    buffer_free(&frame);
    puppet_free(p);
    scene_healed(s, "it counts by ones again");
}

/* ---- DR-H7 ---- */

static void say_one(struct puppet *p, const struct observation *o) {
    struct buffer frame = {0};
    puppet_seal(p, &frame, puppet_draw(p, 1), o, 1);
    puppet_say_all(p, buffer_bytes(&frame));
    buffer_free(&frame);
}

static void say_many(struct puppet *p) {
    for (unsigned i = 0; i < IN_FLIGHT; i++) {
        struct observation o = beat(p, "in flight");
        say_one(p, &o);
    }
}

void play_convicted_in_flight(struct scene *s) {
    const struct watched proven = {.text = "observer c", .kind = EV_OBS_EQUIV};
    const struct watched announced = {.text = "observer c convicted"};
    struct puppet *p = puppet_new(s, "c");
    if (!p)
        return;
    moves_outage(s);
    scene_accused(s, "observer c");
    scene_expect(s, ALERT_PROBLEM, "lone", "beat"); /* its only observer is believed no more */
    scene_injected(s, "observer c signs two stories in the middle of eighty requests");
    say_many(p);
    struct observation one = beat(p, "one story"), other = one;
    other.output = "another story";
    say_one(p, &one);
    say_one(p, &other);
    say_many(p);
    scene_bit(s, 2, "results under one number");
    scene_must(s, PROMISE_ACCOUNTABILITY, MOVES_PATIENCE_S, watch_evidence, watched(&proven),
               "the observer is named in the log");
    if (scene_must(s, PROMISE_ACCOUNTABILITY, MOVES_PATIENCE_S, watch_announced, watched(&announced),
                   "an alert names it"))
        scene_detected(s, "EV12 against observer c");
    struct observation late = beat(p, "too late");
    enum error e = puppet_submit(p, &late);
    if (e != ERR_CONVICTED)
        scene_broken(s, PROMISE_AUTHORITY, "a result of a convicted key is answered %s", error_name(e));
    moves_flow(s);
    moves_mended(s);
    puppet_free(p);
    scene_healed(s, "its requests are executed and count for nothing");
}

/* ---- DR-H9 ---- */

void play_deaf_ingress(struct scene *s) {
    const member_id who = 3;
    view_no view = moves_view(s);
    scene_lies(s, who);
    moves_outage(s);
    moves_flow(s);
    moves_mended(s);
    scene_stays(s, PROMISE_LIVENESS, 1, scene_view_is, (int64_t)view, "a good primary is not replaced");
    scene_honest(s, who);
    moves_keeps_up(s, PROMISE_RECOVERY, who);
    scene_healed(s, "it hears all clients");
}
