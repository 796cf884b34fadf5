/*
 * H-59: whom lineHandoff means. By media mode: whoever comes first for that one mode, and oneself is an error; by name one may hand a call to
 * oneself. It changes neither the call nor who gives it. It is for owners, and not for a call that is IDLE.
 */
#include "tests/support/conformance.h"

static HLINE open_for(struct client *c, DWORD media)
{
    HLINE line = 0;
    assert_error(lineOpen(c->app, 0, &line, c->api_version, 0, c->instance, OWNER, media, NULL), 0);
    assert_error(lineSetStatusMessages(line, LINEDEVSTATE_OTHER, 0), 0);
    return line;
}

static void by_media_mode(void **state)
{
    struct world *w = *state;
    struct client voice, fax, later;
    client_join(&voice);
    HLINE voice_line = open_for(&voice, LINEMEDIAMODE_INTERACTIVEVOICE);
    client_join_as(&fax, "fax");
    HLINE fax_line = open_for(&fax, LINEMEDIAMODE_G3FAX | LINEMEDIAMODE_DATAMODEM);
    client_join_as(&later, "later");
    open_for(&later, LINEMEDIAMODE_G3FAX);
    uint64_t id = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
    HCALL call = client_new_call(&voice, voice_line, OWNER, LINECALLSTATE_OFFERING);
    assert_error(lineHandoff(call, NULL, LINEMEDIAMODE_INTERACTIVEVOICE), LINEERR_TARGETSELF);
    assert_error(lineHandoff(call, NULL, LINEMEDIAMODE_TELEX), LINEERR_TARGETNOTFOUND);
    assert_error(lineHandoff(call, NULL, LINEMEDIAMODE_UNKNOWN), LINEERR_TARGETNOTFOUND); /* no mode is tried for another */
    assert_error(lineHandoff(call, NULL, 0), LINEERR_INVALMEDIAMODE);
    assert_error(lineHandoff(call, NULL, 0x00010000), LINEERR_INVALMEDIAMODE);
    assert_error(lineHandoff(call, NULL, LINEMEDIAMODE_G3FAX | LINEMEDIAMODE_UNKNOWN), LINEERR_INVALMEDIAMODE);
    assert_error(lineHandoff(call, NULL, LINEMEDIAMODE_G3FAX), 0);
    client_new_call(&fax, fax_line, OWNER, LINECALLSTATE_OFFERING); /* opened before the other */
    client_nothing(&later, w, 0);
    assert_int_equal(call_state(call), LINECALLSTATE_OFFERING);
    assert_int_equal(call_privilege(call), OWNER);
    assert_false(exchange_has(&w->exchange, CF_CMD_SET_MEDIA_MODE, id));
    exchange_end(&w->exchange, id);
    client_leave(&voice);
    client_leave(&fax);
    client_leave(&later);
    world_rest(w);
}

static void by_name(void **state)
{
    struct world *w = *state;
    struct client owner;
    char longest[CF_NAME_MAX + 1];
    memset(longest, 'x', CF_NAME_MAX);
    longest[CF_NAME_MAX] = '\0';
    HLINE line = client_start(&owner, OWNER);
    uint64_t id = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
    HCALL call = client_new_call(&owner, line, OWNER, LINECALLSTATE_OFFERING);
    assert_error(lineHandoff(call, "nobody", 0), LINEERR_TARGETNOTFOUND);
    assert_error(lineHandoff(call, "", 0), LINEERR_TARGETNOTFOUND);
    assert_error(lineHandoff(call, longest, 0), LINEERR_TARGETNOTFOUND);
    client_nothing(&owner, w, 0);
    assert_error(lineHandoff(call, "conformance", 0xFFFFFFFF), 0); /* oneself; the media mode does not count */
    assert_int_equal(client_state(&owner, call, LINECALLSTATE_OFFERING).dwParam3, OWNER);
    assert_int_equal(call_owners(call), 1);
    exchange_end(&w->exchange, id);
    client_state(&owner, call, LINECALLSTATE_DISCONNECTED);
    client_state(&owner, call, LINECALLSTATE_IDLE);
    assert_error(lineHandoff(call, "conformance", 0), LINEERR_INVALCALLSTATE);
    assert_error(lineDeallocateCall(call), 0);
    assert_error(lineHandoff(call, "conformance", 0), LINEERR_INVALCALLHANDLE);
    client_leave(&owner);
    world_rest(w);
}

RUN_IN_WORLD(cmocka_unit_test(by_media_mode), cmocka_unit_test(by_name))
