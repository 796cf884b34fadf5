/* One port's life, on the door's side. */
#define _GNU_SOURCE
#include "apps/callfand/door.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "apps/callfand/admit.h"
#include "apps/callfand/log.h"
#include "shm/fields.h"
#include "shm/sys_bell.h"

#define PORTS_TOLD_MAX 64 /* lines of log per second about ports that come and go */

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void close_all(struct cf_door_port *p)
{
    close_fd(&p->socket);
    close_fd(&p->bell_down);
    close_fd(&p->bell_up);
    close_fd(&p->pidfd);
    for (int i = 0; i < CF_WELCOME_FDS; i++)
        close_fd(&p->welcome[i]);
}

static const char *kind_name(uint32_t kind)
{
    return kind == CF_PORT_PROVIDER ? "provider" : "application";
}

static bool watch(struct cf_door *door, uint32_t port)
{
    struct cf_door_port *p = &door->ports[port];
    p->watched = cf_door_watch(door, p->socket, CF_WATCH_PORT, port);
    if (p->watched && p->pidfd >= 0 && !cf_door_watch(door, p->pidfd, CF_WATCH_PORT, port)) {
        cf_door_unwatch(door, p->socket);
        p->watched = false;
    }
    return p->watched;
}

static void unwatch(struct cf_door *door, uint32_t port)
{
    struct cf_door_port *p = &door->ports[port];
    if (!p->watched)
        return;
    cf_door_unwatch(door, p->socket);
    if (p->pidfd >= 0)
        cf_door_unwatch(door, p->pidfd);
    p->watched = false;
}

/* --------------------------------------------------------------------- end */

static void tell_engine(struct cf_door *door, uint16_t id, uint32_t port, uint32_t generation)
{
    struct cf_record r = cf_link_record(id, port, generation);
    cf_link_tell_engine(door->link, &r);
}

static void gone(struct cf_door *door, uint32_t port)
{
    struct cf_door_port *p = &door->ports[port];
    unwatch(door, port);
    if (p->state != CF_DOOR_PORT_ATTACHING && p->state != CF_DOOR_PORT_LIVE)
        return;
    p->state = CF_DOOR_PORT_GONE;
    door->counts.gone++;
    cf_core_at_door_step(door->start);
    tell_engine(door, CF_LINK_GONE, port, p->generation);
    cf_core_at_door_step(door->start);
    if (cf_log_may(&door->log_ports, PORTS_TOLD_MAX))
        cf_log_info("%s %s on port %u is gone", kind_name(p->kind), p->name, port);
}

static bool process_ended(int pidfd)
{
    struct pollfd f = {.fd = pidfd, .events = POLLIN};
    return pidfd >= 0 && poll(&f, 1, 0) == 1;
}

/* Nothing is to be said on the control socket after the welcome; who does talk there breaks the contract and is shown out. */
static bool hung_up(int socket)
{
    char byte;
    ssize_t n = recv(socket, &byte, sizeof byte, MSG_DONTWAIT | MSG_TRUNC);
    return n >= 0 || (errno != EAGAIN && errno != EINTR);
}

void cf_door_port_look(struct cf_door *door, uint32_t port)
{
    struct cf_door_port *p = &door->ports[port];
    if (!p->watched)
        return; /* an event of a former use of the number */
    if (process_ended(p->pidfd) || hung_up(p->socket)) {
        shutdown(p->socket, SHUT_RDWR);
        gone(door, port);
    }
}

static void remove_port(struct cf_door *door, uint32_t port)
{
    unwatch(door, port);
    door->ports[port].state = CF_DOOR_PORT_REMOVING;
    cf_core_at_door_step(door->start);
    tell_engine(door, CF_LINK_REMOVE, port, door->ports[port].generation);
    cf_core_at_door_step(door->start);
}

/* Nobody uses the memory any more. */
static void drop(struct cf_door *door, uint32_t port)
{
    struct cf_door_port *p = &door->ports[port];
    struct cf_channel_record r = {.type = CF_CHANNEL_FREE, .port = port, .generation = p->generation};
    unwatch(door, port);
    cf_core_at_door_step(door->start);
    cf_arena_unmap(door->start->arena, port);
    close_all(p);
    door->peers[port] = (struct cf_status_peer){0};
    p->state = CF_DOOR_PORT_FREE;
    cf_core_at_door_step(door->start);
    cf_door_tell_keeper(door, &r, NULL, 0);
    cf_core_at_door_step(door->start);
}

