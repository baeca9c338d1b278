/* The pieces of a state on their way: which mids and pages are missing, whom they are asked of, and what is laid down
   once it proves itself under the target of the transfer. */
#include "replica/node_internal.h"

#include <string.h>

static bool asked_of(const struct piece *p, member_id who) {
    return p->at == PIECE_ASKED && p->of == who;
}

static void want_again(const struct node *n, struct piece *p, member_id from, bool failed) {
    if (!asked_of(p, from))
        return;
    p->at = PIECE_WANTED;
    p->since = n->now.mono;
    if (failed)
        p->tried |= set_of(from);
}

void pieces_wanted_again(struct node *n, member_id from, bool failed) {
    for (unsigned i = 0; i < TRANSFER_MIDS; i++) {
        struct transfer_mid *w = &n->transfer.work[i];
        if (w->used)
            want_again(n, &w->node, from, failed);
        for (unsigned k = 0; w->used && k < STATE_FANOUT; k++)
            want_again(n, &w->pages[k], from, failed);
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
    n->transfer.pace += same;
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

/* Takes the piece for this donor if nobody is asked for it, or, as a hedge, somebody slow. Who was asked in vain is
   asked again only when no other took it for a while. */
static bool take_piece(const struct node *n, struct piece *p, member_id to, bool hedge) {
    bool waited = n->now.mono - p->since >= TRANSFER_HEDGE_MS;
    bool free = p->at == PIECE_WANTED && (waited || !set_has(p->tried, to));
    bool slow = p->at == PIECE_ASKED && p->of != to && waited;
    if (!free && !(hedge && slow))
        return false;
    if (slow)
        p->tried |= set_of(p->of);
    p->at = PIECE_ASKED;
    p->of = to;
    p->since = n->now.mono;
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

enum pieces_taken pieces_take_nodes(struct node *n, member_id from, const struct msg_st_data *m) {
    struct transfer *t = &n->transfer;
    enum pieces_taken taken = PIECES_USELESS;
    for (unsigned i = 0; i < m->count; i++) {
        struct transfer_mid *w = work_of(t, m->nodes[i].mid);
        if (!w || w->has_leaves)
            continue;
        struct digest mid = state_mid_of_leaves(m->nodes[i].leaves);
        if (!digest_equal(&mid, &t->mids[w->index])) {
            transfer_ban(n, from, "mid", w->index);
            return PIECES_WRONG;
        }
        memcpy(w->leaves, m->nodes[i].leaves, sizeof w->leaves);
        open_leaves(n, w);
        t->pace++;
        taken = PIECES_PROVEN;
    }
    return taken;
}

static struct transfer_mid *work_that_lacks(struct transfer *t, uint16_t bucket) {
    struct transfer_mid *w = work_of(t, bucket / STATE_FANOUT);
    return w && w->has_leaves && w->pages[bucket % STATE_FANOUT].at != PIECE_DONE ? w : NULL;
}

bool pieces_overtaken(struct node *n, member_id from) {
    struct transfer *t = &n->transfer;
    const struct transfer_donor *d = &t->donors[from];
    if (d->part_total > 0)
        return !work_that_lacks(t, d->part_bucket);
    if (d->asked_kind == ST_PAGES)
        return !work_that_lacks(t, d->asked_first);
    const struct transfer_mid *w = work_of(t, d->asked_first);
    return !w || w->has_leaves;
}

static enum pieces_taken take_page(struct node *n, member_id from, uint16_t bucket, struct bytes page) {
    struct transfer *t = &n->transfer;
    struct transfer_mid *w = work_that_lacks(t, bucket);
    unsigned k = bucket % STATE_FANOUT;
    struct digest leaf;
    if (!w)
        return PIECES_USELESS;
    if (state_page_leaf(page, &leaf) != ERR_OK || !digest_equal(&leaf, &w->leaves[k])) {
        transfer_ban(n, from, "page", bucket);
        return PIECES_WRONG;
    }
    state_page_write(&n->batch, t->generation, page);
    t->fetched++;
    t->pace += 1 + (unsigned)(page.len / TRANSFER_PACE_BYTES);
    w->pages[k].at = PIECE_DONE;
    if (--w->left == 0)
        mid_done(t, w);
    return PIECES_PROVEN;
}

/* The part that was asked for, and as long as parts are: who gives less would never come to an end. */
static bool goes_on(const struct transfer *t, const struct transfer_donor *d, const struct st_page *p) {
    bool first = d->part_total == 0 && p->offset == 0;
    bool next = d->part_total == p->total && d->part_bucket == p->bucket && p->offset == d->part.len;
    uint32_t rest = p->total - p->offset;
    return (first || next) && p->part.len == (rest < t->part_len ? rest : t->part_len);
}

/* Parts of one page come from one donor, in order, so that whoever spoils it is known. */
static enum pieces_taken take_part(struct node *n, member_id from, const struct st_page *p) {
    struct transfer_donor *d = &n->transfer.donors[from];
    if (!work_that_lacks(&n->transfer, p->bucket) || !goes_on(&n->transfer, d, p))
        return PIECES_USELESS;
    d->part_bucket = p->bucket;
    d->part_total = p->total;
    buffer_put(&d->part, p->part.data, p->part.len);
    if (d->part.len < d->part_total) {
        ask_rest_of_page(n, from);
        return PIECES_PART;
    }
    enum pieces_taken taken = take_page(n, from, p->bucket, buffer_bytes(&d->part));
    d->part_total = 0;
    buffer_clear(&d->part);
    return taken;
}

/* A part stands alone in its answer, and answers the last question. */
enum pieces_taken pieces_take_pages(struct node *n, member_id from, const struct msg_st_data *m) {
    const struct st_page *p = m->pages;
    enum pieces_taken taken = PIECES_USELESS;
    if (m->count == 1 && p->part.len < p->total)
        return m->nonce == n->transfer.donors[from].last_nonce ? take_part(n, from, p) : PIECES_USELESS;
    for (unsigned i = 0; i < m->count && p[i].part.len == p[i].total; i++) {
        enum pieces_taken one = take_page(n, from, p[i].bucket, p[i].part);
        if (one == PIECES_WRONG)
            return one;
        taken = one == PIECES_PROVEN ? one : taken;
    }
    return taken;
}
