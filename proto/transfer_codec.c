/* ST_FETCH and ST_DATA bodies: big-endian, fixed in form, one encoding a meaning. Pages are the bulk of a state
   transfer, so they are borrowed where they lie and never copied here. */
#include "base/invariant.h"
#include "proto/pb_codec.h"

enum { NODE_LEN = ST_LEAVES * DIGEST_LEN, CERT_MAX = 4096 };

/* Ascending, below limit; NULL when refused. */
static const uint16_t *take_indices(struct taker *t, struct reader *r, unsigned count, unsigned limit) {
    uint16_t *out = take_list(t, count, 1, ST_PAGES_MAX, sizeof *out);
    for (unsigned i = 0; out && i < count; i++) {
        out[i] = read_u16(r);
        if (out[i] >= limit) {
            take_refuse(t, ERR_OUT_OF_RANGE);
        }
        if (i > 0 && out[i] <= out[i - 1]) {
            take_refuse(t, ERR_NOT_CANONICAL);
        }
    }
    return out;
}

static void take_end(struct taker *t, const struct reader *r) {
    if (!reader_done(r)) {
        take_refuse(t, ERR_MALFORMED);
    }
}

void encode_st_fetch(struct buffer *out, const struct msg_st_fetch *m) {
    REQUIRE(m->count <= (m->kind == ST_NODE ? ST_NODES_MAX : ST_PAGES_MAX));
    buffer_u8(out, (uint8_t)m->kind);
    buffer_u64(out, m->n);
    buffer_u64(out, m->nonce);
    buffer_u32(out, m->offset);
    buffer_u16(out, (uint16_t)m->count);
    for (unsigned i = 0; i < m->count; i++) {
        buffer_u16(out, m->indices[i]);
    }
}

void decode_st_fetch(struct taker *t, struct msg_st_fetch *out, struct bytes body) {
    struct reader r = reader_of(body);
    out->kind = (enum st_kind)take_range(t, read_u8(&r), ST_META, ST_PAGES);
    out->n = take_number(t, read_u64(&r), 1);
    out->nonce = read_u64(&r);
    out->offset = (uint32_t)take_range(t, read_u32(&r), 0, ST_PAGE_MAX);
    unsigned count = read_u16(&r);
    if (out->kind == ST_META) {
        take_range(t, count, 0, 0);
    } else if (count > (out->kind == ST_NODE ? ST_NODES_MAX : ST_PAGES_MAX)) {
        take_refuse(t, ERR_TOO_MANY);
    } else {
        out->indices = take_indices(t, &r, count, out->kind == ST_NODE ? ST_LEAVES : ST_LEAVES * ST_LEAVES);
        out->count = count;
    }
    if (out->offset > 0 && (out->kind != ST_PAGES || count != 1)) {
        take_refuse(t, ERR_NOT_CANONICAL);
    }
    take_end(t, &r);
}

/* ---- ST_DATA ---- */

static void encode_meta(struct buffer *out, const struct msg_st_data *m) {
    struct buffer cert = {0};
    codec_encode_checkpoint_cert(&cert, &m->cert);
    buffer_put(out, m->mids, NODE_LEN);
    buffer_block(out, buffer_bytes(&cert));
    buffer_free(&cert);
}

void encode_st_data(struct buffer *out, const struct msg_st_data *m) {
    buffer_u8(out, (uint8_t)m->kind);
    buffer_u64(out, m->n);
    buffer_u8(out, m->to);
    buffer_u64(out, m->nonce);
    if (m->kind == ST_META) {
        encode_meta(out, m);
    }
    if (m->kind == ST_NODE || m->kind == ST_PAGES) {
        buffer_u16(out, (uint16_t)m->count);
    }
    for (unsigned i = 0; m->kind == ST_NODE && i < m->count; i++) {
        buffer_u16(out, m->nodes[i].mid);
        buffer_put(out, m->nodes[i].leaves, NODE_LEN);
    }
    for (unsigned i = 0; m->kind == ST_PAGES && i < m->count; i++) {
        buffer_u16(out, m->pages[i].bucket);
        buffer_u32(out, m->pages[i].total);
        buffer_u32(out, m->pages[i].offset);
        buffer_block(out, m->pages[i].part);
    }
}

