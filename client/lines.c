/*
 * Open lines: lineOpen, lineClose, what a device can do and is doing.
 *
 * Shape      struct cf_line_slot in the usage's line table; the library allocates the slot and tells the core its handle
 * Invariant  a slot is filled before its handle leaves the library; `opened` names the life in which the core has opened it
 * Writers    allocation: up_lock. Fields: the thread that opens, later lineSetStatusMessages; all read with relaxed loads, since a thread
 *            that holds a void handle may look at a slot in its next life
 * Errors     of the core pass through; where it has no slot for another open line: RESOURCEUNAVAIL
 * Source     rules H-14, H-31, H-60 to H-69, M-7
 */
#include <assert.h>
#include <string.h>

#include "client/internal.h"
#include "shm/operations.h"

#define OPEN_WINDOW 32u /* opens under way at once in cf_line_open_many() */

#define MEDIA_MODES_ALL                                                                                                \
    (LINEMEDIAMODE_UNKNOWN | LINEMEDIAMODE_INTERACTIVEVOICE | LINEMEDIAMODE_AUTOMATEDVOICE | LINEMEDIAMODE_DATAMODEM | \
     LINEMEDIAMODE_G3FAX | LINEMEDIAMODE_TDD | LINEMEDIAMODE_G4FAX | LINEMEDIAMODE_DIGITALDATA |                       \
     LINEMEDIAMODE_TELETEX | LINEMEDIAMODE_VIDEOTEX | LINEMEDIAMODE_TELEX | LINEMEDIAMODE_MIXED | LINEMEDIAMODE_ADSI | \
     LINEMEDIAMODE_VOICEVIEW | LINEMEDIAMODE_VIDEO)
#define LINE_STATES_ALL    0x01FFFFFFU
#define ADDRESS_STATES_ALL 0x000001FFU

struct cf_line_slot *cf_line_find(const struct cf_usage *u, HLINE line)
{
    if (cf_handle_kind(line) != CF_KIND_LINE || cf_handle_usage(line) != u->number)
        return NULL;
    return cf_handle_table_look_up(&u->lines, cf_handle_slot(line), cf_handle_generation(line));
}

HLINE cf_line_of_parent(const struct cf_usage *u, uint64_t parent)
{
    return cf_handle_of_usage(u->number, cf_handle_parent_index(parent), CF_KIND_LINE,
                              cf_handle_parent_generation(parent));
}

struct cf_usage *cf_line_enter(HLINE line, struct cf_line_slot **ret_slot, LONG *ret_error)
{
    struct cf_usage *u = cf_usage_enter(line, CF_KIND_LINE, ret_error);
    if (u == NULL)
        return NULL;
    *ret_slot = cf_line_find(u, line);
    if (*ret_slot != NULL)
        return u;
    cf_usage_leave(u);
    *ret_error = LINEERR_INVALLINEHANDLE;
    return NULL;
}

/* ------------------------------------------------------------------ capabilities */

LONG cf_line_ask_caps(struct cf_usage *u, DWORD device_id, struct cf_reply_dev_caps *ret_caps)
{
    struct cf_answer_to to = {.data = ret_caps, .bytes = sizeof *ret_caps};
    struct cf_record r;
    cf_request_init(&r, CF_REQ_DEV_CAPS, 0, CF_INDEX_NONE);
    r.m.param1 = device_id;
    return cf_request_sync(u, &r, &to);
}

LONG cf_line_caps(struct cf_usage *u, HLINE line, struct cf_line_slot *slot)
{
    struct cf_reply_dev_caps caps;
    uint32_t generation = cf_handle_generation(line);
    if (cf_load_acquire_32(&slot->caps_known) == generation) /* L1 */
        return 0;
    LONG error = cf_line_ask_caps(u, cf_load_relaxed_32(&slot->device_id), &caps);
    if (error != 0)
        return error;
    cf_store_relaxed_32(&slot->call_features, caps.call_features);
    cf_store_relaxed_32(&slot->line_features, caps.line_features);
    cf_store_relaxed_32(&slot->dev_cap_flags, caps.dev_cap_flags);
    cf_store_release_32(&slot->caps_known, generation); /* L1: after what it speaks of */
    return 0;
}

