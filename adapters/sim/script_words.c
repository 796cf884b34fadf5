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
    {NULL, 0},
};

const struct cf_script_word cf_script_errors[] = {
    {"bearermodeunavail", (uint32_t)LINEERR_BEARERMODEUNAVAIL},
    {"callunavail", (uint32_t)LINEERR_CALLUNAVAIL},
    {"invaladdress", (uint32_t)LINEERR_INVALADDRESS},
    {"invalcallstate", (uint32_t)LINEERR_INVALCALLSTATE},
    {"operationfailed", (uint32_t)LINEERR_OPERATIONFAILED},
    {"operationunavail", (uint32_t)LINEERR_OPERATIONUNAVAIL},
    {"resourceunavail", (uint32_t)LINEERR_RESOURCEUNAVAIL},
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
