/* What a drill made this key sign (R13). The filter between a node and its world lies with the replica's own key, and
   others keep what it said. Each such statement is made known here, and durable, before it leaves: RECALL and TWIN then
   take it for what it is, while a statement that neither a guard nor a drill accounts for still means a lost disk or a
   second process. */
#include "replica/pbft/core.h"

#include <stdlib.h>
#include <string.h>

/* --- the table --- */

static void put_number(uint8_t *out, uint64_t v) {
    for (int i = 0; i < 8; i++) {
        out[i] = (uint8_t)(v >> (8 * (7 - i)));
    }
}

static uint64_t number_at(const uint8_t *at) {
    struct reader r = reader_of(bytes_of(at, 8));
    return read_u64(&r);
}

static struct lie lie_of(uint64_t n, enum frame_type type, view_no v, struct bytes body) {
    struct lie x = {.core = {{0}}};
    struct digest digest = guard_digest(body);
    put_number(x.key, n);
    x.key[8] = (uint8_t)type;
    put_number(x.key + 9, v);
    memcpy(x.key + 17, digest.b, DIGEST_LEN);
    return x;
}

static uint64_t n_of(const struct lie *x) {
    return number_at(x->key);
}

static view_no v_of(const struct lie *x) {
    return number_at(x->key + 9);
}

