/* The journal is text, one line a mark: "begins HANDLER NUMBER", "handed HANDLER NUMBER", "attempt HANDLER NUMBER RUN",
   with LAST behind it for a message of the alerts NUMBER..LAST, "done HANDLER NUMBER RUN", under a head that names the
   cluster. It is rewritten when it is opened and when it has grown. */
#include "client/outbox.h"

#include "base/invariant.h"
#include "client/durable.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { JOURNAL_MAX = 256 * 1024, HANDLER_NAME_MAX = 64, FILE_MAX = 64 << 20 };

struct place {
    char handler[HANDLER_NAME_MAX + 1];
    struct outbox_position position;
};
struct outbox {
    pthread_mutex_t lock;
    char *path, *aside;
    int file, locked; /* descriptors: the journal, PATH.lock */
    off_t length;
    bool torn; /* a write failed half-way */
    struct cluster_id cluster;
    struct place *places;
    unsigned count;
};

/* --- what the marks mean --- */

static struct place *find(struct outbox *o, const char *handler) {
    for (unsigned i = 0; i < o->count; i++) {
        if (strcmp(o->places[i].handler, handler) == 0) {
            return &o->places[i];
        }
    }
    return NULL;
}

static struct place *find_or_add(struct outbox *o, const char *handler) {
    struct place *p = find(o, handler);
    if (p == NULL) {
        REQUIRE(strlen(handler) <= HANDLER_NAME_MAX);
        o->places = xrealloc(o->places, (o->count + 1) * sizeof *o->places);
        p = &o->places[o->count++];
        *p = (struct place){.position = {0}};
        snprintf(p->handler, sizeof p->handler, "%s", handler);
    }
    return p;
}

struct mark {
    char word[16], handler[HANDLER_NAME_MAX + 1];
    uint64_t number, last; /* last: of an attempt, else 0 */
    unsigned run;
};

/* false: the mark does not follow from those before it. */
static bool apply(struct outbox *o, const struct mark *m) {
    struct outbox_position *p = &find_or_add(o, m->handler)->position;
    bool is_next = m->number == p->handed + 1 && m->run == p->next_run;
    uint64_t begin = p->begin;
    if (strcmp(m->word, "begins") == 0) {
        bool first = p->handed == 0 && !p->attempting && p->next_run == 0;
        *p = (struct outbox_position){.handed = m->number, .begin = m->number};
        return first;
    }
    if (strcmp(m->word, "handed") == 0) {
        bool forward = m->number >= p->handed;
        *p = (struct outbox_position){.handed = m->number, .begin = begin};
        return forward;
    }
    if (strcmp(m->word, "attempt") == 0) {
        /* Runs that a handler does not want are passed over. */
        bool later = m->number > p->handed && (m->number > p->handed + 1 || m->run >= p->next_run);
        *p = (struct outbox_position){
            .handed = m->number - 1, .begin = begin, .next_run = m->run, .attempting = true, .last = m->last};
        return later;
    }
    p->next_run++;
    p->attempting = false;
    return is_next;
}

static void print_mark(struct buffer *out, const struct mark *m) {
    buffer_printf(out, "%s %s %" PRIu64, m->word, m->handler, m->number);
    if (strcmp(m->word, "handed") != 0 && strcmp(m->word, "begins") != 0) {
        buffer_printf(out, " %u", m->run);
    }
    if (m->last > m->number) {
        buffer_printf(out, " %" PRIu64, m->last);
    }
    buffer_printf(out, "\n");
}

static bool scan_mark(struct mark *m, const char *line) {
    int end = -1;
    *m = (struct mark){.run = 0};
    if (sscanf(line, "handed %64[a-zA-Z0-9._-] %" SCNu64 "%n", m->handler, &m->number, &end) == 2) {
        snprintf(m->word, sizeof m->word, "%s", "handed");
    } else if (sscanf(line, "begins %64[a-zA-Z0-9._-] %" SCNu64 "%n", m->handler, &m->number, &end) == 2) {
        snprintf(m->word, sizeof m->word, "%s", "begins");
    } else if (sscanf(line, "attempt %64[a-zA-Z0-9._-] %" SCNu64 " %u%n", m->handler, &m->number, &m->run, &end) == 3) {
        snprintf(m->word, sizeof m->word, "%s", "attempt");
        int more = -1;
        m->last = m->number;
        if (sscanf(line + end, " %" SCNu64 "%n", &m->last, &more) == 1 && m->last > m->number) {
            end += more;
        }
    } else if (sscanf(line, "done %64[a-zA-Z0-9._-] %" SCNu64 " %u%n", m->handler, &m->number, &m->run, &end) == 3) {
        snprintf(m->word, sizeof m->word, "%s", "done");
    }
    return end > 0 && line[end] == '\0' && (m->number > 0 || m->word[0] == 'h' || m->word[0] == 'b');
}

