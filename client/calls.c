/*
 * Calls: making, answering, dropping, giving back, and what is known of them.
 *
 * Shape      struct cf_call_slot in the usage's call table, installed by the consumer or the answer of lineGetNewCalls
 * Invariant  lineDeallocateCall: of all threads one wins the release and sends the record
 * Writers    slots: down_lock, but the release, which is one CAS by any thread
 * Progress   look-up and local lineGetCallStatus: loads only
 * Errors     NOTOWNER, INVALCALLSTATE, OPERATIONUNAVAIL come from the core: by LINE_REPLY where the function is asynchronous
 * Source     rules H-15, H-40 to H-58, V-1 to V-12, G-11
 */
#include <string.h>

#include "client/internal.h"
#include "shm/fields.h"
#include "shm/operations.h"

#define SLICES_MAX  65536u /* of one lineGetNewCalls: a bound on a list that changes for ever */
#define LOCAL_TRIES 4u

/* A call handle as its functions see it. */
struct asked {
    struct cf_usage *u;
    struct cf_call_slot *slot;
    HLINE line;
    struct cf_line_slot *open_line;
    DWORD version;
};

/* Enters the usage of an HCALL that is live; leave it. False with the error. */
static bool enter_call(HCALL call, struct asked *ret, LONG *ret_error)
{
    uint64_t parent;
    ret->u = cf_usage_enter(call, CF_KIND_CALL, ret_error);
    if (ret->u == NULL)
        return false;
    ret->slot = (struct cf_call_slot *)cf_handle_child_read(&ret->u->calls, cf_handle_slot(call),
                                                            cf_handle_generation(call), NULL, &parent);
    if (ret->slot != NULL) {
        ret->line = cf_line_of_parent(ret->u, parent);
        ret->open_line = cf_line_find(ret->u, ret->line);
        if (ret->open_line != NULL) {
            ret->version = cf_load_relaxed_32(&ret->open_line->api_version);
            return true;
        }
    }
    cf_usage_leave(ret->u);
    *ret_error = LINEERR_INVALCALLHANDLE;
    return false;
}

static LONG ask(const struct asked *a, HCALL call, uint16_t id, void *data, uint32_t bytes)
{
    struct cf_answer_to to = {.data = data, .bytes = bytes};
    struct cf_record r;
    cf_request_init(&r, id, call, cf_handle_slot(a->line));
    return cf_request_sync(a->u, &r, &to);
}

/* ------------------------------------------------------------------ asynchronous: make, accept, answer, drop, hold */

static LONG add_user_user(struct cf_record *r, const void *data, DWORD bytes)
{
    if (bytes == 0)
        return 0;
    if (data == NULL)
        return LINEERR_INVALPOINTER;
    if (bytes > CF_USER_USER_MAX)
        return LINEERR_USERUSERINFOTOOBIG;
    return cf_fields_append(r, CF_FIELD_USER_USER, data, bytes) ? 0 : LINEERR_USERUSERINFOTOOBIG;
}

static LONG send_async(const struct asked *a, HCALL call, struct cf_record *r)
{
    return cf_request_async(a->u, r,
                            &(struct cf_outstanding){
                                .line = a->line,
                                .call = call,
                                .callback_instance = cf_load_relaxed_64(&a->open_line->callback_instance),
                                .api_version = a->version,
                            });
}

static LONG operate(HCALL call, uint16_t id, const char *user_user, DWORD bytes)
{
    LONG error;
    struct asked a;
    struct cf_record r;
    if (!enter_call(call, &a, &error))
        return error;
    cf_request_init(&r, id, call, cf_handle_slot(a.line));
    error = add_user_user(&r, user_user, bytes);
    if (error == 0)
        error = send_async(&a, call, &r);
    cf_usage_leave(a.u);
    return error;
}

LONG lineAccept(HCALL hCall, const char *lpsUserUserInfo, DWORD dwSize)
{
    return operate(hCall, CF_REQ_ACCEPT, lpsUserUserInfo, dwSize);
}

LONG lineAnswer(HCALL hCall, const char *lpsUserUserInfo, DWORD dwSize)
{
    return operate(hCall, CF_REQ_ANSWER, lpsUserUserInfo, dwSize);
}

