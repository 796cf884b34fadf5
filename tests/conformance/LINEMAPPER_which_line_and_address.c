/*
 * lineOpen: LINEOPENOPTION_SINGLEADDRESS limits which new calls an open is made owner of, and nothing else; LINEMAPPER opens a line that can do
 * what is asked for, which lineGetID names; LINEDEVSTATUS tells who has the line open and how.
 */
#include <stdio.h>

#include "tests/support/conformance.h"

enum { LINE = 2 };

static LINECALLPARAMS address_params(DWORD mode, DWORD address)
{
    return (LINECALLPARAMS){.dwTotalSize = sizeof(LINECALLPARAMS), .dwAddressMode = mode, .dwAddressID = address};
}

static LONG open_single(struct client *c, DWORD privileges, const LINECALLPARAMS *params, HLINE *ret_line)
{
    return lineOpen(c->app, LINE, ret_line, c->api_version, 0, c->instance, privileges | LINEOPENOPTION_SINGLEADDRESS,
                    LINEMEDIAMODE_INTERACTIVEVOICE, params);
}

static HLINE single(struct client *c, DWORD privileges, DWORD address)
{
    HLINE line = 0;
    LINECALLPARAMS params = address_params(LINEADDRESSMODE_ADDRESSID, address);
    assert_error(open_single(c, privileges, &params, &line), 0);
    assert_error(lineSetStatusMessages(line, LINEDEVSTATE_OTHER, 0), 0);
    return line;
}

static void one_address(void **state)
{
    struct world *w = *state;
    struct client marks, second, both, all;
    HLINE line = 0;
    client_join(&marks);
    exchange_addresses(&w->exchange, LINE, 2);
    client_open(&marks, LINE, NOTHING);
    client_nothing(&marks, w, LINE);
    client_join(&second);
    HLINE second_line = single(&second, OWNER, 1);
    client_join(&both);
    HLINE both_line = single(&both, OWNER | MONITOR, 0);
    client_join(&all);
    HLINE all_line = client_open(&all, LINE, OWNER);
    uint64_t id = exchange_call_media(&w->exchange, LINE, 1, LINECALLSTATE_OFFERING, 0);
    HCALL call = client_new_call(&second, second_line, OWNER, LINECALLSTATE_OFFERING);
    client_new_call(&both, both_line, MONITOR, LINECALLSTATE_OFFERING); /* a monitor hears of every address */
    /* A handoff is not limited by it. */
    assert_error(lineHandoff(call, NULL, LINEMEDIAMODE_INTERACTIVEVOICE), LINEERR_TARGETSELF);
    exchange_end(&w->exchange, id);
    assert_error(lineClose(second_line), 0);
    LINECALLPARAMS beyond = address_params(LINEADDRESSMODE_ADDRESSID, 2), dialled = address_params(LINEADDRESSMODE_DIALABLEADDR, 0);
    assert_error(open_single(&second, OWNER, &beyond, &line), LINEERR_INVALADDRESSID); /* and the close was taken before it */
    assert_error(open_single(&second, OWNER, &dialled, &line), LINEERR_INVALADDRESSMODE);
    assert_error(open_single(&second, OWNER, NULL, &line), LINEERR_INVALPOINTER);
    id = exchange_call_media(&w->exchange, LINE, 1, LINECALLSTATE_OFFERING, 0);
    client_new_call(&all, all_line, OWNER, LINECALLSTATE_OFFERING); /* opened later, but for all addresses */
    exchange_end(&w->exchange, id);
    client_leave(&marks);
    client_leave(&second);
    client_leave(&both);
    client_leave(&all);
    world_rest(w);
}

/* ------------------------------------------------------------------ LINEMAPPER, lineGetID */

struct id {
    VARSTRING head;
    DWORD device;
};

static DWORD device_of(HLINE line, HCALL call, DWORD select)
{
    struct id id = {.head.dwTotalSize = sizeof id};
    assert_error(lineGetID(line, 0, call, select, &id.head, "tapi/line"), 0);
    assert_int_equal(id.head.dwStringFormat, STRINGFORMAT_BINARY);
    assert_int_equal(id.head.dwStringSize, sizeof(DWORD));
    assert_int_equal(id.head.dwStringOffset, sizeof(VARSTRING));
    assert_int_equal(id.head.dwUsedSize, sizeof id);
    return id.device;
}

