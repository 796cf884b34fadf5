/*
 * The adapter's side of a port against a core played by the test.
 */
#define _GNU_SOURCE
#include "adapters/provider/port.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "callfan/tapi.h"
#include "shm/sys_bell.h"
#include "tests/support/provider_rig.h"

/* ------------------------------------------------------------------ attach */

static void attach_says_who_it_is_and_maps_the_port(void **state)
{
    (void)state;
    struct provider_rig f;
    provider_rig_set_up(&f);
    assert_int_equal(f.core.hello.magic, CF_HELLO_MAGIC);
    assert_int_equal(f.core.hello.version, CF_LAYOUT_VERSION);
    assert_int_equal(f.core.hello.kind, CF_HELLO_PROVIDER);
    assert_string_equal(f.core.hello.name, "test");
    assert_string_equal(f.core.hello.token, "secret");
    assert_int_equal(f.core.hello.ring_bytes, 16384);
    assert_int_equal(provider_rig_counters(&f).attaches, 1);
    provider_rig_tear_down(&f);
}

static void the_token_comes_from_the_environment(void **state)
{
    (void)state;
    struct provider_rig f = {0};
    provider_core_init(&f.core, DOWN_SLOTS, UP_SLOTS);
    setenv("CALLFAN_TOKEN", "from outside", 1);
    const struct cf_provider_options options = {.socket_path = f.core.path, .name = "test"};
    assert_int_equal(cf_provider_new(&f.provider, &options), 0);
    unsetenv("CALLFAN_TOKEN");
    provider_rig_attach(&f);
    assert_string_equal(f.core.hello.token, "from outside");
    cf_provider_free(f.provider);
    provider_core_fini(&f.core);
}

static void attach_waits_for_a_service_that_starts_later(void **state)
{
    (void)state;
    struct provider_rig f = {0};
    provider_core_init(&f.core, DOWN_SLOTS, UP_SLOTS);
    f.core.listen_after_ms = 50;
    f.provider = provider_rig_new(&f.core, 10, 10);
    provider_rig_attach(&f);
    cf_provider_free(f.provider);
    provider_core_fini(&f.core);
}

static void attach_tries_again_when_it_may(void **state)
{
    (void)state;
    const enum provider_core_answer answers[] = {CORE_SAYS_AGAIN, CORE_HANGS_UP};
    for (int i = 0; i < 2; i++) {
        struct provider_rig f = {0};
        provider_core_init(&f.core, DOWN_SLOTS, UP_SLOTS);
        f.core.answer = answers[i];
        f.provider = provider_rig_new(&f.core, 10, 10);
        provider_rig_attach(&f);
        assert_int_equal(f.core.accepted, 2);
        cf_provider_free(f.provider);
        provider_core_fini(&f.core);
    }
}

static void attach_without_a_service_ends_and_says_so(void **state)
{
    (void)state;
    struct provider_core core;
    char why[200] = "";
    provider_core_init(&core, DOWN_SLOTS, UP_SLOTS);
    struct cf_provider *p = provider_rig_new(&core, 10, 10);
    assert_int_equal(cf_provider_attach(p, 30 * CF_NS_PER_MS, why, sizeof why), -ENOENT);
    assert_non_null(strstr(why, core.path));
    assert_false(cf_provider_attached(p));
    cf_provider_free(p);
    provider_core_fini(&core);
}

