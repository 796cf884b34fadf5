/* Filling TAPI's variable-size structures: rules V-1 to V-12, and what versions differ in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/internal.h"
#include "shm/forward.h"

#define GUARD 0xA5

/* A structure of total bytes, everything around and inside it set to GUARD. */
struct room {
    uint8_t bytes[4096];
};

static void *room_of(struct room *r, DWORD total)
{
    memset(r->bytes, GUARD, sizeof r->bytes);
    memcpy(r->bytes, &total, sizeof total);
    return r->bytes;
}

static void nothing_written_from(const struct room *r, size_t from)
{
    for (size_t i = from; i < sizeof r->bytes; i++)
        assert_int_equal(r->bytes[i], GUARD);
}

static const struct cf_reply_call_info info = {
    .device_id = 3,
    .call_id = 42,
    .call_states = LINECALLSTATE_OFFERING,
    .owners = 1,
    .monitors = 2,
    .caller_flags = LINECALLPARTYID_ADDRESS,
    .caller = "5551234",
    .called = "100",
    .app_name = "switch",
    .raw_cause = "SIP 486",
};

static const struct cf_reply_dev_caps caps = {
    .permanent_id = 7,
    .addresses = 2,
    .line_features = LINEFEATURE_MAKECALL,
    .name = "trunk one",
    .provider = "sip 1",
    .address = "555",
};

static const char *text_at(const void *structure, DWORD size, DWORD offset)
{
    const char *text = (const char *)structure + offset;
    assert_int_not_equal(size, 0);
    assert_int_equal(strlen(text) + 1, size); /* V-8: the size includes the NUL */
    return text;
}

static void fixed_part_must_fit(void **state)
{
    struct room r;
    (void)state;
    for (DWORD total = 0; total < sizeof(LINECALLINFO); total += 4) {
        LINECALLINFO *out = room_of(&r, total);
        assert_int_equal(cf_struct_call_info(out, CF_TAPI_VERSION_2_2, 9, &info), LINEERR_STRUCTURETOOSMALL);
        nothing_written_from(&r, 4);
    }
    assert_int_equal(cf_struct_call_info(NULL, CF_TAPI_VERSION_2_2, 9, &info), LINEERR_INVALPOINTER);
}

static void everything_fits_when_needed_is_given(void **state)
{
    struct room r;
    LINECALLINFO *out = room_of(&r, sizeof *out);
    (void)state;
    assert_int_equal(cf_struct_call_info(out, CF_TAPI_VERSION_2_2, 9, &info), 0);
    DWORD needed = out->dwNeededSize;
    assert_int_equal(needed, sizeof *out + 8 + 4 + 7 + 8);
    assert_int_equal(out->dwUsedSize, sizeof *out);
    out = room_of(&r, needed);
    assert_int_equal(cf_struct_call_info(out, CF_TAPI_VERSION_2_2, 9, &info), 0);
    assert_int_equal(out->dwTotalSize, needed);
    assert_int_equal(out->dwNeededSize, needed);
    assert_int_equal(out->dwUsedSize, needed);
    nothing_written_from(&r, needed);
    assert_string_equal(text_at(out, out->dwCallerIDSize, out->dwCallerIDOffset), "5551234");
    assert_string_equal(text_at(out, out->dwCalledIDSize, out->dwCalledIDOffset), "100");
    assert_string_equal(text_at(out, out->dwAppNameSize, out->dwAppNameOffset), "switch");
    assert_string_equal(text_at(out, out->dwDevSpecificSize, out->dwDevSpecificOffset), "SIP 486");
    assert_int_equal(out->dwCallerIDOffset, sizeof *out); /* V-11: the first part follows the fixed one */
    assert_int_equal(out->dwDisplaySize, 0);              /* V-6 */
    assert_int_equal(out->dwDisplayOffset, 0);
}

