/*
 * Forwarding of the model exchange: which calls go where, by whom, and what the line sees that sent them.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "callfan/tapi.h"
#include "shm/forward.h"
#include "tests/support/sim_rig.h"

enum { LINES = 3 };

/* Calls for line 0 of three, 200 to 202, one a second from the first second on, for an owner to answer. A ring takes 1 s. */
static void begin(struct sim_rig *f)
{
    sim_rig_set_up(f);
    f->settings.lines = LINES;
    f->settings.rate = 1;
    f->settings.needs_open = true;
    f->settings.automatic = false;
    f->settings.regular = f->settings.hold_fixed = true;
    f->settings.hold_ms = 100000;
    f->settings.ring_ms = 1000;
    f->listener.closes = false;
}

static void start(struct sim_rig *f)
{
    sim_rig_start(f);
    sim_rig_obey(f, (struct cf_command){.id = CF_CMD_OPEN_LINE, .line = 0});
}

static void wait_ms(struct sim_rig *f, int64_t ms)
{
    sim_rig_pass(f, ms * CF_NS_PER_MS, 10 * CF_NS_PER_MS, 10);
}

struct list {
    uint8_t bytes[CF_FORWARD_BYTES_MAX];
    uint32_t used;
};

static void add(struct list *l, uint32_t mode, uint32_t country, const char *to)
{
    const struct cf_forward_head head = {.mode = mode, .country = country, .address_bytes = (uint16_t)strlen(to)};
    memcpy(l->bytes + l->used, &head, sizeof head);
    memcpy(l->bytes + l->used + sizeof head, to, strlen(to));
    l->used += (uint32_t)(sizeof head + strlen(to));
}

static void set(struct sim_rig *f, uint32_t line, const struct list *l, uint32_t rings)
{
    sim_rig_obey(f, (struct cf_command){.id = CF_CMD_FORWARD,
                                        .line = line,
                                        .rings = rings,
                                        .forward_list = {l != NULL ? (const char *)l->bytes : NULL, l != NULL ? l->used : 0}});
}

/* One entry, which is taken. */
static void forward(struct sim_rig *f, uint32_t line, uint32_t mode, const char *to)
{
    char says[32];
    struct list l = {.used = 0};
    add(&l, mode, 0, to);
    set(f, line, &l, 2);
    snprintf(says, sizeof says, "=ok line%u:forward", line);
    sim_rig_said(f, says);
}

static const struct sim_heard *last(const struct sim_rig *f)
{
    return &f->listener.log[f->listener.count - 1];
}

static void assert_came(const struct sim_rig *f, uint32_t line, uint32_t reason, const char *called, const char *by)
{
    assert_int_equal(last(f)->line, line);
    assert_int_equal(f->listener.last_reason, reason);
    assert_string_equal(f->listener.last_called, called);
    assert_string_equal(f->listener.last_redirecting, by);
}

static void all_calls_go_to_another_line(void **state)
{
    (void)state;
    static struct sim_rig f;
    begin(&f);
    start(&f);
    forward(&f, 0, LINEFORWARDMODE_UNCOND, "201");
    wait_ms(&f, 1010);
    sim_rig_said(&f, "+1:offering");
    assert_came(&f, 1, LINECALLREASON_FWDUNCOND, "200", "200");
    forward(&f, 1, LINEFORWARDMODE_UNCOND, "202"); /* from there on: the last one sent it, the first one was dialled */
    wait_ms(&f, 1000);
    sim_rig_said(&f, "+2:offering");
    assert_came(&f, 2, LINECALLREASON_FWDUNCOND, "200", "201");
    assert_string_equal(last(&f)->caller, "2");
    set(&f, 0, NULL, 0);
    wait_ms(&f, 1000);
    sim_rig_said(&f, "=ok line0:forward +3:offering");
    assert_came(&f, 0, LINECALLREASON_DIRECT, "200", "");
    cf_sim_model_announce(f.model, f.now_ns);
    sim_rig_said(&f, "line1:forward +1:offering +2:offering +3:offering"); /* a new core knows of none */
    sim_rig_tear_down(&f);
}

