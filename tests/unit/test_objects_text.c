/* The object configuration as text: what each rule of Nagios' syntax means, and what is said, with file and line, when
   a rule is broken. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
/* clang-format on */

#include "checks/objects.h"

#define COMMAND "define command {\ncommand_name ping\ncommand_line /bin/ping $ARG1$\n}\n"
#define HOST(name, more) "define host {\nhost_name " name "\nmax_check_attempts 3\n" more "}\n"
#define SERVICE(more) "define service {\nmax_check_attempts 3\ncheck_command ping!a\n" more "}\n"
#define CONTACT(name) "define contact {\ncontact_name " name "\n}\n"

static enum error parse_with(struct objects **out, const char *text, time_ms unit, struct buffer *ignored,
                             struct buffer *why) {
    struct object_source source = {"a.cfg", bytes_of_text(text)};
    struct object_options options = {.interval_length = unit};
    return objects_parse(out, &source, 1, &options, ignored, why);
}

static struct objects *good(const char *text) {
    struct buffer why = {0}, ignored = {0};
    struct objects *o = NULL;
    enum error e = parse_with(&o, text, 60000, &ignored, &why);
    if (e != ERR_OK) {
        print_message("%s", buffer_cstr(&why));
    }
    assert_int_equal(e, ERR_OK);
    assert_int_equal(why.len, 0);
    buffer_free(&why);
    buffer_free(&ignored);
    return o;
}

/* Refused with exactly these lines. */
static void refused(const char *text, const char *expected) {
    struct buffer why = {0}, ignored = {0};
    struct objects *o = NULL;
    enum error e = parse_with(&o, text, 60000, &ignored, &why);
    if (e != ERR_BAD_OBJECTS || strcmp(buffer_cstr(&why), expected) != 0) {
        print_message("text: %s\nsaid: %s", text, buffer_cstr(&why));
    }
    assert_string_equal(buffer_cstr(&why), expected);
    assert_int_equal(e, ERR_BAD_OBJECTS);
    assert_null(o);
    buffer_free(&why);
    buffer_free(&ignored);
}

static void assert_names(const char *const *names, unsigned count, const char *expected) {
    struct buffer joined = {0};
    for (unsigned i = 0; i < count; i++) {
        buffer_printf(&joined, "%s%s", i > 0 ? "," : "", names[i]);
    }
    assert_string_equal(buffer_cstr(&joined), expected);
    buffer_free(&joined);
}

static void assert_services(const struct objects *o, const char *expected) {
    struct buffer joined = {0};
    for (unsigned i = 0; i < o->service_count; i++) {
        buffer_printf(&joined, "%s%s/%s", i > 0 ? " " : "", o->services[i].host, o->services[i].service);
    }
    assert_string_equal(buffer_cstr(&joined), expected);
    buffer_free(&joined);
}

/* ---- lines ---- */

static void comments_blanks_and_continuations(void **state) {
    (void)state;
    struct objects *o = good("# a comment\n   ; another\n\r\n"
                             "define host{ ; opened\r\n"
                             "\thost_name\t  web1  ; the name\r\n"
                             "  #alias no\n"
                             "  alias one \\\n     two\n"
                             "  address a\\;b;c\n"
                             "  max_check_attempts 3\n"
                             "  _Path C:\\\\\n"
                             "  }");
    assert_string_equal(o->hosts[0].host, "web1");
    assert_string_equal(o->hosts[0].alias, "one two");
    assert_string_equal(o->hosts[0].address, "a;b");
    assert_string_equal(o->hosts[0].variables[0].name, "_PATH");
    assert_string_equal(o->hosts[0].variables[0].value, "C:\\\\");
    assert_string_equal(o->hosts[0].file, "a.cfg");
    assert_int_equal(o->hosts[0].line, 4);
    objects_free(o);
}

static void an_empty_configuration_is_one(void **state) {
    (void)state;
    objects_free(good(""));
    objects_free(good("\n\n# nothing"));
}

