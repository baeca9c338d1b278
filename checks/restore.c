/* Records back into a new machine. They come in any order, so they are held until all are there; then the objects are
   rebuilt first and every state and vote finds its place by name. Bytes that don't fit are ERR_CORRUPT. */
#include "base/invariant.h"
#include "checks/machine.h"

#include <stdlib.h>
#include <string.h>

void snapshot_drop_held(struct monitor *m) {
    for (size_t i = 0; i < m->held_count; i++) {
        buffer_free(&m->held[i].key);
        buffer_free(&m->held[i].value);
    }
    free(m->held);
    m->held = NULL;
    m->held_count = m->held_cap = 0;
}

enum error monitor_restore(struct monitor *m, struct bytes key, struct bytes value) {
    REQUIRE(!m->advanced && !m->table.objects);
    if (key.len < 2 || key.data[0] != 'm' || !strchr("abhstuw", key.data[1])) {
        return ERR_CORRUPT;
    }
    if (m->held_count == m->held_cap) {
        m->held_cap = m->held_cap ? m->held_cap * 2 : 256;
        m->held = xrealloc(m->held, m->held_cap * sizeof *m->held);
    }
    struct held_record *r = &m->held[m->held_count++];
    *r = (struct held_record){{0}, {0}};
    buffer_put(&r->key, key.data, key.len);
    buffer_put(&r->value, value.data, value.len);
    return ERR_OK;
}

static int held_order(const void *a, const void *b) {
    return bytes_compare(buffer_bytes(&((const struct held_record *)a)->key),
                         buffer_bytes(&((const struct held_record *)b)->key));
}

/* ---- values ---- */

static time_ms get_time(struct reader *r) {
    return (time_ms)read_u64(r);
}

static void get_text(struct reader *r, struct text *out) {
    struct bytes b = read_block(r, OUTPUT_MAX_LEN);
    if (!r->bad && b.len > 0) {
        text_set_bytes(out, b);
    }
}

static bool get_name(struct reader *r, struct name_list *out) {
    struct bytes b = read_block(r, NAME_MAX_LEN);
    char name[NAME_MAX_LEN + 1];
    if (r->bad || b.len == 0) {
        return false;
    }
    memcpy(name, b.data, b.len);
    name[b.len] = 0;
    return name_list_add(out, name);
}

static bool decode_header(struct monitor *m, struct bytes value) {
    struct reader r = reader_of(value);
    if (read_u8(&r) != RECORD_VERSION) {
        return false;
    }
    m->n = read_u64(&r);
    m->t = get_time(&r);
    m->advanced = read_u8(&r) != 0;
    m->alerts = read_u64(&r);
    m->notes.last_id = read_u64(&r);
    m->off = read_u8(&r);
    uint32_t count = read_u32(&r);
    for (uint32_t i = 0; i < count; i++) {
        if (!get_name(&r, &m->convicted)) {
            return false;
        }
    }
    return reader_done(&r);
}

static void set_flags(struct object *o, uint8_t flags) {
    o->undecided = flags & FLAG_UNDECIDED;
    o->gap_moved = flags & FLAG_GAP_MOVED;
    o->hard = flags & FLAG_HARD;
    o->no_more = flags & FLAG_NO_MORE;
    o->dissent_told = flags & FLAG_DISSENT_TOLD;
    o->flapping = flags & FLAG_FLAPPING;
    o->waits_for_period = flags & FLAG_WAITS_FOR_PERIOD;
}

static bool history_is_sound(const struct object *o, uint8_t worst) {
    bool sound = true;
    for (unsigned i = 0; i < FLAP_HISTORY; i++) {
        sound = sound && o->history[i] <= worst;
    }
    return sound;
}

