/* make sim: many seeds over the cores, or one seed again with its trace. */
#include "tests/sim/drilled.h"
#include "tests/sim/estate.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    WORKERS_MAX = 64,
    SEEDS_THAT_SHOW_ALL = 2000,
    DRAWS_THAT_SHOW = 5, /* a behaviour drawn so often must have bitten */
};

struct shared { /* between the workers and the parent */
    uint64_t first_failure, first_seed, first_hash;
    struct {
        uint64_t seed, failed, done;
        struct sim_counts counts;
    } by[WORKERS_MAX];
};

struct plan {
    uint64_t from, seeds, jobs, until_failure, hashes, alone;
    struct sim_forced forced;
};

static struct sim_options options_of(uint64_t seed, const struct sim_forced *forced) {
    struct sim_options o;
    if (!sim_options_draw(&o, seed, forced)) {
        fprintf(stderr, "sim: no such behaviour: `sim --behaviours` lists those of --behave and of --lie\n");
        exit(2);
    }
    return o;
}

static void run_one(struct shared *shared, unsigned worker, const struct plan *plan, uint64_t seed) {
    struct sim_options o = options_of(seed, &plan->forced);
    struct sim_result r = {.kept = true};
    shared->by[worker].seed = seed;
    if (!plan->alone)
        r = sim_run(&o, &shared->by[worker].counts, false);
    bool alone = plan->forced.beyond || alone_run(seed, &shared->by[worker].counts, false);
    if (!r.kept || !alone) {
        shared->by[worker].failed++;
        if (!shared->first_failure)
            shared->first_failure = seed;
    }
    if (seed == shared->first_seed)
        shared->first_hash = r.hash;
    if (plan->hashes)
        printf("hash %llu %016llx\n", (unsigned long long)seed, (unsigned long long)r.hash);
    shared->by[worker].done++;
}

static void work(struct shared *shared, unsigned worker, const struct plan *plan) {
    for (uint64_t i = worker; i < plan->seeds; i += plan->jobs) {
        if (plan->until_failure && shared->first_failure)
            break;
        run_one(shared, worker, plan, plan->from + i);
    }
    fflush(stdout);
    exit(0);
}

/* ---- what a run of many seeds says ---- */

static struct sim_counts sum_counts(const struct shared *shared, unsigned jobs) {
    struct sim_counts sum = {0};
    for (unsigned w = 0; w < jobs; w++)
        for (size_t i = 0; i < sizeof sum / sizeof(uint64_t); i++)
            ((uint64_t *)&sum)[i] += ((const uint64_t *)&shared->by[w].counts)[i];
    return sum;
}

