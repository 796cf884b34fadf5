/*
 * Digits, tones and media: what is sent on a call, what is listened for, and what is waited for.
 *
 * Shape      gathering: an entry per lineGatherDigits that has no LINE_GATHERDIGITS yet, with the application's buffer; the request
 *            brings the entry's number, and the message brings it back with the digits
 * Invariant  a buffer is written when its message is handed out, and never after lineDeallocateCall or lineClose have returned
 * Writers    entries: under down_lock
 * Errors     NOTOWNER, INVALCALLSTATE, OPERATIONUNAVAIL and what the line cannot do come from the core, in the answer
 * Source     TAPI reference: lineGenerateDigits, lineGenerateTone, lineMonitorDigits, lineMonitorMedia, lineMonitorTones,
 *            lineGatherDigits; rules H-38, H-51
 */
#include <assert.h>
#include <string.h>

#include "client/internal.h"
#include "shm/fields.h"
#include "shm/operations.h"

/* Enters the call and begins a request about it; 0 or the error. */
static LONG begin(HCALL call, uint16_t id, struct cf_asked_call *a, struct cf_record *r)
{
    LONG error = 0;
    if (!cf_call_enter(call, a, &error)) {
        assert(error != 0);
        return error;
    }
    cf_request_init(r, id, call, cf_handle_slot(a->line));
    return 0;
}

/* Asks, unless something is wrong with the parameters, and leaves the call. */
static LONG ask(struct cf_asked_call *a, struct cf_record *r, LONG error)
{
    if (error == 0)
        error = cf_request_sync(a->u, r, NULL);
    cf_usage_leave(a->u);
    return error;
}

/* ------------------------------------------------------------------ sending */

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
    struct cf_asked_call a;
    struct cf_record r;
    LONG error = begin(hCall, CF_REQ_GENERATE_DIGITS, &a, &r);
    if (error != 0)
        return error;
    r.m.param1 = dwDigitMode;
    r.m.param2 = cf_digit_ms(dwDuration);
    return ask(&a, &r, add_digits(&r, dwDigitMode, lpszDigits));
}

_Static_assert(sizeof(LINEGENERATETONE) == sizeof(struct cf_tone), "the same members");
_Static_assert(sizeof(LINEMONITORTONE) == sizeof(struct cf_heard_tone), "the same members");

/* The frequencies of a custom tone, copied once and then judged. */
static LONG add_tone(struct cf_record *r, const LINEGENERATETONE *tones, DWORD count)
{
    struct cf_tone copy[CF_TONES_MAX];
    if (tones == NULL)
        return LINEERR_INVALPOINTER;
    if (count == 0 || count > CF_TONES_MAX)
        return LINEERR_INVALTONE;
    memcpy(copy, tones, count * sizeof copy[0]);
    for (DWORD i = 0; i < count; i++)
        if (copy[i].frequency_hz == 0 || copy[i].volume > CF_VOLUME_MAX)
            return LINEERR_INVALTONE;
    return cf_fields_append(r, CF_FIELD_TONES, copy, count * (uint32_t)sizeof copy[0]) ? 0 : LINEERR_RESOURCEUNAVAIL;
}

LONG lineGenerateTone(HCALL hCall, DWORD dwToneMode, DWORD dwDuration, DWORD dwNumTones,
                      const LINEGENERATETONE *lpTones)
{
    struct cf_asked_call a;
    struct cf_record r;
    LONG error = begin(hCall, CF_REQ_GENERATE_TONE, &a, &r);
    if (error != 0)
        return error;
    r.m.param1 = dwToneMode;
    r.m.param2 = dwDuration;
    if (dwToneMode != 0 && !cf_one_of(dwToneMode, CF_TONE_MODES))
        error = LINEERR_INVALTONEMODE;
    else if (dwToneMode == LINETONEMODE_CUSTOM)
        error = add_tone(&r, lpTones, dwNumTones);
    return ask(&a, &r, error);
}

/* ------------------------------------------------------------------ listening */

