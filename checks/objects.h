/* The Nagios object configuration: text -> resolved objects -> canonical bytes -> resolved objects. Pure: text comes
   in, nobody opens files here. */
#ifndef QUORATE_CHECKS_OBJECTS_H
#define QUORATE_CHECKS_OBJECTS_H

#include "base/bytes.h"
#include "base/error.h"
#include "checks/zone.h"

/* Resolved objects: templates, groups and implied inheritance are gone; lists sorted; references are names, checked.
   All text lives in the set's arena. Intervals are milliseconds of agreed time (Nagios units x interval_length). */
enum {
    NOTIFY_WARNING = 1,
    NOTIFY_CRITICAL = 2,
    NOTIFY_UNKNOWN = 4,
    NOTIFY_RECOVERY = 8,
    NOTIFY_FLAPPING = 16,
    NOTIFY_DOWNTIME = 32,
    NOTIFY_DOWN = 64,
    NOTIFY_UNREACHABLE = 128,
    NOTIFY_PENDING = 256 /* never told; dependencies may name it */
};

struct object_command {
    const char *name, *line;
};
enum { CONTACT_ADDRESSES = 6 };
struct object_variable { /* a custom variable, name with its underscore, upper case */
    const char *name, *value;
};
struct object_contact {
    const char *name, *alias, *email, *pager;
    bool host_enabled, service_enabled;
    unsigned host_options, service_options;   /* NOTIFY_* */
    const char *host_period, *service_period; /* "" = always */
    unsigned host_command_count;
    const char **host_commands;
    unsigned service_command_count;
    const char **service_commands;
    const char *address[CONTACT_ADDRESSES]; /* address1..6 */
    unsigned variable_count;
    struct object_variable *variables; /* sorted by name */
};
struct object_zone { /* a time zone as the operator's machine knew it when it was applied */
    const char *name;
    unsigned shift_count;
    const struct zone_shift *shifts; /* by moment */
};
struct object_timeperiod {
    const char *name, *alias;
    const char *zone; /* _TIMEZONE; "" is UTC */
    unsigned rule_count;
    const char **rules; /* as period_rule_print writes them, in the order of the text: no rule is never */
    unsigned exclude_count;
    const char **excludes; /* names of time periods, sorted */
};
struct object_pair { /* a service by its two names */
    const char *host, *service;
};
struct object_checkable { /* a host (service "") or a service */
    const char *host, *service, *display, *alias, *address;
    const char *check_command;
    uint32_t max_check_attempts;
    time_ms check_interval, retry_interval;
    bool is_volatile, check_freshness, notifications_enabled;
    const char *check_period;      /* outside of it nobody's silence begins to count; "" = always */
    time_ms freshness_threshold;   /* resolved: never 0 */
    time_ms notification_interval; /* 0 = once */
    time_ms first_notification_delay;
    const char *notification_period; /* "" = always */
    unsigned notification_options;   /* NOTIFY_* */
    bool flap_enabled;               /* of the main configuration and of the object */
    uint32_t low_flap, high_flap;    /* thousandths of a percent */
    unsigned flap_options;           /* NOTIFY_*: which states count; NOTIFY_RECOVERY is OK or UP */
    unsigned contact_count;
    const char **contacts; /* groups resolved; sorted, distinct */
    unsigned parent_count;
    const char **parents; /* hosts only */
    unsigned service_parent_count;
    struct object_pair *service_parents; /* services only; sorted, distinct */
    unsigned observer_count;
    const char **observers;  /* sorted, distinct, at least one */
    bool observers_implicit; /* default: the agent that bears the host's name */
    uint32_t quorum;         /* 1..observer_count */
    int stale_state;         /* _STALE_STATE, -1 = the default */
    bool dissent_notify;
    unsigned variable_count;
    struct object_variable *variables;
    const char *file;
    uint32_t line; /* where it was defined; not in the canonical bytes */
};
struct object_hostgroup {
    const char *name, *alias;
    unsigned member_count;
    const char **members; /* hosts, nested groups resolved; sorted, distinct */
};
struct object_servicegroup {
    const char *name, *alias;
    unsigned member_count;
    struct object_pair *members; /* the same, of services */
};
struct object_escalation { /* of one host (service "") or service; what it says nothing of comes from that object */
    const char *host, *service;
    uint32_t first, last; /* notifications; last 0: and all that follow */
    const char *period;   /* "" = always */
    unsigned options;     /* NOTIFY_* of the states; NOTIFY_RECOVERY is a recovery */
    time_ms interval;     /* 0 = once */
    unsigned contact_count;
    const char **contacts; /* groups resolved; sorted, distinct */
};
struct object_dependency { /* host and service rest on master_host and master_service; services "" between hosts */
    const char *host, *service, *master_host, *master_service;
    const char *period;   /* "" = always */
    bool inherits_parent; /* what the master rests on counts too */
    unsigned failure;     /* NOTIFY_* of the master's states that withhold; NOTIFY_RECOVERY is OK or UP */
};
struct objects {
    struct arena arena;
    time_ms interval_length; /* of one Nagios unit */
    unsigned command_count;
    struct object_command *commands;
    unsigned contact_count;
    struct object_contact *contacts;
    unsigned zone_count;
    struct object_zone *zones; /* those that time periods name, sorted by name */
    unsigned timeperiod_count;
    struct object_timeperiod *timeperiods;
    unsigned host_count;
    struct object_checkable *hosts; /* sorted by name */
    unsigned service_count;
    struct object_checkable *services; /* sorted by host, then description */
    unsigned hostgroup_count;
    struct object_hostgroup *hostgroups; /* sorted by name */
    unsigned servicegroup_count;
    struct object_servicegroup *servicegroups; /* sorted by name */
    /* Sorted by object, first, last, period and options; one entry for each. */
    unsigned host_escalation_count, service_escalation_count;
    struct object_escalation *host_escalations, *service_escalations;
    /* Sorted by object, master, period and inherits_parent; one entry for each. No circles. */
    unsigned host_dependency_count, service_dependency_count;
    struct object_dependency *host_dependencies, *service_dependencies;
    unsigned system_contact_count;
    const char **system_contacts; /* of the contact group named by _SYSTEM_CONTACTS */
};
void objects_free(struct objects *o);

