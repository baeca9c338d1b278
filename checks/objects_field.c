/* The table of every field of every object kind, and what can be done with one field: write it and read it.
   Adding a field to struct object_checkable means adding one line here. */
#include "checks/objects_field.h"

#include "base/invariant.h"
#include "proto/op.h"

#include <stdlib.h>
#include <string.h>

#define FIELD(type, kind, directive, member, min, max)                                                                 \
    { directive, kind, min, max, offsetof(struct type, member), 0 }
#define FIELD_LIST(type, kind, directive, counter, member, min, max)                                                   \
    { directive, kind, min, max, offsetof(struct type, member), offsetof(struct type, counter) }
#define HOST_OPTIONS (NOTIFY_DOWN | NOTIFY_UNREACHABLE | NOTIFY_RECOVERY | NOTIFY_FLAPPING | NOTIFY_DOWNTIME)
#define SERVICE_OPTIONS                                                                                                \
    (NOTIFY_WARNING | NOTIFY_UNKNOWN | NOTIFY_CRITICAL | NOTIFY_RECOVERY | NOTIFY_FLAPPING | NOTIFY_DOWNTIME)

static const struct object_field command_fields[] = {
    FIELD(object_command, FIELD_NAME, "command_name", name, 1, NAME_MAX_LEN),
    FIELD(object_command, FIELD_TEXT, "command_line", line, 1, OBJECT_TEXT_MAX),
};
static const struct object_field contact_fields[] = {
    FIELD(object_contact, FIELD_NAME, "contact_name", name, 1, NAME_MAX_LEN),
    FIELD(object_contact, FIELD_TEXT, "alias", alias, 0, OUTPUT_MAX_LEN),
    FIELD(object_contact, FIELD_TEXT, "email", email, 0, OUTPUT_MAX_LEN),
    FIELD(object_contact, FIELD_TEXT, "pager", pager, 0, OUTPUT_MAX_LEN),
    FIELD(object_contact, FIELD_FLAG, "host_notifications_enabled", host_enabled, 0, 1),
    FIELD(object_contact, FIELD_FLAG, "service_notifications_enabled", service_enabled, 0, 1),
    FIELD(object_contact, FIELD_OPTIONS, "host_notification_options", host_options, 0, HOST_OPTIONS),
    FIELD(object_contact, FIELD_OPTIONS, "service_notification_options", service_options, 0, SERVICE_OPTIONS),
    FIELD(object_contact, FIELD_TEXT, "host_notification_period", host_period, 0, NAME_MAX_LEN),
    FIELD(object_contact, FIELD_TEXT, "service_notification_period", service_period, 0, NAME_MAX_LEN),
    FIELD_LIST(object_contact, FIELD_NAMES, "host_notification_commands", host_command_count, host_commands, 0,
               CONTACT_COMMANDS_MAX),
    FIELD_LIST(object_contact, FIELD_NAMES, "service_notification_commands", service_command_count, service_commands, 0,
               CONTACT_COMMANDS_MAX),
    FIELD(object_contact, FIELD_TEXT, "address1", address[0], 0, OUTPUT_MAX_LEN),
    FIELD(object_contact, FIELD_TEXT, "address2", address[1], 0, OUTPUT_MAX_LEN),
    FIELD(object_contact, FIELD_TEXT, "address3", address[2], 0, OUTPUT_MAX_LEN),
    FIELD(object_contact, FIELD_TEXT, "address4", address[3], 0, OUTPUT_MAX_LEN),
    FIELD(object_contact, FIELD_TEXT, "address5", address[4], 0, OUTPUT_MAX_LEN),
    FIELD(object_contact, FIELD_TEXT, "address6", address[5], 0, OUTPUT_MAX_LEN),
    FIELD_LIST(object_contact, FIELD_VARIABLES, "custom variables", variable_count, variables, 0, OBJECT_LIST_MAX),
};
static const struct object_field zone_fields[] = {
    FIELD(object_zone, FIELD_NAME, "_TIMEZONE", name, 1, NAME_MAX_LEN),
    FIELD_LIST(object_zone, FIELD_SHIFTS, "shifts", shift_count, shifts, 1, ZONE_SHIFTS_MAX),
};
static const struct object_field timeperiod_fields[] = {
    FIELD(object_timeperiod, FIELD_NAME, "timeperiod_name", name, 1, NAME_MAX_LEN),
    FIELD(object_timeperiod, FIELD_TEXT, "alias", alias, 0, OBJECT_TEXT_MAX),
    FIELD(object_timeperiod, FIELD_TEXT, "_TIMEZONE", zone, 0, NAME_MAX_LEN),
    FIELD_LIST(object_timeperiod, FIELD_LINES, "ranges", rule_count, rules, 0, OBJECT_RULES_MAX),
    FIELD_LIST(object_timeperiod, FIELD_NAMES, "exclude", exclude_count, excludes, 0, OBJECT_RULES_MAX),
};

