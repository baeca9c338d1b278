/* The canonical bytes: one configuration has one encoding, whatever is not that is refused, and so is what does not
   hold together. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
/* clang-format on */

#include "checks/objects.h"
#include "checks/objects_field.h"

static const char sample_text[] =
    "define command {\ncommand_name ping\ncommand_line /bin/ping\n}\n"
    "define command {\ncommand_name page\ncommand_line /bin/page\n}\n"
    "define contact {\ncontact_name c\nemail c@x\nservice_notification_commands page\nhost_notification_period "
    "none\naddress6 pigeon\n_DESK 4\n}\n"
    "define contact {\ncontact_name d\n}\n"
    "define contactgroup {\ncontactgroup_name _SYSTEM_CONTACTS\nmembers c\n}\n"
    "define timeperiod {\ntimeperiod_name none\nalias never\n}\n"
    "define timeperiod {\ntimeperiod_name work\n_TIMEZONE Mars/Olympus\nmonday 9:00-17:00\n2026-12-24 0:00-0:00\n"
    "exclude none\n}\n"
    "define host {\nhost_name a\nmax_check_attempts 3\ncheck_command ping\ncontacts c,d\n_K v\n}\n"
    "define host {\nhost_name b\nmax_check_attempts 3\nparents a\n_OBSERVERS x,y,z\n_STALE_STATE down\n}\n"
    "define service {\nhost_name a,b\nservice_description s\nmax_check_attempts 2\ncheck_command ping!1\n"
    "_OBSERVERS x,y,z\n_A 1\n_B\n}\n"
    "define service {\nhost_name b\nservice_description u\nmax_check_attempts 2\ncheck_command ping\n"
    "parents a,s,b,s\nservicegroups sg\n}\n"
    "define hostgroup {\nhostgroup_name hg\nalias Hosts\nmembers b,a\n}\n"
    "define servicegroup {\nservicegroup_name sg\nmembers a,s\n}\n"
    "define hostescalation {\nhost_name b\nfirst_notification 2\nlast_notification 0\ncontacts d\n"
    "escalation_options d,r\nnotification_interval 5\nescalation_period work\n}\n"
    "define serviceescalation {\nhost_name b\nservice_description *\nfirst_notification 3\nlast_notification 5\n"
    "contacts c\n}\n"
    "define hostdependency {\nhost_name a\ndependent_host_name b\nnotification_failure_criteria d,u,p\n"
    "inherits_parent 1\n}\n"
    "define servicedependency {\nhost_name a\nservice_description s\ndependent_host_name b\n"
    "dependent_service_description s,u\nnotification_failure_criteria w,c,o\ndependency_period work\n}\n";

static int mars(const char *name, struct zone_shift *out) {
    out[0] = (struct zone_shift){1577836800, 3600};
    out[1] = (struct zone_shift){1577836800 + 86400, -7200};
    return strcmp(name, "Mars/Olympus") == 0 ? 2 : -1;
}

static struct objects *sample(void) {
    struct object_source source = {"a.cfg", bytes_of_text(sample_text)};
    struct object_options options = {.zone = mars};
    struct buffer why = {0};
    struct objects *o = NULL;
    assert_int_equal(objects_parse(&o, &source, 1, &options, NULL, &why), ERR_OK);
    buffer_free(&why);
    return o;
}

static enum error decode(struct bytes bytes, struct objects **out, struct buffer *why) {
    buffer_clear(why);
    return objects_decode(out, bytes, why);
}

