/* What is watched in a run, by whom, and which of the observers lie: drawn from the seed. The first SIM_SERVICES
   objects are plain, so that their last alert must tell the truth; the others use what the product has, as chance will,
   and are judged by the naive model. */
#ifndef QUORATE_TESTS_SIM_ESTATE_H
#define QUORATE_TESTS_SIM_ESTATE_H

#include "tests/sim/sim.h"

enum { ESTATE_MAX = 24 };

struct estate_object {
    const char *host;
    char service[16];  /* "": the host */
    unsigned watchers; /* bits by observer */
    unsigned watcher_count, quorum;
    int stale_state; /* -1: none */
};
struct estate {
    unsigned observers, count, plain; /* observers that report; the first objects are plain */
    struct estate_object list[ESTATE_MAX];
    struct buffer text; /* for objects_parse */
    time_ms interval_length;
    bool flapping;
};
void estate_draw(struct estate *e, const struct sim_options *o);
/* The canonical bytes that an operator applies. */
void estate_compile(const struct estate *e, struct buffer *canonical);
void estate_free(struct estate *e);
/* -1: none of that name. */
int estate_find(const struct estate *e, const char *host, const char *service);
/* How many of its observers may lie: min(q-1, m-q). */
unsigned estate_bound(const struct estate_object *o);
const char *observer_name(unsigned observer);

/* --- orders.c: what an operator says; only where some objects are not plain --- */
void order_draw(const struct estate *e, struct prng *p, time_ms now, struct op_command *out);

/* --- lies.c: the rows DR-I1 to I13 --- */
const char *lie_name(enum lie l);
const char *lie_row(enum lie l);
/* LIE_KINDS: no lie has that name. */
enum lie lie_find(const char *name);
bool lie_needs_five(enum lie l);
/* Bits of the observers that say what is not so, be it by mistake. */
unsigned lie_liars(enum lie l);
/* Who is masked for it by right: liars and who sees another truth, but not who errs. */
unsigned lie_dissenters(enum lie l);
/* Liars, and those that are silent or see another truth: what they say tells nothing of the truth. */
unsigned lie_doubted(enum lie l);
enum { SAYS_NOTHING = -1 };
/* What the observer says of an object that is `truth`, in this beat. */
int lie_says(enum lie l, unsigned observer, unsigned object, bool is_host, unsigned truth, unsigned beat,
             struct prng *chance);
/* Its results bear yesterday's time. */
bool lie_is_old(enum lie l, unsigned observer, unsigned object);

#endif
