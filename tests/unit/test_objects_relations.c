/* What definitions say of other objects: groups, escalations, dependencies and parents of services, from text to
   resolved objects; and what is refused, with its place. */
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
#include "checks/objects_field.h"

/* Three hosts with services ping and http, one of which (c) has a third, and people. 50 lines. */
#define HOST(name, more) "define host {\nhost_name " name "\nmax_check_attempts 3\n" more "}\n"
#define WORLD                                                                                                          \
    "define command {\ncommand_name ping\ncommand_line /bin/ping\n}\n"                                                 \
    "define contact {\ncontact_name ann\n}\n"                                                                          \
    "define contact {\ncontact_name bob\n}\n"                                                                          \
    "define contact {\ncontact_name cid\n}\n"                                                                          \
    "define contactgroup {\ncontactgroup_name staff\nmembers ann,bob\n}\n"                                             \
    "define timeperiod {\ntimeperiod_name work\nmonday 09:00-17:00\n}\n" HOST(                                         \
        "a", "contacts ann\nnotification_interval 7\nnotification_period work\n") HOST("b", "")                        \
        HOST("c", "") "define hostgroup {\nhostgroup_name front\nmembers a,b\n}\n"                                     \
                      "define servicegroup {\nservicegroup_name webs\nmembers a,http,b,http\n}\n"                      \
                      "define service {\nname s\nregister 0\nmax_check_attempts 3\ncheck_command ping\n}\n"            \
                      "define service {\nuse s\nhost_name *\nservice_description ping\ncontacts bob\n}\n"              \
                      "define service {\nuse s\nhost_name a,b,c\nservice_description http\n}\n"                        \
                      "define service {\nuse s\nhost_name c\nservice_description mail\n}\n"

static struct objects *good(const char *text) {
    struct buffer whole = {0}, why = {0};
    struct objects *o = NULL;
    buffer_printf(&whole, "%s%s", WORLD, text);
    struct object_source source = {"a.cfg", buffer_bytes(&whole)};
    enum error e = objects_parse(&o, &source, 1, NULL, NULL, &why);
    if (e != ERR_OK) {
        print_message("%s", buffer_cstr(&why));
    }
    assert_int_equal(e, ERR_OK);
    buffer_free(&whole);
    buffer_free(&why);
    return o;
}

/* Lines count from the first of text. */
static void refused(const char *text, const char *expected) {
    struct buffer why = {0};
    struct objects *o = NULL;
    struct object_source sources[] = {{"w.cfg", bytes_of_text(WORLD)}, {"a.cfg", bytes_of_text(text)}};
    enum error e = objects_parse(&o, sources, 2, NULL, NULL, &why);
    assert_string_equal(buffer_cstr(&why), expected);
    assert_int_equal(e, ERR_BAD_OBJECTS);
    assert_null(o);
    buffer_free(&why);
}

/* All objects of a kind, one line each: the title, and the contacts or states. */
static void is(const struct objects *o, enum object_kind kind, const char *expected) {
    struct buffer text = {0};
    for (unsigned i = 0; i < object_count(o, kind); i++) {
        size_t count = 0;
        const struct object_field *fields = object_fields(kind, &count);
        object_title(&text, kind, object_at(o, kind, i));
        buffer_printf(&text, ": ");
        field_print(&text, &fields[count - 1], object_at(o, kind, i));
        buffer_printf(&text, "\n");
    }
    assert_string_equal(buffer_cstr(&text), expected);
    buffer_free(&text);
}

#define ESCALATION(lines) "define serviceescalation {\n" lines "}\n"
#define HOST_ESCALATION(lines) "define hostescalation {\n" lines "}\n"
#define DEPENDENCY(lines) "define servicedependency {\nnotification_failure_criteria c\n" lines "}\n"
#define HOST_DEPENDENCY(lines) "define hostdependency {\nnotification_failure_criteria d\n" lines "}\n"
#define FROM_3 "first_notification 3\nlast_notification 0\n"

/* ---- groups ---- */

