/* Stories about what operators say: acknowledgements, comments, custom notifications, switches. */
#include "checks/machine.h"
#include "monitor_world.h"

#define HTTP .target = TARGET_OBJECT, .host = "web1", .service = "http"
#define LASTING(lines) HOST_AND_SERVICE(" max_check_attempts 1\n freshness_threshold 100000\n" lines)
#define EVERY_MINUTE LASTING(" notification_interval 60\n contacts ops,boss\n")

static void acknowledge(struct world *w, unsigned flags, time_ms until) {
    assert_int_equal(
        command(w, COMMAND_OF(.kind = COMMAND_ACKNOWLEDGE, HTTP, .flags = flags, .end = until, .comment = "on it")),
        ERR_OK);
}

static bool is_acknowledged(struct world *w) {
    return acknowledgement(&w->m->table.list[table_find(&w->m->table, "web1", "http")]) != NULL;
}

static size_t notes_left(struct world *w) {
    return w->m->notes.count;
}

static void an_acknowledged_problem_is_not_told_again(void **state) {
    (void)state;
    struct world w = world_begin(EVERY_MINUTE);
    votes(&w, "web1", CRIT);
    expect(&w, "PROBLEM web1/http CRITICAL HARD 1/1 #1 CRITICAL by web1 [boss,ops]\n");
    commanded(&w, COMMAND_OF(.kind = COMMAND_ACKNOWLEDGE, HTTP, .flags = COMMAND_TELL, .comment = "on it"),
              "acknowledgement 1 of web1/http\n");
    expect(&w, "ACKNOWLEDGEMENT web1/http CRITICAL HARD 1/1 #1 CRITICAL by web1 [boss,ops] ada: on it\n");
    assert_true(is_acknowledged(&w));
    pass(&w, 200);
    votes(&w, "web1", CRIT);
    expect(&w, "");
    commanded(&w, COMMAND_OF(.kind = COMMAND_UNACKNOWLEDGE, HTTP), "ended acknowledgement 1 of web1/http\n");
    assert_int_equal(notes_left(&w), 0);
    votes(&w, "web1", CRIT); /* as in Nagios, the next result tells */
    expect(&w, "PROBLEM web1/http CRITICAL HARD 1/1 #2 CRITICAL by web1 [boss,ops]\n");
    world_end(&w);
}

static void a_normal_one_ends_with_the_state(void **state) {
    (void)state;
    struct world w = world_begin(EVERY_MINUTE);
    votes(&w, "web1", CRIT);
    acknowledge(&w, 0, 0);
    expect(&w, "PROBLEM web1/http CRITICAL HARD 1/1 #1 CRITICAL by web1 [boss,ops]\n");
    votes(&w, "web1", WARN);
    expect(&w, "PROBLEM web1/http WARNING HARD 1/1 #2 WARNING by web1 [ops]\n");
    assert_false(is_acknowledged(&w));
    world_end(&w);
}

static void a_sticky_one_holds_until_all_is_well(void **state) {
    (void)state;
    struct world w = world_begin(EVERY_MINUTE);
    votes(&w, "web1", CRIT);
    acknowledge(&w, COMMAND_STICKY, 0);
    buffer_clear(&w.log);
    votes(&w, "web1", WARN);
    votes(&w, "web1", CRIT);
    expect(&w, "");
    assert_true(is_acknowledged(&w));
    votes(&w, "web1", OK);
    expect(&w, "RECOVERY web1/http OK HARD 1/1 #2 OK by web1 [ops]\n");
    assert_false(is_acknowledged(&w));
    world_end(&w);
}

