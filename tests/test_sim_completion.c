/*
 * Completion of the model exchange: who waits for a set, and is called back when it is free.
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

/* 2... is busy for an hour, 3... rings for as long, all others answer at once; a set is free after 5 s; two can wait. */
static void begin(struct sim_rig *f)
{
    static const struct cf_sim_dial_rule rules[] = {{"2", CF_SIM_BUSY}, {"3", CF_SIM_NO_ANSWER}};
    sim_rig_set_up(f);
    f->settings.rate = 0;
    f->settings.automatic = false;
    f->settings.dial_ms = f->settings.setup_ms = f->settings.answer_ms = 0;
    f->settings.linger_ms = f->settings.no_answer_ms = 3600000;
    f->settings.hold_fixed = true;
    f->settings.hold_ms = 100000;
    f->settings.completions = 2;
    f->settings.free_ms = 5000;
    f->listener.closes = false;
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        f->settings.dial[f->settings.dial_count++] = rules[i];
    sim_rig_start(f);
}

static uint64_t made(struct sim_rig *f, uint32_t line, const char *number)
{
    sim_rig_command(f, CF_CMD_MAKE_CALL, 0, line, number);
    f->listener.said[0] = '\0';
    return f->listener.reply_call;
}

static void complete(struct sim_rig *f, uint64_t call)
{
    sim_rig_obey(f, (struct cf_command){.id = CF_CMD_COMPLETE_CALL, .call = call, .mode = LINECALLCOMPLMODE_CALLBACK});
}

static void give_up(struct sim_rig *f, uint32_t line, uint32_t id)
{
    sim_rig_obey(f, (struct cf_command){.id = CF_CMD_UNCOMPLETE_CALL, .line = line, .completion = id});
}

static void wait_ms(struct sim_rig *f, int64_t ms)
{
    sim_rig_pass(f, ms * CF_NS_PER_MS, 10 * CF_NS_PER_MS, 10);
}

static void who_waits_is_called_back(void **state)
{
    (void)state;
    static struct sim_rig f;
    begin(&f);
    complete(&f, made(&f, 1, "2"));
    sim_rig_said(&f, "=ok(1) 1:idle");
    wait_ms(&f, 4990);
    complete(&f, made(&f, 0, "3"));
    sim_rig_said(&f, "=ok(2) 2:idle");
    wait_ms(&f, 10);
    sim_rig_said(&f, "+3:offering");
    const struct sim_heard *back = &f.listener.log[f.listener.count - 1];
    assert_true(back->line == 1 && back->caller[0] == '\0');
    assert_int_equal(f.listener.last_reason, LINECALLREASON_CALLCOMPLETION);
    assert_int_equal(f.listener.last_completion, 1);
    f.listener.last_completion = 0;
    cf_sim_model_announce(f.model, f.now_ns); /* what is offered is told again, and what waits waits on */
    sim_rig_said(&f, "+3:offering");
    assert_int_equal(f.listener.last_completion, 1);
    sim_rig_command(&f, CF_CMD_ANSWER, back->call, 0, NULL);
    sim_rig_said(&f, "=ok 3:connected");
    wait_ms(&f, 4990);
    sim_rig_said(&f, "+4:offering");
    assert_int_equal(f.listener.last_completion, 2);
    wait_ms(&f, 95010); /* the talk begins with the answer */
    sim_rig_said(&f, "3:disconnected");
    sim_rig_tear_down(&f);
}

static void who_gives_up_is_not(void **state)
{
    (void)state;
    static struct sim_rig f;
    begin(&f);
    complete(&f, made(&f, 1, "2"));
    give_up(&f, 0, 1); /* it is another line's */
    give_up(&f, 1, 2);
    give_up(&f, 1, 0);
    sim_rig_said(&f, "=ok(1) 1:idle =invalcompletionid =invalcompletionid =invalcompletionid");
    give_up(&f, 1, 1);
    give_up(&f, 1, 1);
    sim_rig_said(&f, "=ok =invalcompletionid");
    wait_ms(&f, 6000);
    sim_rig_said(&f, "");
    sim_rig_tear_down(&f);
}

static void what_cannot_be_completed_stays(void **state)
{
    (void)state;
    static struct sim_rig f;
    begin(&f);
    uint64_t busy = made(&f, 0, "2"), talks = made(&f, 0, "1");
    sim_rig_obey(&f, (struct cf_command){.id = CF_CMD_COMPLETE_CALL, .call = busy, .mode = LINECALLCOMPLMODE_CAMPON});
    complete(&f, talks);
    complete(&f, 12345);
    sim_rig_said(&f, "=invalcallcomplmode =invalcallstate =invalcallhandle");
    complete(&f, made(&f, 0, "2"));
    complete(&f, made(&f, 0, "2"));
    f.listener.said[0] = '\0';
    complete(&f, busy); /* two wait already */
    give_up(&f, 0, 1);
    complete(&f, busy);
    sim_rig_said(&f, "=completionoverrun =ok =ok(3) 1:idle");
    f.settings.call_features &= ~(uint32_t)LINECALLFEATURE_COMPLETECALL;
    f.settings.address_features &= ~(uint32_t)LINEADDRFEATURE_UNCOMPLETECALL;
    complete(&f, talks);
    give_up(&f, 0, 2);
    sim_rig_said(&f, "=operationunavail =operationunavail");
    sim_rig_tear_down(&f);
}

static void without_room_it_is_tried_again(void **state)
{
    (void)state;
    static struct sim_rig f;
    begin(&f);
    complete(&f, made(&f, 1, "2"));
    f.listener.said[0] = '\0';
    uint32_t all = f.listener.calls_max;
    f.listener.calls_max = 1; /* no identifier, */
    wait_ms(&f, 5500);
    f.listener.calls_max = all;
    f.listener.refuses = true; /* then no room in the port */
    wait_ms(&f, 1000);
    sim_rig_said(&f, "");
    f.listener.refuses = false;
    wait_ms(&f, 1000);
    assert_int_equal(f.listener.last_completion, 1);
    assert_int_equal(f.listener.log[f.listener.count - 1].state, LINECALLSTATE_OFFERING);
    sim_rig_tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_waits_is_called_back),
        cmocka_unit_test(who_gives_up_is_not),
        cmocka_unit_test(what_cannot_be_completed_stays),
        cmocka_unit_test(without_room_it_is_tried_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
