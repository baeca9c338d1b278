/* Nothing that plugins or people wrote reaches a header as it is: control characters are replaced, and a subject that
   is not plain ASCII is encoded. A body that is not plain ASCII in short lines travels as base64. */
#include "client/mail.h"

#include "base/clock.h"
#include "client/macros.h"
#include "client/payload.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

enum {
    SUBJECT_MAX = 400,    /* bytes before encoding */
    WORD_MAX_BYTES = 45,  /* of one encoded word: 60 characters of base64 */
    LINE_MAX_BYTES = 900, /* a line that travels as it is; 998 are allowed */
    BASE64_LINE = 76,
    TABLE_OUTPUT_MAX = 160 /* bytes of an alert's output in a table */
};

static bool is_host(const struct alert *a) {
    return a->service[0] == '\0';
}

/* At most max bytes of the first line, cut where a character ends, control characters as '?'. */
static void put_line(struct buffer *out, const char *text, size_t max) {
    size_t len = strcspn(text, "\n");
    if (len > max) {
        for (len = max; len > 0 && ((uint8_t)text[len] & 0xc0) == 0x80; len--) {
        }
    }
    for (size_t i = 0; i < len; i++) {
        uint8_t c = (uint8_t)text[i];
        buffer_u8(out, c < ' ' || c == 0x7f ? '?' : c);
    }
}

/* --- the subject --- */

static void put_about(struct buffer *out, const struct alert *a) {
    if (a->host[0] == '\0') {
        buffer_printf(out, "** %s Alert: ", alert_type_name(a->type));
        put_line(out, a->output, TABLE_OUTPUT_MAX);
    } else {
        buffer_printf(out, "** %s %s Alert: %s%s%s is %s", alert_type_name(a->type), is_host(a) ? "Host" : "Service",
                      a->host, is_host(a) ? "" : "/", a->service, state_name(is_host(a), a->state));
    }
    buffer_printf(out, " **");
}

/* "** 37 alerts: 30 PROBLEM, 7 RECOVERY **" */
static void put_counts(struct buffer *out, const struct mail *m) {
    const char *comma = ":";
    buffer_printf(out, "** %u alerts", m->count);
    for (unsigned type = ALERT_PROBLEM; type < ALERT_TYPE_LIMIT; type++) {
        unsigned of_type = 0;
        for (unsigned i = 0; i < m->count; i++) {
            of_type += m->alerts[i]->type == type;
        }
        if (of_type > 0) {
            buffer_printf(out, "%s %u %s", comma, of_type, alert_type_name((enum alert_type)type));
            comma = ",";
        }
    }
    buffer_printf(out, " **");
}

static bool plain_ascii(struct bytes text) {
    for (size_t i = 0; i < text.len; i++) {
        bool opens = i + 1 < text.len && text.data[i] == '=' && text.data[i + 1] == '?'; /* an encoded word */
        if (text.data[i] < ' ' || text.data[i] > '~' || opens) {
            return false;
        }
    }
    return true;
}

static void put_encoded_words(struct buffer *out, struct bytes text) {
    while (text.len > 0) {
        size_t len = text.len > WORD_MAX_BYTES ? WORD_MAX_BYTES : text.len;
        while (len < text.len && len > 1 && (text.data[len] & 0xc0) == 0x80) {
            len--;
        }
        buffer_printf(out, "=?UTF-8?B?");
        base64_encode(out, bytes_of(text.data, len));
        buffer_printf(out, "?=");
        text = bytes_of(text.data + len, text.len - len);
        buffer_printf(out, "%s", text.len > 0 ? "\r\n " : "");
    }
}

static void put_subject(struct buffer *out, const struct mail *m) {
    struct buffer raw = {0}, subject = {0};
    if (m->count == 1) {
        put_about(&raw, m->alerts[0]);
    } else {
        put_counts(&raw, m);
    }
    put_line(&subject, buffer_cstr(&raw), SUBJECT_MAX);
    buffer_printf(out, "Subject: ");
    if (plain_ascii(buffer_bytes(&subject))) {
        buffer_put(out, subject.data, subject.len);
    } else {
        put_encoded_words(out, buffer_bytes(&subject));
    }
    buffer_printf(out, "\r\n");
    buffer_free(&raw);
    buffer_free(&subject);
}

/* --- the other headers --- */

