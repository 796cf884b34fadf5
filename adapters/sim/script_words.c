/* See script_words.h. */
#include "adapters/sim/script_words.h"

#include <string.h>
#include <strings.h>

#include "callfan/tapi.h"

const struct cf_script_word cf_script_states[] = {
    {"idle", LINECALLSTATE_IDLE},
    {"offering", LINECALLSTATE_OFFERING},
    {"accepted", LINECALLSTATE_ACCEPTED},
    {"dialtone", LINECALLSTATE_DIALTONE},
    {"dialing", LINECALLSTATE_DIALING},
    {"ringback", LINECALLSTATE_RINGBACK},
    {"busy", LINECALLSTATE_BUSY},
    {"specialinfo", LINECALLSTATE_SPECIALINFO},
    {"connected", LINECALLSTATE_CONNECTED},
    {"proceeding", LINECALLSTATE_PROCEEDING},
    {"onhold", LINECALLSTATE_ONHOLD},
    {"conferenced", LINECALLSTATE_CONFERENCED},
    {"onholdpendconf", LINECALLSTATE_ONHOLDPENDCONF},
    {"onholdpendtransfer", LINECALLSTATE_ONHOLDPENDTRANSFER},
    {"disconnected", LINECALLSTATE_DISCONNECTED},
    {"unknown", LINECALLSTATE_UNKNOWN},
    {NULL, 0},
};

static const struct cf_script_word no_modes[] = {{NULL, 0}};

static const struct cf_script_word offering_modes[] = {
    {"active", LINEOFFERINGMODE_ACTIVE},
    {"inactive", LINEOFFERINGMODE_INACTIVE},
    {NULL, 0},
};

static const struct cf_script_word connected_modes[] = {
    {"active", LINECONNECTEDMODE_ACTIVE},         {"inactive", LINECONNECTEDMODE_INACTIVE},
    {"activeheld", LINECONNECTEDMODE_ACTIVEHELD}, {"inactiveheld", LINECONNECTEDMODE_INACTIVEHELD},
    {"confirmed", LINECONNECTEDMODE_CONFIRMED},   {NULL, 0},
};

static const struct cf_script_word busy_modes[] = {
    {"station", LINEBUSYMODE_STATION},
    {"trunk", LINEBUSYMODE_TRUNK},
    {"unknown", LINEBUSYMODE_UNKNOWN},
    {"unavail", LINEBUSYMODE_UNAVAIL},
    {NULL, 0},
};

static const struct cf_script_word dialtone_modes[] = {
    {"normal", LINEDIALTONEMODE_NORMAL},
    {"special", LINEDIALTONEMODE_SPECIAL},
    {"internal", LINEDIALTONEMODE_INTERNAL},
    {"external", LINEDIALTONEMODE_EXTERNAL},
    {"unknown", LINEDIALTONEMODE_UNKNOWN},
    {"unavail", LINEDIALTONEMODE_UNAVAIL},
    {NULL, 0},
};

static const struct cf_script_word specialinfo_modes[] = {
    {"nocircuit", LINESPECIALINFO_NOCIRCUIT}, {"custirreg", LINESPECIALINFO_CUSTIRREG},
    {"reorder", LINESPECIALINFO_REORDER},     {"unknown", LINESPECIALINFO_UNKNOWN},
    {"unavail", LINESPECIALINFO_UNAVAIL},     {NULL, 0},
};

static const struct cf_script_word disconnected_modes[] = {
    {"normal", LINEDISCONNECTMODE_NORMAL},
    {"unknown", LINEDISCONNECTMODE_UNKNOWN},
    {"reject", LINEDISCONNECTMODE_REJECT},
    {"pickup", LINEDISCONNECTMODE_PICKUP},
    {"forwarded", LINEDISCONNECTMODE_FORWARDED},
    {"busy", LINEDISCONNECTMODE_BUSY},
    {"noanswer", LINEDISCONNECTMODE_NOANSWER},
    {"badaddress", LINEDISCONNECTMODE_BADADDRESS},
    {"unreachable", LINEDISCONNECTMODE_UNREACHABLE},
    {"congestion", LINEDISCONNECTMODE_CONGESTION},
    {"incompatible", LINEDISCONNECTMODE_INCOMPATIBLE},
    {"unavail", LINEDISCONNECTMODE_UNAVAIL},
    {"nodialtone", LINEDISCONNECTMODE_NODIALTONE},
    {"numberchanged", LINEDISCONNECTMODE_NUMBERCHANGED},
    {"outoforder", LINEDISCONNECTMODE_OUTOFORDER},
    {"tempfailure", LINEDISCONNECTMODE_TEMPFAILURE},
    {"qosunavail", LINEDISCONNECTMODE_QOSUNAVAIL},
    {"blocked", LINEDISCONNECTMODE_BLOCKED},
    {"donotdisturb", LINEDISCONNECTMODE_DONOTDISTURB},
    {"cancelled", LINEDISCONNECTMODE_CANCELLED},
    {NULL, 0},
};

