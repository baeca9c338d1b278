/* Private to checks/objects_*.c: definitions as they stand in the text, before templates and groups are gone. The
   stages of objects_parse work on one struct parse: text -> templates -> expand and resolve -> validate. */
#ifndef QUORATE_CHECKS_OBJECTS_RAW_H
#define QUORATE_CHECKS_OBJECTS_RAW_H

#include "checks/objects_field.h"

enum raw_type {
    RAW_HOST,
    RAW_SERVICE,
    RAW_COMMAND,
    RAW_CONTACT,
    RAW_CONTACTGROUP,
    RAW_HOSTGROUP,
    RAW_SERVICEGROUP,
    RAW_TIMEPERIOD,
    RAW_HOSTESCALATION,
    RAW_SERVICEESCALATION,
    RAW_HOSTDEPENDENCY,
    RAW_SERVICEDEPENDENCY,
    RAW_TYPE_LIMIT
};
const char *raw_type_name(enum raw_type t);

enum {
    IN_HOST = 1 << RAW_HOST,
    IN_SERVICE = 1 << RAW_SERVICE,
    IN_COMMAND = 1 << RAW_COMMAND,
    IN_CONTACT = 1 << RAW_CONTACT,
    IN_CONTACTGROUP = 1 << RAW_CONTACTGROUP,
    IN_HOSTGROUP = 1 << RAW_HOSTGROUP,
    IN_SERVICEGROUP = 1 << RAW_SERVICEGROUP,
    IN_TIMEPERIOD = 1 << RAW_TIMEPERIOD,
    IN_SERVICEESCALATION = 1 << RAW_SERVICEESCALATION,
    IN_SERVICEDEPENDENCY = 1 << RAW_SERVICEDEPENDENCY,
    IN_CHECKABLE = IN_HOST | IN_SERVICE,
    IN_ESCALATION = 1 << RAW_HOSTESCALATION | IN_SERVICEESCALATION,
    IN_DEPENDENCY = 1 << RAW_HOSTDEPENDENCY | IN_SERVICEDEPENDENCY,
    IN_RELATION = IN_ESCALATION | IN_DEPENDENCY,
    IN_GROUP = IN_CONTACTGROUP | IN_HOSTGROUP | IN_SERVICEGROUP,
    IN_ALL = (1 << RAW_TYPE_LIMIT) - 1
};
/* What quorate does with a directive: LIST values may begin with '+'; UNUSED ones are only listed, UNUSED_HERE too, but
   with the type, since the same word is used elsewhere. */
enum directive_use { USED, LIST, UNUSED, UNUSED_HERE };

