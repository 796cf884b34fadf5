/*
 * The model exchange with a listener in the place of the port.
 */
#define _GNU_SOURCE
#include "adapters/sim/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "callfan/tapi.h"

enum { CALLS_MAX = 4096, LOG_MAX = 400000 };

struct heard {
    uint64_t call;
    uint64_t serial;
    uint32_t line, state, mode, flags;
    char caller[24];
};

struct listener {
    uint32_t generation[CALLS_MAX]; /* odd: alive */
    uint32_t calls_max;
    bool closes;  /* closes every call that became IDLE, as the core does */
    bool refuses; /* announce fails */
    uint64_t to_close[CALLS_MAX];
    uint32_t to_close_count;
    struct heard *log;
    uint32_t count;
    uint64_t replies, reply_call;
    int32_t reply_result;
    uint64_t reply_number;
    uint32_t reply_at; /* so many states had been told */
    uint32_t notes, last_note_flags;
};

static uint64_t listen_call_new(void *arg)
{
    struct listener *l = arg;
    for (uint32_t i = 0; i < l->calls_max; i++)
        if (l->generation[i] % 2 == 0)
            return cf_handle_make(i, CF_KIND_PROVIDER, ++l->generation[i]);
    return 0;
}

static void listen_call_free(void *arg, uint64_t call)
{
    struct listener *l = arg;
    assert_int_equal(l->generation[cf_handle_index(call)], cf_handle_generation(call));
    l->generation[cf_handle_index(call)]++;
}

static void hear(struct listener *l, uint64_t call, uint32_t state, uint32_t mode, const struct cf_sim_note *note,
                 struct cf_text caller)
{
    assert_true(l->count < LOG_MAX);
    assert_int_equal(l->generation[cf_handle_index(call)], cf_handle_generation(call));
    struct heard *h = &l->log[l->count++];
    *h = (struct heard){
        .call = call, .serial = note->serial, .line = note->line, .state = state, .mode = mode, .flags = note->flags};
    snprintf(h->caller, sizeof h->caller, "%.*s", (int)caller.bytes, caller.at != NULL ? caller.at : "");
    if (state == LINECALLSTATE_IDLE && l->closes)
        l->to_close[l->to_close_count++] = call;
}

static bool listen_announce(void *arg, const struct cf_new_call *c, const struct cf_sim_note *note)
{
    struct listener *l = arg;
    if (l->refuses)
        return false;
    const struct cf_sim_note new_note = {note->serial, note->line, note->flags | CF_JOURNAL_NEW};
    assert_int_equal(c->line, note->line);
    hear(l, c->call, c->state, c->mode, &new_note, c->caller);
    return true;
}

static void listen_state(void *arg, uint64_t call, const struct cf_call_state *s, const struct cf_sim_note *note)
{
    hear(arg, call, s->state, s->mode, note, (struct cf_text){NULL, 0});
}

static void listen_reply(void *arg, uint64_t number, int32_t result, uint64_t call)
{
    struct listener *l = arg;
    assert_in_range(number, 77, 79);
    l->replies++;
    l->reply_number = number;
    l->reply_at = l->count;
    l->reply_result = result;
    l->reply_call = call;
}

static void listen_note(void *arg, const struct cf_sim_note *note, uint32_t state, int64_t now_ns)
{
    struct listener *l = arg;
    (void)state;
    (void)now_ns;
    l->notes++;
    l->last_note_flags = note->flags;
}

/* ------------------------------------------------------------------ fixture */

struct fixture {
    struct cf_sim_settings settings;
    struct listener listener;
    struct cf_sim_outlet outlet;
    struct cf_sim_model *model;
    int64_t now_ns;
};

