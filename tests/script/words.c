/* The line of a story: split into words, read as members, numbers and frames; what is not understood ends the test with
   the place. */
#include "tests/script/script.h"

void story_fail(struct story *s, const char *format, ...) {
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    s->reported = true;
    print_error("%s:%u: %s\n", s->path, s->line, text);
    fail();
    abort();
}

/* Ends the word in place; what stands in quotes is one word. */
static char *word_end(char *at) {
    if (*at == '"') {
        char *end = strchr(at + 1, '"');
        return end ? end : at + strlen(at);
    }
    return at + strcspn(at, " \t");
}

void words_split(struct story *s, const char *line) {
    struct words *w = &s->words;
    memset(w, 0, sizeof *w);
    size_t len = strcspn(line, "#\n");
    if (len >= sizeof w->text) {
        story_fail(s, "the line is longer than %d", LINE_LEN);
    }
    memcpy(w->text, line, len);
    for (char *at = w->text + strspn(w->text, " \t"); *at;) {
        char *end = word_end(at);
        bool last = *end == 0;
        if (w->count == WORDS_MAX) {
            story_fail(s, "more than %d words", WORDS_MAX);
        }
        w->list[w->count++] = *at == '"' ? at + 1 : at;
        *end = 0;
        at = last ? end : end + 1 + strspn(end + 1, " \t");
    }
}

void words_end(struct story *s) {
    const char *word = word_peek(s);
    if (word) {
        story_fail(s, "not understood here: %s", word);
    }
}

static int next_place(const struct words *w) {
    for (unsigned i = 0; i < w->count; i++) {
        if (!w->used[i]) {
            return (int)i;
        }
    }
    return -1;
}

const char *word_peek(struct story *s) {
    int i = next_place(&s->words);
    return i < 0 ? NULL : s->words.list[i];
}

const char *word_next(struct story *s, const char *what) {
    int i = next_place(&s->words);
    if (i < 0) {
        story_fail(s, "%s is missing", what);
    }
    s->words.used[i] = true;
    return s->words.list[i];
}

bool word_is(struct story *s, const char *word) {
    const char *next = word_peek(s);
    if (!next || strcmp(next, word) != 0) {
        return false;
    }
    word_next(s, word);
    return true;
}

const char *word_value(struct story *s, const char *key) {
    size_t len = strlen(key);
    for (unsigned i = 0; i < s->words.count; i++) {
        const char *word = s->words.list[i];
        if (!s->words.used[i] && strncmp(word, key, len) == 0 && word[len] == '=') {
            s->words.used[i] = true;
            return word + len + 1;
        }
    }
    return NULL;
}

uint64_t word_number(struct story *s, const char *key, uint64_t otherwise) {
    const char *value = word_value(s, key);
    return value ? number_of(s, value) : otherwise;
}

bool word_flag(struct story *s, const char *flag) {
    for (unsigned i = 0; i < s->words.count; i++) {
        if (!s->words.used[i] && strcmp(s->words.list[i], flag) == 0) {
            s->words.used[i] = true;
            return true;
        }
    }
    return false;
}

uint64_t number_of(struct story *s, const char *text) {
    char *end;
    unsigned long long value = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end) {
        story_fail(s, "not a number: %s", text);
    }
    return value;
}

member_set members_of(struct story *s, const char *text) {
    member_set set = 0;
    if (strcmp(text, "all") == 0) {
        return set_all(s->members);
    }
    for (const char *at = text; *at;) {
        char *end;
        unsigned long i = strtoul(at, &end, 10);
        if (end == at || (*end && *end != ',' && *end != ':') || i >= s->members) {
            story_fail(s, "not members of this cluster: %s", text);
        }
        set |= set_of((member_id)i);
        at = *end ? end + 1 : end;
    }
    return set;
}

enum frame_type type_of(struct story *s, const char *text) {
    for (int t = FRAME_REQUEST; t < FRAME_TYPE_LIMIT; t++) {
        if (strcmp(frame_type_name((enum frame_type)t), text) == 0) {
            return (enum frame_type)t;
        }
    }
    story_fail(s, "no frame has that name: %s", text);
}

static bool arrow(struct story *s, struct selector *x, const char *word) {
    const char *mark = strstr(word, "->");
    char from[LINE_LEN];
    if (!mark) {
        return false;
    }
    memcpy(from, word, (size_t)(mark - word));
    from[mark - word] = 0;
    x->from = members_of(s, from);
    x->to = members_of(s, mark + 2);
    return true;
}

struct selector selector_next(struct story *s) {
    member_set all = set_all(s->members);
    struct selector x = {.from = all, .to = all};
    const char *v = word_value(s, "v"), *n = word_value(s, "n");
    x.has_v = v != NULL;
    x.has_n = n != NULL;
    x.v = v ? number_of(s, v) : 0;
    x.n = n ? number_of(s, n) : 0;
    if (!word_is(s, "all")) {
        x.type = type_of(s, word_next(s, "the kind of frame"));
    }
    const char *next = word_peek(s);
    if (next && arrow(s, &x, next)) {
        word_next(s, next);
    }
    if (word_is(s, "from")) {
        x.from = members_of(s, word_next(s, "who it is from"));
    }
    if (word_is(s, "to")) {
        x.to = members_of(s, word_next(s, "whom it is for"));
    }
    return x;
}
