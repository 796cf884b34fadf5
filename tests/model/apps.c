/* The applications of the simulation: what they ask, and how they read. */
#include <stdio.h>
#include <string.h>

#include "shm/forward.h"
#include "tests/model/asking.h"

static struct cf_record scratch;

struct cf_record *sim_request(uint16_t id, uint64_t device, uint32_t open_line) {
    scratch.m = (struct cf_message){.id = id, .device = device, .flags = CF_NO_REPLY, .open_line = open_line};
    scratch.payload_bytes = 0;
    return &scratch;
}

/* Sends a synchronous request; false when no reply slot is free. */
bool sim_put_sync(struct sim *s, uint32_t port, struct cf_record *r) {
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
bool sim_may_ask(const struct sim *s, uint32_t port, bool apart) {
    uint32_t used = 0, own = s->ports[port].pending_count;
    for (uint32_t i = 0; i < SIM_REQUESTS; i++) {
        used += s->model.requests[i].used;
        own += s->model.requests[i].used && s->model.requests[i].port == port && (m_apart(s->model.requests[i].id) != M_NOT_APART) == apart;
    }
    return used + sim_pending_count(s) + 8 <= SIM_REQUESTS && own < s->model.ports[port].requests_max;
}

void sim_put_async(struct sim *s, uint32_t port, struct cf_record *r) {
    if (!sim_may_ask(s, port, false))
        return;
    r->m.param1 = ++s->ports[port].next_request_id;
    sim_put(s, port, r);
}

/* ------------------------------------------------------------------ picking */

static bool may_pick(const struct m_ref *r, uint32_t port, uint8_t privileges) {
    return r->used && r->port == port && r->handle != 0 && r->announce == M_TOLD && (r->privilege & privileges) != 0;
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
    if (s->crowd && sim_chance(&s->random, 80))
        provider = line = 0;
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
    struct cf_record *r = sim_request(CF_REQ_OPEN, handle, slot);
    uint32_t privilege = privileges[s->crowd ? 5 : sim_below(&s->random, 6)];
    uint64_t address = sim_below(&s->random, 2), mode = media[sim_below(&s->random, 3)];
    if (sim_chance(&s->random, 10) && (privilege & LINECALLPRIVILEGE_OWNER) != 0)
        privilege |= LINEOPENOPTION_SINGLEADDRESS;
    if (sim_chance(&s->random, 3))
        privilege = 16; /* refused */
    r->m.param1 = sim_chance(&s->random, 3) ? 77 : l->device;
    r->m.param2 = privilege | mode << 32;
    r->m.param3 = 0x00020002u | address << 32;
    sim_put_sync(s, port, r);
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
    struct cf_record *r = sim_request(CF_REQ_SET_CALL_PARAMS, handle, open);
    cf_fields_append(r, CF_FIELD_CALL_PARAMS, &params, sizeof params);
    return r;
}

/* lineSetAppSpecific, lineSetMediaMode. */
static void put_tag(struct sim *s, uint32_t port, uint64_t handle, uint32_t open) {
    static const uint32_t media[] = {LINEMEDIAMODE_INTERACTIVEVOICE, LINEMEDIAMODE_AUTOMATEDVOICE, LINEMEDIAMODE_DATAMODEM,
                                     LINEMEDIAMODE_UNKNOWN | LINEMEDIAMODE_G3FAX, 0, 0x10000,
                                     LINEMEDIAMODE_INTERACTIVEVOICE | LINEMEDIAMODE_G3FAX};
    bool specific = sim_chance(&s->random, 50);
    struct cf_record *r = sim_request(specific ? CF_REQ_SET_APP_SPECIFIC : CF_REQ_SET_MEDIA_MODE, handle, open);
    r->m.param1 = specific ? sim_below(&s->random, 5) : media[sim_below(&s->random, sim_chance(&s->random, 80) ? 4 : 7)];
    sim_put_sync(s, port, r);
}

/* ------------------------------------------------------------------ transfers and conferences */

/* The model has room for the calls that it may make. */
static bool may_make(const struct sim *s) {
    uint32_t n = sim_pending_count(s) + 24;
    for (uint32_t i = 0; i < s->model.calls_high; i++)
        n += s->model.calls[i].used;
    for (uint32_t i = 0; i < s->model.requests_high; i++)
        n += s->model.requests[i].used ? s->model.requests[i].makes : 0;
    return n < SIM_CALLS;
}

static const struct {
    uint16_t id;
    bool makes;
    uint32_t states, second_states; /* that are tried rather than others; second_states 0: it is about one call */
} operations[] = {
    {CF_REQ_SWAP_HOLD, false, LINECALLSTATE_CONNECTED, LINECALLSTATE_ONHOLD | LINECALLSTATE_ONHOLDPENDCONF},
    {CF_REQ_SETUP_TRANSFER, true, LINECALLSTATE_CONNECTED, 0},
    {CF_REQ_COMPLETE_TRANSFER, true, LINECALLSTATE_ONHOLD, LINECALLSTATE_CONNECTED | LINECALLSTATE_RINGBACK | LINECALLSTATE_BUSY},
    {CF_REQ_COMPLETE_TRANSFER, true, LINECALLSTATE_ONHOLD, LINECALLSTATE_CONNECTED | LINECALLSTATE_PROCEEDING},
    {CF_REQ_BLIND_TRANSFER, false, LINECALLSTATE_CONNECTED, 0},
    {CF_REQ_SETUP_CONFERENCE, true, LINECALLSTATE_CONNECTED, 0},
    {CF_REQ_PREPARE_ADD, true, LINECALLSTATE_CONNECTED, 0},
    {CF_REQ_ADD_TO_CONFERENCE, false, LINECALLSTATE_ONHOLD | LINECALLSTATE_ONHOLDPENDCONF, LINECALLSTATE_CONNECTED | LINECALLSTATE_RINGBACK},
    {CF_REQ_REMOVE_FROM_CONFERENCE, false, LINECALLSTATE_CONFERENCED, 0},
};

static bool grants(const struct sim *s, const struct m_ref *r, uint32_t port, const struct sim_wish *w) {
    const struct m_call *c = &s->model.calls[r->call];
    return may_pick(r, port, LINECALLPRIVILEGE_OWNER | (w->monitors ? LINECALLPRIVILEGE_MONITOR : 0)) && (c->state & w->states) != 0 && c != w->line_of &&
           (w->line_of == NULL || (c->provider == w->line_of->provider && c->line == w->line_of->line)) &&
           (!w->conference || m_conference_is(&s->model, c));
}

/* Mostly one that grants the wish, if there is any; else some other. */
struct m_ref *sim_wished_ref(struct sim *s, uint32_t port, struct sim_wish w) {
    uint32_t n = 0, pick;
    for (uint32_t i = 0; i < s->model.refs_high; i++)
        n += grants(s, &s->model.refs[i], port, &w);
    if (n == 0 || sim_chance(&s->random, 15))
        return some_ref(s, port, LINECALLPRIVILEGE_OWNER | LINECALLPRIVILEGE_MONITOR);
    pick = sim_below(&s->random, n);
    for (uint32_t i = 0;; i++)
        if (grants(s, &s->model.refs[i], port, &w) && pick-- == 0)
            return &s->model.refs[i];
}

/* Its target tells one request from another. */
static void append_target(struct sim *s, struct cf_record *r) {
    char text[16];
    snprintf(text, sizeof text, "t%u", ++s->serial);
    cf_fields_append_text(r, CF_FIELD_TARGET, text);
}

static void put_operation(struct sim *s, uint32_t port) {
    uint32_t what = sim_below(&s->random, sizeof operations / sizeof operations[0]);
    bool conference = operations[what].id == CF_REQ_PREPARE_ADD || operations[what].id == CF_REQ_ADD_TO_CONFERENCE;
    struct m_ref *ref = sim_wished_ref(s, port, (struct sim_wish){operations[what].states, NULL, conference, false});
    if (ref == NULL || (operations[what].makes && !may_make(s)))
        return;
    struct m_ref *second = sim_wished_ref(s, port, (struct sim_wish){operations[what].second_states, &s->model.calls[ref->call], false, false});
    struct cf_record *r = sim_request(operations[what].id, ref->handle, ref->open);
    if (operations[what].second_states != 0 && second != NULL && sim_chance(&s->random, 96))
        r->m.param2 = second->handle;
    if (operations[what].id == CF_REQ_COMPLETE_TRANSFER)
        r->m.param3 = sim_chance(&s->random, 95) ? 1 + sim_below(&s->random, 2) : sim_below(&s->random, 5);
    else if (operations[what].id == CF_REQ_SETUP_CONFERENCE)
        r->m.param3 = sim_below(&s->random, 9);
    else if (operations[what].id == CF_REQ_BLIND_TRANSFER)
        r->m.param2 = sim_below(&s->random, 99);
    if (sim_chance(&s->random, 2))
        r->m.device += UINT64_C(0x40000000) << 32; /* a life that it never had */
    append_target(s, r);
    sim_put_async(s, port, r);
}

/* ------------------------------------------------------------------ what else is asked of a call, and of a line */

static const struct {
    uint16_t id;
    uint32_t states; /* that are tried rather than others */
} features[] = {
    {CF_REQ_DIAL, LINECALLSTATE_DIALTONE | LINECALLSTATE_DIALING | LINECALLSTATE_UNKNOWN},
    {CF_REQ_REDIRECT, LINECALLSTATE_OFFERING},
    {CF_REQ_SECURE_CALL, ~LINECALLSTATE_IDLE},
    {CF_REQ_PARK, LINECALLSTATE_CONNECTED},
    {CF_REQ_PARK, LINECALLSTATE_CONNECTED},
    {CF_REQ_COMPLETE_CALL, LINECALLSTATE_BUSY | LINECALLSTATE_RINGBACK},
    {CF_REQ_SEND_USER_USER, LINECALLSTATE_CONNECTED | LINECALLSTATE_OFFERING | LINECALLSTATE_ACCEPTED | LINECALLSTATE_RINGBACK},
    {CF_REQ_RELEASE_USER_USER, ~LINECALLSTATE_IDLE},
    {CF_REQ_SET_CALL_DATA, ~LINECALLSTATE_IDLE},
    {CF_REQ_SET_CALL_TREATMENT, ~LINECALLSTATE_IDLE},
};

/* Somebody has asked this of the call already: which of the two a command is could not be told. */
bool sim_asked_already(const struct sim *s, uint16_t id, uint32_t call) {
    for (uint32_t i = 0; i < s->model.requests_high; i++)
        if (s->model.requests[i].used && s->model.requests[i].id == id && s->model.requests[i].call == call)
            return true;
    for (uint32_t port = 1 + SIM_PROVIDERS; port < SIM_PORTS; port++)
        for (uint32_t i = 0; i < s->ports[port].pending_count; i++)
            if (s->ports[port].pending[(s->ports[port].pending_first + i) % SIM_PENDING].m.id == id)
                return true;
    return false;
}

/* Its text, whose number tells it from others; now and then none, or more than there may be. */
static void append_number(struct sim *s, struct cf_record *r, const char *form, uint32_t none_percent) {
    char text[160];
    if (sim_chance(&s->random, none_percent))
        return;
    snprintf(text, sizeof text, form, ++s->serial);
    if (r->m.id == CF_REQ_SEND_USER_USER && sim_chance(&s->random, 5))
        memset(text + strlen(text), '.', sizeof text - strlen(text)); /* too much */
    cf_fields_append(r, m_serial_tag(r->m.id), text, text[sizeof text - 1] == '.' ? sizeof text : (uint32_t)strlen(text));
}

static void fill_feature(struct sim *s, struct cf_record *r) {
    static const uint32_t completions[] = {LINECALLCOMPLMODE_CALLBACK, LINECALLCOMPLMODE_CAMPON, LINECALLCOMPLMODE_MESSAGE,
                                           LINECALLCOMPLMODE_INTRUDE, 0, 3, 16};
    switch (r->m.id) {
    case CF_REQ_DIAL:
    case CF_REQ_REDIRECT:
        r->m.param2 = sim_below(&s->random, 99);
        append_number(s, r, r->m.id == CF_REQ_DIAL && sim_chance(&s->random, 30) ? "x%u;" : "x%u", 10);
        break;
    case CF_REQ_PARK:
        r->m.param2 = sim_chance(&s->random, 90) ? 1 + (sim_below(&s->random, 3) != 0) : sim_below(&s->random, 5);
        append_number(s, r, "x%u", r->m.param2 == LINEPARKMODE_NONDIRECTED ? 0 : 10);
        break;
    case CF_REQ_COMPLETE_CALL:
        r->m.param2 = completions[sim_below(&s->random, sim_chance(&s->random, 85) ? 3 : 7)];
        r->m.param3 = sim_below(&s->random, 4);
        break;
    case CF_REQ_SEND_USER_USER:
        append_number(s, r, "u%u", 10);
        break;
    case CF_REQ_SET_CALL_DATA:
        append_number(s, r, "k%u", 20);
        break;
    case CF_REQ_SET_CALL_TREATMENT:
        r->m.param2 = sim_chance(&s->random, 80) ? 1 + 3 * sim_below(&s->random, 2) : sim_below(&s->random, 6);
        break;
    }
}

static void put_feature(struct sim *s, uint32_t port) {
    uint32_t what = sim_below(&s->random, sizeof features / sizeof features[0]);
    struct m_ref *ref = sim_wished_ref(s, port, (struct sim_wish){features[what].states, NULL, false, false});
    if (ref == NULL || (features[what].id == CF_REQ_RELEASE_USER_USER && sim_asked_already(s, features[what].id, ref->call)))
        return;
    struct cf_record *r = sim_request(features[what].id, ref->handle, ref->open);
    fill_feature(s, r);
    if (sim_chance(&s->random, 2))
        r->m.device += UINT64_C(0x40000000) << 32; /* a life that it never had */
    sim_put_async(s, port, r);
}

/* Up to four entries, now and then of a mode that the line does not have, or none. */
static void append_forward_list(struct sim *s, struct cf_record *r) {
    static const uint32_t modes[] = {LINEFORWARDMODE_UNCOND, LINEFORWARDMODE_UNCOND, LINEFORWARDMODE_BUSY, LINEFORWARDMODE_BUSYSPECIFIC,
                                     LINEFORWARDMODE_NOANSW, 0, 3};
    uint8_t list[8 * sizeof(struct cf_forward_head)];
    uint32_t bytes = 0;
    for (uint32_t n = 1 + sim_below(&s->random, sim_chance(&s->random, 60) ? 1 : 4); n != 0; n--) {
        struct cf_forward_head head = {.mode = modes[sim_below(&s->random, sim_chance(&s->random, 80) ? 2 : 7)], .address_bytes = 2};
        memcpy(list + bytes, &head, sizeof head);
        memcpy(list + bytes + sizeof head, "f1", 2);
        bytes += sizeof head + 2;
    }
    cf_fields_append(r, CF_FIELD_FORWARD_LIST, list, bytes - (sim_chance(&s->random, 3) ? 1 : 0));
}

/* lineUnpark, linePickup, lineForward, lineUncompleteCall. */
static void put_line_feature(struct sim *s, uint32_t port, const struct m_open *o) {
    static const uint16_t ids[] = {CF_REQ_UNPARK, CF_REQ_PICKUP, CF_REQ_FORWARD, CF_REQ_UNCOMPLETE_CALL};
    struct cf_record *r = sim_request(ids[sim_below(&s->random, 4)], o->handle, cf_handle_slot(o->handle));
    char group[16];
    r->m.param2 = sim_chance(&s->random, 95) ? sim_below(&s->random, SIM_ADDRESSES) : SIM_ADDRESSES;
    if (r->m.id == CF_REQ_UNCOMPLETE_CALL) {
        r->m.param2 = 1 + sim_below(&s->random, 1000);
    } else if (r->m.id == CF_REQ_FORWARD) {
        r->m.param2 |= (uint64_t)sim_below(&s->random, 2) << 32;
        r->m.param3 = sim_below(&s->random, 10);
        append_number(s, r, "u%u", 0);
        if (sim_chance(&s->random, 80))
            append_forward_list(s, r);
    } else if (r->m.id == CF_REQ_PICKUP && sim_chance(&s->random, 40)) {
        snprintf(group, sizeof group, "g%u", ++s->serial);
        cf_fields_append_text(r, CF_FIELD_GROUP, group);
    } else {
        append_number(s, r, "x%u", 0);
    }
    if (may_make(s))
        sim_put_async(s, port, r);
}

/* lineDevSpecific, of the line or of a call: now and then one of another line, or that never was. */
static void put_specific(struct sim *s, uint32_t port, const struct m_open *o) {
    struct cf_record *r = sim_request(CF_REQ_DEV_SPECIFIC, o->handle, cf_handle_slot(o->handle));
    for (uint32_t tries = 0; tries < 8 && sim_chance(&s->random, 90); tries++) {
        const struct m_ref *ref = some_ref(s, port, LINECALLPRIVILEGE_OWNER | LINECALLPRIVILEGE_MONITOR);
        if (ref == NULL)
            break;
        const struct m_call *c = &s->model.calls[ref->call];
        r->m.param2 = ref->handle;
        if ((c->provider == o->provider && c->line == o->line) || sim_chance(&s->random, 5))
            break;
        r->m.param2 = 0;
    }
    if (r->m.param2 != 0 && sim_chance(&s->random, 3))
        r->m.param2 += UINT64_C(0x40000000) << 32; /* a life that it never had */
    r->m.param3 = sim_chance(&s->random, 95) ? sim_below(&s->random, SIM_ADDRESSES) : SIM_ADDRESSES;
    append_number(s, r, "v%u", 0);
    sim_put_async(s, port, r);
}

/* lineSetupConference without a call. */
static void put_conference(struct sim *s, uint32_t port, const struct m_open *o) {
    struct cf_call_params params = {.bearer_mode = LINEBEARERMODE_VOICE, .media_mode = LINEMEDIAMODE_INTERACTIVEVOICE,
                                    .address_id = sim_chance(&s->random, 90) ? sim_below(&s->random, 2) : 7};
    struct cf_record *r = sim_request(CF_REQ_SETUP_CONFERENCE, o->handle, cf_handle_slot(o->handle));
    r->m.param3 = sim_below(&s->random, 9);
    append_target(s, r);
    if (sim_chance(&s->random, 50))
        cf_fields_append(r, CF_FIELD_CALL_PARAMS, &params, sizeof params);
    if (may_make(s))
        sim_put_async(s, port, r);
}

/* lineGetConfRelatedCalls: all of it, from some place on, or into a list that is too small. */
static void put_conference_list(struct sim *s, uint32_t port) {
    struct m_ref *ref = sim_wished_ref(s, port, (struct sim_wish){~0u, NULL, sim_chance(&s->random, 50), false});
    if (ref == NULL || s->model.ports[port].opens[ref->open].limbo || leaving(s, port, s->model.ports[port].opens[ref->open].handle, ref->handle))
        return;
    struct cf_record *r = sim_request(CF_REQ_CONF_CALLS, ref->handle, ref->open);
    r->m.param2 = sim_chance(&s->random, 80) ? 0 : sim_below(&s->random, 6);
    r->m.param3 = sim_chance(&s->random, 75) ? 500 : sim_below(&s->random, 5);
    sim_put_sync(s, port, r);
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
        sim_put_async(s, port, sim_request(control[sim_below(&s->random, 5)], handle, ref->open));
    } else if (what < 28) {
        sim_put_async(s, port, params_request(s, handle, ref->open));
    } else if (what < 31) {
        sim_put_apart(s, port);
    } else if (what < 34) {
        put_tag(s, port, handle, ref->open);
    } else if (what < 44) {
        sim_put_sync(s, port, sim_request(CF_REQ_CALL_INFO, handle, ref->open));
    } else if (what < 54) {
        sim_put_sync(s, port, sim_request(CF_REQ_CALL_STATUS, handle, ref->open));
    } else if (what < 68) {
        r = sim_request(CF_REQ_SET_PRIVILEGE, handle, ref->open);
        r->m.param1 = what < 60 ? LINECALLPRIVILEGE_OWNER : what < 67 ? LINECALLPRIVILEGE_MONITOR : LINECALLPRIVILEGE_NONE;
        sim_put_sync(s, port, r);
    } else if (what < 70) {
        uint32_t owners, monitors, unsure;
        m_call_count(&s->model, ref->call, &owners, &monitors, &unsure);
        if (unsure == 0 && !ref->limbo && !o->limbo)
            sim_put_sync(s, port, sim_request(CF_REQ_RELEASE_ASK, handle, ref->open));
    } else if (!s->crowd || sim_chance(&s->random, 20)) {
        sim_put(s, port, sim_request(CF_REQ_RELEASE, handle, ref->open));
    }
}

