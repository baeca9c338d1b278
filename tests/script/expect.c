/* What must be true now, by member. A failed expectation names the member and what it found. */
#include "tests/script/script.h"

/* --- the trace, since `mark` --- */

static bool traced_by(struct story *s, const char *what, const char *and_what, int who) {
    for (const char *at = buffer_cstr(&s->c->trace) + s->marked; *at;) {
        size_t len = strcspn(at, "\n");
        char line[LINE_LEN];
        snprintf(line, sizeof line, "%.*s", (int)len, at);
        if ((who < 0 || strtol(line, NULL, 10) == who) && strstr(line, what) && strstr(line, and_what)) {
            return true;
        }
        at += len + (at[len] == '\n');
    }
    return false;
}

/* [at MEMBERS]: by each of them; else by anybody. wanted false: by none. */
static void expect_lines(struct story *s, const char *what, const char *and_what, bool wanted) {
    bool anybody = !word_is(s, "at");
    member_set who = anybody ? set_all(s->members) : members_of(s, word_next(s, "at whom"));
    if (anybody && traced_by(s, what, and_what, -1) != wanted) {
        story_fail(s, "%s traced: %s%s", wanted ? "nobody" : "somebody", what, and_what);
    }
    for (member_id i = 0; !anybody && i < s->members; i++) {
        if (set_has(who, i) && traced_by(s, what, and_what, i) != wanted) {
            story_fail(s, "%u %s: %s%s", i, wanted ? "did not trace" : "traced", what, and_what);
        }
    }
}

/* evidence [EV1] [culprit 0] [at 1,2] */
static void expect_evidence(struct story *s, bool wanted) {
    char what[64] = "evidence ", by[32] = "";
    const char *next = word_peek(s);
    if (next && strncmp(next, "EV", 2) == 0) {
        snprintf(what, sizeof what, "evidence %.16s ", word_next(s, "EVx"));
    }
    if (word_is(s, "culprit")) {
        snprintf(by, sizeof by, " culprit %llu ", (unsigned long long)number_of(s, word_next(s, "who")));
    }
    expect_lines(s, what, by, wanted);
}

/* --- frames, since `mark` --- */

/* sent TYPE [FROM->TO] COUNT|some|none */
static void expect_sent(struct story *s) {
    struct selector x = selector_next(s);
    const char *word = word_next(s, "how many, some or none");
    unsigned long long count = 0;
    for (int t = 0; t < FRAME_TYPE_LIMIT; t++) {
        for (member_id i = 0; i < s->members; i++) {
            for (member_id j = 0; j < s->members; j++) {
                bool fits = (x.type == 0 || (int)x.type == t) && set_has(x.from, i) && set_has(x.to, j);
                count += fits ? s->sent[t][i][j] : 0;
            }
        }
    }
    bool right = strcmp(word, "some") == 0   ? count > 0
                 : strcmp(word, "none") == 0 ? count == 0
                                             : count == number_of(s, word);
    if (!right) {
        story_fail(s, "%llu were sent", count);
    }
}

/* --- one member --- */

static void equal(struct story *s, member_id i, const char *what, uint64_t found, uint64_t wanted) {
    if (found != wanted) {
        story_fail(s, "%u: %s is %llu, not %llu", i, what, (unsigned long long)found, (unsigned long long)wanted);
    }
}

static bool expect_mark(struct story *s, member_id i, const char *what) {
    struct pbft_view v = node_view(&s->c->nodes[i]);
    const struct {
        const char *name;
        uint64_t value;
    } marks[] = {{"view", v.view},
                 {"executed", v.executed},
                 {"certified", v.certified},
                 {"stable", v.stable},
                 {"next", v.next},
                 {"wish", v.wish},
                 {"pool", v.pool},
                 {"primary", v.primary},
                 {"changes", v.view_changes},
                 {"wants", s->c->nodes[i].wants_state}};
    for (size_t k = 0; k < sizeof marks / sizeof marks[0]; k++) {
        if (strcmp(marks[k].name, what) == 0) {
            equal(s, i, what, marks[k].value, number_of(s, word_next(s, "a number")));
            return true;
        }
    }
    return false;
}

static bool expect_phase(struct story *s, member_id i, const char *what) {
    for (int p = PHASE_STARTING; p <= PHASE_TILT; p++) {
        if (strcmp(phase_name((enum phase)p), what) == 0) {
            enum phase found = node_view(&s->c->nodes[i]).phase;
            if ((int)found != p) {
                story_fail(s, "%u: its phase is %s", i, phase_name(found));
            }
            return true;
        }
    }
    return false;
}

/* refused REASON [COUNT]: at the door or in the core; at least once if no count is given. */
static void expect_refused(struct story *s, member_id i) {
    const char *reason = word_next(s, "a reason"), *next = word_peek(s);
    struct pbft_view v = node_view(&s->c->nodes[i]);
    for (int e = 1; e < ERR_LIMIT; e++) {
        if (strcmp(error_name((enum error)e), reason) == 0) {
            uint64_t found = v.refused[e] + s->door[i][e];
            if (next && *next >= '0' && *next <= '9') {
                equal(s, i, reason, found, number_of(s, word_next(s, "how often")));
            } else if (found == 0) {
                story_fail(s, "%u refused nothing as %s", i, reason);
            }
            return;
        }
    }
    story_fail(s, "no such reason: %s", reason);
}

