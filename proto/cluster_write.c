/* Writes cluster.yaml, so that it reads back to the same genesis. All knobs are written out: another release's defaults
   must not make another cluster of it. */
#include "proto/cluster_parts.h"

static void put_quoted(struct buffer *out, const char *text) {
    buffer_u8(out, '"');
    for (; *text != 0; text++) {
        if (*text == '"' || *text == '\\') {
            buffer_u8(out, '\\');
        }
        buffer_u8(out, (uint8_t)*text);
    }
    buffer_u8(out, '"');
}

static void put_key(struct buffer *out, const struct public_key *key) {
    char text[PUBLIC_KEY_TEXT];
    crypto_public_key_text(text, key);
    put_quoted(out, text);
}

static void put_member(struct buffer *out, unsigned id, const struct cluster_member *m) {
    buffer_printf(out, "  - { id: %u, key: ", id);
    put_key(out, &m->key);
    buffer_printf(out, ", peer: ");
    put_quoted(out, m->peer);
    buffer_printf(out, ", client: ");
    put_quoted(out, m->client);
    if (m->http[0] != 0) {
        buffer_printf(out, ", http: ");
        put_quoted(out, m->http);
    }
    buffer_printf(out, " }\n");
}

static void put_operator(struct buffer *out, const struct cluster_operator *o) {
    static const struct {
        enum operator_role role;
        const char *word;
    } words[] = {{OPERATOR_ADMIN, "admin"}, {OPERATOR_DRILL, "drill"}, {OPERATOR_NOTIFY, "notify"}};
    const char *comma = "";
    buffer_printf(out, "  - { name: ");
    put_quoted(out, o->name);
    buffer_printf(out, ", key: ");
    put_key(out, &o->key);
    buffer_printf(out, ", roles: [");
    for (unsigned i = 0; i < sizeof words / sizeof words[0]; i++) {
        if ((o->roles & words[i].role) != 0) {
            buffer_printf(out, "%s%s", comma, words[i].word);
            comma = ", ";
        }
    }
    buffer_printf(out, "] }\n");
}

static void put_observer(struct buffer *out, const struct cluster_observer *o) {
    buffer_printf(out, "  - { name: ");
    put_quoted(out, o->name);
    buffer_printf(out, ", key: ");
    put_key(out, &o->key);
    buffer_printf(out, ", hosts: [");
    for (unsigned i = 0; i < o->host_count; i++) {
        buffer_printf(out, "%s", i == 0 ? "" : ", ");
        put_quoted(out, o->hosts[i]);
    }
    buffer_printf(out, "] }\n");
}

static void put_knobs(struct buffer *out, const struct cluster *c) {
    struct protocol_knobs knobs = c->knobs;
    buffer_printf(out, "\n# Timers and sizes; `quorated --help-protocol` explains them.\nprotocol:\n");
    for (size_t i = 0; i < knob_count; i++) {
        buffer_printf(out, "  %s: %u\n", knob_table[i].name, *knob_value(&knobs, &knob_table[i]));
    }
}

void cluster_write(struct buffer *out, const struct cluster *c) {
    static const char *const drills[] = {"off", "sandbox", "live"};
    buffer_printf(out, "# The genesis of a quorate cluster. Everything but addresses is hashed into the cluster's id,\n"
                       "# which stands in every signature: the same file, up to addresses, on every machine.\n");
    buffer_printf(out, "cluster: ");
    put_quoted(out, c->name);
    buffer_printf(out, "\ngenesis_ms: %lld  # when it was made, in ms since 1970\n", (long long)c->t0);
    unsigned f = quorum_faults(c->member_count);
    buffer_printf(out, "\n# %u replicas: up to %u of them may fail in any way, lies included.\nreplicas:\n",
                  c->member_count, f);
    for (unsigned i = 0; i < c->member_count; i++) {
        put_member(out, i, &c->members[i]);
    }
    buffer_printf(out, "\n# Who may change objects and policy (admin) and inject faults (drill).\noperators:\n");
    for (unsigned i = 0; i < c->operator_count; i++) {
        put_operator(out, &c->operators[i]);
    }
    buffer_printf(out, "operators_needed: %u  # of their keys, for what changes members or policy\n",
                  c->operators_needed);
    if (c->observer_count > 0) {
        buffer_printf(out, "\n# Who reports check results, for which hosts.\nobservers:\n");
    }
    for (unsigned i = 0; i < c->observer_count; i++) {
        put_observer(out, &c->observers[i]);
    }
    put_knobs(out, c);
    buffer_printf(out, "\n# Fault drills: off, sandbox or live; agreed by all replicas.\ndrills: %s\n",
                  drills[c->drills]);
}
