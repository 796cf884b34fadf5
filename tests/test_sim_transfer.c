/*
 * Hold, consultation and transfer of the model exchange: what every command says and does, in which states, and what else moves.
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

/* Numbers that begin with 2 are busy, with 3 ring, with 4 are none, 5 blocked, 6 congested, 7 out of reach, 8 reject. All others answer. */
static void set_up(struct sim_rig *f)
{
    static const enum cf_sim_outcome outcomes[] = {CF_SIM_BUSY,    CF_SIM_NO_ANSWER,  CF_SIM_BAD_ADDRESS,
                                                   CF_SIM_BLOCKED, CF_SIM_CONGESTION, CF_SIM_UNREACHABLE,
                                                   CF_SIM_REJECT};
    sim_rig_set_up(f);
    f->settings.rate = 0;
    f->settings.dial_ms = f->settings.setup_ms = f->settings.answer_ms = 0;
    f->settings.hold_fixed = true;
    f->settings.hold_ms = 3600000;
    f->settings.no_answer_ms = 10000;
    f->settings.dialtone_ms = 5000;
    f->listener.closes = false;
    for (uint32_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++)
        f->settings.dial[f->settings.dial_count++] = (struct cf_sim_dial_rule){{(char)('2' + i), '\0'}, outcomes[i]};
}

static uint64_t dialled(struct sim_rig *f, uint32_t line, const char *number)
{
    sim_rig_command(f, CF_CMD_MAKE_CALL, 0, line, number);
    assert_int_equal(f->listener.reply_result, 0);
    return f->listener.reply_call;
}

/* The first call of a rig: CONNECTED. */
static uint64_t connected(struct sim_rig *f)
{
    uint64_t call = dialled(f, 0, "1");
    sim_rig_said(f, "=ok 1:dialing 1:proceeding 1:ringback 1:connected");
    return call;
}

static uint64_t begin(struct sim_rig *f)
{
    set_up(f);
    sim_rig_start(f);
    return connected(f);
}

/* Asks for a consultation call; target NULL: dial tone. 0: refused. */
static uint64_t consult(struct sim_rig *f, uint64_t call, const char *target)
{
    sim_rig_obey(f, (struct cf_command){.id = CF_CMD_SETUP_TRANSFER, .call = call, .target = cf_text_of(target)});
    return f->listener.reply_result == 0 ? f->listener.reply_call : 0;
}

static void two(struct sim_rig *f, uint16_t id, uint64_t call, uint64_t second)
{
    sim_rig_obey(f, (struct cf_command){.id = id, .call = call, .second = second});
}

static void complete(struct sim_rig *f, uint64_t call, uint64_t second, uint32_t mode)
{
    sim_rig_obey(
        f, (struct cf_command){.id = CF_CMD_COMPLETE_TRANSFER, .call = call, .second = second, .transfer_mode = mode});
}

static void one(struct sim_rig *f, uint16_t id, uint64_t call)
{
    sim_rig_command(f, id, call, 0, NULL);
}

static void seconds(struct sim_rig *f, int64_t s)
{
    sim_rig_pass(f, s * CF_NS_PER_S, 10 * CF_NS_PER_MS, 10);
}

/* A pair: call 1 waits for call 2, which is connected. */
static uint64_t begin_pair(struct sim_rig *f, uint64_t *ret_consultation)
{
    uint64_t call = begin(f);
    *ret_consultation = consult(f, call, "1");
    sim_rig_said(f, "=ok 1:onholdpendtransfer 2:dialtone 2:dialing 2:proceeding 2:ringback 2:connected");
    return call;
}

/* ------------------------------------------------------------------ consultation */

static void a_consultation_call_has_dial_tone_and_waits_for_its_number(void **state)
{
    (void)state;
    static struct sim_rig f;
    uint64_t call = begin(&f);
    uint64_t consultation = consult(&f, call, NULL);
    sim_rig_said(&f, "=ok 1:onholdpendtransfer 2:dialtone");
    assert_true(consultation != call && consultation != 0);
    assert_int_equal(sim_rig_last_of(&f, consultation)->mode, LINEDIALTONEMODE_NORMAL);
    assert_int_equal(sim_rig_last_of(&f, consultation)->line, 0);
    assert_true((sim_rig_last_of(&f, consultation)->flags & CF_JOURNAL_OUTGOING) != 0);
    seconds(&f, 4);
    sim_rig_said(&f, "");
    seconds(&f, 1); /* nobody dials: the exchange gives up, and the call on hold is connected again */
    sim_rig_said(&f, "2:disconnected 2:idle 1:connected");
    struct cf_sim_counters c;
    cf_sim_model_counters(f.model, &c);
    assert_int_equal(c.dialled, 2);
    sim_rig_tear_down(&f);
}

