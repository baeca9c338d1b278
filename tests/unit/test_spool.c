/* The spool survives crashes, keeps order, is bounded, and when full keeps what tells most. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "client/agent/bundle.h"
#include "client/agent/spool.h"
#include "client/agent/thin.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct signer {
    struct public_key pk;
    struct secret_key sk;
    struct cluster_id cluster;
    uint64_t req_seq;
};
static struct signer agent;
static char dir[64];
static struct spool *spool;
static struct buffer why;
static struct spool_config config;

static enum error seal(void *self, const struct op_observe *results, struct buffer *sealed, struct buffer *reason) {
    struct signer *s = self;
    struct request r = {.client = s->pk, .req_seq = ++s->req_seq, .kind = OP_OBSERVE, .observe = *results};
    (void)reason;
    request_seal(sealed, &r, &s->cluster, &s->sk);
    return ERR_OK;
}

static void reopen(void) {
    spool_close(spool);
    spool = NULL;
    buffer_clear(&why);
    assert_int_equal(spool_open(&spool, &config, &why), ERR_OK);
}

static int setup(void **state) {
    (void)state;
    static const uint8_t SEED[SECRET_SEED_LEN] = {7};
    agent = (struct signer){.cluster = {{1, 2, 3}}};
    crypto_keypair_from_seed(&agent.pk, &agent.sk, SEED);
    strcpy(dir, "/tmp/quorate-spool-XXXXXX");
    if (mkdtemp(dir) == NULL) {
        return -1;
    }
    config = (struct spool_config){.dir = dir,
                                   .bytes_max = 1 << 20,
                                   .bundles_max = 1000,
                                   .cluster = agent.cluster,
                                   .key = agent.pk,
                                   .seal = seal,
                                   .self = &agent};
    reopen();
    return 0;
}

/* Calls visit for each file of the spool; counts those whose name ends so. */
static unsigned count_files(const char *suffix, bool remove_them) {
    unsigned count = 0;
    DIR *d = opendir(dir);
    struct dirent *e;
    assert_non_null(d);
    while ((e = readdir(d)) != NULL) {
        size_t len = strlen(e->d_name), tail = strlen(suffix);
        if (e->d_name[0] != '.' && len >= tail && strcmp(e->d_name + len - tail, suffix) == 0) {
            count++;
            if (remove_them) {
                unlinkat(dirfd(d), e->d_name, 0);
            }
        }
    }
    closedir(d);
    return count;
}

static int teardown(void **state) {
    (void)state;
    spool_close(spool);
    spool = NULL;
    count_files("", true);
    buffer_free(&why);
    return rmdir(dir);
}

static void add(const char *service, uint8_t state_, uint64_t obs_seq, size_t padding) {
    char *output = xcalloc(1, padding + 1);
    memset(output, 'x', padding);
    struct observation o = {
        .host = "web1", .service = service, .obs_seq = obs_seq, .state = state_, .output = output, .perfdata = ""};
    struct op_observe results = {.count = 1, .list = &o};
    assert_int_equal(spool_add(spool, &results, &why), ERR_OK);
    free(output);
}

static struct request *take(void) {
    struct buffer raw = {0};
    struct request *r = NULL;
    uint64_t id;
    if (spool_oldest(spool, &id, &raw)) {
        assert_int_equal(request_new(&r, buffer_bytes(&raw)), ERR_OK);
        spool_remove(spool, id);
    }
    buffer_free(&raw);
    return r;
}

/* Takes all and writes their obs_seq in order. */
static size_t take_all(uint64_t *seqs, size_t room) {
    size_t count = 0;
    struct request *r;
    while ((r = take()) != NULL) {
        for (unsigned i = 0; i < r->observe.count; i++) {
            assert_true(count < room);
            seqs[count++] = r->observe.list[i].obs_seq;
        }
        request_free(r);
    }
    return count;
}

static void bundles_survive_a_restart_in_their_order_and_byte_for_byte(void **state) {
    (void)state;
    struct buffer before = {0}, after = {0};
    uint64_t id, seqs[8];
    add("a", 0, 1, 10);
    add("b", 2, 2, 10);
    add("a", 1, 3, 10);
    assert_true(spool_oldest(spool, &id, &before));
    reopen();
    assert_int_equal(spool_count(spool), 3);
    assert_true(spool_oldest(spool, &id, &after));
    assert_true(bytes_equal(buffer_bytes(&before), buffer_bytes(&after)));
    spool_remove(spool, id);
    spool_remove(spool, id); /* a second acknowledgement changes nothing */
    reopen();
    assert_int_equal(take_all(seqs, 8), 2);
    assert_int_equal(seqs[0], 2);
    assert_int_equal(seqs[1], 3);
    assert_int_equal(spool_bytes(spool), 0);
    assert_int_equal(count_files(".bundle", false), 0);
    add("c", 0, 9, 1); /* numbers go on behind */
    assert_int_equal(take_all(seqs, 8), 1);
    buffer_free(&before);
    buffer_free(&after);
}