/* -------------------------------------------------------------------- open */

static int64_t utc_offset_ns(void)
{
    struct timespec real, monotonic;
    clock_gettime(CLOCK_REALTIME, &real);
    clock_gettime(CLOCK_MONOTONIC, &monotonic);
    return ((int64_t)real.tv_sec - monotonic.tv_sec) * 1000000000 + real.tv_nsec - monotonic.tv_nsec;
}

/* A free number for it, or 0. */
static uint32_t choose_port(const struct cf_door *door, const struct cf_admission *a)
{
    for (uint32_t port = a->port_first; port < a->port_end; port++)
        if (door->ports[port].state == CF_DOOR_PORT_FREE)
            return port;
    return 0;
}

/* Objects, bells, pidfd. The bells' own ends go into the port, the peer's into welcome. */
static int make(struct cf_door_port *p, struct cf_arena_port sizes, int fd, const char **ret_what)
{
    *ret_what = "memory";
    int error = cf_memory_create("callfan-down", CF_OBJECT_DOWN, sizes.down_bytes, &p->welcome[CF_WELCOME_DOWN]);
    if (error == 0)
        error = cf_memory_create("callfan-up", CF_OBJECT_UP, sizes.up_bytes, &p->welcome[CF_WELCOME_UP]);
    if (error != 0)
        return error;
    *ret_what = "bells";
    error = cf_bell_create_down(&p->welcome[CF_WELCOME_BELL_DOWN], &p->bell_down);
    if (error == 0)
        error = cf_bell_create_up(&p->bell_up, &p->welcome[CF_WELCOME_BELL_UP]);
    if (error != 0)
        return error;
    *ret_what = "pidfd";
    error = cf_socket_pidfd(fd, &p->pidfd);
    if (error == -ESRCH)
        return error; /* dead already */
    if (error != 0)
        p->pidfd = -1; /* of another process namespace: the hang-up has to do */
    return 0;
}

/* The keeper maps the objects before they are sealed: afterwards nobody could. */
static int give_keeper(struct cf_door *door, uint32_t port, const struct cf_admission *a, struct cf_arena_port sizes,
                       int fd, const struct cf_peer *peer)
{
    struct cf_door_port *p = &door->ports[port];
    struct cf_channel_record r = {
        .type = CF_CHANNEL_OPEN,
        .port = port,
        .kind = p->kind,
        .pid = peer->pid,
        .uid = peer->uid,
        .down_bytes = sizes.down_bytes,
        .up_bytes = sizes.up_bytes,
    };
    memcpy(r.name, a->name, sizeof r.name);
    int fds[CF_OPEN_FDS] = {
        p->welcome[CF_WELCOME_DOWN], p->welcome[CF_WELCOME_UP], fd, p->bell_down, p->bell_up, p->pidfd};
    cf_core_at_door_step(door->start);
    if (!cf_door_tell_keeper(door, &r, fds, p->pidfd >= 0 ? CF_OPEN_FDS : CF_OPEN_PIDFD))
        return -ECONNRESET;
    cf_core_at_door_step(door->start);
    return cf_door_await_opened(door, port, &p->generation);
}

static int format(struct cf_door *door, uint32_t port, const struct cf_admission *a, struct cf_arena_port sizes)
{
    const struct cf_arena *arena = door->start->arena;
    struct cf_door_port *p = &door->ports[port];
    int down = p->welcome[CF_WELCOME_DOWN], up = p->welcome[CF_WELCOME_UP];
    int error = cf_arena_map(arena, port, sizes, down, up, CF_ACCESS_WRITE);
    if (error == 0)
        error = cf_memory_populate(cf_arena_down(arena, port), sizes.down_bytes, true);
    if (error == 0)
        error = cf_memory_populate(cf_arena_up(arena, port), sizes.up_bytes, true);
    if (error != 0)
        return error;
    struct cf_port_header header = {
        .kind = p->kind,
        .port = port,
        .generation = p->generation,
        .down_slots = a->down_slots,
        .up_slots = a->up_slots,
        .reply_slots = a->reply_slots,
        .usage = a->usage,
        .base_generation = a->base_generation,
        .wake_interval_us = a->wake_interval_us,
        .utc_offset_ns = utc_offset_ns(),
    };
    cf_port_format(cf_arena_down(arena, port), &header);
    cf_port_begin(cf_arena_down(arena, port), cf_arena_up(arena, port), cf_port_down_first(port));
    error = cf_memory_seal(down, CF_OBJECT_DOWN);
    return error != 0 ? error : cf_memory_seal(up, CF_OBJECT_UP);
}

