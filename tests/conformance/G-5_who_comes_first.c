/*
 * G-5 and the choice of the initial owner: of those who may own a new call for its media mode the first in that mode's list gets it
 * (lineSetAppPriority), then the earliest lineOpen. A call whose mode is UNKNOWN goes to who has the line open for UNKNOWN; else the modes
 * that it may have are tried in TAPI's order, and those that nobody takes are taken from it. The lists say too whom lineHandoff means.
 */
#include <stdio.h>

#include "tests/support/conformance.h"

#define VOICE LINEMEDIAMODE_INTERACTIVEVOICE

static DWORD priority_of(const char *name, DWORD media)
{
    DWORD priority = 77;
    assert_error(lineGetAppPriority(name, media, NULL, 0, NULL, &priority), 0);
    return priority;
}

static void set_priority(const char *name, DWORD media, DWORD priority)
{
    assert_error(lineSetAppPriority(name, media, NULL, 0, NULL, priority), 0);
}

static HLINE open_for(struct client *c, const char *name, DWORD media)
{
    HLINE line = 0;
    client_join_as(c, name);
    assert_error(lineOpen(c->app, 0, &line, c->api_version, 0, c->instance, OWNER, media, NULL), 0);
    assert_error(lineSetStatusMessages(line, LINEDEVSTATE_OTHER, 0), 0);
    return line;
}

/* A call with these modes is offered to that application; returns what is left of the modes. */
static DWORD offered_to(struct world *w, struct client *c, HLINE line, DWORD media)
{
    LINECALLINFO info = {.dwTotalSize = sizeof info};
    uint64_t id = exchange_call_media(&w->exchange, 0, 0, LINECALLSTATE_OFFERING, media);
    HCALL call = client_new_call(c, line, OWNER, LINECALLSTATE_OFFERING);
    assert_error(lineGetCallInfo(call, &info), 0);
    exchange_end(&w->exchange, id);
    client_state(c, call, LINECALLSTATE_DISCONNECTED);
    client_state(c, call, LINECALLSTATE_IDLE);
    assert_error(lineDeallocateCall(call), 0);
    return info.dwMediaMode;
}

static void the_list_before_the_earliest(void **state)
{
    struct world *w = *state;
    struct client first, second, third;
    HLINE one = open_for(&first, "first", VOICE | LINEMEDIAMODE_G3FAX), two = open_for(&second, "second", VOICE),
          three = open_for(&third, "third", VOICE | LINEMEDIAMODE_G3FAX);
    offered_to(w, &first, one, VOICE);
    set_priority("third", VOICE, 1);
    offered_to(w, &third, three, VOICE);
    offered_to(w, &first, one, LINEMEDIAMODE_G3FAX); /* a list of its own */
    set_priority("second", VOICE, 1);
    set_priority("not running", VOICE, 1);
    assert_int_equal(priority_of("not running", VOICE), 1);
    assert_int_equal(priority_of("second", VOICE), 2);
    assert_int_equal(priority_of("third", VOICE), 3);
    assert_int_equal(priority_of("first", VOICE), 0);
    offered_to(w, &second, two, VOICE);
    /* And whom a handoff by media mode means. */
    uint64_t id = exchange_call_media(&w->exchange, 0, 0, LINECALLSTATE_OFFERING, LINEMEDIAMODE_G3FAX);
    HCALL call = client_new_call(&first, one, OWNER, LINECALLSTATE_OFFERING);
    assert_error(lineHandoff(call, NULL, VOICE), 0);
    client_new_call(&second, two, OWNER, LINECALLSTATE_OFFERING);
    exchange_end(&w->exchange, id);
    set_priority("second", VOICE, 0);
    set_priority("second", VOICE, 0); /* no error if it is not in the list */
    assert_int_equal(priority_of("third", VOICE), 2);
    set_priority("third", VOICE, 0);
    set_priority("not running", VOICE, 0);
    client_leave(&first);
    client_leave(&second);
    client_leave(&third);
    world_rest(w);
}