static void groups_are_kept_with_those_inside_them(void **state) {
    (void)state;
    struct objects *o = good("define hostgroup {\nhostgroup_name all\nalias Everything\nmembers c,!a\n"
                             "hostgroup_members front\n}\n"
                             "define servicegroup {\nservicegroup_name more\nmembers *,ping,c,*,!c,mail\n"
                             "servicegroup_members webs\n}\n"
                             "define servicegroup {\nservicegroup_name own\n}\n"
                             "define service {\nuse s\nhost_name b\nservice_description dns\nservicegroups own,webs\n"
                             "}\n");
    is(o, KIND_HOSTGROUP, "all: b,c\nfront: a,b\n");
    is(o, KIND_SERVICEGROUP,
       "more: a/http,a/ping,b/dns,b/http,b/ping,c/http,c/ping\nown: b/dns\n"
       "webs: a/http,b/dns,b/http\n");
    assert_string_equal(objects_hostgroup(o, "all")->alias, "Everything");
    assert_string_equal(objects_hostgroup(o, "front")->alias, "front");
    assert_string_equal(objects_servicegroup(o, "own")->members[0].service, "dns");
    unsigned count = 0;
    assert_string_equal(objects_services(o, "b", &count)->service, "dns");
    assert_int_equal(count, 3);
    assert_null(objects_services(o, "bb", &count));
    assert_int_equal(count, 0);
    objects_free(o);
}

static void a_circle_of_service_groups_is_refused(void **state) {
    (void)state;
    refused("define servicegroup {\nservicegroup_name x\nservicegroup_members y\n}\n"
            "define servicegroup {\nservicegroup_name y\nservicegroup_members x\n}\n",
            "a.cfg:7: servicegroup_members: 'x' holds itself in the end: break the circle\n");
}

/* ---- escalations ---- */

static void an_escalation_stands_for_each_that_it_names(void **state) {
    (void)state;
    struct objects *o = good(ESCALATION("hostgroup_name front\nhost_name c\nservice_description *,!ping\n" FROM_3
                                        "contact_groups staff\ncontacts cid\n")
                                 ESCALATION("servicegroup_name webs,!webs\nhost_name *,!a,!b\n"
                                            "service_description mail\nfirst_notification 1\nlast_notification 2\n"
                                            "escalation_options c,r\ncontacts cid\n")
                                     HOST_ESCALATION("hostgroup_name *\nhost_name !b,c\n" FROM_3 "contacts cid\n"));
    is(o, KIND_SERVICEESCALATION,
       "a/http 3- w,u,c,r work: ann,bob,cid\nb/http 3- w,u,c,r: ann,bob,cid\n"
       "c/http 3- w,u,c,r: ann,bob,cid\nc/mail 1-2 c,r: cid\n"
       "c/mail 3- w,u,c,r: ann,bob,cid\n");
    is(o, KIND_HOSTESCALATION, "a 3- d,u,r work: cid\nc 3- d,u,r: cid\n");
    unsigned count = 0;
    assert_int_equal(objects_escalations(o, "c", "mail", &count)->last, 2);
    assert_int_equal(count, 2);
    assert_null(objects_escalations(o, "c", "ping", &count));
    assert_int_equal(count, 0);
    assert_non_null(objects_escalations(o, "c", "", &count));
    assert_int_equal(count, 1);
    objects_free(o);
}

static void what_an_escalation_does_not_say_comes_from_its_object(void **state) {
    (void)state;
    struct objects *o =
        good(ESCALATION("host_name a,b\nservice_description *\n" FROM_3) HOST_ESCALATION("host_name a\n" FROM_3));
    is(o, KIND_SERVICEESCALATION,
       "a/http 3- w,u,c,r work: ann\na/ping 3- w,u,c,r work: bob\nb/http 3- w,u,c,r: none\n"
       "b/ping 3- w,u,c,r: bob\n");
    is(o, KIND_HOSTESCALATION, "a 3- d,u,r work: ann\n");
    assert_int_equal(o->service_escalations[0].interval, 7 * 60000);
    assert_int_equal(o->service_escalations[2].interval, 30 * 60000);
    assert_int_equal(o->host_escalations[0].interval, 7 * 60000);
    objects_free(o);
    o = good(ESCALATION("host_name a\nservice_description http\n" FROM_3
                        "escalation_period null\nnotification_interval 0\ncontacts null\n"));
    is(o, KIND_SERVICEESCALATION, "a/http 3- w,u,c,r: none\n");
    assert_int_equal(o->service_escalations[0].interval, 0);
    objects_free(o);
}

