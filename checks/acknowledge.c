/* Acknowledgements: somebody works on it, so nobody else is told of the problem again (base/commands.c and
   base/checks.c of Nagios Core: acknowledge_*_problem, *_state_or_hard_state_type_change). */
#include "checks/machine.h"

struct note *acknowledgement(const struct object *o) {
    for (struct note *n = o->notes; n; n = n->next) {
        if (n->kind == NOTE_ACKNOWLEDGEMENT && n->in_effect) {
            return n;
        }
    }
    return NULL;
}

time_ms acknowledgement_due(const struct note *n) {
    return n->kind == NOTE_ACKNOWLEDGEMENT && n->in_effect && n->end > 0 ? n->end : TIME_NEVER;
}

void acknowledgement_end(struct monitor *m, struct note *n) {
    if (!n->persistent) {
        note_remove(m, n);
        return;
    }
    n->in_effect = false;
    note_touch(n);
}

void acknowledgement_changed(struct monitor *m, struct object *o) {
    struct note *n = acknowledgement(o);
    if (n && (!n->fixed || o->state == STATE_OK)) {
        acknowledgement_end(m, n);
    }
}
