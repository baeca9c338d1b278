/* Live lines are drawn over themselves; what is for ever is printed above them. */
#include "client/drill/progress.h"

#include "base/bytes.h"
#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { STEP_MAX = 200, DRAW_EVERY_MS = 250, LIVE_MAX = 64 };

struct live {
    const struct drill *drill;
    mono_ms began;
    char step[STEP_MAX];
};
struct progress {
    bool terminal;
    unsigned drills, ended, live_count, drawn; /* drawn: lines on the terminal now */
    struct live live[LIVE_MAX];
    mono_ms drawn_at;
};

struct progress *progress_new(unsigned drills) {
    struct progress *p = xcalloc(1, sizeof *p);
    p->terminal = isatty(STDERR_FILENO) == 1;
    p->drills = drills;
    return p;
}

static void wipe(struct progress *p) {
    for (; p->drawn > 0; p->drawn--) {
        fputs("\033[A\033[2K", stderr);
    }
    fputs("\r", stderr);
}

void progress_free(struct progress *p) {
    if (p->terminal) {
        wipe(p);
        fflush(stderr);
    }
    free(p);
}

static struct live *find(struct progress *p, const struct drill *d) {
    for (unsigned i = 0; i < p->live_count; i++) {
        if (p->live[i].drill == d) {
            return &p->live[i];
        }
    }
    return NULL;
}

static void draw(struct progress *p) {
    struct winsize size = {0};
    unsigned width = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
    wipe(p);
    for (unsigned i = 0; i < p->live_count; i++) {
        char line[STEP_MAX + 128];
        const struct live *l = &p->live[i];
        snprintf(line, sizeof line, "[%u/%u] %-24s %3lld s  %s", p->ended, p->drills, l->drill->name,
                 (long long)((clock_mono() - l->began) / 1000), l->step);
        fprintf(stderr, "%.*s\n", (int)width - 1, line);
        p->drawn++;
    }
    fflush(stderr);
    p->drawn_at = clock_mono();
}

void progress_begin(struct progress *p, const struct drill *d) {
    if (p->live_count < LIVE_MAX) {
        p->live[p->live_count++] = (struct live){.drill = d, .began = clock_mono()};
    }
    if (!p->terminal) {
        fprintf(stderr, "drill %s (%s): begins\n", d->name, d->row);
    }
}

void progress_step(struct progress *p, const struct drill *d, const char *what) {
    struct live *l = find(p, d);
    if (l != NULL) {
        struct buffer plain = {0};
        buffer_plain(&plain, what);
        snprintf(l->step, sizeof l->step, "%s", buffer_cstr(&plain));
        buffer_free(&plain);
    }
}

void progress_end(struct progress *p, const struct drill *d, const json_t *report, mono_ms elapsed) {
    struct live *l = find(p, d);
    const char *verdict = json_string_value(json_object_get(report, "verdict"));
    p->ended++;
    if (l != NULL) {
        *l = p->live[--p->live_count];
    }
    if (p->terminal) {
        wipe(p);
    }
    fprintf(stderr, "drill %s (%s): %s, after %lld s\n", d->name, d->row, verdict != NULL ? verdict : "?",
            (long long)(elapsed / 1000));
}

void progress_show(struct progress *p) {
    if (p->terminal && clock_mono() - p->drawn_at >= DRAW_EVERY_MS) {
        draw(p);
    }
}
