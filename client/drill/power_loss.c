/* The side file has a line for each fsync, by inode, so that a file keeps its mark under another name. The highest mark
   counts, since threads write them in no order; an empty file begins anew, but keeps a name that was durable: by a sync
   of the file, or of its directory behind its creation. */
#include "client/drill/power_loss.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct mark {
    uint64_t inode;
    int64_t bytes; /* 0: nothing is synced */
    bool named;    /* a sync made its name durable */
    size_t at;     /* line of its creation; of a directory: of its last sync */
};
static struct { /* nftw hands nothing through */
    struct mark *marks;
    size_t count;
    uint64_t lost;
    FILE *out;
} walk;

static struct mark *mark_of(uint64_t inode) {
    for (size_t i = 0; i < walk.count; i++) {
        if (walk.marks[i].inode == inode) {
            return &walk.marks[i];
        }
    }
    return NULL;
}

static void take_mark(uint64_t inode, const char *what, size_t at) {
    struct mark *m = mark_of(inode);
    if (!m) {
        walk.marks = xrealloc(walk.marks, (walk.count + 1) * sizeof *walk.marks);
        m = &walk.marks[walk.count++];
        *m = (struct mark){.inode = inode};
    }
    if (strcmp(what, " new\n") == 0) {
        *m = (struct mark){.inode = inode, .at = at};
    } else if (strcmp(what, " names\n") == 0) {
        m->at = at;
    } else if (strcmp(what, " cut\n") == 0) {
        m->bytes = 0;
    } else {
        int64_t bytes = strtoll(what, NULL, 10);
        m->bytes = bytes > m->bytes ? bytes : m->bytes;
        m->named = true;
    }
}

/* A file that is not there: nothing was ever synced. */
static bool read_marks(const char *path) {
    FILE *in = fopen(path, "re");
    char line[80];
    size_t count = 0;
    bool good = in != NULL || errno == ENOENT;
    while (good && in && fgets(line, sizeof line, in)) {
        char *at;
        uint64_t inode = strtoull(line, &at, 10);
        good = at > line && *at == ' ';
        take_mark(inode, at, ++count);
    }
    if (in) {
        good = !ferror(in) && good;
        fclose(in);
    }
    return good;
}

/* Who never syncs a directory has files whose names are lost with what they hold. */
static bool keeps_name(const struct mark *m, const char *path) {
    char directory[PATH_MAX];
    struct stat st;
    snprintf(directory, sizeof directory, "%.*s", (int)(strrchr(path, '/') - path), path);
    const struct mark *above = stat(directory, &st) == 0 ? mark_of(st.st_ino) : NULL;
    return m->named || (above && above->at > m->at);
}

static int cut_back(const char *path, const struct stat *st, int kind, struct FTW *at) {
    (void)at;
    if (kind != FTW_F || !S_ISREG(st->st_mode)) {
        return 0;
    }
    const struct mark *m = mark_of(st->st_ino);
    if (!m || !keeps_name(m, path)) {
        walk.lost += (uint64_t)st->st_size;
        return unlink(path);
    }
    if (st->st_size <= m->bytes) {
        return 0;
    }
    walk.lost += (uint64_t)(st->st_size - m->bytes);
    return truncate(path, m->bytes);
}

static void forget(void) {
    free(walk.marks);
    walk.marks = NULL;
    walk.count = 0;
    walk.lost = 0;
}

enum error power_loss(const char *directory, const char *synced, uint64_t *lost, struct buffer *why) {
    forget();
    bool good = read_marks(synced);
    const char *at = good ? directory : synced;
    good = good && (nftw(directory, cut_back, 16, FTW_PHYS) == 0 || errno == ENOENT);
    if (!good) {
        buffer_printf(why, "a power loss cannot be played: %s: %s: look at it", at, strerror(errno));
    }
    *lost += walk.lost;
    forget();
    return good ? ERR_OK : ERR_IO;
}

static int put_mark(const char *path, const struct stat *st, int kind, struct FTW *at) {
    (void)path;
    (void)at;
    return kind == FTW_F &&
           fprintf(walk.out, "%llu %lld\n", (unsigned long long)st->st_ino, (long long)st->st_size) < 0;
}

enum error power_loss_spares(const char *directory, const char *synced) {
    walk.out = fopen(synced, "ae");
    bool good = walk.out && nftw(directory, put_mark, 16, FTW_PHYS) == 0;
    good = walk.out && fclose(walk.out) == 0 && good;
    walk.out = NULL;
    return good ? ERR_OK : ERR_IO;
}
