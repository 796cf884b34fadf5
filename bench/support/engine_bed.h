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

#define CF_BED_APPLICATIONS_MAX 64
#define CF_BED_RING_BYTES (4u << 20)      /* towards a peer, and from the provider: the product's defaults, as the next one */
#define CF_BED_UP_RING_BYTES (256u << 10) /* from an application */
#define CF_BED_EVENTS 64u                 /* a turn takes so many of each peer */

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
    bool small_pages;
    struct cf_engine *engine;
    struct cf_bed_peer door, provider, apps[CF_BED_APPLICATIONS_MAX];
    uint32_t ports; /* applications */
    uint64_t calls; /* offered so far */
    int64_t now;
    struct cf_engine_result result;
};

/* Says what went wrong and ends the program unless ok. */
void cf_bed_must(bool ok, const char *what);

struct cf_bed_options {
    uint32_t ports;        /* applications */
    uint64_t calls;        /* that live at once; each application has a handle of each */
    uint32_t resync_slice; /* 0: the default, as the next one */
    uint32_t sweep_slice;
    bool small_pages;      /* huge ones are not asked for */
};

/* Bytes of memory that it takes once all calls live. */
uint64_t cf_bed_bytes(const struct cf_bed_options *o);

/*
 * Whether there can be one: the engine's ceilings, and seven tenths of the memory that the machine says is available (a container's own limit is
 * not asked for) for it and `beside` bytes. Else one sentence that says what is too much.
 */
bool cf_bed_fits(const struct cf_bed_options *o, uint64_t beside, char *why, size_t why_bytes);

/* One line on stderr: the ceilings of the engine that a number of ports or calls comes to. */
void cf_bed_tell_ceilings(void);

/* Applications are in step, no call is there. */
struct cf_bed *cf_bed_new(const struct cf_bed_options *o);
void cf_bed_free(struct cf_bed *b);

/* Bytes that it has by now. */
uint64_t cf_bed_bytes_now(const struct cf_bed *b);

void cf_bed_turn(struct cf_bed *b);

/* That peer has read everything. */
void cf_bed_acknowledge(struct cf_bed_peer *p);

/* The provider's identifier of the call with that number, in that life of it, 0 the first. */
uint64_t cf_bed_call(uint64_t number, uint32_t life);

/* Events into the provider's ring; the next turn takes them: a new call that is OFFERING, with numbers of ten digits; LINECALLSTATE_ of a call. */
void cf_bed_new_call(struct cf_bed *b, uint64_t call);
void cf_bed_state(struct cf_bed *b, uint64_t call, uint32_t state);

/* So many more calls are new, in their first life, and taken; everybody from application `first` on reads. */
void cf_bed_offer(struct cf_bed *b, uint64_t count, uint32_t first);

/* lineDeallocateCall of that application, into its ring. */
void cf_bed_release(struct cf_bed_peer *p, uint64_t handle);

/* lineClose of that application, which has one line open. */
void cf_bed_close(struct cf_bed_peer *p);

/* A memory object as a port's: sealed, populated. */
void *cf_bed_object(uint64_t bytes);

#endif