static void told(struct sim_rig *f, const struct list *l, uint32_t rings, const char *as)
{
    set(f, 0, l, rings);
    sim_rig_said(f, "=ok line0:forward");
    assert_string_equal(f->listener.last_forwards, as);
}

/* What is told is what is in force, whatever list brought it. */
static void what_is_in_force_is_told(void **state)
{
    (void)state;
    static struct sim_rig f;
    struct list l = {.used = 0};
    begin(&f);
    start(&f);
    add(&l, LINEFORWARDMODE_NOANSW, 0, "202");
    add(&l, LINEFORWARDMODE_UNCOND, 49, "201");
    told(&f, &l, 3, "rings 3, 1 to 201 of 49, 100 to 202 of 0");
    add(&l, LINEFORWARDMODE_BUSY, 0, "");
    told(&f, &l, 3, "rings 3, 1 to 201 of 49, 10 to  of 0, 100 to 202 of 0");
    l.used = 0;
    add(&l, LINEFORWARDMODE_BUSYNA, 7, "202");
    told(&f, &l, 1, "rings 1, 1000 to 202 of 7");
    add(&l, LINEFORWARDMODE_BUSY, 7, "201");
    told(&f, &l, 1, "rings 1, 10 to 201 of 7, 100 to 202 of 7");
    l.used = 0;
    add(&l, LINEFORWARDMODE_BUSY, 7, "202"); /* the same as in one entry */
    add(&l, LINEFORWARDMODE_NOANSW, 7, "202");
    told(&f, &l, 1, "rings 1, 1000 to 202 of 7");
    told(&f, NULL, 9, "rings 9");
    sim_rig_tear_down(&f);
}

/* What finds no room is told as soon as there is some: the newest, once. */
static void what_found_no_room_is_told_later(void **state)
{
    (void)state;
    static struct sim_rig f;
    struct list l = {.used = 0};
    begin(&f);
    f.settings.rate = 0;
    start(&f);
    f.listener.refuses = true;
    add(&l, LINEFORWARDMODE_UNCOND, 0, "201");
    set(&f, 0, &l, 3);
    set(&f, 1, &l, 3);
    set(&f, 0, NULL, 0);
    sim_rig_check(&f);
    wait_ms(&f, 20);
    sim_rig_said(&f, "=ok =ok =ok");
    f.listener.refuses = false;
    wait_ms(&f, 20);
    sim_rig_said(&f, "line0:forward line1:forward");
    assert_string_equal(f.listener.last_forwards, "rings 3, 1 to 201 of 0");
    wait_ms(&f, 20);
    sim_rig_said(&f, "");
    f.listener.refuses = true; /* a core comes, and has no room at once */
    cf_sim_model_announce(f.model, f.now_ns);
    sim_rig_check(&f);
    f.listener.refuses = false;
    wait_ms(&f, 20);
    sim_rig_said(&f, "line1:forward");
    sim_rig_tear_down(&f);
}

/* To a number of nobody here, to none at all, and round in a circle: the line sees nothing of it. */
static void calls_that_leave_are_not_seen(void **state)
{
    (void)state;
    static struct sim_rig f;
    struct cf_sim_counters c;
    begin(&f);
    start(&f);
    forward(&f, 0, LINEFORWARDMODE_UNCOND, "555");
    wait_ms(&f, 1010);
    forward(&f, 0, LINEFORWARDMODE_UNCOND, "");
    wait_ms(&f, 1000);
    forward(&f, 0, LINEFORWARDMODE_UNCOND, "201");
    forward(&f, 1, LINEFORWARDMODE_UNCOND, "200");
    wait_ms(&f, 1000);
    sim_rig_said(&f, "");
    cf_sim_model_counters(f.model, &c);
    assert_int_equal(c.forwarded, 3);
    assert_int_equal(cf_sim_model_live(f.model), 0);
    sim_rig_tear_down(&f);
}

