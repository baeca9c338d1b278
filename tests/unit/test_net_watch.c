/* The watch on nng's reaper: silent while ended connections are let go of, heard once when they are not. */
#include "base/clock.h"
#include "base/net_watch.h"

#include <nng/nng.h>
#include <nng/protocol/pipeline0/pull.h>
#include <nng/protocol/pipeline0/push.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the headers above before its own. */
// clang-format off
#include <cmocka.h>
// clang-format on

enum { DEADLINE_MS = 30000, OTHERS_PATIENCE_STEPS = 30000 };

static atomic_uint cries, ended;
static sem_t begun, go_on;

static void cry(void *self) {
    assert_ptr_equal(self, &cries);
    atomic_fetch_add(&cries, 1);
}

static bool within_deadline(atomic_uint *counter, unsigned wanted) {
    mono_ms until = clock_mono() + DEADLINE_MS;
    while (atomic_load(counter) < wanted && clock_mono() < until)
        clock_sleep(2);
    return atomic_load(counter) >= wanted;
}

static void note_begin(nng_pipe pipe, nng_pipe_ev event, void *argument) {
    (void)event;
    *(nng_pipe *)argument = pipe;
    sem_post(&begun);
}

static void note_end(nng_pipe pipe, nng_pipe_ev event, void *argument) {
    (void)pipe;
    (void)event;
    (void)argument;
    atomic_fetch_add(&ended, 1);
}

/* Runs on the reaper: as long as it does not return, no ended connection is let go of. */
static void hold_the_reaper(nng_pipe pipe, nng_pipe_ev event, void *argument) {
    note_end(pipe, event, argument);
    sem_wait(&go_on);
}

struct joined {
    nng_socket near, far;
    nng_pipe pipe; /* the far end's */
};

static void join(struct joined *j, nng_pipe_cb on_end) {
    assert_int_equal(nng_pull0_open(&j->far), 0);
    assert_int_equal(nng_push0_open(&j->near), 0);
    assert_int_equal(nng_pipe_notify(j->far, NNG_PIPE_EV_ADD_POST, note_begin, &j->pipe), 0);
    assert_int_equal(nng_pipe_notify(j->far, NNG_PIPE_EV_REM_POST, on_end, NULL), 0);
    assert_int_equal(nng_listen(j->far, "inproc://test", NULL, 0), 0);
    assert_int_equal(nng_dial(j->near, "inproc://test", NULL, 0), 0);
    assert_int_equal(sem_wait(&begun), 0);
}

static void part(struct joined *j) {
    nng_close(j->near);
    nng_close(j->far);
}

static int start(void **state) {
    (void)state;
    atomic_store(&cries, 0);
    atomic_store(&ended, 0);
    return sem_init(&begun, 0, 0) || sem_init(&go_on, 0, 0);
}

static void a_library_that_works_is_not_cried_about(void **state) {
    (void)state;
    const struct net_watch_times times = {.rest = 1, .step = 1, .steps = OTHERS_PATIENCE_STEPS};
    struct net_watch *w = net_watch_start(&times, cry, &cries);
    struct joined others;
    for (unsigned i = 1; i <= 20; i++) {
        join(&others, note_end);
        part(&others);
        assert_true(within_deadline(&ended, i));
    }
    net_watch_end(w);
    assert_int_equal(atomic_load(&cries), 0);
}

static void a_stuck_reaper_is_cried_about_once(void **state) {
    (void)state;
    struct joined others;
    join(&others, hold_the_reaper);
    const struct net_watch_times times = {.rest = 1, .step = 5, .steps = 10};
    struct net_watch *w = net_watch_start(&times, cry, &cries);
    nng_pipe_close(others.pipe);
    assert_true(within_deadline(&ended, 1));
    assert_true(within_deadline(&cries, 1));
    net_watch_end(w);
    assert_int_equal(atomic_load(&cries), 1);
    for (unsigned i = 0; i < 100; i++) /* the pair joins again and ends again */
        sem_post(&go_on);
    part(&others);
}

static void an_ended_watch_does_not_cry(void **state) {
    (void)state;
    const struct net_watch_times times = {.rest = 60000, .step = 60000, .steps = 1};
    mono_ms start_of = clock_mono();
    net_watch_end(net_watch_start(&times, cry, &cries));
    net_watch_end(NULL);
    assert_true(clock_mono() - start_of < DEADLINE_MS);
    assert_int_equal(atomic_load(&cries), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_library_that_works_is_not_cried_about, start),
        cmocka_unit_test_setup(an_ended_watch_does_not_cry, start),
        cmocka_unit_test_setup(a_stuck_reaper_is_cried_about_once, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
