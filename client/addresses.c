/*
 * Addresses: which number an address has, what it is doing, and the devices that belong to a line, an address or a call.
 *
 * Source     TAPI reference: lineGetAddressID, lineGetAddressStatus, lineGetID, LINEADDRESSSTATUS
 */
#include <string.h>
#include <strings.h>

#include "client/internal.h"

LONG lineGetAddressID(HLINE hLine, DWORD *lpdwAddressID, DWORD dwAddressMode, const char *lpsAddress, DWORD dwSize)
{
    LONG error;
    struct cf_line_slot *slot;
    struct cf_reply_dev_caps caps;
    struct cf_usage *u = cf_line_enter(hLine, &slot, &error);
    if (u == NULL)
        return error;
    if (lpdwAddressID == NULL || lpsAddress == NULL)
        error = LINEERR_INVALPOINTER;
    else if (dwAddressMode != LINEADDRESSMODE_DIALABLEADDR)
        error = LINEERR_INVALADDRESSMODE;
    else
        error = cf_line_ask_caps(u, cf_load_relaxed_32(&slot->device_id), &caps);
    cf_usage_leave(u);
    if (error != 0)
        return error;
    /* dwSize may count a NUL or not; of several addresses the provider names the first. */
    size_t length = strnlen(lpsAddress, dwSize), own = strnlen(caps.address, sizeof caps.address);
    if (length == 0 || length != own || memcmp(lpsAddress, caps.address, own) != 0)
        return LINEERR_INVALADDRESS;
    *lpdwAddressID = 0;
    return 0;
}

LONG lineGetAddressStatus(HLINE hLine, DWORD dwAddressID, LINEADDRESSSTATUS *lpAddressStatus)
{
    LONG error;
    struct cf_line_slot *slot;
    struct cf_reply_address_status status;
    struct cf_answer_to to = {.data = &status, .bytes = sizeof status};
    struct cf_record r;
    struct cf_usage *u = cf_line_enter(hLine, &slot, &error);
    if (u == NULL)
        return error;
    cf_request_init(&r, CF_REQ_ADDRESS_STATUS, hLine, cf_handle_slot(hLine));
    r.m.param1 = dwAddressID;
    error = cf_struct_check(lpAddressStatus, sizeof *lpAddressStatus);
    if (error == 0)
        error = cf_line_caps(u, hLine, slot);
    if (error == 0)
        error = cf_request_sync(u, &r, &to);
    if (error == 0)
        error = cf_struct_address_status(lpAddressStatus, cf_load_relaxed_32(&slot->line_features), &status);
    cf_usage_leave(u);
    return error;
}

/* ------------------------------------------------------------------ lineGetID */

/* Classes of TAPI's devices that no line here has; others do not exist. */
static const char *const classes_without_device[] = {
    "comm", "comm/datamodem", "comm/datamodem/portname", "comm/datamodem/dialout", "comm/extendedcaps", "tapi/phone",
    "tapi/terminal", "wave/in", "wave/out", "midi/in", "midi/out", "mciwave", "mcimidi", "ndis",
};

static LONG check_class(const char *device_class)
{
    if (device_class == NULL)
        return LINEERR_INVALPOINTER;
    if (strcasecmp(device_class, "tapi/line") == 0)
        return 0;
    for (size_t i = 0; i < sizeof classes_without_device / sizeof classes_without_device[0]; i++)
        if (strcasecmp(device_class, classes_without_device[i]) == 0)
            return LINEERR_NODEVICE;
    return LINEERR_INVALDEVICECLASS;
}

/* The device of a line, after a look at the address. */
static LONG device_of_line(HLINE line, DWORD address, bool of_address, DWORD *ret_device)
{
    LONG error;
    struct cf_line_slot *slot;
    struct cf_reply_dev_caps caps;
    struct cf_usage *u = cf_line_enter(line, &slot, &error);
    if (u == NULL)
        return error;
    *ret_device = cf_load_relaxed_32(&slot->device_id);
    error = of_address ? cf_line_ask_caps(u, *ret_device, &caps) : 0;
    cf_usage_leave(u);
    return error == 0 && of_address && address >= caps.addresses ? LINEERR_INVALADDRESSID : error;
}

static LONG device_of_call(HCALL call, DWORD *ret_device)
{
    LONG error = 0;
    struct cf_asked_call a;
    if (!cf_call_enter(call, &a, &error))
        return error;
    *ret_device = cf_load_relaxed_32(&a.open_line->device_id);
    cf_usage_leave(a.u);
    return 0;
}

LONG lineGetID(HLINE hLine, DWORD dwAddressID, HCALL hCall, DWORD dwSelect, VARSTRING *lpDeviceID,
               const char *lpszDeviceClass)
{
    DWORD device = 0;
    LONG error;
    switch (dwSelect) {
    case LINECALLSELECT_LINE:
    case LINECALLSELECT_ADDRESS:
        error = device_of_line(hLine, dwAddressID, dwSelect == LINECALLSELECT_ADDRESS, &device);
        break;
    case LINECALLSELECT_CALL:
        error = device_of_call(hCall, &device);
        break;
    default:
        error = LINEERR_INVALCALLSELECT;
    }
    if (error == 0)
        error = cf_struct_check(lpDeviceID, sizeof *lpDeviceID);
    if (error == 0)
        error = check_class(lpszDeviceClass);
    return error != 0 ? error : cf_struct_varstring(lpDeviceID, STRINGFORMAT_BINARY, &device, sizeof device);
}
