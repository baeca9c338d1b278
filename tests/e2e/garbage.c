/* What a traitor or a broken program sends, for tests: seals frames that no correct program would, and sends frames as
   they are over a plain TCP connection that speaks nng's transport, so that nothing on the way corrects them.

     garbage seal CLUSTER KEY TYPE SENDER BODY OUT        the frame of that type number around the bytes of BODY
     garbage observe CLUSTER KEY HOST SERVICE CODE OUT    a request with one result, whatever the code
     garbage take RECORD TYPE OUT                         the first frame of that type number in a --record file
     garbage send peer|client PORT FILE...                each file as one frame; a name after --record: each entry of
   it
     garbage flood peer|client PORT FILE EACH             that frame without end; EACH of them a connection, 0: all on
   one

   send stays connected until the other side hangs up or SIGTERM, and prints what it is answered, a line each. flood
   goes on until SIGTERM and then prints how many frames it sent. */
#include "base/clock.h"
#include "crypto/keyfile.h"
#include "proto/cluster.h"
#include "proto/codec.h"
#include "proto/op.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { OBS_COUNTER_BITS = 20, ANSWER_MAX = 4 << 20, SP_LEN = 8, SP_PUSH = 0x50, SP_REQ = 0x30 };

static void die(const char *what, const char *why) {
    fprintf(stderr, "garbage: %s: %s\n", what, why);
    exit(2);
}

static void read_file(struct buffer *out, const char *path) {
    uint8_t chunk[65536];
    size_t got;
    FILE *f = fopen(path, "rb");
    if (!f)
        die("cannot read", path);
    while ((got = fread(chunk, 1, sizeof chunk, f)) > 0)
        buffer_put(out, chunk, got);
    fclose(f);
}

static void write_file(const char *path, const struct buffer *bytes) {
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(bytes->data, 1, bytes->len, f) != bytes->len || fclose(f) != 0)
        die("cannot write", path);
}

/* --- sealing --- */

static void open_identity(struct cluster **cluster, struct keyfile *key, char **paths) {
    struct buffer why = {0};
    if (cluster_load(cluster, paths[0], &why) != ERR_OK || keyfile_read(key, paths[1], &why) != ERR_OK)
        die("cannot seal", buffer_cstr(&why));
}

static int do_seal(char **arguments) {
    struct cluster *cluster;
    struct keyfile key;
    struct buffer body = {0}, frame = {0};
    open_identity(&cluster, &key, arguments);
    struct seal_context context = {
        .type = (uint8_t)atoi(arguments[2]), .cluster = cluster->id, .sender = (member_id)atoi(arguments[3])};
    read_file(&body, arguments[4]);
    frame_seal(&frame, &context, buffer_bytes(&body), &key.sk);
    write_file(arguments[5], &frame);
    buffer_free(&body);
    buffer_free(&frame);
    cluster_free(cluster);
    return 0;
}

static int do_observe(char **arguments) {
    struct cluster *cluster;
    struct keyfile key;
    struct buffer frame = {0}, why = {0};
    open_identity(&cluster, &key, arguments);
    struct observation o = {.host = arguments[2],
                            .service = arguments[3],
                            .obs_seq = (uint64_t)clock_wall() << OBS_COUNTER_BITS,
                            .state = (uint8_t)atoi(arguments[4]),
                            .output = "sealed by hand",
                            .perfdata = "",
                            .observed_at = clock_wall()};
    struct request r = {.client = key.pk, .kind = OP_OBSERVE, .observe = {1, &o}};
    if (keycounter_draw(arguments[1], 1, &r.req_seq, &why) != ERR_OK)
        die("cannot number", buffer_cstr(&why));
    request_seal(&frame, &r, &cluster->id, &key.sk);
    write_file(arguments[5], &frame);
    buffer_free(&frame);
    cluster_free(cluster);
    return 0;
}

/* --- sending --- */

struct line { /* a connection to one door */
    int fd;
    bool is_peer;
    unsigned sent;
};

static bool write_all(int fd, const uint8_t *data, size_t len) {
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n <= 0)
            return false;
        data += n;
        len -= (size_t)n;
    }
    return true;
}

static bool read_all(int fd, uint8_t *data, size_t len) {
    while (len > 0) {
        ssize_t n = read(fd, data, len);
        if (n <= 0)
            return false;
        data += n;
        len -= (size_t)n;
    }
    return true;
}

static void greet(struct line *l, const char *door, const char *port) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    l->is_peer = strcmp(door, "peer") == 0;
    uint8_t mine[SP_LEN] = {0, 'S', 'P', 0, 0, l->is_peer ? SP_PUSH : SP_REQ}, theirs[SP_LEN];
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    l->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (l->fd < 0 || connect(l->fd, (struct sockaddr *)&to, sizeof to) != 0 || !write_all(l->fd, mine, SP_LEN) ||
        !read_all(l->fd, theirs, SP_LEN))
        die("cannot connect", port);
}

/* A message of one frame: behind its length for peers, behind a request id for clients. A closed door is no error. */
static void send_frame(struct line *l, struct bytes frame) {
    struct buffer message = {0};
    buffer_u32(&message, 0);
    buffer_u32(&message, (uint32_t)frame.len + 4);
    buffer_u32(&message, l->is_peer ? (uint32_t)frame.len : 0x80000000u | ++l->sent);
    buffer_put(&message, frame.data, frame.len);
    bool open = write_all(l->fd, message.data, message.len);
    (void)open;
    buffer_free(&message);
}

static void send_record(struct line *l, struct bytes record) {
    struct reader r = reader_of(record);
    while (!reader_done(&r)) {
        struct bytes frame = read_block(&r, ANSWER_MAX);
        if (r.bad)
            break;
        send_frame(l, frame);
    }
}

