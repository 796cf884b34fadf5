/*
 * Joining the service: hello, welcome, and the port's memory.
 *
 * Units      nanoseconds
 * Errors     the LINEERR_ of lineInitializeEx; nothing stays open on failure
 * Trust      the door is believed to be the service (whoever may write its socket's folder is); what it hands over is checked all
 *            the same: versions, seals, sizes, numbers, so that a stranger on the socket yields an error and no crash
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "client/internal.h"
#include "shm/hello.h"
#include "shm/sys_bell.h"
#include "shm/sys_memory.h"
#include "shm/sys_socket.h"

#define ATTACH_NS INT64_C(10000000000) /* for everything, retries included */
#define RETRY_NS  INT64_C(20000000)

/* The descriptors of a welcome, in its order. */
enum { FD_DOWN, FD_UP, FD_DOWN_BELL, FD_UP_BELL, FDS };

static const struct {
    int error;
    LONG line_error;
} errors[] = {
    {-ENOENT, LINEERR_SERVICE_NOT_RUNNING},
    {-ECONNREFUSED, LINEERR_SERVICE_NOT_RUNNING},
    {-ENOTDIR, LINEERR_SERVICE_NOT_RUNNING},
    {-ECONNRESET, LINEERR_SERVICE_NOT_RUNNING},
    {-EPROTO, LINEERR_INCOMPATIBLEAPIVERSION},
    {-EPROTOTYPE, LINEERR_INCOMPATIBLEAPIVERSION},
    {-ENOSPC, LINEERR_RESOURCEUNAVAIL},
    {-EAGAIN, LINEERR_RESOURCEUNAVAIL},
    {-ETIMEDOUT, LINEERR_RESOURCEUNAVAIL},
    {-EMFILE, LINEERR_RESOURCEUNAVAIL},
    {-ENFILE, LINEERR_RESOURCEUNAVAIL},
    {-ENOMEM, LINEERR_NOMEM},
    {-EINVAL, LINEERR_INVALPARAM},
    {-ENAMETOOLONG, LINEERR_INVALPARAM},
};

static LONG line_error(int error)
{
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
        if (errors[i].error == error)
            return errors[i].line_error;
    return error == 0 ? 0 : LINEERR_OPERATIONFAILED;
}

static void close_all(int *fds, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        close(fds[i]);
}

/* ------------------------------------------------------------------ hello */

static void hello_init(struct cf_hello *h, const struct cf_attach *a)
{
    *h = (struct cf_hello){
        .magic = CF_HELLO_MAGIC,
        .version = CF_LAYOUT_VERSION,
        .kind = CF_HELLO_APPLICATION,
        .ring_bytes = a->ring_bytes,
        .wake_interval_us = a->wake_interval_us,
        .usage = a->usage,
        .base_generation = a->base_generation,
    };
    memcpy(h->name, a->name, strnlen(a->name, sizeof h->name - 1));
}

static int receive_welcome(int socket, int64_t deadline, struct cf_welcome *w, int fds[FDS])
{
    size_t bytes = 0;
    uint32_t count = 0;
    int64_t left = deadline - cf_monotonic_ns();
    int error = cf_socket_wait(socket, POLLIN, left > 0 ? left : 0);
    if (error == 0)
        error = cf_socket_receive(socket, w, sizeof *w, &bytes, fds, FDS, &count);
    if (error != 0)
        return error == -ECONNRESET ? -EAGAIN : error; /* the core died while it made the port */
    if (bytes != sizeof *w || w->magic != CF_HELLO_MAGIC)
        error = -EPROTO;
    else if (w->result != 0)
        error = w->result < 0 ? w->result : -EPROTO;
    else if (w->version != CF_LAYOUT_VERSION || count != FDS)
        error = -EPROTO;
    if (error != 0)
        close_all(fds, count);
    return error;
}

static int exchange(const struct cf_attach *a, int64_t deadline, int *ret_socket, struct cf_welcome *w, int fds[FDS])
{
    struct cf_hello hello;
    int socket;
    int64_t left = deadline - cf_monotonic_ns();
    int error = cf_socket_connect(a->path, left > 0 ? left : 0, &socket);
    if (error != 0)
        return error;
    hello_init(&hello, a);
    error = cf_socket_send(socket, &hello, sizeof hello, NULL, 0);
    if (error == -ECONNRESET || error == -EPIPE)
        error = -EAGAIN;
    if (error == 0)
        error = receive_welcome(socket, deadline, w, fds);
    if (error != 0)
        close(socket);
    else
        *ret_socket = socket;
    return error;
}

/* Tries until the service takes us or says no; "try again" lasts while a core restarts. */
static int exchange_until(const struct cf_attach *a, int *ret_socket, struct cf_welcome *w, int fds[FDS])
{
    int64_t deadline = cf_monotonic_ns() + ATTACH_NS;
    for (;;) {
        int error = exchange(a, deadline, ret_socket, w, fds);
        if (error != -EAGAIN || cf_monotonic_ns() >= deadline)
            return error;
        nanosleep(&(struct timespec){0, RETRY_NS}, NULL);
    }
}

/* ------------------------------------------------------------------ memory */

static bool power_of_two(uint64_t n)
{
    return n != 0 && (n & (n - 1)) == 0;
}

