/* R0's arithmetic, in the one place where it is done. */
#include "base/quorum.h"

#include "base/invariant.h"

unsigned quorum_faults(unsigned n) {
    REQUIRE(n >= 1 && n <= MEMBERS_MAX);
    return (n - 1) / 3;
}

unsigned quorum_strong(unsigned n) {
    return (n + quorum_faults(n)) / 2 + 1;
}

unsigned quorum_weak(unsigned n) {
    return quorum_faults(n) + 1;
}

member_set set_all(unsigned n) {
    REQUIRE(n <= MEMBERS_MAX);
    return (member_set)((1u << n) - 1u);
}