static bool decode_object(struct object *o, struct bytes value) {
    struct reader r = reader_of(value);
    uint8_t version = read_u8(&r), flags = read_u8(&r), kind = read_u8(&r);
    set_flags(o, flags);
    o->kind = (enum verdict_kind)kind;
    o->verdict = read_u8(&r);
    o->undecided_stamp = read_u64(&r);
    o->attempt_stamp = read_u64(&r);
    o->attempt_at = get_time(&r);
    o->first_deadline = get_time(&r);
    o->applied_at = get_time(&r);
    o->source = (int32_t)read_u8(&r) - 1;
    o->state = read_u8(&r);
    o->last_state = read_u8(&r);
    o->last_hard_state = read_u8(&r);
    o->attempt = read_u32(&r);
    o->since = get_time(&r);
    o->hard_since = get_time(&r);
    o->number = read_u32(&r);
    o->notified_on = read_u32(&r);
    o->next_notification = get_time(&r);
    o->remind_at = get_time(&r);
    o->dissent_since = get_time(&r);
    o->dissent_due = get_time(&r);
    read_into(&r, o->history, FLAP_HISTORY);
    o->history_at = get_time(&r);
    o->history_stamp = read_u64(&r);
    o->told_before_flapping = read_u32(&r);
    o->switches = read_u8(&r);
    get_text(&r, &o->output);
    get_text(&r, &o->perfdata);
    o->stored = true;
    uint8_t worst = o->is_host ? HOST_UNREACHABLE : STATE_UNKNOWN;
    return reader_done(&r) && version == RECORD_VERSION && flags <= FLAGS_ALL && kind <= VERDICT_SILENT &&
           history_is_sound(o, worst) && (o->state <= worst || o->state == STATE_PENDING) &&
           o->verdict <= STATE_PENDING && o->attempt >= 1 && o->attempt <= o->def->max_check_attempts &&
           o->source < (int32_t)o->def->observer_count;
}

static bool decode_standing(struct observer_vote *v, struct reader *r) {
    uint8_t has = read_u8(r);
    if (has != 1) {
        return has == 0;
    }
    struct standing *s = standing_of(v);
    s->score = read_u8(r);
    s->masks = read_u8(r);
    uint8_t told = read_u8(r);
    s->told = told;
    s->said = read_u8(r);
    s->truth = read_u8(r);
    s->rounds = read_u32(r);
    s->dissents = read_u32(r);
    s->probation = read_u32(r);
    s->dissent_at = get_time(r);
    s->masked_at = get_time(r);
    struct bytes by = read_block(r, NAME_MAX_LEN);
    if (!r->bad && by.len > 0) {
        text_set_bytes(&s->by, by);
    }
    return told <= 1; /* mask_is_sound sees the rest, with all votes there */
}

/* Who never voted has a record only of the mask that an operator put on it. */
static bool vote_is_sound(const struct object *o, const struct observer_vote *v) {
    if (v->state == STATE_PENDING) {
        return vote_masked(v) && v->stamp == 0 && v->accepted_at == 0;
    }
    return v->state <= (o->is_host ? HOST_DOWN : STATE_UNKNOWN);
}

static bool decode_vote(struct object *o, struct observer_vote *v, struct bytes value) {
    struct reader r = reader_of(value);
    uint8_t version = read_u8(&r);
    v->state = read_u8(&r);
    v->obs_seq = read_u64(&r);
    v->stamp = read_u64(&r);
    v->accepted_at = get_time(&r);
    v->observed_at = get_time(&r);
    v->fresh_until = get_time(&r);
    read_into(&r, v->digest.b, DIGEST_LEN);
    get_text(&r, &v->output);
    get_text(&r, &v->perfdata);
    bool standing = decode_standing(v, &r);
    v->stored = true;
    o->stamp = v->stamp > o->stamp ? v->stamp : o->stamp;
    return reader_done(&r) && version == RECORD_VERSION && standing && vote_is_sound(o, v);
}

/* ---- finding the place ---- */

struct names {
    const char *host, *service, *observer;
};

/* Takes a key apart in place: its names are separated by NUL, and the buffer gets one behind the last. */
static bool split_key(struct buffer *key, unsigned parts, const char *out[3]) {
    const char *at = buffer_cstr(key) + 2, *end = (const char *)key->data + key->len;
    for (unsigned i = 0; i < parts; i++) {
        if (at > end) {
            return false;
        }
        out[i] = at;
        at += strlen(at) + 1;
    }
    return at == end + 1;
}

