/*
 * Callfan's interface for applications: TAPI 2.2's line functions over shared memory, and a few calls of its own.
 *
 * Shape      TAPI's names, parameter order, structures and results. Handles have 64 bits, so LINEMESSAGE and
 *            LINECALLINFO are larger than TAPI's; structures are naturally aligned; file descriptors stand for event
 *            handles. docs/TAPI.md lists sizes, departures, and the reading taken where TAPI's documents contradict
 *            themselves. LP64 only.
 * Units      strings are UTF-8 and end with NUL; sizes and offsets are bytes, of strings with their NUL; LONG has 32
 *            bits
 * Invariant  a structure that the library fills is cut at dwTotalSize, which the caller sets. Offsets count from its
 *            start. A part that does not fit has size and offset 0, and dwNeededSize > dwUsedSize. The fixed part must
 *            fit (LINEERR_STRUCTURETOOSMALL); how long it is depends on the API version of the line (docs/TAPI.md).
 * Overlap    every function may be called from any thread at any time; only the strings of a cf_batch_message end with
 *            the next fetch. Several threads may fetch messages of one application; each message goes to one of them.
 *            In a child after fork() the library is uninitialised: the child calls lineInitializeEx itself, or nothing.
 * Progress   a synchronous function waits for the service's answer; how long is bounded by the service, never by
 *            another application. Only lineGetMessage and cf_line_get_messages wait for events.
 * Errors     0 is success, a negative value one of LINEERR_. An asynchronous function returns a request id > 0, and
 *            later LINE_REPLY {dwParam1 = id, dwParam2 = 0 or LINEERR_} comes exactly once; after a negative result
 *            there is none. Checked in this order: LINEERR_UNINITIALIZED, handle, parameters, privilege, call state,
 *            capability; of an asynchronous function the last three come by LINE_REPLY. Not repeated below: NOMEM,
 *            OPERATIONFAILED, RESOURCEUNAVAIL, UNINITIALIZED and INVALPOINTER. When the service has gone,
 *            lineGetMessage hands out what had arrived, LINE_CLOSE per line and LINE_LINEDEVSTATE(REINIT); what needs
 *            the service then is OPERATIONFAILED or RESOURCEUNAVAIL.
 * Source     Microsoft's TAPI 2.2 reference; names and order of fields after mingw-w64's tapi.h (public domain)
 */
#ifndef CALLFAN_TAPI_H
#define CALLFAN_TAPI_H

#include <assert.h>
#include <stddef.h>

#include "callfan/tapi_const.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifndef CF_API
#if defined(__GNUC__)
#define CF_API __attribute__((visibility("default")))
#else
#define CF_API
#endif
#endif

static_assert(sizeof(DWORD_PTR) == 8, "message parameters carry 64-bit handles");

typedef HLINEAPP *LPHLINEAPP;
typedef HLINE *LPHLINE;
typedef HCALL *LPHCALL;
typedef DWORD *LPDWORD;
typedef const char *LPCSTR;

#ifndef GUID_DEFINED
#define GUID_DEFINED
typedef struct _GUID {
    uint32_t Data1;
    uint16_t Data2;
    uint16_t Data3;
    uint8_t Data4[8];
} GUID;
#endif

typedef struct _SYSTEMTIME {
    uint16_t wYear, wMonth, wDayOfWeek, wDay; /* month from 1, Sunday is 0 */
    uint16_t wHour, wMinute, wSecond, wMilliseconds;
} SYSTEMTIME;

/* Called by cf_dispatch(), on the thread that called it. hDevice is an HLINE, an HCALL or 0, by message. */
typedef void (*LINECALLBACK)(uint64_t hDevice, DWORD dwMessage, DWORD_PTR dwInstance, DWORD_PTR dwParam1,
                             DWORD_PTR dwParam2, DWORD_PTR dwParam3);

/* ---- structures ------------------------------------------------------------------------------- */

/* hDevice is an HLINE, an HCALL or 0, by message; dwCallbackInstance is lineOpen's, 0 in messages of no line. */
typedef struct linemessage_tag {
    uint64_t hDevice;
    DWORD dwMessageID;
    DWORD_PTR dwCallbackInstance;
    DWORD_PTR dwParam1;
    DWORD_PTR dwParam2;
    DWORD_PTR dwParam3;
} LINEMESSAGE, *LPLINEMESSAGE;

/*
 * dwOptions: LINEINITIALIZEEXOPTION_USEEVENT, or _USEHIDDENWINDOW, which here means: callbacks, run by cf_dispatch().
 * With both, Handles.hEvent is set to a file descriptor that is readable as long as a message is pending
 * (level-triggered; for poll, epoll, io_uring). Do not read from it or close it: lineShutdown does. _USECOMPLETIONPORT
 * is refused with LINEERR_INVALPARAM: add hEvent to an epoll instance instead.
 */
