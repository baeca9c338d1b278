/* A mailbox of one between the agent's loop and the thread that waits for the replicas. */
#include "client/agent/sender.h"

#include "base/invariant.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum stage { IDLE, GIVEN, DONE, ENDING };

struct sender {
    struct client *client;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t given;
    int event;
    bool busy;        /* the loop's own view */
    enum stage stage; /* under lock, as is what follows */
    mono_ms timeout;
    struct sender_outcome job;
};

static void work(struct sender *s) {
    struct sender_outcome job = s->job;
    mono_ms timeout = s->timeout;
    pthread_mutex_unlock(&s->lock);
    job.result = client_request(s->client, buffer_bytes(&job.sealed), timeout, &job.reply);
    job.result = job.result == ERR_OK ? job.reply.reply.result : job.result;
    pthread_mutex_lock(&s->lock);
    s->job = job;
    s->stage = s->stage == ENDING ? ENDING : DONE;
    uint64_t one = 1;
    ENSURE(write(s->event, &one, sizeof one) == sizeof one);
}

static void *run(void *self) {
    struct sender *s = self;
    pthread_mutex_lock(&s->lock);
    while (s->stage != ENDING) {
        if (s->stage == GIVEN) {
            work(s);
        } else {
            pthread_cond_wait(&s->given, &s->lock);
        }
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

struct sender *sender_new(struct client *client) {
    struct sender *s = xcalloc(1, sizeof *s);
    s->client = client;
    s->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    REQUIRE(s->event >= 0);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->given, NULL);
    int refused = pthread_create(&s->thread, NULL, run, s);
    REQUIRE(refused == 0);
    return s;
}

void sender_free(struct sender *s) {
    if (s == NULL) {
        return;
    }
    pthread_mutex_lock(&s->lock);
    s->stage = ENDING;
    pthread_cond_signal(&s->given);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    client_reply_free(&s->job.reply);
    buffer_free(&s->job.sealed);
    close(s->event);
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->given);
    free(s);
}

bool sender_busy(const struct sender *s) {
    return s->busy;
}

void sender_give(struct sender *s, uint64_t id, struct buffer *sealed, mono_ms timeout) {
    REQUIRE(!s->busy);
    pthread_mutex_lock(&s->lock);
    s->job = (struct sender_outcome){.id = id, .sealed = *sealed};
    s->timeout = timeout;
    s->stage = GIVEN;
    pthread_cond_signal(&s->given);
    pthread_mutex_unlock(&s->lock);
    *sealed = (struct buffer){0};
    s->busy = true;
}

int sender_fd(const struct sender *s) {
    return s->event;
}

bool sender_take(struct sender *s, struct sender_outcome *out) {
    uint64_t count;
    pthread_mutex_lock(&s->lock);
    bool done = s->stage == DONE;
    if (done) {
        *out = s->job;
        s->job = (struct sender_outcome){0};
        s->stage = IDLE;
        s->busy = false;
        ssize_t got = read(s->event, &count, sizeof count);
        (void)got; /* the counter is reset; nothing else can be in it */
    }
    pthread_mutex_unlock(&s->lock);
    return done;
}
