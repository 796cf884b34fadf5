/* The door's end of the channel to the keeper. */
#include "apps/callfand/door.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "apps/callfand/log.h"
#include "shm/sys_socket.h"

#define KEEPER_NS_MAX INT64_C(10000000000) /* the keeper parses nothing and waits for nobody: this long is never */

static void stop(struct cf_door *door)
{
    door->stopping = true;
}

bool cf_door_tell_keeper(struct cf_door *door, const struct cf_channel_record *record, const int *fds,
                         uint32_t fds_count)
{
    for (;;) {
        int error = cf_channel_send(door->start->channel_fd, record, fds, fds_count);
        if (error == 0)
            return true;
        if (error == -EAGAIN)
            error = cf_socket_wait(door->start->channel_fd, POLLOUT, KEEPER_NS_MAX);
        if (error != 0) {
            cf_log_error("the keeper does not listen: %s", strerror(-error));
            stop(door);
            return false;
        }
    }
}

/* What the keeper says without being asked. */
static void take(struct cf_door *door, const struct cf_channel_record *r)
{
    switch (r->type) {
    case CF_CHANNEL_PROVIDER:
        if (r->port >= 1 && r->port <= CF_PROVIDERS_MAX)
            door->providers[r->port - 1] = r->provider;
        break;
    case CF_CHANNEL_SETTINGS:
        door->settings = r->settings;
        cf_store_relaxed_32(&door->link->spin_us, r->settings.spin_us);
        break;
    case CF_CHANNEL_STOP:
        stop(door);
        break;
    }
}

static int receive(struct cf_door *door, struct cf_channel_record *ret_record)
{
    int fds[CF_OPEN_FDS];
    uint32_t fds_count = 0;
    int error = cf_channel_receive(door->start->channel_fd, ret_record, fds, &fds_count);
    for (uint32_t i = 0; i < fds_count; i++)
        close(fds[i]);
    if (error != 0 && error != -EAGAIN)
        stop(door);
    return error;
}

int cf_door_await_opened(struct cf_door *door, uint32_t port, uint32_t *ret_generation)
{
    for (;;) {
        struct cf_channel_record r;
        int error = receive(door, &r);
        if (error == -EAGAIN) {
            error = cf_socket_wait(door->start->channel_fd, POLLIN, KEEPER_NS_MAX);
            if (error == 0)
                continue;
        }
        if (error != 0) {
            cf_log_error("the keeper does not answer: %s", strerror(-error));
            stop(door);
            return error;
        }
        if (r.type == CF_CHANNEL_OPENED && r.port == port) {
            *ret_generation = r.generation;
            return r.result;
        }
        take(door, &r);
    }
}

void cf_door_hear_keeper(struct cf_door *door)
{
    struct cf_channel_record r;
    while (!door->stopping && receive(door, &r) == 0)
        take(door, &r);
}
