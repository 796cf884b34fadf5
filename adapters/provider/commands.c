/*
 * Commands down: taking them out of the ring and reading them.
 */
#include <string.h>

#include "adapters/provider/state.h"

bool cf_command_wants_reply(uint16_t id)
{
    return id >= CF_CMD_MAKE_CALL && id <= CF_CMD_SET_CALL_PARAMS;
}

void cf_provider_acknowledge(struct cf_provider *p)
{
    if (p->acknowledged == p->commands.head)
        return;
    p->acknowledged = p->commands.head;
    cf_store_relaxed_64(&p->up->messages_acked, p->messages_acked);
    cf_ring_acknowledge(&p->up->down_ack, p->acknowledged); /* A1 */
}

/* With as many commands unanswered as replies could ever wait, further ones stay in the ring. */
static bool replies_have_room(const struct cf_provider *p)
{
    return p->outstanding + p->replies_count < p->commands_max;
}

bool cf_provider_command_readable(const struct cf_provider *p)
{
    return replies_have_room(p) && cf_ring_readable(&p->commands);
}

static struct cf_text text_field(const struct cf_record *r, uint16_t tag)
{
    struct cf_field f;
    return cf_fields_find(r, tag, &f) ? (struct cf_text){(const char *)f.data, f.bytes} : (struct cf_text){NULL, 0};
}

static void read_call_params(struct cf_command *c)
{
    struct cf_field f;
    if (cf_fields_find(&c->record, CF_FIELD_CALL_PARAMS, &f) && f.bytes == sizeof c->params)
        memcpy(&c->params, f.data, sizeof c->params);
}

static void read_make_call(struct cf_command *c)
{
    c->line = (uint32_t)c->record.m.param2;
    c->address = (uint32_t)(c->record.m.param2 >> 32);
    c->country = (uint32_t)c->record.m.param3;
    c->destination = text_field(&c->record, CF_FIELD_DESTINATION);
    c->user_user = text_field(&c->record, CF_FIELD_USER_USER);
    read_call_params(c);
}

/* False: an id of a newer core, which no adapter of this version can answer. */
static bool read_command(struct cf_command *c)
{
    const struct cf_message *m = &c->record.m;
    c->id = m->id;
    c->call = m->device;
    c->number = cf_command_wants_reply(m->id) ? m->param1 : 0;
    c->line = c->address = c->country = c->media_modes = c->refusal = 0;
    c->digit_mode = c->digit_ms = 0;
    c->destination = c->user_user = c->digits = (struct cf_text){NULL, 0};
    memset(&c->params, 0, sizeof c->params);
    switch (m->id) {
    case CF_CMD_MAKE_CALL:
        read_make_call(c);
        return true;
    case CF_CMD_REFUSED:
        c->refusal = (uint32_t)m->param1;
        return true;
    case CF_CMD_OPEN_LINE:
        c->media_modes = (uint32_t)m->param2;
        c->line = (uint32_t)m->param1;
        return true;
    case CF_CMD_CLOSE_LINE:
        c->line = (uint32_t)m->param1;
        return true;
    case CF_CMD_GENERATE_DIGITS:
        c->digit_mode = (uint32_t)m->param2;
        c->digit_ms = (uint32_t)(m->param2 >> 32);
        c->digits = text_field(&c->record, CF_FIELD_DIGITS);
        return true;
    case CF_CMD_SET_CALL_PARAMS:
        read_call_params(c);
        return true;
    case CF_CMD_ACCEPT:
    case CF_CMD_ANSWER:
    case CF_CMD_DROP:
    case CF_CMD_HOLD:
    case CF_CMD_UNHOLD:
    case CF_CMD_CLOSE_CALL:
        return true;
    default:
        return false;
    }
}

bool cf_provider_next_command(struct cf_provider *p, struct cf_command *ret_command)
{
    if (!p->attached)
        return false;
    const struct cf_message *m = NULL;
    while (replies_have_room(p) && (m = cf_ring_peek(&p->commands)) != NULL) {
        ret_command->record.m = *m;
        ret_command->record.payload_bytes = cf_ring_payload(m, ret_command->record.payload);
        cf_ring_consume(&p->commands, m);
        p->messages_acked++;
        if (p->commands.head - p->acknowledged > p->commands.mask / 4)
            cf_provider_acknowledge(p);
        if (!read_command(ret_command))
            continue;
        p->counters.commands++;
        if (cf_command_wants_reply(ret_command->id))
            p->outstanding++;
        return true;
    }
    cf_provider_acknowledge(p);
    return false;
}
