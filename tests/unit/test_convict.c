/* Evidence in the log (R10): what counts, how often, what it costs an accuser, and what it does to the convicted. */
#include "tests/unit/founded.h"

enum { ADMIN = 50 };

static int found(void **state) {
    (void)state;
    founded(4);
    cluster.operator_count = 1;
    cluster.operators[0] =
        (struct cluster_operator){.name = "admin", .key = keys_of(ADMIN).pk, .roles = OPERATOR_ADMIN};
    cluster_set_id(&cluster);
    return 0;
}

struct story {
    struct machine m;
    struct executed out;
    seq_no n;
    uint64_t req_seq[4];
    char alert[256]; /* the last one's text */
    uint64_t alerts;
};

static void begin(struct story *s) {
    memset(s, 0, sizeof *s);
    machine_open(&s->m, &cluster);
}

static void end(struct story *s) {
    machine_close(&s->m);
    executed_free(&s->out);
}

static void see_alert(void *self, const struct alert *a) {
    struct story *s = self;
    snprintf(s->alert, sizeof s->alert, "%s", a->output);
    s->alerts++;
}

static void execute(struct story *s, struct request *r) {
    struct digest d = {{1}};
    struct monitor_sink sink = {.self = s, .alert = see_alert};
    s->n++;
    machine_execute(&s->m, s->n, &d, r ? BATCH_NORMAL : BATCH_NULL, (const struct request *const *)&r, r ? 1 : 0,
                    &s->out, &sink);
    request_free(r);
    ledger_check(s->m.ledger);
}

static void asks(struct story *s, member_id who, struct request r) {
    struct keys k = keys_of((uint8_t)(1 + who));
    struct buffer frame = {0};
    struct request *out = NULL;
    r.client = k.pk;
    r.req_seq = ++s->req_seq[who];
    request_seal(&frame, &r, &cluster.id, &k.sk);
    assert_int_equal(request_new(&out, buffer_bytes(&frame)), ERR_OK);
    buffer_free(&frame);
    execute(s, out);
}

static void rest(struct story *s, unsigned batches) {
    while (batches--)
        execute(s, NULL);
}

/* culprit signed two votes of that type for n; accuser shows them. */
static void accuse(struct story *s, member_id accuser, enum evidence_kind kind, enum frame_type type, member_id culprit,
                   seq_no n, uint8_t second) {
    struct buffer a = {0}, b = {0};
    vote(&a, type, culprit, n, 1);
    vote(&b, type, culprit, n, second);
    struct request r = {.kind = OP_EVIDENCE, .evidence = {.kind = kind, .count = 2}};
    r.evidence.frames[0] = buffer_bytes(&a);
    r.evidence.frames[1] = buffer_bytes(&b);
    asks(s, accuser, r);
    buffer_free(&a);
    buffer_free(&b);
}

static uint64_t counted(const struct story *s, member_id culprit, enum evidence_kind kind) {
    const struct evidence_record *p;
    for (uint32_t i = 0; (p = ledger_proof_at(s->m.ledger, i)); i++)
        if (p->kind == kind && public_key_equal(&p->culprit, &cluster.members[culprit].key))
            return p->count;
    return 0;
}

static void evidence_convicts_a_member_for_all(void **state) {
    (void)state;
    struct story s;
    begin(&s);
    accuse(&s, 1, EV_EQUIV_COMMIT, FRAME_COMMIT, 3, 7, 2);
    assert_int_equal(counted(&s, 3, EV_EQUIV_COMMIT), 1);
    assert_true(ledger_convicted(s.m.ledger, &cluster.members[3].key));
    assert_int_equal(s.alerts, 1);
    assert_non_null(strstr(s.alert, "replica 3 convicted"));
    assert_non_null(strstr(s.alert, "EV3"));
    assert_int_equal(s.out.proven_count, 1); /* for the host to keep */
    struct digest d = crypto_digest(DIGEST_EVIDENCE, bytes_of(s.out.frames.data, s.out.proven[0].len));
    assert_true(digest_equal(&d, &s.out.proven[0].proof.frames));
    const struct evidence_record *r = ledger_proof_at(s.m.ledger, 0);
    assert_int_equal(r->accuser, 1);
    assert_int_equal(r->n, 7);
    assert_int_equal(r->first_n, 1);
    rest(&s, K);
    accuse(&s, 2, EV_EQUIV_PREPARE, FRAME_PREPARE, 3, 8, 2);
    assert_int_equal(counted(&s, 3, EV_EQUIV_PREPARE), 1);
    assert_int_equal(s.alerts, 1); /* a member is convicted once */
    end(&s);
}

