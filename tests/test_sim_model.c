/*
 * The model exchange with a listener in the place of the port.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "callfan/tapi.h"
#include "tests/support/sim_rig.h"

/* ------------------------------------------------------------------ determinism */

static void run_mixed(struct sim_rig *f, uint64_t seed, int64_t step_ns, uint32_t limit)
{
    sim_rig_set_up(f);
    f->settings.seed = seed;
    f->settings.rate = 300;
    f->settings.busy = 0.1;
    f->settings.no_answer = 0.1;
    f->settings.abandon = 0.2;
    f->settings.hold_ms = 700;
    f->settings.linger_ms = 30;
    f->settings.no_answer_ms = 1500;
    f->listener.closes = false; /* so that identifiers do not depend on when a step ends */
    sim_rig_start(f);
    sim_rig_pass(f, 10 * CF_NS_PER_S, step_ns, limit);
}

static void the_same_seed_makes_the_same_calls_however_time_is_cut(void **state)
{
    (void)state;
    static struct sim_rig a, b, c;
    run_mixed(&a, 42, CF_NS_PER_MS, 1000);
    run_mixed(&b, 42, 333 * CF_NS_PER_MS, 3);
    run_mixed(&c, 43, CF_NS_PER_MS, 1000);
    assert_true(a.listener.count > 5000);
    assert_int_equal(a.listener.count, b.listener.count);
    for (uint32_t i = 0; i < a.listener.count; i++)
        assert_memory_equal(&a.listener.log[i], &b.listener.log[i], sizeof a.listener.log[i]);
    uint32_t same = 0;
    for (uint32_t i = 0; i < a.listener.count && i < c.listener.count; i++)
        same += memcmp(&a.listener.log[i], &c.listener.log[i], sizeof a.listener.log[i]) == 0;
    assert_true(same < a.listener.count / 2);
    sim_rig_tear_down(&a);
    sim_rig_tear_down(&b);
    sim_rig_tear_down(&c);
}

static void deadlines_are_enough_to_work_by(void **state)
{
    (void)state;
    static struct sim_rig a, b;
    run_mixed(&a, 5, CF_NS_PER_MS, 1000);
    sim_rig_set_up(&b);
    b.settings = a.settings;
    b.listener.closes = false;
    sim_rig_start(&b);
    int64_t end = b.now_ns + 10 * CF_NS_PER_S;
    while (cf_sim_model_work(b.model, b.now_ns, 64) == 64)
        ;
    unsigned wakes = 0;
    for (; cf_sim_model_deadline(b.model) <= end; wakes++) {
        b.now_ns = cf_sim_model_deadline(b.model);
        uint32_t done = 0, n;
        do {
            n = cf_sim_model_work(b.model, b.now_ns, 64);
            done += n;
        } while (n == 64);
        assert_true(done > 0); /* woken for something */
    }
    assert_int_equal(a.listener.count, b.listener.count);
    assert_true(wakes < 10000); /* fewer than ticks */
    sim_rig_tear_down(&a);
    sim_rig_tear_down(&b);
}

/* ------------------------------------------------------------------ life cycles */

/* Every state that follows another one without a command, and nothing after IDLE. */
static bool may_follow(uint32_t from, uint32_t to)
{
    static const uint32_t pairs[][2] = {
        {LINECALLSTATE_OFFERING, LINECALLSTATE_ACCEPTED},     {LINECALLSTATE_OFFERING, LINECALLSTATE_DISCONNECTED},
        {LINECALLSTATE_OFFERING, LINECALLSTATE_CONNECTED},    {LINECALLSTATE_ACCEPTED, LINECALLSTATE_CONNECTED},
        {LINECALLSTATE_ACCEPTED, LINECALLSTATE_DISCONNECTED}, {LINECALLSTATE_CONNECTED, LINECALLSTATE_ONHOLD},
        {LINECALLSTATE_ONHOLD, LINECALLSTATE_CONNECTED},      {LINECALLSTATE_CONNECTED, LINECALLSTATE_DISCONNECTED},
        {LINECALLSTATE_DISCONNECTED, LINECALLSTATE_IDLE},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        if (pairs[i][0] == from && pairs[i][1] == to)
            return true;
    return false;
}

static void every_call_passes_its_states_in_order(void **state)
{
    (void)state;
    static struct sim_rig f;
    static uint32_t states[SIM_RIG_CALLS_MAX];
    run_mixed(&f, 9, CF_NS_PER_MS, 100);
    memset(states, 0, sizeof states);
    unsigned ends[32] = {0}, calls = 0;
    for (uint32_t i = 0; i < f.listener.count; i++) {
        const struct sim_heard *h = &f.listener.log[i];
        uint32_t *was = &states[cf_handle_index(h->call)];
        if (h->flags & CF_JOURNAL_NEW) {
            char digits[24];
            assert_int_equal(h->state, LINECALLSTATE_OFFERING);
            assert_int_equal(*was, 0);
            assert_int_equal(h->serial, f.settings.first_serial + calls++);
            snprintf(digits, sizeof digits, "%llu", (unsigned long long)h->serial);
            assert_string_equal(h->caller, digits);
            assert_true(h->line < f.settings.lines);
        } else if (!may_follow(*was, h->state)) {
            fail_msg("state %#x after %#x", h->state, *was);
        }
        *was = h->state;
        if (h->state == LINECALLSTATE_DISCONNECTED)
            ends[__builtin_ctz(h->mode)]++;
    }
    /* Each kind of end about as often as the settings say; the calls still alive are few. */
    const struct {
        uint32_t mode;
        double share;
    } kinds[] = {{LINEDISCONNECTMODE_BUSY, 0.1},
                 {LINEDISCONNECTMODE_NOANSWER, 0.1},
                 {LINEDISCONNECTMODE_CANCELLED, 0.2},
                 {LINEDISCONNECTMODE_NORMAL, 0.6}};
    assert_true(calls > 2700 && calls < 3300); /* 300 a second for 10 s, Poisson: 55 is one deviation */
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        double share = ends[__builtin_ctz(kinds[i].mode)] / (double)calls;
        if (share < kinds[i].share * 0.4 || share > kinds[i].share * 1.3)
            fail_msg("mode %#x ended %.3f of the calls", kinds[i].mode, share);
    }
    sim_rig_tear_down(&f);
}

