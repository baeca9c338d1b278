/* The command line of quorated. */
#ifndef QUORATE_REPLICA_CONFIG_H
#define QUORATE_REPLICA_CONFIG_H

#include "base/log.h"

#include <stdio.h>

struct config {               /* strings are borrowed from argv and the environment */
    const char *cluster_path; /* -c or QUORATE_CLUSTER */
    const char *key_path;     /* -k or QUORATE_KEY */
    const char *data_dir;     /* -d */
    const char *record_path;  /* --record, or NULL */
    const char *export_path;  /* --export, or NULL: then -c and -d alone are needed, and no replica runs */
    uint64_t retain;          /* --retain: batches kept below the stable checkpoint, 0: as many as usual */
    const char *behave;       /* --behave, or NULL: an honest replica */
    member_id self;           /* -i */
    bool json;
    enum log_level level;
};
enum config_verdict {
    CONFIG_RUN,   /* all is there */
    CONFIG_DONE,  /* --help and its kin were answered on `out` */
    CONFIG_USAGE, /* one line on `err` says what is wrong */
};
enum config_verdict config_parse(struct config *c, int argc, char **argv, FILE *out, FILE *err);

#endif
