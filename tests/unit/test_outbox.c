/* The pager's memory and its handlers: what a crash leaves, what is run again, what never twice. Real commands. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "client/handler.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64], path[96], record[96];
static struct outbox *outbox;
static struct buffer why;
static const struct cluster_id CLUSTER = {{1, 2}};
static int stop_fd;

static enum error try_open(const struct cluster_id *cluster) {
    buffer_clear(&why);
    return outbox_open(&outbox, path, cluster, &why);
}

static void reopen(void) {
    outbox_close(outbox);
    outbox = NULL;
    assert_int_equal(try_open(&CLUSTER), ERR_OK);
}

static int setup(void **state) {
    (void)state;
    strcpy(dir, "/tmp/quorate-outbox-XXXXXX");
    if (mkdtemp(dir) == NULL) {
        return -1;
    }
    snprintf(path, sizeof path, "%s/state", dir);
    snprintf(record, sizeof record, "%s/record", dir);
    stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return try_open(&CLUSTER) == ERR_OK ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    char command[128];
    outbox_close(outbox);
    outbox = NULL;
    close(stop_fd);
    buffer_free(&why);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command);
}

static void stands(const char *handler, uint64_t handed, unsigned next_run, bool attempting) {
    struct outbox_position p;
    assert_true(outbox_find(outbox, handler, &p));
    assert_int_equal(p.handed, handed);
    assert_int_equal(p.next_run, next_run);
    assert_int_equal(p.attempting, attempting);
}

static void append(const char *text) {
    FILE *f = fopen(path, "ae");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void every_mark_survives_a_crash(void **state) {
    (void)state;
    struct outbox_position p;
    uint64_t highest;
    assert_false(outbox_find(outbox, "page", &p));
    assert_false(outbox_highest(outbox, &highest));
    assert_int_equal(outbox_handed(outbox, "page", 10, &why), ERR_OK);
    assert_int_equal(outbox_handed(outbox, "mail", 0, &why), ERR_OK);
    reopen();
    stands("page", 10, 0, false);
    stands("mail", 0, 0, false);
    assert_true(outbox_highest(outbox, &highest));
    assert_int_equal(highest, 10);
    assert_int_equal(outbox_attempt(outbox, "page", 11, 0, &why), ERR_OK);
    reopen();
    stands("page", 10, 0, true);
    assert_int_equal(outbox_attempt(outbox, "page", 11, 0, &why), ERR_OK);
    assert_int_equal(outbox_done(outbox, "page", 11, 0, &why), ERR_OK);
    reopen();
    stands("page", 10, 1, false);
    assert_int_equal(outbox_attempt(outbox, "page", 11, 3, &why), ERR_OK); /* runs 1 and 2 were not wanted */
    reopen();
    stands("page", 10, 3, true);
    assert_int_equal(outbox_done(outbox, "page", 11, 3, &why), ERR_OK);
    reopen();
    stands("page", 10, 4, false);
    assert_int_equal(outbox_handed(outbox, "page", 11, &why), ERR_OK);
    assert_int_equal(outbox_attempt(outbox, "page", 20, 0, &why), ERR_OK); /* 12 to 19 were not wanted */
    reopen();
    stands("page", 19, 0, true);
    stands("mail", 0, 0, false);
}

static void a_line_cut_short_by_a_crash_says_nothing(void **state) {
    (void)state;
    assert_int_equal(outbox_handed(outbox, "page", 10, &why), ERR_OK);
    append("attempt page 1");
    reopen();
    stands("page", 10, 0, false);
    assert_int_equal(outbox_attempt(outbox, "page", 11, 0, &why), ERR_OK);
    reopen();
    stands("page", 10, 0, true);
}

static void a_damaged_file_is_refused_with_its_line(void **state) {
    (void)state;
    static const char *const LINES[] = {"handed page\n",
                                        "handed page 5\n",
                                        "done page 12 0\n",
                                        "done page 11 1\n",
                                        "attempt page 10 0\n",
                                        "handed page 11 x\n",
                                        "\n",
                                        "handed ../x 1\n"};
    for (size_t i = 0; i < sizeof LINES / sizeof LINES[0]; i++) {
        outbox_close(outbox);
        outbox = NULL;
        unlink(path);
        assert_int_equal(try_open(&CLUSTER), ERR_OK);
        assert_int_equal(outbox_handed(outbox, "page", 10, &why), ERR_OK);
        append(LINES[i]);
        outbox_close(outbox);
        outbox = NULL;
        if (try_open(&CLUSTER) != ERR_CORRUPT) {
            fail_msg("taken: %s", LINES[i]);
        }
        assert_non_null(strstr(buffer_cstr(&why), "state:3"));
    }
}

