/*
 * What an owner may do to a call in which state: one table for the core, which checks it, and the library, which tells it.
 *
 * Shape      one entry per LINECALLFEATURE_ that has a function here
 * Source     tapi reference, the pages of the functions; LINECALLSTATUS.dwCallFeatures
 */
#ifndef CF_SHM_OPERATIONS_H
#define CF_SHM_OPERATIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "callfan/tapi_const.h"

static const struct {
    uint32_t feature, states;
} cf_operations[] = {
    {LINECALLFEATURE_ACCEPT, LINECALLSTATE_OFFERING},
    {LINECALLFEATURE_ANSWER, LINECALLSTATE_OFFERING | LINECALLSTATE_ACCEPTED},
    {LINECALLFEATURE_DROP, ~LINECALLSTATE_IDLE},
    {LINECALLFEATURE_HOLD, LINECALLSTATE_CONNECTED},
    {LINECALLFEATURE_UNHOLD, LINECALLSTATE_ONHOLD | LINECALLSTATE_ONHOLDPENDTRANSFER | LINECALLSTATE_ONHOLDPENDCONF},
    {LINECALLFEATURE_GENERATEDIGITS, ~LINECALLSTATE_IDLE}, /* any at all, says TAPI; of a call that has ended nothing is told */
    {LINECALLFEATURE_SETCALLPARAMS, ~(LINECALLSTATE_IDLE | LINECALLSTATE_DISCONNECTED)},
};

/* Features that are allowed in that state; none in state 0, which is not known yet. */
static inline uint32_t cf_operation_features(uint32_t state) {
    uint32_t features = 0, plain = state & 0x00FFFFFF; /* the high 8 bits are the device's own (M-3) */
    for (uint32_t i = 0; i < sizeof cf_operations / sizeof cf_operations[0]; i++)
        features |= (cf_operations[i].states & plain) != 0 ? cf_operations[i].feature : 0;
    return features;
}

/* ------------------------------------------------------------------ parameters that both sides judge */

#define CF_RATE_MAX       64000u /* LINEDEVCAPS.dwMaxRate, bit/s */
#define CF_DIGITS_MAX     255u   /* of one lineGenerateDigits */
#define CF_DIGIT_MS_MIN   40u    /* LINEDEVCAPS.MinDialParams, MaxDialParams */
#define CF_DIGIT_MS_MAX   5000u

/* Exactly one of LINEBEARERMODE_. */
static inline bool cf_bearer_mode_valid(uint32_t mode) {
    return mode != 0 && (mode & (mode - 1)) == 0 && mode <= LINEBEARERMODE_RESTRICTEDDATA;
}

/* The duration of a digit, brought into the range; 0: the line's own. */
static inline uint32_t cf_digit_ms(uint64_t asked) {
    uint64_t least = asked == 0 || asked > CF_DIGIT_MS_MIN ? asked : CF_DIGIT_MS_MIN;
    return least < CF_DIGIT_MS_MAX ? (uint32_t)least : CF_DIGIT_MS_MAX;
}

/* A comma is a pause, an exclamation mark a hookflash, in either mode. */
static inline bool cf_digit_valid(uint32_t mode, uint8_t digit) {
    bool more = (digit >= 'A' && digit <= 'D') || digit == '*' || digit == '#';
    return (digit >= '0' && digit <= '9') || digit == ',' || digit == '!' || (more && mode == LINEDIGITMODE_DTMF);
}

/* The digits that are valid in that mode: TAPI has the others ignored. Small letters count as great ones. Bytes written, at most bytes. */
static inline uint32_t cf_digits_copy(char *to, uint32_t mode, const void *from, uint32_t bytes) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < bytes; i++) {
        uint8_t digit = ((const uint8_t *)from)[i];
        digit = digit >= 'a' && digit <= 'd' ? (uint8_t)(digit - 'a' + 'A') : digit;
        if (cf_digit_valid(mode, digit))
            to[n++] = (char)digit;
    }
    return n;
}

#endif
