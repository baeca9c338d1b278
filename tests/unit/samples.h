/* One example of everything that stands on the wire or on disk, made from fixed seeds and valid to the last inner
   signature, and the way back: decode and encode again. Shared by the codec, vector and admit tests. */
#ifndef QUORATE_TESTS_SAMPLES_H
#define QUORATE_TESTS_SAMPLES_H

#include "sample_parts.h"

/* --- batches and votes --- */

static inline void sample_batch(struct buffer *out) {
    struct request_ref refs[] = {{sample_client().pk, 7, sample_digest(0x61)},
                                 {sample_client().pk, 6, sample_digest(0x62)},
                                 {sample_member(2).pk, 1, sample_digest(0x63)}};
    struct batch b = {BATCH_NORMAL, 3, refs};
    batch_encode(out, &b);
}

/* What members 0..2 agree on at n = 129 in view 0. */
static inline struct vote sample_vote(void) {
    struct buffer batch = {0};
    sample_batch(&batch);
    struct vote v = {0, 129, batch_digest(buffer_bytes(&batch)), {{0}}};
    buffer_free(&batch);
    return v;
}

static inline void sample_pre_prepare(struct buffer *out) {
    struct buffer batch = {0};
    sample_batch(&batch);
    struct msg m = {.type = FRAME_PRE_PREPARE, .pre_prepare = {sample_vote(), buffer_bytes(&batch), {0}}};
    sample_seal(out, &m);
    buffer_free(&batch);
}

static inline void sample_pre_prepare_null(struct buffer *out) {
    static const uint8_t null_batch[3] = {BATCH_NULL, 0, 0};
    struct vote v = {1, 130, batch_null_digest(), sample_digest(0x71)};
    struct msg m = {.type = FRAME_PRE_PREPARE, .sender = 1, .pre_prepare = {v, bytes_of(null_batch, 3), {0}}};
    sample_seal(out, &m);
}

static inline void sample_prepare(struct buffer *out) {
    struct msg m = {.type = FRAME_PREPARE, .sender = 2, .vote = sample_vote()};
    sample_seal(out, &m);
}

static inline void sample_commit(struct buffer *out) {
    struct msg m = {.type = FRAME_COMMIT, .sender = 3, .vote = sample_vote()};
    sample_seal(out, &m);
}

static inline struct checkpoint sample_checkpoint_body(void) {
    return (struct checkpoint){128, sample_digest(0x81), sample_digest(0x82), SAMPLE_TIME, sample_digest(0x83), 0};
}

static inline void sample_checkpoint(struct buffer *out) {
    struct msg m = {.type = FRAME_CHECKPOINT, .sender = 1, .checkpoint = sample_checkpoint_body()};
    sample_seal(out, &m);
}

static inline struct checkpoint_cert sample_checkpoint_cert(void) {
    uint8_t body[CHECKPOINT_BODY_LEN];
    struct checkpoint_cert c = {.statement = sample_checkpoint_body(), .count = SAMPLE_QUORUM};
    checkpoint_encode(body, &c.statement);
    for (member_id i = 0; i < SAMPLE_QUORUM; i++) {
        c.sigs[i] = (struct member_signature){i, sample_sign(FRAME_CHECKPOINT, i, body, sizeof body)};
    }
    return c;
}

static inline struct prepared_entry sample_prepared(void) {
    struct prepared_entry p = {.statement = sample_vote(), .count = SAMPLE_QUORUM - 1};
    p.pp_sig = sample_sign_vote(FRAME_PRE_PREPARE, 0, &p.statement);
    for (member_id i = 0; i < p.count; i++) {
        member_id member = (member_id)(i + 1);
        p.prepares[i] = (struct member_signature){member, sample_sign_vote(FRAME_PREPARE, member, &p.statement)};
    }
    return p;
}

/* --- views --- */

static inline void sample_wish(struct buffer *out) {
    struct msg m = {.type = FRAME_WISH, .sender = 3, .wish = {1, WISH_REQ_TIMEOUT}};
    sample_seal(out, &m);
}

