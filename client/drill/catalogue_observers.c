/* Drills of observers. */
#include "client/drill/drill.h"

const struct drill drills_of_observers[] = {{0}};