static void a_profile_gives_every_call_exactly_its_messages(void **state)
{
    (void)state;
    for (uint32_t messages = CF_SIM_MESSAGES_MIN; messages <= 40; messages++) {
        static struct sim_rig f;
        sim_rig_set_up(&f);
        f.settings.messages = messages;
        f.settings.calls = 50;
        f.settings.hold_ms = 300;
        f.settings.busy = 0.5; /* without meaning here */
        sim_rig_start(&f);
        sim_rig_pass(&f, 60 * CF_NS_PER_S, 10 * CF_NS_PER_MS, 100);
        assert_int_equal(cf_sim_model_live(f.model), 0);
        assert_int_equal(f.listener.count, 50 * (messages - 1)); /* LINE_APPNEWCALL comes beside the first state */
        for (uint64_t serial = 1; serial <= 50; serial++)
            assert_int_equal(sim_rig_count_of(&f, serial), messages - 1);
        sim_rig_tear_down(&f);
    }
}

static void regular_arrivals_and_fixed_times_are_exact(void **state)
{
    (void)state;
    static struct sim_rig f;
    sim_rig_set_up(&f);
    f.settings.regular = true;
    f.settings.rate = 10;
    f.settings.calls = 20;
    f.settings.hold_fixed = true;
    f.settings.hold_ms = 1000;
    f.settings.accept_ms = 100;
    f.settings.answer_ms = 400;
    sim_rig_start(&f);
    sim_rig_pass(&f, 99 * CF_NS_PER_MS, CF_NS_PER_MS, 100);
    assert_int_equal(f.listener.count, 0);
    sim_rig_pass(&f, CF_NS_PER_MS, CF_NS_PER_MS, 100);
    assert_int_equal(f.listener.count, 1); /* a tenth of a second */
    sim_rig_pass(&f, 1499 * CF_NS_PER_MS, CF_NS_PER_MS, 100);
    assert_int_equal(sim_rig_last_of(&f, f.listener.log[0].call)->state, LINECALLSTATE_CONNECTED);
    sim_rig_pass(&f, CF_NS_PER_MS, CF_NS_PER_MS, 100);
    assert_int_equal(sim_rig_last_of(&f, f.listener.log[0].call)->state, LINECALLSTATE_IDLE);
    sim_rig_pass(&f, 10 * CF_NS_PER_S, CF_NS_PER_MS, 100);
    assert_int_equal(f.listener.count, 20 * 5);
    assert_int_equal(cf_sim_model_deadline(f.model), CF_REACTOR_NEVER);
    sim_rig_tear_down(&f);
}

static uint32_t told(const struct sim_rig *f, uint32_t state)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < f->listener.count; i++)
        count += f->listener.log[i].state == state;
    return count;
}

static void more_calls_come_in_the_last_part_of_each_period(void **state)
{
    (void)state;
    static struct sim_rig f;
    sim_rig_set_up(&f);
    f.settings.regular = true;
    f.settings.rate = 10;
    f.settings.burst = 5;
    f.settings.burst_ms = 1000;
    f.settings.burst_every_ms = 3000;
    f.settings.hold_fixed = true;
    f.settings.hold_ms = 100000;
    sim_rig_start(&f);
    sim_rig_pass(&f, 2050 * CF_NS_PER_MS, CF_NS_PER_MS, 100);
    uint32_t before = told(&f, LINECALLSTATE_OFFERING);
    assert_in_range(before, 20, 22); /* one fiftieth of a second after the one of 2 s */
    sim_rig_pass(&f, 950 * CF_NS_PER_MS, CF_NS_PER_MS, 100);
    assert_in_range(told(&f, LINECALLSTATE_OFFERING) - before, 46, 49);
    before = told(&f, LINECALLSTATE_OFFERING);
    sim_rig_pass(&f, 2000 * CF_NS_PER_MS, CF_NS_PER_MS, 100);
    assert_in_range(told(&f, LINECALLSTATE_OFFERING) - before, 19, 21);
    before = told(&f, LINECALLSTATE_OFFERING);
    sim_rig_pass(&f, 1000 * CF_NS_PER_MS, CF_NS_PER_MS, 100);
    assert_in_range(told(&f, LINECALLSTATE_OFFERING) - before, 46, 50);
    sim_rig_tear_down(&f);
}