#define CHECKABLE_FIELDS(service_min, service_max, options, parents_max, service_parents_max)                          \
    FIELD(object_checkable, FIELD_NAME, "host_name", host, 1, NAME_MAX_LEN),                                           \
        FIELD(object_checkable, FIELD_NAME, "service_description", service, service_min, service_max),                 \
        FIELD(object_checkable, FIELD_TEXT, "display_name", display, 0, OUTPUT_MAX_LEN),                               \
        FIELD(object_checkable, FIELD_TEXT, "alias", alias, 0, OUTPUT_MAX_LEN),                                        \
        FIELD(object_checkable, FIELD_TEXT, "address", address, 0, OUTPUT_MAX_LEN),                                    \
        FIELD(object_checkable, FIELD_TEXT, "check_command", check_command, service_min, OBJECT_TEXT_MAX),             \
        FIELD(object_checkable, FIELD_COUNT, "max_check_attempts", max_check_attempts, 1, OBJECT_ATTEMPTS_MAX),        \
        FIELD(object_checkable, FIELD_TIME, "check_interval", check_interval, 0, INTERVAL_MAX_MS),                     \
        FIELD(object_checkable, FIELD_TIME, "retry_interval", retry_interval, 0, INTERVAL_MAX_MS),                     \
        FIELD(object_checkable, FIELD_FLAG, "is_volatile", is_volatile, 0, 1),                                         \
        FIELD(object_checkable, FIELD_FLAG, "check_freshness", check_freshness, 0, 1),                                 \
        FIELD(object_checkable, FIELD_TEXT, "check_period", check_period, 0, NAME_MAX_LEN),                            \
        FIELD(object_checkable, FIELD_TIME, "freshness_threshold", freshness_threshold, 1, INTERVAL_MAX_MS),           \
        FIELD(object_checkable, FIELD_FLAG, "notifications_enabled", notifications_enabled, 0, 1),                     \
        FIELD(object_checkable, FIELD_TIME, "notification_interval", notification_interval, 0, INTERVAL_MAX_MS),       \
        FIELD(object_checkable, FIELD_TIME, "first_notification_delay", first_notification_delay, 0, INTERVAL_MAX_MS), \
        FIELD(object_checkable, FIELD_TEXT, "notification_period", notification_period, 0, NAME_MAX_LEN),              \
        FIELD(object_checkable, FIELD_OPTIONS, "notification_options", notification_options, 0, options),              \
        FIELD(object_checkable, FIELD_FLAG, "flap_detection_enabled", flap_enabled, 0, 1),                             \
        FIELD(object_checkable, FIELD_PERCENT, "low_flap_threshold", low_flap, 0, FLAP_THRESHOLD_MAX),                 \
        FIELD(object_checkable, FIELD_PERCENT, "high_flap_threshold", high_flap, 0, FLAP_THRESHOLD_MAX),               \
        FIELD(object_checkable, FIELD_STATES, "flap_detection_options", flap_options, 0, options),                     \
        FIELD_LIST(object_checkable, FIELD_NAMES, "contacts", contact_count, contacts, 0, OBJECT_LIST_MAX),            \
        FIELD_LIST(object_checkable, FIELD_NAMES, "parents", parent_count, parents, 0, parents_max),                   \
        FIELD_LIST(object_checkable, FIELD_PAIRS, "parents", service_parent_count, service_parents, 0,                 \
                   service_parents_max),                                                                               \
        FIELD_LIST(object_checkable, FIELD_NAMES, "_OBSERVERS", observer_count, observers, 1, OBJECT_OBSERVERS_MAX),   \
        FIELD(object_checkable, FIELD_FLAG, "_OBSERVERS (implicit)", observers_implicit, 0, 1),                        \
        FIELD(object_checkable, FIELD_COUNT, "_QUORUM", quorum, 1, OBJECT_OBSERVERS_MAX),                              \
        FIELD(object_checkable, FIELD_STATE, "_STALE_STATE", stale_state, 0, service_min ? 3 : 1),                     \
        FIELD(object_checkable, FIELD_FLAG, "_DISSENT_NOTIFY", dissent_notify, 0, 1),                                  \
        FIELD_LIST(object_checkable, FIELD_VARIABLES, "custom variables", variable_count, variables, 0,                \
                   OBJECT_LIST_MAX)