/* --- the file --- */

static void print_head(struct buffer *out, const struct outbox *o) {
    char id[2 * CLUSTER_ID_LEN + 1];
    hex_encode(id, bytes_of(o->cluster.b, CLUSTER_ID_LEN));
    buffer_printf(out, "quorate outbox v1 %s\n", id);
}

static void print_all(struct buffer *out, const struct outbox *o) {
    print_head(out, o);
    for (unsigned i = 0; i < o->count; i++) {
        const struct outbox_position *p = &o->places[i].position;
        struct mark m = {.word = "begins", .number = p->begin};
        snprintf(m.handler, sizeof m.handler, "%s", o->places[i].handler);
        if (p->begin > 0) {
            print_mark(out, &m);
        }
        snprintf(m.word, sizeof m.word, "%s", "handed");
        m.number = p->handed;
        print_mark(out, &m);
        if (p->next_run > 0 || p->attempting) {
            /* An attempt may stand for runs before it that succeeded or were not wanted. */
            m.number++;
            m.run = p->attempting ? p->next_run : p->next_run - 1;
            m.last = p->last;
            snprintf(m.word, sizeof m.word, "%s", "attempt");
            print_mark(out, &m);
            m.last = 0;
            if (!p->attempting) {
                snprintf(m.word, sizeof m.word, "%s", "done");
                print_mark(out, &m);
            }
        }
    }
}

