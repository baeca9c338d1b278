/* The named sizes of R0 (docs/PROTOCOL.md) and sets of members. No other file does quorum arithmetic. */
#ifndef QUORATE_BASE_QUORUM_H
#define QUORATE_BASE_QUORUM_H

#include "base/types.h"

unsigned quorum_faults(unsigned n); /* f = floor((n-1)/3) */
unsigned quorum_strong(unsigned n); /* Q = floor((n+f)/2)+1: any two share an honest member */
unsigned quorum_weak(unsigned n);   /* F = f+1: at least one honest member */
/* The member that leads view v. */
static inline member_id primary_of(view_no v, unsigned members) {
    return (member_id)(v % members);
}

typedef uint16_t member_set; /* bit i = member i */
static inline member_set set_of(member_id i) {
    return (member_set)(1u << i);
}
static inline bool set_has(member_set s, member_id i) {
    return i < MEMBERS_MAX && (s >> i & 1u);
}
static inline unsigned set_count(member_set s) {
    return (unsigned)__builtin_popcount(s);
}
member_set set_all(unsigned n); /* members 0..n-1 */

#endif
