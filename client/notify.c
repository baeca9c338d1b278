/* `quorate notify`: the pager's side. One thread a handler follows the alert stream from where that handler stands, so
   that a handler that fails holds up nobody else; every alert is proven before it is handed over. */
#include "base/clock.h"
#include "base/invariant.h"
#include "base/log.h"
#include "client/cli.h"
#include "client/handler.h"
#include "client/notified.h"
#include "client/service.h"
#include "client/voice.h"

#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    FOLLOW_WAIT = 2000,   /* ms of one long poll: also how long SIGTERM may take */
    PAGE = 1000,          /* alerts taken at once ... */
    PAGE_BYTES = 4 << 20, /* ... and bytes of them, about */
    FIRST_PAUSE = 1000,   /* before a handler is tried again, doubled each time */
    LONGEST_PAUSE = 300000,
    OTHERS_NEED = 600000, /* ms that others have to take over what fails here */
    TURN_FRESH = 2000,    /* ms that what the log said of other notifiers counts */
    TURN_DEAF = 30000,    /* ms that a log that did not answer is not asked again */
    TURN_PAUSE = 1000,
    TURN_PATIENCE = 5000, /* ms that one question to the log may take */
    REPEAT_EVERY = 60000, /* an Alertmanager takes five silent minutes for an end */
    STATUS_PATIENCE = 3000,
};

struct notify {
    struct cli cli;
    const char *config_path, *state_path;
    uint64_t since;
    const char *instance; /* NULL: alone */
    mono_ms standby_after;
    struct buffer default_state, why;
    struct notify_config *config;
    struct cluster *cluster;
    struct outbox *outbox;
    int signals, stop;
    struct voice *voice;
    unsigned follower_count;
    struct follower *followers;
};

struct follower {
    struct notify *notify;
    pthread_t thread;
    struct client *client;
    struct handler *handler;
    struct notified_log log;
    struct turns *turns;  /* NULL: no other notifier, or none that matters to the handler */
    struct buffer leaves; /* blocks: what was taken from the stream and is not yet handed over */
    unsigned held, room;  /* alerts in leaves, and how many they may become */
    size_t bytes_room;
    uint64_t newest;  /* number of the last one taken ... */
    time_ms newest_t; /* ... and its agreed time */
};

enum { SINCE_NOT_GIVEN = -1 };

/* --- a follower's thread --- */

static bool stopping(const struct notify *n, mono_ms wait) {
    struct pollfd stop = {.fd = n->stop, .events = POLLIN};
    return poll(&stop, 1, (int)wait) > 0;
}

static void complain(void *context, member_id replica, const char *what) {
    voice_complaint(((struct follower *)context)->notify->voice, replica, what);
}

/* Copies only: alerts are handed over when the client is done with the page. */
static bool keep(void *context, const struct client_alert *a) {
    struct follower *f = context;
    buffer_block(&f->leaves, a->leaf);
    voice_alert(f->notify->voice, a->alert.number);
    f->newest = a->alert.number;
    f->newest_t = a->alert.t;
    return ++f->held < f->room && f->leaves.len < f->bytes_room;
}

static void start_page(struct follower *f) {
    buffer_clear(&f->leaves);
    f->held = 0;
    f->room = PAGE;
    f->bytes_room = PAGE_BYTES;
    f->newest = handler_position(f->handler);
}

/* How many of the leaves could be decoded: all, since they were proven. */
static unsigned decode(const struct follower *f, struct alert *list, struct arena *arena) {
    struct reader reader = reader_of(buffer_bytes(&f->leaves));
    unsigned count = 0;
    while (count < f->held && alert_decode(&list[count], read_block(&reader, SIZE_MAX), arena) == ERR_OK) {
        count++;
    }
    return count;
}

