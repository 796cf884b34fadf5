#include "bench/handles/allocator.h"

#include <stdint.h>
#include <stdlib.h>

#include <jemalloc/jemalloc.h>

static void *glibc_allocate(size_t bytes)
{
    void *memory = malloc(bytes);
    if (memory == NULL)
        abort();
    return memory;
}

static void *jemalloc_allocate(size_t bytes)
{
    void *memory = mallocx(bytes, 0);
    if (memory == NULL)
        abort();
    return memory;
}

static void jemalloc_release(void *memory)
{
    dallocx(memory, 0);
}

const struct allocator allocator_glibc = {glibc_allocate, free};
const struct allocator allocator_jemalloc = {jemalloc_allocate, jemalloc_release};

/* Bytes that jemalloc ever gave to this thread. */
static uint64_t jemalloc_given(void)
{
    uint64_t bytes = 0;
    size_t size = sizeof bytes;
    return mallctl("thread.allocated", &bytes, &size, NULL, 0) == 0 ? bytes : UINT64_MAX;
}

static bool comes_from_jemalloc(const struct allocator *a)
{
    uint64_t before = jemalloc_given();
    a->release(a->allocate(5000));
    return jemalloc_given() >= before + 5000;
}

bool allocator_check(void)
{
    return !comes_from_jemalloc(&allocator_glibc) && comes_from_jemalloc(&allocator_jemalloc);
}