static void a_persistent_comment_outlives_it(void **state) {
    (void)state;
    struct world w = world_begin(EVERY_MINUTE);
    votes(&w, "web1", CRIT);
    acknowledge(&w, COMMAND_PERSISTENT, 0);
    not_commanded(&w, COMMAND_OF(.kind = COMMAND_DELETE_COMMENT, .target = TARGET_CLUSTER, .id = 1), ERR_UNKNOWN_ID,
                  "no comment has this number\n");
    votes(&w, "web1", OK);
    assert_false(is_acknowledged(&w));
    assert_int_equal(notes_left(&w), 1);
    commanded(&w, COMMAND_OF(.kind = COMMAND_DELETE_COMMENT, .target = TARGET_CLUSTER, .id = 1),
              "deleted comment 1 of web1/http\n");
    assert_int_equal(notes_left(&w), 0);
    world_end(&w);
}

static void an_expiring_one_ends_at_its_moment(void **state) {
    (void)state;
    struct world w = world_begin(EVERY_MINUTE);
    votes(&w, "web1", CRIT);
    acknowledge(&w, COMMAND_STICKY, w.t + 90 * 1000);
    buffer_clear(&w.log);
    pass(&w, 89);
    assert_true(is_acknowledged(&w));
    votes(&w, "web1", CRIT);
    expect(&w, "");
    pass(&w, 1);
    assert_false(is_acknowledged(&w));
    votes(&w, "web1", CRIT);
    expect(&w, "PROBLEM web1/http CRITICAL HARD 1/1 #2 CRITICAL by web1 [boss,ops]\n");
    world_end(&w);
}

static void only_a_problem_is_acknowledged(void **state) {
    (void)state;
    struct world w = world_begin(EVERY_MINUTE);
    struct op_command c = COMMAND_OF(.kind = COMMAND_ACKNOWLEDGE, HTTP, .comment = "on it");
    not_commanded(&w, c, ERR_NO_PROBLEM, "web1/http: nothing to acknowledge, it has no problem\n");
    votes(&w, "web1", OK);
    not_commanded(&w, c, ERR_NO_PROBLEM, "web1/http: nothing to acknowledge, it has no problem\n");
    votes(&w, "web1", WARN);
    c.end = w.t;
    not_commanded(&w, c, ERR_BAD_TIME, "web1/http: the acknowledgement would have expired already\n");
    c.service = "smtp";
    not_commanded(&w, c, ERR_UNKNOWN_SERVICE, "no such service in the configuration in force\n");
    c.host = "web2";
    not_commanded(&w, c, ERR_UNKNOWN_HOST, "no such host in the configuration in force\n");
    c.kind = COMMAND_UNACKNOWLEDGE;
    c.host = "web1", c.service = "http";
    not_commanded(&w, c, ERR_UNKNOWN_ID, "web1/http: it is not acknowledged\n");
    assert_int_equal(notes_left(&w), 0);
    world_end(&w);
}

static void an_author_is_whom_the_command_names(void **state) {
    (void)state;
    struct world w = world_begin(EVERY_MINUTE);
    votes(&w, "web1", CRIT);
    buffer_clear(&w.log);
    assert_int_equal(command(&w, COMMAND_OF(.kind = COMMAND_ACKNOWLEDGE, HTTP, .flags = COMMAND_TELL, .author = "Grace",
                                            .comment = "on it")),
                     ERR_OK);
    expect(&w, "ACKNOWLEDGEMENT web1/http CRITICAL HARD 1/1 #1 CRITICAL by web1 [boss,ops] Grace: on it\n");
    assert_string_equal(w.m->notes.list[0]->by, "ada");
    world_end(&w);
}

