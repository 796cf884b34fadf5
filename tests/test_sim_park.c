/*
 * The orbits of the model exchange: who is parked where, how he comes back, and what ends it.
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

/* Calls that are made, answered at once, and talk for 100 s; two orbits, for 10 s. */
static void begin(struct sim_rig *f)
{
    sim_rig_set_up(f);
    f->settings.rate = 0;
    f->settings.dial_ms = f->settings.setup_ms = f->settings.answer_ms = 0;
    f->settings.hold_fixed = true;
    f->settings.hold_ms = 100000;
    f->settings.accept_ms = 1000;
    f->settings.orbits = 2;
    f->settings.park_ms = 10000;
    f->listener.closes = false;
    sim_rig_start(f);
}

static uint64_t made(struct sim_rig *f, unsigned serial, uint32_t line)
{
    char says[128];
    sim_rig_command(f, CF_CMD_MAKE_CALL, 0, line, "1");
    snprintf(says, sizeof says, "=ok %u:dialing %u:proceeding %u:ringback %u:connected", serial, serial, serial, serial);
    sim_rig_said(f, says);
    return f->listener.reply_call;
}

/* The only call that comes by itself, answered, 4 of 100 s gone. */
static uint64_t came(struct sim_rig *f)
{
    sim_rig_set_up(f);
    f->settings.lines = 2;
    f->settings.calls = 1;
    f->settings.regular = f->settings.hold_fixed = true;
    f->settings.hold_ms = 100000;
    f->settings.accept_ms = f->settings.answer_ms = 1000;
    f->settings.park_ms = 10000;
    f->listener.closes = false;
    sim_rig_start(f);
    sim_rig_pass(f, 6010 * CF_NS_PER_MS, 10 * CF_NS_PER_MS, 10);
    sim_rig_said(f, "+1:offering 1:accepted 1:connected");
    return f->listener.log[0].call;
}

static void park(struct sim_rig *f, uint64_t call, const char *where)
{
    sim_rig_obey(f, (struct cf_command){.id = CF_CMD_PARK,
                                        .call = call,
                                        .mode = where != NULL ? LINEPARKMODE_DIRECTED : LINEPARKMODE_NONDIRECTED,
                                        .destination = cf_text_of(where)});
}

static void wait_s(struct sim_rig *f, int64_t seconds)
{
    sim_rig_pass(f, seconds * CF_NS_PER_S, 10 * CF_NS_PER_MS, 10);
}

static void a_parked_call_comes_back_on_any_line(void **state)
{
    (void)state;
    static struct sim_rig f;
    uint64_t call = came(&f);
    park(&f, call, "703");
    sim_rig_said(&f, "=ok 1:idle");
    sim_rig_command(&f, CF_CMD_CLOSE_CALL, call, 0, NULL); /* nobody has a handle: he stays in the orbit */
    sim_rig_command(&f, CF_CMD_UNPARK, 0, 1, "703");
    sim_rig_said(&f, "=ok 2:connected 2:caller(1)");
    assert_int_equal(sim_rig_last_of(&f, f.listener.reply_call)->line, 1);
    sim_rig_command(&f, CF_CMD_UNPARK, 0, 1, "703");
    sim_rig_said(&f, "=invaladdress");
    park(&f, f.listener.log[f.listener.count - 1].call, NULL); /* and again: he is still who he was */
    sim_rig_command(&f, CF_CMD_UNPARK, 0, 0, "700");
    sim_rig_said(&f, "=ok(700) 2:idle =ok 3:connected 3:caller(1)");
    sim_rig_tear_down(&f);
}

