/* cluster.yaml: what is right is read and hashed the same everywhere, what is wrong is told with its line. */
#include "proto/cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
// clang-format off: it needs what stands above
#include <cmocka.h>
// clang-format on

static char keys[20][PUBLIC_KEY_TEXT];

static void make_keys(void) {
    for (uint8_t i = 0; i < 20; i++) {
        struct public_key pk;
        struct secret_key sk;
        uint8_t seed[SECRET_SEED_LEN] = {i, 1};
        crypto_keypair_from_seed(&pk, &sk, seed);
        crypto_public_key_text(keys[i], &pk);
    }
}

/* The example of the manual: line 1 cluster, 2 replicas, 3-6 their entries, 7 operators, 8, 9 observers, 10-11, 12...
 */
static void put_example(struct buffer *b) {
    buffer_printf(b, "cluster: demo\nreplicas:\n");
    for (unsigned i = 0; i < 4; i++) {
        buffer_printf(b,
                      "  - { id: %u, key: \"%s\", peer: \"tcp://127.0.0.1:73%02u\", client: \"tcp://127.0.0.1:73%u\", "
                      "http: \"127.0.0.1:73%u\" }\n",
                      i, keys[i], i, 10 + i, 20 + i);
    }
    buffer_printf(b, "operators:\n  - { name: operator, key: \"%s\", roles: [admin, drill] }\n", keys[10]);
    buffer_printf(b, "observers:\n  - { name: eu, key: \"%s\", hosts: [\"*\"] }\n", keys[11]);
    buffer_printf(b, "  - { name: us, key: \"%s\", hosts: [web?, db*.example] } # two globs\n", keys[12]);
    buffer_printf(b, "operators_needed: 1\nprotocol: { }\ndrills: off\n");
}

/* The example with the first `from` replaced by `to` (from "" = append). */
static struct buffer example_with(const char *from, const char *to) {
    struct buffer plain = {0}, out = {0};
    put_example(&plain);
    const char *text = buffer_cstr(&plain), *at = from[0] == 0 ? text + plain.len : strstr(text, from);
    assert_non_null(at);
    buffer_put(&out, text, (size_t)(at - text));
    buffer_printf(&out, "%s%s", to, at + strlen(from));
    buffer_free(&plain);
    return out;
}

static struct cluster *parse(const struct buffer *text) {
    struct cluster *c;
    struct buffer why = {0};
    enum error e = cluster_parse(&c, buffer_bytes(text), "c.yaml", &why);
    if (e != ERR_OK) {
        print_error("%s", buffer_cstr(&why));
    }
    assert_int_equal(e, ERR_OK);
    assert_non_null(c);
    buffer_free(&why);
    return c;
}

static struct cluster *parse_with(const char *from, const char *to) {
    struct buffer text = example_with(from, to);
    struct cluster *c = parse(&text);
    buffer_free(&text);
    return c;
}

/* The example so changed is refused with a line that starts with `where` and says `what`. */
static void refuse(const char *from, const char *to, const char *where, const char *what) {
    struct buffer text = example_with(from, to), why = {0}, start = {0};
    struct cluster *c;
    assert_int_not_equal(cluster_parse(&c, buffer_bytes(&text), "c.yaml", &why), ERR_OK);
    assert_null(c);
    buffer_printf(&start, "c.yaml:%s: ", where);
    const char *said = buffer_cstr(&why), *line = strstr(said, buffer_cstr(&start));
    if (line == NULL || strstr(line, what) == NULL) {
        print_error("wanted: %s ... %s\nsaid: %s", buffer_cstr(&start), what, said);
        fail();
    }
    assert_int_equal(said[why.len - 1], '\n');
    for (const char *at = said; *at != 0; at = strchr(at, '\n') + 1) { /* FILE:LINE: field: problem: remedy */
        assert_int_equal(strncmp(at, "c.yaml:", 7), 0);
        const char *rest = at;
        for (int colons = 0; colons < 3; colons++) {
            rest = strstr(rest, ": ");
            assert_non_null(rest);
            rest += 2;
        }
        assert_true(rest < strchr(at, '\n'));
    }
    buffer_free(&text), buffer_free(&why), buffer_free(&start);
}

