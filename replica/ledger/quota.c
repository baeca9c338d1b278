/* How much of the log one client may fill: a bucket of tokens that agreed time refills (R3). Counted in thousandths of
   a request, so that milliseconds times requests a second are whole numbers. What a primary orders beyond it is
   executed all the same and leaves the bucket below zero. A member's ticks cost nothing; what else it asks for,
   evidence and its parts, comes out of a smaller bucket. */
#include "replica/ledger/internal.h"

enum { REQUEST_COST = 1000 };

static bool is_member(const struct ledger *l, const struct seat *s) {
    return s - l->seats < l->genesis->member_count;
}

static int64_t bucket_size(const struct ledger *l, const struct seat *s) {
    return (is_member(l, s) ? LEDGER_MEMBER_BURST : (int64_t)l->genesis->knobs.quota_burst) * REQUEST_COST;
}

static int64_t bucket_rate(const struct ledger *l, const struct seat *s) {
    return is_member(l, s) ? LEDGER_MEMBER_PER_S : l->genesis->knobs.quota_per_s;
}

/* What the bucket holds at T. */
static int64_t tokens_now(const struct ledger *l, const struct seat *s) {
    int64_t size = bucket_size(l, s), rate = bucket_rate(l, s);
    time_ms passed = l->t > s->filled_at ? l->t - s->filled_at : 0;
    if (passed > 2 * size / rate) { /* from the floor to the brim, and no overflow */
        return size;
    }
    int64_t tokens = s->tokens + passed * rate;
    return tokens < size ? tokens : size;
}

void quota_open(struct ledger *l) {
    for (uint32_t i = 0; i < l->seat_count; i++) {
        l->seats[i].tokens = bucket_size(l, &l->seats[i]);
        l->seats[i].filled_at = l->t;
    }
}

void quota_spend(struct ledger *l, struct seat *s) {
    int64_t left = tokens_now(l, s) - REQUEST_COST, floor = -bucket_size(l, s);
    s->tokens = left > floor ? left : floor;
    s->filled_at = l->t;
}

bool quota_sound(const struct ledger *l, const struct seat *s) {
    return s->tokens <= bucket_size(l, s) && s->tokens >= -bucket_size(l, s) && s->filled_at >= l->genesis->t0;
}

time_ms ledger_ready(const struct ledger *l, const struct public_key *client) {
    const struct seat *s = ledger_seat(l, client);
    int64_t tokens = s ? tokens_now(l, s) : REQUEST_COST;
    if (tokens >= REQUEST_COST) {
        return l->genesis->t0;
    }
    int64_t rate = bucket_rate(l, s);
    return l->t + (REQUEST_COST - tokens + rate - 1) / rate;
}
