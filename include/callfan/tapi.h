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
 *            the service then is OPERATIONFAILED or RESOURCEUNAVAIL, lineOpen REINIT.
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

/* A text, with its NUL, or bytes: dwStringSize of them at dwStringOffset, what they are in dwStringFormat. */
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

/* Entry of the forwarding list in LINEADDRESSSTATUS and LINEFORWARDLIST. */
typedef struct lineforward_tag {
    DWORD dwForwardMode;
    DWORD dwCallerAddressSize, dwCallerAddressOffset;
    DWORD dwDestCountryCode;
    DWORD dwDestAddressSize, dwDestAddressOffset;
} LINEFORWARD, *LPLINEFORWARD;

/* Where calls are to go. Input only: dwNumEntries entries, whose offsets count from the start of the list. */
typedef struct lineforwardlist_tag {
    DWORD dwTotalSize;
    DWORD dwNumEntries;
    LINEFORWARD ForwardList[1];
} LINEFORWARDLIST, *LPLINEFORWARDLIST;

/* One frequency of a tone to send: Hz, ms on and off, volume from 0 to 0xFFFF. */
typedef struct linegeneratetone_tag {
    DWORD dwFrequency;
    DWORD dwCadenceOn;
    DWORD dwCadenceOff;
    DWORD dwVolume;
} LINEGENERATETONE, *LPLINEGENERATETONE;

/* A tone to listen for: ms it must last, up to three frequencies in Hz, unused ones 0; all three 0: silence. */
typedef struct linemonitortone_tag {
    DWORD dwAppSpecific;
    DWORD dwDuration;
    DWORD dwFrequency1;
    DWORD dwFrequency2;
    DWORD dwFrequency3;
} LINEMONITORTONE, *LPLINEMONITORTONE;

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
static_assert(sizeof(LINEFORWARDLIST) == 32, "as TAPI");
static_assert(sizeof(LINEGENERATETONE) == 16 && sizeof(LINEMONITORTONE) == 20, "as TAPI");
static_assert(sizeof(LINEDEVCAPS) == 268 && sizeof(LINEADDRESSCAPS) == 228, "as TAPI");
static_assert(sizeof(LINEDEVSTATUS) == 88 && sizeof(LINEADDRESSSTATUS) == 64, "as TAPI");
static_assert(sizeof(LINECALLPARAMS) == 176 && sizeof(LINECALLSTATUS) == 56 && sizeof(LINECALLLIST) == 24, "as TAPI");
static_assert(sizeof(LINECALLINFO) == 336 && offsetof(LINECALLINFO, hLine) == 16, "TAPI: 324, 12");

/* ---- TAPI: usage, versions, devices ----------------------------------------------------------- */

/* Joins the service at CALLFAN_SOCKET, else /run/callfan/callfan.sock. hInstance is not used; a callback is kept
 * whatever the option. *lpdwAPIVersion: in, the highest version the application knows; out, the highest of the
 * service. The parameters may be NULL, which leaves nothing to poll. Synchronous. SERVICE_NOT_RUNNING (nobody at the
 * socket), REINIT (a usage of this process was told so of that socket and has not been shut down yet), INVALAPPNAME,
 * INVALPARAM (options; _USEHIDDENWINDOW without callback), STRUCTURETOOSMALL, INCOMPATIBLEAPIVERSION, OPERATIONFAILED
 * (also: callfan.conf gives this user no access), RESOURCEUNAVAIL (also: the process has joined 8 times). */
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
 * LINEOPENOPTION_SINGLEADDRESS (lpCallParams tells the address, with LINEADDRESSMODE_ADDRESSID: only its new calls make
 * this open an owner; a monitor hears of all). dwDeviceID LINEMAPPER opens the first line that is in service, may be opened
 * so, and has the media modes and, where lpCallParams is given, bearer mode, rate and address. _PROXY is OPERATIONUNAVAIL.
 * Calls that exist are not announced: lineGetNewCalls. Synchronous. INVALAPPHANDLE, BADDEVICEID, NODEVICE, NODRIVER,
 * INCOMPATIBLEAPIVERSION, INCOMPATIBLEEXTVERSION, INVALPRIVSELECT (also: callfan.conf does not grant it),
 * INVALMEDIAMODE, INVALADDRESSID, INVALADDRESSMODE, STRUCTURETOOSMALL, LINEMAPPERFAILED, REINIT (the service has gone);
 * RESOURCEUNAVAIL while the line's provider is down. */