/* The first place whose key is not below this one. */
static size_t place_of(const struct faulted *f, const struct lie *x) {
    size_t low = 0, high = f->count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (memcmp(f->list[mid].key, x->key, FAULTED_KEY_LEN) < 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

static bool is_known(const struct faulted *f, const struct lie *x) {
    size_t at = place_of(f, x);
    return at < f->count && memcmp(f->list[at].key, x->key, FAULTED_KEY_LEN) == 0;
}

static void add(struct faulted *f, const struct lie *x) {
    size_t at = place_of(f, x);
    ENSURE(f->count < FAULTED_MAX);
    if (f->count == f->cap) {
        f->cap = f->cap ? 2 * f->cap : 64;
        f->list = xrealloc(f->list, f->cap * sizeof *f->list);
    }
    memmove(&f->list[at + 1], &f->list[at], (f->count - at) * sizeof *f->list);
    f->list[at] = *x;
    f->count++;
}

/* --- what is asked of it --- */

/* A NEW-VIEW signs a PRE-PREPARE for each of its entries, and all of them name it. */
static bool of_faulted_new_view(const struct faulted *f, const struct vote *v) {
    struct lie first = lie_of(UINT64_MAX, FRAME_NEW_VIEW, v->v, (struct bytes){0});
    memset(first.key + 17, 0, DIGEST_LEN);
    for (size_t i = place_of(f, &first); i < f->count; i++) {
        const struct lie *x = &f->list[i];
        if (n_of(x) != UINT64_MAX || x->key[8] != FRAME_NEW_VIEW || v_of(x) != v->v) {
            return false;
        }
        if (digest_equal(&x->core, &v->nv_digest)) {
            return true;
        }
    }
    return false;
}

bool faulted_statement(const struct pbft *p, const struct recalled *s, struct bytes body) {
    const struct faulted *f = &p->recall.faulted;
    if (f->count == 0) {
        return false;
    }
    struct lie x = lie_of(recalled_n(s), s->type, s->type == FRAME_CHECKPOINT ? 0 : s->vote.v, body);
    return is_known(f, &x) || (s->type == FRAME_PRE_PREPARE && of_faulted_new_view(f, &s->vote));
}

bool faulted_view_frame(const struct pbft *p, enum frame_type type, view_no v, struct bytes body) {
    const struct faulted *f = &p->recall.faulted;
    struct lie x = lie_of(UINT64_MAX, type, v, body);
    return is_known(f, &x);
}

/* --- what a drill says --- */

/* Guards that are not durable yet account for nothing. */
static bool statement_told(const struct pbft *p, const struct msg *m, bool durable, struct lie *out) {
    uint8_t bytes[CHECKPOINT_BODY_LEN];
    struct recalled s = {.type = m->type};
    if (m->type == FRAME_CHECKPOINT) {
        s.checkpoint = m->checkpoint;
    } else {
        s.vote = m->type == FRAME_PRE_PREPARE ? m->pre_prepare.statement : m->vote;
    }
    struct bytes body = bytes_of(bytes, recalled_body(bytes, &s));
    *out = lie_of(recalled_n(&s), s.type, s.type == FRAME_CHECKPOINT ? 0 : s.vote.v, body);
    return !faulted_statement(p, &s, body) && !(durable && statement_known(p, &s, body));
}

static bool view_frame_told(const struct pbft *p, const struct msg *m, struct bytes body, bool durable,
                            struct lie *out) {
    bool new_view = m->type == FRAME_NEW_VIEW;
    view_no v = new_view ? m->new_view.v : m->view_change.v;
    *out = lie_of(UINT64_MAX, m->type, v, body);
    if (new_view) {
        out->core = m->new_view.digest;
    }
    return !is_known(&p->recall.faulted, out) &&
           !(durable && guard_covers(new_view ? &p->guard_nv : &p->guard_vc, v, body));
}

/* Members that heard of a boot that never was, or of a STATUS to come, would take every true one after it for old. */
static enum error judge_boot(const struct pbft *p, const struct msg_status *s) {
    bool this_boot = s->boot == p->facts.boot && s->boot_random == p->facts.boot_random;
    bool to_come = this_boot ? s->counter > p->status_counter : s->boot >= p->facts.boot;
    return to_come ? ERR_FORBIDDEN : ERR_OK;
}

/* Where no honest member is, and h or the views do not come for long. */
static bool is_far(const struct pbft *p, seq_no n, view_no v) {
    return n > pbft_window_end(p) + p->config.window || v > p->view + PBFT_FAULTED_VIEWS;
}

static bool reaches_too_far(const struct pbft *p, const struct msg *m) {
    const struct msg_new_view *nv = &m->new_view;
    switch (m->type) {
    case FRAME_PRE_PREPARE:
        return is_far(p, m->pre_prepare.statement.n, m->pre_prepare.statement.v);
    case FRAME_PREPARE:
    case FRAME_COMMIT:
        return is_far(p, m->vote.n, m->vote.v);
    case FRAME_CHECKPOINT:
        return is_far(p, m->checkpoint.n, 0);
    case FRAME_RECEIPT:
        return is_far(p, m->receipt.body.n, 0);
    case FRAME_VIEW_CHANGE:
        return is_far(p, 0, m->view_change.v);
    case FRAME_NEW_VIEW:
        return is_far(p, nv->slot_count ? nv->slots[nv->slot_count - 1].n : 0, nv->v);
    default:
        return false;
    }
}

static enum error judge(const struct pbft *p, const struct frame *f, const struct msg *m, bool durable, bool *is_new,
                        struct lie *out) {
    if (reaches_too_far(p, m)) {
        return ERR_OUT_OF_RANGE;
    }
    switch (m->type) {
    case FRAME_PRE_PREPARE:
    case FRAME_PREPARE:
    case FRAME_COMMIT:
    case FRAME_CHECKPOINT:
        *is_new = statement_told(p, m, durable, out);
        return ERR_OK;
    case FRAME_VIEW_CHANGE:
    case FRAME_NEW_VIEW:
        *is_new = view_frame_told(p, m, f->signed_body, durable, out);
        return ERR_OK;
    case FRAME_STATUS:
        return judge_boot(p, &m->status);
    default:
        return ERR_OK;
    }
}

static enum error remember(struct pbft *p, const struct lie *x, struct pbft_action *record) {
    static const uint8_t mark[1] = {1};
    struct faulted *f = &p->recall.faulted;
    if (f->count == FAULTED_MAX) {
        return ERR_TOO_MANY;
    }
    add(f, x);
    f->told = *x;
    record->key = bytes_of(f->told.key, FAULTED_KEY_LEN);
    record->value = x->key[8] == FRAME_NEW_VIEW ? bytes_of(f->told.core.b, DIGEST_LEN) : bytes_of(mark, sizeof mark);
    return ERR_OK;
}

enum error pbft_faulted(struct pbft *p, struct bytes raw, bool durable, struct pbft_action *record) {
    struct arena arena = {0};
    struct frame f;
    struct msg m;
    struct lie x;
    bool is_new = false;
    enum error e = ERR_OK;
    *record = (struct pbft_action){.kind = PBFT_PERSIST, .record = RECORD_FAULTED};
    bool own = frame_open(&f, raw) == ERR_OK && f.sender == p->config.self && f.epoch == p->config.verifier.epoch;
    if (own && codec_decode_signed(&m, &f, &arena) == ERR_OK) { /* what nobody can read binds nobody */
        e = judge(p, &f, &m, durable, &is_new, &x);
    }
    if (e == ERR_OK && is_new) {
        e = remember(p, &x, record);
    }
    arena_free(&arena);
    return e;
}

void pbft_faulted_reach(const struct pbft *p, seq_no *n, view_no *v) {
    const struct faulted *f = &p->recall.faulted;
    *n = *v = 0;
    for (size_t i = 0; i < f->count; i++) {
        const struct lie *x = &f->list[i];
        if (n_of(x) < UINT64_MAX) {
            *n = n_of(x); /* sorted */
        } else if (v_of(x) > *v) {
            *v = v_of(x);
        }
    }
}

/* --- over restarts, and as the log moves on --- */

enum error restore_faulted(struct pbft *p, struct bytes key, struct bytes value) {
    struct lie x = {.core = {{0}}};
    if (key.len != FAULTED_KEY_LEN || p->recall.faulted.count == FAULTED_MAX) {
        return ERR_CORRUPT;
    }
    memcpy(x.key, key.data, FAULTED_KEY_LEN);
    if (value.len != (x.key[8] == FRAME_NEW_VIEW ? DIGEST_LEN : 1u)) {
        return ERR_CORRUPT;
    }
    if (x.key[8] == FRAME_NEW_VIEW) {
        memcpy(x.core.b, value.data, DIGEST_LEN);
    }
    add(&p->recall.faulted, &x);
    return ERR_OK;
}

/* A guard of a higher view accounts for all views below it. */
static bool view_is_past(const struct pbft *p, const struct lie *x) {
    const struct guard *g = x->key[8] == FRAME_NEW_VIEW ? &p->guard_nv : &p->guard_vc;
    return n_of(x) == UINT64_MAX && g->held && g->v > v_of(x);
}

void faulted_forget(struct pbft *p) {
    struct faulted *f = &p->recall.faulted;
    size_t kept = 0;
    bool below = f->count > 0 && n_of(&f->list[0]) <= pbft_h(p);
    for (size_t i = 0; i < f->count; i++) {
        const struct lie *x = &f->list[i];
        if (view_is_past(p, x)) {
            struct record_key key = {.len = FAULTED_KEY_LEN};
            memcpy(key.b, x->key, FAULTED_KEY_LEN);
            out_record(p, PBFT_STORE, RECORD_FAULTED, key, (struct bytes){0});
        } else if (n_of(x) > pbft_h(p)) {
            f->list[kept++] = *x;
        }
    }
    f->count = kept;
    if (below) {
        out_forget(p, RECORD_FAULTED, pbft_h(p));
    }
}
