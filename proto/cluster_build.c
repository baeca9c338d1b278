/* From what stands in cluster.yaml to a cluster that the rest may rely on: ids, keys, names, addresses and knobs are
   judged here, each problem told with its line and what to do. */
#include "proto/cluster_parts.h"
#include "proto/yaml_trace.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROBLEMS_SHOWN = 20, IPC_PATH_MAX = 100 };
static const time_ms genesis_latest = 253402300799999; /* the year 9999 */

struct named { /* who bears a name, to find two of them */
    const char *name;
    const char *section;
    unsigned entry;
};
struct build {
    const struct raw_cluster *raw;
    struct cluster *c;
    struct keyring *seen; /* index: entry in the file */
    struct bytes text;
    const char *path;
    struct buffer *why;
    unsigned problems;
};

/* entry -1: the field `key` of the section, or with key NULL the section itself. */
static void problem(struct build *b, const char *section, int entry, const char *key, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
static void problem(struct build *b, const char *section, int entry, const char *key, const char *format, ...) {
    if (++b->problems > PROBLEMS_SHOWN) {
        return;
    }
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    unsigned line = yaml_line_find(b->text, section, entry, key);
    buffer_printf(b->why, "%s:%u: %s", b->path, line == 0 ? 1 : line, section);
    if (entry >= 0) {
        buffer_printf(b->why, "[%d]", entry);
    }
    buffer_printf(b->why, "%s%s: ", key == NULL ? "" : ".", key == NULL ? "" : key);
    buffer_plain(b->why, text); /* values stay in their line */
    buffer_u8(b->why, '\n');
}

/* Names stand in commands, log lines and lists with commas, so only plain characters. */
static bool name_plain(const char *name) {
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t len = strlen(name);
    return len >= 1 && len <= CLUSTER_NAME_MAX && strspn(name, plain) == len && name[0] != '-';
}

static void build_name(struct build *b, char out[CLUSTER_NAME_MAX + 1], const char *name, const char *section,
                       int entry, const char *key) {
    if (name_plain(name)) {
        memcpy(out, name, strlen(name) + 1);
    } else {
        problem(b, section, entry, key, "not a name: use 1 to 63 letters, digits, dots, dashes or underscores");
    }
}

static void build_key(struct build *b, struct public_key *out, const char *text, const char *section, unsigned entry,
                      enum key_role role) {
    static const char *const sections[] = {
        [ROLE_MEMBER] = "replicas", [ROLE_OPERATOR] = "operators", [ROLE_OBSERVER] = "observers"};
    if (!crypto_public_key_parse(out, text)) {
        problem(b, section, (int)entry, "key",
                "not a public key: paste the line \"ed25519:...\" that `quorate keygen` printed");
        return;
    }
    const struct key_entry *other = keyring_find(b->seen, out);
    if (other != NULL) {
        problem(b, section, (int)entry, "key", "the same key as %s[%u]: give each its own", sections[other->role],
                other->index);
        return;
    }
    struct key_entry mine = {.key = *out, .role = role, .index = entry};
    keyring_add(b->seen, &mine);
}

/* "host:port"; IPv6 hosts in brackets. */
static bool host_port_valid(const char *text) {
    const char *colon = strrchr(text, ':');
    if (colon == NULL || colon == text) {
        return false;
    }
    bool brackets = text[0] == '[' && colon[-1] == ']';
    for (const char *at = text; at < colon; at++) {
        if ((uint8_t)*at <= ' ' || *at == '/' || *at == 0x7f || (*at == ':' && !brackets)) {
            return false;
        }
    }
    size_t digits = strspn(colon + 1, "0123456789");
    long port = strtol(colon + 1, NULL, 10);
    return digits >= 1 && digits <= 5 && colon[1 + digits] == 0 && port >= 1 && port <= 65535;
}

/* NULL when the address will do, else what is wrong with it and what to do. */
static const char *address_problem(const char *text) {
    if (strlen(text) > ADDRESS_MAX || !utf8_valid(bytes_of_text(text))) {
        return "too long: use an address of at most 255 characters";
    }
    if (strncmp(text, "tls+tcp://", 10) == 0) {
        return "this build speaks no TLS: use tcp:// (statements are signed, only their secrecy needs a tunnel)";
    }
    if (strncmp(text, "ipc://", 6) == 0) {
        size_t len = strlen(text + 6);
        return len >= 1 && len <= IPC_PATH_MAX ? NULL
                                               : "not a socket path: write ipc:///path of at most 100 characters";
    }
    bool good = strncmp(text, "tcp://", 6) == 0 && host_port_valid(text + 6);
    return good ? NULL : "not an address: write tcp://host:port or ipc:///path";
}

static const char *http_problem(const char *text) {
    bool good = strlen(text) <= ADDRESS_MAX && host_port_valid(text);
    return good ? NULL : "not an address: write host:port";
}

static void build_address(struct build *b, char out[ADDRESS_MAX + 1], const char *text, unsigned entry, const char *key,
                          const char *(*judge)(const char *)) {
    const char *wrong = judge(text);
    if (wrong != NULL) {
        problem(b, "replicas", (int)entry, key, "%s", wrong);
    } else {
        memcpy(out, text, strlen(text) + 1);
    }
}

static void build_members(struct build *b) {
    const struct raw_cluster *raw = b->raw;
    uint32_t taken = 0;
    b->c->member_count = raw->replicas_count;
    for (unsigned i = 0; i < raw->replicas_count; i++) {
        const struct raw_member *r = &raw->replicas[i];
        if (r->id >= raw->replicas_count || (taken >> r->id & 1) != 0) {
            problem(b, "replicas", (int)i, "id", "%s: number the replicas 0 to %u, each once",
                    r->id >= raw->replicas_count ? "beyond the number of replicas" : "used twice",
                    raw->replicas_count - 1);
            continue;
        }
        taken |= 1u << r->id;
        struct cluster_member *m = &b->c->members[r->id];
        build_key(b, &m->key, r->key, "replicas", i, ROLE_MEMBER);
        build_address(b, m->peer, r->peer, i, "peer", address_problem);
        build_address(b, m->client, r->client, i, "client", address_problem);
        if (r->http != NULL) {
            build_address(b, m->http, r->http, i, "http", http_problem);
        }
    }
}

struct placed { /* an address and where it stands */
    const char *text;
    unsigned entry;
    const char *key;
};

static void check_addresses_distinct(struct build *b) {
    struct placed all[3 * MEMBERS_MAX];
    unsigned count = 0;
    for (unsigned i = 0; i < b->raw->replicas_count; i++) {
        const struct raw_member *r = &b->raw->replicas[i];
        all[count++] = (struct placed){r->peer, i, "peer"};
        all[count++] = (struct placed){r->client, i, "client"};
        if (r->http != NULL) {
            all[count++] = (struct placed){r->http, i, "http"};
        }
    }
    for (unsigned i = 1; i < count; i++) {
        for (unsigned j = 0; j < i; j++) {
            if (strcmp(all[i].text, all[j].text) == 0) {
                problem(b, "replicas", (int)all[i].entry, all[i].key, "the same address as replicas[%u].%s: change one",
                        all[j].entry, all[j].key);
                break;
            }
        }
    }
}

static void build_operators(struct build *b) {
    unsigned admins = 0;
    b->c->operator_count = b->raw->operators_count;
    for (unsigned i = 0; i < b->raw->operators_count; i++) {
        const struct raw_operator *r = &b->raw->operators[i];
        struct cluster_operator *o = &b->c->operators[i];
        build_name(b, o->name, r->name, "operators", (int)i, "name");
        build_key(b, &o->key, r->key, "operators", i, ROLE_OPERATOR);
        o->roles = r->roles;
        admins += (r->roles & OPERATOR_ADMIN) != 0;
        if (r->roles == 0) {
            problem(b, "operators", (int)i, "roles", "empty: give one or several of admin, drill, notify");
        }
    }
    uint32_t needed = b->raw->operators_needed == NULL ? 1 : *b->raw->operators_needed;
    b->c->operators_needed = needed;
    if (needed < 1 || needed > admins) {
        problem(b, b->raw->operators_needed == NULL ? "operators" : "operators_needed", -1, NULL,
                "%u needed of %u operators with the role admin: need at least 1, at most as many as there are", needed,
                admins);
    }
}

static bool glob_valid(const char *glob) {
    size_t len = strlen(glob);
    for (size_t i = 0; i < len; i++) {
        if ((uint8_t)glob[i] < ' ' || glob[i] == 0x7f) {
            return false;
        }
    }
    return len >= 1 && len <= ADDRESS_MAX && utf8_valid(bytes_of(glob, len));
}

static void build_observers(struct build *b) {
    b->c->observer_count = b->raw->observers_count;
    b->c->observers = xcalloc(b->raw->observers_count, sizeof *b->c->observers);
    for (unsigned i = 0; i < b->raw->observers_count; i++) {
        const struct raw_observer *r = &b->raw->observers[i];
        struct cluster_observer *o = &b->c->observers[i];
        build_name(b, o->name, r->name, "observers", (int)i, "name");
        build_key(b, &o->key, r->key, "observers", i, ROLE_OBSERVER);
        o->host_count = r->hosts_count;
        o->hosts = xcalloc(r->hosts_count, sizeof *o->hosts);
        for (unsigned h = 0; h < r->hosts_count; h++) {
            o->hosts[h] = xstrdup(r->hosts[h]);
            if (!glob_valid(r->hosts[h])) {
                problem(b, "observers", (int)i, "hosts", "entry %u is no host pattern: use 1 to 255 characters", h);
            }
        }
    }
}

static int named_compare(const void *a, const void *b) {
    const struct named *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    if (order == 0) {
        order = -strcmp(x->section, y->section); /* operators before observers: file order of the usual layout */
    }
    return order != 0 ? order : (x->entry > y->entry) - (x->entry < y->entry);
}

static void check_names_distinct(struct build *b) {
    const struct raw_cluster *raw = b->raw;
    unsigned count = 0;
    struct named *all = xcalloc(raw->operators_count + raw->observers_count, sizeof *all);
    for (unsigned i = 0; i < raw->operators_count; i++) {
        all[count++] = (struct named){raw->operators[i].name, "operators", i};
    }
    for (unsigned i = 0; i < raw->observers_count; i++) {
        all[count++] = (struct named){raw->observers[i].name, "observers", i};
    }
    qsort(all, count, sizeof *all, named_compare);
    for (unsigned i = 1; i < count; i++) {
        if (strcmp(all[i].name, all[i - 1].name) == 0) {
            problem(b, all[i].section, (int)all[i].entry, "name", "the same name as %s[%u]: change one",
                    all[i - 1].section, all[i - 1].entry);
        }
    }
    free(all);
}

static void build_knobs(struct build *b) {
    const struct raw_knobs none = {0}, *raw = b->raw->protocol == NULL ? &none : b->raw->protocol;
    const uint32_t *const given[] = {
#define KNOB(field, standard, lowest, highest, help) raw->field,
        KNOB_LIST(KNOB)
#undef KNOB
    };
    for (size_t i = 0; i < knob_count; i++) {
        const struct knob *k = &knob_table[i];
        uint32_t value = given[i] == NULL ? k->standard : *given[i];
        *knob_value(&b->c->knobs, k) = value;
        if (value < k->lowest || value > k->highest) {
            problem(b, "protocol", -1, k->name, "%u is out of bounds: choose %u to %u", value, k->lowest, k->highest);
        }
    }
}

/* What the knobs promise each other. */
static void check_knobs(struct build *b) {
    const struct protocol_knobs *k = &b->c->knobs;
    if (k->window < 2 * k->checkpoint_interval) {
        problem(b, "protocol", -1, "window",
                "%u is less than twice checkpoint_interval (%u): the log would halt at each "
                "checkpoint: raise it or lower checkpoint_interval",
                k->window, k->checkpoint_interval);
    }
    if (k->in_flight > k->window) {
        problem(b, "protocol", -1, "in_flight", "%u is more than window (%u): lower it", k->in_flight, k->window);
    }
    if (k->timeout_cap_ms < k->request_timeout_ms || k->timeout_cap_ms < k->new_view_timeout_ms) {
        problem(b, "protocol", -1, "timeout_cap_ms", "%u is below the timeouts that it caps: raise it",
                k->timeout_cap_ms);
    }
    if (k->cluster_gap_ms < 2 * k->tick_ms) {
        problem(b, "protocol", -1, "cluster_gap_ms", "%u is less than two ticks (tick_ms %u): raise it",
                k->cluster_gap_ms, k->tick_ms);
    }
}

static void build_rest(struct build *b) {
    build_name(b, b->c->name, b->raw->cluster, "cluster", -1, NULL);
    b->c->drills = (enum drills_mode)b->raw->drills;
    if (b->raw->genesis_ms > (uint64_t)genesis_latest) {
        problem(b, "genesis_ms", -1, NULL, "beyond the year 9999: write milliseconds since 1970");
    } else {
        b->c->t0 = (time_ms)b->raw->genesis_ms;
    }
    if (b->raw->tls != NULL) {
        problem(b, "tls", -1, NULL, "this build speaks no TLS: remove it and use tcp:// addresses");
    }
}

struct cluster *cluster_build(const struct raw_cluster *raw, struct bytes text, const char *path, struct buffer *why) {
    struct build b = {.raw = raw, .text = text, .path = path, .why = why};
    b.c = xcalloc(1, sizeof *b.c);
    b.seen = keyring_new(raw->replicas_count + raw->operators_count + raw->observers_count);
    build_rest(&b);
    build_members(&b);
    check_addresses_distinct(&b);
    build_operators(&b);
    build_observers(&b);
    check_names_distinct(&b);
    build_knobs(&b);
    check_knobs(&b);
    keyring_free(b.seen);
    if (b.problems > PROBLEMS_SHOWN) {
        buffer_printf(why, "%s:1: file: %u more problems: correct the ones above first\n", path,
                      b.problems - PROBLEMS_SHOWN);
    }
    if (b.problems > 0) {
        cluster_free(b.c);
        return NULL;
    }
    cluster_set_id(b.c);
    return b.c;
}