const struct cf_script_word *cf_script_modes(uint32_t state)
{
    switch (state) {
    case LINECALLSTATE_OFFERING:
        return offering_modes;
    case LINECALLSTATE_CONNECTED:
        return connected_modes;
    case LINECALLSTATE_BUSY:
        return busy_modes;
    case LINECALLSTATE_DIALTONE:
        return dialtone_modes;
    case LINECALLSTATE_SPECIALINFO:
        return specialinfo_modes;
    case LINECALLSTATE_DISCONNECTED:
        return disconnected_modes;
    default:
        return no_modes;
    }
}

const struct cf_script_word cf_script_reasons[] = {
    {"direct", LINECALLREASON_DIRECT},
    {"fwdbusy", LINECALLREASON_FWDBUSY},
    {"fwdnoanswer", LINECALLREASON_FWDNOANSWER},
    {"fwduncond", LINECALLREASON_FWDUNCOND},
    {"pickup", LINECALLREASON_PICKUP},
    {"unpark", LINECALLREASON_UNPARK},
    {"redirect", LINECALLREASON_REDIRECT},
    {"callcompletion", LINECALLREASON_CALLCOMPLETION},
    {"transfer", LINECALLREASON_TRANSFER},
    {"reminder", LINECALLREASON_REMINDER},
    {"unknown", LINECALLREASON_UNKNOWN},
    {"unavail", LINECALLREASON_UNAVAIL},
    {NULL, 0},
};

const struct cf_script_word cf_script_origins[] = {
    {"outbound", LINECALLORIGIN_OUTBOUND}, {"internal", LINECALLORIGIN_INTERNAL},
    {"external", LINECALLORIGIN_EXTERNAL}, {"unknown", LINECALLORIGIN_UNKNOWN},
    {"unavail", LINECALLORIGIN_UNAVAIL},   {"conference", LINECALLORIGIN_CONFERENCE},
    {"inbound", LINECALLORIGIN_INBOUND},   {NULL, 0},
};

const struct cf_script_word cf_script_commands[] = {
    {"makecall", CF_CMD_MAKE_CALL},
    {"accept", CF_CMD_ACCEPT},
    {"answer", CF_CMD_ANSWER},
    {"drop", CF_CMD_DROP},
    {"hold", CF_CMD_HOLD},
    {"unhold", CF_CMD_UNHOLD},
    {"generatedigits", CF_CMD_GENERATE_DIGITS},
    {"setcallparams", CF_CMD_SET_CALL_PARAMS},
    {"dial", CF_CMD_DIAL},
    {"redirect", CF_CMD_REDIRECT},
    {"securecall", CF_CMD_SECURE_CALL},
    {"swaphold", CF_CMD_SWAP_HOLD},
    {"setuptransfer", CF_CMD_SETUP_TRANSFER},
    {"completetransfer", CF_CMD_COMPLETE_TRANSFER},
    {"blindtransfer", CF_CMD_BLIND_TRANSFER},
    {"setupconference", CF_CMD_SETUP_CONFERENCE},
    {"prepareadd", CF_CMD_PREPARE_ADD},
    {"addtoconference", CF_CMD_ADD_TO_CONFERENCE},
    {"removefromconference", CF_CMD_REMOVE_FROM_CONFERENCE},
    {"park", CF_CMD_PARK},
    {"unpark", CF_CMD_UNPARK},
    {"pickup", CF_CMD_PICKUP},
    {"forward", CF_CMD_FORWARD},
    {"completecall", CF_CMD_COMPLETE_CALL},
    {"uncompletecall", CF_CMD_UNCOMPLETE_CALL},
    {"senduseruser", CF_CMD_SEND_USER_USER},
    {"releaseuseruser", CF_CMD_RELEASE_USER_USER},
    {"setcalldata", CF_CMD_SET_CALL_DATA},
    {"settreatment", CF_CMD_SET_CALL_TREATMENT},
    {"devspecific", CF_CMD_DEV_SPECIFIC},
    {"gatherdigits", CF_CMD_GATHER_DIGITS},
    {"generatetone", CF_CMD_GENERATE_TONE},
    {NULL, 0},
};