static void put_date(struct buffer *out, time_ms t) {
    static const char DAYS[] = "SunMonTueWedThuFriSat", MONTHS[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t seconds = (time_t)(t / 1000);
    struct tm tm = {0};
    gmtime_r(&seconds, &tm);
    buffer_printf(out, "Date: %.3s, %02d %.3s %d %02d:%02d:%02d +0000\r\n", DAYS + 3 * tm.tm_wday, tm.tm_mday,
                  MONTHS + 3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static void put_message_id(struct buffer *out, const struct mail *m) {
    char id[2 * CLUSTER_ID_LEN + 1];
    hex_encode(id, bytes_of(m->cluster.b, CLUSTER_ID_LEN));
    buffer_printf(out, "Message-ID: <alert-%" PRIu64, m->first);
    if (m->last > m->first) {
        buffer_printf(out, "-%" PRIu64, m->last);
    }
    buffer_printf(out, "@%s.quorate>\r\n", id);
}

static void put_headers(struct buffer *out, const struct mail *m) {
    buffer_printf(out, "From: <%s>\r\nTo: ", m->from);
    for (unsigned i = 0; i < m->to_count; i++) {
        buffer_printf(out, "%s<%s>", i > 0 ? ",\r\n " : "", m->to[i]);
    }
    buffer_printf(out, "\r\n");
    put_subject(out, m);
    put_date(out, m->alerts[m->count - 1]->t);
    put_message_id(out, m);
    buffer_printf(out, "X-Quorate-Key: ");
    payload_key(out, &m->cluster, m->first, m->last);
    buffer_printf(out, "\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
                       "Content-Type: text/plain; charset=utf-8\r\n");
}

/* --- the body --- */

static void put_moment(struct buffer *out, const char *name, time_ms t) {
    char stamp[25];
    if (t > 0) {
        clock_rfc3339(stamp, t);
        buffer_printf(out, "%s%s\n", name, stamp);
    }
}

static void put_named(struct buffer *out, const char *name, const char *text) {
    if (text[0] != '\0') {
        buffer_printf(out, "%s", name);
        put_line(out, text, OUTPUT_MAX_LEN);
        buffer_u8(out, '\n');
    }
}

/* Every line of it. */
static void put_lines(struct buffer *out, const char *text) {
    while (*text != '\0') {
        put_line(out, text, OUTPUT_MAX_LEN);
        buffer_u8(out, '\n');
        text += strcspn(text, "\n");
        text += *text == '\n';
    }
}

static void put_observers(struct buffer *out, const struct alert *a) {
    struct buffer text = {0};
    macro_observers(&text, a);
    put_named(out, "Observers: ", buffer_cstr(&text));
    buffer_free(&text);
}

static void put_whole(struct buffer *out, const struct mail *m) {
    const struct alert *a = m->alerts[0];
    buffer_printf(out, "Type:      %s\n", alert_type_name(a->type));
    put_named(out, "Host:      ", a->host);
    put_named(out, "Alias:     ", a->host_alias);
    put_named(out, "Address:   ", a->host_address);
    put_named(out, "Service:   ", a->service);
    if (a->host[0] != '\0') {
        buffer_printf(out, "State:     %s (%s, attempt %" PRIu32 " of %" PRIu32 ")\n", state_name(is_host(a), a->state),
                      a->hard ? "HARD" : "SOFT", a->attempt, a->max_attempts);
    }
    put_moment(out, "Since:     ", a->since);
    put_moment(out, "Time:      ", a->t);
    put_observers(out, a);
    put_named(out, "Author:    ", a->author);
    put_named(out, "Comment:   ", a->comment);
    buffer_u8(out, '\n');
    put_lines(out, a->output);
}

static void put_row(struct buffer *out, const struct alert *a) {
    char stamp[25];
    clock_rfc3339(stamp, a->t > 0 ? a->t : 0);
    buffer_printf(out, "%8" PRIu64 "  %s  %-16s %-12s ", a->number, stamp, alert_type_name(a->type),
                  a->host[0] == '\0' ? "" : state_name(is_host(a), a->state));
    put_line(out, a->host, NAME_MAX_LEN);
    if (!is_host(a)) {
        buffer_u8(out, '/');
        put_line(out, a->service, NAME_MAX_LEN);
    }
    buffer_printf(out, "  ");
    put_line(out, a->output, TABLE_OUTPUT_MAX);
    buffer_u8(out, '\n');
}

static void put_text(struct buffer *out, const struct mail *m) {
    if (m->count == 1) {
        put_whole(out, m);
    } else {
        buffer_printf(out, "%u alerts waited and come together, oldest first:\n\n", m->count);
        for (unsigned i = 0; i < m->count; i++) {
            put_row(out, m->alerts[i]);
        }
    }
    buffer_printf(out, "\n-- \nquorate, cluster ");
    put_line(out, m->cluster_name, NAME_MAX_LEN);
    buffer_printf(out,
                  ": each alert was signed by more replicas than may lie. `quorate alerts --since %" PRIu64
                  "` shows the proof.\n",
                  m->first - 1);
}

static bool goes_plain(struct bytes text) {
    size_t line = 0;
    for (size_t i = 0; i < text.len; i++) {
        line = text.data[i] == '\n' ? 0 : line + 1;
        if (line > LINE_MAX_BYTES || text.data[i] > '~' || (text.data[i] < ' ' && text.data[i] != '\n')) {
            return false;
        }
    }
    return true;
}

static void put_crlf(struct buffer *out, struct bytes text) {
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '\n') {
            buffer_u8(out, '\r');
        }
        buffer_u8(out, text.data[i]);
    }
}

static void put_base64(struct buffer *out, struct bytes text) {
    struct buffer encoded = {0};
    base64_encode(&encoded, text);
    for (size_t at = 0; at < encoded.len; at += BASE64_LINE) {
        size_t len = encoded.len - at < BASE64_LINE ? encoded.len - at : BASE64_LINE;
        buffer_put(out, encoded.data + at, len);
        buffer_printf(out, "\r\n");
    }
    buffer_free(&encoded);
}

void mail_write(struct buffer *out, const struct mail *m) {
    struct buffer text = {0}, lines = {0};
    put_text(&text, m);
    put_headers(out, m);
    if (goes_plain(buffer_bytes(&text))) {
        buffer_printf(out, "Content-Transfer-Encoding: 7bit\r\n\r\n");
        put_crlf(out, buffer_bytes(&text));
    } else {
        buffer_printf(out, "Content-Transfer-Encoding: base64\r\n\r\n");
        put_crlf(&lines, buffer_bytes(&text));
        put_base64(out, buffer_bytes(&lines));
    }
    buffer_free(&text);
    buffer_free(&lines);
}
