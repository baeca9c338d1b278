/* A drill of a running cluster, as the command follows it: what it orders, when it stops and what it says. */
#include "tests/unit/live_world.h"

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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(drill_that_goes_well_is_kept, world_begins, world_ends),
        cmocka_unit_test_setup_teardown(page_that_brings_nothing_is_the_last, world_begins, world_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
