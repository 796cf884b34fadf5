/* An application joined to a fake core, for cmocka tests: include after cmocka.h. */
#ifndef CF_TESTS_FAKE_APP_H
#define CF_TESTS_FAKE_APP_H

#include <poll.h>
#include <stdlib.h>

#include "callfan/tapi.h"
#include "shm/handle.h"
#include "tests/support/fake_core.h"

struct fake_app {
    struct fake_core *core;
    struct fake_port *port;
    HLINEAPP app;
    HLINE line; /* device 1, MONITOR, callback instance 77 */
    int event;
};

#define FAKE_INSTANCE 77u

static inline LONG fake_app_join(struct fake_app *a, const struct cf_init_options *more, DWORD version)
{
    LINEINITIALIZEEXPARAMS params = {.dwTotalSize = sizeof params, .dwOptions = LINEINITIALIZEEXOPTION_USEEVENT};
    struct cf_init_options o = {.size = sizeof o};
    DWORD devices = 0;
    if (more != NULL)
        o = *more;
    o.socket_path = a->core->path;
    LONG error = cf_line_initialize(&a->app, NULL, "test", &devices, &version, &params, &o);
    a->event = params.Handles.hEvent;
    if (error == 0)
        assert_int_equal(devices, FAKE_DEVICES);
    return error;
}

static inline HLINE fake_app_open(struct fake_app *a, DWORD device, DWORD version, DWORD_PTR instance)
{
    HLINE line = 0;
    assert_int_equal(lineOpen(a->app, device, &line, version, 0, instance, LINECALLPRIVILEGE_MONITOR, 0, NULL), 0);
    return line;
}

static inline struct fake_app *fake_app_new(const struct cf_init_options *options)
{
    struct fake_app *a = calloc(1, sizeof *a);
    a->core = fake_core_start();
    assert_int_equal(fake_app_join(a, options, CF_TAPI_VERSION_2_2), 0);
    a->port = fake_core_port(a->core, 0);
    a->line = fake_app_open(a, 1, CF_TAPI_VERSION_2_2, FAKE_INSTANCE);
    return a;
}

static inline void fake_app_free(struct fake_app *a)
{
    if (a->app != 0)
        lineShutdown(a->app);
    fake_core_stop(a->core);
    free(a);
}

static inline int fake_app_setup(void **state)
{
    *state = fake_app_new(NULL);
    return 0;
}

static inline int fake_app_teardown(void **state)
{
    fake_app_free(*state);
    return 0;
}

/* A call handle as the core makes them for this application. life counts from 1. */
static inline HCALL fake_app_call(const struct fake_app *a, uint32_t slot, uint32_t life)
{
    return cf_handle_of_usage(a->port->hello.usage, slot, CF_KIND_CALL, a->port->hello.base_generation + 2 * life - 1);
}

static inline LINEMESSAGE fake_app_next(struct fake_app *a)
{
    LINEMESSAGE m;
    assert_int_equal(lineGetMessage(a->app, &m, 20000), 0);
    return m;
}

static inline void fake_app_none(struct fake_app *a)
{
    LINEMESSAGE m;
    assert_int_equal(lineGetMessage(a->app, &m, 0), LINEERR_OPERATIONFAILED);
}

static inline bool fake_app_readable(const struct fake_app *a, int timeout_ms)
{
    struct pollfd p = {.fd = a->event, .events = POLLIN};
    return poll(&p, 1, timeout_ms) == 1;
}

/* Announces a call and takes the two messages. */
static inline HCALL fake_app_announce(struct fake_app *a, uint32_t slot, uint32_t life, DWORD privilege)
{
    HCALL call = fake_app_call(a, slot, life);
    fake_new_call(a->port, a->line, call, LINECALLSTATE_OFFERING, privilege, "555", "100");
    LINEMESSAGE m = fake_app_next(a);
    assert_int_equal(m.dwMessageID, LINE_APPNEWCALL);
    assert_true(m.hDevice == a->line && m.dwParam2 == call && m.dwParam3 == privilege);
    m = fake_app_next(a);
    assert_int_equal(m.dwMessageID, LINE_CALLSTATE);
    assert_true(m.hDevice == call && m.dwParam3 == privilege);
    return call;
}

#endif
