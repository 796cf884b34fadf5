/*
 * The list of lineForward, or what LINEADDRESSSTATUS says of it, as it travels: CF_FIELD_FORWARD_LIST.
 *
 * Shape      entries one after the other, each a struct cf_forward_head and then the bytes of its two addresses, no NUL
 * Trust      cf_forward_next() never reads outside the list whatever the bytes are
 */
#ifndef CF_SHM_FORWARD_H
#define CF_SHM_FORWARD_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "callfan/tapi_const.h"

#define CF_FORWARD_ENTRIES_MAX 16u
#define CF_FORWARD_ADDRESS_MAX 63u

struct cf_forward_head {
    uint32_t mode; /* one of LINEFORWARDMODE_ */
    uint32_t country;
    uint16_t caller_bytes; /* of ..SPECIFIC: whose calls */
    uint16_t address_bytes; /* where to; none: they are kept off (do not disturb) */
};

struct cf_forward_entry {
    struct cf_forward_head head;
    const uint8_t *caller, *address;
};

#define CF_FORWARD_MODES ((uint32_t)(LINEFORWARDMODE_UNAVAIL * 2 - LINEFORWARDMODE_UNCOND)) /* what a status may say */
#define CF_FORWARD_BYTES_MAX (CF_FORWARD_ENTRIES_MAX * (sizeof(struct cf_forward_head) + 2 * CF_FORWARD_ADDRESS_MAX))

/* Takes the entry at *at, which goes on to the next. False: the end, or *at is not end and the rest is no entry. */
static inline bool cf_forward_next(const uint8_t **at, const uint8_t *end, struct cf_forward_entry *ret) {
    if ((uint64_t)(end - *at) < sizeof ret->head)
        return false;
    memcpy(&ret->head, *at, sizeof ret->head);
    uint64_t bytes = sizeof ret->head + (uint64_t)ret->head.caller_bytes + ret->head.address_bytes;
    if (bytes > (uint64_t)(end - *at))
        return false;
    ret->caller = *at + sizeof ret->head;
    ret->address = ret->caller + ret->head.caller_bytes;
    *at += bytes;
    return true;
}

#define CF_FORWARD_SPECIFIC \
    (LINEFORWARDMODE_UNCONDSPECIFIC | LINEFORWARDMODE_BUSYSPECIFIC | LINEFORWARDMODE_NOANSWSPECIFIC | LINEFORWARDMODE_BUSYNASPECIFIC)

/* A mode that a list may ask for: exactly one, and not what only a status can say. */
static inline bool cf_forward_mode_valid(uint32_t mode) {
    return mode != 0 && (mode & (mode - 1)) == 0 && mode <= LINEFORWARDMODE_BUSYNASPECIFIC;
}

#endif
