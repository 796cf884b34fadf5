/*
 * The real sleep of the engine and the real request path of the library, in every interleaving: a core that goes to sleep as a request
 * comes is woken, and so is a thread that goes to sleep on its reply slot as the answer comes; the answer is there when it wakes.
 *
 * Not here   up_lock has one taker; the look at the reply slot before the sleep (cf_request_end) is left out, and no time-out ends a wait
 */
#define _GNU_SOURCE 1
#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include "tests/support/explored_engine.h"

#include "client/internal.h"
#include "shm/sys_bell.h"
#include "shm/sys_futex.h"

enum { REQUESTS = 2 };

/* ------------------------------------------------------------------ the kernel */

static bool futex_sleeps, futex_woken;

static CF_EXPLORER_KERNEL bool futex_ready(void *arg)
{
    (void)arg;
    return futex_woken;
}

/* The look and the going to sleep are one step; a woken or different word is for the caller to look at again. */
static CF_EXPLORER_KERNEL int model_futex_wait(const uint32_t *word, uint32_t expected)
{
    cf_explorer_kernel(&futex_sleeps);
    if (*word != expected)
        return 0;
    futex_sleeps = true;
    futex_woken = false;
    cf_explorer_sleep(futex_ready, NULL);
    futex_sleeps = false;
    return 0;
}

static CF_EXPLORER_KERNEL void model_futex_wake(void)
{
    cf_explorer_kernel(&futex_sleeps);
    futex_woken = futex_sleeps;
}

static CF_EXPLORER_KERNEL bool up_rung(void *arg)
{
    (void)arg;
    return up_bell != 0;
}

static CF_EXPLORER_KERNEL void up_drain(void)
{
    cf_explorer_kernel(&up_bell);
    up_bell = 0;
}

static inline void no_time_passes(const struct timespec *t, const void *left)
{
    (void)t;
    (void)left;
}

#define cf_bell_ring_up(fd)              ring(&up_bell)
#define cf_futex_wait(word, seen, ns) ((void)(ns), model_futex_wait(word, seen))
#define cf_futex_wake(word, count)    ((void)(word), model_futex_wake())
#define cf_usage_closing(u)           ((void)(u), false)
#define cf_usage_hung_up(u)           ((void)(u), false)
#define cf_monotonic_ns()             INT64_C(0)
#define cf_line_find(u, line)         ((void)(u), (void)(line), (struct cf_line_slot *)NULL)
#define nanosleep(...)                no_time_passes(__VA_ARGS__)
#define pthread_mutex_lock(m)         ((void)(m))
#define pthread_mutex_unlock(m)       ((void)(m))
#include "client/request.c"
#undef cf_futex_wake

static struct cf_usage usage;
static uint32_t taken, wanted, done;

/* ------------------------------------------------------------------ the core */

static bool model_service(struct cf_engine *e)
{
    (void)e;
    return false;
}

static bool model_request_take(struct cf_engine *e, uint32_t port)
{
    taken++;
    cf_explorer_assert(e->in.m.sequence == taken, "request %u came as %u", (unsigned)e->in.m.sequence, taken);
    if (e->in.m.flags != CF_NO_REPLY)
        cf_output_answer(e, port, -(int32_t)e->in.m.sequence, &e->in.m.sequence, 8);
    return true;
}

/* As cf_engine_loop_run() and sleep_until_bell() of apps/callfand/engine_loop.c. */
static void engine_runs(void)
{
    while (taken < wanted) {
        cf_engine_turn(&engine, now_ns, &turn_result);
        for (uint32_t i = 0; i < turn_result.wakes_count; i++)
            if (turn_result.wakes[i].reply_slot != UINT32_MAX)
                model_futex_wake();
        if (turn_result.records != 0 || turn_result.more || taken == wanted)
            continue;
        if (cf_engine_sleep(&engine)) {
            cf_explorer_sleep(up_rung, NULL);
            up_drain();
            cf_engine_awake(&engine);
        }
    }
}

/* ------------------------------------------------------------------ the application */

static void tells(void)
{
    for (uint32_t i = 0; i < wanted; i++) {
        struct cf_record r;
        cf_request_init(&r, CF_REQ_CLOSE, 0, CF_INDEX_NONE);
        cf_explorer_assert(cf_request_silent(&usage, &r, true), "the request was not sent");
        done++;
    }
}

static void asks(void)
{
    for (uint32_t i = 0; i < wanted; i++) {
        struct cf_record r;
        struct cf_ticket t;
        cf_request_init(&r, CF_REQ_PING, 0, CF_INDEX_NONE);
        cf_explorer_assert(cf_request_begin(&usage, &r, &t) == 0, "the request was not sent");
        const struct cf_reply_slot *s = cf_port_reply(usage.down, t.slot);
        cf_explorer_assert(sleep_for(&usage, s, &t), "no answer");
        uint64_t data;
        memcpy(&data, s->data, 8);
        cf_explorer_assert(s->result == -(int32_t)t.sequence && data == t.sequence, "the answer is another one's");
        give_back(&usage, t.slot);
        done++;
    }
}

/* The core was killed when it had taken the request and had not published; the next one wakes every waiter once. */
static void engine_dies(void)
{
    cf_explorer_wait(&up_object.ring[0].commit, 8, 1);
    begin(&engine, now_ns, &turn_result);
    take_port(&engine, 1, 1);
    cf_store_release_64(&control.committed, control.turn);
    cf_ports_clean(&engine);
    engine.bells_due = 0;
    cf_explorer_assert(cf_engine_recover(&engine), "the state is refused");
    model_futex_wake(); /* ring_all() in apps/callfand/engine_loop.c */
    engine_runs();
}

static void setup(uint32_t count)
{
    engine_begin(0);
    wanted = count;
    taken = done = 0;
    futex_sleeps = futex_woken = false;
    memset(&usage, 0, sizeof usage);
    usage.down = &down_object.down;
    usage.up = &up_object.up;
    usage.reply_free = 1;
    cf_ring_producer_init(&usage.producer, up_object.ring, UP_SLOTS, &down_object.down.up.up_ack, 0);
}

static void two_requests(void)
{
    setup(REQUESTS);
}

static void one_request(void)
{
    setup(1);
}

static void all_done(void)
{
    cf_explorer_assert(taken == wanted && done == wanted, "%u requests taken, %u done", taken, done);
}

static const struct cf_explored cases[] = {
    {"a_sleeping_core_is_woken", 4, two_requests, {engine_runs, tells}, all_done},
    {"a_waiter_for_an_answer_is_woken", 4, one_request, {engine_runs, asks}, all_done},
    {"two_answers_in_one_slot", 3, two_requests, {engine_runs, asks}, all_done},
    {"a_waiter_outlives_the_core", 4, one_request, {engine_dies, asks}, all_done},
};

int main(int argc, char **argv)
{
    return cf_explorer_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
