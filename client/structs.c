/*
 * Filling TAPI's variable-size structures.
 *
 * Shape      fixed part, then the variable parts in the order of their members, each whole or absent
 * Invariant  V-1 to V-12: nothing outside dwTotalSize is read or written; dwNeededSize counts every part, dwUsedSize those that fit;
 *            the fixed part is cut where the version ends it
 * Trust      texts in answers are bounded by their field, terminated or not
 */
#include <string.h>
#include <time.h>

#include "client/internal.h"
#include "shm/operations.h"

struct filler {
    uint8_t *out;
    DWORD total, fixed, used, needed;
};

/* The three sizes that every such structure begins with. */
struct sizes {
    DWORD total, needed, used;
};

LONG cf_struct_check(const void *structure, DWORD fixed)
{
    if (structure == NULL)
        return LINEERR_INVALPOINTER;
    return ((const struct sizes *)structure)->total < fixed ? LINEERR_STRUCTURETOOSMALL : 0;
}

static LONG filler_init(struct filler *f, void *out, DWORD fixed)
{
    LONG error = cf_struct_check(out, fixed);
    if (error != 0)
        return error;
    *f = (struct filler){(uint8_t *)out, ((struct sizes *)out)->total, fixed, fixed, fixed};
    return 0;
}

/* A part of bytes; size and offset are its members in the fixed part that is being made. An empty part has neither. */
static void add(struct filler *f, DWORD *size, DWORD *offset, const void *data, DWORD bytes)
{
    *size = *offset = 0;
    f->needed += bytes;
    if (bytes == 0 || bytes > f->total - f->used)
        return;
    memcpy(f->out + f->used, data, bytes);
    *size = bytes;
    *offset = f->used;
    f->used += bytes;
}

/* A text with its NUL; "" is an empty part. */
static void add_text(struct filler *f, DWORD *size, DWORD *offset, const char text[CF_NAME_MAX])
{
    char whole[CF_NAME_MAX + 1];
    size_t length = strnlen(text, CF_NAME_MAX);
    memcpy(whole, text, length);
    whole[length] = '\0';
    add(f, size, offset, whole, length == 0 ? 0 : (DWORD)length + 1);
}

/* Copies the fixed part out, as much of it as the version has. */
static LONG finish(struct filler *f, void *made)
{
    struct sizes sizes = {f->total, f->needed, f->used};
    memcpy(made, &sizes, sizeof sizes);
    memcpy(f->out, made, f->fixed);
    return 0;
}

/* ------------------------------------------------------------------ devices */

/* The line's number for ever, as a GUID: Callfan's own name space with the permanent id in front. */
static GUID permanent_guid(uint32_t permanent_id)
{
    return (GUID){permanent_id, 0x4343, 0x4c46, {0x9a, 0x11, 'c', 'a', 'l', 'f', 'a', 'n'}};
}

LONG cf_struct_dev_caps(LINEDEVCAPS *out, DWORD version, const struct cf_reply_dev_caps *r)
{
    struct filler f;
    LONG error = filler_init(&f, out, cf_version_dev_caps(version));
    if (error != 0)
        return error;
    LINEDEVCAPS c = {
        .dwPermanentLineID = r->permanent_id,
        .dwStringFormat = STRINGFORMAT_ASCII,
        .dwAddressModes = LINEADDRESSMODE_ADDRESSID,
        .dwNumAddresses = r->addresses,
        .dwBearerModes = r->bearer_modes,
        .dwMaxRate = 64000,
        .dwMediaModes = r->media_modes,
        .dwDevCapFlags = r->dev_cap_flags,
        .dwMaxNumActiveCalls = r->calls_max,
        .dwAnswerMode = r->answer_mode,
        .dwRingModes = 1,
        .dwLineStates = LINEDEVSTATE_OTHER | LINEDEVSTATE_RINGING | LINEDEVSTATE_CONNECTED | LINEDEVSTATE_DISCONNECTED |
                        LINEDEVSTATE_INSERVICE | LINEDEVSTATE_OUTOFSERVICE | LINEDEVSTATE_MAINTENANCE |
                        LINEDEVSTATE_OPEN | LINEDEVSTATE_CLOSE | LINEDEVSTATE_NUMCALLS | LINEDEVSTATE_REINIT,
        .dwUUIAcceptSize = CF_USER_USER_MAX,
        .dwUUIAnswerSize = CF_USER_USER_MAX,
        .dwUUIMakeCallSize = CF_USER_USER_MAX,
        .dwUUIDropSize = CF_USER_USER_MAX,
        .dwLineFeatures = r->line_features,
        .PermanentLineGuid = permanent_guid(r->permanent_id),
    };
    add_text(&f, &c.dwProviderInfoSize, &c.dwProviderInfoOffset, r->provider);
    add_text(&f, &c.dwLineNameSize, &c.dwLineNameOffset, r->name);
    if (version >= CF_TAPI_VERSION_2_0) {
        static const char classes[] = "tapi/line\0"; /* a list of names, ended by an empty one */
        add(&f, &c.dwDeviceClassesSize, &c.dwDeviceClassesOffset, classes, sizeof classes);
    }
    return finish(&f, &c);
}

