/* The client against scripted replicas: what F = f+1 of them sign is believed, one that lies, withholds or answers
   nonsense changes nothing. The network is replaced here: an answer is there as soon as the question was asked. */
#include "base/clock.h"
#include "client/client.h"
#include "client/net.h"
#include "tests/unit/proofs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
// clang-format off: it needs what stands above
#include <cmocka.h>
// clang-format on

/* --- the stand-in for client/net.c --- */

typedef bool answer_fn(member_id self, struct bytes question, struct buffer *answer); /* false: silent */
static answer_fn *script[SAMPLE_MEMBERS];
static unsigned asked[SAMPLE_MEMBERS];

struct client_net {
    int unused;
};
struct client_poll {
    bool open[SAMPLE_MEMBERS], ready[SAMPLE_MEMBERS];
    struct buffer answers[SAMPLE_MEMBERS];
};

enum error client_net_open(struct client_net **out, const struct cluster *cluster, struct buffer *why) {
    (void)cluster;
    (void)why;
    *out = xcalloc(1, sizeof **out);
    return ERR_OK;
}

void client_net_close(struct client_net *n) {
    free(n);
}

struct client_poll *client_poll_new(struct client_net *n) {
    (void)n;
    return xcalloc(1, sizeof(struct client_poll));
}

void client_poll_free(struct client_poll *p) {
    for (unsigned i = 0; i < SAMPLE_MEMBERS; i++) {
        buffer_free(&p->answers[i]);
    }
    free(p);
}

void client_poll_ask(struct client_poll *p, member_id to, struct bytes frame, mono_ms resend) {
    (void)resend;
    asked[to]++;
    buffer_clear(&p->answers[to]);
    p->open[to] = true;
    p->ready[to] = script[to](to, frame, &p->answers[to]);
}

bool client_poll_asking(const struct client_poll *p, member_id to) {
    return p->open[to];
}

bool client_poll_next(struct client_poll *p, mono_ms until, member_id *from, struct buffer *answer) {
    for (member_id i = 0; i < SAMPLE_MEMBERS; i++) {
        if (p->ready[i]) {
            p->ready[i] = p->open[i] = false;
            *from = i;
            buffer_clear(answer);
            buffer_put(answer, p->answers[i].data, p->answers[i].len);
            return true;
        }
    }
    mono_ms left = until - clock_mono();
    clock_sleep(left > 0 ? left : 0);
    return false;
}

/* --- what replicas answer --- */

static bool silent(member_id self, struct bytes question, struct buffer *answer) {
    (void)self;
    (void)question;
    (void)answer;
    return false;
}

static bool nonsense(member_id self, struct bytes question, struct buffer *answer) {
    (void)self;
    buffer_put(answer, question.data, question.len);
    return true;
}

static void send_outputs(member_id self, struct buffer *answer, uint64_t alerts, const struct output *list,
                         unsigned count) {
    struct msg m = {.type = FRAME_OUTPUTS, .sender = self, .outputs = {alerts, count, list}};
    sample_seal(answer, &m);
}

static void reply_leaf(struct buffer *leaf, struct bytes question, enum error result) {
    struct reply r = {.client = sample_client().pk,
                      .req_seq = 7,
                      .request = crypto_digest(DIGEST_REQUEST, question),
                      .result = result,
                      .accepted = 3};
    reply_encode(leaf, &r);
}

static bool reply_with(member_id self, struct bytes question, struct buffer *answer, enum error result,
                       member_set signers) {
    struct buffer leaf = {0};
    reply_leaf(&leaf, question, result);
    struct output o = proof_output(buffer_bytes(&leaf), 1841, 1, 0, signers);
    send_outputs(self, answer, 0, &o, 1);
    buffer_free(&leaf);
    return true;
}

static bool honest_reply(member_id self, struct bytes question, struct buffer *answer) {
    return reply_with(self, question, answer, ERR_OK, set_of(self));
}

static bool false_reply(member_id self, struct bytes question, struct buffer *answer) {
    return reply_with(self, question, answer, ERR_FORBIDDEN, set_of(self));
}

static bool reply_to_another(member_id self, struct bytes question, struct buffer *answer) {
    (void)question;
    return reply_with(self, bytes_of_text("another request"), answer, ERR_OK, set_of(self));
}

static bool refuse(member_id self, struct bytes question, struct buffer *answer, enum error reason) {
    struct msg m = {
        .type = FRAME_REFUSAL, .sender = self, .refusal = {crypto_digest(DIGEST_REQUEST, question), reason}};
    sample_seal(answer, &m);
    return true;
}

static bool refuse_unknown(member_id self, struct bytes question, struct buffer *answer) {
    return refuse(self, question, answer, ERR_UNKNOWN_KEY);
}

