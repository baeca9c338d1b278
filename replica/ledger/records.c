/* The ledger as records and back. Keys: "lh" the head, "lc" client key, "lt" member, "lb" owner whole index, "la"
   member (accusations), "le" culprit kind (evidence), "ln" handler (notified), "ld" id (drills), "lf"
   member (drills that are no longer listed). Values are fixed big-endian: the state
   root is taken over them, so they are canonical by construction. */
#include "replica/ledger/internal.h"

#include <string.h>

static void give(const struct record_sink *sink, struct buffer *key, const struct buffer *value) {
    sink->record(sink->self, buffer_bytes(key), value ? buffer_bytes(value) : (struct bytes){0});
    buffer_clear(key);
}

static void flush_head(struct ledger *l, const struct record_sink *sink) {
    struct buffer key = {0}, value = {0};
    buffer_put(&key, "lh", 2);
    buffer_u64(&value, l->executed);
    buffer_u64(&value, (uint64_t)l->t);
    buffer_put(&value, l->log_hash.b, DIGEST_LEN);
    buffer_u64(&value, l->next_order);
    give(sink, &key, &value);
    l->head_dirty = false;
    buffer_free(&key);
    buffer_free(&value);
}

const struct public_key *seat_key(const struct ledger *l, uint32_t seat) {
    const struct cluster *c = l->genesis;
    if (seat < c->member_count)
        return &c->members[seat].key;
    seat -= c->member_count;
    return seat < c->operator_count ? &c->operators[seat].key : &c->observers[seat - c->operator_count].key;
}

static void flush_seats(struct ledger *l, const struct record_sink *sink) {
    struct buffer key = {0}, value = {0};
    for (uint32_t i = 0; i < l->seat_count; i++) {
        struct seat *s = &l->seats[i];
        if (!s->dirty)
            continue;
        buffer_put(&key, "lc", 2);
        buffer_put(&key, seat_key(l, i)->b, PUBLIC_KEY_LEN);
        buffer_clear(&value);
        buffer_u64(&value, s->top);
        for (unsigned w = 0; w < LEDGER_WINDOW / 64; w++)
            buffer_u64(&value, s->done[w]);
        buffer_u8(&value, s->convicted);
        buffer_u64(&value, (uint64_t)s->tokens);
        buffer_u64(&value, (uint64_t)s->filled_at);
        give(sink, &key, &value);
        s->dirty = false;
    }
    buffer_free(&key);
    buffer_free(&value);
}

static void flush_ticks(struct ledger *l, const struct record_sink *sink) {
    struct buffer key = {0}, value = {0};
    for (uint16_t i = 0; i < l->genesis->member_count; i++) {
        struct member_tick *m = &l->ticks[i];
        if (!m->dirty)
            continue;
        buffer_put(&key, "lt", 2);
        buffer_u16(&key, i);
        buffer_clear(&value);
        buffer_u64(&value, m->boot);
        buffer_u64(&value, m->counter);
        buffer_u64(&value, (uint64_t)m->wall);
        buffer_u64(&value, (uint64_t)m->at);
        buffer_u64(&value, m->view);
        buffer_u8(&value, m->voting);
        give(sink, &key, &value);
        m->dirty = false;
    }
    buffer_free(&key);
    buffer_free(&value);
}

static void flush_part(struct ledger *l, struct staged *s, uint32_t index, const struct record_sink *sink) {
    struct buffer key = {0}, value = {0};
    (void)l;
    buffer_put(&key, "lb", 2);
    buffer_u32(&key, s->owner);
    buffer_put(&key, s->whole.b, DIGEST_LEN);
    buffer_u32(&key, index);
    buffer_u64(&value, s->order);
    buffer_put(&value, s->parts[index].bytes.data, s->parts[index].bytes.len);
    give(sink, &key, &value);
    s->parts[index].dirty = false;
    buffer_free(&key);
    buffer_free(&value);
}

