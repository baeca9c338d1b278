/* How far notifiers came, so that of several one hands an alert over and another takes over when it does not. A handler
   of notify.yaml goes through the alerts in order, so one number says it all. Only keys that are trusted to notify may
   raise it: who says "done" of what nobody was told silences it. */
#include "replica/ledger/internal.h"

#include <string.h>

static uint32_t place_of(const struct ledger *l, const char *handler) {
    uint32_t at = 0;
    while (at < l->notified_count && strcmp(l->notified[at].record.handler, handler) < 0)
        at++;
    return at;
}

static void copy_name(char out[NOTIFY_NAME_MAX + 1], const char *name) {
    REQUIRE(notify_name_valid(name));
    memset(out, 0, NOTIFY_NAME_MAX + 1);
    for (size_t i = 0; name[i]; i++)
        out[i] = name[i];
}

static bool is_known(const struct ledger *l, const char *handler) {
    uint32_t at = place_of(l, handler);
    return at < l->notified_count && strcmp(l->notified[at].record.handler, handler) == 0;
}

struct notified_entry *notified_entry_at(struct ledger *l, const char *handler) {
    uint32_t at = place_of(l, handler);
    if (is_known(l, handler))
        return &l->notified[at];
    if (l->notified_count == LEDGER_NOTIFIED_MAX)
        return NULL;
    memmove(&l->notified[at + 1], &l->notified[at], (l->notified_count - at) * sizeof l->notified[0]);
    l->notified[at] = (struct notified_entry){.dirty = false};
    copy_name(l->notified[at].record.handler, handler);
    l->notified_count++;
    return &l->notified[at];
}

enum error ledger_notified(struct ledger *l, const struct op_notified *op, uint64_t highest) {
    if (op->last > highest)
        return ERR_OUT_OF_RANGE;
    if (op->first > 1 && !is_known(l, op->handler))
        return ERR_STALE; /* nobody accounts for those before it */
    struct notified_entry *e = notified_entry_at(l, op->handler);
    if (!e)
        return ERR_TOO_MANY;
    if (op->last <= e->record.upto)
        return ERR_DUPLICATE;
    if (op->first > e->record.upto + 1)
        return ERR_STALE;
    e->record.upto = op->last;
    e->record.at = l->t;
    copy_name(e->record.instance, op->instance);
    e->dirty = true;
    return ERR_OK;
}

const struct notified_record *ledger_notified_at(const struct ledger *l, uint32_t index) {
    return index < l->notified_count ? &l->notified[index].record : NULL;
}

/* ---- records: key "ln" handler, value upto | agreed time | instance ---- */

void notified_flush(struct ledger *l, const struct record_sink *sink) {
    struct buffer key = {0}, value = {0};
    for (uint32_t i = 0; i < l->notified_count; i++) {
        struct notified_entry *e = &l->notified[i];
        if (!e->dirty)
            continue;
        buffer_clear(&key);
        buffer_clear(&value);
        buffer_put(&key, "ln", 2);
        buffer_put(&key, e->record.handler, strlen(e->record.handler));
        buffer_u64(&value, e->record.upto);
        buffer_u64(&value, (uint64_t)e->record.at);
        buffer_put(&value, e->record.instance, strlen(e->record.instance));
        sink->record(sink->self, buffer_bytes(&key), buffer_bytes(&value));
        e->dirty = false;
    }
    buffer_free(&key);
    buffer_free(&value);
}

static bool read_name(char out[NOTIFY_NAME_MAX + 1], struct reader *r) {
    struct bytes rest = read_bytes(r, (size_t)(r->end - r->at));
    if (rest.len == 0 || rest.len > NOTIFY_NAME_MAX)
        return false;
    memset(out, 0, NOTIFY_NAME_MAX + 1);
    memcpy(out, rest.data, rest.len);
    return strlen(out) == rest.len && notify_name_valid(out);
}

enum error notified_restore(struct ledger *l, struct reader *key, struct reader *value) {
    struct notified_record record = {.upto = read_u64(value)};
    record.at = (time_ms)read_u64(value);
    if (value->bad || record.upto == 0 || !read_name(record.handler, key) || !read_name(record.instance, value))
        return ERR_CORRUPT;
    struct notified_entry *e = notified_entry_at(l, record.handler);
    if (!e)
        return ERR_CORRUPT;
    e->record = record;
    return ERR_OK;
}