static void a_plus_adds_to_the_contacts_of_the_object(void **state) {
    (void)state;
    struct objects *o = good("define serviceescalation {\nname t\nregister 0\ncontacts +cid\n" FROM_3
                             "}\n" ESCALATION("use t\nhost_name a\nservice_description http,ping\n")
                                 HOST_ESCALATION("host_name a,b\ncontact_groups +staff\ncontacts cid\n" FROM_3)
                                     ESCALATION("use t\nhost_name b\nservice_description *\ncontacts +ann,!bob\n"));
    is(o, KIND_SERVICEESCALATION,
       "a/http 3- w,u,c,r work: ann,cid\na/ping 3- w,u,c,r work: bob,cid\n"
       "b/http 3- w,u,c,r: ann,cid\nb/ping 3- w,u,c,r: ann,cid\n");
    is(o, KIND_HOSTESCALATION, "a 3- d,u,r work: ann,bob,cid\nb 3- d,u,r: ann,bob,cid\n");
    objects_free(o);
}

static void two_of_the_same_moments_are_one(void **state) {
    (void)state;
    struct objects *o = good(
        ESCALATION("host_name a\nservice_description http\n" FROM_3 "contacts cid\nnotification_interval 9\n")
            ESCALATION("host_name a\nservice_description *\n" FROM_3 "contacts bob\nnotification_interval 4\n")
                ESCALATION("host_name a\nservice_description http\n" FROM_3 "contacts bob\nescalation_options c\n"));
    is(o, KIND_SERVICEESCALATION,
       "a/http 3- c work: bob\na/http 3- w,u,c,r work: bob,cid\na/ping 3- w,u,c,r work: bob\n");
    assert_int_equal(o->service_escalations[1].interval, 4 * 60000);
    objects_free(o);
}

static void an_escalation_that_says_too_little_is_refused(void **state) {
    (void)state;
    refused(ESCALATION("host_name a\nservice_description http\ncontacts ann\n"),
            "a.cfg:1: first_notification: missing: give the number of a notification\n"
            "a.cfg:1: last_notification: missing: give the number of a notification, or 0 for all that follow\n");
    refused(ESCALATION("host_name a\n" FROM_3 "contacts ann\n"),
            "a.cfg:1: service_description: missing: give descriptions for the hosts\n");
    refused(ESCALATION("service_description http\n" FROM_3 "contacts ann\n"),
            "a.cfg:1: host_name: missing: give hosts for the descriptions\n");
    refused(HOST_ESCALATION(FROM_3), "a.cfg:1: host_name: missing: name hosts or groups, or register 0\n");
    refused(HOST_ESCALATION("host_name a,!a\n" FROM_3),
            "a.cfg:1: host_name: nothing is left: name one, or remove the hostescalation\n");
    refused(ESCALATION("hostgroup_name front\nservice_description mail\n" FROM_3),
            "a.cfg:3: service_description: no service 'mail' on host 'a': define it or correct the name\n"
            "a.cfg:3: service_description: no service 'mail' on host 'b': define it or correct the name\n");
    refused(HOST_ESCALATION("host_name a\nfirst_notification 4\nlast_notification 3\nescalation_period p\n"
                            "escalation_options d,f\ncontacts dan\ncontact_groups g\nnotification_interval x\n"),
            "a.cfg:4: last_notification: 3 comes before the first, 4: give 0 for all that follow\n"
            "a.cfg:5: escalation_period: no timeperiod 'p': define it or correct the name\n"
            "a.cfg:6: escalation_options: 'f' is no option: give some of d,u,r, or n, or a\n"
            "a.cfg:7: contacts: no contact 'dan': define it or correct the name\n"
            "a.cfg:8: contact_groups: no contactgroup 'g': define it or correct the name\n"
            "a.cfg:9: notification_interval: 'x' is not a decimal number of at most ten years: correct it\n");
}

