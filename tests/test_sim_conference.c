/*
 * Conferences of the model exchange: how they are made, joined and left, and what the end of each of their calls does to the others.
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

/* Numbers that begin with 3 ring and are not answered, with 9 they are answered after 2 s; all others at once. */
static void set_up(struct sim_rig *f)
{
    sim_rig_set_up(f);
    f->settings.rate = 0;
    f->settings.dial_ms = f->settings.setup_ms = f->settings.answer_ms = 0;
    f->settings.hold_fixed = true;
    f->settings.hold_ms = 3600000;
    f->settings.no_answer_ms = 10000;
    f->settings.addr_cap_flags &= ~(uint32_t)LINEADDRCAPFLAGS_CONFDROP;
    f->listener.closes = false;
    f->settings.dial[0] = (struct cf_sim_dial_rule){"3", CF_SIM_NO_ANSWER};
    f->settings.dial_count = 1;
}

static void quiet(struct sim_rig *f)
{
    sim_rig_check(f);
    f->listener.said[0] = '\0';
}

static uint64_t dialled(struct sim_rig *f, uint32_t line, const char *number)
{
    sim_rig_command(f, CF_CMD_MAKE_CALL, 0, line, number);
    assert_int_equal(f->listener.reply_result, 0);
    return f->listener.reply_call;
}

static void one(struct sim_rig *f, uint16_t id, uint64_t call)
{
    sim_rig_command(f, id, call, 0, NULL);
}

static void two(struct sim_rig *f, uint16_t id, uint64_t call, uint64_t second)
{
    sim_rig_obey(f, (struct cf_command){.id = id, .call = call, .second = second});
}

static void setup(struct sim_rig *f, uint64_t first, const char *target, uint32_t parties)
{
    sim_rig_obey(f,
                 (struct cf_command){
                     .id = CF_CMD_SETUP_CONFERENCE, .call = first, .target = cf_text_of(target), .parties = parties});
}

static uint64_t prepare(struct sim_rig *f, uint64_t conference, const char *target)
{
    sim_rig_obey(f, (struct cf_command){.id = CF_CMD_PREPARE_ADD, .call = conference, .target = cf_text_of(target)});
    return f->listener.reply_result == 0 ? f->listener.reply_call : 0;
}

static void seconds(struct sim_rig *f, int64_t s)
{
    sim_rig_pass(f, s * CF_NS_PER_S, 10 * CF_NS_PER_MS, 10);
}

/* Serials: the first call 1, the conference 2, the consultation call 3. */
struct hall {
    uint64_t first, conference, consultation;
};

static struct hall begin_setup(struct sim_rig *f, const char *target)
{
    struct hall h = {.first = dialled(f, 0, "1")};
    quiet(f);
    setup(f, h.first, target, 3);
    h.conference = f->listener.reply_call;
    h.consultation = f->listener.reply_second;
    return h;
}

static struct hall begin_three(struct sim_rig *f)
{
    struct hall h = begin_setup(f, "1");
    sim_rig_said(f, "=ok 2:onholdpendconf 3:dialtone 1:conferenced(2) 3:dialing 3:proceeding 3:ringback 3:connected");
    two(f, CF_CMD_ADD_TO_CONFERENCE, h.conference, h.consultation);
    sim_rig_said(f, "=ok 3:conferenced(2) 2:connected");
    return h;
}

static struct hall three(struct sim_rig *f)
{
    set_up(f);
    sim_rig_start(f);
    return begin_three(f);
}

/* ------------------------------------------------------------------ made and joined */