static LONG open_any(struct client *c, DWORD privileges, const LINECALLPARAMS *params, HLINE *ret_line)
{
    return lineOpen(c->app, LINEMAPPER, ret_line, c->api_version, 0, c->instance, privileges, LINEMEDIAMODE_INTERACTIVEVOICE, params);
}

static void some_line_that_will_do(void **state)
{
    struct world *w = *state;
    struct client a;
    struct {
        LINECALLPARAMS head;
        char address[8];
    } p = {.head = address_params(LINEADDRESSMODE_DIALABLEADDR, 0)};
    HLINE line = 0;
    client_join(&a);
    exchange_addresses(&w->exchange, LINE, 2);
    HLINE marks = client_open(&a, LINE, NOTHING);
    client_nothing(&a, w, LINE);
    assert_error(open_any(&a, MONITOR, NULL, &line), 0);
    assert_int_equal(device_of(line, 0, LINECALLSELECT_LINE), 0);
    /* The address of line 1, as it is dialled. */
    p.head.dwTotalSize = sizeof p;
    p.head.dwOrigAddressOffset = sizeof p.head;
    p.head.dwOrigAddressSize = (DWORD)snprintf(p.address, sizeof p.address, "551") + 1;
    assert_error(open_any(&a, NOTHING, &p.head, &line), 0);
    assert_int_equal(device_of(line, 0, LINECALLSELECT_LINE), 1);
    strcpy(p.address, "559");
    assert_error(open_any(&a, NOTHING, &p.head, &line), LINEERR_LINEMAPPERFAILED);
    p.head.dwOrigAddressOffset = sizeof p + 1; /* outside of the structure */
    assert_error(open_any(&a, NOTHING, &p.head, &line), LINEERR_LINEMAPPERFAILED);
    /* The second address: line 2 alone has one. */
    p.head = address_params(LINEADDRESSMODE_ADDRESSID, 1);
    assert_error(open_any(&a, OWNER, &p.head, &line), 0);
    assert_int_equal(device_of(line, 0, LINECALLSELECT_ADDRESS), LINE);
    p.head.dwAddressID = 0;
    p.head.dwBearerMode = LINEBEARERMODE_SPEECH;
    assert_error(open_any(&a, OWNER, &p.head, &line), 0);
    p.head.dwBearerMode = LINEBEARERMODE_DATA;
    assert_error(open_any(&a, OWNER, &p.head, &line), LINEERR_LINEMAPPERFAILED);
    p.head.dwBearerMode = LINEBEARERMODE_VOICE;
    p.head.dwMinRate = p.head.dwMaxRate = 128000;
    assert_error(open_any(&a, OWNER, &p.head, &line), LINEERR_LINEMAPPERFAILED);
    p.head.dwMinRate = p.head.dwMaxRate = 0;
    p.head.dwMediaMode = LINEMEDIAMODE_G3FAX;
    assert_error(open_any(&a, MONITOR, &p.head, &line), LINEERR_LINEMAPPERFAILED);
    assert_error(lineClose(marks), 0);
    client_leave(&a);
    world_rest(w);
}

