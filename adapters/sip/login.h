/*
 * The credentials of a line: which challenge was seen last, and how requests answer it.
 *
 * Shape:     one per user agent, in the stack. The newest challenges of a proxy (407) and of somebody behind it (401) are
 *            remembered, so that later requests carry credentials at once.
 * Overlap:   one thread.
 * Trust:     a peer that challenges again and again is asked again once, or twice when it calls the nonce stale.
 * Source:    RFC 3261 22.2, 22.3; RFC 7616.
 */
#ifndef CALLFAN_ADAPTERS_SIP_LOGIN_H
#define CALLFAN_ADAPTERS_SIP_LOGIN_H

#include "adapters/sip/stack.h"

/* A 401 or 407 came: true when the request is to be sent again with credentials. *tries counts those of this request: 401 in its low
 * four bits, 407 in its high ones, since a proxy and somebody behind it may both ask. */
bool cf_sip_login_challenged(struct cf_sip_stack *stack, const struct cf_sip_msg *response, uint8_t *tries);

/* Appends the line with the credentials to the request in the stack's buffer; nothing when there are none. uri may lie in it. */
void cf_sip_login_put(struct cf_sip_stack *stack, const char *method, const char *uri, size_t uri_len);

#endif
