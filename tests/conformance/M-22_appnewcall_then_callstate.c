/* M-22, H-11: a spontaneous handle comes by LINE_APPNEWCALL and, as the very next message, its LINE_CALLSTATE. */
#include "tests/support/conformance.h"

static void the_two_messages_stand_together(void **state)
{
    struct world *w = *state;
    struct client a;
    HLINE line = client_start(&a, MONITOR);
    uint64_t calls[20];
    for (int i = 0; i < 20; i++)
        calls[i] = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "100", "200");
    HCALL handles[20];
    for (int i = 0; i < 20; i++)
        handles[i] = client_new_call(&a, line, MONITOR, LINECALLSTATE_OFFERING);
    for (int i = 0; i < 20; i++)
        exchange_end(&w->exchange, calls[i]);
    for (int i = 0; i < 20; i++) {
        client_state(&a, handles[i], LINECALLSTATE_DISCONNECTED);
        client_state(&a, handles[i], LINECALLSTATE_IDLE);
    }
    client_leave(&a);
}

RUN_IN_WORLD(cmocka_unit_test(the_two_messages_stand_together))
