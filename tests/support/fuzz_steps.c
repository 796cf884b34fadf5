/*
 * What the steps of a fuzz input do. Every value of every byte means something, so that mutations rarely waste a step:
 *
 *     op 0  turns                  how: how many
 *        1  event of a provider    who; what: which; whom: of which call; how: which parts are wrong; more: fields; a, b, c: values
 *        2  request of an application, likewise
 *        3  a provider reads its commands and answers some
 *        4  an application reads
 *        5  lineOpen as the library does it
 *        6  a record as it stands in the steps that follow: 4 steps per slot, what: slots
 *        7  scribbling over the own ring          8  ... over the own words
 *        9  a turn that crashes                  10  a death          11  an arrival
 *       12  everybody reads until nothing is left to do
 *       13  the next step many times
 *
 * Who keeps the rules gets records that keep them from the same steps.
 */
#include "tests/support/fuzz_rig.h"

#include <stdlib.h>
#include <string.h>

#include "callfan/tapi.h"
#include "shm/forward.h"
#include "shm/handle_table.h"

#define WRONG_ID     1u /* in `how`: any id */
#define WRONG_DEVICE 2u /* a device of somebody else's, of another kind or of nobody */
#define WRONG_PARAMS 4u
#define WRONG_FIELDS 8u
#define WRONG_FLAGS  16u

enum { STEPS_MAX = 1024, REPEATS_MAX = 200 };

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const uint16_t event_ids[] = {
    CF_EV_NEW_CALL,    CF_EV_CALL_STATE, CF_EV_CALL_STATE, CF_EV_CALL_STATE,     CF_EV_CALL_INFO,
    CF_EV_LINE_STATE,  CF_EV_REPLY,      CF_EV_LINE,       CF_EV_SNAPSHOT_BEGIN, CF_EV_LINE_CLOSE,
    CF_EV_LINE_REMOVE, CF_EV_NEW_CALL,   CF_EV_CALL_STATE, CF_EV_ADDRESS_STATE, CF_EV_DEV_SPECIFIC,
};
static const uint16_t request_ids[] = {
    CF_REQ_PING,
    CF_REQ_DEVICES,
    CF_REQ_DEV_CAPS,
    CF_REQ_LINE_STATUS,
    CF_REQ_STATUS_MESSAGES,
    CF_REQ_CALL_INFO,
    CF_REQ_CALL_STATUS,
    CF_REQ_NEW_CALLS,
    CF_REQ_SET_PRIVILEGE,
    CF_REQ_RELEASE_ASK,
    CF_REQ_MAKE_CALL,
    CF_REQ_ACCEPT,
    CF_REQ_ANSWER,
    CF_REQ_DROP,
    CF_REQ_HOLD,
    CF_REQ_UNHOLD,
    CF_REQ_CLOSE,
    CF_REQ_RELEASE,
    CF_REQ_GENERATE_DIGITS,
    CF_REQ_SET_CALL_PARAMS,
    CF_REQ_SHUTDOWN,
    CF_REQ_MAKE_CALL,
    CF_REQ_RELEASE,
    CF_REQ_OPEN,
    CF_REQ_HANDOFF,
    CF_REQ_SET_APP_SPECIFIC,
    CF_REQ_SET_MEDIA_MODE,
    CF_REQ_ADDRESS_STATUS,
    CF_REQ_SET_APP_PRIORITY,
    CF_REQ_GET_APP_PRIORITY,
    CF_REQ_DIAL,
    CF_REQ_REDIRECT,
    CF_REQ_SECURE_CALL,
    CF_REQ_PARK,
    CF_REQ_UNPARK,
    CF_REQ_PICKUP,
    CF_REQ_FORWARD,
    CF_REQ_COMPLETE_CALL,
    CF_REQ_UNCOMPLETE_CALL,
    CF_REQ_SEND_USER_USER,
    CF_REQ_RELEASE_USER_USER,
    CF_REQ_SET_CALL_DATA,
    CF_REQ_SET_CALL_TREATMENT,
    CF_REQ_DEV_SPECIFIC,
};
static const uint32_t states[] = {
    LINECALLSTATE_OFFERING,  LINECALLSTATE_ACCEPTED,     LINECALLSTATE_CONNECTED,  LINECALLSTATE_DISCONNECTED,
    LINECALLSTATE_IDLE,      LINECALLSTATE_ONHOLD,       LINECALLSTATE_DIALTONE,   LINECALLSTATE_DIALING,
    LINECALLSTATE_RINGBACK,  LINECALLSTATE_BUSY,         LINECALLSTATE_PROCEEDING, LINECALLSTATE_UNKNOWN,
    LINECALLSTATE_CONNECTED, LINECALLSTATE_DISCONNECTED, LINECALLSTATE_IDLE,       LINECALLSTATE_SPECIALINFO,
};
static const uint64_t telling[] = {
    0,
    1,
    2,
    63,
    64,
    255,
    256,
    UINT16_MAX,
    INT32_MAX,
    UINT32_MAX,
    UINT64_C(1) << 32,
    INT64_MAX,
    UINT64_MAX,
    UINT64_C(0x100000001),
    UINT64_C(0xFFFFFFFF00000000),
    1000000,
};

