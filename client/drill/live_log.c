/* What the log of a running cluster is asked about drills: pages of records, and signed orders. */
#include "client/drill/live_parts.h"

#include <stdlib.h>

enum { ASK_RECORD_MS = 5000 };

/* ---- records ---- */

static enum error take_page(const struct reply *reply, live_take *take, void *context, uint64_t *taken, bool *more) {
    struct arena arena = {0};
    struct query_page page = {0};
    uint64_t before = *taken;
    enum error e = reply->result != ERR_OK ? reply->result : query_page_decode(&page, reply->value, &arena);
    struct reader r = reader_of(page.part);
    while (e == ERR_OK && r.at < r.end) {
        e = take(context, &r);
        *taken += e == ERR_OK;
    }
    *more = e == ERR_OK && page.more && *taken > before; /* a page that brings nothing has nothing behind it */
    arena_free(&arena);
    return e;
}

enum error live_records(struct order *o, enum query_kind kind, mono_ms timeout, live_take *take, void *context,
                        struct buffer *why) {
    enum error e = ERR_OK;
    uint64_t taken = 0;
    bool more = true;
    while (e == ERR_OK && more) {
        struct request r = {.kind = OP_QUERY, .query = {kind, "", "", "", "", QUERY_PAGE_MAX, taken}};
        struct client_reply reply;
        e = client_call(o->client, o->cli.key_path, &r, timeout, &reply, why);
        if (e == ERR_OK) {
            e = take_page(&reply.reply, take, context, &taken, &more);
            client_reply_free(&reply);
        }
    }
    return e;
}

static enum error take_drill(void *context, struct reader *r) {
    struct live_drills *out = context;
    enum error e = out->count < LIVE_DRILLS_MAX ? drill_record_decode(&out->list[out->count], r) : ERR_TOO_MANY;
    out->count += e == ERR_OK;
    return e;
}

enum error live_drills(struct order *o, mono_ms timeout, struct live_drills *out, struct buffer *why) {
    out->count = 0;
    return live_records(o, QUERY_DRILLS, timeout, take_drill, out, why);
}

void live_ask_record(struct live *l) {
    struct live_drills *all = xcalloc(1, sizeof *all);
    struct buffer why = {0};
    if (live_drills(l->order, ASK_RECORD_MS, all, &why) == ERR_OK) {
        for (unsigned i = 0; i < all->count; i++) {
            if (all->list[i].id == l->record.id) {
                l->record = all->list[i];
            }
        }
    }
    buffer_free(&why);
    free(all);
}

/* ---- orders ---- */

int live_call(struct order *o, struct request *r, struct buffer *text) {
    struct client_reply reply;
    struct buffer why = {0};
    int code = CLI_GO_ON;
    enum error e = client_call(o->client, o->cli.key_path, r, o->cli.timeout, &reply, &why);
    if (e != ERR_OK) {
        code = cli_fail_call(&o->cli, e, "the order", &why);
    } else {
        buffer_put(text, reply.reply.value.data, reply.reply.value.len);
        while (text->len > 0 && text->data[text->len - 1] == '\n') {
            text->len--;
        }
        e = reply.reply.result;
        if (e != ERR_OK) {
            code = text->len > 0 ? cli_fail(&o->cli, CLI_REFUSED, "refused (%s): %s", error_name(e), buffer_cstr(text))
                                 : cli_fail_error(&o->cli, e, "the order");
        }
        client_reply_free(&reply);
    }
    buffer_free(&why);
    return code;
}
