/*
 * Conferences at a focus, in callfan-sip as a program between a core played by the test and a telephone of the test's own, which is the focus and
 * everybody who comes into the conference.
 */
#define _GNU_SOURCE
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

/* ---- what is asked */

static void setup(struct sip_phone *f, uint64_t call, uint64_t number, uint64_t parties)
{
    struct cf_record r = {.m = {.id = CF_CMD_SETUP_CONFERENCE, .device = call, .param1 = number, .param3 = parties}};
    provider_core_send(&f->core, &r);
}

static void complete(struct sip_phone *f, uint64_t call, uint64_t number, uint64_t second)
{
    struct cf_record r = {.m = {.id = CF_CMD_COMPLETE_TRANSFER,
                                .device = call,
                                .param1 = number,
                                .param2 = second,
                                .param3 = LINETRANSFERMODE_CONFERENCE}};
    provider_core_send(&f->core, &r);
}

static void add(struct sip_phone *f, uint64_t conference, uint64_t number, uint64_t party)
{
    sip_phone_command(f, CF_CMD_ADD_TO_CONFERENCE, conference, number, party);
}

/* A call that the telephone answers: PROCEEDING comes before only where it says so. */
static void dial(struct sip_phone *f, uint64_t call, uint64_t number)
{
    char to[64];
    snprintf(to, sizeof(to), "sip:300@127.0.0.1:%u", f->own_port);
    sip_phone_command_with(f, CF_CMD_DIAL, call, number, CF_FIELD_DESTINATION, to);
}

enum { A, CONFERENCE, CONSULTATION, FOURTH, FIFTH };

/* A conference on hold of one, a, with its consultation call, c, that has dial tone; b is its call. */
static void open_conference(struct sip_phone *f, const char *more)
{
    sip_phone_open_focus(f, more);
    const uint64_t call = sip_phone_connect(f);
    setup(f, call, 10, 3);
    sip_phone_heard(f, "10:0 b.PENDCONF c.DIALTONE a.CONFERENCED ");
    assert_int_equal(f->parent, f->names[CONFERENCE]);
}

/* The same of two, a and c, connected. */
static void open_conference_of_two(struct sip_phone *f, const char *more)
{
    open_conference(f, more);
    dial(f, f->names[CONSULTATION], 11);
    sip_phone_heard(f, "11:0 c.DIALING c.CONNECTED ");
    add(f, f->names[CONFERENCE], 12, f->names[CONSULTATION]);
    sip_phone_heard(f, "12:0 c.CONFERENCED b.CONNECTED ");
    f->asked[0] = '\0';
}

/* ---- the tests */

static void the_line_says_beforehand_what_it_can(void **state)
{
    (void)state;
    static struct sip_phone f;
    const uint32_t features = LINECALLFEATURE_SETUPCONF | LINECALLFEATURE_PREPAREADDCONF | LINECALLFEATURE_ADDTOCONF |
                              LINECALLFEATURE_REMOVEFROMCONF;
    const uint32_t states = LINECALLSTATE_CONFERENCED | LINECALLSTATE_ONHOLDPENDCONF;
    sip_phone_open_focus(&f, NULL);
    assert_int_equal(f.caps.call_features & features, features);
    assert_int_equal(f.caps.call_states & states, states);
    assert_int_equal(f.caps.transfer_modes, LINETRANSFERMODE_TRANSFER | LINETRANSFERMODE_CONFERENCE);
    assert_int_equal(f.caps.addr_cap_flags, LINEADDRCAPFLAGS_SETUPCONFNULL | LINEADDRCAPFLAGS_CONFERENCEMAKE |
                                                LINEADDRCAPFLAGS_CONFERENCEHELD);
    assert_int_equal(f.caps.conference_max, CF_CONFERENCE_MEMBERS_MAX);
    assert_int_equal(f.caps.remove_from_conf_caps, LINEREMOVEFROMCONF_ANY);
    assert_int_equal(f.caps.remove_from_conf_state, LINECALLSTATE_IDLE);
    sip_phone_close(&f);
}

