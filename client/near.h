/* Suggestions for mistyped words. Pure. */
#ifndef QUORATE_CLIENT_NEAR_H
#define QUORATE_CLIENT_NEAR_H

#include <stdbool.h>
#include <stddef.h>

/* Whether a user who typed `word` may have meant `name`: two slips of the keyboard, or the beginning of it. */
bool near_word(const char *word, const char *name);
/* Adds name to what is suggested, "did you mean NAME or NAME", if it is near. out is "" at first. */
void near_add(char *out, size_t out_size, const char *word, const char *name);

#endif
