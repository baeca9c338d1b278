/* Drills of networks. */
#include "client/drill/drill.h"

const struct drill drills_of_networks[] = {{0}};
