/*
 * Concurrency Kit's ring, one producer and one consumer, in shared memory. It knows no sleeping.
 *
 * Shape      one ring type per size, so that the size is known to the compiler; entries for TRANSPORT_RING_BYTES. An entry is copied in and out
 * Source     ck_ring(3)
 */
#define _GNU_SOURCE 1
#include <ck_ring.h>

#include "bench/transport/transport.h"
#include "shm/sys_memory.h"

struct lane {
    struct ck_ring ring __attribute__((aligned(128)));
    uint8_t entries[TRANSPORT_RING_BYTES] __attribute__((aligned(4096)));
};

static struct {
    struct lane there, back;
} * lanes;

static void close_lanes(struct transport_link *l)
{
    (void)l;
    if (lanes != NULL)
        cf_memory_unmap(lanes, sizeof *lanes);
    lanes = NULL;
}

static bool open_lanes(struct transport_link *l)
{
    void *memory;
    const unsigned count = 1u << (31 - __builtin_clz((unsigned)(TRANSPORT_RING_BYTES / l->bytes)));
    if (cf_memory_anonymous(sizeof *lanes, true, &memory) != 0)
        return transport_fail(l, "no memory");
    lanes = memory;
    ck_ring_init(&lanes->there.ring, count);
    ck_ring_init(&lanes->back.ring, count);
    return cf_memory_populate(lanes, sizeof *lanes, true) == 0 || transport_fail(l, "no memory");
}

static struct lane *lane_of(const struct transport_link *l, bool sends)
{
    return l->far == sends ? &lanes->back : &lanes->there;
}

#define FUNCTIONS(size)                                                                                                \
    struct entry_##size {                                                                                              \
        uint8_t bytes[size];                                                                                           \
    };                                                                                                                 \
    CK_RING_PROTOTYPE(of_##size, entry_##size)                                                                         \
    static bool send_##size(struct transport_link *l, uint64_t first, uint64_t count)                                  \
    {                                                                                                                  \
        static struct entry_##size message;                                                                            \
        struct lane *lane = lane_of(l, true);                                                                          \
        uint32_t spins = 0;                                                                                            \
        numbered_fill(&message, size);                                                                        \
        for (uint64_t i = 0; i < count; i++) {                                                                         \
            numbered_set(&message, size, first + i);                                                       \
            while (!CK_RING_ENQUEUE_SPSC(of_##size, &lane->ring, (struct entry_##size *)lane->entries, &message))      \
                transport_spin(&spins);                                                                                \
        }                                                                                                              \
        return true;                                                                                                   \
    }                                                                                                                  \
    static bool receive_##size(struct transport_link *l, uint64_t first, uint64_t count)                               \
    {                                                                                                                  \
        struct entry_##size message;                                                                                   \
        struct lane *lane = lane_of(l, false);                                                                         \
        uint32_t spins = 0;                                                                                            \
        for (uint64_t i = 0; i < count; i++) {                                                                         \
            while (!CK_RING_DEQUEUE_SPSC(of_##size, &lane->ring, (struct entry_##size *)lane->entries, &message))      \
                transport_spin(&spins);                                                                                \
            if (!numbered_is(&message, size, first + i))                                                      \
                return transport_fail_message(l);                                                                      \
        }                                                                                                              \
        return true;                                                                                                   \
    }

TRANSPORT_SIZES(FUNCTIONS)

#define CASE_SEND(size)                                                                                                \
    case size:                                                                                                         \
        return send_##size(l, first, count);
#define CASE_RECEIVE(size)                                                                                             \
    case size:                                                                                                         \
        return receive_##size(l, first, count);

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

const struct transport transport_ck_ring = {
    .name = "ck_ring",
    .modes = TRANSPORT_SPINNING,
    .counts_calls = true,
    .open = open_lanes,
    .send = send_messages,
    .receive = receive_messages,
    .close = close_lanes,
};
