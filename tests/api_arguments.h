/*
 * What the arguments of the functions of callfan/tapi.h may be, where their types do not say it: tables of test_api_arguments.c.
 *
 * Shape      rows go by TAPI's names of functions and parameters; function NULL: wherever a parameter has this name. A row of the
 *            function's own comes before one of the name
 */
#ifndef CF_TESTS_API_ARGUMENTS_H
#define CF_TESTS_API_ARGUMENTS_H

#include "tests/support/conformance.h"

/* Numbers: a good one, some that are not, and what is said of these (or_error too, where two things are wrong). */
static const struct number {
    const char *function, *name;
    uint64_t good, bad[4];
    LONG error, or_error;
} numbers[] = {
    {NULL, "dwDeviceID", 0, {WORLD_LINES, 0x7FFFFFFF, 0xFFFFFFFE}, LINEERR_BADDEVICEID, 0},
    {NULL, "dwAPIVersion", TAPI_CURRENT_VERSION, {1, 0x00030000, 0xFFFFFFFF}, LINEERR_INCOMPATIBLEAPIVERSION, 0},
    {NULL, "dwAPILowVersion", CF_TAPI_VERSION_1_3, {0x00030000, 0xFFFFFFFF}, LINEERR_INCOMPATIBLEAPIVERSION, 0},
    {NULL, "dwAPIHighVersion", TAPI_CURRENT_VERSION, {1, 0x00010000}, LINEERR_INCOMPATIBLEAPIVERSION, 0},
    {NULL, "dwExtVersion", 0, {1, 0xFFFFFFFF}, LINEERR_INCOMPATIBLEEXTVERSION, 0},
    {"lineGetNewCalls", "dwAddressID", 0, {0}, 0, 0}, /* not used with LINECALLSELECT_LINE */
    {NULL, "dwAddressID", 0, {1, 0xFFFFFFFF}, LINEERR_INVALADDRESSID, 0},
    {NULL, "dwPrivileges", MONITOR, {0, 3, 8, 0xFFFF}, LINEERR_INVALPRIVSELECT, 0},
    {"cf_line_open_many", "privileges", MONITOR, {0, 3, 8, 0xFFFF}, LINEERR_INVALPRIVSELECT, 0},
    {"cf_line_open_many", "api_version", TAPI_CURRENT_VERSION, {1, 0xFFFFFFFF}, LINEERR_INCOMPATIBLEAPIVERSION, 0},
    {"cf_line_open_many", "count", 1, {0}, 0, 0},
    {"lineOpen", "dwMediaModes", 0, {0}, 0, 0}, /* not used without OWNER */
    {"lineSetMediaMode", "dwMediaModes", LINEMEDIAMODE_INTERACTIVEVOICE, {1, 0x30, 0x10000, 0xFFFFFFFF}, LINEERR_INVALMEDIAMODE, 0},
    {NULL, "dwMediaMode", LINEMEDIAMODE_INTERACTIVEVOICE, {1, 6, 0x10000, 0xFFFFFFFF}, LINEERR_INVALMEDIAMODE, 0},
    {NULL, "dwPriority", 0, {2, 0xFFFFFFFF}, LINEERR_INVALPARAM, 0},
    {"lineGetAddressID", "dwAddressMode", LINEADDRESSMODE_DIALABLEADDR, {0, 1, 3, 0xFFFFFFFF}, LINEERR_INVALADDRESSMODE, 0},
    {"lineGetAddressID", "dwSize", 3, {0}, 0, 0}, /* as long as lpsAddress is */
    {NULL, "dwLineStates", 0, {0x02000000, 0xFFFFFFFF}, LINEERR_INVALLINESTATE, 0},
    {NULL, "dwAddressStates", 0, {0x00000200, 0xFFFFFFFF}, LINEERR_INVALADDRESSSTATE, 0},
    {NULL, "dwSize", 0, {4097, 65536, 0xFFFFFFFF}, LINEERR_USERUSERINFOTOOBIG, 0},
    {"lineSetCallData", "dwSize", 0, {1025, 65536, 0xFFFFFFFF}, LINEERR_INVALPARAM, 0},
    {"lineDevSpecific", "dwSize", 0, {1025, 65536, 0xFFFFFFFF}, LINEERR_INVALPARAM, 0},
    {NULL, "dwBearerMode", LINEBEARERMODE_VOICE, {0, 3, 0x80000000, 0xFFFFFFFF}, LINEERR_INVALBEARERMODE, 0},
    {NULL, "dwMinRate", 0, {1, 0xFFFFFFFF}, LINEERR_INVALRATE, 0},
    {NULL, "dwDigitMode", LINEDIGITMODE_DTMF, {0, 3, 8, 0xFFFFFFFF}, LINEERR_INVALDIGITMODE, 0},
    {"lineMonitorMedia", "dwMediaModes", LINEMEDIAMODE_INTERACTIVEVOICE, {0x10000, 0xFFFFFFFF}, LINEERR_INVALMEDIAMODE, 0},
    {NULL, "dwDigitModes", LINEDIGITMODE_DTMF, {8, 0xFFFFFFFF}, LINEERR_INVALDIGITMODE, 0},
    {NULL, "dwNumDigits", 1, {0}, LINEERR_INVALPARAM, 0},
    {NULL, "dwToneMode", LINETONEMODE_BUSY, {3, 0x20, 0xFFFFFFFF}, LINEERR_INVALTONEMODE, 0},
    {"lineMonitorTones", "dwNumEntries", 1, {0}, LINEERR_INVALTONE, 0},
    {NULL, "dwParkMode", LINEPARKMODE_DIRECTED, {0, 3, 4, 0xFFFFFFFF}, LINEERR_INVALPARKMODE, 0},
    {NULL, "dwCompletionMode", LINECALLCOMPLMODE_CAMPON, {0, 3, 16, 0xFFFFFFFF}, LINEERR_INVALCALLCOMPLMODE, 0},
    {NULL, "dwMessageID", 0, {2, 0xFFFFFFFF}, LINEERR_INVALMESSAGEID, 0},
    {NULL, "dwTreatment", LINECALLTREATMENT_MUSIC, {0, LINECALLTREATMENT_BUSY, 5, 0xFFFFFFFF}, LINEERR_INVALPARAM, 0},
    {NULL, "dwTransferMode", LINETRANSFERMODE_TRANSFER, {0, 3, 4, 0xFFFFFFFF}, LINEERR_INVALTRANSFERMODE, 0},
    {NULL, "dwSelect", LINECALLSELECT_LINE, {0, 3, 16, 0xFFFFFFFF}, LINEERR_INVALCALLSELECT, 0},
    {NULL, "dwCallPrivilege", OWNER, {0, NOTHING, 6, 0xFFFFFFFF}, LINEERR_INVALCALLPRIVILEGE, 0},
    {"cf_dispatch", "max", 1, {0}, 0, 0},
    {NULL, "max", 1, {0}, LINEERR_INVALPARAM, 0},
};