/* DIRECTIVE(symbol, "as written", types, use) */
#define DIRECTIVE_LIST(DIRECTIVE)                                                                                      \
    DIRECTIVE(D_USE, "use", IN_ALL, USED)                                                                              \
    DIRECTIVE(D_NAME, "name", IN_ALL, USED)                                                                            \
    DIRECTIVE(D_REGISTER, "register", IN_ALL, USED)                                                                    \
    DIRECTIVE(D_HOST_NAME, "host_name", IN_HOST, USED)                                                                 \
    DIRECTIVE(D_HOSTS, "host_name", IN_SERVICE | IN_RELATION, LIST)                                                    \
    DIRECTIVE(D_HOSTGROUP_NAMES, "hostgroup_name", IN_SERVICE | IN_RELATION, LIST)                                     \
    DIRECTIVE(D_SERVICEGROUP_NAMES, "servicegroup_name", IN_SERVICEESCALATION | IN_SERVICEDEPENDENCY, LIST)            \
    DIRECTIVE(D_SERVICE_DESCRIPTION, "service_description", IN_SERVICE, USED)                                          \
    DIRECTIVE(D_SERVICE_DESCRIPTIONS, "service_description", IN_SERVICEESCALATION | IN_SERVICEDEPENDENCY, LIST)        \
    DIRECTIVE(D_DEPENDENT_HOSTS, "dependent_host_name", IN_DEPENDENCY, LIST)                                           \
    DIRECTIVE(D_DEPENDENT_HOSTGROUPS, "dependent_hostgroup_name", IN_DEPENDENCY, LIST)                                 \
    DIRECTIVE(D_DEPENDENT_SERVICEGROUPS, "dependent_servicegroup_name", IN_SERVICEDEPENDENCY, LIST)                    \
    DIRECTIVE(D_DEPENDENT_DESCRIPTIONS, "dependent_service_description", IN_SERVICEDEPENDENCY, LIST)                   \
    DIRECTIVE(D_INHERITS_PARENT, "inherits_parent", IN_DEPENDENCY, USED)                                               \
    DIRECTIVE(D_NOTIFICATION_FAILURE, "notification_failure_criteria", IN_DEPENDENCY, USED)                            \
    DIRECTIVE(D_EXECUTION_FAILURE, "execution_failure_criteria", IN_DEPENDENCY, UNUSED)                                \
    DIRECTIVE(D_DEPENDENCY_PERIOD, "dependency_period", IN_DEPENDENCY, USED)                                           \
    DIRECTIVE(D_FIRST_NOTIFICATION, "first_notification", IN_ESCALATION, USED)                                         \
    DIRECTIVE(D_LAST_NOTIFICATION, "last_notification", IN_ESCALATION, USED)                                           \
    DIRECTIVE(D_ESCALATION_PERIOD, "escalation_period", IN_ESCALATION, USED)                                           \
    DIRECTIVE(D_ESCALATION_OPTIONS, "escalation_options", IN_ESCALATION, USED)                                         \
    DIRECTIVE(D_DISPLAY_NAME, "display_name", IN_CHECKABLE, USED)                                                      \
    DIRECTIVE(D_ALIAS, "alias", IN_HOST | IN_CONTACT | IN_TIMEPERIOD | IN_HOSTGROUP | IN_SERVICEGROUP, USED)           \
    DIRECTIVE(D_CONTACTGROUP_ALIAS, "alias", IN_CONTACTGROUP, UNUSED_HERE)                                             \
    DIRECTIVE(D_ADDRESS, "address", IN_HOST, USED)                                                                     \
    DIRECTIVE(D_PARENTS, "parents", IN_HOST, LIST)                                                                     \
    DIRECTIVE(D_SERVICE_PARENTS, "parents", IN_SERVICE, LIST)                                                          \
    DIRECTIVE(D_HOSTGROUPS, "hostgroups", IN_HOST, LIST)                                                               \
    DIRECTIVE(D_SERVICEGROUPS, "servicegroups", IN_SERVICE, LIST)                                                      \
    DIRECTIVE(D_CHECK_COMMAND, "check_command", IN_CHECKABLE, USED)                                                    \
    DIRECTIVE(D_MAX_CHECK_ATTEMPTS, "max_check_attempts", IN_CHECKABLE, USED)                                          \
    DIRECTIVE(D_CHECK_INTERVAL, "check_interval", IN_CHECKABLE, USED)                                                  \
    DIRECTIVE(D_RETRY_INTERVAL, "retry_interval", IN_CHECKABLE, USED)                                                  \
    DIRECTIVE(D_IS_VOLATILE, "is_volatile", IN_SERVICE, USED)                                                          \
    DIRECTIVE(D_CHECK_FRESHNESS, "check_freshness", IN_CHECKABLE, USED)                                                \
    DIRECTIVE(D_FRESHNESS_THRESHOLD, "freshness_threshold", IN_CHECKABLE, USED)                                        \
    DIRECTIVE(D_CONTACTS, "contacts", IN_CHECKABLE | IN_ESCALATION, LIST)                                              \
    DIRECTIVE(D_CONTACT_GROUPS, "contact_groups", IN_CHECKABLE | IN_ESCALATION, LIST)                                  \
    DIRECTIVE(D_NOTIFICATION_INTERVAL, "notification_interval", IN_CHECKABLE | IN_ESCALATION, USED)                    \
    DIRECTIVE(D_FIRST_NOTIFICATION_DELAY, "first_notification_delay", IN_CHECKABLE, USED)                              \
    DIRECTIVE(D_NOTIFICATION_PERIOD, "notification_period", IN_CHECKABLE, USED)                                        \
    DIRECTIVE(D_NOTIFICATION_OPTIONS, "notification_options", IN_CHECKABLE, USED)                                      \
    DIRECTIVE(D_NOTIFICATIONS_ENABLED, "notifications_enabled", IN_CHECKABLE, USED)                                    \
    DIRECTIVE(D_CONTACT_NAME, "contact_name", IN_CONTACT, USED)                                                        \
    DIRECTIVE(D_CONTACTGROUPS, "contactgroups", IN_CONTACT, LIST)                                                      \
    DIRECTIVE(D_EMAIL, "email", IN_CONTACT, USED)                                                                      \
    DIRECTIVE(D_PAGER, "pager", IN_CONTACT, USED)                                                                      \
    DIRECTIVE(D_HOST_NOTIFICATIONS_ENABLED, "host_notifications_enabled", IN_CONTACT, USED)                            \
    DIRECTIVE(D_SERVICE_NOTIFICATIONS_ENABLED, "service_notifications_enabled", IN_CONTACT, USED)                      \
    DIRECTIVE(D_HOST_NOTIFICATION_OPTIONS, "host_notification_options", IN_CONTACT, USED)                              \
    DIRECTIVE(D_SERVICE_NOTIFICATION_OPTIONS, "service_notification_options", IN_CONTACT, USED)                        \
    DIRECTIVE(D_HOST_NOTIFICATION_PERIOD, "host_notification_period", IN_CONTACT, USED)                                \
    DIRECTIVE(D_SERVICE_NOTIFICATION_PERIOD, "service_notification_period", IN_CONTACT, USED)                          \
    DIRECTIVE(D_HOST_NOTIFICATION_COMMANDS, "host_notification_commands", IN_CONTACT, LIST)                            \
    DIRECTIVE(D_SERVICE_NOTIFICATION_COMMANDS, "service_notification_commands", IN_CONTACT, LIST)                      \
    DIRECTIVE(D_HOSTGROUP_NAME, "hostgroup_name", IN_HOSTGROUP, USED)                                                  \
    DIRECTIVE(D_SERVICEGROUP_NAME, "servicegroup_name", IN_SERVICEGROUP, USED)                                         \
    DIRECTIVE(D_CONTACTGROUP_NAME, "contactgroup_name", IN_CONTACTGROUP, USED)                                         \
    DIRECTIVE(D_MEMBERS, "members", IN_HOSTGROUP | IN_CONTACTGROUP, LIST)                                              \
    DIRECTIVE(D_HOSTGROUP_MEMBERS, "hostgroup_members", IN_HOSTGROUP, LIST)                                            \
    DIRECTIVE(D_CONTACTGROUP_MEMBERS, "contactgroup_members", IN_CONTACTGROUP, LIST)                                   \
    DIRECTIVE(D_SERVICEGROUP_PAIRS, "members", IN_SERVICEGROUP, LIST)                                                  \
    DIRECTIVE(D_SERVICEGROUP_MEMBERS, "servicegroup_members", IN_SERVICEGROUP, LIST)                                   \
    DIRECTIVE(D_COMMAND_NAME, "command_name", IN_COMMAND, USED)                                                        \
    DIRECTIVE(D_COMMAND_LINE, "command_line", IN_COMMAND, USED)                                                        \
    DIRECTIVE(D_TIMEPERIOD_NAME, "timeperiod_name", IN_TIMEPERIOD, USED)                                               \
    DIRECTIVE(D_EXCLUDE, "exclude", IN_TIMEPERIOD, LIST)                                                               \
    DIRECTIVE(D_INITIAL_STATE, "initial_state", IN_CHECKABLE, UNUSED)                                                  \
    DIRECTIVE(D_ACTIVE_CHECKS, "active_checks_enabled", IN_CHECKABLE, UNUSED)                                          \
    DIRECTIVE(D_PASSIVE_CHECKS, "passive_checks_enabled", IN_CHECKABLE, UNUSED)                                        \
    DIRECTIVE(D_PARALLELIZE, "parallelize_check", IN_SERVICE, UNUSED)                                                  \
    DIRECTIVE(D_CHECK_PERIOD, "check_period", IN_CHECKABLE, USED)                                                      \
    DIRECTIVE(D_OBSESS, "obsess", IN_CHECKABLE, UNUSED)                                                                \
    DIRECTIVE(D_OBSESS_HOST, "obsess_over_host", IN_HOST, UNUSED)                                                      \
    DIRECTIVE(D_OBSESS_SERVICE, "obsess_over_service", IN_SERVICE, UNUSED)                                             \
    DIRECTIVE(D_EVENT_HANDLER, "event_handler", IN_CHECKABLE, UNUSED)                                                  \
    DIRECTIVE(D_EVENT_HANDLER_ENABLED, "event_handler_enabled", IN_CHECKABLE, UNUSED)                                  \
    DIRECTIVE(D_LOW_FLAP, "low_flap_threshold", IN_CHECKABLE, USED)                                                    \
    DIRECTIVE(D_HIGH_FLAP, "high_flap_threshold", IN_CHECKABLE, USED)                                                  \
    DIRECTIVE(D_FLAP_ENABLED, "flap_detection_enabled", IN_CHECKABLE, USED)                                            \
    DIRECTIVE(D_FLAP_OPTIONS, "flap_detection_options", IN_CHECKABLE, USED)                                            \
    DIRECTIVE(D_PERF_DATA, "process_perf_data", IN_CHECKABLE, UNUSED)                                                  \
    DIRECTIVE(D_FAILURE_PREDICTION, "failure_prediction_enabled", IN_CHECKABLE, UNUSED)                                \
    DIRECTIVE(D_FAILURE_OPTIONS, "failure_prediction_options", IN_CHECKABLE, UNUSED)                                   \
    DIRECTIVE(D_RETAIN_STATUS, "retain_status_information", IN_CHECKABLE | IN_CONTACT, UNUSED)                         \
    DIRECTIVE(D_RETAIN_NONSTATUS, "retain_nonstatus_information", IN_CHECKABLE | IN_CONTACT, UNUSED)                   \
    DIRECTIVE(D_STALKING, "stalking_options", IN_CHECKABLE, UNUSED)                                                    \
    DIRECTIVE(D_IMPORTANCE, "importance", IN_CHECKABLE, UNUSED)                                                        \
    DIRECTIVE(D_HOURLY_VALUE, "hourly_value", IN_CHECKABLE, UNUSED)                                                    \
    DIRECTIVE(D_NOTES, "notes", IN_CHECKABLE | IN_GROUP, UNUSED)                                                       \
    DIRECTIVE(D_NOTES_URL, "notes_url", IN_CHECKABLE | IN_GROUP, UNUSED)                                               \
    DIRECTIVE(D_ACTION_URL, "action_url", IN_CHECKABLE | IN_GROUP, UNUSED)                                             \
    DIRECTIVE(D_ICON_IMAGE, "icon_image", IN_CHECKABLE, UNUSED)                                                        \
    DIRECTIVE(D_ICON_IMAGE_ALT, "icon_image_alt", IN_CHECKABLE, UNUSED)                                                \
    DIRECTIVE(D_VRML_IMAGE, "vrml_image", IN_HOST, UNUSED)                                                             \
    DIRECTIVE(D_GD2_IMAGE, "gd2_image", IN_HOST, UNUSED)                                                               \
    DIRECTIVE(D_STATUSMAP_IMAGE, "statusmap_image", IN_HOST, UNUSED)                                                   \
    DIRECTIVE(D_COORDS_2D, "2d_coords", IN_HOST, UNUSED)                                                               \
    DIRECTIVE(D_COORDS_3D, "3d_coords", IN_HOST, UNUSED)                                                               \
    DIRECTIVE(D_ADDRESS1, "address1", IN_CONTACT, USED)                                                                \
    DIRECTIVE(D_ADDRESS2, "address2", IN_CONTACT, USED)                                                                \
    DIRECTIVE(D_ADDRESS3, "address3", IN_CONTACT, USED)                                                                \
    DIRECTIVE(D_ADDRESS4, "address4", IN_CONTACT, USED)                                                                \
    DIRECTIVE(D_ADDRESS5, "address5", IN_CONTACT, USED)                                                                \
    DIRECTIVE(D_ADDRESS6, "address6", IN_CONTACT, USED)                                                                \
    DIRECTIVE(D_CAN_SUBMIT, "can_submit_commands", IN_CONTACT, UNUSED)                                                 \
    DIRECTIVE(D_MINIMUM_IMPORTANCE, "minimum_importance", IN_CONTACT, UNUSED)                                          \
    DIRECTIVE(D_MINIMUM_VALUE, "minimum_value", IN_CONTACT, UNUSED)

