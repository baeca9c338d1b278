/* A peer that hangs up at any moment: its next connection gets the frames, and nothing is sent by a socket whose
   connection ended, since nng 1.5.2 would touch what it freed (replica/links.c). That is seen by standing between: the
   functions of nng below are found before the library's. */
#include "base/clock.h"
#include "base/invariant.h"
#include "replica/lane.h"
#include "replica/links.h"

#include <dlfcn.h>
#include <nng/nng.h>
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

enum { DEADLINE_MS = 30000, GREETING = 8, PREFIX = 9, SOCKETS = 1 << 12, EVENTS = 4 };

/* ---- between the links and nng ---- */

static struct watched { /* one socket of nng; its events come one by one */
    nng_pipe_cb tell[EVENTS];
    void *argument;
    atomic_uint begun;
    atomic_bool ended;
} watched[SOCKETS];
static atomic_uint sent_too_late, second_connections, connections, closed;
static _Atomic(struct links *) talking; /* who says something at once when a connection ended, too */
static void say(struct links *all);
static atomic_bool end_comes_first, keep_redialling;

static struct { /* nng's own, found before any thread begins */
    int (*pipe_notify)(nng_socket, nng_pipe_ev, nng_pipe_cb, void *);
    void (*send_aio)(nng_socket, nng_aio *);
    int (*dialer_set_ms)(nng_dialer, const char *, nng_duration);
    int (*close)(nng_socket);
} real;

static __attribute__((constructor)) void find_nng(void) {
    *(void **)&real.pipe_notify = dlsym(RTLD_NEXT, "nng_pipe_notify");
    *(void **)&real.send_aio = dlsym(RTLD_NEXT, "nng_send_aio");
    *(void **)&real.dialer_set_ms = dlsym(RTLD_NEXT, "nng_dialer_set_ms");
    *(void **)&real.close = dlsym(RTLD_NEXT, "nng_close");
}

static struct watched *watch(int socket) {
    ENSURE(socket > 0 && socket < SOCKETS);
    return &watched[socket];
}

static void on_event(nng_pipe pipe, nng_pipe_ev event, void *argument) {
    struct watched *w = argument;
    if (event == NNG_PIPE_EV_ADD_POST) {
        atomic_fetch_add(&connections, 1);
        if (atomic_fetch_add(&w->begun, 1) > 0)
            atomic_fetch_add(&second_connections, 1);
        for (mono_ms until = clock_mono() + DEADLINE_MS;
             atomic_load(&end_comes_first) && !atomic_load(&w->ended) && clock_mono() < until;)
            usleep(100);
    }
    w->tell[event](pipe, event, w->argument);
    if (event == NNG_PIPE_EV_REM_POST) {
        atomic_store(&w->ended, true);
        if (atomic_load(&talking))
            say(atomic_load(&talking));
    }
}

int nng_pipe_notify(nng_socket s, nng_pipe_ev event, nng_pipe_cb tell, void *argument) {
    struct watched *w = watch(nng_socket_id(s));
    w->tell[event] = tell;
    w->argument = argument;
    return real.pipe_notify(s, event, on_event, w);
}

void nng_send_aio(nng_socket s, nng_aio *aio) {
    if (atomic_load(&watch(nng_socket_id(s))->ended))
        atomic_fetch_add(&sent_too_late, 1);
    real.send_aio(s, aio);
}

int nng_dialer_set_ms(nng_dialer d, const char *name, nng_duration value) {
    return atomic_load(&keep_redialling) ? real.dialer_set_ms(d, name, 1) : real.dialer_set_ms(d, name, value);
}

int nng_close(nng_socket s) {
    if (atomic_load(&keep_redialling)) /* long enough for nng to dial again by itself */
        usleep(20000);
    atomic_fetch_add(&closed, 1);
    return real.close(s);
}

/* ---- a peer ---- */

static char root[64];
static struct cluster cluster;
static struct peer {
    int listener;
    pthread_t thread;
    unsigned reads;    /* messages before it hangs up; 0: at once, before or after it greets */
    unsigned patience; /* connections that it hangs up on; then it stays */
    bool mute;         /* until it stays it does not greet, and waits to be hung up on */
    uint64_t says;     /* until it stays it announces a message of so many bytes */
    atomic_uint served, hung_up, kept, messages;
} peer;

