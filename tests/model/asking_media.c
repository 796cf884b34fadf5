/* What the applications of the simulation ask about digits, media and tones of their calls. */
#include <stdio.h>
#include <string.h>

#include "tests/model/asking.h"

/* One digit more than there may be. */
static void append_too_many(struct cf_record *r, uint16_t tag)
{
    char digits[256];
    memset(digits, '1', sizeof digits);
    cf_fields_append(r, tag, digits, sizeof digits);
}

/* lineGenerateDigits; their number tells one request from another. */
static struct cf_record *digits_request(struct sim *s, uint64_t handle, uint32_t open)
{
    static const uint32_t modes[] = {
        LINEDIGITMODE_DTMF, LINEDIGITMODE_DTMF, LINEDIGITMODE_DTMF, LINEDIGITMODE_DTMF,  LINEDIGITMODE_DTMF,
        LINEDIGITMODE_DTMF, LINEDIGITMODE_DTMF, LINEDIGITMODE_DTMF, LINEDIGITMODE_PULSE, 3};
    static const uint32_t times[] = {0, 0, 1, 40, 100, 6000};
    char text[16];
    struct cf_record *r = sim_request(CF_REQ_GENERATE_DIGITS, handle, open);
    r->m.param1 = modes[sim_below(&s->random, 10)];
    r->m.param2 = times[sim_below(&s->random, 6)];
    snprintf(text, sizeof text, "#%u", ++s->serial);
    if (sim_chance(&s->random, 2))
        append_too_many(r, CF_FIELD_DIGITS);
    else if (sim_chance(&s->random, 80))
        cf_fields_append_text(r, CF_FIELD_DIGITS, text);
    return r;
}

/* lineGenerateTone; how long it is tells one request from another. */
static struct cf_record *tone_request(struct sim *s, uint64_t handle, uint32_t open)
{
    static const uint32_t modes[] = {
        LINETONEMODE_BUSY, LINETONEMODE_CUSTOM, LINETONEMODE_CUSTOM, LINETONEMODE_BEEP, 0, 3, 0x100};
    struct cf_tone tones[4];
    struct cf_record *r = sim_request(CF_REQ_GENERATE_TONE, handle, open);
    r->m.param1 = modes[sim_below(&s->random, sim_chance(&s->random, 90) ? 5 : 7)];
    r->m.param2 = ++s->serial;
    uint32_t n = sim_below(&s->random, sim_chance(&s->random, 90) ? 4 : 5);
    for (uint32_t i = 0; i < n; i++)
        tones[i] = (struct cf_tone){.frequency_hz = sim_chance(&s->random, 95) ? 440 : 0,
                                    .on_ms = 10,
                                    .off_ms = 10,
                                    .volume = sim_chance(&s->random, 95) ? 0xFFFF : 0x10000};
    if (r->m.param1 == LINETONEMODE_CUSTOM && sim_chance(&s->random, 95))
        cf_fields_append(r, CF_FIELD_TONES, tones,
                         n * (uint32_t)sizeof tones[0] - (n != 0 && sim_chance(&s->random, 3)));
    return r;
}

/* Digits that end it: their number tells one request from another. Now and then letters, or none. */
static void append_ends(struct sim *s, struct cf_record *r, uint32_t call)
{
    char text[16];
    if (sim_chance(&s->random, 2))
        append_too_many(r, CF_FIELD_TERMINATION_DIGITS);
    if (r->payload_bytes != 0 || (sim_chance(&s->random, 10) && !sim_asked_already(s, r->m.id, call)))
        return;
    snprintf(text, sizeof text, "%c%u",
             sim_chance(&s->random, 70)   ? '0'
             : sim_chance(&s->random, 90) ? '#'
                                          : ',',
             ++s->serial);
    cf_fields_append_text(r, CF_FIELD_TERMINATION_DIGITS, text);
}

/* lineGatherDigits: the library's number, which comes back, is the port's own. */
static struct cf_record *gather_request(struct sim *s, uint32_t port, const struct m_ref *ref)
{
    static const uint32_t modes[] = {LINEDIGITMODE_DTMF,   LINEDIGITMODE_DTMF, LINEDIGITMODE_PULSE, 3, 0,
                                     LINEDIGITMODE_DTMFEND},
                          times[] = {0, 0, 0, 0, 5, 1000000, 4, 1000001};
    struct cf_record *r = sim_request(CF_REQ_GATHER_DIGITS, ref->handle, ref->open);
    uint64_t count = sim_chance(&s->random, 85) ? 1 + sim_below(&s->random, sim_chance(&s->random, 95) ? 100 : 102) : 0;
    r->m.param1 = modes[sim_below(&s->random, sim_chance(&s->random, 60)   ? 2
                                              : sim_chance(&s->random, 90) ? 4
                                                                           : 6)] |
                  count << 32;
    r->m.param2 = times[sim_below(&s->random, sim_chance(&s->random, 95) ? 6 : 8)];
    r->m.param2 |= (uint64_t)times[sim_below(&s->random, sim_chance(&s->random, 95) ? 6 : 8)] << 32;
    r->m.param3 = ++s->ports[port].next_request_id;
    append_ends(s, r, ref->call);
    return r;
}

