/* A site as text: hosts x services with templates, nested groups, parents, escalations and dependencies, as large as is
   asked for. */
#ifndef QUORATE_TESTS_MANY_OBJECTS_H
#define QUORATE_TESTS_MANY_OBJECTS_H

#include "base/bytes.h"

#include <stdio.h>

struct many { /* what the text resolves to */
    unsigned hosts, services, hostgroups, servicegroups;
    unsigned host_escalations, service_escalations, host_dependencies, service_dependencies;
};
enum { MANY_ROOM = 25 }; /* hosts of one room, behind one switch: the first of them */

static inline void many_people(struct buffer *out) {
    buffer_printf(out, "define timeperiod {\ntimeperiod_name work\nmonday 09:00-17:00\ntuesday 09:00-17:00\n}\n"
                       "define command {\ncommand_name check\ncommand_line /bin/check\n}\n"
                       "define command {\ncommand_name page\ncommand_line /bin/page\n}\n");
    for (unsigned i = 0; i < 20; i++) {
        buffer_printf(out,
                      "define contact {\ncontact_name person%02u\nemail person%02u@example.org\ncontactgroups "
                      "level%u\nservice_notification_commands page\nhost_notification_commands page\n}\n",
                      i, i, i / 7);
    }
    for (unsigned i = 0; i < 3; i++) {
        buffer_printf(out, "define contactgroup {\ncontactgroup_name level%u\n}\n", i);
    }
    buffer_printf(out,
                  "define host {\nname plain\nregister 0\nmax_check_attempts 3\ncontact_groups level0\n"
                  "notification_interval 30\n}\n"
                  "define host {\nname server\nregister 0\nuse plain\nhostgroups +servers\ncheck_command check!h\n}\n"
                  "define service {\nname s\nregister 0\nmax_check_attempts 3\ncheck_command check!s\n"
                  "check_interval 5\nretry_interval 1\n}\n");
}

/* Rooms of a switch and the servers behind it. */
static inline void many_hosts(struct buffer *out, unsigned hosts) {
    for (unsigned i = 0; i < hosts; i++) {
        unsigned room = i / MANY_ROOM;
        if (i % MANY_ROOM == 0) {
            buffer_printf(out, "define host {\nuse plain\nhost_name h%05u\naddress 10.0.0.1\n}\n", i);
            buffer_printf(out, "define hostgroup {\nhostgroup_name room%04u\nmembers h%05u\n}\n", room, i);
        } else {
            buffer_printf(out,
                          "define host {\nuse server\nhost_name h%05u\naddress 10.0.0.1\nparents h%05u\nhostgroups "
                          "+room%04u\n_RACK %u\n}\n",
                          i, room * MANY_ROOM, room, i % 7);
        }
    }
    buffer_printf(out, "define hostgroup {\nhostgroup_name servers\nalias All servers\n}\n"
                       "define hostgroup {\nhostgroup_name everything\nhostgroup_members servers\nmembers *\n}\n");
}

static inline void many_services(struct buffer *out, unsigned services) {
    for (unsigned i = 0; i < services; i++) {
        buffer_printf(out,
                      "define service {\nuse s\nhostgroup_name everything\nservice_description s%02u\nservicegroups "
                      "kind%u\n%s}\n",
                      i, i % 4,
                      i == 0       ? ""
                      : i % 5 == 4 ? "parents s00\ncontact_groups level1\n"
                                   : "parents s00\n");
    }
    for (unsigned i = 0; i < 4; i++) {
        buffer_printf(out, "define servicegroup {\nservicegroup_name kind%u\n}\n", i);
    }
    buffer_printf(out, "define servicegroup {\nservicegroup_name kinds\nservicegroup_members kind0,kind1\n}\n");
}

static inline void many_relations(struct buffer *out) {
    buffer_printf(out,
                  "define serviceescalation {\nname e\nregister 0\nlast_notification 0\nnotification_interval 10\n}\n"
                  "define serviceescalation {\nuse e\nhost_name *\nservice_description *\nfirst_notification 3\n"
                  "contact_groups +level1\n}\n"
                  "define serviceescalation {\nuse e\nservicegroup_name kinds\nfirst_notification 6\n"
                  "contact_groups level2\nescalation_options c\n}\n"
                  "define hostescalation {\nhostgroup_name everything\nfirst_notification 2\nlast_notification 0\n"
                  "contact_groups level2\nescalation_period work\n}\n"
                  "define servicedependency {\nhost_name *\nservice_description s01\n"
                  "dependent_service_description *,!s00,!s01\nnotification_failure_criteria c,u\n"
                  "inherits_parent 1\n}\n"
                  "define servicedependency {\nhost_name h00000\nservice_description s00\n"
                  "dependent_servicegroup_name kind1\nnotification_failure_criteria c\n}\n"
                  "define hostdependency {\nhost_name h00000\ndependent_hostgroup_name servers\n"
                  "notification_failure_criteria d,u\n}\n");
}

/* services at least 8. */
static inline struct many many_objects(struct buffer *out, unsigned hosts, unsigned services) {
    unsigned rooms = (hosts + MANY_ROOM - 1) / MANY_ROOM;
    many_people(out);
    many_hosts(out, hosts);
    many_services(out, services);
    many_relations(out);
    return (struct many){.hosts = hosts,
                         .services = hosts * services,
                         .hostgroups = rooms + 2,
                         .servicegroups = 5,
                         .host_escalations = hosts,
                         .service_escalations = hosts * services + hosts * ((services + 3) / 4 + (services + 2) / 4),
                         .host_dependencies = hosts - rooms,
                         .service_dependencies = hosts * (services - 2) + hosts * ((services + 2) / 4)};
}

#endif