/* --- text (client side) --- */
struct object_source {
    const char *file;
    struct bytes text;
};
struct object_flapping { /* of nagios.cfg, for hosts or services; thresholds in thousandths of a percent */
    uint32_t low, high;
};
struct object_options {
    time_ms interval_length;                                /* nagios.cfg's, in ms; default 60,000 */
    bool flap_detection;                                    /* enable_flap_detection; Nagios' own default is off */
    struct object_flapping host_flapping, service_flapping; /* 0, 0: 20 and 30 percent */
    /* The shifts of a time zone that a period names, in out with room for ZONE_SHIFTS_MAX; how many, or -1: no such
       zone. NULL: none but UTC is known. */
    int (*zone)(const char *name, struct zone_shift *out);
};
/* Parses and resolves all sources as one configuration. On error *out is NULL and why holds every problem, one line
   each: "FILE:LINE: directive: what is wrong: what to do". ignored: once each directive that Nagios knows and quorate
   does not use, "NAME (first at FILE:LINE)". */
enum error objects_parse(struct objects **out, const struct object_source *sources, size_t count,
                         const struct object_options *options, struct buffer *ignored, struct buffer *why);

/* --- canonical bytes (what APPLY carries) --- */
void objects_encode(struct buffer *out, const struct objects *o);
/* Bounded; refuses what objects_encode would not have written (ERR_MALFORMED, ERR_NOT_CANONICAL) and what does not
   validate: dangling names, cyclic parents, impossible quorum ... (ERR_BAD_OBJECTS). why as for monitor_apply. */
enum error objects_decode(struct objects **out, struct bytes bytes, struct buffer *why);

/* The same definition, field by field (where it was defined does not count): such an object keeps its state. Both are
   hosts or both services. */
bool objects_checkable_same(const struct object_checkable *a, const struct object_checkable *b);

/* Plan for people: "+ service web1/http", "~ host db (max_check_attempts 3 -> 5)", "- ..." lines; counts. before or
   after may be NULL (nothing in force), out and plan too (not wanted). */
struct objects_plan {
    unsigned added, changed, removed, unchanged;
};
void objects_diff(struct buffer *out, struct objects_plan *plan, const struct objects *before,
                  const struct objects *after);

/* A list of names: sorted and distinct in place; returns the new count. */
unsigned names_sort(const char **names, unsigned count);
/* "" or unknown: UTC. */
struct zone objects_zone(const struct objects *o, const char *name);
const struct object_checkable *objects_host(const struct objects *o, const char *name); /* NULL: none */
const struct object_checkable *objects_service(const struct objects *o, const char *host, const char *service);
const struct object_hostgroup *objects_hostgroup(const struct objects *o, const char *name);       /* NULL: none */
const struct object_servicegroup *objects_servicegroup(const struct objects *o, const char *name); /* NULL: none */
/* The services of a host, and what is said of one host (service "") or service: the first of them and how many. */
const struct object_checkable *objects_services(const struct objects *o, const char *host, unsigned *count);
const struct object_escalation *objects_escalations(const struct objects *o, const char *host, const char *service,
                                                    unsigned *count);
const struct object_dependency *objects_dependencies(const struct objects *o, const char *host, const char *service,
                                                     unsigned *count);

#endif
