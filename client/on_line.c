/*
 * Services of an exchange for a line: making calls, taking them, forwarding, and what its provider alone understands.
 *
 * Errors     rights, addresses and abilities are judged by the core, and told by LINE_REPLY
 * Source     TAPI reference: the pages of the functions; rules H-3 to H-8
 */
#include <string.h>

#include "client/internal.h"
#include "shm/fields.h"
#include "shm/forward.h"

/* A request about an open line that is being built; begin() is followed by end(), whatever happens in between. */
struct asking {
    struct cf_usage *u;
    HLINE line;
    struct cf_line_slot *slot;
    DWORD version;
    struct cf_record r;
    struct cf_outstanding more; /* output locations */
};

static bool begin(struct asking *q, HLINE line, uint16_t id, LONG *ret_error)
{
    *ret_error = 0;
    q->u = cf_usage_enter(line, CF_KIND_LINE, ret_error);
    if (q->u == NULL)
        return false;
    q->line = line;
    q->slot = cf_line_find(q->u, line);
    if (q->slot == NULL) {
        cf_usage_leave(q->u);
        *ret_error = LINEERR_INVALLINEHANDLE;
        return false;
    }
    q->version = cf_load_relaxed_32(&q->slot->api_version);
    q->more = (struct cf_outstanding){0};
    cf_request_init(&q->r, id, line, cf_handle_slot(line));
    return true;
}

/* Sends it unless something is wrong already. */
static LONG end(struct asking *q, LONG error)
{
    if (error == 0) {
        q->more.line = q->line;
        q->more.callback_instance = cf_load_relaxed_64(&q->slot->callback_instance);
        q->more.api_version = q->version;
        error = cf_request_async(q->u, &q->r, &q->more);
    }
    cf_usage_leave(q->u);
    return error;
}

LONG lineMakeCall(HLINE hLine, HCALL *lphCall, const char *lpszDestAddress, DWORD dwCountryCode,
                  const LINECALLPARAMS *lpCallParams)
{
    LONG error;
    struct asking q;
    if (!begin(&q, hLine, CF_REQ_MAKE_CALL, &error))
        return error;
    q.r.m.param2 = dwCountryCode;
    q.more.ret_call = lphCall;
    error = lphCall == NULL ? LINEERR_INVALPOINTER : cf_call_add_destination(&q.r, lpszDestAddress);
    if (error == 0)
        error = cf_call_add_params(&q.r, q.version, lpCallParams);
    if (error == 0)
        error = cf_dial_error(q.u, hLine, q.slot, lpszDestAddress);
    return end(&q, error);
}

/* ------------------------------------------------------------------ calls that are there already */

LONG lineUnpark(HLINE hLine, DWORD dwAddressID, HCALL *lphCall, const char *lpszDestAddress)
{
    LONG error;
    struct asking q;
    if (!begin(&q, hLine, CF_REQ_UNPARK, &error))
        return error;
    q.r.m.param2 = dwAddressID;
    q.more.ret_call = lphCall;
    if (lphCall == NULL || lpszDestAddress == NULL)
        error = LINEERR_INVALPOINTER;
    else
        error = *lpszDestAddress == '\0' ? LINEERR_INVALADDRESS : cf_call_add_destination(&q.r, lpszDestAddress);
    return end(&q, error);
}

static LONG add_group(struct cf_record *r, const char *group)
{
    if (group != NULL && strnlen(group, CF_DESTINATION_MAX + 1) > CF_DESTINATION_MAX)
        return LINEERR_INVALGROUPID;
    return cf_fields_append_text(r, CF_FIELD_GROUP, group) ? 0 : LINEERR_INVALGROUPID;
}

LONG linePickup(HLINE hLine, DWORD dwAddressID, HCALL *lphCall, const char *lpszDestAddress, const char *lpszGroupID)
{
    LONG error;
    struct asking q;
    if (!begin(&q, hLine, CF_REQ_PICKUP, &error))
        return error;
    q.r.m.param2 = dwAddressID;
    q.more.ret_call = lphCall;
    error = lphCall == NULL ? LINEERR_INVALPOINTER : cf_call_add_destination(&q.r, lpszDestAddress);
    return end(&q, error != 0 ? error : add_group(&q.r, lpszGroupID));
}

LONG lineUncompleteCall(HLINE hLine, DWORD dwCompletionID)
{
    LONG error;
    struct asking q;
    if (!begin(&q, hLine, CF_REQ_UNCOMPLETE_CALL, &error))
        return error;
    q.r.m.param2 = dwCompletionID;
    return end(&q, 0);
}

/* ------------------------------------------------------------------ forwarding */

