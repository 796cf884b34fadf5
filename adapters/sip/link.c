/* Calls between the user agent and the core: events up, commands down; see trunk.h. */
#include "adapters/sip/trunk.h"

#include <errno.h>

#include "adapters/sip/extension.h"

struct cf_sip_link *cf_sip_link_of(struct cf_sip_trunks *trunks, uint64_t provider_call)
{
    const uint32_t index = cf_handle_index(provider_call);
    if (index >= trunks->links || provider_call == 0 || trunks->link[index].provider_call != provider_call)
        return NULL;
    return &trunks->link[index];
}

/* The command that waits for the call is answered, whatever becomes of the call. */
static void reply_waiting(struct cf_sip_trunks *trunks, struct cf_sip_link *link, int32_t result)
{
    const uint64_t number = link->command;
    link->command = 0;
    if (number != 0)
        cf_provider_reply(trunks->provider, number, result, link->provider_call);
}

void cf_sip_link_free(struct cf_sip_trunks *trunks, struct cf_sip_link *link)
{
    struct cf_sip_link *second = cf_sip_link_of(trunks, link->second);
    cf_sip_conference_forget(link);
    reply_waiting(trunks, link, LINEERR_OPERATIONFAILED);
    cf_listening_end(trunks->listening, link->provider_call);
    if (second != NULL && (link->doing == CF_SIP_DOING_SETUP || link->doing == CF_SIP_DOING_CONFERENCE))
        cf_sip_link_free(trunks, second); /* nobody was told of it */
    else if (second != NULL && link->doing == CF_SIP_DOING_TRANSFER && second->ua_call != 0)
        cf_sip_ua_quiet(second->trunk->ua, second->ua_call, false);
    cf_provider_call_free(trunks->provider, link->provider_call);
    *link = (struct cf_sip_link){0};
}

/* A new identifier with its link, NULL: none left. */
struct cf_sip_link *cf_sip_link_new(struct cf_sip_trunk *trunk)
{
    struct cf_sip_trunks *trunks = trunk->all;
    const uint64_t call = cf_provider_call_new(trunks->provider, NULL);
    if (call != 0 && cf_handle_index(call) < trunks->links) {
        struct cf_sip_link *link = &trunks->link[cf_handle_index(call)];
        *link = (struct cf_sip_link){.provider_call = call, .trunk = trunk};
        return link;
    }
    trunks->no_link++;
    if (call != 0)
        cf_provider_call_free(trunks->provider, call);
    return NULL;
}

void cf_sip_links_renew(struct cf_sip_trunks *trunks)
{
    cf_sip_conferences_renew(trunks);
    for (uint32_t i = 0; i < trunks->links; i++) {
        trunks->link[i].command = 0;
        trunks->link[i].consultation = 0;
        if (trunks->link[i].provider_call != 0 && trunks->link[i].ua_call == 0 &&
            trunks->link[i].part <= CF_SIP_PART_CHOSEN) /* a member has no dialog */
            cf_sip_link_free(trunks, &trunks->link[i]);
    }
}

/* ------------------------------------------------------------------ from the user agent to the core */

static struct cf_text text_of(struct cf_sip_words words)
{
    return (struct cf_text){words.len != 0 ? words.text : NULL, (uint32_t)words.len};
}

static struct cf_text number_of(const struct cf_sip_party *party)
{
    if ((party->flags & LINECALLPARTYID_BLOCKED) != 0)
        return (struct cf_text){"", 0}; /* withheld */
    return (struct cf_text){party->number_len != 0 ? party->number : NULL, party->number_len};
}

static struct cf_text name_of(const struct cf_sip_party *party)
{
    return (struct cf_text){party->name, party->name_len};
}

static struct cf_new_call new_call(const struct cf_sip_trunk *trunk, uint64_t call, int64_t time_ns)
{
    return (struct cf_new_call){
        .call = call,
        .line = trunk->line,
        .state = LINECALLSTATE_OFFERING,
        .mode = LINEOFFERINGMODE_ACTIVE,
        .media_modes = LINEMEDIAMODE_INTERACTIVEVOICE,
        .origin = LINECALLORIGIN_INBOUND,
        .reason = LINECALLREASON_DIRECT,
        .time_ns = time_ns,
    };
}

