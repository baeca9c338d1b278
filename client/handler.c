/* One handler's way through the alerts: mark "attempt", run the command, mark "done". A command that fails or overruns
   is run again for as long as it takes: nothing is dropped, and nothing overtakes. */
#include "client/handler.h"

#include "base/clock.h"
#include "base/invariant.h"
#include "base/log.h"
#include "client/agent/runner.h"
#include "client/macros.h"

#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

struct handler {
    struct handler_setup setup;
    struct runner *runner;
    uint64_t position; /* handed, or passed over */
    bool unsettled;    /* position is ahead of the outbox */
    bool again;        /* the outbox knows of an attempt whose end it does not know */
    unsigned next_run;
    bool ended; /* of the running command */
    struct plugin_end end;
    struct buffer said, perfdata;
};

struct handler *handler_new(const struct handler_setup *setup) {
    struct handler *h = xcalloc(1, sizeof *h);
    struct outbox_position position;
    struct buffer why = {0};
    struct runner_config config = {.max_children = 1};
    h->setup = *setup;
    bool known = outbox_find(setup->outbox, setup->config->name, &position);
    REQUIRE(known);
    h->position = position.handed;
    h->next_run = position.next_run;
    h->again = position.attempting;
    enum error e = runner_new(&h->runner, &config, &why);
    ENSURE(e == ERR_OK); /* no user is asked for */
    return h;
}

void handler_free(struct handler *h) {
    if (h != NULL) {
        runner_free(h->runner);
        buffer_free(&h->said);
        buffer_free(&h->perfdata);
        free(h);
    }
}

uint64_t handler_position(const struct handler *h) {
    return h->position;
}

/* --- one run of the command --- */

static char **command_line(struct arena *arena, const struct notify_handler *config, const struct macro_context *c) {
    size_t count = 0;
    while (config->argv[count] != NULL) {
        count++;
    }
    char **argv = arena_alloc(arena, (count + 1) * sizeof *argv);
    struct buffer word = {0};
    for (size_t i = 0; i < count; i++) {
        buffer_clear(&word);
        macro_expand(&word, config->argv[i], c);
        argv[i] = arena_text(arena, i == 0 ? bytes_of_text(config->argv[0]) : buffer_bytes(&word));
    }
    buffer_free(&word);
    return argv;
}

/* What a command that mails or pages may need of our own environment. */
static char **inherited(struct arena *arena) {
    static const char *const NAMES[] = {"PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ"};
    enum { COUNT = sizeof NAMES / sizeof NAMES[0] };
    char **list = arena_alloc(arena, (COUNT + 1) * sizeof *list);
    struct buffer entry = {0};
    for (size_t i = 0, count = 0; i < COUNT; i++) {
        const char *value = getenv(NAMES[i]);
        if (value != NULL) {
            buffer_clear(&entry);
            buffer_printf(&entry, "%s=%s", NAMES[i], value);
            list[count++] = arena_text(arena, buffer_bytes(&entry));
        }
    }
    buffer_free(&entry);
    return list;
}

static void take_end(void *self, const struct runner_result *result) {
    struct handler *h = self;
    h->ended = true;
    h->end = result->end;
    plugin_output_split(&h->said, &h->perfdata, result->end, result->printed, result->complained);
}

/* false: asked to stop while it waited. */
static bool wait_for_end(struct handler *h) {
    while (!h->ended) {
        struct pollfd fds[1 + RUNNER_FDS_PER_CHILD] = {{.fd = h->setup.stop_fd, .events = POLLIN}};
        mono_ms now = clock_mono(), next = runner_next(h->runner, now);
        mono_ms wait = next <= now ? 0 : next - now > 1000 ? 1000 : next - now;
        poll(fds, 1 + runner_poll(h->runner, fds + 1), (int)wait);
        if (fds[0].revents != 0) {
            return false;
        }
        runner_step(h->runner, clock_mono(), take_end, h);
    }
    return true;
}

static bool run_command(struct handler *h, const struct macro_context *context) {
    struct arena arena = {0};
    struct runner_job job = {.path = h->setup.config->argv[0],
                             .argv = command_line(&arena, h->setup.config, context),
                             .envp = macro_environment(&arena, context, inherited(&arena)),
                             .timeout = h->setup.config->timeout};
    h->ended = false;
    runner_start(h->runner, &job, clock_mono());
    arena_free(&arena);
    return wait_for_end(h);
}

/* --- marks and pauses --- */

/* true: asked to stop. */
static bool rest(const struct handler *h, mono_ms pause) {
    struct pollfd stop = {.fd = h->setup.stop_fd, .events = POLLIN};
    mono_ms until = clock_mono() + pause, now;
    while ((now = clock_mono()) < until) {
        if (poll(&stop, 1, (int)(until - now)) > 0) {
            return true;
        }
    }
    return false;
}

