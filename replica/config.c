/* Reads the command line: what is missing or unknown is said in one line that names the option and what to do. */
#include "replica/config.h"

#include "proto/cluster.h"
#include "replica/fault.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

enum {
    OPTION_FORMAT = 256,
    OPTION_LEVEL,
    OPTION_RECORD,
    OPTION_EXPORT,
    OPTION_RETAIN,
    OPTION_BEHAVE,
    OPTION_PROTOCOL,
    OPTION_VERSION
};

static const struct option options[] = {
    {"cluster", required_argument, NULL, 'c'},
    {"id", required_argument, NULL, 'i'},
    {"key", required_argument, NULL, 'k'},
    {"data", required_argument, NULL, 'd'},
    {"log-format", required_argument, NULL, OPTION_FORMAT},
    {"log-level", required_argument, NULL, OPTION_LEVEL},
    {"record", required_argument, NULL, OPTION_RECORD},
    {"export", required_argument, NULL, OPTION_EXPORT},
    {"retain", required_argument, NULL, OPTION_RETAIN},
    {"behave", required_argument, NULL, OPTION_BEHAVE},
    {"help-protocol", no_argument, NULL, OPTION_PROTOCOL},
    {"version", no_argument, NULL, OPTION_VERSION},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static const char help[] =
    "usage: quorated -c cluster.yaml -i ID -k KEY -d DATADIR [options]\n"
    "Runs one replica of a quorate cluster in the foreground; SIGTERM ends it cleanly.\n"
    "Prints `ready` on stdout when it takes part; logs on stderr, one line an event; SIGUSR1 logs its counters.\n\n"
    "  -c, --cluster FILE     the cluster (or QUORATE_CLUSTER)\n"
    "  -i, --id ID            which of its replicas this is\n"
    "  -k, --key FILE         that replica's secret key (or QUORATE_KEY)\n"
    "  -d, --data DIR         data directory, created (0700) when it is not there\n"
    "      --log-format FMT   text (default) or json\n"
    "      --log-level LEVEL  debug, info (default), warn or error\n"
    "      --record FILE      append every frame that this replica signs and sends\n"
    "      --export FILE      write what the stopped replica in -d DIR can testify, for `quorate audit`, and end\n"
    "      --retain BATCHES   keep so many batches of history (default 1000000); state is always kept\n"
    "      --behave NAME      be a traitor, in clusters with `drills: sandbox` only. `later:NAME` is honest until\n"
    "                         SIGUSR2, which begins and ends the treason. NAME is one of\n";
static const char help_end[] = "      --help-protocol    the protocol's knobs with their defaults and bounds\n"
                               "      --version          print the version\n"
                               "  -h, --help             print this\n"
                               "exit: 0 ended cleanly, 1 could not start or had to stop, 2 wrong usage\n";

/* Each behaviour with its parameter, and what it does. */
static void print_behaviours(FILE *out) {
    const struct fault_behaviour *b;
    for (unsigned i = 0; (b = fault_behaviour(i)); i++) {
        int width = fprintf(out, "        %s%s%s", b->name, b->parameter ? ":" : "", b->parameter ? b->parameter : "");
        fprintf(out, "%*s%s\n", width < 36 ? 36 - width : 1, "", b->what);
    }
}

static void print_help(FILE *out) {
    fputs(help, out);
    print_behaviours(out);
    fputs(help_end, out);
}

static void print_protocol(FILE *out) {
    struct buffer text = {0};
    protocol_help(&text);
    fputs(buffer_cstr(&text), out);
    buffer_free(&text);
}

static enum config_verdict usage(FILE *err, const char *what, const char *where) {
    fprintf(err, "quorated: %s: %s: see quorated --help\n", what, where);
    return CONFIG_USAGE;
}

static bool parse_id(member_id *out, const char *text) {
    char *end;
    errno = 0;
    unsigned long v = strtoul(text, &end, 10);
    if (errno || end == text || *end || text[0] < '0' || text[0] > '9' || v >= MEMBERS_MAX)
        return false;
    *out = (member_id)v;
    return true;
}

static bool parse_count(uint64_t *out, const char *text) {
    char *end;
    errno = 0;
    unsigned long long v = strtoull(text, &end, 10);
    *out = v;
    return !errno && end != text && !*end && text[0] >= '0' && text[0] <= '9' && v >= 1 && v <= UINT64_C(1) << 40;
}

static bool parse_level(enum log_level *out, const char *text) {
    static const char *const names[] = {
        [LOG_DEBUG_] = "debug", [LOG_INFO_] = "info", [LOG_WARN_] = "warn", [LOG_ERROR_] = "error"};
    for (unsigned i = 0; i <= LOG_ERROR_; i++) {
        if (strcmp(text, names[i]) == 0) {
            *out = (enum log_level)i;
            return true;
        }
    }
    return false;
}

static bool parse_format(bool *json, const char *text) {
    *json = strcmp(text, "json") == 0;
    return *json || strcmp(text, "text") == 0;
}

/* NULL: taken. Otherwise what is wrong with the option's value. */
static const char *take_option(struct config *c, int option, const char *value) {
    switch (option) {
    case 'c':
        c->cluster_path = value;
        return NULL;
    case 'i':
        return parse_id(&c->self, value) ? NULL : "-i takes the id of a replica, 0 to 12";
    case 'k':
        c->key_path = value;
        return NULL;
    case 'd':
        c->data_dir = value;
        return NULL;
    case OPTION_FORMAT:
        return parse_format(&c->json, value) ? NULL : "--log-format is text or json";
    case OPTION_LEVEL:
        return parse_level(&c->level, value) ? NULL : "--log-level is debug, info, warn or error";
    case OPTION_RECORD:
        c->record_path = value;
        return NULL;
    case OPTION_EXPORT:
        c->export_path = value;
        return NULL;
    case OPTION_RETAIN:
        return parse_count(&c->retain, value) ? NULL : "--retain takes a number of batches, 1 to 2^40";
    default:
        c->behave = value;
        return fault_behaviour_known(value) ? NULL : "--behave names no behaviour";
    }
}

static const char *first_missing(const struct config *c) {
    if (!c->cluster_path)
        return "-c cluster.yaml";
    if (c->export_path)
        return c->data_dir ? NULL : "-d DATADIR";
    if (c->self == MEMBER_NONE)
        return "-i ID";
    if (!c->key_path)
        return "-k KEY";
    return c->data_dir ? NULL : "-d DATADIR";
}

enum config_verdict config_parse(struct config *c, int argc, char **argv, FILE *out, FILE *err) {
    *c = (struct config){.self = MEMBER_NONE, .level = LOG_INFO_};
    c->cluster_path = getenv("QUORATE_CLUSTER");
    c->key_path = getenv("QUORATE_KEY");
    optind = 0;
    opterr = 0;
    int option;
    while ((option = getopt_long(argc, argv, ":c:i:k:d:h", options, NULL)) != -1) {
        switch (option) {
        case 'h':
            print_help(out);
            return CONFIG_DONE;
        case OPTION_PROTOCOL:
            print_protocol(out);
            return CONFIG_DONE;
        case OPTION_VERSION:
            fprintf(out, "quorated %s\n", QUORATE_VERSION);
            return CONFIG_DONE;
        case ':':
            return usage(err, "an option lacks its value", argv[optind - 1]);
        case '?':
            return usage(err, "unknown option", argv[optind - 1]);
        default:;
            const char *wrong = take_option(c, option, optarg);
            if (wrong)
                return usage(err, wrong, optarg);
        }
    }
    if (optind < argc)
        return usage(err, "operands are not taken", argv[optind]);
    const char *missing = first_missing(c);
    return missing ? usage(err, "an option is missing", missing) : CONFIG_RUN;
}
