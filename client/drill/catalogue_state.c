/* Drills of checkpoints and state transfer. */
#include "client/drill/drill.h"

const struct drill drills_of_state[] = {{0}};
