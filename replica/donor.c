/* Images of the state for members that lack it, and what is read from them. */
#include "replica/donor.h"

#include "replica/node_internal.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* ---- images ---- */

static void image_drop(struct node *n, struct donor_image *image) {
    if (image->cert.statement.n == 0)
        return;
    node_trace(n, "image n=%llu let go", (unsigned long long)image->cert.statement.n);
    n->disk.release(n->disk.self, image->snapshot);
    free(image->leaves);
    *image = (struct donor_image){0};
}

static struct donor_image *image_at(struct node *n, seq_no seq) {
    for (unsigned i = 0; i < DONOR_IMAGES; i++)
        if (n->donor.images[i].cert.statement.n == seq)
            return &n->donor.images[i];
    return NULL;
}

static struct donor_image *image_newest(struct node *n) {
    struct donor_image *newest = &n->donor.images[0];
    for (unsigned i = 1; i < DONOR_IMAGES; i++)
        if (n->donor.images[i].cert.statement.n > newest->cert.statement.n)
            newest = &n->donor.images[i];
    return newest;
}

/* Who asked for it last of all images, and not too long ago. */
static member_set image_users(const struct node *n, const struct donor_image *image) {
    member_set users = 0;
    for (member_id i = 0; i < MEMBERS_MAX; i++) {
        const struct donor_ask *ask = &n->donor.asks[i];
        if (ask->uses == image->cert.statement.n && n->now.mono - ask->used_at < DONOR_IDLE_MS)
            users |= set_of(i);
    }
    return users;
}

static void image_use(struct node *n, member_id who, const struct donor_image *image) {
    n->donor.asks[who].uses = image->cert.statement.n;
    n->donor.asks[who].used_at = n->now.mono;
}

static unsigned users_besides_wishers(const struct node *n, const struct donor_image *image) {
    return set_count(image_users(n, image) & (member_set)~n->donor.wanted_by);
}

/* A place that is used by the wishers at most gives way at once, so nobody's wish costs another what one member alone
   may hold; one with a single other user after a while, any after a long one. */
static bool gives_way(const struct node *n, const struct donor_image *image) {
    unsigned others = users_besides_wishers(n, image);
    mono_ms age = n->now.mono - image->made_at;
    return others == 0 || age >= DONOR_IMAGE_MAX_MS || (others == 1 && age >= DONOR_ALONE_MS);
}

/* A free place, or of those that give way the least used, the oldest. */
static struct donor_image *image_place(struct node *n) {
    struct donor_image *best = NULL;
    for (unsigned i = 0; i < DONOR_IMAGES; i++) {
        struct donor_image *image = &n->donor.images[i];
        if (image->cert.statement.n == 0)
            return image;
        if (!gives_way(n, image))
            continue;
        unsigned users = users_besides_wishers(n, image), least = best ? users_besides_wishers(n, best) : UINT_MAX;
        if (!best || users < least || (users == least && image->made_at < best->made_at))
            best = image;
    }
    return best;
}

/* The state on disk and in the tree is that of the newest own checkpoint, once its turn is durable; it is worth giving
   when a quorum stands behind exactly that. */
static bool can_freeze(const struct node *n, const struct checkpoint_cert *stable) {
    return !n->state.damaged && !n->state_pending && stable->statement.n > 0 && stable->statement.n == n->state.n &&
           digest_equal(&stable->statement.root, &n->state.root);
}

static void freeze(struct node *n, struct donor_image *image, const struct checkpoint_cert *stable) {
    image_drop(n, image);
    image->cert = *stable;
    image->generation = n->state.generation;
    image->snapshot = n->disk.snapshot(n->disk.self);
    image->leaves = xcalloc(STATE_BUCKETS, sizeof *image->leaves);
    state_tree_mids(n->tree, image->mids);
    for (unsigned m = 0; m < STATE_FANOUT; m++)
        if (!digest_is_zero(&image->mids[m]))
            state_tree_leaves(n->tree, (uint8_t)m, image->leaves + (size_t)m * STATE_FANOUT);
    image->made_at = n->now.mono;
    for (member_id i = 0; i < MEMBERS_MAX; i++)
        if (set_has(n->donor.wanted_by, i))
            image_use(n, i, image);
    node_trace(n, "image n=%llu frozen", (unsigned long long)stable->statement.n);
}

