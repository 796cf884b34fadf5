/*
 * lineMakeCall's LINECALLPARAMS: which address makes the call, what kind of call it is, and what LINECALLINFO shows of it again.
 */
#include "tests/support/conformance.h"

/* Parameters with texts behind them. */
struct given {
    LINECALLPARAMS p;
    char text[2048];
    DWORD used;
};

static void begin(struct given *g)
{
    memset(g, 0, sizeof *g);
    g->p.dwTotalSize = sizeof *g;
}

static void add(struct given *g, DWORD *size, DWORD *offset, const void *data, DWORD bytes)
{
    *size = bytes;
    *offset = (DWORD)offsetof(struct given, text) + g->used;
    memcpy(g->text + g->used, data, bytes);
    g->used += bytes;
}

static uint64_t made(struct client *c, struct world *w, LONG request)
{
    struct cf_command command = exchange_command(&w->exchange, CF_CMD_MAKE_CALL);
    uint64_t id = cf_provider_call_new(w->exchange.provider, &w->exchange);
    exchange_reply(&w->exchange, &command, 0, id);
    assert_error(client_reply(c, request), 0);
    return id;
}

static void what_is_for_show_is_shown_to_everyone(void **state)
{
    struct world *w = *state;
    struct client c, monitor;
    struct given g;
    HCALL call = 0;
    HLINE line = client_start(&c, OWNER), seen_line = client_start(&monitor, MONITOR);
    begin(&g);
    g.p.dwCallParamFlags = LINECALLPARAMFLAGS_SECURE | LINECALLPARAMFLAGS_BLOCKID;
    add(&g, &g.p.dwDisplayableAddressSize, &g.p.dwDisplayableAddressOffset, "(07) 11", 8);
    add(&g, &g.p.dwCalledPartySize, &g.p.dwCalledPartyOffset, "Ann", 4);
    add(&g, &g.p.dwCommentSize, &g.p.dwCommentOffset, "about the order", 16);
    add(&g, &g.p.dwUserUserInfoSize, &g.p.dwUserUserInfoOffset, "\0\1\2", 3);
    add(&g, &g.p.dwCallDataSize, &g.p.dwCallDataOffset, "case 7", 6);
    LONG request = lineMakeCall(line, &call, "0711", 49, &g.p);
    struct cf_command command = exchange_command(&w->exchange, CF_CMD_MAKE_CALL);
    assert_int_equal(command.country, 49);
    assert_int_equal(command.params.call_param_flags, g.p.dwCallParamFlags);
    assert_true(command.user_user.bytes == 3 && command.call_data.bytes == 6);
    uint64_t id = cf_provider_call_new(w->exchange.provider, &w->exchange);
    exchange_reply(&w->exchange, &command, 0, id);
    assert_error(client_reply(&c, request), 0);
    HCALL seen = client_new_call(&monitor, seen_line, MONITOR, LINECALLSTATE_UNKNOWN);
    const LINECALLINFO *info = call_info(seen);
    assert_true(part_is(info, info->dwDisplayableAddressSize, info->dwDisplayableAddressOffset, "(07) 11", 8));
    assert_true(part_is(info, info->dwCalledPartySize, info->dwCalledPartyOffset, "Ann", 4));
    assert_true(part_is(info, info->dwCommentSize, info->dwCommentOffset, "about the order", 16));
    assert_int_equal(info->dwUserUserInfoSize, 0); /* it went to the other end */
    assert_true(part_is(info, info->dwCallDataSize, info->dwCallDataOffset, "case 7", 6));
    assert_int_equal(info->dwCallParamFlags, g.p.dwCallParamFlags);
    assert_int_equal(info->dwCountryCode, 49);
    exchange_end(&w->exchange, id);
    client_leave(&c);
    client_leave(&monitor);
}

static void the_address_by_its_id_or_its_number(void **state)
{
    struct world *w = *state;
    struct client c;
    struct given g;
    HCALL call = 77;
    HLINE line = client_start(&c, OWNER);
    begin(&g);
    g.p.dwAddressMode = LINEADDRESSMODE_DIALABLEADDR;
    add(&g, &g.p.dwOrigAddressSize, &g.p.dwOrigAddressOffset, "550", 4);
    uint64_t id = made(&c, w, lineMakeCall(line, &call, "1", 0, &g.p));
    assert_int_equal(call_info(call)->dwAddressID, 0);
    exchange_end(&w->exchange, id);
    client_state(&c, call, LINECALLSTATE_DISCONNECTED);
    client_state(&c, call, LINECALLSTATE_IDLE);
    begin(&g);
    g.p.dwAddressMode = LINEADDRESSMODE_DIALABLEADDR;
    LONG request = lineMakeCall(line, &call, "1", 0, &g.p);
    assert_error(client_reply(&c, request), LINEERR_INVALADDRESS);
    add(&g, &g.p.dwOrigAddressSize, &g.p.dwOrigAddressOffset, "551", 4); /* another line's */
    request = lineMakeCall(line, &call, "1", 0, &g.p);
    assert_error(client_reply(&c, request), LINEERR_INVALADDRESS);
    begin(&g);
    g.p.dwAddressMode = LINEADDRESSMODE_ADDRESSID;
    g.p.dwAddressID = 5;
    request = lineMakeCall(line, &call, "1", 0, &g.p);
    assert_error(client_reply(&c, request), LINEERR_INVALADDRESSID);
    client_leave(&c);
}

