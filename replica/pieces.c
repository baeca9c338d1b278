/* The pieces of a state on their way: which mids and pages are missing, whom they are asked of, and what is laid down
   once it proves itself under the target of the transfer. */
#include "replica/node_internal.h"

#include <string.h>

/* What was asked of this donor and did not come is wanted again. */
void pieces_wanted_again(struct node *n, member_id from) {
    for (unsigned i = 0; i < TRANSFER_MIDS; i++) {
        struct transfer_mid *w = &n->transfer.work[i];
        if (w->used && w->node.at == PIECE_ASKED && w->node.of == from)
            w->node.at = PIECE_WANTED;
        for (unsigned k = 0; w->used && k < STATE_FANOUT; k++)
            if (w->pages[k].at == PIECE_ASKED && w->pages[k].of == from)
                w->pages[k].at = PIECE_WANTED;
    }
}

/* ---- what the own disk holds ---- */

/* Lays the bucket down from the own state when that is what the target says. */
static bool keep_own(struct node *n, uint16_t bucket, const struct digest *leaf) {
    struct buffer page = {0};
    struct digest own;
    bool same =
        state_page(&n->disk, NULL, n->state.generation, bucket, &page, &own) == ERR_OK && digest_equal(&own, leaf);
    if (same)
        state_page_write(&n->batch, n->transfer.generation, buffer_bytes(&page));
    n->transfer.kept += same;
    buffer_free(&page);
    return same;
}

/* The own leaves of a mid as they are really on disk; what can't be read counts as nothing. */
static void own_leaves(struct node *n, uint8_t mid, struct digest out[STATE_FANOUT]) {
    struct buffer page = {0};
    for (unsigned i = 0; i < STATE_FANOUT; i++) {
        buffer_clear(&page);
        if (state_page(&n->disk, NULL, n->state.generation, (uint16_t)(mid * STATE_FANOUT + i), &page, &out[i]) !=
            ERR_OK)
            out[i] = (struct digest){0};
    }
    buffer_free(&page);
}

static void mid_done(struct transfer *t, struct transfer_mid *w) {
    w->used = false;
    t->mids_done++;
}

/* The leaves are known and proven: keeps what the own disk has, wants the rest. */
static void open_leaves(struct node *n, struct transfer_mid *w) {
    w->has_leaves = true;
    w->node.at = PIECE_DONE;
    w->left = 0;
    for (unsigned i = 0; i < STATE_FANOUT; i++) {
        bool wanted =
            !digest_is_zero(&w->leaves[i]) && !keep_own(n, (uint16_t)(w->index * STATE_FANOUT + i), &w->leaves[i]);
        w->pages[i].at = wanted ? PIECE_WANTED : PIECE_DONE;
        w->left += wanted;
    }
    if (w->left == 0)
        mid_done(&n->transfer, w);
}

/* A mid that holds nothing needs nothing; one that is equal here is known by its own leaves. */
static void open_mid(struct node *n, struct transfer_mid *w, uint8_t index) {
    const struct digest *target = &n->transfer.mids[index];
    memset(w, 0, sizeof *w);
    w->index = index;
    if (digest_is_zero(target)) {
        mid_done(&n->transfer, w);
        return;
    }
    w->used = true;
    w->node.at = PIECE_WANTED;
    own_leaves(n, index, w->leaves);
    struct digest own = state_mid_of_leaves(w->leaves);
    if (digest_equal(&own, target))
        open_leaves(n, w);
}

static struct transfer_mid *free_work(struct transfer *t) {
    for (unsigned i = 0; i < TRANSFER_MIDS; i++)
        if (!t->work[i].used)
            return &t->work[i];
    return NULL;
}

/* Takes further mids into work; false when this turn has laid down enough and there is more to do at once. */
bool pieces_open(struct node *n) {
    struct transfer *t = &n->transfer;
    size_t before = n->batch.bytes.len;
    unsigned opened = 0;
    struct transfer_mid *w;
    while (t->next_mid < STATE_FANOUT && (w = free_work(t))) {
        if (n->batch.bytes.len - before > TRANSFER_TURN_BYTES || opened == TRANSFER_MIDS)
            return false;
        opened += !digest_is_zero(&t->mids[t->next_mid]);
        open_mid(n, w, (uint8_t)t->next_mid++);
    }
    return true;
}

/* ---- asking ---- */

/* Takes the piece for this donor if nobody is asked for it, or, as a hedge, somebody slow. */
static bool take_piece(const struct node *n, struct piece *p, member_id to, bool hedge) {
    bool slow = p->at == PIECE_ASKED && p->of != to && n->now.mono - p->since >= TRANSFER_HEDGE_MS;
    if (p->at != PIECE_WANTED && !(hedge && slow))
        return false;
    *p = (struct piece){PIECE_ASKED, to, n->now.mono};
    return true;
}

/* NODE requests first: they open more work. */
static bool ask_nodes(struct node *n, member_id to, bool hedge) {
    struct transfer *t = &n->transfer;
    uint16_t list[ST_NODES_MAX];
    struct msg_st_fetch f = {.kind = ST_NODE, .n = t->target.statement.n, .indices = list};
    for (unsigned mid = 0; mid < STATE_FANOUT; mid++) /* ascending */
        for (unsigned i = 0; i < TRANSFER_MIDS && f.count < ST_NODES_MAX; i++) {
            struct transfer_mid *w = &t->work[i];
            if (w->used && w->index == mid && take_piece(n, &w->node, to, hedge))
                list[f.count++] = w->index;
        }
    if (f.count)
        transfer_ask(n, to, &f);
    return f.count > 0;
}

