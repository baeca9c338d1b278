/* Private to checks/: which objects a command is for. */
#ifndef QUORATE_CHECKS_COMMAND_H
#define QUORATE_CHECKS_COMMAND_H

#include "checks/machine.h"

struct targets { /* ids of objects: ascending, distinct; TARGET_CHILDREN: the host itself first */
    uint32_t *ids;
    size_t count, cap;
};
/* Fills out (freed by targets_free whatever is returned): ERR_OK, ERR_UNKNOWN_HOST, ERR_UNKNOWN_SERVICE,
   ERR_UNKNOWN_GROUP. TARGET_CLUSTER: every object. */
enum error targets_of(const struct monitor *m, const struct op_command *c, struct targets *out);
void targets_free(struct targets *t);

#endif
