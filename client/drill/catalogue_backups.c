/* Drills of traitorous backups. */
#include "client/drill/drill.h"

const struct drill drills_of_backups[] = {
    {.name = "silent-backup",
     .row = "DR-B1",
     .modes = DRILL_SANDBOX | DRILL_LIVE,
     .ci = true,
     .summary = "a backup takes everything in and says nothing",
     .attack =
         "One backup goes on reading and sends no frame to anybody, as a machine does whose outgoing link is cut.",
     .holds = "The other three still are a quorum: nothing is lost, nothing stands still, and the primary stays.",
     .see = "`quorate replicas` shows the member as unreachable or behind; the view does not change.",
     .live = "silent",
     .cast = {.traitors = {{.member = 3, .behaviour = "silent"}}}},
    {0}};