static void no_call_is_held_for_longer_than_the_longest_time(void **state)
{
    (void)state;
    static struct sim_rig f;
    sim_rig_set_up(&f);
    f.settings.rate = 100;
    f.settings.calls = 200;
    f.settings.accept_ms = f.settings.answer_ms = f.settings.linger_ms = 0;
    f.settings.hold_ms = 5000;
    f.settings.hold_max_ms = 4000; /* which e^-0.8, 45 % of them, would exceed */
    sim_rig_start(&f);
    while (told(&f, LINECALLSTATE_OFFERING) < 200)
        sim_rig_pass(&f, CF_NS_PER_MS, CF_NS_PER_MS, 100);
    assert_in_range(told(&f, LINECALLSTATE_IDLE), 10, 150);
    sim_rig_pass(&f, 3990 * CF_NS_PER_MS, CF_NS_PER_MS, 100);
    assert_in_range(told(&f, LINECALLSTATE_IDLE), 190, 200);
    sim_rig_pass(&f, 20 * CF_NS_PER_MS, CF_NS_PER_MS, 100);
    assert_int_equal(told(&f, LINECALLSTATE_IDLE), 200);
    sim_rig_tear_down(&f);
}

static void no_time_between_states_is_no_time(void **state)
{
    (void)state;
    static struct sim_rig f;
    sim_rig_set_up(&f);
    f.settings.accept_ms = f.settings.answer_ms = f.settings.linger_ms = 0;
    f.settings.calls = 10;
    f.settings.hold_fixed = true;
    f.settings.hold_ms = 1;
    sim_rig_start(&f);
    sim_rig_pass(&f, CF_NS_PER_S, CF_NS_PER_MS, 100);
    assert_int_equal(f.listener.count, 50);
    assert_int_equal(f.listener.log[0].serial, f.listener.log[2].serial); /* OFFERING, ACCEPTED, CONNECTED in one go */
    sim_rig_tear_down(&f);
}

/* ------------------------------------------------------------------ owners */

static uint64_t one_call_offered(struct sim_rig *f)
{
    sim_rig_set_up(f);
    f->settings.automatic = false;
    f->settings.rate = 1000;
    f->settings.calls = 1;
    f->settings.busy = 1; /* with an owner it is the owner who decides */
    f->settings.no_answer_ms = 5000;
    f->settings.hold_fixed = true;
    f->settings.hold_ms = 1000;
    f->settings.linger_ms = 200;
    f->listener.closes = false;
    sim_rig_start(f);
    sim_rig_pass(f, CF_NS_PER_S, CF_NS_PER_MS, 100);
    assert_int_equal(f->listener.count, 1);
    return f->listener.log[0].call;
}

static void an_owner_accepts_answers_and_the_far_end_hangs_up(void **state)
{
    (void)state;
    static struct sim_rig f;
    uint64_t call = one_call_offered(&f);
    sim_rig_command(&f, CF_CMD_ACCEPT, call, 0, NULL);
    assert_int_equal(f.listener.reply_result, 0);
    assert_int_equal(sim_rig_last_of(&f, call)->state, LINECALLSTATE_ACCEPTED);
    sim_rig_command(&f, CF_CMD_ACCEPT, call, 0, NULL);
    assert_int_equal(f.listener.reply_result, LINEERR_INVALCALLSTATE);
    sim_rig_command(&f, CF_CMD_ANSWER, call, 0, NULL);
    assert_int_equal(sim_rig_last_of(&f, call)->state, LINECALLSTATE_CONNECTED);
    assert_int_equal(sim_rig_last_of(&f, call)->mode, LINECONNECTEDMODE_ACTIVE);
    sim_rig_command(&f, CF_CMD_ANSWER, call, 0, NULL);
    assert_int_equal(f.listener.reply_result, LINEERR_INVALCALLSTATE);
    sim_rig_pass(&f, 999 * CF_NS_PER_MS, CF_NS_PER_MS, 10);
    assert_int_equal(sim_rig_last_of(&f, call)->state, LINECALLSTATE_CONNECTED);
    sim_rig_pass(&f, CF_NS_PER_MS, CF_NS_PER_MS, 10);
    assert_int_equal(sim_rig_last_of(&f, call)->state, LINECALLSTATE_DISCONNECTED);
    assert_int_equal(sim_rig_last_of(&f, call)->mode, LINEDISCONNECTMODE_NORMAL);
    sim_rig_pass(&f, 200 * CF_NS_PER_MS, CF_NS_PER_MS, 10);
    assert_int_equal(sim_rig_last_of(&f, call)->state, LINECALLSTATE_IDLE);
    sim_rig_command(&f, CF_CMD_DROP, call, 0, NULL);
    assert_int_equal(f.listener.reply_result, LINEERR_INVALCALLSTATE);
    assert_int_equal(f.listener.replies, 5);
    sim_rig_tear_down(&f);
}

