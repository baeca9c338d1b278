/* Takes the records of a data directory apart into whole frames. Nothing is judged here: the audit believes signatures
   alone. */
#include "replica/export.h"

#include "proto/codec.h"
#include "replica/pbft/pbft.h"
#include "replica/record_file.h"
#include "replica/retained.h"
#include "replica/store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct exporter {
    const struct cluster *cluster;
    const struct export_sink *sink;
    member_id self; /* whose directory it is */
    size_t count;
    enum error e;
};

static bool give(struct exporter *x, struct bytes frame) {
    if (x->e == ERR_OK && frame.len > 0) {
        x->e = x->sink->frame(x->sink->self, frame);
        x->count += x->e == ERR_OK;
    }
    return x->e == ERR_OK;
}

static bool give_rebuilt(struct exporter *x, enum frame_type type, member_id sender, struct bytes body,
                         const struct signature *sig) {
    static const struct signature nobody = {{0}};
    struct seal_context context = {(uint8_t)type, x->cluster->id, 0, sender};
    struct buffer frame = {0};
    frame_rebuild(&frame, &context, body, sig ? sig : &nobody);
    bool good = give(x, buffer_bytes(&frame));
    buffer_free(&frame);
    return good;
}

static bool give_vote(struct exporter *x, enum frame_type type, member_id sender, const struct vote *v,
                      const struct signature *sig) {
    uint8_t body[VOTE_BODY_LEN];
    vote_encode(body, v);
    return give_rebuilt(x, type, sender, bytes_of(body, sizeof body), sig);
}

/* ---- records ---- */

static bool export_decision(void *context, struct bytes key, struct bytes value) {
    (void)key;
    return give_rebuilt(context, FRAME_DECISION, MEMBER_NONE, value, NULL);
}

static void export_cert(struct exporter *x, struct bytes value) {
    struct msg m = {.type = FRAME_CERT};
    struct buffer body = {0};
    m.cert.kind = CERT_CHECKPOINT;
    if (codec_decode_checkpoint_cert(&m.cert.checkpoint, value) == ERR_OK && m.cert.checkpoint.count > 0) {
        codec_encode(&body, &m);
        give_rebuilt(x, FRAME_CERT, MEMBER_NONE, buffer_bytes(&body), NULL);
    }
    buffer_free(&body);
}

static void export_prepared(struct exporter *x, struct bytes value) {
    struct reader r = reader_of(value);
    struct prepared_entry p;
    struct signature commit;
    struct bytes entry = read_block(&r, frame_cap(FRAME_VIEW_CHANGE));
    read_into(&r, commit.b, SIGNATURE_LEN);
    if (!reader_done(&r) || codec_decode_prepared(&p, entry) != ERR_OK)
        return;
    give_vote(x, FRAME_PRE_PREPARE, primary_of(p.statement.v, x->cluster->member_count), &p.statement, &p.pp_sig);
    for (unsigned i = 0; i < p.count; i++)
        give_vote(x, FRAME_PREPARE, p.prepares[i].member, &p.statement, &p.prepares[i].sig);
    give_vote(x, FRAME_COMMIT, x->self, &p.statement, &commit);
}

static void export_view(struct exporter *x, struct bytes value) {
    struct reader r = reader_of(value);
    read_u64(&r);
    read_u64(&r);
    give(x, read_block(&r, frame_cap(FRAME_VIEW_CHANGE)));
}

static void export_own_checkpoint(struct exporter *x, struct bytes value) {
    struct signature sig;
    if (value.len != CHECKPOINT_BODY_LEN + SIGNATURE_LEN)
        return;
    memcpy(sig.b, value.data + CHECKPOINT_BODY_LEN, SIGNATURE_LEN);
    give_rebuilt(x, FRAME_CHECKPOINT, x->self, bytes_of(value.data, CHECKPOINT_BODY_LEN), &sig);
}

static bool export_record(void *context, struct bytes key, struct bytes value) {
    struct exporter *x = context;
    switch (key.len > 0 ? key.data[0] : 0) {
    case RECORD_CERT:
    case RECORD_STABLE:
        export_cert(x, value);
        break;
    case RECORD_VIEW:
        export_view(x, value);
        break;
    case RECORD_NEW_VIEW:
        give(x, value);
        break;
    case RECORD_PREPARED:
        export_prepared(x, value);
        break;
    case RECORD_OWN_CHECKPOINT:
        export_own_checkpoint(x, value);
        break;
    default:
        break; /* nothing that proves anything about others */
    }
    return x->e == ERR_OK;
}