/* An address of an entry: where it lies and how long it is without its NUL. False: outside the list, or too long. */
static bool find_address(const LINEFORWARDLIST *list, DWORD offset, DWORD size, const char **ret_at, uint16_t *ret_bytes, LONG *ret_error)
{
    *ret_at = (const char *)list + offset;
    *ret_error = size != 0 && (offset > list->dwTotalSize || size > list->dwTotalSize - offset) ? LINEERR_INVALPARAM : 0;
    size_t bytes = size == 0 || *ret_error != 0 ? 0 : strnlen(*ret_at, size);
    if (bytes > CF_FORWARD_ADDRESS_MAX)
        *ret_error = LINEERR_INVALADDRESS;
    *ret_bytes = (uint16_t)bytes;
    return *ret_error == 0;
}

/* Appends one entry at to; returns its end. */
static uint8_t *put_entry(uint8_t *to, const struct cf_forward_head *head, const char *caller, const char *address)
{
    memcpy(to, head, sizeof *head);
    to += sizeof *head;
    if (head->caller_bytes != 0)
        memcpy(to, caller, head->caller_bytes);
    to += head->caller_bytes;
    if (head->address_bytes != 0)
        memcpy(to, address, head->address_bytes);
    return to + head->address_bytes;
}

static LONG add_forward_list(struct cf_record *r, const LINEFORWARDLIST *list)
{
    uint8_t entries[CF_FORWARD_BYTES_MAX], *at = entries;
    const DWORD head_bytes = offsetof(LINEFORWARDLIST, ForwardList);
    LONG error = 0;
    if (list == NULL)
        return 0;
    if (list->dwTotalSize < head_bytes)
        return LINEERR_STRUCTURETOOSMALL;
    if (list->dwNumEntries > CF_FORWARD_ENTRIES_MAX)
        return LINEERR_INVALPARAM;
    if (list->dwNumEntries > (list->dwTotalSize - head_bytes) / sizeof(LINEFORWARD))
        return LINEERR_STRUCTURETOOSMALL;
    for (DWORD i = 0; i < list->dwNumEntries; i++) {
        const char *caller, *address;
        LINEFORWARD f;
        memcpy(&f, (const uint8_t *)list + head_bytes + i * sizeof f, sizeof f);
        struct cf_forward_head head = {.mode = f.dwForwardMode, .country = f.dwDestCountryCode};
        if (!cf_forward_mode_valid(f.dwForwardMode))
            return LINEERR_INVALPARAM;
        if (!find_address(list, f.dwCallerAddressOffset, f.dwCallerAddressSize, &caller, &head.caller_bytes, &error) ||
            !find_address(list, f.dwDestAddressOffset, f.dwDestAddressSize, &address, &head.address_bytes, &error))
            return error;
        at = put_entry(at, &head, caller, address);
    }
    return at == entries || cf_fields_append(r, CF_FIELD_FORWARD_LIST, entries, (uint32_t)(at - entries)) ? 0 : LINEERR_INVALPARAM;
}

LONG lineForward(HLINE hLine, DWORD bAllAddresses, DWORD dwAddressID, const LINEFORWARDLIST *lpForwardList,
                 DWORD dwNumRingsNoAnswer, HCALL *lphConsultCall, const LINECALLPARAMS *lpCallParams)
{
    LONG error;
    struct asking q;
    if (!begin(&q, hLine, CF_REQ_FORWARD, &error))
        return error;
    q.r.m.param2 = bAllAddresses != 0 ? UINT64_C(1) << 32 : dwAddressID;
    q.r.m.param3 = dwNumRingsNoAnswer;
    q.more.ret_call = lphConsultCall;
    q.more.call_optional = true;
    error = lphConsultCall == NULL ? LINEERR_INVALPOINTER : add_forward_list(&q.r, lpForwardList);
    if (error == 0)
        error = cf_call_add_params(&q.r, q.version, lpCallParams);
    return end(&q, error);
}

/* ------------------------------------------------------------------ what the provider alone understands */

LONG lineDevSpecific(HLINE hLine, DWORD dwAddressID, HCALL hCall, void *lpParams, DWORD dwSize)
{
    LONG error;
    struct asking q;
    if (!begin(&q, hLine, CF_REQ_DEV_SPECIFIC, &error))
        return error;
    q.r.m.param2 = hCall;
    q.r.m.param3 = dwAddressID;
    q.more.ret_data = lpParams;
    q.more.data_bytes = dwSize;
    if (hCall != 0 && cf_call_pointer_error(hCall, LINEERR_INVALCALLHANDLE) == LINEERR_INVALCALLHANDLE)
        error = LINEERR_INVALCALLHANDLE;
    else if (dwSize != 0 && lpParams == NULL)
        error = LINEERR_INVALPOINTER;
    else if (dwSize > CF_DEV_SPECIFIC_MAX || (dwSize != 0 && !cf_fields_append(&q.r, CF_FIELD_DEV_SPECIFIC, lpParams, dwSize)))
        error = LINEERR_INVALPARAM;
    return end(&q, error);
}