static void syntax_errors_name_file_and_line(void **state) {
    (void)state;
    refused("host_name a\n",
            "a.cfg:1: 'host_name' stands outside a definition: remove it or open one with 'define TYPE {'\n");
    refused("\ninclude_file=b.cfg\n",
            "a.cfg:2: include_file and include_dir are not supported: name the files to apply\n");
    refused("define host\n{\n}\n", "a.cfg:1: define: not of the form 'define TYPE {': correct it\n");
    refused("define {\n}\n", "a.cfg:1: define: not of the form 'define TYPE {': correct it\n");
    refused("define host { host_name a }\n}\n", "a.cfg:1: define: not of the form 'define TYPE {': correct it\n");
    refused("define hots {\nhost_name a\n}\n", "a.cfg:1: define hots: no such type of object: correct it\n");
    refused("define command {\ncommand_name a\ncommand_line b\n",
            "a.cfg:1: define: not closed: put a '}' on a line of its own behind it\n");
    refused("define command {\ncommand_name a\ncommand_line b\ndefine command {\ncommand_name c\ncommand_line d\n}\n",
            "a.cfg:1: define: not closed: put a '}' on a line of its own behind it\n");
    refused(HOST("a", "hostname b\n"), "a.cfg:4: hostname: not a directive of host: correct or remove it\n");
    refused(HOST("a", "alias\n"), "a.cfg:4: alias: no value: give one or remove the line\n");
    refused(HOST("a", "alias b\nalias c\n"),
            "a.cfg:5: alias: given twice in one definition (first in line 4): remove one\n");
    refused(HOST("a", "_x 1\n_X 2\n"), "a.cfg:5: _X: given twice in one definition (first in line 4): remove one\n");
    refused("define command {\ncommand_name \xff\n}\n",
            "a.cfg:1: command_name: missing: give every command one, or register 0\n"
            "a.cfg:2: not valid UTF-8: save the file as UTF-8\n");
    refused(COMMAND "define hostgroup {\nhostgroup_name g\n_X 1\n}\n",
            "a.cfg:7: _X: not a directive of hostgroup: correct or remove it\n");
}

static void what_nagios_4_no_longer_knows_is_refused(void **state) {
    (void)state;
    refused("define hostgroupescalation {\nanything goes\n}\n",
            "a.cfg:1: define hostgroupescalation: says nothing to Nagios 4: write a hostescalation with a "
            "hostgroup_name\n");
}

static void unused_directives_are_listed_once(void **state) {
    (void)state;
    struct buffer why = {0}, ignored = {0};
    struct objects *o = NULL;
    const char *text = COMMAND HOST("a", "notes x\n2d_coords 1,2\n") HOST("b", "notes y\nparents a\n") SERVICE(
        "host_name a\nservice_description s\nnotes z\n") "define contactgroup {\ncontactgroup_name g\nalias x\n}\n"
                                                         "define hostextinfo {\nhost_name a\n}\ndefine "
                                                         "contact {\ncontact_name c\n_X y\n}\n";
    assert_int_equal(parse_with(&o, text, 60000, &ignored, &why), ERR_OK);
    assert_string_equal(buffer_cstr(&ignored), "notes (first at a.cfg:8)\n2d_coords (first at a.cfg:9)\n"
                                               "alias of contactgroup (first at a.cfg:26)\n"
                                               "define hostextinfo (first at a.cfg:28)\n");
    buffer_free(&why);
    buffer_free(&ignored);
    objects_free(o);
}

static void all_problems_come_at_once_each_once(void **state) {
    (void)state;
    refused("define host {\nname t\nregister 0\nmax_check_attempts x\n}\n"
            "define host {\nhost_name b\nuse t\nparents none\n}\n"
            "define host {\nhost_name a\nuse t,missing\n}\n",
            "a.cfg:4: max_check_attempts: 'x' is not a whole number from 1 to 1000000: correct it\n"
            "a.cfg:9: parents: no host 'none': define it or correct the name\n"
            "a.cfg:13: use: no host template 'missing': define it or correct the name\n");
}

/* ---- templates ---- */

static void the_leftmost_template_wins(void **state) {
    (void)state;
    struct objects *o = good("define host {\nname one\nregister 0\nuse base\nalias from-one\n}\n"
                             "define host {\nname two\nregister 0\nalias from-two\naddress from-two\n_K two\n}\n"
                             "define host {\nname base\nregister 0\nmax_check_attempts 7\naddress from-base\n}\n"
                             "define host {\nhost_name a\nuse one,two\n}\n");
    assert_int_equal(o->host_count, 1);
    assert_string_equal(o->hosts[0].alias, "from-one");
    assert_string_equal(o->hosts[0].address, "from-base");
    assert_int_equal(o->hosts[0].max_check_attempts, 7);
    assert_string_equal(o->hosts[0].variables[0].value, "two");
    objects_free(o);
}

static void a_template_with_register_1_is_an_object_too(void **state) {
    (void)state;
    struct objects *o = good(HOST("a", "name t\naddress x\n") "define host {\nhost_name b\nuse t\n}\n");
    assert_int_equal(o->host_count, 2);
    assert_string_equal(o->hosts[1].address, "x");
    assert_string_equal(o->hosts[1].alias, "b");
    objects_free(o);
}