/* Writes the journal anew, short and whole, in place of the old one. */
static enum error rewrite(struct outbox *o, struct buffer *why) {
    struct buffer text = {0};
    print_all(&text, o);
    int fd = open(o->aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    enum error e = ERR_OK;
    if (fd < 0 || !durable_write_all(fd, buffer_bytes(&text)) || fsync(fd) != 0 || rename(o->aside, o->path) != 0 ||
        !durable_sync_directory(o->path)) {
        e = durable_refusal(why, o->aside, "write");
        if (fd >= 0) {
            close(fd);
        }
    } else {
        if (o->file >= 0) {
            close(o->file);
        }
        o->file = fd;
        o->length = (off_t)text.len;
        o->torn = false;
    }
    buffer_free(&text);
    return e;
}

static enum error read_line(struct outbox *o, const char *line, unsigned number, struct buffer *why) {
    struct mark m;
    if (number > 1) {
        if (scan_mark(&m, line) && apply(o, &m)) {
            return ERR_OK;
        }
        buffer_printf(why, "is damaged: %s:%u: '%.80s': restore the file, or remove it and give --since", o->path,
                      number, line);
        return ERR_CORRUPT;
    }
    char id[2 * CLUSTER_ID_LEN + 1], mine[2 * CLUSTER_ID_LEN + 1];
    hex_encode(mine, bytes_of(o->cluster.b, CLUSTER_ID_LEN));
    if (sscanf(line, "quorate outbox v1 %32[0-9a-f]", id) != 1) {
        buffer_printf(why, "is no state file of quorate notify: %s:1: name another --state", o->path);
        return ERR_CORRUPT;
    }
    if (strcmp(id, mine) != 0) {
        buffer_printf(why, "tells of another cluster (%s): %s:1: name another --state", id, o->path);
        return ERR_FOREIGN_CLUSTER;
    }
    return ERR_OK;
}

/* Takes every whole line; what follows the last newline was cut short by a crash and says nothing. */
static enum error read_journal(struct outbox *o, struct buffer *text, struct buffer *why) {
    const char *at = buffer_cstr(text);
    enum error e = ERR_OK;
    for (unsigned number = 1; e == ERR_OK; number++) {
        char *newline = strchr(at, '\n');
        if (newline == NULL) {
            break;
        }
        *newline = '\0';
        e = read_line(o, at, number, why);
        at = newline + 1;
    }
    return e;
}

static enum error load(struct outbox *o, struct buffer *why) {
    int fd = open(o->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT ? ERR_OK : durable_refusal(why, o->path, "read");
    }
    struct buffer text = {0};
    enum error e = ERR_OK;
    ssize_t got;
    do {
        got = read(fd, buffer_extend(&text, 65536), 65536);
        text.len -= 65536 - (got > 0 ? (size_t)got : 0);
    } while ((got > 0 || (got < 0 && errno == EINTR)) && text.len < FILE_MAX);
    if (got != 0) {
        e = durable_refusal(why, o->path, "read");
    }
    close(fd);
    e = e == ERR_OK ? read_journal(o, &text, why) : e;
    buffer_free(&text);
    return e;
}

static enum error take_lock(struct outbox *o, struct buffer *why) {
    struct buffer name = {0};
    buffer_printf(&name, "%s.lock", o->path);
    bool taken;
    o->locked = durable_lock(AT_FDCWD, buffer_cstr(&name), &taken);
    enum error e = ERR_OK;
    if (o->locked < 0) {
        e = durable_refusal(why, buffer_cstr(&name), "create");
    } else if (taken) {
        buffer_printf(why, "is used by another quorate notify: %s: end that one, or name another --state", o->path);
        e = ERR_IN_USE;
    }
    buffer_free(&name);
    return e;
}

enum error outbox_open(struct outbox **out, const char *path, const struct cluster_id *cluster, struct buffer *why) {
    struct outbox *o = xcalloc(1, sizeof *o);
    struct buffer aside = {0};
    buffer_printf(&aside, "%s.tmp", path);
    *o = (struct outbox){
        .path = xstrdup(path), .aside = xstrdup(buffer_cstr(&aside)), .file = -1, .locked = -1, .cluster = *cluster};
    buffer_free(&aside);
    pthread_mutex_init(&o->lock, NULL);
    *out = NULL;
    enum error e = take_lock(o, why);
    e = e == ERR_OK ? load(o, why) : e;
    e = e == ERR_OK ? rewrite(o, why) : e;
    if (e != ERR_OK) {
        outbox_close(o);
        return e;
    }
    *out = o;
    return ERR_OK;
}

void outbox_close(struct outbox *o) {
    if (o == NULL) {
        return;
    }
    if (o->file >= 0) {
        close(o->file);
    }
    if (o->locked >= 0) {
        close(o->locked);
    }
    pthread_mutex_destroy(&o->lock);
    free(o->path);
    free(o->aside);
    free(o->places);
    free(o);
}

bool outbox_find(struct outbox *o, const char *handler, struct outbox_position *position) {
    pthread_mutex_lock(&o->lock);
    const struct place *p = find(o, handler);
    *position = p == NULL ? (struct outbox_position){0} : p->position;
    pthread_mutex_unlock(&o->lock);
    return p != NULL;
}

bool outbox_highest(struct outbox *o, uint64_t *number) {
    pthread_mutex_lock(&o->lock);
    *number = 0;
    for (unsigned i = 0; i < o->count; i++) {
        *number = o->places[i].position.handed > *number ? o->places[i].position.handed : *number;
    }
    bool any = o->count > 0;
    pthread_mutex_unlock(&o->lock);
    return any;
}

/* Appends one mark durably. After a failure nobody knows what the file holds: it is written anew before the next one.
 */
static enum error put_mark(struct outbox *o, const char *word, const char *handler, struct mark m, struct buffer *why) {
    struct buffer line = {0};
    snprintf(m.word, sizeof m.word, "%s", word);
    REQUIRE(strlen(handler) <= HANDLER_NAME_MAX);
    snprintf(m.handler, sizeof m.handler, "%s", handler);
    print_mark(&line, &m);
    pthread_mutex_lock(&o->lock);
    enum error e = o->torn || o->length > JOURNAL_MAX ? rewrite(o, why) : ERR_OK;
    if (e == ERR_OK && (!durable_write_all(o->file, buffer_bytes(&line)) || fsync(o->file) != 0)) {
        e = durable_refusal(why, o->path, "write");
        o->torn = true;
    }
    if (e == ERR_OK) {
        o->length += (off_t)line.len;
        bool follows = apply(o, &m);
        ENSURE(follows);
    }
    pthread_mutex_unlock(&o->lock);
    buffer_free(&line);
    return e;
}

enum error outbox_attempt(struct outbox *o, const char *handler, uint64_t number, unsigned run, struct buffer *why) {
    return outbox_attempt_group(o, handler, number, number, run, why);
}

enum error outbox_attempt_group(struct outbox *o, const char *handler, uint64_t number, uint64_t last, unsigned run,
                                struct buffer *why) {
    REQUIRE(last >= number);
    return put_mark(o, "attempt", handler, (struct mark){.number = number, .last = last, .run = run}, why);
}

enum error outbox_done(struct outbox *o, const char *handler, uint64_t number, unsigned run, struct buffer *why) {
    return put_mark(o, "done", handler, (struct mark){.number = number, .run = run}, why);
}

enum error outbox_begins(struct outbox *o, const char *handler, uint64_t number, struct buffer *why) {
    return put_mark(o, "begins", handler, (struct mark){.number = number}, why);
}

enum error outbox_handed(struct outbox *o, const char *handler, uint64_t number, struct buffer *why) {
    return put_mark(o, "handed", handler, (struct mark){.number = number}, why);
}
