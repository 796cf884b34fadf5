/* How requests end: LINE_REPLY, what it brings, and the order in which ends are told. */
#include <string.h>

#include "core/engine.h"
#include "tests/model/model.h"

/* ------------------------------------------------------------------ the order */

void m_request_ends(struct model *m, struct m_request *q)
{
    q->state = M_REQUEST_REPLY;
    q->ended = ++m->requests_ended;
    q->ended_turn = m->turn;
}

/* It is certain when it ended, and that it is to be told. */
static bool end_sure(const struct m_request *q)
{
    return q->used && q->state == M_REQUEST_REPLY && q->suppressed == 0 && !q->any_error && !q->deferred && !q->limited;
}

/*
 * Its handle or its line goes in this turn: its end may have been told before that in the same turn, but not when it ended in an earlier one
 * and waits.
 */
bool m_may_be_told(const struct model *m, const struct m_request *q)
{
    bool waited = q->ended_turn < m->turn && end_sure(q);
    return (q->state == M_REQUEST_REPLY && !waited) || (q->state == M_REQUEST_FORWARD && q->limited);
}

/* Ends are told in their order, also those that waited for room. */
void m_request_told(struct model *m, struct m_request *q)
{
    for (uint32_t i = 0; i < m->requests_high; i++) {
        const struct m_request *other = &m->requests[i];
        if (other != q && other->port == q->port && other->ended < q->ended && end_sure(other))
            m_fail(m, "port %u: the end of request %u (%#x) was told before that of request %u (%#x)", q->port,
                   q->request_id, q->id, other->request_id, other->id);
    }
    q->used = false;
    m->checked++;
}

/* What waited is told before anything else. */
void m_requests_kept(struct model *m, uint32_t port)
{
    for (uint32_t i = 0; i < m->requests_high; i++) {
        const struct m_request *q = &m->requests[i];
        if (q->port == port && q->ended_turn < m->turn && end_sure(q))
            m_fail(m, "port %u: its outage ends before the end of request %u (%#x) is told", port, q->request_id,
                   q->id);
    }
}

/* The message brings that text, or none. */
bool m_text_brought(const struct m_output *o, uint16_t tag, const struct m_request *q)
{
    if (q->text_bytes == 0 || q->any_error)
        return o->payload_bytes == 0;
    uint16_t head[2];
    memcpy(head, o->payload, sizeof head);
    return o->payload_bytes >= sizeof head + q->text_bytes && head[0] == tag && head[1] == q->text_bytes &&
           memcmp(o->payload + sizeof head, q->text, q->text_bytes) == 0;
}

/* What a request's success brings back: where a call was parked, what a device answers. It is cut at 51 bytes. */
static uint16_t brings(const struct m_request *q)
{
    if (q->id == CF_REQ_DEV_SPECIFIC)
        return CF_FIELD_DEV_SPECIFIC;
    return q->id == CF_REQ_PARK && q->detail == LINEPARKMODE_NONDIRECTED ? CF_FIELD_PARK_ADDRESS : 0;
}

void m_text_comes(struct m_request *q, const struct cf_record *r)
{
    struct cf_field f;
    if (q->result != 0 || brings(q) == 0 || !cf_fields_find(r, brings(q), &f))
        return;
    q->text_bytes = f.bytes < 51 ? (uint8_t)f.bytes : 51;
    memcpy(q->text, f.data, q->text_bytes);
}

/* ------------------------------------------------------------------ LINE_REPLY */

/* LINE_REPLY brings the handle of a call that the request made. */
static bool made_handle(struct model *m, const struct m_request *q, uint32_t number, uint64_t handle)
{
    for (uint32_t i = 0; i < m->refs_high; i++) {
        struct m_ref *r = &m->refs[i];
        if (!r->used || r->port != q->port || r->open != q->open || r->call != q->made[number] ||
            r->announce != M_REPLY)
            continue;
        uint64_t listed = r->listed != 0 ? r->listed : r->handle;
        if (listed != 0 && listed != handle)
            return m_fail(m, "port %u: made call %u has handle %#lx, listed with %#lx", q->port,
                          m->calls[r->call].serial, handle, listed);
        bool known = r->handle != 0;
        r->announce = M_TOLD;
        r->handle = handle;
        return known || m_new_handle(m, q->port, handle);
    }
    return m_fail(m, "port %u: made call number %u, %#lx, whose reference is gone", q->port, number, handle);
}

