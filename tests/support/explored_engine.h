/*
 * For model_explore_wake_*.c: the real turn, publishing, sleep and recovery of the engine (core/turn.c, core/ahead.c, core/output.c, core/loss.c) compiled into the
 * explorer's world, with one peer on port 1. What a turn does beside is given by the test: model_service(), model_request_take().
 *
 * Shape      included once by a test, after shm headers, with no library of the engine linked
 */
#ifndef CF_TESTS_SUPPORT_EXPLORED_ENGINE_H
#define CF_TESTS_SUPPORT_EXPLORED_ENGINE_H

#include "core/internal.h"
#include "tests/support/explorer.h"

static bool model_service(struct cf_engine *e);
static bool model_request_take(struct cf_engine *e, uint32_t port);

static inline void model_nothing(struct cf_engine *e, ...)
{
    (void)e;
}

#define cf_service                        model_service
#define cf_request_take                   model_request_take
#define cf_event_take(e, port)            model_nothing(e, port)
#define cf_door_take(e)                   model_nothing(e)
#define cf_event_set_aside(e, port)       model_nothing(e, port)
#define cf_request_set_aside(e, port)     model_nothing(e, port)
#define cf_behind_enter(e, port, cause)   model_nothing(e, port, cause)
#define cf_door_set_aside(...)            model_nothing(__VA_ARGS__)
#define cf_priorities_show(e)             model_nothing(e)
#define cf_open_due(e, port, open, due)   model_nothing(e, port, open, due)
#define cf_marks_set(marks, journal, at)  ((void)(marks), (void)(journal), (void)(at))
#define cf_marks_test(marks, at)          ((void)(marks), (void)(at), false)
#include "core/ahead.c"
#include "core/loss.c"
#include "core/output.c"
#include "core/turn.c"
#undef cf_service
#undef cf_request_take

enum { DOWN_SLOTS = 16, UP_SLOTS = 8, REPLY_SLOTS = 2 };

static struct {
    struct cf_port_down down;
    struct cf_reply_slot replies[REPLY_SLOTS];
    struct cf_slot down_ring[DOWN_SLOTS];
} down_object __attribute__((aligned(4096)));
static struct {
    struct cf_port_up up;
    struct cf_slot ring[UP_SLOTS];
} up_object __attribute__((aligned(4096)));
static struct {
    struct cf_globals g;
    struct cf_port ports[2];
} state __attribute__((aligned(64)));
static struct cf_control control;
static struct cf_journal_log journal_log;
static struct cf_engine engine;
static struct cf_engine_result turn_result;
static int64_t now_ns;

/* Bytes in the pipes. */
static uint32_t down_bell, up_bell;

static void engine_begin(int64_t wake_interval_ns)
{
    struct cf_engine *e = &engine;
    memset(&down_object, 0, sizeof down_object);
    memset(&up_object, 0, sizeof up_object);
    memset(&state, 0, sizeof state);
    memset(&control, 0, sizeof control);
    memset(e->view, 0, 2 * sizeof e->view[0]);
    memset(e->journal.filter, 0, sizeof e->journal.filter);
    journal_log.count = 0;
    down_bell = up_bell = 0;
    now_ns = 1000000;
    e->control = &control;
    e->g = &state.g;
    e->ports = state.ports;
    e->ports_count = 2;
    e->limits.turn_records = CF_TURN_RECORDS_MAX;
    e->journal.log = &journal_log;
    e->journal.base = (uint8_t *)&state;
    e->journal.bytes = sizeof state;
    e->active_count = 1;
    e->active[0] = 1;
    cf_ports_clean(e);
    e->bells_due = 0;
    e->asleep = e->held_back = false;
    down_object.down.header.reply_slots = REPLY_SLOTS;
    state.ports[1] = (struct cf_port){.state = CF_PORT_LIVE, .kind = CF_PORT_APPLICATION, .mask = DOWN_SLOTS - 1, .up_mask = UP_SLOTS - 1,
                                     .records = CF_TURN_RECORDS_MAX};
    e->view[0].p = &state.ports[0];
    e->view[1] = (struct cf_port_view){
        .p = &state.ports[1],
        .ring = down_object.down_ring,
        .down = &down_object.down,
        .up = &up_object.up,
        .up_ring = up_object.ring,
        .wake_interval_ns = wake_interval_ns,
    };
    e->outlet[0] = (struct cf_outlet){.p = e->view[0].p};
    e->outlet[1] = (struct cf_outlet){.p = e->view[1].p, .ring = e->view[1].ring};
}

/* The kernel's side of a bell. */
static CF_EXPLORER_KERNEL void ring(uint32_t *bell)
{
    cf_explorer_kernel(bell);
    *bell = 1;
}

#endif
