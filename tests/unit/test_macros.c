/* What handlers are told: every macro's value, what is stripped, what is refused. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "client/macros.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct vote_view VOTES[] = {
    {.observer = "ap", .state = STATE_OK, .fresh = true},
    {.observer = "eu", .state = STATE_CRITICAL, .fresh = true},
    {.observer = "us", .state = STATE_CRITICAL, .fresh = true},
};
static const struct alert_contact CONTACTS[] = {
    {.name = "anna", .alias = "Anna A", .email = "anna@example.org", .pager = ""},
    {.name = "bert", .alias = "Bert B", .email = "bert@example.org", .pager = "123"},
};
static struct alert alert;
static struct macro_context context;

static int setup(void **state) {
    (void)state;
    setenv("TZ", "UTC", 1);
    tzset();
    alert = (struct alert){.number = 42,
                           .n = 7,
                           .t = 1769601600123, /* 2026-01-28T12:00:00.123Z, a Wednesday */
                           .type = ALERT_PROBLEM,
                           .host = "web1",
                           .host_alias = "the web",
                           .host_address = "10.0.0.1",
                           .service = "http",
                           .service_display = "HTTP",
                           .state = STATE_CRITICAL,
                           .last_state = STATE_OK,
                           .host_state = HOST_UP,
                           .hard = true,
                           .attempt = 3,
                           .max_attempts = 4,
                           .notification_number = 1,
                           .since = 1769601600123 - 90061000, /* 1 d 1 h 1 m 1 s */
                           .output = "refused; `rm` $HOME <b>\nline 2\nback\\slash",
                           .perfdata = "time=1s;'x'",
                           .quorum = 2,
                           .observers = 3,
                           .vote_count = 3,
                           .votes = VOTES,
                           .contact_count = 2,
                           .contacts = CONTACTS,
                           .author = "joe",
                           .comment = "works on it"};
    context = (struct macro_context){.alert = &alert, .contact = &CONTACTS[0], .cluster = {{0xab, 0xcd}}};
    return 0;
}

static void expands(const char *argument, const char *value) {
    struct buffer out = {0};
    macro_expand(&out, argument, &context);
    assert_string_equal(buffer_cstr(&out), value);
    buffer_free(&out);
}

static void a_service_alert_fills_the_macros_that_scripts_use(void **state) {
    (void)state;
    static const char *const ROWS[][2] = {
        {"$NOTIFICATIONTYPE$", "PROBLEM"},
        {"$NOTIFICATIONNUMBER$", "1"},
        {"$NOTIFICATIONRECIPIENTS$", "anna,bert"},
        {"$HOSTNAME$", "web1"},
        {"$HOSTALIAS$", "the web"},
        {"$HOSTADDRESS$", "10.0.0.1"},
        {"$HOSTSTATE$", "UP"},
        {"$HOSTOUTPUT$", ""},
        {"$SERVICEDESC$", "http"},
        {"$SERVICEDISPLAYNAME$", "HTTP"},
        {"$SERVICESTATE$", "CRITICAL"},
        {"$SERVICESTATEID$", "2"},
        {"$SERVICESTATETYPE$", "HARD"},
        {"$SERVICEATTEMPT$/$MAXSERVICEATTEMPTS$", "3/4"},
        {"$LASTSERVICESTATE$", "OK"},
        {"$SERVICEDURATION$", "1d 1h 1m 1s"},
        {"$CONTACTNAME$ $CONTACTALIAS$ $CONTACTEMAIL$ $CONTACTPAGER$", "anna Anna A anna@example.org "},
        {"$LONGDATETIME$", "Wed Jan 28 12:00:00 UTC 2026"},
        {"$SHORTDATETIME$", "01-28-2026 12:00:00"},
        {"$DATE$ $TIME$ $TIMET$", "01-28-2026 12:00:00 1769601600"},
        {"$QUORATE_ALERT_NUMBER$", "42"},
        {"$QUORATE_CLUSTER_ID$", "abcd0000000000000000000000000000"},
        {"$QUORATE_KEY$", "abcd0000000000000000000000000000:42"},
        {"$QUORATE_OBSERVERS$", "[2 of 3 observers; ap says OK]"},
        {"$HOSTGROUPNAMES$", ""},
        {"plain $$5 $HOSTNAME$.", "plain $5 web1."},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        expands(ROWS[i][0], ROWS[i][1]);
    }
}

static void a_host_alert_fills_the_host_forms(void **state) {
    (void)state;
    alert.service = alert.service_display = "";
    alert.state = HOST_DOWN;
    alert.last_state = HOST_UP;
    expands("$HOSTSTATE$ $HOSTSTATEID$ $HOSTSTATETYPE$ $LASTHOSTSTATE$", "DOWN 1 HARD UP");
    expands("$HOSTATTEMPT$/$MAXHOSTATTEMPTS$ $HOSTDURATION$", "3/4 1d 1h 1m 1s");
    expands("$HOSTOUTPUT$", "refused; rm HOME b");
    expands("$SERVICEDESC$$SERVICESTATE$$SERVICEOUTPUT$", "");
}

static void what_plugins_wrote_loses_its_teeth_in_arguments(void **state) {
    (void)state;
    expands("$SERVICEOUTPUT$", "refused; rm HOME b");
    expands("$LONGSERVICEOUTPUT$", "line 2\\nback\\\\slash");
    expands("$SERVICEPERFDATA$", "time=1s;x");
    alert.output = "`~$&|'\"<>\x1b[31m";
    expands("$SERVICEOUTPUT$", "[31m");
}

static const char *find(char **list, const char *name) {
    size_t len = strlen(name);
    for (; *list != NULL; list++) {
        if (strncmp(*list, name, len) == 0 && (*list)[len] == '=') {
            return *list + len + 1;
        }
    }
    return NULL;
}