static void what_is_encoded_decodes_to_the_same(void **state) {
    (void)state;
    struct objects *o = sample(), *again = NULL;
    struct buffer first = {0}, second = {0}, why = {0};
    objects_encode(&first, o);
    assert_int_equal(decode(buffer_bytes(&first), &again, &why), ERR_OK);
    assert_int_equal(why.len, 0);
    objects_encode(&second, again);
    assert_true(bytes_equal(buffer_bytes(&first), buffer_bytes(&second)));
    struct objects_plan plan;
    objects_diff(&why, &plan, o, again);
    assert_int_equal(why.len, 0);
    assert_int_equal(plan.unchanged, 2 + 2 + 1 + 2 + 2 + 3 + 1 + 1 + 1 + 2 + 1 + 2);
    assert_string_equal(again->timeperiods[1].rules[0], "monday 09:00-17:00"); /* in the order of the text */
    assert_int_equal(objects_zone(again, "Mars/Olympus").shifts[1].offset, -7200);
    assert_int_equal(plan.added + plan.changed + plan.removed, 0);
    assert_non_null(objects_service(again, "b", "s"));
    assert_string_equal(again->contacts[0].address[5], "pigeon");
    assert_string_equal(again->contacts[0].variables[0].name, "_DESK");
    assert_string_equal(again->contacts[1].address[0], "");
    assert_string_equal(objects_hostgroup(again, "hg")->alias, "Hosts");
    assert_string_equal(objects_hostgroup(again, "hg")->members[1], "b");
    assert_string_equal(objects_servicegroup(again, "sg")->members[1].service, "u");
    assert_null(objects_hostgroup(again, "sg"));
    assert_null(objects_servicegroup(again, "hg"));
    assert_null(objects_service(again, "b", "t"));
    assert_null(objects_host(again, "aa"));
    assert_non_null(objects_command(again, "ping!x"));
    assert_null(objects_command(again, "pin"));
    assert_null(objects_command(again, "pingg"));
    buffer_free(&first);
    buffer_free(&second);
    buffer_free(&why);
    objects_free(o);
    objects_free(again);
}

/* The format stands on disk and in the log: a change of these bytes is a change of the format. Run from the top of the
   tree; VECTORS_WRITE=1 rewrites them. */
static void the_bytes_are_the_golden_ones(void **state) {
    (void)state;
    struct objects *o = sample();
    struct buffer bytes = {0}, golden = {0};
    objects_encode(&bytes, o);
    char *hex = xcalloc(2, bytes.len + 1), chunk[4096];
    hex_encode(hex, buffer_bytes(&bytes));
    if (getenv("VECTORS_WRITE") != NULL) {
        FILE *out = fopen("tests/vectors/objects.hex", "w");
        assert_non_null(out);
        for (size_t i = 0; i < 2 * bytes.len; i += 64) {
            fprintf(out, "%.64s\n", hex + i);
        }
        assert_int_equal(fclose(out), 0);
    }
    FILE *in = fopen("tests/vectors/objects.hex", "r");
    assert_non_null(in);
    while (fgets(chunk, sizeof chunk, in) != NULL) {
        buffer_put(&golden, chunk, strcspn(chunk, "\n"));
    }
    fclose(in);
    assert_string_equal(hex, buffer_cstr(&golden));
    free(hex);
    buffer_free(&bytes);
    buffer_free(&golden);
    objects_free(o);
}

static void an_empty_set_travels(void **state) {
    (void)state;
    struct objects none = {.interval_length = 60000}, *again = NULL;
    struct buffer bytes = {0}, why = {0};
    objects_encode(&bytes, &none);
    assert_int_equal(decode(buffer_bytes(&bytes), &again, &why), ERR_OK);
    assert_int_equal(again->host_count, 0);
    assert_null(objects_host(again, "a"));
    assert_null(objects_service(again, "a", "b"));
    objects_free(again);
    buffer_free(&bytes);
    buffer_free(&why);
}

static void bytes_cut_anywhere_are_refused(void **state) {
    (void)state;
    struct objects *o = sample(), *again = NULL;
    struct buffer bytes = {0}, why = {0};
    objects_encode(&bytes, o);
    for (size_t len = 0; len < bytes.len; len++) {
        uint8_t *copy = malloc(len + 1); /* exact size: a read beyond is seen by the sanitizer */
        memcpy(copy, bytes.data, len);
        assert_int_equal(decode(bytes_of(copy, len), &again, &why), ERR_MALFORMED);
        assert_null(again);
        assert_true(why.len > 0);
        free(copy);
    }
    buffer_u8(&bytes, 0);
    assert_int_equal(decode(buffer_bytes(&bytes), &again, &why), ERR_MALFORMED);
    buffer_free(&bytes);
    buffer_free(&why);
    objects_free(o);
}

