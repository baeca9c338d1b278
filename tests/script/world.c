/* What happens to the cluster of a story: requests, frames delivered, lost and held back, cuts, time, crashes. */
#include "tests/script/script.h"

/* --- the cluster --- */

struct cluster *story_cluster(struct story *s) {
    if (!s->c) {
        s->c = cluster_new_with(s->members, &s->config);
        s->traced = s->marked = s->c->trace.len; /* how they all started is no part of it */
        seen_attach(s);
    }
    return s->c;
}

static struct node *node_of(struct story *s, member_id i) {
    return &story_cluster(s)->nodes[i];
}

member_set story_honest(struct story *s) {
    member_set set = 0;
    for (member_id i = 0; i < s->members; i++) {
        if (node_of(s, i)->core && !set_has(s->traitors | s->liars, i)) {
            set |= set_of(i);
        }
    }
    return set;
}

static void must_be_new(struct story *s) {
    if (s->c) {
        story_fail(s, "too late: the cluster runs already");
    }
}

static void verb_members(struct story *s) {
    must_be_new(s);
    s->members = (unsigned)number_of(s, word_next(s, "how many"));
    if (s->members < 4 || s->members > MEMBERS_MAX) {
        story_fail(s, "4 to %d members", MEMBERS_MAX);
    }
}

#define KNOB(name, field)                                                                                              \
    { name, offsetof(struct pbft_config, field), sizeof(((struct pbft_config *)0)->field) }
static const struct knob {
    const char *name;
    size_t at, size;
} knobs[] = {KNOB("checkpoint-interval", checkpoint_interval),
             KNOB("window", window),
             KNOB("in-flight", in_flight),
             KNOB("batch-max", batch_max),
             KNOB("checkpoint-period", checkpoint_period),
             KNOB("status-interval", status_interval),
             KNOB("resend-interval", resend_interval),
             KNOB("request-timeout", request_timeout),
             KNOB("new-view-timeout", new_view_timeout),
             KNOB("timeout-cap", timeout_cap),
             KNOB("silent-timeout", silent_timeout),
             KNOB("pool-max", pool_max),
             KNOB("pool-per-client-max", pool_per_client_max)};
#undef KNOB

static void verb_set(struct story *s) {
    const char *name = word_next(s, "a knob");
    uint64_t value = number_of(s, word_next(s, "its value"));
    must_be_new(s);
    for (size_t i = 0; i < sizeof knobs / sizeof knobs[0]; i++) {
        if (strcmp(knobs[i].name, name) == 0) {
            uint32_t narrow = (uint32_t)value;
            memcpy((char *)&s->config + knobs[i].at, knobs[i].size == 4 ? (void *)&narrow : (void *)&value,
                   knobs[i].size);
            return;
        }
    }
    story_fail(s, "no such knob: %s", name);
}

static void verb_covers(struct story *s) {
    while (word_peek(s) && s->cover_count < COVERS_MAX) {
        snprintf(s->covers[s->cover_count++], sizeof s->covers[0], "%s", word_next(s, "a row"));
    }
}

static void verb_beyond(struct story *s) {
    if (!word_is(s, "f")) {
        story_fail(s, "beyond what?");
    }
    s->beyond_f = true;
}

/* --- requests --- */

/* request A1 B2 [at 0,2] */
static void verb_request(struct story *s) {
    struct cluster *c = story_cluster(s);
    member_set to = set_all(s->members);
    const char *names[WORDS_MAX];
    unsigned count = 0;
    while (word_peek(s) && !word_is(s, "at")) {
        names[count++] = word_next(s, "a request");
    }
    if (s->words.used[s->words.count - 1] == false) {
        to = members_of(s, word_next(s, "at whom"));
    }
    for (unsigned k = 0; k < count; k++) {
        struct buffer frame = {0};
        request_named(s, names[k], &frame);
        for (member_id i = 0; i < s->members; i++) {
            if (set_has(to, i) && c->nodes[i].core) {
                cluster_feed_request(&c->nodes[i], buffer_bytes(&frame));
            }
        }
        buffer_free(&frame);
    }
}

/* --- the network --- */

static bool parcel_matches(const struct selector *x, const struct parcel_in_flight *parcel) {
    struct arena arena = {0};
    struct frame f;
    struct msg m;
    bool fits = frame_open(&f, buffer_bytes(&parcel->frame)) == ERR_OK && codec_decode(&m, &f, &arena) == ERR_OK &&
                selector_matches(x, parcel->from, parcel->to, &m);
    arena_free(&arena);
    return fits;
}

/* Takes what is on its way now and fits; what follows from it waits. */
static unsigned take_queued(struct story *s, const struct selector *x, bool deliver) {
    struct cluster *c = s->c;
    size_t end = c->queue_count;
    unsigned taken = 0;
    for (size_t i = c->queue_head; i < end;) {
        if (!parcel_matches(x, &c->queue[i])) {
            i++;
            continue;
        }
        struct parcel_in_flight parcel = c->queue[i];
        memmove(&c->queue[i], &c->queue[i + 1], (c->queue_count - i - 1) * sizeof c->queue[0]);
        c->queue_count--;
        end--;
        taken++;
        if (deliver) {
            cluster_deliver(c, &parcel);
        }
        buffer_free(&parcel.frame);
    }
    return taken;
}