static void example_of_the_manual_is_read(void **state) {
    (void)state;
    struct cluster *c = parse_with("", "");
    assert_string_equal(c->name, "demo");
    assert_int_equal(c->member_count, 4);
    assert_string_equal(c->members[2].peer, "tcp://127.0.0.1:7302");
    assert_string_equal(c->members[2].client, "tcp://127.0.0.1:7312");
    assert_string_equal(c->members[2].http, "127.0.0.1:7322");
    assert_int_equal(c->operator_count, 1);
    assert_int_equal(c->operators[0].roles, OPERATOR_ADMIN | OPERATOR_DRILL);
    assert_int_equal(c->operators_needed, 1);
    assert_int_equal(c->observer_count, 2);
    assert_string_equal(c->observers[1].name, "us");
    assert_int_equal(c->observers[1].host_count, 2);
    assert_true(cluster_observer_may(&c->observers[1], "web1"));
    assert_false(cluster_observer_may(&c->observers[1], "web12"));
    assert_true(cluster_observer_may(&c->observers[1], "db7.example"));
    assert_true(cluster_observer_may(&c->observers[0], "anything"));
    assert_int_equal(c->drills, DRILLS_OFF);
    assert_true(c->t0 == 0);
    struct protocol_knobs standard = protocol_defaults();
    assert_memory_equal(&c->knobs, &standard, sizeof standard);
    cluster_free(c);
}

static void optional_fields_may_be_left_out(void **state) {
    (void)state;
    struct cluster *c = parse_with("operators_needed: 1\nprotocol: { }\ndrills: off\n", "");
    assert_int_equal(c->operators_needed, 1);
    assert_int_equal(c->knobs.window, 256);
    cluster_free(c);
    c = parse_with(", http: \"127.0.0.1:7321\"", "");
    assert_string_equal(c->members[1].http, "");
    cluster_free(c);
    c = parse_with("protocol: { }", "protocol:");
    cluster_free(c);
}

static void replicas_may_stand_in_any_order(void **state) {
    (void)state;
    struct buffer text = example_with("id: 0", "id: 9"), swapped = {0};
    char *at = strstr((char *)(uintptr_t)buffer_cstr(&text), "id: 3");
    at[4] = '0';
    at = strstr((char *)text.data, "id: 9");
    at[4] = '3';
    buffer_printf(&swapped, "%s", buffer_cstr(&text));
    struct cluster *c = parse(&swapped);
    assert_string_equal(c->members[3].peer, "tcp://127.0.0.1:7300");
    assert_string_equal(c->members[0].peer, "tcp://127.0.0.1:7303");
    cluster_free(c);
    buffer_free(&text), buffer_free(&swapped);
}

static void knobs_and_drills_are_taken(void **state) {
    (void)state;
    struct cluster *c =
        parse_with("protocol: { }\ndrills: off", "protocol:\n  tick_ms: 200\n  window: 64\n"
                                                 "  checkpoint_interval: 32\ngenesis_ms: 1769601600123\ndrills: live");
    assert_int_equal(c->knobs.tick_ms, 200);
    assert_int_equal(c->knobs.window, 64);
    assert_int_equal(c->knobs.status_ms, 250);
    assert_int_equal(c->drills, DRILLS_LIVE);
    assert_true(c->t0 == 1769601600123);
    cluster_free(c);
    c = parse_with("drills: off", "drills: \"sandbox\"");
    assert_int_equal(c->drills, DRILLS_SANDBOX);
    cluster_free(c);
}

static void schema_problems_name_line_and_field(void **state) {
    (void)state;
    refuse("", "colour: red\n", "15: colour", "unknown key");
    refuse("http: \"127.0.0.1:7322\"", "htttp: x", "5: replicas[2].htttp", "unknown key");
    refuse("protocol: { }", "protocol: { tik_ms: 1 }", "13: protocol.tik_ms", "unknown key");
    refuse("client: \"tcp://127.0.0.1:7311\", ", "", "4: replicas[1].client", "missing");
    refuse("cluster: demo", "# none", "1: cluster", "missing");
    refuse("drills: off", "drills: false", "14: drills", "unknown word");
    refuse("roles: [admin, drill]", "roles: [root]", "8: operators[0].roles", "unknown word");
    refuse("protocol: { }", "protocol: { tick_ms: fast }", "13: protocol.tick_ms", "not a whole number");
    refuse("protocol: { }", "protocol: { tick_ms: -1 }", "13: protocol.tick_ms", "out of range");
    refuse("protocol: { }", "protocol: { tick_ms: 4294967296 }", "13: protocol.tick_ms", "out of range");
    refuse("hosts: [\"*\"]", "hosts: \"*\"", "10: observers[0].hosts", "expected");
    refuse("hosts: [\"*\"]", "hosts: []", "10: observers[0].hosts", "too few");
    refuse("", "cluster: again\n", "1: cluster", "written twice");
    refuse("", "---\ncluster: more\n", "1: file", "a second document");
    refuse("hosts: [\"*\"]", "hosts: [\"*\"", "10: observers[0].hosts[0]", "not YAML");
    refuse("id: 1", "id: one", "4: replicas[1].id", "not a whole number");
}

