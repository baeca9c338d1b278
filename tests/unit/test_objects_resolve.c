/* What directives mean once resolved: defaults, units, options, observers, implied inheritance; and what is refused. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
/* clang-format on */

#include "checks/objects.h"

#define COMMAND "define command {\ncommand_name ping\ncommand_line /bin/ping $ARG1$\n}\n"
#define HOST(name, more) "define host {\nhost_name " name "\nmax_check_attempts 3\n" more "}\n"
#define SERVICE(more)                                                                                                  \
    "define service {\nhost_name a\nservice_description s\nmax_check_attempts 3\ncheck_command ping!a\n" more "}\n"
#define CONTACT(name, more) "define contact {\ncontact_name " name "\n" more "}\n"

static struct objects *good_in(const char *text, time_ms unit) {
    struct buffer why = {0};
    struct objects *o = NULL;
    struct object_source source = {"a.cfg", bytes_of_text(text)};
    struct object_options options = {.interval_length = unit};
    enum error e = objects_parse(&o, &source, 1, &options, NULL, &why);
    if (e != ERR_OK) {
        print_message("%s", buffer_cstr(&why));
    }
    assert_int_equal(e, ERR_OK);
    buffer_free(&why);
    return o;
}

static struct objects *good(const char *text) {
    return good_in(text, 60000);
}

static void refused(const char *text, const char *expected) {
    struct buffer why = {0};
    struct objects *o = NULL;
    struct object_source source = {"a.cfg", bytes_of_text(text)};
    enum error e = objects_parse(&o, &source, 1, NULL, NULL, &why);
    assert_string_equal(buffer_cstr(&why), expected);
    assert_int_equal(e, ERR_BAD_OBJECTS);
    assert_null(o);
    buffer_free(&why);
}

static void a_host_that_says_little_gets_nagios_defaults(void **state) {
    (void)state;
    struct objects *o = good(HOST("a", ""));
    const struct object_checkable *h = objects_host(o, "a");
    assert_non_null(h);
    assert_string_equal(h->service, "");
    assert_string_equal(h->display, "a");
    assert_string_equal(h->alias, "a");
    assert_string_equal(h->address, "a");
    assert_string_equal(h->check_command, "");
    assert_string_equal(h->notification_period, "");
    assert_int_equal(h->max_check_attempts, 3);
    assert_int_equal(h->check_interval, 300000);
    assert_int_equal(h->retry_interval, 60000);
    assert_int_equal(h->notification_interval, 1800000);
    assert_int_equal(h->first_notification_delay, 0);
    assert_int_equal(h->freshness_threshold, 750000);
    assert_true(h->check_freshness);
    assert_true(h->notifications_enabled);
    assert_false(h->is_volatile);
    assert_int_equal(h->notification_options,
                     NOTIFY_DOWN | NOTIFY_UNREACHABLE | NOTIFY_RECOVERY | NOTIFY_FLAPPING | NOTIFY_DOWNTIME);
    assert_int_equal(h->observer_count, 1);
    assert_string_equal(h->observers[0], "a");
    assert_true(h->observers_implicit);
    assert_int_equal(h->quorum, 1);
    assert_int_equal(h->stale_state, -1);
    assert_false(h->dissent_notify);
    assert_null(objects_host(o, "b"));
    objects_free(o);
}

static void a_service_says_everything(void **state) {
    (void)state;
    struct objects *o = good(
        COMMAND HOST("a", "") CONTACT("c", "") "define timeperiod {\ntimeperiod_name none\nalias never\n}\n" SERVICE(
            "display_name d\nis_volatile 1\nnormal_check_interval 1.5\nretry_check_interval .25\ncheck_freshness 0\n"
            "freshness_threshold 30\nnotification_interval 0\nfirst_notification_delay 2\nnotification_options c,r\n"
            "notification_period none\nnotifications_enabled 0\ncontacts c\n_observers us, eu,ap,eu\n_quorum 3\n"
            "_STALE_STATE critical\n_DISSENT_NOTIFY 1\n_zone B\n_Area A\n"));
    const struct object_checkable *s = objects_service(o, "a", "s");
    assert_non_null(s);
    assert_string_equal(s->display, "d");
    assert_string_equal(s->check_command, "ping!a");
    assert_true(s->is_volatile);
    assert_int_equal(s->check_interval, 90000);
    assert_int_equal(s->retry_interval, 15000);
    assert_false(s->check_freshness);
    assert_int_equal(s->freshness_threshold, 30000);
    assert_int_equal(s->notification_interval, 0);
    assert_int_equal(s->first_notification_delay, 120000);
    assert_int_equal(s->notification_options, NOTIFY_CRITICAL | NOTIFY_RECOVERY);
    assert_string_equal(s->notification_period, "none");
    assert_false(s->notifications_enabled);
    assert_int_equal(s->observer_count, 3);
    assert_string_equal(s->observers[0], "ap");
    assert_string_equal(s->observers[2], "us");
    assert_false(s->observers_implicit);
    assert_int_equal(s->quorum, 3);
    assert_int_equal(s->stale_state, 2);
    assert_true(s->dissent_notify);
    assert_int_equal(s->variable_count, 2);
    assert_string_equal(s->variables[0].name, "_AREA");
    assert_string_equal(s->variables[1].value, "B");
    objects_free(o);
}

