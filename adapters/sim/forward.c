/*
 * Where the calls that come to a line of the model exchange go instead: at once, when it is busy, or when nobody answers.
 */
#include <string.h>

#include "adapters/sim/call.h"
#include "shm/forward.h"

#define HOPS_MAX 8u /* from line to line, at once and by ringing there: a call that goes round and round is let go */

static const struct {
    uint32_t mode;  /* LINEFORWARDMODE_ */
    uint32_t kinds; /* bits of enum cf_sim_forward_kind */
} modes[] = {
    {LINEFORWARDMODE_UNCOND, 1u << CF_SIM_FORWARD_UNCOND},
    {LINEFORWARDMODE_BUSY, 1u << CF_SIM_FORWARD_BUSY},
    {LINEFORWARDMODE_NOANSW, 1u << CF_SIM_FORWARD_NO_ANSWER},
    {LINEFORWARDMODE_BUSYNA, 1u << CF_SIM_FORWARD_BUSY | 1u << CF_SIM_FORWARD_NO_ANSWER},
};

static const uint32_t reasons[] = {
    [CF_SIM_FORWARD_UNCOND] = LINECALLREASON_FWDUNCOND,
    [CF_SIM_FORWARD_BUSY] = LINECALLREASON_FWDBUSY,
    [CF_SIM_FORWARD_NO_ANSWER] = LINECALLREASON_FWDNOANSWER,
};
_Static_assert(sizeof reasons / sizeof reasons[0] == CF_SIM_FORWARD_KINDS, "a reason for each");

/* ------------------------------------------------------------------ what is told of it */

static uint32_t put_entry(uint8_t *to, const struct cf_sim_forward *f, uint32_t mode, uint32_t kind)
{
    struct cf_forward_head head = {.mode = mode, .country = f->country[kind]};
    head.address_bytes = (uint16_t)strlen(f->where[kind]);
    memcpy(to, &head, sizeof head);
    memcpy(to + sizeof head, f->where[kind], head.address_bytes);
    return (uint32_t)sizeof head + head.address_bytes;
}

static bool busy_as_no_answer(const struct cf_sim_forward *f)
{
    const uint32_t both = 1u << CF_SIM_FORWARD_BUSY | 1u << CF_SIM_FORWARD_NO_ANSWER;
    return (f->kinds & both) == both && f->country[CF_SIM_FORWARD_BUSY] == f->country[CF_SIM_FORWARD_NO_ANSWER] &&
           strcmp(f->where[CF_SIM_FORWARD_BUSY], f->where[CF_SIM_FORWARD_NO_ANSWER]) == 0;
}

/* What is in force, at most one entry of a kind. False: there is no room for it now. */
static bool tell(const struct cf_sim_model *m, uint32_t line)
{
    static const uint32_t told_as[] = {LINEFORWARDMODE_UNCOND, LINEFORWARDMODE_BUSY, LINEFORWARDMODE_NOANSW};
    _Static_assert(sizeof told_as / sizeof told_as[0] == CF_SIM_FORWARD_KINDS, "each kind");
    const struct cf_sim_forward *f = &m->forwards[line];
    uint8_t list[CF_SIM_FORWARD_KINDS * (sizeof(struct cf_forward_head) + sizeof f->where[0])];
    uint32_t bytes = 0;
    bool together = busy_as_no_answer(f);
    for (uint32_t kind = 0; kind < CF_SIM_FORWARD_KINDS; kind++)
        if ((f->kinds & 1u << kind) != 0 && !(together && kind == CF_SIM_FORWARD_NO_ANSWER))
            bytes += put_entry(list + bytes, f,
                               together && kind == CF_SIM_FORWARD_BUSY ? LINEFORWARDMODE_BUSYNA : told_as[kind], kind);
    return m->out.forwarding(m->out.arg, line, f->rings, (struct cf_text){(const char *)list, bytes});
}

static void set_untold(struct cf_sim_model *m, uint32_t line, bool untold)
{
    m->forwards_untold += (uint32_t)untold - m->forwards[line].untold;
    m->forwards[line].untold = untold;
}

void cf_sim_forwards_tell(struct cf_sim_model *m)
{
    for (uint32_t line = 0; m->forwards_untold != 0 && line < m->settings->lines; line++) {
        if (!m->forwards[line].untold)
            continue;
        if (!tell(m, line))
            return;
        set_untold(m, line, false);
    }
}

void cf_sim_forwards_announce(struct cf_sim_model *m)
{
    for (uint32_t line = 0; line < m->settings->lines; line++)
        set_untold(m, line, m->forwards[line].kinds != 0);
    cf_sim_forwards_tell(m);
}

/* ------------------------------------------------------------------ the command */

static int32_t read_entry(const struct cf_forward_entry *e, struct cf_sim_forward *f)
{
    size_t i = 0, n = sizeof modes / sizeof modes[0];
    while (i < n && modes[i].mode != e->head.mode)
        i++;
    if (i == n)
        return LINEERR_INVALPARAM;
    if (e->head.country > CF_SIM_COUNTRY_MAX)
        return LINEERR_INVALCOUNTRYCODE;
    if (e->head.address_bytes >= sizeof f->where[0])
        return LINEERR_INVALADDRESS;
    f->kinds |= modes[i].kinds;
    for (uint32_t kind = 0; kind < CF_SIM_FORWARD_KINDS; kind++) {
        if ((modes[i].kinds & 1u << kind) == 0)
            continue;
        f->country[kind] = (uint16_t)e->head.country;
        memcpy(f->where[kind], e->address, e->head.address_bytes);
        f->where[kind][e->head.address_bytes] = '\0';
    }
    return 0;
}