static void without_a_factory_there_is_nothing_of_it(void **state)
{
    (void)state;
    static struct sip_phone f;
    const uint32_t features = LINECALLFEATURE_SETUPCONF | LINECALLFEATURE_PREPAREADDCONF | LINECALLFEATURE_ADDTOCONF |
                              LINECALLFEATURE_REMOVEFROMCONF;
    sip_phone_open(&f, "refer=nobody");
    assert_int_equal(f.caps.call_features & features, 0);
    assert_int_equal(f.caps.transfer_modes, LINETRANSFERMODE_TRANSFER);
    assert_int_equal(f.caps.conference_max, 0);
    const uint64_t call = sip_phone_connect(&f);
    setup(&f, call, 10, 3);
    sip_phone_heard_error(&f, 10, E(OPERATIONUNAVAIL));
    setup(&f, 0, 11, 3);
    sip_phone_heard_error(&f, 11, E(OPERATIONUNAVAIL));
    sip_phone_command(&f, CF_CMD_PREPARE_ADD, call, 12, 0);
    sip_phone_heard_error(&f, 12, E(OPERATIONUNAVAIL));
    add(&f, call, 13, call);
    sip_phone_heard_error(&f, 13, E(OPERATIONUNAVAIL));
    sip_phone_command(&f, CF_CMD_REMOVE_FROM_CONFERENCE, call, 14, 0);
    sip_phone_heard_error(&f, 14, E(OPERATIONUNAVAIL));
    complete(&f, call, 15, call);
    sip_phone_heard_error(&f, 15, E(OPERATIONUNAVAIL));
    sip_phone_close(&f);
}

static void a_conference_grows_and_shrinks(void **state)
{
    (void)state;
    static struct sip_phone f;
    open_conference(&f, NULL);
    sip_phone_asked(&f, "INVITE ACK REFER BYE ");
    assert_non_null(strstr(f.refer_to, "<sip:phone@127.0.0.1:"));
    assert_non_null(strstr(f.refer_to, "?Replaces=call1%3Bto-tag%3Dmine%3Bfrom-tag%3D"));
    const uint64_t conference = f.names[CONFERENCE];
    dial(&f, f.names[CONSULTATION], 11);
    sip_phone_heard(&f, "11:0 c.DIALING c.CONNECTED ");
    add(&f, conference, 12, f.names[CONSULTATION]);
    sip_phone_heard(&f, "12:0 c.CONFERENCED b.CONNECTED ");
    assert_int_equal(f.parent, conference);
    sip_phone_command(&f, CF_CMD_PREPARE_ADD, conference, 13, 0);
    sip_phone_heard(&f, "13:0 b.PENDCONF d.DIALTONE ");
    dial(&f, f.names[FOURTH], 14);
    sip_phone_heard(&f, "14:0 d.DIALING d.CONNECTED ");
    add(&f, conference, 15, f.names[FOURTH]);
    sip_phone_heard(&f, "15:0 d.CONFERENCED b.CONNECTED ");

    sip_phone_command(&f, CF_CMD_REMOVE_FROM_CONFERENCE, f.names[CONSULTATION], 16, 0);
    sip_phone_heard(&f, "16:0 c.IDLE ");
    char wanted[64];
    snprintf(wanted, sizeof(wanted), "<sip:answers@127.0.0.1:%u;method=BYE>", f.own_port);
    assert_string_equal(f.refer_to, wanted);
    sip_phone_command(&f, CF_CMD_CLOSE_CALL, f.names[CONSULTATION], 0, 0);
    sip_phone_command(&f, CF_CMD_DROP, f.names[A], 17, 0);
    sip_phone_heard(&f, "17:0 a.IDLE ");
    sip_phone_command(&f, CF_CMD_DROP, conference, 18, 0);
    sip_phone_heard(&f, "b.DISCONNECTED d.IDLE 18:0 b.IDLE ");
    sip_phone_close(&f);
}

static void a_conference_of_nobody_begins_with_its_consultation_call(void **state)
{
    (void)state;
    static struct sip_phone f;
    sip_phone_open_focus(&f, NULL);
    setup(&f, 0, 10, 3);
    sip_phone_heard(&f, "10:0 a.PENDCONF b.DIALTONE ");
    dial(&f, f.names[1], 11);
    sip_phone_heard(&f, "11:0 b.DIALING b.CONNECTED ");
    add(&f, f.names[0], 12, f.names[1]);
    sip_phone_heard(&f, "12:0 b.CONFERENCED a.CONNECTED ");
    f.asked[0] = '\0';
    sip_phone_ask_conference(&f, "BYE", "", NULL); /* the focus ends it */
    sip_phone_heard(&f, "a.DISCONNECTED b.IDLE a.IDLE ");
    assert_null(strstr(f.asked, "BYE"));
    sip_phone_close(&f);
}

