/* Certificates out of what was seen: a traitor has its own key and what honest members really signed, no more. Where
   the pieces don't suffice, the story ends. */
#include "tests/script/script.h"

static struct bytes header_of(uint8_t body[VOTE_BODY_LEN], const struct vote *v) {
    vote_encode(body, v);
    return bytes_of(body, VOTE_BODY_LEN);
}

/* Q-1 PREPAREs of backups beside the PRE-PREPARE, if they exist. */
static bool prepared_by(struct story *s, struct prepared_entry *out, const struct vote *v) {
    uint8_t body[VOTE_BODY_LEN];
    struct bytes header = header_of(body, v);
    member_id primary = (member_id)(v->v % s->members);
    *out = (struct prepared_entry){.statement = *v};
    if (!seen_signature(s, FRAME_PRE_PREPARE, primary, header, &out->pp_sig)) {
        return false;
    }
    for (member_id i = 0; i < s->members && out->count < quorum_strong(s->members) - 1; i++) {
        if (i != primary && seen_signature(s, FRAME_PREPARE, i, header, &out->prepares[out->count].sig)) {
            out->prepares[out->count++].member = i;
        }
    }
    return out->count == quorum_strong(s->members) - 1;
}

static bool statement_of(const struct said *x, struct vote *out) {
    struct frame f;
    if (x->type != FRAME_PREPARE || frame_open(&f, buffer_bytes(&x->frame)) != ERR_OK) {
        return false;
    }
    vote_decode(out, f.body.data);
    return true;
}

static struct prepared_entry *entry_of(struct prepared_entry *list, unsigned *count, unsigned max, seq_no n) {
    unsigned at = 0;
    while (at < *count && list[at].statement.n < n) {
        at++;
    }
    if (at < *count && list[at].statement.n == n) {
        return &list[at];
    }
    assert_true(*count < max);
    memmove(&list[at + 1], &list[at], (*count - at) * sizeof *list);
    list[at] = (struct prepared_entry){.statement.n = n};
    ++*count;
    return &list[at];
}

/* What can be proved to be prepared: the highest view below `below` for each n above `above`, sorted. */
unsigned proof_prepared(struct story *s, struct prepared_entry *out, unsigned max, view_no below, seq_no above) {
    unsigned count = 0;
    for (size_t i = 0; i < s->said_count; i++) {
        struct vote v;
        struct prepared_entry e;
        if (!statement_of(&s->said[i], &v) || v.v >= below || v.n <= above || !prepared_by(s, &e, &v)) {
            continue;
        }
        struct prepared_entry *place = entry_of(out, &count, max, v.n);
        if (place->count == 0 || v.v > place->statement.v) {
            *place = e;
        }
    }
    return count;
}

static bool checkpoint_of(const struct said *x, struct checkpoint *out) {
    struct frame f;
    if (x->type != FRAME_CHECKPOINT || frame_open(&f, buffer_bytes(&x->frame)) != ERR_OK) {
        return false;
    }
    checkpoint_decode(out, f.body.data);
    return true;
}

/* n 0: the genesis, which needs no signatures. */
void proof_checkpoint(struct story *s, struct checkpoint_cert *out, seq_no n) {
    uint8_t body[CHECKPOINT_BODY_LEN];
    *out = (struct checkpoint_cert){.count = 0};
    for (size_t i = 0; n > 0 && i < s->said_count; i++) {
        if (!checkpoint_of(&s->said[i], &out->statement) || out->statement.n != n) {
            continue;
        }
        checkpoint_encode(body, &out->statement);
        out->count = 0;
        for (member_id j = 0; j < s->members && out->count < quorum_strong(s->members); j++) {
            if (seen_signature(s, FRAME_CHECKPOINT, j, bytes_of(body, sizeof body), &out->sigs[out->count].sig)) {
                out->sigs[out->count++].member = j;
            }
        }
        if (out->count == quorum_strong(s->members)) {
            return;
        }
    }
    if (n > 0) {
        story_fail(s, "no Q members signed one checkpoint at n=%llu", (unsigned long long)n);
    }
}

unsigned proof_commits(struct story *s, const struct vote *v, struct member_signature *out) {
    uint8_t body[VOTE_BODY_LEN];
    struct bytes header = header_of(body, v);
    unsigned count = 0;
    for (member_id i = 0; i < s->members && count < quorum_strong(s->members); i++) {
        if (seen_signature(s, FRAME_COMMIT, i, header, &out[count].sig)) {
            out[count++].member = i;
        }
    }
    return count;
}
