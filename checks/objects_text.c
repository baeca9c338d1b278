/* Text into definitions: lines, comments, `define TYPE {` ... `}` and the directives between. Whatever is wrong is
   noted with its file and line, and reading goes on, so that one run shows everything. */
#include "checks/objects_raw.h"
#include "checks/period_rule.h"
#include "proto/op.h"

#include <stdio.h>
#include <string.h>

/* ---- lines ---- */

struct lines {
    const uint8_t *at, *end;
    uint32_t next;      /* number of the line that comes next */
    uint32_t line;      /* where the current one began */
    struct buffer text; /* the current one, joined, without comment and outer blanks */
};

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static struct bytes take_physical(struct lines *l) {
    const uint8_t *newline = memchr(l->at, '\n', (size_t)(l->end - l->at));
    const uint8_t *stop = newline != NULL ? newline : l->end;
    struct bytes line = bytes_of(l->at, (size_t)(stop - l->at));
    l->at = newline != NULL ? newline + 1 : l->end;
    l->next++;
    while (line.len > 0 && is_blank((char)line.data[line.len - 1])) {
        line.len--;
    }
    return line;
}

static bool continues(struct bytes line) {
    size_t slashes = 0;
    while (slashes < line.len && line.data[line.len - 1 - slashes] == '\\') {
        slashes++;
    }
    return slashes % 2 == 1;
}

/* A backslash at the end joins the next line, whose leading blanks go. */
static void take_logical(struct lines *l) {
    bool more = true;
    while (more) {
        struct bytes line = take_physical(l);
        while (line.len > 0 && is_blank((char)line.data[0])) {
            line.data++;
            line.len--;
        }
        more = continues(line) && l->at < l->end;
        buffer_put(&l->text, line.data, line.len - (more ? 1 : 0));
    }
}

/* `;` begins a comment, `\;` is a semicolon, a line that begins with `#` is a comment. */
static void drop_comment(struct buffer *text) {
    size_t kept = 0;
    if (text->len > 0 && text->data[0] == '#') {
        text->len = 0;
    }
    for (size_t i = 0; i < text->len; i++) {
        if (text->data[i] == ';') {
            break;
        }
        if (text->data[i] == '\\' && i + 1 < text->len && text->data[i + 1] == ';') {
            i++;
        }
        text->data[kept++] = text->data[i];
    }
    while (kept > 0 && is_blank((char)text->data[kept - 1])) {
        kept--;
    }
    text->len = kept;
}

/* The next line that says something, as a NUL-terminated string; NULL at the end. */
static char *next_line(struct lines *l) {
    while (l->at < l->end) {
        l->line = l->next;
        buffer_clear(&l->text);
        take_logical(l);
        drop_comment(&l->text);
        if (l->text.len > 0) {
            (void)buffer_cstr(&l->text);
            return (char *)l->text.data;
        }
    }
    return NULL;
}

/* Cuts the first word off: the rest begins at its first byte that is no blank. */
static char *cut_word(char *line) {
    char *at = line;
    while (*at != '\0' && !is_blank(*at)) {
        at++;
    }
    if (*at != '\0') {
        *at++ = '\0';
    }
    while (is_blank(*at)) {
        at++;
    }
    return at;
}

/* ---- definitions ---- */

struct reading {
    struct parse *parse;
    unsigned source;
    struct lines lines;
    bool inside, skip;          /* in a definition; one whose lines do not count */
    struct place opened;        /* its define line */
    struct raw_object *current; /* NULL when skipped */
};

static struct place here(const struct reading *r) {
    return (struct place){r->source, r->lines.line};
}

static void add_object(struct reading *r, enum raw_type type) {
    struct parse *p = r->parse;
    struct raw_object *raw = arena_alloc(&p->scratch, sizeof *raw);
    raw->type = type;
    raw->place = here(r);
    p->list = parse_grow(p, p->list, p->count, &p->cap, sizeof(struct raw_object *));
    p->list[p->count++] = raw;
    r->current = raw;
}

