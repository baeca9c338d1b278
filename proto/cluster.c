/* Reads cluster.yaml through libcyaml, whose schema and types stay in this file. The schema refuses unknown keys and
   wrong shapes; what needs more than a shape is judged in cluster_build.c. */
#include "proto/cluster.h"

#include "proto/cluster_parts.h"
#include "proto/yaml_trace.h"

#include <cyaml/cyaml.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { CLUSTER_FILE_MAX = 4 << 20, RAW_TEXT_MAX = 4096 };

#define TEXT(name, type, member) CYAML_FIELD_STRING_PTR(name, CYAML_FLAG_POINTER, type, member, 0, RAW_TEXT_MAX)
#define TEXT_OPTIONAL(name, type, member)                                                                              \
    CYAML_FIELD_STRING_PTR(name, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, 0, RAW_TEXT_MAX)

static const cyaml_schema_field_t member_fields[] = {
    CYAML_FIELD_UINT("id", CYAML_FLAG_DEFAULT, struct raw_member, id),
    TEXT("key", struct raw_member, key),
    TEXT("peer", struct raw_member, peer),
    TEXT("client", struct raw_member, client),
    TEXT_OPTIONAL("http", struct raw_member, http),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t member_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_member, member_fields)};

static const cyaml_strval_t role_words[] = {
    {"admin", OPERATOR_ADMIN}, {"drill", OPERATOR_DRILL}, {"notify", OPERATOR_NOTIFY}};
static const cyaml_schema_field_t operator_fields[] = {
    TEXT("name", struct raw_operator, name),
    TEXT("key", struct raw_operator, key),
    CYAML_FIELD_FLAGS("roles", CYAML_FLAG_STRICT, struct raw_operator, roles, role_words, 3),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t operator_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_operator, operator_fields)};

static const cyaml_schema_value_t glob_value = {CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 0, RAW_TEXT_MAX)};
static const cyaml_schema_field_t observer_fields[] = {
    TEXT("name", struct raw_observer, name),
    TEXT("key", struct raw_observer, key),
    CYAML_FIELD_SEQUENCE("hosts", CYAML_FLAG_POINTER, struct raw_observer, hosts, &glob_value, 1, HOST_GLOBS_MAX),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t observer_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_observer, observer_fields)};

static const cyaml_schema_field_t tls_fields[] = {
    TEXT_OPTIONAL("ca", struct raw_tls, ca),
    TEXT_OPTIONAL("cert", struct raw_tls, cert),
    TEXT_OPTIONAL("key", struct raw_tls, key),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t knob_fields[] = {
#define KNOB(field, standard, lowest, highest, help)                                                                   \
    CYAML_FIELD_UINT_PTR(#field, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw_knobs, field),
    KNOB_LIST(KNOB)
#undef KNOB
        CYAML_FIELD_END,
};

/* Strings, not booleans: `off` stays the word that was written. */
static const cyaml_strval_t drill_words[] = {{"off", DRILLS_OFF}, {"sandbox", DRILLS_SANDBOX}, {"live", DRILLS_LIVE}};

static const cyaml_schema_field_t cluster_fields[] = {
    TEXT("cluster", struct raw_cluster, cluster),
    CYAML_FIELD_SEQUENCE("replicas", CYAML_FLAG_POINTER, struct raw_cluster, replicas, &member_value, 4, MEMBERS_MAX),
    CYAML_FIELD_SEQUENCE("operators", CYAML_FLAG_POINTER, struct raw_cluster, operators, &operator_value, 1,
                         OPERATORS_MAX),
    CYAML_FIELD_SEQUENCE("observers", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw_cluster, observers,
                         &observer_value, 0, OBSERVERS_MAX),
    CYAML_FIELD_UINT_PTR("operators_needed", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw_cluster,
                         operators_needed),
    CYAML_FIELD_MAPPING_PTR("tls", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw_cluster, tls, tls_fields),
    CYAML_FIELD_MAPPING_PTR("protocol", CYAML_FLAG_POINTER_NULL | CYAML_FLAG_OPTIONAL, struct raw_cluster, protocol,
                            knob_fields),
    CYAML_FIELD_ENUM("drills", CYAML_FLAG_STRICT | CYAML_FLAG_OPTIONAL, struct raw_cluster, drills, drill_words, 3),
    CYAML_FIELD_UINT("genesis_ms", CYAML_FLAG_OPTIONAL, struct raw_cluster, genesis_ms),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t cluster_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw_cluster, cluster_fields)};

static void note(cyaml_log_t level, void *trace, const char *format, va_list args) {
    (void)level;
    yaml_trace_note(trace, format, args);
}

/* A warning of the library (a second document) is an error here: nothing that was written is dropped in silence. */
static struct raw_cluster *raw_load(const cyaml_config_t *config, struct bytes text, const char *path,
                                    struct buffer *why) {
    struct yaml_trace *trace = config->log_ctx;
    cyaml_data_t *data = NULL;
    const uint8_t *start = text.data == NULL ? (const uint8_t *)"" : text.data; /* an empty file: libyaml asserts */
    cyaml_err_t e = cyaml_load_data(start, text.len, config, &cluster_value, &data, NULL);
    if (e == CYAML_OK && data == NULL) {
        buffer_printf(why, "%s:1: file: empty: name a cluster.yaml or make one with `quorate init`\n", path);
    } else if (e != CYAML_OK || trace->problem[0] != 0) {
        yaml_trace_explain(trace, text, path, cyaml_strerror(e), why);
        cyaml_free(config, &cluster_value, data, 0);
        data = NULL;
    }
    return data;
}

enum error cluster_parse(struct cluster **out, struct bytes text, const char *path, struct buffer *why) {
    struct yaml_trace trace = {.step_count = 0};
    cyaml_config_t config = {.log_fn = note,
                             .log_ctx = &trace,
                             .mem_fn = cyaml_mem,
                             .log_level = CYAML_LOG_WARNING,
                             .flags = CYAML_CFG_NO_ALIAS};
    *out = NULL;
    struct raw_cluster *raw = raw_load(&config, text, path, why);
    if (raw == NULL) {
        return ERR_MALFORMED;
    }
    *out = cluster_build(raw, text, path, why);
    cyaml_free(&config, &cluster_value, raw, 0);
    return *out == NULL ? ERR_OUT_OF_RANGE : ERR_OK;
}

static enum error file_read(struct buffer *text, const char *path, struct buffer *why) {
    FILE *f = fopen(path, "re");
    if (f == NULL) {
        buffer_printf(why, "%s: file: can't open: %s: name a readable cluster.yaml\n", path, strerror(errno));
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    }
    size_t got = 0;
    uint8_t chunk[65536];
    while (text->len <= CLUSTER_FILE_MAX && (got = fread(chunk, 1, sizeof chunk, f)) > 0) {
        buffer_put(text, chunk, got);
    }
    enum error e = ERR_OK;
    if (ferror(f)) {
        buffer_printf(why, "%s: file: can't read: %s: name a readable cluster.yaml\n", path, strerror(errno));
        e = ERR_IO;
    } else if (text->len > CLUSTER_FILE_MAX) {
        buffer_printf(why, "%s: file: longer than 4 MiB: name a cluster.yaml\n", path);
        e = ERR_OVERSIZED;
    }
    fclose(f);
    return e;
}

enum error cluster_load(struct cluster **out, const char *path, struct buffer *why) {
    struct buffer text = {0};
    *out = NULL;
    enum error e = file_read(&text, path, why);
    if (e == ERR_OK) {
        e = cluster_parse(out, buffer_bytes(&text), path, why);
    }
    buffer_free(&text);
    return e;
}
