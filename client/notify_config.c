/* Reads notify.yaml through libcyaml. Types of handlers that this build lacks are keys of the schema, so that they are
   refused by their name rather than as typing errors. */
#include "client/notify_config.h"

#include "base/clock.h"
#include "client/config_file.h"
#include "client/macros.h"

#include <cyaml/cyaml.h>
#include <stdlib.h>
#include <string.h>

enum { TIMEOUT_DEFAULT = 30000, TIMEOUT_MIN = 100, TIMEOUT_MAX = 3600 * 1000, NAME_BYTES_MAX = 64, WORDS_MAX = 256 };

struct raw_handler {
    char *name, *timeout, *webhook, *alertmanager, *smtp, *to;
    char **command, **types, **contacts;
    unsigned command_count, types_count, contacts_count;
};
struct raw_config {
    struct raw_handler *handlers;
    unsigned handlers_count;
};

#define TEXT(flags, field)                                                                                             \
    CYAML_FIELD_STRING_PTR(#field, CYAML_FLAG_POINTER | (flags), struct raw_handler, field, 0, CYAML_UNLIMITED)
#define LIST(field)                                                                                                    \
    CYAML_FIELD_SEQUENCE(#field, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw_handler, field, &WORD, 0,        \
                         CYAML_UNLIMITED)

static const cyaml_schema_value_t WORD = {CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 0, CYAML_UNLIMITED)};
static const cyaml_schema_field_t HANDLER_FIELDS[] = {TEXT(0, name),
                                                      TEXT(CYAML_FLAG_OPTIONAL, timeout),
                                                      TEXT(CYAML_FLAG_OPTIONAL, webhook),
                                                      TEXT(CYAML_FLAG_OPTIONAL, alertmanager),
                                                      TEXT(CYAML_FLAG_OPTIONAL, smtp),
                                                      TEXT(CYAML_FLAG_OPTIONAL, to),
                                                      LIST(command),
                                                      LIST(types),
                                                      LIST(contacts),
                                                      CYAML_FIELD_END};
static const cyaml_schema_value_t HANDLER = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_handler, HANDLER_FIELDS)};
static const cyaml_schema_field_t CONFIG_FIELDS[] = {
    CYAML_FIELD_SEQUENCE("handlers", CYAML_FLAG_POINTER, struct raw_config, handlers, &HANDLER, 0, CYAML_UNLIMITED),
    CYAML_FIELD_END};
static const cyaml_schema_value_t CONFIG = {CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw_config, CONFIG_FIELDS)};

struct reading {
    struct config_file *file;
    struct buffer *why;
    struct notify_config *config;
};

#define PROBLEM(r, index, field, ...) config_file_problem((r)->file, (r)->why, "handlers", index, field, __VA_ARGS__)

