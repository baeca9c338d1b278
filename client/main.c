/* quorate: one program, a verb each. Under the name check_quorate it is the Nagios plugin. */
#include "client/cli.h"
#include "client/near.h"

#include <stdio.h>
#include <string.h>

struct verb {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
};

static const struct verb verbs[] = {
    {"init", verb_init, "make cluster.yaml and, for a try-out, all keys"},
    {"keygen", verb_keygen, "make one key pair and print its public line"},
    {"submit", verb_submit, "submit check results read from stdin"},
    {"agent", verb_agent, "run plugins on their intervals and submit what they say"},
    {"apply", verb_apply, "put a Nagios object configuration in force"},
    {"status", verb_status, "show the agreed state of hosts and services"},
    {"alerts", verb_alerts, "print the agreed alert stream, each alert proven"},
    {"notify", verb_notify, "hand each alert once to commands, webhooks, mail, Alertmanagers"},
    {"ack", verb_ack, "acknowledge a problem"},
    {"downtime", verb_downtime, "plan, list and cancel downtime"},
    {"comment", verb_comment, "attach comments to hosts and services"},
    {"mask", verb_mask, "set an observer aside"},
    {"unmask", verb_unmask, "believe an observer again"},
    {"command", verb_command, "run Nagios external command lines"},
    {"replicas", verb_replicas, "show the replicas and who disagrees"},
    {"verify", verb_verify, "check alerts offline, with cluster.yaml alone"},
    {"evidence", verb_evidence, "show who was proven to have broken the rules"},
    {"audit", verb_audit, "find where replicas disagree and who did it, from their files"},
    {"drill", verb_drill, "rehearse traitors and breakdowns, and judge what comes of it"},
    {"check_quorate", verb_check_quorate, "Nagios plugin that watches the cluster itself"},
};
enum { VERB_COUNT = sizeof verbs / sizeof verbs[0] };

static void overview(FILE *to) {
    fputs("usage: quorate [OPTION...] VERB [OPERAND...] [OPTION...]\n\n", to);
    for (unsigned i = 0; i < VERB_COUNT; i++) {
        fprintf(to, "  %-14s %s\n", verbs[i].name, verbs[i].summary);
    }
    fputs("\n`quorate VERB --help` says more. Replicas are run by `quorated`.\n", to);
}

static int unknown_verb(const char *word) {
    char near[256] = "";
    for (unsigned i = 0; i < VERB_COUNT; i++) {
        near_add(near, sizeof near, word, verbs[i].name);
    }
    fprintf(stderr, "quorate: %.64s: no such verb: %s\n", word, *near != '\0' ? near : "`quorate help` lists them");
    return CLI_USAGE;
}

static int run(const char *name, int argc, char **argv) {
    for (unsigned i = 0; i < VERB_COUNT; i++) {
        if (strcmp(verbs[i].name, name) == 0) {
            return cli_finish(name, verbs[i].run(argc, argv));
        }
    }
    return unknown_verb(name);
}

static int help(int argc, char **argv) {
    if (argc < 2) {
        overview(stdout);
        return cli_finish("help", CLI_DONE);
    }
    char option[] = "--help";
    char *arguments[] = {argv[1], option, NULL};
    return run(argv[1], 2, arguments);
}

/* How many words a shared option before the verb takes; 0: it is none. */
static int shared_option(const char *word) {
    static const char *const with_value[] = {"-c", "-k", "--cluster", "--key", "--timeout"};
    for (unsigned i = 0; i < sizeof with_value / sizeof with_value[0]; i++) {
        size_t len = strlen(with_value[i]);
        if (strcmp(word, with_value[i]) == 0) {
            return 2;
        }
        bool joined = with_value[i][1] == '-' ? word[len] == '=' : word[len] != '\0';
        if (strncmp(word, with_value[i], len) == 0 && joined) {
            return 1;
        }
    }
    return strcmp(word, "--json") == 0;
}

/* `quorate -c FILE replicas` means `quorate replicas -c FILE`: the verb is moved to the front. */
static void verb_first(int argc, char **argv) {
    int at = 1;
    for (int words; at < argc && (words = shared_option(argv[at])) > 0;) {
        at += words;
    }
    if (at >= argc) {
        return;
    }
    char *verb = argv[at];
    memmove(&argv[2], &argv[1], (size_t)(at - 1) * sizeof *argv);
    argv[1] = verb;
}

int main(int argc, char **argv) {
    const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
    const char *self = slash != NULL ? slash + 1 : argc > 0 ? argv[0] : "";
    crypto_start();
    if (strcmp(self, "check_quorate") == 0) {
        return run(self, argc, argv);
    }
    if (argc < 2) {
        overview(stderr);
        return CLI_USAGE;
    }
    verb_first(argc, argv);
    if (strcmp(argv[1], "--version") == 0) {
        puts("quorate " QUORATE_VERSION);
        return cli_finish("version", CLI_DONE);
    }
    if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        return help(argc - 1, argv + 1);
    }
    return run(argv[1], argc - 1, argv + 1);
}
