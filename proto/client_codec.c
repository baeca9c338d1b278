/* Bodies of what clients and replicas say to each other, and of STATUS, which both read. */
#include "base/invariant.h"
#include "proto/pb_codec.h"

#include <string.h>

void encode_fetch_alerts(struct buffer *out, const struct msg_fetch_alerts *m) {
    Quorate__FetchAlerts pb = QUORATE__FETCH_ALERTS__INIT;
    pb.after = m->after;
    pb.max = m->max;
    pb.wait_ms = m->wait_ms;
    put_message(out, &pb.base);
}

void decode_fetch_alerts(struct taker *t, struct msg_fetch_alerts *out, struct bytes body) {
    const Quorate__FetchAlerts *in = take_message(t, &quorate__fetch_alerts__descriptor, body);
    if (!in) {
        return;
    }
    *out = (struct msg_fetch_alerts){take_number(t, in->after, 0), in->max, in->wait_ms};
}

static Quorate__Output *put_output(struct arena *a, const struct output *o) {
    Quorate__Output *out = put_list(a, 1, sizeof *out);
    quorate__output__init(out);
    out->leaf = put_bytes(o->leaf);
    out->certificate = put_certificate(a, &o->cert);
    return out;
}

void encode_outputs(struct buffer *out, const struct msg_outputs *m) {
    REQUIRE(m->count <= OUTPUTS_MAX);
    struct arena a = {0};
    Quorate__Outputs pb = QUORATE__OUTPUTS__INIT;
    pb.alerts = m->alerts;
    pb.n_outputs = m->count;
    pb.outputs = put_list(&a, m->count, sizeof *pb.outputs);
    for (unsigned i = 0; i < m->count; i++) {
        pb.outputs[i] = put_output(&a, &m->list[i]);
    }
    put_message(out, &pb.base);
    arena_free(&a);
}

void decode_outputs(struct taker *t, struct msg_outputs *out, struct bytes body) {
    const Quorate__Outputs *in = take_message(t, &quorate__outputs__descriptor, body);
    if (!in) {
        return;
    }
    out->alerts = take_number(t, in->alerts, 0);
    struct output *list = take_list(t, in->n_outputs, 0, OUTPUTS_MAX, sizeof *list);
    for (size_t i = 0; list && i < in->n_outputs; i++) {
        list[i].leaf = take_bytes(t, in->outputs[i]->leaf, 1, OUTPUT_LEAF_MAX);
        take_certificate(t, &list[i].cert, in->outputs[i]->certificate);
    }
    out->count = list ? (unsigned)in->n_outputs : 0;
    out->list = list;
}

void encode_refusal(struct buffer *out, const struct msg_refusal *m) {
    Quorate__Refusal pb = QUORATE__REFUSAL__INIT;
    pb.request = put_fixed(m->request.b, DIGEST_LEN);
    pb.reason = m->reason;
    put_message(out, &pb.base);
}

void decode_refusal(struct taker *t, struct msg_refusal *out, struct bytes body) {
    const Quorate__Refusal *in = take_message(t, &quorate__refusal__descriptor, body);
    if (!in) {
        return;
    }
    take_fixed(t, out->request.b, DIGEST_LEN, in->request);
    out->reason = take_error(t, in->reason);
    if (out->reason == ERR_OK) {
        take_refuse(t, ERR_OUT_OF_RANGE);
    }
}

static struct bytes version_text(const struct msg_status *m) {
    return bytes_of(m->version, strnlen(m->version, sizeof m->version - 1));
}

enum { ECHO_LEN = 12 };

static void put_echo(struct buffer *out, const struct msg_status *m) {
    unsigned count = MEMBERS_MAX;
    while (count > 0 && m->echo[count - 1].counter == 0) {
        count--;
    }
    for (unsigned i = 0; i < count; i++) {
        buffer_u64(out, m->echo[i].counter);
        buffer_u32(out, m->echo[i].held_ms);
    }
}

static void take_echo(struct taker *t, struct msg_status *out, ProtobufCBinaryData in) {
    struct bytes b = take_bytes(t, in, 0, (size_t)MEMBERS_MAX * ECHO_LEN);
    struct reader r = reader_of(b);
    unsigned count = (unsigned)(b.len / ECHO_LEN);
    for (unsigned i = 0; i < count; i++) {
        out->echo[i].counter = read_u64(&r);
        out->echo[i].held_ms = read_u32(&r);
    }
    if (b.len % ECHO_LEN != 0 || (count > 0 && out->echo[count - 1].counter == 0)) {
        take_refuse(t, ERR_NOT_CANONICAL);
    }
}

void encode_status(struct buffer *out, const struct msg_status *m) {
    Quorate__Status pb = QUORATE__STATUS__INIT;
    struct buffer echo = {0};
    pb.boot = m->boot;
    pb.boot_random = m->boot_random;
    pb.counter = m->counter;
    pb.view = m->view;
    pb.phase = m->phase;
    pb.executed = m->executed;
    pb.certified = m->certified;
    pb.stable = m->stable;
    pb.log_hash = put_fixed(m->log_hash.b, DIGEST_LEN);
    pb.state_root = put_fixed(m->state_root.b, DIGEST_LEN);
    pb.wish = m->wish;
    pb.prepared = put_fixed(m->prepared, sizeof m->prepared);
    pb.committed = put_fixed(m->committed, sizeof m->committed);
    pb.t = m->t;
    pb.wall = m->wall;
    pb.alerts = m->alerts;
    pb.version = put_bytes(version_text(m));
    pb.suspects = m->suspects;
    put_echo(&echo, m);
    pb.echo = put_bytes(buffer_bytes(&echo));
    put_message(out, &pb.base);
    buffer_free(&echo);
}

static void take_status_marks(struct taker *t, struct msg_status *out, const Quorate__Status *in) {
    out->view = take_number(t, in->view, 0);
    out->phase = (enum phase)take_range(t, in->phase, PHASE_STARTING, PHASE_TILT);
    out->executed = take_number(t, in->executed, 0);
    out->certified = take_number(t, in->certified, 0);
    out->stable = take_number(t, in->stable, 0);
    out->wish = take_number(t, in->wish, 0);
    out->alerts = take_number(t, in->alerts, 0);
    out->t = take_time(t, in->t);
    out->wall = take_time(t, in->wall);
}

void decode_status(struct taker *t, struct msg_status *out, struct bytes body) {
    const Quorate__Status *in = take_message(t, &quorate__status__descriptor, body);
    if (!in) {
        return;
    }
    out->boot = in->boot;
    out->boot_random = in->boot_random;
    out->counter = in->counter;
    take_status_marks(t, out, in);
    take_fixed(t, out->log_hash.b, DIGEST_LEN, in->log_hash);
    take_fixed(t, out->state_root.b, DIGEST_LEN, in->state_root);
    take_fixed(t, out->prepared, sizeof out->prepared, in->prepared);
    take_fixed(t, out->committed, sizeof out->committed, in->committed);
    const char *version = take_text(t, in->version, sizeof out->version - 1);
    memcpy(out->version, version, strlen(version) + 1);
    out->suspects = (member_set)take_range(t, in->suspects, 0, (1u << MEMBERS_MAX) - 1);
    take_echo(t, out, in->echo);
}
