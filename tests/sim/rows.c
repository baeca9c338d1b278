/* The rows DR-I1 to I5 as courses of their own: observers of plain services that never change, one beat a round, and
   after how many rounds who must, and who must not, be masked. Without replicas: checks/ alone. */
#include "base/invariant.h"
#include "checks/monitor.h"
#include "tests/sim/estate.h"

#include <stdio.h>
#include <string.h>

enum { ROUND_MS = 2000, NOBODY = -1 };

struct row {
    enum lie lie;
    unsigned truth;             /* of the services */
    unsigned observers, rounds; /* rounds: played */
    int culprit;                /* masked on every service: NOBODY, or whom */
    unsigned within;            /* rounds */
};
static const struct row rows[] = {
    {LIE_ALWAYS_CRITICAL, STATE_OK, 3, 15, 1, 15},
    {LIE_ALWAYS_OK, STATE_CRITICAL, 3, 15, 1, 15},
    {LIE_TOGETHER, STATE_OK, 5, 15, 1, 15},
    {LIE_EVERY_OTHER, STATE_OK, 3, 80, 1, 80},
    {LIE_AT_TIMES, STATE_OK, 3, 300, 1, 300},
    {LIE_FRAMES, STATE_OK, 5, 2000, 1, 80},
    {LIE_FALLS_SILENT, STATE_OK, 3, 100, NOBODY, 100},
    {LIE_NONE, STATE_WARNING, 3, 100, NOBODY, 100},
};

unsigned rows_count(void) {
    return sizeof rows / sizeof *rows;
}

struct rounds {
    const struct row *row;
    struct estate estate;
    struct monitor *machine;
    unsigned round, last, masked, wrong; /* last: round in which the culprit was masked for the last service */
};

static void hear(void *self, const struct alert *a) {
    struct rounds *c = self;
    char name[OBSERVER_NAME_MAX + 1], where[2 * NAME_MAX_LEN + 2];
    bool masked = a->type == ALERT_SYSTEM && sscanf(a->output, "observer %63s masked for %510[^:]:", name, where) == 2;
    if (!masked || !strchr(where, '/'))
        return;
    bool liar = lie_dissenters(c->row->lie) >> 1 & 1 && strcmp(name, observer_name(1)) == 0;
    bool other = c->row->lie == LIE_TOGETHER && strcmp(name, observer_name(3)) == 0;
    c->wrong += !liar && !other;
    if (liar && c->masked < SIM_SERVICES) {
        c->masked++;
        c->last = c->round;
    }
}

static bool is_known(void *self, const char *observer) {
    (void)self, (void)observer;
    return true;
}

static bool may_speak(void *self, const char *observer, const char *host) {
    (void)self, (void)observer, (void)host;
    return true;
}

static void play(struct rounds *c, struct prng *chance, time_ms t) {
    static uint64_t obs_seq;
    struct monitor_sink sink = {.self = c, .alert = hear};
    monitor_advance(c->machine, c->round + 1, t, &sink);
    for (unsigned who = 0; who < c->row->observers; who++)
        for (unsigned i = 0; i < c->estate.count; i++) {
            const struct estate_object *o = &c->estate.list[i];
            bool is_host = !*o->service, convict = false;
            int says = lie_says(c->row->lie, who, i, is_host, is_host ? HOST_UP : c->row->truth, c->round, chance);
            struct observation r = {o->host, o->service, ++obs_seq, (uint8_t)says, "", "", t};
            if (says != SAYS_NOTHING)
                ENSURE(monitor_observe(c->machine, observer_name(who), &r, &sink, &convict) == ERR_OK);
        }
}

static void begin(struct rounds *c, time_ms t) {
    static const struct monitor_authority everybody = {NULL, is_known, may_speak};
    const struct monitor_config config = {.cluster_gap = 10000};
    struct sim_options o = {.seed = 1, .size = SIZE_LONG, .observers = c->row->observers, .plan = PLAN_SILENCE};
    struct monitor_sink sink = {.self = c, .alert = hear};
    struct buffer canonical = {0}, why = {0};
    estate_draw(&c->estate, &o);
    estate_compile(&c->estate, &canonical);
    c->machine = monitor_new(&config);
    monitor_advance(c->machine, 1, t, &sink);
    ENSURE(monitor_apply(c->machine, buffer_bytes(&canonical), &everybody, &sink, &why) == ERR_OK);
    buffer_free(&canonical);
    buffer_free(&why);
}

bool rows_run(unsigned index, unsigned number) {
    struct rounds c = {.row = &rows[index]};
    struct prng chance;
    time_ms t = INT64_C(1790000040) * 1000;
    prng_seed(&chance, index + 1);
    begin(&c, t);
    for (c.round = 1; c.round <= c.row->rounds; c.round++)
        play(&c, &chance, t += ROUND_MS);
    bool found = c.row->culprit == NOBODY || (c.masked == SIM_SERVICES && c.last <= c.row->within);
    bool kept = found && c.wrong == 0;
    printf("%s %u - %s %s: ", kept ? "ok" : "not ok", number, lie_row(c.row->lie), lie_name(c.row->lie));
    if (c.row->culprit == NOBODY)
        printf("nobody is masked in %u rounds (%u were)\n", c.row->rounds, c.wrong);
    else
        printf("the liar is masked on every service within %u rounds (%u of %u by round %u), nobody honest (%u)\n",
               c.row->within, c.masked, SIM_SERVICES, c.last, c.wrong);
    monitor_free(c.machine);
    estate_free(&c.estate);
    return kept;
}