CF_API LONG lineOpen(HLINEAPP hLineApp, DWORD dwDeviceID, HLINE *lphLine, DWORD dwAPIVersion, DWORD dwExtVersion,
                     DWORD_PTR dwCallbackInstance, DWORD dwPrivileges, DWORD dwMediaModes,
                     const LINECALLPARAMS *lpCallParams);

/* Closes a line. It and every call handle on it are void, and its LINE_REPLYs are suppressed, before this returns;
 * calls that it alone owned are dropped by the line's policy. Synchronous, local, 0 also when the service is gone.
 * INVALLINEHANDLE. */
CF_API LONG lineClose(HLINE hLine);

/* Tells what the line device is doing and which applications have it open (from 2.0 on: dwAppInfoOffset leads to
 * dwNumOpens LINEAPPINFO, whose offsets count from the LINEDEVSTATUS). Synchronous. INVALLINEHANDLE,
 * STRUCTURETOOSMALL. */
CF_API LONG lineGetLineDevStatus(HLINE hLine, LINEDEVSTATUS *lpLineDevStatus);

/* Gives the number of the address that is dialled as lpsAddress (dwSize bytes, with or without NUL). dwAddressMode is
 * LINEADDRESSMODE_DIALABLEADDR. Of a line with several addresses the first is known by its text. Synchronous.
 * INVALLINEHANDLE, INVALADDRESSMODE, INVALADDRESS (none of the line's). */
CF_API LONG lineGetAddressID(HLINE hLine, DWORD *lpdwAddressID, DWORD dwAddressMode, const char *lpsAddress,
                             DWORD dwSize);

/* Tells how many calls an address has, of which kind, what may be done with it, and where its calls are forwarded to, as
 * far as its provider tells. dwNumInUse counts its calls that are not IDLE. Synchronous. INVALLINEHANDLE, INVALADDRESSID,
 * STRUCTURETOOSMALL. */
CF_API LONG lineGetAddressStatus(HLINE hLine, DWORD dwAddressID, LINEADDRESSSTATUS *lpAddressStatus);

/* Gives the device of a class that belongs to a line (LINECALLSELECT_LINE), an address (_ADDRESS) or a call (_CALL). Class
 * "tapi/line", in whatever case: the device id as a DWORD, STRINGFORMAT_BINARY; which tells the line that LINEMAPPER
 * chose. Synchronous. INVALCALLSELECT, INVALLINEHANDLE, INVALADDRESSID, INVALCALLHANDLE, STRUCTURETOOSMALL, NODEVICE (a
 * class of TAPI that no line here has a device of), INVALDEVICECLASS (another one). */
CF_API LONG lineGetID(HLINE hLine, DWORD dwAddressID, HCALL hCall, DWORD dwSelect, VARSTRING *lpDeviceID,
                      const char *lpszDeviceClass);

/* Chooses by LINEDEVSTATE_ and LINEADDRESSSTATE_ bits which LINE_LINEDEVSTATE and LINE_ADDRESSSTATE this open line
 * gets; none at first. Nothing else can be switched off. Synchronous. INVALLINEHANDLE, INVALLINESTATE,
 * INVALADDRESSSTATE. */
CF_API LONG lineSetStatusMessages(HLINE hLine, DWORD dwLineStates, DWORD dwAddressStates);

/* Gives the masks that lineSetStatusMessages set. Synchronous. INVALLINEHANDLE. */
CF_API LONG lineGetStatusMessages(HLINE hLine, DWORD *lpdwLineStates, DWORD *lpdwAddressStates);