static void a_state_file_belongs_to_one_cluster_and_one_notifier(void **state) {
    (void)state;
    struct outbox *second = NULL;
    struct cluster_id other = {{9}};
    assert_int_equal(outbox_open(&second, path, &CLUSTER, &why), ERR_IN_USE);
    outbox_close(outbox);
    outbox = NULL;
    assert_int_equal(try_open(&other), ERR_FOREIGN_CLUSTER);
    assert_non_null(strstr(buffer_cstr(&why), "another cluster"));
    FILE *f = fopen(path, "we");
    fputs("something else\n", f);
    fclose(f);
    assert_int_equal(try_open(&CLUSTER), ERR_CORRUPT);
}

static void the_journal_stays_short(void **state) {
    (void)state;
    struct stat st;
    uint64_t number = 0;
    assert_int_equal(outbox_handed(outbox, "page", 0, &why), ERR_OK);
    outbox_close(outbox);
    outbox = NULL;
    FILE *f = fopen(path, "ae");
    for (; number < 40000; number++) {
        fprintf(f, "handed page %u\n", (unsigned)number);
    }
    fclose(f);
    reopen();
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_size < 200);
    stands("page", 39999, 0, false);
}

/* --- handlers --- */

static const struct alert_contact CONTACTS[] = {
    {.name = "anna", .alias = "", .email = "", .pager = ""},
    {.name = "bert", .alias = "", .email = "", .pager = ""},
    {.name = "carl", .alias = "", .email = "", .pager = ""},
};

static struct alert make(uint64_t number, enum alert_type type) {
    return (struct alert){.number = number,
                          .t = 1000,
                          .type = type,
                          .host = "web1",
                          .host_alias = "",
                          .host_address = "",
                          .service = "http",
                          .service_display = "",
                          .output = "down \"now\"",
                          .perfdata = "",
                          .contact_count = 3,
                          .contacts = CONTACTS,
                          .author = "",
                          .comment = ""};
}

static char *script_argv[5];
static char doubled[256]; /* the script with $$ for $: the shell's variables are no macros */
static const char *wanted_contacts[3];
static struct notify_handler config;

/* A handler that runs the shell text with record's path as $0 and the alert's key in the environment. */
static struct handler *handler_with(const char *script, unsigned contacts) {
    struct outbox_position p;
    script_argv[0] = (char *)"/bin/sh";
    script_argv[1] = (char *)"-c";
    size_t len = 0;
    for (; *script != '\0' && len + 3 < sizeof doubled; script++) {
        doubled[len++] = *script;
        if (*script == '$') {
            doubled[len++] = '$';
        }
    }
    doubled[len] = '\0';
    script_argv[2] = doubled;
    script_argv[3] = record;
    wanted_contacts[0] = "anna";
    wanted_contacts[1] = "carl";
    config = (struct notify_handler){.name = "page",
                                     .argv = script_argv,
                                     .types = 1u << ALERT_PROBLEM,
                                     .contact_count = contacts,
                                     .contacts = wanted_contacts,
                                     .timeout = 30000};
    struct handler_setup setup = {.config = &config,
                                  .outbox = outbox,
                                  .cluster = CLUSTER,
                                  .stop_fd = stop_fd,
                                  .first_pause = 1,
                                  .longest_pause = 4};
    if (!outbox_find(outbox, "page", &p)) {
        assert_int_equal(outbox_handed(outbox, "page", 0, &why), ERR_OK);
    }
    struct handler *h = handler_new(&setup, &why);
    assert_non_null(h);
    return h;
}

static void recorded(const char *expected) {
    char text[256] = "";
    FILE *f = fopen(record, "re");
    if (f != NULL) {
        size_t got = fread(text, 1, sizeof text - 1, f);
        text[got] = '\0';
        fclose(f);
    }
    assert_string_equal(text, expected);
}