static void two_calls_become_a_conference(void **state)
{
    (void)state;
    static struct sip_phone f;
    sip_phone_open_focus(&f, NULL);
    const uint64_t first = sip_phone_connect(&f);
    sip_phone_command(&f, CF_CMD_SETUP_TRANSFER, first, 10, 0);
    sip_phone_heard(&f, "10:0 a.PENDING b.DIALTONE ");
    dial(&f, f.names[1], 11);
    sip_phone_heard(&f, "11:0 b.DIALING b.CONNECTED ");
    complete(&f, first, 12, f.names[1]);
    sip_phone_heard(&f, "12:0 c.CONNECTED a.CONFERENCED b.CONFERENCED ");
    assert_int_equal(f.parent, f.names[2]);
    sip_phone_command(&f, CF_CMD_CLOSE_CALL, f.names[2], 0, 0); /* nobody has it any more: BYE */
    sip_phone_heard(&f, "a.IDLE b.IDLE ");
    sip_phone_close(&f);
}

/* Not only the consultation call, which is one of its own then; and where the conference and it are on hold. */
static void any_answered_call_can_be_added(void **state)
{
    (void)state;
    static struct sip_phone f;
    open_conference_of_two(&f, NULL);
    const uint64_t conference = f.names[CONFERENCE];
    const uint64_t other = sip_phone_connect(&f);
    sip_phone_command(&f, CF_CMD_HOLD, other, 20, 0);
    sip_phone_heard(&f, "d.ONHOLD 20:0 ");
    sip_phone_command(&f, CF_CMD_PREPARE_ADD, conference, 21, 0);
    sip_phone_heard(&f, "21:0 b.PENDCONF e.DIALTONE ");
    add(&f, conference, 22, other);
    sip_phone_heard(&f, "22:0 d.CONFERENCED b.CONNECTED ");
    sip_phone_command(&f, CF_CMD_HOLD, conference, 23, 0);
    sip_phone_heard(&f, "b.ONHOLD 23:0 ");
    dial(&f, f.names[FIFTH], 24);
    sip_phone_heard(&f, "24:0 e.DIALING e.CONNECTED ");
    f.refuse_change = 488;
    add(&f, conference, 25, f.names[FIFTH]);
    sip_phone_heard(&f, "25:0 e.CONFERENCED b.ONHOLD "); /* it stays there when the focus will have it so */
    sip_phone_close(&f);
}

/* The first is in, and the second is not, for whatever reason. */
static void one_of_two_comes_in(void **state)
{
    (void)state;
    for (int ends = 0; ends < 2; ends++) {
        static struct sip_phone f;
        sip_phone_open_focus(&f, NULL);
        const uint64_t first = sip_phone_connect(&f);
        sip_phone_command(&f, CF_CMD_SETUP_TRANSFER, first, 10, 0);
        sip_phone_heard(&f, "10:0 a.PENDING b.DIALTONE ");
        dial(&f, f.names[1], 11);
        sip_phone_heard(&f, "11:0 b.DIALING b.CONNECTED ");
        f.refer = 202;
        f.asked[0] = '\0';
        complete(&f, first, 12, f.names[1]);
        sip_phone_asked(&f, "REFER");
        sip_phone_notify(&f, 200, true);
        sip_phone_asked(&f, "REFER");
        if (ends)
            sip_phone_ask_conference(&f, "BYE", "", NULL);
        else
            sip_phone_notify(&f, 486, true);
        sip_phone_heard(&f, ends ? "12:80000048 a.DISCONNECTED a.IDLE " : "12:0 c.CONNECTED a.CONFERENCED ");
        sip_phone_command(&f, CF_CMD_HOLD, f.names[1], 13, 0); /* it is as it was */
        sip_phone_heard(&f, "b.ONHOLD 13:0 ");
        sip_phone_close(&f);
    }
}

/* ---- who leaves */

#define USER(user, more)                                                                                               \
    "<user entity=\"sip:x@y\"><endpoint entity=\"sip:" user "@127.0.0.1:%1$u;x=y\"" more "</endpoint></user>"
#define HERE "><status>connected</status>"
#define GONE "><status>disconnected</status>"

/* users: with the telephone's port as %1$u. */
static void tell_roster(struct sip_phone *f, const char *state, const char *users)
{
    char told[1024], body[1400];
    snprintf(told, sizeof(told), users, f->own_port); /* NOLINT: a literal of the tests */
    snprintf(body, sizeof(body),
             "<conference-info xmlns=\"urn:ietf:params:xml:ns:conference-info\" state=\"%s\"><users state=\"%s\">%s"
             "</users></conference-info>",
             state, state, told);
    sip_phone_ask_conference(f, "NOTIFY",
                             "Event: conference\r\nSubscription-State: active;expires=60\r\n"
                             "Content-Type: application/conference-info+xml\r\n",
                             body);
}

