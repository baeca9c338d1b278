/* The loader: `quorate drill load`, a process of the stage that submits bundles of running numbers all the time and
   writes down what was acknowledged; and the reader of what it wrote. */
#ifndef QUORATE_CLIENT_DRILL_LOAD_H
#define QUORATE_CLIENT_DRILL_LOAD_H

#include "base/bytes.h"
#include "base/types.h"

/* Its lanes: each submits to a service of its own, load/s0 ... , one bundle after the other. */
enum { LOAD_LANES = 4, LOAD_BUNDLE = 3, LOAD_RATE = 12 };
#define LOAD_HOST "load"

/* The hidden sub-verb: load -c FILE -k KEY --acks FILE [--rate N]; runs until SIGTERM. */
int load_verb(int argc, char **argv);

struct load;
struct load_ack { /* one acknowledged bundle */
    unsigned lane;
    uint64_t number; /* of its last result */
    seq_no n;        /* the batch that executed it */
    mono_ms at, latency;
    struct digest request; /* its digest, as the log's batches refer to it */
};
struct load_figures {
    uint64_t acks; /* bundles */
    mono_ms span;
    mono_ms p50, p99; /* ms; 0 without acks */
};
/* Reads the file at path, which need not be there yet. */
struct load *load_open(const char *path);
void load_close(struct load *l);
/* Takes what was added since. A line: "ack" or a refusal's name TAB lane TAB last number TAB n TAB monotonic ms TAB
   latency ms TAB digest in hex. */
void load_read(struct load *l);
uint64_t load_acks(const struct load *l);
const struct load_ack *load_at(const struct load *l, uint64_t i); /* below load_acks; in the order of the file */
/* Acknowledged from `from` on and before `to`. */
struct load_figures load_figures(const struct load *l, mono_ms from, mono_ms to);
/* The highest acknowledged number of a lane, 0: none. */
uint64_t load_last(const struct load *l, unsigned lane);
/* Bundles that were refused, and the name of the last refusal (NULL: none). */
uint64_t load_refused(const struct load *l, const char **reason);
/* Whether a bundle that is refused for this reason, so long after it was made, is made anew: it grew too old on its
   way, which is a matter of how long the cluster took and no wrong refusal. */
bool load_grew_old(const char *reason, mono_ms age);
/* The lane's service and the output of a result; and the number in such an output, 0 when there is none. */
void load_service(char out[16], unsigned lane);
void load_output(char out[64], uint64_t number);
uint64_t load_number(const char *output);

#endif