static void flush_staged(struct ledger *l, const struct record_sink *sink) {
    struct reader r = reader_of(buffer_bytes(&l->gone));
    for (size_t i = 0; i < l->gone_count; i++)
        sink->record(sink->self, read_block(&r, 64), (struct bytes){0});
    buffer_clear(&l->gone);
    l->gone_count = 0;
    for (uint32_t i = 0; i < l->staged_count; i++)
        for (uint32_t p = 0; p < l->staged[i].part_count; p++)
            if (l->staged[i].parts[p].dirty)
                flush_part(l, &l->staged[i], p, sink);
}

static void flush_allowances(struct ledger *l, const struct record_sink *sink) {
    struct buffer key = {0}, value = {0};
    for (uint16_t i = 0; i < l->genesis->member_count; i++) {
        struct allowance *a = &l->allowances[i];
        if (!a->dirty)
            continue;
        buffer_put(&key, "la", 2);
        buffer_u16(&key, i);
        buffer_clear(&value);
        buffer_u64(&value, a->since);
        buffer_u32(&value, a->used);
        buffer_u64(&value, a->shut_until);
        give(sink, &key, &value);
        a->dirty = false;
    }
    buffer_free(&key);
    buffer_free(&value);
}

static void put_proof(struct buffer *out, const struct evidence_record *p) {
    buffer_u64(out, p->count);
    buffer_u64(out, p->first_n);
    buffer_u64(out, p->last_n);
    buffer_u64(out, (uint64_t)p->first_t);
    buffer_u64(out, (uint64_t)p->last_t);
    buffer_u64(out, p->v);
    buffer_u64(out, p->n);
    buffer_u16(out, p->accuser);
    buffer_put(out, p->first_frames.b, DIGEST_LEN);
    buffer_put(out, p->frames.b, DIGEST_LEN);
    buffer_u64(out, p->drill);
}

static void flush_proofs(struct ledger *l, const struct record_sink *sink) {
    struct buffer key = {0}, value = {0};
    for (uint32_t i = 0; i < l->proof_count; i++) {
        struct proof_entry *e = &l->proofs[i];
        if (!e->dirty)
            continue;
        buffer_put(&key, "le", 2);
        buffer_put(&key, e->proof.culprit.b, PUBLIC_KEY_LEN);
        buffer_u8(&key, (uint8_t)e->proof.kind);
        buffer_u8(&key, e->proof.drill != 0);
        buffer_clear(&value);
        put_proof(&value, &e->proof);
        give(sink, &key, &value);
        e->dirty = false;
    }
    buffer_free(&key);
    buffer_free(&value);
}

void ledger_flush(struct ledger *l, const struct record_sink *sink) {
    flush_staged(l, sink);
    flush_seats(l, sink);
    if (l->head_dirty)
        flush_head(l, sink);
    flush_ticks(l, sink);
    flush_allowances(l, sink);
    flush_proofs(l, sink);
    notified_flush(l, sink);
    drills_flush(l, sink);
}

static enum error restore_head(struct ledger *l, struct reader *value) {
    l->executed = read_u64(value);
    l->t = (time_ms)read_u64(value);
    read_into(value, l->log_hash.b, DIGEST_LEN);
    l->next_order = read_u64(value);
    l->head_dirty = false;
    return ERR_OK;
}

static enum error restore_seat(struct ledger *l, struct reader *key, struct reader *value) {
    struct public_key pk;
    read_into(key, pk.b, PUBLIC_KEY_LEN);
    struct seat *s = key->bad ? NULL : ledger_seat(l, &pk);
    if (!s)
        return ERR_CORRUPT;
    s->top = read_u64(value);
    for (unsigned w = 0; w < LEDGER_WINDOW / 64; w++)
        s->done[w] = read_u64(value);
    s->convicted = read_u8(value) == 1;
    s->tokens = (int64_t)read_u64(value);
    s->filled_at = (time_ms)read_u64(value);
    return quota_sound(l, s) ? ERR_OK : ERR_CORRUPT;
}

static enum error restore_tick(struct ledger *l, struct reader *key, struct reader *value) {
    uint16_t i = read_u16(key);
    if (key->bad || i >= l->genesis->member_count)
        return ERR_CORRUPT;
    struct member_tick m = {.present = true};
    m.boot = read_u64(value);
    m.counter = read_u64(value);
    m.wall = (time_ms)read_u64(value);
    m.at = (time_ms)read_u64(value);
    m.view = read_u64(value);
    uint8_t voting = read_u8(value);
    m.voting = voting == 1;
    l->ticks[i] = m;
    return voting <= 1 ? ERR_OK : ERR_CORRUPT;
}

