/* Ordered batches in, replies and alerts out: who may, how often, and what convicts. */
#include "base/bytes.h"
#include "base/invariant.h"
#include "checks/objects.h"
#include "replica/execute.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* cmocka wants the headers above before its own. */
#include <cmocka.h>

enum { MEMBER = 1, ADMIN = 50, CLERK = 51, EU = 60, US = 61, AP = 62, STRANGER = 99, REPLIES_MAX = 8 };

static struct cluster cluster;
static struct cluster_observer observers[3];
static char *everywhere[] = {"*"}, *only_web[] = {"web*"};

struct keys {
    struct public_key pk;
    struct secret_key sk;
};
static struct keys keys_of(uint8_t who) {
    struct keys k;
    uint8_t seed[SECRET_SEED_LEN] = {who};
    crypto_keypair_from_seed(&k.pk, &k.sk, seed);
    return k;
}

static int found(void **state) {
    (void)state;
    static const char *const names[] = {"eu", "us", "ap"};
    crypto_start();
    memset(&cluster, 0, sizeof cluster);
    snprintf(cluster.name, sizeof cluster.name, "unit");
    cluster.member_count = 4;
    cluster.t0 = 1000;
    cluster.knobs = protocol_defaults();
    for (uint8_t i = 0; i < 4; i++)
        cluster.members[i].key = keys_of((uint8_t)(MEMBER + i)).pk;
    cluster.operator_count = 2;
    cluster.operators_needed = 1;
    cluster.operators[0] =
        (struct cluster_operator){.name = "admin", .key = keys_of(ADMIN).pk, .roles = OPERATOR_ADMIN};
    cluster.operators[1] = (struct cluster_operator){.name = "clerk", .key = keys_of(CLERK).pk};
    for (uint8_t i = 0; i < 3; i++) {
        observers[i] = (struct cluster_observer){.key = keys_of((uint8_t)(EU + i)).pk, .host_count = 1};
        observers[i].hosts = EU + i == US ? only_web : everywhere;
        snprintf(observers[i].name, sizeof observers[i].name, "%s", names[i]);
    }
    cluster.observer_count = 3;
    cluster.observers = observers;
    cluster_set_id(&cluster);
    return 0;
}

/* ---- a machine and what its last batch put out ---- */

struct story {
    struct machine m;
    struct executed out;
    seq_no n;
    unsigned count; /* of replies */
    struct arena arena;
    struct reply replies[REPLIES_MAX];
    uint64_t alerts;
};

static void begin(struct story *s) {
    memset(s, 0, sizeof *s);
    machine_open(&s->m, &cluster);
}

static void end(struct story *s) {
    machine_close(&s->m);
    executed_free(&s->out);
    arena_free(&s->arena);
}

static struct request *sealed(struct request r, uint8_t who, uint64_t req_seq) {
    struct keys k = keys_of(who);
    struct buffer frame = {0};
    struct request *out = NULL;
    r.client = k.pk;
    r.req_seq = req_seq;
    request_seal(&frame, &r, &cluster.id, &k.sk);
    assert_int_equal(request_new(&out, buffer_bytes(&frame)), ERR_OK);
    buffer_free(&frame);
    return out;
}

/* One batch of the requests, which are freed. */
static void execute(struct story *s, unsigned count, struct request **requests) {
    struct digest d = {{1}};
    uint64_t before = monitor_alerts(s->m.monitor);
    s->n++;
    machine_execute(&s->m, s->n, &d, BATCH_NORMAL, (const struct request *const *)requests, count, &s->out, NULL);
    s->count = 0;
    s->alerts = monitor_alerts(s->m.monitor) - before;
    for (size_t i = 0; i < s->out.count; i++)
        if (s->out.leaves[i].kind == OUTPUT_REPLY) {
            assert_true(s->count < REPLIES_MAX);
            struct reply *reply = &s->replies[s->count++];
            assert_int_equal(reply_decode(reply, executed_leaf(&s->out, i), &s->arena), ERR_OK);
        }
    for (unsigned i = 0; i < count; i++)
        request_free(requests[i]);
    ledger_check(s->m.ledger);
    monitor_check(s->m.monitor);
}

static const struct reply *execute_one(struct story *s, struct request *r) {
    execute(s, 1, &r);
    assert_int_equal(s->count, 1);
    return &s->replies[0];
}

