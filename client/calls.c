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

bool cf_call_enter(HCALL call, struct cf_asked_call *ret, LONG *ret_error)
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

static LONG ask(const struct cf_asked_call *a, HCALL call, uint16_t id, void *data, uint32_t bytes)
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

LONG cf_call_send_with(const struct cf_asked_call *a, HCALL call, struct cf_record *r, struct cf_outstanding *what)
{
    what->line = a->line;
    what->call = call;
    what->callback_instance = cf_load_relaxed_64(&a->open_line->callback_instance);
    what->api_version = a->version;
    return cf_request_async(a->u, r, what);
}

LONG cf_call_send(const struct cf_asked_call *a, HCALL call, struct cf_record *r, HCALL *ret_call, HCALL *ret_second)
{
    return cf_call_send_with(a, call, r, &(struct cf_outstanding){.ret_call = ret_call, .ret_second = ret_second});
}

LONG cf_call_operate(HCALL call, uint16_t id, uint64_t param2, uint64_t param3)
{
    LONG error;
    struct cf_asked_call a;
    struct cf_record r;
    if (!cf_call_enter(call, &a, &error))
        return error;
    cf_request_init(&r, id, call, cf_handle_slot(a.line));
    r.m.param2 = param2;
    r.m.param3 = param3;
    error = cf_call_send(&a, call, &r, NULL, NULL);
    cf_usage_leave(a.u);
    return error;
}

static LONG operate(HCALL call, uint16_t id, const char *user_user, DWORD bytes)
{
    LONG error;
    struct cf_asked_call a;
    struct cf_record r;
    if (!cf_call_enter(call, &a, &error))
        return error;
    cf_request_init(&r, id, call, cf_handle_slot(a.line));
    error = add_user_user(&r, user_user, bytes);
    if (error == 0)
        error = cf_call_send(&a, call, &r, NULL, NULL);
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
    return cf_call_operate(hCall, CF_REQ_HOLD, 0, 0);
}

LONG lineUnhold(HCALL hCall)
{
    return cf_call_operate(hCall, CF_REQ_UNHOLD, 0, 0);
}

/* Dial parameters are read and change nothing: the capabilities offer no range for them, and nothing more is dialled. */
LONG lineSetCallParams(HCALL hCall, DWORD dwBearerMode, DWORD dwMinRate, DWORD dwMaxRate,
                       const LINEDIALPARAMS *lpDialParams)
{
    LONG error;
    struct cf_asked_call a;
    struct cf_record r;
    const struct cf_call_params params = {.bearer_mode = dwBearerMode, .min_rate = dwMinRate, .max_rate = dwMaxRate};
    (void)lpDialParams;
    if (!cf_call_enter(hCall, &a, &error))
        return error;
    cf_request_init(&r, CF_REQ_SET_CALL_PARAMS, hCall, cf_handle_slot(a.line));
    if (!cf_bearer_mode_valid(dwBearerMode))
        error = LINEERR_INVALBEARERMODE;
    else if (dwMinRate > dwMaxRate)
        error = LINEERR_INVALRATE;
    else if (!cf_fields_append(&r, CF_FIELD_CALL_PARAMS, &params, sizeof params))
        error = LINEERR_OPERATIONFAILED;
    else
        error = cf_call_send(&a, hCall, &r, NULL, NULL);
    cf_usage_leave(a.u);
    return error;
}

/* Parts of LINECALLPARAMS that go up as they are; texts without their NUL. */
static const struct {
    uint16_t size_at; /* of the member with the size; the offset follows it */
    uint16_t tag;
    uint32_t max;
    bool text;
    LONG too_many;
} parts[] = {
    {offsetof(LINECALLPARAMS, dwDisplayableAddressSize), CF_FIELD_DISPLAYABLE, CF_CALL_TEXT_MAX, true, LINEERR_INVALCALLPARAMS},
    {offsetof(LINECALLPARAMS, dwCalledPartySize), CF_FIELD_CALLED_PARTY, CF_CALL_TEXT_MAX, true, LINEERR_INVALCALLPARAMS},
    {offsetof(LINECALLPARAMS, dwCommentSize), CF_FIELD_COMMENT, CF_CALL_TEXT_MAX, true, LINEERR_INVALCALLPARAMS},
    {offsetof(LINECALLPARAMS, dwUserUserInfoSize), CF_FIELD_USER_USER, CF_USER_USER_MAX, false, LINEERR_USERUSERINFOTOOBIG},
    {offsetof(LINECALLPARAMS, dwCallDataSize), CF_FIELD_CALL_DATA, CF_CALL_DATA_MAX, false, LINEERR_INVALCALLPARAMS},
    {offsetof(LINECALLPARAMS, dwOrigAddressSize), CF_FIELD_ADDRESS, CF_NAME_MAX - 1, true, LINEERR_INVALADDRESS}, /* last: of one mode alone */
};
enum { PARTS = sizeof parts / sizeof parts[0] };