static void tell_attach(struct cf_door *door, uint32_t port, const struct cf_rights *rights)
{
    const struct cf_door_port *p = &door->ports[port];
    struct cf_record r = cf_link_record(CF_LINK_ADD, port, p->generation);
    r.m.param2 = p->kind;
    r.m.device = (uint64_t)(uint32_t)p->bell_down | (uint64_t)(uint32_t)p->bell_up << 32;
    cf_fields_append_text(&r, CF_FIELD_NAME, p->name);
    bool said = p->kind == CF_PORT_PROVIDER || cf_fields_append(&r, CF_FIELD_RIGHTS, rights, cf_rights_bytes(rights));
    assert(said); /* who does not say it gives everything */
    (void)said;
    cf_link_tell_engine(door->link, &r);
}

/* The user has as many applications as its access section allows. Those that are being ended count: their memory is still in use. */
static int user_is_full(const struct cf_door *door, const struct cf_admission *a, uid_t uid, char *text,
                        size_t text_bytes)
{
    uint32_t here = 0, ending = 0;
    for (uint32_t port = a->port_first; port < a->port_end && a->ports_max != 0; port++) {
        enum cf_door_port_state state = door->ports[port].state;
        if (state == CF_DOOR_PORT_FREE || door->peers[port].uid != uid)
            continue;
        here += state == CF_DOOR_PORT_ATTACHING || state == CF_DOOR_PORT_LIVE;
        ending += state == CF_DOOR_PORT_GONE || state == CF_DOOR_PORT_REMOVING;
    }
    if (a->ports_max == 0 || here + ending < a->ports_max)
        return 0;
    snprintf(text, text_bytes, "all %u applications that access %.40s of callfan.conf allows user %u are there",
             a->ports_max, a->rights.name, (unsigned)uid);
    return here < a->ports_max ? -EAGAIN : -ENOSPC;
}

int cf_door_port_open(struct cf_door *door, const struct cf_admission *a, int fd, const struct cf_peer *peer,
                      char *text, size_t text_bytes)
{
    int full = user_is_full(door, a, peer->uid, text, text_bytes);
    if (full != 0)
        return full;
    uint32_t port = choose_port(door, a);
    bool provider = a->kind == CF_HELLO_PROVIDER;
    if (port == 0 && provider) {
        snprintf(text, text_bytes, "the former life of provider %s is still being ended", a->name);
        return -EAGAIN;
    }
    if (port == 0) {
        snprintf(text, text_bytes, "all %u applications that the configuration allows are there",
                 a->port_end - a->port_first);
        return -ENOSPC;
    }
    struct cf_door_port *p = &door->ports[port];
    struct cf_arena_port sizes = {cf_port_down_bytes(a->reply_slots, a->down_slots), cf_port_up_bytes(a->up_slots)};
    const char *what = NULL;
    p->kind = provider ? CF_PORT_PROVIDER : CF_PORT_APPLICATION;
    int error = make(p, sizes, fd, &what);
    if (error != 0)
        goto undo_make;
    what = "keeper";
    error = give_keeper(door, port, a, sizes, fd, peer);
    if (error != 0)
        goto undo_make;
    cf_core_at_door_step(door->start);
    what = "port memory";
    error = format(door, port, a, sizes);
    cf_core_at_door_step(door->start);
    p->socket = fd;
    if (error != 0 || !watch(door, port)) {
        error = error != 0 ? error : -ENOMEM;
        goto undo_keeper;
    }
    memcpy(p->name, a->name, sizeof p->name);
    door->peers[port] = (struct cf_status_peer){peer->pid, peer->uid};
    p->state = CF_DOOR_PORT_ATTACHING;
    tell_attach(door, port, &a->rights);
    cf_core_at_door_step(door->start);
    return 0;

undo_keeper:
    p->socket = -1; /* stays the visitor's, who is told why */
    drop(door, port);
undo_make:
    snprintf(text, text_bytes, "no %s for a port: %s", what, strerror(-error));
    close_all(p);
    return error;
}

/* --------------------------------------------------- what the engine says */

