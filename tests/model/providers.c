/* The providers of the simulation: lines, calls, answers to commands, mistakes. */
#include <stdio.h>
#include <string.h>

#include "tests/model/sim.h"

static struct cf_record scratch;

static struct cf_record *event(uint16_t id) {
    scratch.m = (struct cf_message){.id = id, .flags = CF_NO_REPLY, .open_line = CF_INDEX_NONE};
    scratch.payload_bytes = 0;
    return &scratch;
}

/* Calls on the way that the engine has not taken yet, and events of a call. */
static bool on_the_way(const struct sim *s, uint32_t port, uint16_t id, uint64_t param1) {
    const struct sim_port *p = &s->ports[port];
    for (uint32_t i = 0; i < p->pending_count; i++) {
        const struct cf_record *r = &p->pending[(p->pending_first + i) % SIM_PENDING];
        if (r->m.id == id && r->m.param1 == param1)
            return true;
    }
    return false;
}

/* The state of a call once the engine has taken everything that is on the way. */
static void latest_state(const struct sim *s, uint32_t port, const struct m_call *c, uint32_t *state, uint32_t *mode) {
    const struct sim_port *p = &s->ports[port];
    *state = c->state;
    *mode = c->mode;
    for (uint32_t i = 0; i < p->pending_count; i++) {
        const struct cf_record *r = &p->pending[(p->pending_first + i) % SIM_PENDING];
        if (r->m.id == CF_EV_CALL_STATE && r->m.device == c->id) {
            *state = (uint32_t)r->m.param1;
            *mode = (uint32_t)r->m.param2;
        }
    }
}

static uint64_t new_call_id(struct sim *s, uint32_t provider) {
    for (uint32_t tries = 0; tries < SIM_INDICES; tries++) {
        uint32_t index = s->next_index[provider]++ % SIM_INDICES;
        bool busy = false;
        for (uint32_t i = 0; i < s->model.calls_high; i++) {
            const struct m_call *c = &s->model.calls[i];
            busy |= c->used && c->provider == provider && cf_handle_index(c->id) == index;
        }
        if (busy)
            continue;
        uint32_t *g = &s->call_generation[provider][index];
        *g += *g == 0 ? 1 : 2;
        return cf_handle_make(index, CF_KIND_PROVIDER, *g);
    }
    return 0;
}

static struct m_call *some_call(struct sim *s, uint32_t provider) {
    uint32_t n = 0, pick;
    for (uint32_t i = 0; i < s->model.calls_high; i++)
        n += s->model.calls[i].used && !s->model.calls[i].ending && s->model.calls[i].provider == provider;
    if (n == 0)
        return NULL;
    pick = sim_below(&s->random, n);
    for (uint32_t i = 0;; i++) {
        struct m_call *c = &s->model.calls[i];
        if (c->used && !c->ending && c->provider == provider && pick-- == 0)
            return c;
    }
}

static bool put_line(struct sim *s, uint32_t provider, uint32_t line) {
    struct cf_record *r = event(CF_EV_LINE);
    char name[32];
    struct cf_line_caps caps = {
        .permanent_id = provider * 100 + line,
        .addresses = 2,
        .bearer_modes = LINEBEARERMODE_VOICE | LINEBEARERMODE_SPEECH,
        .media_modes = LINEMEDIAMODE_INTERACTIVEVOICE | LINEMEDIAMODE_AUTOMATEDVOICE | LINEMEDIAMODE_DATAMODEM,
        .line_features = LINEFEATURE_MAKECALL,
        .calls_max = 100,
        .answer_mode = LINEANSWERMODE_NONE,
        .call_features = LINECALLFEATURE_ACCEPT | LINECALLFEATURE_ANSWER | LINECALLFEATURE_DROP | LINECALLFEATURE_HOLD |
                         LINECALLFEATURE_UNHOLD | LINECALLFEATURE_GENERATEDIGITS | LINECALLFEATURE_SETCALLPARAMS,
        .call_states = 0xFFFF,
    };
    if (line == SIM_LINES - 1)
        caps.call_features = LINECALLFEATURE_ANSWER | LINECALLFEATURE_DROP | LINECALLFEATURE_UNHOLD;
    snprintf(name, sizeof name, "p%ul%u", provider, line);
    r->m.param1 = line;
    cf_fields_append_text(r, CF_FIELD_NAME, name);
    cf_fields_append_text(r, CF_FIELD_ADDRESS, "100");
    cf_fields_append(r, CF_FIELD_LINE_CAPS, &caps, sizeof caps);
    return sim_put(s, m_provider_port(provider), r);
}

bool sim_snapshot(struct sim *s, uint32_t provider) {
    uint32_t port = m_provider_port(provider);
    sim_put(s, port, event(CF_EV_SNAPSHOT_BEGIN));
    for (uint32_t line = 0; line < SIM_LINES; line++)
        if (!s->model.lines[provider][line].removed)
            put_line(s, provider, line);
    return sim_put(s, port, event(CF_EV_SNAPSHOT_END));
}

