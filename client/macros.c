/* One table of macros; each row knows how to write its value. Names that Nagios documents and alerts say nothing about
   are empty, as Nagios leaves them when they do not apply. Times are those of the alert, in this machine's time zone.
 */
#include "client/macros.h"

#include "base/invariant.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

typedef void macro_put(struct buffer *out, const struct macro_context *c);

static bool about_host(const struct alert *a) {
    return a->service[0] == '\0';
}

/* --- text in one or several lines --- */

static void put_first_line(struct buffer *out, const char *text) {
    buffer_put(out, text, strcspn(text, "\n"));
}

/* What follows the first line, newlines as \n, as Nagios hands it out. */
static void put_long(struct buffer *out, const char *text) {
    const char *rest = strchr(text, '\n');
    for (rest = rest == NULL ? "" : rest + 1; *rest != '\0'; rest++) {
        if (*rest == '\n') {
            buffer_printf(out, "\\n");
        } else if (*rest == '\\') {
            buffer_printf(out, "\\\\");
        } else {
            buffer_u8(out, (uint8_t)*rest);
        }
    }
}

static void put_duration(struct buffer *out, const struct alert *a) {
    int64_t s = a->since > 0 && a->t > a->since ? (a->t - a->since) / 1000 : 0;
    buffer_printf(out, "%" PRId64 "d %" PRId64 "h %" PRId64 "m %" PRId64 "s", s / 86400, s / 3600 % 24, s / 60 % 60,
                  s % 60);
}

/* --- time, without the locale --- */

static struct tm local_time(const struct alert *a) {
    time_t seconds = (time_t)(a->t / 1000);
    struct tm tm = {0};
    localtime_r(&seconds, &tm);
    return tm;
}

static void put_date(struct buffer *out, const struct macro_context *c) {
    struct tm tm = local_time(c->alert);
    buffer_printf(out, "%02d-%02d-%04d", tm.tm_mon + 1, tm.tm_mday, tm.tm_year + 1900);
}

