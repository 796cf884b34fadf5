/*
 * Callfan's ring, as a port has it: the near end is the core, the far end an application.
 *
 * Shape      the port's two sealed objects with their layout and their two bells (shm/port.h). There: the down ring, read in place by an end
 *            that trusts. Back: the up ring, whose records the core copies out. A message of 64 bytes is one slot, its commit word included; a
 *            longer one is the message's 56 bytes and a payload, so that its content has as many bytes as with the other transports
 * Progress   sleeping as in the product: the core looks at the sleeper once a turn and rings at most once per sleep and wake interval
 *            (core/turn.c; the default of 250 us, 0 where messages go back), the application arms, polls its bell and drains it
 *            (client/receive.c), the core waits by epoll, edge-triggered (apps/callfand/engine_loop.c). Only that the near end waits for room is
 *            no part of the product, where the core waits for nobody
 */
#define _GNU_SOURCE 1
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "bench/transport/transport.h"
#include "shm/port.h"
#include "shm/sys_bell.h"
#include "shm/sys_memory.h"
#include "shm/sys_socket.h"

#define SLOTS       (TRANSPORT_RING_BYTES / CF_SLOT_BYTES)
#define INTERVAL_NS 250000
#define MESSAGE_ID  1

static struct cf_port_down *down;
static struct cf_port_up *up;
static int down_fd = -1, up_fd = -1, down_bell[2] = {-1, -1}, up_bell[2] = {-1, -1}, epoll = -1;

static struct cf_ring_producer producer;
static struct cf_ring_consumer consumer; /* the far end's */
static uint64_t head, acknowledged;      /* of the near end; of both */
static struct cf_record out, in;

static struct {
    uint64_t rung_at;
    int64_t rung_ns, interval_ns;
    bool due;
} sleeper; /* the far end, as the near end keeps it */

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ------------------------------------------------------------------ the port */

static size_t down_bytes(void)
{
    return cf_port_down_bytes(CF_REPLY_SLOTS, SLOTS);
}

static bool map(int fd, enum cf_object object, size_t bytes, void **ret_memory)
{
    return cf_memory_map(fd, bytes, CF_ACCESS_WRITE, NULL, ret_memory) == 0 &&
           cf_memory_populate(*ret_memory, bytes, true) == 0 && cf_memory_seal(fd, object) == 0;
}

static bool open_port(struct transport_link *l)
{
    void *memory[2];
    const struct cf_port_header header = {
        .kind = CF_PORT_APPLICATION, .down_slots = SLOTS, .up_slots = SLOTS, .reply_slots = CF_REPLY_SLOTS};
    if (cf_memory_create("callfan-down", CF_OBJECT_DOWN, down_bytes(), &down_fd) != 0 ||
        cf_memory_create("callfan-up", CF_OBJECT_UP, cf_port_up_bytes(SLOTS), &up_fd) != 0 ||
        !map(down_fd, CF_OBJECT_DOWN, down_bytes(), &memory[0]) ||
        !map(up_fd, CF_OBJECT_UP, cf_port_up_bytes(SLOTS), &memory[1]))
        return transport_fail(l, "no sealed memory for a port");
    down = memory[0];
    up = memory[1];
    cf_port_format(down, &header);
    if (cf_bell_create_down(&down_bell[0], &down_bell[1]) != 0 || cf_bell_create_up(&up_bell[0], &up_bell[1]) != 0)
        return transport_fail(l, "no bells");
    return true;
}

static void close_port(struct transport_link *l)
{
    int *fds[] = {&down_fd, &up_fd, &down_bell[0], &down_bell[1], &up_bell[0], &up_bell[1]};
    (void)l;
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) {
        if (*fds[i] >= 0)
            close(*fds[i]);
        *fds[i] = -1;
    }
    if (down != NULL)
        cf_memory_unmap(down, down_bytes());
    if (up != NULL)
        cf_memory_unmap(up, cf_port_up_bytes(SLOTS));
    down = NULL;
    up = NULL;
}

