/* Feeds the naive model with the agreed log of a run, and compares what comes out of it with what the machine put out:
   every alert, every reply to results, every page of states. */
#include "base/invariant.h"
#include "tests/sim/naive.h"
#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLIENTS_MAX = 32, WINDOW = 256, AHEAD_MAX = 1 << 20 };

struct executed_batch {
    seq_no n;
    time_ms t;
    bool empty; /* nothing at all, not even a tick: T cannot move */
    size_t count;
    struct request **requests;
};
struct client { /* every number of it that took effect */
    struct public_key key;
    uint64_t top;
    uint64_t *numbers;
    size_t count, cap;
};
struct leaf_copy {
    struct digest request;
    struct buffer bytes;
};

struct naive_log {
    struct sim *sim;
    const struct cluster *cluster;
    struct executed_batch *batches;
    struct buffer *alerts;
    struct leaf_copy *replies;
    size_t batch_count, batch_cap, alert_count, alert_cap, reply_count, reply_cap;
    struct client clients[CLIENTS_MAX];
    unsigned client_count;
    struct naive model;
    size_t judged; /* alerts compared so far */
    bool broken;
};

struct naive_log *naive_log_new(struct sim *s, const struct cluster *cluster) {
    struct naive_log *l = xcalloc(1, sizeof *l);
    l->sim = s;
    l->cluster = cluster;
    return l;
}

void naive_log_free(struct naive_log *l) {
    for (size_t i = 0; i < l->batch_count; i++) {
        for (size_t r = 0; r < l->batches[i].count; r++)
            request_free(l->batches[i].requests[r]);
        free(l->batches[i].requests);
    }
    for (size_t i = 0; i < l->alert_count; i++)
        buffer_free(&l->alerts[i]);
    for (size_t i = 0; i < l->reply_count; i++)
        buffer_free(&l->replies[i].bytes);
    for (unsigned i = 0; i < l->client_count; i++)
        free(l->clients[i].numbers);
    free(l->batches);
    free(l->alerts);
    free(l->replies);
    naive_free(&l->model);
    free(l);
}

/* ---- what happened ---- */

static void *room(void *list, size_t count, size_t *cap, size_t size) {
    if (count < *cap)
        return list;
    *cap = 2 * *cap + 16;
    return xrealloc(list, *cap * size);
}

void naive_log_batch(struct naive_log *l, seq_no n, time_ms t, const struct request *const *requests, size_t count) {
    l->batches = room(l->batches, l->batch_count, &l->batch_cap, sizeof *l->batches);
    struct executed_batch *b = &l->batches[l->batch_count++];
    *b = (struct executed_batch){
        .n = n, .t = t, .empty = count == 0, .requests = xcalloc(count + 1, sizeof *b->requests)};
    for (size_t i = 0; i < count; i++)
        if (requests[i]->kind != OP_TICK)
            ENSURE(request_new(&b->requests[b->count++], requests[i]->frame) == ERR_OK);
}

void naive_log_alert(struct naive_log *l, struct bytes alert) {
    l->alerts = room(l->alerts, l->alert_count, &l->alert_cap, sizeof *l->alerts);
    l->alerts[l->alert_count] = (struct buffer){0};
    buffer_put(&l->alerts[l->alert_count++], alert.data, alert.len);
}

void naive_log_reply(struct naive_log *l, const struct digest *request, struct bytes reply) {
    l->replies = room(l->replies, l->reply_count, &l->reply_cap, sizeof *l->replies);
    struct leaf_copy *copy = &l->replies[l->reply_count++];
    *copy = (struct leaf_copy){.request = *request};
    buffer_put(&copy->bytes, reply.data, reply.len);
}

/* ---- what differs is said once ---- */

static void differs(struct naive_log *l, const char *what, const char *expected, const char *found) {
    if (!l->broken)
        sim_fail(l->sim, "batch %llu, T %.3f s: %s: the model says %s, the machine %s", (unsigned long long)l->model.n,
                 (double)(l->model.t - l->cluster->t0) / 1000, what, expected, found);
    l->broken = true;
}

/* The machine's next alert, if it is of the batch in hand. What evidence says of replicas is not about monitoring. */
static bool next_alert(struct naive_log *l, struct alert *a, struct arena *arena) {
    for (; l->judged < l->alert_count; l->judged++) {
        ENSURE(alert_decode(a, buffer_bytes(&l->alerts[l->judged]), arena) == ERR_OK);
        if (a->n != l->model.n)
            return false;
        if (a->type != ALERT_SYSTEM || strncmp(a->output, "replica ", 8) != 0)
            return true;
    }
    return false;
}

