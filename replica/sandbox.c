/* The sandbox's way to a traitor: an option at the start, and a signal. The chance of the lies is fresh each time. */
#include "replica/sandbox.h"

#include "base/clock.h"

#include <string.h>

static const char later[] = "later:";

static bool waits(const char *behave) {
    return strncmp(behave, later, strlen(later)) == 0;
}

static enum error start(struct fault *f, const char *behave, struct buffer *why) {
    uint64_t seed;
    crypto_random(&seed, sizeof seed);
    fault_now(f, (struct node_now){.mono = clock_mono(), .wall = clock_wall()});
    return fault_start(f, behave + (waits(behave) ? strlen(later) : 0), seed, INT64_MAX, why);
}

static enum error refuse(const char *behave, enum drills_mode drills, struct buffer *why) {
    if (drills == DRILLS_OFF)
        buffer_printf(why,
                      "this cluster allows no drills: --behave %s: its genesis says `drills: off`; traitors run in "
                      "clusters made with `drills: sandbox`",
                      behave);
    else
        buffer_printf(why,
                      "this cluster is no sandbox: --behave %s: its genesis says `drills: live`, so only an ordered "
                      "drill starts a traitor",
                      behave);
    return ERR_FORBIDDEN;
}

enum error sandbox_open(struct fault **out, const struct config *config, const struct cluster *cluster,
                        const struct secret_key *secret, const struct fault_host *host, struct buffer *why) {
    *out = NULL;
    if (config->behave && cluster->drills != DRILLS_SANDBOX)
        return refuse(config->behave, cluster->drills, why);
    if (cluster->drills == DRILLS_OFF)
        return ERR_OK;
    enum error e = fault_new(out, cluster, config->self, secret, host, why);
    if (!e && config->behave && !waits(config->behave))
        e = start(*out, config->behave, why);
    return e;
}

void sandbox_toggle(struct fault *f, const char *behave) {
    struct buffer why = {0};
    if (!f || !behave)
        return;
    if (fault_active(f))
        fault_stop(f);
    else
        start(f, behave, &why);
    log_event(LOG_WARN_, "traitor", "behaviour=%s lies=%d", behave, fault_active(f));
    buffer_free(&why);
}
