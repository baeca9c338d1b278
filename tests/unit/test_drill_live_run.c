/* A drill of a running cluster, as the command follows it: what it orders, when it stops and what it says. */
#include "replica/fault.h"
#include "tests/unit/live_world.h"

#include <fcntl.h>
#include <sys/wait.h>

static void drill_that_goes_well_is_kept(void **state) {
    (void)state;
    assert_int_equal(run(), CLI_DONE);
    assert_int_equal(world.orders, 1);
    assert_int_equal(world.stops, 0);
    assert_string_equal(reported("verdict"), "kept");
}

static void page_that_brings_nothing_is_the_last(void **state) {
    (void)state;
    world.empty_pages = true;
    assert_int_equal(run(), CLI_DONE);
}

/* ---- an operator interrupts ---- */

enum { BEFORE = 1000000, ORDERED = BEFORE + 3000 };

static void interrupt_before_the_order_prevents_it(void **state) {
    (void)state;
    world.signal_at[0] = BEFORE + 500;
    assert_int_equal(run(), CLI_REFUSED);
    assert_int_equal(world.orders, 0);
    must_say("interrupted: silent-backup: it was not ordered");
}

static void interrupt_while_it_is_ordered_stops_it(void **state) {
    (void)state;
    world.signal_while_ordering = true;
    assert_int_equal(run(), CLI_DONE);
    assert_int_equal(world.stops, 1);
}

static void interrupt_stops_it(void **state) {
    (void)state;
    world.signal_at[0] = ORDERED + 1000;
    assert_int_equal(run(), CLI_DONE);
    assert_int_equal(world.stops, 1);
    must_say("once more leaves at once");
}

static void stop_that_failed_is_ordered_again(void **state) {
    (void)state;
    world.signal_at[0] = ORDERED + 500;
    world.stop_fails_once = true;
    run();
    assert_int_equal(world.stops, 1);
}

static void interrupt_behind_the_end_stops_nothing(void **state) {
    (void)state;
    world.back_ms = 10000;
    world.signal_at[0] = ORDERED + FOR_MS + 5000;
    assert_int_equal(run(), CLI_DONE);
    assert_int_equal(world.stops, 0);
}

static void second_interrupt_leaves_without_judging(void **state) {
    (void)state;
    world.signal_at[0] = ORDERED + 1000;
    world.signal_at[1] = ORDERED + 1000;
    assert_int_equal(run(), CLI_REFUSED);
    assert_null(report);
    must_say("left: drill 1: it ends at its own time; nothing was judged");
}

static void second_interrupt_behind_the_end_says_that_it_is_over(void **state) {
    (void)state;
    world.back_ms = 10000;
    world.signal_at[0] = world.signal_at[1] = ORDERED + FOR_MS + 5000;
    assert_int_equal(run(), CLI_REFUSED);
    assert_null(report);
    must_say("left: drill 1: it is over; nothing was judged");
}

/* ---- the order ---- */

static void unanswered_order_may_still_begin(void **state) {
    (void)state;
    world.order_unanswered = true;
    assert_int_equal(run(), CLI_NO_QUORUM);
    assert_null(report);
    must_say("it may still begin: silent-backup: look with `quorate drill status`, end it with `quorate drill stop`");
}

static void drill_of_primaries_is_refused_of_a_backup(void **state) {
    (void)state;
    world.view = 6;
    assert_int_equal(run_named("silent-primary"), CLI_REFUSED);
    assert_int_equal(world.orders, 0);
    must_say("replica 1 does not lead: --replica: give 2, the primary of view 6");
    world.view = 5;
    run_named("silent-primary");
    assert_int_equal(world.orders, 1);
}

static enum fault_seat seat_of(const char *behaviour) {
    const struct fault_behaviour *b;
    for (unsigned i = 0; (b = fault_behaviour(i)) != NULL; i++) {
        if (strlen(b->name) == strcspn(behaviour, ":") && strncmp(b->name, behaviour, strlen(b->name)) == 0) {
            return b->seat;
        }
    }
    fail_msg("no such behaviour: %s", behaviour);
    return FAULT_SEAT_ANY;
}

static void drills_that_need_the_primary_are_those_of_its_seat(void **state) {
    const struct drill *d;
    (void)state;
    for (unsigned i = 0; (d = drill_at(i)) != NULL; i++) {
        if (d->live != NULL && live_needs_primary(d->live) != (seat_of(d->live) == FAULT_SEAT_PRIMARY)) {
            fail_msg("%s: %s", d->name, d->live);
        }
    }
}

/* ---- judging ---- */

