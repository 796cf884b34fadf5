/*
 * Scripts of the simulator as they are played against a core of the test's own: what is reported and when, and what commands make of calls.
 */
#define _GNU_SOURCE
#include "adapters/sim/script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/sim/player.h"
#include "adapters/sim/reactions.h"
#include "adapters/sim/script_words.h"
#include "callfan/tapi.h"
#include "tests/support/provider_core.h"

enum { PATIENCE_S = 30 };

static struct cf_script parsed(const char *text)
{
    struct cf_script s;
    char why[200] = "";
    if (cf_script_parse(&s, text, strlen(text), why, sizeof why) < 0)
        fail_msg("%s", why);
    return s;
}

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
    obey(&f, CF_CMD_SET_MEDIA_MODE, call, 0); /* advice: the call lives on, and nothing is replied */
    assert_non_null(cf_provider_call_user(f.port.provider, call));
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

/* ------------------------------------------------------------------ transfers and conferences */

/* Commands that name two calls. */
static void obey_two(struct fixture *f, uint16_t id, uint64_t call, uint64_t second, uint32_t mode, uint64_t number)
{
    static struct cf_command c;
    provider_core_command(&f->core, id, call, number, second);
    while (cf_provider_next_command(f->port.provider, &c)) {
        c.transfer_mode = mode;
        cf_sim_player_command(f->player, &c, f->now_ns);
    }
}

static void take_state_of(struct fixture *f, uint64_t call, uint32_t state, uint64_t mode)
{
    const struct cf_record *r = take(f);
    assert_int_equal(r->m.id, CF_EV_CALL_STATE);
    assert_true(r->m.device == call);
    assert_int_equal(r->m.param1, state);
    assert_true(r->m.param2 == mode);
}

/* Of what makes calls: the identifiers of both, the second 0 where there is none. */
static void take_made(struct fixture *f, uint64_t number, uint64_t ret_calls[2])
{
    const struct cf_record *r = take(f);
    assert_int_equal(r->m.id, CF_EV_REPLY);
    assert_int_equal(r->m.param1, number);
    assert_int_equal(r->m.param2, 0);
    ret_calls[0] = r->m.device;
    ret_calls[1] = r->m.param3;
    assert_int_equal(cf_handle_kind(ret_calls[0]), CF_KIND_PROVIDER);
}

static void consultation_swap_and_transfer(void **state)
{
    (void)state;
    struct fixture f;
    uint64_t made[2];
    set_up(&f, "at 0 line 2 call 1 new connected active\non setuptransfer ok call 2\n"
               "at 1 call 2 state connected active\nat 2 on completetransfer fail operationfailed\n"
               "at 3 on completetransfer ok call 3\nat 4 call 2 state connected\nat 5 on setuptransfer ok\n");
    play_until(&f, 0);
    uint64_t call = take(&f)->m.device;
    obey(&f, CF_CMD_SETUP_TRANSFER, 12345, 1);
    take_reply(&f, 1, LINEERR_INVALCALLHANDLE);
    obey(&f, CF_CMD_SETUP_TRANSFER, call, 2);
    take_made(&f, 2, made);
    assert_true(made[1] == 0);
    take_state_of(&f, call, LINECALLSTATE_ONHOLDPENDTRANSFER, 0);
    take_state_of(&f, made[0], LINECALLSTATE_DIALTONE, LINEDIALTONEMODE_NORMAL);
    obey(&f, CF_CMD_SETUP_TRANSFER, call, 3); /* number 2 is taken */
    take_reply(&f, 3, LINEERR_CALLUNAVAIL);
    play_until(&f, 1);
    take_state_of(&f, made[0], LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE);
    obey_two(&f, CF_CMD_SWAP_HOLD, made[0], call, 0, 4); /* the states first; the held one keeps its kind of hold */
    take_state_of(&f, made[0], LINECALLSTATE_ONHOLDPENDTRANSFER, 0);
    take_state_of(&f, call, LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE);
    take_reply(&f, 4, 0);
    obey_two(&f, CF_CMD_SWAP_HOLD, call, made[0], 0, 5);
    take_state_of(&f, call, LINECALLSTATE_ONHOLDPENDTRANSFER, 0);
    take_state_of(&f, made[0], LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE);
    take_reply(&f, 5, 0);
    obey_two(&f, CF_CMD_SWAP_HOLD, call, 12345, 0, 6);
    take_reply(&f, 6, LINEERR_INVALCALLHANDLE);
    play_until(&f, 2);
    obey_two(&f, CF_CMD_COMPLETE_TRANSFER, call, made[0], LINETRANSFERMODE_TRANSFER, 7);
    take_reply(&f, 7, LINEERR_OPERATIONFAILED);
    play_until(&f, 3);
    obey_two(&f, CF_CMD_COMPLETE_TRANSFER, call, made[0], LINETRANSFERMODE_TRANSFER, 8);
    take_reply(&f, 8, 0);
    take_state_of(&f, call, LINECALLSTATE_IDLE, 0);
    take_state_of(&f, made[0], LINECALLSTATE_IDLE, 0);
    tear_down(&f);
}

