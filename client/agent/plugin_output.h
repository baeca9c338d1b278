/* Pure: what a plugin printed and how it ended, as a check result (the Nagios plugin interface). */
#ifndef QUORATE_CLIENT_AGENT_PLUGIN_OUTPUT_H
#define QUORATE_CLIENT_AGENT_PLUGIN_OUTPUT_H

#include "base/bytes.h"

enum plugin_ending {
    PLUGIN_EXITED,    /* code: its exit status */
    PLUGIN_SIGNALLED, /* code: the signal */
    PLUGIN_TIMED_OUT, /* code: the timeout in ms */
    PLUGIN_UNSTARTED, /* code: errno of the system's refusal */
};
struct plugin_end {
    enum plugin_ending ending;
    int code;
};

/* State 0..3 of a service, 0 UP or 1 DOWN of a host. Exit codes outside 0..3 and deaths by signal are CRITICAL; a
   timeout and a plugin that the system could not start tell nothing about the service: UNKNOWN. A host is UP at 0 and
   1 (no aggressive host checking), else DOWN. */
uint8_t plugin_state(struct plugin_end end, bool is_host);
/* printed: standard output as captured; complained: standard error, used when nothing was printed. Puts at most
   OUTPUT_MAX_LEN bytes each of valid UTF-8 without NUL: output = first line up to '|' (with ';' as ':'), then, after a
   newline, the long text; perfdata = what followed the bars. Endings other than a code of 0..3 are explained in front.
 */
void plugin_output_split(struct buffer *output, struct buffer *perfdata, struct plugin_end end, struct bytes printed,
                         struct bytes complained);

#endif
