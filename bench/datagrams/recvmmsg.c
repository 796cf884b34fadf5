/* A thread that waits in recvmmsg and hears of nothing else: what is left when a loop over many descriptors and timers is taken away. */
#define _GNU_SOURCE 1
#include <sys/socket.h>

#include "bench/datagrams/batch.h"

static bool open_nothing(struct receiver_link *l)
{
    (void)l;
    return true;
}

static bool receive(struct receiver_link *l, uint64_t goal)
{
    while (l->received < goal && !l->failed)
        if (batch_receive(l, MSG_WAITFORONE) < 0)
            return receiver_fail(l, "recvmmsg failed");
    return true;
}

static void close_nothing(struct receiver_link *l)
{
    (void)l;
}

const struct receiver receiver_recvmmsg = {"recvmmsg", open_nothing, receive, close_nothing};
