/*
 * Dialable addresses: lineDial, and what no line may be able to wait for.
 *
 * Shape      digits, letters A to D, and signs of how to dial; what has anything else in it before the first | or ^ (a URI, a name) is no
 *            dialable address, and its provider makes of it what it can
 * Source     TAPI: Dialable Addresses; lineDial, lineMakeCall: DIALBILLING, DIALQUIET, DIALDIALTONE, DIALPROMPT
 */
#include <string.h>

#include "client/internal.h"
#include "shm/fields.h"

/* Which sign needs what of a line. A prompt no line can wait for: it is the application's to ask. */
static const struct {
    char sign;
    DWORD flag;
    LONG error;
} waits[] = {
    {'$', LINEDEVCAPFLAGS_DIALBILLING, LINEERR_DIALBILLING},
    {'@', LINEDEVCAPFLAGS_DIALQUIET, LINEERR_DIALQUIET},
    {'W', LINEDEVCAPFLAGS_DIALDIALTONE, LINEERR_DIALDIALTONE},
    {'w', LINEDEVCAPFLAGS_DIALDIALTONE, LINEERR_DIALDIALTONE},
    {'?', 0, LINEERR_DIALPROMPT},
};

static size_t number_length(const char *address)
{
    return strcspn(address, "|^");
}

static bool is_dialable(const char *address)
{
    return strspn(address, "0123456789ABCDabcd*#+!,;TtPpWw@$? ()-") == number_length(address);
}

/* The first sign that asks for something which flags do not have. */
static LONG first_error(const char *address, DWORD flags)
{
    for (size_t at = 0, length = number_length(address); at < length; at++)
        for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++)
            if (address[at] == waits[i].sign && (flags & waits[i].flag) == 0)
                return waits[i].error;
    return 0;
}

LONG cf_dial_error(struct cf_usage *u, HLINE line, struct cf_line_slot *slot, const char *address)
{
    if (address == NULL || !is_dialable(address) || first_error(address, 0) == 0)
        return 0;
    LONG error = cf_line_caps(u, line, slot);
    return error != 0 ? error : first_error(address, cf_load_relaxed_32(&slot->dev_cap_flags));
}

LONG lineDial(HCALL hCall, const char *lpszDestAddress, DWORD dwCountryCode)
{
    LONG error;
    struct cf_asked_call a;
    struct cf_record r;
    if (!cf_call_enter(hCall, &a, &error))
        return error;
    cf_request_init(&r, CF_REQ_DIAL, hCall, cf_handle_slot(a.line));
    r.m.param2 = dwCountryCode;
    size_t length = lpszDestAddress == NULL ? 0 : strnlen(lpszDestAddress, CF_DESTINATION_MAX + 1);
    if (lpszDestAddress == NULL)
        error = LINEERR_INVALPOINTER;
    else if (length > CF_DESTINATION_MAX || !cf_fields_append(&r, CF_FIELD_DESTINATION, lpszDestAddress, (uint32_t)length))
        error = LINEERR_INVALADDRESS;
    else
        error = cf_dial_error(a.u, a.line, a.open_line, lpszDestAddress);
    if (error == 0)
        error = cf_call_send(&a, hCall, &r, NULL, NULL);
    cf_usage_leave(a.u);
    return error;
}
