/* The kinds of evidence by name, and how two bundles of results are compared. */
#include "proto/evidence.h"

#include <stdlib.h>
#include <string.h>

static const struct kind {
    const char *code, *name, *explanation;
    enum evidence_weight weight;
} kinds[EV_KIND_LIMIT] = {
    [EV_EQUIV_PP] = {"EV1", "EQUIV_PP", "signed two different proposals for one place of the log", EVIDENCE_CONVICTS},
    [EV_EQUIV_PREPARE] = {"EV2", "EQUIV_PREPARE", "signed two different PREPAREs for one place of the log",
                          EVIDENCE_CONVICTS},
    [EV_EQUIV_COMMIT] = {"EV3", "EQUIV_COMMIT", "signed a COMMIT that contradicts another vote of its own in that view",
                         EVIDENCE_CONVICTS},
    [EV_EQUIV_CKPT] = {"EV4", "EQUIV_CKPT", "signed two different checkpoints of one place of the log",
                       EVIDENCE_CONVICTS},
    [EV_BAD_CKPT] = {"EV5", "BAD_CKPT", "signed a checkpoint that contradicts the one which a quorum signed: diverged",
                     EVIDENCE_FAULT},
    [EV_VC_OMISSION] = {"EV6", "VC_OMISSION", "left out of its VIEW-CHANGE what it had committed", EVIDENCE_CONVICTS},
    [EV_BAD_VC] = {"EV7", "BAD_VC", "signed a VIEW-CHANGE whose proof is wrong", EVIDENCE_CONVICTS},
    [EV_BAD_NV] = {"EV8", "BAD_NV", "signed or endorsed a NEW-VIEW against what its proof demands", EVIDENCE_CONVICTS},
    [EV_EQUIV_NV] = {"EV9", "EQUIV_NV", "signed two different NEW-VIEWs for one view", EVIDENCE_CONVICTS},
    [EV_EQUIV_VC] = {"EV10", "EQUIV_VC", "signed two different VIEW-CHANGEs for one view", EVIDENCE_CONVICTS},
    [EV_TICK_EQUIV] = {"EV11", "TICK_EQUIV", "signed two different ticks under one number", EVIDENCE_FAULT},
    [EV_OBS_EQUIV] = {"EV12", "OBS_EQUIV", "signed two contents under one obs_seq", EVIDENCE_CONVICTS},
    [EV_CLIENT_EQUIV] = {"EV13", "CLIENT_EQUIV", "signed two different requests under one number", EVIDENCE_CLIENT},
    [EV_BAD_RECEIPT] = {"EV14", "BAD_RECEIPT", "signed a receipt that contradicts f+1 others: diverged",
                        EVIDENCE_FAULT},
};

static const struct kind *kind_of(enum evidence_kind k) {
    static const struct kind none = {"?", "?", "?", EVIDENCE_CLIENT};
    return (unsigned)k < EV_KIND_LIMIT && kinds[k].code ? &kinds[k] : &none;
}

const char *evidence_code(enum evidence_kind k) {
    return kind_of(k)->code;
}

const char *evidence_name(enum evidence_kind k) {
    return kind_of(k)->name;
}

const char *evidence_explanation(enum evidence_kind k) {
    return kind_of(k)->explanation;
}

enum evidence_weight evidence_weight(enum evidence_kind k) {
    return kind_of(k)->weight;
}

enum evidence_kind evidence_kind_of(const char *text) {
    for (unsigned k = 1; k < EV_KIND_LIMIT; k++) {
        if (strcmp(text, kinds[k].code) == 0 || strcmp(text, kinds[k].name) == 0) {
            return (enum evidence_kind)k;
        }
    }
    return (enum evidence_kind)0;
}

/* ---- EV12 ---- */

static int find_place(const void *key, const void *element) {
    return observation_place_compare(key, *(const struct observation *const *)element);
}

/* Two results of one place. */
static bool same_content(const struct observation *a, const struct observation *b) {
    return a->state == b->state && a->observed_at == b->observed_at && strcmp(a->output, b->output) == 0 &&
           strcmp(a->perfdata, b->perfdata) == 0;
}

bool evidence_observation_conflict(const struct request *a, const struct request *b, struct buffer *what,
                                   uint64_t *obs_seq) {
    const struct observation *sorted[OBSERVE_MAX];
    if (a->kind != OP_OBSERVE || b->kind != OP_OBSERVE || !public_key_equal(&a->client, &b->client)) {
        return false;
    }
    observations_by_place(sorted, &b->observe);
    for (unsigned i = 0; i < a->observe.count; i++) {
        const struct observation *x = &a->observe.list[i];
        const struct observation *const *y = bsearch(x, sorted, b->observe.count, sizeof *sorted, find_place);
        if (!y || same_content(x, *y)) {
            continue;
        }
        if (what) {
            buffer_printf(what, "%s%s%s", x->host, *x->service ? "/" : "", x->service);
        }
        if (obs_seq) {
            *obs_seq = x->obs_seq;
        }
        return true;
    }
    return false;
}
