/* Counts only, no names and no time: so the claim of R9 can be checked for every combination of votes. */
#include "checks/verdict.h"

#include "base/invariant.h"

unsigned ballot_reporters(const struct ballot *b) {
    return b->votes[STATE_OK] + b->votes[STATE_WARNING] + b->votes[STATE_CRITICAL] + b->votes[STATE_UNKNOWN];
}

unsigned ballot_missing(const struct ballot *b) {
    return b->observers - (ballot_reporters(b) - b->votes[STATE_UNKNOWN]);
}

/* The worst state that q votes reach when `extra` more would vote for the worst; OK if there is none. */
static uint8_t worst_of(const struct ballot *b, unsigned extra) {
    unsigned that_bad = extra;
    for (unsigned s = STATE_CRITICAL; s > STATE_OK; s--) {
        that_bad += b->votes[s];
        if (that_bad >= b->quorum) {
            return (uint8_t)s;
        }
    }
    return STATE_OK;
}

static enum verdict_kind kind_of(const struct ballot *b, uint8_t lo, uint8_t hi) {
    if (ballot_reporters(b) == 0) {
        return VERDICT_SILENT;
    }
    if (lo > STATE_OK || hi == STATE_OK) {
        return VERDICT_DECIDED;
    }
    return b->votes[STATE_UNKNOWN] >= b->quorum ? VERDICT_AGREED : VERDICT_UNDECIDED;
}

struct verdict verdict_of(const struct ballot *b) {
    REQUIRE(b->quorum >= 1 && b->quorum <= b->observers);
    REQUIRE(ballot_reporters(b) <= b->observers);
    struct verdict v = {.lo = worst_of(b, 0), .hi = worst_of(b, ballot_missing(b))};
    ENSURE(v.lo <= v.hi);
    v.kind = kind_of(b, v.lo, v.hi);
    v.state = v.kind == VERDICT_DECIDED ? v.lo : STATE_UNKNOWN;
    return v;
}

bool verdict_dissent(const struct verdict *v, uint8_t vote) {
    if (vote > STATE_CRITICAL) {
        return false;
    }
    return v->kind == VERDICT_DECIDED ? vote != v->state : vote > STATE_OK;
}
