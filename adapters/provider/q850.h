/*
 * Q.850 causes as LINEDISCONNECTMODE_ values, for every adapter whose world speaks of them: SIP (Reason), GSM (+CEER), ISDN.
 *
 * Shape      one constant table; what it does not name is LINEDISCONNECTMODE_UNKNOWN
 * Invariant  the result is exactly one LINEDISCONNECTMODE_ bit
 * Source     ITU-T Q.850; TAPI's LINEDISCONNECTMODE_ constants
 */
#ifndef CF_PROVIDER_Q850_H
#define CF_PROVIDER_Q850_H

#include <stdbool.h>
#include <stdint.h>

/* How far the call had come when it ended. */
struct cf_q850_progress {
    bool incoming;
    bool alerted;   /* the called party was alerted */
    bool connected; /* it was answered */
};

/* cause 1..127; any other is UNKNOWN. */
uint32_t cf_q850_mode(unsigned cause, struct cf_q850_progress progress);

#endif