static void plus_adds_to_the_inherited_list_and_null_cancels_it(void **state) {
    (void)state;
    struct objects *o =
        good(CONTACT("x") CONTACT("y")
                 CONTACT("z") "define host {\nname t\nregister 0\nmax_check_attempts 1\ncontacts x\nalias t\n_K v\n}\n"
                              "define host {\nname u\nregister 0\nuse t\ncontacts +y\n}\n"
                              "define host {\nhost_name a\nuse u\ncontacts + z\nalias null\n_K null\n}\n"
                              "define host {\nhost_name b\nuse u\ncontacts z\n}\n"
                              "define host {\nhost_name c\nuse u\ncontacts null\n}\n"
                              "define host {\nhost_name d\ncontacts +x\nmax_check_attempts 1\n}\n");
    assert_names(o->hosts[0].contacts, o->hosts[0].contact_count, "x,y,z");
    assert_string_equal(o->hosts[0].alias, "a");
    assert_int_equal(o->hosts[0].variable_count, 0);
    assert_names(o->hosts[1].contacts, o->hosts[1].contact_count, "z");
    assert_int_equal(o->hosts[2].contact_count, 0);
    assert_names(o->hosts[3].contacts, o->hosts[3].contact_count, "x");
    objects_free(o);
}

static void template_errors_name_file_and_line(void **state) {
    (void)state;
    refused(HOST("a", "use t\n") COMMAND
            "define host {\nname t\nregister 0\nuse u\n}\ndefine host {\nname u\nregister 0\nuse t\n}\n",
            "a.cfg:18: use: template 't' uses itself in the end: break the circle\n");
    refused(HOST("a", "name t\nuse t\n"), "a.cfg:5: use: template 't' uses itself in the end: break the circle\n");
    refused(HOST("a", "name t\n") HOST("b", "name t\n"),
            "a.cfg:9: name: template 't' is defined twice (first at a.cfg:1): rename one\n");
    refused(HOST("a", "register maybe\n"), "a.cfg:4: register: 'maybe' is neither 0 nor 1: give one of them\n");
}

static void lists_that_double_by_inheritance_are_stopped(void **state) {
    (void)state;
    struct buffer text = {0}, why = {0};
    buffer_printf(&text, "define host {\nname t0\nregister 0\nparents +aaaaaaaaaaaaaaaa\n}\n");
    for (int i = 1; i < 60; i++) {
        buffer_printf(&text, "define host {\nname t%d\nregister 0\nuse t%d,t%d,t%d\nparents +b\n}\n", i, i - 1, i - 1,
                      i - 1);
    }
    struct objects *o = NULL;
    assert_int_equal(parse_with(&o, buffer_cstr(&text), 60000, NULL, &why), ERR_BAD_OBJECTS);
    assert_non_null(strstr(buffer_cstr(&why), "grows beyond 262144 bytes by inheritance"));
    buffer_free(&text);
    buffer_free(&why);
}

/* ---- groups and expansion ---- */

#define HOSTS HOST("a", "") HOST("b", "hostgroups g2\n") HOST("c", "")
#define GROUPS                                                                                                         \
    "define hostgroup {\nhostgroup_name g1\nmembers a,c\n}\n"                                                          \
    "define hostgroup {\nhostgroup_name g2\nalias two\n}\n"                                                            \
    "define hostgroup {\nhostgroup_name g3\nmembers !c\nhostgroup_members g1,g2\n}\n"

