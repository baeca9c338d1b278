/* An order that the node holds switches the filter on; its end there, or the filter's own, switches it off, and the
   node is told what it did. Nothing here outlives the process: a restart is honest. */
#include "replica/live_drill.h"

#include "base/log.h"

#include <inttypes.h>

static bool facts(void *self, struct node_facts *out) {
    const struct node *n = *(struct node **)self;
    if (n)
        node_inspect(n, out);
    return n != NULL;
}

static bool faulted(void *self, struct bytes frame) {
    struct node *n = *(struct node **)self;
    if (!n || !node_faulted(n, frame))
        return false;
    node_drill_signed(n, frame);
    return true;
}

struct fault_host live_drill_host(struct node **node) {
    return (struct fault_host){.self = node, .facts = facts, .faulted = faulted};
}

static void begin(struct live_drill *l, struct node *n, struct fault *f, const struct drill_order *o) {
    struct buffer why = {0};
    enum error e = ERR_FORBIDDEN;
    if (f && fault_behaviour_known(o->behaviour) && !fault_behaviour_live(o->behaviour))
        buffer_printf(&why, "%s is for sandboxes only", o->behaviour);
    else if (f)
        e = fault_start(f, o->behaviour, o->id, o->until, &why);
    if (e == ERR_OK) {
        l->id = o->id;
        l->bitten = fault_bites(f);
        log_event(LOG_WARN_, "drill", "id=%" PRIu64 " behaviour=%s lies=1", o->id, o->behaviour);
    } else {
        log_event(LOG_WARN_, "drill", "id=%" PRIu64 " behaviour=%s lies=0 reason=\"%s\"", o->id, o->behaviour,
                  why.len ? buffer_cstr(&why) : error_text(e));
        node_drill_over(n, o->id, 0);
    }
    buffer_free(&why);
}

static void end(struct live_drill *l, struct node *n, struct fault *f) {
    uint64_t bites = fault_bites(f) - l->bitten;
    fault_stop(f);
    log_event(LOG_WARN_, "drill", "id=%" PRIu64 " lies=0 bites=%" PRIu64, l->id, bites);
    node_drill_over(n, l->id, bites);
    l->id = 0;
}

bool live_drill_turn(struct live_drill *l, struct node *n, struct fault *f) {
    const struct drill_order *o = node_drill(n);
    bool goes_on = l->id != 0 && o && o->id == l->id && fault_active(f);
    bool changes = (l->id != 0 && !goes_on) || (l->id == 0 && o);
    if (l->id != 0 && !goes_on)
        end(l, n, f);
    o = node_drill(n);
    if (l->id == 0 && o)
        begin(l, n, f, o);
    return changes;
}