static void an_owner_rejects_or_drops(void **state)
{
    (void)state;
    static struct sim_rig f;
    uint64_t call = one_call_offered(&f);
    sim_rig_command(&f, CF_CMD_DROP, call, 0, NULL);
    assert_int_equal(f.listener.count, 3);
    assert_int_equal(f.listener.log[1].state, LINECALLSTATE_DISCONNECTED);
    assert_int_equal(f.listener.log[1].mode, LINEDISCONNECTMODE_REJECT);
    assert_int_equal(f.listener.log[2].state, LINECALLSTATE_IDLE);
    sim_rig_pass(&f, 10 * CF_NS_PER_S, CF_NS_PER_MS, 10);
    assert_int_equal(f.listener.count, 3);
    sim_rig_tear_down(&f);

    call = one_call_offered(&f);
    sim_rig_command(&f, CF_CMD_ANSWER, call, 0, NULL);
    sim_rig_command(&f, CF_CMD_DROP, call, 0, NULL);
    assert_int_equal(f.listener.count, 3);
    assert_int_equal(f.listener.log[2].state, LINECALLSTATE_IDLE);
    sim_rig_tear_down(&f);

    call = one_call_offered(&f); /* in the linger */
    sim_rig_command(&f, CF_CMD_ANSWER, call, 0, NULL);
    sim_rig_pass(&f, 1100 * CF_NS_PER_MS, CF_NS_PER_MS, 10);
    assert_int_equal(sim_rig_last_of(&f, call)->state, LINECALLSTATE_DISCONNECTED);
    sim_rig_command(&f, CF_CMD_DROP, call, 0, NULL);
    assert_int_equal(sim_rig_last_of(&f, call)->state, LINECALLSTATE_IDLE);
    sim_rig_tear_down(&f);
}

static uint64_t one_call_connected(struct sim_rig *f)
{
    uint64_t call = one_call_offered(f);
    sim_rig_command(f, CF_CMD_ANSWER, call, 0, NULL);
    assert_int_equal(sim_rig_last_of(f, call)->state, LINECALLSTATE_CONNECTED);
    return call;
}

static void an_owner_holds_and_retrieves(void **state)
{
    (void)state;
    static struct sim_rig f;
    uint64_t call = one_call_offered(&f);
    sim_rig_command(&f, CF_CMD_HOLD, call, 0, NULL);
    assert_int_equal(f.listener.reply_result, LINEERR_INVALCALLSTATE);
    sim_rig_tear_down(&f);

    call = one_call_connected(&f);
    sim_rig_command(&f, CF_CMD_HOLD, call, 0, NULL);
    assert_int_equal(f.listener.reply_result, 0);
    assert_int_equal(sim_rig_last_of(&f, call)->state, LINECALLSTATE_ONHOLD);
    assert_int_equal(f.listener.reply_at, 3); /* the state first */
    sim_rig_command(&f, CF_CMD_HOLD, call, 0, NULL);
    assert_int_equal(f.listener.reply_result, LINEERR_INVALCALLSTATE);
    sim_rig_pass(&f, 500 * CF_NS_PER_MS, CF_NS_PER_MS, 10);
    sim_rig_command(&f, CF_CMD_UNHOLD, call, 0, NULL);
    assert_int_equal(f.listener.reply_result, 0);
    assert_int_equal(sim_rig_last_of(&f, call)->mode, LINECONNECTEDMODE_ACTIVE);
    sim_rig_command(&f, CF_CMD_UNHOLD, call, 0, NULL);
    assert_int_equal(f.listener.reply_result, LINEERR_INVALCALLSTATE);
    sim_rig_pass(&f, 499 * CF_NS_PER_MS, CF_NS_PER_MS, 10); /* the talk lasts as long as it would have */
    assert_int_equal(sim_rig_last_of(&f, call)->state, LINECALLSTATE_CONNECTED);
    sim_rig_pass(&f, CF_NS_PER_MS, CF_NS_PER_MS, 10);
    assert_int_equal(sim_rig_last_of(&f, call)->state, LINECALLSTATE_DISCONNECTED);
    sim_rig_tear_down(&f);
}

