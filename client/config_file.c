/* Loads YAML through libcyaml and turns what it logs into one sentence for people. The library tells no line of a value
   that it took, so the line of an entry is asked for by loading again with a schema that allows only the entries
   before it: the refusal names the place. */
#include "client/config_file.h"

#include <cyaml/cyaml.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct complaint {
    char text[256]; /* the first message of the library, without "Load: " */
    char field[64]; /* innermost mapping field of the backtrace */
    unsigned line;  /* innermost line of the backtrace, 0: none */
};

static void keep_complaint(cyaml_log_t level, void *context, const char *format, va_list args) {
    struct complaint *c = context;
    char line[256];
    unsigned number;
    (void)level;
    vsnprintf(line, sizeof line, format, args);
    line[strcspn(line, "\n")] = '\0';
    const char *text = strncmp(line, "Load: ", 6) == 0 ? line + 6 : line;
    if (c->text[0] == '\0') {
        snprintf(c->text, sizeof c->text, "%s", text);
    }
    const char *place = strstr(line, "(line: ");
    if (place != NULL && c->line == 0 && sscanf(place, "(line: %u", &number) == 1) {
        c->line = number;
        sscanf(line, "  in mapping field '%63[^']'", c->field);
    }
}

static enum error load(void **out, struct complaint *c, struct bytes text, const cyaml_schema_value_t *schema,
                       cyaml_cfg_flags_t flags) {
    cyaml_config_t config = {
        .log_level = CYAML_LOG_ERROR, .log_fn = keep_complaint, .log_ctx = c, .mem_fn = cyaml_mem, .flags = flags};
    cyaml_data_t *data = NULL;
    *c = (struct complaint){.line = 0};
    *out = NULL;
    if (cyaml_load_data(text.data, text.len, &config, schema, &data, NULL) != CYAML_OK) {
        return ERR_MALFORMED;
    }
    *out = data;
    return ERR_OK;
}

static void unload(const cyaml_schema_value_t *schema, void *data) {
    cyaml_config_t config = {.log_level = CYAML_LOG_ERROR, .log_fn = NULL, .mem_fn = cyaml_mem};
    cyaml_free(&config, schema, data, 0);
}

enum error config_file_read(struct buffer *text, const char *path, struct buffer *why) {
    FILE *f = fopen(path, "re");
    if (f == NULL) {
        enum error e = errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
        buffer_printf(why, "cannot be read: %s: %s", path, strerror(errno));
        return e;
    }
    size_t got, before = text->len;
    do {
        got = fread(buffer_extend(text, 65536), 1, 65536, f);
        text->len -= 65536 - got;
    } while (got > 0 && text->len - before <= CONFIG_FILE_MAX);
    bool failed = ferror(f) != 0;
    fclose(f);
    if (failed) {
        buffer_printf(why, "cannot be read: %s: is it a directory?", path);
        return ERR_IO;
    }
    if (text->len - before > CONFIG_FILE_MAX) {
        buffer_printf(why, "is too long: %s: keep it under 16 MiB", path);
        return ERR_OVERSIZED;
    }
    return ERR_OK;
}

/* Line `first` is 1-based; returns the offset at which it begins. */
static size_t offset_of_line(struct bytes text, unsigned first) {
    size_t at = 0;
    for (unsigned line = 1; line < first && at < text.len; line++) {
        const uint8_t *newline = memchr(text.data + at, '\n', text.len - at);
        at = newline == NULL ? text.len : (size_t)(newline - text.data) + 1;
    }
    return at;
}

static bool word_byte(uint8_t c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

/* The first line in [from, to) on which `field` stands as a key; `from` when there is none. */
static unsigned line_of_key(struct bytes text, unsigned from, unsigned to, const char *field) {
    size_t at = offset_of_line(text, from), end = offset_of_line(text, to), len = strlen(field);
    unsigned line = from;
    for (; at + len < end; at++) {
        if (text.data[at] == '\n') {
            line++;
        } else if (memcmp(text.data + at, field, len) == 0 && (at == 0 || !word_byte(text.data[at - 1]))) {
            size_t after = at + len;
            while (after < end && (text.data[after] == ' ' || text.data[after] == '"' || text.data[after] == '\'')) {
                after++;
            }
            if (after < end && text.data[after] == ':') {
                return line;
            }
        }
    }
    return from;
}

static unsigned line_count(struct bytes text) {
    unsigned lines = 1;
    for (size_t i = 0; i < text.len; i++) {
        lines += text.data[i] == '\n';
    }
    return lines;
}

struct any_list {
    void *entries;
    unsigned entries_count;
};

/* The line where entry `index` of `list` begins; one past the last line when there is no such entry. */
static unsigned line_of_entry(struct bytes text, const char *list, unsigned index) {
    static const cyaml_schema_value_t entry = {.type = CYAML_IGNORE, .data_size = 1};
    const cyaml_schema_field_t fields[] = {{.key = list,
                                            .data_offset = offsetof(struct any_list, entries),
                                            .count_offset = offsetof(struct any_list, entries_count),
                                            .count_size = sizeof(unsigned),
                                            .value = {.type = CYAML_SEQUENCE,
                                                      .flags = CYAML_FLAG_POINTER,
                                                      .data_size = 1,
                                                      .sequence = {.entry = &entry, .min = 0, .max = index}}},
                                           CYAML_FIELD_END};
    const cyaml_schema_value_t top = {CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct any_list, fields)};
    struct complaint c;
    void *data;
    if (load(&data, &c, text, &top, CYAML_CFG_IGNORE_UNKNOWN_KEYS) == ERR_OK) {
        unload(&top, data);
        return line_count(text) + 1;
    }
    return c.line == 0 ? 1 : c.line;
}

