/*
 * A call without handles whose CLOSE_CALL waits for room stayed in its conference: lineGetConfRelatedCalls gave a handle for it, and the core
 * died of an assertion when the command was sent.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "callfan/tapi.h"
#include "tests/model/rig.h"

enum { PARENT = 1, MEMBER, OTHER_MEMBER, FILLERS };

static uint64_t handles[8];

/* Calls that begin and are given back, until the provider, which reads nothing, has no room for more commands. */
static void fill(void) {
    uint64_t before = UINT64_MAX;
    for (uint32_t i = FILLERS; rig_status(RIG_PROVIDER).sequence != before; i++) {
        before = rig_status(RIG_PROVIDER).sequence;
        rig_offer(0, i);
        rig_turns(1);
        const struct cf_message *m = rig_find(RIG_APP, LINE_APPNEWCALL);
        if (m == NULL)
            return;
        rig_send(RIG_APP, CF_REQ_RELEASE, m->param2, 0, 0, 0);
        rig_turns(1);
    }
}

static uint64_t offered(uint32_t index) {
    uint64_t call = rig_offer(0, index);
    rig_turns(1);
    const struct cf_message *m = rig_find(RIG_APP, LINE_APPNEWCALL);
    assert_non_null(m);
    handles[index] = m->param2;
    return call;
}

static uint32_t listed(uint64_t handle) {
    struct cf_reply_new_calls list;
    assert_int_equal(rig_ask(RIG_APP, CF_REQ_CONF_CALLS, handle, 0, 0, 100), 0);
    memcpy(&list, cf_port_reply(core_down(&rig.core, RIG_APP), 0)->data, sizeof list);
    return list.entries;
}

static void begin(void) {
    rig_begin(4096, NULL);
    rig_join(RIG_APP);
    rig_open(RIG_APP, 0, 0);
    uint64_t parent = offered(PARENT), member = offered(MEMBER), other = offered(OTHER_MEMBER);
    rig_send(RIG_PROVIDER, CF_EV_CALL_STATE, member, LINECALLSTATE_CONFERENCED, parent, 0);
    rig_send(RIG_PROVIDER, CF_EV_CALL_STATE, other, LINECALLSTATE_CONFERENCED, parent, 0);
    rig_turns(1);
    assert_int_equal(listed(handles[MEMBER]), 3);
    fill();
}

static void end(void) {
    while (rig_next(RIG_PROVIDER) != NULL)
        rig_turns(1);
    rig_turns(4);
    rig_end();
}

static void a_conference_whose_call_is_being_closed_is_none(void **state) {
    (void)state;
    begin();
    rig_send(RIG_APP, CF_REQ_RELEASE, handles[PARENT], 0, 0, 0);
    rig_turns(1);
    assert_int_equal(rig_ask(RIG_APP, CF_REQ_CONF_CALLS, handles[MEMBER], 0, 0, 100), LINEERR_NOCONFERENCE);
    end();
}

static void a_member_that_is_being_closed_is_not_listed(void **state) {
    (void)state;
    begin();
    rig_send(RIG_APP, CF_REQ_RELEASE, handles[MEMBER], 0, 0, 0);
    rig_turns(1);
    assert_int_equal(listed(handles[PARENT]), 2);
    assert_int_equal(listed(handles[OTHER_MEMBER]), 2);
    end();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_conference_whose_call_is_being_closed_is_none),
        cmocka_unit_test(a_member_that_is_being_closed_is_not_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
