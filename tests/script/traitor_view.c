/* VIEW-CHANGE and NEW-VIEW in a traitor's name: made right out of what was seen, then bent as the story says. O is
   computed here from the rule, not by the core. */
#include "tests/script/script.h"

/* --- VIEW-CHANGE: v= [c=] [hide=N] [old=N] [bad=N] [bad=c] [junk=N:BATCH] --- */

static struct prepared_entry *find_entry(struct story *s, struct prepared_entry *p, unsigned count, const char *n) {
    for (unsigned i = 0; i < count; i++) {
        if (p[i].statement.n == number_of(s, n)) {
            return &p[i];
        }
    }
    story_fail(s, "nothing is prepared at n=%s", n);
}

static void drop_entry(struct story *s, struct prepared_entry *p, unsigned *count, const char *n) {
    struct prepared_entry *e = find_entry(s, p, *count, n);
    memmove(e, e + 1, (size_t)(p + *count - e - 1) * sizeof *e);
    --*count;
}

/* The entry as an earlier view had it. */
static void age_entry(struct story *s, struct prepared_entry *p, unsigned count, const char *n, seq_no c) {
    struct prepared_entry *e = find_entry(s, p, count, n), *old = xcalloc(WINDOW_MAX, sizeof *old);
    unsigned known = proof_prepared(s, old, WINDOW_MAX, e->statement.v, c);
    *e = *find_entry(s, old, known, n);
    free(old);
}

/* An entry for which nobody ever voted. */
static void junk_entry(struct story *s, struct prepared_entry *p, unsigned *count, const char *value) {
    char *batch;
    unsigned long n = strtoul(value, &batch, 10);
    struct buffer bytes = {0};
    if (*count > 0 && p[*count - 1].statement.n >= n) {
        story_fail(s, "junk goes behind what is prepared");
    }
    struct prepared_entry e = {.statement.n = n};
    e.statement.d = batch_named(s, *batch ? batch + 1 : batch, &bytes);
    for (member_id i = 1; i < quorum_strong(s->members); i++) {
        e.prepares[e.count++].member = i;
    }
    p[(*count)++] = e;
    buffer_free(&bytes);
}

void say_view_change(struct story *s, member_id from, member_set to) {
    struct msg m = {.type = FRAME_VIEW_CHANGE};
    struct prepared_entry *p = xcalloc(WINDOW_MAX, sizeof *p);
    struct msg_view_change *vc = &m.view_change;
    seq_no c = word_number(s, "c", 0);
    const char *value;
    vc->v = word_number(s, "v", 1);
    vc->p = p;
    proof_checkpoint(s, &vc->c, c);
    vc->count = proof_prepared(s, p, WINDOW_MAX, vc->v, c);
    while ((value = word_value(s, "hide"))) {
        drop_entry(s, p, &vc->count, value);
    }
    while ((value = word_value(s, "old"))) {
        age_entry(s, p, vc->count, value, c);
    }
    while ((value = word_value(s, "junk"))) {
        junk_entry(s, p, &vc->count, value);
    }
    while ((value = word_value(s, "bad"))) {
        if (strcmp(value, "c") == 0) {
            vc->c.sigs[0].sig.b[0] ^= 1;
        } else {
            find_entry(s, p, vc->count, value)->prepares[0].sig.b[0] ^= 1;
        }
    }
    traitor_says(s, from, to, &m);
    free(p);
}

/* --- NEW-VIEW: v= of=0,2,3 [twice=2] [drop=N] [null=N] [old=N] [set=N:BATCH] [bad=N] --- */

struct plan {
    struct msg vcs[MEMBERS_MAX];
    unsigned vc_count;
    struct new_view_slot slots[WINDOW_MAX];
    unsigned slot_count;
    struct arena arena;
};

static void plan_add(struct story *s, struct plan *x, member_id who, view_no v) {
    const struct said *said = seen_find(s, FRAME_VIEW_CHANGE, who, v);
    struct frame f;
    if (!said) {
        story_fail(s, "%u sent no VIEW-CHANGE for view %llu", who, (unsigned long long)v);
    }
    if (x->vc_count == MEMBERS_MAX || frame_open(&f, buffer_bytes(&said->frame)) != ERR_OK ||
        codec_decode(&x->vcs[x->vc_count++], &f, &x->arena) != ERR_OK) {
        story_fail(s, "the VIEW-CHANGE of %u can't be used", who);
    }
}

