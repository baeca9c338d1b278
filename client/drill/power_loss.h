/* What a power loss takes: everything that no fsync has covered. Works from what client/drill/preload/disk.c wrote
   down. */
#ifndef QUORATE_CLIENT_DRILL_POWER_LOSS_H
#define QUORATE_CLIENT_DRILL_POWER_LOSS_H

#include "base/bytes.h"
#include "base/error.h"

/* Cuts each file below directory back to what its last fsync covered and removes those that neither they nor, since
   they were created, their directory was synced; adds what that took to *lost, in bytes. synced: the file of
   QUORATE_DISK_SYNCED. No process may use the directory. Renamed and removed names are taken as durable, and what was
   overwritten in its place is not put back: more cannot be lost by this than by a real disk. */
enum error power_loss(const char *directory, const char *synced, uint64_t *lost, struct buffer *why);
/* Writes down that all that is in the directory now is synced. */
enum error power_loss_spares(const char *directory, const char *synced);

#endif
