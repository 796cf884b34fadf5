/*
 * The model exchange under commands and times that a seed draws: after all of them its invariants hold, every command has one reply, nothing
 * follows IDLE, and who is CONFERENCED names a conference that lives.
 *
 * ctest-labels: one-thread
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/sim/random.h"
#include "callfan/tapi.h"
#include "shm/forward.h"
#include "tests/support/sim_rig.h"

enum { SEEDS = 100, STEPS = 600, CHECK_EVERY = 32, CALLS = 24, LINES = 2 };

struct play {
    struct sim_rig rig;
    struct cf_random random;
    uint64_t commands; /* that want a reply */
};

static uint32_t below(struct play *p, uint32_t n)
{
    return cf_random_below(&p->random, n);
}

static void draw_settings(struct play *p)
{
    struct cf_sim_settings *s = &p->rig.settings;
    static const uint32_t removes[] = {LINEREMOVEFROMCONF_ANY, LINEREMOVEFROMCONF_LAST};
    static const uint32_t ms[] = {0, 10, 40};
    s->lines = LINES;
    s->calls_max = p->rig.listener.calls_max = CALLS;
    s->rate = below(p, 2) * 50;
    s->automatic = below(p, 2);
    s->messages = s->automatic && below(p, 2) ? 11 : 0;
    s->accept_ms = s->answer_ms = ms[below(p, 3)];
    s->dial_ms = s->setup_ms = ms[below(p, 3)];
    s->linger_ms = ms[below(p, 3)];
    s->dialtone_ms = 1 + ms[below(p, 3)];
    s->no_answer_ms = 30;
    s->ring_ms = 15;
    s->free_ms = 20;
    s->park_ms = 1 + ms[below(p, 3)];
    s->no_answer = s->messages == 0 ? 0.3 : 0;
    s->busy = s->messages == 0 ? 0.1 : 0;
    s->hold_ms = 20 + below(p, 400);
    s->conference_max = 3 + below(p, 3);
    s->remove = removes[below(p, 2)];
    s->removed_state = below(p, 3) == 0 ? LINECALLSTATE_IDLE : LINECALLSTATE_CONNECTED;
    for (uint32_t bit = 1; bit != 0; bit <<= 1)
        if (below(p, 4) == 0)
            s->addr_cap_flags &= ~bit;
    s->dial[0] = (struct cf_sim_dial_rule){"4", CF_SIM_BAD_ADDRESS};
    s->dial_count = 1;
}

/* A call that lives or did, more seldom none or a wrong one. */
static uint64_t any_call(struct play *p)
{
    const struct sim_listener *l = &p->rig.listener;
    uint32_t choice = below(p, 40), index = below(p, CALLS);
    if (choice == 0)
        return 0;
    if (choice == 1)
        return 12345;
    return cf_handle_make(index, CF_KIND_PROVIDER, l->generation[index] != 0 ? l->generation[index] : 1);
}

/* One that is in one of these states, if the search finds any; so that what needs two calls is not refused every time. */
static uint64_t call_in(struct play *p, uint32_t states)
{
    const struct sim_listener *l = &p->rig.listener;
    for (uint32_t i = 0, at = below(p, CALLS); i < CALLS; i++, at = (at + 1) % CALLS)
        if (l->generation[at] % 2 == 1 && (l->states[at] & states) != 0)
            return cf_handle_make(at, CF_KIND_PROVIDER, l->generation[at]);
    return any_call(p);
}

#define TALKING (LINECALLSTATE_CONNECTED | LINECALLSTATE_RINGBACK | LINECALLSTATE_PROCEEDING)
#define ON_HOLD (LINECALLSTATE_ONHOLD | LINECALLSTATE_ONHOLDPENDTRANSFER | LINECALLSTATE_ONHOLDPENDCONF)

static const struct {
    uint16_t command;
    uint32_t states, second_states;
} asked[] = {
    {CF_CMD_MAKE_CALL, 0, 0},
    {CF_CMD_MAKE_CALL, 0, 0},
    {CF_CMD_ACCEPT, LINECALLSTATE_OFFERING, 0},
    {CF_CMD_ANSWER, LINECALLSTATE_OFFERING, 0},
    {CF_CMD_DROP, ~0u, 0},
    {CF_CMD_HOLD, LINECALLSTATE_CONNECTED, 0},
    {CF_CMD_UNHOLD, ON_HOLD, 0},
    {CF_CMD_GENERATE_DIGITS, LINECALLSTATE_CONNECTED, 0},
    {CF_CMD_SET_CALL_PARAMS, ~0u, 0},
    {CF_CMD_SWAP_HOLD, LINECALLSTATE_CONNECTED, ON_HOLD},
    {CF_CMD_SETUP_TRANSFER, LINECALLSTATE_CONNECTED, 0},
    {CF_CMD_COMPLETE_TRANSFER, ON_HOLD, TALKING},
    {CF_CMD_BLIND_TRANSFER, LINECALLSTATE_CONNECTED, 0},
    {CF_CMD_SETUP_CONFERENCE, LINECALLSTATE_CONNECTED, 0},
    {CF_CMD_PREPARE_ADD, LINECALLSTATE_CONNECTED, 0},
    {CF_CMD_ADD_TO_CONFERENCE, LINECALLSTATE_ONHOLDPENDCONF, TALKING},
    {CF_CMD_ADD_TO_CONFERENCE, LINECALLSTATE_ONHOLD, TALKING},
    {CF_CMD_REMOVE_FROM_CONFERENCE, LINECALLSTATE_CONFERENCED, 0},
    {CF_CMD_CLOSE_CALL, LINECALLSTATE_IDLE, 0},
    {CF_CMD_CLOSE_CALL, LINECALLSTATE_IDLE, 0},
    {CF_CMD_CLOSE_CALL, LINECALLSTATE_IDLE, 0},
    {CF_CMD_PARK, LINECALLSTATE_CONNECTED, 0},
    {CF_CMD_UNPARK, 0, 0},
    {CF_CMD_PICKUP, 0, 0},
    {CF_CMD_FORWARD, 0, 0},
    {CF_CMD_COMPLETE_CALL, LINECALLSTATE_RINGBACK | LINECALLSTATE_BUSY, 0},
    {CF_CMD_UNCOMPLETE_CALL, 0, 0},
    {CF_CMD_CLOSE_CALL, ~0u, 0},
};

