/* Alerts as leaves of the receipt's tree, and the names of their types and states: Nagios' words. */
#include "base/invariant.h"
#include "proto/pb_codec.h"

const char *alert_type_name(enum alert_type t) {
    static const char *const names[ALERT_TYPE_LIMIT] = {
        [ALERT_PROBLEM] = "PROBLEM",
        [ALERT_RECOVERY] = "RECOVERY",
        [ALERT_ACKNOWLEDGEMENT] = "ACKNOWLEDGEMENT",
        [ALERT_FLAPPINGSTART] = "FLAPPINGSTART",
        [ALERT_FLAPPINGSTOP] = "FLAPPINGSTOP",
        [ALERT_FLAPPINGDISABLED] = "FLAPPINGDISABLED",
        [ALERT_DOWNTIMESTART] = "DOWNTIMESTART",
        [ALERT_DOWNTIMEEND] = "DOWNTIMEEND",
        [ALERT_DOWNTIMECANCELLED] = "DOWNTIMECANCELLED",
        [ALERT_CUSTOM] = "CUSTOM",
        [ALERT_DISSENT] = "DISSENT",
        [ALERT_SYSTEM] = "SYSTEM",
    };
    return (unsigned)t < ALERT_TYPE_LIMIT && names[t] ? names[t] : "?";
}