/* Each byte changed: refused, or another configuration with exactly these bytes. */
static void a_changed_byte_is_refused_or_means_something_else(void **state) {
    (void)state;
    struct objects *o = sample(), *again = NULL;
    struct buffer bytes = {0}, why = {0}, back = {0};
    objects_encode(&bytes, o);
    unsigned refused = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            bytes.data[i] ^= (uint8_t)(1u << bit);
            if (decode(buffer_bytes(&bytes), &again, &why) == ERR_OK) {
                buffer_clear(&back);
                objects_encode(&back, again);
                assert_true(bytes_equal(buffer_bytes(&bytes), buffer_bytes(&back)));
                objects_free(again);
            } else {
                assert_null(again);
                refused++;
            }
            bytes.data[i] ^= (uint8_t)(1u << bit);
        }
    }
    assert_true(refused > 1000);
    buffer_free(&bytes);
    buffer_free(&why);
    buffer_free(&back);
    objects_free(o);
}

static void assert_refused(const struct objects *o, enum error expected, const char *reason) {
    struct buffer bytes = {0}, why = {0};
    struct objects *again = NULL;
    objects_encode(&bytes, o);
    enum error e = decode(buffer_bytes(&bytes), &again, &why);
    if (strstr(buffer_cstr(&why), reason) == NULL) {
        print_message("said: %s", buffer_cstr(&why));
    }
    assert_int_equal(e, expected);
    assert_non_null(strstr(buffer_cstr(&why), reason));
    assert_null(again);
    buffer_free(&bytes);
    buffer_free(&why);
}

static void what_is_not_canonical_is_refused(void **state) {
    (void)state;
    struct objects *o = sample();
    struct object_checkable first = o->hosts[0];
    o->hosts[0] = o->hosts[1];
    o->hosts[1] = first;
    assert_refused(o, ERR_NOT_CANONICAL, "canonical");
    o->hosts[0] = first;
    assert_refused(o, ERR_NOT_CANONICAL, "canonical");
    objects_free(o);

    o = sample();
    const char *swapped[] = {"y", "x", "z"}, *doubled[] = {"x", "x", "z"};
    o->services[0].observers = swapped;
    assert_refused(o, ERR_NOT_CANONICAL, "canonical");
    o->services[0].observers = doubled;
    assert_refused(o, ERR_NOT_CANONICAL, "canonical");
    objects_free(o);

    o = sample();
    struct object_escalation early = o->service_escalations[0];
    o->service_escalations[0] = o->service_escalations[1];
    assert_refused(o, ERR_NOT_CANONICAL, "canonical");
    o->service_escalations[0] = early;
    o->service_escalations[1].service = "s";
    o->service_escalations[1].interval += 1; /* no part of what tells two apart */
    assert_refused(o, ERR_NOT_CANONICAL, "canonical");
    objects_free(o);

    o = sample();
    o->service_dependencies[1].service = "s";
    o->service_dependencies[1].failure = NOTIFY_PENDING;
    assert_refused(o, ERR_NOT_CANONICAL, "canonical");
    objects_free(o);

    o = sample();
    struct object_pair doubled_pair = o->servicegroups[0].members[0];
    o->servicegroups[0].members[1] = doubled_pair;
    assert_refused(o, ERR_NOT_CANONICAL, "canonical");
    objects_free(o);

    o = sample();
    struct object_variable same[] = {{"_A", "1"}, {"_A", "2"}};
    o->services[0].variables = same;
    assert_refused(o, ERR_NOT_CANONICAL, "canonical");
    objects_free(o);
}

/* One mistake at a time in an otherwise good configuration. */
#define BREAK(change, reason)                                                                                          \
    do {                                                                                                               \
        struct objects *o = sample();                                                                                  \
        change;                                                                                                        \
        assert_refused(o, ERR_BAD_OBJECTS, reason);                                                                    \
        objects_free(o);                                                                                               \
    } while (0)

