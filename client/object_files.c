/* Finding and reading object configuration files. A nagios.cfg is told from an object file by its first line that says
   something: NAME=VALUE. */
#include "client/object_files.h"

#include "client/config_file.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct walk {
    struct object_files *files;
    struct buffer *why;
    bool in_main; /* inside a nagios.cfg: what it names are object files */
    unsigned depth;
    struct directory_id {
        dev_t device;
        ino_t node;
    } above[OBJECT_FILES_DEPTH_MAX]; /* the directories being walked, outermost first */
};

static void add_path(struct walk *w, const char *path);

/* ---- one file ---- */

static bool has_source(const struct object_files *f, const char *path) {
    for (size_t i = 0; i < f->count; i++) {
        if (strcmp(f->sources[i].file, path) == 0) {
            return true;
        }
    }
    return false;
}

/* Takes text over. */
static void add_source(struct object_files *f, const char *path, struct buffer *text) {
    if (f->count == f->cap) {
        f->cap = f->cap < 16 ? 16 : f->cap * 2;
        f->sources = xrealloc(f->sources, f->cap * sizeof *f->sources);
        f->texts = xrealloc(f->texts, f->cap * sizeof *f->texts);
    }
    f->texts[f->count] = *text;
    f->sources[f->count++] = (struct object_source){xstrdup(path), buffer_bytes(text)};
    *text = (struct buffer){0};
}

/* ---- nagios.cfg ---- */

static char *trim(char *text) {
    text += strspn(text, " \t\r");
    size_t len = strlen(text);
    while (len > 0 && strchr(" \t\r", text[len - 1]) != NULL) {
        text[--len] = '\0';
    }
    return text;
}

