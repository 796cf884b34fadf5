#include "tests/support/modem_core.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "callfan/provider.h"
#include "shm/atomics.h"
#include "shm/fields.h"
#include "shm/handle.h"
#include "shm/request.h"
#include "shm/sys_bell.h"

static void keep_text(char *to, size_t bytes, const struct cf_record *record, uint16_t tag)
{
    struct cf_field field;
    if (cf_fields_find(record, tag, &field))
        snprintf(to, bytes, "%.*s", (int)field.bytes, (const char *)field.data);
}

static char letter_of(uint64_t state, uint64_t mode)
{
    static const struct {
        uint32_t state;
        char letter;
    } letters[] = {{LINECALLSTATE_OFFERING, 'O'},   {LINECALLSTATE_ACCEPTED, 'A'},    {LINECALLSTATE_DIALING, 'G'},
                   {LINECALLSTATE_PROCEEDING, 'P'}, {LINECALLSTATE_RINGBACK, 'R'},    {LINECALLSTATE_BUSY, 'B'},
                   {LINECALLSTATE_CONNECTED, 'C'},  {LINECALLSTATE_ONHOLD, 'L'},      {LINECALLSTATE_CONFERENCED, 'F'},
                   {LINECALLSTATE_IDLE, 'I'},       {LINECALLSTATE_DISCONNECTED, 'D'}};
    for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
        if (letters[i].state == state)
            return state == LINECALLSTATE_CONNECTED && mode == LINECONNECTEDMODE_ACTIVEHELD ? 'H' : letters[i].letter;
    return '?';
}

struct modem_heard *modem_core_call(struct modem_core *c, uint64_t call)
{
    for (unsigned i = c->calls; i-- > 0;)
        if (c->heard[i].call == call)
            return &c->heard[i];
    return NULL;
}

struct modem_heard *modem_core_newest(struct modem_core *c, uint32_t line)
{
    for (unsigned i = c->calls; i-- > 0;)
        if (c->heard[i].line == line)
            return &c->heard[i];
    return NULL;
}

static void line_event(struct modem_core *c, uint64_t line, char letter)
{
    assert_true(line < MODEM_LINES);
    char *events = c->line[line].events;
    const size_t n = strlen(events);
    if (n + 1 < sizeof(c->line[line].events))
        events[n] = letter;
}

static struct modem_heard *begin(struct modem_core *c, uint64_t call, uint32_t line)
{
    assert_true(c->calls < MODEM_HEARD_MAX);
    assert_int_equal(cf_handle_kind(call), CF_KIND_PROVIDER);
    struct modem_heard *heard = &c->heard[c->calls++];
    *heard = (struct modem_heard){.call = call, .line = line};
    return heard;
}

static void hear_state(struct modem_core *c, struct modem_heard *heard, const struct cf_record *record)
{
    const struct cf_message *m = &record->m;
    const size_t n = strlen(heard->states);
    assert_true(n == 0 || heard->states[n - 1] != 'I'); /* nothing after IDLE */
    assert_true(n + 1 < sizeof(heard->states));
    heard->states[n] = letter_of(m->param1, m->param2);
    if (m->param1 == LINECALLSTATE_DISCONNECTED)
        heard->mode = (uint32_t)m->param2;
    keep_text(heard->cause, sizeof(heard->cause), record, CF_FIELD_RAW_CAUSE);
    if (m->param1 != LINECALLSTATE_IDLE || c->keep_calls)
        return;
    heard->closed = true;
    provider_core_command(&c->core, CF_CMD_CLOSE_CALL, m->device, 0, 0);
}

static void hear_reply(struct modem_core *c, const struct cf_message *m)
{
    assert_true(m->param1 < MODEM_REPLIES_MAX);
    assert_false(c->reply[m->param1].came); /* once each */
    c->reply[m->param1].came = true;
    c->reply[m->param1].result = (int32_t)(uint32_t)m->param2;
    c->reply[m->param1].call = m->device;
    c->replies++;
    if (m->param2 == 0 && c->reply[m->param1].dials)
        begin(c, m->device, c->reply[m->param1].line);
}

