#include "apps/callfan/away.h"

#include <stdio.h>
#include <stdlib.h>

void cf_away_fini(struct cf_away *a)
{
    free(a->windows);
    *a = (struct cf_away){0};
}

void cf_away_close(struct cf_away *a, uint32_t device, int64_t from_ns)
{
    if (a->count == a->room) {
        a->room = a->room == 0 ? 256 : a->room * 2;
        a->windows = realloc(a->windows, a->room * sizeof *a->windows);
        if (a->windows == NULL) {
            fprintf(stderr, "callfan check: no memory\n");
            exit(EXIT_FAILURE);
        }
    }
    a->windows[a->count++] = (struct cf_away_window){from_ns, INT64_MAX, device};
}

void cf_away_open(struct cf_away *a, uint32_t device, int64_t to_ns)
{
    for (size_t i = a->count; i > 0; i--)
        if (a->windows[i - 1].device == device) {
            if (a->windows[i - 1].to_ns == INT64_MAX)
                a->windows[i - 1].to_ns = to_ns;
            return;
        }
}

bool cf_away_at(const struct cf_away *a, uint32_t device, int64_t at_ns, int64_t before_ns)
{
    for (size_t i = 0; i < a->count; i++) {
        const struct cf_away_window *w = &a->windows[i];
        if ((device == CF_AWAY_ANY || w->device == device) && at_ns >= w->from_ns - before_ns && at_ns <= w->to_ns)
            return true;
    }
    return false;
}