static void too_small_clusters_are_refused(void **state) {
    (void)state;
    struct buffer text = example_with("", "");
    const char *start = strstr(buffer_cstr(&text), "  - { id: 3");
    size_t len = (size_t)(strchr(start, '\n') + 1 - start);
    char *line = xcalloc(len + 1, 1);
    memcpy(line, start, len);
    refuse(line, "", "3: replicas", "too few");
    free(line);
    buffer_free(&text);
}

static void semantic_problems_name_line_and_field(void **state) {
    (void)state;
    refuse("id: 3", "id: 2", "6: replicas[3].id", "used twice");
    refuse("id: 3", "id: 4", "6: replicas[3].id", "beyond");
    refuse("id: 3", "id: 18446744073709551615", "6: replicas[3].id", "beyond");
    refuse(keys[1], "ed25519:AAAA", "4: replicas[1].key", "not a public key");
    refuse(keys[12], "", "11: observers[1].key", "not a public key");
    refuse(keys[2], keys[0], "5: replicas[2].key", "the same key as replicas[0]");
    refuse(keys[12], keys[10], "11: observers[1].key", "the same key as operators[0]");
    refuse("name: us", "name: eu", "11: observers[1].name", "the same name as observers[0]");
    refuse("name: us", "name: operator", "11: observers[1].name", "the same name as operators[0]");
    refuse("name: us", "name: \"u s\"", "11: observers[1].name", "not a name");
    refuse("name: us", "name: \"\"", "11: observers[1].name", "not a name");
    refuse("cluster: demo", "cluster: \"a,b\"", "1: cluster", "not a name");
    refuse("operators_needed: 1", "operators_needed: 2", "12: operators_needed", "2 needed of 1");
    refuse("operators_needed: 1", "operators_needed: 0", "12: operators_needed", "0 needed of 1");
    refuse("[admin, drill]", "[drill]", "12: operators_needed", "1 needed of 0");
    refuse("[admin, drill]", "[]", "8: operators[0].roles", "empty");
    refuse("web?", "\"\"", "11: observers[1].hosts", "no host pattern");
    refuse("operators_needed: 1", "genesis_ms: 253402300800000", "12: genesis_ms", "year 9999");
}

static void addresses_are_checked(void **state) {
    (void)state;
    static const char *const bad[] = {"",
                                      "127.0.0.1:7300",
                                      "udp://127.0.0.1:7300",
                                      "tcp://",
                                      "tcp://127.0.0.1",
                                      "tcp://:7300",
                                      "tcp://127.0.0.1:",
                                      "tcp://127.0.0.1:0",
                                      "tcp://127.0.0.1:65536",
                                      "tcp://127.0.0.1:7300x",
                                      "tcp://127.0.0.1:7300/x",
                                      "tcp://a b:1",
                                      "tcp://::1:7300",
                                      "ipc://"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        refuse("tcp://127.0.0.1:7302", bad[i], "5: replicas[2].peer", "not a");
    }
    refuse("\"127.0.0.1:7322\"", "\"7322\"", "5: replicas[2].http", "write host:port");
    refuse("tcp://127.0.0.1:7302", "tcp://127.0.0.1:7311", "5: replicas[2].peer",
           "the same address as replicas[1].client");
    static const char *const good[] = {"tcp://[::1]:7302", "tcp://replica-2.example:65535", "ipc:///run/q/2.sock"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        cluster_free(parse_with("tcp://127.0.0.1:7302", good[i]));
    }
}

static void tls_is_refused_plainly(void **state) {
    (void)state;
    refuse("tcp://127.0.0.1:7302", "tls+tcp://127.0.0.1:7302", "5: replicas[2].peer", "no TLS");
    refuse("", "tls: { ca: a.pem, cert: b.pem, key: c.pem }\n", "15: tls", "no TLS");
}

static void knobs_are_bounded_and_agree(void **state) {
    (void)state;
    refuse("{ }", "{ tick_ms: 0 }", "13: protocol.tick_ms", "choose 100 to 60000");
    refuse("{ }", "{ tick_ms: 60001 }", "13: protocol.tick_ms", "choose 100 to 60000");
    refuse("{ }", "\n  tick_ms: 500\n  window: 300", "15: protocol.window", "choose 2 to 256");
    refuse("{ }", "\n  window: 255", "14: protocol.window", "twice checkpoint_interval");
    refuse("{ }", "{ in_flight: 65, window: 64, checkpoint_interval: 32 }", "13: protocol.in_flight",
           "more than window");
    refuse("{ }", "{ timeout_cap_ms: 1000, request_timeout_ms: 1001 }", "13: protocol.timeout_cap_ms", "raise it");
    refuse("{ }", "{ cluster_gap_ms: 2000, tick_ms: 1001 }", "13: protocol.cluster_gap_ms", "two ticks");
    cluster_free(parse_with("{ }", "{ window: 256, checkpoint_interval: 128 }"));
}