static const struct object_field host_fields[] = {CHECKABLE_FIELDS(0, 0, HOST_OPTIONS, OBJECT_LIST_MAX, 0)};
static const struct object_field service_fields[] = {
    CHECKABLE_FIELDS(1, NAME_MAX_LEN, SERVICE_OPTIONS, 0, OBJECT_LIST_MAX)};
static const struct object_field hostgroup_fields[] = {
    FIELD(object_hostgroup, FIELD_NAME, "hostgroup_name", name, 1, NAME_MAX_LEN),
    FIELD(object_hostgroup, FIELD_TEXT, "alias", alias, 0, OUTPUT_MAX_LEN),
    FIELD_LIST(object_hostgroup, FIELD_NAMES, "members", member_count, members, 0, OBJECT_SERVICES_MAX),
};
static const struct object_field servicegroup_fields[] = {
    FIELD(object_servicegroup, FIELD_NAME, "servicegroup_name", name, 1, NAME_MAX_LEN),
    FIELD(object_servicegroup, FIELD_TEXT, "alias", alias, 0, OUTPUT_MAX_LEN),
    FIELD_LIST(object_servicegroup, FIELD_PAIRS, "members", member_count, members, 0, OBJECT_SERVICES_MAX),
};

/* What comes first tells two of them apart: ESCALATION_KEYS, DEPENDENCY_KEYS. */
#define ESCALATION_FIELDS(service_min, service_max, states)                                                            \
    FIELD(object_escalation, FIELD_NAME, "host_name", host, 1, NAME_MAX_LEN),                                          \
        FIELD(object_escalation, FIELD_NAME, "service_description", service, service_min, service_max),                \
        FIELD(object_escalation, FIELD_COUNT, "first_notification", first, 0, OBJECT_ATTEMPTS_MAX),                    \
        FIELD(object_escalation, FIELD_COUNT, "last_notification", last, 0, OBJECT_ATTEMPTS_MAX),                      \
        FIELD(object_escalation, FIELD_OPTIONS, "escalation_options", options, 0, states),                             \
        FIELD(object_escalation, FIELD_TEXT, "escalation_period", period, 0, NAME_MAX_LEN),                            \
        FIELD(object_escalation, FIELD_TIME, "notification_interval", interval, 0, INTERVAL_MAX_MS),                   \
        FIELD_LIST(object_escalation, FIELD_NAMES, "contacts", contact_count, contacts, 0, OBJECT_LIST_MAX)
#define DEPENDENCY_FIELDS(service_min, service_max, states)                                                            \
    FIELD(object_dependency, FIELD_NAME, "dependent_host_name", host, 1, NAME_MAX_LEN),                                \
        FIELD(object_dependency, FIELD_NAME, "dependent_service_description", service, service_min, service_max),      \
        FIELD(object_dependency, FIELD_NAME, "host_name", master_host, 1, NAME_MAX_LEN),                               \
        FIELD(object_dependency, FIELD_NAME, "service_description", master_service, service_min, service_max),         \
        FIELD(object_dependency, FIELD_TEXT, "dependency_period", period, 0, NAME_MAX_LEN),                            \
        FIELD(object_dependency, FIELD_FLAG, "inherits_parent", inherits_parent, 0, 1),                                \
        FIELD(object_dependency, FIELD_STATES, "notification_failure_criteria", failure, 0, states)