static void offer(struct cf_sip_trunk *trunk, const struct cf_sip_event *event)
{
    struct cf_sip_trunks *trunks = trunk->all;
    const struct cf_sip_identity *identity = event->identity;
    struct cf_sip_link *link = cf_sip_link_new(trunk);
    if (link == NULL) {
        cf_sip_ua_close(trunk->ua, event->time_ns, event->call, 503);
        return;
    }
    link->ua_call = event->call;
    cf_sip_ua_bind(trunk->ua, event->call, link->provider_call);
    struct cf_new_call announced = new_call(trunk, link->provider_call, (int64_t)event->time_ns);
    announced.reason = identity->reason;
    announced.caller = number_of(&identity->caller);
    announced.caller_name = name_of(&identity->caller);
    announced.called = number_of(&identity->called);
    announced.called_name = name_of(&identity->called);
    announced.redirecting = number_of(&identity->redirecting);
    announced.redirecting_name = name_of(&identity->redirecting);
    announced.redirection = number_of(&identity->redirection);
    announced.redirection_name = name_of(&identity->redirection);
    if (event->kind == CF_SIP_BEGUN) {
        announced.origin = LINECALLORIGIN_OUTBOUND;
        announced.state = LINECALLSTATE_DIALING;
        announced.mode = 0;
        announced.caller = text_of(event->caller);
        announced.called = text_of(event->called);
    }
    if (cf_provider_post_new_call(trunks->provider, &announced))
        return;
    trunks->no_link++;
    cf_sip_link_free(trunks, link);
    cf_sip_ua_close(trunk->ua, event->time_ns, event->call, 503);
}

/* What an event is as LINECALLSTATE; 0: no state. */
static const struct {
    uint32_t state, mode;
} states[CF_SIP_EVENTS_COUNT] = {
    [CF_SIP_OFFERING] = {LINECALLSTATE_OFFERING, LINEOFFERINGMODE_ACTIVE},
    [CF_SIP_ACCEPTED] = {LINECALLSTATE_ACCEPTED, 0},
    [CF_SIP_PROCEEDING] = {LINECALLSTATE_PROCEEDING, 0},
    [CF_SIP_RINGBACK] = {LINECALLSTATE_RINGBACK, 0},
    [CF_SIP_BUSY] = {LINECALLSTATE_BUSY, LINEBUSYMODE_STATION},
    [CF_SIP_CONNECTED] = {LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE},
    [CF_SIP_RESUMED] = {LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE},
    [CF_SIP_HELD] = {LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVEHELD},
    [CF_SIP_ONHOLD] = {LINECALLSTATE_ONHOLD, 0},
    [CF_SIP_DISCONNECTED] = {LINECALLSTATE_DISCONNECTED, 0}, /* the mode is the event's */
    [CF_SIP_IDLE] = {LINECALLSTATE_IDLE, 0},
};

static enum cf_posted post(struct cf_sip_trunk *trunk, const struct cf_sip_event *event)
{
    char cause[24];
    const struct cf_sip_link *link = cf_sip_link_of(trunk->all, event->user);
    struct cf_call_state change = {.state = states[event->kind].state,
                                   .mode = event->mode != 0 ? event->mode : states[event->kind].mode,
                                   .time_ns = (int64_t)event->time_ns};
    if (event->kind == CF_SIP_ONHOLD && link != NULL && cf_sip_consult_pends(link))
        change.state = cf_sip_consult_hold(link);
    if (event->kind == CF_SIP_DISCONNECTED)
        change.raw_cause = (struct cf_text){cause, cf_sip_cause_text(&event->cause, cause)};
    return cf_provider_post_call_state(trunk->all->provider, event->user, &change);
}

/* The last event. Where there is no core, none will close the call: it ends here. */
static void idle(struct cf_sip_trunk *trunk, const struct cf_sip_event *event)
{
    struct cf_sip_trunks *trunks = trunk->all;
    struct cf_sip_link *link = cf_sip_link_of(trunks, event->user);
    if (link != NULL && link->part == CF_SIP_PART_CONFERENCE)
        cf_sip_conference_over(link, false, event->time_ns);
    if (link != NULL)
        reply_waiting(trunks, link, LINEERR_OPERATIONFAILED);
    cf_listening_end(trunks->listening, event->user);
    const enum cf_posted posted = post(trunk, event);
    if (link == NULL)
        return;
    link->ua_call = 0;
    if (posted == CF_POST_STALE)
        cf_sip_link_free(trunks, link);
}

