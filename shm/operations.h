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
    {LINECALLFEATURE_REDIRECT, LINECALLSTATE_OFFERING},
    {LINECALLFEATURE_DROP, ~LINECALLSTATE_IDLE},
    {LINECALLFEATURE_DIAL, LINECALLSTATE_DIALTONE | LINECALLSTATE_DIALING | LINECALLSTATE_UNKNOWN}, /* G-10 */
    {LINECALLFEATURE_HOLD, LINECALLSTATE_CONNECTED},
    {LINECALLFEATURE_UNHOLD, LINECALLSTATE_ONHOLD | LINECALLSTATE_ONHOLDPENDTRANSFER | LINECALLSTATE_ONHOLDPENDCONF},
    {LINECALLFEATURE_SWAPHOLD, LINECALLSTATE_CONNECTED}, /* the active one of the two */
    {LINECALLFEATURE_SETUPTRANSFER, LINECALLSTATE_CONNECTED},
    {LINECALLFEATURE_COMPLETETRANSF, LINECALLSTATE_ONHOLD | LINECALLSTATE_ONHOLDPENDTRANSFER},
    {LINECALLFEATURE_BLINDTRANSFER, LINECALLSTATE_CONNECTED},
    {LINECALLFEATURE_SETUPCONF, LINECALLSTATE_CONNECTED},
    {LINECALLFEATURE_PREPAREADDCONF, LINECALLSTATE_CONNECTED},
    {LINECALLFEATURE_ADDTOCONF, LINECALLSTATE_ONHOLDPENDCONF | LINECALLSTATE_ONHOLD},
    {LINECALLFEATURE_REMOVEFROMCONF, LINECALLSTATE_CONFERENCED},
    {LINECALLFEATURE_PARK, LINECALLSTATE_CONNECTED},
    {LINECALLFEATURE_COMPLETECALL, LINECALLSTATE_BUSY | LINECALLSTATE_RINGBACK},
    {LINECALLFEATURE_SECURECALL, ~LINECALLSTATE_IDLE}, /* these four any at all, says TAPI; nothing follows IDLE */
    {LINECALLFEATURE_RELEASEUSERUSERINFO, ~LINECALLSTATE_IDLE},
    {LINECALLFEATURE_SETCALLDATA, ~LINECALLSTATE_IDLE},
    {LINECALLFEATURE_SETTREATMENT, ~LINECALLSTATE_IDLE},
    {LINECALLFEATURE_SENDUSERUSER, LINECALLSTATE_CONNECTED | LINECALLSTATE_OFFERING | LINECALLSTATE_ACCEPTED | LINECALLSTATE_RINGBACK},
    {LINECALLFEATURE_GENERATEDIGITS, ~LINECALLSTATE_IDLE}, /* any at all, says TAPI; of a call that has ended nothing is told */
    {LINECALLFEATURE_GENERATETONE, ~LINECALLSTATE_IDLE},
    {LINECALLFEATURE_GATHERDIGITS, ~(LINECALLSTATE_IDLE | LINECALLSTATE_CONFERENCED)}, /* of a conference: its own call alone */
    {LINECALLFEATURE_MONITORDIGITS, ~(LINECALLSTATE_IDLE | LINECALLSTATE_DISCONNECTED)},
    {LINECALLFEATURE_MONITORMEDIA, ~LINECALLSTATE_IDLE},
    {LINECALLFEATURE_MONITORTONES, ~LINECALLSTATE_IDLE},
    {LINECALLFEATURE_SETCALLPARAMS, ~(LINECALLSTATE_IDLE | LINECALLSTATE_DISCONNECTED)},
};

/* For which monitor privilege is enough. */
#define CF_MONITOR_FEATURES (LINECALLFEATURE_MONITORDIGITS | LINECALLFEATURE_MONITORMEDIA | LINECALLFEATURE_MONITORTONES)

/* Features that are allowed in that state; none in state 0, which is not known yet. */
static inline uint32_t cf_operation_features(uint32_t state) {
    uint32_t features = 0, plain = state & 0x00FFFFFF; /* the high 8 bits are the device's own (M-3) */
    for (uint32_t i = 0; i < sizeof cf_operations / sizeof cf_operations[0]; i++)
        features |= (cf_operations[i].states & plain) != 0 ? cf_operations[i].feature : 0;
    return features;
}

