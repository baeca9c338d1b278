/* Fetches the frames of evidence part by part from one replica after the other, until one has those whose digest the
   agreed record holds. */
#include "base/clock.h"
#include "client/inner.h"

enum { PART_MS = 2000, RESEND_MS = 500, ANSWER_ARENA_MAX = 1 << 20 };

/* One part, appended. False: this member has nothing to give. */
static bool fetch_part(struct client *c, member_id from, const struct msg *question, struct buffer *blocks,
                       uint32_t *length, mono_ms deadline) {
    struct arena arena = {.limit = ANSWER_ARENA_MAX};
    struct buffer frame = {0}, answer = {0};
    struct client_poll *poll = client_poll_new(c->net);
    mono_ms until = clock_mono() + PART_MS;
    member_id who;
    struct msg m;
    client_seal_question(c, question, &frame);
    client_poll_ask(poll, from, buffer_bytes(&frame), RESEND_MS);
    bool good = client_poll_next(poll, until < deadline ? until : deadline, &who, &answer) &&
                client_open_answer(c, from, buffer_bytes(&answer), &m, &arena) == ERR_OK && m.type == FRAME_EVIDENCE &&
                m.evidence.offset == question->fetch_evidence.offset && m.evidence.part.len > 0;
    if (good) {
        buffer_put(blocks, m.evidence.part.data, m.evidence.part.len);
        *length = m.evidence.length;
    }
    client_poll_free(poll);
    buffer_free(&frame);
    buffer_free(&answer);
    arena_free(&arena);
    return good;
}

static bool fetch_from(struct client *c, member_id from, const struct evidence_record *record, bool last,
                       mono_ms deadline, struct buffer *blocks) {
    const struct digest *wanted = last ? &record->frames : &record->first_frames;
    struct msg question = {.type = FRAME_FETCH_EVIDENCE};
    uint32_t length = 1;
    question.fetch_evidence = (struct msg_fetch_evidence){
        .culprit = record->culprit, .kind = (uint8_t)record->kind, .last = last, .drilled = record->drill != 0};
    buffer_clear(blocks);
    while (blocks->len < length) {
        question.fetch_evidence.offset = (uint32_t)blocks->len;
        if (!fetch_part(c, from, &question, blocks, &length, deadline)) {
            return false;
        }
    }
    struct digest d = crypto_digest(DIGEST_EVIDENCE, buffer_bytes(blocks));
    return digest_equal(&d, wanted);
}

enum error client_evidence(struct client *c, const struct evidence_record *record, bool last, mono_ms timeout,
                           struct buffer *blocks) {
    mono_ms deadline = clock_mono() + timeout;
    for (member_id i = 0; i < c->verifier.members && clock_mono() < deadline; i++) {
        if (fetch_from(c, i, record, last, deadline, blocks)) {
            return ERR_OK;
        }
    }
    buffer_clear(blocks);
    return ERR_NOT_FOUND;
}