static void put_party(struct cf_record *record, uint16_t number_tag, uint16_t name_tag,
                      const struct cf_sip_party *party)
{
    if (party->number_len != 0 || (party->flags & LINECALLPARTYID_BLOCKED) != 0)
        cf_fields_append(record, number_tag, party->number, party->number_len);
    if (party->name_len != 0)
        cf_fields_append(record, name_tag, party->name, party->name_len);
}

static void inform(struct cf_sip_trunk *trunk, const struct cf_sip_event *event)
{
    static struct cf_record record; /* 4 KiB, one thread */
    uint32_t changed = 0;
    record.payload_bytes = 0;
    if (event->connected != NULL) {
        changed |= LINECALLINFOSTATE_CONNECTEDID;
        put_party(&record, CF_FIELD_CONNECTED, CF_FIELD_CONNECTED_NAME, event->connected);
    }
    if (event->redirection != NULL) {
        changed |= LINECALLINFOSTATE_REDIRECTIONID;
        put_party(&record, CF_FIELD_REDIRECTION, CF_FIELD_REDIRECTION_NAME, event->redirection);
    }
    if (record.payload_bytes != 0)
        cf_provider_post_call_info(trunk->all->provider, event->user, changed, (int64_t)event->time_ns, &record);
}

void cf_sip_link_tell(const struct cf_sip_link *link, uint32_t state, uint32_t mode, uint64_t now_ns)
{
    const struct cf_call_state change = {.state = state, .mode = mode, .time_ns = (int64_t)now_ns};
    cf_provider_post_call_state(link->trunk->all->provider, link->provider_call, &change);
}

void cf_sip_link_tell_disconnected(const struct cf_sip_link *link, uint32_t mode, const struct cf_sip_cause *cause,
                                   uint64_t now_ns)
{
    char text[24];
    const struct cf_call_state change = {.state = LINECALLSTATE_DISCONNECTED,
                                         .mode = mode,
                                         .raw_cause = {text, cf_sip_cause_text(cause, text)},
                                         .time_ns = (int64_t)now_ns};
    cf_provider_post_call_state(link->trunk->all->provider, link->provider_call, &change);
}

void cf_sip_link_reply(struct cf_sip_link *link, int32_t result, uint64_t call)
{
    const uint64_t number = link->command;
    link->command = 0;
    link->doing = CF_SIP_DOING_ONE;
    link->second = 0;
    if (number != 0)
        cf_provider_reply(link->trunk->all->provider, number, result, call);
}

int32_t cf_sip_link_result(unsigned status)
{
    switch (status) {
    case 200:
        return 0;
    case 405:
    case 415:
    case 420:
    case 488:
    case 501:
    case 606:
        return LINEERR_OPERATIONUNAVAIL;
    default:
        return LINEERR_OPERATIONFAILED;
    }
}

void cf_sip_link_event(void *context, const struct cf_sip_event *event)
{
    struct cf_sip_trunk *trunk = context;
    struct cf_sip_link *link = cf_sip_link_of(trunk->all, event->user);
    if (link != NULL && cf_sip_conference_event(link, event))
        return;
    switch (event->kind) {
    case CF_SIP_OFFERING:
    case CF_SIP_BEGUN:
        offer(trunk, event);
        break;
    case CF_SIP_IDLE:
        idle(trunk, event);
        break;
    case CF_SIP_INFORMED:
        inform(trunk, event);
        break;
    case CF_SIP_ONHOLD:
        if (link == NULL ||
            link->doing != CF_SIP_DOING_SETUP) /* it is told behind the reply that names the consultation call */
            post(trunk, event);
        break;
    case CF_SIP_DONE:
        if (link == NULL)
            break;
        cf_sip_consult_done(link, event);
        if (link->part == CF_SIP_PART_CONFERENCE)
            cf_sip_conference_wake(link); /* somebody may wait to be let go of */
        break;
    case CF_SIP_ROSTER: /* of a call that stands for no conference any more */
        break;
    case CF_SIP_DIGIT:
        cf_listening_digit(trunk->all->listening, event->user, event->digit, LINEDIGITMODE_DTMF,
                           (int64_t)event->time_ns);
        break;
    case CF_SIP_DISCONNECTED:
        if (link != NULL)
            link->over = true;
        cf_listening_end(trunk->all->listening, event->user);
        post(trunk, event);
        if (link != NULL && link->part == CF_SIP_PART_CONFERENCE)
            cf_sip_conference_over(link, false, event->time_ns);
        break;
    default:
        post(trunk, event);
        break;
    }
}