static inline void sample_view_change_of(struct buffer *out, member_id sender) {
    struct prepared_entry p = sample_prepared();
    struct msg m = {.type = FRAME_VIEW_CHANGE,
                    .sender = sender,
                    .view_change = {.v = 1, .c = sample_checkpoint_cert(), .count = 1, .p = &p}};
    sample_seal(out, &m);
}

static inline void sample_view_change(struct buffer *out) {
    sample_view_change_of(out, 2);
}

static inline void sample_new_view(struct buffer *out) {
    struct buffer frames[SAMPLE_QUORUM] = {0}, core = {0};
    struct msg vcs[SAMPLE_QUORUM] = {0};
    for (member_id i = 0; i < SAMPLE_QUORUM; i++) {
        sample_view_change_of(&frames[i], i);
        vcs[i].raw = buffer_bytes(&frames[i]);
    }
    struct new_view_slot slot = {129, sample_vote().d, {{0}}};
    struct msg m = {.type = FRAME_NEW_VIEW,
                    .sender = 1,
                    .new_view = {.v = 1, .vc_count = SAMPLE_QUORUM, .vcs = vcs, .slot_count = 1, .slots = &slot}};
    codec_new_view_core(&core, &m.new_view);
    m.new_view.core = buffer_bytes(&core);
    struct vote header = {1, slot.n, slot.d, crypto_digest(DIGEST_NEW_VIEW, m.new_view.core)};
    slot.pp_sig = sample_sign_vote(FRAME_PRE_PREPARE, 1, &header);
    sample_seal(out, &m);
    for (unsigned i = 0; i < SAMPLE_QUORUM; i++) {
        buffer_free(&frames[i]);
    }
    buffer_free(&core);
}

static inline struct msg_status sample_status_body(void) {
    return (struct msg_status){.boot = 3,
                               .boot_random = UINT64_MAX,
                               .counter = 17,
                               .view = 1,
                               .phase = PHASE_ACTIVE,
                               .executed = 131,
                               .certified = 128,
                               .stable = 128,
                               .log_hash = sample_digest(0x91),
                               .state_root = sample_digest(0x92),
                               .wish = 1,
                               .prepared = {0x0f},
                               .committed = {0x07},
                               .t = SAMPLE_TIME,
                               .wall = SAMPLE_TIME + 12,
                               .alerts = 5,
                               .version = "0.1.0",
                               .suspects = 1 << 3,
                               .echo = {{40, 3}, {0, 0}, {41, 250}}};
}

static inline void sample_status(struct buffer *out) {
    struct msg m = {.type = FRAME_STATUS, .sender = 1, .status = sample_status_body()};
    sample_seal(out, &m);
}

/* --- catching up --- */

static inline void sample_relay(struct buffer *out) {
    struct buffer request = {0};
    sample_observe(&request);
    struct msg m = {.type = FRAME_RELAY, .sender = 1, .relay = {buffer_bytes(&request)}};
    sample_seal(out, &m);
    buffer_free(&request);
}

static inline void sample_fetch(struct buffer *out) {
    struct digest digests[] = {sample_digest(0x61), sample_digest(0)};
    struct msg m = {.type = FRAME_FETCH, .sender = 1, .fetch = {2, digests}};
    sample_seal(out, &m);
}

static inline void sample_data(struct buffer *out) {
    struct buffer requests[2] = {0}, batch = {0};
    sample_observe(&requests[0]);
    sample_tick(&requests[1]);
    sample_batch(&batch);
    struct bytes list[2] = {buffer_bytes(&requests[0]), buffer_bytes(&requests[1])}, batches = buffer_bytes(&batch);
    struct msg m = {.type = FRAME_DATA, .sender = 1, .data = {2, list, 1, &batches}};
    sample_seal(out, &m);
    buffer_free(&requests[0]);
    buffer_free(&requests[1]);
    buffer_free(&batch);
}

