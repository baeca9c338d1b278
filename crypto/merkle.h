/* Two Merkle trees. (1) Over the outputs of one batch: RFC 6962's shape (split at the largest power of two below
   the count), leaves and nodes domain-separated, root = H(ROOT | count u32 | top), so a path is bound to the count.
   (2) Over the replicated state: 65,536 buckets by the first 16 bits of the record key's digest, 256 mids, a root
   (R7). Puts are cheap; only dirty buckets are rehashed when the root is asked for. */
#ifndef QUORATE_CRYPTO_MERKLE_H
#define QUORATE_CRYPTO_MERKLE_H

#include "base/bytes.h"
#include "crypto/crypto.h"

enum { MERKLE_PATH_MAX = 20, MERKLE_LEAVES_MAX = 1 << 20 };

struct digest merkle_leaf(struct bytes output);
/* Root over count leaf digests; count 0 has a root of its own. */
struct digest merkle_root(const struct digest *leaves, uint32_t count);
/* Path for leaf index: writes at most MERKLE_PATH_MAX digests, returns how many. */
unsigned merkle_path(struct digest path[MERKLE_PATH_MAX], const struct digest *leaves, uint32_t count, uint32_t index);
/* True iff output is leaf `index` of `count` under root by path (exact length required). */
bool merkle_verify(const struct digest *root, struct bytes output, uint32_t index, uint32_t count,
                   const struct digest *path, unsigned path_len);

/* The same for a whole batch: built once in O(count), then each path costs O(log count). */
struct merkle_tree;
/* Copies leaves; count <= MERKLE_LEAVES_MAX. */
struct merkle_tree *merkle_tree_new(const struct digest *leaves, uint32_t count);
void merkle_tree_free(struct merkle_tree *t);
struct digest merkle_tree_root(const struct merkle_tree *t);
unsigned merkle_tree_path(struct digest path[MERKLE_PATH_MAX], const struct merkle_tree *t, uint32_t index);

/* Record = H(1 | key len u32 | key | value), bucket leaf = H(its records in the order of H(0 | key)), mid = H(256
   times: index u8 | leaf, empty leaves left out), root = H(256 mids). What holds no record is all zeroes. */
struct state_tree;
struct state_tree *state_tree_new(void);
void state_tree_free(struct state_tree *t);
void state_tree_put(struct state_tree *t, struct bytes key, struct bytes value); /* insert or replace */
void state_tree_remove(struct state_tree *t, struct bytes key);                  /* absent: nothing */
size_t state_tree_count(const struct state_tree *t);
struct digest state_tree_root(struct state_tree *t); /* a function of the set of records alone, not of their history */

/* The tree from outside, so that a state can be fetched piece by piece under a certified root (R7). Exports are those
   of the last state_tree_root; what holds no record is all zeroes. */
enum { STATE_FANOUT = 256, STATE_BUCKETS = STATE_FANOUT * STATE_FANOUT };
uint16_t state_bucket_of(struct bytes key); /* mid = bucket / 256, leaf within it = bucket % 256 */
void state_tree_mids(struct state_tree *t, struct digest out[STATE_FANOUT]);
void state_tree_leaves(struct state_tree *t, uint8_t mid, struct digest out[STATE_FANOUT]);
struct digest state_root_of_mids(const struct digest mids[STATE_FANOUT]);
struct digest state_mid_of_leaves(const struct digest leaves[STATE_FANOUT]);
/* One bucket's leaf from its records, given once each in any order, in O(n log n). Begin with a zeroed one; end frees
   it. */
struct state_leaf {
    struct state_record *records;
    uint32_t count, capacity;
};
void state_leaf_add(struct state_leaf *l, struct bytes key, struct bytes value);
struct digest state_leaf_end(struct state_leaf *l);

#endif