static void parts_are_whole_or_absent_at_every_size(void **state)
{
    struct room r;
    (void)state;
    for (DWORD total = sizeof(LINECALLINFO); total < sizeof(LINECALLINFO) + 40; total++) {
        LINECALLINFO *out = room_of(&r, total);
        assert_int_equal(cf_struct_call_info(out, CF_TAPI_VERSION_2_2, 9, &info), 0);
        nothing_written_from(&r, total);
        assert_true(out->dwUsedSize <= total);
        assert_int_equal(out->dwNeededSize, sizeof *out + 27);
        assert_int_equal(out->hLine, 9); /* V-4: the fixed part is valid */
        assert_int_equal(out->dwCallID, 42);
        const DWORD parts[][3] = {
            {out->dwCallerIDSize, out->dwCallerIDOffset, 8},
            {out->dwCalledIDSize, out->dwCalledIDOffset, 4},
            {out->dwAppNameSize, out->dwAppNameOffset, 7},
            {out->dwDevSpecificSize, out->dwDevSpecificOffset, 8},
        };
        DWORD used = sizeof *out;
        for (size_t i = 0; i < 4; i++) {
            assert_true(parts[i][0] == 0 || parts[i][0] == parts[i][2]);
            assert_int_equal(parts[i][0] == 0, parts[i][1] == 0);
            assert_true(parts[i][1] + parts[i][0] <= out->dwUsedSize);
            used += parts[i][0];
        }
        assert_int_equal(out->dwUsedSize, used);
    }
}

/* Each party's number and name, in the order of the members, each whole or absent at every size. */
static void parties_follow_the_order_of_their_members(void **state)
{
    static const struct cf_reply_call_info all = {
        .caller_flags = 1,
        .called_flags = 2,
        .connected_flags = 4,
        .redirection_flags = 8,
        .redirecting_flags = 16,
        .caller = "caller",
        .caller_name = "caller's name",
        .called = "called",
        .called_name = "called's name",
        .connected = "connected",
        .connected_name = "connected's name",
        .redirection = "redirection",
        .redirection_name = "redirection's name",
        .redirecting = "redirecting",
        .redirecting_name = "redirecting's name",
    };
    static const char *texts[] = {all.caller,      all.caller_name,     all.called,      all.called_name,
                                  all.connected,   all.connected_name,  all.redirection, all.redirection_name,
                                  all.redirecting, all.redirecting_name};
    struct room r;
    DWORD needed = sizeof(LINECALLINFO);
    (void)state;
    for (int i = 0; i < 10; i++)
        needed += (DWORD)strlen(texts[i]) + 1;
    for (DWORD total = sizeof(LINECALLINFO); total <= needed; total++) {
        LINECALLINFO *out = room_of(&r, total);
        assert_int_equal(cf_struct_call_info(out, CF_TAPI_VERSION_2_2, 9, &all), 0);
        nothing_written_from(&r, total);
        assert_int_equal(out->dwNeededSize, needed);
        const DWORD *member = &out->dwCallerIDFlags; /* flags, size, offset, size and offset of the name */
        DWORD last = 0;
        for (int i = 0; i < 10; i++) {
            DWORD size = member[i / 2 * 5 + 1 + i % 2 * 2], offset = member[i / 2 * 5 + 2 + i % 2 * 2];
            assert_int_equal(member[i / 2 * 5], 1 << i / 2);
            assert_int_equal(size == 0, offset == 0);
            if (size == 0) {
                assert_true(total < needed);
                continue;
            }
            assert_string_equal(text_at(out, size, offset), texts[i]);
            assert_true(offset > last);
            last = offset;
        }
        assert_int_equal(out->dwUsedSize == needed, total == needed);
    }
}