#define HOST_STATES (NOTIFY_DOWN | NOTIFY_UNREACHABLE | NOTIFY_RECOVERY)
#define SERVICE_STATES (NOTIFY_WARNING | NOTIFY_UNKNOWN | NOTIFY_CRITICAL | NOTIFY_RECOVERY)
enum { ESCALATION_KEYS = 6, DEPENDENCY_KEYS = 6 };

static const struct object_field hostescalation_fields[] = {ESCALATION_FIELDS(0, 0, HOST_STATES)};
static const struct object_field serviceescalation_fields[] = {ESCALATION_FIELDS(1, NAME_MAX_LEN, SERVICE_STATES)};
static const struct object_field hostdependency_fields[] = {DEPENDENCY_FIELDS(0, 0, HOST_STATES | NOTIFY_PENDING)};
static const struct object_field servicedependency_fields[] = {
    DEPENDENCY_FIELDS(1, NAME_MAX_LEN, SERVICE_STATES | NOTIFY_PENDING)};

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))
static const struct {
    const char *name;
    const struct object_field *fields;
    size_t count, keys;
} kinds[KIND_LIMIT] = {
    [KIND_COMMAND] = {"command", command_fields, COUNT_OF(command_fields), 1},
    [KIND_CONTACT] = {"contact", contact_fields, COUNT_OF(contact_fields), 1},
    [KIND_ZONE] = {"time zone", zone_fields, COUNT_OF(zone_fields), 1},
    [KIND_TIMEPERIOD] = {"timeperiod", timeperiod_fields, COUNT_OF(timeperiod_fields), 1},
    [KIND_HOST] = {"host", host_fields, COUNT_OF(host_fields), 1},
    [KIND_SERVICE] = {"service", service_fields, COUNT_OF(service_fields), 2},
    [KIND_HOSTGROUP] = {"hostgroup", hostgroup_fields, COUNT_OF(hostgroup_fields), 1},
    [KIND_SERVICEGROUP] = {"servicegroup", servicegroup_fields, COUNT_OF(servicegroup_fields), 1},
    [KIND_HOSTESCALATION] = {"hostescalation", hostescalation_fields, COUNT_OF(hostescalation_fields), ESCALATION_KEYS},
    [KIND_SERVICEESCALATION] = {"serviceescalation", serviceescalation_fields, COUNT_OF(serviceescalation_fields),
                                ESCALATION_KEYS},
    [KIND_HOSTDEPENDENCY] = {"hostdependency", hostdependency_fields, COUNT_OF(hostdependency_fields), DEPENDENCY_KEYS},
    [KIND_SERVICEDEPENDENCY] = {"servicedependency", servicedependency_fields, COUNT_OF(servicedependency_fields),
                                DEPENDENCY_KEYS},
};

const struct object_field *object_fields(enum object_kind kind, size_t *count) {
    REQUIRE(kind < KIND_LIMIT);
    *count = kinds[kind].count;
    return kinds[kind].fields;
}

const char *object_kind_name(enum object_kind kind) {
    REQUIRE(kind < KIND_LIMIT);
    return kinds[kind].name;
}

/* Fields that may stand in a key. */
static int field_compare(const struct object_field *f, const void *a, const void *b) {
    uint32_t x = 0, y = 0;
    switch (f->kind) {
    case FIELD_NAME:
    case FIELD_TEXT:
        return strcmp(field_text(f, a), field_text(f, b));
    case FIELD_FLAG:
        x = *(const bool *)field_at(f, a);
        y = *(const bool *)field_at(f, b);
        return x < y ? -1 : x > y;
    case FIELD_COUNT:
    case FIELD_OPTIONS:
        x = *(const uint32_t *)field_at(f, a);
        y = *(const uint32_t *)field_at(f, b);
        return x < y ? -1 : x > y;
    default:
        UNREACHABLE();
    }
}

int object_compare(enum object_kind kind, const void *a, const void *b) {
    REQUIRE(kind < KIND_LIMIT);
    int order = 0;
    for (size_t i = 0; i < kinds[kind].keys && order == 0; i++) {
        order = field_compare(&kinds[kind].fields[i], a, b);
    }
    return order;
}

/* ---- one field of one object ---- */

