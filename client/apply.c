/* quorate apply: reads Nagios object files as one configuration, shows what would change against the objects in force,
   and has the cluster apply it as one operator-signed operation, all or nothing. The bytes travel in parts that are
   staged first; the operation itself names only their digest and the digest of what it was planned against. */
#include "client/cli.h"
#include "client/object_files.h"
#include "client/stage.h"
#include "client/zones.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct apply {
    struct cli cli;
    bool dry_run, prune;
    struct object_files files;
    struct objects *wanted, *in_force; /* in_force NULL: none yet, or no cluster was asked */
    struct buffer ignored, bytes;
    struct digest digest, base;
    struct objects_plan plan;
    struct cluster *cluster;
    struct client *client;
    seq_no n;
};

/* ---- read ---- */

static int read_files(struct apply *a) {
    struct buffer why = {0};
    a->files.options.zone = zones_read; /* nothing else runs yet */
    for (unsigned i = 0; i < a->cli.operand_count; i++) {
        object_files_add(&a->files, a->cli.operands[i], &why);
    }
    buffer_put(&a->ignored, a->files.ignored.data, a->files.ignored.len);
    int code = CLI_GO_ON;
    if (why.len > 0) {
        code = cli_fail_lines(&a->cli, CLI_REFUSED, &why);
    } else if (a->files.count == 0) {
        code = cli_fail(&a->cli, CLI_USAGE, "no object file: %s: name files that hold 'define' blocks",
                        a->cli.operands[0]);
    } else if (objects_parse(&a->wanted, a->files.sources, a->files.count, &a->files.options, &a->ignored, &why) !=
               ERR_OK) {
        code = cli_fail_lines(&a->cli, CLI_REFUSED, &why);
    }
    buffer_free(&why);
    return code;
}

static int encode(struct apply *a) {
    objects_encode(&a->bytes, a->wanted);
    if (a->bytes.len > OBJECTS_MAX_LEN) {
        return cli_fail(&a->cli, CLI_REFUSED,
                        "%zu bytes of objects: all files: at most %d are allowed, split the cluster", a->bytes.len,
                        OBJECTS_MAX_LEN);
    }
    a->digest = crypto_digest(DIGEST_OBJECTS, buffer_bytes(&a->bytes));
    return CLI_GO_ON;
}

/* ---- ask the cluster ---- */

/* One request and its reply; `what` is for messages. CLI_GO_ON: executed, the reply's own result is the caller's. */
static int call(struct apply *a, struct request *r, const char *what, struct client_reply *reply) {
    struct buffer why = {0};
    enum error e = client_call(a->client, a->cli.key_path, r, a->cli.timeout, reply, &why);
    int code = CLI_GO_ON;
    if (e != ERR_OK) {
        code = why.len > 0 ? cli_fail_lines(&a->cli, cli_exit_of(e), &why) : cli_fail_error(&a->cli, e, what);
    }
    buffer_free(&why);
    return code;
}

static void join_page(struct apply *a, const struct query_page *page, struct buffer *bytes, bool *more) {
    bool first = bytes->len == 0;
    if (!first && !digest_equal(&page->objects, &a->base)) {
        buffer_clear(bytes); /* another configuration came into force between two pages: from the start */
        *more = true;
        return;
    }
    a->base = page->objects;
    a->n = page->n;
    buffer_put(bytes, page->part.data, page->part.len);
    *more = bytes->len < page->objects_length && page->part.len > 0;
}

static int take_page(struct apply *a, const struct client_reply *reply, struct buffer *bytes, bool *more) {
    struct arena arena = {0};
    struct query_page page = {0};
    enum error e = reply->reply.result;
    if (e == ERR_OK) {
        e = query_page_decode(&page, reply->reply.value, &arena);
    }
    if (e == ERR_OK && (page.part.len > page.objects_length || page.objects_length > OBJECTS_MAX_LEN)) {
        e = ERR_OUT_OF_RANGE;
    }
    if (e == ERR_OK) {
        join_page(a, &page, bytes, more);
    }
    arena_free(&arena);
    return e == ERR_OK ? CLI_GO_ON : cli_fail_error(&a->cli, e, "the objects in force");
}