/* Every text as long as it can be and without its end, in memory that ends where the structure does, at every size and version. */
static void nothing_lies_outside_at_any_size(void **state)
{
    static const DWORD versions[] = {CF_TAPI_VERSION_1_3, CF_TAPI_VERSION_1_4, CF_TAPI_VERSION_2_0,
                                     CF_TAPI_VERSION_2_2};
    struct cf_reply_call_info full;
    (void)state;
    memset(&full, 'x', sizeof full);
    memset(full.text_bytes, 0, sizeof full.text_bytes); /* parts of one length */
    for (size_t v = 0; v < sizeof versions / sizeof versions[0]; v++) {
        const DWORD fixed = cf_version_call_info(versions[v]), needed = fixed + 12 * (CF_NAME_MAX + 1);
        for (DWORD total = sizeof(DWORD); total <= needed + 1; total++) {
            uint8_t *bytes = malloc(total); /* a sanitizer sees what the guard does not */
            assert_non_null(bytes);
            memset(bytes, GUARD, total);
            memcpy(bytes, &total, sizeof total);
            LONG error = cf_struct_call_info((LINECALLINFO *)(void *)bytes, versions[v], 9, &full);
            DWORD sizes[3] = {0};
            memcpy(sizes, bytes, total < sizeof sizes ? total : sizeof sizes);
            assert_int_equal(error, total < fixed ? LINEERR_STRUCTURETOOSMALL : 0);
            assert_int_equal(sizes[0], total);
            if (error == 0) {
                const DWORD whole = (total - fixed) / (CF_NAME_MAX + 1) * (CF_NAME_MAX + 1);
                assert_int_equal(sizes[1], needed);
                assert_int_equal(sizes[2], total < needed ? fixed + whole : needed);
                for (DWORD at = sizes[2]; at < total; at++)
                    assert_int_equal(bytes[at], GUARD);
            } else {
                for (DWORD at = sizeof total; at < total; at++)
                    assert_int_equal(bytes[at], GUARD);
            }
            free(bytes);
        }
    }
}

static void fixed_part_is_cut_at_the_version(void **state)
{
    struct room r;
    (void)state;
    LINECALLINFO *out = room_of(&r, 304);
    assert_int_equal(cf_version_call_info(CF_TAPI_VERSION_1_4), 304);
    assert_int_equal(cf_struct_call_info(out, CF_TAPI_VERSION_1_4, 9, &info), 0);
    nothing_written_from(&r, 304);
    assert_int_equal(out->dwNeededSize, 304 + 27);
    out = room_of(&r, 400);
    assert_int_equal(cf_struct_call_info(out, CF_TAPI_VERSION_1_4, 9, &info), 0);
    assert_int_equal(out->dwCallerIDOffset, 304);

    static const struct {
        DWORD (*of)(DWORD version);
        DWORD v13, v20, v22;
    } sizes[] = {
        {cf_version_dev_caps, 240, 252, 268}, {cf_version_address_caps, 180, 228, 228},
        {cf_version_dev_status, 76, 88, 88},  {cf_version_call_info, 304, 336, 336},
        {cf_version_call_status, 36, 56, 56}, {cf_version_call_params, 112, 176, 176},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        assert_int_equal(sizes[i].of(CF_TAPI_VERSION_1_3), sizes[i].v13);
        assert_int_equal(sizes[i].of(CF_TAPI_VERSION_2_0), sizes[i].v20);
        assert_int_equal(sizes[i].of(CF_TAPI_VERSION_2_2), sizes[i].v22);
    }
}

static void call_states_always_have_unknown(void **state)
{
    struct room r;
    LINECALLINFO *out = room_of(&r, sizeof r.bytes);
    (void)state;
    assert_int_equal(cf_struct_call_info(out, CF_TAPI_VERSION_2_2, 9, &info), 0);
    assert_int_equal(out->dwCallStates, LINECALLSTATE_OFFERING | LINECALLSTATE_UNKNOWN);
}

