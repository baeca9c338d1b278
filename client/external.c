/* Each command is a row: what it means here, and the order of its arguments, a letter each. What Nagios knows and has
   no meaning here is refused with the reason. */
#include "client/external.h"

#include "base/invariant.h"
#include "client/lines.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* h host, s service, g group, y sticky, n notify, p persistent, x expiry, S start, E end, F fixed, T trigger,
   D duration, i id, o options, A author, C comment, c code, O output */
struct row {
    const char *name;
    enum command_kind kind;
    enum command_target target;
    enum command_subject subject;
    unsigned flags;
    const char *arguments;
};
enum { VALUE_SHOWN = 40 };
#define NO_COMMAND ((enum command_kind)0) /* a check result */
#define DOWNTIME_ARGUMENTS "SEFTDAC"
#define SWITCH(on, off, target, subject, arguments)                                                                    \
    {on, COMMAND_ENABLE, target, subject, 0, arguments}, {                                                             \
        off, COMMAND_DISABLE, target, subject, 0, arguments                                                            \
    }
#define SWITCH_OF(name, target, subject, arguments) SWITCH("ENABLE_" name, "DISABLE_" name, target, subject, arguments)

static const struct row rows[] = {
    {"ACKNOWLEDGE_SVC_PROBLEM", COMMAND_ACKNOWLEDGE, TARGET_OBJECT, SUBJECT_NONE, 0, "hsynpAC"},
    {"ACKNOWLEDGE_HOST_PROBLEM", COMMAND_ACKNOWLEDGE, TARGET_OBJECT, SUBJECT_NONE, 0, "hynpAC"},
    {"ACKNOWLEDGE_SVC_PROBLEM_EXPIRE", COMMAND_ACKNOWLEDGE, TARGET_OBJECT, SUBJECT_NONE, 0, "hsynpxAC"},
    {"ACKNOWLEDGE_HOST_PROBLEM_EXPIRE", COMMAND_ACKNOWLEDGE, TARGET_OBJECT, SUBJECT_NONE, 0, "hynpxAC"},
    {"REMOVE_SVC_ACKNOWLEDGEMENT", COMMAND_UNACKNOWLEDGE, TARGET_OBJECT, SUBJECT_NONE, 0, "hs"},
    {"REMOVE_HOST_ACKNOWLEDGEMENT", COMMAND_UNACKNOWLEDGE, TARGET_OBJECT, SUBJECT_NONE, 0, "h"},
    {"SCHEDULE_SVC_DOWNTIME", COMMAND_DOWNTIME, TARGET_OBJECT, SUBJECT_NONE, 0, "hs" DOWNTIME_ARGUMENTS},
    {"SCHEDULE_HOST_DOWNTIME", COMMAND_DOWNTIME, TARGET_OBJECT, SUBJECT_NONE, 0, "h" DOWNTIME_ARGUMENTS},
    {"SCHEDULE_HOST_SVC_DOWNTIME", COMMAND_DOWNTIME, TARGET_SERVICES, SUBJECT_NONE, 0, "h" DOWNTIME_ARGUMENTS},
    {"SCHEDULE_HOSTGROUP_HOST_DOWNTIME", COMMAND_DOWNTIME, TARGET_HOSTGROUP_HOSTS, SUBJECT_NONE, 0,
     "g" DOWNTIME_ARGUMENTS},
    {"SCHEDULE_HOSTGROUP_SVC_DOWNTIME", COMMAND_DOWNTIME, TARGET_HOSTGROUP_SERVICES, SUBJECT_NONE, 0,
     "g" DOWNTIME_ARGUMENTS},
    {"SCHEDULE_SERVICEGROUP_HOST_DOWNTIME", COMMAND_DOWNTIME, TARGET_SERVICEGROUP_HOSTS, SUBJECT_NONE, 0,
     "g" DOWNTIME_ARGUMENTS},
    {"SCHEDULE_SERVICEGROUP_SVC_DOWNTIME", COMMAND_DOWNTIME, TARGET_SERVICEGROUP_SERVICES, SUBJECT_NONE, 0,
     "g" DOWNTIME_ARGUMENTS},
    {"SCHEDULE_AND_PROPAGATE_HOST_DOWNTIME", COMMAND_DOWNTIME, TARGET_CHILDREN, SUBJECT_NONE, 0,
     "h" DOWNTIME_ARGUMENTS},
    {"SCHEDULE_AND_PROPAGATE_TRIGGERED_HOST_DOWNTIME", COMMAND_DOWNTIME, TARGET_CHILDREN, SUBJECT_NONE,
     COMMAND_TRIGGERED, "h" DOWNTIME_ARGUMENTS},
    {"DEL_SVC_DOWNTIME", COMMAND_CANCEL_DOWNTIME, TARGET_CLUSTER, SUBJECT_NONE, 0, "i"},
    {"DEL_HOST_DOWNTIME", COMMAND_CANCEL_DOWNTIME, TARGET_CLUSTER, SUBJECT_NONE, 0, "i"},
    {"ADD_SVC_COMMENT", COMMAND_COMMENT, TARGET_OBJECT, SUBJECT_NONE, 0, "hspAC"},
    {"ADD_HOST_COMMENT", COMMAND_COMMENT, TARGET_OBJECT, SUBJECT_NONE, 0, "hpAC"},
    {"DEL_SVC_COMMENT", COMMAND_DELETE_COMMENT, TARGET_CLUSTER, SUBJECT_NONE, 0, "i"},
    {"DEL_HOST_COMMENT", COMMAND_DELETE_COMMENT, TARGET_CLUSTER, SUBJECT_NONE, 0, "i"},
    {"DEL_ALL_SVC_COMMENTS", COMMAND_DELETE_COMMENT, TARGET_OBJECT, SUBJECT_NONE, 0, "hs"},
    {"DEL_ALL_HOST_COMMENTS", COMMAND_DELETE_COMMENT, TARGET_OBJECT, SUBJECT_NONE, 0, "h"},
    {"SEND_CUSTOM_SVC_NOTIFICATION", COMMAND_NOTIFY, TARGET_OBJECT, SUBJECT_NONE, 0, "hsoAC"},
    {"SEND_CUSTOM_HOST_NOTIFICATION", COMMAND_NOTIFY, TARGET_OBJECT, SUBJECT_NONE, 0, "hoAC"},
    {"DELAY_SVC_NOTIFICATION", COMMAND_DELAY, TARGET_OBJECT, SUBJECT_NONE, 0, "hsS"},
    {"DELAY_HOST_NOTIFICATION", COMMAND_DELAY, TARGET_OBJECT, SUBJECT_NONE, 0, "hS"},
    SWITCH_OF("NOTIFICATIONS", TARGET_CLUSTER, SUBJECT_NOTIFICATIONS, ""),
    SWITCH_OF("SVC_NOTIFICATIONS", TARGET_OBJECT, SUBJECT_NOTIFICATIONS, "hs"),
    SWITCH_OF("HOST_NOTIFICATIONS", TARGET_OBJECT, SUBJECT_NOTIFICATIONS, "h"),
    SWITCH_OF("HOST_SVC_NOTIFICATIONS", TARGET_SERVICES, SUBJECT_NOTIFICATIONS, "h"),
    SWITCH_OF("HOST_AND_CHILD_NOTIFICATIONS", TARGET_CHILDREN, SUBJECT_NOTIFICATIONS, "h"),
    SWITCH_OF("ALL_NOTIFICATIONS_BEYOND_HOST", TARGET_BEYOND, SUBJECT_NOTIFICATIONS, "h"),
    SWITCH_OF("HOSTGROUP_HOST_NOTIFICATIONS", TARGET_HOSTGROUP_HOSTS, SUBJECT_NOTIFICATIONS, "g"),
    SWITCH_OF("HOSTGROUP_SVC_NOTIFICATIONS", TARGET_HOSTGROUP_SERVICES, SUBJECT_NOTIFICATIONS, "g"),
    SWITCH_OF("SERVICEGROUP_HOST_NOTIFICATIONS", TARGET_SERVICEGROUP_HOSTS, SUBJECT_NOTIFICATIONS, "g"),
    SWITCH_OF("SERVICEGROUP_SVC_NOTIFICATIONS", TARGET_SERVICEGROUP_SERVICES, SUBJECT_NOTIFICATIONS, "g"),
    SWITCH_OF("FLAP_DETECTION", TARGET_CLUSTER, SUBJECT_FLAP_DETECTION, ""),
    SWITCH_OF("SVC_FLAP_DETECTION", TARGET_OBJECT, SUBJECT_FLAP_DETECTION, "hs"),
    SWITCH_OF("HOST_FLAP_DETECTION", TARGET_OBJECT, SUBJECT_FLAP_DETECTION, "h"),
    SWITCH_OF("PASSIVE_SVC_CHECKS", TARGET_OBJECT, SUBJECT_RESULTS, "hs"),
    SWITCH_OF("PASSIVE_HOST_CHECKS", TARGET_OBJECT, SUBJECT_RESULTS, "h"),
    SWITCH_OF("HOSTGROUP_PASSIVE_HOST_CHECKS", TARGET_HOSTGROUP_HOSTS, SUBJECT_RESULTS, "g"),
    SWITCH_OF("HOSTGROUP_PASSIVE_SVC_CHECKS", TARGET_HOSTGROUP_SERVICES, SUBJECT_RESULTS, "g"),
    SWITCH_OF("SERVICEGROUP_PASSIVE_HOST_CHECKS", TARGET_SERVICEGROUP_HOSTS, SUBJECT_RESULTS, "g"),
    SWITCH_OF("SERVICEGROUP_PASSIVE_SVC_CHECKS", TARGET_SERVICEGROUP_SERVICES, SUBJECT_RESULTS, "g"),
    {"PROCESS_SERVICE_CHECK_RESULT", NO_COMMAND, TARGET_OBJECT, SUBJECT_NONE, 0, "hscO"},
    {"PROCESS_HOST_CHECK_RESULT", NO_COMMAND, TARGET_OBJECT, SUBJECT_NONE, 0, "hcO"},
};