/* Some of the names and numbers of a call, from text `from` on; now and then an empty one. */
static void append_who(struct sim *s, struct cf_record *r, uint32_t from) {
    for (uint32_t i = from; i < M_WHO; i++) {
        char text[96] = "";
        if (!sim_chance(&s->random, 25))
            continue;
        uint32_t bytes = sim_chance(&s->random, 10) ? 0 : m_who_text(M_LONG_FROM + ++s->who, text);
        cf_fields_append(r, m_who_tags[i], text, bytes);
    }
}

static void put_new_call(struct sim *s, uint32_t provider) {
    static const uint32_t states[] = {LINECALLSTATE_OFFERING, LINECALLSTATE_OFFERING, LINECALLSTATE_OFFERING,
                                      LINECALLSTATE_DIALTONE, LINECALLSTATE_CONNECTED};
    static const uint32_t media[] = {LINEMEDIAMODE_INTERACTIVEVOICE, LINEMEDIAMODE_INTERACTIVEVOICE, LINEMEDIAMODE_AUTOMATEDVOICE,
                                     LINEMEDIAMODE_DATAMODEM};
    uint32_t live = 0;
    for (uint32_t i = 0; i < s->model.calls_high; i++)
        live += s->model.calls[i].used;
    uint32_t line = sim_below(&s->random, SIM_LINES);
    if (live + sim_pending_count(s) + SIM_PENDING > SIM_CALLS || live > s->calls_wanted || !s->model.lines[provider][line].up)
        return;
    struct cf_record *r = event(CF_EV_NEW_CALL);
    char caller[16], called[16];
    r->m.device = new_call_id(s, provider);
    if (r->m.device == 0)
        return;
    snprintf(caller, sizeof caller, "c%u", ++s->serial);
    snprintf(called, sizeof called, "n%u", line + 1);
    uint64_t address = sim_below(&s->random, 2);
    r->m.param1 = line | address << 32;
    r->m.param2 = states[sim_below(&s->random, 5)];
    r->m.param3 = media[sim_below(&s->random, 4)] | (uint64_t)LINECALLORIGIN_EXTERNAL << 32;
    r->m.open_line = LINECALLREASON_DIRECT;
    cf_fields_append_text(r, CF_FIELD_CALLER, caller);
    cf_fields_append_text(r, CF_FIELD_CALLED, called);
    if (sim_chance(&s->random, 30))
        append_who(s, r, M_CALLED_NAME);
    sim_put(s, m_provider_port(provider), r);
}

static void put_state(struct sim *s, uint32_t provider) {
    static const struct {
        uint32_t state, mode;
    } states[] = {
        {LINECALLSTATE_ACCEPTED, 0},
        {LINECALLSTATE_DIALING, 0},
        {LINECALLSTATE_PROCEEDING, 0},
        {LINECALLSTATE_RINGBACK, 0},
        {LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE},
        {LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_INACTIVE},
        {LINECALLSTATE_BUSY, LINEBUSYMODE_STATION},
        {LINECALLSTATE_ONHOLD, 0},
        {LINECALLSTATE_ONHOLDPENDCONF, 0},
        {LINECALLSTATE_OFFERING, LINEOFFERINGMODE_ACTIVE},
        {LINECALLSTATE_DISCONNECTED, LINEDISCONNECTMODE_NORMAL},
        {LINECALLSTATE_IDLE, 0},
    };
    struct m_call *c = some_call(s, provider);
    uint32_t state, mode, pick = sim_below(&s->random, 12);
    if (c == NULL)
        return;
    latest_state(s, m_provider_port(provider), c, &state, &mode);
    if (state == LINECALLSTATE_IDLE || (states[pick].state == state && states[pick].mode == mode))
        return;
    if (states[pick].state == LINECALLSTATE_IDLE && sim_chance(&s->random, s->long_calls))
        return;
    struct cf_record *r = event(CF_EV_CALL_STATE);
    r->m.device = c->id;
    r->m.param1 = states[pick].state;
    r->m.param2 = states[pick].mode;
    if (state == LINECALLSTATE_CONNECTED && sim_chance(&s->random, 30))
        cf_fields_append_text(r, CF_FIELD_RAW_CAUSE, "SIP 486");
    sim_put(s, m_provider_port(provider), r);
}

