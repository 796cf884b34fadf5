/* Applications over the public interface, a running callfand, and callfan-sim: what its far end dials, and what a script says is heard. */
#include <stdio.h>
#include <unistd.h>

#include "tests/support/conformance.h"

static struct test_service service;

static void start(const char *settings)
{
    char section[512];
    snprintf(section, sizeof section, "provider sim { command = \"callfan-sim\"\n lines = %d\n %s\n}\n", WORLD_LINES,
             settings);
    service_start(&service, section);
    service_wait_status(&service, "totals.lines", WORLD_LINES);
}

/* The next message with that id; others are passed over. */
static LINEMESSAGE until(struct client *c, DWORD id)
{
    LINEMESSAGE m = client_message(c);
    while (m.dwMessageID != id)
        m = client_message(c);
    return m;
}

static void until_state(struct client *c, DWORD state)
{
    while (until(c, LINE_CALLSTATE).dwParam1 != state) {
    }
}

static void gathered(struct client *c, DWORD how, const char *buffer, const char *digits)
{
    assert_int_equal(until(c, LINE_GATHERDIGITS).dwParam1, how);
    assert_memory_equal(buffer, digits, strlen(digits));
}

static void the_far_end_dials_and_tones_end(void **state)
{
    (void)state;
    struct client c;
    HCALL call = 0;
    char buffer[8];
    start("rate = 0\n dial_ms = 1\n setup_ms = 1\n answer_ms = 1\n hold_ms = 600000\n hold = fixed\n digits = "
          "\"12#45\"\n digits_ms = 50");
    HLINE line = client_start(&c, OWNER);
    LONG request = lineMakeCall(line, &call, "5", 0, NULL);
    assert_true(request > 0);
    assert_error(client_reply(&c, request), 0);
    until_state(&c, LINECALLSTATE_CONNECTED);
    assert_int_equal(call_features(call) & (LINECALLFEATURE_GATHERDIGITS | LINECALLFEATURE_MONITORTONES),
                     LINECALLFEATURE_GATHERDIGITS);
    assert_error(lineGatherDigits(call, LINEDIGITMODE_DTMF, buffer, 8, "#", 60000, 60000), 0);
    gathered(&c, LINEGATHERTERM_TERMDIGIT, buffer, "12#");
    assert_error(lineMonitorDigits(call, LINEDIGITMODE_DTMFEND), 0);
    assert_int_equal(until(&c, LINE_MONITORDIGITS).dwParam1, '4');
    assert_int_equal(until(&c, LINE_MONITORDIGITS).dwParam1, '5');
    assert_error(lineGatherDigits(call, LINEDIGITMODE_DTMF, buffer, 2, "#", 0, 0), 0); /* from the beginning */
    gathered(&c, LINEGATHERTERM_BUFFERFULL, buffer, "12");
    assert_error(lineGatherDigits(call, LINEDIGITMODE_DTMF, buffer, 2, NULL, 1, 0), 0);
    gathered(&c, LINEGATHERTERM_FIRSTTIMEOUT, buffer, "");
    assert_int_equal(buffer[0], '\0');
    assert_error(lineGenerateTone(call, LINETONEMODE_BEEP, 0, 0, NULL), 0);
    assert_int_equal(until(&c, LINE_GENERATE).dwParam1, LINEGENERATETERM_DONE);
    assert_error(lineGenerateTone(call, LINETONEMODE_BUSY, 0, 0, NULL), 0); /* until it is stopped */
    assert_error(lineGenerateTone(call, 0, 0, 0, NULL), 0);
    assert_int_equal(until(&c, LINE_GENERATE).dwParam1, LINEGENERATETERM_CANCEL);
    assert_error(lineMonitorMedia(call, LINEMEDIAMODE_G3FAX),
                 LINEERR_OPERATIONUNAVAIL); /* without a script it finds none */
    assert_error(lineMonitorTones(call, NULL, 0), LINEERR_OPERATIONUNAVAIL);
    assert_error(lineGatherDigits(call, LINEDIGITMODE_DTMF, buffer, 8, "*", 0, 0), 0);
    assert_true(lineDrop(call, NULL, 0) > 0);
    assert_int_equal(until(&c, LINE_GATHERDIGITS).dwParam1, LINEGATHERTERM_CANCEL);
    client_leave(&c);
    service_stop(&service);
}

/* The same again and again, so that whoever begins to listen at any time hears it. */
static void write_script(const char *path)
{
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    fputs("at 0 line 0 call 1 new connected\n", f);
    for (int i = 0; i < 3000; i++)
        fputs("at +0.01 call 1 digit 7 pulse\nat +0 call 1 media g3fax\nat +0 call 1 tone 42\n", f);
    fclose(f);
}

static void a_script_says_what_is_heard(void **state)
{
    (void)state;
    static const LINEMONITORTONE tone = {.dwAppSpecific = 42, .dwDuration = 100, .dwFrequency1 = 1100};
    struct client c;
    char path[] = "/tmp/sim_listening.XXXXXX", settings[64], buffer[4];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    write_script(path);
    snprintf(settings, sizeof settings, "script = \"%s\"", path);
    start(settings);
    HLINE line = client_start(&c, MONITOR);
    HCALL call = client_new_call(&c, line, MONITOR, LINECALLSTATE_CONNECTED);
    assert_error(lineMonitorDigits(call, LINEDIGITMODE_PULSE), 0);
    LINEMESSAGE m = until(&c, LINE_MONITORDIGITS);
    assert_true(m.hDevice == call && m.dwParam1 == '7' && m.dwParam2 == LINEDIGITMODE_PULSE);
    assert_error(lineMonitorMedia(call, LINEMEDIAMODE_G3FAX), 0);
    assert_int_equal(until(&c, LINE_MONITORMEDIA).dwParam1, LINEMEDIAMODE_G3FAX);
    assert_error(lineMonitorTones(call, &tone, 1), 0);
    assert_int_equal(until(&c, LINE_MONITORTONE).dwParam1, 42);
    assert_error(lineSetCallPrivilege(call, OWNER), 0);
    assert_error(lineGatherDigits(call, LINEDIGITMODE_PULSE, buffer, 3, NULL, 0, 0), 0);
    gathered(&c, LINEGATHERTERM_BUFFERFULL, buffer, "777");
    client_leave(&c);
    service_stop(&service);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_far_end_dials_and_tones_end),
        cmocka_unit_test(a_script_says_what_is_heard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
