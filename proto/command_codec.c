/* Operators' commands as a message. Only bounds are judged here. */
#include "proto/pb_codec.h"

enum { COMMAND_DURATION_MAX_DAYS = 3650 };
#define COMMAND_DURATION_MAX (COMMAND_DURATION_MAX_DAYS * (uint64_t)86400 * 1000)

Quorate__Command *put_command(struct arena *a, const struct op_command *op) {
    Quorate__Command *out = put_list(a, 1, sizeof *out);
    quorate__command__init(out);
    out->kind = op->kind;
    out->target = op->target;
    out->subject = op->subject;
    out->host = put_text(op->host);
    out->service = put_text(op->service);
    out->observer = put_text(op->observer);
    out->flags = op->flags;
    out->start = op->start;
    out->end = op->end;
    out->duration = op->duration;
    out->id = op->id;
    out->author = put_text(op->author);
    out->comment = put_text(op->comment);
    return out;
}

void take_command(struct taker *t, struct op_command *out, const Quorate__Command *in) {
    out->kind = (enum command_kind)take_range(t, in->kind, COMMAND_ACKNOWLEDGE, COMMAND_KIND_LIMIT - 1);
    out->target = (enum command_target)take_range(t, in->target, TARGET_CLUSTER, TARGET_LIMIT - 1);
    out->subject = (enum command_subject)take_range(t, in->subject, SUBJECT_NONE, SUBJECT_LIMIT - 1);
    out->host = take_text(t, in->host, NAME_MAX_LEN);
    out->service = take_text(t, in->service, NAME_MAX_LEN);
    out->observer = take_text(t, in->observer, OBSERVER_NAME_MAX);
    out->flags = (unsigned)take_range(t, in->flags, 0, COMMAND_FLAGS_ALL);
    out->start = take_time(t, in->start);
    out->end = take_time(t, in->end);
    out->duration = (time_ms)take_range(t, (uint64_t)in->duration, 0, COMMAND_DURATION_MAX);
    out->id = take_range(t, in->id, 0, INT64_MAX);
    out->author = take_text(t, in->author, AUTHOR_MAX_LEN);
    out->comment = take_text(t, in->comment, COMMENT_MAX_LEN);
}