static bool export_retained(void *context, struct bytes key, struct bytes value) {
    struct exporter *x = context;
    struct reader r = reader_of(value);
    if (key.len == 0 || key.data[0] != RETAINED_PROOF)
        return give(x, value);
    while (r.at < r.end && !r.bad && x->e == ERR_OK)
        give(x, read_block(&r, SIZE_MAX));
    return x->e == ERR_OK;
}

/* ---- the whole ---- */

static enum error read_identity(struct exporter *x, const struct disk *disk) {
    struct buffer stored = {0};
    enum error e = disk->get(disk->self, DISK_META, bytes_of_text("identity"), &stored);
    struct reader r = reader_of(buffer_bytes(&stored));
    struct bytes cluster = read_bytes(&r, CLUSTER_ID_LEN);
    x->self = read_u16(&r);
    if (e == ERR_OK)
        e = reader_done(&r) && bytes_equal(cluster, bytes_of(x->cluster->id.b, CLUSTER_ID_LEN)) ? ERR_OK : ERR_MISMATCH;
    buffer_free(&stored);
    return e;
}

enum error export_frames(const struct disk *disk, const struct cluster *cluster, const struct export_sink *sink,
                         size_t *count) {
    static const struct {
        enum disk_family family;
        bool (*visit)(void *context, struct bytes key, struct bytes value);
    } parts[] = {{DISK_DECIDED, export_decision}, {DISK_PROTOCOL, export_record}, {DISK_EVIDENCE, export_retained}};
    struct exporter x = {.cluster = cluster, .sink = sink};
    enum error e = read_identity(&x, disk);
    for (unsigned i = 0; i < sizeof parts / sizeof *parts && e == ERR_OK; i++) {
        e = disk->scan(disk->self, parts[i].family, (struct bytes){0}, (struct bytes){0}, parts[i].visit, &x);
        e = e == ERR_OK ? x.e : e;
    }
    *count = x.count;
    return e;
}

/* ---- the verb ---- */

static enum error append(void *self, struct bytes frame) {
    return record_file_append(self, frame);
}

/* The file is made here, so that nobody's is written over or added to. */
static enum error make_file(struct record_file *file, const char *path, struct buffer *why) {
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        buffer_printf(why, "cannot make the export file (%s): %s: name a file that does not exist yet", strerror(errno),
                      path);
        return ERR_IO;
    }
    close(fd);
    return record_file_open(file, path, why);
}

static enum error write_all(const struct config *config, const struct cluster *cluster, struct store *store,
                            size_t *count, struct buffer *why) {
    struct disk disk = store_disk(store);
    struct record_file file = {-1};
    struct export_sink sink = {&file, append};
    enum error e = make_file(&file, config->export_path, why);
    if (e == ERR_OK) {
        e = export_frames(&disk, cluster, &sink, count);
        if (e != ERR_OK)
            buffer_printf(why, "cannot export, %s: %s: give the directory of a replica of this cluster", error_text(e),
                          config->data_dir);
    }
    record_file_close(&file);
    return e;
}

int export_run(const struct config *config) {
    struct cluster *cluster = NULL;
    struct store *store = NULL;
    struct buffer why = {0};
    size_t count = 0;
    enum error e = cluster_load(&cluster, config->cluster_path, &why);
    if (e == ERR_OK && access(config->data_dir, F_OK) != 0) {
        buffer_printf(&why, "no such directory: %s: give a stopped replica's with -d", config->data_dir);
        e = ERR_NOT_FOUND;
    }
    if (e == ERR_OK)
        e = store_open(&store, config->data_dir, &why);
    if (e == ERR_OK)
        e = write_all(config, cluster, store, &count, &why);
    if (e == ERR_OK)
        printf("%zu frames exported: %s\n", count, config->export_path);
    else
        fprintf(stderr, "quorated: %s\n", buffer_cstr(&why));
    store_close(store);
    cluster_free(cluster);
    buffer_free(&why);
    return e == ERR_OK ? 0 : 1;
}