static void modes_that_are_not_known(void **state)
{
    struct world *w = *state;
    struct client fax, unknown, telex, automatic;
    HLINE fax_line = open_for(&fax, "fax", LINEMEDIAMODE_G3FAX), telex_line = open_for(&telex, "telex", LINEMEDIAMODE_TELEX);
    open_for(&automatic, "automatic", LINEMEDIAMODE_AUTOMATEDVOICE);
    DWORD all = LINEMEDIAMODE_UNKNOWN | VOICE | LINEMEDIAMODE_AUTOMATEDVOICE | LINEMEDIAMODE_G3FAX | LINEMEDIAMODE_TELEX;
    /* Voice is tried first and taken by nobody, so it is none of the call's. Automated voice is not tried at all. */
    assert_int_equal(offered_to(w, &fax, fax_line, all), all & ~VOICE);
    assert_int_equal(offered_to(w, &telex, telex_line, LINEMEDIAMODE_TELEX), LINEMEDIAMODE_TELEX);
    HLINE unknown_line = open_for(&unknown, "unknown", LINEMEDIAMODE_UNKNOWN);
    assert_int_equal(offered_to(w, &unknown, unknown_line, all), all);
    assert_int_equal(offered_to(w, &unknown, unknown_line, LINEMEDIAMODE_UNKNOWN), LINEMEDIAMODE_UNKNOWN);
    client_leave(&fax);
    client_leave(&unknown);
    client_leave(&telex);
    client_leave(&automatic);
    world_rest(w);
}

static void what_is_no_priority(void **state)
{
    DWORD priority;
    char longest[CF_NAME_MAX + 1];
    (void)state;
    memset(longest, 'x', CF_NAME_MAX);
    longest[CF_NAME_MAX] = '\0';
    assert_error(lineSetAppPriority(NULL, VOICE, NULL, 0, NULL, 1), LINEERR_INVALPOINTER);
    assert_error(lineSetAppPriority("", VOICE, NULL, 0, NULL, 1), LINEERR_INVALAPPNAME);
    assert_error(lineSetAppPriority(longest, VOICE, NULL, 0, NULL, 1), LINEERR_INVALAPPNAME);
    assert_error(lineSetAppPriority("x", 0, NULL, LINEREQUESTMODE_MAKECALL, NULL, 1), LINEERR_INVALREQUESTMODE);
    assert_error(lineSetAppPriority("x", VOICE | LINEMEDIAMODE_UNKNOWN, NULL, 0, NULL, 1), LINEERR_INVALMEDIAMODE);
    assert_error(lineSetAppPriority("x", VOICE, NULL, 0, NULL, 2), LINEERR_INVALPARAM);
    assert_error(lineGetAppPriority("x", VOICE, NULL, 0, NULL, NULL), LINEERR_INVALPOINTER);
    assert_error(lineGetAppPriority("x", 1, NULL, 0, NULL, &priority), LINEERR_INVALMEDIAMODE);
    for (int i = 0; i < 33; i++) { /* the list has room for 32 */
        char name[32];
        snprintf(name, sizeof name, "name %d", i);
        assert_error(lineSetAppPriority(name, LINEMEDIAMODE_VIDEO, NULL, 0, NULL, 1), i < 32 ? 0 : LINEERR_RESOURCEUNAVAIL);
    }
    assert_int_equal(priority_of("name 0", LINEMEDIAMODE_VIDEO), 32);
    set_priority("name 0", LINEMEDIAMODE_VIDEO, 1); /* who is in the list can always come first */
    assert_int_equal(priority_of("name 0", LINEMEDIAMODE_VIDEO), 1);
    assert_int_equal(priority_of("name 1", LINEMEDIAMODE_VIDEO), 32);
}

RUN_IN_WORLD(cmocka_unit_test(the_list_before_the_earliest), cmocka_unit_test(modes_that_are_not_known),
             cmocka_unit_test(what_is_no_priority))