static void freeze_if_wanted(struct node *n) {
    const struct checkpoint_cert *stable = pbft_stable_cert(n->pbft);
    if (n->now.mono >= n->donor.wanted_until || !can_freeze(n, stable) || image_at(n, stable->statement.n))
        return;
    struct donor_image *place = image_place(n);
    if (place) {
        freeze(n, place, stable);
        n->donor.wanted_until = 0;
        n->donor.wanted_by = 0;
    }
}

void donor_flushed(struct node *n) {
    freeze_if_wanted(n);
}

/* ---- answers ---- */

static void answer(struct node *n, member_id to, const struct msg_st_data *data) {
    struct msg m = {.type = FRAME_ST_DATA, .st_data = *data};
    struct buffer body = {0}, frame = {0};
    m.st_data.to = to;
    m.st_data.nonce = n->donor.asks[to].fetch.nonce;
    codec_encode(&body, &m);
    node_seal(n, &frame, FRAME_ST_DATA, buffer_bytes(&body));
    n->donor.spent += DONOR_WORK + frame.len;
    node_send(n, set_of(to), buffer_bytes(&frame));
    buffer_free(&body);
    buffer_free(&frame);
}

static void refuse(struct node *n, member_id to) {
    answer(n, to, &(struct msg_st_data){.kind = ST_REFUSED, .n = image_newest(n)->cert.statement.n});
}

static void offer(struct node *n, member_id to, const struct donor_image *image) {
    image_use(n, to, image);
    answer(
        n, to,
        &(struct msg_st_data){.kind = ST_META, .n = image->cert.statement.n, .mids = image->mids, .cert = image->cert});
}

static void give_nodes(struct node *n, member_id to, const struct donor_image *image, const struct msg_st_fetch *f) {
    struct st_node nodes[ST_NODES_MAX];
    for (unsigned i = 0; i < f->count; i++)
        nodes[i] = (struct st_node){f->indices[i], image->leaves + (size_t)f->indices[i] * STATE_FANOUT};
    answer(n, to, &(struct msg_st_data){.kind = ST_NODE, .n = f->n, .count = f->count, .nodes = nodes});
}

struct pages_out {
    struct buffer bytes;
    unsigned count;
    struct st_page pages[ST_PAGES_MAX];
    size_t at[ST_PAGES_MAX]; /* of the parts in bytes */
};

/* False when the frame is full, or the page is not there to be read. */
static bool pages_add(struct node *n, struct pages_out *out, const struct donor_image *image, uint16_t bucket,
                      uint32_t offset) {
    size_t at = out->bytes.len;
    n->donor.spent += DONOR_WORK;
    if (state_page(&n->disk, image->snapshot, image->generation, bucket, &out->bytes, NULL) != ERR_OK ||
        out->bytes.len - at > ST_PAGE_MAX || out->bytes.len - at <= offset) {
        out->bytes.len = at;
        return false;
    }
    size_t total = out->bytes.len - at, len = total - offset;
    len = len < ST_PART_MAX ? len : ST_PART_MAX;
    n->donor.spent += total - len; /* read for nothing */
    if (at > 0 && at + len > ST_PART_MAX) {
        out->bytes.len = at;
        return false;
    }
    out->at[out->count] = at + offset;
    out->pages[out->count++] = (struct st_page){bucket, (uint32_t)total, offset, {NULL, len}};
    return at + total < ST_PART_MAX;
}

static void give_pages(struct node *n, member_id to, const struct donor_image *image, const struct msg_st_fetch *f) {
    struct pages_out *out = xcalloc(1, sizeof *out);
    for (unsigned i = 0; i < f->count && pages_add(n, out, image, f->indices[i], f->offset); i++)
        ;
    for (unsigned i = 0; i < out->count; i++)
        out->pages[i].part.data = out->bytes.data + out->at[i];
    if (out->count)
        answer(n, to, &(struct msg_st_data){.kind = ST_PAGES, .n = f->n, .count = out->count, .pages = out->pages});
    else
        refuse(n, to);
    buffer_free(&out->bytes);
    free(out);
}