typedef struct lineinitializeexparams_tag {
    DWORD dwTotalSize, dwNeededSize, dwUsedSize;
    DWORD dwOptions;
    union {
        int hEvent;
        int hCompletionPort;
    } Handles;
    DWORD dwCompletionKey;
} LINEINITIALIZEEXPARAMS, *LPLINEINITIALIZEEXPARAMS;

/* All zero: no extensions. */
typedef struct lineextensionid_tag {
    DWORD dwExtensionID0;
    DWORD dwExtensionID1;
    DWORD dwExtensionID2;
    DWORD dwExtensionID3;
} LINEEXTENSIONID, *LPLINEEXTENSIONID;

/* Milliseconds. */
typedef struct linedialparams_tag {
    DWORD dwDialPause;
    DWORD dwDialSpeed;
    DWORD dwDigitDuration;
    DWORD dwWaitForDialtone;
} LINEDIALPARAMS, *LPLINEDIALPARAMS;

typedef struct varstring_tag {
    DWORD dwTotalSize, dwNeededSize, dwUsedSize;
    DWORD dwStringFormat;
    DWORD dwStringSize, dwStringOffset;
} VARSTRING, *LPVARSTRING;

/* Entry of the terminal capabilities in LINEDEVCAPS. */
typedef struct linetermcaps_tag {
    DWORD dwTermDev;
    DWORD dwTermModes;
    DWORD dwTermSharing;
} LINETERMCAPS, *LPLINETERMCAPS;

/* Entry of the application list in LINEDEVSTATUS (2.0). */
typedef struct lineappinfo_tag {
    DWORD dwMachineNameSize, dwMachineNameOffset;
    DWORD dwUserNameSize, dwUserNameOffset;
    DWORD dwModuleFilenameSize, dwModuleFilenameOffset;
    DWORD dwFriendlyNameSize, dwFriendlyNameOffset;
    DWORD dwMediaModes;
    DWORD dwAddressID;
} LINEAPPINFO, *LPLINEAPPINFO;

/* Entry of the call treatment list in LINEADDRESSCAPS (2.0). */
typedef struct linecalltreatmententry_tag {
    DWORD dwCallTreatmentID;
    DWORD dwCallTreatmentNameSize, dwCallTreatmentNameOffset;
} LINECALLTREATMENTENTRY, *LPLINECALLTREATMENTENTRY;

/* Entry of the forwarding list in LINEADDRESSSTATUS. */
typedef struct lineforward_tag {
    DWORD dwForwardMode;
    DWORD dwCallerAddressSize, dwCallerAddressOffset;
    DWORD dwDestCountryCode;
    DWORD dwDestAddressSize, dwDestAddressOffset;
} LINEFORWARD, *LPLINEFORWARD;

/* What a line device can do: lineGetDevCaps. */
typedef struct linedevcaps_tag {
    DWORD dwTotalSize, dwNeededSize, dwUsedSize;
    DWORD dwProviderInfoSize, dwProviderInfoOffset;
    DWORD dwSwitchInfoSize, dwSwitchInfoOffset;
    DWORD dwPermanentLineID;
    DWORD dwLineNameSize, dwLineNameOffset;
    DWORD dwStringFormat;
    DWORD dwAddressModes;
    DWORD dwNumAddresses;
    DWORD dwBearerModes;
    DWORD dwMaxRate;
    DWORD dwMediaModes;
    DWORD dwGenerateToneModes;
    DWORD dwGenerateToneMaxNumFreq;
    DWORD dwGenerateDigitModes;
    DWORD dwMonitorToneMaxNumFreq;
    DWORD dwMonitorToneMaxNumEntries;
    DWORD dwMonitorDigitModes;
    DWORD dwGatherDigitsMinTimeout;
    DWORD dwGatherDigitsMaxTimeout;
    DWORD dwMedCtlDigitMaxListSize;
    DWORD dwMedCtlMediaMaxListSize;
    DWORD dwMedCtlToneMaxListSize;
    DWORD dwMedCtlCallStateMaxListSize;
    DWORD dwDevCapFlags;
    DWORD dwMaxNumActiveCalls;
    DWORD dwAnswerMode;
    DWORD dwRingModes;
    DWORD dwLineStates;
    DWORD dwUUIAcceptSize;
    DWORD dwUUIAnswerSize;
    DWORD dwUUIMakeCallSize;
    DWORD dwUUIDropSize;
    DWORD dwUUISendUserUserInfoSize;
    DWORD dwUUICallInfoSize;
    LINEDIALPARAMS MinDialParams;
    LINEDIALPARAMS MaxDialParams;
    LINEDIALPARAMS DefaultDialParams;
    DWORD dwNumTerminals;
    DWORD dwTerminalCapsSize, dwTerminalCapsOffset;
    DWORD dwTerminalTextEntrySize;
    DWORD dwTerminalTextSize, dwTerminalTextOffset;
    DWORD dwDevSpecificSize, dwDevSpecificOffset;
    DWORD dwLineFeatures;
    /* from 2.0 */
    DWORD dwSettableDevStatus;
    DWORD dwDeviceClassesSize, dwDeviceClassesOffset;
    /* from 2.2 */
    GUID PermanentLineGuid;
} LINEDEVCAPS, *LPLINEDEVCAPS;

