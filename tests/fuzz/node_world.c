/* The world of fuzz_node: nodes, disks, a list of frames on their way, and the promises that are checked whatever the
   traitor does: one log, one statement a place, equal roots, time that nobody ran ahead of, no breach, and progress
   once the traitor is silent. */
#include "tests/fuzz/node_world.h"

#include "checks/objects.h"

#include <stdlib.h>
#include <string.h>

enum { BOOT_CLOCK = 5000, DELIVERIES_MAX = 4000, JUDGED_FOR = 60000 };

/* ---- the promises ---- */

static void check_executed(struct world *w, seq_no n, const struct place *p) {
    ENSURE(p->t <= world_wall(w)); /* I13 */
    if (n >= WORLD_LOG)
        return;
    struct place *known = &w->log[n];
    if (!known->known)
        *known = *p;
    ENSURE(digest_equal(&known->batch, &p->batch));       /* I1 */
    ENSURE(digest_equal(&known->log_hash, &p->log_hash)); /* I2 */
    ENSURE(known->t == p->t);                             /* I12 */
}

static void executed(void *self, seq_no n, const struct digest *batch, const struct digest *log_hash, time_ms t,
                     const struct request *const *requests, size_t count) {
    struct seat *seat = self;
    struct world *w = seat->world;
    if (!world_is_honest(w, seat->id))
        return;
    check_executed(w, n, &(struct place){true, *batch, *log_hash, t});
    for (size_t i = 0; i < count; i++)
        if (digest_equal(&requests[i]->digest, &w->awaited))
            w->executed_awaited |= set_of(seat->id);
}

/* v and n of what must be signed once; false for other types. */
static bool place_of(const struct frame *f, uint64_t *v, uint64_t *n) {
    struct arena arena = {.limit = 1 << 22};
    struct msg m;
    ENSURE(codec_decode(&m, f, &arena) == ERR_OK);
    bool once = true;
    *v = *n = 0;
    switch (f->type) {
    case FRAME_PRE_PREPARE:
        *v = m.pre_prepare.statement.v, *n = m.pre_prepare.statement.n;
        break;
    case FRAME_PREPARE:
    case FRAME_COMMIT:
        *v = m.vote.v, *n = m.vote.n;
        break;
    case FRAME_CHECKPOINT:
        *n = m.checkpoint.n;
        break;
    case FRAME_RECEIPT:
        *n = m.receipt.body.n;
        break;
    case FRAME_VIEW_CHANGE:
        *v = m.view_change.v;
        break;
    case FRAME_NEW_VIEW:
        *v = m.new_view.v;
        break;
    default:
        once = false;
    }
    arena_free(&arena);
    return once;
}

/* I5: one statement a key and place, over all boots. */
static void sealed(void *self, struct bytes frame) {
    struct seat *seat = self;
    struct world *w = seat->world;
    struct frame f;
    uint64_t v, n;
    if (!world_is_honest(w, seat->id))
        return;
    ENSURE(frame_open(&f, frame) == ERR_OK);
    if (!place_of(&f, &v, &n))
        return;
    struct digest digest = crypto_digest(DIGEST_GUARD, f.signed_body);
    uint64_t at = (v * 31 + n) * 251 + f.type * 7u + seat->id;
    for (unsigned tries = 0; tries < WORLD_STATEMENTS; tries++) {
        struct statement *s = &w->statements[(at + tries) % WORLD_STATEMENTS];
        if (!s->known)
            *s = (struct statement){true, seat->id, (uint8_t)f.type, v, n, digest};
        if (s->member == seat->id && s->type == f.type && s->v == v && s->n == n) {
            ENSURE(digest_equal(&s->digest, &digest));
            return;
        }
    }
}

/* I12, and that nobody honest saw two quorums decide differently. */
static void check_node(struct world *w, const struct seat *seat) {
    struct node_facts facts;
    node_inspect(seat->node, &facts);
    ENSURE(!facts.breach);
    seq_no n = facts.pbft.stable;
    if (n == 0 || n >= WORLD_LOG)
        return;
    if (digest_is_zero(&w->roots[n]))
        w->roots[n] = facts.pbft.stable_root;
    ENSURE(digest_equal(&w->roots[n], &facts.pbft.stable_root));
}

/* ---- frames on their way ---- */

static void note(struct world *w, struct bytes frame) {
    struct buffer *b = &w->book[w->book_next++ % WORLD_BOOK];
    buffer_clear(b);
    buffer_put(b, frame.data, frame.len);
}

