/*
 * Services of an exchange for a call: redirection, user-user information, call data, treatment, parking, completion.
 *
 * Errors     states, privileges and abilities are judged by the core, and told by LINE_REPLY
 * Source     TAPI reference: the pages of the functions
 */
#include <string.h>

#include "client/internal.h"
#include "shm/fields.h"

/* A request about a call that is being built; begin() is followed by end(), whatever happens in between. */
struct asking {
    struct cf_asked_call a;
    HCALL call;
    struct cf_record r;
    struct cf_outstanding more; /* output locations */
};

static bool begin(struct asking *q, HCALL call, uint16_t id, LONG *ret_error)
{
    *ret_error = 0;
    if (!cf_call_enter(call, &q->a, ret_error))
        return false;
    q->call = call;
    q->more = (struct cf_outstanding){0};
    cf_request_init(&q->r, id, call, cf_handle_slot(q->a.line));
    return true;
}

/* Sends it unless something is wrong already. */
static LONG end(struct asking *q, LONG error)
{
    if (error == 0)
        error = cf_call_send_with(&q->a, q->call, &q->r, &q->more);
    cf_usage_leave(q->a.u);
    return error;
}

/* Bytes of an application: none, or some that are there and no more than max. */
static LONG add_bytes(struct cf_record *r, uint16_t tag, const void *data, DWORD bytes, DWORD max, LONG too_many)
{
    if (bytes == 0)
        return 0;
    if (data == NULL)
        return LINEERR_INVALPOINTER;
    return bytes <= max && cf_fields_append(r, tag, data, bytes) ? 0 : too_many;
}

/* An address that has to be there. */
static LONG add_address(struct cf_record *r, const char *address)
{
    if (address == NULL)
        return LINEERR_INVALPOINTER;
    return *address == '\0' ? LINEERR_INVALADDRESS : cf_call_add_destination(r, address);
}

LONG lineRedirect(HCALL hCall, const char *lpszDestAddress, DWORD dwCountryCode)
{
    LONG error;
    struct asking q;
    if (!begin(&q, hCall, CF_REQ_REDIRECT, &error))
        return error;
    q.r.m.param2 = dwCountryCode;
    return end(&q, add_address(&q.r, lpszDestAddress));
}

LONG lineSecureCall(HCALL hCall)
{
    return cf_call_operate(hCall, CF_REQ_SECURE_CALL, 0, 0);
}

LONG lineSendUserUserInfo(HCALL hCall, const char *lpsUserUserInfo, DWORD dwSize)
{
    LONG error;
    struct asking q;
    if (!begin(&q, hCall, CF_REQ_SEND_USER_USER, &error))
        return error;
    return end(&q, add_bytes(&q.r, CF_FIELD_USER_USER, lpsUserUserInfo, dwSize, CF_USER_USER_MAX, LINEERR_USERUSERINFOTOOBIG));
}

LONG lineReleaseUserUserInfo(HCALL hCall)
{
    return cf_call_operate(hCall, CF_REQ_RELEASE_USER_USER, 0, 0);
}

LONG lineSetCallData(HCALL hCall, const void *lpCallData, DWORD dwSize)
{
    LONG error;
    struct asking q;
    if (!begin(&q, hCall, CF_REQ_SET_CALL_DATA, &error))
        return error;
    return end(&q, add_bytes(&q.r, CF_FIELD_CALL_DATA, lpCallData, dwSize, CF_CALL_DATA_MAX, LINEERR_INVALPARAM));
}

LONG lineSetCallTreatment(HCALL hCall, DWORD dwTreatment)
{
    return cf_call_operate(hCall, CF_REQ_SET_CALL_TREATMENT, dwTreatment, 0);
}

static LONG check_park(struct asking *q, DWORD mode, const char *address, const VARSTRING *room)
{
    switch (mode) {
    case LINEPARKMODE_DIRECTED:
        return add_address(&q->r, address);
    case LINEPARKMODE_NONDIRECTED:
        return cf_struct_check(room, sizeof *room);
    default:
        return LINEERR_INVALPARKMODE;
    }
}

LONG linePark(HCALL hCall, DWORD dwParkMode, const char *lpszDirAddress, VARSTRING *lpNonDirAddress)
{
    LONG error;
    struct asking q;
    if (!begin(&q, hCall, CF_REQ_PARK, &error))
        return error;
    q.r.m.param2 = dwParkMode;
    q.more.ret_string = dwParkMode == LINEPARKMODE_NONDIRECTED ? lpNonDirAddress : NULL;
    return end(&q, check_park(&q, dwParkMode, lpszDirAddress, lpNonDirAddress));
}

LONG lineCompleteCall(HCALL hCall, DWORD *lpdwCompletionID, DWORD dwCompletionMode, DWORD dwMessageID)
{
    LONG error;
    struct asking q;
    if (!begin(&q, hCall, CF_REQ_COMPLETE_CALL, &error))
        return error;
    q.r.m.param2 = dwCompletionMode;
    q.r.m.param3 = dwMessageID;
    q.more.ret_number = lpdwCompletionID;
    return end(&q, lpdwCompletionID == NULL ? LINEERR_INVALPOINTER : 0);
}
