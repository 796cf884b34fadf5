/*
 * LINE_ADDRESSSTATE, lineGetAddressStatus: how many calls an address has is told to the opens that asked for it, and counted by kind; what a
 * provider says of an address is passed on, and where its calls are forwarded to is shown. P-8: each call is on its address.
 */
#include "shm/forward.h"
#include "tests/support/conformance.h"

enum { LINE = 2, FIRST = 0, SECOND = 1 };

static LINEADDRESSSTATUS status_of(HLINE line, DWORD address)
{
    LINEADDRESSSTATUS s = {.dwTotalSize = sizeof s};
    assert_error(lineGetAddressStatus(line, address, &s), 0);
    assert_int_equal(s.dwUsedSize, sizeof s);
    assert_int_equal(s.dwNeededSize, sizeof s);
    return s;
}

static void address_state(struct client *c, HLINE line, DWORD address, DWORD bits)
{
    LINEMESSAGE m = client_expect(c, LINE_ADDRESSSTATE);
    assert_true(m.hDevice == line && m.dwCallbackInstance == c->instance);
    assert_int_equal(m.dwParam1, address);
    if (m.dwParam2 != bits)
        fail_msg("LINE_ADDRESSSTATE 0x%x instead of 0x%x", (DWORD)m.dwParam2, bits);
    assert_int_equal(m.dwParam3, 0);
}

static void calls_of_each_address(void **state)
{
    struct world *w = *state;
    struct client watcher, owner;
    client_join(&watcher);
    client_join(&owner);
    exchange_addresses(&w->exchange, LINE, 2);
    HLINE line = client_open(&watcher, LINE, NOTHING), owner_line = client_open(&owner, LINE, OWNER);
    client_nothing(&watcher, w, LINE);
    const DWORD use = LINEADDRESSSTATE_INUSEZERO | LINEADDRESSSTATE_INUSEONE | LINEADDRESSSTATE_INUSEMANY;
    assert_error(lineSetStatusMessages(line, LINEDEVSTATE_OTHER, use | LINEADDRESSSTATE_NUMCALLS), 0);
    assert_int_equal(status_of(line, SECOND).dwNumInUse, 0);
    uint64_t one = exchange_call_media(&w->exchange, LINE, SECOND, LINECALLSTATE_OFFERING, 0);
    address_state(&watcher, line, SECOND, LINEADDRESSSTATE_NUMCALLS | LINEADDRESSSTATE_INUSEONE);
    LINEMESSAGE m = client_expect(&owner, LINE_APPNEWCALL);
    assert_true(m.hDevice == owner_line);
    assert_int_equal(m.dwParam1, SECOND);
    LINECALLINFO info = {.dwTotalSize = sizeof info};
    assert_error(lineGetCallInfo((HCALL)m.dwParam2, &info), 0);
    assert_int_equal(info.dwAddressID, SECOND);
    uint64_t two = exchange_call_media(&w->exchange, LINE, SECOND, LINECALLSTATE_OFFERING, 0);
    address_state(&watcher, line, SECOND, LINEADDRESSSTATE_NUMCALLS | LINEADDRESSSTATE_INUSEMANY);
    uint64_t three = exchange_call_media(&w->exchange, LINE, SECOND, LINECALLSTATE_OFFERING, 0);
    address_state(&watcher, line, SECOND, LINEADDRESSSTATE_NUMCALLS); /* many still */
    exchange_state(&w->exchange, two, LINECALLSTATE_ONHOLD, 0);
    address_state(&watcher, line, SECOND, LINEADDRESSSTATE_NUMCALLS);
    exchange_state(&w->exchange, three, LINECALLSTATE_ONHOLDPENDTRANSFER, 0);
    address_state(&watcher, line, SECOND, LINEADDRESSSTATE_NUMCALLS);
    LINEADDRESSSTATUS s = status_of(line, SECOND);
    assert_int_equal(s.dwNumInUse, 3);
    assert_int_equal(s.dwNumActiveCalls, 1);
    assert_int_equal(s.dwNumOnHoldCalls, 1);
    assert_int_equal(s.dwNumOnHoldPendCalls, 1);
    assert_int_equal(s.dwAddressFeatures & LINEADDRFEATURE_MAKECALL, LINEADDRFEATURE_MAKECALL);
    assert_int_equal(status_of(line, FIRST).dwNumInUse, 0);
    exchange_state(&w->exchange, two, LINECALLSTATE_IDLE, 0);
    address_state(&watcher, line, SECOND, LINEADDRESSSTATE_NUMCALLS);
    exchange_state(&w->exchange, three, LINECALLSTATE_IDLE, 0);
    address_state(&watcher, line, SECOND, LINEADDRESSSTATE_NUMCALLS | LINEADDRESSSTATE_INUSEONE);
    exchange_state(&w->exchange, one, LINECALLSTATE_DISCONNECTED, LINEDISCONNECTMODE_NORMAL);
    exchange_state(&w->exchange, one, LINECALLSTATE_IDLE, 0);
    address_state(&watcher, line, SECOND, LINEADDRESSSTATE_NUMCALLS | LINEADDRESSSTATE_INUSEZERO);
    client_leave(&watcher);
    client_leave(&owner);
    world_rest(w);
}

