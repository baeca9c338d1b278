/* The shapes in which alerts leave: labels and annotations, the webhook's message, mails; and the keys of notify.yaml
   that say where to. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "base/bytes.h"
#include "client/mail.h"
#include "client/notify_config.h"
#include "client/notify_target.h"
#include "client/payload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct payload_cluster CLUSTER = {.id = {{0xab, 0xcd}}, .name = "demo"};
static const struct vote_view VOTES[] = {
    {.observer = "ap", .state = STATE_OK, .fresh = true},
    {.observer = "eu", .state = STATE_CRITICAL, .fresh = true},
};
static const struct alert_contact CONTACTS[] = {
    {.name = "anna", .alias = "", .email = "", .pager = ""},
    {.name = "bert", .alias = "", .email = "", .pager = ""},
};
static struct alert alert;
static struct buffer out, why;

static int setup(void **state) {
    (void)state;
    alert = (struct alert){.number = 42,
                           .t = 1769601600123, /* 2026-01-28T12:00:00.123Z, a Wednesday */
                           .type = ALERT_PROBLEM,
                           .host = "web1",
                           .host_alias = "the web",
                           .host_address = "10.0.0.1",
                           .service = "http",
                           .service_display = "HTTP",
                           .state = STATE_CRITICAL,
                           .last_state = STATE_OK,
                           .hard = true,
                           .attempt = 3,
                           .max_attempts = 3,
                           .since = 1769601590000,
                           .output = "refused",
                           .perfdata = "",
                           .quorum = 1,
                           .observers = 2,
                           .vote_count = 2,
                           .votes = VOTES,
                           .contact_count = 2,
                           .contacts = CONTACTS,
                           .author = "",
                           .comment = ""};
    buffer_clear(&out);
    buffer_clear(&why);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    buffer_free(&out);
    buffer_free(&why);
    return 0;
}

static void alert_is(const char *expected) {
    json_error_t error;
    json_t *j = payload_alert(&alert, &CLUSTER), *e = json_loads(expected, 0, &error);
    assert_non_null(e);
    char *text = json_dumps(j, JSON_COMPACT);
    if (!json_equal(j, e)) {
        fail_msg("%s", text);
    }
    free(text);
    json_decref(j);
    json_decref(e);
}

/* --- labels and annotations --- */

static void a_problem_fires_under_its_labels_since_it_began(void **state) {
    (void)state;
    alert_is("{\"labels\":{\"alertname\":\"http\",\"cluster\":\"demo\",\"host\":\"web1\",\"service\":\"http\","
             "\"severity\":\"critical\"},\"annotations\":{\"summary\":\"PROBLEM: web1/http is CRITICAL\","
             "\"description\":\"refused\",\"type\":\"PROBLEM\",\"state\":\"CRITICAL\","
             "\"observers\":\"[1 of 2 observers; ap says OK]\",\"contacts\":\"anna,bert\","
             "\"key\":\"abcd0000000000000000000000000000:42\"},\"startsAt\":\"2026-01-28T11:59:50.000Z\"}");
}

static void its_recovery_ends_it_under_the_same_labels(void **state) {
    (void)state;
    json_t *problem = payload_alert(&alert, &CLUSTER);
    alert.type = ALERT_RECOVERY;
    alert.state = STATE_OK;
    alert.last_state = STATE_CRITICAL;
    json_t *recovery = payload_alert(&alert, &CLUSTER);
    assert_true(json_equal(json_object_get(problem, "labels"), json_object_get(recovery, "labels")));
    assert_string_equal(json_string_value(json_object_get(recovery, "endsAt")), "2026-01-28T12:00:00.123Z");
    assert_null(json_object_get(problem, "endsAt"));
    json_decref(problem);
    json_decref(recovery);
}

static void severity_is(const char *severity) {
    json_t *j = payload_alert(&alert, &CLUSTER);
    assert_string_equal(json_string_value(json_object_get(json_object_get(j, "labels"), "severity")), severity);
    json_decref(j);
}