/* ---- TAPI: messages --------------------------------------------------------------------------- */

/* Takes the next message of the application. dwTimeout in ms: 0 polls, 0xFFFFFFFF waits for ever; no message in time
 * is OPERATIONFAILED. Works with each option of lineInitializeEx. Synchronous. INVALAPPHANDLE (also: shut down
 * meanwhile). */
CF_API LONG lineGetMessage(HLINEAPP hLineApp, LINEMESSAGE *lpMessage, DWORD dwTimeout);

/* ---- TAPI: calls ------------------------------------------------------------------------------ */

/* Makes a call; the caller is its sole owner. *lphCall is written when LINE_REPLY {id, 0} is handed out, and must live
 * until then. lpszDestAddress may be NULL or empty (dial tone), and end with a semicolon where LINEADDRCAPFLAGS_PARTIALDIAL is
 * set: lineDial goes on; $, @, W and ? as with lineDial. lpCallParams: LINEADDRESSMODE_DIALABLEADDR takes OrigAddress for the
 * line's own number; DisplayableAddress, CalledParty, Comment (255 bytes each) and CallData are in LINECALLINFO, UserUserInfo
 * goes to the other end.
 * Asynchronous. INVALLINEHANDLE, INVALADDRESS, INVALADDRESSID, INVALADDRESSMODE, INVALBEARERMODE, INVALRATE, INVALMEDIAMODE,
 * INVALCALLPARAMS, USERUSERINFOTOOBIG, DIALBILLING, DIALQUIET, DIALDIALTONE, DIALPROMPT, BEARERMODEUNAVAIL, RATEUNAVAIL,
 * CALLUNAVAIL, STRUCTURETOOSMALL, OPERATIONUNAVAIL, REQUESTOVERRUN, and what the provider says, such as ADDRESSBLOCKED or
 * INUSE. */
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

/* The two calls exchange their parts: hActiveCall, CONNECTED, goes on hold, and hHeldCall, ONHOLD, ONHOLDPENDTRANSFER or
 * ONHOLDPENDCONF, becomes CONNECTED; the one that is held keeps its kind of hold. Owner of both. Asynchronous.
 * INVALCALLHANDLE (also: both are one call, or of different providers), NOTOWNER, INVALCALLSTATE, OPERATIONUNAVAIL,
 * REQUESTOVERRUN. */
CF_API LONG lineSwapHold(HCALL hdActiveCall, HCALL hdHeldCall);

/*
 * Begins a transfer of a CONNECTED call: it becomes ONHOLDPENDTRANSFER, and a consultation call is made, whose sole owner
 * the asker is; *lphConsultCall is written before LINE_REPLY(0) is handed out and stays untouched otherwise. Then dial (or
 * LINECALLPARAMFLAGS_ONESTEPTRANSFER and TargetAddress, which dial at once), and lineCompleteTransfer. lineUnhold of the
 * first call, or the end of the consultation call, undoes it where the provider says so. Owner. Asynchronous.
 * LINECALLINFO.dwRelatedCallID of the consultation call is dwCallID of the first. INVALCALLHANDLE, INVALPOINTER,
 * STRUCTURETOOSMALL, INVALCALLPARAMS, INVALADDRESSMODE, INVALBEARERMODE, INVALMEDIAMODE, INVALRATE, INVALADDRESS
 * (TargetAddress), USERUSERINFOTOOBIG,
 * NOTOWNER, INVALCALLSTATE, OPERATIONUNAVAIL, CALLUNAVAIL, NOMEM, REQUESTOVERRUN.
 */
CF_API LONG lineSetupTransfer(HCALL hCall, HCALL *lphConsultCall, const LINECALLPARAMS *lpCallParams);

