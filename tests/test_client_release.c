/* Giving a handle back wakes a sleeping core for a call that lives, and not for one that has ended: the core looks for that by itself. */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "shm/operations.h"
#include "tests/support/fake_app.h"

static HCALL ended(struct fake_app *a, uint32_t slot)
{
    HCALL call = fake_app_announce(a, slot, 1, LINECALLPRIVILEGE_MONITOR);
    fake_message(a->port, LINE_CALLSTATE, call, LINECALLSTATE_IDLE, 0, 0, cf_handle_slot(a->line));
    LINEMESSAGE m = fake_app_next(a);
    assert_true(m.hDevice == call && m.dwParam1 == LINECALLSTATE_IDLE);
    return call;
}

static void await_sleep(const struct fake_app *a)
{
    while (cf_load_relaxed_32(&a->port->down->up.sleeping) == 0)
        sched_yield();
}

static uint64_t woken(const struct fake_app *a) { return cf_load_relaxed_64(&a->port->woken); }

static void a_handle_of_a_call_that_has_ended_wakes_nobody(void **state)
{
    struct fake_app *a = *state;
    HCALL call = ended(a, 0);
    uint64_t before = woken(a);
    await_sleep(a);
    assert_int_equal(lineDeallocateCall(call), 0);
    fake_await(a->port, CF_REQ_RELEASE, 0); /* seen all the same */
    assert_int_equal(woken(a), before);
}

static void a_handle_of_a_call_that_lives_wakes_the_core(void **state)
{
    struct fake_app *a = *state;
    HCALL call = fake_app_announce(a, 0, 1, LINECALLPRIVILEGE_MONITOR);
    uint64_t before = woken(a);
    await_sleep(a);
    assert_int_equal(lineDeallocateCall(call), 0);
    fake_await(a->port, CF_REQ_RELEASE, 0);
    while (woken(a) == before) /* it counts after it has taken */
        sched_yield();
}

/* Many of them do not wait until the ring is full. */
static void a_ring_that_fills_wakes_the_core(void **state)
{
    struct fake_app *a = *state;
    enum { CALLS = 300 }; /* of 1,024 slots */
    HCALL calls[CALLS];
    for (uint32_t i = 0; i < CALLS; i++)
        calls[i] = ended(a, i);
    fake_hold(a->port, true);
    uint64_t before = woken(a);
    for (uint32_t i = 0; i < CALLS; i++)
        assert_int_equal(lineDeallocateCall(calls[i]), 0);
    while (woken(a) == before)
        sched_yield();
    fake_hold(a->port, false);
    fake_await(a->port, CF_REQ_RELEASE, CALLS - 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fake_app_setup, fake_app_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_handle_of_a_call_that_has_ended_wakes_nobody),
        CASE(a_handle_of_a_call_that_lives_wakes_the_core),
        CASE(a_ring_that_fills_wakes_the_core),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
