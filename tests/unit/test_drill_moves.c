/* What plays take for a view that stays, a member that is gone and a cluster that stands still, over a stage whose
   members show what a test says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// clang-format off: it needs what stands above
#include <cmocka.h>
// clang-format on

#include "client/drill/moves.h"
#include "client/drill/watch.h"

#include <string.h>

enum { MEMBERS = 4, TRAITOR = 3, LOG_BYTES = 256 };

struct scene {
    struct replica_seen seen[MEMBERS_MAX];
    char log[MEMBERS_MAX][LOG_BYTES];
    member_id led_by;
    bool stubborn; /* no view ends */
    unsigned held, broken;
    const char *status;
};

/* ---- the stage ---- */

unsigned scene_members(const struct scene *s) {
    (void)s;
    return MEMBERS;
}

bool scene_is_traitor(const struct scene *s, member_id who) {
    (void)s;
    return who == TRAITOR;
}

void scene_look(struct scene *s, struct replica_seen seen[MEMBERS_MAX]) {
    memcpy(seen, s->seen, sizeof s->seen);
}

bool scene_look_at(struct scene *s, unsigned enough, struct replica_seen seen[MEMBERS_MAX]) {
    unsigned count = 0;
    scene_look(s, seen);
    for (unsigned i = 0; i < MEMBERS; i++)
        count += seen[i].reachable;
    return count >= enough;
}

bool scene_logged(struct scene *s, member_id who, const char *text) {
    return strstr(s->log[who], text) != NULL;
}

member_id scene_primary(struct scene *s) {
    return s->led_by;
}

bool scene_must(struct scene *s, enum promise p, unsigned seconds, scene_test *test, int64_t argument,
                const char *what) {
    bool is = test(s, argument);
    (void)p, (void)seconds, (void)what;
    s->broken += !is;
    return is;
}

bool scene_comes(struct scene *s, unsigned seconds, scene_test *test, int64_t argument) {
    (void)seconds;
    return test(s, argument);
}

static void in_view(struct scene *s, view_no view) {
    for (unsigned i = 0; i < MEMBERS; i++)
        s->seen[i].view = view;
    s->led_by = (member_id)(view % MEMBERS);
}

bool scene_view_above(struct scene *s, int64_t view) {
    in_view(s, (view_no)view + !s->stubborn);
    return !s->stubborn;
}

bool scene_all_active(struct scene *s, int64_t unused) {
    (void)s, (void)unused;
    return true;
}

bool scene_acknowledged(struct scene *s, int64_t more) {
    (void)s, (void)more;
    return true;
}

bool scene_convicted(struct scene *s, int64_t member) {
    (void)s, (void)member;
    return false;
}

uint64_t scene_counter(struct scene *s, member_id who, const char *name) {
    (void)s, (void)who, (void)name;
    return 0;
}

void scene_hold(struct scene *s, member_id who) {
    assert_int_equal(who, s->led_by);
    s->held++;
}

void scene_resume(struct scene *s, member_id who) {
    (void)s, (void)who;
}

void scene_note(struct scene *s, const char *format, ...) {
    (void)s, (void)format;
}

void scene_detected(struct scene *s, const char *what) {
    (void)s, (void)what;
}

void scene_outage(struct scene *s, const char *host, const char *service, unsigned state) {
    (void)s, (void)host, (void)service, (void)state;
}

void scene_remark(struct scene *s) {
    (void)s;
}

void scene_mended(struct scene *s, const char *host, const char *service) {
    (void)s, (void)host, (void)service;
}

bool scene_all_told(struct scene *s, unsigned seconds) {
    (void)s, (void)seconds;
    return true;
}

json_t *scene_status(struct scene *s, const char *host, const char *service) {
    (void)host, (void)service;
    return s->status ? json_loads(s->status, 0, NULL) : NULL;
}

json_t *scene_ask(struct scene *s, const char *verb, ...) {
    (void)s, (void)verb;
    return NULL;
}

bool scene_log_of(struct scene *s, const char *process, const char *text) {
    (void)s, (void)process, (void)text;
    return false;
}

bool scene_ended(struct scene *s, member_id who, int *status) {
    (void)s, (void)who, (void)status;
    return false;
}

/* ---- the tests ---- */

static struct scene at_rest(view_no view) {
    struct scene s = {0};
    for (unsigned i = 0; i < MEMBERS; i++)
        s.seen[i] = (struct replica_seen){.reachable = true, .phase = "ACTIVE", .executed = 100};
    in_view(&s, view);
    return s;
}

static void lose(struct scene *s, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        s->seen[i] = (struct replica_seen){0};
}

static void logs(struct scene *s, member_id who, const char *text) {
    strcat(s->log[who], text);
}

static void view_that_nobody_left_is_kept(void **state) {
    (void)state;
    struct scene s = at_rest(8);
    assert_true(moves_view_kept(&s, 8));
    s.seen[1].view = 7;
    assert_false(moves_view_kept(&s, 8));
}