LONG lineDrop(HCALL hCall, const char *lpsUserUserInfo, DWORD dwSize)
{
    return operate(hCall, CF_REQ_DROP, lpsUserUserInfo, dwSize);
}

LONG lineHold(HCALL hCall)
{
    return operate(hCall, CF_REQ_HOLD, NULL, 0);
}

LONG lineUnhold(HCALL hCall)
{
    return operate(hCall, CF_REQ_UNHOLD, NULL, 0);
}

/* Dial parameters are read and change nothing: the capabilities offer no range for them, and nothing more is dialled. */
LONG lineSetCallParams(HCALL hCall, DWORD dwBearerMode, DWORD dwMinRate, DWORD dwMaxRate,
                       const LINEDIALPARAMS *lpDialParams)
{
    LONG error;
    struct asked a;
    struct cf_record r;
    const struct cf_call_params params = {.bearer_mode = dwBearerMode, .min_rate = dwMinRate, .max_rate = dwMaxRate};
    (void)lpDialParams;
    if (!enter_call(hCall, &a, &error))
        return error;
    cf_request_init(&r, CF_REQ_SET_CALL_PARAMS, hCall, cf_handle_slot(a.line));
    if (!cf_bearer_mode_valid(dwBearerMode))
        error = LINEERR_INVALBEARERMODE;
    else if (dwMinRate > dwMaxRate)
        error = LINEERR_INVALRATE;
    else if (!cf_fields_append(&r, CF_FIELD_CALL_PARAMS, &params, sizeof params))
        error = LINEERR_OPERATIONFAILED;
    else
        error = send_async(&a, hCall, &r);
    cf_usage_leave(a.u);
    return error;
}

/* LINECALLPARAMS (NULL: a voice call) into the record. Members that its version does not have count as 0. */
static LONG add_call_params(struct cf_record *r, DWORD version, const LINECALLPARAMS *given)
{
    LINECALLPARAMS p = {.dwBearerMode = LINEBEARERMODE_VOICE, .dwMediaMode = LINEMEDIAMODE_INTERACTIVEVOICE};
    if (given != NULL) {
        LONG error = cf_struct_check(given, cf_version_call_params(version));
        if (error != 0)
            return error;
        p = (LINECALLPARAMS){0};
        memcpy(&p, given, cf_version_call_params(version));
    }
    if (p.dwAddressMode != 0 && p.dwAddressMode != LINEADDRESSMODE_ADDRESSID)
        return LINEERR_INVALADDRESSMODE;
    if (p.dwMinRate > p.dwMaxRate && p.dwMaxRate != 0)
        return LINEERR_INVALRATE;
    if (p.dwUserUserInfoSize != 0 &&
        (p.dwUserUserInfoOffset > p.dwTotalSize || p.dwUserUserInfoSize > p.dwTotalSize - p.dwUserUserInfoOffset))
        return LINEERR_INVALCALLPARAMS;
    struct cf_call_params out = {
        .bearer_mode = p.dwBearerMode == 0 ? LINEBEARERMODE_VOICE : p.dwBearerMode,
        .min_rate = p.dwMinRate,
        .max_rate = p.dwMaxRate,
        .media_mode = p.dwMediaMode == 0 ? LINEMEDIAMODE_INTERACTIVEVOICE : p.dwMediaMode,
        .call_param_flags = p.dwCallParamFlags,
        .address_mode = LINEADDRESSMODE_ADDRESSID,
        .address_id = p.dwAddressMode == LINEADDRESSMODE_ADDRESSID ? p.dwAddressID : 0,
        .no_answer_timeout_s = p.dwNoAnswerTimeout,
    };
    if (!cf_fields_append(r, CF_FIELD_CALL_PARAMS, &out, sizeof out))
        return LINEERR_INVALCALLPARAMS;
    return p.dwUserUserInfoSize == 0
               ? 0
               : add_user_user(r, (const uint8_t *)given + p.dwUserUserInfoOffset, p.dwUserUserInfoSize);
}

