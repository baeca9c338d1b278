/* The parts of cluster.h that its files share and nobody else needs. */
#ifndef QUORATE_PROTO_CLUSTER_PARTS_H
#define QUORATE_PROTO_CLUSTER_PARTS_H

#include "proto/cluster.h"

/* KNOB(field, default, lowest, highest, "help"): all of R15 that a cluster may choose. */
#define KNOB_LIST(KNOB)                                                                                                \
    KNOB(tick_ms, 1000, 100, 60000, "every replica submits its clock this often")                                      \
    KNOB(status_ms, 250, 20, 10000, "replicas tell each other their state this often")                                 \
    KNOB(request_timeout_ms, 500, 50, 60000, "a request waits so long before the primary is suspected; 2000 for WANs") \
    KNOB(new_view_timeout_ms, 1000, 50, 60000, "a new primary has so long to take over; 3000 for WANs")                \
    KNOB(timeout_cap_ms, 30000, 1000, 600000, "timeouts double with each failed view up to this")                      \
    KNOB(resend_ms, 500, 50, 60000, "what was not answered is sent again after this")                                  \
    KNOB(silent_ms, 3000, 200, 600000, "the primary is suspected when nothing is decided for so long")                 \
    KNOB(checkpoint_interval, 128, 1, 256, "K: a checkpoint at every such sequence number")                            \
    KNOB(window, 256, 2, 256, "W: sequence numbers in use above the last certified checkpoint")                        \
    KNOB(in_flight, 16, 1, 256, "L: undecided batches that a primary may have proposed")                               \
    KNOB(batch_max, 512, 1, 512, "most requests of a batch")                                                           \
    KNOB(checkpoint_period_ms, 10000, 1000, 600000, "a checkpoint at least this often, in agreed time")                \
    KNOB(cluster_gap_ms, 10000, 2000, 3600000, "a longer jump of agreed time moves the deadlines: the cluster slept")  \
    KNOB(quota_per_s, 1000, 1, 1000000, "requests a second that one client may have ordered in the long run")          \
    KNOB(quota_burst, 4000, 16, 1000000, "and so many at once after a rest")

struct knob {
    const char *name;
    size_t offset; /* in struct protocol_knobs */
    uint32_t standard, lowest, highest;
    const char *help;
};
extern const struct knob knob_table[];
extern const size_t knob_count;
static inline uint32_t *knob_value(struct protocol_knobs *knobs, const struct knob *k) {
    return (uint32_t *)(void *)((char *)knobs + k->offset);
}

/* cluster.yaml as it was written: what the schema let through, before it is judged. NULL: not given. */
struct raw_member {
    uint64_t id;
    char *key, *peer, *client, *http;
};
struct raw_operator {
    char *name, *key;
    unsigned roles;
};
struct raw_observer {
    char *name, *key;
    char **hosts;
    unsigned hosts_count;
};
struct raw_tls {
    char *ca, *cert, *key;
};
struct raw_knobs {
#define KNOB(field, standard, lowest, highest, help) uint32_t *field;
    KNOB_LIST(KNOB)
#undef KNOB
};
struct raw_cluster {
    char *cluster;
    struct raw_member *replicas;
    unsigned replicas_count;
    struct raw_operator *operators;
    unsigned operators_count;
    struct raw_observer *observers;
    unsigned observers_count;
    uint32_t *operators_needed;
    struct raw_tls *tls;
    struct raw_knobs *protocol;
    int drills;
    uint64_t genesis_ms;
};

/* Judges raw and makes a cluster of it, id included. NULL: why got a line "PATH:LINE: field: problem: remedy\n" for
   each problem. text: what raw was read from. */
struct cluster *cluster_build(const struct raw_cluster *raw, struct bytes text, const char *path, struct buffer *why);

#endif