/* 6 messages after the answer without an owner's doing: ONHOLD, CONNECTED, ONHOLD, CONNECTED, DISCONNECTED, IDLE. */
static void toggles_go_on_and_pass_unseen_while_the_owner_holds(void **state)
{
    (void)state;
    static struct sim_rig f;
    sim_rig_set_up(&f);
    f.settings.messages = 9;
    f.settings.regular = f.settings.hold_fixed = true;
    f.settings.hold_ms = 500; /* five pieces */
    f.settings.calls = 1;
    f.listener.closes = false;
    sim_rig_start(&f);
    while (f.listener.count == 0 || f.listener.log[f.listener.count - 1].state != LINECALLSTATE_CONNECTED)
        sim_rig_pass(&f, CF_NS_PER_MS, CF_NS_PER_MS, 10);
    uint64_t call = f.listener.log[0].call;
    sim_rig_pass(&f, 50 * CF_NS_PER_MS, CF_NS_PER_MS, 10);
    sim_rig_command(&f, CF_CMD_HOLD, call, 0, NULL);
    uint32_t before = f.listener.count;
    sim_rig_pass(&f, 200 * CF_NS_PER_MS, CF_NS_PER_MS, 10); /* two toggles */
    assert_int_equal(f.listener.count, before);
    sim_rig_command(&f, CF_CMD_UNHOLD, call, 0, NULL);
    assert_int_equal(sim_rig_last_of(&f, call)->state, LINECALLSTATE_CONNECTED);
    sim_rig_pass(&f, 100 * CF_NS_PER_MS, CF_NS_PER_MS, 10);
    assert_int_equal(sim_rig_last_of(&f, call)->state, LINECALLSTATE_ONHOLD);
    sim_rig_check(&f);
    sim_rig_pass(&f, CF_NS_PER_S, CF_NS_PER_MS, 10);
    assert_int_equal(f.listener.count, before + 5);
    assert_int_equal(sim_rig_last_of(&f, call)->state, LINECALLSTATE_IDLE);
    sim_rig_tear_down(&f);
}

static void digits_take_their_time_and_are_cut_off(void **state)
{
    (void)state;
    static struct sim_rig f;
    uint64_t call = one_call_connected(&f);
    uint64_t replies = f.listener.replies;
    sim_rig_digits(&f, 78, call, "12", 50); /* 200 ms */
    sim_rig_pass(&f, 199 * CF_NS_PER_MS, CF_NS_PER_MS, 10);
    assert_int_equal(f.listener.replies, replies);
    sim_rig_check(&f);
    sim_rig_pass(&f, CF_NS_PER_MS, CF_NS_PER_MS, 10);
    assert_int_equal(f.listener.replies, replies + 1);
    assert_int_equal(f.listener.reply_number, 78);
    assert_int_equal(f.listener.reply_result, 0);

    sim_rig_digits(&f, 78, call, "1,!", 0);
    sim_rig_digits(&f, 79, call, "2", 0); /* the new ones stop the old ones */
    assert_int_equal(f.listener.reply_number, 78);
    assert_int_equal(f.listener.reply_result, LINEERR_OPERATIONFAILED);
    sim_rig_digits(&f, 77, call, NULL, 0); /* none stop them too; first their reply, then its own */
    assert_int_equal(f.listener.replies, replies + 4);
    assert_int_equal(f.listener.reply_number, 77);
    assert_int_equal(f.listener.reply_result, 0);

    sim_rig_digits(&f, 78, call, "1111", 0);
    sim_rig_command(&f, CF_CMD_HOLD, call, 0, NULL); /* first the digits' reply, then the state, then the hold's reply */
    assert_int_equal(f.listener.replies, replies + 6);
    sim_rig_digits(&f, 78, call, "1", 0);
    assert_int_equal(f.listener.reply_result, LINEERR_INVALCALLSTATE);
    sim_rig_command(&f, CF_CMD_UNHOLD, call, 0, NULL);
    sim_rig_digits(&f, 79, call, "1111", 0);
    sim_rig_check(&f);
    sim_rig_command(&f, CF_CMD_CLOSE_CALL, call, 0, NULL); /* every command gets its reply */
    assert_int_equal(f.listener.reply_number, 79);
    assert_int_equal(f.listener.reply_result, LINEERR_OPERATIONFAILED);
    sim_rig_digits(&f, 78, call, "1", 0);
    assert_int_equal(f.listener.reply_result, LINEERR_INVALCALLHANDLE);
    sim_rig_tear_down(&f);
}

static void gather(struct sim_rig *f, uint64_t call)
{
    struct cf_command c;
    memset(&c, 0, offsetof(struct cf_command, record));
    c.id = CF_CMD_GATHER_DIGITS;
    c.number = 78;
    c.call = call;
    c.digit_mode = LINEDIGITMODE_DTMF;
    c.digits_wanted = 9;
    c.first_ms = 100;
    sim_rig_obey(f, c);
}