static LONG check_versions(DWORD api_version, DWORD ext_version)
{
    if (!cf_version_known(api_version))
        return LINEERR_INCOMPATIBLEAPIVERSION;
    return ext_version == 0 ? 0 : LINEERR_INCOMPATIBLEEXTVERSION;
}

LONG lineNegotiateAPIVersion(HLINEAPP hLineApp, DWORD dwDeviceID, DWORD dwAPILowVersion, DWORD dwAPIHighVersion,
                             DWORD *lpdwAPIVersion, LINEEXTENSIONID *lpExtensionID)
{
    LONG error;
    struct cf_reply_dev_caps caps;
    struct cf_usage *u = cf_usage_enter_app(hLineApp, &error);
    if (u == NULL)
        return error;
    DWORD common = cf_version_common(dwAPILowVersion, dwAPIHighVersion);
    error = lpdwAPIVersion == NULL ? LINEERR_INVALPOINTER : cf_line_ask_caps(u, dwDeviceID, &caps);
    if (error == 0 && common == 0)
        error = LINEERR_INCOMPATIBLEAPIVERSION;
    cf_usage_leave(u);
    if (error != 0)
        return error;
    *lpdwAPIVersion = common;
    if (lpExtensionID != NULL)
        *lpExtensionID = (LINEEXTENSIONID){0};
    return 0;
}

LONG lineGetDevCaps(HLINEAPP hLineApp, DWORD dwDeviceID, DWORD dwAPIVersion, DWORD dwExtVersion,
                    LINEDEVCAPS *lpLineDevCaps)
{
    LONG error;
    struct cf_reply_dev_caps caps;
    struct cf_usage *u = cf_usage_enter_app(hLineApp, &error);
    if (u == NULL)
        return error;
    error = lpLineDevCaps == NULL ? LINEERR_INVALPOINTER : check_versions(dwAPIVersion, dwExtVersion);
    if (error == 0)
        error = cf_struct_check(lpLineDevCaps, cf_version_dev_caps(dwAPIVersion));
    if (error == 0)
        error = cf_line_ask_caps(u, dwDeviceID, &caps);
    if (error == 0)
        error = cf_struct_dev_caps(lpLineDevCaps, dwAPIVersion, &caps);
    cf_usage_leave(u);
    return error;
}

LONG lineGetAddressCaps(HLINEAPP hLineApp, DWORD dwDeviceID, DWORD dwAddressID, DWORD dwAPIVersion, DWORD dwExtVersion,
                        LINEADDRESSCAPS *lpAddressCaps)
{
    LONG error;
    struct cf_reply_dev_caps caps;
    struct cf_usage *u = cf_usage_enter_app(hLineApp, &error);
    if (u == NULL)
        return error;
    error = lpAddressCaps == NULL ? LINEERR_INVALPOINTER : check_versions(dwAPIVersion, dwExtVersion);
    if (error == 0)
        error = cf_struct_check(lpAddressCaps, cf_version_address_caps(dwAPIVersion));
    if (error == 0)
        error = cf_line_ask_caps(u, dwDeviceID, &caps);
    if (error == 0 && dwAddressID >= caps.addresses)
        error = LINEERR_INVALADDRESSID;
    if (error == 0)
        error = cf_struct_address_caps(lpAddressCaps, dwAPIVersion, dwDeviceID, dwAddressID, &caps);
    cf_usage_leave(u);
    return error;
}

/* ------------------------------------------------------------------ opening */

/* What all lines of one call have in common. */
struct open_as {
    DWORD api_version, privileges, media_modes, address_id;
    DWORD_PTR callback_instance;
};

struct opening {
    HLINE line;
    struct cf_line_slot *slot;
    struct cf_ticket ticket;
    DWORD device_id;
};

