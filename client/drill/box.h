/* The box that a drill is played in: new mount, PID and network namespaces and a tmpfs, all gone when its first process
   is, which the kernel kills when the command dies. Works for root and, where the kernel lets them, for others in a
   user namespace. */
#ifndef QUORATE_CLIENT_DRILL_BOX_H
#define QUORATE_CLIENT_DRILL_BOX_H

#include "base/bytes.h"
#include "base/error.h"

#include <sys/types.h>

/* Where the box's tmpfs is mounted, inside it. */
#define BOX_DIR "/run"

/* Runs inside(argument) as the first process of a new box: loopback is up, BOX_DIR empty, /proc its own, orphans are
   reaped, SIGKILL comes when the calling process ends. *pid is the process to wait for; killing it ends the box.
   ERR_FORBIDDEN with why when this machine does not let us ("... run as root, or allow user namespaces"). */
enum error box_start(pid_t *pid, int (*inside)(void *argument), void *argument, struct buffer *why);

#endif