/* ---- what people ask for ---- */

static const char BOTH[] =
    "define command {\n command_name c\n command_line /bin/c\n}\n"
    "define contact {\n contact_name ops\n service_notification_commands c\n host_notification_commands c\n}\n"
    "define host {\n host_name web1\n max_check_attempts 1\n _OBSERVERS eu,us,ap\n contacts ops\n}\n"
    "define service {\n host_name web1\n service_description http\n check_command c\n max_check_attempts 1\n"
    " check_interval 10\n retry_interval 10\n freshness_threshold 60\n _OBSERVERS eu,us,ap\n contacts ops\n}\n"
    "define host {\n host_name db1\n max_check_attempts 1\n _OBSERVERS eu,ap\n contacts ops\n}\n";

static struct buffer canonical(size_t text_len) {
    struct object_source source = {"unit.cfg", bytes_of(BOTH, text_len)};
    struct object_options options = {.interval_length = 1000};
    struct objects *objects = NULL;
    struct buffer out = {0}, warnings = {0}, why = {0};
    if (objects_parse(&objects, &source, 1, &options, &warnings, &why) != ERR_OK)
        fail_msg("%s", buffer_cstr(&why));
    objects_encode(&out, objects);
    objects_free(objects);
    buffer_free(&warnings);
    buffer_free(&why);
    return out;
}

static size_t without_db(void) {
    return (size_t)(strstr(BOTH, "define host {\n host_name db1") - BOTH);
}

/* The objects in one blob, then APPLY; the reply to it. */
static enum error apply(struct story *s, size_t text_len, uint64_t req_seq, struct digest base, bool prune) {
    struct buffer bytes = canonical(text_len);
    struct digest whole = crypto_digest(DIGEST_OBJECTS, buffer_bytes(&bytes));
    struct request blob = {.kind = OP_BLOB, .blob = {whole, 0, buffer_bytes(&bytes)}};
    struct request plan = {.kind = OP_APPLY, .apply = {whole, bytes.len, base, prune}};
    assert_int_equal(execute_one(s, sealed(blob, ADMIN, req_seq))->result, ERR_OK);
    enum error e = execute_one(s, sealed(plan, ADMIN, req_seq + 1))->result;
    buffer_free(&bytes);
    return e;
}

static void begin_configured(struct story *s) {
    begin(s);
    assert_int_equal(apply(s, sizeof BOTH - 1, 1, (struct digest){{0}}, false), ERR_OK);
}

static struct request *observe(uint8_t who, uint64_t req_seq, const char *host, const char *service, uint8_t state,
                               uint64_t obs_seq, const char *output) {
    struct observation o = {host, service, obs_seq, state, output, "", 1000};
    return sealed((struct request){.kind = OP_OBSERVE, .observe = {1, &o}}, who, req_seq);
}

static enum error first_refusal(const struct reply *r) {
    assert_int_equal(r->result, ERR_OK);
    assert_int_equal(r->accepted + r->refused_count, 1);
    return r->refused_count ? r->refused[0].reason : ERR_OK;
}

/* ---- exactly once ---- */

static void a_request_ordered_twice_takes_effect_once(void **state) {
    (void)state;
    struct story s;
    begin_configured(&s);
    struct request *twice[] = {observe(EU, 7, "web1", "http", 2, 1, "x"), observe(EU, 7, "web1", "http", 2, 1, "x")};
    execute(&s, 2, twice);
    assert_int_equal(s.count, 1);
    assert_int_equal(s.m.results_accepted, 1);
    struct request *again = observe(EU, 7, "web1", "http", 0, 2, "y");
    execute(&s, 1, &again);
    assert_int_equal(s.count, 0);
    assert_int_equal(s.m.results_accepted, 1);
    end(&s);
}

static void a_null_batch_changes_the_log_alone(void **state) {
    (void)state;
    struct story s;
    begin_configured(&s);
    struct digest d = {{2}}, before = ledger_log_hash(s.m.ledger);
    machine_execute(&s.m, ++s.n, &d, BATCH_NULL, NULL, 0, &s.out, NULL);
    assert_int_equal(s.out.count, 0);
    assert_false(digest_equal(&before, &s.out.log_hash));
    assert_int_equal(s.out.t, 1000);
    end(&s);
}