static void the_default_quorum_is_the_majority(void **state) {
    (void)state;
    static const struct {
        const char *observers;
        unsigned quorum;
    } cases[] = {{"a", 1}, {"a,b", 2}, {"a,b,c", 2}, {"a,b,c,d", 3}, {"a,b,c,d,e", 3}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer text = {0};
        buffer_printf(&text, HOST("a", "_OBSERVERS %s\n_QUORUM Majority\n"), cases[i].observers);
        struct objects *o = good(buffer_cstr(&text));
        assert_int_equal(o->hosts[0].quorum, cases[i].quorum);
        buffer_free(&text);
        objects_free(o);
    }
}

static void intervals_are_exact_milliseconds(void **state) {
    (void)state;
    static const struct {
        const char *text;
        time_ms unit, expected;
    } cases[] = {{"1", 60000, 60000},         {"0", 60000, 0},        {"0.5", 1000, 500},
                 {"0.1", 60000, 6000},        {"1.", 60000, 60000},   {".000001", 1000, 1},
                 {"0.3333333", 60000, 20000}, {"2.0005", 1000, 2001}, {"5256000", 60000, 315360000000},
                 {"0.999999999", 1000, 1000}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer text = {0};
        buffer_printf(&text, HOST("a", "check_interval %s\n"), cases[i].text);
        struct objects *o = good_in(buffer_cstr(&text), cases[i].unit);
        assert_int_equal(o->hosts[0].check_interval, cases[i].expected);
        assert_true(o->hosts[0].freshness_threshold > 0);
        buffer_free(&text);
        objects_free(o);
    }
}

static void freshness_defaults_to_two_and_a_half_intervals(void **state) {
    (void)state;
    struct objects *o = good(HOST("a", "check_interval 2\nfreshness_threshold 0\n") HOST("b", "check_interval 0\n"));
    assert_int_equal(o->hosts[0].freshness_threshold, 300000);
    assert_int_equal(o->hosts[1].freshness_threshold, 750000);
    objects_free(o);
}

static void services_take_from_their_host_what_they_do_not_say(void **state) {
    (void)state;
    const char *head = COMMAND CONTACT("c", "")
        CONTACT("d", "") "define timeperiod {\ntimeperiod_name none\nalias n\n}\n"
                         "define contactgroup {\ncontactgroup_name g\nmembers d\n}\n" HOST(
                             "a", "contacts c\ncontact_groups g\nnotification_interval 7\nnotification_period none\n");
    static const struct {
        const char *more;
        unsigned contacts;
        time_ms interval;
        const char *period;
    } cases[] = {{"", 2, 420000, "none"},
                 {"contacts d\n", 1, 420000, "none"},
                 {"contact_groups g\n", 1, 420000, "none"},
                 {"contacts null\n", 0, 420000, "none"},
                 {"notification_interval 1\n", 2, 60000, "none"},
                 {"notification_period null\n", 2, 420000, ""}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer text = {0};
        buffer_printf(&text, "%s" SERVICE("%s"), head, cases[i].more);
        struct objects *o = good(buffer_cstr(&text));
        assert_int_equal(o->services[0].contact_count, cases[i].contacts);
        assert_int_equal(o->services[0].notification_interval, cases[i].interval);
        assert_string_equal(o->services[0].notification_period, cases[i].period);
        buffer_free(&text);
        objects_free(o);
    }
}

