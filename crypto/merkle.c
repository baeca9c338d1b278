/* The Merkle tree over the outputs of a batch. Levels are paired from the left and an odd last node rises unchanged,
   which is RFC 6962's shape without recursion; the root binds the count, so a path is valid for one count only. */
#include "crypto/merkle.h"

#include "base/invariant.h"

#include <stdlib.h>
#include <string.h>

enum { LEVELS_MAX = MERKLE_PATH_MAX + 1 };

struct merkle_tree {
    uint32_t count;
    unsigned levels;
    uint32_t length[LEVELS_MAX];      /* nodes of each level, level 0 = leaves */
    struct digest *level[LEVELS_MAX]; /* into nodes */
    struct digest nodes[];
};

static struct digest merkle_node(const struct digest *left, const struct digest *right) {
    struct bytes parts[] = {bytes_of(left->b, DIGEST_LEN), bytes_of(right->b, DIGEST_LEN)};
    return crypto_digest_parts(DIGEST_NODE, parts, 2);
}

/* top NULL: the tree of no leaves. */
static struct digest merkle_bind(uint32_t count, const struct digest *top) {
    uint8_t number[4] = {(uint8_t)(count >> 24), (uint8_t)(count >> 16), (uint8_t)(count >> 8), (uint8_t)count};
    struct bytes parts[] = {bytes_of(number, sizeof number), bytes_of(top, top == NULL ? 0 : DIGEST_LEN)};
    return crypto_digest_parts(DIGEST_ROOT, parts, 2);
}

struct digest merkle_leaf(struct bytes output) {
    return crypto_digest(DIGEST_LEAF, output);
}

/* How many nodes all levels have together. */
static size_t merkle_size(uint32_t count) {
    size_t size = count;
    while (count > 1) {
        count = (count + 1) / 2;
        size += count;
    }
    return size;
}

static void merkle_raise(struct merkle_tree *t) {
    unsigned below = t->levels - 1;
    const struct digest *in = t->level[below];
    uint32_t length = t->length[below];
    struct digest *out = t->level[below] + length;
    for (uint32_t i = 0; i < length; i += 2) {
        out[i / 2] = i + 1 < length ? merkle_node(&in[i], &in[i + 1]) : in[i];
    }
    t->level[t->levels] = out;
    t->length[t->levels] = (length + 1) / 2;
    t->levels++;
}

struct merkle_tree *merkle_tree_new(const struct digest *leaves, uint32_t count) {
    REQUIRE(count <= MERKLE_LEAVES_MAX);
    struct merkle_tree *t = xcalloc(1, sizeof *t + merkle_size(count) * sizeof t->nodes[0]);
    t->count = count;
    t->levels = 1;
    t->level[0] = t->nodes;
    t->length[0] = count;
    if (count > 0) {
        memcpy(t->nodes, leaves, count * sizeof *leaves);
    }
    while (t->length[t->levels - 1] > 1) {
        merkle_raise(t);
    }
    return t;
}

void merkle_tree_free(struct merkle_tree *t) {
    free(t);
}

struct digest merkle_tree_root(const struct merkle_tree *t) {
    return merkle_bind(t->count, t->count == 0 ? NULL : t->level[t->levels - 1]);
}

unsigned merkle_tree_path(struct digest path[MERKLE_PATH_MAX], const struct merkle_tree *t, uint32_t index) {
    REQUIRE(index < t->count);
    unsigned len = 0;
    for (unsigned l = 0; l + 1 < t->levels; l++, index /= 2) {
        uint32_t sibling = index ^ 1;
        if (sibling < t->length[l]) {
            path[len++] = t->level[l][sibling];
        }
    }
    return len;
}

struct digest merkle_root(const struct digest *leaves, uint32_t count) {
    struct merkle_tree *t = merkle_tree_new(leaves, count);
    struct digest root = merkle_tree_root(t);
    merkle_tree_free(t);
    return root;
}

unsigned merkle_path(struct digest path[MERKLE_PATH_MAX], const struct digest *leaves, uint32_t count, uint32_t index) {
    struct merkle_tree *t = merkle_tree_new(leaves, count);
    unsigned len = merkle_tree_path(path, t, index);
    merkle_tree_free(t);
    return len;
}

bool merkle_verify(const struct digest *root, struct bytes output, uint32_t index, uint32_t count,
                   const struct digest *path, unsigned path_len) {
    if (count > MERKLE_LEAVES_MAX || index >= count || path_len > MERKLE_PATH_MAX) {
        return false;
    }
    struct digest node = merkle_leaf(output);
    unsigned used = 0;
    for (uint32_t length = count; length > 1; length = (length + 1) / 2, index /= 2) {
        if ((index ^ 1) >= length) {
            continue; /* the odd last node of its level rises alone */
        }
        if (used == path_len) {
            return false;
        }
        const struct digest *sibling = &path[used++];
        node = index % 2 == 0 ? merkle_node(&node, sibling) : merkle_node(sibling, &node);
    }
    struct digest bound = merkle_bind(count, &node);
    return used == path_len && digest_equal(&bound, root);
}