static void escalations_of_one_object_are_bounded(void **state) {
    (void)state;
    struct buffer text = {0}, expected = {0};
    for (unsigned i = 1; i <= OBJECT_ESCALATIONS_MAX; i++) {
        buffer_printf(&text, HOST_ESCALATION("host_name a\nfirst_notification %u\nlast_notification 0\n"), i);
    }
    objects_free(good(buffer_cstr(&text)));
    buffer_printf(&text, HOST_ESCALATION("host_name a\nfirst_notification 0\nlast_notification 0\n"));
    buffer_printf(&expected, "a.cfg:%u: first_notification: 257 escalations of one object: at most 256 are allowed\n",
                  OBJECT_ESCALATIONS_MAX * 5 + 3);
    refused(buffer_cstr(&text), buffer_cstr(&expected));
    buffer_free(&text);
    buffer_free(&expected);
}

/* An alert holds 1,024 contacts: those of all escalations of an object and its own must find room. */
static void contacts_of_all_escalations_find_room_in_one_alert(void **state) {
    (void)state;
    struct buffer text = {0};
    for (unsigned i = 0; i < 1023; i++) {
        buffer_printf(&text, "define contact {\ncontact_name x%u\ncontactgroups g%u\n}\n", i, i % 2);
    }
    buffer_printf(
        &text, "define contactgroup {\ncontactgroup_name g0\n}\ndefine contactgroup {\ncontactgroup_name "
               "g1\n}\n" HOST_ESCALATION("host_name a\ncontact_groups g0\nfirst_notification 1\nlast_notification 1\n")
                   HOST_ESCALATION("host_name a\ncontact_groups g1\nfirst_notification 2\n"
                                   "last_notification 2\n"));
    objects_free(good(buffer_cstr(&text)));
    buffer_printf(&text, HOST_ESCALATION("host_name a\ncontacts cid\nfirst_notification 3\nlast_notification 3\n"));
    refused(buffer_cstr(&text), "a.cfg:4099: contacts: 1025 contacts of 49022 bytes: an alert holds 1024 of 524288 "
                                "bytes: name fewer\n");
    buffer_free(&text);
}

/* ---- dependencies ---- */

static void every_dependent_rests_on_every_master(void **state) {
    (void)state;
    struct objects *o = good(
        DEPENDENCY("hostgroup_name front\nservice_description ping\ndependent_host_name c\n"
                   "dependent_service_description *,!ping\n")
            DEPENDENCY("host_name c\nservice_description ping\ndependent_servicegroup_name webs\n"
                       "dependency_period work\ninherits_parent 1\n")
                HOST_DEPENDENCY("hostgroup_name front\ndependent_hostgroup_name front\ndependent_host_name c,!a,!b\n"));
    is(o, KIND_SERVICEDEPENDENCY,
       "a/http on c/ping work with what that rests on: c\n"
       "b/http on c/ping work with what that rests on: c\n"
       "c/http on a/ping: c\nc/http on b/ping: c\nc/mail on a/ping: c\nc/mail on b/ping: c\n");
    is(o, KIND_HOSTDEPENDENCY, "c on a: d\nc on b: d\n");
    unsigned count = 0;
    assert_string_equal(objects_dependencies(o, "c", "mail", &count)->master_host, "a");
    assert_int_equal(count, 2);
    assert_non_null(objects_dependencies(o, "c", "", &count));
    assert_int_equal(count, 2);
    assert_null(objects_dependencies(o, "c", "ping", &count));
    objects_free(o);
}

static void a_side_without_a_host_is_on_the_host_of_the_other(void **state) {
    (void)state;
    struct objects *o =
        good(DEPENDENCY("host_name *\nservice_description ping\ndependent_service_description *,!ping\n"));
    is(o, KIND_SERVICEDEPENDENCY,
       "a/http on a/ping: c\nb/http on b/ping: c\nc/http on c/ping: c\nc/mail on c/ping: c\n");
    objects_free(o);
    o = good(DEPENDENCY("service_description ping\ndependent_servicegroup_name webs\n"));
    is(o, KIND_SERVICEDEPENDENCY, "a/http on a/ping: c\nb/http on b/ping: c\n");
    objects_free(o);
}

static void two_of_one_pair_are_one(void **state) {
    (void)state;
    const char *text = HOST_DEPENDENCY(
        "master_host a\ndependent_host b\n") "define hostdependency {\nhost_name a\ndependent_host_name "
                                             "b,c\nnotification_failure_options u,p\n}\n"
                                             "define hostdependency {\nhost_name a\ndependent_host_name "
                                             "c\nexecution_failure_criteria d\n}\n"
                                             "define hostdependency {\nhost_name a\ndependent_host_name "
                                             "c\nnotification_failure_criteria n\n}\n";
    struct objects *o = good(text);
    is(o, KIND_HOSTDEPENDENCY, "b on a: d,u,p\nc on a: u,p\n");
    objects_free(o);
}

