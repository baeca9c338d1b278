/* struct disk over RocksDB's C interface. Every batch is one write-ahead-log write, fsynced when the caller asks, so a
   crash leaves all of it or nothing. Memory is held small: a replica's hot state lives in its machines, not here. */
#include "replica/store.h"

#include "base/invariant.h"

#include <errno.h>
#include <rocksdb/c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
    WRITE_BUFFER = 8 << 20,
    ALL_WRITE_BUFFERS = 64 << 20,
    WAL_TOTAL = 128 << 20,
    BLOCK_CACHE = 16 << 20,
    OPEN_FILES = 256,
    LOG_FILE = 1 << 20,
    LOG_FILES = 2,
    /* RocksDB as Debian builds it aborts when it writes to a file that met a full disk, so it never meets one: the
       replica stops while there is a little left, and starts only when there is enough to take up the log again. */
    SPACE_TO_WRITE = 8 << 20,
    SPACE_TO_OPEN = 32 << 20,
    /* A torn tail is cut off; damage before the end of the log refuses to open (R13). */
    WAL_TOLERATES_TORN_TAIL = 0,
    HANDLES = DISK_FAMILY_LIMIT + 1, /* RocksDB insists on "default", which stays empty */
};

static const char *const family_names[HANDLES] = {"meta",  "protocol", "decided",  "request", "output",
                                                  "alert", "state",    "evidence", "default"};

struct store {
    char *directory;
    rocksdb_t *db;
    rocksdb_options_t *options;
    rocksdb_column_family_handle_t *families[HANDLES];
    rocksdb_readoptions_t *read;
    rocksdb_writeoptions_t *write, *write_sync;
    rocksdb_writebatch_t *batch;
    char failure[256];
};

/* Takes RocksDB's malloc'd message. */
static enum error store_failed(struct store *s, char *message) {
    snprintf(s->failure, sizeof s->failure, "%s", message);
    rocksdb_free(message);
    return strncmp(s->failure, "Corruption", 10) == 0 ? ERR_CORRUPT : ERR_IO;
}

static const char *slice(struct bytes b) {
    return b.len ? (const char *)b.data : "";
}

static enum error store_get(void *self, enum disk_family f, struct bytes key, struct buffer *out) {
    struct store *s = self;
    REQUIRE(f < DISK_FAMILY_LIMIT);
    char *message = NULL;
    rocksdb_pinnableslice_t *pinned =
        rocksdb_get_pinned_cf(s->db, s->read, s->families[f], slice(key), key.len, &message);
    if (message)
        return store_failed(s, message);
    size_t len = 0;
    const char *value = rocksdb_pinnableslice_value(pinned, &len);
    if (!value)
        return ERR_NOT_FOUND;
    buffer_clear(out);
    buffer_put(out, value, len);
    rocksdb_pinnableslice_destroy(pinned);
    return ERR_OK;
}

typedef bool disk_visit(void *context, struct bytes key, struct bytes value);

/* True while the visitor wants more. */
static bool visit_here(rocksdb_iterator_t *it, disk_visit *visit, void *context, struct bytes below) {
    struct bytes key, value;
    key.data = (const uint8_t *)rocksdb_iter_key(it, &key.len);
    if (below.len && bytes_compare(key, below) >= 0)
        return false;
    value.data = (const uint8_t *)rocksdb_iter_value(it, &value.len);
    return visit(context, key, value);
}

static enum error iterator_end(struct store *s, rocksdb_iterator_t *it) {
    char *message = NULL;
    rocksdb_iter_get_error(it, &message);
    rocksdb_iter_destroy(it);
    return message ? store_failed(s, message) : ERR_OK;
}

static enum error scan_with(struct store *s, const rocksdb_readoptions_t *read, enum disk_family f, struct bytes from,
                            struct bytes below, disk_visit *visit, void *context) {
    REQUIRE(f < DISK_FAMILY_LIMIT);
    rocksdb_iterator_t *it = rocksdb_create_iterator_cf(s->db, read, s->families[f]);
    rocksdb_iter_seek(it, slice(from), from.len);
    while (rocksdb_iter_valid(it) && visit_here(it, visit, context, below))
        rocksdb_iter_next(it);
    return iterator_end(s, it);
}

static enum error store_scan(void *self, enum disk_family f, struct bytes from, struct bytes below, disk_visit *visit,
                             void *context) {
    struct store *s = self;
    return scan_with(s, s->read, f, from, below, visit, context);
}