static void compare_alert(void *self, const struct naive_alert *expected) {
    struct naive_log *l = self;
    struct arena arena = {0};
    struct buffer mine = {0}, theirs = {0};
    struct alert a;
    struct naive_alert found;
    naive_print_alert(&mine, expected);
    if (!next_alert(l, &a, &arena)) {
        differs(l, "alert", buffer_cstr(&mine), "none");
    } else {
        l->judged++;
        naive_found_alert(&found, &a);
        naive_print_alert(&theirs, &found);
        if (!naive_same_alert(expected, &found) || a.t != l->model.t || a.number != l->judged)
            differs(l, "alert", buffer_cstr(&mine), buffer_cstr(&theirs));
    }
    buffer_free(&mine);
    buffer_free(&theirs);
    arena_free(&arena);
}

/* The batch is done: has the machine more to say? */
static void compare_rest(struct naive_log *l) {
    struct arena arena = {0};
    struct buffer theirs = {0};
    struct alert a;
    struct naive_alert found;
    if (next_alert(l, &a, &arena)) {
        naive_found_alert(&found, &a);
        naive_print_alert(&theirs, &found);
        differs(l, "alert", "none", buffer_cstr(&theirs));
    }
    buffer_free(&theirs);
    arena_free(&arena);
}

/* ---- replies ---- */

static const struct buffer *reply_to(const struct naive_log *l, const struct request *r) {
    for (size_t i = 0; i < l->reply_count; i++)
        if (digest_equal(&l->replies[i].request, &r->digest))
            return &l->replies[i].bytes;
    return NULL;
}

static void compare_text(struct naive_log *l, const char *what, const char *expected, const char *found) {
    if (strcmp(expected, found) != 0)
        differs(l, what, expected, found);
}

static void compare_status(struct naive_log *l, const struct object_status *s) {
    struct buffer mine = {0}, theirs = {0};
    const struct naive_object *o = naive_find(&l->model, s->host, s->service);
    if (o)
        naive_print_object(&mine, &l->model, o);
    naive_print_status(&theirs, s);
    compare_text(l, "object", buffer_cstr(&mine), buffer_cstr(&theirs));
    buffer_free(&mine);
    buffer_free(&theirs);
}

static void compare_page(struct naive_log *l, const struct request *r) {
    const struct buffer *found = reply_to(l, r);
    struct arena arena = {0};
    struct reply reply;
    struct query_page page;
    if (found && reply_decode(&reply, buffer_bytes(found), &arena) == ERR_OK &&
        query_page_decode(&page, reply.value, &arena) == ERR_OK) {
        if (page.count != l->model.count || page.n != l->model.n || page.t != l->model.t)
            differs(l, "page", "all objects of now", "others");
        for (unsigned i = 0; i < page.count; i++)
            compare_status(l, &page.list[i]);
        sim_counts(l->sim)->pages++;
    }
    arena_free(&arena);
}

static void compare_refusals(struct naive_log *l, const struct request *r, struct buffer *mine) {
    const struct buffer *found = reply_to(l, r);
    struct arena arena = {0};
    struct buffer theirs = {0};
    struct reply reply;
    if (found && reply_decode(&reply, buffer_bytes(found), &arena) == ERR_OK) {
        buffer_printf(&theirs, "%u taken", reply.accepted);
        for (unsigned i = 0; i < reply.refused_count; i++)
            buffer_printf(&theirs, ", %u %s", reply.refused[i].index, error_name(reply.refused[i].reason));
        compare_text(l, "results", buffer_cstr(mine), buffer_cstr(&theirs));
    }
    buffer_free(&theirs);
    arena_free(&arena);
}

static void compare_result(struct naive_log *l, const struct request *r, enum error expected) {
    const struct buffer *found = reply_to(l, r);
    struct arena arena = {0};
    struct reply reply;
    if (found && reply_decode(&reply, buffer_bytes(found), &arena) == ERR_OK)
        compare_text(l, "command", error_name(expected), error_name(reply.result));
    arena_free(&arena);
}

/* ---- the log ---- */

static bool takes_effect(struct naive_log *l, const struct request *r) {
    struct client *c = l->clients;
    while (c < l->clients + l->client_count && !public_key_equal(&c->key, &r->client))
        c++;
    if (c == l->clients + l->client_count) {
        REQUIRE(l->client_count < CLIENTS_MAX);
        *c = (struct client){.key = r->client};
        l->client_count++;
    }
    if (r->req_seq == 0 || r->req_seq + WINDOW <= c->top || r->req_seq > c->top + AHEAD_MAX)
        return false;
    for (size_t i = 0; i < c->count; i++)
        if (c->numbers[i] == r->req_seq)
            return false;
    c->numbers = room(c->numbers, c->count, &c->cap, sizeof *c->numbers);
    c->numbers[c->count++] = r->req_seq;
    c->top = r->req_seq > c->top ? r->req_seq : c->top;
    return true;
}

