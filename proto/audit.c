/* The audit: disagreements among the statements that were collected, and candidates for each kind of evidence that
   could explain them. A candidate counts only when evidence_verify says so: the reasoning here may look in the wrong
   place, but it can't convict anybody. */
#include "proto/audit.h"

#include "proto/audit_parts.h"
#include "proto/proof.h"

#include <stdlib.h>
#include <string.h>

/* A member that signed more about one slot is convicted by the first of them. */
enum { STATEMENTS_COMPARED = 16 };

struct audit {
    struct collection c;
    struct audit_report *out;
    bool convicted[MEMBERS_MAX][EV_KIND_LIMIT];
    size_t decided_count, decided_cap;
    struct decided *decided; /* by n, then v */
};
struct decided { /* Q COMMITs */
    seq_no n;
    view_no v;
    struct digest d;
    size_t at;
};

/* ---- disagreements ---- */

static void disagree(struct audit *a, enum audit_breach breach, seq_no n, const struct audit_disagreement *what) {
    struct audit_report *r = a->out;
    if (r->disagreements < AUDIT_DISAGREEMENTS_MAX) {
        struct audit_disagreement *x = &r->list[r->disagreements];
        *x = *what;
        x->breach = breach;
        x->n = n;
    }
    r->disagreements++;
}

static size_t block_end(const struct atom_list *l, size_t from) {
    size_t i = from;
    while (i < l->count && l->list[i].n == l->list[from].n && l->list[i].v == l->list[from].v) {
        i++;
    }
    return i;
}

/* Members of a block that signed this very statement. */
static unsigned signers(const struct atom_list *l, size_t from, size_t end, const struct atom *what) {
    member_set members = 0;
    for (size_t i = from; i < end; i++) {
        if (l->list[i].type == what->type && memcmp(l->list[i].body, what->body, what->len) == 0) {
            members |= set_of(l->list[i].member);
        }
    }
    return set_count(members);
}

static bool said_before(const struct atom_list *l, size_t from, size_t i) {
    for (size_t k = from; k < i; k++) {
        if (l->list[k].type == l->list[i].type && memcmp(l->list[k].body, l->list[i].body, l->list[i].len) == 0) {
            return true;
        }
    }
    return false;
}

static void decided_add(struct audit *a, const struct atom *x) {
    if (a->decided_count == a->decided_cap) {
        a->decided_cap = a->decided_cap ? 2 * a->decided_cap : 64;
        a->decided = xrealloc(a->decided, a->decided_cap * sizeof *a->decided);
    }
    a->decided[a->decided_count++] = (struct decided){x->n, x->v, atom_vote(x).d, x->at};
}

static struct digest root_of(const struct atom *a) {
    struct checkpoint c;
    checkpoint_decode(&c, a->body);
    return c.root;
}

/* One (n, v): quorums of COMMITs, and of CHECKPOINTs where v is 0. */
static void find_quorums(struct audit *a, size_t from, size_t end) {
    const struct atom_list *l = &a->c.atoms;
    const struct atom *certified = NULL;
    for (size_t i = from; i < end; i++) {
        const struct atom *x = &l->list[i];
        bool counts = x->type == FRAME_COMMIT || x->type == FRAME_CHECKPOINT;
        if (!counts || said_before(l, from, i) ||
            signers(l, from, end, x) < quorum_strong(a->c.judge->verifier->members)) {
            continue;
        }
        if (x->type == FRAME_COMMIT) {
            decided_add(a, x);
        } else if (certified) {
            struct audit_disagreement d = {.d = {root_of(certified), root_of(x)}, .at = {certified->at, x->at}};
            disagree(a, AUDIT_TWO_CHECKPOINTS, x->n, &d);
        } else {
            certified = x;
        }
    }
}

static void compare_decisions(struct audit *a) {
    const struct decided *first = a->decided;
    for (size_t i = 0; i < a->decided_count; i++) {
        const struct decided *x = &a->decided[i];
        if (x->n != first->n || i == 0) {
            first = x;
            a->out->decisions++;
        } else if (!digest_equal(&x->d, &first->d)) {
            struct audit_disagreement d = {.v = {first->v, x->v}, .d = {first->d, x->d}, .at = {first->at, x->at}};
            disagree(a, AUDIT_TWO_DECISIONS, x->n, &d);
        }
    }
}

