/* A port whose sweep had crashed three cores waited with its next lineOpen for that sweep for ever, and the engine never slept again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "callfan/tapi.h"
#include "core/state.h"
#include "tests/model/rig.h"

static bool serves(const struct core *c, void *port) { return core_hand_service(c) == *(uint32_t *)port + 1; }

static void a_port_set_aside_ends(void **state) {
    (void)state;
    struct cf_engine_result r;
    uint32_t port = RIG_APP;
    rig_begin(1024, NULL);
    rig_join(RIG_APP);
    rig_open(RIG_APP, 0, 0);
    rig_offer(0, 0);
    rig_send(RIG_APP, CF_REQ_CLOSE, rig_hline(0), 0, 0, 0);
    for (uint32_t quiet = 0; quiet < 8; quiet++)
        if (core_crash_when(&rig.core, serves, &port, rig.now_ns += 1000, &r)) {
            assert_true(core_recover(&rig.core, UINT64_MAX));
            quiet = 0;
        }
    assert_int_not_equal(rig.core.engine->ports[RIG_APP].aside, CF_ASIDE_NOT);
    rig_send(RIG_APP, CF_REQ_OPEN, cf_handle_of_usage(0, 0, CF_KIND_LINE, 3), 0,
             (uint64_t)LINEMEDIAMODE_INTERACTIVEVOICE << 32 | LINECALLPRIVILEGE_OWNER, 0x00020002);
    rig_turns(10);
    assert_non_null(rig_find(0, CF_DOOR_EXPEL));
    rig_send(0, CF_DOOR_GONE, 0, RIG_APP, 0, 1);
    rig_turns(50);
    assert_non_null(rig_find(0, CF_DOOR_FREE));
    assert_true(cf_engine_sleep(rig.core.engine));
    cf_engine_awake(rig.core.engine);
    rig_end();
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_port_set_aside_ends)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