static enum error store_scan_back(void *self, enum disk_family f, struct bytes below, disk_visit *visit,
                                  void *context) {
    struct store *s = self;
    REQUIRE(f < DISK_FAMILY_LIMIT);
    rocksdb_iterator_t *it = rocksdb_create_iterator_cf(s->db, s->read, s->families[f]);
    rocksdb_iter_seek_for_prev(it, slice(below), below.len);
    if (rocksdb_iter_valid(it)) {
        struct bytes key;
        key.data = (const uint8_t *)rocksdb_iter_key(it, &key.len);
        if (bytes_equal(key, below))
            rocksdb_iter_prev(it);
    }
    while (rocksdb_iter_valid(it) && visit_here(it, visit, context, bytes_of(NULL, 0)))
        rocksdb_iter_prev(it);
    return iterator_end(s, it);
}

static void batch_add(struct store *s, const struct disk_batch *b, const struct disk_write *w) {
    REQUIRE(w->family < DISK_FAMILY_LIMIT);
    rocksdb_column_family_handle_t *family = s->families[w->family];
    struct bytes key = disk_batch_key(b, w), value = disk_batch_value(b, w);
    switch (w->op) {
    case DISK_PUT:
        rocksdb_writebatch_put_cf(s->batch, family, slice(key), key.len, slice(value), value.len);
        break;
    case DISK_DELETE:
        rocksdb_writebatch_delete_cf(s->batch, family, slice(key), key.len);
        break;
    case DISK_DELETE_RANGE:
        if (bytes_compare(key, value) < 0)
            rocksdb_writebatch_delete_range_cf(s->batch, family, slice(key), key.len, slice(value), value.len);
        break;
    }
}

/* A system that doesn't tell has space. */
static bool has_space(const char *directory, uint64_t needed) {
    struct statvfs fs;
    return statvfs(directory, &fs) != 0 || (uint64_t)fs.f_bavail * fs.f_frsize >= needed;
}

/* Asked before each write, synced or not: where the disk takes no byte, RocksDB may abort behind the error. */
static enum error store_commit(void *self, const struct disk_batch *b, bool sync) {
    struct store *s = self;
    if (!has_space(s->directory, SPACE_TO_WRITE)) {
        snprintf(s->failure, sizeof s->failure, "no space left, less than %d MiB: free at least %d MiB and start again",
                 SPACE_TO_WRITE >> 20, SPACE_TO_OPEN >> 20);
        return ERR_IO;
    }
    rocksdb_writebatch_clear(s->batch);
    for (size_t i = 0; i < b->count; i++)
        batch_add(s, b, &b->writes[i]);
    char *message = NULL;
    rocksdb_write(s->db, sync ? s->write_sync : s->write, s->batch, &message);
    return message ? store_failed(s, message) : ERR_OK;
}

struct frozen {
    const rocksdb_snapshot_t *snapshot;
    rocksdb_readoptions_t *read;
};

static void *store_snapshot(void *self) {
    struct store *s = self;
    struct frozen *f = xcalloc(1, sizeof *f);
    f->snapshot = rocksdb_create_snapshot(s->db);
    f->read = rocksdb_readoptions_create();
    rocksdb_readoptions_set_snapshot(f->read, f->snapshot);
    return f;
}

static enum error store_scan_at(void *self, void *snapshot, struct bytes from, struct bytes below, disk_visit *visit,
                                void *context) {
    struct frozen *f = snapshot;
    return scan_with(self, f->read, DISK_STATE, from, below, visit, context);
}

static void store_release(void *self, void *snapshot) {
    struct store *s = self;
    struct frozen *f = snapshot;
    rocksdb_readoptions_destroy(f->read);
    rocksdb_release_snapshot(s->db, f->snapshot);
    free(f);
}

struct disk store_disk(struct store *s) {
    return (struct disk){.self = s,
                         .get = store_get,
                         .scan = store_scan,
                         .scan_back = store_scan_back,
                         .commit = store_commit,
                         .snapshot = store_snapshot,
                         .scan_at = store_scan_at,
                         .release = store_release};
}

const char *store_failure(const struct store *s) {
    return s->failure;
}

