/* Fetches the state as of a certified checkpoint from members that have it (R7): certificate, mids, leaves, pages, each
   checked under the one before at once, from several donors side by side. What the own disk holds is compared leaf by
   leaf and only the rest is fetched. The new state is laid down beside the old one and takes effect in one write.

       IDLE ──core asks──► SEEKING ──offers──► FILLING ──all laid down, durable──► LOADING ──► IDLE, state changed
                              ▲                   │ no donor left, or no progress     │ root differs
                              └───────────────────┴───────────────────────────────────┘ */
#ifndef QUORATE_REPLICA_TRANSFER_H
#define QUORATE_REPLICA_TRANSFER_H

#include "proto/msg.h"
#include "replica/state.h"

enum {
    TRANSFER_ASK_MS = 2000,     /* patience with one request */
    TRANSFER_GATHER_MS = 300,   /* after the first offer, for others of the same checkpoint */
    TRANSFER_HEDGE_MS = 500,    /* what one donor is slow with is asked of an idle one */
    TRANSFER_BAN_MS = 600000,   /* who sent wrong bytes */
    TRANSFER_FAILED_MS = 60000, /* who offered and then did not give comes after all others */
    TRANSFER_STALL_MS = 10000,  /* without a newly proven piece the target is given up */
    TRANSFER_PACE = 256,        /* pieces, or 4 KiB of one, in that time: f donors that give less are given up too */
    TRANSFER_PACE_BYTES = 4096,
    TRANSFER_PARTS_MAX = 32, /* of pages, that may pass for progress between two proven pieces */
    TRANSFER_LATE_MAX = 3,   /* requests a donor may leave without a useful answer in a row */
    TRANSFER_TRACE_MS = 2000,
    TRANSFER_MIDS = 8,             /* mids in work at a time */
    TRANSFER_TURN_BYTES = 1 << 20, /* laid down from the own disk in one turn */
};

enum transfer_step { TRANSFER_IDLE, TRANSFER_SEEKING, TRANSFER_FILLING, TRANSFER_LOADING };

struct piece {
    enum { PIECE_DONE, PIECE_WANTED, PIECE_ASKED } at;
    member_id of;     /* who is asked */
    member_set tried; /* who was asked before and gave nothing */
    mono_ms since;    /* it is asked for, or wanted once more */
};

struct transfer_mid { /* a mid in work: first its leaves, then the pages that differ */
    bool used, has_leaves;
    uint8_t index;
    struct piece node;
    struct digest leaves[STATE_FANOUT];
    unsigned left; /* pages not laid down yet */
    struct piece pages[STATE_FANOUT];
};

struct transfer_donor {
    bool offers; /* an image of the target */
    bool busy;
    bool blamed; /* for its last question */
    mono_ms asked_at, banned_until, failed_until;
    unsigned late;           /* answers that did not come or were of no use, since the last useful one */
    enum st_kind asked_kind; /* of the last question, and the first mid or bucket that it names */
    uint16_t asked_first;
    /* Nonces of the questions that may still be answered: a late answer is as good as any if it proves itself. */
    uint64_t first_nonce, last_nonce;
    /* a page that comes in parts */
    struct buffer part;
    uint16_t part_bucket;
    uint32_t part_total;
    /* SEEKING: what it offered */
    struct checkpoint_cert offer; /* n == 0: nothing */
    struct digest mids[STATE_FANOUT];
};

struct transfer {
    enum transfer_step step;
    seq_no at_least;
    bool repair;
    uint64_t questions; /* of this boot */
    uint32_t part_len;  /* of a page that is longer: ST_PART_MAX */
    mono_ms since, seek_at, first_offer_at, work_at, trace_at, progress_at;
    unsigned parts; /* since the last proven piece */
    mono_ms pace_since;
    unsigned pace;            /* since then: pieces, and 4 KiB of one */
    member_id last_delivered; /* is asked first */
    struct checkpoint_cert target;
    struct digest mids[STATE_FANOUT];
    uint8_t generation; /* that is laid down */
    unsigned next_mid;  /* the first that is not in work */
    unsigned mids_done;
    struct transfer_mid work[TRANSFER_MIDS];
    struct transfer_donor donors[MEMBERS_MAX];
    bool durable;           /* LOADING: the turn that laid down the last piece is */
    uint64_t fetched, kept; /* pages */
    uint64_t bans, completed;
};

struct node;
/* ---- pieces.c ---- */
/* Takes further mids into work and lays down what the own disk has of them; false when this turn has done enough and
   there is more to do at once. */
bool pieces_open(struct node *n);
/* Asks the donor for what is missing; false when nothing is. */
bool pieces_ask(struct node *n, member_id to);
/* What was asked of that member and did not come is wanted again; failed: of another first. */
void pieces_wanted_again(struct node *n, member_id from, bool failed);
/* Others gave all that was asked of this member, or the page whose rest is. */
bool pieces_overtaken(struct node *n, member_id from);
enum pieces_taken {
    PIECES_USELESS, /* nothing that was missing */
    PIECES_PROVEN,  /* at least one that was */
    PIECES_PART,    /* of a page, whose rest was asked for */
    PIECES_WRONG,   /* the donor was banned */
};
enum pieces_taken pieces_take_nodes(struct node *n, member_id from, const struct msg_st_data *m);
enum pieces_taken pieces_take_pages(struct node *n, member_id from, const struct msg_st_data *m);

/* ---- transfer.c ---- */
void transfer_ask(struct node *n, member_id to, const struct msg_st_fetch *f);
/* It sent bytes that do not prove: what, which one. */
void transfer_ban(struct node *n, member_id i, const char *what, unsigned index);
/* The core wants a state of at least n (0: no more). repair: the own one is of no use. */
void transfer_want(struct node *n, seq_no at_least, bool repair);
void transfer_data(struct node *n, member_id from, const struct msg_st_data *d);
void transfer_timeout(struct node *n);
void transfer_flushed(struct node *n);
mono_ms transfer_deadline(const struct node *n);
/* The checkpoint being fetched, 0 when no donor has been found. */
seq_no transfer_target(const struct node *n);
void transfer_close(struct node *n);

#endif
