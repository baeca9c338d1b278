/* Names for requests, batches and hashes, so that stories and their traces hold no digits that change with a format. */
#include "tests/script/script.h"

/* --- requests --- */

struct request_ref request_named(struct story *s, const char *name, struct buffer *frame) {
    struct cluster *c = story_cluster(s);
    unsigned client = (unsigned)(name[0] - 'A');
    char *end;
    if (name[0] < 'A' || client >= CLIENTS || name[1] < '0' || name[1] > '9') {
        story_fail(s, "not a request (such as A1): %s", name);
    }
    uint64_t seq = strtoull(name + 1, &end, 10);
    size_t content = strspn(end, "'");
    if (end[content] != 0) {
        story_fail(s, "not a request (such as A1): %s", name);
    }
    struct digest d = request_make(c, frame, client, seq, (uint32_t)content);
    return (struct request_ref){c->client_keys[client], seq, d};
}

static struct request_ref ref_named(struct story *s, char *name) {
    struct buffer frame = {0};
    char *mark = strchr(name, ':');
    if (mark) {
        *mark = 0;
    }
    struct request_ref ref = request_named(s, name, &frame);
    if (mark) {
        buffer_clear(&frame);
        ref.digest = request_named(s, mark + 1, &frame).digest;
    }
    buffer_free(&frame);
    return ref;
}

/* --- batches --- */

struct digest batch_named(struct story *s, const char *name, struct buffer *bytes) {
    struct request_ref refs[WORDS_MAX];
    struct batch b = {BATCH_NORMAL, 0, refs};
    char text[LABEL_LEN];
    snprintf(text, sizeof text, "%s", name);
    if (strcmp(name, "null") == 0) {
        b.kind = BATCH_NULL;
    } else {
        for (char *part = strtok(text, "+"); part && b.count < WORDS_MAX; part = strtok(NULL, "+")) {
            refs[b.count++] = ref_named(s, part);
        }
    }
    batch_encode(bytes, &b);
    batch_learn(s, buffer_bytes(bytes));
    return batch_digest(buffer_bytes(bytes));
}

static bool is_named(struct story *s, const struct request_ref *ref, const char *name) {
    struct buffer frame = {0};
    struct digest d = request_named(s, name, &frame).digest;
    buffer_free(&frame);
    return digest_equal(&d, &ref->digest);
}

static void label_ref(struct story *s, struct buffer *out, const struct request_ref *ref) {
    for (unsigned client = 0; client < CLIENTS; client++) {
        for (unsigned content = 0; content < 3; content++) {
            char name[40];
            snprintf(name, sizeof name, "%c%llu%.*s", (char)('A' + client), (unsigned long long)ref->req_seq,
                     (int)content, "''");
            if (is_named(s, ref, name)) {
                buffer_printf(out, "%s", name);
                return;
            }
        }
    }
    buffer_printf(out, "?");
}

void batch_learn(struct story *s, struct bytes encoded) {
    struct digest d = batch_digest(encoded);
    struct arena arena = {0};
    struct batch b;
    struct buffer label = {0};
    for (size_t i = 0; i < s->batch_count; i++) {
        if (digest_equal(&s->batches[i].d, &d)) {
            return;
        }
    }
    if (batch_decode(&b, encoded, &arena) == ERR_OK) {
        for (unsigned i = 0; i < b.count; i++) {
            buffer_printf(&label, i ? "+" : "");
            label_ref(s, &label, &b.refs[i]);
        }
        if (b.kind == BATCH_NULL) {
            buffer_printf(&label, "null");
        }
        s->batches = xrealloc(s->batches, (s->batch_count + 1) * sizeof *s->batches);
        struct known_batch *known = &s->batches[s->batch_count++];
        known->d = d;
        snprintf(known->label, sizeof known->label, "%s", buffer_cstr(&label));
    }
    buffer_free(&label);
    arena_free(&arena);
}

static const char *label_of(struct story *s, const char *digits) {
    for (size_t i = 0; i < s->batch_count; i++) {
        char text[9];
        hex_encode(text, bytes_of(s->batches[i].d.b, 4));
        if (memcmp(text, digits, 8) == 0) {
            return s->batches[i].label;
        }
    }
    return NULL;
}

const char *batch_label(struct story *s, const struct digest *d) {
    static char digits[9];
    hex_encode(digits, bytes_of(d->b, 4));
    const char *label = label_of(s, digits);
    return label ? label : digits;
}

/* --- the trace --- */

static unsigned hash_number(struct story *s, const char *digits) {
    for (unsigned i = 0; i < s->hash_count; i++) {
        if (memcmp(s->hashes[i].text, digits, 8) == 0) {
            return i + 1;
        }
    }
    if (s->hash_count == HASHES_MAX) {
        story_fail(s, "more than %d hashes in one story", HASHES_MAX);
    }
    memcpy(s->hashes[s->hash_count++].text, digits, 8);
    return s->hash_count;
}

static bool is_digits(const char *at, size_t len) {
    return len >= 8 && strspn(at, "0123456789abcdef") >= 8;
}

/* A batch by its name, a log hash or root by the order in which they were first seen. */
static size_t name_digits(struct story *s, struct buffer *out, const char *line, const char *at, size_t len) {
    bool batch = at - line >= 2 && memcmp(at - 2, "d=", 2) == 0;
    bool hash =
        (at - line >= 4 && memcmp(at - 4, "log=", 4) == 0) || (at - line >= 5 && memcmp(at - 5, "root", 4) == 0);
    if ((!batch && !hash) || !is_digits(at, len)) {
        return 0;
    }
    const char *label = batch ? label_of(s, at) : NULL;
    if (batch) {
        buffer_printf(out, label ? "%s" : "%.8s", label ? label : at);
    } else {
        buffer_printf(out, "#%u", hash_number(s, at));
    }
    return 8;
}

void trace_name(struct story *s, struct buffer *out, const char *line, size_t len) {
    for (size_t i = 0; i < len;) {
        size_t taken = name_digits(s, out, line, line + i, len - i);
        if (taken == 0) {
            buffer_put(out, line + i, 1);
        }
        i += taken ? taken : 1;
    }
}