static void severities_are_those_that_receivers_route_by(void **state) {
    (void)state;
    static const struct {
        enum alert_type type;
        uint8_t state, last;
        const char *service, *severity;
    } ROWS[] = {
        {ALERT_PROBLEM, STATE_WARNING, STATE_OK, "http", "warning"},
        {ALERT_PROBLEM, STATE_CRITICAL, STATE_OK, "http", "critical"},
        {ALERT_PROBLEM, STATE_UNKNOWN, STATE_OK, "http", "unknown"},
        {ALERT_RECOVERY, STATE_OK, STATE_WARNING, "http", "warning"},
        {ALERT_RECOVERY, STATE_OK, STATE_UNKNOWN, "http", "unknown"},
        {ALERT_PROBLEM, HOST_DOWN, HOST_UP, "", "critical"},
        {ALERT_PROBLEM, HOST_UNREACHABLE, HOST_UP, "", "unknown"},
        {ALERT_RECOVERY, HOST_UP, HOST_DOWN, "", "critical"},
        {ALERT_FLAPPINGSTART, STATE_CRITICAL, STATE_OK, "http", "info"},
        {ALERT_FLAPPINGSTOP, STATE_OK, STATE_CRITICAL, "http", "info"},
        {ALERT_DISSENT, STATE_OK, STATE_OK, "http", "warning"},
        {ALERT_SYSTEM, STATE_OK, STATE_OK, "", "warning"},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        alert.type = ROWS[i].type;
        alert.state = ROWS[i].state;
        alert.last_state = ROWS[i].last;
        alert.service = ROWS[i].service;
        severity_is(ROWS[i].severity);
    }
}

static void beginnings_and_ends_go_together(void **state) {
    (void)state;
    static const enum alert_type PAIRS[][2] = {{ALERT_PROBLEM, ALERT_RECOVERY},
                                               {ALERT_FLAPPINGSTART, ALERT_FLAPPINGSTOP},
                                               {ALERT_FLAPPINGSTART, ALERT_FLAPPINGDISABLED},
                                               {ALERT_DOWNTIMESTART, ALERT_DOWNTIMEEND},
                                               {ALERT_DOWNTIMESTART, ALERT_DOWNTIMECANCELLED}};
    static const enum alert_type ONCE[] = {ALERT_ACKNOWLEDGEMENT, ALERT_CUSTOM, ALERT_DISSENT, ALERT_SYSTEM};
    struct buffer other = {0};
    for (size_t i = 0; i < sizeof PAIRS / sizeof PAIRS[0]; i++) {
        assert_int_equal(payload_effect(PAIRS[i][0]), PAYLOAD_FIRES);
        assert_int_equal(payload_effect(PAIRS[i][1]), PAYLOAD_ENDS);
        buffer_clear(&out);
        buffer_clear(&other);
        alert.type = PAIRS[i][0];
        payload_identity(&out, &alert);
        alert.type = PAIRS[i][1];
        payload_identity(&other, &alert);
        assert_true(bytes_equal(buffer_bytes(&out), buffer_bytes(&other)));
    }
    for (size_t i = 0; i < sizeof ONCE / sizeof ONCE[0]; i++) {
        assert_int_equal(payload_effect(ONCE[i]), PAYLOAD_ONCE);
    }
    buffer_free(&other);
}

/* --- the webhook --- */

static void webhook_is(const struct alert *const *alerts, unsigned count, const char *expected) {
    json_error_t error;
    buffer_clear(&out);
    payload_webhook(&out, alerts, count, &CLUSTER, "hook");
    json_t *j = json_loads(buffer_cstr(&out), JSON_REJECT_DUPLICATES, &error), *e = json_loads(expected, 0, &error);
    assert_non_null(e);
    const char *name;
    json_t *value;
    json_object_foreach(e, name, value) {
        if (!json_equal(value, json_object_get(j, name))) {
            fail_msg("%s: %s", name, buffer_cstr(&out));
        }
    }
    json_decref(j);
    json_decref(e);
}

