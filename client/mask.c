/* quorate mask and quorate unmask: an operator sets an observer aside, or believes it again. */
#include "client/order.h"

static int run(int argc, char **argv, const struct cli_verb *verb, enum command_kind kind) {
    struct order o = {0};
    int code = cli_parse(&o.cli, verb, argc, argv);
    if (code == CLI_GO_ON) {
        code = order_open(&o);
    }
    if (code == CLI_GO_ON) {
        unsigned count = o.cli.operand_count;
        struct op_command c = {.kind = kind,
                               .target = count > 1 ? TARGET_OBJECT : TARGET_CLUSTER,
                               .observer = o.cli.operands[0],
                               .host = count > 1 ? o.cli.operands[1] : "",
                               .service = count > 2 ? o.cli.operands[2] : "",
                               .author = "",
                               .comment = ""};
        code = order_send(&o, &c, c.observer);
    }
    order_close(&o);
    return code;
}

int verb_mask(int argc, char **argv) {
    static const struct cli_verb verb = {
        .name = "mask",
        .operands = "OBSERVER [HOST [SERVICE]]",
        .summary = "Set an observer aside: its votes are missing, of one object or of all",
        .details =
            "Needs an operator's key. The quorum stays what it is: with too many set aside nothing is decided any\n"
            "more, and the answer says so. `quorate status --observers` shows who is masked and by whom.",
        .operands_min = 1,
        .operands_max = 3};
    return run(argc, argv, &verb, COMMAND_MASK);
}

int verb_unmask(int argc, char **argv) {
    static const struct cli_verb verb = {.name = "unmask",
                                         .operands = "OBSERVER [HOST [SERVICE]]",
                                         .summary = "Believe an observer again and forgive it its score",
                                         .details = "Needs an operator's key.",
                                         .operands_min = 1,
                                         .operands_max = 3};
    return run(argc, argv, &verb, COMMAND_UNMASK);
}