/* Texts: what is said of 64 KiB without an end. */
static const struct text {
    const char *function, *name;
    LONG too_long;
} texts[] = {
    {NULL, "lpszDestAddress", LINEERR_INVALADDRESS},
    {NULL, "lpszFriendlyAppName", LINEERR_INVALAPPNAME},
    {NULL, "app_name", LINEERR_INVALAPPNAME},
    {NULL, "lpszDigits", LINEERR_RESOURCEUNAVAIL},
    {NULL, "lpsUserUserInfo", 0}, /* as long as dwSize says */
    {NULL, "lpsAddress", 0},
    {NULL, "lpszDeviceClass", LINEERR_INVALDEVICECLASS},
    {NULL, "lpszFileName", LINEERR_TARGETNOTFOUND},
    {NULL, "lpszAppFilename", LINEERR_INVALAPPNAME},
    {NULL, "lpszExtensionName", 0}, /* not looked at */
    {NULL, "lpszTerminationDigits", LINEERR_INVALDIGITS},
    {NULL, "lpszDirAddress", LINEERR_INVALADDRESS},
    {NULL, "lpszGroupID", LINEERR_INVALGROUPID},
};

/* Pointers that may be NULL though the comment does not say so of them by name; those that are never looked at among them. */
static const struct {
    const char *function, *name;
} may_be_null[] = {
    {"lineInitializeEx", "hInstance"},
    {"lineInitializeEx", "lpfnCallback"},
    {"lineInitializeEx", "lpszFriendlyAppName"},
    {"lineInitializeEx", "lpLineInitializeExParams"},
    {"cf_line_initialize", "callback"},
    {"cf_line_initialize", "app_name"},
    {"cf_line_initialize", "params"},
    {"cf_line_initialize", "options"},
    {"cf_line_open_many", "ret_errors"},
    {NULL, "lpCallParams"},
    {NULL, "lpDialParams"},
    {NULL, "lpsUserUserInfo"},
    {"lineGenerateDigits", "lpszDigits"},
    {"lineHandoff", "lpszFileName"},
    {"lineGenerateTone", "lpTones"},
    {"lineMonitorTones", "lpToneList"},
    {"lineGatherDigits", "lpsDigits"},
    {"lineGatherDigits", "lpszTerminationDigits"},
    {"linePickup", "lpszDestAddress"},
    {"linePickup", "lpszGroupID"},
    {"lineForward", "lpForwardList"},
    {"lineSetCallData", "lpCallData"},
    {"lineDevSpecific", "lpParams"},
    {"lineSetAppPriority", "lpExtensionID"},
    {"lineSetAppPriority", "lpszExtensionName"},
    {"lineGetAppPriority", "lpExtensionID"},
    {"lineGetAppPriority", "lpExtensionName"},
};

