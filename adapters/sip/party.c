/* Parties of a conference: calls that a focus is to take over, has taken over, and is to let go of; see bond.h. */
#include "adapters/sip/bond.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "adapters/sip/field.h"

/* ---- bonds */

struct cf_sip_bond *cf_sip_bond_begin(struct cf_sip_link *link, enum cf_sip_part part)
{
    struct cf_sip_bond *bond = cf_sip_bond_of(link);
    const struct cf_sip_bond old = {.queued = bond->queued, .next_queued = bond->next_queued};
    *bond = old;
    link->part = (uint8_t)part;
    return bond;
}

void cf_sip_party_append(struct cf_sip_link *conference, struct cf_sip_link *party)
{
    struct cf_sip_bond *bond = cf_sip_bond_of(conference);
    uint32_t *at = &bond->first;
    while (*at != 0)
        at = &cf_sip_bond_of(cf_sip_bond_link(conference, *at))->next;
    *at = cf_sip_bond_place(party);
    cf_sip_bond_of(party)->next = 0;
    bond->members++;
}

void cf_sip_party_unlink(struct cf_sip_link *conference, const struct cf_sip_link *party)
{
    struct cf_sip_bond *bond = cf_sip_bond_of(conference);
    uint32_t *at = &bond->first;
    while (*at != 0 && *at != cf_sip_bond_place(party))
        at = &cf_sip_bond_of(cf_sip_bond_link(conference, *at))->next;
    if (*at == 0)
        return;
    *at = cf_sip_bond_of(party)->next;
    bond->members--;
}

/* That its address is none is not the application's fault. */
int32_t cf_sip_party_error(int rc)
{
    return rc == -EDESTADDRREQ || rc == -EMSGSIZE ? LINEERR_OPERATIONFAILED : cf_sip_link_error(rc);
}

/* ---- parties */

void cf_sip_party_release(struct cf_sip_link *party, bool silently, uint64_t now_ns)
{
    struct cf_sip_trunks *trunks = party->trunk->all;
    const struct cf_sip_bond *bond = cf_sip_bond_of(party);
    const struct cf_sip_cause cause = {.ending = CF_SIP_ENDING_BYE};
    party->part = CF_SIP_PART_NONE;
    if (bond->closed || silently) {
        cf_sip_link_free(trunks, party);
        return;
    }
    cf_sip_link_reply(party, 0, party->provider_call); /* whoever wanted it out has it so */
    cf_listening_end(trunks->listening, party->provider_call);
    if (bond->silent)
        return;
    if (!bond->told)
        cf_sip_link_tell_disconnected(party, LINEDISCONNECTMODE_NORMAL, &cause, now_ns);
    party->over = true;
    cf_sip_link_tell(party, LINECALLSTATE_IDLE, 0, now_ns);
}

static void tell_end(struct cf_sip_link *party, uint64_t now_ns)
{
    const struct cf_sip_bond *bond = cf_sip_bond_of(party);
    if (!bond->ended)
        return;
    cf_sip_link_tell_disconnected(party, bond->mode, &bond->cause, now_ns);
    party->over = true;
    cf_listening_end(party->trunk->all->listening, party->provider_call);
    if (party->ua_call == 0)
        cf_sip_link_tell(party, LINECALLSTATE_IDLE, 0, now_ns);
}

void cf_sip_party_let_go(struct cf_sip_link *party, bool silently, uint64_t now_ns)
{
    const enum cf_sip_part part = party != NULL ? (enum cf_sip_part)party->part : CF_SIP_PART_NONE;
    if (part != CF_SIP_PART_CHOSEN && part != CF_SIP_PART_MOVING)
        return;
    party->part = CF_SIP_PART_NONE;
    if (part == CF_SIP_PART_CHOSEN)
        return;
    if (cf_sip_bond_of(party)->closed)
        cf_sip_link_free(party->trunk->all, party);
    else if (!cf_sip_bond_of(party)->silent && !silently)
        tell_end(party, now_ns);
}

