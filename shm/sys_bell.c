/* Bells that keep the core from waiting: a socket pair down, an eventfd up. */
#define _GNU_SOURCE 1
#include "shm/sys_bell.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define BELL_BYTES 4096 /* more than the socket keeps of single bytes: one read empties it */

int cf_bell_create_down(int *ret_read_fd, int *ret_write_fd)
{
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0)
        return -errno;
    /* Nothing that the peer says, descriptors least of all, is ever kept for us. */
    if (shutdown(fds[1], SHUT_RD) != 0) {
        int error = -errno;
        close(fds[0]);
        close(fds[1]);
        return error;
    }
    *ret_read_fd = fds[0];
    *ret_write_fd = fds[1];
    return 0;
}

int cf_bell_create_up(int *ret_read_fd, int *ret_write_fd)
{
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    int other = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (other < 0) {
        int error = -errno;
        close(fd);
        return error;
    }
    *ret_read_fd = fd;
    *ret_write_fd = other;
    return 0;
}

/* What a ring has come to; a full bell is readable. */
static int rung(ssize_t n)
{
    if (n >= 0 || errno == EAGAIN)
        return 0;
    return errno == ECONNRESET ? -EPIPE : -errno;
}

int cf_bell_ring_down(int write_fd)
{
    ssize_t n;
    do
        n = send(write_fd, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return rung(n);
}

int cf_bell_ring_up(int write_fd)
{
    static const uint64_t one = 1;
    ssize_t n;
    do
        n = write(write_fd, &one, sizeof one);
    while (n < 0 && errno == EINTR);
    return rung(n);
}

int cf_bell_check_up(int write_fd)
{
    struct stat st;
    if (fstat(write_fd, &st) != 0)
        return -errno;
    return S_ISSOCK(st.st_mode) || S_ISFIFO(st.st_mode) ? -EPROTO : 0;
}

/* Never waits for an eventfd, although its O_NONBLOCK is the peer's to clear: RWF_NOWAIT is of this call alone (Linux 5.8). */
static ssize_t read_once(int fd)
{
    uint8_t bytes[BELL_BYTES];
    struct iovec v = {bytes, sizeof bytes};
    ssize_t n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n >= 0 || errno != ENOTSOCK)
        return n;
    n = preadv2(fd, &v, 1, -1, RWF_NOWAIT);
    return n < 0 && errno == EOPNOTSUPP ? read(fd, bytes, sizeof bytes) : n;
}

int cf_bell_drain(int read_fd)
{
    ssize_t n;
    do
        n = read_once(read_fd);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EAGAIN ? 0 : errno == ECONNRESET ? -EPIPE : -errno;
    return n == 0 ? -EPIPE : 1;
}