static enum error restore_allowance(struct ledger *l, struct reader *key, struct reader *value) {
    uint16_t i = read_u16(key);
    if (key->bad || i >= l->genesis->member_count)
        return ERR_CORRUPT;
    l->allowances[i].since = read_u64(value);
    l->allowances[i].used = read_u32(value);
    l->allowances[i].shut_until = read_u64(value);
    return ERR_OK;
}

static enum error restore_proof(struct ledger *l, struct reader *key, struct reader *value) {
    struct evidence_record p;
    read_into(key, p.culprit.b, PUBLIC_KEY_LEN);
    p.kind = (enum evidence_kind)read_u8(key);
    bool drilled = read_u8(key) != 0;
    if (key->bad || p.kind == 0 || p.kind >= EV_KIND_LIMIT || !ledger_seat(l, &p.culprit))
        return ERR_CORRUPT;
    p.count = read_u64(value);
    p.first_n = read_u64(value);
    p.last_n = read_u64(value);
    p.first_t = (time_ms)read_u64(value);
    p.last_t = (time_ms)read_u64(value);
    p.v = read_u64(value);
    p.n = read_u64(value);
    p.accuser = read_u16(value);
    read_into(value, p.first_frames.b, DIGEST_LEN);
    read_into(value, p.frames.b, DIGEST_LEN);
    p.drill = read_u64(value);
    if (drilled != (p.drill != 0))
        return ERR_CORRUPT;
    proof_entry_at(l, seat_index(l, &p.culprit), p.kind, drilled)->proof = p;
    return ERR_OK;
}

static enum error restore_part(struct ledger *l, struct reader *key, struct reader *value) {
    uint32_t owner = read_u32(key);
    struct digest whole;
    read_into(key, whole.b, DIGEST_LEN);
    uint32_t index = read_u32(key);
    uint64_t order = read_u64(value);
    if (key->bad || value->bad || owner >= l->seat_count || index >= LEDGER_BLOB_PARTS_MAX)
        return ERR_CORRUPT;
    struct staged *s = staged_find(l, owner, &whole);
    if (!s)
        s = staged_add(l, owner, &whole, order);
    struct staged_part *part = staged_part(s, index);
    struct bytes rest = read_bytes(value, (size_t)(value->end - value->at));
    buffer_put(&part->bytes, rest.data, rest.len);
    part->present = true;
    return ERR_OK;
}

enum error ledger_restore(struct ledger *l, struct bytes key, struct bytes value) {
    struct reader k = reader_of(key), v = reader_of(value);
    struct bytes kind = read_bytes(&k, 2);
    if (k.bad || kind.data[0] != 'l')
        return ERR_CORRUPT;
    enum error e = ERR_CORRUPT;
    switch (kind.data[1]) {
    case 'h':
        e = restore_head(l, &v);
        break;
    case 'c':
        e = restore_seat(l, &k, &v);
        break;
    case 't':
        e = restore_tick(l, &k, &v);
        break;
    case 'b':
        e = restore_part(l, &k, &v);
        break;
    case 'a':
        e = restore_allowance(l, &k, &v);
        break;
    case 'e':
        e = restore_proof(l, &k, &v);
        break;
    case 'n':
        e = notified_restore(l, &k, &v);
        break;
    case 'd':
        e = drills_restore(l, &k, &v);
        break;
    case 'f':
        e = drills_past_restore(l, &k, &v);
        break;
    }
    return e == ERR_OK && reader_done(&k) && reader_done(&v) ? ERR_OK : ERR_CORRUPT;
}

void ledger_check(const struct ledger *l) {
    for (uint32_t i = 0; i < l->seat_count; i++)
        IMPLIES(l->seats[i].top > 0, l->seats[i].done[0] & 1u);
    REQUIRE(l->t >= l->genesis->t0);
}