/* One that was dropped meanwhile tells of its end itself, when its BYE has been answered. */
void cf_sip_party_take(struct cf_sip_link *conference, struct cf_sip_link *party, uint64_t now_ns)
{
    const struct cf_sip_bond *bond = cf_sip_bond_of(party);
    if (party->ua_call != 0 && !bond->silent) {
        cf_sip_ua_close(party->trunk->ua, now_ns, party->ua_call, 0);
        party->ua_call = 0;
    }
    party->consultation = 0;
    cf_listening_end(party->trunk->all->listening, party->provider_call);
    party->part = bond->closed || bond->silent ? CF_SIP_PART_LEAVING : CF_SIP_PART_MEMBER;
    cf_sip_party_append(conference, party);
}

static bool tell_member(const struct cf_sip_link *party, uint64_t now_ns)
{
    const struct cf_call_state change = {
        .state = LINECALLSTATE_CONFERENCED, .time_ns = (int64_t)now_ns, .parent = cf_sip_bond_of(party)->conference};
    return cf_provider_post_call_state(party->trunk->all->provider, party->provider_call, &change) != CF_POST_STALE;
}

void cf_sip_parties_tell(const struct cf_sip_link *conference, uint64_t now_ns)
{
    const struct cf_sip_link *party = cf_sip_bond_link(conference, cf_sip_bond_of(conference)->first);
    for (; party != NULL; party = cf_sip_bond_link(conference, cf_sip_bond_of(party)->next)) {
        if (party->part != CF_SIP_PART_MEMBER || cf_sip_bond_of(party)->told)
            continue;
        cf_sip_bond_of(party)->told = true;
        tell_member(party, now_ns);
    }
}

/* ---- what the focus tells */

static bool same_place(const struct cf_sip_uri *a, const struct cf_sip_uri *b)
{
    const unsigned port_a = a->port != 0 ? a->port : CF_SIP_DEFAULT_PORT;
    const unsigned port_b = b->port != 0 ? b->port : CF_SIP_DEFAULT_PORT;
    if (a->user_len != b->user_len || a->host_len != b->host_len || port_a != port_b ||
        memcmp(a->user, b->user, a->user_len) != 0)
        return false;
    for (size_t i = 0; i < a->host_len; i++)
        if (cf_sip_lower(a->host[i]) != cf_sip_lower(b->host[i]))
            return false;
    return true;
}

static bool read_place(const char *text, size_t len, struct cf_sip_uri *ret_uri)
{
    return len != 0 && cf_sip_uri_read(text, len, ret_uri) &&
           (ret_uri->scheme == CF_SIP_SCHEME_SIP || ret_uri->scheme == CF_SIP_SCHEME_SIPS);
}

struct places {
    struct cf_sip_uri endpoint, user;
    bool by_endpoint, by_user;
};

static bool is_at(const struct cf_sip_link *party, const struct places *places)
{
    const struct cf_sip_bond *bond = cf_sip_bond_of(party);
    struct cf_sip_uri own;
    return read_place(bond->uri, bond->uri_len, &own) &&
           ((places->by_endpoint && same_place(&places->endpoint, &own)) ||
            (places->by_user && same_place(&places->user, &own)));
}

/*
 * The members that an attendee is, by his endpoint, or by himself. Somebody with several endpoints is here while one of them is; and
 * of several members at one address, behind a border controller perhaps, nobody can say who has gone.
 */
