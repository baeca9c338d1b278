/* Comparison of borrowed bytes and the bounded big-endian reader. A reader that met a shortage stays bad and yields
   zeroes, so a decoder may read all its fields and judge once at the end. */
#include "base/bytes.h"

#include <string.h>

bool bytes_equal(struct bytes a, struct bytes b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

int bytes_compare(struct bytes a, struct bytes b) {
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common == 0 ? 0 : memcmp(a.data, b.data, common);
    if (order != 0) {
        return order;
    }
    return (a.len > b.len) - (a.len < b.len);
}

struct bytes bytes_of_text(const char *text) {
    return bytes_of(text, strlen(text));
}

bool digest_equal(const struct digest *a, const struct digest *b) {
    return memcmp(a->b, b->b, DIGEST_LEN) == 0;
}

bool digest_is_zero(const struct digest *d) {
    static const struct digest zero;
    return digest_equal(d, &zero);
}

bool public_key_equal(const struct public_key *a, const struct public_key *b) {
    return memcmp(a->b, b->b, PUBLIC_KEY_LEN) == 0;
}

struct reader reader_of(struct bytes b) {
    static const uint8_t nothing[1];
    const uint8_t *at = b.len == 0 ? nothing : b.data;
    return (struct reader){.at = at, .end = at + b.len};
}

struct bytes read_bytes(struct reader *r, size_t len) {
    if (r->bad || (size_t)(r->end - r->at) < len) {
        r->bad = true;
        return (struct bytes){NULL, 0};
    }
    struct bytes b = {r->at, len};
    r->at += len;
    return b;
}

static uint64_t read_integer(struct reader *r, size_t width) {
    struct bytes b = read_bytes(r, width);
    uint64_t v = 0;
    for (size_t i = 0; i < b.len; i++) {
        v = v << 8 | b.data[i];
    }
    return v;
}

uint8_t read_u8(struct reader *r) {
    return (uint8_t)read_integer(r, 1);
}

uint16_t read_u16(struct reader *r) {
    return (uint16_t)read_integer(r, 2);
}

uint32_t read_u32(struct reader *r) {
    return (uint32_t)read_integer(r, 4);
}

uint64_t read_u64(struct reader *r) {
    return read_integer(r, 8);
}

struct bytes read_block(struct reader *r, size_t max) {
    uint32_t len = read_u32(r);
    if (len > max) {
        r->bad = true;
    }
    return read_bytes(r, len);
}

void read_into(struct reader *r, void *out, size_t len) {
    struct bytes b = read_bytes(r, len);
    if (len == 0) {
        return;
    }
    if (r->bad) {
        memset(out, 0, len);
    } else {
        memcpy(out, b.data, len);
    }
}

bool reader_done(const struct reader *r) {
    return !r->bad && r->at == r->end;
}
