/* The model's nouns: calls, references, open lines, and what happens to them. */
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/model/model.h"

bool m_fail(struct model *m, const char *format, ...) {
    if (m->failed)
        return false;
    m->failed = true;
    va_list args;
    va_start(args, format);
    vsnprintf(m->why, sizeof m->why, format, args);
    va_end(args);
    return false;
}

#define COPY_USED(to, from, member, high)                                                     \
    do {                                                                                      \
        for (uint32_t i_ = (from)->high; i_ < (to)->high; i_++)                               \
            (to)->member[i_].used = false;                                                    \
        memcpy((to)->member, (from)->member, (from)->high * sizeof (from)->member[0]);        \
    } while (0)

void m_copy(struct model *to, const struct model *from) {
    COPY_USED(to, from, calls, calls_high);
    COPY_USED(to, from, refs, refs_high);
    COPY_USED(to, from, requests, requests_high);
    memcpy(to, from, offsetof(struct model, calls));
    memcpy(&to->refs_high, &from->refs_high, sizeof *to - offsetof(struct model, refs_high));
}

void m_init(struct model *m) {
    memset(m, 0, sizeof *m);
    for (int p = 0; p < SIM_PROVIDERS; p++)
        for (int l = 0; l < SIM_LINES; l++)
            m->lines[p][l].device = UINT32_MAX;
}

/* ------------------------------------------------------------------ who */

const uint16_t m_who_tags[M_WHO] = {
    [M_CALLER] = CF_FIELD_CALLER, [M_CALLER_NAME] = CF_FIELD_CALLER_NAME, [M_CALLED] = CF_FIELD_CALLED,
    [M_CALLED_NAME] = CF_FIELD_CALLED_NAME, [M_CONNECTED] = CF_FIELD_CONNECTED, [M_CONNECTED_NAME] = CF_FIELD_CONNECTED_NAME,
    [M_REDIRECTION] = CF_FIELD_REDIRECTION, [M_REDIRECTION_NAME] = CF_FIELD_REDIRECTION_NAME,
    [M_REDIRECTING] = CF_FIELD_REDIRECTING, [M_REDIRECTING_NAME] = CF_FIELD_REDIRECTING_NAME,
};

uint32_t m_who_text(uint32_t number, char *text) {
    uint32_t n = (uint32_t)sprintf(text, "w%u", number);
    while (number >= M_LONG_FROM && number % 5 == 0 && n < 80)
        text[n++] = '.';
    text[n] = '\0';
    return n;
}

/* The fields that are there; the others stay. An empty address is withheld, an empty name none. */
void m_who_take(struct m_who *w, const struct cf_record *r) {
    for (uint32_t i = 0; i < M_WHO; i++) {
        struct cf_field f;
        if (!cf_fields_find(r, m_who_tags[i], &f))
            continue;
        bool name = i == M_CALLER_NAME || i == M_CALLED_NAME || i == M_CONNECTED_NAME || i == M_REDIRECTION_NAME ||
                    i == M_REDIRECTING_NAME;
        char text[96] = {0};
        memcpy(text, f.data, f.bytes < 95 ? f.bytes : 95);
        w->number[i] = f.bytes != 0 ? (uint32_t)strtoul(text + 1, NULL, 10) : name ? 0 : M_WITHHELD;
    }
}

/* ------------------------------------------------------------------ finding */

struct m_call *m_call_of(struct model *m, uint32_t provider, uint64_t id) {
    for (uint32_t i = 0; i < m->calls_high; i++) {
        struct m_call *c = &m->calls[i];
        if (c->used && !c->ending && !c->nobodys && c->provider == provider && c->id == id)
            return c;
    }
    return NULL;
}

struct m_ref *m_ref_of(struct model *m, uint32_t port, uint64_t handle) {
    for (uint32_t i = 0; handle != 0 && i < m->refs_high; i++)
        if (m->refs[i].used && m->refs[i].port == port && (m->refs[i].handle == handle || m->refs[i].listed == handle))
            return &m->refs[i];
    return NULL;
}

struct m_open *m_open_of(struct model *m, uint32_t port, uint64_t handle) {
    for (uint32_t i = 0; handle != 0 && i < SIM_OPENS; i++) {
        struct m_open *o = &m->ports[port].opens[i];
        if (o->used && o->handle == handle)
            return o;
    }
    return NULL;
}

