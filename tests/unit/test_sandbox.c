/* --behave starts a traitor in a sandbox and nowhere else. */
#include "replica/sandbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the headers above before its own. */
// clang-format off
#include <cmocka.h>
// clang-format on

static struct cluster cluster;
static struct secret_key secret;

static enum error open_as(struct fault **f, enum drills_mode drills, const char *behave, const char *says) {
    struct config config = {.self = 1, .behave = behave};
    struct fault_host host = {0};
    struct buffer why = {0};
    cluster = (struct cluster){.member_count = 4, .drills = drills};
    enum error e = sandbox_open(f, &config, &cluster, &secret, &host, &why);
    assert_non_null(strstr(buffer_cstr(&why), says));
    buffer_free(&why);
    return e;
}

static void outside_of_a_sandbox_no_option_starts_a_traitor(void **state) {
    (void)state;
    for (unsigned i = 0; fault_behaviour(i); i++) {
        struct fault *f;
        assert_int_equal(open_as(&f, DRILLS_OFF, fault_behaviour(i)->name, "drills: off"), ERR_FORBIDDEN);
        assert_null(f);
        assert_int_equal(open_as(&f, DRILLS_LIVE, fault_behaviour(i)->name, "drills: live"), ERR_FORBIDDEN);
        assert_null(f);
    }
}

static void where_drills_are_off_there_is_no_filter(void **state) {
    struct fault *f;
    (void)state;
    assert_int_equal(open_as(&f, DRILLS_OFF, NULL, ""), ERR_OK);
    assert_null(f);
}

static void without_the_option_the_filter_is_inert_and_the_signal_does_nothing(void **state) {
    (void)state;
    for (enum drills_mode drills = DRILLS_SANDBOX; drills <= DRILLS_LIVE; drills++) {
        struct fault *f;
        assert_int_equal(open_as(&f, drills, NULL, ""), ERR_OK);
        assert_false(fault_active(f));
        sandbox_toggle(f, NULL);
        assert_false(fault_active(f));
        fault_free(f);
    }
}

static void every_behaviour_begins_at_once_or_with_the_signal(void **state) {
    (void)state;
    for (unsigned i = 0; fault_behaviour(i); i++) {
        const char *name = fault_behaviour(i)->name;
        char later[80] = "later:";
        struct fault *f;
        assert_int_equal(open_as(&f, DRILLS_SANDBOX, name, ""), ERR_OK);
        assert_string_equal(fault_name(f), name);
        fault_free(f);
        strcat(later, name);
        assert_int_equal(open_as(&f, DRILLS_SANDBOX, later, ""), ERR_OK);
        assert_false(fault_active(f));
        sandbox_toggle(f, later);
        assert_string_equal(fault_name(f), name);
        sandbox_toggle(f, later);
        assert_false(fault_active(f));
        fault_free(f);
    }
}

static void what_this_member_cannot_do_is_said(void **state) {
    struct fault *f;
    (void)state;
    assert_int_equal(open_as(&f, DRILLS_SANDBOX, "starve-backup:1", "starve-backup:1"), ERR_NOT_FOUND);
    fault_free(f);
}

int main(void) {
    log_setup(false, LOG_ERROR_);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outside_of_a_sandbox_no_option_starts_a_traitor),
        cmocka_unit_test(where_drills_are_off_there_is_no_filter),
        cmocka_unit_test(without_the_option_the_filter_is_inert_and_the_signal_does_nothing),
        cmocka_unit_test(every_behaviour_begins_at_once_or_with_the_signal),
        cmocka_unit_test(what_this_member_cannot_do_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
