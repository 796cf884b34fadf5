/*
 * Owners: handing a call to another application, what an owner writes on it, and who comes first.
 *
 * Shape      synchronous requests; the core judges privilege and state
 * Errors     of lineSetAppPriority and lineGetAppPriority also those of joining the service: they need no HLINEAPP
 * Source     TAPI reference: lineHandoff, lineSetAppSpecific, lineSetMediaMode, lineSetAppPriority, lineGetAppPriority; H-18, H-59
 */
#include <string.h>

#include "client/internal.h"
#include "shm/fields.h"
#include "shm/operations.h"

/* ------------------------------------------------------------------ of a call */

static LONG ask_of_call(HCALL call, uint16_t id, uint64_t param1, LONG refusal, const char *target)
{
    LONG error;
    struct cf_asked_call a;
    struct cf_record r;
    if (!cf_call_enter(call, &a, &error))
        return error;
    cf_request_init(&r, id, call, cf_handle_slot(a.line));
    r.m.param1 = param1;
    error = refusal;
    if (error == 0 && target != NULL && !cf_fields_append(&r, CF_FIELD_TARGET, target, (uint32_t)strlen(target)))
        error = LINEERR_TARGETNOTFOUND;
    if (error == 0)
        error = cf_request_sync(a.u, &r, NULL);
    cf_usage_leave(a.u);
    return error;
}

LONG lineHandoff(HCALL hCall, const char *lpszFileName, DWORD dwMediaMode)
{
    LONG refusal = 0;
    if (lpszFileName == NULL)
        refusal = cf_media_mode_valid(dwMediaMode) ? 0 : LINEERR_INVALMEDIAMODE;
    else if (strnlen(lpszFileName, CF_NAME_MAX) == CF_NAME_MAX)
        refusal = LINEERR_TARGETNOTFOUND; /* no application has such a name */
    return ask_of_call(hCall, CF_REQ_HANDOFF, dwMediaMode, refusal, lpszFileName);
}

LONG lineSetAppSpecific(HCALL hCall, DWORD dwAppSpecific)
{
    return ask_of_call(hCall, CF_REQ_SET_APP_SPECIFIC, dwAppSpecific, 0, NULL);
}

LONG lineSetMediaMode(HCALL hCall, DWORD dwMediaModes)
{
    LONG refusal = cf_media_modes_valid(dwMediaModes) ? 0 : LINEERR_INVALMEDIAMODE;
    return ask_of_call(hCall, CF_REQ_SET_MEDIA_MODE, dwMediaModes, refusal, NULL);
}

/* ------------------------------------------------------------------ of nobody's line */

/* Any usage of the process will do; where there is none, one for the moment: *ret_app is to be shut down then. */
static struct cf_usage *enter_service(HLINEAPP *ret_app, LONG *ret_error)
{
    DWORD devices, version = TAPI_CURRENT_VERSION;
    *ret_app = 0;
    struct cf_usage *u = cf_usage_enter_any();
    if (u != NULL)
        return u;
    *ret_error = lineInitializeEx(ret_app, NULL, NULL, NULL, &devices, &version, NULL);
    return *ret_error == 0 ? cf_usage_enter_app(*ret_app, ret_error) : NULL;
}

static LONG ask_of_name(uint16_t id, const char *name, DWORD media_mode, DWORD priority, struct cf_answer_to *to)
{
    LONG error = 0;
    HLINEAPP app;
    struct cf_record r;
    struct cf_usage *u = enter_service(&app, &error);
    if (u == NULL)
        return error;
    cf_request_init(&r, id, 0, CF_INDEX_NONE);
    r.m.param1 = media_mode;
    r.m.param2 = priority;
    error = cf_fields_append_text(&r, CF_FIELD_APP_PRIORITY, name) ? cf_request_sync(u, &r, to) : LINEERR_INVALAPPNAME;
    cf_usage_leave(u);
    if (app != 0)
        lineShutdown(app);
    return error;
}

/* Media mode 0 asks for the lists of assisted telephony, which are not there. */
static LONG check_name_and_mode(const char *name, DWORD media_mode)
{
    if (name == NULL)
        return LINEERR_INVALPOINTER;
    if (*name == '\0' || strnlen(name, CF_NAME_MAX) == CF_NAME_MAX)
        return LINEERR_INVALAPPNAME;
    if (media_mode == 0)
        return LINEERR_INVALREQUESTMODE;
    return cf_media_mode_valid(media_mode) ? 0 : LINEERR_INVALMEDIAMODE;
}

LONG lineSetAppPriority(const char *lpszAppFilename, DWORD dwMediaMode, LINEEXTENSIONID *lpExtensionID,
                        DWORD dwRequestMode, const char *lpszExtensionName, DWORD dwPriority)
{
    LONG error = check_name_and_mode(lpszAppFilename, dwMediaMode);
    (void)lpExtensionID;
    (void)dwRequestMode;
    (void)lpszExtensionName;
    if (error == 0 && dwPriority > 1)
        error = LINEERR_INVALPARAM;
    return error != 0 ? error
                      : ask_of_name(CF_REQ_SET_APP_PRIORITY, lpszAppFilename, dwMediaMode, dwPriority, NULL);
}

LONG lineGetAppPriority(const char *lpszAppFilename, DWORD dwMediaMode, LINEEXTENSIONID *lpExtensionID,
                        DWORD dwRequestMode, VARSTRING *lpExtensionName, DWORD *lpdwPriority)
{
    struct cf_reply_app_priority answer = {0};
    struct cf_answer_to to = {.data = &answer, .bytes = sizeof answer};
    LONG error = lpdwPriority == NULL ? LINEERR_INVALPOINTER : check_name_and_mode(lpszAppFilename, dwMediaMode);
    (void)lpExtensionID;
    (void)dwRequestMode;
    (void)lpExtensionName;
    if (error == 0)
        error = ask_of_name(CF_REQ_GET_APP_PRIORITY, lpszAppFilename, dwMediaMode, 0, &to);
    if (error == 0)
        *lpdwPriority = answer.priority;
    return error;
}
