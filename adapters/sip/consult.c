/*
 * Operations that two calls are about: swap, consultation, transfer; see trunk.h.
 *
 *     SETUP_TRANSFER     re-INVITE holds the call; then the reply, ONHOLDPENDTRANSFER, and the consultation call has dial tone or dials
 *     PREPARE_ADD        the same of a conference's call, ONHOLDPENDCONF
 *     DIAL               a consultation call with dial tone calls
 *     SWAP_HOLD          re-INVITE holds the one, then another retrieves the other
 *     BLIND_TRANSFER     REFER; the outcome is the reply, and then the call is IDLE
 *     COMPLETE_TRANSFER  the same, to take the place of the consultation call's dialog; one that is not answered is cancelled and its
 *                        destination called instead (RFC 5589 7.6), as RFC 3891 lets no third party take its place
 *
 * A consultation call that ends leaves the first call on hold, as TAPI has it of lines without LINEADDRCAPFLAGS_AUTORECONNECT.
 */
#include "adapters/sip/trunk.h"

#include <errno.h>
#include <string.h>

/* ---- results */

/* What the peer's refusal of REFER, or the outcome that it tells, is to an application; others: LINEERR_OPERATIONFAILED. */
static const struct {
    uint16_t status;
    int32_t result;
} transfer_results[] = {
    {200, 0},
    {403, LINEERR_ADDRESSBLOCKED},
    {404, LINEERR_INVALADDRESS},
    {405, LINEERR_OPERATIONUNAVAIL},
    {410, LINEERR_INVALADDRESS},
    {416, LINEERR_INVALADDRESS},
    {420, LINEERR_OPERATIONUNAVAIL},
    {433, LINEERR_ADDRESSBLOCKED},
    {484, LINEERR_INVALADDRESS},
    {485, LINEERR_INVALADDRESS},
    {489, LINEERR_OPERATIONUNAVAIL},
    {501, LINEERR_OPERATIONUNAVAIL},
    {503, LINEERR_RESOURCEUNAVAIL},
    {604, LINEERR_INVALADDRESS},
    {607, LINEERR_ADDRESSBLOCKED},
    {608, LINEERR_ADDRESSBLOCKED},
};

int32_t cf_sip_transfer_result(unsigned status)
{
    for (unsigned i = 0; i < sizeof(transfer_results) / sizeof(transfer_results[0]); i++)
        if (transfer_results[i].status == status)
            return transfer_results[i].result;
    return LINEERR_OPERATIONFAILED;
}

static struct cf_sip_link *second_of(const struct cf_sip_link *link)
{
    return cf_sip_link_of(link->trunk->all, link->second);
}

/* ---- consultation calls */

bool cf_sip_consult_pends(const struct cf_sip_link *link)
{
    const struct cf_sip_link *consultation = cf_sip_link_of(link->trunk->all, link->consultation);
    return consultation != NULL && (consultation->ua_call != 0 || consultation->dial_tone);
}

uint32_t cf_sip_consult_hold(const struct cf_sip_link *link)
{
    return link->part == CF_SIP_PART_CONFERENCE ? LINECALLSTATE_ONHOLDPENDCONF : LINECALLSTATE_ONHOLDPENDTRANSFER;
}

bool cf_sip_consult_hang_up(struct cf_sip_link *link, uint64_t now_ns)
{
    if (!link->dial_tone)
        return false;
    link->dial_tone = false;
    cf_listening_end(link->trunk->all->listening, link->provider_call);
    cf_sip_link_tell(link, LINECALLSTATE_IDLE, 0, now_ns);
    return true;
}

void cf_sip_consult_end(struct cf_sip_link *link, uint64_t now_ns)
{
    struct cf_sip_trunks *trunks = link->trunk->all;
    struct cf_sip_link *consultation = cf_sip_link_of(trunks, link->consultation);
    link->consultation = 0;
    if (consultation == NULL || cf_sip_consult_hang_up(consultation, now_ns) || consultation->ua_call == 0)
        return;
    cf_sip_ua_drop(consultation->trunk->ua, now_ns, consultation->ua_call, trunks->settings->drop_status);
}

int32_t cf_sip_consult_refusal(const struct cf_sip_trunk *trunk, const struct cf_command *command)
{
    const struct cf_sip_words target = {command->target.at, command->target.bytes};
    if (target.len > CF_SIP_TARGET_MAX || (target.len != 0 && !cf_sip_ua_callable(trunk->ua, target)))
        return LINEERR_INVALADDRESS;
    return 0;
}

struct cf_sip_link *cf_sip_consult_new(struct cf_sip_trunk *trunk, const struct cf_command *command)
{
    struct cf_sip_link *consultation = cf_sip_link_new(trunk);
    if (consultation == NULL)
        return NULL;
    struct cf_sip_target *kept = &trunk->all->target[consultation - trunk->all->link];
    kept->len = command->target.bytes;
    kept->limit_s = command->params.no_answer_timeout_s;
    if (kept->len != 0)
        memcpy(kept->text, command->target.at, kept->len);
    return consultation;
}