struct m_listed *m_listed_of(struct model *m, uint32_t port, uint64_t handle) {
    for (uint32_t i = 0; i < SIM_CALLS; i++)
        if (m->listed[i].used && m->listed[i].port == port && m->listed[i].handle == handle)
            return &m->listed[i];
    return NULL;
}

/* ------------------------------------------------------------------ counting */

static bool counts(const struct m_ref *r) {
    return r->used && !r->gone && !r->limbo &&
           (r->announce == M_TOLD || r->announce == M_NOW || r->announce == M_REPLY);
}

void m_call_count(const struct model *m, uint32_t call, uint32_t *owners, uint32_t *monitors, uint32_t *unsure) {
    *owners = *monitors = *unsure = 0;
    for (uint32_t i = 0; i < m->refs_high; i++) {
        const struct m_ref *r = &m->refs[i];
        if (!r->used || r->call != call || r->gone)
            continue;
        if (!counts(r) || (r->candidate && r->announce != M_TOLD))
            ++*unsure;
        else if (r->privilege == LINECALLPRIVILEGE_OWNER)
            ++*owners;
        else
            ++*monitors;
    }
}

uint32_t m_call_refs(const struct model *m, uint32_t call, bool with_later) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < m->refs_high; i++) {
        const struct m_ref *r = &m->refs[i];
        if (r->used && r->call == call && !r->gone && (with_later || counts(r)))
            n++;
    }
    return n;
}

uint32_t m_idle_handles(const struct model *m, uint32_t port) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < m->refs_high; i++) {
        const struct m_ref *r = &m->refs[i];
        if (r->used && r->port == port && r->handle != 0 && m->calls[r->call].state == LINECALLSTATE_IDLE)
            n++;
    }
    for (uint32_t i = 0; i < SIM_CALLS; i++) /* possibly */
        n += m->listed[i].used && m->listed[i].port == port;
    return n;
}

uint32_t m_handles(const struct model *m, uint32_t port) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < m->refs_high; i++)
        n += m->refs[i].used && m->refs[i].port == port;
    for (uint32_t i = 0; i < m->requests_high; i++) /* each keeps handles for its calls */
        n += m->requests[i].used && m->requests[i].port == port ? m->requests[i].makes : 0;
    return n;
}

bool m_call_passed(const struct m_call *c, uint32_t state, uint32_t mode) {
    for (uint32_t i = 0; i < c->passed_count; i++)
        if (c->passed[i].state == state && c->passed[i].mode == mode)
            return true;
    return c->ending && !c->ended && (state == LINECALLSTATE_DISCONNECTED || (state == LINECALLSTATE_IDLE && mode == 0));
}

/* ------------------------------------------------------------------ references */

struct m_ref *m_ref_new(struct model *m, uint32_t port, uint32_t open, uint32_t call, enum m_announce announce) {
    uint32_t i = 0;
    while (i < SIM_REFS && m->refs[i].used)
        i++;
    if (i == SIM_REFS) {
        m_fail(m, "the model is too small: references");
        return &m->refs[0];
    }
    if (i >= m->refs_high)
        m->refs_high = i + 1;
    m->refs[i] = (struct m_ref){
        .used = true,
        .port = (uint8_t)port,
        .open = (uint8_t)open,
        .call = (uint16_t)call,
        .announce = (uint8_t)announce,
        .first = true,
        .made = ++m->refs_made,
        .privilege = LINECALLPRIVILEGE_MONITOR,
    };
    for (uint32_t other = 1 + SIM_PROVIDERS; other < SIM_PORTS; other++)
        if (m->ports[other].state == 3) { /* its handles go in slices, which a handle made meanwhile may hear of */
            m->refs[i].counts = LINECALLINFOSTATE_NUMOWNERDECR | LINECALLINFOSTATE_NUMMONITORS | LINECALLINFOSTATE_MONITORMODES;
            m->refs[i].changes += 2 * SIM_OPENS;
        }
    return &m->refs[i];
}