static void text_without_end_is_bounded(void **state)
{
    struct room r;
    struct cf_reply_call_info long_one = {0};
    LINECALLINFO *out = room_of(&r, sizeof r.bytes);
    (void)state;
    memset(long_one.caller, 'x', sizeof long_one.caller);
    assert_int_equal(cf_struct_call_info(out, CF_TAPI_VERSION_2_2, 9, &long_one), 0);
    assert_int_equal(out->dwCallerIDSize, CF_NAME_MAX + 1);
    assert_int_equal(r.bytes[out->dwCallerIDOffset + CF_NAME_MAX], 0);
}

static void device_capabilities(void **state)
{
    struct room r;
    LINEDEVCAPS *out = room_of(&r, sizeof r.bytes);
    (void)state;
    assert_int_equal(cf_struct_dev_caps(out, CF_TAPI_VERSION_2_2, &caps), 0);
    assert_string_equal(text_at(out, out->dwLineNameSize, out->dwLineNameOffset), "trunk one");
    assert_string_equal(text_at(out, out->dwProviderInfoSize, out->dwProviderInfoOffset), "sip 1");
    assert_memory_equal(r.bytes + out->dwDeviceClassesOffset, "tapi/line\0", 11);
    assert_int_equal(out->dwNumAddresses, 2);
    assert_int_equal(out->PermanentLineGuid.Data1, 7);
    out = room_of(&r, 252); /* 2.0 has no GUID and writes none */
    assert_int_equal(cf_struct_dev_caps(out, CF_TAPI_VERSION_2_0, &caps), 0);
    nothing_written_from(&r, 252);
    out = room_of(&r, 251);
    assert_int_equal(cf_struct_dev_caps(out, CF_TAPI_VERSION_2_0, &caps), LINEERR_STRUCTURETOOSMALL);

    LINEADDRESSCAPS *address = room_of(&r, sizeof r.bytes);
    assert_int_equal(cf_struct_address_caps(address, CF_TAPI_VERSION_2_2, 5, 0, &caps), 0);
    assert_int_equal(address->dwLineDeviceID, 5);
    assert_int_equal(address->dwAddressFeatures, LINEADDRFEATURE_MAKECALL);
    assert_string_equal(text_at(address, address->dwAddressSize, address->dwAddressOffset), "555");
}

/* What a line can do beyond making calls shows in its capabilities, and only then. */
static void capabilities_of_hold_digits_and_parameters(void **state)
{
    struct room r;
    struct cf_reply_dev_caps can = caps;
    (void)state;
    LINEDEVCAPS *out = room_of(&r, sizeof r.bytes);
    LINEADDRESSCAPS *address;
    assert_int_equal(cf_struct_dev_caps(out, CF_TAPI_VERSION_2_2, &can), 0);
    assert_int_equal(out->dwGenerateDigitModes, 0);
    assert_int_equal(out->MaxDialParams.dwDigitDuration, 0);
    address = room_of(&r, sizeof r.bytes);
    assert_int_equal(cf_struct_address_caps(address, CF_TAPI_VERSION_2_2, 5, 0, &can), 0);
    assert_int_equal(address->dwMaxNumOnHoldCalls, 0);
    assert_int_equal(address->dwCallInfoStates & (LINECALLINFOSTATE_BEARERMODE | LINECALLINFOSTATE_RATE), 0);
    assert_int_not_equal(address->dwCallInfoStates & LINECALLINFOSTATE_CONNECTEDID, 0);

    can.calls_max = 7;
    can.digit_modes = LINEDIGITMODE_DTMF;
    can.call_features = LINECALLFEATURE_HOLD | LINECALLFEATURE_GENERATEDIGITS | LINECALLFEATURE_SETCALLPARAMS;
    out = room_of(&r, sizeof r.bytes);
    assert_int_equal(cf_struct_dev_caps(out, CF_TAPI_VERSION_2_2, &can), 0);
    assert_int_equal(out->dwGenerateDigitModes, LINEDIGITMODE_DTMF);
    assert_int_equal(out->MinDialParams.dwDigitDuration, 40);
    assert_int_equal(out->MaxDialParams.dwDigitDuration, 5000);
    assert_int_equal(out->dwMaxRate, 64000);
    address = room_of(&r, sizeof r.bytes);
    assert_int_equal(cf_struct_address_caps(address, CF_TAPI_VERSION_2_2, 5, 0, &can), 0);
    assert_int_equal(address->dwMaxNumOnHoldCalls, 7);
    assert_int_equal(address->dwCallInfoStates & (LINECALLINFOSTATE_BEARERMODE | LINECALLINFOSTATE_RATE),
                     LINECALLINFOSTATE_BEARERMODE | LINECALLINFOSTATE_RATE);
}

