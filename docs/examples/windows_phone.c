/*
 * A monitor and dialler as it is written for TAPI 2.x on Windows: a callback, a message loop, structures of variable size that are asked
 * for again when they were too small. It compiles there with the two lines in comments in place of the one after them.
 *
 *     windows_phone [NUMBER]    shows every call of every line; dials NUMBER, talks for as long as the far end does, then ends
 */
/* #include <windows.h> */
/* #include <tapi.h> */
#include <callfan/windows_loop.h>

#include <stdio.h>
#include <stdlib.h>

#define MAX_LINES  64
#define MAX_CALLS  256
#define LOW_VERSION  0x00010004
#define HIGH_VERSION 0x00020002

typedef struct {
    DWORD dwDeviceID;
    DWORD dwAPIVersion;
    HLINE hLine; /* 0: not open */
    BOOL bCanDial;
    CHAR szName[64];
} LINEENTRY, FAR *LPLINEENTRY;

typedef struct {
    HCALL hCall; /* 0: free */
    LPLINEENTRY lpLine;
    BOOL bMine;
} CALLENTRY, FAR *LPCALLENTRY;

static HLINEAPP g_hLineApp;
static LINEENTRY g_Lines[MAX_LINES];
static DWORD g_dwNumLines;
static CALLENTRY g_Calls[MAX_CALLS];
static HCALL g_hMyCall;        /* written by TAPI when LINE_REPLY is on its way */
static LONG g_lMakeCallID;     /* what lineMakeCall is waited for with; 0: nothing */
static LPLINEENTRY g_lpMyLine; /* where it was dialled */

/* ---- names for people */

static LPCSTR StateName(DWORD dwState)
{
    static const struct {
        DWORD dwState;
        LPCSTR lpszName;
    } names[] = {
        {LINECALLSTATE_IDLE, "idle"},           {LINECALLSTATE_OFFERING, "offering"},
        {LINECALLSTATE_ACCEPTED, "accepted"},   {LINECALLSTATE_DIALTONE, "dial tone"},
        {LINECALLSTATE_DIALING, "dialing"},     {LINECALLSTATE_RINGBACK, "ringback"},
        {LINECALLSTATE_BUSY, "busy"},           {LINECALLSTATE_SPECIALINFO, "special info"},
        {LINECALLSTATE_CONNECTED, "connected"}, {LINECALLSTATE_PROCEEDING, "proceeding"},
        {LINECALLSTATE_ONHOLD, "on hold"},      {LINECALLSTATE_CONFERENCED, "conferenced"},
        {LINECALLSTATE_ONHOLDPENDCONF, "on hold for a conference"},
        {LINECALLSTATE_ONHOLDPENDTRANSFER, "on hold for a transfer"},
        {LINECALLSTATE_DISCONNECTED, "disconnected"},
        {LINECALLSTATE_UNKNOWN, "unknown"},
    };
    for (DWORD i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i].dwState == dwState)
            return names[i].lpszName;
    return "?";
}

static VOID Complain(LPCSTR lpszFunction, LONG lResult)
{
    fprintf(stderr, "%s failed: 0x%08lX\n", lpszFunction, (unsigned long)(DWORD)lResult);
}

/* ---- structures of variable size: ask, and ask again with as much room as is needed; free() them */

static LPLINEDEVCAPS GetDevCaps(DWORD dwDeviceID, DWORD dwAPIVersion)
{
    DWORD dwSize = sizeof(LINEDEVCAPS);
    for (;;) {
        LPLINEDEVCAPS lpCaps = (LPLINEDEVCAPS)calloc(1, dwSize);
        LONG lResult;
        if (lpCaps == NULL)
            return NULL;
        lpCaps->dwTotalSize = dwSize;
        lResult = lineGetDevCaps(g_hLineApp, dwDeviceID, dwAPIVersion, 0, lpCaps);
        if (lResult == 0 && lpCaps->dwNeededSize <= lpCaps->dwTotalSize)
            return lpCaps;
        dwSize = lpCaps->dwNeededSize;
        free(lpCaps);
        if (lResult != 0) {
            Complain("lineGetDevCaps", lResult);
            return NULL;
        }
    }
}