void m_ref_owe(struct model *m, struct m_ref *r, const struct m_owed *owed) {
    struct m_port *p = &m->ports[r->port];
    if (r->gone || p->shut)
        return;
    if (r->announce == M_LATER || r->announce == M_OPTIONAL) {
        p->missed_high += r->listing && p->outage;
        if (r->listing && owed->id == LINE_CALLINFO)
            r->infos |= owed->param1;
        return;
    }
    if (p->outage) {
        bool sure = p->sure && !owed->optional && !owed->deferred && !r->limbo;
        p->missed_low += sure;
        p->missed_high += !sure;
        if (owed->id == LINE_CALLINFO)
            r->infos |= owed->param1;
        return;
    }
    if (r->owed_count == SIM_QUEUE) {
        m_fail(m, "the model is too small: messages owed to a handle");
        return;
    }
    r->owed[r->owed_count] = *owed;
    r->owed[r->owed_count++].optional |= r->limbo;
}

/* A handle came or went: the holders in other applications are to be told, in slices. */
void m_counts_changed(struct model *m, uint32_t call, uint32_t but_port, uint32_t bits, bool sure) {
    const struct m_call *c = &m->calls[call];
    if (c->state == LINECALLSTATE_IDLE && (!c->ending || c->ended))
        return;
    for (uint32_t i = 0; i < m->refs_high; i++) {
        struct m_ref *r = &m->refs[i];
        if (!r->used || r->port == but_port || r->call != call || r->gone)
            continue;
        r->counts |= bits;
        r->changes++;
        m->ports[r->port].missed_high += m->ports[r->port].outage;
        if (sure && !m->ports[r->port].outage && !r->limbo && r->announce == M_TOLD && !c->ending)
            r->counts_must |= bits;
    }
}

void m_ref_drop(struct model *m, struct m_ref *r, bool by_close) {
    struct m_call *c = &m->calls[r->call];
    if (r->gone)
        return;
    bool told = r->announce != M_LATER && r->announce != M_OPTIONAL;
    r->gone = true;
    m->ports[r->port].unswept += by_close;
    m_tones_leave(m, r->port, r->handle);
    for (uint32_t i = 0; i < m->requests_high; i++) {
        struct m_request *q = &m->requests[i];
        if (q->used && q->port == r->port && m_apart(q->id) != M_NOT_APART && q->handle == r->handle && q->suppressed != 2)
            q->suppressed = m_may_be_told(m, q) ? 1 : 2;
    }
    bool owner = r->privilege == LINECALLPRIVILEGE_OWNER;
    uint32_t bits = owner ? LINECALLINFOSTATE_NUMOWNERDECR : LINECALLINFOSTATE_NUMMONITORS;
    bool guessed = r->candidate && r->announce != M_TOLD; /* which of them the owner is, its announcement will say */
    if (guessed)
        bits = LINECALLINFOSTATE_NUMOWNERDECR | LINECALLINFOSTATE_NUMMONITORS;
    m_counts_changed(m, r->call, r->port, bits, told && !r->limbo && !guessed);
    m_listener_gone(m, r, by_close);
    if (!told) {
        c->drop |= by_close && !m->keeps && c->drop == 0 && r->handed;
        c->drop |= by_close && !m->keeps && c->drop == 0 && m_owner_fits(&m->ports[r->port].opens[r->open], c);
        return;
    }
    if (!by_close || m->keeps || c->state == LINECALLSTATE_IDLE)
        return;
    uint32_t owners, monitors, unsure;
    m_call_count(m, r->call, &owners, &monitors, &unsure);
    c->drop_again |= owner && owners == 0 && c->drop != 0; /* the one before may be on its way */
    if (owner && owners == 0)
        c->drop = unsure != 0 || r->candidate || r->limbo ? (c->drop == 2 ? 2 : 1) : 2;
    else if ((r->candidate || r->limbo) && owners == 0 && c->drop == 0)
        c->drop = 1;
}

/* ------------------------------------------------------------------ open lines */

/* LINE_LINEDEVSTATE of what the engine itself does with a line: possible, and one more that an outage may cost. */
void m_line_may_tell(struct model *m, uint32_t provider, uint32_t line, uint32_t bits) {
    for (uint32_t port = 1 + SIM_PROVIDERS; port < SIM_PORTS; port++)
        for (uint32_t i = 0; i < SIM_OPENS; i++) {
            const struct m_open *o = &m->ports[port].opens[i];
            if (!o->used || o->provider != provider || o->line != line || ((o->mask | o->mask_seen) & bits) == 0)
                continue;
            m->ports[port].missed_high += m->ports[port].outage;
            m->ports[port].late_tells += !m->ports[port].outage;
        }
}