LONG lineMonitorDigits(HCALL hCall, DWORD dwDigitModes)
{
    struct cf_asked_call a;
    struct cf_record r;
    LONG error = begin(hCall, CF_REQ_MONITOR_DIGITS, &a, &r);
    if (error != 0)
        return error;
    r.m.param1 = dwDigitModes;
    return ask(&a, &r, (dwDigitModes & ~CF_DIGIT_MODES) != 0 ? LINEERR_INVALDIGITMODE : 0);
}

LONG lineMonitorMedia(HCALL hCall, DWORD dwMediaModes)
{
    struct cf_asked_call a;
    struct cf_record r;
    LONG error = begin(hCall, CF_REQ_MONITOR_MEDIA, &a, &r);
    if (error != 0)
        return error;
    r.m.param1 = dwMediaModes;
    return ask(&a, &r, (dwMediaModes & ~CF_MEDIA_MODES) != 0 ? LINEERR_INVALMEDIAMODE : 0);
}

LONG lineMonitorTones(HCALL hCall, const LINEMONITORTONE *lpToneList, DWORD dwNumEntries)
{
    struct cf_asked_call a;
    struct cf_record r;
    LONG error = begin(hCall, CF_REQ_MONITOR_TONES, &a, &r);
    if (error != 0)
        return error;
    if (lpToneList != NULL && dwNumEntries == 0)
        error = LINEERR_INVALTONE;
    else if (lpToneList != NULL &&
             (dwNumEntries > CF_TONES_MAX ||
              !cf_fields_append(&r, CF_FIELD_TONES, lpToneList, dwNumEntries * (uint32_t)sizeof *lpToneList)))
        error = LINEERR_RESOURCEUNAVAIL;
    return ask(&a, &r, error);
}

/* ------------------------------------------------------------------ gathering */

#define PLACE_MASK (CF_REQUESTS_PER_PORT_MAX - 1)

static bool call_is_live(const struct cf_usage *u, HCALL call)
{
    return cf_handle_child_read(&u->calls, cf_handle_slot(call), cf_handle_generation(call), NULL, NULL) != NULL;
}

static void forget(struct cf_usage *u, struct cf_gathering *g)
{
    g->number = 0;
    cf_store_release_32(&u->gatherings_live, u->gatherings_live - 1); /* D1: its buffer is not written any more */
}

/* Those of handles that are void: nothing will be told of them (H-51). Under down_lock. */
static void forget_void(struct cf_usage *u)
{
    for (uint32_t i = 0; i < u->gatherings_used; i++)
        if (u->gatherings[i].number != 0 && !call_is_live(u, u->gatherings[i].call))
            forget(u, &u->gatherings[i]);
}

void cf_gather_forget(struct cf_usage *u)
{
    if (cf_load_acquire_32(&u->gatherings_live) == 0) /* D1 pairs with D1 in forget */
        return;
    pthread_mutex_lock(&u->down_lock);
    forget_void(u);
    pthread_mutex_unlock(&u->down_lock);
}

/* A free place; CF_REQUESTS_PER_PORT_MAX: there is none. Under down_lock. */
static uint32_t free_place(struct cf_usage *u)
{
    for (uint32_t i = 0; i < u->gatherings_used; i++)
        if (u->gatherings[i].number == 0)
            return i;
    if (u->gatherings_used < CF_REQUESTS_PER_PORT_MAX)
        return u->gatherings_used++;
    forget_void(u); /* of lines that were closed by force */
    for (uint32_t i = 0; i < u->gatherings_used; i++)
        if (u->gatherings[i].number == 0)
            return i;
    return CF_REQUESTS_PER_PORT_MAX;
}