static LPLINECALLINFO GetCallInfo(HCALL hCall)
{
    DWORD dwSize = sizeof(LINECALLINFO);
    for (;;) {
        LPLINECALLINFO lpInfo = (LPLINECALLINFO)calloc(1, dwSize);
        LONG lResult;
        if (lpInfo == NULL)
            return NULL;
        lpInfo->dwTotalSize = dwSize;
        lResult = lineGetCallInfo(hCall, lpInfo);
        if (lResult == 0 && lpInfo->dwNeededSize <= lpInfo->dwTotalSize)
            return lpInfo;
        dwSize = lpInfo->dwNeededSize;
        free(lpInfo);
        if (lResult != 0)
            return NULL; /* given back meanwhile */
    }
}

/* LINECALLPARAMS with its variable part behind it. */
static LPLINECALLPARAMS MakeCallParams(LPCSTR lpszCalledParty)
{
    DWORD dwBytes = (DWORD)strlen(lpszCalledParty) + 1;
    LPLINECALLPARAMS lpParams = (LPLINECALLPARAMS)calloc(1, sizeof(LINECALLPARAMS) + dwBytes);
    if (lpParams == NULL)
        return NULL;
    lpParams->dwTotalSize = sizeof(LINECALLPARAMS) + dwBytes;
    lpParams->dwBearerMode = LINEBEARERMODE_VOICE;
    lpParams->dwMediaMode = LINEMEDIAMODE_INTERACTIVEVOICE;
    lpParams->dwAddressMode = LINEADDRESSMODE_ADDRESSID;
    lpParams->dwCalledPartySize = dwBytes;
    lpParams->dwCalledPartyOffset = sizeof(LINECALLPARAMS);
    CopyMemory((LPBYTE)lpParams + lpParams->dwCalledPartyOffset, lpszCalledParty, dwBytes);
    return lpParams;
}

/* ---- calls */

static LPCALLENTRY FindCall(HCALL hCall)
{
    for (DWORD i = 0; i < MAX_CALLS; i++)
        if (g_Calls[i].hCall == hCall)
            return &g_Calls[i];
    return NULL;
}

static VOID AddCall(HCALL hCall, LPLINEENTRY lpLine, BOOL bMine)
{
    LPCALLENTRY lpCall = FindCall(hCall); /* a handle may be told of twice */
    if (lpCall == NULL)
        lpCall = FindCall(0);
    if (lpCall == NULL) {
        lineDeallocateCall(hCall); /* more than we can show */
        return;
    }
    lpCall->hCall = hCall;
    lpCall->lpLine = lpLine;
    lpCall->bMine = bMine;
}

static VOID ShowParties(LPCALLENTRY lpCall)
{
    LPLINECALLINFO lpInfo = GetCallInfo(lpCall->hCall);
    if (lpInfo == NULL)
        return;
    printf("%s: ", lpCall->lpLine->szName);
    if (lpInfo->dwCallerIDFlags & LINECALLPARTYID_ADDRESS)
        printf("from %s ", (LPCSTR)lpInfo + lpInfo->dwCallerIDOffset);
    if (lpInfo->dwCalledIDFlags & LINECALLPARTYID_ADDRESS)
        printf("to %s ", (LPCSTR)lpInfo + lpInfo->dwCalledIDOffset);
    printf("(%s)\n", lpInfo->dwOrigin == LINECALLORIGIN_OUTBOUND ? "outgoing" : "incoming");
    free(lpInfo);
}