static void a_message_of_one_names_its_service_and_says_all_that_v4_says(void **state) {
    (void)state;
    const struct alert *list[] = {&alert};
    alert.host = "we\"b1";
    webhook_is(
        list, 1,
        "{\"version\":\"4\",\"groupKey\":\"{}:{alertname=\\\"http\\\", cluster=\\\"demo\\\", "
        "host=\\\"we\\\\\\\"b1\\\", service=\\\"http\\\"}\",\"truncatedAlerts\":0,\"status\":\"firing\","
        "\"receiver\":\"hook\",\"externalURL\":\"\",\"groupLabels\":{\"alertname\":\"http\",\"cluster\":\"demo\","
        "\"host\":\"we\\\"b1\",\"service\":\"http\"},\"commonLabels\":{\"alertname\":\"http\",\"cluster\":\"demo\","
        "\"host\":\"we\\\"b1\",\"service\":\"http\",\"severity\":\"critical\"}}");
    alert.host = "web1";
    webhook_is(list, 1,
               "{\"alerts\":[{\"status\":\"firing\",\"labels\":{\"alertname\":\"http\",\"cluster\":\"demo\","
               "\"host\":\"web1\",\"service\":\"http\",\"severity\":\"critical\"},\"annotations\":{\"summary\":"
               "\"PROBLEM: web1/http is CRITICAL\",\"description\":\"refused\",\"type\":\"PROBLEM\",\"state\":"
               "\"CRITICAL\",\"observers\":\"[1 of 2 observers; ap says OK]\",\"contacts\":\"anna,bert\",\"key\":"
               "\"abcd0000000000000000000000000000:42\"},\"startsAt\":\"2026-01-28T11:59:50.000Z\",\"endsAt\":"
               "\"0001-01-01T00:00:00Z\",\"generatorURL\":\"\",\"fingerprint\":\"dca263900c4095b5\"}]}");
}

static void a_message_of_many_lists_each_and_says_what_they_share(void **state) {
    (void)state;
    struct alert other = alert;
    const struct alert *list[] = {&alert, &other};
    other.number = 43;
    other.host = "web2";
    other.type = ALERT_RECOVERY;
    other.state = STATE_OK;
    other.last_state = STATE_CRITICAL;
    webhook_is(
        list, 2,
        "{\"status\":\"firing\",\"groupKey\":\"{}:{cluster=\\\"demo\\\"}\",\"groupLabels\":{\"cluster\":\"demo\"},"
        "\"commonLabels\":{\"alertname\":\"http\",\"cluster\":\"demo\",\"service\":\"http\",\"severity\":"
        "\"critical\"},\"commonAnnotations\":{\"description\":\"refused\",\"contacts\":\"anna,bert\"}}");
    alert.type = ALERT_RECOVERY;
    webhook_is(list, 2, "{\"status\":\"resolved\"}");
}

/* --- mail --- */

static void mail_of(const struct alert *const *alerts, unsigned count) {
    static const char *const TO[] = {"a@example.org", "b@example.org"};
    struct mail m = {.from = "q@example.org",
                     .to = TO,
                     .to_count = 2,
                     .alerts = alerts,
                     .count = count,
                     .first = alerts[0]->number,
                     .last = alerts[count - 1]->number,
                     .cluster = CLUSTER.id,
                     .cluster_name = "demo"};
    buffer_clear(&out);
    mail_write(&out, &m);
}

static void lines_are_short_plain_and_ended_by_crlf(void) {
    size_t line = 0;
    for (size_t i = 0; i < out.len; i++) {
        assert_true(out.data[i] <= '~' && (out.data[i] >= ' ' || out.data[i] == '\r' || out.data[i] == '\n'));
        assert_int_equal(out.data[i] == '\n', i > 0 && out.data[i - 1] == '\r');
        line = out.data[i] == '\n' ? 0 : line + 1;
        assert_true(line < 998);
    }
}

static void a_mail_says_what_happened(void **state) {
    (void)state;
    const struct alert *list[] = {&alert};
    mail_of(list, 1);
    lines_are_short_plain_and_ended_by_crlf();
    assert_string_equal(buffer_cstr(&out),
                        "From: <q@example.org>\r\nTo: <a@example.org>,\r\n <b@example.org>\r\n"
                        "Subject: ** PROBLEM Service Alert: web1/http is CRITICAL **\r\n"
                        "Date: Wed, 28 Jan 2026 12:00:00 +0000\r\n"
                        "Message-ID: <alert-42@abcd0000000000000000000000000000.quorate>\r\n"
                        "X-Quorate-Key: abcd0000000000000000000000000000:42\r\n"
                        "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
                        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
                        "Type:      PROBLEM\r\nHost:      web1\r\nAlias:     the web\r\nAddress:   10.0.0.1\r\n"
                        "Service:   http\r\nState:     CRITICAL (HARD, attempt 3 of 3)\r\n"
                        "Since:     2026-01-28T11:59:50.000Z\r\nTime:      2026-01-28T12:00:00.123Z\r\n"
                        "Observers: [1 of 2 observers; ap says OK]\r\n\r\nrefused\r\n\r\n-- \r\n"
                        "quorate, cluster demo: each alert was signed by more replicas than may lie. "
                        "`quorate alerts --since 41` shows the proof.\r\n");
}