/* The state that a new core must be told of; 0: none, the call is over but for BYE or linger. */
static uint32_t state_of(const struct cf_sip_snapshot *snapshot, uint32_t *ret_mode)
{
    enum cf_sip_event_kind as = CF_SIP_IDLE;
    switch (snapshot->state) {
    case CF_SIP_CALL_OFFERING:
        as = CF_SIP_OFFERING;
        break;
    case CF_SIP_CALL_ACCEPTED:
        as = CF_SIP_ACCEPTED;
        break;
    case CF_SIP_CALL_CALLING:
    case CF_SIP_CALL_CANCELLING:
        as = snapshot->progress;
        break;
    case CF_SIP_CALL_ANSWERED:
    case CF_SIP_CALL_CONFIRMED:
        as = snapshot->told;
        break;
    default:
        break;
    }
    *ret_mode = states[as].mode;
    if (snapshot->outgoing && as == CF_SIP_OFFERING) { /* no progress yet */
        *ret_mode = 0;
        return LINECALLSTATE_DIALING;
    }
    return as == CF_SIP_IDLE ? 0 : states[as].state;
}

void cf_sip_link_announce(void *context, const struct cf_sip_snapshot *snapshot)
{
    struct cf_sip_trunk *trunk = context;
    struct cf_sip_trunks *trunks = trunk->all;
    struct cf_sip_link *link = cf_sip_link_of(trunks, snapshot->user);
    struct cf_new_call call = new_call(trunk, snapshot->user, cf_clock_ns());
    call.state = state_of(snapshot, &call.mode);
    call.origin = snapshot->outgoing ? LINECALLORIGIN_OUTBOUND : LINECALLORIGIN_INBOUND;
    call.caller = text_of(snapshot->caller);
    call.caller_name = text_of(snapshot->caller_name);
    call.called = text_of(snapshot->called);
    if (link == NULL)
        return;
    if (link->part == CF_SIP_PART_CONFERENCE) { /* as the lost one had it: nobody called it, and it nobody */
        call.origin = LINECALLORIGIN_CONFERENCE;
        call.caller = call.caller_name = call.called = (struct cf_text){0};
    }
    if (call.state == 0) { /* nobody will close it */
        const uint64_t ua_call = link->ua_call;
        if (link->part == CF_SIP_PART_CONFERENCE)
            cf_sip_conference_over(link, true, (uint64_t)call.time_ns);
        cf_sip_link_free(trunks, link);
        cf_sip_ua_close(trunk->ua, (uint64_t)cf_clock_ns(), ua_call, 0);
        return;
    }
    while (!cf_provider_post_new_call(trunks->provider, &call))
        if (!cf_provider_wait_room(trunks->provider))
            return; /* the end of the snapshot will tell */
}

/* ------------------------------------------------------------------ from the core to the user agent */

int32_t cf_sip_link_error(int rc)
{
    switch (rc) {
    case 0:
        return 0;
    case -EINVAL:
    case -ESTALE:
        return LINEERR_INVALCALLSTATE;
    case -EBUSY:
    case -ENOSPC:
        return LINEERR_RESOURCEUNAVAIL;
    case -EMSGSIZE:
        return LINEERR_INVALPARAM;
    case -EDESTADDRREQ:
        return LINEERR_INVALADDRESS;
    default:
        return LINEERR_OPERATIONFAILED;
    }
}