static void attach_tells_what_is_wrong_with_the_service(void **state)
{
    (void)state;
    const struct {
        enum provider_core_answer answer;
        int rc;
        const char *word;
    } cases[] = {
        {CORE_REFUSES, -EACCES, "not you"},
        {CORE_OTHER_VERSION, -EPROTO, "layout version"},
        {CORE_TALKS_GARBAGE, -EPROTO, "not callfan"},
        {CORE_LEAVES_UNSEALED, -EPERM, "cannot be used"},
        {CORE_LIES_ABOUT_SIZE, -EPROTO, "cannot be used"},
        {CORE_WRONG_KIND, -EPROTO, "cannot be used"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct provider_core core;
        char why[200] = "";
        provider_core_init(&core, DOWN_SLOTS, UP_SLOTS);
        core.answer = cases[i].answer;
        struct cf_provider *p = provider_rig_new(&core, 10, 10);
        provider_core_serve(&core);
        assert_int_equal(cf_provider_attach(p, PATIENCE_S * CF_NS_PER_S, why, sizeof why), cases[i].rc);
        provider_core_served(&core);
        if (strstr(why, cases[i].word) == NULL)
            fail_msg("case %zu: \"%s\" does not say \"%s\"", i, why, cases[i].word);
        assert_false(cf_provider_attached(p));
        cf_provider_free(p);
        provider_core_fini(&core);
    }
}

static void options_that_cannot_be_are_refused(void **state)
{
    (void)state;
    struct cf_provider *p = NULL;
    char long_name[CF_NAME_MAX + 1];
    memset(long_name, 'n', sizeof long_name);
    long_name[CF_NAME_MAX] = '\0';
    const struct cf_provider_options options[] = {{.name = NULL},
                                                  {.name = ""},
                                                  {.name = long_name},
                                                  {.name = "a", .token = long_name},
                                                  {.name = "a", .calls_max = CF_CALLS_MAX + 1}};
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        assert_int_equal(cf_provider_new(&p, &options[i]), -EINVAL);
    assert_null(p);
}

/* ------------------------------------------------------------------ events */

static void the_snapshot_arrives_in_order(void **state)
{
    (void)state;
    struct provider_rig f;
    provider_rig_set_up(&f);
    const struct cf_line_info line = {
        .line = 7, .name = "Line 7", .address = "2007", .info = "test 1", .caps = {.calls_max = 3, .permanent_id = 9}};
    assert_true(cf_provider_snapshot_begin(f.provider));
    assert_true(cf_provider_post_line(f.provider, &line));
    const struct cf_new_call call = {.call = cf_provider_call_new(f.provider, NULL),
                                     .line = 7,
                                     .address = 1,
                                     .state = LINECALLSTATE_CONNECTED,
                                     .mode = LINECONNECTEDMODE_ACTIVE,
                                     .origin = LINECALLORIGIN_EXTERNAL,
                                     .reason = LINECALLREASON_DIRECT,
                                     .time_ns = 55,
                                     .caller = cf_text_of("100"),
                                     .called = cf_text_of("2007")};
    assert_true(cf_provider_post_new_call(f.provider, &call));
    assert_true(cf_provider_snapshot_end(f.provider));

    struct cf_field field;
    assert_int_equal(provider_rig_take(&f)->m.id, CF_EV_SNAPSHOT_BEGIN);
    const struct cf_record *r = provider_rig_take(&f);
    assert_int_equal(r->m.id, CF_EV_LINE);
    assert_int_equal(r->m.param1, 7);
    assert_true(cf_fields_find(r, CF_FIELD_NAME, &field) && field.bytes == 6 && memcmp(field.data, "Line 7", 6) == 0);
    assert_true(cf_fields_find(r, CF_FIELD_ADDRESS, &field) && field.bytes == 4 && memcmp(field.data, "2007", 4) == 0);
    assert_true(cf_fields_find(r, CF_FIELD_LINE_CAPS, &field) && field.bytes == sizeof line.caps);
    assert_memory_equal(field.data, &line.caps, sizeof line.caps);
    r = provider_rig_take(&f);
    assert_int_equal(r->m.id, CF_EV_NEW_CALL);
    assert_int_equal(r->m.device, call.call);
    assert_int_equal(r->m.param1, UINT64_C(1) << 32 | 7);
    assert_int_equal(r->m.param2, (uint64_t)LINECONNECTEDMODE_ACTIVE << 32 | LINECALLSTATE_CONNECTED);
    assert_int_equal(r->m.param3, (uint64_t)LINECALLORIGIN_EXTERNAL << 32 | LINEMEDIAMODE_INTERACTIVEVOICE);
    assert_int_equal(r->m.open_line, LINECALLREASON_DIRECT);
    assert_int_equal(r->m.time_ns, 55);
    assert_true(cf_fields_find(r, CF_FIELD_CALLER, &field) && field.bytes == 3 && memcmp(field.data, "100", 3) == 0);
    assert_int_equal(provider_rig_take(&f)->m.id, CF_EV_SNAPSHOT_END);
    provider_rig_no_event(&f);
    provider_rig_tear_down(&f);
}

static void *take_everything(void *arg)
{
    struct provider_rig *f = arg;
    struct cf_record r;
    for (int64_t end = provider_rig_soon(); cf_clock_ns() < end;) {
        if (!provider_core_take(&f->core, &r, true))
            sched_yield();
        else if (r.m.id == CF_EV_SNAPSHOT_END)
            return NULL;
    }
    return f;
}

static void a_snapshot_larger_than_the_ring_waits_for_room(void **state)
{
    (void)state;
    struct provider_rig f;
    pthread_t reader;
    void *result;
    provider_rig_set_up(&f);
    assert_int_equal(pthread_create(&reader, NULL, take_everything, &f), 0);
    assert_true(cf_provider_snapshot_begin(f.provider));
    for (uint32_t i = 0; i < 10 * UP_SLOTS; i++) {
        const struct cf_line_info line = {.line = i, .name = "a name"};
        assert_true(cf_provider_post_line(f.provider, &line));
    }
    assert_true(cf_provider_snapshot_end(f.provider));
    assert_int_equal(pthread_join(reader, &result), 0);
    assert_null(result);
    assert_int_equal(f.core.sequence, 10 * UP_SLOTS + 2);
    provider_rig_tear_down(&f);
}

static void long_texts_are_cut_and_none_is_sent_empty(void **state)
{
    (void)state;
    struct provider_rig f;
    provider_rig_set_up(&f);
    char text[3000];
    memset(text, 'x', sizeof text);
    const struct cf_text t = {text, sizeof text};
    const struct cf_new_call call = {.call = cf_provider_call_new(f.provider, NULL),
                                     .caller = t,
                                     .called = t,
                                     .caller_name = t,
                                     .called_name = {"", 0},
                                     .redirecting = t};
    assert_true(cf_provider_post_new_call(f.provider, &call));
    const struct cf_record *r = provider_rig_take(&f);
    struct cf_fields fields = cf_fields_of(r);
    struct cf_field field;
    unsigned n = 0;
    for (; cf_fields_next(&fields, &field); n++)
        assert_int_equal(field.bytes, 255);
    assert_int_equal(n, 4);
    assert_false(fields.bad);
    provider_rig_tear_down(&f);
}

static void an_ended_identifier_is_not_sent(void **state)
{
    (void)state;
    struct provider_rig f;
    provider_rig_set_up(&f);
    uint64_t call = provider_rig_call(&f);
    provider_rig_take(&f);
    assert_true(cf_provider_call_free(f.provider, call));
    assert_false(cf_provider_call_free(f.provider, call));
    assert_int_equal(provider_rig_post(&f, call, LINECALLSTATE_IDLE, 0), CF_POST_STALE);
    assert_int_equal(provider_rig_post(&f, 0, LINECALLSTATE_IDLE, 0), CF_POST_STALE);
    assert_int_equal(provider_rig_post(&f, UINT64_MAX, LINECALLSTATE_IDLE, 0), CF_POST_STALE);
    const struct cf_new_call again = {.call = call};
    assert_false(cf_provider_post_new_call(f.provider, &again));
    assert_int_equal(provider_rig_counters(&f).stale, 4);
    provider_rig_no_event(&f);
    provider_rig_tear_down(&f);
}

static void identifiers_carry_their_user_and_are_never_the_same(void **state)
{
    (void)state;
    struct provider_rig f;
    provider_rig_set_up_sized(&f, 4, 16);
    uint64_t calls[4], former[4] = {0};
    int user[4];
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 4; i++) {
            calls[i] = cf_provider_call_new(f.provider, &user[i]);
            assert_int_not_equal(calls[i], 0);
            assert_int_equal(cf_handle_kind(calls[i]), CF_KIND_PROVIDER);
            for (int k = 0; k < 4; k++)
                assert_int_not_equal(calls[i], former[k]);
        }
        assert_int_equal(cf_provider_call_new(f.provider, NULL), 0); /* all four are alive */
        assert_int_equal(cf_provider_calls(f.provider), 4);
        for (int i = 0; i < 4; i++) {
            assert_ptr_equal(cf_provider_call_user(f.provider, calls[i]), &user[i]);
            assert_true(cf_provider_call_free(f.provider, calls[i]));
            assert_null(cf_provider_call_user(f.provider, calls[i]));
            former[i] = calls[i];
        }
    }
    provider_rig_tear_down(&f);
}