void m_open_drop(struct model *m, uint32_t port, uint32_t open) {
    struct m_port *p = &m->ports[port];
    struct m_open *o = &p->opens[open];
    o->gone = true;
    uint32_t late = 0;
    m_line_may_tell(m, o->provider, o->line, LINEDEVSTATE_CLOSE);
    while (late + 1 < SIM_LATE && p->late_close[late] != 0)
        late++;
    if (o->close_owed != 0 && p->outage)
        p->late_close[late] = o->handle;
    for (uint32_t i = 0; i < m->requests_high; i++) {
        struct m_request *q = &m->requests[i];
        if (!q->used || q->port != port || q->open != open)
            continue;
        q->orphan = true;
        if (q->suppressed != 2)
            q->suppressed = m_may_be_told(m, q) ? 1 : 2;
    }
    for (uint32_t i = 0; i < m->refs_high; i++) {
        struct m_ref *r = &m->refs[i];
        if (r->used && r->port == port && r->open == open)
            m_ref_drop(m, r, true);
    }
}

void m_app_gone(struct model *m, uint32_t port) {
    struct m_port *p = &m->ports[port];
    for (uint32_t i = 0; i < SIM_OPENS; i++)
        if (p->opens[i].used && !p->opens[i].gone)
            m_open_drop(m, port, i);
    for (uint32_t i = 0; i < m->requests_high; i++)
        if (m->requests[i].used && m->requests[i].port == port) {
            m->requests[i].suppressed = 2;
            m->requests[i].dead = true;
        }
    p->shut = true;
}

/* ------------------------------------------------------------------ calls */

/* The open may become the initial owner: an offered call with this media mode and address. */
bool m_owner_fits(const struct m_open *o, const struct m_call *c) {
    return (c->state == LINECALLSTATE_OFFERING || (c->ending && !c->ended)) && (o->privilege & LINECALLPRIVILEGE_OWNER) != 0 && (o->media & c->media) != 0 &&
           (!o->single || o->address == c->address);
}

/* Too many handles, or too many of calls that have ended: the engine may keep calls from it. */
bool m_may_be_limited(struct model *m, uint32_t port) {
    /* Half: void handles take room until they are swept. */
    uint32_t unswept = m->ports[port].unswept;
    if (m_idle_handles(m, port) + unswept + 8 < m->idle_max && m_handles(m, port) + unswept + 1 < m->handles_max / 2)
        return false;
    m->ports[port].limited = true;
    return true;
}

/* Who comes first: higher in the list of the call's media mode, else opened earlier. */
static uint64_t claim_of(const struct model *m, const struct m_call *c, uint32_t port, uint32_t open) {
    return (uint64_t)m_rank(m, port, c->media) << 32 | m->ports[port].opens[open].order;
}

/* The open line, on the call's line, whose claim comes first after `after`. */
static bool next_open(const struct model *m, const struct m_call *c, uint64_t after, uint32_t *ret_port, uint32_t *ret_open) {
    uint64_t best = UINT64_MAX;
    for (uint32_t port = 1 + SIM_PROVIDERS; port < SIM_PORTS; port++) {
        for (uint32_t i = 0; i < SIM_OPENS; i++) {
            const struct m_open *o = &m->ports[port].opens[i];
            if (!o->used || o->gone || o->provider != c->provider || o->line != c->line)
                continue;
            uint64_t claim = claim_of(m, c, port, i);
            if (claim <= after || claim >= best)
                continue;
            best = claim;
            *ret_port = port;
            *ret_open = i;
        }
    }
    return best != UINT64_MAX;
}

/*
 * A call that nobody here asked for reaches the open lines, in the order of their claims: the first that may own it
 * does, the others with MONITOR watch. A made call (but_port nonzero) is announced to monitors alone, as UNKNOWN.
 */
