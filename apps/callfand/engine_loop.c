/* Turn, ring, take orders, spin, sleep. */
#define _GNU_SOURCE
#include "apps/callfand/engine_loop.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "shm/sys_futex.h"

#define SLEEP_NS_MAX     INT64_C(500000000)
#define EVENTS_MAX       64
#define RESUME_TURNS_MAX 4096

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ------------------------------------------------------------------- begin */

/*
 * Where the dead core's loop stopped putting: the first slot that is not committed. It may have died while it published a long
 * record: the later slots of that one carry their commit words although its first does not, and would look readable once a short record
 * takes the first one's place. They are wiped.
 */
static uint64_t find_tail(struct cf_slot *slots, uint64_t slots_count, uint64_t ack)
{
    uint64_t tail = ack, mask = slots_count - 1;
    while (tail - ack < slots_count && cf_load_acquire_64(&slots[tail & mask].commit) == tail + 1)
        tail++;
    for (uint64_t i = tail + 1; i < tail + 2 * CF_RECORD_SLOTS_MAX; i++)
        if (cf_load_relaxed_64(&slots[i & mask].commit) == i + 1)
            cf_store_relaxed_64(&slots[i & mask].commit, 0);
    return tail;
}

int cf_engine_loop_init(struct cf_engine_loop *loop, struct cf_engine *engine, struct cf_link *link,
                        const struct cf_arena *arena)
{
    memset(loop, 0, sizeof *loop);
    loop->engine = engine;
    loop->link = link;
    loop->arena = arena;
    loop->ring_ns = INT64_MAX;
    for (uint32_t i = 0; i < CF_PORTS_MAX; i++)
        loop->ports[i].bell_down = loop->ports[i].bell_up = -1;
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll < 0)
        return -errno;
    struct epoll_event event = {.events = EPOLLIN,
                                .data.u32 = 0}; /* port 0 has no bell: its number stands for the link */
    if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, link->engine_event, &event) < 0) {
        int error = -errno;
        close(loop->epoll);
        return error;
    }
    return 0;
}

void cf_engine_loop_fini(struct cf_engine_loop *loop)
{
    close(loop->epoll);
}

/* The up ring of port 0; after cf_engine_recover(), which makes its acknowledgement true. */
static void begin_door_ring(struct cf_engine_loop *loop)
{
    struct cf_port_down *down = cf_engine_door_down(loop->engine);
    struct cf_slot *slots = cf_port_up_ring(cf_engine_door_up(loop->engine));
    uint64_t ack = cf_load_acquire_64(&down->up.up_ack);
    uint64_t tail = find_tail(slots, down->header.up_slots, ack);
    cf_ring_producer_init(&loop->door_up, slots, down->header.up_slots, &down->up.up_ack, tail);
}

/* ------------------------------------------------------------------- ports */

int cf_engine_loop_map(struct cf_engine_loop *loop, uint32_t port, uint32_t kind, int bell_down, int bell_up)
{
    struct cf_engine_loop_port *p = &loop->ports[port];
    assert(port != 0 && !p->mapped);
    /* By the edge: each ring counts, none is read. */
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u32 = port};
    if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, bell_up, &event) < 0)
        return -errno;
    *p = (struct cf_engine_loop_port){.mapped = true, .kind = kind, .bell_down = bell_down, .bell_up = bell_up};
    cf_engine_map_port(loop->engine, port, cf_arena_down(loop->arena, port), cf_arena_up(loop->arena, port));
    return 0;
}

static void deaf(struct cf_engine_loop *loop, uint32_t port)
{
    if (loop->ports[port].bell_up >= 0)
        epoll_ctl(loop->epoll, EPOLL_CTL_DEL, loop->ports[port].bell_up, NULL);
    loop->ports[port].bell_up = -1;
}

void cf_engine_loop_unmap(struct cf_engine_loop *loop, uint32_t port)
{
    assert(loop->ports[port].mapped);
    deaf(loop, port);
    cf_engine_map_port(loop->engine, port, NULL, NULL);
    loop->ports[port] = (struct cf_engine_loop_port){.bell_down = -1, .bell_up = -1};
}

/* ------------------------------------------------------------------- bells */

static void ring(struct cf_engine_loop *loop, uint32_t port, int64_t now)
{
    struct cf_engine_loop_port *p = &loop->ports[port];
    if (port == 0)
        cf_link_wake_door(loop->link);
    else if (p->mapped && cf_ringer_ring(&p->ringer, p->bell_down, now))
        loop->bells_rung++;
    else if (p->mapped && p->ringer.after_ns < loop->ring_ns)
        loop->ring_ns = p->ringer.after_ns;
}

