/*
 * How often something is begun: at a rate, or as soon as it may.
 *
 * Units      CLOCK_MONOTONIC nanoseconds
 * Overlap    one thread
 */
#ifndef CF_APPS_CALLFAN_PACE_H
#define CF_APPS_CALLFAN_PACE_H

#include <stdbool.h>
#include <stdint.h>

#define CF_TOOL_PACE_DEBT_NS INT64_C(100000000) /* what passed unused longer ago is not made good */

struct cf_tool_pace {
    int64_t interval_ns; /* 0: no rate */
    int64_t next_ns;
};

/* rate: so many a second, the first one now; 0: no rate. */
void cf_tool_pace_init(struct cf_tool_pace *p, double rate, int64_t now_ns);

/* May one begin now? True takes its turn. */
bool cf_tool_pace_take(struct cf_tool_pace *p, int64_t now_ns);

/* The turn just taken was not used. */
void cf_tool_pace_return(struct cf_tool_pace *p);

#endif
