/* Blobs that an operator stages before the APPLY that names them, or a member before its EVIDENCE: bounded per key, the
   oldest whole gives way. */
#include "replica/ledger/internal.h"

#include <stdlib.h>
#include <string.h>

void staged_free(struct staged *s) {
    for (uint32_t i = 0; i < s->part_count; i++)
        buffer_free(&s->parts[i].bytes);
    free(s->parts);
}

struct staged *staged_find(const struct ledger *l, uint32_t owner, const struct digest *whole) {
    for (uint32_t i = 0; i < l->staged_count; i++)
        if (l->staged[i].owner == owner && digest_equal(&l->staged[i].whole, whole))
            return &l->staged[i];
    return NULL;
}

static void remember_gone(struct ledger *l, const struct staged *s) {
    for (uint32_t i = 0; i < s->part_count; i++) {
        if (!s->parts[i].present)
            continue;
        struct buffer key = {0};
        buffer_put(&key, "lb", 2);
        buffer_u32(&key, s->owner);
        buffer_put(&key, s->whole.b, DIGEST_LEN);
        buffer_u32(&key, i);
        buffer_block(&l->gone, buffer_bytes(&key));
        buffer_free(&key);
        l->gone_count++;
    }
}

static void staged_drop(struct ledger *l, struct staged *s) {
    remember_gone(l, s);
    staged_free(s);
    size_t at = (size_t)(s - l->staged);
    memmove(s, s + 1, (l->staged_count - at - 1) * sizeof *s);
    l->staged_count--;
}

static bool is_member(const struct ledger *l, uint32_t owner) {
    return owner < l->genesis->member_count;
}

static void make_room(struct ledger *l, uint32_t owner) {
    struct staged *oldest = NULL;
    unsigned count = 0;
    for (uint32_t i = 0; i < l->staged_count; i++) {
        if (l->staged[i].owner != owner)
            continue;
        count++;
        if (!oldest || l->staged[i].order < oldest->order)
            oldest = &l->staged[i];
    }
    if (count >= (is_member(l, owner) ? 1 : LEDGER_STAGED_MAX))
        staged_drop(l, oldest);
}

struct staged *staged_add(struct ledger *l, uint32_t owner, const struct digest *whole, uint64_t order) {
    make_room(l, owner);
    l->staged = xrealloc(l->staged, (l->staged_count + 1) * sizeof *l->staged);
    struct staged *s = &l->staged[l->staged_count++];
    *s = (struct staged){.owner = owner, .order = order, .whole = *whole};
    return s;
}

struct staged_part *staged_part(struct staged *s, uint32_t index) {
    REQUIRE(index < LEDGER_BLOB_PARTS_MAX);
    if (index >= s->part_count) {
        s->parts = xrealloc(s->parts, (index + 1) * sizeof *s->parts);
        memset(s->parts + s->part_count, 0, (index + 1 - s->part_count) * sizeof *s->parts);
        s->part_count = index + 1;
    }
    return &s->parts[index];
}

uint32_t seat_index(const struct ledger *l, const struct public_key *key) {
    const struct seat *seat = ledger_seat(l, key);
    REQUIRE(seat);
    return (uint32_t)(seat - l->seats);
}

enum error ledger_blob(struct ledger *l, const struct public_key *key, const struct op_blob *blob) {
    uint32_t owner = seat_index(l, key);
    if (blob->index >= (is_member(l, owner) ? LEDGER_EVIDENCE_PARTS_MAX : LEDGER_BLOB_PARTS_MAX))
        return ERR_TOO_MANY;
    if (blob->part.len > BLOB_MAX_LEN || blob->part.len == 0)
        return ERR_OUT_OF_RANGE;
    struct staged *s = staged_find(l, owner, &blob->whole);
    if (!s)
        s = staged_add(l, owner, &blob->whole, l->next_order++);
    struct staged_part *part = staged_part(s, blob->index);
    buffer_clear(&part->bytes);
    buffer_put(&part->bytes, blob->part.data, blob->part.len);
    part->present = part->dirty = true;
    l->head_dirty = true;
    return ERR_OK;
}

enum error ledger_blob_join(const struct ledger *l, const struct public_key *key, enum digest_domain domain,
                            const struct digest *whole, uint64_t length, struct buffer *out) {
    const struct staged *s = staged_find(l, seat_index(l, key), whole);
    if (!s || length > OBJECTS_MAX_LEN)
        return ERR_BLOB_MISSING;
    buffer_clear(out);
    for (uint32_t i = 0; i < s->part_count; i++) {
        if (!s->parts[i].present)
            return ERR_BLOB_MISSING;
        buffer_put(out, s->parts[i].bytes.data, s->parts[i].bytes.len);
    }
    struct digest d = crypto_digest(domain, buffer_bytes(out));
    return out->len == length && digest_equal(&d, whole) ? ERR_OK : ERR_BLOB_MISSING;
}

void ledger_blob_drop(struct ledger *l, const struct public_key *key, const struct digest *whole) {
    struct staged *s = staged_find(l, seat_index(l, key), whole);
    if (s)
        staged_drop(l, s);
}
