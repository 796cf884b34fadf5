/* Who listens to the digits of calls: what is told, what is gathered and how it ends, in the order of time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/provider/clock.h"
#include "adapters/provider/listening.h"
#include "tests/support/provider_rig.h"

enum { CALLS = 200, COMMANDS = 256, GATHERINGS = 100 };

struct fixture {
    struct provider_rig rig;
    struct cf_listening *listening;
    uint64_t call;
    char said[4096];
};

static struct fixture f;

static int set_up(void **state)
{
    (void)state;
    memset(&f, 0, sizeof f);
    provider_rig_set_up_sized(&f.rig, CALLS, COMMANDS);
    assert_int_equal(cf_listening_new(&f.listening, f.rig.provider, CALLS, GATHERINGS), 0);
    f.call = cf_provider_call_new(f.rig.provider, NULL);
    assert_true(f.call != 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    assert_true(cf_listening_check(f.listening));
    cf_listening_free(f.listening);
    provider_rig_tear_down(&f.rig);
    return 0;
}

/* Commands go through the ring, so that the replies are owed. */
static void command(uint16_t id, uint64_t call, uint64_t p1, uint64_t p2, uint64_t p3, const char *ends, int64_t now_ns)
{
    struct cf_command c;
    struct cf_record r = {.m = {.id = id, .device = call, .param1 = p1, .param2 = p2, .param3 = p3}};
    cf_fields_append_text(&r, CF_FIELD_TERMINATION_DIGITS, ends);
    assert_true(cf_ring_put(&f.rig.core.commands, &r));
    assert_true(cf_provider_next_command(f.rig.provider, &c));
    cf_listening_command(f.listening, &c, now_ns);
    assert_true(cf_listening_check(f.listening));
}

static void gather(uint64_t call, uint64_t number, uint32_t wanted, const char *ends, uint64_t first_ms,
                   uint64_t between_ms, int64_t now_ns)
{
    command(CF_CMD_GATHER_DIGITS, call, number, LINEDIGITMODE_DTMF | (uint64_t)wanted << 32,
            first_ms | between_ms << 32, ends, now_ns);
}

static void monitor(uint64_t call, uint32_t modes)
{
    command(CF_CMD_MONITOR_DIGITS, call, 0, modes, 0, NULL, 0);
}

static void digits(uint64_t call, const char *text, int64_t now_ns)
{
    for (; *text != '\0'; text++)
        cf_listening_digit(f.listening, call, *text, LINEDIGITMODE_DTMF, now_ns);
    assert_true(cf_listening_check(f.listening));
}

/* What came up since: "D5" a digit, "N:H=digits" gathered by command N with LINEGATHERTERM_ H, "N!error" a failure. */
static void heard(const char *wanted)
{
    struct cf_record r;
    f.said[0] = '\0';
    cf_provider_flush(f.rig.provider);
    while (provider_core_take(&f.rig.core, &r, true)) {
        char *at = f.said + strlen(f.said);
        const size_t left = sizeof f.said - strlen(f.said);
        struct cf_field field = {0};
        cf_fields_find(&r, CF_FIELD_DIGITS, &field);
        if (r.m.id == CF_EV_DIGIT)
            snprintf(at, left, "D%c ", (char)r.m.param1);
        else if (r.m.id == CF_EV_REPLY && r.m.param2 != 0)
            snprintf(at, left, "%u!%x ", (unsigned)r.m.param1, (unsigned)r.m.param2);
        else if (r.m.id == CF_EV_REPLY)
            snprintf(at, left, "%u:%u=%.*s ", (unsigned)r.m.param1, (unsigned)r.m.param3, (int)field.bytes,
                     (const char *)field.data);
    }
    assert_string_equal(f.said, wanted);
}

static void only_what_somebody_listens_for_is_told(void **state)
{
    (void)state;
    digits(f.call, "1", 0);
    heard("");
    monitor(f.call, LINEDIGITMODE_DTMFEND);
    digits(f.call, "2", 0);
    heard("");
    monitor(f.call, LINEDIGITMODE_DTMF | LINEDIGITMODE_DTMFEND);
    digits(f.call, "34", 0);
    digits(f.call + 1, "5", 0); /* another one */
    heard("D3 D4 ");
    gather(f.call, 1, 2, NULL, 0, 0, 0);
    digits(f.call, "67", 0);
    heard("D6 D7 1:1=67 ");
    monitor(f.call, 0);
    digits(f.call, "8", 0);
    heard("");
    monitor(f.call, LINEDIGITMODE_DTMF);
    cf_listening_end(f.listening, f.call);
    digits(f.call, "9", 0);
    heard("");
}

static void a_gathering_ends_in_each_of_the_ways(void **state)
{
    (void)state;
    const int64_t ms = CF_NS_PER_MS;
    gather(f.call, 1, 3, "#", 0, 0, 0);
    digits(f.call, "12", 0);
    assert_true(cf_listening_due(f.listening) == CF_REACTOR_NEVER);
    heard("");
    digits(f.call, "3", 0);
    heard("1:1=123 ");
    gather(f.call, 2, 9, "#*", 0, 0, 0);
    digits(f.call, "4*5", 0);
    heard("2:2=4* ");
    gather(f.call, 3, 9, "", 100, 50, 0);
    assert_int_equal(cf_listening_due(f.listening), 100 * ms);
    assert_int_equal(cf_listening_expire(f.listening, 100 * ms - 1), 0);
    assert_int_equal(cf_listening_expire(f.listening, 100 * ms), 1);
    heard("3:4= ");
    gather(f.call, 4, 9, "", 100, 50, 0);
    digits(f.call, "6", 90 * ms);
    assert_int_equal(cf_listening_due(f.listening), 140 * ms);
    digits(f.call, "7", 100 * ms);
    assert_int_equal(cf_listening_expire(f.listening, 149 * ms), 0);
    assert_int_equal(cf_listening_expire(f.listening, 150 * ms), 1);
    heard("4:8=67 ");
    gather(f.call, 5, 9, "", 0, 0, 0);
    digits(f.call, "8", 0);
    gather(f.call, 6, 9, "", 0, 0, 0); /* ends the one before, its reply first */
    heard("5:16=8 ");
    gather(f.call, 0, 0, NULL, 0, 0, 0); /* only stops */
    heard("6:16= 0:0= ");
    gather(f.call, 0, 0, NULL, 0, 0, 0);
    heard("0:0= ");
    gather(f.call, 7, 9, NULL, 5, 5, 0);
    digits(f.call, "0", 0);
    cf_listening_end(f.listening, f.call);
    cf_listening_end(f.listening, f.call);
    heard("7:16=0 ");
    assert_true(cf_listening_due(f.listening) == CF_REACTOR_NEVER);
    assert_int_equal(cf_listening_expire(f.listening, 1000 * ms), 0);
}

