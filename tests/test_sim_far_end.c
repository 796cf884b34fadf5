/* What the far end of a simulated call dials while somebody listens, and what is gathered of it: to the tick. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/provider/collector.h"
#include "adapters/sim/far_end.h"
#include "callfan/tapi.h"

enum { BASE = 8, CALLS = 5000 };

static struct cf_sim_settings settings;
static struct cf_sim_outlet outlet;
static struct cf_wheel wheel;
static struct cf_sim_far_ends *far;
static void *nodes;
static uint16_t place;

/* What came out, as text: "D1 " DTMF 1, "E1 " its end, "G4=12# " gathered (LINEGATHERTERM_ 4), "R0 " or "R-1 " a reply. */
static char out[4096];

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void say(const char *format, ...)
{
    size_t n = strlen(out);
    va_list list;
    va_start(list, format);
    vsnprintf(out + n, sizeof out - n, format, list);
    va_end(list);
}

static void reply(void *arg, uint64_t number, int32_t result, uint64_t call, uint64_t second)
{
    (void)arg;
    (void)number;
    (void)call;
    (void)second;
    say("R%d ", result == 0 ? 0 : result == LINEERR_INVALCALLSTATE ? -1 : -2);
}

static void gathered(void *arg, uint64_t number, uint32_t how, uint64_t call, struct cf_text digits)
{
    (void)arg;
    assert_true(number != 0 && call != 0);
    say("G%u=%.*s ", how, (int)digits.bytes, digits.at);
}

static void heard(void *arg, uint64_t call, const struct cf_heard *h)
{
    (void)arg;
    assert_true(call != 0 && h->event == CF_EV_DIGIT);
    say("%c%c ", h->detail == LINEDIGITMODE_DTMF ? 'D' : 'E', (char)h->what);
}

static int setup(void **state)
{
    (void)state;
    cf_sim_settings_default(&settings);
    snprintf(settings.digits, sizeof settings.digits, "12#3");
    settings.digits_ms = 10;
    outlet = (struct cf_sim_outlet){.reply = reply, .gathered = gathered, .heard = heard};
    nodes = calloc(1, BASE * 64 + CF_SIM_FAR_END_BYTES);
    assert_non_null(nodes);
    assert_true(cf_wheel_init(&wheel, nodes, 64, 0));
    assert_int_equal(cf_sim_far_ends_new(&far, &settings, &outlet, &wheel, (uint8_t *)nodes + BASE * 64, BASE), 0);
    place = 0;
    out[0] = '\0';
    return 0;
}

static void assert_sound(void)
{
    uint32_t used, timed;
    assert_true(cf_sim_far_ends_check(far, &used, &timed));
    assert_int_equal(timed, wheel.entries);
}

static int teardown(void **state)
{
    (void)state;
    assert_sound();
    cf_sim_far_ends_free(far);
    cf_wheel_fini(&wheel);
    free(nodes);
    return 0;
}

static struct cf_command command_of(uint16_t id)
{
    static struct cf_command c;
    memset(&c, 0, offsetof(struct cf_command, record));
    c.id = id;
    c.call = 1;
    return c;
}

static void gather(uint32_t wanted, const char *ends, uint32_t first_ms, uint32_t between_ms)
{
    struct cf_command c = command_of(CF_CMD_GATHER_DIGITS);
    c.number = wanted != 0 ? 7 : 0;
    c.digit_mode = LINEDIGITMODE_DTMF;
    c.digits_wanted = wanted;
    c.termination = cf_text_of(ends);
    c.first_ms = first_ms;
    c.between_ms = between_ms;
    cf_sim_far_end_command(far, &place, true, &c, wheel.now);
}

static void monitor(uint32_t modes)
{
    struct cf_command c = command_of(CF_CMD_MONITOR_DIGITS);
    c.digit_mode = modes;
    cf_sim_far_end_command(far, &place, true, &c, wheel.now);
}

static void pass(uint32_t ticks)
{
    for (uint32_t i = 0; i < ticks; i++) {
        cf_wheel_advance(&wheel);
        for (uint32_t index; (index = cf_wheel_expire(&wheel)) != CF_WHEEL_NONE;)
            cf_sim_far_end_expire(far, index - BASE, (int64_t)wheel.now * CF_NS_PER_MS);
        assert_sound();
    }
}

static void assert_out(const char *expected)
{
    assert_string_equal(out, expected);
    out[0] = '\0';
}

static void digits_are_dialled_while_somebody_listens(void **state)
{
    (void)state;
    pass(100); /* nobody does */
    monitor(LINEDIGITMODE_DTMF | LINEDIGITMODE_DTMFEND);
    pass(9);
    assert_out("");
    pass(1);
    assert_out("D1 E1 ");
    monitor(LINEDIGITMODE_DTMFEND);
    pass(10);
    assert_out("E2 ");
    monitor(0);
    pass(100);
    assert_out("");
    monitor(LINEDIGITMODE_DTMF);
    pass(100); /* the rest, once */
    assert_out("D# D3 ");
}

