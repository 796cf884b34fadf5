/*
 * The calls that callfan dial has under way, from lineMakeCall to IDLE, found by their handle and by their outstanding request.
 *
 * Shape      a fixed number of places, which never move: lineMakeCall writes the handle into one when its reply comes
 * Invariant  a place is taken as long as its made_ns is not 0; live is their number; at most one request of a call is outstanding
 * Overlap    one thread
 * Errors     no memory at the start; later the maps end the program
 */
#ifndef CF_APPS_CALLFAN_DIALLED_H
#define CF_APPS_CALLFAN_DIALLED_H

#include <stdbool.h>
#include <stdint.h>

#include "apps/callfan/map.h"
#include "callfan/tapi.h"

enum { CF_DIALLED_CALLER_BYTES = 32 };

struct cf_dialled_call {
    HCALL handle; /* 0 until LINE_REPLY */
    LONG request; /* outstanding; 0: none */
    DWORD device, id, state;
    bool answered, judged; /* judged: answered, or told why not */
    bool dropping, again;  /* again: to be dropped when the outstanding request has its reply */
    int64_t made_ns;       /* CLOCK_MONOTONIC */
    char caller[CF_DIALLED_CALLER_BYTES];
    uint32_t next_free;
};

struct cf_dialled {
    struct cf_dialled_call *calls; /* callee's */
    uint32_t calls_room, calls_used, first_free;
    struct cf_tool_map by_handle, by_request; /* -> place + 1 */
    uint32_t live;
};

/* False: no memory. */
bool cf_dialled_init(struct cf_dialled *d, uint32_t calls_room);
void cf_dialled_fini(struct cf_dialled *d);

/* A place for a call made now; only while live is below calls_room. */
struct cf_dialled_call *cf_dialled_take(struct cf_dialled *d, DWORD device, int64_t now_ns);
void cf_dialled_forget(struct cf_dialled *d, struct cf_dialled_call *c);

/* The call's handle is valid from now on. */
void cf_dialled_has_handle(struct cf_dialled *d, struct cf_dialled_call *c);

/* Sets the outstanding request, 0: none. */
void cf_dialled_set_request(struct cf_dialled *d, struct cf_dialled_call *c, LONG request);

/* NULL: none of ours. */
struct cf_dialled_call *cf_dialled_by_handle(const struct cf_dialled *d, HCALL handle);
struct cf_dialled_call *cf_dialled_by_request(const struct cf_dialled *d, uint64_t request);

/* The call at or after place *at, which moves behind it; NULL at the end. The call may be forgotten meanwhile. */
struct cf_dialled_call *cf_dialled_next(const struct cf_dialled *d, uint32_t *at);

#endif
