/*
 * callfan-modem as a program, between a core played by the test and modems played by the test on pseudo terminals.
 *
 * ctest-timeout: 240
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/support/modem_program.h"
#include "tests/support/spawn.h"

static struct modem_program p;

#define UNTIL(condition) MODEM_PROGRAM_UNTIL(&p, condition)

static void a_call_rings_is_answered_and_ends(void **state)
{
    (void)state;
    modem_program_set_up(&p, 1);
    modem_program_start(&p, NULL, NULL);
    const int id = modem_incoming(&p.modem[0], "5550123", false);
    modem_ring(&p.modem[0], id);
    UNTIL(modem_program_is(&p, 0, "O") && modem_program_newest(&p, 0)->caller[0] != '\0');
    assert_string_equal(modem_program_newest(&p, 0)->caller, "5550123");
    assert_int_equal(modem_program_newest(&p, 0)->media, LINEMEDIAMODE_INTERACTIVEVOICE);
    assert_int_equal(modem_program_newest(&p, 0)->origin, LINECALLORIGIN_INBOUND);
    assert_int_equal(p.core.line[0].rings, 1);
    const uint64_t number = modem_core_order(&p.core, CF_CMD_ANSWER, modem_program_newest(&p, 0)->call);
    const uint64_t advice = modem_core_order(&p.core, CF_CMD_SET_MEDIA_MODE, modem_program_newest(&p, 0)->call);
    UNTIL(modem_program_is(&p, 0, "OC") && modem_program_replied(&p, number));
    assert_int_equal(p.core.reply[number].result, 0);
    modem_remote_hangs_up(&p.modem[0], id, 16);
    UNTIL(modem_program_is(&p, 0, "OCDI"));
    assert_int_equal(modem_program_newest(&p, 0)->mode, LINEDISCONNECTMODE_NORMAL);
    assert_string_equal(modem_program_newest(&p, 0)->cause, "Q.850 16");
    assert_false(modem_program_replied(&p, advice) || modem_program_replied(&p, 0));
    modem_program_tear_down(&p);
}

static void counters_are_printed_upon_hangup_signal_which_kills_nobody(void **state)
{
    (void)state;
    modem_program_set_up(&p, 1);
    modem_program_start(&p, NULL, NULL);
    assert_int_equal(kill(p.pid, SIGHUP), 0);
    UNTIL(modem_program_said(&p, "live: calls 0") && modem_program_said(&p, "commands "));
    modem_ring(&p.modem[0], modem_incoming(&p.modem[0], "1", false));
    UNTIL(modem_program_is(&p, 0, "O"));
    modem_program_tear_down(&p);
    assert_non_null(strstr(p.said, "offered 1"));
}

static void what_a_modem_cannot_do_is_said(void **state)
{
    (void)state;
    modem_program_set_up(&p, 2);
    p.modem[1].analogue = true;
    modem_program_start(&p, "profile={gsm, v250}", "ring_ms=60000");
    const uint32_t more = LINECALLFEATURE_HOLD | LINECALLFEATURE_UNHOLD | LINECALLFEATURE_GENERATEDIGITS;
    assert_int_equal(p.core.line[0].call_features & more, more);
    assert_int_equal(p.core.line[1].call_features & more, 0);
    for (uint32_t line = 0; line < 2; line++) {
        assert_int_equal(p.core.line[line].call_features & LINECALLFEATURE_SETCALLPARAMS, 0);
        modem_ring(&p.modem[line], modem_incoming(&p.modem[line], "1", line == 1));
        UNTIL(modem_program_newest(&p, line) != NULL);
        const uint64_t number = modem_core_order(&p.core, CF_CMD_SET_CALL_PARAMS, modem_program_newest(&p, line)->call);
        const uint64_t advice = modem_core_order(&p.core, CF_CMD_SET_MEDIA_MODE, modem_program_newest(&p, line)->call);
        const uint64_t hold = modem_core_order(&p.core, CF_CMD_HOLD, modem_program_newest(&p, line)->call);
        UNTIL(modem_program_replied(&p, number) && modem_program_replied(&p, hold));
        assert_int_equal(p.core.reply[number].result, LINEERR_OPERATIONUNAVAIL);
        assert_false(modem_program_replied(&p, advice)); /* it wants none */
        assert_int_equal(p.core.reply[hold].result, line == 0 ? LINEERR_INVALCALLSTATE : LINEERR_OPERATIONUNAVAIL);
    }
    const uint64_t none = modem_core_order(&p.core, CF_CMD_ANSWER, modem_program_newest(&p, 1)->call + 1);
    const uint64_t nowhere = modem_core_dial(&p.core, 7, "1", 0);
    UNTIL(modem_program_replied(&p, none) && modem_program_replied(&p, nowhere));
    assert_int_equal(p.core.reply[none].result, LINEERR_INVALCALLSTATE);
    assert_int_equal(p.core.reply[nowhere].result, LINEERR_RESOURCEUNAVAIL);
    modem_program_tear_down(&p);
}