/* ------------------------------------------------------------------ a full ring */

static void a_full_ring_keeps_the_newest_state_of_each_call(void **state)
{
    (void)state;
    struct provider_rig f;
    provider_rig_set_up(&f);
    uint64_t one = provider_rig_call(&f), two = provider_rig_call(&f);
    unsigned filled = provider_rig_fill(&f, one);
    assert_int_equal(filled, UP_SLOTS - 2 - 0);
    assert_int_equal(provider_rig_post(&f, two, LINECALLSTATE_CONNECTED, 1), CF_POST_WAITS);
    assert_int_equal(provider_rig_post(&f, two, LINECALLSTATE_ONHOLD, 0), CF_POST_WAITS);
    const struct cf_call_state last = {.state = LINECALLSTATE_DISCONNECTED,
                                       .mode = LINEDISCONNECTMODE_BUSY,
                                       .time_ns = 77,
                                       .raw_cause = cf_text_of("SIP 486")};
    assert_int_equal(cf_provider_post_call_state(f.provider, two, &last), CF_POST_WAITS);
    struct cf_provider_counters c = provider_rig_counters(&f);
    assert_int_equal(c.states_kept, 2); /* one of each call */
    assert_int_equal(c.states_merged, 2);
    char why[200] = "";
    if (!cf_provider_check(f.provider, why, sizeof why))
        fail_msg("%s", why);

    for (unsigned i = 0; i < 2 + filled; i++)
        provider_rig_take(&f);
    provider_rig_no_event(&f);
    cf_provider_flush(f.provider);
    const struct cf_record *r = provider_rig_take(&f);
    assert_int_equal(r->m.device, one);
    assert_int_equal(r->m.param2, filled); /* the one that found no room */
    r = provider_rig_take(&f);
    assert_int_equal(r->m.device, two);
    assert_int_equal(r->m.param1, LINECALLSTATE_DISCONNECTED);
    assert_int_equal(r->m.param2, LINEDISCONNECTMODE_BUSY);
    assert_int_equal(r->m.time_ns, 77);
    struct cf_field field;
    assert_true(cf_fields_find(r, CF_FIELD_RAW_CAUSE, &field) && field.bytes == 7 &&
                memcmp(field.data, "SIP 486", 7) == 0);
    provider_rig_no_event(&f);
    assert_int_equal(provider_rig_post(&f, one, LINECALLSTATE_IDLE, 0), CF_POSTED);
    provider_rig_tear_down(&f);
}

