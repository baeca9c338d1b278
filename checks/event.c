/* What happens to an object, told to whoever listens: nothing here changes the machine. */
#include "checks/machine.h"

static void raise_event(const struct monitor *m, const struct object *o, struct monitor_event e) {
    e.t = m->t;
    e.host = o->def->host;
    e.service = o->def->service;
    e.state = o->state;
    m->sink->event(m->sink->self, &e);
}

static bool heard(const struct monitor *m) {
    return m->sink && m->sink->event;
}

void event_state(const struct monitor *m, const struct object *o, bool hard, uint32_t attempt) {
    if (heard(m)) {
        raise_event(m, o,
                    (struct monitor_event){
                        .kind = EVENT_STATE, .hard = hard, .attempt = attempt, .text = object_output(&m->table, o)});
    }
}

void event_flapping(const struct monitor *m, const struct object *o, enum monitor_event_kind kind) {
    if (heard(m)) {
        struct buffer text = {0};
        flapping_describe(&text, flapping_change(o));
        raise_event(
            m, o,
            (struct monitor_event){.kind = kind, .hard = o->hard, .attempt = o->attempt, .text = buffer_cstr(&text)});
        buffer_free(&text);
    }
}

void event_downtime(const struct monitor *m, const struct object *o, enum monitor_event_kind kind) {
    if (heard(m)) {
        raise_event(m, o, (struct monitor_event){.kind = kind, .hard = o->hard, .attempt = o->attempt, .text = ""});
    }
}
