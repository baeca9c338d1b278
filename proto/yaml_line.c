/* Finds the line of a field in a YAML text. libcyaml forgets lines once a file is loaded, and what is judged afterwards
   (ids, keys, addresses) shall name its place too. Block and flow style are both understood as far as people use them.
 */
#include "proto/yaml_trace.h"

#include <string.h>

struct line {
    struct bytes text;
    unsigned number;
};

static bool line_next(struct bytes text, size_t *at, struct line *line) {
    if (*at >= text.len) {
        return false;
    }
    const uint8_t *start = text.data + *at;
    const uint8_t *end = memchr(start, '\n', text.len - *at);
    size_t len = end == NULL ? text.len - *at : (size_t)(end - start);
    line->text = bytes_of(start, len);
    line->number++;
    *at += len + 1;
    return true;
}

static size_t line_indent(struct bytes line) {
    size_t i = 0;
    while (i < line.len && line.data[i] == ' ') {
        i++;
    }
    return i;
}

static bool line_blank(struct bytes line) {
    size_t i = line_indent(line);
    return i == line.len || line.data[i] == '#' || line.data[i] == '\r';
}

static bool line_dash(struct bytes line) {
    size_t i = line_indent(line);
    return i < line.len && line.data[i] == '-' && (i + 1 == line.len || line.data[i + 1] == ' ');
}

/* Does key stand at `at`, as a whole word followed by a colon? */
static bool key_at(struct bytes line, size_t at, const char *key) {
    size_t len = strlen(key);
    if (line.len - at <= len || memcmp(line.data + at, key, len) != 0) {
        return false;
    }
    if (at > 0 && strchr(" {,-", line.data[at - 1]) == NULL) {
        return false;
    }
    size_t after = at + len;
    while (after < line.len && line.data[after] == ' ') {
        after++;
    }
    return after < line.len && line.data[after] == ':';
}

/* Walks the line's characters outside of quotes and comments; counts braces and looks for key (may be NULL). */
static bool line_scan(struct bytes line, const char *key, unsigned *braces) {
    uint8_t quote = 0;
    for (size_t i = 0; i < line.len; i++) {
        uint8_t c = line.data[i];
        if (quote != 0) {
            i += c == '\\' && quote == '"';
            quote = c == quote ? 0 : quote;
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (c == '#' && (i == 0 || line.data[i - 1] == ' ')) {
            return false;
        } else if (key != NULL && key_at(line, i, key)) {
            return true;
        } else if (c == '{' && braces != NULL) {
            ++*braces;
        }
    }
    return false;
}

static bool section_starts(struct bytes line, const char *section) {
    return line.len > 0 && line_indent(line) == 0 && key_at(line, 0, section);
}

/* A line without indentation ends a section, unless it continues its list or closes its bracket. */
static bool section_ends(struct bytes line) {
    return !line_blank(line) && line_indent(line) == 0 && !line_dash(line) && strchr("]}", line.data[0]) == NULL;
}

/* Which entry a line belongs to: entries begin with dashes of the first one's indentation or, when the section has
   none, with braces. */
struct entry_counter {
    bool dashes;
    size_t indent;
    unsigned seen;
};

static struct entry_counter counter_of(struct bytes text, size_t at) {
    struct line line = {.number = 0};
    while (line_next(text, &at, &line) && !section_ends(line.text)) {
        if (line_dash(line.text)) {
            return (struct entry_counter){.dashes = true, .indent = line_indent(line.text)};
        }
    }
    return (struct entry_counter){.dashes = false};
}

static void counter_feed(struct entry_counter *c, struct bytes line) {
    if (!c->dashes) {
        line_scan(line, NULL, &c->seen);
    } else if (line_dash(line) && line_indent(line) == c->indent) {
        c->seen++;
    }
}

static unsigned entry_find(struct bytes text, size_t at, struct line line, int entry, const char *key) {
    unsigned section_line = line.number, entry_line = 0, wanted = (unsigned)entry + 1;
    struct entry_counter counter = counter_of(text, at);
    bool more = true;
    for (bool first = true; more && (first || !section_ends(line.text)); first = false) {
        unsigned before = counter.seen;
        counter_feed(&counter, line.text);
        if (before < wanted && counter.seen >= wanted) {
            entry_line = line.number;
        }
        bool inside = counter.seen == wanted || (before < wanted && counter.seen > wanted);
        if (inside && key != NULL && line_scan(line.text, key, NULL)) {
            return line.number;
        }
        if (counter.seen > wanted) {
            break;
        }
        more = line_next(text, &at, &line);
    }
    return entry_line != 0 ? entry_line : section_line;
}

unsigned yaml_line_find(struct bytes text, const char *section, int entry, const char *key) {
    struct line line = {.number = 0};
    size_t at = 0;
    do {
        if (!line_next(text, &at, &line)) {
            return 0;
        }
    } while (!section_starts(line.text, section));
    if (entry >= 0) {
        return entry_find(text, at, line, entry, key);
    }
    unsigned section_line = line.number;
    if (key == NULL) {
        return section_line;
    }
    for (bool more = true, first = true; more && (first || !section_ends(line.text)); first = false) {
        if (!line_blank(line.text) && line_scan(line.text, key, NULL)) {
            return line.number;
        }
        more = line_next(text, &at, &line);
    }
    return section_line;
}
