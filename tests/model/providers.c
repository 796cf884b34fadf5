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

/* A call has that index, or one that is on the way. */
static bool index_busy(const struct sim *s, uint32_t provider, uint32_t index) {
    const struct sim_port *p = &s->ports[m_provider_port(provider)];
    for (uint32_t i = 0; i < s->model.calls_high; i++) {
        const struct m_call *c = &s->model.calls[i];
        if (c->used && c->provider == provider && cf_handle_index(c->id) == index)
            return true;
    }
    for (uint32_t i = 0; i < p->pending_count; i++) {
        const struct cf_message *g = &p->pending[(p->pending_first + i) % SIM_PENDING].m;
        bool names = g->id == CF_EV_NEW_CALL || g->id == CF_EV_REPLY;
        if (names && g->device != 0 && cf_handle_index(g->device) == index)
            return true;
        if (g->id == CF_EV_REPLY && g->param3 != 0 && cf_handle_index(g->param3) == index)
            return true;
    }
    return false;
}

static uint64_t new_call_id(struct sim *s, uint32_t provider) {
    for (uint32_t tries = 0; tries < SIM_INDICES; tries++) {
        uint32_t index = s->next_index[provider]++ % s->core.limits.calls_per_provider;
        if (index_busy(s, provider, index))
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

/* What the first line can do beside calls' states, and the second. */
static const struct cf_feature_caps most = {
    .address_features = LINEADDRFEATURE_FORWARD | LINEADDRFEATURE_PICKUP | LINEADDRFEATURE_UNPARK | LINEADDRFEATURE_UNCOMPLETECALL,
    .park_modes = LINEPARKMODE_DIRECTED | LINEPARKMODE_NONDIRECTED,
    .forward_modes = LINEFORWARDMODE_UNCOND | LINEFORWARDMODE_BUSY | LINEFORWARDMODE_BUSYSPECIFIC,
    .forward_entries_max = 3,
    .forward_specific_max = 1,
    .forward_rings_min = 2,
    .forward_rings_max = 6,
    .completions_max = 9,
    .completion_modes = LINECALLCOMPLMODE_CAMPON | LINECALLCOMPLMODE_CALLBACK | LINECALLCOMPLMODE_MESSAGE,
    .completion_messages = 3,
    .call_treatments = 1u << LINECALLTREATMENT_SILENCE | 1u << LINECALLTREATMENT_MUSIC,
};
static const struct cf_feature_caps some = {
    .address_features = LINEADDRFEATURE_FORWARD | LINEADDRFEATURE_UNPARK,
    .park_modes = LINEPARKMODE_NONDIRECTED,
    .completion_modes = LINECALLCOMPLMODE_CALLBACK,
};

static bool put_line(struct sim *s, uint32_t provider, uint32_t line) {
    struct cf_record *r = event(CF_EV_LINE);
    char name[32];
    struct cf_line_caps caps = {
        .permanent_id = provider * 100 + line,
        .addresses = 2,
        .bearer_modes = LINEBEARERMODE_VOICE | LINEBEARERMODE_SPEECH,
        .media_modes = LINEMEDIAMODE_INTERACTIVEVOICE | LINEMEDIAMODE_AUTOMATEDVOICE | LINEMEDIAMODE_DATAMODEM,
        .line_features = LINEFEATURE_MAKECALL | (line != SIM_LINES - 1 ? LINEFEATURE_DEVSPECIFIC : 0u),
        .calls_max = 100,
        .answer_mode = LINEANSWERMODE_NONE,
        .call_features = LINECALLFEATURE_ACCEPT | LINECALLFEATURE_ANSWER | LINECALLFEATURE_DROP | LINECALLFEATURE_HOLD |
                         LINECALLFEATURE_UNHOLD | LINECALLFEATURE_GENERATEDIGITS | LINECALLFEATURE_SETCALLPARAMS |
                         LINECALLFEATURE_SWAPHOLD | LINECALLFEATURE_SETUPTRANSFER | LINECALLFEATURE_COMPLETETRANSF |
                         LINECALLFEATURE_BLINDTRANSFER | LINECALLFEATURE_SETUPCONF | LINECALLFEATURE_PREPAREADDCONF |
                         LINECALLFEATURE_ADDTOCONF | LINECALLFEATURE_REMOVEFROMCONF | LINECALLFEATURE_DIAL | LINECALLFEATURE_REDIRECT |
                         LINECALLFEATURE_PARK | LINECALLFEATURE_COMPLETECALL | LINECALLFEATURE_SENDUSERUSER |
                         LINECALLFEATURE_RELEASEUSERUSERINFO | LINECALLFEATURE_SETCALLDATA |
                         LINECALLFEATURE_MONITORDIGITS | LINECALLFEATURE_GATHERDIGITS | LINECALLFEATURE_GENERATETONE | LINECALLFEATURE_MONITORTONES |
                         (line == 0 ? LINECALLFEATURE_MONITORMEDIA | LINECALLFEATURE_SECURECALL | LINECALLFEATURE_SETTREATMENT : 0u),
        .call_states = 0xFFFF,
        .transfer_modes = line == 0 ? LINETRANSFERMODE_TRANSFER | LINETRANSFERMODE_CONFERENCE : 0,
        .addr_cap_flags = line == 0 ? LINEADDRCAPFLAGS_SETUPCONFNULL | LINEADDRCAPFLAGS_FWDCONSULT | LINEADDRCAPFLAGS_PARTIALDIAL |
                                          LINEADDRCAPFLAGS_PICKUPGROUPID
                                    : 0,
        .gather_timeout_min_ms = line == 0 ? 5 : 0,
        .gather_timeout_max_ms = line == 0 ? 1000000 : 0,
        .generate_tone_modes = line == 0 ? LINETONEMODE_CUSTOM | LINETONEMODE_BUSY : 0,
        .generate_tone_freqs = line == 0 ? 3 : 0,
        .monitor_tone_freqs = line == 0 ? 2 : 0,
        .monitor_tone_entries = line == 0 ? 4 : 0,
        .monitor_digit_modes = line == 0 ? LINEDIGITMODE_DTMF | LINEDIGITMODE_PULSE | LINEDIGITMODE_DTMFEND : 0,
        .more = line == 0 ? most : some,
    };
    if (line == SIM_LINES - 1)
        caps.more = (struct cf_feature_caps){0};
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
    uint32_t line = s->crowd && sim_chance(&s->random, 80) ? 0 : sim_below(&s->random, SIM_LINES);
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
    uint64_t origin = sim_chance(&s->random, 5) ? LINECALLORIGIN_CONFERENCE : LINECALLORIGIN_EXTERNAL;
    r->m.param3 = media[sim_below(&s->random, 4)] | origin << 32;
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

/* Some call of that line, a conference's rather than another. */
static struct m_call *some_parent(struct sim *s, const struct m_call *member) {
    struct m_call *found = NULL;
    for (uint32_t tries = 0; tries < 8; tries++) {
        struct m_call *c = some_call(s, member->provider);
        if (c == NULL || c->line != member->line)
            continue;
        found = c;
        if (m_conference_is(&s->model, c) || sim_chance(&s->random, 20))
            break;
    }
    return found;
}

/* The call that a provider names as the conference's: mostly one that may be it. */
static uint64_t some_parent_id(struct sim *s, const struct m_call *member) {
    uint32_t what = sim_below(&s->random, 100);
    const struct m_call *c = some_parent(s, member);
    if (what < 75)
        return c == NULL ? 0 : c->id;
    switch (what % 5) {
    case 0: /* unknown */
        return 0;
    case 1: /* of another provider, if one there has that name */
        c = some_call(s, 1 - member->provider);
        return c == NULL ? 0 : c->id;
    case 2: /* one that was */
        return c == NULL || cf_handle_generation(c->id) < 3 ? 0 : c->id - (UINT64_C(2) << 32);
    case 3: /* any, also of another line, or itself */
        c = some_call(s, member->provider);
        return c == NULL ? member->id : c->id;
    default: /* none */
        return sim_random(&s->random);
    }
}

static void put_conferenced(struct sim *s, uint32_t provider) {
    struct m_call *c = some_call(s, provider);
    uint32_t state, mode;
    if (c == NULL)
        return;
    latest_state(s, m_provider_port(provider), c, &state, &mode);
    if (state == LINECALLSTATE_IDLE)
        return;
    struct cf_record *r = event(CF_EV_CALL_STATE);
    r->m.device = c->id;
    r->m.param1 = LINECALLSTATE_CONFERENCED;
    r->m.param2 = some_parent_id(s, c);
    sim_put(s, m_provider_port(provider), r);
}

/* What the event says has changed: call data, user-user information (now and then none any more), the treatment. */
static void append_shown(struct sim *s, struct cf_record *r) {
    char text[16] = "";
    if (sim_chance(&s->random, 85))
        snprintf(text, sizeof text, "i%u", ++s->serial);
    if ((r->m.param1 & LINECALLINFOSTATE_CALLDATA) != 0)
        cf_fields_append_text(r, CF_FIELD_CALL_DATA, text);
    if ((r->m.param1 & LINECALLINFOSTATE_USERUSERINFO) != 0)
        cf_fields_append_text(r, CF_FIELD_USER_USER, text);
    if ((r->m.param1 & LINECALLINFOSTATE_TREATMENT) != 0)
        r->m.param2 = sim_below(&s->random, LINECALLTREATMENT_MUSIC + 1);
}

static void put_info(struct sim *s, uint32_t provider) {
    static const uint32_t others[] = {LINECALLINFOSTATE_CALLDATA, LINECALLINFOSTATE_USERUSERINFO,
                                      LINECALLINFOSTATE_TREATMENT | LINECALLINFOSTATE_CALLDATA};
    struct m_call *c = some_call(s, provider);
    uint32_t state, mode;
    if (c == NULL)
        return;
    latest_state(s, m_provider_port(provider), c, &state, &mode);
    if (state == LINECALLSTATE_IDLE)
        return;
    struct cf_record *r = event(CF_EV_CALL_INFO);
    r->m.device = c->id;
    r->m.param1 = sim_chance(&s->random, 60) ? LINECALLINFOSTATE_CONNECTEDID : others[sim_below(&s->random, 3)];
    append_shown(s, r);
    if (r->m.param1 == LINECALLINFOSTATE_CONNECTEDID) /* of a made call the called number says which it is, of the others the caller */
        append_who(s, r, c->made ? M_CALLED_NAME : M_CALLED);
    if (r->m.param1 == LINECALLINFOSTATE_CONNECTEDID && sim_chance(&s->random, 30)) {
        char text[96];
        cf_fields_append(r, CF_FIELD_CALLER_NAME, text, m_who_text(M_LONG_FROM + ++s->who, text));
    }
    sim_put(s, m_provider_port(provider), r);
}

/* A tone was heard of some list: now and then of one that there is not, or that has ended. */
static void put_tone(struct sim *s, uint32_t provider) {
    uint32_t start = sim_below(&s->random, SIM_TONES);
    for (uint32_t i = 0; i < SIM_TONES; i++) {
        const struct m_tones *t = &s->model.tones[(start + i) % SIM_TONES];
        if (!t->used || t->provider != provider || t->number == 0)
            continue;
        struct cf_record *r = event(CF_EV_TONE);
        r->m.device = t->call_id;
        memcpy(&r->m.param1, t->list, sizeof(uint32_t)); /* what its first tone is called */
        r->m.param2 = t->number;
        if (sim_chance(&s->random, 5))
            r->m.param2 = sim_chance(&s->random, 50) ? 0 : t->number - 1 + (UINT64_C(1) << 31);
        sim_put(s, m_provider_port(provider), r);
        return;
    }
}

/* A digit or a medium was heard: now and then of no mode that there is. */
static void put_heard(struct sim *s, uint32_t provider) {
    static const uint32_t media[] = {LINEMEDIAMODE_G3FAX, LINEMEDIAMODE_TDD, LINEMEDIAMODE_DATAMODEM, LINEMEDIAMODE_G3FAX | LINEMEDIAMODE_TDD};
    struct m_call *c = some_call(s, provider);
    if (sim_chance(&s->random, 35)) {
        put_tone(s, provider);
        return;
    }
    for (uint32_t tries = 0; tries < 12 && c != NULL && c->listened[M_DIGITS] == 0 && c->listened[M_MEDIA] == 0; tries++)
        c = some_call(s, provider); /* mostly one for which somebody listens */
    if (c == NULL)
        return;
    struct cf_record *r = event(sim_chance(&s->random, c->listened[M_MEDIA] == 0 ? 80 : 50) ? CF_EV_DIGIT : CF_EV_MEDIA);
    r->m.device = c->id;
    if (r->m.id == CF_EV_DIGIT) {
        r->m.param1 = '0' + sim_below(&s->random, 10);
        r->m.param2 = sim_chance(&s->random, 95) ? 1u << sim_below(&s->random, 3) : 3;
    } else {
        r->m.param1 = media[sim_below(&s->random, sim_chance(&s->random, 95) ? 3 : 4)];
    }
    sim_put(s, m_provider_port(provider), r);
}

/* A name for a made call that will not do: none, one that was, one out of bounds, that of a call that lives. */
static uint64_t wrong_id(struct sim *s, uint32_t provider) {
    const struct m_call *c = some_call(s, provider);
    switch (sim_below(&s->random, 4)) {
    case 0:
        return 0;
    case 1:
        return c == NULL || cf_handle_generation(c->id) < 3 ? 1 : c->id - (UINT64_C(2) << 32);
    case 2:
        return cf_handle_make(s->core.limits.calls_per_provider + sim_below(&s->random, 9), CF_KIND_PROVIDER, 1);
    default:
        return c == NULL ? 2 : c->id;
    }
}

/* The name of a call of the other provider's, which here names another, or a new one. */
static uint64_t foreign_id(struct sim *s, uint32_t provider, uint32_t but_index) {
    const struct m_call *c = some_call(s, 1 - provider);
    if (c == NULL || cf_handle_index(c->id) == but_index || index_busy(s, provider, cf_handle_index(c->id)))
        return 0;
    uint32_t *g = &s->call_generation[provider][cf_handle_index(c->id)];
    if (cf_handle_generation(c->id) <= *g)
        return 0;
    *g = cf_handle_generation(c->id);
    return c->id;
}

/* The calls that it made: their names, now and then a wrong one, or one for both. False: it has none left. */
static bool name_calls(struct sim *s, uint32_t provider, const struct m_request *q, struct cf_record *r) {
    uint32_t how = sim_below(&s->random, 100);
    r->m.device = new_call_id(s, provider);
    if (q->makes == 2)
        r->m.param3 = new_call_id(s, provider);
    bool one_left = q->makes == 2 && cf_handle_index(r->m.param3) == cf_handle_index(r->m.device);
    if (r->m.device == 0 || (q->makes == 2 && r->m.param3 == 0) || one_left)
        return false;
    if (how < 6)
        r->m.device = wrong_id(s, provider);
    else if (how < 12 && q->makes == 2)
        r->m.param3 = wrong_id(s, provider);
    else if (how < 15 && q->makes == 2)
        r->m.param3 = r->m.device;
    else if (how < 18)
        r->m.device = foreign_id(s, provider, cf_handle_index(r->m.param3));
    return true;
}

/* What becomes of the calls of an operation, in the order in which a switch might report it. */
enum whose { ITS_CALL, OTHER_CALL, FIRST_MADE, SECOND_MADE };

static const struct {
    uint16_t id;
    uint16_t mode; /* of lineCompleteTransfer */
    uint8_t who, parent;
    uint32_t state;
} outcomes[] = {
    {CF_REQ_HOLD, 0, ITS_CALL, 0, LINECALLSTATE_ONHOLD},
    {CF_REQ_UNHOLD, 0, ITS_CALL, 0, LINECALLSTATE_CONNECTED},
    {CF_REQ_SWAP_HOLD, 0, ITS_CALL, 0, LINECALLSTATE_ONHOLD},
    {CF_REQ_SWAP_HOLD, 0, OTHER_CALL, 0, LINECALLSTATE_CONNECTED},
    {CF_REQ_SETUP_TRANSFER, 0, ITS_CALL, 0, LINECALLSTATE_ONHOLDPENDTRANSFER},
    {CF_REQ_SETUP_TRANSFER, 0, FIRST_MADE, 0, LINECALLSTATE_RINGBACK},
    {CF_REQ_COMPLETE_TRANSFER, LINETRANSFERMODE_TRANSFER, ITS_CALL, 0, LINECALLSTATE_IDLE},
    {CF_REQ_COMPLETE_TRANSFER, LINETRANSFERMODE_TRANSFER, OTHER_CALL, 0, LINECALLSTATE_IDLE},
    {CF_REQ_COMPLETE_TRANSFER, LINETRANSFERMODE_CONFERENCE, FIRST_MADE, 0, LINECALLSTATE_CONNECTED},
    {CF_REQ_COMPLETE_TRANSFER, LINETRANSFERMODE_CONFERENCE, ITS_CALL, FIRST_MADE, LINECALLSTATE_CONFERENCED},
    {CF_REQ_COMPLETE_TRANSFER, LINETRANSFERMODE_CONFERENCE, OTHER_CALL, FIRST_MADE, LINECALLSTATE_CONFERENCED},
    {CF_REQ_BLIND_TRANSFER, 0, ITS_CALL, 0, LINECALLSTATE_IDLE},
    {CF_REQ_SETUP_CONFERENCE, 0, FIRST_MADE, 0, LINECALLSTATE_ONHOLDPENDCONF},
    {CF_REQ_SETUP_CONFERENCE, 0, SECOND_MADE, 0, LINECALLSTATE_RINGBACK},
    {CF_REQ_SETUP_CONFERENCE, 0, ITS_CALL, FIRST_MADE, LINECALLSTATE_CONFERENCED},
    {CF_REQ_PREPARE_ADD, 0, ITS_CALL, 0, LINECALLSTATE_ONHOLDPENDCONF},
    {CF_REQ_PREPARE_ADD, 0, FIRST_MADE, 0, LINECALLSTATE_RINGBACK},
    {CF_REQ_ADD_TO_CONFERENCE, 0, OTHER_CALL, ITS_CALL, LINECALLSTATE_CONFERENCED},
    {CF_REQ_ADD_TO_CONFERENCE, 0, ITS_CALL, 0, LINECALLSTATE_CONNECTED},
    {CF_REQ_REMOVE_FROM_CONFERENCE, 0, ITS_CALL, 0, LINECALLSTATE_CONNECTED},
    {CF_REQ_DIAL, 0, ITS_CALL, 0, LINECALLSTATE_DIALING},
    {CF_REQ_REDIRECT, 0, ITS_CALL, 0, LINECALLSTATE_IDLE},
    {CF_REQ_PARK, 0, ITS_CALL, 0, LINECALLSTATE_IDLE},
    {CF_REQ_UNPARK, 0, FIRST_MADE, 0, LINECALLSTATE_CONNECTED},
    {CF_REQ_PICKUP, 0, FIRST_MADE, 0, LINECALLSTATE_CONNECTED},
    {CF_REQ_FORWARD, 0, FIRST_MADE, 0, LINECALLSTATE_DIALTONE},
    {CF_REQ_COMPLETE_CALL, 0, ITS_CALL, 0, LINECALLSTATE_IDLE},
};

/* What it told the call is what lineGetCallInfo tells from now on. */
static void carry_out_shown(struct sim *s, uint32_t provider, const struct m_request *q) {
    char text[16] = "";
    struct cf_record *r = event(CF_EV_CALL_INFO);
    r->m.device = q->call_id;
    if (q->id == CF_REQ_SET_CALL_DATA) {
        r->m.param1 = LINECALLINFOSTATE_CALLDATA;
        if (q->serial != 0)
            snprintf(text, sizeof text, "k%u", q->serial);
        cf_fields_append_text(r, CF_FIELD_CALL_DATA, text);
    } else if (q->id == CF_REQ_SET_CALL_TREATMENT) {
        r->m.param1 = LINECALLINFOSTATE_TREATMENT;
        r->m.param2 = q->detail;
    } else {
        return;
    }
    sim_put(s, m_provider_port(provider), r);
}

static void carry_out(struct sim *s, uint32_t provider, const struct m_request *q, const uint64_t made[2]) {
    carry_out_shown(s, provider, q);
    const uint64_t calls[] = {q->call_id, q->second_id, made[0], made[1]};
    for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++) {
        bool transfer = outcomes[i].id == CF_REQ_COMPLETE_TRANSFER;
        if (outcomes[i].id != q->id || (transfer && outcomes[i].mode != q->detail) || calls[outcomes[i].who] == 0 ||
            sim_chance(&s->random, 5))
            continue;
        struct cf_record *r = event(CF_EV_CALL_STATE);
        r->m.device = calls[outcomes[i].who];
        r->m.param1 = outcomes[i].state;
        r->m.param2 = outcomes[i].state == LINECALLSTATE_CONFERENCED ? calls[outcomes[i].parent] : 0;
        sim_put(s, m_provider_port(provider), r);
    }
}

/* How gathering ended, now and then in no way that there is; the digits, also such as were not asked for, and more of them. */
static void put_gathered(struct sim *s, const struct m_request *q, struct cf_record *r) {
    static const char keys[] = "0123456789*#ABCD0123456789,!aE \0";
    char digits[120];
    uint32_t wanted = (uint32_t)(q->detail >> 32), n = sim_below(&s->random, wanted + 1);
    r->m.param3 = sim_chance(&s->random, 96) ? 1u << sim_below(&s->random, 5) : sim_below(&s->random, 64);
    if (sim_chance(&s->random, 10))
        n = sim_below(&s->random, sizeof digits);
    for (uint32_t i = 0; i < n; i++)
        digits[i] = keys[sim_below(&s->random, sim_chance(&s->random, 90) ? 16 : sizeof keys)];
    if (n != 0 || sim_chance(&s->random, 20))
        cf_fields_append(r, CF_FIELD_DIGITS, digits, n);
}

/* Where the call was parked, what the device answers: also with an error, which it is no part of, now and then not at all, or more than there is room for. */
static void append_text(struct sim *s, struct cf_record *r, uint16_t tag) {
    char text[80];
    uint32_t n = (uint32_t)snprintf(text, sizeof text, "P%u", ++s->serial);
    for (uint32_t more = sim_chance(&s->random, 30) ? sim_below(&s->random, 60) : 0; more != 0 && n < sizeof text; more--)
        text[n++] = (char)('a' + sim_below(&s->random, 26));
    if (sim_chance(&s->random, 90))
        cf_fields_append(r, tag, text, sim_chance(&s->random, 5) ? 0 : n);
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
        } else if (q->id == CF_REQ_GATHER_DIGITS) {
            put_gathered(s, q, r);
        } else if (q->id == CF_REQ_COMPLETE_CALL) {
            r->m.param3 = 1 + sim_below(&s->random, 1000);
        } else if (q->id == CF_REQ_FORWARD) { /* mostly without a consultation call, also where its line makes none */
            r->m.device = sim_chance(&s->random, q->makes != 0 ? 50 : 10) ? new_call_id(s, provider) : 0;
        } else if (q->makes != 0) {
            if (!name_calls(s, provider, q, r))
                return;
        } else {
            r->m.device = q->call_id; /* which adapters say, and which means nothing */
        }
        if (q->id == CF_REQ_PARK && q->detail == LINEPARKMODE_NONDIRECTED)
            append_text(s, r, CF_FIELD_PARK_ADDRESS);
        if (q->id == CF_REQ_DEV_SPECIFIC)
            append_text(s, r, CF_FIELD_DEV_SPECIFIC);
        const uint64_t made[2] = {q->makes != 0 ? r->m.device : 0, r->m.param3};
        if (!sim_put(s, port, r))
            return;
        if (r->m.param2 == 0 && sim_chance(&s->random, 70))
            carry_out(s, provider, q, made);
        s->answered[provider] = q->number;
        count--;
    }
}