/*
 * Connects a call that is ONHOLD or ONHOLDPENDTRANSFER with the consultation call, which is CONNECTED, RINGBACK, BUSY or
 * PROCEEDING. LINETRANSFERMODE_TRANSFER: both become IDLE; lphConfCall is not looked at. LINETRANSFERMODE_CONFERENCE: a
 * conference, whose call goes to *lphConfCall before LINE_REPLY(0) and which both join (CONFERENCED). Owner of both.
 * Asynchronous. Handles stay valid until lineDeallocateCall. INVALCALLHANDLE, INVALCONSULTCALLHANDLE (also: both are one
 * call), INVALPOINTER, INVALTRANSFERMODE, NOTOWNER, INVALCALLSTATE, OPERATIONUNAVAIL (also of that mode:
 * LINEADDRESSCAPS.dwTransferModes), CALLUNAVAIL, NOMEM, REQUESTOVERRUN.
 */
CF_API LONG lineCompleteTransfer(HCALL hCall, HCALL hConsultCall, HCALL *lphConfCall, DWORD dwTransferMode);

/* Sends a CONNECTED call on to that address, unasked: it becomes IDLE. dwCountryCode: 0 the default. Owner. Asynchronous.
 * INVALCALLHANDLE, INVALPOINTER, INVALADDRESS (over 255 bytes, or empty), NOTOWNER, INVALCALLSTATE, OPERATIONUNAVAIL,
 * REQUESTOVERRUN; from the provider INVALADDRESS, ADDRESSBLOCKED and others. */
CF_API LONG lineBlindTransfer(HCALL hCall, const char *lpszDestAddress, DWORD dwCountryCode);

/*
 * Begins a conference with a CONNECTED call, or without one (hCall 0: on hLine, where LINEADDRCAPFLAGS_SETUPCONFNULL allows
 * it). Two calls are made, whose sole owner the asker is, and their handles written before LINE_REPLY(0): *lphConfCall stands
 * for the conference (ONHOLDPENDCONF), *lphConsultCall is to be dialled and then added. The first call becomes CONFERENCED.
 * dwNumParties: how many are expected. Owner. Asynchronous. INVALCALLHANDLE (also of a call that stands for a conference),
 * INVALLINEHANDLE, CONFERENCEFULL and what lineSetupTransfer has.
 */
CF_API LONG lineSetupConference(HCALL hCall, HLINE hLine, HCALL *lphConfCall, HCALL *lphConsultCall, DWORD dwNumParties,
                                const LINECALLPARAMS *lpCallParams);

/* Puts a CONNECTED conference on hold (ONHOLDPENDCONF) and makes a consultation call, to be dialled and then added.
 * *lphConsultCall as with lineSetupTransfer. Owner. Asynchronous. INVALCONFCALLHANDLE (void, or no conference) and what
 * lineSetupTransfer has. */
CF_API LONG linePrepareAddToConference(HCALL hConfCall, HCALL *lphConsultCall, const LINECALLPARAMS *lpCallParams);

/* Adds a call that is CONNECTED, ONHOLD, PROCEEDING or RINGBACK, of the same line, to a conference that is ONHOLDPENDCONF or
 * ONHOLD: the call becomes CONFERENCED, the conference CONNECTED. A member it is from that LINE_CALLSTATE on, not from
 * LINE_REPLY. Owner of both. Asynchronous. INVALCONFCALLHANDLE, INVALCALLHANDLE (also: of another line, or a conference
 * itself), NOTOWNER, INVALCALLSTATE, OPERATIONUNAVAIL, CONFERENCEFULL, REQUESTOVERRUN. */
CF_API LONG lineAddToConference(HCALL hConfCall, HCALL hConsultCall);

/* Takes a CONFERENCED call out of its conference; LINEADDRESSCAPS.dwRemoveFromConfState says what becomes of it,
 * dwRemoveFromConfCaps which members can be taken out. Owner. Asynchronous. As lineHold. */
CF_API LONG lineRemoveFromConference(HCALL hCall);

/*
 * Lists the calls of the conference that hCall stands for or is a member of: the conference's call first, then its members.
 * Where the line has no handle for one it gets one with MONITOR privilege; the others keep theirs. Synchronous.
 * A list that is too small is as with lineGetNewCalls: no entry, no handle made, dwNeededSize says how much. INVALCALLHANDLE,
 * INVALPOINTER, STRUCTURETOOSMALL, NOCONFERENCE, RESOURCEUNAVAIL.
 */
