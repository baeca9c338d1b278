/* Sealed bundles on disk until F replicas acknowledged them. One file a bundle, durable before spool_add returns, sent
   in the order of their numbers. Bounded: when full, results are bundled anew and the least telling ones dropped
   (client/agent/thin.h); what is dropped is counted and logged. Not thread-safe. */
#ifndef QUORATE_CLIENT_AGENT_SPOOL_H
#define QUORATE_CLIENT_AGENT_SPOOL_H

#include "crypto/crypto.h"
#include "proto/op.h"

enum { SPOOL_BYTES_MAX = 64 << 20, SPOOL_BUNDLES_MAX = 10000 };

/* Seals results under a fresh req_seq; appends one REQUEST frame to sealed. */
typedef enum error spool_seal(void *self, const struct op_observe *results, struct buffer *sealed, struct buffer *why);
struct spool_config {
    const char *dir; /* created (0700); borrowed */
    size_t bytes_max;
    unsigned bundles_max;
    struct cluster_id cluster;
    struct public_key key; /* the signer of every bundle */
    spool_seal *seal;
    void *self;
};

struct spool;

/* Takes the directory's lock (ERR_IN_USE), reads what is there. Bundles of another cluster refuse
   (ERR_FOREIGN_CLUSTER); damaged ones and those of another key are set aside as FILE.bad and logged. */
enum error spool_open(struct spool **out, const struct spool_config *config, struct buffer *why);
void spool_close(struct spool *s);
/* First obs_seq of this start, above all of every earlier start with this directory, whatever the clock did. Durable.
 */
enum error spool_first_obs_seq(struct spool *s, time_ms now, uint64_t *first, struct buffer *why);

enum error spool_add(struct spool *s, const struct op_observe *results, struct buffer *why);
/* The oldest bundle; false when there is none. Appends its bytes to sealed. A file that cannot be read any more is set
   aside and logged, and the next one taken. */
bool spool_oldest(struct spool *s, uint64_t *id, struct buffer *sealed);
/* It was acknowledged, or refused for good. Unknown ids are ignored. */
void spool_remove(struct spool *s, uint64_t id);
/* Seals the results of the oldest bundle anew, under a fresh req_seq, in its place (its own fell out of the window). */
enum error spool_renew(struct spool *s, uint64_t id, struct buffer *why);

unsigned spool_count(const struct spool *s);
size_t spool_bytes(const struct spool *s);
uint64_t spool_dropped(const struct spool *s); /* results dropped since spool_open */

#endif