static void status_times_are_utc(void **state)
{
    struct room r;
    /* 2026-11-21 08:30:15.250 UTC, a Saturday */
    const int64_t utc_ns = INT64_C(1795249815250000000), offset = INT64_C(1795000000000000000);
    struct cf_reply_call_status s = {.state = LINECALLSTATE_CONNECTED,
                                     .mode = LINECONNECTEDMODE_CONFIRMED,
                                     .privilege = LINECALLPRIVILEGE_OWNER,
                                     .features = LINECALLFEATURE_DROP,
                                     .state_time_ns = utc_ns - offset};
    LINECALLSTATUS *out = room_of(&r, sizeof *out);
    (void)state;
    assert_int_equal(cf_struct_call_status(out, CF_TAPI_VERSION_2_2, &s, offset), 0);
    nothing_written_from(&r, sizeof *out);
    assert_int_equal(out->dwCallState, LINECALLSTATE_CONNECTED);
    assert_int_equal(out->dwCallStateMode, LINECONNECTEDMODE_CONFIRMED);
    assert_int_equal(out->dwCallFeatures, LINECALLFEATURE_DROP);
    assert_int_equal(out->tStateEntryTime.wYear, 2026);
    assert_int_equal(out->tStateEntryTime.wMonth, 11);
    assert_int_equal(out->tStateEntryTime.wDay, 21);
    assert_int_equal(out->tStateEntryTime.wDayOfWeek, 6);
    assert_int_equal(out->tStateEntryTime.wHour, 8);
    assert_int_equal(out->tStateEntryTime.wMinute, 30);
    assert_int_equal(out->tStateEntryTime.wSecond, 15);
    assert_int_equal(out->tStateEntryTime.wMilliseconds, 250);
    out = room_of(&r, 36);
    assert_int_equal(cf_struct_call_status(out, CF_TAPI_VERSION_1_4, &s, offset), 0);
    nothing_written_from(&r, 36);
    assert_int_equal(out->dwCallStateMode, LINECONNECTEDMODE_ACTIVE); /* a mode of 2.0 */
}

static void versions_in_common(void **state)
{
    (void)state;
    assert_int_equal(cf_version_common(CF_TAPI_VERSION_1_3, CF_TAPI_VERSION_2_2), CF_TAPI_VERSION_2_2);
    assert_int_equal(cf_version_common(CF_TAPI_VERSION_1_3, 0x00030001), CF_TAPI_VERSION_2_2);
    assert_int_equal(cf_version_common(CF_TAPI_VERSION_1_4, CF_TAPI_VERSION_2_0), CF_TAPI_VERSION_2_0);
    assert_int_equal(cf_version_common(0x00010000, 0x00010009), CF_TAPI_VERSION_1_4);
    assert_int_equal(cf_version_common(0x00010005, 0x00010009), 0);
    assert_int_equal(cf_version_common(0x00030000, 0x00030001), 0);
    assert_int_equal(cf_version_common(0, 0x00010002), 0);
    assert_int_equal(cf_version_common(CF_TAPI_VERSION_2_2, CF_TAPI_VERSION_2_0), 0);
    assert_true(cf_version_known(CF_TAPI_VERSION_2_1));
    assert_false(cf_version_known(0x00010005));
    assert_false(cf_version_known(0));
    assert_false(cf_version_known(0x00030000));
}

