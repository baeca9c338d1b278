/* The machine's state as records: 'm' and the kind: 'a' the header, 'b' index a chunk of the canonical objects, 'h' 's'
   the state of a host or service, 't' 'u' an observer's vote on a host or service, 'w' number a note. Ids follow names,
   so walking the dirty bits in order hands the keys out in order. */
#include "checks/machine.h"

#include <stdlib.h>
#include <string.h>

/* ---- keys ---- */

static void key_start(struct buffer *out, char kind) {
    buffer_clear(out);
    buffer_u8(out, 'm');
    buffer_u8(out, (uint8_t)kind);
}

static void key_name(struct buffer *out, const char *name, bool last) {
    buffer_put(out, name, strlen(name) + (last ? 0 : 1));
}

static void key_header(struct buffer *out) {
    key_start(out, 'a');
}

void key_of_chunk(struct buffer *out, uint32_t index) {
    key_start(out, 'b');
    buffer_u32(out, index);
}

void key_of_object(struct buffer *out, const struct object *o) {
    key_start(out, o->is_host ? 'h' : 's');
    key_name(out, o->def->host, o->is_host);
    if (!o->is_host) {
        key_name(out, o->def->service, true);
    }
}

void key_of_vote(struct buffer *out, const struct object *o, uint32_t observer) {
    key_start(out, o->is_host ? 't' : 'u');
    key_name(out, o->def->host, false);
    if (!o->is_host) {
        key_name(out, o->def->service, false);
    }
    key_name(out, o->def->observers[observer], true);
}

void key_list_add(struct key_list *l, const struct buffer *key) {
    if (l->count == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 64;
        l->keys = xrealloc(l->keys, l->cap * sizeof *l->keys);
    }
    l->keys[l->count] = (struct buffer){0};
    buffer_put(&l->keys[l->count++], key->data, key->len);
}

void key_list_free(struct key_list *l) {
    for (size_t i = 0; i < l->count; i++) {
        buffer_free(&l->keys[i]);
    }
    free(l->keys);
    *l = (struct key_list){0};
}

/* ---- values ---- */

static void put_time(struct buffer *out, time_ms t) {
    buffer_u64(out, (uint64_t)t);
}

static void encode_header(struct buffer *out, const struct monitor *m) {
    buffer_u8(out, RECORD_VERSION);
    buffer_u64(out, m->n);
    put_time(out, m->t);
    buffer_u8(out, m->advanced);
    buffer_u64(out, m->alerts);
    buffer_u64(out, m->notes.last_id);
    buffer_u8(out, (uint8_t)m->off);
    buffer_u32(out, (uint32_t)m->convicted.count);
    for (size_t i = 0; i < m->convicted.count; i++) {
        buffer_text(out, m->convicted.names[i]);
    }
}

static void encode_object(struct buffer *out, const struct object *o) {
    buffer_u8(out, RECORD_VERSION);
    buffer_u8(out, (uint8_t)((o->undecided ? FLAG_UNDECIDED : 0) | (o->gap_moved ? FLAG_GAP_MOVED : 0) |
                             (o->hard ? FLAG_HARD : 0) | (o->no_more ? FLAG_NO_MORE : 0) |
                             (o->dissent_told ? FLAG_DISSENT_TOLD : 0) | (o->flapping ? FLAG_FLAPPING : 0) |
                             (o->waits_for_period ? FLAG_WAITS_FOR_PERIOD : 0)));
    buffer_u8(out, (uint8_t)o->kind);
    buffer_u8(out, o->verdict);
    buffer_u64(out, o->undecided_stamp);
    buffer_u64(out, o->attempt_stamp);
    put_time(out, o->attempt_at);
    put_time(out, o->first_deadline);
    put_time(out, o->applied_at);
    buffer_u8(out, (uint8_t)(o->source + 1));
    buffer_u8(out, o->state);
    buffer_u8(out, o->last_state);
    buffer_u8(out, o->last_hard_state);
    buffer_u32(out, o->attempt);
    put_time(out, o->since);
    put_time(out, o->hard_since);
    buffer_u32(out, o->number);
    buffer_u32(out, o->notified_on);
    put_time(out, o->next_notification);
    put_time(out, o->remind_at);
    put_time(out, o->dissent_since);
    put_time(out, o->dissent_due);
    buffer_put(out, o->history, FLAP_HISTORY);
    put_time(out, o->history_at);
    buffer_u64(out, o->history_stamp);
    buffer_u32(out, o->told_before_flapping);
    buffer_u8(out, o->switches);
    buffer_text(out, text_of(&o->output));
    buffer_text(out, text_of(&o->perfdata));
}

static void encode_standing(struct buffer *out, const struct standing *s) {
    buffer_u8(out, s != NULL);
    if (!s) {
        return;
    }
    buffer_u8(out, s->score);
    buffer_u8(out, s->masks);
    buffer_u8(out, s->told);
    buffer_u8(out, s->said);
    buffer_u8(out, s->truth);
    buffer_u32(out, s->rounds);
    buffer_u32(out, s->dissents);
    buffer_u32(out, s->probation);
    put_time(out, s->dissent_at);
    put_time(out, s->masked_at);
    buffer_text(out, text_of(&s->by));
}

static void encode_vote(struct buffer *out, const struct observer_vote *v) {
    buffer_u8(out, RECORD_VERSION);
    buffer_u8(out, v->state);
    buffer_u64(out, v->obs_seq);
    buffer_u64(out, v->stamp);
    put_time(out, v->accepted_at);
    put_time(out, v->observed_at);
    put_time(out, v->fresh_until);
    buffer_put(out, v->digest.b, DIGEST_LEN);
    buffer_text(out, text_of(&v->output));
    buffer_text(out, text_of(&v->perfdata));
    encode_standing(out, v->standing);
}