static void hear_line(struct modem_core *c, const struct cf_record *record)
{
    const struct cf_message *m = &record->m;
    struct cf_field field;
    if (m->id == CF_EV_LINE) {
        line_event(c, m->param1, '+');
        if (cf_fields_find(record, CF_FIELD_LINE_CAPS, &field))
            memcpy(&c->line[m->param1].call_features, field.data + offsetof(struct cf_line_caps, call_features), 4);
    } else if (m->id == CF_EV_LINE_CLOSE) {
        line_event(c, m->param1, 'x');
    } else if (m->id == CF_EV_LINE_REMOVE) {
        line_event(c, m->param1, '-');
    } else if (m->param2 == LINEDEVSTATE_RINGING) {
        c->line[m->param1].rings++;
    } else {
        line_event(c, m->param1,
                   (m->param2 & LINEDEVSTATE_INSERVICE) != 0      ? 's'
                   : (m->param2 & LINEDEVSTATE_OUTOFSERVICE) != 0 ? 'o'
                   : m->param2 == LINEDEVSTATE_CONNECTED          ? 'c'
                                                                  : 'd');
        c->line[m->param1].bits |= (uint32_t)m->param2;
    }
}

static void hear(struct modem_core *c, const struct cf_record *record)
{
    const struct cf_message *m = &record->m;
    struct modem_heard *heard = modem_core_call(c, m->device);
    switch (m->id) {
    case CF_EV_SNAPSHOT_BEGIN:
        break;
    case CF_EV_SNAPSHOT_END:
        c->snapshot_ended = true;
        break;
    case CF_EV_REPLY:
        hear_reply(c, m);
        break;
    case CF_EV_NEW_CALL:
        assert_null(heard);
        heard = begin(c, m->device, (uint32_t)m->param1);
        heard->states[0] = letter_of((uint32_t)m->param2, m->param2 >> 32);
        heard->media = (uint32_t)m->param3;
        heard->origin = (uint32_t)(m->param3 >> 32);
        keep_text(heard->caller, sizeof(heard->caller), record, CF_FIELD_CALLER);
        keep_text(heard->called, sizeof(heard->called), record, CF_FIELD_CALLED);
        break;
    case CF_EV_CALL_STATE:
        assert_non_null(heard);
        hear_state(c, heard, record);
        break;
    case CF_EV_CALL_INFO:
        assert_non_null(heard);
        heard->infos++;
        keep_text(heard->caller, sizeof(heard->caller), record, CF_FIELD_CALLER);
        break;
    default:
        hear_line(c, record);
    }
}

void modem_core_hear(struct modem_core *c)
{
    static struct cf_record record;
    while (provider_core_take(&c->core, &record, true))
        hear(c, &record);
}

/* ------------------------------------------------------------------ commands */

uint64_t modem_core_order(struct modem_core *c, uint16_t id, uint64_t call)
{
    assert_true(c->number + 1 < MODEM_REPLIES_MAX);
    provider_core_command(&c->core, id, call, ++c->number, 0);
    return c->number;
}

/* As provider_core_command(), with fields. */
static void send_record(struct modem_core *c, struct cf_record *record)
{
    assert_true(cf_ring_put(&c->core.commands, record));
    cf_fence_store_load();
    const uint64_t wake_at = cf_load_relaxed_64(&c->core.up->wake_at);
    if (wake_at != 0 && wake_at <= c->core.commands.tail)
        assert_int_equal(cf_bell_ring_down(c->core.down_bell), 0);
}

uint64_t modem_core_dial(struct modem_core *c, uint32_t line, const char *destination, uint32_t media_mode)
{
    const struct cf_call_params params = {.media_mode = media_mode};
    struct cf_record record = {.m = {.id = CF_CMD_MAKE_CALL, .param1 = ++c->number, .param2 = line}};
    assert_true(c->number < MODEM_REPLIES_MAX);
    assert_true(cf_fields_append_text(&record, CF_FIELD_DESTINATION, destination));
    assert_true(cf_fields_append(&record, CF_FIELD_CALL_PARAMS, &params, sizeof(params)));
    c->reply[c->number].dials = true;
    c->reply[c->number].line = line;
    send_record(c, &record);
    return c->number;
}

uint64_t modem_core_digits(struct modem_core *c, uint64_t call, const char *digits)
{
    struct cf_record record = {
        .m = {.id = CF_CMD_GENERATE_DIGITS, .device = call, .param1 = ++c->number, .param2 = LINEDIGITMODE_DTMF}};
    assert_true(c->number < MODEM_REPLIES_MAX);
    assert_true(cf_fields_append_text(&record, CF_FIELD_DIGITS, digits));
    send_record(c, &record);
    return c->number;
}
