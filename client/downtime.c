/* quorate downtime: plans it, lists it, cancels it. */
#include "base/clock.h"
#include "client/order.h"

#include <string.h>

struct downtime {
    struct order order;
    const char *comment, *author, *start, *end;
    mono_ms span, flexible;
    uint64_t trigger, cancel;
    bool list, services, children, triggered, hostgroup, servicegroup, hosts;
};

static const char *operand(const struct downtime *d, unsigned i) {
    return d->order.cli.operand_count > i ? d->order.cli.operands[i] : "";
}

static int target_of(const struct downtime *d, enum command_target *out) {
    const struct cli *cli = &d->order.cli;
    unsigned said = d->services + (d->children || d->triggered) + d->hostgroup + d->servicegroup;
    bool group = d->hostgroup || d->servicegroup;
    if (d->hostgroup + d->servicegroup + d->children + d->triggered > 1 || (said > 1 && !group)) {
        return cli_fail(cli, CLI_USAGE,
                        "more than one of --services, --children, --triggered, --hostgroup and "
                        "--servicegroup: say which objects are meant");
    }
    if (cli->operand_count > 1 && said > 0) {
        return cli_fail(cli, CLI_USAGE, "a service and a group of objects: %s: leave one out", operand(d, 1));
    }
    *out = d->hostgroup      ? (d->services ? TARGET_HOSTGROUP_SERVICES : TARGET_HOSTGROUP_HOSTS)
           : d->servicegroup ? (d->hosts ? TARGET_SERVICEGROUP_HOSTS : TARGET_SERVICEGROUP_SERVICES)
           : d->services     ? TARGET_SERVICES
           : said            ? TARGET_CHILDREN
                             : TARGET_OBJECT;
    return CLI_GO_ON;
}

static int window_of(const struct downtime *d, struct op_command *c) {
    const struct cli *cli = &d->order.cli;
    time_ms now = clock_wall();
    c->start = now;
    if (d->start && !order_moment(d->start, now, &c->start)) {
        return cli_fail(cli, CLI_USAGE, "no moment: --start: write 2h, @1769601600 or 2026-01-28T18:00Z");
    }
    if ((d->end != NULL) == (d->span > 0)) {
        return cli_fail(cli, CLI_USAGE, "give --for or --end, one of them: how long it lasts: write --for 2h");
    }
    c->end = c->start + (time_ms)d->span;
    if (d->end && !order_moment(d->end, now, &c->end)) {
        return cli_fail(cli, CLI_USAGE, "no moment: --end: write 2h, @1769601600 or 2026-01-28T18:00Z");
    }
    c->flags |= d->flexible > 0 ? 0u : COMMAND_FIXED;
    c->duration = d->flexible > 0 ? (time_ms)d->flexible : c->end - c->start;
    return CLI_GO_ON;
}

static int plan(struct downtime *d) {
    struct op_command c = {.kind = COMMAND_DOWNTIME,
                           .host = operand(d, 0),
                           .service = operand(d, 1),
                           .observer = "",
                           .id = d->trigger,
                           .flags = d->triggered ? COMMAND_TRIGGERED : 0u,
                           .author = d->author,
                           .comment = d->comment};
    int code = target_of(d, &c.target);
    if (code == CLI_GO_ON) {
        code = window_of(d, &c);
    }
    if (code == CLI_GO_ON && !*d->comment) {
        code = cli_fail(&d->order.cli, CLI_USAGE, "no comment: --message: say what is done meanwhile");
    }
    return code == CLI_GO_ON ? order_send(&d->order, &c, c.host) : code;
}

static int cancel(struct downtime *d) {
    struct op_command c = {.kind = COMMAND_CANCEL_DOWNTIME,
                           .target = TARGET_CLUSTER,
                           .host = "",
                           .service = "",
                           .observer = "",
                           .id = d->cancel,
                           .author = d->author,
                           .comment = d->comment};
    return order_send(&d->order, &c, "--cancel");
}

static int run(struct downtime *d) {
    int code = CLI_GO_ON;
    if (!d->list && !d->cancel && d->order.cli.operand_count == 0) {
        code = cli_fail(&d->order.cli, CLI_USAGE, "no host: HOST: say whose, `quorate status` lists them");
    }
    if (code == CLI_GO_ON) {
        code = order_open(&d->order);
    }
    if (code != CLI_GO_ON) {
        return code;
    }
    return d->list     ? order_list(&d->order, 1u << NOTE_DOWNTIME, operand(d, 0), operand(d, 1))
           : d->cancel ? cancel(d)
                       : plan(d);
}

int verb_downtime(int argc, char **argv) {
    struct downtime d = {.comment = "", .author = ""};
    const struct cli_option options[] = {
        {"message", 'm', CLI_TEXT, &d.comment, "TEXT", "what is done meanwhile"},
        {"author", 'a', CLI_TEXT, &d.author, "NAME", "who (the operator's name)"},
        {"for", 0, CLI_DURATION, &d.span, "DUR", "how long: 2h"},
        {"start", 0, CLI_TEXT, &d.start, "TIME", "begins then (now): 2h, @UNIX, 2026-01-28T18:00Z"},
        {"end", 0, CLI_TEXT, &d.end, "TIME", "ends then, in place of --for"},
        {"flexible", 0, CLI_DURATION, &d.flexible, "DUR", "begins with a problem in that window and lasts DUR"},
        {"trigger", 0, CLI_NUMBER, &d.trigger, "ID", "begins and ends with the downtime of this number"},
        {"services", 0, CLI_FLAG, &d.services, NULL, "the services of HOST, or of the hosts of a group"},
        {"children", 0, CLI_FLAG, &d.children, NULL, "HOST and all hosts that are reached through it"},
        {"triggered", 0, CLI_FLAG, &d.triggered, NULL, "the same, theirs triggered by its own"},
        {"hostgroup", 0, CLI_FLAG, &d.hostgroup, NULL, "HOST is the name of a host group"},
        {"servicegroup", 0, CLI_FLAG, &d.servicegroup, NULL, "HOST is the name of a service group"},
        {"hosts", 0, CLI_FLAG, &d.hosts, NULL, "with --servicegroup: the hosts of its services"},
        {"cancel", 0, CLI_NUMBER, &d.cancel, "ID", "cancel the downtime of this number"},
        {"list", 0, CLI_FLAG, &d.list, NULL, "list downtimes, of HOST [SERVICE] or of all"},
        {0}};
    const struct cli_verb verb = {
        .name = "downtime",
        .operands = "HOST [SERVICE] --for DUR -m TEXT",
        .summary = "Plan downtime: nothing is told of the object meanwhile",
        .details = "Needs an operator's key. Without --flexible it lasts from --start to its end, whatever happens.",
        .operands_max = 2,
        .options = options};
    int code = cli_parse(&d.order.cli, &verb, argc, argv);
    if (code == CLI_GO_ON) {
        code = run(&d);
    }
    order_close(&d.order);
    return code;
}
