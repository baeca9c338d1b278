/* quorate command: Nagios' external command lines, from stdin or from a FIFO that front ends write to as they wrote to
   Nagios' command file. Each line stands for itself: a bad one is named and the next one is read. */
#include "base/clock.h"
#include "base/invariant.h"
#include "client/external.h"
#include "client/obs_seq.h"
#include "client/order.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct command {
    struct order order;
    const char *fifo, *results_key;
    const char *source;
    uint64_t line, refused, done;
    struct buffer pending; /* of a line that is not whole yet */
    bool overlong;         /* the line in hand is dropped */
};

static volatile sig_atomic_t told_to_stop;

static void on_signal(int number) {
    (void)number;
    told_to_stop = 1;
}

/* ---- one line ---- */

static void refuse(struct command *s, const char *why) {
    s->refused++;
    cli_fail(&s->order.cli, CLI_REFUSED, "%s: %s:%" PRIu64 ": correct the line", why, s->source, s->line);
}

static void trim_end(struct buffer *text) {
    while (text->len > 0 && text->data[text->len - 1] == '\n') {
        text->len--;
    }
}

static void say(struct command *s, struct buffer *answer) {
    s->done++;
    printf("%s:%" PRIu64 ": %s%s", s->source, s->line, buffer_cstr(answer), answer->len > 0 ? "" : "done\n");
    fflush(stdout);
}

static void run_command(struct command *s, const struct op_command *c) {
    struct buffer answer = {0};
    enum error e = order_call(&s->order, c, &answer);
    if (e == ERR_OK) {
        say(s, &answer);
    } else {
        trim_end(&answer);
        refuse(s, answer.len > 0 ? buffer_cstr(&answer) : error_text(e));
    }
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
        refuse(s, "a check result is an observer's: give --results-key, or use `quorate submit`");
        return;
    }
    o->observed_at = clock_wall();
    enum error e = obs_seq_draw(s->results_key, o->observed_at, 1, &o->obs_seq, &text);
    if (e == ERR_OK) {
        e = send_result(s, o, &text);
    }
    if (e == ERR_OK) {
        buffer_printf(&text, "result accepted\n");
        say(s, &text);
    } else {
        trim_end(&text);
        refuse(s, text.len > 0 ? buffer_cstr(&text) : error_text(e));
    }
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
        refuse(s, e.why);
        break;
    }
    arena_free(&arena);
}

/* ---- lines ---- */

static void end_line(struct command *s) {
    s->line++;
    if (s->overlong) {
        refuse(s, "longer than 8192 bytes");
    } else {
        run_line(s, buffer_bytes(&s->pending));
    }
    s->overlong = false;
    buffer_clear(&s->pending);
}

static void take_bytes(struct command *s, const char *bytes, size_t len) {
    for (size_t i = 0; i < len && !told_to_stop; i++) {
        if (bytes[i] == '\n') {
            end_line(s);
        } else if (s->pending.len > EXTERNAL_LINE_MAX) {
            s->overlong = true;
        } else {
            buffer_u8(&s->pending, (uint8_t)bytes[i]);
        }
    }
}

static int read_lines(struct command *s, int fd) {
    char chunk[4096];
    while (!told_to_stop) {
        ssize_t got = read(fd, chunk, sizeof chunk);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return cli_fail(&s->order.cli, CLI_REFUSED, "cannot read (%s): %s", strerror(errno), s->source);
        }
        if (got == 0) {
            break;
        }
        take_bytes(s, chunk, (size_t)got);
    }
    if (s->pending.len > 0 && !told_to_stop) {
        end_line(s);
    }
    return s->refused > 0 ? CLI_REFUSED : CLI_DONE;
}

/* Read and write, so that it never ends when the last writer goes. */
static int open_fifo(struct command *s, int *fd) {
    struct stat st;
    if (mkfifo(s->fifo, 0660) < 0 && errno != EEXIST) {
        return cli_fail(&s->order.cli, CLI_REFUSED, "cannot make the FIFO (%s): %s: choose another path with --fifo",
                        strerror(errno), s->fifo);
    }
    *fd = open(s->fifo, O_RDWR | O_CLOEXEC);
    if (*fd < 0 || fstat(*fd, &st) < 0 || !S_ISFIFO(st.st_mode)) {
        return cli_fail(&s->order.cli, CLI_REFUSED, "not a FIFO that can be read (%s): %s: remove what is there",
                        *fd < 0 ? strerror(errno) : "another kind of file", s->fifo);
    }
    return CLI_GO_ON;
}

static void stop_on_signals(void) {
    struct sigaction act = {.sa_handler = on_signal};
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
}

static int run(struct command *s) {
    int fd = STDIN_FILENO, code = CLI_GO_ON;
    s->source = s->fifo ? s->fifo : "stdin";
    if (s->fifo) {
        stop_on_signals();
        code = open_fifo(s, &fd);
        if (code == CLI_GO_ON) {
            fprintf(stderr, "quorate: command: reading %s\n", s->fifo);
        }
    }
    if (code == CLI_GO_ON) {
        code = read_lines(s, fd);
    }
    if (s->fifo && fd >= 0) {
        close(fd);
    }
    return s->fifo && told_to_stop ? CLI_DONE : code;
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