static void features_by_state_and_privilege(void **state)
{
    const DWORD all = 0xFFFFFFFF, owner = LINECALLPRIVILEGE_OWNER;
    const DWORD any = LINECALLFEATURE_DROP | LINECALLFEATURE_GENERATEDIGITS | LINECALLFEATURE_GENERATETONE |
                      LINECALLFEATURE_MONITORMEDIA | LINECALLFEATURE_MONITORTONES | LINECALLFEATURE_SECURECALL |
                      LINECALLFEATURE_RELEASEUSERUSERINFO | LINECALLFEATURE_SETCALLDATA | LINECALLFEATURE_SETTREATMENT,
                user = LINECALLFEATURE_SENDUSERUSER, dial = LINECALLFEATURE_DIAL, complete = LINECALLFEATURE_COMPLETECALL,
                live = any | LINECALLFEATURE_GATHERDIGITS,
                whole = LINECALLFEATURE_SETCALLPARAMS | LINECALLFEATURE_MONITORDIGITS, more = live | whole, held = LINECALLFEATURE_UNHOLD | LINECALLFEATURE_COMPLETETRANSF,
                talk = LINECALLFEATURE_HOLD | LINECALLFEATURE_SWAPHOLD | LINECALLFEATURE_SETUPTRANSFER |
                       LINECALLFEATURE_BLINDTRANSFER | LINECALLFEATURE_SETUPCONF | LINECALLFEATURE_PREPAREADDCONF | LINECALLFEATURE_PARK;
    const struct {
        DWORD state, features;
    } states[] = {
        {LINECALLSTATE_IDLE, 0},
        {LINECALLSTATE_OFFERING, more | user | LINECALLFEATURE_ACCEPT | LINECALLFEATURE_ANSWER | LINECALLFEATURE_REDIRECT},
        {LINECALLSTATE_ACCEPTED, more | user | LINECALLFEATURE_ANSWER},
        {LINECALLSTATE_DIALTONE, more | dial},
        {LINECALLSTATE_DIALING, more | dial},
        {LINECALLSTATE_RINGBACK, more | user | complete},
        {LINECALLSTATE_BUSY, more | complete},
        {LINECALLSTATE_SPECIALINFO, more},
        {LINECALLSTATE_CONNECTED, more | talk | user},
        {LINECALLSTATE_PROCEEDING, more},
        {LINECALLSTATE_ONHOLD, more | held | LINECALLFEATURE_ADDTOCONF},
        {LINECALLSTATE_CONFERENCED, any | whole | LINECALLFEATURE_REMOVEFROMCONF},
        {LINECALLSTATE_ONHOLDPENDCONF, more | LINECALLFEATURE_UNHOLD | LINECALLFEATURE_ADDTOCONF},
        {LINECALLSTATE_ONHOLDPENDTRANSFER, more | held},
        {LINECALLSTATE_DISCONNECTED, live},
        {LINECALLSTATE_UNKNOWN, more | dial},
    };
    (void)state;
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        assert_int_equal(cf_call_features(states[i].state, owner, all), states[i].features);
        assert_int_equal(cf_call_features(states[i].state | 0xFF000000, owner, all), states[i].features);
    }
    assert_int_equal(cf_call_features(LINECALLSTATE_CONNECTED, owner, LINECALLFEATURE_ANSWER), 0);
    assert_int_equal(cf_call_features(0, owner, all), 0);
    assert_int_equal(cf_call_features(LINECALLSTATE_OFFERING, LINECALLPRIVILEGE_MONITOR, all),
                     LINECALLFEATURE_MONITORDIGITS | LINECALLFEATURE_MONITORMEDIA | LINECALLFEATURE_MONITORTONES);
    assert_int_equal(cf_call_features(LINECALLSTATE_DISCONNECTED, LINECALLPRIVILEGE_MONITOR, all),
                     LINECALLFEATURE_MONITORMEDIA | LINECALLFEATURE_MONITORTONES);
    assert_int_equal(cf_call_features(LINECALLSTATE_IDLE, LINECALLPRIVILEGE_MONITOR, all), 0);
}

