/* The applications of the simulation: what they ask, and how they read. */
#include <stdio.h>
#include <string.h>

#include "tests/model/sim.h"

static struct cf_record scratch;

static struct cf_record *request(uint16_t id, uint64_t device, uint32_t open_line) {
    scratch.m = (struct cf_message){.id = id, .device = device, .flags = CF_NO_REPLY, .open_line = open_line};
    scratch.payload_bytes = 0;
    return &scratch;
}

/* Sends a synchronous request; false when no reply slot is free. */
static bool put_sync(struct sim *s, uint32_t port, struct cf_record *r) {
    struct sim_port *p = &s->ports[port];
    uint32_t slot = sim_below(&s->random, CF_REPLY_SLOTS);
    while ((p->slots_busy >> slot & 1) != 0)
        slot = (slot + 1) % CF_REPLY_SLOTS;
    r->m.flags = (uint8_t)slot;
    if (p->pending_count >= SIM_PENDING || !sim_put(s, port, r))
        return false;
    p->slots_busy |= UINT64_C(1) << slot;
    p->slot_sequence[slot] = p->up_sequence;
    if (p->waiting_slot == UINT32_MAX && sim_chance(&s->random, 30)) {
        p->waiting_slot = slot;
        cf_or_acq_rel_64(&core_up(&s->core, port)->reply_waiting, UINT64_C(1) << slot);
    }
    return true;
}

/* Outstanding ones of a kind, as the library counts them: so many are never refused. */
static bool may_ask(const struct sim *s, uint32_t port, bool digits) {
    uint32_t used = 0, own = s->ports[port].pending_count;
    for (uint32_t i = 0; i < SIM_REQUESTS; i++) {
        used += s->model.requests[i].used;
        own += s->model.requests[i].used && s->model.requests[i].port == port && (s->model.requests[i].id == CF_REQ_GENERATE_DIGITS) == digits;
    }
    return used + sim_pending_count(s) + 8 <= SIM_REQUESTS && own < s->model.ports[port].requests_max;
}

static void put_async(struct sim *s, uint32_t port, struct cf_record *r) {
    if (!may_ask(s, port, false))
        return;
    r->m.param1 = ++s->ports[port].next_request_id;
    sim_put(s, port, r);
}

/* ------------------------------------------------------------------ picking */

static bool may_pick(const struct m_ref *r, uint32_t port, uint8_t privileges) {
    return r->used && r->port == port && r->handle != 0 && (r->privilege & privileges) != 0;
}

static struct m_ref *some_ref(struct sim *s, uint32_t port, uint8_t privileges) {
    uint32_t n = 0, pick;
    for (uint32_t i = 0; i < s->model.refs_high; i++)
        n += may_pick(&s->model.refs[i], port, privileges);
    if (n == 0)
        return NULL;
    pick = sim_below(&s->random, n);
    for (uint32_t i = 0;; i++) {
        struct m_ref *r = &s->model.refs[i];
        if (may_pick(r, port, privileges) && pick-- == 0)
            return r;
    }
}

/* Whether something that ends this open line or releases this handle is on the way already. */
static bool leaving(const struct sim *s, uint32_t port, uint64_t line, uint64_t call) {
    const struct sim_port *p = &s->ports[port];
    for (uint32_t i = 0; i < p->pending_count; i++) {
        const struct cf_record *r = &p->pending[(p->pending_first + i) % SIM_PENDING];
        if ((r->m.id == CF_REQ_CLOSE && r->m.device == line) || (r->m.id == CF_REQ_RELEASE && r->m.device == call) ||
            r->m.id == CF_REQ_SHUTDOWN)
            return true;
    }
    return false;
}

static struct m_open *some_open(struct sim *s, uint32_t port) {
    struct m_port *p = &s->model.ports[port];
    uint32_t start = sim_below(&s->random, SIM_OPENS);
    for (uint32_t i = 0; i < SIM_OPENS; i++) {
        struct m_open *o = &p->opens[(start + i) % SIM_OPENS];
        if (o->used && !leaving(s, port, o->handle, 0))
            return o;
    }
    return NULL;
}