static void what_proves_nothing_does_nothing(void **state) {
    (void)state;
    struct story s;
    begin(&s);
    accuse(&s, 1, EV_EQUIV_COMMIT, FRAME_COMMIT, 3, 7, 1); /* the same twice */
    accuse(&s, 1, EV_EQUIV_PREPARE, FRAME_COMMIT, 3, 7, 2);
    assert_null(ledger_proof_at(s.m.ledger, 0));
    assert_false(ledger_convicted(s.m.ledger, &cluster.members[3].key));
    assert_int_equal(s.alerts + s.out.proven_count, 0);
    end(&s);
}

static void a_kind_counts_once_in_k_batches_and_a_place_never_twice(void **state) {
    (void)state;
    struct story s;
    begin(&s);
    accuse(&s, 1, EV_EQUIV_COMMIT, FRAME_COMMIT, 3, 7, 2); /* batch 1 */
    accuse(&s, 2, EV_EQUIV_COMMIT, FRAME_COMMIT, 3, 8, 2);
    assert_int_equal(counted(&s, 3, EV_EQUIV_COMMIT), 1);
    accuse(&s, 2, EV_EQUIV_COMMIT, FRAME_COMMIT, 0, 8, 2); /* another culprit */
    assert_int_equal(counted(&s, 0, EV_EQUIV_COMMIT), 1);
    rest(&s, K);
    accuse(&s, 2, EV_EQUIV_COMMIT, FRAME_COMMIT, 3, 7, 3); /* the same place */
    assert_int_equal(counted(&s, 3, EV_EQUIV_COMMIT), 1);
    accuse(&s, 2, EV_EQUIV_COMMIT, FRAME_COMMIT, 3, 8, 2);
    assert_int_equal(counted(&s, 3, EV_EQUIV_COMMIT), 2);
    end(&s);
}

/* Who accuses without end is not listened to for long, and keeps nobody else from accusing. */
static void an_accuser_has_an_allowance(void **state) {
    (void)state;
    struct ledger *l = ledger_new(&cluster);
    for (unsigned i = 0; i < LEDGER_ACCUSATIONS_MAX; i++)
        assert_int_equal(ledger_accuse(l, 1, false), ERR_OK);
    assert_false(ledger_may_accuse(l, 1));
    assert_int_equal(ledger_accuse(l, 1, false), ERR_BUSY);
    assert_int_equal(ledger_accuse(l, 2, false), ERR_OK);
    assert_int_equal(ledger_accuse(l, 2, true), ERR_OK); /* thousands of signatures take all that is left */
    assert_int_equal(ledger_accuse(l, 2, true), ERR_BUSY);
    assert_int_equal(ledger_accuse(l, 2, false), ERR_BUSY);
    for (seq_no n = 1; n <= K; n++)
        ledger_append(l, n, &(struct digest){{1}});
    assert_true(ledger_may_accuse(l, 1));
    assert_int_equal(ledger_accuse(l, 1, false), ERR_OK);
    assert_int_equal(ledger_accuse(l, 2, true), ERR_OK);
    ledger_free(l);
}