/* Of CONFERENCED the parent waits with it, and is gone with the next state. */
static void a_waiting_member_names_its_conference(void **state)
{
    (void)state;
    struct provider_rig f;
    provider_rig_set_up(&f);
    uint64_t one = provider_rig_call(&f), two = provider_rig_call(&f), parent = provider_rig_call(&f);
    struct cf_call_state conferenced = {
        .state = LINECALLSTATE_CONFERENCED, .mode = 5, .raw_cause = cf_text_of("none"), .parent = parent};
    assert_int_equal(cf_provider_post_call_state(f.provider, one, &conferenced), CF_POSTED);
    unsigned filled = provider_rig_fill(&f, parent);
    const struct cf_call_state busy = {.state = LINECALLSTATE_BUSY, .raw_cause = cf_text_of("SIP 486")};
    assert_int_equal(cf_provider_post_call_state(f.provider, one, &busy), CF_POST_WAITS);
    assert_int_equal(cf_provider_post_call_state(f.provider, one, &conferenced), CF_POST_WAITS);
    assert_int_equal(cf_provider_post_call_state(f.provider, two, &conferenced), CF_POST_WAITS);
    assert_int_equal(provider_rig_post(&f, two, LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE), CF_POST_WAITS);
    for (unsigned i = 0; i < 3; i++)
        provider_rig_take(&f);
    const struct cf_record *r = provider_rig_take(&f);
    assert_int_equal(r->m.device, one);
    assert_true(r->m.param2 == parent);
    for (unsigned i = 0; i < filled; i++)
        provider_rig_take(&f);
    cf_provider_flush(f.provider);
    struct cf_field field;
    provider_rig_take(&f); /* the one that found no room */
    r = provider_rig_take(&f);
    assert_int_equal(r->m.device, one);
    assert_int_equal(r->m.param1, LINECALLSTATE_CONFERENCED);
    assert_true(r->m.param2 == parent);
    assert_false(cf_fields_find(r, CF_FIELD_RAW_CAUSE, &field));
    r = provider_rig_take(&f);
    assert_int_equal(r->m.device, two);
    assert_int_equal(r->m.param2, LINECONNECTEDMODE_ACTIVE);
    assert_false(cf_fields_find(r, CF_FIELD_RAW_CAUSE, &field));
    provider_rig_no_event(&f);
    provider_rig_tear_down(&f);
}

