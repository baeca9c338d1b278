/* The keys of what is kept for audits, and the frames of evidence under them. */
#include "replica/retained.h"

void retained_key(struct buffer *out, enum retained_kind kind, uint64_t number) {
    buffer_u8(out, (uint8_t)kind);
    buffer_u64(out, number);
}

static void proof_key(struct buffer *out, const struct public_key *culprit, enum evidence_kind kind, bool last,
                      bool drilled) {
    buffer_clear(out);
    buffer_u8(out, RETAINED_PROOF);
    buffer_put(out, culprit->b, PUBLIC_KEY_LEN);
    buffer_u8(out, (uint8_t)kind);
    buffer_u8(out, (uint8_t)(last | drilled << 1));
}

void store_proven(const struct executed *e, struct disk_batch *batch) {
    struct buffer key = {0};
    for (size_t i = 0; i < e->proven_count; i++) {
        const struct proven *p = &e->proven[i];
        struct bytes blocks = bytes_of(e->frames.data + p->at, p->len);
        if (p->proof.count == 1) {
            proof_key(&key, &p->proof.culprit, p->proof.kind, false, p->proof.drill != 0);
            disk_batch_put(batch, DISK_EVIDENCE, buffer_bytes(&key), blocks);
        }
        proof_key(&key, &p->proof.culprit, p->proof.kind, true, p->proof.drill != 0);
        disk_batch_put(batch, DISK_EVIDENCE, buffer_bytes(&key), blocks);
    }
    buffer_free(&key);
}

void store_new_view(struct disk_batch *batch, view_no v, struct bytes frame) {
    struct buffer key = {0}, from = {0}, below = {0};
    retained_key(&key, RETAINED_NEW_VIEW, v);
    disk_batch_put(batch, DISK_EVIDENCE, buffer_bytes(&key), frame);
    retained_key(&from, RETAINED_NEW_VIEW, 0);
    retained_key(&below, RETAINED_NEW_VIEW, v > VIEWS_RETAINED ? v - VIEWS_RETAINED : 0);
    disk_batch_delete_range(batch, DISK_EVIDENCE, buffer_bytes(&from), buffer_bytes(&below));
    buffer_free(&key);
    buffer_free(&from);
    buffer_free(&below);
}

void store_breach(struct disk_batch *batch, const struct bytes *frames, size_t count) {
    struct buffer key = {0};
    for (size_t i = 0; i < count; i++) {
        buffer_clear(&key);
        retained_key(&key, RETAINED_BREACH, i);
        disk_batch_put(batch, DISK_EVIDENCE, buffer_bytes(&key), frames[i]);
    }
    buffer_free(&key);
}

enum error load_proven(const struct disk *disk, const struct public_key *culprit, enum evidence_kind kind, bool last,
                       bool drilled, struct buffer *out) {
    struct buffer key = {0};
    proof_key(&key, culprit, kind, last, drilled);
    enum error e = disk->get(disk->self, DISK_EVIDENCE, buffer_bytes(&key), out);
    buffer_free(&key);
    return e;
}