static void set_up(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    cf_sim_settings_default(&f->settings);
    f->settings.needs_open = false;
    f->settings.rate = 100;
    f->settings.calls_max = f->listener.calls_max = CALLS_MAX;
    f->listener.closes = true;
    f->listener.log = malloc(LOG_MAX * sizeof *f->listener.log);
    assert_non_null(f->listener.log);
    f->outlet = (struct cf_sim_outlet){&f->listener, listen_call_new, listen_call_free, listen_announce,
                                       listen_state, listen_reply,    listen_note};
    f->now_ns = 1000 * CF_NS_PER_S;
}

static void start(struct fixture *f)
{
    assert_int_equal(cf_sim_model_new(&f->model, &f->settings, &f->outlet, f->now_ns), 0);
}

static void assert_sound(const struct fixture *f)
{
    char why[200] = "";
    if (!cf_sim_model_check(f->model, why, sizeof why))
        fail_msg("%s", why);
}

static void tear_down(struct fixture *f)
{
    assert_sound(f);
    cf_sim_model_free(f->model);
    free(f->listener.log);
    cf_sim_settings_fini(&f->settings);
}

static void command(struct fixture *f, uint16_t id, uint64_t call, uint32_t line, const char *destination)
{
    static struct cf_command c;
    memset(&c, 0, offsetof(struct cf_command, record));
    c.id = id;
    c.number = 77;
    c.call = call;
    c.line = line;
    c.destination = cf_text_of(destination);
    cf_sim_model_command(f->model, &c, f->now_ns);
}

static void digits(struct fixture *f, uint64_t number, uint64_t call, const char *text, uint32_t digit_ms)
{
    static struct cf_command c;
    memset(&c, 0, offsetof(struct cf_command, record));
    c.id = CF_CMD_GENERATE_DIGITS;
    c.number = number;
    c.call = call;
    c.digits = cf_text_of(text);
    c.digit_mode = LINEDIGITMODE_DTMF;
    c.digit_ms = digit_ms;
    cf_sim_model_command(f->model, &c, f->now_ns);
}

static void close_what_ended(struct fixture *f)
{
    for (uint32_t i = 0; i < f->listener.to_close_count; i++)
        command(f, CF_CMD_CLOSE_CALL, f->listener.to_close[i], 0, NULL);
    f->listener.to_close_count = 0;
}

/* Lets time pass in steps, each worked off in pieces of limit things. */
static void pass(struct fixture *f, int64_t ns, int64_t step_ns, uint32_t limit)
{
    for (int64_t end = f->now_ns + ns; f->now_ns < end;) {
        f->now_ns += step_ns < end - f->now_ns ? step_ns : end - f->now_ns;
        while (cf_sim_model_work(f->model, f->now_ns, limit) == limit)
            ;
        close_what_ended(f);
    }
}

/* The last report of a call. */
static const struct heard *last_of(const struct fixture *f, uint64_t call)
{
    for (uint32_t i = f->listener.count; i-- > 0;)
        if (f->listener.log[i].call == call)
            return &f->listener.log[i];
    fail_msg("nothing was heard of the call");
    return NULL;
}

static uint32_t count_of(const struct fixture *f, uint64_t serial)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < f->listener.count; i++)
        n += f->listener.log[i].serial == serial;
    return n;
}

/* ------------------------------------------------------------------ determinism */

static void run_mixed(struct fixture *f, uint64_t seed, int64_t step_ns, uint32_t limit)
{
    set_up(f);
    f->settings.seed = seed;
    f->settings.rate = 300;
    f->settings.busy = 0.1;
    f->settings.no_answer = 0.1;
    f->settings.abandon = 0.2;
    f->settings.hold_ms = 700;
    f->settings.linger_ms = 30;
    f->settings.no_answer_ms = 1500;
    f->listener.closes = false; /* so that identifiers do not depend on when a step ends */
    start(f);
    pass(f, 10 * CF_NS_PER_S, step_ns, limit);
}

static void the_same_seed_makes_the_same_calls_however_time_is_cut(void **state)
{
    (void)state;
    static struct fixture a, b, c;
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
    tear_down(&a);
    tear_down(&b);
    tear_down(&c);
}