/* What an address can do: lineGetAddressCaps. */
typedef struct lineaddresscaps_tag {
    DWORD dwTotalSize, dwNeededSize, dwUsedSize;
    DWORD dwLineDeviceID;
    DWORD dwAddressSize, dwAddressOffset;
    DWORD dwDevSpecificSize, dwDevSpecificOffset;
    DWORD dwAddressSharing;
    DWORD dwAddressStates;
    DWORD dwCallInfoStates;
    DWORD dwCallerIDFlags;
    DWORD dwCalledIDFlags;
    DWORD dwConnectedIDFlags;
    DWORD dwRedirectionIDFlags;
    DWORD dwRedirectingIDFlags;
    DWORD dwCallStates;
    DWORD dwDialToneModes;
    DWORD dwBusyModes;
    DWORD dwSpecialInfo;
    DWORD dwDisconnectModes;
    DWORD dwMaxNumActiveCalls;
    DWORD dwMaxNumOnHoldCalls;
    DWORD dwMaxNumOnHoldPendingCalls;
    DWORD dwMaxNumConference;
    DWORD dwMaxNumTransConf;
    DWORD dwAddrCapFlags;
    DWORD dwCallFeatures;
    DWORD dwRemoveFromConfCaps;
    DWORD dwRemoveFromConfState;
    DWORD dwTransferModes;
    DWORD dwParkModes;
    DWORD dwForwardModes;
    DWORD dwMaxForwardEntries;
    DWORD dwMaxSpecificEntries;
    DWORD dwMinFwdNumRings;
    DWORD dwMaxFwdNumRings;
    DWORD dwMaxCallCompletions;
    DWORD dwCallCompletionConds;
    DWORD dwCallCompletionModes;
    DWORD dwNumCompletionMessages;
    DWORD dwCompletionMsgTextEntrySize;
    DWORD dwCompletionMsgTextSize, dwCompletionMsgTextOffset;
    DWORD dwAddressFeatures;
    /* from 2.0 */
    DWORD dwPredictiveAutoTransferStates;
    DWORD dwNumCallTreatments;
    DWORD dwCallTreatmentListSize, dwCallTreatmentListOffset;
    DWORD dwDeviceClassesSize, dwDeviceClassesOffset;
    DWORD dwMaxCallDataSize;
    DWORD dwCallFeatures2;
    DWORD dwMaxNoAnswerTimeout;
    DWORD dwConnectedModes;
    DWORD dwOfferingModes;
    DWORD dwAvailableMediaModes;
} LINEADDRESSCAPS, *LPLINEADDRESSCAPS;

/* What a line device is doing: lineGetLineDevStatus. */
typedef struct linedevstatus_tag {
    DWORD dwTotalSize, dwNeededSize, dwUsedSize;
    DWORD dwNumOpens;
    DWORD dwOpenMediaModes;
    DWORD dwNumActiveCalls;
    DWORD dwNumOnHoldCalls;
    DWORD dwNumOnHoldPendCalls;
    DWORD dwLineFeatures;
    DWORD dwNumCallCompletions;
    DWORD dwRingMode;
    DWORD dwSignalLevel;
    DWORD dwBatteryLevel;
    DWORD dwRoamMode;
    DWORD dwDevStatusFlags;
    DWORD dwTerminalModesSize, dwTerminalModesOffset;
    DWORD dwDevSpecificSize, dwDevSpecificOffset;
    /* from 2.0 */
    DWORD dwAvailableMediaModes;
    DWORD dwAppInfoSize, dwAppInfoOffset;
} LINEDEVSTATUS, *LPLINEDEVSTATUS;

/* What an address is doing. */
typedef struct lineaddressstatus_tag {
    DWORD dwTotalSize, dwNeededSize, dwUsedSize;
    DWORD dwNumInUse;
    DWORD dwNumActiveCalls;
    DWORD dwNumOnHoldCalls;
    DWORD dwNumOnHoldPendCalls;
    DWORD dwAddressFeatures;
    DWORD dwNumRingsNoAnswer;
    DWORD dwForwardNumEntries;
    DWORD dwForwardSize, dwForwardOffset;
    DWORD dwTerminalModesSize, dwTerminalModesOffset;
    DWORD dwDevSpecificSize, dwDevSpecificOffset;
} LINEADDRESSSTATUS, *LPLINEADDRESSSTATUS;

