/* Where a machine hands out its state as (key, value) pairs, in key order; value.data NULL = removed. */
#ifndef QUORATE_BASE_RECORD_H
#define QUORATE_BASE_RECORD_H

#include "base/types.h"

struct record_sink {
    void *self;
    void (*record)(void *self, struct bytes key, struct bytes value); /* borrowed for the call */
};

#endif
