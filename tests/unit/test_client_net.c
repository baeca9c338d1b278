/* A replica that hangs up before it greeted, as one does that is killed just then: it gets the next question
   nevertheless, when it is back. */
#include "base/clock.h"
#include "base/invariant.h"
#include "client/net.h"

#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
/* cmocka wants the headers above before its own. */
// clang-format off
#include <cmocka.h>
// clang-format on

enum { DEADLINE_MS = 30000, RESEND_MS = 500, LOOK_MS = 100 };

static char root[64], path[sizeof(((struct sockaddr_un *)0)->sun_path)];
static struct cluster cluster;

static int listen_bare(void) {
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    strcpy(at.sun_path, path);
    ENSURE(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(fd, 16) == 0);
    return fd;
}

static void hang_up_once(int listener) {
    int fd = accept(listener, NULL, NULL);
    assert_true(fd >= 0);
    close(fd);
}

static void *answer_once(void *argument) {
    nng_socket *s = argument;
    nng_msg *m;
    if (nng_recvmsg(*s, &m, 0) == 0 && nng_sendmsg(*s, m, 0) != 0)
        nng_msg_free(m);
    return NULL;
}

static bool asked_until_answered(struct client_net *n) {
    struct client_poll *p = client_poll_new(n);
    struct buffer answer = {0};
    member_id from = 99;
    bool answered = false;
    for (mono_ms until = clock_mono() + DEADLINE_MS; !answered && clock_mono() < until;) {
        client_poll_ask(p, 0, bytes_of_text("question"), RESEND_MS);
        answered = client_poll_next(p, clock_mono() + LOOK_MS, &from, &answer);
    }
    assert_true(!answered || (from == 0 && bytes_equal(buffer_bytes(&answer), bytes_of_text("question"))));
    buffer_free(&answer);
    client_poll_free(p);
    return answered;
}

static void a_replica_that_hung_up_before_it_greeted_is_asked_again(void **state) {
    (void)state;
    int listener = listen_bare();
    struct client_net *n;
    struct buffer why = {0};
    assert_int_equal(client_net_open(&n, &cluster, &why), ERR_OK);
    hang_up_once(listener);
    close(listener);
    unlink(path);

    nng_socket replica;
    pthread_t thread;
    assert_int_equal(nng_rep0_open(&replica), 0);
    assert_int_equal(nng_listen(replica, cluster.members[0].client, NULL, 0), 0);
    assert_int_equal(pthread_create(&thread, NULL, answer_once, &replica), 0);
    bool answered = asked_until_answered(n);
    client_net_close(n);
    nng_close(replica);
    pthread_join(thread, NULL);
    buffer_free(&why);
    assert_true(answered);
}

static int set_up(void **state) {
    (void)state;
    strcpy(root, "/tmp/quorate-client-net-XXXXXX");
    assert_non_null(mkdtemp(root));
    snprintf(path, sizeof path, "%s/c0", root);
    cluster = (struct cluster){.member_count = 1};
    snprintf(cluster.members[0].client, sizeof cluster.members[0].client, "ipc://%s", path);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    unlink(path);
    return rmdir(root);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_replica_that_hung_up_before_it_greeted_is_asked_again, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