static void a_consultation_call_with_a_target_is_dialled_at_once(void **state)
{
    (void)state;
    static struct sim_rig f;
    uint64_t call = begin(&f);
    f.settings.linger_ms = 1000;
    consult(&f, call, "2"); /* busy */
    sim_rig_said(&f, "=ok 1:onholdpendtransfer 2:dialtone 2:dialing 2:proceeding 2:busy");
    seconds(&f, 2);
    sim_rig_said(&f, "2:disconnected 2:idle 1:connected");
    consult(&f, call, "4"); /* none */
    sim_rig_said(&f, "=ok 1:onholdpendtransfer 3:dialtone 3:dialing 3:proceeding 3:disconnected");
    one(&f, CF_CMD_DROP, f.listener.reply_call); /* need not be waited for */
    sim_rig_said(&f, "=ok 3:idle 1:connected");
    sim_rig_tear_down(&f);
}

static void who_cannot_consult(void **state)
{
    (void)state;
    static struct sim_rig f;
    uint64_t consultation, call = begin_pair(&f, &consultation);
    assert_true(consult(&f, 12345, NULL) == 0);
    assert_true(consult(&f, call, NULL) == 0);         /* on hold */
    assert_true(consult(&f, consultation, NULL) == 0); /* of a consultation, none */
    sim_rig_said(&f, "=invalcallhandle =invalcallstate =callunavail");
    f.listener.calls_max = 2;
    one(&f, CF_CMD_DROP, consultation);
    one(&f, CF_CMD_CLOSE_CALL, consultation);
    assert_true(dialled(&f, 0, "1") != 0);
    sim_rig_said(&f, "=ok 2:idle 1:connected =ok 3:dialing 3:proceeding 3:ringback 3:connected");
    assert_true(consult(&f, call, NULL) == 0); /* no identifier is left; the call stays as it is */
    sim_rig_said(&f, "=callunavail");
    sim_rig_tear_down(&f);
}

/* ------------------------------------------------------------------ hold and swap */

static void a_retrieved_call_ends_its_consultation(void **state)
{
    (void)state;
    static struct sim_rig f;
    uint64_t consultation, call = begin_pair(&f, &consultation);
    one(&f, CF_CMD_UNHOLD, call);
    sim_rig_said(&f, "2:idle 1:connected =ok");
    one(&f, CF_CMD_UNHOLD, call);
    one(&f, CF_CMD_HOLD, consultation);
    one(&f, CF_CMD_HOLD, call);
    one(&f, CF_CMD_UNHOLD, call); /* a plain hold: nobody else moves */
    sim_rig_said(&f, "=invalcallstate =invalcallstate 1:onhold =ok 1:connected =ok");
    assert_true(consult(&f, call, "1") != 0); /* and it may consult again */
    sim_rig_said(&f, "=ok 1:onholdpendtransfer 3:dialtone 3:dialing 3:proceeding 3:ringback 3:connected");
    sim_rig_tear_down(&f);
}

static void partners_swap_and_the_held_one_keeps_its_hold(void **state)
{
    (void)state;
    static struct sim_rig f;
    uint64_t consultation, call = begin_pair(&f, &consultation);
    two(&f, CF_CMD_SWAP_HOLD, call, consultation); /* the wrong way round */
    two(&f, CF_CMD_SWAP_HOLD, consultation, 12345);
    two(&f, CF_CMD_SWAP_HOLD, 12345, call);
    two(&f, CF_CMD_SWAP_HOLD, consultation, consultation);
    sim_rig_said(&f, "=invalcallstate =invalcallhandle =invalcallhandle =invalcallstate");
    two(&f, CF_CMD_SWAP_HOLD, consultation, call);
    sim_rig_said(&f, "2:onholdpendtransfer 1:connected =ok");
    one(&f, CF_CMD_UNHOLD, consultation); /* it takes its turn; nobody is let go */
    sim_rig_said(&f, "1:onholdpendtransfer 2:connected =ok");
    two(&f, CF_CMD_SWAP_HOLD, consultation, call);
    one(&f, CF_CMD_HOLD, call);
    one(&f, CF_CMD_UNHOLD, consultation); /* the first is on hold already */
    sim_rig_said(&f, "2:onholdpendtransfer 1:connected =ok 1:onhold =ok 2:connected =ok");
    one(&f, CF_CMD_UNHOLD, call); /* no consultation hold: the other stays */
    sim_rig_said(&f, "1:connected =ok");
    sim_rig_tear_down(&f);
}

