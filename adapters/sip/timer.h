/*
 * Timer wheel for SIP's timers: half a second to half a minute, restarted and stopped far more often than they fire.
 *
 * Shape:     4,096 slots of 2^23 ns (8.4 ms), 34 s in one turn of the wheel; a timer further away waits in its slot for later
 *            turns. A bit per slot says which hold timers.
 * Units:     CLOCK_MONOTONIC nanoseconds, passed in.
 * Invariant: a timer never fires early; it fires at most one slot late plus what the caller waits.
 * Progress:  arm and disarm O(1); expired walks the slots that came due.
 */
#ifndef CALLFAN_ADAPTERS_SIP_TIMER_H
#define CALLFAN_ADAPTERS_SIP_TIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CF_SIP_WHEEL_SLOTS = 4096,
    CF_SIP_WHEEL_SHIFT = 23,
};
#define CF_SIP_TIMER_NEVER UINT64_MAX

struct cf_sip_timer {
    struct cf_sip_timer *next, *prev; /* NULL: not armed */
    uint64_t tick;
    uint8_t kind; /* the owner's */
};

struct cf_sip_wheel {
    uint64_t cursor; /* slots before this tick have been emptied of what was due */
    uint32_t armed;
    uint64_t bits[CF_SIP_WHEEL_SLOTS / 64];
    struct cf_sip_timer head[CF_SIP_WHEEL_SLOTS];
};

void cf_sip_wheel_init(struct cf_sip_wheel *wheel, uint64_t now_ns);

/* Starts the timer, or starts it anew. Keeps it until it fired or was disarmed. */
void cf_sip_wheel_arm(struct cf_sip_wheel *wheel, struct cf_sip_timer *timer, uint64_t due_ns);
void cf_sip_wheel_disarm(struct cf_sip_wheel *wheel, struct cf_sip_timer *timer); /* no-op when not armed */

/* Takes one timer that is due, NULL when none is. */
struct cf_sip_timer *cf_sip_wheel_expired(struct cf_sip_wheel *wheel, uint64_t now_ns);

/* When cf_sip_wheel_expired() is to be called next, CF_SIP_TIMER_NEVER with no timer armed. */
uint64_t cf_sip_wheel_deadline(const struct cf_sip_wheel *wheel);

bool cf_sip_wheel_check(const struct cf_sip_wheel *wheel);

#endif
