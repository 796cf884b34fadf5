/* See lines.h. */
#include "adapters/modem/lines.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    IDENTIFIERS = 1 << 17
}; /* an application that keeps its handles keeps calls that are over: as many as it may, twice */

/* ------------------------------------------------------------------ from the modem to the core */

static struct cf_modem_link *link_of(struct cf_modem_lines *lines, uint64_t provider_call)
{
    const uint32_t index = cf_handle_index(provider_call);
    if (provider_call == 0 || index >= lines->links || lines->link[index].provider_call != provider_call)
        return NULL;
    return &lines->link[index];
}

static void unlink_call(struct cf_modem_lines *lines, struct cf_modem_link *link)
{
    cf_provider_call_free(lines->provider, link->provider_call);
    *link = (struct cf_modem_link){0};
}

/* An identifier for a call, 0 when none is left. */
static uint64_t identify(struct cf_modem_line *line, const struct cf_modem_call *call)
{
    struct cf_modem_lines *lines = line->all;
    const uint64_t id = cf_provider_call_new(lines->provider, NULL);
    if (id == 0)
        return 0;
    if (cf_handle_index(id) >= lines->links) {
        cf_provider_call_free(lines->provider, id);
        return 0;
    }
    lines->link[cf_handle_index(id)] = (struct cf_modem_link){id, line, call->serial};
    return id;
}

static uint32_t media_of(const struct cf_modem_call *call)
{
    return call->data ? LINEMEDIAMODE_DATAMODEM : LINEMEDIAMODE_INTERACTIVEVOICE;
}

static struct cf_new_call new_call(const struct cf_modem_line *line, const struct cf_modem_call *call, uint64_t id)
{
    struct cf_new_call new = {
        .call = id,
        .line = line->number,
        .state = call->state,
        .mode = call->mode,
        .media_modes = media_of(call),
        .origin = call->incoming ? LINECALLORIGIN_INBOUND : LINECALLORIGIN_OUTBOUND,
        .reason = call->forwarded ? LINECALLREASON_FWDUNCOND : LINECALLREASON_DIRECT,
        .time_ns = line->modem.now,
    };
    const struct cf_text other = cf_text_of(call->number), name = cf_text_of(call->name);
    const struct cf_text own = cf_text_of(line->all->settings->line[line->number].number);
    new.caller = call->incoming ? other : own;
    new.called = call->incoming ? own : other;
    if (call->incoming)
        new.caller_name = name;
    return new;
}

static uint64_t on_offer(void *context, const struct cf_modem_call *call)
{
    struct cf_modem_line *line = context;
    struct cf_modem_lines *lines = line->all;
    if (!line->told_there || !cf_provider_attached(lines->provider))
        return 0;
    const uint64_t id = identify(line, call);
    const struct cf_new_call new = new_call(line, call, id);
    if (id != 0 && cf_provider_post_new_call(lines->provider, &new))
        return id;
    if (id != 0)
        unlink_call(lines, link_of(lines, id));
    return 0;
}

static uint64_t on_dialled(void *context, const struct cf_modem_call *call)
{
    return identify(context, call);
}

static void on_state(void *context, const struct cf_modem_call *call, const char *cause)
{
    struct cf_modem_line *line = context;
    struct cf_modem_lines *lines = line->all;
    const struct cf_call_state change = {.state = call->state,
                                         .mode = call->mode,
                                         .media_modes = media_of(call), /* which may have become known since */
                                         .time_ns = line->modem.now,
                                         .raw_cause = cf_text_of(cause)};
    const enum cf_posted posted = cf_provider_post_call_state(lines->provider, call->user, &change);
    struct cf_modem_link *link = link_of(lines, call->user);
    if (call->state != LINECALLSTATE_IDLE || link == NULL)
        return;
    link->serial = 0;
    if (posted == CF_POST_STALE) /* there is no core that could close it */
        unlink_call(lines, link);
}

static void append(struct cf_record *record, uint16_t tag, struct cf_text text)
{
    if (text.bytes != 0)
        cf_fields_append(record, tag, text.at, text.bytes);
}

