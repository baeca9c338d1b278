/* Bodies of protocol messages: bytes <-> struct msg. protobuf-c is seen by the codec files of this room only. Decoding
   is bounded by the type's cap and the arena's limit, consumes all or refuses, and sets no field that was not checked
   against its range (member ids < MEMBERS_MAX, counts, sortedness, UTF-8). Signatures of the frame itself are not
   checked here. */
#ifndef QUORATE_PROTO_CODEC_H
#define QUORATE_PROTO_CODEC_H

#include "proto/msg.h"

/* Appends the body of m (its type and union member) to out. m->raw and m->sig are not read. For NEW-VIEW the body is
   {core, pp_sigs}; m->new_view.core must hold the core made by codec_new_view_core. */
void codec_encode(struct buffer *out, const struct msg *m);
/* The core of a NEW-VIEW {v, V frames, O[{n,d}]} from m->new_view's v, vcs (their raw) and slots; nv_digest =
 * DIGEST_NEW_VIEW of it. */
void codec_new_view_core(struct buffer *out, const struct msg_new_view *nv);
/* Opens nothing: f was opened by frame_open. Everything in *out lives as long as f->raw and the arena. */
enum error codec_decode(struct msg *out, const struct frame *f, struct arena *arena);
/* The same for no more than the frame's signature covers: of a PRE-PREPARE the statement, whatever its batch is. */
enum error codec_decode_signed(struct msg *out, const struct frame *f, struct arena *arena);

/* Records of the store share the codec: a DECIDED record is a DECISION body, a CERT record a checkpoint_cert body. */
void codec_encode_checkpoint_cert(struct buffer *out, const struct checkpoint_cert *c);
enum error codec_decode_checkpoint_cert(struct checkpoint_cert *out, struct bytes bytes);
void codec_encode_prepared(struct buffer *out, const struct prepared_entry *p);
enum error codec_decode_prepared(struct prepared_entry *out, struct bytes bytes);
void codec_encode_certificate(struct buffer *out, const struct certificate *c);
enum error codec_decode_certificate(struct certificate *out, struct bytes bytes);

#endif