static void only_what_was_asked_for(void **state)
{
    struct world *w = *state;
    struct client a, b;
    HLINE line = client_start(&a, NOTHING);
    client_start(&b, NOTHING); /* at first nothing is told */
    DWORD line_states = 77, address_states = 77;
    assert_error(lineSetStatusMessages(line, LINEDEVSTATE_OTHER, LINEADDRESSSTATE_FORWARD), 0);
    assert_error(lineGetStatusMessages(line, &line_states, &address_states), 0);
    assert_int_equal(address_states, LINEADDRESSSTATE_FORWARD);
    exchange_address_state(&w->exchange, 0, 0, LINEADDRESSSTATE_TERMINALS);
    exchange_address_state(&w->exchange, 0, 0, LINEADDRESSSTATE_FORWARD | LINEADDRESSSTATE_TERMINALS);
    address_state(&a, line, 0, LINEADDRESSSTATE_FORWARD);
    client_nothing(&a, w, 0);
    client_nothing(&b, w, 0);
    exchange_address_state(&w->exchange, 0, 1, LINEADDRESSSTATE_FORWARD); /* which the line does not have */
    client_nothing(&a, w, 0);
    client_leave(&a);
    client_leave(&b);
    world_rest(w);
}

static void what_is_no_address(void **state)
{
    struct world *w = *state;
    struct client a;
    DWORD address = 77;
    LINEADDRESSSTATUS s = {.dwTotalSize = sizeof s};
    HLINE line = client_start(&a, NOTHING);
    assert_error(lineGetAddressStatus(line, 1, &s), LINEERR_INVALADDRESSID);
    assert_error(lineGetAddressStatus(line, 0, NULL), LINEERR_INVALPOINTER);
    s.dwTotalSize = sizeof s - 1;
    assert_error(lineGetAddressStatus(line, 0, &s), LINEERR_STRUCTURETOOSMALL);
    assert_error(lineGetAddressID(line, &address, LINEADDRESSMODE_DIALABLEADDR, "550", 3), 0);
    assert_int_equal(address, 0);
    assert_error(lineGetAddressID(line, &address, LINEADDRESSMODE_DIALABLEADDR, "550", 4), 0); /* with its NUL */
    assert_error(lineGetAddressID(line, &address, LINEADDRESSMODE_DIALABLEADDR, "5501", 5), LINEERR_INVALADDRESS);
    assert_error(lineGetAddressID(line, &address, LINEADDRESSMODE_DIALABLEADDR, "55", 3), LINEERR_INVALADDRESS);
    assert_error(lineGetAddressID(line, &address, LINEADDRESSMODE_DIALABLEADDR, "", 0), LINEERR_INVALADDRESS);
    assert_error(lineGetAddressID(line, &address, LINEADDRESSMODE_ADDRESSID, "550", 3), LINEERR_INVALADDRESSMODE);
    assert_error(lineGetAddressID(line, NULL, LINEADDRESSMODE_DIALABLEADDR, "550", 3), LINEERR_INVALPOINTER);
    assert_error(lineGetAddressID(line, &address, LINEADDRESSMODE_DIALABLEADDR, NULL, 3), LINEERR_INVALPOINTER);
    assert_error(lineClose(line), 0);
    assert_error(lineGetAddressStatus(line, 0, &s), LINEERR_INVALLINEHANDLE);
    assert_error(lineGetAddressID(line, &address, LINEADDRESSMODE_DIALABLEADDR, "550", 3), LINEERR_INVALLINEHANDLE);
    client_leave(&a);
    world_rest(w);
}

