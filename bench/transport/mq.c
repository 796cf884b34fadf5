/*
 * A POSIX message queue in each direction: one system call per message at each end. As deep as a program without privileges gets one, which is
 * 10 messages unless the administrator raised fs.mqueue.msg_max.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <unistd.h>

#include "bench/transport/transport.h"

static mqd_t there = (mqd_t)-1, back = (mqd_t)-1;

static long depth(void)
{
    long n = 0;
    FILE *f = fopen("/proc/sys/fs/mqueue/msg_max", "re");
    if (f == NULL)
        return 10;
    if (fscanf(f, "%ld", &n) != 1 || n < 1)
        n = 10;
    fclose(f);
    return n;
}

/* Its name lives only until both ends could inherit the descriptor. */
static mqd_t open_queue(const struct transport_link *l, const char *direction)
{
    char name[64];
    struct mq_attr attributes = {.mq_maxmsg = depth(), .mq_msgsize = (long)l->bytes};
    snprintf(name, sizeof name, "/callfan-bench-%d-%s", (int)getpid(), direction);
    mqd_t q = mq_open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | (l->mode == TRANSPORT_SPINNING ? O_NONBLOCK : 0),
                      0600, &attributes);
    if (q != (mqd_t)-1)
        mq_unlink(name);
    return q;
}

static bool open_queues(struct transport_link *l)
{
    there = open_queue(l, "there");
    back = open_queue(l, "back");
    return (there != (mqd_t)-1 && back != (mqd_t)-1) || transport_fail(l, "no message queues");
}

static void close_queues(struct transport_link *l)
{
    (void)l;
    if (there != (mqd_t)-1)
        mq_close(there);
    if (back != (mqd_t)-1)
        mq_close(back);
    there = back = (mqd_t)-1;
}

static bool send_messages(struct transport_link *l, uint64_t first, uint64_t count)
{
    static uint8_t message[TRANSPORT_BYTES_MAX];
    const mqd_t q = l->far ? back : there;
    uint32_t spins = 0;
    numbered_fill(message, l->bytes);
    for (uint64_t i = 0; i < count; i++) {
        int error;
        numbered_set(message, l->bytes, first + i);
        while (l->calls++, (error = mq_send(q, (const char *)message, l->bytes, 0)) != 0 && errno == EAGAIN)
            transport_spin(&spins);
        if (error != 0)
            return transport_fail(l, "a queue does not take a message");
    }
    return true;
}

static bool receive_messages(struct transport_link *l, uint64_t first, uint64_t count)
{
    static uint8_t message[TRANSPORT_BYTES_MAX];
    const mqd_t q = l->far ? there : back;
    uint32_t spins = 0;
    for (uint64_t i = 0; i < count; i++) {
        ssize_t n;
        while (l->calls++, (n = mq_receive(q, (char *)message, sizeof message, NULL)) < 0 && errno == EAGAIN)
            transport_spin(&spins);
        if (n != (ssize_t)l->bytes || !numbered_is(message, l->bytes, first + i))
            return transport_fail_message(l);
    }
    return true;
}

const struct transport transport_mq = {
    .name = "mq",
    .modes = TRANSPORT_SPINNING + TRANSPORT_SLEEPING,
    .counts_calls = true,
    .open = open_queues,
    .send = send_messages,
    .receive = receive_messages,
    .close = close_queues,
};