LONG lineMakeCall(HLINE hLine, HCALL *lphCall, const char *lpszDestAddress, DWORD dwCountryCode,
                  const LINECALLPARAMS *lpCallParams)
{
    LONG error;
    struct cf_record r;
    struct cf_usage *u = cf_usage_enter(hLine, CF_KIND_LINE, &error);
    if (u == NULL)
        return error;
    struct cf_line_slot *slot = cf_line_find(u, hLine);
    cf_request_init(&r, CF_REQ_MAKE_CALL, hLine, cf_handle_slot(hLine));
    r.m.param2 = dwCountryCode;
    if (slot == NULL)
        error = LINEERR_INVALLINEHANDLE;
    else if (lphCall == NULL)
        error = LINEERR_INVALPOINTER;
    else if (lpszDestAddress != NULL && strnlen(lpszDestAddress, CF_DESTINATION_MAX + 1) > CF_DESTINATION_MAX)
        error = LINEERR_INVALADDRESS;
    else if (!cf_fields_append_text(&r, CF_FIELD_DESTINATION, lpszDestAddress))
        error = LINEERR_INVALADDRESS;
    else
        error = add_call_params(&r, cf_load_relaxed_32(&slot->api_version), lpCallParams);
    if (error == 0)
        error = cf_request_async(u, &r,
                                 &(struct cf_outstanding){
                                     .line = hLine,
                                     .ret_call = lphCall,
                                     .callback_instance = cf_load_relaxed_64(&slot->callback_instance),
                                     .api_version = cf_load_relaxed_32(&slot->api_version),
                                 });
    cf_usage_leave(u);
    return error;
}

/* ------------------------------------------------------------------ digits */

/* The digits, none of them invalid; an empty list is sent too, and ends at once. NULL: no list. */
static LONG add_digits(struct cf_record *r, DWORD mode, const char *digits)
{
    char valid[CF_DIGITS_MAX];
    size_t length = digits == NULL ? 0 : strnlen(digits, CF_DIGITS_MAX + 1);
    if (mode != LINEDIGITMODE_PULSE && mode != LINEDIGITMODE_DTMF)
        return LINEERR_INVALDIGITMODE;
    if (length > CF_DIGITS_MAX)
        return LINEERR_RESOURCEUNAVAIL;
    if (digits == NULL)
        return 0;
    uint32_t bytes = cf_digits_copy(valid, mode, digits, (uint32_t)length);
    return cf_fields_append(r, CF_FIELD_DIGITS, valid, bytes) ? 0 : LINEERR_RESOURCEUNAVAIL;
}

LONG lineGenerateDigits(HCALL hCall, DWORD dwDigitMode, const char *lpszDigits, DWORD dwDuration)
{
    LONG error;
    struct asked a;
    struct cf_record r;
    if (!enter_call(hCall, &a, &error))
        return error;
    cf_request_init(&r, CF_REQ_GENERATE_DIGITS, hCall, cf_handle_slot(a.line));
    r.m.param1 = dwDigitMode;
    r.m.param2 = cf_digit_ms(dwDuration);
    error = add_digits(&r, dwDigitMode, lpszDigits);
    if (error == 0)
        error = cf_request_sync(a.u, &r, NULL);
    cf_usage_leave(a.u);
    return error;
}

/* ------------------------------------------------------------------ giving back */

LONG lineDeallocateCall(HCALL hCall)
{
    LONG error = 0;
    struct asked a;
    if (!enter_call(hCall, &a, &error))
        return error;
    bool told = a.version < CF_TAPI_VERSION_2_0;
    if (told)
        error = ask(&a, hCall, CF_REQ_RELEASE_ASK, NULL, 0); /* H-43: the core may refuse; else it has released it */
    if (told && error != 0 && cf_load_acquire_32(&a.u->gone) != 0)
        error = 0; /* nobody is left to refuse */
    if (error == 0 && !cf_handle_child_release(&a.u->calls, cf_handle_slot(hCall), cf_handle_generation(hCall)))
        error = LINEERR_INVALCALLHANDLE;
    if (error == 0 && !told) {
        struct cf_record r;
        cf_request_init(&r, CF_REQ_RELEASE, hCall, cf_handle_slot(a.line));
        cf_request_silent(a.u, &r);
    }
    if (error == 0 && (a.u->flags & CF_INIT_CACHE_IDENTITY) != 0) {
        pthread_mutex_lock(&a.u->down_lock);
        cf_call_forget_identity(a.u, hCall);
        pthread_mutex_unlock(&a.u->down_lock);
    }
    cf_usage_leave(a.u);
    return error;
}