/* A valid NEW-VIEW keeps every decision of an earlier view above its base. */
static void compare_new_view(struct audit *a, const struct found_view *nv, struct new_view_plan *plan) {
    const struct msg_new_view *m = &nv->m.new_view;
    if (new_view_compute(plan, m->vcs, m->vc_count, a->c.judge->window) != ERR_OK) {
        return;
    }
    for (size_t i = 0; i < a->decided_count; i++) {
        const struct decided *x = &a->decided[i];
        if (x->v >= m->v || x->n <= plan->min_s) {
            continue;
        }
        const struct new_view_slot *o = x->n <= plan->max_s ? &plan->slots[x->n - plan->min_s - 1] : NULL;
        if (!o || !digest_equal(&o->d, &x->d)) {
            struct audit_disagreement d = {.v = {x->v, m->v}, .d = {x->d}, .at = {x->at, nv->at}};
            d.d[1] = o ? o->d : (struct digest){{0}};
            disagree(a, AUDIT_NEW_VIEW_FORGOT, x->n, &d);
        }
    }
}

static void find_disagreements(struct audit *a) {
    struct new_view_plan *plan = xcalloc(1, sizeof *plan);
    for (size_t from = 0, end; from < a->c.atoms.count; from = end) {
        end = block_end(&a->c.atoms, from);
        find_quorums(a, from, end);
    }
    compare_decisions(a);
    for (size_t i = 0; i < a->c.new_views.count; i++) {
        const struct found_view *nv = &a->c.new_views.list[i];
        if (nv->valid) {
            a->out->new_views++;
            compare_new_view(a, nv, plan);
        }
    }
    free(plan);
}

/* ---- culprits ---- */

/* The candidate is judged as anybody would judge it who knows nothing of this audit. */
static void accuse(struct audit *a, enum evidence_kind kind, member_id member, struct bytes first, size_t first_at,
                   struct bytes second, size_t second_at) {
    struct op_evidence e = {.kind = kind, .count = second.data ? 2 : 1, .frames = {first, second}};
    struct evidence_finding f;
    if (a->convicted[member][kind] || evidence_verify(a->c.judge, &e, &f) != ERR_OK || f.culprit.index != member) {
        return;
    }
    a->convicted[member][kind] = true;
    for (unsigned i = 0; i < e.count; i++) {
        e.frames[i] = arena_copy(&a->out->arena, e.frames[i]);
    }
    a->out->culprits |= set_of(member);
    a->out->findings[a->out->finding_count++] =
        (struct audit_finding){member, kind, f.v, f.n, e, {first_at, second.data ? second_at : first_at}};
}

static enum evidence_kind contradiction(const struct atom *a, const struct atom *b) {
    if (a->type == FRAME_CHECKPOINT || b->type == FRAME_CHECKPOINT) {
        return a->type == b->type ? EV_EQUIV_CKPT : EV_KIND_LIMIT;
    }
    if (a->type == FRAME_COMMIT || b->type == FRAME_COMMIT) {
        return EV_EQUIV_COMMIT;
    }
    return a->type != b->type ? EV_KIND_LIMIT : a->type == FRAME_PREPARE ? EV_EQUIV_PREPARE : EV_EQUIV_PP;
}

static void accuse_pair(struct audit *a, enum evidence_kind kind, const struct atom *x, const struct atom *y) {
    struct arena scratch = {0};
    struct bytes fx = atom_frame(x, a->c.judge->verifier, &scratch), fy = atom_frame(y, a->c.judge->verifier, &scratch);
    accuse(a, kind, x->member, fx, x->at, fy, y->at);
    arena_free(&scratch);
}

/* EV1 to EV4: one member, one (n, v), two statements. */
static void accuse_two_faced(struct audit *a) {
    const struct atom_list *l = &a->c.atoms;
    for (size_t from = 0, end; from < l->count; from = end) {
        const struct atom *x = &l->list[from];
        for (end = from + 1; end < l->count; end++) {
            const struct atom *y = &l->list[end];
            if (y->n != x->n || y->v != x->v || y->member != x->member) {
                break;
            }
            for (size_t k = from; k < end && k < from + STATEMENTS_COMPARED; k++) {
                enum evidence_kind kind = contradiction(&l->list[k], y);
                bool differ = memcmp(l->list[k].body, y->body, y->len) != 0;
                if (kind != EV_KIND_LIMIT && differ && !a->convicted[y->member][kind]) {
                    accuse_pair(a, kind, &l->list[k], y);
                }
            }
        }
    }
}

