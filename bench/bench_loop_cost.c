/*
 * What does the harness itself cost, and what a pair of glibc's malloc and free?
 *
 * Expected: an empty CBENCH_LOOP runs at one iteration per cycle, 0.25 to 0.5 ns; a loop of one dependent addition
 * the same; asking the library once per iteration costs a call through two functions, four to six times that. malloc
 * and free of 64 bytes at once hit the thread's cache: about 5 ns. Every other benchmark of this folder stands on the
 * first figure being small against its own.
 *
 * Method: one thread; each loop beside the empty loop.
 */
#include "bench/cbench.h"

#include <stdlib.h>

static void empty_loop(struct cbench_state *s, void *arg)
{
    (void)arg;
    CBENCH_LOOP (s)
        CBENCH_CLOBBER();
    cbench_items(s, cbench_iterations(s));
}

static void take_one(struct cbench_state *s, void *arg)
{
    (void)arg;
    while (cbench_take(s, 1) != 0)
        CBENCH_CLOBBER();
    cbench_items(s, cbench_iterations(s));
    cbench_compare(s, "empty_loop");
}

static void add_loop(struct cbench_state *s, void *arg)
{
    uint64_t sum = 0;

    (void)arg;
    CBENCH_LOOP (s) {
        sum++;
        CBENCH_USE(sum);
    }
    if (sum != (uint64_t)cbench_iterations(s))
        abort();
    cbench_items(s, cbench_iterations(s));
    cbench_compare(s, "empty_loop");
}

static void malloc_free(struct cbench_state *s, void *arg)
{
    const size_t size = (size_t)cbench_range(s, 0);

    (void)arg;
    CBENCH_LOOP (s) {
        void *p = malloc(size);
        CBENCH_USE(p);
        free(p);
    }
    cbench_items(s, cbench_iterations(s));
    cbench_compare(s, "empty_loop");
}

int main(int argc, char **argv)
{
    if (!cbench_init(&argc, argv))
        return 1;
    cbench_add("empty_loop", empty_loop, NULL);
    cbench_add("take_one", take_one, NULL);
    cbench_add("add_loop", add_loop, NULL);
    struct cbench *b = cbench_add("malloc_free", malloc_free, NULL);
    cbench_arg(b, 64);
    cbench_arg(b, 256);
    return cbench_run();
}
