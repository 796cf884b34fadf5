/* Pipe bells. */
#define _GNU_SOURCE 1
#include "shm/sys_bell.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "shm/atomics.h"

#ifndef RWF_NOSIGNAL
#define RWF_NOSIGNAL 0x00000100 /* Linux 6.18 */
#endif

#define BELL_BYTES 4096

int cf_bell_create(int *ret_read_fd, int *ret_write_fd)
{
    int fds[2];
    if (pipe2(fds, O_NONBLOCK | O_CLOEXEC) != 0)
        return -errno;
    fcntl(fds[1], F_SETPIPE_SZ, BELL_BYTES); /* when it fails the bell is larger, nothing else */
    *ret_read_fd = fds[0];
    *ret_write_fd = fds[1];
    return 0;
}

/* A write's SIGPIPE is sent to the writing thread, so blocking it there and taking it back leaves no trace. */
static int write_quietly(int fd, const void *byte)
{
    sigset_t sigpipe, pending, old;
    sigemptyset(&sigpipe);
    sigaddset(&sigpipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &sigpipe, &old);
    sigpending(&pending);
    int error = write(fd, byte, 1) < 0 ? -errno : 0;
    if (error == -EPIPE && !sigismember(&pending, SIGPIPE))
        sigtimedwait(&sigpipe, NULL, &(struct timespec){0});
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return error;
}

static int write_byte(int fd)
{
    static uint32_t without_flag; /* 1: this kernel does not know RWF_NOSIGNAL. Race: two threads may both find out */
    static const char byte = 1;
    if (cf_load_relaxed_32(&without_flag) == 0) {
        struct iovec v = {(void *)(uintptr_t)&byte, 1};
        if (pwritev2(fd, &v, 1, -1, RWF_NOSIGNAL) >= 0)
            return 0;
        if (errno != EOPNOTSUPP && errno != EINVAL && errno != ENOSYS)
            return -errno;
        cf_store_relaxed_32(&without_flag, 1);
    }
    return write_quietly(fd, &byte);
}

int cf_bell_ring(int write_fd)
{
    int error;
    do
        error = write_byte(write_fd);
    while (error == -EINTR);
    return error == -EAGAIN ? 0 : error; /* a full pipe is readable */
}

int cf_bell_drain(int read_fd)
{
    uint8_t bytes[BELL_BYTES];
    ssize_t n;
    do
        n = read(read_fd, bytes, sizeof bytes);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EAGAIN ? 0 : -errno;
    return n == 0 ? -EPIPE : 1;
}