/* How a call is to be made: lineMakeCall, lineOpen. Input only; NULL: a voice call, any address. */
typedef struct linecallparams_tag {
    DWORD dwTotalSize;
    DWORD dwBearerMode;
    DWORD dwMinRate;
    DWORD dwMaxRate;
    DWORD dwMediaMode;
    DWORD dwCallParamFlags;
    DWORD dwAddressMode;
    DWORD dwAddressID;
    LINEDIALPARAMS DialParams;
    DWORD dwOrigAddressSize, dwOrigAddressOffset;
    DWORD dwDisplayableAddressSize, dwDisplayableAddressOffset;
    DWORD dwCalledPartySize, dwCalledPartyOffset;
    DWORD dwCommentSize, dwCommentOffset;
    DWORD dwUserUserInfoSize, dwUserUserInfoOffset;
    DWORD dwHighLevelCompSize, dwHighLevelCompOffset;
    DWORD dwLowLevelCompSize, dwLowLevelCompOffset;
    DWORD dwDevSpecificSize, dwDevSpecificOffset;
    /* from 2.0 */
    DWORD dwPredictiveAutoTransferStates;
    DWORD dwTargetAddressSize, dwTargetAddressOffset;
    DWORD dwSendingFlowspecSize, dwSendingFlowspecOffset;
    DWORD dwReceivingFlowspecSize, dwReceivingFlowspecOffset;
    DWORD dwDeviceClassSize, dwDeviceClassOffset;
    DWORD dwDeviceConfigSize, dwDeviceConfigOffset;
    DWORD dwCallDataSize, dwCallDataOffset;
    DWORD dwNoAnswerTimeout;
    DWORD dwCallingPartyIDSize, dwCallingPartyIDOffset;
} LINECALLPARAMS, *LPLINECALLPARAMS;

/* What is known of a call: lineGetCallInfo. hLine is the open line of the handle that was asked about. */
typedef struct linecallinfo_tag {
    DWORD dwTotalSize, dwNeededSize, dwUsedSize;
    HLINE hLine;
    DWORD dwLineDeviceID;
    DWORD dwAddressID;
    DWORD dwBearerMode;
    DWORD dwRate;
    DWORD dwMediaMode;
    DWORD dwAppSpecific;
    DWORD dwCallID;
    DWORD dwRelatedCallID;
    DWORD dwCallParamFlags;
    DWORD dwCallStates;
    DWORD dwMonitorDigitModes;
    DWORD dwMonitorMediaModes;
    LINEDIALPARAMS DialParams;
    DWORD dwOrigin;
    DWORD dwReason;
    DWORD dwCompletionID;
    DWORD dwNumOwners;
    DWORD dwNumMonitors;
    DWORD dwCountryCode;
    DWORD dwTrunk;
    DWORD dwCallerIDFlags;
    DWORD dwCallerIDSize, dwCallerIDOffset, dwCallerIDNameSize, dwCallerIDNameOffset;
    DWORD dwCalledIDFlags;
    DWORD dwCalledIDSize, dwCalledIDOffset, dwCalledIDNameSize, dwCalledIDNameOffset;
    DWORD dwConnectedIDFlags;
    DWORD dwConnectedIDSize, dwConnectedIDOffset, dwConnectedIDNameSize, dwConnectedIDNameOffset;
    DWORD dwRedirectionIDFlags;
    DWORD dwRedirectionIDSize, dwRedirectionIDOffset, dwRedirectionIDNameSize, dwRedirectionIDNameOffset;
    DWORD dwRedirectingIDFlags;
    DWORD dwRedirectingIDSize, dwRedirectingIDOffset, dwRedirectingIDNameSize, dwRedirectingIDNameOffset;
    DWORD dwAppNameSize, dwAppNameOffset;
    DWORD dwDisplayableAddressSize, dwDisplayableAddressOffset;
    DWORD dwCalledPartySize, dwCalledPartyOffset;
    DWORD dwCommentSize, dwCommentOffset;
    DWORD dwDisplaySize, dwDisplayOffset;
    DWORD dwUserUserInfoSize, dwUserUserInfoOffset;
    DWORD dwHighLevelCompSize, dwHighLevelCompOffset;
    DWORD dwLowLevelCompSize, dwLowLevelCompOffset;
    DWORD dwChargingInfoSize, dwChargingInfoOffset;
    DWORD dwTerminalModesSize, dwTerminalModesOffset;
    DWORD dwDevSpecificSize, dwDevSpecificOffset;
    /* from 2.0 */
    DWORD dwCallTreatment;
    DWORD dwCallDataSize, dwCallDataOffset;
    DWORD dwSendingFlowspecSize, dwSendingFlowspecOffset;
    DWORD dwReceivingFlowspecSize, dwReceivingFlowspecOffset;
} LINECALLINFO, *LPLINECALLINFO;

