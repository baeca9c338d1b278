/* Reads notify.yaml through libcyaml. Every value is a text in the schema, so that a wrong one is named in our words; a
   key that does not belong to a handler's kind is refused rather than forgotten. */
#include "client/notify_config.h"

#include "base/clock.h"
#include "base/log.h"
#include "client/config_file.h"
#include "client/macros.h"
#include "client/notify_target.h"
#include "proto/cluster.h"

#include <cyaml/cyaml.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    TIMEOUT_DEFAULT = 30000,
    TIMEOUT_MIN = 100,
    TIMEOUT_MAX = 3600 * 1000,
    WORDS_MAX = 256,
    GROUP_ABOVE_MAX = 100000,
    DAY = 24 * 3600 * 1000,
};

struct raw_handler {
    char *name, *timeout, *webhook, *alertmanager, *smtp, *to, *from, *starttls, *ca, *group_above, *retry_for,
        *repeat_for;
    char **command, **types, **contacts, **hosts, **services;
    unsigned command_count, types_count, contacts_count, hosts_count, services_count;
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
                                                      TEXT(CYAML_FLAG_OPTIONAL, from),
                                                      TEXT(CYAML_FLAG_OPTIONAL, starttls),
                                                      TEXT(CYAML_FLAG_OPTIONAL, ca),
                                                      TEXT(CYAML_FLAG_OPTIONAL, group_above),
                                                      TEXT(CYAML_FLAG_OPTIONAL, retry_for),
                                                      TEXT(CYAML_FLAG_OPTIONAL, repeat_for),
                                                      LIST(command),
                                                      LIST(types),
                                                      LIST(contacts),
                                                      LIST(hosts),
                                                      LIST(services),
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
    if (!notify_name_valid(name)) {
        PROBLEM(r, index, "name", "'%.80s' is no name: use 1 to %d letters, digits, '.', '_' and '-'", name,
                NOTIFY_NAME_MAX);
    }
    for (unsigned i = 0; i < index; i++) {
        if (strcmp(r->config->handlers[i].name, name) == 0) {
            PROBLEM(r, index, "name", "'%.80s' is the name of an earlier handler: choose another", name);
        }
    }
    r->config->handlers[index].name = arena_text(&r->config->arena, bytes_of_text(name));
}

/* "sh -c TEXT": TEXT is a program, and neither what a plugin printed nor a name from the objects may become part of it.
 */
static bool is_shell_text(const struct raw_handler *raw, unsigned word) {
    const char *slash = strrchr(raw->command[0], '/'), *name = slash == NULL ? raw->command[0] : slash + 1;
    size_t len = strlen(name);
    const char *option = word >= 2 ? raw->command[word - 1] : ""; /* -c, -ec ... */
    size_t letters = strlen(option);
    return len >= 2 && strcmp(name + len - 2, "sh") == 0 && letters >= 2 && option[0] == '-' &&
           option[letters - 1] == 'c';
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
            PROBLEM(r, index, "command",
                    "'%.100s' puts names or what plugins print into a shell's program: use \"$$NAGIOS_HOSTNAME\" and "
                    "the like",
                    raw->command[i]);
        }
    }
    buffer_free(&unknown);
}

/* --- mail --- */

static void read_recipients(struct reading *r, unsigned index, const char *list) {
    struct notify_handler *h = &r->config->handlers[index];
    h->to = arena_alloc(&r->config->arena, RECIPIENTS_MAX * sizeof *h->to);
    while (*list != '\0') {
        size_t len = strcspn(list, ",");
        struct bytes address = bytes_of(list, len);
        while (address.len > 0 && address.data[0] == ' ') {
            address = bytes_of(address.data + 1, address.len - 1);
        }
        while (address.len > 0 && address.data[address.len - 1] == ' ') {
            address.len--;
        }
        if (!target_address_valid(address)) {
            PROBLEM(r, index, "to", "'%.*s' is no mail address: write NAME@DOMAIN, several with commas between",
                    (int)(address.len > 80 ? 80 : address.len), (const char *)address.data);
        } else if (h->to_count == RECIPIENTS_MAX) {
            PROBLEM(r, index, "to", "names more than %d addresses: let the mail server know a list", RECIPIENTS_MAX);
            return;
        } else {
            h->to[h->to_count++] = arena_text(&r->config->arena, address);
        }
        list += len + (list[len] == ',');
    }
}

static void read_smtp(struct reading *r, unsigned index, const struct raw_handler *raw) {
    struct notify_handler *h = &r->config->handlers[index];
    if (raw->to == NULL || raw->to[0] == '\0') {
        PROBLEM(r, index, "to", "is missing: write who shall get the mails");
    } else {
        read_recipients(r, index, raw->to);
    }
    if (raw->from == NULL || !target_address_valid(bytes_of_text(raw->from))) {
        PROBLEM(r, index, "from", "'%.80s' is no mail address: write whom the mails shall come from, as NAME@DOMAIN",
                raw->from == NULL ? "" : raw->from);
    } else {
        h->from = arena_text(&r->config->arena, bytes_of_text(raw->from));
    }
    if (raw->starttls != NULL && strcmp(raw->starttls, "yes") != 0 && strcmp(raw->starttls, "no") != 0) {
        PROBLEM(r, index, "starttls", "'%.40s' is neither yes nor no", raw->starttls);
    }
    h->starttls = raw->starttls != NULL && strcmp(raw->starttls, "yes") == 0;
}

