/*
 * Events: what providers post. Each is validated on its copy; one that breaks the contract is refused and counted.
 *
 * Trust      a provider may be mistaken or broken: lines, call identifiers, states and modes are checked; a call identifier
 *            is believed only in the generation that was announced and not closed
 */
#include "core/internal.h"
#include "shm/forward.h"

#include "core/conference.h"
#include "core/forwarding.h"
#include "core/parties.h"
#include "core/texts.h"
#include "core/watch.h"

static void refuse_event(struct cf_engine *e, uint32_t provider) {
    struct cf_port *p = &e->ports[provider];
    cf_touch_one(e, &p->bad);
    p->bad++;
    e->tally.stale_events++;
}

/* The device of that provider's line number, CF_INDEX_NONE when it has none or it is not up. */
static uint32_t find_line(struct cf_engine *e, uint32_t provider, uint64_t number) {
    if (number >= e->ports[provider].lines_used)
        return CF_INDEX_NONE;
    uint32_t line = e->view[provider].provider_lines[number];
    return line != 0 && e->lines[line - 1].state == CF_LINE_UP ? line - 1 : CF_INDEX_NONE;
}

void cf_event_uses(struct cf_engine *e, uint32_t provider, uint32_t index) {
    struct cf_port *p = &e->ports[provider];
    if (index < p->opens_used)
        return;
    cf_touch_one(e, &p->opens_used);
    p->opens_used = index + 1;
}

static struct cf_provider_call *find_entry(struct cf_engine *e, uint32_t provider, uint64_t call) {
    uint32_t index = cf_handle_index(call);
    if (cf_handle_kind(call) != CF_KIND_PROVIDER || index >= e->limits.calls_per_provider ||
        !cf_generation_live(cf_handle_generation(call)))
        return NULL;
    return &e->view[provider].provider_calls[index];
}

bool cf_event_ended(struct cf_engine *e, uint32_t provider, uint64_t call) {
    struct cf_provider_call *entry = find_entry(e, provider, call);
    if (entry == NULL || entry->call != 0 || !cf_generation_newer(cf_handle_generation(call), entry->generation))
        return false;
    cf_event_uses(e, provider, cf_handle_index(call));
    cf_touch_one(e, entry);
    entry->generation = cf_handle_generation(call);
    return true;
}

static struct cf_call *find_call(struct cf_engine *e, uint32_t provider, uint64_t call) {
    struct cf_provider_call *entry = find_entry(e, provider, call);
    if (entry == NULL || entry->call == 0 || entry->generation != cf_handle_generation(call))
        return NULL;
    struct cf_call *c = cf_call_at(e, entry->call - 1);
    return (c->flags & CF_CALL_CLOSING) != 0 ? NULL : c;
}

/*
 * An event of a call that was announced and has ended since, or was refused, is late and no more than that: the provider had not read
 * CLOSE_CALL when it sent it. One of a call that never was, or that goes on after IDLE, breaks the contract.
 */
static void refuse_call_event(struct cf_engine *e, uint32_t provider, uint64_t call) {
    const struct cf_provider_call *entry = find_entry(e, provider, call);
    const struct cf_call *c = entry == NULL || entry->call == 0 ? NULL : cf_call_at(e, entry->call - 1);
    bool ended = c == NULL || (c->flags & CF_CALL_CLOSING) != 0 || entry->generation != cf_handle_generation(call);
    if (entry != NULL && ended && !cf_generation_newer(cf_handle_generation(call), entry->generation))
        e->tally.stale_events++;
    else
        refuse_event(e, provider);
}

static bool state_valid(uint64_t state) {
    uint32_t plain = (uint32_t)state & 0x00FFFFFF; /* the high 8 bits may be the device's own (M-3) */
    return state <= UINT32_MAX && plain != 0 && (plain & (plain - 1)) == 0 && plain <= LINECALLSTATE_UNKNOWN;
}

/* ------------------------------------------------------------------ lines */

static void set_text(char *field, const struct cf_record *r, uint16_t tag) {
    uint8_t counted[CF_NAME_MAX] = {0};
    cf_call_set_text(counted, sizeof counted, r, tag);
    memcpy(field, counted + 1, counted[0]);
    field[counted[0]] = '\0';
}

/* value, or what 0 stands for, at most max; without the feature 0. */
static uint32_t cap(bool can, uint32_t value, uint32_t zero, uint32_t max) {
    uint32_t wanted = value != 0 ? value : zero;
    return !can ? 0 : wanted < max ? wanted : max;
}

