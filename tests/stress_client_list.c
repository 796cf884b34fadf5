/*
 * One thread takes messages, two list the calls: of one message each always sees the same state and the same time.
 *
 * ctest-timeout: 120
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shm/atomics.h"
#include "tests/support/fake_app.h"

enum { MESSAGES = 200000 };

static struct fake_app *app;
static uint32_t stop;

struct reader {
    pthread_t thread;
    uint64_t looks, torn;
};

static void *list(void *arg)
{
    struct reader *r = arg;
    struct cf_call_truth before = {0}, now;
    while (cf_load_acquire_32(&stop) == 0) {
        uint64_t cursor = 0;
        uint32_t count = 0;
        if (cf_list_calls(app->app, 0, &cursor, &now, 1, &count) != 0 || count != 1)
            continue;
        r->looks++;
        r->torn += now.seq != 0 && now.seq == before.seq &&
                   (now.dwCallState != before.dwCallState || now.state_time_ns != before.state_time_ns);
        before = now;
    }
    return NULL;
}

static void state_and_time_are_of_one_message(void **state)
{
    static const DWORD states[] = {LINECALLSTATE_CONNECTED, LINECALLSTATE_ONHOLD};
    struct reader readers[2] = {0};
    app = *state;
    HCALL call = fake_app_announce(app, 0, 1, LINECALLPRIVILEGE_MONITOR);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&readers[i].thread, NULL, list, &readers[i]), 0);
    for (int i = 0; i < MESSAGES; i++) {
        fake_message(app->port, LINE_CALLSTATE, call, states[i & 1], 0, 0, cf_handle_slot(app->line));
        fake_app_next(app);
    }
    cf_store_release_32(&stop, 1);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(readers[i].thread, NULL), 0);
        assert_true(readers[i].looks != 0);
        assert_int_equal(readers[i].torn, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(state_and_time_are_of_one_message, fake_app_setup, fake_app_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
