/* What the files of the traitors share; nobody else includes this. */
#ifndef QUORATE_REPLICA_FAULT_PARTS_H
#define QUORATE_REPLICA_FAULT_PARTS_H

#include "proto/codec.h"
#include "replica/fault.h"

enum {
    FAULT_KEPT = 512,         /* proposals whose lie is remembered, so that it is told again alike */
    FAULT_HELD = 4096,        /* frames held back at a time */
    FAULT_OLD_REFS = 256,     /* references that a primary proposes again */
    FAULT_TURN_MS = 10,       /* how often a traitor that invents frames does so */
    FAULT_FRAMES_A_TURN = 64, /* at most */
};

struct fault;
struct behaviour {
    const char *name, *parameter; /* parameter: what stands behind the colon, for --help; NULL: nothing may */
    int64_t standard, highest;    /* of the parameter */
    /* Appends what is sent instead of the frame; nothing appended: withheld. NULL: this way is honest. */
    void (*send)(struct fault *f, struct buffer *out, member_id to, struct bytes frame);
    void (*answer)(struct fault *f, struct buffer *out, struct bytes frame);
    /* NULL or: is what came in heard at all? */
    bool (*hears)(struct fault *f, const struct public_key *client);
    /* NULL or: how long the frame is held back before it leaves, in ms. */
    mono_ms (*delay)(struct fault *f, member_id to, struct bytes frame);
    /* NULL or: every FAULT_TURN_MS; sends what it likes by fault_say. */
    void (*turn)(struct fault *f);
};
struct held_frame {
    mono_ms at;
    member_id to;
    struct buffer frame;
};
struct told_lie { /* the altered proposal for (v, n) */
    view_no v;
    seq_no n;
    struct buffer frame;
};
struct fault {
    const struct behaviour *behaviour;
    int64_t parameter;
    bool waits; /* honest until fault_toggle */
    const struct cluster *cluster;
    member_id self;
    struct secret_key secret;
    struct node_world inner;
    struct buffer scratch;
    uint64_t bites;
    mono_ms now, turn_at;
    uint64_t counter;             /* of whatever a behaviour counts */
    mono_ms dripped[MEMBERS_MAX]; /* when the last proposal left for each */
    struct buffer sample;         /* a frame to make bad copies of */
    size_t held_count;
    struct held_frame *held; /* in order of arrival */
    struct told_lie *told;   /* by n mod FAULT_KEPT; NULL until needed */
    struct request_ref old[FAULT_OLD_REFS];
    size_t old_count; /* ever kept */
};

void fault_pass(struct buffer *out, struct bytes frame);
struct seal_context fault_seal_context(const struct fault *f, enum frame_type type, epoch_no epoch);
/* Decodes a frame of this type; anything else is not for the behaviour. */
bool fault_take_apart(struct msg *m, struct arena *arena, struct bytes frame, enum frame_type type);
/* Seals m with the traitor's key, or without a signature where the type has none. */
void fault_seal(struct fault *f, struct buffer *out, const struct msg *m);
/* Sends a frame that no honest replica would have sent, beside the filter. */
void fault_say(struct fault *f, member_id to, struct bytes frame);
bool fault_is(struct bytes frame, enum frame_type type);

/* fault_outputs.c */
void send_false_receipts(struct fault *f, struct buffer *out, member_id to, struct bytes frame);
void answer_false_receipts(struct fault *f, struct buffer *out, struct bytes frame);
void answer_false_alerts(struct fault *f, struct buffer *out, struct bytes frame);

/* fault_primary.c */
void send_two_stories(struct fault *f, struct buffer *out, member_id to, struct bytes frame);
void send_beyond_a_gap(struct fault *f, struct buffer *out, member_id to, struct bytes frame);
void send_to_all_but_one(struct fault *f, struct buffer *out, member_id to, struct bytes frame);
void send_the_old_again(struct fault *f, struct buffer *out, member_id to, struct bytes frame);
mono_ms delay_proposals(struct fault *f, member_id to, struct bytes frame);
mono_ms delay_by_drips(struct fault *f, member_id to, struct bytes frame);
bool hears_all_but_one_client(struct fault *f, const struct public_key *client);

/* fault_backup.c */
void send_nothing(struct fault *f, struct buffer *out, member_id to, struct bytes frame);
void answer_nothing(struct fault *f, struct buffer *out, struct bytes frame);
void send_wrong_votes(struct fault *f, struct buffer *out, member_id to, struct bytes frame);
void send_commits_to_all_but_one(struct fault *f, struct buffer *out, member_id to, struct bytes frame);
void send_false_status(struct fault *f, struct buffer *out, member_id to, struct bytes frame);
void send_and_keep_a_sample(struct fault *f, struct buffer *out, member_id to, struct bytes frame);
void turn_wishes(struct fault *f);
void turn_garbage(struct fault *f);
void turn_bad_signatures(struct fault *f);

#endif
