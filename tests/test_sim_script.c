/*
 * Scripts of the simulator: what they may say, how faults are told, and how they are played against a core of the test's own.
 */
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
#include "callfan/tapi.h"
#include "tests/support/provider_core.h"

enum { PATIENCE_S = 10 };

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
               "at 10 on makecall ok call 12");
    assert_int_equal(s.lines, 3);
    assert_int_equal(s.events_count, 12);
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
    assert_int_equal(e[11].call, 12);
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
        {"at 1 call 1", "new, state or info is missing"},
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
        {"at 1 line 0 state", "line state is missing"},
        {"at 1 on answer", "ok, ignore or fail is missing"},
        {"at 1 on sing ok", "unknown command 'sing'"},
        {"at 1 on answer fail", "error is missing"},
        {"at 1 on answer ok call 3", "unexpected word 'call'"},
        {"lines 0x20001", "lines is '0x20001'"},
        {"at 1 line 0 call 1 new idle caller \"x", "a quote does not end"},
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

/* ------------------------------------------------------------------ player */

struct fixture {
    struct provider_core core;
    struct cf_sim_port port;
    struct cf_sim_settings settings;
    struct cf_script script;
    struct cf_sim_player *player;
    int64_t now_ns;
};

static void set_up(struct fixture *f, const char *text)
{
    char why[200] = "";
    memset(f, 0, sizeof *f);
    provider_core_init(&f->core, 128, 128);
    const struct cf_provider_options options = {.socket_path = f->core.path, .name = "sim", .calls_max = 100};
    assert_int_equal(cf_provider_new(&f->port.provider, &options), 0);
    provider_core_serve(&f->core);
    assert_int_equal(cf_provider_attach(f->port.provider, PATIENCE_S * CF_NS_PER_S, why, sizeof why), 0);
    provider_core_served(&f->core);
    cf_sim_settings_default(&f->settings);
    f->settings.needs_open = false;
    f->script = parsed(text);
    f->now_ns = CF_NS_PER_S;
    assert_int_equal(cf_sim_player_new(&f->player, &f->script, &f->settings, &f->port, f->now_ns), 0);
}

static void tear_down(struct fixture *f)
{
    cf_sim_player_free(f->player);
    cf_script_fini(&f->script);
    cf_provider_free(f->port.provider);
    provider_core_fini(&f->core);
}

static uint32_t play_until(struct fixture *f, double seconds)
{
    f->now_ns = CF_NS_PER_S + (int64_t)(seconds * 1e9);
    return cf_sim_player_work(f->player, f->now_ns, 1000);
}

static struct cf_record *take(struct fixture *f)
{
    static struct cf_record r;
    if (!provider_core_take(&f->core, &r, true))
        fail_msg("no event");
    return &r;
}

static void obey(struct fixture *f, uint16_t id, uint64_t call, uint64_t number)
{
    static struct cf_command c;
    provider_core_command(&f->core, id, call, number, 0);
    while (cf_provider_next_command(f->port.provider, &c))
        cf_sim_player_command(f->player, &c, f->now_ns);
}

static void events_come_at_their_times(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f,
           "at 1 line 0 call 1 new offering caller 100\nat 2 call 1 state connected active\nat 2 call 1 state idle\n");
    assert_int_equal(play_until(&f, 0.999), 0);
    assert_int_equal(cf_sim_player_deadline(f.player), 2 * CF_NS_PER_S);
    assert_int_equal(play_until(&f, 1), 1);
    const struct cf_record *r = take(&f);
    uint64_t call = r->m.device;
    struct cf_field field;
    assert_int_equal(r->m.id, CF_EV_NEW_CALL);
    assert_int_equal(r->m.time_ns, f.now_ns);
    assert_true(cf_fields_find(r, CF_FIELD_CALLER, &field) && field.bytes == 3);
    assert_int_equal(play_until(&f, 3), 2);
    r = take(&f);
    assert_int_equal(r->m.device, call);
    assert_int_equal(r->m.param1, LINECALLSTATE_CONNECTED);
    assert_int_equal(take(&f)->m.param1, LINECALLSTATE_IDLE);
    assert_int_equal(cf_sim_player_deadline(f.player), CF_REACTOR_NEVER);
    tear_down(&f);
}

static void wrong_and_late_reports_go_out_as_written(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, "at 0 call 5 state connected\n" /* of a call that never was */
               "at 0 line 99 call 1 new offering\n"
               "at 0 line 0 call 1 new offering\n"   /* the same call again */
               "at 1 call 1 state connected\n"       /* after its close */
               "at 2 line 0 call 1 new offering\n"); /* another life */
    play_until(&f, 0);
    const struct cf_record *r = take(&f);
    assert_int_equal(cf_handle_kind(r->m.device), CF_KIND_PROVIDER);
    assert_int_equal(cf_handle_index(r->m.device), 5);
    assert_int_equal(cf_handle_generation(r->m.device) % 2, 1);
    uint64_t call = take(&f)->m.device;
    assert_int_equal(take(&f)->m.device, call);
    obey(&f, CF_CMD_CLOSE_CALL, call, 0);
    play_until(&f, 1);
    assert_int_equal(take(&f)->m.device, call);
    play_until(&f, 2);
    assert_int_not_equal(take(&f)->m.device, call);
    tear_down(&f);
}