CF_API LONG lineGetConfRelatedCalls(HCALL hCall, LINECALLLIST *lpCallList);

/* Changes bearer mode and rate of a call that is neither IDLE nor DISCONNECTED. dwBearerMode: one of LINEBEARERMODE_;
 * rates in bit/s, dwMaxRate 0 leaves the rate as it is; lpDialParams may be NULL and changes nothing. When it has
 * succeeded everyone with a handle gets LINE_CALLINFO with what is different (BEARERMODE, RATE). Owner. Asynchronous.
 * INVALCALLHANDLE, INVALBEARERMODE, INVALRATE (dwMinRate above dwMaxRate), NOTOWNER, INVALCALLSTATE, OPERATIONUNAVAIL,
 * BEARERMODEUNAVAIL, RATEUNAVAIL, REQUESTOVERRUN. */
CF_API LONG lineSetCallParams(HCALL hCall, DWORD dwBearerMode, DWORD dwMinRate, DWORD dwMaxRate,
                              const LINEDIALPARAMS *lpDialParams);

/* Sends digits as tones or pulses: dwDigitMode is LINEDIGITMODE_DTMF (0-9, A-D, *, #) or LINEDIGITMODE_PULSE (0-9); a
 * comma is a pause, an exclamation mark a hookflash, other characters are left out; at most 255. dwDuration of a digit
 * in ms, brought into LINEDEVCAPS' range, 0: the line's own. lpszDigits NULL: stops what is being sent. 0 says that it
 * has begun; its end is told by LINE_GENERATE {hCall, LINEGENERATETERM_DONE or _CANCEL, 0, ms of CLOCK_MONOTONIC} to
 * this handle alone, and not after lineClose or lineDeallocateCall. Each call sends one list at a time, whoever owns
 * it: a new one cancels the old. Another thread may see LINE_GENERATE before this returns. Owner; any state but IDLE.
 * Synchronous. INVALCALLHANDLE, INVALDIGITMODE (not one, or not one of the line's), NOTOWNER, INVALCALLSTATE,
 * OPERATIONUNAVAIL; RESOURCEUNAVAIL: too many digits, or too much is outstanding. */
CF_API LONG lineGenerateDigits(HCALL hCall, DWORD dwDigitMode, const char *lpszDigits, DWORD dwDuration);

/* Sends a tone: dwToneMode is one of LINETONEMODE_; with _CUSTOM lpTones has the dwNumTones frequencies of it, each
 * from 1 Hz on with its cadence (dwCadenceOff 0: without a pause) and a volume to 0xFFFF; other modes do not look at
 * them. dwDuration in ms, 0: the mode's own, which may be for ever. dwToneMode 0: stops what is being sent. Otherwise
 * as lineGenerateDigits, and with it: a call sends digits or a tone, whoever owns it, and a new one cancels the old.
 * Owner; any state but IDLE. Synchronous. INVALCALLHANDLE, INVALTONEMODE (not one, or not one of the line's),
 * INVALPOINTER, INVALTONE (none, more than LINEDEVCAPS.dwGenerateToneMaxNumFreq, or one out of range), NOTOWNER,
 * INVALCALLSTATE, OPERATIONUNAVAIL, RESOURCEUNAVAIL. */
CF_API LONG lineGenerateTone(HCALL hCall, DWORD dwToneMode, DWORD dwDuration, DWORD dwNumTones,
                             const LINEGENERATETONE *lpTones);