/* ------------------------------------------------------------------ information */

LONG lineGetCallInfo(HCALL hCall, LINECALLINFO *lpCallInfo)
{
    LONG error;
    struct asked a;
    struct cf_reply_call_info info;
    if (!enter_call(hCall, &a, &error))
        return error;
    error = cf_struct_check(lpCallInfo, cf_version_call_info(a.version));
    if (error == 0)
        error = ask(&a, hCall, CF_REQ_CALL_INFO, &info, sizeof info);
    if (error == 0)
        error = cf_struct_call_info(lpCallInfo, a.version, a.line, &info);
    cf_usage_leave(a.u);
    return error;
}

/*
 * The status from the slot, when everything that has arrived was read: state and time of one moment, and the ring at rest before
 * and after. False: ask the core. *ret_void: the handle ended meanwhile.
 */
static bool local_status(const struct asked *a, HCALL call, struct cf_reply_call_status *ret, bool *ret_void)
{
    uint32_t index = cf_handle_slot(call), generation = cf_handle_generation(call);
    for (uint32_t i = 0; i < LOCAL_TRIES; i++) {
        uint64_t head, head_after, state, state_after;
        if (!cf_receive_drained(a->u, &head))
            return false;
        *ret_void = cf_handle_child_read(&a->u->calls, index, generation, &state, NULL) == NULL;
        int64_t entered = (int64_t)cf_load_acquire_64((const uint64_t *)&a->slot->entered_ns);
        if (*ret_void || cf_handle_state_state(state) == 0)
            return false;
        if (!cf_receive_drained(a->u, &head_after) || head_after != head ||
            cf_handle_child_read(&a->u->calls, index, generation, &state_after, NULL) == NULL || state_after != state)
            continue;
        *ret = (struct cf_reply_call_status){
            .state = cf_handle_state_state(state),
            .mode = cf_handle_state_mode(state),
            .privilege = cf_handle_state_privilege(state),
            .state_time_ns = entered,
        };
        return true;
    }
    return false;
}

LONG lineGetCallStatus(HCALL hCall, LINECALLSTATUS *lpCallStatus)
{
    LONG error;
    struct asked a;
    struct cf_reply_call_status status;
    bool ended = false;
    if (!enter_call(hCall, &a, &error))
        return error;
    error = cf_struct_check(lpCallStatus, cf_version_call_status(a.version));
    if (error == 0 && local_status(&a, hCall, &status, &ended) && cf_line_caps(a.u, a.line, a.open_line) == 0)
        status.features =
            cf_call_features(status.state, status.privilege, cf_load_relaxed_32(&a.open_line->call_features));
    else if (error == 0)
        error = ended ? LINEERR_INVALCALLHANDLE : ask(&a, hCall, CF_REQ_CALL_STATUS, &status, sizeof status);
    if (error == 0)
        error = cf_struct_call_status(lpCallStatus, a.version, &status, a.u->down->header.utc_offset_ns);
    cf_usage_leave(a.u);
    return error;
}

LONG lineSetCallPrivilege(HCALL hCall, DWORD dwCallPrivilege)
{
    LONG error;
    struct asked a;
    uint64_t state, parent;
    struct cf_answer_to to = {.data = &state, .bytes = 0};
    struct cf_record r;
    if (!enter_call(hCall, &a, &error))
        return error;
    if (dwCallPrivilege != LINECALLPRIVILEGE_MONITOR && dwCallPrivilege != LINECALLPRIVILEGE_OWNER) {
        cf_usage_leave(a.u);
        return LINEERR_INVALCALLPRIVILEGE;
    }
    cf_request_init(&r, CF_REQ_SET_PRIVILEGE, hCall, cf_handle_slot(a.line));
    r.m.param1 = dwCallPrivilege;
    error = cf_request_sync(a.u, &r, &to);
    if (error == 0) {
        pthread_mutex_lock(&a.u->down_lock);
        struct cf_handle_child *child =
            cf_handle_child_read(&a.u->calls, cf_handle_slot(hCall), cf_handle_generation(hCall), &state, &parent);
        /* What comes after the answer knows better, what came before it does not. */
        if (child != NULL && a.slot->privilege_sequence <= to.as_of) {
            a.slot->privilege_sequence = to.as_of + 1;
            cf_handle_child_write(
                child, parent,
                cf_handle_state(cf_handle_state_state(state), cf_handle_state_mode(state), dwCallPrivilege));
        }
        pthread_mutex_unlock(&a.u->down_lock);
    }
    cf_usage_leave(a.u);
    return error;
}

