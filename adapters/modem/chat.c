/* See chat.h. */
#include "adapters/modem/chat.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define NS_PER_MS INT64_C(1000000)

enum {
    NO_INFORMATION = CF_AT_URCS_COUNT,
    GARBAGE_PAUSE_MS = 5000, /* between two probes because of garbage */
    SIM_PAUSE_MS = 1000,
    CME_SIM_BUSY = 14,
};

/* What is particular to each kind of command. */
static const struct {
    uint8_t information; /* the lines that belong to its answer */
    bool long_time;      /* dial_ns instead of command_ns */
    bool of_call;        /* NO CARRIER, BUSY ... are its result */
} kinds[] = {
    [CF_CHAT_PROBE] = {NO_INFORMATION, false, false},   [CF_CHAT_INIT] = {CF_AT_CREG, false, false},
    [CF_CHAT_PIN] = {CF_AT_CPIN, false, false},         [CF_CHAT_DIAL] = {CF_AT_COLP, true, true},
    [CF_CHAT_ANSWER] = {NO_INFORMATION, true, true},    [CF_CHAT_HANG_UP] = {NO_INFORMATION, false, false},
    [CF_CHAT_HOLDING] = {NO_INFORMATION, false, false}, [CF_CHAT_LIST] = {CF_AT_CLCC, false, false},
    [CF_CHAT_WHY] = {CF_AT_CEER, false, false},         [CF_CHAT_DIGIT] = {NO_INFORMATION, false, false},
};
static_assert(sizeof(kinds) / sizeof(kinds[0]) == CF_CHAT_KINDS_COUNT, "a row for every kind");

void cf_chat_init(struct cf_chat *chat, const struct cf_chat_config *config, const struct cf_chat_callbacks *callbacks,
                  struct cf_modem_counters *counters)
{
    memset(chat, 0, sizeof(*chat));
    chat->config = *config;
    chat->callbacks = *callbacks;
    chat->counters = counters;
    chat->due = CF_CHAT_NEVER;
}

/* ------------------------------------------------------------------ sending */

static void write_text(struct cf_chat *chat, const char *text)
{
    chat->callbacks.write(chat->callbacks.context, text, (uint32_t)strlen(text));
}

static void transmit(struct cf_chat *chat, const struct cf_chat_command *command)
{
    char line[CF_CHAT_TEXT_MAX + 2];
    const int64_t patience = kinds[command->kind].long_time ? chat->config.dial_ns : chat->config.command_ns;
    if (command != &chat->command)
        chat->command = *command;
    chat->in_flight = true;
    chat->aborted = false;
    chat->sent = chat->now;
    chat->sends++;
    chat->due = chat->now + patience;
    chat->counters->commands++;
    snprintf(line, sizeof(line), "%s\r", chat->command.text);
    write_text(chat, line);
}

static void transmit_text(struct cf_chat *chat, enum cf_chat_kind kind, const char *text, size_t len)
{
    struct cf_chat_command command = {.kind = kind};
    snprintf(command.text, sizeof(command.text), "%.*s", (int)len, text);
    transmit(chat, &command);
}

static void take_queued(struct cf_chat *chat)
{
    const uint8_t index = chat->first;
    chat->first = (uint8_t)((chat->first + 1) % CF_CHAT_QUEUE_MAX);
    chat->count--;
    transmit(chat, &chat->queue[index]);
}

/* The next initial command; those of a PIN come first. */
static void start_next(struct cf_chat *chat)
{
    if (chat->repeat) {
        chat->repeat = false;
        transmit(chat, &chat->command);
        return;
    }
    if (chat->count > 0 && chat->queue[chat->first].kind == CF_CHAT_PIN) {
        take_queued(chat);
        return;
    }
    if (chat->init_at == NULL) {
        chat->init_at = chat->config.init;
        transmit_text(chat, CF_CHAT_INIT, chat->config.numeric ? "ATE0V0" : "ATE0V1", 6);
        return;
    }
    chat->init_at += strspn(chat->init_at, "|");
    const size_t len = strcspn(chat->init_at, "|");
    if (len == 0) {
        chat->state = CF_CHAT_READY;
        chat->callbacks.ready(chat->callbacks.context);
        return;
    }
    const char *text = chat->init_at;
    chat->init_at += len;
    transmit_text(chat, len == 8 && memcmp(text, "AT+CPIN?", 8) == 0 ? CF_CHAT_PIN : CF_CHAT_INIT, text, len);
}

