/* The spool's directory: NUMBER.bundle files, each one sealed REQUEST frame, written aside, synced and renamed; a lock
   file; `start`, the highest start of an agent so far. The index in memory holds numbers and sizes only. */
#include "client/agent/spool.h"

#include "base/invariant.h"
#include "base/log.h"
#include "client/agent/bundle.h"
#include "client/agent/thin.h"
#include "client/durable.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct entry {
    uint64_t id;
    size_t size;
};
struct spool {
    struct spool_config config;
    int dir, lock;         /* descriptors */
    struct entry *entries; /* sorted by id; entries[first .. first+count) are held */
    unsigned first, count, room;
    size_t bytes;
    uint64_t next_id, dropped;
};

static enum error system_error(struct buffer *why, const char *dir, const char *name, const char *verb) {
    int saved = errno;
    struct buffer place = {0};
    buffer_printf(&place, "%s/%s", dir, name);
    errno = saved;
    enum error e = durable_refusal(why, buffer_cstr(&place), verb);
    buffer_free(&place);
    return e;
}

static void bundle_name(char out[32], uint64_t id) {
    snprintf(out, 32, "%020" PRIu64 ".bundle", id);
}

/* --- files --- */

static enum error read_file(const struct spool *s, const char *name, struct buffer *out) {
    int fd = openat(s->dir, name, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0) {
        return ERR_IO;
    }
    enum error e = fstat(fd, &st) == 0 && st.st_size <= (off_t)frame_cap(FRAME_REQUEST) ? ERR_OK : ERR_CORRUPT;
    size_t left = e == ERR_OK ? (size_t)st.st_size : 0;
    uint8_t *to = buffer_extend(out, left);
    while (e == ERR_OK && left > 0) {
        ssize_t got = read(fd, to, left);
        if (got <= 0 && !(got < 0 && errno == EINTR)) {
            e = ERR_IO;
        } else if (got > 0) {
            to += got;
            left -= (size_t)got;
        }
    }
    out->len -= left;
    close(fd);
    return e;
}

/* Durable once it returns, and under `name` only when whole. */
static enum error write_file(const struct spool *s, const char *name, struct bytes content, struct buffer *why) {
    static const char ASIDE[] = "aside.tmp";
    int fd = openat(s->dir, ASIDE, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        return system_error(why, s->config.dir, ASIDE, "create");
    }
    bool ok = durable_write_all(fd, content) && fsync(fd) == 0;
    int saved = errno;
    ok = close(fd) == 0 && ok;
    if (!ok || renameat(s->dir, ASIDE, s->dir, name) != 0 || fsync(s->dir) != 0) {
        errno = ok ? errno : saved;
        enum error e = system_error(why, s->config.dir, name, "write");
        unlinkat(s->dir, ASIDE, 0);
        return e;
    }
    return ERR_OK;
}

/* --- the index --- */

static void index_add(struct spool *s, uint64_t id, size_t size) {
    if (s->first + s->count == s->room) {
        if (s->first > 0) {
            memmove(s->entries, s->entries + s->first, s->count * sizeof *s->entries);
            s->first = 0;
        }
        if (s->count * 2 >= s->room) {
            s->room = s->room * 2 + 64;
            s->entries = xrealloc(s->entries, s->room * sizeof *s->entries);
        }
    }
    s->entries[s->first + s->count++] = (struct entry){id, size};
    s->bytes += size;
}

static void index_remove(struct spool *s, unsigned at) {
    REQUIRE(at >= s->first && at < s->first + s->count);
    s->bytes -= s->entries[at].size;
    s->count--;
    if (at == s->first) {
        s->first++;
    } else {
        memmove(s->entries + at, s->entries + at + 1, (s->first + s->count - at) * sizeof *s->entries);
    }
}

static int by_id(const void *a, const void *b) {
    uint64_t x = ((const struct entry *)a)->id, y = ((const struct entry *)b)->id;
    return (x > y) - (x < y);
}

static void set_aside(struct spool *s, uint64_t id, const char *reason) {
    char name[32], bad[40];
    bundle_name(name, id);
    snprintf(bad, sizeof bad, "%s.bad", name);
    renameat(s->dir, name, s->dir, bad);
    log_event_limited(LOG_WARN_, "spool-bundle-set-aside", "file=\"%s/%s\" reason=%s", s->config.dir, bad, reason);
}