/* What a provider must not send, or sends too late. */
static void put_mistake(struct sim *s, uint32_t provider) {
    struct cf_record *r = event(CF_EV_CALL_STATE);
    switch (sim_below(&s->random, 6)) {
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
    case 4: /* the last reply again */
        r = event(CF_EV_REPLY);
        r->m.param1 = s->answered[provider];
        r->m.param3 = LINEGATHERTERM_BUFFERFULL;
        cf_fields_append_text(r, CF_FIELD_DIGITS, "9");
        cf_fields_append_text(r, CF_FIELD_PARK_ADDRESS, "9");
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

/* Something of a call or a line that only provider and application understand. */
static void put_specific(struct sim *s, uint32_t provider) {
    const struct m_call *c = sim_chance(&s->random, 60) ? some_call(s, provider) : NULL;
    struct cf_record *r = event(CF_EV_DEV_SPECIFIC);
    r->m.device = c == NULL ? 0 : c->id;
    r->m.open_line = c == NULL ? sim_below(&s->random, SIM_LINES) : CF_INDEX_NONE;
    r->m.param1 = ++s->serial;
    r->m.param2 = sim_random(&s->random); /* of which the low half counts */
    r->m.param3 = sim_below(&s->random, 3);
    sim_put(s, m_provider_port(provider), r);
}

/* None, or a list of up to two; sometimes one that is none. */
static void append_forwards(struct sim *s, struct cf_record *r) {
    static const uint32_t modes[] = {LINEFORWARDMODE_UNCOND, LINEFORWARDMODE_BUSYNASPECIFIC, LINEFORWARDMODE_UNKNOWN};
    uint8_t list[sizeof((struct m_forwards *)0)->list];
    uint32_t bytes = 0, entries = sim_below(&s->random, 3);
    memset(list, '0' + (int)sim_below(&s->random, 10), sizeof list);
    for (; entries != 0; entries--) {
        struct cf_forward_head head = {.mode = modes[sim_below(&s->random, 3)], .country = sim_below(&s->random, 1000)};
        head.caller_bytes = (uint16_t)sim_below(&s->random, 48);
        head.address_bytes = (uint16_t)sim_below(&s->random, 48);
        memcpy(list + bytes, &head, sizeof head);
        bytes += (uint32_t)sizeof head + head.caller_bytes + head.address_bytes;
    }
    cf_fields_append(r, CF_FIELD_FORWARD_LIST, list, sim_chance(&s->random, 3) ? 1 : bytes);
    r->m.param3 = sim_below(&s->random, 20);
}

void sim_forwards_end(struct sim *s) {
    for (uint32_t provider = 0; provider < SIM_PROVIDERS; provider++)
        for (uint32_t line = 0; line < SIM_LINES; line++)
            for (uint64_t address = 0; address < SIM_ADDRESSES && s->model.lines[provider][line].up; address++) {
                struct cf_record *r = event(CF_EV_ADDRESS_STATE);
                r->m.param1 = address << 32 | line;
                r->m.param2 = LINEADDRESSSTATE_FORWARD;
                cf_fields_append(r, CF_FIELD_FORWARD_LIST, NULL, 0);
                sim_put(s, m_provider_port(provider), r);
            }
}

static void put_line_event(struct sim *s, uint32_t provider) {
    uint32_t line = sim_below(&s->random, SIM_LINES), what = sim_below(&s->random, 100);
    struct cf_record *r;
    if (!s->model.lines[provider][line].up)
        return;
    if (what < 20) {
        r = event(CF_EV_ADDRESS_STATE);
        r->m.param1 = (uint64_t)sim_below(&s->random, SIM_ADDRESSES) << 32;
        r->m.param2 = sim_chance(&s->random, 50) ? LINEADDRESSSTATE_FORWARD : LINEADDRESSSTATE_OTHER | LINEADDRESSSTATE_TERMINALS;
        if (r->m.param2 == LINEADDRESSSTATE_FORWARD && sim_chance(&s->random, 75))
            append_forwards(s, r);
    } else if (what < 80) {
        r = event(CF_EV_LINE_STATE);
        static const uint32_t others[] = {LINEDEVSTATE_MSGWAITON, LINEDEVSTATE_INSERVICE, LINEDEVSTATE_OUTOFSERVICE};
        r->m.param2 = what < 40 ? LINEDEVSTATE_RINGING : others[sim_below(&s->random, 3)];
        r->m.param3 = what < 40 ? 1 : 0;
    } else {
        r = event(what < 98 || line != 0 ? CF_EV_LINE_CLOSE : CF_EV_LINE_REMOVE);
    }
    r->m.param1 |= line;
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
        else if (what < 72)
            put_state(s, provider);
        else if (what < 79)
            put_conferenced(s, provider);
        else if (what < 84)
            put_info(s, provider);
        else if (what < 89)
            put_heard(s, provider);
        else if (what < 91)
            put_specific(s, provider);
        else if (what < 97)
            sim_provider_answers(s, provider, 2);
        else if (what < 98)
            put_mistake(s, provider);
        else
            put_line_event(s, provider);
    }
    return true;
}