/* ---- who may what ---- */

static void observers_speak_for_their_own_hosts_only(void **state) {
    (void)state;
    struct story s;
    begin_configured(&s);
    assert_int_equal(first_refusal(execute_one(&s, observe(US, 1, "db1", "", 0, 1, "up"))), ERR_NOT_YOUR_HOST);
    assert_int_equal(first_refusal(execute_one(&s, observe(US, 2, "web1", "", 0, 2, "up"))), ERR_OK);
    assert_int_equal(first_refusal(execute_one(&s, observe(EU, 1, "db1", "", 0, 1, "up"))), ERR_OK);
    end(&s);
}

static void a_refused_result_does_not_void_its_bundle(void **state) {
    (void)state;
    struct story s;
    begin_configured(&s);
    struct observation list[] = {{"web1", "", 1, 0, "up", "", 1000},
                                 {"db1", "", 2, 0, "up", "", 1000},
                                 {"web1", "ftp", 3, 0, "ok", "", 1000},
                                 {"web1", "http", 4, 0, "ok", "", 1000}};
    const struct reply *r = execute_one(&s, sealed((struct request){.kind = OP_OBSERVE, .observe = {4, list}}, US, 1));
    assert_int_equal(r->accepted, 2);
    assert_int_equal(r->refused_count, 2);
    assert_int_equal(r->refused[0].index, 1);
    assert_int_equal(r->refused[0].reason, ERR_NOT_YOUR_HOST);
    assert_int_equal(r->refused[1].index, 2);
    assert_int_equal(r->refused[1].reason, ERR_UNKNOWN_SERVICE);
    end(&s);
}

static void each_role_may_what_is_its_own(void **state) {
    (void)state;
    struct story s;
    begin_configured(&s);
    struct request query = {.kind = OP_QUERY, .query = {QUERY_STATUS, "", "", "", "", 10, 0}};
    struct request blob = {.kind = OP_BLOB, .blob = {.part = bytes_of_text("x")}};
    struct request plan = {.kind = OP_APPLY, .apply = {.length = 1}};
    assert_int_equal(execute_one(&s, observe(ADMIN, 9, "web1", "", 1, 1, "down"))->result, ERR_FORBIDDEN);
    assert_int_equal(execute_one(&s, observe(MEMBER, 9, "web1", "", 1, 1, "down"))->result, ERR_FORBIDDEN);
    assert_int_equal(execute_one(&s, sealed(blob, EU, 1))->result, ERR_FORBIDDEN);
    assert_int_equal(execute_one(&s, sealed(plan, EU, 2))->result, ERR_FORBIDDEN);
    assert_int_equal(execute_one(&s, sealed(blob, CLERK, 1))->result, ERR_FORBIDDEN);
    assert_int_equal(execute_one(&s, sealed(query, CLERK, 2))->result, ERR_OK);
    struct request command = {
        .kind = OP_COMMAND,
        .command = {COMMAND_COMMENT, TARGET_OBJECT, SUBJECT_NONE, "web1", "", "", 0, 0, 0, 0, 0, "", "well"}};
    assert_int_equal(execute_one(&s, sealed(command, EU, 4))->result, ERR_FORBIDDEN);
    assert_int_equal(execute_one(&s, sealed(command, CLERK, 3))->result, ERR_FORBIDDEN);
    assert_int_equal(execute_one(&s, sealed(command, MEMBER, 10))->result, ERR_FORBIDDEN);
    const struct reply *done = execute_one(&s, sealed(command, ADMIN, 10));
    assert_int_equal(done->result, ERR_OK);
    assert_true(bytes_equal(done->value, bytes_of_text("comment 1 of web1\n")));
    assert_int_equal(execute_one(&s, sealed(query, EU, 3))->result, ERR_OK);
    assert_int_equal(s.m.results_accepted, 0);
    end(&s);
}