/* What can be heard, and what can be sent besides digits. */
static void set_media_caps(struct cf_line_caps *caps) {
    uint32_t features = caps->call_features;
    bool hears = (features & (LINECALLFEATURE_MONITORDIGITS | LINECALLFEATURE_GATHERDIGITS)) != 0;
    bool tells = (features & LINECALLFEATURE_MONITORTONES) != 0, sends = (features & LINECALLFEATURE_GENERATETONE) != 0;
    bool times = (features & LINECALLFEATURE_GATHERDIGITS) != 0 && caps->gather_timeout_min_ms <= caps->gather_timeout_max_ms;
    caps->monitor_digit_modes = cap(hears, caps->monitor_digit_modes, LINEDIGITMODE_DTMF, UINT32_MAX) & CF_DIGIT_MODES;
    caps->gather_timeout_min_ms = cap(times, caps->gather_timeout_min_ms, 0, UINT32_MAX);
    caps->gather_timeout_max_ms = cap(times, caps->gather_timeout_max_ms, 0, UINT32_MAX);
    caps->generate_tone_modes = cap(sends, caps->generate_tone_modes, LINETONEMODE_BEEP, UINT32_MAX) & CF_TONE_MODES;
    caps->generate_tone_freqs = cap((caps->generate_tone_modes & LINETONEMODE_CUSTOM) != 0, caps->generate_tone_freqs, 1, CF_TONES_MAX);
    caps->monitor_tone_freqs = cap(tells, caps->monitor_tone_freqs, 1, 3);
    caps->monitor_tone_entries = cap(tells, caps->monitor_tone_entries, 1, CF_TONES_MAX);
}

static uint32_t first_of(uint32_t value, uint32_t otherwise) { return value != 0 ? value : otherwise; }

static void set_more_caps(struct cf_feature_caps *more, uint32_t call_features) {
    bool parks = (call_features & LINECALLFEATURE_PARK) != 0, completes = (call_features & LINECALLFEATURE_COMPLETECALL) != 0;
    bool forwards = (more->address_features & LINEADDRFEATURE_FORWARD) != 0, treats = (call_features & LINECALLFEATURE_SETTREATMENT) != 0;
    more->address_features &= LINEADDRFEATURE_FORWARD | LINEADDRFEATURE_PICKUP | LINEADDRFEATURE_UNPARK | LINEADDRFEATURE_UNCOMPLETECALL;
    more->park_modes = parks ? first_of(more->park_modes, LINEPARKMODE_DIRECTED) : 0;
    more->forward_modes = forwards ? first_of(more->forward_modes, LINEFORWARDMODE_UNCOND) : 0;
    more->forward_entries_max = forwards ? first_of(more->forward_entries_max, 1) : 0;
    if (more->forward_entries_max > CF_FORWARD_ENTRIES_MAX)
        more->forward_entries_max = CF_FORWARD_ENTRIES_MAX;
    if (!completes)
        more->completion_modes = more->completion_conditions = more->completions_max = more->completion_messages = 0;
    if (!treats)
        more->call_treatments = 0;
}

static void set_caps(struct cf_line_caps *caps, const struct cf_record *r) {
    struct cf_field f;
    memset(caps, 0, sizeof *caps);
    if (cf_fields_find(r, CF_FIELD_LINE_CAPS, &f) && f.bytes == sizeof *caps)
        memcpy(caps, f.data, sizeof *caps);
    if (caps->addresses == 0)
        caps->addresses = 1;
    if (caps->addresses > CF_ADDRESSES_PER_LINE_MAX)
        caps->addresses = CF_ADDRESSES_PER_LINE_MAX;
    if (caps->bearer_modes == 0)
        caps->bearer_modes = LINEBEARERMODE_VOICE;
    if (caps->media_modes == 0)
        caps->media_modes = LINEMEDIAMODE_INTERACTIVEVOICE;
    if ((caps->call_features & LINECALLFEATURE_GENERATEDIGITS) == 0)
        caps->digit_modes = 0;
    else if (caps->digit_modes == 0)
        caps->digit_modes = LINEDIGITMODE_DTMF;
    if ((caps->call_features & LINECALLFEATURE_COMPLETETRANSF) == 0)
        caps->transfer_modes = 0;
    else if (caps->transfer_modes == 0)
        caps->transfer_modes = LINETRANSFERMODE_TRANSFER;
    set_media_caps(caps);
    caps->call_states |= LINECALLSTATE_UNKNOWN; /* the core itself reports it (M-67) */
    set_more_caps(&caps->more, caps->call_features);
}