static void nothing_that_plugins_wrote_becomes_a_header(void **state) {
    (void)state;
    const struct alert *list[] = {&alert};
    alert.type = ALERT_SYSTEM;
    alert.host = alert.service = "";
    alert.output = "x\r\nBcc: all@example.org\r\n\r\nbody";
    mail_of(list, 1);
    lines_are_short_plain_and_ended_by_crlf();
    assert_non_null(strstr(buffer_cstr(&out), "\r\nSubject: ** SYSTEM Alert: x? **\r\n"));
    char *body = strstr(buffer_cstr(&out), "\r\n\r\n"), *bcc = strstr(buffer_cstr(&out), "Bcc:");
    assert_true(bcc > body);
}

static void other_than_ascii_is_encoded_where_characters_end(void **state) {
    (void)state;
    const struct alert *list[] = {&alert};
    alert.host = "web10"; /* a character stands across the end of the first word */
    alert.service = "\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6\xc3\xbc";
    mail_of(list, 1);
    lines_are_short_plain_and_ended_by_crlf();
    assert_non_null(strstr(buffer_cstr(&out), "Content-Transfer-Encoding: base64\r\n\r\n"));
    char *at = strstr(buffer_cstr(&out), "Subject: ") + 9, *end = strstr(at, "\r\nDate");
    struct buffer subject = {0};
    while (at < end) { /* each word decodes by itself to whole characters */
        char word[80], *stop = strstr(at, "?=");
        assert_memory_equal(at, "=?UTF-8?B?", 10);
        snprintf(word, sizeof word, "%.*s", (int)(stop - at - 10), at + 10);
        size_t before = subject.len;
        assert_true(base64_decode(&subject, word));
        assert_true(utf8_valid(bytes_of(subject.data + before, subject.len - before)));
        at = stop + 2 + (stop + 2 < end ? 3 : 0);
    }
    assert_non_null(strstr(buffer_cstr(&subject), "web10/\xc3\xa4\xc3\xb6\xc3\xbc"));
    buffer_free(&subject);
}

static void a_line_too_long_for_mail_is_encoded(void **state) {
    (void)state;
    static char line[8000];
    const struct alert *list[] = {&alert};
    memset(line, 'x', sizeof line - 1);
    alert.output = line;
    mail_of(list, 1);
    lines_are_short_plain_and_ended_by_crlf();
}

static void a_mail_of_many_has_a_row_for_each(void **state) {
    (void)state;
    struct alert other = alert;
    const struct alert *list[] = {&alert, &other};
    other.number = 57;
    other.type = ALERT_RECOVERY;
    other.state = STATE_OK;
    other.output = "fine\nmore";
    mail_of(list, 2);
    assert_non_null(strstr(buffer_cstr(&out), "\r\nSubject: ** 2 alerts: 1 PROBLEM, 1 RECOVERY **\r\n"));
    assert_non_null(strstr(buffer_cstr(&out), "<alert-42-57@abcd"));
    assert_non_null(strstr(buffer_cstr(&out), "42  2026-01-28T12:00:00.123Z  PROBLEM          CRITICAL     web1/http  "
                                              "refused\r\n"));
    assert_non_null(strstr(buffer_cstr(&out), "57  2026-01-28T12:00:00.123Z  RECOVERY         OK           web1/http  "
                                              "fine\r\n"));
}

/* --- notify.yaml --- */

static void refuses(const char *keys, const char *sentence) {
    struct notify_config *c = NULL;
    struct buffer text = {0};
    buffer_clear(&why);
    buffer_printf(&text, "handlers:\n  - { name: h, %s }\n", keys);
    assert_int_equal(notify_config_parse(&c, buffer_bytes(&text), "n.yaml", &why), ERR_MALFORMED);
    if (strstr(buffer_cstr(&why), sentence) == NULL) {
        fail_msg("'%s' is not in '%s'", sentence, buffer_cstr(&why));
    }
    buffer_free(&text);
}

