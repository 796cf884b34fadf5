/*
 * Conferences at a focus (RFC 4579); see bond.h.
 *
 *     SETUP_CONFERENCE    INVITE, on hold, to the factory; REFER with Replaces has the focus take the first call over; then the reply,
 *                         ONHOLDPENDCONF, the consultation call has dial tone or dials, and the first call is CONFERENCED
 *     PREPARE_ADD         as SETUP_TRANSFER (consult.c)
 *     ADD_TO_CONFERENCE   REFER with Replaces; the reply, CONFERENCED, re-INVITE, CONNECTED
 *     COMPLETE_TRANSFER   INVITE to the factory, REFER for the one, REFER for the other
 *     REMOVE, DROP        of a member: REFER with method=BYE, in their turn
 *
 * Invariant: one step at a time of each conference. Nobody is told of a conference's call before what its command wanted has come
 *            about. A call that the focus did not take is as it was.
 *
 * Events only note what has happened: they come from within the user agent, where nothing may be asked of the same call.
 * cf_sip_conferences_work() goes on from there, in the same turn of the reactor and before any command.
 */
#include "adapters/sip/bond.h"

#include <errno.h>
#include <string.h>

/* ---- results */

static const struct {
    uint16_t status;
    int32_t result;
} results[] = {
    {200, 0},
    {405, LINEERR_OPERATIONUNAVAIL},
    {420, LINEERR_OPERATIONUNAVAIL},
    {486, LINEERR_RESOURCEUNAVAIL},
    {489, LINEERR_OPERATIONUNAVAIL},
    {501, LINEERR_OPERATIONUNAVAIL},
    {503, LINEERR_RESOURCEUNAVAIL},
};

/* Of the focus's answer, or of the outcome that it tells. */
static int32_t result_of(unsigned status)
{
    for (unsigned i = 0; i < sizeof(results) / sizeof(results[0]); i++)
        if (results[i].status == status)
            return results[i].result;
    return LINEERR_OPERATIONFAILED;
}

/* ---- steps of the call */

void cf_sip_conference_wake(struct cf_sip_link *conference)
{
    struct cf_sip_trunks *trunks = conference->trunk->all;
    struct cf_sip_bond *bond = cf_sip_bond_of(conference);
    if (bond->queued)
        return;
    bond->queued = true;
    bond->next_queued = 0;
    if (trunks->queued_first == 0)
        trunks->queued_first = cf_sip_bond_place(conference);
    else
        trunks->bond[trunks->queued_last - 1].next_queued = cf_sip_bond_place(conference);
    trunks->queued_last = cf_sip_bond_place(conference);
}

static void wait_for(struct cf_sip_link *conference, enum cf_sip_step step)
{
    struct cf_sip_bond *bond = cf_sip_bond_of(conference);
    bond->step = (uint8_t)step;
    bond->outcome = 0;
    conference->doing = step != CF_SIP_STEP_NOTHING ? CF_SIP_DOING_CONFERENCE : CF_SIP_DOING_ONE;
}

/* The focus is asked to take the party over. 0 or LINEERR_. */
static int32_t ask(struct cf_sip_link *conference, struct cf_sip_link *party, uint64_t now_ns)
{
    struct cf_sip_dialog_name name;
    const int32_t refusal = cf_sip_party_name(party, &name);
    if (refusal != 0)
        return refusal;
    const struct cf_sip_referring referring = {.destination = {name.target.text, name.target.len},
                                               .replaces = {name.replaces.text, name.replaces.len},
                                               .wanted = CF_SIP_REFERRAL_JOIN};
    const int rc = cf_sip_ua_refer(conference->trunk->ua, now_ns, conference->ua_call, &referring);
    if (rc < 0)
        return cf_sip_party_error(rc);
    cf_sip_bond_begin(party, CF_SIP_PART_MOVING)->conference = conference->provider_call;
    cf_sip_party_keep(party, &name);
    cf_sip_bond_of(conference)->parties[0] = party->provider_call;
    wait_for(conference, CF_SIP_STEP_JOINS);
    return 0;
}

/* ---- the conference's call */

/* It did not come about, and nobody was told of it: who was to be in it is as it was. */
static void give_up(struct cf_sip_link *conference, int32_t result, uint64_t now_ns)
{
    const struct cf_sip_link old = *conference;
    const uint64_t number = conference->command, first = cf_sip_bond_of(conference)->parties[0];
    conference->command = 0;
    if (number != 0)
        cf_provider_reply(old.trunk->all->provider, number, result, first);
    cf_sip_link_free(old.trunk->all, conference); /* and so the consultation call, and all that have a part in it */
    if (old.ua_call != 0)
        cf_sip_ua_close(old.trunk->ua, now_ns, old.ua_call, 0);
}

