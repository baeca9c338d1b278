/* What an operator remarked while a fault lasted: all of it is there in the end, and nothing twice. */
#include "client/drill/remarks.h"
#include "client/drill/stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
// clang-format off: it needs what stands above
#include <cmocka.h>
// clang-format on

/* ---- the stage: one list of comments, and what was judged ---- */

static const char *comments;
static unsigned spawned, awaited, missing, doubled;

json_t *scene_ask(struct scene *s, const char *verb, ...) {
    (void)s;
    assert_string_equal(verb, "comment");
    return comments != NULL ? json_loads(comments, 0, NULL) : NULL;
}

const char *scene_cluster_path(struct scene *s) {
    (void)s;
    return "/cluster.yaml";
}

const char *scene_key_path(struct scene *s, const char *name) {
    (void)s;
    return name;
}

pid_t scene_spawn(struct scene *s, const char *name, const char *const argv[]) {
    char text[32];
    (void)name;
    remark_text(text, s->remarks);
    assert_string_equal(argv[5], text);
    return (pid_t)++spawned;
}

void scene_may_end(struct scene *s, pid_t pid) {
    (void)s;
    assert_int_equal(pid, spawned);
    awaited++;
}

bool scene_must(struct scene *s, enum promise p, unsigned seconds, scene_test *test, int64_t argument,
                const char *what) {
    bool is = test(s, argument);
    (void)seconds, (void)what;
    assert_int_equal(p, PROMISE_LIVENESS);
    missing += !is;
    return is;
}

void scene_broken(struct scene *s, enum promise p, const char *format, ...) {
    (void)s, (void)format;
    assert_int_equal(p, PROMISE_VALIDITY);
    doubled++;
}

/* ---- the tests ---- */

static void judge(const char *list) {
    struct scene s = {0};
    comments = list;
    spawned = awaited = missing = doubled = 0;
    scene_remark(&s);
    scene_remark(&s);
    remarks_judge(&s);
    assert_int_equal(spawned, 2);
    assert_int_equal(awaited, 2); /* each ends when it is answered, and that is no crash */
}

static void each_once_is_well(void **state) {
    (void)state;
    judge("[{\"comment\": \"another's\"}, {\"comment\": \"remark 2\"}, {\"comment\": \"remark 1\"},"
          " {\"comment\": \"another's\"}, {\"comment\": \"remark 11\"}]");
    assert_int_equal(missing + doubled, 0);
}

static void one_that_took_effect_twice_breaks_validity(void **state) {
    (void)state;
    judge("[{\"comment\": \"remark 1\"}, {\"comment\": \"remark 2\"}, {\"comment\": \"remark 2\"}]");
    assert_int_equal(missing, 0);
    assert_int_equal(doubled, 1);
}

static void one_that_is_not_there_breaks_liveness(void **state) {
    (void)state;
    judge("[{\"comment\": \"remark 2\"}]");
    assert_int_equal(missing, 1);
    assert_int_equal(doubled, 0);
    judge(NULL); /* nobody answered */
    assert_int_equal(missing, 1);
}

static void drill_without_remarks_asks_nobody(void **state) {
    (void)state;
    struct scene s = {0};
    missing = doubled = 0;
    comments = NULL;
    remarks_judge(&s);
    assert_int_equal(missing + doubled, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_once_is_well),
        cmocka_unit_test(one_that_took_effect_twice_breaks_validity),
        cmocka_unit_test(one_that_is_not_there_breaks_liveness),
        cmocka_unit_test(drill_without_remarks_asks_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
