/* Pure: alerts as a mail (RFC 5322, 2045, 2047), from headers to the last line, lines ended by CRLF. */
#ifndef QUORATE_CLIENT_MAIL_H
#define QUORATE_CLIENT_MAIL_H

#include "proto/op.h"

struct mail {
    const char *from; /* addresses as notify_target.h judges them */
    const char *const *to;
    unsigned to_count;
    const struct alert *const *alerts; /* one: told in full; more: a line each */
    unsigned count;
    uint64_t first, last; /* with the cluster's id they make the Message-ID: equal for repetitions */
    struct cluster_id cluster;
    const char *cluster_name;
};
void mail_write(struct buffer *out, const struct mail *m);

#endif