/* Structures that begin with dwTotalSize: the fixed part at the current version. */
static const struct {
    const char *type;
    DWORD fixed;
} sized[] = {
    {"LINEDEVCAPS", sizeof(LINEDEVCAPS)},
    {"LINEADDRESSCAPS", sizeof(LINEADDRESSCAPS)},
    {"LINEDEVSTATUS", sizeof(LINEDEVSTATUS)},
    {"LINEADDRESSSTATUS", sizeof(LINEADDRESSSTATUS)},
    {"LINECALLINFO", sizeof(LINECALLINFO)},
    {"LINECALLSTATUS", sizeof(LINECALLSTATUS)},
    {"LINECALLLIST", sizeof(LINECALLLIST)},
    {"LINECALLPARAMS", sizeof(LINECALLPARAMS)},
    {"LINEINITIALIZEEXPARAMS", sizeof(LINEINITIALIZEEXPARAMS)},
    {"VARSTRING", sizeof(VARSTRING)},
    {"LINEFORWARDLIST", offsetof(LINEFORWARDLIST, ForwardList)},
};

/* Parts of structures that are read: size and offset, by where the size stands. */
static const struct {
    const char *function, *name;
    size_t size_at;
    LONG error;
} parts[] = {
    {"lineMakeCall", "lpCallParams", offsetof(LINECALLPARAMS, dwUserUserInfoSize), LINEERR_INVALCALLPARAMS},
    {"lineMakeCall", "lpCallParams", offsetof(LINECALLPARAMS, dwDisplayableAddressSize), LINEERR_INVALCALLPARAMS},
    {"lineMakeCall", "lpCallParams", offsetof(LINECALLPARAMS, dwCalledPartySize), LINEERR_INVALCALLPARAMS},
    {"lineMakeCall", "lpCallParams", offsetof(LINECALLPARAMS, dwCommentSize), LINEERR_INVALCALLPARAMS},
    {"lineForward", "lpCallParams", offsetof(LINECALLPARAMS, dwCallDataSize), LINEERR_INVALCALLPARAMS},
};

/* Structures that are not looked at. */
static const struct {
    const char *function, *name;
} unused[] = {
    {"lineGetAppPriority", "lpExtensionName"},
};

/* What stands behind a pointer to be good, where zeros are not: a number, or a text. */
static const struct {
    const char *function, *name;
    size_t at;
    DWORD value;
    const char *text;
} contents[] = {
    {"lineInitializeEx", "lpdwAPIVersion", 0, TAPI_CURRENT_VERSION, NULL},
    {"cf_line_initialize", "api_version", 0, TAPI_CURRENT_VERSION, NULL},
    {NULL, "lpLineInitializeExParams", offsetof(LINEINITIALIZEEXPARAMS, dwOptions), LINEINITIALIZEEXOPTION_USEEVENT, NULL},
    {NULL, "params", offsetof(LINEINITIALIZEEXPARAMS, dwOptions), LINEINITIALIZEEXOPTION_USEEVENT, NULL},
    {NULL, "options", 0, sizeof(struct cf_init_options), NULL},
    {NULL, "app_name", 0, 0, "conformance"},
    {NULL, "lpszFriendlyAppName", 0, 0, "conformance"},
    {NULL, "lpszAppFilename", 0, 0, "conformance"},
    {NULL, "lpszFileName", 0, 0, "conformance"},
    {NULL, "lpszDestAddress", 0, 0, "123"},
    {NULL, "lpszDigits", 0, 0, "123"},
    {NULL, "lpsAddress", 0, 0, "550"},
    {NULL, "lpszTerminationDigits", 0, 0, "#"},
    {NULL, "lpszDirAddress", 0, 0, "123"},
    {NULL, "lpszGroupID", 0, 0, "123"},
    {NULL, "lpszDeviceClass", 0, 0, "tapi/line"},
};

