/* The disk under a node with a fault: commits may be slow, fail or be damaged, all else is the disk's own. */
#include "replica/fault_parts.h"

static enum error disk_get(void *self, enum disk_family family, struct bytes key, struct buffer *out) {
    const struct fault *f = self;
    return f->disk.get(f->disk.self, family, key, out);
}

static enum error disk_scan(void *self, enum disk_family family, struct bytes from, struct bytes below,
                            bool (*visit)(void *context, struct bytes key, struct bytes value), void *context) {
    const struct fault *f = self;
    return f->disk.scan(f->disk.self, family, from, below, visit, context);
}

static enum error disk_scan_back(void *self, enum disk_family family, struct bytes below,
                                 bool (*visit)(void *context, struct bytes key, struct bytes value), void *context) {
    const struct fault *f = self;
    return f->disk.scan_back(f->disk.self, family, below, visit, context);
}

static enum error disk_commit(void *self, const struct disk_batch *b, bool sync) {
    struct fault *f = self;
    struct disk_batch instead = *b;
    enum error e = fault_active(f) && f->behaviour->commit ? f->behaviour->commit(f, &instead) : ERR_OK;
    if (!e)
        e = f->disk.commit(f->disk.self, &instead, sync);
    if (instead.bytes.data != b->bytes.data)
        buffer_free(&instead.bytes);
    return e;
}

static void *disk_snapshot(void *self) {
    const struct fault *f = self;
    return f->disk.snapshot(f->disk.self);
}

static enum error disk_scan_at(void *self, void *snapshot, struct bytes from, struct bytes below,
                               bool (*visit)(void *context, struct bytes key, struct bytes value), void *context) {
    const struct fault *f = self;
    return f->disk.scan_at(f->disk.self, snapshot, from, below, visit, context);
}

static void disk_release(void *self, void *snapshot) {
    const struct fault *f = self;
    f->disk.release(f->disk.self, snapshot);
}

struct disk fault_disk(struct fault *f, const struct disk *inner) {
    f->disk = *inner;
    return (struct disk){.self = f,
                         .get = disk_get,
                         .scan = disk_scan,
                         .scan_back = disk_scan_back,
                         .commit = disk_commit,
                         .snapshot = disk_snapshot,
                         .scan_at = disk_scan_at,
                         .release = disk_release};
}