/* What is older than the drill is none of its matters, also while nobody knows when it began. */
static void history_breaks_no_promise(void **state) {
    struct evidence_record old = {
        .culprit = cluster.members[3].key, .kind = EV_EQUIV_PP, .count = 1, .first_n = 5, .last_n = 5};
    struct object_status down = {
        .host = "old", .service = "", .state = 1, .hard = true, .since = 777, .output = "", .perfdata = ""};
    (void)state;
    world.deaf_questions = 1;
    world.proofs = &old;
    world.states = &down;
    world.proof_count = world.state_count = 1;
    assert_int_equal(run(), CLI_DONE);
}

static void conviction_meanwhile_breaks_accountability(void **state) {
    struct evidence_record lie = {.culprit = cluster.members[3].key,
                                  .kind = EV_EQUIV_PP,
                                  .count = 1,
                                  .first_n = DRILL_AT + 1,
                                  .last_n = DRILL_AT + 1};
    (void)state;
    world.proofs = &lie;
    world.proof_count = 1;
    assert_int_equal(run(), CLI_REFUSED);
    assert_string_equal(reported("verdict"), "broken");
}

static void proofs_of_the_drill_stand_in_the_report(void **state) {
    struct evidence_record lie = {.culprit = cluster.members[TARGET].key,
                                  .kind = EV_EQUIV_PP,
                                  .count = 3,
                                  .first_n = DRILL_AT + 1,
                                  .last_n = DRILL_AT + 1,
                                  .drill = 1};
    (void)state;
    world.proofs = &lie;
    world.proof_count = 1;
    assert_int_equal(run(), CLI_DONE);
    const json_t *list = json_object_get(report, "evidence"), *first = json_array_get(list, 0);
    assert_int_equal(json_array_size(list), 1);
    assert_string_equal(json_string_value(json_object_get(first, "kind")), "EV1");
    assert_string_equal(json_string_value(json_object_get(first, "culprit")), "replica 1");
    must_say("replica 1 is proven to be drilled: EV1");
}

/* The throughput during the drill is not mixed with that of the target's way back. */
static void figures_of_the_drill_end_with_it(void **state) {
    (void)state;
    world.back_ms = 60000;
    world.idle_when_over = true;
    assert_int_equal(run(), CLI_DONE);
    const json_t *during = json_object_get(json_object_get(report, "during"), "batches_per_s");
    assert_true(json_real_value(during) > 1.0);
}

/* ---- the command ---- */

static int command(void) {
    char *argv[] = {"drill", "run", "silent-backup", "--replica", "1", "--for", "4s", NULL};
    return verb_drill(7, argv);
}

static void key_is_read_before_anything_is_measured(void **state) {
    mono_ms began = world.now;
    (void)state;
    world.no_key = true;
    assert_int_equal(command(), CLI_REFUSED);
    assert_int_equal(world.now, began);
}

/* As `| head` does. */
static void report_is_kept_though_nobody_reads_it(void **state) {
    char directory[] = "/tmp/quorate-unit-XXXXXX", path[64];
    int ends[2], status;
    (void)state;
    assert_non_null(mkdtemp(directory));
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    pid_t child = fork();
    if (child == 0) {
        setenv("QUORATE_DRILLS", directory, 1);
        signal(SIGPIPE, SIG_DFL);
        dup2(ends[1], STDOUT_FILENO);
        dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
        setvbuf(stdout, NULL, _IONBF, 0);
        command();
        _exit(0);
    }
    close(ends[1]);
    waitpid(child, &status, 0);
    assert_true(WIFSIGNALED(status));
    snprintf(path, sizeof path, "%s/silent-backup.json", directory);
    assert_int_equal(unlink(path), 0);
    snprintf(path, sizeof path, "%s/last.jsonl", directory);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(directory), 0);
}

#define RUN(test) cmocka_unit_test_setup_teardown(test, world_begins, world_ends)

int main(void) {
    const struct CMUnitTest tests[] = {
        RUN(drill_that_goes_well_is_kept),
        RUN(page_that_brings_nothing_is_the_last),
        RUN(interrupt_before_the_order_prevents_it),
        RUN(interrupt_while_it_is_ordered_stops_it),
        RUN(interrupt_stops_it),
        RUN(stop_that_failed_is_ordered_again),
        RUN(interrupt_behind_the_end_stops_nothing),
        RUN(second_interrupt_leaves_without_judging),
        RUN(second_interrupt_behind_the_end_says_that_it_is_over),
        RUN(unanswered_order_may_still_begin),
        RUN(drill_of_primaries_is_refused_of_a_backup),
        RUN(drills_that_need_the_primary_are_those_of_its_seat),
        RUN(history_breaks_no_promise),
        RUN(conviction_meanwhile_breaks_accountability),
        RUN(figures_of_the_drill_end_with_it),
        RUN(proofs_of_the_drill_stand_in_the_report),
        RUN(key_is_read_before_anything_is_measured),
        RUN(report_is_kept_though_nobody_reads_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
