/* Who may sign: public key -> role and name. Sized at start from the genesis, looked up without allocation. */
#ifndef QUORATE_CRYPTO_KEYRING_H
#define QUORATE_CRYPTO_KEYRING_H

#include "crypto/crypto.h"

enum key_role { ROLE_NONE, ROLE_MEMBER, ROLE_OPERATOR, ROLE_OBSERVER };
struct key_entry {
    struct public_key key;
    enum key_role role;
    uint32_t index; /* member id, or index in the genesis' operators / observers */
};
struct keyring;
struct keyring *keyring_new(size_t capacity);
void keyring_free(struct keyring *k);
/* false when the key is there already or the ring is full. */
bool keyring_add(struct keyring *k, const struct key_entry *entry);
const struct key_entry *keyring_find(const struct keyring *k, const struct public_key *key); /* NULL: unknown */
size_t keyring_count(const struct keyring *k);

#endif