static void a_handler_runs_once_an_alert_and_passes_over_other_types(void **state) {
    (void)state;
    struct handler *h = handler_with("echo $QUORATE_ALERT_NUMBER $NAGIOS_HOSTNAME >> $0", 0);
    struct alert one = make(1, ALERT_PROBLEM), two = make(2, ALERT_RECOVERY), three = make(3, ALERT_PROBLEM);
    assert_int_equal(handler_take(h, &one, 1), HANDLER_HANDED);
    assert_int_equal(handler_take(h, &two, 1), HANDLER_HANDED);
    handler_settle(h);
    reopen();
    stands("page", 2, 0, false);
    handler_free(h);
    h = handler_with("echo $QUORATE_ALERT_NUMBER >> $0", 0);
    assert_int_equal(handler_position(h), 2);
    assert_int_equal(handler_take(h, &three, 1), HANDLER_HANDED);
    handler_free(h);
    recorded("1 web1\n3\n");
}

static void each_wanted_contact_is_one_run(void **state) {
    (void)state;
    struct handler *h = handler_with("echo $NAGIOS_CONTACTNAME >> $0", 2);
    struct alert one = make(1, ALERT_PROBLEM);
    assert_int_equal(handler_take(h, &one, 1), HANDLER_HANDED);
    handler_free(h);
    recorded("anna\ncarl\n");
    reopen();
    stands("page", 1, 0, false);
}

static void a_failing_handler_is_run_until_it_succeeds(void **state) {
    (void)state;
    struct handler *h = handler_with("echo x >> $0; test $(wc -l < $0) -ge 3", 0);
    struct alert one = make(1, ALERT_PROBLEM);
    assert_int_equal(handler_take(h, &one, 1), HANDLER_HANDED);
    handler_free(h);
    recorded("x\nx\nx\n");
}

static void an_overrunning_handler_is_killed_and_run_again(void **state) {
    (void)state;
    struct handler *h = handler_with("echo x >> $0; test $(wc -l < $0) -ge 2 || exec sleep 1000", 0);
    struct alert one = make(1, ALERT_PROBLEM);
    config.timeout = 300;
    assert_int_equal(handler_take(h, &one, 1), HANDLER_HANDED);
    handler_free(h);
    recorded("x\nx\n");
}

static void stopping_leaves_the_attempt_marked_and_the_next_start_repeats_it(void **state) {
    (void)state;
    struct handler *h = handler_with("echo $NAGIOS_CONTACTNAME >> $0; exit 1", 2);
    struct alert one = make(1, ALERT_PROBLEM);
    uint64_t stop = 1;
    assert_int_equal(write(stop_fd, &stop, sizeof stop), sizeof stop);
    assert_int_equal(handler_take(h, &one, 1), HANDLER_STOPPED);
    assert_int_equal(handler_position(h), 0);
    handler_free(h);
    reopen();
    stands("page", 0, 0, true);
    assert_int_equal(read(stop_fd, &stop, sizeof stop), sizeof stop);
    unlink(record);
    h = handler_with("echo $NAGIOS_CONTACTNAME $QUORATE_KEY >> $0", 2);
    assert_int_equal(handler_take(h, &one, 1), HANDLER_HANDED);
    handler_free(h);
    recorded("anna 01020000000000000000000000000000:1\ncarl 01020000000000000000000000000000:1\n");
}

static void a_crash_between_two_contacts_repeats_only_the_open_one(void **state) {
    (void)state;
    assert_int_equal(outbox_handed(outbox, "page", 0, &why), ERR_OK);
    assert_int_equal(outbox_attempt(outbox, "page", 1, 0, &why), ERR_OK);
    assert_int_equal(outbox_done(outbox, "page", 1, 0, &why), ERR_OK);
    reopen();
    struct handler *h = handler_with("echo $NAGIOS_CONTACTNAME >> $0", 2);
    struct alert one = make(1, ALERT_PROBLEM);
    assert_int_equal(handler_take(h, &one, 1), HANDLER_HANDED);
    handler_free(h);
    recorded("carl\n");
}

/* --- notify.yaml --- */

