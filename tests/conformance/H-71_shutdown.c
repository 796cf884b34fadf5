/*
 * H-71, H-72: lineShutdown voids every handle, gives no LINE_REPLY, wakes a thread that waits in lineGetMessage with
 * LINEERR_INVALAPPHANDLE, and leaves nothing behind in the service. The death of the process does the same.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/conformance.h"

struct waiter {
    HLINEAPP app;
    LONG result;
    pid_t thread;
};

static void *wait_for_ever(void *arg)
{
    struct waiter *w = arg;
    LINEMESSAGE m;
    __atomic_store_n(&w->thread, gettid(), __ATOMIC_RELEASE);
    w->result = lineGetMessage(w->app, &m, 0xFFFFFFFF);
    return NULL;
}

/* The thread has reached its sleep in the kernel. */
static bool sleeps(pid_t thread)
{
    char path[64], text[256] = "";
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", thread);
    FILE *f = fopen(path, "re");
    bool read = f != NULL && fgets(text, sizeof text, f) != NULL;
    if (f != NULL)
        fclose(f);
    const char *state = strrchr(text, ')');
    return read && state != NULL && state[2] == 'S';
}

static void a_waiting_thread_is_woken(void **state)
{
    (void)state;
    struct client a, other;
    pthread_t thread;
    client_join(&other); /* else the library would be uninitialised after a left */
    client_start(&a, MONITOR);
    struct waiter waiter = {.app = a.app, .result = 1};
    assert_int_equal(pthread_create(&thread, NULL, wait_for_ever, &waiter), 0);
    for (pid_t id = 0; id == 0 || !sleeps(id); sched_yield())
        id = __atomic_load_n(&waiter.thread, __ATOMIC_ACQUIRE);
    client_leave(&a);
    pthread_join(thread, NULL);
    assert_error(waiter.result, LINEERR_INVALAPPHANDLE);
    assert_error(lineShutdown(waiter.app), LINEERR_INVALAPPHANDLE);
    client_leave(&other);
}

static void nothing_is_left_behind(void **state)
{
    struct world *w = *state;
    struct client a, other;
    HCALL made = 0;
    client_join(&other);
    HLINE line = client_start(&a, OWNER | MONITOR), second = client_open(&a, 1, MONITOR);
    uint64_t id = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
    HCALL call = client_new_call(&a, line, OWNER, LINECALLSTATE_OFFERING);
    assert_true(lineMakeCall(second, &made, "1", 0, NULL) > 0);
    client_leave(&a);
    assert_call_void(call);
    assert_error(lineClose(line), LINEERR_INVALLINEHANDLE);
    assert_error(lineClose(second), LINEERR_INVALLINEHANDLE);
    exchange_command_of(&w->exchange, CF_CMD_CLOSE_CALL, id); /* its only handle: that drops it too */
    struct cf_command make = exchange_command(&w->exchange, CF_CMD_MAKE_CALL);
    uint64_t made_id = cf_provider_call_new(w->exchange.provider, w);
    exchange_reply(&w->exchange, &make, 0, made_id); /* the asker is gone */
    exchange_command_of(&w->exchange, CF_CMD_CLOSE_CALL, made_id);
    assert_true(made == 0);
    service_wait_status(&w->service, "totals.calls_live", 0);
    service_wait_status(&w->service, "totals.handles_live", 0);
    service_wait_status(&w->service, "totals.opens", 0);
    client_leave(&other);
}

static void live_and_wait(int ready)
{
    struct client a;
    HLINE line = client_start(&a, OWNER);
    HCALL call = 0;
    (void)line;
    if (write(ready, "1", 1) != 1)
        _exit(1);
    LINEMESSAGE m = client_expect(&a, LINE_APPNEWCALL);
    call = (HCALL)m.dwParam2;
    client_state(&a, call, LINECALLSTATE_OFFERING);
    if (write(ready, "2", 1) != 1)
        _exit(1);
    for (;;)
        pause();
}

static void death_is_like_shutdown(void **state)
{
    struct world *w = *state;
    struct client monitor;
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0)
        live_and_wait(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    HLINE line = client_start(&monitor, MONITOR);
    uint64_t id = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
    HCALL call = client_new_call(&monitor, line, MONITOR, LINECALLSTATE_OFFERING);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(call_owners(call), 1);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    struct cf_command c = exchange_command_of(&w->exchange, CF_CMD_DROP, id);
    exchange_reply(&w->exchange, &c, 0, id);
    client_info(&monitor, call, LINECALLINFOSTATE_NUMOWNERDECR);
    assert_int_equal(call_owners(call), 0);
    exchange_state(&w->exchange, id, LINECALLSTATE_IDLE, 0);
    client_state(&monitor, call, LINECALLSTATE_IDLE);
    client_leave(&monitor);
    close(ready[0]);
    close(ready[1]);
    service_wait_status(&w->service, "totals.opens", 0);
}

RUN_IN_WORLD(cmocka_unit_test(a_waiting_thread_is_woken), cmocka_unit_test(nothing_is_left_behind),
             cmocka_unit_test(death_is_like_shutdown))
