/*
 * What lineGenerateDigits, lineGenerateTone and lineGatherDigits mean to the model: answered at once, and then a request whose end is a message
 * to the handle that asked, LINE_GENERATE or LINE_GATHERDIGITS.
 */
#include <string.h>

#include "core/engine.h"
#include "tests/model/model.h"

enum m_apart m_apart(uint16_t id)
{
    switch (id) {
    case CF_REQ_GENERATE_DIGITS:
    case CF_CMD_GENERATE_DIGITS:
        return M_SENDS_DIGITS;
    case CF_REQ_GENERATE_TONE:
    case CF_CMD_GENERATE_TONE:
        return M_SENDS_TONE;
    case CF_REQ_GATHER_DIGITS:
    case CF_CMD_GATHER_DIGITS:
        return M_GATHERS;
    default:
        return M_NOT_APART;
    }
}

/* ------------------------------------------------------------------ what is asked for */

static bool is_digit(uint8_t digit)
{
    return digit >= '0' && digit <= '9';
}

/* The keys of a telephone; pulses have ten of them. */
static bool may_be_heard(uint64_t modes, uint8_t digit)
{
    bool more = digit == '*' || digit == '#' || (digit >= 'A' && digit <= 'D');
    return is_digit(digit) || (more && (modes & LINEDIGITMODE_DTMF) != 0);
}

static bool ends_right(const struct cf_record *r)
{
    struct cf_field f;
    if (!cf_fields_find(r, CF_FIELD_TERMINATION_DIGITS, &f))
        return true;
    for (uint32_t i = 0; i < f.bytes; i++)
        if (!may_be_heard(r->m.param1 & UINT32_MAX, f.data[i]))
            return false;
    return f.bytes <= 255;
}

/* A custom tone is made of one frequency at least, and of no more than the line can mix. */
static bool tone_right(const struct m_line *l, const struct cf_record *r)
{
    struct cf_field f;
    struct cf_tone t;
    if (!cf_fields_find(r, CF_FIELD_TONES, &f) || f.bytes == 0 || f.bytes % sizeof t != 0 ||
        f.bytes / sizeof t > l->tone_freqs)
        return false;
    for (uint32_t at = 0; at < f.bytes; at += (uint32_t)sizeof t) {
        memcpy(&t, f.data + at, sizeof t);
        if (t.frequency_hz == 0 || t.volume > 0xFFFF)
            return false;
    }
    return true;
}

static bool one_bit(uint64_t mode, uint64_t modes)
{
    return mode != 0 && (mode & (mode - 1)) == 0 && (mode & ~modes) == 0;
}

/* What is wrong whatever the line can do. */
static int32_t wrong(const struct cf_record *r, enum m_apart kind, bool stops)
{
    uint64_t mode = kind == M_GATHERS ? r->m.param1 & UINT32_MAX : r->m.param1;
    const uint64_t tones =
        LINETONEMODE_CUSTOM | LINETONEMODE_RINGBACK | LINETONEMODE_BUSY | LINETONEMODE_BEEP | LINETONEMODE_BILLING;
    if (kind == M_SENDS_DIGITS)
        return mode == LINEDIGITMODE_DTMF || mode == LINEDIGITMODE_PULSE ? 0 : LINEERR_INVALDIGITMODE;
    if (stops)
        return 0;
    if (kind == M_SENDS_TONE)
        return one_bit(mode, tones) ? 0 : LINEERR_INVALTONEMODE;
    if (mode == 0 || (mode & ~(uint64_t)(LINEDIGITMODE_DTMF | LINEDIGITMODE_PULSE)) != 0)
        return LINEERR_INVALDIGITMODE;
    return ends_right(r) ? 0 : LINEERR_INVALDIGITS;
}

static bool time_right(const struct m_line *l, uint64_t ms)
{
    return ms == 0 || (ms >= l->gather_min && ms <= l->gather_max);
}

/* What that line cannot do. */
static int32_t unable(const struct m_line *l, const struct cf_record *r, enum m_apart kind, bool stops)
{
    struct cf_field f = {0};
    if (kind == M_SENDS_DIGITS && r->m.param1 != LINEDIGITMODE_DTMF)
        return LINEERR_INVALDIGITMODE; /* it sends no pulses */
    if (kind == M_SENDS_DIGITS)
        return cf_fields_find(r, CF_FIELD_DIGITS, &f) && f.bytes > 255 ? LINEERR_RESOURCEUNAVAIL : 0;
    if (stops)
        return 0;
    if (kind == M_SENDS_TONE && (l->tone_modes & r->m.param1) == 0)
        return LINEERR_INVALTONEMODE;
    if (kind == M_SENDS_TONE)
        return r->m.param1 != LINETONEMODE_CUSTOM || tone_right(l, r) ? 0 : LINEERR_INVALTONE;
    if ((r->m.param1 & UINT32_MAX & ~(uint64_t)l->digit_modes) != 0)
        return LINEERR_INVALDIGITMODE;
    if (!time_right(l, r->m.param2 & UINT32_MAX) || !time_right(l, r->m.param2 >> 32))
        return LINEERR_INVALTIMEOUT;
    return r->m.param1 >> 32 > 100 ? LINEERR_RESOURCEUNAVAIL : 0;
}

