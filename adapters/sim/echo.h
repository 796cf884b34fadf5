/*
 * What lineDevSpecific does here: nothing is changed by it, but its bytes can be seen to have been there and back.
 */
#ifndef CF_SIM_ECHO_H
#define CF_SIM_ECHO_H

#include <stdint.h>
#include <string.h>

#include "adapters/provider/port.h"
#include "shm/operations.h"

/* Back come the first of them, small letters made great. LINE_DEVSPECIFIC says how many there were, and the first eight as two numbers, as they
 * lie in memory. Returns how many come back. */
static inline uint32_t cf_sim_echo(struct cf_text given, char back[CF_REPLY_TEXT_MAX], uint32_t param[3])
{
    uint32_t bytes = given.bytes < CF_REPLY_TEXT_MAX ? given.bytes : CF_REPLY_TEXT_MAX;
    param[0] = given.bytes;
    param[1] = param[2] = 0;
    if (bytes != 0)
        memcpy(&param[1], given.at, bytes < 2 * sizeof *param ? bytes : 2 * sizeof *param);
    for (uint32_t i = 0; i < bytes; i++)
        back[i] = given.at[i] >= 'a' && given.at[i] <= 'z' ? (char)(given.at[i] - 'a' + 'A') : given.at[i];
    return bytes;
}

#endif