/* What a part of its name says about a command without a row. */
static const struct {
    const char *part, *why;
} strangers[] = {
    {"EVENT_HANDLER", "event handlers run at agents, not here"},
    {"OBSESS", "nothing obsesses over checks here: follow `quorate alerts`"},
    {"PERFORMANCE_DATA", "perfdata is always kept, and processed by nobody here"},
    {"ACCEPTING_PASSIVE", "results are turned off for objects and groups: DISABLE_PASSIVE_SVC_CHECKS and its kind"},
    {"FRESHNESS_CHECKS", "freshness belongs to the objects: set check_freshness and apply"},
    {"CONTACT", "contacts belong to the objects: change them and apply"},
    {"CHANGE_", "attributes belong to the objects: change them and apply"},
    {"SET_", "notification numbers are agreed and not set by hand"},
    {"CLEAR_", "flapping ends by itself, or by DISABLE_SVC_FLAP_DETECTION"},
    {"DEL_DOWNTIME_BY", "list with `quorate downtime --list` and cancel by number"},
    {"SCHEDULE_FORCED", "replicas run no checks: agents do"},
    {"EXECUTING_", "replicas run no checks: agents do"},
    {"_CHECK", "replicas run no checks: agents do"},
    {"_PROGRAM", "a cluster is stopped at its own machines"},
    {"_STATE_INFORMATION", "the state is agreed and always kept"},
    {"PROCESS_FILE", "give the file to `quorate command` itself"},
    {"LOG_ROTATION", "replicas keep no such log"},
};

