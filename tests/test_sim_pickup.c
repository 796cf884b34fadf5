/*
 * Pickup of the model exchange: which call is taken, and what becomes of both.
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

/* Two calls, 1 and 2, that ring on line 0 of two, 10 ms apart; they talk for 100 s and linger for 1 s. */
static void begin(struct sim_rig *f)
{
    sim_rig_set_up(f);
    f->settings.lines = 2;
    f->settings.needs_open = true;
    f->settings.calls = 2;
    f->settings.automatic = false;
    f->settings.regular = f->settings.hold_fixed = true;
    f->settings.hold_ms = 100000;
    f->settings.linger_ms = 1000;
    f->listener.closes = false;
    sim_rig_start(f);
    sim_rig_obey(f, (struct cf_command){.id = CF_CMD_OPEN_LINE, .line = 0});
    sim_rig_pass(f, 100 * CF_NS_PER_MS, CF_NS_PER_MS, 10);
    sim_rig_said(f, "+1:offering +2:offering");
}

static void pick_up(struct sim_rig *f, uint32_t line, const char *address, const char *group)
{
    sim_rig_obey(f, (struct cf_command){
                        .id = CF_CMD_PICKUP, .line = line, .destination = cf_text_of(address), .group = cf_text_of(group)});
}

static void what_rings_longest_is_taken(void **state)
{
    (void)state;
    static struct sim_rig f;
    begin(&f);
    pick_up(&f, 1, NULL, NULL);
    sim_rig_said(&f, "=ok 3:connected 3:caller(1) 1:disconnected");
    assert_int_equal(f.listener.log[f.listener.count - 1].mode, LINEDISCONNECTMODE_PICKUP);
    assert_int_equal(sim_rig_last_of(&f, f.listener.reply_call)->line, 1);
    sim_rig_pass(&f, CF_NS_PER_S, 10 * CF_NS_PER_MS, 10);
    sim_rig_said(&f, "1:idle");
    sim_rig_command(&f, CF_CMD_ACCEPT, f.listener.log[1].call, 0, NULL); /* that rings too */
    pick_up(&f, 1, NULL, "all");
    sim_rig_said(&f, "=ok 2:accepted =ok 4:connected 4:caller(2) 2:disconnected");
    pick_up(&f, 1, NULL, NULL);
    pick_up(&f, 1, NULL, "all");
    sim_rig_said(&f, "=operationfailed =invalgroupid");
    sim_rig_pass(&f, 97 * CF_NS_PER_S, 10 * CF_NS_PER_MS, 10);
    sim_rig_said(&f, "2:idle");
    sim_rig_pass(&f, 5 * CF_NS_PER_S, 10 * CF_NS_PER_MS, 10); /* the talk lasts as it would have */
    sim_rig_said(&f, "3:disconnected 4:disconnected 3:idle 4:idle");
    sim_rig_tear_down(&f);
}

static void an_address_says_whose(void **state)
{
    (void)state;
    static struct sim_rig f;
    begin(&f);
    static const char *const wrong[] = {"201", "202", "199", "x"}; /* nothing rings there, or there is no such line */
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        pick_up(&f, 1, wrong[i], NULL);
        sim_rig_said(&f, "=invaladdress");
    }
    pick_up(&f, 1, "200", "sales");
    pick_up(&f, 2, "200", NULL);
    pick_up(&f, 0, NULL, NULL); /* of its own line a call is answered */
    sim_rig_said(&f, "=invalgroupid =operationfailed =operationfailed");
    pick_up(&f, 1, "200", "all");
    sim_rig_said(&f, "=ok 3:connected 3:caller(1) 1:disconnected");
    sim_rig_tear_down(&f);
}

static void without_room_it_rings_on(void **state)
{
    (void)state;
    static struct sim_rig f;
    begin(&f);
    f.listener.calls_max = 2;
    pick_up(&f, 1, NULL, NULL);
    sim_rig_said(&f, "=callunavail");
    sim_rig_command(&f, CF_CMD_ANSWER, f.listener.log[0].call, 0, NULL);
    sim_rig_said(&f, "=ok 1:connected");
    sim_rig_tear_down(&f);
}

static void another_core_hears_the_reason(void **state)
{
    (void)state;
    static struct sim_rig f;
    begin(&f);
    pick_up(&f, 1, NULL, NULL);
    sim_rig_command(&f, CF_CMD_DROP, f.listener.log[1].call, 0, NULL);
    sim_rig_pass(&f, CF_NS_PER_S, 10 * CF_NS_PER_MS, 10);
    f.listener.said[0] = '\0';
    cf_sim_model_announce(f.model, f.now_ns);
    sim_rig_said(&f, "+3:connected");
    assert_int_equal(f.listener.last_reason, LINECALLREASON_PICKUP);
    assert_string_equal(f.listener.log[f.listener.count - 1].caller, "1");
    sim_rig_tear_down(&f);
}

static void lines_without_it_refuse(void **state)
{
    (void)state;
    static struct sim_rig f;
    begin(&f);
    f.settings.address_features &= ~(uint32_t)LINEADDRFEATURE_PICKUP;
    pick_up(&f, 1, NULL, NULL);
    sim_rig_said(&f, "=operationunavail");
    sim_rig_tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_rings_longest_is_taken),   cmocka_unit_test(an_address_says_whose),
        cmocka_unit_test(without_room_it_rings_on),      cmocka_unit_test(another_core_hears_the_reason),
        cmocka_unit_test(lines_without_it_refuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