int32_t cf_sip_link_dial(struct cf_sip_link *link, struct cf_sip_words destination, uint32_t limit_s, uint64_t now_ns)
{
    const struct cf_sip_making making = {
        .destination = destination,
        .user = link->provider_call,
        .limit_s = limit_s,
    };
    if (!cf_sip_ua_in_service(link->trunk->ua) || link->trunk->all->leaving)
        return LINEERR_RESOURCEUNAVAIL;
    const int rc = cf_sip_ua_make(link->trunk->ua, now_ns, &making, &link->ua_call);
    return rc == 0 ? 0 : rc == -EINVAL ? LINEERR_INVALADDRESS : LINEERR_CALLUNAVAIL;
}

static int32_t make_call(struct cf_sip_trunks *trunks, const struct cf_command *command, uint64_t now_ns)
{
    struct cf_sip_trunk *trunk = command->line < trunks->settings->lines ? &trunks->trunk[command->line] : NULL;
    if (trunk == NULL || !cf_sip_ua_in_service(trunk->ua) || trunks->leaving)
        return LINEERR_RESOURCEUNAVAIL;
    struct cf_sip_link *link = cf_sip_link_new(trunk);
    if (link == NULL)
        return LINEERR_CALLUNAVAIL;
    const struct cf_sip_words destination = {command->destination.at, command->destination.bytes};
    const int32_t result = cf_sip_link_dial(link, destination, command->params.no_answer_timeout_s, now_ns);
    if (result != 0) {
        cf_sip_link_free(trunks, link);
        return result;
    }
    const struct cf_call_state dialing = {.state = LINECALLSTATE_DIALING, .time_ns = (int64_t)now_ns};
    const uint64_t call = link->provider_call;
    cf_provider_reply(trunks->provider, command->number, 0, call);
    cf_provider_post_call_state(trunks->provider, call, &dialing);
    return 0;
}

/* These are answered when the user agent says DONE: 0 then, and the command's number stays with the link. */
static int begin(struct cf_sip_link *link, const struct cf_command *command, uint64_t now_ns)
{
    struct cf_sip_ua *ua = link->trunk->ua;
    if (command->id != CF_CMD_GENERATE_DIGITS)
        return cf_sip_ua_hold(ua, now_ns, link->ua_call, command->id == CF_CMD_HOLD);
    return cf_sip_ua_digits(ua, now_ns, link->ua_call, command->digits.at, command->digits.bytes, command->digit_ms);
}

/* As long as the call lives, answered or not. False: it does not. */
static bool gather(struct cf_sip_trunks *trunks, const struct cf_sip_link *link, const struct cf_command *command,
                   uint64_t now_ns)
{
    if (link->over || (link->ua_call == 0 && !link->dial_tone))
        return false;
    cf_listening_command(trunks->listening, command, (int64_t)now_ns);
    return true;
}