static const char long_text[] =
    "sip:a.name.that.is.longer.than.what.a.call.keeps.of.one@a.host.that.is.long.too.example.com;"
    "with=parameters;and=more;and=still;more=of;them=until;nobody=reads;on=and;on=and;on=!";

/* A value that a reader of it may not expect. */
static uint64_t wild(const struct fuzz_step *s, unsigned which)
{
    const uint32_t raw = which == 0 ? s->b : s->c;
    const uint64_t value = telling[(s->a + 5 * which) % COUNT(telling)];
    switch ((s->a >> 8) % 4) {
    case 0:
        return raw;
    case 1:
        return (uint64_t)raw << 32 | s->b;
    case 2:
        return value;
    default:
        return value + (raw & 15) - 8;
    }
}

/* ------------------------------------------------------------------ fields */

static void add_text(struct cf_record *r, uint16_t tag, uint32_t bytes)
{
    cf_fields_append(r, tag, long_text, bytes < sizeof long_text ? bytes : (uint32_t)sizeof long_text);
}

static void add_fields(struct cf_record *r, const struct fuzz_step *s, bool wrong)
{
    static const uint16_t tags[] = {
        CF_FIELD_CALLER,    CF_FIELD_CALLED_NAME, CF_FIELD_CONNECTED, CF_FIELD_REDIRECTING_NAME,
        CF_FIELD_RAW_CAUSE, CF_FIELD_USER_USER,   CF_FIELD_CALL_DATA, CF_FIELD_DEV_SPECIFIC};
    for (unsigned i = 0; i < COUNT(tags); i++)
        if ((s->more >> i & 1) != 0)
            add_text(r, tags[i], (s->c >> i) % 128);
    if (!wrong)
        return;
    const uint32_t at = s->b % (r->payload_bytes + 32u), bytes = (s->c & 63) + 1; /* any bytes, anywhere */
    for (uint32_t i = 0; i < bytes && at + i < sizeof r->payload; i++)
        r->payload[at + i] = (uint8_t)(s->c >> (i % 4 * 8));
    if (at + bytes > r->payload_bytes && at + bytes <= sizeof r->payload)
        r->payload_bytes = at + bytes;
    if ((s->b >> 20) == 0xFFF)
        r->payload_bytes = sizeof r->payload;
}

/* What an address forwards. wrong: modes, lengths and numbers of entries that there are not, too. */
static void add_forwards(struct cf_record *r, const struct fuzz_step *s, bool wrong)
{
    uint8_t list[20 * (sizeof(struct cf_forward_head) + 2 * 80)] = {0};
    uint32_t bytes = 0, entries = s->a % (wrong ? 20 : CF_FORWARD_ENTRIES_MAX + 1);
    const uint32_t text = wrong ? 80 : CF_FORWARD_ADDRESS_MAX + 1;
    for (uint32_t i = 0; i < entries; i++) {
        const struct cf_forward_head head = {.mode = UINT32_C(1) << ((s->b >> i % 16) % (wrong ? 32 : 18)),
                                             .caller_bytes = (uint16_t)((s->c >> i % 24) % text),
                                             .address_bytes = (uint16_t)((s->b >> i % 24) % text)};
        memcpy(list + bytes, &head, sizeof head);
        bytes += (uint32_t)sizeof head + head.caller_bytes + head.address_bytes;
    }
    if ((s->more & 0x80) == 0)
        cf_fields_append(r, CF_FIELD_FORWARD_LIST, list, bytes - (wrong && bytes != 0 ? s->more & 1 : 0));
}

/* ------------------------------------------------------------------ providers */

static uint64_t provider_call(uint32_t index, uint32_t generation)
{
    return cf_handle_make(index, CF_KIND_PROVIDER, generation);
}

/* The live one at or behind index; none: CF_INDEX_NONE. */
static uint32_t some_call(const struct fuzz_rig *r, const struct fuzz_port *p, uint32_t index, bool live)
{
    for (uint32_t i = 0; i < r->limits.calls_per_provider; i++) {
        const uint32_t at = (index + i) % r->limits.calls_per_provider;
        const struct fuzz_call *c = &p->calls[at];
        if (live ? (c->generation & 1) != 0 && !c->ended : (c->generation & 1) == 0)
            return at;
    }
    return CF_INDEX_NONE;
}

static uint64_t begin_call(struct fuzz_port *p, uint32_t index)
{
    p->calls[index].generation++;
    p->calls[index].ended = false;
    return provider_call(index, p->calls[index].generation);
}

