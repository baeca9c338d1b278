/* The end of a process whose own state is wrong: one line, then abort, so that nothing further is signed or sent. */
#include "base/invariant.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void invariant_broken(const char *kind, const char *condition, const char *file, int line) {
    fprintf(stderr, "quorate: broken invariant: %s %s at %s:%d\n", kind, condition, file, line);
    abort();
}
