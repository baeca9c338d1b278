/* Numbers of results: (ms since 1970 << 20) + a counter that goes on from a file beside the key, so that two runs
   within one millisecond never put different results under one number, which would convict the key. */
#ifndef QUORATE_CLIENT_OBS_SEQ_H
#define QUORATE_CLIENT_OBS_SEQ_H

#include "base/bytes.h"
#include "base/error.h"

/* count numbers from *first on. now: the moment of the results. Else why says what is wrong with the file. */
enum error obs_seq_draw(const char *key_path, time_ms now, uint32_t count, uint64_t *first, struct buffer *why);

#endif