static void gathering_ends_as_it_should(void **state)
{
    (void)state;
    gather(9, "#*", 0, 0);
    pass(30);
    assert_out("G2=12# ");
    pass(100);
    gather(1, NULL, 0, 0); /* with what is left */
    pass(10);
    assert_out("G1=3 ");
    gather(9, "", 9, 5); /* then from the beginning; the digit is too late */
    pass(9);
    assert_out("G4= ");
    gather(9, "", 10, 5); /* in time, as it comes in the tick in which the gathering gives up */
    pass(15);
    assert_out("G8=1 ");
}

static void one_gathering_at_a_time_and_none_without_a_connection(void **state)
{
    (void)state;
    monitor(LINEDIGITMODE_DTMF);
    gather(9, "", 0, 0);
    pass(10);
    gather(2, "", 0, 0);
    assert_out("D1 G16=1 ");
    pass(20);
    assert_out("D2 D# G1=2# ");
    gather(5, "", 0, 0);
    gather(0, NULL, 0, 0);
    assert_out("G16= R0 ");
    gather(5, "", 0, 0);
    cf_sim_far_end_connected(far, &place, false);
    assert_out("G16= ");
    pass(100);
    struct cf_command c = command_of(CF_CMD_GATHER_DIGITS);
    c.number = 7;
    c.digits_wanted = 1;
    cf_sim_far_end_command(far, &place, false, &c, wheel.now);
    assert_out("R-1 ");
    cf_sim_far_end_connected(far, &place, true); /* who listened still does */
    pass(10);
    assert_out("D3 ");
    gather(5, "", 0, 0);
    cf_sim_far_end_forget(far, &place);
    pass(100);
    assert_out("");
}

static void without_room_gathering_is_refused(void **state)
{
    (void)state;
    static uint16_t places[CALLS];
    uint32_t refused = 0;
    struct cf_command c = command_of(CF_CMD_GATHER_DIGITS);
    c.number = 7;
    c.digits_wanted = 1;
    for (uint32_t i = 0; i < CALLS; i++) {
        cf_sim_far_end_command(far, &places[i], true, &c, wheel.now);
        refused += places[i] == 0;
    }
    assert_int_equal(refused, CALLS - CF_SIM_FAR_ENDS + 1);
    assert_int_equal(strncmp(out, "R-2 R-2 ", 8), 0);
    c = command_of(CF_CMD_MONITOR_DIGITS);
    c.digit_mode = LINEDIGITMODE_DTMF;
    cf_sim_far_end_command(far, &place, true, &c, wheel.now);
    assert_int_equal(place, 0);
    for (uint32_t i = 0; i < CALLS; i++)
        cf_sim_far_end_forget(far, &places[i]);
    cf_sim_far_end_command(far, &place, true, &c, wheel.now);
    assert_int_not_equal(place, 0);
}

static void the_collector_bounds_what_it_is_asked(void **state)
{
    (void)state;
    struct cf_collector c;
    struct cf_command command = command_of(CF_CMD_GATHER_DIGITS);
    command.number = 1;
    command.digit_mode = LINEDIGITMODE_PULSE;
    command.digits_wanted = UINT32_MAX;
    command.termination = (struct cf_text){"11111111111111111111111111111\0#", 31};
    command.first_ms = UINT32_MAX;
    cf_collector_begin(&c, &command, 5);
    assert_string_equal(c.ends, "1#");
    assert_int_equal(cf_collector_expire(&c, INT64_C(4294967294) * CF_NS_PER_MS), 0);
    assert_int_equal(cf_collector_hear(&c, '1', LINEDIGITMODE_DTMF, 6), 0); /* not of the modes */
    for (uint32_t i = 1; i < CF_GATHER_MAX; i++)
        assert_int_equal(cf_collector_hear(&c, '2', LINEDIGITMODE_PULSE, 6), 0);
    assert_int_equal(cf_collector_hear(&c, '2', LINEDIGITMODE_PULSE, 6), LINEGATHERTERM_BUFFERFULL);
    assert_int_equal(c.bytes, CF_GATHER_MAX);
    assert_int_equal(cf_collector_expire(&c, INT64_MAX - 1), 0); /* between digits it waits for ever */
    c.number = 0;
    assert_int_equal(cf_collector_hear(&c, '2', LINEDIGITMODE_PULSE, 6), 0);
    assert_int_equal(cf_collector_expire(&c, INT64_MAX), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(digits_are_dialled_while_somebody_listens),
        CASE(gathering_ends_as_it_should),
        CASE(one_gathering_at_a_time_and_none_without_a_connection),
        CASE(without_room_gathering_is_refused),
        cmocka_unit_test(the_collector_bounds_what_it_is_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
