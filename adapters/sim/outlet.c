/* See outlet.h. */
#include "adapters/sim/outlet.h"

static void write_down(struct cf_sim_port *port, const struct cf_sim_note *note, int64_t now_ns, uint32_t state,
                       uint32_t mode, uint32_t flags)
{
    if (port->journal == NULL)
        return;
    const struct cf_sim_journal_entry entry = {.serial = note->serial,
                                               .time_ns = now_ns,
                                               .state = state,
                                               .mode = mode,
                                               .line = note->line,
                                               .flags = note->flags | flags};
    cf_sim_journal_add(port->journal, &entry);
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

static void port_reply(void *arg, uint64_t number, int32_t result, uint64_t call)
{
    struct cf_sim_port *port = arg;
    cf_provider_reply(port->provider, number, result, call);
}

static void port_note(void *arg, const struct cf_sim_note *note, uint32_t state, int64_t now_ns)
{
    write_down(arg, note, now_ns, state, 0, 0);
}

struct cf_sim_outlet cf_sim_port_outlet(struct cf_sim_port *port)
{
    return (struct cf_sim_outlet){port,       port_call_new, port_call_free, port_announce,
                                  port_state, port_reply,    port_note};
}
