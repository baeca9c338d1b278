/* A good configuration of four files, in which mistakes are planted: each alone is told with its file, line and
   directive and nothing else is; all at once, each is told too. And a site of some size resolves to what was meant. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
/* clang-format on */

#include "checks/monitor.h"
#include "checks/objects.h"
#include "many_objects.h"

/* A line that ends with "; @word" is where the mistake of that name is planted. */
static const struct object_source files[] = {
    {"people.cfg",
     {(const uint8_t *)"define command {\ncommand_name check\ncommand_line /bin/check\n}\n"
                       "define command {\ncommand_name page\ncommand_line /bin/page\n}\n"
                       "define timeperiod {\ntimeperiod_name work\nmonday 09:00-17:00 ; @range\n}\n"
                       "define timeperiod {\ntimeperiod_name nights\nexclude work ; @exclude\n"
                       "sunday 00:00-24:00\n}\n"
                       "define contact {\ncontact_name ann\n"
                       "service_notification_commands page ; @commands\n"
                       "service_notification_options w,c ; @contact_options\n"
                       "host_notification_period work ; @contact_period\n"
                       "host_notifications_enabled 1 ; @contact_flag\n"
                       "contactgroups staff ; @contactgroups\n}\n"
                       "define contact {\ncontact_name bob\nemail bob@example.org ; @line\n}\n"
                       "define contactgroup {\ncontactgroup_name staff\nmembers bob ; @members\n}\n"
                       "define contactgroup {\ncontactgroup_name all\ncontactgroup_members staff ; @nested\n}\n",
      0}},
    {"hosts.cfg",
     {(const uint8_t *)"# outside ; @outside\n"
                       "define host {\nname t\nregister 0\nmax_check_attempts 3\n}\n"
                       "define host {\nuse t\nhost_name h1\n}\n"
                       "define host {\nuse t ; @use\nhost_name h2\nmax_check_attempts 3\n}\n"
                       "define host {\nhost_name h3\nmax_check_attempts 3 ; @attempts\n}\n"
                       "define host {\nuse t\nhost_name h4\n"
                       "check_interval 5 ; @check\nretry_interval 1 ; @retry\nnotification_interval 5 ; @again\n"
                       "first_notification_delay 1 ; @delay\nfreshness_threshold 60 ; @freshness\n"
                       "notification_options d,u ; @options\nnotifications_enabled 1 ; @flag\n"
                       "parents h1 ; @parents\nhostgroups g1 ; @hostgroups\n"
                       "notification_period work ; @period\ncontacts ann ; @contacts\n"
                       "contact_groups staff ; @contact_groups\ncheck_command check!1 ; @command\n"
                       "low_flap_threshold 5 ; @percent\nflap_detection_options o,d ; @flap\n"
                       "_STALE_STATE down ; @stale\naddress 10.0.0.1 ; @unknown\nalias four ; @empty\n}\n"
                       "define host {\nuse t\nhost_name h5\n_OBSERVERS a,b ; @observers\n}\n"
                       "define host {\nuse t\nhost_name h6\n_OBSERVERS a,b\n_QUORUM 2 ; @quorum\n}\n"
                       "define host {\nuse t\nhost_name h7\nalias seven\ndisplay_name Seven ; @twice\n}\n"
                       "define host { ; @type\nuse t\nhost_name h8\n}\n"
                       "define hostgroup {\nhostgroup_name g1\nmembers h2,h3 ; @hosts\n}\n"
                       "define hostgroup {\nhostgroup_name g2\nhostgroup_members g1 ; @hostgroup_members\n}\n",
      0}},
    {"services.cfg",
     {(const uint8_t *)"define service {\nname s\nregister 0\nmax_check_attempts 3\ncheck_command check!s\n}\n"
                       "define service {\nuse s\nhost_name h1,h2,h3,h4\nservice_description ping\n}\n"
                       "define service {\nuse s\nhost_name h1,h2 ; @service_host\nservice_description http\n"
                       "hostgroup_name g1 ; @service_group\nis_volatile 0 ; @volatile\n"
                       "_STALE_STATE ok ; @service_stale\n_DISSENT_NOTIFY 1 ; @dissent\n}\n"
                       "define service {\nuse s\nhost_name h1\nservice_description up\nparents ping ; @parent\n"
                       "servicegroups sg ; @servicegroups\n}\n"
                       "define service {\nuse s\nhost_name h1 ; @double\nservice_description up2\n}\n"
                       "define servicegroup {\nservicegroup_name sg\nmembers h1,ping ; @pairs\n}\n"
                       "define servicegroup {\nservicegroup_name sg2\nmembers h2,ping ; @pair\n"
                       "servicegroup_members sg ; @servicegroup_members\n}\n",
      0}},
    {"relations.cfg",
     {(const uint8_t *)"define hostescalation {\nhost_name h1 ; @escalated\nfirst_notification 2 ; @first\n"
                       "last_notification 5 ; @last\nescalation_options d ; @states\nescalation_period work ; @when\n"
                       "contacts ann ; @whom\nnotification_interval 9 ; @soon\n}\n"
                       "define serviceescalation {\nhost_name h1,h2\nservice_description ping ; @what\n"
                       "first_notification 2\nlast_notification 0\ncontact_groups +staff ; @groups\n}\n"
                       "define serviceescalation {\nservicegroup_name sg ; @of_group\nfirst_notification 2\n"
                       "last_notification 3 ; @early\n}\n"
                       "define hostdependency {\nhost_name h1 ; @master\ndependent_host_name h2,h3\n"
                       "notification_failure_criteria d ; @criteria\ninherits_parent 1 ; @inherits\n"
                       "dependency_period work ; @dependency_period\n}\n"
                       "define hostdependency {\nhost_name h1\ndependent_host_name h4 ; @dependents\n"
                       "notification_failure_criteria d\n}\n"
                       "define servicedependency {\nhost_name h1,h2\nservice_description ping ; @master_service\n"
                       "dependent_service_description http\n"
                       "notification_failure_criteria c,p ; @service_criteria\n}\n"
                       "define servicedependency {\nhost_name h1\nservice_description ping\n"
                       "dependent_service_description up ; @dependent_service\nnotification_failure_criteria w\n}\n"
                       "define servicedependency {\nhost_name h3\nservice_description ping\n"
                       "dependent_servicegroup_name sg ; @dependent_group\nnotification_failure_criteria c\n}\n",
      0}},
};
enum { FILES = sizeof files / sizeof files[0] };