static void contacts_groups_and_commands(void **state) {
    (void)state;
    struct objects *o =
        good(COMMAND CONTACT("z", "email z@x\npager 1\ncontactgroups g\nhost_notification_options d\n"
                                  "service_notification_options n\nservice_notification_commands ping!b, ping\n"
                                  "host_notifications_enabled 0\n") CONTACT("y", "")
                 CONTACT("x", "") "define contactgroup {\ncontactgroup_name g\nmembers y,!x\n}\n"
                                  "define contactgroup {\ncontactgroup_name _SYSTEM_CONTACTS\nmembers y\n}\n" HOST(
                                      "a", "contact_groups g\ncontacts *,!y\n_SYSTEM_CONTACTS g\n"));
    const struct object_contact *z = &o->contacts[2];
    assert_string_equal(z->name, "z");
    assert_string_equal(z->alias, "z");
    assert_string_equal(z->email, "z@x");
    assert_false(z->host_enabled);
    assert_int_equal(z->host_options, NOTIFY_DOWN);
    assert_int_equal(z->service_options, 0);
    assert_int_equal(z->service_command_count, 2);
    assert_string_equal(z->service_commands[0], "ping");
    assert_string_equal(z->service_commands[1], "ping!b");
    assert_int_equal(o->contacts[0].service_options, NOTIFY_WARNING | NOTIFY_UNKNOWN | NOTIFY_CRITICAL |
                                                         NOTIFY_RECOVERY | NOTIFY_FLAPPING | NOTIFY_DOWNTIME);
    assert_int_equal(o->hosts[0].contact_count, 2);
    assert_string_equal(o->hosts[0].contacts[0], "x");
    assert_string_equal(o->hosts[0].contacts[1], "z");
    assert_int_equal(o->hosts[0].variable_count, 0);
    assert_int_equal(o->system_contact_count, 2);
    assert_string_equal(o->system_contacts[0], "y");
    objects_free(o);
}

#define WEEK                                                                                                           \
    "monday 00:00-24:00\ntuesday 00:00-24:00\nwednesday 00:00-24:00\nthursday 00:00-24:00\nfriday 00:00-24:00\n"       \
    "saturday 00:00-24:00\n"
#define PERIOD(name, more) "define timeperiod {\ntimeperiod_name " name "\n" more "}\n"

static int berlin(const char *name, struct zone_shift *out) {
    out[0] = (struct zone_shift){1577836800, 3600};
    return strcmp(name, "Europe/Berlin") == 0 ? 1 : -1;
}

static void time_periods_keep_their_ranges(void **state) {
    (void)state;
    struct object_source source = {
        "a.cfg", bytes_of_text(
                     PERIOD("24x7", WEEK "sunday 00:00-24:00\n") PERIOD("none", "") PERIOD("a", "register 0\n")
                         PERIOD("base", "name base\nday 1 00:00-24:00\nday 15 - -1 / 2 06:00-07:00\nmonday 8:00-9:00\n")
                             PERIOD("p", "use base\n_timezone Europe/Berlin\nMonday 10:00-11:00\nday 1 00:00-12:00\n"
                                         "exclude none,24x7\n"))};
    struct object_options options = {.zone = berlin};
    struct buffer why = {0};
    struct objects *o = NULL;
    if (objects_parse(&o, &source, 1, &options, NULL, &why) != ERR_OK) {
        fail_msg("%s", buffer_cstr(&why));
    }
    buffer_free(&why);
    assert_int_equal(o->timeperiod_count, 4);
    assert_int_equal(o->timeperiods[0].rule_count, 7);
    assert_int_equal(o->timeperiods[2].rule_count, 0); /* none */
    const struct object_timeperiod *p = &o->timeperiods[3];
    assert_string_equal(p->zone, "Europe/Berlin");
    assert_int_equal(p->rule_count, 4);
    assert_string_equal(p->rules[0], "monday 10:00-11:00");
    assert_string_equal(p->rules[1], "day 1 00:00-12:00"); /* not the template's */
    assert_string_equal(p->rules[2], "day 15 - day -1 / 2 06:00-07:00");
    assert_int_equal(p->exclude_count, 2);
    assert_int_equal(o->zone_count, 1);
    assert_string_equal(o->zones[0].name, "Europe/Berlin");
    objects_free(o);
}

