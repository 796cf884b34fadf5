/*
 * The engine's loop: what stands around cf_engine_turn(). It passes the time in, rings the bells that a turn asks for, takes the
 * door's orders between turns, spins a while when nothing is due, then sleeps on the up bells.
 *
 * Units      ns, CLOCK_MONOTONIC
 * Writers    one thread runs it
 * Progress   sleeps at most half a second, so that the turn counter moves
 * Trust      a bell may be rung by a peer at any time; its pipe is drained, and left alone when its writer is gone
 */
#ifndef CF_CALLFAND_ENGINE_LOOP_H
#define CF_CALLFAND_ENGINE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "apps/callfand/arena.h"
#include "apps/callfand/link.h"
#include "apps/callfand/ringer.h"
#include "core/engine.h"

struct cf_engine_loop_port {
    bool mapped;
    uint32_t kind;
    int bell_down; /* ours to ring */
    int bell_up;   /* ours to hear, but never to read: a read would pay for its watchers; -1 once the peer is gone */
    struct cf_ringer ringer;
};

struct cf_engine_loop {
    struct cf_engine *engine;
    struct cf_link *link;
    const struct cf_arena *arena;
    int epoll;
    struct cf_ring_producer door_up; /* up ring of port 0 */
    uint64_t bells_rung, sleeps;
    int64_t ring_ns; /* when the next bell is due that was not rung at once; INT64_MAX: none */
    bool inspecting; /* link->inspection goes on after each turn */
    struct cf_engine_result result;
    struct cf_engine_loop_port ports[CF_PORTS_MAX];
};

int cf_engine_loop_init(struct cf_engine_loop *loop, struct cf_engine *engine, struct cf_link *link,
                        const struct cf_arena *arena);
void cf_engine_loop_fini(struct cf_engine_loop *loop);

/* A port whose memory is mapped and formatted: the engine learns where it lies, its bells are used from now on. */
int cf_engine_loop_map(struct cf_engine_loop *loop, uint32_t port, uint32_t kind, int bell_down, int bell_up);
void cf_engine_loop_unmap(struct cf_engine_loop *loop, uint32_t port);

/* After cf_engine_recover() and before the door runs: takes what the dead core's door had put, rings everybody once. */
void cf_engine_loop_resume(struct cf_engine_loop *loop);

/* Runs until link->stop. */
void cf_engine_loop_run(struct cf_engine_loop *loop);

#endif