static void calls_that_are_no_partners_swap_too(void **state)
{
    (void)state;
    static struct sim_rig f;
    uint64_t consultation, call = begin_pair(&f, &consultation);
    uint64_t third = dialled(&f, 0, "1"), elsewhere = dialled(&f, 1, "1");
    f.listener.said[0] = '\0';
    two(&f, CF_CMD_SWAP_HOLD, third, call);
    sim_rig_said(&f, "3:onhold 1:connected =ok");
    two(&f, CF_CMD_SWAP_HOLD, elsewhere, third);
    sim_rig_said(&f, "=invalcallhandle");
    two(&f, CF_CMD_SWAP_HOLD, call, third);
    sim_rig_said(&f, "1:onhold 3:connected =ok");
    sim_rig_tear_down(&f);
}

/* ------------------------------------------------------------------ ends */

static void a_consultation_that_ends_reconnects_or_does_not(void **state)
{
    (void)state;
    static struct sim_rig f;
    uint64_t consultation, call = begin_pair(&f, &consultation);
    one(&f, CF_CMD_DROP, consultation);
    sim_rig_said(&f, "=ok 2:idle 1:connected");
    consultation = consult(&f, call, "1");
    f.listener.said[0] = '\0';
    one(&f, CF_CMD_CLOSE_CALL, consultation); /* its last handle is gone: the same, without a state of its own */
    sim_rig_said(&f, "1:connected");
    consultation = consult(&f, call, "1");
    two(&f, CF_CMD_SWAP_HOLD, consultation, call);
    f.listener.said[0] = '\0';
    one(&f, CF_CMD_DROP, call); /* the active one of a swapped pair */
    sim_rig_said(&f, "=ok 1:idle 4:connected");
    assert_true(consult(&f, consultation, NULL) != 0); /* which is an ordinary call now */
    sim_rig_tear_down(&f);

    set_up(&f);
    f.settings.addr_cap_flags &= ~(uint32_t)LINEADDRCAPFLAGS_AUTORECONNECT;
    sim_rig_start(&f);
    call = connected(&f);
    consultation = consult(&f, call, "1");
    f.listener.said[0] = '\0';
    one(&f, CF_CMD_DROP, consultation);
    sim_rig_said(&f, "=ok 2:idle");
    one(&f, CF_CMD_UNHOLD, call);
    sim_rig_said(&f, "1:connected =ok");
    sim_rig_tear_down(&f);
}

static void far_ends_hang_up_in_any_state(void **state)
{
    (void)state;
    static struct sim_rig f;
    set_up(&f);
    f.settings.hold_ms = 10000;
    f.settings.linger_ms = 1000;
    sim_rig_start(&f);
    uint64_t call = connected(&f);
    seconds(&f, 6);
    uint64_t consultation = consult(&f, call, "1");
    f.listener.said[0] = '\0';
    seconds(&f, 5); /* the first: on hold or not, its time has come; the consultation goes on */
    sim_rig_said(&f, "1:disconnected 1:idle");
    seconds(&f, 4);
    two(&f, CF_CMD_SWAP_HOLD, consultation, call);
    seconds(&f, 3);
    sim_rig_said(&f, "=invalcallstate 2:disconnected 2:idle");
    call = dialled(&f, 0, "1");
    consultation = consult(&f, call, "1");
    seconds(&f, 5);
    one(&f, CF_CMD_UNHOLD, call);
    f.listener.said[0] = '\0';
    complete(&f, call, consultation, LINETRANSFERMODE_TRANSFER);
    seconds(&f, 6);
    sim_rig_said(&f, "=invalcallstate 3:disconnected 3:idle");
    sim_rig_tear_down(&f);
}

/* ------------------------------------------------------------------ transfer */

static void a_transfer_takes_both_calls_off_the_line(void **state)
{
    (void)state;
    static struct sim_rig f;
    uint64_t consultation, call = begin_pair(&f, &consultation);
    complete(&f, call, consultation, LINETRANSFERMODE_TRANSFER);
    sim_rig_said(&f, "=ok 1:idle 2:idle");
    assert_true(f.listener.reply_call == call && f.listener.reply_second == 0);
    assert_int_equal(cf_sim_model_deadline(f.model), CF_REACTOR_NEVER);
    complete(&f, call, consultation, LINETRANSFERMODE_TRANSFER);
    sim_rig_said(&f, "=invalcallstate");
    call = dialled(&f, 0, "1");
    consultation = consult(&f, call, "3"); /* while it rings there */
    f.listener.said[0] = '\0';
    complete(&f, call, consultation, LINETRANSFERMODE_TRANSFER);
    sim_rig_said(&f, "=ok 3:idle 4:idle");
    seconds(&f, 20);
    sim_rig_said(&f, "");
    sim_rig_tear_down(&f);
}

