/* The command line that all verbs share. Options may stand anywhere; operands are moved to the front of argv in their
   order, so a verb reads them as a plain list. */
#include "client/cli.h"

#include "base/clock.h"
#include "base/invariant.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_TIMEOUT_MS = 15000 };

struct shared { /* what the shared options are read into */
    struct cli *cli;
    bool help, version;
};

struct walk { /* the arguments on their way */
    char **argv;
    int argc, at, kept;
    const struct cli_option *tables[2];
};

static int print_failure(const char *verb, const char *text) {
    return fprintf(stderr, "quorate: %s: %s\n", verb, text);
}

int cli_fail(const struct cli *c, enum cli_exit code, const char *format, ...) {
    char text[2048];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    print_failure(c->verb, text);
    return code;
}

int cli_fail_lines(const struct cli *c, enum cli_exit code, struct buffer *lines) {
    char *copy = xstrdup(buffer_cstr(lines)), *save = NULL;
    for (char *line = strtok_r(copy, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
        print_failure(c->verb, line);
    }
    free(copy);
    return code;
}

enum cli_exit cli_exit_of(enum error e) {
    switch (e) {
    case ERR_OK:
        return CLI_DONE;
    case ERR_NO_QUORUM:
    case ERR_TIMED_OUT:
        return CLI_NO_QUORUM;
    default:
        return CLI_REFUSED;
    }
}

static const char *remedy(enum error e) {
    switch (e) {
    case ERR_NO_QUORUM:
    case ERR_TIMED_OUT:
        return "see `quorate replicas`, or give it longer with --timeout";
    case ERR_UNKNOWN_KEY:
        return "give a key that cluster.yaml names with -k FILE";
    case ERR_FORBIDDEN:
        return "use a key whose role allows it";
    case ERR_BUSY:
        return "try again in a moment";
    case ERR_CONVICTED:
        return "the convicted key stays convicted: a new cluster with a new key is needed";
    default:
        return "see `quorate replicas` for the cluster's health";
    }
}

int cli_fail_error(const struct cli *c, enum error e, const char *where) {
    return cli_fail(c, cli_exit_of(e), "%s (%s): %s: %s", error_text(e), error_name(e), where, remedy(e));
}

int cli_fail_call(const struct cli *c, enum error e, const char *where, struct buffer *why) {
    return why->len > 0 ? cli_fail_lines(c, cli_exit_of(e), why) : cli_fail_error(c, e, where);
}

static const struct cli_option *find_long(const struct walk *w, const char *name, size_t len) {
    for (unsigned t = 0; t < 2; t++) {
        for (const struct cli_option *o = w->tables[t]; o != NULL && o->name != NULL; o++) {
            if (strlen(o->name) == len && memcmp(o->name, name, len) == 0) {
                return o;
            }
        }
    }
    return NULL;
}

static const struct cli_option *find_letter(const struct walk *w, char letter) {
    for (unsigned t = 0; t < 2; t++) {
        for (const struct cli_option *o = w->tables[t]; o != NULL && o->name != NULL; o++) {
            if (o->letter == letter) {
                return o;
            }
        }
    }
    return NULL;
}

static bool parse_number(const char *text, uint64_t *out) {
    char *end = NULL;
    errno = 0;
    unsigned long long v = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || errno != 0) {
        return false;
    }
    *out = v;
    return true;
}

static int take_list(const struct cli *c, struct walk *w, const struct cli_option *o, const char *value) {
    struct cli_list *list = o->value;
    for (;;) {
        if (list->count == CLI_LIST_MAX) {
            return cli_fail(c, CLI_USAGE, "more than %d values: --%s: give fewer", CLI_LIST_MAX, o->name);
        }
        list->items[list->count++] = value;
        if (w->at >= w->argc || (w->argv[w->at][0] == '-' && w->argv[w->at][1] != '\0')) {
            return CLI_GO_ON;
        }
        value = w->argv[w->at++];
    }
}