/* a and c are in it. */
static void open_watched(struct sip_phone *f)
{
    sip_phone_open_focus(f, NULL);
    f->watched = true;
    const uint64_t call = sip_phone_connect(f);
    setup(f, call, 10, 3);
    sip_phone_heard(f, "10:0 b.PENDCONF c.DIALTONE a.CONFERENCED ");
    sip_phone_asked(f, "SUBSCRIBE");
    dial(f, f->names[CONSULTATION], 11);
    sip_phone_heard(f, "11:0 c.DIALING c.CONNECTED ");
    add(f, f->names[CONFERENCE], 12, f->names[CONSULTATION]);
    sip_phone_heard(f, "12:0 c.CONFERENCED b.CONNECTED ");
}

static void who_leaves_by_himself_is_noticed(void **state)
{
    (void)state;
    static struct sip_phone f;
    open_watched(&f);
    tell_roster(&f, "full", USER("phone", HERE)); /* c is not there yet, and was not seen before */
    tell_roster(&f, "partial", USER("stranger", GONE));
    tell_roster(&f, "partial", "");
    tell_roster(&f, "full", USER("phone", HERE) USER("answers", HERE));
    tell_roster(&f, "full", USER("answers", HERE));
    sip_phone_heard(&f, "a.DISCONNECTED a.IDLE ");
    tell_roster(&f, "partial", USER("answers", GONE) USER("answers", HERE)); /* by one of two endpoints */
    tell_roster(&f, "partial", USER("answers", GONE));
    sip_phone_heard(&f, "c.DISCONNECTED c.IDLE ");
    sip_phone_command(&f, CF_CMD_HOLD, f.names[CONFERENCE], 20, 0);
    sip_phone_heard(&f, "b.ONHOLD 20:0 ");
    sip_phone_close(&f);
}

/* Nobody can say which of them it is. */
static void of_two_at_one_address_nobody_has_left(void **state)
{
    (void)state;
    static struct sip_phone f;
    open_watched(&f);
    const uint64_t other = sip_phone_connect(&f); /* at a's address */
    sip_phone_command(&f, CF_CMD_HOLD, f.names[CONFERENCE], 20, 0);
    sip_phone_heard(&f, "b.ONHOLD 20:0 ");
    add(&f, f.names[CONFERENCE], 21, other);
    sip_phone_heard(&f, "21:0 d.CONFERENCED b.CONNECTED ");
    tell_roster(&f, "partial", USER("phone", GONE));
    tell_roster(&f, "full", USER("phone", HERE) USER("answers", HERE));
    tell_roster(&f, "partial", USER("phone", GONE) USER("answers", GONE));
    sip_phone_heard(&f, "c.DISCONNECTED c.IDLE ");
    tell_roster(&f, "full", "");
    sip_phone_heard(&f, "a.DISCONNECTED a.IDLE d.DISCONNECTED d.IDLE ");
    sip_phone_close(&f);
}

/* The focus refuses, and has told meanwhile that he has gone. */
static void who_leaves_while_he_is_removed(void **state)
{
    (void)state;
    static struct sip_phone f;
    open_watched(&f);
    f.refer = 202;
    f.asked[0] = '\0';
    sip_phone_command(&f, CF_CMD_REMOVE_FROM_CONFERENCE, f.names[A], 20, 0);
    sip_phone_asked(&f, "REFER");
    sip_phone_command(&f, CF_CMD_REMOVE_FROM_CONFERENCE, f.names[CONSULTATION], 21, 0); /* it waits for its turn */
    tell_roster(&f, "partial", USER("phone", GONE) USER("answers", GONE));
    sip_phone_heard(&f, "c.DISCONNECTED 21:0 c.IDLE ");
    sip_phone_notify(&f, 603, true);
    sip_phone_heard(&f, "20:0 a.IDLE ");
    sip_phone_close(&f);
}

/* ---- what does not come about */