/* --- kinds --- */

static void read_url(struct reading *r, unsigned index, const char *field, const char *url) {
    struct notify_handler *h = &r->config->handlers[index];
    const char *problem = target_url_problem(url, h->kind == NOTIFY_SMTP);
    if (problem != NULL) {
        PROBLEM(r, index, field, "%s", problem);
        return;
    }
    struct buffer whole = {0};
    if (h->kind != NOTIFY_ALERTMANAGER) {
        buffer_printf(&whole, "%s", url);
    } else if (strchr(url, '?') != NULL) {
        PROBLEM(r, index, field, "has a ?query, which an Alertmanager does not take: remove it");
    } else {
        target_alerts_url(&whole, url);
    }
    h->url = arena_text(&r->config->arena, buffer_bytes(&whole));
    buffer_free(&whole);
}

/* Keys that only some kinds know: bit 1 << enum notify_kind. */
static void refuse_foreign_keys(struct reading *r, unsigned index, const struct raw_handler *raw) {
    enum { MAIL = 1 << NOTIFY_SMTP, MANAGER = 1 << NOTIFY_ALERTMANAGER, GROUPED = MAIL | 1 << NOTIFY_WEBHOOK };
    const struct {
        const char *field, *value, *of;
        unsigned kinds;
    } keys[] = {{"to", raw->to, "smtp", MAIL},
                {"from", raw->from, "smtp", MAIL},
                {"starttls", raw->starttls, "smtp", MAIL},
                {"ca", raw->ca, "webhook, smtp and alertmanager", GROUPED | MANAGER},
                {"group_above", raw->group_above, "webhook and smtp", GROUPED},
                {"repeat_for", raw->repeat_for, "alertmanager", MANAGER}};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (keys[i].value != NULL && (keys[i].kinds >> r->config->handlers[index].kind & 1u) == 0) {
            PROBLEM(r, index, keys[i].field, "belongs to %s: remove it here", keys[i].of);
        }
    }
}

static void read_ca(struct reading *r, unsigned index, const char *path) {
    struct notify_handler *h = &r->config->handlers[index];
    if (path != NULL && (path[0] != '/' || access(path, R_OK) != 0)) {
        PROBLEM(r, index, "ca", "'%.100s' cannot be read: write the absolute path of a PEM file", path);
    } else if (path != NULL) {
        h->ca = arena_text(&r->config->arena, bytes_of_text(path));
    }
}

/* Exactly one of command, webhook, smtp and alertmanager says what the handler is. */
static void read_kind(struct reading *r, unsigned index, const struct raw_handler *raw) {
    struct notify_handler *h = &r->config->handlers[index];
    const struct {
        const char *field, *url;
        enum notify_kind kind;
    } kinds[] = {{"webhook", raw->webhook, NOTIFY_WEBHOOK},
                 {"smtp", raw->smtp, NOTIFY_SMTP},
                 {"alertmanager", raw->alertmanager, NOTIFY_ALERTMANAGER}};
    const char *seen = raw->command_count > 0 ? "command" : NULL, *url = NULL;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (kinds[i].url != NULL && seen != NULL) {
            PROBLEM(r, index, kinds[i].field, "stands beside %s: write a handler for each", seen);
            return;
        }
        if (kinds[i].url != NULL) {
            seen = kinds[i].field;
            url = kinds[i].url;
            h->kind = kinds[i].kind;
        }
    }
    refuse_foreign_keys(r, index, raw);
    if (seen == NULL) {
        PROBLEM(r, index, "command", "is missing: name a command, webhook, smtp or alertmanager");
    } else if (url == NULL) {
        read_command(r, index, raw);
    } else {
        read_url(r, index, seen, url);
        read_ca(r, index, raw->ca);
    }
    if (h->kind == NOTIFY_SMTP) {
        read_smtp(r, index, raw);
    }
}

/* --- what all kinds know --- */

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

static const char **read_list(struct reading *r, char *const *list, unsigned count) {
    const char **out = arena_alloc(&r->config->arena, (count + 1) * sizeof *out);
    for (unsigned i = 0; i < count; i++) {
        out[i] = arena_text(&r->config->arena, bytes_of_text(list[i]));
    }
    return out;
}