/* --- one bundle's meaning --- */

static enum error judge(const struct spool *s, struct bytes raw) {
    struct frame f;
    struct request *r = NULL;
    enum error e = frame_open(&f, raw);
    if (e == ERR_OK && memcmp(&f.cluster, &s->config.cluster, sizeof f.cluster) != 0) {
        return ERR_FOREIGN_CLUSTER;
    }
    e = e == ERR_OK ? request_new(&r, raw) : e;
    if (e == ERR_OK && r->kind != OP_OBSERVE) {
        e = ERR_BAD_TYPE;
    } else if (e == ERR_OK && !public_key_equal(&r->client, &s->config.key)) {
        e = ERR_UNKNOWN_KEY;
    } else if (e == ERR_OK) {
        e = frame_verify(&f, &s->config.cluster, &s->config.key);
    }
    request_free(r);
    return e;
}

/* Its results; NULL when the file does not hold them any more. */
static struct request *load_request(const struct spool *s, uint64_t id) {
    char name[32];
    struct buffer raw = {0};
    struct request *r = NULL;
    bundle_name(name, id);
    if (read_file(s, name, &raw) != ERR_OK || request_new(&r, buffer_bytes(&raw)) != ERR_OK) {
        r = NULL;
    } else if (r->kind != OP_OBSERVE) {
        request_free(r);
        r = NULL;
    }
    buffer_free(&raw);
    return r;
}

/* --- opening --- */

static enum error take_up(struct spool *s, uint64_t id, struct buffer *raw, struct buffer *why) {
    char name[32];
    bundle_name(name, id);
    buffer_clear(raw);
    enum error e = read_file(s, name, raw);
    if (e == ERR_IO) {
        return system_error(why, s->config.dir, name, "read");
    }
    e = e == ERR_OK ? judge(s, buffer_bytes(raw)) : e;
    if (e == ERR_FOREIGN_CLUSTER) {
        buffer_printf(why, "holds results for another cluster: %s/%s: name another --spool, or remove this one",
                      s->config.dir, name);
        return e;
    }
    if (e != ERR_OK) {
        set_aside(s, id, error_name(e));
    } else {
        index_add(s, id, raw->len);
    }
    return ERR_OK;
}

/* Numbers of the bundles that lie there, as they come. */
static enum error list_ids(struct spool *s, struct entry **ids, size_t *count, struct buffer *why) {
    DIR *d = opendir(s->config.dir);
    size_t room = 0;
    struct dirent *entry;
    if (d == NULL) {
        return system_error(why, s->config.dir, "", "read");
    }
    while ((entry = readdir(d)) != NULL) {
        uint64_t id;
        char name[32];
        if (sscanf(entry->d_name, "%" SCNu64, &id) != 1) {
            continue;
        }
        bundle_name(name, id);
        if (strcmp(name, entry->d_name) == 0) {
            if (*count == room) {
                room = room * 2 + 64;
                *ids = xrealloc(*ids, room * sizeof **ids);
            }
            (*ids)[(*count)++] = (struct entry){.id = id};
        }
    }
    closedir(d);
    return ERR_OK;
}

static enum error load_index(struct spool *s, struct buffer *why) {
    struct entry *ids = NULL;
    size_t count = 0;
    struct buffer raw = {0};
    enum error e = list_ids(s, &ids, &count, why);
    if (count > 0) {
        qsort(ids, count, sizeof *ids, by_id);
    }
    for (size_t i = 0; i < count && e == ERR_OK; i++) {
        e = take_up(s, ids[i].id, &raw, why);
        s->next_id = ids[i].id + 1;
    }
    free(ids);
    buffer_free(&raw);
    return e;
}

static enum error take_lock(struct spool *s, struct buffer *why) {
    if (mkdir(s->config.dir, 0700) != 0 && errno != EEXIST) {
        return system_error(why, s->config.dir, "", "create");
    }
    s->dir = open(s->config.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->dir < 0) {
        return system_error(why, s->config.dir, "", "open");
    }
    bool taken;
    s->lock = durable_lock(s->dir, "lock", &taken);
    if (s->lock < 0) {
        return system_error(why, s->config.dir, "lock", "create");
    }
    if (taken) {
        buffer_printf(why, "is used by another agent: %s: end that one, or name another --spool", s->config.dir);
        return ERR_IN_USE;
    }
    unlinkat(s->dir, "aside.tmp", 0);
    return ERR_OK;
}