void m_call_announce(struct model *m, uint32_t call, uint32_t but_port, uint32_t but_open, bool optional) {
    struct m_call *c = &m->calls[call];
    bool found = but_port != 0, doubtful = false;
    uint32_t port = 0, open = 0;
    for (uint64_t after = 0; next_open(m, c, after, &port, &open); after = claim_of(m, c, port, open)) {
        const struct m_open *o = &m->ports[port].opens[open];
        struct m_port *p = &m->ports[port];
        if (port == but_port && open == but_open)
            continue;
        bool monitors = (o->privilege & LINECALLPRIVILEGE_MONITOR) != 0;
        bool limited = m_may_be_limited(m, port) || optional || o->limbo; /* first, since it notes what it finds */
        bool could = but_port == 0 && m_owner_fits(o, c), fits = !found && could;
        if (!fits && !monitors && !(could && (limited || p->outage)))
            continue;
        enum m_announce how = limited ? M_OPTIONAL : p->outage ? M_LATER : M_NOW;
        if (!monitors && (!fits || (doubtful && how == M_NOW)))
            how = M_OPTIONAL; /* another one has got it, or may have; it may still be owner after an outage */
        struct m_ref *r = m_ref_new(m, port, open, call, how);
        r->unknown = c->made;
        r->limbo = o->limbo;
        if (fits) {
            r->privilege = LINECALLPRIVILEGE_OWNER;
            r->candidate = doubtful || how != M_NOW;
            doubtful |= r->candidate;
            found = how == M_NOW && !limited;
        }
        if (how == M_LATER || how == M_OPTIONAL)
            p->missed_high += 2;
        else
            m_ref_owe(m, r, &(struct m_owed){.id = LINE_CALLSTATE, .param1 = c->state, .param2 = c->mode, .time_ns = c->state_ns});
    }
}

/* The call's state, and the conference that it is in, were like that at some time in this turn. */
void m_call_passes(struct m_call *c) {
    if (c->passed_count == SIM_PASSED)
        return;
    c->passed[c->passed_count].state = c->state;
    c->passed[c->passed_count].mode = c->mode;
    c->passed[c->passed_count++].parent = c->parent;
}

/* Of CONFERENCED the caller has said which conference: c->parent. */
void m_call_state(struct model *m, struct m_call *c, uint32_t state, uint32_t mode, int64_t time_ns, bool deferred) {
    uint32_t call = (uint32_t)(c - m->calls);
    bool again = deferred && state == LINECALLSTATE_DISCONNECTED && c->state == LINECALLSTATE_DISCONNECTED;
    m_address_use(m, c, c->state, state, !deferred && m_call_refs(m, call, false) != 0); /* else it may be closed already */
    if (state == LINECALLSTATE_IDLE)
        m_tones_idle(m, c);
    if (state == LINECALLSTATE_IDLE)
        m_conference_over(m, c);
    else if (state != LINECALLSTATE_CONFERENCED)
        m_conference_leave(m, c);
    c->state = state;
    c->mode = mode;
    c->state_ns = time_ns;
    m_call_passes(c);
    if (state == LINECALLSTATE_IDLE && c->drop == 2)
        c->drop = 1;
    for (uint32_t i = 0; i < m->refs_high; i++) {
        struct m_ref *r = &m->refs[i];
        if (!r->used || r->call != call || r->gone)
            continue;
        struct m_port *p = &m->ports[r->port];
        if (state == LINECALLSTATE_IDLE) {
            r->counts_must = 0;
            if (r->announce == M_LATER || r->announce == M_OPTIONAL) {
                p->unseen_high++;
                p->missed_high += 2;
                if (!deferred && !r->for_list)
                    r->gone = !p->outage || p->behind != 0; /* in the turn of an outage it may have been told before */
                continue;
            }
        }
        if (p->outage && (r->announce == M_LATER || r->announce == M_OPTIONAL))
            p->missed_high++;
        struct m_owed owed = {.id = LINE_CALLSTATE, .param1 = state, .param2 = mode, .time_ns = time_ns, .deferred = deferred,
                              .optional = again, .any_mode = deferred && state == LINECALLSTATE_DISCONNECTED};
        if (state == LINECALLSTATE_CONFERENCED)
            m_conference_owed(m, r, &owed);
        m_ref_owe(m, r, &owed);
    }
}