static void a_busy_line_sends_the_second_call_on(void **state)
{
    (void)state;
    static struct sim_rig f;
    begin(&f);
    start(&f);
    forward(&f, 0, LINEFORWARDMODE_BUSY, "202");
    wait_ms(&f, 2010);
    sim_rig_said(&f, "+1:offering +2:offering");
    assert_came(&f, 2, LINECALLREASON_FWDBUSY, "200", "200");
    sim_rig_command(&f, CF_CMD_DROP, f.listener.log[0].call, 0, NULL); /* free again */
    wait_ms(&f, 1000);
    sim_rig_said(&f, "=ok 1:disconnected 1:idle +3:offering");
    assert_came(&f, 0, LINECALLREASON_DIRECT, "200", "");
    sim_rig_tear_down(&f);
}

/* The share of calls whose called set is busy. */
static void a_busy_set_sends_its_call_on(void **state)
{
    (void)state;
    static struct sim_rig f;
    begin(&f);
    f.settings.automatic = true;
    f.settings.busy = 1;
    start(&f);
    forward(&f, 0, LINEFORWARDMODE_BUSYNA, "202");
    wait_ms(&f, 1110);
    sim_rig_said(&f, "+1:offering 1:accepted");
    assert_came(&f, 2, LINECALLREASON_FWDBUSY, "200", "200");
    sim_rig_tear_down(&f);
}

static void what_nobody_answers_goes_on_after_its_rings(void **state)
{
    (void)state;
    static struct sim_rig f;
    begin(&f);
    f.settings.calls = 1;
    f.settings.linger_ms = 500;
    start(&f);
    forward(&f, 0, LINEFORWARDMODE_NOANSW, "201");
    wait_ms(&f, 1010);
    sim_rig_command(&f, CF_CMD_ACCEPT, f.listener.log[0].call, 0, NULL); /* it rings on */
    wait_ms(&f, 1980);
    sim_rig_said(&f, "+1:offering =ok 1:accepted");
    wait_ms(&f, 20);
    sim_rig_said(&f, "1:disconnected +2:offering");
    assert_int_equal(f.listener.log[f.listener.count - 2].mode, LINEDISCONNECTMODE_FORWARDED);
    assert_came(&f, 1, LINECALLREASON_FWDNOANSWER, "200", "200");
    assert_string_equal(last(&f)->caller, "1");
    sim_rig_command(&f, CF_CMD_ANSWER, last(&f)->call, 0, NULL);
    sim_rig_said(&f, "=ok 2:connected");
    wait_ms(&f, 500);
    sim_rig_said(&f, "1:idle");
    sim_rig_tear_down(&f);
}

static void what_is_answered_in_time_stays(void **state)
{
    (void)state;
    static struct sim_rig f;
    begin(&f);
    f.settings.calls = 1;
    start(&f);
    forward(&f, 0, LINEFORWARDMODE_NOANSW, "201");
    wait_ms(&f, 2000);
    sim_rig_command(&f, CF_CMD_ANSWER, f.listener.log[0].call, 0, NULL);
    wait_ms(&f, 5000);
    sim_rig_said(&f, "+1:offering =ok 1:connected");
    sim_rig_tear_down(&f);
}

/* 2 s are 2 rings: a set that answers after 3 s is too late, a caller with less patience is gone before, one with more is sent on. */
static void sets_that_answer_by_themselves(void **state)
{
    (void)state;
    static struct sim_rig f;
    begin(&f);
    f.settings.calls = 2;
    f.settings.automatic = true;
    f.settings.accept_ms = 0;
    f.settings.answer_ms = 3000;
    start(&f);
    forward(&f, 0, LINEFORWARDMODE_NOANSW, "555");
    wait_ms(&f, 3020);
    sim_rig_said(&f, "+1:offering 1:accepted +2:offering 2:accepted 1:disconnected 1:idle");
    assert_int_equal(f.listener.log[f.listener.count - 2].mode, LINEDISCONNECTMODE_FORWARDED);
    set(&f, 0, NULL, 0); /* the second one rings there in vain now */
    wait_ms(&f, 1000);
    sim_rig_said(&f, "=ok line0:forward 2:disconnected 2:idle");
    assert_int_equal(f.listener.log[f.listener.count - 2].mode, LINEDISCONNECTMODE_NOANSWER);
    sim_rig_tear_down(&f);
}