static inline void sample_fetch_decision(struct buffer *out) {
    struct msg m = {.type = FRAME_FETCH_DECISION, .sender = 2, .fetch_decision = {129, 140}};
    sample_seal(out, &m);
}

static inline void sample_decision(struct buffer *out) {
    struct buffer batch = {0};
    sample_batch(&batch);
    struct msg m = {.type = FRAME_DECISION,
                    .sender = 1,
                    .decision = {.statement = sample_vote(), .batch = buffer_bytes(&batch), .count = SAMPLE_QUORUM}};
    for (member_id i = 0; i < SAMPLE_QUORUM; i++) {
        m.decision.commits[i] = (struct member_signature){i, sample_sign_vote(FRAME_COMMIT, i, &m.decision.statement)};
    }
    sample_seal(out, &m);
    buffer_free(&batch);
}

static inline void sample_fetch_cert(struct buffer *out) {
    struct msg m = {.type = FRAME_FETCH_CERT, .sender = 2, .fetch_cert = {CERT_NEW_VIEW, 1}};
    sample_seal(out, &m);
}

static inline void sample_cert_checkpoint(struct buffer *out) {
    struct msg m = {.type = FRAME_CERT, .sender = 3, .cert = {.kind = CERT_CHECKPOINT}};
    m.cert.checkpoint = sample_checkpoint_cert();
    sample_seal(out, &m);
}

static inline void sample_cert_new_view(struct buffer *out) {
    struct buffer frame = {0};
    sample_new_view(&frame);
    struct msg m = {.type = FRAME_CERT, .sender = 3, .cert = {.kind = CERT_NEW_VIEW, .new_view = buffer_bytes(&frame)}};
    sample_seal(out, &m);
    buffer_free(&frame);
}

static inline struct receipt_body sample_receipt_body(void) {
    return (struct receipt_body){131, sample_digest(0x93), sample_digest(0x91), SAMPLE_TIME};
}

static inline void sample_receipt(struct buffer *out) {
    struct msg m = {.type = FRAME_RECEIPT, .sender = 1, .receipt = {sample_receipt_body()}};
    sample_seal(out, &m);
}

static inline void sample_st_fetch(struct buffer *out) {
    static const uint16_t buckets[] = {0, 258, 65535};
    struct msg m = {
        .type = FRAME_ST_FETCH, .sender = 2, .st_fetch = {ST_PAGES, 128, 0, 3, buckets, 0x0102030405060708}};
    sample_seal(out, &m);
}

static inline void sample_st_meta(struct buffer *out) {
    struct digest mids[ST_LEAVES] = {[1] = sample_digest(0xe1), [255] = sample_digest(0xe2)};
    struct msg m = {
        .type = FRAME_ST_DATA, .sender = 1, .st_data = {.kind = ST_META, .n = 128, .mids = mids, .to = 2, .nonce = 7}};
    m.st_data.cert = sample_checkpoint_cert();
    sample_seal(out, &m);
}

static inline void sample_st_node(struct buffer *out) {
    struct digest leaves[ST_LEAVES] = {[2] = sample_digest(0xe3)};
    struct st_node nodes[] = {{1, leaves}, {255, leaves}};
    struct msg m = {.type = FRAME_ST_DATA,
                    .sender = 1,
                    .st_data = {.kind = ST_NODE, .n = 128, .count = 2, .nodes = nodes, .to = 2, .nonce = 8}};
    sample_seal(out, &m);
}

static inline void sample_st_pages(struct buffer *out) {
    struct buffer page = {0};
    st_page_put(&page, bytes_of("key", 3), bytes_of("value", 5));
    struct st_page pages[] = {{258, 16, 0, buffer_bytes(&page)}, {65535, 1 << 20, 4096, buffer_bytes(&page)}};
    struct msg m = {.type = FRAME_ST_DATA,
                    .sender = 1,
                    .st_data = {.kind = ST_PAGES, .n = 128, .count = 2, .pages = pages, .to = 2, .nonce = 9}};
    sample_seal(out, &m);
    buffer_free(&page);
}