/* ------------------------------------------------------------------ requests */

static void put_open(struct sim *s, uint32_t port) {
    static const uint32_t privileges[] = {LINECALLPRIVILEGE_MONITOR, LINECALLPRIVILEGE_MONITOR, LINECALLPRIVILEGE_OWNER,
                                          LINECALLPRIVILEGE_NONE, LINECALLPRIVILEGE_MONITOR | LINECALLPRIVILEGE_OWNER,
                                          LINECALLPRIVILEGE_MONITOR | LINECALLPRIVILEGE_OWNER};
    static const uint32_t media[] = {LINEMEDIAMODE_INTERACTIVEVOICE, LINEMEDIAMODE_INTERACTIVEVOICE | LINEMEDIAMODE_DATAMODEM,
                                     LINEMEDIAMODE_AUTOMATEDVOICE};
    struct m_port *p = &s->model.ports[port];
    struct sim_port *h = &s->ports[port];
    uint32_t slot = sim_below(&s->random, SIM_OPENS), provider = sim_below(&s->random, SIM_PROVIDERS),
             line = sim_below(&s->random, SIM_LINES);
    struct m_line *l = &s->model.lines[provider][line];
    for (uint32_t i = 0; i < h->pending_count; i++) { /* one at a time, and after a close of the same slot */
        const struct cf_record *r = &h->pending[(h->pending_first + i) % SIM_PENDING];
        if (r->m.id == CF_REQ_OPEN)
            return;
    }
    if ((p->opens[slot].used && !leaving(s, port, p->opens[slot].handle, 0)) || (!s->settled && !l->up))
        return;
    h->line_generation[slot] += 2;
    uint64_t handle = cf_handle_of_usage(p->usage, slot, CF_KIND_LINE, p->base_generation + h->line_generation[slot] - 1);
    struct cf_record *r = request(CF_REQ_OPEN, handle, slot);
    uint32_t privilege = privileges[sim_below(&s->random, 6)];
    uint64_t address = sim_below(&s->random, 2), mode = media[sim_below(&s->random, 3)];
    if (sim_chance(&s->random, 10) && (privilege & LINECALLPRIVILEGE_OWNER) != 0)
        privilege |= LINEOPENOPTION_SINGLEADDRESS;
    if (sim_chance(&s->random, 3))
        privilege = 16; /* refused */
    r->m.param1 = sim_chance(&s->random, 3) ? 77 : l->device;
    r->m.param2 = privilege | mode << 32;
    r->m.param3 = 0x00020002u | address << 32;
    put_sync(s, port, r);
}

static void put_digits(struct sim *s, uint32_t port, uint64_t handle, uint32_t open) {
    static const uint32_t modes[] = {LINEDIGITMODE_DTMF, LINEDIGITMODE_DTMF, LINEDIGITMODE_DTMF, LINEDIGITMODE_DTMF, LINEDIGITMODE_DTMF,
                                     LINEDIGITMODE_DTMF, LINEDIGITMODE_DTMF, LINEDIGITMODE_DTMF, LINEDIGITMODE_PULSE, 3};
    char text[16];
    struct cf_record *r = request(CF_REQ_GENERATE_DIGITS, handle, open);
    r->m.param1 = modes[sim_below(&s->random, 10)];
    snprintf(text, sizeof text, "#%u", ++s->serial);
    if (sim_chance(&s->random, 80))
        cf_fields_append_text(r, CF_FIELD_DIGITS, text);
    if (may_ask(s, port, true))
        put_sync(s, port, r);
}

