/* The disks of a stage: each replica has the faulty disk of client/drill/preload/disk.c preloaded, which does what a
   file of one letter says and writes down what was synced, so that a power loss can take the rest. */
#include "client/drill/cast_parts.h"
#include "client/drill/power_loss.h"

#include <signal.h>
#include <unistd.h>

static void need_disks(struct cast *c, member_id who) {
    if (!c->drill->cast.disks || who >= c->members) {
        cast_fail(c, "the cast has no faulty disk for replica %u: %s: correct the drill", who, c->drill->name);
    }
}

void cast_disk_fault(struct cast *c, member_id who, char fault) {
    char path[64];
    need_disks(c, who);
    snprintf(path, sizeof path, CAST_DISKS "/%u.fault", who);
    c->replica[who].disk_fault = fault;
    if (fault == 0) {
        unlink(path);
    } else if (!cast_put_file(path, bytes_of(&fault, 1), 0644)) {
        cast_fail(c, "the fault cannot be written: %s: make room in memory", path);
    }
}

void scene_disk(struct scene *s, member_id who, char fault) {
    char what[96];
    cast_disk_fault(s->cast, who, fault);
    if (fault == 0) {
        scene_note(s, "the disk of replica %u is good again", who);
        return;
    }
    const char *how = fault == 'e' ? "fails each sync" : fault == 's' ? "takes two seconds for each sync" : "is full";
    snprintf(what, sizeof what, "the disk of replica %u %s", who, how);
    scene_injected(s, what);
}

static void synced_path(char path[64], member_id who) {
    snprintf(path, 64, CAST_DISKS "/replica-%u.synced", who);
}

/* What the faulty disk could not write down it would hold against the replica. */
static void need_mark(struct cast *c, const char *path) {
    char failed[80];
    snprintf(failed, sizeof failed, "%s.failed", path);
    if (access(failed, F_OK) == 0) {
        cast_fail(c, "cannot be written: %s: make room in memory", path);
    }
}

uint64_t cast_disk_faults(struct cast *c) {
    uint64_t sum = c->lost_bytes;
    for (member_id m = 0; m < c->members && c->drill->cast.disks; m++) {
        char path[64];
        synced_path(path, m);
        need_mark(c, path);
        snprintf(path, sizeof path, CAST_DISKS "/%u.fault.met", m);
        need_mark(c, path);
        sum += (uint64_t)cast_file_size(path);
    }
    return sum;
}

void cast_disk_settled(struct cast *c, member_id who) {
    char synced[64], directory[64];
    synced_path(synced, who);
    snprintf(directory, sizeof directory, CAST_DATA "/r%u", who);
    if (c->drill->cast.disks && power_loss_spares(directory, synced) != ERR_OK) {
        cast_fail(c, "cannot be written: %s: make room in memory", synced);
    }
}

void scene_power_loss(struct scene *s) {
    struct cast *c = s->cast;
    uint64_t lost = 0;
    need_disks(c, 0);
    for (member_id m = 0; m < c->members; m++) {
        bool ran = process_runs(&c->replica[m].process);
        process_signal(&c->replica[m].process, SIGKILL); /* all first, then each is reaped */
        c->killed += ran;
    }
    for (member_id m = 0; m < c->members; m++) {
        struct buffer why = {0};
        char synced[64], name[24];
        cast_kill(c, cast_name_of_replica(name, m), &c->replica[m].process);
        c->replica[m].down = true;
        synced_path(synced, m);
        need_mark(c, synced);
        if (power_loss(scene_dir(s, m), synced, &lost, &why) != ERR_OK) {
            cast_fail(c, "%s", buffer_cstr(&why));
        }
        buffer_free(&why);
    }
    c->lost_bytes += lost;
    scene_injected(s, "the power fails: all replicas are killed, and what was not synced is lost");
    scene_note(s, "%llu bytes were not synced and are lost", (unsigned long long)lost);
}
