/* What the tests of deliveries share: alerts, an outbox in a directory of its own, a handler, and a server that it
   talks to. Include it after cmocka's headers. */
#ifndef QUORATE_TESTS_DELIVERY_WORLD_H
#define QUORATE_TESTS_DELIVERY_WORLD_H

#include "base/bytes.h"
#include "client/handler.h"
#include "client/payload.h"
#include "receiver.h"

#include <jansson.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

enum { ALERTS = 64, NEVER_MS = 3600 * 1000 };

static char dir[64], path[96], url[96];
static struct outbox *outbox;
static struct buffer why;
static const struct cluster_id CLUSTER = {{1, 2}};
static int stop_fd;
static struct receiver receiver;
static bool serving;
static struct alert alerts[ALERTS];
static char outputs[ALERTS][32];
static struct notify_handler config;
static struct turns *turns;               /* of handlers that are made; NULL: alone */
static mono_ms repeat_every;              /* of an Alertmanager */
static mono_ms others_need = 3600 * 1000; /* the same */

static inline void open_outbox(void) {
    buffer_clear(&why);
    assert_int_equal(outbox_open(&outbox, path, &CLUSTER, &why), ERR_OK);
}

static inline void make_alert(unsigned i, enum alert_type type, uint8_t state, uint8_t last_state) {
    snprintf(outputs[i], sizeof outputs[i], "output of %u", i + 1);
    alerts[i] = (struct alert){.number = i + 1,
                               .t = 1769601600000 + 1000 * (time_ms)i,
                               .type = type,
                               .host = "web1",
                               .host_alias = "",
                               .host_address = "",
                               .service = "http",
                               .service_display = "",
                               .state = state,
                               .last_state = last_state,
                               .hard = true,
                               .since = 1769601600000,
                               .output = outputs[i],
                               .perfdata = "",
                               .author = "",
                               .comment = ""};
}

static inline int setup(void **state) {
    (void)state;
    strcpy(dir, "/tmp/quorate-delivery-XXXXXX");
    if (mkdtemp(dir) == NULL) {
        return -1;
    }
    snprintf(path, sizeof path, "%s/state", dir);
    repeat_every = 0;
    stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    open_outbox();
    for (unsigned i = 0; i < ALERTS; i++) {
        make_alert(i, ALERT_PROBLEM, STATE_CRITICAL, STATE_OK);
    }
    return 0;
}

static inline void end_serving(void) {
    if (serving) {
        receiver_stop(&receiver);
        serving = false;
    }
}

static inline int teardown(void **state) {
    (void)state;
    char command[128];
    end_serving();
    outbox_close(outbox);
    outbox = NULL;
    close(stop_fd);
    buffer_free(&why);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command);
}

static inline void serve(bool mail, const int *answers, unsigned count) {
    end_serving();
    receiver = (struct receiver){.mail = mail, .answers = answers, .answer_count = count};
    assert_true(receiver_start(&receiver));
    serving = true;
}
#define SERVE(mail, ...) serve(mail, (const int[]){__VA_ARGS__}, sizeof((const int[]){__VA_ARGS__}) / sizeof(int))

static inline struct handler *handler_of(enum notify_kind kind) {
    static const char *to[] = {"ops@example.org", "oncall@example.org"};
    struct outbox_position p;
    snprintf(url, sizeof url, "%s://127.0.0.1:%u/%s", kind == NOTIFY_SMTP ? "smtp" : "http", receiver.port,
             kind == NOTIFY_SMTP ? "me" : "hook");
    config = (struct notify_handler){.name = "hook",
                                     .kind = kind,
                                     .url = url,
                                     .from = "quorate@example.org",
                                     .to = to,
                                     .to_count = 2,
                                     .types = ~0u,
                                     .timeout = NEVER_MS,
                                     .group_above = kind == NOTIFY_ALERTMANAGER ? 0 : GROUP_ABOVE_DEFAULT,
                                     .repeat_for = INT64_MAX / 2};
    struct handler_setup made = {.config = &config,
                                 .outbox = outbox,
                                 .cluster = CLUSTER,
                                 .cluster_name = "demo",
                                 .state_path = path,
                                 .stop_fd = stop_fd,
                                 .turns = turns,
                                 .first_pause = 1,
                                 .longest_pause = 4,
                                 .others_need = others_need,
                                 .repeat_every = repeat_every};
    if (!outbox_find(outbox, "hook", &p)) {
        assert_int_equal(outbox_handed(outbox, "hook", 0, &why), ERR_OK);
    }
    struct handler *h = handler_new(&made, &why);
    assert_non_null(h);
    return h;
}

static inline void takes(struct handler *h, unsigned from, unsigned count) {
    assert_int_equal(handler_take(h, alerts + from, count), HANDLER_HANDED);
    assert_int_equal(handler_position(h), alerts[from + count - 1].number);
}

static inline void stands(uint64_t handed, bool attempting) {
    struct outbox_position p;
    assert_true(outbox_find(outbox, "hook", &p));
    assert_int_equal(p.handed, handed);
    assert_int_equal(p.attempting, attempting);
}

/* The body of request i as JSON; the caller releases it. */
static inline json_t *body(unsigned i) {
    json_error_t error;
    assert_true(i < receiver.count);
    json_t *j = json_loads(receiver.list[i].body, JSON_REJECT_DUPLICATES, &error);
    assert_non_null(j);
    return j;
}

static inline const char *text_at(const json_t *j, const char *one, const char *two) {
    const json_t *inner = json_object_get(j, one);
    const char *text = json_string_value(two == NULL ? inner : json_object_get(inner, two));
    return text == NULL ? "" : text;
}

/* --- kill -9 --- */

static inline void kill_the_child(void *context, unsigned nth) {
    const pid_t *child = context;
    if (nth == 0) {
        kill(*child, SIGKILL);
    }
}

/* A child hands over `count` alerts and dies when the server has the first message, before its answer. */
static inline void die_while_handing_over(enum notify_kind kind, unsigned count) {
    static pid_t child;
    int go[2];
    char byte = 0;
    assert_int_equal(pipe(go), 0);
    outbox_close(outbox);
    outbox = NULL;
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(60);
        if (read(go[0], &byte, 1) == 1) {
            open_outbox();
            handler_take(handler_of(kind), alerts, count);
        }
        _exit(0);
    }
    receiver.context = &child;
    receiver.before_answer = kill_the_child;
    assert_int_equal(write(go[1], &byte, 1), 1);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    close(go[0]);
    close(go[1]);
    open_outbox();
}

static inline void delivery_begin(void) {
    alarm(100); /* what never succeeds is tried for ever */
    unsetenv("http_proxy");
    unsetenv("all_proxy");
    unsetenv("ALL_PROXY");
}

#endif