static void put_info(struct sim *s, uint32_t provider) {
    struct m_call *c = some_call(s, provider);
    uint32_t state, mode;
    if (c == NULL)
        return;
    latest_state(s, m_provider_port(provider), c, &state, &mode);
    if (state == LINECALLSTATE_IDLE)
        return;
    struct cf_record *r = event(CF_EV_CALL_INFO);
    r->m.device = c->id;
    r->m.param1 = sim_chance(&s->random, 70) ? LINECALLINFOSTATE_CONNECTEDID : LINECALLINFOSTATE_CALLDATA;
    if (r->m.param1 == LINECALLINFOSTATE_CONNECTEDID) /* of a made call the called number says which it is, of the others the caller */
        append_who(s, r, c->made ? M_CALLED_NAME : M_CALLED);
    if (r->m.param1 == LINECALLINFOSTATE_CONNECTEDID && sim_chance(&s->random, 30)) {
        char text[96];
        cf_fields_append(r, CF_FIELD_CALLER_NAME, text, m_who_text(M_LONG_FROM + ++s->who, text));
    }
    sim_put(s, m_provider_port(provider), r);
}

/* Answers some of the commands that wait. */
void sim_provider_answers(struct sim *s, uint32_t provider, uint32_t count) {
    uint32_t port = m_provider_port(provider), start = sim_below(&s->random, SIM_REQUESTS);
    for (uint32_t n = 0; n < SIM_REQUESTS && count != 0; n++) {
        struct m_request *q = &s->model.requests[(start + n) % SIM_REQUESTS];
        if (!q->used || q->state != M_REQUEST_WITH_PROVIDER || q->provider != provider ||
            on_the_way(s, port, CF_EV_REPLY, q->number))
            continue;
        struct cf_record *r = event(CF_EV_REPLY);
        r->m.param1 = q->number;
        if (sim_chance(&s->random, 20)) {
            r->m.param2 = (uint32_t)LINEERR_OPERATIONFAILED;
        } else if (q->id == CF_REQ_MAKE_CALL) {
            r->m.device = new_call_id(s, provider);
            if (r->m.device == 0)
                return;
        } else if (s->model.calls[q->call].provider == provider) {
            r->m.device = s->model.calls[q->call].id; /* which adapters say, and which means nothing */
        }
        if (!sim_put(s, port, r))
            return;
        count--;
    }
}

/* What a provider must not send, or sends too late. */
static void put_mistake(struct sim *s, uint32_t provider) {
    struct cf_record *r = event(CF_EV_CALL_STATE);
    switch (sim_below(&s->random, 5)) {
    case 0: /* a call that never was */
        r->m.device = cf_handle_make(sim_below(&s->random, SIM_INDICES), CF_KIND_PROVIDER, 0x7FFFFFF1);
        r->m.param1 = LINECALLSTATE_CONNECTED;
        break;
    case 1: /* a reply that nobody waits for */
        r = event(CF_EV_REPLY);
        r->m.param1 = UINT64_C(0x7FFFFFFFFFFF);
        break;
    case 2: /* the core's own drop is answered with 0 */
        r = event(CF_EV_REPLY);
        break;
    case 3: /* a line that it does not have */
        r = event(CF_EV_LINE_STATE);
        r->m.param1 = SIM_LINES + 500;
        r->m.param2 = LINEDEVSTATE_RINGING;
        break;
    default: /* a state that is none */
        r->m.device = 5;
        r->m.param1 = 0x3000;
        break;
    }
    sim_put(s, m_provider_port(provider), r);
}

static void put_line_event(struct sim *s, uint32_t provider) {
    uint32_t line = sim_below(&s->random, SIM_LINES), what = sim_below(&s->random, 100);
    struct cf_record *r;
    if (!s->model.lines[provider][line].up)
        return;
    if (what < 80) {
        r = event(CF_EV_LINE_STATE);
        static const uint32_t others[] = {LINEDEVSTATE_MSGWAITON, LINEDEVSTATE_INSERVICE, LINEDEVSTATE_OUTOFSERVICE};
        r->m.param2 = what < 40 ? LINEDEVSTATE_RINGING : others[sim_below(&s->random, 3)];
        r->m.param3 = what < 40 ? 1 : 0;
    } else {
        r = event(what < 98 || line != 0 ? CF_EV_LINE_CLOSE : CF_EV_LINE_REMOVE);
    }
    r->m.param1 = line;
    sim_put(s, m_provider_port(provider), r);
}

bool sim_provider_step(struct sim *s, uint32_t provider) {
    uint32_t port = m_provider_port(provider), n = 1 + sim_below(&s->random, s->burst);
    if (s->model.ports[port].state == 0) {
        if (!s->settled && !sim_settle(s))
            return false;
        return sim_chance(&s->random, 50) || (sim_attach(s, port) && sim_snapshot(s, provider));
    }
    if (sim_below(&s->random, 1000) < 4)
        return sim_detach(s, port);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t what = sim_below(&s->random, 100);
        if (what < 22)
            put_new_call(s, provider);
        else if (what < 78)
            put_state(s, provider);
        else if (what < 86)
            put_info(s, provider);
        else if (what < 96)
            sim_provider_answers(s, provider, 2);
        else if (what < 98)
            put_mistake(s, provider);
        else
            put_line_event(s, provider);
    }
    return true;
}