static void print_counts(const struct sim_counts *sum) {
    unsigned column = 0;
#define X(field, must)                                                                                                 \
    column += (unsigned)printf("%s%s %llu", column ? " " : "# ", #field, (unsigned long long)sum->field);              \
    if (column > 100) {                                                                                                \
        printf("\n");                                                                                                  \
        column = 0;                                                                                                    \
    }
    SIM_COUNTS(X)
#undef X
    printf("%s# bites of behaviours:", column ? "\n" : "");
    for (unsigned i = 0; i < behaviour_count(); i++)
        if (sum->drawn[i])
            printf(" %s %llu/%llu", behaviour_at(i)->name, (unsigned long long)sum->bites[i],
                   (unsigned long long)sum->drawn[i]);
    printf("\n# bites of observers:");
    for (unsigned l = 0; l < LIE_KINDS; l++)
        if (sum->lie_drawn[l])
            printf(" %s %llu/%llu", lie_name((enum lie)l), (unsigned long long)sum->lie_bites[l],
                   (unsigned long long)sum->lie_drawn[l]);
    printf("\n");
}

/* Of few seeds only the commonest faults must have bitten, of many all. */
static bool all_bit(const struct sim_counts *sum, const struct plan *plan) {
    bool bit =
        plan->forced.beyond || plan->alone || (sum->lost && sum->crashes && sum->view_changes && sum->acknowledged);
    if (plan->seeds < SEEDS_THAT_SHOW_ALL || plan->forced.beyond || plan->alone)
        return bit;
#define X(field, must)                                                                                                 \
    if (must && !sum->field) {                                                                                         \
        printf("# never bit: %s\n", #field);                                                                           \
        bit = false;                                                                                                   \
    }
    SIM_COUNTS(X)
#undef X
    for (unsigned i = 0; i < behaviour_count(); i++)
        if (sum->drawn[i] >= DRAWS_THAT_SHOW && !sum->bites[i]) {
            printf("# never bit in %llu runs: %s\n", (unsigned long long)sum->drawn[i], behaviour_at(i)->name);
            bit = false;
        }
    for (unsigned l = 0; l < LIE_KINDS; l++)
        if (l != LIE_NONE && sum->lie_drawn[l] && !sum->lie_bites[l]) {
            printf("# never bit in %llu runs: %s\n", (unsigned long long)sum->lie_drawn[l], lie_name((enum lie)l));
            bit = false;
        }
    return bit;
}

static bool replays_alike(const struct shared *shared, const struct plan *plan) {
    struct sim_options o = options_of(plan->from, &plan->forced);
    struct sim_counts unused = {0};
    return sim_run(&o, &unused, false).hash == shared->first_hash;
}

/* What every run of many seeds does beside them. */
static bool keeps_plans(void) {
    bool all = true;
    for (unsigned plan = PLAN_NONE + 1; plan < PLANS; plan++) {
        struct sim_options o;
        struct sim_counts unused = {0};
        plan_options(&o, (enum course)plan);
        bool kept = sim_run(&o, &unused, false).kept;
        printf("%s %u - %s\n", kept ? "ok" : "not ok", 3 + plan, plan_promise((enum course)plan));
        all &= kept;
    }
    for (unsigned i = 0; i < rows_count(); i++)
        all &= rows_run(i, 3 + PLANS + i);
    return all;
}

static const char *members_text(const struct plan *plan, char text[16]) {
    if (plan->forced.members)
        snprintf(text, 16, "n %u", plan->forced.members);
    else
        snprintf(text, 16, "n mixed");
    return text;
}

static bool report(const struct shared *shared, const struct plan *plan, bool died, double seconds) {
    struct sim_counts sum = sum_counts(shared, (unsigned)plan->jobs);
    uint64_t failed = 0;
    char members[16];
    for (unsigned w = 0; w < plan->jobs; w++) {
        failed += shared->by[w].failed;
        if (died && shared->by[w].done < (plan->seeds + plan->jobs - 1 - w) / plan->jobs)
            printf("# a worker died in seed %llu\n", (unsigned long long)shared->by[w].seed);
    }
    bool kept = !failed && !died;
    printf("%s 1 - %s: %llu seeds from %llu keep every promise", kept ? "ok" : "not ok", members_text(plan, members),
           (unsigned long long)plan->seeds, (unsigned long long)plan->from);
    if (failed)
        printf(" (%llu failed, replay: make sim SEED=%llu%s)", (unsigned long long)failed,
               (unsigned long long)shared->first_failure, plan->forced.members ? " with the same N" : "");
    printf("\n");
    print_counts(&sum);
    printf("# %.0f scenarios an hour: %.0f s on %u cores\n", (double)plan->seeds / seconds * 3600, seconds,
           (unsigned)plan->jobs);
    bool bit = all_bit(&sum, plan), alike = died || failed || plan->alone || replays_alike(shared, plan);
    printf("%s 2 - the faults bit and the work went on\n", bit ? "ok" : "not ok");
    printf("%s 3 - a seed run again is the same to the byte\n", alike ? "ok" : "not ok");
    return keeps_plans() && kept && bit && alike;
}

static double seconds_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool run_many(const struct plan *plan) {
    struct shared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    double start = seconds_now();
    int status;
    bool died = false;
    shared->first_seed = plan->from;
    fflush(stdout);
    for (unsigned w = 0; w < plan->jobs; w++)
        if (fork() == 0)
            work(shared, w, plan);
    while (wait(&status) > 0)
        died |= !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    bool kept = report(shared, plan, died, seconds_now() - start);
    munmap(shared, sizeof *shared);
    return kept;
}

static bool replay(uint64_t seed, const struct sim_forced *forced, bool alone) {
    struct sim_options o = options_of(seed, forced);
    struct sim_counts counts = {0};
    if (alone)
        return alone_run(seed, &counts, true);
    sim_options_print(&o);
    struct sim_result r = sim_run(&o, &counts, true);
    print_counts(&counts);
    printf("hash %llu %016llx\n", (unsigned long long)seed, (unsigned long long)r.hash);
    return r.kept;
}

/* ---- the command line ---- */

static uint64_t number(const char *text) {
    char *end;
    uint64_t v = strtoull(text, &end, 10);
    if (*end || end == text) {
        fprintf(stderr, "sim: not a number: %s\n", text);
        exit(2);
    }
    return v;
}

static int usage(void) {
    fprintf(stderr, "usage: sim [--seeds N] [--from SEED] [--n MEMBERS] [--behave NAME] [--lie NAME] [--beyond 1]\n"
                    "           [--jobs N] [--until-failure 1] [--hashes 1] [--alone 1] | --seed SEED [--n MEMBERS]\n"
                    "           [--behave NAME] [--lie NAME] [--beyond 1] [--alone 1] | --behaviours\n");
    return 2;
}

static int list_behaviours(void) {
    for (unsigned i = 0; i < behaviour_count(); i++)
        printf("%-26s %s\n", behaviour_at(i)->name, behaviour_at(i)->row);
    for (unsigned l = 0; l < LIE_KINDS; l++)
        printf("--lie %-20s %s\n", lie_name((enum lie)l), lie_row((enum lie)l));
    return 0;
}

/* Nearly all of the large tables of a boot is never touched: they shall come as fresh pages, not out of a warm heap. */
static void cool_malloc(void) {
    mallopt(M_MMAP_THRESHOLD, 64 * 1024);
    mallopt(M_TRIM_THRESHOLD, 1024 * 1024);
    mallopt(M_TOP_PAD, 128 * 1024);
}

int main(int argc, char **argv) {
    struct plan plan = {.from = 1, .seeds = 100};
    uint64_t seed = 0, members = 0, beyond = 0;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (argc == 2 && !strcmp(argv[1], "--behaviours"))
        return list_behaviours();
    for (int i = 1; i < argc; i += 2) {
        uint64_t *to = !strcmp(argv[i], "--seeds")           ? &plan.seeds
                       : !strcmp(argv[i], "--from")          ? &plan.from
                       : !strcmp(argv[i], "--seed")          ? &seed
                       : !strcmp(argv[i], "--n")             ? &members
                       : !strcmp(argv[i], "--jobs")          ? &plan.jobs
                       : !strcmp(argv[i], "--beyond")        ? &beyond
                       : !strcmp(argv[i], "--hashes")        ? &plan.hashes
                       : !strcmp(argv[i], "--alone")         ? &plan.alone
                       : !strcmp(argv[i], "--until-failure") ? &plan.until_failure
                                                             : NULL;
        const char **name = !strcmp(argv[i], "--behave") ? &plan.forced.behaviour
                            : !strcmp(argv[i], "--lie")  ? &plan.forced.lie
                                                         : NULL;
        if ((!to && !name) || i + 1 == argc)
            return usage();
        if (name)
            *name = argv[i + 1];
        else
            *to = number(argv[i + 1]);
    }
    if (members && (members < 4 || members > MEMBERS_MAX))
        return usage();
    plan.forced.members = (unsigned)members;
    plan.forced.beyond = beyond != 0;
    crypto_start();
    cool_malloc();
    if (seed)
        return replay(seed, &plan.forced, plan.alone) ? 0 : 1;
    if (plan.jobs == 0 || plan.jobs > WORKERS_MAX)
        plan.jobs = cores > 0 && cores < WORKERS_MAX ? (uint64_t)cores : 2;
    options_of(plan.from, &plan.forced);
    return run_many(&plan) ? 0 : 1;
}
