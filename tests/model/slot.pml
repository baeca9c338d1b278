/* One slot of quorate's ordering (R4) over view changes (R6): four replicas, one of them a traitor. Agreement is
   asserted whenever a COMMIT certificate comes to exist. tests/model/run searches every state.

   The network is asynchronous to the utmost: what was ever signed exists for everybody from then on, and each honest
   replica acts on any of it, at any time or never. The traitor has signed everything under its own key from the start;
   it cannot sign for others. So a "message" is a signer's bit in a set, and no queue is needed.

   Left out, since they only take choices away: payloads, nv_digest (two NEW-VIEWs of a traitor that lead to one digest
   count as one), watermarks, the order in which clients ask (the two digests may be proposed by anybody at any time).

   VIEWS views are searched. TRAITOR pins the traitor; without it all four are tried. MUTANT_x breaks rule x. */

#ifndef VIEWS
#define VIEWS 3
#endif

#define N 4
#define Q 3                     /* floor((n+f)/2)+1 */
#define DIGESTS 2               /* what may be proposed: 1 and 2; 0 is nothing */
#define primary(v) ((v) % N)
#define at(i, v) ((i) * VIEWS + (v))
#define of(v, d) ((v) * (DIGESTS + 1) + (d))
#define bit_of(i) (1 << (i))
#define everybody 15
#define has(set, i) (((set) >> (i)) & 1)
#define count(set) (has(set, 0) + has(set, 1) + has(set, 2) + has(set, 3))

/* ---- the quorums, and what breaks them ---- */

#ifdef MUTANT_PREPARE_SHORT     /* R4: Q-1 PREPAREs beside the PRE-PREPARE */
#define PREPARES (Q - 2)
#else
#define PREPARES (Q - 1)
#endif
#ifdef MUTANT_COMMIT_SHORT      /* R4: Q COMMITs decide */
#define COMMITS (Q - 1)
#else
#define COMMITS Q
#endif
#ifdef MUTANT_PRIMARY_COUNTED   /* R4: the primary's own PREPARE is refused: its PRE-PREPARE is its vote */
#define backups(v) everybody
#else
#define backups(v) (everybody - bit_of(primary(v)))
#endif

/* ---- what was signed: of honest replicas a set of signers, the traitor always among them ---- */

byte proposed[VIEWS];                      /* set of digests with a PRE-PREPARE */
byte prepares[VIEWS * (DIGESTS + 1)];      /* of(v, d): who signed PREPARE */
byte commits[VIEWS * (DIGESTS + 1)];       /* of(v, d): who signed COMMIT */
byte changes[VIEWS];                       /* who signed a VIEW-CHANGE for v; its one P entry: */
byte entry_view[N * VIEWS];                /* 1 + the view in which it prepared, 0: nothing prepared */
byte entry_digest[N * VIEWS];

/* ---- what an honest replica has on its disk (R14) ---- */

byte view[N];
bit voting[N];
byte accepted[N * VIEWS];                  /* the digest whose PRE-PREPARE it accepted (as primary: sent) */
bit prepared[N * VIEWS];                   /* it holds a certificate for that, and sent COMMIT */

byte traitor;
byte decided;                              /* the first digest with a COMMIT certificate */

/* Scratch of one step; no part of a state. */
hidden byte i, v, d, u, k, left_out, best, claim_view, claim_digest;
hidden byte valid;

/* Some view below limit, some digest. */
inline any_view(var, limit) {
    var = 0;
    do
    :: var + 1 < limit -> var++
    :: break
    od
}
inline any_digest(var) {
    if
    :: var = 1
    :: var = 2
    fi
}

/* R4: PRE-PREPARE and Q-1 PREPAREs of other members, byte-equal in (v, n, d). */
#ifdef MUTANT_DIGEST_IGNORED
#define prepare_set(v, d) (prepares[of(v, 1)] | prepares[of(v, 2)])
#else
#define prepare_set(v, d) prepares[of(v, d)]
#endif
#define certified(v, d) (has(proposed[v], d) && count(prepare_set(v, d) & backups(v)) >= PREPARES)

