/*
 * Control sockets: AF_UNIX packets in order, with descriptors.
 *
 * Shape      SOCK_SEQPACKET; every descriptor made or received here is close-on-exec; accepted sockets and pairs do not block
 * Errors     negative errno; -ECONNRESET: the other side hung up
 * Trust      a packet that is longer than asked for, or carries more descriptors, is refused whole and its descriptors are closed
 */
#ifndef CF_SHM_SYS_SOCKET_H
#define CF_SHM_SYS_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

enum { CF_SOCKET_FDS_MAX = 8 };

struct cf_listener {
    int fd;
    int lock; /* holds the lock on "<path>.lock" for as long as this or a forked copy is open */
};

/*
 * Listens on path with that mode, and group unless it is (gid_t)-1. Takes over the socket of a process that died; -EADDRINUSE while
 * one lives. -ENAMETOOLONG: path has 108 bytes or more.
 */
int cf_socket_listen(const char *path, mode_t mode, gid_t group, struct cf_listener *ret_listener);

/* remove: also unlinks path; so does only the process that made it, when it ends. */
void cf_socket_listener_close(struct cf_listener *listener, const char *path, bool remove);

/* -EAGAIN: nobody is waiting. */
int cf_socket_accept(int listener_fd, int *ret_fd);

/* Connects to path; the socket blocks. -ETIMEDOUT: the backlog stayed full. -ENOENT, -ECONNREFUSED: nobody listens. */
int cf_socket_connect(const char *path, int64_t timeout_ns, int *ret_fd);

int cf_socket_pair(int ret_fds[2]);

/* Sends one packet with up to 8 descriptors, which stay open here. -EAGAIN: no room, on a socket that does not block. */
int cf_socket_send(int fd, const void *data, size_t bytes, const int *fds, uint32_t fds_count);

/*
 * Receives one packet. ret_fds has room for fds_max (up to 8); the descriptors become the caller's. -EAGAIN: nothing there, on a socket
 * that does not block; -EMSGSIZE: longer than bytes_max; -EPROTO: more descriptors than fds_max. An empty packet is a hang-up.
 */
int cf_socket_receive(int fd, void *data, size_t bytes_max, size_t *ret_bytes, int *ret_fds, uint32_t fds_max,
                      uint32_t *ret_fds_count);

/* Waits until the descriptor has one of the poll(2) events. 0, -ETIMEDOUT; negative timeout: no bound. Hang-up counts as an event. */
int cf_socket_wait(int fd, short events, int64_t timeout_ns);

/* Who connected, as the kernel saw it at connect(). */
struct cf_peer {
    pid_t pid;
    uid_t uid;
    gid_t gid;
};
int cf_socket_peer(int fd, struct cf_peer *ret_peer);

/* Its supplementary groups, as they were then. -ERANGE: more than max; CF_PEER_GROUPS_MAX is what a kernel allows. */
#define CF_PEER_GROUPS_MAX 65536
int cf_socket_peer_groups(int fd, gid_t *ret_groups, uint32_t max, uint32_t *ret_count);

/* A pidfd of who connected. -ESRCH: already dead. On kernels before 6.5 a reused process number can be mistaken for it. */
int cf_socket_pidfd(int fd, int *ret_pidfd);

#endif