/* Every gathering gets its reply, and before the state that ends it. */
static void gathering_ends_with_its_time_and_with_the_call(void **state)
{
    (void)state;
    static struct sim_rig f;
    uint64_t call = one_call_connected(&f);
    uint64_t replies = f.listener.replies;
    gather(&f, call);
    sim_rig_pass(&f, 99 * CF_NS_PER_MS, CF_NS_PER_MS, 10);
    assert_int_equal(f.listener.replies, replies);
    sim_rig_check(&f);
    sim_rig_pass(&f, CF_NS_PER_MS, CF_NS_PER_MS, 10);
    assert_int_equal(f.listener.replies, replies + 1);
    assert_int_equal(f.listener.reply_result, LINEGATHERTERM_FIRSTTIMEOUT);
    gather(&f, call);
    sim_rig_command(&f, CF_CMD_HOLD, call, 0, NULL);
    assert_int_equal(f.listener.replies, replies + 3);
    gather(&f, call);
    assert_int_equal(f.listener.reply_result, LINEERR_INVALCALLSTATE);
    sim_rig_command(&f, CF_CMD_UNHOLD, call, 0, NULL);
    gather(&f, call);
    sim_rig_check(&f);
    sim_rig_command(&f, CF_CMD_CLOSE_CALL, call, 0, NULL);
    assert_int_equal(f.listener.reply_result, LINEGATHERTERM_CANCEL);
    gather(&f, call);
    assert_int_equal(f.listener.reply_result, LINEERR_INVALCALLHANDLE);
    sim_rig_tear_down(&f);
}

static void a_caller_whom_nobody_answers_gives_up(void **state)
{
    (void)state;
    static struct sim_rig f;
    uint64_t call = one_call_offered(&f);
    sim_rig_command(&f, CF_CMD_ACCEPT, call, 0, NULL);
    sim_rig_pass(&f, 6 * CF_NS_PER_S, CF_NS_PER_MS, 10);
    assert_int_equal(f.listener.count, 4);
    assert_int_equal(f.listener.log[2].mode, LINEDISCONNECTMODE_NOANSWER);
    assert_int_equal(f.listener.log[3].state, LINECALLSTATE_IDLE);
    sim_rig_tear_down(&f);
}

static void dialled_numbers_turn_out_as_the_rules_say(void **state)
{
    (void)state;
    static const struct {
        const char *number;
        enum cf_sim_outcome outcome;
        uint32_t states[7];
        uint32_t end;
    } cases[] = {
        {"1",
         CF_SIM_ANSWER,
         {LINECALLSTATE_DIALING, LINECALLSTATE_PROCEEDING, LINECALLSTATE_RINGBACK, LINECALLSTATE_CONNECTED,
          LINECALLSTATE_DISCONNECTED, LINECALLSTATE_IDLE},
         LINEDISCONNECTMODE_NORMAL},
        {"2",
         CF_SIM_BUSY,
         {LINECALLSTATE_DIALING, LINECALLSTATE_PROCEEDING, LINECALLSTATE_BUSY, LINECALLSTATE_DISCONNECTED,
          LINECALLSTATE_IDLE},
         LINEDISCONNECTMODE_BUSY},
        {"3",
         CF_SIM_NO_ANSWER,
         {LINECALLSTATE_DIALING, LINECALLSTATE_PROCEEDING, LINECALLSTATE_RINGBACK, LINECALLSTATE_DISCONNECTED,
          LINECALLSTATE_IDLE},
         LINEDISCONNECTMODE_NOANSWER},
        {"4",
         CF_SIM_BAD_ADDRESS,
         {LINECALLSTATE_DIALING, LINECALLSTATE_PROCEEDING, LINECALLSTATE_DISCONNECTED, LINECALLSTATE_IDLE},
         LINEDISCONNECTMODE_BADADDRESS},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static struct sim_rig f;
        sim_rig_set_up(&f);
        f.settings.rate = 0;
        f.settings.linger_ms = 100;
        f.listener.closes = false;
        for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
            snprintf(f.settings.dial[k].prefix, sizeof f.settings.dial[k].prefix, "%s", cases[k].number);
            f.settings.dial[f.settings.dial_count++].outcome = cases[k].outcome;
        }
        sim_rig_start(&f);
        char number[8];
        snprintf(number, sizeof number, "%s55", cases[i].number);
        sim_rig_command(&f, CF_CMD_MAKE_CALL, 0, 2, number);
        assert_int_equal(f.listener.reply_result, 0);
        assert_int_equal(f.listener.reply_call, f.listener.log[0].call);
        sim_rig_pass(&f, 300 * CF_NS_PER_S, CF_NS_PER_MS, 10);
        uint32_t n = 0;
        for (; cases[i].states[n] != 0; n++)
            assert_int_equal(f.listener.log[n].state, cases[i].states[n]);
        assert_int_equal(f.listener.count, n);
        assert_int_equal(f.listener.log[n - 2].mode, cases[i].end);
        assert_int_equal(f.listener.log[0].line, 2);
        assert_true((f.listener.log[0].flags & CF_JOURNAL_OUTGOING) != 0);
        sim_rig_tear_down(&f);
    }
}