/* ------------------------------------------------------------------ forwarding */

struct list {
    char bytes[CF_FORWARD_BYTES_MAX];
    uint32_t used;
};

static void add(struct list *l, uint32_t mode, const char *caller, const char *to)
{
    struct cf_forward_head head = {
        .mode = mode, .country = 44, .caller_bytes = (uint16_t)strlen(caller), .address_bytes = (uint16_t)strlen(to)};
    memcpy(l->bytes + l->used, &head, sizeof head);
    memcpy(l->bytes + l->used + sizeof head, caller, strlen(caller));
    memcpy(l->bytes + l->used + sizeof head + strlen(caller), to, strlen(to));
    l->used += (uint32_t)(sizeof head + strlen(caller) + strlen(to));
}

union status {
    LINEADDRESSSTATUS s;
    char bytes[1024];
};

/* With as much room as is asked for. */
static const LINEADDRESSSTATUS *whole_status(HLINE line, DWORD address, union status *u)
{
    *u = (union status){.s.dwTotalSize = sizeof u->s};
    assert_error(lineGetAddressStatus(line, address, &u->s), 0);
    DWORD needed = u->s.dwNeededSize;
    assert_true(needed <= sizeof *u);
    if (needed > u->s.dwUsedSize) { /* nothing of the list is there: V-6 */
        assert_int_equal(u->s.dwUsedSize, sizeof u->s);
        assert_int_equal(u->s.dwForwardNumEntries | u->s.dwForwardSize | u->s.dwForwardOffset, 0);
    }
    *u = (union status){.s.dwTotalSize = needed};
    assert_error(lineGetAddressStatus(line, address, &u->s), 0);
    assert_int_equal(u->s.dwUsedSize, needed);
    assert_int_equal(u->s.dwNeededSize, needed);
    return &u->s;
}

static void assert_entry(const union status *u, DWORD n, DWORD mode, const char *caller, const char *to)
{
    LINEFORWARD f;
    assert_true(n < u->s.dwForwardNumEntries);
    assert_int_equal(u->s.dwForwardSize, u->s.dwForwardNumEntries * sizeof f);
    memcpy(&f, u->bytes + u->s.dwForwardOffset + n * sizeof f, sizeof f);
    assert_int_equal(f.dwForwardMode, mode);
    assert_int_equal(f.dwDestCountryCode, 44);
    assert_int_equal(f.dwCallerAddressSize, caller[0] != '\0' ? strlen(caller) + 1 : 0);
    assert_int_equal(f.dwDestAddressSize, to[0] != '\0' ? strlen(to) + 1 : 0);
    if (caller[0] != '\0') /* offsets count from the start of the status */
        assert_string_equal(u->bytes + f.dwCallerAddressOffset, caller);
    if (to[0] != '\0')
        assert_string_equal(u->bytes + f.dwDestAddressOffset, to);
}