static void a_conference_of_three_becomes_one_of_four(void **state)
{
    (void)state;
    static struct sim_rig f;
    struct hall h = three(&f);
    assert_true((sim_rig_last_of(&f, h.conference)->flags & CF_JOURNAL_OUTGOING) != 0);
    uint64_t fourth = prepare(&f, h.conference, NULL);
    sim_rig_said(&f, "=ok 2:onholdpendconf 4:dialtone");
    two(&f, CF_CMD_ADD_TO_CONFERENCE, h.conference, fourth); /* it has only dial tone */
    one(&f, CF_CMD_DROP, fourth);
    sim_rig_said(&f, "=invalcallstate =ok 4:idle 2:connected");
    fourth = prepare(&f, h.conference, "1");
    sim_rig_said(&f, "=ok 2:onholdpendconf 5:dialtone 5:dialing 5:proceeding 5:ringback 5:connected");
    assert_true(prepare(&f, h.conference, NULL) == 0);
    two(&f, CF_CMD_ADD_TO_CONFERENCE, h.conference, fourth);
    sim_rig_said(&f, "=invalcallstate =ok 5:conferenced(2) 2:connected");
    two(&f, CF_CMD_ADD_TO_CONFERENCE, h.conference, fourth);
    sim_rig_said(&f, "=invalcallhandle");
    struct cf_sim_counters c;
    cf_sim_model_counters(f.model, &c);
    assert_int_equal(c.conferences, 1);
    assert_int_equal(c.dialled, 4);
    sim_rig_tear_down(&f);
}

static void a_conference_on_a_line_without_a_first_call(void **state)
{
    (void)state;
    static struct sim_rig f;
    set_up(&f);
    sim_rig_start(&f);
    setup(&f, 0, NULL, 0);
    uint64_t conference = f.listener.reply_call, consultation = f.listener.reply_second;
    sim_rig_said(&f, "=ok 1:onholdpendconf 2:dialtone");
    one(&f, CF_CMD_DROP, consultation); /* a conference of nobody */
    sim_rig_said(&f, "=ok 2:idle 1:idle");
    setup(&f, 0, "1", 0);
    conference = f.listener.reply_call;
    quiet(&f);
    one(&f, CF_CMD_UNHOLD, conference);
    sim_rig_said(&f, "4:idle 3:idle =ok");
    sim_rig_obey(&f, (struct cf_command){.id = CF_CMD_SETUP_CONFERENCE, .line = f.settings.lines});
    sim_rig_said(&f, "=operationfailed");
    sim_rig_tear_down(&f);

    set_up(&f);
    f.settings.addr_cap_flags &= ~(uint32_t)LINEADDRCAPFLAGS_SETUPCONFNULL;
    sim_rig_start(&f);
    setup(&f, 0, NULL, 0);
    sim_rig_said(&f, "=operationunavail");
    sim_rig_tear_down(&f);
}

static void a_transfer_that_becomes_a_conference(void **state)
{
    (void)state;
    static struct sim_rig f;
    set_up(&f);
    sim_rig_start(&f);
    uint64_t first = dialled(&f, 0, "1");
    sim_rig_obey(&f, (struct cf_command){.id = CF_CMD_SETUP_TRANSFER, .call = first, .target = cf_text_of("1")});
    uint64_t second = f.listener.reply_call;
    quiet(&f);
    const struct cf_command complete = {
        .id = CF_CMD_COMPLETE_TRANSFER, .call = first, .second = second, .transfer_mode = LINETRANSFERMODE_CONFERENCE};
    f.listener.calls_max = 2;
    sim_rig_obey(&f, complete);
    sim_rig_said(&f, "=callunavail");
    f.listener.calls_max = SIM_RIG_CALLS_MAX;
    sim_rig_obey(&f, complete);
    sim_rig_said(&f, "=ok 3:connected 1:conferenced(3) 2:conferenced(3)");
    uint64_t conference = f.listener.reply_call;
    assert_true(f.listener.reply_second == 0 && conference != first && conference != second);
    sim_rig_obey(&f, (struct cf_command){.id = CF_CMD_SETUP_TRANSFER, .call = conference});
    sim_rig_command(&f, CF_CMD_BLIND_TRANSFER, conference, 0, "1");
    one(&f, CF_CMD_HOLD, conference);
    sim_rig_said(&f, "=operationunavail =operationunavail 3:onhold =ok"); /* a conference is not transferred */
    uint64_t third = dialled(&f, 0, "1");
    quiet(&f);
    sim_rig_obey(&f, (struct cf_command){.id = CF_CMD_COMPLETE_TRANSFER,
                                         .call = conference,
                                         .second = third,
                                         .transfer_mode = LINETRANSFERMODE_TRANSFER});
    two(&f, CF_CMD_ADD_TO_CONFERENCE, conference, third); /* a held conference takes a call that was made apart */
    sim_rig_said(&f, "=operationunavail =ok 4:conferenced(3) 3:connected");
    sim_rig_tear_down(&f);
}

