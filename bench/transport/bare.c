/*
 * The machine's own limit: a loop that stores each message and a word after it, and one that looks for that word.
 *
 * Shape      slots of a message's size, whose first word is the index and 1; the other words are the message. Back pressure is one word, once per
 *            quarter of the ring. The sizes are known to the compiler
 * Progress   sleeping: a futex word, looked at once a turn
 */
#define _GNU_SOURCE 1
#include "bench/transport/transport.h"
#include "shm/sys_futex.h"
#include "shm/sys_memory.h"

struct lane {
    uint64_t ack __attribute__((aligned(128)));
    uint32_t asleep __attribute__((aligned(128))); /* 1: who receives waits for a wake-up */
    uint8_t slots[TRANSPORT_RING_BYTES] __attribute__((aligned(4096)));
};

static struct {
    struct lane there, back;
} * lanes;

static uint64_t sent, room, taken; /* indices: next to send, end of the room as last seen, next to take */

static bool open_lanes(struct transport_link *l)
{
    void *memory;
    if (cf_memory_anonymous(sizeof *lanes, true, &memory) != 0)
        return transport_fail(l, "no memory");
    lanes = memory;
    return cf_memory_populate(lanes, sizeof *lanes, true) == 0 || transport_fail(l, "no memory");
}

static void close_lanes(struct transport_link *l)
{
    (void)l;
    if (lanes != NULL)
        cf_memory_unmap(lanes, sizeof *lanes);
    lanes = NULL;
}

/* The largest power of two of slots that have room. */
static inline uint64_t slots_count(size_t bytes)
{
    return UINT64_C(1) << (63 - __builtin_clzll(TRANSPORT_RING_BYTES / bytes));
}

static struct lane *lane_of(const struct transport_link *l, bool sends)
{
    return l->far == sends ? &lanes->back : &lanes->there;
}

static void wake(struct transport_link *l, struct lane *lane)
{
    if (l->mode == TRANSPORT_SPINNING)
        return;
    cf_fence_store_load(); /* pairs with the fence in sleep_until_woken() */
    if (cf_load_relaxed_32(&lane->asleep) == 0)
        return;
    cf_store_relaxed_32(&lane->asleep, 0);
    l->calls++;
    cf_futex_wake(&lane->asleep, 1);
}

static void sleep_until_woken(struct transport_link *l, struct lane *lane, const uint64_t *word, uint64_t expected)
{
    cf_store_relaxed_32(&lane->asleep, 1);
    cf_fence_store_load(); /* pairs with the fence in wake() */
    if (cf_load_acquire_64(word) != expected) {
        l->calls++;
        cf_futex_wait(&lane->asleep, 1, -1);
    }
    cf_store_relaxed_32(&lane->asleep, 0);
}

static inline __attribute__((always_inline)) bool send_of(struct transport_link *l, uint64_t first, uint64_t count,
                                                          const size_t bytes)
{
    struct lane *lane = lane_of(l, true);
    const uint64_t slots = slots_count(bytes);
    static uint8_t body[TRANSPORT_BYTES_MAX];
    numbered_fill(body, bytes);
    for (uint64_t i = 0; i < count; i++) {
        uint32_t looks = 0;
        while (sent >= room) {
            room = cf_load_acquire_64(&lane->ack) + slots;
            if (sent < room)
                break;
            wake(l, lane);
            transport_wait_for_room(l, &looks);
        }
        uint8_t *slot = lane->slots + (sent & (slots - 1)) * bytes;
        memcpy(slot + 8, body, bytes - 8);
        numbered_set(slot + 8, bytes - 8,
                                 first + i); /* there: loads that span fresh stores would wait for them */
        cf_store_release_64((uint64_t *)(void *)slot, ++sent);
        if ((i + 1) % TRANSPORT_TURN == 0)
            wake(l, lane);
    }
    wake(l, lane);
    return true;
}

static inline __attribute__((always_inline)) bool receive_of(struct transport_link *l, uint64_t first, uint64_t count,
                                                             const size_t bytes)
{
    struct lane *lane = lane_of(l, false);
    const uint64_t slots = slots_count(bytes);
    uint32_t spins = 0;
    for (uint64_t i = 0; i < count;) {
        const uint8_t *slot = lane->slots + (taken & (slots - 1)) * bytes;
        const uint64_t *word = (const uint64_t *)(const void *)slot;
        if (cf_load_acquire_64(word) != taken + 1) {
            if (l->mode == TRANSPORT_SPINNING)
                transport_spin(&spins);
            else
                sleep_until_woken(l, lane, word, taken + 1);
            continue;
        }
        if (!numbered_is(slot + 8, bytes - 8, first + i))
            return transport_fail_message(l);
        i++;
        if (++taken % (slots / 4) == 0)
            cf_store_release_64(&lane->ack, taken);
    }
    return true;
}

#define CASE_SEND(size)                                                                                                \
    case size:                                                                                                         \
        return send_of(l, first, count, size);
#define CASE_RECEIVE(size)                                                                                             \
    case size:                                                                                                         \
        return receive_of(l, first, count, size);

static bool send_messages(struct transport_link *l, uint64_t first, uint64_t count)
{
    switch (l->bytes) {
        TRANSPORT_SIZES(CASE_SEND)
    }
    return transport_fail(l, "no such size");
}

static bool receive_messages(struct transport_link *l, uint64_t first, uint64_t count)
{
    switch (l->bytes) {
        TRANSPORT_SIZES(CASE_RECEIVE)
    }
    return transport_fail(l, "no such size");
}

const struct transport transport_bare = {
    .name = "bare",
    .modes = TRANSPORT_SPINNING + TRANSPORT_SLEEPING,
    .counts_calls = true,
    .open = open_lanes,
    .send = send_messages,
    .receive = receive_messages,
    .close = close_lanes,
};