/* ------------------------------------------------------------------ lineGetNewCalls */

struct slice {
    struct cf_reply_new_calls head;
    HCALL calls[CF_NEW_CALLS_PER_SLICE];
};

/* While a line is sought, a message may mention a handle before the answer that brings it was read. False: too many at once. */
static bool seek_begin(struct cf_usage *u, HLINE line)
{
    struct cf_consumer *c = &u->consumer;
    pthread_mutex_lock(&u->down_lock);
    bool room = c->seeking_count < CF_REPLY_SLOTS;
    if (room)
        c->seeking[c->seeking_count++] = line;
    pthread_mutex_unlock(&u->down_lock);
    return room;
}

static void seek_end(struct cf_usage *u, HLINE line)
{
    struct cf_consumer *c = &u->consumer;
    uint32_t i = 0;
    pthread_mutex_lock(&u->down_lock);
    while (c->seeking[i] != line)
        i++;
    c->seeking[i] = c->seeking[--c->seeking_count];
    pthread_mutex_unlock(&u->down_lock);
}

static void install_all(struct cf_usage *u, HLINE line, const struct slice *s, uint32_t entries)
{
    pthread_mutex_lock(&u->down_lock);
    for (uint32_t i = 0; i < entries; i++)
        cf_call_install(u, s->calls[i], line, LINECALLPRIVILEGE_MONITOR, 0, NULL);
    pthread_mutex_unlock(&u->down_lock);
}

static LONG seek(struct cf_usage *u, HLINE line, uint64_t scope, LINECALLLIST *list)
{
    DWORD room = cf_struct_call_list_room(list), entries = 0;
    struct slice s;
    struct cf_answer_to to = {.data = &s, .bytes = sizeof s};
    struct cf_record r;
    uint64_t cursor = 0;
    for (uint32_t i = 0; i < SLICES_MAX; i++) {
        cf_request_init(&r, CF_REQ_NEW_CALLS, line, cf_handle_slot(line));
        r.m.param1 = scope;
        r.m.param2 = cursor;
        r.m.param3 = room - entries;
        LONG error = cf_request_sync(u, &r, &to);
        if (error != 0)
            return error;
        uint32_t got = s.head.entries < CF_NEW_CALLS_PER_SLICE ? s.head.entries : (uint32_t)CF_NEW_CALLS_PER_SLICE;
        if (got > room - entries)
            got = room - entries;
        install_all(u, line, &s, got);
        cf_struct_call_list_put(list, entries, s.calls, got);
        entries += got;
        if (i == 0 && s.head.total > room) {
            cf_struct_call_list_done(list, 0, s.head.total); /* G-11: nothing was made */
            return 0;
        }
        cursor = s.head.cursor;
        if (cursor == 0 || entries == room)
            break;
    }
    cf_struct_call_list_done(list, entries, entries);
    return 0;
}

LONG lineGetNewCalls(HLINE hLine, DWORD dwAddressID, DWORD dwSelect, LINECALLLIST *lpCallList)
{
    LONG error;
    struct cf_usage *u = cf_usage_enter(hLine, CF_KIND_LINE, &error);
    if (u == NULL)
        return error;
    if (cf_line_find(u, hLine) == NULL)
        error = LINEERR_INVALLINEHANDLE;
    else if (dwSelect != LINECALLSELECT_LINE && dwSelect != LINECALLSELECT_ADDRESS)
        error = LINEERR_INVALCALLSELECT;
    else
        error = cf_struct_check(lpCallList, sizeof(LINECALLLIST));
    if (error == 0 && !seek_begin(u, hLine))
        error = LINEERR_RESOURCEUNAVAIL;
    else if (error == 0) {
        DWORD address = dwSelect == LINECALLSELECT_ADDRESS ? dwAddressID : 0;
        error = seek(u, hLine, dwSelect | (uint64_t)address << 32, lpCallList);
        seek_end(u, hLine);
    }
    cf_usage_leave(u);
    return error;
}
