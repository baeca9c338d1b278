/* Plays tests/script/NAME.txt, one test a story, as TAP. `--write` puts what the replicas traced into the trace blocks,
   for `git diff` to show. One more test asks that every row of the protocol has its story or stands in README.md.
     script [--write] [NAME|PATTERN...] */
#include "tests/script/script.h"

#include <fnmatch.h>
#include <glob.h>
#include <signal.h>

static bool write_traces;
static struct story *playing;
static struct buffer all_covers; /* " R4 DR-C1 ..." of the stories played */

/* --- one story --- */

static char *file_read(const char *path) {
    FILE *f = fopen(path, "r");
    struct buffer text = {0};
    char part[4096];
    size_t len;
    if (!f) {
        return NULL;
    }
    while ((len = fread(part, 1, sizeof part, f)) > 0) {
        buffer_put(&text, part, len);
    }
    fclose(f);
    char *copy = xstrdup(buffer_cstr(&text));
    buffer_free(&text);
    return copy;
}

static const char *line_after(const char *at) {
    at += strcspn(at, "\n");
    return *at ? at + 1 : at;
}

static bool is_golden(const char *line) {
    return *line == ' ' || *line == '\t';
}

static void must_equal(struct story *s, const char *wanted, const char *found) {
    while (*found || is_golden(wanted)) {
        int len_w = (int)strcspn(wanted, "\n"), len_f = (int)strcspn(found, "\n");
        s->line++;
        if (!*found) {
            story_fail(s, "nothing more was traced; expected %.*s", len_w, wanted);
        }
        if (!is_golden(wanted)) {
            story_fail(s, "traced beyond the block: %.*s", len_f, found);
        }
        if (len_w != len_f || memcmp(wanted, found, (size_t)len_w) != 0) {
            story_fail(s, "traced\n%.*s\nand not\n%.*s", len_f, found, len_w, wanted);
        }
        wanted = line_after(wanted);
        found = line_after(found);
    }
}

/* `trace:` or `trace 1,2:`, and its indented lines; returns what follows them. */
static const char *play_trace(struct story *s, const char *next, struct buffer *rewritten) {
    struct buffer found = {0};
    const char *who = word_peek(s) ? word_next(s, "members") : "all";
    story_cluster(s);
    golden_render(s, &found, members_of(s, who));
    buffer_printf(rewritten, "%s", buffer_cstr(&found));
    unsigned line = s->line;
    if (!s->write) {
        must_equal(s, next, buffer_cstr(&found));
    }
    for (s->line = line; is_golden(next); s->line++) {
        next = line_after(next);
    }
    buffer_free(&found);
    return next;
}

static void play(struct story *s, const char *text, struct buffer *rewritten) {
    for (const char *at = text; *at;) {
        const char *next = line_after(at);
        s->line++;
        words_split(s, at);
        buffer_put(rewritten, at, (size_t)(next - at));
        if (s->words.count > 0) {
            const char *verb = word_next(s, "a verb");
            if (strcmp(verb, "trace:") == 0 || strcmp(verb, "trace") == 0) {
                next = play_trace(s, next, rewritten);
            } else if (strcmp(verb, "send") == 0) {
                traitor_verb(s);
            } else if (strcmp(verb, "expect") == 0) {
                expect_verb(s);
            } else if (!world_verb(s, verb)) {
                story_fail(s, "no such verb: %s", verb);
            }
            words_end(s);
        }
        at = next;
    }
    story_end(s);
}

static void file_write(struct story *s, struct buffer *text) {
    FILE *f = fopen(s->path, "w");
    if (!f || fwrite(text->data, 1, text->len, f) != text->len || fclose(f) != 0) {
        story_fail(s, "can't be written");
    }
}

static int story_begin(void **state) {
    playing = xcalloc(1, sizeof *playing);
    playing->path = *state;
    playing->members = 4;
    playing->config = cluster_defaults();
    playing->write = write_traces;
    return 0;
}

static void story_run(void **state) {
    struct story *s = playing;
    struct buffer rewritten = {0};
    (void)state;
    char *text = file_read(s->path);
    assert_non_null(text);
    play(s, text, &rewritten);
    if (s->write && strcmp(text, buffer_cstr(&rewritten)) != 0) {
        file_write(s, &rewritten);
    }
    for (unsigned i = 0; i < s->cover_count; i++) {
        buffer_printf(&all_covers, " %s", s->covers[i]);
    }
    buffer_printf(&all_covers, " ");
    s->finished = true;
    free(text);
    buffer_free(&rewritten);
}