static void a_factory_that_does_not_make_one(void **state)
{
    (void)state;
    static const struct {
        unsigned refuse;
        unsigned result;
        const char *asked;
    } table[] = {
        {0, E(OPERATIONFAILED), "INVITE ACK BYE "}, /* somebody answers who is no focus */
        {404, E(OPERATIONFAILED), "INVITE ACK "},   {486, E(RESOURCEUNAVAIL), "INVITE ACK "},
        {501, E(OPERATIONUNAVAIL), "INVITE ACK "},  {503, E(RESOURCEUNAVAIL), "INVITE ACK "},
        {603, E(OPERATIONFAILED), "INVITE ACK "},
    };
    static struct sip_phone f;
    sip_phone_open_focus(&f, NULL);
    const uint64_t call = sip_phone_connect(&f);
    f.no_focus = true;
    for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        f.refuse = table[i].refuse;
        setup(&f, call, 20 + i, 3);
        sip_phone_heard_error(&f, 20 + i, table[i].result);
        sip_phone_command(&f, CF_CMD_HOLD, call, 40 + i, 0); /* it is as it was */
        char wanted[80];
        snprintf(wanted, sizeof(wanted), "a.ONHOLD %u:0 ", 40 + i);
        sip_phone_heard(&f, wanted);
        sip_phone_command(&f, CF_CMD_UNHOLD, call, 60 + i, 0);
        snprintf(wanted, sizeof(wanted), "a.CONNECTED %u:0 ", 60 + i);
        sip_phone_heard(&f, wanted);
        snprintf(wanted, sizeof(wanted), "%sINVITE ACK INVITE ACK ", table[i].asked);
        sip_phone_asked(&f, wanted);
    }
    sip_phone_close(&f);
}

static void a_factory_that_says_nothing(void **state)
{
    (void)state;
    static struct sip_phone f;
    sip_phone_open_focus(&f, "t1_ms=100"); /* 64 T1 are 6.4 s */
    const uint64_t call = sip_phone_connect(&f);
    f.silent = 1000;
    setup(&f, call, 10, 3);
    sip_phone_asked(&f, "INVITE");
    sip_phone_command(&f, CF_CMD_HOLD, call, 11, 0); /* it waits to be taken over */
    sip_phone_heard_error(&f, 11, E(RESOURCEUNAVAIL));
    sip_phone_heard_error(&f, 10, E(OPERATIONFAILED));
    f.silent = 0;
    sip_phone_command(&f, CF_CMD_HOLD, call, 12, 0);
    sip_phone_heard(&f, "a.ONHOLD 12:0 ");
    sip_phone_close(&f);
}

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    static struct sip_phone f;
    char long_address[300];
    open_conference(&f, NULL);
    const uint64_t conference = f.names[CONFERENCE], consultation = f.names[CONSULTATION];
    setup(&f, conference, 20, 3);
    sip_phone_heard_error(&f, 20, E(INVALCALLHANDLE));
    setup(&f, consultation, 21, 3); /* dial tone */
    sip_phone_heard_error(&f, 21, E(INVALCALLSTATE));
    setup(&f, 0, 22, CF_CONFERENCE_MEMBERS_MAX + 1);
    sip_phone_heard_error(&f, 22, E(CONFERENCEFULL));
    add(&f, conference, 23, consultation);
    sip_phone_heard_error(&f, 23, E(INVALCALLSTATE));
    add(&f, conference, 24, f.names[A]);
    sip_phone_heard_error(&f, 24, E(INVALCALLHANDLE));
    add(&f, conference, 25, 12345);
    sip_phone_heard_error(&f, 25, E(INVALCALLHANDLE));
    add(&f, conference, 26, conference);
    sip_phone_heard_error(&f, 26, E(INVALCALLHANDLE));
    add(&f, consultation, 27, consultation);
    sip_phone_heard_error(&f, 27, E(INVALCALLSTATE));
    sip_phone_command(&f, CF_CMD_SETUP_TRANSFER, conference, 28, 0);
    sip_phone_heard_error(&f, 28, E(OPERATIONUNAVAIL));
    sip_phone_command_with(&f, CF_CMD_BLIND_TRANSFER, conference, 29, CF_FIELD_DESTINATION, "sip:1@127.0.0.1");
    sip_phone_heard_error(&f, 29, E(OPERATIONUNAVAIL));
    sip_phone_command(&f, CF_CMD_HOLD, f.names[A], 30, 0); /* a member has no dialog */
    sip_phone_heard_error(&f, 30, E(INVALCALLSTATE));
    complete(&f, conference, 31, f.names[A]);
    sip_phone_heard_error(&f, 31, E(OPERATIONUNAVAIL));
    snprintf(long_address, sizeof(long_address), "sip:%0250d@127.0.0.1", 1);
    sip_phone_command_with(&f, CF_CMD_SETUP_CONFERENCE, 0, 32, CF_FIELD_TARGET, long_address);
    sip_phone_heard_error(&f, 32, E(INVALADDRESS));
    const uint64_t other = sip_phone_connect(&f);
    sip_phone_command(&f, CF_CMD_PREPARE_ADD, other, 33, 0);
    sip_phone_heard_error(&f, 33, E(INVALCONFCALLHANDLE));
    add(&f, other, 34, conference);
    sip_phone_heard_error(&f, 34, E(INVALCONFCALLHANDLE));
    complete(&f, other, 35, other);
    sip_phone_heard_error(&f, 35, E(INVALCONSULTCALLHANDLE));
    sip_phone_close(&f);
}

