/*
 * V-1 to V-9 for what a line tells of itself: LINEDEVCAPS, LINEADDRESSCAPS, LINEDEVSTATUS at every size, with the names that the
 * exchange gave.
 */
#include "tests/support/conformance.h"

enum { ROOM = 2048, PATTERN = 0xA5 };

struct subject {
    HLINEAPP app;
    HLINE line;
};

typedef LONG ask_fn(const struct subject *s, void *structure);

static LONG ask_dev_caps(const struct subject *s, void *structure)
{
    return lineGetDevCaps(s->app, 1, TAPI_CURRENT_VERSION, 0, structure);
}

static LONG ask_address_caps(const struct subject *s, void *structure)
{
    return lineGetAddressCaps(s->app, 1, 0, TAPI_CURRENT_VERSION, 0, structure);
}

static LONG ask_dev_status(const struct subject *s, void *structure)
{
    return lineGetLineDevStatus(s->line, structure);
}

/* Every variable structure begins so. */
struct sizes {
    DWORD total, needed, used;
};

static void at_every_size(const struct subject *s, ask_fn *ask, DWORD fixed)
{
    union {
        struct sizes sizes;
        unsigned char bytes[ROOM];
    } u;
    memset(u.bytes, 0, sizeof u.bytes);
    u.sizes.total = ROOM;
    assert_error(ask(s, u.bytes), 0);
    DWORD needed = u.sizes.needed;
    assert_true(needed >= fixed && needed < ROOM - 16);
    assert_int_equal(u.sizes.used, needed);
    for (DWORD total = 4; total <= needed + 8; total++) {
        memset(u.bytes, PATTERN, sizeof u.bytes);
        u.sizes.total = total;
        assert_error(ask(s, u.bytes), total < fixed ? LINEERR_STRUCTURETOOSMALL : 0);
        for (DWORD i = total; i < ROOM; i++)
            assert_int_equal(u.bytes[i], PATTERN);
        if (total < fixed)
            continue;
        assert_int_equal(u.sizes.needed, needed);
        assert_true(u.sizes.used <= total);
        assert_int_equal(u.sizes.used == needed, total >= needed);
    }
    assert_error(ask(s, NULL), LINEERR_INVALPOINTER);
}

static void every_size_is_safe(void **state)
{
    (void)state;
    struct client a;
    client_join(&a);
    struct subject s = {a.app, client_open(&a, 1, MONITOR)};
    at_every_size(&s, ask_dev_caps, sizeof(LINEDEVCAPS));
    at_every_size(&s, ask_address_caps, sizeof(LINEADDRESSCAPS));
    at_every_size(&s, ask_dev_status, sizeof(LINEDEVSTATUS));
    client_leave(&a);
}

static void the_exchange_is_seen(void **state)
{
    (void)state;
    struct client a;
    union {
        LINEDEVCAPS dev;
        LINEADDRESSCAPS address;
        char bytes[ROOM];
    } u;
    client_join(&a);
    u.dev.dwTotalSize = ROOM;
    assert_error(lineGetDevCaps(a.app, 1, TAPI_CURRENT_VERSION, 0, &u.dev), 0);
    assert_int_equal(u.dev.dwPermanentLineID, 1u << 20 | 1001); /* the first provider of the configuration, its line 1001 */
    assert_int_equal(u.dev.dwNumAddresses, 1);
    assert_string_equal(u.bytes + u.dev.dwLineNameOffset, "test line 1");
    assert_string_equal(u.bytes + u.dev.dwProviderInfoOffset, "exchange of the tests");
    u.address.dwTotalSize = ROOM;
    assert_error(lineGetAddressCaps(a.app, 1, 0, TAPI_CURRENT_VERSION, 0, &u.address), 0);
    assert_string_equal(u.bytes + u.address.dwAddressOffset, "551");
    assert_true((u.address.dwCallFeatures & LINECALLFEATURE_ANSWER) != 0);
    assert_error(lineGetAddressCaps(a.app, 1, 1, TAPI_CURRENT_VERSION, 0, &u.address), LINEERR_INVALADDRESSID);
    assert_error(lineGetDevCaps(a.app, 99, TAPI_CURRENT_VERSION, 0, &u.dev), LINEERR_BADDEVICEID);
    client_leave(&a);
}

RUN_IN_WORLD(cmocka_unit_test(every_size_is_safe), cmocka_unit_test(the_exchange_is_seen))
