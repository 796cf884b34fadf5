/*
 * TAPI 2.2's functions for the services of an exchange: partial dialling, redirection, user-user information, call data, parking and
 * picking up, forwarding, call completion. callfan/tapi.h includes it, and what it says on top holds here too.
 *
 * Errors     whether a line can do it: LINEADDRESSCAPS.dwCallFeatures and dwAddressFeatures, LINEDEVCAPS.dwLineFeatures; else
 *            OPERATIONUNAVAIL. Sizes: LINEDEVCAPS.dwUUI...Size, LINEADDRESSCAPS.dwMaxCallDataSize
 */
#ifndef CALLFAN_TAPI_SERVICES_H
#define CALLFAN_TAPI_SERVICES_H

#include "callfan/tapi.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- on a call -------------------------------------------------------------------------------- */

/* Dials (on) in a call that is DIALTONE or DIALING (or UNKNOWN). A semicolon at the end of the address says that more will come; an
 * empty address, that the number is complete. A dialable address with $, @, W or ?, for which the line cannot wait (LINEDEVCAPFLAGS_
 * DIALBILLING, DIALQUIET, DIALDIALTONE), is refused at once, and nothing is dialled. Owner. Asynchronous. INVALCALLHANDLE,
 * INVALPOINTER, DIALBILLING, DIALQUIET, DIALDIALTONE, DIALPROMPT, INVALADDRESS (over 255 bytes; with a semicolon where
 * LINEADDRCAPFLAGS_PARTIALDIAL is not set), NOTOWNER, INVALCALLSTATE, OPERATIONUNAVAIL, REQUESTOVERRUN. */
CF_API LONG lineDial(HCALL hCall, const char *lpszDestAddress, DWORD dwCountryCode);

/* Sends an OFFERING call on to that address, without answering it: it becomes IDLE. Owner. Asynchronous. INVALCALLHANDLE, INVALPOINTER,
 * INVALADDRESS (over 255 bytes, or empty), NOTOWNER, INVALCALLSTATE, OPERATIONUNAVAIL, REQUESTOVERRUN. */
CF_API LONG lineRedirect(HCALL hCall, const char *lpszDestAddress, DWORD dwCountryCode);

/* Keeps a call, as long as it lasts, from what could disturb its media (call waiting). Any state but IDLE. Owner. Asynchronous.
 * INVALCALLHANDLE, NOTOWNER, INVALCALLSTATE, OPERATIONUNAVAIL, REQUESTOVERRUN. */
CF_API LONG lineSecureCall(HCALL hCall);

/* Sends dwSize bytes to the other end of a call that is CONNECTED, OFFERING, ACCEPTED or RINGBACK. What comes from there is
 * LINECALLINFO.UserUserInfo, told by LINE_CALLINFO(USERUSERINFO). Owner. Asynchronous. INVALCALLHANDLE, INVALPOINTER, USERUSERINFOTOOBIG,
 * NOTOWNER, INVALCALLSTATE, OPERATIONUNAVAIL, REQUESTOVERRUN. */
CF_API LONG lineSendUserUserInfo(HCALL hCall, const char *lpsUserUserInfo, DWORD dwSize);

/* Gives back LINECALLINFO.UserUserInfo, so that what came meanwhile may be shown. Any state but IDLE. Owner. Asynchronous. As
 * lineSecureCall. */
CF_API LONG lineReleaseUserUserInfo(HCALL hCall);

/* Keeps dwSize bytes with a call, 0: none any more. Everyone with a handle learns of them by LINE_CALLINFO(CALLDATA) and finds them in
 * LINECALLINFO.CallData (2.0). Any state but IDLE. Owner. Asynchronous. INVALCALLHANDLE, INVALPOINTER, INVALPARAM (more than
 * dwMaxCallDataSize), NOTOWNER, INVALCALLSTATE, OPERATIONUNAVAIL, REQUESTOVERRUN. */
CF_API LONG lineSetCallData(HCALL hCall, const void *lpCallData, DWORD dwSize);

/* Chooses what the other end hears while a call is on hold or unanswered: one of LINEADDRESSCAPS.CallTreatments. LINE_CALLINFO(TREATMENT)
 * follows. Any state but IDLE. Owner. Asynchronous. INVALCALLHANDLE, INVALPARAM (not one of those), NOTOWNER, INVALCALLSTATE,
 * OPERATIONUNAVAIL, REQUESTOVERRUN. */
CF_API LONG lineSetCallTreatment(HCALL hCall, DWORD dwTreatment);