static bool may_succeed(const struct sim *s, const struct m_ref *ref)
{
    const struct m_call *c = &s->model.calls[ref->call];
    return ref->privilege == LINECALLPRIVILEGE_OWNER &&
           (s->model.lines[c->provider][c->line].features & LINECALLFEATURE_GATHERDIGITS) != 0;
}

/* What is sent on a call, and what is gathered. */
void sim_put_apart(struct sim *s, uint32_t port)
{
    struct m_ref *ref = sim_wished_ref(s, port, (struct sim_wish){~LINECALLSTATE_IDLE, NULL, false, false});
    if (ref == NULL || !sim_may_ask(s, port, true) || (!may_succeed(s, ref) && sim_chance(&s->random, 75)))
        return;
    uint32_t what = sim_below(&s->random, 100);
    struct cf_record *r = what < 60   ? gather_request(s, port, ref)
                          : what < 75 ? digits_request(s, ref->handle, ref->open)
                                      : tone_request(s, ref->handle, ref->open);
    if (sim_chance(&s->random, 2))
        r->m.device += UINT64_C(0x40000000) << 32; /* a life that it never had */
    sim_put_sync(s, port, r);
}

/* lineMonitorTones: what its first tone is called tells one list from another. Now and then what the line cannot tell, or no list at all. */
static void append_tones(struct sim *s, struct cf_record *r)
{
    struct cf_heard_tone tones[6];
    uint32_t n = sim_chance(&s->random, 90) ? 1 : sim_below(&s->random, 6);
    memset(tones, 0, sizeof tones);
    for (uint32_t i = 0; i < n; i++) {
        tones[i] = (struct cf_heard_tone){.app_specific = ++s->serial, .duration_ms = 100, .frequency_hz = {440, 0, 0}};
        if (sim_chance(&s->random, 10))
            tones[i].frequency_hz[1 + sim_below(&s->random, 2)] = 620;
        if (sim_chance(&s->random, 3))
            tones[i].frequency_hz[1] = tones[i].frequency_hz[2] = 880;
    }
    uint32_t bytes = n * (uint32_t)sizeof tones[0];
    cf_fields_append(r, CF_FIELD_TONES, tones, bytes + (sim_chance(&s->random, 3) ? 4 : 0));
}

static bool is_listened_to(const struct sim *s, uint32_t call)
{
    return s->model.calls[call].listened[M_DIGITS] != 0 || s->model.calls[call].listened[M_MEDIA] != 0;
}

/* lineMonitorDigits, lineMonitorMedia, lineMonitorTones: also of modes that the line does not hear, and of none that there is. */
void sim_put_listen(struct sim *s, uint32_t port)
{
    static const uint32_t digits[] = {0, 1, 2, 2, 2, 2, 3, 6};
    static const uint32_t media[] = {LINEMEDIAMODE_G3FAX, LINEMEDIAMODE_G3FAX | LINEMEDIAMODE_TDD,
                                     LINEMEDIAMODE_DATAMODEM, 0, 0x10000};
    uint32_t what = sim_below(&s->random, 100), some = sim_below(&s->random, sim_chance(&s->random, 95) ? 4 : 5);
    const struct sim_wish wish = {~(LINECALLSTATE_IDLE | LINECALLSTATE_DISCONNECTED), NULL, false, true};
    struct m_ref *ref = sim_wished_ref(s, port, wish);
    for (uint32_t tries = 0; tries < 6 && s->crowd && ref != NULL && !is_listened_to(s, ref->call); tries++)
        ref = sim_wished_ref(s, port, wish);
    if (ref == NULL)
        return;
    struct cf_record *r = sim_request(CF_REQ_MONITOR_DIGITS, ref->handle, ref->open);
    if (what < 40) {
        r->m.param1 = some < 4 ? digits[sim_below(&s->random, 8)] : 8;
    } else if (what < 65) {
        r->m.id = CF_REQ_MONITOR_MEDIA;
        r->m.param1 = media[some];
    } else {
        r->m.id = CF_REQ_MONITOR_TONES;
        if (sim_chance(&s->random, 75))
            append_tones(s, r);
    }
    sim_put_sync(s, port, r);
}
