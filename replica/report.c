/* Counters as log lines, stable names first: what a script greps and an operator reads when a replica behaves oddly. */
#include "replica/report.h"

#include "base/log.h"

#include <inttypes.h>
#include <string.h>

void report_refusals(const char *door, const atomic_uint_fast64_t *counters) {
    for (unsigned e = 0; e < ERR_LIMIT; e++) {
        uint64_t count = atomic_load(&counters[e]);
        if (count)
            log_event(LOG_INFO_, "refused", "door=%s reason=%s count=%" PRIu64, door, error_name((enum error)e), count);
    }
}

void report_network(struct net *net, struct inbox *inbox) {
    struct net_counters c;
    struct inbox_counters q;
    net_count(net, &c);
    inbox_count(inbox, &q);
    log_event(LOG_INFO_, "network",
              "connected=0x%x messages_in=%" PRIu64 " messages_out=%" PRIu64 " frames_in=%" PRIu64
              " frames_out=%" PRIu64 " bytes_in=%" PRIu64 " bytes_out=%" PRIu64 " in_dropped=%" PRIu64
              " out_dropped=%" PRIu64 " malformed_messages=%" PRIu64 " strangers=%u refused_connections=%" PRIu64
              " unheard=%" PRIu64 " muted_now=%u muted=%" PRIu64,
              c.connected, c.messages_in, c.messages_out, c.frames_in, c.frames_out, c.bytes_in, c.bytes_out,
              c.peer_door.dropped + q.peer_dropped, c.frames_dropped, c.malformed_messages, c.peer_door.strangers,
              c.peer_door.refused, c.peer_door.dropped_muted, c.peer_door.muted, c.muted);
    log_event(LOG_INFO_, "clients",
              "requests=%" PRIu64 " answers=%" PRIu64 " answers_dropped=%" PRIu64 " waiting=%" PRIu64
              " expired=%" PRIu64 " busy=%" PRIu64 " dropped=%" PRIu64 " connections=%u"
              " refused_connections=%" PRIu64 " unheard=%" PRIu64 " muted_now=%u clients_muted=%" PRIu64,
              c.client_requests, c.client_answers, c.client_answers_dropped, c.clients_waiting, c.clients_expired,
              q.client_dropped, c.client_door.dropped, c.client_door.connections, c.client_door.refused,
              c.client_door.dropped_muted, c.client_door.muted, c.clients_muted);
}

static void report_core_refusals(const struct pbft_view *v) {
    for (unsigned e = 0; e < ERR_LIMIT; e++) {
        if (v->refused[e])
            log_event(LOG_INFO_, "refused", "door=core reason=%s count=%" PRIu64, error_name((enum error)e),
                      v->refused[e]);
    }
}

void report_state(const struct node *node, const struct fault *fault) {
    struct node_facts f;
    node_inspect(node, &f);
    log_event(LOG_INFO_, "state",
              "phase=%s view=%" PRIu64 " primary=%u executed=%" PRIu64 " certified=%" PRIu64 " stable=%" PRIu64
              " pool=%zu view_changes=%" PRIu64 " alerts=%" PRIu64 " boot=%" PRIu64 " suspects=0x%x answered=%" PRIu64
              " results_accepted=%" PRIu64 " results_refused=%" PRIu64 " fetched=%" PRIu64,
              phase_name(f.pbft.phase), f.pbft.view, f.pbft.primary, f.executed, f.pbft.certified, f.pbft.stable,
              f.pbft.pool, f.pbft.view_changes, f.alerts, f.boot, f.suspects, f.answered, f.results_accepted,
              f.results_refused, f.pbft.fetched);
    if (fault)
        log_event(LOG_INFO_, "fault", "behaviour=\"%s\" active=%d frames_changed=%" PRIu64, fault_name(fault),
                  fault_active(fault), fault_bites(fault));
    report_core_refusals(&f.pbft);
}

/* What every slot goes through in peace is for the debug log; all else is rare and told. */
static enum log_level level_of(const char *line) {
    static const struct {
        const char *begins;
        enum log_level level;
    } kinds[] = {{"accepted ", LOG_DEBUG_}, {"prepared ", LOG_DEBUG_}, {"decided ", LOG_DEBUG_},
                 {"executed ", LOG_DEBUG_}, {"AMNESIAC", LOG_ERROR_},  {"TWIN", LOG_ERROR_},
                 {"REPAIR ", LOG_WARN_}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strncmp(line, kinds[i].begins, strlen(kinds[i].begins)) == 0)
            return kinds[i].level;
    return LOG_INFO_;
}

/* A traitor may give as much evidence against itself as it likes. */
static bool is_evidence(const char *line) {
    return strncmp(line, "evidence ", strlen("evidence ")) == 0;
}

void report_traced(const char *line) {
    if (is_evidence(line))
        log_event_limited(LOG_WARN_, "evidence", "text=\"%s\"", line);
    else
        log_event(level_of(line), "protocol", "text=\"%s\"", line);
}

void report_alert(const struct alert *a) {
    log_event(LOG_INFO_, "alert", "number=%" PRIu64 " type=%s host=\"%s\" service=\"%s\" state=%s", a->number,
              alert_type_name(a->type), a->host, a->service, state_name(!*a->service, a->state));
}
