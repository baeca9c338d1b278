/* Signals as a descriptor, and the network's watch as one more reason for SIGTERM: the ordinary way to end writes down
   what is still in memory. */
#include "client/service.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/net_watch.h"

#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { END_PATIENCE = 20000 }; /* ms */

int service_take_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void end_process(void *self) {
    (void)self;
    log_event(LOG_ERROR_, "network-stuck",
              "text=\"nng no longer lets go of ended connections, so this process ends and is to be started again\"");
    kill(getpid(), SIGTERM);
    clock_sleep(END_PATIENCE);
    _exit(1);
}

void service_watch_network(void) {
    net_watch_start(&net_watch_times_default, end_process, NULL);
}