/* REFER gets 202 and the focus tells later: the call's own end comes before it or not. */
static void a_call_that_is_being_taken_over(void **state)
{
    (void)state;
    static const struct {
        bool hangs_up;   /* its peer, before the focus tells */
        unsigned status; /* that it tells */
        const char *heard;
    } table[] = {
        {false, 200, "10:0 b.PENDCONF c.DIALTONE a.CONFERENCED "},
        {true, 200, "10:0 b.PENDCONF c.DIALTONE a.CONFERENCED "},
        {false, 486, "10:8000004b "},
        {false, 603, "10:80000048 "},
        {true, 603, "10:80000048 a.DISCONNECTED a.IDLE "},
    };
    for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        static struct sip_phone f;
        sip_phone_open_focus(&f, NULL);
        const uint64_t call = sip_phone_connect(&f);
        f.refer = 202;
        f.asked[0] = '\0';
        setup(&f, call, 10, 3);
        sip_phone_asked(&f, "REFER");
        sip_phone_notify(&f, 100, false);
        sip_phone_command(&f, CF_CMD_HOLD, call, 11, 0);
        sip_phone_heard_error(&f, 11, E(RESOURCEUNAVAIL));
        if (table[i].hangs_up)
            sip_phone_ask(&f, "BYE", 2, "", NULL);
        sip_phone_notify(&f, table[i].status, true);
        sip_phone_heard(&f, table[i].heard);
        if (!table[i].hangs_up || table[i].status != 200)
            sip_phone_asked(&f, "BYE"); /* in the call that was taken over, or to the focus */
        sip_phone_close(&f);
    }
}

/* Whoever does not want it any more has it taken out again as soon as it is in. */
static void a_call_that_is_given_up_while_it_is_taken_over(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        const bool drops = i % 2 == 0, twice = i >= 4;
        const unsigned status = i < 2 || twice ? 200 : 486;
        static struct sip_phone f;
        sip_phone_open_focus(&f, NULL);
        const uint64_t call = sip_phone_connect(&f);
        f.refer = 202;
        f.asked[0] = '\0';
        setup(&f, call, 10, 3);
        sip_phone_asked(&f, "REFER");
        if (drops) {
            sip_phone_command(&f, CF_CMD_DROP, call, 11, 0);
            sip_phone_heard(&f, "a.DISCONNECTED 11:0 a.IDLE ");
        }
        if (!drops || twice)
            sip_phone_command(&f, CF_CMD_CLOSE_CALL, call, 0, 0);
        sip_phone_command(&f, CF_CMD_HOLD, 12345, 12, 0); /* what was said before has been heard by then */
        sip_phone_heard_error(&f, 12, E(INVALCALLSTATE));
        f.refer = 0;
        sip_phone_notify(&f, 100, false);
        sip_phone_notify(&f, status, true);
        sip_phone_heard(&f, status == 200 ? "10:0 b.PENDCONF c.DIALTONE " : "10:8000004b ");
        if (status == 200)
            sip_phone_asked(&f, "REFER");
        else
            sip_phone_asked(&f, "BYE");
        assert_int_equal(strstr(f.refer_to, ";method=BYE>") != NULL, status == 200);
        sip_phone_close(&f);
    }
}

static void a_focus_that_ends_in_the_middle(void **state)
{
    (void)state;
    static struct sip_phone f;
    sip_phone_open_focus(&f, NULL);
    const uint64_t call = sip_phone_connect(&f);
    f.refer = 202;
    setup(&f, call, 10, 3);
    sip_phone_asked(&f, "REFER");
    sip_phone_ask_conference(&f, "BYE", "", NULL);
    sip_phone_heard_error(&f, 10, E(OPERATIONFAILED));
    f.refer = 0;
    setup(&f, call, 11, 3);
    sip_phone_heard(&f, "11:0 b.PENDCONF c.DIALTONE a.CONFERENCED ");
    dial(&f, f.names[CONSULTATION], 12);
    sip_phone_heard(&f, "12:0 c.DIALING c.CONNECTED ");
    f.refer = 202;
    f.asked[0] = '\0';
    add(&f, f.names[CONFERENCE], 13, f.names[CONSULTATION]);
    sip_phone_asked(&f, "REFER");
    sip_phone_ask_conference(&f, "BYE", "", NULL);
    sip_phone_heard(&f, "b.DISCONNECTED 13:80000048 a.IDLE b.IDLE ");
    sip_phone_command(&f, CF_CMD_HOLD, f.names[CONSULTATION], 14, 0); /* it is as it was */
    sip_phone_heard(&f, "c.ONHOLD 14:0 ");
    sip_phone_close(&f);
}

