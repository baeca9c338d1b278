/* Pure: alerts in the shapes that Alertmanager and its receivers know. Labels say what an alert is about and are equal
   when it begins and when it ends; annotations say what happened. */
#ifndef QUORATE_CLIENT_PAYLOAD_H
#define QUORATE_CLIENT_PAYLOAD_H

#include "proto/op.h"

#include <jansson.h>

/* What an alert does to the condition that its labels name. */
enum payload_effect {
    PAYLOAD_FIRES, /* PROBLEM, FLAPPINGSTART, DOWNTIMESTART: until its end is told */
    PAYLOAD_ENDS,  /* RECOVERY, FLAPPINGSTOP and -DISABLED, DOWNTIMEEND and -CANCELLED */
    PAYLOAD_ONCE   /* ACKNOWLEDGEMENT, CUSTOM, DISSENT, SYSTEM: has no end */
};
enum payload_effect payload_effect(enum alert_type type);

struct payload_cluster {
    struct cluster_id id;
    const char *name;
};

/* "ID:42", or "ID:42-57" for a message of several alerts: what tells a repetition. Appends. */
void payload_key(struct buffer *out, const struct cluster_id *cluster, uint64_t first, uint64_t last);
/* Appends what names the condition, whatever its severity: one text for what an Alertmanager is told of once. */
void payload_identity(struct buffer *out, const struct alert *a);

/* {labels, annotations, startsAt, endsAt, generatorURL}, as POST /api/v2/alerts takes them; endsAt only for ENDS. A new
   reference, as the rest. */
json_t *payload_alert(const struct alert *a, const struct payload_cluster *cluster);
/* The same object with an end at t. */
json_t *payload_ended(const json_t *alert, time_ms t);

/* The webhook message, version 4, of `count` alerts; appends its text. */
void payload_webhook(struct buffer *out, const struct alert *const *alerts, unsigned count,
                     const struct payload_cluster *cluster, const char *receiver);

#endif
