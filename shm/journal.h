/*
 * The undo journal of a turn: before the first change of a 64-byte line of journaled memory its old content is kept.
 *
 * Shape      a control line, the line numbers, the old contents (64 bytes each)
 * Units      a line is 64 bytes, numbered from the start of the journaled region
 * Invariant  an entry is complete before the count that covers it; undo runs in reverse, so that a line kept twice ends
 *            with its oldest content
 * Writers    the engine's thread
 * Progress   wait-free
 * Overlap    none
 */
#ifndef CF_SHM_JOURNAL_H
#define CF_SHM_JOURNAL_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "shm/atomics.h"

#define CF_LINE_BYTES 64
#define CF_JOURNAL_ENTRIES 32768
#define CF_JOURNAL_FILTER 1024

/* In shared memory, not journaled itself. Entry i is {lines[i], old[i]}. */
struct cf_journal_log {
    uint64_t count; /* entries that are complete */
    uint64_t reserved[7];
    uint64_t lines[CF_JOURNAL_ENTRIES];
    uint8_t old[CF_JOURNAL_ENTRIES][CF_LINE_BYTES];
};
_Static_assert(sizeof(struct cf_journal_log) == 64 + CF_JOURNAL_ENTRIES * 72, "no padding");

/* Named points at which a test may crash the engine. */
enum cf_point { CF_POINT_TOUCH, CF_POINT_OUTPUT, CF_POINT_COMMIT, CF_POINT_PUBLISH, CF_POINTS };
typedef void cf_point_fn(enum cf_point point, void *arg);

/* Private to the process: the view through which the engine writes. */
struct cf_journal {
    struct cf_journal_log *log;
    uint8_t *base;   /* start of the journaled region */
    uint64_t bytes;  /* its length */
    uint64_t turn;   /* the turn that the filter speaks of */
    cf_point_fn *on_point;
    void *point_arg;
    struct {
        uint64_t line, turn;
    } filter[CF_JOURNAL_FILTER]; /* lines already kept in this turn; a miss only keeps a line twice */
};

static inline void cf_journal_point(struct cf_journal *j, enum cf_point point) {
    if (cf_unlikely(j->on_point != NULL))
        j->on_point(point, j->point_arg);
}

static inline void cf_journal_begin(struct cf_journal *j, uint64_t turn) { j->turn = turn; }

static inline uint32_t cf_journal_room(const struct cf_journal *j) {
    return (uint32_t)(CF_JOURNAL_ENTRIES - j->log->count);
}

static inline void cf_journal_keep(struct cf_journal *j, uint64_t line) {
    struct cf_journal_log *log = j->log;
    uint64_t n = log->count;
    assert(n < CF_JOURNAL_ENTRIES);
    log->lines[n] = line;
    memcpy(log->old[n], j->base + line * CF_LINE_BYTES, CF_LINE_BYTES);
    cf_store_release_64(&log->count, n + 1); /* J0: the entry before its count; partner: cf_journal_undo() in a new core */
}

/* Must precede every store to journaled memory. With j NULL it does nothing: memory of a library or a benchmark. */
static inline void cf_touch(struct cf_journal *j, const void *p) {
    if (j == NULL)
        return;
    uint64_t line = (uint64_t)((const uint8_t *)p - j->base) / CF_LINE_BYTES;
    uint32_t at = (uint32_t)line & (CF_JOURNAL_FILTER - 1);
    if (cf_likely(j->filter[at].line == line && j->filter[at].turn == j->turn))
        return;
    cf_journal_point(j, CF_POINT_TOUCH);
    cf_journal_keep(j, line);
    j->filter[at].line = line;
    j->filter[at].turn = j->turn;
    cf_journal_point(j, CF_POINT_TOUCH);
}

/* Touches every line of [p, p + bytes). */
static inline void cf_touch_range(struct cf_journal *j, const void *p, uint64_t bytes) {
    if (j == NULL || bytes == 0)
        return;
    uint64_t first = (uint64_t)((const uint8_t *)p - j->base) / CF_LINE_BYTES;
    uint64_t last = (uint64_t)((const uint8_t *)p - j->base + bytes - 1) / CF_LINE_BYTES;
    for (uint64_t line = first; line <= last; line++)
        cf_touch(j, j->base + line * CF_LINE_BYTES);
}

/* Copies every kept line back, newest first. Returns false when the log is not one that this region can have written. */
static inline bool cf_journal_undo(struct cf_journal *j) {
    uint64_t n = cf_load_acquire_64(&j->log->count); /* J0 */
    if (n > CF_JOURNAL_ENTRIES)
        return false;
    for (uint64_t i = n; i-- > 0;) {
        uint64_t line = j->log->lines[i];
        if (line >= j->bytes / CF_LINE_BYTES)
            return false;
        memcpy(j->base + line * CF_LINE_BYTES, j->log->old[i], CF_LINE_BYTES);
    }
    return true;
}

#endif