static void each_kind_of_handler_is_read(void **state) {
    (void)state;
    struct notify_config *c = NULL;
    enum error e = notify_config_parse(
        &c,
        bytes_of_text("handlers:\n"
                      "  - { name: hook, webhook: \"https://u:p@x/y?z=1\", group_above: 5, retry_for: 1h }\n"
                      "  - { name: mail, smtp: \"smtp://mx:25\", to: \"a@b, c@d\", from: q@b, starttls: yes }\n"
                      "  - { name: am, alertmanager: \"http://am:9093/x/\", repeat_for: 24h, hosts: [\"web*\"],\n"
                      "      services: [http] }\n"
                      "  - { name: page, command: [/p] }\n"),
        "n.yaml", &why);
    assert_string_equal(buffer_cstr(&why), "");
    assert_int_equal(e, ERR_OK);
    const struct notify_handler *h = c->handlers;
    assert_int_equal(h[0].kind, NOTIFY_WEBHOOK);
    assert_string_equal(h[0].url, "https://u:p@x/y?z=1");
    assert_int_equal(h[0].group_above, 5);
    assert_int_equal(h[0].retry_for, 3600000);
    assert_int_equal(h[1].kind, NOTIFY_SMTP);
    assert_int_equal(h[1].to_count, 2);
    assert_string_equal(h[1].to[1], "c@d");
    assert_string_equal(h[1].from, "q@b");
    assert_true(h[1].starttls);
    assert_int_equal(h[1].group_above, 20);
    assert_int_equal(h[1].retry_for, 24 * 3600000);
    assert_int_equal(notify_handler_runs(&h[1], &alert), 2);
    assert_int_equal(h[2].kind, NOTIFY_ALERTMANAGER);
    assert_string_equal(h[2].url, "http://am:9093/x/api/v2/alerts");
    assert_int_equal(h[2].repeat_for, 24 * 3600000);
    assert_int_equal(h[2].group_above, 0);
    assert_int_equal(h[3].kind, NOTIFY_COMMAND);
    assert_int_equal(h[3].retry_for, 0);
    notify_config_free(c);
}

static void filters_mean_the_same_for_each_kind(void **state) {
    (void)state;
    static const char *hosts[] = {"db*", "web?"}, *services[] = {"http"}, *contacts[] = {"bert", "carl"};
    struct notify_handler h = {.types = 1u << ALERT_PROBLEM, .to_count = 1};
    for (unsigned kind = NOTIFY_COMMAND; kind <= NOTIFY_ALERTMANAGER; kind++) {
        h.kind = (enum notify_kind)kind;
        unsigned berts_run = kind == NOTIFY_COMMAND ? 1 : 0;
        h.hosts = hosts;
        h.services = services;
        h.contacts = contacts;
        h.host_count = h.service_count = h.contact_count = 0;
        assert_true(notify_handler_wants(&h, &alert, 0));
        assert_false(notify_handler_wants(&h, &alert, 1));
        h.host_count = 2;
        assert_true(notify_handler_wants(&h, &alert, 0));
        h.host_count = 1;
        assert_false(notify_handler_wants(&h, &alert, 0));
        h.host_count = 0;
        h.service_count = 1;
        assert_true(notify_handler_wants(&h, &alert, 0));
        alert.service = "";
        assert_false(notify_handler_wants(&h, &alert, 0));
        alert.service = "http";
        h.contact_count = 2;
        assert_true(notify_handler_wants(&h, &alert, berts_run));
        alert.contact_count = 1;
        assert_false(notify_handler_wants(&h, &alert, 0));
        alert.contact_count = 2;
        alert.type = ALERT_RECOVERY;
        assert_false(notify_handler_wants(&h, &alert, berts_run));
        alert.type = ALERT_PROBLEM;
    }
}