static bool refuse_as_another(member_id self, struct bytes question, struct buffer *answer) {
    return refuse((member_id)((self + 1) % SAMPLE_MEMBERS), question, answer, ERR_UNKNOWN_KEY);
}

static bool busy_once(member_id self, struct bytes question, struct buffer *answer) {
    return asked[self] == 1 ? refuse(self, question, answer, ERR_BUSY) : honest_reply(self, question, answer);
}

static bool always_busy(member_id self, struct bytes question, struct buffer *answer) {
    return refuse(self, question, answer, ERR_BUSY);
}

/* --- requests --- */

static struct cluster *cluster;
static struct client *client;

static int setup(void **state) {
    (void)state;
    struct buffer why = {0};
    cluster = xcalloc(1, sizeof *cluster);
    cluster->id = sample_cluster();
    cluster->member_count = SAMPLE_MEMBERS;
    for (member_id i = 0; i < SAMPLE_MEMBERS; i++) {
        cluster->members[i].key = sample_member(i).pk;
    }
    memset(asked, 0, sizeof asked);
    return client_open(&client, cluster, &why) != ERR_OK;
}

static int teardown(void **state) {
    (void)state;
    client_close(client);
    cluster_free(cluster);
    return 0;
}

static void replicas(answer_fn *a, answer_fn *b, answer_fn *c, answer_fn *d) {
    script[0] = a;
    script[1] = b;
    script[2] = c;
    script[3] = d;
}

static enum error request(struct client_reply *reply, mono_ms timeout) {
    struct buffer frame = {0};
    sample_observe(&frame);
    enum error e = client_request(client, buffer_bytes(&frame), timeout, reply);
    buffer_free(&frame);
    return e;
}

static void two_equal_replies_are_enough(void **state) {
    (void)state;
    struct client_reply r;
    replicas(silent, honest_reply, nonsense, honest_reply);
    assert_int_equal(request(&r, 10000), ERR_OK);
    assert_int_equal(r.n, 1841);
    assert_int_equal(r.reply.accepted, 3);
    assert_int_equal(r.contradicted, 0);
    client_reply_free(&r);
}

static void one_lying_replica_is_outvoted_and_named(void **state) {
    (void)state;
    struct client_reply r;
    replicas(false_reply, honest_reply, honest_reply, silent);
    assert_int_equal(request(&r, 10000), ERR_OK);
    assert_int_equal(r.reply.result, ERR_OK);
    assert_int_equal(r.contradicted, set_of(0));
    client_reply_free(&r);
}

static void one_replica_alone_proves_nothing(void **state) {
    (void)state;
    struct client_reply r;
    replicas(silent, honest_reply, silent, false_reply);
    assert_int_equal(request(&r, 30), ERR_NO_QUORUM);
}

static void a_refusal_needs_two_signatures_of_its_senders(void **state) {
    (void)state;
    struct client_reply r;
    replicas(refuse_unknown, refuse_unknown, silent, silent);
    assert_int_equal(request(&r, 10000), ERR_UNKNOWN_KEY);
    replicas(refuse_unknown, refuse_as_another, refuse_as_another, nonsense);
    assert_int_equal(request(&r, 30), ERR_NO_QUORUM);
}

static void busy_replicas_are_asked_again(void **state) {
    (void)state;
    struct client_reply r;
    replicas(busy_once, busy_once, busy_once, busy_once);
    assert_int_equal(request(&r, 30000), ERR_OK);
    client_reply_free(&r);
    replicas(always_busy, always_busy, always_busy, always_busy);
    assert_int_equal(request(&r, 30), ERR_NO_QUORUM);
}

static void a_number_used_for_another_request_is_a_conflict(void **state) {
    (void)state;
    struct client_reply r;
    replicas(reply_to_another, silent, reply_to_another, silent);
    assert_int_equal(request(&r, 10000), ERR_CONFLICT);
}

static void nonsense_is_not_asked_for_in_a_loop(void **state) {
    (void)state;
    struct client_reply r;
    replicas(nonsense, nonsense, nonsense, nonsense);
    assert_int_equal(request(&r, 100), ERR_NO_QUORUM);
    assert_in_range(asked[0], 1, 2);
}

/* --- alerts --- */

enum { EXIST = 70 };
static uint64_t gone[SAMPLE_MEMBERS]; /* alerts up to it are beyond what that member retains */

static uint64_t question_after(struct bytes question, uint32_t *max) {
    struct frame f;
    struct msg m;
    struct arena arena = {0};
    assert_int_equal(frame_open(&f, question), ERR_OK);
    assert_int_equal(codec_decode(&m, &f, &arena), ERR_OK);
    arena_free(&arena);
    *max = m.fetch_alerts.max;
    return m.fetch_alerts.after;
}

