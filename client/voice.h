/* What `quorate notify` tells people on stderr about the cluster. Thread-safe. */
#ifndef QUORATE_CLIENT_VOICE_H
#define QUORATE_CLIENT_VOICE_H

#include "base/error.h"
#include "proto/msg.h"

struct voice;
struct voice *voice_new(void);
void voice_free(struct voice *v);
/* An asking for alerts ended so: says when no quorum answers any more, and when one does again. */
void voice_answer(struct voice *v, enum error e);
/* A replica sent what does not prove true; at most one line a minute about each. */
void voice_complaint(struct voice *v, member_id replica, const char *what);
/* The highest alert that was proven. */
void voice_alert(struct voice *v, uint64_t number);

#endif