/* ---- out ---- */

struct flush {
    const struct record_sink *sink;
    struct key_list *gone;
    size_t gone_at;
    struct buffer key, value;
};

static int key_order(const void *a, const void *b) {
    return bytes_compare(buffer_bytes(a), buffer_bytes(b));
}

static void hand_out_gone(struct flush *f, const struct buffer *below) {
    for (; f->gone_at < f->gone->count; f->gone_at++) {
        int order = below ? key_order(&f->gone->keys[f->gone_at], below) : -1;
        if (order > 0) {
            return;
        }
        if (order < 0) {
            f->sink->record(f->sink->self, buffer_bytes(&f->gone->keys[f->gone_at]), (struct bytes){0});
        }
    }
}

/* The record in f->key and f->value; vanished keys before it go first, and it overrules its own. */
static void hand_out(struct flush *f) {
    hand_out_gone(f, &f->key);
    f->sink->record(f->sink->self, buffer_bytes(&f->key), buffer_bytes(&f->value));
    buffer_clear(&f->value);
}

/* The record of this key goes, if one was ever handed out. */
static void hand_out_removal(struct flush *f, struct observer_vote *v) {
    hand_out_gone(f, &f->key);
    if (v->stored) {
        f->sink->record(f->sink->self, buffer_bytes(&f->key), (struct bytes){0});
    }
    v->stored = false;
}

static void flush_header(struct monitor *m, struct flush *f) {
    if (m->header_dirty) {
        key_header(&f->key);
        encode_header(&f->value, m);
        hand_out(f);
        m->header_dirty = false;
    }
}

static uint32_t chunk_count(const struct monitor *m) {
    return (uint32_t)((m->bytes.len + CHUNK_LEN - 1) / CHUNK_LEN);
}

static void flush_chunks(struct monitor *m, struct flush *f) {
    for (uint32_t i = 0; m->bytes_dirty && i < chunk_count(m); i++) {
        size_t at = (size_t)i * CHUNK_LEN, left = m->bytes.len - at;
        key_of_chunk(&f->key, i);
        buffer_put(&f->value, m->bytes.data + at, left < CHUNK_LEN ? left : CHUNK_LEN);
        hand_out(f);
    }
    m->chunks_stored = chunk_count(m);
    m->bytes_dirty = false;
}

static void flush_object(struct monitor *m, struct flush *f, uint32_t id) {
    struct object *o = &m->table.list[id];
    key_of_object(&f->key, o);
    encode_object(&f->value, o);
    hand_out(f);
    o->stored = true;
}

static void flush_objects(struct monitor *m, struct flush *f) {
    uint64_t *dirty = m->table.object_dirty;
    for (uint32_t word = 0; word <= m->table.count / 64; word++) {
        for (; dirty[word]; dirty[word] &= dirty[word] - 1) {
            flush_object(m, f, word * 64 + (uint32_t)__builtin_ctzll(dirty[word]));
        }
    }
}

/* The object a vote belongs to: the last one that begins at or before it. */
static const struct object *owner_of(const struct table *t, uint32_t vote) {
    uint32_t low = 0, high = t->count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (t->list[middle].first_vote <= vote) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return &t->list[low];
}

static void flush_vote(struct monitor *m, struct flush *f, uint32_t at) {
    const struct object *o = owner_of(&m->table, at);
    struct observer_vote *v = &m->table.votes[at];
    key_of_vote(&f->key, o, at - o->first_vote);
    if (v->state == STATE_PENDING && !v->standing) { /* it never voted, and its mask is gone */
        hand_out_removal(f, v);
        return;
    }
    encode_vote(&f->value, v);
    hand_out(f);
    v->stored = true;
}

static void flush_votes(struct monitor *m, struct flush *f) {
    uint64_t *dirty = m->table.vote_dirty;
    for (uint32_t word = 0; word <= m->table.vote_count / 64; word++) {
        for (; dirty[word]; dirty[word] &= dirty[word] - 1) {
            flush_vote(m, f, word * 64 + (uint32_t)__builtin_ctzll(dirty[word]));
        }
    }
}

static void flush_notes(struct monitor *m, struct flush *f) {
    for (size_t i = 0; i < m->notes.used; i++) {
        struct note *n = m->notes.list[i];
        if (n && n->dirty) {
            key_of_note(&f->key, n);
            note_encode(&f->value, m, n);
            hand_out(f);
            n->dirty = false;
            n->stored = true;
        }
    }
}

static void bury_chunks(struct monitor *m) {
    struct buffer key = {0};
    for (uint32_t i = chunk_count(m); i < m->chunks_stored; i++) {
        key_of_chunk(&key, i);
        key_list_add(&m->gone, &key);
    }
    buffer_free(&key);
}

void monitor_flush(struct monitor *m, const struct record_sink *sink) {
    bury_chunks(m);
    if (m->gone.count > 1) {
        qsort(m->gone.keys, m->gone.count, sizeof *m->gone.keys, key_order);
    }
    struct flush f = {.sink = sink, .gone = &m->gone};
    flush_header(m, &f);
    flush_chunks(m, &f);
    if (m->table.objects) {
        flush_objects(m, &f);
        flush_votes(m, &f);
        flush_notes(m, &f);
    }
    hand_out_gone(&f, NULL);
    key_list_free(&m->gone);
    buffer_free(&f.key);
    buffer_free(&f.value);
}
