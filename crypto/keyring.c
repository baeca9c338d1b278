/* The keyring: an open-addressing table, at most half full, allocated once. Keys are points on a curve and scattered
   already; all their words are mixed, so that grinding keys with one equal word gains nothing. */
#include "crypto/keyring.h"

#include "base/bytes.h"
#include "base/invariant.h"

#include <stdlib.h>
#include <string.h>

struct keyring {
    size_t capacity, count, mask;
    struct key_entry *slots; /* ROLE_NONE: free */
};

struct keyring *keyring_new(size_t capacity) {
    REQUIRE(capacity <= SIZE_MAX / 4 / sizeof(struct key_entry));
    struct keyring *k = xcalloc(1, sizeof *k);
    size_t slots = 16;
    while (slots < capacity * 2) {
        slots *= 2;
    }
    k->capacity = capacity;
    k->mask = slots - 1;
    k->slots = xcalloc(slots, sizeof *k->slots);
    return k;
}

void keyring_free(struct keyring *k) {
    if (k != NULL) {
        free(k->slots);
        free(k);
    }
}

static size_t key_hash(const struct public_key *key) {
    uint64_t h = 0;
    for (size_t i = 0; i < PUBLIC_KEY_LEN; i++) {
        h = (h ^ key->b[i]) * 0x100000001b3u;
    }
    return (size_t)(h ^ h >> 32);
}

/* The slot that holds key, or the free one where it belongs. */
static struct key_entry *keyring_slot(const struct keyring *k, const struct public_key *key) {
    size_t at = key_hash(key) & k->mask;
    while (k->slots[at].role != ROLE_NONE && !public_key_equal(&k->slots[at].key, key)) {
        at = (at + 1) & k->mask;
    }
    return &k->slots[at];
}

bool keyring_add(struct keyring *k, const struct key_entry *entry) {
    REQUIRE(entry->role != ROLE_NONE);
    struct key_entry *slot = keyring_slot(k, &entry->key);
    if (slot->role != ROLE_NONE || k->count == k->capacity) {
        return false;
    }
    *slot = *entry;
    k->count++;
    return true;
}

const struct key_entry *keyring_find(const struct keyring *k, const struct public_key *key) {
    const struct key_entry *slot = keyring_slot(k, key);
    return slot->role == ROLE_NONE ? NULL : slot;
}

size_t keyring_count(const struct keyring *k) {
    return k->count;
}
