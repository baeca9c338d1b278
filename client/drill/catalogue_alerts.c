/* Drills of alerts. */
#include "client/drill/drill.h"

const struct drill drills_of_alerts[] = {{0}};
