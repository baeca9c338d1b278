/* Faults of machines, closer: by how much clocks go wrong, what rots, when a process stands still or is killed. */
#include "tests/unit/fault_world.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SELF = 0 };

static time_ms reads(struct fault *f, mono_ms now) {
    return fault_now(f, (struct node_now){now, 99000 + now}).wall;
}

static void clocks_go_wrong_by_so_much(void **state) {
    (void)state;
    static const struct {
        const char *name;
        time_ms at_2000, at_5000;
    } rows[] = {{"clock-offset:-5000", 96000, 99000},     {"clock-offset:3600000", 3701000, 3704000},
                {"clock-frozen", 100000, 100000},         {"clock-drift:500000", 101500, 106000},
                {"clock-drift:-1000000", 100000, 100000}, {"clock-steps:60000", 41000, 104000},
                {"clock-offset:-31536000000", 0, 0}};
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct node_world w;
        struct fault *f = honest(SELF, &w);
        fault_now(f, (struct node_now){1000, 100000});
        begin(f, rows[i].name, 1, 9000);
        assert_int_equal(reads(f, 2000), rows[i].at_2000);
        assert_int_equal(reads(f, 5000), rows[i].at_5000);
        assert_int_equal(reads(f, 9000), 108000); /* it is over */
        fault_free(f);
    }
}

static uint8_t stored[3]; /* the record, as the disk was told */

static enum error on_commit(void *self, const struct disk_batch *b, bool sync) {
    (void)self, (void)sync;
    memcpy(stored, disk_batch_value(b, &b->writes[1]).data, sizeof stored);
    return ERR_OK;
}

static void a_state_rots_with_each_checkpoint(void **state) {
    (void)state;
    struct node_world w;
    struct disk inner = {.commit = on_commit};
    struct disk_batch batch = {0};
    struct fault *f = traitor("disk-rot", SELF, &w);
    struct disk disk = fault_disk(f, &inner);
    disk_batch_put(&batch, DISK_REQUEST, bytes_of_text("name"), bytes_of_text("request"));
    disk_batch_put(&batch, DISK_STATE, bytes_of_text("key"), bytes_of_text("abc"));
    for (unsigned i = 1; i <= 2; i++) {
        disk.commit(disk.self, &batch, true);
        assert_memory_not_equal(stored, "abc", 3);
        assert_int_equal(fault_bites(f), i);
    }
    disk_batch_free(&batch);
    fault_free(f);
}

static void a_process_stands_still_once_behind_its_turn(void **state) {
    (void)state;
    struct node_world w;
    struct fault *f = traitor("pause:1", SELF, &w);
    assert_int_equal(fault_bites(f), 0);
    fault_turn(f, 10);
    fault_turn(f, 20);
    assert_int_equal(fault_bites(f), 1);
    fault_free(f);
}

static void a_process_crashes_behind_its_turn(void **state) {
    (void)state;
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct node_world w;
        struct fault *f = traitor("crash", SELF, &w);
        fault_turn(f, 10);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(clocks_go_wrong_by_so_much),
        TEST(a_state_rots_with_each_checkpoint),
        TEST(a_process_stands_still_once_behind_its_turn),
        TEST(a_process_crashes_behind_its_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