static void a_freed_call_waits_no_more(void **state)
{
    (void)state;
    struct provider_rig f;
    provider_rig_set_up(&f);
    uint64_t calls[5];
    for (int i = 0; i < 5; i++)
        calls[i] = provider_rig_call(&f);
    unsigned filled = provider_rig_fill(&f, calls[0]);
    for (int i = 1; i < 5; i++)
        assert_int_equal(provider_rig_post(&f, calls[i], LINECALLSTATE_CONNECTED, (uint32_t)i), CF_POST_WAITS);
    assert_true(cf_provider_call_free(f.provider, calls[0])); /* first of the list */
    assert_true(cf_provider_call_free(f.provider, calls[2])); /* in the middle */
    assert_true(cf_provider_call_free(f.provider, calls[4])); /* last */
    for (unsigned i = 0; i < 5 + filled; i++)
        provider_rig_take(&f);
    cf_provider_flush(f.provider);
    assert_int_equal(provider_rig_take(&f)->m.device, calls[1]);
    assert_int_equal(provider_rig_take(&f)->m.device, calls[3]);
    provider_rig_no_event(&f);
    provider_rig_tear_down(&f);
}

static void a_full_ring_refuses_new_calls_and_turns_ready_off(void **state)
{
    (void)state;
    struct provider_rig f;
    provider_rig_set_up(&f);
    struct cf_record r;
    uint64_t call = provider_rig_call(&f);
    assert_true(cf_provider_ready(f.provider));
    unsigned n = 1;
    for (; cf_provider_ready(f.provider); n++)
        assert_int_equal(provider_rig_post(&f, call, LINECALLSTATE_ONHOLD, 0), CF_POSTED);
    assert_int_equal(UP_SLOTS - n, UP_SLOTS / 8 - 1); /* told while an eighth was left, to end what it had begun */
    n += provider_rig_fill(&f, call);
    struct cf_new_call refused = {.call = cf_provider_call_new(f.provider, NULL)};
    assert_false(cf_provider_post_new_call(f.provider, &refused));
    assert_int_equal(provider_rig_counters(&f).new_calls_refused, 1);
    assert_false(cf_provider_post_line_close(f.provider, 0));
    for (unsigned i = 0; i < UP_SLOTS / 4; i++) {
        assert_false(cf_provider_ready(f.provider));
        assert_true(provider_core_take(&f.core, &r, true));
    }
    assert_false(cf_provider_ready(f.provider)); /* a state still waits */
    cf_provider_flush(f.provider);
    assert_true(provider_core_take(&f.core, &r, true));
    assert_true(cf_provider_ready(f.provider));
    provider_rig_tear_down(&f);
}

static void ready_turns_on_again_at_a_quarter(void **state)
{
    (void)state;
    struct provider_rig f;
    provider_rig_set_up(&f);
    struct cf_record r;
    uint64_t call = provider_rig_call(&f);
    while (cf_provider_ready(f.provider))
        assert_int_equal(provider_rig_post(&f, call, LINECALLSTATE_ONHOLD, 0), CF_POSTED);
    unsigned free_slots = UP_SLOTS / 8 - 1;
    for (; free_slots < UP_SLOTS / 4; free_slots++) {
        assert_false(cf_provider_ready(f.provider));
        assert_true(provider_core_take(&f.core, &r, true));
    }
    assert_true(cf_provider_ready(f.provider));
    provider_rig_tear_down(&f);
}

static void replies_are_never_lost_and_nothing_overtakes_them(void **state)
{
    (void)state;
    struct provider_rig f;
    provider_rig_set_up(&f);
    struct cf_command command;
    uint64_t call = provider_rig_call(&f);
    unsigned filled = provider_rig_fill(&f, call);
    for (uint64_t number = 1; number <= 10; number++) {
        provider_core_command(&f.core, CF_CMD_DROP, call, number, 0);
        assert_true(cf_provider_next_command(f.provider, &command));
        cf_provider_reply(f.provider, command.number, (int32_t)LINEERR_OPERATIONFAILED, command.call);
    }
    assert_int_equal(provider_rig_counters(&f).replies_waited, 10);
    for (unsigned i = 0; i < 1 + filled; i++)
        provider_rig_take(&f);
    /* There is room now, but a call that a waiting reply announces must not be spoken of before it. */
    assert_int_equal(provider_rig_post(&f, call, LINECALLSTATE_IDLE, 0), CF_POST_WAITS);
    struct cf_new_call early = {.call = cf_provider_call_new(f.provider, NULL)};
    assert_false(cf_provider_post_new_call(f.provider, &early));
    cf_provider_flush(f.provider);
    for (uint64_t number = 1; number <= 10; number++) {
        const struct cf_record *r = provider_rig_take(&f);
        assert_int_equal(r->m.id, CF_EV_REPLY);
        assert_int_equal(r->m.param1, number);
        assert_int_equal(r->m.param2, (uint32_t)LINEERR_OPERATIONFAILED);
        assert_int_equal(r->m.device, call);
    }
    assert_int_equal(provider_rig_take(&f)->m.param1, LINECALLSTATE_IDLE);
    provider_rig_tear_down(&f);
}