static LONG check_privileges(DWORD privileges, DWORD media_modes)
{
    DWORD choice = privileges & ~LINEOPENOPTION_SINGLEADDRESS;
    if ((privileges & LINEOPENOPTION_PROXY) != 0)
        return LINEERR_OPERATIONUNAVAIL;
    if (choice != LINECALLPRIVILEGE_NONE && choice != LINECALLPRIVILEGE_MONITOR && choice != LINECALLPRIVILEGE_OWNER &&
        choice != (LINECALLPRIVILEGE_MONITOR | LINECALLPRIVILEGE_OWNER))
        return LINEERR_INVALPRIVSELECT;
    if ((choice & LINECALLPRIVILEGE_OWNER) != 0 && (media_modes == 0 || (media_modes & ~MEDIA_MODES_ALL) != 0))
        return LINEERR_INVALMEDIAMODE;
    return 0;
}

static LONG check_open(struct open_as *as, const LINECALLPARAMS *params)
{
    LONG error = check_versions(as->api_version, 0);
    if (error == 0)
        error = check_privileges(as->privileges, as->media_modes);
    if (error == 0 && params != NULL)
        error = cf_struct_check(params, cf_version_call_params(as->api_version));
    if (error != 0 || (as->privileges & LINEOPENOPTION_SINGLEADDRESS) == 0)
        return error;
    if (params == NULL)
        return LINEERR_INVALPOINTER;
    if (params->dwAddressMode != LINEADDRESSMODE_ADDRESSID)
        return LINEERR_INVALADDRESSMODE;
    as->address_id = params->dwAddressID;
    return 0;
}

/* Fills the slot of a new life. Other threads look at it only once they know the handle, or through `opened`. */
static HLINE slot_fill(struct cf_usage *u, struct cf_line_slot *slot, uint32_t index, uint32_t generation,
                       DWORD device_id, const struct open_as *as)
{
    cf_store_relaxed_32(&slot->device_id, device_id);
    cf_store_relaxed_32(&slot->api_version, as->api_version);
    cf_store_relaxed_64(&slot->callback_instance, as->callback_instance);
    cf_store_relaxed_64(&slot->opened_as_of, UINT64_MAX);
    cf_store_relaxed_32(&slot->line_states, 0);
    cf_store_relaxed_32(&slot->address_states, 0);
    return cf_handle_of_usage(u->number, index, CF_KIND_LINE, generation);
}

static LONG open_begin(struct cf_usage *u, DWORD device_id, const struct open_as *as, struct opening *ret)
{
    uint32_t index;
    pthread_mutex_lock(&u->up_lock);
    uint32_t generation = cf_handle_table_allocate(&u->lines, &index);
    if (generation > u->line_generation_max)
        u->line_generation_max = generation;
    pthread_mutex_unlock(&u->up_lock);
    if (generation == 0)
        return LINEERR_RESOURCEUNAVAIL;
    ret->device_id = device_id;
    ret->slot = cf_handle_table_slot(&u->lines, index);
    assert(ret->slot != NULL); /* it was allocated */
    ret->line = slot_fill(u, ret->slot, index, generation, device_id, as);
    struct cf_record r;
    DWORD media_modes = (as->privileges & LINECALLPRIVILEGE_OWNER) != 0 ? as->media_modes : 0;
    cf_request_init(&r, CF_REQ_OPEN, ret->line, index);
    r.m.param1 = device_id;
    r.m.param2 = as->privileges | (uint64_t)media_modes << 32;
    r.m.param3 = as->api_version | (uint64_t)as->address_id << 32;
    LONG error = cf_request_begin(u, &r, &ret->ticket);
    if (error != 0)
        cf_handle_table_release(&u->lines, index, generation);
    return error;
}

