/*
 * What calls are to each other: a call on hold and its consultation call, a conference and its members.
 *
 * Invariant  cf_sim_bond_check()
 * Overlap    none
 */
#ifndef CF_SIM_BOND_H
#define CF_SIM_BOND_H

#include "adapters/sim/call.h"

/* NULL: it has none. */
struct cf_sim_call *cf_sim_partner(const struct cf_sim_model *m, const struct cf_sim_call *c);
struct cf_sim_call *cf_sim_conference_of(const struct cf_sim_model *m, const struct cf_sim_call *member);

/* True of the consultation call of two partners. */
bool cf_sim_consults(const struct cf_sim_model *m, const struct cf_sim_call *c);

/* Neither has a partner yet. */
void cf_sim_pair(struct cf_sim_model *m, struct cf_sim_call *first, struct cf_sim_call *consultation);
void cf_sim_part(struct cf_sim_model *m, struct cf_sim_call *c);

/* Members of a conference; the one that joined last, NULL: none. */
uint32_t cf_sim_members(const struct cf_sim_model *m, const struct cf_sim_call *conference);
struct cf_sim_call *cf_sim_member_last(const struct cf_sim_model *m, const struct cf_sim_call *conference);

/* CONFERENCED, and without its partner. */
void cf_sim_join(struct cf_sim_model *m, struct cf_sim_call *conference, struct cf_sim_call *c, struct cf_sim_time now);

/* On its own again: in that state, which is CONNECTED or ONHOLD, or RINGBACK while nobody has answered it. */
void cf_sim_leave(struct cf_sim_model *m, struct cf_sim_call *c, uint32_t state, int64_t now_ns);

/* Of a conference that somebody left: one that connects nobody any more ends, and its last member is a call of its own. */
void cf_sim_settle(struct cf_sim_model *m, struct cf_sim_call *conference, int64_t now_ns);

/* On hold of that kind, by its owner; and connected again. */
void cf_sim_rest(struct cf_sim_model *m, struct cf_sim_call *c, uint32_t state, int64_t now_ns);
void cf_sim_talk(struct cf_sim_model *m, struct cf_sim_call *c, int64_t now_ns);

/* What a bonded call's end does to the others. over: IDLE or given up; else only its far end is gone. */
void cf_sim_bond_end(struct cf_sim_model *m, struct cf_sim_call *c, bool over, int64_t now_ns);

/* No more bonds, and nobody hears of it. */
void cf_sim_bond_cut(struct cf_sim_model *m, struct cf_sim_call *c);

bool cf_sim_bond_check(const struct cf_sim_model *m, const struct cf_sim_call *c);

#endif