static void the_exchange_finds_a_place(void **state)
{
    (void)state;
    static struct sim_rig f;
    begin(&f);
    uint64_t first = made(&f, 1, 0), second = made(&f, 2, 0), third = made(&f, 3, 1);
    park(&f, first, NULL);
    park(&f, second, NULL);
    sim_rig_said(&f, "=ok(700) 1:idle =ok(701) 2:idle");
    park(&f, third, NULL);
    park(&f, third, "701");
    sim_rig_said(&f, "=resourceunavail =resourceunavail");
    sim_rig_command(&f, CF_CMD_UNPARK, 0, 0, "700"); /* who he is was not told to the line either */
    sim_rig_said(&f, "=ok 4:connected");
    park(&f, third, NULL);
    sim_rig_said(&f, "=ok(700) 3:idle");
    sim_rig_tear_down(&f);
}

static void what_cannot_be_parked_stays(void **state)
{
    (void)state;
    static struct sim_rig f;
    begin(&f);
    uint64_t call = made(&f, 1, 0);
    static const char *const wrong[] = {"699", "702", "70", "7x0", "", "1000000000000000000000"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        park(&f, call, wrong[i]);
        sim_rig_said(&f, "=invaladdress");
        sim_rig_command(&f, CF_CMD_UNPARK, 0, 0, wrong[i]);
        sim_rig_said(&f, "=invaladdress");
    }
    park(&f, 12345, "700");
    sim_rig_obey(&f, (struct cf_command){.id = CF_CMD_PARK, .call = call, .mode = 3});
    sim_rig_said(&f, "=invalcallhandle =invalparkmode");
    sim_rig_command(&f, CF_CMD_UNPARK, 0, f.settings.lines, "700");
    sim_rig_command(&f, CF_CMD_HOLD, call, 0, NULL);
    park(&f, call, "700");
    sim_rig_said(&f, "=operationfailed 1:onhold =ok =invalcallstate");
    sim_rig_obey(&f, (struct cf_command){.id = CF_CMD_SETUP_CONFERENCE, .line = 0});
    uint64_t conference = f.listener.reply_call;
    sim_rig_command(&f, CF_CMD_UNHOLD, call, 0, NULL);
    sim_rig_command(&f, CF_CMD_HOLD, call, 0, NULL);
    sim_rig_obey(&f, (struct cf_command){.id = CF_CMD_ADD_TO_CONFERENCE, .call = conference, .second = call});
    f.listener.said[0] = '\0';
    park(&f, conference, "700");
    sim_rig_said(&f, "=operationunavail");
    sim_rig_tear_down(&f);
}

/* Without an identifier for the new call the old one stays parked. */
static void without_room_he_stays_parked(void **state)
{
    (void)state;
    static struct sim_rig f;
    begin(&f);
    park(&f, made(&f, 1, 0), NULL);
    sim_rig_said(&f, "=ok(700) 1:idle");
    uint32_t all = f.listener.calls_max;
    f.listener.calls_max = 1;
    sim_rig_command(&f, CF_CMD_UNPARK, 0, 0, "700");
    sim_rig_said(&f, "=callunavail");
    wait_s(&f, 11); /* nor is there room to call back */
    sim_rig_said(&f, "");
    f.listener.calls_max = all;
    sim_rig_command(&f, CF_CMD_UNPARK, 0, 0, "700");
    sim_rig_said(&f, "=ok 2:connected");
    sim_rig_tear_down(&f);
}

static void who_parked_is_called_back(void **state)
{
    (void)state;
    static struct sim_rig f;
    park(&f, came(&f), "700");
    uint32_t line = f.listener.log[0].line;
    sim_rig_said(&f, "=ok 1:idle");
    wait_s(&f, 9);
    sim_rig_said(&f, "");
    f.listener.refuses = true; /* the service has no room at first */
    wait_s(&f, 2);
    f.listener.refuses = false;
    wait_s(&f, 1);
    const struct sim_heard *back = &f.listener.log[f.listener.count - 1];
    assert_int_equal(f.listener.last_reason, LINECALLREASON_REMINDER);
    assert_int_equal(back->line, line);
    assert_string_equal(back->caller, "1");
    assert_int_equal(back->state, LINECALLSTATE_OFFERING);
    f.listener.said[0] = '\0';
    sim_rig_command(&f, CF_CMD_UNPARK, 0, 0, "700");
    sim_rig_said(&f, "=invaladdress");
    sim_rig_tear_down(&f);
}

