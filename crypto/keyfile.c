/* Secret keys on disk and the request counter beside each. A key file appears whole or not at all and never replaces
   another; a counter's number is on the disk before anybody signs with it, so no crash makes it be drawn twice. */
#include "crypto/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char magic_line[] = "quorate secret key v1";
enum { KEYFILE_MAX = 1024, COUNTER_LEN = 21 /* 20 digits and a line feed */ };

static enum error system_error(struct buffer *why, const char *path, const char *doing) {
    buffer_printf(why, "%s: can't %s: %s", path, doing, strerror(errno));
    return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
}

static bool write_all(int fd, struct bytes b) {
    while (b.len > 0) {
        ssize_t n = write(fd, b.data, b.len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return false;
        }
        b.data += n;
        b.len -= (size_t)n;
    }
    return true;
}

/* A new name is durable once its directory is. */
static bool sync_directory(const char *path) {
    char *copy = xstrdup(path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(copy);
    if (fd < 0) {
        return false;
    }
    bool synced = fsync(fd) == 0;
    close(fd);
    return synced;
}

static bool name_valid(const char *name) {
    size_t len = strnlen(name, sizeof((struct keyfile *)NULL)->name);
    if (len == 0 || len == sizeof((struct keyfile *)NULL)->name) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if ((uint8_t)name[i] <= ' ' || name[i] == 0x7f) {
            return false;
        }
    }
    return utf8_valid(bytes_of(name, len));
}

static void keyfile_format(struct buffer *out, const struct keyfile *key) {
    char pk[PUBLIC_KEY_TEXT];
    crypto_public_key_text(pk, &key->pk);
    buffer_extend(out, KEYFILE_MAX); /* room at once: growing would leave copies of the secret behind */
    buffer_clear(out);
    buffer_printf(out, "%s\nname: %s\npublic: %s\nsecret: ", magic_line, key->name, pk);
    base64_encode(out, bytes_of(key->sk.b, SECRET_SEED_LEN));
    buffer_u8(out, '\n');
}

static void buffer_free_secret(struct buffer *b) {
    if (b->data != NULL) {
        crypto_wipe(b->data, b->cap);
    }
    buffer_free(b);
}

/* Makes temporary and gives it the final name, unless that is taken. */
static enum error publish(const char *temporary, const char *path, struct bytes content, struct buffer *why) {
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return system_error(why, temporary, "create");
    }
    enum error e = ERR_OK;
    if (fchmod(fd, 0600) != 0 || !write_all(fd, content) || fsync(fd) != 0) {
        e = system_error(why, temporary, "write");
    } else if (link(temporary, path) != 0) {
        if (errno == EEXIST) {
            buffer_printf(why, "%s: exists already: choose another name; a secret key is never overwritten", path);
            e = ERR_IN_USE;
        } else {
            e = system_error(why, path, "create");
        }
    }
    close(fd);
    unlink(temporary);
    if (e == ERR_OK && !sync_directory(path)) {
        e = system_error(why, path, "sync the directory of");
    }
    return e;
}

enum error keyfile_write(const char *path, const struct keyfile *key, struct buffer *why) {
    if (!name_valid(key->name)) {
        buffer_printf(why, "%s: name: not a name: use 1 to 63 characters without blanks", path);
        return ERR_MALFORMED;
    }
    struct buffer content = {0}, temporary = {0};
    keyfile_format(&content, key);
    buffer_printf(&temporary, "%s.new-%ld", path, (long)getpid());
    enum error e = publish(buffer_cstr(&temporary), path, buffer_bytes(&content), why);
    buffer_free_secret(&content);
    buffer_free(&temporary);
    return e;
}

/* Takes the next line off *text and returns what follows prefix in it, or NULL. */
static char *take_line(char **text, const char *prefix) {
    char *line = *text, *end = strchr(line, '\n');
    if (end == NULL) {
        return NULL;
    }
    *end = 0;
    *text = end + 1;
    return strncmp(line, prefix, strlen(prefix)) == 0 ? line + strlen(prefix) : NULL;
}

static enum error malformed(struct buffer *why, const char *path, int line, const char *problem) {
    buffer_printf(why, "%s:%d: %s: restore the file from a copy or make a new key with `quorate keygen`", path, line,
                  problem);
    return ERR_MALFORMED;
}

static bool take_seed(struct keyfile *out, const char *text) {
    struct buffer seed = {0};
    struct public_key pk;
    buffer_extend(&seed, 64);
    buffer_clear(&seed);
    bool right = strlen(text) < 64 && base64_decode(&seed, text) && seed.len == SECRET_SEED_LEN;
    if (right) {
        crypto_keypair_from_seed(&pk, &out->sk, seed.data);
        right = public_key_equal(&pk, &out->pk);
    }
    buffer_free_secret(&seed);
    return right;
}

