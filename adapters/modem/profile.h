/*
 * What kinds of modem there are and what each can do, as data.
 */
#ifndef CALLFAN_ADAPTERS_MODEM_PROFILE_H
#define CALLFAN_ADAPTERS_MODEM_PROFILE_H

#include <stdbool.h>
#include <stdint.h>

enum cf_modem_profile_id {
    CF_MODEM_V250, /* a modem on an analogue line */
    CF_MODEM_GSM,  /* a mobile station after 27.007 */
    CF_MODEM_PROFILES_COUNT,
};

struct cf_modem_profile {
    const char *name;
    const char *init;       /* commands after ATE0V1, divided by '|'; one that fails is counted, and that is all */
    const char *hang_up;    /* of the only call there is */
    const char *hang_up_2;  /* tried when that failed */
    uint32_t call_features; /* LINECALLFEATURE_ */
    uint32_t calls_max;
    bool lists;     /* +CLCC tells the calls */
    bool holds;     /* +CHLD */
    bool reports;   /* +CEER tells why a call ended */
    bool registers; /* +CREG: it is in service when registered */
    bool rejects;   /* hanging up while it rings rejects the call; on an analogue line it rings on */
    bool voice;     /* what it dials when the application does not say: voice, else data */
};

/* In the order of enum cf_modem_profile_id. */
extern const struct cf_modem_profile cf_modem_profiles[CF_MODEM_PROFILES_COUNT];

#endif
