/*
 * A pipe in each direction, of the default size. Messages are no longer than PIPE_BUF, so each is written in one piece and read in one: one
 * system call per message at each end. (Who reads with a large buffer gets many at once; then he has to wait for, or keep, parts of them.)
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "bench/transport/transport.h"

_Static_assert(TRANSPORT_BYTES_MAX <= PIPE_BUF, "a message is written in one piece");

static int there[2] = {-1, -1}, back[2] = {-1, -1};

static bool open_pipes(struct transport_link *l)
{
    const int flags = O_CLOEXEC | (l->mode == TRANSPORT_SPINNING ? O_NONBLOCK : 0);
    return (pipe2(there, flags) == 0 && pipe2(back, flags) == 0) || transport_fail(l, "no pipes");
}

static void close_pipes(struct transport_link *l)
{
    int *fds[] = {&there[0], &there[1], &back[0], &back[1]};
    (void)l;
    for (int i = 0; i < 4; i++) {
        if (*fds[i] >= 0)
            close(*fds[i]);
        *fds[i] = -1;
    }
}

static bool send_messages(struct transport_link *l, uint64_t first, uint64_t count)
{
    static uint8_t message[TRANSPORT_BYTES_MAX];
    const int fd = l->far ? back[1] : there[1];
    uint32_t spins = 0;
    numbered_fill(message, l->bytes);
    for (uint64_t i = 0; i < count; i++) {
        ssize_t n;
        numbered_set(message, l->bytes, first + i);
        while (l->calls++, (n = write(fd, message, l->bytes)) < 0 && errno == EAGAIN)
            transport_spin(&spins);
        if (n != (ssize_t)l->bytes)
            return transport_fail(l, "a pipe does not take a message");
    }
    return true;
}

static bool receive_messages(struct transport_link *l, uint64_t first, uint64_t count)
{
    static uint8_t message[TRANSPORT_BYTES_MAX];
    const int fd = l->far ? there[0] : back[0];
    uint32_t spins = 0;
    for (uint64_t i = 0; i < count; i++) {
        ssize_t n;
        while (l->calls++, (n = read(fd, message, l->bytes)) < 0 && errno == EAGAIN)
            transport_spin(&spins);
        if (n != (ssize_t)l->bytes || !numbered_is(message, l->bytes, first + i))
            return transport_fail_message(l);
    }
    return true;
}

const struct transport transport_pipe = {
    .name = "pipe",
    .modes = TRANSPORT_SPINNING + TRANSPORT_SLEEPING,
    .counts_calls = true,
    .open = open_pipes,
    .send = send_messages,
    .receive = receive_messages,
    .close = close_pipes,
};
