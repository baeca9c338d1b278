/* The pool. Entries live in one array and hang in chains by digest, by (client, req_seq) and in lists: eligible, queue,
   wanted, and its client's pending ones by number. An entry is freed when it is neither pending nor named. */
#include "replica/pbft/request.h"

#include "base/bytes.h"
#include "base/invariant.h"

#include <stdlib.h>
#include <string.h>

static uint64_t mix(uint64_t x) {
    x ^= x >> 33;
    x *= 0xff51afd7ed558ccdu;
    x ^= x >> 33;
    return x;
}

static uint64_t first_bytes(const uint8_t *b) {
    uint64_t v = 0;
    for (int i = 0; i < 8; i++) {
        v = v << 8 | b[i];
    }
    return v;
}

static uint32_t *digest_chain(const struct pool *p, const struct digest *d) {
    return &p->by_digest[mix(first_bytes(d->b) ^ p->salt) & p->mask];
}

static uint32_t *seq_chain(const struct pool *p, const struct public_key *client, uint64_t req_seq) {
    return &p->by_seq[mix(mix(first_bytes(client->b) ^ p->salt) + req_seq) & p->mask];
}

static uint32_t *owner_chain(const struct pool *p, const struct public_key *client) {
    return &p->by_owner[mix(first_bytes(client->b) ^ p->salt) & p->mask];
}

void pool_init(struct pool *p, const struct pool_sizes *sizes, uint64_t salt) {
    *p = (struct pool){.per_client_max = sizes->per_client_max, .salt = salt};
    p->lane_max[PBFT_LANE_CLIENT] = sizes->pending_max;
    p->lane_max[PBFT_LANE_OPERATOR] = OPERATOR_ROOM;
    p->lane_max[PBFT_LANE_MEMBER] = sizes->members * MEMBER_ROOM;
    p->capacity = sizes->named_max + 1;
    for (unsigned lane = 0; lane < PBFT_LANES; lane++) {
        p->capacity += p->lane_max[lane];
    }
    p->entries = xcalloc(p->capacity, sizeof *p->entries);
    p->owners = xcalloc(p->capacity, sizeof *p->owners);
    p->used = p->used_owners = 1;
    uint32_t buckets = 1024;
    while (buckets < sizes->pending_max * 2) {
        buckets *= 2;
    }
    p->mask = buckets - 1;
    p->by_digest = xcalloc(buckets, sizeof *p->by_digest);
    p->by_seq = xcalloc(buckets, sizeof *p->by_seq);
    p->by_owner = xcalloc(buckets, sizeof *p->by_owner);
}

void pool_free(struct pool *p) {
    for (size_t i = 1; i < p->used; i++) {
        request_free(p->entries[i].request);
    }
    free(p->entries);
    free(p->owners);
    free(p->by_digest);
    free(p->by_seq);
    free(p->by_owner);
    *p = (struct pool){0};
}

static uint32_t index_of(const struct pool *p, const struct pooled *e) {
    return (uint32_t)(e - p->entries);
}

/* --- lists: which link of an entry a list threads is told by its kind --- */

enum list_kind { LIST_ELIGIBLE, LIST_QUEUE, LIST_WANTED, LIST_OWNER };

static struct pool_list *list_of(struct pool *p, const struct pooled *e, enum list_kind k) {
    switch (k) {
    case LIST_ELIGIBLE:
        return &p->eligible;
    case LIST_QUEUE:
        return &p->queue;
    case LIST_WANTED:
        return &p->wanted;
    default:
        return &p->owners[e->owner].pending;
    }
}

static struct pool_link *link_of(struct pooled *e, enum list_kind k) {
    switch (k) {
    case LIST_ELIGIBLE:
        return &e->in_eligible;
    case LIST_QUEUE:
        return &e->in_queue;
    case LIST_WANTED:
        return &e->in_wanted;
    default:
        return &e->in_owner;
    }
}

static bool listed(struct pool *p, struct pooled *e, enum list_kind k) {
    struct pool_link *l = link_of(e, k);
    return l->prev != POOL_NONE || list_of(p, e, k)->head == index_of(p, e);
}

static bool stands_behind(const struct pooled *a, const struct pooled *b, enum list_kind k) {
    return k == LIST_OWNER ? a->req_seq > b->req_seq : a->order > b->order;
}

/* Behind the last entry that comes before it: mostly at the end. */
static void list_insert(struct pool *p, struct pooled *e, enum list_kind k) {
    struct pool_list *list = list_of(p, e, k);
    uint32_t i = index_of(p, e), after = list->tail;
    while (after != POOL_NONE && stands_behind(&p->entries[after], e, k)) {
        after = link_of(&p->entries[after], k)->prev;
    }
    uint32_t before = after == POOL_NONE ? list->head : link_of(&p->entries[after], k)->next;
    *link_of(e, k) = (struct pool_link){after, before};
    *(after == POOL_NONE ? &list->head : &link_of(&p->entries[after], k)->next) = i;
    *(before == POOL_NONE ? &list->tail : &link_of(&p->entries[before], k)->prev) = i;
    list->count++;
}

