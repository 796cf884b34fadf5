/*
 * The sender's list: what callfan-sim reported, call by call, from the journals it kept (docs/adapters/sim.md).
 *
 * Units      time_ns: CLOCK_MONOTONIC, the same as in the messages that monitors get
 * Errors     a file that cannot be read or is no journal: false, with the reason on stderr. A last entry that was cut (the sender
 *            died) is left out; an empty file is that of a sender that died at once.
 */
#ifndef CF_APPS_CALLFAN_SENDER_H
#define CF_APPS_CALLFAN_SENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "apps/callfan/map.h"
#include "apps/callfan/view.h"

/* In a state: it found the ring full and waited; a newer one may have taken its place before the core saw it. */
#define CF_SENDER_MAY_MISS 0x8000u

struct cf_sender_call {
    uint64_t serial;
    int64_t first_ns;
    uint64_t origin; /* the journal and the line in it */
    bool refused;    /* the core did not take it */
    bool dialled;    /* an application made it: monitors know it by no number */
    bool too_long;
    uint8_t count;
    uint16_t state[CF_VIEW_STATES_MAX];    /* cf_view_code(), CF_SENDER_MAY_MISS */
    uint32_t after_us[CF_VIEW_STATES_MAX]; /* since first_ns */
};

struct cf_sender {
    struct cf_sender_call *calls; /* callee's */
    size_t calls_count, calls_room;
    uint64_t events;
    uint32_t journals_count;
    struct cf_tool_map by_serial; /* -> index + 1 */
};

/* path: a journal, or a folder of journals. */
bool cf_sender_read(struct cf_sender *s, const char *path);
void cf_sender_fini(struct cf_sender *s);
const struct cf_sender_call *cf_sender_find(const struct cf_sender *s, uint64_t serial);

#endif
