/* Rounds lie on the grid of this machine's clock; all speak in the middle of one, so that their votes fall into one
   round of agreed time, which is a little behind. */
#include "client/drill/crowd.h"

#include "base/clock.h"
#include "base/invariant.h"
#include "client/drill/puppet.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct part { /* what one of them says */
    uint8_t state;
    unsigned of, in, first;
};

struct crowd {
    struct scene *scene;
    const char *host, *service;
    unsigned count;
    mono_ms round;
    struct puppet *voters[CROWD_MAX];
    pthread_mutex_t lock;
    struct part parts[CROWD_MAX];
    uint8_t truth;
    atomic_uint_fast64_t lies;
    atomic_bool over;
    pthread_t thread;
    bool runs;
};

static uint8_t says(struct crowd *c, unsigned observer, uint64_t round) {
    pthread_mutex_lock(&c->lock);
    const struct part *p = &c->parts[observer];
    bool lies = p->of > 0 && (round + p->in - p->first % p->in) % p->in < p->of;
    uint8_t state = lies ? p->state : c->truth;
    c->lies += lies && p->state != c->truth;
    pthread_mutex_unlock(&c->lock);
    return state;
}

static void speak(struct crowd *c, uint64_t round) {
    struct buffer frame = {0};
    for (unsigned i = 0; i < c->count; i++) {
        uint8_t state = says(c, i, round);
        if (state == CROWD_SILENT)
            continue;
        struct observation o = puppet_result(c->voters[i], c->host, c->service, state, "said by hand");
        puppet_seal(c->voters[i], &frame, puppet_draw(c->voters[i], 1), &o, 1);
        puppet_say_all(c->voters[i], buffer_bytes(&frame));
    }
    buffer_free(&frame);
}

static void *run(void *self) {
    struct crowd *c = self;
    uint64_t done = 0;
    while (!c->over) {
        uint64_t now = (uint64_t)clock_wall(), length = (uint64_t)c->round, round = now / length;
        if (round != done && now % length >= length / 2) {
            speak(c, round);
            done = round;
        }
        clock_sleep(c->round / 10 + 1);
    }
    return NULL;
}

struct crowd *crowd_open(struct scene *s, const char *host, const char *service, unsigned observers, mono_ms round) {
    REQUIRE(observers <= CROWD_MAX && round > 0);
    struct crowd *c = xcalloc(1, sizeof *c);
    *c = (struct crowd){.scene = s, .host = host, .service = service, .count = observers, .round = round};
    pthread_mutex_init(&c->lock, NULL);
    bool good = true;
    for (unsigned i = 0; i < observers && good; i++) {
        char name[2] = {(char)('a' + i), 0};
        c->voters[i] = puppet_new(s, name);
        good = c->voters[i] != NULL;
    }
    c->runs = good && pthread_create(&c->thread, NULL, run, c) == 0;
    if (!c->runs) {
        crowd_close(c);
        c = NULL;
    }
    return c;
}

void crowd_close(struct crowd *c) {
    if (!c)
        return;
    c->over = true;
    if (c->runs)
        pthread_join(c->thread, NULL);
    scene_told(c->scene, 0); /* what came so far is judged without the permission */
    scene_allow(c->scene, ALERT_PROBLEM, c->host, c->service);
    for (unsigned i = 0; i < c->count; i++)
        puppet_free(c->voters[i]);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

void crowd_truth(struct crowd *c, uint8_t state) {
    pthread_mutex_lock(&c->lock);
    c->truth = state;
    pthread_mutex_unlock(&c->lock);
}

void crowd_says(struct crowd *c, unsigned observer, uint8_t state, unsigned of, unsigned in, unsigned first) {
    REQUIRE(observer < c->count && of <= in);
    pthread_mutex_lock(&c->lock);
    c->parts[observer] = (struct part){state, of, in, first};
    pthread_mutex_unlock(&c->lock);
}

uint64_t crowd_lies(const struct crowd *c) {
    return c->lies;
}
