/* libFuzzer: object configuration as text and as canonical bytes. What parses must encode, decode and encode to the
   same bytes; what decodes must be exactly what encoding writes. */
#include "base/invariant.h"
#include "checks/objects.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the corpus names too, all else being different: so that each field is told as people read it. */
static const struct objects *other(void) {
    static struct objects *o;
    static const char text[] =
        "define command {\ncommand_name ping\ncommand_line x\n}\n"
        "define contact {\ncontact_name c\nalias x\nhost_notification_options d\nservice_notification_options c\n}\n"
        "define timeperiod {\ntimeperiod_name none\nalias x\n}\n"
        "define host {\nhost_name a\nmax_check_attempts 7\nfreshness_threshold 61\n_X 1\n_OBSERVERS q\n}\n"
        "define host {\nhost_name b\nmax_check_attempts 9\ncheck_interval 0.5\ncontacts c\n}\n"
        "define service {\nhost_name a\nservice_description s\nmax_check_attempts 7\ncheck_command ping!x\n"
        "_STALE_STATE ok\nnotification_options n\n_OBSERVERS q\n}\n"
        "define hostgroup {\nhostgroup_name hg\nmembers a\n}\n"
        "define servicegroup {\nservicegroup_name sg\nmembers a,s\n}\n"
        "define hostescalation {\nhost_name b\nfirst_notification 2\nlast_notification 0\ncontacts c\n"
        "escalation_options d,r\nescalation_period none\n}\n"
        "define serviceescalation {\nhost_name a\nservice_description s\nfirst_notification 3\n"
        "last_notification 5\nnotification_interval 1\n}\n"
        "define hostdependency {\nhost_name a\ndependent_host_name b\nnotification_failure_criteria p\n}\n";
    struct object_source source = {"other.cfg", bytes_of_text(text)};
    struct buffer why = {0};
    if (o == NULL) {
        ENSURE(objects_parse(&o, &source, 1, NULL, NULL, &why) == ERR_OK);
    }
    buffer_free(&why);
    return o;
}

static void check_round_trip(const struct objects *o) {
    struct buffer first = {0}, second = {0}, why = {0};
    struct objects *again = NULL;
    objects_encode(&first, o);
    ENSURE(objects_decode(&again, buffer_bytes(&first), &why) == ERR_OK);
    objects_encode(&second, again);
    ENSURE(bytes_equal(buffer_bytes(&first), buffer_bytes(&second)));
    objects_diff(&why, NULL, o, again);
    ENSURE(why.len == 0);
    objects_diff(&why, NULL, other(), o);
    objects_diff(&why, NULL, o, other());
    ENSURE(utf8_valid(buffer_bytes(&why)));
    buffer_free(&first);
    buffer_free(&second);
    buffer_free(&why);
    objects_free(again);
}

static void try_text(struct bytes text) {
    struct object_source source = {"fuzz.cfg", text};
    struct buffer why = {0}, ignored = {0};
    struct objects *o = NULL;
    if (objects_parse(&o, &source, 1, NULL, &ignored, &why) == ERR_OK) {
        ENSURE(why.len == 0);
        check_round_trip(o);
    } else {
        ENSURE(o == NULL && why.len > 0);
    }
    buffer_free(&why);
    buffer_free(&ignored);
    objects_free(o);
}

static void try_bytes(struct bytes bytes) {
    struct buffer why = {0}, back = {0};
    struct objects *o = NULL;
    if (objects_decode(&o, bytes, &why) == ERR_OK) {
        objects_encode(&back, o);
        ENSURE(bytes_equal(buffer_bytes(&back), bytes));
    } else {
        ENSURE(o == NULL && why.len > 0 && why.len <= 4096);
    }
    buffer_free(&why);
    buffer_free(&back);
    objects_free(o);
}

/* The first byte chooses the door. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 0 && data[0] == 'Q') {
        try_bytes(bytes_of(data, size));
    } else {
        try_text(bytes_of(data, size));
    }
    return 0;
}