/* Parks a CONNECTED call: it becomes IDLE. LINEPARKMODE_DIRECTED: at lpszDirAddress. LINEPARKMODE_NONDIRECTED: where the exchange chooses, which
 * is in *lpNonDirAddress when LINE_REPLY(0) is handed out, and must live until then; a LINE_REPLY with STRUCTURETOOSMALL says that the
 * call is parked and the address lost, as it has up to 52 bytes. Owner. Asynchronous. INVALCALLHANDLE, INVALPARKMODE, INVALPOINTER,
 * INVALADDRESS, STRUCTURETOOSMALL, NOTOWNER, INVALCALLSTATE, OPERATIONUNAVAIL (also of that mode), REQUESTOVERRUN. */
CF_API LONG linePark(HCALL hCall, DWORD dwParkMode, const char *lpszDirAddress, VARSTRING *lpNonDirAddress);

/* Asks that a call which is BUSY or RINGBACK be completed later. *lpdwCompletionID is written when LINE_REPLY(0) is handed out, and must live
 * until then; the call that comes of it has it in LINECALLINFO.dwCompletionID, with reason CALLCOMPLETION. dwCompletionMode: one of
 * LINECALLCOMPLMODE_; dwMessageID counts for _MESSAGE. Owner. Asynchronous. INVALCALLHANDLE, INVALPOINTER, INVALCALLCOMPLMODE, INVALMESSAGEID,
 * NOTOWNER, INVALCALLSTATE, OPERATIONUNAVAIL (also of that mode), COMPLETIONOVERRUN, REQUESTOVERRUN. */
CF_API LONG lineCompleteCall(HCALL hCall, DWORD *lpdwCompletionID, DWORD dwCompletionMode, DWORD dwMessageID);

/* ---- on a line -------------------------------------------------------------------------------- */

/* Takes the call that was parked at that address: a new call with reason UNPARK, whose sole owner the asker is. *lphCall as with
 * lineMakeCall. Whatever the line was opened with. Asynchronous. INVALLINEHANDLE, INVALPOINTER, INVALADDRESS, INVALADDRESSID,
 * OPERATIONUNAVAIL, NOMEM, CALLUNAVAIL, REQUESTOVERRUN. */
CF_API LONG lineUnpark(HLINE hLine, DWORD dwAddressID, HCALL *lphCall, const char *lpszDestAddress);

/* Takes a call that alerts elsewhere: at lpszDestAddress, or in the group lpszGroupID, or, both NULL, in the address's own group, or the
 * call that waits. A new call with reason PICKUP, whose sole owner the asker is. Asynchronous. As lineUnpark, and INVALGROUPID (over 255
 * bytes, or a group where LINEADDRCAPFLAGS_PICKUPGROUPID is not set). */
CF_API LONG linePickup(HLINE hLine, DWORD dwAddressID, HCALL *lphCall, const char *lpszDestAddress, const char *lpszGroupID);

/* Sets where calls of an address (bAllAddresses: of each) go from now on: the whole list, at most LINEADDRESSCAPS.dwMaxForwardEntries; NULL or an
 * empty one cancels all of it. An entry without destination keeps its calls off. dwNumRingsNoAnswer is brought into the address's
 * range. A line that needs it makes a consultation call, whose handle is in *lphConsultCall when LINE_REPLY(0) is handed out; 0 says
 * that there is none. Asynchronous. INVALLINEHANDLE, INVALPOINTER, INVALADDRESSID, INVALADDRESS (over 63 bytes), INVALPARAM (modes, or too
 * many), STRUCTURETOOSMALL, OPERATIONUNAVAIL, REQUESTOVERRUN, and of lpCallParams what lineMakeCall has. */
CF_API LONG lineForward(HLINE hLine, DWORD bAllAddresses, DWORD dwAddressID, const LINEFORWARDLIST *lpForwardList,
                        DWORD dwNumRingsNoAnswer, HCALL *lphConsultCall, const LINECALLPARAMS *lpCallParams);

/* Gives up a call completion. Asynchronous. INVALLINEHANDLE, INVALCOMPLETIONID, OPERATIONUNAVAIL, REQUESTOVERRUN. */
CF_API LONG lineUncompleteCall(HLINE hLine, DWORD dwCompletionID);

/* Gives dwSize bytes, at most 1,024, to the line's provider, about a call of that line or none (0). What it gives back, at most 51
 * bytes, is in the first bytes at lpParams when LINE_REPLY(0) is handed out: they must live until then. What else it has to say comes by
 * LINE_DEVSPECIFIC, to everyone with the line open or with a handle of the call. Whatever the line was opened with. Asynchronous.
 * INVALLINEHANDLE, INVALCALLHANDLE (also of another line), INVALADDRESSID, INVALPOINTER, INVALPARAM (too many bytes), OPERATIONUNAVAIL,
 * REQUESTOVERRUN. */
CF_API LONG lineDevSpecific(HLINE hLine, DWORD dwAddressID, HCALL hCall, void *lpParams, DWORD dwSize);

#ifdef __cplusplus
}
#endif

#endif