static LONG open_end(struct cf_usage *u, struct opening *o, HLINE *ret_line)
{
    uint32_t index = cf_handle_slot(o->line), generation = cf_handle_generation(o->line);
    uint64_t nothing;
    struct cf_answer_to to = {.data = &nothing, .bytes = 0};
    LONG error = cf_request_end(u, &o->ticket, &to);
    if (error == 0) {
        cf_store_relaxed_64(&o->slot->opened_as_of, to.as_of);
        cf_store_release_32(&o->slot->opened, generation); /* L0 pairs with L0 in cf_message_make() */
        cf_fence_store_load();
        /* When the service is gone, either the consumer finds the line opened and closes it, or we do. */
        if (cf_load_acquire_32(&u->gone) == 0 || !cf_handle_table_release(&u->lines, index, generation)) {
            *ret_line = o->line;
            return 0;
        }
        return LINEERR_OPERATIONFAILED;
    }
    cf_handle_table_release(&u->lines, index, generation);
    /* The core has fewer slots for open lines than the library. */
    return error == LINEERR_INVALLINEHANDLE ? LINEERR_RESOURCEUNAVAIL : error;
}

static LONG open_one(struct cf_usage *u, DWORD device_id, const struct open_as *as, HLINE *ret_line)
{
    struct opening o;
    LONG error = open_begin(u, device_id, as, &o);
    return error != 0 ? error : open_end(u, &o, ret_line);
}

/* The device has the address that the parameters name: by its number, or as it is dialled. */
static bool has_address(const struct cf_reply_dev_caps *caps, const LINECALLPARAMS *p)
{
    if (p->dwAddressMode == LINEADDRESSMODE_ADDRESSID)
        return p->dwAddressID < caps->addresses;
    if (p->dwAddressMode != LINEADDRESSMODE_DIALABLEADDR)
        return p->dwAddressMode == 0;
    DWORD size = p->dwOrigAddressSize, offset = p->dwOrigAddressOffset;
    if (offset > p->dwTotalSize || size > p->dwTotalSize - offset)
        return false;
    const char *address = (const char *)p + offset;
    size_t length = strnlen(address, size);
    return length != 0 && length == strnlen(caps->address, sizeof caps->address) &&
           memcmp(address, caps->address, length) == 0;
}

/* The device can do what the parameters ask of a call. */
static bool can_call(const struct cf_reply_dev_caps *caps, const LINECALLPARAMS *p)
{
    return (p->dwBearerMode & ~caps->bearer_modes) == 0 && p->dwMinRate <= CF_RATE_MAX && has_address(caps, p);
}

/* LINEMAPPER: the first device in service that has the media modes and can do what the parameters ask for, and makes calls where nothing
 * but that was asked for. One that may not be opened is passed over. */
static LONG open_any(struct cf_usage *u, const struct open_as *as, const LINECALLPARAMS *params, HLINE *ret_line)
{
    struct cf_reply_devices devices;
    struct cf_answer_to to = {.data = &devices, .bytes = sizeof devices};
    struct cf_record r;
    DWORD modes = params != NULL ? params->dwMediaMode : 0;
    if ((as->privileges & LINECALLPRIVILEGE_OWNER) != 0)
        modes |= as->media_modes;
    cf_request_init(&r, CF_REQ_DEVICES, 0, CF_INDEX_NONE);
    LONG error = cf_request_sync(u, &r, &to);
    for (DWORD id = 0; error == 0 && id < devices.devices; id++) {
        struct cf_reply_dev_caps caps;
        LONG asked = cf_line_ask_caps(u, id, &caps);
        if (asked == LINEERR_OPERATIONFAILED)
            return asked;
        bool fits = asked == 0 && caps.in_service != 0 && (modes & ~caps.media_modes) == 0 &&
                    (params == NULL || can_call(&caps, params)) &&
                    (as->privileges != LINECALLPRIVILEGE_NONE || (caps.line_features & LINEFEATURE_MAKECALL) != 0);
        if (fits && open_one(u, id, as, ret_line) == 0)
            return 0;
    }
    return error != 0 ? error : LINEERR_LINEMAPPERFAILED;
}

/* H-73: with a service that has gone nothing can be opened any more, whatever it was that failed. */
static LONG open_error(struct cf_usage *u, LONG error)
{
    return error == LINEERR_OPERATIONFAILED && cf_usage_hung_up(u) ? LINEERR_REINIT : error;
}