/* The list takes the place of the old one as a whole, or not at all. */
void cf_sim_forward(struct cf_sim_model *m, const struct cf_command *command, struct cf_sim_time now)
{
    struct cf_sim_forward f = {.rings = command->rings};
    struct cf_forward_entry entry;
    const uint8_t *at = (const uint8_t *)command->forward_list.at;
    const uint8_t *end = at != NULL ? at + command->forward_list.bytes : NULL;
    int32_t error = command->line >= m->settings->lines ? LINEERR_OPERATIONFAILED : 0;
    (void)now;
    while (error == 0 && at != end && cf_forward_next(&at, end, &entry))
        error = read_entry(&entry, &f);
    if (error == 0 && at != end)
        error = LINEERR_INVALPARAM;
    cf_sim_reply(m, command, error, 0);
    if (error != 0)
        return;
    f.untold = m->forwards[command->line].untold;
    m->forwards[command->line] = f;
    set_untold(m, command->line, !tell(m, command->line));
}

/* ------------------------------------------------------------------ calls that come */

struct cf_sim_route cf_sim_route(const struct cf_sim_model *m, uint32_t line, uint32_t kinds)
{
    struct cf_sim_route r = {.line = line, .by = CF_SIM_NOBODY};
    for (uint32_t hops = 0; hops < HOPS_MAX; hops++) {
        const struct cf_sim_forward *f = &m->forwards[r.line];
        uint32_t applies = f->kinds & kinds, kind = 0;
        if (applies == 0)
            return r;
        while (kind + 1 < CF_SIM_FORWARD_KINDS && (applies & 1u << kind) == 0)
            kind++;
        r.by = r.line;
        r.reason = reasons[kind];
        r.line = cf_sim_line_of(m, (struct cf_text){f->where[kind], (uint32_t)strlen(f->where[kind])});
        if (r.line == CF_SIM_NOBODY)
            return r;
        kinds = 1u << CF_SIM_FORWARD_UNCOND | (m->busy[r.line] != 0) << CF_SIM_FORWARD_BUSY;
    }
    r.line = CF_SIM_NOBODY;
    return r;
}

bool cf_sim_divert(struct cf_sim_model *m, struct cf_sim_call *c)
{
    bool busy = m->busy[c->line] > 1 || c->outcome == CF_SIM_BUSY; /* it counts itself */
    const struct cf_sim_route r =
        cf_sim_route(m, c->line, 1u << CF_SIM_FORWARD_UNCOND | (uint32_t)busy << CF_SIM_FORWARD_BUSY);
    if (r.line == CF_SIM_NOBODY)
        return false;
    if (r.by == CF_SIM_NOBODY)
        return true;
    const uint64_t party = cf_sim_party(m, c);
    const uint32_t dialled = cf_sim_dialled_line(m, c);
    c->flags |= CF_SIM_TAKEN;
    m->pasts[cf_sim_call_index(m, c)] =
        (struct cf_sim_past){.party = party, .reason = r.reason, .redirecting = r.by, .dialled = dialled};
    if (c->outcome == CF_SIM_BUSY)
        c->outcome = CF_SIM_ANSWER; /* it was the other set that was busy */
    m->busy[c->line]--;
    m->busy[r.line]++;
    c->line = r.line;
    return true;
}

/* ------------------------------------------------------------------ calls that nobody answers */

static bool forwards_unanswered(const struct cf_sim_model *m, const struct cf_sim_call *c)
{
    return (m->forwards[c->line].kinds & 1u << CF_SIM_FORWARD_NO_ANSWER) != 0;
}

void cf_sim_limit_ringing(const struct cf_sim_model *m, struct cf_sim_call *c)
{
    const struct cf_sim_settings *s = m->settings;
    uint64_t ms = (uint64_t)m->forwards[c->line].rings * s->ring_ms;
    bool answers = c->outcome == CF_SIM_ANSWER && s->automatic;
    if (!forwards_unanswered(m, c) || s->messages != 0 || c->outcome == CF_SIM_BUSY ||
        (answers ? s->answer_ms : c->give_up_ms) <= ms)
        return;
    if (s->automatic || c->outcome == CF_SIM_ABANDON)
        c->outcome = CF_SIM_NO_ANSWER;
    c->give_up_ms = (uint32_t)ms;
}

bool cf_sim_goes_on_elsewhere(const struct cf_sim_model *m, const struct cf_sim_call *c, struct cf_sim_step to)
{
    const struct cf_sim_past *past = cf_sim_past(m, c);
    return (c->state & CF_SIM_RINGING) != 0 && (past == NULL || past->hops < HOPS_MAX) &&
           to.state == LINECALLSTATE_DISCONNECTED && to.mode == LINEDISCONNECTMODE_NOANSWER &&
           forwards_unanswered(m, c);
}

/* Whoever is sent on to no line of the exchange goes on without it. */
void cf_sim_send_on(struct cf_sim_model *m, const struct cf_sim_call *c, int64_t now_ns)
{
    const struct cf_sim_route r = cf_sim_route(m, c->line, 1u << CF_SIM_FORWARD_NO_ANSWER);
    m->counters.forwarded++;
    if (r.line == CF_SIM_NOBODY)
        return;
    struct cf_sim_call *next = cf_sim_taken_begin(m, r.line, r.reason, cf_sim_party(m, c), cf_sim_talk_ms(c));
    if (next == NULL) {
        m->counters.blocked++;
        return;
    }
    struct cf_sim_past *past = &m->pasts[cf_sim_call_index(m, next)];
    past->redirecting = r.by;
    past->hops = cf_sim_past(m, c) != NULL ? cf_sim_past(m, c)->hops + 1 : 1;
    past->dialled = cf_sim_dialled_line(m, c);
    cf_sim_limit_ringing(m, next);
    cf_sim_offer(m, next, now_ns);
}
