/* Honest replicas on bad machines, rows E and G: clocks that are wrong, disks that are slow or fail, processes that
   stand still or are gone. Nothing here signs anything. */
#include "replica/fault_parts.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

enum { STEP_EVERY_MS = 3000 };

/* ---- clocks ---- */

static time_ms is_off(struct fault *f, struct node_now now) {
    return now.wall + f->parameter;
}

static time_ms is_frozen(struct fault *f, struct node_now now) {
    (void)now;
    return f->froze_at;
}

static time_ms drifts(struct fault *f, struct node_now now) {
    return now.wall + (now.mono - f->since) * f->parameter / 1000000;
}

/* Back, right again, ahead, right again. */
static time_ms steps(struct fault *f, struct node_now now) {
    static const int way[] = {-1, 0, 1, 0};
    return now.wall + way[(now.mono - f->since) / STEP_EVERY_MS % 4] * f->parameter;
}

/* ---- the process and its disk ---- */

static void sleep_ms(int64_t ms) {
    struct timespec left = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        continue;
}

static enum error commits_slowly(struct fault *f, struct disk_batch *b) {
    (void)b;
    f->bites++;
    sleep_ms(f->parameter);
    return ERR_OK;
}

static enum error never_commits(struct fault *f, struct disk_batch *b) {
    (void)b;
    f->bites++;
    return ERR_IO;
}

/* One bit of one record of the state, with each checkpoint, since the next one may write it over: found when it is read
   again. */
static enum error rots(struct fault *f, struct disk_batch *b) {
    const struct disk_write *w = NULL;
    for (size_t i = 0; i < b->count && !w; i++)
        if (b->writes[i].family == DISK_STATE && b->writes[i].op == DISK_PUT && b->writes[i].value_len > 0)
            w = &b->writes[i];
    if (!w)
        return ERR_OK;
    struct bytes good = buffer_bytes(&b->bytes);
    b->bytes = (struct buffer){0};
    buffer_put(&b->bytes, good.data, good.len);
    b->bytes.data[w->value_at + fault_below(f, w->value_len)] ^= (uint8_t)(1u << fault_below(f, 8));
    f->bites++;
    return ERR_OK;
}

static void pauses(struct fault *f) {
    f->bites++;
    sleep_ms(f->parameter);
}

static void crashes(struct fault *f) {
    (void)f;
    raise(SIGKILL);
}

const struct behaviour faults_of_machines[] = {
    {{"crash", "DR-E1", NULL, "the process is killed at once", FAULT_SEAT_ANY, true, false}, .begin = crashes},
    {{"disk-slow", "DR-E6", "MS", "every write to disk takes so much longer", FAULT_SEAT_ANY, true, true},
     .standard = 200,
     .lowest = 1,
     .highest = 60000,
     .commit = commits_slowly},
    {{"disk-error", "DR-E6", NULL, "every write to disk fails, so the process stops", FAULT_SEAT_ANY, true, false},
     .commit = never_commits},
    {{"disk-rot", "DR-D2", NULL, "bits of its stored state turn over, found by a restart", FAULT_SEAT_ANY, true, false},
     .commit = rots},
    {{"pause", "DR-E7", "MS", "the process stands still once for so long", FAULT_SEAT_ANY, true, true},
     .standard = 10000,
     .lowest = 1,
     .highest = 600000,
     .begin = pauses},
    {{"clock-offset", "DR-G1", "MS", "its clock is ahead by so much, or behind", FAULT_SEAT_ANY, false, true},
     .standard = 3600000,
     .lowest = -INT64_C(31536000000),
     .highest = INT64_C(31536000000),
     .wall = is_off},
    {{"clock-frozen", "DR-G1", NULL, "its clock stands still", FAULT_SEAT_ANY, false, false}, .wall = is_frozen},
    {{"clock-drift", "DR-G1", "PPM", "its clock runs so much too fast, or too slow", FAULT_SEAT_ANY, false, false},
     .standard = 500000,
     .lowest = -1000000,
     .highest = 10000000,
     .wall = drifts},
    {{"clock-steps", "DR-G1", "MS", "its clock steps back and ahead every few seconds", FAULT_SEAT_ANY, false, false},
     .standard = 60000,
     .lowest = 1,
     .highest = INT64_C(31536000000),
     .wall = steps},
    {.is = {.name = NULL}},
};
