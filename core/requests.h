/*
 * What the files of requests share: requests.c takes them, outstanding.c keeps those that wait for a provider, making.c has the calls
 * that they make, operations.c what providers do to calls, on_line.c to lines, digits.c what is sent on them, gather.c what is waited for, watch.c what is listened for,
 * information.c what only asks.
 */
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

/* The same of e->in's device; a void handle is counted. */
struct cf_asked cf_request_asked(struct cf_engine *e, uint32_t port);

/* Counts a request that is refused for want of rights; returns error. */
int32_t cf_request_denied(struct cf_engine *e, int32_t error);

/* Why that asker may not do this now: 0 or LINEERR_. Monitors may do what CF_MONITOR_FEATURES says. params: what is wrong with the parameters, which counts before the call's state. */
int32_t cf_request_refusal(const struct cf_engine *e, const struct cf_asked *a, uint32_t feature, int32_t params);

/* What is wrong with the parameters of e->in, an operation on that call: 0 or LINEERR_. See parameters.c. */
int32_t cf_parameters_refusal(const struct cf_engine *e, const struct cf_call *c);
/* They ask for something that there is and that the call's line cannot do; asked once the call's state allows the operation. */
bool cf_parameters_unable(const struct cf_engine *e, const struct cf_call *c);

/* Takes e->in if it is a question; false when it is none. */
bool cf_information_take(struct cf_engine *e, uint32_t port);

/* ------------------------------------------------------------------ outstanding.c */

/*
 * CF_INDEX_NONE: more of that kind than the application may have outstanding. Those of closed lines do not count, as its library does not
 * count them; while there are any, a full table has room all the same.
 */
uint32_t cf_request_make(struct cf_engine *e, uint32_t port);

/* The open line that its reply is of, and with which that ends. */
void cf_request_of_line(struct cf_engine *e, uint32_t port, struct cf_request *q, uint32_t open_line);

/* An outstanding request of that call. CF_INDEX_NONE: one too many. */
uint32_t cf_request_of_call(struct cf_engine *e, uint32_t port, const struct cf_asked *a);

/*
 * A reply of a request that goes to no provider: kept like others when the port is behind. Without a record, which only an application
 * has that asks more than its library lets it, it is told while there is room.
 */
void cf_request_reply_now(struct cf_engine *e, uint32_t port, int32_t result, uint32_t open_line);

/* What the provider's reply brings back: slot, port and generation of the request. */
static inline uint64_t cf_request_number(const struct cf_engine *e, uint32_t port, uint32_t at) {
    return (uint64_t)e->view[port].requests[at].generation << 32 | (uint64_t)port << 16 | at;
}

/* Begins e->out with the fields of e->in. */
struct cf_record *cf_output_begin_from_request(struct cf_engine *e, uint16_t id, uint64_t device, uint64_t p1, uint64_t p2, uint64_t p3);

/* Whose reply may bring bytes back, in a record of two slots: room for both is kept while it is outstanding. */
static inline bool cf_request_is_long(uint16_t id) { return id == CF_REQ_PARK || id == CF_REQ_DEV_SPECIFIC; }

/* Keeps what e->in, the provider's reply, brings back for the application. 0, or NOMEM: no block for it is free. */
int32_t cf_request_take_text(struct cf_engine *e, struct cf_request *q);

/* Slots that its reply takes in the port's ring now. */
uint64_t cf_request_cost(const struct cf_engine *e, uint32_t port, const struct cf_request *q);

/* ------------------------------------------------------------------ operations.c, on_line.c, digits.c: e->in is theirs */

/* False: it is no operation. */
bool cf_operation_take(struct cf_engine *e, uint32_t port);

/* False: it is no request on an open line alone. */
bool cf_on_line_take(struct cf_engine *e, uint32_t port);

/* The provider has done it: what the core itself notes of the call. */
void cf_operation_done(struct cf_engine *e, const struct cf_request *q);

/* False: it sends nothing. */
bool cf_digits_take(struct cf_engine *e, uint32_t port);

#endif
