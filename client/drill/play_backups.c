/* Plays of rows B: a backup lies, mostly replica 3. The others go on in the same view, and what can be proven is. */
#include "base/quorum.h"
#include "client/drill/moves.h"
#include "client/drill/plays_of_members.h"
#include "client/drill/watch.h"
#include "proto/cluster.h"

#include <stdio.h>
#include <string.h>

enum { LEADER = 0, HONEST = 1, INGRESS = 2, LIAR = 3, VICTIM = 3 };
enum { STAYS_S = 5, SETTLES_S = 2, LOOKS_MAX = 20, CLAIMS = 20, WISHES = 500 };

static view_no begins(struct scene *s, member_id liar) {
    view_no v = moves_lead(s, LEADER);
    scene_lies(s, liar);
    moves_outage(s);
    moves_flow(s);
    return v;
}

/* What broke was told while it lied, and nobody was moved by it. */
static void ends(struct scene *s, member_id liar, view_no v) {
    scene_all_told(s, MOVES_PATIENCE_S);
    moves_view_stays(s, v);
    scene_honest(s, liar);
    moves_mended(s);
}

void play_backup_silent(struct scene *s) {
    view_no v = begins(s, LIAR);
    if (scene_must(s, PROMISE_ACCOUNTABILITY, MOVES_PATIENCE_S, watch_unreachable, LIAR,
                   "who says nothing is shown as unreachable"))
        scene_detected(s, "`quorate replicas` cannot reach the backup");
    ends(s, LIAR, v);
}

void play_backup_convicted(struct scene *s) {
    view_no v = begins(s, LIAR);
    watch_convicts(s, LIAR, 1u << EV_EQUIV_PREPARE | 1u << EV_EQUIV_COMMIT);
    ends(s, LIAR, v);
}

/* Of the views that it wishes for, the nearest may come because a primary was slow; none comes behind it. */
static bool nobody_follows(struct scene *s, int64_t view) {
    return moves_view_kept(s, view) && !moves_one_reached(s, view + 2);
}

/* What the liar's own node executes by its true vote, which it keeps to itself, is no decision of the others. 0: nobody
   says. */
static seq_no executed_by_the_honest(struct scene *s) {
    struct replica_seen seen[MEMBERS_MAX];
    seq_no highest = 0;
    scene_look_at(s, quorum_weak(scene_members(s)), seen);
    for (member_id i = 0; i < scene_members(s); i++)
        if (i != LIAR && seen[i].reachable && seen[i].executed > highest)
            highest = seen[i].executed;
    return highest;
}

static bool have_moved(struct scene *s, int64_t n) {
    return executed_by_the_honest(s) > (seq_no)n;
}

static bool stand_still(struct scene *s, int64_t n) {
    seq_no now = executed_by_the_honest(s);
    return now > 0 && now <= (seq_no)n;
}

static bool refused_duplicates(struct scene *s, int64_t count) {
    return scene_counter(s, LEADER, "duplicate") >= (uint64_t)count;
}

void play_wishes_unheard(struct scene *s) {
    view_no v = begins(s, LIAR);
    int64_t before = (int64_t)scene_counter(s, LEADER, "duplicate");
    if (scene_must(s, PROMISE_LIVENESS, MOVES_PATIENCE_S, refused_duplicates, before + WISHES,
                   "the wishes come and are refused as duplicates"))
        scene_detected(s, "`refused door=core reason=duplicate` grows by hundreds");
    scene_stays(s, PROMISE_LIVENESS, STAYS_S, nobody_follows, (int64_t)v, "nobody follows one member's wishes");
    ends(s, LIAR, v);
}

void play_flood_muted(struct scene *s) {
    view_no v = begins(s, LIAR);
    moves_told_in_logs(s, PROMISE_LIVENESS, "peer-muted", "a replica mutes the connection that offends");
    moves_flow(s);
    ends(s, LIAR, v);
}

/* Two honest replicas and a liar are no quorum whose votes count: nothing may be executed while the third stands still.
   What was on its way when it stopped is waited for. It may be taken for a bad primary's doing: views may change. */
void play_strays_unused(struct scene *s) {
    view_no v = begins(s, LIAR);
    watch_convicts(s, LIAR, 1u << EV_EQUIV_PREPARE | 1u << EV_EQUIV_COMMIT);
    moves_view_stays(s, v);
    scene_pause(s, HONEST);
    seq_no n = executed_by_the_honest(s);
    for (unsigned looks = 0; looks < LOOKS_MAX && (n == 0 || scene_comes(s, SETTLES_S, have_moved, (int64_t)n));
         looks++)
        n = executed_by_the_honest(s);
    scene_stays(s, PROMISE_AGREEMENT, STAYS_S, stand_still, (int64_t)n, "two votes and a stray one decide nothing");
    scene_resume(s, HONEST);
    moves_flow(s);
    scene_all_told(s, MOVES_PATIENCE_S);
    scene_honest(s, LIAR);
    moves_mended(s);
}

