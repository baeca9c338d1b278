/* Drills of traitorous primaries. */
#include "client/drill/drill.h"

const struct drill drills_of_primaries[] = {{0}};