static void wrong_time_periods_are_told(void **state) {
    (void)state;
    refused(PERIOD("p", "monday 09:00-17:00\nmonday 18:00-19:00\n"),
            "a.cfg:4: monday: given twice in one definition (first in line 3): remove one\n");
    refused(PERIOD("p", "monday\n"), "a.cfg:3: 'monday' has no times: give some, such as 09:00-17:00\n");
    refused(PERIOD("p", "day 32 09:00-17:00\nmonday 22:00-06:00\n"),
            "a.cfg:3: day 32: 'day 32' names no days: write such as monday, 2026-01-28, february 10 - march 5, day -1, "
            "thursday 4 november, day 1 - 15 / 2\n"
            "a.cfg:4: monday: a range ends before it begins: write 22:00-24:00,00:00-06:00 for 22:00-06:00\n");
    refused(
        PERIOD("p", "_TIMEZONE Europe/Berlin\n_OTHER 1\n"),
        "a.cfg:3: _TIMEZONE: no time zone 'Europe/Berlin': name one of this machine's zoneinfo, or remove the line\n"
        "a.cfg:4: _OTHER: not a directive of timeperiod: correct or remove it\n");
    refused(PERIOD("p", "exclude q\n") PERIOD("q", "exclude p\n") PERIOD("r", "exclude s\n"),
            "a.cfg:3: exclude: 'p' excludes itself in the end, deeper than 7, or 511 ranges and more: exclude fewer\n"
            "a.cfg:7: exclude: 'q' excludes itself in the end, deeper than 7, or 511 ranges and more: exclude fewer\n"
            "a.cfg:11: exclude: no timeperiod 's': define it or correct the name\n");
}