LONG lineOpen(HLINEAPP hLineApp, DWORD dwDeviceID, HLINE *lphLine, DWORD dwAPIVersion, DWORD dwExtVersion,
              DWORD_PTR dwCallbackInstance, DWORD dwPrivileges, DWORD dwMediaModes, const LINECALLPARAMS *lpCallParams)
{
    LONG error;
    HLINE line = 0;
    struct open_as as = {dwAPIVersion, dwPrivileges, dwMediaModes, 0, dwCallbackInstance};
    struct cf_usage *u = cf_usage_enter_app(hLineApp, &error);
    if (u == NULL)
        return error;
    error = lphLine == NULL ? LINEERR_INVALPOINTER : check_versions(dwAPIVersion, dwExtVersion);
    if (error == 0)
        error = check_open(&as, lpCallParams);
    if (error == 0 && dwDeviceID == LINEMAPPER)
        error = open_any(u, &as, lpCallParams, &line);
    else if (error == 0)
        error = open_one(u, dwDeviceID, &as, &line);
    error = open_error(u, error);
    cf_usage_leave(u);
    if (error == 0)
        *lphLine = line;
    return error;
}

/* Up to OPEN_WINDOW lines: all asked for before the first answer is awaited. Returns how many were opened. */
static uint32_t open_window(struct cf_usage *u, const DWORD *device_ids, uint32_t count, HLINE *ret_lines,
                            LONG *ret_errors, const struct open_as *as)
{
    struct opening o[OPEN_WINDOW];
    LONG errors[OPEN_WINDOW];
    uint32_t opened = 0;
    for (uint32_t i = 0; i < count; i++)
        errors[i] = device_ids[i] == LINEMAPPER ? 0 : open_begin(u, device_ids[i], as, &o[i]);
    for (uint32_t i = 0; i < count; i++) {
        ret_lines[i] = 0;
        if (device_ids[i] == LINEMAPPER)
            errors[i] = open_any(u, as, NULL, &ret_lines[i]);
        else if (errors[i] == 0)
            errors[i] = open_end(u, &o[i], &ret_lines[i]);
        errors[i] = open_error(u, errors[i]);
        opened += errors[i] == 0;
        if (ret_errors != NULL)
            ret_errors[i] = errors[i];
    }
    return opened;
}

LONG cf_line_open_many(HLINEAPP app, const DWORD *device_ids, uint32_t count, HLINE *ret_lines, LONG *ret_errors,
                       DWORD api_version, DWORD_PTR callback_instance, DWORD privileges, DWORD media_modes)
{
    LONG error;
    uint32_t opened = 0;
    struct open_as as = {api_version, privileges, media_modes, 0, callback_instance};
    struct cf_usage *u = cf_usage_enter_app(app, &error);
    if (u == NULL)
        return error;
    error = count != 0 && (device_ids == NULL || ret_lines == NULL) ? LINEERR_INVALPOINTER : check_open(&as, NULL);
    for (uint32_t at = 0; error == 0 && at < count; at += OPEN_WINDOW) {
        uint32_t n = count - at < OPEN_WINDOW ? count - at : OPEN_WINDOW;
        opened += open_window(u, device_ids + at, n, ret_lines + at, ret_errors != NULL ? ret_errors + at : NULL, &as);
    }
    cf_usage_leave(u);
    return error != 0 ? error : (LONG)opened;
}

/* ------------------------------------------------------------------ closing */

LONG lineClose(HLINE hLine)
{
    LONG error;
    struct cf_usage *u = cf_usage_enter(hLine, CF_KIND_LINE, &error);
    if (u == NULL)
        return error;
    bool ours = cf_line_find(u, hLine) != NULL &&
                cf_handle_table_release(&u->lines, cf_handle_slot(hLine), cf_handle_generation(hLine));
    if (ours) {
        struct cf_record r;
        cf_request_drop(u, hLine);
        cf_request_init(&r, CF_REQ_CLOSE, hLine, cf_handle_slot(hLine));
        cf_request_silent(u, &r, true); /* a service that is gone has closed it already */
        /* A reply being handed out this moment has written its output location when we return, which may end then. */
        pthread_mutex_lock(&u->down_lock);
        pthread_mutex_unlock(&u->down_lock);
        cf_gather_forget(u);
    }
    cf_usage_leave(u);
    return ours ? 0 : LINEERR_INVALLINEHANDLE;
}