/* lineSetupTransfer of a call, linePrepareAddToConference of a conference's. */
static int32_t set_up(struct cf_sip_link *link, const struct cf_command *command, uint64_t now_ns)
{
    struct cf_sip_trunk *trunk = link->trunk;
    const int32_t refusal = cf_sip_consult_refusal(trunk, command);
    if (refusal != 0)
        return refusal;
    struct cf_sip_link *consultation = cf_sip_consult_new(trunk, command);
    if (consultation == NULL)
        return LINEERR_CALLUNAVAIL;
    const int rc = cf_sip_ua_hold(trunk->ua, now_ns, link->ua_call, true);
    if (rc < 0) {
        cf_sip_link_free(trunk->all, consultation);
        return cf_sip_link_error(rc);
    }
    link->second = consultation->provider_call;
    link->doing = CF_SIP_DOING_SETUP;
    return 0;
}

static void tell_consultation(struct cf_sip_link *link, struct cf_sip_link *consultation, bool dials, uint64_t now_ns)
{
    link->consultation = consultation->provider_call;
    consultation->dial_tone = !dials;
    cf_sip_link_reply(link, 0, consultation->provider_call);
    cf_sip_link_tell(link, cf_sip_consult_hold(link), 0, now_ns);
    if (dials)
        cf_sip_link_tell(consultation, LINECALLSTATE_DIALING, 0, now_ns);
    else
        cf_sip_link_tell(consultation, LINECALLSTATE_DIALTONE, LINEDIALTONEMODE_NORMAL, now_ns);
}

/* The first call is on hold, or not. A new core has no consultation call: that of the lost one has gone. */
static void set_up_done(struct cf_sip_link *link, const struct cf_sip_event *event, int32_t result)
{
    struct cf_sip_trunks *trunks = link->trunk->all;
    struct cf_sip_link *consultation = second_of(link);
    const bool held = result == 0;
    if (held && consultation != NULL) {
        const struct cf_sip_target *target = &trunks->target[consultation - trunks->link];
        const struct cf_sip_words destination = {target->text, target->len};
        if (target->len != 0)
            result = cf_sip_link_dial(consultation, destination, target->limit_s, event->time_ns);
        if (result == 0) {
            tell_consultation(link, consultation, target->len != 0, event->time_ns);
            return;
        }
    }
    link->second = 0;
    if (consultation != NULL)
        cf_sip_link_free(trunks, consultation);
    cf_sip_link_reply(link, result, 0);
    if (held)
        cf_sip_link_tell(link, LINECALLSTATE_ONHOLD, 0, event->time_ns);
}

int32_t cf_sip_consult_dial(struct cf_sip_link *link, const struct cf_command *command, uint64_t now_ns)
{
    const struct cf_sip_trunks *trunks = link->trunk->all;
    const struct cf_sip_words destination = {command->destination.at, command->destination.bytes};
    if (!link->dial_tone)
        return LINEERR_INVALCALLSTATE;
    const int32_t result = cf_sip_link_dial(link, destination, trunks->target[link - trunks->link].limit_s, now_ns);
    if (result != 0)
        return result;
    link->dial_tone = false;
    cf_provider_reply(trunks->provider, command->number, 0, link->provider_call);
    cf_sip_link_tell(link, LINECALLSTATE_DIALING, 0, now_ns);
    return 0;
}

/* ---- swap */

static int32_t swap(struct cf_sip_link *link, const struct cf_command *command, uint64_t now_ns)
{
    const struct cf_sip_link *second = cf_sip_link_of(link->trunk->all, command->second);
    if (second == NULL || second->ua_call == 0)
        return LINEERR_INVALCALLSTATE;
    if (second->command != 0 || second->part > CF_SIP_PART_CONFERENCE)
        return LINEERR_RESOURCEUNAVAIL;
    const int rc = cf_sip_ua_hold(link->trunk->ua, now_ns, link->ua_call, true);
    if (rc < 0)
        return cf_sip_link_error(rc);
    link->second = command->second;
    link->doing = CF_SIP_DOING_SWAP;
    return 0;
}

/* The one is on hold; the command waits for the other from here on. */
static void swap_done(struct cf_sip_link *link, const struct cf_sip_event *event, int32_t result)
{
    struct cf_sip_link *second = second_of(link);
    if (result == 0 && (second == NULL || second->ua_call == 0 || second->command != 0))
        result = LINEERR_INVALCALLSTATE;
    if (result == 0)
        result = cf_sip_link_error(cf_sip_ua_hold(second->trunk->ua, event->time_ns, second->ua_call, false));
    if (result != 0) {
        cf_sip_link_reply(link, result, link->provider_call);
        return;
    }
    second->command = link->command;
    second->doing = CF_SIP_DOING_ONE;
    link->command = 0;
    cf_sip_link_reply(link, 0, 0);
}

/* ---- transfer */

