/*
 * Commands, and who sleeps and is woken for them: the adapter's side of a port against a core played by the test.
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

/* ------------------------------------------------------------------ commands */

static void commands_are_read_with_their_fields(void **state)
{
    (void)state;
    struct provider_rig f;
    provider_rig_set_up(&f);
    struct cf_command c;
    struct cf_record r = {
        .m = {.id = CF_CMD_MAKE_CALL, .param1 = 5, .param2 = UINT64_C(2) << 32 | 3, .param3 = 49, .time_ns = 1}};
    const struct cf_call_params params = {.media_mode = LINEMEDIAMODE_AUTOMATEDVOICE, .address_id = 2};
    assert_true(cf_fields_append_text(&r, CF_FIELD_DESTINATION, "0123"));
    assert_true(cf_fields_append(&r, CF_FIELD_CALL_PARAMS, &params, sizeof params));
    assert_true(cf_ring_put(&f.core.commands, &r));
    provider_core_command(&f.core, CF_CMD_OPEN_LINE, 0, 3, LINEMEDIAMODE_INTERACTIVEVOICE);
    provider_core_command(&f.core, CF_CMD_REFUSED, 99, CF_REFUSAL_OVERLOAD, 0);
    provider_core_command(&f.core, 0x4999, 0, 0, 0);   /* of a core to come: passed over */
    provider_core_command(&f.core, 0x4998, 98, 55, 7); /* the same, and somebody waits */
    provider_core_command(&f.core, CF_CMD_SET_MEDIA_MODE, 98, 0, LINEMEDIAMODE_G3FAX);
    provider_core_command(&f.core, CF_CMD_CLOSE_CALL, 98, 0, 0);

    assert_true(cf_provider_next_command(f.provider, &c));
    assert_int_equal(c.id, CF_CMD_MAKE_CALL);
    assert_int_equal(c.number, 5);
    assert_int_equal(c.line, 3);
    assert_int_equal(c.address, 2);
    assert_int_equal(c.country, 49);
    assert_int_equal(c.destination.bytes, 4);
    assert_memory_equal(c.destination.at, "0123", 4);
    assert_memory_equal(&c.params, &params, sizeof params);
    assert_true(cf_provider_next_command(f.provider, &c));
    assert_int_equal(c.id, CF_CMD_OPEN_LINE);
    assert_int_equal(c.line, 3);
    assert_int_equal(c.media_modes, LINEMEDIAMODE_INTERACTIVEVOICE);
    assert_int_equal(c.destination.bytes, 0); /* nothing left of the former command */
    assert_true(cf_provider_next_command(f.provider, &c));
    assert_int_equal(c.id, CF_CMD_REFUSED);
    assert_int_equal(c.refusal, CF_REFUSAL_OVERLOAD);
    assert_int_equal(c.call, 99);
    assert_int_equal(c.number, 0);
    assert_true(cf_provider_next_command(f.provider, &c));
    assert_int_equal(c.id, CF_CMD_SET_MEDIA_MODE);
    assert_int_equal(c.call, 98);
    assert_int_equal(c.media_modes, LINEMEDIAMODE_G3FAX);
    assert_true(cf_provider_next_command(f.provider, &c));
    assert_int_equal(c.id, CF_CMD_CLOSE_CALL);
    assert_false(cf_provider_next_command(f.provider, &c));
    assert_int_equal(f.core.up->down_ack, f.core.commands.tail);
    assert_int_equal(f.core.up->messages_acked, 7);
    const struct cf_record *reply = provider_rig_take(&f);
    assert_int_equal(reply->m.id, CF_EV_REPLY);
    assert_int_equal(reply->m.param1, 55);
    assert_int_equal(reply->m.param2, (uint32_t)LINEERR_OPERATIONUNAVAIL);
    assert_int_equal(reply->m.device, 98);
    provider_rig_no_event(&f);
    assert_false(cf_command_wants_reply(CF_CMD_CLOSE_CALL));
    assert_false(cf_command_wants_reply(CF_CMD_SET_MEDIA_MODE));
    assert_true(cf_command_wants_reply(CF_CMD_MAKE_CALL));
    assert_true(cf_command_wants_reply(CF_CMD_DROP));
    provider_rig_tear_down(&f);
}