static void who_is_not_taken_or_not_let_go_of(void **state)
{
    (void)state;
    static struct sip_phone f;
    open_conference(&f, NULL);
    const uint64_t conference = f.names[CONFERENCE];
    dial(&f, f.names[CONSULTATION], 11);
    sip_phone_heard(&f, "11:0 c.DIALING c.CONNECTED ");
    f.refer = 603;
    add(&f, conference, 12, f.names[CONSULTATION]);
    sip_phone_heard_error(&f, 12, E(OPERATIONFAILED));
    sip_phone_command(&f, CF_CMD_DROP, f.names[A], 13, 0);
    sip_phone_heard_error(&f, 13, E(OPERATIONFAILED));
    sip_phone_command(&f, CF_CMD_REMOVE_FROM_CONFERENCE, f.names[A], 14, 0);
    sip_phone_heard_error(&f, 14, E(OPERATIONFAILED));
    sip_phone_command(&f, CF_CMD_SWAP_HOLD, f.names[CONSULTATION], 15, conference);
    sip_phone_heard(&f, "c.ONHOLD b.CONNECTED 15:0 ");
    sip_phone_command(&f, CF_CMD_SWAP_HOLD, conference, 16, f.names[CONSULTATION]);
    sip_phone_heard(&f, "b.PENDCONF c.CONNECTED 16:0 ");
    f.refer = 0;
    add(&f, conference, 17, f.names[CONSULTATION]);
    sip_phone_heard(&f, "17:0 c.CONFERENCED b.CONNECTED ");
    sip_phone_command(&f, CF_CMD_HOLD, conference, 18, 0);
    sip_phone_heard(&f, "b.ONHOLD 18:0 "); /* nobody is being consulted any more */
    sip_phone_close(&f);
}

/* One after the other; the second is asked for while the first is under way, and once more. */
static void several_leave_at_once(void **state)
{
    (void)state;
    static struct sip_phone f;
    open_conference_of_two(&f, NULL);
    f.refer = 202;
    sip_phone_command(&f, CF_CMD_REMOVE_FROM_CONFERENCE, f.names[A], 20, 0);
    sip_phone_asked(&f, "REFER");
    sip_phone_command(&f, CF_CMD_DROP, f.names[CONSULTATION], 21, 0);
    sip_phone_command(&f, CF_CMD_REMOVE_FROM_CONFERENCE, f.names[CONSULTATION], 22, 0);
    sip_phone_heard_error(&f, 22, E(RESOURCEUNAVAIL));
    sip_phone_command(&f, CF_CMD_HOLD, f.names[CONFERENCE], 23, 0);
    sip_phone_heard_error(&f, 23, E(RESOURCEUNAVAIL));
    sip_phone_notify(&f, 200, true);
    sip_phone_heard(&f, "20:0 a.IDLE ");
    sip_phone_asked(&f, "REFER");
    sip_phone_notify(&f, 481, true); /* it had hung up itself */
    sip_phone_heard(&f, "21:0 c.IDLE ");
    sip_phone_close(&f);
}

/* What the core drops and closes by itself nobody waits for, and it is done all the same. */
static void members_that_nobody_has_any_more(void **state)
{
    (void)state;
    static struct sip_phone f;
    open_conference_of_two(&f, NULL);
    sip_phone_command(&f, CF_CMD_CLOSE_CALL, f.names[A], 0, 0);
    sip_phone_asked(&f, "REFER");
    sip_phone_command(&f, CF_CMD_DROP, f.names[CONSULTATION], 0, 0);
    sip_phone_heard(&f, "0:0 c.IDLE ");
    sip_phone_command(&f, CF_CMD_DROP, f.names[A], 20, 0);
    sip_phone_heard_error(&f, 20, E(INVALCALLSTATE));
    sip_phone_close(&f);
}

