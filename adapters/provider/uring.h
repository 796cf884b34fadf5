/*
 * The restricted io_uring: made disabled, told for good what may be asked of it, then enabled.
 *
 * Invariant  once enabled, every operation and registration but those listed in uring.c is refused with EACCES: an adapter that
 *            needs another one adds it there, where a reviewer sees it. CONNECT and ACCEPT are among them only for who has streams
 * Overlap    none; the thread that enables the ring is the only one that may submit to it
 * Errors     negative errno
 * Source     io_uring_register(2), IORING_REGISTER_RESTRICTIONS
 */
#ifndef CF_PROVIDER_URING_H
#define CF_PROVIDER_URING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <liburing.h>

/*
 * Makes a disabled ring with up to so many entries (fewer when memory is short) in the newest manner that the kernel knows. On failure
 * why gets one sentence that says what the kernel lacks or forbids. End with io_uring_queue_exit().
 */
int cf_uring_open(struct io_uring *ring, uint32_t entries, char *why, size_t why_bytes);

/* Restricts and enables it; what is not allowed later (files, buffers) must be registered before. streams: of bytes, not only datagrams. */
int cf_uring_enable(struct io_uring *ring, bool streams);

#endif
