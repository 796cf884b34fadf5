/*
 * Listening: who wants to hear the digits of which call, for adapters that hear them one by one.
 *
 * Shape      an entry per index of the provider's calls; what is gathered lies in a pool, with a heap of it whose top is due first
 * Units      ns of CLOCK_MONOTONIC
 * Invariant  cf_listening_check(); a gathering is replied to exactly once, unless the core that asked is gone
 * Overlap    none: one thread
 * Errors     no gathering free: RESOURCEUNAVAIL. A digit that finds the ring full is lost to who monitors, and counted there, but not
 *            to a gathering, whose reply waits
 */
#ifndef CF_PROVIDER_LISTENING_H
#define CF_PROVIDER_LISTENING_H

#include "adapters/provider/port.h"

struct cf_listening;

/* provider is borrowed; calls_max as its own. gatherings_max at once: fewer than the provider's commands_max, which they are of. 0 or -ENOMEM. */
int cf_listening_new(struct cf_listening **ret_listening, struct cf_provider *provider, uint32_t calls_max,
                     uint32_t gatherings_max);
void cf_listening_free(struct cf_listening *l); /* NULL is a no-op */

/* MONITOR_DIGITS or GATHER_DIGITS of a call that lives; what is to be replied is. A new gathering ends the old one. */
void cf_listening_command(struct cf_listening *l, const struct cf_command *command, int64_t now_ns);

/* A digit was heard, mode one of LINEDIGITMODE_: told when somebody listens for it, and gathered. */
void cf_listening_digit(struct cf_listening *l, uint64_t call, char digit, uint32_t mode, int64_t now_ns);

/* Gathered alone: it was told already. */
void cf_listening_gather(struct cf_listening *l, uint64_t call, char digit, uint32_t mode, int64_t now_ns);

/* Nothing is heard of the call any more: what is gathered ends with CANCEL. Before its IDLE, and before its identifier ends. */
void cf_listening_end(struct cf_listening *l, uint64_t call);

/* For a new core: nobody listens, and nothing is owed. */
void cf_listening_renew(struct cf_listening *l);

/* Ends those that have waited long enough; how many. */
uint32_t cf_listening_expire(struct cf_listening *l, int64_t now_ns);

/* When the next one is due; CF_REACTOR_NEVER. */
int64_t cf_listening_due(const struct cf_listening *l);

bool cf_listening_check(const struct cf_listening *l);

#endif
