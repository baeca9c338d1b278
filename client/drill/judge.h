/* What is judged at the end of a drill, when everything is healed: stage.c calls these in this order. Each notes what
   it finds in the scene's time line. */
#ifndef QUORATE_CLIENT_DRILL_JUDGE_H
#define QUORATE_CLIENT_DRILL_JUDGE_H

#include "client/drill/stage.h"

/* So long, or JUDGE_HASTE_MS once a promise is broken: what is lost is not waited for again and again. */
enum { JUDGE_HASTE_MS = 8000 };
mono_ms judge_patience(const struct scene *s, mono_ms ms);
/* Takes what the sink was handed since. */
void judge_read_sink(struct scene *s);
/* The loader is stopped: what was acknowledged against what is stored. Returns how many results are lost. */
uint64_t judge_durability(struct scene *s);
/* The sink against `quorate alerts`, each alert proven, and the plan's breaches. */
void judge_alerts(struct scene *s);
/* The stage has failed: who ended and what was told falsely until then. */
void judge_cut_short(struct scene *s);
/* Logs and states of all who are expected, until they were seen to be equal. */
void judge_agreement(struct scene *s);
/* Who was convicted. The lines of `quorate evidence --json`; the caller decrefs. */
json_t *judge_evidence(struct scene *s);

/* Processes that came to an end by themselves: by a broken invariant, a fault in memory, an exit. */
void judge_crashes(struct scene *s);
/* The first invariant of this promise that a log says was broken, "ENSURE x at replica/pbft/check.c:26"; false: none.
 */
bool judge_rule_broken(const char *log, enum promise p, struct buffer *rule);
/* What such a rule stands for: in the core of the protocol agreement, elsewhere that a replica serves. */
enum promise judge_promise_of_rule(const char *rule);
/* What breaks when this process ("notify-0") is not there. */
enum promise judge_promise_of_process(const char *process);

/* Ends all replicas and judges their logs. Returns how many acknowledged bundles are not in them. */
uint64_t judge_logs(struct scene *s);
/* What `quorate audit --json` printed of so many exports (cut up): findings, and a summary without which it proves
   nothing. */
void judge_audit(struct scene *s, int code, struct buffer *out, unsigned files);
/* What the loader was told beside what the logs hold. Returns how many bundles are lost. */
struct stored_count;
uint64_t judge_count(struct scene *s, const struct stored_count *c);

/* Whether evidence against the culprit, "replica 2", is true: a provable traitor of the cast, or accused by the play.
 */
bool judge_guilty(const struct scene *s, const char *culprit);

#endif
