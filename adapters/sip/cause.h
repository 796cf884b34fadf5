/*
 * Why a call ended: Q.850 causes and SIP statuses as LINEDISCONNECTMODE_ values.
 *
 * Shape:     a constant table of statuses beside that of adapters/provider/q850.h; what they do not name is LINEDISCONNECTMODE_UNKNOWN.
 * Invariant: the result is exactly one LINEDISCONNECTMODE_ bit. The raw cause is always reported beside it.
 * Source:    ITU-T Q.850; RFC 3261 section 21; RFC 3326, RFC 6432 (Reason); TAPI LINEDISCONNECTMODE_ constants.
 */
#ifndef CALLFAN_ADAPTERS_SIP_CAUSE_H
#define CALLFAN_ADAPTERS_SIP_CAUSE_H

#include <stdbool.h>
#include <stdint.h>

#include "adapters/provider/q850.h"

/* A final status 300..699. */
uint32_t cf_sip_mode_of_status(unsigned status, struct cf_q850_progress progress);

/* The protocol event that ended a call. */
enum cf_sip_ending {
    CF_SIP_ENDING_BYE,         /* BYE received or sent */
    CF_SIP_ENDING_CANCEL,      /* CANCEL received or sent */
    CF_SIP_ENDING_STATUS,      /* a final status was sent or received */
    CF_SIP_ENDING_TIMEOUT,     /* no ACK, no answer to a request within the dialog, a session that nobody refreshed */
    CF_SIP_ENDING_UNREACHABLE, /* no answer at all to our INVITE */
};

struct cf_sip_cause {
    enum cf_sip_ending ending;
    uint16_t q850;   /* of a Reason header, 0: none */
    uint16_t reason; /* cause of a "SIP" Reason header, 0: none */
    uint16_t status; /* with CF_SIP_ENDING_STATUS */
};

/* The Q.850 cause counts most, then the SIP cause of the Reason header, then status or event. */
uint32_t cf_sip_mode_of(const struct cf_sip_cause *cause, struct cf_q850_progress progress);

/* The cause for people and call records, as "Q.850 17" or "SIP 486"; returns its length, `text` is ended by 0. */
unsigned cf_sip_cause_text(const struct cf_sip_cause *cause, char text[24]);

#endif
