/* quorate submit: reads check results from stdin as send_nsca does and submits them in signed bundles. All lines are
   read and judged before the first one leaves, so a bad file changes nothing. */
#include "base/clock.h"
#include "base/invariant.h"
#include "client/cli.h"
#include "client/lines.h"
#include "client/obs_seq.h"
#include "client/render.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BUNDLE_BYTES = 60 * 1024, RESULT_OVERHEAD = 48 };

struct refused_line {
    uint32_t line;
    enum error reason;
    const struct observation *result;
};

struct submit {
    struct cli cli;
    bool keep_going, only_etb;
    const char *delimiter;
    struct lines lines;
    struct cluster *cluster;
    struct client *client;
    uint64_t accepted;
    seq_no n;
    size_t refused_count;
    struct refused_line *refused;
};

static int read_all(struct submit *s, struct buffer *text) {
    char chunk[65536];
    ssize_t got;
    while ((got = read(STDIN_FILENO, chunk, sizeof chunk)) > 0) {
        buffer_put(text, chunk, (size_t)got);
    }
    return got == 0 ? CLI_GO_ON : cli_fail(&s->cli, CLI_REFUSED, "cannot read: stdin: give it a file or a pipe");
}

static int report_bad(const struct submit *s) {
    for (size_t i = 0; i < s->lines.bad_count; i++) {
        const struct lines_bad *b = &s->lines.bad[i];
        cli_fail(&s->cli, CLI_REFUSED, "%s: stdin:%" PRIu32 ": %s", b->reason, b->line,
                 s->keep_going ? "left out" : "correct the line, nothing was sent");
    }
    return s->lines.bad_count > 0 && !s->keep_going ? CLI_REFUSED : CLI_GO_ON;
}

static int number_results(struct submit *s) {
    struct buffer why = {0};
    uint64_t first = 0;
    time_ms now = clock_wall();
    int code = CLI_GO_ON;
    if (obs_seq_draw(s->cli.key_path, now, (uint32_t)s->lines.count, &first, &why) != ERR_OK) {
        code = cli_fail_lines(&s->cli, CLI_REFUSED, &why);
    }
    for (size_t i = 0; i < s->lines.count; i++) {
        s->lines.results[i].obs_seq = first + i;
        s->lines.results[i].observed_at = now;
    }
    buffer_free(&why);
    return code;
}

static size_t result_size(const struct observation *o) {
    return RESULT_OVERHEAD + strlen(o->host) + strlen(o->service) + strlen(o->output) + strlen(o->perfdata);
}

/* How many results from `from` fit into one bundle; at least one. */
static unsigned bundle_size(const struct lines *l, size_t from) {
    size_t bytes = 0;
    unsigned count = 0;
    while (from + count < l->count && count < OBSERVE_MAX) {
        bytes += result_size(&l->results[from + count]);
        if (count > 0 && bytes > BUNDLE_BYTES) {
            break;
        }
        count++;
    }
    return count;
}

static void add_refused(struct submit *s, size_t at, enum error reason) {
    s->refused = xrealloc(s->refused, (s->refused_count + 1) * sizeof *s->refused);
    s->refused[s->refused_count++] = (struct refused_line){s->lines.at[at], reason, &s->lines.results[at]};
}

static void take_reply(struct submit *s, size_t from, unsigned count, const struct client_reply *r) {
    s->n = r->n;
    if (r->reply.result != ERR_OK) {
        for (unsigned i = 0; i < count; i++) {
            add_refused(s, from + i, r->reply.result);
        }
        return;
    }
    s->accepted += r->reply.accepted;
    for (unsigned i = 0; i < r->reply.refused_count; i++) {
        const struct refused_entry *e = &r->reply.refused[i];
        if (e->index < count) {
            add_refused(s, from + e->index, e->reason);
        }
    }
}

static int send_bundle(struct submit *s, size_t from, unsigned count) {
    struct request r = {.kind = OP_OBSERVE, .observe = {.count = count, .list = &s->lines.results[from]}};
    struct client_reply reply;
    struct buffer why = {0};
    int code = CLI_GO_ON;
    enum error e = client_call(s->client, s->cli.key_path, &r, s->cli.timeout, &reply, &why);
    if (e == ERR_OK) {
        take_reply(s, from, count, &reply);
        client_reply_free(&reply);
    } else {
        char where[64];
        snprintf(where, sizeof where, "stdin:%" PRIu32 " and after", s->lines.at[from]);
        code = cli_fail_call(&s->cli, e, where, &why);
    }
    buffer_free(&why);
    return code;
}

static int send_all(struct submit *s) {
    int code = CLI_GO_ON;
    for (size_t from = 0; from < s->lines.count && code == CLI_GO_ON;) {
        unsigned count = bundle_size(&s->lines, from);
        code = send_bundle(s, from, count);
        from += count;
    }
    return code;
}