static void line_announced(struct cf_engine *e, uint32_t provider) {
    const struct cf_message *m = &e->in.m;
    uint32_t line = m->param1 > UINT32_MAX ? CF_INDEX_NONE : cf_line_announce(e, provider, (uint32_t)m->param1);
    if (line == CF_INDEX_NONE) {
        refuse_event(e, provider);
        return;
    }
    struct cf_line *l = &e->lines[line];
    struct cf_line_info *info = &e->infos[line];
    cf_touch_range(&e->journal, info, sizeof *info);
    set_caps(&info->caps, &e->in);
    set_text(info->name, &e->in, CF_FIELD_NAME);
    set_text(info->address, &e->in, CF_FIELD_ADDRESS);
    set_text(info->provider, &e->in, CF_FIELD_PROVIDER_INFO);
    cf_touch_one(e, l);
    l->addresses = info->caps.addresses;
    l->call_features = info->caps.call_features;
    l->addr_cap_flags = info->caps.addr_cap_flags;
    l->call_states = info->caps.call_states;
    if (l->state == CF_LINE_UP)
        return; /* announced again: its capabilities changed */
    l->state = CF_LINE_UP;
    l->status = LINEDEVSTATUSFLAGS_CONNECTED | LINEDEVSTATUSFLAGS_INSERVICE; /* until it says otherwise */
    cf_line_news(e, line);
}

/* What a LINEDEVSTATE_ bit makes of LINEDEVSTATUSFLAGS_. */
static const struct {
    uint32_t state;
    uint8_t set, clear;
} line_states[] = {
    {LINEDEVSTATE_CONNECTED, LINEDEVSTATUSFLAGS_CONNECTED, 0},
    {LINEDEVSTATE_DISCONNECTED, 0, LINEDEVSTATUSFLAGS_CONNECTED},
    {LINEDEVSTATE_MSGWAITON, LINEDEVSTATUSFLAGS_MSGWAIT, 0},
    {LINEDEVSTATE_MSGWAITOFF, 0, LINEDEVSTATUSFLAGS_MSGWAIT},
    {LINEDEVSTATE_OUTOFSERVICE, 0, LINEDEVSTATUSFLAGS_INSERVICE},
    {LINEDEVSTATE_MAINTENANCE, 0, LINEDEVSTATUSFLAGS_INSERVICE},
    {LINEDEVSTATE_INSERVICE, LINEDEVSTATUSFLAGS_INSERVICE, 0}, /* last: with one of the others it counts */
};

static void line_state(struct cf_engine *e, uint32_t provider) {
    const struct cf_message *m = &e->in.m;
    uint32_t line = find_line(e, provider, m->param1), bits = (uint32_t)m->param2;
    if (line == CF_INDEX_NONE) {
        refuse_event(e, provider);
        return;
    }
    struct cf_line *l = &e->lines[line];
    uint8_t status = l->status;
    for (size_t i = 0; i < sizeof line_states / sizeof line_states[0]; i++)
        if ((bits & line_states[i].state) != 0)
            status = (uint8_t)((status & ~line_states[i].clear) | line_states[i].set);
    if (status != l->status) {
        cf_touch_one(e, l);
        l->status = status;
    }
    cf_line_tell(e, line, bits, (uint32_t)m->param3, m->param3 >> 32, CF_INDEX_NONE, 0);
}

static void address_state(struct cf_engine *e, uint32_t provider) {
    const struct cf_message *m = &e->in.m;
    uint32_t line = find_line(e, provider, (uint32_t)m->param1), address = (uint32_t)(m->param1 >> 32);
    struct cf_field list;
    bool known = line != CF_INDEX_NONE && address < e->lines[line].addresses;
    if (!known || (cf_fields_find(&e->in, CF_FIELD_FORWARD_LIST, &list) &&
                   !cf_forwarding_take(e, line, address, list.data, list.bytes, (uint32_t)m->param3)))
        refuse_event(e, provider);
    else
        cf_address_tell(e, line, address, (uint32_t)m->param2 & CF_ADDRESS_STATES);
}

static void line_ends(struct cf_engine *e, uint32_t provider, bool removed) {
    uint32_t line = find_line(e, provider, e->in.m.param1);
    if (line == CF_INDEX_NONE) {
        refuse_event(e, provider);
        return;
    }
    if (removed) /* LINE_REMOVE is not for those below 2.0, and this comes to who asks for it (H-70) */
        cf_line_tell(e, line, LINEDEVSTATE_REMOVED, 0, 0, CF_INDEX_NONE, 0);
    cf_line_force_close(e, line);
    if (!removed)
        return;
    while (cf_forwarding_forget_one(e, line))
        continue;
    cf_line_removed(e, line);
}

/* ------------------------------------------------------------------ calls */