/* Both calls that lineSetupConference makes. Where the target cannot be called any more the consultation call has dial tone. */
static void announce_both(struct cf_sip_link *conference, struct cf_sip_link *consultation, uint64_t now_ns)
{
    const struct cf_sip_trunks *trunks = conference->trunk->all;
    const struct cf_sip_target *target = &trunks->target[consultation - trunks->link];
    const struct cf_sip_words destination = {target->text, target->len};
    const uint64_t number = conference->command;
    consultation->dial_tone =
        target->len == 0 || cf_sip_link_dial(consultation, destination, target->limit_s, now_ns) != 0;
    conference->consultation = consultation->provider_call;
    conference->second = 0;
    conference->command = 0;
    cf_provider_reply_two(trunks->provider, number, 0, conference->provider_call, consultation->provider_call);
    cf_sip_link_tell(conference, LINECALLSTATE_ONHOLDPENDCONF, 0, now_ns);
    if (consultation->dial_tone)
        cf_sip_link_tell(consultation, LINECALLSTATE_DIALTONE, LINEDIALTONEMODE_NORMAL, now_ns);
    else
        cf_sip_link_tell(consultation, LINECALLSTATE_DIALING, 0, now_ns);
}

static uint32_t connected_mode(const struct cf_sip_link *conference)
{
    char text[3][CF_SIP_IDENTITY_MAX];
    struct cf_sip_snapshot snapshot = {0};
    cf_sip_ua_snapshot(conference->trunk->ua, conference->ua_call, text, &snapshot);
    return snapshot.told == CF_SIP_HELD ? LINECONNECTEDMODE_ACTIVEHELD : LINECONNECTEDMODE_ACTIVE;
}

static void announce(struct cf_sip_link *conference, uint64_t now_ns)
{
    struct cf_sip_bond *bond = cf_sip_bond_of(conference);
    struct cf_sip_link *consultation = cf_sip_bond_named(conference, conference->second);
    wait_for(conference, CF_SIP_STEP_NOTHING);
    bond->told = true;
    if (bond->sets_up && consultation != NULL) {
        announce_both(conference, consultation, now_ns);
    } else {
        cf_sip_link_reply(conference, 0, conference->provider_call);
        cf_sip_link_tell(conference, LINECALLSTATE_CONNECTED, connected_mode(conference), now_ns);
    }
    cf_sip_parties_tell(conference, now_ns);
}

/* Somebody was added: whoever was being consulted is in, or a call of its own, and the conference is talked to again. */
static void retrieve(struct cf_sip_link *conference, uint64_t now_ns)
{
    cf_sip_link_reply(conference, 0, conference->provider_call);
    conference->consultation = 0;
    cf_sip_parties_tell(conference, now_ns);
    if (cf_sip_ua_hold(conference->trunk->ua, now_ns, conference->ua_call, false) == 0) {
        wait_for(conference, CF_SIP_STEP_RETRIEVES);
        return;
    }
    wait_for(conference, CF_SIP_STEP_NOTHING);
    if (cf_sip_bond_lives(conference))
        cf_sip_link_tell(conference, LINECALLSTATE_ONHOLD, 0, now_ns);
}

/* ---- steps */

/* Of two that were to be in it the first may have come in: then there is a conference, and the other a call as it was. */
static void not_joined(struct cf_sip_link *conference, int32_t result, uint64_t now_ns)
{
    struct cf_sip_bond *bond = cf_sip_bond_of(conference);
    if (!bond->told && (bond->members == 0 || !cf_sip_bond_lives(conference))) {
        give_up(conference, result, now_ns);
        return;
    }
    for (unsigned i = 0; i < 2; i++) {
        struct cf_sip_link *party = cf_sip_bond_named(conference, bond->parties[i]);
        bond->parties[i] = 0;
        cf_sip_party_let_go(party, false, now_ns);
    }
    if (!bond->told) {
        announce(conference, now_ns);
        return;
    }
    wait_for(conference, CF_SIP_STEP_NOTHING);
    cf_sip_link_reply(conference, result, conference->provider_call);
}

