/*
 * Marks: a set of small integers in journaled memory, found in order in constant time.
 *
 * Shape      up to five levels of 64-bit words; a bit of a level says that the word below it is not zero.
 *            Level 0 has one bit per member; capacity up to 2^25 members
 * Units      cf_marks_bytes() for a capacity, 64-byte aligned
 * Writers    the engine's thread, through the journal
 * Source     the hierarchical bitmap of a van Emde Boas tree with fixed fan-out 64
 */
#ifndef CF_CORE_MARKS_H
#define CF_CORE_MARKS_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/journal.h"

#define CF_MARKS_LEVELS 5

struct cf_marks {
    uint64_t *level[CF_MARKS_LEVELS];
    uint32_t levels;
    uint32_t capacity;
};

uint64_t cf_marks_bytes(uint32_t capacity);
void cf_marks_view(struct cf_marks *m, void *memory, uint32_t capacity);

bool cf_marks_test(const struct cf_marks *m, uint32_t i);
/* True when the mark was not there before. */
bool cf_marks_set(struct cf_marks *m, struct cf_journal *j, uint32_t i);
/* True when the mark was there. */
bool cf_marks_clear(struct cf_marks *m, struct cf_journal *j, uint32_t i);
/* The smallest member not below from, CF_INDEX_NONE when there is none. */
uint32_t cf_marks_next(const struct cf_marks *m, uint32_t from);

#endif