/* Before the request is sent. The handle may be given back meanwhile: then the core refuses, or the message finds no call. */
static LONG remember(struct cf_usage *u, HCALL call, char *digits, uint32_t wanted, uint32_t *ret_number)
{
    LONG error = 0;
    pthread_mutex_lock(&u->down_lock);
    uint32_t place = free_place(u);
    if (!call_is_live(u, call)) {
        error = LINEERR_INVALCALLHANDLE;
    } else if (place == CF_REQUESTS_PER_PORT_MAX) {
        error = LINEERR_RESOURCEUNAVAIL;
    } else {
        u->gathering_serial = (u->gathering_serial + 1) % (UINT32_MAX / CF_REQUESTS_PER_PORT_MAX);
        *ret_number = (u->gathering_serial + 1) * CF_REQUESTS_PER_PORT_MAX + place;
        u->gatherings[place] =
            (struct cf_gathering){.number = *ret_number, .wanted = wanted, .call = call, .digits = digits};
        cf_store_relaxed_32(&u->gatherings_live, u->gatherings_live + 1);
    }
    pthread_mutex_unlock(&u->down_lock);
    return error;
}

/* The entry; NULL: none with that number. Under down_lock. */
static struct cf_gathering *find(struct cf_usage *u, uint64_t number)
{
    struct cf_gathering *g = &u->gatherings[number & PLACE_MASK];
    return number != 0 && g->number == number ? g : NULL;
}

bool cf_gather_complete(struct cf_usage *u, uint64_t number, HCALL call, const struct cf_field *digits)
{
    struct cf_gathering *g = find(u, number);
    if (g == NULL || g->call != call)
        return false;
    if (digits != NULL) {
        uint32_t bytes = digits->bytes < g->wanted ? digits->bytes : g->wanted;
        if (bytes != 0)
            memcpy(g->digits, digits->data, bytes);
        if (bytes < g->wanted)
            g->digits[bytes] = '\0';
    }
    forget(u, g);
    return true;
}

static LONG check_gather(struct cf_record *r, DWORD modes, DWORD count, const char *ends)
{
    size_t length = ends == NULL ? 0 : strnlen(ends, CF_DIGITS_MAX + 1);
    if (!cf_gather_modes_valid(modes))
        return LINEERR_INVALDIGITMODE;
    if (count == 0)
        return LINEERR_INVALPARAM;
    if (length > CF_DIGITS_MAX || !cf_gather_digits_valid(modes, ends, (uint32_t)length))
        return LINEERR_INVALDIGITS;
    if (count > CF_GATHER_MAX)
        return LINEERR_RESOURCEUNAVAIL;
    return length == 0 || cf_fields_append(r, CF_FIELD_TERMINATION_DIGITS, ends, (uint32_t)length)
               ? 0
               : LINEERR_RESOURCEUNAVAIL;
}

LONG lineGatherDigits(HCALL hCall, DWORD dwDigitModes, char *lpsDigits, DWORD dwNumDigits,
                      const char *lpszTerminationDigits, DWORD dwFirstDigitTimeout, DWORD dwInterDigitTimeout)
{
    struct cf_asked_call a;
    struct cf_record r;
    uint32_t number = 0;
    LONG error = begin(hCall, CF_REQ_GATHER_DIGITS, &a, &r);
    if (error != 0)
        return error;
    if (lpsDigits == NULL)
        return ask(&a, &r, 0); /* what runs is to end; the other parameters are not looked at */
    r.m.param1 = dwDigitModes | (uint64_t)dwNumDigits << 32;
    r.m.param2 = dwFirstDigitTimeout | (uint64_t)dwInterDigitTimeout << 32;
    error = check_gather(&r, dwDigitModes, dwNumDigits, lpszTerminationDigits);
    if (error == 0)
        error = remember(a.u, hCall, lpsDigits, dwNumDigits, &number);
    r.m.param3 = number;
    if (error == 0)
        error = cf_request_sync(a.u, &r, NULL);
    if (error != 0 && number != 0) {
        pthread_mutex_lock(&a.u->down_lock);
        cf_gather_complete(a.u, number, hCall, NULL);
        pthread_mutex_unlock(&a.u->down_lock);
    }
    cf_usage_leave(a.u);
    return error;
}