/* ------------------------------------------------------------------ parameters that both sides judge */

#define CF_ADDRESS_STATES 0x1FFu /* LINEADDRESSSTATE_ */

#define CF_RATE_MAX       64000u /* LINEDEVCAPS.dwMaxRate, bit/s */
#define CF_DIGITS_MAX     255u   /* of one lineGenerateDigits */
#define CF_DIGIT_MS_MIN   40u    /* LINEDEVCAPS.MinDialParams, MaxDialParams */
#define CF_DIGIT_MS_MAX   5000u

#define CF_USER_USER_MAX    128u  /* LINEDEVCAPS.dwUUI...Size */
#define CF_CALL_DATA_MAX    1024u /* LINEADDRESSCAPS.dwMaxCallDataSize */
#define CF_DEV_SPECIFIC_MAX 1024u /* of one lineDevSpecific; what comes back is a reply's text */
#define CF_CALL_TEXT_MAX    255u  /* displayable address, called party and comment of lineMakeCall */
#define CF_REPLY_TEXT_MAX   51u   /* what a LINE_REPLY brings with it: a record of two slots */
#define CF_DESTINATION_MAX  255u
#define CF_GATHER_MAX     100u   /* digits of one lineGatherDigits: so that LINE_GATHERDIGITS is a record of three slots */
#define CF_TONES_MAX      32u    /* frequencies of a custom tone; tones of one lineMonitorTones */
#define CF_VOLUME_MAX     0xFFFFu
#define CF_DIGIT_MODES    ((uint32_t)(LINEDIGITMODE_PULSE | LINEDIGITMODE_DTMF | LINEDIGITMODE_DTMFEND))
#define CF_MEDIA_MODES    ((uint32_t)(LINEMEDIAMODE_VIDEO * 2 - LINEMEDIAMODE_UNKNOWN))
#define CF_TONE_MODES     ((uint32_t)(LINETONEMODE_BILLING * 2 - LINETONEMODE_CUSTOM))
#define CF_GATHER_TERMS   ((uint32_t)(LINEGATHERTERM_CANCEL * 2 - LINEGATHERTERM_BUFFERFULL))

/* Exactly one bit, of those. */
static inline bool cf_one_of(uint64_t mode, uint32_t modes) { return mode != 0 && (mode & (mode - 1)) == 0 && (mode & ~(uint64_t)modes) == 0; }

/* Exactly one of LINEMEDIAMODE_. */
static inline bool cf_media_mode_valid(uint64_t media) { return cf_one_of(media, CF_MEDIA_MODES); }

/* Of a call: several only where UNKNOWN is one of them. */
static inline bool cf_media_modes_valid(uint64_t media) {
    return cf_media_mode_valid(media) || ((media & ~(uint64_t)CF_MEDIA_MODES) == 0 && (media & LINEMEDIAMODE_UNKNOWN) != 0);
}

/* Exactly one of LINEBEARERMODE_. */
static inline bool cf_bearer_mode_valid(uint32_t mode) { return cf_one_of(mode, LINEBEARERMODE_RESTRICTEDDATA * 2u - 1); }

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

/* What may be heard in one of these modes: LINEDIGITMODE_ bits. */
static inline bool cf_digit_heard(uint32_t modes, uint64_t digit) {
    return digit <= 0xFF && digit != ',' && digit != '!' &&
           cf_digit_valid((modes & ~(uint32_t)LINEDIGITMODE_PULSE) != 0 ? LINEDIGITMODE_DTMF : LINEDIGITMODE_PULSE, (uint8_t)digit);
}

/* lineGatherDigits listens for digits, not for their ends. */
static inline bool cf_gather_modes_valid(uint64_t modes) { return modes != 0 && (modes & ~(uint64_t)(LINEDIGITMODE_PULSE | LINEDIGITMODE_DTMF)) == 0; }

/* Every byte of a list of termination digits. */
static inline bool cf_gather_digits_valid(uint32_t modes, const void *digits, uint32_t bytes) {
    for (uint32_t i = 0; i < bytes; i++)
        if (!cf_digit_heard(modes, ((const uint8_t *)digits)[i]))
            return false;
    return true;
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
