/*
 * Question: how long does a message of 64 bytes take to another process and its answer back, through Callfan's ring and through what else there is?
 *
 * Expected: spinning, two lines travel, 0.1 to 0.2 us in shared memory; through the kernel four system calls, 1 to 3 us. Sleeping, two wake-ups of
 * another CPU, whoever makes them: 10 to 50 us in a virtual machine, so that what is sent hardly matters; ZeroMQ's two threads at each end
 * make it four to six. System calls per round trip: a pipe two at each end; the ring sleeping two or three more, for its bell is apart from the message.
 *
 * Method: as bench_ring_peers (bench-cpus: 2), but each message is answered before the next is sent. The near end is the core: down ring there, up
 * ring back, wake_interval_us 0.
 */
#include "bench/cbench.h"
#include "bench/transport/comparison.h"

int main(int argc, char **argv)
{
    if (!cbench_init(&argc, argv))
        return 1;
    comparison_register(true);
    return cbench_run();
}