static int fetch_bytes(struct apply *a, struct buffer *bytes) {
    int code = CLI_GO_ON;
    bool more = true;
    while (code == CLI_GO_ON && more && bytes->len <= OBJECTS_MAX_LEN) {
        struct client_reply reply;
        struct request r = {.kind = OP_QUERY,
                            .query = {.kind = QUERY_OBJECTS,
                                      .host = "",
                                      .service = "",
                                      .after_host = "",
                                      .after_service = "",
                                      .limit = 1,
                                      .offset = bytes->len}};
        code = call(a, &r, "the objects in force", &reply);
        if (code == CLI_GO_ON) {
            code = take_page(a, &reply, bytes, &more);
            client_reply_free(&reply);
        }
        if (code == CLI_GO_ON && digest_equal(&a->base, &a->digest)) { /* what is wanted is in force: known already */
            buffer_clear(bytes);
            buffer_put(bytes, a->bytes.data, a->bytes.len);
            more = false;
        }
    }
    return code;
}

static int fetch(struct apply *a) {
    struct buffer bytes = {0}, why = {0};
    int code = fetch_bytes(a, &bytes);
    if (code == CLI_GO_ON && !digest_is_zero(&a->base)) {
        struct digest d = crypto_digest(DIGEST_OBJECTS, buffer_bytes(&bytes));
        if (!digest_equal(&d, &a->base)) {
            code = cli_fail_error(&a->cli, ERR_MISMATCH, "the objects in force");
        } else if (objects_decode(&a->in_force, buffer_bytes(&bytes), &why) != ERR_OK) {
            code = cli_fail_lines(&a->cli, CLI_REFUSED, &why);
        }
    }
    buffer_free(&bytes);
    buffer_free(&why);
    return code;
}

/* ---- plan ---- */

/* "ignored: notes (first at a.cfg:3), parents of service (first at ...)" on one line. */
static void print_ignored(const struct apply *a) {
    if (a->ignored.len == 0) {
        return;
    }
    printf("ignored: ");
    for (size_t i = 0; i + 1 < a->ignored.len; i++) {
        if (a->ignored.data[i] == '\n') {
            printf(", ");
        } else {
            putchar(a->ignored.data[i]);
        }
    }
    putchar('\n');
}

static void print_plan(struct apply *a) {
    struct buffer lines = {0};
    objects_diff(&lines, &a->plan, a->in_force, a->wanted);
    if (!a->cli.json) {
        print_ignored(a);
        fwrite(lines.data, 1, lines.len, stdout);
    }
    buffer_free(&lines);
}

