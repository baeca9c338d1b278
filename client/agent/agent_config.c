/* Reads agent.yaml through libcyaml into checks that are ready to run: durations parsed, the plugin's path found,
   every problem told with its line. */
#include "client/agent/agent_config.h"

#include "base/clock.h"
#include "client/config_file.h"
#include "proto/op.h"

#include <cyaml/cyaml.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    INTERVAL_MIN = 100,
    INTERVAL_MAX = 7 * 24 * 3600 * 1000,
    TIMEOUT_MAX = 3600 * 1000,
    TIMEOUT_DEFAULT = 60 * 1000
};

struct raw_check {
    char *host, *service, *interval, *timeout;
    char **command;
    unsigned command_count;
};
struct raw_config {
    char *plugin_dir;
    struct raw_check *checks;
    unsigned checks_count;
};

#define TEXT(flags, type, field)                                                                                       \
    CYAML_FIELD_STRING_PTR(#field, CYAML_FLAG_POINTER | (flags), type, field, 0, CYAML_UNLIMITED)

static const cyaml_schema_value_t ARGUMENT = {CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 0, CYAML_UNLIMITED)};
static const cyaml_schema_field_t CHECK_FIELDS[] = {
    TEXT(0, struct raw_check, host),
    TEXT(CYAML_FLAG_OPTIONAL, struct raw_check, service),
    TEXT(0, struct raw_check, interval),
    TEXT(CYAML_FLAG_OPTIONAL, struct raw_check, timeout),
    CYAML_FIELD_SEQUENCE("command", CYAML_FLAG_POINTER, struct raw_check, command, &ARGUMENT, 0, CYAML_UNLIMITED),
    CYAML_FIELD_END};
static const cyaml_schema_value_t CHECK = {CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_check, CHECK_FIELDS)};
static const cyaml_schema_field_t CONFIG_FIELDS[] = {
    TEXT(CYAML_FLAG_OPTIONAL, struct raw_config, plugin_dir),
    CYAML_FIELD_SEQUENCE("checks", CYAML_FLAG_POINTER, struct raw_config, checks, &CHECK, 0, CYAML_UNLIMITED),
    CYAML_FIELD_END};
static const cyaml_schema_value_t CONFIG = {CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw_config, CONFIG_FIELDS)};

struct reading {
    struct config_file *file;
    struct buffer *why;
    struct agent_config *config;
    const char *plugin_dir;
};

static void check_name(struct reading *r, unsigned index, const char *field, const char *name, bool may_be_empty) {
    size_t len = strlen(name);
    if (len == 0 && !may_be_empty) {
        config_file_problem(r->file, r->why, "checks", index, field, "is empty: name the %s", field);
    } else if (len > NAME_MAX_LEN) {
        config_file_problem(r->file, r->why, "checks", index, field, "has %zu bytes: use at most %d", len,
                            NAME_MAX_LEN);
    } else if (!utf8_valid(bytes_of_text(name))) {
        config_file_problem(r->file, r->why, "checks", index, field, "is no valid UTF-8: write it in UTF-8");
    } else if (strpbrk(name, "\n;") != NULL) {
        config_file_problem(r->file, r->why, "checks", index, field,
                            "holds a newline or ';', which no Nagios name may: use the object's name");
    }
}

static mono_ms read_duration(struct reading *r, unsigned index, const char *field, const char *text, mono_ms min,
                             mono_ms max, const char *bounds) {
    mono_ms value = 0;
    if (!clock_parse_duration(text, &value)) {
        config_file_problem(r->file, r->why, "checks", index, field,
                            "'%.40s' is no duration: write 250ms, 10s, 5m or 24h", text);
    } else if (value < min || value > max) {
        config_file_problem(r->file, r->why, "checks", index, field, "%.40s is out of bounds: use %s", text, bounds);
    }
    return value;
}

static void read_command(struct reading *r, unsigned index, struct agent_check *check, const struct raw_check *raw) {
    struct arena *arena = &r->config->arena;
    if (raw->command_count == 0 || raw->command[0][0] == '\0') {
        config_file_problem(r->file, r->why, "checks", index, "command", "is empty: name the plugin and its arguments");
        return;
    }
    if (raw->command_count > AGENT_ARGV_MAX) {
        config_file_problem(r->file, r->why, "checks", index, "command", "has %u words: use at most %d",
                            raw->command_count, AGENT_ARGV_MAX);
        return;
    }
    check->argv = arena_alloc(arena, (raw->command_count + 1) * sizeof *check->argv);
    for (unsigned i = 0; i < raw->command_count; i++) {
        check->argv[i] = arena_text(arena, bytes_of_text(raw->command[i]));
    }
    if (strchr(check->argv[0], '/') == NULL) {
        size_t size = strlen(r->plugin_dir) + strlen(check->argv[0]) + 2;
        char *path = arena_alloc(arena, size);
        snprintf(path, size, "%s/%s", r->plugin_dir, check->argv[0]);
        check->path = path;
    } else if (check->argv[0][0] == '/') {
        check->path = check->argv[0];
    } else {
        config_file_problem(r->file, r->why, "checks", index, "command",
                            "'%.100s' is a relative path: write an absolute one, or the bare name of a plugin",
                            check->argv[0]);
    }
}

