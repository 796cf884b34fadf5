/* Scripts of the simulator: what they may say, and how faults are told. */
#define _GNU_SOURCE
#include "adapters/sim/script.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "adapters/sim/player.h"
#include "adapters/sim/script_words.h"
#include "callfan/tapi.h"
#include "shm/forward.h"

static struct cf_script parsed(const char *text)
{
    struct cf_script s;
    char why[200] = "";
    if (cf_script_parse(&s, text, strlen(text), why, sizeof why) < 0)
        fail_msg("%s", why);
    return s;
}

static void assert_text(struct cf_text t, const char *expected)
{
    assert_int_equal(t.bytes, strlen(expected));
    assert_memory_equal(t.at, expected, t.bytes);
}

/* ------------------------------------------------------------------ parser */

static void every_kind_of_event_is_read(void **state)
{
    (void)state;
    struct cf_script s =
        parsed("# a script\n"
               "lines 3\n"
               "\n"
               "at 1.5 line 2 call 7 new OFFERING active caller 100 called \"20 0\" name A calledname B # end\n"
               "at 2 call 7 state disconnected busy cause \"SIP 486\"\n"
               "at 3 call 7 state 0x100 5\n"
               "at 4 line 0 call 8 new connected origin internal reason transfer media 0x10 address 3\n"
               "at 5 call 7 info redirecting 300\n"
               "at 6 line 1 remove\n"
               "at 6 line 1 add\n"
               "at 6 line 1 close\n"
               "at 7 line 1 state ringing 4294967297\n"
               "at 8 on answer fail operationfailed\n"
               "at 9 on drop ignore\n"
               "at 10 on makecall ok call 12\n"
               "at 11 on SetupConference reply call 13 call 14\n"
               "at 12 on completetransfer fail invalconsultcallhandle\n"
               "at 13 call 7 state conferenced call 12 cause x\n"
               "at 14 call 7 state conferenced id 0x123456789abcdef0\n"
               "at 15 call 7 state conferenced 9");
    assert_int_equal(s.lines, 3);
    assert_int_equal(s.events_count, 17);
    const struct cf_script_event *e = s.events;
    assert_int_equal(e[0].at_ns, 1500000000);
    assert_int_equal(e[0].kind, CF_SCRIPT_NEW);
    assert_int_equal(e[0].line, 2);
    assert_int_equal(e[0].call, 7);
    assert_int_equal(e[0].state, LINECALLSTATE_OFFERING);
    assert_int_equal(e[0].mode, LINEOFFERINGMODE_ACTIVE);
    assert_text(e[0].caller, "100");
    assert_text(e[0].called, "20 0");
    assert_text(e[0].called_name, "B");
    assert_int_equal(e[1].kind, CF_SCRIPT_STATE);
    assert_int_equal(e[1].mode, LINEDISCONNECTMODE_BUSY);
    assert_text(e[1].cause, "SIP 486");
    assert_int_equal(e[2].state, LINECALLSTATE_CONNECTED);
    assert_int_equal(e[2].mode, 5);
    assert_int_equal(e[3].mode, 0);
    assert_int_equal(e[3].origin, LINECALLORIGIN_INTERNAL);
    assert_int_equal(e[3].reason, LINECALLREASON_TRANSFER);
    assert_int_equal(e[3].media_modes, 16);
    assert_int_equal(e[3].address, 3);
    assert_int_equal(e[4].kind, CF_SCRIPT_INFO);
    assert_text(e[4].redirecting, "300");
    assert_int_equal(e[5].kind, CF_SCRIPT_LINE_REMOVE);
    assert_int_equal(e[6].kind, CF_SCRIPT_LINE_ADD);
    assert_int_equal(e[7].kind, CF_SCRIPT_LINE_CLOSE);
    assert_int_equal(e[8].bits, LINEDEVSTATE_RINGING);
    assert_int_equal(e[8].detail, UINT64_C(4294967297));
    assert_int_equal(e[9].kind, CF_SCRIPT_ON);
    assert_int_equal(e[9].command, CF_CMD_ANSWER);
    assert_int_equal(e[9].reaction, CF_SCRIPT_FAIL);
    assert_int_equal(e[9].error, LINEERR_OPERATIONFAILED);
    assert_int_equal(e[10].reaction, CF_SCRIPT_IGNORE);
    assert_int_equal(e[11].reaction, CF_SCRIPT_OK);
    assert_int_equal(e[11].made[0], 12);
    assert_int_equal(e[11].made[1], CF_SCRIPT_CALL_NONE);
    assert_int_equal(e[12].command, CF_CMD_SETUP_CONFERENCE);
    assert_int_equal(e[12].reaction, CF_SCRIPT_REPLY);
    assert_int_equal(e[12].made[0], 13);
    assert_int_equal(e[12].made[1], 14);
    assert_int_equal(e[13].error, LINEERR_INVALCONSULTCALLHANDLE);
    assert_int_equal(e[14].parent, 12);
    assert_text(e[14].cause, "x");
    assert_int_equal(e[15].parent, CF_SCRIPT_CALL_NONE);
    assert_true(e[15].parent_id == UINT64_C(0x123456789abcdef0));
    assert_int_equal(e[16].mode, 9);
    cf_script_fini(&s);
}

