/* The growing buffer and the allocations that abort instead of failing. A process without memory stops cleanly: all
   that it promised is on disk already. */
#include "base/bytes.h"
#include "base/invariant.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *xcalloc(size_t count, size_t size) {
    void *p = calloc(count == 0 ? 1 : count, size == 0 ? 1 : size);
    if (p == NULL) {
        invariant_broken("MEMORY", "calloc", __FILE__, __LINE__);
    }
    return p;
}

void *xrealloc(void *p, size_t size) {
    void *q = realloc(p, size == 0 ? 1 : size);
    if (q == NULL) {
        invariant_broken("MEMORY", "realloc", __FILE__, __LINE__);
    }
    return q;
}

char *xstrdup(const char *s) {
    size_t size = strlen(s) + 1;
    return memcpy(xrealloc(NULL, size), s, size);
}

void buffer_free(struct buffer *b) {
    free(b->data);
    *b = (struct buffer){0};
}

void buffer_clear(struct buffer *b) {
    b->len = 0;
}

/* Room for len more bytes and a NUL behind them. */
static void buffer_reserve(struct buffer *b, size_t len) {
    REQUIRE(len < SIZE_MAX / 4 && b->len < SIZE_MAX / 4);
    size_t need = b->len + len + 1;
    if (need <= b->cap) {
        return;
    }
    size_t cap = b->cap == 0 ? 64 : b->cap;
    while (cap < need) {
        cap *= 2;
    }
    b->data = xrealloc(b->data, cap);
    b->cap = cap;
}

uint8_t *buffer_extend(struct buffer *b, size_t len) {
    buffer_reserve(b, len);
    uint8_t *at = b->data + b->len;
    b->len += len;
    return at;
}

void buffer_put(struct buffer *b, const void *data, size_t len) {
    if (len > 0) {
        memcpy(buffer_extend(b, len), data, len);
    }
}

static void buffer_integer(struct buffer *b, uint64_t v, size_t width) {
    uint8_t *at = buffer_extend(b, width);
    for (size_t i = width; i-- > 0; v >>= 8) {
        at[i] = (uint8_t)v;
    }
}

void buffer_u8(struct buffer *b, uint8_t v) {
    buffer_integer(b, v, 1);
}

void buffer_u16(struct buffer *b, uint16_t v) {
    buffer_integer(b, v, 2);
}

void buffer_u32(struct buffer *b, uint32_t v) {
    buffer_integer(b, v, 4);
}

void buffer_u64(struct buffer *b, uint64_t v) {
    buffer_integer(b, v, 8);
}

void buffer_block(struct buffer *b, struct bytes v) {
    REQUIRE(v.len <= UINT32_MAX);
    buffer_u32(b, (uint32_t)v.len);
    buffer_put(b, v.data, v.len);
}

void buffer_text(struct buffer *b, const char *text) {
    buffer_block(b, bytes_of_text(text));
}

void buffer_plain(struct buffer *b, const char *text) {
    for (; *text != 0; text++) {
        buffer_u8(b, (uint8_t)*text < ' ' || *text == 0x7f ? '?' : (uint8_t)*text);
    }
}

void buffer_printf(struct buffer *b, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    REQUIRE(len >= 0);
    buffer_reserve(b, (size_t)len);
    vsnprintf((char *)b->data + b->len, (size_t)len + 1, format, again);
    va_end(again);
    b->len += (size_t)len;
}

struct bytes buffer_bytes(const struct buffer *b) {
    return (struct bytes){b->data, b->len};
}

const char *buffer_cstr(struct buffer *b) {
    buffer_reserve(b, 0);
    b->data[b->len] = 0;
    return (const char *)b->data;
}
