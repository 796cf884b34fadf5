/*
 * lineForward: the whole list goes to the provider; NULL or no entries cancel it. A consultation call where the provider needs one: else success
 * writes 0 for its handle (H-8).
 */
#include "shm/forward.h"
#include "tests/support/conformance.h"

struct given {
    DWORD total, entries;
    LINEFORWARD entry[5];
    char text[512];
    DWORD used;
};
_Static_assert(offsetof(struct given, entry) == offsetof(LINEFORWARDLIST, ForwardList), "as TAPI has it");

static LINEFORWARDLIST *list_of(struct given *g) { return (LINEFORWARDLIST *)(void *)g; }

static void begin(struct given *g)
{
    memset(g, 0, sizeof *g);
    g->total = sizeof *g;
}

static void text(struct given *g, DWORD *size, DWORD *offset, const char *string)
{
    *size = string == NULL ? 0 : (DWORD)strlen(string) + 1;
    *offset = string == NULL ? 0 : (DWORD)offsetof(struct given, text) + g->used;
    memcpy(g->text + g->used, string == NULL ? "" : string, *size);
    g->used += *size;
}

static void add(struct given *g, DWORD mode, const char *caller, const char *to)
{
    LINEFORWARD *f = &g->entry[g->entries++];
    f->dwForwardMode = mode;
    f->dwDestCountryCode = 49;
    text(g, &f->dwCallerAddressSize, &f->dwCallerAddressOffset, caller);
    text(g, &f->dwDestAddressSize, &f->dwDestAddressOffset, to);
}

static bool is_entry(const struct cf_forward_entry *e, uint32_t mode, const char *caller, const char *to)
{
    return e->head.mode == mode && e->head.country == 49 && e->head.caller_bytes == strlen(caller) &&
           e->head.address_bytes == strlen(to) && memcmp(e->caller, caller, strlen(caller)) == 0 &&
           memcmp(e->address, to, strlen(to)) == 0;
}

static struct cf_command forwarded(struct world *w, struct client *c, HLINE line, struct given *g, DWORD rings)
{
    HCALL call = 77;
    LONG request = lineForward(line, 0, 0, g == NULL ? NULL : list_of(g), rings, &call, NULL);
    struct cf_command command = exchange_command(&w->exchange, CF_CMD_FORWARD);
    client_nothing(c, w, 0);
    assert_int_equal(call, 77);
    exchange_reply(&w->exchange, &command, 0, 0);
    assert_error(client_reply(c, request), 0);
    assert_int_equal(call, 0); /* H-8 */
    return command;
}

static void the_whole_list_goes(void **state)
{
    struct world *w = *state;
    struct client c;
    struct given g;
    struct cf_forward_entry e;
    HLINE line = client_start(&c, NOTHING);
    begin(&g);
    add(&g, LINEFORWARDMODE_BUSY, NULL, "71");
    add(&g, LINEFORWARDMODE_UNCONDSPECIFIC, "0711", "72");
    add(&g, LINEFORWARDMODE_NOANSW, NULL, NULL); /* kept off */
    struct cf_command command = forwarded(w, &c, line, &g, 5);
    assert_true(command.line == 0 && command.address == 0);
    assert_int_equal(command.rings, 5);
    const uint8_t *at = (const uint8_t *)command.forward_list.at, *end = at + command.forward_list.bytes;
    assert_true(cf_forward_next(&at, end, &e) && is_entry(&e, LINEFORWARDMODE_BUSY, "", "71"));
    assert_true(cf_forward_next(&at, end, &e) && is_entry(&e, LINEFORWARDMODE_UNCONDSPECIFIC, "0711", "72"));
    assert_true(cf_forward_next(&at, end, &e) && is_entry(&e, LINEFORWARDMODE_NOANSW, "", ""));
    assert_true(!cf_forward_next(&at, end, &e) && at == end);
    command = forwarded(w, &c, line, NULL, 0);
    assert_int_equal(command.forward_list.bytes, 0);
    assert_int_equal(command.rings, 2); /* brought into the range */
    begin(&g);
    command = forwarded(w, &c, line, &g, 1000);
    assert_int_equal(command.forward_list.bytes, 0);
    assert_int_equal(command.rings, 9);
    client_leave(&c);
}