/* State of a call and what this handle may do now: lineGetCallStatus. tStateEntryTime is UTC. */
typedef struct linecallstatus_tag {
    DWORD dwTotalSize, dwNeededSize, dwUsedSize;
    DWORD dwCallState;
    DWORD dwCallStateMode;
    DWORD dwCallPrivilege;
    DWORD dwCallFeatures;
    DWORD dwDevSpecificSize, dwDevSpecificOffset;
    /* from 2.0 */
    DWORD dwCallFeatures2;
    SYSTEMTIME tStateEntryTime;
} LINECALLSTATUS, *LPLINECALLSTATUS;

/* lineGetNewCalls. dwCallsOffset leads to dwCallsNumEntries HCALLs of 8 bytes, 8-byte aligned. */
typedef struct linecalllist_tag {
    DWORD dwTotalSize, dwNeededSize, dwUsedSize;
    DWORD dwCallsNumEntries;
    DWORD dwCallsSize, dwCallsOffset;
} LINECALLLIST, *LPLINECALLLIST;

static_assert(sizeof(LINEMESSAGE) == 48 && offsetof(LINEMESSAGE, dwCallbackInstance) == 16, "TAPI: 40");
static_assert(sizeof(LINEINITIALIZEEXPARAMS) == 24, "TAPI: 28");
static_assert(sizeof(LINEEXTENSIONID) == 16 && sizeof(LINEDIALPARAMS) == 16 && sizeof(VARSTRING) == 24, "as TAPI");
static_assert(sizeof(LINETERMCAPS) == 12 && sizeof(LINEAPPINFO) == 40, "as TAPI");
static_assert(sizeof(LINECALLTREATMENTENTRY) == 12 && sizeof(LINEFORWARD) == 24, "as TAPI");
static_assert(sizeof(LINEDEVCAPS) == 268 && sizeof(LINEADDRESSCAPS) == 228, "as TAPI");
static_assert(sizeof(LINEDEVSTATUS) == 88 && sizeof(LINEADDRESSSTATUS) == 64, "as TAPI");
static_assert(sizeof(LINECALLPARAMS) == 176 && sizeof(LINECALLSTATUS) == 56 && sizeof(LINECALLLIST) == 24, "as TAPI");
static_assert(sizeof(LINECALLINFO) == 336 && offsetof(LINECALLINFO, hLine) == 16, "TAPI: 324, 12");

/* ---- TAPI: usage, versions, devices ----------------------------------------------------------- */

/* Joins the service at CALLFAN_SOCKET, else /run/callfan/callfan.sock. hInstance is not used; a callback is kept
 * whatever the option. *lpdwAPIVersion: in, the highest version the application knows; out, the highest of the
 * service. The parameters may be NULL, which leaves nothing to poll. Synchronous. SERVICE_NOT_RUNNING (nobody at the
 * socket), REINIT, INVALAPPNAME, INVALPARAM (options; _USEHIDDENWINDOW without callback), STRUCTURETOOSMALL. */
CF_API LONG lineInitializeEx(HLINEAPP *lphLineApp, void *hInstance, LINECALLBACK lpfnCallback,
                             const char *lpszFriendlyAppName, DWORD *lpdwNumDevs, DWORD *lpdwAPIVersion,
                             LINEINITIALIZEEXPARAMS *lpLineInitializeExParams);

/* Closes every line, voids every handle, cancels what is outstanding (no LINE_REPLY) and leaves the service. A
 * thread that waits in lineGetMessage gets INVALAPPHANDLE at once. Synchronous. INVALAPPHANDLE. */
CF_API LONG lineShutdown(HLINEAPP hLineApp);

/* Gives the highest version of a line device within [low, high]. lpExtensionID (may be NULL) is set to zero: no
 * extensions. Synchronous. INVALAPPHANDLE, BADDEVICEID, NODEVICE, NODRIVER, INCOMPATIBLEAPIVERSION. */
CF_API LONG lineNegotiateAPIVersion(HLINEAPP hLineApp, DWORD dwDeviceID, DWORD dwAPILowVersion, DWORD dwAPIHighVersion,
                                    DWORD *lpdwAPIVersion, LINEEXTENSIONID *lpExtensionID);

/* Tells what a line device can do; no open line needed. dwExtVersion is 0. Synchronous. INVALAPPHANDLE, BADDEVICEID,
 * NODEVICE, NODRIVER, INCOMPATIBLEAPIVERSION, INCOMPATIBLEEXTVERSION, STRUCTURETOOSMALL. */