static bool restore_state(struct monitor *m, struct held_record *r, bool is_host) {
    const char *names[3] = {"", "", ""};
    if (!split_key(&r->key, is_host ? 1 : 2, names)) {
        return false;
    }
    int64_t id = table_find(&m->table, names[0], is_host ? "" : names[1]);
    return id != OBJECT_NONE && m->table.list[id].is_host == is_host && !m->table.list[id].stored &&
           decode_object(&m->table.list[id], buffer_bytes(&r->value));
}

static bool restore_vote(struct monitor *m, struct held_record *r, bool is_host) {
    const char *names[3] = {"", "", ""};
    if (!split_key(&r->key, is_host ? 2 : 3, names)) {
        return false;
    }
    int64_t id = table_find(&m->table, names[0], is_host ? "" : names[1]);
    if (id == OBJECT_NONE || m->table.list[id].is_host != is_host) {
        return false;
    }
    struct object *o = &m->table.list[id];
    int observer = object_observer(o, names[is_host ? 1 : 2]);
    if (observer < 0 || object_votes(&m->table, o)[observer].stored) {
        return false;
    }
    return decode_vote(o, &object_votes(&m->table, o)[observer], buffer_bytes(&r->value));
}

/* Sorted, so chunk follows chunk. */
static bool restore_chunk(struct monitor *m, const struct held_record *r) {
    struct buffer expected = {0};
    key_of_chunk(&expected, m->chunks_stored++);
    bool good = bytes_equal(buffer_bytes(&expected), buffer_bytes(&r->key));
    buffer_put(&m->bytes, r->value.data, r->value.len);
    buffer_free(&expected);
    return good;
}

static bool rebuild_objects(struct monitor *m) {
    struct objects *objects = NULL;
    struct buffer why = {0};
    bool good = objects_decode(&objects, buffer_bytes(&m->bytes), &why) == ERR_OK;
    buffer_free(&why);
    if (good) {
        table_build(&m->table, objects);
        m->digest = crypto_digest(DIGEST_OBJECTS, buffer_bytes(&m->bytes));
    }
    return good;
}

static bool restore_record(struct monitor *m, struct held_record *r) {
    switch (r->key.data[1]) {
    case 'a':
        return r->key.len == 2 && decode_header(m, buffer_bytes(&r->value));
    case 'b':
        return restore_chunk(m, r);
    default:
        if (!m->table.objects && !rebuild_objects(m)) {
            return false;
        }
    }
    if (r->key.data[1] == 'w') {
        return note_restore(m, buffer_bytes(&r->key), buffer_bytes(&r->value));
    }
    bool is_host = r->key.data[1] == 'h' || r->key.data[1] == 't';
    bool is_vote = r->key.data[1] == 't' || r->key.data[1] == 'u';
    return is_vote ? restore_vote(m, r, is_host) : restore_state(m, r, is_host);
}

static bool object_is_whole(const struct monitor *m, struct object *o) {
    o->stamp = o->attempt_stamp > o->stamp ? o->attempt_stamp : o->stamp;
    o->stamp = o->undecided_stamp > o->stamp ? o->undecided_stamp : o->stamp;
    o->stamp = o->history_stamp > o->stamp ? o->history_stamp : o->stamp;
    bool source = o->source == SOURCE_NONE || object_votes(&m->table, o)[o->source].state != STATE_PENDING;
    return o->stored && source;
}

enum error monitor_restored(struct monitor *m) {
    bool good = true;
    if (m->held_count > 1) {
        qsort(m->held, m->held_count, sizeof *m->held, held_order);
    }
    for (size_t i = 0; i < m->held_count && good; i++) {
        good = restore_record(m, &m->held[i]);
    }
    snapshot_drop_held(m);
    if (good && m->bytes.len > 0 && !m->table.objects) {
        good = rebuild_objects(m);
    }
    for (uint32_t i = 0; i < m->table.count && good; i++) {
        good = object_is_whole(m, &m->table.list[i]);
    }
    convict_mark(m);
    for (uint32_t i = 0; i < m->table.count && good; i++) {
        good = mask_is_sound(&m->table, &m->table.list[i]);
    }
    if (!good) {
        return ERR_CORRUPT;
    }
    notes_link_triggers(m);
    freshness_rebuild(m, m->t);
    return ERR_OK;
}