static void all_addresses(void **state)
{
    struct world *w = *state;
    struct client c;
    HCALL call = 77;
    HLINE line = client_start(&c, OWNER);
    LONG request = lineForward(line, 1, 1234, NULL, 3, &call, NULL); /* the address does not count then */
    struct cf_command command = exchange_command(&w->exchange, CF_CMD_FORWARD);
    assert_int_equal(command.address, CF_ALL_ADDRESSES);
    exchange_reply(&w->exchange, &command, LINEERR_OPERATIONFAILED, 0);
    assert_error(client_reply(&c, request), LINEERR_OPERATIONFAILED);
    assert_int_equal(call, 77); /* H-5 */
    client_leave(&c);
}

static void a_consultation_call_where_one_is_needed(void **state)
{
    struct world *w = *state;
    struct client c, monitor;
    HCALL call = 77;
    HLINE line = client_start(&c, OWNER), seen_line = client_start(&monitor, MONITOR);
    LONG request = lineForward(line, 0, 0, NULL, 3, &call, NULL);
    struct cf_command command = exchange_command(&w->exchange, CF_CMD_FORWARD);
    uint64_t id = cf_provider_call_new(w->exchange.provider, &w->exchange);
    exchange_reply(&w->exchange, &command, 0, id);
    assert_error(client_reply(&c, request), 0);
    HCALL seen = client_new_call(&monitor, seen_line, MONITOR, LINECALLSTATE_UNKNOWN);
    exchange_state(&w->exchange, id, LINECALLSTATE_DIALTONE, 0);
    assert_int_equal(client_state(&c, call, LINECALLSTATE_DIALTONE).dwParam3, OWNER);
    client_state(&monitor, seen, LINECALLSTATE_DIALTONE);
    exchange_end(&w->exchange, id);
    client_leave(&c);
    client_leave(&monitor);
}

/* One that has not said that it may need one is not believed: its call is closed, and nobody's. */
static void a_call_that_was_not_to_be(void **state)
{
    struct world *w = *state;
    struct client c;
    HCALL call = 77;
    client_join(&c);
    HLINE line = client_open(&c, 1, OWNER | MONITOR);
    LONG request = lineForward(line, 0, 0, NULL, 3, &call, NULL);
    struct cf_command command = exchange_command(&w->exchange, CF_CMD_FORWARD);
    uint64_t id = cf_provider_call_new(w->exchange.provider, &w->exchange);
    exchange_reply(&w->exchange, &command, 0, id);
    assert_error(client_reply(&c, request), 0);
    assert_int_equal(call, 0);
    exchange_command_of(&w->exchange, CF_CMD_CLOSE_CALL, id);
    client_nothing(&c, w, 1);
    client_leave(&c);
}