static size_t first_above(const struct atom_list *l, seq_no n) {
    size_t low = 0, high = l->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (l->list[middle].n > n) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

static bool keeps(const struct msg_view_change *vc, const struct atom *commit) {
    for (unsigned i = 0; i < vc->count; i++) {
        if (vc->p[i].statement.n == commit->n) {
            return vc->p[i].statement.v >= commit->v;
        }
    }
    return false;
}

/* EV6: committed, and left out of a later VIEW-CHANGE. */
static void accuse_omissions(struct audit *a, const struct found_view *x) {
    const struct atom_list *l = &a->c.atoms;
    const struct msg_view_change *vc = &x->m.view_change;
    for (size_t i = first_above(l, vc->c.statement.n); i < l->count; i++) {
        const struct atom *commit = &l->list[i];
        if (a->convicted[x->m.sender][EV_VC_OMISSION]) {
            return;
        }
        if (commit->type == FRAME_COMMIT && commit->member == x->m.sender && commit->v < vc->v && !keeps(vc, commit)) {
            struct arena scratch = {0};
            struct bytes frame = atom_frame(commit, a->c.judge->verifier, &scratch);
            accuse(a, EV_VC_OMISSION, commit->member, frame, commit->at, x->m.raw, x->at);
            arena_free(&scratch);
        }
    }
}

/* EV6, EV7, EV10. */
static void accuse_view_changes(struct audit *a) {
    const struct view_list *l = &a->c.view_changes;
    for (size_t i = 0; i < l->count; i++) {
        const struct found_view *x = &l->list[i];
        accuse_omissions(a, x);
        if (!x->valid) {
            accuse(a, EV_BAD_VC, x->m.sender, x->m.raw, x->at, (struct bytes){0}, 0);
        }
        for (size_t k = 0; k < i; k++) {
            const struct found_view *y = &l->list[k];
            if (y->m.sender == x->m.sender && y->m.view_change.v == x->m.view_change.v) {
                accuse(a, EV_EQUIV_VC, x->m.sender, y->m.raw, y->at, x->m.raw, x->at);
            }
        }
    }
}

/* EV8: who voted in the name of a NEW-VIEW, and against what it may say. */
static void accuse_endorsers(struct audit *a, const struct found_view *x) {
    const struct msg_new_view *nv = &x->m.new_view;
    for (size_t i = 0; i < a->c.atoms.count; i++) {
        const struct atom *vote = &a->c.atoms.list[i];
        if (vote->type == FRAME_CHECKPOINT || vote->v != nv->v || a->convicted[vote->member][EV_BAD_NV]) {
            continue;
        }
        struct vote v = atom_vote(vote);
        if (digest_equal(&v.nv_digest, &nv->digest) && (!x->core_valid || evidence_vote_against(nv, &v))) {
            struct arena scratch = {0};
            struct bytes frame = atom_frame(vote, a->c.judge->verifier, &scratch);
            accuse(a, EV_BAD_NV, vote->member, x->m.raw, x->at, frame, vote->at);
            arena_free(&scratch);
        }
    }
}

/* EV8, EV9. */
static void accuse_new_views(struct audit *a) {
    const struct view_list *l = &a->c.new_views;
    for (size_t i = 0; i < l->count; i++) {
        const struct found_view *x = &l->list[i];
        if (!x->valid) {
            accuse(a, EV_BAD_NV, x->m.sender, x->m.raw, x->at, (struct bytes){0}, 0);
        }
        accuse_endorsers(a, x);
        for (size_t k = 0; k < i; k++) {
            const struct found_view *y = &l->list[k];
            if (y->m.sender == x->m.sender && y->m.new_view.v == x->m.new_view.v) {
                accuse(a, EV_EQUIV_NV, x->m.sender, y->m.raw, y->at, x->m.raw, x->at);
            }
        }
    }
}

static int finding_order(const void *x, const void *y) {
    const struct audit_finding *a = x, *b = y;
    return a->member != b->member ? (int)a->member - (int)b->member : (int)a->kind - (int)b->kind;
}

static int disagreement_order(const void *x, const void *y) {
    const struct audit_disagreement *a = x, *b = y;
    if (a->n != b->n) {
        return a->n < b->n ? -1 : 1;
    }
    if (a->breach != b->breach) {
        return (int)a->breach - (int)b->breach;
    }
    return (a->v[1] > b->v[1]) - (a->v[1] < b->v[1]);
}

void audit_frames(const struct evidence_judge *j, const struct audit_frame *frames, size_t count,
                  struct audit_report *out) {
    struct audit a = {.c = {.judge = j}, .out = out};
    *out = (struct audit_report){.frames = count};
    collect(&a.c, frames, count);
    out->used = a.c.used;
    find_disagreements(&a);
    accuse_two_faced(&a);
    accuse_view_changes(&a);
    accuse_new_views(&a);
    qsort(out->findings, out->finding_count, sizeof *out->findings, finding_order);
    size_t listed = out->disagreements < AUDIT_DISAGREEMENTS_MAX ? out->disagreements : AUDIT_DISAGREEMENTS_MAX;
    qsort(out->list, listed, sizeof *out->list, disagreement_order);
    free(a.decided);
    collection_free(&a.c);
}

void audit_report_free(struct audit_report *r) {
    arena_free(&r->arena);
}
