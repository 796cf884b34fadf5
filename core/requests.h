/* Shared by requests.c (what changes things) and information.c (what only asks). */
#ifndef CF_CORE_REQUESTS_H
#define CF_CORE_REQUESTS_H

#include "core/internal.h"

/* A call as asked for by a handle; call NULL: the handle is void. */
struct cf_asked {
    struct cf_call *call;
    struct cf_call_handle *handle;
    uint32_t index, open_line;
    bool owner;
    uint32_t ref_at; /* number of its reference */
};

/* Drops the call's void references first, so that counts and sole ownership are right. */
struct cf_asked cf_request_find_call(struct cf_engine *e, uint32_t port, uint64_t hcall);

/* Takes e->in if it is a question; false when it is none. */
bool cf_information_take(struct cf_engine *e, uint32_t port);

#endif