#define PARTY_FLAGS                                                                                                    \
    (LINECALLPARTYID_BLOCKED | LINECALLPARTYID_NAME | LINECALLPARTYID_ADDRESS | LINECALLPARTYID_UNKNOWN |               \
     LINECALLPARTYID_UNAVAIL)

LONG cf_struct_address_caps(LINEADDRESSCAPS *out, DWORD version, DWORD device_id, const struct cf_reply_dev_caps *r)
{
    struct filler f;
    LONG error = filler_init(&f, out, cf_version_address_caps(version));
    if (error != 0)
        return error;
    LINEADDRESSCAPS c = {
        .dwLineDeviceID = device_id,
        .dwAddressSharing = LINEADDRESSSHARING_PRIVATE,
        .dwAddressStates = LINEADDRESSSTATE_OTHER | LINEADDRESSSTATE_NUMCALLS,
        .dwCallInfoStates = LINECALLINFOSTATE_OTHER | LINECALLINFOSTATE_MEDIAMODE | LINECALLINFOSTATE_NUMOWNERINCR |
                            LINECALLINFOSTATE_NUMOWNERDECR | LINECALLINFOSTATE_NUMMONITORS |
                            LINECALLINFOSTATE_CALLERID | LINECALLINFOSTATE_CALLEDID,
        .dwCallerIDFlags = PARTY_FLAGS,
        .dwCalledIDFlags = PARTY_FLAGS,
        .dwConnectedIDFlags = LINECALLPARTYID_UNAVAIL,
        .dwRedirectionIDFlags = LINECALLPARTYID_UNAVAIL,
        .dwRedirectingIDFlags = LINECALLPARTYID_UNAVAIL,
        .dwCallStates = r->call_states | LINECALLSTATE_UNKNOWN,
        .dwMaxNumActiveCalls = r->calls_max,
        .dwAddrCapFlags = r->addr_cap_flags,
        .dwCallFeatures = r->call_features,
        .dwRemoveFromConfCaps = LINEREMOVEFROMCONF_NONE,
        .dwAddressFeatures = (r->line_features & LINEFEATURE_MAKECALL) != 0 ? LINEADDRFEATURE_MAKECALL : 0,
        .dwMaxNoAnswerTimeout = 0xFFFF,
        .dwConnectedModes = LINECONNECTEDMODE_ACTIVE,
        .dwOfferingModes = LINEOFFERINGMODE_ACTIVE,
        .dwAvailableMediaModes = r->media_modes,
    };
    add_text(&f, &c.dwAddressSize, &c.dwAddressOffset, r->address);
    return finish(&f, &c);
}

LONG cf_struct_dev_status(LINEDEVSTATUS *out, DWORD version, DWORD line_features, DWORD media_modes,
                          const struct cf_reply_line_status *r)
{
    struct filler f;
    LONG error = filler_init(&f, out, cf_version_dev_status(version));
    if (error != 0)
        return error;
    LINEDEVSTATUS s = {
        .dwNumOpens = r->opens,
        .dwOpenMediaModes = r->open_media_modes,
        .dwNumActiveCalls = r->active_calls,
        .dwNumOnHoldCalls = r->on_hold_calls,
        .dwNumOnHoldPendCalls = r->on_hold_pending_calls,
        .dwLineFeatures = r->in_service ? line_features : 0,
        .dwDevStatusFlags = r->in_service ? LINEDEVSTATUSFLAGS_CONNECTED | LINEDEVSTATUSFLAGS_INSERVICE : 0,
        .dwAvailableMediaModes = r->in_service ? media_modes : 0,
    };
    return finish(&f, &s);
}

/* ------------------------------------------------------------------ calls */