/* false: asked to stop. What a message still lacks is taken by the next poll, beside what is held. */
static bool hand_over(struct follower *f) {
    struct arena arena = {0};
    struct alert *list = xcalloc(f->held + 1, sizeof *list);
    unsigned count = decode(f, list, &arena), taken = 0;
    ENSURE(count == f->held);
    while (taken < count && list[taken].number <= handler_position(f->handler)) {
        taken++;
    }
    enum handler_end end = handler_take(f->handler, list + taken, count - taken);
    handler_settle(f->handler);
    handler_tick(f->handler);
    if (end == HANDLER_MORE) {
        f->room = f->held + PAGE;
        f->bytes_room = f->leaves.len + PAGE_BYTES;
    } else {
        start_page(f);
    }
    arena_free(&arena);
    free(list);
    return end != HANDLER_STOPPED;
}

static void *follow(void *self) {
    struct follower *f = self;
    struct notify *n = f->notify;
    bool go_on = true;
    start_page(f);
    handler_settle(f->handler); /* what an earlier run could not record any more */
    while (go_on && !stopping(n, 0)) {
        unsigned before = f->held;
        enum error e = client_alerts(f->client, f->newest, FOLLOW_WAIT, keep, complain, f);
        voice_answer(n->voice, f->held > before ? ERR_OK : e);
        if (f->turns != NULL && f->held > before) {
            turns_arrived(f->turns, clock_mono(), f->newest_t);
        }
        go_on = hand_over(f) && !(e != ERR_OK && stopping(n, FIRST_PAUSE));
    }
    return NULL;
}

/* --- where to begin --- */

/* The highest alert number that at least one honest replica claims; false: fewer than F answered. */
static bool agreed_highest(struct notify *n, struct client *client, uint64_t *highest) {
    struct msg_status status[MEMBERS_MAX];
    bool reachable[MEMBERS_MAX] = {false};
    unsigned weak = quorum_weak(n->cluster->member_count);
    *highest = 0;
    bool found = false;
    if (client_status(client, STATUS_PATIENCE, status, reachable) != ERR_OK) {
        return false;
    }
    for (unsigned i = 0; i < n->cluster->member_count; i++) {
        unsigned as_far = 0;
        for (unsigned k = 0; k < n->cluster->member_count; k++) {
            as_far += reachable[i] && reachable[k] && status[k].alerts >= status[i].alerts;
        }
        if (as_far >= weak && (!found || status[i].alerts > *highest)) {
            *highest = status[i].alerts;
            found = true;
        }
    }
    return found;
}

/* Whether other notifiers may serve the handler too. An Alertmanager knows itself what it was told, and has to be told
   again by somebody. */
static bool is_shared(const struct notify *n, const struct notify_handler *h) {
    return n->instance != NULL && h->kind != NOTIFY_ALERTMANAGER;
}

static bool is_known(const struct notify *n, const struct notify_handler *h) {
    struct outbox_position position;
    return outbox_find(n->outbox, h->name, &position);
}

/* true: asked to stop while there was no answer. */
static bool wait_for_quorum(const struct notify *n) {
    struct pollfd signal = {.fd = n->signals, .events = POLLIN};
    voice_answer(n->voice, ERR_NO_QUORUM);
    return poll(&signal, 1, FIRST_PAUSE) > 0;
}

/* A handler that only we serve. */
static int begin_alone(struct notify *n, struct client *client, struct turns_beginning *b) {
    *b = (struct turns_beginning){.after = n->since, .chosen = true};
    if (n->since != (uint64_t)SINCE_NOT_GIVEN) {
        return CLI_GO_ON;
    }
    b->chosen = false;
    bool found = outbox_highest(n->outbox, &b->after), stopped = false;
    while (!found && !stopped) {
        found = agreed_highest(n, client, &b->after);
        stopped = !found && wait_for_quorum(n);
    }
    return found ? CLI_GO_ON : CLI_NO_QUORUM;
}

static int begin_shared(struct notify *n, struct client *client, const char *handler, struct turns_beginning *b) {
    struct notified_log log = {.client = client, .key_path = n->cli.key_path, .timeout = TURN_PATIENCE};
    const uint64_t *since = n->since == (uint64_t)SINCE_NOT_GIVEN ? NULL : &n->since;
    uint64_t recorded = 0;
    while ((since == NULL || *since > 0) && !notified_read(&log, handler, &recorded)) {
        if (wait_for_quorum(n)) {
            return CLI_NO_QUORUM;
        }
    }
    if (!turns_beginning(recorded, since, b)) {
        return cli_fail(&n->cli, CLI_REFUSED,
                        "other notifiers handed over handler %s's alerts up to %" PRIu64
                        " only: --since: leave it out to begin there",
                        handler, recorded);
    }
    return CLI_GO_ON;
}

