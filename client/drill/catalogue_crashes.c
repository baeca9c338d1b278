/* Drills of crashes, disks and processes. */
#include "client/drill/drill.h"

const struct drill drills_of_crashes[] = {{0}};