static void list_remove(struct pool *p, struct pooled *e, enum list_kind k) {
    struct pool_list *list = list_of(p, e, k);
    struct pool_link l = *link_of(e, k);
    *(l.prev == POOL_NONE ? &list->head : &link_of(&p->entries[l.prev], k)->next) = l.next;
    *(l.next == POOL_NONE ? &list->tail : &link_of(&p->entries[l.next], k)->prev) = l.prev;
    *link_of(e, k) = (struct pool_link){0};
    list->count--;
}

static void list_put(struct pool *p, struct pooled *e, enum list_kind k, bool belongs) {
    bool is = listed(p, e, k);
    if (belongs && !is) {
        list_insert(p, e, k);
    } else if (!belongs && is) {
        list_remove(p, e, k);
    }
}

/* --- owners: how much one client holds --- */

static uint32_t owner_find(const struct pool *p, const struct public_key *client) {
    uint32_t i = *owner_chain(p, client);
    while (i != POOL_NONE && !public_key_equal(&p->owners[i].key, client)) {
        i = p->owners[i].next;
    }
    return i;
}

static uint32_t owner_take(struct pool *p, const struct public_key *client) {
    uint32_t i = owner_find(p, client);
    if (i == POOL_NONE) {
        if (p->free_owner != POOL_NONE) {
            i = p->free_owner;
            p->free_owner = p->owners[i].next;
        } else {
            ENSURE(p->used_owners < p->capacity);
            i = (uint32_t)p->used_owners++;
        }
        uint32_t *chain = owner_chain(p, client);
        p->owners[i] = (struct pool_owner){.key = *client, .next = *chain};
        *chain = i;
    }
    p->owners[i].entries++;
    return i;
}

static void owner_drop(struct pool *p, uint32_t i) {
    if (--p->owners[i].entries > 0) {
        return;
    }
    uint32_t *at = owner_chain(p, &p->owners[i].key);
    while (*at != i) {
        at = &p->owners[*at].next;
    }
    *at = p->owners[i].next;
    p->owners[i].next = p->free_owner;
    p->free_owner = i;
}

/* --- entries --- */

struct pooled *pool_find(const struct pool *p, const struct digest *digest) {
    uint32_t i = *digest_chain(p, digest);
    while (i != POOL_NONE && !digest_equal(&p->entries[i].digest, digest)) {
        i = p->entries[i].next_digest;
    }
    return pool_entry(p, i);
}

static struct pooled *seq_next(const struct pool *p, uint32_t i, const struct public_key *client, uint64_t req_seq) {
    while (i != POOL_NONE && (p->entries[i].req_seq != req_seq || !public_key_equal(&p->entries[i].client, client))) {
        i = p->entries[i].next_seq;
    }
    return pool_entry(p, i);
}

struct pooled *pool_find_seq(const struct pool *p, const struct public_key *client, uint64_t req_seq) {
    struct pooled *first = NULL; /* chains grow at their head */
    struct pooled *e = seq_next(p, *seq_chain(p, client, req_seq), client, req_seq);
    for (; e; e = seq_next(p, e->next_seq, client, req_seq)) {
        first = e->request ? e : first;
    }
    return first;
}

/* Ticks and other requests of one number do not stand in each other's way: only the others cost tokens. */
static bool same_sort(const struct request *a, const struct request *b) {
    return (a->kind == OP_TICK) == (b->kind == OP_TICK);
}

static unsigned contents_pending(const struct pool *p, const struct request *r) {
    unsigned count = 0;
    struct pooled *e = seq_next(p, *seq_chain(p, &r->client, r->req_seq), &r->client, r->req_seq);
    for (; e; e = seq_next(p, e->next_seq, &r->client, r->req_seq)) {
        count += e->pending && same_sort(e->request, r);
    }
    return count;
}

static void seq_enchain(struct pool *p, struct pooled *e) {
    uint32_t *chain = seq_chain(p, &e->client, e->req_seq);
    e->next_seq = *chain;
    *chain = index_of(p, e);
}

static void seq_unchain(struct pool *p, const struct pooled *e) {
    uint32_t *at = seq_chain(p, &e->client, e->req_seq);
    while (*at != index_of(p, e)) {
        at = &p->entries[*at].next_seq;
    }
    *at = e->next_seq;
}

