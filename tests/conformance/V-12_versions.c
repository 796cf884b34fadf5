/* V-12, versions: the highest common version is negotiated; below 2.0 the fixed parts of structures are shorter. */
#include "tests/support/conformance.h"

static void the_highest_common_version(void **state)
{
    (void)state;
    struct client a;
    client_join(&a);
    static const struct {
        DWORD low, high, got;
        LONG error;
    } cases[] = {
        {CF_TAPI_VERSION_1_3, TAPI_CURRENT_VERSION, TAPI_CURRENT_VERSION, 0},
        {CF_TAPI_VERSION_1_3, 0x00030001, TAPI_CURRENT_VERSION, 0},
        {CF_TAPI_VERSION_1_3, CF_TAPI_VERSION_1_4, CF_TAPI_VERSION_1_4, 0},
        {CF_TAPI_VERSION_2_0, CF_TAPI_VERSION_2_0, CF_TAPI_VERSION_2_0, 0},
        {0x00030000, 0x00030001, 0, LINEERR_INCOMPATIBLEAPIVERSION},
        {0x00010000, 0x00010002, 0, LINEERR_INCOMPATIBLEAPIVERSION},
        {TAPI_CURRENT_VERSION, CF_TAPI_VERSION_1_3, 0, LINEERR_INCOMPATIBLEAPIVERSION},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        DWORD version = 0;
        LINEEXTENSIONID extension = {1, 1, 1, 1};
        assert_error(lineNegotiateAPIVersion(a.app, 0, cases[i].low, cases[i].high, &version, &extension),
                     cases[i].error);
        if (cases[i].error == 0) {
            assert_int_equal(version, cases[i].got);
            assert_int_equal(extension.dwExtensionID0 | extension.dwExtensionID3, 0);
        }
    }
    DWORD version = 0;
    assert_error(lineNegotiateAPIVersion(a.app, 99, CF_TAPI_VERSION_1_3, TAPI_CURRENT_VERSION, &version, NULL),
                 LINEERR_BADDEVICEID);
    client_leave(&a);
}

static void old_lines_have_short_structures(void **state)
{
    enum { OLD_STATUS = 36 }; /* LINECALLSTATUS of 1.4 */
    struct world *w = *state;
    struct client old;
    union {
        LINECALLSTATUS status;
        unsigned char bytes[sizeof(LINECALLSTATUS)];
    } u;
    client_join(&old);
    old.api_version = CF_TAPI_VERSION_1_4;
    client_open(&old, 0, MONITOR);
    uint64_t id = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "1", "2");
    HCALL call = client_expect(&old, LINE_CALLSTATE).hDevice;
    memset(u.bytes, 0xA5, sizeof u.bytes);
    u.status.dwTotalSize = OLD_STATUS;
    assert_error(lineGetCallStatus(call, &u.status), 0);
    assert_int_equal(u.status.dwCallState, LINECALLSTATE_OFFERING);
    for (size_t i = OLD_STATUS; i < sizeof u.bytes; i++)
        assert_int_equal(u.bytes[i], 0xA5);
    u.status.dwTotalSize = OLD_STATUS - 4;
    assert_error(lineGetCallStatus(call, &u.status), LINEERR_STRUCTURETOOSMALL);
    exchange_end(&w->exchange, id);
    client_leave(&old);
}

RUN_IN_WORLD(cmocka_unit_test(the_highest_common_version), cmocka_unit_test(old_lines_have_short_structures))
