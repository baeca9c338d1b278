/* What the stories about scores share: rounds of ten seconds, and how an observer stands. */
#ifndef QUORATE_TESTS_MASKING_WORLD_H
#define QUORATE_TESTS_MASKING_WORLD_H

#include "monitor_world.h"

enum { ROUND = 10 };

/* Everybody votes at once, and the round ends. */
static inline void play_round(struct world *w, uint8_t ap, uint8_t eu, uint8_t us) {
    votes(w, "ap", ap);
    votes(w, "eu", eu);
    votes(w, "us", us);
    world_advance(w, ROUND);
}

static inline void play_rounds(struct world *w, int count, uint8_t ap, uint8_t eu, uint8_t us) {
    for (int i = 0; i < count; i++) {
        play_round(w, ap, eu, us);
    }
}

/* How web1/http stands with an observer. */
static inline struct vote_view stands(struct world *w, const char *observer) {
    struct op_query q = {QUERY_STATUS, "web1", "http", "", "", 1, 0};
    struct query_page page;
    struct arena arena = {0};
    struct vote_view found = {.score = 99};
    monitor_query(w->m, &q, &page, &arena);
    for (unsigned i = 0; i < page.list[0].vote_count; i++) {
        if (strcmp(page.list[0].votes[i].observer, observer) == 0) {
            found = page.list[0].votes[i];
        }
    }
    found.observer = observer;
    found.output = "";
    found.masked_by = found.masked_by[0] ? "somebody" : "";
    arena_free(&arena);
    return found;
}

static inline void score_is(struct world *w, const char *observer, unsigned score) {
    assert_int_equal(stands(w, observer).score, score);
}

static inline bool log_has(struct world *w, const char *text) {
    return strstr(buffer_cstr(&w->log), text) != NULL;
}

#define FOUR " _OBSERVERS a,b,c,d\n _QUORUM 3\n"
#define FIVE " _OBSERVERS a,b,c,d,e\n"

/* Each letter of who votes as said, the rest are silent. */
static inline void letters_vote(struct world *w, const char *who, uint8_t state) {
    for (; *who; who++) {
        char name[] = {*who, 0};
        votes(w, name, state);
    }
}

#endif
