/* Takes, keeps, gives back. */
#include "apps/callfand/holding.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shm/hello.h"
#include "shm/sys_socket.h"

enum { WELCOME_FDS = 4 };

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void cf_holdings_init(struct cf_holdings *holdings, const struct cf_arena *arena)
{
    memset(holdings, 0, sizeof *holdings);
    holdings->arena = arena;
    for (uint32_t i = 0; i < CF_PORTS_MAX; i++) {
        struct cf_holding *h = &holdings->ports[i];
        h->socket = h->bell_down = h->bell_up = h->pidfd = -1;
    }
}

static int check_open(const struct cf_holdings *holdings, const struct cf_channel_record *r, uint32_t fds_count)
{
    struct cf_arena_port sizes = {r->down_bytes, r->up_bytes};
    if (r->port == 0 || r->port >= holdings->arena->ports_count)
        return -EINVAL;
    if (fds_count != CF_OPEN_FDS &&
        fds_count != CF_OPEN_PIDFD) /* without a pidfd where the peer is of another namespace */
        return -EINVAL;
    if (r->kind != CF_PORT_PROVIDER && r->kind != CF_PORT_APPLICATION)
        return -EINVAL;
    if (!cf_arena_fits(holdings->arena, sizes))
        return -EINVAL;
    return holdings->ports[r->port].held ? -EBUSY : 0;
}

int cf_holdings_open(struct cf_holdings *holdings, const struct cf_channel_record *r, const int *fds,
                     uint32_t fds_count, uint32_t *ret_generation)
{
    struct cf_arena_port sizes = {r->down_bytes, r->up_bytes};
    int error = check_open(holdings, r, fds_count);
    if (error == 0)
        error = cf_arena_map(holdings->arena, r->port, sizes, fds[CF_OPEN_DOWN], fds[CF_OPEN_UP], CF_ACCESS_NONE);
    if (error != 0) {
        for (uint32_t i = 0; i < fds_count; i++)
            close(fds[i]);
        return error;
    }
    close(fds[CF_OPEN_DOWN]); /* the mappings keep the objects */
    close(fds[CF_OPEN_UP]);
    struct cf_holding *h = &holdings->ports[r->port];
    *h = (struct cf_holding){
        .held = true,
        .generation = h->generation + 1,
        .kind = r->kind,
        .sizes = sizes,
        .socket = fds[CF_OPEN_SOCKET],
        .bell_down = fds[CF_OPEN_BELL_DOWN],
        .bell_up = fds[CF_OPEN_BELL_UP],
        .pidfd = fds_count == CF_OPEN_FDS ? fds[CF_OPEN_PIDFD] : -1,
        .pid = r->pid,
        .uid = r->uid,
    };
    memcpy(h->name, r->name, sizeof h->name);
    h->name[sizeof h->name - 1] = '\0';
    *ret_generation = h->generation;
    return 0;
}

static struct cf_holding *find(struct cf_holdings *holdings, uint32_t port, uint32_t generation)
{
    if (port == 0 || port >= holdings->arena->ports_count)
        return NULL;
    struct cf_holding *h = &holdings->ports[port];
    return h->held && h->generation == generation ? h : NULL;
}

int cf_holdings_welcome(struct cf_holdings *holdings, const struct cf_channel_record *r, const int *fds,
                        uint32_t fds_count)
{
    struct cf_holding *h = find(holdings, r->port, r->generation);
    if (h == NULL || fds_count != WELCOME_FDS)
        return -EINVAL;
    struct cf_welcome w = {
        .magic = CF_HELLO_MAGIC,
        .version = CF_LAYOUT_VERSION,
        .port = r->port,
        .generation = r->generation,
        .down_bytes = h->sizes.down_bytes,
        .up_bytes = h->sizes.up_bytes,
    };
    h->welcomed = true;
    int error = cf_socket_send(h->socket, &w, sizeof w, fds, fds_count);
    if (error != 0)
        shutdown(h->socket, SHUT_RDWR); /* else it would wait for ever; the door sees the hang-up and ends the port */
    return error;
}

static void release(struct cf_holdings *holdings, uint32_t port)
{
    struct cf_holding *h = &holdings->ports[port];
    cf_arena_unmap(holdings->arena, port);
    close_fd(&h->socket);
    close_fd(&h->bell_down);
    close_fd(&h->bell_up);
    close_fd(&h->pidfd);
    h->held = h->welcomed = false;
}

int cf_holdings_free(struct cf_holdings *holdings, uint32_t port, uint32_t generation)
{
    if (find(holdings, port, generation) == NULL)
        return -ENOENT;
    release(holdings, port);
    return 0;
}

uint32_t cf_holdings_free_all(struct cf_holdings *holdings)
{
    uint32_t freed = 0;
    for (uint32_t i = 1; i < holdings->arena->ports_count; i++) {
        if (holdings->ports[i].held) {
            release(holdings, i);
            freed++;
        }
    }
    return freed;
}
