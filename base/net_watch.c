/* A canary: two sockets joined inside the process. Its connection is dialled again only after nng's reaper let go of
   the one before, so a connection that does not come back tells that the reaper is stuck. */
#include "base/net_watch.h"

#include "base/bytes.h"
#include "base/invariant.h"

#include <nng/nng.h>
#include <nng/protocol/pipeline0/pull.h>
#include <nng/protocol/pipeline0/push.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { REDIAL_MS = 10, ADDRESS_LEN = 64 };

const struct net_watch_times net_watch_times_default = {.rest = 5000, .step = 1000, .steps = 20};

struct net_watch {
    struct net_watch_times times;
    void (*stuck)(void *self);
    void *self;
    nng_socket near, far;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    nng_pipe pipe; /* under lock, as is what follows */
    bool joined, ending, lost;
};

static void pipe_joined(nng_pipe pipe, nng_pipe_ev event, void *argument) {
    (void)event;
    struct net_watch *w = argument;
    pthread_mutex_lock(&w->lock);
    w->pipe = pipe;
    w->joined = true;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
}

/* With the lock held; returns when woken, too. */
static void wait_at_most(struct net_watch *w, mono_ms duration) {
    struct timespec end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    int64_t ns = end.tv_nsec + duration % 1000 * 1000000;
    end.tv_sec += duration / 1000 + ns / 1000000000;
    end.tv_nsec = ns % 1000000000;
    pthread_cond_timedwait(&w->changed, &w->lock, &end);
}

static void *watch(void *argument) {
    struct net_watch *w = argument;
    pthread_mutex_lock(&w->lock);
    for (unsigned vain = 0; !w->ending && vain < w->times.steps;) {
        if (!w->joined) {
            wait_at_most(w, w->times.step);
            vain = w->joined ? 0 : vain + 1;
            continue;
        }
        wait_at_most(w, w->times.rest);
        nng_pipe pipe = w->pipe;
        w->joined = false;
        pthread_mutex_unlock(&w->lock);
        nng_pipe_close(pipe);
        pthread_mutex_lock(&w->lock);
    }
    w->lost = !w->ending;
    bool lost = w->lost;
    pthread_mutex_unlock(&w->lock);
    if (lost)
        w->stuck(w->self);
    return NULL;
}

static void locks_init(struct net_watch *w) {
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&w->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&w->lock, NULL);
}

struct net_watch *net_watch_start(const struct net_watch_times *times, void (*stuck)(void *self), void *self) {
    struct net_watch *w = xcalloc(1, sizeof *w);
    *w = (struct net_watch){.times = *times, .stuck = stuck, .self = self};
    locks_init(w);
    char address[ADDRESS_LEN];
    snprintf(address, sizeof address, "inproc://watch-%p", (void *)w);
    ENSURE(nng_pull0_open(&w->far) == 0 && nng_push0_open(&w->near) == 0);
    ENSURE(nng_socket_set_ms(w->near, NNG_OPT_RECONNMINT, REDIAL_MS) == 0 &&
           nng_socket_set_ms(w->near, NNG_OPT_RECONNMAXT, REDIAL_MS) == 0 &&
           nng_pipe_notify(w->near, NNG_PIPE_EV_ADD_POST, pipe_joined, w) == 0);
    ENSURE(nng_listen(w->far, address, NULL, 0) == 0 && nng_dial(w->near, address, NULL, NNG_FLAG_NONBLOCK) == 0);
    ENSURE(pthread_create(&w->thread, NULL, watch, w) == 0);
    return w;
}

/* Closing a socket waits for the reaper, so after a loss all that nng could still touch is left alone. */
void net_watch_end(struct net_watch *w) {
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    w->ending = true;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    if (w->lost)
        return;
    nng_close(w->near);
    nng_close(w->far);
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->lock);
    free(w);
}
