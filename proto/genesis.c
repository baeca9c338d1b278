/* What follows from a valid cluster: its canonical bytes and id, the verifier of its first epoch, the ring of its keys,
   and who may speak for which host. */
#include "base/invariant.h"
#include "proto/cluster_parts.h"
#include "proto/frame.h"

#include <stdlib.h>
#include <string.h>

_Static_assert((int)RECEIPT_SEAL_TYPE == (int)FRAME_RECEIPT, "crypto seals receipts under the type of their frame");

static void put_key(struct buffer *out, const struct public_key *key) {
    buffer_put(out, key->b, sizeof key->b);
}

static void put_observer(struct buffer *out, const struct cluster_observer *o) {
    buffer_text(out, o->name);
    put_key(out, &o->key);
    buffer_u32(out, o->host_count);
    for (unsigned i = 0; i < o->host_count; i++) {
        buffer_text(out, o->hosts[i]);
    }
}

/* Everything but addresses: replicas may move to other machines without becoming another cluster. */
void cluster_genesis(struct buffer *out, const struct cluster *c) {
    struct protocol_knobs knobs = c->knobs;
    buffer_text(out, "quorate genesis v1");
    buffer_text(out, c->name);
    buffer_u32(out, c->member_count);
    for (unsigned i = 0; i < c->member_count; i++) {
        put_key(out, &c->members[i].key);
    }
    buffer_u32(out, c->operator_count);
    for (unsigned i = 0; i < c->operator_count; i++) {
        buffer_text(out, c->operators[i].name);
        put_key(out, &c->operators[i].key);
        buffer_u32(out, c->operators[i].roles);
    }
    buffer_u32(out, c->observer_count);
    for (unsigned i = 0; i < c->observer_count; i++) {
        put_observer(out, &c->observers[i]);
    }
    buffer_u32(out, c->operators_needed);
    buffer_u8(out, (uint8_t)c->drills);
    buffer_u32(out, (uint32_t)knob_count);
    for (size_t i = 0; i < knob_count; i++) {
        buffer_u32(out, *knob_value(&knobs, &knob_table[i]));
    }
    buffer_u64(out, (uint64_t)c->t0);
}

void cluster_set_id(struct cluster *c) {
    struct buffer genesis = {0};
    cluster_genesis(&genesis, c);
    struct digest d = crypto_digest(DIGEST_GENESIS, buffer_bytes(&genesis));
    memcpy(c->id.b, d.b, CLUSTER_ID_LEN);
    buffer_free(&genesis);
}

void cluster_free(struct cluster *c) {
    if (c == NULL) {
        return;
    }
    for (unsigned i = 0; i < c->observer_count; i++) {
        for (unsigned h = 0; h < c->observers[i].host_count; h++) {
            free(c->observers[i].hosts[h]);
        }
        free(c->observers[i].hosts);
    }
    free(c->observers);
    free(c);
}

void cluster_verifier(struct verifier *out, const struct cluster *c) {
    *out = (struct verifier){.cluster = c->id, .epoch = 0, .members = c->member_count};
    for (unsigned i = 0; i < c->member_count; i++) {
        out->keys[i] = c->members[i].key;
    }
}

static void ring_add(struct keyring *ring, enum key_role role, uint32_t index, const struct public_key *key) {
    struct key_entry entry = {.key = *key, .role = role, .index = index};
    ENSURE(keyring_add(ring, &entry)); /* the keys of a checked cluster are distinct */
}

struct keyring *cluster_keyring(const struct cluster *c) {
    struct keyring *ring = keyring_new(c->member_count + c->operator_count + c->observer_count);
    for (unsigned i = 0; i < c->member_count; i++) {
        ring_add(ring, ROLE_MEMBER, i, &c->members[i].key);
    }
    for (unsigned i = 0; i < c->operator_count; i++) {
        ring_add(ring, ROLE_OPERATOR, i, &c->operators[i].key);
    }
    for (unsigned i = 0; i < c->observer_count; i++) {
        ring_add(ring, ROLE_OBSERVER, i, &c->observers[i].key);
    }
    return ring;
}

/* Goes back to the last star only: linear in glob times host, however many stars there are. */
bool host_glob_match(const char *glob, const char *host) {
    const char *star = NULL, *resume = NULL;
    while (*host != 0) {
        if (*glob == '*') {
            star = ++glob;
            resume = host;
        } else if (*glob == '?' || *glob == *host) {
            glob++;
            host++;
        } else if (star != NULL) {
            glob = star;
            host = ++resume;
        } else {
            return false;
        }
    }
    while (*glob == '*') {
        glob++;
    }
    return *glob == 0;
}

bool cluster_observer_may(const struct cluster_observer *o, const char *host) {
    for (unsigned i = 0; i < o->host_count; i++) {
        if (host_glob_match(o->hosts[i], host)) {
            return true;
        }
    }
    return false;
}
