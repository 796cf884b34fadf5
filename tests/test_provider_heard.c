/* What an adapter hears and gathers, on its way to the core: what a full ring keeps, and what it loses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/provider/clock.h"
#include "adapters/provider/port.h"
#include "shm/operations.h"
#include "tests/support/provider_rig.h"

struct fixture {
    struct provider_rig rig;
    uint64_t call;
};

static struct fixture f;

static struct cf_record *take(void)
{
    return provider_rig_take(&f.rig);
}

static int set_up(void **state)
{
    (void)state;
    memset(&f, 0, sizeof f);
    provider_rig_set_up_sized(&f.rig, 100, 16);
    f.call = cf_provider_call_new(f.rig.provider, NULL);
    assert_true(cf_provider_post_new_call(f.rig.provider,
                                          &(struct cf_new_call){.call = f.call, .state = LINECALLSTATE_CONNECTED}));
    assert_int_equal(take()->m.id, CF_EV_NEW_CALL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    provider_rig_tear_down(&f.rig);
    return 0;
}

static bool hear(uint64_t call, uint32_t digit)
{
    const struct cf_heard h = {.event = CF_EV_DIGIT, .what = digit, .detail = LINEDIGITMODE_DTMF, .time_ns = 7};
    return cf_provider_post_heard(f.rig.provider, call, &h);
}

static void what_is_heard_overtakes_no_state(void **state)
{
    (void)state;
    assert_true(hear(f.call, '5'));
    const struct cf_record *r = take();
    assert_int_equal(r->m.id, CF_EV_DIGIT);
    assert_int_equal(r->m.device, f.call);
    assert_int_equal(r->m.param1, '5');
    assert_int_equal(r->m.param2, LINEDIGITMODE_DTMF);
    assert_int_equal(r->m.time_ns, 7);
    uint32_t filled = 0;
    while (hear(f.call, '1'))
        filled++;
    assert_int_equal(filled, UP_SLOTS);
    assert_int_equal(provider_rig_counters(&f.rig).infos_refused, 1);
    const struct cf_call_state hold = {.state = LINECALLSTATE_ONHOLD, .time_ns = 8};
    assert_int_equal(cf_provider_post_call_state(f.rig.provider, f.call, &hold), CF_POST_WAITS);
    for (uint32_t i = 0; i < filled; i++)
        take();
    assert_false(hear(f.call, '2')); /* there is room, but its call's state waits */
    cf_provider_flush(f.rig.provider);
    assert_int_equal(take()->m.param1, LINECALLSTATE_ONHOLD);
    assert_true(hear(f.call, '3'));
    assert_int_equal(take()->m.param1, '3');
    assert_true(cf_provider_call_free(f.rig.provider, f.call));
    assert_false(hear(f.call, '4'));
    assert_int_equal(provider_rig_counters(&f.rig).stale, 1);
}

/* Takes the next command and checks what of it is read. */
static struct cf_command command(uint16_t id, uint64_t p1, uint64_t p2, uint64_t p3, uint16_t tag, const char *text)
{
    static struct cf_command c;
    struct cf_record r = {.m = {.id = id, .device = f.call, .param1 = p1, .param2 = p2, .param3 = p3}};
    cf_fields_append_text(&r, tag, text);
    assert_true(cf_ring_put(&f.rig.core.commands, &r));
    assert_true(cf_provider_next_command(f.rig.provider, &c));
    assert_int_equal(c.id, id);
    assert_true(c.call == f.call);
    assert_int_equal(c.number, cf_command_wants_reply(id) ? p1 : 0);
    return c;
}