static void comments_are_numbered_and_bounded(void **state) {
    (void)state;
    struct world w = world_begin(EVERY_MINUTE);
    struct op_command c = COMMAND_OF(.kind = COMMAND_COMMENT, HTTP, .comment = "watch the disk");
    for (unsigned i = 1; i <= NOTES_OF_OBJECT_MAX; i++) {
        assert_int_equal(command(&w, c), ERR_OK);
        assert_int_equal(w.m->notes.last_id, i);
    }
    not_commanded(&w, c, ERR_TOO_MANY,
                  "web1/http: too many comments and downtimes: an object holds 64, the cluster 200,000: delete some\n");
    c.comment = "";
    not_commanded(&w, c, ERR_BAD_COMMAND, "web1/http: a comment without words\n");
    c.kind = COMMAND_DELETE_COMMENT;
    assert_int_equal(command(&w, c), ERR_OK);
    assert_non_null(strstr(buffer_cstr(&w.why), "deleted comment 1 of web1/http\n"));
    assert_non_null(strstr(buffer_cstr(&w.why), "and 32 more\n"));
    assert_int_equal(notes_left(&w), 0);
    world_end(&w);
}

static void a_custom_notification_passes_few_tests(void **state) {
    (void)state;
    struct world w = world_begin(EVERY_MINUTE);
    struct op_command c = COMMAND_OF(.kind = COMMAND_NOTIFY, HTTP, .comment = "fire drill");
    votes(&w, "web1", OK);
    commanded(&w, c, "alert 1 of web1/http\n");
    expect(&w, "CUSTOM web1/http OK HARD 1/1 #0 OK by web1 [boss,ops] ada: fire drill\n");
    assert_int_equal(command(&w, COMMAND_OF(.kind = COMMAND_DISABLE, .subject = SUBJECT_NOTIFICATIONS, HTTP)), ERR_OK);
    commanded(&w, c, "nobody is told: no contact is left, or notifications are off or withheld\n");
    c.flags = COMMAND_FORCED;
    commanded(&w, c, "alert 2 of web1/http\n");
    buffer_clear(&w.log);
    votes(&w, "web1", CRIT);
    c.flags = COMMAND_FORCED | COMMAND_INCREMENT;
    commanded(&w, c, "alert 3 of web1/http\n");
    expect(&w, "CUSTOM web1/http CRITICAL HARD 1/1 #1 CRITICAL by web1 [boss,ops] ada: fire drill\n");
    world_end(&w);
}

static void a_broadcast_reaches_those_of_escalations_too(void **state) {
    (void)state;
    struct world w = world_begin(EVERY_MINUTE "define contact {\n contact_name chief\n}\n"
                                              "define serviceescalation {\n host_name web1\n service_description http\n"
                                              " contacts chief\n first_notification 3\n last_notification 0\n}\n");
    struct op_command c = COMMAND_OF(.kind = COMMAND_NOTIFY, HTTP, .comment = "fire drill");
    votes(&w, "web1", CRIT);
    buffer_clear(&w.log);
    commanded(&w, c, "alert 2 of web1/http\n");
    expect(&w, "CUSTOM web1/http CRITICAL HARD 1/1 #1 CRITICAL by web1 [boss,ops] ada: fire drill\n");
    c.flags = COMMAND_BROADCAST;
    commanded(&w, c, "alert 3 of web1/http\n");
    expect(&w, "CUSTOM web1/http CRITICAL HARD 1/1 #1 CRITICAL by web1 [boss,chief,ops] ada: fire drill\n");
    world_end(&w);
}

static void an_operator_masks_and_unmasks(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE " max_check_attempts 1\n"));
    struct op_command c = COMMAND_OF(.kind = COMMAND_MASK, HTTP, .observer = "ap");
    all_vote(&w, OK);
    commanded(&w, c, "observer ap masked by ada for web1/http\n");
    expect(&w, "SYSTEM observer ap masked by ada for web1/http []\n");
    not_commanded(&w, c, ERR_DUPLICATE, "web1/http: an operator masked this observer before\n");
    votes(&w, "ap", CRIT);
    votes(&w, "eu", CRIT);
    http_is(&w, "OK HARD 1/1 OK by eu undecided dissent ap,eu");
    c = COMMAND_OF(.kind = COMMAND_UNMASK, .target = TARGET_CLUSTER, .observer = "ap");
    commanded(&w, c, "observer ap unmasked by ada for web1/http\n");
    http_is(&w, "CRITICAL HARD 1/1 CRITICAL by ap dissent us");
    not_commanded(&w, c, ERR_NOT_FOUND, "this observer is neither masked nor has it a score\n");
    c.observer = "nobody";
    not_commanded(&w, c, ERR_NOT_AN_OBSERVER, "the service does not name this observer\n");
    world_end(&w);
}