static inline void sample_st_refused(struct buffer *out) {
    struct msg m = {
        .type = FRAME_ST_DATA, .sender = 3, .st_data = {.kind = ST_REFUSED, .n = 0, .to = 2, .nonce = UINT64_MAX}};
    sample_seal(out, &m);
}

static inline void sample_recall(struct buffer *out) {
    struct msg m = {.type = FRAME_RECALL, .sender = 2, .recall = {4, UINT64_C(0x1122334455667788), 128, 1}};
    sample_seal(out, &m);
}

static inline void sample_recalled(struct buffer *out) {
    struct buffer view_change = {0};
    struct checkpoint c = sample_checkpoint_body();
    uint8_t body[CHECKPOINT_BODY_LEN];
    struct recalled list[] = {{.type = FRAME_CHECKPOINT, .checkpoint = c},
                              {.type = FRAME_PREPARE, .vote = sample_vote()},
                              {.type = FRAME_COMMIT, .vote = sample_vote()}};
    checkpoint_encode(body, &c);
    list[0].sig = sample_sign(FRAME_CHECKPOINT, 1, body, sizeof body);
    list[1].sig = sample_sign_vote(FRAME_PREPARE, 1, &list[1].vote);
    list[2].sig = sample_sign_vote(FRAME_COMMIT, 1, &list[2].vote);
    sample_view_change_of(&view_change, 1);
    struct msg m = {.type = FRAME_RECALLED, .sender = 2};
    m.recalled = (struct msg_recalled){.to = 1,
                                       .nonce = UINT64_C(0x1122334455667788),
                                       .answer = true,
                                       .count = 3,
                                       .statements = list,
                                       .view_change = buffer_bytes(&view_change)};
    sample_seal(out, &m);
    buffer_free(&view_change);
}

/* --- outputs --- */

static inline void sample_reply(struct buffer *out) {
    struct refused_entry refused[] = {{0, ERR_OLD_RESULT}, {2, ERR_BAD_STATE}};
    struct reply r = {sample_client().pk, 7, sample_digest(0x61), ERR_OK, 1, 2, refused, bytes_of("", 0)};
    reply_encode(out, &r);
}

static inline void sample_alert(struct buffer *out) {
    static const char *const commands[] = {"notify-by-mail", "notify-by-pager"};
    static const struct alert_contact contacts[] = {{"ops", "On call", "ops@example.org", "+100", 2, commands},
                                                    {"quiet", "", "", "", 0, NULL}};
    struct alert a = {.number = 1,
                      .n = 131,
                      .t = SAMPLE_TIME,
                      .type = ALERT_PROBLEM,
                      .host = "web1",
                      .host_alias = "Web server",
                      .host_address = "192.0.2.1",
                      .service = "http",
                      .service_display = "HTTP",
                      .state = STATE_CRITICAL,
                      .last_state = STATE_OK,
                      .host_state = HOST_UP,
                      .hard = true,
                      .attempt = 3,
                      .max_attempts = 3,
                      .notification_number = 1,
                      .since = SAMPLE_TIME - 30000,
                      .output = "CRITICAL: Connection refused",
                      .perfdata = "time=3.2s;1;5;0",
                      .quorum = 2,
                      .observers = 3,
                      .vote_count = 3,
                      .votes = sample_votes(),
                      .contact_count = 2,
                      .contacts = contacts,
                      .author = "",
                      .comment = ""};
    alert_encode(out, &a);
}