static void wrong_setups_make_nothing(void **state)
{
    (void)state;
    static struct sim_rig f;
    struct hall h = three(&f);
    uint64_t apart = dialled(&f, 0, "1"), elsewhere = dialled(&f, 1, "1");
    quiet(&f);
    setup(&f, 12345, NULL, 0);
    setup(&f, h.conference, NULL, 0); /* a conference of conferences */
    setup(&f, h.first, NULL, 0);      /* a member */
    setup(&f, apart, NULL, f.settings.conference_max + 1);
    sim_rig_said(&f, "=invalcallhandle =invalcallhandle =invalcallstate =conferencefull");
    assert_true(prepare(&f, apart, NULL) == 0);
    assert_true(prepare(&f, 12345, NULL) == 0);
    two(&f, CF_CMD_ADD_TO_CONFERENCE, apart, h.first);
    two(&f, CF_CMD_ADD_TO_CONFERENCE, h.conference, apart); /* it is not on hold */
    sim_rig_said(&f, "=invalconfcallhandle =invalconfcallhandle =invalconfcallhandle =invalcallstate");
    assert_true(prepare(&f, h.conference, NULL) != 0);
    quiet(&f);
    two(&f, CF_CMD_ADD_TO_CONFERENCE, h.conference, 12345);
    two(&f, CF_CMD_ADD_TO_CONFERENCE, h.conference, h.conference);
    two(&f, CF_CMD_ADD_TO_CONFERENCE, h.conference, elsewhere);
    sim_rig_said(&f, "=invalcallhandle =invalcallhandle =invalcallhandle");
    one(&f, CF_CMD_REMOVE_FROM_CONFERENCE, 12345);
    one(&f, CF_CMD_REMOVE_FROM_CONFERENCE, apart);
    one(&f, CF_CMD_REMOVE_FROM_CONFERENCE, h.conference);
    sim_rig_said(&f, "=invalcallhandle =invalcallstate =invalcallstate");
    sim_rig_obey(&f, (struct cf_command){.id = CF_CMD_SETUP_TRANSFER, .call = apart});
    uint64_t consultation = f.listener.reply_call;
    one(&f, CF_CMD_UNHOLD, apart);
    sim_rig_obey(&f, (struct cf_command){.id = CF_CMD_SETUP_TRANSFER, .call = apart, .target = cf_text_of("1")});
    consultation = f.listener.reply_call;
    quiet(&f);
    setup(&f, consultation, NULL, 0); /* one consultation at a time */
    sim_rig_said(&f, "=callunavail");
    sim_rig_tear_down(&f);
}

static void identifiers_that_run_out_make_no_half_conference(void **state)
{
    (void)state;
    static struct sim_rig f;
    set_up(&f);
    sim_rig_start(&f);
    uint64_t first = dialled(&f, 0, "1");
    quiet(&f);
    for (uint32_t left = 0; left < 2; left++) {
        f.listener.calls_max = 1 + left;
        setup(&f, first, NULL, 0);
        sim_rig_said(&f, "=callunavail");
        assert_int_equal(cf_sim_model_live(f.model), 1);
        assert_int_equal(sim_rig_last_of(&f, first)->state, LINECALLSTATE_CONNECTED);
    }
    sim_rig_tear_down(&f);
}

static void a_full_conference_takes_nobody(void **state)
{
    (void)state;
    static struct sim_rig f;
    set_up(&f);
    f.settings.conference_max = 4;
    sim_rig_start(&f);
    struct hall h = begin_three(&f);
    uint64_t fourth = prepare(&f, h.conference, "1"), fifth = dialled(&f, 0, "1");
    quiet(&f);
    two(&f, CF_CMD_ADD_TO_CONFERENCE, h.conference, fourth);
    sim_rig_said(&f, "=ok 4:conferenced(2) 2:connected");
    assert_true(prepare(&f, h.conference, NULL) == 0);
    one(&f, CF_CMD_HOLD, h.conference);
    two(&f, CF_CMD_ADD_TO_CONFERENCE, h.conference, fifth);
    sim_rig_said(&f, "=conferencefull 2:onhold =ok =conferencefull");
    one(&f, CF_CMD_DROP, fourth);
    two(&f, CF_CMD_ADD_TO_CONFERENCE, h.conference, fifth);
    sim_rig_said(&f, "=ok 4:idle =ok 5:conferenced(2) 2:connected");
    sim_rig_tear_down(&f);
}