/* An application sees the core's object read-only. */
static bool join_far(struct transport_link *l)
{
    void *memory;
    cf_memory_unmap(down, down_bytes());
    if (cf_memory_verify(down_fd, CF_OBJECT_DOWN, down_bytes()) != 0 ||
        cf_memory_map(down_fd, down_bytes(), CF_ACCESS_READ, NULL, &memory) != 0 ||
        cf_memory_populate(memory, down_bytes(), false) != 0)
        return transport_fail(l, "the port's memory cannot be mapped");
    down = memory;
    cf_ring_consumer_init(&consumer, cf_port_down_ring(down, CF_REPLY_SLOTS), SLOTS, 0);
    cf_ring_producer_init(&producer, cf_port_up_ring(up), SLOTS, &down->up.up_ack, 0);
    return true;
}

static bool join_near(struct transport_link *l)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, up_bell[0], &event) != 0)
        return transport_fail(l, "no epoll");
    sleeper.interval_ns = l->round_trip ? 0 : INTERVAL_NS;
    cf_ring_producer_init(&producer, cf_port_down_ring(down, CF_REPLY_SLOTS), SLOTS, &up->down_ack, 0);
    return true;
}

static bool join(struct transport_link *l)
{
    out.m = (struct cf_message){.param1 = NUMBERED_FILL, .param2 = NUMBERED_FILL, .id = MESSAGE_ID};
    out.payload_bytes = l->bytes == CF_SLOT_BYTES ? 0 : (uint32_t)(l->bytes - CF_SLOT_PAYLOAD);
    numbered_fill(out.payload, out.payload_bytes);
    return l->far ? join_far(l) : join_near(l);
}

/* ------------------------------------------------------------------ sending */

/* As the engine's look_at_sleeper(). */
static void look_at_sleeper(struct transport_link *l)
{
    cf_fence_store_load(); /* pairs with the fence in sleep_far(): published before the look at the sleeping word */
    uint64_t wake_at = cf_load_relaxed_64(&up->wake_at);
    sleeper.due = false;
    if (wake_at == 0 || wake_at == sleeper.rung_at || wake_at > producer.tail)
        return;
    int64_t now = now_ns();
    if (now - sleeper.rung_ns < sleeper.interval_ns) {
        sleeper.due = true;
        return;
    }
    sleeper.rung_at = wake_at;
    sleeper.rung_ns = now;
    l->calls++;
    cf_bell_ring_down(down_bell[1]);
}

/* The engine would sleep until then. */
static void ring_when_due(struct transport_link *l)
{
    while (sleeper.due) {
        int64_t left = sleeper.rung_ns + sleeper.interval_ns - now_ns();
        l->calls += left > 0;
        if (left > 0)
            nanosleep(&(struct timespec){0, left}, NULL);
        look_at_sleeper(l);
    }
}

/* As libcallfan's ring_bell(). */
static void ring_core(struct transport_link *l)
{
    cf_fence_store_load(); /* pairs with the fence in sleep_near(): the commit before the core's word */
    if (cf_load_relaxed_32(&down->up.sleeping) == 0)
        return;
    l->calls++;
    cf_bell_ring_up(up_bell[1]);
}

static void wake(struct transport_link *l)
{
    if (l->mode == TRANSPORT_SPINNING)
        return;
    if (l->far)
        ring_core(l);
    else
        look_at_sleeper(l);
}

static void number_record(uint64_t number)
{
    out.m.sequence = number;
    if (out.payload_bytes == 0)
        out.m.param3 = number;
    else
        memcpy(out.payload + out.payload_bytes - sizeof number, &number, sizeof number);
}

static bool send_messages(struct transport_link *l, uint64_t first, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        uint32_t looks = 0;
        number_record(first + i);
        while (!cf_ring_put(&producer, &out)) {
            wake(l);
            transport_wait_for_room(l, &looks);
        }
        if ((i + 1) % TRANSPORT_TURN == 0)
            wake(l);
    }
    wake(l);
    ring_when_due(l);
    return true;
}

