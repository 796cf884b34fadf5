/*
 * Transfers and conferences: what needs two calls, or makes them.
 *
 * Errors     states, privileges and abilities are judged by the core, and told by LINE_REPLY
 * Source     TAPI reference: lineSwapHold, lineSetupTransfer, lineCompleteTransfer, lineBlindTransfer, lineSetupConference,
 *            linePrepareAddToConference, lineAddToConference, lineRemoveFromConference, lineGetConfRelatedCalls; rules H-3 to H-9, H-16
 */
#include <string.h>

#include "client/internal.h"
#include "shm/fields.h"

/* What the caller means is a live handle: else the error that its place calls for. */
static LONG enter(HCALL call, LONG void_error, struct cf_asked_call *a)
{
    LONG error = 0;
    if (cf_call_enter(call, a, &error))
        return 0;
    return error == LINEERR_INVALCALLHANDLE ? void_error : error;
}

/* An operation that makes calls, whose handles go to one place or two. */
static LONG make(HCALL call, LONG void_error, uint16_t id, uint64_t param3, const LINECALLPARAMS *params, HCALL *ret_call,
                 HCALL *ret_second)
{
    struct cf_asked_call a;
    struct cf_record r;
    LONG error = enter(call, void_error, &a);
    if (error != 0)
        return error;
    cf_request_init(&r, id, call, cf_handle_slot(a.line));
    r.m.param3 = param3;
    error = cf_call_add_params(&r, a.version, params);
    if (error == 0)
        error = cf_call_add_target(&r, a.version, params);
    if (error == 0)
        error = cf_call_send(&a, call, &r, ret_call, ret_second);
    cf_usage_leave(a.u);
    return error;
}

/* An operation on two calls. */
static LONG both(HCALL first, LONG first_error, HCALL second, LONG second_error, uint16_t id, uint64_t param3, HCALL *ret_call)
{
    struct cf_asked_call a, b;
    struct cf_record r;
    LONG error = enter(first, first_error, &a);
    if (error != 0)
        return error;
    error = enter(second, second_error, &b);
    if (error == 0) {
        bool other = b.u != a.u; /* a handle of another lineInitializeEx */
        cf_usage_leave(b.u);
        error = other ? second_error : 0;
    }
    if (error == 0) {
        cf_request_init(&r, id, first, cf_handle_slot(a.line));
        r.m.param2 = second;
        r.m.param3 = param3;
        error = cf_call_send(&a, first, &r, ret_call, NULL);
    }
    cf_usage_leave(a.u);
    return error;
}

LONG lineSwapHold(HCALL hdActiveCall, HCALL hdHeldCall)
{
    return both(hdActiveCall, LINEERR_INVALCALLHANDLE, hdHeldCall, LINEERR_INVALCALLHANDLE, CF_REQ_SWAP_HOLD, 0, NULL);
}

LONG lineSetupTransfer(HCALL hCall, HCALL *lphConsultCall, const LINECALLPARAMS *lpCallParams)
{
    if (lphConsultCall == NULL)
        return cf_call_pointer_error(hCall, LINEERR_INVALCALLHANDLE);
    return make(hCall, LINEERR_INVALCALLHANDLE, CF_REQ_SETUP_TRANSFER, 0, lpCallParams, lphConsultCall, NULL);
}

LONG lineCompleteTransfer(HCALL hCall, HCALL hConsultCall, HCALL *lphConfCall, DWORD dwTransferMode)
{
    bool conference = dwTransferMode == LINETRANSFERMODE_CONFERENCE;
    bool known = conference || dwTransferMode == LINETRANSFERMODE_TRANSFER;
    if (!known || (conference && lphConfCall == NULL)) {
        LONG error = cf_call_pointer_error(hCall, LINEERR_INVALCALLHANDLE);
        return !known && error == LINEERR_INVALPOINTER ? LINEERR_INVALTRANSFERMODE : error;
    }
    return both(hCall, LINEERR_INVALCALLHANDLE, hConsultCall, LINEERR_INVALCONSULTCALLHANDLE, CF_REQ_COMPLETE_TRANSFER,
                dwTransferMode, conference ? lphConfCall : NULL);
}