static VOID OnCallState(HCALL hCall, DWORD dwState, DWORD dwMode)
{
    LPCALLENTRY lpCall = FindCall(hCall);
    if (lpCall == NULL)
        return;
    printf("%s: %s%s\n", lpCall->lpLine->szName, lpCall->bMine ? "my call is " : "", StateName(dwState));
    switch (dwState) {
    case LINECALLSTATE_OFFERING:
        ShowParties(lpCall);
        break;
    case LINECALLSTATE_DISCONNECTED:
        if (dwMode == LINEDISCONNECTMODE_BUSY)
            printf("%s: the far end is busy\n", lpCall->lpLine->szName);
        if (lpCall->bMine) {
            LONG lResult = lineDrop(hCall, NULL, 0);
            if (lResult < 0)
                Complain("lineDrop", lResult);
        }
        break;
    case LINECALLSTATE_IDLE:
        lineDeallocateCall(hCall);
        lpCall->hCall = 0;
        if (lpCall->bMine)
            PostQuitMessage(0);
        break;
    }
}

static VOID OnReply(LONG lRequestID, LONG lResult)
{
    if (lRequestID != g_lMakeCallID) {
        /* LINEERR_INVALCALLSTATE: the call was IDLE before it was dropped. */
        if (lResult != 0 && lResult != LINEERR_INVALCALLSTATE)
            Complain("an operation", lResult);
        return;
    }
    g_lMakeCallID = 0;
    if (lResult != 0) {
        Complain("lineMakeCall", lResult);
        PostQuitMessage(1);
        return;
    }
    AddCall(g_hMyCall, g_lpMyLine, TRUE);
}

/* ---- lines */

static VOID ForgetLine(HLINE hLine)
{
    for (DWORD i = 0; i < g_dwNumLines; i++) {
        if (g_Lines[i].hLine != hLine)
            continue;
        printf("%s: closed\n", g_Lines[i].szName);
        for (DWORD k = 0; k < MAX_CALLS; k++)
            if (g_Calls[k].hCall != 0 && g_Calls[k].lpLine == &g_Lines[i])
                g_Calls[k].hCall = 0; /* void with its line */
        g_Lines[i].hLine = 0;
        if (&g_Lines[i] == g_lpMyLine)
            PostQuitMessage(1);
    }
}

static VOID OpenLine(DWORD dwDeviceID)
{
    LPLINEENTRY lpLine = &g_Lines[g_dwNumLines];
    LINEEXTENSIONID extension;
    LPLINEDEVCAPS lpCaps;
    LONG lResult;
    if (g_dwNumLines == MAX_LINES)
        return;
    lResult = lineNegotiateAPIVersion(g_hLineApp, dwDeviceID, LOW_VERSION, HIGH_VERSION, &lpLine->dwAPIVersion, &extension);
    if (lResult != 0) /* an old or missing device is no reason to stop */
        return;
    lpCaps = GetDevCaps(dwDeviceID, lpLine->dwAPIVersion);
    if (lpCaps == NULL)
        return;
    lpLine->dwDeviceID = dwDeviceID;
    lpLine->bCanDial = (lpCaps->dwLineFeatures & LINEFEATURE_MAKECALL) != 0 &&
                       (lpCaps->dwMediaModes & LINEMEDIAMODE_INTERACTIVEVOICE) != 0;
    if (lpCaps->dwLineNameSize != 0)
        snprintf(lpLine->szName, sizeof(lpLine->szName), "%s", (LPCSTR)lpCaps + lpCaps->dwLineNameOffset);
    else
        snprintf(lpLine->szName, sizeof(lpLine->szName), "line %lu", (unsigned long)dwDeviceID);
    free(lpCaps);
    lResult = lineOpen(g_hLineApp, dwDeviceID, &lpLine->hLine, lpLine->dwAPIVersion, 0, (DWORD_PTR)lpLine,
                       LINECALLPRIVILEGE_MONITOR, 0, NULL);
    if (lResult != 0) {
        Complain("lineOpen", lResult);
        return;
    }
    lResult = lineSetStatusMessages(lpLine->hLine, LINEDEVSTATE_INSERVICE | LINEDEVSTATE_OUTOFSERVICE, 0);
    if (lResult != 0)
        Complain("lineSetStatusMessages", lResult);
    printf("%s: open%s\n", lpLine->szName, lpLine->bCanDial ? ", can dial" : "");
    g_dwNumLines++;
}

