/* A batch of writes: keys and values lie in one buffer, the writes name their places in it. */
#include "base/invariant.h"
#include "replica/disk.h"

#include <stdlib.h>
#include <string.h>

static void append(struct disk_batch *b, enum disk_family f, int op, struct bytes key, struct bytes value) {
    REQUIRE(f < DISK_FAMILY_LIMIT);
    if (b->count == b->cap) {
        b->cap = b->cap ? 2 * b->cap : 64;
        b->writes = xrealloc(b->writes, b->cap * sizeof *b->writes);
    }
    struct disk_write *w = &b->writes[b->count++];
    *w = (struct disk_write){.family = f, .key_at = b->bytes.len, .key_len = key.len};
    w->op = op;
    buffer_put(&b->bytes, key.data, key.len);
    w->value_at = b->bytes.len;
    w->value_len = value.len;
    buffer_put(&b->bytes, value.data, value.len);
}

void disk_batch_put(struct disk_batch *b, enum disk_family f, struct bytes key, struct bytes value) {
    append(b, f, DISK_PUT, key, value);
}

void disk_batch_delete(struct disk_batch *b, enum disk_family f, struct bytes key) {
    append(b, f, DISK_DELETE, key, (struct bytes){0});
}

void disk_batch_delete_range(struct disk_batch *b, enum disk_family f, struct bytes from, struct bytes below) {
    append(b, f, DISK_DELETE_RANGE, from, below);
}

void disk_batch_clear(struct disk_batch *b) {
    buffer_clear(&b->bytes);
    b->count = 0;
}

void disk_batch_free(struct disk_batch *b) {
    buffer_free(&b->bytes);
    free(b->writes);
    memset(b, 0, sizeof *b);
}

struct bytes disk_batch_key(const struct disk_batch *b, const struct disk_write *w) {
    return bytes_of(b->bytes.data + w->key_at, w->key_len);
}

struct bytes disk_batch_value(const struct disk_batch *b, const struct disk_write *w) {
    return bytes_of(b->bytes.data + w->value_at, w->value_len);
}
