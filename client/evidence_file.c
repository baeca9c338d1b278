/* Reads and writes evidence files. What stands in one is believed only after evidence_verify. */
#include "client/evidence_file.h"

#include <string.h>

static const char title[] = "quorate evidence ";
static const char version[] = "1\n";
enum { TITLE_LEN = sizeof title - 1, VERSION_LEN = sizeof version - 1 };

enum error evidence_file_encode(struct buffer *out, enum evidence_kind kind, struct bytes blocks) {
    struct reader r = reader_of(blocks);
    unsigned count = 0;
    while (r.at < r.end && !r.bad) {
        read_block(&r, SIZE_MAX);
        count++;
    }
    if (!reader_done(&r) || count == 0 || count > EVIDENCE_FRAMES_MAX) {
        return ERR_MALFORMED;
    }
    buffer_put(out, title, TITLE_LEN);
    buffer_put(out, version, VERSION_LEN);
    buffer_u8(out, (uint8_t)kind);
    buffer_u8(out, (uint8_t)count);
    buffer_put(out, blocks.data, blocks.len);
    return ERR_OK;
}

enum error evidence_file_decode(struct op_evidence *out, struct bytes file) {
    struct reader r = reader_of(file);
    *out = (struct op_evidence){.count = 0};
    if (!bytes_equal(read_bytes(&r, TITLE_LEN), bytes_of(title, TITLE_LEN))) {
        return ERR_BAD_MAGIC;
    }
    if (!bytes_equal(read_bytes(&r, VERSION_LEN), bytes_of(version, VERSION_LEN))) {
        return ERR_BAD_VERSION;
    }
    out->kind = (enum evidence_kind)read_u8(&r);
    unsigned count = read_u8(&r);
    if (!r.bad && (out->kind == 0 || out->kind >= EV_KIND_LIMIT || count == 0 || count > EVIDENCE_FRAMES_MAX)) {
        return ERR_OUT_OF_RANGE;
    }
    while (out->count < count && !r.bad) {
        out->frames[out->count++] = read_block(&r, SIZE_MAX);
    }
    return r.bad ? ERR_TRUNCATED : r.at < r.end ? ERR_TRAILING : ERR_OK;
}

void evidence_culprit(struct buffer *out, const struct cluster *c, const struct key_entry *who) {
    char key[PUBLIC_KEY_TEXT];
    if (who->role == ROLE_MEMBER) {
        buffer_printf(out, "replica %u", (unsigned)who->index);
    } else if (who->role == ROLE_OBSERVER && who->index < c->observer_count) {
        buffer_printf(out, "observer %s", c->observers[who->index].name);
    } else if (who->role == ROLE_OPERATOR && who->index < c->operator_count) {
        buffer_printf(out, "operator %s", c->operators[who->index].name);
    } else {
        crypto_public_key_text(key, &who->key);
        buffer_printf(out, "%s", key);
    }
}
