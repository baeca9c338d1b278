/* Whether what the loader was told is stored: its acknowledgements against the decided batches of exported logs. Pure.
 */
#ifndef QUORATE_CLIENT_DRILL_STORED_H
#define QUORATE_CLIENT_DRILL_STORED_H

#include "client/drill/load.h"

struct stored;
/* Borrows the load. */
struct stored *stored_new(const struct load *l);
void stored_free(struct stored *s);
/* Takes one replica's export. Returns how many decisions it holds. */
unsigned stored_take(struct stored *s, struct bytes file);

struct stored_count {
    bool any;        /* decisions at all */
    uint64_t acks;   /* all */
    uint64_t judged; /* acknowledgements at or above the first decision that anybody holds */
    uint64_t lost;   /* of these: at their number nobody holds a batch with them, or somebody one without */
    const struct load_ack *first; /* of the lost; NULL: none */
};
struct stored_count stored_count(const struct stored *s);

#endif
