#include "apps/callfan/timers.h"

#include <stdio.h>
#include <stdlib.h>

void cf_tool_timers_fini(struct cf_tool_timers *t)
{
    free(t->heap);
    *t = (struct cf_tool_timers){0};
}

void cf_tool_timers_add(struct cf_tool_timers *t, int64_t due_ns, uint64_t key, uint32_t action)
{
    if (t->count == t->room) {
        t->room = t->room == 0 ? 1024 : t->room * 2;
        t->heap = realloc(t->heap, t->room * sizeof *t->heap);
        if (t->heap == NULL) {
            fprintf(stderr, "callfan: no memory for %zu timers\n", t->room);
            exit(EXIT_FAILURE);
        }
    }
    size_t i = t->count++;
    for (size_t up; i > 0 && t->heap[up = (i - 1) / 2].due_ns > due_ns; i = up)
        t->heap[i] = t->heap[up];
    t->heap[i] = (struct cf_tool_timer){due_ns, key, action};
}

int64_t cf_tool_timers_due(const struct cf_tool_timers *t)
{
    return t->count == 0 ? INT64_MAX : t->heap[0].due_ns;
}

bool cf_tool_timers_take(struct cf_tool_timers *t, int64_t now_ns, struct cf_tool_timer *ret_timer)
{
    if (cf_tool_timers_due(t) > now_ns)
        return false;
    *ret_timer = t->heap[0];
    if (--t->count == 0)
        return true;
    struct cf_tool_timer last = t->heap[t->count];
    size_t i = 0;
    for (size_t down; (down = 2 * i + 1) < t->count; i = down) {
        if (down + 1 < t->count && t->heap[down + 1].due_ns < t->heap[down].due_ns)
            down++;
        if (t->heap[down].due_ns >= last.due_ns)
            break;
        t->heap[i] = t->heap[down];
    }
    t->heap[i] = last;
    return true;
}
