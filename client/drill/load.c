/* Reads what the loader wrote down: how many bundles were acknowledged in a window of time, how fast, and how far each
   lane came. */
#include "client/drill/load.h"

#include "base/error.h"
#include "base/invariant.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LATE_MS = 30000 }; /* results may be a minute old; clocks of a play step ahead by half of it */

struct load {
    char *path;
    FILE *file;
    struct buffer partial;
    unsigned count, capacity;
    struct load_ack *acks;
    uint64_t last[LOAD_LANES], refused;
    char reason[64];
};

struct load *load_open(const char *path) {
    struct load *l = xcalloc(1, sizeof *l);
    l->path = xstrdup(path);
    return l;
}

void load_close(struct load *l) {
    if (l != NULL) {
        if (l->file != NULL) {
            fclose(l->file);
        }
        buffer_free(&l->partial);
        free(l->acks);
        free(l->path);
        free(l);
    }
}

static void take_ack(struct load *l, struct load_ack a) {
    if (l->count == l->capacity) {
        l->capacity = l->capacity == 0 ? 256 : 2 * l->capacity;
        l->acks = xrealloc(l->acks, l->capacity * sizeof *l->acks);
    }
    l->acks[l->count++] = a;
}

static void take_line(struct load *l, const char *line) {
    char word[64];
    char hex[2 * DIGEST_LEN + 1];
    struct load_ack a;
    int got = sscanf(line, "%63s %u %" SCNu64 " %" SCNu64 " %" SCNd64 " %" SCNd64 " %64s", word, &a.lane, &a.number,
                     &a.n, &a.at, &a.latency, hex);
    if (got != 7 || a.lane >= LOAD_LANES || !hex_decode(a.request.b, DIGEST_LEN, hex)) {
        return; /* the loader was killed within a line */
    }
    if (strcmp(word, "ack") == 0) {
        l->last[a.lane] = a.number > l->last[a.lane] ? a.number : l->last[a.lane];
        take_ack(l, a);
    } else {
        l->refused++;
        memcpy(l->reason, word, sizeof l->reason);
    }
}

void load_read(struct load *l) {
    char chunk[65536];
    size_t got;
    if (l->file == NULL && (l->file = fopen(l->path, "re")) == NULL) {
        return;
    }
    clearerr(l->file);
    while ((got = fread(chunk, 1, sizeof chunk, l->file)) > 0) {
        buffer_put(&l->partial, chunk, got);
    }
    char *text = xstrdup(buffer_cstr(&l->partial)), *at = text, *end;
    for (; (end = strchr(at, '\n')) != NULL; at = end + 1) {
        *end = '\0';
        take_line(l, at);
    }
    buffer_clear(&l->partial);
    buffer_put(&l->partial, at, strlen(at));
    free(text);
}

uint64_t load_acks(const struct load *l) {
    return l->count;
}

const struct load_ack *load_at(const struct load *l, uint64_t i) {
    REQUIRE(i < l->count);
    return &l->acks[i];
}

static int by_latency(const void *a, const void *b) {
    mono_ms x = *(const mono_ms *)a, y = *(const mono_ms *)b;
    return (x > y) - (x < y);
}

struct load_figures load_figures(const struct load *l, mono_ms from, mono_ms to) {
    struct load_figures f = {.span = to > from ? to - from : 0};
    mono_ms *latencies = xcalloc(l->count + 1, sizeof *latencies);
    for (unsigned i = 0; i < l->count; i++) {
        if (l->acks[i].at >= from && l->acks[i].at < to) {
            latencies[f.acks++] = l->acks[i].latency;
        }
    }
    qsort(latencies, f.acks, sizeof *latencies, by_latency);
    if (f.acks > 0) {
        f.p50 = latencies[(f.acks - 1) * 50 / 100];
        f.p99 = latencies[(f.acks - 1) * 99 / 100];
    }
    free(latencies);
    return f;
}

uint64_t load_last(const struct load *l, unsigned lane) {
    REQUIRE(lane < LOAD_LANES);
    return l->last[lane];
}

uint64_t load_refused(const struct load *l, const char **reason) {
    *reason = l->refused > 0 ? l->reason : NULL;
    return l->refused;
}

bool load_grew_old(const char *reason, mono_ms age) {
    return age >= LATE_MS && strcmp(reason, error_name(ERR_LATE)) == 0;
}

void load_service(char out[16], unsigned lane) {
    snprintf(out, 16, "s%u", lane);
}

void load_output(char out[64], uint64_t number) {
    snprintf(out, 64, "number %" PRIu64, number);
}

uint64_t load_number(const char *output) {
    uint64_t number;
    return sscanf(output, "number %" SCNu64, &number) == 1 ? number : 0;
}
