/* A founded cluster without replicas, for tests that execute batches themselves: members 0.., one observer "eu", keys
   by number, and what copies the records of a ledger into another. */
#ifndef QUORATE_TESTS_FOUNDED_H
#define QUORATE_TESTS_FOUNDED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* cmocka wants the headers above before its own. */
#include "proto/evidence.h"
#include "replica/execute.h"

#include <cmocka.h>

enum { K = 8, EU = 60 };

static struct cluster cluster;
static struct cluster_observer observer;
static char *everywhere[] = {"*"};

struct keys {
    struct public_key pk;
    struct secret_key sk;
};
static inline struct keys keys_of(uint8_t who) {
    struct keys k;
    uint8_t seed[SECRET_SEED_LEN] = {who};
    crypto_keypair_from_seed(&k.pk, &k.sk, seed);
    return k;
}

/* Without operators; cluster_set_id when they are there. */
static inline void founded(unsigned members) {
    crypto_start();
    memset(&cluster, 0, sizeof cluster);
    snprintf(cluster.name, sizeof cluster.name, "unit");
    cluster.member_count = (uint16_t)members;
    cluster.t0 = 1000;
    cluster.knobs = protocol_defaults();
    cluster.knobs.checkpoint_interval = K;
    for (uint8_t i = 0; i < members; i++)
        cluster.members[i].key = keys_of((uint8_t)(1 + i)).pk;
    cluster.operators_needed = 1;
    observer = (struct cluster_observer){.name = "eu", .key = keys_of(EU).pk, .host_count = 1, .hosts = everywhere};
    cluster.observer_count = 1;
    cluster.observers = &observer;
}

/* A vote of member `who` in view 0. */
static inline void vote(struct buffer *out, enum frame_type type, member_id who, seq_no n, uint8_t d) {
    uint8_t body[VOTE_BODY_LEN];
    struct keys k = keys_of((uint8_t)(1 + who));
    struct seal_context context = {(uint8_t)type, cluster.id, 0, who};
    vote_encode(body, &(struct vote){0, n, {{d}}, {{0}}});
    frame_seal(out, &context, bytes_of(body, sizeof body), &k.sk);
}

struct copy {
    struct ledger *to;
    unsigned count;
};
static inline void copy_record(void *self, struct bytes key, struct bytes value) {
    struct copy *c = self;
    c->count++;
    if (c->to && value.data)
        assert_int_equal(ledger_restore(c->to, key, value), ERR_OK);
}

#endif