/* The least rate tells one request from another. */
static struct cf_record *params_request(struct sim *s, uint64_t handle, uint32_t open) {
    static const uint32_t bearers[] = {LINEBEARERMODE_VOICE, LINEBEARERMODE_VOICE, LINEBEARERMODE_SPEECH, LINEBEARERMODE_SPEECH, 0,
                                       LINEBEARERMODE_VOICE | LINEBEARERMODE_SPEECH, LINEBEARERMODE_DATA};
    static const uint32_t rates[] = {64000, 64000, 100000, 62000, 0, 61000};
    struct cf_call_params params = {.bearer_mode = bearers[sim_below(&s->random, sim_chance(&s->random, 80) ? 4 : 7)],
                                    .min_rate = ++s->serial % 60000, .max_rate = rates[sim_below(&s->random, 6)]};
    if (sim_chance(&s->random, 3))
        params.min_rate = params.max_rate = 65000;
    struct cf_record *r = request(CF_REQ_SET_CALL_PARAMS, handle, open);
    cf_fields_append(r, CF_FIELD_CALL_PARAMS, &params, sizeof params);
    return r;
}

static void put_call_request(struct sim *s, uint32_t port) {
    static const uint16_t control[] = {CF_REQ_ACCEPT, CF_REQ_ANSWER, CF_REQ_DROP, CF_REQ_HOLD, CF_REQ_UNHOLD};
    bool owned = sim_chance(&s->random, 40);
    struct m_ref *ref = some_ref(s, port, LINECALLPRIVILEGE_OWNER | (owned ? 0 : LINECALLPRIVILEGE_MONITOR));
    if (ref == NULL)
        return;
    struct m_open *o = &s->model.ports[port].opens[ref->open];
    uint64_t handle = ref->handle;
    if (leaving(s, port, o->handle, handle) && sim_chance(&s->random, 90))
        return;
    if (sim_chance(&s->random, 3))
        handle += UINT64_C(0x40000000) << 32; /* a life that it never had */
    uint32_t what = sim_below(&s->random, owned && sim_chance(&s->random, 50) ? 34 : 100);
    struct cf_record *r;
    if (what < 24) {
        put_async(s, port, request(control[sim_below(&s->random, 5)], handle, ref->open));
    } else if (what < 28) {
        put_async(s, port, params_request(s, handle, ref->open));
    } else if (what < 34) {
        put_digits(s, port, handle, ref->open);
    } else if (what < 44) {
        put_sync(s, port, request(CF_REQ_CALL_INFO, handle, ref->open));
    } else if (what < 54) {
        put_sync(s, port, request(CF_REQ_CALL_STATUS, handle, ref->open));
    } else if (what < 68) {
        r = request(CF_REQ_SET_PRIVILEGE, handle, ref->open);
        r->m.param1 = what < 60 ? LINECALLPRIVILEGE_OWNER : what < 67 ? LINECALLPRIVILEGE_MONITOR : LINECALLPRIVILEGE_NONE;
        put_sync(s, port, r);
    } else if (what < 70) {
        uint32_t owners, monitors, unsure;
        m_call_count(&s->model, ref->call, &owners, &monitors, &unsure);
        if (unsure == 0 && !ref->limbo && !o->limbo)
            put_sync(s, port, request(CF_REQ_RELEASE_ASK, handle, ref->open));
    } else {
        sim_put(s, port, request(CF_REQ_RELEASE, handle, ref->open));
    }
}

/* Handles of calls that have ended are given back, by most applications most of the time. */
static void put_releases(struct sim *s, uint32_t port, uint32_t count) {
    for (uint32_t i = 0; i < s->model.refs_high && count != 0; i++) {
        struct m_ref *ref = &s->model.refs[i];
        if (!ref->used || ref->port != port || ref->handle == 0 || !ref->saw_idle ||
            leaving(s, port, s->model.ports[port].opens[ref->open].handle, ref->handle))
            continue;
        if (!sim_put(s, port, request(CF_REQ_RELEASE, ref->handle, ref->open)))
            return;
        count--;
    }
}