static int begin_handler(struct notify *n, const char *name, const struct turns_beginning *b) {
    enum error e = b->chosen ? outbox_handed(n->outbox, name, b->after, &n->why)
                             : outbox_begins(n->outbox, name, b->after, &n->why);
    if (e != ERR_OK) {
        return cli_fail_lines(&n->cli, CLI_REFUSED, &n->why);
    }
    log_event(LOG_INFO_, "handler-begins", "handler=%s after_alert=%" PRIu64, name, b->after);
    return CLI_GO_ON;
}

/* The handlers of one sort that the state file does not know. */
static int begin_all(struct notify *n, struct client *client, bool shared) {
    struct turns_beginning b;
    bool found = false;
    int code = CLI_GO_ON;
    for (unsigned i = 0; i < n->config->count && code == CLI_GO_ON; i++) {
        const struct notify_handler *h = &n->config->handlers[i];
        if (is_known(n, h) || is_shared(n, h) != shared) {
            continue;
        }
        if (shared) {
            code = begin_shared(n, client, h->name, &b);
        } else if (!found) {
            code = begin_alone(n, client, &b);
            found = true;
        }
        code = code == CLI_GO_ON ? begin_handler(n, h->name, &b) : code;
    }
    return code;
}

static int make_known(struct notify *n) {
    struct client *client = NULL;
    int code = cli_open_client(&n->cli, n->cluster, &client);
    if (code == CLI_GO_ON) {
        code = begin_all(n, client, false);
        code = code == CLI_GO_ON ? begin_all(n, client, true) : code; /* where these begin says nothing of the rest */
        client_close(client);
    }
    return code;
}

/* --- from start to end --- */

static const struct cli_verb *verb_of(struct notify *n, struct cli_option options[6], struct cli_verb *verb) {
    options[0] = (struct cli_option){
        .name = "config", .kind = CLI_TEXT, .value = &n->config_path, .metavar = "FILE", .help = "notify.yaml"};
    options[1] = (struct cli_option){.name = "state",
                                     .kind = CLI_TEXT,
                                     .value = &n->state_path,
                                     .metavar = "FILE",
                                     .help = "what was handed over to whom (default: CONFIG.state)"};
    options[2] = (struct cli_option){.name = "since",
                                     .kind = CLI_NUMBER,
                                     .value = &n->since,
                                     .metavar = "N",
                                     .help = "new handlers begin after alert N (0: with the first of all)"};
    options[3] = (struct cli_option){.name = "instance",
                                     .kind = CLI_TEXT,
                                     .value = &n->instance,
                                     .metavar = "NAME",
                                     .help = "one of several notifiers: records what it handed over (needs -k)"};
    options[4] = (struct cli_option){.name = "standby-after",
                                     .kind = CLI_DURATION,
                                     .value = &n->standby_after,
                                     .metavar = "DUR",
                                     .help = "hands over only what no other instance recorded for so long"};
    options[5] = (struct cli_option){.name = NULL};
    *verb = (struct cli_verb){
        .name = "notify",
        .operands = "",
        .summary = "follows the alerts, proves each, and hands it to the handlers of notify.yaml",
        .details =
            "notify.yaml, one of command, webhook, smtp and alertmanager a handler:\n"
            "  handlers:\n"
            "    - { name: page, command: [/usr/local/bin/page, \"$SERVICEDESC$\"], types: [PROBLEM, RECOVERY],\n"
            "        contacts: [ops], hosts: [\"web*\"], services: [http], timeout: 30s }\n"
            "    - { name: hook, webhook: \"https://HOST/PATH\", group_above: 20, retry_for: 24h }\n"
            "    - { name: mail, smtp: \"smtp://HOST:25\", to: \"ops@example.org\", from: \"quorate@example.org\" }\n"
            "    - { name: am, alertmanager: \"http://HOST:9093\" }\n"
            "A command gets Nagios' macros as arguments and as NAGIOS_* variables, once for each of the alert's "
            "contacts\n"
            "that `contacts` names, or once an alert without it. It is run until it exits 0. A webhook gets the\n"
            "Alertmanager's webhook form, a mail goes to each of `to`; more than group_above waiting alerts leave as\n"
            "one message. An Alertmanager is told again every minute what fires.\n"
            "What fails or overruns its timeout is tried again, with pauses of 1 s up to 5 min, for retry_for (a\n"
            "command: for ever); what a server refuses for good is said and passed over (with --instance after 10 min, "
            "so that another\n"
            "notifier can take it over). Alerts stay in order.\n"
            "A crash between a delivery and its note repeats it: QUORATE_KEY, the header Idempotency-Key and the\n"
            "Message-ID (cluster id and number) tell repetitions.\n"
            "Of several notifiers each has an --instance and a key of its own, of an operator with the role notify. "
            "Those\n"
            "with --standby-after 30s hand over only what no other recorded within 30 s.\n"
            "A handler that the state file knows goes on where it stood. A new one begins, without --since, where the\n"
            "others stand, or, when there are none, with the first alert that is not yet raised at the first start.\n"
            "With --instance it begins where the log says that other notifiers stand; where the log says nothing, "
            "with\n"
            "the first alert of all, or behind --since N: alerts up to N are then recorded as wanted by nobody.\n",
        .options = options,
    };
    return verb;
}