static void events_are_ordered_by_time_then_by_line(void **state)
{
    (void)state;
    struct cf_script s = parsed("at 5 call 1 state idle\n"
                                "at 1 call 2 state idle\n"
                                "at +0.5 call 3 state idle\n"
                                "at +0.000000001 call 4 state idle\n"
                                "at 1 call 5 state idle\n"
                                "on drop ok\n");
    const uint32_t calls[] = {CF_SCRIPT_CALL_NONE, 2, 5, 3, 4, 1};
    assert_int_equal(s.events_count, 6);
    for (int i = 0; i < 6; i++)
        assert_int_equal(s.events[i].call, calls[i]);
    assert_int_equal(s.events[4].at_ns, 1500000001);
    cf_script_fini(&s);
}

static void what_is_heard_is_read(void **state)
{
    (void)state;
    static const struct {
        enum cf_script_kind kind;
        uint32_t heard, mode;
    } events[] = {
        {CF_SCRIPT_DIGIT, '5', LINEDIGITMODE_DTMF},
        {CF_SCRIPT_DIGIT, '#', LINEDIGITMODE_DTMFEND},
        {CF_SCRIPT_DIGIT, 'x', 3},
        {CF_SCRIPT_MEDIA, LINEMEDIAMODE_DATAMODEM, 0},
        {CF_SCRIPT_MEDIA, 7, 0},
        {CF_SCRIPT_TONE, 4294967295, 0},
        {CF_SCRIPT_TONE, 2, 9},
    };
    struct cf_script s = parsed("at 1 call 3 digit 5\nat 1 call 3 digit \"#\" dtmfend\nat 1 call 3 digit x 3\n"
                                "at 1 call 3 media DataModem\nat 1 call 3 media 7\n"
                                "at 1 call 3 tone 4294967295\nat 1 call 3 tone 2 list 9\n");
    assert_int_equal(s.events_count, sizeof events / sizeof events[0]);
    for (uint32_t i = 0; i < s.events_count; i++) {
        assert_int_equal(s.events[i].call, 3);
        assert_int_equal(s.events[i].kind, events[i].kind);
        assert_int_equal(s.events[i].heard, events[i].heard);
        assert_int_equal(s.events[i].mode, events[i].mode);
    }
    cf_script_fini(&s);
}

static void forwarding_and_device_specifics_are_read(void **state)
{
    (void)state;
    static const struct {
        uint32_t mode, country;
        const char *caller, *address;
    } entries[] = {{LINEFORWARDMODE_UNCOND, 0, "", "201"},
                   {LINEFORWARDMODE_BUSYSPECIFIC, 44, "100", "2 02"},
                   {0x300, 0, "", ""},
                   {LINEFORWARDMODE_NOANSW, 0, "", "203"}};
    struct cf_script s = parsed("at 1 line 2 address 3 forwarding rings 7 uncond 201 BusySpecific \"2 02\" from 100 country 44 0x300 \"\"\n"
                                "at 2 line 2 address 3 forwarding\nat 3 line 2 address 3 forwarding noansw 203\n"
                                "at 4 line 2 address 3 forward\nat 5 line 2 devspecific 1 0xffffffff\n"
                                "at 6 call 5 devspecific\n");
    assert_int_equal(s.events_count, 6);
    const uint8_t *at = s.forwarding;
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        struct cf_forward_entry f = {0};
        assert_true(cf_forward_next(&at, s.forwarding + s.forwarding_bytes, &f));
        assert_int_equal(f.head.mode, entries[i].mode);
        assert_int_equal(f.head.country, entries[i].country);
        assert_text((struct cf_text){(const char *)f.caller, f.head.caller_bytes}, entries[i].caller);
        assert_text((struct cf_text){(const char *)f.address, f.head.address_bytes}, entries[i].address);
    }
    assert_true(at == s.forwarding + s.forwarding_bytes);
    const struct cf_script_event *e = s.events;
    for (int i = 0; i < 3; i++)
        assert_true(e[i].kind == CF_SCRIPT_FORWARDING && e[i].line == 2 && e[i].address == 3);
    assert_int_equal(e[0].rings, 7);
    assert_int_equal(e[0].forward_at, 0);
    assert_int_equal(e[1].rings, 0);
    assert_int_equal(e[1].forward_bytes, 0);
    assert_int_equal(e[2].forward_at, e[0].forward_bytes);
    assert_int_equal(e[2].forward_at + e[2].forward_bytes, s.forwarding_bytes);
    assert_int_equal(e[3].kind, CF_SCRIPT_ADDRESS_STATE);
    assert_true(e[4].kind == CF_SCRIPT_DEV_SPECIFIC && e[4].line == 2 && e[4].call == CF_SCRIPT_CALL_NONE);
    assert_int_equal(e[4].param[1], UINT32_MAX);
    assert_true(e[5].kind == CF_SCRIPT_DEV_SPECIFIC && e[5].call == 5 && e[5].param[0] == 0);
    cf_script_fini(&s);
}

