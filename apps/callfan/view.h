/*
 * What one monitor saw of every call: the sequence of its states, to be compared with what the sender sent.
 *
 * Shape      one record per call, never removed; a call is named by the digits of its caller (a serial that the sender counts), or,
 *            without such digits, by its handle. With digests there are no records: two bytes of each call (digests.h)
 * Units      time_ns: CLOCK_MONOTONIC
 * Progress   nothing grows by copying while the traffic runs: a pause would be measured as latency, and of several monitors at once
 *            be long enough to fill their rings
 * Overlap    one thread
 * Errors     no memory ends the program
 */
#ifndef CF_APPS_CALLFAN_VIEW_H
#define CF_APPS_CALLFAN_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "apps/callfan/map.h"
#include "callfan/tapi.h"

enum { CF_VIEW_STATES_MAX = 30, CF_VIEW_CHUNK = 4096 };

/* A state and its mode in 16 bits: number of the state's bit, number of the mode's bit plus one; and a mark on states that
 * were told by a resync, before which others may have been folded. */
#define CF_VIEW_RESYNC 0x8000u

struct cf_view_call {
    uint64_t serial;
    HCALL handle;     /* 0: given back, or void */
    int64_t first_ns; /* of the first event, as the provider saw it */
    int64_t last_ns;
    uint32_t device;
    uint8_t count; /* states kept in state[] */
    bool ended, too_long;
    bool voided; /* its line closed before it was IDLE */
    bool dialled; /* without a caller's number: an application's own, which no sender's list can be asked for */
    uint16_t state[CF_VIEW_STATES_MAX];
};

struct cf_digests;

struct cf_view_place {
    uint32_t number; /* of the call: index + 1; 0: none */
    uint32_t device;
};

struct cf_view {
    struct cf_digests *digests; /* borrowed; NULL: records */
    struct cf_view_call **chunks; /* callee's; of CF_VIEW_CHUNK calls each, which never move */
    size_t calls_count, chunks_room;
    struct cf_tool_map by_serial; /* serial / CF_VIEW_CHUNK -> page of index + 1 by the rest of the serial */
    struct cf_view_place *place;  /* by the handle's slot, of those not given back */
    uint32_t places_used;         /* behind the last slot that ever was in use */
    size_t live_count;            /* without those that are IDLE */
    /* what may not happen */
    uint64_t announced_twice, after_idle, unknown_handle, second_privilege, no_first_privilege, closed_live;
};

static inline struct cf_view_call *cf_view_at(const struct cf_view *v, size_t i)
{
    return &v->chunks[i / CF_VIEW_CHUNK][i % CF_VIEW_CHUNK];
}

uint16_t cf_view_code(DWORD state, DWORD mode);
/* "CONNECTED ACTIVE" */
const char *cf_view_code_name(uint16_t code, char text[48]);

void cf_view_fini(struct cf_view *v);

/* LINE_APPNEWCALL. */
void cf_view_announce(struct cf_view *v, HCALL call, uint32_t device, const char *caller);

/* LINE_CALLSTATE; true when the call has ended. Its handle stays known, so that a state after IDLE is seen, until it is given back. */
bool cf_view_state(struct cf_view *v, const struct cf_batch_message *m, bool resync);

/* Whether that is the state in which the call was told to be last. Digests do not know: true. */
bool cf_view_is(const struct cf_view *v, HCALL call, DWORD state, DWORD mode);

void cf_view_give_back(struct cf_view *v, HCALL call);

/* LINE_CLOSE: the handles of a line are void. behind: messages of the line were missed, so its calls need not have been told IDLE. */
void cf_view_close(struct cf_view *v, uint32_t device, bool behind);

/* Records alone. */
const struct cf_view_call *cf_view_find(const struct cf_view *v, uint64_t serial);

#endif
