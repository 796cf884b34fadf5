/*
 * The far end of simulated calls as far as it is heard: it dials the digits of the settings while somebody listens, and what it dials is
 * reported and gathered.
 *
 * Shape      an entry per call from the first time that somebody listens or gathers to its end, so that it knows how far it has dialled; its timer
 *            stands in the model's wheel, its place in the call, 0 none
 * Units      ticks of the wheel, 1 ms
 * Invariant  an entry has a timer only while it gathers or is listened to
 * Errors     no entry free: RESOURCEUNAVAIL to a gathering; digits of a call that is only listened to are not dialled
 */
#ifndef CF_SIM_FAR_END_H
#define CF_SIM_FAR_END_H

#include "adapters/sim/outlet.h"
#include "adapters/sim/settings.h"
#include "adapters/sim/wheel.h"

#define CF_SIM_FAR_ENDS 4096u /* calls at the same time; place 0 is not used */

struct cf_sim_far_ends;

/* Bytes of nodes that the caller keeps in the wheel's array, from index base on. */
#define CF_SIM_FAR_END_BYTES ((size_t)64 * CF_SIM_FAR_ENDS)

/* All borrowed. Returns 0 or -ENOMEM. */
int cf_sim_far_ends_new(struct cf_sim_far_ends **ret_far, const struct cf_sim_settings *settings,
                        const struct cf_sim_outlet *out, struct cf_wheel *wheel, void *nodes, uint32_t base);
void cf_sim_far_ends_free(struct cf_sim_far_ends *f);

/* GATHER_DIGITS, MONITOR_DIGITS of a call that is connected or not. */
void cf_sim_far_end_command(struct cf_sim_far_ends *f, uint16_t *place, bool connected,
                            const struct cf_command *command, uint64_t tick);

/* The call is connected from now on, or not any more, which ends what is gathered. */
void cf_sim_far_end_connected(struct cf_sim_far_ends *f, uint16_t *place, bool connected);

/* Nobody listens any more, and what was gathered is not replied to: the call has ended, or who asked is gone. */
void cf_sim_far_end_forget(struct cf_sim_far_ends *f, uint16_t *place);

/* The timer of base + place has expired. */
void cf_sim_far_end_expire(struct cf_sim_far_ends *f, uint32_t place, int64_t now_ns);

/* Entries in use, and how many of them have a timer. False: one of them is not as it should be. */
bool cf_sim_far_ends_check(const struct cf_sim_far_ends *f, uint32_t *ret_used, uint32_t *ret_timed);

#endif