LONG lineBlindTransfer(HCALL hCall, const char *lpszDestAddress, DWORD dwCountryCode)
{
    struct cf_asked_call a;
    struct cf_record r;
    LONG error = enter(hCall, LINEERR_INVALCALLHANDLE, &a);
    if (error != 0)
        return error;
    cf_request_init(&r, CF_REQ_BLIND_TRANSFER, hCall, cf_handle_slot(a.line));
    r.m.param2 = dwCountryCode;
    if (lpszDestAddress == NULL)
        error = LINEERR_INVALPOINTER;
    else
        error = *lpszDestAddress == '\0' ? LINEERR_INVALADDRESS : cf_call_add_destination(&r, lpszDestAddress);
    if (error == 0)
        error = cf_call_send(&a, hCall, &r, NULL, NULL);
    cf_usage_leave(a.u);
    return error;
}

/* Without a first call: on the line. */
static LONG setup_on_line(HLINE line, HCALL *ret_conference, HCALL *ret_consult, DWORD parties, const LINECALLPARAMS *params)
{
    LONG error;
    struct cf_record r;
    struct cf_usage *u = cf_usage_enter(line, CF_KIND_LINE, &error);
    if (u == NULL)
        return error;
    const struct cf_line_slot *slot = cf_line_find(u, line);
    DWORD version = slot == NULL ? 0 : cf_load_relaxed_32(&slot->api_version);
    cf_request_init(&r, CF_REQ_SETUP_CONFERENCE, line, cf_handle_slot(line));
    r.m.param3 = parties;
    if (slot == NULL)
        error = LINEERR_INVALLINEHANDLE;
    else if (ret_conference == NULL || ret_consult == NULL)
        error = LINEERR_INVALPOINTER;
    else
        error = cf_call_add_params(&r, version, params);
    if (error == 0)
        error = cf_call_add_target(&r, version, params);
    if (error == 0)
        error = cf_request_async(u, &r,
                                 &(struct cf_outstanding){
                                     .line = line,
                                     .ret_call = ret_conference,
                                     .ret_second = ret_consult,
                                     .callback_instance = cf_load_relaxed_64(&slot->callback_instance),
                                     .api_version = version,
                                 });
    cf_usage_leave(u);
    return error;
}

LONG lineSetupConference(HCALL hCall, HLINE hLine, HCALL *lphConfCall, HCALL *lphConsultCall, DWORD dwNumParties,
                         const LINECALLPARAMS *lpCallParams)
{
    if (hCall == 0)
        return setup_on_line(hLine, lphConfCall, lphConsultCall, dwNumParties, lpCallParams);
    if (lphConfCall == NULL || lphConsultCall == NULL)
        return cf_call_pointer_error(hCall, LINEERR_INVALCALLHANDLE);
    return make(hCall, LINEERR_INVALCALLHANDLE, CF_REQ_SETUP_CONFERENCE, dwNumParties, lpCallParams, lphConfCall,
                lphConsultCall);
}

LONG linePrepareAddToConference(HCALL hConfCall, HCALL *lphConsultCall, const LINECALLPARAMS *lpCallParams)
{
    if (lphConsultCall == NULL)
        return cf_call_pointer_error(hConfCall, LINEERR_INVALCONFCALLHANDLE);
    return make(hConfCall, LINEERR_INVALCONFCALLHANDLE, CF_REQ_PREPARE_ADD, 0, lpCallParams, lphConsultCall, NULL);
}

LONG lineAddToConference(HCALL hConfCall, HCALL hConsultCall)
{
    return both(hConfCall, LINEERR_INVALCONFCALLHANDLE, hConsultCall, LINEERR_INVALCALLHANDLE, CF_REQ_ADD_TO_CONFERENCE, 0,
                NULL);
}

LONG lineRemoveFromConference(HCALL hCall)
{
    return cf_call_operate(hCall, CF_REQ_REMOVE_FROM_CONFERENCE, 0, 0);
}

LONG lineGetConfRelatedCalls(HCALL hCall, LINECALLLIST *lpCallList)
{
    struct cf_asked_call a;
    LONG error = enter(hCall, LINEERR_INVALCALLHANDLE, &a);
    if (error != 0)
        return error;
    error = cf_struct_check(lpCallList, sizeof(LINECALLLIST));
    if (error == 0)
        error = cf_call_list_fill(a.u, CF_REQ_CONF_CALLS, hCall, a.line, 0, lpCallList);
    cf_usage_leave(a.u);
    return error;
}