static void take(struct story *s, bool deliver) {
    struct selector x = selector_next(s);
    if (take_queued(s, &x, deliver) == 0) {
        story_fail(s, "no such frame is on its way");
    }
}

/* deliver all: until nothing is on its way; deliver round: what is on its way now; deliver FRAMES */
static void verb_deliver(struct story *s) {
    story_cluster(s);
    if (s->words.count == 2 && word_is(s, "all")) {
        cluster_drain(s->c);
    } else if (word_is(s, "round")) {
        struct selector x = {.from = set_all(s->members), .to = set_all(s->members)};
        take_queued(s, &x, true);
    } else {
        take(s, true);
    }
}

static void verb_lose(struct story *s) {
    story_cluster(s);
    take(s, false);
}

static void add_filter(struct story *s, bool keep) {
    story_cluster(s);
    if (s->filter_count == FILTERS_MAX) {
        story_fail(s, "more than %d filters", FILTERS_MAX);
    }
    s->filters[s->filter_count++] = (struct filter){selector_next(s), keep};
}

static void verb_drop(struct story *s) {
    add_filter(s, false);
}

static void verb_hold(struct story *s) {
    add_filter(s, true);
}

static void verb_release(struct story *s) {
    unsigned kept = 0;
    for (unsigned i = 0; i < s->filter_count; i++) {
        if (!s->filters[i].hold) {
            s->filters[kept++] = s->filters[i];
        }
    }
    s->filter_count = kept;
    for (size_t i = 0; i < s->held_count; i++) {
        network_put(s->c, s->held[i].from, s->held[i].to, buffer_bytes(&s->held[i].frame));
        buffer_free(&s->held[i].frame);
    }
    s->held_count = 0;
}

/* cut 0 | 1 2 3: nothing passes between the groups. */
static void verb_cut(struct story *s) {
    story_cluster(s);
    s->group_count = 1;
    s->groups[0] = 0;
    while (word_peek(s)) {
        const char *word = word_next(s, "a member");
        if (strcmp(word, "|") == 0) {
            s->groups[s->group_count++] = 0;
        } else {
            s->groups[s->group_count - 1] |= members_of(s, word);
        }
    }
}

/* No cut, no loss, and what was held back comes. */
static void verb_heal(struct story *s) {
    s->group_count = 0;
    verb_release(s);
    s->filter_count = 0;
}

/* --- time and life --- */

static void verb_time(struct story *s) {
    const char *word = word_next(s, "how long (+500)");
    if (*word != '+') {
        story_fail(s, "time only goes on: +500");
    }
    cluster_run(story_cluster(s), (mono_ms)number_of(s, word + 1));
}

static struct node *one_member(struct story *s) {
    uint64_t i = number_of(s, word_next(s, "a member"));
    if (i >= s->members) {
        story_fail(s, "no such member");
    }
    return node_of(s, (member_id)i);
}

/* crash 2 [losing unsynced], crash 2 after 3 (of its actions) */
static void verb_crash(struct story *s) {
    struct node *x = one_member(s);
    if (!x->core) {
        story_fail(s, "it does not run");
    }
    if (word_is(s, "after")) {
        x->crash_after = (long)number_of(s, word_next(s, "how many actions"));
        return;
    }
    node_crash(x);
    if (word_is(s, "losing")) {
        word_next(s, "unsynced");
        records_lose_unsynced(x);
    }
}

static void disk_copy(struct node *to, const struct node *from) {
    for (size_t i = 0; i < to->record_count; i++) {
        record_free(&to->records[i]);
    }
    to->record_count = 0;
    for (size_t i = 0; i < from->record_count; i++) {
        const struct stored *x = &from->records[i];
        record_put(to, x->record, buffer_bytes(&x->key), buffer_bytes(&x->value));
    }
    to->boot = from->boot;
}

static void disk_free(struct node *x) {
    for (size_t i = 0; i < x->record_count; i++) {
        record_free(&x->records[i]);
    }
    free(x->records);
}

/* What is on its disk now, for a later `restart I from backup`. */
static void verb_backup(struct story *s) {
    const struct node *x = one_member(s);
    disk_copy(&s->backups[x->id], x);
}

/* restart 2, restart 2 from backup, restart 2 from nothing */
static void verb_restart(struct story *s) {
    struct node *x = one_member(s);
    struct node nothing = {.record_count = 0};
    if (x->core) {
        story_fail(s, "it runs");
    }
    if (word_is(s, "from")) {
        disk_copy(x, word_is(s, "backup") ? &s->backups[x->id] : &nothing);
        word_is(s, "nothing");
    }
    node_boot(x);
}