CF_API LONG lineGetDevCaps(HLINEAPP hLineApp, DWORD dwDeviceID, DWORD dwAPIVersion, DWORD dwExtVersion,
                           LINEDEVCAPS *lpLineDevCaps);

/* Tells what an address of a line device can do; no open line needed. Synchronous. As lineGetDevCaps, and
 * INVALADDRESSID. */
CF_API LONG lineGetAddressCaps(HLINEAPP hLineApp, DWORD dwDeviceID, DWORD dwAddressID, DWORD dwAPIVersion,
                               DWORD dwExtVersion, LINEADDRESSCAPS *lpAddressCaps);

/* ---- TAPI: lines ------------------------------------------------------------------------------ */

/* Opens a line. dwPrivileges: NONE, MONITOR, OWNER or MONITOR|OWNER, OWNER for the given media modes; or-ed with
 * LINEOPENOPTION_SINGLEADDRESS (lpCallParams tells the address; else it may be NULL). _PROXY is OPERATIONUNAVAIL.
 * Calls that exist are not announced: lineGetNewCalls. Synchronous. INVALAPPHANDLE, BADDEVICEID, NODEVICE, NODRIVER,
 * INCOMPATIBLEAPIVERSION, INCOMPATIBLEEXTVERSION, INVALPRIVSELECT, INVALMEDIAMODE, INVALADDRESSID, LINEMAPPERFAILED,
 * REINIT; RESOURCEUNAVAIL while the line's provider is down. */
CF_API LONG lineOpen(HLINEAPP hLineApp, DWORD dwDeviceID, HLINE *lphLine, DWORD dwAPIVersion, DWORD dwExtVersion,
                     DWORD_PTR dwCallbackInstance, DWORD dwPrivileges, DWORD dwMediaModes,
                     const LINECALLPARAMS *lpCallParams);

/* Closes a line. It and every call handle on it are void, and its LINE_REPLYs are suppressed, before this returns;
 * calls that it alone owned are dropped by the line's policy. Synchronous, local, 0 also when the service is gone.
 * INVALLINEHANDLE. */
CF_API LONG lineClose(HLINE hLine);

/* Tells what the line device is doing and which applications have it open. Synchronous. INVALLINEHANDLE,
 * STRUCTURETOOSMALL. */
CF_API LONG lineGetLineDevStatus(HLINE hLine, LINEDEVSTATUS *lpLineDevStatus);

/* Chooses by LINEDEVSTATE_ and LINEADDRESSSTATE_ bits which LINE_LINEDEVSTATE and LINE_ADDRESSSTATE this open line
 * gets; none at first. Nothing else can be switched off. Synchronous. INVALLINEHANDLE, INVALLINESTATE,
 * INVALADDRESSSTATE. */
CF_API LONG lineSetStatusMessages(HLINE hLine, DWORD dwLineStates, DWORD dwAddressStates);

/* Gives the masks that lineSetStatusMessages set. Synchronous. INVALLINEHANDLE. */
CF_API LONG lineGetStatusMessages(HLINE hLine, DWORD *lpdwLineStates, DWORD *lpdwAddressStates);

/* ---- TAPI: messages --------------------------------------------------------------------------- */

/* Takes the next message of the application. dwTimeout in ms: 0 polls, 0xFFFFFFFF waits for ever; no message in time
 * is OPERATIONFAILED. Works with each option of lineInitializeEx. INVALAPPHANDLE (also: shut down meanwhile). */
CF_API LONG lineGetMessage(HLINEAPP hLineApp, LINEMESSAGE *lpMessage, DWORD dwTimeout);

/* ---- TAPI: calls ------------------------------------------------------------------------------ */

/* Makes a call; the caller is its sole owner. *lphCall is written when LINE_REPLY {id, 0} is handed out, and must live
 * until then. lpszDestAddress may be NULL (dial tone). Asynchronous. INVALLINEHANDLE, INVALADDRESS, INVALADDRESSID,
 * CALLUNAVAIL, BEARERMODEUNAVAIL, RATEUNAVAIL, INVALMEDIAMODE, INVALCALLPARAMS, OPERATIONUNAVAIL, REQUESTOVERRUN and
 * the others of TAPI's page. */
CF_API LONG lineMakeCall(HLINE hLine, HCALL *lphCall, const char *lpszDestAddress, DWORD dwCountryCode,
                         const LINECALLPARAMS *lpCallParams);

/* Claims an OFFERING call: it becomes ACCEPTED. Owner. dwSize bytes at lpsUserUserInfo (may be NULL, 0) go to the
 * caller. Asynchronous. INVALCALLHANDLE, NOTOWNER, INVALCALLSTATE, USERUSERINFOTOOBIG, OPERATIONUNAVAIL,
 * REQUESTOVERRUN. */
CF_API LONG lineAccept(HCALL hCall, const char *lpsUserUserInfo, DWORD dwSize);

