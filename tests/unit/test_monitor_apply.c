/* Stories about configurations that follow each other, and about what queries answer. */
#include "monitor_world.h"

#define CALM " max_check_attempts 1\n notification_interval 0\n"

static void an_unenrolled_named_observer_is_refused_and_nothing_changes(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE CALM));
    struct digest before = monitor_objects_digest(w.m), after;
    assert_int_equal(try_apply(&w, PEOPLE HOST_OF("web1", "") SERVICE_OF("web1", "http", " _OBSERVERS eu,stranger\n")
                                       SERVICE_OF("web1", "ssh", " _OBSERVERS eu,shy\n")),
                     ERR_BAD_OBJECTS);
    assert_string_equal(buffer_cstr(&w.why),
                        "service web1/http: _OBSERVERS: stranger is not enrolled: enroll it or name another\n"
                        "service web1/ssh: _OBSERVERS: shy may not speak for this host: enroll it for the host or name "
                        "another\n");
    after = monitor_objects_digest(w.m);
    assert_true(digest_equal(&before, &after));
    http_is(&w, "PENDING HARD 1/1 ");
    world_end(&w);
}

static void an_implicit_observer_may_be_enrolled_later(void **state) {
    (void)state;
    struct world w = world_begin(PEOPLE HOST_OF("stranger", ""));
    status(&w, "stranger", "", "PENDING HARD 1/1 ");
    world_end(&w);
}

static void bytes_that_are_no_objects_are_refused(void **state) {
    (void)state;
    struct world w = world_begin(NULL);
    const struct monitor_authority authority = {NULL, world_known, world_may};
    struct monitor_sink sink = world_sink(&w);
    assert_int_equal(monitor_apply(w.m, bytes_of("junk", 4), &authority, &sink, &w.why), ERR_BAD_OBJECTS);
    assert_true(w.why.len > 0);
    assert_int_equal(monitor_objects(w.m).len, 0);
    world_end(&w);
}

static void the_state_of_what_stays_survives(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE CALM));
    all_vote(&w, CRIT);
    expect(&w, "PROBLEM web1/http CRITICAL HARD 1/1 #1 CRITICAL by ap [ops]\n");
    apply(&w, PEOPLE HOST_OF("db1", "") HOST_OF("web1", "") SERVICE_OF("web1", "http", THREE " max_check_attempts 2\n")
                  SERVICE_OF("web1", "a", ""));
    http_is(&w, "CRITICAL HARD 1/2 CRITICAL by ap");
    expect(&w, "");
    votes(&w, "ap", OK);
    votes(&w, "eu", OK);
    expect(&w, "RECOVERY web1/http OK HARD 1/2 #2 OK by ap [ops]\n");
    world_end(&w);
}

static void fewer_attempts_than_were_made_are_cut(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(" max_check_attempts 3\n"));
    votes(&w, "web1", CRIT);
    votes(&w, "web1", CRIT);
    votes(&w, "web1", CRIT);
    apply(&w, HOST_AND_SERVICE(" max_check_attempts 2\n"));
    http_is(&w, "CRITICAL HARD 2/2 CRITICAL by web1");
    world_end(&w);
}

static void what_vanishes_is_unknown_and_starts_anew_when_it_returns(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE CALM));
    all_vote(&w, CRIT);
    apply(&w, PEOPLE HOST_OF("web1", ""));
    struct observation o = result_of(&w, "web1", "http", OK, "");
    assert_int_equal(say(&w, "eu", &o), ERR_UNKNOWN_SERVICE);
    pass(&w, 60);
    apply(&w, HOST_AND_SERVICE(THREE CALM));
    http_is(&w, "PENDING HARD 1/1 ");
    world_end(&w);
}

static void changed_observers_are_judged_anew_and_the_old_ones_votes_stay(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE CALM));
    all_vote(&w, CRIT);
    expect(&w, "PROBLEM web1/http CRITICAL HARD 1/1 #1 CRITICAL by ap [ops]\n");
    apply(&w, HOST_AND_SERVICE(" _OBSERVERS eu,us,za\n" CALM));
    http_is(&w, "CRITICAL HARD 1/1 CRITICAL by ap");
    votes(&w, "za", OK);
    http_is(&w, "CRITICAL HARD 1/1 CRITICAL by eu dissent za");
    votes(&w, "us", OK);
    expect(&w, "RECOVERY web1/http OK HARD 1/1 #2 OK by us [ops]\n");
    struct observation o = result_of(&w, "web1", "http", OK, "");
    assert_int_equal(say(&w, "ap", &o), ERR_NOT_AN_OBSERVER);
    world_end(&w);
}

