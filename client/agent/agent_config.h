/* agent.yaml: which plugins run for which host or service, how often, how long. */
#ifndef QUORATE_CLIENT_AGENT_AGENT_CONFIG_H
#define QUORATE_CLIENT_AGENT_AGENT_CONFIG_H

#include "base/bytes.h"
#include "base/error.h"

enum { AGENT_CHECKS_MAX = 100000, AGENT_ARGV_MAX = 256 };
#define AGENT_PLUGIN_DIR "/usr/lib/nagios/plugins"

struct agent_check {
    const char *host, *service; /* service "" = a check of the host itself */
    mono_ms interval, timeout;
    const char *path; /* what is executed: argv[0], searched in plugin_dir when it has no slash */
    char **argv;      /* closed by NULL */
};
struct agent_config {
    struct arena arena;
    unsigned count;
    struct agent_check *checks;
};

/* why: one line a problem, "FILE:LINE: field: what is wrong: what to do", all of them (the first 20). Bounds: interval
   100 ms .. 7 days, timeout 100 ms .. 1 h (default 60 s, Nagios' service_check_timeout), names as long as proto/op.h
   allows, no pair (host, service) twice. */
enum error agent_config_load(struct agent_config **out, const char *path, struct buffer *why);
enum error agent_config_parse(struct agent_config **out, struct bytes text, const char *path, struct buffer *why);
void agent_config_free(struct agent_config *c);

#endif