static bool header_fits(const struct cf_port_down *down, const struct cf_attach *a, const struct cf_welcome *w)
{
    const struct cf_port_header *h = &down->header;
    /* P0 pairs with P0 in cf_port_format() */
    if (cf_load_acquire_64(&h->magic) != CF_PORT_MAGIC || h->version != CF_LAYOUT_VERSION)
        return false;
    if (h->kind != CF_PORT_APPLICATION || h->usage != a->usage || h->base_generation != a->base_generation)
        return false;
    if (!power_of_two(h->down_slots) || !power_of_two(h->up_slots) || h->reply_slots != CF_REPLY_SLOTS)
        return false;
    return h->down_slots <= w->down_bytes / CF_SLOT_BYTES && h->up_slots <= w->up_bytes / CF_SLOT_BYTES &&
           h->down_slots >= CF_RECORD_SLOTS_MAX && h->up_slots >= CF_RECORD_SLOTS_MAX &&
           cf_port_down_bytes(h->reply_slots, h->down_slots) <= w->down_bytes &&
           cf_port_up_bytes(h->up_slots) <= w->up_bytes;
}

static int map_port(struct cf_usage *u, const struct cf_attach *a, const struct cf_welcome *w, const int fds[FDS])
{
    void *down, *up;
    if (w->down_bytes < sizeof(struct cf_port_down) || w->up_bytes < sizeof(struct cf_port_up))
        return -EPROTO;
    if (cf_memory_verify(fds[FD_DOWN], CF_OBJECT_DOWN, w->down_bytes) != 0 ||
        cf_memory_verify(fds[FD_UP], CF_OBJECT_UP, w->up_bytes) != 0)
        return -EPROTO;
    int error = cf_memory_map(fds[FD_DOWN], w->down_bytes, CF_ACCESS_READ, NULL, &down);
    if (error != 0)
        return error;
    error = cf_memory_map(fds[FD_UP], w->up_bytes, CF_ACCESS_WRITE, NULL, &up);
    if (error != 0)
        goto unmap_down;
    error = -EPROTO;
    if (!header_fits((const struct cf_port_down *)down, a, w))
        goto unmap_up;
    /* A forked child does not have them: it can neither read nor answer in its parent's name. */
    if (madvise(down, w->down_bytes, MADV_DONTFORK) != 0 || madvise(up, w->up_bytes, MADV_DONTFORK) != 0) {
        error = -errno;
        goto unmap_up;
    }
    cf_memory_populate(down, w->down_bytes, false);
    cf_memory_populate(up, w->up_bytes, true);
    u->down = (struct cf_port_down *)down;
    u->up = (struct cf_port_up *)up;
    u->down_bytes = w->down_bytes;
    u->up_bytes = w->up_bytes;
    return 0;

unmap_up:
    cf_memory_unmap(up, w->up_bytes);
unmap_down:
    cf_memory_unmap(down, w->down_bytes);
    return error;
}

/* ------------------------------------------------------------------ the event handle */

static int watch(int epoll, int fd, uint32_t events)
{
    struct epoll_event e = {.events = events, .data.fd = fd};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) == 0 ? 0 : -errno;
}

/* An epoll descriptor over the bell, an eventfd of our own and the hang-up of the socket. */
static int make_event_handle(struct cf_usage *u)
{
    int error;
    u->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (u->event < 0)
        return -errno;
    u->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (u->epoll < 0) {
        error = -errno;
        goto close_event;
    }
    error = watch(u->epoll, u->event, EPOLLIN);
    if (error == 0)
        error = watch(u->epoll, u->down_bell, EPOLLIN);
    if (error == 0)
        error = watch(u->epoll, u->socket, EPOLLRDHUP);
    if (error == 0)
        return 0;
    close(u->epoll);
close_event:
    close(u->event);
    u->event = u->epoll = -1;
    return error;
}

static int unblock(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 ? 0 : -errno;
}

/* ------------------------------------------------------------------ joining, leaving */

LONG cf_attach(struct cf_usage *u, const struct cf_attach *a)
{
    struct cf_welcome w;
    int fds[FDS];
    int error = exchange_until(a, &u->socket, &w, fds);
    if (error != 0) {
        u->socket = -1;
        return line_error(error);
    }
    error = map_port(u, a, &w, fds);
    close(fds[FD_DOWN]);
    close(fds[FD_UP]);
    u->down_bell = fds[FD_DOWN_BELL];
    u->up_bell = fds[FD_UP_BELL];
    if (error == 0)
        error = unblock(u->down_bell);
    if (error == 0)
        error = cf_bell_check_up(u->up_bell);
    if (error == 0)
        error = unblock(u->up_bell);
    if (error == 0)
        error = make_event_handle(u);
    if (error != 0)
        cf_detach(u);
    return line_error(error);
}

static void close_one(int *fd)
{
    int old = *fd;
    *fd = -1;
    if (old >= 0)
        close(old);
}

void cf_detach(struct cf_usage *u)
{
    struct cf_port_down *down = u->down;
    struct cf_port_up *up = u->up;
    close_one(&u->epoll);
    close_one(&u->event);
    close_one(&u->up_bell);
    close_one(&u->down_bell);
    close_one(&u->socket); /* the service takes this for our end */
    u->down = NULL;
    u->up = NULL;
    if (down != NULL)
        cf_memory_unmap(down, u->down_bytes);
    if (up != NULL)
        cf_memory_unmap(up, u->up_bytes);
}
