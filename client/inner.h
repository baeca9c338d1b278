/* What client.c and follow.c share: the client itself and how an answer's envelope is judged. */
#ifndef QUORATE_CLIENT_INNER_H
#define QUORATE_CLIENT_INNER_H

#include "client/client.h"
#include "client/net.h"

/* A member that answers nonsense is left alone for a while, twice as long each time. */
struct patience {
    mono_ms pause; /* the last pause, 0 after a good answer */
    mono_ms until; /* ask nothing before */
};

struct client {
    const struct cluster *cluster;
    struct verifier verifier;
    struct client_net *net;
    struct patience patience[MEMBERS_MAX];
};

enum { PATIENCE_MIN_MS = 1000, PATIENCE_MAX_MS = 30000 };
void client_trust(struct client *c, member_id m);
void client_distrust(struct client *c, member_id m, mono_ms now);

/* Opens and decodes what `from` answered: of this cluster and, when its type is a signed one, sealed by that member
   itself. *out lives as long as raw and the arena. */
enum error client_open_answer(const struct client *c, member_id from, struct bytes raw, struct msg *out,
                              struct arena *arena);
/* An unsigned question of type FETCH_ALERTS or FETCH_STATUS (m->type and its union member). */
void client_seal_question(const struct client *c, const struct msg *m, struct buffer *out);

#endif
