/*
 * lineSetCallData and lineSetCallTreatment: what the provider makes of them is told to everyone with a handle by LINE_CALLINFO, and is in
 * LINECALLINFO from then on, not before. What a line offers is in LINEADDRESSCAPS.
 */
#include "tests/support/conformance.h"

static void ask_for_data(struct watched *t, struct world *w, const void *data, DWORD bytes)
{
    LONG request = lineSetCallData(t->owned, data, bytes);
    struct cf_command command = exchange_command_of(&w->exchange, CF_CMD_SET_CALL_DATA, t->id);
    assert_int_equal(command.call_data.bytes, bytes);
    assert_true(bytes == 0 || memcmp(command.call_data.at, data, bytes) == 0);
    exchange_reply(&w->exchange, &command, 0, t->id);
    assert_error(client_reply(&t->owner, request), 0);
}

static void both_have_data(struct watched *t, struct world *w, const void *data, DWORD bytes)
{
    exchange_info(&w->exchange, t->id, LINECALLINFOSTATE_CALLDATA, CF_FIELD_CALL_DATA, data, bytes);
    client_info(&t->owner, t->owned, LINECALLINFOSTATE_CALLDATA);
    client_info(&t->monitor, t->seen, LINECALLINFOSTATE_CALLDATA);
    const LINECALLINFO *info = call_info(t->seen);
    assert_true(part_is(info, info->dwCallDataSize, info->dwCallDataOffset, data, bytes));
}

static void data_of_any_size_up_to_the_limit(void **state)
{
    struct world *w = *state;
    struct watched t;
    uint8_t data[1025];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7);
    watched_begin(&t, w, 0, LINECALLSTATE_CONNECTED);
    ask_for_data(&t, w, data, 1024);
    const LINECALLINFO *info = call_info(t.owned);
    assert_int_equal(info->dwCallDataSize, 0); /* the provider has not said so yet */
    both_have_data(&t, w, data, 1024);
    both_have_data(&t, w, data, 125); /* two blocks of the core's */
    both_have_data(&t, w, data, 124);
    both_have_data(&t, w, data, 1);
    ask_for_data(&t, w, NULL, 0);
    both_have_data(&t, w, NULL, 0);
    assert_error(lineSetCallData(t.owned, data, 1025), LINEERR_INVALPARAM);
    assert_error(lineSetCallData(t.owned, NULL, 1), LINEERR_INVALPOINTER);
    exchange_end(&w->exchange, t.id);
    watched_leave(&t);
}

static void a_structure_without_room_for_it_says_how_much(void **state)
{
    struct world *w = *state;
    struct watched t;
    LINECALLINFO info = {.dwTotalSize = sizeof info};
    watched_begin(&t, w, 0, LINECALLSTATE_CONNECTED);
    both_have_data(&t, w, "0123456789", 10);
    assert_error(lineGetCallInfo(t.owned, &info), 0);
    assert_int_equal(info.dwCallDataSize, 0);
    assert_int_equal(info.dwCallDataOffset, 0);
    assert_int_equal(info.dwUsedSize, sizeof info);
    assert_int_equal(info.dwNeededSize, call_info(t.owned)->dwNeededSize);
    exchange_end(&w->exchange, t.id);
    watched_leave(&t);
}

static void a_treatment_of_those_offered(void **state)
{
    struct world *w = *state;
    struct watched t;
    watched_begin(&t, w, 0, LINECALLSTATE_ONHOLD);
    assert_error(client_reply(&t.owner, lineSetCallTreatment(t.owned, LINECALLTREATMENT_BUSY)), LINEERR_INVALPARAM);
    assert_error(client_reply(&t.owner, lineSetCallTreatment(t.owned, 0)), LINEERR_INVALPARAM);
    assert_error(client_reply(&t.owner, lineSetCallTreatment(t.owned, 1000)), LINEERR_INVALPARAM);
    LONG request = lineSetCallTreatment(t.owned, LINECALLTREATMENT_MUSIC);
    struct cf_command command = exchange_command_of(&w->exchange, CF_CMD_SET_CALL_TREATMENT, t.id);
    assert_int_equal(command.mode, LINECALLTREATMENT_MUSIC);
    exchange_reply(&w->exchange, &command, 0, t.id);
    assert_error(client_reply(&t.owner, request), 0);
    assert_int_equal(call_info(t.owned)->dwCallTreatment, 0);
    struct cf_record r = {.m.param2 = LINECALLTREATMENT_MUSIC};
    assert_true(cf_provider_post_call_info(w->exchange.provider, t.id, LINECALLINFOSTATE_TREATMENT, 1, &r));
    cf_provider_flush(w->exchange.provider);
    client_info(&t.owner, t.owned, LINECALLINFOSTATE_TREATMENT);
    client_info(&t.monitor, t.seen, LINECALLINFOSTATE_TREATMENT);
    assert_int_equal(call_info(t.seen)->dwCallTreatment, LINECALLTREATMENT_MUSIC);
    exchange_end(&w->exchange, t.id);
    watched_leave(&t);
}

static void what_is_offered(void **state)
{
    struct client c;
    _Alignas(LINEADDRESSCAPS) char room[1024];
    LINEADDRESSCAPS *caps = (LINEADDRESSCAPS *)room;
    LINECALLTREATMENTENTRY entry[2];
    (void)state;
    client_join(&c);
    caps->dwTotalSize = sizeof room;
    assert_error(lineGetAddressCaps(c.app, 0, 0, TAPI_CURRENT_VERSION, 0, caps), 0);
    assert_int_equal(caps->dwNeededSize, caps->dwUsedSize);
    assert_int_equal(caps->dwMaxCallDataSize, 1024);
    assert_int_equal(caps->dwNumCallTreatments, 2);
    assert_int_equal(caps->dwCallTreatmentListSize, sizeof entry);
    memcpy(entry, room + caps->dwCallTreatmentListOffset, sizeof entry);
    assert_int_equal(entry[0].dwCallTreatmentID, LINECALLTREATMENT_SILENCE);
    assert_true(part_is(room, entry[0].dwCallTreatmentNameSize, entry[0].dwCallTreatmentNameOffset, "silence", 8));
    assert_int_equal(entry[1].dwCallTreatmentID, LINECALLTREATMENT_MUSIC);
    assert_true(part_is(room, entry[1].dwCallTreatmentNameSize, entry[1].dwCallTreatmentNameOffset, "music", 6));
    assert_true(entry[1].dwCallTreatmentNameOffset + 6 <= caps->dwUsedSize);
    caps->dwTotalSize = sizeof *caps; /* none of it fits */
    assert_error(lineGetAddressCaps(c.app, 0, 0, TAPI_CURRENT_VERSION, 0, caps), 0);
    assert_int_equal(caps->dwNumCallTreatments, 2);
    assert_int_equal(caps->dwCallTreatmentListSize, 0);
    assert_true(caps->dwNeededSize > caps->dwUsedSize);
    caps->dwTotalSize = sizeof room;
    assert_error(lineGetAddressCaps(c.app, EXCHANGE_PLAIN_LINE, 0, TAPI_CURRENT_VERSION, 0, caps), 0);
    assert_int_equal(caps->dwNumCallTreatments, 0);
    assert_int_equal(caps->dwMaxCallDataSize, 0);
    client_leave(&c);
}

RUN_IN_WORLD(cmocka_unit_test(data_of_any_size_up_to_the_limit), cmocka_unit_test(a_structure_without_room_for_it_says_how_much),
             cmocka_unit_test(a_treatment_of_those_offered), cmocka_unit_test(what_is_offered))
