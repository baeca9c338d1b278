/* quorate audit: from the frames that replicas kept it finds where the agreement broke and names who broke it. Reads
   what `quorated --record` and `--export` wrote, and evidence files; needs no cluster that runs. */
#include "proto/audit.h"

#include "client/cli.h"
#include "client/evidence_file.h"
#include "client/read_file.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct source {
    char *path;
    struct buffer content;
};
struct audit_verb {
    struct cli cli;
    struct cluster *cluster;
    unsigned source_count;
    struct source *sources;
    size_t frame_count, frame_cap;
    struct audit_frame *frames;
    struct audit_report report;
};

/* ---- reading ---- */

static void add_frame(void *self, struct bytes raw, uint64_t offset) {
    struct audit_verb *a = self;
    if (a->frame_count == a->frame_cap) {
        a->frame_cap = a->frame_cap ? 2 * a->frame_cap : 1024;
        a->frames = xrealloc(a->frames, a->frame_cap * sizeof *a->frames);
    }
    a->frames[a->frame_count++] = (struct audit_frame){raw, a->source_count - 1, offset};
}

static void take_content(struct audit_verb *a, const struct source *s) {
    struct op_evidence e;
    struct bytes file = buffer_bytes(&s->content);
    if (evidence_file_decode(&e, file) == ERR_OK) {
        for (unsigned i = 0; i < e.count; i++) {
            add_frame(a, e.frames[i], (uint64_t)(e.frames[i].data - file.data));
        }
        return;
    }
    size_t torn = audit_file_frames(file, add_frame, a);
    if (torn > 0) {
        cli_fail(&a->cli, CLI_REFUSED, "the last %zu bytes are no whole frame: %s: the rest of it is audited", torn,
                 s->path);
    }
}

static int read_source(struct audit_verb *a, const char *path) {
    a->sources = xrealloc(a->sources, (a->source_count + 1) * sizeof *a->sources);
    struct source *s = &a->sources[a->source_count++];
    *s = (struct source){.path = xstrdup(path)};
    if (!read_file(&s->content, path)) {
        return cli_fail(&a->cli, CLI_REFUSED, "cannot read (%s): %s: name a readable file", strerror(errno), path);
    }
    take_content(a, s);
    return CLI_GO_ON;
}

static int visible(const struct dirent *d) {
    return d->d_name[0] != '.';
}

static int read_directory(struct audit_verb *a, const char *path) {
    struct dirent **names = NULL;
    int count = scandir(path, &names, visible, alphasort), code = CLI_GO_ON;
    if (count < 0) {
        return cli_fail(&a->cli, CLI_REFUSED, "cannot read (%s): %s: name a readable directory", strerror(errno), path);
    }
    for (int i = 0; i < count; i++) {
        struct buffer full = {0};
        struct stat st;
        buffer_printf(&full, "%s/%s", path, names[i]->d_name);
        if (code == CLI_GO_ON && stat(buffer_cstr(&full), &st) == 0 && S_ISREG(st.st_mode)) {
            code = read_source(a, buffer_cstr(&full));
        }
        buffer_free(&full);
        free(names[i]);
    }
    free(names);
    return code;
}

static int read_all(struct audit_verb *a) {
    int code = CLI_GO_ON;
    for (unsigned i = 0; code == CLI_GO_ON && i < a->cli.operand_count; i++) {
        struct stat st;
        bool is_directory = stat(a->cli.operands[i], &st) == 0 && S_ISDIR(st.st_mode);
        code = is_directory ? read_directory(a, a->cli.operands[i]) : read_source(a, a->cli.operands[i]);
    }
    if (code == CLI_GO_ON && a->frame_count == 0) {
        code = cli_fail(&a->cli, CLI_REFUSED, "no frames: %s: give what `quorated --export` or `--record` wrote",
                        a->cli.operands[0]);
    }
    return code;
}

/* ---- the report ---- */

static const char *breach_words(enum audit_breach b) {
    static const char *const words[] = {
        [AUDIT_TWO_DECISIONS] = "two decisions",
        [AUDIT_NEW_VIEW_FORGOT] = "a decision, and a NEW-VIEW without it",
        [AUDIT_TWO_CHECKPOINTS] = "two certified checkpoints",
    };
    return words[b];
}

static const char *breach_name(enum audit_breach b) {
    static const char *const names[] = {[AUDIT_TWO_DECISIONS] = "two-decisions",
                                        [AUDIT_NEW_VIEW_FORGOT] = "new-view-forgot",
                                        [AUDIT_TWO_CHECKPOINTS] = "two-checkpoints"};
    return names[b];
}

static void put_place(struct buffer *out, const struct audit_verb *a, size_t at) {
    const struct audit_frame *f = &a->frames[at];
    buffer_printf(out, "%s:%" PRIu64, a->sources[f->file].path, f->offset);
}