static int story_close(void **state) {
    (void)state;
    if (!playing->finished && !playing->reported) {
        print_error("%s:%u: the cluster broke a promise here\n", playing->path, playing->line);
    }
    if (playing->finished) { /* a story that broke off may hold anything */
        story_free(playing);
    }
    free(playing);
    playing = NULL;
    return 0;
}

/* A broken invariant of the core aborts: the story fails, the next one is played. */
static void on_abort(int number) {
    (void)number;
    if (!playing) {
        signal(SIGABRT, SIG_DFL);
        return;
    }
    playing->reported = true;
    /* abort was called just now, on this thread, by what the story drives: no handler of an interrupt. */
    // NOLINTBEGIN(bugprone-signal-handler)
    print_error("%s:%u: an invariant is broken here\n", playing->path, playing->line);
    fail();
    // NOLINTEND(bugprone-signal-handler)
}

/* --- every row has its story --- */

static bool is_covered(const char *readme, const char *row) {
    char word[40], cell[40];
    snprintf(word, sizeof word, " %s ", row);
    snprintf(cell, sizeof cell, "| %s |", row);
    return strstr(buffer_cstr(&all_covers), word) || strstr(readme, cell);
}

static unsigned missing(const char *readme, const char *prefix, unsigned first, unsigned last) {
    unsigned count = 0;
    for (unsigned i = first; i <= last; i++) {
        char row[32];
        snprintf(row, sizeof row, "%s%u", prefix, i);
        if (!is_covered(readme, row)) {
            print_error("%s has neither a story nor a line in tests/script/README.md\n", row);
            count++;
        }
    }
    return count;
}

static void every_row_is_covered(void **state) {
    (void)state;
    char *readme = file_read("tests/script/README.md");
    assert_non_null(readme);
    unsigned count = missing(readme, "R", 3, 7) + missing(readme, "DR-C", 1, 14) + missing(readme, "BUG", 1, 27);
    free(readme);
    buffer_free(&all_covers);
    assert_int_equal(count, 0);
}

/* --- all stories --- */

static char *name_of(const char *path) {
    char *name = xstrdup(strrchr(path, '/') + 1);
    name[strlen(name) - strlen(".txt")] = 0;
    return name;
}

static bool is_chosen(const char *name, int count, char **chosen) {
    for (int i = 0; i < count; i++) {
        if (fnmatch(chosen[i], name, 0) == 0) {
            return true;
        }
    }
    return count == 0;
}

int main(int argc, char **argv) {
    glob_t found = {0};
    write_traces = argc > 1 && strcmp(argv[1], "--write") == 0;
    int chosen = argc - 1 - write_traces;
    setenv("CMOCKA_MESSAGE_OUTPUT", "TAP", 0);
    signal(SIGABRT, on_abort);
    crypto_start();
    if (glob("tests/script/*.txt", 0, NULL, &found) != 0) {
        fprintf(stderr, "script: no story in tests/script: run it from the top of the tree\n");
        return 2;
    }
    struct CMUnitTest *tests = xcalloc(found.gl_pathc + 1, sizeof *tests);
    size_t count = 0;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        char *name = name_of(found.gl_pathv[i]);
        if (is_chosen(name, chosen, argv + argc - chosen)) {
            tests[count++] = (struct CMUnitTest){name, story_run, story_begin, story_close, found.gl_pathv[i]};
        } else {
            free(name);
        }
    }
    if (chosen == 0) {
        tests[count++] = (struct CMUnitTest){"every_row_is_covered", every_row_is_covered, NULL, NULL, NULL};
    }
    int failed = _cmocka_run_group_tests("stories", tests, count, NULL, NULL);
    for (size_t i = 0; i < count - (chosen == 0); i++) {
        free((void *)(uintptr_t)tests[i].name);
    }
    free(tests);
    globfree(&found);
    if (count == 0) {
        fprintf(stderr, "script: no story has that name\n");
        return 2;
    }
    return failed;
}
