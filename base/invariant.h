/* Assertions about our own state, on in release. Never about bytes that others sent. */
#ifndef QUORATE_BASE_INVARIANT_H
#define QUORATE_BASE_INVARIANT_H

/* Prints "quorate: broken invariant: KIND cond at file:line" to stderr and aborts. Does not return. */
_Noreturn void invariant_broken(const char *kind, const char *condition, const char *file, int line);

#define INVARIANT_(kind, c) ((c) ? (void)0 : invariant_broken(kind, #c, __FILE__, __LINE__))
#define REQUIRE(c) INVARIANT_("REQUIRE", c) /* what the caller promised */
#define ENSURE(c) INVARIANT_("ENSURE", c)   /* what this code promises */
#define IMPLIES(a, b) INVARIANT_("IMPLIES", !(a) || (b))
#define UNREACHABLE() invariant_broken("UNREACHABLE", "", __FILE__, __LINE__)

#endif
