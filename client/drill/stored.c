/* Looks for each acknowledged request in the batch of its number, in every replica's log that still has it. */
#include "client/drill/stored.h"

#include "proto/audit.h"
#include "proto/codec.h"

#include <stdlib.h>

struct search {
    const struct load_ack *ack;
    unsigned held, lacked; /* by so many logs */
};
struct stored {
    uint64_t count;
    struct search *searches; /* by number of the batch */
    seq_no first;            /* the lowest number of any decision; 0: none yet */
    unsigned decisions;      /* of the file being taken */
};

static int by_batch(const void *a, const void *b) {
    seq_no x = ((const struct search *)a)->ack->n, y = ((const struct search *)b)->ack->n;
    return (x > y) - (x < y);
}

struct stored *stored_new(const struct load *l) {
    struct stored *s = xcalloc(1, sizeof *s);
    s->count = load_acks(l);
    s->searches = xcalloc(s->count + 1, sizeof *s->searches);
    for (uint64_t i = 0; i < s->count; i++) {
        s->searches[i].ack = load_at(l, i);
    }
    qsort(s->searches, s->count, sizeof *s->searches, by_batch);
    return s;
}

void stored_free(struct stored *s) {
    if (s != NULL) {
        free(s->searches);
        free(s);
    }
}

static uint64_t first_at(const struct stored *s, seq_no n) {
    uint64_t low = 0, high = s->count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (s->searches[middle].ack->n < n) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool refers_to(const struct batch *b, const struct digest *request) {
    for (unsigned i = 0; i < b->count; i++) {
        if (digest_equal(&b->refs[i].digest, request)) {
            return true;
        }
    }
    return false;
}

static void take_decision(struct stored *s, seq_no n, const struct batch *b) {
    s->decisions++;
    s->first = s->first == 0 || n < s->first ? n : s->first;
    for (uint64_t i = first_at(s, n); i < s->count && s->searches[i].ack->n == n; i++) {
        struct search *one = &s->searches[i];
        if (refers_to(b, &one->ack->request)) {
            one->held++;
        } else {
            one->lacked++;
        }
    }
}

static void take_frame(void *self, struct bytes raw, uint64_t offset) {
    struct arena arena = {0};
    struct frame f;
    struct msg m;
    struct batch b;
    (void)offset;
    if (frame_open(&f, raw) == ERR_OK && f.type == FRAME_DECISION && codec_decode(&m, &f, &arena) == ERR_OK &&
        batch_decode(&b, m.decision.batch, &arena) == ERR_OK) {
        take_decision(self, m.decision.statement.n, &b);
    }
    arena_free(&arena);
}

unsigned stored_take(struct stored *s, struct bytes file) {
    s->decisions = 0;
    audit_file_frames(file, take_frame, s);
    return s->decisions;
}

struct stored_count stored_count(const struct stored *s) {
    struct stored_count c = {.any = s->first > 0, .acks = s->count};
    for (uint64_t i = 0; i < s->count && s->first > 0; i++) {
        const struct search *one = &s->searches[i];
        if (one->ack->n < s->first) {
            continue;
        }
        c.judged++;
        if (one->held == 0 || one->lacked > 0) {
            c.first = c.lost == 0 ? one->ack : c.first;
            c.lost++;
        }
    }
    return c;
}
