/* Words in a traitor's name: signed with its own key, judged as admit judges them, and then heard. */
#include "tests/script/script.h"

void frame_show(struct story *s, member_id from, member_set to, struct bytes raw) {
    struct cluster *c = s->c;
    for (member_id i = 0; i < s->members; i++) {
        struct arena arena = {0};
        struct frame f;
        struct msg heard;
        if (set_has(to, i) && i != from && c->nodes[i].core) {
            enum error e = cluster_admit(c, &heard, &f, raw, &arena);
            s->door[i][e] += e != ERR_OK;
            if (e == ERR_OK) {
                node_hear(&c->nodes[i], &heard);
            }
        }
        arena_free(&arena);
    }
}

void traitor_says(struct story *s, member_id from, member_set to, const struct msg *m) {
    struct buffer body = {0}, frame = {0};
    struct seal_context context = {(uint8_t)m->type, s->c->verifier.cluster, 0, from};
    bool forged = word_flag(s, "forged");
    codec_encode(&body, m);
    frame_seal(&frame, &context, buffer_bytes(&body), &s->c->secrets[from]);
    if (forged) {
        frame.data[frame.len - 1] ^= 1;
    } else {
        seen_add(s, buffer_bytes(&frame));
    }
    words_end(s);
    frame_show(s, from, to, buffer_bytes(&frame));
    buffer_free(&body);
    buffer_free(&frame);
}

/* --- votes --- */

static struct vote vote_said(struct story *s, struct buffer *bytes) {
    struct vote v = {.v = word_number(s, "v", 0), .n = word_number(s, "n", 0)};
    const char *nv = word_value(s, "nv"), *batch = word_value(s, "batch");
    if (v.n == 0 || !batch) {
        story_fail(s, "v=, n= and batch= are needed");
    }
    v.d = batch_named(s, batch, bytes);
    v.nv_digest = new_view_digest(s, v.v);
    if (nv && strcmp(nv, "none") == 0) {
        v.nv_digest = (struct digest){{0}};
    } else if (nv && strcmp(nv, "wrong") == 0) {
        v.nv_digest.b[0] ^= 1;
    } else if (nv) {
        story_fail(s, "nv=none or nv=wrong");
    }
    return v;
}

static void say_pre_prepare(struct story *s, member_id from, member_set to) {
    struct buffer bytes = {0};
    struct msg m = {.type = FRAME_PRE_PREPARE};
    const char *other;
    m.pre_prepare.statement = vote_said(s, &bytes);
    if ((other = word_value(s, "carries"))) { /* another batch than the header names */
        buffer_clear(&bytes);
        batch_named(s, other, &bytes);
    }
    m.pre_prepare.batch_bytes = buffer_bytes(&bytes);
    traitor_says(s, from, to, &m);
    buffer_free(&bytes);
}

static void say_vote(struct story *s, member_id from, member_set to, enum frame_type type) {
    struct buffer bytes = {0};
    struct msg m = {.type = type};
    m.vote = vote_said(s, &bytes);
    traitor_says(s, from, to, &m);
    buffer_free(&bytes);
}

/* The statement that the others signed for n, or the same with another root. */
static void say_checkpoint(struct story *s, member_id from, member_set to) {
    struct msg m = {.type = FRAME_CHECKPOINT};
    seq_no n = word_number(s, "n", 0);
    const char *root = word_value(s, "root");
    bool known = false;
    for (size_t i = 0; i < s->said_count; i++) {
        struct frame f;
        if (s->said[i].type == FRAME_CHECKPOINT && s->said[i].n == n && s->said[i].from != from &&
            frame_open(&f, buffer_bytes(&s->said[i].frame)) == ERR_OK) {
            checkpoint_decode(&m.checkpoint, f.body.data);
            known = true;
        }
    }
    if (!known) {
        m.checkpoint = (struct checkpoint){.n = n};
    }
    if (root) {
        m.checkpoint.root = crypto_digest(DIGEST_STATE_ROOT, bytes_of_text(root));
    }
    traitor_says(s, from, to, &m);
}

/* --- the rest --- */

static void say_wish(struct story *s, member_id from, member_set to) {
    struct msg m = {.type = FRAME_WISH};
    m.wish = (struct msg_wish){word_number(s, "v", 1), WISH_PROOF};
    traitor_says(s, from, to, &m);
}

static void say_status(struct story *s, member_id from, member_set to) {
    struct msg m = {.type = FRAME_STATUS};
    m.status = (struct msg_status){.boot = word_number(s, "boot", 99),
                                   .counter = ++s->status_counter,
                                   .phase = word_flag(s, "in-recall") ? PHASE_RECALL : PHASE_ACTIVE,
                                   .version = "x"};
    m.status.view = word_number(s, "view", 0);
    m.status.executed = word_number(s, "executed", 0);
    m.status.certified = word_number(s, "certified", 0);
    m.status.stable = word_number(s, "stable", 0);
    m.status.wish = word_number(s, "wish", 0);
    traitor_says(s, from, to, &m);
}

