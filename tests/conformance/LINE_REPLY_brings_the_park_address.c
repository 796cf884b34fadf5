/*
 * linePark: directed to an address, or where the exchange chooses, which LINE_REPLY brings into a VARSTRING; too small a one loses the address.
 */
#include "tests/support/conformance.h"

#include <stdio.h>

#define LONGEST "012345678901234567890123456789012345678901234567890" /* 51 bytes */

static union {
    VARSTRING head;
    char bytes[sizeof(VARSTRING) + 100];
} room;

static struct cf_command asked(struct watched *t, struct world *w, DWORD total, LONG *ret_request)
{
    memset(&room, 0, sizeof room);
    room.head.dwTotalSize = total;
    *ret_request = linePark(t->owned, LINEPARKMODE_NONDIRECTED, NULL, &room.head);
    struct cf_command command = exchange_command_of(&w->exchange, CF_CMD_PARK, t->id);
    assert_int_equal(command.mode, LINEPARKMODE_NONDIRECTED);
    return command;
}

static void at_an_address(void **state)
{
    struct world *w = *state;
    struct watched t;
    watched_begin(&t, w, 0, LINECALLSTATE_CONNECTED);
    LONG request = linePark(t.owned, LINEPARKMODE_DIRECTED, "701", &room.head);
    struct cf_command command = exchange_command_of(&w->exchange, CF_CMD_PARK, t.id);
    assert_int_equal(command.mode, LINEPARKMODE_DIRECTED);
    assert_true(exchange_text_is(command.destination, "701"));
    memset(&room, 0, sizeof room);
    exchange_reply(&w->exchange, &command, 0, t.id);
    assert_error(client_reply(&t.owner, request), 0);
    assert_int_equal(room.head.dwStringSize, 0); /* not looked at */
    watched_state(&t, w, LINECALLSTATE_IDLE, 0);
    watched_leave(&t);
}

static void where_the_exchange_chooses(void **state)
{
    struct world *w = *state;
    struct watched t;
    LONG request;
    watched_begin(&t, w, 0, LINECALLSTATE_CONNECTED);
    struct cf_command command = asked(&t, w, sizeof room, &request);
    exchange_reply_text(&w->exchange, &command, LONGEST);
    assert_int_equal(room.head.dwStringSize, 0); /* written with the reply, not before */
    assert_error(client_reply(&t.owner, request), 0);
    assert_int_equal(room.head.dwStringFormat, STRINGFORMAT_ASCII);
    assert_true(part_is(&room, room.head.dwStringSize, room.head.dwStringOffset, LONGEST, 52));
    assert_int_equal(room.head.dwUsedSize, sizeof(VARSTRING) + 52);
    assert_int_equal(room.head.dwNeededSize, sizeof(VARSTRING) + 52);
    watched_state(&t, w, LINECALLSTATE_IDLE, 0);
    watched_leave(&t);
}

static void exactly_enough_and_one_too_few(void **state)
{
    struct world *w = *state;
    struct watched t;
    LONG request;
    watched_begin(&t, w, 0, LINECALLSTATE_CONNECTED);
    struct cf_command command = asked(&t, w, sizeof(VARSTRING) + 4, &request);
    exchange_reply_text(&w->exchange, &command, "702");
    assert_error(client_reply(&t.owner, request), 0);
    assert_true(part_is(&room, room.head.dwStringSize, room.head.dwStringOffset, "702", 4));
    command = asked(&t, w, sizeof(VARSTRING) + 3, &request);
    exchange_reply_text(&w->exchange, &command, "702");
    assert_error(client_reply(&t.owner, request), LINEERR_STRUCTURETOOSMALL);
    assert_int_equal(room.head.dwStringSize, 0);
    assert_int_equal(room.bytes[sizeof(VARSTRING)], 0); /* nothing was written */
    command = asked(&t, w, sizeof room, &request);
    exchange_reply(&w->exchange, &command, 0, t.id); /* a provider that does not say where */
    assert_error(client_reply(&t.owner, request), 0);
    assert_true(part_is(&room, room.head.dwStringSize, room.head.dwStringOffset, "", 1));
    command = asked(&t, w, sizeof room, &request);
    exchange_reply(&w->exchange, &command, LINEERR_RESOURCEUNAVAIL, t.id);
    assert_error(client_reply(&t.owner, request), LINEERR_RESOURCEUNAVAIL);
    assert_int_equal(room.head.dwStringSize, 0);
    exchange_end(&w->exchange, t.id);
    watched_leave(&t);
}