static int take_value(const struct cli *c, struct walk *w, const struct cli_option *o, const char *value) {
    switch (o->kind) {
    case CLI_TEXT:
        *(const char **)o->value = value;
        return CLI_GO_ON;
    case CLI_NUMBER:
        return parse_number(value, o->value)
                   ? CLI_GO_ON
                   : cli_fail(c, CLI_USAGE, "'%s' is not a number: --%s: give digits only", value, o->name);
    case CLI_DURATION:
        return clock_parse_duration(value, o->value)
                   ? CLI_GO_ON
                   : cli_fail(c, CLI_USAGE, "'%s' is not a duration: --%s: write it as 250ms, 10s, 5m or 24h", value,
                              o->name);
    case CLI_LIST:
        return take_list(c, w, o, value);
    case CLI_FLAG:
        break;
    }
    UNREACHABLE();
}

/* attached: the text after '=' or after the letter, NULL when there is none. */
static int take_option(const struct cli *c, struct walk *w, const struct cli_option *o, const char *attached) {
    if (o->kind == CLI_FLAG) {
        if (attached != NULL) {
            return cli_fail(c, CLI_USAGE, "the option takes no value: --%s=%s: leave the value out", o->name, attached);
        }
        *(bool *)o->value = true;
        return CLI_GO_ON;
    }
    if (attached == NULL && w->at >= w->argc) {
        return cli_fail(c, CLI_USAGE, "the option needs a value: --%s: add %s", o->name, o->metavar);
    }
    return take_value(c, w, o, attached != NULL ? attached : w->argv[w->at++]);
}

static int unknown_option(const struct cli *c, const char *arg) {
    return cli_fail(c, CLI_USAGE, "unknown option: %s: `quorate %s --help` lists them", arg, c->verb);
}

static int take_long(const struct cli *c, struct walk *w, const char *arg) {
    const char *equals = strchr(arg, '=');
    size_t len = equals != NULL ? (size_t)(equals - arg) : strlen(arg);
    const struct cli_option *o = find_long(w, arg + 2, len - 2);
    return o == NULL ? unknown_option(c, arg) : take_option(c, w, o, equals != NULL ? equals + 1 : NULL);
}

/* "-jh" is two flags, "-cFILE" a letter and its value. */
static int take_letters(const struct cli *c, struct walk *w, const char *arg) {
    for (const char *p = arg + 1; *p != '\0'; p++) {
        const struct cli_option *o = find_letter(w, *p);
        if (o == NULL) {
            return unknown_option(c, arg);
        }
        if (o->kind != CLI_FLAG) {
            return take_option(c, w, o, p[1] != '\0' ? p + 1 : NULL);
        }
        take_option(c, w, o, NULL);
    }
    return CLI_GO_ON;
}

static int walk_arguments(const struct cli *c, struct walk *w) {
    bool ended = false;
    while (w->at < w->argc) {
        char *arg = w->argv[w->at++];
        int code = CLI_GO_ON;
        if (ended || arg[0] != '-' || arg[1] == '\0') {
            w->argv[w->kept++] = arg;
        } else if (strcmp(arg, "--") == 0) {
            ended = true;
        } else {
            code = arg[1] == '-' ? take_long(c, w, arg) : take_letters(c, w, arg);
        }
        if (code != CLI_GO_ON) {
            return code;
        }
    }
    return CLI_GO_ON;
}

static int count_operands(const struct cli *c, const struct cli_verb *v) {
    if (c->operand_count < v->operands_min) {
        return cli_fail(c, CLI_USAGE, "an operand is missing: quorate %s %s: `quorate %s --help` says more", v->name,
                        v->operands, v->name);
    }
    if (c->operand_count > v->operands_max) {
        return cli_fail(c, CLI_USAGE, "an operand too many: '%s': `quorate %s --help` says what fits",
                        c->operands[v->operands_max], v->name);
    }
    return CLI_GO_ON;
}

static const char *environment(const char *name) {
    const char *v = getenv(name);
    return v != NULL && *v != '\0' ? v : NULL;
}

static void shared_table(struct cli_option table[7], struct shared *s) {
    struct cli *c = s->cli;
    struct cli_option all[7] = {
        {"cluster", 'c', CLI_TEXT, &c->cluster_path, "FILE", "cluster.yaml (or QUORATE_CLUSTER)"},
        {"key", 'k', CLI_TEXT, &c->key_path, "FILE", "secret key that signs (or QUORATE_KEY)"},
        {"json", 0, CLI_FLAG, &c->json, NULL, "one JSON object a line"},
        {"timeout", 0, CLI_DURATION, &c->timeout, "DUR", "give up without a quorum after this long (15s)"},
        {"help", 'h', CLI_FLAG, &s->help, NULL, "this text"},
        {"version", 0, CLI_FLAG, &s->version, NULL, "the version of this build"},
        {NULL, 0, CLI_FLAG, NULL, NULL, NULL}};
    memcpy(table, all, sizeof all);
}