enum error spool_open(struct spool **out, const struct spool_config *config, struct buffer *why) {
    struct spool *s = xcalloc(1, sizeof *s);
    *s = (struct spool){.config = *config, .dir = -1, .lock = -1, .next_id = 1};
    *out = NULL;
    enum error e = take_lock(s, why);
    e = e == ERR_OK ? load_index(s, why) : e;
    if (e != ERR_OK) {
        spool_close(s);
        return e;
    }
    *out = s;
    return ERR_OK;
}

void spool_close(struct spool *s) {
    if (s == NULL) {
        return;
    }
    if (s->lock >= 0) {
        close(s->lock);
    }
    if (s->dir >= 0) {
        close(s->dir);
    }
    free(s->entries);
    free(s);
}

enum error spool_first_obs_seq(struct spool *s, time_ms now, uint64_t *first, struct buffer *why) {
    struct buffer text = {0};
    uint64_t start = now > 0 ? (uint64_t)now : 1, before;
    if (read_file(s, "start", &text) == ERR_OK && sscanf(buffer_cstr(&text), "%" SCNu64, &before) == 1 &&
        before >= start) {
        log_event(LOG_WARN_, "clock-behind", "last_start_ms=%" PRIu64 " now_ms=%" PRIu64, before, start);
        start = before + 1;
    }
    buffer_clear(&text);
    buffer_printf(&text, "%" PRIu64 "\n", start);
    enum error e = write_file(s, "start", buffer_bytes(&text), why);
    buffer_free(&text);
    *first = start << 20;
    return e;
}

/* --- making room --- */

/* What lies in entries[1..]: all but the oldest, which may be on its way. */
struct contents {
    unsigned bundles;
    struct thin_item *items;
    size_t count, room;
    struct thin_names *names;
};

static void note_items(struct contents *c, const struct request *r) {
    for (unsigned i = 0; i < r->observe.count; i++) {
        const struct observation *o = &r->observe.list[i];
        if (c->count == c->room) {
            c->room = c->room * 2 + 1024;
            c->items = xrealloc(c->items, c->room * sizeof *c->items);
        }
        c->items[c->count++] = (struct thin_item){.service = thin_names_number(c->names, o->host, o->service),
                                                  .cost = (uint32_t)bundle_cost(o),
                                                  .state = o->state};
    }
}

/* Writes a bundle behind all others. */
static enum error append(struct spool *s, const struct op_observe *results, struct buffer *why) {
    char name[32];
    struct buffer sealed = {0};
    enum error e = s->config.seal(s->config.self, results, &sealed, why);
    if (e == ERR_OK) {
        bundle_name(name, s->next_id);
        e = write_file(s, name, buffer_bytes(&sealed), why);
    }
    if (e == ERR_OK) {
        index_add(s, s->next_id++, sealed.len);
    }
    buffer_free(&sealed);
    return e;
}

static void drop_file(struct spool *s, unsigned at) {
    char name[32];
    bundle_name(name, s->entries[at].id);
    if (unlinkat(s->dir, name, 0) != 0 && errno != ENOENT) {
        log_event_limited(LOG_WARN_, "spool-unlink-failed", "file=\"%s/%s\" error=\"%s\"", s->config.dir, name,
                          strerror(errno));
    }
    index_remove(s, at);
}

/* Bundles the kept results anew behind the old bundles, then removes those. A crash between leaves both: results that
   were counted are refused as old then, which harms nothing. */