static struct pooled *entry_new(struct pool *p, const struct request_ref *ref) {
    uint32_t i = p->free_entry;
    if (i != POOL_NONE) {
        p->free_entry = p->entries[i].next_digest;
    } else {
        ENSURE(p->used < p->capacity);
        i = (uint32_t)p->used++;
    }
    uint32_t *digests = digest_chain(p, &ref->digest);
    struct pooled *e = &p->entries[i];
    *e = (struct pooled){.digest = ref->digest,
                         .client = ref->client,
                         .req_seq = ref->req_seq,
                         .order = ++p->order,
                         .next_digest = *digests};
    *digests = i;
    seq_enchain(p, e);
    e->owner = owner_take(p, &ref->client);
    return e;
}

static void entry_free(struct pool *p, struct pooled *e) {
    uint32_t i = index_of(p, e);
    uint32_t *at = digest_chain(p, &e->digest);
    while (*at != i) {
        at = &p->entries[*at].next_digest;
    }
    *at = e->next_digest;
    seq_unchain(p, e);
    owner_drop(p, e->owner);
    request_free(e->request);
    *e = (struct pooled){.next_digest = p->free_entry};
    p->free_entry = i;
}

/* Puts the entry where its facts belong, or frees it when nothing holds it any more. */
static void entry_settle(struct pool *p, struct pooled *e) {
    bool was_queued = listed(p, e, LIST_QUEUE), queued = e->eligible && e->named == 0;
    list_put(p, e, LIST_ELIGIBLE, e->eligible);
    list_put(p, e, LIST_QUEUE, queued);
    list_put(p, e, LIST_WANTED, e->named > 0 && !e->request);
    if (queued != was_queued) {
        p->queued_ticks += e->request->kind != OP_TICK ? 0 : queued ? 1 : (size_t)-1;
    }
    if (!e->pending && e->named == 0) {
        entry_free(p, e);
    }
}

/* --- who is eligible --- */

static void entry_set_eligible(struct pool *p, struct pooled *e, bool eligible, mono_ms now) {
    if (e->eligible == eligible) {
        return;
    }
    e->eligible = eligible;
    if (eligible) {
        e->since = now;
        e->order = ++p->order; /* the lists are sorted by order, and so by age */
        e->relays = 0;
        e->shown = 0;
    }
    entry_settle(p, e);
}

static bool owner_has_tokens(const struct pool *p, const struct pool_owner *o) {
    return o->ready <= p->t;
}

bool pool_is_rival(const struct pool *p, const struct pooled *e) {
    const struct pooled *before = e->pending ? pool_entry(p, e->in_owner.prev) : NULL;
    while (before && before->req_seq == e->req_seq && !same_sort(before->request, e->request)) {
        before = pool_entry(p, before->in_owner.prev);
    }
    return before && before->req_seq == e->req_seq;
}

/* The lowest ELIGIBLE_MAX of the client, and of its ticks the lowest; of one number the first that came. The eligible
   ones are the first of the list but for rivals, and for members, who may have ticks further behind. */
static void owner_refresh(struct pool *p, uint32_t owner, mono_ms now) {
    const struct pool_owner *o = &p->owners[owner];
    bool tokens = owner_has_tokens(p, o);
    unsigned ticks = 0, others = 0;
    for (uint32_t i = o->pending.head; i != POOL_NONE; i = p->entries[i].in_owner.next) {
        struct pooled *e = &p->entries[i];
        if (pool_is_rival(p, e)) {
            continue;
        }
        bool tick = e->request->kind == OP_TICK && o->lane == PBFT_LANE_MEMBER;
        bool first = tick ? ticks++ == 0 : others++ < ELIGIBLE_MAX;
        if (!first && !e->eligible && o->lane != PBFT_LANE_MEMBER) {
            return;
        }
        entry_set_eligible(p, e, first && (tokens || tick), now);
    }
}

static void owner_set_ready(struct pool *p, uint32_t owner, time_ms ready, mono_ms now) {
    struct pool_owner *o = &p->owners[owner];
    size_t before = owner_has_tokens(p, o) ? 0 : o->pending.count;
    o->ready = ready;
    p->held_back += (owner_has_tokens(p, o) ? 0 : o->pending.count) - before;
    owner_refresh(p, owner, now);
}

/* A batch named it before it came, and named it wrongly: it stands under its true client and number. */
static void entry_correct(struct pool *p, struct pooled *e, const struct request *r) {
    if (e->req_seq == r->req_seq && public_key_equal(&e->client, &r->client)) {
        return;
    }
    seq_unchain(p, e);
    owner_drop(p, e->owner);
    e->client = r->client;
    e->req_seq = r->req_seq;
    seq_enchain(p, e);
    e->owner = owner_take(p, &r->client);
}