static enum error keyfile_parse(struct keyfile *out, char *text, const char *path, struct buffer *why) {
    char *rest = take_line(&text, magic_line);
    if (rest == NULL || *rest != 0) {
        return malformed(why, path, 1, "not a quorate secret key");
    }
    char *name = take_line(&text, "name: ");
    if (name == NULL || !name_valid(name)) {
        return malformed(why, path, 2, "name: missing or not a name");
    }
    memcpy(out->name, name, strlen(name) + 1);
    char *pk = take_line(&text, "public: ");
    if (pk == NULL || !crypto_public_key_parse(&out->pk, pk)) {
        return malformed(why, path, 3, "public: not a public key");
    }
    char *secret = take_line(&text, "secret: ");
    if (secret == NULL || !take_seed(out, secret)) {
        return malformed(why, path, 4, "secret: not the secret of the public key above");
    }
    return *text == 0 ? ERR_OK : malformed(why, path, 5, "text behind the end");
}

/* The whole of a small file into text, NUL-terminated; -1 on failure, KEYFILE_MAX when it is longer. */
static ssize_t read_small(int fd, char text[KEYFILE_MAX + 1]) {
    size_t len = 0;
    while (len < KEYFILE_MAX) {
        ssize_t n = read(fd, text + len, KEYFILE_MAX - len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return -1;
        }
        if (n == 0) {
            break;
        }
        len += (size_t)n;
    }
    text[len] = 0;
    return (ssize_t)len;
}

static enum error mode_check(int fd, const char *path, struct buffer *why) {
    struct stat st;
    if (fstat(fd, &st) != 0) {
        return system_error(why, path, "look at");
    }
    if (!S_ISREG(st.st_mode)) {
        buffer_printf(why, "%s: not a regular file: name the key file", path);
        return ERR_MALFORMED;
    }
    if ((st.st_mode & 077) != 0) {
        buffer_printf(why, "%s: others may read this secret (mode %04o): chmod 600 it, and replace the key if they did",
                      path, (unsigned)(st.st_mode & 07777));
        return ERR_BAD_MODE;
    }
    return ERR_OK;
}

enum error keyfile_read(struct keyfile *out, const char *path, struct buffer *why) {
    memset(out, 0, sizeof *out);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return system_error(why, path, "open");
    }
    char text[KEYFILE_MAX + 1];
    enum error e = mode_check(fd, path, why);
    if (e == ERR_OK) {
        ssize_t len = read_small(fd, text);
        if (len < 0) {
            e = system_error(why, path, "read");
        } else if (len == KEYFILE_MAX || strlen(text) != (size_t)len) {
            e = malformed(why, path, 1, "not a quorate secret key");
        } else {
            e = keyfile_parse(out, text, path, why);
        }
        crypto_wipe(text, sizeof text);
    }
    close(fd);
    if (e != ERR_OK) {
        crypto_wipe(out, sizeof *out);
    }
    return e;
}

/* The counter's file holds the last number drawn, in a fixed width, so that it is rewritten in place within one sector.
   An empty file was created by a process that crashed before it drew. */
static enum error counter_load(int fd, const char *path, uint64_t *last, struct buffer *why) {
    char text[COUNTER_LEN + 2] = {0};
    ssize_t n = pread(fd, text, COUNTER_LEN + 1, 0);
    if (n < 0) {
        return system_error(why, path, "read");
    }
    *last = 0;
    bool right = n == 0 || (n == COUNTER_LEN && strspn(text, "0123456789") == COUNTER_LEN - 1 &&
                            text[COUNTER_LEN - 1] == '\n' && text[0] == '0');
    if (!right) {
        buffer_printf(why, "%s:1: not a counter: don't guess it; revoke the key and make a new one", path);
        return ERR_CORRUPT;
    }
    *last = strtoull(text, NULL, 10);
    return ERR_OK;
}

static enum error counter_store(int fd, const char *path, uint64_t last, struct buffer *why) {
    char text[COUNTER_LEN + 1];
    snprintf(text, sizeof text, "%020llu\n", (unsigned long long)last);
    if (pwrite(fd, text, COUNTER_LEN, 0) != COUNTER_LEN || fsync(fd) != 0) {
        return system_error(why, path, "write");
    }
    return ERR_OK;
}

static enum error counter_advance(int fd, const char *path, uint32_t count, uint64_t *first, struct buffer *why) {
    uint64_t last;
    enum error e = counter_load(fd, path, &last, why);
    if (e != ERR_OK) {
        return e;
    }
    if (last == 0 && !sync_directory(path)) {
        return system_error(why, path, "sync the directory of");
    }
    if (last > INT64_MAX - (uint64_t)count) {
        buffer_printf(why, "%s:1: no numbers are left: make a new key", path);
        return ERR_OUT_OF_RANGE;
    }
    e = counter_store(fd, path, last + count, why);
    if (e == ERR_OK) {
        *first = last + 1;
    }
    return e;
}

enum error keycounter_draw(const char *key_path, uint32_t count, uint64_t *first, struct buffer *why) {
    struct buffer name = {0};
    buffer_printf(&name, "%s.counter", key_path);
    const char *path = buffer_cstr(&name);
    enum error e;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        e = system_error(why, path, "open");
        goto out;
    }
    int locked;
    do {
        locked = flock(fd, LOCK_EX);
    } while (locked != 0 && errno == EINTR);
    e = locked == 0 ? counter_advance(fd, path, count, first, why) : system_error(why, path, "lock");
    close(fd);
out:
    buffer_free(&name);
    return e;
}