/* A number tells its command from others of its kind and call. */
bool m_has_serial(uint16_t id, uint32_t makes)
{
    return makes != 0 || id == CF_REQ_SET_CALL_PARAMS || m_serial_tag(id) != CF_FIELD_TARGET;
}

/* The answer was that of q; the other one is with its provider. */
static void swap_ends(struct m_request *q, struct m_request *other)
{
    uint64_t number = q->number;
    q->number = other->number, other->number = number;
    q->result = other->result;
    q->completion = other->completion;
    q->any_error = other->any_error, q->deferred = other->deferred;
    q->text_bytes = other->text_bytes;
    memcpy(q->text, other->text, sizeof q->text);
    q->ended = other->ended, q->ended_turn = other->ended_turn, q->ended_ns = other->ended_ns;
    q->state = M_REQUEST_REPLY;
    other->state = M_REQUEST_WITH_PROVIDER;
}

bool m_reply(struct model *m, const struct m_output *o)
{
    struct m_request *q = NULL;
    for (uint32_t i = 0; i < m->requests_high; i++)
        if (m->requests[i].used && m->requests[i].port == o->port && m->requests[i].request_id == o->m.param1)
            q = &m->requests[i];
    /* Two asked the same of a call: whose command was which, only this tells. */
    for (uint32_t i = 0; q != NULL && q->state == M_REQUEST_WITH_PROVIDER && i < m->requests_high; i++) {
        struct m_request *other = &m->requests[i];
        if (!other->used || other->state != M_REQUEST_REPLY || other->id != q->id || other->call_id != q->call_id ||
            other->second_id != q->second_id || other->detail != q->detail || other->place != q->place ||
            (m_has_serial(q->id, other->makes) && other->serial != q->serial))
            continue;
        swap_ends(q, other);
    }
    bool refused = q != NULL && q->limited && q->state == M_REQUEST_FORWARD && (int32_t)(uint32_t)o->m.param2 < 0;
    if (q == NULL || (q->state != M_REQUEST_REPLY && !refused))
        return m_fail(m, "port %u: LINE_REPLY of request %lu, which is %s", o->port, o->m.param1,
                      q == NULL                       ? "unknown"
                      : q->state == M_REQUEST_FORWARD ? "to be passed on"
                                                      : "with its provider");
    if (q->suppressed == 2)
        return m_fail(m, "port %u: LINE_REPLY of request %lu, whose line was closed", o->port, o->m.param1);
    int32_t result = (int32_t)(uint32_t)o->m.param2;
    bool lost = q->text_bytes != 0 && m->parties_lack && result == LINEERR_NOMEM; /* no block for what came back */
    if (lost)
        q->text_bytes = 0;
    else if (q->any_error || refused ? result >= 0 : result != q->result)
        return m_fail(m, "port %u: LINE_REPLY of request %lu (%#x) says %#x, expected %#x", o->port, o->m.param1, q->id,
                      (unsigned)result, (unsigned)q->result);
    if (!m_text_brought(o, brings(q), q))
        return m_fail(m, "port %u: LINE_REPLY of request %lu (%#x) brings %u bytes, expected %u of another text",
                      o->port, o->m.param1, q->id, o->payload_bytes, q->text_bytes);
    m_request_told(m, q);
    if (q->makes == 0 || result != 0) {
        uint32_t completion = q->id == CF_REQ_COMPLETE_CALL && result == 0 ? q->completion : 0;
        if (o->m.device != 0 || o->m.param3 != completion)
            return m_fail(m, "port %u: LINE_REPLY of request %lu with a handle", o->port, o->m.param1);
        return true;
    }
    if (q->makes == 1 && o->m.param3 != 0)
        return m_fail(m, "port %u: a second made call, %lx", o->port, o->m.param3);
    return made_handle(m, q, 0, o->m.device) && (q->makes == 1 || made_handle(m, q, 1, o->m.param3));
}