/* Those whose ring had to wait. */
static void ring_due(struct cf_engine_loop *loop, int64_t now)
{
    loop->ring_ns = INT64_MAX;
    for (uint32_t port = 1; port < loop->arena->ports_count; port++)
        if (loop->ports[port].ringer.due)
            ring(loop, port, now);
}

/* A slot is one thread's: of thousands that a peer puts to sleep there one is woken. */
static void wake_reply(struct cf_engine_loop *loop, uint32_t port, uint32_t slot)
{
    if (loop->ports[port].mapped && slot < CF_REPLY_SLOTS)
        cf_futex_wake(cf_futex_low(&cf_port_reply(cf_arena_down(loop->arena, port), slot)->done), 1);
}

static void ring_all(struct cf_engine_loop *loop)
{
    for (uint32_t port = 1; port < loop->arena->ports_count; port++) {
        if (!loop->ports[port].mapped)
            continue;
        ring(loop, port, now_ns());
        if (loop->ports[port].kind == CF_PORT_APPLICATION)
            for (uint32_t slot = 0; slot < CF_REPLY_SLOTS; slot++)
                wake_reply(loop, port, slot);
    }
}

static void turn(struct cf_engine_loop *loop, int64_t now)
{
    struct cf_engine_result *r = &loop->result;
    cf_engine_turn(loop->engine, now, r);
    for (uint32_t i = 0; i < r->wakes_count; i++) {
        if (r->wakes[i].reply_slot == UINT32_MAX)
            ring(loop, r->wakes[i].port, now);
        else
            wake_reply(loop, r->wakes[i].port, r->wakes[i].reply_slot);
    }
    if (loop->ring_ns <= now)
        ring_due(loop, now);
}

/* ------------------------------------------------------------------- orders */

/* A record of the door into the up ring of port 0. False: no room, later. */
static bool tell_engine(struct cf_engine_loop *loop, const struct cf_message *m, uint16_t id)
{
    struct cf_record r;
    r.m = *m;
    r.m.id = id;
    r.m.device = 0;
    r.m.time_ns = now_ns();
    r.payload_bytes = cf_ring_payload(m, r.payload);
    return cf_ring_put(&loop->door_up, &r);
}

static void fill_snapshot(struct cf_engine_loop *loop)
{
    struct cf_snapshot *s = &loop->link->snapshot;
    cf_engine_totals(loop->engine, &s->totals);
    s->limits = *cf_engine_limits(loop->engine);
    s->bells_rung = loop->bells_rung;
    s->sleeps = loop->sleeps;
    for (uint32_t port = 0; port < loop->arena->ports_count; port++)
        if (!cf_engine_port_status(loop->engine, port, &s->ports[port]))
            s->ports[port].kind = CF_PORT_FREE;
}

static void answer(struct cf_engine_loop *loop, uint16_t id, uint64_t port)
{
    struct cf_record r = cf_link_record(id, port, 0);
    cf_link_tell_door(loop->link, &r);
}

static void begin_inspection(struct cf_engine_loop *loop, const struct cf_message *m)
{
    const struct cf_inspection_wish wish = {m->param1 != 0, (int64_t)m->param2, (int64_t)m->param3};
    cf_inspection_begin(&loop->link->inspection, loop->engine, &wish);
    loop->inspecting = true;
}

/* Between two turns, so that no event waits for more than a slice. */
static void inspect(struct cf_engine_loop *loop)
{
    loop->inspecting = cf_inspection_step(&loop->link->inspection, loop->engine);
    if (!loop->inspecting)
        answer(loop, CF_LINK_INSPECTED, 0);
}