static void dialled_numbers_without_a_rule_turn_out_as_the_shares_say(void **state)
{
    (void)state;
    static struct sim_rig f;
    sim_rig_set_up(&f);
    f.settings.rate = 0;
    f.settings.busy = 0.5;
    f.settings.linger_ms = 1000;
    sim_rig_start(&f);
    for (int i = 0; i < 200; i++)
        sim_rig_command(&f, CF_CMD_MAKE_CALL, 0, 0, "1");
    sim_rig_pass(&f, CF_NS_PER_S, CF_NS_PER_MS, 1000);
    unsigned busy = 0;
    for (uint32_t i = 0; i < f.listener.count; i++)
        busy += f.listener.log[i].state == LINECALLSTATE_BUSY;
    assert_true(busy > 60 && busy < 140); /* 100, one deviation is 7 */
    sim_rig_tear_down(&f);
}

static void wrong_commands_are_answered_with_their_errors(void **state)
{
    (void)state;
    static struct sim_rig f;
    sim_rig_set_up(&f);
    f.settings.rate = 0;
    f.listener.calls_max = 1;
    sim_rig_start(&f);
    f.settings.call_features &= ~(uint32_t)LINECALLFEATURE_DIAL; /* so that nobody could dial later */
    sim_rig_command(&f, CF_CMD_MAKE_CALL, 0, 0, NULL);
    assert_int_equal(f.listener.reply_result, LINEERR_INVALADDRESS);
    sim_rig_command(&f, CF_CMD_MAKE_CALL, 0, f.settings.lines, "1");
    assert_int_equal(f.listener.reply_result, LINEERR_OPERATIONFAILED);
    sim_rig_command(&f, CF_CMD_ANSWER, cf_handle_make(0, CF_KIND_PROVIDER, 1), 0, NULL);
    assert_int_equal(f.listener.reply_result, LINEERR_INVALCALLHANDLE);
    sim_rig_command(&f, CF_CMD_MAKE_CALL, 0, 0, "1");
    assert_int_equal(f.listener.reply_result, 0);
    sim_rig_command(&f, CF_CMD_MAKE_CALL, 0, 0, "1");
    assert_int_equal(f.listener.reply_result, LINEERR_CALLUNAVAIL);
    assert_int_equal(f.listener.replies, 5);
    sim_rig_tear_down(&f);
}

/* ------------------------------------------------------------------ the core */

static void refused_and_closed_calls_are_forgotten(void **state)
{
    (void)state;
    static struct sim_rig f;
    uint64_t call = one_call_offered(&f);
    sim_rig_command(&f, CF_CMD_REFUSED, call, 0, NULL);
    assert_int_equal(f.listener.last_note_flags, CF_JOURNAL_REFUSED);
    assert_int_equal(cf_sim_model_live(f.model), 0);
    sim_rig_pass(&f, 10 * CF_NS_PER_S, CF_NS_PER_MS, 10);
    assert_int_equal(f.listener.count, 1);
    sim_rig_command(&f, CF_CMD_CLOSE_CALL, call, 0, NULL); /* of a former life: nothing */
    sim_rig_tear_down(&f);

    call = one_call_offered(&f);
    sim_rig_command(&f, CF_CMD_CLOSE_CALL, call, 0, NULL);
    assert_int_equal(f.listener.last_note_flags, CF_JOURNAL_CLOSED);
    sim_rig_pass(&f, 10 * CF_NS_PER_S, CF_NS_PER_MS, 10);
    assert_int_equal(f.listener.count, 1);
    struct cf_sim_counters c;
    cf_sim_model_counters(f.model, &c);
    assert_int_equal(c.closed_live, 1);
    sim_rig_tear_down(&f);
}

static void calls_come_only_to_open_lines(void **state)
{
    (void)state;
    static struct sim_rig f;
    sim_rig_set_up(&f);
    f.settings.needs_open = true;
    f.settings.start_ms = 500;
    sim_rig_start(&f);
    sim_rig_pass(&f, 5 * CF_NS_PER_S, CF_NS_PER_MS, 10);
    assert_int_equal(f.listener.count, 0);
    assert_int_equal(cf_sim_model_deadline(f.model), CF_REACTOR_NEVER);
    sim_rig_command(&f, CF_CMD_OPEN_LINE, 0, 3, NULL);
    sim_rig_command(&f, CF_CMD_OPEN_LINE, 0, 1, NULL);
    sim_rig_command(&f, CF_CMD_OPEN_LINE, 0, 1, NULL);
    sim_rig_command(&f, CF_CMD_OPEN_LINE, 0, 999, NULL);
    sim_rig_pass(&f, 499 * CF_NS_PER_MS, CF_NS_PER_MS, 10);
    assert_int_equal(f.listener.count, 0);
    sim_rig_pass(&f, 3 * CF_NS_PER_S, CF_NS_PER_MS, 10);
    assert_true(f.listener.count > 100);
    uint32_t seen = 0;
    for (uint32_t i = 0; i < f.listener.count; i++)
        seen |= 1u << f.listener.log[i].line;
    assert_int_equal(seen, 1u << 3 | 1u << 1);
    sim_rig_command(&f, CF_CMD_CLOSE_LINE, 0, 3, NULL);
    uint32_t before = f.listener.count;
    sim_rig_pass(&f, 3 * CF_NS_PER_S, CF_NS_PER_MS, 10);
    for (uint32_t i = before; i < f.listener.count; i++)
        if (f.listener.log[i].flags & CF_JOURNAL_NEW)
            assert_int_equal(f.listener.log[i].line, 1);
    sim_rig_command(&f, CF_CMD_CLOSE_LINE, 0, 1, NULL);
    struct cf_sim_counters c, d;
    cf_sim_model_counters(f.model, &c);
    sim_rig_pass(&f, CF_NS_PER_S, CF_NS_PER_MS, 10);
    cf_sim_model_counters(f.model, &d);
    assert_int_equal(c.arrivals, d.arrivals);
    assert_true(d.nobody > c.nobody);
    sim_rig_tear_down(&f);
}

