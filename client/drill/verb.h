/* What the files of the verb share; nobody else includes this. */
#ifndef QUORATE_CLIENT_DRILL_VERB_H
#define QUORATE_CLIENT_DRILL_VERB_H

#include "client/cli.h"

/* Says so, and what may have been meant; returns CLI_USAGE. */
int verb_unknown_drill(const struct cli *c, const char *name);
/* `quorate drill run`: verb_run.c. */
int verb_drill_run(int argc, char **argv);

#endif