/* One way of COMMITs to the victim is cut and another withheld: too few come for it to decide by itself. */
void play_victim_decides(struct scene *s) {
    view_no v = moves_lead(s, LEADER);
    scene_cut(s, HONEST, VICTIM);
    scene_lies(s, INGRESS);
    moves_outage(s);
    moves_flow(s);
    watch_fetches(s, VICTIM);
    moves_keeps_up(s, PROMISE_LIVENESS, VICTIM);
    scene_mend(s);
    ends(s, INGRESS, v);
}

/* ---- who reaches only one replica ---- */

/* cluster.yaml with nobody behind the other replicas' addresses; they are no part of the cluster's id. */
static bool write_lonely_cluster(struct scene *s, const char *path, member_id only) {
    struct cluster *c = NULL;
    struct buffer text = {0}, why = {0};
    FILE *f = cluster_load(&c, scene_cluster_path(s), &why) == ERR_OK ? fopen(path, "w") : NULL;
    for (member_id i = 0; f && i < c->member_count; i++)
        if (i != only)
            snprintf(c->members[i].client, sizeof c->members[i].client, "tcp://127.0.0.1:%u", 1u + i);
    if (f)
        cluster_write(&text, c);
    bool good = f && fwrite(text.data, 1, text.len, f) == text.len;
    good = f && fclose(f) == 0 && good;
    if (!good)
        scene_note(s, "cannot write %s: %s", path, buffer_cstr(&why));
    cluster_free(c);
    buffer_free(&text);
    buffer_free(&why);
    return good;
}

/* An operator whose network reaches the liar only leaves a comment. */
static void comments_through(struct scene *s, member_id only) {
    struct buffer path = {0}, out = {0};
    buffer_printf(&path, "%s.lonely", scene_cluster_path(s));
    if (!write_lonely_cluster(s, buffer_cstr(&path), only) ||
        scene_run(s, &out, "comment", "web1", "ssh", "-m", scene_remark_text(s), "--timeout", "50s", "-c",
                  buffer_cstr(&path), NULL) != 0)
        scene_broken(s, PROMISE_LIVENESS, "a client that reaches replica %u only was not served: %.300s", only,
                     buffer_cstr(&out));
    else
        scene_note(s, "a client that reaches replica %u only was served", only);
    buffer_free(&path);
    buffer_free(&out);
}

void play_past_the_primary(struct scene *s) {
    view_no v = begins(s, LIAR);
    comments_through(s, LIAR);
    scene_detected(s, "the request was ordered all the same");
    ends(s, LIAR, v);
}

void play_forged_relays(struct scene *s) {
    view_no v = begins(s, LIAR);
    comments_through(s, LIAR);
    moves_told_in_logs(s, PROMISE_AUTHORITY, "peer-frame-refused", "a replica refuses what was forged");
    ends(s, LIAR, v);
}

/* ---- claims ---- */

static bool nobody_is_lost(struct scene *s, int64_t unused) {
    (void)unused;
    struct replica_seen seen[MEMBERS_MAX];
    bool good = scene_look_at(s, quorum_weak(scene_members(s)), seen);
    for (member_id i = 0; i < scene_members(s); i++)
        good &= i == LIAR || !seen[i].reachable ||
                (strcmp(seen[i].phase, "TRANSFER") != 0 && strcmp(seen[i].phase, "REPAIR") != 0);
    return good;
}

static bool has_claimed(struct scene *s, int64_t often) {
    return scene_counter(s, LIAR, "frames_changed") > (uint64_t)often;
}

void play_claims_unbelieved(struct scene *s) {
    view_no v = begins(s, LIAR);
    if (scene_must(s, PROMISE_LIVENESS, MOVES_PATIENCE_S, has_claimed, CLAIMS, "the liar claims what is not so"))
        scene_detected(s, "frames_changed of the liar says how often");
    scene_stays(s, PROMISE_LIVENESS, STAYS_S, nobody_is_lost, 0, "nobody believes the liar to be ahead");
    ends(s, LIAR, v);
}

/* ---- a liar alone ---- */

static bool nothing_acknowledged(struct scene *s, int64_t unused) {
    (void)unused;
    return !scene_acknowledged(s, 1);
}

static bool never(struct scene *s, int64_t unused) {
    (void)s, (void)unused;
    return false;
}

void play_false_acknowledgements(struct scene *s) {
    moves_lead(s, LEADER);
    moves_flow(s);
    scene_lies(s, LIAR);
    for (member_id i = 0; i < scene_members(s); i++)
        if (i != LIAR)
            scene_kill(s, i);
    scene_comes(s, SETTLES_S, never, 0); /* what was acknowledged in earnest is written down by then */
    scene_acknowledged(s, 0);
    scene_stays(s, PROMISE_DURABILITY, STAYS_S, nothing_acknowledged, 0, "no client believes the liar alone");
    scene_honest(s, LIAR);
    for (member_id i = 0; i < scene_members(s); i++)
        if (i != LIAR)
            scene_start(s, i);
    moves_flow(s);
    moves_outage(s);
    moves_mended(s);
}