static bool is_one_of(const char *word, const char *const *words) {
    while (*words != NULL && strcmp(word, *words) != 0) {
        words++;
    }
    return *words != NULL;
}

static void open_type(struct reading *r, const char *type) {
    static const char *const refused[] = {"hostgroupescalation", NULL};
    static const char *const display_only[] = {"hostextinfo", "serviceextinfo", NULL};
    for (enum raw_type t = 0; t < RAW_TYPE_LIMIT; t++) {
        if (strcmp(type, raw_type_name(t)) == 0) {
            add_object(r, t);
            return;
        }
    }
    r->skip = true;
    struct buffer name = {0};
    buffer_printf(&name, "define %s", type);
    if (is_one_of(type, refused)) {
        parse_problem(r->parse, here(r), buffer_cstr(&name),
                      "says nothing to Nagios 4: write a hostescalation with a hostgroup_name");
    } else if (is_one_of(type, display_only)) {
        parse_ignored(r->parse, buffer_cstr(&name), here(r));
    } else {
        parse_problem(r->parse, here(r), buffer_cstr(&name), "no such type of object: correct it");
    }
    buffer_free(&name);
}

static void not_closed(struct reading *r) {
    parse_problem(r->parse, r->opened, "define", "not closed: put a '}' on a line of its own behind it");
}

/* rest: what follows the word define. */
static void open_definition(struct reading *r, char *rest) {
    if (r->inside) {
        not_closed(r);
    }
    r->inside = true;
    r->skip = false;
    r->current = NULL;
    r->opened = here(r);
    size_t len = strlen(rest);
    bool brace = len > 0 && rest[len - 1] == '{';
    while (len > 0 && (rest[len - 1] == '{' || is_blank(rest[len - 1]))) {
        rest[--len] = '\0';
    }
    if (!brace || len == 0 || strpbrk(rest, " \t{") != NULL) {
        parse_problem(r->parse, here(r), "define", "not of the form 'define TYPE {': correct it");
        r->skip = true;
        return;
    }
    open_type(r, rest);
}

static void note_use(struct reading *r, enum directive d, const char *word) {
    struct parse *p = r->parse;
    enum directive_use use = directive_use_of(d);
    if ((use != UNUSED && use != UNUSED_HERE) || p->ignored_seen[d][r->current->type]) {
        return;
    }
    p->ignored_seen[d][r->current->type] = true;
    struct buffer name = {0};
    buffer_printf(&name, "%s", word);
    if (use == UNUSED_HERE) {
        buffer_printf(&name, " of %s", raw_type_name(r->current->type));
    }
    parse_ignored(p, buffer_cstr(&name), here(r));
    buffer_free(&name);
}

static const char *keep(struct reading *r, const char *text) {
    return arena_text(&r->parse->out->arena, bytes_of_text(text));
}

static const char *keep_upper(struct reading *r, const char *text) {
    char *copy = arena_text(&r->parse->out->arena, bytes_of_text(text));
    for (char *c = copy; *c != '\0'; c++) {
        if (*c >= 'a' && *c <= 'z') {
            *c = (char)(*c - 'a' + 'A');
        }
    }
    return copy;
}

static bool given_before(struct reading *r, const struct raw_entry *entry) {
    for (unsigned i = 0; i < r->current->count; i++) {
        const struct raw_entry *e = &r->current->entries[i];
        bool by_name = e->directive == D_CUSTOM || e->directive == D_RANGE;
        if (e->directive == entry->directive && (!by_name || strcmp(e->name, entry->name) == 0)) {
            parse_problem(r->parse, entry->place, entry->name,
                          "given twice in one definition (first in line %u): remove one",
                          r->current->entries[i].place.line);
            return true;
        }
    }
    return false;
}

static bool directive_sound(struct reading *r, enum directive d, const char *word, const char *value) {
    if (d == D_UNKNOWN) {
        parse_problem(r->parse, here(r), word, "not a directive of %s: correct or remove it",
                      raw_type_name(r->current->type));
    } else if (*value == '\0' && d != D_CUSTOM) {
        parse_problem(r->parse, here(r), word, "no value: give one or remove the line");
    } else if (strlen(value) > OBJECT_TEXT_MAX || strlen(word) > NAME_MAX_LEN) {
        parse_problem(r->parse, here(r), NULL, "longer than %d bytes: shorten it", OBJECT_TEXT_MAX);
    } else {
        return true;
    }
    return false;
}