static void commands_are_read(void **state)
{
    (void)state;
    const uint64_t high = UINT64_C(1) << 32;
    struct cf_command c = command(CF_CMD_GATHER_DIGITS, 3, LINEDIGITMODE_DTMF | 9 * high, 10 | 20 * high,
                                  CF_FIELD_TERMINATION_DIGITS, "#*");
    assert_int_equal(c.digit_mode, LINEDIGITMODE_DTMF);
    assert_int_equal(c.digits_wanted, 9);
    assert_int_equal(c.first_ms, 10);
    assert_int_equal(c.between_ms, 20);
    assert_int_equal(c.termination.bytes, 2);
    cf_provider_reply_gathered(f.rig.provider, c.number, LINEGATHERTERM_TERMDIGIT, c.call, cf_text_of("1#"));
    c = command(CF_CMD_GENERATE_TONE, 4, LINETONEMODE_CUSTOM | 500 * high, 0, CF_FIELD_TONES, "sixteen bytes...");
    assert_int_equal(c.tone_mode, LINETONEMODE_CUSTOM);
    assert_int_equal(c.tone_ms, 500);
    assert_int_equal(c.tones.bytes, sizeof(struct cf_tone));
    assert_int_equal(c.termination.bytes, 0); /* nothing left of the former command */
    cf_provider_reply(f.rig.provider, c.number, 0, c.call);
    c = command(CF_CMD_MONITOR_DIGITS, 0, LINEDIGITMODE_DTMFEND, 0, 0, NULL);
    assert_int_equal(c.digit_mode, LINEDIGITMODE_DTMFEND);
    c = command(CF_CMD_MONITOR_MEDIA, 0, LINEMEDIAMODE_TDD, 0, 0, NULL);
    assert_int_equal(c.media_modes, LINEMEDIAMODE_TDD);
    c = command(CF_CMD_MONITOR_TONES, 0, 7, 6, 0, NULL);
    assert_int_equal(c.list, 7);
    assert_int_equal(c.ended_list, 6);
    struct cf_field field;
    const struct cf_record *r = take();
    assert_int_equal(r->m.param1, 3);
    assert_int_equal(r->m.param2, 0);
    assert_int_equal(r->m.param3, LINEGATHERTERM_TERMDIGIT);
    assert_true(cf_fields_find(r, CF_FIELD_DIGITS, &field) && field.bytes == 2 && memcmp(field.data, "1#", 2) == 0);
    r = take();
    assert_int_equal(r->m.param1, 4);
    assert_int_equal(r->m.param3, 0);
    struct cf_record none;
    assert_false(provider_core_take(&f.rig.core, &none, true)); /* no replies to the other three */
}

static void gathered_digits_wait_for_room(void **state)
{
    (void)state;
    char many[CF_GATHER_MAX + 20];
    uint32_t filled = 0;
    memset(many, '8', sizeof many);
    while (hear(f.call, '1'))
        filled++;
    for (uint64_t number = 1; number <= 3; number++) {
        struct cf_command c = command(CF_CMD_GATHER_DIGITS, number, LINEDIGITMODE_DTMF | UINT64_C(5) << 32, 0, 0, NULL);
        cf_provider_reply_gathered(f.rig.provider, c.number, LINEGATHERTERM_BUFFERFULL, c.call,
                                   (struct cf_text){many, number == 1   ? 0
                                                          : number == 2 ? 3
                                                                        : (uint32_t)sizeof many});
    }
    assert_int_equal(provider_rig_counters(&f.rig).replies_waited, 3);
    for (uint32_t i = 0; i < filled; i++)
        take();
    cf_provider_flush(f.rig.provider);
    for (uint64_t number = 1; number <= 3; number++) {
        struct cf_field field = {0};
        const struct cf_record *r = take();
        assert_int_equal(r->m.id, CF_EV_REPLY);
        assert_int_equal(r->m.param1, number);
        assert_int_equal(r->m.param3, LINEGATHERTERM_BUFFERFULL);
        assert_true(cf_fields_find(r, CF_FIELD_DIGITS, &field) == (number != 1));
        assert_int_equal(field.bytes, number == 1 ? 0 : number == 2 ? 3 : CF_GATHER_MAX);
        if (field.bytes != 0)
            assert_memory_equal(field.data, many, field.bytes);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(what_is_heard_overtakes_no_state),
        CASE(commands_are_read),
        CASE(gathered_digits_wait_for_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