static void every_problem_is_told_at_once(void **state) {
    (void)state;
    struct buffer text = example_with("id: 3", "id: 2"), why = {0};
    struct cluster *c;
    char *at = strstr((char *)(uintptr_t)buffer_cstr(&text), "name: us");
    memcpy(at, "name: eu", 8);
    assert_int_equal(cluster_parse(&c, buffer_bytes(&text), "c.yaml", &why), ERR_OUT_OF_RANGE);
    assert_non_null(strstr(buffer_cstr(&why), "c.yaml:6: replicas[3].id: "));
    assert_non_null(strstr(buffer_cstr(&why), "c.yaml:11: observers[1].name: "));
    buffer_free(&text), buffer_free(&why);
}

static void forged_lines_do_not_reach_the_terminal(void **state) {
    (void)state;
    static const char *const forged[] = {"drills: \"x\\nforged.yaml:1: y\\e[2J\"", "\"x\\nforged.yaml:1: y\\e[2J\": 1"};
    for (size_t i = 0; i < 2; i++) {
        struct buffer text = example_with("drills: off", forged[i]), why = {0};
        struct cluster *c;
        assert_int_not_equal(cluster_parse(&c, buffer_bytes(&text), "c.yaml", &why), ERR_OK);
        const char *said = buffer_cstr(&why);
        assert_ptr_equal(strchr(said, '\n'), said + why.len - 1);
        assert_null(strchr(said, '\x1b'));
        buffer_free(&text), buffer_free(&why);
    }
}

static void id_binds_all_but_addresses(void **state) {
    (void)state;
    struct cluster *base = parse_with("", "");
    static const char *const same[][2] = {{"tcp://127.0.0.1:7302", "tcp://10.0.0.3:7302"},
                                          {", http: \"127.0.0.1:7321\"", ""},
                                          {"operators_needed: 1\n", ""},
                                          {"{ }", "{ window: 256 }"}};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        struct cluster *c = parse_with(same[i][0], same[i][1]);
        assert_memory_equal(&c->id, &base->id, sizeof c->id);
        cluster_free(c);
    }
    const char *other[][2] = {{"demo", "demp"},
                              {keys[2], keys[13]},
                              {keys[10], keys[13]},
                              {keys[11], keys[13]},
                              {"name: operator", "name: op"},
                              {"[admin, drill]", "[admin]"},
                              {"[admin, drill]", "[admin, drill, notify]"},
                              {"name: eu", "name: ev"},
                              {"\"*\"", "\"?\""},
                              {"{ }", "{ window: 255, checkpoint_interval: 127 }"},
                              {"drills: off", "drills: sandbox"},
                              {"drills: off", "genesis_ms: 1"}};
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
        struct cluster *c = parse_with(other[i][0], other[i][1]);
        assert_memory_not_equal(&c->id, &base->id, sizeof c->id);
        cluster_free(c);
    }
    cluster_free(base);
}

/* The id stands in every signature, so the genesis' bytes may never change. */
static void id_is_golden(void **state) {
    (void)state;
    char text[2 * CLUSTER_ID_LEN + 1];
    struct cluster *c = parse_with("", "");
    hex_encode(text, bytes_of(c->id.b, sizeof c->id.b));
    assert_string_equal(text, "61e6559e1f8051a8c0eb38721c4e29dc");
    cluster_free(c);
}

static void written_cluster_reads_back_to_the_same_genesis(void **state) {
    (void)state;
    struct cluster *c =
        parse_with("protocol: { }\ndrills: off", "protocol: { tick_ms: 200 }\ngenesis_ms: 77\ndrills: live");
    free(c->observers[0].hosts[0]);
    c->observers[0].hosts[0] = xstrdup("we\"ird\\*: # {");
    c->operators[0].roles = OPERATOR_ADMIN | OPERATOR_NOTIFY;
    cluster_set_id(c);
    struct buffer text = {0}, again = {0};
    cluster_write(&text, c);
    struct cluster *back = parse(&text);
    assert_memory_equal(&back->id, &c->id, sizeof c->id);
    assert_string_equal(back->members[3].http, c->members[3].http);
    assert_string_equal(back->observers[0].hosts[0], "we\"ird\\*: # {");
    cluster_write(&again, back);
    assert_string_equal(buffer_cstr(&again), buffer_cstr(&text));
    cluster_free(c), cluster_free(back);
    buffer_free(&text), buffer_free(&again);
}

