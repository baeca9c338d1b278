/* quorate command: Nagios' external command lines, from stdin or from a FIFO that front ends write to as they wrote to
   Nagios' command file. Each line stands for itself: a bad one is named and the next one is read. */
#include "base/clock.h"
#include "base/invariant.h"
#include "client/external.h"
#include "client/obs_seq.h"
#include "client/order.h"
#include "client/render.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct command {
    struct order order;
    const char *fifo, *results_key;
    const char *source;
    uint64_t line, refused, unanswered;
    struct buffer pending; /* of a line that is not whole yet */
    bool overlong;         /* the line in hand is dropped */
};

static volatile sig_atomic_t told_to_stop;

static void on_signal(int number) {
    (void)number;
    told_to_stop = 1;
}

/* ---- one line ---- */

static void trim_end(struct buffer *text) {
    while (text->len > 0 && text->data[text->len - 1] == '\n') {
        text->len--;
    }
}

static void print_json(const struct command *s, enum error e, const char *answer) {
    json_t *j = json_object();
    json_object_set_new(j, "line", json_integer((json_int_t)s->line));
    json_object_set_new(j, "result", json_string(error_name(e)));
    json_object_set_new(j, "answer", json_string(answer));
    char *text = json_dumps(j, JSON_COMPACT);
    REQUIRE(text != NULL);
    puts(text);
    fflush(stdout);
    free(text);
    json_decref(j);
}

static void refuse(struct command *s, enum error e, const char *why) {
    bool unanswered = cli_exit_of(e) == CLI_NO_QUORUM;
    struct buffer plain = {0};
    render_plain(&plain, why);
    s->refused += !unanswered;
    s->unanswered += unanswered;
    cli_fail(&s->order.cli, cli_exit_of(e), "%s: %s:%" PRIu64 ": %s", buffer_cstr(&plain), s->source, s->line,
             unanswered ? "it may still take effect, look before repeating it" : "correct the line");
    if (s->order.cli.json) {
        print_json(s, e, buffer_cstr(&plain));
    }
    buffer_free(&plain);
}

static void say(struct command *s, struct buffer *answer) {
    trim_end(answer);
    if (s->order.cli.json) {
        print_json(s, ERR_OK, buffer_cstr(answer));
        return;
    }
    printf("%s:%" PRIu64 ": %s\n", s->source, s->line, answer->len > 0 ? buffer_cstr(answer) : "done");
    fflush(stdout);
}

static void conclude(struct command *s, enum error e, struct buffer *answer) {
    trim_end(answer);
    if (e == ERR_OK) {
        say(s, answer);
    } else {
        refuse(s, e, answer->len > 0 ? buffer_cstr(answer) : error_text(e));
    }
}

static void run_command(struct command *s, const struct op_command *c) {
    struct buffer answer = {0};
    enum error e = order_call(&s->order, c, &answer);
    conclude(s, e, &answer);
    buffer_free(&answer);
}

static enum error send_result(struct command *s, const struct observation *o, struct buffer *why) {
    struct request r = {.kind = OP_OBSERVE, .observe = {1, o}};
    struct client_reply reply;
    enum error e = client_call(s->order.client, s->results_key, &r, s->order.cli.timeout, &reply, why);
    if (e == ERR_OK) {
        e = reply.reply.result == ERR_OK && reply.reply.refused_count > 0 ? reply.reply.refused[0].reason
                                                                          : reply.reply.result;
        client_reply_free(&reply);
    }
    return e;
}

static void run_result(struct command *s, struct observation *o) {
    struct buffer text = {0};
    if (!s->results_key) {
        refuse(s, ERR_FORBIDDEN, "a check result is an observer's: give --results-key, or use `quorate submit`");
        return;
    }
    o->observed_at = clock_wall();
    enum error e = obs_seq_draw(s->results_key, o->observed_at, 1, &o->obs_seq, &text);
    if (e == ERR_OK) {
        e = send_result(s, o, &text);
    }
    if (e == ERR_OK) {
        buffer_printf(&text, "result accepted");
    }
    conclude(s, e, &text);
    buffer_free(&text);
}

static void run_line(struct command *s, struct bytes line) {
    struct arena arena = {0};
    struct external e;
    while (line.len > 0 && (line.data[line.len - 1] == '\r' || line.data[line.len - 1] == ' ')) {
        line.len--;
    }
    if (line.len == 0 || line.data[0] == '#') {
        return;
    }
    external_parse(&e, line, &arena);
    switch (e.kind) {
    case EXTERNAL_COMMAND:
        run_command(s, &e.command);
        break;
    case EXTERNAL_RESULT:
        run_result(s, &e.result);
        break;
    case EXTERNAL_BAD:
        refuse(s, ERR_USAGE, e.why);
        break;
    }
    arena_free(&arena);
}

/* ---- lines ---- */

static void end_line(struct command *s) {
    s->line++;
    if (s->overlong) {
        refuse(s, ERR_OVERSIZED, "longer than 8192 bytes");
    } else {
        run_line(s, buffer_bytes(&s->pending));
    }
    s->overlong = false;
    buffer_clear(&s->pending);
}

/* Told to stop, it runs no further line; how many there are is said. */
static void take_bytes(struct command *s, const char *bytes, size_t len, uint64_t *left) {
    for (size_t i = 0; i < len; i++) {
        if (told_to_stop) {
            *left += bytes[i] == '\n';
        } else if (bytes[i] == '\n') {
            end_line(s);
        } else if (s->pending.len > EXTERNAL_LINE_MAX) {
            s->overlong = true;
        } else {
            buffer_u8(&s->pending, (uint8_t)bytes[i]);
        }
    }
}