/* ---- arguments ---- */

struct arguments {
    struct external *out;
    struct arena *arena;
    const char *at, *end; /* at: behind a ';', or NULL when there are no more */
};

static void bad(struct external *out, const char *what, const char *value) {
    if (out->kind != EXTERNAL_BAD) {
        out->kind = EXTERNAL_BAD;
        struct bytes shown = cut_text(bytes_of_text(value), VALUE_SHOWN);
        snprintf(out->why, sizeof out->why, "%s%s%.*s%s", what, *value ? ": '" : "", (int)shown.len,
                 (const char *)shown.data, *value ? "'" : "");
    }
}

static const char *keep(struct arguments *a, const char *from, const char *to) {
    return arena_text(a->arena, bytes_of(from, (size_t)(to - from)));
}

/* The next field; rest: all that is left. */
static const char *take(struct arguments *a, const char *name, size_t max, bool rest) {
    if (!a->at) {
        char what[48];
        snprintf(what, sizeof what, "%s is missing", name);
        bad(a->out, what, "");
        return "";
    }
    const char *from = a->at, *stop = rest ? NULL : memchr(from, ';', (size_t)(a->end - from));
    const char *to = stop ? stop : a->end;
    a->at = stop ? stop + 1 : NULL;
    if ((size_t)(to - from) > max) {
        bad(a->out, "too long", name);
        return "";
    }
    return keep(a, from, to);
}

static uint64_t number(struct arguments *a, const char *name, uint64_t max) {
    const char *text = take(a, name, 20, false);
    uint64_t value = 0;
    char what[48];
    snprintf(what, sizeof what, "%s is no number", name);
    for (const char *c = text; a->out->kind != EXTERNAL_BAD && (*c || c == text); c++) {
        if (*c < '0' || *c > '9' || value > max) {
            bad(a->out, what, text);
            return 0;
        }
        value = value * 10 + (uint64_t)(*c - '0');
    }
    if (value > max) {
        bad(a->out, what, text);
    }
    return value;
}

static time_ms moment(struct arguments *a, const char *name) {
    return (time_ms)number(a, name, TIME_MAX_MS / 1000) * 1000;
}

static void flag(struct arguments *a, const char *name, unsigned value, unsigned least) {
    a->out->command.flags |= number(a, name, 1000) >= least ? value : 0;
}

static void custom_options(struct arguments *a) {
    uint64_t options = number(a, "options", 7);
    a->out->command.flags |= (options & 1 ? COMMAND_BROADCAST : 0u) | (options & 2 ? COMMAND_FORCED : 0u) |
                             (options & 4 ? COMMAND_INCREMENT : 0u);
}

