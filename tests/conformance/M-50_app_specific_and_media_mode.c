/*
 * M-50, H-34: what an owner writes on a call is told to those with a handle: dwAppSpecific to the other applications, dwMediaMode to everyone.
 * Only what is different is told, in IDLE nothing, though both may be set there. Several media modes are allowed with UNKNOWN alone.
 */
#include "tests/support/conformance.h"

static LINECALLINFO info_of(HCALL call)
{
    LINECALLINFO info = {.dwTotalSize = sizeof info};
    assert_error(lineGetCallInfo(call, &info), 0);
    return info;
}

static void application_specific(void **state)
{
    struct world *w = *state;
    struct client owner, monitor;
    HLINE owner_line = client_start(&owner, OWNER), monitor_line = client_start(&monitor, MONITOR);
    uint64_t id = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
    HCALL owned = client_new_call(&owner, owner_line, OWNER, LINECALLSTATE_OFFERING);
    HCALL seen = client_new_call(&monitor, monitor_line, MONITOR, LINECALLSTATE_OFFERING);
    assert_int_equal(info_of(owned).dwAppSpecific, 0);
    assert_error(lineSetAppSpecific(seen, 5), LINEERR_NOTOWNER);
    assert_error(lineSetAppSpecific(owned, 0xFFFFFFFF), 0);
    client_info(&monitor, seen, LINECALLINFOSTATE_APPSPECIFIC);
    assert_int_equal(info_of(seen).dwAppSpecific, 0xFFFFFFFF);
    assert_error(lineSetAppSpecific(owned, 0xFFFFFFFF), 0);
    client_nothing(&monitor, w, 0);
    client_nothing(&owner, w, 0);
    exchange_end(&w->exchange, id);
    client_state(&owner, owned, LINECALLSTATE_DISCONNECTED);
    client_state(&owner, owned, LINECALLSTATE_IDLE);
    client_state(&monitor, seen, LINECALLSTATE_DISCONNECTED);
    client_state(&monitor, seen, LINECALLSTATE_IDLE);
    assert_error(lineSetAppSpecific(owned, 7), 0);
    assert_int_equal(info_of(seen).dwAppSpecific, 7);
    client_nothing(&monitor, w, 0);
    assert_error(lineDeallocateCall(owned), 0);
    assert_error(lineSetAppSpecific(owned, 8), LINEERR_INVALCALLHANDLE);
    client_leave(&owner);
    client_leave(&monitor);
    world_rest(w);
}

static void media_mode(void **state)
{
    struct world *w = *state;
    struct client owner, monitor;
    HLINE owner_line = client_start(&owner, OWNER), monitor_line = client_start(&monitor, MONITOR);
    uint64_t id = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
    HCALL owned = client_new_call(&owner, owner_line, OWNER, LINECALLSTATE_OFFERING);
    HCALL seen = client_new_call(&monitor, monitor_line, MONITOR, LINECALLSTATE_OFFERING);
    assert_int_equal(info_of(owned).dwMediaMode, LINEMEDIAMODE_INTERACTIVEVOICE);
    assert_error(lineSetMediaMode(seen, LINEMEDIAMODE_G3FAX), LINEERR_NOTOWNER);
    assert_error(lineSetMediaMode(owned, 0), LINEERR_INVALMEDIAMODE);
    assert_error(lineSetMediaMode(owned, 0x00010000), LINEERR_INVALMEDIAMODE);
    assert_error(lineSetMediaMode(owned, 1), LINEERR_INVALMEDIAMODE);
    assert_error(lineSetMediaMode(owned, LINEMEDIAMODE_G3FAX | LINEMEDIAMODE_TELEX), LINEERR_INVALMEDIAMODE);
    assert_error(lineSetMediaMode(owned, LINEMEDIAMODE_INTERACTIVEVOICE), 0); /* as it is */
    client_nothing(&monitor, w, 0);
    DWORD modes = LINEMEDIAMODE_UNKNOWN | LINEMEDIAMODE_G3FAX | LINEMEDIAMODE_TELEX;
    assert_error(lineSetMediaMode(owned, modes), 0);
    client_info(&monitor, seen, LINECALLINFOSTATE_MEDIAMODE);
    client_info(&owner, owned, LINECALLINFOSTATE_MEDIAMODE);
    assert_int_equal(info_of(seen).dwMediaMode, modes);
    struct cf_command c = exchange_command_of(&w->exchange, CF_CMD_SET_MEDIA_MODE, id);
    assert_int_equal(c.media_modes, modes);
    exchange_end(&w->exchange, id);
    client_state(&owner, owned, LINECALLSTATE_DISCONNECTED);
    client_state(&owner, owned, LINECALLSTATE_IDLE);
    assert_error(lineSetMediaMode(owned, LINEMEDIAMODE_TELEX), 0);
    assert_int_equal(info_of(owned).dwMediaMode, LINEMEDIAMODE_TELEX);
    client_nothing(&owner, w, 0);
    assert_false(exchange_has(&w->exchange, CF_CMD_SET_MEDIA_MODE, id));
    client_leave(&owner);
    client_leave(&monitor);
    world_rest(w);
}

RUN_IN_WORLD(cmocka_unit_test(application_specific), cmocka_unit_test(media_mode))