static void nobody_but_members_moves_the_clock(void **state) {
    (void)state;
    struct story s;
    begin(&s);
    struct request tick = {.kind = OP_TICK, .tick = {.boot = 1, .counter = 1, .wall = 90000}};
    struct request *batch[] = {sealed(tick, EU, 1), sealed(tick, ADMIN, 1), sealed(tick, STRANGER, 1)};
    execute(&s, 3, batch);
    assert_int_equal(s.out.t, 1000);
    assert_int_equal(s.out.count, 0);
    tick.tick.wall = 70000;
    struct request *two[] = {sealed(tick, MEMBER, 1), sealed(tick, MEMBER + 1, 1)};
    execute(&s, 2, two);
    assert_int_equal(s.out.t, 70000);
    end(&s);
}

/* ---- two faces ---- */

static void convict_us(struct story *s) {
    assert_int_equal(first_refusal(execute_one(s, observe(US, 1, "web1", "http", 0, 5, "ok"))), ERR_OK);
    assert_int_equal(first_refusal(execute_one(s, observe(US, 2, "web1", "http", 2, 5, "bad"))), ERR_EQUIVOCATION);
}

static void notified(struct story *s, uint8_t who, uint64_t req_seq, uint64_t last, enum error result) {
    struct request r = {.kind = OP_NOTIFIED, .notified = {1, last, "page", "a"}};
    assert_int_equal(execute_one(s, sealed(r, who, req_seq))->result, result);
}

static void only_trusted_notifiers_say_that_alerts_were_told(void **state) {
    (void)state;
    struct story s;
    struct query_page page;
    struct notified_record record;
    begin_configured(&s);
    notified(&s, ADMIN, 10, 1, ERR_OUT_OF_RANGE); /* no alert yet */
    convict_us(&s);                               /* which raises one */
    notified(&s, EU, 9, 1, ERR_FORBIDDEN);
    notified(&s, CLERK, 9, 1, ERR_FORBIDDEN);
    notified(&s, ADMIN, 11, 1, ERR_OK);
    notified(&s, ADMIN, 12, 1, ERR_DUPLICATE);
    struct request query = {.kind = OP_QUERY, .query = {QUERY_NOTIFIED, "", "", "", "", 1, 0}};
    const struct reply *reply = execute_one(&s, sealed(query, CLERK, 10));
    assert_int_equal(query_page_decode(&page, reply->value, &s.arena), ERR_OK);
    struct reader r = reader_of(page.part);
    assert_int_equal(notified_record_decode(&record, &r), ERR_OK);
    assert_true(reader_done(&r) && !page.more);
    assert_string_equal(record.handler, "page");
    assert_int_equal(record.upto, 1);
    end(&s);
}

static void two_contents_under_one_obs_seq_convict(void **state) {
    (void)state;
    struct story s;
    begin_configured(&s);
    struct public_key us = keys_of(US).pk, eu = keys_of(EU).pk;
    convict_us(&s);
    assert_true(ledger_convicted(s.m.ledger, &us));
    assert_false(ledger_convicted(s.m.ledger, &eu));
    end(&s);
}

static void a_convicted_key_is_refused_from_then_on(void **state) {
    (void)state;
    struct story s;
    begin_configured(&s);
    convict_us(&s);
    assert_int_equal(first_refusal(execute_one(&s, observe(US, 3, "web1", "http", 0, 6, "ok"))), ERR_CONVICTED);
    assert_int_equal(first_refusal(execute_one(&s, observe(US, 4, "web1", "", 0, 7, "up"))), ERR_CONVICTED);
    end(&s);
}

static struct request *evidence(struct request *a, struct request *b, uint64_t req_seq) {
    struct request r = {.kind = OP_EVIDENCE, .evidence = {.kind = EV_OBS_EQUIV, .count = 2}};
    r.evidence.frames[0] = a->frame;
    r.evidence.frames[1] = b->frame;
    struct request *out = sealed(r, MEMBER, req_seq);
    request_free(a);
    request_free(b);
    return out;
}