static void deadlines_are_enough_to_work_by(void **state)
{
    (void)state;
    static struct fixture a, b;
    run_mixed(&a, 5, CF_NS_PER_MS, 1000);
    set_up(&b);
    b.settings = a.settings;
    b.listener.closes = false;
    start(&b);
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
    tear_down(&a);
    tear_down(&b);
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
    static struct fixture f;
    static uint32_t states[CALLS_MAX];
    run_mixed(&f, 9, CF_NS_PER_MS, 100);
    memset(states, 0, sizeof states);
    unsigned ends[32] = {0}, calls = 0;
    for (uint32_t i = 0; i < f.listener.count; i++) {
        const struct heard *h = &f.listener.log[i];
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
    tear_down(&f);
}

static void a_profile_gives_every_call_exactly_its_messages(void **state)
{
    (void)state;
    for (uint32_t messages = CF_SIM_MESSAGES_MIN; messages <= 40; messages++) {
        static struct fixture f;
        set_up(&f);
        f.settings.messages = messages;
        f.settings.calls = 50;
        f.settings.hold_ms = 300;
        f.settings.busy = 0.5; /* without meaning here */
        start(&f);
        pass(&f, 60 * CF_NS_PER_S, 10 * CF_NS_PER_MS, 100);
        assert_int_equal(cf_sim_model_live(f.model), 0);
        assert_int_equal(f.listener.count, 50 * (messages - 1)); /* LINE_APPNEWCALL comes beside the first state */
        for (uint64_t serial = 1; serial <= 50; serial++)
            assert_int_equal(count_of(&f, serial), messages - 1);
        tear_down(&f);
    }
}

static void regular_arrivals_and_fixed_times_are_exact(void **state)
{
    (void)state;
    static struct fixture f;
    set_up(&f);
    f.settings.regular = true;
    f.settings.rate = 10;
    f.settings.calls = 20;
    f.settings.hold_fixed = true;
    f.settings.hold_ms = 1000;
    f.settings.accept_ms = 100;
    f.settings.answer_ms = 400;
    start(&f);
    pass(&f, 99 * CF_NS_PER_MS, CF_NS_PER_MS, 100);
    assert_int_equal(f.listener.count, 0);
    pass(&f, CF_NS_PER_MS, CF_NS_PER_MS, 100);
    assert_int_equal(f.listener.count, 1); /* a tenth of a second */
    pass(&f, 1499 * CF_NS_PER_MS, CF_NS_PER_MS, 100);
    assert_int_equal(last_of(&f, f.listener.log[0].call)->state, LINECALLSTATE_CONNECTED);
    pass(&f, CF_NS_PER_MS, CF_NS_PER_MS, 100);
    assert_int_equal(last_of(&f, f.listener.log[0].call)->state, LINECALLSTATE_IDLE);
    pass(&f, 10 * CF_NS_PER_S, CF_NS_PER_MS, 100);
    assert_int_equal(f.listener.count, 20 * 5);
    assert_int_equal(cf_sim_model_deadline(f.model), CF_REACTOR_NEVER);
    tear_down(&f);
}

static void no_time_between_states_is_no_time(void **state)
{
    (void)state;
    static struct fixture f;
    set_up(&f);
    f.settings.accept_ms = f.settings.answer_ms = f.settings.linger_ms = 0;
    f.settings.calls = 10;
    f.settings.hold_fixed = true;
    f.settings.hold_ms = 1;
    start(&f);
    pass(&f, CF_NS_PER_S, CF_NS_PER_MS, 100);
    assert_int_equal(f.listener.count, 50);
    assert_int_equal(f.listener.log[0].serial, f.listener.log[2].serial); /* OFFERING, ACCEPTED, CONNECTED in one go */
    tear_down(&f);
}

/* ------------------------------------------------------------------ owners */

static uint64_t one_call_offered(struct fixture *f)
{
    set_up(f);
    f->settings.automatic = false;
    f->settings.rate = 1000;
    f->settings.calls = 1;
    f->settings.busy = 1; /* with an owner it is the owner who decides */
    f->settings.no_answer_ms = 5000;
    f->settings.hold_fixed = true;
    f->settings.hold_ms = 1000;
    f->settings.linger_ms = 200;
    f->listener.closes = false;
    start(f);
    pass(f, CF_NS_PER_S, CF_NS_PER_MS, 100);
    assert_int_equal(f->listener.count, 1);
    return f->listener.log[0].call;
}

static void an_owner_accepts_answers_and_the_far_end_hangs_up(void **state)
{
    (void)state;
    static struct fixture f;
    uint64_t call = one_call_offered(&f);
    command(&f, CF_CMD_ACCEPT, call, 0, NULL);
    assert_int_equal(f.listener.reply_result, 0);
    assert_int_equal(last_of(&f, call)->state, LINECALLSTATE_ACCEPTED);
    command(&f, CF_CMD_ACCEPT, call, 0, NULL);
    assert_int_equal(f.listener.reply_result, LINEERR_INVALCALLSTATE);
    command(&f, CF_CMD_ANSWER, call, 0, NULL);
    assert_int_equal(last_of(&f, call)->state, LINECALLSTATE_CONNECTED);
    assert_int_equal(last_of(&f, call)->mode, LINECONNECTEDMODE_ACTIVE);
    command(&f, CF_CMD_ANSWER, call, 0, NULL);
    assert_int_equal(f.listener.reply_result, LINEERR_INVALCALLSTATE);
    pass(&f, 999 * CF_NS_PER_MS, CF_NS_PER_MS, 10);
    assert_int_equal(last_of(&f, call)->state, LINECALLSTATE_CONNECTED);
    pass(&f, CF_NS_PER_MS, CF_NS_PER_MS, 10);
    assert_int_equal(last_of(&f, call)->state, LINECALLSTATE_DISCONNECTED);
    assert_int_equal(last_of(&f, call)->mode, LINEDISCONNECTMODE_NORMAL);
    pass(&f, 200 * CF_NS_PER_MS, CF_NS_PER_MS, 10);
    assert_int_equal(last_of(&f, call)->state, LINECALLSTATE_IDLE);
    command(&f, CF_CMD_DROP, call, 0, NULL);
    assert_int_equal(f.listener.reply_result, LINEERR_INVALCALLSTATE);
    assert_int_equal(f.listener.replies, 5);
    tear_down(&f);
}

static void an_owner_rejects_or_drops(void **state)
{
    (void)state;
    static struct fixture f;
    uint64_t call = one_call_offered(&f);
    command(&f, CF_CMD_DROP, call, 0, NULL);
    assert_int_equal(f.listener.count, 3);
    assert_int_equal(f.listener.log[1].state, LINECALLSTATE_DISCONNECTED);
    assert_int_equal(f.listener.log[1].mode, LINEDISCONNECTMODE_REJECT);
    assert_int_equal(f.listener.log[2].state, LINECALLSTATE_IDLE);
    pass(&f, 10 * CF_NS_PER_S, CF_NS_PER_MS, 10);
    assert_int_equal(f.listener.count, 3);
    tear_down(&f);

    call = one_call_offered(&f);
    command(&f, CF_CMD_ANSWER, call, 0, NULL);
    command(&f, CF_CMD_DROP, call, 0, NULL);
    assert_int_equal(f.listener.count, 3);
    assert_int_equal(f.listener.log[2].state, LINECALLSTATE_IDLE);
    tear_down(&f);

    call = one_call_offered(&f); /* in the linger */
    command(&f, CF_CMD_ANSWER, call, 0, NULL);
    pass(&f, 1100 * CF_NS_PER_MS, CF_NS_PER_MS, 10);
    assert_int_equal(last_of(&f, call)->state, LINECALLSTATE_DISCONNECTED);
    command(&f, CF_CMD_DROP, call, 0, NULL);
    assert_int_equal(last_of(&f, call)->state, LINECALLSTATE_IDLE);
    tear_down(&f);
}

static uint64_t one_call_connected(struct fixture *f)
{
    uint64_t call = one_call_offered(f);
    command(f, CF_CMD_ANSWER, call, 0, NULL);
    assert_int_equal(last_of(f, call)->state, LINECALLSTATE_CONNECTED);
    return call;
}

static void an_owner_holds_and_retrieves(void **state)
{
    (void)state;
    static struct fixture f;
    uint64_t call = one_call_offered(&f);
    command(&f, CF_CMD_HOLD, call, 0, NULL);
    assert_int_equal(f.listener.reply_result, LINEERR_INVALCALLSTATE);
    tear_down(&f);

    call = one_call_connected(&f);
    command(&f, CF_CMD_HOLD, call, 0, NULL);
    assert_int_equal(f.listener.reply_result, 0);
    assert_int_equal(last_of(&f, call)->state, LINECALLSTATE_ONHOLD);
    assert_int_equal(f.listener.reply_at, 3); /* the state first */
    command(&f, CF_CMD_HOLD, call, 0, NULL);
    assert_int_equal(f.listener.reply_result, LINEERR_INVALCALLSTATE);
    pass(&f, 500 * CF_NS_PER_MS, CF_NS_PER_MS, 10);
    command(&f, CF_CMD_UNHOLD, call, 0, NULL);
    assert_int_equal(f.listener.reply_result, 0);
    assert_int_equal(last_of(&f, call)->mode, LINECONNECTEDMODE_ACTIVE);
    command(&f, CF_CMD_UNHOLD, call, 0, NULL);
    assert_int_equal(f.listener.reply_result, LINEERR_INVALCALLSTATE);
    pass(&f, 499 * CF_NS_PER_MS, CF_NS_PER_MS, 10); /* the talk lasts as long as it would have */
    assert_int_equal(last_of(&f, call)->state, LINECALLSTATE_CONNECTED);
    pass(&f, CF_NS_PER_MS, CF_NS_PER_MS, 10);
    assert_int_equal(last_of(&f, call)->state, LINECALLSTATE_DISCONNECTED);
    tear_down(&f);
}

/* 6 messages after the answer without an owner's doing: ONHOLD, CONNECTED, ONHOLD, CONNECTED, DISCONNECTED, IDLE. */
static void toggles_go_on_and_pass_unseen_while_the_owner_holds(void **state)
{
    (void)state;
    static struct fixture f;
    set_up(&f);
    f.settings.messages = 9;
    f.settings.regular = f.settings.hold_fixed = true;
    f.settings.hold_ms = 500; /* five pieces */
    f.settings.calls = 1;
    f.listener.closes = false;
    start(&f);
    while (f.listener.count == 0 || f.listener.log[f.listener.count - 1].state != LINECALLSTATE_CONNECTED)
        pass(&f, CF_NS_PER_MS, CF_NS_PER_MS, 10);
    uint64_t call = f.listener.log[0].call;
    pass(&f, 50 * CF_NS_PER_MS, CF_NS_PER_MS, 10);
    command(&f, CF_CMD_HOLD, call, 0, NULL);
    uint32_t before = f.listener.count;
    pass(&f, 200 * CF_NS_PER_MS, CF_NS_PER_MS, 10); /* two toggles */
    assert_int_equal(f.listener.count, before);
    command(&f, CF_CMD_UNHOLD, call, 0, NULL);
    assert_int_equal(last_of(&f, call)->state, LINECALLSTATE_CONNECTED);
    pass(&f, 100 * CF_NS_PER_MS, CF_NS_PER_MS, 10);
    assert_int_equal(last_of(&f, call)->state, LINECALLSTATE_ONHOLD);
    assert_sound(&f);
    pass(&f, CF_NS_PER_S, CF_NS_PER_MS, 10);
    assert_int_equal(f.listener.count, before + 5);
    assert_int_equal(last_of(&f, call)->state, LINECALLSTATE_IDLE);
    tear_down(&f);
}

static void digits_take_their_time_and_are_cut_off(void **state)
{
    (void)state;
    static struct fixture f;
    uint64_t call = one_call_connected(&f);
    uint64_t replies = f.listener.replies;
    digits(&f, 78, call, "12", 50); /* 200 ms */
    pass(&f, 199 * CF_NS_PER_MS, CF_NS_PER_MS, 10);
    assert_int_equal(f.listener.replies, replies);
    assert_sound(&f);
    pass(&f, CF_NS_PER_MS, CF_NS_PER_MS, 10);
    assert_int_equal(f.listener.replies, replies + 1);
    assert_int_equal(f.listener.reply_number, 78);
    assert_int_equal(f.listener.reply_result, 0);

    digits(&f, 78, call, "1,!", 0);
    digits(&f, 79, call, "2", 0); /* the new ones stop the old ones */
    assert_int_equal(f.listener.reply_number, 78);
    assert_int_equal(f.listener.reply_result, LINEERR_OPERATIONFAILED);
    digits(&f, 77, call, NULL, 0); /* none stop them too; first their reply, then its own */
    assert_int_equal(f.listener.replies, replies + 4);
    assert_int_equal(f.listener.reply_number, 77);
    assert_int_equal(f.listener.reply_result, 0);

    digits(&f, 78, call, "1111", 0);
    command(&f, CF_CMD_HOLD, call, 0, NULL); /* first the digits' reply, then the state, then the hold's reply */
    assert_int_equal(f.listener.replies, replies + 6);
    digits(&f, 78, call, "1", 0);
    assert_int_equal(f.listener.reply_result, LINEERR_INVALCALLSTATE);
    command(&f, CF_CMD_UNHOLD, call, 0, NULL);
    digits(&f, 79, call, "1111", 0);
    assert_sound(&f);
    command(&f, CF_CMD_CLOSE_CALL, call, 0, NULL); /* every command gets its reply */
    assert_int_equal(f.listener.reply_number, 79);
    assert_int_equal(f.listener.reply_result, LINEERR_OPERATIONFAILED);
    digits(&f, 78, call, "1", 0);
    assert_int_equal(f.listener.reply_result, LINEERR_INVALCALLHANDLE);
    tear_down(&f);
}

static void a_caller_whom_nobody_answers_gives_up(void **state)
{
    (void)state;
    static struct fixture f;
    uint64_t call = one_call_offered(&f);
    command(&f, CF_CMD_ACCEPT, call, 0, NULL);
    pass(&f, 6 * CF_NS_PER_S, CF_NS_PER_MS, 10);
    assert_int_equal(f.listener.count, 4);
    assert_int_equal(f.listener.log[2].mode, LINEDISCONNECTMODE_NOANSWER);
    assert_int_equal(f.listener.log[3].state, LINECALLSTATE_IDLE);
    tear_down(&f);
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
        static struct fixture f;
        set_up(&f);
        f.settings.rate = 0;
        f.settings.linger_ms = 100;
        f.listener.closes = false;
        for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
            snprintf(f.settings.dial[k].prefix, sizeof f.settings.dial[k].prefix, "%s", cases[k].number);
            f.settings.dial[f.settings.dial_count++].outcome = cases[k].outcome;
        }
        start(&f);
        char number[8];
        snprintf(number, sizeof number, "%s55", cases[i].number);
        command(&f, CF_CMD_MAKE_CALL, 0, 2, number);
        assert_int_equal(f.listener.reply_result, 0);
        assert_int_equal(f.listener.reply_call, f.listener.log[0].call);
        pass(&f, 300 * CF_NS_PER_S, CF_NS_PER_MS, 10);
        uint32_t n = 0;
        for (; cases[i].states[n] != 0; n++)
            assert_int_equal(f.listener.log[n].state, cases[i].states[n]);
        assert_int_equal(f.listener.count, n);
        assert_int_equal(f.listener.log[n - 2].mode, cases[i].end);
        assert_int_equal(f.listener.log[0].line, 2);
        assert_true((f.listener.log[0].flags & CF_JOURNAL_OUTGOING) != 0);
        tear_down(&f);
    }
}

