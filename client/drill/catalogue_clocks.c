/* Drills of clocks. */
#include "client/drill/drill.h"

const struct drill drills_of_clocks[] = {{0}};
