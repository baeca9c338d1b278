/* What a running cluster shows of itself during a drill: the members' own claims compared with each other, and what was
   proven against whom. */
#include "base/invariant.h"
#include "client/drill/live_parts.h"

#include <inttypes.h>
#include <string.h>

enum { ROUND_MS = 1500, PROOFS_MS = 5000 };

/* ---- claims ---- */

static void judge_claims(struct live *l) {
    for (member_id m = 0; m < l->health.members; m++) {
        if (m == l->target) {
            continue; /* it may say what it likes until it is back */
        }
        if (set_has(l->health.other_log, m)) {
            live_broken(l, PROMISE_AGREEMENT, "replica %u has another log at n=%" PRIu64, m, l->status[m].executed);
        }
        if (set_has(l->health.other_root, m)) {
            live_broken(l, PROMISE_AGREEMENT, "replica %u has another state at n=%" PRIu64, m, l->status[m].stable);
        }
    }
}

static void compare_target(struct live *l) {
    const struct msg_status *t = &l->status[l->target];
    for (member_id m = 0; l->reachable[l->target] && m < l->health.members; m++) {
        if (m != l->target && l->reachable[m] && l->status[m].executed == t->executed) {
            l->same_log |= digest_equal(&l->status[m].log_hash, &t->log_hash);
        }
    }
}

void live_look(struct live *l) {
    client_status(l->order->client, ROUND_MS, l->status, l->reachable);
    health_judge(&l->health, l->order->cluster->member_count, l->status, l->reachable);
    judge_claims(l);
    compare_target(l);
    if (l->record.id != 0 && l->health.view > l->view) {
        live_detected(l, "view %" PRIu64 ", replica %u leads", l->health.view,
                      (unsigned)primary_of(l->health.view, l->health.members));
        l->view = l->health.view;
    }
}

/* Those of the drills of primaries, whatever their parameter. */
bool live_needs_primary(const char *behaviour) {
    size_t len = strcspn(behaviour, ":");
    for (const struct drill *d = drills_of_primaries; d->name != NULL; d++) {
        if (d->live != NULL && strcspn(d->live, ":") == len && memcmp(d->live, behaviour, len) == 0) {
            return true;
        }
    }
    return false;
}

bool live_target_is_back(const struct live *l) {
    const struct msg_status *s = &l->status[l->target];
    return l->reachable[l->target] && s->phase == PHASE_ACTIVE && s->view == l->health.view && l->same_log &&
           !set_has(l->health.other_log, l->target);
}

/* ---- proofs ---- */

static json_t *proof_json(const struct evidence_record *r, member_id culprit) {
    char who[24];
    snprintf(who, sizeof who, "replica %u", (unsigned)culprit);
    json_t *j = json_pack("{s:s, s:s, s:s, s:I, s:s, s:I, s:I}", "kind", evidence_code(r->kind), "name",
                          evidence_name(r->kind), "culprit", who, "n", (json_int_t)r->n, "explanation",
                          evidence_explanation(r->kind), "drill", (json_int_t)r->drill, "count", (json_int_t)r->count);
    REQUIRE(j != NULL);
    return j;
}

struct proofs {
    struct live *l;
    struct keyring *keys;
    json_t *drilled; /* those of this drill, from this round of questions */
};

static void take_proof(const struct proofs *p, const struct evidence_record *r) {
    struct live *l = p->l;
    const struct key_entry *who = keyring_find(p->keys, &r->culprit);
    if (r->last_n < l->record.started_n || who == NULL || who->role != ROLE_MEMBER) {
        return;
    }
    if (r->drill == 0 && evidence_weight(r->kind) != EVIDENCE_CLIENT) {
        live_broken(l, PROMISE_ACCOUNTABILITY, "replica %u: it %s (%s), which no drill made it do",
                    (unsigned)who->index, evidence_explanation(r->kind), evidence_code(r->kind));
    } else if (r->drill == l->record.id) {
        if (json_array_size(l->evidence) + json_array_size(p->drilled) == 0) {
            live_detected(l, "replica %u is proven to be drilled: %s", (unsigned)who->index, evidence_code(r->kind));
        }
        json_array_append_new(p->drilled, proof_json(r, who->index));
    }
}

static enum error take_record(void *context, struct reader *r) {
    const struct proofs *p = context;
    struct evidence_record record;
    enum error e = evidence_record_decode(&record, r);
    if (e == ERR_OK) {
        take_proof(p, &record);
    }
    return e;
}

void live_proofs(struct live *l) {
    struct proofs p = {l, cluster_keyring(l->order->cluster), json_array()};
    struct buffer why = {0};
    /* What failed is asked again, and all that was known before is kept. */
    if (live_records(l->order, QUERY_EVIDENCE, PROOFS_MS, take_record, &p, &why) == ERR_OK ||
        json_array_size(p.drilled) > json_array_size(l->evidence)) {
        json_decref(l->evidence);
        l->evidence = json_incref(p.drilled);
    }
    json_decref(p.drilled);
    buffer_free(&why);
    keyring_free(p.keys);
}