static void a_device_that_goes_takes_its_calls_and_comes_back(void **state)
{
    (void)state;
    modem_program_set_up(&p, 1);
    modem_program_start(&p, "remove_ms=60000", NULL);
    modem_ring(&p.modem[0], modem_incoming(&p.modem[0], "1", false));
    UNTIL(modem_program_is(&p, 0, "O"));
    modem_core_order(&p.core, CF_CMD_ANSWER, modem_program_newest(&p, 0)->call);
    UNTIL(modem_program_is(&p, 0, "OC"));
    modem_vanish(&p.modem[0]);
    UNTIL(modem_program_is(&p, 0, "OCDI"));
    assert_int_equal(modem_program_newest(&p, 0)->mode, LINEDISCONNECTMODE_UNKNOWN);
    UNTIL(strcmp(p.core.line[0].events, "+oso") == 0);
    assert_true((p.core.line[0].bits & LINEDEVSTATE_DISCONNECTED) != 0);
    p.core.line[0].bits = 0;
    modem_return(&p.modem[0]);
    UNTIL(strcmp(p.core.line[0].events, "+osos") == 0);
    assert_int_equal(p.core.line[0].bits, LINEDEVSTATE_CONNECTED | LINEDEVSTATE_INSERVICE);
    modem_ring(&p.modem[0], modem_incoming(&p.modem[0], "2", false));
    UNTIL(modem_program_is(&p, 0, "O"));
    modem_program_tear_down(&p);
}

static void a_device_that_stays_away_is_removed_and_created_anew(void **state)
{
    (void)state;
    modem_program_set_up(&p, 1);
    modem_program_start(&p, "remove_ms=20", NULL);
    modem_vanish(&p.modem[0]);
    UNTIL(strstr(p.core.line[0].events, "ox-") != NULL);
    const uint64_t number = modem_core_dial(&p.core, 0, "1", 0);
    UNTIL(modem_program_replied(&p, number));
    assert_int_equal(p.core.reply[number].result, LINEERR_RESOURCEUNAVAIL);
    modem_return(&p.modem[0]);
    UNTIL(strstr(p.core.line[0].events, "ox-+") != NULL && modem_program_in_service(&p));
    const uint64_t again = modem_core_dial(&p.core, 0, "123", 0);
    UNTIL(modem_program_replied(&p, again) && modem_program_is(&p, 0, "GPRC"));
    modem_program_tear_down(&p);
}

static void a_silent_modem_is_closed_and_opened_again(void **state)
{
    (void)state;
    modem_program_set_up(&p, 1);
    modem_program_start(&p, "command_ms=200", "dial_ms=300");
    p.modem[0].mute = true;
    const uint64_t number = modem_core_dial(&p.core, 0, "1", 0);
    UNTIL(strstr(p.core.line[0].events, "so") != NULL);
    UNTIL(modem_program_replied(&p, number));
    p.modem[0].mute = false;
    UNTIL(modem_program_in_service(&p));
    modem_program_tear_down(&p);
}

static void registration_and_pin(void **state)
{
    (void)state;
    modem_program_set_up(&p, 1);
    p.modem[0].pin = "0815";
    modem_program_start(&p, "pin={\"0815\"}", NULL);
    assert_int_equal(p.modem[0].pins, 1);
    p.core.line[0].bits = 0;
    modem_say(&p.modem[0], "+CREG: 2");
    UNTIL(strcmp(p.core.line[0].events, "+oso") == 0);
    assert_int_equal(p.core.line[0].bits, LINEDEVSTATE_OUTOFSERVICE);
    modem_say(&p.modem[0], "+CREG: 5");
    UNTIL(strcmp(p.core.line[0].events, "+osos") == 0);
    modem_program_tear_down(&p);
}