static void refuse_call(struct cf_engine *e, uint32_t provider, enum cf_refusal why) {
    cf_output_begin(e, CF_CMD_REFUSED, e->in.m.device, why, 0, 0);
    cf_output_command(e, provider, 0); /* room was seen to before the event was taken */
    e->tally.calls_refused++;
    if (why == CF_REFUSAL_INVALID)
        refuse_event(e, provider);
}

/* LINECALLORIGIN_ and LINECALLREASON_ have 16 bits; what is more is none of them: UNKNOWN. */
static uint16_t known_bits(uint32_t value) { return value <= UINT16_MAX ? (uint16_t)value : 0; }

/* A call that comes because one was completed has the number that lineCompleteCall gave. */
static void take_completion(struct cf_engine *e, struct cf_call *c) {
    struct cf_field f;
    if (c->reason != LINECALLREASON_CALLCOMPLETION || !cf_fields_find(&e->in, CF_FIELD_COMPLETION, &f) || f.bytes != sizeof(uint32_t))
        return;
    struct cf_call_shown *x = cf_shown_touch(e, c);
    if (x != NULL)
        memcpy(&x->completion_id, f.data, sizeof x->completion_id);
}

static void new_call(struct cf_engine *e, uint32_t provider) {
    const struct cf_message *m = &e->in.m;
    struct cf_provider_call *entry = find_entry(e, provider, m->device);
    uint32_t line = find_line(e, provider, (uint32_t)m->param1), address = (uint32_t)(m->param1 >> 32);
    uint32_t state = (uint32_t)m->param2;
    if (entry == NULL || entry->call != 0 || !cf_generation_newer(cf_handle_generation(m->device), entry->generation)) {
        refuse_event(e, provider); /* no answer: the identifier is not one that this call could be told apart by */
        return;
    }
    if (line == CF_INDEX_NONE || address >= e->lines[line].addresses || !state_valid(state) || state == LINECALLSTATE_IDLE) {
        refuse_call(e, provider, CF_REFUSAL_INVALID);
        return;
    }
    cf_event_uses(e, provider, cf_handle_index(m->device));
    cf_touch_one(e, entry);
    entry->generation = cf_handle_generation(m->device);
    struct cf_call *c = cf_call_make(e, line, address, provider);
    if (c == NULL) {
        refuse_call(e, provider, CF_REFUSAL_OVERLOAD);
        return;
    }
    entry->call = cf_call_index(e, c) + 1;
    c->provider_call = m->device;
    c->state = state;
    c->mode = (uint32_t)(m->param2 >> 32);
    c->media = (uint32_t)m->param3;
    c->origin = known_bits((uint32_t)(m->param3 >> 32));
    c->reason = known_bits(m->open_line);
    c->state_time_ns = m->time_ns;
    cf_parties_take(e, c);
    cf_texts_take(e, c, CF_CALL_TEXTS);
    take_completion(e, c);
    cf_call_link(e, c);
    if (state == LINECALLSTATE_OFFERING)
        cf_call_choose_owner(e, c);
    cf_call_announce_monitors(e, c, c->state, c->mode);
    if (e->ports[provider].announcing && c->owners == 0) /* after a cold start the applications come later than the provider */
        c->flags |= CF_CALL_LIVED;
    if (c->refs != 0 || (c->flags & (CF_CALL_SKIPPED | CF_CALL_LIVED)) != 0)
        return;
    refuse_call(e, provider, CF_REFUSAL_NOBODY); /* nobody could ever act on it (G-4) */
    cf_call_free(e, c);
}

/*
 * The event names the parent by its identifier; one that is none makes the call a member of nobody (M-37). One that was and has ended since
 * is late: its provider had not read CLOSE_CALL.
 */
static void join_conference(struct cf_engine *e, uint32_t provider, struct cf_call *c) {
    uint64_t id = e->in.m.param2;
    struct cf_call *parent = id == 0 ? NULL : find_call(e, provider, id);
    if (parent == NULL)
        cf_conference_leave(e, c);
    if (parent == NULL && id != 0)
        refuse_call_event(e, provider, id);
    else if (parent != NULL && !cf_conference_join(e, c, parent))
        refuse_event(e, provider);
}

static void call_state(struct cf_engine *e, uint32_t provider) {
    const struct cf_message *m = &e->in.m;
    struct cf_call *c = find_call(e, provider, m->device);
    if (c == NULL || !state_valid(m->param1) || c->state == LINECALLSTATE_IDLE) { /* nothing follows IDLE (H-33) */
        refuse_call_event(e, provider, m->device);
        return;
    }
    if (m->param3 != 0) {
        cf_touch_one(e, c);
        c->media = (uint32_t)m->param3;
    }
    if (e->in.payload_bytes != 0) {
        cf_touch_one(e, &c->cause);
        cf_call_set_text(c->cause, sizeof c->cause, &e->in, CF_FIELD_RAW_CAUSE);
    }
    uint32_t mode = (uint32_t)m->param2;
    if ((m->param1 & LINECALLSTATE_CONFERENCED) != 0) {
        join_conference(e, provider, c);
        mode = 0;
    }
    cf_call_state(e, c, (uint32_t)m->param1, mode, m->time_ns);
}