static void the_core_may_send_more_commands_than_its_ring_holds(void **state)
{
    (void)state;
    struct provider_rig f;
    provider_rig_set_up(&f);
    struct cf_command c;
    uint64_t sent = 0, got = 0;
    for (int64_t end = provider_rig_soon(); got < 3 * DOWN_SLOTS && cf_clock_ns() < end;) {
        while (sent < 3 * DOWN_SLOTS && cf_ring_free(&f.core.commands) > 0)
            provider_core_command(&f.core, CF_CMD_CLOSE_CALL, sent++, 0, 0);
        while (cf_provider_next_command(f.provider, &c))
            assert_int_equal(c.call, got++);
    }
    assert_int_equal(got, 3 * DOWN_SLOTS);
    provider_rig_tear_down(&f);
}

static void unanswered_commands_are_bounded(void **state)
{
    (void)state;
    struct provider_rig f;
    provider_rig_set_up_sized(&f, 10, 4);
    struct cf_command c;
    for (int i = 0; i < 6; i++) /* those that want no reply do not count */
        provider_core_command(&f.core, i % 2 == 0 ? CF_CMD_SET_MEDIA_MODE : CF_CMD_CLOSE_CALL, 1, 0, 4);
    for (int i = 0; i < 6; i++)
        assert_true(cf_provider_next_command(f.provider, &c));
    for (uint64_t number = 1; number <= 6; number++)
        provider_core_command(&f.core, CF_CMD_ANSWER, 1, number, 0);
    for (int i = 0; i < 4; i++)
        assert_true(cf_provider_next_command(f.provider, &c));
    assert_false(cf_provider_next_command(f.provider, &c));
    int64_t begin = cf_clock_ns();
    assert_true(cf_provider_turn(f.provider, f.reactor, begin + PATIENCE_S * CF_NS_PER_S) >=
                0); /* neither spins nor hangs */
    assert_true(cf_clock_ns() - begin >= CF_NS_PER_MS / 2);
    cf_provider_reply(f.provider, 1, 0, 1);
    assert_true(cf_provider_next_command(f.provider, &c));
    assert_int_equal(c.number, 5);
    assert_false(cf_provider_next_command(f.provider, &c));
    provider_rig_tear_down(&f);
}

/* ------------------------------------------------------------------ bells and sleep */

static void the_core_is_rung_only_when_it_sleeps(void **state)
{
    (void)state;
    struct provider_rig f;
    provider_rig_set_up(&f);
    provider_rig_call(&f);
    cf_provider_flush(f.provider);
    assert_int_equal(cf_bell_drain(f.core.up_bell), 0);
    cf_store_relaxed_32(&f.core.down->up.sleeping, 1);
    cf_provider_flush(f.provider); /* nothing new */
    assert_int_equal(cf_bell_drain(f.core.up_bell), 0);
    provider_rig_call(&f);
    cf_provider_flush(f.provider);
    assert_int_equal(cf_bell_drain(f.core.up_bell), 1);
    assert_int_equal(provider_rig_counters(&f).bells_rung, 1);
    provider_rig_tear_down(&f);
}

/* Waits until the provider sleeps, then sends a command. */
static void *command_a_sleeper(void *arg)
{
    struct provider_rig *f = arg;
    for (int64_t end = provider_rig_soon(); cf_load_acquire_64(&f->core.up->wake_at) == 0 && cf_clock_ns() < end;)
        sched_yield();
    return provider_core_command(&f->core, CF_CMD_OPEN_LINE, 0, 1, 0) ? f : NULL;
}

static void a_command_wakes_a_sleeping_provider(void **state)
{
    (void)state;
    struct provider_rig f;
    struct cf_command c;
    provider_rig_set_up(&f);
    for (int round = 0; round < 20; round++) {
        pthread_t thread;
        void *rang;
        assert_int_equal(pthread_create(&thread, NULL, command_a_sleeper, &f), 0);
        int64_t end = provider_rig_soon();
        bool got = false;
        while (!(got = cf_provider_next_command(f.provider, &c)) && cf_clock_ns() < end)
            assert_true(cf_provider_turn(f.provider, f.reactor, end) >= 0);
        assert_true(got);
        assert_int_equal(pthread_join(thread, &rang), 0);
        assert_ptr_equal(rang, &f);
        assert_int_equal(f.core.up->wake_at, 0);
    }
    provider_rig_tear_down(&f);
}

enum { GATHER_US = 5000 };