static bool pool_has_room(const struct pool *p, const struct public_key *client, enum pbft_lane lane) {
    uint32_t owner = owner_find(p, client);
    size_t most = lane == PBFT_LANE_MEMBER ? MEMBER_ROOM : p->per_client_max;
    return p->lane_count[lane] < p->lane_max[lane] && (owner == POOL_NONE || p->owners[owner].pending.count < most);
}

static void entry_set_pending(struct pool *p, struct pooled *e, bool pending) {
    struct pool_owner *o = &p->owners[e->owner];
    REQUIRE(e->pending != pending && !e->eligible);
    e->pending = pending;
    list_put(p, e, LIST_OWNER, pending);
    p->lane_count[o->lane] += pending ? 1 : (size_t)-1;
    p->held_back += owner_has_tokens(p, o) ? 0 : pending ? 1 : (size_t)-1;
}

static void entry_take_on(struct pool *p, struct pooled *e, const struct pool_terms *terms) {
    struct pool_owner *o = &p->owners[e->owner];
    uint32_t owner = e->owner;
    if (o->pending.count == 0) {
        o->lane = terms->lane;
    }
    entry_set_pending(p, e, true);
    owner_set_ready(p, owner, terms->ready, terms->now);
}

/* Out of the queue; its client's next one may take its place. */
static void entry_let_go(struct pool *p, struct pooled *e, mono_ms now) {
    uint32_t owner = e->owner;
    p->owners[owner].entries++; /* held while its list is walked */
    e->eligible = false;
    list_put(p, e, LIST_ELIGIBLE, false);
    if (listed(p, e, LIST_QUEUE)) {
        list_remove(p, e, LIST_QUEUE);
        p->queued_ticks -= e->request->kind == OP_TICK;
    }
    entry_set_pending(p, e, false);
    entry_settle(p, e);
    owner_refresh(p, owner, now);
    owner_drop(p, owner);
}

enum error pool_hold(struct pool *p, struct request *r, const struct pool_terms *terms) {
    struct pooled *e = pool_find(p, &r->digest);
    bool room = terms->pending && pool_has_room(p, &r->client, terms->lane);
    if (e && e->request) {
        if (room && !e->pending) {
            entry_take_on(p, e, terms);
        }
        return ERR_DUPLICATE;
    }
    if (!e) {
        unsigned contents = contents_pending(p, r);
        if (contents >= CONTENTS_MAX || (contents > 0 && !room)) {
            return ERR_CONFLICT;
        }
        if (!room) {
            return terms->pending ? ERR_BUSY : ERR_STALE;
        }
        e = entry_new(p, &(struct request_ref){r->client, r->req_seq, r->digest});
    }
    entry_correct(p, e, r);
    e->request = r;
    list_put(p, e, LIST_WANTED, false);
    if (room) {
        entry_take_on(p, e, terms);
    }
    return ERR_OK;
}

void pool_name(struct pool *p, const struct request_ref *ref) {
    struct pooled *e = pool_find(p, &ref->digest);
    if (!e) {
        e = entry_new(p, ref);
    }
    e->named++;
    entry_settle(p, e);
}

void pool_unname(struct pool *p, const struct digest *digest) {
    struct pooled *e = pool_find(p, digest);
    ENSURE(e && e->named > 0);
    e->named--;
    entry_settle(p, e);
}

void pool_done(struct pool *p, const struct public_key *client, uint64_t req_seq, mono_ms now) {
    struct pooled *e = seq_next(p, *seq_chain(p, client, req_seq), client, req_seq);
    while (e) {
        uint32_t next = e->next_seq;
        if (e->pending) {
            entry_let_go(p, e, now);
        }
        e = seq_next(p, next, client, req_seq);
    }
}

void pool_outdated(struct pool *p, const struct public_key *client, uint64_t old, mono_ms now) {
    uint32_t owner = owner_find(p, client);
    for (uint32_t i = owner == POOL_NONE ? POOL_NONE : p->owners[owner].pending.head; i != POOL_NONE;) {
        struct pooled *e = &p->entries[i];
        i = e->in_owner.next;
        if (e->req_seq > old) {
            return;
        }
        entry_let_go(p, e, now);
    }
}

void pool_ready(struct pool *p, const struct public_key *client, time_ms ready, mono_ms now) {
    uint32_t owner = owner_find(p, client);
    if (owner != POOL_NONE) {
        owner_set_ready(p, owner, ready, now);
    }
}

void pool_time(struct pool *p, time_ms t, mono_ms now) {
    if (t <= p->t) {
        return;
    }
    time_ms before = p->t;
    p->t = t;
    for (uint32_t i = 1; p->held_back > 0 && i < p->used_owners; i++) {
        const struct pool_owner *o = &p->owners[i];
        if (o->entries > 0 && o->ready > before && o->ready <= t) {
            p->held_back -= o->pending.count;
            owner_refresh(p, i, now);
        }
    }
}