/* Listens for digits: LINE_MONITORDIGITS {hCall, the digit as a character, LINEDIGITMODE_ (one), ms of
 * CLOCK_MONOTONIC} for each, to every handle that asked for its mode. dwDigitModes takes the place of what this handle
 * asked for before; 0: no more. It ends with IDLE, and with the handle. Everyone with a handle learns by
 * LINE_CALLINFO(MONITORMODES) when what anybody listens for is different. A digit that finds no room is missed. Of a
 * conference ask for its own call; while a call is CONFERENCED nothing is told of it. Any privilege; not IDLE, not
 * DISCONNECTED. Synchronous. INVALCALLHANDLE, INVALDIGITMODE (not among them, or not one that the line hears:
 * LINEDEVCAPS.dwMonitorDigitModes), INVALCALLSTATE, OPERATIONUNAVAIL, RESOURCEUNAVAIL. */
CF_API LONG lineMonitorDigits(HCALL hCall, DWORD dwDigitModes);

/* Listens for changes of media: LINE_MONITORMEDIA {hCall, LINEMEDIAMODE_ (one), 0, ms of CLOCK_MONOTONIC} when one of
 * dwMediaModes is found on the call. LINECALLINFO.dwMediaMode does not change by it. Otherwise as lineMonitorDigits.
 * Any privilege; not IDLE. Synchronous. INVALCALLHANDLE, INVALMEDIAMODE, INVALCALLSTATE, OPERATIONUNAVAIL,
 * RESOURCEUNAVAIL. */
CF_API LONG lineMonitorMedia(HCALL hCall, DWORD dwMediaModes);

/* Listens for tones: LINE_MONITORTONE {hCall, dwAppSpecific of the tone, 0, ms of CLOCK_MONOTONIC} to this handle when
 * one of the list was heard for its dwDuration. The list takes the place of this handle's former one; NULL: no more.
 * Otherwise as lineMonitorDigits, without LINE_CALLINFO. Any privilege; not IDLE. Synchronous. INVALCALLHANDLE,
 * INVALTONE (no entry, or more frequencies in one than LINEDEVCAPS.dwMonitorToneMaxNumFreq), INVALCALLSTATE,
 * OPERATIONUNAVAIL; RESOURCEUNAVAIL: more entries than dwMonitorToneMaxNumEntries, or no room. */
CF_API LONG lineMonitorTones(HCALL hCall, const LINEMONITORTONE *lpToneList, DWORD dwNumEntries);

/* Waits for digits of the other end: dwDigitModes is LINEDIGITMODE_PULSE, _DTMF or both. It ends with dwNumDigits
 * digits (1 to 100), one of lpszTerminationDigits (NULL: none), after dwFirstDigitTimeout ms without a first digit or
 * dwInterDigitTimeout ms without a further one (0: for ever), or with the call. Then LINE_GATHERDIGITS {hCall,
 * LINEGATHERTERM_, 0, ms of CLOCK_MONOTONIC} tells this handle, once, and not after lineClose or lineDeallocateCall.
 * Before it is handed out the digits, the terminating one among them, are in lpsDigits, which must have room for
 * dwNumDigits and stay until then, followed by a NUL unless there are dwNumDigits of them; with LINEGATHERTERM_CANCEL
 * nothing is written. Each call gathers once at a time, whoever owns it: a new one cancels the old. lpsDigits NULL
 * cancels, and nothing else is looked at. Of a conference ask for its own call. Another thread may see the message
 * before this returns. Owner; any state but IDLE and CONFERENCED. Synchronous. INVALCALLHANDLE, INVALDIGITMODE,
 * INVALPARAM (dwNumDigits 0), INVALDIGITS, NOTOWNER, INVALCALLSTATE, OPERATIONUNAVAIL, INVALTIMEOUT (not within
 * LINEDEVCAPS.dwGatherDigitsMinTimeout and MaxTimeout); RESOURCEUNAVAIL: more digits, or too much is outstanding. */
CF_API LONG lineGatherDigits(HCALL hCall, DWORD dwDigitModes, char *lpsDigits, DWORD dwNumDigits,
                             const char *lpszTerminationDigits, DWORD dwFirstDigitTimeout, DWORD dwInterDigitTimeout);

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
 * was made. Synchronous. INVALLINEHANDLE, INVALADDRESSID, INVALCALLSELECT, STRUCTURETOOSMALL, OPERATIONUNAVAIL
 * (callfan.conf does not let this user monitor the line). */