static void what_was_made_apart_or_held_may_be_refused(void **state)
{
    (void)state;
    static struct sim_rig f;
    set_up(&f);
    f.settings.addr_cap_flags &= ~(uint32_t)(LINEADDRCAPFLAGS_CONFERENCEHELD | LINEADDRCAPFLAGS_CONFERENCEMAKE);
    sim_rig_start(&f);
    struct hall h = begin_three(&f);
    uint64_t apart = dialled(&f, 0, "1");
    one(&f, CF_CMD_HOLD, h.conference);
    quiet(&f);
    two(&f, CF_CMD_ADD_TO_CONFERENCE, h.conference, apart);
    f.settings.addr_cap_flags |= LINEADDRCAPFLAGS_CONFERENCEMAKE;
    two(&f, CF_CMD_ADD_TO_CONFERENCE, h.conference, apart);
    sim_rig_said(&f, "=invalcallhandle =invalcallstate");
    sim_rig_tear_down(&f);
}

/* ------------------------------------------------------------------ consultations of a conference */

static void a_retrieved_conference_ends_its_consultation(void **state)
{
    (void)state;
    static struct sim_rig f;
    struct hall h = three(&f);
    uint64_t fourth = prepare(&f, h.conference, "1");
    quiet(&f);
    one(&f, CF_CMD_UNHOLD, h.conference);
    sim_rig_said(&f, "4:idle 2:connected =ok");
    fourth = prepare(&f, h.conference, "1");
    quiet(&f);
    two(&f, CF_CMD_SWAP_HOLD, fourth, h.conference);
    sim_rig_said(&f, "5:onholdpendconf 2:connected =ok");
    assert_true(prepare(&f, h.conference, NULL) == 0); /* somebody is being consulted already */
    two(&f, CF_CMD_SWAP_HOLD, h.conference, fourth);
    uint64_t other = dialled(&f, 0, "1");
    quiet(&f);
    two(&f, CF_CMD_ADD_TO_CONFERENCE, h.conference, other); /* another than was consulted, who is left alone */
    sim_rig_said(&f, "=ok 6:conferenced(2) 2:connected");
    assert_true(prepare(&f, h.conference, NULL) != 0); /* and is consulted no more */
    one(&f, CF_CMD_DROP, fourth);
    sim_rig_said(&f, "=ok 2:onholdpendconf 7:dialtone =ok 5:idle");
    sim_rig_tear_down(&f);
}

static void a_member_that_leaves_during_a_consultation(void **state)
{
    (void)state;
    static struct sim_rig f;
    struct hall h = three(&f);
    uint64_t fourth = prepare(&f, h.conference, "1");
    quiet(&f);
    one(&f, CF_CMD_DROP, h.first); /* one is left, and one may come */
    sim_rig_said(&f, "=ok 1:idle");
    two(&f, CF_CMD_ADD_TO_CONFERENCE, h.conference, fourth);
    sim_rig_said(&f, "=ok 4:conferenced(2) 2:connected");
    uint64_t fifth = prepare(&f, h.conference, "1");
    quiet(&f);
    one(&f, CF_CMD_DROP, fourth);
    one(&f, CF_CMD_DROP, h.consultation);
    sim_rig_said(&f, "=ok 4:idle =ok 3:idle"); /* nobody is left, one may come */
    two(&f, CF_CMD_ADD_TO_CONFERENCE, h.conference, fifth);
    sim_rig_said(&f, "=ok 5:conferenced(2) 2:connected");
    one(&f, CF_CMD_DROP, fifth);
    sim_rig_said(&f, "=ok 5:idle 2:idle");
    sim_rig_tear_down(&f);
}

/* ------------------------------------------------------------------ removed, dropped, hung up */

