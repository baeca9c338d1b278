/* R9 of docs/PROTOCOL.md as a pure function: what the votes of m observers say when q of them must agree. */
#ifndef QUORATE_CHECKS_VERDICT_H
#define QUORATE_CHECKS_VERDICT_H

#include "proto/op.h"

/* The counted votes of one object; the other observers are missing. Hosts vote 0 (UP) or 1 (DOWN). */
struct ballot {
    unsigned observers, quorum; /* m and q, 1 <= q <= m */
    unsigned votes[4];          /* by state; UNKNOWN reports, but counts as missing */
};

enum verdict_kind {
    VERDICT_NONE,      /* nothing was judged yet */
    VERDICT_DECIDED,   /* the votes decide it, whatever the missing would say */
    VERDICT_AGREED,    /* undecided, and q observers themselves say UNKNOWN */
    VERDICT_UNDECIDED, /* the missing could still tip it */
    VERDICT_SILENT,    /* nobody reports */
};

struct verdict {
    enum verdict_kind kind;
    uint8_t state;  /* STATE_UNKNOWN unless decided */
    uint8_t lo, hi; /* the worst state that q see; that q would see if the missing saw the worst */
};

struct verdict verdict_of(const struct ballot *b);
unsigned ballot_missing(const struct ballot *b);   /* named, but not counted: silent, masked, convicted or UNKNOWN */
unsigned ballot_reporters(const struct ballot *b); /* counted votes and UNKNOWN ones */
/* Does one counted vote see a problem that fewer than q see, or contradict what is decided? */
bool verdict_dissent(const struct verdict *v, uint8_t vote);

#endif
