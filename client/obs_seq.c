/* Numbers of results, drawn from the key's counter. */
#include "client/obs_seq.h"

#include "crypto/keyfile.h"

enum { OBS_COUNTER_BITS = 20 };

enum error obs_seq_draw(const char *key_path, time_ms now, uint32_t count, uint64_t *first, struct buffer *why) {
    struct buffer path = {0};
    uint64_t drawn = 0;
    buffer_printf(&path, "%s.obs", key_path);
    enum error e = keycounter_draw(buffer_cstr(&path), count, &drawn, why);
    *first = ((uint64_t)now << OBS_COUNTER_BITS) + (drawn & ((1u << OBS_COUNTER_BITS) - 1));
    buffer_free(&path);
    return e;
}
