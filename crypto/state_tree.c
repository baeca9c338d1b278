/* The Merkle tree over the replicated state (R7): 65,536 buckets under 256 mids. It keeps digests only, the records
   live elsewhere. Each bucket is a small array sorted by the digest of the key, so the root depends on the set of
   records alone; a put marks its bucket and mid dirty, and only those are hashed again. */
#include "base/invariant.h"
#include "crypto/merkle.h"

#include <stdlib.h>
#include <string.h>

enum { FANOUT = STATE_FANOUT };

struct state_record {
    struct digest key;   /* H(0 | key) */
    struct digest value; /* H(1 | key len | key | value) */
};
struct state_bucket {
    struct state_record *records; /* sorted by key digest */
    uint32_t count, capacity;
    bool dirty;
};
struct state_mid { /* allocated with its first record */
    size_t count;
    struct state_bucket buckets[FANOUT];
    struct digest leaves[FANOUT];
};
struct state_tree {
    size_t count;
    bool dirty;
    bool mid_dirty[FANOUT];
    struct state_mid *mids[FANOUT];
    struct digest mid_digests[FANOUT];
    struct digest root;
};

struct state_tree *state_tree_new(void) {
    struct state_tree *t = xcalloc(1, sizeof *t);
    t->dirty = true;
    return t;
}

void state_tree_free(struct state_tree *t) {
    if (t == NULL) {
        return;
    }
    for (size_t m = 0; m < FANOUT; m++) {
        for (size_t b = 0; t->mids[m] != NULL && b < FANOUT; b++) {
            free(t->mids[m]->buckets[b].records);
        }
        free(t->mids[m]);
    }
    free(t);
}

size_t state_tree_count(const struct state_tree *t) {
    return t->count;
}

static struct digest key_digest(struct bytes key) {
    static const uint8_t tag[] = {0};
    struct bytes parts[] = {bytes_of(tag, 1), key};
    return crypto_digest_parts(DIGEST_STATE_RECORD, parts, 2);
}