static void send(void *self, member_id to, struct bytes frame) {
    struct seat *seat = self;
    struct world *w = seat->world;
    bool lying = !world_is_honest(w, seat->id);
    bool cut = w->side && set_has(w->side, seat->id) != set_has(w->side, to);
    if (lying)
        note(w, frame);
    if (cut || (lying && !set_has(w->obeyed, to)) || w->pending_count == WORLD_PENDING)
        return;
    struct pending *p = &w->pending[w->pending_count++];
    p->from = seat->id;
    p->to = to;
    buffer_clear(&p->frame);
    buffer_put(&p->frame, frame.data, frame.len);
}

static void answer(void *self, uint64_t client, struct bytes frame) {
    (void)self, (void)client, (void)frame;
}

static void traced(void *self, const char *line) {
    struct seat *seat = self;
    seat->world->told = true;
    if (seat->world->trace)
        printf("%8.3f node %u: %s\n", (double)seat->world->now / 1000, seat->id, line);
}

static struct node_now clocks(const struct world *w) {
    return (struct node_now){w->now + BOOT_CLOCK, world_wall(w)};
}

static void end_turn(struct world *w, struct seat *seat) {
    ENSURE(node_flush(seat->node) == ERR_OK);
    if (w->told && world_is_honest(w, seat->id))
        check_node(w, seat);
    w->told = false;
}

static void give(struct world *w, member_id to, struct bytes frame, bool peer) {
    struct seat *seat = &w->seats[to];
    struct admitted *x = NULL;
    enum error e = peer ? admit_peer(&x, &w->admit[to], frame) : admit_client(&x, &w->admit[to], frame);
    if (w->trace && e != ERR_OK)
        printf("%8.3f node %u: refused %s: %s\n", (double)w->now / 1000, to,
               frame.len > 3 ? frame_type_name((enum frame_type)frame.data[3]) : "?", error_name(e));
    if (e != ERR_OK || w->deliveries++ > DELIVERIES_MAX) {
        admitted_free(x);
        return;
    }
    if (peer)
        node_receive(seat->node, x, clocks(w));
    else
        node_client(seat->node, 1, x, clocks(w));
    end_turn(w, seat);
}

void world_give(struct world *w, member_id to, struct bytes frame) {
    give(w, to, frame, true);
}

void world_give_client(struct world *w, member_id to, struct bytes frame) {
    give(w, to, frame, false);
}

/* The rest keeps its order; the buffer moves behind all of them. */
static struct pending *take_out(struct world *w, unsigned index) {
    struct pending out = w->pending[index];
    w->pending_count--;
    memmove(&w->pending[index], &w->pending[index + 1], (w->pending_count - index) * sizeof out);
    w->pending[w->pending_count] = out;
    return &w->pending[w->pending_count];
}

void world_drop(struct world *w, unsigned index) {
    if (index < w->pending_count)
        take_out(w, index);
}

void world_deliver(struct world *w, unsigned index) {
    if (index >= w->pending_count)
        return;
    struct pending *p = take_out(w, index);
    struct buffer frame = p->frame; /* what is sent meanwhile takes the place */
    member_id to = p->to;
    p->frame = (struct buffer){0};
    if (!world_is_honest(w, to))
        note(w, buffer_bytes(&frame));
    give(w, to, buffer_bytes(&frame), true);
    buffer_free(&frame);
}

void world_settle(struct world *w, unsigned most) {
    for (; most && w->pending_count; most--)
        world_deliver(w, 0);
}

static void wake(struct world *w, struct seat *seat) {
    if (node_deadline(seat->node) <= w->now + BOOT_CLOCK) {
        node_timeout(seat->node, clocks(w));
        end_turn(w, seat);
    }
}

void world_tick(struct world *w, mono_ms ms) {
    w->now += ms;
    for (member_id i = 0; i < WORLD_MEMBERS; i++)
        wake(w, &w->seats[i]);
}

/* ---- nodes ---- */

static void boot(struct world *w, member_id i) {
    struct seat *seat = &w->seats[i];
    struct node_config config = {.cluster = &w->cluster,
                                 .self = i,
                                 .secret = w->member_secrets[i],
                                 .boot_random = 1000u * i + (uint64_t)w->now,
                                 .version = "fuzz"};
    struct node_world world = {seat, send, answer, sealed, traced, executed, NULL};
    struct disk disk = sim_disk_door(seat->disk);
    struct buffer why = {0};
    ENSURE(node_open(&seat->node, &config, &disk, &world, clocks(w), &why) == ERR_OK);
    node_start(seat->node, clocks(w));
    end_turn(w, seat);
    buffer_free(&why);
}

void world_restart(struct world *w, member_id i, uint64_t chance) {
    struct prng prng;
    prng_seed(&prng, chance);
    node_free(w->seats[i].node);
    sim_disk_crash(w->seats[i].disk, &prng);
    boot(w, i);
}

