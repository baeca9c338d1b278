/* The plays of rows A to D: replicas that lie, views that change, states that rot. Named by what must come of it. */
#ifndef QUORATE_CLIENT_DRILL_PLAYS_OF_MEMBERS_H
#define QUORATE_CLIENT_DRILL_PLAYS_OF_MEMBERS_H

struct scene;

/* Rows A: replica 0 leads and lies. */
void play_replaced(struct scene *s);
void play_replaced_and_convicted(struct scene *s);
void play_replaced_for_slowness(struct scene *s);
void play_starved(struct scene *s);
void play_replaced_unproven(struct scene *s);
void play_censored(struct scene *s);
void play_replaced_time_goes_on(struct scene *s);

/* Rows B: a backup lies. */
void play_backup_silent(struct scene *s);
void play_backup_convicted(struct scene *s);
void play_strays_unused(struct scene *s);
void play_wishes_unheard(struct scene *s);
void play_flood_muted(struct scene *s);
void play_victim_decides(struct scene *s);
void play_claims_unbelieved(struct scene *s);
void play_forged_relays(struct scene *s);
void play_false_acknowledgements(struct scene *s);
void play_past_the_primary(struct scene *s);

/* Rows C: a view changes. */
void play_hidden_commit(struct scene *s);
void play_bad_view_change(struct scene *s);
void play_new_primary_convicted(struct scene *s);
void play_new_primary_passed_over(struct scene *s);
void play_consecutive_traitors(struct scene *s);
void play_two_new_views(struct scene *s);
void play_star(struct scene *s);

/* Rows D: checkpoints, and a state that has to be fetched. */
void play_checkpoints_convicted(struct scene *s);
void play_rotten_state(struct scene *s);
void play_away_and_back(struct scene *s);
void play_poisoned(struct scene *s);
void play_stalled(struct scene *s);
void play_forgotten(struct scene *s);
void play_killed_while_fetching(struct scene *s);
void play_idle_laggard(struct scene *s);

#endif