static int outcome(struct command *s, uint64_t left) {
    if (left > 0) {
        return cli_fail(&s->order.cli, CLI_REFUSED, "%" PRIu64 " lines were not run any more: %s: write them again",
                        left, s->source);
    }
    return s->refused > 0 ? CLI_REFUSED : s->unanswered > 0 ? CLI_NO_QUORUM : CLI_DONE;
}

static int cannot_read(const struct command *s) {
    return cli_fail(&s->order.cli, CLI_REFUSED, "cannot read (%s): %s: give it a file, a pipe or a FIFO",
                    strerror(errno), s->source);
}

/* ---- stdin ---- */

static int read_stdin(struct command *s) {
    char chunk[4096];
    uint64_t left = 0;
    ssize_t got;
    while ((got = read(STDIN_FILENO, chunk, sizeof chunk)) > 0) {
        take_bytes(s, chunk, (size_t)got, &left);
    }
    if (got < 0) {
        return cannot_read(s);
    }
    if (s->pending.len > 0) {
        end_line(s);
    }
    return outcome(s, left);
}

/* ---- a FIFO ---- */

/* Read and write, so that it never ends when the last writer goes; locked, so that no second reader tears lines. */
static int open_fifo(struct command *s, int *fd) {
    struct stat st;
    bool made = mkfifo(s->fifo, 0660) == 0;
    if (!made && errno != EEXIST) {
        return cli_fail(&s->order.cli, CLI_REFUSED, "cannot make the FIFO (%s): %s: choose another path with --fifo",
                        strerror(errno), s->fifo);
    }
    *fd = open(s->fifo, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (*fd < 0 || fstat(*fd, &st) < 0 || !S_ISFIFO(st.st_mode)) {
        return cli_fail(&s->order.cli, CLI_REFUSED, "not a FIFO that can be read (%s): %s: remove what is there",
                        *fd < 0 ? strerror(errno) : "another kind of file", s->fifo);
    }
    if (flock(*fd, LOCK_EX | LOCK_NB) < 0) {
        return cli_fail(&s->order.cli, CLI_REFUSED, "another `quorate command` reads it: %s: stop that one first",
                        s->fifo);
    }
    if (made && fchmod(*fd, 0660) < 0) { /* whatever the umask: front ends of its group write to it */
        return cannot_read(s);
    }
    return CLI_GO_ON;
}

/* Somebody removed it, or a writer made a plain file in its place: nothing would come here any more. */
static bool is_still_there(const struct command *s, int fd) {
    struct stat path, open;
    return stat(s->fifo, &path) == 0 && fstat(fd, &open) == 0 && path.st_ino == open.st_ino &&
           path.st_dev == open.st_dev;
}

static int read_fifo(struct command *s, int fd) {
    char chunk[4096];
    uint64_t left = 0;
    for (;;) {
        ssize_t got = read(fd, chunk, sizeof chunk);
        if (got > 0) {
            take_bytes(s, chunk, (size_t)got, &left);
            continue;
        }
        if (told_to_stop) {
            left += s->pending.len > 0;
            return left > 0 ? outcome(s, left) : CLI_DONE;
        }
        if (got < 0 && errno != EAGAIN && errno != EINTR) {
            return cannot_read(s);
        }
        if (!is_still_there(s, fd)) {
            return cli_fail(&s->order.cli, CLI_REFUSED, "it is gone or another file now: %s: start again", s->fifo);
        }
        struct pollfd waiting = {.fd = fd, .events = POLLIN};
        (void)poll(&waiting, 1, 1000);
    }
}

static int follow_fifo(struct command *s) {
    struct sigaction act = {.sa_handler = on_signal};
    int fd = -1;
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
    int code = open_fifo(s, &fd);
    if (code == CLI_GO_ON) {
        fprintf(stderr, "quorate: command: reading %s\n", s->fifo);
        code = read_fifo(s, fd);
    }
    if (fd >= 0) {
        close(fd);
    }
    return code;
}

static int run(struct command *s) {
    int code = order_check_key(&s->order, s->order.cli.key_path);
    if (code == CLI_GO_ON && s->results_key) {
        code = order_check_key(&s->order, s->results_key);
    }
    if (code != CLI_GO_ON) {
        return code;
    }
    s->source = s->fifo ? s->fifo : "stdin";
    return s->fifo ? follow_fifo(s) : read_stdin(s);
}

int verb_command(int argc, char **argv) {
    struct command s = {0};
    const struct cli_option options[] = {
        {"fifo", 0, CLI_TEXT, &s.fifo, "PATH", "read from this FIFO until stopped; it is made if missing"},
        {"results-key", 0, CLI_TEXT, &s.results_key, "FILE", "an observer's key, for lines that are check results"},
        {0}};
    const struct cli_verb verb = {
        .name = "command",
        .operands = "",
        .summary = "Run Nagios external command lines, read from stdin",
        .details =
            "A line is [TIME] NAME;ARGUMENT;... as Nagios' command file takes it; TIME is not used. Each line is\n"
            "one signed operation. Needs an operator's key. Exits 1 if any line was refused. Point scripts and\n"
            "web front ends that write Nagios' command file at --fifo PATH.",
        .options = options};
    int code = cli_parse(&s.order.cli, &verb, argc, argv);
    if (code == CLI_GO_ON) {
        code = order_open(&s.order);
    }
    if (code == CLI_GO_ON) {
        code = run(&s);
    }
    order_close(&s.order);
    buffer_free(&s.pending);
    return code;
}