static void found_keys(struct world *w) {
    static char *everywhere[] = {"*"};
    static const char *const names[WORLD_CLIENTS - 1] = {"eu", "us"};
    struct cluster *c = &w->cluster;
    for (unsigned i = 0; i < WORLD_MEMBERS; i++) {
        uint8_t seed[SECRET_SEED_LEN] = {(uint8_t)(1 + i)};
        crypto_keypair_from_seed(&c->members[i].key, &w->member_secrets[i], seed);
    }
    for (unsigned i = 0; i < WORLD_CLIENTS; i++) {
        uint8_t seed[SECRET_SEED_LEN] = {(uint8_t)(100 + i)};
        crypto_keypair_from_seed(&w->client_keys[i], &w->client_secrets[i], seed);
        if (i + 1 == WORLD_CLIENTS) {
            c->operators[0] =
                (struct cluster_operator){.name = "operator", .key = w->client_keys[i], .roles = OPERATOR_ADMIN};
            continue;
        }
        w->observers[i] = (struct cluster_observer){.key = w->client_keys[i], .host_count = 1, .hosts = everywhere};
        strcpy(w->observers[i].name, names[i]);
    }
}

static void make_objects(struct world *w) {
    static const char text[] = "define command {\ncommand_name c\ncommand_line /c\n}\n"
                               "define contact {\ncontact_name o\n}\n"
                               "define host {\nhost_name h\nmax_check_attempts 1\n_OBSERVERS eu,us\ncontacts o\n}\n"
                               "define service {\nhost_name h\nservice_description s\nmax_check_attempts 1\n"
                               "check_command c\n_OBSERVERS eu,us\n_QUORUM 1\ncontacts o\n}\n";
    struct object_source source = {"fuzz.cfg", bytes_of_text(text)};
    struct objects *objects = NULL;
    struct buffer ignored = {0}, why = {0};
    ENSURE(objects_parse(&objects, &source, 1, NULL, &ignored, &why) == ERR_OK);
    objects_encode(&w->objects, objects);
    objects_free(objects);
    buffer_free(&ignored);
    buffer_free(&why);
}

void world_found(struct world *w) {
    struct cluster *c = &w->cluster;
    strcpy(c->name, "fuzz");
    c->member_count = WORLD_MEMBERS;
    c->t0 = WORLD_T0;
    c->knobs = protocol_defaults();
    c->knobs.checkpoint_interval = WORLD_CERTIFIED_EVERY;
    c->knobs.window = WORLD_WINDOW;
    c->knobs.timeout_cap_ms = 4000;
    c->knobs.status_ms = 500;
    found_keys(w);
    c->operator_count = c->operators_needed = 1;
    c->observer_count = WORLD_CLIENTS - 1;
    c->observers = w->observers;
    cluster_set_id(c);
    w->keys = cluster_keyring(c);
    for (member_id i = 0; i < WORLD_MEMBERS; i++) {
        w->admit[i] = (struct admit){.keys = w->keys, .self = i, .window = WORLD_WINDOW};
        cluster_verifier(&w->admit[i].verifier, c);
    }
    make_objects(w);
}

void world_start(struct world *w, member_id traitor) {
    w->traitor = traitor;
    w->obeyed = set_all(WORLD_MEMBERS);
    w->side = w->executed_awaited = 0;
    w->now = 0;
    w->pending_count = w->book_next = w->request_count = w->deliveries = 0;
    memset(w->req_seq, 0, sizeof w->req_seq);
    w->obs_seq = (uint64_t)WORLD_T0 << 20;
    w->traitor_req_seq = UINT64_C(1) << 19; /* beside the numbers of its own node */
    memset(w->log, 0, sizeof w->log);
    memset(w->roots, 0, sizeof w->roots);
    memset(w->statements, 0, sizeof w->statements);
    memset(&w->awaited, 0, sizeof w->awaited);
    for (member_id i = 0; i < WORLD_MEMBERS; i++) {
        w->seats[i] = (struct seat){.world = w, .id = i, .disk = sim_disk_new()};
        boot(w, i);
    }
}

void world_end(struct world *w) {
    for (member_id i = 0; i < WORLD_MEMBERS; i++) {
        if (world_is_honest(w, i))
            check_node(w, &w->seats[i]);
        node_free(w->seats[i].node);
        sim_disk_free(w->seats[i].disk);
    }
}

/* ---- clients ---- */