/* Inner newlines and backslashes come escaped. */
static void take_output(struct arguments *a) {
    const char *raw = take(a, "output", EXTERNAL_LINE_MAX, true);
    struct buffer text = {0};
    for (const char *c = raw; *c; c++) {
        bool escaped = *c == '\\' && (c[1] == 'n' || c[1] == '\\');
        buffer_u8(&text, (uint8_t)(!escaped ? *c : c[1] == 'n' ? '\n' : '\\'));
        c += escaped;
    }
    lines_output(&a->out->result, buffer_bytes(&text), a->arena);
    buffer_free(&text);
}

static void argument(struct arguments *a, char letter) {
    struct op_command *c = &a->out->command;
    switch (letter) {
    case 'h':
    case 'g':
        c->host = take(a, letter == 'h' ? "the host" : "the group", NAME_MAX_LEN, false);
        return;
    case 's':
        c->service = take(a, "the service", NAME_MAX_LEN, false);
        return;
    case 'y':
        flag(a, "sticky", COMMAND_STICKY, 2);
        return;
    case 'n':
        flag(a, "notify", COMMAND_TELL, 1);
        return;
    case 'p':
        flag(a, "persistent", COMMAND_PERSISTENT, 1);
        return;
    case 'F':
        flag(a, "fixed", COMMAND_FIXED, 1);
        return;
    case 'x':
    case 'E':
        c->end = moment(a, "the end");
        return;
    case 'S':
        c->start = moment(a, "the start");
        return;
    case 'D':
        c->duration = (time_ms)number(a, "the duration", (uint64_t)3650 * 86400) * 1000;
        return;
    case 'T':
    case 'i':
        c->id = number(a, letter == 'T' ? "the trigger" : "the id", INT64_MAX / 10);
        return;
    case 'o':
        custom_options(a);
        return;
    case 'A':
        c->author = take(a, "the author", AUTHOR_MAX_LEN, false);
        return;
    case 'C':
        c->comment = take(a, "the comment", COMMENT_MAX_LEN, true);
        return;
    case 'c':
        a->out->result.state = (uint8_t)number(a, "the code", UINT8_MAX);
        return;
    case 'O':
        take_output(a);
        return;
    default:
        UNREACHABLE();
    }
}

/* ---- the line ---- */

static bool is_called(const struct row *r, struct bytes name) {
    return strlen(r->name) == name.len && strncasecmp(r->name, (const char *)name.data, name.len) == 0;
}

static const char *why_not(struct bytes name, char text[64]) {
    name = cut_text(name, 63);
    snprintf(text, 64, "%.*s", (int)name.len, (const char *)name.data);
    for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++) {
        if (strcasestr(text, strangers[i].part)) {
            return strangers[i].why;
        }
    }
    return "no such command";
}

static const char *skip_time(const char *at, const char *end) {
    const char *stop = at < end && *at == '[' ? memchr(at, ']', (size_t)(end - at)) : NULL;
    at = stop ? stop + 1 : at;
    while (at < end && (*at == ' ' || *at == '\t')) {
        at++;
    }
    return at;
}

static void fill(struct external *out, const struct row *r, struct arguments *a) {
    out->kind = r->kind == NO_COMMAND ? EXTERNAL_RESULT : EXTERNAL_COMMAND;
    out->command.kind = r->kind;
    out->command.target = r->target;
    out->command.subject = r->subject;
    out->command.flags = r->flags;
    for (const char *letter = r->arguments; *letter && out->kind != EXTERNAL_BAD; letter++) {
        argument(a, *letter);
    }
    out->result.host = out->command.host;
    out->result.service = out->command.service;
    if (r->target == TARGET_CLUSTER && strchr(r->arguments, 'i') && out->kind != EXTERNAL_BAD && out->command.id == 0) {
        bad(out, "numbers begin at 1", "0");
    }
}

void external_parse(struct external *out, struct bytes line, struct arena *arena) {
    const char *end = (const char *)line.data + line.len;
    *out = (struct external){.command = {.host = "", .service = "", .observer = "", .author = "", .comment = ""},
                             .result = {.host = "", .service = "", .output = "", .perfdata = ""}};
    if (line.len > EXTERNAL_LINE_MAX) {
        bad(out, "longer than 8192 bytes", "");
        return;
    }
    if (!utf8_valid(line)) {
        bad(out, "not UTF-8", "");
        return;
    }
    const char *at = skip_time((const char *)line.data, end), *stop = memchr(at, ';', (size_t)(end - at));
    struct bytes name = bytes_of(at, (size_t)((stop ? stop : end) - at));
    struct arguments a = {out, arena, stop ? stop + 1 : NULL, end};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (is_called(&rows[i], name)) {
            fill(out, &rows[i], &a);
            return;
        }
    }
    char text[64];
    const char *why = why_not(name, text);
    bad(out, why, text);
}
