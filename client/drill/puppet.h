/* A client of a drill's own making: it holds one observer's key, and signs and sends what that observer's agent never
   would. What others signed it can only repeat. */
#ifndef QUORATE_CLIENT_DRILL_PUPPET_H
#define QUORATE_CLIENT_DRILL_PUPPET_H

#include "base/quorum.h"
#include "client/client.h"
#include "client/drill/scene.h"

struct puppet;
/* With the key of that name. NULL: it can't be had, and liveness is broken with the reason. */
struct puppet *puppet_new(struct scene *s, const char *key);
void puppet_free(struct puppet *p); /* NULL: nothing */

/* ---- what it signs ---- */
/* The first of `count` request numbers, drawn from the counter that the key's agent uses too. */
uint64_t puppet_draw(struct puppet *p, uint32_t count);
/* A result with an obs_seq above all that it used before, observed now. Texts are borrowed. */
struct observation puppet_result(struct puppet *p, const char *host, const char *service, uint8_t state,
                                 const char *output);
/* A bundle under that request number; replaces what is in out. */
void puppet_seal(const struct puppet *p, struct buffer *out, uint64_t req_seq, const struct observation *list,
                 unsigned count);

/* ---- to whom ---- */
/* Without waiting for an answer, which is counted when it comes. */
void puppet_say(struct puppet *p, member_set to, struct bytes frame);
void puppet_say_all(struct puppet *p, struct bytes frame);
/* Until f+1 agree, at most a minute: as client_request. */
enum error puppet_ask(struct puppet *p, struct bytes frame, struct client_reply *out);
/* The same of one result: ERR_OK when it was accepted, or why the request or the result in it was refused. */
enum error puppet_submit(struct puppet *p, const struct observation *o);

/* An operator's line of Nagios' command file, with an operator's key. */
enum error puppet_order(struct puppet *p, const char *line);

/* ---- what goes on beside the play ---- */
/* Calls way(p, context, turn) `per_s` times a second, turn = 0, 1 ..., from a thread of its own until puppet_rest. The
   play leaves p alone meanwhile. */
typedef void puppet_way(struct puppet *p, void *context, uint64_t turn);
void puppet_begin(struct puppet *p, puppet_way *way, void *context, unsigned per_s);
uint64_t puppet_rest(struct puppet *p);       /* turns taken */
uint64_t puppet_sent(const struct puppet *p); /* frames, by puppet_say and its kin */
/* Refusals of that reason that were heard of puppet_say; they may come later. */
uint64_t puppet_refused(const struct puppet *p, enum error reason);

#endif
