/* M-1, M-2, G-23: LINE_CALLSTATE names the receiver's own handle and the callback instance of the open line it belongs to. */
#include "tests/support/conformance.h"

static void each_receiver_gets_its_own(void **state)
{
    struct world *w = *state;
    struct client a, b;
    HLINE lines[3] = {client_start(&a, MONITOR)};
    a.instance = 0xAAAA;
    lines[1] = client_open(&a, 0, MONITOR);
    lines[2] = client_start(&b, MONITOR);
    uint64_t id = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
    DWORD_PTR instance[2];
    HCALL calls[2];
    for (int i = 0; i < 2; i++) {
        LINEMESSAGE new_call = client_expect(&a, LINE_APPNEWCALL), first = client_expect(&a, LINE_CALLSTATE);
        assert_true(new_call.hDevice == lines[i]);
        assert_true(first.hDevice == (HCALL)new_call.dwParam2);
        assert_true(first.dwCallbackInstance == new_call.dwCallbackInstance);
        instance[i] = first.dwCallbackInstance;
        calls[i] = first.hDevice;
    }
    assert_true(instance[0] != 0xAAAA && instance[1] == 0xAAAA && calls[0] != calls[1]);
    client_new_call(&b, lines[2], MONITOR, LINECALLSTATE_OFFERING);
    exchange_state(&w->exchange, id, LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE);
    for (int i = 0; i < 2; i++) {
        LINEMESSAGE m = client_expect(&a, LINE_CALLSTATE);
        assert_true(m.hDevice == calls[i] && m.dwCallbackInstance == instance[i]);
    }
    exchange_end(&w->exchange, id);
    client_leave(&a);
    client_leave(&b);
}

RUN_IN_WORLD(cmocka_unit_test(each_receiver_gets_its_own))