static void a_wrong_pin_is_tried_once_in_the_life_of_the_program(void **state)
{
    (void)state;
    modem_program_set_up(&p, 1);
    p.modem[0].pin = "0815";
    modem_program_start(&p, "pin={\"4711\"}", NULL);
    for (unsigned i = 0; i < 3; i++) {
        const size_t n = strlen(p.core.line[0].events);
        modem_vanish(&p.modem[0]);
        UNTIL(strlen(p.core.line[0].events) == n + 1);
        modem_return(&p.modem[0]);
        UNTIL(strlen(p.core.line[0].events) == n + 2);
    }
    assert_int_equal(p.modem[0].pins, 1);
    modem_program_tear_down(&p);
}

static void a_new_core_is_told_of_lines_and_live_calls(void **state)
{
    (void)state;
    modem_program_set_up(&p, 2);
    modem_program_start(&p, NULL, NULL);
    const int id = modem_incoming(&p.modem[0], "5550", false);
    modem_ring(&p.modem[0], id);
    UNTIL(modem_program_is(&p, 0, "O"));
    modem_core_order(&p.core, CF_CMD_ANSWER, modem_program_newest(&p, 0)->call);
    UNTIL(modem_program_is(&p, 0, "OC"));
    const uint64_t call = modem_program_newest(&p, 0)->call;
    cf_socket_listener_close(&p.core.core.listener, p.core.core.path, true);
    provider_core_hang_up(&p.core.core);
    UNTIL(modem_program_said(&p, "hung up"));
    modem_ring(&p.modem[1], modem_incoming(&p.modem[1], "77", false)); /* while nobody listens */
    UNTIL(strstr(p.modem[1].log, "AT+CLCC") != NULL && p.modem[1].call[1].seen);
    p.core.calls = 0;
    memset(p.core.line, 0, sizeof(p.core.line));
    p.core.snapshot_ended = false;
    provider_core_serve(&p.core.core);
    provider_core_served(&p.core.core);
    UNTIL(p.core.snapshot_ended && p.core.calls == 2);
    assert_true(p.core.heard[0].call == call);
    assert_string_equal(p.core.heard[0].states, "C");
    assert_string_equal(p.core.heard[0].caller, "5550");
    assert_string_equal(p.core.heard[1].states, "O");
    modem_remote_hangs_up(&p.modem[0], id, 16);
    UNTIL(modem_program_is(&p, 0, "CDI"));
    modem_program_tear_down(&p);
}

