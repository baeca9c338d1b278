/* Gathers one output as several replicas report it. Each different (output, place, root) is a candidate that collects
   the receipts signed for it; the first with F of them is believed, because one of F members is honest. What a member
   can make us keep is bounded: it may introduce GATHER_OFFERS_MAX candidates, and each must carry a valid signature. */
#include "client/session.h"

#include "base/invariant.h"

#include <stdlib.h>
#include <string.h>

struct candidate {
    struct certificate cert; /* receipts: the union seen so far, sorted by replica */
    struct buffer leaf;
    member_set relayers;
};

struct gather {
    struct verifier verifier;
    struct candidate *offers[MEMBERS_MAX][GATHER_OFFERS_MAX]; /* by the member that introduced it */
    const struct candidate *proven;
    struct output output; /* the proven one, cut to F receipts */
};

struct gather *gather_new(const struct verifier *v) {
    struct gather *g = xcalloc(1, sizeof *g);
    g->verifier = *v;
    return g;
}

static void candidate_free(struct candidate *c) {
    if (c != NULL) {
        buffer_free(&c->leaf);
        free(c);
    }
}

void gather_free(struct gather *g) {
    if (g == NULL) {
        return;
    }
    for (unsigned i = 0; i < MEMBERS_MAX; i++) {
        for (unsigned k = 0; k < GATHER_OFFERS_MAX; k++) {
            candidate_free(g->offers[i][k]);
        }
    }
    free(g);
}

/* The path needs no comparison: place and root fix it. */
static bool candidate_is(const struct candidate *c, const struct output *o) {
    return receipt_body_equal(&c->cert.body, &o->cert.body) && c->cert.index == o->cert.index &&
           c->cert.count == o->cert.count && bytes_equal(buffer_bytes(&c->leaf), o->leaf);
}

static struct candidate *gather_find(const struct gather *g, const struct output *o) {
    for (unsigned i = 0; i < g->verifier.members; i++) {
        for (unsigned k = 0; k < GATHER_OFFERS_MAX && g->offers[i][k] != NULL; k++) {
            if (candidate_is(g->offers[i][k], o)) {
                return g->offers[i][k];
            }
        }
    }
    return NULL;
}

static bool candidate_holds(const struct candidate *c, member_id replica) {
    for (unsigned i = 0; i < c->cert.receipts_len; i++) {
        if (c->cert.receipts[i].replica == replica) {
            return true;
        }
    }
    return false;
}

/* Only signatures of members that the candidate lacks cost a verification. */
static enum error judge_receipts(const struct gather *g, const struct candidate *known, const struct certificate *c) {
    if (c->receipts_len == 0) {
        return ERR_TOO_FEW_SIGNATURES;
    }
    for (unsigned i = 0; i < c->receipts_len; i++) {
        const struct receipt_signature *r = &c->receipts[i];
        if (r->replica >= g->verifier.members) {
            return ERR_NOT_A_MEMBER;
        }
        if (i > 0 && c->receipts[i - 1].replica >= r->replica) {
            return ERR_NOT_CANONICAL;
        }
        if (known != NULL && candidate_holds(known, r->replica)) {
            continue;
        }
        if (!receipt_verify(&g->verifier, &c->body, r)) {
            return ERR_BAD_SIGNATURE;
        }
    }
    return ERR_OK;
}

static enum error judge(const struct gather *g, const struct candidate *known, const struct output *o) {
    const struct certificate *c = &o->cert;
    if (c->epoch != g->verifier.epoch) {
        return ERR_WRONG_EPOCH;
    }
    if (c->path_len > MERKLE_PATH_MAX || c->receipts_len > MEMBERS_MAX) {
        return ERR_TOO_MANY;
    }
    if (!merkle_verify(&c->body.output_root, o->leaf, c->index, c->count, c->path, c->path_len)) {
        return ERR_BAD_PROOF;
    }
    return judge_receipts(g, known, c);
}

static struct candidate *gather_introduce(struct gather *g, member_id from, const struct output *o) {
    for (unsigned k = 0; k < GATHER_OFFERS_MAX; k++) {
        if (g->offers[from][k] == NULL) {
            struct candidate *c = xcalloc(1, sizeof *c);
            c->cert = o->cert;
            c->cert.receipts_len = 0;
            buffer_put(&c->leaf, o->leaf.data, o->leaf.len);
            return g->offers[from][k] = c;
        }
    }
    return NULL;
}

static void candidate_join(struct candidate *c, const struct receipt_signature *r) {
    struct certificate *cert = &c->cert;
    unsigned at = 0;
    while (at < cert->receipts_len && cert->receipts[at].replica < r->replica) {
        at++;
    }
    if (at < cert->receipts_len && cert->receipts[at].replica == r->replica) {
        return;
    }
    ENSURE(cert->receipts_len < MEMBERS_MAX);
    memmove(&cert->receipts[at + 1], &cert->receipts[at], (cert->receipts_len - at) * sizeof cert->receipts[0]);
    cert->receipts[at] = *r;
    cert->receipts_len++;
}

static void gather_prove(struct gather *g, const struct candidate *c) {
    unsigned weak = quorum_weak(g->verifier.members);
    if (g->proven == NULL && c->cert.receipts_len >= weak) {
        g->proven = c;
        g->output.leaf = buffer_bytes(&c->leaf);
        g->output.cert = c->cert;
        g->output.cert.receipts_len = weak;
    }
}

enum error gather_add(struct gather *g, member_id from, const struct output *o, member_id *culprit) {
    REQUIRE(from < g->verifier.members);
    struct candidate *c = gather_find(g, o);
    enum error e = judge(g, c, o);
    if (e == ERR_OK && c == NULL) {
        c = gather_introduce(g, from, o);
        e = c == NULL ? ERR_TOO_MANY : ERR_OK;
    }
    if (culprit != NULL) {
        *culprit = e == ERR_OK ? MEMBER_NONE : from;
    }
    if (e != ERR_OK) {
        return e;
    }
    c->relayers |= set_of(from);
    for (unsigned i = 0; i < o->cert.receipts_len; i++) {
        candidate_join(c, &o->cert.receipts[i]);
    }
    gather_prove(g, c);
    return ERR_OK;
}

const struct output *gather_proven(const struct gather *g) {
    return g->proven == NULL ? NULL : &g->output;
}

static member_set candidate_signers(const struct candidate *c) {
    member_set s = 0;
    for (unsigned i = 0; i < c->cert.receipts_len; i++) {
        s |= set_of(c->cert.receipts[i].replica);
    }
    return s;
}

member_set gather_contradicted(const struct gather *g) {
    member_set s = 0;
    for (unsigned i = 0; g->proven != NULL && i < g->verifier.members; i++) {
        for (unsigned k = 0; k < GATHER_OFFERS_MAX && g->offers[i][k] != NULL; k++) {
            const struct candidate *c = g->offers[i][k];
            bool contradicts =
                c->cert.body.n == g->proven->cert.body.n && !receipt_body_equal(&c->cert.body, &g->proven->cert.body);
            s |= contradicts ? candidate_signers(c) : 0;
        }
    }
    return s;
}

member_set gather_mistaken(const struct gather *g) {
    member_set s = 0;
    for (unsigned i = 0; g->proven != NULL && i < g->verifier.members; i++) {
        for (unsigned k = 0; k < GATHER_OFFERS_MAX && g->offers[i][k] != NULL; k++) {
            s |= g->offers[i][k] != g->proven ? g->offers[i][k]->relayers : 0;
        }
    }
    return s;
}