static void conferences_are_made_joined_and_left(void **state)
{
    (void)state;
    struct fixture f;
    uint64_t made[2], third[2], other[2];
    set_up(&f, "at 0 line 2 call 1 new connected active\non setupconference ok call 2 call 3\n"
               "on completetransfer ok call 5\nat 1 on addtoconference reply\nat 2 call 3 state conferenced call 2\n"
               "at 2 call 3 state conferenced call 99\nat 2 call 3 state conferenced id 77\n"
               "at 2 call 3 state conferenced 5\n");
    play_until(&f, 0);
    uint64_t call = take(&f)->m.device;
    obey(&f, CF_CMD_SETUP_CONFERENCE, call, 1);
    take_made(&f, 1, made);
    assert_true(made[1] != 0 && made[1] != made[0]);
    take_state_of(&f, made[0], LINECALLSTATE_ONHOLDPENDCONF, 0);
    take_state_of(&f, made[1], LINECALLSTATE_DIALTONE, LINEDIALTONEMODE_NORMAL);
    take_state_of(&f, call, LINECALLSTATE_CONFERENCED, made[0]);
    obey(&f, CF_CMD_SETUP_CONFERENCE, call, 2); /* both numbers are taken: none is made */
    take_reply(&f, 2, LINEERR_CALLUNAVAIL);
    obey_two(&f, CF_CMD_ADD_TO_CONFERENCE, made[0], made[1], 0, 3);
    take_reply(&f, 3, 0);
    take_state_of(&f, made[1], LINECALLSTATE_CONFERENCED, made[0]);
    take_state_of(&f, made[0], LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE);
    obey(&f, CF_CMD_PREPARE_ADD, made[0], 4);
    take_made(&f, 4, third);
    take_state_of(&f, made[0], LINECALLSTATE_ONHOLDPENDCONF, 0);
    take_state_of(&f, third[0], LINECALLSTATE_DIALTONE, LINEDIALTONEMODE_NORMAL);
    obey(&f, CF_CMD_REMOVE_FROM_CONFERENCE, call, 5);
    take_reply(&f, 5, 0);
    take_state_of(&f, call, LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE);
    obey_two(&f, CF_CMD_COMPLETE_TRANSFER, call, third[0], LINETRANSFERMODE_CONFERENCE, 6);
    take_made(&f, 6, other);
    take_state_of(&f, other[0], LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE);
    take_state_of(&f, call, LINECALLSTATE_CONFERENCED, other[0]);
    take_state_of(&f, third[0], LINECALLSTATE_CONFERENCED, other[0]);
    play_until(&f, 1);
    obey_two(&f, CF_CMD_ADD_TO_CONFERENCE, made[0], call, 0, 7); /* success, and the states come when the script says */
    take_reply(&f, 7, 0);
    obey(&f, CF_CMD_BLIND_TRANSFER, made[0], 8);
    take_reply(&f, 8, 0);
    take_state_of(&f, made[0], LINECALLSTATE_IDLE, 0);
    play_until(&f, 2);
    take_state_of(&f, made[1], LINECALLSTATE_CONFERENCED, made[0]);
    const struct cf_record *r = take(&f); /* a call that never was */
    assert_true(cf_handle_index(r->m.param2) == 99 && cf_handle_kind(r->m.param2) == CF_KIND_PROVIDER);
    take_state_of(&f, made[1], LINECALLSTATE_CONFERENCED, 77);
    take_state_of(&f, made[1], LINECALLSTATE_CONFERENCED, 5);
    tear_down(&f);
}

