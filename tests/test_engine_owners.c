/* Handoffs to who does not read, who has no room, who leaves; what addresses become meanwhile; requests that no library sends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/internal.h"
#include "tests/model/rig.h"

/* The giver owns the call; the taker is called peer4 and has the line open as OWNER alone, the filler's line with MONITOR too. */
enum { GIVER = RIG_APP, TAKER = RIG_OTHER };

static uint64_t call, filler, given;

static void open_owner(uint32_t port, uint32_t slot, uint32_t device) {
    assert_int_equal(rig_ask(port, CF_REQ_OPEN, rig_hline(slot), device,
                             LINECALLPRIVILEGE_OWNER | (uint64_t)LINEMEDIAMODE_INTERACTIVEVOICE << 32, 0x00020002), 0);
}

static void begin(void (*limits)(struct cf_limits *l)) {
    rig_begin(256, limits);
    rig_join(GIVER);
    rig_join(TAKER);
    rig_open(TAKER, 1, 1);
    filler = rig_offer(1, 0);
    rig_find(TAKER, LINE_APPNEWCALL);
    open_owner(GIVER, 0, 0);
    open_owner(TAKER, 0, 0);
    call = rig_offer(0, 1);
    given = rig_find(GIVER, LINE_APPNEWCALL)->param2;
}

static int setup(void **unused) {
    (void)unused;
    begin(NULL);
    return 0;
}

static int teardown(void **unused) {
    (void)unused;
    rig_end();
    return 0;
}

/* Its result is in the slot that rig_ask() uses: here the request has a field. */
static int32_t hand_to(uint32_t port, uint64_t handle, const char *name) {
    static uint8_t slot = 60;
    struct cf_record *r = rig_record(CF_REQ_HANDOFF, handle, 0, 0, 0);
    slot = slot == 63 ? 60 : slot + 1;
    r->m.flags = slot;
    cf_fields_append(r, CF_FIELD_TARGET, name, (uint32_t)strlen(name));
    rig_put(port, r);
    uint64_t number = rig.sequence[port];
    rig_turns(1);
    const struct cf_reply_slot *s = cf_port_reply(core_down(&rig.core, port), slot);
    assert_int_equal(s->done, number);
    return s->result;
}

static uint32_t owners_of(uint64_t handle) {
    const struct cf_engine *e = rig.core.engine;
    const struct cf_call_handle *h = cf_slot_at(&e->view[GIVER], cf_handle_slot(handle));
    return cf_call_at(e, h->call)->owners;
}

static uint32_t at(uint16_t id, uint64_t device) { return (uint32_t)(rig_last(id, device) - rig.seen); }

static void a_new_owner_who_is_behind_is_told_with_the_resync(void **unused) {
    (void)unused;
    rig_fall_behind(TAKER, filler);
    assert_int_equal(hand_to(GIVER, given, "peer4"), 0);
    assert_int_equal(owners_of(given), 2);
    rig_state(call, LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE);
    rig_send(GIVER, CF_REQ_RELEASE, given, 0, 0, 0); /* the call is its now, whether it knows or not */
    rig_turns(2);
    rig_read(TAKER);
    const struct cf_message *m = rig_last(LINE_APPNEWCALL, rig_hline(0));
    assert_non_null(m);
    assert_int_equal(m->param3, LINECALLPRIVILEGE_OWNER);
    uint64_t taken = m->param2;
    assert_int_equal(rig_count(LINE_CALLSTATE, taken), 1);
    m = rig_last(LINE_CALLSTATE, taken);
    assert_int_equal(m->param1, LINECALLSTATE_CONNECTED);
    assert_int_equal(m->param3, LINECALLPRIVILEGE_OWNER);
    assert_int_equal(rig_count(LINE_CALLINFO, taken), 0);
    assert_int_equal(at(LINE_CALLSTATE, taken), at(LINE_APPNEWCALL, rig_hline(0)) + 1);
    assert_true(at(LINE_APPNEWCALL, rig_hline(0)) > at(CF_LINE_RESYNC_BEGIN, 0) && at(LINE_CALLSTATE, taken) < at(CF_LINE_RESYNC_END, 0));
    assert_int_equal(rig_status(TAKER).behind, 0);
    rig_send(TAKER, CF_REQ_DROP, taken, 5, 0, 0);
    rig_turns(1);
    assert_non_null(rig_find(RIG_PROVIDER, CF_CMD_DROP));
}