/* An application that could be handed the call, if there is one; else any number. */
static uint32_t some_taker(struct sim *s, const struct m_call *c) {
    uint32_t start = sim_below(&s->random, SIM_APPS * SIM_OPENS);
    for (uint32_t i = 0; i < SIM_APPS * SIM_OPENS && sim_chance(&s->random, 98); i++) {
        uint32_t at = (start + i) % (SIM_APPS * SIM_OPENS), port = 1 + SIM_PROVIDERS + at % SIM_APPS;
        const struct m_open *o = &s->model.ports[port].opens[at / SIM_APPS];
        if (o->used && o->provider == c->provider && o->line == c->line && (o->privilege & LINECALLPRIVILEGE_OWNER) != 0)
            return port;
    }
    return 2 + sim_below(&s->random, SIM_PEERS - 2);
}

/* lineHandoff, with nothing else going on, so that it is known who is to have the call. */
static bool hand_off(struct sim *s, uint32_t port) {
    static const uint32_t media[] = {LINEMEDIAMODE_INTERACTIVEVOICE, LINEMEDIAMODE_INTERACTIVEVOICE, LINEMEDIAMODE_AUTOMATEDVOICE,
                                     LINEMEDIAMODE_DATAMODEM, LINEMEDIAMODE_G3FAX, LINEMEDIAMODE_UNKNOWN, 0, 6};
    char name[8];
    if (!sim_settle(s))
        return false;
    struct m_ref *ref = some_ref(s, port, LINECALLPRIVILEGE_OWNER | (sim_chance(&s->random, 10) ? LINECALLPRIVILEGE_MONITOR : 0));
    if (ref == NULL || !m_handoff_sure(&s->model, ref))
        return true;
    struct cf_record *r = sim_request(CF_REQ_HANDOFF, ref->handle, ref->open);
    snprintf(name, sizeof name, "peer%u", some_taker(s, &s->model.calls[ref->call]));
    if (sim_chance(&s->random, 70))
        cf_fields_append_text(r, CF_FIELD_TARGET, name);
    else
        r->m.param1 = media[sim_below(&s->random, 8)];
    return !sim_put_sync(s, port, r) || sim_settle(s);
}