const char *state_name(bool is_host, unsigned state) {
    static const char *const host[] = {"UP", "DOWN", "UNREACHABLE", "?", "PENDING"};
    static const char *const service[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN", "PENDING"};
    return state > VOTE_STATE_MAX ? "?" : is_host ? host[state] : service[state];
}

/* --- votes, shared with status lines --- */

static void put_vote_view(Quorate__Vote *out, const struct vote_view *v) {
    quorate__vote__init(out);
    out->observer = put_text(v->observer);
    out->state = v->state;
    out->fresh = v->fresh;
    out->masked = v->masked;
    out->convicted = v->convicted;
    out->output = put_text(v->output);
    out->obs_seq = v->obs_seq;
    out->accepted_at = v->accepted_at;
    out->observed_at = v->observed_at;
    out->masked_by = put_text(v->masked_by);
    out->score = v->score;
    out->rounds = v->rounds;
    out->disagreed = v->disagreed;
    out->probation = v->probation;
    out->disagreed_at = v->disagreed_at;
    out->masked_since = v->masked_since;
}

Quorate__Vote **put_vote_views(struct arena *a, const struct vote_view *list, unsigned count) {
    REQUIRE(count <= VOTES_MAX);
    Quorate__Vote **out = put_list(a, count, sizeof *out);
    Quorate__Vote *items = put_list(a, count, sizeof *items);
    for (unsigned i = 0; i < count; i++) {
        put_vote_view(&items[i], &list[i]);
        out[i] = &items[i];
    }
    return out;
}

/* Only who is masked has a moment and an author of it; nobody dissented in more rounds than there were. */
static void take_score(struct taker *t, struct vote_view *out, const Quorate__Vote *in) {
    out->masked_by = take_text(t, in->masked_by, in->masked ? NAME_MAX_LEN : 0);
    out->score = (uint32_t)take_range(t, in->score, 0, SCORE_MAX);
    out->rounds = (uint32_t)take_range(t, in->rounds, 0, SCORE_ROUNDS_MAX);
    out->disagreed = (uint32_t)take_range(t, in->disagreed, 0, out->rounds);
    out->probation = (uint32_t)take_range(t, in->probation, 0, PROBATION_MAX);
    out->disagreed_at = take_time(t, in->disagreed_at);
    out->masked_since = (time_ms)take_range(t, (uint64_t)in->masked_since, 0, in->masked ? TIME_MAX_MS : 0);
}

static void take_vote_view(struct taker *t, struct vote_view *out, const Quorate__Vote *in) {
    out->observer = take_text(t, in->observer, OBSERVER_NAME_MAX);
    out->state = (uint8_t)take_range(t, in->state, 0, VOTE_STATE_MAX);
    out->fresh = in->fresh;
    out->masked = in->masked;
    out->convicted = in->convicted;
    out->output = take_text(t, in->output, OUTPUT_MAX_LEN);
    out->obs_seq = in->obs_seq;
    out->accepted_at = take_time(t, in->accepted_at);
    out->observed_at = take_time(t, in->observed_at);
    take_score(t, out, in);
}

unsigned take_vote_views(struct taker *t, const struct vote_view **out, Quorate__Vote **list, size_t count) {
    struct vote_view *views = take_list(t, count, 0, VOTES_MAX, sizeof *views);
    for (size_t i = 0; views && i < count; i++) {
        take_vote_view(t, &views[i], list[i]);
    }
    *out = views;
    return views ? (unsigned)count : 0;
}

/* --- contacts --- */

static Quorate__Contact **put_contacts(struct arena *a, const struct alert *alert) {
    REQUIRE(alert->contact_count <= VOTES_MAX);
    Quorate__Contact **out = put_list(a, alert->contact_count, sizeof *out);
    Quorate__Contact *items = put_list(a, alert->contact_count, sizeof *items);
    for (unsigned i = 0; i < alert->contact_count; i++) {
        const struct alert_contact *c = &alert->contacts[i];
        REQUIRE(c->command_count <= CONTACT_COMMANDS_MAX);
        quorate__contact__init(&items[i]);
        items[i].name = put_text(c->name);
        items[i].alias = put_text(c->alias);
        items[i].email = put_text(c->email);
        items[i].pager = put_text(c->pager);
        items[i].n_commands = c->command_count;
        items[i].commands = put_texts(a, c->commands, c->command_count);
        out[i] = &items[i];
    }
    return out;
}

static void take_contact(struct taker *t, struct alert_contact *out, const Quorate__Contact *in) {
    out->name = take_text(t, in->name, NAME_MAX_LEN);
    out->alias = take_text(t, in->alias, OUTPUT_MAX_LEN);
    out->email = take_text(t, in->email, OUTPUT_MAX_LEN);
    out->pager = take_text(t, in->pager, OUTPUT_MAX_LEN);
    out->command_count =
        take_texts(t, &out->commands, in->commands, in->n_commands, CONTACT_COMMANDS_MAX, NAME_MAX_LEN);
}

static void take_contacts(struct taker *t, struct alert *out, const Quorate__Alert *in) {
    struct alert_contact *list = take_list(t, in->n_contacts, 0, VOTES_MAX, sizeof *list);
    for (size_t i = 0; list && i < in->n_contacts; i++) {
        take_contact(t, &list[i], in->contacts[i]);
    }
    out->contact_count = list ? (unsigned)in->n_contacts : 0;
    out->contacts = list;
}

/* --- the alert --- */

static void put_subject(Quorate__Alert *pb, const struct alert *a) {
    pb->host = put_text(a->host);
    pb->host_alias = put_text(a->host_alias);
    pb->host_address = put_text(a->host_address);
    pb->service = put_text(a->service);
    pb->service_display = put_text(a->service_display);
    pb->output = put_text(a->output);
    pb->perfdata = put_text(a->perfdata);
    pb->author = put_text(a->author);
    pb->comment = put_text(a->comment);
}

static void put_numbers(Quorate__Alert *pb, const struct alert *a) {
    pb->number = a->number;
    pb->n = a->n;
    pb->t = a->t;
    pb->type = a->type;
    pb->state = a->state;
    pb->last_state = a->last_state;
    pb->host_state = a->host_state;
    pb->hard = a->hard;
    pb->attempt = a->attempt;
    pb->max_attempts = a->max_attempts;
    pb->notification_number = a->notification_number;
    pb->since = a->since;
    pb->quorum = a->quorum;
    pb->observers = a->observers;
}

void alert_encode(struct buffer *out, const struct alert *alert) {
    struct arena a = {0};
    Quorate__Alert pb = QUORATE__ALERT__INIT;
    put_subject(&pb, alert);
    put_numbers(&pb, alert);
    pb.n_votes = alert->vote_count;
    pb.votes = put_vote_views(&a, alert->votes, alert->vote_count);
    pb.n_contacts = alert->contact_count;
    pb.contacts = put_contacts(&a, alert);
    buffer_u8(out, OUTPUT_ALERT);
    put_message(out, &pb.base);
    arena_free(&a);
}

static void take_subject(struct taker *t, struct alert *out, const Quorate__Alert *in) {
    out->host = take_text(t, in->host, NAME_MAX_LEN);
    out->host_alias = take_text(t, in->host_alias, OUTPUT_MAX_LEN);
    out->host_address = take_text(t, in->host_address, OUTPUT_MAX_LEN);
    out->service = take_text(t, in->service, NAME_MAX_LEN);
    out->service_display = take_text(t, in->service_display, OUTPUT_MAX_LEN);
    out->output = take_text(t, in->output, OUTPUT_MAX_LEN);
    out->perfdata = take_text(t, in->perfdata, OUTPUT_MAX_LEN);
    out->author = take_text(t, in->author, OUTPUT_MAX_LEN);
    out->comment = take_text(t, in->comment, OUTPUT_MAX_LEN);
}

static void take_numbers(struct taker *t, struct alert *out, const Quorate__Alert *in) {
    out->number = take_number(t, in->number, 1);
    out->n = take_number(t, in->n, 1);
    out->t = take_time(t, in->t);
    out->type = (enum alert_type)take_range(t, in->type, ALERT_PROBLEM, ALERT_TYPE_LIMIT - 1);
    out->state = (uint8_t)take_range(t, in->state, 0, VOTE_STATE_MAX);
    out->last_state = (uint8_t)take_range(t, in->last_state, 0, VOTE_STATE_MAX);
    out->host_state = (uint8_t)take_range(t, in->host_state, 0, VOTE_STATE_MAX);
    out->hard = in->hard;
    out->attempt = in->attempt;
    out->max_attempts = in->max_attempts;
    out->notification_number = in->notification_number;
    out->since = take_time(t, in->since);
    out->quorum = in->quorum;
    out->observers = in->observers;
}

enum error alert_decode(struct alert *out, struct bytes leaf, struct arena *arena) {
    struct taker t = {arena, ERR_OK};
    *out = (struct alert){0};
    if (leaf.len == 0 || leaf.data[0] != OUTPUT_ALERT) {
        return ERR_MALFORMED;
    }
    const Quorate__Alert *in = take_message(&t, &quorate__alert__descriptor, bytes_of(leaf.data + 1, leaf.len - 1));
    if (!in) {
        return t.error;
    }
    take_subject(&t, out, in);
    take_numbers(&t, out, in);
    out->vote_count = take_vote_views(&t, &out->votes, in->votes, in->n_votes);
    take_contacts(&t, out, in);
    return t.error;
}
