/*
 * H-55, H-56, H-58, M-42: raising to OWNER is always granted and tells the caller nothing; the sole owner of a live call cannot lower
 * itself; only MONITOR and OWNER are privileges to set.
 */
#include "tests/support/conformance.h"

static void raising_and_lowering(void **state)
{
    struct world *w = *state;
    struct client a;
    HLINE line = client_start(&a, MONITOR);
    uint64_t id = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
    HCALL call = client_new_call(&a, line, MONITOR, LINECALLSTATE_OFFERING);
    assert_error(client_reply(&a, lineAnswer(call, NULL, 0)), LINEERR_NOTOWNER);
    assert_error(lineSetCallPrivilege(call, OWNER), 0);
    assert_error(lineSetCallPrivilege(call, OWNER), 0);
    assert_int_equal(call_privilege(call), OWNER);
    assert_int_equal(call_owners(call), 1);
    assert_int_equal(call_monitors(call), 0);
    client_nothing(&a, w, 0);
    assert_error(lineSetCallPrivilege(call, MONITOR), LINEERR_INVALCALLSTATE);
    assert_error(lineSetCallPrivilege(call, NOTHING), LINEERR_INVALCALLPRIVILEGE);
    assert_error(lineSetCallPrivilege(call, MONITOR | OWNER), LINEERR_INVALCALLPRIVILEGE);
    assert_error(lineSetCallPrivilege(call, 0), LINEERR_INVALCALLPRIVILEGE);
    assert_error(lineSetCallPrivilege(call, 0x80), LINEERR_INVALCALLPRIVILEGE);
    assert_int_equal(call_privilege(call), OWNER);
    exchange_state(&w->exchange, id, LINECALLSTATE_IDLE, 0);
    client_state(&a, call, LINECALLSTATE_IDLE);
    assert_error(lineSetCallPrivilege(call, MONITOR), 0); /* IDLE: allowed */
    client_leave(&a);
}

RUN_IN_WORLD(cmocka_unit_test(raising_and_lowering))
