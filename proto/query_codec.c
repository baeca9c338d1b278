/* Pages that answer a QUERY: status lines of hosts and services, or a part of the objects in force. */
#include "base/invariant.h"
#include "proto/pb_codec.h"

static Quorate__ObjectStatus *put_status(struct arena *a, const struct object_status *s) {
    REQUIRE(s->dissent_count <= VOTES_MAX);
    Quorate__ObjectStatus *out = put_list(a, 1, sizeof *out);
    quorate__object_status__init(out);
    out->host = put_text(s->host);
    out->service = put_text(s->service);
    out->state = s->state;
    out->verdict = s->verdict;
    out->hard = s->hard;
    out->undecided = s->undecided;
    out->flapping = s->flapping;
    out->acknowledged = s->acknowledged;
    out->uncorroborated = s->uncorroborated;
    out->attempt = s->attempt;
    out->max_attempts = s->max_attempts;
    out->downtime_depth = s->downtime_depth;
    out->quorum = s->quorum;
    out->observers = s->observers;
    out->since = s->since;
    out->output = put_text(s->output);
    out->perfdata = put_text(s->perfdata);
    out->n_votes = s->vote_count;
    out->votes = put_vote_views(a, s->votes, s->vote_count);
    out->n_dissent = s->dissent_count;
    out->dissent = put_texts(a, s->dissent, s->dissent_count);
    return out;
}

static void take_status_flags(struct object_status *out, const Quorate__ObjectStatus *in) {
    out->hard = in->hard;
    out->undecided = in->undecided;
    out->flapping = in->flapping;
    out->acknowledged = in->acknowledged;
    out->uncorroborated = in->uncorroborated;
}

static void take_status(struct taker *t, struct object_status *out, const Quorate__ObjectStatus *in) {
    out->host = take_text(t, in->host, NAME_MAX_LEN);
    out->service = take_text(t, in->service, NAME_MAX_LEN);
    out->state = (uint8_t)take_range(t, in->state, 0, VOTE_STATE_MAX);
    out->verdict = (uint8_t)take_range(t, in->verdict, 0, VOTE_STATE_MAX);
    take_status_flags(out, in);
    out->attempt = in->attempt;
    out->max_attempts = in->max_attempts;
    out->downtime_depth = in->downtime_depth;
    out->quorum = in->quorum;
    out->observers = in->observers;
    out->since = take_time(t, in->since);
    out->output = take_text(t, in->output, OUTPUT_MAX_LEN);
    out->perfdata = take_text(t, in->perfdata, OUTPUT_MAX_LEN);
    out->vote_count = take_vote_views(t, &out->votes, in->votes, in->n_votes);
    out->dissent_count = take_texts(t, &out->dissent, in->dissent, in->n_dissent, VOTES_MAX, OBSERVER_NAME_MAX);
}

static Quorate__Note *put_note(struct arena *a, const struct note_view *n) {
    Quorate__Note *out = put_list(a, 1, sizeof *out);
    quorate__note__init(out);
    out->id = n->id;
    out->kind = n->kind;
    out->host = put_text(n->host);
    out->service = put_text(n->service);
    out->author = put_text(n->author);
    out->operator_ = put_text(n->by);
    out->comment = put_text(n->comment);
    out->at = n->at;
    out->start = n->start;
    out->end = n->end;
    out->duration = n->duration;
    out->trigger = n->trigger;
    out->fixed = n->fixed;
    out->in_effect = n->in_effect;
    out->persistent = n->persistent;
    return out;
}

static void take_note(struct taker *t, struct note_view *out, const Quorate__Note *in) {
    out->id = take_number(t, in->id, 1);
    out->kind = (enum note_kind)take_range(t, in->kind, NOTE_COMMENT, NOTE_KIND_LIMIT - 1);
    out->host = take_text(t, in->host, NAME_MAX_LEN);
    out->service = take_text(t, in->service, NAME_MAX_LEN);
    out->author = take_text(t, in->author, AUTHOR_MAX_LEN);
    out->by = take_text(t, in->operator_, OBSERVER_NAME_MAX);
    out->comment = take_text(t, in->comment, COMMENT_MAX_LEN);
    out->at = take_time(t, in->at);
    out->start = take_time(t, in->start);
    out->end = take_time(t, in->end);
    out->duration = take_time(t, in->duration);
    out->trigger = take_number(t, in->trigger, 0);
    out->fixed = in->fixed;
    out->in_effect = in->in_effect;
    out->persistent = in->persistent;
}

static void put_notes(struct arena *a, Quorate__QueryPage *pb, const struct query_page *p) {
    REQUIRE(p->note_count <= QUERY_PAGE_MAX);
    pb->n_notes = p->note_count;
    pb->notes = put_list(a, p->note_count, sizeof *pb->notes);
    for (unsigned i = 0; i < p->note_count; i++) {
        pb->notes[i] = put_note(a, &p->notes[i]);
    }
}

static void take_notes(struct taker *t, struct query_page *out, const Quorate__QueryPage *in) {
    struct note_view *list = take_list(t, in->n_notes, 0, QUERY_PAGE_MAX, sizeof *list);
    for (size_t i = 0; list && i < in->n_notes; i++) {
        take_note(t, &list[i], in->notes[i]);
    }
    out->note_count = list ? (unsigned)in->n_notes : 0;
    out->notes = list;
}

void query_page_encode(struct buffer *out, const struct query_page *p) {
    REQUIRE(p->count <= QUERY_PAGE_MAX);
    struct arena a = {0};
    Quorate__QueryPage pb = QUORATE__QUERY_PAGE__INIT;
    pb.n = p->n;
    pb.t = p->t;
    pb.objects = put_fixed(p->objects.b, DIGEST_LEN);
    pb.objects_length = p->objects_length;
    pb.more = p->more;
    pb.n_lines = p->count;
    pb.lines = put_list(&a, p->count, sizeof *pb.lines);
    for (unsigned i = 0; i < p->count; i++) {
        pb.lines[i] = put_status(&a, &p->list[i]);
    }
    pb.part = put_bytes(p->part);
    put_notes(&a, &pb, p);
    put_message(out, &pb.base);
    arena_free(&a);
}

enum error query_page_decode(struct query_page *out, struct bytes value, struct arena *arena) {
    struct taker t = {arena, ERR_OK};
    *out = (struct query_page){0};
    const Quorate__QueryPage *in = take_message(&t, &quorate__query_page__descriptor, value);
    if (!in) {
        return t.error;
    }
    out->n = take_number(&t, in->n, 0);
    out->t = take_time(&t, in->t);
    take_fixed(&t, out->objects.b, DIGEST_LEN, in->objects);
    out->objects_length = take_range(&t, in->objects_length, 0, OBJECTS_MAX_LEN);
    out->more = in->more;
    struct object_status *list = take_list(&t, in->n_lines, 0, QUERY_PAGE_MAX, sizeof *list);
    for (size_t i = 0; list && i < in->n_lines; i++) {
        take_status(&t, &list[i], in->lines[i]);
    }
    out->count = list ? (unsigned)in->n_lines : 0;
    out->list = list;
    out->part = take_bytes(&t, in->part, 0, REPLY_VALUE_MAX);
    take_notes(&t, out, in);
    return t.error;
}