static uint64_t wild_call(const struct fuzz_rig *r, uint32_t port, const struct fuzz_step *s)
{
    const struct fuzz_port *other = &r->ports[1 + (port + s->a) % FUZZ_PROVIDERS];
    const uint32_t index = s->whom % FUZZ_CALLS, generation = other->calls[index].generation;
    switch (s->b % 8) {
    case 0:
        return provider_call(index, generation);
    case 1:
        return provider_call(index, generation - 2);
    case 2:
        return provider_call(index, generation + 1 + (s->c & 3));
    case 3:
        return provider_call(s->c, generation | 1);
    case 4:
        return cf_handle_make(index, (enum cf_handle_kind)(s->c & 7), generation | 1);
    case 5:
        return r->ports[1 + FUZZ_PROVIDERS + s->whom % FUZZ_APPS].recent[s->c % 16];
    case 6:
        return provider_call(index, UINT32_MAX - (s->c & 3));
    default:
        return wild(s, 1);
    }
}

static void announce_line(struct fuzz_rig *r, uint32_t port, uint32_t number, const struct fuzz_step *s)
{
    static const uint32_t all = LINECALLFEATURE_ACCEPT | LINECALLFEATURE_ANSWER | LINECALLFEATURE_DROP |
                                LINECALLFEATURE_HOLD | LINECALLFEATURE_UNHOLD | LINECALLFEATURE_GENERATEDIGITS |
                                LINECALLFEATURE_SETCALLPARAMS | LINECALLFEATURE_DIAL | LINECALLFEATURE_REDIRECT |
                                LINECALLFEATURE_SECURECALL | LINECALLFEATURE_PARK | LINECALLFEATURE_COMPLETECALL |
                                LINECALLFEATURE_SENDUSERUSER | LINECALLFEATURE_RELEASEUSERUSERINFO |
                                LINECALLFEATURE_SETCALLDATA | LINECALLFEATURE_SETTREATMENT;
    struct cf_record record = fuzz_record(r, CF_EV_LINE);
    const struct cf_line_caps caps = {.permanent_id = number + 1,
                                      .addresses = 1 + number % 2,
                                      .line_features = LINEFEATURE_MAKECALL | LINEFEATURE_DEVSPECIFIC,
                                      .addr_cap_flags = LINEADDRCAPFLAGS_FWDCONSULT | LINEADDRCAPFLAGS_PICKUPGROUPID,
                                      .more = {.address_features = LINEADDRFEATURE_FORWARD | LINEADDRFEATURE_PICKUP |
                                                                   LINEADDRFEATURE_UNPARK | LINEADDRFEATURE_UNCOMPLETECALL,
                                               .park_modes = LINEPARKMODE_DIRECTED | LINEPARKMODE_NONDIRECTED,
                                               .call_treatments = 0x1E},
                                      .bearer_modes = LINEBEARERMODE_VOICE | LINEBEARERMODE_DATA,
                                      .call_features = s != NULL && (s->more & 1) != 0 ? all & s->c : all};
    record.m.param1 = number;
    cf_fields_append_text(&record, CF_FIELD_NAME, "line");
    cf_fields_append(&record, CF_FIELD_LINE_CAPS, &caps, sizeof caps);
    if (fuzz_put(r, port, &record) && number < 32)
        r->ports[port].lines_up |= 1u << number;
}

/* The call an event is about, as the rules have it. False: there is none to speak of. */
static bool rightful_event(struct fuzz_rig *r, uint32_t port, const struct fuzz_step *s, struct cf_message *m)
{
    struct fuzz_port *p = &r->ports[port];
    const uint32_t line = s->b % 4;
    m->param1 = line;
    if (m->id == CF_EV_NEW_CALL) {
        const uint32_t index = some_call(r, p, s->whom, false);
        const uint32_t state = states[s->a % COUNT(states)];
        if (index == CF_INDEX_NONE || (p->lines_up >> line & 1) == 0)
            return false;
        m->device = begin_call(p, index);
        m->param2 = state == LINECALLSTATE_IDLE || (s->a & 256) != 0 ? LINECALLSTATE_OFFERING : state;
        m->param3 = LINEMEDIAMODE_INTERACTIVEVOICE | (uint64_t)LINECALLORIGIN_EXTERNAL << 32;
        m->open_line = LINECALLREASON_DIRECT;
        return true;
    }
    if (m->id == CF_EV_CALL_STATE || m->id == CF_EV_CALL_INFO) {
        const uint32_t index = some_call(r, p, s->whom, true);
        m->param1 = m->id == CF_EV_CALL_INFO ? s->b : states[s->a % COUNT(states)];
        m->param2 = s->c;
        if (index == CF_INDEX_NONE)
            return false;
        m->device = provider_call(index, p->calls[index].generation);
        p->calls[index].ended = m->id == CF_EV_CALL_STATE && m->param1 == LINECALLSTATE_IDLE;
        return true;
    }
    m->param2 = s->c;
    if (m->id == CF_EV_DEV_SPECIFIC) {
        m->device = 0;
        m->open_line = line;
        return (p->lines_up >> line & 1) != 0;
    }
    if (m->id == CF_EV_LINE_REMOVE)
        p->lines_up &= ~(1u << line) | (uint32_t)((p->lines_up >> line & 1) == 0) << line;
    return m->id == CF_EV_SNAPSHOT_BEGIN || m->id == CF_EV_LINE_CLOSE || m->id == CF_EV_LINE_STATE ||
           m->id == CF_EV_LINE_REMOVE || m->id == CF_EV_ADDRESS_STATE;
}