static void match(const struct cf_sip_link *conference, const struct cf_sip_attendee *attendee)
{
    struct places places;
    places.by_endpoint = read_place(attendee->endpoint, strlen(attendee->endpoint), &places.endpoint);
    places.by_user = read_place(attendee->user, strlen(attendee->user), &places.user);
    const uint32_t first = cf_sip_bond_of(conference)->first;
    struct cf_sip_link *party, *found = NULL;
    bool several = false;
    for (party = cf_sip_bond_link(conference, first); party != NULL;
         party = cf_sip_bond_link(conference, cf_sip_bond_of(party)->next)) {
        if (!is_at(party, &places))
            continue;
        several |= found != NULL;
        found = party;
        if (attendee->here || several)
            cf_sip_bond_of(party)->told_as = 2;
    }
    if (found != NULL && !several && cf_sip_bond_of(found)->told_as == 0)
        cf_sip_bond_of(found)->told_as = 1;
    for (party = cf_sip_bond_link(conference, first); several && party != found;
         party = cf_sip_bond_link(conference, cf_sip_bond_of(party)->next))
        if (is_at(party, &places))
            cf_sip_bond_of(party)->told_as = 2;
}

/* He has hung up, or was thrown out. One that is just being hung up on ends when that has been answered. */
static void left(struct cf_sip_link *conference, struct cf_sip_link *party, uint64_t now_ns)
{
    const struct cf_sip_cause cause = {.ending = CF_SIP_ENDING_BYE};
    struct cf_sip_bond *bond = cf_sip_bond_of(party);
    if (party->part == CF_SIP_PART_LEAVING && cf_sip_bond_of(conference)->leaving == party->provider_call &&
        cf_sip_bond_of(conference)->step == CF_SIP_STEP_REMOVES) {
        bond->gone = true;
        return;
    }
    if (bond->told && !bond->closed)
        cf_sip_link_tell_disconnected(party, LINEDISCONNECTMODE_NORMAL, &cause, now_ns);
    cf_sip_party_unlink(conference, party);
    cf_sip_party_release(party, false, now_ns);
}

void cf_sip_parties_roster(struct cf_sip_link *conference, const struct cf_sip_roster *roster, uint64_t now_ns)
{
    struct cf_sip_link *party = cf_sip_bond_link(conference, cf_sip_bond_of(conference)->first), *next;
    for (; party != NULL; party = cf_sip_bond_link(conference, cf_sip_bond_of(party)->next))
        cf_sip_bond_of(party)->told_as = 0;
    for (unsigned i = 0; i < roster->count; i++)
        match(conference, &roster->attendee[i]);
    for (party = cf_sip_bond_link(conference, cf_sip_bond_of(conference)->first); party != NULL; party = next) {
        struct cf_sip_bond *bond = cf_sip_bond_of(party);
        next = cf_sip_bond_link(conference, bond->next);
        const bool absent = bond->told_as == 0 && roster->full && bond->seen;
        bond->seen |= bond->told_as == 2;
        if (bond->told_as == 1 || absent)
            left(conference, party, now_ns);
    }
}

/* ---- taking over */

/* What a peer calls itself must not make our REFER ask for something else: no ";method=", nor a name that is written with escapes. */
static bool asks_for_more(const char *uri, size_t len)
{
    for (size_t at = 0; at < len; at++) {
        if (uri[at] != ';')
            continue;
        size_t end = at + 1;
        while (end < len && strchr("=;?%", uri[end]) == NULL)
            end++;
        if (CF_SIP_SAME(uri + at + 1, end - at - 1, "method") || (end < len && uri[end] == '%'))
            return true;
    }
    return false;
}

int32_t cf_sip_party_name(const struct cf_sip_link *party, struct cf_sip_dialog_name *ret_name)
{
    struct cf_sip_uri uri;
    if (!cf_sip_bond_lives(party))
        return LINEERR_INVALCALLSTATE;
    const int rc = cf_sip_ua_name(party->trunk->ua, party->ua_call, ret_name);
    if (rc < 0)
        return cf_sip_party_error(rc);
    if (ret_name->replaces.len == 0)
        return LINEERR_INVALCALLSTATE;
    const bool good = cf_sip_uri_read(ret_name->target.text, ret_name->target.len, &uri) &&
                      uri.scheme == CF_SIP_SCHEME_SIP && ret_name->target.len <= CF_SIP_TARGET_MAX &&
                      !asks_for_more(ret_name->target.text, ret_name->target.len);
    return good ? 0 : LINEERR_OPERATIONFAILED;
}