static unsigned add_pages(struct node *n, struct transfer_mid *w, uint16_t *list, unsigned count, member_id to,
                          bool hedge) {
    for (unsigned k = 0; k < STATE_FANOUT && count < ST_PAGES_MAX; k++)
        if (take_piece(n, &w->pages[k], to, hedge))
            list[count++] = (uint16_t)(w->index * STATE_FANOUT + k);
    return count;
}

static bool ask_pages(struct node *n, member_id to, bool hedge) {
    struct transfer *t = &n->transfer;
    uint16_t list[ST_PAGES_MAX];
    struct msg_st_fetch f = {.kind = ST_PAGES, .n = t->target.statement.n, .indices = list};
    for (unsigned mid = 0; mid < STATE_FANOUT; mid++)
        for (unsigned i = 0; i < TRANSFER_MIDS; i++)
            if (t->work[i].used && t->work[i].has_leaves && t->work[i].index == mid)
                f.count = add_pages(n, &t->work[i], list, f.count, to, hedge);
    if (f.count)
        transfer_ask(n, to, &f);
    return f.count > 0;
}

bool pieces_ask(struct node *n, member_id to) {
    return ask_nodes(n, to, false) || ask_pages(n, to, false) || ask_nodes(n, to, true) || ask_pages(n, to, true);
}

static void ask_rest_of_page(struct node *n, member_id to) {
    struct transfer_donor *d = &n->transfer.donors[to];
    struct msg_st_fetch f = {.kind = ST_PAGES,
                             .n = n->transfer.target.statement.n,
                             .offset = (uint32_t)d->part.len,
                             .count = 1,
                             .indices = &d->part_bucket};
    transfer_ask(n, to, &f);
}

/* ---- what comes ---- */

static struct transfer_mid *work_of(struct transfer *t, unsigned mid) {
    for (unsigned i = 0; i < TRANSFER_MIDS; i++)
        if (t->work[i].used && t->work[i].index == mid)
            return &t->work[i];
    return NULL;
}

bool pieces_take_nodes(struct node *n, member_id from, const struct msg_st_data *m) {
    struct transfer *t = &n->transfer;
    for (unsigned i = 0; i < m->count; i++) {
        struct transfer_mid *w = work_of(t, m->nodes[i].mid);
        if (!w || w->has_leaves)
            continue;
        struct digest mid = state_mid_of_leaves(m->nodes[i].leaves);
        if (!digest_equal(&mid, &t->mids[w->index])) {
            transfer_ban(n, from, "mid", w->index);
            return false;
        }
        memcpy(w->leaves, m->nodes[i].leaves, sizeof w->leaves);
        open_leaves(n, w);
    }
    return true;
}

static bool take_page(struct node *n, member_id from, uint16_t bucket, struct bytes page) {
    struct transfer *t = &n->transfer;
    struct transfer_mid *w = work_of(t, bucket / STATE_FANOUT);
    unsigned k = bucket % STATE_FANOUT;
    struct digest leaf;
    if (!w || w->pages[k].at == PIECE_DONE)
        return true;
    if (state_page_leaf(page, &leaf) != ERR_OK || !digest_equal(&leaf, &w->leaves[k])) {
        transfer_ban(n, from, "page", bucket);
        return false;
    }
    state_page_write(&n->batch, t->generation, page);
    t->fetched++;
    w->pages[k].at = PIECE_DONE;
    if (--w->left == 0)
        mid_done(t, w);
    return true;
}

/* Parts of one page come from one donor, in order, so that whoever spoils it is known. Only the last page of an answer
   is cut. */
static bool take_part(struct node *n, member_id from, const struct st_page *p) {
    struct transfer_donor *d = &n->transfer.donors[from];
    const struct transfer_mid *w = work_of(&n->transfer, p->bucket / STATE_FANOUT);
    bool wanted = w && w->pages[p->bucket % STATE_FANOUT].at != PIECE_DONE;
    bool first = p->offset == 0, next = d->part_total == p->total && d->part_bucket == p->bucket;
    if (!wanted || (!first && (!next || p->offset != d->part.len)))
        return true; /* of a question that is no longer asked */
    if (first) {
        buffer_clear(&d->part);
        d->part_bucket = p->bucket;
        d->part_total = p->total;
    }
    buffer_put(&d->part, p->part.data, p->part.len);
    if (d->part.len < d->part_total) {
        ask_rest_of_page(n, from);
        return false;
    }
    bool good = take_page(n, from, p->bucket, buffer_bytes(&d->part));
    d->part_total = 0;
    buffer_clear(&d->part);
    return good;
}

/* False when the donor is banned, or busy with the rest of a page. */
bool pieces_take_pages(struct node *n, member_id from, const struct msg_st_data *m) {
    for (unsigned i = 0; i < m->count; i++) {
        const struct st_page *p = &m->pages[i];
        bool whole = p->offset == 0 && p->part.len == p->total;
        if (!(whole ? take_page(n, from, p->bucket, p->part) : take_part(n, from, p)))
            return false;
    }
    return true;
}
