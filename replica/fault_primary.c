/* Traitorous primaries: they propose late, to some, two things, with gaps or the same again. What is told of one place
   once is told alike ever after, so that each is as hard to find out as it can be. */
#include "base/invariant.h"
#include "replica/fault_parts.h"

#include <stdlib.h>

/* ---- two stories ---- */

static bool hears_the_other_story(const struct fault *f, member_id to) {
    unsigned rank = to < f->self ? to : to - 1u;
    return 2 * (rank + 1) >= f->cluster->member_count - 1;
}

/* The same requests the other way round, or nothing in place of a single one: both are proposals that a backup accepts.
 */
static void other_batch(struct buffer *out, const struct batch *b) {
    struct request_ref *refs = xcalloc(b->count ? b->count : 1, sizeof *refs);
    for (unsigned i = 0; i < b->count; i++)
        refs[i] = b->refs[b->count - 1 - i];
    struct batch other = {.kind = BATCH_NULL};
    if (b->count > 1)
        other = (struct batch){.kind = BATCH_NORMAL, .count = b->count, .refs = refs};
    batch_encode(out, &other);
    free(refs);
}

void send_two_stories(struct fault *f, struct buffer *out, member_id to, struct bytes frame) {
    struct arena arena = {0};
    struct msg m;
    if (hears_the_other_story(f, to) && fault_take_apart(&m, &arena, frame, FRAME_PRE_PREPARE) &&
        m.pre_prepare.batch.kind == BATCH_NORMAL) {
        struct buffer batch = {0};
        other_batch(&batch, &m.pre_prepare.batch);
        m.pre_prepare.batch_bytes = buffer_bytes(&batch);
        m.pre_prepare.statement.d = batch_digest(m.pre_prepare.batch_bytes);
        fault_seal(f, out, &m);
        buffer_free(&batch);
    } else {
        fault_pass(out, frame);
    }
    arena_free(&arena);
}

/* ---- gaps, and members left out ---- */

void send_beyond_a_gap(struct fault *f, struct buffer *out, member_id to, struct bytes frame) {
    (void)to;
    struct arena arena = {0};
    struct msg m;
    if (fault_take_apart(&m, &arena, frame, FRAME_PRE_PREPARE)) {
        m.pre_prepare.statement.n += (seq_no)f->parameter;
        fault_seal(f, out, &m);
    } else {
        fault_pass(out, frame);
    }
    arena_free(&arena);
}

void send_to_all_but_one(struct fault *f, struct buffer *out, member_id to, struct bytes frame) {
    if (to != f->parameter || !fault_is(frame, FRAME_PRE_PREPARE))
        fault_pass(out, frame);
}

bool hears_all_but_one_client(struct fault *f, const struct public_key *client) {
    return f->parameter >= f->cluster->observer_count ||
           !public_key_equal(client, &f->cluster->observers[f->parameter].key);
}

/* ---- late ---- */

mono_ms delay_proposals(struct fault *f, member_id to, struct bytes frame) {
    (void)to;
    return fault_is(frame, FRAME_PRE_PREPARE) ? f->parameter : 0;
}

/* One proposal at a time to each member, so far apart. */
mono_ms delay_by_drips(struct fault *f, member_id to, struct bytes frame) {
    if (!fault_is(frame, FRAME_PRE_PREPARE))
        return 0;
    mono_ms next = f->dripped[to] + f->parameter;
    f->dripped[to] = next > f->now ? next : f->now;
    return f->dripped[to] - f->now;
}

/* ---- the same again ---- */

static struct told_lie *told_of(struct fault *f, const struct vote *v) {
    if (!f->told)
        f->told = xcalloc(FAULT_KEPT, sizeof *f->told);
    return &f->told[v->n % FAULT_KEPT];
}

static void remember_refs(struct fault *f, const struct batch *b) {
    for (unsigned i = 0; i < b->count; i++)
        f->old[f->old_count++ % FAULT_OLD_REFS] = b->refs[i];
}

/* What is proposed, and behind it everything that was proposed before. */
static void batch_with_the_old(struct fault *f, struct buffer *out, const struct batch *b) {
    size_t old = f->old_count < FAULT_OLD_REFS ? f->old_count : FAULT_OLD_REFS, most = f->cluster->knobs.batch_max;
    struct request_ref *refs = xcalloc(b->count + old + 1, sizeof *refs);
    struct batch more = {BATCH_NORMAL, b->count, refs};
    for (unsigned i = 0; i < b->count; i++)
        refs[i] = b->refs[i];
    for (size_t i = 0; i < old && more.count < most; i++) {
        bool named = false;
        for (unsigned k = 0; k < b->count; k++)
            named |= digest_equal(&b->refs[k].digest, &f->old[i].digest);
        if (!named)
            refs[more.count++] = f->old[i];
    }
    batch_encode(out, &more);
    free(refs);
}

void send_the_old_again(struct fault *f, struct buffer *out, member_id to, struct bytes frame) {
    (void)to;
    struct arena arena = {0};
    struct msg m;
    if (!fault_take_apart(&m, &arena, frame, FRAME_PRE_PREPARE) || m.pre_prepare.batch.kind != BATCH_NORMAL) {
        fault_pass(out, frame);
        arena_free(&arena);
        return;
    }
    struct told_lie *told = told_of(f, &m.pre_prepare.statement);
    if (told->n != m.pre_prepare.statement.n || told->v != m.pre_prepare.statement.v) {
        struct buffer batch = {0};
        told->n = m.pre_prepare.statement.n;
        told->v = m.pre_prepare.statement.v;
        batch_with_the_old(f, &batch, &m.pre_prepare.batch);
        remember_refs(f, &m.pre_prepare.batch);
        m.pre_prepare.batch_bytes = buffer_bytes(&batch);
        m.pre_prepare.statement.d = batch_digest(m.pre_prepare.batch_bytes);
        buffer_clear(&told->frame);
        fault_seal(f, &told->frame, &m);
        buffer_free(&batch);
    }
    fault_pass(out, buffer_bytes(&told->frame));
    arena_free(&arena);
}
