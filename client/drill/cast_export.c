/* What a replica can testify when the curtain has fallen: its data directory, as frames. */
#include "client/drill/cast_parts.h"

enum { EXPORT_MS = 600000 };

bool cast_export(struct cast *c, member_id who, const char *path, struct buffer *why) {
    struct scene scene = {.cast = c};
    char name[24];
    cast_kill(c, cast_name_of_replica(name, who), &c->replica[who].process);
    static const char cluster[] = CAST_CLUSTER;
    const char *argv[] = {c->quorated, "-c", cluster, "-d", scene_dir(&scene, who), "--export", path, NULL};
    struct process_job job = {.path = c->quorated, .argv = argv, .net = -1, .waiting = cast_alive, .self = c};
    int status = process_run(&job, bytes_of("", 0), why, why, EXPORT_MS);
    if (status < 0) {
        cast_fail(c, "the export of replica %u did not end: %s: give the machine less to do", who, path);
    }
    return status == 0;
}