static const uint32_t features[] = {
    [M_SENDS_DIGITS] = LINECALLFEATURE_GENERATEDIGITS,
    [M_SENDS_TONE] = LINECALLFEATURE_GENERATETONE,
    [M_GATHERS] = LINECALLFEATURE_GATHERDIGITS,
};

/* Privilege, parameters, state, abilities: in this order. */
static int32_t refusal(const struct model *m, const struct m_ref *ref, const struct cf_record *r, enum m_apart kind,
                       bool stops)
{
    const struct m_call *c = &m->calls[ref->call];
    const struct m_line *l = &m->lines[c->provider][c->line];
    if (ref->privilege != LINECALLPRIVILEGE_OWNER)
        return LINEERR_NOTOWNER;
    if (wrong(r, kind, stops) != 0)
        return wrong(r, kind, stops);
    if (c->state == LINECALLSTATE_IDLE || (kind == M_GATHERS && c->state == LINECALLSTATE_CONFERENCED))
        return LINEERR_INVALCALLSTATE;
    if ((l->features & features[kind]) == 0)
        return LINEERR_OPERATIONUNAVAIL;
    return unable(l, r, kind, stops);
}

/* It asks for nothing new: what runs is to end. */
static bool only_stops(const struct cf_record *r, enum m_apart kind)
{
    struct cf_field f;
    if (kind == M_SENDS_DIGITS)
        return !cf_fields_find(r, CF_FIELD_DIGITS, &f);
    return kind == M_SENDS_TONE ? r->m.param1 == 0 : r->m.param1 >> 32 == 0;
}

/* A digit lasts 40 to 5,000 ms, 0 is the line's own time. */
static uint64_t digit_time(uint64_t ms)
{
    return ms == 0 ? 0 : ms < 40 ? 40 : ms > 5000 ? 5000 : ms;
}

static uint32_t hash_of(const uint8_t *bytes, uint32_t count)
{
    uint32_t h = 2166136261u;
    for (uint32_t i = 0; i < count; i++)
        h = (h ^ bytes[i]) * 16777619u;
    return h;
}

/* The digits, the tones or what ends them are as they were asked for. */
bool m_apart_fields(const struct m_request *q, const struct m_output *o)
{
    return q->fields_bytes == 0
               ? o->payload_bytes == 0
               : o->payload_bytes >= q->fields_bytes && hash_of(o->payload, q->fields_bytes) == q->fields;
}

/* What the command says beside its call and its text. */
static void note_detail(struct m_request *q, const struct cf_record *r, enum m_apart kind)
{
    q->detail = r->m.param1;
    q->times = kind == M_GATHERS ? r->m.param2 : 0;
    q->fields_bytes = (uint16_t)r->payload_bytes;
    q->fields = hash_of(r->payload, r->payload_bytes);
    if (kind != M_GATHERS)
        q->detail |= (kind == M_SENDS_DIGITS ? digit_time(r->m.param2) : r->m.param2) << 32;
}

void m_answer_apart(struct model *m, struct m_answer *a, uint32_t port, struct m_ref *ref, const struct cf_record *r)
{
    struct m_call *c = &m->calls[ref->call];
    enum m_apart kind = m_apart(r->m.id);
    bool stops = only_stops(r, kind);
    if (c->ending) {
        a->any_error = true;
        return;
    }
    a->result = refusal(m, ref, r, kind, stops);
    if (a->result != 0)
        return;
    if (stops) {
        a->stops = kind;
        c->stops[kind]++;
        return;
    }
    struct m_request *q = m_request_new(m, port, r);
    q->state = M_REQUEST_FORWARD;
    q->request_id = kind == M_GATHERS ? (uint32_t)r->m.param3 : 0;
    q->open = ref->open;
    q->provider = c->provider;
    q->line = c->line;
    q->call = ref->call;
    q->call_id = c->id;
    q->handle = r->m.device;
    q->serial = m_serial_of(r, m_serial_tag(r->m.id));
    note_detail(q, r, kind);
    bool lacks = kind == M_GATHERS && (m->small || m->parties_lack); /* no block for its digits */
    q->limited = a->may_fail || lacks || m_many_requests(m, port, true);
    q->suppressed = a->may_fail;
    a->may_fail |= q->limited;
    a->request = (uint16_t)(q - m->requests + 1);
}