/* Two lines that send to each other what nobody answers let it go in the end. */
static void a_call_does_not_ring_round_for_ever(void **state)
{
    (void)state;
    static struct sim_rig f;
    begin(&f);
    f.settings.calls = 1;
    start(&f);
    forward(&f, 0, LINEFORWARDMODE_NOANSW, "201");
    forward(&f, 1, LINEFORWARDMODE_NOANSW, "200");
    wait_ms(&f, 60000);
    assert_int_equal(last(&f)->serial, 9);
    assert_int_equal(last(&f)->state, LINECALLSTATE_IDLE);
    assert_int_equal(f.listener.log[f.listener.count - 2].mode, LINEDISCONNECTMODE_NOANSWER);
    sim_rig_tear_down(&f);
}

static void without_room_the_call_is_lost(void **state)
{
    (void)state;
    static struct sim_rig f;
    struct cf_sim_counters c;
    begin(&f);
    f.settings.calls = 1;
    start(&f);
    f.listener.calls_max = 1;
    forward(&f, 0, LINEFORWARDMODE_NOANSW, "201");
    wait_ms(&f, 4000);
    sim_rig_said(&f, "+1:offering 1:disconnected 1:idle");
    cf_sim_model_counters(f.model, &c);
    assert_int_equal(c.blocked, 1);
    sim_rig_tear_down(&f);
}

/* Nothing of it changes what was set before. */
static void a_list_that_is_wrong_is_refused(void **state)
{
    (void)state;
    static struct sim_rig f;
    struct list specific = {.used = 0}, country = {.used = 0}, address = {.used = 0}, cut = {.used = 0};
    begin(&f);
    start(&f);
    forward(&f, 0, LINEFORWARDMODE_UNCOND, "201");
    add(&specific, LINEFORWARDMODE_UNCOND, 0, "202");
    add(&specific, LINEFORWARDMODE_UNCONDSPECIFIC, 0, "202");
    add(&country, LINEFORWARDMODE_UNCOND, 1000, "202");
    add(&address, LINEFORWARDMODE_UNCOND, 0, "20212345678901234567890123456789");
    add(&cut, LINEFORWARDMODE_UNCOND, 0, "202");
    cut.used--;
    set(&f, 0, &specific, 2);
    set(&f, 0, &country, 2);
    set(&f, 0, &address, 2);
    set(&f, 0, &cut, 2);
    set(&f, LINES, NULL, 2);
    sim_rig_said(&f, "=invalparam =invalcountrycode =invaladdress =invalparam =operationfailed");
    f.settings.address_features &= ~(uint32_t)LINEADDRFEATURE_FORWARD;
    set(&f, 0, NULL, 2);
    sim_rig_said(&f, "=operationunavail");
    wait_ms(&f, 1010);
    assert_came(&f, 1, LINECALLREASON_FWDUNCOND, "200", "200");
    sim_rig_tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_calls_go_to_another_line),
        cmocka_unit_test(what_is_in_force_is_told),
        cmocka_unit_test(what_found_no_room_is_told_later),
        cmocka_unit_test(calls_that_leave_are_not_seen),
        cmocka_unit_test(a_busy_line_sends_the_second_call_on),
        cmocka_unit_test(a_busy_set_sends_its_call_on),
        cmocka_unit_test(what_nobody_answers_goes_on_after_its_rings),
        cmocka_unit_test(what_is_answered_in_time_stays),
        cmocka_unit_test(sets_that_answer_by_themselves),
        cmocka_unit_test(a_call_does_not_ring_round_for_ever),
        cmocka_unit_test(without_room_the_call_is_lost),
        cmocka_unit_test(a_list_that_is_wrong_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
