/*
 * Providers that hang: commands lie in the down ring and the word that acknowledges them does not move.
 *
 * Trust      that word is the provider's. One that moves it without doing anything is not noticed here, nor does it keep anybody waiting
 *            but those who asked it for something
 */
#include "apps/callfand/door.h"
#include "apps/callfand/log.h"

#define LOOK_NS INT64_C(1000000000)

static void show_out(struct cf_door *door, uint32_t place)
{
    uint32_t port = 1 + place;
    const struct cf_door_port *p = &door->ports[port];
    struct cf_channel_record r = {.type = CF_CHANNEL_HANGS, .port = port, .value = door->providers[place].starts};
    cf_log_error("provider %s (process %d) has taken no command for %u s; it is shown out", p->name,
                 (int)door->peers[port].pid, door->stuck_seconds[place]);
    door->stuck_seconds[place] = 0;
    if (cf_door_tell_keeper(door, &r, NULL, 0)) /* before its socket: the keeper is to know why it ends */
        cf_door_port_show_out(door, port);
}

/* Looks are counted, not time: a machine that stood still is no provider that does. */
static void look(struct cf_door *door, uint32_t place)
{
    uint32_t port = 1 + place, seconds = door->settings.provider_hang_seconds;
    if (door->ports[port].state != CF_DOOR_PORT_LIVE) {
        door->stuck_seconds[place] = 0;
        return;
    }
    uint64_t tail = cf_load_acquire_64(&cf_arena_down(door->start->arena, port)->down.tail);
    uint64_t acked = cf_load_acquire_64(&cf_arena_up(door->start->arena, port)->down_ack);
    bool stuck = acked < tail && acked == door->acked_seen[place];
    door->acked_seen[place] = acked;
    door->stuck_seconds[place] = stuck ? door->stuck_seconds[place] + 1 : 0;
    if (seconds != 0 && door->stuck_seconds[place] >= seconds)
        show_out(door, place);
}

int64_t cf_door_hang_look(struct cf_door *door, int64_t now_ns)
{
    if (now_ns < door->hang_look_ns)
        return door->hang_look_ns;
    door->hang_look_ns = now_ns + LOOK_NS;
    bool any = false;
    for (uint32_t place = 0; place < door->start->config->limits.providers && !door->stopping; place++) {
        any = any || door->ports[1 + place].state == CF_DOOR_PORT_LIVE;
        look(door, place);
    }
    return any ? door->hang_look_ns : INT64_MAX;
}