static bool read_all(int fd, uint8_t *out, size_t len) {
    return recv(fd, out, len, MSG_WAITALL) == (ssize_t)len;
}

static bool read_message(int fd) {
    uint8_t prefix[PREFIX], body[1 << 16];
    struct reader r = {0};
    if (!read_all(fd, prefix, sizeof prefix))
        return false;
    r = reader_of(bytes_of(prefix + 1, sizeof prefix - 1));
    uint64_t len = read_u64(&r);
    return len <= sizeof body && read_all(fd, body, len);
}

/* One connection of one lane. */
static void *serve(void *argument) {
    int fd = (int)(intptr_t)argument;
    uint8_t greeting[GREETING];
    unsigned kind = atomic_fetch_add(&peer.served, 1);
    bool stays = atomic_load(&peer.hung_up) >= peer.patience;
    bool hears = peer.reads || stays;
    if (stays)
        atomic_fetch_add(&peer.kept, 1);
    bool silent = peer.mute && !stays;
    if (hears || (kind % 4 && !silent))
        (void)send(fd, "\0SP\0\0\x51\0\0", GREETING, MSG_NOSIGNAL);
    if (hears || kind % 4 > 1 || silent)
        hears = read_all(fd, greeting, sizeof greeting) && hears;
    while (silent && read_all(fd, greeting, 1))
        continue;
    if (peer.says && !stays && hears) {
        struct buffer b = {0};
        buffer_u8(&b, 1);
        buffer_u64(&b, peer.says);
        (void)send(fd, b.data, b.len, MSG_NOSIGNAL);
        while (read_message(fd)) /* until it is hung up on */
            continue;
        hears = false;
        buffer_free(&b);
    }
    for (unsigned n = 0; hears && (stays || n < peer.reads) && read_message(fd); n++)
        atomic_fetch_add(&peer.messages, 1);
    close(fd);
    atomic_fetch_add(&peer.hung_up, 1);
    return NULL;
}

