/* The golden trace of a story: what the replicas traced since the last block, by member, members with the same lines
   together. Digests go by name, so that only a changed behaviour changes it. */
#include "tests/script/script.h"

/* The lines of one member since the last block, named, each with its end. */
static void lines_of(struct story *s, struct buffer *out, member_id who) {
    for (const char *at = buffer_cstr(&s->c->trace) + s->traced; *at;) {
        size_t len = strcspn(at, "\n");
        char *text;
        if (strtoul(at, &text, 10) == who) {
            trace_name(s, out, text + 1, len - (size_t)(text + 1 - at));
            buffer_printf(out, "\n");
        }
        at += len + (at[len] == '\n');
    }
}

static void put_group(struct buffer *out, member_set who, struct buffer *lines) {
    for (const char *at = buffer_cstr(lines); *at;) {
        size_t len = strcspn(at, "\n");
        const char *comma = "";
        buffer_printf(out, "    ");
        for (member_id i = 0; i < MEMBERS_MAX; i++) {
            if (set_has(who, i)) {
                buffer_printf(out, "%s%u", comma, i);
                comma = ",";
            }
        }
        buffer_printf(out, ": %.*s\n", (int)len, at);
        at += len + 1;
    }
}

/* Hashes are numbered in the order in which they appear, whoever is shown. */
static void number_hashes(struct story *s) {
    struct buffer all = {0};
    const char *text = buffer_cstr(&s->c->trace) + s->traced;
    trace_name(s, &all, text, strlen(text));
    buffer_free(&all);
}

void golden_render(struct story *s, struct buffer *out, member_set who) {
    struct buffer lines[MEMBERS_MAX] = {{0}};
    member_set told = 0;
    number_hashes(s);
    for (member_id i = 0; i < s->members; i++) {
        lines_of(s, &lines[i], i);
    }
    for (member_id i = 0; i < s->members; i++) {
        member_set group = 0;
        for (member_id j = i; j < s->members; j++) {
            bool same = bytes_equal(buffer_bytes(&lines[i]), buffer_bytes(&lines[j]));
            group |= same && set_has(who, j) && !set_has(told, j) ? set_of(j) : 0;
        }
        if (set_has(group, i)) {
            put_group(out, group, &lines[i]);
            told |= group;
        }
    }
    for (member_id i = 0; i < s->members; i++) {
        buffer_free(&lines[i]);
    }
    s->traced = s->c->trace.len;
}