enum directive {
#define DIRECTIVE(symbol, text, types, use) symbol,
    DIRECTIVE_LIST(DIRECTIVE)
#undef DIRECTIVE
        D_CUSTOM, /* _NAME value */
    D_RANGE,      /* a timeperiod's line that is none of the above */
    D_UNKNOWN
};
/* The directive that the word means in a definition of that type, old spellings included. */
enum directive directive_of(enum raw_type type, const char *word);
const char *directive_text(enum directive d);
enum directive_use directive_use_of(enum directive d);

struct place {
    unsigned source; /* index into parse.sources */
    uint32_t line;
};
struct raw_entry {
    enum directive directive;
    const char *name;  /* as written, old spelling or not; custom variables: upper case; ranges: the days */
    const char *value; /* NULL: `null`, which cancels an inherited value */
    bool additive;     /* a list that began with '+' */
    struct place place;
};
struct raw_object {
    enum raw_type type;
    struct place place;
    struct raw_entry *entries;
    unsigned count, cap;
    bool registered;
    enum { TEMPLATE_OPEN, TEMPLATE_VISITING, TEMPLATE_DONE } inheritance;
};
struct problem {
    struct place place;
    const char *text;
};
struct parse {
    const struct object_options *options;
    const struct object_source *sources;
    const char **files;   /* the sources' names, in the result's arena */
    struct objects *out;  /* text that lasts goes into its arena */
    struct arena scratch; /* the rest */
    struct raw_object **list;
    unsigned count, cap;
    struct problem *problems;
    unsigned problem_count, problem_cap;
    const char **ignored; /* names already listed */
    unsigned ignored_count, ignored_cap;
    bool ignored_seen[D_UNKNOWN][RAW_TYPE_LIMIT];
    struct buffer *ignored_text;
};