/* True when a reply is still owed, with ret_result. */
static bool obey(struct cf_sip_trunks *trunks, const struct cf_command *command, uint64_t now_ns, int32_t *ret_result)
{
    struct cf_sip_link *link = cf_sip_link_of(trunks, command->call);
    *ret_result = LINEERR_INVALCALLSTATE;
    if (link != NULL && command->id == CF_CMD_DROP && cf_sip_consult_hang_up(link, now_ns)) {
        *ret_result = 0;
        return true;
    }
    if (command->id == CF_CMD_SETUP_CONFERENCE && command->call == 0) {
        *ret_result = cf_sip_conference_begin(trunks, NULL, command, now_ns);
        return *ret_result != 0;
    }
    bool owed;
    if (link != NULL && cf_sip_party_command(link, command, now_ns, &owed, ret_result))
        return owed;
    if (link != NULL && command->id == CF_CMD_GATHER_DIGITS)
        return !gather(trunks, link, command, now_ns);
    if (link != NULL && command->id == CF_CMD_DIAL) {
        *ret_result = cf_sip_consult_dial(link, command, now_ns);
        return *ret_result != 0;
    }
    if (link == NULL || link->ua_call == 0)
        return true; /* it became IDLE while the command was on its way */
    struct cf_sip_ua *ua = link->trunk->ua;
    switch (command->id) {
    case CF_CMD_ACCEPT:
        *ret_result = cf_sip_link_error(cf_sip_ua_accept(ua, now_ns, link->ua_call));
        return true;
    case CF_CMD_ANSWER:
        *ret_result = cf_sip_link_error(cf_sip_ua_answer(ua, now_ns, link->ua_call));
        return true;
    case CF_CMD_REDIRECT:
        *ret_result = cf_sip_link_error(cf_sip_ua_redirect(
            ua, now_ns, link->ua_call, (struct cf_sip_words){command->destination.at, command->destination.bytes}));
        return true;
    case CF_CMD_DROP:
        *ret_result = cf_sip_link_error(cf_sip_ua_drop(ua, now_ns, link->ua_call, trunks->settings->drop_status));
        return true;
    case CF_CMD_HOLD:
    case CF_CMD_UNHOLD:
    case CF_CMD_GENERATE_DIGITS:
        break;
    case CF_CMD_SETUP_CONFERENCE:
    case CF_CMD_ADD_TO_CONFERENCE:
        *ret_result = cf_sip_conference_begin(trunks, link, command, now_ns);
        return *ret_result != 0;
    case CF_CMD_SWAP_HOLD:
    case CF_CMD_SETUP_TRANSFER:
    case CF_CMD_COMPLETE_TRANSFER:
    case CF_CMD_BLIND_TRANSFER:
    case CF_CMD_PREPARE_ADD:
        if (command->id == CF_CMD_COMPLETE_TRANSFER && command->transfer_mode == LINETRANSFERMODE_CONFERENCE)
            *ret_result = cf_sip_conference_begin(trunks, link, command, now_ns);
        else
            *ret_result = cf_sip_consult_begin(link, command, now_ns);
        return *ret_result != 0;
    default:
        *ret_result = LINEERR_OPERATIONUNAVAIL;
        return true;
    }
    if (command->id == CF_CMD_GENERATE_DIGITS && command->digit_mode != LINEDIGITMODE_DTMF) {
        *ret_result = LINEERR_INVALDIGITMODE;
        return true;
    }
    *ret_result = cf_sip_link_error(begin(link, command, now_ns));
    if (*ret_result != 0 || (command->id == CF_CMD_GENERATE_DIGITS && command->digits.bytes == 0))
        return true;
    link->command = command->number;
    if (command->id == CF_CMD_UNHOLD)
        cf_sip_consult_end(link, now_ns);
    return false;
}

/* Nobody wants to hear of the call any more. */
static void forget(struct cf_sip_trunks *trunks, uint64_t call, unsigned status, uint64_t now_ns)
{
    struct cf_sip_link *link = cf_sip_link_of(trunks, call);
    if (link == NULL || cf_sip_party_keeps(link, now_ns))
        return;
    const struct cf_sip_link old = *link;
    cf_sip_link_free(trunks, link);
    if (old.ua_call != 0)
        cf_sip_ua_close(old.trunk->ua, now_ns, old.ua_call, status);
}

void cf_sip_trunks_command(struct cf_sip_trunks *trunks, const struct cf_command *command, int64_t now_ns)
{
    const uint64_t now = (uint64_t)now_ns;
    int32_t result = 0;
    cf_sip_conferences_work(trunks, now); /* what has happened before the command is carried out before it */
    if (command->id == CF_CMD_MAKE_CALL) {
        result = make_call(trunks, command, now);
        if (result != 0)
            cf_provider_reply(trunks->provider, command->number, result, 0);
    } else if (cf_command_wants_reply(command->id)) {
        if (obey(trunks, command, now, &result))
            cf_provider_reply(trunks->provider, command->number, result,
                              command->id != CF_CMD_SETUP_TRANSFER ? command->call : 0);
    } else if (command->id == CF_CMD_MONITOR_DIGITS) {
        if (cf_sip_link_of(trunks, command->call) != NULL)
            cf_listening_command(trunks->listening, command, now_ns);
    } else if (command->id == CF_CMD_CLOSE_CALL) {
        forget(trunks, command->call, trunks->settings->drop_status, now);
    } else if (command->id == CF_CMD_REFUSED) {
        forget(trunks, command->call, command->refusal == CF_REFUSAL_NOBODY ? 480 : 503, now);
    }
    /* OPEN_LINE and CLOSE_LINE change nothing: a trunk line offers its calls whether or not somebody listens. Nor does
     * SET_MEDIA_MODE: what a call carries is settled with its peer. */
}