struct bytes world_request(struct world *w, unsigned client, enum world_request kind, unsigned state, bool again) {
    struct observation seen = {.host = "h",
                               .service = state & 4 ? "" : "s",
                               .state = state & 3,
                               .perfdata = "",
                               .output = "seen",
                               .observed_at = world_wall(w)};
    struct digest whole = crypto_digest(DIGEST_OBJECTS, buffer_bytes(&w->objects));
    struct request r = {.client = w->client_keys[client]};
    w->req_seq[client] += !again || !w->req_seq[client];
    w->obs_seq += !again;
    r.req_seq = w->req_seq[client];
    seen.obs_seq = w->obs_seq;
    if (kind == WORLD_OBSERVE) {
        r.kind = OP_OBSERVE;
        r.observe = (struct op_observe){1, &seen};
    } else if (kind == WORLD_QUERY) {
        r.kind = OP_QUERY;
        r.query = (struct op_query){
            .kind = QUERY_STATUS, .host = "", .service = "", .after_host = "", .after_service = "", .limit = 1 + state};
    } else if (kind == WORLD_BLOB) {
        r.kind = OP_BLOB;
        r.blob = (struct op_blob){whole, 0, buffer_bytes(&w->objects)};
    } else {
        r.kind = OP_APPLY;
        r.apply = (struct op_apply){.whole = whole, .length = w->objects.len};
    }
    struct buffer *out = &w->requests[w->request_count++ % WORLD_REQUESTS];
    buffer_clear(out);
    request_seal(out, &r, &w->cluster.id, &w->client_secrets[client]);
    return buffer_bytes(out);
}

/* ---- after the traitor fell silent ---- */

static mono_ms next_deadline(const struct world *w) {
    mono_ms soonest = w->now + BOOT_CLOCK + 1000;
    for (member_id i = 0; i < WORLD_MEMBERS; i++)
        if (world_is_honest(w, i) && node_deadline(w->seats[i].node) < soonest)
            soonest = node_deadline(w->seats[i].node);
    return soonest - BOOT_CLOCK > w->now ? soonest - BOOT_CLOCK : w->now + 1;
}

void world_judge_liveness(struct world *w) {
    member_set honest = set_all(WORLD_MEMBERS) & (member_set)~set_of(w->traitor);
    mono_ms end = w->now + JUDGED_FOR;
    w->obeyed = w->side = 0;
    w->deliveries = 0;
    for (unsigned i = w->pending_count; i-- > 0;)
        if (w->pending[i].from == w->traitor)
            world_drop(w, i);
    struct bytes request = world_request(w, WORLD_CLIENTS - 1, WORLD_QUERY, 0, false);
    w->awaited = crypto_digest(DIGEST_REQUEST, request);
    for (member_id i = 0; i < WORLD_MEMBERS; i++)
        if (set_has(honest, i))
            world_give_client(w, i, request);
    while (w->executed_awaited != honest) {
        world_settle(w, WORLD_PENDING);
        ENSURE(w->now < end);
        w->now = next_deadline(w);
        for (member_id i = 0; i < WORLD_MEMBERS; i++)
            if (set_has(honest, i))
                wake(w, &w->seats[i]);
        w->deliveries = 0;
    }
}

/* ---- judged by what was signed ---- */

void world_judge_audit(struct world *w) {
    struct evidence_judge judge = {&w->admit[0].verifier, w->keys, WORLD_WINDOW};
    struct audit_frame frames[WORLD_BOOK];
    struct audit_report report;
    unsigned kept = w->book_next < WORLD_BOOK ? w->book_next : WORLD_BOOK;
    for (unsigned i = 0; i < kept; i++)
        frames[i] = (struct audit_frame){.raw = world_newest_any(w, i)};
    audit_frames(&judge, frames, kept, &report);
    ENSURE(report.disagreements == 0);
    ENSURE((report.culprits & ~set_of(w->traitor)) == 0); /* I16 */
    audit_report_free(&report);
}

/* ---- the traitor's book ---- */

struct bytes world_newest_any(const struct world *w, unsigned skip) {
    unsigned kept = w->book_next < WORLD_BOOK ? w->book_next : WORLD_BOOK;
    if (skip >= kept)
        return bytes_of(NULL, 0);
    return buffer_bytes(&w->book[(w->book_next - 1 - skip) % WORLD_BOOK]);
}

struct bytes world_newest(const struct world *w, enum frame_type type, unsigned skip) {
    unsigned kept = w->book_next < WORLD_BOOK ? w->book_next : WORLD_BOOK;
    for (unsigned i = 0; i < kept; i++) {
        struct bytes frame = world_newest_any(w, i);
        if (frame.data[3] == type && skip-- == 0)
            return frame;
    }
    return bytes_of(NULL, 0);
}

void world_lie(struct world *w, member_set to, struct bytes frame) {
    note(w, frame);
    for (member_id i = 0; i < WORLD_MEMBERS; i++)
        if (set_has(to, i) && world_is_honest(w, i))
            world_give(w, i, frame);
}
