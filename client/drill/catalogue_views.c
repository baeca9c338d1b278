/* Drills of view changes. */
#include "client/drill/drill.h"

const struct drill drills_of_views[] = {{0}};
