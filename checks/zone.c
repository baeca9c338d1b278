/* Between two shifts local time is UTC and an offset; shifts are found by halving. */
#include "checks/zone.h"

/* How many shifts lie at or before utc. */
static unsigned passed(const struct zone *z, int64_t utc) {
    unsigned low = 0, high = z->count;
    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        if (z->shifts[middle].from <= utc) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static int32_t offset_behind(const struct zone *z, unsigned shifts) {
    return z->count == 0 ? 0 : z->shifts[shifts > 0 ? shifts - 1 : 0].offset;
}

struct zone_local zone_local(const struct zone *z, int64_t utc) {
    int64_t local = utc + offset_behind(z, passed(z, utc));
    int64_t second = (local % 86400 + 86400) % 86400;
    return (struct zone_local){(local - second) / 86400, (uint32_t)second};
}

int64_t zone_next_shift(const struct zone *z, int64_t utc) {
    unsigned next = passed(z, utc);
    return next < z->count ? z->shifts[next].from : INT64_MAX;
}

int64_t zone_moment(const struct zone *z, int64_t utc, int64_t day, uint32_t second) {
    int64_t local = day * 86400 + second, least = local - ZONE_OFFSET_MAX;
    utc = utc > least ? utc : least;
    for (unsigned at = passed(z, utc);; at++) {
        int64_t begins = at > 0 ? z->shifts[at - 1].from : INT64_MIN;
        int64_t ends = at < z->count ? z->shifts[at].from : INT64_MAX;
        int64_t moment = local - offset_behind(z, at);
        moment = moment > begins ? moment : begins;
        moment = moment > utc ? moment : utc;
        if (moment < ends) {
            return moment;
        }
    }
}
