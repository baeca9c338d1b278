/* `quorated --export`: what a stopped replica's directory can testify, as a file of frames for `quorate audit`. */
#ifndef QUORATE_REPLICA_EXPORT_H
#define QUORATE_REPLICA_EXPORT_H

#include "proto/cluster.h"
#include "replica/config.h"
#include "replica/disk.h"

struct export_sink {
    void *self;
    enum error (*frame)(void *self, struct bytes frame);
};
/* Gives every decision with its COMMITs, the certificates, votes and VIEW-CHANGE of this replica's records, the
   NEW-VIEWs retained, the frames of ordered evidence and both sides of a breach. ERR_MISMATCH: the disk is another
   cluster's. What proves itself comes in an envelope that nobody signed. *count frames were given. */
enum error export_frames(const struct disk *disk, const struct cluster *cluster, const struct export_sink *sink,
                         size_t *count);

/* The verb: writes config's export_path, which must not exist; returns the exit code. */
int export_run(const struct config *config);

#endif