/* 4 of the 100 s are gone when he is parked, and what is left is left to the call that takes him. */
static void he_hangs_up_when_he_would_have(void **state)
{
    (void)state;
    static struct sim_rig f;
    uint64_t call = came(&f);
    f.settings.park_ms = 86400000;
    park(&f, call, "700");
    wait_s(&f, 90);
    sim_rig_command(&f, CF_CMD_UNPARK, 0, 0, "700");
    sim_rig_said(&f, "=ok 1:idle =ok 2:connected 2:caller(1)");
    wait_s(&f, 4);
    sim_rig_said(&f, "");
    park(&f, f.listener.log[f.listener.count - 1].call, "700");
    sim_rig_said(&f, "=ok 2:idle");
    wait_s(&f, 3);
    sim_rig_command(&f, CF_CMD_UNPARK, 0, 0, "700");
    sim_rig_said(&f, "=invaladdress");
    sim_rig_tear_down(&f);
}

/* A core that begins anew hears of the call that came back as what it is; what is parked stays. */
static void another_core_hears_the_reason(void **state)
{
    (void)state;
    static struct sim_rig f;
    park(&f, came(&f), "700");
    sim_rig_command(&f, CF_CMD_UNPARK, 0, 1, "700");
    f.listener.said[0] = '\0';
    f.listener.last_reason = 0;
    cf_sim_model_announce(f.model, f.now_ns);
    sim_rig_said(&f, "+2:connected");
    assert_int_equal(f.listener.last_reason, LINECALLREASON_UNPARK);
    assert_string_equal(f.listener.log[f.listener.count - 1].caller, "1");
    park(&f, f.listener.log[f.listener.count - 1].call, "701");
    cf_sim_model_announce(f.model, f.now_ns);
    sim_rig_command(&f, CF_CMD_UNPARK, 0, 1, "701");
    sim_rig_said(&f, "=ok 2:idle =ok 3:connected 3:caller(1)");
    sim_rig_tear_down(&f);
}

static void a_consultation_call_is_parked(void **state)
{
    (void)state;
    static struct sim_rig f;
    begin(&f);
    uint64_t call = made(&f, 1, 0);
    sim_rig_obey(&f, (struct cf_command){.id = CF_CMD_SETUP_TRANSFER, .call = call, .target = cf_text_of("1")});
    f.listener.said[0] = '\0';
    park(&f, f.listener.reply_call, "700");
    sim_rig_said(&f, "=ok 2:idle 1:connected");
    sim_rig_tear_down(&f);
}

static void lines_without_it_refuse(void **state)
{
    (void)state;
    static struct sim_rig f;
    begin(&f);
    uint64_t call = made(&f, 1, 0);
    f.settings.call_features &= ~(uint32_t)LINECALLFEATURE_PARK;
    f.settings.address_features &= ~(uint32_t)LINEADDRFEATURE_UNPARK;
    park(&f, call, "700");
    sim_rig_command(&f, CF_CMD_UNPARK, 0, 0, "700");
    sim_rig_said(&f, "=operationunavail =operationunavail");
    sim_rig_tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_parked_call_comes_back_on_any_line),
        cmocka_unit_test(the_exchange_finds_a_place),
        cmocka_unit_test(what_cannot_be_parked_stays),
        cmocka_unit_test(without_room_he_stays_parked),
        cmocka_unit_test(who_parked_is_called_back),
        cmocka_unit_test(he_hangs_up_when_he_would_have),
        cmocka_unit_test(another_core_hears_the_reason),
        cmocka_unit_test(a_consultation_call_is_parked),
        cmocka_unit_test(lines_without_it_refuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