static void help_options(const struct cli_option *o, FILE *to) {
    for (; o != NULL && o->name != NULL; o++) {
        char left[64];
        char letter[8] = "    ";
        if (o->letter != 0) {
            snprintf(letter, sizeof letter, "-%c, ", o->letter);
        }
        snprintf(left, sizeof left, "%s--%s%s%s%s", letter, o->name, o->metavar != NULL ? " " : "",
                 o->metavar != NULL ? o->metavar : "", o->kind == CLI_LIST ? "..." : "");
        fprintf(to, "  %-28s %s\n", left, o->help);
    }
}

void cli_help(const struct cli_verb *verb, FILE *to) {
    struct cli ignored;
    struct shared s = {.cli = &ignored};
    struct cli_option table[7];
    shared_table(table, &s);
    fprintf(to, "usage: quorate %s%s%s [OPTION...]\n\n%s\n", verb->name, *verb->operands != '\0' ? " " : "",
            verb->operands, verb->summary);
    if (verb->details != NULL) {
        fprintf(to, "\n%s\n", verb->details);
    }
    fputs("\noptions:\n", to);
    help_options(verb->options, to);
    help_options(table, to);
    fprintf(to, "\nexit: %s\n",
            verb->exits != NULL ? verb->exits : "0 done, 1 refused or false, 2 wrong usage, 3 no quorum in time");
}

int cli_parse(struct cli *out, const struct cli_verb *verb, int argc, char **argv) {
    *out = (struct cli){.verb = verb->name,
                        .cluster_path = environment("QUORATE_CLUSTER"),
                        .key_path = environment("QUORATE_KEY"),
                        .timeout = DEFAULT_TIMEOUT_MS};
    struct shared s = {.cli = out};
    struct cli_option table[7];
    shared_table(table, &s);
    struct walk w = {.argv = argv, .argc = argc, .at = 1, .kept = 1, .tables = {verb->options, table}};
    int code = walk_arguments(out, &w);
    if (code != CLI_GO_ON) {
        return code;
    }
    if (s.help) {
        cli_help(verb, stdout);
        return CLI_DONE;
    }
    if (s.version) {
        puts("quorate " QUORATE_VERSION);
        return CLI_DONE;
    }
    argv[w.kept] = NULL;
    out->operands = argv + 1;
    out->operand_count = (unsigned)(w.kept - 1);
    return count_operands(out, verb);
}

int cli_open_cluster(const struct cli *c, struct cluster **out) {
    if (c->cluster_path == NULL) {
        return cli_fail(c, CLI_USAGE, "no cluster named: -c: give -c cluster.yaml or set QUORATE_CLUSTER");
    }
    struct buffer why = {0};
    enum error e = cluster_load(out, c->cluster_path, &why);
    int code = CLI_GO_ON;
    if (e != ERR_OK && why.len == 0) {
        code = cli_fail(c, CLI_REFUSED, "%s: %s: name a readable cluster.yaml", error_text(e), c->cluster_path);
    } else if (e != ERR_OK) {
        code = cli_fail_lines(c, CLI_REFUSED, &why);
    }
    buffer_free(&why);
    return code;
}

int cli_open_client(const struct cli *c, const struct cluster *cluster, struct client **out) {
    struct buffer why = {0};
    enum error e = client_open(out, cluster, &why);
    int code = CLI_GO_ON;
    if (e != ERR_OK) {
        code = cli_fail(c, CLI_REFUSED, "%s: %s: correct the client addresses", buffer_cstr(&why), c->cluster_path);
    }
    buffer_free(&why);
    return code;
}

int cli_need_key(const struct cli *c) {
    if (c->key_path == NULL) {
        return cli_fail(c, CLI_USAGE, "no key named: -k: give -k FILE or set QUORATE_KEY");
    }
    return CLI_GO_ON;
}

int cli_finish(const char *verb, int code) {
    bool lost = fflush(stdout) != 0 || ferror(stdout);
    if (lost) {
        fprintf(stderr, "quorate: %s: the output could not be written: stdout: %s\n", verb, strerror(errno));
    }
    return lost && code == CLI_DONE ? CLI_REFUSED : code;
}
