/* Notes as records: 'w' and the number; the object stands in the value by its names. */
#include "base/invariant.h"
#include "checks/machine.h"

#include <string.h>

enum { NOTE_FIXED = 1, NOTE_IN_EFFECT = 2, NOTE_PERSISTENT = 4, NOTE_FLAGS = 7 };

void key_of_note(struct buffer *out, const struct note *n) {
    buffer_clear(out);
    buffer_u8(out, 'm');
    buffer_u8(out, 'w');
    buffer_u64(out, n->id);
}

void note_encode(struct buffer *out, const struct monitor *m, const struct note *n) {
    const struct object_checkable *def = m->table.list[n->object].def;
    const time_ms times[] = {n->at, n->start, n->end, n->duration, n->ends};
    buffer_u8(out, RECORD_VERSION);
    buffer_u8(out, (uint8_t)n->kind);
    buffer_u8(out, (uint8_t)((n->fixed ? NOTE_FIXED : 0) | (n->in_effect ? NOTE_IN_EFFECT : 0) |
                             (n->persistent ? NOTE_PERSISTENT : 0)));
    buffer_text(out, def->host);
    buffer_text(out, def->service);
    buffer_text(out, n->author);
    buffer_text(out, n->by);
    buffer_text(out, n->comment);
    for (unsigned i = 0; i < sizeof times / sizeof times[0]; i++) {
        buffer_u64(out, (uint64_t)times[i]);
    }
    buffer_u64(out, n->trigger);
}

struct note_texts {
    char host[NAME_MAX_LEN + 1], service[NAME_MAX_LEN + 1];
    char author[AUTHOR_MAX_LEN + 1], by[OBSERVER_NAME_MAX + 1], comment[COMMENT_MAX_LEN + 1];
};

static void get_text(struct reader *r, char *out, size_t max) {
    struct bytes b = read_block(r, max);
    if (!r->bad && b.len > 0) {
        memcpy(out, b.data, b.len);
    }
}

static void get_texts(struct reader *r, struct note_texts *out) {
    memset(out, 0, sizeof *out);
    get_text(r, out->host, NAME_MAX_LEN);
    get_text(r, out->service, NAME_MAX_LEN);
    get_text(r, out->author, AUTHOR_MAX_LEN);
    get_text(r, out->by, OBSERVER_NAME_MAX);
    get_text(r, out->comment, COMMENT_MAX_LEN);
}

static void get_times(struct reader *r, struct note *n) {
    n->at = (time_ms)read_u64(r);
    n->start = (time_ms)read_u64(r);
    n->end = (time_ms)read_u64(r);
    n->duration = (time_ms)read_u64(r);
    n->ends = (time_ms)read_u64(r);
}

/* Keys come in their order, so numbers ascend. */
bool note_restore(struct monitor *m, struct bytes key, struct bytes value) {
    struct reader k = reader_of(bytes_of(key.data + 2, key.len - 2)), r = reader_of(value);
    struct note_texts texts;
    struct note_words words = {texts.author, texts.by, texts.comment};
    struct note n = {0};
    uint64_t id = read_u64(&k);
    uint8_t version = read_u8(&r), kind = read_u8(&r), flags = read_u8(&r);
    n.kind = (enum note_kind)kind;
    get_texts(&r, &texts);
    get_times(&r, &n);
    n.trigger = read_u64(&r);
    n.fixed = flags & NOTE_FIXED;
    n.in_effect = flags & NOTE_IN_EFFECT;
    n.persistent = flags & NOTE_PERSISTENT;
    int64_t object = r.bad ? OBJECT_NONE : table_find(&m->table, texts.host, texts.service);
    bool next = m->notes.used == 0 || m->notes.ids[m->notes.used - 1] < id;
    if (!next || !reader_done(&k) || !reader_done(&r) || version != RECORD_VERSION || kind < NOTE_COMMENT ||
        kind >= NOTE_KIND_LIMIT || flags > NOTE_FLAGS || object == OBJECT_NONE || id > m->notes.last_id || id == 0 ||
        n.trigger >= id || !notes_have_room(m, &m->table.list[object], 1)) {
        return false;
    }
    n.id = id;
    n.stored = true;
    note_insert(m, &m->table.list[object], &n, &words);
    return true;
}
