/* AF_UNIX SOCK_SEQPACKET with descriptors. */
#define _GNU_SOURCE 1
#include "shm/sys_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77 /* Linux 6.5 */
#endif

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83 /* Linux 6.16 */
#endif

#define BACKLOG 128

/* ------------------------------------------------------------------ listen, connect */

static int address_of(const char *path, struct sockaddr_un *ret_address)
{
    size_t length = strlen(path);
    if (length == 0)
        return -EINVAL;
    if (length >= sizeof ret_address->sun_path)
        return -ENAMETOOLONG;
    *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(ret_address->sun_path, path, length);
    return 0;
}

static int new_socket(int flags)
{
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0);
    return fd < 0 ? -errno : fd;
}

/* Whoever holds the lock owns the path: two starting at once cannot both remove what a dead process left. */
static int lock_path(const char *path, int *ret_lock)
{
    char name[sizeof((struct sockaddr_un *)0)->sun_path + 8];
    snprintf(name, sizeof name, "%s.lock", path);
    int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -errno;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        int error = errno == EWOULDBLOCK ? -EADDRINUSE : -errno;
        close(fd);
        return error;
    }
    *ret_lock = fd;
    return 0;
}

/* Removes a socket that nobody listens on. Leaves anything that is not a socket alone: bind() will refuse it. */
static int remove_stale(const struct sockaddr_un *address)
{
    struct stat st;
    if (lstat(address->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
        return 0;
    int fd = new_socket(SOCK_NONBLOCK);
    if (fd < 0)
        return fd;
    bool refused = connect(fd, (const struct sockaddr *)address, sizeof *address) != 0 && errno == ECONNREFUSED;
    close(fd);
    if (!refused)
        return -EADDRINUSE;
    return unlink(address->sun_path) == 0 ? 0 : -errno;
}

/*
 * Nobody may send descriptors to who listens here, nor to the sockets that come of it: one that is thrown away unread is closed by its receiver, and
 * a close may take as long as the sender likes (SO_LINGER). Before Linux 6.16 there is no such refusal.
 */
static void refuse_descriptors(int fd)
{
    int no = 0;
    setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &no, sizeof no);
}

static int bind_and_listen(int fd, const struct sockaddr_un *address, mode_t mode, gid_t group)
{
    refuse_descriptors(fd);
    if (bind(fd, (const struct sockaddr *)address, sizeof *address) != 0)
        return -errno;
    /* Nobody can connect before listen(), so the mode is right from the first connection on. */
    if ((group != (gid_t)-1 && chown(address->sun_path, (uid_t)-1, group) != 0) || chmod(address->sun_path, mode) != 0 ||
        listen(fd, BACKLOG) != 0) {
        int error = -errno;
        unlink(address->sun_path);
        return error;
    }
    return 0;
}

int cf_socket_listen(const char *path, mode_t mode, gid_t group, struct cf_listener *ret_listener)
{
    struct sockaddr_un address;
    int lock = -1, fd;
    int error = address_of(path, &address);
    if (error != 0)
        return error;
    error = lock_path(path, &lock);
    if (error != 0)
        return error;
    error = remove_stale(&address);
    if (error != 0)
        goto unlock;
    fd = error = new_socket(SOCK_NONBLOCK);
    if (fd < 0)
        goto unlock;
    error = bind_and_listen(fd, &address, mode, group);
    if (error != 0)
        goto close_fd;
    *ret_listener = (struct cf_listener){fd, lock};
    return 0;
close_fd:
    close(fd);
unlock:
    close(lock);
    return error;
}

void cf_socket_listener_close(struct cf_listener *listener, const char *path, bool remove)
{
    if (remove)
        unlink(path); /* the lock file stays: removing it would let two processes lock two files of one name */
    close(listener->fd);
    close(listener->lock);
    *listener = (struct cf_listener){-1, -1};
}

int cf_socket_accept(int listener_fd, int *ret_fd)
{
    int fd = accept4(listener_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return -errno;
    *ret_fd = fd;
    return 0;
}

static int set_send_timeout(int fd, int64_t timeout_ns)
{
    struct timeval timeout = {.tv_sec = timeout_ns / 1000000000, .tv_usec = timeout_ns % 1000000000 / 1000};
    return setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) == 0 ? 0 : -errno;
}

int cf_socket_connect(const char *path, int64_t timeout_ns, int *ret_fd)
{
    struct sockaddr_un address;
    int error = address_of(path, &address);
    if (error != 0)
        return error;
    int fd = new_socket(0);
    if (fd < 0)
        return fd;
    error = timeout_ns < 0 ? 0 : set_send_timeout(fd, timeout_ns < 1000 ? 1000 : timeout_ns);
    if (error == 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) != 0)
        error = errno == EAGAIN ? -ETIMEDOUT : -errno;
    if (error == 0)
        error = set_send_timeout(fd, 0);
    if (error != 0) {
        close(fd);
        return error;
    }
    *ret_fd = fd;
    return 0;
}