static void arrivals_beyond_the_limit_and_a_full_port_are_counted(void **state)
{
    (void)state;
    static struct sim_rig f;
    sim_rig_set_up(&f);
    f.listener.calls_max = 10;
    f.settings.hold_ms = 1e6;
    sim_rig_start(&f);
    sim_rig_pass(&f, 5 * CF_NS_PER_S, CF_NS_PER_MS, 10);
    struct cf_sim_counters c;
    cf_sim_model_counters(f.model, &c);
    assert_true(c.blocked > 300);
    assert_true(cf_sim_model_live(f.model) <= 10);
    sim_rig_tear_down(&f);

    sim_rig_set_up(&f);
    f.listener.refuses = true;
    sim_rig_start(&f);
    sim_rig_pass(&f, CF_NS_PER_S, CF_NS_PER_MS, 10);
    cf_sim_model_counters(f.model, &c);
    assert_true(c.unsent > 50);
    assert_int_equal(c.arrivals, 0);
    assert_int_equal(cf_sim_model_live(f.model), 0);
    for (int i = 0; i < SIM_RIG_CALLS_MAX; i++)
        assert_int_equal(f.listener.generation[i] % 2, 0); /* no identifier leaked */
    sim_rig_tear_down(&f);
}

static void another_core_hears_of_the_live_calls_alone(void **state)
{
    (void)state;
    static struct sim_rig f;
    sim_rig_set_up(&f);
    f.listener.closes = false;
    f.settings.hold_ms = 500;
    sim_rig_start(&f);
    sim_rig_pass(&f, 5 * CF_NS_PER_S, CF_NS_PER_MS, 10);
    uint64_t before = cf_sim_model_live(f.model);
    struct cf_sim_counters c;
    cf_sim_model_counters(f.model, &c);
    uint32_t from = f.listener.count;
    cf_sim_model_announce(f.model, f.now_ns);
    assert_int_equal(f.listener.count - from, before - c.ended);
    assert_int_equal(cf_sim_model_live(f.model), before - c.ended);
    for (uint32_t i = from; i < f.listener.count; i++) {
        assert_true((f.listener.log[i].flags & CF_JOURNAL_AGAIN) != 0);
        assert_int_not_equal(f.listener.log[i].state, LINECALLSTATE_IDLE);
    }
    sim_rig_pass(&f, 5 * CF_NS_PER_S, CF_NS_PER_MS, 10);
    sim_rig_tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_makes_the_same_calls_however_time_is_cut),
        cmocka_unit_test(deadlines_are_enough_to_work_by),
        cmocka_unit_test(every_call_passes_its_states_in_order),
        cmocka_unit_test(a_profile_gives_every_call_exactly_its_messages),
        cmocka_unit_test(regular_arrivals_and_fixed_times_are_exact),
        cmocka_unit_test(more_calls_come_in_the_last_part_of_each_period),
        cmocka_unit_test(no_call_is_held_for_longer_than_the_longest_time),
        cmocka_unit_test(no_time_between_states_is_no_time),
        cmocka_unit_test(an_owner_accepts_answers_and_the_far_end_hangs_up),
        cmocka_unit_test(an_owner_rejects_or_drops),
        cmocka_unit_test(an_owner_holds_and_retrieves),
        cmocka_unit_test(toggles_go_on_and_pass_unseen_while_the_owner_holds),
        cmocka_unit_test(digits_take_their_time_and_are_cut_off),
        cmocka_unit_test(gathering_ends_with_its_time_and_with_the_call),
        cmocka_unit_test(a_caller_whom_nobody_answers_gives_up),
        cmocka_unit_test(dialled_numbers_turn_out_as_the_rules_say),
        cmocka_unit_test(dialled_numbers_without_a_rule_turn_out_as_the_shares_say),
        cmocka_unit_test(wrong_commands_are_answered_with_their_errors),
        cmocka_unit_test(refused_and_closed_calls_are_forgotten),
        cmocka_unit_test(calls_come_only_to_open_lines),
        cmocka_unit_test(arrivals_beyond_the_limit_and_a_full_port_are_counted),
        cmocka_unit_test(another_core_hears_of_the_live_calls_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
