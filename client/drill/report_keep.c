/* Keeps the newest reports for `quorate drill report`, and writes files so that a reader sees the old or the new one.
 */
#include "base/invariant.h"
#include "client/drill/report.h"
#include "client/durable.h"
#include "client/read_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool report_directory(struct buffer *out) {
    const char *own = getenv("QUORATE_DRILLS"), *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    buffer_clear(out);
    if (own != NULL && *own != '\0') {
        buffer_printf(out, "%s", own);
    } else if (state != NULL && *state != '\0') {
        buffer_printf(out, "%s/quorate/drills", state);
    } else if (home != NULL && *home != '\0') {
        buffer_printf(out, "%s/.local/state/quorate/drills", home);
    }
    return out->len > 0;
}

static enum error make_directories(const char *path, struct buffer *why) {
    char *copy = xstrdup(path);
    enum error e = ERR_OK;
    for (char *at = copy + 1; e == ERR_OK && at != NULL;) {
        at = strchr(at, '/');
        if (at != NULL) {
            *at = '\0';
        }
        if (mkdir(copy, 0700) != 0 && errno != EEXIST) {
            e = durable_refusal(why, copy, "make");
        }
        if (at != NULL) {
            *at++ = '/';
        }
    }
    free(copy);
    return e;
}

static int open_aside(struct buffer *name, const char *path) {
    buffer_printf(name, "%s.%ld", path, (long)getpid());
    return open(buffer_cstr(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
}

enum error report_write(const char *path, struct bytes content, struct buffer *why) {
    struct buffer aside = {0};
    int fd = open_aside(&aside, path);
    bool good = fd >= 0 && durable_write_all(fd, content) && fsync(fd) == 0;
    good = good && rename(buffer_cstr(&aside), path) == 0;
    enum error e = good ? ERR_OK : durable_refusal(why, path, "write");
    if (fd >= 0) {
        close(fd);
        if (!good) {
            unlink(buffer_cstr(&aside));
        }
    }
    buffer_free(&aside);
    return e;
}

enum error report_writable(const char *path, struct buffer *why) {
    struct buffer aside = {0};
    struct stat s;
    int fd = open_aside(&aside, path);
    bool good = fd >= 0;
    if (good) {
        close(fd);
        unlink(buffer_cstr(&aside));
    }
    if (good && stat(path, &s) == 0 && S_ISDIR(s.st_mode)) {
        errno = EISDIR;
        good = false;
    }
    buffer_free(&aside);
    return good ? ERR_OK : durable_refusal(why, path, "write");
}

static enum error keep_one(const json_t *report, const char *directory, struct buffer *why) {
    const char *name = json_string_value(json_object_get(report, "name"));
    struct buffer path = {0}, line = {0};
    buffer_printf(&path, "%s/%s.json", directory, name);
    report_line(&line, report);
    enum error e = report_write(buffer_cstr(&path), buffer_bytes(&line), why);
    buffer_free(&path);
    buffer_free(&line);
    return e;
}

enum error report_keep(const json_t *reports, const char *directory, struct buffer *why) {
    struct buffer path = {0}, all = {0};
    const json_t *r;
    size_t i;
    enum error e = make_directories(directory, why);
    json_array_foreach(reports, i, r) {
        report_line(&all, r);
        e = e == ERR_OK ? keep_one(r, directory, why) : e;
    }
    buffer_printf(&path, "%s/last.jsonl", directory);
    e = e == ERR_OK ? report_write(buffer_cstr(&path), buffer_bytes(&all), why) : e;
    buffer_free(&path);
    buffer_free(&all);
    return e;
}

static const char advice[] = "give a file that `drill run --json` printed";

/* NULL: one of them is no report. */
static json_t *parse_lines(char *text, const char *path, struct buffer *why) {
    char *save = NULL;
    json_t *list = json_array();
    unsigned number = 0;
    for (char *line = strtok_r(text, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
        json_t *report = json_loads(line, 0, NULL);
        number++;
        if (!json_is_object(report) || !json_is_string(json_object_get(report, "verdict"))) {
            buffer_printf(why, "no report of a drill: %s:%u: %s", path, number, advice);
            json_decref(report);
            json_decref(list);
            return NULL;
        }
        json_array_append_new(list, report);
    }
    return list;
}

static json_t *read_lines(const char *path, struct buffer *why) {
    struct buffer text = {0};
    json_t *list = NULL;
    if (!read_file(&text, path)) {
        buffer_printf(why, "no report: %s: %s: run a drill first, or name a file", path, strerror(errno));
    } else if (text.len == 0) {
        buffer_printf(why, "no report, the file is empty: %s: %s", path, advice);
    } else if (memchr(text.data, '\0', text.len) != NULL) {
        buffer_printf(why, "no report, a NUL is in it: %s: %s", path, advice);
    } else {
        char *copy = xstrdup(buffer_cstr(&text));
        list = parse_lines(copy, path, why);
        free(copy);
    }
    buffer_free(&text);
    return list;
}

json_t *report_read(const char *which, struct buffer *why) {
    struct buffer path = {0};
    bool last = strcmp(which, "last") == 0;
    const struct drill *d = drill_find(which);
    if (last || d != NULL) {
        if (!report_directory(&path)) {
            buffer_printf(why, "nowhere to look: $HOME: set it, or QUORATE_DRILLS");
            return NULL;
        }
        buffer_printf(&path, "/%s", last ? "last.jsonl" : d->name);
        buffer_printf(&path, "%s", last ? "" : ".json");
    } else {
        buffer_printf(&path, "%s", which);
    }
    json_t *list = read_lines(buffer_cstr(&path), why);
    buffer_free(&path);
    return list;
}
