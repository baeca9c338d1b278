/* Keys, mark and pages of the state on disk. */
#include "replica/state.h"

#include "base/invariant.h"
#include "proto/msg.h"

static const struct bytes MARK_KEY = {(const uint8_t *)"state", 5};
enum { KEY_PREFIX = 3 };

/* ---- the mark ---- */

enum error state_mark_read(struct state_mark *out, const struct disk *disk) {
    struct buffer stored = {0};
    *out = (struct state_mark){0};
    enum error e = disk->get(disk->self, DISK_META, MARK_KEY, &stored);
    if (e == ERR_OK) {
        struct reader r = reader_of(buffer_bytes(&stored));
        out->generation = read_u8(&r);
        out->damaged = read_u8(&r);
        out->n = read_u64(&r);
        out->t = (time_ms)read_u64(&r);
        read_into(&r, out->root.b, DIGEST_LEN);
        read_into(&r, out->log_hash.b, DIGEST_LEN);
        e = reader_done(&r) ? ERR_OK : ERR_CORRUPT;
    }
    buffer_free(&stored);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

void state_mark_write(struct disk_batch *batch, const struct state_mark *mark) {
    struct buffer value = {0};
    buffer_u8(&value, mark->generation);
    buffer_u8(&value, mark->damaged);
    buffer_u64(&value, mark->n);
    buffer_u64(&value, (uint64_t)mark->t);
    buffer_put(&value, mark->root.b, DIGEST_LEN);
    buffer_put(&value, mark->log_hash.b, DIGEST_LEN);
    disk_batch_put(batch, DISK_META, MARK_KEY, buffer_bytes(&value));
    buffer_free(&value);
}

/* ---- records ---- */

static void put_prefix(struct buffer *out, uint8_t generation, uint16_t bucket) {
    buffer_u8(out, generation);
    buffer_u16(out, bucket);
}

void state_write(struct disk_batch *batch, uint8_t generation, struct bytes key, struct bytes value) {
    struct buffer full = {0};
    put_prefix(&full, generation, state_bucket_of(key));
    buffer_put(&full, key.data, key.len);
    if (value.data)
        disk_batch_put(batch, DISK_STATE, buffer_bytes(&full), value);
    else
        disk_batch_delete(batch, DISK_STATE, buffer_bytes(&full));
    buffer_free(&full);
}

/* Above every key of the generation: record keys begin with a letter. */
static struct bytes generation_end(uint8_t end[4], uint8_t generation) {
    end[0] = generation;
    end[1] = end[2] = end[3] = 0xff;
    return bytes_of(end, 4);
}

void state_drop(struct disk_batch *batch, uint8_t generation) {
    uint8_t end[4];
    disk_batch_delete_range(batch, DISK_STATE, bytes_of(&generation, 1), generation_end(end, generation));
}

void state_drop_others(struct disk_batch *batch, uint8_t generation) {
    static const uint8_t lowest[1] = {0};
    uint8_t end[4], last[4];
    struct bytes after = generation_end(end, generation), top = generation_end(last, UINT8_MAX);
    disk_batch_delete_range(batch, DISK_STATE, bytes_of(lowest, 1), bytes_of(&generation, 1));
    disk_batch_delete_range(batch, DISK_STATE, after, top);
}

struct loading {
    struct machine *machine;
    struct state_tree *tree;
    enum error e;
};

static bool load_record(void *context, struct bytes full, struct bytes value) {
    struct loading *l = context;
    struct bytes key = bytes_of(full.data + KEY_PREFIX, full.len < KEY_PREFIX ? 0 : full.len - KEY_PREFIX);
    if (key.len == 0) {
        l->e = ERR_CORRUPT;
        return false;
    }
    state_tree_put(l->tree, key, value);
    l->e = key.data[0] == 'l' ? ledger_restore(l->machine->ledger, key, value)
                              : monitor_restore(l->machine->monitor, key, value);
    return l->e == ERR_OK;
}

enum error state_load(const struct disk *disk, uint8_t generation, struct machine *machine, struct state_tree *tree) {
    struct loading l = {machine, tree, ERR_OK};
    uint8_t end[4];
    enum error e =
        disk->scan(disk->self, DISK_STATE, bytes_of(&generation, 1), generation_end(end, generation), load_record, &l);
    if (e == ERR_OK)
        e = l.e;
    return e == ERR_OK ? monitor_restored(machine->monitor) : e;
}

/* ---- pages ---- */

struct paging {
    struct buffer *page;
    struct state_leaf leaf;
};

static bool page_record(void *context, struct bytes full, struct bytes value) {
    struct paging *p = context;
    struct bytes key = bytes_of(full.data + KEY_PREFIX, full.len - KEY_PREFIX);
    st_page_put(p->page, key, value);
    state_leaf_add(&p->leaf, key, value);
    return true;
}

enum error state_page(const struct disk *disk, void *snapshot, uint8_t generation, uint16_t bucket, struct buffer *page,
                      struct digest *leaf) {
    struct paging p = {page, {0}};
    struct buffer from = {0}, below = {0};
    put_prefix(&from, generation, bucket);
    put_prefix(&below, generation, bucket);
    buffer_u8(&below, UINT8_MAX);
    struct bytes low = buffer_bytes(&from), high = buffer_bytes(&below);
    enum error e = snapshot ? disk->scan_at(disk->self, snapshot, low, high, page_record, &p)
                            : disk->scan(disk->self, DISK_STATE, low, high, page_record, &p);
    struct digest d = state_leaf_end(&p.leaf);
    if (leaf)
        *leaf = d;
    buffer_free(&from);
    buffer_free(&below);
    return e;
}

/* Before any of it is hashed. */
static enum error check_page(struct bytes page) {
    struct reader r = reader_of(page);
    struct bytes before = {0}, key, value;
    for (unsigned count = 1; r.at < r.end; count++) {
        if (!st_page_take(&r, &key, &value))
            return ERR_MALFORMED;
        if (count > STATE_PAGE_RECORDS_MAX)
            return ERR_TOO_MANY;
        if (before.len && bytes_compare(before, key) >= 0)
            return ERR_NOT_CANONICAL;
        before = key;
    }
    return ERR_OK;
}

enum error state_page_leaf(struct bytes page, struct digest *leaf) {
    struct reader r = reader_of(page);
    struct state_leaf l = {0};
    struct bytes key, value;
    enum error e = check_page(page);
    while (e == ERR_OK && r.at < r.end && st_page_take(&r, &key, &value))
        state_leaf_add(&l, key, value);
    *leaf = state_leaf_end(&l);
    return e;
}

void state_page_write(struct disk_batch *batch, uint8_t generation, struct bytes page) {
    struct reader r = reader_of(page);
    struct bytes key, value;
    while (r.at < r.end && st_page_take(&r, &key, &value))
        state_write(batch, generation, key, value);
    ENSURE(reader_done(&r));
}