static rocksdb_options_t *options_new(void) {
    rocksdb_options_t *o = rocksdb_options_create();
    rocksdb_options_set_create_if_missing(o, 1);
    rocksdb_options_set_create_missing_column_families(o, 1);
    rocksdb_options_set_paranoid_checks(o, 1);
    rocksdb_options_set_compression(o, rocksdb_no_compression);
    rocksdb_options_set_write_buffer_size(o, WRITE_BUFFER);
    rocksdb_options_set_db_write_buffer_size(o, ALL_WRITE_BUFFERS);
    rocksdb_options_set_max_total_wal_size(o, WAL_TOTAL);
    rocksdb_options_set_max_open_files(o, OPEN_FILES);
    rocksdb_options_set_max_background_jobs(o, 2);
    rocksdb_options_set_max_log_file_size(o, LOG_FILE);
    rocksdb_options_set_keep_log_file_num(o, LOG_FILES);
    rocksdb_options_set_stats_dump_period_sec(o, 0);
    rocksdb_options_set_wal_recovery_mode(o, WAL_TOLERATES_TORN_TAIL);

    rocksdb_block_based_table_options_t *table = rocksdb_block_based_options_create();
    rocksdb_cache_t *cache = rocksdb_cache_create_lru(BLOCK_CACHE);
    rocksdb_block_based_options_set_block_cache(table, cache);
    rocksdb_options_set_block_based_table_factory(o, table);
    rocksdb_cache_destroy(cache);
    rocksdb_block_based_options_destroy(table);
    return o;
}

static enum error directory_make(const char *directory, struct buffer *why) {
    struct stat st;
    if (mkdir(directory, 0700) != 0 && errno != EEXIST) {
        buffer_printf(why, "cannot create the data directory: %s: %s; create its parent or choose another with -d",
                      directory, strerror(errno));
        return ERR_IO;
    }
    if (stat(directory, &st) != 0 || !S_ISDIR(st.st_mode)) {
        buffer_printf(why, "the data directory is not a directory: %s: choose another with -d", directory);
        return ERR_IO;
    }
    if (access(directory, R_OK | W_OK | X_OK) != 0) {
        buffer_printf(why, "cannot write the data directory: %s: %s; give it to the user that runs quorated", directory,
                      strerror(errno));
        return ERR_IO;
    }
    if (!has_space(directory, SPACE_TO_OPEN)) {
        buffer_printf(why, "no space left for the data directory: %s: free at least %d MiB on its disk", directory,
                      SPACE_TO_OPEN >> 20);
        return ERR_IO;
    }
    return ERR_OK;
}

/* RocksDB tells a held lock by words only. */
static enum error open_refused(struct store *s, const char *directory, enum error e, struct buffer *why) {
    if (strstr(s->failure, "/LOCK")) {
        buffer_printf(why,
                      "the data directory is held by another process: %s: stop the other quorated, or give this "
                      "one a directory of its own with -d",
                      directory);
        return ERR_IN_USE;
    }
    if (e == ERR_CORRUPT)
        buffer_printf(why,
                      "the stored log is damaged: %s: %s; keep the directory for study and let this replica "
                      "rejoin with a new key",
                      directory, s->failure);
    else
        buffer_printf(why, "cannot open the data directory: %s: %s", directory, s->failure);
    return e;
}

enum error store_open(struct store **out, const char *directory, struct buffer *why) {
    *out = NULL;
    enum error e = directory_make(directory, why);
    if (e)
        return e;
    struct store *s = xcalloc(1, sizeof *s);
    s->directory = xstrdup(directory);
    s->options = options_new();
    const rocksdb_options_t *family_options[HANDLES];
    for (unsigned i = 0; i < HANDLES; i++)
        family_options[i] = s->options;
    char *message = NULL;
    s->db = rocksdb_open_column_families(s->options, directory, HANDLES, family_names, family_options, s->families,
                                         &message);
    if (message) {
        e = open_refused(s, directory, store_failed(s, message), why);
        rocksdb_options_destroy(s->options);
        free(s->directory);
        free(s);
        return e;
    }
    s->read = rocksdb_readoptions_create();
    s->write = rocksdb_writeoptions_create();
    s->write_sync = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(s->write_sync, 1);
    s->batch = rocksdb_writebatch_create();
    *out = s;
    return ERR_OK;
}

/* One that failed is left open until the process ends: RocksDB would write once more to close it, and aborts where the
   disk takes nothing at all. What was synced is on the disk anyway. */
static struct store *volatile abandoned; /* kept, though nobody reads it: no leak */

void store_close(struct store *s) {
    if (!s)
        return;
    if (*s->failure) {
        abandoned = s;
        return;
    }
    rocksdb_writebatch_destroy(s->batch);
    rocksdb_writeoptions_destroy(s->write_sync);
    rocksdb_writeoptions_destroy(s->write);
    rocksdb_readoptions_destroy(s->read);
    for (unsigned i = 0; i < HANDLES; i++)
        rocksdb_column_family_handle_destroy(s->families[i]);
    rocksdb_close(s->db);
    rocksdb_options_destroy(s->options);
    free(s->directory);
    free(s);
}