static void calls_are_parked_taken_and_picked_up(void **state)
{
    (void)state;
    struct fixture f;
    uint64_t made[2];
    set_up(&f, "at 0 line 2 call 1 new connected active\non unpark ok call 2\nat 1 on park fail invalparkmode\nat 1 on pickup fail invalgroupid\n");
    play_until(&f, 0);
    uint64_t call = take(&f)->m.device;
    provider_core_command(&f.core, CF_CMD_PARK, call, 1, 0);
    static struct cf_command c;
    assert_true(cf_provider_next_command(f.port.provider, &c));
    c.mode = LINEPARKMODE_NONDIRECTED;
    cf_sim_player_command(f.player, &c, f.now_ns);
    const struct cf_record *r = take(&f);
    struct cf_field where = {0};
    assert_true(r->m.id == CF_EV_REPLY && r->m.param2 == 0 && cf_fields_find(r, CF_FIELD_PARK_ADDRESS, &where));
    assert_int_equal(where.bytes, 3);
    assert_memory_equal(where.data, "700", 3);
    take_state_of(&f, call, LINECALLSTATE_IDLE, 0);
    obey(&f, CF_CMD_UNPARK, 0, 2);
    take_made(&f, 2, made);
    take_state_of(&f, made[0], LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE);
    obey(&f, CF_CMD_PARK, made[0], 3);
    take_reply(&f, 3, 0);
    take_state_of(&f, made[0], LINECALLSTATE_IDLE, 0);
    obey(&f, CF_CMD_PICKUP, 0, 5);
    take_made(&f, 5, made);
    take_state_of(&f, made[0], LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE);
    play_until(&f, 1);
    obey(&f, CF_CMD_FORWARD, 0, 7);
    take_reply(&f, 7, 0);
    obey(&f, CF_CMD_PICKUP, 0, 6);
    take_reply(&f, 6, LINEERR_INVALGROUPID);
    obey(&f, CF_CMD_PARK, made[0], 4);
    take_reply(&f, 4, LINEERR_INVALPARKMODE);
    tear_down(&f);
}

static void calls_are_completed(void **state)
{
    (void)state;
    struct fixture f;
    struct cf_field id = {0};
    const uint32_t value = 1;
    set_up(&f, "at 0 line 2 call 1 new busy station\nat 1 line 2 call 2 new offering reason callcompletion completion 1\n");
    play_until(&f, 0);
    uint64_t call = take(&f)->m.device;
    obey(&f, CF_CMD_COMPLETE_CALL, call, 1);
    const struct cf_record *r = take(&f);
    assert_true(r->m.id == CF_EV_REPLY && r->m.param2 == 0 && r->m.param3 == 1 && r->m.device == call);
    take_state_of(&f, call, LINECALLSTATE_IDLE, 0);
    obey(&f, CF_CMD_UNCOMPLETE_CALL, 0, 2);
    take_reply(&f, 2, 0);
    play_until(&f, 1);
    r = take(&f);
    assert_true(r->m.open_line == LINECALLREASON_CALLCOMPLETION && cf_fields_find(r, CF_FIELD_COMPLETION, &id));
    assert_int_equal(id.bytes, sizeof value);
    assert_memory_equal(id.data, &value, sizeof value);
    tear_down(&f);
}