const struct cf_script_word cf_script_treatments[] = {
    {"silence", LINECALLTREATMENT_SILENCE},
    {"ringback", LINECALLTREATMENT_RINGBACK},
    {"busy", LINECALLTREATMENT_BUSY},
    {"music", LINECALLTREATMENT_MUSIC},
    {NULL, 0},
};

const struct cf_script_word cf_script_digit_modes[] = {
    {"pulse", LINEDIGITMODE_PULSE},
    {"dtmf", LINEDIGITMODE_DTMF},
    {"dtmfend", LINEDIGITMODE_DTMFEND},
    {NULL, 0},
};

const struct cf_script_word cf_script_media[] = {
    {"unknown", LINEMEDIAMODE_UNKNOWN},
    {"interactivevoice", LINEMEDIAMODE_INTERACTIVEVOICE},
    {"automatedvoice", LINEMEDIAMODE_AUTOMATEDVOICE},
    {"datamodem", LINEMEDIAMODE_DATAMODEM},
    {"g3fax", LINEMEDIAMODE_G3FAX},
    {"tdd", LINEMEDIAMODE_TDD},
    {"g4fax", LINEMEDIAMODE_G4FAX},
    {"digitaldata", LINEMEDIAMODE_DIGITALDATA},
    {"teletex", LINEMEDIAMODE_TELETEX},
    {"videotex", LINEMEDIAMODE_VIDEOTEX},
    {"telex", LINEMEDIAMODE_TELEX},
    {"mixed", LINEMEDIAMODE_MIXED},
    {"adsi", LINEMEDIAMODE_ADSI},
    {"voiceview", LINEMEDIAMODE_VOICEVIEW},
    {"video", LINEMEDIAMODE_VIDEO},
    {NULL, 0},
};

const struct cf_script_word cf_script_errors[] = {
    {"addressblocked", (uint32_t)LINEERR_ADDRESSBLOCKED},
    {"bearermodeunavail", (uint32_t)LINEERR_BEARERMODEUNAVAIL},
    {"callunavail", (uint32_t)LINEERR_CALLUNAVAIL},
    {"completionoverrun", (uint32_t)LINEERR_COMPLETIONOVERRUN},
    {"conferencefull", (uint32_t)LINEERR_CONFERENCEFULL},
    {"inuse", (uint32_t)LINEERR_INUSE},
    {"invaladdress", (uint32_t)LINEERR_INVALADDRESS},
    {"invaladdressmode", (uint32_t)LINEERR_INVALADDRESSMODE},
    {"invalbearermode", (uint32_t)LINEERR_INVALBEARERMODE},
    {"invalcallcomplmode", (uint32_t)LINEERR_INVALCALLCOMPLMODE},
    {"invalcallhandle", (uint32_t)LINEERR_INVALCALLHANDLE},
    {"invalcallparams", (uint32_t)LINEERR_INVALCALLPARAMS},
    {"invalcallstate", (uint32_t)LINEERR_INVALCALLSTATE},
    {"invalcompletionid", (uint32_t)LINEERR_INVALCOMPLETIONID},
    {"invalconfcallhandle", (uint32_t)LINEERR_INVALCONFCALLHANDLE},
    {"invalconsultcallhandle", (uint32_t)LINEERR_INVALCONSULTCALLHANDLE},
    {"invalcountrycode", (uint32_t)LINEERR_INVALCOUNTRYCODE},
    {"invaldigitmode", (uint32_t)LINEERR_INVALDIGITMODE},
    {"invalgroupid", (uint32_t)LINEERR_INVALGROUPID},
    {"invallinehandle", (uint32_t)LINEERR_INVALLINEHANDLE},
    {"invallinestate", (uint32_t)LINEERR_INVALLINESTATE},
    {"invalmediamode", (uint32_t)LINEERR_INVALMEDIAMODE},
    {"invalparkmode", (uint32_t)LINEERR_INVALPARKMODE},
    {"invalparam", (uint32_t)LINEERR_INVALPARAM},
    {"invalpointer", (uint32_t)LINEERR_INVALPOINTER},
    {"invalrate", (uint32_t)LINEERR_INVALRATE},
    {"invaltransfermode", (uint32_t)LINEERR_INVALTRANSFERMODE},
    {"nomem", (uint32_t)LINEERR_NOMEM},
    {"notowner", (uint32_t)LINEERR_NOTOWNER},
    {"operationfailed", (uint32_t)LINEERR_OPERATIONFAILED},
    {"operationunavail", (uint32_t)LINEERR_OPERATIONUNAVAIL},
    {"rateunavail", (uint32_t)LINEERR_RATEUNAVAIL},
    {"resourceunavail", (uint32_t)LINEERR_RESOURCEUNAVAIL},
    {"structuretoosmall", (uint32_t)LINEERR_STRUCTURETOOSMALL},
    {"uninitialized", (uint32_t)LINEERR_UNINITIALIZED},
    {"useruserinfotoobig", (uint32_t)LINEERR_USERUSERINFOTOOBIG},
    {NULL, 0},
};

