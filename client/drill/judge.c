/* The part of scene.h that judges and writes the time line: what a play says about its fault, and watching until a
   deadline. */
#include "client/drill/judge.h"

#include "client/drill/line.h"
#include "client/drill/load.h"
#include "client/drill/plan.h"

#include <stdarg.h>
#include <stdlib.h>

enum { LOOK_EVERY_MS = 200, ALIVE_EVERY_MS = 10000 };

void scene_injected(struct scene *s, const char *what) {
    line_injected(s->line, clock_mono(), what);
}

void scene_healed(struct scene *s, const char *what) {
    line_healed(s->line, clock_mono(), what);
}

void scene_detected(struct scene *s, const char *what) {
    line_detected(s->line, clock_mono(), what);
}

static void printed(struct buffer *out, const char *format, va_list ap) {
    char text[1024];
    vsnprintf(text, sizeof text, format, ap);
    buffer_printf(out, "%s", text);
}

void scene_note(struct scene *s, const char *format, ...) {
    struct buffer text = {0};
    va_list ap;
    va_start(ap, format);
    printed(&text, format, ap);
    va_end(ap);
    line_note(s->line, clock_mono(), buffer_cstr(&text));
    buffer_free(&text);
}

void scene_bit(struct scene *s, uint64_t count, const char *what) {
    line_bit(s->line, clock_mono(), count, what);
}

void scene_broken(struct scene *s, enum promise p, const char *format, ...) {
    struct buffer text = {0};
    va_list ap;
    va_start(ap, format);
    printed(&text, format, ap);
    va_end(ap);
    line_broken(s->line, clock_mono(), p, buffer_cstr(&text));
    buffer_free(&text);
}

void scene_accused(struct scene *s, const char *culprit) {
    json_array_append_new(s->accused, json_string(culprit));
}

mono_ms judge_patience(const struct scene *s, mono_ms ms) {
    return ms > JUDGE_HASTE_MS && !line_all_kept(s->line) ? JUDGE_HASTE_MS : ms;
}

/* Until test says `until` or so many seconds have passed; true: it did. */
static bool watch(struct scene *s, unsigned seconds, scene_test *test, int64_t argument, bool until) {
    mono_ms now = clock_mono(), deadline = now + judge_patience(s, 1000 * (mono_ms)seconds), alive = now;
    for (;;) {
        if (test(s, argument) == until) {
            return true;
        }
        now = clock_mono();
        if (now >= deadline) {
            return false;
        }
        if (now - alive >= ALIVE_EVERY_MS) {
            line_alive(s->line, now);
            alive = now;
        }
        clock_sleep(LOOK_EVERY_MS);
    }
}

/* The first time that all are well again behind the last healing. */
static void note_recovery(struct scene *s, scene_test *test, const char *what) {
    const struct line_marks *m = line_marks(s->line);
    if (test == scene_all_active && m->healed != LINE_NEVER && m->recovered < m->healed) {
        line_recovered(s->line, clock_mono(), what);
    }
}

bool scene_must(struct scene *s, enum promise p, unsigned seconds, scene_test *test, int64_t argument,
                const char *what) {
    mono_ms began = clock_mono();
    scene_note(s, "waiting: %s", what);
    bool came = watch(s, seconds, test, argument, true);
    if (came) {
        scene_note(s, "seen after %lld ms: %s", (long long)(clock_mono() - began), what);
        note_recovery(s, test, what);
    } else {
        scene_broken(s, p, "not within %lld s: %s", (long long)(clock_mono() - began) / 1000, what);
    }
    return came;
}

bool scene_comes(struct scene *s, unsigned seconds, scene_test *test, int64_t argument) {
    bool came = watch(s, seconds, test, argument, true);
    if (came) {
        note_recovery(s, test, "all replicas are active with one log");
    }
    return came;
}

bool scene_stays(struct scene *s, enum promise p, unsigned seconds, scene_test *test, int64_t argument,
                 const char *what) {
    scene_note(s, "watching for %u s: %s", seconds, what);
    bool ceased = watch(s, seconds, test, argument, false);
    if (ceased) {
        scene_broken(s, p, "did not stay so for %u s: %s", seconds, what);
    }
    return !ceased;
}

bool scene_acknowledged(struct scene *s, int64_t more) {
    if (s->load == NULL) {
        return more == 0;
    }
    load_read(s->load);
    if (more == 0) {
        s->acks_asked = load_acks(s->load);
        return true;
    }
    return load_acks(s->load) >= s->acks_asked + (uint64_t)more;
}

bool scene_told(struct scene *s, int64_t count) {
    judge_read_sink(s);
    return (int64_t)plan_handed(s->plan) >= count;
}