static void view_of_nobody_is_not_kept(void **state) {
    (void)state;
    struct scene s = at_rest(8);
    lose(&s, 2);
    assert_true(moves_view_kept(&s, 8)); /* f+1 are enough */
    lose(&s, 3);
    assert_false(moves_view_kept(&s, 8));
    lose(&s, 4);
    assert_false(moves_view_kept(&s, 8));
}

static void view_may_end_for_a_slow_primary(void **state) {
    (void)state;
    struct scene s = at_rest(8);
    logs(&s, 1, " wish v=9 SLOW\n");
    in_view(&s, 9);
    assert_true(moves_view_kept(&s, 8));
    in_view(&s, 10);
    assert_false(moves_view_kept(&s, 8)); /* one excuse is no licence */
    logs(&s, 2, " wish v=10 NV_TIMEOUT\n");
    assert_true(moves_view_kept(&s, 8));
}

static void only_that_view_is_excused(void **state) {
    (void)state;
    struct scene s = at_rest(8);
    in_view(&s, 9);
    logs(&s, 1, " wish v=91 SLOW\n wish v=8 SLOW\n wish v=9 REQ_TIMEOUT\n");
    assert_false(moves_view_kept(&s, 8));
    logs(&s, 1, " wish v=9 NV_TIMEOUT\n"); /* what it follows is no excuse itself */
    assert_false(moves_view_kept(&s, 8));
}

static void traitor_excuses_nothing(void **state) {
    (void)state;
    struct scene s = at_rest(8);
    in_view(&s, 9);
    logs(&s, TRAITOR, " wish v=9 SLOW\n");
    assert_false(moves_view_kept(&s, 8));
}

static void member_is_gone_when_the_others_are_there(void **state) {
    (void)state;
    struct scene s = at_rest(8);
    assert_false(watch_unreachable(&s, 0));
    lose(&s, 1);
    assert_true(watch_unreachable(&s, 0));
    s.seen[TRAITOR].reachable = false;
    assert_true(watch_unreachable(&s, 0));
    lose(&s, 2);
    assert_false(watch_unreachable(&s, 0)); /* who sees nobody sees nobody gone */
}

static void cluster_that_nobody_reaches_does_not_stand_still(void **state) {
    (void)state;
    struct scene s = at_rest(8);
    assert_int_equal(watch_highest(&s), 100);
    assert_true(watch_stands_still(&s, 100));
    assert_false(watch_stands_still(&s, 99));
    lose(&s, 3);
    assert_int_equal(watch_highest(&s), 0);
    assert_false(watch_stands_still(&s, 100));
}

static void observer_is_unblamed_when_its_score_says_so(void **state) {
    (void)state;
    const struct watched c = {.host = "crowd", .service = "line", .observer = "c"};
    struct scene s = at_rest(8);
    assert_false(watch_unblamed(&s, watched(&c))); /* nobody answers */
    s.status = "{\"votes\": [{\"observer\": \"b\", \"score\": 0}]}";
    assert_false(watch_unblamed(&s, watched(&c)));
    s.status = "{\"votes\": [{\"observer\": \"b\", \"score\": 0}, {\"observer\": \"c\", \"score\": 5}]}";
    assert_false(watch_unblamed(&s, watched(&c)));
    s.status = "{\"votes\": [{\"observer\": \"b\", \"score\": 5}, {\"observer\": \"c\", \"score\": 0}]}";
    assert_true(watch_unblamed(&s, watched(&c)));
}

static void drill_begins_when_the_right_one_leads(void **state) {
    (void)state;
    struct scene s = at_rest(8);
    assert_int_equal(moves_lead(&s, 0), 8);
    assert_int_equal(s.held, 0);
    assert_int_equal(moves_lead(&s, 3), 11);
    assert_int_equal(s.held, 3);
    assert_int_equal(s.broken, 0);
}

static void drill_that_the_wrong_one_leads_is_broken(void **state) {
    (void)state;
    struct scene s = at_rest(8);
    s.stubborn = true;
    moves_lead(&s, 3);
    assert_int_equal(s.broken, 1);
    s = at_rest(8);
    lose(&s, 4);
    moves_lead(&s, 0); /* nobody shows that it leads */
    assert_int_equal(s.broken, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(view_that_nobody_left_is_kept),
        cmocka_unit_test(view_of_nobody_is_not_kept),
        cmocka_unit_test(view_may_end_for_a_slow_primary),
        cmocka_unit_test(only_that_view_is_excused),
        cmocka_unit_test(traitor_excuses_nothing),
        cmocka_unit_test(member_is_gone_when_the_others_are_there),
        cmocka_unit_test(cluster_that_nobody_reaches_does_not_stand_still),
        cmocka_unit_test(observer_is_unblamed_when_its_score_says_so),
        cmocka_unit_test(drill_begins_when_the_right_one_leads),
        cmocka_unit_test(drill_that_the_wrong_one_leads_is_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