/* lineSetAppPriority, lineGetAppPriority: some names are nobody's. */
static void put_priority(struct sim *s, uint32_t port) {
    static const uint32_t media[] = {LINEMEDIAMODE_INTERACTIVEVOICE, LINEMEDIAMODE_INTERACTIVEVOICE, LINEMEDIAMODE_AUTOMATEDVOICE,
                                     LINEMEDIAMODE_DATAMODEM, LINEMEDIAMODE_VIDEO, LINEMEDIAMODE_UNKNOWN, 0, 6};
    char name[8];
    struct cf_record *r = sim_request(sim_chance(&s->random, 60) ? CF_REQ_SET_APP_PRIORITY : CF_REQ_GET_APP_PRIORITY, 0, CF_INDEX_NONE);
    snprintf(name, sizeof name, "peer%u", sim_below(&s->random, SIM_PEERS));
    cf_fields_append_text(r, CF_FIELD_APP_PRIORITY, name);
    r->m.param1 = media[sim_below(&s->random, sim_chance(&s->random, 90) ? 6 : 8)];
    r->m.param2 = sim_chance(&s->random, 3) ? 2 : sim_below(&s->random, 2);
    sim_put_sync(s, port, r);
}

/* Handles of calls that have ended are given back, by most applications most of the time. */
static void put_releases(struct sim *s, uint32_t port, uint32_t count) {
    for (uint32_t i = 0; i < s->model.refs_high && count != 0; i++) {
        struct m_ref *ref = &s->model.refs[i];
        if (!ref->used || ref->port != port || ref->handle == 0 || !ref->saw_idle ||
            leaving(s, port, s->model.ports[port].opens[ref->open].handle, ref->handle))
            continue;
        if (!sim_put(s, port, sim_request(CF_REQ_RELEASE, ref->handle, ref->open)))
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
    if (what < 10) {
        put_conference(s, port, o);
    } else if (what < 16) {
        put_specific(s, port, o);
    } else if (what < 26) {
        put_line_feature(s, port, o);
    } else if (what < 50) {
        struct cf_call_params params = {.bearer_mode = LINEBEARERMODE_VOICE, .media_mode = LINEMEDIAMODE_INTERACTIVEVOICE,
                                        .address_mode = LINEADDRESSMODE_ADDRESSID};
        r = sim_request(CF_REQ_MAKE_CALL, o->handle, slot);
        snprintf(text, sizeof text, "d%u", ++s->serial);
        cf_fields_append_text(r, CF_FIELD_DESTINATION, text);
        if (sim_chance(&s->random, 50))
            cf_fields_append(r, CF_FIELD_CALL_PARAMS, &params, sizeof params);
        sim_put_async(s, port, r);
    } else if (what < 58) {
        sim_put_sync(s, port, sim_request(CF_REQ_LINE_STATUS, o->handle, slot));
    } else if (what < 65) {
        r = sim_request(CF_REQ_ADDRESS_STATUS, o->handle, slot);
        r->m.param1 = sim_chance(&s->random, 95) ? sim_below(&s->random, SIM_ADDRESSES) : SIM_ADDRESSES;
        sim_put_sync(s, port, r);
    } else if (what < 80) {
        r = sim_request(CF_REQ_STATUS_MESSAGES, o->handle, slot);
        r->m.param1 = LINEDEVSTATE_RINGING | LINEDEVSTATE_OPEN | LINEDEVSTATE_CLOSE | LINEDEVSTATE_OUTOFSERVICE;
        if (sim_chance(&s->random, 50))
            r->m.param1 = 0;
        if (sim_chance(&s->random, 40))
            r->m.param2 = sim_chance(&s->random, 50) ? 0x1FF : LINEADDRESSSTATE_INUSEZERO | LINEADDRESSSTATE_FORWARD;
        sim_put_sync(s, port, r);
    } else if (!s->crowd || sim_chance(&s->random, 30)) {
        sim_put(s, port, sim_request(CF_REQ_CLOSE, o->handle, slot));
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
        struct cf_record *r = sim_request(CF_REQ_NEW_CALLS, handle, slot);
        r->m.param1 = by_address ? LINECALLSELECT_ADDRESS | address << 32 : LINECALLSELECT_LINE;
        r->m.param2 = cursor;
        r->m.param3 = room;
        if (!sim_put_sync(s, port, r))
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
            sim_put_sync(s, port, sim_request(CF_REQ_CALL_INFO, s->model.listed[i].handle, slot));
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
    struct cf_record *r = sim_request(CF_REQ_DEVICES, 0, CF_INDEX_NONE);
    if (!sim_put_sync(s, port, r))
        return true;
    uint32_t slot = r->m.flags;
    if (!sim_settle(s))
        return false;
    struct cf_reply_devices devices;
    memcpy(&devices, cf_port_reply(core_down(&s->core, port), slot)->data, sizeof devices);
    if (devices.devices > 64)
        return sim_fail(s, "%u devices", devices.devices);
    for (uint32_t i = 0; i < devices.devices + 1; i++) {
        r = sim_request(CF_REQ_DEV_CAPS, 0, CF_INDEX_NONE);
        r->m.param1 = i;
        if (!sim_put_sync(s, port, r) || !sim_settle(s))
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
            bool of_call = g->id == LINE_CALLSTATE || g->id == LINE_CALLINFO || g->id == LINE_GENERATE || g->id == LINE_GATHERDIGITS ||
                           g->id == LINE_MONITORDIGITS || g->id == LINE_MONITORMEDIA || g->id == LINE_MONITORTONE ||
                           (g->id == LINE_DEVSPECIFIC && cf_handle_kind(g->device) == CF_KIND_CALL);
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
        sim_put(s, port, sim_request(CF_REQ_SHUTDOWN, 0, CF_INDEX_NONE));
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
    if (chance >= 75 && chance < 95)
        put_priority(s, port);
    if (chance >= 50 && chance < 75 && (!hand_off(s, port) || s->why[0] != '\0'))
        return false;
    if (chance < 50) { /* a record that is no request */
        sim_put(s, port, sim_request((uint16_t)(0x2050 + sim_below(&s->random, 0x800)), sim_random(&s->random), 3));
        return true;
    }
    for (uint32_t n = 1 + sim_below(&s->random, 4); n != 0; n--) {
        uint32_t what = sim_below(&s->random, 100);
        if (s->crowd && sim_chance(&s->random, 35))
            sim_put_listen(s, port);
        else if (what < 20)
            put_open(s, port);
        else if (what < 35)
            put_line_request(s, port);
        else if (what < 55)
            put_releases(s, port, 3);
        else if (what < 72)
            put_operation(s, port);
        else if (what < 76)
            put_conference_list(s, port);
        else if (what < 82)
            put_feature(s, port);
        else if (what < 88)
            sim_put_listen(s, port);
        else if (what < 94)
            sim_put_apart(s, port);
        else
            put_call_request(s, port);
    }
    return true;
}
