/*
 * Commands about two calls, in callfan-sip as a program between a core played by the test and a telephone of the test's own: what is refused, what
 * ends too early, what a new core hears.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <signal.h>
#include <cmocka.h>

#include "shm/fields.h"
#include "tests/support/sip_phone.h"

#define E(error) ((unsigned)(LINEERR_##error))

static void complete(struct sip_phone *f, uint64_t call, uint64_t number, uint64_t second, uint64_t mode)
{
    struct cf_record r = {
        .m = {.id = CF_CMD_COMPLETE_TRANSFER, .device = call, .param1 = number, .param2 = second, .param3 = mode}};
    provider_core_send(&f->core, &r);
}

/* ---- the tests */

static void the_line_says_beforehand_what_it_can(void **state)
{
    (void)state;
    static struct sip_phone f;
    const uint32_t features = LINECALLFEATURE_SWAPHOLD | LINECALLFEATURE_SETUPTRANSFER |
                              LINECALLFEATURE_COMPLETETRANSF | LINECALLFEATURE_BLINDTRANSFER;
    const uint32_t states = LINECALLSTATE_DIALTONE | LINECALLSTATE_ONHOLDPENDTRANSFER;
    sip_phone_open(&f, "refer=nobody");
    assert_int_equal(f.caps.call_features & features, features);
    assert_int_equal(f.caps.call_states & states, states);
    assert_int_equal(f.caps.transfer_modes, LINETRANSFERMODE_TRANSFER);
    assert_int_equal(f.caps.addr_cap_flags & LINEADDRCAPFLAGS_AUTORECONNECT, 0);
    sip_phone_close(&f);
}

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    static struct sip_phone f;
    char long_address[300];
    sip_phone_open(&f, "refer=nobody");
    const uint64_t call = sip_phone_connect(&f);
    snprintf(long_address, sizeof(long_address), "sip:%0250d@127.0.0.1", 1);
    sip_phone_command_with(&f, CF_CMD_SETUP_TRANSFER, call, 10, CF_FIELD_TARGET, "5550300"); /* the line has no peer */
    sip_phone_heard_error(&f, 10, E(INVALADDRESS));
    sip_phone_command_with(&f, CF_CMD_SETUP_TRANSFER, call, 11, CF_FIELD_TARGET, long_address);
    sip_phone_heard_error(&f, 11, E(INVALADDRESS));
    sip_phone_command_with(&f, CF_CMD_BLIND_TRANSFER, call, 12, CF_FIELD_DESTINATION, "sip:a b");
    sip_phone_heard_error(&f, 12, E(INVALADDRESS));
    sip_phone_command(&f, CF_CMD_BLIND_TRANSFER, call, 13, 0);
    sip_phone_heard_error(&f, 13, E(INVALADDRESS));
    complete(&f, call, 14, call, LINETRANSFERMODE_CONFERENCE);
    sip_phone_heard_error(&f, 14, E(OPERATIONUNAVAIL));
    complete(&f, call, 15, 12345, LINETRANSFERMODE_TRANSFER);
    sip_phone_heard_error(&f, 15, E(INVALCALLSTATE));
    sip_phone_command(&f, CF_CMD_SWAP_HOLD, call, 16, 12345);
    sip_phone_heard_error(&f, 16, E(INVALCALLSTATE));
    sip_phone_command(&f, CF_CMD_SETUP_TRANSFER, 12345, 17, 0);
    sip_phone_heard_error(&f, 17, E(INVALCALLSTATE));
    f.silent = 1; /* the first INVITE of the hold is not answered, its repetition is */
    sip_phone_command(&f, CF_CMD_SETUP_TRANSFER, call, 18, 0);
    sip_phone_asked(&f, "INVITE");
    sip_phone_command(&f, CF_CMD_SETUP_TRANSFER, call, 19, 0);
    sip_phone_command(&f, CF_CMD_BLIND_TRANSFER, call, 20, 0);
    sip_phone_heard(&f, "19:8000004b 20:8000004b 18:0 PENDING DIALTONE "); /* LINEERR_RESOURCEUNAVAIL */
    sip_phone_close(&f);
}

static void a_consultation_call_with_dial_tone_is_a_call_as_any(void **state)
{
    (void)state;
    static struct sip_phone f;
    sip_phone_open(&f, "refer=nobody");
    const uint64_t call = sip_phone_connect(&f);
    sip_phone_command(&f, CF_CMD_SETUP_TRANSFER, call, 10, 0);
    sip_phone_heard(&f, "10:0 PENDING DIALTONE ");
    const uint64_t consultation = f.replied_call;
    assert_true(consultation != 0 && consultation != call);
    complete(&f, call, 11, consultation, LINETRANSFERMODE_TRANSFER);
    sip_phone_heard_error(&f, 11, E(INVALCALLSTATE));
    sip_phone_command(&f, CF_CMD_HOLD, consultation, 12, 0);
    sip_phone_heard_error(&f, 12, E(INVALCALLSTATE));
    sip_phone_command(&f, CF_CMD_DROP, consultation, 13, 0);
    sip_phone_heard(&f, "IDLE 13:0 ");
    sip_phone_command(&f, CF_CMD_DROP, consultation, 14, 0);
    sip_phone_heard_error(&f, 14, E(INVALCALLSTATE));
    sip_phone_command(&f, CF_CMD_CLOSE_CALL, consultation, 0, 0);
    sip_phone_command(&f, CF_CMD_UNHOLD, call, 15, 0);
    sip_phone_heard(&f, "CONNECTED 15:0 ");
    sip_phone_command(&f, CF_CMD_HOLD, call, 16, 0);
    sip_phone_heard(&f, "ONHOLD 16:0 "); /* not for a consultation call any more */
    sip_phone_close(&f);
}