struct plant {
    const char *at, *text, *problem; /* problem: how it begins, behind the file and the line */
};
static const struct plant plants[] = {
    {"@line", "mail bob@example.org", "mail: not a directive of contact"},
    {"@range", "monday 25:00-26:00", "monday: "},
    {"@exclude", "exclude days", "exclude: no timeperiod 'days'"},
    {"@commands", "service_notification_commands beep", "service_notification_commands: no command 'beep'"},
    {"@contact_options", "service_notification_options d", "service_notification_options: 'd' is no option"},
    {"@contact_period", "host_notification_period w", "host_notification_period: no timeperiod 'w'"},
    {"@contact_flag", "host_notifications_enabled on", "host_notifications_enabled: 'on' is neither 0 nor 1"},
    {"@contactgroups", "contactgroups stuff", "contactgroups: no contactgroup 'stuff'"},
    {"@members", "members bib", "members: no contact 'bib'"},
    {"@nested", "contactgroup_members stuff", "contactgroup_members: no contactgroup 'stuff'"},
    {"@outside", "outside", "'outside' stands outside a definition"},
    {"@use", "use nope", "use: no host template 'nope'"},
    {"@attempts", "max_check_attempts 0", "max_check_attempts: '0' is not a whole number"},
    {"@check", "check_interval five", "check_interval: 'five' is not a decimal number"},
    {"@retry", "retry_interval -1", "retry_interval: '-1' is not a decimal number"},
    {"@again", "notification_interval 1.2.3", "notification_interval: '1.2.3' is not a decimal number"},
    {"@delay", "first_notification_delay x", "first_notification_delay: 'x' is not a decimal number"},
    {"@freshness", "freshness_threshold 1h", "freshness_threshold: '1h' is not a decimal number"},
    {"@options", "notification_options d,w", "notification_options: 'w' is no option"},
    {"@flag", "notifications_enabled yes", "notifications_enabled: 'yes' is neither 0 nor 1"},
    {"@parents", "parents h0", "parents: no host 'h0'"},
    {"@hostgroups", "hostgroups g9", "hostgroups: no hostgroup 'g9'"},
    {"@period", "notification_period never", "notification_period: no timeperiod 'never'"},
    {"@contacts", "contacts ann,ane", "contacts: no contact 'ane'"},
    {"@contact_groups", "contact_groups stuff", "contact_groups: no contactgroup 'stuff'"},
    {"@command", "check_command chuck!1", "check_command: no command 'chuck'"},
    {"@percent", "low_flap_threshold 500", "low_flap_threshold: '500' is not a percentage"},
    {"@flap", "flap_detection_options r", "flap_detection_options: 'r' is no option"},
    {"@stale", "_STALE_STATE sideways", "_STALE_STATE: 'sideways' is no state"},
    {"@unknown", "adress 10.0.0.1", "adress: not a directive of host"},
    {"@empty", "alias", "alias: no value"},
    {"@observers", "_OBSERVERS ,", "_OBSERVERS: names nobody"},
    {"@quorum", "_QUORUM 3", "_QUORUM: '3' is not a whole number from 1 to 2"},
    {"@twice", "alias Seven", "alias: given twice in one definition (first in line"},
    {"@type", "define hots {", "define hots: no such type of object"},
    {"@hosts", "members h2,h33", "members: no host 'h33'"},
    {"@hostgroup_members", "hostgroup_members g7", "hostgroup_members: no hostgroup 'g7'"},
    {"@service_host", "host_name h1,h2,ghost", "host_name: no host 'ghost'"},
    {"@service_group", "hostgroup_name g8", "hostgroup_name: no hostgroup 'g8'"},
    {"@volatile", "is_volatile 2", "is_volatile: '2' is neither 0 nor 1"},
    {"@service_stale", "_STALE_STATE maybe", "_STALE_STATE: 'maybe' is no state"},
    {"@dissent", "_DISSENT_NOTIFY x", "_DISSENT_NOTIFY: 'x' is neither 0 nor 1"},
    {"@parent", "parents h1,pong", "parents: no service 'pong' on host 'h1'"},
    {"@servicegroups", "servicegroups sg,sx", "servicegroups: no servicegroup 'sx'"},
    {"@double", "host_name !h1,!h0", "host_name: no host 'h0'"},
    {"@pairs", "members h1,ping,h2", "members: ends with a host alone"},
    {"@pair", "members h2,pong", "members: no service 'pong' on host 'h2'"},
    {"@servicegroup_members", "servicegroup_members sg9", "servicegroup_members: no servicegroup 'sg9'"},
    {"@escalated", "host_name h1,h0", "host_name: no host 'h0'"},
    {"@first", "first_notification two", "first_notification: 'two' is not a whole number"},
    {"@last", "last_notification -1", "last_notification: '-1' is not a whole number"},
    {"@states", "escalation_options w", "escalation_options: 'w' is no option: give some of d,u,r"},
    {"@when", "escalation_period never", "escalation_period: no timeperiod 'never'"},
    {"@whom", "contacts ann,ane", "contacts: no contact 'ane'"},
    {"@soon", "notification_interval soon", "notification_interval: 'soon' is not a decimal number"},
    {"@what", "service_description ping,pong", "service_description: no service 'pong' on host 'h"},
    {"@groups", "contact_groups +stuff", "contact_groups: no contactgroup 'stuff'"},
    {"@of_group", "servicegroup_name sg,sx", "servicegroup_name: no servicegroup 'sx'"},
    {"@early", "last_notification 1", "last_notification: 1 comes before the first, 2"},
    {"@master", "host_name h1,h0", "host_name: no host 'h0'"},
    {"@dependents", "dependent_host_name h1", "dependent_host_name: 'h1' depends on itself in the end"},
    {"@criteria", "notification_failure_criteria c", "notification_failure_criteria: 'c' is no option"},
    {"@inherits", "inherits_parent both", "inherits_parent: 'both' is neither 0 nor 1"},
    {"@dependency_period", "dependency_period never", "dependency_period: no timeperiod 'never'"},
    {"@master_service", "service_description pong", "service_description: no service 'pong' on host 'h"},
    {"@dependent_service", "dependent_service_description ftp", "dependent_service_description: no service 'ftp' on"},
    {"@service_criteria", "notification_failure_criteria d", "notification_failure_criteria: 'd' is no option"},
    {"@dependent_group", "dependent_servicegroup_name sx", "dependent_servicegroup_name: no servicegroup 'sx'"},
};
enum { PLANTS = sizeof plants / sizeof plants[0], ALL = -1 };

