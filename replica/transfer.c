/* The fetcher: whom to ask for what, and what to believe. A donor is believed for nothing: the certificate proves the
   mids, the mids prove leaves, the leaves prove pages. Who sends bytes that don't prove is not asked again for a
   while. */
#include "replica/transfer.h"

#include "replica/node_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned long long ull;

/* ---- donors ---- */

static bool may_ask(const struct node *n, member_id i) {
    return i != n->self && i < n->cluster->member_count && n->now.mono >= n->transfer.donors[i].banned_until;
}

static void donor_idle(struct transfer_donor *d) {
    d->busy = false;
    d->part_total = 0;
    buffer_clear(&d->part);
}

/* Greater than any before, over boots too: the boot, some of its random part, a count. */
static uint64_t next_nonce(struct node *n) {
    return (n->boot << 40 | (n->boot_random & 0xffff) << 24) + ++n->transfer.questions;
}

void transfer_ask(struct node *n, member_id to, const struct msg_st_fetch *f) {
    struct msg m = {.type = FRAME_ST_FETCH, .st_fetch = *f};
    struct transfer_donor *d = &n->transfer.donors[to];
    struct buffer body = {0}, frame = {0};
    m.st_fetch.nonce = next_nonce(n);
    codec_encode(&body, &m);
    node_seal(n, &frame, FRAME_ST_FETCH, buffer_bytes(&body));
    node_send(n, set_of(to), buffer_bytes(&frame));
    buffer_free(&body);
    buffer_free(&frame);
    d->busy = true;
    d->asked_at = n->now.mono;
    d->asked_kind = f->kind;
    d->asked_first = f->count ? f->indices[0] : 0;
    d->blamed = false;
    d->last_nonce = m.st_fetch.nonce;
}

static void lose_donor(struct node *n, member_id i) {
    pieces_wanted_again(n, i, true);
    donor_idle(&n->transfer.donors[i]);
    n->transfer.donors[i].offers = false;
}

void transfer_ban(struct node *n, member_id i, const char *what, unsigned index) {
    struct transfer *t = &n->transfer;
    lose_donor(n, i);
    t->donors[i].banned_until = n->now.mono + TRANSFER_BAN_MS;
    t->donors[i].offer.statement.n = 0;
    t->bans++;
    node_trace(n, "transfer: donor %u banned: %s %u does not prove", i, what, index);
}

/* It offered what it then did not give: other offers are better. */
static void fail_donor(struct node *n, member_id i) {
    lose_donor(n, i);
    n->transfer.donors[i].failed_until = n->now.mono + TRANSFER_FAILED_MS;
    node_trace(n, "transfer: donor %u failed", i);
}

static bool has_failed(const struct node *n, const struct transfer_donor *d) {
    return n->now.mono < d->failed_until;
}

static unsigned donors_left(const struct node *n) {
    unsigned count = 0;
    for (member_id i = 0; i < n->cluster->member_count; i++)
        count += n->transfer.donors[i].offers;
    return count;
}

static void tell_progress(struct node *n) {
    struct transfer *t = &n->transfer;
    char from[64] = "";
    if (n->now.mono < t->trace_at)
        return;
    t->trace_at = n->now.mono + TRANSFER_TRACE_MS;
    for (member_id i = 0; i < n->cluster->member_count; i++)
        if (t->donors[i].offers)
            snprintf(from + strlen(from), sizeof from - strlen(from), "%s%u", *from ? "," : "", i);
    node_trace(n, "transfer n=%llu %u %% from %s", (ull)t->target.statement.n, t->mids_done * 100 / STATE_FANOUT,
               *from ? from : "nobody");
}

/* ---- seeking ---- */

static void seek(struct node *n) {
    struct transfer *t = &n->transfer;
    t->step = TRANSFER_SEEKING;
    t->target.statement.n = 0;
    t->first_offer_at = 0;
    t->seek_at = n->now.mono;
    for (member_id i = 0; i < MEMBERS_MAX; i++) {
        lose_donor(n, i);
        t->donors[i].offer.statement.n = 0;
    }
}

static unsigned offers_of(const struct node *n, seq_no seq, bool any) {
    unsigned count = 0;
    for (member_id i = 0; i < MEMBERS_MAX; i++) {
        const struct transfer_donor *d = &n->transfer.donors[i];
        count += d->offer.statement.n == seq && (any || !has_failed(n, d));
    }
    return count;
}

/* What was decided meanwhile may have passed what was asked for. */
static seq_no lowest_target(const struct node *n) {
    seq_no here = n->state.damaged ? 0 : ledger_executed(n->machine.ledger) + 1;
    return n->transfer.at_least > here ? n->transfer.at_least : here;
}

