/* How the peers of a fuzz input read: who keeps the rules checks what it is told. */
#include "tests/support/fuzz_rig.h"

#include <stdlib.h>

#include "callfan/tapi.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* ------------------------------------------------------------------ providers */

/* CLOSE_CALL or REFUSED: the identifier is free. */
static void end_call(struct fuzz_port *p, uint64_t call)
{
    const uint32_t index = cf_handle_index(call);
    if (index < FUZZ_CALLS && p->calls[index].generation == cf_handle_generation(call))
        p->calls[index].generation++;
}

static void read_commands(struct fuzz_rig *r, uint32_t port, uint32_t max)
{
    struct fuzz_port *p = &r->ports[port];
    const struct cf_message *m;
    while (max-- != 0 && p->attached && (m = cf_ring_peek(&p->in)) != NULL) {
        if (m->id == CF_CMD_CLOSE_CALL || m->id == CF_CMD_REFUSED)
            end_call(p, m->device);
        else if (m->id != CF_CMD_OPEN_LINE && m->id != CF_CMD_CLOSE_LINE)
            p->commands[p->commands_count++ % FUZZ_COMMANDS] = *m;
        if (p->commands_count > FUZZ_COMMANDS)
            p->commands_count = FUZZ_COMMANDS; /* the others are never answered */
        cf_ring_consume(&p->in, m);
        p->up->messages_acked = ++p->messages;
        cf_ring_acknowledge(&p->up->down_ack, p->in.head);
    }
}

/* ------------------------------------------------------------------ applications */

#define REQUIRE(condition)                                                                                             \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            abort();                                                                                                   \
    } while (0)

static void hold(struct fuzz_port *p, uint64_t handle, uint32_t open)
{
    const uint32_t slot = cf_handle_slot(handle);
    REQUIRE(cf_handle_kind(handle) == CF_KIND_CALL && slot < FUZZ_HANDLES && cf_handle_usage(handle) == p->usage);
    struct fuzz_held *h = &p->held[slot];
    REQUIRE(h->handle == 0 || cf_generation_newer(cf_handle_generation(handle), cf_handle_generation(h->handle)));
    *h = (struct fuzz_held){.handle = handle, .open = open, .held = true};
    p->recent[p->recents++ % COUNT(p->recent)] = handle;
}

/* A message of one of its calls: it knows the handle, and nothing follows IDLE. */
static void hear_call(struct fuzz_port *p, const struct cf_message *m)
{
    const uint32_t slot = cf_handle_slot(m->device);
    REQUIRE(cf_handle_kind(m->device) == CF_KIND_CALL && slot < FUZZ_HANDLES);
    struct fuzz_held *h = &p->held[slot];
    REQUIRE(h->handle == m->device);
    if (!h->held || m->id != LINE_CALLSTATE)
        return;
    REQUIRE(!h->idle && m->open_line == h->open);
    h->idle = m->param1 == LINECALLSTATE_IDLE;
}

void fuzz_forget_line(struct fuzz_port *p, uint32_t open)
{
    REQUIRE(open < FUZZ_OPENS);
    p->hline_generation[open] += p->hline_generation[open] & 1;
    for (uint32_t i = 0; i < FUZZ_HANDLES; i++)
        if (p->held[i].open == open)
            p->held[i].held = false;
}

static void hear(struct fuzz_port *p, const struct cf_message *m)
{
    switch (m->id) {
    case LINE_APPNEWCALL:
        hold(p, m->param2, m->open_line);
        break;
    case LINE_REPLY:
        if (m->device != 0 && (uint32_t)m->param2 == 0)
            hold(p, m->device, m->open_line);
        break;
    case LINE_CALLSTATE:
    case LINE_CALLINFO:
        hear_call(p, m);
        break;
    case LINE_CLOSE:
        fuzz_forget_line(p, m->open_line);
        break;
    default:
        break;
    }
}

/* Of a hostile one no more than the handles is remembered. */
static void glance(struct fuzz_port *p, const struct cf_message *m)
{
    const uint64_t handle = m->id == LINE_APPNEWCALL ? m->param2 : m->id == LINE_REPLY ? m->device : 0;
    const uint32_t slot = cf_handle_slot(handle);
    if (handle != 0 && slot < FUZZ_HANDLES) {
        p->held[slot] = (struct fuzz_held){.handle = handle, .open = m->open_line, .held = true};
        p->recent[p->recents++ % COUNT(p->recent)] = handle;
    }
}

/* Gives back what has ended: the witness does it at once. */
static void release_ended(struct fuzz_rig *r, uint32_t port)
{
    struct fuzz_port *p = &r->ports[port];
    for (uint32_t i = 0; i < FUZZ_HANDLES; i++) {
        struct cf_record record = fuzz_record(r, CF_REQ_RELEASE);
        record.m.device = p->held[i].handle;
        record.m.open_line = p->held[i].open;
        if (p->held[i].held && p->held[i].idle && fuzz_put(r, port, &record))
            p->held[i].held = false;
    }
}

void fuzz_read(struct fuzz_rig *r, uint32_t port, uint32_t max)
{
    struct fuzz_port *p = &r->ports[port];
    const struct cf_message *m;
    if (!p->attached || p->lied)
        return;
    if (fuzz_is_provider(port)) {
        read_commands(r, port, max);
        return;
    }
    while (max-- != 0 && (m = cf_ring_peek(&p->in)) != NULL) {
        if (fuzz_is_hostile(r, port))
            glance(p, m);
        else
            hear(p, m);
        cf_ring_consume(&p->in, m);
        p->messages += m->id != CF_LINE_GAP;
        p->up->messages_acked = p->messages;
        cf_ring_acknowledge(&p->up->down_ack, p->in.head);
    }
    if (port == FUZZ_WITNESS)
        release_ended(r, port);
}