static void dialled_numbers_without_a_rule_turn_out_as_the_shares_say(void **state)
{
    (void)state;
    static struct fixture f;
    set_up(&f);
    f.settings.rate = 0;
    f.settings.busy = 0.5;
    f.settings.linger_ms = 1000;
    start(&f);
    for (int i = 0; i < 200; i++)
        command(&f, CF_CMD_MAKE_CALL, 0, 0, "1");
    pass(&f, CF_NS_PER_S, CF_NS_PER_MS, 1000);
    unsigned busy = 0;
    for (uint32_t i = 0; i < f.listener.count; i++)
        busy += f.listener.log[i].state == LINECALLSTATE_BUSY;
    assert_true(busy > 60 && busy < 140); /* 100, one deviation is 7 */
    tear_down(&f);
}

static void wrong_commands_are_answered_with_their_errors(void **state)
{
    (void)state;
    static struct fixture f;
    set_up(&f);
    f.settings.rate = 0;
    f.listener.calls_max = 1;
    start(&f);
    command(&f, CF_CMD_MAKE_CALL, 0, 0, NULL);
    assert_int_equal(f.listener.reply_result, LINEERR_INVALADDRESS);
    command(&f, CF_CMD_MAKE_CALL, 0, f.settings.lines, "1");
    assert_int_equal(f.listener.reply_result, LINEERR_OPERATIONFAILED);
    command(&f, CF_CMD_ANSWER, cf_handle_make(0, CF_KIND_PROVIDER, 1), 0, NULL);
    assert_int_equal(f.listener.reply_result, LINEERR_INVALCALLHANDLE);
    command(&f, CF_CMD_MAKE_CALL, 0, 0, "1");
    assert_int_equal(f.listener.reply_result, 0);
    command(&f, CF_CMD_MAKE_CALL, 0, 0, "1");
    assert_int_equal(f.listener.reply_result, LINEERR_CALLUNAVAIL);
    assert_int_equal(f.listener.replies, 5);
    tear_down(&f);
}