static bool stands_at(const char *line, size_t len, const struct plant *p) {
    size_t word = strlen(p->at);
    return len >= word && memcmp(line + len - word, p->at, word) == 0 && line[len - word - 1] == ' ';
}

/* Copies the files with one mistake, or all; says where each stands: "FILE:LINE: problem". */
static void plant(int which, struct buffer out[FILES], struct buffer told[PLANTS]) {
    for (unsigned f = 0; f < FILES; f++) {
        unsigned number = 0;
        for (const char *line = (const char *)files[f].text.data; *line != '\0';) {
            size_t len = strcspn(line, "\n");
            const struct plant *found = NULL;
            number++;
            for (int i = 0; i < PLANTS; i++) {
                if ((which == ALL || which == i) && stands_at(line, len, &plants[i])) {
                    found = &plants[i];
                    buffer_printf(&told[i], "%s:%u: %s", files[f].file, number, found->problem);
                }
            }
            buffer_printf(&out[f], "%.*s\n", found ? (int)strlen(found->text) : (int)len, found ? found->text : line);
            line += len + 1;
        }
    }
}

static void check(int which) {
    struct buffer text[FILES] = {{0}}, told[PLANTS] = {{0}}, why = {0};
    struct object_source sources[FILES];
    struct objects *o = NULL;
    plant(which, text, told);
    for (unsigned f = 0; f < FILES; f++) {
        sources[f] = (struct object_source){files[f].file, buffer_bytes(&text[f])};
    }
    assert_int_equal(objects_parse(&o, sources, FILES, NULL, NULL, &why), ERR_BAD_OBJECTS);
    for (int i = 0; i < PLANTS; i++) {
        if (which != ALL && which != i) {
            continue;
        }
        assert_true(told[i].len > 0); /* it was planted */
        if (strstr(buffer_cstr(&why), buffer_cstr(&told[i])) == NULL) {
            fail_msg("%s is not told by\n%s", buffer_cstr(&told[i]), buffer_cstr(&why));
        }
    }
    if (which != ALL) { /* and nothing but it, once for each object that it concerns */
        size_t place = (size_t)(strchr(strchr(buffer_cstr(&told[which]), ':') + 1, ':') - buffer_cstr(&told[which]));
        for (const char *line = buffer_cstr(&why); *line != '\0'; line = strchr(line, '\n') + 1) {
            if (strncmp(line, buffer_cstr(&told[which]), place + 1) != 0) {
                fail_msg("more than %s: %s", buffer_cstr(&told[which]), line);
            }
        }
    }
    for (unsigned f = 0; f < FILES; f++) {
        buffer_free(&text[f]);
    }
    for (int i = 0; i < PLANTS; i++) {
        buffer_free(&told[i]);
    }
    buffer_free(&why);
}

