/* Digits and tones: what an owner sends on a call. */
#include "core/requests.h"

/* One of the two functions, as it was asked and as its provider is. */
struct sending {
    uint16_t command;
    uint64_t mode; /* and the duration << 32 */
    uint16_t tag;  /* of data; 0: it only stops what runs */
    const void *data;
    uint32_t bytes;
};

/*
 * A request like the others until the provider replies, whose reply is LINE_GENERATE: that is why it is never lost, counts against the
 * limit of its own and ends with the provider. One per call at a time: the provider stops an earlier one and replies to it first. Nobody
 * waits for the reply of a stop; what it stops has a reply of its own.
 */
static int32_t send(struct cf_engine *e, uint32_t port, const struct cf_asked *a, const struct sending *s, bool stops) {
    uint32_t at = stops ? CF_INDEX_NONE : cf_request_of_call(e, port, a);
    uint64_t number = 0;
    if (!stops && at == CF_INDEX_NONE)
        return LINEERR_RESOURCEUNAVAIL;
    if (!stops) {
        struct cf_request *q = &e->view[port].requests[at];
        q->handle = a->index;
        q->handle_generation = a->handle->generation;
        number = cf_request_number(e, port, at);
    }
    struct cf_record *r = cf_output_begin(e, s->command, a->call->provider_call, number, s->mode, 0);
    if (s->tag != 0)
        cf_fields_append(r, s->tag, s->data, s->bytes);
    if (cf_output_command(e, a->call->provider, CF_PROVIDER_KEEP_REQUESTS))
        return 0;
    if (!stops)
        cf_request_free(e, port, at);
    return LINEERR_RESOURCEUNAVAIL;
}

static int32_t generate_digits(struct cf_engine *e, uint32_t port, const struct cf_asked *a) {
    const struct cf_message *m = &e->in.m;
    char digits[CF_DIGITS_MAX];
    struct cf_field f;
    bool mode_valid = m->param1 == LINEDIGITMODE_PULSE || m->param1 == LINEDIGITMODE_DTMF;
    int32_t refusal = cf_request_refusal(e, a, LINECALLFEATURE_GENERATEDIGITS, mode_valid ? 0 : LINEERR_INVALDIGITMODE);
    if (refusal != 0)
        return refusal;
    if ((e->infos[a->call->line].caps.digit_modes & m->param1) == 0)
        return LINEERR_INVALDIGITMODE;
    struct sending s = {.command = CF_CMD_GENERATE_DIGITS, .mode = m->param1 | (uint64_t)cf_digit_ms(m->param2) << 32};
    bool stops = !cf_fields_find(&e->in, CF_FIELD_DIGITS, &f);
    if (!stops && f.bytes > CF_DIGITS_MAX)
        return LINEERR_RESOURCEUNAVAIL;
    if (!stops) {
        s.tag = CF_FIELD_DIGITS;
        s.data = digits;
        s.bytes = cf_digits_copy(digits, (uint32_t)m->param1, f.data, f.bytes);
    }
    return send(e, port, a, &s, stops);
}

/* A custom tone is made of one frequency or more, each with its cadence and volume. */
static bool tone_valid(const struct cf_field *f, uint32_t freqs) {
    struct cf_tone t;
    if (f->bytes == 0 || f->bytes % sizeof t != 0 || f->bytes / sizeof t > freqs)
        return false;
    for (uint32_t at = 0; at < f->bytes; at += (uint32_t)sizeof t) {
        memcpy(&t, f->data + at, sizeof t);
        if (t.frequency_hz == 0 || t.volume > CF_VOLUME_MAX)
            return false;
    }
    return true;
}

static int32_t generate_tone(struct cf_engine *e, uint32_t port, const struct cf_asked *a) {
    const struct cf_message *m = &e->in.m;
    const struct cf_line_caps *caps = &e->infos[a->call->line].caps;
    bool stops = m->param1 == 0;
    struct cf_field f = {0};
    int32_t wrong = stops || cf_one_of(m->param1, CF_TONE_MODES) ? 0 : LINEERR_INVALTONEMODE;
    int32_t refusal = cf_request_refusal(e, a, LINECALLFEATURE_GENERATETONE, wrong);
    if (refusal != 0)
        return refusal;
    if (!stops && (caps->generate_tone_modes & m->param1) == 0)
        return LINEERR_INVALTONEMODE;
    bool custom = m->param1 == LINETONEMODE_CUSTOM;
    if (custom && (!cf_fields_find(&e->in, CF_FIELD_TONES, &f) || !tone_valid(&f, caps->generate_tone_freqs)))
        return LINEERR_INVALTONE;
    const struct sending s = {.command = CF_CMD_GENERATE_TONE, .mode = stops ? 0 : m->param1 | (m->param2 & UINT32_MAX) << 32,
                              .tag = custom ? CF_FIELD_TONES : 0, .data = f.data, .bytes = f.bytes};
    return send(e, port, a, &s, stops);
}

bool cf_digits_take(struct cf_engine *e, uint32_t port) {
    uint16_t id = e->in.m.id;
    if (id != CF_REQ_GENERATE_DIGITS && id != CF_REQ_GENERATE_TONE)
        return false;
    struct cf_asked a = cf_request_asked(e, port);
    int32_t result = a.call == NULL                 ? LINEERR_INVALCALLHANDLE
                     : id == CF_REQ_GENERATE_DIGITS ? generate_digits(e, port, &a)
                                                    : generate_tone(e, port, &a);
    cf_output_answer(e, port, result, NULL, 0);
    return true;
}
