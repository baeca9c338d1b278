/* quorate evidence: who was proven to have broken the rules, as the log agreed on it; saves the frames that prove it,
   and checks such files offline. */
#include "base/clock.h"
#include "client/cli.h"
#include "client/durable.h"
#include "client/evidence_file.h"
#include "client/read_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct evidence {
    struct cli cli;
    struct cluster *cluster;
    struct keyring *keys;
    struct client *client;
    bool verify;
    const char *save;
    unsigned listed, saved, refused;
};

static const char *weight_word(enum evidence_kind k) {
    static const char *const words[] = {
        [EVIDENCE_CONVICTS] = "convicted", [EVIDENCE_FAULT] = "fault", [EVIDENCE_CLIENT] = "client-fault"};
    return words[evidence_weight(k)];
}

static void print_line(json_t *j) {
    char *line = json_dumps(j, JSON_COMPACT);
    puts(line);
    free(line);
    json_decref(j);
}

static json_t *moment(time_ms t) {
    char stamp[25];
    if (t <= 0) {
        return json_null();
    }
    clock_rfc3339(stamp, t);
    return json_string(stamp);
}

/* Its place: a view only where the kind has one. */
static json_t *view_of(enum evidence_kind k, view_no v) {
    bool has = k <= EV_EQUIV_VC && k != EV_EQUIV_CKPT && k != EV_BAD_CKPT;
    return has ? json_integer((json_int_t)v) : json_null();
}

static void put_what(json_t *j, enum evidence_kind kind, const char *culprit, view_no v, seq_no n) {
    json_object_set_new(j, "kind", json_string(evidence_code(kind)));
    json_object_set_new(j, "name", json_string(evidence_name(kind)));
    json_object_set_new(j, "culprit", json_string(culprit));
    json_object_set_new(j, "n", json_integer((json_int_t)n));
    json_object_set_new(j, "view", view_of(kind, v));
    json_object_set_new(j, "weight", json_string(weight_word(kind)));
    json_object_set_new(j, "explanation", json_string(evidence_explanation(kind)));
}

/* ---- the list ---- */

static void record_culprit(const struct evidence *s, const struct evidence_record *r, struct buffer *out) {
    const struct key_entry *who = keyring_find(s->keys, &r->culprit), unknown = {.key = r->culprit};
    evidence_culprit(out, s->cluster, who ? who : &unknown);
}

static void print_record_json(const struct evidence_record *r, const char *culprit) {
    char key[PUBLIC_KEY_TEXT];
    json_t *j = json_object();
    crypto_public_key_text(key, &r->culprit);
    put_what(j, r->kind, culprit, r->v, r->n);
    if (r->drill) {
        json_object_set_new(j, "weight", json_string("drill"));
    }
    json_object_set_new(j, "drill", r->drill ? json_integer((json_int_t)r->drill) : json_null());
    json_object_set_new(j, "key", json_string(key));
    json_object_set_new(j, "count", json_integer((json_int_t)r->count));
    json_object_set_new(j, "first_n", json_integer((json_int_t)r->first_n));
    json_object_set_new(j, "last_n", json_integer((json_int_t)r->last_n));
    json_object_set_new(j, "first", moment(r->first_t));
    json_object_set_new(j, "first_ms", json_integer(r->first_t));
    json_object_set_new(j, "last", moment(r->last_t));
    json_object_set_new(j, "last_ms", json_integer(r->last_t));
    json_object_set_new(j, "accuser", r->accuser == MEMBER_NONE ? json_null() : json_integer(r->accuser));
    print_line(j);
}

static void print_record_text(const struct evidence_record *r, const char *culprit) {
    char first[25], last[25], by[24] = "the log";
    clock_rfc3339(first, r->first_t);
    clock_rfc3339(last, r->last_t);
    if (r->accuser != MEMBER_NONE) {
        snprintf(by, sizeof by, "replica %u", r->accuser);
    }
    printf("%s: it %s\n", culprit, evidence_explanation(r->kind));
    printf("    %s %s, %s, view %" PRIu64 " n %" PRIu64 ", shown by %s\n", evidence_code(r->kind),
           evidence_name(r->kind), r->drill ? "in a drill" : weight_word(r->kind), r->v, r->n, by);
    printf("    first at batch %" PRIu64 " (%s), last at %" PRIu64 " (%s), counted %" PRIu64 "\n", r->first_n, first,
           r->last_n, last, r->count);
    if (r->drill) {
        printf("    drill %" PRIu64 " made it do so: nothing stands against it\n", r->drill);
    }
}

