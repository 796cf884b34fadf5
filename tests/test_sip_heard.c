/*
 * Who listens to the digits of SIP calls, in callfan-sip as a program between a core played by the test and a telephone of the test's own: what
 * is told, what is gathered, and what becomes of it when the call or the core ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <signal.h>
#include <cmocka.h>

#include "adapters/provider/clock.h"
#include "shm/fields.h"
#include "tests/support/sip_phone.h"

#define RELAY "Content-Type: application/dtmf-relay\r\n"
#define BARE  "Content-Type: application/dtmf\r\n"

static void gather(struct sip_phone *f, uint64_t call, uint64_t number, uint32_t wanted, const char *ends,
                   uint32_t first_ms, uint32_t between_ms)
{
    struct cf_record r = {.m = {.id = CF_CMD_GATHER_DIGITS,
                                .device = call,
                                .param1 = number,
                                .param2 = LINEDIGITMODE_DTMF | (uint64_t)wanted << 32,
                                .param3 = first_ms | (uint64_t)between_ms << 32}};
    cf_fields_append_text(&r, CF_FIELD_TERMINATION_DIGITS, ends);
    provider_core_send(&f->core, &r);
}

/* The program has taken the commands before when it has refused this one, of no call. */
static void settle(struct sip_phone *f)
{
    gather(f, 12345, 99, 1, NULL, 0, 0);
    sip_phone_heard_error(f, 99, (unsigned)LINEERR_INVALCALLSTATE);
}

static void monitor(struct sip_phone *f, uint64_t call, uint32_t modes)
{
    sip_phone_command(f, CF_CMD_MONITOR_DIGITS, call, 0, modes);
    settle(f);
}

static void press(struct sip_phone *f, unsigned cseq, const char *digit)
{
    sip_phone_ask(f, "INFO", cseq, BARE, digit);
}

static void the_line_says_that_it_hears_digits(void **state)
{
    (void)state;
    static struct sip_phone f;
    const uint32_t hears = LINECALLFEATURE_MONITORDIGITS | LINECALLFEATURE_GATHERDIGITS;
    const uint32_t all = hears | LINECALLFEATURE_MONITORTONES | LINECALLFEATURE_MONITORMEDIA;
    sip_phone_open(&f, "refer=nobody");
    assert_int_equal(f.caps.call_features & all, hears);
    assert_int_equal(f.caps.digit_modes, LINEDIGITMODE_DTMF);
    assert_int_equal(f.caps.monitor_digit_modes, LINEDIGITMODE_DTMF);
    assert_true(f.caps.gather_timeout_min_ms == 1 && f.caps.gather_timeout_max_ms == 86400000);
    sip_phone_close(&f);
}

static void digits_are_told_while_somebody_listens(void **state)
{
    (void)state;
    static struct sip_phone f;
    sip_phone_open(&f, "refer=nobody");
    const uint64_t call = sip_phone_connect(&f);
    press(&f, 2, "1");
    sip_phone_command(&f, CF_CMD_GENERATE_DIGITS, call, 3, LINEDIGITMODE_DTMF); /* none: it is replied to at once */
    sip_phone_heard(&f, "3:0 ");
    monitor(&f, call, LINEDIGITMODE_DTMF);
    sip_phone_ask(&f, "INFO", 3, RELAY, "Signal=2\r\nDuration=160\r\n");
    sip_phone_ask(&f, "INFO", 3, RELAY, "Signal=2\r\nDuration=160\r\n"); /* its copy */
    press(&f, 4, "x");
    press(&f, 5, "#");
    sip_phone_heard(&f, "D2 D# ");
    sip_phone_command(&f, CF_CMD_HOLD, call, 4, 0);
    sip_phone_heard(&f, "ONHOLD 4:0 ");
    press(&f, 6, "3");
    sip_phone_heard(&f, "D3 ");
    monitor(&f, call, 0);
    press(&f, 7, "4");
    sip_phone_ask(&f, "BYE", 8, "", NULL);
    sip_phone_heard(&f, "DISCONNECTED IDLE ");
    sip_phone_close(&f);
}

static void digits_are_gathered(void **state)
{
    (void)state;
    static struct sip_phone f;
    sip_phone_open(&f, "refer=nobody");
    const uint64_t call = sip_phone_connect(&f);
    monitor(&f, call, LINEDIGITMODE_DTMF);
    gather(&f, call, 10, 3, "#", 0, 0);
    settle(&f);
    press(&f, 2, "1");
    press(&f, 3, "2");
    press(&f, 4, "3");
    press(&f, 5, "4");
    sip_phone_heard(&f, "D1 D2 D3 10:0/1=123 D4 ");
    monitor(&f, call, 0);
    gather(&f, call, 11, 9, "#*", 0, 0);
    gather(&f, call, 12, 9, "#*", 0, 0); /* in place of it */
    sip_phone_heard(&f, "11:0/10= ");
    press(&f, 6, "5");
    press(&f, 7, "*");
    sip_phone_heard(&f, "12:0/2=5* ");
    gather(&f, call, 13, 9, NULL, 30, 0);
    sip_phone_heard(&f, "13:0/4= ");
    const int64_t begun = cf_clock_ns();
    gather(&f, call, 14, 9, NULL, 0, 40);
    press(&f, 8, "6");
    sip_phone_heard(&f, "14:0/8=6 ");
    assert_true(cf_clock_ns() - begun >= 40 * CF_NS_PER_MS);
    gather(&f, call, 15, 9, NULL, 0, 0);
    gather(&f, call, 0, 0, NULL, 0, 0); /* stopped */
    sip_phone_heard(&f, "15:0/10= 0:0 ");
    sip_phone_close(&f);
}