static json_t *list_of_lines(struct buffer *text) {
    json_t *list = json_array();
    char *copy = xstrdup(buffer_cstr(text)), *save = NULL;
    for (char *line = strtok_r(copy, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
        json_array_append_new(list, json_string(line));
    }
    free(copy);
    return list;
}

/* One object: n is null when nothing was applied. */
static void print_json(struct apply *a, bool applied) {
    struct buffer lines = {0};
    objects_diff(&lines, NULL, a->in_force, a->wanted);
    char hex[2 * DIGEST_LEN + 1];
    hex_encode(hex, bytes_of(a->digest.b, DIGEST_LEN));
    json_t *o =
        json_pack("{s:b, s:o, s:i, s:i, s:i, s:i, s:s, s:o, s:o}", "applied", applied, "n",
                  applied ? json_integer((json_int_t)a->n) : json_null(), "added", (int)a->plan.added, "changed",
                  (int)a->plan.changed, "removed", (int)a->plan.removed, "unchanged", (int)a->plan.unchanged, "digest",
                  hex, "changes", list_of_lines(&lines), "ignored", list_of_lines(&a->ignored));
    json_dumpf(o, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(o);
    buffer_free(&lines);
}

static int print_end(struct apply *a, bool applied) {
    if (a->cli.json) {
        print_json(a, applied);
    } else if (applied) {
        printf("applied at %" PRIu64 ": +%u ~%u -%u\n", a->n, a->plan.added, a->plan.changed, a->plan.removed);
    } else {
        printf("would apply: +%u ~%u -%u\n", a->plan.added, a->plan.changed, a->plan.removed);
    }
    return cli_finish("apply", CLI_DONE);
}

/* ---- change ---- */

static int refused(struct apply *a, const struct reply *reply) {
    struct buffer text = {0};
    buffer_put(&text, reply->value.data, reply->value.len);
    int code = CLI_REFUSED;
    if (reply->result == ERR_BASE_CHANGED) {
        code = cli_fail(&a->cli, CLI_REFUSED,
                        "another configuration was applied meanwhile: the plan above is out of date: run it again");
    } else if (text.len > 0) {
        code = cli_fail_lines(&a->cli, cli_exit_of(reply->result), &text);
    } else {
        code = cli_fail_error(&a->cli, reply->result, "the configuration");
    }
    buffer_free(&text);
    return code;
}

static int change(struct apply *a) {
    struct request r = {.kind = OP_APPLY,
                        .apply = {.whole = a->digest, .length = a->bytes.len, .base = a->base, .prune = a->prune}};
    struct client_reply reply;
    int code = stage_objects(&a->cli, a->cluster, &a->digest, buffer_bytes(&a->bytes));
    if (code == CLI_GO_ON) {
        code = call(a, &r, "the configuration", &reply);
    }
    if (code != CLI_GO_ON) {
        return code;
    }
    a->n = reply.n;
    code = reply.reply.result == ERR_OK ? print_end(a, true) : refused(a, &reply.reply);
    client_reply_free(&reply);
    return code;
}

/* ---- the verb ---- */

/* A dry run without a cluster.yaml compares with nothing: it only checks the files. */
static int connect_cluster(struct apply *a) {
    int code = CLI_GO_ON;
    if (a->dry_run && a->cli.cluster_path == NULL) {
        return CLI_GO_ON;
    }
    code = cli_need_key(&a->cli);
    if (code == CLI_GO_ON) {
        code = cli_open_cluster(&a->cli, &a->cluster);
    }
    if (code == CLI_GO_ON) {
        code = cli_open_client(&a->cli, a->cluster, &a->client);
    }
    return code == CLI_GO_ON ? fetch(a) : code;
}

static int run(struct apply *a) {
    int code = read_files(a);
    if (code == CLI_GO_ON) {
        code = encode(a);
    }
    if (code == CLI_GO_ON) {
        code = connect_cluster(a);
    }
    if (code != CLI_GO_ON) {
        return code;
    }
    print_plan(a);
    if (a->dry_run) {
        return print_end(a, false);
    }
    if (digest_equal(&a->digest, &a->base)) {
        return print_end(a, true); /* in force already, since a->n at the latest */
    }
    if (a->plan.removed > 0 && !a->prune) {
        fflush(stdout);
        return cli_fail(&a->cli, CLI_REFUSED,
                        "%u objects would be removed: the files given are the whole configuration: add the missing "
                        "files, or say --prune",
                        a->plan.removed);
    }
    return change(a);
}

int verb_apply(int argc, char **argv) {
    struct apply a = {0};
    const struct cli_option options[] = {
        {"dry-run", 'n', CLI_FLAG, &a.dry_run, NULL, "only print what would change"},
        {"prune", 0, CLI_FLAG, &a.prune, NULL, "allow that objects which the files do not define are removed"},
        {NULL, 0, CLI_FLAG, NULL, NULL, NULL}};
    const struct cli_verb verb = {
        .name = "apply",
        .operands = "FILE.cfg|DIR|nagios.cfg...",
        .summary = "Apply Nagios object configuration as one signed operation",
        .details =
            "What is given is the whole configuration: files, directories (every *.cfg below them), or a nagios.cfg\n"
            "with its cfg_file and cfg_dir. A plan that removes objects needs --prune. Needs an operator's key.\n"
            "With --dry-run and no cluster.yaml the files are only checked.",
        .operands_min = 1,
        .operands_max = CLI_LIST_MAX,
        .options = options};
    int code = cli_parse(&a.cli, &verb, argc, argv);
    if (code == CLI_GO_ON) {
        code = run(&a);
    }
    client_close(a.client);
    cluster_free(a.cluster);
    objects_free(a.wanted);
    objects_free(a.in_force);
    object_files_free(&a.files);
    buffer_free(&a.ignored);
    buffer_free(&a.bytes);
    return code;
}