static void what_is_wrong(void **state)
{
    struct world *w = *state;
    struct client c;
    struct given g;
    char longer[66];
    HCALL call = 77;
    HLINE line = client_start(&c, OWNER);
    memset(longer, '7', 64);
    longer[64] = '\0';
    begin(&g);
    assert_error(lineForward(0, 0, 0, NULL, 3, &call, NULL), LINEERR_INVALLINEHANDLE);
    assert_error(lineForward(line, 0, 0, NULL, 3, NULL, NULL), LINEERR_INVALPOINTER);
    add(&g, LINEFORWARDMODE_BUSY | LINEFORWARDMODE_NOANSW, NULL, "1");
    assert_error(lineForward(line, 0, 0, list_of(&g), 3, &call, NULL), LINEERR_INVALPARAM);
    begin(&g);
    add(&g, LINEFORWARDMODE_UNKNOWN, NULL, "1");
    assert_error(lineForward(line, 0, 0, list_of(&g), 3, &call, NULL), LINEERR_INVALPARAM);
    begin(&g);
    add(&g, LINEFORWARDMODE_BUSY, NULL, longer);
    assert_error(lineForward(line, 0, 0, list_of(&g), 3, &call, NULL), LINEERR_INVALADDRESS);
    begin(&g);
    add(&g, LINEFORWARDMODE_BUSY, NULL, "1");
    g.entry[0].dwDestAddressOffset = sizeof g - 1; /* reaches beyond the list */
    assert_error(lineForward(line, 0, 0, list_of(&g), 3, &call, NULL), LINEERR_INVALPARAM);
    g.entries = 1000;
    assert_error(lineForward(line, 0, 0, list_of(&g), 3, &call, NULL), LINEERR_INVALPARAM);
    g.entries = 2;
    g.total = offsetof(struct given, entry) + sizeof(LINEFORWARD);
    assert_error(lineForward(line, 0, 0, list_of(&g), 3, &call, NULL), LINEERR_STRUCTURETOOSMALL);
    g.total = 4;
    assert_error(lineForward(line, 0, 0, list_of(&g), 3, &call, NULL), LINEERR_STRUCTURETOOSMALL);

    begin(&g);
    add(&g, LINEFORWARDMODE_BUSYNA, NULL, "1"); /* a mode that the line does not have */
    assert_error(client_reply(&c, lineForward(line, 0, 0, list_of(&g), 3, &call, NULL)), LINEERR_INVALPARAM);
    begin(&g);
    for (int i = 0; i < 4; i++)
        add(&g, LINEFORWARDMODE_BUSY, NULL, "1"); /* one too many */
    assert_error(client_reply(&c, lineForward(line, 0, 0, list_of(&g), 3, &call, NULL)), LINEERR_INVALPARAM);
    begin(&g);
    add(&g, LINEFORWARDMODE_UNCONDSPECIFIC, "1", "2");
    add(&g, LINEFORWARDMODE_UNCONDSPECIFIC, "3", "4"); /* of these there may be one */
    assert_error(client_reply(&c, lineForward(line, 0, 0, list_of(&g), 3, &call, NULL)), LINEERR_INVALPARAM);
    assert_error(client_reply(&c, lineForward(line, 0, 5, NULL, 3, &call, NULL)), LINEERR_INVALADDRESSID);
    HLINE plain = client_open(&c, EXCHANGE_PLAIN_LINE, OWNER);
    assert_error(client_reply(&c, lineForward(plain, 0, 0, NULL, 3, &call, NULL)), LINEERR_OPERATIONUNAVAIL);
    assert_false(exchange_has(&w->exchange, CF_CMD_FORWARD, 0));
    assert_int_equal(call, 77);
    client_leave(&c);
}

static void what_a_line_offers(void **state)
{
    struct client c;
    LINEADDRESSCAPS caps = {.dwTotalSize = sizeof caps};
    (void)state;
    client_join(&c);
    assert_error(lineGetAddressCaps(c.app, 0, 0, TAPI_CURRENT_VERSION, 0, &caps), 0);
    assert_int_equal(caps.dwMaxForwardEntries, 3);
    assert_int_equal(caps.dwMaxSpecificEntries, 1);
    assert_int_equal(caps.dwMinFwdNumRings, 2);
    assert_int_equal(caps.dwMaxFwdNumRings, 9);
    assert_int_equal(caps.dwParkModes, LINEPARKMODE_DIRECTED | LINEPARKMODE_NONDIRECTED);
    assert_int_equal(caps.dwAddressFeatures, LINEADDRFEATURE_MAKECALL | LINEADDRFEATURE_FORWARD | LINEADDRFEATURE_PICKUP |
                                                 LINEADDRFEATURE_UNPARK | LINEADDRFEATURE_UNCOMPLETECALL);
    assert_error(lineGetAddressCaps(c.app, EXCHANGE_PLAIN_LINE, 0, TAPI_CURRENT_VERSION, 0, &caps), 0);
    assert_int_equal(caps.dwMaxForwardEntries, 0);
    assert_int_equal(caps.dwAddressFeatures, LINEADDRFEATURE_MAKECALL);
    client_leave(&c);
}

RUN_IN_WORLD(cmocka_unit_test(the_whole_list_goes), cmocka_unit_test(all_addresses),
             cmocka_unit_test(a_consultation_call_where_one_is_needed), cmocka_unit_test(a_call_that_was_not_to_be),
             cmocka_unit_test(what_is_wrong),
             cmocka_unit_test(what_a_line_offers))
