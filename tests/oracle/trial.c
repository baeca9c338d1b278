/* One sequence on both sides, and what is left of it when all is left out that does not matter to its difference. */
#include "tests/oracle/oracle.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void remove_tree(const char *directory) {
    pid_t pid = fork();
    if (pid == 0) {
        execlp("rm", "rm", "-rf", directory, (char *)NULL);
        _exit(127);
    }
    waitpid(pid, NULL, 0);
}

bool trial_run(const struct trial *t, const struct tools *tools, struct sequence *s, struct comparison *c,
               struct buffer *why) {
    char directory[] = "/tmp/oracle-XXXXXX";
    sequence_begin(s, t->seed, t->features);
    for (unsigned i = 0; i < s->object_count; i++) {
        s->plan[i].left_out = t->left_out[i];
    }
    machine_run(s, t->results);
    if (!mkdtemp(directory)) {
        buffer_printf(why, "%s: %s", directory, strerror(errno));
        return false;
    }
    bool good = nagios_run(s, tools->nagios4, tools->clock, directory, why);
    if (good) {
        compare(s, c);
    }
    if (tools->keep || !good) {
        printf("# kept: %s\n", directory);
    } else {
        remove_tree(directory);
    }
    return good;
}

/* Takes the smaller trial if it differs, too. */
static bool take(struct trial *t, const struct trial *smaller, const struct tools *tools) {
    struct sequence s;
    struct comparison c = {0};
    struct buffer why = {0};
    bool differs = trial_run(smaller, tools, &s, &c, &why) && c.differs;
    if (differs) {
        *t = *smaller;
        t->results = s.steps[c.step].drawn + 1;
    }
    sequence_free(&s);
    buffer_free(&why);
    return differs;
}

static void drop_features(struct trial *t, const struct tools *tools) {
    for (unsigned i = 0; i < 32; i++) {
        if (t->features >> i & 1) {
            struct trial smaller = *t;
            smaller.features &= ~(UINT32_C(1) << i);
            take(t, &smaller, tools);
        }
    }
}

static void drop_objects(struct trial *t, const struct tools *tools) {
    struct sequence s;
    sequence_begin(&s, t->seed, t->features);
    for (unsigned host = 0; host < s.host_count; host++) {
        struct trial smaller = *t;
        for (unsigned i = 0; i < s.object_count; i++) {
            smaller.left_out[i] = t->left_out[i] || s.plan[i].host_at == host;
        }
        take(t, &smaller, tools);
    }
    for (unsigned i = 0; i < s.object_count; i++) {
        struct trial smaller = *t;
        smaller.left_out[i] = true;
        if (!t->left_out[i]) {
            take(t, &smaller, tools);
        }
    }
    sequence_free(&s);
}

void trial_shrink(struct trial *t, const struct tools *tools, size_t drawn) {
    struct tools quiet = {tools->nagios4, tools->clock, false};
    struct sequence s;
    sequence_begin(&s, t->seed, t->features);
    t->features = s.features;
    sequence_free(&s);
    struct trial same = *t;
    same.results = drawn + 1;
    take(t, &same, &quiet);
    drop_features(t, &quiet);
    drop_objects(t, &quiet);
}