static const struct cluster_observer *observer_of(const struct naive_log *l, const struct public_key *key) {
    for (unsigned i = 0; i < l->cluster->observer_count; i++)
        if (public_key_equal(&l->cluster->observers[i].key, key))
            return &l->cluster->observers[i];
    return NULL;
}

static bool speaks_for(const struct cluster_observer *who, const char *host) {
    for (unsigned i = 0; i < who->host_count; i++)
        if (strcmp(who->hosts[i], "*") == 0 || strcmp(who->hosts[i], host) == 0)
            return true;
    return false;
}

static void feed_results(struct naive_log *l, const struct request *r) {
    const struct cluster_observer *who = observer_of(l, &r->client);
    struct buffer refused = {0}, text = {0};
    unsigned taken = 0;
    if (!who)
        return;
    for (unsigned i = 0; i < r->observe.count; i++) {
        const struct observation *o = &r->observe.list[i];
        bool convict = false;
        enum error e = !speaks_for(who, o->host) && !naive_is_convicted(&l->model, who->name)
                           ? ERR_NOT_YOUR_HOST
                           : naive_observe(&l->model, who->name, o, &convict);
        if (convict)
            naive_convict(&l->model, who->name);
        if (e == ERR_OK)
            taken++;
        else
            buffer_printf(&refused, ", %u %s", i, error_name(e));
    }
    buffer_printf(&text, "%u taken%s", taken, buffer_cstr(&refused));
    compare_refusals(l, r, &text);
    buffer_free(&text);
    buffer_free(&refused);
}

static const struct request *blob_of(const struct naive_log *l, const struct digest *whole) {
    for (size_t b = 0; b < l->batch_count; b++)
        for (size_t i = 0; i < l->batches[b].count; i++) {
            const struct request *r = l->batches[b].requests[i];
            if (r->kind == OP_BLOB && digest_equal(&r->blob.whole, whole))
                return r;
        }
    return NULL;
}

static void feed_apply(struct naive_log *l, const struct request *r) {
    const struct request *blob = blob_of(l, &r->apply.whole);
    struct objects *objects = NULL;
    struct buffer why = {0};
    ENSURE(blob != NULL && objects_decode(&objects, blob->blob.part, &why) == ERR_OK);
    naive_apply(&l->model, objects);
    buffer_free(&why);
}

/* Whether evidence proves anything is not the model's business: what the machine said of it is taken as given, and the
   checker knows who may be blamed. */
static void feed_evidence(struct naive_log *l) {
    struct arena arena = {0};
    struct alert a;
    if (next_alert(l, &a, &arena) && a.type == ALERT_SYSTEM) {
        const struct cluster_observer *who = NULL;
        for (unsigned i = 0; i < l->cluster->observer_count; i++) {
            const char *name = l->cluster->observers[i].name;
            if (strncmp(a.output, "observer ", 9) == 0 && strncmp(a.output + 9, name, strlen(name)) == 0)
                who = &l->cluster->observers[i];
        }
        if (who)
            naive_convict(&l->model, who->name);
    }
    arena_free(&arena);
}

static void feed_command(struct naive_log *l, const struct request *r) {
    enum error e = naive_command(&l->model, l->cluster->operators[0].name, &r->command);
    sim_counts(l->sim)->commands += e == ERR_OK;
    compare_result(l, r, e);
}

static void feed(struct naive_log *l, const struct request *r) {
    if (!takes_effect(l, r))
        return;
    switch (r->kind) {
    case OP_OBSERVE:
        feed_results(l, r);
        break;
    case OP_APPLY:
        feed_apply(l, r);
        break;
    case OP_EVIDENCE:
        if (r->evidence.kind == EV_OBS_EQUIV)
            feed_evidence(l);
        break;
    case OP_COMMAND:
        feed_command(l, r);
        break;
    case OP_QUERY:
        compare_page(l, r);
        break;
    default:
        break;
    }
}

void naive_log_judge(struct naive_log *l) {
    l->model = (struct naive){.gap = l->cluster->knobs.cluster_gap_ms, .self = l, .raise = compare_alert};
    for (size_t b = 0; b < l->batch_count && !l->broken; b++) {
        const struct executed_batch *batch = &l->batches[b];
        if (!batch->empty)
            naive_advance(&l->model, batch->n, batch->t);
        for (size_t i = 0; i < batch->count && !l->broken; i++)
            feed(l, batch->requests[i]);
        if (!l->broken)
            compare_rest(l);
    }
    if (!l->broken && l->judged != l->alert_count)
        differs(l, "alerts", "no more", "more");
    sim_counts(l->sim)->modelled++;
}