int cf_socket_pair(int ret_fds[2])
{
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ret_fds) == 0 ? 0 : -errno;
}

/* ------------------------------------------------------------------ packets */

union control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(CF_SOCKET_FDS_MAX * sizeof(int))];
};

int cf_socket_send(int fd, const void *data, size_t bytes, const int *fds, uint32_t fds_count)
{
    union control control = {0};
    struct iovec v = {(void *)(uintptr_t)data, bytes};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
    if (fds_count > CF_SOCKET_FDS_MAX)
        return -EINVAL;
    if (fds_count != 0) {
        m.msg_control = control.bytes;
        m.msg_controllen = CMSG_SPACE(fds_count * sizeof(int));
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        *c = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(fds_count * sizeof(int))};
        memcpy(CMSG_DATA(c), fds, fds_count * sizeof(int));
    }
    ssize_t n;
    do
        n = sendmsg(fd, &m, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n >= 0)
        return 0;
    return errno == EPIPE ? -ECONNRESET : -errno;
}

static uint32_t collect(struct msghdr *m, int fds[CF_SOCKET_FDS_MAX])
{
    uint32_t count = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        uint32_t n = (uint32_t)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        memcpy(fds + count, CMSG_DATA(c), n * sizeof(int)); /* fits: the control buffer holds 8 in all */
        count += n;
    }
    return count;
}

int cf_socket_receive(int fd, void *data, size_t bytes_max, size_t *ret_bytes, int *ret_fds, uint32_t fds_max,
                      uint32_t *ret_fds_count)
{
    union control control;
    int fds[CF_SOCKET_FDS_MAX];
    struct iovec v = {data, bytes_max};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    ssize_t n;
    do
        n = recvmsg(fd, &m, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    uint32_t count = collect(&m, fds);
    int error = 0;
    if ((m.msg_flags & MSG_CTRUNC) != 0 || count > fds_max)
        error = -EPROTO;
    else if ((m.msg_flags & MSG_TRUNC) != 0)
        error = -EMSGSIZE;
    else if (n == 0)
        error = -ECONNRESET;
    if (error != 0) {
        while (count != 0)
            close(fds[--count]);
        return error;
    }
    if (count != 0)
        memcpy(ret_fds, fds, count * sizeof(int));
    if (ret_fds_count != NULL)
        *ret_fds_count = count;
    *ret_bytes = (size_t)n;
    return 0;
}

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int cf_socket_wait(int fd, short events, int64_t timeout_ns)
{
    int64_t end = timeout_ns < 0 ? 0 : now_ns() + timeout_ns;
    for (;;) {
        struct pollfd p = {.fd = fd, .events = events};
        int64_t left = timeout_ns < 0 ? 0 : end - now_ns();
        struct timespec timeout = {.tv_sec = left / 1000000000, .tv_nsec = left % 1000000000};
        if (left < 0)
            timeout = (struct timespec){0};
        int n = ppoll(&p, 1, timeout_ns < 0 ? NULL : &timeout, NULL);
        if (n > 0)
            return (p.revents & POLLNVAL) != 0 ? -EBADF : 0;
        if (n == 0)
            return -ETIMEDOUT;
        if (errno != EINTR)
            return -errno;
    }
}

/* ------------------------------------------------------------------ the peer */

int cf_socket_peer(int fd, struct cf_peer *ret_peer)
{
    struct ucred peer;
    socklen_t bytes = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) != 0)
        return -errno;
    *ret_peer = (struct cf_peer){peer.pid, peer.uid, peer.gid};
    return 0;
}

int cf_socket_peer_groups(int fd, gid_t *ret_groups, uint32_t max, uint32_t *ret_count)
{
    socklen_t bytes = (socklen_t)(max * sizeof *ret_groups);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, ret_groups, &bytes) != 0)
        return -errno;
    *ret_count = (uint32_t)(bytes / sizeof *ret_groups);
    return 0;
}

int cf_socket_pidfd(int fd, int *ret_pidfd)
{
    int pidfd = -1;
    socklen_t bytes = sizeof pidfd;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &bytes) == 0) {
        *ret_pidfd = pidfd;
        return 0;
    }
    if (errno != ENOPROTOOPT)
        return -errno;
    struct cf_peer peer = {0};
    int error = cf_socket_peer(fd, &peer);
    if (error != 0)
        return error;
    pidfd = (int)syscall(SYS_pidfd_open, peer.pid, 0);
    if (pidfd < 0)
        return -errno;
    *ret_pidfd = pidfd;
    return 0;
}