static void what_does_not_hold_together_is_refused(void **state) {
    (void)state;
    const char *nobody[] = {"nobody"}, *a[] = {"a"}, *b[] = {"b"};
    struct object_pair pair = {"a", "s"};
    char long_name[70];
    memset(long_name, 'n', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    const char *longs[] = {long_name};
    BREAK(o->services[0].check_command = "pong!1", "service a/s: check_command: no command 'pong'");
    BREAK(o->services[0].check_command = "", "service a/s: check_command: missing");
    BREAK(o->services[0].check_period = "p", "service a/s: check_period: no timeperiod 'p'");
    BREAK(o->contacts[0].variables[0].name = "_desk", "contact c: custom variables: a custom variable's name is upper");
    BREAK(o->services[0].notification_period = "p", "service a/s: notification_period: no timeperiod 'p'");
    BREAK((o->hosts[0].contacts = nobody, o->hosts[0].contact_count = 1), "host a: contacts: no contact 'nobody'");
    BREAK(o->hosts[1].parents = nobody, "host b: parents: no host 'nobody'");
    BREAK((o->hosts[0].parents = a, o->hosts[0].parent_count = 1), "host a: parents: host 'a' is its own ancestor");
    BREAK((o->hosts[0].parents = b, o->hosts[0].parent_count = 1), "parents: host 'a' is its own ancestor");
    BREAK((o->services[0].parents = a, o->services[0].parent_count = 1), "service a/s: parents: 1 entries");
    BREAK((o->hosts[0].service_parents = &pair, o->hosts[0].service_parent_count = 1), "host a: parents: 1 entries");
    BREAK(o->services[2].service_parents[0].service = "t", "service b/u: parents: no service 't' on host 'a'");
    BREAK(o->services[2].service_parents[1].service = "u", "service b/u: parents: service 'b/u' is its own ancestor");
    BREAK(o->services[2].service_parents[0].service = "", "service b/u: parents: a name of 0 bytes");
    BREAK(o->hostgroups[0].members[1] = "c", "hostgroup hg: members: no host 'c'");
    BREAK(o->servicegroups[0].members[1].host = "c", "servicegroup sg: members: no service 'u' on host 'c'");
    BREAK(o->host_escalations[0].host = "c", "hostescalation c 2- d,r work: host_name: no host 'c'");
    BREAK(o->service_escalations[1].service = "v", "serviceescalation b/v 3-5 w,u,c,r: host_name: no service 'v'");
    BREAK(o->service_escalations[1].contacts[0] = "nobody", "contacts: no contact 'nobody'");
    BREAK(o->service_escalations[1].period = "p", "escalation_period: no timeperiod 'p'");
    BREAK(o->service_escalations[1].first = 6, "last_notification: 5 comes before the first, 6");
    BREAK(o->service_escalations[1].options = NOTIFY_DOWN, "escalation_options: options that this kind");
    BREAK(o->host_escalations[0].options = NOTIFY_FLAPPING, "escalation_options: options that this kind");
    BREAK(o->host_escalations[0].interval = INTERVAL_MAX_MS + 1, "notification_interval: 315360000001 is out of");
    BREAK(o->host_dependencies[0].master_host = "c", "hostdependency b on c with what that rests on: host_name: no");
    BREAK(o->host_dependencies[0].master_host = "b", "dependent_host_name: 'b' depends on itself in the end");
    BREAK(o->service_dependencies[0].period = "p", "dependency_period: no timeperiod 'p'");
    BREAK(o->service_dependencies[1].failure = 0, "notification_failure_criteria: names no state");
    BREAK(o->service_dependencies[1].failure = NOTIFY_DOWN, "notification_failure_criteria: options that this kind");
    BREAK(o->service_dependencies[1].service = "t", "dependent_service_description: no service 't' on host 'b'");
    BREAK(o->services[2].host = "c", "service c/u: host_name: no host 'c'");
    BREAK(o->services[0].quorum = 4, "service a/s: _QUORUM: 4 of 3 observers can never agree");
    BREAK(o->services[0].quorum = 0, "service a/s: _QUORUM: 0 is out of range");
    BREAK(o->services[0].observer_count = 0, "service a/s: _OBSERVERS: 0 entries");
    BREAK((o->services[0].observers = longs, o->services[0].observer_count = 1, o->services[0].quorum = 1),
          "is longer than 63 bytes");
    BREAK(o->services[0].observers_implicit = true, "the implicit observer is the host's own name");
    BREAK(o->services[0].max_check_attempts = 0, "max_check_attempts: 0 is out of range");
    BREAK(o->services[0].freshness_threshold = 0, "freshness_threshold: 0 is out of range");
    BREAK(o->services[0].check_interval = INTERVAL_MAX_MS + 1, "check_interval: 315360000001 is out of range");
    BREAK(o->services[0].notification_options = NOTIFY_DOWN, "notification_options: options that this kind");
    BREAK(o->hosts[0].notification_options = NOTIFY_WARNING, "notification_options: options that this kind");
    BREAK(o->hosts[0].stale_state = 2, "_STALE_STATE: a state that this kind");
    BREAK(o->hosts[0].service = "s", "service_description: a name of 1 bytes");
    BREAK(o->hosts[0].variables[0].name = "K", "custom variables: a custom variable's name is '_'");
    BREAK(o->hosts[0].variables[0].name = "_k", "custom variables: a custom variable's name is upper case");
    BREAK(o->timeperiods[1].rules[0] = "monday 9:00-17:00", "'monday 9:00-17:00' is no range in its canonical form");
    BREAK(o->timeperiods[1].excludes[0] = "p", "timeperiod work: exclude: no timeperiod 'p'");
    BREAK(o->timeperiods[1].excludes[0] = "work", "'work' excludes itself in the end");
    BREAK(o->timeperiods[1].zone = "Moon", "_TIMEZONE: no time zone 'Moon'");
    BREAK(o->zones[0].shift_count = 0, "shifts: 0 entries: give 1 to");
    BREAK(o->contacts[0].host_period = "p", "contact c: host_notification_period: no timeperiod 'p'");
    BREAK(o->contacts[0].service_commands = nobody, "service_notification_commands: no command 'nobody'");
    BREAK(o->system_contacts = nobody, "_SYSTEM_CONTACTS: no contact 'nobody'");
    BREAK(o->commands[0].name = "a!b", "a command's name cannot hold '!'");
    BREAK(o->commands[0].name = "a\tb", "holds a ';' or a control character");
    BREAK(o->commands[0].name = "", "command_name: a name of 0 bytes");
    BREAK(o->interval_length = 0, "interval_length: out of range");
}

static void the_list_of_problems_is_bounded(void **state) {
    (void)state;
    struct buffer text = {0}, bytes = {0}, why = {0};
    for (int i = 0; i < 300; i++) {
        buffer_printf(&text, "define host {\nhost_name h%03d\nmax_check_attempts 1\n}\n", i);
    }
    struct object_source source = {"a.cfg", buffer_bytes(&text)};
    struct objects *o = NULL, *again = NULL;
    assert_int_equal(objects_parse(&o, &source, 1, NULL, NULL, &why), ERR_OK);
    for (unsigned i = 0; i < o->host_count; i++) {
        o->hosts[i].quorum = 2;
    }
    objects_encode(&bytes, o);
    assert_int_equal(decode(buffer_bytes(&bytes), &again, &why), ERR_BAD_OBJECTS);
    assert_true(why.len > 3000 && why.len <= 4096);
    assert_non_null(strstr(buffer_cstr(&why), " more problems\n"));
    buffer_free(&text);
    buffer_free(&bytes);
    buffer_free(&why);
    objects_free(o);
}

/* ---- the plan ---- */

static void the_plan_names_each_change(void **state) {
    (void)state;
    struct objects *before = sample(), *after = sample();
    struct buffer out = {0};
    struct objects_plan plan;
    after->hosts[1].max_check_attempts = 5;
    after->hosts[1].check_interval = 90000;
    after->services[0].service = "t";
    after->interval_length = 1000;
    objects_diff(&out, &plan, before, after);
    assert_string_equal(buffer_cstr(&out), "~ host b (max_check_attempts 3 -> 5, check_interval 5m -> 90s)\n"
                                           "- service a/s\n"
                                           "+ service a/t\n"
                                           "~ interval_length (60000ms -> 1000ms)\n");
    assert_int_equal(plan.added, 1);
    assert_int_equal(plan.removed, 1);
    assert_int_equal(plan.changed, 2);
    assert_int_equal(plan.unchanged, 18);
    objects_diff(NULL, &plan, NULL, after);
    assert_int_equal(plan.added, 19); /* a time zone is no object of its own */
    objects_diff(NULL, &plan, before, NULL);
    assert_int_equal(plan.removed, 19);
    objects_diff(&out, NULL, NULL, NULL);
    buffer_free(&out);
    objects_free(before);
    objects_free(after);
}

static void the_plan_names_what_stands_between_objects(void **state) {
    (void)state;
    struct objects *before = sample(), *after = sample();
    struct buffer out = {0};
    struct objects_plan plan;
    after->hostgroups[0].member_count = 1;
    after->servicegroups[0].members[1].service = "s";
    after->service_escalations[0].interval = 0;
    after->service_escalations[1].last = 0;
    after->host_escalations[0].contacts[0] = "c";
    after->host_dependency_count = 0;
    after->service_dependencies[0].failure = NOTIFY_PENDING | NOTIFY_RECOVERY;
    after->service_dependencies[1].period = "";
    objects_diff(&out, &plan, before, after);
    assert_string_equal(buffer_cstr(&out), "~ hostgroup hg (members a,b -> a)\n"
                                           "~ servicegroup sg (members a/s,b/u -> a/s,b/s)\n"
                                           "~ hostescalation b 2- d,r work (contacts d -> c)\n"
                                           "~ serviceescalation b/s 3-5 w,u,c,r (notification_interval 30m -> 0s)\n"
                                           "+ serviceescalation b/u 3- w,u,c,r\n"
                                           "- serviceescalation b/u 3-5 w,u,c,r\n"
                                           "- hostdependency b on a with what that rests on\n"
                                           "~ servicedependency b/s on a/s work (notification_failure_criteria w,c,o "
                                           "-> o,p)\n"
                                           "+ servicedependency b/u on a/s\n"
                                           "- servicedependency b/u on a/s work\n");
    assert_int_equal(plan.added, 2);
    assert_int_equal(plan.removed, 3);
    assert_int_equal(plan.changed, 5);
    buffer_free(&out);
    objects_free(before);
    objects_free(after);
}

/* What is said about an object is no part of it: it keeps its state when only that changes. */
static void an_escalation_is_no_part_of_its_object(void **state) {
    (void)state;
    struct objects *before = sample(), *after = sample();
    after->service_escalation_count = 0;
    after->service_dependency_count = 0;
    after->hostgroup_count = 0;
    for (unsigned i = 0; i < before->service_count; i++) {
        assert_true(objects_checkable_same(&before->services[i], &after->services[i]));
    }
    after->services[2].service_parent_count = 1; /* its parents are */
    assert_false(objects_checkable_same(&before->services[2], &after->services[2]));
    objects_free(before);
    objects_free(after);
}

static void every_field_of_a_service_counts_as_a_change(void **state) {
    (void)state;
    size_t count = 0;
    const struct object_field *fields = object_fields(KIND_SERVICE, &count);
    struct objects *o = sample();
    for (size_t i = 0; i < count; i++) {
        struct object_checkable changed = o->services[0];
        char *at = (char *)&changed + fields[i].offset;
        switch (fields[i].kind) {
        case FIELD_NAME:
        case FIELD_TEXT:
            *(const char **)(void *)at = "other";
            break;
        case FIELD_COUNT:
        case FIELD_PERCENT:
        case FIELD_OPTIONS:
        case FIELD_STATES:
        case FIELD_STATE:
            *(unsigned *)(void *)at ^= 1;
            break;
        case FIELD_TIME:
            *(time_ms *)(void *)at += 1;
            break;
        case FIELD_FLAG:
            *(bool *)(void *)at = !*(bool *)(void *)at;
            break;
        case FIELD_NAMES:
        case FIELD_LINES:
        case FIELD_SHIFTS:
        case FIELD_VARIABLES:
        case FIELD_PAIRS:
            *(unsigned *)(void *)((char *)&changed + fields[i].count_offset) ^= 1;
            break;
        }
        assert_false(field_equal(&fields[i], &o->services[0], &changed));
        assert_false(objects_checkable_same(&o->services[0], &changed));
    }
    assert_true(objects_checkable_same(&o->services[0], &o->services[0]));
    objects_free(o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_encoded_decodes_to_the_same),
        cmocka_unit_test(the_bytes_are_the_golden_ones),
        cmocka_unit_test(an_empty_set_travels),
        cmocka_unit_test(bytes_cut_anywhere_are_refused),
        cmocka_unit_test(a_changed_byte_is_refused_or_means_something_else),
        cmocka_unit_test(what_is_not_canonical_is_refused),
        cmocka_unit_test(what_does_not_hold_together_is_refused),
        cmocka_unit_test(the_list_of_problems_is_bounded),
        cmocka_unit_test(the_plan_names_each_change),
        cmocka_unit_test(the_plan_names_what_stands_between_objects),
        cmocka_unit_test(an_escalation_is_no_part_of_its_object),
        cmocka_unit_test(every_field_of_a_service_counts_as_a_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
