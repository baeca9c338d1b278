/* quorate status: the agreed state of hosts and services, read by ordered queries, so what is printed was true at batch
   n on every correct replica. Long lists come page by page. */
#include "client/cli.h"
#include "client/render.h"

#include <string.h>

struct status {
    struct cli cli;
    struct cluster *cluster;
    struct client *client;
    char after_host[NAME_MAX_LEN + 1], after_service[NAME_MAX_LEN + 1];
    bool observers; /* lines of observers instead of objects */
    unsigned printed;
};

static void print_page(struct status *s, const struct query_page *page) {
    struct buffer out = {0};
    if (s->printed == 0 && page->count > 0 && !s->cli.json) {
        (s->observers ? render_observers_head : render_status_head)(&out);
    }
    for (unsigned i = 0; i < page->count; i++) {
        if (s->cli.json) {
            render_status_json(&out, page, &page->list[i]);
            buffer_u8(&out, '\n');
        } else {
            (s->observers ? render_observers_text : render_status_text)(&out, page, &page->list[i]);
        }
    }
    fwrite(out.data, 1, out.len, stdout);
    s->printed += page->count;
    buffer_free(&out);
}

static enum error take_page(struct status *s, const struct client_reply *r, bool *more) {
    struct arena arena = {0};
    struct query_page page;
    enum error e = query_page_decode(&page, r->reply.value, &arena);
    *more = e == ERR_OK && page.more && page.count > 0;
    if (e == ERR_OK) {
        print_page(s, &page);
    }
    if (*more) {
        const struct object_status *last = &page.list[page.count - 1];
        snprintf(s->after_host, sizeof s->after_host, "%s", last->host);
        snprintf(s->after_service, sizeof s->after_service, "%s", last->service);
    }
    arena_free(&arena);
    return e;
}

static int ask_page(struct status *s, const char *host, const char *service, bool *more) {
    struct request r = {.kind = OP_QUERY,
                        .query = {.kind = QUERY_STATUS,
                                  .host = host,
                                  .service = service,
                                  .after_host = s->after_host,
                                  .after_service = s->after_service,
                                  .limit = QUERY_PAGE_MAX}};
    struct client_reply reply;
    struct buffer why = {0};
    enum error e = client_call(s->client, s->cli.key_path, &r, s->cli.timeout, &reply, &why);
    int code = CLI_GO_ON;
    if (e == ERR_OK) {
        e = reply.reply.result != ERR_OK ? reply.reply.result : take_page(s, &reply, more);
        client_reply_free(&reply);
    }
    if (e != ERR_OK) {
        code = cli_fail_call(&s->cli, e, *host != '\0' ? host : "the query", &why);
    }
    buffer_free(&why);
    return code;
}

static int show(struct status *s) {
    const char *host = s->cli.operand_count > 0 ? s->cli.operands[0] : "";
    const char *service = s->cli.operand_count > 1 ? s->cli.operands[1] : "";
    bool more = true;
    int code = CLI_GO_ON;
    if (strlen(host) > NAME_MAX_LEN || strlen(service) > NAME_MAX_LEN) {
        return cli_fail(&s->cli, CLI_USAGE, "a name is longer than %d bytes: HOST or SERVICE: shorten it",
                        NAME_MAX_LEN);
    }
    while (code == CLI_GO_ON && more) {
        more = false;
        code = ask_page(s, host, service, &more);
    }
    if (code == CLI_GO_ON && s->printed == 0 && *host != '\0') {
        code = cli_fail(&s->cli, CLI_REFUSED, "no such object: %s%s%s: `quorate status` lists them", host,
                        *service != '\0' ? "/" : "", service);
    } else if (code == CLI_GO_ON && s->printed == 0 && !s->cli.json) {
        puts("no objects yet: `quorate apply FILE.cfg` defines them");
    }
    return code == CLI_GO_ON ? CLI_DONE : code;
}

static const char details[] = "Each vote says what the observer reported and how long ago, and why it does not count: "
                              "it never reported, is stale,\n"
                              "convicted, or masked by its score or an operator. An UNKNOWN counts as missing. With "
                              "--json each line holds all of\n"
                              "it, also what --observers shows.";

int verb_status(int argc, char **argv) {
    struct status s = {0};
    const struct cli_option options[] = {{"observers", 0, CLI_FLAG, &s.observers, NULL,
                                          "a line for each observer: does its vote count, what its score is"},
                                         {0}};
    const struct cli_verb verb = {.name = "status",
                                  .operands = "[HOST [SERVICE]]",
                                  .summary = "Show the agreed state, its votes and who dissents",
                                  .details = details,
                                  .operands_max = 2,
                                  .options = options};
    int code = cli_parse(&s.cli, &verb, argc, argv);
    if (code == CLI_GO_ON) {
        code = cli_need_key(&s.cli);
    }
    if (code == CLI_GO_ON) {
        code = cli_open_cluster(&s.cli, &s.cluster);
    }
    if (code == CLI_GO_ON) {
        code = cli_open_client(&s.cli, s.cluster, &s.client);
    }
    if (code == CLI_GO_ON) {
        code = show(&s);
    }
    client_close(s.client);
    cluster_free(s.cluster);
    return code;
}
