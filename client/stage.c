/* A part is a round of agreement, and most of that is waiting: a few at a time, each over sockets of its own. */
#include "client/stage.h"

#include "base/clock.h"
#include "base/invariant.h"

#include <inttypes.h>
#include <pthread.h>

enum { STAGE_WORKERS = 6, STAGE_QUIET_MS = 2000 };

struct staging {
    const struct cli *cli;
    const struct cluster *cluster;
    struct digest whole;
    struct bytes bytes;
    pthread_mutex_t lock; /* of all below */
    uint32_t next, done, parts;
    mono_ms said_at;
    int code;
};

static bool take_part(struct staging *s, uint32_t *index) {
    pthread_mutex_lock(&s->lock);
    bool any = s->code == CLI_GO_ON && s->next < s->parts;
    *index = any ? s->next++ : 0;
    pthread_mutex_unlock(&s->lock);
    return any;
}

static void end_part(struct staging *s, int code) {
    pthread_mutex_lock(&s->lock);
    s->done += code == CLI_GO_ON;
    s->code = s->code == CLI_GO_ON ? code : s->code;
    mono_ms now = clock_mono();
    if (s->code == CLI_GO_ON && s->done < s->parts && now - s->said_at >= STAGE_QUIET_MS) {
        fprintf(stderr, "quorate: %s: %" PRIu32 " of %" PRIu32 " parts are with the cluster\n", s->cli->verb, s->done,
                s->parts);
        s->said_at = now;
    }
    pthread_mutex_unlock(&s->lock);
}

static int send_part(const struct staging *s, struct client *client, uint32_t index) {
    size_t at = (size_t)index * BLOB_MAX_LEN, left = s->bytes.len - at;
    struct bytes part = bytes_of(s->bytes.data + at, left < BLOB_MAX_LEN ? left : BLOB_MAX_LEN);
    struct request r = {.kind = OP_BLOB, .blob = {.whole = s->whole, .index = index, .part = part}};
    struct client_reply reply;
    struct buffer why = {0};
    int code = CLI_GO_ON;
    enum error e = client_call(client, s->cli->key_path, &r, s->cli->timeout, &reply, &why);
    if (e == ERR_OK) {
        e = reply.reply.result;
        client_reply_free(&reply);
    }
    if (e != ERR_OK) {
        code = cli_fail_call(s->cli, e, "a part of the configuration", &why);
    }
    buffer_free(&why);
    return code;
}

static void *work(void *context) {
    struct staging *s = context;
    struct client *client = NULL;
    uint32_t index;
    int code = cli_open_client(s->cli, s->cluster, &client);
    if (code != CLI_GO_ON) {
        end_part(s, code);
    }
    while (take_part(s, &index)) {
        end_part(s, send_part(s, client, index));
    }
    client_close(client);
    return NULL;
}

int stage_objects(const struct cli *cli, const struct cluster *cluster, const struct digest *whole,
                  struct bytes bytes) {
    struct staging s = {.cli = cli,
                        .cluster = cluster,
                        .whole = *whole,
                        .bytes = bytes,
                        .parts = (uint32_t)((bytes.len + BLOB_MAX_LEN - 1) / BLOB_MAX_LEN),
                        .said_at = clock_mono(),
                        .code = CLI_GO_ON};
    pthread_t threads[STAGE_WORKERS];
    unsigned count = s.parts < STAGE_WORKERS ? s.parts : STAGE_WORKERS, started = 0;
    REQUIRE(pthread_mutex_init(&s.lock, NULL) == 0);
    while (started < count && pthread_create(&threads[started], NULL, work, &s) == 0) {
        started++;
    }
    if (started == 0) {
        work(&s);
    }
    for (unsigned i = 0; i < started; i++) {
        pthread_join(threads[i], NULL);
    }
    pthread_mutex_destroy(&s.lock);
    return s.code;
}