static void a_notification_can_be_put_off(void **state) {
    (void)state;
    struct world w = world_begin(EVERY_MINUTE);
    votes(&w, "web1", CRIT);
    buffer_clear(&w.log);
    commanded(&w, COMMAND_OF(.kind = COMMAND_DELAY, HTTP, .start = w.t + 300 * 1000),
              "next notification delayed: web1/http\n");
    pass(&w, 299);
    votes(&w, "web1", CRIT);
    expect(&w, "");
    pass(&w, 1);
    expect(&w, "PROBLEM web1/http CRITICAL HARD 1/1 #2 CRITICAL by web1 [boss,ops]\n");
    world_end(&w);
}

static void turn(struct world *w, bool on, enum command_subject s, enum command_target target) {
    struct op_command c =
        COMMAND_OF(.kind = on ? COMMAND_ENABLE : COMMAND_DISABLE, .subject = s, .target = target,
                   .host = target == TARGET_CLUSTER ? "" : "web1", .service = target == TARGET_OBJECT ? "http" : "");
    assert_int_equal(command(w, c), ERR_OK);
}

static void notifications_are_turned_off_and_on(void **state) {
    (void)state;
    struct world w = world_begin(EVERY_MINUTE);
    static const enum command_target targets[] = {TARGET_OBJECT, TARGET_SERVICES, TARGET_CLUSTER};
    for (unsigned i = 0; i < 3; i++) {
        turn(&w, false, SUBJECT_NOTIFICATIONS, targets[i]);
        votes(&w, "web1", CRIT);
        votes(&w, "web1", OK);
        expect(&w, "");
        turn(&w, true, SUBJECT_NOTIFICATIONS, targets[i]);
        votes(&w, "web1", CRIT);
        votes(&w, "web1", OK);
        expect(&w, "PROBLEM web1/http CRITICAL HARD 1/1 #1 CRITICAL by web1 [boss,ops]\n"
                   "RECOVERY web1/http OK HARD 1/1 #2 OK by web1 [ops]\n");
    }
    world_end(&w);
}

static void what_the_definition_turned_off_an_operator_turns_on(void **state) {
    (void)state;
    struct world w = world_begin(LASTING(" notifications_enabled 0\n"));
    votes(&w, "web1", CRIT);
    expect(&w, "");
    turn(&w, true, SUBJECT_NOTIFICATIONS, TARGET_OBJECT);
    votes(&w, "web1", WARN);
    expect(&w, "PROBLEM web1/http WARNING HARD 1/1 #1 WARNING by web1 [ops]\n");
    apply(&w, LASTING(" notifications_enabled 0\n display_name x\n"));
    votes(&w, "web1", CRIT);
    expect(&w, "PROBLEM web1/http CRITICAL HARD 1/1 #2 CRITICAL by web1 [ops]\n");
    world_end(&w);
}

static enum error says(struct world *w, uint8_t state) {
    struct observation o = result_of(w, "web1", "http", state, "x");
    return say(w, "web1", &o);
}

static void results_that_nobody_may_send_do_not_grow_stale(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(" max_check_attempts 1\n"));
    static const enum command_target targets[] = {TARGET_OBJECT, TARGET_CLUSTER};
    for (unsigned i = 0; i < 2; i++) {
        votes(&w, "web1", OK);
        turn(&w, false, SUBJECT_RESULTS, targets[i]);
        assert_int_equal(says(&w, CRIT), ERR_TURNED_OFF);
        pass(&w, 100);
        expect(&w, "");
        turn(&w, true, SUBJECT_RESULTS, targets[i]);
        pass(&w, 29);
        expect(&w, "");
        assert_int_equal(says(&w, OK), ERR_OK);
    }
    pass(&w, 29);
    expect(&w, "");
    pass(&w, 1);
    assert_non_null(strstr(buffer_cstr(&w.log), "no observer reports since"));
    world_end(&w);
}