static void join_next(struct cf_sip_link *conference, uint64_t now_ns)
{
    struct cf_sip_link *party = cf_sip_bond_named(conference, cf_sip_bond_of(conference)->parties[0]);
    const int32_t result = party != NULL ? ask(conference, party, now_ns) : LINEERR_INVALCALLSTATE;
    if (result != 0)
        not_joined(conference, result, now_ns);
}

/* All that were to be in it are. */
static void go_on(struct cf_sip_link *conference, uint64_t now_ns)
{
    const struct cf_sip_bond *bond = cf_sip_bond_of(conference);
    if (bond->parties[0] != 0)
        join_next(conference, now_ns);
    else if (bond->told)
        retrieve(conference, now_ns);
    else
        announce(conference, now_ns);
}

static void called(struct cf_sip_link *conference, unsigned status, uint64_t now_ns)
{
    if (status == 200 && cf_sip_bond_lives(conference))
        go_on(conference, now_ns);
    else
        give_up(conference, status == 200 ? LINEERR_OPERATIONFAILED : result_of(status), now_ns);
}

static void joined(struct cf_sip_link *conference, unsigned status, uint64_t now_ns)
{
    struct cf_sip_bond *bond = cf_sip_bond_of(conference);
    struct cf_sip_link *party = cf_sip_bond_named(conference, bond->parties[0]);
    if (status != 200 || !cf_sip_bond_lives(conference)) {
        not_joined(conference, status == 200 ? LINEERR_OPERATIONFAILED : result_of(status), now_ns);
        return;
    }
    bond->parties[0] = bond->parties[1];
    bond->parties[1] = 0;
    if (party != NULL)
        cf_sip_party_take(conference, party, now_ns);
    go_on(conference, now_ns);
}

static void retrieved(struct cf_sip_link *conference, unsigned status, uint64_t now_ns)
{
    wait_for(conference, CF_SIP_STEP_NOTHING);
    if (status != 200 && cf_sip_bond_lives(conference))
        cf_sip_link_tell(conference, LINECALLSTATE_ONHOLD, 0, now_ns);
}

/* ---- letting go */

/* The focus keeps it. */
static void not_removed(struct cf_sip_link *conference, struct cf_sip_link *party, int32_t result)
{
    if (cf_sip_bond_of(party)->closed || cf_sip_bond_of(party)->silent) { /* nobody is left to be told */
        cf_sip_party_unlink(conference, party);
        party->part = CF_SIP_PART_NONE;
        if (cf_sip_bond_of(party)->closed)
            cf_sip_link_free(party->trunk->all, party);
        return;
    }
    party->part = CF_SIP_PART_MEMBER;
    cf_sip_link_reply(party, result, party->provider_call);
}

/* It has been hung up on, or was not there any more: nobody of that address (404, 410), or its peer knows no such dialog (481). */
static bool is_out(unsigned status)
{
    return status == 200 || status == 404 || status == 410 || status == 481;
}

static void removed(struct cf_sip_link *conference, unsigned status, uint64_t now_ns)
{
    struct cf_sip_link *party = cf_sip_bond_named(conference, cf_sip_bond_of(conference)->leaving);
    wait_for(conference, CF_SIP_STEP_NOTHING);
    if (party == NULL || party->part != CF_SIP_PART_LEAVING)
        return;
    if (!is_out(status) && !cf_sip_bond_of(party)->gone) {
        not_removed(conference, party, result_of(status));
        return;
    }
    cf_sip_party_unlink(conference, party);
    cf_sip_party_release(party, false, now_ns);
}

static struct cf_sip_link *next_leaving(const struct cf_sip_link *conference)
{
    struct cf_sip_link *party = cf_sip_bond_link(conference, cf_sip_bond_of(conference)->first);
    while (party != NULL && party->part != CF_SIP_PART_LEAVING)
        party = cf_sip_bond_link(conference, cf_sip_bond_of(party)->next);
    return party;
}

/* One after the other, as long as nothing else is under way. */
static void remove_next(struct cf_sip_link *conference, uint64_t now_ns)
{
    struct cf_sip_bond *bond = cf_sip_bond_of(conference);
    struct cf_sip_link *party;
    if (!bond->told || bond->step != CF_SIP_STEP_NOTHING || conference->command != 0 || !cf_sip_bond_lives(conference))
        return;
    while ((party = next_leaving(conference)) != NULL) {
        const struct cf_sip_bond *of_party = cf_sip_bond_of(party);
        const struct cf_sip_referring referring = {.destination = {of_party->uri, of_party->uri_len},
                                                   .wanted = CF_SIP_REFERRAL_REMOVE};
        const int rc = cf_sip_ua_refer(conference->trunk->ua, now_ns, conference->ua_call, &referring);
        if (rc == 0) {
            bond->leaving = party->provider_call;
            wait_for(conference, CF_SIP_STEP_REMOVES);
            return;
        }
        not_removed(conference, party, cf_sip_party_error(rc));
    }
}