static struct turns *turns_of(struct notify *n, struct follower *f, const struct notify_handler *config) {
    if (!is_shared(n, config)) {
        return NULL;
    }
    f->log = (struct notified_log){.client = f->client, .key_path = n->cli.key_path, .timeout = TURN_PATIENCE};
    struct turns_setup setup = {.handler = config->name,
                                .instance = n->instance,
                                .standby_after = n->standby_after,
                                .fresh = TURN_FRESH,
                                .deaf = TURN_DEAF,
                                .pause = TURN_PAUSE,
                                .stop_fd = n->stop,
                                .read = notified_read,
                                .record = notified_record,
                                .self = &f->log};
    return turns_new(&setup);
}

static int start_follower(struct notify *n, const struct notify_handler *config) {
    struct follower *f = &n->followers[n->follower_count];
    struct handler_setup setup = {.config = config,
                                  .outbox = n->outbox,
                                  .cluster = n->cluster->id,
                                  .cluster_name = n->cluster->name,
                                  .state_path = n->state_path,
                                  .stop_fd = n->stop,
                                  .first_pause = FIRST_PAUSE,
                                  .longest_pause = LONGEST_PAUSE,
                                  .others_need = OTHERS_NEED,
                                  .repeat_every = REPEAT_EVERY};
    *f = (struct follower){.notify = n};
    int code = cli_open_client(&n->cli, n->cluster, &f->client);
    if (code != CLI_GO_ON) {
        return code;
    }
    setup.turns = f->turns = turns_of(n, f, config);
    f->handler = handler_new(&setup, &n->why);
    if (f->handler == NULL) { /* the others shall not miss theirs */
        turns_free(f->turns);
        client_close(f->client);
        cli_fail_lines(&n->cli, CLI_REFUSED, &n->why);
        buffer_clear(&n->why);
        return CLI_GO_ON;
    }
    voice_alert(n->voice, handler_position(f->handler));
    if (pthread_create(&f->thread, NULL, follow, f) != 0) {
        handler_free(f->handler);
        turns_free(f->turns);
        client_close(f->client);
        return cli_fail(&n->cli, CLI_REFUSED, "cannot start a thread: handler %s: lower the load or raise the limits",
                        config->name);
    }
    n->follower_count++;
    return CLI_GO_ON;
}