/* Answers an OFFERING or ACCEPTED call: it becomes CONNECTED. Owner. Asynchronous. As lineAccept, and INUSE. */
CF_API LONG lineAnswer(HCALL hCall, const char *lpsUserUserInfo, DWORD dwSize);

/* Ends a call in any state but IDLE: rejects an offered one, clears a connected or disconnected one. Owner. The handle
 * stays valid until lineDeallocateCall. Asynchronous. As lineAccept. */
CF_API LONG lineDrop(HCALL hCall, const char *lpsUserUserInfo, DWORD dwSize);

/* Puts a CONNECTED call on hold: it becomes ONHOLD, which may be told before LINE_REPLY or after it. Owner.
 * Asynchronous. INVALCALLHANDLE, NOTOWNER, INVALCALLSTATE, OPERATIONUNAVAIL, REQUESTOVERRUN. */
CF_API LONG lineHold(HCALL hCall);

/* Retrieves a call that is ONHOLD, ONHOLDPENDTRANSFER or ONHOLDPENDCONF: it becomes CONNECTED. Owner. Asynchronous. As
 * lineHold. */
CF_API LONG lineUnhold(HCALL hCall);

/* Gives a call handle back: it is void everywhere in the process before this returns; of two threads one gets 0, the
 * other INVALCALLHANDLE. The call goes on. Synchronous, local, 0 also when the service is gone; on lines opened with
 * a version below 2.0 a sole owner asks the service and gets INVALCALLSTATE unless the call is IDLE. */
CF_API LONG lineDeallocateCall(HCALL hCall);

/* Tells what is known of a call, in any state. Synchronous, any privilege. INVALCALLHANDLE, STRUCTURETOOSMALL. */
CF_API LONG lineGetCallInfo(HCALL hCall, LINECALLINFO *lpCallInfo);

/* Tells state, mode, privilege and features of a call, in any state. Synchronous, any privilege, local when
 * everything that has arrived was read. INVALCALLHANDLE, STRUCTURETOOSMALL. */
CF_API LONG lineGetCallStatus(HCALL hCall, LINECALLSTATUS *lpCallStatus);

/* Makes monitor handles for all calls of the line (LINECALLSELECT_LINE) or of one address (_ADDRESS) that this open
 * line has none for, and lists them. When the list is too small: 0 with no entries and dwNeededSize set, and nothing
 * was made. Synchronous. INVALLINEHANDLE, INVALADDRESSID, INVALCALLSELECT, STRUCTURETOOSMALL. */
CF_API LONG lineGetNewCalls(HLINE hLine, DWORD dwAddressID, DWORD dwSelect, LINECALLLIST *lpCallList);

/* Sets the privilege of a handle to MONITOR or OWNER; OWNER is always granted. The caller gets no message.
 * Synchronous. INVALCALLHANDLE, INVALCALLPRIVILEGE, INVALCALLSTATE (sole owner of a call that is not IDLE gives up
 * ownership). */
CF_API LONG lineSetCallPrivilege(HCALL hCall, DWORD dwCallPrivilege);

/* ---- Callfan: initialisation with options ----------------------------------------------------- */

/* cf_init_options.flags. Keep caller and called of every announced call until its handle is given back, in private
 * memory; the batch call then gives them with each message of the call, not with LINE_APPNEWCALL alone. */
#define CF_INIT_CACHE_IDENTITY 0x00000001U

/* cf_init_options.wake_interval_us, spin_us: zero microseconds, where 0 asks for the default. */
#define CF_INIT_NONE 0xFFFFFFFFU

/*
 * Options of cf_line_initialize; all zero but size means all defaults.
 * Units: sizes in bytes, times in microseconds.
 */
struct cf_init_options {
    uint32_t size;             /* sizeof(struct cf_init_options); smaller: the rest is zero; larger: INVALPARAM */
    const char *socket_path;   /* NULL: CALLFAN_SOCKET, else /run/callfan/callfan.sock */
    uint32_t ring_bytes;       /* of the message ring, rounded up to a power of two; 0: the service's default (4 MiB) */
    uint32_t wake_interval_us; /* a sleeping application is woken at most once per interval; 0: the service's (250) */
    uint32_t spin_us;          /* how long a thread that waits looks before it sleeps; 0: the library's choice */
    uint32_t flags;            /* CF_INIT_CACHE_IDENTITY */
};

static_assert(sizeof(struct cf_init_options) == 32, "fields are only ever added at the end");

/* As lineInitializeEx, which calls it with NULL options. INVALPARAM: size too large, unknown flags, a ring beyond the
 * service's limits. */
CF_API LONG cf_line_initialize(HLINEAPP *ret_app, LINECALLBACK callback, const char *app_name, DWORD *ret_devs_count,
                               DWORD *api_version, LINEINITIALIZEEXPARAMS *params,
                               const struct cf_init_options *options);

