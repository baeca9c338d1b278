/* Rounds are told by whoever began them: nng hands over one message of each connection in turn. */
#include "replica/pace.h"

static uint64_t at_most(uint64_t ns, uint64_t most) {
    return ns < most ? ns : most;
}

static uint64_t cost_of(size_t len) {
    uint64_t ns = at_most(len, PACE_OWED_MAX_NS) * PACE_NS_PER_BYTE;
    return ns < PACE_MESSAGE_MIN_NS ? PACE_MESSAGE_MIN_NS : ns;
}

/* A round is over when its first connection comes again; should that one have ended, when too much is owed. */
uint64_t pace_unwanted(struct pace *p, uint32_t connection, size_t len) {
    uint64_t pause = 0;
    if (p->owed && (connection == p->first || p->owed >= PACE_OWED_MAX_NS)) {
        pause = at_most(p->owed, PACE_PAUSE_MAX_NS);
        p->owed = 0;
    }
    if (!p->owed)
        p->first = connection;
    p->owed += cost_of(len);
    return pause;
}