static void welcome(struct cf_door *door, uint32_t port)
{
    struct cf_door_port *p = &door->ports[port];
    struct cf_channel_record r = {.type = CF_CHANNEL_WELCOME, .port = port, .generation = p->generation};
    cf_core_at_door_step(door->start);
    if (!cf_door_tell_keeper(door, &r, p->welcome, CF_WELCOME_FDS))
        return;
    cf_core_at_door_step(door->start);
    for (int i = 0; i < CF_WELCOME_FDS; i++)
        close_fd(&p->welcome[i]);
    p->state = CF_DOOR_PORT_LIVE;
    door->counts.attached++;
    if (!cf_log_may(&door->log_ports, PORTS_TOLD_MAX))
        return;
    cf_log_info("%s %s (process %d, user %u) attached as port %u, generation %u", kind_name(p->kind), p->name,
                (int)door->peers[port].pid, (unsigned)door->peers[port].uid, port, p->generation);
}

static struct cf_door_port *find(struct cf_door *door, uint32_t port, uint32_t generation)
{
    if (port == 0 || port >= door->start->arena->ports_count)
        return NULL;
    struct cf_door_port *p = &door->ports[port];
    return p->state != CF_DOOR_PORT_FREE && p->generation == generation ? p : NULL;
}

void cf_door_port_attached(struct cf_door *door, uint32_t port, uint32_t generation, int32_t result)
{
    struct cf_door_port *p = find(door, port, generation);
    if (p == NULL || (p->state != CF_DOOR_PORT_ATTACHING && p->state != CF_DOOR_PORT_GONE))
        return; /* said before the core's death, and acted upon then */
    if (result != 0) {
        cf_log_warning("%s %s: the engine refuses port %u: %s", kind_name(p->kind), p->name, port, strerror(-result));
        cf_visitor_refuse(p->socket, result, "the engine has no place for one more port");
        remove_port(door, port);
    } else if (p->state == CF_DOOR_PORT_ATTACHING) {
        welcome(door, port);
    }
}

void cf_door_port_show_out(struct cf_door *door, uint32_t port)
{
    door->counts.expelled++;
    shutdown(door->ports[port].socket, SHUT_RDWR);
    gone(door, port);
}

void cf_door_port_expel(struct cf_door *door, uint32_t port, uint32_t generation, enum cf_expel why)
{
    struct cf_door_port *p = find(door, port, generation);
    if (p == NULL || (p->state != CF_DOOR_PORT_ATTACHING && p->state != CF_DOOR_PORT_LIVE))
        return;
    if (cf_log_may(&door->log_ports, PORTS_TOLD_MAX))
        cf_log_warning("%s %s on port %u %s and is shown out", kind_name(p->kind), p->name, port,
                       why == CF_EXPEL_CRASHES ? "makes the core crash" : "broke the contract");
    cf_door_port_show_out(door, port);
}

void cf_door_port_freed(struct cf_door *door, uint32_t port, uint32_t generation)
{
    struct cf_door_port *p = find(door, port, generation);
    if (p != NULL && p->state != CF_DOOR_PORT_REMOVING)
        remove_port(door, port);
}

void cf_door_port_removed(struct cf_door *door, uint32_t port)
{
    if (door->ports[port].state != CF_DOOR_PORT_FREE)
        drop(door, port);
}

/* -------------------------------------------------------------- a new core */

void cf_door_port_adopt(struct cf_door *door, uint32_t port, bool known)
{
    const struct cf_holding *h = &door->start->holdings->ports[port];
    struct cf_door_port *p = &door->ports[port];
    assert(h->held && p->state == CF_DOOR_PORT_FREE);
    p->generation = h->generation;
    p->kind = h->kind;
    p->socket = h->socket;
    p->bell_down = h->bell_down;
    p->bell_up = h->bell_up;
    p->pidfd = h->pidfd;
    memcpy(p->name, h->name, sizeof p->name);
    door->peers[port] = (struct cf_status_peer){h->pid, h->uid};
    if (!known) { /* the door died while it made it: the peer's hello tries again */
        shutdown(p->socket, SHUT_RDWR);
        drop(door, port);
        return;
    }
    p->state = CF_DOOR_PORT_LIVE;
    if (!h->welcomed || !watch(door, port)) {
        shutdown(p->socket, SHUT_RDWR);
        gone(door, port);
    }
}