static void a_torn_or_forged_file_is_set_aside_and_the_rest_goes_on(void **state) {
    (void)state;
    uint64_t seqs[8];
    char path[128];
    for (uint64_t i = 1; i <= 4; i++) {
        add("a", (uint8_t)(i % 4), i, 100);
    }
    spool_close(spool);
    spool = NULL;
    snprintf(path, sizeof path, "%s/%020d.bundle", dir, 2);
    assert_int_equal(truncate(path, 150), 0);
    snprintf(path, sizeof path, "%s/%020d.bundle", dir, 3);
    int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, "y", 1, 130), 1); /* inside what is signed */
    close(fd);
    reopen();
    assert_int_equal(count_files(".bad", false), 2);
    assert_int_equal(take_all(seqs, 8), 2);
    assert_int_equal(seqs[0], 1);
    assert_int_equal(seqs[1], 4);
}

static void a_file_that_vanishes_while_we_run_is_passed_over(void **state) {
    (void)state;
    uint64_t seqs[8];
    char path[128];
    add("a", 0, 1, 10);
    add("a", 1, 2, 10);
    snprintf(path, sizeof path, "%s/%020d.bundle", dir, 1);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(take_all(seqs, 8), 1);
    assert_int_equal(seqs[0], 2);
}

static void a_spool_belongs_to_one_agent_and_one_cluster(void **state) {
    (void)state;
    struct spool *second = NULL;
    assert_int_equal(spool_open(&second, &config, &why), ERR_IN_USE);
    assert_null(second);
    assert_non_null(strstr(buffer_cstr(&why), "another agent"));
    add("a", 0, 1, 10);
    spool_close(spool);
    spool = NULL;
    struct spool_config other = config;
    other.cluster.b[0] ^= 1;
    buffer_clear(&why);
    assert_int_equal(spool_open(&second, &other, &why), ERR_FOREIGN_CLUSTER);
    assert_non_null(strstr(buffer_cstr(&why), "another cluster"));
    other = config;
    other.key.b[0] ^= 1;
    assert_int_equal(spool_open(&second, &other, &why), ERR_OK);
    assert_int_equal(spool_count(second), 0);
    assert_int_equal(count_files(".bad", false), 1);
    spool_close(second);
    reopen();
}

static void starts_never_repeat_an_obs_seq_even_when_the_clock_runs_back(void **state) {
    (void)state;
    uint64_t first, second, third;
    assert_int_equal(spool_first_obs_seq(spool, 1000000, &first, &why), ERR_OK);
    assert_int_equal(first, (uint64_t)1000000 << 20);
    reopen();
    assert_int_equal(spool_first_obs_seq(spool, 900000, &second, &why), ERR_OK);
    assert_true(second > first);
    reopen();
    assert_int_equal(spool_first_obs_seq(spool, 1000000, &third, &why), ERR_OK);
    assert_true(third > second);
}

static void a_bundle_is_renewed_under_another_number_with_the_same_results(void **state) {
    (void)state;
    struct buffer raw = {0};
    uint64_t id;
    add("a", 2, 77, 10);
    uint64_t before = agent.req_seq;
    assert_true(spool_oldest(spool, &id, &raw));
    assert_int_equal(spool_renew(spool, id, &why), ERR_OK);
    reopen();
    struct request *r = take();
    assert_non_null(r);
    assert_int_equal(r->req_seq, before + 1);
    assert_int_equal(r->observe.list[0].obs_seq, 77);
    request_free(r);
    buffer_free(&raw);
}

static void many_small_bundles_are_joined_before_anything_is_dropped(void **state) {
    (void)state;
    enum { MANY = 500 };
    uint64_t seqs[MANY];
    config.bundles_max = 20;
    reopen();
    for (uint64_t i = 1; i <= MANY; i++) {
        add("a", 0, i, 10);
        assert_true(spool_count(spool) <= 20);
    }
    assert_int_equal(spool_dropped(spool), 0);
    assert_int_equal(count_files(".bundle", false), spool_count(spool));
    reopen();
    assert_int_equal(take_all(seqs, MANY), MANY);
    for (uint64_t i = 0; i < MANY; i++) {
        assert_int_equal(seqs[i], i + 1);
    }
}

static void a_full_spool_keeps_changes_and_the_newest_and_counts_the_rest(void **state) {
    (void)state;
    enum { MANY = 120, CHANGE = 40 };
    uint64_t seqs[MANY + 1];
    config.bytes_max = 100 * 1024;
    reopen();
    add("quiet", 1, 1000, 10);
    for (uint64_t i = 1; i <= MANY; i++) {
        add("noisy", i == CHANGE ? 2 : 0, i, 2000);
    }
    assert_true(spool_bytes(spool) <= 100 * 1024 + 4096);
    assert_true(spool_dropped(spool) > 0);
    uint64_t dropped = spool_dropped(spool);
    reopen();
    size_t count = take_all(seqs, MANY + 1);
    assert_int_equal(count + dropped, MANY + 1);
    bool quiet = false, change = false, back = false, newest = false;
    for (size_t i = 0; i < count; i++) {
        quiet = quiet || seqs[i] == 1000;
        change = change || seqs[i] == CHANGE;
        back = back || seqs[i] == CHANGE + 1;
        newest = newest || seqs[i] == MANY;
    }
    assert_true(quiet && change && back && newest);
}

