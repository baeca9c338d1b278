/* Families are sorted arrays. Each unsynced batch keeps what it replaced, so that a crash can undo it. */
#include "tests/sim/sim_disk.h"

#include "base/invariant.h"

#include <stdlib.h>
#include <string.h>

struct entry {
    uint8_t *key, *value;
    size_t key_len, value_len;
};
struct family {
    struct entry *list;
    size_t count, cap;
};
struct undo {
    enum disk_family f;
    uint8_t *key, *value;
    size_t key_len, value_len;
    bool existed;
    unsigned batch;
};

struct sim_disk {
    struct family families[DISK_FAMILY_LIMIT];
    struct undo *undo;
    size_t undo_count, undo_cap;
    unsigned batches; /* unsynced */
    bool doomed;
};

static uint8_t *copy(struct bytes b) {
    uint8_t *p = xcalloc(1, b.len + 1);
    if (b.len)
        memcpy(p, b.data, b.len);
    return p;
}

/* First index whose key is not below. */
static size_t place_of(const struct family *f, struct bytes key) {
    size_t low = 0, high = f->count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        const struct entry *e = &f->list[mid];
        if (bytes_compare(bytes_of(e->key, e->key_len), key) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static struct entry *find(struct family *f, struct bytes key) {
    size_t i = place_of(f, key);
    if (i == f->count || !bytes_equal(bytes_of(f->list[i].key, f->list[i].key_len), key))
        return NULL;
    return &f->list[i];
}

static void erase(struct family *f, struct bytes key) {
    struct entry *e = find(f, key);
    if (!e)
        return;
    free(e->key);
    free(e->value);
    size_t i = (size_t)(e - f->list);
    memmove(e, e + 1, (f->count - i - 1) * sizeof *e);
    f->count--;
}

static void write_entry(struct family *f, struct bytes key, struct bytes value) {
    struct entry *e = find(f, key);
    if (e) {
        free(e->value);
    } else {
        size_t i = place_of(f, key);
        if (f->count == f->cap) {
            f->cap = f->cap ? 2 * f->cap : 64;
            f->list = xrealloc(f->list, f->cap * sizeof *f->list);
        }
        e = &f->list[i];
        memmove(e + 1, e, (f->count - i) * sizeof *e);
        f->count++;
        e->key = copy(key);
        e->key_len = key.len;
    }
    e->value = copy(value);
    e->value_len = value.len;
}

static void remember(struct sim_disk *d, enum disk_family f, struct bytes key) {
    if (d->undo_count == d->undo_cap) {
        d->undo_cap = d->undo_cap ? 2 * d->undo_cap : 64;
        d->undo = xrealloc(d->undo, d->undo_cap * sizeof *d->undo);
    }
    struct entry *e = find(&d->families[f], key);
    struct undo *u = &d->undo[d->undo_count++];
    *u = (struct undo){.f = f, .key = copy(key), .key_len = key.len, .existed = e != NULL, .batch = d->batches};
    if (e) {
        u->value = copy(bytes_of(e->value, e->value_len));
        u->value_len = e->value_len;
    }
}

static void erase_range(struct sim_disk *d, enum disk_family f, struct bytes from, struct bytes below) {
    struct family *family = &d->families[f];
    for (size_t i = place_of(family, from); i < family->count;) {
        struct bytes key = bytes_of(family->list[i].key, family->list[i].key_len);
        if (bytes_compare(key, below) >= 0)
            break;
        remember(d, f, key);
        erase(family, bytes_of(d->undo[d->undo_count - 1].key, key.len));
    }
}

static void forget_undo(struct sim_disk *d) {
    for (size_t i = 0; i < d->undo_count; i++) {
        free(d->undo[i].key);
        free(d->undo[i].value);
    }
    d->undo_count = 0;
    d->batches = 0;
}

static enum error door_commit(void *self, const struct disk_batch *b, bool sync) {
    struct sim_disk *d = self;
    if (d->doomed && sync)
        return ERR_IO;
    d->batches++;
    for (size_t i = 0; i < b->count; i++) {
        const struct disk_write *w = &b->writes[i];
        struct bytes key = disk_batch_key(b, w), value = disk_batch_value(b, w);
        if (w->op == DISK_DELETE_RANGE) {
            erase_range(d, w->family, key, value);
            continue;
        }
        remember(d, w->family, key);
        if (w->op == DISK_PUT)
            write_entry(&d->families[w->family], key, value);
        else
            erase(&d->families[w->family], key);
    }
    if (sync)
        forget_undo(d);
    return ERR_OK;
}

static enum error door_get(void *self, enum disk_family f, struct bytes key, struct buffer *out) {
    struct sim_disk *d = self;
    struct entry *e = find(&d->families[f], key);
    if (!e)
        return ERR_NOT_FOUND;
    buffer_clear(out);
    buffer_put(out, e->value, e->value_len);
    return ERR_OK;
}

static enum error family_scan(const struct family *family, struct bytes from, struct bytes below,
                              bool (*visit)(void *context, struct bytes key, struct bytes value), void *context) {
    for (size_t i = place_of(family, from); i < family->count; i++) {
        const struct entry *e = &family->list[i];
        if (below.len && bytes_compare(bytes_of(e->key, e->key_len), below) >= 0)
            break;
        if (!visit(context, bytes_of(e->key, e->key_len), bytes_of(e->value, e->value_len)))
            break;
    }
    return ERR_OK;
}

static enum error door_scan(void *self, enum disk_family f, struct bytes from, struct bytes below,
                            bool (*visit)(void *context, struct bytes key, struct bytes value), void *context) {
    return family_scan(&((struct sim_disk *)self)->families[f], from, below, visit, context);
}

static void family_free(struct family *f) {
    for (size_t i = 0; i < f->count; i++) {
        free(f->list[i].key);
        free(f->list[i].value);
    }
    free(f->list);
}

static void *door_snapshot(void *self) {
    const struct family *live = &((struct sim_disk *)self)->families[DISK_STATE];
    struct family *frozen = xcalloc(1, sizeof *frozen);
    frozen->count = frozen->cap = live->count;
    frozen->list = xcalloc(live->count + 1, sizeof *frozen->list);
    for (size_t i = 0; i < live->count; i++) {
        const struct entry *e = &live->list[i];
        frozen->list[i] = (struct entry){copy(bytes_of(e->key, e->key_len)), copy(bytes_of(e->value, e->value_len)),
                                         e->key_len, e->value_len};
    }
    return frozen;
}

static enum error door_scan_at(void *self, void *snapshot, struct bytes from, struct bytes below,
                               bool (*visit)(void *context, struct bytes key, struct bytes value), void *context) {
    (void)self;
    return family_scan(snapshot, from, below, visit, context);
}

static void door_release(void *self, void *snapshot) {
    (void)self;
    family_free(snapshot);
    free(snapshot);
}

static enum error door_scan_back(void *self, enum disk_family f, struct bytes below,
                                 bool (*visit)(void *context, struct bytes key, struct bytes value), void *context) {
    struct family *family = &((struct sim_disk *)self)->families[f];
    for (size_t i = place_of(family, below); i-- > 0;) {
        const struct entry *e = &family->list[i];
        if (!visit(context, bytes_of(e->key, e->key_len), bytes_of(e->value, e->value_len)))
            break;
    }
    return ERR_OK;
}

struct sim_disk *sim_disk_new(void) {
    return xcalloc(1, sizeof(struct sim_disk));
}

/* Undoes the newest unsynced batches until `keep` of them are left. */
static void undo_to(struct sim_disk *d, unsigned keep) {
    while (d->undo_count && d->undo[d->undo_count - 1].batch > keep) {
        struct undo *u = &d->undo[--d->undo_count];
        if (u->existed)
            write_entry(&d->families[u->f], bytes_of(u->key, u->key_len), bytes_of(u->value, u->value_len));
        else
            erase(&d->families[u->f], bytes_of(u->key, u->key_len));
        free(u->key);
        free(u->value);
    }
}

struct sim_disk *sim_disk_copy(const struct sim_disk *d) {
    struct sim_disk *c = sim_disk_new();
    for (int f = 0; f < DISK_FAMILY_LIMIT; f++)
        for (size_t i = 0; i < d->families[f].count; i++) {
            const struct entry *e = &d->families[f].list[i];
            write_entry(&c->families[f], bytes_of(e->key, e->key_len), bytes_of(e->value, e->value_len));
        }
    for (size_t i = d->undo_count; i-- > 0;) { /* only what was synced */
        const struct undo *u = &d->undo[i];
        if (u->existed)
            write_entry(&c->families[u->f], bytes_of(u->key, u->key_len), bytes_of(u->value, u->value_len));
        else
            erase(&c->families[u->f], bytes_of(u->key, u->key_len));
    }
    return c;
}

void sim_disk_free(struct sim_disk *d) {
    forget_undo(d);
    free(d->undo);
    for (int f = 0; f < DISK_FAMILY_LIMIT; f++)
        family_free(&d->families[f]);
    free(d);
}

struct disk sim_disk_door(struct sim_disk *d) {
    return (struct disk){d,           door_get,      door_scan,    door_scan_back,
                         door_commit, door_snapshot, door_scan_at, door_release};
}

unsigned sim_disk_crash(struct sim_disk *d, struct prng *chance) {
    unsigned keep = d->batches ? (unsigned)prng_below(chance, d->batches + 1) : 0, lost = d->batches - keep;
    undo_to(d, keep);
    forget_undo(d);
    return lost;
}

void sim_disk_doom(struct sim_disk *d, bool doomed) {
    d->doomed = doomed;
}

bool sim_disk_rot(struct sim_disk *d, enum disk_family f, struct prng *chance) {
    struct family *family = &d->families[f];
    if (family->count == 0)
        return false;
    struct entry *e = &family->list[prng_below(chance, family->count)];
    if (e->value_len == 0)
        return false;
    e->value[prng_below(chance, e->value_len)] ^= (uint8_t)(1u << prng_below(chance, 8));
    return true;
}