/* Letters, digits and dots of the name, so that it is a file name anywhere. */
static void file_name(struct buffer *out, const struct evidence *s, const struct evidence_record *r,
                      const char *culprit) {
    buffer_printf(out, "%s/%s-%s-", s->save, evidence_code(r->kind), evidence_name(r->kind));
    for (const char *c = culprit; *c; c++) {
        bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') || *c == '.';
        buffer_u8(out, plain ? (uint8_t)*c : '-');
    }
    if (r->drill) {
        buffer_printf(out, "-drill-%" PRIu64, r->drill);
    }
    buffer_printf(out, "-%" PRIu64 ".evidence", r->last_n);
}

static int write_file(const struct evidence *s, const char *path, struct bytes content) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    bool good = fd >= 0 && durable_write_all(fd, content) && fsync(fd) == 0;
    int failed = errno;
    if (fd >= 0) {
        close(fd);
    }
    return good ? CLI_GO_ON
                : cli_fail(&s->cli, CLI_REFUSED, "cannot write (%s): %s: choose another with --save", strerror(failed),
                           path);
}

static int save_record(struct evidence *s, const struct evidence_record *r, const char *culprit) {
    struct buffer blocks = {0}, file = {0}, path = {0};
    int code = CLI_GO_ON;
    if (digest_is_zero(&r->frames)) {
        cli_fail(&s->cli, CLI_REFUSED, "no frames to save: %s of %s: the log itself holds both contents",
                 evidence_code(r->kind), culprit);
    } else if (client_evidence(s->client, r, true, s->cli.timeout, &blocks) != ERR_OK ||
               evidence_file_encode(&file, r->kind, buffer_bytes(&blocks)) != ERR_OK) {
        code = cli_fail(&s->cli, CLI_REFUSED, "no replica gave its frames: %s of %s: try again when more answer",
                        evidence_code(r->kind), culprit);
    } else {
        file_name(&path, s, r, culprit);
        code = write_file(s, buffer_cstr(&path), buffer_bytes(&file));
        s->saved += code == CLI_GO_ON;
        if (code == CLI_GO_ON && !s->cli.json) {
            printf("    saved as %s\n", buffer_cstr(&path));
        }
    }
    buffer_free(&blocks);
    buffer_free(&file);
    buffer_free(&path);
    return code;
}

static int show_record(struct evidence *s, const struct evidence_record *r) {
    struct buffer name = {0};
    int code = CLI_GO_ON;
    record_culprit(s, r, &name);
    const char *culprit = buffer_cstr(&name);
    s->cli.json ? print_record_json(r, culprit) : print_record_text(r, culprit);
    s->listed++;
    if (s->save) {
        code = save_record(s, r, culprit);
    }
    buffer_free(&name);
    return code;
}

static int take_page(struct evidence *s, const struct client_reply *reply, bool *more) {
    struct arena arena = {0};
    struct query_page page;
    int code = CLI_GO_ON;
    enum error e = query_page_decode(&page, reply->reply.value, &arena);
    struct reader r = reader_of(page.part);
    unsigned before = s->listed;
    while (e == ERR_OK && r.at < r.end && code == CLI_GO_ON) {
        struct evidence_record record;
        e = evidence_record_decode(&record, &r);
        if (e == ERR_OK) {
            code = show_record(s, &record);
        }
    }
    *more = e == ERR_OK && page.more && s->listed > before;
    arena_free(&arena);
    return e == ERR_OK ? code : cli_fail_error(&s->cli, e, "the answer");
}

static int list(struct evidence *s) {
    int code = CLI_GO_ON;
    bool more = true;
    while (code == CLI_GO_ON && more) {
        struct request r = {.kind = OP_QUERY,
                            .query = {.kind = QUERY_EVIDENCE,
                                      .host = "",
                                      .service = "",
                                      .after_host = "",
                                      .after_service = "",
                                      .limit = QUERY_PAGE_MAX,
                                      .offset = s->listed}};
        struct client_reply reply;
        struct buffer why = {0};
        enum error e = client_call(s->client, s->cli.key_path, &r, s->cli.timeout, &reply, &why);
        if (e == ERR_OK) {
            code = reply.reply.result != ERR_OK ? cli_fail_error(&s->cli, reply.reply.result, "the query")
                                                : take_page(s, &reply, &more);
            client_reply_free(&reply);
        } else {
            code = cli_fail_call(&s->cli, e, "the query", &why);
        }
        buffer_free(&why);
    }
    if (code == CLI_GO_ON && s->listed == 0 && !s->cli.json) {
        puts("no evidence: nobody was proven to have broken the rules");
    }
    return code == CLI_GO_ON ? CLI_DONE : code;
}