/* --- flooding --- */

enum { FLOOD_FRAMES = 256 }; /* of one peer's message */

static volatile sig_atomic_t enough;

static void stop(int number) {
    (void)number;
    enough = 1;
}

/* As much as a connection carries at once: a peer's message holds many frames, a client's one. */
static void flood_message(struct buffer *out, struct bytes frame, bool peer, unsigned frames) {
    struct buffer list = {0};
    for (unsigned i = 0; i < frames; i++) {
        buffer_clear(&list);
        for (unsigned k = 0; peer && k < frames; k++)
            buffer_block(&list, frame);
        if (!peer) {
            buffer_u32(&list, 0x80000001u + i);
            buffer_put(&list, frame.data, frame.len);
        }
        buffer_u64(out, list.len);
        buffer_put(out, list.data, list.len);
        if (peer)
            break;
    }
    buffer_free(&list);
}

static void swallow(const struct line *l) {
    uint8_t answers[65536];
    while (recv(l->fd, answers, sizeof answers, MSG_DONTWAIT) > 0)
        continue;
}

static int do_flood(char **arguments) {
    struct buffer frame = {0}, message = {0};
    uint64_t sent = 0, each = strtoull(arguments[3], NULL, 10);
    bool peer = strcmp(arguments[0], "peer") == 0;
    unsigned frames = each && each < FLOOD_FRAMES ? (unsigned)each : FLOOD_FRAMES;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGTERM, stop);
    read_file(&frame, arguments[2]);
    flood_message(&message, buffer_bytes(&frame), peer, frames);
    while (!enough) {
        struct line l = {0};
        greet(&l, arguments[0], arguments[1]);
        for (uint64_t here = 0; !enough && (!each || here < each); here += frames, sent += frames) {
            if (!write_all(l.fd, message.data, message.len))
                break;
            swallow(&l);
        }
        close(l.fd);
    }
    printf("%llu frames\n", (unsigned long long)sent);
    buffer_free(&frame);
    buffer_free(&message);
    return 0;
}

static bool is_type(struct bytes raw, enum frame_type type) {
    struct frame f;
    return frame_open(&f, raw) == ERR_OK && f.type == type;
}

static int do_take(char **arguments) {
    struct buffer record = {0}, out = {0};
    read_file(&record, arguments[0]);
    struct reader r = reader_of(buffer_bytes(&record));
    while (out.len == 0 && !reader_done(&r)) {
        struct bytes frame = read_block(&r, ANSWER_MAX);
        if (r.bad)
            break;
        if (is_type(frame, (enum frame_type)atoi(arguments[1])))
            buffer_put(&out, frame.data, frame.len);
    }
    bool found = out.len > 0;
    if (found)
        write_file(arguments[2], &out);
    buffer_free(&record);
    buffer_free(&out);
    return found ? 0 : 1;
}

static void tell_reply(struct bytes leaf, struct arena *arena) {
    struct reply reply;
    if (reply_decode(&reply, leaf, arena) != ERR_OK)
        return;
    printf("answered %s accepted=%u", error_name(reply.result), reply.accepted);
    for (unsigned i = 0; i < reply.refused_count; i++)
        printf(" refused=%s", error_name(reply.refused[i].reason));
    putchar('\n');
}

static void tell_answer(struct bytes raw) {
    struct arena arena = {0};
    struct frame f;
    struct msg m;
    if (frame_open(&f, raw) != ERR_OK || codec_decode(&m, &f, &arena) != ERR_OK)
        puts("answered nonsense");
    else if (m.type == FRAME_REFUSAL)
        printf("answered refusal reason=%s\n", error_name(m.refusal.reason));
    else if (m.type == FRAME_OUTPUTS && m.outputs.count > 0)
        tell_reply(m.outputs.list[0].leaf, &arena);
    else
        printf("answered %s\n", frame_type_name(m.type));
    fflush(stdout);
    arena_free(&arena);
}

static void hear(const struct line *l) {
    uint8_t prefix[8];
    while (read_all(l->fd, prefix, sizeof prefix)) {
        struct reader r = reader_of(bytes_of(prefix, sizeof prefix));
        uint64_t len = read_u64(&r);
        struct buffer answer = {0};
        if (len < 4 || len > ANSWER_MAX || !read_all(l->fd, buffer_extend(&answer, len), len))
            break;
        tell_answer(bytes_of(answer.data + 4, len - 4));
        buffer_free(&answer);
    }
    puts("closed");
}

static int do_send(int count, char **arguments) {
    struct line l = {0};
    bool record = false;
    signal(SIGPIPE, SIG_IGN);
    greet(&l, arguments[0], arguments[1]);
    for (int i = 2; i < count; i++) {
        struct buffer bytes = {0};
        if (strcmp(arguments[i], "--record") == 0) {
            record = true;
            continue;
        }
        read_file(&bytes, arguments[i]);
        record ? send_record(&l, buffer_bytes(&bytes)) : send_frame(&l, buffer_bytes(&bytes));
        record = false;
        buffer_free(&bytes);
    }
    hear(&l);
    return 0;
}

int main(int argc, char **argv) {
    crypto_start();
    if (argc == 8 && strcmp(argv[1], "seal") == 0)
        return do_seal(argv + 2);
    if (argc == 8 && strcmp(argv[1], "observe") == 0)
        return do_observe(argv + 2);
    if (argc == 5 && strcmp(argv[1], "take") == 0)
        return do_take(argv + 2);
    if (argc >= 5 && strcmp(argv[1], "send") == 0)
        return do_send(argc - 2, argv + 2);
    if (argc == 6 && strcmp(argv[1], "flood") == 0)
        return do_flood(argv + 2);
    die("wrong usage", "seal, observe, take, send or flood; its first lines say more");
}