static void commands_are_answered_as_the_script_says(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, "on answer fail operationfailed\non drop ignore\nat 0 line 0 call 1 new offering\nat 1 on answer ok\nat "
               "1 on drop ok\n"
               "at 2 on makecall ok call 4\nat 3 call 4 state connected\n");
    play_until(&f, 0);
    uint64_t call = take(&f)->m.device;
    obey(&f, CF_CMD_ANSWER, call, 1);
    const struct cf_record *r = take(&f);
    assert_int_equal(r->m.id, CF_EV_REPLY);
    assert_int_equal(r->m.param1, 1);
    assert_int_equal(r->m.param2, (uint32_t)LINEERR_OPERATIONFAILED);
    obey(&f, CF_CMD_DROP, call, 2);
    struct cf_record none;
    assert_false(provider_core_take(&f.core, &none, true));
    obey(&f, CF_CMD_ACCEPT, call, 3);
    assert_int_equal(take(&f)->m.param2, 0);
    assert_int_equal(take(&f)->m.param1, LINECALLSTATE_ACCEPTED);
    play_until(&f, 1);
    obey(&f, CF_CMD_ANSWER, call, 4);
    assert_int_equal(take(&f)->m.param1, 4);
    assert_int_equal(take(&f)->m.param1, LINECALLSTATE_CONNECTED);
    obey(&f, CF_CMD_DROP, call, 5);
    assert_int_equal(take(&f)->m.param1, 5);
    assert_int_equal(take(&f)->m.param1, LINECALLSTATE_IDLE);
    obey(&f, CF_CMD_DROP, 12345, 6);
    assert_int_equal(take(&f)->m.param2, (uint32_t)LINEERR_INVALCALLHANDLE);
    play_until(&f, 2);
    obey(&f, CF_CMD_MAKE_CALL, 0, 7);
    r = take(&f);
    assert_int_equal(r->m.param2, 0);
    uint64_t dialled = r->m.device;
    assert_int_equal(take(&f)->m.param1, LINECALLSTATE_DIALING);
    play_until(&f, 3);
    r = take(&f);
    assert_int_equal(r->m.device, dialled);
    assert_int_equal(r->m.param1, LINECALLSTATE_CONNECTED);
    obey(&f, CF_CMD_MAKE_CALL, 0, 8); /* the number of the script is taken */
    assert_int_equal(take(&f)->m.param2, (uint32_t)LINEERR_CALLUNAVAIL);
    tear_down(&f);
}

static void generate(struct fixture *f, uint64_t call, uint64_t number, const char *digits)
{
    static struct cf_command c;
    provider_core_command(&f->core, CF_CMD_GENERATE_DIGITS, call, number, 0);
    while (cf_provider_next_command(f->port.provider, &c)) {
        c.digits = cf_text_of(digits);
        cf_sim_player_command(f->player, &c, f->now_ns);
    }
}

static void take_reply(struct fixture *f, uint64_t number, int32_t result)
{
    const struct cf_record *r = take(f);
    assert_int_equal(r->m.id, CF_EV_REPLY);
    assert_int_equal(r->m.param1, number);
    assert_int_equal(r->m.param2, (uint32_t)result);
}

static void take_state(struct fixture *f, uint32_t state)
{
    const struct cf_record *r = take(f);
    assert_int_equal(r->m.id, CF_EV_CALL_STATE);
    assert_int_equal(r->m.param1, state);
}

static void held_retrieved_and_with_digits(void **state)
{
    (void)state;
    struct fixture f;
    struct cf_record none;
    set_up(&f, "at 0 line 0 call 1 new connected active\nat 5 on hold fail invalcallstate\nat 5 on generatedigits fail "
               "operationunavail\nat 5 on setcallparams ignore\n");
    play_until(&f, 0);
    uint64_t call = take(&f)->m.device;
    obey(&f, CF_CMD_SET_CALL_PARAMS, call, 1);
    take_reply(&f, 1, 0);
    generate(&f, call, 2, "1,"); /* 1.2 s */
    assert_int_equal(cf_sim_player_deadline(f.player), f.now_ns + 1200 * CF_NS_PER_MS);
    play_until(&f, 1.199);
    assert_false(provider_core_take(&f.core, &none, true));
    play_until(&f, 1.2);
    take_reply(&f, 2, 0);
    generate(&f, call, 3, "1");
    generate(&f, call, 4, "2");
    take_reply(&f, 3, LINEERR_OPERATIONFAILED);
    obey(&f, CF_CMD_HOLD, call, 5);
    take_reply(&f, 4, LINEERR_OPERATIONFAILED);
    take_state(&f, LINECALLSTATE_ONHOLD); /* before its reply */
    take_reply(&f, 5, 0);
    obey(&f, CF_CMD_UNHOLD, call, 6);
    take_state(&f, LINECALLSTATE_CONNECTED);
    take_reply(&f, 6, 0);
    generate(&f, call, 7, "1");
    generate(&f, call, 0, NULL);
    take_reply(&f, 7, LINEERR_OPERATIONFAILED);
    take_reply(&f, 0, 0);
    play_until(&f, 5);
    obey(&f, CF_CMD_HOLD, call, 8);
    take_reply(&f, 8, LINEERR_INVALCALLSTATE);
    generate(&f, call, 9, "1");
    take_reply(&f, 9, LINEERR_OPERATIONUNAVAIL);
    obey(&f, CF_CMD_SET_CALL_PARAMS, call, 10);
    assert_false(provider_core_take(&f.core, &none, true));
    tear_down(&f);
}