static void read_name(struct reading *r, unsigned index, const char *name) {
    static const char ALLOWED[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t len = strlen(name);
    if (len == 0 || len > NAME_BYTES_MAX || strspn(name, ALLOWED) != len) {
        PROBLEM(r, index, "name", "'%.80s' is no name: use 1 to %d letters, digits, '.', '_' and '-'", name,
                NAME_BYTES_MAX);
    }
    for (unsigned i = 0; i < index; i++) {
        if (strcmp(r->config->handlers[i].name, name) == 0) {
            PROBLEM(r, index, "name", "'%.80s' is the name of an earlier handler: choose another", name);
        }
    }
    r->config->handlers[index].name = arena_text(&r->config->arena, bytes_of_text(name));
}

/* "sh -c TEXT": TEXT is a program, and what a plugin printed must not become part of it. */
static bool is_shell_text(const struct raw_handler *raw, unsigned word) {
    const char *slash = strrchr(raw->command[0], '/'), *name = slash == NULL ? raw->command[0] : slash + 1;
    size_t len = strlen(name);
    return word >= 2 && len >= 2 && strcmp(name + len - 2, "sh") == 0 && strcmp(raw->command[word - 1], "-c") == 0;
}

static void read_command(struct reading *r, unsigned index, const struct raw_handler *raw) {
    struct notify_handler *h = &r->config->handlers[index];
    struct buffer unknown = {0};
    if (raw->command_count > WORDS_MAX) {
        PROBLEM(r, index, "command", "has %u words: use at most %d", raw->command_count, WORDS_MAX);
        return;
    }
    if (raw->command[0][0] != '/') {
        PROBLEM(r, index, "command", "'%.100s' is no absolute path: write the whole path of the program",
                raw->command[0]);
    }
    h->argv = arena_alloc(&r->config->arena, (raw->command_count + 1) * sizeof *h->argv);
    for (unsigned i = 0; i < raw->command_count; i++) {
        h->argv[i] = arena_text(&r->config->arena, bytes_of_text(raw->command[i]));
        buffer_clear(&unknown);
        if (i > 0 && !macro_argument_valid(raw->command[i], &unknown)) {
            PROBLEM(r, index, "command", "%s in '%.100s' is no macro of an alert: correct it, or write $$ for a $",
                    buffer_cstr(&unknown), raw->command[i]);
        } else if (is_shell_text(raw, i) && macro_argument_foreign(raw->command[i])) {
            PROBLEM(
                r, index, "command",
                "'%.100s' puts what plugins print into a shell's program: use \"$$NAGIOS_SERVICEOUTPUT\" and the like",
                raw->command[i]);
        }
    }
    buffer_free(&unknown);
}

/* Which handler types were asked for; exactly `command` is there. */
static void read_kind(struct reading *r, unsigned index, const struct raw_handler *raw) {
    const struct {
        const char *field, *value;
    } lacking[] = {{"webhook", raw->webhook}, {"alertmanager", raw->alertmanager}, {"smtp", raw->smtp}};
    bool told = false;
    for (size_t i = 0; i < sizeof lacking / sizeof lacking[0]; i++) {
        if (lacking[i].value != NULL) {
            PROBLEM(r, index, lacking[i].field, "this build has no handlers of this type: use a command");
            told = true;
        }
    }
    if (told) {
        return;
    }
    if (raw->to != NULL) {
        PROBLEM(r, index, "to", "belongs to smtp, which this build does not have: use a command");
    }
    if (raw->command_count == 0) {
        PROBLEM(r, index, "command", "is missing: name the program and its arguments");
    } else {
        read_command(r, index, raw);
    }
}

static void read_types(struct reading *r, unsigned index, const struct raw_handler *raw) {
    struct notify_handler *h = &r->config->handlers[index];
    for (unsigned i = 0; i < raw->types_count; i++) {
        int type = ALERT_PROBLEM;
        while (type < ALERT_TYPE_LIMIT && strcmp(alert_type_name((enum alert_type)type), raw->types[i]) != 0) {
            type++;
        }
        if (type == ALERT_TYPE_LIMIT) {
            PROBLEM(r, index, "types",
                    "'%.40s' is no type of alert: use PROBLEM, RECOVERY, ACKNOWLEDGEMENT, "
                    "FLAPPINGSTART, FLAPPINGSTOP, FLAPPINGDISABLED, DOWNTIMESTART, DOWNTIMEEND, DOWNTIMECANCELLED, "
                    "CUSTOM, DISSENT or SYSTEM",
                    raw->types[i]);
        }
        h->types |= 1u << type;
    }
    if (raw->types_count == 0) {
        h->types = ~0u;
    }
}

static void read_handler(struct reading *r, unsigned index, const struct raw_handler *raw) {
    struct notify_handler *h = &r->config->handlers[index];
    read_name(r, index, raw->name);
    read_kind(r, index, raw);
    read_types(r, index, raw);
    h->timeout = TIMEOUT_DEFAULT;
    if (raw->timeout != NULL &&
        (!clock_parse_duration(raw->timeout, &h->timeout) || h->timeout < TIMEOUT_MIN || h->timeout > TIMEOUT_MAX)) {
        PROBLEM(r, index, "timeout", "'%.40s' is no duration from 100ms to 1h: write 30s", raw->timeout);
    }
    h->contact_count = raw->contacts_count;
    h->contacts = arena_alloc(&r->config->arena, (raw->contacts_count + 1) * sizeof *h->contacts);
    for (unsigned i = 0; i < raw->contacts_count; i++) {
        h->contacts[i] = arena_text(&r->config->arena, bytes_of_text(raw->contacts[i]));
    }
}

static void read_all(struct reading *r, const struct raw_config *raw) {
    if (raw->handlers_count == 0 || raw->handlers_count > HANDLERS_MAX) {
        config_file_problem(r->file, r->why, NULL, 0, "handlers", "holds %u entries: write 1 to %d",
                            raw->handlers_count, HANDLERS_MAX);
        return;
    }
    r->config->count = raw->handlers_count;
    r->config->handlers = arena_alloc(&r->config->arena, raw->handlers_count * sizeof *r->config->handlers);
    for (unsigned i = 0; i < raw->handlers_count; i++) {
        read_handler(r, i, &raw->handlers[i]);
    }
}

static void *read_raw(struct config_file *file, struct buffer *why, const void *raw) {
    struct reading r = {.file = file, .why = why, .config = xcalloc(1, sizeof *r.config)};
    read_all(&r, raw);
    return r.config;
}

static void free_config(void *config) {
    notify_config_free(config);
}

static const struct config_kind KIND = {.schema = &CONFIG, .read = read_raw, .free = free_config};

enum error notify_config_parse(struct notify_config **out, struct bytes text, const char *path, struct buffer *why) {
    void *config;
    enum error e = config_file_parse(&config, &KIND, text, path, why);
    *out = config;
    return e;
}

enum error notify_config_load(struct notify_config **out, const char *path, struct buffer *why) {
    void *config;
    enum error e = config_file_load(&config, &KIND, path, why);
    *out = config;
    return e;
}

void notify_config_free(struct notify_config *c) {
    if (c != NULL) {
        arena_free(&c->arena);
        free(c);
    }
}

bool notify_handler_wants(const struct notify_handler *h, const struct alert *a, unsigned run) {
    if ((h->types >> a->type & 1u) == 0) {
        return false;
    }
    if (h->contact_count == 0) {
        return run == 0;
    }
    for (unsigned i = 0; i < h->contact_count; i++) {
        if (run < a->contact_count && strcmp(h->contacts[i], a->contacts[run].name) == 0) {
            return true;
        }
    }
    return false;
}

unsigned notify_handler_runs(const struct notify_handler *h, const struct alert *a) {
    return h->contact_count == 0 ? 1 : a->contact_count;
}