static void on_info(void *context, const struct cf_modem_call *call, uint32_t info_states)
{
    struct cf_modem_line *line = context;
    struct cf_record record;
    const struct cf_new_call all = new_call(line, call, call->user);
    memset(&record.m, 0, sizeof(record.m));
    record.payload_bytes = 0;
    if (call->withheld && call->number[0] == '\0')
        cf_fields_append(&record, CF_FIELD_CALLER, "", 0); /* an address of no bytes is a withheld one */
    append(&record, CF_FIELD_CALLER, all.caller);
    append(&record, CF_FIELD_CALLER_NAME, all.caller_name);
    append(&record, CF_FIELD_CALLED, all.called);
    append(&record, CF_FIELD_CONNECTED, cf_text_of(call->connected_number));
    cf_provider_post_call_info(line->all->provider, call->user, info_states, line->modem.now, &record);
}

static void on_ringing(void *context, uint32_t count)
{
    struct cf_modem_line *line = context;
    if (line->told_there) /* ring mode 0 in the low half */
        cf_provider_post_line_state(line->all->provider, line->number, LINEDEVSTATE_RINGING, (uint64_t)count << 32);
}

static void on_reply(void *context, uint64_t number, int32_t result, uint64_t user)
{
    struct cf_modem_line *line = context;
    cf_provider_reply(line->all->provider, number, result, user);
}

/* ------------------------------------------------------------------ what the core knows of a line */

static struct cf_line_caps caps_of(const struct cf_modem_line *line)
{
    const struct cf_modem_profile *profile = line->modem.config.profile;
    uint32_t states = LINECALLSTATE_IDLE | LINECALLSTATE_OFFERING | LINECALLSTATE_ACCEPTED | LINECALLSTATE_DIALING |
                      LINECALLSTATE_PROCEEDING | LINECALLSTATE_BUSY | LINECALLSTATE_CONNECTED |
                      LINECALLSTATE_DISCONNECTED;
    if (profile->lists)
        states |= LINECALLSTATE_RINGBACK | LINECALLSTATE_ONHOLD | LINECALLSTATE_CONFERENCED;
    return (struct cf_line_caps){
        .permanent_id = line->number + 1,
        .addresses = 1,
        .bearer_modes = LINEBEARERMODE_VOICE,
        .media_modes = LINEMEDIAMODE_INTERACTIVEVOICE | LINEMEDIAMODE_DATAMODEM,
        .line_features = LINEFEATURE_MAKECALL,
        .calls_max = profile->calls_max,
        .answer_mode = !profile->holds                       ? LINEANSWERMODE_NONE
                       : line->modem.config.waiting_releases ? LINEANSWERMODE_DROP
                                                             : LINEANSWERMODE_HOLD,
        .call_features = profile->call_features,
        .call_states = states,
    };
}

static bool post_line(struct cf_modem_line *line)
{
    const struct cf_modem_line_settings *settings = &line->all->settings->line[line->number];
    char name[CF_NAME_MAX];
    snprintf(name, sizeof(name), "Modem %.50s", settings->device);
    const struct cf_line_info info = {
        .line = line->number,
        .name = name,
        .address = settings->number[0] != '\0' ? settings->number : NULL,
        .info = "callfan-modem " CF_VERSION,
        .caps = caps_of(line),
    };
    return cf_provider_post_line(line->all->provider, &info);
}

static void tell_state(struct cf_modem_line *line)
{
    uint32_t bits = 0;
    if (line->told_up != line->modem.service)
        bits |= line->modem.service ? LINEDEVSTATE_INSERVICE : LINEDEVSTATE_OUTOFSERVICE;
    if (line->told_connected != line->connected)
        bits |= line->connected ? LINEDEVSTATE_CONNECTED : LINEDEVSTATE_DISCONNECTED;
    if (bits == 0 || !cf_provider_post_line_state(line->all->provider, line->number, bits, 0))
        return;
    line->told_up = line->modem.service;
    line->told_connected = line->connected;
}

/* Tells what has changed, as far as there is room. */
static void tell_line(struct cf_modem_line *line)
{
    struct cf_modem_lines *lines = line->all;
    if (!cf_provider_attached(lines->provider))
        return;
    if (line->removed && line->told_there) {
        if (!cf_provider_post_line_close(lines->provider, line->number))
            return;
        if (!cf_provider_post_line_remove(lines->provider, line->number))
            return; /* closed twice then, which is the same */
        line->told_there = false;
        lines->removals++;
    }
    if (!line->removed && !line->told_there) {
        if (!cf_provider_ready(lines->provider) || !post_line(line)) /* which would wait */
            return;
        line->told_there = line->told_up = line->told_connected = true;
    }
    line->connected = line->connected || line->modem.chat.state >= CF_CHAT_READY;
    if (line->told_there)
        tell_state(line);
}