/* Sends what may be sent now. */
static void pump(struct cf_chat *chat)
{
    if (chat->in_flight || chat->now < chat->rest)
        return;
    if (chat->state == CF_CHAT_PROBING) {
        chat->probes++;
        transmit_text(chat, CF_CHAT_PROBE, "AT", 2);
    } else if (chat->state == CF_CHAT_STARTING) {
        start_next(chat);
    }
    if (chat->state == CF_CHAT_READY && !chat->in_flight && chat->count > 0)
        take_queued(chat);
}

static void probe(struct cf_chat *chat)
{
    if (chat->state != CF_CHAT_STARTING) /* else it goes on with the next one */
        chat->init_at = NULL;
    chat->state = CF_CHAT_PROBING;
    chat->probes = 0;
    chat->probed = chat->now;
    chat->in_flight = chat->repeat = false;
    chat->sim_tries = 0;
    chat->parser.numeric = true; /* until it was told which it is to be */
}

void cf_chat_open(struct cf_chat *chat, int64_t now)
{
    cf_at_init(&chat->parser);
    chat->now = now;
    chat->rest = now;
    chat->first = chat->count = 0;
    chat->init_at = NULL;
    probe(chat);
    pump(chat);
}

void cf_chat_close(struct cf_chat *chat)
{
    chat->state = CF_CHAT_CLOSED;
    chat->in_flight = false;
    chat->count = 0;
    chat->due = CF_CHAT_NEVER;
}

bool cf_chat_send(struct cf_chat *chat, const struct cf_chat_command *command, bool front)
{
    if (chat->count == CF_CHAT_QUEUE_MAX || chat->state == CF_CHAT_CLOSED) {
        chat->counters->queue_full++;
        return false;
    }
    uint8_t place = (uint8_t)((chat->first + chat->count) % CF_CHAT_QUEUE_MAX);
    if (front)
        place = chat->first = (uint8_t)((chat->first + CF_CHAT_QUEUE_MAX - 1) % CF_CHAT_QUEUE_MAX);
    chat->queue[place] = *command;
    chat->count++;
    return true;
}

bool cf_chat_cancel(struct cf_chat *chat, enum cf_chat_kind kind, uint32_t serial)
{
    uint8_t kept = 0;
    for (uint8_t i = 0; i < chat->count; i++) {
        const struct cf_chat_command *from = &chat->queue[(chat->first + i) % CF_CHAT_QUEUE_MAX];
        if (from->kind == kind && from->serial == serial)
            continue;
        struct cf_chat_command *to = &chat->queue[(chat->first + kept++) % CF_CHAT_QUEUE_MAX];
        if (to != from)
            *to = *from;
    }
    const bool any = kept != chat->count;
    chat->count = kept;
    return any;
}

bool cf_chat_in_modem(const struct cf_chat *chat, enum cf_chat_kind kind, uint32_t serial)
{
    return chat->in_flight && chat->command.kind == kind && chat->command.serial == serial;
}

bool cf_chat_has(const struct cf_chat *chat, enum cf_chat_kind kind, uint32_t serial)
{
    for (uint8_t i = 0; i < chat->count; i++) {
        const struct cf_chat_command *queued = &chat->queue[(chat->first + i) % CF_CHAT_QUEUE_MAX];
        if (queued->kind == kind && queued->serial == serial)
            return true;
    }
    return cf_chat_in_modem(chat, kind, serial);
}

void cf_chat_abort(struct cf_chat *chat)
{
    if (!chat->in_flight || chat->aborted || !kinds[chat->command.kind].of_call)
        return;
    chat->aborted = true;
    if (chat->due > chat->now + chat->config.command_ns)
        chat->due = chat->now + chat->config.command_ns;
    write_text(chat, "\r");
}

void cf_chat_escape(struct cf_chat *chat)
{
    if (chat->state != CF_CHAT_ONLINE)
        return;
    chat->state = CF_CHAT_ESCAPING;
    chat->escape_sent = false;
    chat->due = chat->now + chat->config.guard_ns;
}

/* ------------------------------------------------------------------ results */

/* The command in the modem is over. */
static void complete(struct cf_chat *chat, enum cf_at_result result, const struct cf_at_line *line)
{
    const struct cf_chat_command command = chat->command;
    chat->in_flight = false;
    chat->due = CF_CHAT_NEVER;
    if (kinds[command.kind].of_call && result != CF_AT_OK)
        chat->rest = chat->now + chat->config.settle_ns;
    if (result == CF_AT_CONNECT && command.data)
        chat->state = CF_CHAT_ONLINE;
    chat->callbacks.result(chat->callbacks.context, &command, result, line);
}