static void send_event(struct fuzz_rig *r, uint32_t port, const struct fuzz_step *s)
{
    struct fuzz_port *p = &r->ports[port];
    const unsigned wrong = fuzz_is_hostile(r, port) ? s->how : 0;
    struct cf_record record = fuzz_record(r, event_ids[s->what % COUNT(event_ids)]);
    struct cf_message *m = &record.m;
    const uint32_t up_before = p->lines_up;
    struct fuzz_call calls_before[FUZZ_CALLS];
    memcpy(calls_before, p->calls, sizeof calls_before);
    if (m->id == CF_EV_LINE && wrong == 0) {
        announce_line(r, port, s->b % 4, s);
        return;
    }
    const bool rightful = rightful_event(r, port, s, m);
    const bool of_line = (m->id >= CF_EV_LINE_REMOVE && m->id <= CF_EV_LINE_STATE) || m->id == CF_EV_ADDRESS_STATE;
    if (wrong == 0 && (!rightful || (of_line && (up_before >> s->b % 4 & 1) == 0)))
        return;
    if ((wrong & WRONG_ID) != 0)
        m->id = (uint16_t)(s->b & 1 ? s->c : 0x3000 + s->c % 0x30);
    if ((wrong & WRONG_DEVICE) != 0)
        m->device = wild_call(r, port, s);
    if ((wrong & WRONG_PARAMS) != 0) {
        m->param1 = wild(s, 0);
        m->param2 = wild(s, 1);
        m->param3 = wild(s, 2);
        m->open_line = s->c;
    }
    if (m->id == CF_EV_REPLY && p->commands_count != 0 && (s->how & 64) == 0)
        m->param1 = p->commands[s->whom % p->commands_count].param1 + (s->how >> 7) * s->c;
    if ((wrong & WRONG_FLAGS) != 0) {
        m->flags = (uint8_t)s->c;
        m->time_ns = (int64_t)wild(s, 1);
    }
    if (m->id == CF_EV_ADDRESS_STATE)
        add_forwards(&record, s, (wrong & WRONG_FIELDS) != 0);
    add_fields(&record, s, (wrong & WRONG_FIELDS) != 0);
    if (fuzz_put(r, port, &record))
        return;
    memcpy(p->calls, calls_before, sizeof calls_before); /* no room: it never was */
    p->lines_up = up_before;
}

static void answer_one(struct fuzz_rig *r, uint32_t port, const struct fuzz_step *s)
{
    struct fuzz_port *p = &r->ports[port];
    const struct cf_message m = p->commands[--p->commands_count];
    struct cf_record record = fuzz_record(r, CF_EV_REPLY);
    const uint32_t index = some_call(r, p, s->whom, false), call = cf_handle_index(m.device);
    const bool makes = m.id == CF_CMD_MAKE_CALL || m.id == CF_CMD_UNPARK || m.id == CF_CMD_PICKUP;
    const bool refuses = (s->how & 0x80) != 0 || (makes && index == CF_INDEX_NONE);
    record.m.param1 = m.param1;
    record.m.param2 = refuses ? (uint32_t)LINEERR_OPERATIONFAILED : 0;
    record.m.device = refuses ? 0 : makes ? begin_call(p, index) : m.device;
    if (!refuses && (m.id == CF_CMD_PARK || m.id == CF_CMD_DEV_SPECIFIC))
        add_text(&record, m.id == CF_CMD_PARK ? CF_FIELD_PARK_ADDRESS : CF_FIELD_DEV_SPECIFIC, s->c % 64);
    if (!fuzz_put(r, port, &record) && makes && !refuses)
        p->calls[index].generation++; /* it never was */
    if (m.id != CF_CMD_DROP || call >= FUZZ_CALLS || p->calls[call].generation != cf_handle_generation(m.device) ||
        p->calls[call].ended)
        return;
    record = fuzz_record(r, CF_EV_CALL_STATE);
    record.m.device = m.device;
    record.m.param1 = LINECALLSTATE_IDLE;
    p->calls[call].ended = fuzz_put(r, port, &record);
}

/* ------------------------------------------------------------------ applications: asking */

static bool is_synchronous(uint16_t id)
{
    return id >= CF_REQ_PING && id < CF_REQ_MAKE_CALL;
}