/* p is the fixed part of given, zero where its version ends. */
static LONG add_part(struct cf_record *r, uint32_t part, const LINECALLPARAMS *p, const LINECALLPARAMS *given)
{
    DWORD place[2];
    memcpy(place, (const uint8_t *)p + parts[part].size_at, sizeof place);
    if (place[0] == 0)
        return 0;
    if (place[1] > p->dwTotalSize || place[0] > p->dwTotalSize - place[1])
        return LINEERR_INVALCALLPARAMS;
    const char *data = (const char *)given + place[1];
    size_t bytes = parts[part].text ? strnlen(data, place[0]) : place[0];
    return bytes <= parts[part].max && cf_fields_append(r, parts[part].tag, data, (uint32_t)bytes) ? 0 : parts[part].too_many;
}

#define CALL_PARAM_FLAGS_ALL (LINECALLPARAMFLAGS_ONESTEPTRANSFER * 2 - 1)

static LONG check_params(const LINECALLPARAMS *p)
{
    if (p->dwAddressMode != 0 && p->dwAddressMode != LINEADDRESSMODE_ADDRESSID && p->dwAddressMode != LINEADDRESSMODE_DIALABLEADDR)
        return LINEERR_INVALADDRESSMODE;
    if (p->dwBearerMode != 0 && !cf_bearer_mode_valid(p->dwBearerMode))
        return LINEERR_INVALBEARERMODE;
    if (p->dwMinRate > p->dwMaxRate && p->dwMaxRate != 0)
        return LINEERR_INVALRATE;
    if ((p->dwMediaMode & (p->dwMediaMode - 1)) != 0)
        return LINEERR_INVALMEDIAMODE;
    return (p->dwCallParamFlags & ~CALL_PARAM_FLAGS_ALL) != 0 ? LINEERR_INVALCALLPARAMS : 0;
}

LONG cf_call_add_params(struct cf_record *r, DWORD version, const LINECALLPARAMS *given)
{
    LINECALLPARAMS p = {.dwBearerMode = LINEBEARERMODE_VOICE, .dwMediaMode = LINEMEDIAMODE_INTERACTIVEVOICE};
    LONG error = given == NULL ? 0 : cf_struct_check(given, cf_version_call_params(version));
    if (error != 0)
        return error;
    if (given != NULL) {
        p = (LINECALLPARAMS){0};
        memcpy(&p, given, cf_version_call_params(version));
        error = check_params(&p);
    }
    bool by_number = p.dwAddressMode == LINEADDRESSMODE_DIALABLEADDR;
    const struct cf_call_params out = {
        .bearer_mode = p.dwBearerMode == 0 ? LINEBEARERMODE_VOICE : p.dwBearerMode,
        .min_rate = p.dwMinRate,
        .max_rate = p.dwMaxRate,
        .media_mode = p.dwMediaMode == 0 ? LINEMEDIAMODE_INTERACTIVEVOICE : p.dwMediaMode,
        .call_param_flags = p.dwCallParamFlags,
        .address_mode = by_number ? LINEADDRESSMODE_DIALABLEADDR : LINEADDRESSMODE_ADDRESSID,
        .address_id = p.dwAddressMode == LINEADDRESSMODE_ADDRESSID ? p.dwAddressID : 0,
        .no_answer_timeout_s = p.dwNoAnswerTimeout,
    };
    if (error == 0 && !cf_fields_append(r, CF_FIELD_CALL_PARAMS, &out, sizeof out))
        error = LINEERR_INVALCALLPARAMS;
    for (uint32_t i = 0, n = by_number ? PARTS : PARTS - 1; error == 0 && i < n; i++)
        error = add_part(r, i, &p, given);
    return error;
}

LONG cf_call_add_target(struct cf_record *r, DWORD version, const LINECALLPARAMS *given)
{
    if (given == NULL || version < CF_TAPI_VERSION_2_0 || (given->dwCallParamFlags & LINECALLPARAMFLAGS_ONESTEPTRANSFER) == 0)
        return 0;
    DWORD bytes = given->dwTargetAddressSize, offset = given->dwTargetAddressOffset;
    if (offset > given->dwTotalSize || bytes > given->dwTotalSize - offset)
        return LINEERR_INVALCALLPARAMS;
    const char *text = (const char *)given + offset;
    size_t length = strnlen(text, bytes);
    if (length == 0 || length > CF_DESTINATION_MAX)
        return LINEERR_INVALADDRESS;
    return cf_fields_append(r, CF_FIELD_TARGET, text, (uint32_t)length) ? 0 : LINEERR_INVALCALLPARAMS;
}

