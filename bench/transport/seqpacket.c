/* A pair of Unix sockets that keep packets apart and in order: one system call per message at each end. */
#define _GNU_SOURCE 1
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/transport/transport.h"

static int ends[2] = {-1, -1}; /* near, far */

static bool open_pair(struct transport_link *l)
{
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0 || transport_fail(l, "no pair of sockets");
}

static void close_pair(struct transport_link *l)
{
    (void)l;
    for (int i = 0; i < 2; i++) {
        if (ends[i] >= 0)
            close(ends[i]);
        ends[i] = -1;
    }
}

static bool send_messages(struct transport_link *l, uint64_t first, uint64_t count)
{
    static uint8_t message[TRANSPORT_BYTES_MAX];
    const int flags = MSG_NOSIGNAL | (l->mode == TRANSPORT_SPINNING ? MSG_DONTWAIT : 0);
    uint32_t spins = 0;
    numbered_fill(message, l->bytes);
    for (uint64_t i = 0; i < count; i++) {
        ssize_t n;
        numbered_set(message, l->bytes, first + i);
        while (l->calls++, (n = send(ends[l->far], message, l->bytes, flags)) < 0 && errno == EAGAIN)
            transport_spin(&spins);
        if (n != (ssize_t)l->bytes)
            return transport_fail(l, "a socket does not take a message");
    }
    return true;
}

static bool receive_messages(struct transport_link *l, uint64_t first, uint64_t count)
{
    static uint8_t message[TRANSPORT_BYTES_MAX];
    const int flags = l->mode == TRANSPORT_SPINNING ? MSG_DONTWAIT : 0;
    uint32_t spins = 0;
    for (uint64_t i = 0; i < count; i++) {
        ssize_t n;
        while (l->calls++, (n = recv(ends[l->far], message, sizeof message, flags)) < 0 && errno == EAGAIN)
            transport_spin(&spins);
        if (n != (ssize_t)l->bytes || !numbered_is(message, l->bytes, first + i))
            return transport_fail_message(l);
    }
    return true;
}

const struct transport transport_seqpacket = {
    .name = "seqpacket",
    .modes = TRANSPORT_SPINNING + TRANSPORT_SLEEPING,
    .counts_calls = true,
    .open = open_pair,
    .send = send_messages,
    .receive = receive_messages,
    .close = close_pair,
};