static void print_json(const struct submit *s) {
    json_t *j = json_object(), *refused = json_array();
    for (size_t i = 0; i < s->refused_count; i++) {
        json_t *r = json_object();
        json_object_set_new(r, "line", json_integer(s->refused[i].line));
        json_object_set_new(r, "reason", json_string(error_name(s->refused[i].reason)));
        json_array_append_new(refused, r);
    }
    for (size_t i = 0; i < s->lines.bad_count; i++) {
        json_t *r = json_object();
        json_object_set_new(r, "line", json_integer(s->lines.bad[i].line));
        json_object_set_new(r, "reason", json_string(s->lines.bad[i].reason));
        json_array_append_new(refused, r);
    }
    json_object_set_new(j, "accepted", json_integer((json_int_t)s->accepted));
    json_object_set_new(j, "n", s->n == 0 ? json_null() : json_integer((json_int_t)s->n));
    json_object_set_new(j, "refused", refused);
    char *line = json_dumps(j, JSON_COMPACT);
    REQUIRE(line != NULL);
    puts(line);
    free(line);
    json_decref(j);
}

static void report(const struct submit *s) {
    for (size_t i = 0; i < s->refused_count; i++) {
        const struct refused_line *r = &s->refused[i];
        struct buffer subject = {0};
        render_plain(&subject, r->result->host);
        buffer_printf(&subject, "%s", *r->result->service != '\0' ? "/" : "");
        render_plain(&subject, r->result->service);
        cli_fail(&s->cli, CLI_REFUSED, "refused, %s (%s): stdin:%" PRIu32 ": %s", error_text(r->reason),
                 error_name(r->reason), r->line, buffer_cstr(&subject));
        buffer_free(&subject);
    }
    if (s->cli.json) {
        print_json(s);
    } else if (s->accepted > 0 || s->refused_count == 0) {
        printf("%" PRIu64 " results accepted at %" PRIu64 "\n", s->accepted, s->n);
    }
}

static int submit_lines(struct submit *s) {
    int code = number_results(s);
    if (code == CLI_GO_ON) {
        code = cli_open_client(&s->cli, s->cluster, &s->client);
    }
    if (code != CLI_GO_ON) {
        return code;
    }
    code = send_all(s);
    if (code == CLI_GO_ON || s->accepted > 0 || s->refused_count > 0) {
        report(s);
    }
    client_close(s->client);
    return code;
}

static int read_and_submit(struct submit *s) {
    struct buffer text = {0};
    int code = read_all(s, &text);
    if (code == CLI_GO_ON) {
        struct lines_options options = {.delimiter = *s->delimiter, .only_etb = s->only_etb};
        lines_parse(&s->lines, buffer_bytes(&text), &options);
        code = report_bad(s);
    }
    buffer_free(&text);
    if (code == CLI_GO_ON && s->lines.count == 0 && s->lines.bad_count == 0) {
        code = cli_fail(&s->cli, CLI_REFUSED, "no results: stdin: write host<TAB>service<TAB>code<TAB>output");
    }
    if (code == CLI_GO_ON && s->lines.count > 0) {
        code = submit_lines(s);
    } else if (s->cli.json && s->lines.bad_count > 0) {
        print_json(s);
    }
    return code;
}

int verb_submit(int argc, char **argv) {
    struct submit s = {.delimiter = "\t"};
    const struct cli_option options[] = {
        {"delimiter", 'd', CLI_TEXT, &s.delimiter, "DELIM", "the byte between fields (a tab)"},
        {"etb", 0, CLI_FLAG, &s.only_etb, NULL, "only ETB (0x17) ends a result: output may hold newlines"},
        {"keep-going", 0, CLI_FLAG, &s.keep_going, NULL, "send the good lines even if there are bad ones (exit 1)"},
        {0}};
    const struct cli_verb verb = {
        .name = "submit",
        .operands = "",
        .summary = "Submit check results read from stdin, as send_nsca takes them",
        .details = "A line is host<TAB>service<TAB>code<TAB>output or, for a host, host<TAB>code<TAB>output.\n"
                   "A newline or ETB ends a result. Perfdata follows the first '|' of the output.",
        .options = options};
    int code = cli_parse(&s.cli, &verb, argc, argv);
    if (code == CLI_GO_ON && strlen(s.delimiter) != 1) {
        code = cli_fail(&s.cli, CLI_USAGE, "'%s' is not one byte: --delimiter: give one character", s.delimiter);
    }
    if (code == CLI_GO_ON) {
        code = cli_need_key(&s.cli);
    }
    if (code == CLI_GO_ON) {
        code = cli_open_cluster(&s.cli, &s.cluster);
    }
    if (code == CLI_GO_ON) {
        code = read_and_submit(&s);
    }
    if (code == CLI_GO_ON) {
        code = s.refused_count > 0 || s.lines.bad_count > 0 ? CLI_REFUSED : CLI_DONE;
    }
    lines_free(&s.lines);
    free(s.refused);
    cluster_free(s.cluster);
    return code;
}
