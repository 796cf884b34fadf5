/*
 * Receive buffers that the kernel chooses from: a group of one io_uring.
 *
 * Shape      count buffers, a power of two, of so many bytes each, at stride bytes from each other; and the ring in which they are offered
 * Invariant  the kernel takes them in the order in which they were given, so all of them pass through the processor's caches in turn: no more than
 *            are needed between two turns
 * Overlap    none: the thread of the io_uring
 * Errors     negative errno
 * Source     io_uring_register(2), IORING_REGISTER_PBUF_RING
 */
#ifndef CF_PROVIDER_BUFFERS_H
#define CF_PROVIDER_BUFFERS_H

#include <stddef.h>
#include <stdint.h>

#include <liburing.h>

struct cf_buffers {
    struct io_uring_buf_ring *ring;
    uint8_t *memory;
    uint32_t count, bytes, stride;
    uint16_t group;
};

/* In zeroed memory. Gives all of them. To be called before the ring is enabled; end with cf_buffers_fini() even after an error. */
int cf_buffers_init(struct cf_buffers *b, struct io_uring *uring, uint16_t group, uint32_t count, uint32_t bytes);

/* After io_uring_queue_exit(). Without cf_buffers_init(): nothing. */
void cf_buffers_fini(struct cf_buffers *b);

static inline uint8_t *cf_buffers_at(const struct cf_buffers *b, uint32_t id)
{
    return b->memory + (size_t)id * b->stride;
}

static inline void cf_buffers_give(struct cf_buffers *b, uint32_t id)
{
    io_uring_buf_ring_add(b->ring, cf_buffers_at(b, id), b->bytes, (unsigned short)id, io_uring_buf_ring_mask(b->count),
                          0);
    io_uring_buf_ring_advance(b->ring, 1);
}

#endif