static void bad_values_name_file_line_and_directive(void **state) {
    (void)state;
    static const struct {
        const char *directive, *problem;
    } cases[] = {
        {"notifications_enabled yes", "'yes' is neither 0 nor 1: give one of them"},
        {"check_interval -1", "'-1' is not a decimal number of at most ten years: correct it"},
        {"check_interval 1e3", "'1e3' is not a decimal number of at most ten years: correct it"},
        {"check_interval .", "'.' is not a decimal number of at most ten years: correct it"},
        {"check_interval 5256001", "'5256001' is not a decimal number of at most ten years: correct it"},
        {"notification_options d,x", "'x' is no option: give some of d,u,r,f,s, or n, or a"},
        {"notification_options w", "'w' is no option: give some of d,u,r,f,s, or n, or a"},
        {"notification_period p", "no timeperiod 'p': define it or correct the name"},
        {"check_command c!x", "no command 'c': define it or correct the name"},
        {"contacts c", "no contact 'c': define it or correct the name"},
        {"contact_groups g", "no contactgroup 'g': define it or correct the name"},
        {"parents b", "no host 'b': define it or correct the name"},
        {"parents a", "host 'a' is its own ancestor: remove one of the parents on the way"},
        {"_STALE_STATE warning", "'warning' is no state: give up or down"},
        {"_DISSENT_NOTIFY 2", "'2' is neither 0 nor 1: give one of them"},
        {"_QUORUM 2", "'2' is not a whole number from 1 to 1: correct it"},
        {"_QUORUM 0", "'0' is not a whole number from 1 to 1: correct it"},
        {"_OBSERVERS ,", "names nobody: name the observers that vote or remove the line"},
        {"_SYSTEM_CONTACTS g", "no contactgroup 'g': define it or correct the name"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer text = {0}, expected = {0};
        buffer_printf(&text, HOST("a", "%s\n"), cases[i].directive);
        buffer_printf(&expected, "a.cfg:4: %.*s: %s\n", (int)strcspn(cases[i].directive, " "), cases[i].directive,
                      cases[i].problem);
        refused(buffer_cstr(&text), buffer_cstr(&expected));
        buffer_free(&text);
        buffer_free(&expected);
    }
}

static void what_is_required_is_asked_for(void **state) {
    (void)state;
    refused("define host {\nhost_name a\n}\n",
            "a.cfg:1: max_check_attempts: missing: give every host one, by a template or itself\n");
    refused(HOST("a", "") "define service {\nhost_name a\nservice_description s\nmax_check_attempts 1\n}\n",
            "a.cfg:5: check_command: missing: give a value\n");
    refused("define command {\ncommand_name c\n}\n", "a.cfg:1: command_line: missing: give a value\n");
    refused("define contact {\nalias c\n}\n",
            "a.cfg:1: contact_name: missing: give every contact one, or register 0\n");
    refused("define command {\ncommand_name a!b\ncommand_line x\n}\n",
            "a.cfg:2: command_name: a command's name cannot hold '!': choose another name\n");
    refused(HOST("a\\;b", ""), "a.cfg:1: _OBSERVERS: 'a;b' holds a ';' or a control character: choose another name\n"
                               "a.cfg:2: host_name: 'a;b' holds a ';' or a control character: choose another name\n");
}

static void parents_in_a_circle_are_named(void **state) {
    (void)state;
    refused(HOST("a", "parents c\n") HOST("b", "parents a\n") HOST("c", "parents b\n") HOST("d", "parents c\n"),
            "a.cfg:4: parents: host 'a' is its own ancestor: remove one of the parents on the way\n");
}

/* A host that tells `count` contacts, each with a pager of `len` bytes. */
static enum error told_to(unsigned count, size_t len, struct buffer *why) {
    struct buffer text = {0};
    struct objects *o = NULL;
    char *pager = xcalloc(1, len + 1);
    memset(pager, 'p', len);
    buffer_printf(&text, "define host {\nhost_name a\nmax_check_attempts 3\ncontact_groups g\n}\n"
                         "define contactgroup {\ncontactgroup_name g\n}\n");
    for (unsigned i = 0; i < count; i++) {
        buffer_printf(&text, "define contact {\ncontact_name c%u\ncontactgroups g\npager %s\n}\n", i, pager);
    }
    struct object_source source = {"a.cfg", buffer_bytes(&text)};
    buffer_clear(why);
    enum error e = objects_parse(&o, &source, 1, NULL, NULL, why);
    objects_free(o);
    buffer_free(&text);
    free(pager);
    return e;
}

static void an_alert_s_contacts_fit_into_an_answer(void **state) {
    (void)state;
    struct buffer why = {0};
    assert_int_equal(told_to(1024, 400, &why), ERR_OK);
    assert_int_equal(told_to(1025, 1, &why), ERR_BAD_OBJECTS);
    assert_non_null(strstr(buffer_cstr(&why), "contacts: 1025 contacts of "));
    assert_int_equal(told_to(60, 8192, &why), ERR_OK);
    assert_int_equal(told_to(64, 8192, &why), ERR_BAD_OBJECTS);
    assert_int_equal(told_to(1, 8193, &why), ERR_BAD_OBJECTS);
    assert_non_null(strstr(buffer_cstr(&why), "pager: "));
    buffer_free(&why);
}

static void the_order_of_the_text_does_not_matter(void **state) {
    (void)state;
    struct objects *one = good(COMMAND HOST("a", "") HOST("b", "parents a\n") SERVICE("_OBSERVERS x,y\n"));
    struct objects *two = good(SERVICE("_OBSERVERS y , x\n") HOST("b", "parents a\n") HOST("a", "") COMMAND);
    struct buffer first = {0}, second = {0};
    objects_encode(&first, one);
    objects_encode(&second, two);
    assert_true(bytes_equal(buffer_bytes(&first), buffer_bytes(&second)));
    buffer_free(&first);
    buffer_free(&second);
    objects_free(one);
    objects_free(two);
}

static void several_sources_are_one_configuration(void **state) {
    (void)state;
    struct object_source sources[2] = {{"h.cfg", bytes_of_text(HOST("a", "use t\nparents b\n"))},
                                       {"t.cfg", bytes_of_text("define host {\nname t\nregister 0\nalias T\n}\n")}};
    struct buffer why = {0};
    struct objects *o = NULL;
    assert_int_equal(objects_parse(&o, sources, 2, NULL, NULL, &why), ERR_BAD_OBJECTS);
    assert_string_equal(buffer_cstr(&why), "h.cfg:5: parents: no host 'b': define it or correct the name\n");
    buffer_clear(&why);
    sources[0].text = bytes_of_text(HOST("a", "use t\n"));
    assert_int_equal(objects_parse(&o, sources, 2, NULL, NULL, &why), ERR_OK);
    assert_string_equal(o->hosts[0].alias, "T");
    assert_int_equal(o->interval_length, 60000);
    buffer_free(&why);
    objects_free(o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_that_says_little_gets_nagios_defaults),
        cmocka_unit_test(a_service_says_everything),
        cmocka_unit_test(the_default_quorum_is_the_majority),
        cmocka_unit_test(intervals_are_exact_milliseconds),
        cmocka_unit_test(freshness_defaults_to_two_and_a_half_intervals),
        cmocka_unit_test(services_take_from_their_host_what_they_do_not_say),
        cmocka_unit_test(contacts_groups_and_commands),
        cmocka_unit_test(time_periods_keep_their_ranges),
        cmocka_unit_test(wrong_time_periods_are_told),
        cmocka_unit_test(bad_values_name_file_line_and_directive),
        cmocka_unit_test(what_is_required_is_asked_for),
        cmocka_unit_test(parents_in_a_circle_are_named),
        cmocka_unit_test(an_alert_s_contacts_fit_into_an_answer),
        cmocka_unit_test(the_order_of_the_text_does_not_matter),
        cmocka_unit_test(several_sources_are_one_configuration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