static void a_dependency_that_says_too_little_is_refused(void **state) {
    (void)state;
    refused(DEPENDENCY("host_name a\nservice_description ping\n"),
            "a.cfg:1: dependent_service_description: missing: name the services, or register 0\n");
    refused(DEPENDENCY("host_name a\ndependent_service_description ping\n"),
            "a.cfg:1: service_description: missing: give descriptions for the hosts\n");
    refused(DEPENDENCY("dependent_host_name a\ndependent_service_description ping\n"),
            "a.cfg:1: service_description: missing: name the services, or register 0\n");
    refused(DEPENDENCY("service_description ping\ndependent_service_description http\n"),
            "a.cfg:1: host_name: missing: give hosts for the descriptions\n");
    refused(HOST_DEPENDENCY("host_name a\n"),
            "a.cfg:1: dependent_host_name: missing: name hosts or groups, or register 0\n");
    refused("define servicedependency {\nhost_name a,x\nservice_description ping,pong\ndependent_host_name b\n"
            "dependent_service_description http\ndependent_servicegroup_name w\nnotification_failure_criteria x\n"
            "inherits_parent 2\ndependency_period p\n}\n",
            "a.cfg:2: host_name: no host 'x': define it or correct the name\n"
            "a.cfg:3: service_description: no service 'pong' on host 'a': define it or correct the name\n"
            "a.cfg:6: dependent_servicegroup_name: no servicegroup 'w': define it or correct the name\n"
            "a.cfg:7: notification_failure_criteria: 'x' is no option: give some of o,w,u,c,p, or n, or a\n"
            "a.cfg:8: inherits_parent: '2' is neither 0 nor 1: give one of them\n"
            "a.cfg:9: dependency_period: no timeperiod 'p': define it or correct the name\n");
    refused(DEPENDENCY("host_name a\nservice_description ping\ndependent_service_description http\n"
                       "dependency_period p\n"),
            "a.cfg:6: dependency_period: no timeperiod 'p': define it or correct the name\n");
}

static void whoever_rests_on_itself_is_refused(void **state) {
    (void)state;
    refused(DEPENDENCY("host_name a\nservice_description ping\ndependent_service_description *\n"),
            "a.cfg:5: dependent_service_description: 'a/ping' depends on itself in the end: remove one of the "
            "dependencies on the way\n");
    refused(HOST_DEPENDENCY("host_name a\ndependent_host_name b\n")
                HOST_DEPENDENCY("host_name b\ndependent_host_name c\n")
                    HOST_DEPENDENCY("host_name c\ndependent_host_name a\n"),
            "a.cfg:14: dependent_host_name: 'a' depends on itself in the end: remove one of the dependencies on the "
            "way\n");
}

/* A ladder of hosts, each resting on the two before it: the ways down add up from rung to rung. */
static void questions_that_grow_without_bound_are_refused(void **state) {
    (void)state;
    struct buffer text = {0};
    for (unsigned i = 0; i < 12; i++) {
        buffer_printf(&text, "define host {\nhost_name h%02u\nmax_check_attempts 1\n}\n", i);
        if (i > 1) {
            buffer_printf(&text,
                          HOST_DEPENDENCY("inherits_parent 1\nhost_name h%02u,h%02u\ndependent_host_name h%02u\n"),
                          i - 2, i - 1, i);
        }
    }
    objects_free(good(buffer_cstr(&text)));
    buffer_printf(&text, "define host {\nhost_name h12\nmax_check_attempts 1\n}\n"
                         "define host {\nhost_name h13\nmax_check_attempts 1\n}\n" HOST_DEPENDENCY(
                             "inherits_parent 1\nhost_name h10,h11\ndependent_host_name h12\n")
                             HOST_DEPENDENCY("inherits_parent 1\nhost_name h11,h12\ndependent_host_name h13\n"));
    refused(buffer_cstr(&text), "a.cfg:127: dependent_host_name: 512 dependencies and more, with those inherited: "
                                "depend on fewer\n");
    buffer_free(&text);
}