static void probe_answered(struct cf_chat *chat)
{
    chat->in_flight = false;
    chat->due = CF_CHAT_NEVER;
    chat->state = CF_CHAT_STARTING;
    chat->rest = chat->now + chat->config.settle_ns; /* what it owes for earlier commands comes by then */
}

static bool sim_is_busy(const struct cf_at_line *line)
{
    struct cf_at_fields fields;
    if (line->result != CF_AT_CME_ERROR)
        return false;
    cf_at_split(line->rest, line->rest_len, &fields);
    return cf_at_number(&fields, 0) == CME_SIM_BUSY;
}

static void init_answered(struct cf_chat *chat, const struct cf_at_line *line)
{
    if (sim_is_busy(line) && ++chat->sim_tries < CF_CHAT_SIM_TRIES) {
        chat->in_flight = false;
        chat->repeat = true;
        chat->rest = chat->now + SIM_PAUSE_MS * NS_PER_MS;
        return;
    }
    chat->parser.numeric = chat->config.numeric;
    chat->counters->init_errors += line->result != CF_AT_OK;
    complete(chat, line->result, line);
}

static bool is_final(const struct cf_chat *chat, enum cf_at_result result)
{
    return result == CF_AT_OK || result == CF_AT_ERROR || result == CF_AT_CME_ERROR ||
           kinds[chat->command.kind].of_call;
}

static void take_unasked_result(struct cf_chat *chat, const struct cf_at_line *line)
{
    if (line->result == CF_AT_OK || line->result == CF_AT_ERROR || line->result == CF_AT_CME_ERROR)
        chat->counters->strays++;
    else
        chat->callbacks.line(chat->callbacks.context, line, chat->in_flight ? &chat->command : NULL);
}

static void take_result(struct cf_chat *chat, const struct cf_at_line *line)
{
    chat->counters->results++;
    if (chat->state == CF_CHAT_ESCAPING && line->result == CF_AT_OK && chat->escape_sent) {
        chat->state = CF_CHAT_READY;
        chat->due = CF_CHAT_NEVER;
        chat->rest = chat->now + chat->config.settle_ns;
    } else if (!chat->in_flight || !is_final(chat, line->result)) {
        take_unasked_result(chat, line);
    } else if (chat->command.kind == CF_CHAT_PROBE) {
        probe_answered(chat);
    } else if (chat->state == CF_CHAT_STARTING) {
        init_answered(chat, line);
    } else {
        complete(chat, line->result, line);
    }
}

/* While a data call is up everything belongs to the far end but the end of the call. */
static void take_online(struct cf_chat *chat, const struct cf_at_line *line)
{
    if (line->kind == CF_AT_RESULT && line->result == CF_AT_NO_CARRIER) {
        chat->state = CF_CHAT_READY;
        chat->due = CF_CHAT_NEVER;
        chat->rest = chat->now + chat->config.settle_ns;
        chat->counters->results++;
        chat->callbacks.line(chat->callbacks.context, line, NULL);
    } else if (chat->state == CF_CHAT_ESCAPING && line->kind == CF_AT_RESULT && line->result == CF_AT_OK) {
        take_result(chat, line);
    } else {
        chat->counters->online_bytes += line->len;
    }
}

static void take_garbage(struct cf_chat *chat, const struct cf_at_line *line)
{
    if (line->kind == CF_AT_LONG)
        chat->counters->long_lines++;
    else
        chat->counters->garbage++;
    if (chat->state != CF_CHAT_READY || chat->in_flight || chat->now - chat->probed < GARBAGE_PAUSE_MS * NS_PER_MS)
        return;
    chat->counters->resyncs++;
    probe(chat);
}

static void take_text(struct cf_chat *chat, const struct cf_at_line *line)
{
    const struct cf_chat_command *asked = chat->in_flight ? &chat->command : NULL;
    if (asked != NULL && strlen(asked->text) == line->len && memcmp(asked->text, line->text, line->len) == 0)
        chat->counters->echoes++;
    else if (asked != NULL && asked->kind == CF_CHAT_WHY)
        chat->callbacks.line(chat->callbacks.context, line, asked);
    else
        chat->counters->unexpected++;
}

