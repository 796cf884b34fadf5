/*
 * The player: a script's events at their times, and its answers to commands.
 *
 * Units      now_ns: CLOCK_MONOTONIC ns
 * Invariant  events are posted in the script's order; one that finds the ring full is posted as soon as there is room, before the next
 * Overlap    none
 */
#ifndef CF_SIM_PLAYER_H
#define CF_SIM_PLAYER_H

#include <stdbool.h>
#include <stdint.h>

#include "adapters/sim/outlet.h"
#include "adapters/sim/script.h"
#include "adapters/sim/settings.h"

#define CF_SIM_FIRST_DIALLED 1000 /* script's number of the first call made by an application */

struct cf_sim_player;

/* All borrowed. Time 0 is now_ns, or the first OPEN_LINE where settings say so. Returns 0 or -ENOMEM. */
int cf_sim_player_new(struct cf_sim_player **ret_player, const struct cf_script *script,
                      const struct cf_sim_settings *settings, struct cf_sim_port *port, int64_t now_ns);
void cf_sim_player_free(struct cf_sim_player *p);

/* Posts what is due, at most limit events. Returns how many. */
uint32_t cf_sim_player_work(struct cf_sim_player *p, int64_t now_ns, uint32_t limit);

/* When the next event is due; CF_REACTOR_NEVER: none is, or the time has not begun. */
int64_t cf_sim_player_deadline(const struct cf_sim_player *p);

void cf_sim_player_command(struct cf_sim_player *p, const struct cf_command *command, int64_t now_ns);

/* Announces the live calls to a core that does not know them. */
void cf_sim_player_announce(struct cf_sim_player *p, int64_t now_ns);

/* Describes a line as the simulator announces it. name and address have room for CF_NAME_MAX bytes each. */
void cf_sim_describe_line(const struct cf_sim_settings *settings, uint32_t line, char *name, char *address,
                          struct cf_line_info *ret_line);

#endif