static void the_environment_is_complete_and_unstripped(void **state) {
    (void)state;
    struct arena arena = {0};
    char *inherited[] = {(char *)"PATH=/bin", NULL};
    char **list = macro_environment(&arena, &context, inherited);
    assert_string_equal(find(list, "NAGIOS_SERVICEOUTPUT"), "refused; `rm` $HOME <b>");
    assert_string_equal(find(list, "NAGIOS_CONTACTNAME"), "anna");
    assert_string_equal(find(list, "QUORATE_KEY"), "abcd0000000000000000000000000000:42");
    assert_string_equal(find(list, "QUORATE_OBSERVERS"), "[2 of 3 observers; ap says OK]");
    assert_string_equal(find(list, "PATH"), "/bin");
    assert_null(find(list, "NAGIOS_HOSTOUTPUT"));
    assert_null(find(list, "NAGIOS_QUORATE_KEY"));
    arena_free(&arena);
}

static void without_a_contact_all_are_joined(void **state) {
    (void)state;
    context.contact = NULL;
    expands("$CONTACTEMAIL$", "anna@example.org,bert@example.org");
    expands("$CONTACTPAGER$", "123");
    alert.contact_count = 0;
    expands("$CONTACTNAME$", "");
}

static void observers_are_counted_by_what_they_support(void **state) {
    (void)state;
    struct vote_view votes[] = {
        {.observer = "a", .state = STATE_CRITICAL, .fresh = true},
        {.observer = "b", .state = STATE_WARNING, .fresh = true},
        {.observer = "c", .state = STATE_PENDING},
        {.observer = "d", .state = STATE_OK, .fresh = true, .masked = true},
        {.observer = "e", .state = STATE_UNKNOWN, .fresh = true},
    };
    alert.votes = votes;
    alert.vote_count = alert.observers = 5;
    alert.state = STATE_WARNING;
    expands("$QUORATE_OBSERVERS$", "[2 of 5 observers; c is silent; d is masked; e says UNKNOWN]");
    alert.state = STATE_OK;
    alert.vote_count = alert.observers = 1;
    expands("$QUORATE_OBSERVERS$", "[0 of 1 observer; a says CRITICAL]");
    alert.observers = 0;
    expands("$QUORATE_OBSERVERS$", "");
}

static void arguments_with_unknown_macros_are_refused(void **state) {
    (void)state;
    struct buffer unknown = {0};
    assert_true(macro_argument_valid("", &unknown));
    assert_true(macro_argument_valid("a$$b $HOSTNAME$ $CONTACTADDRESS1$", &unknown));
    assert_false(macro_argument_valid("$HOSTNAME$ $SERVICEDSC$", &unknown));
    assert_string_equal(buffer_cstr(&unknown), "$SERVICEDSC$");
    buffer_clear(&unknown);
    assert_false(macro_argument_valid("costs 5$", &unknown));
    assert_string_equal(buffer_cstr(&unknown), "$");
    buffer_free(&unknown);
}

static void only_our_own_words_may_stand_in_a_shells_program(void **state) {
    (void)state;
    static const char *const THEIRS[] = {"HOSTNAME",
                                         "HOSTDISPLAYNAME",
                                         "HOSTALIAS",
                                         "HOSTADDRESS",
                                         "SERVICEDESC",
                                         "SERVICEDISPLAYNAME",
                                         "CONTACTNAME",
                                         "CONTACTALIAS",
                                         "CONTACTEMAIL",
                                         "CONTACTPAGER",
                                         "NOTIFICATIONRECIPIENTS",
                                         "NOTIFICATIONAUTHOR",
                                         "NOTIFICATIONCOMMENT",
                                         "HOSTOUTPUT",
                                         "LONGHOSTOUTPUT",
                                         "HOSTPERFDATA",
                                         "HOSTACKAUTHOR",
                                         "HOSTACKCOMMENT",
                                         "SERVICEOUTPUT",
                                         "LONGSERVICEOUTPUT",
                                         "SERVICEPERFDATA",
                                         "SERVICEACKAUTHOR",
                                         "SERVICEACKCOMMENT",
                                         "QUORATE_OBSERVERS"};
    struct buffer argument = {0};
    for (size_t i = 0; i < sizeof THEIRS / sizeof THEIRS[0]; i++) {
        buffer_clear(&argument);
        buffer_printf(&argument, "$$ $TIMET$ $%s$", THEIRS[i]);
        assert_true(macro_argument_foreign(buffer_cstr(&argument)));
    }
    buffer_free(&argument);
    assert_false(macro_argument_foreign("$NOTIFICATIONTYPE$ $HOSTSTATE$ $SERVICESTATEID$ $SERVICEATTEMPT$ $TIMET$ "
                                        "$LONGDATETIME$ $QUORATE_KEY$ $$NAGIOS_HOSTNAME $HOSTDURATION$"));
    assert_false(macro_argument_foreign("plain"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(only_our_own_words_may_stand_in_a_shells_program, setup),
        cmocka_unit_test_setup(a_service_alert_fills_the_macros_that_scripts_use, setup),
        cmocka_unit_test_setup(a_host_alert_fills_the_host_forms, setup),
        cmocka_unit_test_setup(what_plugins_wrote_loses_its_teeth_in_arguments, setup),
        cmocka_unit_test_setup(the_environment_is_complete_and_unstripped, setup),
        cmocka_unit_test_setup(without_a_contact_all_are_joined, setup),
        cmocka_unit_test_setup(observers_are_counted_by_what_they_support, setup),
        cmocka_unit_test(arguments_with_unknown_macros_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
