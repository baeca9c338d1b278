/* Reports as JUnit's XML, which build servers read: each drill is a testcase, each broken promise a failure of it. */
#include "client/drill/report.h"

#include <inttypes.h>
#include <string.h>

/* U+FFFE or U+FFFF. */
static bool is_no_character(const char *text) {
    return strncmp(text, "\xef\xbf\xbe", 3) == 0 || strncmp(text, "\xef\xbf\xbf", 3) == 0;
}

/* XML 1.0 knows no control characters but tab, newline and return, and none of the two that are no characters. */
static void put_escaped(struct buffer *out, const char *text) {
    static const char special[] = "&<>\"'";
    static const char *const names[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&apos;"};
    for (; *text != '\0'; text++) {
        const char *at = strchr(special, *text);
        if (at != NULL) {
            buffer_printf(out, "%s", names[at - special]);
        } else if (is_no_character(text)) {
            buffer_u8(out, '?');
            text += 2;
        } else {
            bool plain = (unsigned char)*text >= ' ' || *text == '\n' || *text == '\t';
            buffer_u8(out, plain ? (uint8_t)*text : '?');
        }
    }
}

static void put_attribute(struct buffer *out, const char *name, const char *value) {
    buffer_printf(out, " %s=\"", name);
    put_escaped(out, value);
    buffer_u8(out, '"');
}

static void put_seconds(struct buffer *out, int64_t ms) {
    buffer_printf(out, " time=\"%" PRId64 ".%03" PRId64 "\"", ms / 1000, ms % 1000);
}

static void put_element(struct buffer *out, const char *element, const char *type, const char *message) {
    buffer_printf(out, "    <%s", element);
    put_attribute(out, "type", type);
    put_attribute(out, "message", message);
    buffer_printf(out, "/>\n");
}

static void put_failures(struct buffer *out, const json_t *report) {
    const json_t *promise;
    size_t i;
    bool broken = false;
    json_array_foreach(json_object_get(report, "promises"), i, promise) {
        if (!json_is_true(json_object_get(promise, "kept"))) {
            put_element(out, "failure", report_text_of(promise, "name"), report_text_of(promise, "reason"));
            broken = true;
        }
    }
    if (!broken && !report_kept(report)) {
        put_element(out, "failure", "bite", report_no_bite);
    }
}

static bool failed_itself(const json_t *report) {
    return strcmp(report_text_of(report, "verdict"), "error") == 0;
}

static void put_case(struct buffer *out, const json_t *report) {
    buffer_printf(out, "  <testcase classname=\"quorate.drill\"");
    put_attribute(out, "name", report_text_of(report, "name"));
    put_seconds(out, json_integer_value(json_object_get(report, "elapsed_ms")));
    buffer_printf(out, ">\n");
    if (failed_itself(report)) {
        put_element(out, "error", "stage", report_text_of(report, "error"));
    } else {
        put_failures(out, report);
    }
    struct buffer text = {0};
    report_text(&text, report);
    buffer_printf(out, "    <system-out>");
    put_escaped(out, buffer_cstr(&text));
    buffer_printf(out, "</system-out>\n  </testcase>\n");
    buffer_free(&text);
}

void report_junit(struct buffer *out, const json_t *reports, mono_ms elapsed) {
    const json_t *r;
    size_t i;
    unsigned failures = 0, errors = 0;
    json_array_foreach(reports, i, r) {
        errors += failed_itself(r);
        failures += !failed_itself(r) && !report_kept(r);
    }
    buffer_printf(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    buffer_printf(out, "<testsuite name=\"quorate drill\" tests=\"%zu\" failures=\"%u\" errors=\"%u\"",
                  json_array_size(reports), failures, errors);
    put_seconds(out, elapsed);
    buffer_printf(out, ">\n");
    json_array_foreach(reports, i, r) {
        put_case(out, r);
    }
    buffer_printf(out, "</testsuite>\n");
}