/* ------------------------------------------------------------------ the core */

static void refused_and_closed_calls_are_forgotten(void **state)
{
    (void)state;
    static struct fixture f;
    uint64_t call = one_call_offered(&f);
    command(&f, CF_CMD_REFUSED, call, 0, NULL);
    assert_int_equal(f.listener.last_note_flags, CF_JOURNAL_REFUSED);
    assert_int_equal(cf_sim_model_live(f.model), 0);
    pass(&f, 10 * CF_NS_PER_S, CF_NS_PER_MS, 10);
    assert_int_equal(f.listener.count, 1);
    command(&f, CF_CMD_CLOSE_CALL, call, 0, NULL); /* of a former life: nothing */
    tear_down(&f);

    call = one_call_offered(&f);
    command(&f, CF_CMD_CLOSE_CALL, call, 0, NULL);
    assert_int_equal(f.listener.last_note_flags, CF_JOURNAL_CLOSED);
    pass(&f, 10 * CF_NS_PER_S, CF_NS_PER_MS, 10);
    assert_int_equal(f.listener.count, 1);
    struct cf_sim_counters c;
    cf_sim_model_counters(f.model, &c);
    assert_int_equal(c.closed_live, 1);
    tear_down(&f);
}

static void calls_come_only_to_open_lines(void **state)
{
    (void)state;
    static struct fixture f;
    set_up(&f);
    f.settings.needs_open = true;
    f.settings.start_ms = 500;
    start(&f);
    pass(&f, 5 * CF_NS_PER_S, CF_NS_PER_MS, 10);
    assert_int_equal(f.listener.count, 0);
    assert_int_equal(cf_sim_model_deadline(f.model), CF_REACTOR_NEVER);
    command(&f, CF_CMD_OPEN_LINE, 0, 3, NULL);
    command(&f, CF_CMD_OPEN_LINE, 0, 1, NULL);
    command(&f, CF_CMD_OPEN_LINE, 0, 1, NULL);
    command(&f, CF_CMD_OPEN_LINE, 0, 999, NULL);
    pass(&f, 499 * CF_NS_PER_MS, CF_NS_PER_MS, 10);
    assert_int_equal(f.listener.count, 0);
    pass(&f, 3 * CF_NS_PER_S, CF_NS_PER_MS, 10);
    assert_true(f.listener.count > 100);
    uint32_t seen = 0;
    for (uint32_t i = 0; i < f.listener.count; i++)
        seen |= 1u << f.listener.log[i].line;
    assert_int_equal(seen, 1u << 3 | 1u << 1);
    command(&f, CF_CMD_CLOSE_LINE, 0, 3, NULL);
    uint32_t before = f.listener.count;
    pass(&f, 3 * CF_NS_PER_S, CF_NS_PER_MS, 10);
    for (uint32_t i = before; i < f.listener.count; i++)
        if (f.listener.log[i].flags & CF_JOURNAL_NEW)
            assert_int_equal(f.listener.log[i].line, 1);
    command(&f, CF_CMD_CLOSE_LINE, 0, 1, NULL);
    struct cf_sim_counters c, d;
    cf_sim_model_counters(f.model, &c);
    pass(&f, CF_NS_PER_S, CF_NS_PER_MS, 10);
    cf_sim_model_counters(f.model, &d);
    assert_int_equal(c.arrivals, d.arrivals);
    assert_true(d.nobody > c.nobody);
    tear_down(&f);
}

