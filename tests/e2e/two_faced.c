/* An observer with two faces, for tests: reads "host TAB service TAB code-for-some TAB code-for-others" lines, signs
   two bundles under one req_seq and the same obs_seqs, and sends one to the first half of the replicas, the other to
   the rest. Exits 0 when at least one replica answered each half. usage: two_faced cluster.yaml KEY [--seconds N] */
#include "base/clock.h"
#include "client/net.h"
#include "crypto/keyfile.h"
#include "proto/op.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINES_MAX = OBSERVE_MAX };

struct face {
    struct observation list[LINES_MAX];
    struct buffer frame;
};

static void die(const char *what, struct buffer *why) {
    fprintf(stderr, "two_faced: %s: %s\n", what, why ? buffer_cstr(why) : "");
    exit(2);
}

static unsigned read_lines(struct face faces[2], struct arena *arena) {
    char line[4096], *field[4];
    uint64_t obs_seq = (uint64_t)clock_wall() << 20;
    unsigned count = 0;
    while (count < LINES_MAX && fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = 0;
        char *rest = line;
        for (int i = 0; i < 4; i++)
            if (!(field[i] = strsep(&rest, "\t")))
                die("a line has fewer than four fields", NULL);
        const char *host = arena_text(arena, bytes_of_text(field[0]));
        const char *service = arena_text(arena, bytes_of_text(field[1]));
        for (int f = 0; f < 2; f++)
            faces[f].list[count] = (struct observation){host,
                                                        service,
                                                        obs_seq + count,
                                                        (uint8_t)atoi(field[2 + f]),
                                                        f ? "says one face" : "says the other face",
                                                        "",
                                                        clock_wall()};
        count++;
    }
    return count;
}

int main(int argc, char **argv) {
    struct buffer why = {0}, answer = {0};
    struct cluster *cluster = NULL;
    struct keyfile key;
    struct client_net *net = NULL;
    struct arena arena = {0};
    static struct face faces[2];
    uint64_t req_seq = 0;
    if (argc < 3)
        die("usage: two_faced cluster.yaml KEY", NULL);
    crypto_start();
    if (cluster_load(&cluster, argv[1], &why) != ERR_OK)
        die("cluster", &why);
    if (keyfile_read(&key, argv[2], &why) != ERR_OK || keycounter_draw(argv[2], 1, &req_seq, &why) != ERR_OK)
        die("key", &why);
    unsigned count = read_lines(faces, &arena);
    for (int f = 0; f < 2; f++) {
        struct request r = {
            .client = key.pk, .req_seq = req_seq, .kind = OP_OBSERVE, .observe = {count, faces[f].list}};
        request_seal(&faces[f].frame, &r, &cluster->id, &key.sk);
    }
    if (client_net_open(&net, cluster, &why) != ERR_OK)
        die("net", &why);
    struct client_poll *poll = client_poll_new(net);
    for (member_id i = 0; i < cluster->member_count; i++)
        client_poll_ask(poll, i, buffer_bytes(&faces[i >= cluster->member_count / 2].frame), 1000);
    bool heard[2] = {false, false};
    member_id from;
    mono_ms until = clock_mono() + (argc > 4 ? atoi(argv[4]) * 1000 : 10000);
    while (!(heard[0] && heard[1]) && client_poll_next(poll, until, &from, &answer))
        heard[from >= cluster->member_count / 2] = true;
    client_poll_free(poll);
    client_net_close(net);
    for (int f = 0; f < 2; f++)
        buffer_free(&faces[f].frame);
    buffer_free(&answer);
    arena_free(&arena);
    cluster_free(cluster);
    return heard[0] && heard[1] ? 0 : 1;
}