/* ---- Callfan: many at once -------------------------------------------------------------------- */

/* One message, straight from the ring. */
struct cf_batch_message {
    uint64_t seq;     /* dense; what lies between two was cancelled (its handle was void) or is told by CF_LINE_GAP */
    int64_t time_ns;  /* CLOCK_MONOTONIC at which the provider saw the event */
    uint64_t hDevice; /* HLINE, HCALL or 0, by message */
    uint32_t dwMessageID; /* LINE_ or CF_LINE_ */
    uint32_t flags;       /* reserved, 0 */
    DWORD_PTR dwCallbackInstance, dwParam1, dwParam2, dwParam3;
    const char *caller; /* with LINE_APPNEWCALL, else NULL (but CF_INIT_CACHE_IDENTITY); "" when not known */
    const char *called;
};

static_assert(sizeof(struct cf_batch_message) == 80, "no padding");

/*
 * Takes up to max messages; waits up to timeout_ms for the first (0 polls, 0xFFFFFFFF waits for ever) and for no
 * other. 0 with *ret_count = 0: none came in time. caller and called point into the library's memory and stay valid
 * until the next cf_line_get_messages, lineGetMessage or cf_dispatch on this application by whatever thread, so a
 * program that uses them fetches with one thread. Messages whose handle is void are left out, counted as cancelled,
 * and do not end the wait. INVALAPPHANDLE (also: shut down meanwhile), INVALPARAM (max is 0).
 */
CF_API LONG cf_line_get_messages(HLINEAPP app, struct cf_batch_message *messages, uint32_t max, DWORD timeout_ms,
                                 uint32_t *ret_count);

/*
 * Opens count lines in one pass, all with the same version, callback instance, privileges and media modes, each as
 * lineOpen would. Result: how many were opened (a whole failure, such as INVALAPPHANDLE, is negative and opens none).
 * ret_lines[i] is the line of device_ids[i] or 0; ret_errors[i] (ret_errors may be NULL) is 0 or why not.
 */
CF_API LONG cf_line_open_many(HLINEAPP app, const DWORD *device_ids, uint32_t count, HLINE *ret_lines, LONG *ret_errors,
                              DWORD api_version, DWORD_PTR callback_instance, DWORD privileges, DWORD media_modes);

/* Runs the LINECALLBACK for up to max pending messages on the calling thread and returns how many; never waits. The
 * callback may call anything, lineShutdown too, after which no further one runs. INVALAPPHANDLE, OPERATIONUNAVAIL (no
 * callback was given). */
CF_API LONG cf_dispatch(HLINEAPP app, uint32_t max);

/* ---- Callfan: counters and names -------------------------------------------------------------- */

/*
 * Messages of one application since it joined.
 * Invariant: offered = delivered + pending + missed + cancelled, as of the service's last turn.
 */
struct cf_app_counters {
    uint64_t offered;   /* made for this application */
    uint64_t delivered; /* handed out and acknowledged */
    uint64_t cancelled; /* not handed out: their handle was void */
    uint64_t missed;    /* never in the ring: the application was behind */
    uint64_t gaps;      /* outages, one CF_LINE_GAP each */
    uint64_t pending;   /* in the ring */
    uint64_t last_seq;  /* of the last message published */
};

/* The function and the structure share a name, which g++ -Wshadow takes for a constructor. */
#if defined(__cplusplus) && defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#endif

/* Reads the counters. Synchronous, local. INVALAPPHANDLE. */
CF_API LONG cf_app_counters(HLINEAPP app, struct cf_app_counters *ret_counters);

#if defined(__cplusplus) && defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

/* Names, never NULL, in static memory. An error's: "LINEERR_NODEVICE", "success" for 0, "request id" for a positive
 * value, "unknown LINEERR_"; its text says in one line what it means and what to do. */
CF_API const char *cf_line_error_name(LONG error);
CF_API const char *cf_line_error_text(LONG error);

/* "CONNECTED"; the device's high 8 bits do not matter; "?" for none or several. */
CF_API const char *cf_call_state_name(DWORD state);

/* "ACTIVE", "NORMAL"...; "" for a state without modes and for mode 0, except that 0 is ACTIVE of OFFERING and
 * CONNECTED. */
CF_API const char *cf_call_mode_name(DWORD state, DWORD mode);

/* "LINE_CALLSTATE", "CF_LINE_GAP", "?" for none */
CF_API const char *cf_message_name(DWORD message_id);

/* "NONE", "MONITOR", "OWNER", "MONITOR|OWNER", "" for 0, else "?" */
CF_API const char *cf_privilege_name(DWORD privilege);

#ifdef __cplusplus
}
#endif

#endif