/* Identifiers are few here (two lines' worth of two calls): one that leaked would be missed. */
static void calls_that_end_while_they_are_held_leave_nothing(void **state)
{
    (void)state;
    static struct sip_phone f;
    sip_phone_open(&f, "t1_ms=100");
    for (unsigned i = 0; i < 6; i++) {
        const uint64_t call = sip_phone_connect(&f);
        f.silent = 1;
        sip_phone_command(&f, CF_CMD_SETUP_TRANSFER, call, 10, 0);
        sip_phone_asked(&f, "INVITE");
        if (i % 2 == 0) {
            sip_phone_command(&f, CF_CMD_CLOSE_CALL, call, 0, 0);
            sip_phone_heard_error(&f, 10, E(OPERATIONFAILED));
        } else {
            sip_phone_command(&f, CF_CMD_DROP, call, 11, 0);
            sip_phone_heard(&f, "10:80000048 DISCONNECTED 11:0 IDLE ");
            sip_phone_command(&f, CF_CMD_CLOSE_CALL, call, 0, 0);
        }
        f.silent = 0;
        sip_phone_asked(&f, "BYE");
    }
    sip_phone_close(&f);
}

static void a_new_core_finds_the_call_on_hold_alone(void **state)
{
    (void)state;
    static struct sip_phone f;
    sip_phone_open(&f, "refer=nobody");
    const uint64_t call = sip_phone_connect(&f);
    sip_phone_command(&f, CF_CMD_SETUP_TRANSFER, call, 10, 0);
    sip_phone_heard(&f, "10:0 PENDING DIALTONE ");
    const uint64_t consultation = f.replied_call;
    sip_phone_new_core(&f);
    sip_phone_heard(&f, "+ONHOLD SNAPSHOT ");
    complete(&f, call, 11, consultation, LINETRANSFERMODE_TRANSFER);
    sip_phone_heard_error(&f, 11, E(INVALCALLSTATE));
    sip_phone_command(&f, CF_CMD_UNHOLD, call, 12, 0);
    sip_phone_heard(&f, "CONNECTED 12:0 ");
    sip_phone_close(&f);
}

/* The telephone says to REFER that it is done, and that nothing will be told of it. */
static void calls_of_two_lines_are_put_together(void **state)
{
    (void)state;
    static struct sip_phone f;
    sip_phone_open(&f, "refer=nobody");
    const uint64_t first = sip_phone_connect(&f);
    sip_phone_command(&f, CF_CMD_HOLD, first, 10, 0);
    sip_phone_heard(&f, "ONHOLD 10:0 ");
    sip_phone_talk_with(&f, 1);
    const uint64_t second = sip_phone_connect(&f);
    f.asked[0] = '\0';
    complete(&f, first, 11, second, LINETRANSFERMODE_TRANSFER);
    sip_phone_heard(&f, "11:0 IDLE IDLE ");
    assert_string_equal(f.asked, "REFER BYE BYE ");
    sip_phone_close(&f);
}

/* A hold that is on its way when the core is lost: the new one is told of the hold, and of no consultation call. */
static void a_new_core_while_the_call_is_being_held(void **state)
{
    (void)state;
    static struct sip_phone f;
    sip_phone_open(&f, "refer=nobody");
    const uint64_t call = sip_phone_connect(&f);
    f.silent = 1000;
    sip_phone_command(&f, CF_CMD_SETUP_TRANSFER, call, 10, 0);
    sip_phone_asked(&f, "INVITE");
    sip_phone_new_core(&f);
    sip_phone_heard(&f, "+CONNECTED SNAPSHOT ");
    f.silent = 0;
    sip_phone_heard(&f, "ONHOLD ");
    sip_phone_close(&f);
}

/* Nobody monitors the line: the call that a REFER asked for is given up. */
static void a_call_of_a_refer_that_nobody_wants_is_given_up(void **state)
{
    (void)state;
    static struct sip_phone f;
    char extra[80];
    sip_phone_open(&f, "refer=anybody");
    const uint64_t call = sip_phone_connect(&f);
    f.silent = 1; /* the INVITE is answered when it comes again, and has been given up by then */
    snprintf(extra, sizeof(extra), "Refer-To: <sip:300@127.0.0.1:%u>\r\n", f.own_port);
    sip_phone_ask(&f, "REFER", 2, extra, NULL);
    sip_phone_heard(&f, "+DIALING ");
    assert_true(f.call != call);
    sip_phone_command(&f, CF_CMD_REFUSED, f.call, CF_REFUSAL_NOBODY, 0);
    sip_phone_asked(&f, "ACK NOTIFY BYE "); /* the outcome is told: 487 */
    sip_phone_command(&f, CF_CMD_DROP, call, 10, 0);
    sip_phone_heard(&f, "DISCONNECTED 10:0 IDLE "); /* of the other nothing was told */
    sip_phone_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_line_says_beforehand_what_it_can),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(a_consultation_call_with_dial_tone_is_a_call_as_any),
        cmocka_unit_test(calls_that_end_while_they_are_held_leave_nothing),
        cmocka_unit_test(a_new_core_finds_the_call_on_hold_alone),
        cmocka_unit_test(calls_of_two_lines_are_put_together),
        cmocka_unit_test(a_new_core_while_the_call_is_being_held),
        cmocka_unit_test(a_call_of_a_refer_that_nobody_wants_is_given_up),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