static void devices_of_a_line(void **state)
{
    struct world *w = *state;
    struct client a;
    struct id id = {.head.dwTotalSize = sizeof id};
    HLINE line = client_start(&a, OWNER);
    uint64_t call_id = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
    HCALL call = client_new_call(&a, line, OWNER, LINECALLSTATE_OFFERING);
    assert_int_equal(device_of(0, call, LINECALLSELECT_CALL), 0);
    assert_error(lineGetID(line, 0, 0, LINECALLSELECT_LINE, &id.head, "TAPI/Line"), 0);
    assert_error(lineGetID(line, 0, 0, LINECALLSELECT_LINE, &id.head, "wave/in"), LINEERR_NODEVICE);
    assert_error(lineGetID(line, 0, 0, LINECALLSELECT_LINE, &id.head, "tapi/phone"), LINEERR_NODEVICE);
    assert_error(lineGetID(line, 0, 0, LINECALLSELECT_LINE, &id.head, "no/class"), LINEERR_INVALDEVICECLASS);
    assert_error(lineGetID(line, 0, 0, LINECALLSELECT_LINE, &id.head, NULL), LINEERR_INVALPOINTER);
    assert_error(lineGetID(line, 0, 0, LINECALLSELECT_LINE, NULL, "tapi/line"), LINEERR_INVALPOINTER);
    assert_error(lineGetID(line, 1, 0, LINECALLSELECT_ADDRESS, &id.head, "tapi/line"), LINEERR_INVALADDRESSID);
    assert_error(lineGetID(line, 0, call, 0, &id.head, "tapi/line"), LINEERR_INVALCALLSELECT);
    assert_error(lineGetID(line, 0, call, LINECALLSELECT_LINE | LINECALLSELECT_CALL, &id.head, "tapi/line"), LINEERR_INVALCALLSELECT);
    assert_error(lineGetID(call, 0, 0, LINECALLSELECT_LINE, &id.head, "tapi/line"), LINEERR_INVALLINEHANDLE);
    assert_error(lineGetID(line, 0, line, LINECALLSELECT_CALL, &id.head, "tapi/line"), LINEERR_INVALCALLHANDLE);
    id.head.dwTotalSize = sizeof id.head - 1;
    assert_error(lineGetID(line, 0, 0, LINECALLSELECT_LINE, &id.head, "tapi/line"), LINEERR_STRUCTURETOOSMALL);
    id.head.dwTotalSize = sizeof id.head;
    assert_error(lineGetID(line, 0, 0, LINECALLSELECT_LINE, &id.head, "tapi/line"), 0);
    assert_int_equal(id.head.dwNeededSize, sizeof id);
    assert_int_equal(id.head.dwStringSize, 0);
    exchange_end(&w->exchange, call_id);
    client_leave(&a);
    world_rest(w);
}

/* ------------------------------------------------------------------ LINEDEVSTATUS.AppInfo */

enum { OPENS = 60 }; /* more than one answer of the service has room for */

static void who_has_it_open(void **state)
{
    static union {
        LINEDEVSTATUS head;
        char bytes[65536];
    } u;
    struct world *w = *state;
    struct client watcher, taker;
    exchange_addresses(&w->exchange, LINE, 2);
    client_join_as(&watcher, "watcher");
    HLINE line = client_open(&watcher, LINE, MONITOR);
    client_nothing(&watcher, w, LINE);
    client_join_as(&taker, "taker");
    single(&taker, OWNER, 1);
    for (int i = 2; i < OPENS; i++)
        client_open(&taker, LINE, OWNER);
    u.head.dwTotalSize = sizeof u;
    assert_error(lineGetLineDevStatus(line, &u.head), 0);
    assert_int_equal(u.head.dwNumOpens, OPENS);
    assert_int_equal(u.head.dwAppInfoSize, OPENS * sizeof(LINEAPPINFO));
    assert_int_equal(u.head.dwNeededSize, u.head.dwUsedSize);
    const LINEAPPINFO *info = (const LINEAPPINFO *)(const void *)(u.bytes + u.head.dwAppInfoOffset);
    assert_string_equal(u.bytes + info[0].dwFriendlyNameOffset, "watcher");
    assert_int_equal(info[0].dwMediaModes, 0);
    assert_int_equal(info[0].dwAddressID, 0xFFFFFFFF);
    assert_string_equal(u.bytes + info[1].dwModuleFilenameOffset, "taker");
    assert_int_equal(info[1].dwMediaModes, LINEMEDIAMODE_INTERACTIVEVOICE);
    assert_int_equal(info[1].dwAddressID, 1);
    assert_int_equal(info[OPENS - 1].dwAddressID, 0xFFFFFFFF);
    assert_string_equal(u.bytes + info[OPENS - 1].dwFriendlyNameOffset, "taker");
    u.head.dwTotalSize = sizeof u.head; /* no room for them: absent, and said so */
    assert_error(lineGetLineDevStatus(line, &u.head), 0);
    assert_int_equal(u.head.dwAppInfoSize, 0);
    assert_true(u.head.dwNeededSize > u.head.dwUsedSize);
    client_leave(&watcher);
    client_leave(&taker);
    world_rest(w);
}

RUN_IN_WORLD(cmocka_unit_test(one_address), cmocka_unit_test(some_line_that_will_do), cmocka_unit_test(devices_of_a_line),
             cmocka_unit_test(who_has_it_open))