static void a_member_may_not_ask_for_more_by_its_address(void **state)
{
    (void)state;
    static const char *const params[] = {"method=BYE", "x=1;METHOD=BYE", ";%6dethod=BYE"};
    static struct sip_phone f;
    sip_phone_open_focus(&f, NULL);
    const uint64_t call = sip_phone_connect(&f);
    for (unsigned i = 0; i < 3; i++) {
        char contact[100];
        snprintf(contact, sizeof(contact), "Contact: <sip:phone@127.0.0.1:%u;%s>\r\n", f.own_port, params[i]);
        sip_phone_ask(&f, "UPDATE", 2 + i, contact, NULL);
        setup(&f, call, 10 + i, 3);
        sip_phone_heard_error(&f, 10 + i, E(OPERATIONFAILED));
    }
    sip_phone_close(&f);
}

/* ---- a new core */

static void a_new_core_is_told_of_the_conference(void **state)
{
    (void)state;
    static struct sip_phone f;
    open_conference_of_two(&f, NULL);
    sip_phone_new_core(&f);
    sip_phone_heard(&f, "+CONNECTED +CONFERENCED a.CONFERENCED +CONFERENCED c.CONFERENCED SNAPSHOT ");
    assert_int_equal(f.parent, f.names[CONFERENCE]);
    sip_phone_command(&f, CF_CMD_DROP, f.names[A], 20, 0);
    sip_phone_heard(&f, "20:0 a.IDLE ");
    sip_phone_command(&f, CF_CMD_DROP, f.names[CONFERENCE], 21, 0);
    sip_phone_heard(&f, "b.DISCONNECTED c.IDLE 21:0 b.IDLE ");
    sip_phone_close(&f);
}

/* What the lost one had asked for is given up where nobody was told of it yet, and goes on elsewhere. */
static void a_new_core_in_the_middle(void **state)
{
    (void)state;
    static struct sip_phone f;
    sip_phone_open_focus(&f, NULL);
    const uint64_t call = sip_phone_connect(&f);
    f.refer = 202;
    setup(&f, call, 10, 3);
    sip_phone_asked(&f, "REFER");
    sip_phone_new_core(&f);
    sip_phone_heard(&f, "+CONNECTED SNAPSHOT ");
    f.refer = 0;
    setup(&f, call, 11, 3);
    sip_phone_heard(&f, "11:0 b.PENDCONF c.DIALTONE a.CONFERENCED ");
    dial(&f, f.names[CONSULTATION], 12);
    sip_phone_heard(&f, "12:0 c.DIALING c.CONNECTED ");
    f.refer = 202;
    f.asked[0] = '\0';
    add(&f, f.names[CONFERENCE], 13, f.names[CONSULTATION]);
    sip_phone_asked(&f, "REFER");
    sip_phone_new_core(&f);
    sip_phone_heard(&f, "+CONNECTED +ONHOLD +CONFERENCED a.CONFERENCED SNAPSHOT ");
    sip_phone_notify(&f, 200, true);
    sip_phone_heard(&f, "c.CONFERENCED b.CONNECTED ");
    sip_phone_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_line_says_beforehand_what_it_can),
        cmocka_unit_test(without_a_factory_there_is_nothing_of_it),
        cmocka_unit_test(a_conference_grows_and_shrinks),
        cmocka_unit_test(a_conference_of_nobody_begins_with_its_consultation_call),
        cmocka_unit_test(two_calls_become_a_conference),
        cmocka_unit_test(any_answered_call_can_be_added),
        cmocka_unit_test(one_of_two_comes_in),
        cmocka_unit_test(who_leaves_by_himself_is_noticed),
        cmocka_unit_test(of_two_at_one_address_nobody_has_left),
        cmocka_unit_test(who_leaves_while_he_is_removed),
        cmocka_unit_test(a_factory_that_does_not_make_one),
        cmocka_unit_test(a_factory_that_says_nothing),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(a_call_that_is_being_taken_over),
        cmocka_unit_test(a_call_that_is_given_up_while_it_is_taken_over),
        cmocka_unit_test(a_focus_that_ends_in_the_middle),
        cmocka_unit_test(who_is_not_taken_or_not_let_go_of),
        cmocka_unit_test(several_leave_at_once),
        cmocka_unit_test(members_that_nobody_has_any_more),
        cmocka_unit_test(a_member_may_not_ask_for_more_by_its_address),
        cmocka_unit_test(a_new_core_is_told_of_the_conference),
        cmocka_unit_test(a_new_core_in_the_middle),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