static void faults_are_told_with_their_line(void **state)
{
    (void)state;
    const struct {
        const char *text, *says;
    } cases[] = {
        {"\n\nfoo", "line 3: lines, at or on is wanted, not 'foo'"},
        {"at", "line 1: time is missing"},
        {"at x call 1 state idle", "'x' is no time"},
        {"at 1. call 1 state idle", "'1.' is no time"},
        {"at -1 call 1 state idle", "'-1' is no time"},
        {"at 0x10 call 1 state idle", "'0x10' is no time"},
        {"at 1.0000000001 call 1 state idle", "is no time"},
        {"at 1000001 call 1 state idle", "is no time"},
        {"at 999999 call 1 state idle\nat +2 call 1 state idle", "line 2: later than 1000000 s"},
        {"at 1", "line, call or on is missing"},
        {"at 1 dog", "line, call or on is wanted, not 'dog'"},
        {"at 1 call 65536 state idle", "call is '65536', must be a number up to 65535"},
        {"at 1 call -1 state idle", "call is '-1'"},
        {"at 1 call 1", "new, state, info, digit, media, tone or devspecific is missing"},
        {"at 1 call 1 sings", "new, state, info, digit, media, tone or devspecific is wanted, not 'sings'"},
        {"at 1 call 1 digit 12", "'12' is no digit"},
        {"at 1 call 1 digit 1 loud", "unknown digit mode 'loud'"},
        {"at 1 call 1 media music", "unknown media 'music'"},
        {"at 1 call 1 tone x", "tone is 'x'"},
        {"at 1 call 1 tone 1 list", "list is missing"},
        {"at 1 call 1 new offering", "needs its line"},
        {"at 1 call 1 state", "state is missing"},
        {"at 1 call 1 state sleeping", "unknown state 'sleeping'"},
        {"at 1 call 1 state idle 1 2", "unexpected word '2'"},
        {"at 1 call 1 state connected busy", "unexpected word 'busy'"},
        {"at 1 call 1 state idle cause", "cause is missing"},
        {"at 1 call 1 info", "info needs what changed"},
        {"at 1 call 1 info address 2", "unexpected word 'address'"},
        {"at 1 line 0 call 1 new offering caller", "caller is missing"},
        {"at 1 line 0 call 1 new offering reason why", "unknown reason 'why'"},
        {"at 1 line 4294967296 close", "line is '4294967296'"},
        {"at 1 line 0 fly", "not 'fly'"},
        {"at 1 line 0 close now", "unexpected word 'now'"},
        {"at 1 line 0 address", "address is missing"},
        {"at 1 line 0 address 1", "address state is missing"},
        {"at 1 line 0 address 1 away", "unknown address state 'away'"},
        {"at 1 line 0 address 1 other now", "unexpected word 'now'"},
        {"at 1 line 0 state", "line state is missing"},
        {"at 1 on answer", "ok, reply, ignore or fail is missing"},
        {"at 1 on answer now", "ok, reply, ignore or fail is wanted, not 'now'"},
        {"at 1 on sing ok", "unknown command 'sing'"},
        {"at 1 on answer fail", "error is missing"},
        {"at 1 on answer ok call 3", "unexpected word 'call'"},
        {"at 1 on swaphold reply call 3", "unexpected word 'call'"},
        {"at 1 on setuptransfer ok call 3 call 4", "unexpected word 'call'"},
        {"at 1 on setupconference ok call 3 call 4 call 5", "unexpected word 'call'"},
        {"at 1 on setupconference ok call 3 call 3", "two calls cannot have the number 3"},
        {"at 1 on prepareadd ok call 65536", "call is '65536'"},
        {"at 1 on setuptransfer ignore call 3", "unexpected word 'call'"},
        {"at 1 call 1 state conferenced call 65536", "call is '65536'"},
        {"at 1 call 1 state conferenced id", "id is missing"},
        {"at 1 call 1 state conferenced id p", "id is 'p'"},
        {"at 1 call 1 state conferenced call 1 call 2", "unexpected word 'call'"},
        {"at 1 call 1 state onhold call 2", "unexpected word 'call'"},
        {"lines 0x20001", "lines is '0x20001'"},
        {"at 1 line 0 call 1 new idle caller \"x", "a quote does not end"},
        {"at 1 line 0 devspecific 1 2 3 4", "unexpected word '4'"},
        {"at 1 call 0 devspecific 0x100000000", "parameter is '0x100000000'"},
        {"at 1 line 0 address 0 forwarding rings", "rings is missing"},
        {"at 1 line 0 address 0 forwarding always 1", "unknown forward mode 'always'"},
        {"at 1 line 0 address 0 forwarding uncond", "address is missing"},
        {"at 1 line 0 address 0 forwarding uncond 1 from", "caller is missing"},
        {"at 1 line 0 address 0 forwarding uncond 1 country x", "country is 'x'"},
        {"at 1 line 0 address 0 forwarding uncond 1234567890123456789012345678901234567890123456789012345678901234",
         "address has more than 63 bytes"},
        {"at 1 line 0 address 0 forwarding 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
         "more than 16 entries"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct cf_script s;
        char why[200] = "";
        assert_int_equal(cf_script_parse(&s, cases[i].text, strlen(cases[i].text), why, sizeof why), -EINVAL);
        if (strncmp(why, "line ", 5) != 0 || strstr(why, cases[i].says) == NULL)
            fail_msg("\"%s\": \"%s\" does not say \"%s\"", cases[i].text, why, cases[i].says);
    }
}

static void sizes_are_bounded(void **state)
{
    (void)state;
    struct cf_script s;
    char why[200] = "";
    char *text = malloc(CF_SCRIPT_BYTES_MAX + 1);
    assert_non_null(text);
    memset(text, ' ', CF_SCRIPT_BYTES_MAX + 1);
    assert_int_equal(cf_script_parse(&s, text, CF_SCRIPT_BYTES_MAX + 1, why, sizeof why), -EINVAL);
    assert_int_equal(cf_script_parse(&s, text, CF_SCRIPT_LINE_BYTES + 1, why, sizeof why), -EINVAL);
    assert_int_equal(cf_script_parse(&s, text, CF_SCRIPT_LINE_BYTES, why, sizeof why), 0);
    cf_script_fini(&s);
    size_t n = 0;
    for (int i = 0; i <= CF_SCRIPT_EVENTS_MAX; i++)
        n += (size_t)sprintf(text + n, "on drop ok\n");
    assert_int_equal(cf_script_parse(&s, text, n, why, sizeof why), -EINVAL);
    assert_non_null(strstr(why, "line 65537: more than 65536 events"));
    n -= strlen("on drop ok\n");
    assert_int_equal(cf_script_parse(&s, text, n, why, sizeof why), 0);
    cf_script_fini(&s);
    n = (size_t)sprintf(text, "at 1 line 0 call 1 new idle");
    for (int i = 0; i < 40; i++)
        n += (size_t)sprintf(text + n, " media 1");
    assert_int_equal(cf_script_parse(&s, text, n, why, sizeof why), -EINVAL);
    assert_non_null(strstr(why, "more than 64 words"));
    free(text);
}

static void a_file_is_read_and_named_in_faults(void **state)
{
    (void)state;
    char path[] = "/tmp/callfan-test-XXXXXX", why[200] = "";
    struct cf_script s;
    int fd = mkstemp(path);
    assert_int_equal(write(fd, "at 1 call 1 state\n", 18), 18);
    assert_int_equal(cf_script_read(&s, path, why, sizeof why), -EINVAL);
    assert_non_null(strstr(why, path));
    assert_non_null(strstr(why, "line 1: state is missing"));
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(cf_script_read(&s, path, why, sizeof why), 0);
    assert_int_equal(s.events_count, 0);
    cf_script_fini(&s);
    close(fd);
    unlink(path);
    assert_int_equal(cf_script_read(&s, path, why, sizeof why), -ENOENT);
    assert_non_null(strstr(why, path));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_event_is_read),
        cmocka_unit_test(events_are_ordered_by_time_then_by_line),
        cmocka_unit_test(what_is_heard_is_read),
        cmocka_unit_test(forwarding_and_device_specifics_are_read),
        cmocka_unit_test(faults_are_told_with_their_line),
        cmocka_unit_test(sizes_are_bounded),
        cmocka_unit_test(a_file_is_read_and_named_in_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
