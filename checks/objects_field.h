/* Private to checks/objects_*.c: the fields of each object kind as tables, which encoding, decoding, validation and the
   plan for people all walk, so that a field cannot be sent but forgotten in a comparison. */
#ifndef QUORATE_CHECKS_OBJECTS_FIELD_H
#define QUORATE_CHECKS_OBJECTS_FIELD_H

#include "checks/objects.h"

#define INTERVAL_MAX_MS INT64_C(315360000000) /* ten years */

enum {
    OBJECT_TEXT_MAX = 16 * 1024, /* command lines, aliases, values of custom variables */
    OBJECT_OBSERVERS_MAX = 64,   /* of one host or service */
    OBJECT_LIST_MAX = 4096,      /* any other list of one object */
    OBJECT_RULES_MAX = 366,      /* ranges of a time period */
    OBJECT_PERIODS_MAX = 4096,
    OBJECT_RULES_TOTAL = 65536, /* of all time periods */
    OBJECT_ATTEMPTS_MAX = 1000000,
    FLAP_THRESHOLD_MAX = 100000, /* thousandths of a percent */
    OBJECT_SERVICES_MAX = 1000000,
    OBJECT_RELATIONS_MAX = 1000000, /* escalations, and dependencies, of all hosts and of all services */
    OBJECT_ESCALATIONS_MAX = 256,   /* of one host or service */
    DEPENDENCY_COST_MAX = 512,      /* dependencies that one question may have to follow, inherits_parent included */
};

enum object_kind {
    KIND_COMMAND,
    KIND_CONTACT,
    KIND_ZONE,
    KIND_TIMEPERIOD,
    KIND_HOST,
    KIND_SERVICE,
    KIND_HOSTGROUP,
    KIND_SERVICEGROUP,
    KIND_HOSTESCALATION,
    KIND_SERVICEESCALATION,
    KIND_HOSTDEPENDENCY,
    KIND_SERVICEDEPENDENCY,
    KIND_LIMIT
};

/* FIELD_TEXT lengths, FIELD_COUNT and FIELD_TIME values and list lengths lie in min..max; FIELD_OPTIONS inside the mask
 * max. */
enum field_kind {
    FIELD_NAME,
    FIELD_TEXT,
    FIELD_COUNT,
    FIELD_PERCENT, /* a count of thousandths */
    FIELD_TIME,
    FIELD_FLAG,
    FIELD_OPTIONS,
    FIELD_STATES, /* options that name states: NOTIFY_RECOVERY is OK or UP */
    FIELD_STATE,
    FIELD_NAMES, /* sorted, distinct */
    FIELD_LINES, /* in the order of the text */
    FIELD_VARIABLES,
    FIELD_SHIFTS,
    FIELD_PAIRS, /* services; sorted, distinct */
};
struct object_field {
    const char *directive; /* as people write it */
    enum field_kind kind;
    uint64_t min, max;
    size_t offset, count_offset;
};

const struct object_field *object_fields(enum object_kind kind, size_t *count);
const char *object_kind_name(enum object_kind kind);
/* The objects of one kind: count and the i-th as untyped memory for the field functions. */
unsigned object_count(const struct objects *o, enum object_kind kind);
const void *object_at(const struct objects *o, enum object_kind kind, unsigned i);
void object_place(struct objects *o, enum object_kind kind, void *list, unsigned count);
/* What tells two objects of a kind apart: name order is byte order; services by host, then description; escalations and
   dependencies by all fields before those that two of them share when they are merged. */
int object_compare(enum object_kind kind, const void *a, const void *b);
/* "web1" or "web1/http", "web1/http 3-5 w,u,c,r work", "web1/http on db/mysql" */
void object_title(struct buffer *out, enum object_kind kind, const void *object);

/* Where a field's value lies in its object. */
static inline const void *field_at(const struct object_field *f, const void *object) {
    return (const char *)object + f->offset;
}
static inline const char *field_text(const struct object_field *f, const void *object) {
    return *(const char *const *)field_at(f, object);
}
static inline unsigned field_count(const struct object_field *f, const void *object) {
    return *(const unsigned *)(const void *)((const char *)object + f->count_offset);
}
static inline const char *const *field_names(const struct object_field *f, const void *object) {
    return *(const char *const *const *)field_at(f, object);
}
static inline const struct object_pair *field_pairs(const struct object_field *f, const void *object) {
    return *(const struct object_pair *const *)field_at(f, object);
}
static inline const struct zone_shift *field_shifts(const struct object_field *f, const void *object) {
    return *(const struct zone_shift *const *)field_at(f, object);
}
static inline const struct object_variable *field_variables(const struct object_field *f, const void *object) {
    return *(const struct object_variable *const *)field_at(f, object);
}

void field_encode(struct buffer *out, const struct object_field *f, const void *object);
/* ERR_MALFORMED: short, not UTF-8 or beyond any bound; ERR_NOT_CANONICAL: a list not strictly ascending. */
enum error field_decode(struct reader *r, struct arena *arena, const struct object_field *f, void *object);
bool field_equal(const struct object_field *f, const void *a, const void *b);
/* Sentence for people when the value breaks the field's bounds; empty: it keeps them. */
void field_check(struct buffer *out, const struct object_field *f, const void *object);
void field_print(struct buffer *out, const struct object_field *f, const void *object);
/* "w,u,c,r"; states: NOTIFY_RECOVERY reads o. */
void options_print(struct buffer *out, unsigned options, bool states);

int pair_compare(const void *a, const void *b); /* two struct object_pair, by host, then service */

/* Everything that can be wrong with resolved objects; report is called for each problem in a fixed order. True: none.
 */
typedef void objects_report(void *self, enum object_kind kind, unsigned index, const char *directive, const char *text);
bool objects_validate(const struct objects *o, objects_report *report, void *self);

/* By name in the sorted arrays; NULL: none. */
const struct object_command *objects_command(const struct objects *o, const char *call); /* call: name!arg!arg */
const struct object_contact *objects_contact(const struct objects *o, const char *name);
const struct object_timeperiod *objects_timeperiod(const struct objects *o, const char *name);

#endif