static void say_relay(struct story *s, member_id from, member_set to) {
    struct buffer frame = {0};
    struct msg m = {.type = FRAME_RELAY};
    request_named(s, word_next(s, "a request"), &frame);
    m.relay.request = buffer_bytes(&frame);
    traitor_says(s, from, to, &m);
    buffer_free(&frame);
}

/* batch=X: that batch; else requests. */
static void say_data(struct story *s, member_id from, member_set to) {
    struct buffer frame = {0};
    struct msg m = {.type = FRAME_DATA};
    const char *batch = word_value(s, "batch");
    if (batch) {
        batch_named(s, batch, &frame);
    } else {
        request_named(s, word_next(s, "a request"), &frame);
    }
    struct bytes one = buffer_bytes(&frame);
    m.data =
        (struct msg_data){.request_count = !batch, .requests = &one, .batch_count = batch != NULL, .batches = &one};
    traitor_says(s, from, to, &m);
    buffer_free(&frame);
}

/* DECISION v= n= batch= [few] [bad]: with the COMMITs that were seen. */
static void say_decision(struct story *s, member_id from, member_set to) {
    struct buffer bytes = {0};
    struct msg m = {.type = FRAME_DECISION};
    bool few = word_flag(s, "few"), bad = word_flag(s, "bad"), twice = word_flag(s, "twice");
    m.decision.statement = vote_said(s, &bytes);
    m.decision.batch = buffer_bytes(&bytes);
    m.decision.count = proof_commits(s, &m.decision.statement, m.decision.commits);
    if (m.decision.count < quorum_strong(s->members) && !few && !twice) {
        story_fail(s, "only %u COMMITs exist for it", m.decision.count);
    }
    if (few && m.decision.count == quorum_strong(s->members)) {
        m.decision.count--;
    }
    if (twice) { /* one member's COMMIT in two places */
        m.decision.commits[m.decision.count] = m.decision.commits[m.decision.count - 1];
        m.decision.count++;
    }
    if (bad) {
        m.decision.commits[0].sig.b[0] ^= 1;
    }
    traitor_says(s, from, to, &m);
    buffer_free(&bytes);
}

static void say_cert(struct story *s, member_id from, member_set to) {
    struct msg m = {.type = FRAME_CERT};
    bool bad = word_flag(s, "bad"), few = word_flag(s, "few");
    m.cert.kind = CERT_CHECKPOINT;
    proof_checkpoint(s, &m.cert.checkpoint, word_number(s, "n", 0));
    m.cert.checkpoint.count -= few;
    m.cert.checkpoint.statement.root.b[0] ^= bad;
    traitor_says(s, from, to, &m);
}

static void say_fetch_decision(struct story *s, member_id from, member_set to) {
    struct msg m = {.type = FRAME_FETCH_DECISION};
    m.fetch_decision.first = word_number(s, "first", 1);
    m.fetch_decision.last = word_number(s, "last", 1);
    traitor_says(s, from, to, &m);
}

static void say(struct story *s, enum frame_type type, member_id from, member_set to) {
    switch (type) {
    case FRAME_PRE_PREPARE:
        return say_pre_prepare(s, from, to);
    case FRAME_PREPARE:
    case FRAME_COMMIT:
        return say_vote(s, from, to, type);
    case FRAME_CHECKPOINT:
        return say_checkpoint(s, from, to);
    case FRAME_WISH:
        return say_wish(s, from, to);
    case FRAME_VIEW_CHANGE:
        return say_view_change(s, from, to);
    case FRAME_NEW_VIEW:
        return say_new_view(s, from, to);
    case FRAME_STATUS:
        return say_status(s, from, to);
    case FRAME_RELAY:
        return say_relay(s, from, to);
    case FRAME_DATA:
        return say_data(s, from, to);
    case FRAME_DECISION:
        return say_decision(s, from, to);
    case FRAME_CERT:
        return say_cert(s, from, to);
    case FRAME_FETCH_DECISION:
        return say_fetch_decision(s, from, to);
    default:
        story_fail(s, "no traitor here says %s", frame_type_name(type));
    }
}

/* send FROM->TO TYPE ... */
void traitor_verb(struct story *s) {
    char text[LINE_LEN];
    story_cluster(s);
    snprintf(text, sizeof text, "%s", word_next(s, "FROM->TO"));
    char *mark = strstr(text, "->");
    if (!mark) {
        story_fail(s, "FROM->TO first");
    }
    *mark = 0;
    member_set to = members_of(s, mark + 2);
    uint64_t from = number_of(s, text);
    if (from >= s->members || !set_has(s->traitors | s->liars, (member_id)from)) {
        story_fail(s, "%s is neither a traitor nor a liar", text);
    }
    say(s, type_of(s, word_next(s, "the kind of frame")), (member_id)from, to);
}