static void a_raised_quorum_is_judged_at_once(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE CALM));
    votes(&w, "ap", CRIT);
    votes(&w, "eu", CRIT);
    votes(&w, "us", OK);
    expect(&w, "PROBLEM web1/http CRITICAL HARD 1/1 #1 CRITICAL by ap [ops]\n");
    apply(&w, HOST_AND_SERVICE(THREE " _QUORUM 3\n" CALM));
    expect(&w, "RECOVERY web1/http OK HARD 1/1 #2 OK by us [ops]\n");
    world_end(&w);
}

static void a_convicted_observer_stays_so_in_the_next_configuration(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE CALM));
    struct monitor_sink sink = world_sink(&w);
    monitor_convict(w.m, "eu", "two contents", &sink);
    apply(&w, PEOPLE HOST_OF("web1", "") SERVICE_OF("web1", "new", THREE CALM));
    buffer_clear(&w.log);
    const char *who[] = {"ap", "eu"};
    pass(&w, 20);
    for (int i = 0; i < 2; i++) {
        struct observation o = result_of(&w, "web1", "new", CRIT, "");
        assert_int_equal(say(&w, who[i], &o), ERR_OK);
    }
    pass(&w, 11);
    expect(&w, "");
    status(&w, "web1", "new", "PENDING HARD 1/1  undecided");
    world_end(&w);
}

static void alert_numbers_go_on(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(CALM));
    votes(&w, "web1", CRIT);
    apply(&w, PEOPLE HOST_OF("web1", ""));
    apply(&w, HOST_AND_SERVICE(CALM));
    votes(&w, "web1", CRIT);
    assert_int_equal(monitor_alerts(w.m), 2);
    world_end(&w);
}

/* ---- queries ---- */

static const char *list(struct world *w, struct op_query q, bool *more) {
    static char text[4096];
    struct query_page page;
    struct arena arena = {0};
    q.kind = QUERY_STATUS;
    text[0] = 0;
    monitor_query(w->m, &q, &page, &arena);
    for (unsigned i = 0; i < page.count; i++) {
        strcat(strcat(strcat(strcat(text, page.list[i].host), "/"), page.list[i].service), " ");
    }
    *more = page.more;
    arena_free(&arena);
    return text;
}

#define MANY                                                                                                           \
    PEOPLE HOST_OF("a", "") HOST_OF("a1", "") HOST_OF("b", "") SERVICE_OF("a", "y", "") SERVICE_OF("a", "x", "")       \
        SERVICE_OF("a1", "z", "") SERVICE_OF("b", "x", "")

static void pages_list_each_host_before_its_services(void **state) {
    (void)state;
    struct world w = world_begin(MANY);
    bool more;
    const char *all = "a/ a/x a/y a1/ a1/z b/ b/x ";
    assert_string_equal(
        list(&w, (struct op_query){.host = "", .service = "", .after_host = "", .after_service = "", .limit = 64},
             &more),
        all);
    assert_false(more);
    assert_string_equal(
        list(&w, (struct op_query){.host = "a", .service = "", .after_host = "", .after_service = "", .limit = 64},
             &more),
        "a/ a/x a/y ");
    assert_string_equal(
        list(&w, (struct op_query){.host = "a", .service = "y", .after_host = "", .after_service = "", .limit = 64},
             &more),
        "a/y ");
    assert_string_equal(
        list(&w, (struct op_query){.host = "", .service = "x", .after_host = "", .after_service = "", .limit = 64},
             &more),
        "a/x b/x ");
    assert_string_equal(
        list(&w, (struct op_query){.host = "c", .service = "", .after_host = "", .after_service = "", .limit = 64},
             &more),
        "");
    assert_false(more);
    world_end(&w);
}