const struct cf_script_word cf_script_line_states[] = {
    {"ringing", LINEDEVSTATE_RINGING},
    {"connected", LINEDEVSTATE_CONNECTED},
    {"disconnected", LINEDEVSTATE_DISCONNECTED},
    {"inservice", LINEDEVSTATE_INSERVICE},
    {"outofservice", LINEDEVSTATE_OUTOFSERVICE},
    {"maintenance", LINEDEVSTATE_MAINTENANCE},
    {"msgwaiton", LINEDEVSTATE_MSGWAITON},
    {"msgwaitoff", LINEDEVSTATE_MSGWAITOFF},
    {"signal", LINEDEVSTATE_SIGNAL},
    {"config", LINEDEVSTATE_CONFIGCHANGE},
    {NULL, 0},
};

const struct cf_script_word cf_script_address_states[] = {
    {"other", LINEADDRESSSTATE_OTHER},
    {"devspecific", LINEADDRESSSTATE_DEVSPECIFIC},
    {"inusezero", LINEADDRESSSTATE_INUSEZERO},
    {"inuseone", LINEADDRESSSTATE_INUSEONE},
    {"inusemany", LINEADDRESSSTATE_INUSEMANY},
    {"numcalls", LINEADDRESSSTATE_NUMCALLS},
    {"forward", LINEADDRESSSTATE_FORWARD},
    {"terminals", LINEADDRESSSTATE_TERMINALS},
    {"capschange", LINEADDRESSSTATE_CAPSCHANGE},
    {NULL, 0},
};

const struct cf_script_word cf_script_forward_modes[] = {
    {"uncond", LINEFORWARDMODE_UNCOND},
    {"uncondinternal", LINEFORWARDMODE_UNCONDINTERNAL},
    {"uncondexternal", LINEFORWARDMODE_UNCONDEXTERNAL},
    {"uncondspecific", LINEFORWARDMODE_UNCONDSPECIFIC},
    {"busy", LINEFORWARDMODE_BUSY},
    {"busyinternal", LINEFORWARDMODE_BUSYINTERNAL},
    {"busyexternal", LINEFORWARDMODE_BUSYEXTERNAL},
    {"busyspecific", LINEFORWARDMODE_BUSYSPECIFIC},
    {"noansw", LINEFORWARDMODE_NOANSW},
    {"noanswinternal", LINEFORWARDMODE_NOANSWINTERNAL},
    {"noanswexternal", LINEFORWARDMODE_NOANSWEXTERNAL},
    {"noanswspecific", LINEFORWARDMODE_NOANSWSPECIFIC},
    {"busyna", LINEFORWARDMODE_BUSYNA},
    {"busynainternal", LINEFORWARDMODE_BUSYNAINTERNAL},
    {"busynaexternal", LINEFORWARDMODE_BUSYNAEXTERNAL},
    {"busynaspecific", LINEFORWARDMODE_BUSYNASPECIFIC},
    {"unknown", LINEFORWARDMODE_UNKNOWN},
    {"unavail", LINEFORWARDMODE_UNAVAIL},
    {NULL, 0},
};

bool cf_script_word_find(const struct cf_script_word *table, struct cf_text name, uint32_t *ret_value)
{
    for (; table->name != NULL; table++) {
        if (strlen(table->name) == name.bytes && strncasecmp(table->name, name.at, name.bytes) == 0) {
            *ret_value = table->value;
            return true;
        }
    }
    return false;
}
