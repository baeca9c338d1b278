/* quorate keygen: one key pair on the host that will use it. The secret stays in the file; the public line is printed.
 */
#include "client/cli.h"
#include "client/public_line.h"
#include "crypto/keyfile.h"

#include <stdio.h>

static int keygen(const struct cli *c, const char *path) {
    struct keyfile key = {0};
    struct public_line line;
    struct buffer text = {0}, why = {0};
    int code = CLI_DONE;
    public_line_name(&line, c->operands[0]);
    snprintf(key.name, sizeof key.name, "%s", line.name);
    crypto_keypair(&key.pk, &key.sk);
    line.key = key.pk;
    if (keyfile_write(path, &key, &why) != ERR_OK) {
        code = cli_fail_lines(c, CLI_REFUSED, &why);
    } else {
        public_line_write(&text, &line);
        fputs(buffer_cstr(&text), stdout);
    }
    crypto_wipe(&key, sizeof key);
    buffer_free(&text);
    buffer_free(&why);
    return code;
}

int verb_keygen(int argc, char **argv) {
    struct cli cli;
    const char *path = NULL;
    struct buffer standard = {0};
    const struct cli_option options[] = {
        {"output", 'o', CLI_TEXT, &path, "FILE", "where the secret key goes (NAME.key)"}, {0}};
    const struct cli_verb verb = {
        .name = "keygen",
        .operands = "NAME",
        .summary = "Make one key pair; print the public line for cluster.yaml",
        .details = "NAME is replica-0 ... replica-12, operator or operator-..., or the name of an observer.",
        .operands_min = 1,
        .operands_max = 1,
        .options = options};
    int code = cli_parse(&cli, &verb, argc, argv);
    if (code == CLI_GO_ON && !public_name_valid(cli.operands[0])) {
        code = cli_fail(&cli, CLI_USAGE,
                        "'%s' is not a name: NAME: use 1 to 63 letters, digits, dots, dashes, underscores",
                        cli.operands[0]);
    }
    if (code == CLI_GO_ON) {
        buffer_printf(&standard, "%s.key", cli.operands[0]);
        code = keygen(&cli, path != NULL ? path : buffer_cstr(&standard));
    }
    buffer_free(&standard);
    return code;
}
