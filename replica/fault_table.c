/* The table of behaviours, and how NAME[:PARAMETER] is read. */
#include "replica/fault_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct behaviour *const lists[] = {
    faults_of_primaries, faults_of_backups, faults_of_views,    faults_of_state,
    faults_to_clients,   faults_of_links,   faults_of_machines,
};
enum { LISTS = sizeof lists / sizeof *lists };

static const struct behaviour *behaviour_at(unsigned i) {
    for (unsigned l = 0; l < LISTS; l++)
        for (const struct behaviour *b = lists[l]; b->is.name; b++)
            if (i-- == 0)
                return b;
    return NULL;
}

const struct fault_behaviour *fault_behaviour(unsigned i) {
    const struct behaviour *b = behaviour_at(i);
    return b ? &b->is : NULL;
}

static bool take_parameter(const struct behaviour *b, const char *text, int64_t *out) {
    char *end;
    *out = b->standard;
    if (!text)
        return true;
    const char *digits = text + (b->lowest < 0 && *text == '-');
    errno = 0;
    *out = strtoll(text, &end, 10);
    return b->is.parameter && *digits >= '0' && *digits <= '9' && *end == '\0' && errno == 0 && *out >= b->lowest &&
           *out <= b->highest;
}

const struct behaviour *fault_find(const char *text, int64_t *parameter, bool *given) {
    const struct behaviour *b;
    size_t len = strcspn(text, ":");
    *given = text[len] == ':';
    for (unsigned i = 0; (b = behaviour_at(i)); i++)
        if (strlen(b->is.name) == len && strncmp(text, b->is.name, len) == 0)
            return take_parameter(b, *given ? text + len + 1 : NULL, parameter) ? b : NULL;
    return NULL;
}

bool fault_behaviour_known(const char *text) {
    static const char later[] = "later:";
    int64_t parameter;
    bool given;
    return fault_find(text + (strncmp(text, later, strlen(later)) == 0 ? strlen(later) : 0), &parameter, &given);
}

bool fault_behaviour_live(const char *text) {
    int64_t parameter;
    bool given;
    const struct behaviour *b = fault_find(text, &parameter, &given);
    return b && b->is.live;
}
