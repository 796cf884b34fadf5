/*
 * Who was handed a conference's call while behind, and got its handle from lineGetConfRelatedCalls before the resync, lost that handle when the
 * call ended, as if it had never had it; else it was told of a new call that it knew.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "callfan/tapi.h"
#include "tests/model/rig.h"

enum { PARENT = 1, MEMBER, FILLER };

static uint64_t parent, member, filler, owned, seen_member;

static uint64_t announced(uint32_t port) {
    const struct cf_message *m = rig_find(port, LINE_APPNEWCALL);
    assert_non_null(m);
    return m->param2;
}

/* The second application knows the member alone, and is behind when it is handed the conference's call. */
static void begin(void) {
    rig_begin(128, NULL);
    rig_join(RIG_APP);
    rig_join(RIG_OTHER);
    rig_open(RIG_APP, 0, 0);
    rig_open(RIG_OTHER, 0, 0);
    parent = rig_offer(0, PARENT);
    owned = announced(RIG_APP);
    rig_send(RIG_OTHER, CF_REQ_RELEASE, announced(RIG_OTHER), 0, 0, 0);
    member = rig_offer(0, MEMBER);
    seen_member = announced(RIG_OTHER);
    filler = rig_offer(0, FILLER);
    rig_send(RIG_PROVIDER, CF_EV_CALL_STATE, member, LINECALLSTATE_CONFERENCED, parent, 0);
    rig_turns(1);
    rig_fall_behind(RIG_OTHER, filler);
    rig_read(RIG_APP);
    struct cf_record *r = rig_record(CF_REQ_HANDOFF, owned, 0, 0, 0);
    cf_fields_append_text(r, CF_FIELD_TARGET, "peer4");
    r->m.flags = 0;
    rig_put(RIG_APP, r);
    rig_turns(1);
    assert_int_equal(cf_port_reply(core_down(&rig.core, RIG_APP), 0)->result, 0);
}

static uint64_t listed(void) {
    struct {
        struct cf_reply_new_calls head;
        uint64_t handles[2];
    } list;
    assert_int_equal(rig_ask(RIG_OTHER, CF_REQ_CONF_CALLS, seen_member, 0, 0, 10), 0);
    memcpy(&list, cf_port_reply(core_down(&rig.core, RIG_OTHER), 0)->data, sizeof list);
    assert_int_equal(list.head.entries, 2);
    return list.handles[0];
}

static void it_is_told_that_it_owns_what_it_knows(void **state) {
    (void)state;
    begin();
    uint64_t handle = listed();
    rig_read(RIG_OTHER);
    for (uint32_t i = 0; i < rig.seen_count; i++)
        assert_false(rig.seen[i].id == LINE_APPNEWCALL && rig.seen[i].param2 == handle);
    const struct cf_message *m = rig_last(LINE_CALLSTATE, handle);
    assert_non_null(m);
    assert_int_equal(m->param1, LINECALLSTATE_OFFERING);
    assert_int_equal(m->param3, LINECALLPRIVILEGE_OWNER);
    rig_end();
}

static void it_keeps_the_handle_when_the_call_ends(void **state) {
    (void)state;
    begin();
    uint64_t handle = listed();
    rig_state(parent, LINECALLSTATE_IDLE, 0);
    assert_int_equal(rig_ask(RIG_OTHER, CF_REQ_CALL_STATUS, handle, 0, 0, 0), 0);
    rig_read(RIG_OTHER);
    assert_int_equal(rig_last(LINE_CALLSTATE, handle)->param1, LINECALLSTATE_IDLE);
    rig_end();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_told_that_it_owns_what_it_knows),
        cmocka_unit_test(it_keeps_the_handle_when_the_call_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
