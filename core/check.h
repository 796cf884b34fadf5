/*
 * The check: every invariant of the state, by a walk over it that may stop and go on.
 *
 * Shape      control, then each call, line and port (its requests, opens, handles), then what is left free and the sums. What a step
 *            reports of one call, line, open or handle holds at the turn boundary at which it looked. The sums compare all of them, so
 *            they are left out when a turn was made since the walk began; cf_engine_check() is the walk in one go
 * Units      budget: about one cache line each, a tenth of a microsecond in a state that is in no cache; a step exceeds it by one item,
 *            the sums by what they look at: with budgets up to 8,192 they are left out in a state with more than that
 * Errors     a finding is a sentence; the first CF_CHECK_TEXTS are kept, all are counted
 * Overlap    the engine's thread, between turns
 * Trust      the state may be damaged: no index of it is followed before it was compared with its bound
 */
#ifndef CF_CORE_CHECK_H
#define CF_CORE_CHECK_H

#include "core/engine.h"

#define CF_CHECK_TEXTS 8
#define CF_CHECK_TEXT_BYTES 160

enum cf_check_part {
    CF_CHECK_BEGIN,
    CF_CHECK_CALLS,
    CF_CHECK_LINES,
    CF_CHECK_PORTS,          /* the head of one and its requests; then, of that port: */
    CF_CHECK_PROVIDER_LINES,
    CF_CHECK_OPENS,
    CF_CHECK_HANDLES,
    CF_CHECK_UNTOLD,
    CF_CHECK_TABLES,         /* from here on sums */
    CF_CHECK_LISTS,
    CF_CHECK_POOLS,
    CF_CHECK_END,
};

struct cf_check_walk {
    enum cf_check_part part;
    uint32_t port, at;
    bool turns;      /* turns were made since it began, or slices are too short for so many: no sums */
    uint64_t turn;
    uint64_t calls, lines, ports, handles; /* looked at */
    uint64_t findings;
    char text[CF_CHECK_TEXTS][CF_CHECK_TEXT_BYTES];
    /* the sums; of one port those that begin with port_ */
    uint64_t live, linked, listed, references, chunks, held, opens;
    uint64_t port_opens, port_idle, port_handles, port_requests, port_asked, port_untold;
    uint64_t sums_cost, sums_max;
    uint32_t blocks;
    uint32_t calls_of[1 + CF_PROVIDERS_MAX]; /* by provider */
    uint32_t forward_blocks_of[1 + CF_PROVIDERS_MAX];
    uint32_t watches_of[CF_PORTS_MAX];       /* by application */
};

/* Before the first step. */
void cf_check_walk_begin(struct cf_check_walk *walk);

/* Goes on for about budget. False: the walk is at its end. */
bool cf_engine_check_step(struct cf_engine *e, struct cf_check_walk *walk, uint64_t budget);

#endif
