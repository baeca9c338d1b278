/* Golden bytes of everything that stands on the wire or on disk. A change of these files is a change of the format and
   breaks clusters that run: VECTORS_WRITE=1 rewrites them. Run from the top of the tree. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "samples.h"

#include <stdio.h>
#include <stdlib.h>

enum { HEX_LINE = 64 };

static void vector_path(char out[256], const struct sample *s) {
    snprintf(out, 256, "tests/vectors/%s.hex", s->name);
}

static void hex_lines(struct buffer *out, struct bytes in) {
    char *hex = xcalloc(1, 2 * in.len + 1);
    hex_encode(hex, in);
    for (size_t i = 0; i < 2 * in.len; i += HEX_LINE) {
        buffer_printf(out, "%.*s\n", HEX_LINE, hex + i);
    }
    free(hex);
}

static void read_file(struct buffer *out, const char *path) {
    FILE *f = fopen(path, "rb");
    if (!f) {
        fail_msg("%s is missing: VECTORS_WRITE=1 writes it", path);
        return;
    }
    char chunk[4096];
    for (size_t got; (got = fread(chunk, 1, sizeof chunk, f)) > 0;) {
        buffer_put(out, chunk, got);
    }
    fclose(f);
}

static void write_file(const char *path, struct bytes content) {
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(content.data, 1, content.len, f), content.len);
    assert_int_equal(fclose(f), 0);
}

static void check_vector(void **state) {
    const struct sample *s = *state;
    struct buffer made = {0}, text = {0}, golden = {0};
    char path[256];
    vector_path(path, s);
    s->make(&made);
    hex_lines(&text, buffer_bytes(&made));
    if (getenv("VECTORS_WRITE")) {
        write_file(path, buffer_bytes(&text));
    }
    read_file(&golden, path);
    assert_string_equal(buffer_cstr(&text), buffer_cstr(&golden));
    buffer_free(&made);
    buffer_free(&text);
    buffer_free(&golden);
}

int main(void) {
    struct CMUnitTest tests[SAMPLE_COUNT];
    crypto_start();
    for (unsigned i = 0; i < SAMPLE_COUNT; i++) {
        void *sample = (void *)(uintptr_t)&samples[i];
        tests[i] = (struct CMUnitTest){samples[i].name, check_vector, NULL, NULL, sample};
    }
    return cmocka_run_group_tests_name("golden bytes", tests, NULL, NULL);
}
