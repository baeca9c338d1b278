/* Private to checks/objects_validate*.c: the rules that resolved objects must keep, said in the order of the objects.
 */
#ifndef QUORATE_CHECKS_OBJECTS_VALIDATE_H
#define QUORATE_CHECKS_OBJECTS_VALIDATE_H

#include "checks/objects_field.h"

struct check {
    const struct objects *objects;
    objects_report *report;
    void *self;
    bool good;
    size_t longest_contact; /* bytes of the longest in an alert */
    unsigned near;          /* the service that was found last: lists are sorted, so the next one is not far */
    struct buffer text;     /* the problem that validate_report is about to tell */
};
void validate_report(struct check *c, enum object_kind kind, unsigned index, const char *directive);
void validate_period(struct check *c, enum object_kind kind, unsigned index, const char *directive, const char *period);
void validate_contacts(struct check *c, enum object_kind kind, unsigned index, const char *directive,
                       const char *const *contacts, unsigned count);
/* Whether so many find room in one alert, however long they are. */
bool validate_room_enough(const struct check *c, size_t contacts);
/* That these, which all exist, find room in one alert. */
void validate_room(struct check *c, enum object_kind kind, unsigned index, const char *directive,
                   const char *const *contacts, unsigned count);

/* --- objects_validate_relations.c --- */
void validate_group(struct check *c, enum object_kind kind, unsigned index);
void validate_escalation(struct check *c, enum object_kind kind, unsigned index);
void validate_dependency(struct check *c, enum object_kind kind, unsigned index);
void validate_service_parents(struct check *c, unsigned index);
/* Nobody is its own ancestor, and no question follows DEPENDENCY_COST_MAX dependencies. */
void validate_circles(struct check *c);

#endif