static void what_goes_along_with_a_call(void **state)
{
    (void)state;
    struct fixture f;
    struct cf_field field = {0};
    set_up(&f, "at 0 line 2 call 1 new connected useruser hello calldata abc\n"
               "at 1 call 1 info useruser more calldata \"\" treatment music\non senduseruser fail operationfailed\n");
    play_until(&f, 0);
    const struct cf_record *r = take(&f);
    uint64_t call = r->m.device;
    assert_true(cf_fields_find(r, CF_FIELD_USER_USER, &field) && field.bytes == 5);
    assert_true(cf_fields_find(r, CF_FIELD_CALL_DATA, &field) && field.bytes == 3);
    obey_two(&f, CF_CMD_SET_CALL_TREATMENT, call, LINECALLTREATMENT_BUSY, 0, 1);
    r = take(&f);
    assert_true(r->m.id == CF_EV_CALL_INFO && r->m.param1 == LINECALLINFOSTATE_TREATMENT &&
                r->m.param2 == LINECALLTREATMENT_BUSY);
    take_reply(&f, 1, 0);
    obey(&f, CF_CMD_SET_CALL_DATA, call, 2);
    r = take(&f);
    assert_true(r->m.id == CF_EV_CALL_INFO && r->m.param1 == LINECALLINFOSTATE_CALLDATA);
    assert_true(cf_fields_find(r, CF_FIELD_CALL_DATA, &field) && field.bytes == 0);
    take_reply(&f, 2, 0);
    obey(&f, CF_CMD_RELEASE_USER_USER, call, 3);
    take_reply(&f, 3, 0);
    play_until(&f, 1);
    r = take(&f);
    assert_int_equal(r->m.param1,
                     LINECALLINFOSTATE_USERUSERINFO | LINECALLINFOSTATE_CALLDATA | LINECALLINFOSTATE_TREATMENT);
    assert_int_equal(r->m.param2, LINECALLTREATMENT_MUSIC);
    assert_true(cf_fields_find(r, CF_FIELD_USER_USER, &field) && field.bytes == 4);
    obey(&f, CF_CMD_SEND_USER_USER, call, 4);
    take_reply(&f, 4, LINEERR_OPERATIONFAILED);
    tear_down(&f);
}

static void another_core_hears_of_a_conference_and_of_its_members(void **state)
{
    (void)state;
    struct fixture f;
    uint64_t made[2];
    set_up(&f,
           "at 0 line 2 call 7 new connected active\non setupconference ok call 8 call 9\non makecall reply call 10\n");
    play_until(&f, 0);
    uint64_t call = take(&f)->m.device;
    obey(&f, CF_CMD_SETUP_CONFERENCE, call, 1);
    take_made(&f, 1, made);
    for (int i = 0; i < 3; i++)
        take(&f);
    obey(&f, CF_CMD_MAKE_CALL, 0, 2); /* nothing was told of it: it is forgotten */
    take_reply(&f, 2, 0);
    assert_int_equal(cf_provider_calls(f.port.provider), 4);
    cf_sim_player_announce(f.player, f.now_ns);
    assert_int_equal(cf_provider_calls(f.port.provider), 3);
    const struct {
        uint64_t call;
        uint32_t state, origin;
    } expected[] = {{call, LINECALLSTATE_CONFERENCED, LINECALLORIGIN_UNKNOWN},
                    {made[0], LINECALLSTATE_ONHOLDPENDCONF, LINECALLORIGIN_CONFERENCE},
                    {made[1], LINECALLSTATE_DIALTONE, LINECALLORIGIN_UNKNOWN}};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        const struct cf_record *r = take(&f);
        assert_int_equal(r->m.id, CF_EV_NEW_CALL);
        assert_true(r->m.device == expected[i].call);
        assert_int_equal((uint32_t)r->m.param2, expected[i].state);
        assert_int_equal(r->m.param3 >> 32, expected[i].origin);
    }
    take_state_of(&f, call, LINECALLSTATE_CONFERENCED, made[0]);
    struct cf_record none;
    assert_false(provider_core_take(&f.core, &none, true));
    tear_down(&f);
}

/* The ring is full when the command comes: its reply and what it makes of the calls wait, in their order, and none is lost. */
static void what_a_command_makes_of_calls_waits_for_room(void **state)
{
    (void)state;
    struct fixture f;
    uint64_t made[2];
    char text[10000] = "at 0 line 2 call 1 new connected active\non setupconference ok call 2 call 3\n";
    size_t n = strlen(text);
    for (unsigned i = 0; i < 200; i++)
        n += (size_t)sprintf(text + n, "at 1 line 1 state ringing %u\n", i);
    set_up(&f, text);
    play_until(&f, 0);
    uint64_t call = take(&f)->m.device;
    uint32_t filled = play_until(&f, 1);
    assert_true(filled > 100 && filled < 200);
    obey(&f, CF_CMD_SETUP_CONFERENCE, call, 1);
    for (uint32_t i = 0; i < filled; i++)
        assert_int_equal(take(&f)->m.id, CF_EV_LINE_STATE);
    struct cf_record none;
    assert_false(provider_core_take(&f.core, &none, true));
    cf_provider_flush(f.port.provider);
    take_made(&f, 1, made);
    take_state_of(&f, made[0], LINECALLSTATE_ONHOLDPENDCONF, 0);
    take_state_of(&f, made[1], LINECALLSTATE_DIALTONE, LINEDIALTONEMODE_NORMAL);
    take_state_of(&f, call, LINECALLSTATE_CONFERENCED, made[0]);
    tear_down(&f);
}