static void put_text(struct buffer *out, const char *text) {
    size_t len = strlen(text);
    REQUIRE(len <= UINT16_MAX);
    buffer_u16(out, (uint16_t)len);
    buffer_put(out, text, len);
}

static void put_names(struct buffer *out, const struct object_field *f, const void *object) {
    unsigned count = field_count(f, object);
    const char *const *names = field_names(f, object);
    buffer_u32(out, count);
    for (unsigned i = 0; i < count; i++) {
        put_text(out, names[i]);
    }
}

static void put_variables(struct buffer *out, const struct object_field *f, const void *object) {
    unsigned count = field_count(f, object);
    const struct object_variable *variables = field_variables(f, object);
    buffer_u32(out, count);
    for (unsigned i = 0; i < count; i++) {
        put_text(out, variables[i].name);
        put_text(out, variables[i].value);
    }
}

static void put_pairs(struct buffer *out, const struct object_field *f, const void *object) {
    unsigned count = field_count(f, object);
    const struct object_pair *pairs = field_pairs(f, object);
    buffer_u32(out, count);
    for (unsigned i = 0; i < count; i++) {
        put_text(out, pairs[i].host);
        put_text(out, pairs[i].service);
    }
}

static void put_shifts(struct buffer *out, const struct object_field *f, const void *object) {
    unsigned count = field_count(f, object);
    const struct zone_shift *shifts = field_shifts(f, object);
    buffer_u32(out, count);
    for (unsigned i = 0; i < count; i++) {
        buffer_u64(out, (uint64_t)shifts[i].from);
        buffer_u32(out, (uint32_t)shifts[i].offset);
    }
}

void field_encode(struct buffer *out, const struct object_field *f, const void *object) {
    switch (f->kind) {
    case FIELD_NAME:
    case FIELD_TEXT:
        put_text(out, field_text(f, object));
        return;
    case FIELD_COUNT:
    case FIELD_PERCENT:
        buffer_u32(out, *(const uint32_t *)field_at(f, object));
        return;
    case FIELD_TIME:
        buffer_u64(out, (uint64_t) * (const time_ms *)field_at(f, object));
        return;
    case FIELD_FLAG:
        buffer_u8(out, *(const bool *)field_at(f, object));
        return;
    case FIELD_OPTIONS:
    case FIELD_STATES:
        buffer_u16(out, (uint16_t) * (const unsigned *)field_at(f, object));
        return;
    case FIELD_STATE:
        buffer_u8(out, (uint8_t)(*(const int *)field_at(f, object) + 1));
        return;
    case FIELD_NAMES:
    case FIELD_LINES:
        put_names(out, f, object);
        return;
    case FIELD_VARIABLES:
        put_variables(out, f, object);
        return;
    case FIELD_SHIFTS:
        put_shifts(out, f, object);
        return;
    case FIELD_PAIRS:
        put_pairs(out, f, object);
        return;
    }
    UNREACHABLE();
}

static const char *get_text(struct reader *r, struct arena *arena) {
    struct bytes text = read_bytes(r, read_u16(r));
    if (r->bad || !utf8_valid(text)) {
        r->bad = true;
        return "";
    }
    return arena_text(arena, text);
}

/* A list's length is believed only as far as the bytes behind it could hold so many elements. */
static unsigned get_count(struct reader *r, const struct object_field *f, size_t least) {
    uint32_t count = read_u32(r), most = f->max > OBJECT_LIST_MAX ? (uint32_t)f->max : OBJECT_LIST_MAX;
    if (r->bad || count > most || count > (size_t)(r->end - r->at) / least) {
        r->bad = true;
        return 0;
    }
    return count;
}

static enum error get_names(struct reader *r, struct arena *arena, const struct object_field *f, void *object) {
    unsigned count = get_count(r, f, 2);
    const char **names = arena_alloc(arena, (count + 1) * sizeof *names);
    for (unsigned i = 0; i < count; i++) {
        names[i] = get_text(r, arena);
        if (!r->bad && f->kind == FIELD_NAMES && i > 0 && strcmp(names[i - 1], names[i]) >= 0) {
            return ERR_NOT_CANONICAL;
        }
    }
    *(unsigned *)(void *)((char *)object + f->count_offset) = count;
    *(const char ***)(void *)((char *)object + f->offset) = names;
    return ERR_OK;
}