/* And numbers behind a pointer that are not good. */
static const struct {
    const char *function, *name;
    size_t at;
    DWORD bad;
    LONG error;
} bad_contents[] = {
    {"lineInitializeEx", "lpdwAPIVersion", 0, 1, LINEERR_INCOMPATIBLEAPIVERSION},
    {"cf_line_initialize", "api_version", 0, 1, LINEERR_INCOMPATIBLEAPIVERSION},
    {NULL, "lpLineInitializeExParams", offsetof(LINEINITIALIZEEXPARAMS, dwOptions), 0, LINEERR_INVALPARAM},
    {NULL, "lpLineInitializeExParams", offsetof(LINEINITIALIZEEXPARAMS, dwOptions), 3, LINEERR_INVALPARAM},
    {NULL, "lpLineInitializeExParams", offsetof(LINEINITIALIZEEXPARAMS, dwOptions), 0x80000002, LINEERR_INVALPARAM},
    {NULL, "lpszFriendlyAppName", 0, 0, LINEERR_INVALAPPNAME},          /* "" */
    {NULL, "lpszAppFilename", 0, 0, LINEERR_INVALAPPNAME},
    {NULL, "lpszFileName", 0, 0x003F3F3F, LINEERR_TARGETNOTFOUND},
    {NULL, "lpszDeviceClass", 0, 0x3F3F3F3F, LINEERR_INVALDEVICECLASS},
    {NULL, "lpsAddress", 0, 0x003F3F3F, LINEERR_INVALADDRESS},
    {NULL, "lpszFriendlyAppName", 0, 0x0000C341, LINEERR_INVALAPPNAME}, /* not UTF-8 */
    {"lineMakeCall", "lpCallParams", offsetof(LINECALLPARAMS, dwAddressMode), 2, LINEERR_INVALADDRESS}, /* by number, and there is none */
    {"lineMakeCall", "lpCallParams", offsetof(LINECALLPARAMS, dwAddressMode), 3, LINEERR_INVALADDRESSMODE},
    {"lineMakeCall", "lpCallParams", offsetof(LINECALLPARAMS, dwBearerMode), 3, LINEERR_INVALBEARERMODE},
    {"lineMakeCall", "lpCallParams", offsetof(LINECALLPARAMS, dwMediaMode), 6, LINEERR_INVALMEDIAMODE},
    {"lineMakeCall", "lpCallParams", offsetof(LINECALLPARAMS, dwCallParamFlags), 0x100, LINEERR_INVALCALLPARAMS},
    {"lineForward", "lpForwardList", offsetof(LINEFORWARDLIST, dwNumEntries), 1, LINEERR_STRUCTURETOOSMALL},
    {"lineForward", "lpForwardList", offsetof(LINEFORWARDLIST, dwNumEntries), 0xFFFFFFFF, LINEERR_INVALPARAM},
    {NULL, "options", 0, sizeof(struct cf_init_options) + 8, LINEERR_INVALPARAM},
    {NULL, "options", 0, 0, LINEERR_INVALPARAM},
    {NULL, "options", offsetof(struct cf_init_options, flags), 0x80000000, LINEERR_INVALPARAM},
    {NULL, "options", offsetof(struct cf_init_options, ring_bytes), 0xFFFFFFFF, LINEERR_INVALPARAM},
};

/* Numbers that may be anything, or are not looked at by themselves. */
static const char *const any_number[] = {
    "dwCallbackInstance",  "callback_instance",   "media_modes", "dwCountryCode", "dwMaxRate",          "dwDuration",
    "dwTimeout",           "timeout_ms",          "error",       "state",         "message_id",         "privilege",
    "mode",                "dwNumParties",        "dwNumTones",  "dwAppSpecific", "dwRequestMode",      "bAllAddresses",
    "dwFirstDigitTimeout", "dwInterDigitTimeout", "dwNumRingsNoAnswer", "dwCompletionID",
};

/* What else is to be so that an argument counts. */
static const struct {
    const char *function, *name, *other;
    uint64_t value;
} where[] = {
    {"lineSetupConference", "hLine", "hCall", 0},
    {"lineCompleteTransfer", "lphConfCall", "dwTransferMode", LINETRANSFERMODE_CONFERENCE},
    {"lineGetID", "dwAddressID", "dwSelect", LINECALLSELECT_ADDRESS},
    {"lineGetID", "hCall", "dwSelect", LINECALLSELECT_CALL},
    {"linePark", "lpNonDirAddress", "dwParkMode", LINEPARKMODE_NONDIRECTED},
    {"lineHandoff", "dwMediaMode", "lpszFileName", 0},
    {"lineCompleteCall", "dwMessageID", "dwCompletionMode", LINECALLCOMPLMODE_MESSAGE},
};

/* Handles that may be 0, which says: none. */
static const struct {
    const char *function, *name;
} may_be_zero[] = {
    {"cf_list_calls", "line"},
    {"lineSetupConference", "hCall"},
    {"lineDevSpecific", "hCall"},
};

/* They need no lineInitializeEx. */
static const char *const need_no_usage[] = {"lineInitializeEx", "cf_line_initialize", "lineSetAppPriority",
                                            "lineGetAppPriority"};

static const LONG errors_of_all[] = {LINEERR_UNINITIALIZED, LINEERR_INVALPOINTER, LINEERR_NOMEM,
                                     LINEERR_OPERATIONFAILED, LINEERR_RESOURCEUNAVAIL};

#endif