/* Its reply comes before the state that ends it, and there is one whatever ends the call. */
static void a_gathering_ends_with_its_call(void **state)
{
    (void)state;
    static struct sip_phone f;
    sip_phone_open(&f, "linger_ms=100");
    uint64_t call = sip_phone_connect(&f);
    gather(&f, call, 10, 9, NULL, 0, 0);
    press(&f, 2, "1");
    sip_phone_ask(&f, "BYE", 3, "", NULL);
    sip_phone_heard(&f, "10:0/10=1 DISCONNECTED ");
    gather(&f, call, 11, 9, NULL, 0, 0); /* too late */
    sip_phone_heard_error(&f, 11, (unsigned)LINEERR_INVALCALLSTATE);
    sip_phone_heard(&f, "IDLE ");
    gather(&f, call, 12, 9, NULL, 0, 0);
    sip_phone_heard_error(&f, 12, (unsigned)LINEERR_INVALCALLSTATE);
    sip_phone_command(&f, CF_CMD_CLOSE_CALL, call, 0, 0);

    call = sip_phone_connect(&f);
    gather(&f, call, 13, 9, NULL, 0, 0);
    sip_phone_command(&f, CF_CMD_DROP, call, 14, 0);
    sip_phone_heard(&f, "13:0/10= DISCONNECTED 14:0 IDLE ");
    sip_phone_command(&f, CF_CMD_CLOSE_CALL, call, 0, 0);

    call = sip_phone_connect(&f);
    monitor(&f, call, LINEDIGITMODE_DTMF);
    gather(&f, call, 15, 9, NULL, 50, 0);
    sip_phone_command(&f, CF_CMD_CLOSE_CALL, call, 0, 0); /* nobody has a handle any more */
    sip_phone_heard(&f, "15:0/10= ");
    sip_phone_asked(&f, "BYE");

    call = sip_phone_connect(&f); /* in the place of one before: nobody listens */
    press(&f, 2, "1");
    gather(&f, call, 16, 1, NULL, 0, 0);
    settle(&f);
    press(&f, 3, "2");
    sip_phone_heard(&f, "16:0/1=2 ");
    sip_phone_close(&f);
}

static void a_new_core_listens_to_nothing(void **state)
{
    (void)state;
    static struct sip_phone f;
    sip_phone_open(&f, "refer=nobody");
    const uint64_t call = sip_phone_connect(&f);
    monitor(&f, call, LINEDIGITMODE_DTMF);
    gather(&f, call, 10, 9, NULL, 200, 0);
    settle(&f);
    sip_phone_new_core(&f);
    sip_phone_heard(&f, "+CONNECTED SNAPSHOT ");
    press(&f, 2, "1");
    gather(&f, call, 11, 9, NULL, 300, 0); /* longer than the one that is forgotten */
    sip_phone_heard(&f, "11:0/4= ");
    monitor(&f, call, LINEDIGITMODE_DTMF);
    press(&f, 3, "2");
    sip_phone_heard(&f, "D2 ");
    sip_phone_close(&f);
}

/* Before the answer, and of a consultation call that has only dial tone. */
static void listening_may_begin_early(void **state)
{
    (void)state;
    static struct sip_phone f;
    char destination[64];
    sip_phone_open(&f, "refer=nobody");
    sip_phone_ring(&f);
    sip_phone_heard(&f, "+OFFERING ");
    const uint64_t call = f.call;
    gather(&f, call, 1, 1, NULL, 0, 0);
    sip_phone_command(&f, CF_CMD_ANSWER, call, 2, 0);
    sip_phone_heard(&f, "CONNECTED 2:0 ");
    sip_phone_command(&f, CF_CMD_SETUP_TRANSFER, call, 3, 0);
    sip_phone_heard(&f, "3:0 PENDING DIALTONE ");
    uint64_t consultation = f.replied_call;
    press(&f, 2, "1");
    sip_phone_heard(&f, "1:0/1=1 ");
    gather(&f, consultation, 4, 1, NULL, 0, 0);
    sip_phone_command(&f, CF_CMD_DROP, consultation, 5, 0);
    sip_phone_heard(&f, "4:0/10= IDLE 5:0 ");
    sip_phone_command(&f, CF_CMD_CLOSE_CALL, consultation, 0, 0);
    sip_phone_command(&f, CF_CMD_UNHOLD, call, 6, 0);
    sip_phone_heard(&f, "CONNECTED 6:0 ");
    sip_phone_command(&f, CF_CMD_SETUP_TRANSFER, call, 7, 0);
    sip_phone_heard(&f, "7:0 PENDING DIALTONE ");
    consultation = f.replied_call;
    gather(&f, consultation, 8, 1, NULL, 0, 0);
    monitor(&f, consultation, LINEDIGITMODE_DTMF);
    snprintf(destination, sizeof(destination), "sip:x@127.0.0.1:%u", f.own_port);
    sip_phone_command_with(&f, CF_CMD_DIAL, consultation, 9, CF_FIELD_DESTINATION, destination);
    sip_phone_heard(&f, "9:0 DIALING CONNECTED ");
    sip_phone_ask_caller(&f, "INFO", 30, BARE, "5");
    sip_phone_heard(&f, "D5 8:0/1=5 ");
    sip_phone_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_line_says_that_it_hears_digits),
        cmocka_unit_test(digits_are_told_while_somebody_listens),
        cmocka_unit_test(digits_are_gathered),
        cmocka_unit_test(a_gathering_ends_with_its_call),
        cmocka_unit_test(a_new_core_listens_to_nothing),
        cmocka_unit_test(listening_may_begin_early),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
