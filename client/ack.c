/* quorate ack and quorate comment: somebody knows, and says so. */
#include "base/clock.h"
#include "client/order.h"

#include <string.h>

static const char *operand(const struct cli *c, unsigned i) {
    return c->operand_count > i ? c->operands[i] : "";
}

static int need_host(const struct cli *c) {
    return c->operand_count > 0 ? CLI_GO_ON
                                : cli_fail(c, CLI_USAGE, "no host: HOST: say whose, `quorate status` lists them");
}

/* ---- ack ---- */

struct ack {
    struct order order;
    const char *comment, *author, *until;
    bool normal, quiet, persistent, remove, list;
};

static int acknowledge(struct ack *a) {
    const struct cli *cli = &a->order.cli;
    struct op_command c = {.kind = a->remove ? COMMAND_UNACKNOWLEDGE : COMMAND_ACKNOWLEDGE,
                           .target = TARGET_OBJECT,
                           .host = operand(cli, 0),
                           .service = operand(cli, 1),
                           .observer = "",
                           .author = a->author,
                           .comment = a->comment};
    c.flags = a->remove ? 0u
                        : (a->normal ? 0u : COMMAND_STICKY) | (a->quiet ? 0u : COMMAND_TELL) |
                              (a->persistent ? COMMAND_PERSISTENT : 0u);
    if (a->until && !order_moment(a->until, clock_wall(), &c.end)) {
        return cli_fail(cli, CLI_USAGE, "no moment: --until: write 2h, @1769601600 or 2026-01-28T18:00Z");
    }
    if (!a->remove && !*a->comment) {
        return cli_fail(cli, CLI_USAGE, "no comment: --message: say who works on it or why it may wait");
    }
    return order_send(&a->order, &c, c.host);
}

int verb_ack(int argc, char **argv) {
    struct ack a = {.comment = "", .author = ""};
    const struct cli_option options[] = {
        {"message", 'm', CLI_TEXT, &a.comment, "TEXT", "why; contacts are told"},
        {"author", 'a', CLI_TEXT, &a.author, "NAME", "who (the operator's name)"},
        {"normal", 0, CLI_FLAG, &a.normal, NULL, "until the state changes; else until all is well"},
        {"until", 0, CLI_TEXT, &a.until, "TIME", "expires then: 2h, @UNIX, 2026-01-28T18:00Z"},
        {"quiet", 'q', CLI_FLAG, &a.quiet, NULL, "tell nobody of it"},
        {"persistent", 'p', CLI_FLAG, &a.persistent, NULL, "the comment stays when the problem is over"},
        {"remove", 0, CLI_FLAG, &a.remove, NULL, "take it back: reminders go on"},
        {"list", 0, CLI_FLAG, &a.list, NULL, "list acknowledgements"},
        {0}};
    const struct cli_verb verb = {.name = "ack",
                                  .operands = "HOST [SERVICE] -m TEXT",
                                  .summary = "Acknowledge a problem: it is not told again",
                                  .details = "Needs an operator's key. The problem stays visible; its end is told.",
                                  .operands_max = 2,
                                  .options = options};
    int code = cli_parse(&a.order.cli, &verb, argc, argv);
    if (code == CLI_GO_ON && !a.list) {
        code = need_host(&a.order.cli);
    }
    if (code == CLI_GO_ON) {
        code = order_open(&a.order);
    }
    if (code == CLI_GO_ON) {
        const struct cli *cli = &a.order.cli;
        code = a.list ? order_list(&a.order, 1u << NOTE_ACKNOWLEDGEMENT, operand(cli, 0), operand(cli, 1))
                      : acknowledge(&a);
    }
    order_close(&a.order);
    return code;
}

/* ---- comment ---- */

struct comment {
    struct order order;
    const char *comment, *author;
    uint64_t delete;
    bool list, delete_all;
};

static int comment(struct comment *s) {
    const struct cli *cli = &s->order.cli;
    struct op_command c = {.kind = COMMAND_COMMENT,
                           .target = TARGET_OBJECT,
                           .host = operand(cli, 0),
                           .service = operand(cli, 1),
                           .observer = "",
                           .author = s->author,
                           .comment = s->comment};
    if (s->delete || s->delete_all) {
        c.kind = COMMAND_DELETE_COMMENT;
        c.id = s->delete;
        c.target = s->delete ? TARGET_CLUSTER : TARGET_OBJECT;
    } else if (!*s->comment) {
        return cli_fail(cli, CLI_USAGE, "no comment: --message: say something, or --list");
    }
    return order_send(&s->order, &c, s->delete ? "--delete" : c.host);
}

int verb_comment(int argc, char **argv) {
    struct comment s = {.comment = "", .author = ""};
    const struct cli_option options[] = {
        {"message", 'm', CLI_TEXT, &s.comment, "TEXT", "what is to be known"},
        {"author", 'a', CLI_TEXT, &s.author, "NAME", "who (the operator's name)"},
        {"list", 0, CLI_FLAG, &s.list, NULL, "list comments, of HOST [SERVICE] or of all"},
        {"delete", 0, CLI_NUMBER, &s.delete, "ID", "delete the comment of this number"},
        {"delete-all", 0, CLI_FLAG, &s.delete_all, NULL, "delete all comments of the object"},
        {0}};
    const struct cli_verb verb = {.name = "comment",
                                  .operands = "HOST [SERVICE] -m TEXT",
                                  .summary = "Attach a comment to a host or service",
                                  .details = "Needs an operator's key.",
                                  .operands_max = 2,
                                  .options = options};
    int code = cli_parse(&s.order.cli, &verb, argc, argv);
    if (code == CLI_GO_ON && !s.list && !s.delete) {
        code = need_host(&s.order.cli);
    }
    if (code == CLI_GO_ON) {
        code = order_open(&s.order);
    }
    if (code == CLI_GO_ON) {
        const struct cli *cli = &s.order.cli;
        unsigned kinds = 1u << NOTE_COMMENT | 1u << NOTE_ACKNOWLEDGEMENT;
        code = s.list ? order_list(&s.order, kinds, operand(cli, 0), operand(cli, 1)) : comment(&s);
    }
    order_close(&s.order);
    return code;
}
