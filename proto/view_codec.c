/* VIEW-CHANGE and NEW-VIEW bodies. A NEW-VIEW carries whole VIEW-CHANGE frames inside its core, which are opened and
   decoded here too, so that whoever verifies it sees nothing but bounded, sorted messages. */
#include "base/invariant.h"
#include "proto/pb_codec.h"

void encode_view_change(struct buffer *out, const struct msg_view_change *m) {
    REQUIRE(m->count <= WINDOW_MAX);
    struct arena a = {0};
    Quorate__ViewChange pb = QUORATE__VIEW_CHANGE__INIT;
    pb.view = m->v;
    pb.certificate = put_checkpoint_cert(&a, &m->c);
    pb.n_prepared = m->count;
    pb.prepared = put_list(&a, m->count, sizeof *pb.prepared);
    for (unsigned i = 0; i < m->count; i++) {
        pb.prepared[i] = put_prepared(&a, &m->p[i]);
    }
    put_message(out, &pb.base);
    arena_free(&a);
}

void decode_view_change(struct taker *t, struct msg_view_change *out, struct bytes body) {
    const Quorate__ViewChange *in = take_message(t, &quorate__view_change__descriptor, body);
    if (!in) {
        return;
    }
    out->v = take_number(t, in->view, 1);
    take_checkpoint_cert(t, &out->c, in->certificate);
    struct prepared_entry *p = take_list(t, in->n_prepared, 0, WINDOW_MAX, sizeof *p);
    for (size_t i = 0; p && i < in->n_prepared; i++) {
        take_prepared(t, &p[i], in->prepared[i]);
        if (i > 0 && p[i].statement.n <= p[i - 1].statement.n) {
            take_refuse(t, ERR_NOT_CANONICAL);
        }
    }
    out->count = p ? (unsigned)in->n_prepared : 0;
    out->p = p;
}

static Quorate__NewViewSlot **put_slots(struct arena *a, const struct msg_new_view *nv) {
    Quorate__NewViewSlot **out = put_list(a, nv->slot_count, sizeof *out);
    Quorate__NewViewSlot *items = put_list(a, nv->slot_count, sizeof *items);
    for (unsigned i = 0; i < nv->slot_count; i++) {
        quorate__new_view_slot__init(&items[i]);
        items[i].n = nv->slots[i].n;
        items[i].digest = put_fixed(nv->slots[i].d.b, DIGEST_LEN);
        out[i] = &items[i];
    }
    return out;
}

void codec_new_view_core(struct buffer *out, const struct msg_new_view *nv) {
    REQUIRE(nv->vc_count <= MEMBERS_MAX && nv->slot_count <= WINDOW_MAX);
    struct arena a = {0};
    Quorate__NewViewCore pb = QUORATE__NEW_VIEW_CORE__INIT;
    pb.view = nv->v;
    pb.n_view_changes = nv->vc_count;
    pb.view_changes = put_list(&a, nv->vc_count, sizeof *pb.view_changes);
    for (unsigned i = 0; i < nv->vc_count; i++) {
        pb.view_changes[i] = put_bytes(nv->vcs[i].raw);
    }
    pb.n_slots = nv->slot_count;
    pb.slots = put_slots(&a, nv);
    put_message(out, &pb.base);
    arena_free(&a);
}

void encode_new_view(struct buffer *out, const struct msg_new_view *m) {
    REQUIRE(m->core.len > 0 && m->slot_count <= WINDOW_MAX);
    struct arena a = {0};
    Quorate__NewView pb = QUORATE__NEW_VIEW__INIT;
    pb.core = put_bytes(m->core);
    pb.n_primary_signatures = m->slot_count;
    pb.primary_signatures = put_list(&a, m->slot_count, sizeof *pb.primary_signatures);
    for (unsigned i = 0; i < m->slot_count; i++) {
        pb.primary_signatures[i] = put_fixed(m->slots[i].pp_sig.b, SIGNATURE_LEN);
    }
    put_message(out, &pb.base);
    arena_free(&a);
}

static void take_view_change_frame(struct taker *t, struct msg *out, ProtobufCBinaryData in) {
    struct frame f;
    enum error e = frame_open(&f, bytes_of(in.data, in.len));
    if (e == ERR_OK && f.type != FRAME_VIEW_CHANGE) {
        e = ERR_BAD_TYPE;
    }
    if (e == ERR_OK) {
        e = codec_decode(out, &f, t->arena);
    }
    if (e == ERR_OK && f.sender >= MEMBERS_MAX) {
        e = ERR_NOT_A_MEMBER;
    }
    take_refuse(t, e);
}

static void take_view_changes(struct taker *t, struct msg_new_view *out, const Quorate__NewViewCore *in) {
    struct msg *vcs = take_list(t, in->n_view_changes, 1, MEMBERS_MAX, sizeof *vcs);
    for (size_t i = 0; vcs && t->error == ERR_OK && i < in->n_view_changes; i++) {
        take_view_change_frame(t, &vcs[i], in->view_changes[i]);
        if (i > 0 && vcs[i].sender <= vcs[i - 1].sender) {
            take_refuse(t, ERR_NOT_CANONICAL);
        }
    }
    out->vc_count = vcs ? (unsigned)in->n_view_changes : 0;
    out->vcs = vcs;
}

static void take_slots(struct taker *t, struct msg_new_view *out, const Quorate__NewViewCore *core,
                       const Quorate__NewView *in) {
    struct new_view_slot *slots = take_list(t, core->n_slots, 0, WINDOW_MAX, sizeof *slots);
    if (!slots || in->n_primary_signatures != core->n_slots) {
        take_refuse(t, ERR_MALFORMED);
        return;
    }
    for (size_t i = 0; i < core->n_slots; i++) {
        slots[i].n = take_number(t, core->slots[i]->n, 1);
        take_fixed(t, slots[i].d.b, DIGEST_LEN, core->slots[i]->digest);
        take_fixed(t, slots[i].pp_sig.b, SIGNATURE_LEN, in->primary_signatures[i]);
        if (i > 0 && slots[i].n != slots[i - 1].n + 1) {
            take_refuse(t, ERR_NOT_CANONICAL);
        }
    }
    out->slot_count = (unsigned)core->n_slots;
    out->slots = slots;
}

void decode_new_view(struct taker *t, struct msg_new_view *out, struct bytes body) {
    const Quorate__NewView *in = take_message(t, &quorate__new_view__descriptor, body);
    if (!in) {
        return;
    }
    out->core = take_bytes(t, in->core, 1, frame_cap(FRAME_NEW_VIEW));
    const Quorate__NewViewCore *core = take_message(t, &quorate__new_view_core__descriptor, out->core);
    if (!core) {
        return;
    }
    out->digest = crypto_digest(DIGEST_NEW_VIEW, out->core);
    out->v = take_number(t, core->view, 1);
    take_view_changes(t, out, core);
    take_slots(t, out, core, in);
}