static void put_line_request(struct sim *s, uint32_t port) {
    struct m_open *o = some_open(s, port);
    if (o == NULL)
        return;
    uint32_t slot = cf_handle_slot(o->handle), what = sim_below(&s->random, 100);
    char text[16];
    struct cf_record *r;
    if (what < 50) {
        struct cf_call_params params = {.bearer_mode = LINEBEARERMODE_VOICE, .media_mode = LINEMEDIAMODE_INTERACTIVEVOICE,
                                        .address_mode = LINEADDRESSMODE_ADDRESSID};
        r = request(CF_REQ_MAKE_CALL, o->handle, slot);
        snprintf(text, sizeof text, "d%u", ++s->serial);
        cf_fields_append_text(r, CF_FIELD_DESTINATION, text);
        if (sim_chance(&s->random, 50))
            cf_fields_append(r, CF_FIELD_CALL_PARAMS, &params, sizeof params);
        put_async(s, port, r);
    } else if (what < 65) {
        put_sync(s, port, request(CF_REQ_LINE_STATUS, o->handle, slot));
    } else if (what < 80) {
        r = request(CF_REQ_STATUS_MESSAGES, o->handle, slot);
        r->m.param1 = LINEDEVSTATE_RINGING | LINEDEVSTATE_OPEN | LINEDEVSTATE_CLOSE | LINEDEVSTATE_OUTOFSERVICE;
        if (sim_chance(&s->random, 50))
            r->m.param1 = 0;
        put_sync(s, port, r);
    } else {
        sim_put(s, port, request(CF_REQ_CLOSE, o->handle, slot));
    }
}

/* lineGetNewCalls and, for each handle, lineGetCallInfo, with nothing else going on. */
static bool list_calls(struct sim *s, uint32_t port) {
    struct m_open *o = some_open(s, port);
    if (o == NULL || o->limbo)
        return true;
    uint32_t slot = cf_handle_slot(o->handle);
    uint64_t cursor = 0, handle = o->handle, address = sim_below(&s->random, 2);
    bool by_address = sim_chance(&s->random, 20);
    uint32_t room = sim_chance(&s->random, 80) ? 1000 : sim_below(&s->random, 4);
    if (!sim_settle(s) || m_open_of(&s->model, port, handle) == NULL)
        return s->why[0] == '\0';
    do {
        struct cf_record *r = request(CF_REQ_NEW_CALLS, handle, slot);
        r->m.param1 = by_address ? LINECALLSELECT_ADDRESS | address << 32 : LINECALLSELECT_LINE;
        r->m.param2 = cursor;
        r->m.param3 = room;
        if (!put_sync(s, port, r))
            return true;
        uint32_t answered = r->m.flags;
        if (!sim_settle(s))
            return false;
        const struct cf_reply_slot *reply = cf_port_reply(core_down(&s->core, port), answered);
        struct cf_reply_new_calls list;
        memcpy(&list, reply->data, sizeof list);
        if (reply->result != 0)
            return true; /* the line was closed */
        room -= list.entries;
        cursor = room == 0 ? 0 : list.cursor;
        for (uint32_t i = 0; i < SIM_CALLS; i++) {
            if (!s->model.listed[i].used)
                continue;
            put_sync(s, port, request(CF_REQ_CALL_INFO, s->model.listed[i].handle, slot));
            if (!sim_settle(s))
                return false;
            if (s->model.listed[i].used)
                return sim_fail(s, "port %u: a listed handle is not known", port);
        }
    } while (cursor != 0);
    return true;
}

/* Asks for every device, so that lines and device ids are known. */
bool sim_devices(struct sim *s, uint32_t port) {
    struct cf_record *r = request(CF_REQ_DEVICES, 0, CF_INDEX_NONE);
    if (!put_sync(s, port, r))
        return true;
    uint32_t slot = r->m.flags;
    if (!sim_settle(s))
        return false;
    struct cf_reply_devices devices;
    memcpy(&devices, cf_port_reply(core_down(&s->core, port), slot)->data, sizeof devices);
    if (devices.devices > 64)
        return sim_fail(s, "%u devices", devices.devices);
    for (uint32_t i = 0; i < devices.devices + 1; i++) {
        r = request(CF_REQ_DEV_CAPS, 0, CF_INDEX_NONE);
        r->m.param1 = i;
        if (!put_sync(s, port, r) || !sim_settle(s))
            return s->why[0] == '\0';
    }
    for (uint32_t i = 0; i < SIM_PROVIDERS * SIM_LINES; i++)
        if (s->model.lines[i / SIM_LINES][i % SIM_LINES].up && s->model.lines[i / SIM_LINES][i % SIM_LINES].device == UINT32_MAX)
            return sim_fail(s, "line %u is no device", i);
    return true;
}

