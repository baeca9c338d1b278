/* usage: rot DATADIR [state|mark]: turns one bit of the state that a stopped replica keeps, or removes the mark that
   says what it is, as a failing disk would behind RocksDB's own checksums. Prints what it spoiled. */
#include "base/invariant.h"
#include "replica/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct chosen {
    size_t left; /* records to pass over */
    struct buffer key, value;
};

static bool choose(void *context, struct bytes key, struct bytes value) {
    struct chosen *c = context;
    buffer_clear(&c->key);
    buffer_clear(&c->value);
    buffer_put(&c->key, key.data, key.len);
    buffer_put(&c->value, value.data, value.len);
    return c->left-- > 0;
}

static bool count(void *context, struct bytes key, struct bytes value) {
    (void)key, (void)value;
    ++*(size_t *)context;
    return true;
}

static enum error spoil(const struct disk *disk, const char *what) {
    struct disk_batch batch = {0};
    struct chosen c = {0};
    size_t records = 0;
    struct bytes none = {0};
    enum error e = disk->scan(disk->self, DISK_STATE, none, none, count, &records);
    if (e == ERR_OK && strcmp(what, "mark") == 0) {
        disk_batch_delete(&batch, DISK_META, bytes_of_text("state"));
        puts("the mark");
    } else if (e == ERR_OK && records > 0) {
        c.left = records / 2;
        e = disk->scan(disk->self, DISK_STATE, none, none, choose, &c);
        c.value.data[c.value.len / 2] ^= 1;
        disk_batch_put(&batch, DISK_STATE, buffer_bytes(&c.key), buffer_bytes(&c.value));
        printf("a bit of record %zu of %zu\n", records / 2 + 1, records);
    } else if (e == ERR_OK) {
        e = ERR_NOT_FOUND;
    }
    if (e == ERR_OK)
        e = disk->commit(disk->self, &batch, true);
    disk_batch_free(&batch);
    buffer_free(&c.key);
    buffer_free(&c.value);
    return e;
}

int main(int argc, char **argv) {
    struct store *s;
    struct buffer why = {0};
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: rot DATADIR [state|mark]\n");
        return 2;
    }
    if (store_open(&s, argv[1], &why) != ERR_OK) {
        fprintf(stderr, "rot: %s\n", buffer_cstr(&why));
        return 1;
    }
    struct disk disk = store_disk(s);
    enum error e = spoil(&disk, argc == 3 ? argv[2] : "state");
    if (e != ERR_OK)
        fprintf(stderr, "rot: %s: %s\n", argv[1], error_text(e));
    store_close(s);
    return e == ERR_OK ? 0 : 1;
}