/* ---- parents of services ---- */

static void parents_are_pairs_or_one_of_the_same_host(void **state) {
    (void)state;
    struct objects *o = good("define service {\nuse s\nhost_name b,c\nservice_description x\nparents ping\n}\n"
                             "define service {\nuse s\nhost_name b\nservice_description y\nparents c,x, a,http\n}\n");
    const struct object_checkable *x = objects_service(o, "b", "x"), *y = objects_service(o, "b", "y");
    assert_int_equal(x->service_parent_count, 1);
    assert_string_equal(x->service_parents[0].host, "b");
    assert_string_equal(x->service_parents[0].service, "ping");
    assert_string_equal(objects_service(o, "c", "x")->service_parents[0].host, "c");
    assert_int_equal(y->service_parent_count, 2);
    assert_string_equal(y->service_parents[0].service, "http");
    assert_string_equal(y->service_parents[1].host, "c");
    objects_free(o);
    refused("define service {\nuse s\nhost_name c\nservice_description x\nparents a,mail\n}\n"
            "define service {\nuse s\nhost_name c\nservice_description y\nparents z\n}\n",
            "a.cfg:5: parents: no service 'mail' on host 'a': define it or correct the name\n"
            "a.cfg:11: parents: no service 'z' on host 'c': define it or correct the name\n");
    refused("define service {\nuse s\nhost_name c\nservice_description x\nparents y\n}\n"
            "define service {\nuse s\nhost_name c\nservice_description y\nparents x\n}\n",
            "a.cfg:5: parents: service 'c/x' is its own ancestor: remove one of the parents on the way\n");
}

static void the_order_of_the_text_does_not_matter(void **state) {
    (void)state;
    const char *parts[] = {ESCALATION("host_name a\nservice_description *\n" FROM_3 "contacts cid\n"),
                           ESCALATION("host_name *\nservice_description http\n" FROM_3 "contacts bob\n"),
                           DEPENDENCY("host_name *\nservice_description ping\ndependent_service_description http\n"),
                           HOST_DEPENDENCY("host_name a\ndependent_host_name c,b\n"),
                           "define hostgroup {\nhostgroup_name z\nmembers c,a\n}\n"};
    struct buffer forth = {0}, back = {0}, one = {0}, two = {0};
    for (unsigned i = 0; i < 5; i++) {
        buffer_printf(&forth, "%s", parts[i]);
        buffer_printf(&back, "%s", parts[4 - i]);
    }
    struct objects *a = good(buffer_cstr(&forth)), *b = good(buffer_cstr(&back));
    objects_encode(&one, a);
    objects_encode(&two, b);
    assert_true(bytes_equal(buffer_bytes(&one), buffer_bytes(&two)));
    objects_free(a);
    objects_free(b);
    buffer_free(&forth);
    buffer_free(&back);
    buffer_free(&one);
    buffer_free(&two);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_are_kept_with_those_inside_them),
        cmocka_unit_test(a_circle_of_service_groups_is_refused),
        cmocka_unit_test(an_escalation_stands_for_each_that_it_names),
        cmocka_unit_test(what_an_escalation_does_not_say_comes_from_its_object),
        cmocka_unit_test(a_plus_adds_to_the_contacts_of_the_object),
        cmocka_unit_test(two_of_the_same_moments_are_one),
        cmocka_unit_test(an_escalation_that_says_too_little_is_refused),
        cmocka_unit_test(escalations_of_one_object_are_bounded),
        cmocka_unit_test(contacts_of_all_escalations_find_room_in_one_alert),
        cmocka_unit_test(every_dependent_rests_on_every_master),
        cmocka_unit_test(a_side_without_a_host_is_on_the_host_of_the_other),
        cmocka_unit_test(two_of_one_pair_are_one),
        cmocka_unit_test(a_dependency_that_says_too_little_is_refused),
        cmocka_unit_test(whoever_rests_on_itself_is_refused),
        cmocka_unit_test(questions_that_grow_without_bound_are_refused),
        cmocka_unit_test(parents_are_pairs_or_one_of_the_same_host),
        cmocka_unit_test(the_order_of_the_text_does_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
