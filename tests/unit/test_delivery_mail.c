/* Mails to a real mail server: one a recipient, again when it is busy, never in the clear with a password. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "client/transport.h"
#include "delivery_world.h"

static void each_recipient_gets_the_mail_and_one_refused_holds_up_none(void **state) {
    (void)state;
    SERVE(true, 250);
    receiver.refuses = "ops@";
    struct handler *h = handler_of(NOTIFY_SMTP);
    takes(h, 0, 1);
    handler_free(h);
    assert_int_equal(receiver.count, 1);
    assert_non_null(strstr(receiver.list[0].head, "RCPT TO:<oncall@example.org>"));
    assert_non_null(
        strstr(receiver.list[0].body, "\r\nMessage-ID: <alert-1@01020000000000000000000000000000.quorate>"));
    stands(1, false);
}

static void a_mail_arrives_as_it_was_written(void **state) {
    (void)state;
    SERVE(true, 250);
    alerts[0].output = "first\n.\n..two\n.end";
    struct handler *h = handler_of(NOTIFY_SMTP);
    takes(h, 0, 1);
    handler_free(h);
    assert_int_equal(receiver.count, 2);
    assert_non_null(strstr(receiver.list[0].head, "MAIL FROM:<quorate@example.org>"));
    assert_non_null(strstr(receiver.list[0].head, "RCPT TO:<ops@example.org>"));
    assert_non_null(strstr(receiver.list[0].body, "\r\nfirst\r\n.\r\n..two\r\n.end\r\n"));
    assert_string_equal(receiver.list[0].body, receiver.list[1].body);
}

static void a_mail_server_that_is_busy_is_asked_again_and_one_that_refuses_is_not(void **state) {
    (void)state;
    SERVE(true, 451, 250, 554, 250);
    struct handler *h = handler_of(NOTIFY_SMTP);
    config.to_count = 1;
    takes(h, 0, 3);
    handler_free(h);
    assert_int_equal(receiver.count, 4);
    assert_non_null(strstr(receiver.list[1].body, "<alert-1@"));
    assert_non_null(strstr(receiver.list[2].body, "<alert-2@"));
    assert_non_null(strstr(receiver.list[3].body, "<alert-3@"));
}

static void a_refusal_is_told_in_the_servers_words(void **state) {
    (void)state;
    SERVE(true, 250);
    receiver.refuses = "ops@";
    struct transport *t = transport_new(stop_fd);
    struct buffer said = {0};
    snprintf(url, sizeof url, "smtp://127.0.0.1:%u", receiver.port);
    struct transport_mail mail = {.url = url,
                                  .from = "quorate@example.org",
                                  .to = "ops@example.org",
                                  .text = bytes_of_text("Subject: x\r\n\r\nx\r\n"),
                                  .timeout = NEVER_MS};
    assert_int_equal(transport_mail(t, &mail, &said), CARRY_REFUSED);
    assert_non_null(strstr(buffer_cstr(&said), "550 no such person here"));
    buffer_free(&said);
    transport_free(t);
}

static void a_storm_is_one_mail_with_a_row_an_alert(void **state) {
    (void)state;
    SERVE(true, 250);
    struct handler *h = handler_of(NOTIFY_SMTP);
    config.to_count = 1;
    takes(h, 0, 30);
    handler_free(h);
    assert_int_equal(receiver.count, 1);
    assert_non_null(strstr(receiver.list[0].body, "\r\nSubject: ** 30 alerts: 30 PROBLEM **\r\n"));
    assert_non_null(strstr(receiver.list[0].body, "<alert-1-30@"));
    for (unsigned i = 0; i < 30; i++) {
        assert_non_null(strstr(receiver.list[0].body, outputs[i]));
    }
}

static void a_kill_between_two_recipients_repeats_only_the_open_mail(void **state) {
    (void)state;
    SERVE(true, 250);
    assert_int_equal(outbox_handed(outbox, "hook", 0, &why), ERR_OK);
    assert_int_equal(outbox_attempt_group(outbox, "hook", 1, 25, 0, &why), ERR_OK);
    assert_int_equal(outbox_done(outbox, "hook", 1, 0, &why), ERR_OK);
    outbox_close(outbox);
    open_outbox();
    struct handler *h = handler_of(NOTIFY_SMTP);
    takes(h, 0, 40);
    handler_free(h);
    assert_non_null(strstr(receiver.list[0].head, "RCPT TO:<oncall@example.org>"));
    assert_non_null(strstr(receiver.list[0].body, "<alert-1-25@"));
    assert_non_null(strstr(receiver.list[1].head, "RCPT TO:<ops@example.org>"));
    assert_non_null(strstr(receiver.list[1].body, "<alert-26@"));
}

static void a_login_travels_only_under_tls(void **state) {
    (void)state;
    SERVE(true, 250);
    struct handler *h = handler_of(NOTIFY_SMTP);
    snprintf(url, sizeof url, "smtp://user:secret@127.0.0.1:%u", receiver.port);
    config.retry_for = 1;
    takes(h, 0, 1);
    config.starttls = true;
    snprintf(url, sizeof url, "smtp://127.0.0.1:%u", receiver.port);
    takes(h, 1, 1);
    handler_free(h);
    assert_int_equal(receiver.count, 0);
}

int main(void) {
    delivery_begin();
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(each_recipient_gets_the_mail_and_one_refused_holds_up_none),
        TEST(a_mail_arrives_as_it_was_written),
        TEST(a_mail_server_that_is_busy_is_asked_again_and_one_that_refuses_is_not),
        TEST(a_refusal_is_told_in_the_servers_words),
        TEST(a_storm_is_one_mail_with_a_row_an_alert),
        TEST(a_kill_between_two_recipients_repeats_only_the_open_mail),
        TEST(a_login_travels_only_under_tls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
