/*
 * Commands down: taking them out of the ring and reading them.
 */
#include <string.h>

#include "adapters/provider/state.h"

bool cf_command_wants_reply(uint16_t id)
{
    switch (id) {
    case CF_CMD_CLOSE_CALL:
    case CF_CMD_REFUSED:
    case CF_CMD_OPEN_LINE:
    case CF_CMD_CLOSE_LINE:
    case CF_CMD_SET_MEDIA_MODE:
    case CF_CMD_MONITOR_DIGITS:
    case CF_CMD_MONITOR_MEDIA:
    case CF_CMD_MONITOR_TONES:
        return false;
    default:
        return true;
    }
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

static void read_texts(struct cf_command *c)
{
    c->destination = text_field(&c->record, CF_FIELD_DESTINATION);
    c->user_user = text_field(&c->record, CF_FIELD_USER_USER);
    c->target = text_field(&c->record, CF_FIELD_TARGET);
    c->digits = text_field(&c->record, CF_FIELD_DIGITS);
    c->termination = text_field(&c->record, CF_FIELD_TERMINATION_DIGITS);
    c->tones = text_field(&c->record, CF_FIELD_TONES);
    c->group = text_field(&c->record, CF_FIELD_GROUP);
    c->forward_list = text_field(&c->record, CF_FIELD_FORWARD_LIST);
    c->call_data = text_field(&c->record, CF_FIELD_CALL_DATA);
    c->dev_specific = text_field(&c->record, CF_FIELD_DEV_SPECIFIC);
    c->orig_address = text_field(&c->record, CF_FIELD_ADDRESS);
    read_call_params(c);
}

static void read_place(struct cf_command *c)
{
    c->line = (uint32_t)c->record.m.param2;
    c->address = (uint32_t)(c->record.m.param2 >> 32);
}

/* What is heard and sent on a call. False: it is another command. */
static bool read_media(struct cf_command *c)
{
    const struct cf_message *m = &c->record.m;
    switch (m->id) {
    case CF_CMD_GENERATE_DIGITS:
        c->digit_mode = (uint32_t)m->param2;
        c->digit_ms = (uint32_t)(m->param2 >> 32);
        return true;
    case CF_CMD_GENERATE_TONE:
        c->tone_mode = (uint32_t)m->param2;
        c->tone_ms = (uint32_t)(m->param2 >> 32);
        return true;
    case CF_CMD_GATHER_DIGITS:
        c->digit_mode = (uint32_t)m->param2;
        c->digits_wanted = (uint32_t)(m->param2 >> 32);
        c->first_ms = (uint32_t)m->param3;
        c->between_ms = (uint32_t)(m->param3 >> 32);
        return true;
    case CF_CMD_MONITOR_DIGITS:
        c->digit_mode = (uint32_t)m->param2;
        return true;
    case CF_CMD_MONITOR_MEDIA:
        c->media_modes = (uint32_t)m->param2;
        return true;
    case CF_CMD_MONITOR_TONES:
        c->list = (uint32_t)m->param2;
        c->ended_list = (uint32_t)m->param3;
        return true;
    default:
        return false;
    }
}

/* False: an id of a newer core, which no adapter of this version knows. */
static bool read_command(struct cf_command *c)
{
    const struct cf_message *m = &c->record.m;
    memset(c, 0, offsetof(struct cf_command, record));
    c->id = m->id;
    c->call = m->device;
    c->number = cf_command_wants_reply(m->id) ? m->param1 : 0;
    read_texts(c);
    switch (m->id) {
    case CF_CMD_MAKE_CALL:
        read_place(c);
        c->country = (uint32_t)m->param3;
        return true;
    case CF_CMD_REFUSED:
        c->refusal = (uint32_t)m->param1;
        return true;
    case CF_CMD_OPEN_LINE:
        c->media_modes = (uint32_t)m->param2;
        c->line = (uint32_t)m->param1;
        return true;
    case CF_CMD_SET_MEDIA_MODE:
        c->media_modes = (uint32_t)m->param2;
        return true;
    case CF_CMD_CLOSE_LINE:
        c->line = (uint32_t)m->param1;
        return true;
    case CF_CMD_COMPLETE_TRANSFER:
        c->transfer_mode = (uint32_t)m->param3;
        c->second = m->param2;
        return true;
    case CF_CMD_SWAP_HOLD:
    case CF_CMD_ADD_TO_CONFERENCE:
        c->second = m->param2;
        return true;
    case CF_CMD_DIAL:
    case CF_CMD_REDIRECT:
    case CF_CMD_BLIND_TRANSFER:
        c->country = (uint32_t)m->param2;
        return true;
    case CF_CMD_PARK:
    case CF_CMD_SET_CALL_TREATMENT:
    case CF_CMD_COMPLETE_CALL:
        c->mode = (uint32_t)m->param2;
        c->message = (uint32_t)m->param3;
        return true;
    case CF_CMD_FORWARD:
        c->rings = (uint32_t)m->param3;
        read_place(c);
        return true;
    case CF_CMD_UNCOMPLETE_CALL:
        c->completion = (uint32_t)m->param3;
        read_place(c);
        return true;
    case CF_CMD_UNPARK:
    case CF_CMD_PICKUP:
    case CF_CMD_DEV_SPECIFIC:
        read_place(c);
        return true;
    case CF_CMD_SETUP_CONFERENCE:
        if (c->call == 0)
            read_place(c);
        c->parties = (uint32_t)m->param3;
        return true;
    case CF_CMD_ACCEPT:
    case CF_CMD_ANSWER:
    case CF_CMD_DROP:
    case CF_CMD_HOLD:
    case CF_CMD_UNHOLD:
    case CF_CMD_SET_CALL_PARAMS:
    case CF_CMD_SECURE_CALL:
    case CF_CMD_SEND_USER_USER:
    case CF_CMD_RELEASE_USER_USER:
    case CF_CMD_SET_CALL_DATA:
    case CF_CMD_SETUP_TRANSFER:
    case CF_CMD_PREPARE_ADD:
    case CF_CMD_REMOVE_FROM_CONFERENCE:
    case CF_CMD_CLOSE_CALL:
        return true;
    default:
        return read_media(c);
    }
}

/* What has a number is waited for: whoever asked must not wait for ever. */
static void refuse(struct cf_provider *p, const struct cf_message *m)
{
    if (m->param1 == 0)
        return;
    p->outstanding++;
    cf_provider_reply(p, m->param1, LINEERR_OPERATIONUNAVAIL, m->device);
}

bool cf_provider_next_command(struct cf_provider *p, struct cf_command *ret_command)
{
    if (!p->attached)
        return false;
    const struct cf_message *m = NULL;
    cf_provider_acknowledge(p); /* the one before: who takes his time over each is seen to go on */
    while (replies_have_room(p) && (m = cf_ring_peek(&p->commands)) != NULL) {
        ret_command->record.m = *m;
        ret_command->record.payload_bytes = cf_ring_payload(m, ret_command->record.payload);
        cf_ring_consume(&p->commands, m);
        p->messages_acked++;
        if (!read_command(ret_command)) {
            refuse(p, &ret_command->record.m);
            continue;
        }
        p->counters.commands++;
        if (cf_command_wants_reply(ret_command->id))
            p->outstanding++;
        return true;
    }
    cf_provider_acknowledge(p);
    return false;
}
