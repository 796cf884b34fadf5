/* Changes lists of steps by whole steps, or one step by its bytes. */
#include <string.h>

#include "tests/support/fuzz_rig.h"

/* libFuzzer's; not there when an entry runs over its corpus alone. */
__attribute__((weak)) size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t size_max);

static uint32_t next(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static size_t insert(uint8_t *data, size_t count, size_t at, const struct fuzz_step *s)
{
    memmove(data + (at + 1) * sizeof *s, data + at * sizeof *s, (count - at) * sizeof *s);
    memcpy(data + at * sizeof *s, s, sizeof *s);
    return count + 1;
}

static struct fuzz_step random_step(uint32_t *state)
{
    struct fuzz_step s;
    uint8_t bytes[sizeof s];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)next(state);
    memcpy(&s, bytes, sizeof s);
    if (next(state) % 2 == 0)
        s.how = (uint8_t)(1u << next(state) % 8); /* one thing wrong tells more than all */
    if (next(state) % 3 == 0)
        s.how = 0;
    return s;
}

size_t fuzz_steps_mutate(uint8_t *data, size_t size, size_t size_max, unsigned seed)
{
    uint32_t state = seed * 2654435761u + 1;
    const size_t max = size_max / FUZZ_STEP_BYTES;
    size_t count = size / FUZZ_STEP_BYTES;
    struct fuzz_step s = random_step(&state);
    if (max < 2)
        return size;
    if (count == 0)
        return insert(data, 0, 0, &s) * sizeof s;
    const size_t at = next(&state) % count, other = next(&state) % count;
    switch (next(&state) % 8) {
    case 0:
    case 1: /* a new step */
        return (count < max ? insert(data, count, at + 1, &s) : count) * sizeof s;
    case 2: /* one again somewhere else */
        memcpy(&s, data + other * sizeof s, sizeof s);
        return (count < max ? insert(data, count, at + 1, &s) : count) * sizeof s;
    case 3: /* some are taken out */
        if (at != 0) {
            const size_t n = 1 + next(&state) % (count - at < 8 ? count - at : 8);
            memmove(data + at * sizeof s, data + (at + n) * sizeof s, (count - at - n) * sizeof s);
            return (count - n) * sizeof s;
        }
        break;
    case 4: /* two change places */
        if (at != 0 && other != 0) {
            memcpy(&s, data + at * sizeof s, sizeof s);
            memmove(data + at * sizeof s, data + other * sizeof s, sizeof s);
            memcpy(data + other * sizeof s, &s, sizeof s);
        }
        return count * sizeof s;
    default:
        break;
    }
    if (LLVMFuzzerMutate != NULL)
        LLVMFuzzerMutate(data + at * sizeof s, sizeof s, sizeof s);
    return count * sizeof s;
}