CF_API LONG lineGetNewCalls(HLINE hLine, DWORD dwAddressID, DWORD dwSelect, LINECALLLIST *lpCallList);

/* Sets the privilege of a handle to MONITOR or OWNER; OWNER is granted to all who may own the line's calls, others get
 * INVALCALLPRIVILEGE. The caller gets no message. Synchronous. INVALCALLHANDLE, INVALCALLPRIVILEGE, INVALCALLSTATE (sole owner of a call that is not IDLE gives up
 * ownership). */
CF_API LONG lineSetCallPrivilege(HCALL hCall, DWORD dwCallPrivilege);

/* Makes another application an owner of a call; the caller stays one. lpszFileName: the name that the application gave to
 * lineInitializeEx, of its first open of the line as OWNER; one's own will do. NULL: the application that comes first
 * among those with the line open as OWNER for dwMediaMode, one of LINEMEDIAMODE_ (lineSetAppPriority, then the earliest
 * lineOpen). The target gets LINE_CALLSTATE with the state as it is and dwParam3 OWNER, also when it was an owner; before
 * that LINE_APPNEWCALL if it had no handle. The others get LINE_CALLINFO. Owner; any state but IDLE. Synchronous.
 * INVALCALLHANDLE, INVALMEDIAMODE, NOTOWNER, INVALCALLSTATE, TARGETNOTFOUND, TARGETSELF (of dwMediaMode alone), NOMEM (no
 * handle free for the target). */
CF_API LONG lineHandoff(HCALL hCall, const char *lpszFileName, DWORD dwMediaMode);

/* Sets LINECALLINFO.dwAppSpecific, which means what applications agree on. All other applications with a handle get
 * LINE_CALLINFO(APPSPECIFIC) if it is different now. Owner; any state. Synchronous. INVALCALLHANDLE, NOTOWNER. */
CF_API LONG lineSetAppSpecific(HCALL hCall, DWORD dwAppSpecific);

/* Sets LINECALLINFO.dwMediaMode: known bits of LINEMEDIAMODE_, several only if UNKNOWN is one of them. Everybody with a
 * handle gets LINE_CALLINFO(MEDIAMODE) if it is different now; the provider is told and need not act. Owner; any state.
 * Synchronous. INVALCALLHANDLE, INVALMEDIAMODE, NOTOWNER. */
CF_API LONG lineSetMediaMode(HCALL hCall, DWORD dwMediaModes);

/* Puts an application first in the list of a media mode (dwPriority 1) or takes it out (0; no error if it is not in it).
 * lpszAppFilename: the name that it gives to lineInitializeEx. dwMediaMode: one of LINEMEDIAMODE_. The list says who
 * becomes the owner of the next incoming call and whom lineHandoff by media mode means; it outlives restarts. The other
 * parameters are not used. Needs no HLINEAPP: a process without one joins the service for the moment. Synchronous.
 * INVALAPPNAME, INVALMEDIAMODE, INVALREQUESTMODE (media mode 0: request modes are not there), INVALPARAM,
 * OPERATIONUNAVAIL (callfan.conf lets this user own no line), RESOURCEUNAVAIL (32 names are in the list), and those of
 * lineInitializeEx. */
CF_API LONG lineSetAppPriority(const char *lpszAppFilename, DWORD dwMediaMode, LINEEXTENSIONID *lpExtensionID,
                               DWORD dwRequestMode, const char *lpszExtensionName, DWORD dwPriority);

/* Gives the place of an application in the list of a media mode: 1 first, 0 not in it. As lineSetAppPriority. */
CF_API LONG lineGetAppPriority(const char *lpszAppFilename, DWORD dwMediaMode, LINEEXTENSIONID *lpExtensionID,
                               DWORD dwRequestMode, VARSTRING *lpExtensionName, DWORD *lpdwPriority);

#ifdef __cplusplus
}
#endif

#include "callfan/tapi_callfan.h"
#include "callfan/tapi_services.h"

#endif