void *parse_grow(struct parse *p, void *list, unsigned count, unsigned *cap, size_t size); /* room for one more */
int place_compare(const struct place *a, const struct place *b); /* in the order of the text */
/* "directive: text" at a place; text is "what is wrong: what to do". directive may be NULL. */
void parse_problem(struct parse *p, struct place place, const char *directive, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Lists what Nagios knows and quorate does not use, once. */
void parse_ignored(struct parse *p, const char *name, struct place place);

const struct raw_entry *raw_find(const struct raw_object *raw, enum directive d);   /* `null` counts; NULL: absent */
const struct raw_entry *raw_given(const struct raw_object *raw, enum directive d);  /* absent or `null`: NULL */
const struct raw_entry *raw_custom(const struct raw_object *raw, const char *name); /* absent or `null`: NULL */
void raw_append(struct parse *p, struct raw_object *raw, const struct raw_entry *entry);

/* Walks a comma-separated list: blanks around entries and empty entries do not count. */
struct list_walk {
    const char *at;
};
bool list_next(struct list_walk *w, struct bytes *entry);

/* The stages. */
void parse_text(struct parse *p, unsigned source);
void parse_templates(struct parse *p);

/* Registered definitions of one type by name. */
struct named {
    const char *name;
    struct raw_object *raw;
};
struct directory {
    struct named *items; /* sorted by name, distinct */
    unsigned count;
};
void directory_build(struct parse *p, struct directory *d, enum raw_type type, enum directive name);
/* Index, or -1. */
int directory_find(const struct directory *d, struct bytes name);

/* Indices into a directory. */
struct index_set {
    unsigned *at, count, cap;
};
void set_add(struct index_set *s, unsigned index);
void set_finish(struct index_set *in, struct index_set *out); /* in: sorted, distinct, without those in out */
void set_free(struct index_set *s);

/* Groups of hosts, contacts or services with their members, nested groups included. */
struct groups {
    struct directory names;
    struct index_set *members;
    uint8_t *state;
};
struct scope;
struct group_kind {
    enum raw_type type, item_type;
    enum directive name, members, nested, of_item;
};
/* items: hosts or contacts. NULL: the resolved services of the scope. */
void groups_build(struct parse *p, struct groups *g, const struct group_kind *kind, const struct directory *items,
                  const struct scope *s);
void groups_free(struct groups *g);
/* What a list of names (of groups) in entry adds and, with '!', takes away. entry may be NULL. */
void expand_names(struct parse *p, const struct raw_entry *entry, const struct directory *items, const char *what,
                  struct index_set *in, struct index_set *out);
void expand_groups(struct parse *p, const struct raw_entry *entry, const struct groups *groups, const char *what,
                   struct index_set *in, struct index_set *out);
bool list_take_not(struct bytes *name); /* strips a leading '!' and says whether there was one */

/* --- objects_select.c: which hosts and services a definition names; indices into the resolved ones --- */
/* Pairs host,service: `*` for either, `!host,service` takes away. */
void expand_pairs(struct parse *p, const struct scope *s, const struct raw_entry *entry, struct index_set *in,
                  struct index_set *out);
/* As objects_validate says it: also of definitions that other mistakes leave without an object. entry may be NULL. */
void check_period_name(struct parse *p, const struct scope *s, const struct raw_entry *entry);
struct selection { /* the directives that say which; D_UNKNOWN: the type has none */
    enum directive hosts, hostgroups, servicegroups, descriptions;
};
bool selects_any(const struct raw_object *raw, const struct selection *by); /* says which, other than by description */
bool selection_sound(struct parse *p, const struct raw_object *raw,
                     const struct selection *by); /* or says what lacks */
/* A problem when nothing was selected and nothing was said of why since problems_before. */
void selection_left(struct parse *p, const struct raw_object *raw, const struct selection *by,
                    const struct index_set *left, unsigned problems_before);
void select_hosts(struct parse *p, const struct scope *s, const struct raw_object *raw, const struct selection *by,
                  struct index_set *out);
void select_services(struct parse *p, const struct scope *s, const struct raw_object *raw, const struct selection *by,
                     struct index_set *out);
/* The services of one host that a list of descriptions names. */
void select_of_host(struct parse *p, const struct raw_entry *descriptions, unsigned host, struct index_set *out);

/* Values. Each leaves *out alone when the directive is absent, and after reporting a bad value. */
void value_flag(struct parse *p, const struct raw_entry *entry, bool *out);
void value_count(struct parse *p, const struct raw_entry *entry, uint32_t min, uint32_t max, uint32_t *out);
/* A decimal number of units; a positive one never becomes 0. */
void value_interval(struct parse *p, const struct raw_entry *entry, time_ms unit, time_ms *out);
void value_options(struct parse *p, const struct raw_entry *entry, bool host, unsigned *out);
/* escalation_options: states and r. notification_failure_criteria: states with o and p. */
void value_escalation(struct parse *p, const struct raw_entry *entry, bool host, unsigned *out);
void value_failure(struct parse *p, const struct raw_entry *entry, bool host, unsigned *out);
/* flap_detection_options: which states count. */
void value_states(struct parse *p, const struct raw_entry *entry, bool host, unsigned *out);
/* A percentage from 0 to 100, in thousandths; 0 leaves *out alone, too. */
void value_percent(struct parse *p, const struct raw_entry *entry, uint32_t *out);
void value_stale_state(struct parse *p, const struct raw_entry *entry, bool host, int *out);
bool decimal_to_ms(const char *text, time_ms unit, time_ms *out); /* false: no decimal number, or beyond ten years */

/* The custom variables that quorate itself does not read, sorted by name. */
struct object_variable *raw_variables(struct parse *p, const struct raw_object *raw, unsigned *count);

/* All directories and groups of a configuration while it is resolved. */
struct scope {
    struct directory hosts, commands, contacts, timeperiods;
    struct groups hostgroups, contactgroups, servicegroups;
    struct raw_object **service_raw; /* beside out->services, as the next are beside their lists */
    struct raw_object **escalation_raw[2], **dependency_raw[2]; /* [0] of hosts, [1] of services */
};
void resolve_commands(struct parse *p, const struct scope *s);
void resolve_contacts(struct parse *p, const struct scope *s);
void resolve_timeperiods(struct parse *p, const struct scope *s);
void resolve_hosts(struct parse *p, struct scope *s);
void resolve_services(struct parse *p, struct scope *s);
void resolve_groups(struct parse *p, struct scope *s);
void resolve_escalations(struct parse *p, struct scope *s);
void resolve_dependencies(struct parse *p, struct scope *s);
void resolve_system_contacts(struct parse *p, const struct scope *s);

#endif
