/*
 * The inspection: what `callfan doctor` asks of the engine. Check and survey of the running state, in slices between turns.
 *
 * Units      times in ns of CLOCK_MONOTONIC
 * Writers    the engine's thread, from cf_inspection_begin() to its end; then the door's thread reads it
 * Progress   a step takes some 10 us; with `full` the check is one step, during which the engine's counter moves
 */
#ifndef CF_CALLFAND_INSPECTION_H
#define CF_CALLFAND_INSPECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "core/check.h"
#include "core/survey.h"

/* Requests that a provider has not answered for so long are told, or for the age that calls are asked for where that is less. */
#define CF_INSPECTION_UNANSWERED_NS INT64_C(10000000000)

struct cf_inspection_wish {
    bool full;            /* the whole check at one turn boundary */
    int64_t quiet_ns;     /* calls without an event for so long */
    int64_t stand_ns_max; /* full: not if it were to take longer; 0: at any price */
};

struct cf_inspection {
    struct cf_inspection_wish wish;
    bool refused;        /* full, but it would have taken too long: in slices instead */
    int64_t expected_ns; /* of the full check, by the size of the state */
    int64_t begun_ns, ended_ns;
    int64_t stood_ns; /* full: so long no turn was made */
    int64_t step_ns_max, steps_ns;
    uint64_t steps, turn_first, turn_last;
    struct cf_check_walk check;
    struct cf_survey survey;
};

void cf_inspection_begin(struct cf_inspection *inspection, struct cf_engine *engine,
                         const struct cf_inspection_wish *wish);

/* One slice. False: it is at its end. */
bool cf_inspection_step(struct cf_inspection *inspection, struct cf_engine *engine);

#endif
