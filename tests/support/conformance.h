/*
 * What the conformance tests stand on: a running callfand, an exchange that the test plays, applications over the public interface.
 *
 * Shape      struct world is set up once per program: four lines, devices 0 to 3, of the exchange. Each case joins with its own
 *            applications and lets them leave
 * Errors     whatever is not as expected ends the case
 */
#ifndef CF_TESTS_CONFORMANCE_H
#define CF_TESTS_CONFORMANCE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "callfan/tapi.h"
#include "tests/support/exchange.h"
#include "tests/support/service.h"

enum { WORLD_LINES = 4 };

struct world {
    struct test_service service;
    struct exchange exchange;
};

int world_set_up(void **state);
int world_tear_down(void **state);

#define RUN_IN_WORLD(...)                                                                                              \
    int main(void)                                                                                                     \
    {                                                                                                                  \
        const struct CMUnitTest tests[] = {__VA_ARGS__};                                                               \
        return cmocka_run_group_tests(tests, world_set_up, world_tear_down);                                           \
    }

#define MONITOR LINECALLPRIVILEGE_MONITOR
#define OWNER   LINECALLPRIVILEGE_OWNER
#define NOTHING LINECALLPRIVILEGE_NONE

/* Everybody who left is gone: what one port sent and what another sent have no order. */
void world_rest(struct world *w);

/* An application. instance is the callback instance of the lines it opens. */
struct client {
    HLINEAPP app;
    DWORD api_version; /* what lines are opened with */
    DWORD_PTR instance;
};

void client_join(struct client *c);
/* The same under a name of its own. */
void client_join_as(struct client *c, const char *name);
void client_leave(struct client *c);

/* Opens a line and lets markers through. */
HLINE client_open(struct client *c, DWORD device, DWORD privileges);

/* Join, and open device 0. */
HLINE client_start(struct client *c, DWORD privileges);

/* The next message, which must have that id. Without client_message_any() markers are no messages. */
LINEMESSAGE client_expect(struct client *c, DWORD id);
LINEMESSAGE client_message(struct client *c);

/* LINE_APPNEWCALL and, at once, LINE_CALLSTATE of the same call with the privilege: returns its handle. */
HCALL client_new_call(struct client *c, HLINE line, DWORD privilege, DWORD state);

/* LINE_CALLSTATE of the call, with that state; returns the message. */
LINEMESSAGE client_state(struct client *c, HCALL call, DWORD state);

/* LINE_CALLINFO of the call with exactly these bits, which may come in several messages. */
void client_info(struct client *c, HCALL call, DWORD bits);

/* LINE_REPLY of the request; returns its result. */
LONG client_reply(struct client *c, LONG request);

/* No message is on its way to it: what the exchange posts now is the next it gets. It has that line's device open. */
void client_nothing(struct client *c, struct world *w, DWORD device);

/* A call with an owner and a monitor, each an application of its own. */
struct watched {
    struct client owner, monitor;
    HLINE owner_line, line; /* the owner's, the monitor's */
    uint64_t id;            /* the exchange's */
    HCALL owned, seen;
};

/* An offered call on that device, then, unless it is OFFERING, in that state. */
void watched_begin(struct watched *t, struct world *w, DWORD device, DWORD state);

/* A state that both are told. */
void watched_state(struct watched *t, struct world *w, DWORD state, DWORD mode);

/* Both leave; the call is not ended. */
void watched_leave(struct watched *t);

/* lineGetCallInfo in static memory, until the next one. */
const LINECALLINFO *call_info(HCALL call);

/* A part of such a structure has exactly those bytes. */
bool part_is(const void *structure, DWORD size, DWORD offset, const void *bytes, DWORD count);

/* dwNumOwners, dwNumMonitors */
DWORD call_owners(HCALL call);
DWORD call_monitors(HCALL call);
DWORD call_state(HCALL call);
DWORD call_privilege(HCALL call);
DWORD call_features(HCALL call);

/* A call with two owners and a monitor, OFFERING. Leaving ends it. */
struct trio {
    struct client first, second, monitor;
    HLINE first_line;
    HCALL owned, co_owned, seen;
    uint64_t id;
};

void trio_begin(struct trio *t, struct world *w);
void trio_leave(struct trio *t, struct world *w);

/* The handle is void: every function that takes one says LINEERR_INVALCALLHANDLE. */
void assert_call_void(HCALL call);

#define assert_error(expression, error)                                                                                \
    do {                                                                                                               \
        LONG got_ = (expression);                                                                                      \
        if (got_ != (error))                                                                                           \
            fail_msg("%s gave %s, not %s", #expression, cf_line_error_name(got_), cf_line_error_name(error));          \
    } while (0)

#endif