static void seek_again(struct node *n) {
    struct msg_st_fetch f = {.kind = ST_META, .n = lowest_target(n)};
    n->transfer.seek_at = n->now.mono + TRANSFER_ASK_MS;
    for (member_id i = 0; i < n->cluster->member_count; i++)
        if (may_ask(n, i))
            transfer_ask(n, i, &f);
}

/* The checkpoint that most donors have, of those the newest; who failed counts only if nobody else offers. NULL when
   no offer will do any more. */
static const struct transfer_donor *best_offer(const struct node *n, bool any) {
    const struct transfer *t = &n->transfer;
    const struct transfer_donor *best = NULL;
    unsigned best_count = 0;
    for (member_id i = 0; i < MEMBERS_MAX; i++) {
        const struct transfer_donor *d = &t->donors[i];
        seq_no seq = d->offer.statement.n;
        unsigned count = seq >= lowest_target(n) ? offers_of(n, seq, any) : 0;
        if (count > best_count || (count > 0 && count == best_count && seq > best->offer.statement.n)) {
            best = d;
            best_count = count;
        }
    }
    return best || any ? best : best_offer(n, true);
}

static void take_target(struct transfer *t, const struct transfer_donor *best) {
    t->target = best->offer;
    memcpy(t->mids, best->mids, sizeof t->mids);
    for (member_id i = 0; i < MEMBERS_MAX; i++) {
        donor_idle(&t->donors[i]);
        t->donors[i].late = 0;
        t->donors[i].offers = t->donors[i].offer.statement.n == t->target.statement.n;
    }
}

static void begin_filling(struct node *n) {
    struct transfer *t = &n->transfer;
    const struct transfer_donor *best = best_offer(n, false);
    t->first_offer_at = 0;
    if (!best)
        return;
    take_target(t, best);
    t->step = TRANSFER_FILLING;
    t->generation = (uint8_t)(n->state.generation + 1);
    t->next_mid = t->mids_done = 0;
    t->fetched = t->kept = 0;
    memset(t->work, 0, sizeof t->work);
    state_drop(&n->batch, t->generation);
    const uint8_t *root = t->target.statement.root.b;
    node_trace(n, "transfer n=%llu root=%02x%02x%02x%02x begins%s", (ull)t->target.statement.n, root[0], root[1],
               root[2], root[3], t->repair ? ", to repair" : "");
    t->trace_at = n->now.mono + TRANSFER_TRACE_MS;
    t->work_at = t->progress_at = t->pace_since = n->now.mono;
    t->pace = 0;
    t->parts = 0;
}

/* Its certificate was verified at the door. */
static void take_meta(struct node *n, member_id from, const struct msg_st_data *m) {
    struct transfer *t = &n->transfer;
    struct transfer_donor *d = &t->donors[from];
    struct digest root = state_root_of_mids(m->mids);
    if (!digest_equal(&root, &m->cert.statement.root)) {
        transfer_ban(n, from, "root of mids, n =", (unsigned)m->n);
        return;
    }
    d->busy = false;
    d->first_nonce = m->nonce + 1;
    if (t->step == TRANSFER_FILLING) {
        d->offers |= m->n == t->target.statement.n;
        return;
    }
    if (t->step != TRANSFER_SEEKING || m->n < lowest_target(n))
        return;
    d->offer = m->cert;
    memcpy(d->mids, m->mids, sizeof d->mids);
    mono_ms at = n->now.mono + (has_failed(n, d) ? TRANSFER_ASK_MS - TRANSFER_GATHER_MS : 0);
    if (!t->first_offer_at || at < t->first_offer_at)
        t->first_offer_at = at;
    if (offers_of(n, m->n, true) + 1u >= n->cluster->member_count)
        begin_filling(n);
}

/* Whoever delivered last comes first. */
static void ask_all(struct node *n) {
    unsigned count = n->cluster->member_count;
    for (unsigned k = 0; k < count; k++) {
        member_id i = (member_id)((n->transfer.last_delivered + k) % count);
        if (n->transfer.donors[i].offers && !n->transfer.donors[i].busy && may_ask(n, i))
            pieces_ask(n, i);
    }
}

/* ---- filling ---- */

static void all_laid_down(struct node *n) {
    struct transfer *t = &n->transfer;
    t->step = TRANSFER_LOADING;
    t->durable = false;
    node_trace(n, "transfer n=%llu laid down: %llu pages fetched, %llu kept", (ull)t->target.statement.n,
               (ull)t->fetched, (ull)t->kept);
}

