/* See outlet.h. */
#include "adapters/sim/outlet.h"

static void write_down(struct cf_sim_port *port, const struct cf_sim_note *note, int64_t now_ns, uint32_t state,
                       uint32_t mode, uint32_t flags)
{
    if (port->journal == NULL && port->digests == NULL)
        return;
    const struct cf_sim_journal_entry entry = {.serial = note->serial,
                                               .time_ns = now_ns,
                                               .state = state,
                                               .mode = mode,
                                               .line = note->line,
                                               .flags = note->flags | flags};
    if (port->journal != NULL)
        cf_sim_journal_add(port->journal, &entry);
    if (port->digests != NULL)
        cf_sim_digests_note(port->digests, &entry);
}

static uint64_t port_call_new(void *arg)
{
    struct cf_sim_port *port = arg;
    return cf_provider_call_new(port->provider, NULL);
}

static void port_call_free(void *arg, uint64_t call)
{
    struct cf_sim_port *port = arg;
    cf_provider_call_free(port->provider, call);
}

/* In a snapshot (AGAIN) the port waits for room; otherwise a call that finds none is refused, as an exchange does. */
static bool port_announce(void *arg, const struct cf_new_call *call, const struct cf_sim_note *note)
{
    struct cf_sim_port *port = arg;
    if (port->digests != NULL)
        cf_sim_digests_begin(port->digests, note->serial, call->time_ns);
    bool sent = cf_provider_post_new_call(port->provider, call);
    while (!sent && (note->flags & CF_JOURNAL_AGAIN) != 0 && cf_provider_wait_room(port->provider))
        sent = cf_provider_post_new_call(port->provider, call);
    write_down(port, note, call->time_ns, call->state, call->mode, CF_JOURNAL_NEW | (sent ? 0 : CF_JOURNAL_UNSENT));
    return sent;
}

static void port_state(void *arg, uint64_t call, const struct cf_call_state *state, const struct cf_sim_note *note)
{
    struct cf_sim_port *port = arg;
    static const uint32_t flags[] = {
        [CF_POSTED] = 0, [CF_POST_WAITS] = CF_JOURNAL_WAITED, [CF_POST_STALE] = CF_JOURNAL_UNSENT};
    enum cf_posted posted = cf_provider_post_call_state(port->provider, call, state);
    write_down(port, note, state->time_ns, state->state, state->mode, flags[posted]);
}

static void port_reply(void *arg, uint64_t number, int32_t result, uint64_t call, uint64_t second)
{
    struct cf_sim_port *port = arg;
    cf_provider_reply_two(port->provider, number, result, call, second);
}

static void port_reply_text(void *arg, uint64_t number, uint64_t call, uint16_t command, struct cf_text text)
{
    struct cf_sim_port *port = arg;
    cf_provider_reply_text(port->provider, number, call, command, text);
}

static void port_reply_completion(void *arg, uint64_t number, uint64_t call, uint32_t id)
{
    struct cf_sim_port *port = arg;
    cf_provider_reply_completion(port->provider, number, call, id);
}

/* What finds no room is lost, and the port counts it. */
static bool port_info(void *arg, uint64_t call, const struct cf_sim_info *info, int64_t now_ns)
{
    struct cf_sim_port *port = arg;
    struct cf_record record;
    record.m.param2 = info->treatment;
    record.payload_bytes = 0;
    if (info->tag != 0)
        cf_fields_append(&record, info->tag, info->text.bytes != 0 ? info->text.at : "", info->text.bytes);
    return cf_provider_post_call_info(port->provider, call, info->states, now_ns, &record);
}

static bool port_forwarding(void *arg, uint32_t line, uint32_t rings, struct cf_text list)
{
    struct cf_sim_port *port = arg;
    return cf_provider_post_forwarding(port->provider, line, 0, rings, list);
}

/* What finds no room is lost, and the port counts it. */
static void port_dev_specific(void *arg, uint64_t call, uint32_t line, const uint32_t param[3], int64_t now_ns)
{
    struct cf_sim_port *port = arg;
    cf_provider_post_dev_specific(port->provider, call, line, param, now_ns);
}

static void port_gathered(void *arg, uint64_t number, uint32_t how, uint64_t call, struct cf_text digits)
{
    struct cf_sim_port *port = arg;
    cf_provider_reply_gathered(port->provider, number, how, call, digits);
}

/* A digit that finds no room is lost, and the port counts it. */
static void port_heard(void *arg, uint64_t call, const struct cf_heard *h)
{
    struct cf_sim_port *port = arg;
    cf_provider_post_heard(port->provider, call, h);
}

static void port_note(void *arg, const struct cf_sim_note *note, uint32_t state, int64_t now_ns)
{
    write_down(arg, note, now_ns, state, 0, 0);
}

struct cf_sim_outlet cf_sim_port_outlet(struct cf_sim_port *port)
{
    return (struct cf_sim_outlet){.arg = port,
                                  .call_new = port_call_new,
                                  .call_free = port_call_free,
                                  .announce = port_announce,
                                  .state = port_state,
                                  .reply = port_reply,
                                  .reply_text = port_reply_text,
                                  .reply_completion = port_reply_completion,
                                  .info = port_info,
                                  .forwarding = port_forwarding,
                                  .dev_specific = port_dev_specific,
                                  .gathered = port_gathered,
                                  .heard = port_heard,
                                  .note = port_note};
}
