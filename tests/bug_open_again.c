/*
 * An application may open a line slot again with the generation that it had. Requests of the former open line counted as those of the new
 * one then, and after some thousand of them the core died of an assertion.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "callfan/tapi.h"
#include "core/state.h"
#include "tests/model/rig.h"

static void quiet(uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        cf_engine_turn(rig.core.engine, rig.now_ns += 1000, &rig.result);
        while (rig_next(RIG_PROVIDER) != NULL || rig_next(RIG_APP) != NULL)
            ;
    }
}

static void requests_of_the_former_open_are_not_of_the_next(void **state) {
    (void)state;
    rig_begin(1024, NULL);
    rig_join(RIG_APP);
    rig_open(RIG_APP, 0, 0);
    rig_send(RIG_APP, CF_REQ_MAKE_CALL, rig_hline(0), 1, 0, 0);
    rig_turns(2);
    const struct cf_message *m = rig_find(RIG_PROVIDER, CF_CMD_MAKE_CALL);
    assert_non_null(m);
    uint64_t number = m->param1;
    rig_send(RIG_APP, CF_REQ_CLOSE, rig_hline(0), 0, 0, 0);
    rig_turns(10);
    rig_open(RIG_APP, 0, 0); /* the generation of before */
    rig_turns(2);            /* which check the state */
    rig_send(RIG_PROVIDER, CF_EV_REPLY, 0, number, (uint32_t)LINEERR_OPERATIONFAILED, 0);
    rig_turns(3);
    const struct cf_port *p = &rig.core.engine->ports[RIG_APP];
    assert_int_equal(p->requests_live, 0);
    assert_int_equal(p->requests_void, 0);
    assert_int_equal(rig.core.engine->view[RIG_APP].open_lines[0].requests, 0);
    char why[200];
    assert_true(cf_engine_check(rig.core.engine, why, sizeof why));
    rig_end();
}

/* As many as may be outstanding, again and again, and a provider that answers none. */
static void their_places_are_given_up(void **state) {
    (void)state;
    uint32_t id = 1;
    char why[200];
    rig_begin(4096, NULL);
    rig_join(RIG_APP);
    rig_open(RIG_APP, 0, 0);
    for (uint32_t round = 0; round < 4; round++) {
        for (uint32_t i = 0; i < CF_REQUESTS_PER_PORT_MAX; i++) {
            rig_send(RIG_APP, CF_REQ_MAKE_CALL, rig_hline(0), id++, 0, 0);
            quiet(1);
        }
        rig_send(RIG_APP, CF_REQ_CLOSE, rig_hline(0), 0, 0, 0);
        quiet(200);
        rig_send(RIG_APP, CF_REQ_OPEN, rig_hline(0), 0,
                 (uint64_t)LINEMEDIAMODE_INTERACTIVEVOICE << 32 | LINECALLPRIVILEGE_MONITOR | LINECALLPRIVILEGE_OWNER, 0x00020002);
        quiet(3);
        assert_true(cf_engine_check(rig.core.engine, why, sizeof why));
    }
    rig_end();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_of_the_former_open_are_not_of_the_next),
        cmocka_unit_test(their_places_are_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
