/*
 * What TAPI's numbers are called and what its errors mean: the names and texts of callfan/tapi.h.
 *
 * Shape      one table per family, data only; errors by their low bits, the others searched
 * Invariant  every LINEERR_ value has a name and a text; nothing here returns NULL
 * Overlap    any thread; constant data
 * Source     TAPI 2.2 reference, the pages of the constants; what to do is said for this service
 */
#include "callfan/tapi.h"

#include <assert.h>
#include <stdint.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct error_entry {
    const char *name;
    const char *text;
};

#define ERROR_INDEX(error) ((uint32_t)(error)&0x7FFFFFFFU)
#define ERROR(suffix, meaning)                                                                                         \
    [ERROR_INDEX(LINEERR_##suffix)] = {                                                                                \
        "LINEERR_" #suffix,                                                                                            \
        meaning,                                                                                                       \
    }

static const struct error_entry errors[] = {
    ERROR(ALLOCATED, "the line device is held by something outside; free it there, then open the line again"),
    ERROR(BADDEVICEID, "no line device has this number; use one below the count that lineInitializeEx gave"),
    ERROR(BEARERMODEUNAVAIL, "the call's bearer mode is not available; use one of LINEDEVCAPS.dwBearerModes"),
    ERROR(CALLUNAVAIL, "all call appearances of the line are in use; drop a call or try later"),
    ERROR(COMPLETIONOVERRUN, "too many call completions are outstanding; wait until one has completed"),
    ERROR(CONFERENCEFULL, "the conference has its largest number of parties; remove one before adding another"),
    ERROR(DIALBILLING, "the line cannot wait for the billing tone ($); take it out of the number"),
    ERROR(DIALDIALTONE, "the line cannot wait for dial tone (W); take it out of the number"),
    ERROR(DIALPROMPT, "the number holds the prompt character (?); ask the user, then dial the rest"),
    ERROR(DIALQUIET, "the line cannot wait for quiet (@); take it out of the number"),
    ERROR(INCOMPATIBLEAPIVERSION, "no common API version; give a version that lineNegotiateAPIVersion returned"),
    ERROR(INCOMPATIBLEEXTVERSION, "the line has no extension of this version; give 0"),
    ERROR(INIFILECORRUPT, "the stored telephony settings cannot be read; repair or remove them"),
    ERROR(INUSE, "the line device is busy with another call; wait until that one ends"),
    ERROR(INVALADDRESS, "the number or address is not one that can be dialled here; check its form"),
    ERROR(INVALADDRESSID, "the line has no such address; use one below LINEDEVCAPS.dwNumAddresses"),
    ERROR(INVALADDRESSMODE, "the address mode is not supported; use LINEADDRESSMODE_ADDRESSID"),
    ERROR(INVALADDRESSSTATE, "the mask has bits outside LINEADDRESSSTATE_; clear them"),
    ERROR(INVALAPPHANDLE, "the application handle is void: never initialised, or shut down; call lineInitializeEx"),
    ERROR(INVALAPPNAME, "the application's name is missing, too long or not UTF-8; give another"),
    ERROR(INVALBEARERMODE, "the bearer mode is not one of LINEBEARERMODE_; give a single valid bit"),
    ERROR(INVALCALLCOMPLMODE, "the completion mode is not one of LINECALLCOMPLMODE_ that the address supports"),
    ERROR(INVALCALLHANDLE, "the call handle is void: deallocated, or its line closed; forget it"),
    ERROR(INVALCALLPARAMS, "the call parameters contradict each other or the line; compare them with LINEDEVCAPS"),
    ERROR(INVALCALLPRIVILEGE,
          "a call handle can be given MONITOR, or OWNER where callfan.conf grants it; to give it up "
          "use lineDeallocateCall"),
    ERROR(INVALCALLSELECT, "give LINECALLSELECT_LINE or LINECALLSELECT_ADDRESS, exactly one"),
    ERROR(INVALCALLSTATE,
          "the call's state does not allow it, or its sole owner may not leave it; see the call's status"),
    ERROR(INVALCALLSTATELIST, "the list of call states has bits outside LINECALLSTATE_; clear them"),
    ERROR(INVALCARD, "no calling card has this number"),
    ERROR(INVALCOMPLETIONID, "no call completion with this id is outstanding; it may have completed"),
    ERROR(INVALCONFCALLHANDLE, "the handle is void or not a conference's parent call; give the parent's"),
    ERROR(INVALCONSULTCALLHANDLE, "the handle is void or not a consultation call of this one"),
    ERROR(INVALCOUNTRYCODE, "the country code is not valid; 0 stands for the default"),
    ERROR(INVALDEVICECLASS, "no device of this class belongs to the line; see the classes in its capabilities"),
    ERROR(INVALDEVICEHANDLE, "the media device handle is not valid"),
    ERROR(INVALDIALPARAMS, "a dialling time lies outside the limits in LINEDEVCAPS"),
    ERROR(INVALDIGITLIST, "the list of digits is not valid"),
    ERROR(INVALDIGITMODE, "the digit mode is not one of LINEDIGITMODE_ that the line supports"),
    ERROR(INVALDIGITS, "a digit is not valid in this digit mode"),
    ERROR(INVALEXTVERSION, "the extension version is not valid; give 0"),
    ERROR(INVALGROUPID, "the pickup group is not valid; check its name"),
    ERROR(INVALLINEHANDLE, "the line handle is void: closed by you, or by LINE_CLOSE; open the line again"),
    ERROR(INVALLINESTATE, "the line's state does not allow it, or the mask has bits outside LINEDEVSTATE_"),
    ERROR(INVALLOCATION, "no location has this number"),
    ERROR(INVALMEDIALIST, "the list of media modes is not valid"),
    ERROR(INVALMEDIAMODE, "the media modes are not among those of the line, or none is given with OWNER"),
    ERROR(INVALMESSAGEID, "no completion message has this number; use one below dwNumCompletionMessages"),
    ERROR(INVALPARAM, "a parameter, option or flag is not valid; see the contract of the function in callfan/tapi.h"),
    ERROR(INVALPARKID, "the park identifier is not valid"),
    ERROR(INVALPARKMODE, "the park mode is not one that the address supports"),
    ERROR(INVALPOINTER, "a pointer is NULL that may not be"),
    ERROR(INVALPRIVSELECT, "lineOpen takes NONE, MONITOR, OWNER or MONITOR|OWNER, and LINEOPENOPTION_ bits, where "
                           "callfan.conf grants them for that line"),
    ERROR(INVALRATE, "the least rate lies above the highest, or a rate is not valid"),
    ERROR(INVALREQUESTMODE, "the request mode is not one of LINEREQUESTMODE_"),
    ERROR(INVALTERMINALID, "the line has no terminal of this number"),
    ERROR(INVALTERMINALMODE, "the terminal mode is not one of LINETERMMODE_ that the terminal supports"),
    ERROR(INVALTIMEOUT, "the time lies outside the limits in LINEDEVCAPS"),
    ERROR(INVALTONE, "the description of the tone is not valid"),
    ERROR(INVALTONELIST, "the list of tones is not valid"),
    ERROR(INVALTONEMODE, "the tone mode is not one of LINETONEMODE_ that the line supports"),
    ERROR(INVALTRANSFERMODE, "give LINETRANSFERMODE_TRANSFER or _CONFERENCE, as the address supports"),
    ERROR(LINEMAPPERFAILED, "no line fits what was asked of LINEMAPPER; open a line by its number"),
    ERROR(NOCONFERENCE, "the call is neither parent nor member of a conference"),
    ERROR(NODEVICE, "the line device was removed (LINE_REMOVE); its number does not come back until a restart"),
    ERROR(NODRIVER, "no provider serves the line; see that its callfan- program is configured and runs"),
    ERROR(NOMEM, "memory or a configured table is full; free handles or raise the limit"),
    ERROR(NOREQUEST, "no request is pending"),
    ERROR(NOTOWNER, "the handle has MONITOR privilege; make it owner with lineSetCallPrivilege first"),
    ERROR(NOTREGISTERED, "the application is not registered for this kind of request, or another one is"),
    ERROR(OPERATIONFAILED, "it failed for a reason without a code of its own; from lineGetMessage: no message in time; "
                           "from lineInitializeEx: perhaps no access, see the log of callfand"),
    ERROR(OPERATIONUNAVAIL,
          "the provider or this service does not offer it, or callfan.conf does not grant it for that "
          "line; see the features in the capabilities"),
    ERROR(RATEUNAVAIL, "the line does not have this rate free; use LINEDEVCAPS.dwMaxRate or less"),
    ERROR(RESOURCEUNAVAIL, "something is missing for the moment, such as the line's provider; try again later"),
    ERROR(REQUESTOVERRUN, "too many requests await their LINE_REPLY; read messages, then ask again"),
    ERROR(STRUCTURETOOSMALL, "dwTotalSize is less than the structure's fixed part; set it to the bytes allocated"),
    ERROR(TARGETNOTFOUND, "no application to hand the call to has the line open as owner"),
    ERROR(TARGETSELF, "the application itself is the best target of its handoff; keep the call"),
    ERROR(UNINITIALIZED, "the process has no lineInitializeEx yet, or forked since; call it in this process"),
    ERROR(USERUSERINFOTOOBIG, "the user-user information is longer than the dwUUI sizes in LINEDEVCAPS"),
    ERROR(REINIT, "the service restarts from nothing; call lineShutdown, then lineInitializeEx"),
    ERROR(ADDRESSBLOCKED, "the number may not be dialled from this line"),
    ERROR(BILLINGREJECTED, "the network refused to charge the call"),
    ERROR(INVALFEATURE, "the feature is not one of LINEFEATURE_ or LINEADDRFEATURE_"),
    ERROR(NOMULTIPLEINSTANCE, "this provider may be installed only once"),
    ERROR(INVALAGENTID, "agent functions are not part of this service"),
    ERROR(INVALAGENTGROUP, "agent functions are not part of this service"),
    ERROR(INVALPASSWORD, "the password is wrong"),
    ERROR(INVALAGENTSTATE, "agent functions are not part of this service"),
    ERROR(INVALAGENTACTIVITY, "agent functions are not part of this service"),
    ERROR(DIALVOICEDETECT, "the line cannot wait for a voice (:); take it out of the number"),
    ERROR(USERCANCELLED, "the user cancelled it"),
    ERROR(INVALADDRESSTYPE, "the address type is not one of the line's (TAPI 3)"),
    ERROR(INVALAGENTSESSIONSTATE, "agent functions are not part of this service"),
    ERROR(DISCONNECTED, "the connection to the other side is lost; join again"),
    ERROR(SERVICE_NOT_RUNNING,
          "no service answers at the socket; start callfand, or set CALLFAN_SOCKET to where it is"),
};
static_assert(COUNT(errors) == ERROR_INDEX(LINEERR_SERVICE_NOT_RUNNING) + 1, "the last error comes last");

static const struct error_entry success = {"success", "it is done"};
static const struct error_entry request_id = {"request id", "it is under way; the result comes with LINE_REPLY"};
static const struct error_entry unknown_error = {"unknown LINEERR_",
                                                 "not a value of TAPI; treat it like LINEERR_OPERATIONFAILED"};

struct name_entry {
    uint32_t value;
    const char *name;
};

#define NAME(family, suffix)                                                                                           \
    {                                                                                                                  \
        family##suffix, #suffix                                                                                        \
    }

static const struct name_entry states[] = {
    NAME(LINECALLSTATE_, IDLE),           NAME(LINECALLSTATE_, OFFERING),
    NAME(LINECALLSTATE_, ACCEPTED),       NAME(LINECALLSTATE_, DIALTONE),
    NAME(LINECALLSTATE_, DIALING),        NAME(LINECALLSTATE_, RINGBACK),
    NAME(LINECALLSTATE_, BUSY),           NAME(LINECALLSTATE_, SPECIALINFO),
    NAME(LINECALLSTATE_, CONNECTED),      NAME(LINECALLSTATE_, PROCEEDING),
    NAME(LINECALLSTATE_, ONHOLD),         NAME(LINECALLSTATE_, CONFERENCED),
    NAME(LINECALLSTATE_, ONHOLDPENDCONF), NAME(LINECALLSTATE_, ONHOLDPENDTRANSFER),
    NAME(LINECALLSTATE_, DISCONNECTED),   NAME(LINECALLSTATE_, UNKNOWN),
};

static const struct name_entry offering_modes[] = {
    {0, "ACTIVE"},
    NAME(LINEOFFERINGMODE_, ACTIVE),
    NAME(LINEOFFERINGMODE_, INACTIVE),
};

static const struct name_entry dialtone_modes[] = {
    {0, ""},
    NAME(LINEDIALTONEMODE_, NORMAL),
    NAME(LINEDIALTONEMODE_, SPECIAL),
    NAME(LINEDIALTONEMODE_, INTERNAL),
    NAME(LINEDIALTONEMODE_, EXTERNAL),
    NAME(LINEDIALTONEMODE_, UNKNOWN),
    NAME(LINEDIALTONEMODE_, UNAVAIL),
};

static const struct name_entry busy_modes[] = {
    {0, ""},
    NAME(LINEBUSYMODE_, STATION),
    NAME(LINEBUSYMODE_, TRUNK),
    NAME(LINEBUSYMODE_, UNKNOWN),
    NAME(LINEBUSYMODE_, UNAVAIL),
};

static const struct name_entry specialinfo_modes[] = {
    {0, ""},
    NAME(LINESPECIALINFO_, NOCIRCUIT),
    NAME(LINESPECIALINFO_, CUSTIRREG),
    NAME(LINESPECIALINFO_, REORDER),
    NAME(LINESPECIALINFO_, UNKNOWN),
    NAME(LINESPECIALINFO_, UNAVAIL),
};

static const struct name_entry connected_modes[] = {
    {0, "ACTIVE"},
    NAME(LINECONNECTEDMODE_, ACTIVE),
    NAME(LINECONNECTEDMODE_, INACTIVE),
    NAME(LINECONNECTEDMODE_, ACTIVEHELD),
    NAME(LINECONNECTEDMODE_, INACTIVEHELD),
    NAME(LINECONNECTEDMODE_, CONFIRMED),
};

static const struct name_entry disconnected_modes[] = {
    {0, ""},
    NAME(LINEDISCONNECTMODE_, NORMAL),
    NAME(LINEDISCONNECTMODE_, UNKNOWN),
    NAME(LINEDISCONNECTMODE_, REJECT),
    NAME(LINEDISCONNECTMODE_, PICKUP),
    NAME(LINEDISCONNECTMODE_, FORWARDED),
    NAME(LINEDISCONNECTMODE_, BUSY),
    NAME(LINEDISCONNECTMODE_, NOANSWER),
    NAME(LINEDISCONNECTMODE_, BADADDRESS),
    NAME(LINEDISCONNECTMODE_, UNREACHABLE),
    NAME(LINEDISCONNECTMODE_, CONGESTION),
    NAME(LINEDISCONNECTMODE_, INCOMPATIBLE),
    NAME(LINEDISCONNECTMODE_, UNAVAIL),
    NAME(LINEDISCONNECTMODE_, NODIALTONE),
    NAME(LINEDISCONNECTMODE_, NUMBERCHANGED),
    NAME(LINEDISCONNECTMODE_, OUTOFORDER),
    NAME(LINEDISCONNECTMODE_, TEMPFAILURE),
    NAME(LINEDISCONNECTMODE_, QOSUNAVAIL),
    NAME(LINEDISCONNECTMODE_, BLOCKED),
    NAME(LINEDISCONNECTMODE_, DONOTDISTURB),
    NAME(LINEDISCONNECTMODE_, CANCELLED),
};

/* The states that have modes; CONFERENCED has a handle in their place. */
static const struct mode_family {
    uint32_t state;
    const struct name_entry *modes;
    size_t count;
} mode_families[] = {
    {LINECALLSTATE_OFFERING, offering_modes, COUNT(offering_modes)},
    {LINECALLSTATE_DIALTONE, dialtone_modes, COUNT(dialtone_modes)},
    {LINECALLSTATE_BUSY, busy_modes, COUNT(busy_modes)},
    {LINECALLSTATE_SPECIALINFO, specialinfo_modes, COUNT(specialinfo_modes)},
    {LINECALLSTATE_CONNECTED, connected_modes, COUNT(connected_modes)},
    {LINECALLSTATE_DISCONNECTED, disconnected_modes, COUNT(disconnected_modes)},
};

static const struct name_entry privileges[] = {
    {0, ""},
    NAME(LINECALLPRIVILEGE_, NONE),
    NAME(LINECALLPRIVILEGE_, MONITOR),
    NAME(LINECALLPRIVILEGE_, OWNER),
    {LINECALLPRIVILEGE_MONITOR | LINECALLPRIVILEGE_OWNER, "MONITOR|OWNER"},
};

#define MESSAGE(id)                                                                                                    \
    {                                                                                                                  \
        id, #id                                                                                                        \
    }

static const struct name_entry messages[] = {
    MESSAGE(LINE_ADDRESSSTATE),
    MESSAGE(LINE_CALLINFO),
    MESSAGE(LINE_CALLSTATE),
    MESSAGE(LINE_CLOSE),
    MESSAGE(LINE_DEVSPECIFIC),
    MESSAGE(LINE_DEVSPECIFICFEATURE),
    MESSAGE(LINE_GATHERDIGITS),
    MESSAGE(LINE_GENERATE),
    MESSAGE(LINE_LINEDEVSTATE),
    MESSAGE(LINE_MONITORDIGITS),
    MESSAGE(LINE_MONITORMEDIA),
    MESSAGE(LINE_MONITORTONE),
    MESSAGE(LINE_REPLY),
    MESSAGE(LINE_REQUEST),
    MESSAGE(PHONE_BUTTON),
    MESSAGE(PHONE_CLOSE),
    MESSAGE(PHONE_DEVSPECIFIC),
    MESSAGE(PHONE_REPLY),
    MESSAGE(PHONE_STATE),
    MESSAGE(LINE_CREATE),
    MESSAGE(PHONE_CREATE),
    MESSAGE(LINE_AGENTSPECIFIC),
    MESSAGE(LINE_AGENTSTATUS),
    MESSAGE(LINE_APPNEWCALL),
    MESSAGE(LINE_PROXYREQUEST),
    MESSAGE(LINE_REMOVE),
    MESSAGE(PHONE_REMOVE),
    MESSAGE(LINE_AGENTSESSIONSTATUS),
    MESSAGE(LINE_QUEUESTATUS),
    MESSAGE(LINE_AGENTSTATUSEX),
    MESSAGE(LINE_GROUPSTATUS),
    MESSAGE(LINE_PROXYSTATUS),
    MESSAGE(LINE_APPNEWCALLHUB),
    MESSAGE(LINE_CALLHUBCLOSE),
    MESSAGE(LINE_DEVSPECIFICEX),
    MESSAGE(LINE_NEWCALL),
    MESSAGE(LINE_CALLDEVSPECIFIC),
    MESSAGE(LINE_CALLDEVSPECIFICFEATURE),
    MESSAGE(LINE_CREATEDIALOGINSTANCE),
    MESSAGE(LINE_SENDDIALOGINSTANCEDATA),
    MESSAGE(LINE_SENDMSPDATA),
    MESSAGE(LINE_QOSINFO),
    MESSAGE(CF_LINE_GAP),
    MESSAGE(CF_LINE_RESYNC_BEGIN),
    MESSAGE(CF_LINE_RESYNC_END),
};

#define CALLSTATE_BITS 0x00FFFFFFU /* the high 8 are the device's own */

static const char *name_of(const struct name_entry *entries, size_t count, uint32_t value)
{
    for (size_t i = 0; i < count; i++)
        if (entries[i].value == value)
            return entries[i].name;
    return "?";
}

static const struct error_entry *error_of(LONG error)
{
    if (error == 0)
        return &success;
    if (error > 0)
        return &request_id;
    uint32_t index = ERROR_INDEX(error);
    if (index >= COUNT(errors) || errors[index].name == NULL)
        return &unknown_error;
    return &errors[index];
}

const char *cf_line_error_name(LONG error)
{
    return error_of(error)->name;
}

const char *cf_line_error_text(LONG error)
{
    return error_of(error)->text;
}

const char *cf_call_state_name(DWORD state)
{
    return name_of(states, COUNT(states), state & CALLSTATE_BITS);
}

const char *cf_call_mode_name(DWORD state, DWORD mode)
{
    for (size_t i = 0; i < COUNT(mode_families); i++)
        if (mode_families[i].state == (state & CALLSTATE_BITS))
            return name_of(mode_families[i].modes, mode_families[i].count, mode);
    return "";
}

const char *cf_message_name(DWORD message_id)
{
    return name_of(messages, COUNT(messages), message_id);
}

const char *cf_privilege_name(DWORD privilege)
{
    return name_of(privileges, COUNT(privileges), privilege);
}