unsigned config_file_line(const struct config_file *file, const char *list, unsigned index, const char *field) {
    if (list == NULL) {
        return line_of_key(file->text, 1, line_count(file->text) + 1, field);
    }
    unsigned from = line_of_entry(file->text, list, index);
    unsigned to = line_of_entry(file->text, list, index + 1);
    return line_of_key(file->text, from, to > from ? to : from + 1, field);
}

static void put_problem(struct config_file *file, struct buffer *why, unsigned line, const char *field) {
    if (why->len > 0) {
        buffer_printf(why, "\n");
    }
    buffer_printf(why, "%s:%u: ", file->path, line);
    buffer_plain(why, field); /* the author's words stay in their line */
    buffer_printf(why, "%s", field[0] == '\0' ? "" : ": ");
    file->problems++;
}

void config_file_problem(struct config_file *file, struct buffer *why, const char *list, unsigned index,
                         const char *field, const char *format, ...) {
    if (file->problems >= CONFIG_PROBLEMS_MAX) {
        file->problems++;
        return;
    }
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    put_problem(file, why, config_file_line(file, list, index, field), field);
    buffer_plain(why, text);
}

/* The library's words, the field they end with, and ours. */
static const struct {
    const char *theirs, *ours;
} SAYINGS[] = {
    {"Unexpected key: ", "is no key of this file: correct or remove it"},
    {"Ignoring key: ", "is no key of this file: correct or remove it"},
    {"Missing required mapping field: ", "is missing: add it to this entry"},
    {"Mapping field already seen: ", "is given twice: keep one"},
};

static void tell_complaint(struct config_file *file, struct buffer *why, const struct complaint *c) {
    unsigned line = c->line == 0 ? 1 : c->line;
    for (size_t i = 0; i < sizeof SAYINGS / sizeof SAYINGS[0]; i++) {
        size_t len = strlen(SAYINGS[i].theirs);
        if (strncmp(c->text, SAYINGS[i].theirs, len) == 0) {
            const char *field = c->text + len;
            put_problem(file, why, line_of_key(file->text, line, line_count(file->text) + 1, field), field);
            buffer_printf(why, "%s", SAYINGS[i].ours);
            return;
        }
    }
    put_problem(file, why, line, c->field);
    if (strncmp(c->text, "libyaml: ", 9) == 0) {
        buffer_printf(why, "is no valid YAML: ");
        buffer_plain(why, c->text + 9);
        buffer_printf(why, ": correct it");
    } else if (strncmp(c->text, "Expecting ", 10) == 0) {
        bool list = strncmp(c->text + 10, "SEQUENCE", 8) == 0;
        buffer_printf(why, "has the wrong shape: write %s",
                      list                                       ? "a list: [a, b]"
                      : strncmp(c->text + 10, "MAPPING", 7) == 0 ? "key: value pairs"
                                                                 : "one plain value");
    } else {
        buffer_printf(why, "is refused: ");
        buffer_plain(why, c->text);
        buffer_printf(why, ": correct it");
    }
}

static enum error load_told(void **out, struct config_file *file, const struct cyaml_schema_value *schema,
                            struct buffer *why) {
    struct complaint c;
    enum error e = load(out, &c, file->text, schema, CYAML_CFG_NO_ALIAS);
    if (e != ERR_OK) {
        tell_complaint(file, why, &c);
    } else if (*out == NULL) {
        put_problem(file, why, 1, "");
        buffer_printf(why, "is empty: write a list of entries");
        e = ERR_MALFORMED;
    }
    return e;
}

enum error config_file_parse(void **out, const struct config_kind *kind, struct bytes text, const char *path,
                             struct buffer *why) {
    struct config_file file = {.path = path, .text = text};
    void *raw = NULL;
    *out = NULL;
    enum error e = load_told(&raw, &file, kind->schema, why);
    if (e != ERR_OK) {
        return e;
    }
    *out = kind->read(&file, why, raw);
    unload(kind->schema, raw);
    if (file.problems > 0) {
        kind->free(*out);
        *out = NULL;
        return ERR_MALFORMED;
    }
    return ERR_OK;
}

enum error config_file_load(void **out, const struct config_kind *kind, const char *path, struct buffer *why) {
    struct buffer text = {0};
    *out = NULL;
    enum error e = config_file_read(&text, path, why);
    if (e == ERR_OK) {
        e = config_file_parse(out, kind, buffer_bytes(&text), path, why);
    }
    buffer_free(&text);
    return e;
}