static void pages_follow_each_other_without_gap_or_repetition(void **state) {
    (void)state;
    struct world w = world_begin(MANY);
    for (uint32_t limit = 1; limit <= 8; limit++) {
        char all[256] = "", host[64] = "", service[64] = "";
        bool more = true;
        while (more) {
            struct op_query q = {.kind = QUERY_STATUS,
                                 .host = "",
                                 .service = "",
                                 .after_host = host,
                                 .after_service = service,
                                 .limit = limit};
            struct query_page page;
            struct arena arena = {0};
            monitor_query(w.m, &q, &page, &arena);
            assert_true(page.count <= limit && (page.count > 0 || !page.more));
            for (unsigned i = 0; i < page.count; i++) {
                snprintf(host, sizeof host, "%s", page.list[i].host);
                snprintf(service, sizeof service, "%s", page.list[i].service);
                strcat(strcat(strcat(strcat(all, host), "/"), service), " ");
            }
            more = page.more;
            arena_free(&arena);
        }
        assert_string_equal(all, "a/ a/x a/y a1/ a1/z b/ b/x ");
    }
    world_end(&w);
}

static void long_outputs_make_shorter_pages(void **state) {
    (void)state;
    struct world w = world_begin(MANY);
    static char output[OUTPUT_MAX_LEN + 1];
    memset(output, 'x', OUTPUT_MAX_LEN);
    struct observation o = result_of(&w, "a", "x", OK, output);
    o.perfdata = output;
    assert_int_equal(say(&w, "a", &o), ERR_OK);
    o.service = "y";
    o.obs_seq++;
    assert_int_equal(say(&w, "a", &o), ERR_OK);
    o.host = "b";
    o.service = "x";
    assert_int_equal(say(&w, "b", &o), ERR_OK);
    bool more;
    struct op_query q = {.host = "", .service = "", .after_host = "", .after_service = "", .limit = 64};
    assert_string_equal(list(&w, q, &more), "a/ a/x a/y a1/ a1/z b/ ");
    assert_true(more);
    world_end(&w);
}

static void the_objects_come_in_pieces(void **state) {
    (void)state;
    struct world w = world_begin(NULL);
    struct buffer text = {0}, all = {0};
    buffer_put(&text, PEOPLE, strlen(PEOPLE));
    for (int i = 0; i < 400; i++) {
        buffer_printf(&text, "define host {\n use h\n host_name h%d\n}\n", i);
    }
    apply(&w, buffer_cstr(&text));
    buffer_free(&text);
    assert_true(monitor_objects(w.m).len > 40 * 1024);
    bool more = true;
    while (more) {
        struct op_query q = {.kind = QUERY_OBJECTS, .offset = all.len};
        struct query_page page;
        struct arena arena = {0};
        monitor_query(w.m, &q, &page, &arena);
        buffer_put(&all, page.part.data, page.part.len);
        assert_int_equal(page.objects_length, monitor_objects(w.m).len);
        more = page.more;
        arena_free(&arena);
    }
    assert_true(bytes_equal(buffer_bytes(&all), monitor_objects(w.m)));
    buffer_free(&all);
    world_end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unenrolled_named_observer_is_refused_and_nothing_changes),
        cmocka_unit_test(an_implicit_observer_may_be_enrolled_later),
        cmocka_unit_test(bytes_that_are_no_objects_are_refused),
        cmocka_unit_test(the_state_of_what_stays_survives),
        cmocka_unit_test(fewer_attempts_than_were_made_are_cut),
        cmocka_unit_test(what_vanishes_is_unknown_and_starts_anew_when_it_returns),
        cmocka_unit_test(changed_observers_are_judged_anew_and_the_old_ones_votes_stay),
        cmocka_unit_test(a_raised_quorum_is_judged_at_once),
        cmocka_unit_test(a_convicted_observer_stays_so_in_the_next_configuration),
        cmocka_unit_test(alert_numbers_go_on),
        cmocka_unit_test(pages_list_each_host_before_its_services),
        cmocka_unit_test(pages_follow_each_other_without_gap_or_repetition),
        cmocka_unit_test(long_outputs_make_shorter_pages),
        cmocka_unit_test(the_objects_come_in_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
