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
#include <unistd.h>

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

/* Bytes that a NUL is to follow; none are an empty part. */
static void add_string(struct filler *f, DWORD *size, DWORD *offset, const uint8_t *text, DWORD bytes)
{
    char whole[CF_CALL_TEXT_MAX + 1];
    DWORD length = bytes < CF_CALL_TEXT_MAX ? bytes : CF_CALL_TEXT_MAX;
    memcpy(whole, text, length);
    whole[length] = '\0';
    add(f, size, offset, whole, length == 0 ? 0 : length + 1);
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

bool cf_struct_text(VARSTRING *out, const void *text, DWORD bytes)
{
    VARSTRING s = {.dwTotalSize = out->dwTotalSize, .dwStringFormat = STRINGFORMAT_ASCII, .dwStringOffset = sizeof s, .dwStringSize = bytes + 1};
    if (s.dwTotalSize < sizeof s || s.dwTotalSize - sizeof s < s.dwStringSize)
        return false;
    s.dwNeededSize = s.dwUsedSize = (DWORD)sizeof s + s.dwStringSize;
    memcpy(out, &s, sizeof s);
    if (bytes != 0)
        memcpy((char *)out + sizeof s, text, bytes);
    ((char *)out)[sizeof s + bytes] = '\0';
    return true;
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
        .dwAddressModes = LINEADDRESSMODE_ADDRESSID | (r->address[0] != '\0' ? LINEADDRESSMODE_DIALABLEADDR : 0),
        .dwNumAddresses = r->addresses,
        .dwBearerModes = r->bearer_modes,
        .dwMaxRate = CF_RATE_MAX,
        .dwMediaModes = r->media_modes,
        .dwGenerateToneModes = r->generate_tone_modes,
        .dwGenerateToneMaxNumFreq = r->generate_tone_freqs,
        .dwGenerateDigitModes = r->digit_modes,
        .dwMonitorToneMaxNumFreq = r->monitor_tone_freqs,
        .dwMonitorToneMaxNumEntries = r->monitor_tone_entries,
        .dwMonitorDigitModes = r->monitor_digit_modes,
        .dwGatherDigitsMinTimeout = r->gather_timeout_min_ms,
        .dwGatherDigitsMaxTimeout = r->gather_timeout_max_ms,
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
        .dwUUISendUserUserInfoSize = (r->call_features & LINECALLFEATURE_SENDUSERUSER) != 0 ? CF_USER_USER_MAX : 0,
        .dwUUICallInfoSize = CF_USER_USER_MAX,
        .MinDialParams.dwDigitDuration = r->digit_modes != 0 ? CF_DIGIT_MS_MIN : 0,
        .MaxDialParams.dwDigitDuration = r->digit_modes != 0 ? CF_DIGIT_MS_MAX : 0,
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

static const char treatment_names[][12] = {
    [LINECALLTREATMENT_SILENCE] = "silence",
    [LINECALLTREATMENT_RINGBACK] = "ringback",
    [LINECALLTREATMENT_BUSY] = "busy",
    [LINECALLTREATMENT_MUSIC] = "music",
};
enum { TREATMENTS = sizeof treatment_names / sizeof treatment_names[0] };

/* The treatments of a mask: their entries, then their names, whose offsets count from the start of the structure; all or none. */
static void add_treatments(struct filler *f, LINEADDRESSCAPS *c, uint32_t mask)
{
    LINECALLTREATMENTENTRY entries[TREATMENTS];
    char names[sizeof treatment_names];
    DWORD count = 0, bytes = 0;
    for (DWORD id = 1; id < TREATMENTS; id++)
        count += mask >> id & 1;
    DWORD names_at = f->used + count * (DWORD)sizeof entries[0], at = 0;
    for (DWORD id = 1; id < TREATMENTS; id++) {
        if ((mask >> id & 1) == 0)
            continue;
        DWORD size = (DWORD)strlen(treatment_names[id]) + 1;
        entries[at++] = (LINECALLTREATMENTENTRY){id, size, names_at + bytes};
        memcpy(names + bytes, treatment_names[id], size);
        bytes += size;
    }
    DWORD all = count * (DWORD)sizeof entries[0], entries_bytes = all;
    uint8_t list[sizeof entries + sizeof names];
    memcpy(list, entries, entries_bytes);
    memcpy(list + entries_bytes, names, bytes);
    all += bytes;
    c->dwNumCallTreatments = count;
    add(f, &c->dwCallTreatmentListSize, &c->dwCallTreatmentListOffset, list, all);
    if (c->dwCallTreatmentListSize != 0)
        c->dwCallTreatmentListSize = entries_bytes;
}

#define PARTY_FLAGS                                                                                                    \
    (LINECALLPARTYID_BLOCKED | LINECALLPARTYID_NAME | LINECALLPARTYID_ADDRESS | LINECALLPARTYID_UNKNOWN |              \
     LINECALLPARTYID_UNAVAIL | LINECALLPARTYID_PARTIAL)

/* What may be done with an address, by what its line can do. */
static DWORD address_features(DWORD line_features)
{
    return (line_features & LINEFEATURE_MAKECALL) != 0 ? LINEADDRFEATURE_MAKECALL : 0;
}

LONG cf_struct_address_caps(LINEADDRESSCAPS *out, DWORD version, DWORD device_id, DWORD address_id,
                            const struct cf_reply_dev_caps *r)
{
    struct filler f;
    LONG error = filler_init(&f, out, cf_version_address_caps(version));
    if (error != 0)
        return error;
    LINEADDRESSCAPS c = {
        .dwLineDeviceID = device_id,
        .dwAddressSharing = LINEADDRESSSHARING_PRIVATE,
        .dwAddressStates = LINEADDRESSSTATE_OTHER | LINEADDRESSSTATE_INUSEZERO | LINEADDRESSSTATE_INUSEONE |
                           LINEADDRESSSTATE_INUSEMANY | LINEADDRESSSTATE_NUMCALLS |
                           ((r->more.address_features & LINEADDRFEATURE_FORWARD) != 0 ? LINEADDRESSSTATE_FORWARD : 0),
        .dwCallInfoStates = LINECALLINFOSTATE_OTHER | LINECALLINFOSTATE_MEDIAMODE | LINECALLINFOSTATE_APPSPECIFIC |
                            LINECALLINFOSTATE_NUMOWNERINCR | LINECALLINFOSTATE_NUMOWNERDECR |
                            LINECALLINFOSTATE_NUMMONITORS | LINECALLINFOSTATE_CALLERID | LINECALLINFOSTATE_CALLEDID |
                            LINECALLINFOSTATE_CONNECTEDID | LINECALLINFOSTATE_REDIRECTIONID |
                            LINECALLINFOSTATE_REDIRECTINGID |
                            ((r->call_features & (LINECALLFEATURE_MONITORDIGITS | LINECALLFEATURE_MONITORMEDIA)) != 0
                                 ? LINECALLINFOSTATE_MONITORMODES
                                 : 0) |
                            ((r->call_features & LINECALLFEATURE_SETCALLPARAMS) != 0
                                 ? LINECALLINFOSTATE_BEARERMODE | LINECALLINFOSTATE_RATE
                                 : 0) |
                            LINECALLINFOSTATE_USERUSERINFO |
                            ((r->call_features & LINECALLFEATURE_SETTREATMENT) != 0 ? LINECALLINFOSTATE_TREATMENT : 0) |
                            ((r->call_features & LINECALLFEATURE_SETCALLDATA) != 0 ? LINECALLINFOSTATE_CALLDATA : 0),
        .dwCallerIDFlags = PARTY_FLAGS,
        .dwCalledIDFlags = PARTY_FLAGS,
        .dwConnectedIDFlags = PARTY_FLAGS,
        .dwRedirectionIDFlags = PARTY_FLAGS,
        .dwRedirectingIDFlags = PARTY_FLAGS,
        .dwCallStates = r->call_states | LINECALLSTATE_UNKNOWN,
        .dwMaxNumActiveCalls = r->calls_max,
        .dwMaxNumOnHoldCalls = (r->call_features & LINECALLFEATURE_HOLD) != 0 ? r->calls_max : 0,
        .dwAddrCapFlags = r->addr_cap_flags,
        .dwCallFeatures = r->call_features,
        .dwTransferModes = r->transfer_modes,
        .dwMaxNumConference = r->conference_max,
        .dwRemoveFromConfCaps = r->remove_from_conf_caps != 0 ? r->remove_from_conf_caps : LINEREMOVEFROMCONF_NONE,
        .dwRemoveFromConfState = r->remove_from_conf_state,
        .dwParkModes = r->more.park_modes,
        .dwForwardModes = r->more.forward_modes,
        .dwMaxForwardEntries = r->more.forward_entries_max,
        .dwMaxSpecificEntries = r->more.forward_specific_max,
        .dwMinFwdNumRings = r->more.forward_rings_min,
        .dwMaxFwdNumRings = r->more.forward_rings_max,
        .dwMaxCallCompletions = r->more.completions_max,
        .dwCallCompletionConds = r->more.completion_conditions,
        .dwCallCompletionModes = r->more.completion_modes,
        .dwNumCompletionMessages = r->more.completion_messages,
        .dwAddressFeatures = address_features(r->line_features) | r->more.address_features,
        .dwMaxCallDataSize = (r->call_features & LINECALLFEATURE_SETCALLDATA) != 0 ? CF_CALL_DATA_MAX : 0,
        .dwMaxNoAnswerTimeout = 0xFFFF,
        .dwConnectedModes = LINECONNECTEDMODE_ACTIVE,
        .dwOfferingModes = LINEOFFERINGMODE_ACTIVE,
        .dwAvailableMediaModes = r->media_modes,
    };
    if (address_id == 0) /* the provider names the first */
        add_text(&f, &c.dwAddressSize, &c.dwAddressOffset, r->address);
    if (version >= CF_TAPI_VERSION_2_0)
        add_treatments(&f, &c, r->more.call_treatments);
    return finish(&f, &c);
}

/* Who has the line open: the list, then the names, to which its entries lead. All are on this machine. */
static void add_apps(struct filler *f, LINEDEVSTATUS *s, const struct cf_reply_app *apps, DWORD count)
{
    LINEAPPINFO entries[CF_OPENS_PER_LINE_MAX] = {{0}};
    char machine[CF_NAME_MAX] = "";
    gethostname(machine, sizeof machine - 1);
    add(f, &s->dwAppInfoSize, &s->dwAppInfoOffset, entries, count * (DWORD)sizeof entries[0]);
    for (DWORD i = 0; i < count; i++) {
        LINEAPPINFO *e = &entries[i];
        add_text(f, &e->dwMachineNameSize, &e->dwMachineNameOffset, machine);
        add_text(f, &e->dwModuleFilenameSize, &e->dwModuleFilenameOffset, apps[i].name);
        add_text(f, &e->dwFriendlyNameSize, &e->dwFriendlyNameOffset, apps[i].name);
        e->dwMediaModes = apps[i].media_modes;
        e->dwAddressID = apps[i].address;
    }
    if (s->dwAppInfoSize != 0)
        memcpy(f->out + s->dwAppInfoOffset, entries, s->dwAppInfoSize);
}

LONG cf_struct_dev_status(LINEDEVSTATUS *out, DWORD version, DWORD line_features, DWORD media_modes,
                          const struct cf_reply_line_status *r, const struct cf_reply_app *apps)
{
    struct filler f;
    LONG error = filler_init(&f, out, cf_version_dev_status(version));
    if (error != 0)
        return error;
    const DWORD both = LINEDEVSTATUSFLAGS_CONNECTED | LINEDEVSTATUSFLAGS_INSERVICE;
    bool usable = (r->status_flags & both) == both;
    LINEDEVSTATUS s = {
        .dwNumOpens = r->opens,
        .dwOpenMediaModes = r->open_media_modes,
        .dwNumActiveCalls = r->active_calls,
        .dwNumOnHoldCalls = r->on_hold_calls,
        .dwNumOnHoldPendCalls = r->on_hold_pending_calls,
        .dwLineFeatures = usable ? line_features : 0,
        .dwDevStatusFlags = r->status_flags,
        .dwAvailableMediaModes = usable ? media_modes : 0,
    };
    if (version >= CF_TAPI_VERSION_2_0)
        add_apps(&f, &s, apps, r->opens);
    return finish(&f, &s);
}

/* An address of an entry with its NUL, behind what is in list already; an empty one has neither size nor offset. */
static DWORD put_address(uint8_t *list, DWORD at, DWORD list_at, const uint8_t *address, DWORD bytes, DWORD *size,
                         DWORD *offset)
{
    if (bytes == 0)
        return at;
    memcpy(list + at, address, bytes);
    list[at + bytes] = '\0';
    *size = bytes + 1;
    *offset = list_at + at;
    return at + bytes + 1;
}

/* The entries, then their addresses, whose offsets count from the start of the structure; all or none. */
static void add_forwards(struct filler *f, LINEADDRESSSTATUS *s, const struct cf_reply_address_status *r)
{
    uint8_t list[CF_FORWARD_ENTRIES_MAX * (sizeof(LINEFORWARD) + 2 * (CF_FORWARD_ADDRESS_MAX + 1))];
    LINEFORWARD entries[CF_FORWARD_ENTRIES_MAX] = {{0}};
    struct cf_forward_entry e;
    const uint8_t *at = r->forwards,
                  *end = r->forwards + (r->forward_bytes < sizeof r->forwards ? r->forward_bytes : sizeof r->forwards);
    DWORD count = 0, n = 0;
    while (count < CF_FORWARD_ENTRIES_MAX && cf_forward_next(&at, end, &e) &&
           e.head.caller_bytes <= CF_FORWARD_ADDRESS_MAX && e.head.address_bytes <= CF_FORWARD_ADDRESS_MAX)
        count++;
    DWORD bytes = count * (DWORD)sizeof entries[0];
    for (at = r->forwards; n < count && cf_forward_next(&at, end, &e); n++) {
        LINEFORWARD *to = &entries[n];
        to->dwForwardMode = e.head.mode;
        to->dwDestCountryCode = e.head.country;
        bytes = put_address(list, bytes, f->used, e.caller, e.head.caller_bytes, &to->dwCallerAddressSize,
                            &to->dwCallerAddressOffset);
        bytes = put_address(list, bytes, f->used, e.address, e.head.address_bytes, &to->dwDestAddressSize,
                            &to->dwDestAddressOffset);
    }
    memcpy(list, entries, count * sizeof entries[0]);
    add(f, &s->dwForwardSize, &s->dwForwardOffset, list, bytes);
    if (s->dwForwardSize == 0)
        return;
    s->dwForwardNumEntries = count;
    s->dwForwardSize = count * (DWORD)sizeof entries[0];
}

LONG cf_struct_address_status(LINEADDRESSSTATUS *out, DWORD line_features, const struct cf_reply_address_status *r)
{
    struct filler f;
    LONG error = filler_init(&f, out, sizeof *out);
    if (error != 0)
        return error;
    LINEADDRESSSTATUS s = {
        .dwNumInUse = r->in_use,
        .dwNumActiveCalls = r->active_calls,
        .dwNumOnHoldCalls = r->on_hold_calls,
        .dwNumOnHoldPendCalls = r->on_hold_pending_calls,
        .dwAddressFeatures = r->in_service != 0 ? address_features(line_features) | r->address_features : 0,
        .dwNumRingsNoAnswer = r->forward_rings,
    };
    add_forwards(&f, &s, r);
    return finish(&f, &s);
}

LONG cf_struct_varstring(VARSTRING *out, DWORD format, const void *data, DWORD bytes)
{
    struct filler f;
    LONG error = filler_init(&f, out, sizeof *out);
    if (error != 0)
        return error;
    VARSTRING v = {.dwStringFormat = format};
    add(&f, &v.dwStringSize, &v.dwStringOffset, data, bytes);
    return finish(&f, &v);
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
        .dwCompletionID = r->completion_id,
        .dwNumOwners = r->owners,
        .dwNumMonitors = r->monitors,
        .dwMonitorDigitModes = r->monitor_digit_modes,
        .dwMonitorMediaModes = r->monitor_media_modes,
        .dwCountryCode = r->country_code,
        .dwTrunk = r->trunk,
        .dwCallerIDFlags = r->caller_flags,
        .dwCalledIDFlags = r->called_flags,
        .dwConnectedIDFlags = r->connected_flags,
        .dwRedirectionIDFlags = r->redirection_flags,
        .dwRedirectingIDFlags = r->redirecting_flags,
        .dwCallTreatment = r->call_treatment,
    };
    add_text(&f, &c.dwCallerIDSize, &c.dwCallerIDOffset, r->caller);
    add_text(&f, &c.dwCallerIDNameSize, &c.dwCallerIDNameOffset, r->caller_name);
    add_text(&f, &c.dwCalledIDSize, &c.dwCalledIDOffset, r->called);
    add_text(&f, &c.dwCalledIDNameSize, &c.dwCalledIDNameOffset, r->called_name);
    add_text(&f, &c.dwConnectedIDSize, &c.dwConnectedIDOffset, r->connected);
    add_text(&f, &c.dwConnectedIDNameSize, &c.dwConnectedIDNameOffset, r->connected_name);
    add_text(&f, &c.dwRedirectionIDSize, &c.dwRedirectionIDOffset, r->redirection);
    add_text(&f, &c.dwRedirectionIDNameSize, &c.dwRedirectionIDNameOffset, r->redirection_name);
    add_text(&f, &c.dwRedirectingIDSize, &c.dwRedirectingIDOffset, r->redirecting);
    add_text(&f, &c.dwRedirectingIDNameSize, &c.dwRedirectingIDNameOffset, r->redirecting_name);
    add_text(&f, &c.dwAppNameSize, &c.dwAppNameOffset, r->app_name);
    DWORD data_size = 0, data_offset = 0;
    DWORD *const places[CF_CALL_TEXTS][2] = {
        [CF_CALL_TEXT_DISPLAYABLE] = {&c.dwDisplayableAddressSize, &c.dwDisplayableAddressOffset},
        [CF_CALL_TEXT_CALLED_PARTY] = {&c.dwCalledPartySize, &c.dwCalledPartyOffset},
        [CF_CALL_TEXT_COMMENT] = {&c.dwCommentSize, &c.dwCommentOffset},
        [CF_CALL_TEXT_USER_USER] = {&c.dwUserUserInfoSize, &c.dwUserUserInfoOffset},
        [CF_CALL_TEXT_CALL_DATA] = {&data_size, &data_offset},
    };
    for (uint32_t kind = 0, at = 0; kind < CF_CALL_TEXTS; kind++) {
        uint32_t bytes = r->text_bytes[kind] < CF_CALL_TEXTS_BYTES - at ? r->text_bytes[kind] : CF_CALL_TEXTS_BYTES - at;
        if (kind <= CF_CALL_TEXT_COMMENT)
            add_string(&f, places[kind][0], places[kind][1], r->texts + at, bytes);
        else if (kind != CF_CALL_TEXT_CALL_DATA || version >= CF_TAPI_VERSION_2_0)
            add(&f, places[kind][0], places[kind][1], r->texts + at, bytes);
        at += bytes;
    }
    add_text(&f, &c.dwDevSpecificSize, &c.dwDevSpecificOffset, r->raw_cause);
    c.dwCallDataSize = data_size;
    c.dwCallDataOffset = data_offset;
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
    return cf_operation_features(state) & line_can &
           (privilege == LINECALLPRIVILEGE_OWNER ? UINT32_MAX : CF_MONITOR_FEATURES);
}