static struct digest record_digest(struct bytes key, struct bytes value) {
    uint32_t len = (uint32_t)key.len;
    uint8_t head[] = {1, (uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len};
    struct bytes parts[] = {bytes_of(head, sizeof head), key, value};
    return crypto_digest_parts(DIGEST_STATE_RECORD, parts, 3);
}

/* The place of key in the bucket, or where it would stand. */
static uint32_t bucket_find(const struct state_bucket *b, const struct digest *key, bool *found) {
    uint32_t low = 0, high = b->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = memcmp(b->records[middle].key.b, key->b, DIGEST_LEN);
        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *found = false;
    return low;
}

static void bucket_insert(struct state_bucket *b, uint32_t at, const struct state_record *record) {
    if (b->count == b->capacity) {
        b->capacity = b->capacity == 0 ? 2 : b->capacity * 2;
        b->records = xrealloc(b->records, b->capacity * sizeof *b->records);
    }
    memmove(b->records + at + 1, b->records + at, (b->count - at) * sizeof *b->records);
    b->records[at] = *record;
    b->count++;
}

static void bucket_remove(struct state_bucket *b, uint32_t at) {
    b->count--;
    memmove(b->records + at, b->records + at + 1, (b->count - at) * sizeof *b->records);
    if (b->count == 0) {
        free(b->records);
        b->records = NULL;
        b->capacity = 0;
    }
}

static void tree_touch(struct state_tree *t, const struct digest *key) {
    t->mids[key->b[0]]->buckets[key->b[1]].dirty = true;
    t->mid_dirty[key->b[0]] = true;
    t->dirty = true;
}

void state_tree_put(struct state_tree *t, struct bytes key, struct bytes value) {
    struct state_record record = {key_digest(key), record_digest(key, value)};
    struct state_mid **mid = &t->mids[record.key.b[0]];
    if (*mid == NULL) {
        *mid = xcalloc(1, sizeof **mid);
    }
    struct state_bucket *bucket = &(*mid)->buckets[record.key.b[1]];
    bool found;
    uint32_t at = bucket_find(bucket, &record.key, &found);
    if (found && digest_equal(&bucket->records[at].value, &record.value)) {
        return;
    }
    if (found) {
        bucket->records[at] = record;
    } else {
        bucket_insert(bucket, at, &record);
        (*mid)->count++;
        t->count++;
    }
    tree_touch(t, &record.key);
}

void state_tree_remove(struct state_tree *t, struct bytes key) {
    struct digest d = key_digest(key);
    struct state_mid *mid = t->mids[d.b[0]];
    if (mid == NULL) {
        return;
    }
    bool found;
    uint32_t at = bucket_find(&mid->buckets[d.b[1]], &d, &found);
    if (!found) {
        return;
    }
    bucket_remove(&mid->buckets[d.b[1]], at);
    mid->count--;
    t->count--;
    tree_touch(t, &d);
}

static struct digest bucket_leaf(const struct state_bucket *b, struct buffer *scratch) {
    if (b->count == 0) {
        return (struct digest){0};
    }
    buffer_clear(scratch);
    for (uint32_t i = 0; i < b->count; i++) {
        buffer_put(scratch, b->records[i].value.b, DIGEST_LEN);
    }
    return crypto_digest(DIGEST_STATE_LEAF, buffer_bytes(scratch));
}

/* Empty leaves are left out, so that a sparse mid is cheap to hash. */
static struct digest leaves_digest(const struct digest *leaves, struct buffer *scratch) {
    buffer_clear(scratch);
    for (size_t i = 0; i < FANOUT; i++) {
        if (!digest_is_zero(&leaves[i])) {
            buffer_u8(scratch, (uint8_t)i);
            buffer_put(scratch, leaves[i].b, DIGEST_LEN);
        }
    }
    return scratch->len == 0 ? (struct digest){0} : crypto_digest(DIGEST_STATE_MID, buffer_bytes(scratch));
}

static struct digest mid_digest(struct state_mid *mid, struct buffer *scratch) {
    for (size_t i = 0; i < FANOUT; i++) {
        if (mid->buckets[i].dirty) {
            mid->leaves[i] = bucket_leaf(&mid->buckets[i], scratch);
            mid->buckets[i].dirty = false;
        }
    }
    return leaves_digest(mid->leaves, scratch);
}

struct digest state_tree_root(struct state_tree *t) {
    if (!t->dirty) {
        return t->root;
    }
    struct buffer scratch = {0};
    for (size_t m = 0; m < FANOUT; m++) {
        if (t->mid_dirty[m]) {
            t->mid_digests[m] = mid_digest(t->mids[m], &scratch);
            t->mid_dirty[m] = false;
        }
    }
    buffer_free(&scratch);
    t->root = state_root_of_mids(t->mid_digests);
    t->dirty = false;
    return t->root;
}

/* ---- from outside ---- */

uint16_t state_bucket_of(struct bytes key) {
    struct digest d = key_digest(key);
    return (uint16_t)(d.b[0] << 8 | d.b[1]);
}

void state_tree_mids(struct state_tree *t, struct digest out[STATE_FANOUT]) {
    state_tree_root(t);
    memcpy(out, t->mid_digests, sizeof t->mid_digests);
}

void state_tree_leaves(struct state_tree *t, uint8_t mid, struct digest out[STATE_FANOUT]) {
    state_tree_root(t);
    memset(out, 0, STATE_FANOUT * sizeof *out);
    if (t->mids[mid] != NULL) {
        memcpy(out, t->mids[mid]->leaves, sizeof t->mids[mid]->leaves);
    }
}

struct digest state_root_of_mids(const struct digest mids[STATE_FANOUT]) {
    return crypto_digest(DIGEST_STATE_ROOT, bytes_of(mids, STATE_FANOUT * sizeof *mids));
}

struct digest state_mid_of_leaves(const struct digest leaves[STATE_FANOUT]) {
    struct buffer scratch = {0};
    struct digest d = leaves_digest(leaves, &scratch);
    buffer_free(&scratch);
    return d;
}

void state_leaf_add(struct state_leaf *l, struct bytes key, struct bytes value) {
    struct state_record record = {key_digest(key), record_digest(key, value)};
    struct state_bucket b = {l->records, l->count, l->capacity, false};
    bucket_insert(&b, b.count, &record);
    *l = (struct state_leaf){b.records, b.count, b.capacity};
}

static int by_key(const void *a, const void *b) {
    return memcmp(((const struct state_record *)a)->key.b, ((const struct state_record *)b)->key.b, DIGEST_LEN);
}

struct digest state_leaf_end(struct state_leaf *l) {
    struct buffer scratch = {0};
    struct state_bucket b = {l->records, l->count, l->capacity, false};
    if (l->count > 1) {
        qsort(l->records, l->count, sizeof *l->records, by_key);
    }
    struct digest d = bucket_leaf(&b, &scratch);
    buffer_free(&scratch);
    free(l->records);
    *l = (struct state_leaf){0};
    return d;
}