static void lines_and_information_are_reported(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, "at 0 line 1 state ringing 5\nat 0 line 1 close\nat 0 line 1 remove\nat 0 line 1 add\n"
               "at 0 line 0 call 1 new offering connected 7 redirectingname R\nat 0 call 1 info called 201 name X\n"
               "at 0 call 1 info caller \"\" redirection 5 connectedname C\n");
    play_until(&f, 0);
    const struct cf_record *r = take(&f);
    assert_int_equal(r->m.id, CF_EV_LINE_STATE);
    assert_int_equal(r->m.param1, 1);
    assert_int_equal(r->m.param2, LINEDEVSTATE_RINGING);
    assert_int_equal(r->m.param3, 5);
    assert_int_equal(take(&f)->m.id, CF_EV_LINE_CLOSE);
    assert_int_equal(take(&f)->m.id, CF_EV_LINE_REMOVE);
    assert_int_equal(take(&f)->m.id, CF_EV_LINE);
    struct cf_field field;
    r = take(&f);
    assert_true(cf_fields_find(r, CF_FIELD_CONNECTED, &field) && field.data[0] == '7');
    assert_true(cf_fields_find(r, CF_FIELD_REDIRECTING_NAME, &field) && field.data[0] == 'R');
    r = take(&f);
    assert_int_equal(r->m.id, CF_EV_CALL_INFO);
    assert_int_equal(r->m.param1, LINECALLINFOSTATE_CALLEDID | LINECALLINFOSTATE_CALLERID);
    r = take(&f);
    assert_int_equal(r->m.param1,
                     LINECALLINFOSTATE_CALLERID | LINECALLINFOSTATE_REDIRECTIONID | LINECALLINFOSTATE_CONNECTEDID);
    assert_true(cf_fields_find(r, CF_FIELD_CALLER, &field) && field.bytes == 0); /* withheld */
    tear_down(&f);
}

static void an_event_without_room_waits_and_keeps_its_place(void **state)
{
    (void)state;
    struct fixture f;
    char text[20000] = "at 0 line 0 call 1 new offering\n";
    size_t n = strlen(text);
    for (unsigned i = 1; i <= 300; i++)
        n += (size_t)sprintf(text + n, "at 0 call 1 state connected %u\n", i);
    set_up(&f, text);
    uint32_t posted = play_until(&f, 1);
    assert_int_equal(posted, 128);
    take(&f);
    for (unsigned i = 1; i <= 300; i++) {
        if (i % 100 == 0)
            play_until(&f, 1);
        assert_int_equal(take(&f)->m.param2, i);
    }
    tear_down(&f);
}

static void time_begins_with_the_first_open_line_where_wanted(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, "at 0 line 0 call 1 new offering\n");
    cf_sim_player_free(f.player);
    f.settings.needs_open = true;
    f.settings.start_ms = 100;
    assert_int_equal(cf_sim_player_new(&f.player, &f.script, &f.settings, &f.port, f.now_ns), 0);
    assert_int_equal(play_until(&f, 50), 0);
    assert_int_equal(cf_sim_player_deadline(f.player), CF_REACTOR_NEVER);
    obey(&f, CF_CMD_OPEN_LINE, 0, 0);
    assert_int_equal(play_until(&f, 50.099), 0);
    assert_int_equal(play_until(&f, 50.1), 1);
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_event_is_read),
        cmocka_unit_test(events_are_ordered_by_time_then_by_line),
        cmocka_unit_test(faults_are_told_with_their_line),
        cmocka_unit_test(sizes_are_bounded),
        cmocka_unit_test(a_file_is_read_and_named_in_faults),
        cmocka_unit_test(events_come_at_their_times),
        cmocka_unit_test(wrong_and_late_reports_go_out_as_written),
        cmocka_unit_test(commands_are_answered_as_the_script_says),
        cmocka_unit_test(held_retrieved_and_with_digits),
        cmocka_unit_test(lines_and_information_are_reported),
        cmocka_unit_test(an_event_without_room_waits_and_keeps_its_place),
        cmocka_unit_test(time_begins_with_the_first_open_line_where_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