static void flapping_ends_when_it_is_not_looked_for(void **state) {
    (void)state;
    world_detects_flapping = true;
    struct world w = world_begin(
        LASTING(" notification_options w,u,c,r,f\n notification_interval 0\n") "define contact {\n contact_name flap\n "
                                                                               "service_notification_options f\n}\n");
    world_detects_flapping = false;
    for (unsigned i = 0; i < 12; i++) {
        votes(&w, "web1", i % 2 ? OK : CRIT);
    }
    buffer_clear(&w.log);
    assert_true(w.m->table.list[1].flapping);
    turn(&w, false, SUBJECT_FLAP_DETECTION, TARGET_CLUSTER);
    assert_false(w.m->table.list[1].flapping);
    expect(&w, "RECOVERY web1/http OK HARD 1/1 #1 OK by web1 [ops]\n"); /* told before, ended meanwhile */
    for (unsigned i = 0; i < 12; i++) {
        votes(&w, "web1", i % 2 ? OK : CRIT);
    }
    assert_false(w.m->table.list[1].flapping);
    world_end(&w);
}

static void an_acknowledgement_takes_the_place_of_the_last(void **state) {
    (void)state;
    struct world w = world_begin(EVERY_MINUTE);
    votes(&w, "web1", CRIT);
    for (unsigned i = 1; i < NOTES_OF_OBJECT_MAX; i++) {
        assert_int_equal(command(&w, COMMAND_OF(.kind = COMMAND_COMMENT, HTTP, .comment = "x")), ERR_OK);
    }
    acknowledge(&w, 0, 0);
    acknowledge(&w, COMMAND_STICKY, 0);
    assert_int_equal(notes_left(&w), NOTES_OF_OBJECT_MAX);
    world_end(&w);
}

static void nothing_is_enabled_that_nobody_disabled(void **state) {
    (void)state;
    struct world w = world_begin(EVERY_MINUTE);
    commanded(&w, COMMAND_OF(.kind = COMMAND_ENABLE, .target = TARGET_CLUSTER, .subject = SUBJECT_FLAP_DETECTION),
              "nobody had disabled it for the whole cluster: what the objects say stands\n");
    not_commanded(&w,
                  COMMAND_OF(.kind = COMMAND_DISABLE, .target = TARGET_CLUSTER, .subject = SUBJECT_RESULTS, .id = 7),
                  ERR_BAD_COMMAND, "the command does not fit its target\n");
    assert_int_equal(says(&w, OK), ERR_OK);
    world_end(&w);
}

static void what_is_not_known_yet_has_no_numbers(void **state) {
    (void)state;
    struct world w = world_begin(EVERY_MINUTE);
    commanded(&w, COMMAND_OF(.kind = COMMAND_NOTIFY, HTTP, .flags = COMMAND_INCREMENT, .comment = "drill"),
              "alert 1 of web1/http\n");
    expect(&w, "CUSTOM web1/http PENDING HARD 1/1 #0  [boss,ops] ada: drill\n");
    votes(&w, "web1", CRIT);
    expect(&w, "PROBLEM web1/http CRITICAL HARD 1/1 #1 CRITICAL by web1 [boss,ops]\n");
    commanded(&w, COMMAND_OF(.kind = COMMAND_DELAY, HTTP), "next notification delayed: web1/http\n");
    pass(&w, 1); /* to a moment that is past: now */
    expect(&w, "PROBLEM web1/http CRITICAL HARD 1/1 #2 CRITICAL by web1 [boss,ops]\n");
    world_end(&w);
}