/* ------------------------------------------------------------------ the end of the core */

static void a_hang_up_is_seen_and_live_calls_outlast_it(void **state)
{
    (void)state;
    struct provider_rig f;
    struct cf_command c;
    provider_rig_set_up(&f);
    uint64_t call = provider_rig_call(&f);
    uint64_t waits = provider_rig_call(&f);
    provider_rig_fill(&f, waits);
    cf_provider_turn(f.provider, f.reactor, 0);
    provider_core_hang_up(&f.core);
    for (int64_t end = provider_rig_soon(); cf_provider_attached(f.provider) && cf_clock_ns() < end;)
        assert_true(cf_provider_turn(f.provider, f.reactor, end) >= 0);
    assert_false(cf_provider_attached(f.provider));
    assert_false(cf_provider_ready(f.provider));
    assert_false(cf_provider_next_command(f.provider, &c));
    assert_int_equal(provider_rig_post(&f, call, LINECALLSTATE_CONNECTED, 0), CF_POST_STALE);
    cf_provider_reply(f.provider, 1, 0, call); /* to a core that is gone: nothing */
    cf_provider_flush(f.provider);
    assert_true(cf_provider_turn(f.provider, f.reactor, cf_clock_ns()) >= 0);

    provider_rig_attach(&f); /* to another core */
    assert_true(cf_provider_snapshot_begin(f.provider));
    const struct cf_new_call again = {.call = call, .state = LINECALLSTATE_CONNECTED};
    assert_true(cf_provider_post_new_call(f.provider, &again));
    assert_true(cf_provider_snapshot_end(f.provider));
    assert_int_equal(provider_rig_take(&f)->m.id, CF_EV_SNAPSHOT_BEGIN);
    assert_int_equal(provider_rig_take(&f)->m.device, call);
    assert_int_equal(provider_rig_take(&f)->m.id, CF_EV_SNAPSHOT_END);
    provider_rig_no_event(&f); /* what waited for the former core is gone */
    assert_true(cf_provider_turn(f.provider, f.reactor, 0) >= 0);
    provider_rig_tear_down(&f);
}

static void what_the_door_says_unasked_is_no_hang_up(void **state)
{
    (void)state;
    struct provider_rig f;
    provider_rig_set_up(&f);
    assert_int_equal(cf_socket_send(f.core.socket, "hello?", 6, NULL, 0), 0);
    for (int i = 0; i < 3; i++)
        assert_true(cf_provider_turn(f.provider, f.reactor, cf_clock_ns() + CF_NS_PER_MS) >= 0);
    assert_true(cf_provider_attached(f.provider));
    provider_rig_tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attach_says_who_it_is_and_maps_the_port),
        cmocka_unit_test(the_token_comes_from_the_environment),
        cmocka_unit_test(attach_waits_for_a_service_that_starts_later),
        cmocka_unit_test(attach_tries_again_when_it_may),
        cmocka_unit_test(attach_without_a_service_ends_and_says_so),
        cmocka_unit_test(attach_tells_what_is_wrong_with_the_service),
        cmocka_unit_test(options_that_cannot_be_are_refused),
        cmocka_unit_test(the_snapshot_arrives_in_order),
        cmocka_unit_test(a_snapshot_larger_than_the_ring_waits_for_room),
        cmocka_unit_test(long_texts_are_cut_and_none_is_sent_empty),
        cmocka_unit_test(an_ended_identifier_is_not_sent),
        cmocka_unit_test(identifiers_carry_their_user_and_are_never_the_same),
        cmocka_unit_test(a_full_ring_keeps_the_newest_state_of_each_call),
        cmocka_unit_test(a_waiting_member_names_its_conference),
        cmocka_unit_test(a_freed_call_waits_no_more),
        cmocka_unit_test(a_full_ring_refuses_new_calls_and_turns_ready_off),
        cmocka_unit_test(ready_turns_on_again_at_a_quarter),
        cmocka_unit_test(replies_are_never_lost_and_nothing_overtakes_them),
        cmocka_unit_test(a_hang_up_is_seen_and_live_calls_outlast_it),
        cmocka_unit_test(what_the_door_says_unasked_is_no_hang_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
