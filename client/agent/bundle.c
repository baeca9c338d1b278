/* Copies results until 256 of them or 60 KiB are reached, whichever comes first: what one REQUEST frame may carry. */
#include "client/agent/bundle.h"

#include "base/invariant.h"

#include <string.h>

enum { FIELD_OVERHEAD = 64 /* tags, lengths and numbers of one encoded result */ };

size_t bundle_cost(const struct observation *o) {
    return FIELD_OVERHEAD + strlen(o->host) + strlen(o->service) + strlen(o->output) + strlen(o->perfdata);
}

bool bundle_fits(const struct bundle *b, const struct observation *o) {
    return b->count == 0 || (b->count < OBSERVE_MAX && b->bytes + bundle_cost(o) <= BUNDLE_BYTES_MAX);
}

void bundle_add(struct bundle *b, const struct observation *o) {
    REQUIRE(bundle_fits(b, o));
    struct observation *copy = &b->list[b->count++];
    *copy = *o;
    copy->host = arena_text(&b->arena, bytes_of_text(o->host));
    copy->service = arena_text(&b->arena, bytes_of_text(o->service));
    copy->output = arena_text(&b->arena, bytes_of_text(o->output));
    copy->perfdata = arena_text(&b->arena, bytes_of_text(o->perfdata));
    b->bytes += bundle_cost(o);
}

struct op_observe bundle_results(const struct bundle *b) {
    return (struct op_observe){.count = b->count, .list = b->list};
}

void bundle_clear(struct bundle *b) {
    arena_free(&b->arena);
    b->bytes = 0;
    b->count = 0;
}