/* A list of one entry, to one of the lines, or away. */
static struct cf_text forwarding(struct play *p, char *list)
{
    static const uint32_t modes[] = {LINEFORWARDMODE_UNCOND, LINEFORWARDMODE_BUSY, LINEFORWARDMODE_NOANSW,
                                     LINEFORWARDMODE_BUSYNA};
    static const char *const to[] = {"200", "201", "202", "555"};
    const struct cf_forward_head head = {.mode = modes[below(p, 4)], .address_bytes = 3};
    memcpy(list, &head, sizeof head);
    memcpy(list + sizeof head, to[below(p, 4)], 3);
    return (struct cf_text){list, sizeof head + 3};
}

static void ask(struct play *p)
{
    static const char *const numbers[] = {"1", "1", "1", "4", ""};
    static const char *const orbits[] = {"700", "701", "702"};
    static char list[64];
    uint32_t i = below(p, sizeof asked / sizeof asked[0]);
    struct cf_command c = {.id = asked[i].command, .number = 77, .line = below(p, LINES)};
    bool sane = below(p, 8) != 0;
    if (c.id != CF_CMD_MAKE_CALL && asked[i].states != 0)
        c.call = sane ? call_in(p, asked[i].states) : any_call(p);
    if (c.id == CF_CMD_SETUP_CONFERENCE && below(p, 4) == 0)
        c.call = 0;
    if (asked[i].second_states != 0)
        c.second = sane ? call_in(p, asked[i].second_states) : any_call(p);
    c.transfer_mode = 1 + below(p, sane ? 2 : 3);
    c.parties = below(p, 5);
    c.destination = cf_text_of(numbers[below(p, 5)]);
    if (c.id == CF_CMD_PARK || c.id == CF_CMD_UNPARK)
        c.destination = cf_text_of(orbits[below(p, 3)]);
    if (c.id == CF_CMD_PICKUP)
        c.destination = cf_text_of(below(p, 3) != 0 ? NULL : "201");
    if (c.id == CF_CMD_FORWARD && below(p, 3) != 0)
        c.forward_list = forwarding(p, list);
    c.rings = 1;
    c.completion = below(p, 10);
    c.mode = 1 + below(p, sane ? 2 : 3);
    c.target = cf_text_of(below(p, 3) != 0 ? numbers[below(p, 5)] : NULL);
    c.digits = cf_text_of(below(p, 4) != 0 ? "12" : NULL);
    c.digit_mode = LINEDIGITMODE_DTMF;
    p->commands += cf_command_wants_reply(c.id);
    sim_rig_obey(&p->rig, c);
}

/* What the former one had asked for and not been told yet is forgotten. */
static void another_core(struct play *p)
{
    cf_sim_model_announce(p->rig.model, p->rig.now_ns);
    p->commands = p->rig.listener.replies;
}

/* Everything that was ever begun is closed, and with it whatever waited for its reply. */
static void close_all(struct play *p)
{
    struct sim_listener *l = &p->rig.listener;
    for (uint32_t i = 0; i < CALLS; i++)
        sim_rig_command(&p->rig, CF_CMD_CLOSE_CALL, cf_handle_make(i, CF_KIND_PROVIDER, l->generation[i]), 0, NULL);
    assert_int_equal(cf_sim_model_live(p->rig.model), 0);
    assert_int_equal(l->replies, p->commands);
    sim_rig_check(&p->rig);
}

static uint64_t current_seed;

static int tell_the_seed(void **state)
{
    (void)state;
    print_message("the last seed was %llu\n", (unsigned long long)current_seed);
    return 0;
}

static void invariants_hold_whatever_is_asked(void **state)
{
    (void)state;
    static struct play p;
    uint64_t conferences = 0, ended = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        memset(&p, 0, sizeof p);
        current_seed = seed;
        cf_random_init(&p.random, seed);
        sim_rig_set_up(&p.rig);
        draw_settings(&p);
        p.rig.listener.closes = false;
        sim_rig_start(&p.rig);
        for (int step = 0; step < STEPS; step++) {
            if (below(&p, 3) == 0)
                sim_rig_pass(&p.rig, (1 + below(&p, 60)) * CF_NS_PER_MS, 7 * CF_NS_PER_MS, 5);
            else if (below(&p, 200) == 0)
                another_core(&p);
            else
                ask(&p);
            if (step % CHECK_EVERY == 0)
                sim_rig_check(&p.rig);
        }
        struct cf_sim_counters c;
        cf_sim_model_counters(p.rig.model, &c);
        conferences += c.conferences;
        ended += c.ended;
        close_all(&p);
        sim_rig_tear_down(&p.rig);
    }
    print_message("%llu conferences, %llu calls ended\n", (unsigned long long)conferences, (unsigned long long)ended);
    assert_true(conferences > SEEDS && ended > 20 * SEEDS); /* it was no walk beside the road */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(invariants_hold_whatever_is_asked, tell_the_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
