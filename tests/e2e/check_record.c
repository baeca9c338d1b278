/* Reads what replicas recorded with --record and proves that no key contradicted itself (I5): per signer, type, view
   and number there is one signed statement, whatever crashed in between. Signatures are verified when a cluster.yaml is
   given. Usage: check_record [-c cluster.yaml] FILE...   Exit: 0 consistent, 1 contradiction or bad file, 2 wrong
   usage. */
#include "proto/cluster.h"
#include "proto/codec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct statement {
    struct public_key key; /* the signer: by member id when there is no cluster file */
    unsigned type;
    uint64_t v, n;
    struct digest body;
};
struct ledger_of_words {
    struct statement *list;
    size_t count, cap;
    size_t frames, types[FRAME_TYPE_LIMIT];
    size_t conflicts, broken;
};

/* The place that a statement speaks about. false: this type may be said twice in different words (STATUS, RECEIPT of a
   repeated execution is equal anyway, RELAY ...). */
static bool place_of(const struct frame *f, uint64_t *v, uint64_t *n) {
    struct reader r = reader_of(f->signed_body);
    *v = 0;
    switch (f->type) {
    case FRAME_PRE_PREPARE:
    case FRAME_PREPARE:
    case FRAME_COMMIT:
        *v = read_u64(&r);
        *n = read_u64(&r);
        return true;
    case FRAME_CHECKPOINT:
    case FRAME_RECEIPT:
        *n = read_u64(&r);
        return true;
    default:
        return false;
    }
}

/* VIEW-CHANGE and NEW-VIEW: one for each view. */
static bool view_of(const struct frame *f, uint64_t *v) {
    if (f->type != FRAME_VIEW_CHANGE && f->type != FRAME_NEW_VIEW)
        return false;
    struct arena arena = {0};
    struct msg m;
    bool decoded = codec_decode(&m, f, &arena) == ERR_OK;
    if (decoded)
        *v = f->type == FRAME_VIEW_CHANGE ? m.view_change.v : m.new_view.v;
    arena_free(&arena);
    return decoded;
}

static struct public_key signer_of(const struct frame *f, const struct cluster *cluster) {
    if (cluster && f->sender < cluster->member_count)
        return cluster->members[f->sender].key;
    struct public_key key = {{0}};
    key.b[0] = (uint8_t)(f->sender >> 8);
    key.b[1] = (uint8_t)f->sender;
    return key;
}

static void take_frame(struct ledger_of_words *w, struct bytes raw, const struct cluster *cluster, const char *path) {
    struct frame f;
    if (frame_open(&f, raw) != ERR_OK || !frame_type_signed(f.type)) {
        fprintf(stderr, "check_record: an entry is no signed frame: %s: frame %zu\n", path, w->frames);
        w->broken++;
        return;
    }
    struct statement s = {.key = signer_of(&f, cluster), .type = f.type};
    if (cluster && frame_verify(&f, &cluster->id, &s.key) != ERR_OK) {
        fprintf(stderr, "check_record: a signature does not verify: %s: frame %zu\n", path, w->frames);
        w->broken++;
        return;
    }
    w->frames++;
    w->types[f.type]++;
    if (!place_of(&f, &s.v, &s.n) && !view_of(&f, &s.v))
        return;
    s.body = crypto_digest(DIGEST_RESULT, f.signed_body);
    if (w->count == w->cap) {
        w->cap = w->cap ? 2 * w->cap : 4096;
        w->list = xrealloc(w->list, w->cap * sizeof *w->list);
    }
    w->list[w->count++] = s;
}

static bool take_file(struct ledger_of_words *w, const char *path, const struct cluster *cluster) {
    FILE *file = fopen(path, "rb");
    if (!file) {
        fprintf(stderr, "check_record: cannot read: %s\n", path);
        return false;
    }
    struct buffer frame = {0};
    uint8_t prefix[4];
    bool whole = true;
    while (fread(prefix, 1, sizeof prefix, file) == sizeof prefix) {
        struct reader r = reader_of(bytes_of(prefix, sizeof prefix));
        uint32_t len = read_u32(&r);
        buffer_clear(&frame);
        whole = len <= 4u << 20 && fread(buffer_extend(&frame, len), 1, len, file) == len;
        if (!whole)
            break;
        take_frame(w, buffer_bytes(&frame), cluster, path);
    }
    if (!whole)
        fprintf(stderr, "check_record: an entry is cut off: %s: after frame %zu\n", path, w->frames);
    buffer_free(&frame);
    fclose(file);
    return whole;
}

static int by_place(const void *x, const void *y) {
    const struct statement *a = x, *b = y;
    int order = memcmp(a->key.b, b->key.b, sizeof a->key.b);
    if (order)
        return order;
    if (a->type != b->type)
        return a->type < b->type ? -1 : 1;
    if (a->v != b->v)
        return a->v < b->v ? -1 : 1;
    return a->n < b->n ? -1 : a->n > b->n;
}

static void judge(struct ledger_of_words *w) {
    if (w->count)
        qsort(w->list, w->count, sizeof *w->list, by_place);
    for (size_t i = 1; i < w->count; i++) {
        const struct statement *a = &w->list[i - 1], *b = &w->list[i];
        if (by_place(a, b) != 0 || digest_equal(&a->body, &b->body))
            continue;
        w->conflicts++;
        char key[PUBLIC_KEY_TEXT];
        crypto_public_key_text(key, &a->key);
        fprintf(stderr, "check_record: contradiction: %s v=%llu n=%llu signer=%s\n",
                frame_type_name((enum frame_type)a->type), (unsigned long long)a->v, (unsigned long long)a->n, key);
    }
}

static void report(const struct ledger_of_words *w) {
    printf("frames=%zu statements=%zu contradictions=%zu broken=%zu", w->frames, w->count, w->conflicts, w->broken);
    for (unsigned t = 0; t < FRAME_TYPE_LIMIT; t++) {
        if (w->types[t])
            printf(" %s=%zu", frame_type_name((enum frame_type)t), w->types[t]);
    }
    putchar('\n');
}

int main(int argc, char **argv) {
    struct cluster *cluster = NULL;
    struct ledger_of_words words = {0};
    struct buffer why = {0};
    int first = 1;
    crypto_start();
    if (argc > 2 && strcmp(argv[1], "-c") == 0) {
        if (cluster_load(&cluster, argv[2], &why) != ERR_OK) {
            fprintf(stderr, "check_record: %s\n", buffer_cstr(&why));
            return 2;
        }
        first = 3;
    }
    if (first >= argc) {
        fprintf(stderr, "usage: check_record [-c cluster.yaml] FILE...\n");
        return 2;
    }
    bool whole = true;
    for (int i = first; i < argc; i++)
        whole = take_file(&words, argv[i], cluster) && whole;
    judge(&words);
    report(&words);
    cluster_free(cluster);
    free(words.list);
    buffer_free(&why);
    return whole && !words.conflicts && !words.broken ? 0 : 1;
}