LONG cf_call_pointer_error(HCALL call, LONG void_error)
{
    LONG error = 0;
    struct cf_asked_call a;
    if (!cf_call_enter(call, &a, &error))
        return error == LINEERR_INVALCALLHANDLE ? void_error : error;
    cf_usage_leave(a.u);
    return LINEERR_INVALPOINTER;
}

LONG cf_call_add_destination(struct cf_record *r, const char *address)
{
    if (address != NULL && strnlen(address, CF_DESTINATION_MAX + 1) > CF_DESTINATION_MAX)
        return LINEERR_INVALADDRESS;
    return cf_fields_append_text(r, CF_FIELD_DESTINATION, address) ? 0 : LINEERR_INVALADDRESS;
}

/* ------------------------------------------------------------------ giving back */

LONG lineDeallocateCall(HCALL hCall)
{
    LONG error = 0;
    struct cf_asked_call a;
    if (!cf_call_enter(hCall, &a, &error))
        return error;
    bool told = a.version < CF_TAPI_VERSION_2_0;
    bool ended = cf_handle_state_state(cf_load_relaxed_64(&a.slot->child.state)) == LINECALLSTATE_IDLE;
    if (told)
        error = ask(&a, hCall, CF_REQ_RELEASE_ASK, NULL, 0); /* H-43: the core may refuse; else it has released it */
    if (told && error != 0 && cf_load_acquire_32(&a.u->gone) != 0)
        error = 0; /* nobody is left to refuse */
    if (error == 0 && !cf_handle_child_release(&a.u->calls, cf_handle_slot(hCall), cf_handle_generation(hCall)))
        error = LINEERR_INVALCALLHANDLE;
    if (error == 0 && !told) {
        struct cf_record r;
        cf_request_init(&r, CF_REQ_RELEASE, hCall, cf_handle_slot(a.line));
        cf_request_silent(a.u, &r, !ended);
    }
    if (error == 0)
        cf_gather_forget(a.u);
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
    struct cf_asked_call a;
    struct cf_reply_call_info info;
    if (!cf_call_enter(hCall, &a, &error))
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
static bool local_status(const struct cf_asked_call *a, HCALL call, struct cf_reply_call_status *ret, bool *ret_void)
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

/* What may be done follows from the state, but where it matters whether the call stands for a conference, which the core knows. */
static bool local_features(const struct cf_asked_call *a, struct cf_reply_call_status *s)
{
    if (cf_line_caps(a->u, a->line, a->open_line) != 0)
        return false;
    s->features = cf_call_features(s->state, s->privilege, cf_load_relaxed_32(&a->open_line->call_features));
    return (s->features & (LINECALLFEATURE_PREPAREADDCONF | LINECALLFEATURE_ADDTOCONF)) == 0;
}

LONG lineGetCallStatus(HCALL hCall, LINECALLSTATUS *lpCallStatus)
{
    LONG error;
    struct cf_asked_call a;
    struct cf_reply_call_status status;
    bool ended = false;
    if (!cf_call_enter(hCall, &a, &error))
        return error;
    error = cf_struct_check(lpCallStatus, cf_version_call_status(a.version));
    if (error == 0 && local_status(&a, hCall, &status, &ended) && local_features(&a, &status))
        ended = false;
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
    struct cf_asked_call a;
    uint64_t state, parent;
    struct cf_answer_to to = {.data = &state, .bytes = 0};
    struct cf_record r;
    if (!cf_call_enter(hCall, &a, &error))
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

static LONG fill(struct cf_usage *u, uint16_t id, uint64_t device, HLINE line, uint64_t scope, LINECALLLIST *list)
{
    DWORD room = cf_struct_call_list_room(list), entries = 0;
    struct slice s;
    struct cf_answer_to to = {.data = &s, .bytes = sizeof s};
    struct cf_record r;
    uint64_t cursor = 0;
    for (uint32_t i = 0; i < SLICES_MAX; i++) {
        cf_request_init(&r, id, device, cf_handle_slot(line));
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

LONG cf_call_list_fill(struct cf_usage *u, uint16_t id, uint64_t device, HLINE line, uint64_t scope, LINECALLLIST *list)
{
    if (!seek_begin(u, line))
        return LINEERR_RESOURCEUNAVAIL;
    LONG error = fill(u, id, device, line, scope, list);
    seek_end(u, line);
    return error;
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
    DWORD address = dwSelect == LINECALLSELECT_ADDRESS ? dwAddressID : 0;
    if (error == 0)
        error = cf_call_list_fill(u, CF_REQ_NEW_CALLS, hLine, hLine, dwSelect | (uint64_t)address << 32, lpCallList);
    cf_usage_leave(u);
    return error;
}
