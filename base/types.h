/* The scalars and small values that every room speaks of. */
#ifndef QUORATE_BASE_TYPES_H
#define QUORATE_BASE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t seq_no;    /* n of the papers: place in the ordered log, the first batch is 1 */
typedef uint64_t view_no;   /* v: the first view is 0 */
typedef uint32_t epoch_no;  /* generation of the member list, the first is 0 */
typedef uint16_t member_id; /* index of a replica in the epoch's member list */
typedef int64_t time_ms;    /* milliseconds since 1970-01-01 UTC: agreed time T or a wall clock */
typedef int64_t mono_ms;    /* milliseconds of a local clock that never steps; only differences mean something */

enum {
    MEMBERS_MAX = 13,     /* replicas of an epoch */
    MEMBER_NONE = 0xffff, /* no member: the sender field of what a client signs */
    DIGEST_LEN = 32,
    SIGNATURE_LEN = 64,
    PUBLIC_KEY_LEN = 32,
    SECRET_SEED_LEN = 32,
    CLUSTER_ID_LEN = 16,
};

struct digest {
    uint8_t b[DIGEST_LEN];
};
struct signature {
    uint8_t b[SIGNATURE_LEN];
};
struct public_key {
    uint8_t b[PUBLIC_KEY_LEN];
}; /* also the id of its owner: windows, votes and scores belong to it */
struct cluster_id {
    uint8_t b[CLUSTER_ID_LEN];
};

/* Borrowed bytes: never owned through this struct, never NUL-terminated by promise. */
struct bytes {
    const uint8_t *data;
    size_t len;
};

#endif
