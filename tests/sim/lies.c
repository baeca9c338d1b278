/* What observers say that is not so. "us" is the one that lies; others join it where a row asks for more. */
#include "tests/sim/estate.h"

#include <string.h>

enum { EU = 1, US = 2, AP = 4, SA = 8 };

static const struct {
    const char *name, *row;
    unsigned liars;
} lies[LIE_KINDS] = {
    [LIE_NONE] = {"honest", "-", 0},
    [LIE_ALWAYS_CRITICAL] = {"always-critical", "DR-I1", US},
    [LIE_ALWAYS_OK] = {"always-ok", "DR-I1", US},
    [LIE_TOGETHER] = {"together", "DR-I2", US | SA},
    [LIE_AT_TIMES] = {"at-times", "DR-I3", US},
    [LIE_EVERY_OTHER] = {"every-other", "DR-I3", US},
    [LIE_FRAMES] = {"frames-a-flaky-one", "DR-I4", US | AP},
    [LIE_FALLS_SILENT] = {"falls-silent", "DR-I5", 0},
    [LIE_SPLIT] = {"honest-split", "DR-I7", 0},
    [LIE_YESTERDAY] = {"yesterday", "DR-I9", US},
    [LIE_DEFECTS] = {"copies-and-defects", "DR-I10", US},
    [LIE_SLOW] = {"slow-and-fast", "DR-I12", 0},
    [LIE_BEYOND] = {"beyond-the-bound", "DR-I13", US | AP},
};

const char *lie_name(enum lie l) {
    return lies[l].name;
}

const char *lie_row(enum lie l) {
    return lies[l].row;
}

enum lie lie_find(const char *name) {
    unsigned l = 0;
    while (l < LIE_KINDS && strcmp(lies[l].name, name) != 0)
        l++;
    return (enum lie)l;
}

bool lie_needs_five(enum lie l) {
    return l == LIE_TOGETHER || l == LIE_FRAMES;
}

unsigned lie_liars(enum lie l) {
    return lies[l].liars;
}

unsigned lie_dissenters(enum lie l) {
    return l == LIE_FRAMES ? US : l == LIE_SPLIT ? AP : lies[l].liars;
}

unsigned lie_doubted(enum lie l) {
    return lies[l].liars | (l == LIE_SPLIT || l == LIE_FALLS_SILENT ? AP : 0);
}

static unsigned wrong(bool is_host, unsigned truth) {
    return is_host ? !truth : truth == STATE_OK ? STATE_CRITICAL : STATE_OK;
}

static unsigned worst(bool is_host) {
    return is_host ? HOST_DOWN : STATE_CRITICAL;
}

/* Of one that lies. */
static unsigned liar_says(enum lie l, unsigned observer, unsigned object, bool is_host, unsigned truth,
                          struct prng *chance) {
    switch (l) {
    case LIE_ALWAYS_CRITICAL:
        return worst(is_host);
    case LIE_BEYOND:
        return object == SIM_SERVICES - 1 ? worst(is_host) : truth;
    case LIE_ALWAYS_OK:
        return STATE_OK;
    case LIE_TOGETHER:
        return wrong(is_host, truth);
    case LIE_AT_TIMES:
        return prng_chance(chance, 300) ? wrong(is_host, truth) : truth;
    case LIE_EVERY_OTHER:
        return prng_chance(chance, 500) ? wrong(is_host, truth) : truth;
    case LIE_FRAMES:
        return prng_chance(chance, observer == 1 ? 500 : 50) ? wrong(is_host, truth) : truth;
    case LIE_DEFECTS:
        return truth && prng_chance(chance, 500) ? STATE_OK : truth;
    default:
        return truth;
    }
}

int lie_says(enum lie l, unsigned observer, unsigned object, bool is_host, unsigned truth, unsigned beat,
             struct prng *chance) {
    unsigned bit = 1u << observer;
    if (bit & lies[l].liars)
        return (int)liar_says(l, observer, object, is_host, truth, chance);
    if (l == LIE_FALLS_SILENT && bit == AP && beat > 2)
        return SAYS_NOTHING;
    if (l == LIE_SLOW && bit == US && beat % 3)
        return SAYS_NOTHING;
    if (l == LIE_SPLIT && bit == AP && object % 2 == 0) /* a regional outage: it tells what it sees */
        return (int)worst(is_host);
    return (int)truth;
}

bool lie_is_old(enum lie l, unsigned observer, unsigned object) {
    return l == LIE_YESTERDAY && (1u << observer & US) && object % 2;
}