static void many_end_in_the_order_of_their_time(void **state)
{
    (void)state;
    uint64_t calls[GATHERINGS + 1];
    char wanted[32];
    uint32_t seed = 1;
    for (uint32_t round = 0; round < 5; round++) {
        uint32_t due[GATHERINGS], ended = 0;
        for (uint32_t i = 0; i <= GATHERINGS && round == 0; i++)
            calls[i] = cf_provider_call_new(f.rig.provider, NULL);
        for (uint32_t i = 0; i < GATHERINGS; i++) {
            seed = seed * 1103515245 + 12345;
            due[i] = 1 + seed % 997;
            gather(calls[i], i + 1, 5, "#", due[i], due[i], 0);
        }
        gather(calls[GATHERINGS], 1000, 5, "#", 1, 1, 0);
        snprintf(wanted, sizeof wanted, "1000!%x ", (unsigned)LINEERR_RESOURCEUNAVAIL);
        heard(wanted);
        for (uint32_t i = 0; i < GATHERINGS; i += 3) { /* some end before, some are put off */
            if (i % 2 == 0)
                cf_listening_end(f.listening, calls[i]);
            else
                digits(calls[i], "1", (int64_t)500 * CF_NS_PER_MS);
            due[i] = i % 2 == 0 ? UINT32_MAX : due[i] + 500;
            ended += i % 2 == 0;
            assert_true(cf_listening_check(f.listening));
        }
        for (uint32_t ms = 0; ms < 2000; ms++) {
            uint32_t now = 0;
            for (uint32_t i = 0; i < GATHERINGS; i++)
                now += due[i] == ms;
            assert_int_equal(cf_listening_expire(f.listening, ms * CF_NS_PER_MS), now);
            assert_true(cf_listening_check(f.listening));
            ended += now;
        }
        assert_int_equal(ended, GATHERINGS);
        struct cf_record r;
        cf_provider_flush(f.rig.provider);
        for (uint32_t replies = 0; replies < GATHERINGS; replies++)
            assert_true(provider_core_take(&f.rig.core, &r, true) && r.m.id == CF_EV_REPLY && r.m.param2 == 0);
        heard("");
    }
}

static void a_full_ring_loses_no_gathering(void **state)
{
    (void)state;
    struct cf_record r;
    monitor(f.call, LINEDIGITMODE_DTMF);
    gather(f.call, 1, 3, NULL, 0, 0, 0);
    while (cf_provider_post_heard(f.rig.provider, f.call,
                                  &(struct cf_heard){.event = CF_EV_DIGIT, .what = 'D', .detail = LINEDIGITMODE_DTMF}))
        continue;
    digits(f.call, "123", 0);
    for (uint32_t i = 0; i < UP_SLOTS; i++)
        assert_true(provider_core_take(&f.rig.core, &r, true) && r.m.id == CF_EV_DIGIT && r.m.param1 == 'D');
    heard("1:1=123 ");
}

static void another_call_in_the_same_place_inherits_nothing(void **state)
{
    (void)state;
    monitor(f.call, LINEDIGITMODE_DTMF);
    gather(f.call, 1, 9, NULL, 0, 0, 0);
    const uint64_t old = f.call;
    assert_true(cf_provider_call_free(f.rig.provider, f.call)); /* without cf_listening_end() */
    f.call = cf_provider_call_new(f.rig.provider, NULL);
    assert_int_equal(cf_handle_index(f.call), cf_handle_index(old));
    digits(f.call, "1", 0);
    heard("");
    gather(f.call, 2, 1, NULL, 0, 0, 0);
    heard("1:16= ");
    digits(old, "2", 0);
    heard("");
    digits(f.call, "3", 0);
    heard("2:1=3 ");
}

static void a_new_core_is_owed_nothing(void **state)
{
    (void)state;
    monitor(f.call, LINEDIGITMODE_DTMF);
    gather(f.call, 1, 1, NULL, 10, 10, 0);
    cf_listening_renew(f.listening);
    assert_true(cf_listening_check(f.listening));
    digits(f.call, "1", 0);
    assert_int_equal(cf_listening_expire(f.listening, 1000 * CF_NS_PER_MS), 0);
    heard("");
    gather(f.call, 2, 1, NULL, 0, 0, 0);
    digits(f.call, "2", 0);
    heard("2:1=2 ");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(only_what_somebody_listens_for_is_told),
        CASE(a_gathering_ends_in_each_of_the_ways),
        CASE(many_end_in_the_order_of_their_time),
        CASE(a_full_ring_loses_no_gathering),
        CASE(another_call_in_the_same_place_inherits_nothing),
        CASE(a_new_core_is_owed_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