static void put_time(struct buffer *out, const struct macro_context *c) {
    struct tm tm = local_time(c->alert);
    buffer_printf(out, "%02d:%02d:%02d", tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static void put_short_date_time(struct buffer *out, const struct macro_context *c) {
    put_date(out, c);
    buffer_u8(out, ' ');
    put_time(out, c);
}

static void put_long_date_time(struct buffer *out, const struct macro_context *c) {
    static const char DAYS[] = "SunMonTueWedThuFriSat", MONTHS[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct tm tm = local_time(c->alert);
    buffer_printf(out, "%.3s %.3s %d ", DAYS + 3 * tm.tm_wday, MONTHS + 3 * tm.tm_mon, tm.tm_mday);
    put_time(out, c);
    buffer_printf(out, " %s %d", tm.tm_zone == NULL ? "UTC" : tm.tm_zone, tm.tm_year + 1900);
}

/* --- contacts --- */

enum contact_field { CONTACT_NAME, CONTACT_ALIAS, CONTACT_EMAIL, CONTACT_PAGER };

static const char *contact_text(const struct alert_contact *c, enum contact_field field) {
    switch (field) {
    case CONTACT_NAME:
        return c->name;
    case CONTACT_ALIAS:
        return c->alias;
    case CONTACT_EMAIL:
        return c->email;
    case CONTACT_PAGER:
        return c->pager;
    }
    UNREACHABLE();
}

static void put_contacts(struct buffer *out, const struct alert *a, enum contact_field field) {
    size_t start = out->len;
    for (unsigned i = 0; i < a->contact_count; i++) {
        const char *text = contact_text(&a->contacts[i], field);
        if (text[0] != '\0') {
            buffer_printf(out, "%s%s", out->len > start ? "," : "", text);
        }
    }
}

static void put_contact(struct buffer *out, const struct macro_context *c, enum contact_field field) {
    if (c->contact == NULL) {
        put_contacts(out, c->alert, field);
    } else {
        buffer_printf(out, "%s", contact_text(c->contact, field));
    }
}

/* --- observers --- */

static unsigned severity(bool is_host, uint8_t state) {
    return is_host ? (state == HOST_DOWN || state == HOST_UNREACHABLE ? 2 : 0) : state;
}

static bool counts(const struct vote_view *v) {
    return v->fresh && !v->masked && !v->convicted && v->state != STATE_PENDING;
}

/* A vote supports a problem when it is that severe or worse, and OK or UNKNOWN when it is the same. */
static bool supports(const struct alert *a, const struct vote_view *v) {
    if (!about_host(a) && (a->state == STATE_UNKNOWN || v->state == STATE_UNKNOWN)) {
        return v->state == a->state;
    }
    unsigned said = severity(about_host(a), v->state), agreed = severity(about_host(a), a->state);
    return agreed == 0 ? said == 0 : said >= agreed;
}

static void put_dissenter(struct buffer *out, const struct alert *a, const struct vote_view *v) {
    if (v->convicted || v->masked) {
        buffer_printf(out, "; %s is %s", v->observer, v->convicted ? "convicted" : "masked");
    } else if (!v->fresh || v->state == STATE_PENDING) {
        buffer_printf(out, "; %s is silent", v->observer);
    } else {
        buffer_printf(out, "; %s says %s", v->observer, state_name(about_host(a), v->state));
    }
}

void macro_observers(struct buffer *out, const struct alert *alert) {
    unsigned supporting = 0;
    if (alert->observers == 0) {
        return;
    }
    for (unsigned i = 0; i < alert->vote_count; i++) {
        supporting += counts(&alert->votes[i]) && supports(alert, &alert->votes[i]);
    }
    buffer_printf(out, "[%u of %u observer%s", supporting, alert->observers, alert->observers == 1 ? "" : "s");
    for (unsigned i = 0; i < alert->vote_count; i++) {
        if (!counts(&alert->votes[i]) || !supports(alert, &alert->votes[i])) {
            put_dissenter(out, alert, &alert->votes[i]);
        }
    }
    buffer_printf(out, "]");
}

static void put_cluster(struct buffer *out, const struct macro_context *c) {
    char text[2 * CLUSTER_ID_LEN + 1];
    hex_encode(text, bytes_of(c->cluster.b, CLUSTER_ID_LEN));
    buffer_printf(out, "%s", text);
}

/* --- the table --- */

/* HOST_ROW and SERVICE_ROW have a value only when the alert is about a host, or about a service. */
#define ROW(name, code)                                                                                                \
    static void put_##name(struct buffer *out, const struct macro_context *c) {                                        \
        const struct alert *a = c->alert;                                                                              \
        code;                                                                                                          \
        (void)a;                                                                                                       \
    }
#define WHEN_HOST(code)                                                                                                \
    if (about_host(a)) {                                                                                               \
        code;                                                                                                          \
    }
#define WHEN_SERVICE(code)                                                                                             \
    if (!about_host(a)) {                                                                                              \
        code;                                                                                                          \
    }
#define HOST_NOW (about_host(a) ? a->state : a->host_state)

/* Who decides a macro's text. */
enum origin {
    FIXED,   /* we do: numbers, times, words of ours */
    NAMED,   /* the objects and the genesis: names, addresses */
    FOREIGN, /* plugins and people: stripped in arguments */
};

/* MACRO(name, origin, value) */
#define MACROS(MACRO)                                                                                                  \
    MACRO(NOTIFICATIONTYPE, FIXED, buffer_printf(out, "%s", alert_type_name(a->type)))                                 \
    MACRO(NOTIFICATIONNUMBER, FIXED, buffer_printf(out, "%" PRIu32, a->notification_number))                           \
    MACRO(HOSTNOTIFICATIONNUMBER, FIXED, WHEN_HOST(buffer_printf(out, "%" PRIu32, a->notification_number)))            \
    MACRO(SERVICENOTIFICATIONNUMBER, FIXED, WHEN_SERVICE(buffer_printf(out, "%" PRIu32, a->notification_number)))      \
    MACRO(NOTIFICATIONRECIPIENTS, NAMED, put_contacts(out, a, CONTACT_NAME))                                           \
    MACRO(NOTIFICATIONAUTHOR, FOREIGN, buffer_printf(out, "%s", a->author))                                            \
    MACRO(NOTIFICATIONCOMMENT, FOREIGN, buffer_printf(out, "%s", a->comment))                                          \
    MACRO(HOSTNAME, NAMED, buffer_printf(out, "%s", a->host))                                                          \
    MACRO(HOSTDISPLAYNAME, NAMED, buffer_printf(out, "%s", a->host))                                                   \
    MACRO(HOSTALIAS, NAMED, buffer_printf(out, "%s", a->host_alias))                                                   \
    MACRO(HOSTADDRESS, NAMED, buffer_printf(out, "%s", a->host_address))                                               \
    MACRO(HOSTSTATE, FIXED, buffer_printf(out, "%s", state_name(true, HOST_NOW)))                                      \
    MACRO(HOSTSTATEID, FIXED, buffer_printf(out, "%u", HOST_NOW))                                                      \
    MACRO(HOSTSTATETYPE, FIXED, WHEN_HOST(buffer_printf(out, "%s", a->hard ? "HARD" : "SOFT")))                        \
    MACRO(HOSTATTEMPT, FIXED, WHEN_HOST(buffer_printf(out, "%" PRIu32, a->attempt)))                                   \
    MACRO(MAXHOSTATTEMPTS, FIXED, WHEN_HOST(buffer_printf(out, "%" PRIu32, a->max_attempts)))                          \
    MACRO(LASTHOSTSTATE, FIXED, WHEN_HOST(buffer_printf(out, "%s", state_name(true, a->last_state))))                  \
    MACRO(LASTHOSTSTATEID, FIXED, WHEN_HOST(buffer_printf(out, "%u", a->last_state)))                                  \
    MACRO(HOSTOUTPUT, FOREIGN, WHEN_HOST(put_first_line(out, a->output)))                                              \
    MACRO(LONGHOSTOUTPUT, FOREIGN, WHEN_HOST(put_long(out, a->output)))                                                \
    MACRO(HOSTPERFDATA, FOREIGN, WHEN_HOST(buffer_printf(out, "%s", a->perfdata)))                                     \
    MACRO(HOSTDURATION, FIXED, WHEN_HOST(put_duration(out, a)))                                                        \
    MACRO(HOSTACKAUTHOR, FOREIGN, WHEN_HOST(buffer_printf(out, "%s", a->author)))                                      \
    MACRO(HOSTACKCOMMENT, FOREIGN, WHEN_HOST(buffer_printf(out, "%s", a->comment)))                                    \
    MACRO(SERVICEDESC, NAMED, buffer_printf(out, "%s", a->service))                                                    \
    MACRO(SERVICEDISPLAYNAME, NAMED, buffer_printf(out, "%s", a->service_display))                                     \
    MACRO(SERVICESTATE, FIXED, WHEN_SERVICE(buffer_printf(out, "%s", state_name(false, a->state))))                    \
    MACRO(SERVICESTATEID, FIXED, WHEN_SERVICE(buffer_printf(out, "%u", a->state)))                                     \
    MACRO(SERVICESTATETYPE, FIXED, WHEN_SERVICE(buffer_printf(out, "%s", a->hard ? "HARD" : "SOFT")))                  \
    MACRO(SERVICEATTEMPT, FIXED, WHEN_SERVICE(buffer_printf(out, "%" PRIu32, a->attempt)))                             \
    MACRO(MAXSERVICEATTEMPTS, FIXED, WHEN_SERVICE(buffer_printf(out, "%" PRIu32, a->max_attempts)))                    \
    MACRO(LASTSERVICESTATE, FIXED, WHEN_SERVICE(buffer_printf(out, "%s", state_name(false, a->last_state))))           \
    MACRO(LASTSERVICESTATEID, FIXED, WHEN_SERVICE(buffer_printf(out, "%u", a->last_state)))                            \
    MACRO(SERVICEOUTPUT, FOREIGN, WHEN_SERVICE(put_first_line(out, a->output)))                                        \
    MACRO(LONGSERVICEOUTPUT, FOREIGN, WHEN_SERVICE(put_long(out, a->output)))                                          \
    MACRO(SERVICEPERFDATA, FOREIGN, WHEN_SERVICE(buffer_printf(out, "%s", a->perfdata)))                               \
    MACRO(SERVICEDURATION, FIXED, WHEN_SERVICE(put_duration(out, a)))                                                  \
    MACRO(SERVICEACKAUTHOR, FOREIGN, WHEN_SERVICE(buffer_printf(out, "%s", a->author)))                                \
    MACRO(SERVICEACKCOMMENT, FOREIGN, WHEN_SERVICE(buffer_printf(out, "%s", a->comment)))                              \
    MACRO(CONTACTNAME, NAMED, put_contact(out, c, CONTACT_NAME))                                                       \
    MACRO(CONTACTALIAS, NAMED, put_contact(out, c, CONTACT_ALIAS))                                                     \
    MACRO(CONTACTEMAIL, NAMED, put_contact(out, c, CONTACT_EMAIL))                                                     \
    MACRO(CONTACTPAGER, NAMED, put_contact(out, c, CONTACT_PAGER))                                                     \
    MACRO(LONGDATETIME, FIXED, put_long_date_time(out, c))                                                             \
    MACRO(SHORTDATETIME, FIXED, put_short_date_time(out, c))                                                           \
    MACRO(DATE, FIXED, put_date(out, c))                                                                               \
    MACRO(TIME, FIXED, put_time(out, c))                                                                               \
    MACRO(TIMET, FIXED, buffer_printf(out, "%" PRId64, a->t / 1000))                                                   \
    MACRO(QUORATE_ALERT_NUMBER, FIXED, buffer_printf(out, "%" PRIu64, a->number))                                      \
    MACRO(QUORATE_CLUSTER_ID, FIXED, put_cluster(out, c))                                                              \
    MACRO(QUORATE_KEY, FIXED, put_cluster(out, c); buffer_printf(out, ":%" PRIu64, a->number))                         \
    MACRO(QUORATE_OBSERVERS, NAMED, macro_observers(out, a))

#define DEFINE(name, origin, code) ROW(name, code)
MACROS(DEFINE)

static const struct macro {
    const char *name;
    enum origin origin;
    macro_put *put;
} TABLE[] = {
#define LIST(name, origin, code) {#name, origin, put_##name},
    MACROS(LIST)};

enum { MACRO_COUNT = sizeof TABLE / sizeof TABLE[0] };

/* Documented by Nagios, not told by alerts. */
static const char *const EMPTY[] = {"NOTIFICATIONISESCALATED",
                                    "NOTIFICATIONAUTHORNAME",
                                    "NOTIFICATIONAUTHORALIAS",
                                    "HOSTGROUPNAME",
                                    "HOSTGROUPNAMES",
                                    "HOSTGROUPALIAS",
                                    "HOSTNOTES",
                                    "HOSTNOTESURL",
                                    "HOSTACTIONURL",
                                    "HOSTPROBLEMID",
                                    "LASTHOSTPROBLEMID",
                                    "HOSTEVENTID",
                                    "LASTHOSTEVENTID",
                                    "HOSTDURATIONSEC",
                                    "HOSTDOWNTIME",
                                    "HOSTPERCENTCHANGE",
                                    "HOSTCHECKCOMMAND",
                                    "LASTHOSTCHECK",
                                    "LASTHOSTSTATECHANGE",
                                    "SERVICEGROUPNAME",
                                    "SERVICEGROUPNAMES",
                                    "SERVICEGROUPALIAS",
                                    "SERVICENOTES",
                                    "SERVICENOTESURL",
                                    "SERVICEACTIONURL",
                                    "SERVICEPROBLEMID",
                                    "LASTSERVICEPROBLEMID",
                                    "SERVICEEVENTID",
                                    "LASTSERVICEEVENTID",
                                    "SERVICEDURATIONSEC",
                                    "SERVICEDOWNTIME",
                                    "SERVICEPERCENTCHANGE",
                                    "SERVICECHECKCOMMAND",
                                    "LASTSERVICECHECK",
                                    "LASTSERVICESTATECHANGE",
                                    "SERVICEISVOLATILE",
                                    "CONTACTADDRESS1",
                                    "CONTACTADDRESS2",
                                    "CONTACTADDRESS3",
                                    "CONTACTADDRESS4",
                                    "CONTACTADDRESS5",
                                    "CONTACTADDRESS6",
                                    "CONTACTGROUPNAME",
                                    "CONTACTGROUPNAMES",
                                    "ADMINEMAIL",
                                    "ADMINPAGER"};

static bool named(struct bytes name, const char *text) {
    return bytes_equal(name, bytes_of_text(text));
}

static const struct macro *find(struct bytes name) {
    for (size_t i = 0; i < MACRO_COUNT; i++) {
        if (named(name, TABLE[i].name)) {
            return &TABLE[i];
        }
    }
    return NULL;
}

bool macro_known(struct bytes name) {
    for (size_t i = 0; i < sizeof EMPTY / sizeof EMPTY[0]; i++) {
        if (named(name, EMPTY[i])) {
            return true;
        }
    }
    return find(name) != NULL;
}

bool macro_argument_valid(const char *argument, struct buffer *unknown) {
    for (const char *at = strchr(argument, '$'); at != NULL; at = strchr(at, '$')) {
        const char *end = strchr(at + 1, '$');
        struct bytes name = bytes_of(at + 1, end == NULL ? 0 : (size_t)(end - at - 1));
        if (end == NULL || (name.len > 0 && !macro_known(name))) {
            buffer_printf(unknown, "$%.*s%s", (int)name.len, end == NULL ? "" : at + 1, end == NULL ? "" : "$");
            return false;
        }
        at = end + 1;
    }
    return true;
}

bool macro_argument_foreign(const char *argument) {
    for (const char *at = strchr(argument, '$'); at != NULL; at = strchr(at, '$')) {
        const char *end = strchr(at + 1, '$');
        const struct macro *m = end == NULL ? NULL : find(bytes_of(at + 1, (size_t)(end - at - 1)));
        if (end == NULL || (m != NULL && m->origin != FIXED)) {
            return end != NULL;
        }
        at = end + 1;
    }
    return false;
}

/* Drops what a shell further down could trip over. */
static void put_stripped(struct buffer *out, struct bytes text) {
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (c >= ' ' && c != 0x7f && strchr("`~$&|'\"<>", c) == NULL) {
            buffer_u8(out, c);
        }
    }
}

static void put_macro(struct buffer *out, const struct macro *m, const struct macro_context *context) {
    struct buffer value = {0};
    m->put(&value, context);
    if (m->origin == FOREIGN) {
        put_stripped(out, buffer_bytes(&value));
    } else {
        buffer_put(out, value.data, value.len);
    }
    buffer_free(&value);
}

void macro_expand(struct buffer *out, const char *argument, const struct macro_context *context) {
    while (*argument != '\0') {
        size_t plain = strcspn(argument, "$");
        buffer_put(out, argument, plain);
        argument += plain;
        const char *end = *argument == '$' ? strchr(argument + 1, '$') : NULL;
        if (end == NULL) { /* nothing, or a lone $, which the configuration refuses */
            buffer_printf(out, "%s", argument);
            return;
        }
        const struct macro *m = find(bytes_of(argument + 1, (size_t)(end - argument - 1)));
        if (end == argument + 1) {
            buffer_u8(out, '$');
        } else if (m != NULL) {
            put_macro(out, m, context);
        }
        argument = end + 1;
    }
}

char **macro_environment(struct arena *arena, const struct macro_context *context, char *const *inherited) {
    size_t extra = 0, count = 0;
    while (inherited[extra] != NULL) {
        extra++;
    }
    char **list = arena_alloc(arena, (MACRO_COUNT + extra + 1) * sizeof *list);
    struct buffer entry = {0};
    for (size_t i = 0; i < MACRO_COUNT; i++) {
        bool ours = strncmp(TABLE[i].name, "QUORATE_", 8) == 0;
        buffer_clear(&entry);
        buffer_printf(&entry, "%s%s=", ours ? "" : "NAGIOS_", TABLE[i].name);
        size_t start = entry.len;
        TABLE[i].put(&entry, context);
        if (entry.len > start || ours) {
            list[count++] = arena_text(arena, buffer_bytes(&entry));
        }
    }
    buffer_free(&entry);
    for (size_t i = 0; i < extra; i++) {
        list[count++] = arena_text(arena, bytes_of_text(inherited[i]));
    }
    return list;
}
