/* Bytes that are too many for one request, staged with the cluster part by part, several at once. */
#ifndef QUORATE_CLIENT_STAGE_H
#define QUORATE_CLIENT_STAGE_H

#include "client/cli.h"

/* All parts of the bytes whose DIGEST_OBJECTS is whole. Says what is wrong, and beyond two seconds how far it is, on
   stderr. Blocks until all are answered or one is not: CLI_GO_ON or an exit code. */
int stage_objects(const struct cli *cli, const struct cluster *cluster, const struct digest *whole, struct bytes bytes);

#endif