static void a_transfer_of_calls_that_were_made_apart(void **state)
{
    (void)state;
    static struct sim_rig f;
    for (int may = 1; may >= 0; may--) {
        set_up(&f);
        if (!may)
            f.settings.addr_cap_flags &= ~(uint32_t)(LINEADDRCAPFLAGS_TRANSFERHELD | LINEADDRCAPFLAGS_TRANSFERMAKE);
        sim_rig_start(&f);
        uint64_t call = connected(&f), other = dialled(&f, 0, "1");
        one(&f, CF_CMD_HOLD, call);
        f.listener.said[0] = '\0';
        complete(&f, call, other, LINETRANSFERMODE_TRANSFER);
        sim_rig_said(&f, may ? "=ok 1:idle 2:idle" : "=invalconsultcallhandle");
        sim_rig_tear_down(&f);
    }
    set_up(&f);
    f.settings.addr_cap_flags &= ~(uint32_t)LINEADDRCAPFLAGS_TRANSFERHELD;
    sim_rig_start(&f);
    uint64_t call = connected(&f), other = dialled(&f, 0, "1");
    one(&f, CF_CMD_HOLD, call);
    f.listener.said[0] = '\0';
    complete(&f, call, other, LINETRANSFERMODE_TRANSFER);
    sim_rig_said(&f, "=invalcallstate");
    sim_rig_tear_down(&f);
}

static void wrong_transfers_change_nothing(void **state)
{
    (void)state;
    static struct sim_rig f;
    uint64_t consultation, call = begin_pair(&f, &consultation);
    uint64_t elsewhere = dialled(&f, 1, "1"), tone;
    f.listener.said[0] = '\0';
    complete(&f, 12345, consultation, LINETRANSFERMODE_TRANSFER);
    complete(&f, call, 12345, LINETRANSFERMODE_TRANSFER);
    complete(&f, call, call, LINETRANSFERMODE_TRANSFER);
    complete(&f, call, elsewhere, LINETRANSFERMODE_TRANSFER);
    complete(&f, call, consultation, 3);
    complete(&f, consultation, call, LINETRANSFERMODE_TRANSFER);
    sim_rig_said(&f, "=invalcallhandle =invalconsultcallhandle =invalconsultcallhandle =invalconsultcallhandle "
                     "=invaltransfermode =invalcallstate");
    one(&f, CF_CMD_DROP, consultation);
    tone = consult(&f, call, NULL);
    f.listener.said[0] = '\0';
    complete(&f, call, tone, LINETRANSFERMODE_TRANSFER);
    sim_rig_said(&f, "=invalcallstate");
    sim_rig_tear_down(&f);

    set_up(&f);
    f.settings.transfer_modes = LINETRANSFERMODE_TRANSFER;
    sim_rig_start(&f);
    call = connected(&f);
    consultation = consult(&f, call, "1");
    f.listener.said[0] = '\0';
    complete(&f, call, consultation, LINETRANSFERMODE_CONFERENCE);
    sim_rig_said(&f, "=operationunavail");
    sim_rig_tear_down(&f);
}

/* ------------------------------------------------------------------ blind */

static void a_blind_transfer_turns_out_as_its_number_says(void **state)
{
    (void)state;
    static struct sim_rig f;
    static const struct {
        const char *number, *says;
        uint32_t country;
    } cases[] = {
        {"2", "=operationfailed", 0}, {"4", "=invaladdress", 0},        {"5", "=addressblocked", 0},
        {"6", "=resourceunavail", 0}, {"7", "=operationfailed", 0},     {"8", "=operationfailed", 49},
        {NULL, "=invaladdress", 0},   {"1", "=invalcountrycode", 1000},
    };
    uint64_t call = begin(&f);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sim_rig_obey(&f, (struct cf_command){.id = CF_CMD_BLIND_TRANSFER,
                                             .call = call,
                                             .country = cases[i].country,
                                             .destination = cf_text_of(cases[i].number)});
        sim_rig_said(&f, cases[i].says);
        assert_int_equal(sim_rig_last_of(&f, call)->state, LINECALLSTATE_CONNECTED);
    }
    sim_rig_command(&f, CF_CMD_BLIND_TRANSFER, 12345, 0, "1");
    sim_rig_command(&f, CF_CMD_BLIND_TRANSFER, call, 0, "3"); /* rings there */
    sim_rig_said(&f, "=invalcallhandle =ok 1:idle");
    sim_rig_command(&f, CF_CMD_BLIND_TRANSFER, call, 0, "1");
    sim_rig_said(&f, "=invalcallstate");
    sim_rig_tear_down(&f);
}