static int online(struct evidence *s) {
    int code = cli_need_key(&s->cli);
    if (code == CLI_GO_ON && s->cli.operand_count > 0) {
        code = cli_fail(&s->cli, CLI_USAGE, "files are given without --verify: %s: add --verify to check them",
                        s->cli.operands[0]);
    }
    if (code == CLI_GO_ON && s->save && mkdir(s->save, 0755) < 0 && errno != EEXIST) {
        code = cli_fail(&s->cli, CLI_REFUSED, "cannot make the directory (%s): %s: choose another with --save",
                        strerror(errno), s->save);
    }
    if (code == CLI_GO_ON) {
        code = cli_open_client(&s->cli, s->cluster, &s->client);
    }
    return code == CLI_GO_ON ? list(s) : code;
}

/* ---- offline ---- */

static void say_proven(const struct evidence *s, const char *path, const struct op_evidence *e,
                       const struct evidence_finding *f) {
    struct buffer name = {0};
    evidence_culprit(&name, s->cluster, &f->culprit);
    if (s->cli.json) {
        json_t *j = json_object();
        json_object_set_new(j, "file", json_string(path));
        json_object_set_new(j, "proven", json_true());
        put_what(j, e->kind, buffer_cstr(&name), f->v, f->n);
        print_line(j);
    } else {
        printf("%s: proven: %s %s (%s %s, view %" PRIu64 " n %" PRIu64 ")\n", path, buffer_cstr(&name),
               evidence_explanation(e->kind), evidence_code(e->kind), evidence_name(e->kind), f->v, f->n);
    }
    buffer_free(&name);
}

static void say_refused(struct evidence *s, const char *path, enum error why) {
    s->refused++;
    if (s->cli.json) {
        json_t *j = json_object();
        json_object_set_new(j, "file", json_string(path));
        json_object_set_new(j, "proven", json_false());
        json_object_set_new(j, "reason", json_string(error_name(why)));
        print_line(j);
    }
    cli_fail(&s->cli, CLI_REFUSED, "it proves nothing, %s (%s): %s: do not believe this file", error_text(why),
             error_name(why), path);
}

static void verify_file(struct evidence *s, const struct evidence_judge *judge, const char *path) {
    struct buffer file = {0};
    struct op_evidence e;
    struct evidence_finding f;
    if (!read_file(&file, path)) {
        s->refused++;
        cli_fail(&s->cli, CLI_REFUSED, "cannot read (%s): %s: name a readable file", strerror(errno), path);
        buffer_free(&file);
        return;
    }
    enum error why = evidence_file_decode(&e, buffer_bytes(&file));
    if (why == ERR_OK) {
        why = evidence_verify(judge, &e, &f);
    }
    if (why == ERR_OK) {
        say_proven(s, path, &e, &f);
    } else {
        say_refused(s, path, why);
    }
    buffer_free(&file);
}

static int offline(struct evidence *s) {
    struct verifier verifier;
    struct evidence_judge judge = {&verifier, s->keys, s->cluster->knobs.window};
    cluster_verifier(&verifier, s->cluster);
    if (s->cli.operand_count == 0) {
        return cli_fail(&s->cli, CLI_USAGE, "no file: --verify: name files that `quorate evidence --save` wrote");
    }
    for (unsigned i = 0; i < s->cli.operand_count; i++) {
        verify_file(s, &judge, s->cli.operands[i]);
    }
    return s->refused ? CLI_REFUSED : CLI_DONE;
}

int verb_evidence(int argc, char **argv) {
    struct evidence s = {0};
    const struct cli_option options[] = {
        {"save", 0, CLI_TEXT, &s.save, "DIR", "save the frames that prove each, one file each"},
        {"verify", 0, CLI_FLAG, &s.verify, NULL, "check saved files offline, with cluster.yaml alone"},
        {0}};
    const struct cli_verb verb = {
        .name = "evidence",
        .operands = "[--verify FILE...]",
        .summary = "Show who was proven to have broken the rules",
        .details =
            "`convicted` takes a traitor or a stolen key; `fault` may be broken hardware; `client-fault` is a client\n"
            "that lost its counter; `drill` is what a drill made a replica do. --verify exits 1 if any file proves "
            "nothing.",
        .operands_max = CLI_LIST_MAX,
        .options = options};
    int code = cli_parse(&s.cli, &verb, argc, argv);
    if (code == CLI_GO_ON) {
        code = cli_open_cluster(&s.cli, &s.cluster);
    }
    if (code == CLI_GO_ON) {
        s.keys = cluster_keyring(s.cluster);
        code = s.verify ? offline(&s) : online(&s);
    }
    client_close(s.client);
    keyring_free(s.keys);
    cluster_free(s.cluster);
    return code;
}
