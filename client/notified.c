/* Both are ordinary requests: what is read was agreed, and proven by f+1. */
#include "client/notified.h"

#include "base/log.h"

#include <string.h>

static enum error call(struct notified_log *log, struct request *r, struct client_reply *reply) {
    struct buffer why = {0};
    enum error e = client_call(log->client, log->key_path, r, log->timeout, reply, &why);
    if (why.len > 0) {
        log_event_limited(LOG_ERROR_, "key-unusable", "error=\"%s\"", buffer_cstr(&why));
    }
    buffer_free(&why);
    if (e == ERR_OK && reply->reply.result != ERR_OK) {
        e = reply->reply.result;
        client_reply_free(reply);
    }
    return e;
}

static bool find(struct bytes records, const char *handler, uint64_t *upto) {
    struct reader r = reader_of(records);
    *upto = 0;
    while (r.at < r.end) {
        struct notified_record n;
        if (notified_record_decode(&n, &r) != ERR_OK) {
            return false;
        }
        if (strcmp(n.handler, handler) == 0) {
            *upto = n.upto;
        }
    }
    return true;
}

bool notified_read(void *self, const char *handler, uint64_t *upto) {
    struct client_reply reply;
    struct request r = {.kind = OP_QUERY,
                        .query = {.kind = QUERY_NOTIFIED,
                                  .host = "",
                                  .service = "",
                                  .after_host = "",
                                  .after_service = "",
                                  .limit = QUERY_PAGE_MAX}};
    if (call(self, &r, &reply) != ERR_OK) {
        return false;
    }
    struct arena arena = {0};
    struct query_page page;
    bool read = query_page_decode(&page, reply.reply.value, &arena) == ERR_OK && find(page.part, handler, upto);
    arena_free(&arena);
    client_reply_free(&reply);
    return read;
}

enum error notified_record(void *self, const struct op_notified *op) {
    struct client_reply reply;
    struct request r = {.kind = OP_NOTIFIED, .notified = *op};
    enum error e = call(self, &r, &reply);
    if (e == ERR_OK) {
        client_reply_free(&reply);
    }
    return e;
}