static enum error rebundle(struct spool *s, const struct contents *c, struct buffer *why) {
    struct bundle *b = xcalloc(1, sizeof *b);
    enum error e = ERR_OK;
    size_t item = 0;
    for (unsigned k = 0; k < c->bundles && e == ERR_OK; k++) {
        struct request *r = load_request(s, s->entries[s->first + 1 + k].id);
        if (r == NULL) { /* it was readable a moment ago: the disk fails, so nothing is removed */
            buffer_printf(why, "cannot be read again: %s: check the disk", s->config.dir);
            e = ERR_CORRUPT;
            break;
        }
        for (unsigned i = 0; i < r->observe.count && e == ERR_OK; i++) {
            const struct observation *o = &r->observe.list[i];
            ENSURE(item < c->count); /* what was read when room was planned */
            if (!c->items[item++].keep) {
                continue;
            }
            if (!bundle_fits(b, o)) {
                struct op_observe results = bundle_results(b);
                e = append(s, &results, why);
                bundle_clear(b);
            }
            bundle_add(b, o);
        }
        request_free(r);
    }
    if (e == ERR_OK && b->count > 0) {
        struct op_observe results = bundle_results(b);
        e = append(s, &results, why);
    }
    bundle_clear(b);
    free(b);
    for (unsigned k = 0; k < c->bundles && e == ERR_OK; k++) {
        drop_file(s, s->first + 1);
    }
    return e;
}

static enum error make_room(struct spool *s, struct buffer *why) {
    struct contents c = {.bundles = s->count - 1, .names = thin_names_new()};
    unsigned before = s->count;
    for (unsigned k = 0; k < c.bundles;) {
        struct request *r = load_request(s, s->entries[s->first + 1 + k].id);
        if (r == NULL) {
            set_aside(s, s->entries[s->first + 1 + k].id, error_name(ERR_CORRUPT));
            index_remove(s, s->first + 1 + k);
            c.bundles--;
            continue;
        }
        note_items(&c, r);
        request_free(r);
        k++;
    }
    /* Down to three quarters, so that the work is not done again with the next bundle. */
    struct thin_budget budget = {s->config.bytes_max / 4 * 3, s->config.bundles_max / 4 * 3};
    size_t dropped = thin_select(c.items, c.count, thin_names_count(c.names), &budget);
    enum error e = rebundle(s, &c, why);
    if (e == ERR_OK) {
        s->dropped += dropped;
        log_event(dropped > 0 ? LOG_WARN_ : LOG_INFO_, "spool-full",
                  "bundles_before=%u bundles=%u bytes=%zu results_dropped=%zu dropped_since_start=%" PRIu64, before,
                  s->count, s->bytes, dropped, s->dropped);
    }
    free(c.items);
    thin_names_free(c.names);
    return e;
}

/* --- use --- */

enum error spool_add(struct spool *s, const struct op_observe *results, struct buffer *why) {
    bool full = s->count >= s->config.bundles_max || s->bytes >= s->config.bytes_max;
    enum error e = full && s->count > 1 ? make_room(s, why) : ERR_OK;
    return e == ERR_OK ? append(s, results, why) : e;
}

bool spool_oldest(struct spool *s, uint64_t *id, struct buffer *sealed) {
    size_t start = sealed->len;
    char name[32];
    while (s->count > 0) {
        *id = s->entries[s->first].id;
        bundle_name(name, *id);
        enum error e = read_file(s, name, sealed);
        if (e == ERR_OK && sealed->len - start == s->entries[s->first].size) {
            return true;
        }
        sealed->len = start;
        set_aside(s, *id, error_name(e == ERR_OK ? ERR_CORRUPT : e));
        index_remove(s, s->first);
    }
    return false;
}

void spool_remove(struct spool *s, uint64_t id) {
    if (s->count > 0 && s->entries[s->first].id == id) {
        drop_file(s, s->first);
    }
}

enum error spool_renew(struct spool *s, uint64_t id, struct buffer *why) {
    if (s->count == 0 || s->entries[s->first].id != id) {
        return ERR_NOT_FOUND;
    }
    struct request *r = load_request(s, id);
    if (r == NULL) {
        set_aside(s, id, error_name(ERR_CORRUPT));
        index_remove(s, s->first);
        return ERR_OK;
    }
    char name[32];
    struct buffer sealed = {0};
    bundle_name(name, id);
    enum error e = s->config.seal(s->config.self, &r->observe, &sealed, why);
    e = e == ERR_OK ? write_file(s, name, buffer_bytes(&sealed), why) : e;
    if (e == ERR_OK) {
        s->bytes += sealed.len - s->entries[s->first].size;
        s->entries[s->first].size = sealed.len;
    }
    buffer_free(&sealed);
    request_free(r);
    return e;
}

unsigned spool_count(const struct spool *s) {
    return s->count;
}

size_t spool_bytes(const struct spool *s) {
    return s->bytes;
}

uint64_t spool_dropped(const struct spool *s) {
    return s->dropped;
}