static void read_check(struct reading *r, unsigned index, const struct raw_check *raw) {
    struct agent_check *check = &r->config->checks[index];
    const char *service = raw->service == NULL ? "" : raw->service;
    check_name(r, index, "host", raw->host, false);
    check_name(r, index, "service", service, raw->service == NULL);
    check->host = arena_text(&r->config->arena, bytes_of_text(raw->host));
    check->service = arena_text(&r->config->arena, bytes_of_text(service));
    check->interval = read_duration(r, index, "interval", raw->interval, INTERVAL_MIN, INTERVAL_MAX, "100ms to 168h");
    check->timeout = TIMEOUT_DEFAULT;
    if (raw->timeout != NULL) {
        check->timeout = read_duration(r, index, "timeout", raw->timeout, INTERVAL_MIN, TIMEOUT_MAX, "100ms to 1h");
    }
    read_command(r, index, check, raw);
}

static int by_name(const void *a, const void *b) {
    const struct agent_check *x = *(const struct agent_check *const *)a, *y = *(const struct agent_check *const *)b;
    int order = strcmp(x->host, y->host);
    order = order != 0 ? order : strcmp(x->service, y->service);
    return order != 0 ? order : (x > y) - (x < y);
}

static void find_duplicates(struct reading *r) {
    struct agent_config *c = r->config;
    const struct agent_check **sorted = xcalloc(c->count, sizeof *sorted);
    for (unsigned i = 0; i < c->count; i++) {
        sorted[i] = &c->checks[i];
    }
    qsort(sorted, c->count, sizeof *sorted, by_name);
    for (unsigned i = 1; i < c->count; i++) {
        const struct agent_check *x = sorted[i - 1], *y = sorted[i];
        if (strcmp(x->host, y->host) == 0 && strcmp(x->service, y->service) == 0) {
            config_file_problem(r->file, r->why, "checks", (unsigned)(y - c->checks), "host",
                                "%.100s%s%.100s is checked by an earlier entry too: keep one of them", y->host,
                                y->service[0] == '\0' ? "" : "/", y->service);
        }
    }
    free(sorted);
}

static void read_all(struct reading *r, const struct raw_config *raw) {
    r->plugin_dir = raw->plugin_dir == NULL ? AGENT_PLUGIN_DIR : raw->plugin_dir;
    if (r->plugin_dir[0] != '/') {
        config_file_problem(r->file, r->why, NULL, 0, "plugin_dir", "is no absolute path: write %s", AGENT_PLUGIN_DIR);
    }
    if (raw->checks_count == 0 || raw->checks_count > AGENT_CHECKS_MAX) {
        config_file_problem(r->file, r->why, NULL, 0, "checks", "holds %u entries: write 1 to %d", raw->checks_count,
                            AGENT_CHECKS_MAX);
        return;
    }
    r->config->count = raw->checks_count;
    r->config->checks = arena_alloc(&r->config->arena, raw->checks_count * sizeof *r->config->checks);
    for (unsigned i = 0; i < raw->checks_count; i++) {
        read_check(r, i, &raw->checks[i]);
    }
    find_duplicates(r);
}

static void *read_raw(struct config_file *file, struct buffer *why, const void *raw) {
    struct reading r = {.file = file, .why = why, .config = xcalloc(1, sizeof *r.config)};
    read_all(&r, raw);
    return r.config;
}

static void free_config(void *config) {
    agent_config_free(config);
}

static const struct config_kind KIND = {.schema = &CONFIG, .read = read_raw, .free = free_config};

enum error agent_config_parse(struct agent_config **out, struct bytes text, const char *path, struct buffer *why) {
    void *config;
    enum error e = config_file_parse(&config, &KIND, text, path, why);
    *out = config;
    return e;
}

enum error agent_config_load(struct agent_config **out, const char *path, struct buffer *why) {
    void *config;
    enum error e = config_file_load(&config, &KIND, path, why);
    *out = config;
    return e;
}

void agent_config_free(struct agent_config *c) {
    if (c != NULL) {
        arena_free(&c->arena);
        free(c);
    }
}