static void few_a_turn(struct cf_limits *l) { l->resync_slice = 16; }

/* While his resync goes on: he does not know the handle before it is announced, so nothing else comes to it (M-26). */
static void a_new_owner_hears_nothing_of_the_call_before_it_is_announced(void **unused) {
    (void)unused;
    uint64_t others[40];
    begin(few_a_turn);
    for (int i = 0; i < 40; i++)
        others[i] = rig_offer(1, (uint32_t)(2 + i));
    rig_read(TAKER);
    rig_fall_behind(TAKER, filler);
    for (int i = 0; i < 40; i++)
        rig_state(others[i], LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE);
    assert_int_equal(hand_to(GIVER, given, "peer4"), 0);
    bool announced = false, within = false;
    for (int i = 0; i < 400 && rig_status(TAKER).behind != 0; i++) {
        const struct cf_message *m;
        within |= rig_status(TAKER).behind == CF_RESYNC && !announced;
        rig_send(RIG_PROVIDER, CF_EV_DEV_SPECIFIC, call, 1, 2, 3);
        rig_turns(1);
        while ((m = rig_next(TAKER)) != NULL) {
            announced |= m->id == LINE_APPNEWCALL && m->device == rig_hline(0);
            assert_true(m->id != LINE_DEVSPECIFIC || announced);
        }
    }
    assert_true(announced);
    assert_true(within);
}

static void what_ends_before_the_new_owner_knew_is_counted_as_unseen(void **unused) {
    (void)unused;
    rig_fall_behind(TAKER, filler);
    assert_int_equal(hand_to(GIVER, given, "peer4"), 0);
    rig_state(call, LINECALLSTATE_IDLE, 0);
    rig_send(GIVER, CF_REQ_RELEASE, given, 0, 0, 0);
    rig_turns(2);
    assert_non_null(rig_find(RIG_PROVIDER, CF_CMD_CLOSE_CALL)); /* nobody has it: the provider does not wait for the slow */
    rig_read(TAKER);
    assert_int_equal(rig_count(LINE_APPNEWCALL, rig_hline(0)), 0);
    assert_int_equal(rig_last(CF_LINE_RESYNC_END, 0)->param3, 1);
    assert_int_equal(rig_status(TAKER).behind, 0);
}

static void an_owner_who_dies_before_he_knew_leaves_the_call(void **unused) {
    (void)unused;
    rig_fall_behind(TAKER, filler);
    assert_int_equal(hand_to(GIVER, given, "peer4"), 0);
    rig_send(GIVER, CF_REQ_RELEASE, given, 0, 0, 0);
    rig_turns(1);
    rig_send(TAKER, CF_REQ_CLOSE, rig_hline(0), 0, 0, 0);
    rig_turns(3);
    assert_non_null(rig_find(RIG_PROVIDER, CF_CMD_CLOSE_CALL));
    rig_read(TAKER);
    assert_int_equal(rig_count(LINE_APPNEWCALL, rig_hline(0)), 0);
}

static void a_known_handle_is_raised_while_behind(void **unused) {
    (void)unused;
    rig_open(TAKER, 2, 0); /* with MONITOR, later: it has no handle for the call, lineGetNewCalls gives one */
    assert_int_equal(rig_ask(TAKER, CF_REQ_NEW_CALLS, rig_hline(2), LINECALLSELECT_LINE, 0, 8), 0);
    assert_int_equal(rig_ask(TAKER, CF_REQ_NEW_CALLS, rig_hline(0), LINECALLSELECT_LINE, 0, 8), 0);
    rig_fall_behind(TAKER, filler);
    assert_int_equal(hand_to(GIVER, given, "peer4"), 0);
    rig_read(TAKER);
    assert_int_equal(rig_count(LINE_APPNEWCALL, rig_hline(0)), 0);
    uint32_t granted = 0;
    for (uint32_t i = 0; i < rig.seen_count; i++)
        granted += rig.seen[i].id == LINE_CALLSTATE && rig.seen[i].param3 == LINECALLPRIVILEGE_OWNER && rig.seen[i].open_line == 0;
    assert_int_equal(granted, 1);
}

