/* The plays of the catalogue that stand in files of their own. */
#ifndef QUORATE_CLIENT_DRILL_PLAYS_H
#define QUORATE_CLIENT_DRILL_PLAYS_H

struct scene;

void play_killed_member(struct scene *s);
void play_power_loss(struct scene *s);
void play_old_backup(struct scene *s);
void play_twin(struct scene *s);
void play_bad_disks(struct scene *s);
void play_frozen_process(struct scene *s);

void play_isolated_member(struct scene *s);
void play_split_in_two(struct scene *s);
void play_one_way_links(struct scene *s);
void play_bad_weather(struct scene *s);
void play_thin_line(struct scene *s);
void play_flapping_link(struct scene *s);

void play_wrong_clocks(struct scene *s);
void play_primarys_wrong_clock(struct scene *s);
void play_clock_step(struct scene *s);
void play_nobody_reports(struct scene *s);
void play_cluster_gap(struct scene *s);

void play_endless_resend(struct scene *s);
void play_flooding_agent(struct scene *s);
void play_unsigned_flood(struct scene *s);
void play_two_contents(struct scene *s);
void play_number_jumps(struct scene *s);
void play_convicted_in_flight(struct scene *s);
void play_deaf_ingress(struct scene *s);

void play_stubborn_observer(struct scene *s);
void play_colluding_observers(struct scene *s);
void play_part_time_liar(struct scene *s);
void play_framed_observer(struct scene *s);
void play_stale_observer(struct scene *s);
void play_lost_observer_quorum(struct scene *s);
void play_regional_outage(struct scene *s);
void play_two_faced_observer(struct scene *s);
void play_replayed_results(struct scene *s);
void play_flapping_service(struct scene *s);
void play_too_many_liars(struct scene *s);

void play_forged_alerts(struct scene *s);
void play_withheld_alerts(struct scene *s);
void play_dying_notifier(struct scene *s);
void play_restarted_notifier(struct scene *s);
void play_dead_sink(struct scene *s);
void play_crash_while_telling(struct scene *s);
void play_alert_storm(struct scene *s);

#endif