static uint64_t hline_of(const struct fuzz_port *p, uint32_t open)
{
    return cf_handle_of_usage(p->usage, open, CF_KIND_LINE, p->base_generation + p->hline_generation[open]);
}

static void open_line(struct fuzz_rig *r, uint32_t port, uint32_t device, const struct fuzz_step *s)
{
    static const uint32_t privileges[] = {LINECALLPRIVILEGE_MONITOR,
                                          LINECALLPRIVILEGE_OWNER | LINECALLPRIVILEGE_MONITOR, LINECALLPRIVILEGE_OWNER,
                                          LINECALLPRIVILEGE_NONE};
    struct fuzz_port *p = &r->ports[port];
    const uint32_t open = s->whom % FUZZ_OPENS;
    struct cf_record record = fuzz_record(r, CF_REQ_OPEN);
    if (!p->attached || p->dying || (p->hline_generation[open] & 1) != 0)
        return;
    p->hline_generation[open]++;
    record.m.device = hline_of(p, open);
    record.m.open_line = open;
    record.m.param1 = device;
    record.m.param2 = privileges[s->how % 4] | (uint64_t)LINEMEDIAMODE_INTERACTIVEVOICE << 32;
    record.m.param3 = (s->how & 4) != 0 ? 0x00010004 : 0x00020002;
    record.m.flags = (uint8_t)((p->number + 1) % CF_REPLY_SLOTS);
    if (fuzz_put(r, port, &record))
        p->asked[record.m.flags] = p->number;
    else
        p->hline_generation[open]++;
}

/* One of its handles: live ones first. */
static struct fuzz_held *some_held(struct fuzz_port *p, uint32_t from)
{
    for (uint32_t i = 0; i < FUZZ_HANDLES; i++) {
        struct fuzz_held *h = &p->held[(from + i) % FUZZ_HANDLES];
        if (h->held)
            return h;
    }
    return NULL;
}

static bool is_of_line(uint16_t id)
{
    return id == CF_REQ_LINE_STATUS || id == CF_REQ_STATUS_MESSAGES || id == CF_REQ_NEW_CALLS ||
           id == CF_REQ_MAKE_CALL || id == CF_REQ_CLOSE || id == CF_REQ_ADDRESS_STATUS ||
           id == CF_REQ_UNPARK || id == CF_REQ_PICKUP || id == CF_REQ_FORWARD || id == CF_REQ_UNCOMPLETE_CALL ||
           id == CF_REQ_DEV_SPECIFIC;
}

static bool is_of_media(uint16_t id)
{
    return id == CF_REQ_HANDOFF || id == CF_REQ_SET_MEDIA_MODE || id == CF_REQ_SET_APP_PRIORITY ||
           id == CF_REQ_GET_APP_PRIORITY;
}

/* The device and parameters that the rules ask for. False: it has none. */
static bool rightful_request(struct fuzz_rig *r, uint32_t port, const struct fuzz_step *s, struct cf_message *m)
{
    struct fuzz_port *p = &r->ports[port];
    const uint32_t open = s->whom % FUZZ_OPENS;
    m->param1 = m->id == CF_REQ_SET_PRIVILEGE     ? 2u << (s->a & 1)
                : m->id == CF_REQ_NEW_CALLS       ? LINECALLSELECT_LINE
                : m->id == CF_REQ_GENERATE_DIGITS ? 1u << (s->a & 1)
                : is_of_media(m->id)              ? 2u << (s->a % 15)
                : is_synchronous(m->id)           ? s->b % 8
                                                  : p->number + 1;
    m->param2 = m->id == CF_REQ_STATUS_MESSAGES ? s->c & 0x1FF : m->id == CF_REQ_SET_APP_PRIORITY ? s->c & 1 : 0;
    m->param3 = m->id == CF_REQ_NEW_CALLS ? 16 : 0;
    if (m->id == CF_REQ_SET_APP_PRIORITY || m->id == CF_REQ_GET_APP_PRIORITY || m->id == CF_REQ_PING || m->id == CF_REQ_DEVICES || m->id == CF_REQ_DEV_CAPS || m->id == CF_REQ_SHUTDOWN)
        return true;
    if (is_of_line(m->id)) {
        if ((p->hline_generation[open] & 1) == 0)
            return false;
        m->device = hline_of(p, open);
        m->open_line = open;
        return true;
    }
    const struct fuzz_held *h = some_held(p, s->whom);
    if (h == NULL)
        return false;
    m->device = h->handle;
    m->open_line = h->open;
    return true;
}