static bool is_main_config(const struct buffer *text) {
    const char *at = (const char *)text->data, *end = at + text->len;
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *stop = newline != NULL ? newline : end;
        while (at < stop && strchr(" \t\r", *at) != NULL) {
            at++;
        }
        if (at < stop && *at != '#' && *at != ';') {
            const char *word = at;
            while (at < stop && (*at == '_' || (*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9'))) {
                at++;
            }
            return at > word && at < stop && *at == '=';
        }
        at = newline != NULL ? newline + 1 : end;
    }
    return false;
}

/* Relative names in a nagios.cfg start at its own directory. */
static char *beside(const char *config, const char *name) {
    const char *slash = strrchr(config, '/');
    struct buffer path = {0};
    if (name[0] != '/' && slash != NULL) {
        buffer_put(&path, config, (size_t)(slash - config) + 1);
    }
    buffer_printf(&path, "%s", name);
    char *copy = xstrdup(buffer_cstr(&path));
    buffer_free(&path);
    return copy;
}

static void set_interval_length(struct walk *w, const char *path, unsigned line, const char *value) {
    char *end = NULL;
    errno = 0;
    long seconds = strtol(value, &end, 10);
    if (errno != 0 || *end != '\0' || end == value || seconds < 1 || seconds > 86400) {
        buffer_printf(w->why,
                      "%s:%u: interval_length: '%.40s' is not a number of seconds from 1 to 86400: correct it\n", path,
                      line, value);
        return;
    }
    w->files->options.interval_length = seconds * 1000;
}

static void set_flag(struct walk *w, const char *path, unsigned line, const char *name, const char *value, bool *out) {
    if (strcmp(value, "0") != 0 && strcmp(value, "1") != 0) {
        buffer_printf(w->why, "%s:%u: %s: '%.40s' is neither 0 nor 1: give one of them\n", path, line, name, value);
        return;
    }
    *out = value[0] == '1';
}

/* A percentage with decimals, in thousandths; 0 means Nagios' own default. */
static void set_percent(struct walk *w, const char *path, unsigned line, const char *name, const char *value,
                        uint32_t *out) {
    char *end = NULL;
    double percent = strtod(value, &end);
    if (end == value || *end != '\0' || !(percent >= 0 && percent <= 100)) {
        buffer_printf(w->why, "%s:%u: %s: '%.40s' is not a percentage from 0 to 100: correct it\n", path, line, name,
                      value);
        return;
    }
    *out = (uint32_t)(percent * 1000 + 0.5);
}

/* What nagios.cfg says of flap detection; false: something else. */
static bool take_flapping(struct walk *w, const char *path, unsigned line, const char *name, const char *value) {
    struct object_options *o = &w->files->options;
    const struct {
        const char *name;
        uint32_t *percent;
    } thresholds[] = {{"low_host_flap_threshold", &o->host_flapping.low},
                      {"high_host_flap_threshold", &o->host_flapping.high},
                      {"low_service_flap_threshold", &o->service_flapping.low},
                      {"high_service_flap_threshold", &o->service_flapping.high}};
    if (strcmp(name, "enable_flap_detection") == 0) {
        set_flag(w, path, line, name, value, &o->flap_detection);
        return true;
    }
    for (size_t i = 0; i < sizeof thresholds / sizeof *thresholds; i++) {
        if (strcmp(name, thresholds[i].name) == 0) {
            set_percent(w, path, line, name, value, thresholds[i].percent);
            return true;
        }
    }
    return false;
}

static void take_setting(struct walk *w, const char *path, unsigned line, const char *name, const char *value) {
    if (strcmp(name, "cfg_file") == 0 || strcmp(name, "cfg_dir") == 0) {
        char *named = beside(path, value);
        add_path(w, named);
        free(named);
    } else if (strcmp(name, "interval_length") == 0) {
        set_interval_length(w, path, line, value);
    } else if (take_flapping(w, path, line, name, value)) {
        return;
    } else if ((strcmp(name, "use_regexp_matching") == 0 || strcmp(name, "use_true_regexp_matching") == 0) &&
               strcmp(value, "0") != 0) {
        buffer_printf(w->why, "%s:%u: %s: names by pattern are not supported: set it to 0 and write the names out\n",
                      path, line, name);
    } else {
        buffer_printf(&w->files->ignored, "%s (first at %s:%u)\n", name, path, line);
    }
}

static void read_main_config(struct walk *w, const char *path, struct buffer *text) {
    if (w->in_main) {
        buffer_printf(w->why, "%s:1: a main configuration inside another one: name object files there\n", path);
        return;
    }
    w->in_main = true;
    char *rest = xstrdup(buffer_cstr(text)), *at = rest;
    for (unsigned line = 1; at != NULL; line++) {
        char *next = strchr(at, '\n');
        if (next != NULL) {
            *next++ = '\0';
        }
        char *setting = trim(at), *equals = strchr(setting, '=');
        at = next;
        if (*setting == '\0' || *setting == '#' || *setting == ';') {
            continue;
        }
        if (equals == NULL) {
            buffer_printf(w->why, "%s:%u: '%.40s': not of the form NAME=VALUE: correct it\n", path, line, setting);
            continue;
        }
        *equals = '\0';
        take_setting(w, path, line, trim(setting), trim(equals + 1));
    }
    free(rest);
    w->in_main = false;
}

/* ---- walking ---- */

static void add_file(struct walk *w, const char *path) {
    struct buffer text = {0}, why = {0};
    if (has_source(w->files, path)) {
        return;
    }
    if (w->files->count >= OBJECT_FILES_MAX) {
        buffer_printf(w->why, "%s: more than %d files: join some\n", path, OBJECT_FILES_MAX);
    } else if (config_file_read(&text, path, &why) != ERR_OK) {
        buffer_put(w->why, why.data, why.len);
        if (why.len == 0 || why.data[why.len - 1] != '\n') {
            buffer_u8(w->why, '\n');
        }
    } else if (is_main_config(&text)) {
        read_main_config(w, path, &text);
    } else {
        add_source(w->files, path, &text);
    }
    buffer_free(&text);
    buffer_free(&why);
}

static int by_name(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

static bool is_directory(const char *path) {
    struct stat s;
    return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

static bool ends_with_cfg(const char *name) {
    size_t len = strlen(name);
    return len > 4 && strcmp(name + len - 4, ".cfg") == 0;
}

static void add_directory(struct walk *w, const char *path) {
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, NULL, by_name);
    if (count < 0) {
        buffer_printf(w->why, "%s: %s: make the directory readable\n", path, strerror(errno));
        return;
    }
    for (int i = 0; i < count; i++) {
        struct buffer name = {0};
        size_t len = strlen(path);
        buffer_printf(&name, "%s%s%s", path, len > 0 && path[len - 1] == '/' ? "" : "/", entries[i]->d_name);
        bool hidden = entries[i]->d_name[0] == '.';
        if (!hidden && (ends_with_cfg(entries[i]->d_name) || is_directory(buffer_cstr(&name)))) {
            add_path(w, buffer_cstr(&name));
        }
        buffer_free(&name);
        free(entries[i]);
    }
    free(entries);
}

/* False: the directory is one of those that are being walked (a symbolic link made a circle), or too deep. */
static bool enter(struct walk *w, const struct stat *s) {
    for (unsigned i = 0; i < w->depth; i++) {
        if (w->above[i].device == s->st_dev && w->above[i].node == s->st_ino) {
            return false;
        }
    }
    if (w->depth == OBJECT_FILES_DEPTH_MAX) {
        return false;
    }
    w->above[w->depth++] = (struct directory_id){s->st_dev, s->st_ino};
    return true;
}

static void add_path(struct walk *w, const char *path) {
    struct stat s;
    if (stat(path, &s) != 0 || !S_ISDIR(s.st_mode)) {
        add_file(w, path);
    } else if (enter(w, &s)) {
        add_directory(w, path);
        w->depth--;
    } else {
        buffer_printf(w->why, "%s: directories nest in a circle, or deeper than %d: flatten them\n", path,
                      OBJECT_FILES_DEPTH_MAX);
    }
}

void object_files_add(struct object_files *f, const char *path, struct buffer *why) {
    struct walk w = {.files = f, .why = why};
    add_path(&w, path);
}

void object_files_free(struct object_files *f) {
    for (size_t i = 0; i < f->count; i++) {
        free((char *)(uintptr_t)f->sources[i].file);
        buffer_free(&f->texts[i]);
    }
    free(f->sources);
    free(f->texts);
    buffer_free(&f->ignored);
    *f = (struct object_files){0};
}
