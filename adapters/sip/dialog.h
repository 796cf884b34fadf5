/*
 * Requests within a dialog: re-INVITE, UPDATE, BYE, PRACK, INFO, REFER, NOTIFY, OPTIONS.
 *
 * Source:    RFC 3261 12.2.2, 14.2, 15.1.2; RFC 3311 (UPDATE); RFC 5407 3.1.4 (re-INVITE before the ACK); RFC 3264 8.4 (hold).
 */
#ifndef CALLFAN_ADAPTERS_SIP_DIALOG_H
#define CALLFAN_ADAPTERS_SIP_DIALOG_H

#include "adapters/sip/call.h"
#include "adapters/sip/reply.h"

/* A request other than ACK and CANCEL with a tag in To, which is no retransmission. */
void cf_sip_dialog_request(struct cf_sip_calls *calls, const struct cf_sip_request *request);

#endif
