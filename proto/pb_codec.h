/* What the codec files of this room share, and nobody else includes: a strict, bounded door to protobuf-c, and the
   parts that several messages are made of. */
#ifndef QUORATE_PROTO_PB_CODEC_H
#define QUORATE_PROTO_PB_CODEC_H

#include "proto/codec.h"
#include "proto/op.h"
#include "proto/quorate.pb-c.h"

/* A decoder takes field after field; the first refusal stays and the rest of the takes are harmless. What was taken
   lies in the arena or in the body. */
struct taker {
    struct arena *arena;
    enum error error;
};
void take_refuse(struct taker *t, enum error reason); /* keeps the first reason */
/* The message, or NULL with a reason: only the canonical encoding is taken (proto/quorate.proto). Memory comes from the
   arena, and one byte behind every bytes field is NUL. */
const void *take_message(struct taker *t, const ProtobufCMessageDescriptor *descriptor, struct bytes body);
/* The value itself, or low with ERR_OUT_OF_RANGE. */
uint64_t take_range(struct taker *t, uint64_t value, uint64_t low, uint64_t high);
uint64_t take_number(struct taker *t, uint64_t value, uint64_t low); /* n, view, req_seq: low..NUMBER_MAX */
time_ms take_time(struct taker *t, int64_t value);                   /* 0..TIME_MAX_MS */
enum error take_error(struct taker *t, uint32_t number);             /* a number of base/error.h */
void take_fixed(struct taker *t, void *out, size_t len, ProtobufCBinaryData in);
struct bytes take_bytes(struct taker *t, ProtobufCBinaryData in, size_t min, size_t max);
const char *take_text(struct taker *t, ProtobufCBinaryData in, size_t max);
/* List of count elements, min..max of them (ERR_TOO_MANY, ERR_MALFORMED); NULL when refused. */
void *take_list(struct taker *t, size_t count, size_t min, size_t max, size_t element_size);

/* For encoders: memory of an arena without limit, fields that borrow, and the packing itself. */
void *put_list(struct arena *a, size_t count, size_t element_size);
ProtobufCBinaryData put_bytes(struct bytes b);
ProtobufCBinaryData put_text(const char *text);
ProtobufCBinaryData put_fixed(const void *data, size_t len);
void put_message(struct buffer *out, const ProtobufCMessage *message);

/* Parts. put_ functions allocate in the arena; what they return borrows from their argument. */
Quorate__MemberSignature **put_signatures(struct arena *a, const struct member_signature *list, unsigned count);
unsigned take_signatures(struct taker *t, struct member_signature out[MEMBERS_MAX], Quorate__MemberSignature **list,
                         size_t count);
ProtobufCBinaryData put_vote(struct arena *a, const struct vote *v);
void take_vote(struct taker *t, struct vote *out, ProtobufCBinaryData in);
void take_vote_body(struct taker *t, struct vote *out, const uint8_t in[VOTE_BODY_LEN]);
void take_checkpoint_body(struct taker *t, struct checkpoint *out, const uint8_t in[CHECKPOINT_BODY_LEN]);
void take_receipt_body(struct taker *t, struct receipt_body *out, const uint8_t in[RECEIPT_BODY_LEN]);
Quorate__CheckpointCert *put_checkpoint_cert(struct arena *a, const struct checkpoint_cert *c);
void take_checkpoint_cert(struct taker *t, struct checkpoint_cert *out, const Quorate__CheckpointCert *in);
Quorate__Prepared *put_prepared(struct arena *a, const struct prepared_entry *p);
void take_prepared(struct taker *t, struct prepared_entry *out, const Quorate__Prepared *in);
Quorate__Certificate *put_certificate(struct arena *a, const struct certificate *c);
void take_certificate(struct taker *t, struct certificate *out, const Quorate__Certificate *in);
Quorate__Vote **put_vote_views(struct arena *a, const struct vote_view *list, unsigned count);
unsigned take_vote_views(struct taker *t, const struct vote_view **out, Quorate__Vote **list, size_t count);
ProtobufCBinaryData *put_texts(struct arena *a, const char *const *list, unsigned count);
unsigned take_texts(struct taker *t, const char *const **out, const ProtobufCBinaryData *list, size_t count,
                    size_t count_max, size_t text_max);
Quorate__Command *put_command(struct arena *a, const struct op_command *op);
void take_command(struct taker *t, struct op_command *out, const Quorate__Command *in);

Quorate__Notified *put_notified(struct arena *a, const struct op_notified *op);
void take_notified(struct taker *t, struct op_notified *out, const Quorate__Notified *in);

Quorate__Drill *put_drill(struct arena *a, const struct op_drill *op);
void take_drill(struct taker *t, struct op_drill *out, const Quorate__Drill *in);
Quorate__DrillStop *put_drill_stop(struct arena *a, const struct op_drill_stop *op);
void take_drill_stop(struct taker *t, struct op_drill_stop *out, const Quorate__DrillStop *in);
Quorate__DrillDone *put_drill_done(struct arena *a, const struct op_drill_done *op);
void take_drill_done(struct taker *t, struct op_drill_done *out, const Quorate__DrillDone *in);

/* Bodies, one pair a message; msg_codec.c chooses by type. */
void encode_view_change(struct buffer *out, const struct msg_view_change *m);
void decode_view_change(struct taker *t, struct msg_view_change *out, struct bytes body);
void encode_new_view(struct buffer *out, const struct msg_new_view *m);
void decode_new_view(struct taker *t, struct msg_new_view *out, struct bytes body);
void encode_decision(struct buffer *out, const struct msg_decision *m);
void decode_decision(struct taker *t, struct msg_decision *out, struct bytes body);
void encode_fetch_cert(struct buffer *out, const struct msg_fetch_cert *m);
void decode_fetch_cert(struct taker *t, struct msg_fetch_cert *out, struct bytes body);
void encode_cert(struct buffer *out, const struct msg_cert *m);
void decode_cert(struct taker *t, struct msg_cert *out, struct bytes body);
void encode_st_fetch(struct buffer *out, const struct msg_st_fetch *m);
void decode_st_fetch(struct taker *t, struct msg_st_fetch *out, struct bytes body);
void encode_st_data(struct buffer *out, const struct msg_st_data *m);
void decode_st_data(struct taker *t, struct msg_st_data *out, struct bytes body);
void encode_recall(struct buffer *out, const struct msg_recall *m);
void decode_recall(struct taker *t, struct msg_recall *out, struct bytes body);
void encode_recalled(struct buffer *out, const struct msg_recalled *m);
void decode_recalled(struct taker *t, struct msg_recalled *out, struct bytes body);
void encode_fetch_alerts(struct buffer *out, const struct msg_fetch_alerts *m);
void decode_fetch_alerts(struct taker *t, struct msg_fetch_alerts *out, struct bytes body);
void encode_outputs(struct buffer *out, const struct msg_outputs *m);
void decode_outputs(struct taker *t, struct msg_outputs *out, struct bytes body);
void encode_refusal(struct buffer *out, const struct msg_refusal *m);
void decode_refusal(struct taker *t, struct msg_refusal *out, struct bytes body);
void encode_fetch_evidence(struct buffer *out, const struct msg_fetch_evidence *m);
void decode_fetch_evidence(struct taker *t, struct msg_fetch_evidence *out, struct bytes body);
void encode_evidence(struct buffer *out, const struct msg_evidence *m);
void decode_evidence(struct taker *t, struct msg_evidence *out, struct bytes body);
void encode_status(struct buffer *out, const struct msg_status *m);
void decode_status(struct taker *t, struct msg_status *out, struct bytes body);

#endif