static void refuses(const char *text, const char *sentence) {
    struct notify_config *c = NULL;
    buffer_clear(&why);
    assert_int_equal(notify_config_parse(&c, bytes_of_text(text), "n.yaml", &why), ERR_MALFORMED);
    if (strstr(buffer_cstr(&why), sentence) == NULL) {
        fail_msg("'%s' is not in '%s'", sentence, buffer_cstr(&why));
    }
}

static void handlers_are_read_and_bad_ones_named(void **state) {
    (void)state;
    struct notify_config *c = NULL;
    assert_int_equal(
        notify_config_parse(&c,
                            bytes_of_text("handlers:\n  - { name: page, command: [/bin/page, $SERVICEDESC$],\n"
                                          "      types: [PROBLEM, RECOVERY], contacts: [ops], timeout: 5s }\n"
                                          "  - { name: all, command: [/bin/all] }\n"),
                            "n.yaml", &why),
        ERR_OK);
    assert_int_equal(c->count, 2);
    assert_int_equal(c->handlers[0].types, 1u << ALERT_PROBLEM | 1u << ALERT_RECOVERY);
    assert_int_equal(c->handlers[0].timeout, 5000);
    assert_string_equal(c->handlers[0].contacts[0], "ops");
    struct alert system = make(1, ALERT_SYSTEM);
    assert_false(notify_handler_wants(&c->handlers[0], &system, 0));
    assert_true(notify_handler_wants(&c->handlers[1], &system, 0));
    assert_int_equal(c->handlers[1].timeout, 30000);
    notify_config_free(c);
    refuses("handlers:\n  - { name: h }\n", "n.yaml:2: command: is missing");
    refuses("handlers:\n  - { name: h, command: [page] }\n", "n.yaml:2: command: 'page' is no absolute path");
    refuses("handlers:\n  - { name: h, command: [/p, $NOPE$] }\n", "$NOPE$ in '$NOPE$' is no macro");
    refuses("handlers:\n  - { name: h, command: [/bin/sh, -c, 'page $SERVICEOUTPUT$'] }\n",
            "n.yaml:2: command: 'page $SER");
    refuses("handlers:\n  - { name: h, command: [/bin/bash, -ec, 'page $HOSTNAME$'] }\n",
            "n.yaml:2: command: 'page $HOST");
    refuses("handlers:\n  - { name: h, command: [/p], types: [PAGE] }\n", "n.yaml:2: types: 'PAGE' is no type");
    refuses("handlers:\n  - { name: h, command: [/p], timeout: 5 }\n", "n.yaml:2: timeout: '5' is no duration");
    refuses("handlers:\n  - { name: 'a b', command: [/p] }\n", "n.yaml:2: name: 'a b' is no name");
    refuses("handlers:\n  - { name: a, command: [/p] }\n  - { name: a, command: [/p] }\n",
            "n.yaml:3: name: 'a' is the name of");
    refuses("handlers:\n  - { name: a, comand: [/p] }\n", "n.yaml:2: comand: is no key");
    refuses("handlers: []\n", "n.yaml:1: handlers: holds 0 entries");
}

int main(void) {
    alarm(100); /* a handler that never succeeds is tried for ever */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_mark_survives_a_crash, setup, teardown),
        cmocka_unit_test_setup_teardown(a_line_cut_short_by_a_crash_says_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_damaged_file_is_refused_with_its_line, setup, teardown),
        cmocka_unit_test_setup_teardown(a_state_file_belongs_to_one_cluster_and_one_notifier, setup, teardown),
        cmocka_unit_test_setup_teardown(the_journal_stays_short, setup, teardown),
        cmocka_unit_test_setup_teardown(a_handler_runs_once_an_alert_and_passes_over_other_types, setup, teardown),
        cmocka_unit_test_setup_teardown(each_wanted_contact_is_one_run, setup, teardown),
        cmocka_unit_test_setup_teardown(a_failing_handler_is_run_until_it_succeeds, setup, teardown),
        cmocka_unit_test_setup_teardown(an_overrunning_handler_is_killed_and_run_again, setup, teardown),
        cmocka_unit_test_setup_teardown(stopping_leaves_the_attempt_marked_and_the_next_start_repeats_it, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_crash_between_two_contacts_repeats_only_the_open_one, setup, teardown),
        cmocka_unit_test(handlers_are_read_and_bad_ones_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
