/*
 * Question: how many messages a second go from one process to another through Callfan's ring, and through what else there is, by size; and how many
 * system calls and sleeps does it take?
 *
 * Expected: a message of 64 bytes in shared memory is a line that travels from cache to cache, 6 to 12 ns whoever moves it (ck_ring one of two more,
 * its two indices); what goes through the kernel takes a system call at each end, a copy in and one out and a lock, 0.3 to 1 us, and a wake-up
 * when the other end sleeps, 2 to 5 us more. iceoryx lends, publishes, takes and gives back a chunk by a dozen atomic operations on words that both
 * ends change, 0.5 to 1 us, and wakes by a semaphore. ZeroMQ gathers messages for its own thread, which writes many at once: below one call per message. Longer messages bring copying
 * to the fore, so that the ratios shrink. System calls per million: the ring none spinning, one bell, one poll, one drain per sleep sleeping, so
 * some 4,000 sleeps a second; sockets, pipes and queues a million at each end.
 *
 * Method: bench/transport/: two processes, one on each CPU (bench-cpus: 2), every message verified by its number; 64, 256, 1,024 and 3,584 bytes, the
 * longest that a record carries (4,096 are left out). In memory each ring has 1 MiB, a port's default; pipes, sockets, queues and libraries
 * are as they come. Spinning: an end that can do nothing asks again. Sleeping: it waits as the transport waits. References: the bare
 * loop, and each transport. A socket does more than a ring: see docs/NUMBERS.md.
 */
#include "bench/cbench.h"
#include "bench/transport/comparison.h"

int main(int argc, char **argv)
{
    if (!cbench_init(&argc, argv))
        return 1;
    comparison_register(false);
    return cbench_run();
}