static void ring_and_verifier_hold_the_keys_of_the_genesis(void **state) {
    (void)state;
    struct cluster *c = parse_with("", "");
    struct keyring *ring = cluster_keyring(c);
    struct verifier v;
    cluster_verifier(&v, c);
    assert_int_equal(keyring_count(ring), 7);
    assert_int_equal(keyring_find(ring, &c->members[2].key)->role, ROLE_MEMBER);
    assert_int_equal(keyring_find(ring, &c->members[2].key)->index, 2);
    assert_int_equal(keyring_find(ring, &c->operators[0].key)->role, ROLE_OPERATOR);
    assert_int_equal(keyring_find(ring, &c->observers[1].key)->role, ROLE_OBSERVER);
    assert_int_equal(keyring_find(ring, &c->observers[1].key)->index, 1);
    assert_int_equal(v.members, 4);
    assert_int_equal(v.epoch, 0);
    assert_true(public_key_equal(&v.keys[3], &c->members[3].key));
    assert_memory_equal(&v.cluster, &c->id, sizeof v.cluster);
    keyring_free(ring);
    cluster_free(c);
}

static void files_that_are_no_cluster_are_refused(void **state) {
    (void)state;
    struct buffer why = {0};
    struct cluster *c;
    assert_int_equal(cluster_load(&c, "/nonexistent/c.yaml", &why), ERR_NOT_FOUND);
    assert_non_null(strstr(buffer_cstr(&why), "/nonexistent/c.yaml: file: can't open"));
    static const char *const texts[] = {"",
                                        "# nothing\n",
                                        "[]",
                                        "x",
                                        "cluster: *a\n",
                                        "? [a]\n: b\n",
                                        "\x01",
                                        "\xff\xfe",
                                        "cluster: &a [*a, *a]\n",
                                        "{{{{{{{{{{{{{{{{",
                                        "- - - - - - -",
                                        "cluster: \"\\0\""};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        buffer_clear(&why);
        assert_int_equal(cluster_parse(&c, bytes_of_text(texts[i]), "c.yaml", &why), ERR_MALFORMED);
        assert_null(c);
        assert_int_equal(strncmp(buffer_cstr(&why), "c.yaml:", 7), 0);
    }
    buffer_clear(&why); /* what reading an empty file gives */
    assert_int_equal(cluster_parse(&c, (struct bytes){0}, "c.yaml", &why), ERR_MALFORMED);
    assert_string_equal(buffer_cstr(&why),
                        "c.yaml:1: file: empty: name a cluster.yaml or make one with `quorate init`\n");
    buffer_free(&why);
}

static void cut_off_files_are_refused_or_read_whole(void **state) {
    (void)state;
    struct buffer text = example_with("", ""), why = {0};
    for (size_t len = 0; len < text.len; len += 3) {
        struct cluster *c;
        buffer_clear(&why);
        enum error e = cluster_parse(&c, bytes_of(text.data, len), "c.yaml", &why);
        assert_int_equal(e == ERR_OK, c != NULL);
        assert_int_equal(e == ERR_OK, why.len == 0);
        cluster_free(c);
    }
    buffer_free(&text), buffer_free(&why);
}

int main(void) {
    crypto_start();
    make_keys();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(example_of_the_manual_is_read),
        cmocka_unit_test(optional_fields_may_be_left_out),
        cmocka_unit_test(replicas_may_stand_in_any_order),
        cmocka_unit_test(knobs_and_drills_are_taken),
        cmocka_unit_test(schema_problems_name_line_and_field),
        cmocka_unit_test(too_small_clusters_are_refused),
        cmocka_unit_test(semantic_problems_name_line_and_field),
        cmocka_unit_test(addresses_are_checked),
        cmocka_unit_test(tls_is_refused_plainly),
        cmocka_unit_test(knobs_are_bounded_and_agree),
        cmocka_unit_test(every_problem_is_told_at_once),
        cmocka_unit_test(forged_lines_do_not_reach_the_terminal),
        cmocka_unit_test(id_binds_all_but_addresses),
        cmocka_unit_test(id_is_golden),
        cmocka_unit_test(written_cluster_reads_back_to_the_same_genesis),
        cmocka_unit_test(ring_and_verifier_hold_the_keys_of_the_genesis),
        cmocka_unit_test(files_that_are_no_cluster_are_refused),
        cmocka_unit_test(cut_off_files_are_refused_or_read_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
