/* Borrowed bytes, a bounded big-endian reader and writer, a growing buffer, an arena. Nothing here can
   run past an end: a reader that would says so and stays bad, a writer that would says so and stays full. */
#ifndef QUORATE_BASE_BYTES_H
#define QUORATE_BASE_BYTES_H

#include "base/types.h"

static inline struct bytes bytes_of(const void *data, size_t len) {
    return (struct bytes){data, len};
}
bool bytes_equal(struct bytes a, struct bytes b);
int bytes_compare(struct bytes a, struct bytes b); /* memcmp order, the shorter first when one is a prefix */
struct bytes bytes_of_text(const char *text);      /* without the NUL */
bool digest_equal(const struct digest *a, const struct digest *b);
bool digest_is_zero(const struct digest *d);
bool public_key_equal(const struct public_key *a, const struct public_key *b);

/* --- reader: big-endian integers and runs of bytes; after the first shortage every get yields 0/empty --- */
struct reader {
    const uint8_t *at, *end;
    bool bad;
};
struct reader reader_of(struct bytes b);
uint8_t read_u8(struct reader *r);
uint16_t read_u16(struct reader *r);
uint32_t read_u32(struct reader *r);
uint64_t read_u64(struct reader *r);
struct bytes read_bytes(struct reader *r, size_t len);   /* borrowed from the reader's bytes */
struct bytes read_block(struct reader *r, size_t max);   /* u32 length, then the bytes; longer than max: bad */
void read_into(struct reader *r, void *out, size_t len); /* zeroes out when bad */
bool reader_done(const struct reader *r);                /* true iff all was read and nothing was short */

/* --- buffer: grows, owns its memory. Allocation failure aborts: clean stop, no half state. --- */
struct buffer {
    uint8_t *data;
    size_t len, cap;
};
void buffer_free(struct buffer *b);  /* b becomes empty and usable */
void buffer_clear(struct buffer *b); /* keeps the memory */
void buffer_put(struct buffer *b, const void *data, size_t len);
uint8_t *buffer_extend(struct buffer *b, size_t len); /* len more bytes, uninitialised; pointer until next growth */
void buffer_u8(struct buffer *b, uint8_t v);
void buffer_u16(struct buffer *b, uint16_t v);
void buffer_u32(struct buffer *b, uint32_t v);
void buffer_u64(struct buffer *b, uint64_t v);
void buffer_block(struct buffer *b, struct bytes v);   /* u32 length, then the bytes */
void buffer_text(struct buffer *b, const char *text);  /* as a block, without the NUL */
void buffer_plain(struct buffer *b, const char *text); /* without the NUL, control characters as '?': one line */
void buffer_printf(struct buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
struct bytes buffer_bytes(const struct buffer *b); /* borrowed until the next change */
const char *buffer_cstr(struct buffer *b);         /* the content with a NUL behind it (not counted in len) */

/* --- arena: many small allocations freed at once. Memory is zeroed. --- */
struct arena {
    struct arena_chunk *chunk;
    size_t used, limit; /* limit: total bytes that may be handed out, 0 = none */
};
void *arena_alloc(struct arena *a, size_t size);      /* NULL when the limit is passed (bytes of others decide the
                                                         size); aborts when the system has no memory */
char *arena_text(struct arena *a, struct bytes text); /* copy with a NUL behind it, or NULL as above */
struct bytes arena_copy(struct arena *a, struct bytes b);
void arena_free(struct arena *a);

void *xcalloc(size_t count, size_t size); /* zeroed, or abort */
void *xrealloc(void *p, size_t size);     /* or abort */
char *xstrdup(const char *s);

/* --- text --- */
bool utf8_valid(struct bytes text);                              /* well-formed UTF-8 without NUL and surrogates */
void hex_encode(char *out, struct bytes in);                     /* out: 2*len+1 chars */
bool hex_decode(uint8_t *out, size_t out_len, const char *text); /* exactly out_len bytes, else false */
/* Standard base64 with padding. encode appends to b. decode appends to b; false when text is not canonical. */
void base64_encode(struct buffer *b, struct bytes in);
bool base64_decode(struct buffer *b, const char *text);

#endif
