/* What all verbs share: options, exit codes, the shape of errors, opening cluster.yaml and the key. A verb is one
   function `int verb_NAME(int argc, char **argv)` with argv[0] = its name; it returns one of enum cli_exit. */
#ifndef QUORATE_CLIENT_CLI_H
#define QUORATE_CLIENT_CLI_H

#include "client/client.h"

#include <stdio.h>

enum cli_exit {
    CLI_DONE = 0,
    CLI_REFUSED = 1,   /* refused, false, or the system would not */
    CLI_USAGE = 2,     /* wrong usage */
    CLI_NO_QUORUM = 3, /* no quorum in time */
    CLI_GO_ON = -1     /* cli_parse only: the options are read, the verb goes on */
};

enum cli_option_kind {
    CLI_FLAG,     /* value: bool *, set to true */
    CLI_TEXT,     /* value: const char ** */
    CLI_NUMBER,   /* value: uint64_t * */
    CLI_DURATION, /* value: mono_ms * */
    CLI_LIST /* value: struct cli_list *; takes every argument up to the next that starts with '-'; adds when repeated
              */
};
enum { CLI_LIST_MAX = 256 };
struct cli_list {
    unsigned count;
    const char *items[CLI_LIST_MAX];
};
/* --name VALUE, --name=VALUE, and, when letter is not 0, -l VALUE or -lVALUE. */
struct cli_option {
    const char *name;
    char letter;
    enum cli_option_kind kind;
    void *value;         /* keeps its default when the option is not given */
    const char *metavar; /* "FILE"; NULL for flags */
    const char *help;    /* one line */
};
/* One row of help and the rules of the command line. */
struct cli_verb {
    const char *name;
    const char *operands; /* "[HOST [SERVICE]]", "" when there are none */
    const char *summary;  /* one line */
    const char *details;  /* further help, or NULL */
    const char *exits;    /* what the exit codes mean, NULL: as for every verb */
    unsigned operands_min, operands_max;
    const struct cli_option *options; /* the verb's own, closed by a row whose name is NULL; may be NULL */
};

struct cli {
    const char *verb;
    const char *cluster_path; /* -c, --cluster, or QUORATE_CLUSTER; NULL: none given */
    const char *key_path;     /* -k, --key, or QUORATE_KEY; NULL: none given */
    bool json;
    mono_ms timeout; /* --timeout, 15 s when not given */
    unsigned operand_count;
    char **operands; /* into argv, which is reordered; closed by NULL */
};

/* Reads the shared options and the verb's own; options may follow operands, `--` ends them. CLI_GO_ON, or the exit code
   after -h/--help, --version (printed on stdout) or wrong usage (said on stderr). */
int cli_parse(struct cli *out, const struct cli_verb *verb, int argc, char **argv);
void cli_help(const struct cli_verb *verb, FILE *to);

/* Prints "quorate: VERB: TEXT" on stderr, where TEXT is written "what is wrong: where: what to do"; returns code. */
int cli_fail(const struct cli *c, enum cli_exit code, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The same for text of several lines: each gets the prefix. */
int cli_fail_lines(const struct cli *c, enum cli_exit code, struct buffer *lines);
/* CLI_DONE, CLI_NO_QUORUM for ERR_NO_QUORUM and ERR_TIMED_OUT, else CLI_REFUSED. */
enum cli_exit cli_exit_of(enum error e);
/* Says that a request failed, with the text of e and what helps; returns cli_exit_of(e). */
int cli_fail_error(const struct cli *c, enum error e, const char *where);
/* The same after client_call: when it said why (the key file), that is printed instead. */
int cli_fail_call(const struct cli *c, enum error e, const char *where, struct buffer *why);

/* Each returns CLI_GO_ON, or the exit code after saying what is wrong. Free with cluster_free, client_close. */
int cli_open_cluster(const struct cli *c, struct cluster **out);
int cli_open_client(const struct cli *c, const struct cluster *cluster, struct client **out);
int cli_need_key(const struct cli *c);

/* Flushes stdout; an exit code of 0 becomes 1 when what was printed could not be written. */
int cli_finish(const char *verb, int code);

/* The verbs. */
int verb_init(int argc, char **argv);
int verb_keygen(int argc, char **argv);
int verb_submit(int argc, char **argv);
int verb_agent(int argc, char **argv);
int verb_apply(int argc, char **argv);
int verb_status(int argc, char **argv);
int verb_alerts(int argc, char **argv);
int verb_ack(int argc, char **argv);
int verb_downtime(int argc, char **argv);
int verb_comment(int argc, char **argv);
int verb_command(int argc, char **argv);
int verb_mask(int argc, char **argv);
int verb_unmask(int argc, char **argv);
int verb_notify(int argc, char **argv);
int verb_replicas(int argc, char **argv);
int verb_verify(int argc, char **argv);
int verb_evidence(int argc, char **argv);
int verb_audit(int argc, char **argv);
int verb_drill(int argc, char **argv);
int verb_check_quorate(int argc, char **argv); /* the Nagios plugin: its exit codes are Nagios' */

#endif