static void on_service(void *context, bool in_service)
{
    struct cf_modem_line *line = context;
    (void)in_service;
    tell_line(line);
}

/* ------------------------------------------------------------------ the serial line */

static void on_write(void *context, const char *bytes, uint32_t len)
{
    struct cf_modem_line *line = context;
    if (!cf_tty_write(&line->tty, bytes, len))
        line->all->unwritten++;
}

static void on_dead(void *context)
{
    struct cf_modem_line *line = context;
    cf_tty_give_up(&line->tty);
}

static void on_opened(void *context, int64_t now_ns)
{
    struct cf_modem_line *line = context;
    line->all->say("line %u: %s is open", line->number, line->tty.path);
    line->failing = false;
    cf_modem_opened(&line->modem, now_ns);
}

static void on_gone(void *context, const char *why, int64_t now_ns)
{
    struct cf_modem_line *line = context;
    line->connected = false;
    if (line->gone_ns == 0)
        line->gone_ns = now_ns;
    if (!line->failing) {
        line->all->say("line %u: %s: %s", line->number, line->tty.path, why);
        line->failing = true;
    }
    cf_modem_vanished(&line->modem, now_ns);
}

static void on_received(void *context, const uint8_t *bytes, uint32_t len, int64_t now_ns)
{
    struct cf_modem_line *line = context;
    cf_modem_receive(&line->modem, bytes, len, now_ns);
}

/* ------------------------------------------------------------------ life */

uint32_t cf_modem_lines_calls(void)
{
    return IDENTIFIERS;
}

static void open_line(struct cf_modem_lines *lines, unsigned number)
{
    const struct cf_modem_settings *settings = lines->settings;
    struct cf_modem_line *line = &lines->line[number];
    const struct cf_modem_config config = cf_modem_settings_line(settings, number);
    const struct cf_modem_callbacks callbacks = {on_write,   on_offer,   on_dialled, on_state, on_info,
                                                 on_ringing, on_service, on_reply,   on_dead,  line};
    const struct cf_tty_callbacks tty_callbacks = {on_opened, on_gone, on_received, line};
    *line = (struct cf_modem_line){.all = lines, .number = number, .gone_ns = cf_clock_ns()};
    cf_modem_init(&line->modem, &config, &callbacks);
    cf_tty_init(&line->tty, settings->line[number].device, settings->line[number].speed, settings->flow,
                settings->retry_ns, lines->reactor, &tty_callbacks);
}

int cf_modem_lines_open(struct cf_modem_lines *lines, const struct cf_modem_settings *settings,
                        struct cf_provider *provider, struct cf_reactor *reactor, cf_modem_say_fn *say, char *why,
                        size_t why_bytes)
{
    lines->settings = settings;
    lines->provider = provider;
    lines->reactor = reactor;
    lines->say = say;
    lines->links = cf_modem_lines_calls();
    lines->link = calloc(lines->links, sizeof(struct cf_modem_link));
    if (lines->link == NULL) {
        snprintf(why, why_bytes, "no memory for %u calls", lines->links);
        return -ENOMEM;
    }
    for (unsigned i = 0; i < settings->lines; i++)
        open_line(lines, i);
    return 0;
}

void cf_modem_lines_close(struct cf_modem_lines *lines)
{
    if (lines->settings == NULL)
        return;
    for (unsigned i = 0; i < lines->settings->lines; i++)
        cf_tty_close(&lines->line[i].tty);
    free(lines->link);
    lines->link = NULL;
    lines->settings = NULL;
}

/* ------------------------------------------------------------------ announcing */

