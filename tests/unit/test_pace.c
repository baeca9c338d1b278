/* What nobody wants is read slowly, and those who bring something else wait for one pause a round, however many do. */
#include "replica/pace.h"

#include <setjmp.h>
#include <stdarg.h>
/* cmocka wants the headers above before its own. */
// clang-format off
#include <cmocka.h>
// clang-format on

enum { KIB = 1024, MILLION = 1000000 };

static void one_who_floods_is_read_at_64_mib_a_second(void **state) {
    (void)state;
    struct pace p = {0};
    uint64_t slept = 0;
    for (unsigned i = 0; i < 256; i++)
        slept += pace_unwanted(&p, 7, 256 * KIB);
    assert_in_range(slept, 990 * MILLION, 1010 * MILLION);
}

static void small_messages_cost_a_tenth_of_a_millisecond_each(void **state) {
    (void)state;
    struct pace p = {0};
    assert_int_equal(pace_unwanted(&p, 7, 1), 0);
    assert_int_equal(pace_unwanted(&p, 7, 1), PACE_MESSAGE_MIN_NS);
}

static void a_round_of_many_has_one_pause(void **state) {
    (void)state;
    struct pace p = {0};
    for (unsigned round = 0; round < 5; round++) {
        uint64_t slept = 0;
        for (uint32_t connection = 1; connection <= 64; connection++)
            slept += pace_unwanted(&p, connection, 256 * KIB);
        assert_int_equal(slept, round ? PACE_PAUSE_MAX_NS : 0);
    }
}

static void a_round_ends_although_its_first_left(void **state) {
    (void)state;
    struct pace p = {0};
    uint64_t slept = pace_unwanted(&p, 1, 1000 * KIB);
    for (unsigned i = 0; i < 1000; i++)
        slept += pace_unwanted(&p, 2, 1000 * KIB);
    assert_true(slept >= 900 * (uint64_t)PACE_PAUSE_MAX_NS);
}

static void an_endless_message_costs_one_pause(void **state) {
    (void)state;
    struct pace p = {0};
    assert_int_equal(pace_unwanted(&p, 1, SIZE_MAX), 0);
    assert_int_equal(pace_unwanted(&p, 2, 1), PACE_PAUSE_MAX_NS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_who_floods_is_read_at_64_mib_a_second),
        cmocka_unit_test(small_messages_cost_a_tenth_of_a_millisecond_each),
        cmocka_unit_test(a_round_of_many_has_one_pause),
        cmocka_unit_test(a_round_ends_although_its_first_left),
        cmocka_unit_test(an_endless_message_costs_one_pause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
