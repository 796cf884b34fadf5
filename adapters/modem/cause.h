/*
 * Why a call ended: Q.850 causes, the words of +CEER, and result codes, as LINEDISCONNECTMODE_ values.
 *
 * Shape      constant tables, with that of adapters/provider/q850.h; what they do not name is LINEDISCONNECTMODE_UNKNOWN
 * Invariant  a mode is exactly one LINEDISCONNECTMODE_ bit
 * Source     ITU-T Q.850; 3GPP TS 24.008 annex H; V.250 table 1; TAPI's LINEDISCONNECTMODE_ constants
 */
#ifndef CALLFAN_ADAPTERS_MODEM_CAUSE_H
#define CALLFAN_ADAPTERS_MODEM_CAUSE_H

#include <stdbool.h>
#include <stdint.h>

#include "adapters/modem/at.h"
#include "adapters/provider/q850.h"

/* cause 1..127; any other is UNKNOWN. */
uint32_t cf_modem_mode_of_cause(unsigned cause, struct cf_q850_progress progress);

/* The mode of a call that was being set up when this result came. */
uint32_t cf_modem_mode_of_result(enum cf_at_result result);

/*
 * The Q.850 cause in what follows "+CEER:", 0 when there is none. Makers write "16", "CC setup error",16,"Normal call clearing",
 * "Cause Select:68 Cause:16", or nothing but words.
 */
unsigned cf_modem_cause_of_report(const char *text, uint32_t len);

#endif