static uint64_t wild_handle(const struct fuzz_rig *r, uint32_t port, const struct fuzz_step *s)
{
    const struct fuzz_port *p = &r->ports[port];
    const struct fuzz_port *other = &r->ports[1 + FUZZ_PROVIDERS + s->whom % FUZZ_APPS];
    switch (s->b % 8) {
    case 0:
        return other->recent[s->c % COUNT(other->recent)];
    case 1:
        return p->recent[s->c % COUNT(p->recent)];
    case 2:
        return p->recent[s->c % COUNT(p->recent)] + (UINT64_C(2) << 32);
    case 3:
        return cf_handle_of_usage(p->usage, s->c, CF_KIND_LINE, p->base_generation + (s->a | 1));
    case 4:
        return cf_handle_of_usage(p->usage, s->c % 128, CF_KIND_CALL, p->base_generation + (s->a & 7));
    case 5:
        return cf_handle_make(s->c, (enum cf_handle_kind)(s->a & 15), s->b);
    case 6:
        return hline_of(other, s->c % FUZZ_OPENS);
    default:
        return wild(s, 1);
    }
}

static void falsify(const struct fuzz_rig *r, uint32_t port, const struct fuzz_step *s, struct cf_message *m)
{
    if ((s->how & WRONG_ID) != 0)
        m->id = (uint16_t)(s->b & 1 ? s->c : 0x2000 + s->c % 0x48);
    if ((s->how & WRONG_DEVICE) != 0) {
        m->device = wild_handle(r, port, s);
        m->open_line = s->c;
    }
    if ((s->how & WRONG_PARAMS) != 0) {
        m->param1 = wild(s, 0);
        m->param2 = wild(s, 1);
        m->param3 = wild(s, 2);
    }
    if ((s->how & WRONG_FLAGS) != 0) {
        m->flags = (uint8_t)s->c;
        m->time_ns = (int64_t)wild(s, 1);
    }
}

static void add_request_fields(struct cf_record *record, const struct fuzz_step *s, bool wrong)
{
    const struct cf_call_params params = {.bearer_mode = 1u << (s->a & 3),
                                          .min_rate = s->b & 0xFFFF,
                                          .max_rate = (s->b & 0xFFFF) + (s->c & 0xFF),
                                          .address_id = s->a >> 4 & 1};
    if (record->m.id == CF_REQ_MAKE_CALL || record->m.id == CF_REQ_SET_CALL_PARAMS || wrong)
        cf_fields_append(record, CF_FIELD_CALL_PARAMS, &params, sizeof params);
    if (record->m.id == CF_REQ_MAKE_CALL)
        cf_fields_append_text(record, CF_FIELD_DESTINATION, "5551234");
    if (record->m.id == CF_REQ_GENERATE_DIGITS && (s->more & 1) != 0)
        cf_fields_append(record, CF_FIELD_DIGITS, "12*#AbC,!xyz", s->c % 13);
    if (record->m.id == CF_REQ_HANDOFF && (s->more & 1) != 0)
        cf_fields_append(record, CF_FIELD_TARGET, "peer3peer4peer5x", s->c % 16);
    if (record->m.id == CF_REQ_SET_APP_PRIORITY || record->m.id == CF_REQ_GET_APP_PRIORITY)
        cf_fields_append(record, CF_FIELD_APP_PRIORITY, long_text, s->c % 80);
    if (wrong)
        add_fields(record, s, true);
}

/* Who keeps the rules has no more than half of what it may have outstanding. */
static bool may_ask(const struct fuzz_rig *r, uint32_t port)
{
    struct cf_engine_port_status status;
    const struct fuzz_port *p = &r->ports[port];
    cf_engine_port_status(r->engine, port, &status);
    return status.requests_outstanding + (p->out.tail - p->down->up.up_ack) < cf_port_requests_max(r->down_slots) / 2;
}

static void send_request(struct fuzz_rig *r, uint32_t port, const struct fuzz_step *s)
{
    struct fuzz_port *p = &r->ports[port];
    const bool hostile = fuzz_is_hostile(r, port);
    struct cf_record record = fuzz_record(r, request_ids[s->what % COUNT(request_ids)]);
    struct cf_message *m = &record.m;
    if (!p->attached || p->dying ||
        (!hostile && (!may_ask(r, port) || m->id == CF_REQ_NEW_CALLS || m->id == CF_REQ_OPEN)))
        return;
    if (!rightful_request(r, port, s, m) && (!hostile || s->how == 0))
        return;
    if (is_synchronous(m->id))
        m->flags = (uint8_t)((p->number + 1) % CF_REPLY_SLOTS);
    if (hostile)
        falsify(r, port, s, m);
    add_request_fields(&record, s, hostile && (s->how & WRONG_FIELDS) != 0);
    if (!fuzz_put(r, port, &record))
        return;
    if (is_synchronous(m->id) && m->flags < CF_REPLY_SLOTS)
        p->asked[m->flags] = p->number;
    if (hostile) {
        p->odd |= (s->how & (WRONG_ID | WRONG_FLAGS)) != 0;
        return;
    }
    if (m->id == CF_REQ_RELEASE) /* RELEASE_ASK may be refused; then it is as if it were released all the same */
        p->held[cf_handle_slot(m->device)].held = false;
    if (m->id == CF_REQ_CLOSE)
        fuzz_forget_line(p, m->open_line);
}