/* Every command that can be asked for has a word, and nothing else has. */
static void every_command_is_known(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, "");
    for (uint16_t id = CF_CMD_MAKE_CALL; id < 0x4100; id++) {
        bool word = false;
        for (const struct cf_script_word *w = cf_script_commands; w->name != NULL; w++)
            word = word || w->value == id;
        bool known = cf_sim_reaction_find(id, LINETRANSFERMODE_TRANSFER) != NULL;
        assert_int_equal(word, known);
        assert_true(!word || cf_command_wants_reply(id));
    }
    static struct cf_command c;
    provider_core_command(&f.core, CF_CMD_ACCEPT, 1, 3, 0);
    while (cf_provider_next_command(f.port.provider, &c)) {
        c.id = 0x40FF; /* of a core that can ask more */
        cf_sim_player_command(f.player, &c, f.now_ns);
    }
    take_reply(&f, 3, LINEERR_OPERATIONUNAVAIL);
    tear_down(&f);
}

static void lines_and_information_are_reported(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, "at 0 line 1 state ringing 5\nat 0 line 1 address 2 Forward\nat 0 line 1 close\nat 0 line 1 remove\nat 0 line 1 add\n"
               "at 0 line 0 call 1 new offering connected 7 redirectingname R\nat 0 call 1 info called 201 name X\n"
               "at 0 call 1 info caller \"\" redirection 5 connectedname C\n");
    play_until(&f, 0);
    const struct cf_record *r = take(&f);
    assert_int_equal(r->m.id, CF_EV_LINE_STATE);
    assert_int_equal(r->m.param1, 1);
    assert_int_equal(r->m.param2, LINEDEVSTATE_RINGING);
    assert_int_equal(r->m.param3, 5);
    r = take(&f);
    assert_int_equal(r->m.id, CF_EV_ADDRESS_STATE);
    assert_int_equal(r->m.param1, 1 | UINT64_C(2) << 32);
    assert_int_equal(r->m.param2, LINEADDRESSSTATE_FORWARD);
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

/* The line is opened and the call made before the player has had time to play anything. */
static void what_the_script_begins_with_holds_for_the_first_command(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, "on makecall fail callunavail\n");
    cf_sim_player_free(f.player);
    f.settings.needs_open = true;
    assert_int_equal(cf_sim_player_new(&f.player, &f.script, &f.settings, &f.port, f.now_ns), 0);
    obey(&f, CF_CMD_OPEN_LINE, 0, 0);
    obey(&f, CF_CMD_MAKE_CALL, 0, 7);
    const struct cf_record *r = take(&f);
    assert_int_equal(r->m.id, CF_EV_REPLY);
    assert_int_equal((int32_t)(uint32_t)r->m.param2, LINEERR_CALLUNAVAIL);
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_come_at_their_times),
        cmocka_unit_test(wrong_and_late_reports_go_out_as_written),
        cmocka_unit_test(commands_are_answered_as_the_script_says),
        cmocka_unit_test(held_retrieved_and_with_digits),
        cmocka_unit_test(consultation_swap_and_transfer),
        cmocka_unit_test(conferences_are_made_joined_and_left),
        cmocka_unit_test(calls_are_parked_taken_and_picked_up),
        cmocka_unit_test(calls_are_completed),
        cmocka_unit_test(what_goes_along_with_a_call),
        cmocka_unit_test(another_core_hears_of_a_conference_and_of_its_members),
        cmocka_unit_test(what_a_command_makes_of_calls_waits_for_room),
        cmocka_unit_test(every_command_is_known),
        cmocka_unit_test(lines_and_information_are_reported),
        cmocka_unit_test(an_event_without_room_waits_and_keeps_its_place),
        cmocka_unit_test(time_begins_with_the_first_open_line_where_wanted),
        cmocka_unit_test(what_the_script_begins_with_holds_for_the_first_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