/* I1. Whoever holds Q COMMITs decides, whatever its view and phase: so a certificate that exists is a decision. */
inline check_agreement(v, d) {
    if
    :: count(commits[of(v, d)]) >= COMMITS ->
        assert(decided == 0 || decided == d);
        decided = d;
#ifdef WITNESS_LAST_VIEW
        assert(v != VIEWS - 1)
#endif
    :: else
    fi
}

/* A1-A5: the first PRE-PREPARE of the view that it sees; a backup answers it with PREPARE, the primary with nothing. */
inline accept(i, v, d) {
    accepted[at(i, v)] = d;
    if
    :: primary(v) == i -> proposed[v] = proposed[v] | bit_of(d)
    :: else -> prepares[of(v, d)] = prepares[of(v, d)] | bit_of(i)
    fi
}

inline send_commit(i, v) {
    prepared[at(i, v)] = 1;
    commits[of(v, accepted[at(i, v)])] = commits[of(v, accepted[at(i, v)])] | bit_of(i);
    check_agreement(v, accepted[at(i, v)])
}

/* R6: leaves for view v with a VIEW-CHANGE that reports, of all earlier views, the highest in which it prepared. */
inline send_view_change(i, v) {
    view[i] = v;
    voting[i] = 0;
    changes[v] = changes[v] | bit_of(i);
    u = 0;
    do
    :: u < v ->
        if
#if defined(MUTANT_PREPARED_FORGOTTEN)
        :: false
#elif defined(MUTANT_LAST_VIEW_ONLY)
        :: prepared[at(i, u)] && u == v - 1 ->
#elif defined(MUTANT_LOWEST_REPORTED)
        :: prepared[at(i, u)] && entry_view[at(i, v)] == 0 ->
#else
        :: prepared[at(i, u)] ->
#endif
            entry_view[at(i, v)] = u + 1;
            entry_digest[at(i, v)] = accepted[at(i, u)]
        :: else
        fi;
        u++
    :: else -> break
    od
}

/* The traitor's VIEW-CHANGE for v: nothing, or an entry that it can prove. */
inline claim(v) {
    claim_view = 0;
    claim_digest = 0;
    if
    :: true
    :: !has(left_out, traitor) ->
       any_view(u, v);
       any_digest(d);
       if
#ifdef MUTANT_CLAIM_UNPROVEN
       :: true ->
#else
       :: certified(u, d) ->
#endif
          claim_view = u + 1;
          claim_digest = d
       :: else
       fi
    fi
}

/* R6: the entry with the highest view wins. */
#ifdef MUTANT_ANY_ENTRY
#define better(w) ((w) > 0 && best == 0)
#else
#define better(w) ((w) > best)
#endif
inline weigh(w, digest) {
    if
    :: better(w) ->
        best = w;
        d = digest
    :: else
    fi
}

/* Whom a NEW-VIEW does without. */
inline leave_out() {
    if
    :: left_out = bit_of(0)
    :: left_out = bit_of(1)
    :: left_out = bit_of(2)
    :: left_out = bit_of(3)
#ifdef MUTANT_NEW_VIEW_SHORT        /* R6: a NEW-VIEW holds Q VIEW-CHANGEs */
    :: left_out = bit_of(0) | bit_of(1)
    :: left_out = bit_of(0) | bit_of(2)
    :: left_out = bit_of(0) | bit_of(3)
    :: left_out = bit_of(1) | bit_of(2)
    :: left_out = bit_of(1) | bit_of(3)
    :: left_out = bit_of(2) | bit_of(3)
#endif
    fi
}

/* The highest entry of all that are not left out, into d. */
inline weigh_all(v) {
    best = 0;
    d = 0;
    k = 0;
    do
    :: k < N ->
        if
        :: has(left_out, k)
        :: else ->
            if
            :: k == traitor -> weigh(claim_view, claim_digest)
            :: else -> weigh(entry_view[at(k, v)], entry_digest[at(k, v)])
            fi
        fi;
        k++
    :: else -> break
    od
}

/* R6: d becomes what follows for view v from some set of Q VIEW-CHANGEs, or anything when none of them prepared.
   valid: there is such a set. */