/* ---- the end */

void cf_sip_conference_over(struct cf_sip_link *conference, bool silently, uint64_t now_ns)
{
    struct cf_sip_bond *bond = cf_sip_bond_of(conference);
    const bool joins = bond->step == CF_SIP_STEP_JOINS && bond->told;
    struct cf_sip_link *party;
    bond->step = CF_SIP_STEP_NOTHING;
    bond->outcome = 0;
    if (joins)
        cf_sip_link_reply(conference, LINEERR_OPERATIONFAILED, conference->provider_call);
    for (unsigned i = 0; i < 2; i++) {
        party = cf_sip_bond_named(conference, bond->parties[i]);
        bond->parties[i] = 0;
        cf_sip_party_let_go(party, silently, now_ns);
    }
    while ((party = cf_sip_bond_link(conference, bond->first)) != NULL) {
        cf_sip_party_unlink(conference, party);
        cf_sip_party_release(party, silently, now_ns);
    }
}

void cf_sip_conference_forget(struct cf_sip_link *link)
{
    struct cf_sip_link *conference;
    if (link->part == CF_SIP_PART_CONFERENCE)
        cf_sip_conference_over(link, false, (uint64_t)cf_clock_ns());
    if (link->part < CF_SIP_PART_MEMBER)
        return;
    conference = cf_sip_bond_named(link, cf_sip_bond_of(link)->conference);
    if (conference != NULL)
        cf_sip_party_unlink(conference, link);
}

/* ---- events */

static void note(struct cf_sip_link *conference, unsigned status, uint64_t time_ns)
{
    struct cf_sip_bond *bond = cf_sip_bond_of(conference);
    if (bond->outcome != 0)
        return;
    bond->outcome = (uint16_t)status;
    bond->time_ns = time_ns;
    cf_sip_conference_wake(conference);
}

static bool of_conference(struct cf_sip_link *conference, const struct cf_sip_event *event)
{
    if (event->kind == CF_SIP_DONE && conference->doing == CF_SIP_DOING_CONFERENCE) {
        note(conference, event->status, event->time_ns);
        return true;
    }
    if (cf_sip_bond_of(conference)->told) {
        if (event->kind == CF_SIP_ROSTER)
            cf_sip_parties_roster(conference, event->roster, event->time_ns);
        return event->kind == CF_SIP_ROSTER;
    }
    if (event->kind == CF_SIP_CONNECTED) {
        note(conference, 200, event->time_ns);
    } else if (event->kind == CF_SIP_DISCONNECTED) {
        conference->over = true;
        note(conference, event->cause.status != 0 ? event->cause.status : 500, event->time_ns);
    } else if (event->kind == CF_SIP_IDLE) {
        conference->ua_call = 0;
        note(conference, 500, event->time_ns);
    }
    return true;
}

bool cf_sip_conference_event(struct cf_sip_link *link, const struct cf_sip_event *event)
{
    if (link->part == CF_SIP_PART_CONFERENCE)
        return of_conference(link, event);
    return link->part == CF_SIP_PART_MOVING && cf_sip_party_event(link, event);
}

static void look_after(struct cf_sip_link *conference, uint64_t now_ns)
{
    struct cf_sip_bond *bond = cf_sip_bond_of(conference);
    const unsigned status = bond->outcome;
    bond->outcome = 0;
    if (status != 0) {
        static void (*const steps[])(struct cf_sip_link *, unsigned, uint64_t) = {
            [CF_SIP_STEP_CALLS] = called,
            [CF_SIP_STEP_JOINS] = joined,
            [CF_SIP_STEP_RETRIEVES] = retrieved,
            [CF_SIP_STEP_REMOVES] = removed,
        };
        if (bond->step != CF_SIP_STEP_NOTHING)
            steps[bond->step](conference, status, bond->time_ns > now_ns ? now_ns : bond->time_ns);
    }
    if (conference->part == CF_SIP_PART_CONFERENCE) /* it may have been given up */
        remove_next(conference, now_ns);
}