/* Whoever follows the rules judges before it accuses: a lie costs the others one judgement in a long time. */
static void who_accuses_falsely_is_not_heard_for_long(void **state) {
    (void)state;
    struct story s;
    begin(&s);
    accuse(&s, 1, EV_EQUIV_COMMIT, FRAME_COMMIT, 3, 7, 1);
    assert_int_equal(s.out.false_accusers, set_of(1));
    rest(&s, LEDGER_LIAR_PERIODS * K - 2);
    assert_int_equal(s.out.false_accusers, 0);
    accuse(&s, 1, EV_EQUIV_COMMIT, FRAME_COMMIT, 3, 7, 2); /* true, but too soon */
    assert_int_equal(counted(&s, 3, EV_EQUIV_COMMIT), 0);
    accuse(&s, 1, EV_EQUIV_COMMIT, FRAME_COMMIT, 3, 7, 2);
    assert_int_equal(counted(&s, 3, EV_EQUIV_COMMIT), 1);
    accuse(&s, 1, EV_EQUIV_COMMIT, FRAME_COMMIT, 3, 7, 2); /* known already: no lie */
    accuse(&s, 1, EV_EQUIV_PREPARE, FRAME_PREPARE, 0, 7, 2);
    assert_int_equal(counted(&s, 0, EV_EQUIV_PREPARE), 1);
    end(&s);
}

static void an_observer_s_fault_as_a_client_convicts_nobody(void **state) {
    (void)state;
    struct story s;
    begin(&s);
    struct keys k = keys_of(EU);
    struct buffer a = {0}, b = {0};
    struct observation o = {"h", "", 1, 0, "", "", 5}, p = {"h", "", 2, 0, "", "", 5};
    struct request one = {.client = k.pk, .req_seq = 9, .kind = OP_OBSERVE, .observe = {1, &o}}, two = one;
    two.observe.list = &p;
    request_seal(&a, &one, &cluster.id, &k.sk);
    request_seal(&b, &two, &cluster.id, &k.sk);
    struct request r = {.kind = OP_EVIDENCE, .evidence = {.kind = EV_CLIENT_EQUIV, .count = 2}};
    r.evidence.frames[0] = buffer_bytes(&a);
    r.evidence.frames[1] = buffer_bytes(&b);
    asks(&s, 1, r);
    assert_non_null(ledger_proof_at(s.m.ledger, 0));
    assert_false(ledger_convicted(s.m.ledger, &k.pk));
    assert_int_equal(s.alerts, 0);
    buffer_free(&a);
    buffer_free(&b);
    end(&s);
}

/* As if no request held them: two votes, in two parts. */
static void large_evidence_is_staged_first(void **state) {
    (void)state;
    struct story s;
    begin(&s);
    struct buffer blocks = {0}, frame = {0};
    for (uint8_t d = 1; d <= 2; d++) {
        buffer_clear(&frame);
        vote(&frame, FRAME_COMMIT, 3, 7, d);
        buffer_block(&blocks, buffer_bytes(&frame));
    }
    size_t half = blocks.len / 2;
    struct request part = {.kind = OP_BLOB}, ask = {.kind = OP_EVIDENCE, .evidence = {.kind = EV_EQUIV_COMMIT}};
    part.blob.whole = ask.evidence.whole = crypto_digest(DIGEST_EVIDENCE, buffer_bytes(&blocks));
    ask.evidence.length = blocks.len;
    part.blob.part = bytes_of(blocks.data, half);
    asks(&s, 1, part);
    assert_int_equal(s.out.count, 0); /* nobody waits for a reply */
    asks(&s, 1, ask);                 /* half of it proves nothing, and is gone */
    assert_int_equal(counted(&s, 3, EV_EQUIV_COMMIT), 0);
    rest(&s, K);
    asks(&s, 1, part);
    part.blob.index = 1;
    part.blob.part = bytes_of(blocks.data + half, blocks.len - half);
    asks(&s, 1, part);
    ask.evidence.kind = EV_EQUIV_COMMIT;
    asks(&s, 2, ask); /* another member staged nothing */
    assert_int_equal(counted(&s, 3, EV_EQUIV_COMMIT), 0);
    asks(&s, 1, ask);
    assert_int_equal(counted(&s, 3, EV_EQUIV_COMMIT), 1);
    assert_true(ledger_convicted(s.m.ledger, &cluster.members[3].key));
    buffer_free(&blocks);
    buffer_free(&frame);
    end(&s);
}

