/* The shapes are those of Alertmanager 0.25: api/v2/openapi.yaml, template/template.go, notify/webhook/webhook.go. Keys
   are written in their order, so that equal alerts give equal bytes. */
#include "client/payload.h"

#include "base/clock.h"
#include "base/invariant.h"
#include "client/macros.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char NEVER[] = "0001-01-01T00:00:00Z"; /* what Alertmanager writes for no end */

static void put(json_t *object, const char *key, json_t *value) {
    int failed = json_object_set_new(object, key, value);
    ENSURE(failed == 0);
}

static void put_text(json_t *object, const char *key, const char *text) {
    json_t *value = json_string(text);
    if (value != NULL && text[0] != '\0') { /* decoders let only UTF-8 in */
        put(object, key, value);
    } else {
        json_decref(value);
    }
}

static void put_buffer(json_t *object, const char *key, struct buffer *text) {
    put_text(object, key, buffer_cstr(text));
    buffer_free(text);
}

static json_t *moment(time_ms t) {
    char stamp[25];
    clock_rfc3339(stamp, t > 0 ? t : 0);
    return json_string(stamp);
}

/* --- what an alert is about --- */

enum payload_effect payload_effect(enum alert_type type) {
    switch (type) {
    case ALERT_PROBLEM:
    case ALERT_FLAPPINGSTART:
    case ALERT_DOWNTIMESTART:
        return PAYLOAD_FIRES;
    case ALERT_RECOVERY:
    case ALERT_FLAPPINGSTOP:
    case ALERT_FLAPPINGDISABLED:
    case ALERT_DOWNTIMEEND:
    case ALERT_DOWNTIMECANCELLED:
        return PAYLOAD_ENDS;
    case ALERT_ACKNOWLEDGEMENT:
    case ALERT_CUSTOM:
    case ALERT_DISSENT:
    case ALERT_SYSTEM:
    case ALERT_TYPE_LIMIT:
        return PAYLOAD_ONCE;
    }
    UNREACHABLE();
}

/* Empty for problems of hosts and services, whose ends bear the same labels. */
static const char *kind_of(enum alert_type type) {
    switch (type) {
    case ALERT_PROBLEM:
    case ALERT_RECOVERY:
        return "";
    case ALERT_FLAPPINGSTART:
    case ALERT_FLAPPINGSTOP:
    case ALERT_FLAPPINGDISABLED:
        return "flapping";
    case ALERT_DOWNTIMESTART:
    case ALERT_DOWNTIMEEND:
    case ALERT_DOWNTIMECANCELLED:
        return "downtime";
    case ALERT_ACKNOWLEDGEMENT:
        return "acknowledgement";
    case ALERT_CUSTOM:
        return "custom";
    case ALERT_DISSENT:
        return "dissent";
    case ALERT_SYSTEM:
    case ALERT_TYPE_LIMIT:
        return "system";
    }
    UNREACHABLE();
}

/* A problem's own, also when it ends; fixed for all else. */
static const char *severity_of(const struct alert *a) {
    bool is_host = a->service[0] == '\0';
    unsigned state = a->type == ALERT_RECOVERY ? a->last_state : a->state;
    if (a->type == ALERT_DISSENT || a->type == ALERT_SYSTEM) {
        return "warning";
    }
    if (kind_of(a->type)[0] != '\0') {
        return "info";
    }
    if (is_host) {
        return state == HOST_UNREACHABLE ? "unknown" : "critical";
    }
    return state == STATE_WARNING ? "warning" : state == STATE_UNKNOWN ? "unknown" : "critical";
}

static const char *name_of(const struct alert *a) {
    return a->service[0] != '\0' ? a->service : a->host[0] != '\0' ? "host" : "cluster";
}