/* ------------------------------------------------------------------ what breaks every rule */

/* A record as it stands in the input, its commit words right unless a bit says otherwise. Returns the steps it took. */
static size_t send_raw(struct fuzz_rig *r, uint32_t port, const struct fuzz_step *s, size_t left)
{
    struct fuzz_port *p = &r->ports[port];
    const size_t wanted = 1 + s->what % CF_RECORD_SLOTS_MAX, slots = wanted < left / 4 ? wanted : left / 4;
    if (!p->attached || p->dying || !fuzz_is_hostile(r, port))
        return 4 * slots;
    if (p->out.tail < p->down->up.up_ack)
        p->out.tail = p->out.head_seen = p->down->up.up_ack;
    if ((s->how & 1) == 0) { /* as a producer that keeps the rules places it */
        const uint64_t cost = cf_ring_cost(p->out.mask, p->out.tail, (uint32_t)slots);
        if (slots == 0 || cf_ring_free(&p->out) < cost)
            return 4 * slots;
        if (cost != slots) {
            cf_ring_write_filler(p->out.slots, p->out.mask, p->out.tail);
            cf_ring_publish(p->out.slots, p->out.mask, p->out.tail, p->out.tail + cost - slots);
            p->out.tail += cost - slots;
        }
    }
    p->lied |= (s->how & 1) != 0;
    for (size_t i = 0; i < slots; i++) {
        struct cf_slot *slot = &p->out.slots[(p->out.tail + i) & p->out.mask];
        memcpy(slot, s + 1 + 4 * i, CF_SLOT_BYTES);
        if (i != 0 || (s->how & 2) == 0)
            slot->commit = p->out.tail + i + 1;
    }
    struct cf_message *m = (struct cf_message *)&p->out.slots[p->out.tail & p->out.mask];
    p->lied |= m->slots != slots;
    p->odd = true;
    p->out.tail += slots;
    p->number++;
    return 4 * slots;
}

static void scribble(struct fuzz_rig *r, uint32_t port, const struct fuzz_step *s)
{
    struct fuzz_port *p = &r->ports[port];
    if (!p->attached || p->dying || !fuzz_is_hostile(r, port))
        return;
    const uint64_t at = p->out.tail + (uint64_t)(int64_t)(int8_t)s->whom;
    uint8_t *slot = (uint8_t *)&p->out.slots[at & p->out.mask];
    p->lied = true;
    memcpy(slot + s->how % 57, &s->b, 8);
    if ((s->what & 1) != 0)
        ((struct cf_slot *)slot)->commit = at + 1 + (s->what >> 1 & 1) * s->a;
    if ((s->what & 4) != 0) {
        ((struct cf_message *)slot)->slots = s->more;
        ((struct cf_message *)slot)->id = (s->what & 8) != 0 ? CF_MESSAGE_FILLER : s->a;
    }
}

static void poke(struct fuzz_rig *r, uint32_t port, const struct fuzz_step *s)
{
    struct fuzz_port *p = &r->ports[port];
    if (!p->attached || p->dying || !fuzz_is_hostile(r, port))
        return;
    uint64_t *const words[] = {&p->up->down_ack, &p->up->messages_acked, &p->up->cancelled, &p->up->wake_at,
                               &p->up->reply_waiting};
    const uint64_t near[] = {p->down->down.tail, p->down->down.messages, 0, p->down->down.tail, UINT64_MAX};
    const unsigned which = s->whom % COUNT(words);
    p->lied |= which < 3;
    *words[which] = (s->how & 1) != 0 ? near[which] + (uint64_t)(int64_t)(int8_t)s->what : wild(s, s->what & 1);
}

/* ------------------------------------------------------------------ steps */

static void arrive(struct fuzz_rig *r, uint32_t port, const struct fuzz_step *s, bool bare)
{
    if (r->ports[port].attached)
        return;
    fuzz_arrive(r, port, s->c, s->b < CF_GENERATION_END ? s->b : 0); /* cf_admit() lets no other in */
    if ((s->how & 2) != 0)
        return; /* whatever comes next meets the arrival */
    fuzz_turn(r);
    for (uint32_t i = 0; i < FUZZ_LINES_AT_START && fuzz_is_provider(port) && !bare; i++)
        announce_line(r, port, i, NULL);
}

static uint32_t provider_of(const struct fuzz_step *s)
{
    return 1 + s->who % FUZZ_PROVIDERS;
}

/* Never the witness, whose life is its own. */
static uint32_t application_of(const struct fuzz_step *s)
{
    return 1 + FUZZ_PROVIDERS + s->who % (FUZZ_APPS - 1);
}