/* ------------------------------------------------------------------ reading */

/* Reads until at most lag slots are unread. What was published must still stand there. */
void sim_read(struct sim *s, uint32_t port, uint32_t lag) {
    struct sim_port *p = &s->ports[port];
    const struct cf_port_down *down = core_down(&s->core, port);
    struct cf_port_up *up = core_up(&s->core, port);
    struct cf_ring_consumer c = p->shadow;
    c.head = p->read;
    while (p->read + lag < down->down.tail) {
        const struct cf_message *g = cf_ring_peek(&c);
        if (g == NULL)
            break;
        uint32_t h = 2166136261u;
        for (uint32_t i = 0; i < (uint32_t)g->slots * CF_SLOT_BYTES; i++)
            h = (h ^ ((const uint8_t *)g)[i]) * 16777619u;
        if (h != p->hash[c.head & c.mask]) {
            sim_fail(s, "port %u: ring slot %lu changed before it was read", port, c.head);
            return;
        }
        if (g->id != CF_LINE_GAP) {
            p->messages_read++;
            bool of_call = g->id == LINE_CALLSTATE || g->id == LINE_CALLINFO || g->id == LINE_GENERATE;
            if (of_call && m_is_app(port) && m_ref_of(&s->model, port, g->device) == NULL)
                p->cancelled++;
        }
        cf_ring_consume(&c, g);
        p->read = c.head;
    }
    if (m_is_app(port)) {
        up->messages_acked = p->messages_read;
        up->cancelled = p->cancelled;
    }
    cf_ring_acknowledge(&up->down_ack, p->read);
    s->settled = false;
    if (m_is_app(port) && !p->asleep && p->read == down->down.tail && sim_chance(&s->random, 40)) {
        p->asleep = true;
        cf_store_release_64(&up->wake_at, p->read + 1);
    }
}

/* ------------------------------------------------------------------ a step */

bool sim_app_step(struct sim *s, uint32_t port) {
    struct m_port *p = &s->model.ports[port];
    struct sim_port *h = &s->ports[port];
    if (p->state == 0) {
        if (!s->settled && !sim_settle(s))
            return false;
        return sim_chance(&s->random, 70) || sim_attach(s, port);
    }
    uint32_t chance = sim_below(&s->random, 1000);
    if (chance < 3)
        return sim_detach(s, port);
    if (chance < 4) {
        sim_put(s, port, request(CF_REQ_SHUTDOWN, 0, CF_INDEX_NONE));
        return sim_settle(s) && sim_detach(s, port);
    }
    if (chance < 7)
        h->deaf_until = s->step + 20 + sim_below(&s->random, 300);
    if (chance < 30)
        h->lag = sim_chance(&s->random, 60) ? 0 : sim_below(&s->random, s->down_slots);
    if (chance < 45)
        return list_calls(s, port);
    if (chance < 48)
        return sim_devices(s, port);
    if (chance < 50) { /* a record that is no request */
        sim_put(s, port, request((uint16_t)(0x2050 + sim_below(&s->random, 0x800)), sim_random(&s->random), 3));
        return true;
    }
    for (uint32_t n = 1 + sim_below(&s->random, 4); n != 0; n--) {
        uint32_t what = sim_below(&s->random, 100);
        if (what < 20)
            put_open(s, port);
        else if (what < 35)
            put_line_request(s, port);
        else if (what < 60)
            put_releases(s, port, 3);
        else
            put_call_request(s, port);
    }
    return true;
}