static bool announce_call(struct cf_modem_line *line, struct cf_modem_call *call)
{
    struct cf_modem_lines *lines = line->all;
    if (call->phase == CF_MODEM_FREE || call->user == 0)
        return true;
    if (!cf_modem_call_is_live(call)) { /* the new core need not hear of its end */
        struct cf_modem_link *link = link_of(lines, call->user);
        if (link != NULL)
            unlink_call(lines, link);
        call->user = 0;
        return true;
    }
    const struct cf_new_call new = new_call(line, call, call->user);
    while (!cf_provider_post_new_call(lines->provider, &new))
        if (!cf_provider_wait_room(lines->provider))
            return false;
    return true;
}

/* Identifiers of calls that the lost core would have closed. */
static void drop_old_links(struct cf_modem_lines *lines)
{
    for (uint32_t i = 0; i < lines->links; i++)
        if (lines->link[i].provider_call != 0 && lines->link[i].serial == 0)
            unlink_call(lines, &lines->link[i]);
}

bool cf_modem_lines_announce(struct cf_modem_lines *lines, int64_t now_ns)
{
    bool good = true;
    for (unsigned i = 0; i < lines->settings->lines; i++) /* a late reply would answer a command of the new core */
        cf_modem_void_orders(&lines->line[i].modem, now_ns);
    drop_old_links(lines);
    if (!cf_provider_snapshot_begin(lines->provider))
        return false;
    for (unsigned i = 0; i < lines->settings->lines; i++) {
        struct cf_modem_line *line = &lines->line[i];
        line->told_there = false;
        if (line->removed)
            continue;
        if (!post_line(line))
            return false;
        line->told_there = line->told_up = line->told_connected = true;
    }
    for (unsigned i = 0; i < lines->settings->lines; i++)
        for (size_t k = 0; k < CF_MODEM_CALLS_MAX; k++)
            good = good && announce_call(&lines->line[i], &lines->line[i].modem.calls[k]);
    if (!good || !cf_provider_snapshot_end(lines->provider))
        return false;
    for (unsigned i = 0; i < lines->settings->lines; i++) {
        tell_line(&lines->line[i]);
        cf_modem_offer_unheard(&lines->line[i].modem, now_ns);
    }
    return true;
}

/* ------------------------------------------------------------------ from the core to the modem */

static void make_call(struct cf_modem_lines *lines, const struct cf_command *command, int64_t now_ns)
{
    if (command->line >= lines->settings->lines || !lines->line[command->line].told_there)
        cf_provider_reply(lines->provider, command->number, LINEERR_RESOURCEUNAVAIL, 0);
    else
        cf_modem_make_call(&lines->line[command->line].modem, command->number, command->destination.at,
                           command->destination.bytes, command->params.media_mode, now_ns);
}

static void obey(struct cf_modem_lines *lines, const struct cf_command *command, int64_t now_ns)
{
    const struct cf_modem_link *link = link_of(lines, command->call);
    struct cf_modem *m = link != NULL ? &link->line->modem : NULL;
    struct cf_modem_call *call = m != NULL && link->serial != 0 ? cf_modem_find(m, link->serial) : NULL;
    if (command->id == CF_CMD_SET_CALL_PARAMS) { /* a modem's bearer is what it was set to before the call */
        cf_provider_reply(lines->provider, command->number, LINEERR_OPERATIONUNAVAIL, command->call);
        return;
    }
    if (call == NULL) { /* it became IDLE while the command was on its way */
        cf_provider_reply(lines->provider, command->number, LINEERR_INVALCALLSTATE, command->call);
        return;
    }
    switch (command->id) {
    case CF_CMD_ACCEPT:
        cf_modem_accept(m, call, command->number, now_ns);
        break;
    case CF_CMD_ANSWER:
        cf_modem_answer(m, call, command->number, now_ns);
        break;
    case CF_CMD_DROP:
        cf_modem_drop(m, call, command->number, now_ns);
        break;
    case CF_CMD_HOLD:
    case CF_CMD_UNHOLD:
        cf_modem_hold(m, call, command->number, command->id == CF_CMD_HOLD, now_ns);
        break;
    case CF_CMD_GENERATE_DIGITS:
        cf_modem_digits(m, call, command->number, command->digit_mode, command->digits.at, command->digits.bytes,
                        now_ns);
        break;
    default:
        cf_provider_reply(lines->provider, command->number, LINEERR_OPERATIONUNAVAIL, command->call);
    }
}