static void give_up(struct node *n, const char *why) {
    struct transfer *t = &n->transfer;
    node_trace(n, "transfer n=%llu given up: %s", (ull)t->target.statement.n, why);
    for (member_id i = 0; i < MEMBERS_MAX; i++)
        if (t->donors[i].offers)
            fail_donor(n, i);
    state_drop(&n->batch, t->generation);
    seek(n);
}

/* f donors may all be liars that give just enough to be kept. More of them are not: then the way is slow. */
static bool drips(struct node *n) {
    struct transfer *t = &n->transfer;
    if (n->now.mono - t->pace_since < TRANSFER_STALL_MS)
        return false;
    bool slow = t->pace < TRANSFER_PACE;
    t->pace_since = n->now.mono;
    t->pace = 0;
    return slow && donors_left(n) <= quorum_faults(n->cluster->member_count);
}

static void fill(struct node *n) {
    struct transfer *t = &n->transfer;
    unsigned before = t->next_mid;
    bool caught_up = pieces_open(n);
    if (t->next_mid != before)
        t->progress_at = n->now.mono;
    t->work_at = n->now.mono + (caught_up ? TRANSFER_HEDGE_MS / 2 : 0);
    if (t->mids_done == STATE_FANOUT) {
        all_laid_down(n);
    } else if (donors_left(n) == 0) {
        give_up(n, "no donor is left");
    } else if (n->now.mono - t->progress_at >= TRANSFER_STALL_MS) {
        give_up(n, "nothing came for long");
    } else if (drips(n)) {
        give_up(n, "too little came for long");
    } else {
        ask_all(n);
        tell_progress(n);
    }
}

/* An answer to this replica, to a question that is still open; certificates and refusals to the last one. */
static bool is_answer(const struct node *n, member_id from, const struct msg_st_data *m) {
    const struct transfer_donor *d = &n->transfer.donors[from];
    if (m->to != n->self || m->nonce < d->first_nonce || m->nonce > d->last_nonce)
        return false;
    if (m->kind == ST_META)
        return d->asked_kind == ST_META;
    return m->kind != ST_REFUSED || m->nonce == d->last_nonce;
}

static void proven(struct node *n, member_id from, uint64_t nonce) {
    struct transfer *t = &n->transfer;
    struct transfer_donor *d = &t->donors[from];
    d->late = t->parts = 0;
    d->first_nonce = nonce + 1;
    t->progress_at = n->now.mono;
    t->last_delivered = from;
    if (nonce == d->last_nonce) {
        pieces_wanted_again(n, from, false);
        donor_idle(d);
    }
}

static void donor_late(struct node *n, member_id i) {
    struct transfer_donor *d = &n->transfer.donors[i];
    d->late += !d->blamed;
    d->blamed = true;
    if (d->late >= TRANSFER_LATE_MAX)
        fail_donor(n, i);
}

/* The donor stays busy, for its patience's time: nobody is asked more often for giving less. But when others were
   faster with what it was asked, it is not to blame. */
static void useless(struct node *n, member_id from, uint64_t nonce) {
    struct transfer_donor *d = &n->transfer.donors[from];
    d->first_nonce = nonce + 1;
    if (nonce != d->last_nonce)
        return;
    if (pieces_overtaken(n, from)) {
        pieces_wanted_again(n, from, false);
        donor_idle(d);
    } else {
        donor_late(n, from);
    }
}

static void take_pieces(struct node *n, member_id from, const struct msg_st_data *m) {
    struct transfer *t = &n->transfer;
    switch (m->kind == ST_NODE ? pieces_take_nodes(n, from, m) : pieces_take_pages(n, from, m)) {
    case PIECES_USELESS:
        useless(n, from, m->nonce);
        break;
    case PIECES_PROVEN:
        proven(n, from, m->nonce);
        break;
    case PIECES_PART:
        t->donors[from].first_nonce = m->nonce + 1;
        if (++t->parts <= TRANSFER_PARTS_MAX) {
            t->progress_at = n->now.mono;
            t->pace += m->pages->part.len / TRANSFER_PACE_BYTES;
        }
        break;
    case PIECES_WRONG:
        break;
    }
}

void transfer_data(struct node *n, member_id from, const struct msg_st_data *m) {
    struct transfer *t = &n->transfer;
    if (t->step == TRANSFER_IDLE || !may_ask(n, from) || !is_answer(n, from, m))
        return;
    if (m->kind == ST_META) {
        take_meta(n, from, m);
        return;
    }
    if (t->step != TRANSFER_FILLING || !t->donors[from].offers)
        return;
    if (m->kind == ST_REFUSED)
        fail_donor(n, from);
    else if (m->n == t->target.statement.n)
        take_pieces(n, from, m);
    fill(n);
}

