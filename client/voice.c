/* The threads of notify speak with one voice, so that a quorum is lost once and a liar is named once a minute. */
#include "client/voice.h"

#include "base/bytes.h"
#include "base/clock.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    QUORUM_DOUBT = 3000,       /* ms without any answer before the quorum is called lost */
    COMPLAINT_SILENCE = 60000, /* ms between two lines about one replica */
};

struct voice {
    pthread_mutex_t lock;
    bool lost;
    mono_ms answered_at;
    time_ms answered_wall;
    uint64_t last_alert;
    struct {
        bool ever;
        mono_ms told_at;
        unsigned kept_back;
    } complaints[MEMBERS_MAX];
};

struct voice *voice_new(void) {
    struct voice *v = xcalloc(1, sizeof *v);
    pthread_mutex_init(&v->lock, NULL);
    v->answered_at = clock_mono();
    v->answered_wall = clock_wall();
    return v;
}

void voice_free(struct voice *v) {
    if (v != NULL) {
        pthread_mutex_destroy(&v->lock);
        free(v);
    }
}

void voice_answer(struct voice *v, enum error e) {
    char since[25];
    pthread_mutex_lock(&v->lock);
    mono_ms now = clock_mono();
    clock_rfc3339(since, v->answered_wall);
    if (e == ERR_OK) {
        if (v->lost) {
            fprintf(stderr, "quorate: notify: quorum is back: there was none since %s, last agreed alert %" PRIu64 "\n",
                    since, v->last_alert);
        }
        v->lost = false;
        v->answered_at = now;
        v->answered_wall = clock_wall();
    } else if (!v->lost && now - v->answered_at >= QUORUM_DOUBT) {
        fprintf(stderr,
                "quorate: notify: no quorum since %s, last agreed alert %" PRIu64
                ": nothing new can be proven: see `quorate replicas`\n",
                since, v->last_alert);
        v->lost = true;
    }
    pthread_mutex_unlock(&v->lock);
}

void voice_complaint(struct voice *v, member_id replica, const char *what) {
    if (replica >= MEMBERS_MAX) {
        return;
    }
    pthread_mutex_lock(&v->lock);
    mono_ms now = clock_mono();
    if (v->complaints[replica].ever && now - v->complaints[replica].told_at < COMPLAINT_SILENCE) {
        v->complaints[replica].kept_back++;
    } else {
        fprintf(stderr, "quorate: notify: replica %u: forged alert refused: %s", replica, what);
        if (v->complaints[replica].kept_back > 0) {
            fprintf(stderr, " (and %u more times)", v->complaints[replica].kept_back);
        }
        fputc('\n', stderr);
        v->complaints[replica].ever = true;
        v->complaints[replica].told_at = now;
        v->complaints[replica].kept_back = 0;
    }
    pthread_mutex_unlock(&v->lock);
}

void voice_alert(struct voice *v, uint64_t number) {
    pthread_mutex_lock(&v->lock);
    v->last_alert = number > v->last_alert ? number : v->last_alert;
    pthread_mutex_unlock(&v->lock);
}