static void set_up_gathering(struct provider_rig *f)
{
    char why[200];
    memset(f, 0, sizeof *f);
    provider_core_init(&f->core, DOWN_SLOTS, UP_SLOTS);
    const struct cf_provider_options options = {
        .socket_path = f->core.path, .name = "test", .token = "secret", .gather_us = GATHER_US};
    assert_int_equal(cf_provider_new(&f->provider, &options), 0);
    assert_int_equal(cf_reactor_open(&f->reactor, NULL, why, sizeof why), 0);
    provider_rig_attach(f);
}

static void who_was_woken_gathers_before_the_next_sleep(void **state)
{
    (void)state;
    struct provider_rig f;
    struct cf_command c;
    set_up_gathering(&f);
    const int64_t before = cf_clock_ns();
    assert_false(provider_core_command(&f.core, CF_CMD_OPEN_LINE, 0, 1, 0));
    assert_true(cf_provider_turn(f.provider, f.reactor, CF_REACTOR_NEVER) >= 0);
    assert_true(cf_provider_next_command(f.provider, &c));
    assert_false(cf_provider_next_command(f.provider, &c));
    /* Nothing comes, and yet it does not sleep for ever: it looks at the ring when the time is over. */
    assert_int_equal(cf_provider_turn(f.provider, f.reactor, CF_REACTOR_NEVER), 0);
    assert_true(cf_clock_ns() >= before + GATHER_US * CF_NS_PER_US);
    assert_int_equal(provider_rig_counters(&f).bells_heard, 0);
    provider_rig_tear_down(&f);
}

static void a_command_wakes_who_gathered(void **state)
{
    (void)state;
    struct provider_rig f;
    struct cf_command c;
    set_up_gathering(&f);
    for (int round = 0; round < 5; round++) {
        pthread_t thread;
        void *rang;
        assert_int_equal(pthread_create(&thread, NULL, command_a_sleeper, &f), 0);
        int64_t end = provider_rig_soon();
        bool got = false;
        while (!(got = cf_provider_next_command(f.provider, &c)) && cf_clock_ns() < end)
            assert_true(cf_provider_turn(f.provider, f.reactor, end) >= 0);
        assert_true(got);
        assert_int_equal(pthread_join(thread, &rang), 0);
        assert_ptr_equal(rang, &f);
    }
    provider_rig_tear_down(&f);
}

static void a_command_that_is_there_keeps_it_from_sleeping(void **state)
{
    (void)state;
    struct provider_rig f;
    struct cf_command c;
    provider_rig_set_up(&f);
    assert_false(provider_core_command(&f.core, CF_CMD_OPEN_LINE, 0, 1, 0));     /* awake: no bell */
    assert_true(cf_provider_turn(f.provider, f.reactor, CF_REACTOR_NEVER) >= 0); /* or the test ends here */
    assert_true(cf_provider_next_command(f.provider, &c));
    provider_rig_tear_down(&f);
}

static void a_full_ring_is_looked_at_again_soon(void **state)
{
    (void)state;
    struct provider_rig f;
    provider_rig_set_up(&f);
    uint64_t call = provider_rig_call(&f);
    unsigned filled = provider_rig_fill(&f, call);
    for (int i = 0; i < 3; i++) /* nobody wakes it: it must come back by itself, or the test ends here */
        assert_true(cf_provider_turn(f.provider, f.reactor, CF_REACTOR_NEVER) >= 0);
    for (unsigned i = 0; i < 1 + filled; i++)
        provider_rig_take(&f);
    provider_rig_no_event(&f);
    assert_true(cf_provider_turn(f.provider, f.reactor, 0) >= 0);
    assert_int_equal(provider_rig_take(&f)->m.param2, filled);
    provider_rig_tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_are_read_with_their_fields),
        cmocka_unit_test(the_core_may_send_more_commands_than_its_ring_holds),
        cmocka_unit_test(unanswered_commands_are_bounded),
        cmocka_unit_test(the_core_is_rung_only_when_it_sleeps),
        cmocka_unit_test(a_command_wakes_a_sleeping_provider),
        cmocka_unit_test(who_was_woken_gathers_before_the_next_sleep),
        cmocka_unit_test(a_command_wakes_who_gathered),
        cmocka_unit_test(a_command_that_is_there_keeps_it_from_sleeping),
        cmocka_unit_test(a_full_ring_is_looked_at_again_soon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