static int32_t refer(struct cf_sip_link *link, const struct cf_sip_referring *referring, uint64_t now_ns)
{
    const int rc = cf_sip_ua_refer(link->trunk->ua, now_ns, link->ua_call, referring);
    if (rc == 0)
        link->doing = CF_SIP_DOING_TRANSFER;
    return cf_sip_link_error(rc);
}

static int32_t blind(struct cf_sip_link *link, const struct cf_command *command, uint64_t now_ns)
{
    const struct cf_sip_referring referring = {.destination = {command->destination.at, command->destination.bytes}};
    link->second = 0;
    return refer(link, &referring, now_ns);
}

static int32_t complete(struct cf_sip_link *link, const struct cf_command *command, uint64_t now_ns)
{
    struct cf_sip_trunks *trunks = link->trunk->all;
    const struct cf_sip_link *second = cf_sip_link_of(trunks, command->second);
    struct cf_sip_dialog_name name;
    if (second == NULL || second->ua_call == 0)
        return LINEERR_INVALCALLSTATE;
    if (second->part == CF_SIP_PART_CONFERENCE)
        return LINEERR_OPERATIONUNAVAIL;
    if (second->command != 0 || second->part != CF_SIP_PART_NONE)
        return LINEERR_RESOURCEUNAVAIL;
    const int rc = cf_sip_ua_name(second->trunk->ua, second->ua_call, &name);
    if (rc < 0)
        return rc == -EMSGSIZE ? LINEERR_OPERATIONFAILED : cf_sip_link_error(rc);
    const struct cf_sip_referring referring = {.destination = {name.target.text, name.target.len},
                                               .replaces = {name.replaces.text, name.replaces.len}};
    const int32_t result = refer(link, &referring, now_ns);
    if (result != 0)
        return result;
    link->second = command->second;
    cf_sip_ua_quiet(second->trunk->ua, second->ua_call, true);
    if (name.replaces.len == 0)
        cf_sip_ua_drop(second->trunk->ua, now_ns, second->ua_call, 0);
    return 0;
}

static void transfer_done(struct cf_sip_link *link, const struct cf_sip_event *event)
{
    const int32_t result = cf_sip_transfer_result(event->status);
    struct cf_sip_link *second = second_of(link);
    const bool lives = second != NULL && second->ua_call != 0;
    cf_sip_link_reply(link, result, link->provider_call);
    if (lives && result != 0)
        cf_sip_ua_quiet(second->trunk->ua, second->ua_call, false);
    else if (lives)
        cf_sip_ua_drop(second->trunk->ua, event->time_ns, second->ua_call, 0);
}

/* ---- all of them */

/* The calls are in no other's hands, and of the kind that the command is about. */
static int32_t refusal(const struct cf_sip_link *link, const struct cf_command *command)
{
    const bool conference = link->part == CF_SIP_PART_CONFERENCE;
    if (command->id == CF_CMD_PREPARE_ADD) {
        const int32_t refused = cf_sip_conference_prepare_refusal(link);
        if (refused != 0)
            return refused;
    } else if (conference && command->id != CF_CMD_SWAP_HOLD) {
        return LINEERR_OPERATIONUNAVAIL; /* a conference is not transferred */
    }
    return link->command != 0 ? LINEERR_RESOURCEUNAVAIL : 0; /* the one before has not ended */
}

static int32_t begin(struct cf_sip_link *link, const struct cf_command *command, uint64_t now_ns)
{
    switch (command->id) {
    case CF_CMD_SWAP_HOLD:
        return swap(link, command, now_ns);
    case CF_CMD_SETUP_TRANSFER:
    case CF_CMD_PREPARE_ADD:
        return set_up(link, command, now_ns);
    case CF_CMD_COMPLETE_TRANSFER:
        return complete(link, command, now_ns);
    case CF_CMD_BLIND_TRANSFER:
        return blind(link, command, now_ns);
    default:
        return LINEERR_OPERATIONUNAVAIL;
    }
}

int32_t cf_sip_consult_begin(struct cf_sip_link *link, const struct cf_command *command, uint64_t now_ns)
{
    int32_t result = refusal(link, command);
    if (result == 0)
        result = begin(link, command, now_ns);
    if (result == 0)
        link->command = command->number;
    return result;
}

void cf_sip_consult_done(struct cf_sip_link *link, const struct cf_sip_event *event)
{
    const int32_t held = cf_sip_link_result(event->status);
    switch ((enum cf_sip_doing)link->doing) {
    case CF_SIP_DOING_ONE:
        cf_sip_link_reply(link, held, link->provider_call);
        break;
    case CF_SIP_DOING_SETUP:
        set_up_done(link, event, held);
        break;
    case CF_SIP_DOING_SWAP:
        swap_done(link, event, held);
        break;
    case CF_SIP_DOING_TRANSFER:
        transfer_done(link, event);
        break;
    case CF_SIP_DOING_CONFERENCE: /* whose events conference.c keeps */
        break;
    }
}
