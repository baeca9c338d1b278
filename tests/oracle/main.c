/* make oracle: random sequences through quorate's checks/ and a real nagios4, compared event by event. */
#include "tests/oracle/oracle.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORKERS_MAX = 16, SHRUNK_MAX = 3 };

struct plan {
    uint64_t sequences, seed, results, jobs;
    uint32_t features;
    struct tools tools;
    bool shrink;
};

struct shared { /* between the workers and the parent */
    uint64_t done, results, failed, broken;
    struct comparison sum;
};

static void tell_difference(const struct sequence *s, size_t step) {
    struct buffer features = {0};
    sequence_describe(s, &features);
    printf("not ok - seed %llu differs at result %zu (%s)\n", (unsigned long long)s->seed, step,
           buffer_cstr(&features));
    report_difference(s, step);
    fflush(stdout);
    buffer_free(&features);
}

static void add_up(struct shared *shared, const struct sequence *s, const struct comparison *c) {
    uint64_t done = __atomic_add_fetch(&shared->done, 1, __ATOMIC_RELAXED);
    if (done % 50 == 0) {
        printf("# %llu sequences\n", (unsigned long long)done);
    }
    __atomic_add_fetch(&shared->results, s->count, __ATOMIC_RELAXED);
    __atomic_add_fetch(&shared->failed, c->differs, __ATOMIC_RELAXED);
    __atomic_add_fetch(&shared->sum.events, c->events, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < EXCUSE_LIMIT; i++) {
        __atomic_add_fetch(&shared->sum.excused[i], c->excused[i], __ATOMIC_RELAXED);
    }
}

/* Once more without what it differs without. */
static void tell_shrunk(const struct plan *plan, struct trial trial, size_t drawn) {
    struct sequence s;
    struct comparison c;
    struct buffer why = {0};
    trial_shrink(&trial, &plan->tools, drawn);
    if (trial_run(&trial, &plan->tools, &s, &c, &why) && c.differs) {
        tell_difference(&s, c.step);
    } else {
        printf("# seed %llu differs now and then: %s\n", (unsigned long long)trial.seed, buffer_cstr(&why));
    }
    sequence_free(&s);
    buffer_free(&why);
}

static void run_one(const struct plan *plan, struct shared *shared, uint64_t seed) {
    struct trial trial = {.seed = seed, .features = plan->features, .results = plan->results};
    struct sequence s;
    struct comparison c = {0};
    struct buffer why = {0};
    if (!trial_run(&trial, &plan->tools, &s, &c, &why)) {
        printf("not ok - seed %llu: %s\n", (unsigned long long)seed, buffer_cstr(&why));
        __atomic_add_fetch(&shared->broken, 1, __ATOMIC_RELAXED);
    } else {
        add_up(shared, &s, &c);
    }
    if (c.differs && plan->shrink && shared->failed <= SHRUNK_MAX) {
        tell_shrunk(plan, trial, s.steps[c.step].drawn);
    } else if (c.differs) {
        tell_difference(&s, c.step);
    }
    fflush(stdout);
    buffer_free(&why);
    sequence_free(&s);
}

static void work(const struct plan *plan, struct shared *shared, uint64_t worker) {
    for (uint64_t i = worker; i < plan->sequences; i += plan->jobs) {
        run_one(plan, shared, plan->seed + i);
    }
    exit(0);
}

static bool conclude(const struct plan *plan, const struct shared *shared) {
    bool good = shared->failed == 0 && shared->broken == 0 && shared->done == plan->sequences;
    printf("%s - %llu sequences, %llu results, %llu events compared, %llu differences (excuses:",
           good ? "ok" : "not ok", (unsigned long long)shared->done, (unsigned long long)shared->results,
           (unsigned long long)shared->sum.events, (unsigned long long)shared->failed);
    for (unsigned i = EXCUSE_NONE + 1; i < EXCUSE_LIMIT; i++) {
        printf("%s %s %llu", i > EXCUSE_NONE + 1 ? "," : "", excuse_names[i],
               (unsigned long long)shared->sum.excused[i]);
    }
    printf(")\n");
    return good;
}

static uint64_t number(const char *text) {
    char *end = NULL;
    uint64_t n = strtoull(text, &end, 10);
    if (!*text || *end) {
        fprintf(stderr, "oracle: %s is no number\n", text);
        exit(2);
    }
    return n;
}

static void options(struct plan *plan, int argc, char **argv) {
    static const struct option list[] = {{"sequences", 1, NULL, 'n'}, {"seed", 1, NULL, 's'}, {"results", 1, NULL, 'r'},
                                         {"jobs", 1, NULL, 'j'},      {"only", 1, NULL, 'o'}, {"nagios", 1, NULL, 'N'},
                                         {"clock", 1, NULL, 'C'},     {"keep", 0, NULL, 'k'}, {"whole", 0, NULL, 'w'},
                                         {NULL, 0, NULL, 0}};
    for (int c; (c = getopt_long(argc, argv, "", list, NULL)) != -1;) {
        switch (c) {
        case 'n':
            plan->sequences = number(optarg);
            break;
        case 's':
            plan->seed = number(optarg);
            break;
        case 'r':
            plan->results = number(optarg);
            break;
        case 'j':
            plan->jobs = number(optarg);
            break;
        case 'o':
            plan->features = sequence_features(optarg);
            break;
        case 'N':
            plan->tools.nagios4 = realpath(optarg, NULL);
            break;
        case 'C':
            plan->tools.clock = realpath(optarg, NULL);
            break;
        case 'w':
            plan->shrink = false;
            break;
        case 'k':
            plan->tools.keep = true;
            break;
        default:
            exit(2);
        }
    }
}

int main(int argc, char **argv) {
    static struct plan plan = {
        .sequences = 200, .seed = 1, .results = 500, .jobs = 2, .features = FEATURES_ANY, .shrink = true};
    options(&plan, argc, argv);
    if (!plan.tools.nagios4 || !plan.tools.clock || plan.jobs == 0 || plan.jobs > WORKERS_MAX) {
        fprintf(stderr, "oracle: needs --nagios PATH --clock PATH, and 1 to 16 --jobs\n");
        return 2;
    }
    struct shared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        return 2;
    }
    for (uint64_t i = 0; i < plan.jobs; i++) {
        if (fork() == 0) {
            work(&plan, shared, i);
        }
    }
    while (wait(NULL) > 0) {
    }
    return conclude(&plan, shared) ? 0 : 1;
}
