/* What people see of the votes: in alerts and in answers to queries. */
#include "base/invariant.h"
#include "checks/machine.h"

static const char *line_copy(const char *text, struct arena *arena) {
    const char *copy = arena_text(arena, text_line(text));
    return copy ? copy : "";
}

static void view_standing(struct vote_view *out, const struct standing *s, struct arena *arena) {
    const char *by = arena_text(arena, bytes_of_text(text_of(&s->by)));
    out->masked = s->masked_at > 0;
    out->masked_by = by ? by : "";
    out->score = s->score;
    out->rounds = s->rounds;
    out->disagreed = s->dissents;
    out->probation = s->probation;
    out->disagreed_at = s->dissent_at;
    out->masked_since = s->masked_at;
}

struct vote_view *view_votes(const struct monitor *m, const struct object *o, struct arena *arena) {
    const struct observer_vote *votes = object_votes(&m->table, o);
    struct vote_view *list = arena_alloc(arena, o->def->observer_count * sizeof *list);
    for (unsigned i = 0; list && i < o->def->observer_count; i++) {
        const struct observer_vote *v = &votes[i];
        list[i] = (struct vote_view){.observer = o->def->observers[i],
                                     .state = v->state,
                                     .fresh = vote_fresh(v, m->t),
                                     .convicted = v->convicted,
                                     .output = line_copy(text_of(&v->output), arena),
                                     .obs_seq = v->obs_seq,
                                     .accepted_at = v->accepted_at,
                                     .observed_at = v->observed_at,
                                     .masked_by = ""};
        if (v->standing) {
            view_standing(&list[i], v->standing, arena);
        }
    }
    return list;
}
