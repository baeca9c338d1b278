/* Outputs with the receipts of chosen members, signed by the sample keys: what an honest, a lagging or a lying replica
   would send. */
#ifndef QUORATE_TESTS_PROOFS_H
#define QUORATE_TESTS_PROOFS_H

#include "tests/unit/samples.h"

enum { PROOF_LEAVES = 3 };

/* Leaf `index` of a batch of three whose other leaves depend on salt, so another salt is another root. leaf is
 * borrowed. */
static inline struct output proof_output(struct bytes leaf, seq_no n, uint32_t index, uint8_t salt,
                                         member_set signers) {
    uint8_t other[2][4] = {{1, salt, 0, 0}, {2, salt, 1, 1}};
    struct digest leaves[PROOF_LEAVES];
    struct output o = {.leaf = leaf};
    unsigned k = 0;
    for (uint32_t i = 0; i < PROOF_LEAVES; i++) {
        leaves[i] = i == index ? merkle_leaf(leaf) : merkle_leaf(bytes_of(other[k++ % 2], 4));
    }
    o.cert.body = (struct receipt_body){n, merkle_root(leaves, PROOF_LEAVES), sample_digest(0x44), SAMPLE_TIME + 1000};
    o.cert.index = index;
    o.cert.count = PROOF_LEAVES;
    o.cert.path_len = merkle_path(o.cert.path, leaves, PROOF_LEAVES, index);
    uint8_t body[RECEIPT_BODY_LEN];
    receipt_encode(body, &o.cert.body);
    for (member_id m = 0; m < SAMPLE_MEMBERS; m++) {
        if (set_has(signers, m)) {
            struct signature sig = sample_sign(FRAME_RECEIPT, m, body, sizeof body);
            o.cert.receipts[o.cert.receipts_len++] = (struct receipt_signature){m, sig};
        }
    }
    return o;
}

/* A problem of web1/http numbered `number`, as leaf bytes. */
static inline void proof_alert(struct buffer *out, uint64_t number, const char *output) {
    static const struct vote_view votes[] = {{.observer = "ap",
                                              .state = STATE_OK,
                                              .fresh = true,
                                              .output = "OK",
                                              .obs_seq = 7,
                                              .accepted_at = SAMPLE_TIME,
                                              .observed_at = SAMPLE_TIME - 5},
                                             {.observer = "eu",
                                              .state = STATE_CRITICAL,
                                              .fresh = true,
                                              .output = "Connection refused",
                                              .obs_seq = 8,
                                              .accepted_at = SAMPLE_TIME,
                                              .observed_at = SAMPLE_TIME - 5},
                                             {.observer = "us",
                                              .state = STATE_CRITICAL,
                                              .fresh = true,
                                              .output = "Connection refused",
                                              .obs_seq = 9,
                                              .accepted_at = SAMPLE_TIME + 1,
                                              .observed_at = SAMPLE_TIME - 5}};
    static const struct alert_contact contacts[] = {{"ops", "Operators", "ops@example.org", "", 0, NULL}};
    struct alert a = {.number = number,
                      .n = 10 + number,
                      .t = SAMPLE_TIME + 1000,
                      .type = ALERT_PROBLEM,
                      .host = "web1",
                      .host_alias = "web1",
                      .host_address = "192.0.2.1",
                      .service = "http",
                      .service_display = "http",
                      .state = STATE_CRITICAL,
                      .hard = true,
                      .attempt = 3,
                      .max_attempts = 3,
                      .notification_number = 1,
                      .since = SAMPLE_TIME,
                      .output = output,
                      .perfdata = "",
                      .quorum = 2,
                      .observers = 3,
                      .vote_count = 3,
                      .votes = votes,
                      .contact_count = 1,
                      .contacts = contacts,
                      .author = "",
                      .comment = ""};
    alert_encode(out, &a);
}

#endif
