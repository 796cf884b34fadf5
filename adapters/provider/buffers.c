/* See buffers.h. */
#include "adapters/provider/buffers.h"

#include <errno.h>
#include <sys/mman.h>

enum { LINE_BYTES = 64 }; /* each begins a cache line of its own */

static void *map(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory != MAP_FAILED ? memory : NULL;
}

int cf_buffers_init(struct cf_buffers *b, struct io_uring *uring, uint16_t group, uint32_t count, uint32_t bytes)
{
    b->count = count;
    b->bytes = bytes;
    b->stride = (bytes + LINE_BYTES - 1) / LINE_BYTES * LINE_BYTES;
    b->group = group;
    b->ring = map((size_t)count * sizeof(struct io_uring_buf));
    b->memory = map((size_t)count * b->stride);
    if (b->ring == NULL || b->memory == NULL)
        return -ENOMEM;
    struct io_uring_buf_reg reg = {.ring_addr = (uintptr_t)b->ring, .ring_entries = count, .bgid = group};
    int rc = io_uring_register_buf_ring(uring, &reg, 0);
    if (rc < 0)
        return rc;
    io_uring_buf_ring_init(b->ring);
    for (uint32_t i = 0; i < count; i++)
        cf_buffers_give(b, i);
    return 0;
}

void cf_buffers_fini(struct cf_buffers *b)
{
    if (b->memory != NULL)
        munmap(b->memory, (size_t)b->count * b->stride);
    if (b->ring != NULL)
        munmap(b->ring, (size_t)b->count * sizeof(struct io_uring_buf));
}