static void a_service_is_made_for_each_host(void **state) {
    (void)state;
    static const struct {
        const char *directives, *services;
    } cases[] = {
        {"host_name c,a, b\n", "a/s b/s c/s"},
        {"hosts a\n", "a/s"},
        {"host_name *\n", "a/s b/s c/s"},
        {"host_name *,!b\n", "a/s c/s"},
        {"hostgroup_name g1\n", "a/s c/s"},
        {"hostgroup_name g2\n", "b/s"},
        {"hostgroup_name g3\n", "a/s b/s"},
        {"hostgroup_name *\n", "a/s b/s c/s"},
        {"hostgroup_name *,!g1\n", "b/s"},
        {"host_name a,c\nhostgroup_name g2\n", "a/s b/s c/s"},
        {"host_name !a\nhostgroup_name g1\n", "c/s"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer text = {0};
        buffer_printf(&text, "%s" SERVICE("service_description s\n%s"), COMMAND HOSTS GROUPS, cases[i].directives);
        struct objects *o = good(buffer_cstr(&text));
        assert_services(o, cases[i].services);
        buffer_free(&text);
        objects_free(o);
    }
}

static void a_service_that_names_its_host_outweighs_a_group(void **state) {
    (void)state;
    struct objects *o =
        good(COMMAND HOSTS GROUPS SERVICE("hostgroup_name g1\nservice_description s\ndisplay_name group\n")
                 SERVICE("host_name a\nservice_description s\ndisplay_name own\n"));
    assert_services(o, "a/s c/s");
    assert_string_equal(o->services[0].display, "own");
    assert_string_equal(o->services[1].display, "group");
    objects_free(o);
}

static void expansion_errors_name_file_and_line(void **state) {
    (void)state;
    refused(HOST("a", "") HOST("a", ""), "a.cfg:5: host_name: 'a' is defined twice (first at a.cfg:1): remove one\n");
    refused(HOST("a,b", ""),
            "a.cfg:2: host_name: 'a,b' could not be named in a list: no ',', no leading '!', no '*'\n");
    refused("define host {\nmax_check_attempts 1\n}\n",
            "a.cfg:1: host_name: missing: give every host one, or register 0\n");
    refused(HOST("a", "hostgroups nope\n"),
            "a.cfg:4: hostgroups: no hostgroup 'nope': define it or correct the name\n");
    refused("define hostgroup {\nhostgroup_name g\nmembers x,!y\nhostgroup_members h\n}\n",
            "a.cfg:3: members: no host 'x': define it or correct the name\n"
            "a.cfg:3: members: no host 'y': define it or correct the name\n"
            "a.cfg:4: hostgroup_members: no hostgroup 'h': define it or correct the name\n");
    refused("define contactgroup {\ncontactgroup_name g\ncontactgroup_members h\n}\n"
            "define contactgroup {\ncontactgroup_name h\ncontactgroup_members g\n}\n",
            "a.cfg:7: contactgroup_members: 'g' holds itself in the end: break the circle\n");
    refused(COMMAND SERVICE("host_name a\nservice_description s\n"),
            "a.cfg:8: host_name: no host 'a': define it or correct the name\n");
    refused(COMMAND HOST("a", "") SERVICE("host_name *,!a\nservice_description s\n"),
            "a.cfg:9: host_name: no host is left: name one, or remove the service\n");
    refused(COMMAND SERVICE("service_description s\n"),
            "a.cfg:5: host_name: missing: give a host_name or a hostgroup_name, or register 0\n");
    refused(COMMAND SERVICE("host_name a\n"),
            "a.cfg:5: service_description: missing: give every service one, or register 0\n");
    refused(COMMAND HOST("a", "") SERVICE("host_name a\nservice_description s\n")
                SERVICE("host_name a\nservice_description s\n"),
            "a.cfg:15: service_description: 's' of host 'a' is defined twice (first at a.cfg:9): remove one\n");
}

static void service_groups_are_checked(void **state) {
    (void)state;
    const char *base = COMMAND HOST("a", "") SERVICE("host_name a\nservice_description s\nservicegroups g\n");
    struct buffer text = {0};
    buffer_printf(&text, "%sdefine servicegroup {\nservicegroup_name g\nmembers a,s\n}\n", base);
    objects_free(good(buffer_cstr(&text)));
    buffer_clear(&text);
    buffer_printf(&text, "%sdefine servicegroup {\nservicegroup_name g\nmembers a,t,a\nservicegroup_members h\n}\n",
                  base);
    refused(buffer_cstr(&text), "a.cfg:18: members: ends with a host alone: write pairs host,service\n"
                                "a.cfg:18: members: no service 't' on host 'a': define it or correct the name\n"
                                "a.cfg:19: servicegroup_members: no servicegroup 'h': define it or correct the name\n");
    buffer_free(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comments_blanks_and_continuations),
        cmocka_unit_test(an_empty_configuration_is_one),
        cmocka_unit_test(syntax_errors_name_file_and_line),
        cmocka_unit_test(what_nagios_4_no_longer_knows_is_refused),
        cmocka_unit_test(unused_directives_are_listed_once),
        cmocka_unit_test(all_problems_come_at_once_each_once),
        cmocka_unit_test(the_leftmost_template_wins),
        cmocka_unit_test(a_template_with_register_1_is_an_object_too),
        cmocka_unit_test(plus_adds_to_the_inherited_list_and_null_cancels_it),
        cmocka_unit_test(template_errors_name_file_and_line),
        cmocka_unit_test(lists_that_double_by_inheritance_are_stopped),
        cmocka_unit_test(a_service_is_made_for_each_host),
        cmocka_unit_test(a_service_that_names_its_host_outweighs_a_group),
        cmocka_unit_test(expansion_errors_name_file_and_line),
        cmocka_unit_test(service_groups_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
