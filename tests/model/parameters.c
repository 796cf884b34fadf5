/* What parameters of requests mean to the model: which are wrong, which a line cannot do, which text tells a request from others. */
#include <stdlib.h>
#include <string.h>

#include "core/engine.h"
#include "tests/model/model.h"

/* ------------------------------------------------------------------ telling requests apart */

uint16_t m_serial_tag(uint16_t request) {
    switch (request) {
    case CF_REQ_MAKE_CALL:
    case CF_REQ_DIAL:
    case CF_REQ_REDIRECT:
    case CF_REQ_PARK:
    case CF_REQ_UNPARK:
    case CF_REQ_PICKUP:
        return CF_FIELD_DESTINATION;
    case CF_REQ_FORWARD:
    case CF_REQ_SEND_USER_USER:
        return CF_FIELD_USER_USER;
    case CF_REQ_SET_CALL_DATA:
        return CF_FIELD_CALL_DATA;
    case CF_REQ_DEV_SPECIFIC:
        return CF_FIELD_DEV_SPECIFIC;
    case CF_REQ_GENERATE_DIGITS:
        return CF_FIELD_DIGITS;
    case CF_REQ_GATHER_DIGITS:
        return CF_FIELD_TERMINATION_DIGITS;
    default:
        return CF_FIELD_TARGET;
    }
}

uint32_t m_request_serial(const struct cf_record *r) {
    uint32_t serial = m_serial_of(r, m_serial_tag(r->m.id));
    return serial == 0 && r->m.id == CF_REQ_PICKUP ? m_serial_of(r, CF_FIELD_GROUP) : serial;
}

/* ------------------------------------------------------------------ what is wrong */

static bool single(uint64_t mode, uint64_t modes) { return mode != 0 && (mode & (mode - 1)) == 0 && (mode & ~modes) == 0; }

static int32_t wrong_completion(const struct m_line *l, const struct cf_record *r) {
    const uint64_t modes = LINECALLCOMPLMODE_CAMPON | LINECALLCOMPLMODE_CALLBACK | LINECALLCOMPLMODE_INTRUDE | LINECALLCOMPLMODE_MESSAGE;
    if (!single(r->m.param2, modes))
        return LINEERR_INVALCALLCOMPLMODE;
    bool message = r->m.param2 == LINECALLCOMPLMODE_MESSAGE && (l->features & LINECALLFEATURE_COMPLETECALL) != 0 &&
                   (l->more.completion_modes & LINECALLCOMPLMODE_MESSAGE) != 0;
    return message && r->m.param3 >= l->more.completion_messages ? LINEERR_INVALMESSAGEID : 0;
}

/* Before the call's state counts. */
int32_t m_wrong_parameters(const struct m_line *l, const struct cf_record *r) {
    struct cf_field f = {0};
    bool has = cf_fields_find(r, m_serial_tag(r->m.id), &f) && f.bytes != 0;
    switch (r->m.id) {
    case CF_REQ_DIAL: /* more to come, of a line that cannot wait for it */
        return has && f.data[f.bytes - 1] == ';' && (l->address_caps & LINEADDRCAPFLAGS_PARTIALDIAL) == 0 ? LINEERR_INVALADDRESS : 0;
    case CF_REQ_REDIRECT:
        return has ? 0 : LINEERR_INVALADDRESS;
    case CF_REQ_PARK:
        if (!single(r->m.param2, LINEPARKMODE_DIRECTED | LINEPARKMODE_NONDIRECTED))
            return LINEERR_INVALPARKMODE;
        return r->m.param2 == LINEPARKMODE_DIRECTED && !has ? LINEERR_INVALADDRESS : 0;
    case CF_REQ_COMPLETE_CALL:
        return wrong_completion(l, r);
    case CF_REQ_SEND_USER_USER:
        return has && f.bytes > 128 ? LINEERR_USERUSERINFOTOOBIG : 0;
    case CF_REQ_SET_CALL_TREATMENT:
        if ((l->features & LINECALLFEATURE_SETTREATMENT) == 0)
            return 0; /* none can be chosen: OPERATIONUNAVAIL */
        return r->m.param2 == 0 || r->m.param2 > LINECALLTREATMENT_MUSIC || (l->more.call_treatments >> r->m.param2 & 1) == 0
                   ? LINEERR_INVALPARAM
                   : 0;
    default:
        return 0;
    }
}

/* After it: a mode that there is, and that this line does not have. */
bool m_unable(const struct m_line *l, const struct cf_record *r) {
    return (r->m.id == CF_REQ_PARK && (l->more.park_modes & r->m.param2) == 0) ||
           (r->m.id == CF_REQ_COMPLETE_CALL && (l->more.completion_modes & r->m.param2) == 0);
}

/* ------------------------------------------------------------------ what lineGetCallInfo tells */

/* What the event says of it: an empty text is none. */
void m_shown_take(struct m_shown *w, const struct cf_record *r) {
    struct cf_field f;
    if (cf_fields_find(r, CF_FIELD_USER_USER, &f))
        w->user_user = m_serial_of(r, CF_FIELD_USER_USER);
    if (cf_fields_find(r, CF_FIELD_CALL_DATA, &f))
        w->call_data = m_serial_of(r, CF_FIELD_CALL_DATA);
    if (r->m.id == CF_EV_CALL_INFO && (r->m.param1 & LINECALLINFOSTATE_TREATMENT) != 0)
        w->treatment = (uint32_t)r->m.param2;
}

static bool text_right(uint32_t number, const uint8_t *told, uint32_t bytes) {
    char text[16] = {0};
    if (number == 0 || bytes < 2 || bytes >= sizeof text)
        return number == 0 && bytes == 0;
    memcpy(text, told, bytes);
    return strtoul(text + 1, NULL, 10) == number;
}

/* The texts lie one after the other; none of the calls here has another. */
bool m_shown_right(const struct m_shown *w, const struct cf_reply_call_info *i) {
    uint32_t user_user = i->text_bytes[CF_CALL_TEXT_USER_USER], call_data = i->text_bytes[CF_CALL_TEXT_CALL_DATA];
    return i->text_bytes[CF_CALL_TEXT_DISPLAYABLE] == 0 && i->text_bytes[CF_CALL_TEXT_CALLED_PARTY] == 0 &&
           i->text_bytes[CF_CALL_TEXT_COMMENT] == 0 && user_user < sizeof i->texts && text_right(w->user_user, i->texts, user_user) &&
           text_right(w->call_data, i->texts + user_user, call_data) && w->treatment == i->call_treatment &&
           (w->reason == 0 || w->reason == i->reason);
}