static void end_followers(struct notify *n) {
    uint64_t one = 1;
    if (write(n->stop, &one, sizeof one) != sizeof one) {
        log_event(LOG_ERROR_, "stop-failed", "fd=%d", n->stop);
    }
    for (unsigned i = 0; i < n->follower_count; i++) {
        pthread_join(n->followers[i].thread, NULL);
        handler_free(n->followers[i].handler);
        turns_free(n->followers[i].turns);
        client_close(n->followers[i].client);
        buffer_free(&n->followers[i].leaves);
    }
    free(n->followers);
}

static int follow_all(struct notify *n) {
    int code = CLI_GO_ON;
    n->followers = xcalloc(n->config->count, sizeof *n->followers);
    for (unsigned i = 0; i < n->config->count && code == CLI_GO_ON; i++) {
        code = start_follower(n, &n->config->handlers[i]);
    }
    code = code == CLI_GO_ON && n->follower_count == 0 ? CLI_REFUSED : code;
    if (code == CLI_GO_ON) {
        log_event(LOG_INFO_, "notify-started", "handlers=%u state=\"%s\"", n->follower_count, n->state_path);
        struct pollfd signal = {.fd = n->signals, .events = POLLIN};
        while (poll(&signal, 1, -1) <= 0) {
        }
        code = CLI_DONE;
    }
    end_followers(n);
    return code;
}

static int check_instance(struct notify *n) {
    if (n->instance == NULL) {
        return n->standby_after == 0 ? CLI_GO_ON
                                     : cli_fail(&n->cli, CLI_USAGE,
                                                "a notifier that waits for others has no name: --standby-after: give "
                                                "--instance too");
    }
    if (!notify_name_valid(n->instance)) {
        return cli_fail(&n->cli, CLI_USAGE,
                        "'%.80s' is no name: --instance: use 1 to %d letters, digits, '.', '_' and '-'", n->instance,
                        NOTIFY_NAME_MAX);
    }
    return cli_need_key(&n->cli);
}

static int open_all(struct notify *n) {
    if (n->config_path == NULL) {
        return cli_fail(&n->cli, CLI_USAGE, "no handlers are named: --config: give the path of a notify.yaml");
    }
    int code = check_instance(n);
    if (code != CLI_GO_ON) {
        return code;
    }
    if (n->state_path == NULL) {
        buffer_printf(&n->default_state, "%s.state", n->config_path);
        n->state_path = buffer_cstr(&n->default_state);
    }
    if (notify_config_load(&n->config, n->config_path, &n->why) != ERR_OK) {
        return cli_fail_lines(&n->cli, CLI_REFUSED, &n->why);
    }
    code = cli_open_cluster(&n->cli, &n->cluster);
    if (code == CLI_GO_ON && outbox_open(&n->outbox, n->state_path, &n->cluster->id, &n->why) != ERR_OK) {
        code = cli_fail_lines(&n->cli, CLI_REFUSED, &n->why);
    }
    return code;
}

static int run(struct notify *n) {
    int code = open_all(n);
    if (code != CLI_GO_ON) {
        return code;
    }
    n->signals = service_take_signals();
    n->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (n->signals < 0 || n->stop < 0) {
        return cli_fail(&n->cli, CLI_REFUSED, "cannot take signals: the system: raise the limit of open files");
    }
    service_watch_network();
    code = make_known(n);
    return code == CLI_GO_ON ? follow_all(n) : code;
}

static void close_all(struct notify *n) {
    outbox_close(n->outbox);
    notify_config_free(n->config);
    cluster_free(n->cluster);
    if (n->signals >= 0) {
        close(n->signals);
    }
    if (n->stop >= 0) {
        close(n->stop);
    }
    buffer_free(&n->default_state);
    buffer_free(&n->why);
}

int verb_notify(int argc, char **argv) {
    struct notify n = {.since = (uint64_t)SINCE_NOT_GIVEN, .signals = -1, .stop = -1};
    struct cli_option options[6];
    struct cli_verb verb;
    int code = cli_parse(&n.cli, verb_of(&n, options, &verb), argc, argv);
    if (code != CLI_GO_ON) {
        return code;
    }
    n.voice = voice_new();
    code = run(&n);
    close_all(&n);
    voice_free(n.voice);
    return code;
}
