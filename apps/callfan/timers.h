/*
 * Timers: a binary heap of what is to be done when.
 *
 * Invariant  the entry at 0 is the earliest
 * Overlap    one thread
 * Errors     no memory ends the program
 */
#ifndef CF_APPS_CALLFAN_TIMERS_H
#define CF_APPS_CALLFAN_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cf_tool_timer {
    int64_t due_ns;
    uint64_t key;
    uint32_t action;
};

/* All zero is an empty heap. */
struct cf_tool_timers {
    struct cf_tool_timer *heap; /* callee's */
    size_t count, room;
};

void cf_tool_timers_fini(struct cf_tool_timers *t);
void cf_tool_timers_add(struct cf_tool_timers *t, int64_t due_ns, uint64_t key, uint32_t action);

/* When the earliest is due; INT64_MAX: none. */
int64_t cf_tool_timers_due(const struct cf_tool_timers *t);

/* Takes the earliest out if it is due at now_ns. */
bool cf_tool_timers_take(struct cf_tool_timers *t, int64_t now_ns, struct cf_tool_timer *ret_timer);

#endif
