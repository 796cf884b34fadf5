/*
 * Priorities: for each media mode the names of the applications that are to get its calls first (lineSetAppPriority).
 *
 * Shape      a list of at most CF_PRIORITY_NAMES names per media mode, the first is the highest; a name stands in a list once
 * Invariant  cf_priorities_check(); each port's rank[] says where its name stands
 * Writers    the engine's thread. The shown copy lies outside of the journal and follows the commit: a reader of another process takes what
 *            lies between two equal even versions
 * Trust      the copy of another process and a file are believed when cf_priorities_check() holds
 */
#ifndef CF_CORE_PRIORITY_H
#define CF_CORE_PRIORITY_H

#include <stdbool.h>
#include <stdint.h>

#include "callfan/limits.h"

#define CF_PRIORITY_MODES 15u /* LINEMEDIAMODE_UNKNOWN to _VIDEO, a bit each */
#define CF_PRIORITY_NAMES 32u

struct cf_priority_list {
    uint32_t count;
    uint32_t reserved;
    char name[CF_PRIORITY_NAMES][CF_NAME_MAX];
};

struct cf_priorities {
    struct cf_priority_list modes[CF_PRIORITY_MODES];
};
_Static_assert(sizeof(struct cf_priorities) == 30840, "no padding");

struct cf_priorities_shown {
    uint64_t version; /* odd while it is written */
    struct cf_priorities priorities;
};

/* Which list a media mode has; CF_PRIORITY_MODES unless it is exactly one of LINEMEDIAMODE_. */
uint32_t cf_priority_mode(uint64_t media);

/* Counts within bounds, names that end, are not empty and stand there once. */
bool cf_priorities_check(const struct cf_priorities *p);

/* What is shown, if it is newer than *version and nobody writes it just now: false else. *version follows. Any process. */
bool cf_priorities_read(const struct cf_priorities_shown *shown, uint64_t *version, struct cf_priorities *ret_priorities);

#endif
