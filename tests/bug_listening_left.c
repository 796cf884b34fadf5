/*
 * A call of a snapshot lives on when the last one who monitored it has given its handle back. Its provider was not told that nobody listens
 * for digits any more, and kept a list of tones for good.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "callfan/tapi.h"
#include "shm/request.h"
#include "tests/model/rig.h"

/* A call that nobody has owned, and the handle of one who monitors it. */
static uint64_t monitored(void) {
    struct cf_line_caps caps = {.addresses = 1, .call_features = LINECALLFEATURE_MONITORDIGITS | LINECALLFEATURE_MONITORTONES};
    rig_begin(1024, NULL);
    rig_send(RIG_PROVIDER, CF_EV_SNAPSHOT_BEGIN, 0, 0, 0, 0);
    struct cf_record *r = rig_record(CF_EV_LINE, 0, 0, 0, 0);
    cf_fields_append(r, CF_FIELD_LINE_CAPS, &caps, sizeof caps);
    rig_put(RIG_PROVIDER, r);
    uint64_t call = rig_offer(0, 0);
    rig_state(call, LINECALLSTATE_CONNECTED, 0);
    rig_send(RIG_PROVIDER, CF_EV_SNAPSHOT_END, 0, 0, 0, 0);
    rig_turns(2);
    rig_join(RIG_APP);
    rig_open(RIG_APP, 0, 0);
    assert_int_equal(rig_ask(RIG_APP, CF_REQ_NEW_CALLS, rig_hline(0), LINECALLSELECT_LINE, 0, 9), 0);
    struct cf_reply_new_calls list;
    const uint8_t *answer = cf_port_reply(core_down(&rig.core, RIG_APP), 0)->data;
    uint64_t handle;
    memcpy(&list, answer, sizeof list);
    assert_int_equal(list.entries, 1);
    memcpy(&handle, answer + sizeof list, sizeof handle);
    return handle;
}

static void who_leaves_last_listens_for_no_digits(void **state) {
    (void)state;
    uint64_t handle = monitored();
    assert_int_equal(rig_ask(RIG_APP, CF_REQ_MONITOR_DIGITS, handle, LINEDIGITMODE_DTMF, 0, 0), 0);
    rig_turns(2);
    const struct cf_message *m = rig_find(RIG_PROVIDER, CF_CMD_MONITOR_DIGITS);
    assert_non_null(m);
    assert_int_equal(m->param2, LINEDIGITMODE_DTMF);
    rig_send(RIG_APP, CF_REQ_RELEASE, handle, 0, 0, 0);
    rig_turns(3);
    assert_int_equal(rig_totals().calls_live, 1);
    m = rig_find(RIG_PROVIDER, CF_CMD_MONITOR_DIGITS);
    assert_non_null(m);
    assert_int_equal(m->param2, 0);
    rig_end();
}

static void who_leaves_last_takes_the_list_of_tones_along(void **state) {
    (void)state;
    uint64_t handle = monitored();
    struct cf_heard_tone tone = {.app_specific = 7, .duration_ms = 100, .frequency_hz = {1100, 0, 0}};
    struct cf_record *r = rig_record(CF_REQ_MONITOR_TONES, handle, 0, 0, 0);
    r->m.flags = 0;
    cf_fields_append(r, CF_FIELD_TONES, &tone, sizeof tone);
    rig_put(RIG_APP, r);
    rig_turns(2);
    const struct cf_message *m = rig_find(RIG_PROVIDER, CF_CMD_MONITOR_TONES);
    assert_non_null(m);
    uint64_t list = m->param2;
    rig_send(RIG_APP, CF_REQ_RELEASE, handle, 0, 0, 0);
    rig_turns(3);
    m = rig_find(RIG_PROVIDER, CF_CMD_MONITOR_TONES);
    assert_non_null(m);
    assert_int_equal(m->param2, 0);
    assert_int_equal(m->param3, list);
    rig_end();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_leaves_last_listens_for_no_digits),
        cmocka_unit_test(who_leaves_last_takes_the_list_of_tones_along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
