/*
 * An engine without processes around it: the engine of the product over the product's layout (the state region as callfand reserves it, sealed
 * memfds for ports, huge pages asked for as the daemon does), a provider with one line, and applications that monitor it. Whoever makes one is
 * door, provider and every application at once.
 *
 * Units      the time handed to the engine advances by a microsecond a turn
 * Errors     end the program: a benchmark has nothing to go on with
 * Overlap    one thread
 */
#ifndef CALLFAN_BENCH_ENGINE_BED_H
#define CALLFAN_BENCH_ENGINE_BED_H

#include <stdbool.h>
#include <stdint.h>

#include "core/engine.h"

#define CF_BED_APPLICATIONS_MAX 16
#define CF_BED_RING_BYTES (4u << 20)
#define CF_BED_EVENTS 64u /* a turn takes so many from the provider */

struct cf_bed_peer {
    struct cf_port_down *down;
    struct cf_port_up *up;
    uint64_t down_bytes, up_bytes;
    struct cf_ring_producer out;
    struct cf_ring_consumer in;
};

struct cf_bed {
    void *state, *memory;
    uint64_t state_bytes;
    int state_fd;
    struct cf_engine *engine;
    struct cf_bed_peer door, provider, apps[CF_BED_APPLICATIONS_MAX];
    uint32_t ports; /* applications */
    uint64_t calls; /* offered so far */
    int64_t now;
    struct cf_engine_result result;
};

/* Says what went wrong and ends the program unless ok. */
void cf_bed_must(bool ok, const char *what);

/* resync_slice 0: the default. Applications are in step, no call is there. */
struct cf_bed *cf_bed_new(uint32_t ports, uint64_t calls_max, uint32_t resync_slice);
void cf_bed_free(struct cf_bed *b);

void cf_bed_turn(struct cf_bed *b);

/* That peer has read everything. */
void cf_bed_acknowledge(struct cf_bed_peer *p);

/* So many more calls, with numbers of ten digits; everybody from application `first` on reads. */
void cf_bed_offer(struct cf_bed *b, uint64_t count, uint32_t first);

/* An event of the call with that number: LINECALLSTATE_. Into the provider's ring; the next turn takes it. */
void cf_bed_state(struct cf_bed *b, uint64_t call, uint32_t state);

/* A memory object as a port's: sealed, populated. */
void *cf_bed_object(uint64_t bytes);

#endif