static bool is_batch(const char *word) {
    return word &&
           ((*word >= 'A' && *word < 'A' + CLIENTS && word[1] >= '0' && word[1] <= '9') || strcmp(word, "null") == 0);
}

/* log BATCH...: exactly these were executed, in this order. */
static void expect_log(struct story *s, member_id i) {
    const struct node *x = &s->c->nodes[i];
    seq_no n = 0;
    while (is_batch(word_peek(s))) {
        const char *name = word_next(s, "a batch");
        struct buffer bytes = {0};
        struct digest d = batch_named(s, name, &bytes);
        buffer_free(&bytes);
        if (++n > x->executed) {
            story_fail(s, "%u executed only %llu batches", i, (unsigned long long)x->executed);
        }
        if (!digest_equal(&d, &x->log[n])) {
            story_fail(s, "%u executed %s at n=%llu, not %s", i, batch_label(s, &x->log[n]), (unsigned long long)n,
                       name);
        }
    }
    equal(s, i, "length of the log", x->executed, n);
}

static void expect_done(struct story *s, member_id i, bool wanted) {
    struct buffer frame = {0};
    const char *name = word_next(s, "a request");
    struct digest d = request_named(s, name, &frame).digest;
    buffer_free(&frame);
    if (node_has_done(&s->c->nodes[i], &d) != wanted) {
        story_fail(s, "%u executed %s%s", i, name, wanted ? " not" : "");
    }
}

static void expect_records(struct story *s, member_id i) {
    static const char *const names[RECORD_KIND_LIMIT] = {
        [RECORD_CERT] = "CERT",         [RECORD_STABLE] = "STABLE",   [RECORD_VIEW] = "VIEW",
        [RECORD_NEW_VIEW] = "NEW-VIEW", [RECORD_GUARD] = "GUARD",     [RECORD_ACCEPT] = "ACCEPT",
        [RECORD_PREPARED] = "PREPARED", [RECORD_DECIDED] = "DECIDED", [RECORD_REQUEST] = "REQUEST",
        [RECORD_WISH] = "WISH"};
    const char *name = word_next(s, "a kind of record");
    uint64_t count = number_of(s, word_next(s, "how many"));
    for (int r = 0; r < RECORD_KIND_LIMIT; r++) {
        if (names[r] && strcmp(names[r], name) == 0) {
            equal(s, i, name, records_count(&s->c->nodes[i], (enum pbft_record)r), count);
            return;
        }
    }
    story_fail(s, "no such record: %s", name);
}

static void expect_member(struct story *s, member_id i) {
    if (!s->c->nodes[i].core && word_is(s, "dead")) {
        return;
    }
    if (!s->c->nodes[i].core) {
        story_fail(s, "%u does not run", i);
    }
    while (word_peek(s)) {
        const char *what = word_next(s, "what is expected");
        if (strcmp(what, "refused") == 0) {
            expect_refused(s, i);
        } else if (strcmp(what, "log") == 0) {
            expect_log(s, i);
        } else if (strcmp(what, "done") == 0 || strcmp(what, "lacks") == 0) {
            expect_done(s, i, *what == 'd');
        } else if (strcmp(what, "records") == 0) {
            expect_records(s, i);
        } else if (strcmp(what, "breach") == 0) {
            equal(s, i, what, s->c->nodes[i].breach, 1);
        } else if (!expect_mark(s, i, what) && !expect_phase(s, i, what)) {
            story_fail(s, "nothing to expect: %s", what);
        }
    }
}

/* all: those that run and do not lie. */
static void expect_members(struct story *s, const char *text) {
    bool all = strcmp(text, "all") == 0 || strcmp(text, "all:") == 0;
    member_set who = all ? story_honest(s) : members_of(s, text);
    struct words saved = s->words;
    for (member_id i = 0; i < s->members; i++) {
        if (set_has(who, i)) {
            memcpy(s->words.used, saved.used, sizeof saved.used);
            expect_member(s, i);
        }
    }
}

static void expect_same_log(struct story *s) {
    member_set who = story_honest(s);
    const struct node *first = NULL;
    for (member_id i = 0; i < s->members; i++) {
        const struct node *x = &s->c->nodes[i];
        if (!set_has(who, i)) {
            continue;
        }
        first = first ? first : x;
        equal(s, i, "executed", x->executed, first->executed);
        if (!digest_equal(&x->log_hash, &first->log_hash)) {
            story_fail(s, "%u has another log than %u", i, first->id);
        }
    }
}

void expect_verb(struct story *s) {
    story_cluster(s);
    bool wanted = !word_is(s, "no");
    if (word_is(s, "evidence")) {
        expect_evidence(s, wanted);
    } else if (word_is(s, "trace")) {
        expect_lines(s, word_next(s, "a line"), "", wanted);
    } else if (word_is(s, "sent")) {
        expect_sent(s);
    } else if (word_is(s, "same")) {
        word_next(s, "log");
        expect_same_log(s);
    } else {
        expect_members(s, word_next(s, "a member"));
    }
}