/* ------------------------------------------------------------------ status */

struct line_status {
    struct cf_reply_line_status head;
    struct cf_reply_app apps[CF_OPENS_PER_LINE_MAX];
};

/* The status, and in slices who has the line open: each is true of the moment in which its slice was made. */
static LONG ask_status(struct cf_usage *u, HLINE line, struct line_status *ret)
{
    struct {
        struct cf_reply_line_status head;
        struct cf_reply_app apps[CF_APPS_PER_SLICE];
    } slice;
    uint32_t from = 0, count = 0;
    do {
        struct cf_answer_to to = {.data = &slice, .bytes = sizeof slice};
        struct cf_record r;
        cf_request_init(&r, CF_REQ_LINE_STATUS, line, cf_handle_slot(line));
        r.m.param1 = from;
        LONG error = cf_request_sync(u, &r, &to);
        if (error != 0)
            return error;
        if (from == 0)
            ret->head = slice.head;
        for (uint32_t i = 0; i < slice.head.apps && i < CF_APPS_PER_SLICE && count < CF_OPENS_PER_LINE_MAX; i++)
            ret->apps[count++] = slice.apps[i];
        from = slice.head.next > from ? slice.head.next : 0;
    } while (from != 0);
    ret->head.opens = count;
    return 0;
}

LONG lineGetLineDevStatus(HLINE hLine, LINEDEVSTATUS *lpLineDevStatus)
{
    LONG error;
    struct cf_line_slot *slot;
    struct line_status status;
    struct cf_reply_dev_caps caps;
    struct cf_usage *u = cf_line_enter(hLine, &slot, &error);
    if (u == NULL)
        return error;
    DWORD version = cf_load_relaxed_32(&slot->api_version);
    error = cf_struct_check(lpLineDevStatus, cf_version_dev_status(version));
    if (error == 0)
        error = ask_status(u, hLine, &status);
    if (error == 0)
        error = cf_line_ask_caps(u, cf_load_relaxed_32(&slot->device_id), &caps);
    if (error == 0)
        error = cf_struct_dev_status(lpLineDevStatus, version, caps.line_features, caps.media_modes, &status.head, status.apps);
    cf_usage_leave(u);
    return error;
}

LONG lineSetStatusMessages(HLINE hLine, DWORD dwLineStates, DWORD dwAddressStates)
{
    LONG error;
    struct cf_line_slot *slot;
    struct cf_usage *u = cf_line_enter(hLine, &slot, &error);
    if (u == NULL)
        return error;
    struct cf_record r;
    cf_request_init(&r, CF_REQ_STATUS_MESSAGES, hLine, cf_handle_slot(hLine));
    r.m.param1 = dwLineStates;
    r.m.param2 = dwAddressStates;
    if ((dwLineStates & ~LINE_STATES_ALL) != 0)
        error = LINEERR_INVALLINESTATE;
    else if ((dwAddressStates & ~ADDRESS_STATES_ALL) != 0)
        error = LINEERR_INVALADDRESSSTATE;
    else
        error = cf_request_sync(u, &r, NULL);
    if (error == 0) {
        cf_store_relaxed_32(&slot->line_states, dwLineStates);
        cf_store_relaxed_32(&slot->address_states, dwAddressStates);
    }
    cf_usage_leave(u);
    return error;
}

LONG lineGetStatusMessages(HLINE hLine, DWORD *lpdwLineStates, DWORD *lpdwAddressStates)
{
    LONG error;
    struct cf_line_slot *slot;
    struct cf_usage *u = cf_line_enter(hLine, &slot, &error);
    if (u == NULL)
        return error;
    if (lpdwLineStates == NULL || lpdwAddressStates == NULL) {
        error = LINEERR_INVALPOINTER;
    } else {
        *lpdwLineStates = cf_load_relaxed_32(&slot->line_states);
        *lpdwAddressStates = cf_load_relaxed_32(&slot->address_states);
        error = 0;
    }
    cf_usage_leave(u);
    return error;
}