static void take_urc(struct cf_chat *chat, const struct cf_at_line *line)
{
    const bool asked = chat->in_flight && kinds[chat->command.kind].information == (uint8_t)line->urc;
    chat->counters->urcs++;
    chat->callbacks.line(chat->callbacks.context, line, asked ? &chat->command : NULL);
}

static void take_line(struct cf_chat *chat, const struct cf_at_line *line)
{
    if (chat->state == CF_CHAT_ONLINE || chat->state == CF_CHAT_ESCAPING) {
        take_online(chat, line);
        return;
    }
    switch (line->kind) {
    case CF_AT_RESULT:
        take_result(chat, line);
        break;
    case CF_AT_URC:
        take_urc(chat, line);
        break;
    case CF_AT_TEXT:
        take_text(chat, line);
        break;
    case CF_AT_PROMPT: /* it waits for a text that nobody will write: escape from it */
        chat->counters->prompts++;
        write_text(chat, "\x1b");
        break;
    case CF_AT_GARBAGE:
    case CF_AT_LONG:
        take_garbage(chat, line);
        break;
    }
}

void cf_chat_receive(struct cf_chat *chat, const uint8_t *bytes, uint32_t len, int64_t now)
{
    struct cf_at_line line;
    chat->now = now;
    chat->counters->received_bytes += len;
    for (uint32_t i = 0; i < len && chat->state != CF_CHAT_CLOSED; i++)
        if (cf_at_push(&chat->parser, bytes[i], &line))
            take_line(chat, &line);
    if (chat->state != CF_CHAT_CLOSED)
        pump(chat);
}

/* ------------------------------------------------------------------ time */

static void escape_step(struct cf_chat *chat)
{
    if (chat->escape_sent) { /* no answer */
        chat->counters->timeouts++;
        chat->counters->resyncs++;
        probe(chat);
        return;
    }
    chat->escape_sent = true;
    chat->due = chat->now + chat->config.guard_ns + chat->config.command_ns;
    write_text(chat, "+++");
}

static void timed_out(struct cf_chat *chat)
{
    const enum cf_chat_kind kind = chat->command.kind;
    chat->counters->timeouts++;
    if (kind == CF_CHAT_PROBE && chat->probes >= CF_CHAT_PROBES) {
        chat->counters->dead++;
        cf_chat_close(chat);
        chat->callbacks.dead(chat->callbacks.context);
        return;
    }
    if (kind == CF_CHAT_PROBE) {
        chat->in_flight = false;
        return;
    }
    chat->counters->resyncs++;
    complete(chat, CF_AT_TIMEOUT, NULL);
    if (chat->state != CF_CHAT_CLOSED)
        probe(chat);
}

int64_t cf_chat_tick(struct cf_chat *chat, int64_t now)
{
    chat->now = now;
    if (chat->state == CF_CHAT_CLOSED)
        return CF_CHAT_NEVER;
    if (chat->state == CF_CHAT_ESCAPING && now >= chat->due)
        escape_step(chat);
    else if (chat->in_flight && now >= chat->due)
        timed_out(chat);
    if (chat->state != CF_CHAT_CLOSED)
        pump(chat);
    if (chat->in_flight || chat->state == CF_CHAT_ESCAPING)
        return chat->due;
    const bool more = chat->state == CF_CHAT_PROBING || chat->state == CF_CHAT_STARTING ||
                      (chat->state == CF_CHAT_READY && chat->count > 0);
    return more ? (chat->rest > now ? chat->rest : now) : CF_CHAT_NEVER;
}

const char *cf_chat_check(const struct cf_chat *chat)
{
    const bool talks =
        chat->state == CF_CHAT_PROBING || chat->state == CF_CHAT_STARTING || chat->state == CF_CHAT_READY;
    if (chat->first >= CF_CHAT_QUEUE_MAX || chat->count > CF_CHAT_QUEUE_MAX)
        return "the queue is out of bounds";
    if (chat->in_flight && !talks)
        return "a command is in a modem that takes none";
    if (chat->in_flight && chat->due == CF_CHAT_NEVER)
        return "a command without a time-out";
    if (chat->state == CF_CHAT_ESCAPING && chat->due == CF_CHAT_NEVER)
        return "an escape without an end";
    if (chat->state == CF_CHAT_CLOSED && chat->count != 0)
        return "commands for a closed device";
    if (chat->parser.len > CF_AT_LINE_MAX || chat->probes > CF_CHAT_PROBES)
        return "more than there may be";
    return NULL;
}
