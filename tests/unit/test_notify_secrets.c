/* The secrets of notify.yaml: what of a URL nobody is told, and who may read the file. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "base/bytes.h"
#include "client/notify_config.h"
#include "client/notify_target.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void hides(const char *url, const char *text, bool cut, const char *left) {
    struct buffer out = {0};
    buffer_printf(&out, "%s", text);
    target_url_hide(&out, url, cut);
    assert_string_equal(buffer_cstr(&out), left);
    buffer_free(&out);
}

static void what_a_server_repeats_of_a_url_is_hidden(void **state) {
    (void)state;
    static const char URL[] = "https://hooks.example/services/T0/SECRET%2d1?token=abcd12&x=1";
    hides(URL, "Cannot POST /services/T0/SECRET%2d1?token=abcd12&x=1", false, "Cannot POST ...?...");
    hides(URL, "no /services/T0/SECRET-1 here", false, "no ... here");
    hides(URL, "SECRET%2d1 and abcd12", false, "... and ...");
    hides(URL, "bad token SECRET", false, "bad ... SECRET");
    hides(URL, "for abcd", true, "for ...");
    hides(URL, "for /services/T", true, "for ...");
    hides(URL, "nothing of it", false, "nothing of it");
    hides("http://joe:pass%20word@x/", "joe, pass word and pass%20word at /", false, "..., ... and ... at /");
    hides("http://x", "a/b", true, "a/b");
}

static bool exposed(const char *handler, mode_t mode) {
    char path[] = "/tmp/quorate-payload-XXXXXX";
    struct notify_config *c;
    struct buffer text = {0}, why = {0};
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    buffer_printf(&text, "handlers:\n  - { name: h, %s }\n", handler);
    assert_int_equal(write(fd, text.data, text.len), text.len);
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(notify_config_load(&c, path, &why), ERR_OK);
    bool is = notify_config_exposed(c, path);
    notify_config_free(c);
    buffer_free(&text);
    buffer_free(&why);
    close(fd);
    unlink(path);
    return is;
}

static void secrets_that_anybody_may_read_are_noticed(void **state) {
    (void)state;
    assert_true(exposed("webhook: \"https://x/T0/secret\"", 0644));
    assert_false(exposed("webhook: \"https://x/T0/secret\"", 0640));
    assert_true(exposed("alertmanager: \"http://u:p@x\"", 0604));
    assert_false(exposed("alertmanager: \"http://x\"", 0644));
    assert_false(exposed("command: [/p]", 0644));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_server_repeats_of_a_url_is_hidden),
        cmocka_unit_test(secrets_that_anybody_may_read_are_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