static void call_lists(void **state)
{
    struct room r;
    LINECALLLIST *list = room_of(&r, sizeof *list + 2 * 8 + 7);
    const HCALL calls[2] = {0x1122334455667788, 2};
    HCALL got;
    (void)state;
    assert_int_equal(cf_struct_call_list_room(list), 2);
    cf_struct_call_list_put(list, 0, calls, 2);
    cf_struct_call_list_done(list, 2, 2);
    nothing_written_from(&r, sizeof *list + 16);
    assert_int_equal(list->dwCallsNumEntries, 2);
    assert_int_equal(list->dwCallsSize, 16);
    assert_int_equal(list->dwCallsOffset, sizeof *list);
    assert_int_equal(list->dwUsedSize, sizeof *list + 16);
    memcpy(&got, r.bytes + list->dwCallsOffset, sizeof got);
    assert_true(got == calls[0]);
    cf_struct_call_list_done(list, 0, 3);
    assert_int_equal(list->dwCallsNumEntries, 0);
    assert_int_equal(list->dwCallsOffset, 0);
    assert_int_equal(list->dwNeededSize, sizeof *list + 24);
    assert_int_equal(list->dwUsedSize, sizeof *list);
}

/* ------------------------------------------------------------------ LINEADDRESSSTATUS */

static void append_forward(struct cf_reply_address_status *r, uint32_t mode, const char *caller, const char *address)
{
    struct cf_forward_head head = {.mode = mode, .country = 49};
    head.caller_bytes = (uint16_t)strlen(caller);
    head.address_bytes = (uint16_t)strlen(address);
    memcpy(r->forwards + r->forward_bytes, &head, sizeof head);
    memcpy(r->forwards + r->forward_bytes + sizeof head, caller, head.caller_bytes);
    memcpy(r->forwards + r->forward_bytes + sizeof head + head.caller_bytes, address, head.address_bytes);
    r->forward_bytes += (uint32_t)sizeof head + head.caller_bytes + head.address_bytes;
}

static void forwarding_is_there_as_a_whole_or_not_at_all(void **state)
{
    struct room r;
    struct cf_reply_address_status status = {.in_use = 3, .in_service = 1, .forward_rings = 4};
    const DWORD variable = 2 * sizeof(LINEFORWARD) + sizeof "100" + sizeof "5551234"; /* each with its NUL */
    (void)state;
    append_forward(&status, LINEFORWARDMODE_BUSYSPECIFIC, "100", "5551234");
    append_forward(&status, LINEFORWARDMODE_NOANSW, "", ""); /* nowhere: kept off */
    for (DWORD total = sizeof(LINEADDRESSSTATUS); total <= sizeof(LINEADDRESSSTATUS) + variable + 1; total++) {
        LINEADDRESSSTATUS *s = room_of(&r, total);
        bool fits = total >= sizeof *s + variable;
        assert_int_equal(cf_struct_address_status(s, 0, &status), 0);
        nothing_written_from(&r, total);
        assert_int_equal(s->dwNeededSize, sizeof *s + variable);
        assert_int_equal(s->dwUsedSize, fits ? sizeof *s + variable : sizeof *s);
        assert_int_equal(s->dwNumInUse, 3);
        assert_int_equal(s->dwNumRingsNoAnswer, 4);
        assert_int_equal(s->dwForwardNumEntries, fits ? 2 : 0);
        assert_int_equal(s->dwForwardSize, fits ? 2 * sizeof(LINEFORWARD) : 0);
        assert_int_equal(s->dwForwardOffset, fits ? sizeof *s : 0);
        if (!fits)
            continue;
        const LINEFORWARD *f = (const LINEFORWARD *)(const void *)(r.bytes + s->dwForwardOffset);
        assert_int_equal(f[0].dwForwardMode, LINEFORWARDMODE_BUSYSPECIFIC);
        assert_int_equal(f[0].dwDestCountryCode, 49);
        assert_string_equal(text_at(s, f[0].dwCallerAddressSize, f[0].dwCallerAddressOffset), "100");
        assert_string_equal(text_at(s, f[0].dwDestAddressSize, f[0].dwDestAddressOffset), "5551234");
        assert_int_equal(f[1].dwForwardMode, LINEFORWARDMODE_NOANSW);
        assert_int_equal(f[1].dwCallerAddressSize | f[1].dwCallerAddressOffset, 0);
        assert_int_equal(f[1].dwDestAddressSize | f[1].dwDestAddressOffset, 0);
    }
}