static void arrivals_beyond_the_limit_and_a_full_port_are_counted(void **state)
{
    (void)state;
    static struct fixture f;
    set_up(&f);
    f.listener.calls_max = 10;
    f.settings.hold_ms = 1e6;
    start(&f);
    pass(&f, 5 * CF_NS_PER_S, CF_NS_PER_MS, 10);
    struct cf_sim_counters c;
    cf_sim_model_counters(f.model, &c);
    assert_true(c.blocked > 300);
    assert_true(cf_sim_model_live(f.model) <= 10);
    tear_down(&f);

    set_up(&f);
    f.listener.refuses = true;
    start(&f);
    pass(&f, CF_NS_PER_S, CF_NS_PER_MS, 10);
    cf_sim_model_counters(f.model, &c);
    assert_true(c.unsent > 50);
    assert_int_equal(c.arrivals, 0);
    assert_int_equal(cf_sim_model_live(f.model), 0);
    for (int i = 0; i < CALLS_MAX; i++)
        assert_int_equal(f.listener.generation[i] % 2, 0); /* no identifier leaked */
    tear_down(&f);
}

static void another_core_hears_of_the_live_calls_alone(void **state)
{
    (void)state;
    static struct fixture f;
    set_up(&f);
    f.listener.closes = false;
    f.settings.hold_ms = 500;
    start(&f);
    pass(&f, 5 * CF_NS_PER_S, CF_NS_PER_MS, 10);
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
    pass(&f, 5 * CF_NS_PER_S, CF_NS_PER_MS, 10);
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_makes_the_same_calls_however_time_is_cut),
        cmocka_unit_test(deadlines_are_enough_to_work_by),
        cmocka_unit_test(every_call_passes_its_states_in_order),
        cmocka_unit_test(a_profile_gives_every_call_exactly_its_messages),
        cmocka_unit_test(regular_arrivals_and_fixed_times_are_exact),
        cmocka_unit_test(no_time_between_states_is_no_time),
        cmocka_unit_test(an_owner_accepts_answers_and_the_far_end_hangs_up),
        cmocka_unit_test(an_owner_rejects_or_drops),
        cmocka_unit_test(an_owner_holds_and_retrieves),
        cmocka_unit_test(toggles_go_on_and_pass_unseen_while_the_owner_holds),
        cmocka_unit_test(digits_take_their_time_and_are_cut_off),
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
