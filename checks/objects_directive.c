/* The one table of directives: which word may stand in which definition, what becomes of it, and its old spellings. */
#include "base/invariant.h"
#include "checks/objects_raw.h"

#include <string.h>
#include <strings.h>

static const struct {
    const char *text;
    unsigned types;
    enum directive_use use;
} table[] = {
#define DIRECTIVE(symbol, text, types, use) [symbol] = {text, types, use},
    DIRECTIVE_LIST(DIRECTIVE)
#undef DIRECTIVE
};
static const struct {
    const char *old;
    unsigned types;
    enum directive directive;
} spellings[] = {
    {"normal_check_interval", IN_CHECKABLE, D_CHECK_INTERVAL},
    {"retry_check_interval", IN_CHECKABLE, D_RETRY_INTERVAL},
    {"checks_enabled", IN_CHECKABLE, D_ACTIVE_CHECKS},
    {"host_groups", IN_HOST, D_HOSTGROUPS},
    {"gd2_icon_image", IN_HOST, D_GD2_IMAGE},
    {"host", IN_SERVICE | IN_RELATION, D_HOSTS},
    {"hosts", IN_SERVICE, D_HOSTS},
    {"hostgroup", IN_SERVICE | IN_RELATION, D_HOSTGROUP_NAMES},
    {"hostgroups", IN_SERVICE | IN_RELATION, D_HOSTGROUP_NAMES},
    {"hostgroup_names", IN_SERVICE, D_HOSTGROUP_NAMES},
    {"description", IN_SERVICE, D_SERVICE_DESCRIPTION},
    {"service_groups", IN_SERVICE, D_SERVICEGROUPS},
    {"contact_groups", IN_CONTACT, D_CONTACTGROUPS},
    {"master_host", IN_DEPENDENCY, D_HOSTS},
    {"master_host_name", IN_DEPENDENCY, D_HOSTS},
    {"servicegroup", IN_SERVICEESCALATION | IN_SERVICEDEPENDENCY, D_SERVICEGROUP_NAMES},
    {"servicegroups", IN_SERVICEESCALATION | IN_SERVICEDEPENDENCY, D_SERVICEGROUP_NAMES},
    {"description", IN_SERVICEESCALATION | IN_SERVICEDEPENDENCY, D_SERVICE_DESCRIPTIONS},
    {"master_description", IN_SERVICEDEPENDENCY, D_SERVICE_DESCRIPTIONS},
    {"master_service_description", IN_SERVICEDEPENDENCY, D_SERVICE_DESCRIPTIONS},
    {"dependent_host", IN_DEPENDENCY, D_DEPENDENT_HOSTS},
    {"dependent_hostgroup", IN_DEPENDENCY, D_DEPENDENT_HOSTGROUPS},
    {"dependent_hostgroups", IN_DEPENDENCY, D_DEPENDENT_HOSTGROUPS},
    {"dependent_servicegroup", IN_SERVICEDEPENDENCY, D_DEPENDENT_SERVICEGROUPS},
    {"dependent_servicegroups", IN_SERVICEDEPENDENCY, D_DEPENDENT_SERVICEGROUPS},
    {"dependent_description", IN_SERVICEDEPENDENCY, D_DEPENDENT_DESCRIPTIONS},
    {"notification_failure_options", IN_DEPENDENCY, D_NOTIFICATION_FAILURE},
    {"execution_failure_options", IN_DEPENDENCY, D_EXECUTION_FAILURE},
};
static const char *const type_names[RAW_TYPE_LIMIT] = {
    [RAW_HOST] = "host",
    [RAW_SERVICE] = "service",
    [RAW_COMMAND] = "command",
    [RAW_CONTACT] = "contact",
    [RAW_CONTACTGROUP] = "contactgroup",
    [RAW_HOSTGROUP] = "hostgroup",
    [RAW_SERVICEGROUP] = "servicegroup",
    [RAW_TIMEPERIOD] = "timeperiod",
    [RAW_HOSTESCALATION] = "hostescalation",
    [RAW_SERVICEESCALATION] = "serviceescalation",
    [RAW_HOSTDEPENDENCY] = "hostdependency",
    [RAW_SERVICEDEPENDENCY] = "servicedependency",
};

const char *raw_type_name(enum raw_type t) {
    REQUIRE(t < RAW_TYPE_LIMIT);
    return type_names[t];
}

enum directive directive_of(enum raw_type type, const char *word) {
    unsigned bit = 1u << type;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if ((table[i].types & bit) != 0 && strcmp(table[i].text, word) == 0) {
            return (enum directive)i;
        }
    }
    for (size_t i = 0; i < sizeof spellings / sizeof spellings[0]; i++) {
        if ((spellings[i].types & bit) != 0 && strcmp(spellings[i].old, word) == 0) {
            return spellings[i].directive;
        }
    }
    if (word[0] == '_' && word[1] != '\0' && (bit & (IN_CHECKABLE | IN_CONTACT)) != 0) {
        return D_CUSTOM;
    }
    if (type == RAW_TIMEPERIOD && word[0] == '_') {
        return strcasecmp(word, "_TIMEZONE") == 0 ? D_CUSTOM : D_UNKNOWN;
    }
    return type == RAW_TIMEPERIOD ? D_RANGE : D_UNKNOWN;
}

const char *directive_text(enum directive d) {
    REQUIRE(d < D_CUSTOM);
    return table[d].text;
}

enum directive_use directive_use_of(enum directive d) {
    return d < D_CUSTOM ? table[d].use : USED;
}
