/*
 * H-46, H-32: after lineDeallocateCall every use of the handle is LINEERR_INVALCALLHANDLE, a second lineDeallocateCall too; of two threads
 * that give one handle back, one gets 0. The same for what never was a handle.
 */
#include <pthread.h>

#include "tests/support/conformance.h"

enum { ROUNDS = 200 };

static void every_use_is_refused(void **state)
{
    struct world *w = *state;
    struct client a;
    HLINE line = client_start(&a, MONITOR);
    uint64_t id = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
    HCALL call = client_new_call(&a, line, MONITOR, LINECALLSTATE_OFFERING);
    assert_error(lineDeallocateCall(call), 0);
    assert_call_void(call);
    exchange_command_of(&w->exchange, CF_CMD_CLOSE_CALL, id);
    assert_call_void(0);
    assert_call_void(line);
    assert_call_void(call + (UINT64_C(2) << 32)); /* a life that has not been */
    assert_call_void(UINT64_MAX);
    client_leave(&a);
    assert_error(lineDeallocateCall(call), LINEERR_UNINITIALIZED); /* the last usage has left */
}

struct racer {
    pthread_barrier_t *start;
    const HCALL *call;
    int zeroes, voids;
};

static void *race(void *arg)
{
    struct racer *r = arg;
    for (int i = 0; i < ROUNDS; i++) {
        pthread_barrier_wait(r->start);
        LONG got = lineDeallocateCall(r->call[i]);
        r->zeroes += got == 0;
        r->voids += got == LINEERR_INVALCALLHANDLE;
    }
    return NULL;
}

static void one_of_two_threads_wins(void **state)
{
    struct world *w = *state;
    struct client a;
    static HCALL calls[ROUNDS];
    pthread_barrier_t start;
    pthread_t thread;
    HLINE line = client_start(&a, MONITOR);
    for (int i = 0; i < ROUNDS; i++) {
        exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
        calls[i] = client_new_call(&a, line, MONITOR, LINECALLSTATE_OFFERING);
    }
    pthread_barrier_init(&start, NULL, 2);
    struct racer racers[2] = {{&start, calls, 0, 0}, {&start, calls, 0, 0}};
    assert_int_equal(pthread_create(&thread, NULL, race, &racers[1]), 0);
    race(&racers[0]);
    pthread_join(thread, NULL);
    pthread_barrier_destroy(&start);
    assert_int_equal(racers[0].zeroes + racers[1].zeroes, ROUNDS);
    assert_int_equal(racers[0].voids + racers[1].voids, ROUNDS);
    service_wait_status(&w->service, "totals.calls_live", 0);
    client_leave(&a);
}

RUN_IN_WORLD(cmocka_unit_test(every_use_is_refused), cmocka_unit_test(one_of_two_threads_wins))