/* Does what one record of the door asks. False: not now. */
static bool obey(struct cf_engine_loop *loop, const struct cf_message *m)
{
    uint32_t port = (uint32_t)m->param1;
    switch (m->id) {
    case CF_LINK_ADD:
        if (!loop->ports[port].mapped && cf_engine_loop_map(loop, port, (uint32_t)m->param2, (int)(uint32_t)m->device,
                                                            (int)(uint32_t)(m->device >> 32)) != 0) {
            answer(loop, CF_LINK_REMOVED, port); /* no memory for one more watched descriptor: never attached */
            return true;
        }
        return tell_engine(loop, m, CF_DOOR_ATTACH);
    case CF_LINK_GONE:
        if (loop->ports[port].mapped)
            deaf(loop, port);
        return tell_engine(loop, m, CF_DOOR_GONE);
    case CF_LINK_REMOVE:
        if (loop->ports[port].mapped)
            cf_engine_loop_unmap(loop, port);
        answer(loop, CF_LINK_REMOVED, port);
        return true;
    case CF_LINK_STATUS:
        fill_snapshot(loop);
        answer(loop, CF_LINK_SNAPSHOT, 0);
        return true;
    case CF_LINK_INSPECT:
        begin_inspection(loop, m);
        return true;
    }
    assert(!"an order that the link knows");
    return true;
}

static bool take_orders(struct cf_engine_loop *loop)
{
    struct cf_link *link = loop->link;
    bool any = false;
    for (;;) {
        const struct cf_message *m = cf_ring_peek(&link->to_engine_take);
        if (m == NULL || !obey(loop, m))
            break;
        cf_ring_consume(&link->to_engine_take, m);
        any = true;
    }
    if (any)
        cf_ring_acknowledge(&link->to_engine_ack, link->to_engine_take.head);
    return any;
}

/* -------------------------------------------------------------------- sleep */

static void hear(struct cf_engine_loop *loop, const struct epoll_event *event)
{
    uint64_t count;
    if (event->data.u32 != 0)
        return; /* its ring is looked at in every turn */
    ssize_t n = read(loop->link->engine_event, &count, sizeof count);
    (void)n;
}

static void wait_for_bell(struct cf_engine_loop *loop, int64_t until_ns)
{
    struct epoll_event events[EVENTS_MAX];
    int64_t left = until_ns - now_ns();
    if (left < 0)
        left = 0;
    if (left > SLEEP_NS_MAX)
        left = SLEEP_NS_MAX;
    struct timespec timeout = {left / 1000000000, left % 1000000000};
    int n = epoll_pwait2(loop->epoll, events, EVENTS_MAX, &timeout, NULL);
    if (n < 0 && errno == ENOSYS) /* before Linux 5.11: whole milliseconds, upwards */
        n = epoll_wait(loop->epoll, events, EVENTS_MAX, (int)((left + 999999) / 1000000));
    for (int i = 0; i < n; i++)
        hear(loop, &events[i]);
}

static void sleep_until_bell(struct cf_engine_loop *loop)
{
    struct cf_link *link = loop->link;
    cf_store_relaxed_32(&link->engine_sleeps, 1);
    cf_fence_store_load(); /* K0 pairs with K0 in wake_engine(): we see the record, or the door sees that we sleep */
    if (!cf_ring_readable(&link->to_engine_take) && cf_load_acquire_32(&link->stop) == 0 &&
        cf_engine_sleep(loop->engine)) {
        int64_t deadline = cf_engine_deadline(loop->engine);
        if (loop->ring_ns < deadline)
            deadline = loop->ring_ns;
        loop->sleeps++;
        wait_for_bell(loop, deadline);
        cf_engine_awake(loop->engine);
    }
    cf_store_relaxed_32(&link->engine_sleeps, 0);
}

/* --------------------------------------------------------------------- run */

void cf_engine_loop_resume(struct cf_engine_loop *loop)
{
    begin_door_ring(loop);
    struct cf_port_down *down = cf_engine_door_down(loop->engine);
    for (uint32_t i = 0; i < RESUME_TURNS_MAX && cf_load_acquire_64(&down->up.up_ack) < loop->door_up.tail; i++)
        turn(loop, now_ns());
    ring_all(loop);
}

void cf_engine_loop_run(struct cf_engine_loop *loop)
{
    struct cf_link *link = loop->link;
    int64_t idle_since = now_ns();
    while (cf_load_acquire_32(&link->stop) == 0) {
        bool obeyed = take_orders(loop);
        int64_t now = now_ns();
        turn(loop, now);
        if (loop->inspecting)
            inspect(loop);
        if (obeyed || loop->inspecting || loop->result.records != 0 || loop->result.outputs != 0 || loop->result.more) {
            idle_since = now;
        } else if (now - idle_since < (int64_t)cf_load_relaxed_32(&link->spin_us) * 1000) {
            cf_pause();
        } else {
            sleep_until_bell(loop);
            idle_since = now_ns();
        }
    }
}