static BOOL Dial(LPCSTR lpszNumber)
{
    LPLINECALLPARAMS lpParams = MakeCallParams("somebody");
    for (DWORD i = 0; lpParams != NULL && g_lpMyLine == NULL && i < g_dwNumLines; i++)
        if (g_Lines[i].bCanDial)
            g_lpMyLine = &g_Lines[i];
    if (g_lpMyLine == NULL) {
        fprintf(stderr, "no line can dial\n");
        free(lpParams);
        return FALSE;
    }
    g_lMakeCallID = lineMakeCall(g_lpMyLine->hLine, &g_hMyCall, lpszNumber, 0, lpParams);
    free(lpParams); /* TAPI has copied it */
    if (g_lMakeCallID < 0)
        Complain("lineMakeCall", g_lMakeCallID);
    else
        printf("%s: dialling %s\n", g_lpMyLine->szName, lpszNumber);
    return g_lMakeCallID > 0;
}

/* ---- what TAPI calls. hDevice is an HCALL or an HLINE, by message */

static VOID CALLBACK LineCallback(HCALL hDevice, DWORD dwMessage, DWORD_PTR dwInstance, DWORD_PTR dwParam1,
                                  DWORD_PTR dwParam2, DWORD_PTR dwParam3)
{
    LPLINEENTRY lpLine = (LPLINEENTRY)dwInstance;
    (void)dwParam3;
    switch (dwMessage) {
    case LINE_APPNEWCALL:
        AddCall((HCALL)dwParam2, lpLine, FALSE);
        break;
    case LINE_CALLSTATE:
        OnCallState(hDevice, (DWORD)dwParam1, (DWORD)dwParam2);
        break;
    case LINE_REPLY:
        OnReply((LONG)dwParam1, (LONG)dwParam2);
        break;
    case LINE_CLOSE:
        ForgetLine((HLINE)hDevice);
        break;
    case LINE_CREATE:
        OpenLine((DWORD)dwParam1);
        break;
    case LINE_LINEDEVSTATE:
        if (dwParam1 & LINEDEVSTATE_REINIT)
            PostQuitMessage(1); /* TAPI starts anew: so must we */
        else
            printf("%s: %s service\n", lpLine->szName, (dwParam1 & LINEDEVSTATE_INSERVICE) ? "in" : "out of");
        break;
    }
    fflush(stdout);
}

int main(int argc, char **argv)
{
    LINEINITIALIZEEXPARAMS params;
    DWORD dwNumDevs = 0, dwVersion = HIGH_VERSION;
    LONG lResult;
    MSG msg;

    ZeroMemory(&params, sizeof(params));
    params.dwTotalSize = sizeof(params);
    params.dwOptions = LINEINITIALIZEEXOPTION_USEHIDDENWINDOW;
    lResult = lineInitializeEx(&g_hLineApp, NULL, LineCallback, "phone", &dwNumDevs, &dwVersion, &params);
    if (lResult != 0) {
        Complain("lineInitializeEx", lResult);
        return 1;
    }
    for (DWORD i = 0; i < dwNumDevs; i++)
        OpenLine(i);
    fflush(stdout);
    if (argc > 1 && !Dial(argv[1])) {
        lineShutdown(g_hLineApp);
        return 1;
    }
    while (GetMessage(&msg, NULL, 0, 0) > 0) {
        TranslateMessage(&msg);
        DispatchMessage(&msg);
    }
    lineShutdown(g_hLineApp);
    return (int)msg.wParam;
}