/* 4 KiB for each of many would be gigabytes of records for one small command. */
static void many_words_are_not_for_many_objects(void **state) {
    (void)state;
    struct buffer text = {0};
    char *words = test_malloc(COMMENT_MAX_LEN + 1);
    memset(words, 'x', COMMENT_MAX_LEN);
    words[COMMENT_MAX_LEN] = 0;
    buffer_printf(&text, "%s" HOST_OF("web1", ""), PEOPLE);
    for (unsigned i = 0; i < 4096; i++) {
        buffer_printf(&text, "define service {\n use s\n host_name web1\n service_description s%u\n}\n", i);
    }
    struct world w = world_begin(buffer_cstr(&text));
    struct op_command c = COMMAND_OF(.kind = COMMAND_DOWNTIME, .target = TARGET_SERVICES, .host = "web1",
                                     .flags = COMMAND_FIXED, .start = w.t, .end = w.t + 5, .comment = words);
    assert_int_equal(command(&w, c), ERR_TOO_MANY);
    assert_int_equal(notes_left(&w), 0);
    words[100] = 0;
    assert_int_equal(command(&w, c), ERR_OK);
    assert_int_equal(notes_left(&w), 4096);
    test_free(words);
    buffer_free(&text);
    world_end(&w);
}

static void a_command_fits_its_target(void **state) {
    (void)state;
    struct world w = world_begin(EVERY_MINUTE);
    for (unsigned kind = 1; kind < COMMAND_KIND_LIMIT; kind++) {
        for (unsigned target = 1; target < TARGET_LIMIT; target++) {
            enum error e =
                command(&w, COMMAND_OF(.kind = (enum command_kind)kind, .target = (enum command_target)target,
                                       .host = "web1", .start = w.t, .end = w.t + 5));
            assert_true(e != ERR_OK || w.why.len > 0);
        }
    }
    not_commanded(&w, COMMAND_OF(.kind = COMMAND_ENABLE, .target = TARGET_CLUSTER), ERR_BAD_COMMAND,
                  "the command does not fit its target\n");
    not_commanded(&w, COMMAND_OF(.kind = COMMAND_DOWNTIME, .target = TARGET_CLUSTER, .start = w.t, .end = w.t + 1),
                  ERR_BAD_COMMAND, "the command does not fit its target\n");
    world_end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_acknowledged_problem_is_not_told_again),
        cmocka_unit_test(a_normal_one_ends_with_the_state),
        cmocka_unit_test(a_sticky_one_holds_until_all_is_well),
        cmocka_unit_test(a_persistent_comment_outlives_it),
        cmocka_unit_test(an_expiring_one_ends_at_its_moment),
        cmocka_unit_test(only_a_problem_is_acknowledged),
        cmocka_unit_test(an_author_is_whom_the_command_names),
        cmocka_unit_test(comments_are_numbered_and_bounded),
        cmocka_unit_test(a_custom_notification_passes_few_tests),
        cmocka_unit_test(a_broadcast_reaches_those_of_escalations_too),
        cmocka_unit_test(an_operator_masks_and_unmasks),
        cmocka_unit_test(a_notification_can_be_put_off),
        cmocka_unit_test(notifications_are_turned_off_and_on),
        cmocka_unit_test(what_the_definition_turned_off_an_operator_turns_on),
        cmocka_unit_test(results_that_nobody_may_send_do_not_grow_stale),
        cmocka_unit_test(flapping_ends_when_it_is_not_looked_for),
        cmocka_unit_test(an_acknowledgement_takes_the_place_of_the_last),
        cmocka_unit_test(nothing_is_enabled_that_nobody_disabled),
        cmocka_unit_test(what_is_not_known_yet_has_no_numbers),
        cmocka_unit_test(many_words_are_not_for_many_objects),
        cmocka_unit_test(a_command_fits_its_target),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
