/* Which names are near to a word that is none. */
#include "client/near.h"

#include <stdio.h>
#include <string.h>

enum { NEAR_MAX = 2, WORD_MAX_LEN = 32 };

static unsigned smallest(unsigned a, unsigned b, unsigned c) {
    unsigned m = a < b ? a : b;
    return m < c ? m : c;
}

/* Levenshtein's distance; long words are far from everything. */
static unsigned distance(const char *a, const char *b) {
    unsigned row[WORD_MAX_LEN + 1];
    size_t la = strlen(a), lb = strlen(b);
    if (la > WORD_MAX_LEN || lb > WORD_MAX_LEN) {
        return WORD_MAX_LEN;
    }
    for (unsigned j = 0; j <= lb; j++) {
        row[j] = j;
    }
    for (unsigned i = 1; i <= la; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= lb; j++) {
            unsigned above = row[j];
            row[j] = smallest(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[lb];
}

bool near_word(const char *word, const char *name) {
    bool prefix = strlen(word) >= 2 && strncmp(name, word, strlen(word)) == 0;
    return prefix || distance(word, name) <= NEAR_MAX;
}

void near_add(char *out, size_t out_size, const char *word, const char *name) {
    size_t len = strlen(out);
    if (near_word(word, name)) {
        snprintf(out + len, out_size - len, "%s%s", len > 0 ? " or " : "did you mean ", name);
    }
}
