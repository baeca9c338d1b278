/* What an operator asks of the monitoring machine: Nagios' external commands as data. Text is NUL-terminated, valid
   UTF-8 and bounded; which command fits which target is judged at execution (checks/command.c). */
#ifndef QUORATE_PROTO_COMMAND_H
#define QUORATE_PROTO_COMMAND_H

#include "base/types.h"

enum {
    AUTHOR_MAX_LEN = 255,
    COMMENT_MAX_LEN = 4096,
};

enum command_kind {
    COMMAND_ACKNOWLEDGE = 1,
    COMMAND_UNACKNOWLEDGE,
    COMMAND_DOWNTIME,
    COMMAND_CANCEL_DOWNTIME, /* of the id */
    COMMAND_COMMENT,
    COMMAND_DELETE_COMMENT, /* of the id, or with id 0 all of the object */
    COMMAND_NOTIFY,         /* a custom notification */
    COMMAND_DELAY,          /* no notification of the problem before `start` */
    COMMAND_ENABLE,         /* what `subject` says */
    COMMAND_DISABLE,
    COMMAND_MASK, /* the observer: its votes are missing */
    COMMAND_UNMASK,
    COMMAND_KIND_LIMIT
};
enum command_target {
    TARGET_CLUSTER = 1,     /* everything, or what the id names */
    TARGET_OBJECT,          /* host, or host and service */
    TARGET_SERVICES,        /* of the host */
    TARGET_CHILDREN,        /* the host and all hosts that are reached through it */
    TARGET_BEYOND,          /* all hosts that are reached through it, and their services */
    TARGET_HOSTGROUP_HOSTS, /* the group's name stands in host */
    TARGET_HOSTGROUP_SERVICES,
    TARGET_SERVICEGROUP_HOSTS,
    TARGET_SERVICEGROUP_SERVICES,
    TARGET_LIMIT
};
enum command_subject {
    SUBJECT_NONE,
    SUBJECT_NOTIFICATIONS,
    SUBJECT_FLAP_DETECTION,
    SUBJECT_RESULTS, /* of observers: Nagios' passive checks */
    SUBJECT_LIMIT
};
enum {                          /* op_command.flags */
       COMMAND_STICKY = 1,      /* ACKNOWLEDGE: holds until the object is well, else until its state changes */
       COMMAND_TELL = 2,        /* ACKNOWLEDGE: contacts are told */
       COMMAND_PERSISTENT = 4,  /* ACKNOWLEDGE: the comment outlives it */
       COMMAND_FIXED = 8,       /* DOWNTIME: from start to end; else it begins with a problem in that window */
       COMMAND_BROADCAST = 16,  /* NOTIFY: to the contacts of escalations too */
       COMMAND_FORCED = 32,     /* NOTIFY: whatever would withhold it */
       COMMAND_INCREMENT = 64,  /* NOTIFY: counts as a notification of the problem */
       COMMAND_TRIGGERED = 128, /* DOWNTIME of TARGET_CHILDREN: theirs begin when the host's own does */
       COMMAND_FLAGS_ALL = 255
};

struct op_command {
    enum command_kind kind;
    enum command_target target;
    enum command_subject subject; /* ENABLE, DISABLE */
    const char *host, *service;   /* "" where the target has none */
    const char *observer;         /* MASK, UNMASK; else "" */
    unsigned flags;
    time_ms start, end;  /* DOWNTIME; end of ACKNOWLEDGE: when it expires, 0 = never; start of DELAY */
    time_ms duration;    /* of a flexible DOWNTIME */
    uint64_t id;         /* CANCEL_DOWNTIME, DELETE_COMMENT; DOWNTIME: the one that triggers it, 0 = none */
    const char *author;  /* who, in the words of the sender: "" is the operator's name */
    const char *comment; /* why */
};

#endif
