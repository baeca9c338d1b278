/* What operators attach to objects: comments, acknowledgements, downtimes. One row of numbers for all of them. Private
   to checks/: the store (notes.c, notes_record.c), and what each kind means (downtime.c, acknowledge.c). */
#ifndef QUORATE_CHECKS_NOTES_H
#define QUORATE_CHECKS_NOTES_H

#include "proto/op.h"

struct monitor;
struct object;
struct table;

enum {
    NOTES_MAX = 200000,       /* in all */
    NOTES_OF_OBJECT_MAX = 64, /* each is looked at whenever time or a result moves the object */
    TRIGGER_DEPTH_MAX = 8,    /* downtimes that trigger downtimes */
};

struct note {
    uint64_t id;
    enum note_kind kind;
    uint32_t object;
    struct note *next; /* of the same object, by id */
    char *author, *by, *comment;
    time_ms at;                                     /* T of the command */
    time_ms start, end;                             /* of a downtime; end of an acknowledgement: 0 = never */
    time_ms duration;                               /* of a flexible downtime */
    time_ms ends;                                   /* of a downtime in effect */
    uint64_t trigger;                               /* the downtime that begins it, 0 = none */
    struct note *parent;                            /* that one, NULL when it is gone */
    struct note *triggered, *triggered_last;        /* those that it begins itself, by number */
    struct note *triggered_next, *triggered_before; /* its place among those of its parent */
    bool fixed;                                     /* of an acknowledgement: sticky */
    bool in_effect;                                 /* the downtime has begun; the acknowledgement holds */
    bool persistent;                                /* the comment outlives its acknowledgement */
    bool dirty, stored;
};
struct notes {
    struct note **list; /* by id; NULL where one was removed, until half of them are */
    uint64_t *ids;      /* of the places in list */
    size_t used, cap;   /* places in list */
    size_t count;       /* notes */
    uint64_t last_id;   /* given so far */
};

/* --- notes.c: the store --- */
/* Room for `more` notes on the object? */
bool notes_have_room(const struct monitor *m, const struct object *o, size_t more);
struct note_words {
    const char *author, *by, *comment;
};
/* A new note of the object with the next number; the words are copied. Only while there is room. */
struct note *note_add(struct monitor *m, struct object *o, const struct note *spec, const struct note_words *words);
size_t note_place(const struct monitor *m, uint64_t id);      /* of the first whose number is not below id; see list */
struct note *note_find(const struct monitor *m, uint64_t id); /* NULL: none */
/* As it stands in a record: above all numbers that are there. */
struct note *note_insert(struct monitor *m, struct object *o, const struct note *spec, const struct note_words *words);
void note_touch(struct note *n); /* its record changed */
void note_remove(struct monitor *m, struct note *n);
/* The notes of objects that live on belong to them in `to`; the others vanish. */
void notes_carry(struct monitor *m, struct table *to);
void notes_free(struct notes *n);
void notes_check(const struct monitor *m, const struct object *o); /* invariants of its chain, asserted */
/* The first moment at which time alone changes a note of the object; TIME_NEVER: none. */
time_ms notes_deadline(const struct object *o);
/* What time made due at the object, in the order of the moments at which it was due, then by number. */
void notes_wake(struct monitor *m, struct object *o);

void notes_link_triggers(struct monitor *m); /* all were given */

/* --- notes_record.c --- */
void key_of_note(struct buffer *out, const struct note *n);
void note_encode(struct buffer *out, const struct monitor *m, const struct note *n);
bool note_restore(struct monitor *m, struct bytes key, struct bytes value); /* in the order of keys */

/* --- downtime.c --- */
unsigned downtime_depth(const struct object *o); /* downtimes in effect */
/* The object, or the host of a service, is in one: nothing is told of it. */
bool in_downtime(const struct monitor *m, const struct object *o);
/* A flexible downtime of the object or its host waits for a problem right now. */
bool downtime_pends(const struct monitor *m, const struct object *o);
/* It begins at once when it is due. */
void downtime_scheduled(struct monitor *m, struct note *n);
/* And with it all that it triggers. who, why: told to contacts. */
void downtime_cancel(struct monitor *m, struct note *n, const char *who, const char *why);
/* A problem began or changed: flexible downtimes begin. */
void downtime_problem(struct monitor *m, struct object *o);
time_ms downtime_due(const struct note *n);
void downtime_wake(struct monitor *m, struct note *n);                 /* it is due */
unsigned downtime_trigger_depth(const struct monitor *m, uint64_t id); /* of the chain that leads to it */

/* --- acknowledge.c --- */
struct note *acknowledgement(const struct object *o); /* the one that holds; NULL: none */
time_ms acknowledgement_due(const struct note *n);
void acknowledgement_end(struct monitor *m, struct note *n);
/* The object's state changed: a normal one ends, a sticky one when all is well. */
void acknowledgement_changed(struct monitor *m, struct object *o);

#endif
