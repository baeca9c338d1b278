/* The parts of the stage behind scene.h; only client/drill/ includes this. The cast (cast.h: processes, network, disks,
   the watched world's files) knows nothing of promises; the judging side (line.h, plan.h, load.h, report.h) starts no
   replica. stage.c joins them: one drill from its first process to its report.

   A run is three processes deep. The command forks the box (box.h): the first process of new mount, PID and network
   namespaces, with a tmpfs of its own for every file, killed by the kernel when the command dies, whatever kills it;
   all processes of the stage die with it, and with them namespaces and files. The box plays the drill and writes one
   JSON object a line to the command: {"event": ...} while it runs, {"report": ...} at its end. */
#ifndef QUORATE_CLIENT_DRILL_STAGE_H
#define QUORATE_CLIENT_DRILL_STAGE_H

#include "base/clock.h"
#include "client/drill/scene.h"

#include <sys/types.h>

struct cast;
struct line;
struct plan;
struct load;
struct scene {
    const struct drill *drill;
    struct cast *cast; /* cast.h */
    struct line *line; /* line.h: what happened when, promises and whether they were kept, detected, bites */
    struct plan *plan; /* plan.h: what was planted and what the sink was handed */
    struct load *load; /* load.h: the loader's acknowledgements and latencies; NULL without one */
    /* What the judging side remembers between calls. */
    off_t sink_at;       /* so much of the sink was read */
    uint64_t acks_asked; /* acknowledgements when scene_acknowledged was asked with 0 */
    json_t *accused;     /* scene_accused */
    unsigned remarks;    /* scene_remark */
};

/* Plays one drill inside the box and writes its lines to fd. 0: the report was written, whatever its verdict; 1: the
   stage itself failed, and an {"error": "what is wrong: where: what to do"} line says why. */
int stage_play(const struct drill *d, const char *programs_dir, int fd);

#endif