static enum error get_variables(struct reader *r, struct arena *arena, const struct object_field *f, void *object) {
    unsigned count = get_count(r, f, 4);
    struct object_variable *list = arena_alloc(arena, (count + 1) * sizeof *list);
    for (unsigned i = 0; i < count; i++) {
        list[i].name = get_text(r, arena);
        list[i].value = get_text(r, arena);
        if (!r->bad && i > 0 && strcmp(list[i - 1].name, list[i].name) >= 0) {
            return ERR_NOT_CANONICAL;
        }
    }
    *(unsigned *)(void *)((char *)object + f->count_offset) = count;
    *(struct object_variable **)(void *)((char *)object + f->offset) = list;
    return ERR_OK;
}

static enum error get_pairs(struct reader *r, struct arena *arena, const struct object_field *f, void *object) {
    unsigned count = get_count(r, f, 4);
    struct object_pair *list = arena_alloc(arena, (count + 1) * sizeof *list);
    for (unsigned i = 0; i < count; i++) {
        list[i].host = get_text(r, arena);
        list[i].service = get_text(r, arena);
        if (!r->bad && i > 0 && pair_compare(&list[i - 1], &list[i]) >= 0) {
            return ERR_NOT_CANONICAL;
        }
    }
    *(unsigned *)(void *)((char *)object + f->count_offset) = count;
    *(struct object_pair **)(void *)((char *)object + f->offset) = list;
    return ERR_OK;
}

static enum error get_shifts(struct reader *r, struct arena *arena, const struct object_field *f, void *object) {
    unsigned count = get_count(r, f, 12);
    struct zone_shift *list = arena_alloc(arena, (count + 1) * sizeof *list);
    for (unsigned i = 0; i < count && !r->bad; i++) {
        list[i].from = (int64_t)read_u64(r);
        list[i].offset = (int32_t)read_u32(r);
    }
    *(unsigned *)(void *)((char *)object + f->count_offset) = count;
    *(const struct zone_shift **)(void *)((char *)object + f->offset) = list;
    return ERR_OK;
}

static enum error get_time(struct reader *r, void *to) {
    uint64_t value = read_u64(r);
    if (value > INT64_MAX) {
        return ERR_MALFORMED;
    }
    *(time_ms *)to = (time_ms)value;
    return ERR_OK;
}

/* One byte below limit, or malformed. */
static enum error get_small(struct reader *r, unsigned limit, unsigned *out) {
    *out = read_u8(r);
    return *out < limit ? ERR_OK : ERR_MALFORMED;
}

static enum error get_value(struct reader *r, struct arena *arena, const struct object_field *f, void *object) {
    void *to = (char *)object + f->offset;
    unsigned small = 0;
    enum error e = ERR_OK;
    switch (f->kind) {
    case FIELD_NAME:
    case FIELD_TEXT:
        *(const char **)to = get_text(r, arena);
        return ERR_OK;
    case FIELD_COUNT:
    case FIELD_PERCENT:
        *(uint32_t *)to = read_u32(r);
        return ERR_OK;
    case FIELD_TIME:
        return get_time(r, to);
    case FIELD_FLAG:
        e = get_small(r, 2, &small);
        *(bool *)to = small == 1;
        return e;
    case FIELD_OPTIONS:
    case FIELD_STATES:
        *(unsigned *)to = read_u16(r);
        return ERR_OK;
    case FIELD_STATE:
        e = get_small(r, 5, &small);
        *(int *)to = (int)small - 1;
        return e;
    case FIELD_NAMES:
    case FIELD_LINES:
        return get_names(r, arena, f, object);
    case FIELD_VARIABLES:
        return get_variables(r, arena, f, object);
    case FIELD_SHIFTS:
        return get_shifts(r, arena, f, object);
    case FIELD_PAIRS:
        return get_pairs(r, arena, f, object);
    }
    UNREACHABLE();
}

enum error field_decode(struct reader *r, struct arena *arena, const struct object_field *f, void *object) {
    enum error e = get_value(r, arena, f, object);
    return r->bad ? ERR_MALFORMED : e;
}