/* Alerts first..last as `self` tells them; claim is the highest number that it says it has. */
static bool tell(member_id self, struct bytes question, struct buffer *answer, uint64_t last, uint64_t claim,
                 const char *text, member_set signers) {
    uint32_t max;
    uint64_t after = question_after(question, &max);
    after = after < gone[self] ? gone[self] : after;
    struct buffer leaves[64] = {{0}};
    struct output list[64];
    unsigned count = 0;
    while (count < max && count < 64 && after + count < last) {
        proof_alert(&leaves[count], after + count + 1, text);
        list[count] = proof_output(buffer_bytes(&leaves[count]), after + count + 11, 1, 0, signers);
        count++;
    }
    send_outputs(self, answer, claim, list, count);
    for (unsigned i = 0; i < count; i++) {
        buffer_free(&leaves[i]);
    }
    return true;
}

static bool honest_alerts(member_id self, struct bytes question, struct buffer *answer) {
    return tell(self, question, answer, EXIST, EXIST, "refused", set_of(self));
}

static bool laggard_alerts(member_id self, struct bytes question, struct buffer *answer) {
    return tell(self, question, answer, 2, 2, "refused", set_of(self));
}

static bool withheld_alerts(member_id self, struct bytes question, struct buffer *answer) {
    return tell(self, question, answer, 0, 0, "refused", set_of(self));
}

static bool boastful_alerts(member_id self, struct bytes question, struct buffer *answer) {
    return tell(self, question, answer, EXIST, UINT64_MAX, "refused", set_of(self));
}

static bool invented_alerts(member_id self, struct bytes question, struct buffer *answer) {
    return tell(self, question, answer, UINT64_MAX, UINT64_MAX, "all is lost", set_of(self));
}

static bool no_alerts(member_id self, struct bytes question, struct buffer *answer) {
    return tell(self, question, answer, 0, 0, "", 0);
}

/* Others' receipts, one of them forged. */
static bool forged_alerts(member_id self, struct bytes question, struct buffer *answer) {
    struct buffer leaf = {0};
    uint32_t max;
    uint64_t after = question_after(question, &max);
    proof_alert(&leaf, after + 1, "refused");
    struct output o = proof_output(buffer_bytes(&leaf), after + 11, 1, 0, 0x3);
    o.cert.receipts[0].sig.b[0] ^= 1;
    send_outputs(self, answer, EXIST, &o, 1);
    buffer_free(&leaf);
    return true;
}

struct heard {
    uint64_t last, stop_at, first; /* first: the lowest number that is there, 0: all are */
    member_set complained;
};

static bool hear(void *context, const struct client_alert *a) {
    struct heard *h = context;
    struct verifier v = sample_verifier();
    h->last = h->last + 1 < h->first ? h->first - 1 : h->last;
    assert_int_equal(a->alert.number, h->last + 1);
    assert_string_equal(a->alert.output, "refused");
    assert_int_equal(a->certificate.receipts_len, 2);
    assert_int_equal(certificate_verify(&v, &a->certificate, a->leaf, NULL), ERR_OK);
    h->last++;
    return h->last != h->stop_at;
}

static void complain(void *context, member_id replica, const char *what) {
    struct heard *h = context;
    assert_true(strlen(what) > 0);
    h->complained |= set_of(replica);
}

static enum error listen(struct heard *h, uint64_t after, mono_ms wait) {
    *h = (struct heard){.last = after, .stop_at = h->stop_at, .first = h->first};
    return client_alerts(client, after, wait, hear, complain, h);
}

static void every_alert_is_visited_in_order_without_gaps(void **state) {
    (void)state;
    struct heard h = {0};
    replicas(honest_alerts, honest_alerts, honest_alerts, honest_alerts);
    assert_int_equal(listen(&h, 0, 0), ERR_OK);
    assert_int_equal(h.last, EXIST);
    assert_int_equal(listen(&h, 60, 0), ERR_OK);
    assert_int_equal(h.last, EXIST);
    assert_int_equal(h.complained, 0);
}

static void nothing_new_is_no_error(void **state) {
    (void)state;
    struct heard h = {0};
    replicas(no_alerts, no_alerts, no_alerts, silent);
    assert_int_equal(listen(&h, 0, 0), ERR_OK);
    assert_int_equal(h.last, 0);
}

static void a_liar_about_the_count_does_not_hold_up_the_stream(void **state) {
    (void)state;
    static answer_fn *const liars[] = {boastful_alerts, withheld_alerts, laggard_alerts, silent, nonsense};
    for (unsigned i = 0; i < sizeof liars / sizeof liars[0]; i++) {
        struct heard h = {0};
        replicas(liars[i], honest_alerts, honest_alerts, honest_alerts);
        assert_int_equal(listen(&h, 0, 0), ERR_OK);
        assert_int_equal(h.last, EXIST);
    }
}

