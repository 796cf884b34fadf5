/*
 * The clock of every adapter: CLOCK_MONOTONIC in nanoseconds, the unit of every time in a record.
 */
#ifndef CF_PROVIDER_CLOCK_H
#define CF_PROVIDER_CLOCK_H

#include <stdint.h>
#include <time.h>

#define CF_NS_PER_S  INT64_C(1000000000)
#define CF_NS_PER_MS INT64_C(1000000)
#define CF_NS_PER_US INT64_C(1000)

static inline int64_t cf_clock_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * CF_NS_PER_S + ts.tv_nsec;
}

#endif