static void print_disagreement(const struct audit_verb *a, const struct audit_disagreement *d) {
    struct buffer first = {0}, second = {0};
    char h0[2 * DIGEST_LEN + 1], h1[2 * DIGEST_LEN + 1];
    put_place(&first, a, d->at[0]);
    put_place(&second, a, d->at[1]);
    hex_encode(h0, bytes_of(d->d[0].b, DIGEST_LEN));
    hex_encode(h1, bytes_of(d->d[1].b, DIGEST_LEN));
    if (a->cli.json) {
        json_t *j = json_pack("{s:s,s:I,s:[I,I],s:[s,s],s:[s,s]}", "disagreement", breach_name(d->breach), "n",
                              (json_int_t)d->n, "views", (json_int_t)d->v[0], (json_int_t)d->v[1], "digests", h0, h1,
                              "frames", buffer_cstr(&first), buffer_cstr(&second));
        json_dumpf(j, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(j);
    } else {
        printf("DISAGREEMENT at n %" PRIu64 ": %s\n    %.16s in view %" PRIu64 ": %s\n    %.16s in view %" PRIu64
               ": %s\n",
               d->n, breach_words(d->breach), h0, d->v[0], buffer_cstr(&first), h1, d->v[1], buffer_cstr(&second));
    }
    buffer_free(&first);
    buffer_free(&second);
}

static void print_finding(const struct audit_verb *a, const struct audit_finding *f) {
    struct buffer first = {0}, second = {0};
    put_place(&first, a, f->at[0]);
    put_place(&second, a, f->at[1]);
    if (a->cli.json) {
        json_t *j =
            json_pack("{s:i,s:s,s:s,s:I,s:I,s:s,s:[s,s]}", "culprit", (int)f->member, "kind", evidence_code(f->kind),
                      "name", evidence_name(f->kind), "view", (json_int_t)f->v, "n", (json_int_t)f->n, "explanation",
                      evidence_explanation(f->kind), "frames", buffer_cstr(&first), buffer_cstr(&second));
        json_dumpf(j, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(j);
    } else {
        printf("replica %u %s\n    %s %s, view %" PRIu64 " n %" PRIu64 ": %s%s%s\n", f->member,
               evidence_explanation(f->kind), evidence_code(f->kind), evidence_name(f->kind), f->v, f->n,
               buffer_cstr(&first), f->at[0] != f->at[1] ? " " : "", f->at[0] != f->at[1] ? buffer_cstr(&second) : "");
    }
    buffer_free(&first);
    buffer_free(&second);
}

static void print_summary(const struct audit_verb *a) {
    const struct audit_report *r = &a->report;
    if (a->cli.json) {
        printf("{\"files\":%u,\"frames\":%zu,\"used\":%zu,\"decisions\":%zu,\"new_views\":%zu,\"disagreements\":%zu,"
               "\"culprits\":%u}\n",
               a->source_count, r->frames, r->used, r->decisions, r->new_views, r->disagreements,
               set_count(r->culprits));
        return;
    }
    printf("%zu frames of %u files, %zu of them votes or proofs: %zu decisions, %zu NEW-VIEWs, %zu disagreements\n",
           r->frames, a->source_count, r->used, r->decisions, r->new_views, r->disagreements);
    if (r->disagreements == 0 && r->culprits == 0) {
        puts("clean: nobody contradicts anybody");
        return;
    }
    printf("%u of %u replicas broke the rules", set_count(r->culprits), a->cluster->member_count);
    for (member_id i = 0; i < a->cluster->member_count; i++) {
        if (set_has(r->culprits, i)) {
            printf(" %u", i);
        }
    }
    putchar('\n');
    if (r->disagreements > 0 && set_count(r->culprits) < quorum_weak(a->cluster->member_count)) {
        puts("these frames don't name all who did it: add the exports of other replicas");
    }
}

static int judge(struct audit_verb *a) {
    struct verifier verifier;
    struct evidence_judge judge = {&verifier, NULL, a->cluster->knobs.window};
    struct audit_report *r = &a->report;
    cluster_verifier(&verifier, a->cluster);
    audit_frames(&judge, a->frames, a->frame_count, r);
    for (size_t i = 0; i < r->disagreements && i < AUDIT_DISAGREEMENTS_MAX; i++) {
        print_disagreement(a, &r->list[i]);
    }
    for (unsigned i = 0; i < r->finding_count; i++) {
        print_finding(a, &r->findings[i]);
    }
    print_summary(a);
    return r->disagreements > 0 || r->culprits ? CLI_REFUSED : CLI_DONE;
}

static void close_audit(struct audit_verb *a) {
    for (unsigned i = 0; i < a->source_count; i++) {
        free(a->sources[i].path);
        buffer_free(&a->sources[i].content);
    }
    free(a->sources);
    free(a->frames);
    audit_report_free(&a->report);
    cluster_free(a->cluster);
    free(a);
}

int verb_audit(int argc, char **argv) {
    static const struct cli_verb verb = {
        .name = "audit",
        .operands = "FILE|DIR...",
        .summary = "Find where replicas disagree, and name who broke the rules",
        .details =
            "Reads what `quorated --export` and `--record` wrote, and evidence files; checks them with cluster.yaml\n"
            "alone. Exports of several replicas together tell most.",
        .exits = "0 nobody contradicts anybody, 1 a disagreement or a culprit, 2 wrong usage",
        .operands_min = 1,
        .operands_max = CLI_LIST_MAX};
    struct audit_verb *a = xcalloc(1, sizeof *a);
    int code = cli_parse(&a->cli, &verb, argc, argv);
    if (code == CLI_GO_ON) {
        code = cli_open_cluster(&a->cli, &a->cluster);
    }
    if (code == CLI_GO_ON) {
        code = read_all(a);
    }
    if (code == CLI_GO_ON) {
        code = judge(a);
    }
    close_audit(a);
    return code;
}