static void invented_alerts_are_ignored_and_their_sender_is_named(void **state) {
    (void)state;
    struct heard h = {0};
    replicas(honest_alerts, invented_alerts, honest_alerts, honest_alerts);
    assert_int_equal(listen(&h, 0, 0), ERR_OK);
    assert_int_equal(h.last, EXIST);
    assert_int_equal(h.complained, set_of(1));
}

static void invented_alerts_beyond_the_end_keep_nobody_busy(void **state) {
    (void)state;
    struct heard h = {0};
    replicas(no_alerts, invented_alerts, no_alerts, no_alerts);
    assert_int_equal(listen(&h, 0, 100), ERR_OK);
    assert_int_equal(h.last, 0);
    assert_in_range(asked[1], 1, 8);
}

static void forged_receipts_name_who_passed_them_on(void **state) {
    (void)state;
    struct heard h = {0};
    replicas(forged_alerts, honest_alerts, honest_alerts, honest_alerts);
    assert_int_equal(listen(&h, 0, 0), ERR_OK);
    assert_int_equal(h.last, EXIST);
    assert_int_equal(h.complained, set_of(0));
}

static void a_visitor_may_stop(void **state) {
    (void)state;
    struct heard h = {.stop_at = 5};
    replicas(honest_alerts, honest_alerts, honest_alerts, honest_alerts);
    assert_int_equal(listen(&h, 0, 0), ERR_OK);
    assert_int_equal(h.last, 5);
}

static void what_no_replica_retains_is_passed_over(void **state) {
    (void)state;
    struct heard h = {.first = 41};
    replicas(honest_alerts, honest_alerts, honest_alerts, withheld_alerts);
    memcpy(gone, (uint64_t[]){40, 40, 40, 0}, sizeof gone);
    assert_int_equal(listen(&h, 0, 0), ERR_OK);
    assert_int_equal(h.last, EXIST);
    replicas(honest_alerts, honest_alerts, honest_alerts, honest_alerts);
    memcpy(gone, (uint64_t[]){40, 0, 50, 0}, sizeof gone); /* two that forgot hide nothing */
    h.first = 0;
    assert_int_equal(listen(&h, 0, 0), ERR_OK);
    assert_int_equal(h.last, EXIST);
    memset(gone, 0, sizeof gone);
}

static void one_reachable_replica_is_no_quorum(void **state) {
    (void)state;
    struct heard h = {0};
    replicas(honest_alerts, silent, silent, silent);
    assert_int_equal(listen(&h, 0, 0), ERR_NO_QUORUM);
    assert_int_equal(h.last, 0);
}

/* --- status --- */

static bool honest_status(member_id self, struct bytes question, struct buffer *answer) {
    (void)question;
    struct msg m = {.type = FRAME_STATUS, .sender = self, .status = {.phase = PHASE_ACTIVE, .executed = 100u + self}};
    memcpy(m.status.version, "1", 2);
    sample_seal(answer, &m);
    return true;
}

static bool status_of_another(member_id self, struct bytes question, struct buffer *answer) {
    return honest_status((member_id)((self + 1) % SAMPLE_MEMBERS), question, answer);
}

static void a_status_counts_only_from_its_signer(void **state) {
    (void)state;
    struct msg_status status[MEMBERS_MAX];
    bool reachable[MEMBERS_MAX];
    replicas(honest_status, status_of_another, nonsense, honest_status);
    assert_int_equal(client_status(client, 10000, status, reachable), ERR_OK);
    assert_true(reachable[0] && !reachable[1] && !reachable[2] && reachable[3]);
    assert_int_equal(status[3].executed, 103);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void) {
    crypto_start();
    const struct CMUnitTest tests[] = {
        TEST(two_equal_replies_are_enough),
        TEST(one_lying_replica_is_outvoted_and_named),
        TEST(one_replica_alone_proves_nothing),
        TEST(a_refusal_needs_two_signatures_of_its_senders),
        TEST(busy_replicas_are_asked_again),
        TEST(a_number_used_for_another_request_is_a_conflict),
        TEST(nonsense_is_not_asked_for_in_a_loop),
        TEST(every_alert_is_visited_in_order_without_gaps),
        TEST(nothing_new_is_no_error),
        TEST(a_liar_about_the_count_does_not_hold_up_the_stream),
        TEST(invented_alerts_are_ignored_and_their_sender_is_named),
        TEST(invented_alerts_beyond_the_end_keep_nobody_busy),
        TEST(forged_receipts_name_who_passed_them_on),
        TEST(a_visitor_may_stop),
        TEST(what_no_replica_retains_is_passed_over),
        TEST(one_reachable_replica_is_no_quorum),
        TEST(a_status_counts_only_from_its_signer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
