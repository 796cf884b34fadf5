#include "apps/callfan/compare.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

enum { FINDINGS_PRINTED_MAX = 20 };

#define NOT_YET_NS INT64_C(1000000000) /* what was sent in the last second before the end may be on its way */
#define CUT_NS     INT64_C(5000000000) /* a provider's death: its calls end at most that long before their line closes */

static_assert(CF_VIEW_RESYNC == CF_SENDER_MAY_MISS, "one mark to print");
static_assert(CF_VIEW_STATES_MAX < 32, "a set of places in 32 bits");

struct report {
    FILE *to;
    unsigned printed;
};

static void print_states(FILE *to, const char *title, const char *mark, const uint16_t *state, unsigned count)
{
    char text[48];
    fprintf(to, "  %s:", title);
    for (unsigned i = 0; i < count; i++)
        fprintf(to, "%s %s%s", i == 0 ? "" : ",", cf_view_code_name(state[i], text),
                (state[i] & CF_VIEW_RESYNC) != 0 ? mark : "");
    fprintf(to, "\n");
}

static void finding(struct report *r, const char *what, const struct cf_view_call *c, const struct cf_sender_call *s)
{
    if (r->to == NULL || r->printed++ >= FINDINGS_PRINTED_MAX)
        return;
    fprintf(r->to, "call %" PRIu64 ": %s\n", c != NULL ? c->serial : s != NULL ? s->serial : 0, what);
    if (c != NULL)
        print_states(r->to, "seen", " (resync)", c->state, c->count);
    if (s != NULL)
        print_states(r->to, "sent", " (waited)", s->state, s->count);
}

/* Adds to the places those that lie behind states which the core may never have got. */
static uint32_t pass_over(uint32_t places, const struct cf_sender_call *s)
{
    for (unsigned p = 0; p + 1 < s->count; p++) /* the newest always arrives */
        if ((places >> p & 1) != 0 && (s->state[p] & CF_SENDER_MAY_MISS) != 0)
            places |= UINT32_C(2) << p;
    return places;
}

/*
 * Which numbers of sent states the seen ones can stand for, as a set of bits: bit n, the seen states are the first n sent ones, but
 * for those that a resync folded. 0: they cannot.
 */
static uint32_t match(const uint16_t *seen, unsigned seen_count, const struct cf_sender_call *s)
{
    uint32_t places = 1;
    for (unsigned i = 0; i < seen_count; i++) {
        uint32_t next = 0;
        uint16_t code = seen[i] & (uint16_t)~CF_VIEW_RESYNC;
        if ((seen[i] & CF_VIEW_RESYNC) != 0 && places != 0)
            places = ~((places & -places) - 1); /* from the lowest on, all */
        places = pass_over(places, s);
        for (unsigned p = 0; p < s->count; p++)
            if ((places >> p & 1) != 0 && (s->state[p] & (uint16_t)~CF_SENDER_MAY_MISS) == code)
                next |= UINT32_C(2) << p;
        places = next;
    }
    return places;
}

/* The sent states that the seen ones stand for are all there are, but for the last ones if they waited when the provider died. */
static bool is_all_sent(uint32_t places, const struct cf_sender_call *s)
{
    unsigned need = s->count;
    places = pass_over(places, s);
    while (need > 0 && (s->state[need - 1] & CF_SENDER_MAY_MISS) != 0)
        need--;
    return (places >> need) != 0;
}

/*
 * The first `count` seen states are what the provider sent until it died. Its journal may lack what it did last, never anything that
 * it did before. A resync after them (folded) may stand for states that were not told.
 */
static bool is_until_death(const struct cf_view_call *c, unsigned count, bool folded, const struct cf_sender_call *s)
{
    uint32_t places = match(c->state, count, s);
    if (places != 0)
        return folded || is_all_sent(places, s);
    return count > s->count && is_all_sent(match(c->state, s->count, s), s);
}

/* The provider died: what it had sent, then an end that the core made, IDLE once; or the line closed before it could be told. */
static bool is_cut(const struct cf_view_call *c, const struct cf_sender_call *s, const struct cf_compare_times *t)
{
    unsigned count = c->count;
    if (c->too_long || (!c->ended && !c->voided))
        return false;
    if (c->ended &&
        !cf_away_at(&t->away, c->device, c->last_ns, CUT_NS)) /* a voided one was told nothing for longer, perhaps */
        return false;
    bool folded = c->voided || (count > 0 && (c->state[count - 1] & CF_VIEW_RESYNC) != 0);
    if (c->ended)
        count--;
    if (s == NULL || is_until_death(c, count, folded, s))
        return true;
    bool disconnected = count > 0 && (c->state[count - 1] & 15) == 14;
    return disconnected && is_until_death(c, count - 1, folded || (c->state[count - 1] & CF_VIEW_RESYNC) != 0, s);
}

static bool any_resync(const struct cf_view_call *c)
{
    for (unsigned i = 0; i < c->count; i++)
        if ((c->state[i] & CF_VIEW_RESYNC) != 0)
            return true;
    return false;
}