/* ------------------------------------------------------------------ receiving */

static bool is_right(const struct transport_link *l, const struct cf_message *m, const uint8_t *payload,
                     uint64_t number)
{
    if (m->sequence != number || m->param1 != NUMBERED_FILL || m->id != MESSAGE_ID)
        return false;
    if (l->bytes == CF_SLOT_BYTES)
        return m->param3 == number;
    uint64_t wrong = numbered_word(payload, out.payload_bytes - 8) ^ number;
    for (uint32_t at = 0; at + 8 < out.payload_bytes; at += 64)
        wrong |= numbered_word(payload, at) ^ NUMBERED_FILL;
    return wrong == 0;
}

static void acknowledge_far(void)
{
    if (acknowledged != consumer.head)
        cf_ring_acknowledge(&up->down_ack, acknowledged = consumer.head);
}

static void sleep_far(struct transport_link *l)
{
    acknowledge_far();
    cf_store_release_64(&up->wake_at, consumer.head + 1);
    cf_fence_store_load(); /* pairs with the fence in look_at_sleeper(): the wish before the last look */
    if (!cf_ring_readable(&consumer)) {
        l->calls += 2;
        cf_socket_wait(down_bell[0], POLLIN, -1);
        cf_bell_drain(down_bell[0]);
    }
    cf_store_relaxed_64(&up->wake_at, 0);
}

static bool receive_far(struct transport_link *l, uint64_t first, uint64_t count)
{
    uint32_t spins = 0;
    for (uint64_t i = 0; i < count;) {
        const struct cf_message *m = cf_ring_peek(&consumer);
        if (m == NULL && l->mode == TRANSPORT_SPINNING)
            transport_spin(&spins);
        else if (m == NULL)
            sleep_far(l);
        if (m == NULL)
            continue;
        if (m->slots > 1)
            cf_ring_payload(m, in.payload);
        if (!is_right(l, m, in.payload, first + i))
            return transport_fail_message(l);
        cf_ring_consume(&consumer, m);
        i++;
        if (consumer.head - acknowledged >= SLOTS / 4)
            acknowledge_far();
    }
    return true;
}

static void sleep_near(struct transport_link *l)
{
    struct epoll_event event;
    cf_store_relaxed_32(&down->up.sleeping, 1);
    cf_fence_store_load(); /* pairs with the fence in ring_core(): the sleeping word before the last look */
    struct cf_ring_consumer c = {cf_port_up_ring(up), SLOTS - 1, head};
    if (!cf_ring_readable(&c)) {
        l->calls++;
        epoll_wait(epoll, &event, 1, -1);
    }
    cf_store_relaxed_32(&down->up.sleeping, 0);
}

static bool receive_near(struct transport_link *l, uint64_t first, uint64_t count)
{
    uint32_t spins = 0;
    for (uint64_t i = 0; i < count;) {
        enum cf_ring_read got = cf_ring_copy_out(cf_port_up_ring(up), SLOTS - 1, &head, &in);
        if (got == CF_RING_BAD)
            return transport_fail_message(l);
        if (got == CF_RING_EMPTY && l->mode == TRANSPORT_SPINNING)
            transport_spin(&spins);
        else if (got == CF_RING_EMPTY)
            sleep_near(l);
        if (got == CF_RING_EMPTY)
            continue;
        if (!is_right(l, &in.m, in.payload, first + i))
            return transport_fail_message(l);
        cf_ring_acknowledge(&down->up.up_ack, head);
        i++;
    }
    return true;
}

static bool receive_messages(struct transport_link *l, uint64_t first, uint64_t count)
{
    return l->far ? receive_far(l, first, count) : receive_near(l, first, count);
}

const struct transport transport_ring = {
    .name = "ring",
    .modes = TRANSPORT_SPINNING + TRANSPORT_SLEEPING,
    .counts_calls = true,
    .open = open_port,
    .join = join,
    .send = send_messages,
    .receive = receive_messages,
    .close = close_port,
};