static void few_handles(struct cf_limits *l) { l->handles = 32; }

static void who_has_no_handle_free_is_no_target(void **unused) {
    (void)unused;
    begin(few_handles);
    for (uint32_t i = 0; i < 31; i++)
        rig_offer(1, 10 + i);
    assert_int_equal(hand_to(GIVER, given, "peer4"), LINEERR_TARGETNOTFOUND);
    assert_int_equal(owners_of(given), 1);
}

/* ------------------------------------------------------------------ addresses */

static void address_states_are_or_ed_while_behind(void **unused) {
    (void)unused;
    assert_int_equal(rig_ask(TAKER, CF_REQ_STATUS_MESSAGES, rig_hline(0), 0, 0x1FF, 0), 0);
    rig_fall_behind(TAKER, filler);
    rig_state(call, LINECALLSTATE_ONHOLD, 0);
    rig_send(RIG_PROVIDER, CF_EV_ADDRESS_STATE, 0, 0, LINEADDRESSSTATE_FORWARD, 0);
    rig_state(call, LINECALLSTATE_IDLE, 0);
    rig_turns(1);
    rig_read(TAKER);
    assert_int_equal(rig_count(LINE_ADDRESSSTATE, rig_hline(0)), 1);
    const struct cf_message *m = rig_last(LINE_ADDRESSSTATE, rig_hline(0));
    assert_int_equal(m->param1, 0);
    assert_int_equal(m->param2, LINEADDRESSSTATE_NUMCALLS | LINEADDRESSSTATE_FORWARD | LINEADDRESSSTATE_INUSEZERO);
    assert_int_equal(m->param3, 0);
}

static void what_is_not_wanted_any_more_is_not_told(void **unused) {
    (void)unused;
    assert_int_equal(rig_ask(TAKER, CF_REQ_STATUS_MESSAGES, rig_hline(0), 0, 0x1FF, 0), 0);
    rig_fall_behind(TAKER, filler);
    rig_state(call, LINECALLSTATE_ONHOLD, 0);
    assert_int_equal(rig_ask(TAKER, CF_REQ_STATUS_MESSAGES, rig_hline(0), 0, LINEADDRESSSTATE_FORWARD, 0), 0);
    rig_read(TAKER);
    assert_int_equal(rig_count(LINE_ADDRESSSTATE, rig_hline(0)), 0);
}

/* ------------------------------------------------------------------ what only a hostile peer says */