static void wrong_settings_are_told_with_their_key(void **state)
{
    (void)state;
    static const struct {
        const char *set, *set_2;
        int status;
        const char *said;
    } table[] = {
        {"device={\"/dev/x\"}", "poll_ms=500", 0, ""},
        {"poll_ms=500", "poll_ms=500", 2, "device has no path"},
        {"device={\"ttyS0\"}", "poll_ms=500", 2, "\"ttyS0\" is no absolute path"},
        {"device={\"/dev/x\", \"/dev/x\"}", "poll_ms=500", 2, "/dev/x is there twice"},
        {"device={\"/dev/x\"}", "profile={isdn}", 2, "\"isdn\" is no profile"},
        {"device={\"/dev/x\"}", "speed={12345}", 2, "12345 is no speed"},
        {"device={\"/dev/x\"}", "media={fax}", 2, "\"fax\" is not voice or data"},
        {"device={\"/dev/x\"}", "pin={\"12\"}", 2, "a PIN is not 4 to 8 digits"},
        {"device={\"/dev/x\"}", "pin={\"12a4\"}", 2, "a PIN is not 4 to 8 digits"},
        {"device={\"/dev/x\"}", "init={\"ATZ|&F\"}", 2, "every command begins with AT"},
        {"device={\"/dev/x\"}", "init={\"ATZ|AT+CLIP=1\"}", 0, ""},
        {"device={\"/dev/x\"}", "waiting=drop", 2, "waiting"},
        {"device={\"/dev/x\"}", "ring_ms=1", 2, "ring_ms"},
        {"device={\"/dev/x\"}", "remove_ms=-2", 2, "remove_ms"},
        {"device={\"/dev/x\"}", "colour=blue", 2, "colour"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        memset(&p, 0, sizeof(p));
        char *const argv[] = {(char *)spawn_path("callfan-modem"),
                              "--check",
                              "--set",
                              (char *)table[i].set,
                              "--set",
                              (char *)table[i].set_2,
                              NULL};
        p.pid = spawn(argv, &p.out);
        const int status = modem_program_wait_for_exit(&p);
        if (status != table[i].status || strstr(p.said, table[i].said) == NULL)
            fail_msg("%s %s: %d, %s", table[i].set, table[i].set_2, status, p.said);
        assert_null(strstr(p.said, "12a4"));
        close(p.out);
    }
}

static bool every_line_is(const char *states)
{
    for (uint32_t line = 0; line < p.modems; line++)
        if (!modem_program_is(&p, line, states))
            return false;
    return true;
}

static void sixty_four_modems_are_sixty_four_lines(void **state)
{
    (void)state;
    modem_program_set_up(&p, MODEM_LINES);
    modem_program_start(&p, NULL, NULL);
    for (uint32_t line = 0; line < p.modems; line++)
        modem_ring(&p.modem[line], modem_incoming(&p.modem[line], "1", false));
    UNTIL(every_line_is("O"));
    for (uint32_t line = 0; line < p.modems; line++)
        modem_core_order(&p.core, CF_CMD_ANSWER, modem_program_newest(&p, line)->call);
    UNTIL(every_line_is("OC"));
    for (uint32_t line = 0; line < p.modems; line++)
        modem_remote_hangs_up(&p.modem[line], 1, 16);
    UNTIL(every_line_is("OCDI"));
    modem_program_tear_down(&p);
}

static void live_calls_are_hung_up_at_the_end(void **state)
{
    (void)state;
    modem_program_set_up(&p, 1);
    modem_program_start(&p, NULL, NULL);
    modem_core_dial(&p.core, 0, "1", 0);
    UNTIL(modem_program_is(&p, 0, "GPRC"));
    assert_int_equal(kill(p.pid, SIGTERM), 0);
    UNTIL(modem_calls(&p.modem[0]) == 0);
    assert_string_equal(p.modem[0].last, "AT+CHUP");
    assert_int_equal(modem_program_wait_for_exit(&p), 0);
    modem_program_turn(&p);
    assert_true(modem_program_is(&p, 0, "GPRCI"));
    close(p.out);
    modem_close(&p.modem[0]);
    provider_core_fini(&p.core.core);
}

/* ---- for the end-to-end test: a modem that plays by itself until its standard input ends */

static int play(const char *link)
{
    static struct modem_emulator e;
    int id = 0;
    char byte;
    e.seed = 1;
    modem_open(&e, link);
    fcntl(0, F_SETFL, O_NONBLOCK);
    for (;;) {
        const ssize_t n = read(0, &byte, 1);
        if (n == 0)
            break;
        if (n == 1 && byte == 'r')
            modem_ring(&e, id = modem_incoming(&e, "5550123", false));
        else if (n == 1 && byte == 'h')
            modem_remote_hangs_up(&e, modem_find(&e, 0), 16);
        else if (n == 1 && byte == 'c')
            modem_caller_gives_up(&e, id);
        else if (n == 1 && byte == 'v')
            modem_vanish(&e);
        else if (n == 1 && byte == 'b')
            modem_return(&e);
        if (e.master >= 0)
            modem_turn(&e);
        struct pollfd wait_for[2] = {{.fd = e.master, .events = POLLIN}, {.fd = 0, .events = POLLIN}};
        poll(wait_for, 2, e.out_len > 0 ? 1 : 20); /* a terminal that nobody has open is always ready */
        if ((wait_for[0].revents & POLLHUP) != 0)
            poll(NULL, 0, 5);
    }
    modem_close(&e);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_rings_is_answered_and_ends),
        cmocka_unit_test(counters_are_printed_upon_hangup_signal_which_kills_nobody),
        cmocka_unit_test(what_a_modem_cannot_do_is_said),
        cmocka_unit_test(a_device_that_goes_takes_its_calls_and_comes_back),
        cmocka_unit_test(a_device_that_stays_away_is_removed_and_created_anew),
        cmocka_unit_test(a_silent_modem_is_closed_and_opened_again),
        cmocka_unit_test(registration_and_pin),
        cmocka_unit_test(a_wrong_pin_is_tried_once_in_the_life_of_the_program),
        cmocka_unit_test(a_new_core_is_told_of_lines_and_live_calls),
        cmocka_unit_test(wrong_settings_are_told_with_their_key),
        cmocka_unit_test(sixty_four_modems_are_sixty_four_lines),
        cmocka_unit_test(live_calls_are_hung_up_at_the_end),
    };
    if (argc == 3 && strcmp(argv[1], "--modem") == 0)
        return play(argv[2]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