static void where_calls_are_forwarded_to(void **state)
{
    struct world *w = *state;
    struct client watcher, other;
    union status u;
    struct list l = {.used = 0};
    client_join(&watcher);
    client_join(&other);
    exchange_addresses(&w->exchange, LINE, 2);
    HLINE line = client_open(&watcher, LINE, NOTHING), other_line = client_open(&other, LINE, MONITOR);
    client_nothing(&watcher, w, LINE);
    assert_error(lineSetStatusMessages(line, LINEDEVSTATE_OTHER, LINEADDRESSSTATE_FORWARD), 0);
    assert_int_equal(whole_status(line, SECOND, &u)->dwForwardNumEntries, 0);
    assert_int_equal(u.s.dwNumRingsNoAnswer, 0);
    add(&l, LINEFORWARDMODE_BUSYSPECIFIC, "100", "5551234");
    add(&l, LINEFORWARDMODE_NOANSW, "", ""); /* nowhere: do not disturb */
    exchange_forwarding(&w->exchange, LINE, SECOND, 4, (struct cf_text){l.bytes, l.used});
    address_state(&watcher, line, SECOND, LINEADDRESSSTATE_FORWARD);
    assert_int_equal(whole_status(line, SECOND, &u)->dwForwardNumEntries, 2);
    assert_int_equal(u.s.dwNumRingsNoAnswer, 4);
    assert_entry(&u, 0, LINEFORWARDMODE_BUSYSPECIFIC, "100", "5551234");
    assert_entry(&u, 1, LINEFORWARDMODE_NOANSW, "", "");
    assert_int_equal(whole_status(other_line, SECOND, &u)->dwForwardNumEntries, 2); /* whoever asks */
    assert_int_equal(whole_status(line, FIRST, &u)->dwForwardNumEntries, 0);
    /* A word that it has changed, without a list: what is known stays. A list that is none: nothing is told. */
    exchange_address_state(&w->exchange, LINE, SECOND, LINEADDRESSSTATE_FORWARD);
    address_state(&watcher, line, SECOND, LINEADDRESSSTATE_FORWARD);
    exchange_forwarding(&w->exchange, LINE, SECOND, 9, (struct cf_text){l.bytes, l.used - 1});
    client_nothing(&watcher, w, LINE);
    assert_int_equal(whole_status(line, SECOND, &u)->dwForwardNumEntries, 2);
    /* The whole list each time; none: nothing is forwarded any more. */
    l.used = 0;
    add(&l, LINEFORWARDMODE_UNAVAIL, "", "");
    exchange_forwarding(&w->exchange, LINE, SECOND, 0, (struct cf_text){l.bytes, l.used});
    address_state(&watcher, line, SECOND, LINEADDRESSSTATE_FORWARD);
    assert_int_equal(whole_status(line, SECOND, &u)->dwForwardNumEntries, 1);
    assert_entry(&u, 0, LINEFORWARDMODE_UNAVAIL, "", "");
    exchange_forwarding(&w->exchange, LINE, SECOND, 4, (struct cf_text){NULL, 0});
    address_state(&watcher, line, SECOND, LINEADDRESSSTATE_FORWARD);
    assert_int_equal(whole_status(line, SECOND, &u)->dwForwardNumEntries, 0);
    assert_int_equal(u.s.dwNumRingsNoAnswer, 0);
    client_leave(&watcher);
    client_leave(&other);
    world_rest(w);
}

/* The longest list, with room for all of it and one byte less. */
static void the_longest_list(void **state)
{
    struct world *w = *state;
    struct client a;
    struct list l = {.used = 0};
    static union {
        LINEADDRESSSTATUS s;
        char bytes[4096];
    } u;
    char longest[CF_FORWARD_ADDRESS_MAX + 1] = "";
    HLINE line = client_start(&a, MONITOR);
    memset(longest, '7', CF_FORWARD_ADDRESS_MAX);
    for (uint32_t i = 0; i < CF_FORWARD_ENTRIES_MAX; i++)
        add(&l, LINEFORWARDMODE_UNCONDSPECIFIC, longest, longest);
    assert_int_equal(l.used, CF_FORWARD_BYTES_MAX);
    exchange_forwarding(&w->exchange, 0, 0, 0, (struct cf_text){l.bytes, l.used});
    exchange_address_state(&w->exchange, 0, 0, LINEADDRESSSTATE_OTHER);
    client_nothing(&a, w, 0); /* it was taken */
    const DWORD all = sizeof u.s + CF_FORWARD_ENTRIES_MAX * (sizeof(LINEFORWARD) + 2 * sizeof longest);
    for (DWORD less = 0; less < 2; less++) {
        memset(&u, 0x5A, sizeof u);
        u.s.dwTotalSize = all - less;
        assert_error(lineGetAddressStatus(line, 0, &u.s), 0);
        assert_int_equal(u.s.dwNeededSize, all);
        assert_int_equal(u.s.dwUsedSize, less == 0 ? all : sizeof u.s);
        assert_int_equal(u.s.dwForwardNumEntries, less == 0 ? CF_FORWARD_ENTRIES_MAX : 0);
        assert_int_equal(u.bytes[all - less], 0x5A);
    }
    exchange_forwarding(&w->exchange, 0, 0, 0, (struct cf_text){NULL, 0});
    client_nothing(&a, w, 0);
    client_leave(&a);
    world_rest(w);
}

RUN_IN_WORLD(cmocka_unit_test(where_calls_are_forwarded_to), cmocka_unit_test(the_longest_list),
             cmocka_unit_test(only_what_was_asked_for), cmocka_unit_test(calls_of_each_address),
             cmocka_unit_test(what_is_no_address))