static mono_ms longer(const struct handler *h, mono_ms pause) {
    return pause * 2 < h->setup.longest_pause ? pause * 2 : h->setup.longest_pause;
}

typedef enum error put_mark(struct outbox *o, const char *handler, uint64_t number, unsigned run, struct buffer *why);

static enum error put_handed(struct outbox *o, const char *handler, uint64_t number, unsigned run, struct buffer *why) {
    (void)run;
    return outbox_handed(o, handler, number, why);
}

/* Until the disk takes it; false: asked to stop. */
static bool note(struct handler *h, put_mark *put, uint64_t number, unsigned run) {
    struct buffer why = {0};
    mono_ms pause = h->setup.first_pause;
    bool stopped = false;
    while (!stopped && put(h->setup.outbox, h->setup.config->name, number, run, &why) != ERR_OK) {
        log_event_limited(LOG_ERROR_, "state-write-failed", "handler=%s error=\"%s\"", h->setup.config->name,
                          buffer_cstr(&why));
        buffer_clear(&why);
        stopped = rest(h, pause);
        pause = longer(h, pause);
    }
    buffer_free(&why);
    return !stopped;
}

static void tell_failure(struct handler *h, const struct alert *alert, unsigned tries, mono_ms pause) {
    for (size_t i = 0; i < h->said.len; i++) { /* one quoted field of one line */
        h->said.data[i] = h->said.data[i] == '"' ? '\'' : h->said.data[i] == '\n' ? ' ' : h->said.data[i];
    }
    log_event(LOG_WARN_, "handler-failed",
              "handler=%s alert=%" PRIu64 " tries=%u exit=%d retry_in_ms=%" PRId64 " said=\"%.200s\"",
              h->setup.config->name, alert->number, tries, h->end.ending == PLUGIN_EXITED ? h->end.code : -1, pause,
              buffer_cstr(&h->said));
}

static bool succeeded(const struct handler *h) {
    return h->end.ending == PLUGIN_EXITED && h->end.code == 0;
}

/* One wanted run, again and again; false: asked to stop. */
static bool take_run(struct handler *h, const struct alert *alert, unsigned run) {
    struct macro_context context = {.alert = alert,
                                    .contact = h->setup.config->contact_count == 0 ? NULL : &alert->contacts[run],
                                    .cluster = h->setup.cluster};
    mono_ms pause = h->setup.first_pause;
    if (!note(h, outbox_attempt, alert->number, run)) {
        return false;
    }
    for (unsigned tries = 1;; tries++) {
        if (!run_command(h, &context)) {
            return false;
        }
        if (succeeded(h)) {
            return note(h, outbox_done, alert->number, run);
        }
        tell_failure(h, alert, tries, pause);
        if (rest(h, pause)) {
            return false;
        }
        pause = longer(h, pause);
    }
}

static bool wants_any(const struct handler *h, const struct alert *alert) {
    for (unsigned run = h->next_run; run < notify_handler_runs(h->setup.config, alert); run++) {
        if (notify_handler_wants(h->setup.config, alert, run)) {
            return true;
        }
    }
    return false;
}

enum handler_end handler_take(struct handler *h, const struct alert *alert) {
    REQUIRE(alert->number == h->position + 1);
    bool any = wants_any(h, alert);
    if (any && h->again) {
        log_event(LOG_WARN_, "handing-over-again", "handler=%s alert=%" PRIu64 " text=\"its last run was cut short\"",
                  h->setup.config->name, alert->number);
    }
    for (unsigned run = h->next_run; any && run < notify_handler_runs(h->setup.config, alert); run++) {
        if (notify_handler_wants(h->setup.config, alert, run) && !take_run(h, alert, run)) {
            return HANDLER_STOPPED;
        }
    }
    bool started = any || h->next_run > 0 || h->again;
    if (started && !note(h, put_handed, alert->number, 0)) {
        return HANDLER_STOPPED;
    }
    if (any) {
        log_event(LOG_INFO_, "alert-handed-over", "handler=%s alert=%" PRIu64 " type=%s host=\"%s\" service=\"%s\"",
                  h->setup.config->name, alert->number, alert_type_name(alert->type), alert->host, alert->service);
    }
    h->position = alert->number;
    h->next_run = 0;
    h->again = false;
    h->unsettled = !started;
    return HANDLER_HANDED;
}

void handler_settle(struct handler *h) {
    if (h->unsettled && note(h, put_handed, h->position, 0)) {
        h->unsettled = false;
    }
}
