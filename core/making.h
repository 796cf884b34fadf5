/* Requests that make calls; what on_line.c, operations.c and requests.c need of them. */
#ifndef CF_CORE_MAKING_H
#define CF_CORE_MAKING_H

#include "core/requests.h"

/* A call to be made. */
struct cf_made {
    struct cf_call_params params;
    uint32_t address;
    uint32_t related_id; /* LINECALLINFO.dwRelatedCallID, 0: none */
    uint32_t country;    /* LINECALLINFO.dwCountryCode */
    uint16_t origin, reason;
    bool texts; /* e->in has texts of this one */
};

/* Adds a tentative call to the request, its first or its second, with a handle for its application. 0 or LINEERR_. */
int32_t cf_making_add(struct cf_engine *e, uint32_t port, uint32_t at, const struct cf_made *what);

/* The call that the request makes, 0 the first, 1 the second; NULL: none, or it has ended. */
struct cf_call *cf_making_call(struct cf_engine *e, const struct cf_request *q, uint32_t number);

/* The request fails, with the calls that it was to make. */
void cf_making_fail(struct cf_engine *e, uint32_t port, uint32_t at, int32_t error);

/* The address of the line that e->in's parameters name, by id or by its number (field ADDRESS). CF_INDEX_NONE: it has none such. */
uint32_t cf_making_address(const struct cf_engine *e, uint32_t line, const struct cf_call_params *params);

/* CF_FIELD_CALL_PARAMS; zeros without it. */
void cf_making_read_params(const struct cf_record *r, struct cf_call_params *ret_params);

/* The provider's reply to a request that makes calls. */
void cf_making_replied(struct cf_engine *e, uint32_t provider, uint32_t port, uint32_t at, int32_t result);

/* A call that the provider made for somebody who is gone: it is closed. */
void cf_making_close(struct cf_engine *e, uint32_t provider, uint64_t id);

#endif
