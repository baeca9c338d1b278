/* A handler that is a command: run with the alert's macros as arguments and environment; exit 0 means taken. */
#include "base/clock.h"
#include "base/invariant.h"
#include "client/agent/runner.h"
#include "client/carrier.h"
#include "client/macros.h"

#include <poll.h>
#include <stdlib.h>

struct command {
    struct carrier carrier;
    struct handler_setup setup;
    struct runner *runner;
    bool ended;
    struct plugin_end end;
    struct buffer said, perfdata;
};

static char **command_line(struct arena *arena, const struct notify_handler *config,
                           const struct macro_context *context) {
    size_t count = 0;
    while (config->argv[count] != NULL) {
        count++;
    }
    char **argv = arena_alloc(arena, (count + 1) * sizeof *argv);
    struct buffer word = {0};
    for (size_t i = 0; i < count; i++) {
        buffer_clear(&word);
        macro_expand(&word, config->argv[i], context);
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
    struct command *c = self;
    c->ended = true;
    c->end = result->end;
    plugin_output_split(&c->said, &c->perfdata, result->end, result->printed, result->complained);
}

/* false: asked to stop while it waited. */
static bool wait_for_end(struct command *c) {
    while (!c->ended) {
        struct pollfd fds[1 + RUNNER_FDS_PER_CHILD] = {{.fd = c->setup.stop_fd, .events = POLLIN}};
        mono_ms now = clock_mono(), next = runner_next(c->runner, now);
        mono_ms wait = next <= now ? 0 : next - now > 1000 ? 1000 : next - now;
        poll(fds, 1 + runner_poll(c->runner, fds + 1), (int)wait);
        if (fds[0].revents != 0) {
            return false;
        }
        runner_step(c->runner, clock_mono(), take_end, c);
    }
    return true;
}

static bool run_command(struct command *c, const struct macro_context *context) {
    struct arena arena = {0};
    struct runner_job job = {.path = c->setup.config->argv[0],
                             .argv = command_line(&arena, c->setup.config, context),
                             .envp = macro_environment(&arena, context, inherited(&arena)),
                             .timeout = c->setup.config->timeout};
    c->ended = false;
    runner_start(c->runner, &job, clock_mono());
    arena_free(&arena);
    return wait_for_end(c);
}

static enum carry_end carry(struct carrier *self, const struct parcel *p, struct buffer *said) {
    struct command *c = (struct command *)self;
    const struct alert *alert = p->alerts[0];
    struct macro_context context = {.alert = alert,
                                    .contact = c->setup.config->contact_count == 0 ? NULL : &alert->contacts[p->run],
                                    .cluster = c->setup.cluster};
    REQUIRE(p->count == 1);
    if (!run_command(c, &context)) {
        return CARRY_STOPPED;
    }
    if (c->end.ending == PLUGIN_EXITED && c->end.code == 0) {
        return CARRY_DONE;
    }
    if (c->end.ending == PLUGIN_EXITED) {
        buffer_printf(said, "exit %d: ", c->end.code);
    }
    buffer_put(said, c->said.data, c->said.len);
    return CARRY_FAILED;
}

static void end(struct carrier *self) {
    struct command *c = (struct command *)self;
    runner_free(c->runner);
    buffer_free(&c->said);
    buffer_free(&c->perfdata);
    free(c);
}

struct carrier *carry_command(const struct handler_setup *setup) {
    struct command *c = xcalloc(1, sizeof *c);
    struct runner_config config = {.max_children = 1};
    struct buffer why = {0};
    *c = (struct command){.carrier = {.carry = carry, .free = end}, .setup = *setup};
    enum error e = runner_new(&c->runner, &config, &why);
    ENSURE(e == ERR_OK); /* no user is asked for */
    return &c->carrier;
}
