/* What a running cluster shows of itself during a drill: the members' own claims compared with each other, and what was
   proven against whom. */
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

static void take_proof(struct live *l, const struct keyring *keys, const struct evidence_record *r) {
    const struct key_entry *who = keyring_find(keys, &r->culprit);
    if (r->last_n < l->record.started_n || who == NULL || who->role != ROLE_MEMBER) {
        return;
    }
    if (r->drill == 0 && evidence_weight(r->kind) != EVIDENCE_CLIENT) {
        live_broken(l, PROMISE_ACCOUNTABILITY, "replica %u: it %s (%s), which no drill made it do",
                    (unsigned)who->index, evidence_explanation(r->kind), evidence_code(r->kind));
    } else if (r->drill == l->record.id && l->drilled_proofs == 0) {
        live_detected(l, "replica %u is proven to be drilled: %s", (unsigned)who->index, evidence_code(r->kind));
        l->drilled_proofs++;
    }
}

struct proofs {
    struct live *l;
    struct keyring *keys;
};

static enum error take_record(void *context, struct reader *r) {
    const struct proofs *p = context;
    struct evidence_record record;
    enum error e = evidence_record_decode(&record, r);
    if (e == ERR_OK) {
        take_proof(p->l, p->keys, &record);
    }
    return e;
}

void live_proofs(struct live *l) {
    struct proofs p = {l, cluster_keyring(l->order->cluster)};
    struct buffer why = {0};
    live_records(l->order, QUERY_EVIDENCE, PROOFS_MS, take_record, &p, &why); /* what failed is asked again */
    buffer_free(&why);
    keyring_free(p.keys);
}