inline new_view(v) {
    leave_out();
    valid = ((changes[v] | bit_of(traitor) | left_out) == everybody);
    if
    :: valid ->
        claim(v);
        weigh_all(v)
    :: else
    fi;
#ifdef MUTANT_NEW_VIEW_UNCHECKED
    if
    :: valid && primary(v) == traitor -> d = 0
    :: else
    fi;
#endif
    if
    :: valid && d == 0 -> any_digest(d)
    :: else
    fi
}

/* A backup behind an honest primary takes the one NEW-VIEW that this one made; behind the traitor, which can make
   several, each may get another. */
inline enter(i, v) {
    if
    :: primary(v) != traitor && primary(v) != i ->
        d = accepted[at(primary(v), v)];
        valid = (d != 0)
    :: else -> new_view(v)
    fi;
    if
    :: valid ->
        view[i] = v;
        voting[i] = 1;
        accept(i, v, d)
    :: else
    fi
}

/* ---- one step of one honest replica i ---- */

inline accept_in_view_0() {
    any_digest(d);
    if
    :: i == 0 || primary(0) == traitor || has(proposed[0], d) -> accept(i, 0, d)
    :: else
    fi
}

inline step() {
    v = view[i];
    if
#ifdef MUTANT_SECOND_ACCEPTED       /* A2: no other digest for (v, n) */
    :: v == 0 && voting[i] && i != 0 && !prepared[at(i, 0)] -> accept_in_view_0()
#else
    :: v == 0 && voting[i] && accepted[at(i, 0)] == 0 -> accept_in_view_0()
#endif
#ifdef MUTANT_COMMIT_UNPREPARED     /* I6: no COMMIT without the certificate */
    :: voting[i] && accepted[at(i, v)] != 0 && !prepared[at(i, v)] -> send_commit(i, v)
#else
    :: voting[i] && accepted[at(i, v)] != 0 && !prepared[at(i, v)] && certified(v, accepted[at(i, v)]) ->
        send_commit(i, v)
#endif
    :: v + 1 < VIEWS ->
        v++;
        send_view_change(i, v)
    :: !voting[i] -> enter(i, v)
    :: v + 1 < VIEWS ->             /* a NEW-VIEW proves itself: who is behind adopts it */
        v++;
        enter(i, v)
#ifdef MUTANT_VOTE_BELOW_VIEW       /* I7: after VIEW-CHANGE(v) no vote below v */
    :: v > 0 && accepted[at(i, v - 1)] != 0 && !prepared[at(i, v - 1)] && certified(v - 1, accepted[at(i, v - 1)]) ->
        send_commit(i, v - 1)
#endif
#ifdef MUTANT_AMNESIA               /* S2: what was sent is on disk; here a restart forgets the newest votes */
    :: voting[i] && accepted[at(i, v)] != 0 ->
        accepted[at(i, v)] = 0;
        prepared[at(i, v)] = 0
#endif
    :: else
    fi
}

/* ---- ---- */

inline some_traitor() {
#ifdef TRAITOR
    traitor = TRAITOR;
#else
    if
    :: traitor = 1
    :: traitor = 2
    :: traitor = 0
    :: traitor = 3
    fi;
#endif
}

inline traitor_signs_everything() {
    v = 0;
    do
    :: v < VIEWS ->
        if
        :: primary(v) == traitor -> proposed[v] = bit_of(1) | bit_of(2)
        :: else
        fi;
        prepares[of(v, 1)] = bit_of(traitor);
        prepares[of(v, 2)] = bit_of(traitor);
        commits[of(v, 1)] = bit_of(traitor);
        commits[of(v, 2)] = bit_of(traitor);
        v++
    :: else -> break
    od
}

active proctype replicas() {
    atomic {
        some_traitor();
        traitor_signs_everything();
        i = 0;
        do
        :: i < N ->
            voting[i] = 1;
            i++
        :: else -> break
        od
    }
end:
    do
    :: atomic {
        if
        :: traitor != 0 -> i = 0
        :: traitor != 1 -> i = 1
        :: traitor != 2 -> i = 2
        :: traitor != 3 -> i = 3
        fi;
        step()
       }
    od
}