/* The newest image that will do, else a wish for one; whoever asks again finds it. */
static void take_meta(struct node *n, member_id from, const struct msg_st_fetch *f) {
    if (image_newest(n)->cert.statement.n < f->n) {
        if (n->now.mono >= n->donor.wanted_until)
            n->donor.wanted_by = 0;
        n->donor.wanted_until = n->now.mono + DONOR_IDLE_MS;
        n->donor.wanted_by |= set_of(from);
        freeze_if_wanted(n);
    }
    struct donor_image *image = image_newest(n);
    if (image->cert.statement.n >= f->n)
        offer(n, from, image);
    else
        refuse(n, from);
}

static void serve(struct node *n, member_id from, const struct msg_st_fetch *f) {
    struct donor_image *image = f->kind == ST_META ? NULL : image_at(n, f->n);
    if (f->kind == ST_META) {
        take_meta(n, from, f);
    } else if (!image) {
        refuse(n, from);
    } else {
        image_use(n, from, image);
        if (f->kind == ST_NODE)
            give_nodes(n, from, image, f);
        else
            give_pages(n, from, image, f);
    }
}

/* ---- the budget ---- */

static bool budget_left(struct node *n) {
    struct donor *d = &n->donor;
    if (n->now.mono - d->interval_since >= n->cluster->knobs.status_ms) {
        d->interval_since = n->now.mono;
        d->spent = 0;
    }
    return d->spent < DONOR_BUDGET;
}

/* Whoever waits, in turn, as far as the interval's bytes go. */
static void serve_waiting(struct node *n) {
    struct donor *d = &n->donor;
    for (unsigned i = 0; i < MEMBERS_MAX && budget_left(n); i++) {
        member_id who = d->turn;
        d->turn = (member_id)((d->turn + 1) % MEMBERS_MAX);
        if (d->asks[who].held) {
            d->asks[who].held = false;
            serve(n, who, &d->asks[who].fetch);
        }
    }
}

/* A question that somebody plays again could displace the newest one, or wish for what its asker doesn't. Who starts
   from an empty disk counts from below: it is heard after a pause. */
static bool is_new(const struct node *n, const struct donor_ask *ask, const struct msg_st_fetch *f) {
    return f->nonce > ask->nonce || ask->asked_at == 0 || n->now.mono - ask->asked_at >= DONOR_IDLE_MS;
}

void donor_fetch(struct node *n, member_id from, const struct msg_st_fetch *f) {
    struct donor_ask *ask = &n->donor.asks[from];
    if (!is_new(n, ask, f))
        return;
    ask->held = true;
    ask->nonce = f->nonce;
    ask->asked_at = n->now.mono;
    ask->fetch = *f;
    if (f->count)
        memcpy(ask->indices, f->indices, f->count * sizeof *f->indices);
    ask->fetch.indices = ask->indices;
    serve_waiting(n);
}

static bool somebody_waits(const struct donor *d) {
    bool waits = false;
    for (member_id i = 0; i < MEMBERS_MAX; i++)
        waits |= d->asks[i].held;
    return waits;
}

static mono_ms image_idle_at(const struct node *n, const struct donor_image *image) {
    mono_ms last = image->made_at;
    if (image->cert.statement.n == 0)
        return INT64_MAX;
    for (member_id i = 0; i < MEMBERS_MAX; i++) {
        const struct donor_ask *ask = &n->donor.asks[i];
        if (ask->uses == image->cert.statement.n && ask->used_at > last)
            last = ask->used_at;
    }
    return last + DONOR_IDLE_MS;
}

void donor_timeout(struct node *n) {
    struct donor *d = &n->donor;
    serve_waiting(n);
    for (unsigned i = 0; i < DONOR_IMAGES; i++)
        if (n->now.mono >= image_idle_at(n, &d->images[i]))
            image_drop(n, &d->images[i]);
}

mono_ms donor_deadline(const struct node *n) {
    const struct donor *d = &n->donor;
    mono_ms soonest = somebody_waits(d) ? d->interval_since + n->cluster->knobs.status_ms : INT64_MAX;
    for (unsigned i = 0; i < DONOR_IMAGES; i++) {
        mono_ms idle = image_idle_at(n, &d->images[i]);
        soonest = idle < soonest ? idle : soonest;
    }
    return soonest;
}

void donor_close(struct node *n) {
    for (unsigned i = 0; i < DONOR_IMAGES; i++)
        image_drop(n, &n->donor.images[i]);
}