static void without_a_mistake_it_is_good(void **state) {
    (void)state;
    struct object_source sources[FILES];
    struct objects *o = NULL;
    struct buffer why = {0};
    for (unsigned f = 0; f < FILES; f++) {
        sources[f] = (struct object_source){files[f].file, bytes_of_text((const char *)files[f].text.data)};
    }
    enum error e = objects_parse(&o, sources, FILES, NULL, NULL, &why);
    assert_string_equal(buffer_cstr(&why), "");
    assert_int_equal(e, ERR_OK);
    objects_free(o);
    buffer_free(&why);
}

static void each_mistake_alone_is_told_where_it_stands(void **state) {
    (void)state;
    for (int i = 0; i < PLANTS; i++) {
        check(i);
    }
}

static void all_mistakes_at_once_are_told(void **state) {
    (void)state;
    check(ALL);
}

/* ---- a site of some size ---- */

static bool everybody(void *self, const char *observer) {
    (void)self;
    return observer[0] != '\0';
}
static bool everywhere(void *self, const char *observer, const char *host) {
    (void)self;
    return observer[0] != '\0' && host[0] != '\0';
}

static void a_site_resolves_to_what_was_meant(void **state) {
    (void)state;
    static const struct monitor_authority authority = {NULL, everybody, everywhere};
    struct monitor_config config = {0};
    struct monitor *monitor = monitor_new(&config);
    struct buffer text = {0}, bytes = {0}, why = {0};
    struct many m = many_objects(&text, 110, 10);
    struct object_source source = {"many.cfg", buffer_bytes(&text)};
    struct objects *o = NULL;
    assert_int_equal(objects_parse(&o, &source, 1, NULL, NULL, &why), ERR_OK);
    assert_int_equal(o->host_count, m.hosts);
    assert_int_equal(o->service_count, m.services);
    assert_int_equal(o->hostgroup_count, m.hostgroups);
    assert_int_equal(o->servicegroup_count, m.servicegroups);
    assert_int_equal(o->host_escalation_count, m.host_escalations);
    assert_int_equal(o->service_escalation_count, m.service_escalations);
    assert_int_equal(o->host_dependency_count, m.host_dependencies);
    assert_int_equal(o->service_dependency_count, m.service_dependencies);
    assert_int_equal(objects_hostgroup(o, "everything")->member_count, m.hosts);
    assert_int_equal(objects_servicegroup(o, "kinds")->member_count, m.hosts * 6);
    objects_encode(&bytes, o);
    assert_int_equal(monitor_apply(monitor, buffer_bytes(&bytes), &authority, NULL, &why), ERR_OK);
    monitor_check(monitor);
    monitor_free(monitor);
    objects_free(o);
    buffer_free(&text);
    buffer_free(&bytes);
    buffer_free(&why);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_mistake_it_is_good),
        cmocka_unit_test(each_mistake_alone_is_told_where_it_stands),
        cmocka_unit_test(all_mistakes_at_once_are_told),
        cmocka_unit_test(a_site_resolves_to_what_was_meant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