/* The consultation call is transferred blindly itself: who waited for it is connected again. */
static void a_blind_transfer_of_a_consultation(void **state)
{
    (void)state;
    static struct sim_rig f;
    uint64_t consultation;
    begin_pair(&f, &consultation);
    sim_rig_command(&f, CF_CMD_BLIND_TRANSFER, consultation, 0, "1");
    sim_rig_said(&f, "=ok 2:idle 1:connected");
    sim_rig_tear_down(&f);
}

/* ------------------------------------------------------------------ what lines are without */

static void operations_that_lines_do_not_have_are_refused(void **state)
{
    (void)state;
    static struct sim_rig f;
    static const uint16_t commands[] = {
        CF_CMD_ACCEPT,
        CF_CMD_ANSWER,
        CF_CMD_HOLD,
        CF_CMD_UNHOLD,
        CF_CMD_GENERATE_DIGITS,
        CF_CMD_SET_CALL_PARAMS,
        CF_CMD_SWAP_HOLD,
        CF_CMD_SETUP_TRANSFER,
        CF_CMD_COMPLETE_TRANSFER,
        CF_CMD_BLIND_TRANSFER,
        CF_CMD_SETUP_CONFERENCE,
        CF_CMD_PREPARE_ADD,
        CF_CMD_ADD_TO_CONFERENCE,
        CF_CMD_REMOVE_FROM_CONFERENCE,
        0x40FF /* of a core that can ask more */,
    };
    set_up(&f);
    f.settings.call_features = LINECALLFEATURE_DROP;
    sim_rig_start(&f);
    uint64_t call = connected(&f);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        one(&f, commands[i], call);
        sim_rig_said(&f, "=operationunavail");
    }
    one(&f, CF_CMD_SET_MEDIA_MODE, call); /* advice, which wants no reply and changes nothing */
    sim_rig_said(&f, "");
    one(&f, CF_CMD_DROP, call); /* which is the core's own, too */
    sim_rig_said(&f, "=ok 1:idle");
    sim_rig_tear_down(&f);
}

/* ------------------------------------------------------------------ another core */

static void another_core_hears_of_a_consultation_and_it_goes_on(void **state)
{
    (void)state;
    static struct sim_rig f;
    uint64_t consultation, call = begin_pair(&f, &consultation);
    cf_sim_model_announce(f.model, f.now_ns);
    sim_rig_said(&f, "+1:onholdpendtransfer +2:connected");
    complete(&f, call, consultation, LINETRANSFERMODE_TRANSFER);
    sim_rig_said(&f, "=ok 1:idle 2:idle");
    cf_sim_model_announce(f.model, f.now_ns);
    sim_rig_said(&f, "");
    assert_int_equal(cf_sim_model_live(f.model), 0);
    call = dialled(&f, 0, "1");
    consultation = consult(&f, call, "1");
    f.listener.said[0] = '\0';
    f.listener.refuses_serial = 4; /* the consultation call could not be told: nobody waits for it any more */
    cf_sim_model_announce(f.model, f.now_ns);
    f.listener.refuses_serial = 0;
    sim_rig_said(&f, "+3:onholdpendtransfer");
    one(&f, CF_CMD_UNHOLD, call);
    sim_rig_said(&f, "3:connected =ok");
    sim_rig_tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_consultation_call_has_dial_tone_and_waits_for_its_number),
        cmocka_unit_test(a_consultation_call_with_a_target_is_dialled_at_once),
        cmocka_unit_test(who_cannot_consult),
        cmocka_unit_test(a_retrieved_call_ends_its_consultation),
        cmocka_unit_test(partners_swap_and_the_held_one_keeps_its_hold),
        cmocka_unit_test(calls_that_are_no_partners_swap_too),
        cmocka_unit_test(a_consultation_that_ends_reconnects_or_does_not),
        cmocka_unit_test(far_ends_hang_up_in_any_state),
        cmocka_unit_test(a_transfer_takes_both_calls_off_the_line),
        cmocka_unit_test(a_transfer_of_calls_that_were_made_apart),
        cmocka_unit_test(wrong_transfers_change_nothing),
        cmocka_unit_test(a_blind_transfer_turns_out_as_its_number_says),
        cmocka_unit_test(a_blind_transfer_of_a_consultation),
        cmocka_unit_test(operations_that_lines_do_not_have_are_refused),
        cmocka_unit_test(another_core_hears_of_a_consultation_and_it_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
