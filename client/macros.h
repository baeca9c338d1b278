/* Pure: Nagios' macros of one alert for one contact, for arguments ($NAME$) and for the environment (NAGIOS_NAME). */
#ifndef QUORATE_CLIENT_MACROS_H
#define QUORATE_CLIENT_MACROS_H

#include "proto/op.h"

struct macro_context {
    const struct alert *alert;
    const struct alert_contact
        *contact; /* NULL: all of the alert's contacts, their names, addresses ... joined by commas */
    struct cluster_id cluster;
};

/* Whether NAME is a macro: one of ours, or one of Nagios' about objects, which is empty where an alert does not tell.
 */
bool macro_known(struct bytes name);
/* Checks an argument: false, and the first name that is no macro, or "$" for one that is not closed. */
bool macro_argument_valid(const char *argument, struct buffer *unknown);
/* Whether the argument holds a macro whose text is not ours: names and addresses of the objects, what plugins and
   people wrote. In a shell's program text it would be code. Numbers, times and our own words are ours. */
bool macro_argument_foreign(const char *argument);
/* Appends argument with each $NAME$ replaced, $$ = $. What plugins and people wrote (output, perfdata, author, comment)
   loses the characters `~$&|'"<> and control characters. */
void macro_expand(struct buffer *out, const char *argument, const struct macro_context *context);
/* NAGIOS_NAME=value of every macro that has one, QUORATE_ALERT_NUMBER, QUORATE_CLUSTER_ID, QUORATE_KEY and
   QUORATE_OBSERVERS, then the `inherited` strings; closed by NULL; all in the arena. Values are complete here: an
   environment is not parsed by a shell. */
char **macro_environment(struct arena *arena, const struct macro_context *context, char *const *inherited);
/* "[2 of 3 observers; ap says OK]"; nothing for alerts without observers. */
void macro_observers(struct buffer *out, const struct alert *alert);

#endif