/* CLOSE_CALL: nobody wants to hear of it any more. REFUSED: nobody ever did. */
static void forget(struct cf_modem_lines *lines, const struct cf_command *command, int64_t now_ns)
{
    struct cf_modem_link *link = link_of(lines, command->call);
    if (link == NULL)
        return;
    struct cf_modem *m = &link->line->modem;
    struct cf_modem_call *call = link->serial != 0 ? cf_modem_find(m, link->serial) : NULL;
    if (command->id == CF_CMD_CLOSE_CALL)
        cf_modem_forget(m, call, now_ns);
    else
        cf_modem_refused(m, call, command->refusal == CF_REFUSAL_OVERLOAD);
    unlink_call(lines, link);
}

void cf_modem_lines_command(struct cf_modem_lines *lines, const struct cf_command *command, int64_t now_ns)
{
    switch (command->id) {
    case CF_CMD_MAKE_CALL:
        make_call(lines, command, now_ns);
        break;
    case CF_CMD_CLOSE_CALL:
    case CF_CMD_REFUSED:
        forget(lines, command, now_ns);
        break;
    case CF_CMD_OPEN_LINE:
        if (command->line < lines->settings->lines)
            cf_modem_offer_unheard(&lines->line[command->line].modem, now_ns);
        break;
    case CF_CMD_CLOSE_LINE:
    case CF_CMD_SET_MEDIA_MODE: /* advice that changes nothing here */
        break;
    default:
        if (cf_command_wants_reply(command->id))
            obey(lines, command, now_ns);
    }
}

/* ------------------------------------------------------------------ time */

/* A device is there again when the modem has answered all of the beginning, not when it can be opened. */
static void return_tick(struct cf_modem_line *line)
{
    if (line->gone_ns == 0 || line->modem.chat.state < CF_CHAT_READY)
        return;
    line->gone_ns = 0;
    line->removed = false;
    cf_tty_is_well(&line->tty);
}

/* Until the device is away for so long that the line is to go too. */
static int64_t removal_tick(struct cf_modem_line *line, int64_t now_ns)
{
    const int64_t patience = line->all->settings->remove_ns;
    if (patience < 0 || line->gone_ns == 0 || line->removed)
        return CF_REACTOR_NEVER;
    if (now_ns < line->gone_ns + patience)
        return line->gone_ns + patience;
    line->removed = true;
    return CF_REACTOR_NEVER;
}

int64_t cf_modem_lines_tick(struct cf_modem_lines *lines, int64_t now_ns)
{
    int64_t next = CF_REACTOR_NEVER;
    for (unsigned i = 0; i < lines->settings->lines; i++) {
        struct cf_modem_line *line = &lines->line[i];
        int64_t due[3] = {cf_tty_tick(&line->tty, now_ns), 0, 0};
        due[1] = cf_modem_tick(&line->modem, now_ns);
        return_tick(line);
        due[2] = removal_tick(line, now_ns);
        if (line->tty.sick) /* it was found dead just now */
            due[0] = now_ns;
        tell_line(line);
        for (size_t k = 0; k < 3; k++)
            next = due[k] < next ? due[k] : next;
    }
    return next;
}

void cf_modem_lines_pause(struct cf_modem_lines *lines, bool paused)
{
    for (unsigned i = 0; i < lines->settings->lines; i++)
        cf_tty_pause(&lines->line[i].tty, paused);
}

void cf_modem_lines_hang_up(struct cf_modem_lines *lines, int64_t now_ns)
{
    for (unsigned i = 0; i < lines->settings->lines; i++)
        cf_modem_hang_up_all(&lines->line[i].modem, now_ns);
}

uint32_t cf_modem_lines_live(const struct cf_modem_lines *lines)
{
    uint32_t live = 0;
    for (unsigned i = 0; i < lines->settings->lines; i++)
        live += cf_modem_live(&lines->line[i].modem);
    return live;
}

void cf_modem_lines_counters(const struct cf_modem_lines *lines, struct cf_modem_counters *ret_sum)
{
    *ret_sum = (struct cf_modem_counters){.unwritten = lines->unwritten, .removed = lines->removals};
    for (unsigned i = 0; i < lines->settings->lines; i++) {
        const struct cf_modem_counters *c = &lines->line[i].modem.counters;
#define X(name) ret_sum->name += c->name;
        CF_MODEM_COUNTERS(X)
#undef X
    }
}
