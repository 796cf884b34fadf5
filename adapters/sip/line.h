/*
 * What a line asks of its peer for itself: REGISTER, so that calls come to it, and OPTIONS, so that it is known whether there is a peer.
 *
 *     in service = (nothing is registered, or it is) and (nobody is asked, or the peer answers)
 *
 * Shape:     one per user agent, two requests with a timer each.
 * Invariant: of each kind one request at most is on its way; its timer runs when none is.
 * Errors:    a failed REGISTER is tried again after 30 s, then twice as long each time, up to 10 minutes (RFC 5626 4.5), or as Retry-After says;
 *            423 with the longer interval; every change of service is told once.
 * Source:    RFC 3261 10.2, 11; RFC 5626 4.5.
 */
#ifndef CALLFAN_ADAPTERS_SIP_LINE_H
#define CALLFAN_ADAPTERS_SIP_LINE_H

#include "adapters/sip/transaction.h"

struct cf_sip_line {
    struct cf_sip_stack *stack;
    struct cf_sip_transactions *transactions;
    struct cf_sip_client *client[2]; /* of REGISTER, of OPTIONS */
    struct cf_sip_timer timer[2];
    uint32_t cseq;
    uint32_t expires_s; /* asked for */
    uint32_t failures;  /* of REGISTER, one after the other */
    uint8_t auth_tries[2];
    bool registered;
    bool alive;
    bool in_service; /* as it was told */
    bool leaving;    /* the registration is being taken back */
    void (*service)(void *context, bool in_service, unsigned status);
    void *service_context;
};

/* Takes the stack and the transactions. A line with nothing to ask is in service from the beginning. */
void cf_sip_line_init(struct cf_sip_line *line, struct cf_sip_stack *stack, struct cf_sip_transactions *transactions);

/* Sends the first requests, or begins again. */
void cf_sip_line_start(struct cf_sip_line *line);

/* Takes the registration back (Expires: 0); true while its answer is awaited. */
bool cf_sip_line_leave(struct cf_sip_line *line);

/* A final response; response NULL: nobody answered. */
void cf_sip_line_response(struct cf_sip_line *line, enum cf_sip_use use, const struct cf_sip_msg *response);

/* A timer of it is due. */
void cf_sip_line_timeout(struct cf_sip_line *line, enum cf_sip_use use);

bool cf_sip_line_check(const struct cf_sip_line *line);

#endif
