/*
 * What becomes of a message to an application whose ring has no room for it: one row per message.
 *
 * Shape      a row per LINE_ message of TAPI, and of ours; those with CF_LOSS_UNSENT are never sent
 * Invariant  cf_output_tell() does what the row says; docs/TAPI.md has the same table for readers
 * Overlap    constants: any thread
 */
#ifndef CF_CORE_LOSS_H
#define CF_CORE_LOSS_H

#include <stdbool.h>
#include <stdint.h>

enum cf_loss {
    CF_LOSS_UNSENT, /* no message that an application gets from here */
    CF_LOSS_NEVER,  /* kept, and told when there is room */
    CF_LOSS_MERGED, /* counted as missed; what it said is told later, with what came after it */
    CF_LOSS_MISSED, /* counted as missed, and no more */
    CF_LOSSES
};

/* Who remembers what could not be told. */
enum cf_keeper {
    CF_KEEPER_NONE,
    CF_KEEPER_REQUEST, /* the outstanding request whose end it tells: core/requests.c */
    CF_KEEPER_OPEN,    /* the open line, with a bit per message */
    CF_KEEPER_DEVICE,  /* a mark per application and device */
    CF_KEEPER_HANDLE,  /* a mark per call handle */
    CF_KEEPER_CALL,    /* the call: whoever has no handle for it is told of it later, if it lives so long */
    CF_KEEPER_PORT,    /* the port's own counters */
    CF_KEEPERS
};

/* How two of them become one. */
enum cf_merge {
    CF_MERGE_NONE,
    CF_MERGE_NEWEST, /* the state as it is when it is told; a privilege that was not told yet stays */
    CF_MERGE_BITS,   /* the bits of dwParam1 or-ed, dwParam2 and dwParam3 are 0 then */
};

struct cf_loss_row {
    uint16_t id; /* LINE_, CF_LINE_ */
    uint8_t loss, keeper, merge;
};

/* Rows in the order of their ids. */
extern const struct cf_loss_row cf_loss_rows[];
extern const uint32_t cf_loss_rows_count;

/* The row of a message; one that says CF_LOSS_UNSENT for an id that is none. */
const struct cf_loss_row *cf_loss_of(uint32_t id);

#endif