/* `text` as a duration between the bounds, or the default when it is not there. */
static mono_ms read_duration(struct reading *r, unsigned index, const char *field, const char *text, mono_ms otherwise,
                             mono_ms least, mono_ms most) {
    mono_ms value = otherwise;
    if (text != NULL && (!clock_parse_duration(text, &value) || value < least || value > most)) {
        PROBLEM(r, index, field, "'%.40s' is no duration from %lldms to %lldh: write one such as 30s", text,
                (long long)least, (long long)most / (3600 * 1000));
    }
    return value;
}

static void read_group_above(struct reading *r, unsigned index, const char *text) {
    struct notify_handler *h = &r->config->handlers[index];
    h->group_above = h->kind == NOTIFY_ALERTMANAGER ? 0 : GROUP_ABOVE_DEFAULT;
    if (text == NULL) {
        return;
    }
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || value < 1 || value > GROUP_ABOVE_MAX) {
        PROBLEM(r, index, "group_above", "'%.40s' is no number from 1 to %d", text, GROUP_ABOVE_MAX);
        return;
    }
    h->group_above = (unsigned)value;
}

static void read_times(struct reading *r, unsigned index, const struct raw_handler *raw) {
    struct notify_handler *h = &r->config->handlers[index];
    h->timeout = read_duration(r, index, "timeout", raw->timeout, TIMEOUT_DEFAULT, TIMEOUT_MIN, TIMEOUT_MAX);
    h->retry_for =
        read_duration(r, index, "retry_for", raw->retry_for, h->kind == NOTIFY_COMMAND ? 0 : DAY, 1000, 365LL * DAY);
    h->repeat_for = read_duration(r, index, "repeat_for", raw->repeat_for, 7LL * DAY, 60000, 365LL * DAY);
}

static void read_handler(struct reading *r, unsigned index, const struct raw_handler *raw) {
    struct notify_handler *h = &r->config->handlers[index];
    read_name(r, index, raw->name);
    read_kind(r, index, raw);
    read_types(r, index, raw);
    read_times(r, index, raw);
    read_group_above(r, index, raw->group_above);
    h->contact_count = raw->contacts_count;
    h->contacts = read_list(r, raw->contacts, raw->contacts_count);
    h->host_count = raw->hosts_count;
    h->hosts = read_list(r, raw->hosts, raw->hosts_count);
    h->service_count = raw->services_count;
    h->services = read_list(r, raw->services, raw->services_count);
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

bool notify_config_exposed(const struct notify_config *c, const char *path) {
    struct stat st;
    bool secret = false;
    for (unsigned i = 0; i < c->count; i++) {
        const struct notify_handler *h = &c->handlers[i];
        secret = secret || h->kind == NOTIFY_WEBHOOK || (h->url != NULL && target_url_has_login(h->url));
    }
    return secret && stat(path, &st) == 0 && (st.st_mode & S_IROTH) != 0;
}

enum error notify_config_load(struct notify_config **out, const char *path, struct buffer *why) {
    void *config;
    enum error e = config_file_load(&config, &KIND, path, why);
    *out = config;
    if (e == ERR_OK && notify_config_exposed(config, path)) {
        log_event(LOG_WARN_, "secrets-readable", "file=\"%s\" text=\"anybody may read it, URLs and all: chmod 0640\"",
                  path);
    }
    return e;
}

void notify_config_free(struct notify_config *c) {
    if (c != NULL) {
        arena_free(&c->arena);
        free(c);
    }
}

/* --- what a handler wants --- */

static bool fits_any(const char *const *globs, unsigned count, const char *name) {
    bool fits = count == 0;
    for (unsigned i = 0; i < count && !fits; i++) {
        fits = name[0] != '\0' && host_glob_match(globs[i], name);
    }
    return fits;
}

static bool names_contact(const struct notify_handler *h, const struct alert_contact *contact) {
    for (unsigned i = 0; i < h->contact_count; i++) {
        if (strcmp(h->contacts[i], contact->name) == 0) {
            return true;
        }
    }
    return false;
}

static bool names_any_contact(const struct notify_handler *h, const struct alert *a) {
    bool any = h->contact_count == 0;
    for (unsigned i = 0; i < a->contact_count && !any; i++) {
        any = names_contact(h, &a->contacts[i]);
    }
    return any;
}

bool notify_handler_wants(const struct notify_handler *h, const struct alert *a, unsigned run) {
    if ((h->types >> a->type & 1u) == 0 || !fits_any(h->hosts, h->host_count, a->host) ||
        !fits_any(h->services, h->service_count, a->service) || run >= notify_handler_runs(h, a)) {
        return false;
    }
    return h->kind == NOTIFY_COMMAND && h->contact_count > 0 ? names_contact(h, &a->contacts[run])
                                                             : names_any_contact(h, a);
}

unsigned notify_handler_runs(const struct notify_handler *h, const struct alert *a) {
    if (h->kind == NOTIFY_SMTP) {
        return h->to_count;
    }
    return h->kind == NOTIFY_COMMAND && h->contact_count > 0 ? a->contact_count : 1;
}
