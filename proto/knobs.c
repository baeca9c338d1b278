/* The table of protocol knobs (R15): names, defaults, bounds and help come from the one list in cluster_parts.h. */
#include "proto/cluster_parts.h"

#include <stdio.h>

const struct knob knob_table[] = {
#define KNOB(field, standard, lowest, highest, help)                                                                   \
    {#field, offsetof(struct protocol_knobs, field), standard, lowest, highest, help},
    KNOB_LIST(KNOB)
#undef KNOB
};
const size_t knob_count = sizeof knob_table / sizeof *knob_table;

struct protocol_knobs protocol_defaults(void) {
    struct protocol_knobs knobs = {0};
    for (size_t i = 0; i < knob_count; i++) {
        *knob_value(&knobs, &knob_table[i]) = knob_table[i].standard;
    }
    return knobs;
}

void protocol_help(struct buffer *out) {
    buffer_printf(out, "The knobs of `protocol:` in cluster.yaml; names ending in _ms are milliseconds.\n"
                       "They are part of the genesis: all replicas run with the same.\n\n");
    buffer_printf(out, "%-22s %8s  %-16s %s\n", "name", "default", "bounds", "meaning");
    for (size_t i = 0; i < knob_count; i++) {
        const struct knob *k = &knob_table[i];
        char bounds[32];
        snprintf(bounds, sizeof bounds, "%u..%u", k->lowest, k->highest);
        buffer_printf(out, "%-22s %8u  %-16s %s\n", k->name, k->standard, bounds, k->help);
    }
}