static inline void sample_query_page(struct buffer *out) {
    static const char *const dissent[] = {"ap"};
    struct object_status lines[] = {
        {.host = "web1", .service = "", .state = HOST_PENDING, .verdict = HOST_PENDING, .output = "", .perfdata = ""},
        {.host = "web1",
         .service = "http",
         .state = STATE_CRITICAL,
         .verdict = STATE_CRITICAL,
         .hard = true,
         .flapping = true,
         .acknowledged = true,
         .attempt = 3,
         .max_attempts = 3,
         .downtime_depth = 1,
         .quorum = 2,
         .observers = 3,
         .since = SAMPLE_TIME,
         .output = "CRITICAL: Connection refused",
         .perfdata = "",
         .vote_count = 3,
         .votes = sample_votes(),
         .dissent_count = 1,
         .dissent = dissent}};
    struct query_page p = {131, SAMPLE_TIME, sample_digest(0x51), 1 << 20, true,
                           2,   lines,       bytes_of("part", 4), 2,       sample_notes()};
    query_page_encode(out, &p);
}

static inline struct certificate sample_certificate(void) {
    uint8_t body[RECEIPT_BODY_LEN];
    struct certificate c = {.body = sample_receipt_body(), .index = 1, .count = 3, .path_len = 2, .receipts_len = 2};
    c.path[0] = sample_digest(0xd1);
    c.path[1] = sample_digest(0xd2);
    receipt_encode(body, &c.body);
    for (member_id i = 0; i < 2; i++) {
        c.receipts[i] = (struct receipt_signature){i, sample_sign(FRAME_RECEIPT, i, body, sizeof body)};
    }
    return c;
}

static inline void sample_outputs(struct buffer *out) {
    struct buffer alert = {0}, reply = {0};
    sample_alert(&alert);
    sample_reply(&reply);
    struct output list[] = {{buffer_bytes(&alert), sample_certificate()}, {buffer_bytes(&reply), sample_certificate()}};
    list[1].cert.receipts_len = 0;
    struct msg m = {.type = FRAME_OUTPUTS, .sender = 1, .outputs = {5, 2, list}};
    sample_seal(out, &m);
    buffer_free(&alert);
    buffer_free(&reply);
}

static inline void sample_fetch_alerts(struct buffer *out) {
    struct msg m = {.type = FRAME_FETCH_ALERTS, .sender = MEMBER_NONE, .fetch_alerts = {4, 64, 1000}};
    sample_seal(out, &m);
}

static inline void sample_fetch_status(struct buffer *out) {
    struct msg m = {.type = FRAME_FETCH_STATUS, .sender = MEMBER_NONE};
    sample_seal(out, &m);
}

static inline void sample_fetch_evidence(struct buffer *out) {
    struct msg m = {.type = FRAME_FETCH_EVIDENCE, .sender = MEMBER_NONE};
    m.fetch_evidence = (struct msg_fetch_evidence){sample_member(2).pk, EV_EQUIV_COMMIT, true, 1 << 18, true};
    sample_seal(out, &m);
}

static inline void sample_evidence_part(struct buffer *out) {
    struct msg m = {.type = FRAME_EVIDENCE, .sender = 1, .evidence = {9, 4, bytes_of("part", 4)}};
    sample_seal(out, &m);
}

static inline void sample_refusal(struct buffer *out) {
    struct msg m = {.type = FRAME_REFUSAL, .sender = 1, .refusal = {sample_digest(0x61), ERR_BUSY}};
    sample_seal(out, &m);
}

static inline void sample_record_checkpoint_cert(struct buffer *out) {
    struct checkpoint_cert c = sample_checkpoint_cert();
    codec_encode_checkpoint_cert(out, &c);
}

static inline void sample_record_prepared(struct buffer *out) {
    struct prepared_entry p = sample_prepared();
    codec_encode_prepared(out, &p);
}

static inline void sample_record_certificate(struct buffer *out) {
    struct certificate c = sample_certificate();
    codec_encode_certificate(out, &c);
}