/* Nobody waits for its reply. */
void m_apart_stops(struct model *m, uint32_t provider, const struct m_output *o)
{
    enum m_apart kind = m_apart(o->m.id);
    bool nothing = kind == M_SENDS_DIGITS || (kind == M_SENDS_TONE ? o->m.param2 == 0 : o->m.param2 >> 32 == 0);
    for (uint32_t i = 0; i < m->calls_high && nothing; i++) {
        struct m_call *c = &m->calls[i];
        if (!c->used || c->provider != provider || c->id != o->m.device || c->stops[kind] == 0)
            continue;
        c->stops[kind]--;
        m->checked++;
        return;
    }
    m_fail(m, "provider %u: command %#x that stops what runs on %#lx, nobody asked for it", provider, o->m.id,
           o->m.device);
}

void m_apart_refused(struct model *m, const struct m_answer *a)
{
    if (a->request != 0)
        m->requests[a->request - 1].used = false;
    if (a->stops != M_NOT_APART && m->calls[a->call].stops[a->stops] != 0)
        m->calls[a->call].stops[a->stops]--;
}

/* ------------------------------------------------------------------ how it ends */

/* The provider's reply: how the gathering ended, and the digits, of which those that were not asked for are none. */
void m_gather_ended(struct m_request *q, const struct cf_record *r)
{
    const uint64_t terms = LINEGATHERTERM_BUFFERFULL | LINEGATHERTERM_TERMDIGIT | LINEGATHERTERM_FIRSTTIMEOUT |
                           LINEGATHERTERM_INTERTIMEOUT | LINEGATHERTERM_CANCEL;
    struct cf_field f;
    q->term = LINEGATHERTERM_CANCEL;
    if (q->result != 0 || !one_bit(r->m.param3, terms))
        return;
    q->term = (uint8_t)r->m.param3;
    if (!cf_fields_find(r, CF_FIELD_DIGITS, &f))
        return;
    for (uint32_t i = 0; i < f.bytes && q->text_bytes < q->detail >> 32; i++)
        if (may_be_heard(q->detail & UINT32_MAX, f.data[i]))
            q->text[q->text_bytes++] = (char)f.data[i];
}

/* One that this handle began and that has ended; count: how many there are. */
static bool has_ended(const struct m_request *q, const struct m_output *o, bool gathers)
{
    enum m_apart kind = m_apart(q->id);
    return q->used && q->port == o->port && kind != M_NOT_APART && (kind == M_GATHERS) == gathers &&
           q->handle == o->m.device && q->state == M_REQUEST_REPLY && q->suppressed != 2;
}

static bool time_of_end(const struct m_request *q, const struct m_output *o)
{
    return o->m.param3 == (uint32_t)(o->m.time_ns / 1000000) && (q->ended_ns == 0 || o->m.time_ns == q->ended_ns);
}

/* LINE_GENERATE: some digits, or a tone, that this handle sent have ended like that, the first of those that did at that time. */
void m_generate(struct model *m, const struct m_output *o)
{
    struct m_request *found = NULL;
    uint32_t ended = 0;
    for (uint32_t i = 0; i < m->requests_high; i++) {
        struct m_request *q = &m->requests[i];
        if (!has_ended(q, o, false))
            continue;
        ended++;
        uint32_t how = q->any_error || q->result != 0 ? LINEGENERATETERM_CANCEL : LINEGENERATETERM_DONE;
        if (o->m.param1 == how && time_of_end(q, o) && (found == NULL || q->ended < found->ended))
            found = q;
    }
    if (found == NULL || o->m.param2 != 0)
        m_fail(m, "port %u: LINE_GENERATE %lu (%lu, %lu) of %#lx at %ld, of which %u digits or tones have ended",
               o->port, o->m.param1, o->m.param2, o->m.param3, o->m.device, o->m.time_ns, ended);
    else
        m_request_told(m, found);
}

/* LINE_GATHERDIGITS: the library's number says which of them. */
void m_gathered(struct model *m, const struct m_output *o)
{
    for (uint32_t i = 0; i < m->requests_high; i++) {
        struct m_request *q = &m->requests[i];
        if (!has_ended(q, o, true) || o->m.param2 != q->request_id)
            continue;
        uint32_t term = q->any_error ? LINEGATHERTERM_CANCEL : q->term;
        if (o->m.param1 != term || !time_of_end(q, o))
            m_fail(m, "port %u: gathering %u ended with %lu at %ld (%lu), expected %u at %ld", o->port, q->request_id,
                   o->m.param1, o->m.time_ns, o->m.param3, term, q->ended_ns);
        else if (!m_text_brought(o, CF_FIELD_DIGITS, q))
            m_fail(m, "port %u: gathering %u got %u other digits", o->port, q->request_id, q->text_bytes);
        m_request_told(m, q);
        return;
    }
    m_fail(m, "port %u: LINE_GATHERDIGITS of number %lu, handle %#lx, which has not ended", o->port, o->m.param2,
           o->m.device);
}
