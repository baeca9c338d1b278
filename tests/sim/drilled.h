/* FAULT_BEHAVE and FAULT_CLOCK: members behind the fault filter that replicas run with in drills (replica/fault.h). */
#ifndef QUORATE_TESTS_SIM_DRILLED_H
#define QUORATE_TESTS_SIM_DRILLED_H

#include "replica/fault.h"
#include "tests/sim/world.h"

/* The behaviours that make sense in virtual time; NULL behind the last. */
const struct fault_behaviour *behaviour_at(unsigned i);
unsigned behaviour_count(void);
int behaviour_find(const char *name); /* by name or row; -1: no such */

#endif