/* --- the choice itself --- */

static size_t choose(struct thin_item *items, size_t count, uint32_t services, size_t bytes, unsigned bundles) {
    struct thin_budget budget = {bytes, bundles};
    return thin_select(items, count, services, &budget);
}

static void repetitions_go_first_then_old_changes_then_old_newest(void **state) {
    (void)state;
    /* service 0: OK OK CRIT CRIT OK; service 1: WARN */
    struct thin_item items[] = {{0, 10, 0, false}, {0, 10, 0, false}, {1, 10, 1, false},
                                {0, 10, 2, false}, {0, 10, 2, false}, {0, 10, 0, false}};
    static const char *const KEPT[] = {"......", ".....x", "..x..x", "..xx.x", "x.xx.x", "x.xxxx", "xxxxxx"};
    for (size_t budget = 0; budget <= 6; budget++) {
        assert_int_equal(choose(items, 6, 2, budget * 10 + 9, 100), 6 - budget);
        for (size_t i = 0; i < 6; i++) {
            assert_int_equal(items[i].keep, KEPT[budget][i] == 'x');
        }
    }
}

static void the_bound_on_bundles_holds_too(void **state) {
    (void)state;
    enum { MANY = 10 };
    struct thin_item items[MANY];
    for (unsigned i = 0; i < MANY; i++) {
        items[i] = (struct thin_item){.service = 0, .cost = 40 * 1024, .state = 0}; /* one a bundle */
    }
    choose(items, MANY, 1, SIZE_MAX / 2, 3);
    assert_true(thin_bundles(items, MANY) <= 3 && thin_bundles(items, MANY) > 0);
    assert_true(items[MANY - 1].keep);
    assert_int_equal(choose(items, 0, 0, 0, 0), 0);
}

static void names_are_numbered_in_order(void **state) {
    (void)state;
    struct thin_names *n = thin_names_new();
    char name[32];
    for (uint32_t i = 0; i < 3000; i++) {
        snprintf(name, sizeof name, "s%u", i);
        assert_int_equal(thin_names_number(n, "h", name), i);
    }
    assert_int_equal(thin_names_number(n, "h", "s17"), 17);
    assert_int_equal(thin_names_number(n, "hs", "17"), 3000);
    assert_int_equal(thin_names_count(n), 3001);
    thin_names_free(n);
}

static void a_bundle_takes_256_results_or_60_kib(void **state) {
    (void)state;
    struct bundle *b = xcalloc(1, sizeof *b);
    char big[OUTPUT_MAX_LEN + 1];
    memset(big, 'x', OUTPUT_MAX_LEN);
    big[OUTPUT_MAX_LEN] = '\0';
    struct observation small = {.host = "h", .service = "s", .output = "o", .perfdata = ""};
    struct observation large = {.host = "h", .service = "s", .output = big, .perfdata = big};
    for (unsigned i = 0; i < OBSERVE_MAX; i++) {
        assert_true(bundle_fits(b, &small));
        bundle_add(b, &small);
    }
    assert_false(bundle_fits(b, &small));
    bundle_clear(b);
    while (bundle_fits(b, &large)) {
        bundle_add(b, &large);
    }
    assert_int_equal(b->count, 3);
    struct buffer sealed = {0};
    struct op_observe results = bundle_results(b);
    assert_int_equal(seal(&agent, &results, &sealed, NULL), ERR_OK);
    assert_true(sealed.len <= frame_cap(FRAME_REQUEST));
    buffer_free(&sealed);
    bundle_clear(b);
    free(b);
}

int main(void) {
    crypto_start();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(bundles_survive_a_restart_in_their_order_and_byte_for_byte, setup, teardown),
        cmocka_unit_test_setup_teardown(a_torn_or_forged_file_is_set_aside_and_the_rest_goes_on, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_that_vanishes_while_we_run_is_passed_over, setup, teardown),
        cmocka_unit_test_setup_teardown(a_spool_belongs_to_one_agent_and_one_cluster, setup, teardown),
        cmocka_unit_test_setup_teardown(starts_never_repeat_an_obs_seq_even_when_the_clock_runs_back, setup, teardown),
        cmocka_unit_test_setup_teardown(a_bundle_is_renewed_under_another_number_with_the_same_results, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(many_small_bundles_are_joined_before_anything_is_dropped, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_spool_keeps_changes_and_the_newest_and_counts_the_rest, setup, teardown),
        cmocka_unit_test(repetitions_go_first_then_old_changes_then_old_newest),
        cmocka_unit_test(the_bound_on_bundles_holds_too),
        cmocka_unit_test(names_are_numbered_in_order),
        cmocka_unit_test_setup_teardown(a_bundle_takes_256_results_or_60_kib, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