static uint32_t any_of(const struct fuzz_step *s)
{
    return 1 + s->who % (FUZZ_PORTS - 2);
}

static void open_all(struct fuzz_rig *r, uint32_t port, uint8_t how)
{
    for (uint32_t device = 0; device < FUZZ_LINES; device++) {
        const struct fuzz_step s = {.whom = (uint8_t)device, .how = how};
        open_line(r, port, device, &s);
        fuzz_turn(r);
        struct fuzz_port *p = &r->ports[port];
        if (cf_port_reply(p->down, (uint32_t)(p->number % CF_REPLY_SLOTS))->result != 0)
            p->hline_generation[device]++; /* there is no such line */
    }
}

static void begin(struct fuzz_rig *r, const struct fuzz_step *first, bool bare)
{
    const struct fuzz_step none = {0};
    for (uint32_t port = 1; port < FUZZ_PORTS && !bare; port++)
        arrive(r, port, &none, false);
    arrive(r, FUZZ_WITNESS, &none, bare);
    fuzz_settle(r);
    open_all(r, FUZZ_WITNESS, 0);
    for (uint32_t port = 1 + FUZZ_PROVIDERS; port < FUZZ_WITNESS && !bare; port++)
        if ((first->a >> port & 1) == 0)
            open_all(r, port, (uint8_t)(port % 3));
    fuzz_settle(r);
}

/* Runs one step. Returns how many it took. */
static size_t step(struct fuzz_rig *r, const struct fuzz_step *s, size_t left, bool bare)
{
    switch (s->op % FUZZ_OPS) {
    case FUZZ_OP_TURNS:
        for (unsigned i = 0; i <= s->how % 4u; i++)
            fuzz_turn(r);
        break;
    case FUZZ_OP_EVENT:
        send_event(r, provider_of(s), s);
        break;
    case FUZZ_OP_REQUEST:
        send_request(r, application_of(s), s);
        break;
    case FUZZ_OP_ANSWER:
        fuzz_read(r, provider_of(s), s->a);
        for (unsigned i = 0; i <= s->how % 8u && r->ports[provider_of(s)].commands_count != 0; i++)
            answer_one(r, provider_of(s), s);
        break;
    case FUZZ_OP_READ:
        fuzz_read(r, 1 + FUZZ_PROVIDERS + s->who % FUZZ_APPS, s->a);
        break;
    case FUZZ_OP_OPEN:
        open_line(r, application_of(s), s->b % FUZZ_LINES, s);
        break;
    case FUZZ_OP_RAW:
        return 1 + send_raw(r, any_of(s), s, left - 1);
    case FUZZ_OP_SCRIBBLE:
        scribble(r, any_of(s), s);
        break;
    case FUZZ_OP_POKE:
        poke(r, any_of(s), s);
        break;
    case FUZZ_OP_CRASH:
        for (unsigned i = 0; i <= s->how % 5u; i++)
            fuzz_crash(r, s->a, (s->how & 128) != 0);
        break;
    case FUZZ_OP_DIE:
        fuzz_die(r, any_of(s));
        break;
    case FUZZ_OP_ATTACH:
        arrive(r, any_of(s), s, bare);
        break;
    case FUZZ_OP_SETTLE:
        fuzz_settle(r);
        if ((s->how & 1) != 0)
            open_all(r, FUZZ_WITNESS, 0); /* the lines that came since */
        break;
    default:
        break; /* FUZZ_OP_REPEAT: the caller's */
    }
    return 1;
}

int fuzz_run(const uint8_t *data, size_t size, unsigned forced)
{
    static struct fuzz_rig rig;
    static struct fuzz_step steps[STEPS_MAX];
    size_t count = size / FUZZ_STEP_BYTES < STEPS_MAX ? size / FUZZ_STEP_BYTES : STEPS_MAX;
    if (count == 0)
        return 0;
    memcpy(steps, data, count * sizeof steps[0]);
    const struct fuzz_step *first = &steps[0];
    const bool bare = (first->op & FUZZ_FLAG_BARE) != 0;
    fuzz_rig_begin(&rig, first, forced | (first->op & 3u));
    begin(&rig, first, bare);
    for (size_t i = 1, repeats = 0; i < count;) {
        const struct fuzz_step *s = &steps[i];
        if (s->op % FUZZ_OPS != FUZZ_OP_REPEAT || i + 1 >= count || repeats >= REPEATS_MAX) {
            i += step(&rig, s, count - i, bare);
            continue;
        }
        const size_t times = s->a % REPEATS_MAX;
        struct fuzz_step again = steps[i + 1];
        for (size_t n = 0; n < times && again.op % FUZZ_OPS != FUZZ_OP_RAW && again.op % FUZZ_OPS != FUZZ_OP_REPEAT;
             n++, repeats++) {
            step(&rig, &again, 1, bare);
            again.whom++;
        }
        i++;
    }
    fuzz_end(&rig);
    return 0;
}