static void parameters(void **state)
{
    struct world *w = *state;
    struct watched t;
    watched_begin(&t, w, 0, LINECALLSTATE_CONNECTED);
    room.head.dwTotalSize = sizeof(VARSTRING) - 1;
    assert_error(linePark(t.owned, LINEPARKMODE_NONDIRECTED, NULL, &room.head), LINEERR_STRUCTURETOOSMALL);
    assert_error(linePark(t.owned, LINEPARKMODE_NONDIRECTED, NULL, NULL), LINEERR_INVALPOINTER);
    assert_error(linePark(t.owned, LINEPARKMODE_DIRECTED, NULL, NULL), LINEERR_INVALPOINTER);
    assert_error(linePark(t.owned, LINEPARKMODE_DIRECTED, "", NULL), LINEERR_INVALADDRESS);
    assert_error(linePark(t.owned, 3, "7", NULL), LINEERR_INVALPARKMODE);
    assert_error(linePark(t.owned, 0, "7", NULL), LINEERR_INVALPARKMODE);
    exchange_end(&w->exchange, t.id);
    watched_leave(&t);
}

/*
 * As many parked calls as an application may have requests outstanding, each with the longest address: it reads nothing until all are answered, falls
 * behind meanwhile, and finds each reply with its address.
 */
static void a_slow_reader_finds_every_address(void **state)
{
    enum { CALLS = 40, STATES = 3000 };
    struct world *w = *state;
    struct watched t;
    static VARSTRING *strings[CALLS];
    static char rooms[CALLS][sizeof(VARSTRING) + 60];
    static LONG requests[CALLS];
    static struct cf_command commands[CALLS];
    const struct cf_init_options options = {.size = sizeof options, .ring_bytes = 16384};
    DWORD version = TAPI_CURRENT_VERSION, devices;
    struct client slow = {.api_version = TAPI_CURRENT_VERSION, .instance = 5};
    LINEINITIALIZEEXPARAMS params = {.dwTotalSize = sizeof params, .dwOptions = LINEINITIALIZEEXOPTION_USEEVENT};
    watched_begin(&t, w, 0, LINECALLSTATE_CONNECTED);
    assert_error(cf_line_initialize(&slow.app, NULL, "slow", &devices, &version, &params, &options), 0);
    HLINE line = client_open(&slow, 0, MONITOR);
    struct {
        LINECALLLIST head;
        HCALL call[1];
    } list = {.head.dwTotalSize = sizeof list};
    assert_error(lineGetNewCalls(line, 0, LINECALLSELECT_LINE, &list.head), 0);
    assert_int_equal(list.head.dwCallsNumEntries, 1);
    HCALL call = list.call[0];
    assert_error(lineSetCallPrivilege(call, OWNER), 0);
    for (int i = 0; i < CALLS; i++) {
        strings[i] = (VARSTRING *)rooms[i];
        strings[i]->dwTotalSize = sizeof rooms[i];
        requests[i] = linePark(call, LINEPARKMODE_NONDIRECTED, NULL, strings[i]);
        assert_true(requests[i] > 0);
        commands[i] = exchange_command_of(&w->exchange, CF_CMD_PARK, t.id);
    }
    for (int i = 0; i < STATES; i++)
        exchange_info(&w->exchange, t.id, LINECALLINFOSTATE_OTHER, CF_FIELD_USER_USER, "u", 1);
    for (int i = 0; i < CALLS; i++) {
        char address[52];
        snprintf(address, sizeof address, "%051d", i);
        exchange_reply_text(&w->exchange, &commands[i], address);
    }
    bool behind = false;
    for (int i = 0; i < CALLS;) {
        LINEMESSAGE m;
        char address[52];
        assert_error(lineGetMessage(slow.app, &m, 30000), 0);
        behind |= m.dwMessageID == CF_LINE_GAP;
        if (m.dwMessageID != LINE_REPLY)
            continue;
        snprintf(address, sizeof address, "%051d", i);
        assert_int_equal(m.dwParam1, requests[i]); /* in their order */
        assert_int_equal(m.dwParam2, 0);
        assert_true(part_is(strings[i], strings[i]->dwStringSize, strings[i]->dwStringOffset, address, 52));
        i++;
    }
    while (!behind) { /* it was: the gap follows the replies that were kept */
        LINEMESSAGE m;
        assert_error(lineGetMessage(slow.app, &m, 30000), 0);
        behind = m.dwMessageID == CF_LINE_GAP;
    }
    client_leave(&slow);
    exchange_end(&w->exchange, t.id);
    watched_leave(&t);
}

RUN_IN_WORLD(cmocka_unit_test(at_an_address), cmocka_unit_test(where_the_exchange_chooses), cmocka_unit_test(exactly_enough_and_one_too_few),
             cmocka_unit_test(parameters), cmocka_unit_test(a_slow_reader_finds_every_address))
