/*
 * Sleeping on a word of shared memory; waiting works on a read-only mapping.
 *
 * Units      timeout_ns: nanoseconds from now, CLOCK_MONOTONIC; negative waits without bound
 * Progress   wait blocks, wake does not
 * Errors     negative errno
 */
#ifndef CF_SHM_SYS_FUTEX_H
#define CF_SHM_SYS_FUTEX_H

#include <stdint.h>

/*
 * Sleeps while the word holds expected. 0: woken, interrupted or the word differs, so look again; -ETIMEDOUT; -EFAULT: no memory
 * there any more.
 */
int cf_futex_wait(const uint32_t *word, uint32_t expected, int64_t timeout_ns);

/* Wakes up to count sleepers, of any process. Returns how many. */
int cf_futex_wake(const uint32_t *word, int count);

/* The futex word of a 64-bit word: its low half. */
static inline const uint32_t *cf_futex_low(const uint64_t *word)
{
    _Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the low half comes first");
    return (const uint32_t *)(const void *)word;
}

#endif
