/*
 * When a monitor's lines were away: from the LINE_CLOSE that a provider's death brought until the line was open again.
 *
 * Units      CLOCK_MONOTONIC ns; the beginning is the core's time, so that it does not depend on when the monitor read
 * Errors     no memory ends the program
 * Overlap    one thread
 */
#ifndef CF_APPS_CALLFAN_AWAY_H
#define CF_APPS_CALLFAN_AWAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CF_AWAY_ANY UINT32_MAX /* as a device: whichever */

struct cf_away_window {
    int64_t from_ns, to_ns; /* to_ns INT64_MAX: not open again */
    uint32_t device;
};

/* All zero: never away. */
struct cf_away {
    struct cf_away_window *windows; /* callee's */
    size_t count, room;
};

void cf_away_fini(struct cf_away *a);

void cf_away_close(struct cf_away *a, uint32_t device, int64_t from_ns);
/* Open again; nothing when it was not away. */
void cf_away_open(struct cf_away *a, uint32_t device, int64_t to_ns);

/* Whether the device was away at that time, or went away at most before_ns later. */
bool cf_away_at(const struct cf_away *a, uint32_t device, int64_t at_ns, int64_t before_ns);

#endif