static void call_info(struct cf_engine *e, uint32_t provider) {
    struct cf_call *c = find_call(e, provider, e->in.m.device);
    if (c == NULL) {
        refuse_call_event(e, provider, e->in.m.device);
        return;
    }
    cf_parties_take(e, c);
    cf_texts_take(e, c, CF_CALL_TEXTS);
    struct cf_call_shown *x = (e->in.m.param1 & LINECALLINFOSTATE_TREATMENT) != 0 ? cf_shown_touch(e, c) : NULL;
    if (x != NULL)
        x->treatment = (uint32_t)e->in.m.param2;
    cf_call_info(e, c, (uint32_t)e->in.m.param1 & 0x7FFFFFFF, e->in.m.time_ns);
}

/* Digits, media, tones. */
static void call_heard(struct cf_engine *e, uint32_t provider) {
    struct cf_call *c = find_call(e, provider, e->in.m.device);
    if (c == NULL || c->state == LINECALLSTATE_IDLE)
        refuse_call_event(e, provider, e->in.m.device);
    else if (!cf_watch_event(e, c))
        refuse_event(e, provider);
}

/* LINE_DEVSPECIFIC, of a call or of a line; what it means is between provider and application. */
static void dev_specific(struct cf_engine *e, uint32_t provider) {
    const struct cf_message *m = &e->in.m;
    struct cf_call *c = m->device != 0 ? find_call(e, provider, m->device) : NULL;
    uint32_t line = m->device == 0 ? find_line(e, provider, m->open_line) : CF_INDEX_NONE;
    if (c != NULL)
        cf_call_dev_specific(e, c);
    else if (line != CF_INDEX_NONE)
        cf_line_dev_specific(e, line);
    else if (m->device != 0)
        refuse_call_event(e, provider, m->device);
    else
        refuse_event(e, provider);
}

void cf_event_take(struct cf_engine *e, uint32_t provider) {
    switch (e->in.m.id) {
    case CF_EV_SNAPSHOT_BEGIN:
    case CF_EV_SNAPSHOT_END:
        cf_touch_one(e, &e->ports[provider].announcing);
        e->ports[provider].announcing = e->in.m.id == CF_EV_SNAPSHOT_BEGIN;
        break;
    case CF_EV_LINE:
        line_announced(e, provider);
        break;
    case CF_EV_LINE_REMOVE:
    case CF_EV_LINE_CLOSE:
        line_ends(e, provider, e->in.m.id == CF_EV_LINE_REMOVE);
        break;
    case CF_EV_LINE_STATE:
        line_state(e, provider);
        break;
    case CF_EV_ADDRESS_STATE:
        address_state(e, provider);
        break;
    case CF_EV_NEW_CALL:
        new_call(e, provider);
        break;
    case CF_EV_CALL_STATE:
        call_state(e, provider);
        break;
    case CF_EV_CALL_INFO:
        call_info(e, provider);
        break;
    case CF_EV_DIGIT:
    case CF_EV_MEDIA:
    case CF_EV_TONE:
        call_heard(e, provider);
        break;
    case CF_EV_DEV_SPECIFIC:
        dev_specific(e, provider);
        break;
    case CF_EV_REPLY:
        cf_request_replied(e, provider);
        break;
    default:
        refuse_event(e, provider);
    }
}

void cf_event_set_aside(struct cf_engine *e, uint32_t provider) {
    struct cf_message *m = &e->in.m;
    struct cf_call *c = find_call(e, provider, m->device);
    if (m->id == CF_EV_NEW_CALL && c == NULL) {
        cf_event_ended(e, provider, m->device); /* as if it had been refused for another reason */
        refuse_call(e, provider, CF_REFUSAL_INVALID);
    } else if (m->id == CF_EV_REPLY) {
        m->param2 = (uint32_t)LINEERR_OPERATIONFAILED;
        m->device = 0;
        cf_request_replied(e, provider);
    } else if (c != NULL && (m->id == CF_EV_CALL_STATE || m->id == CF_EV_CALL_INFO)) {
        cf_call_end(e, c, LINEDISCONNECTMODE_UNKNOWN);
    }
}
