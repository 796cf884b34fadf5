/* The rings lie in private memory; neither side can be a stranger. */
#include "apps/callfand/link.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void raise_event(int fd)
{
    uint64_t one = 1;
    ssize_t n = write(fd, &one, sizeof one);
    (void)n; /* EAGAIN: already raised */
}

int cf_link_init(struct cf_link *link)
{
    memset(link, 0, sizeof *link);
    struct cf_slot *slots = aligned_alloc(64, 2 * CF_LINK_SLOTS * sizeof *slots);
    if (slots == NULL)
        return -ENOMEM;
    memset(slots, 0, 2 * CF_LINK_SLOTS * sizeof *slots);
    cf_ring_producer_init(&link->to_engine_put, slots, CF_LINK_SLOTS, &link->to_engine_ack, 0);
    cf_ring_consumer_init(&link->to_engine_take, slots, CF_LINK_SLOTS, 0);
    cf_ring_producer_init(&link->to_door_put, slots + CF_LINK_SLOTS, CF_LINK_SLOTS, &link->to_door_ack, 0);
    cf_ring_consumer_init(&link->to_door_take, slots + CF_LINK_SLOTS, CF_LINK_SLOTS, 0);
    link->engine_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    link->door_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (link->engine_event >= 0 && link->door_event >= 0)
        return 0;
    int error = -errno;
    cf_link_fini(link);
    return error;
}

void cf_link_fini(struct cf_link *link)
{
    if (link->engine_event >= 0)
        close(link->engine_event);
    if (link->door_event >= 0)
        close(link->door_event);
    free(link->to_engine_put.slots);
}

static void wake_engine(struct cf_link *link)
{
    cf_fence_store_load(); /* K0 pairs with K0 in the engine loop's sleep: our record is visible, or we see that it sleeps */
    if (cf_load_relaxed_32(&link->engine_sleeps) != 0)
        raise_event(link->engine_event);
}

void cf_link_tell_engine(struct cf_link *link, struct cf_record *record)
{
    bool put = cf_ring_put(&link->to_engine_put, record);
    assert(put);
    (void)put;
    wake_engine(link);
}

void cf_link_stop(struct cf_link *link)
{
    cf_store_release_32(&link->stop, 1); /* K1 pairs with the engine loop's acquire: what the door did before is seen */
    wake_engine(link);
}

void cf_link_tell_door(struct cf_link *link, struct cf_record *record)
{
    bool put = cf_ring_put(&link->to_door_put, record);
    assert(put);
    (void)put;
    cf_link_wake_door(link);
}

void cf_link_wake_door(struct cf_link *link)
{
    raise_event(link->door_event);
}

struct cf_record cf_link_record(uint16_t id, uint64_t param1, uint64_t param3)
{
    struct cf_record r;
    memset(&r.m, 0, sizeof r.m);
    r.payload_bytes = 0;
    r.m.id = id;
    r.m.param1 = param1;
    r.m.param3 = param3;
    return r;
}
