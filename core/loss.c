/* The table; see loss.h. */
#include "core/loss.h"

#include "callfan/tapi_const.h"

/* TAPI's numbers 0 to 34: X(id, loss, keeper, merge). LINE_LINEDEVSTATE(REINIT) is made by the library when the service is gone. */
#define TAPI_ROWS(X)                                \
    X(LINE_ADDRESSSTATE, MERGED, OPEN, BITS)        \
    X(LINE_CALLINFO, MERGED, HANDLE, BITS)          \
    X(LINE_CALLSTATE, MERGED, HANDLE, NEWEST)       \
    X(LINE_CLOSE, NEVER, OPEN, NONE)                \
    X(LINE_DEVSPECIFIC, MISSED, NONE, NONE)         \
    X(LINE_DEVSPECIFICFEATURE, MISSED, NONE, NONE)  \
    X(LINE_GATHERDIGITS, NEVER, REQUEST, NONE)      \
    X(LINE_GENERATE, NEVER, REQUEST, NONE)          \
    X(LINE_LINEDEVSTATE, MERGED, OPEN, BITS)        \
    X(LINE_MONITORDIGITS, MISSED, NONE, NONE)       \
    X(LINE_MONITORMEDIA, MISSED, NONE, NONE)        \
    X(LINE_MONITORTONE, MISSED, NONE, NONE)         \
    X(LINE_REPLY, NEVER, REQUEST, NONE)             \
    X(LINE_REQUEST, MISSED, NONE, NONE)             \
    X(PHONE_BUTTON, UNSENT, NONE, NONE)             \
    X(PHONE_CLOSE, UNSENT, NONE, NONE)              \
    X(PHONE_DEVSPECIFIC, UNSENT, NONE, NONE)        \
    X(PHONE_REPLY, UNSENT, NONE, NONE)              \
    X(PHONE_STATE, UNSENT, NONE, NONE)              \
    X(LINE_CREATE, NEVER, DEVICE, NEWEST)           \
    X(PHONE_CREATE, UNSENT, NONE, NONE)             \
    X(LINE_AGENTSPECIFIC, UNSENT, NONE, NONE)       \
    X(LINE_AGENTSTATUS, UNSENT, NONE, NONE)         \
    X(LINE_APPNEWCALL, MERGED, CALL, NEWEST)        \
    X(LINE_PROXYREQUEST, UNSENT, NONE, NONE)        \
    X(LINE_REMOVE, NEVER, DEVICE, NEWEST)           \
    X(PHONE_REMOVE, UNSENT, NONE, NONE)             \
    X(LINE_AGENTSESSIONSTATUS, UNSENT, NONE, NONE)  \
    X(LINE_QUEUESTATUS, UNSENT, NONE, NONE)         \
    X(LINE_AGENTSTATUSEX, UNSENT, NONE, NONE)       \
    X(LINE_GROUPSTATUS, UNSENT, NONE, NONE)         \
    X(LINE_PROXYSTATUS, UNSENT, NONE, NONE)         \
    X(LINE_APPNEWCALLHUB, UNSENT, NONE, NONE)       \
    X(LINE_CALLHUBCLOSE, UNSENT, NONE, NONE)        \
    X(LINE_DEVSPECIFICEX, UNSENT, NONE, NONE)

#define OWN_ROWS(X)                                 \
    X(CF_LINE_GAP, NEVER, PORT, NONE)               \
    X(CF_LINE_RESYNC_BEGIN, NEVER, PORT, NONE)      \
    X(CF_LINE_RESYNC_END, NEVER, PORT, NONE)

#define OWN_FIRST CF_LINE_GAP
#define TAPI_IDS (LINE_DEVSPECIFICEX + 1)
#define OWN_IDS (CF_LINE_RESYNC_END - OWN_FIRST + 1)

#define ROW(id, loss, keeper, merge) {id, CF_LOSS_##loss, CF_KEEPER_##keeper, CF_MERGE_##merge},
const struct cf_loss_row cf_loss_rows[] = {TAPI_ROWS(ROW) OWN_ROWS(ROW)};
const uint32_t cf_loss_rows_count = TAPI_IDS + OWN_IDS;

#define TAPI_BIT(id, loss, keeper, merge) | UINT64_C(1) << (id)
#define OWN_BIT(id, loss, keeper, merge) | UINT64_C(1) << ((id) - OWN_FIRST)
_Static_assert((0 TAPI_ROWS(TAPI_BIT)) == (UINT64_C(1) << TAPI_IDS) - 1, "every number of TAPI's");
_Static_assert((0 OWN_ROWS(OWN_BIT)) == (UINT64_C(1) << OWN_IDS) - 1, "and of ours");
_Static_assert(sizeof cf_loss_rows / sizeof cf_loss_rows[0] == TAPI_IDS + OWN_IDS, "once each");

#define ONE_KEEPER(id, loss, keeper, merge)                                                                               \
    _Static_assert((CF_LOSS_##loss == CF_LOSS_NEVER || CF_LOSS_##loss == CF_LOSS_MERGED) == (CF_KEEPER_##keeper != CF_KEEPER_NONE), \
                   "what is told later is kept by somebody, what is not by nobody");
TAPI_ROWS(ONE_KEEPER)
OWN_ROWS(ONE_KEEPER)

const struct cf_loss_row *cf_loss_of(uint32_t id) {
    static const struct cf_loss_row none = {0, CF_LOSS_UNSENT, CF_KEEPER_NONE, CF_MERGE_NONE};
    if (id < TAPI_IDS)
        return &cf_loss_rows[id];
    return id >= OWN_FIRST && id - OWN_FIRST < OWN_IDS ? &cf_loss_rows[TAPI_IDS + id - OWN_FIRST] : &none;
}