void cf_sip_conferences_work(struct cf_sip_trunks *trunks, uint64_t now_ns)
{
    while (trunks->queued_first != 0) {
        struct cf_sip_link *conference = &trunks->link[trunks->queued_first - 1];
        struct cf_sip_bond *bond = &trunks->bond[trunks->queued_first - 1];
        trunks->queued_first = bond->next_queued;
        bond->queued = false;
        if (conference->part == CF_SIP_PART_CONFERENCE) /* its place may have been taken by another */
            look_after(conference, now_ns);
    }
}

/* ---- commands */

bool cf_sip_conference_able(const struct cf_sip_trunk *trunk)
{
    return trunk->all->settings->line[trunk->line].conference[0] != '\0';
}

/* The line's own party counts too. */
static bool is_full(const struct cf_sip_link *conference)
{
    return cf_sip_bond_of(conference)->members + 1 >= CF_CONFERENCE_MEMBERS_MAX;
}

static void choose(const struct cf_sip_link *conference, struct cf_sip_link *party, unsigned which)
{
    cf_sip_bond_begin(party, CF_SIP_PART_CHOSEN)->conference = conference->provider_call;
    cf_sip_bond_of(conference)->parties[which] = party->provider_call;
}

/* Calls the factory; 0 with the link of that call, which nobody knows of, or LINEERR_. */
static int32_t call_factory(struct cf_sip_trunk *trunk, const struct cf_command *command, bool sets_up, uint64_t now_ns,
                            struct cf_sip_link **ret_conference)
{
    const struct cf_sip_settings *settings = trunk->all->settings;
    const char *factory = settings->line[trunk->line].conference;
    if (!cf_sip_ua_in_service(trunk->ua) || trunk->all->leaving)
        return LINEERR_RESOURCEUNAVAIL;
    struct cf_sip_link *conference = cf_sip_link_new(trunk);
    if (conference == NULL)
        return LINEERR_CALLUNAVAIL;
    const struct cf_sip_making making = {
        .destination = {factory, strlen(factory)},
        .user = conference->provider_call,
        .limit_s = (uint32_t)((64 * settings->common.t1_ns + CF_SIP_NS_PER_S - 1) / CF_SIP_NS_PER_S),
        .to_focus = true,
        .holds = sets_up,
    };
    const int rc = cf_sip_ua_make(trunk->ua, now_ns, &making, &conference->ua_call);
    if (rc < 0) {
        cf_sip_link_free(trunk->all, conference);
        return rc == -EINVAL ? LINEERR_OPERATIONFAILED : LINEERR_CALLUNAVAIL;
    }
    cf_sip_bond_begin(conference, CF_SIP_PART_CONFERENCE)->sets_up = sets_up;
    wait_for(conference, CF_SIP_STEP_CALLS);
    conference->command = command->number;
    *ret_conference = conference;
    return 0;
}

static int32_t set_up_refusal(const struct cf_sip_trunk *trunk, const struct cf_sip_link *first,
                              const struct cf_command *command)
{
    if (!cf_sip_conference_able(trunk))
        return LINEERR_OPERATIONUNAVAIL;
    if (first != NULL && first->part == CF_SIP_PART_CONFERENCE)
        return LINEERR_INVALCALLHANDLE;
    if (first != NULL && cf_sip_consult_pends(first))
        return LINEERR_CALLUNAVAIL; /* one consultation at a time */
    if (command->parties > CF_CONFERENCE_MEMBERS_MAX)
        return LINEERR_CONFERENCEFULL;
    const int32_t refusal = first != NULL ? cf_sip_party_refusal(first) : 0;
    return refusal != 0 ? refusal : cf_sip_consult_refusal(trunk, command);
}

static int32_t set_up(struct cf_sip_trunks *trunks, struct cf_sip_link *first, const struct cf_command *command,
                      uint64_t now_ns)
{
    struct cf_sip_trunk *trunk = first != NULL                             ? first->trunk
                                 : command->line < trunks->settings->lines ? &trunks->trunk[command->line]
                                                                           : NULL;
    struct cf_sip_link *conference;
    if (trunk == NULL)
        return LINEERR_OPERATIONFAILED;
    int32_t result = set_up_refusal(trunk, first, command);
    if (result != 0)
        return result;
    struct cf_sip_link *consultation = cf_sip_consult_new(trunk, command);
    if (consultation == NULL)
        return LINEERR_CALLUNAVAIL;
    result = call_factory(trunk, command, true, now_ns, &conference);
    if (result != 0) {
        cf_sip_link_free(trunks, consultation);
        return result;
    }
    conference->second = consultation->provider_call;
    if (first != NULL)
        choose(conference, first, 0);
    return 0;
}

