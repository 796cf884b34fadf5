/*
 * The two allocators of the peers, in one program: malloc of glibc, which serves the program itself too, and jemalloc by
 * functions that only it has. The program is linked so that malloc is found in glibc first; allocator_check() says whether that
 * came true.
 */
#ifndef CALLFAN_BENCH_HANDLES_ALLOCATOR_H
#define CALLFAN_BENCH_HANDLES_ALLOCATOR_H

#include <stdbool.h>
#include <stddef.h>

struct allocator {
    void *(*allocate)(size_t bytes); /* ends the program rather than return NULL */
    void (*release)(void *memory);
};

extern const struct allocator allocator_glibc, allocator_jemalloc;

/* Whether each allocates by itself what is asked of it. */
bool allocator_check(void);

#endif
