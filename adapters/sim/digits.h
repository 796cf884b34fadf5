/*
 * How long the simulated exchange takes to send digits or a tone.
 *
 * Units      ms
 * Source     ITU-T Q.24: a tone and the pause behind it last at least 40 ms each; the figures for , and ! are ours
 */
#ifndef CF_SIM_DIGITS_H
#define CF_SIM_DIGITS_H

#include <stdint.h>

#include "adapters/provider/port.h"

enum {
    CF_SIM_DIGIT_MS = 100, /* where the command says 0; the pause behind a digit is as long */
    CF_SIM_COMMA_MS = 1000,
    CF_SIM_FLASH_MS = 500,
    CF_SIM_BEEP_MS = 200,
    CF_SIM_BILLING_MS = 500,
    CF_SIM_TONE_MS = 86400000, /* the others last until they are stopped: a day */
};

static inline uint32_t cf_sim_digits_ms(const struct cf_command *c)
{
    uint32_t ms = 0, digit_ms = c->digit_ms != 0 ? c->digit_ms : CF_SIM_DIGIT_MS;
    for (uint32_t i = 0; i < c->digits.bytes; i++)
        ms += c->digits.at[i] == ',' ? CF_SIM_COMMA_MS : c->digits.at[i] == '!' ? CF_SIM_FLASH_MS : 2 * digit_ms;
    return ms;
}

static inline uint32_t cf_sim_tone_ms(const struct cf_command *c)
{
    if (c->tone_ms != 0)
        return c->tone_ms;
    return c->tone_mode == LINETONEMODE_BEEP      ? CF_SIM_BEEP_MS
           : c->tone_mode == LINETONEMODE_BILLING ? CF_SIM_BILLING_MS
                                                  : CF_SIM_TONE_MS;
}

/* Of what CF_CMD_GENERATE_DIGITS or _TONE is to send; 0: nothing is left to be sent. */
static inline uint32_t cf_sim_sending_ms(const struct cf_command *c)
{
    return c->id == CF_CMD_GENERATE_DIGITS ? cf_sim_digits_ms(c) : c->tone_mode != 0 ? cf_sim_tone_ms(c) : 0;
}

#endif