/* A time period's line: the days before the first time of day are the entry's name. */
static void read_range(struct reading *r, const char *line) {
    const char *times = period_rule_times(line);
    size_t len = (size_t)(times - line);
    while (len > 0 && is_blank(line[len - 1])) {
        len--;
    }
    struct raw_entry entry = {.directive = D_RANGE, .place = here(r), .value = keep(r, times)};
    entry.name = arena_text(&r->parse->out->arena, bytes_of(line, len));
    if (*times == '\0') {
        parse_problem(r->parse, here(r), NULL, "'%.80s' has no times: give some, such as 09:00-17:00", line);
    } else if (directive_sound(r, D_RANGE, entry.name, times) && !given_before(r, &entry)) {
        raw_append(r->parse, r->current, &entry);
    }
}

static void read_directive(struct reading *r, char *line) {
    if (r->skip) {
        return;
    }
    char word[NAME_MAX_LEN + 1];
    snprintf(word, sizeof word, "%.*s", (int)strcspn(line, " \t"), line);
    if (directive_of(r->current->type, word) == D_RANGE) {
        read_range(r, line);
        return;
    }
    char *value = cut_word(line);
    enum directive d = directive_of(r->current->type, line);
    if (!directive_sound(r, d, line, value)) {
        return;
    }
    note_use(r, d, line);
    struct raw_entry entry = {.directive = d, .place = here(r)};
    entry.name = d == D_CUSTOM ? keep_upper(r, line) : d < D_CUSTOM ? directive_text(d) : keep(r, line);
    entry.additive = directive_use_of(d) == LIST && value[0] == '+';
    entry.value = strcmp(value, "null") == 0 ? NULL : keep(r, value + (entry.additive ? 1 : 0));
    if (!given_before(r, &entry)) {
        raw_append(r->parse, r->current, &entry);
    }
}

static void read_outside(struct reading *r, char *line) {
    (void)cut_word(line);
    if (strncmp(line, "include_file", 12) == 0 || strncmp(line, "include_dir", 11) == 0) {
        parse_problem(r->parse, here(r), NULL,
                      "include_file and include_dir are not supported: name the files to apply");
    } else {
        parse_problem(r->parse, here(r), NULL,
                      "'%.80s' stands outside a definition: remove it or open one with 'define TYPE {'", line);
    }
}

/* The rest of a line that begins with the word define ("define host{", "define{" too), or NULL. */
static char *after_define(char *line) {
    if (strncmp(line, "define", 6) != 0 || !(line[6] == '\0' || line[6] == '{' || is_blank(line[6]))) {
        return NULL;
    }
    line += 6;
    while (is_blank(*line)) {
        line++;
    }
    return line;
}

static void read_line(struct reading *r, char *line) {
    if (!utf8_valid(buffer_bytes(&r->lines.text))) {
        parse_problem(r->parse, here(r), NULL, "not valid UTF-8: save the file as UTF-8");
        return;
    }
    char *define = after_define(line);
    if (define != NULL) {
        open_definition(r, define);
    } else if (r->inside && strcmp(line, "}") == 0) {
        r->inside = false;
    } else if (r->inside) {
        read_directive(r, line);
    } else {
        read_outside(r, line);
    }
}

void parse_text(struct parse *p, unsigned source) {
    struct bytes text = p->sources[source].text;
    struct reading r = {.parse = p, .source = source};
    if (text.len > 0) {
        r.lines = (struct lines){.at = text.data, .end = text.data + text.len, .next = 1};
    }
    for (char *line = next_line(&r.lines); line != NULL; line = next_line(&r.lines)) {
        read_line(&r, line);
    }
    if (r.inside) {
        not_closed(&r);
    }
    buffer_free(&r.lines.text);
}
