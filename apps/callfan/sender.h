/*
 * The sender's list: what callfan-sim posted, call by call, from its record file (docs/adapters/sim.md).
 *
 * Units      time_ns: CLOCK_MONOTONIC, the same as in the messages that monitors get
 * Errors     a file that cannot be read or has a line that is none: false, with the reason on stderr. A last line that was cut
 *            (the sender died) is left out.
 */
#ifndef CF_APPS_CALLFAN_SENDER_H
#define CF_APPS_CALLFAN_SENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "apps/callfan/map.h"
#include "apps/callfan/view.h"

struct cf_sender_call {
    uint64_t serial;
    int64_t first_ns;
    bool refused; /* the core did not take it */
    bool too_long;
    uint8_t count;
    uint16_t state[CF_VIEW_STATES_MAX];    /* cf_view_code() */
    uint32_t after_us[CF_VIEW_STATES_MAX]; /* since first_ns */
};

struct cf_sender {
    struct cf_sender_call *calls; /* callee's */
    size_t calls_count, calls_room;
    uint64_t events;
    struct cf_tool_map by_serial; /* -> index + 1 */
};

bool cf_sender_read(struct cf_sender *s, const char *path);
void cf_sender_fini(struct cf_sender *s);
const struct cf_sender_call *cf_sender_find(const struct cf_sender *s, uint64_t serial);

#endif
