/* A disk in memory behind struct disk. What was committed without a sync may be lost in a crash, from the tail. */
#ifndef QUORATE_TESTS_SIM_DISK_H
#define QUORATE_TESTS_SIM_DISK_H

#include "base/prng.h"
#include "replica/disk.h"

struct sim_disk;
struct sim_disk *sim_disk_new(void);
void sim_disk_free(struct sim_disk *d);
/* Another disk with what is synced on this one. */
struct sim_disk *sim_disk_copy(const struct sim_disk *d);
struct disk sim_disk_door(struct sim_disk *d);
/* Power loss: undoes a random number of the newest unsynced batches, whole ones, newest first. Returns how many. */
unsigned sim_disk_crash(struct sim_disk *d, struct prng *chance);
/* Turns one bit over in what a family holds, anywhere. False when it holds nothing. */
bool sim_disk_rot(struct sim_disk *d, enum disk_family f, struct prng *chance);
/* While doomed, synced commits fail and leave nothing. */
void sim_disk_doom(struct sim_disk *d, bool doomed);

#endif