/* Who is named twice fills a place of its own. */
static void plan_gather(struct story *s, struct plan *x, view_no v) {
    const char *of = word_value(s, "of"), *twice = word_value(s, "twice");
    member_set who = of ? members_of(s, of) : 0, again = twice ? members_of(s, twice) : 0;
    for (member_id i = 0; i < s->members; i++) {
        if (set_has(who, i)) {
            plan_add(s, x, i, v);
        }
        if (set_has(again, i)) {
            plan_add(s, x, i, v);
        }
    }
}

/* For every n above the highest checkpoint: the highest view's digest, or NULL; `old`: the lowest view's. */
static void plan_slots(struct plan *x, seq_no old) {
    seq_no low = 0, high = 0;
    for (unsigned i = 0; i < x->vc_count; i++) {
        const struct msg_view_change *vc = &x->vcs[i].view_change;
        low = vc->c.statement.n > low ? vc->c.statement.n : low;
        high = vc->count > 0 && vc->p[vc->count - 1].statement.n > high ? vc->p[vc->count - 1].statement.n : high;
    }
    for (seq_no n = low + 1; n <= high && x->slot_count < WINDOW_MAX; n++) {
        struct new_view_slot *o = &x->slots[x->slot_count++];
        bool any = false;
        view_no best = 0;
        *o = (struct new_view_slot){.n = n, .d = batch_null_digest()};
        for (unsigned i = 0; i < x->vc_count; i++) {
            for (unsigned k = 0; k < x->vcs[i].view_change.count; k++) {
                const struct vote *e = &x->vcs[i].view_change.p[k].statement;
                if (e->n == n && (!any || (n == old ? e->v < best : e->v > best))) {
                    any = true;
                    best = e->v;
                    o->d = e->d;
                }
            }
        }
    }
}

static struct new_view_slot *plan_slot(struct story *s, struct plan *x, seq_no n) {
    for (unsigned i = 0; i < x->slot_count; i++) {
        if (x->slots[i].n == n) {
            return &x->slots[i];
        }
    }
    story_fail(s, "no entry of O for n=%llu", (unsigned long long)n);
}

static void plan_bend(struct story *s, struct plan *x) {
    const char *value;
    if ((value = word_value(s, "drop"))) {
        struct new_view_slot *o = plan_slot(s, x, number_of(s, value));
        memmove(o, o + 1, (size_t)(x->slots + x->slot_count - o - 1) * sizeof *o);
        x->slot_count--;
    }
    if ((value = word_value(s, "null"))) {
        plan_slot(s, x, number_of(s, value))->d = batch_null_digest();
    }
    if ((value = word_value(s, "set"))) {
        struct buffer bytes = {0};
        char *batch;
        struct new_view_slot *o = plan_slot(s, x, strtoul(value, &batch, 10));
        o->d = batch_named(s, *batch ? batch + 1 : batch, &bytes);
        buffer_free(&bytes);
    }
}

static void plan_sign(struct story *s, struct plan *x, const struct msg_new_view *nv, member_id from) {
    uint64_t bad = word_number(s, "bad", 0);
    struct seal_context context = {FRAME_PRE_PREPARE, s->c->verifier.cluster, 0, from};
    for (unsigned i = 0; i < x->slot_count; i++) {
        uint8_t body[VOTE_BODY_LEN];
        vote_encode(body, &(struct vote){nv->v, x->slots[i].n, x->slots[i].d, nv->digest});
        seal_sign(&x->slots[i].pp_sig, &context, bytes_of(body, sizeof body), &s->c->secrets[from]);
        x->slots[i].pp_sig.b[0] ^= x->slots[i].n == bad;
    }
}

void say_new_view(struct story *s, member_id from, member_set to) {
    struct plan *x = xcalloc(1, sizeof *x);
    struct msg m = {.type = FRAME_NEW_VIEW};
    struct buffer core = {0};
    view_no v = word_number(s, "v", 1);
    plan_gather(s, x, v);
    plan_slots(x, word_number(s, "old", 0));
    plan_bend(s, x);
    m.new_view = (struct msg_new_view){
        .v = v, .vc_count = x->vc_count, .vcs = x->vcs, .slot_count = x->slot_count, .slots = x->slots};
    codec_new_view_core(&core, &m.new_view);
    m.new_view.core = buffer_bytes(&core);
    m.new_view.digest = crypto_digest(DIGEST_NEW_VIEW, m.new_view.core);
    plan_sign(s, x, &m.new_view, from);
    traitor_says(s, from, to, &m);
    buffer_free(&core);
    arena_free(&x->arena);
    free(x);
}
