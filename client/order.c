/* One command of an operator: signed, ordered, answered alike by f+1 replicas; and the notes that commands left. */
#include "client/order.h"

#include "base/clock.h"
#include "base/invariant.h"
#include "client/render.h"
#include "crypto/keyfile.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

int order_open(struct order *o) {
    int code = cli_need_key(&o->cli);
    if (code == CLI_GO_ON) {
        code = cli_open_cluster(&o->cli, &o->cluster);
    }
    return code == CLI_GO_ON ? cli_open_client(&o->cli, o->cluster, &o->client) : code;
}

int order_check_key(const struct order *o, const char *path) {
    struct keyfile key;
    struct buffer why = {0};
    int code = CLI_GO_ON;
    if (keyfile_read(&key, path, &why) != ERR_OK) {
        code = cli_fail_lines(&o->cli, CLI_REFUSED, &why);
    }
    crypto_wipe(&key, sizeof key);
    buffer_free(&why);
    return code;
}

void order_close(struct order *o) {
    client_close(o->client);
    cluster_free(o->cluster);
}

static void print_json(json_t *j) {
    char *line = json_dumps(j, JSON_COMPACT);
    REQUIRE(line != NULL);
    puts(line);
    free(line);
    json_decref(j);
}

/* ---- a command ---- */

static enum error call(struct order *o, const struct op_command *c, struct client_reply *reply, struct buffer *why) {
    struct request r = {.kind = OP_COMMAND, .command = *c};
    return client_call(o->client, o->cli.key_path, &r, o->cli.timeout, reply, why);
}

/* Each line so that it cannot steer a terminal. */
static void plain_lines(struct buffer *out, struct bytes text) {
    struct buffer copy = {0};
    buffer_put(&copy, text.data, text.len);
    for (const char *line = buffer_cstr(&copy); *line;) {
        const char *end = strchr(line, '\n');
        render_plain(out, line);
        buffer_printf(out, "%s", end ? "\n" : "");
        line = end ? end + 1 : line + strlen(line);
    }
    buffer_free(&copy);
}

enum error order_call(struct order *o, const struct op_command *c, struct buffer *out) {
    struct client_reply reply;
    enum error e = call(o, c, &reply, out);
    if (e != ERR_OK) {
        return e;
    }
    e = reply.reply.result;
    plain_lines(out, reply.reply.value);
    client_reply_free(&reply);
    return e;
}

static void print_answer(const struct order *o, const struct client_reply *r) {
    struct buffer text = {0};
    plain_lines(&text, r->reply.value);
    if (!o->cli.json) {
        fwrite(text.data, 1, text.len, stdout);
    } else {
        json_t *j = json_object();
        json_object_set_new(j, "n", json_integer((json_int_t)r->n));
        json_object_set_new(j, "answer", json_string(buffer_cstr(&text)));
        print_json(j);
    }
    buffer_free(&text);
}

static int say_refused(const struct order *o, const struct client_reply *r, const char *where) {
    struct buffer text = {0};
    plain_lines(&text, r->reply.value);
    while (text.len > 0 && text.data[text.len - 1] == '\n') {
        text.len--;
    }
    int code = text.len > 0 ? cli_fail(&o->cli, CLI_REFUSED, "%s (%s): %s", buffer_cstr(&text),
                                       error_name(r->reply.result), where)
                            : cli_fail_error(&o->cli, r->reply.result, where);
    buffer_free(&text);
    return code;
}

/* What the codec would refuse without naming it. */
static int check_bounds(const struct order *o, const struct op_command *c) {
    const struct {
        const char *name, *text;
        size_t max;
    } texts[] = {{"HOST", c->host, NAME_MAX_LEN},
                 {"SERVICE", c->service, NAME_MAX_LEN},
                 {"OBSERVER", c->observer, OBSERVER_NAME_MAX},
                 {"--author", c->author, AUTHOR_MAX_LEN},
                 {"--message", c->comment, COMMENT_MAX_LEN}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (strlen(texts[i].text) > texts[i].max) {
            return cli_fail(&o->cli, CLI_USAGE, "longer than %zu bytes: %s: shorten it", texts[i].max, texts[i].name);
        }
        if (!utf8_valid(bytes_of_text(texts[i].text))) {
            return cli_fail(&o->cli, CLI_USAGE, "not UTF-8: %s: write it in UTF-8", texts[i].name);
        }
    }
    if (c->kind == COMMAND_DOWNTIME && c->end <= c->start) {
        return cli_fail(&o->cli, CLI_USAGE, "the end does not lie behind the start: --end: give a later one");
    }
    return CLI_GO_ON;
}

static int say_unanswered(const struct order *o, enum error e, const char *where, struct buffer *why) {
    int code = cli_fail_call(&o->cli, e, where, why);
    if (code == CLI_NO_QUORUM) {
        cli_fail(&o->cli, code,
                 "it may still take effect: %s: look with --list or `quorate status` before repeating it", where);
    }
    return code;
}

int order_send(struct order *o, const struct op_command *c, const char *where) {
    struct client_reply reply;
    struct buffer why = {0};
    int code = check_bounds(o, c);
    if (code != CLI_GO_ON) {
        return code;
    }
    enum error e = call(o, c, &reply, &why);
    code = CLI_DONE;
    if (e != ERR_OK) {
        code = say_unanswered(o, e, where, &why);
    } else {
        if (reply.reply.result == ERR_OK) {
            print_answer(o, &reply);
        } else {
            code = say_refused(o, &reply, where);
        }
        client_reply_free(&reply);
    }
    buffer_free(&why);
    return code;
}