static void a_removed_member_is_a_call_of_its_own_and_so_is_the_last(void **state)
{
    (void)state;
    static struct sim_rig f;
    struct hall h = three(&f);
    uint64_t fourth = prepare(&f, h.conference, "1");
    two(&f, CF_CMD_ADD_TO_CONFERENCE, h.conference, fourth);
    quiet(&f);
    one(&f, CF_CMD_REMOVE_FROM_CONFERENCE, h.first);
    sim_rig_said(&f, "=ok 1:connected");
    one(&f, CF_CMD_REMOVE_FROM_CONFERENCE, fourth);
    sim_rig_said(&f, "=ok 4:connected 3:connected 2:idle");
    one(&f, CF_CMD_HOLD, h.consultation);
    sim_rig_said(&f, "3:onhold =ok");
    sim_rig_tear_down(&f);

    set_up(&f);
    f.settings.removed_state = LINECALLSTATE_IDLE;
    sim_rig_start(&f);
    h = begin_three(&f);
    one(&f, CF_CMD_HOLD, h.conference);
    one(&f, CF_CMD_REMOVE_FROM_CONFERENCE, h.first); /* the last of a held conference is on hold */
    sim_rig_said(&f, "2:onhold =ok =ok 1:idle 3:onhold 2:idle");
    sim_rig_tear_down(&f);
}

static void only_the_last_may_be_removed_where_lines_are_so(void **state)
{
    (void)state;
    static struct sim_rig f;
    set_up(&f);
    f.settings.remove = LINEREMOVEFROMCONF_LAST;
    sim_rig_start(&f);
    struct hall h = begin_three(&f);
    one(&f, CF_CMD_REMOVE_FROM_CONFERENCE, h.first);
    one(&f, CF_CMD_REMOVE_FROM_CONFERENCE, h.consultation);
    sim_rig_said(&f, "=operationunavail =ok 3:connected 1:connected 2:idle");
    sim_rig_tear_down(&f);
}

static void a_dropped_conference_lets_its_members_go_or_takes_them_along(void **state)
{
    (void)state;
    static struct sim_rig f;
    struct hall h = three(&f);
    one(&f, CF_CMD_DROP, h.conference);
    sim_rig_said(&f, "=ok 2:idle 1:connected 3:connected");
    one(&f, CF_CMD_HOLD, h.first);
    sim_rig_said(&f, "1:onhold =ok");
    sim_rig_tear_down(&f);

    set_up(&f);
    f.settings.addr_cap_flags |= LINEADDRCAPFLAGS_CONFDROP;
    sim_rig_start(&f);
    h = begin_three(&f);
    one(&f, CF_CMD_DROP, h.conference);
    sim_rig_said(&f, "=ok 2:idle 1:idle 3:idle");
    assert_int_equal(cf_sim_model_deadline(f.model), CF_REACTOR_NEVER);
    uint64_t first = dialled(&f, 0, "1");
    setup(&f, first, "1", 0);
    uint64_t conference = f.listener.reply_call;
    quiet(&f);
    one(&f, CF_CMD_DROP, conference); /* who is being consulted is no member */
    sim_rig_said(&f, "=ok 5:idle 4:idle");
    sim_rig_tear_down(&f);
}

static void the_core_has_done_with_a_call_of_a_conference(void **state)
{
    (void)state;
    static struct sim_rig f;
    struct hall h = three(&f);
    one(&f, CF_CMD_CLOSE_CALL, h.conference);
    sim_rig_said(&f, "1:connected 3:connected");
    assert_int_equal(f.listener.last_note_flags, CF_JOURNAL_CLOSED | CF_JOURNAL_OUTGOING);
    sim_rig_tear_down(&f);
    h = three(&f);
    one(&f, CF_CMD_CLOSE_CALL, h.first);
    sim_rig_said(&f, "3:connected 2:idle");
    sim_rig_tear_down(&f);
    set_up(&f);
    sim_rig_start(&f);
    h = begin_setup(&f, NULL);
    quiet(&f);
    one(&f, CF_CMD_CLOSE_CALL, h.consultation);
    sim_rig_said(&f, "2:connected"); /* with the one member that it has */
    one(&f, CF_CMD_CLOSE_CALL, h.first);
    sim_rig_said(&f, "2:idle");
    sim_rig_tear_down(&f);
}

