/* Observers by hand: one thread signs and sends, with the keys of the observers a, b, c ..., what each of them says of
   one host or service, once in each round, so that a drill can choose every vote and have rounds shorter than a second.
 */
#ifndef QUORATE_CLIENT_DRILL_CROWD_H
#define QUORATE_CLIENT_DRILL_CROWD_H

#include "client/drill/scene.h"

enum { CROWD_SILENT = 0xff, CROWD_MAX = 8 };

struct crowd;
/* `observers` of them, from a on, speak of the object; all say 0 until told otherwise. NULL: liveness is broken. */
struct crowd *crowd_open(struct scene *s, const char *host, const char *service, unsigned observers, mono_ms round);
void crowd_close(struct crowd *c); /* NULL: nothing. They fall silent, and that this is told later is no false alert */

/* What is true, and what all say who are not told otherwise. */
void crowd_truth(struct crowd *c, uint8_t state);
/* In `of` of each `in` rounds, those of number `first` and after it, the observer (0 is a) says `state` or nothing; in
   all others the truth. of 0: it is honest again. */
void crowd_says(struct crowd *c, unsigned observer, uint8_t state, unsigned of, unsigned in, unsigned first);
/* Lies and silences so far. */
uint64_t crowd_lies(const struct crowd *c);

/* Nagios objects for drills that speak by hand: a command that nobody runs, a host `crowd`, and services of it. The
   observers, the check_interval (a round) and freshness_threshold in seconds are texts; `more` are further directives.
 */
#define CROWD_COMMAND "define command {\n command_name drill-nothing\n command_line /bin/true\n}\n"
#define CROWD_RULES(observers, round, freshness, more)                                                                 \
    " max_check_attempts 1\n check_interval " round "\n retry_interval 1\n freshness_threshold " freshness             \
    "\n notification_interval 0\n contacts oncall\n _OBSERVERS " observers "\n" more "}\n"
#define CROWD_HOST(observers, round, freshness)                                                                        \
    "define host {\n host_name crowd\n" CROWD_RULES(observers, round, freshness, "")
#define CROWD_SERVICE(service, observers, round, freshness, more)                                                      \
    "define service {\n host_name crowd\n service_description " service                                                \
    "\n check_command drill-nothing\n" CROWD_RULES(observers, round, freshness, more)

#endif
