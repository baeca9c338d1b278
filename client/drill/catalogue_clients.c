/* Drills of clients and agents. */
#include "client/drill/drill.h"

const struct drill drills_of_clients[] = {{0}};
