/* Fuzzes the YAML files that people write: cluster.yaml and, when the text begins with the comment "#agent" or
   "#notify", those of the agent and of the pager's side. What is taken as a cluster must write out and read back as the
   same genesis; what is refused must say where, without control characters. */
#include "base/invariant.h"
#include "client/agent/agent_config.h"
#include "client/notify_config.h"
#include "proto/cluster.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    crypto_start();
    return 0;
}

static void check_why(enum error e, const struct buffer *why) {
    if (e == ERR_OK) {
        ENSURE(why->len == 0);
        return;
    }
    ENSURE(why->len > 7 && memcmp(why->data, "f.yaml:", 7) == 0);
    for (size_t i = 0; i < why->len; i++) {
        ENSURE((why->data[i] >= ' ' || why->data[i] == '\n') && why->data[i] != 0x7f);
    }
}

static void check_same(const struct cluster *c) {
    struct buffer text = {0}, twice = {0}, why = {0};
    struct cluster *again = NULL;
    cluster_write(&text, c);
    ENSURE(cluster_parse(&again, buffer_bytes(&text), "f.yaml", &why) == ERR_OK);
    ENSURE(memcmp(again->id.b, c->id.b, CLUSTER_ID_LEN) == 0);
    cluster_write(&twice, again);
    ENSURE(bytes_equal(buffer_bytes(&text), buffer_bytes(&twice)));
    cluster_free(again);
    buffer_free(&text);
    buffer_free(&twice);
    buffer_free(&why);
}

static bool begins(struct bytes text, const char *word) {
    size_t len = strlen(word);
    return text.len >= len && memcmp(text.data, word, len) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bytes text = bytes_of(data, size);
    struct buffer why = {0};
    if (begins(text, "#agent")) {
        struct agent_config *agent = NULL;
        check_why(agent_config_parse(&agent, text, "f.yaml", &why), &why);
        agent_config_free(agent);
    } else if (begins(text, "#notify")) {
        struct notify_config *notify = NULL;
        check_why(notify_config_parse(&notify, text, "f.yaml", &why), &why);
        notify_config_free(notify);
    } else {
        struct cluster *cluster = NULL;
        check_why(cluster_parse(&cluster, text, "f.yaml", &why), &why);
        if (cluster != NULL) {
            check_same(cluster);
            cluster_free(cluster);
        }
    }
    buffer_free(&why);
    return 0;
}