static void a_kind_of_call_that_the_line_does_not_have(void **state)
{
    struct world *w = *state;
    struct client c;
    struct given g;
    HCALL call = 77;
    (void)w;
    HLINE line = client_start(&c, OWNER);
    begin(&g);
    g.p.dwBearerMode = LINEBEARERMODE_DATA;
    assert_error(client_reply(&c, lineMakeCall(line, &call, "1", 0, &g.p)), LINEERR_BEARERMODEUNAVAIL);
    begin(&g);
    g.p.dwMediaMode = LINEMEDIAMODE_G3FAX;
    assert_error(client_reply(&c, lineMakeCall(line, &call, "1", 0, &g.p)), LINEERR_INVALMEDIAMODE);
    begin(&g);
    g.p.dwMinRate = g.p.dwMaxRate = 1000000;
    assert_error(client_reply(&c, lineMakeCall(line, &call, "1", 0, &g.p)), LINEERR_RATEUNAVAIL);
    client_leave(&c);
}

static void what_is_wrong_at_once(void **state)
{
    struct client c;
    struct given g;
    char many[1100] = {0};
    HCALL call = 77;
    (void)state;
    HLINE line = client_start(&c, OWNER);
    begin(&g);
    g.p.dwTotalSize = sizeof g.p - 1;
    assert_error(lineMakeCall(line, &call, "1", 0, &g.p), LINEERR_STRUCTURETOOSMALL);
    begin(&g);
    g.p.dwAddressMode = 3;
    assert_error(lineMakeCall(line, &call, "1", 0, &g.p), LINEERR_INVALADDRESSMODE);
    begin(&g);
    g.p.dwBearerMode = LINEBEARERMODE_VOICE | LINEBEARERMODE_SPEECH;
    assert_error(lineMakeCall(line, &call, "1", 0, &g.p), LINEERR_INVALBEARERMODE);
    begin(&g);
    g.p.dwMinRate = 2;
    g.p.dwMaxRate = 1;
    assert_error(lineMakeCall(line, &call, "1", 0, &g.p), LINEERR_INVALRATE);
    begin(&g);
    g.p.dwMediaMode = LINEMEDIAMODE_INTERACTIVEVOICE | LINEMEDIAMODE_G3FAX;
    assert_error(lineMakeCall(line, &call, "1", 0, &g.p), LINEERR_INVALMEDIAMODE);
    begin(&g);
    g.p.dwCallParamFlags = 0x100;
    assert_error(lineMakeCall(line, &call, "1", 0, &g.p), LINEERR_INVALCALLPARAMS);
    begin(&g);
    add(&g, &g.p.dwUserUserInfoSize, &g.p.dwUserUserInfoOffset, many, 129);
    assert_error(lineMakeCall(line, &call, "1", 0, &g.p), LINEERR_USERUSERINFOTOOBIG);
    begin(&g);
    add(&g, &g.p.dwCallDataSize, &g.p.dwCallDataOffset, many, 1025);
    assert_error(lineMakeCall(line, &call, "1", 0, &g.p), LINEERR_INVALCALLPARAMS);
    begin(&g);
    memset(many, 'x', 256);
    add(&g, &g.p.dwCommentSize, &g.p.dwCommentOffset, many, 257);
    assert_error(lineMakeCall(line, &call, "1", 0, &g.p), LINEERR_INVALCALLPARAMS);
    begin(&g);
    g.p.dwCommentSize = 2;
    g.p.dwCommentOffset = sizeof g - 1; /* reaches beyond the structure */
    assert_error(lineMakeCall(line, &call, "1", 0, &g.p), LINEERR_INVALCALLPARAMS);
    assert_error(lineMakeCall(line, NULL, "1", 0, NULL), LINEERR_INVALPOINTER);
    assert_error(lineMakeCall(0, NULL, "1", 0, NULL), LINEERR_INVALLINEHANDLE);
    assert_int_equal(call, 77);
    client_leave(&c);
}

/* On a line opened below 2.0 what came later in the structure is not looked at, and not shown. */
static void an_old_version_ends_before_call_data(void **state)
{
    struct world *w = *state;
    struct client c;
    struct given g;
    HCALL call = 0;
    client_join(&c);
    c.api_version = 0x00010004;
    HLINE line = client_open(&c, 0, OWNER);
    begin(&g);
    add(&g, &g.p.dwCallDataSize, &g.p.dwCallDataOffset, "case 7", 6);
    add(&g, &g.p.dwCommentSize, &g.p.dwCommentOffset, "x", 1);
    uint64_t id = made(&c, w, lineMakeCall(line, &call, "1", 0, &g.p));
    LINECALLINFO info = {.dwTotalSize = sizeof info};
    assert_error(lineGetCallInfo(call, &info), 0);
    assert_int_equal(info.dwCommentSize, 2); /* behind the shorter fixed part */
    assert_int_equal(info.dwNeededSize, info.dwUsedSize);
    exchange_end(&w->exchange, id);
    client_leave(&c);
}

RUN_IN_WORLD(cmocka_unit_test(what_is_for_show_is_shown_to_everyone), cmocka_unit_test(the_address_by_its_id_or_its_number),
             cmocka_unit_test(a_kind_of_call_that_the_line_does_not_have), cmocka_unit_test(what_is_wrong_at_once),
             cmocka_unit_test(an_old_version_ends_before_call_data))