void payload_key(struct buffer *out, const struct cluster_id *cluster, uint64_t first, uint64_t last) {
    char id[2 * CLUSTER_ID_LEN + 1];
    hex_encode(id, bytes_of(cluster->b, CLUSTER_ID_LEN));
    buffer_printf(out, "%s:%" PRIu64, id, first);
    if (last > first) {
        buffer_printf(out, "-%" PRIu64, last);
    }
}

void payload_identity(struct buffer *out, const struct alert *a) {
    buffer_printf(out, "%s\x1f%s\x1f%s", a->host, a->service, kind_of(a->type)); /* names hold no control characters */
}

static json_t *labels_of(const struct alert *a, const struct payload_cluster *cluster, bool with_severity) {
    json_t *labels = json_object();
    put_text(labels, "alertname", name_of(a));
    put_text(labels, "cluster", cluster->name);
    put_text(labels, "host", a->host);
    put_text(labels, "kind", kind_of(a->type));
    put_text(labels, "service", a->service);
    if (with_severity) {
        put_text(labels, "severity", severity_of(a));
    }
    return labels;
}

/* --- what happened --- */

static void put_summary(struct buffer *out, const struct alert *a) {
    bool is_host = a->service[0] == '\0';
    if (a->host[0] == '\0') {
        buffer_printf(out, "%s", alert_type_name(a->type));
        return;
    }
    buffer_printf(out, "%s: %s%s%s is %s", alert_type_name(a->type), a->host, is_host ? "" : "/", a->service,
                  state_name(is_host, a->state));
}

static void put_contacts(struct buffer *out, const struct alert *a) {
    for (unsigned i = 0; i < a->contact_count; i++) {
        buffer_printf(out, "%s%s", i > 0 ? "," : "", a->contacts[i].name);
    }
}

static json_t *annotations_of(const struct alert *a, const struct payload_cluster *cluster) {
    json_t *j = json_object();
    struct buffer summary = {0}, observers = {0}, contacts = {0}, key = {0};
    put_summary(&summary, a);
    macro_observers(&observers, a);
    put_contacts(&contacts, a);
    payload_key(&key, &cluster->id, a->number, a->number);
    put_buffer(j, "summary", &summary);
    put_text(j, "description", a->output);
    put_text(j, "type", alert_type_name(a->type));
    put_text(j, "state", a->host[0] == '\0' ? "" : state_name(a->service[0] == '\0', a->state));
    put_buffer(j, "observers", &observers);
    put_buffer(j, "contacts", &contacts);
    put_text(j, "author", a->author);
    put_text(j, "comment", a->comment);
    put_buffer(j, "key", &key);
    return j;
}

json_t *payload_alert(const struct alert *a, const struct payload_cluster *cluster) {
    json_t *j = json_object();
    bool ends = payload_effect(a->type) == PAYLOAD_ENDS;
    time_ms since = a->since > 0 && a->since <= a->t ? a->since : a->t;
    put(j, "labels", labels_of(a, cluster, true));
    put(j, "annotations", annotations_of(a, cluster));
    put(j, "startsAt", moment(since));
    if (ends) {
        put(j, "endsAt", moment(a->t));
    }
    return j;
}

json_t *payload_ended(const json_t *alert, time_ms t) {
    json_t *j = json_copy((json_t *)(uintptr_t)alert);
    put(j, "endsAt", moment(t));
    return j;
}

/* --- the webhook's message --- */