LONG cf_struct_call_info(LINECALLINFO *out, DWORD version, HLINE line, const struct cf_reply_call_info *r)
{
    struct filler f;
    LONG error = filler_init(&f, out, cf_version_call_info(version));
    if (error != 0)
        return error;
    LINECALLINFO c = {
        .hLine = line,
        .dwLineDeviceID = r->device_id,
        .dwAddressID = r->address_id,
        .dwBearerMode = r->bearer_mode,
        .dwRate = r->rate,
        .dwMediaMode = r->media_mode,
        .dwAppSpecific = r->app_specific,
        .dwCallID = r->call_id,
        .dwRelatedCallID = r->related_call_id,
        .dwCallParamFlags = r->call_param_flags,
        .dwCallStates = r->call_states | LINECALLSTATE_UNKNOWN, /* M-67 */
        .dwOrigin = r->origin,
        .dwReason = r->reason,
        .dwNumOwners = r->owners,
        .dwNumMonitors = r->monitors,
        .dwCountryCode = r->country_code,
        .dwTrunk = r->trunk,
        .dwCallerIDFlags = r->caller_flags,
        .dwCalledIDFlags = r->called_flags,
        .dwConnectedIDFlags = LINECALLPARTYID_UNAVAIL,
        .dwRedirectionIDFlags = LINECALLPARTYID_UNAVAIL,
        .dwRedirectingIDFlags = LINECALLPARTYID_UNAVAIL,
    };
    add_text(&f, &c.dwCallerIDSize, &c.dwCallerIDOffset, r->caller);
    add_text(&f, &c.dwCalledIDSize, &c.dwCalledIDOffset, r->called);
    add_text(&f, &c.dwAppNameSize, &c.dwAppNameOffset, r->app_name);
    add_text(&f, &c.dwDevSpecificSize, &c.dwDevSpecificOffset, r->raw_cause);
    return finish(&f, &c);
}

static SYSTEMTIME system_time(int64_t utc_ns)
{
    if (utc_ns < 0)
        utc_ns = 0;
    time_t seconds = (time_t)(utc_ns / 1000000000);
    struct tm t;
    if (gmtime_r(&seconds, &t) == NULL)
        return (SYSTEMTIME){0};
    return (SYSTEMTIME){
        .wYear = (uint16_t)(t.tm_year + 1900),
        .wMonth = (uint16_t)(t.tm_mon + 1),
        .wDayOfWeek = (uint16_t)t.tm_wday,
        .wDay = (uint16_t)t.tm_mday,
        .wHour = (uint16_t)t.tm_hour,
        .wMinute = (uint16_t)t.tm_min,
        .wSecond = (uint16_t)t.tm_sec,
        .wMilliseconds = (uint16_t)(utc_ns / 1000000 % 1000),
    };
}

LONG cf_struct_call_status(LINECALLSTATUS *out, DWORD version, const struct cf_reply_call_status *r,
                           int64_t utc_offset_ns)
{
    struct filler f;
    LONG error = filler_init(&f, out, cf_version_call_status(version));
    if (error != 0)
        return error;
    LINECALLSTATUS s = {
        .dwCallState = r->state,
        .dwCallStateMode = cf_version_mode(version, r->state, r->mode),
        .dwCallPrivilege = r->privilege,
        .dwCallFeatures = r->features,
        .tStateEntryTime = system_time(r->state_time_ns + utc_offset_ns),
    };
    return finish(&f, &s);
}

/* ------------------------------------------------------------------ call lists */

DWORD cf_struct_call_list_room(const LINECALLLIST *list)
{
    return (DWORD)((list->dwTotalSize - sizeof *list) / sizeof(HCALL));
}

void cf_struct_call_list_put(LINECALLLIST *list, DWORD at, const HCALL *calls, DWORD count)
{
    /* Bytes, since the caller's list need not be aligned for handles. */
    memcpy((uint8_t *)list + sizeof *list + (size_t)at * sizeof(HCALL), calls, (size_t)count * sizeof(HCALL));
}

void cf_struct_call_list_done(LINECALLLIST *list, DWORD entries, DWORD needed_entries)
{
    DWORD bytes = entries * (DWORD)sizeof(HCALL);
    list->dwNeededSize = (DWORD)sizeof *list + needed_entries * (DWORD)sizeof(HCALL);
    list->dwUsedSize = (DWORD)sizeof *list + bytes;
    list->dwCallsNumEntries = entries;
    list->dwCallsSize = bytes;
    list->dwCallsOffset = bytes == 0 ? 0 : (DWORD)sizeof *list;
}

/* ------------------------------------------------------------------ features */

DWORD cf_call_features(DWORD state, DWORD privilege, DWORD line_can)
{
    return privilege == LINECALLPRIVILEGE_OWNER ? cf_operation_features(state) & line_can : 0;
}