static void a_member_stages_one_whole_of_bounded_length(void **state) {
    (void)state;
    struct ledger *l = ledger_new(&cluster);
    const struct public_key *who = &cluster.members[1].key;
    struct digest one = crypto_digest(DIGEST_EVIDENCE, bytes_of_text("x")), other = {{2}};
    struct buffer out = {0};
    assert_int_equal(ledger_may(l, who, OP_BLOB), ERR_OK);
    assert_int_equal(ledger_may(l, who, OP_APPLY), ERR_FORBIDDEN);
    assert_int_equal(ledger_blob(l, who, &(struct op_blob){one, 0, bytes_of_text("x")}), ERR_OK);
    assert_int_equal(ledger_blob_join(l, who, DIGEST_EVIDENCE, &one, 1, &out), ERR_OK);
    assert_int_equal(ledger_blob_join(l, who, DIGEST_OBJECTS, &one, 1, &out), ERR_BLOB_MISSING);
    assert_int_equal(ledger_blob(l, who, &(struct op_blob){one, LEDGER_EVIDENCE_PARTS_MAX, bytes_of_text("x")}),
                     ERR_TOO_MANY);
    assert_int_equal(ledger_blob(l, who, &(struct op_blob){other, 0, bytes_of_text("x")}), ERR_OK);
    assert_int_equal(ledger_blob_join(l, who, DIGEST_EVIDENCE, &one, 1, &out), ERR_BLOB_MISSING);
    buffer_free(&out);
    ledger_free(l);
}

static void records_bring_the_proofs_back(void **state) {
    (void)state;
    struct story s;
    begin(&s);
    accuse(&s, 1, EV_EQUIV_COMMIT, FRAME_COMMIT, 3, 7, 2);
    accuse(&s, 1, EV_EQUIV_PREPARE, FRAME_PREPARE, 0, 7, 2);
    accuse(&s, 2, EV_EQUIV_PREPARE, FRAME_PREPARE, 0, 7, 1);
    struct copy copy = {ledger_new(&cluster), 0};
    ledger_flush(s.m.ledger, &(struct record_sink){&copy, copy_record});
    struct buffer a = {0}, b = {0};
    for (uint32_t i = 0; i < 2; i++) {
        evidence_record_encode(&a, ledger_proof_at(s.m.ledger, i));
        evidence_record_encode(&b, ledger_proof_at(copy.to, i));
    }
    assert_null(ledger_proof_at(copy.to, 2));
    assert_true(bytes_equal(buffer_bytes(&a), buffer_bytes(&b)));
    struct evidence_record again;
    struct reader r = reader_of(buffer_bytes(&b));
    assert_int_equal(evidence_record_decode(&again, &r), ERR_OK);
    assert_true(public_key_equal(&again.culprit, &cluster.members[0].key)); /* in order of members */
    for (unsigned i = 2; i < LEDGER_ACCUSATIONS_MAX; i++)
        assert_int_equal(ledger_accuse(copy.to, 1, false), ERR_OK);
    assert_int_equal(ledger_accuse(copy.to, 1, false), ERR_BUSY);
    assert_false(ledger_may_accuse(copy.to, 2)); /* its lie */
    struct copy none = {NULL, 0};
    ledger_flush(s.m.ledger, &(struct record_sink){&none, copy_record});
    assert_int_equal(none.count, 0);
    buffer_free(&a);
    buffer_free(&b);
    ledger_free(copy.to);
    end(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(evidence_convicts_a_member_for_all),
        cmocka_unit_test(what_proves_nothing_does_nothing),
        cmocka_unit_test(a_kind_counts_once_in_k_batches_and_a_place_never_twice),
        cmocka_unit_test(an_accuser_has_an_allowance),
        cmocka_unit_test(who_accuses_falsely_is_not_heard_for_long),
        cmocka_unit_test(an_observer_s_fault_as_a_client_convicts_nobody),
        cmocka_unit_test(large_evidence_is_staged_first),
        cmocka_unit_test(a_member_stages_one_whole_of_bounded_length),
        cmocka_unit_test(records_bring_the_proofs_back),
    };
    return cmocka_run_group_tests_name("convict", tests, found, NULL);
}