static void members_hang_up(void **state)
{
    (void)state;
    static struct sim_rig f;
    set_up(&f);
    f.settings.hold_ms = 10000;
    f.settings.linger_ms = 1000;
    sim_rig_start(&f);
    dialled(&f, 0, "1");
    seconds(&f, 3);
    f.listener.said[0] = '\0';
    uint64_t first = f.listener.reply_call;
    setup(&f, first, "1", 0);
    uint64_t conference = f.listener.reply_call, consultation = f.listener.reply_second;
    two(&f, CF_CMD_ADD_TO_CONFERENCE, conference, consultation);
    quiet(&f);
    seconds(&f, 7); /* the talk of each lasts as long as it would have */
    sim_rig_said(&f, "1:disconnected 3:connected 2:idle");
    seconds(&f, 1);
    sim_rig_said(&f, "1:idle");
    seconds(&f, 3);
    sim_rig_said(&f, "3:disconnected 3:idle");
    sim_rig_tear_down(&f);
}

/* A party may be added while it rings: it answers unseen, or never. */
static void members_that_have_not_answered(void **state)
{
    (void)state;
    static struct sim_rig f;
    set_up(&f);
    f.settings.hold_ms = 10000;
    f.settings.setup_ms = 1000;
    f.settings.answer_ms = 2000;
    f.settings.addr_cap_flags |= LINEADDRCAPFLAGS_AUTORECONNECT;
    sim_rig_start(&f);
    uint64_t first = dialled(&f, 0, "1");
    seconds(&f, 4);
    quiet(&f);
    setup(&f, first, "1", 0);
    uint64_t conference = f.listener.reply_call, second = f.listener.reply_second;
    sim_rig_said(&f, "=ok 2:onholdpendconf 3:dialtone 1:conferenced(2) 3:dialing 3:proceeding");
    two(&f, CF_CMD_ADD_TO_CONFERENCE, conference, second); /* answers in 2 s */
    sim_rig_said(&f, "=ok 3:conferenced(2) 2:connected");
    seconds(&f, 1);
    uint64_t third = prepare(&f, conference, "3");
    seconds(&f, 1);
    quiet(&f);
    two(&f, CF_CMD_ADD_TO_CONFERENCE, conference, third); /* rings, and will for 10 s */
    sim_rig_said(&f, "=ok 4:conferenced(2) 2:connected");
    one(&f, CF_CMD_REMOVE_FROM_CONFERENCE, second); /* has answered, just now */
    one(&f, CF_CMD_REMOVE_FROM_CONFERENCE, third);  /* rings still */
    sim_rig_said(&f, "=ok 3:connected =ok 4:ringback 1:connected 2:idle");
    seconds(&f, 9);
    sim_rig_said(&f, "1:disconnected 1:idle");
    seconds(&f, 1);
    sim_rig_said(&f, "3:disconnected 3:idle 4:disconnected 4:idle");
    assert_int_equal(sim_rig_last_of(&f, third)->state, LINECALLSTATE_IDLE);
    sim_rig_tear_down(&f);
}

static void a_member_that_nobody_answers_leaves(void **state)
{
    (void)state;
    static struct sim_rig f;
    set_up(&f);
    sim_rig_start(&f);
    struct hall h = begin_setup(&f, "3");
    two(&f, CF_CMD_ADD_TO_CONFERENCE, h.conference, h.consultation);
    quiet(&f);
    seconds(&f, 10);
    sim_rig_said(&f, "3:disconnected 1:connected 2:idle 3:idle");
    assert_int_equal(f.listener.log[f.listener.count - 4].mode, LINEDISCONNECTMODE_NOANSWER);
    sim_rig_tear_down(&f);
}

/* ------------------------------------------------------------------ another core */

