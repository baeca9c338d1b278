/* Cuts a plugin's output into text, long text and performance data, as Nagios does, and explains endings that are no
   return code. */
#include "client/agent/plugin_output.h"

#include "proto/op.h"

#include <string.h>

uint8_t plugin_state(struct plugin_end end, bool is_host) {
    bool in_bounds = end.ending == PLUGIN_EXITED && end.code >= 0 && end.code <= 3;
    if (is_host) {
        return in_bounds && end.code <= 1 ? HOST_UP : HOST_DOWN;
    }
    if (end.ending == PLUGIN_TIMED_OUT || end.ending == PLUGIN_UNSTARTED) {
        return STATE_UNKNOWN;
    }
    return in_bounds ? (uint8_t)end.code : STATE_CRITICAL;
}

static void explain(struct buffer *out, struct plugin_end end) {
    if (end.ending == PLUGIN_TIMED_OUT) {
        buffer_printf(out, "(Check timed out after %d.%02d seconds)", end.code / 1000, end.code % 1000 / 10);
    } else if (end.ending == PLUGIN_UNSTARTED) {
        buffer_printf(out, "(Check could not be started: %s)", strerror(end.code));
    } else if (end.ending == PLUGIN_SIGNALLED) {
        buffer_printf(out, "(Check did not exit properly: signal %d, %s)", end.code, strsignal(end.code));
    } else if (end.code < 0 || end.code > 3) {
        buffer_printf(out, "(Return code of %d is out of bounds%s)", end.code,
                      end.code == 126   ? " - plugin may not be executable"
                      : end.code == 127 ? " - plugin may be missing"
                                        : "");
    }
}

/* Length of the well-formed UTF-8 sequence at the start of b, 0 when there is none. */
static size_t utf8_sequence(struct bytes b) {
    for (size_t len = 1; len <= 4 && len <= b.len; len++) {
        if (utf8_valid(bytes_of(b.data, len))) {
            return len;
        }
    }
    return 0;
}

/* Copies text so that it is valid UTF-8: what is not, NUL and control bytes other than newline and tab become '?'. */
static void put_clean(struct buffer *out, struct bytes text) {
    while (text.len > 0) {
        size_t len = utf8_sequence(text);
        bool control =
            len == 1 && (text.data[0] < ' ' || text.data[0] == 0x7f) && text.data[0] != '\n' && text.data[0] != '\t';
        if (len == 0 || control) {
            buffer_u8(out, '?');
            len = 1;
        } else {
            buffer_put(out, text.data, len);
        }
        text = bytes_of(text.data + len, text.len - len);
    }
}

static bool is_blank(uint8_t c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct bytes trim(struct bytes b) {
    while (b.len > 0 && is_blank(b.data[b.len - 1])) {
        b.len--;
    }
    while (b.len > 0 && is_blank(b.data[0])) {
        b = bytes_of(b.data + 1, b.len - 1);
    }
    return b;
}

/* *head: what stands before the first `mark`; the rest after it is returned, empty when there is none. */
static struct bytes cut(struct bytes *head, struct bytes text, char mark) {
    const uint8_t *at = text.len == 0 ? NULL : memchr(text.data, mark, text.len);
    if (at == NULL) {
        *head = text;
        return bytes_of(NULL, 0);
    }
    *head = bytes_of(text.data, (size_t)(at - text.data));
    return bytes_of(at + 1, text.len - head->len - 1);
}

/* Cuts at the limit without leaving half a character. */
static void limit(struct buffer *b) {
    if (b->len > OUTPUT_MAX_LEN) {
        b->len = OUTPUT_MAX_LEN;
        while (b->len > 0 && !utf8_valid(buffer_bytes(b))) {
            b->len--;
        }
    }
}

static void put_perfdata(struct buffer *perfdata, struct bytes part) {
    part = trim(part);
    size_t start = perfdata->len;
    if (part.len > 0) {
        buffer_printf(perfdata, start > 0 ? " " : "");
        put_clean(perfdata, part);
    }
    for (size_t i = start; i < perfdata->len; i++) {
        perfdata->data[i] = perfdata->data[i] == '\n' ? ' ' : perfdata->data[i];
    }
}

static void put_short(struct buffer *output, struct bytes text, struct bytes complained) {
    size_t start = output->len;
    text = trim(text);
    if (text.len > 0) {
        buffer_printf(output, start > 0 ? " " : "");
        put_clean(output, text);
    } else if (trim(complained).len > 0) {
        struct bytes line;
        cut(&line, trim(complained), '\n');
        buffer_printf(output, "%s(No output on stdout) stderr: ", start > 0 ? " " : "");
        put_clean(output, line);
    } else if (start == 0) {
        buffer_printf(output, "(No output returned from plugin)");
    }
    for (size_t i = 0; i < output->len; i++) {
        output->data[i] = output->data[i] == ';' ? ':' : output->data[i];
    }
}

void plugin_output_split(struct buffer *output, struct buffer *perfdata, struct plugin_end end, struct bytes printed,
                         struct bytes complained) {
    struct bytes first, text, more;
    buffer_clear(output);
    buffer_clear(perfdata);
    struct bytes rest = cut(&first, printed, '\n');
    put_perfdata(perfdata, cut(&text, first, '|'));
    put_perfdata(perfdata, cut(&more, rest, '|'));
    explain(output, end);
    put_short(output, text, complained);
    more = trim(more);
    if (more.len > 0) {
        buffer_u8(output, '\n');
        put_clean(output, more);
    }
    limit(output);
    limit(perfdata);
}
