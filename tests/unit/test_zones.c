/* What apply reads off this machine's zone files is what its C library says of any moment. */
#include "base/prng.h"
#include "client/zones.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

/* cmocka wants the headers above before its own. */
#include <cmocka.h>

static void agrees_with_the_c_library(const char *name) {
    struct zone_shift shifts[ZONE_SHIFTS_MAX];
    int count = zones_read(name, shifts);
    if (count < 1) {
        fail_msg("%s is not known here: install tzdata", name);
    }
    struct zone z = {(unsigned)count, shifts};
    struct prng random;
    prng_seed(&random, 7);
    setenv("TZ", name, 1);
    tzset();
    for (int i = 0; i < 20000; i++) {
        int64_t utc = 1577836800 + (int64_t)prng_below(&random, 4102444800 - 1577836800);
        if (i < 2 * count) { /* the seconds around each shift */
            utc = shifts[i / 2].from - (i % 2 && i > 1);
        }
        time_t t = (time_t)utc;
        struct tm tm;
        localtime_r(&t, &tm);
        struct zone_local local = zone_local(&z, utc);
        assert_int_equal(local.second, tm.tm_hour * 3600 + tm.tm_min * 60 + tm.tm_sec);
        assert_int_equal(local.day * 86400 + local.second, utc + tm.tm_gmtoff);
    }
    unsetenv("TZ");
    tzset();
}

static void zones_are_read_as_they_are(void **state) {
    (void)state;
    agrees_with_the_c_library("Europe/Berlin");
    agrees_with_the_c_library("America/St_Johns");
    agrees_with_the_c_library("Australia/Lord_Howe"); /* half an hour of summer time */
    agrees_with_the_c_library("Asia/Gaza");           /* two changes within a month, in years to come */
    agrees_with_the_c_library("Asia/Kolkata");        /* none */
}

static void what_is_no_zone_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"",     "Nowhere/Land", "../../../etc/passwd", "/etc/passwd", "Europe", "CET-1",
                                      ":UTC", "zone.tab"};
    struct zone_shift shifts[ZONE_SHIFTS_MAX];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(zones_read(bad[i], shifts), -1);
    }
}

static void the_environment_stays_as_it_was(void **state) {
    (void)state;
    struct zone_shift shifts[ZONE_SHIFTS_MAX];
    setenv("TZ", "UTC", 1);
    assert_int_equal(zones_read("Asia/Tokyo", shifts), 1);
    assert_int_equal(shifts[0].offset, 9 * 3600);
    assert_string_equal(getenv("TZ"), "UTC");
    unsetenv("TZ");
    zones_read("Asia/Tokyo", shifts);
    assert_null(getenv("TZ"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zones_are_read_as_they_are),
        cmocka_unit_test(what_is_no_zone_is_refused),
        cmocka_unit_test(the_environment_stays_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
