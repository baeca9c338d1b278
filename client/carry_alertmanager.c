/* A handler that is an Alertmanager: what begins and ends is posted at once, and everything that fires is posted again
   every minute, since an Alertmanager takes silence for an end. The set of what fires is durable before the alert
   counts as handed over. */
#include "base/clock.h"
#include "base/invariant.h"
#include "base/log.h"
#include "client/carrier.h"
#include "client/firing.h"
#include "client/transport.h"

#include <stdlib.h>
#include <string.h>

enum { POST_MAX = 500 }; /* alerts of one POST */

struct manager {
    struct carrier carrier;
    struct handler_setup setup;
    struct transport *transport;
    struct firing *firing;
    mono_ms repeat_at;
    unsigned forgotten;             /* what the last repetition left out */
    uint64_t told_first, told_last; /* the message that was taken while the set could not be written; 0: none */
};

static enum carry_end post_part(struct manager *m, const json_t *posts, size_t from, const char *key,
                                struct buffer *said) {
    json_t *part = json_array();
    for (size_t i = from; i < json_array_size(posts) && i < from + POST_MAX; i++) {
        int failed = json_array_append(part, json_array_get(posts, i));
        ENSURE(failed == 0);
    }
    char *text = json_dumps(part, JSON_COMPACT);
    ENSURE(text != NULL);
    struct transport_post post = {.url = m->setup.config->url,
                                  .ca = m->setup.config->ca,
                                  .key = key,
                                  .json = bytes_of_text(text),
                                  .timeout = m->setup.config->timeout};
    enum carry_end end_of = transport_post(m->transport, &post, said);
    free(text);
    json_decref(part);
    return end_of;
}

/* All of them; telling an Alertmanager twice is telling it once. */
static enum carry_end post_all(struct manager *m, const json_t *posts, const char *key, struct buffer *said) {
    enum carry_end end_of = CARRY_DONE;
    for (size_t from = 0; from < json_array_size(posts) && end_of == CARRY_DONE; from += POST_MAX) {
        buffer_clear(said);
        end_of = post_part(m, posts, from, key, said);
    }
    return end_of;
}

static bool was_told(const struct manager *m, const struct parcel *p) {
    return m->told_first == p->first && m->told_last == p->last;
}

/* What was told and could not be kept: only the writing is tried again. */
static enum carry_end keep(struct manager *m, struct buffer *said) {
    buffer_clear(said);
    if (firing_save(m->firing, said) != ERR_OK) {
        return CARRY_FAILED;
    }
    m->told_first = m->told_last = 0;
    return CARRY_DONE;
}

static enum carry_end carry(struct carrier *self, const struct parcel *p, struct buffer *said) {
    struct manager *m = (struct manager *)self;
    if (was_told(m, p)) {
        return keep(m, said);
    }
    json_t *posts = json_array();
    struct buffer key = {0};
    payload_key(&key, &m->setup.cluster, p->first, p->last);
    json_t *set = firing_plan(m->firing, p->alerts, p->count, posts);
    enum carry_end end_of = post_all(m, posts, buffer_cstr(&key), said);
    if (end_of != CARRY_DONE) {
        json_decref(set);
    } else if (buffer_clear(said), firing_commit(m->firing, set, said) != ERR_OK) {
        m->told_first = p->first;
        m->told_last = p->last;
        end_of = CARRY_FAILED;
    }
    json_decref(posts);
    buffer_free(&key);
    return end_of;
}

/* What it was not told now it is told by the repetitions: what fires joins them, what ended leaves them. */
static void pass_over(struct carrier *self, const struct parcel *p) {
    struct manager *m = (struct manager *)self;
    json_t *posts = json_array();
    struct buffer why = {0};
    if (!was_told(m, p) &&
        firing_commit(m->firing, firing_plan(m->firing, p->alerts, p->count, posts), &why) != ERR_OK) {
        log_event(LOG_ERROR_, "state-write-failed", "handler=%s error=\"%s\"", m->setup.config->name,
                  buffer_cstr(&why));
    }
    json_decref(posts);
    buffer_free(&why);
}

static void repeat(struct manager *m) {
    json_t *posts = json_array();
    struct buffer said = {0};
    unsigned forgotten = firing_list(m->firing, m->setup.config->repeat_for, posts), before = m->forgotten;
    m->forgotten = forgotten;
    if (forgotten > before) {
        log_event(LOG_WARN_, "firing-forgotten",
                  "handler=%s alerts=%u text=\"no PROBLEM and no end for longer than repeat_for: repeated no more\"",
                  m->setup.config->name, forgotten);
    }
    enum carry_end end_of = post_all(m, posts, NULL, &said);
    if (end_of != CARRY_DONE && end_of != CARRY_STOPPED) {
        log_event_limited(LOG_WARN_, "repeat-failed", "handler=%s firing=%u said=\"%.200s\"", m->setup.config->name,
                          firing_count(m->firing), buffer_cstr(&said));
    }
    json_decref(posts);
    buffer_free(&said);
}

static void tick(struct carrier *self) {
    struct manager *m = (struct manager *)self;
    mono_ms now = clock_mono();
    if (now >= m->repeat_at) {
        repeat(m);
        m->repeat_at = now + m->setup.repeat_every;
    }
}

static void end(struct carrier *self) {
    struct manager *m = (struct manager *)self;
    transport_free(m->transport);
    firing_close(m->firing);
    free(m);
}

struct carrier *carry_alertmanager(const struct handler_setup *setup, struct buffer *why) {
    struct payload_cluster cluster = {.id = setup->cluster, .name = setup->cluster_name};
    struct firing *firing;
    struct buffer path = {0};
    buffer_printf(&path, "%s.%s.firing", setup->state_path, setup->config->name);
    enum error e = firing_open(&firing, buffer_cstr(&path), &cluster, why);
    buffer_free(&path);
    if (e != ERR_OK) {
        return NULL;
    }
    struct manager *m = xcalloc(1, sizeof *m);
    *m = (struct manager){.carrier = {.carry = carry, .pass_over = pass_over, .tick = tick, .free = end},
                          .setup = *setup,
                          .transport = transport_new(setup->stop_fd),
                          .firing = firing};
    return &m->carrier;
}
