/*
 * What an owner may do to a call in which state: one table for the core, which checks it, and the library, which tells it.
 *
 * Shape      one entry per LINECALLFEATURE_ that has a function here
 * Source     tapi reference, the pages of the functions; LINECALLSTATUS.dwCallFeatures
 */
#ifndef CF_SHM_OPERATIONS_H
#define CF_SHM_OPERATIONS_H

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

#endif
