/* quorate verify: checks alert lines offline, with cluster.yaml alone. What a line says outside its certificate is not
   trusted: it is rendered anew from the signed leaf and compared byte for byte. */
#include "client/verify.h"

#include "client/cli.h"
#include "client/render.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEAF_ARENA_MAX = 16 << 20 };

/* --- reading a certificate --- */

static bool read_integer(const json_t *object, const char *key, int64_t lowest, int64_t highest, int64_t *out) {
    const json_t *j = json_object_get(object, key);
    if (!json_is_integer(j) || json_integer_value(j) < lowest || json_integer_value(j) > highest) {
        return false;
    }
    *out = json_integer_value(j);
    return true;
}

static bool read_hex(const json_t *j, struct digest *out) {
    return json_is_string(j) && hex_decode(out->b, DIGEST_LEN, json_string_value(j));
}

static bool read_base64(const json_t *j, struct buffer *out) {
    return json_is_string(j) && base64_decode(out, json_string_value(j));
}

static bool read_numbers(const json_t *j, struct certificate *c) {
    int64_t epoch, n, t, index, count;
    if (!read_integer(j, "epoch", 0, UINT32_MAX, &epoch) || !read_integer(j, "n", 0, INT64_MAX, &n) ||
        !read_integer(j, "t_ms", INT64_MIN, INT64_MAX, &t) || !read_integer(j, "index", 0, UINT32_MAX, &index) ||
        !read_integer(j, "count", 1, UINT32_MAX, &count)) {
        return false;
    }
    c->epoch = (epoch_no)epoch;
    c->body.n = (seq_no)n;
    c->body.t = t;
    c->index = (uint32_t)index;
    c->count = (uint32_t)count;
    return true;
}

static bool read_path(const json_t *j, struct certificate *c) {
    if (!json_is_array(j) || json_array_size(j) > MERKLE_PATH_MAX) {
        return false;
    }
    c->path_len = (unsigned)json_array_size(j);
    for (unsigned i = 0; i < c->path_len; i++) {
        if (!read_hex(json_array_get(j, i), &c->path[i])) {
            return false;
        }
    }
    return true;
}

static bool read_receipt(const json_t *j, struct receipt_signature *out) {
    int64_t replica;
    struct buffer sig = {0};
    bool good = read_integer(j, "replica", 0, MEMBERS_MAX - 1, &replica) &&
                read_base64(json_object_get(j, "signature"), &sig) && sig.len == SIGNATURE_LEN;
    if (good) {
        out->replica = (member_id)replica;
        memcpy(out->sig.b, sig.data, SIGNATURE_LEN);
    }
    buffer_free(&sig);
    return good;
}

static bool read_receipts(const json_t *j, struct certificate *c) {
    if (!json_is_array(j) || json_array_size(j) > MEMBERS_MAX) {
        return false;
    }
    c->receipts_len = (unsigned)json_array_size(j);
    for (unsigned i = 0; i < c->receipts_len; i++) {
        if (!read_receipt(json_array_get(j, i), &c->receipts[i])) {
            return false;
        }
    }
    return true;
}

/* NULL, or the part that does not read. */
static const char *read_certificate(const json_t *j, struct certificate *c, struct buffer *leaf) {
    *c = (struct certificate){0};
    if (!json_is_object(j)) {
        return "no certificate";
    }
    if (!read_numbers(j, c)) {
        return "certificate: epoch, n, t_ms, index or count is missing or out of range";
    }
    if (!read_hex(json_object_get(j, "root"), &c->body.output_root)) {
        return "certificate.root: not a digest";
    }
    if (!read_hex(json_object_get(j, "log_hash"), &c->body.log_hash)) {
        return "certificate.log_hash: not a digest";
    }
    if (!read_path(json_object_get(j, "path"), c)) {
        return "certificate.path: not a list of digests";
    }
    if (!read_base64(json_object_get(j, "leaf"), leaf)) {
        return "certificate.leaf: not base64";
    }
    return read_receipts(json_object_get(j, "receipts"), c) ? NULL : "certificate.receipts: not a list of receipts";
}

/* --- the judgement --- */

static bool judge_certificate(const struct verifier *v, const struct client_alert *a, struct buffer *why) {
    member_id culprit = MEMBER_NONE;
    enum error e = certificate_verify(v, &a->certificate, a->leaf, &culprit);
    if (e == ERR_OK && a->certificate.receipts_len != quorum_weak(v->members)) {
        buffer_printf(why, "certificate.receipts: %u instead of exactly f+1 = %u", a->certificate.receipts_len,
                      quorum_weak(v->members));
        return false;
    }
    if (e != ERR_OK) {
        buffer_printf(why, "certificate: %s (%s)", error_text(e), error_name(e));
        if (culprit != MEMBER_NONE) {
            buffer_printf(why, ", replica %u", culprit);
        }
    }
    return e == ERR_OK;
}