static void requests_are_judged(void **unused) {
    (void)unused;
    static const char with_nul[] = {'p', 'e', 'e', 'r', '4', '\0', 'x'};
    assert_int_equal(rig_ask(GIVER, CF_REQ_HANDOFF, given, UINT64_C(0x100000004), 0, 0), LINEERR_INVALMEDIAMODE);
    assert_int_equal(rig_ask(GIVER, CF_REQ_HANDOFF, given, 0, 0, 0), LINEERR_INVALMEDIAMODE);
    assert_int_equal(rig_ask(GIVER, CF_REQ_HANDOFF, given + (UINT64_C(2) << 32), 4, 0, 0), LINEERR_INVALCALLHANDLE);
    assert_int_equal(rig_ask(GIVER, CF_REQ_HANDOFF, rig_hline(0), 4, 0, 0), LINEERR_INVALCALLHANDLE);
    assert_int_equal(rig_ask(GIVER, CF_REQ_SET_MEDIA_MODE, given, UINT64_C(0x100000004), 0, 0), LINEERR_INVALMEDIAMODE);
    assert_int_equal(rig_ask(GIVER, CF_REQ_ADDRESS_STATUS, rig_hline(0), UINT64_C(0x100000000), 0, 0), LINEERR_INVALADDRESSID);
    assert_int_equal(rig_ask(GIVER, CF_REQ_ADDRESS_STATUS, rig_hline(5), 0, 0, 0), LINEERR_INVALLINEHANDLE);
    assert_int_equal(rig_ask(GIVER, CF_REQ_SET_APP_PRIORITY, 0, 4, 1, 0), LINEERR_INVALAPPNAME); /* no name */
    assert_int_equal(rig_ask(GIVER, CF_REQ_LINE_STATUS, rig_hline(0), UINT64_MAX, 0, 0), 0);
    struct cf_record *r = rig_record(CF_REQ_HANDOFF, given, 0, 0, 0);
    r->m.flags = 59;
    cf_fields_append(r, CF_FIELD_TARGET, with_nul, sizeof with_nul);
    rig_put(GIVER, r);
    rig_turns(1);
    assert_int_equal(cf_port_reply(core_down(&rig.core, GIVER), 59)->result, LINEERR_TARGETNOTFOUND);
    /* A provider speaks of an address that the line does not have. */
    uint64_t bad = rig_status(RIG_PROVIDER).bad_records;
    rig_send(RIG_PROVIDER, CF_EV_ADDRESS_STATE, 0, UINT64_C(1) << 32, 1, 0);
    rig_send(RIG_PROVIDER, CF_EV_ADDRESS_STATE, 0, 99, 1, 0);
    rig_turns(1);
    assert_int_equal(rig_status(RIG_PROVIDER).bad_records, bad + 2);
}

enum { CLOSES_A_TURN = 4 };

static void few_closes_a_turn(struct cf_limits *l) { l->sweep_slice = CLOSES_A_TURN; }

/* He had many lines open, which are closed in slices, that of the call last; his handles are void at once: the other owner is alone (H-56). */
static void an_owner_who_died_is_none_before_his_lines_are_closed(void **unused) {
    (void)unused;
    begin(few_closes_a_turn);
    for (uint32_t slot = 2; slot < 4 * CLOSES_A_TURN; slot++)
        open_owner(TAKER, slot, 1);
    rig_send(TAKER, CF_REQ_CLOSE, rig_hline(0), 0, 0, 0);
    rig_turns(4);
    open_owner(TAKER, 4 * CLOSES_A_TURN, 0);
    assert_int_equal(hand_to(GIVER, given, "peer4"), 0);
    assert_int_equal(owners_of(given), 2);
    rig_send(0, CF_DOOR_GONE, 0, TAKER, 0, 1);
    rig_turns(1);
    assert_int_equal(rig.core.engine->ports[TAKER].state, CF_PORT_GOING);
    assert_true(rig.core.engine->ports[TAKER].opens_live > CLOSES_A_TURN);
    assert_int_equal(owners_of(given), 2);
    assert_int_equal(rig_ask(GIVER, CF_REQ_SET_PRIVILEGE, given, LINECALLPRIVILEGE_MONITOR, 0, 0), LINEERR_INVALCALLSTATE);
    assert_int_equal(owners_of(given), 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(a_new_owner_who_is_behind_is_told_with_the_resync),
        cmocka_unit_test_teardown(a_new_owner_hears_nothing_of_the_call_before_it_is_announced, teardown),
        CASE(what_ends_before_the_new_owner_knew_is_counted_as_unseen),
        CASE(an_owner_who_dies_before_he_knew_leaves_the_call),
        CASE(a_known_handle_is_raised_while_behind),
        cmocka_unit_test_teardown(who_has_no_handle_free_is_no_target, teardown),
        CASE(address_states_are_or_ed_while_behind),
        CASE(what_is_not_wanted_any_more_is_not_told),
        CASE(requests_are_judged),
        cmocka_unit_test_teardown(an_owner_who_died_is_none_before_his_lines_are_closed, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