/* Digests are bytes and nothing but bytes: they may be borrowed from anywhere. */
static const struct digest *take_digests(struct reader *r) {
    return (const struct digest *)(const void *)read_bytes(r, NODE_LEN).data;
}

static void decode_meta(struct taker *t, struct msg_st_data *out, struct reader *r) {
    out->mids = take_digests(r);
    struct bytes cert = read_block(r, CERT_MAX);
    if (r->bad) {
        take_refuse(t, ERR_MALFORMED);
        return;
    }
    take_refuse(t, codec_decode_checkpoint_cert(&out->cert, cert));
    if (out->cert.statement.n != out->n) {
        take_refuse(t, ERR_MALFORMED);
    }
}

static void decode_nodes(struct taker *t, struct msg_st_data *out, struct reader *r) {
    unsigned count = read_u16(r);
    struct st_node *nodes = take_list(t, count, 1, ST_NODES_MAX, sizeof *nodes);
    for (unsigned i = 0; nodes && i < count; i++) {
        nodes[i].mid = (uint16_t)take_range(t, read_u16(r), 0, ST_LEAVES - 1);
        nodes[i].leaves = take_digests(r);
        if (i > 0 && nodes[i].mid <= nodes[i - 1].mid) {
            take_refuse(t, ERR_NOT_CANONICAL);
        }
    }
    out->nodes = nodes;
    out->count = nodes ? count : 0;
}

/* A part lies within its page, and only one that has all of its page may be empty: pages have records. */
static void check_part(struct taker *t, const struct st_page *p) {
    if (p->total == 0 || p->total > ST_PAGE_MAX || p->part.len == 0 || p->offset > p->total ||
        p->part.len > p->total - p->offset) {
        take_refuse(t, ERR_OUT_OF_RANGE);
    }
}

static void decode_pages(struct taker *t, struct msg_st_data *out, struct reader *r) {
    unsigned count = read_u16(r);
    struct st_page *pages = take_list(t, count, 1, ST_PAGES_MAX, sizeof *pages);
    for (unsigned i = 0; pages && i < count; i++) {
        pages[i].bucket = read_u16(r);
        pages[i].total = read_u32(r);
        pages[i].offset = read_u32(r);
        pages[i].part = read_block(r, ST_PART_MAX);
        check_part(t, &pages[i]);
        if (i > 0 && pages[i].bucket <= pages[i - 1].bucket) {
            take_refuse(t, ERR_NOT_CANONICAL);
        }
    }
    out->pages = pages;
    out->count = pages ? count : 0;
}

void decode_st_data(struct taker *t, struct msg_st_data *out, struct bytes body) {
    struct reader r = reader_of(body);
    out->kind = (enum st_kind)take_range(t, read_u8(&r), ST_META, ST_REFUSED);
    out->n = take_number(t, read_u64(&r), out->kind == ST_REFUSED ? 0 : 1);
    out->to = (member_id)take_range(t, read_u8(&r), 0, MEMBERS_MAX - 1);
    out->nonce = read_u64(&r);
    if (r.bad) {
        take_refuse(t, ERR_MALFORMED);
        return;
    }
    switch (out->kind) {
    case ST_META:
        decode_meta(t, out, &r);
        break;
    case ST_NODE:
        decode_nodes(t, out, &r);
        break;
    case ST_PAGES:
        decode_pages(t, out, &r);
        break;
    case ST_REFUSED:
        break;
    }
    take_end(t, &r);
}

/* ---- pages ---- */

void st_page_put(struct buffer *page, struct bytes key, struct bytes value) {
    buffer_block(page, key);
    buffer_block(page, value);
}

bool st_page_take(struct reader *page, struct bytes *key, struct bytes *value) {
    *key = read_block(page, SIZE_MAX);
    *value = read_block(page, SIZE_MAX);
    return !page->bad && key->len > 0;
}