static bool judge_rendering(struct client_alert *a, struct bytes line, struct buffer *why) {
    struct arena arena = {.limit = LEAF_ARENA_MAX};
    struct buffer anew = {0};
    bool same = false;
    enum error e = alert_decode(&a->alert, a->leaf, &arena);
    if (e != ERR_OK) {
        buffer_printf(why, "certificate.leaf: not an alert: %s (%s)", error_text(e), error_name(e));
    } else {
        render_alert_json(&anew, a);
        same = bytes_equal(buffer_bytes(&anew), line);
    }
    if (e == ERR_OK && !same) {
        size_t at = 0;
        while (at < anew.len && at < line.len && anew.data[at] == line.data[at]) {
            at++;
        }
        buffer_printf(why, "column %zu: the line is not what its signed leaf says", at + 1);
    }
    buffer_free(&anew);
    arena_free(&arena);
    return same;
}

bool verify_line(const struct verifier *v, struct bytes line, uint64_t *number, struct buffer *why) {
    json_error_t problem;
    struct client_alert a = {0};
    struct buffer leaf = {0};
    bool good = false;
    *number = 0;
    json_t *j = json_loadb((const char *)line.data, line.len, JSON_REJECT_DUPLICATES, &problem);
    const char *unread = read_certificate(json_object_get(j, "certificate"), &a.certificate, &leaf);
    if (j == NULL) {
        buffer_printf(why, "column %d: not JSON: %s", problem.column, problem.text);
    } else if (unread != NULL) {
        buffer_printf(why, "%s", unread);
    } else {
        a.leaf = buffer_bytes(&leaf);
        good = judge_certificate(v, &a, why) && judge_rendering(&a, line, why);
    }
    *number = good ? a.alert.number : 0;
    buffer_free(&leaf);
    json_decref(j);
    return good;
}

/* --- the verb --- */

struct verify {
    struct cli cli;
    struct cluster *cluster;
    struct verifier verifier;
    const char *path;
    uint64_t lines, proven, last;
};

static void print_json(const struct verify *s, bool good, uint64_t number, const char *why) {
    json_t *j = json_object();
    json_object_set_new(j, "line", json_integer((json_int_t)s->lines));
    json_object_set_new(j, "proven", json_boolean(good));
    json_object_set_new(j, "number", good ? json_integer((json_int_t)number) : json_null());
    json_object_set_new(j, "reason", good ? json_null() : json_string(why));
    json_dumpf(j, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(j);
}

static void judge_line(struct verify *s, struct bytes line) {
    struct buffer why = {0};
    uint64_t number;
    bool good = verify_line(&s->verifier, line, &number, &why);
    s->proven += good;
    if (s->cli.json) {
        print_json(s, good, number, buffer_cstr(&why));
    }
    if (!good) {
        cli_fail(&s->cli, CLI_REFUSED, "not proven, %s: %s:%" PRIu64 ": do not believe this line", buffer_cstr(&why),
                 s->path, s->lines);
    }
    buffer_free(&why);
}

static int judge_file(struct verify *s, FILE *in) {
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;
    errno = 0;
    while ((len = getline(&line, &cap, in)) > 0) {
        s->lines++;
        len -= line[len - 1] == '\n';
        judge_line(s, bytes_of(line, (size_t)len));
    }
    free(line);
    if (ferror(in)) {
        return cli_fail(&s->cli, CLI_REFUSED, "cannot read (%s): %s: check the file", strerror(errno), s->path);
    }
    if (s->lines == 0) {
        return cli_fail(&s->cli, CLI_REFUSED, "nothing to verify: %s: give the output of `quorate alerts --json`",
                        s->path);
    }
    if (!s->cli.json && s->proven == s->lines) {
        printf("%" PRIu64 " alert%s proven\n", s->proven, s->proven == 1 ? "" : "s");
    }
    return s->proven == s->lines ? CLI_DONE : CLI_REFUSED;
}

static int judge_path(struct verify *s) {
    bool is_stdin = strcmp(s->path, "-") == 0;
    FILE *in = is_stdin ? stdin : fopen(s->path, "re");
    if (in == NULL) {
        return cli_fail(&s->cli, CLI_REFUSED, "cannot open (%s): %s: name a readable file", strerror(errno), s->path);
    }
    int code = judge_file(s, in);
    if (!is_stdin) {
        fclose(in);
    }
    return code;
}

int verb_verify(int argc, char **argv) {
    static const struct cli_verb verb = {
        .name = "verify",
        .operands = "FILE",
        .summary = "Check alert lines offline, with cluster.yaml alone",
        .details =
            "FILE holds lines of `quorate alerts --json`; - is stdin. Exit 1 if any part of any line is not proven.",
        .operands_min = 1,
        .operands_max = 1};
    struct verify s = {0};
    int code = cli_parse(&s.cli, &verb, argc, argv);
    if (code == CLI_GO_ON) {
        code = cli_open_cluster(&s.cli, &s.cluster);
    }
    if (code == CLI_GO_ON) {
        s.path = s.cli.operands[0];
        cluster_verifier(&s.verifier, s.cluster);
        code = judge_path(&s);
    }
    cluster_free(s.cluster);
    return code;
}