/* --- the list --- */
enum sample_kind {
    SAMPLE_FRAME,
    SAMPLE_REQUEST,
    SAMPLE_REPLY,
    SAMPLE_ALERT,
    SAMPLE_PAGE,
    SAMPLE_CHECKPOINT_CERT,
    SAMPLE_PREPARED,
    SAMPLE_CERTIFICATE
};
struct sample {
    const char *name; /* of its file in tests/vectors */
    enum sample_kind kind;
    void (*make)(struct buffer *out);
};
static const struct sample samples[] = {
    {"request-observe", SAMPLE_REQUEST, sample_observe},
    {"request-tick", SAMPLE_REQUEST, sample_tick},
    {"request-blob", SAMPLE_REQUEST, sample_blob},
    {"request-apply", SAMPLE_REQUEST, sample_apply},
    {"request-query", SAMPLE_REQUEST, sample_query},
    {"request-evidence", SAMPLE_REQUEST, sample_evidence},
    {"request-command", SAMPLE_REQUEST, sample_command},
    {"request-notified", SAMPLE_REQUEST, sample_notified},
    {"request-drill", SAMPLE_REQUEST, sample_drill},
    {"request-drill-stop", SAMPLE_REQUEST, sample_drill_stop},
    {"request-drill-done", SAMPLE_REQUEST, sample_drill_done},
    {"relay", SAMPLE_FRAME, sample_relay},
    {"fetch", SAMPLE_FRAME, sample_fetch},
    {"data", SAMPLE_FRAME, sample_data},
    {"pre-prepare", SAMPLE_FRAME, sample_pre_prepare},
    {"pre-prepare-null", SAMPLE_FRAME, sample_pre_prepare_null},
    {"prepare", SAMPLE_FRAME, sample_prepare},
    {"commit", SAMPLE_FRAME, sample_commit},
    {"checkpoint", SAMPLE_FRAME, sample_checkpoint},
    {"wish", SAMPLE_FRAME, sample_wish},
    {"view-change", SAMPLE_FRAME, sample_view_change},
    {"new-view", SAMPLE_FRAME, sample_new_view},
    {"status", SAMPLE_FRAME, sample_status},
    {"fetch-decision", SAMPLE_FRAME, sample_fetch_decision},
    {"decision", SAMPLE_FRAME, sample_decision},
    {"fetch-cert", SAMPLE_FRAME, sample_fetch_cert},
    {"cert-checkpoint", SAMPLE_FRAME, sample_cert_checkpoint},
    {"cert-new-view", SAMPLE_FRAME, sample_cert_new_view},
    {"receipt", SAMPLE_FRAME, sample_receipt},
    {"recall", SAMPLE_FRAME, sample_recall},
    {"recalled", SAMPLE_FRAME, sample_recalled},
    {"st-fetch", SAMPLE_FRAME, sample_st_fetch},
    {"st-data-meta", SAMPLE_FRAME, sample_st_meta},
    {"st-data-node", SAMPLE_FRAME, sample_st_node},
    {"st-data-pages", SAMPLE_FRAME, sample_st_pages},
    {"st-data-refused", SAMPLE_FRAME, sample_st_refused},
    {"fetch-alerts", SAMPLE_FRAME, sample_fetch_alerts},
    {"fetch-status", SAMPLE_FRAME, sample_fetch_status},
    {"outputs", SAMPLE_FRAME, sample_outputs},
    {"refusal", SAMPLE_FRAME, sample_refusal},
    {"fetch-evidence", SAMPLE_FRAME, sample_fetch_evidence},
    {"evidence", SAMPLE_FRAME, sample_evidence_part},
    {"leaf-reply", SAMPLE_REPLY, sample_reply},
    {"leaf-alert", SAMPLE_ALERT, sample_alert},
    {"query-page", SAMPLE_PAGE, sample_query_page},
    {"record-checkpoint-cert", SAMPLE_CHECKPOINT_CERT, sample_record_checkpoint_cert},
    {"record-prepared", SAMPLE_PREPARED, sample_record_prepared},
    {"record-certificate", SAMPLE_CERTIFICATE, sample_record_certificate},
};
enum { SAMPLE_COUNT = sizeof samples / sizeof samples[0] };

#endif