static void evidence_convicts_by_the_culprit_s_own_signatures(void **state) {
    (void)state;
    struct story s;
    struct public_key ap = keys_of(AP).pk;
    struct {
        struct request *a, *b;
        bool convicts;
    } rows[] = {
        {observe(AP, 1, "web1", "http", 0, 5, "ok"), observe(AP, 2, "web1", "http", 0, 6, "other"), false},
        {observe(AP, 1, "web1", "http", 0, 5, "ok"), observe(AP, 2, "web1", "", 0, 5, "other"), false},
        {observe(AP, 1, "web1", "http", 0, 5, "ok"), observe(AP, 2, "web1", "http", 0, 5, "ok"), false},
        {observe(AP, 1, "web1", "http", 0, 5, "ok"), observe(EU, 2, "web1", "http", 2, 5, "bad"), false},
        {observe(AP, 1, "web1", "http", 0, 5, "ok"), observe(AP, 2, "web1", "http", 0, 5, "other"), true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct request *r = evidence(rows[i].a, rows[i].b, 1);
        begin_configured(&s); /* anew: who showed what proves nothing is not heard */
        execute(&s, 1, &r);
        assert_int_equal(s.count, 0);
        assert_int_equal(ledger_convicted(s.m.ledger, &ap), rows[i].convicts);
        end(&s);
    }
}

/* ---- a new configuration ---- */

static void objects_are_applied_to_what_the_operator_saw(void **state) {
    (void)state;
    struct story s;
    begin_configured(&s);
    struct digest in_force = monitor_objects_digest(s.m.monitor), zero = {{0}};
    assert_int_equal(apply(&s, sizeof BOTH - 1, 11, zero, false), ERR_BASE_CHANGED);
    assert_int_equal(apply(&s, sizeof BOTH - 1, 21, in_force, false), ERR_OK);
    end(&s);
}

static void a_plan_that_removes_says_so(void **state) {
    (void)state;
    struct story s;
    begin_configured(&s);
    struct digest in_force = monitor_objects_digest(s.m.monitor), after;
    assert_int_equal(apply(&s, without_db(), 11, in_force, false), ERR_BAD_OBJECTS);
    after = monitor_objects_digest(s.m.monitor);
    assert_true(digest_equal(&in_force, &after));
    assert_int_equal(apply(&s, without_db(), 21, in_force, true), ERR_OK);
    assert_int_equal(first_refusal(execute_one(&s, observe(EU, 1, "db1", "", 0, 1, "up"))), ERR_UNKNOWN_HOST);
    end(&s);
}

static void an_apply_without_its_parts_is_refused(void **state) {
    (void)state;
    struct story s;
    begin(&s);
    struct request plan = {.kind = OP_APPLY, .apply = {.whole = {{7}}, .length = 10}};
    assert_int_equal(execute_one(&s, sealed(plan, ADMIN, 1))->result, ERR_BLOB_MISSING);
    end(&s);
}

/* ---- alerts ---- */

static void the_quorum_s_word_raises_an_alert_in_its_batch(void **state) {
    (void)state;
    struct story s;
    begin_configured(&s);
    execute_one(&s, observe(EU, 1, "web1", "http", 2, 1, "bad"));
    execute_one(&s, observe(AP, 1, "web1", "http", 0, 1, "ok"));
    assert_int_equal(s.alerts, 0);
    execute_one(&s, observe(US, 1, "web1", "http", 2, 1, "bad"));
    assert_int_equal(s.alerts, 1);
    assert_int_equal(s.out.count, 2);
    assert_int_equal(s.out.leaves[0].kind, OUTPUT_ALERT);
    assert_int_equal(s.out.leaves[0].alert, 1);
    end(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_ordered_twice_takes_effect_once),
        cmocka_unit_test(a_null_batch_changes_the_log_alone),
        cmocka_unit_test(observers_speak_for_their_own_hosts_only),
        cmocka_unit_test(a_refused_result_does_not_void_its_bundle),
        cmocka_unit_test(each_role_may_what_is_its_own),
        cmocka_unit_test(nobody_but_members_moves_the_clock),
        cmocka_unit_test(two_contents_under_one_obs_seq_convict),
        cmocka_unit_test(only_trusted_notifiers_say_that_alerts_were_told),
        cmocka_unit_test(a_convicted_key_is_refused_from_then_on),
        cmocka_unit_test(evidence_convicts_by_the_culprit_s_own_signatures),
        cmocka_unit_test(objects_are_applied_to_what_the_operator_saw),
        cmocka_unit_test(a_plan_that_removes_says_so),
        cmocka_unit_test(an_apply_without_its_parts_is_refused),
        cmocka_unit_test(the_quorum_s_word_raises_an_alert_in_its_batch),
    };
    return cmocka_run_group_tests_name("machine", tests, found, NULL);
}