static void another_core_hears_of_a_conference_and_of_its_members(void **state)
{
    (void)state;
    static struct sim_rig f;
    struct hall h = three(&f);
    uint64_t fourth = prepare(&f, h.conference, NULL);
    quiet(&f);
    cf_sim_model_announce(f.model, f.now_ns);
    sim_rig_said(&f, "+1:conferenced +2:onholdpendconf +3:conferenced +4:dialtone 1:conferenced(2) 3:conferenced(2)");
    one(&f, CF_CMD_DROP, fourth);
    one(&f, CF_CMD_DROP, h.first);
    sim_rig_said(&f, "=ok 4:idle 2:connected =ok 1:idle 3:connected 2:idle");
    sim_rig_tear_down(&f);

    h = three(&f); /* the conference itself could not be told */
    f.listener.refuses_serial = 2;
    cf_sim_model_announce(f.model, f.now_ns);
    sim_rig_said(&f, "+1:conferenced +3:conferenced 1:connected 3:connected");
    f.listener.refuses_serial = 0;
    cf_sim_model_announce(f.model, f.now_ns);
    sim_rig_said(&f, "+1:connected +3:connected");
    sim_rig_tear_down(&f);

    set_up(&f);
    sim_rig_start(&f);
    setup(&f, 0, NULL, 0);
    one(&f, CF_CMD_CLOSE_CALL, f.listener.reply_second);
    setup(&f, 0, NULL, 0);
    quiet(&f);
    f.listener.refuses_serial = 4;
    cf_sim_model_announce(f.model, f.now_ns);
    assert_int_equal(f.listener.last_origin, LINECALLORIGIN_CONFERENCE);
    sim_rig_said(&f, "+3:onholdpendconf");
    sim_rig_tear_down(&f);
}

/* ------------------------------------------------------------------ exact profiles */

/* The toggles of calls of the exchange's own pass unseen in a conference, and go on after it. */
static void toggles_pass_unseen_in_a_conference(void **state)
{
    (void)state;
    static struct sim_rig f;
    set_up(&f);
    f.settings.rate = 1000;
    f.settings.regular = true;
    f.settings.calls = 2;
    f.settings.lines = 1;
    f.settings.messages = 9; /* four toggles */
    f.settings.hold_ms = 5000;
    f.settings.accept_ms = 1;
    sim_rig_start(&f);
    sim_rig_pass(&f, 10 * CF_NS_PER_MS, CF_NS_PER_MS, 10);
    uint64_t first = f.listener.log[0].call, second = 0;
    for (uint32_t i = 0; i < f.listener.count; i++)
        second = f.listener.log[i].call != first ? f.listener.log[i].call : second;
    one(&f, CF_CMD_HOLD, first);
    quiet(&f);
    sim_rig_obey(&f, (struct cf_command){.id = CF_CMD_COMPLETE_TRANSFER,
                                         .call = first,
                                         .second = second,
                                         .transfer_mode = LINETRANSFERMODE_CONFERENCE});
    sim_rig_said(&f, "=ok 3:connected 1:conferenced(3) 2:conferenced(3)");
    uint64_t conference = f.listener.reply_call;
    seconds(&f, 3);
    sim_rig_said(&f, "");
    one(&f, CF_CMD_DROP, conference);
    sim_rig_said(&f, "=ok 3:idle 1:connected 2:connected");
    seconds(&f, 1);
    sim_rig_said(&f, "1:onhold 2:onhold"); /* the last of the four */
    seconds(&f, 1);
    sim_rig_said(&f, "1:disconnected 1:idle 2:disconnected 2:idle");
    sim_rig_tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_conference_of_three_becomes_one_of_four),
        cmocka_unit_test(a_conference_on_a_line_without_a_first_call),
        cmocka_unit_test(a_transfer_that_becomes_a_conference),
        cmocka_unit_test(wrong_setups_make_nothing),
        cmocka_unit_test(identifiers_that_run_out_make_no_half_conference),
        cmocka_unit_test(a_full_conference_takes_nobody),
        cmocka_unit_test(what_was_made_apart_or_held_may_be_refused),
        cmocka_unit_test(a_retrieved_conference_ends_its_consultation),
        cmocka_unit_test(a_member_that_leaves_during_a_consultation),
        cmocka_unit_test(a_removed_member_is_a_call_of_its_own_and_so_is_the_last),
        cmocka_unit_test(only_the_last_may_be_removed_where_lines_are_so),
        cmocka_unit_test(a_dropped_conference_lets_its_members_go_or_takes_them_along),
        cmocka_unit_test(the_core_has_done_with_a_call_of_a_conference),
        cmocka_unit_test(members_hang_up),
        cmocka_unit_test(members_that_have_not_answered),
        cmocka_unit_test(a_member_that_nobody_answers_leaves),
        cmocka_unit_test(another_core_hears_of_a_conference_and_of_its_members),
        cmocka_unit_test(toggles_pass_unseen_in_a_conference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
