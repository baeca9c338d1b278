/* A binary heap of checks by due time; ties go by index, so that one start gives one order. */
#include "client/agent/schedule.h"

#include "base/bytes.h"
#include "base/invariant.h"

#include <stdlib.h>
#include <string.h>

struct turn {
    mono_ms due;
    unsigned check;
};
struct schedule {
    const struct agent_config *config;
    mono_ms start;
    bool at_once;
    mono_ms *phase;    /* of each check, below its interval */
    bool *waiting;     /* in the heap */
    struct turn *heap; /* heap[0] is the earliest */
    unsigned count;
};

static bool earlier(const struct turn *a, const struct turn *b) {
    return a->due != b->due ? a->due < b->due : a->check < b->check;
}

static void swap(struct turn *a, struct turn *b) {
    struct turn t = *a;
    *a = *b;
    *b = t;
}

static void push(struct schedule *s, struct turn turn) {
    REQUIRE(!s->waiting[turn.check]);
    s->waiting[turn.check] = true;
    unsigned i = s->count++;
    s->heap[i] = turn;
    for (; i > 0 && earlier(&s->heap[i], &s->heap[(i - 1) / 2]); i = (i - 1) / 2) {
        swap(&s->heap[i], &s->heap[(i - 1) / 2]);
    }
}

static struct turn pop(struct schedule *s) {
    struct turn first = s->heap[0];
    s->heap[0] = s->heap[--s->count];
    for (unsigned i = 0;;) {
        unsigned least = i, left = 2 * i + 1, right = left + 1;
        least = left < s->count && earlier(&s->heap[left], &s->heap[least]) ? left : least;
        least = right < s->count && earlier(&s->heap[right], &s->heap[least]) ? right : least;
        if (least == i) {
            break;
        }
        swap(&s->heap[i], &s->heap[least]);
        i = least;
    }
    s->waiting[first.check] = false;
    return first;
}

/* FNV-1a with a final mix: spreads names evenly, the same on every machine. */
static uint64_t hash_text(uint64_t h, const char *text) {
    for (; *text != '\0'; text++) {
        h = (h ^ (uint8_t)*text) * 0x100000001b3u;
    }
    h = (h ^ 0xff) * 0x100000001b3u;
    return h ^ (h >> 29);
}

struct schedule *schedule_new(const struct agent_config *config, const char *seed, mono_ms start, bool at_once) {
    struct schedule *s = xcalloc(1, sizeof *s);
    *s = (struct schedule){.config = config,
                           .start = start,
                           .at_once = at_once,
                           .phase = xcalloc(config->count, sizeof *s->phase),
                           .waiting = xcalloc(config->count, sizeof *s->waiting),
                           .heap = xcalloc(config->count, sizeof *s->heap)};
    for (unsigned i = 0; i < config->count; i++) {
        const struct agent_check *c = &config->checks[i];
        uint64_t h = hash_text(hash_text(hash_text(0xcbf29ce484222325u, seed), c->host), c->service);
        s->phase[i] = (mono_ms)(h % (uint64_t)c->interval);
        mono_ms spread = c->interval < SCHEDULE_SPREAD ? c->interval : SCHEDULE_SPREAD;
        push(s, (struct turn){at_once ? start : start + s->phase[i] % spread, i});
    }
    return s;
}

void schedule_free(struct schedule *s) {
    if (s != NULL) {
        free(s->phase);
        free(s->waiting);
        free(s->heap);
        free(s);
    }
}

bool schedule_take(struct schedule *s, mono_ms now, unsigned *check) {
    if (s->count == 0 || s->heap[0].due > now) {
        return false;
    }
    *check = pop(s).check;
    return true;
}

void schedule_done(struct schedule *s, unsigned check, mono_ms now) {
    REQUIRE(check < s->config->count && now >= s->start);
    if (s->at_once) {
        return;
    }
    mono_ms interval = s->config->checks[check].interval, grid = s->start + s->phase[check];
    mono_ms passed = now < grid ? 0 : (now - grid) / interval + 1;
    push(s, (struct turn){grid + passed * interval, check});
}

mono_ms schedule_next(const struct schedule *s) {
    return s->count == 0 ? INT64_MAX : s->heap[0].due;
}