static void compare_seen(const struct cf_view_call *c, const struct cf_sender_call *s, const struct cf_compare_times *t,
                         struct report *report, struct cf_compare_result *r)
{
    if (s == NULL) {
        if (is_cut(c, s, t)) {
            r->cut++;
        } else {
            r->unknown++;
            finding(report, "the sender knows no such call", c, NULL);
        }
        return;
    }
    uint32_t places = c->too_long || s->too_long ? 0 : match(c->state, c->count, s);
    if ((places >> s->count & 1) != 0) {
        if (any_resync(c))
            r->folded++;
        else
            r->same++;
        return;
    }
    unsigned reached = places == 0 ? 0 : 31 - (unsigned)__builtin_clz(places);
    if (places != 0 && s->first_ns + (int64_t)s->after_us[reached] * 1000 > t->end_ns - NOT_YET_NS) {
        r->open++;
    } else if (is_cut(c, s, t)) {
        r->cut++;
    } else if (places != 0) {
        r->lost++;
        finding(report, "states are missing at the end", c, s);
    } else {
        r->different++;
        finding(report, "other states than were sent", c, s);
    }
}

void cf_compare(const struct cf_view *v, const struct cf_sender *s, const struct cf_compare_times *t, FILE *to,
                struct cf_compare_result *ret_result)
{
    struct report report = {.to = to};
    struct cf_compare_result r = {0};
    struct cf_tool_map device_of = {0}; /* origin + 1 -> device + 1, as the seen calls tell */
    for (size_t i = 0; i < v->calls_count; i++) {
        const struct cf_view_call *c = cf_view_at(v, i);
        if (c->dialled)
            continue;
        const struct cf_sender_call *sent = cf_sender_find(s, c->serial);
        compare_seen(c, sent, t, &report, &r);
        if (sent != NULL)
            cf_tool_map_put(&device_of, sent->origin + 1, (uint64_t)c->device + 1);
    }
    for (size_t i = 0; i < s->calls_count; i++) {
        const struct cf_sender_call *c = &s->calls[i];
        if (c->dialled || cf_view_find(v, c->serial) != NULL)
            continue;
        uint64_t device = 0;
        bool known = cf_tool_map_get(&device_of, c->origin + 1, &device);
        if (c->refused) {
            r.refused++;
        } else if (c->first_ns <= t->ready_ns ||
                   cf_away_at(&t->away, known ? (uint32_t)(device - 1) : CF_AWAY_ANY, c->first_ns, 0)) {
            r.early++;
        } else if (c->first_ns > t->end_ns - NOT_YET_NS) {
            r.open++;
        } else {
            r.unseen++;
            finding(&report, "not seen", NULL, c);
        }
    }
    cf_tool_map_fini(&device_of);
    *ret_result = r;
}

static bool state_of_name(const char *name, size_t bytes, DWORD *ret_state)
{
    for (DWORD state = 1; state <= LINECALLSTATE_UNKNOWN; state <<= 1) {
        const char *known = cf_call_state_name(state);
        if (strlen(known) == bytes && strncasecmp(known, name, bytes) == 0) {
            *ret_state = state;
            return true;
        }
    }
    return false;
}

bool cf_expected_states_parse(const char *text, struct cf_expected_states *ret_expected)
{
    struct cf_expected_states e = {0};
    while (*text != '\0') {
        if (e.count == CF_VIEW_STATES_MAX)
            return false;
        bool optional = *text == '(';
        text += optional;
        size_t bytes = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
        if (!state_of_name(text, bytes, &e.step[e.count].state))
            return false;
        e.step[e.count++].optional = optional;
        text += bytes;
        if (optional && *text++ != ')')
            return false;
        if (*text == ',')
            text++;
        else if (*text != '\0')
            return false;
    }
    *ret_expected = e;
    return e.count > 0;
}

/* How many steps the states went through; UINT32_MAX: they left the path. */
static uint32_t walk(const struct cf_view_call *c, const struct cf_expected_states *e)
{
    uint32_t step = 0;
    for (unsigned i = 0; i < c->count; i++, step++) {
        DWORD state = (DWORD)1 << (c->state[i] & 15);
        while (step < e->count && e->step[step].state != state && e->step[step].optional)
            step++;
        if (step == e->count || e->step[step].state != state)
            return UINT32_MAX;
    }
    return step;
}

void cf_compare_expected(const struct cf_view *v, const struct cf_expected_states *expected, FILE *to,
                         struct cf_compare_result *ret_result)
{
    struct report report = {.to = to};
    struct cf_compare_result r = {0};
    for (size_t i = 0; i < v->calls_count; i++) {
        const struct cf_view_call *c = cf_view_at(v, i);
        uint32_t steps = c->too_long ? UINT32_MAX : walk(c, expected);
        if (steps == expected->count) {
            r.same++;
        } else if (steps != UINT32_MAX && !c->ended) {
            r.open++;
        } else {
            r.different++;
            finding(&report, "other states than expected", c, NULL);
        }
    }
    *ret_result = r;
}