/* Requests in hand that the new state has done already. */
static size_t done_of(struct story *s, const struct node *x, struct pbft_done *out, size_t max) {
    size_t count = 0;
    for (unsigned client = 0; client < CLIENTS; client++) {
        for (uint64_t seq = 1; seq <= REQUESTS_REMEMBERED && count < max; seq++) {
            const struct request *r = pbft_request_by_seq(x->core, &s->c->client_keys[client], seq);
            if (r && node_has_done(x, &r->digest)) {
                out[count++] = (struct pbft_done){.client = r->client, .req_seq = seq};
            }
        }
    }
    return count;
}

/* transfer 3 from 0: the state that 0 has at its certified checkpoint comes into force at 3. */
static void verb_transfer(struct story *s) {
    struct node *x = one_member(s);
    struct pbft_event e = {.kind = PBFT_TRANSFERRED};
    struct checkpoint_cert cert;
    struct pbft_done done[WORDS_MAX];
    if (!word_is(s, "from")) {
        story_fail(s, "from whom?");
    }
    const struct node *donor = one_member(s);
    proof_checkpoint(s, &cert, donor->executed);
    if (x->wants_state == 0 || x->wants_state > donor->executed) {
        story_fail(s, "%u wants n=%llu or above, 0: nothing", x->id, (unsigned long long)x->wants_state);
    }
    x->executed = donor->executed;
    x->t = donor->t;
    x->log_hash = donor->log_hash;
    x->done_count = donor->done_count;
    x->diverged = x->damaged = false;
    x->wants_state = 0;
    memcpy(x->log, donor->log, sizeof x->log);
    memcpy(x->done, donor->done, sizeof x->done);
    e.transferred.cert = &cert;
    e.transferred.done = done;
    e.transferred.done_count = done_of(s, x, done, WORDS_MAX);
    node_step(x, e);
}

static void verb_diverge(struct story *s) {
    one_member(s)->diverged = true;
}

static void verb_traitor(struct story *s) {
    struct node *x = one_member(s);
    s->traitors |= set_of(x->id);
    pbft_free(x->core);
    x->core = NULL;
}

static void verb_liar(struct story *s) {
    s->liars |= set_of(one_member(s)->id);
}

/* Shows frames again that were signed before: FROM is the signer. */
static void verb_replay(struct story *s) {
    struct selector x = selector_next(s);
    size_t known = s->said_count;
    unsigned shown = 0;
    for (size_t i = 0; i < known; i++) {
        const struct said *y = &s->said[i];
        if (y->type == x.type && set_has(x.from, y->from) && (!x.has_v || x.v == y->v) && (!x.has_n || x.n == y->n)) {
            struct bytes raw = buffer_bytes(&y->frame); /* stays where it is when more is said */
            frame_show(s, y->from, x.to, raw);
            shown++;
        }
    }
    if (shown == 0) {
        story_fail(s, "nothing like it was ever signed");
    }
}

static void verb_mark(struct story *s) {
    memset(s->sent, 0, sizeof s->sent);
    s->marked = story_cluster(s)->trace.len;
}

/* --- all of them --- */

bool world_verb(struct story *s, const char *verb) {
    static const struct {
        const char *name;
        void (*run)(struct story *s);
    } verbs[] = {
        {"members", verb_members}, {"set", verb_set},           {"covers", verb_covers},   {"beyond", verb_beyond},
        {"request", verb_request}, {"deliver", verb_deliver},   {"lose", verb_lose},       {"drop", verb_drop},
        {"hold", verb_hold},       {"release", verb_release},   {"cut", verb_cut},         {"heal", verb_heal},
        {"time", verb_time},       {"crash", verb_crash},       {"restart", verb_restart}, {"backup", verb_backup},
        {"diverge", verb_diverge}, {"transfer", verb_transfer}, {"traitor", verb_traitor}, {"liar", verb_liar},
        {"replay", verb_replay},   {"mark", verb_mark}};
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(verbs[i].name, verb) == 0) {
            verbs[i].run(s);
            return true;
        }
    }
    return false;
}

/* Whatever the story was: one log, and no more liars than it says. */
void story_end(struct story *s) {
    if (!s->c || s->cover_count == 0) {
        story_fail(s, "a story covers a row and does something");
    }
    if (!s->beyond_f && set_count(s->traitors | s->liars) > quorum_faults(s->members)) {
        story_fail(s, "more than f liars: say `beyond f`");
    }
    for (member_id i = 0; i < s->members && !s->beyond_f; i++) {
        for (member_id j = 0; j < s->members; j++) {
            const struct node *a = node_of(s, i), *b = node_of(s, j);
            for (seq_no n = 1; n <= a->executed && n <= b->executed; n++) {
                if (!digest_equal(&a->log[n], &b->log[n])) {
                    story_fail(s, "%u and %u executed different batches at n=%llu", i, j, (unsigned long long)n);
                }
            }
        }
    }
}

void story_free(struct story *s) {
    for (size_t i = 0; i < s->held_count; i++) {
        buffer_free(&s->held[i].frame);
    }
    free(s->held);
    for (member_id i = 0; i < MEMBERS_MAX; i++) {
        disk_free(&s->backups[i]);
    }
    seen_free(s);
    if (s->c) {
        cluster_free(s->c);
    }
}
