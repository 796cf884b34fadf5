/*
 * What the files of a modem (modem.c, call.c, urc.c, list.c, order.c) have in common.
 */
#ifndef CALLFAN_ADAPTERS_MODEM_INTERNAL_H
#define CALLFAN_ADAPTERS_MODEM_INTERNAL_H

#include "adapters/modem/modem.h"
#include "callfan/tapi_const.h"

/* ------------------------------------------------------------------ call.c */

/* A free place with a new serial, NULL (counted) when all are taken. Fill it, then announce. */
struct cf_modem_call *cf_modem_call_begin(struct cf_modem *m, enum cf_modem_phase phase, bool incoming);

/* Offers a new call in a state. */
void cf_modem_call_announce(struct cf_modem *m, struct cf_modem_call *call, uint32_t state, uint32_t mode);

/* A state, told when it is a new one. */
void cf_modem_call_tell(struct cf_modem *m, struct cf_modem_call *call, uint32_t state, uint32_t mode);

/* It is answered. */
void cf_modem_call_up(struct cf_modem *m, struct cf_modem_call *call);
void cf_modem_call_held(struct cf_modem *m, struct cf_modem_call *call);

/* Replies to an order when it waits. */
void cf_modem_order_reply(struct cf_modem *m, struct cf_modem_order *order, int32_t result, uint64_t user);

/* It is over, and why: DISCONNECTED, the linger, IDLE. */
void cf_modem_call_end(struct cf_modem *m, struct cf_modem_call *call, uint32_t mode, const char *cause);

/* It was ended from here: IDLE. */
void cf_modem_call_dropped(struct cf_modem *m, struct cf_modem_call *call);

/* It is over; the modem is asked why, where it can tell. result: what it said, CF_AT_NO_CARRIER for a call that is just gone. */
void cf_modem_call_lost(struct cf_modem *m, struct cf_modem_call *call, enum cf_at_result result);

/* The cause is known, or that there is none. */
void cf_modem_call_explained(struct cf_modem *m, struct cf_modem_call *call);

/* Sends what ends the call in the modem. */
void cf_modem_call_hang_up(struct cf_modem *m, struct cf_modem_call *call);

/* Takes the linger's end: IDLE. */
void cf_modem_call_idle(struct cf_modem *m, struct cf_modem_call *call);

/* ------------------------------------------------------------------ urc.c */

void cf_modem_line_came(struct cf_modem *m, const struct cf_at_line *line, const struct cf_chat_command *asked);
void cf_modem_service(struct cf_modem *m, bool in_service);

/* ------------------------------------------------------------------ list.c */

/* Asks for the list of calls soon, unless the modem has none. */
void cf_modem_poll(struct cf_modem *m);
void cf_modem_list_row(struct cf_modem *m, const struct cf_at_line *line);
void cf_modem_list_ended(struct cf_modem *m, enum cf_at_result result);

/* ------------------------------------------------------------------ order.c */

/* The command of a call ended. line: what the modem said, or NULL. */
void cf_modem_command_ended(struct cf_modem *m, const struct cf_chat_command *command, enum cf_at_result result,
                            const struct cf_at_line *line);

/* An ATD that the modem works on and that is old enough has succeeded as a command. Returns when to look again. */
int64_t cf_modem_dial_tick(struct cf_modem *m, struct cf_modem_call *call);

#endif
