/* A story of the protocol: the lines of a text file, played on a cluster of cores in memory. README.md tells its
   words. A story that breaks ends its test at its line. */
#ifndef QUORATE_TESTS_SCRIPT_H
#define QUORATE_TESTS_SCRIPT_H

#include "tests/unit/pbft_cluster.h"

enum { WORDS_MAX = 64, LINE_LEN = 400, FILTERS_MAX = 16, LABEL_LEN = 120, COVERS_MAX = 16, HASHES_MAX = 256 };

struct words { /* of the line that is played; every one must be used */
    char text[LINE_LEN];
    char *list[WORDS_MAX];
    bool used[WORDS_MAX];
    unsigned count;
};
struct selector {         /* which frames */
    enum frame_type type; /* 0: any */
    member_set from, to;
    bool has_v, has_n;
    uint64_t v, n;
};
struct filter {
    struct selector what;
    bool hold; /* kept for `release`; else lost */
};
struct said { /* a frame that somebody signed, and its place */
    enum frame_type type;
    member_id from;
    view_no v;
    seq_no n;
    struct buffer frame;
};
struct known_batch {
    struct digest d;
    char label[LABEL_LEN];
};
struct short_hash {
    char text[9];
};

struct story {
    const char *path;
    unsigned line;
    bool write, reported, finished, beyond_f;
    struct words words;
    struct cluster *c; /* NULL until the first verb that needs it */
    struct pbft_config config;
    unsigned members;
    member_set traitors; /* silent but for what the story says in their name */
    member_set liars;    /* go on as they are, and say more */
    struct filter filters[FILTERS_MAX];
    unsigned filter_count;
    member_set groups[MEMBERS_MAX]; /* nothing passes between them; 0 of them: no cut */
    unsigned group_count;
    struct parcel_in_flight *held;
    size_t held_count;
    struct said *said;
    size_t said_count;
    struct known_batch *batches;
    size_t batch_count;
    unsigned sent[FRAME_TYPE_LIMIT][MEMBERS_MAX][MEMBERS_MAX]; /* since `mark` */
    unsigned door[MEMBERS_MAX][ERR_LIMIT];                     /* what admit refused */
    size_t traced, marked;                                     /* in the trace: golden so far, and `mark` */
    struct short_hash hashes[HASHES_MAX];                      /* log hashes and roots, in order of appearance */
    unsigned hash_count;
    char covers[COVERS_MAX][12]; /* rows of README.md that the story proves */
    unsigned cover_count;
    uint64_t status_counter;
    struct node backups[MEMBERS_MAX]; /* their disks only */
};

/* --- words.c: the line --- */
/* "path:line: ..." and the end of the test. */
_Noreturn void story_fail(struct story *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
void words_split(struct story *s, const char *line);
void words_end(struct story *s);                          /* fails when a word was not understood */
const char *word_peek(struct story *s);                   /* the next unused word, NULL at the end */
const char *word_next(struct story *s, const char *what); /* fails when there is none */
bool word_is(struct story *s, const char *word);          /* takes it if it is the next one */
const char *word_value(struct story *s, const char *key); /* of KEY=VALUE anywhere in the line; NULL: not there */
uint64_t word_number(struct story *s, const char *key, uint64_t otherwise);
bool word_flag(struct story *s, const char *flag); /* that word stands anywhere in the line */
uint64_t number_of(struct story *s, const char *text);
member_set members_of(struct story *s, const char *text); /* "all", "0,2", "2" */
enum frame_type type_of(struct story *s, const char *text);
/* TYPE or all, then FROM->TO, from FROM, to TO, v=V, n=N. */
struct selector selector_next(struct story *s);

/* --- names.c: requests, batches and hashes by names that people read --- */
/* "A1" is number 1 of client A; each ' behind it is another content under that number. Appends the request's frame. */
struct request_ref request_named(struct story *s, const char *name, struct buffer *frame);
/* "A1+B2", "null"; "B7:A1" names A1 as B's number 7. Appends the encoded batch. */
struct digest batch_named(struct story *s, const char *name, struct buffer *bytes);
void batch_learn(struct story *s, struct bytes encoded);
/* The batch's name, or the digest's first digits. */
const char *batch_label(struct story *s, const struct digest *d);
/* A trace line with names in place of digests. */
void trace_name(struct story *s, struct buffer *out, const char *line, size_t len);

/* --- seen.c: what was signed --- */
void seen_attach(struct story *s);
void seen_add(struct story *s, struct bytes frame);
void seen_free(struct story *s);
bool selector_matches(const struct selector *x, member_id from, member_id to, const struct msg *m);
/* The signature of that member over these bytes: as it was seen, or made with a key that the story owns. */
bool seen_signature(struct story *s, enum frame_type type, member_id member, struct bytes body, struct signature *out);
/* The newest frame of that type, signer (MEMBER_NONE: any) and view; NULL: never seen. */
const struct said *seen_find(const struct story *s, enum frame_type type, member_id from, view_no v);
struct digest new_view_digest(struct story *s, view_no v); /* zero for view 0 */

/* --- world.c: what happens to the cluster --- */
struct cluster *story_cluster(struct story *s);
bool world_verb(struct story *s, const char *verb); /* false: no verb of it */
member_set story_honest(struct story *s);           /* members that run and do not lie */
void story_end(struct story *s);
void story_free(struct story *s);

/* --- proofs.c: certificates out of what was seen --- */
unsigned proof_prepared(struct story *s, struct prepared_entry *out, unsigned max, view_no below, seq_no above);
void proof_checkpoint(struct story *s, struct checkpoint_cert *out, seq_no n);
unsigned proof_commits(struct story *s, const struct vote *v, struct member_signature *out);

/* --- traitor.c, traitor_view.c: words in a traitor's name --- */
void traitor_verb(struct story *s);
/* As it arrives: judged as admit judges it, then heard. */
void frame_show(struct story *s, member_id from, member_set to, struct bytes raw);
void traitor_says(struct story *s, member_id from, member_set to, const struct msg *m);
void say_view_change(struct story *s, member_id from, member_set to);
void say_new_view(struct story *s, member_id from, member_set to);

/* --- expect.c --- */
void expect_verb(struct story *s);

/* --- golden.c: the trace block --- */
/* Appends the lines since the last block, grouped by members, and takes them as told. */
void golden_render(struct story *s, struct buffer *out, member_set who);

#endif