static void *peer_run(void *unused) {
    (void)unused;
    static pthread_t threads[SOCKETS];
    unsigned count = 0;
    for (int fd; (fd = accept(peer.listener, NULL, NULL)) >= 0; count++)
        ENSURE(count < SOCKETS && pthread_create(&threads[count], NULL, serve, (void *)(intptr_t)fd) == 0);
    for (unsigned i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    return NULL;
}

static uint64_t speech; /* what the next peer says */

static struct links *meet(unsigned reads, unsigned patience, bool mute) {
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    peer = (struct peer){.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0),
                         .reads = reads,
                         .patience = patience,
                         .mute = mute,
                         .says = speech};
    snprintf(at.sun_path, sizeof at.sun_path, "%s/p1", root);
    assert_int_equal(bind(peer.listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(peer.listener, 16), 0);
    assert_int_equal(pthread_create(&peer.thread, NULL, peer_run, NULL), 0);
    cluster = (struct cluster){.member_count = 2};
    for (unsigned i = 0; i < 2; i++)
        snprintf(cluster.members[i].peer, ADDRESS_MAX, "ipc://%s/p%u", root, i);
    struct links *all;
    struct buffer why = {0};
    assert_int_equal(links_open(&all, &cluster, 0, &why), ERR_OK);
    buffer_free(&why);
    return all;
}

static void part(struct links *all) {
    links_close(all);
    links_free(all);
    shutdown(peer.listener, SHUT_RDWR);
    assert_int_equal(pthread_join(peer.thread, NULL), 0);
    close(peer.listener);
}

static void say(struct links *all) {
    static const uint8_t vote[200];
    struct seal_context context = {.type = FRAME_COMMIT};
    struct signature none = {{0}};
    struct buffer frame = {0};
    frame_rebuild(&frame, &context, bytes_of(vote, VOTE_BODY_LEN), &none);
    static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER; /* thread at a time */
    pthread_mutex_lock(&one);
    links_put(all, 1, buffer_bytes(&frame));
    links_flush(all);
    pthread_mutex_unlock(&one);
    buffer_free(&frame);
}

static struct links_counters counted(struct links *all) {
    struct links_counters c;
    links_count(all, &c);
    return c;
}

static bool talks_until_it_stays(struct links *all, unsigned lanes) {
    for (mono_ms until = clock_mono() + DEADLINE_MS; clock_mono() < until; usleep(500)) {
        say(all);
        if (atomic_load(&peer.kept) >= lanes && atomic_load(&peer.messages) >= 20 &&
            counted(all).connected == set_of(1))
            return true;
    }
    return false;
}

/* Nothing is asserted while threads run. */
static void meets_talks_and_parts(unsigned reads, unsigned patience, bool mute) {
    struct links *all = meet(reads, patience, mute);
    atomic_store(&talking, all);
    bool heard = talks_until_it_stays(all, reads ? 1 : LANE_LIMIT);
    atomic_store(&talking, NULL);
    part(all);
    assert_true(heard);
    assert_int_equal(atomic_load(&sent_too_late), 0);
    assert_int_equal(atomic_load(&second_connections), 0);
}

/* ---- tests ---- */

static int set_up(void **state) {
    (void)state;
    strcpy(root, "/tmp/quorate-links-XXXXXX");
    assert_non_null(mkdtemp(root));
    memset(watched, 0, sizeof watched);
    atomic_store(&sent_too_late, 0);
    atomic_store(&second_connections, 0);
    atomic_store(&connections, 0);
    atomic_store(&closed, 0);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    char path[80];
    atomic_store(&end_comes_first, false);
    atomic_store(&keep_redialling, false);
    snprintf(path, sizeof path, "%s/p1", root);
    unlink(path);
    return rmdir(root);
}

static void frames_go_by_the_next_connection(void **state) {
    (void)state;
    meets_talks_and_parts(5, 5, false);
    assert_true(atomic_load(&connections) >= 5);
}

static void a_peer_that_slams_the_door_harms_nobody(void **state) {
    (void)state;
    meets_talks_and_parts(0, 12, false);
}

/* It has 2 s. nng would wait for 10 s and dial again by the same socket, or, when hung up on, never. */
static void a_peer_that_does_not_greet_gets_another_socket(void **state) {
    (void)state;
    struct links *all = meet(0, LANE_LIMIT, true);
    bool heard = talks_until_it_stays(all, LANE_LIMIT);
    unsigned replaced = atomic_load(&closed);
    part(all);
    assert_true(heard);
    assert_true(replaced >= LANE_LIMIT);
}

static void a_socket_takes_no_second_connection(void **state) {
    (void)state;
    atomic_store(&keep_redialling, true);
    meets_talks_and_parts(2, 5, false);
}

/* Lengths near 2^64 overflow in nng 1.5.2, which then ends the process. */
static void who_is_only_spoken_to_cannot_say_anything(void **state) {
    (void)state;
    static const uint64_t lengths[] = {UINT64_MAX - 62, UINT64_MAX, (uint64_t)8 << 30, 2};
    for (unsigned i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        speech = lengths[i];
        meets_talks_and_parts(1, 3, false);
        tear_down(state);
        set_up(state);
    }
    speech = 0;
}

static void the_end_may_be_told_before_the_beginning(void **state) {
    (void)state;
    enum { ENOUGH = 18 }; /* of three lanes, and one of them is spoken on */
    atomic_store(&end_comes_first, true);
    struct links *all = meet(0, UINT32_MAX, false);
    say(all);
    for (mono_ms until = clock_mono() + DEADLINE_MS; atomic_load(&connections) < ENOUGH && clock_mono() < until;
         usleep(100))
        say(all); /* what is up only for a moment would take it */
    for (unsigned i = 0; i < 100; i++, usleep(1000))
        say(all);
    struct links_counters c = counted(all);
    atomic_store(&end_comes_first, false);
    part(all);
    assert_true(atomic_load(&connections) >= ENOUGH);
    assert_int_equal(c.messages, 0);
    assert_true(c.connected == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(frames_go_by_the_next_connection, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_peer_that_slams_the_door_harms_nobody, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_peer_that_does_not_greet_gets_another_socket, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_is_only_spoken_to_cannot_say_anything, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_end_may_be_told_before_the_beginning, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_socket_takes_no_second_connection, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
