/*
 * Bonds: what calls have to do with conferences at a focus, beside their links; see trunk.h.
 *
 *     a conference's call   CONFERENCE, from the INVITE to the factory on
 *     another call          CHOSEN --REFER--> MOVING --2xx--> MEMBER --REFER with method=BYE--> LEAVING --2xx--> gone
 *                           CHOSEN, MOVING --anything else--> as it was       LEAVING --anything else--> MEMBER
 *
 * Shape      one bond per link, by the same index, valid while the link's part is not NONE; the members of a conference are a list. What
 *            applications are told of a member is kept here, since it has no dialog any more
 * Invariant  a member's conference lives; a conference's call that has ended has no members. At most CF_CONFERENCE_MEMBERS_MAX - 1 of them
 * Overlap    one thread
 * Trust      by what address the focus knows a party that party says (its Contact): a sip: address without method= and without headers
 *
 * Files      conference.c the conference's call; party.c the others
 */
#ifndef CALLFAN_ADAPTERS_SIP_BOND_H
#define CALLFAN_ADAPTERS_SIP_BOND_H

#include "adapters/sip/roster.h"
#include "adapters/sip/trunk.h"

/* What a conference's call waits for. */
enum cf_sip_step {
    CF_SIP_STEP_NOTHING,
    CF_SIP_STEP_CALLS,     /* the factory's answer */
    CF_SIP_STEP_JOINS,     /* the outcome of REFER: parties[0] is being taken over */
    CF_SIP_STEP_RETRIEVES, /* re-INVITE takes it back from hold, since somebody was added */
    CF_SIP_STEP_REMOVES,   /* the outcome of REFER: `leaving` is being hung up on */
};

/* Lists go by index + 1 of links; 0: none. */
struct cf_sip_bond {
    bool told; /* the core knows of the conference's call; of a party: that it is CONFERENCED */

    /* of a conference's call */
    uint8_t step;     /* enum cf_sip_step */
    bool sets_up;     /* the command under way is lineSetupConference, else lineCompleteTransfer */
    bool queued;      /* it stands in the list of what is to be looked after */
    uint16_t outcome; /* of the step, a status; 0: not known yet */
    uint32_t next_queued;
    uint32_t members, first;
    uint64_t parties[2]; /* to be taken over, in this order */
    uint64_t leaving;
    uint64_t time_ns; /* of the outcome */

    /* of a party */
    bool closed;     /* the core has closed it: it stays until the focus has let go of it */
    bool silent;     /* it has been dropped while it was being taken over: its end is told as that of any call */
    bool ended;      /* its dialog is over, by `mode` and `cause` */
    bool seen;       /* the focus has told of it */
    bool gone;       /* ... and that it has left, while it was being hung up on */
    uint8_t told_as; /* by the document that is being read: 0 nothing, 1 gone, 2 here */
    bool outgoing;
    uint32_t next;
    uint32_t mode;
    struct cf_sip_cause cause;
    uint64_t conference;
    uint16_t uri_len, text_len[3];
    char text[3][CF_SIP_IDENTITY_MAX]; /* caller, its name, called */
    char uri[CF_SIP_TARGET_MAX];       /* by which the focus knows it */
};

static inline struct cf_sip_bond *cf_sip_bond_of(const struct cf_sip_link *link)
{
    struct cf_sip_trunks *trunks = link->trunk->all;
    return &trunks->bond[link - trunks->link];
}

static inline uint32_t cf_sip_bond_place(const struct cf_sip_link *link)
{
    return (uint32_t)(link - link->trunk->all->link) + 1;
}

static inline struct cf_sip_link *cf_sip_bond_link(const struct cf_sip_link *other, uint32_t place)
{
    return place != 0 ? &other->trunk->all->link[place - 1] : NULL;
}

static inline struct cf_sip_link *cf_sip_bond_named(const struct cf_sip_link *other, uint64_t provider_call)
{
    return cf_sip_link_of(other->trunk->all, provider_call);
}

/* The call has a dialog that neither side has ended. */
static inline bool cf_sip_bond_lives(const struct cf_sip_link *link)
{
    return link->ua_call != 0 && !link->over;
}

/* ---- parties (party.c) */

/* The link gets a part, and a new bond; where it stands in the list of what is to be looked after it stays. */
struct cf_sip_bond *cf_sip_bond_begin(struct cf_sip_link *link, enum cf_sip_part part);

void cf_sip_party_append(struct cf_sip_link *conference, struct cf_sip_link *party);
void cf_sip_party_unlink(struct cf_sip_link *conference, const struct cf_sip_link *party);

/* Why a call cannot be taken into a conference, LINEERR_; 0: it can. */
int32_t cf_sip_party_refusal(const struct cf_sip_link *party);

/* Its dialog, which must be answered: nobody but its two sides may take the place of one that rings (RFC 3891). 0 or LINEERR_. */
int32_t cf_sip_party_name(const struct cf_sip_link *party, struct cf_sip_dialog_name *ret_name);

/* Keeps what is known of the party while its dialog lives. */
void cf_sip_party_keep(const struct cf_sip_link *party, const struct cf_sip_dialog_name *name);

/* An event of one that is MOVING; see cf_sip_conference_event(). */
bool cf_sip_party_event(struct cf_sip_link *party, const struct cf_sip_event *event);

/* The focus has it: a member from here on, told by cf_sip_parties_tell(). Who did not want it any more has it leave. */
void cf_sip_party_take(struct cf_sip_link *conference, struct cf_sip_link *party, uint64_t now_ns);
void cf_sip_parties_tell(const struct cf_sip_link *conference, uint64_t now_ns);

/* Who is in the conference, by its focus: members who are not any more are over. */
void cf_sip_parties_roster(struct cf_sip_link *conference, const struct cf_sip_roster *roster, uint64_t now_ns);

/* The focus did not take it: it is as it was, or, where its own peer has hung up meanwhile, over. NULL, or without a part: nothing. */
void cf_sip_party_let_go(struct cf_sip_link *party, bool silently, uint64_t now_ns);

/* Beside the conference, whose list it has left, a member is over: IDLE. silently: nobody is told, and it is freed. */
void cf_sip_party_release(struct cf_sip_link *party, bool silently, uint64_t now_ns);

/* For a new core: one whose dialog ended, which nobody was told of, is not to be heard of. */
void cf_sip_party_renew(struct cf_sip_link *party);

/* LINEERR_ of what an operation of the user agent about a party returned. */
int32_t cf_sip_party_error(int rc);

#endif
