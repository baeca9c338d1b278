/* make sim: many seeds over the cores, or one seed again with its trace. */
#include "tests/sim/sim.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

void sim_options_draw(struct sim_options *o, uint64_t seed, unsigned members) {
    struct prng p;
    prng_seed(&p, seed * 2 + 1);
    *o = (struct sim_options){.seed = seed, .members = members};
    o->loss = prng_chance(&p, 700) ? (unsigned)prng_below(&p, 200) : 0;
    o->repeat = prng_chance(&p, 500) ? (unsigned)prng_below(&p, 100) : 0;
    o->delay_min = 50 + (time_us)prng_below(&p, 2000);
    o->delay_max = o->delay_min + (prng_chance(&p, 300) ? (time_us)prng_below(&p, 300000) : 3000);
    o->crashes = (unsigned)prng_below(&p, 8);
    o->cuts = (unsigned)prng_below(&p, 4);
    o->power_losses = prng_chance(&p, 250);
    o->forger = prng_chance(&p, 500);
    o->liar = prng_chance(&p, 500);
    o->skewed_clocks = prng_chance(&p, 500);
    o->lazy_flush = prng_chance(&p, 700);
    o->faulty_for = (20 + (time_us)prng_below(&p, 20)) * SECOND;
    o->healed_for = 40 * SECOND;
    o->checkpoint_interval = prng_chance(&p, 700) ? 8 : 128;
    o->window = 2 * o->checkpoint_interval;
    o->twins = prng_chance(&p, 400);
    o->lies = !o->twins && prng_chance(&p, 600);
}

void sim_options_print(const struct sim_options *o) {
    printf("seed %llu: n %u, loss %u, repeat %u per mille, delay %.1f-%.1f ms, crashes %u, cuts %u, power losses %u, "
           "forger %d, liar %d, twins %d, lies %d, skewed clocks %d, lazy flush %d, K %u, W %u, faulty for %d s\n",
           (unsigned long long)o->seed, o->members, o->loss, o->repeat, (double)o->delay_min / 1000,
           (double)o->delay_max / 1000, o->crashes, o->cuts, o->power_losses, o->forger, o->liar, o->twins, o->lies,
           o->skewed_clocks, o->lazy_flush, o->checkpoint_interval, o->window, (int)(o->faulty_for / SECOND));
}

struct shared { /* between the workers and the parent */
    uint64_t seed[64], failed[64];
    struct sim_counts counts[64];
    uint64_t first_failure;
    uint64_t done[64];
};

struct plan {
    uint64_t from, seeds, jobs, until_failure;
};

static void work(struct shared *shared, unsigned worker, const struct plan *plan, unsigned members) {
    uint64_t from = plan->from;
    for (uint64_t i = worker; i < plan->seeds; i += plan->jobs) {
        if (plan->until_failure && shared->first_failure)
            break;
        struct sim_options o;
        sim_options_draw(&o, from + i, members);
        shared->seed[worker] = from + i;
        if (!sim_run(&o, &shared->counts[worker], false)) {
            shared->failed[worker]++;
            if (!shared->first_failure)
                shared->first_failure = from + i;
        }
        shared->done[worker]++;
    }
    exit(0);
}

static void print_counts(const struct shared *shared, unsigned jobs) {
    struct sim_counts sum = {0};
    for (unsigned w = 0; w < jobs; w++)
        for (size_t i = 0; i < sizeof sum / sizeof(uint64_t); i++)
            ((uint64_t *)&sum)[i] += ((const uint64_t *)&shared->counts[w])[i];
    printf("# frames %llu lost %llu repeated %llu forged %llu bent %llu twinned %llu refused %llu crashes %llu torn "
           "%llu cut "
           "%llu view "
           "changes %llu "
           "batches %llu acknowledged %llu alerts %llu\n",
           (unsigned long long)sum.frames, (unsigned long long)sum.lost, (unsigned long long)sum.repeated,
           (unsigned long long)sum.forged, (unsigned long long)sum.bent, (unsigned long long)sum.twinned,
           (unsigned long long)sum.refused, (unsigned long long)sum.crashes, (unsigned long long)sum.torn,
           (unsigned long long)sum.cut, (unsigned long long)sum.view_changes, (unsigned long long)sum.batches,
           (unsigned long long)sum.acknowledged, (unsigned long long)sum.alerts);
    bool bit = sum.lost && sum.crashes && sum.view_changes && sum.alerts && sum.acknowledged;
    printf("%s %u - the faults bit and the work went on\n", bit ? "ok" : "not ok", 2);
}

