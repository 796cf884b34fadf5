/*
 * An engine under a test's hands: providers at ports 1 and 2, applications from port 3 on, each read only when the test reads.
 *
 * Shape      one engine, static; rig_begin() makes it anew with provider 1, its lines 0 and 1, and nobody else
 * Invariant  cf_engine_check() holds after each rig_turns()
 * Errors     whatever is not as expected ends the test (cmocka)
 */
#ifndef CF_TESTS_MODEL_RIG_H
#define CF_TESTS_MODEL_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/model/sim.h"

enum { RIG_PROVIDER = 1, RIG_APP = 1 + SIM_PROVIDERS, RIG_OTHER, RIG_THIRD, RIG_UP_SLOTS = 4096, RIG_SEEN_MAX = 16384 };

struct rig {
    struct core core;
    struct cf_engine_result result;
    struct cf_ring_producer up[SIM_PORTS];
    struct cf_ring_consumer down[SIM_PORTS];
    uint64_t sequence[SIM_PORTS], read[SIM_PORTS];
    int64_t now_ns;
    /* of rig_read(): every message of the port in turn */
    struct cf_message seen[RIG_SEEN_MAX];
    uint32_t seen_count;
};
extern struct rig rig;

/* down_slots: of each application's ring. limits: what the test wants changed, or NULL. */
void rig_begin(uint32_t down_slots, void (*limits)(struct cf_limits *l));
void rig_end(void);

/* An application called after its port: "peer3". */
void rig_join(uint32_t port);
void rig_line(uint32_t provider, uint32_t number);
void rig_turns(uint32_t n);

/* A record of that port, sent; turns are the test's. rig_record() begins one with fields. */
struct cf_record *rig_record(uint16_t id, uint64_t device, uint64_t p1, uint64_t p2, uint64_t p3);
void rig_put(uint32_t port, struct cf_record *r);
void rig_send(uint32_t port, uint16_t id, uint64_t device, uint64_t p1, uint64_t p2, uint64_t p3);

/* A synchronous request, taken within a turn: its result. */
int32_t rig_ask(uint32_t port, uint16_t id, uint64_t device, uint64_t p1, uint64_t p2, uint64_t p3);

uint64_t rig_hline(uint32_t slot);
/* lineOpen of that device with OWNER and MONITOR. */
void rig_open(uint32_t port, uint32_t slot, uint32_t device);

/* A call of provider 1, OFFERING on that line. A state of it. */
uint64_t rig_offer(uint32_t line, uint32_t index);
void rig_state(uint64_t call, uint32_t state, uint32_t mode);

/* The next message or command of the port; NULL: none. */
const struct cf_message *rig_next(uint32_t port);
/* The next with that id; others before it are passed over. */
const struct cf_message *rig_find(uint32_t port, uint16_t id);

/* Everything that comes to the application while it reads and turns go by, into rig.seen. */
void rig_read(uint32_t port);
/* How many of rig.seen are of that id and device (0: any); the last of them, or NULL. */
uint32_t rig_count(uint16_t id, uint64_t device);
const struct cf_message *rig_last(uint16_t id, uint64_t device);

struct cf_engine_port_status rig_status(uint32_t port);
struct cf_engine_totals rig_totals(void);

/* States of that call until the application is behind. It may not read meanwhile. */
void rig_fall_behind(uint32_t port, uint64_t call);

#endif
