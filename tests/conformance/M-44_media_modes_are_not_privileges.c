/* M-44: a provider reports media modes where applications are told privileges: they never reach dwParam3. */
#include "tests/support/conformance.h"

static void they_do_not_reach_the_message(void **state)
{
    struct world *w = *state;
    struct client a;
    HLINE line = client_start(&a, MONITOR);
    const struct cf_new_call new_call = {.call = cf_provider_call_new(w->exchange.provider, w),
                                         .state = LINECALLSTATE_OFFERING,
                                         .media_modes = LINEMEDIAMODE_INTERACTIVEVOICE,
                                         .caller = cf_text_of("1")};
    assert_true(cf_provider_post_new_call(w->exchange.provider, &new_call));
    cf_provider_flush(w->exchange.provider);
    HCALL call = client_new_call(&a, line, MONITOR, LINECALLSTATE_OFFERING);
    const struct cf_call_state connected = {.state = LINECALLSTATE_CONNECTED,
                                            .media_modes = LINEMEDIAMODE_INTERACTIVEVOICE};
    assert_int_equal(cf_provider_post_call_state(w->exchange.provider, new_call.call, &connected), CF_POSTED);
    cf_provider_flush(w->exchange.provider);
    assert_int_equal(client_state(&a, call, LINECALLSTATE_CONNECTED).dwParam3, 0);
    exchange_end(&w->exchange, new_call.call);
    client_leave(&a);
}

RUN_IN_WORLD(cmocka_unit_test(they_do_not_reach_the_message))