/* ---- the list ---- */

static const char *kind_name(const struct note_view *n) {
    static const char *const names[] = {"", "comment", "acknowledgement", "downtime"};
    return names[n->kind];
}

static json_t *moment_json(time_ms t) {
    char text[25];
    clock_rfc3339(text, t);
    return t == 0 ? json_null() : json_string(text);
}

static void note_json(const struct note_view *n) {
    json_t *j = json_object();
    bool downtime = n->kind == NOTE_DOWNTIME;
    json_object_set_new(j, "id", json_integer((json_int_t)n->id));
    json_object_set_new(j, "kind", json_string(kind_name(n)));
    json_object_set_new(j, "host", json_string(n->host));
    json_object_set_new(j, "service", n->service[0] ? json_string(n->service) : json_null());
    json_object_set_new(j, "author", json_string(n->author));
    json_object_set_new(j, "operator", json_string(n->by));
    json_object_set_new(j, "comment", json_string(n->comment));
    json_object_set_new(j, "time", moment_json(n->at));
    json_object_set_new(j, "start", moment_json(n->start));
    json_object_set_new(j, "end", moment_json(n->end));
    json_object_set_new(j, "fixed", downtime ? json_boolean(n->fixed) : json_null());
    json_object_set_new(j, "duration_ms", downtime ? json_integer(n->duration) : json_null());
    json_object_set_new(j, "trigger", n->trigger ? json_integer((json_int_t)n->trigger) : json_null());
    json_object_set_new(j, "in_effect", json_boolean(n->in_effect));
    json_object_set_new(j, "sticky", n->kind == NOTE_ACKNOWLEDGEMENT ? json_boolean(n->fixed) : json_null());
    json_object_set_new(j, "persistent", json_boolean(n->persistent));
    print_json(j);
}

static void put_moment(struct buffer *out, const char *before, time_ms t) {
    char text[25];
    clock_rfc3339(text, t);
    buffer_printf(out, "%s%.19sZ", before, text);
}

static void describe_downtime(struct buffer *out, const struct note_view *n) {
    buffer_printf(out, n->fixed ? " fixed" : " flexible, ");
    if (!n->fixed) {
        render_age(out, n->duration);
    }
    if (!n->in_effect) {
        put_moment(out, " from ", n->start);
    }
    put_moment(out, n->in_effect ? " in effect until " : " to ", n->end);
    if (n->trigger) {
        buffer_printf(out, " triggered by %" PRIu64, n->trigger);
    }
}

static void note_text(const struct note_view *n) {
    struct buffer out = {0};
    buffer_printf(&out, "%" PRIu64 " %s ", n->id, kind_name(n));
    render_plain(&out, n->host);
    buffer_printf(&out, "%s", n->service[0] ? "/" : "");
    render_plain(&out, n->service);
    if (n->kind == NOTE_DOWNTIME) {
        describe_downtime(&out, n);
    } else if (n->kind == NOTE_ACKNOWLEDGEMENT) {
        buffer_printf(&out, "%s", !n->in_effect ? " over" : n->fixed ? " sticky" : "");
        if (n->end > 0) {
            put_moment(&out, " until ", n->end);
        }
    }
    buffer_printf(&out, ": ");
    render_plain(&out, n->author);
    if (strcmp(n->author, n->by) != 0) {
        buffer_printf(&out, " (signed by %s)", n->by);
    }
    buffer_printf(&out, ": ");
    render_plain(&out, n->comment);
    puts(buffer_cstr(&out));
    buffer_free(&out);
}

struct listing {
    struct order *order;
    unsigned kinds, printed;
    uint64_t after;
    bool more;
};

static enum error take_page(struct listing *l, const struct reply *r) {
    struct arena arena = {0};
    struct query_page page;
    enum error e = r->result == ERR_OK ? query_page_decode(&page, r->value, &arena) : r->result;
    l->more = e == ERR_OK && page.more && page.note_count > 0;
    for (unsigned i = 0; e == ERR_OK && i < page.note_count; i++) {
        const struct note_view *n = &page.notes[i];
        l->after = n->id;
        if (l->kinds >> n->kind & 1u) {
            l->order->cli.json ? note_json(n) : note_text(n);
            l->printed++;
        }
    }
    arena_free(&arena);
    return e;
}

static enum error ask_page(struct listing *l, const char *host, const char *service, struct buffer *why) {
    struct request r = {.kind = OP_QUERY,
                        .query = {.kind = QUERY_NOTES,
                                  .host = host,
                                  .service = service,
                                  .after_host = "",
                                  .after_service = "",
                                  .limit = QUERY_PAGE_MAX,
                                  .offset = l->after}};
    struct client_reply reply;
    enum error e = client_call(l->order->client, l->order->cli.key_path, &r, l->order->cli.timeout, &reply, why);
    if (e == ERR_OK) {
        e = take_page(l, &reply.reply);
        client_reply_free(&reply);
    }
    return e;
}

int order_list(struct order *o, unsigned kinds, const char *host, const char *service) {
    struct listing l = {.order = o, .kinds = kinds, .more = true};
    struct buffer why = {0};
    int code = CLI_DONE;
    while (code == CLI_DONE && l.more) {
        enum error e = ask_page(&l, host, service, &why);
        code = e == ERR_OK ? CLI_DONE : cli_fail_call(&o->cli, e, "the list", &why);
    }
    if (code == CLI_DONE && l.printed == 0 && !o->cli.json) {
        puts("none");
    }
    buffer_free(&why);
    return code;
}
