/* The arena: a list of chunks, the newest first, from which aligned pieces are cut. Messages are decoded into one and
   dropped at once; the limit keeps a small frame from unfolding into much memory. */
#include "base/bytes.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

struct arena_chunk {
    struct arena_chunk *older;
    size_t size, used;
    alignas(max_align_t) uint8_t memory[];
};

/* With its header, the smallest is of a size that malloc keeps at hand. */
enum { CHUNK_MIN = 960, CHUNK_MAX = 1 << 20 };

/* Chunks double, so a large message costs few of them and a small one little. */
static struct arena_chunk *arena_grow(struct arena *a, size_t size) {
    size_t next = a->chunk == NULL ? CHUNK_MIN : a->chunk->size * 2;
    if (next > CHUNK_MAX) {
        next = CHUNK_MAX;
    }
    if (next < size) {
        next = size;
    }
    struct arena_chunk *c = xrealloc(NULL, sizeof *c + next);
    c->used = 0;
    c->older = a->chunk;
    c->size = next;
    a->chunk = c;
    return c;
}

void *arena_alloc(struct arena *a, size_t size) {
    const size_t align = alignof(max_align_t);
    if (size > SIZE_MAX / 4) {
        return NULL;
    }
    size_t rounded = size == 0 ? align : (size + align - 1) / align * align;
    if (a->limit != 0 && (a->used > a->limit || rounded > a->limit - a->used)) {
        return NULL;
    }
    struct arena_chunk *c = a->chunk;
    if (c == NULL || c->size - c->used < rounded) {
        c = arena_grow(a, rounded);
    }
    void *p = c->memory + c->used;
    c->used += rounded;
    a->used += rounded;
    return memset(p, 0, rounded);
}

char *arena_text(struct arena *a, struct bytes text) {
    char *copy = arena_alloc(a, text.len + 1);
    if (copy != NULL && text.len > 0) {
        memcpy(copy, text.data, text.len);
    }
    return copy;
}

struct bytes arena_copy(struct arena *a, struct bytes b) {
    uint8_t *copy = arena_alloc(a, b.len);
    if (copy == NULL) {
        return (struct bytes){NULL, 0};
    }
    if (b.len > 0) {
        memcpy(copy, b.data, b.len);
    }
    return (struct bytes){copy, b.len};
}

void arena_free(struct arena *a) {
    for (struct arena_chunk *c = a->chunk; c != NULL;) {
        struct arena_chunk *older = c->older;
        free(c);
        c = older;
    }
    a->chunk = NULL;
    a->used = 0;
}