/* The longest list there is, and bytes that are none: nothing is written beyond the structure, and what cannot be read is left out. */
static void a_list_of_forwarding_is_bounded(void **state)
{
    struct room r;
    struct cf_reply_address_status status = {.in_service = 1};
    char longest[CF_FORWARD_ADDRESS_MAX + 1] = "";
    (void)state;
    memset(longest, '7', CF_FORWARD_ADDRESS_MAX);
    for (int i = 0; i < (int)CF_FORWARD_ENTRIES_MAX; i++)
        append_forward(&status, LINEFORWARDMODE_UNCONDSPECIFIC, longest, longest);
    assert_int_equal(status.forward_bytes, sizeof status.forwards);
    LINEADDRESSSTATUS *s = room_of(&r, sizeof r.bytes);
    assert_int_equal(cf_struct_address_status(s, 0, &status), 0);
    assert_int_equal(s->dwForwardNumEntries, CF_FORWARD_ENTRIES_MAX);
    assert_int_equal(s->dwUsedSize, sizeof *s + CF_FORWARD_ENTRIES_MAX * (sizeof(LINEFORWARD) + 2 * sizeof longest));
    nothing_written_from(&r, s->dwUsedSize);
    struct cf_forward_head head = {.mode = 1, .caller_bytes = CF_FORWARD_ADDRESS_MAX + 1};
    memcpy(status.forwards, &head, sizeof head);
    s = room_of(&r, sizeof r.bytes);
    assert_int_equal(cf_struct_address_status(s, 0, &status), 0);
    assert_int_equal(s->dwForwardNumEntries, 0);
    assert_int_equal(s->dwNeededSize, sizeof *s);
    memset(&status, 0xFF, sizeof status);
    s = room_of(&r, sizeof r.bytes);
    assert_int_equal(cf_struct_address_status(s, 0, &status), 0);
    assert_int_equal(s->dwNeededSize, sizeof *s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fixed_part_must_fit),
        cmocka_unit_test(everything_fits_when_needed_is_given),
        cmocka_unit_test(parts_are_whole_or_absent_at_every_size),
        cmocka_unit_test(parties_follow_the_order_of_their_members),
        cmocka_unit_test(nothing_lies_outside_at_any_size),
        cmocka_unit_test(fixed_part_is_cut_at_the_version),
        cmocka_unit_test(call_states_always_have_unknown),
        cmocka_unit_test(text_without_end_is_bounded),
        cmocka_unit_test(device_capabilities),
        cmocka_unit_test(capabilities_of_hold_digits_and_parameters),
        cmocka_unit_test(status_times_are_utc),
        cmocka_unit_test(versions_in_common),
        cmocka_unit_test(features_by_state_and_privilege),
        cmocka_unit_test(call_lists),
        cmocka_unit_test(forwarding_is_there_as_a_whole_or_not_at_all),
        cmocka_unit_test(a_list_of_forwarding_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