/* ---- the new state ---- */

/* The whole of it once more under the certified root: what was read back from the disk is what will be executed on. */
static enum error load(struct node *n, struct machine *machine, struct state_tree *tree) {
    const struct checkpoint *c = &n->transfer.target.statement;
    enum error e = state_load(&n->disk, n->transfer.generation, machine, tree);
    if (e != ERR_OK)
        return e;
    struct digest root = state_tree_root(tree), log_hash = ledger_log_hash(machine->ledger);
    bool same = digest_equal(&root, &c->root) && digest_equal(&log_hash, &c->log_hash) &&
                ledger_executed(machine->ledger) == c->n && ledger_time(machine->ledger) == c->t;
    return same ? ERR_OK : ERR_MISMATCH;
}

static void load_or_start_anew(struct node *n) {
    struct transfer *t = &n->transfer;
    struct machine machine;
    struct state_tree *tree = state_tree_new();
    machine_open(&machine, n->cluster);
    enum error e = load(n, &machine, tree);
    if (e != ERR_OK) {
        node_trace(n, "transfer n=%llu failed: what was laid down: %s", (ull)t->target.statement.n, error_text(e));
        machine_close(&machine);
        state_tree_free(tree);
        state_drop(&n->batch, t->generation);
        seek(n);
        return;
    }
    struct checkpoint_cert cert = t->target;
    t->step = TRANSFER_IDLE;
    t->completed++;
    node_trace(n, "transfer n=%llu done in %lld ms: %llu pages fetched, %llu kept", (ull)cert.statement.n,
               (long long)(n->now.mono - t->since), (ull)t->fetched, (ull)t->kept);
    node_take_state(n, &machine, tree, t->generation, &cert);
}

/* ---- from the node ---- */

void transfer_want(struct node *n, seq_no at_least, bool repair) {
    struct transfer *t = &n->transfer;
    if (at_least == 0) {
        if (t->step == TRANSFER_FILLING || t->step == TRANSFER_LOADING)
            state_drop(&n->batch, t->generation);
        t->step = TRANSFER_IDLE;
        return;
    }
    t->at_least = at_least;
    t->repair = repair;
    if (t->step != TRANSFER_IDLE && (t->step == TRANSFER_SEEKING || t->target.statement.n >= at_least))
        return;
    t->since = n->now.mono;
    seek(n);
}

static void seek_on(struct node *n) {
    struct transfer *t = &n->transfer;
    if (t->first_offer_at && n->now.mono - t->first_offer_at >= TRANSFER_GATHER_MS)
        begin_filling(n);
    else if (n->now.mono >= t->seek_at)
        seek_again(n);
}

static void pass_over_the_late(struct node *n) {
    for (member_id i = 0; i < n->cluster->member_count; i++) {
        struct transfer_donor *d = &n->transfer.donors[i];
        if (!d->busy || n->now.mono - d->asked_at < TRANSFER_ASK_MS)
            continue;
        pieces_wanted_again(n, i, true);
        donor_late(n, i);
        donor_idle(d);
    }
}

void transfer_timeout(struct node *n) {
    struct transfer *t = &n->transfer;
    if (n->now.mono < transfer_deadline(n))
        return;
    if (t->step == TRANSFER_SEEKING) {
        seek_on(n);
    } else if (t->step == TRANSFER_FILLING) {
        pass_over_the_late(n);
        fill(n);
    } else if (t->step == TRANSFER_LOADING && t->durable) {
        load_or_start_anew(n);
    }
}

void transfer_flushed(struct node *n) {
    n->transfer.durable = true;
}

mono_ms transfer_deadline(const struct node *n) {
    const struct transfer *t = &n->transfer;
    mono_ms gathered = t->first_offer_at ? t->first_offer_at + TRANSFER_GATHER_MS : INT64_MAX;
    if (t->step == TRANSFER_IDLE)
        return INT64_MAX;
    if (t->step == TRANSFER_SEEKING)
        return gathered < t->seek_at ? gathered : t->seek_at;
    return t->work_at;
}

seq_no transfer_target(const struct node *n) {
    const struct transfer *t = &n->transfer;
    return t->step == TRANSFER_FILLING || t->step == TRANSFER_LOADING ? t->target.statement.n : 0;
}

void transfer_close(struct node *n) {
    for (member_id i = 0; i < MEMBERS_MAX; i++)
        buffer_free(&n->transfer.donors[i].part);
}
