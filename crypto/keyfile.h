/* Secret keys and the counters beside them, on disk. Host only. */
#ifndef QUORATE_CRYPTO_KEYFILE_H
#define QUORATE_CRYPTO_KEYFILE_H

#include "base/bytes.h"
#include "base/error.h"
#include "crypto/crypto.h"

/* Text file: "quorate secret key v1\nname: NAME\npublic: ed25519:...\nsecret: <base64 seed>\n". */
struct keyfile {
    char name[64];
    struct public_key pk;
    struct secret_key sk;
};
/* Writes atomically with mode 0600, fsynced; refuses to overwrite (ERR_IN_USE). why: sentence for people on error. */
enum error keyfile_write(const char *path, const struct keyfile *key, struct buffer *why);
/* ERR_NOT_FOUND, ERR_BAD_MODE (group or others may read), ERR_MALFORMED (why names the line), ERR_IO. */
enum error keyfile_read(struct keyfile *out, const char *path, struct buffer *why);

/* The signer's request counter, file PATH.counter beside the key: two processes with one key never draw the same
   number, and a number is never drawn twice across crashes (reserved and fsynced before it is returned, under a
   file lock). Draws `count` consecutive numbers, *first is the lowest; numbers start at 1. May block on the lock. */
enum error keycounter_draw(const char *key_path, uint32_t count, uint64_t *first, struct buffer *why);

#endif
