/* The part of scene.h about the watched world that plans: what is planted on hosts and services and what the sink is to
   be told of it. */
#include "base/clock.h"
#include "client/drill/cast.h"
#include "client/drill/judge.h"
#include "client/drill/line.h"
#include "client/drill/plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOOK_EVERY_MS = 100, ALIVE_EVERY_MS = 10000 };

static const char *slash(const char *service) {
    return *service != '\0' ? "/" : "";
}

/* "told: alert 7, PROBLEM of web1/http": the fields of the line up to the service, of which some are empty. */
static void note_message(struct scene *s, const char *line) {
    char *copy = xstrdup(line), *rest = copy;
    const char *fields[4];
    for (unsigned i = 0; i < 4; i++) {
        const char *field = strsep(&rest, "\t");
        fields[i] = field != NULL ? field : "";
    }
    scene_note(s, "told: alert %s, %s of %s%s%s", fields[0], fields[1], *fields[2] != '\0' ? fields[2] : "the cluster",
               slash(fields[3]), fields[3]);
    free(copy);
}

void judge_read_sink(struct scene *s) {
    FILE *f = fopen(cast_sink_path(s->cast), "re");
    char line[2048];
    if (f == NULL) {
        return; /* nothing was handed over yet */
    }
    fseeko(f, s->sink_at, SEEK_SET);
    while (fgets(line, sizeof line, f) != NULL) {
        size_t len = strlen(line);
        if (line[len - 1] != '\n' && len + 1 < sizeof line) {
            break; /* still being written */
        }
        s->sink_at += (off_t)len;
        line[len - 1] = '\0';
        note_message(s, line);
        plan_hand(s->plan, line);
    }
    fclose(f);
}

void scene_outage(struct scene *s, const char *host, const char *service, unsigned state) {
    scene_note(s, "planted: %s%s%s is %s", host, slash(service), service, state_name(*service == '\0', state));
    plan_truth(s->plan, host, service, state);
    cast_truth(s->cast, host, service, state);
}

void scene_mended(struct scene *s, const char *host, const char *service) {
    scene_outage(s, host, service, 0);
}

bool scene_all_told(struct scene *s, unsigned seconds) {
    mono_ms now = clock_mono(), deadline = now + judge_patience(s, 1000 * (mono_ms)seconds), alive = now;
    for (;;) {
        judge_read_sink(s);
        if (plan_waiting(s->plan) == 0) {
            return true;
        }
        now = clock_mono();
        if (now >= deadline) {
            break;
        }
        if (now - alive >= ALIVE_EVERY_MS) {
            line_alive(s->line, now);
            alive = now;
        }
        clock_sleep(LOOK_EVERY_MS);
    }
    scene_note(s, "%u messages did not come in time", plan_waiting(s->plan));
    plan_give_up(s->plan);
    return false;
}

void scene_rehearse(struct scene *s, unsigned seconds) {
    scene_outage(s, "web1", "http", STATE_CRITICAL);
    scene_all_told(s, seconds);
    scene_mended(s, "web1", "http");
    scene_all_told(s, seconds);
}

void scene_expect(struct scene *s, enum alert_type type, const char *host, const char *service) {
    scene_note(s, "expected: %s of %s%s%s", alert_type_name(type), host, slash(service), service);
    plan_expect(s->plan, type, host, service);
}

void scene_allow(struct scene *s, enum alert_type type, const char *host, const char *service) {
    plan_allow(s->plan, type, host, service);
}

void scene_allow_again(struct scene *s, unsigned count) {
    plan_allow_again(s->plan, count);
}

unsigned scene_handed(struct scene *s, enum alert_type type, const char *host, const char *service) {
    judge_read_sink(s);
    return plan_handed_about(s->plan, type, host, service);
}