void cf_sip_party_keep(const struct cf_sip_link *party, const struct cf_sip_dialog_name *name)
{
    struct cf_sip_bond *bond = cf_sip_bond_of(party);
    struct cf_sip_snapshot snapshot = {0};
    if (cf_sip_ua_snapshot(party->trunk->ua, party->ua_call, bond->text, &snapshot) < 0)
        return;
    bond->outgoing = snapshot.outgoing;
    bond->text_len[0] = (uint16_t)snapshot.caller.len;
    bond->text_len[1] = (uint16_t)snapshot.caller_name.len;
    bond->text_len[2] = (uint16_t)snapshot.called.len;
    bond->uri_len = (uint16_t)name->target.len;
    memcpy(bond->uri, name->target.text, name->target.len);
}

bool cf_sip_party_event(struct cf_sip_link *party, const struct cf_sip_event *event)
{
    struct cf_sip_bond *bond = cf_sip_bond_of(party);
    if (bond->silent)
        return false;
    if (event->kind == CF_SIP_DISCONNECTED) {
        bond->ended = true;
        bond->mode = event->mode;
        bond->cause = event->cause;
    } else if (event->kind == CF_SIP_IDLE) {
        party->ua_call = 0;
    }
    return event->kind == CF_SIP_DISCONNECTED || event->kind == CF_SIP_IDLE;
}

int32_t cf_sip_party_refusal(const struct cf_sip_link *party)
{
    struct cf_sip_dialog_name name;
    if (party->part != CF_SIP_PART_NONE || party->command != 0)
        return LINEERR_RESOURCEUNAVAIL;
    return cf_sip_party_name(party, &name);
}

/* In its turn. The core's own drop is not waited for. */
static int32_t let_leave(struct cf_sip_link *party, const struct cf_command *command)
{
    struct cf_sip_link *conference = cf_sip_bond_named(party, cf_sip_bond_of(party)->conference);
    if (party->part == CF_SIP_PART_LEAVING || conference == NULL)
        return LINEERR_RESOURCEUNAVAIL; /* it has been asked for */
    party->part = CF_SIP_PART_LEAVING;
    party->command = command->number;
    cf_sip_conference_wake(conference);
    return 0;
}

/* While it is being taken over its own dialog ends, and should the focus have it by then, it is to let go of it. */
static int32_t drop_moving(struct cf_sip_link *party, uint64_t now_ns)
{
    tell_end(party, now_ns);
    cf_sip_bond_of(party)->silent = true;
    if (party->ua_call == 0)
        return 0;
    return cf_sip_link_error(cf_sip_ua_drop(party->trunk->ua, now_ns, party->ua_call, 0));
}

bool cf_sip_party_command(struct cf_sip_link *party, const struct cf_command *command, uint64_t now_ns, bool *ret_owed,
                          int32_t *ret_result)
{
    const bool drops = command->id == CF_CMD_DROP;
    const bool leaves = drops || command->id == CF_CMD_REMOVE_FROM_CONFERENCE;
    *ret_owed = true;
    if (party->part >= CF_SIP_PART_MOVING && cf_sip_bond_of(party)->silent)
        return false; /* it ends as any call does */
    switch ((enum cf_sip_part)party->part) {
    case CF_SIP_PART_CHOSEN:
        *ret_result = LINEERR_RESOURCEUNAVAIL;
        return !drops;
    case CF_SIP_PART_MOVING:
        *ret_result = drops ? drop_moving(party, now_ns) : LINEERR_RESOURCEUNAVAIL;
        return true;
    case CF_SIP_PART_MEMBER:
    case CF_SIP_PART_LEAVING:
        *ret_result = cf_sip_bond_of(party)->closed || !leaves ? LINEERR_INVALCALLSTATE : let_leave(party, command);
        *ret_owed = *ret_result != 0 || command->number == 0;
        return true;
    case CF_SIP_PART_NONE:
    case CF_SIP_PART_CONFERENCE:
        break;
    }
    return false;
}

