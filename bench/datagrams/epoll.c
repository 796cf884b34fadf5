/*
 * The usual loop: epoll says that there is something, then the socket is read until there is nothing left or a turn is full. One by one that is
 * known by a recvmsg that fails, in batches by one that is not full.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/datagrams/batch.h"

static int loop = -1;

static bool open_loop(struct receiver_link *l)
{
    struct epoll_event wanted = {.events = EPOLLIN};
    loop = epoll_create1(EPOLL_CLOEXEC);
    return (loop >= 0 && epoll_ctl(loop, EPOLL_CTL_ADD, l->fd, &wanted) == 0) || receiver_fail(l, "no epoll");
}

static void close_loop(struct receiver_link *l)
{
    (void)l;
    close(loop);
}

/* 1: a datagram, 0: there is none, -1: an error. */
static int receive_one(struct receiver_link *l)
{
    static uint8_t room[DATAGRAM_ROOM_BYTES] __attribute__((aligned(64)));
    struct sockaddr_storage from;
    struct iovec part = {room, sizeof room};
    struct msghdr m = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &part, .msg_iovlen = 1};
    ssize_t n = recvmsg(l->fd, &m, MSG_DONTWAIT);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    receiver_take(l, room, (size_t)n);
    if (l->answers) {
        part = (struct iovec){(void *)receiver_answer(l), sizeof l->answer};
        l->unanswered += sendmsg(l->fd, &m, MSG_NOSIGNAL) < 0;
    }
    return 1;
}

static bool wait_for_some(struct receiver_link *l)
{
    struct epoll_event event;
    return epoll_wait(loop, &event, 1, RECEIVER_WAIT_MS) >= 0 || errno == EINTR ||
           receiver_fail(l, "epoll_wait failed");
}

static bool receive_one_by_one(struct receiver_link *l, uint64_t goal)
{
    while (l->received < goal && !l->failed) {
        int got = 1;
        if (!wait_for_some(l))
            return false;
        for (int i = 0; i < RECEIVER_TURN && got > 0; i++)
            got = receive_one(l);
        if (got < 0)
            return receiver_fail(l, "recvmsg failed");
    }
    return true;
}

static bool receive_batches(struct receiver_link *l, uint64_t goal)
{
    while (l->received < goal && !l->failed) {
        int got = RECEIVER_BATCH;
        if (!wait_for_some(l))
            return false;
        for (int i = 0; i < RECEIVER_TURN && got == RECEIVER_BATCH; i += got)
            got = batch_receive(l, MSG_DONTWAIT);
        if (got < 0)
            return receiver_fail(l, "recvmmsg failed");
    }
    return true;
}

const struct receiver receiver_epoll_recvmsg = {"epoll and recvmsg", open_loop, receive_one_by_one, close_loop};
const struct receiver receiver_epoll_recvmmsg = {"epoll and recvmmsg", open_loop, receive_batches, close_loop};