static int32_t complete(struct cf_sip_link *first, const struct cf_command *command, uint64_t now_ns)
{
    struct cf_sip_link *second = cf_sip_bond_named(first, command->second), *conference;
    if (!cf_sip_conference_able(first->trunk) || first->part == CF_SIP_PART_CONFERENCE ||
        (second != NULL && second->part == CF_SIP_PART_CONFERENCE))
        return LINEERR_OPERATIONUNAVAIL;
    if (second == NULL || second == first || second->trunk != first->trunk)
        return LINEERR_INVALCONSULTCALLHANDLE;
    int32_t result = cf_sip_party_refusal(first);
    if (result == 0)
        result = cf_sip_party_refusal(second);
    if (result == 0)
        result = call_factory(first->trunk, command, false, now_ns, &conference);
    if (result != 0)
        return result;
    choose(conference, first, 0);
    choose(conference, second, 1);
    return 0;
}

static int32_t add(struct cf_sip_link *conference, const struct cf_command *command, uint64_t now_ns)
{
    struct cf_sip_link *party = cf_sip_bond_named(conference, command->second);
    if (conference->part != CF_SIP_PART_CONFERENCE)
        return LINEERR_INVALCONFCALLHANDLE;
    if (party == NULL || party->trunk != conference->trunk || party->part == CF_SIP_PART_CONFERENCE ||
        party->part >= CF_SIP_PART_MEMBER)
        return LINEERR_INVALCALLHANDLE;
    if (conference->command != 0 || cf_sip_bond_of(conference)->step != CF_SIP_STEP_NOTHING)
        return LINEERR_RESOURCEUNAVAIL; /* the one before has not ended */
    if (is_full(conference))
        return LINEERR_CONFERENCEFULL;
    int32_t result = cf_sip_party_refusal(party);
    if (result == 0)
        result = ask(conference, party, now_ns);
    if (result == 0)
        conference->command = command->number;
    return result;
}

int32_t cf_sip_conference_begin(struct cf_sip_trunks *trunks, struct cf_sip_link *link,
                                const struct cf_command *command, uint64_t now_ns)
{
    if (command->id == CF_CMD_SETUP_CONFERENCE)
        return set_up(trunks, link, command, now_ns);
    if (command->id == CF_CMD_COMPLETE_TRANSFER)
        return complete(link, command, now_ns);
    return cf_sip_conference_able(link->trunk) ? add(link, command, now_ns) : LINEERR_OPERATIONUNAVAIL;
}

int32_t cf_sip_conference_prepare_refusal(const struct cf_sip_link *conference)
{
    if (!cf_sip_conference_able(conference->trunk))
        return LINEERR_OPERATIONUNAVAIL;
    if (conference->part != CF_SIP_PART_CONFERENCE)
        return LINEERR_INVALCONFCALLHANDLE;
    return is_full(conference) ? LINEERR_CONFERENCEFULL : 0;
}

/* ---- a new core */

/* What only the lost one knew: the call to the factory, and who was to be in it. */
static void abandon(struct cf_sip_link *conference)
{
    const uint64_t ua_call = conference->ua_call;
    struct cf_sip_trunk *trunk = conference->trunk;
    cf_sip_link_free(trunk->all, conference);
    if (ua_call != 0)
        cf_sip_ua_close(trunk->ua, (uint64_t)cf_clock_ns(), ua_call, 0);
}

void cf_sip_conferences_renew(struct cf_sip_trunks *trunks)
{
    for (uint32_t i = 0; i < trunks->links; i++) {
        struct cf_sip_link *link = &trunks->link[i];
        link->command = 0; /* the lost one waits for no reply */
        if (link->part == CF_SIP_PART_MOVING)
            cf_sip_party_renew(link);
    }
    for (uint32_t i = 0; i < trunks->links; i++) {
        struct cf_sip_link *link = &trunks->link[i];
        if (link->part != CF_SIP_PART_CONFERENCE || trunks->bond[i].told)
            continue;
        cf_sip_conference_over(link, true, (uint64_t)cf_clock_ns());
        abandon(link);
    }
}