static bool run_many(const struct plan *plan, unsigned members) {
    unsigned jobs = (unsigned)plan->jobs;
    uint64_t seeds = plan->seeds, from = plan->from;
    struct shared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    uint64_t failed = 0;
    fflush(stdout);
    for (unsigned w = 0; w < jobs; w++)
        if (fork() == 0)
            work(shared, w, plan, members);
    int status;
    bool died = false;
    while (wait(&status) > 0)
        died |= !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    for (unsigned w = 0; w < jobs; w++) {
        failed += shared->failed[w];
        if (died && shared->done[w] < (seeds + jobs - 1 - w) / jobs)
            printf("# a worker died in seed %llu n %u\n", (unsigned long long)shared->seed[w], members);
    }
    bool kept = !failed && !died;
    printf("%s 1 - n %u: %llu seeds from %llu keep every promise", kept ? "ok" : "not ok", members,
           (unsigned long long)seeds, (unsigned long long)from);
    if (failed)
        printf(" (%llu failed, replay: make sim SEED=%llu N=%u)", (unsigned long long)failed,
               (unsigned long long)shared->first_failure, members);
    printf("\n");
    print_counts(shared, jobs);
    munmap(shared, sizeof *shared);
    return kept;
}

static uint64_t number(const char *text) {
    char *end;
    uint64_t v = strtoull(text, &end, 10);
    if (*end || end == text) {
        fprintf(stderr, "sim: not a number: %s\n", text);
        exit(2);
    }
    return v;
}

int main(int argc, char **argv) {
    struct plan plan = {.from = 1, .seeds = 100};
    uint64_t seed = 0, members = 0;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    for (int i = 1; i + 1 < argc; i += 2) {
        uint64_t *to = !strcmp(argv[i], "--seeds")           ? &plan.seeds
                       : !strcmp(argv[i], "--from")          ? &plan.from
                       : !strcmp(argv[i], "--seed")          ? &seed
                       : !strcmp(argv[i], "--n")             ? &members
                       : !strcmp(argv[i], "--jobs")          ? &plan.jobs
                       : !strcmp(argv[i], "--until-failure") ? &plan.until_failure
                                                             : NULL;
        if (!to) {
            fprintf(stderr,
                    "usage: sim [--seeds N] [--from SEED] [--n MEMBERS] [--jobs N] [--until-failure 1] | --seed SEED "
                    "[--n MEMBERS]\n");
            return 2;
        }
        *to = number(argv[i + 1]);
    }
    crypto_start();
    mallopt(M_MMAP_THRESHOLD, 128 * 1024); /* fixed: a boot's large tables come as untouched pages */
    mallopt(M_TRIM_THRESHOLD, 256 * 1024 * 1024);
    mallopt(M_TOP_PAD, 1024 * 1024);
    if (seed) {
        struct sim_options o;
        struct sim_counts counts = {0};
        sim_options_draw(&o, seed, members ? (unsigned)members : 4);
        sim_options_print(&o);
        return sim_run(&o, &counts, true) ? 0 : 1;
    }
    if (plan.jobs == 0 || plan.jobs > 64)
        plan.jobs = cores > 0 && cores < 64 ? (uint64_t)cores : 2;
    bool kept = true;
    for (unsigned n = 4; n <= 7; n += 3)
        if (!members || members == n)
            kept &= run_many(&plan, n);
    return kept ? 0 : 1;
}