bool cf_sip_party_keeps(struct cf_sip_link *party, uint64_t now_ns)
{
    struct cf_sip_bond *bond = cf_sip_bond_of(party);
    if (party->part < CF_SIP_PART_MOVING)
        return false;
    struct cf_sip_link *conference = cf_sip_bond_named(party, bond->conference);
    if (conference == NULL)
        return false;
    bond->closed = true;
    cf_sip_link_reply(party, LINEERR_OPERATIONFAILED, party->provider_call);
    cf_listening_end(party->trunk->all->listening, party->provider_call);
    if (party->ua_call != 0)
        cf_sip_ua_close(party->trunk->ua, now_ns, party->ua_call, 0);
    party->ua_call = 0;
    if (party->part == CF_SIP_PART_MEMBER)
        party->part = CF_SIP_PART_LEAVING;
    cf_sip_conference_wake(conference);
    return true;
}

/* ---- a new core */

void cf_sip_party_renew(struct cf_sip_link *party)
{
    struct cf_sip_bond *bond = cf_sip_bond_of(party);
    if (!bond->ended || bond->closed)
        return;
    bond->closed = true;
    if (party->ua_call != 0)
        cf_sip_ua_close(party->trunk->ua, (uint64_t)cf_clock_ns(), party->ua_call, 0);
    party->ua_call = 0;
}

static struct cf_text text_of(const struct cf_sip_bond *bond, unsigned which)
{
    return (struct cf_text){bond->text_len[which] != 0 ? bond->text[which] : NULL, bond->text_len[which]};
}

static bool announce_member(const struct cf_sip_link *party)
{
    const struct cf_sip_bond *bond = cf_sip_bond_of(party);
    struct cf_provider *provider = party->trunk->all->provider;
    const struct cf_new_call call = {
        .call = party->provider_call,
        .line = party->trunk->line,
        .state = LINECALLSTATE_CONFERENCED,
        .media_modes = LINEMEDIAMODE_INTERACTIVEVOICE,
        .origin = bond->outgoing ? LINECALLORIGIN_OUTBOUND : LINECALLORIGIN_INBOUND,
        .reason = LINECALLREASON_DIRECT,
        .time_ns = cf_clock_ns(),
        .caller = text_of(bond, 0),
        .caller_name = text_of(bond, 1),
        .called = text_of(bond, 2),
    };
    while (!cf_provider_post_new_call(provider, &call))
        if (!cf_provider_wait_room(provider))
            return false;
    return tell_member(party, (uint64_t)call.time_ns);
}

bool cf_sip_parties_announce(struct cf_sip_trunks *trunks)
{
    for (uint32_t i = 0; i < trunks->links; i++) {
        const struct cf_sip_link *link = &trunks->link[i];
        if (link->part < CF_SIP_PART_MEMBER || trunks->bond[i].closed || trunks->bond[i].silent)
            continue;
        if (!announce_member(link))
            return false;
    }
    return true;
}

/* ---- memory */

bool cf_sip_bonds_open(struct cf_sip_trunks *trunks)
{
    void *memory = mmap(NULL, trunks->links * sizeof(struct cf_sip_bond), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    trunks->bond = memory != MAP_FAILED ? memory : NULL;
    return trunks->bond != NULL;
}

void cf_sip_bonds_close(struct cf_sip_trunks *trunks)
{
    if (trunks->bond != NULL)
        munmap(trunks->bond, trunks->links * sizeof(struct cf_sip_bond));
    trunks->bond = NULL;
}