static void wrong_keys_are_named(void **state) {
    (void)state;
    refuses("timeout: 5s", "n.yaml:2: command: is missing: name a command, webhook, smtp or alertmanager");
    refuses("command: [/p], webhook: \"http://x\"", "n.yaml:2: webhook: stands beside command");
    refuses("webhook: \"http://x\", alertmanager: \"http://x\"", "alertmanager: stands beside webhook");
    refuses("webhook: \"ftp://x\"", "n.yaml:2: webhook: is no web address");
    refuses("webhook: \"file:///etc/passwd\"", "webhook: is no web address");
    refuses("webhook: x", "webhook: is no web address");
    refuses("webhook: \"smtp://x\"", "webhook: is no web address");
    refuses("webhook: \"http://x/a b\"", "webhook: is too long or holds blanks");
    refuses("webhook: \"http://x/\\r\\nHost: y\"", "webhook: is too long or holds blanks");
    refuses("webhook: \"http://x/#y\"", "webhook: has a #fragment");
    refuses("alertmanager: \"http://x/?y\"", "alertmanager: has a ?query");
    refuses("smtp: \"http://x\", to: a@b, from: a@b", "smtp: is no mail server's URL");
    refuses("smtp: \"smtp://x\", from: a@b", "n.yaml:2: to: is missing");
    refuses("smtp: \"smtp://x\", to: a@b", "from: '' is no mail address");
    refuses("smtp: \"smtp://x\", to: a@b, from: \"a@b\\r\\nX\"", "is no mail address");
    refuses("smtp: \"smtp://x\", to: \"a@b,,\", from: a@b", "to: '' is no mail address");
    refuses("smtp: \"smtp://x\", to: \"<a@b>\", from: a@b", "to: '<a@b>' is no mail address");
    refuses("smtp: \"smtp://x\", to: a@b, from: a@b, starttls: perhaps", "starttls: 'perhaps' is neither");
    refuses("webhook: \"http://x\", to: a@b", "to: belongs to smtp");
    refuses("command: [/p], from: a@b", "from: belongs to smtp");
    refuses("webhook: \"http://x\", starttls: yes", "starttls: belongs to smtp");
    refuses("command: [/p], ca: /etc/passwd", "ca: belongs to webhook, smtp and alertmanager");
    refuses("webhook: \"https://x\", ca: ca.pem", "ca: 'ca.pem' cannot be read");
    refuses("webhook: \"https://x\", ca: /no/ca.pem", "ca: '/no/ca.pem' cannot be read");
    refuses("command: [/p], group_above: 5", "group_above: belongs to webhook and smtp");
    refuses("alertmanager: \"http://x\", group_above: 5", "group_above: belongs to webhook and smtp");
    refuses("webhook: \"http://x\", group_above: 0", "group_above: '0' is no number from 1");
    refuses("webhook: \"http://x\", group_above: 5x", "group_above: '5x' is no number from 1");
    refuses("webhook: \"http://x\", repeat_for: 1h", "repeat_for: belongs to alertmanager");
    refuses("webhook: \"http://x\", retry_for: 5", "retry_for: '5' is no duration");
    refuses("webhook: \"http://x\", url: y", "url: is no key of this file");
}

static void a_refusal_keeps_the_password(void **state) {
    (void)state;
    refuses("webhook: \"ftp://u:secret@x\"", "webhook: is no web address");
    assert_null(strstr(buffer_cstr(&why), "secret"));
    target_url_name(&out, "https://u:secret@hooks.example:8443/path?token=secret");
    assert_string_equal(buffer_cstr(&out), "https://hooks.example:8443");
    assert_true(target_url_has_login("smtp://u:p@x"));
    assert_false(target_url_has_login("smtp://x/u"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(a_problem_fires_under_its_labels_since_it_began),
        TEST(its_recovery_ends_it_under_the_same_labels),
        TEST(severities_are_those_that_receivers_route_by),
        TEST(beginnings_and_ends_go_together),
        TEST(a_message_of_one_names_its_service_and_says_all_that_v4_says),
        TEST(a_message_of_many_lists_each_and_says_what_they_share),
        TEST(a_mail_says_what_happened),
        TEST(nothing_that_plugins_wrote_becomes_a_header),
        TEST(other_than_ascii_is_encoded_where_characters_end),
        TEST(a_line_too_long_for_mail_is_encoded),
        TEST(a_mail_of_many_has_a_row_for_each),
        TEST(each_kind_of_handler_is_read),
        TEST(filters_mean_the_same_for_each_kind),
        TEST(wrong_keys_are_named),
        TEST(a_refusal_keeps_the_password),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