static int by_text(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Alertmanager's own: FNV-1a over the sorted labels. */
static void put_fingerprint(json_t *alert, json_t *labels) {
    const char *names[16], *name;
    size_t count = 0;
    uint64_t hash = 14695981039346656037u;
    json_t *value;
    json_object_foreach(labels, name, value) {
        ENSURE(count < sizeof names / sizeof names[0]);
        names[count++] = name;
    }
    qsort(names, count, sizeof names[0], by_text);
    for (size_t i = 0; i < 2 * count; i++) {
        const char *at = i % 2 == 0 ? names[i / 2] : json_string_value(json_object_get(labels, names[i / 2]));
        for (; *at != '\0'; at++) {
            hash = (hash ^ (uint8_t)*at) * 1099511628211u;
        }
        hash = (hash ^ 255u) * 1099511628211u;
    }
    char digits[17];
    snprintf(digits, sizeof digits, "%016" PRIx64, hash);
    put_text(alert, "fingerprint", digits);
}

static json_t *webhook_alert(const struct alert *a, const struct payload_cluster *cluster) {
    json_t *j = payload_alert(a, cluster);
    if (payload_effect(a->type) != PAYLOAD_ENDS) {
        put_text(j, "endsAt", NEVER);
    }
    put_text(j, "status", payload_effect(a->type) == PAYLOAD_ENDS ? "resolved" : "firing");
    put(j, "generatorURL", json_string(""));
    put_fingerprint(j, json_object_get(j, "labels"));
    return j;
}

/* What all members of `list` say alike under `key`. */
static json_t *common(const json_t *list, const char *key) {
    json_t *first = json_copy(json_object_get(json_array_get(list, 0), key)), *value;
    const char *name;
    void *next;
    for (size_t i = 1; i < json_array_size(list); i++) {
        const json_t *other = json_object_get(json_array_get(list, i), key);
        json_object_foreach_safe(first, next, name, value) {
            const json_t *theirs = json_object_get(other, name);
            if (theirs == NULL || !json_equal(value, theirs)) {
                json_object_del(first, name);
            }
        }
    }
    return first;
}

/* {}:{cluster="demo", host="web1"}, as Alertmanager prints a group; quotes and backslashes with a backslash. */
static void put_group_key(struct buffer *out, json_t *labels) {
    const char *name, *comma = "";
    json_t *value;
    buffer_printf(out, "{}:{");
    json_object_foreach(labels, name, value) {
        buffer_printf(out, "%s%s=\"", comma, name);
        for (const char *at = json_string_value(value); *at != '\0'; at++) {
            buffer_printf(out, "%s%c", *at == '"' || *at == '\\' ? "\\" : "", *at);
        }
        buffer_u8(out, '"');
        comma = ", ";
    }
    buffer_u8(out, '}');
}

static json_t *group_labels(const struct alert *const *alerts, unsigned count, const struct payload_cluster *cluster) {
    if (count == 1) {
        return labels_of(alerts[0], cluster, false);
    }
    json_t *labels = json_object();
    put_text(labels, "cluster", cluster->name);
    return labels;
}

static json_t *webhook_list(const struct alert *const *alerts, unsigned count, const struct payload_cluster *cluster,
                            bool *firing) {
    json_t *list = json_array();
    *firing = false;
    for (unsigned i = 0; i < count; i++) {
        int failed = json_array_append_new(list, webhook_alert(alerts[i], cluster));
        ENSURE(failed == 0);
        *firing = *firing || payload_effect(alerts[i]->type) != PAYLOAD_ENDS;
    }
    return list;
}

void payload_webhook(struct buffer *out, const struct alert *const *alerts, unsigned count,
                     const struct payload_cluster *cluster, const char *receiver) {
    bool firing;
    struct buffer group_key = {0};
    json_t *j = json_object(), *list = webhook_list(alerts, count, cluster, &firing);
    json_t *group = group_labels(alerts, count, cluster);
    put_group_key(&group_key, group);
    put_text(j, "version", "4");
    put_buffer(j, "groupKey", &group_key);
    put(j, "truncatedAlerts", json_integer(0));
    put_text(j, "status", firing ? "firing" : "resolved");
    put_text(j, "receiver", receiver);
    put(j, "groupLabels", group);
    put(j, "commonLabels", common(list, "labels"));
    put(j, "commonAnnotations", common(list, "annotations"));
    put(j, "externalURL", json_string(""));
    put(j, "alerts", list);
    char *text = json_dumps(j, JSON_COMPACT);
    ENSURE(text != NULL);
    buffer_put(out, text, strlen(text));
    free(text);
    json_decref(j);
}
