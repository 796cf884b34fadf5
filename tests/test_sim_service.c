/*
 * Services of the model exchange: what every command says and does, in which states. Dialling, redirection, security, user-user
 * information, call data, treatment.
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

/* Numbers that begin with 2 are busy, with 4 are none, with 5 blocked. All others answer. */
static void begin(struct sim_rig *f)
{
    static const struct cf_sim_dial_rule rules[] = {
        {"2", CF_SIM_BUSY}, {"4", CF_SIM_BAD_ADDRESS}, {"5", CF_SIM_BLOCKED}};
    sim_rig_set_up(f);
    f->settings.rate = 0;
    f->settings.dial_ms = f->settings.setup_ms = f->settings.answer_ms = 0;
    f->settings.hold_fixed = true;
    f->settings.hold_ms = 3600000;
    f->settings.dialtone_ms = 5000;
    f->listener.closes = false;
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        f->settings.dial[f->settings.dial_count++] = rules[i];
    sim_rig_start(f);
}

/* A call without a number. */
static uint64_t dial_tone(struct sim_rig *f, unsigned serial)
{
    char says[64];
    sim_rig_command(f, CF_CMD_MAKE_CALL, 0, 0, NULL);
    snprintf(says, sizeof says, "=ok %u:dialtone", serial);
    sim_rig_said(f, says);
    return f->listener.reply_call;
}

static void a_call_without_a_number_waits_for_it(void **state)
{
    (void)state;
    static struct sim_rig f;
    begin(&f);
    uint64_t call = dial_tone(&f, 1);
    sim_rig_command(&f, CF_CMD_DIAL, call, 0, "1");
    sim_rig_said(&f, "=ok 1:dialing 1:proceeding 1:ringback 1:connected");
    sim_rig_command(&f, CF_CMD_DIAL, call, 0, "1");
    sim_rig_said(&f, "=invalcallstate");
    call = dial_tone(&f, 2);
    sim_rig_pass(&f, 5 * CF_NS_PER_S, 10 * CF_NS_PER_MS, 10); /* nobody dials */
    sim_rig_said(&f, "2:disconnected 2:idle");
    sim_rig_command(&f, CF_CMD_DIAL, call, 0, "1");
    sim_rig_said(&f, "=invalcallstate");
    sim_rig_tear_down(&f);
}

static void a_number_turns_out_as_its_rule_says(void **state)
{
    (void)state;
    static struct sim_rig f;
    begin(&f);
    uint64_t call = dial_tone(&f, 1);
    sim_rig_command(&f, CF_CMD_DIAL, call, 0, NULL);
    sim_rig_said(&f, "=invaladdress");
    sim_rig_obey(&f, (struct cf_command){.id = CF_CMD_DIAL, .call = call, .country = 1000, .destination = cf_text_of("1")});
    sim_rig_said(&f, "=invalcountrycode");
    sim_rig_command(&f, CF_CMD_DIAL, 12345, 0, "1");
    sim_rig_said(&f, "=invalcallhandle");
    sim_rig_command(&f, CF_CMD_DIAL, call, 0, "22");
    sim_rig_said(&f, "=ok 1:dialing 1:proceeding 1:busy 1:disconnected 1:idle");
    sim_rig_tear_down(&f);
}

/* The consultation call of a transfer is dialled like any other. */
static void a_consultation_call_is_dialled(void **state)
{
    (void)state;
    static struct sim_rig f;
    begin(&f);
    uint64_t call = dial_tone(&f, 1);
    sim_rig_command(&f, CF_CMD_DIAL, call, 0, "1");
    sim_rig_said(&f, "=ok 1:dialing 1:proceeding 1:ringback 1:connected");
    sim_rig_command(&f, CF_CMD_SETUP_TRANSFER, call, 0, NULL);
    sim_rig_said(&f, "=ok 1:onholdpendtransfer 2:dialtone");
    sim_rig_command(&f, CF_CMD_DIAL, f.listener.reply_call, 0, "3");
    sim_rig_said(&f, "=ok 2:dialing 2:proceeding 2:ringback 2:connected");
    sim_rig_tear_down(&f);
}

/* The only call that comes by itself, still OFFERING. */
static uint64_t offered(struct sim_rig *f)
{
    sim_rig_set_up(f);
    f->settings.calls = 1;
    f->settings.accept_ms = 60000;
    f->listener.closes = false;
    f->settings.dial[f->settings.dial_count++] = (struct cf_sim_dial_rule){"4", CF_SIM_BAD_ADDRESS};
    sim_rig_start(f);
    for (uint32_t i = 0; f->listener.count == 0 && i < 1000; i++)
        sim_rig_pass(f, 10 * CF_NS_PER_MS, 10 * CF_NS_PER_MS, 10);
    sim_rig_said(f, "+1:offering");
    return f->listener.log[0].call;
}

static void an_offered_call_is_sent_on(void **state)
{
    (void)state;
    static struct sim_rig f;
    uint64_t call = offered(&f);
    sim_rig_command(&f, CF_CMD_REDIRECT, call, 0, NULL);
    sim_rig_command(&f, CF_CMD_REDIRECT, call, 0, "4");
    sim_rig_command(&f, CF_CMD_REDIRECT, 12345, 0, "1");
    sim_rig_said(&f, "=invaladdress =invaladdress =invalcallhandle");
    sim_rig_obey(&f, (struct cf_command){.id = CF_CMD_REDIRECT, .call = call, .country = 1000, .destination = cf_text_of("1")});
    sim_rig_said(&f, "=invalcountrycode");
    sim_rig_command(&f, CF_CMD_REDIRECT, call, 0, "1");
    sim_rig_said(&f, "=ok 1:idle");
    sim_rig_command(&f, CF_CMD_REDIRECT, call, 0, "1");
    sim_rig_said(&f, "=invalcallstate");
    sim_rig_tear_down(&f);
}

static void every_live_call_is_secure(void **state)
{
    (void)state;
    static struct sim_rig f;
    uint64_t call = offered(&f);
    sim_rig_command(&f, CF_CMD_SECURE_CALL, call, 0, NULL);
    sim_rig_command(&f, CF_CMD_SECURE_CALL, 12345, 0, NULL);
    sim_rig_command(&f, CF_CMD_REDIRECT, call, 0, "1");
    sim_rig_command(&f, CF_CMD_SECURE_CALL, call, 0, NULL);
    sim_rig_said(&f, "=ok =invalcallhandle =ok 1:idle =invalcallstate");
    sim_rig_tear_down(&f);
}

static void data_and_treatment_are_told_before_the_reply(void **state)
{
    (void)state;
    static struct sim_rig f;
    uint64_t call = offered(&f);
    sim_rig_obey(&f, (struct cf_command){.id = CF_CMD_SET_CALL_DATA, .call = call, .call_data = {"abc", 3}});
    sim_rig_obey(&f, (struct cf_command){.id = CF_CMD_SET_CALL_DATA, .call = call});
    sim_rig_obey(&f, (struct cf_command){.id = CF_CMD_SET_CALL_TREATMENT, .call = call, .mode = LINECALLTREATMENT_MUSIC});
    sim_rig_said(&f, "1:data(abc) =ok 1:data() =ok 1:treatment() =ok");
    sim_rig_obey(&f, (struct cf_command){.id = CF_CMD_SET_CALL_TREATMENT, .call = call, .mode = 0});
    sim_rig_obey(&f, (struct cf_command){.id = CF_CMD_SET_CALL_TREATMENT, .call = call, .mode = 5});
    sim_rig_said(&f, "=invalparam =invalparam");
    f.listener.refuses = true;
    sim_rig_obey(&f, (struct cf_command){.id = CF_CMD_SET_CALL_DATA, .call = call});
    sim_rig_obey(&f, (struct cf_command){.id = CF_CMD_SET_CALL_TREATMENT, .call = call, .mode = LINECALLTREATMENT_MUSIC});
    sim_rig_said(&f, "=resourceunavail =resourceunavail");
    sim_rig_tear_down(&f);
}

static void what_goes_along_needs_a_live_call(void **state)
{
    static const uint16_t all[] = {CF_CMD_SEND_USER_USER, CF_CMD_RELEASE_USER_USER, CF_CMD_SET_CALL_DATA,
                                   CF_CMD_SET_CALL_TREATMENT};
    (void)state;
    static struct sim_rig f;
    uint64_t call = offered(&f);
    sim_rig_command(&f, CF_CMD_SEND_USER_USER, call, 0, NULL);
    sim_rig_command(&f, CF_CMD_RELEASE_USER_USER, call, 0, NULL);
    sim_rig_command(&f, CF_CMD_REDIRECT, call, 0, "1");
    sim_rig_said(&f, "=ok =ok =ok 1:idle");
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        sim_rig_obey(&f, (struct cf_command){.id = all[i], .call = call, .mode = 1});
        sim_rig_obey(&f, (struct cf_command){.id = all[i], .call = 12345, .mode = 1});
        sim_rig_said(&f, "=invalcallstate =invalcallhandle");
    }
    f.settings.call_features = LINECALLFEATURE_DROP;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        sim_rig_command(&f, all[i], call, 0, NULL);
        sim_rig_said(&f, "=operationunavail");
    }
    sim_rig_tear_down(&f);
}

/* The first of them come back, and everybody hears how many there were. */
static void device_specific_bytes_come_back(void **state)
{
    (void)state;
    static struct sim_rig f;
    begin(&f);
    sim_rig_command(&f, CF_CMD_MAKE_CALL, 0, 0, "1");
    uint64_t call = f.listener.reply_call;
    sim_rig_said(&f, "=ok 1:dialing 1:proceeding 1:ringback 1:connected");
    sim_rig_obey(&f,
                 (struct cf_command){.id = CF_CMD_DEV_SPECIFIC, .call = call, .dev_specific = cf_text_of("ask 1z{`Z")});
    sim_rig_said(&f, "=ok(ASK 1Z{`Z) 1:specific(9,206b7361,607b7a31)");
    sim_rig_obey(&f, (struct cf_command){.id = CF_CMD_DEV_SPECIFIC, .line = 3, .dev_specific = cf_text_of("abc")});
    sim_rig_said(&f, "=ok(ABC) line3:specific(3,636261,0)");
    sim_rig_obey(&f, (struct cf_command){.id = CF_CMD_DEV_SPECIFIC, .line = 0});
    sim_rig_said(&f, "=ok() line0:specific(0,0,0)");
    sim_rig_obey(&f, (struct cf_command){.id = CF_CMD_DEV_SPECIFIC, .line = f.settings.lines});
    sim_rig_obey(&f, (struct cf_command){.id = CF_CMD_DEV_SPECIFIC, .call = call + (UINT64_C(2) << 40)});
    sim_rig_command(&f, CF_CMD_DROP, call, 0, NULL);
    sim_rig_obey(&f, (struct cf_command){.id = CF_CMD_DEV_SPECIFIC, .call = call});
    f.settings.line_features = 0;
    sim_rig_obey(&f, (struct cf_command){.id = CF_CMD_DEV_SPECIFIC, .line = 0});
    sim_rig_said(&f, "=operationfailed =invalcallhandle =ok 1:idle =invalcallstate =operationunavail");
    sim_rig_tear_down(&f);
}

static void lines_without_it_refuse(void **state)
{
    (void)state;
    static struct sim_rig f;
    uint64_t call = offered(&f);
    f.settings.call_features &= ~(uint32_t)(LINECALLFEATURE_DIAL | LINECALLFEATURE_REDIRECT | LINECALLFEATURE_SECURECALL);
    sim_rig_command(&f, CF_CMD_DIAL, call, 0, "1");
    sim_rig_command(&f, CF_CMD_REDIRECT, call, 0, "1");
    sim_rig_command(&f, CF_CMD_SECURE_CALL, call, 0, NULL);
    sim_rig_said(&f, "=operationunavail =operationunavail =operationunavail");
    sim_rig_tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_without_a_number_waits_for_it),
        cmocka_unit_test(a_number_turns_out_as_its_rule_says),
        cmocka_unit_test(a_consultation_call_is_dialled),
        cmocka_unit_test(an_offered_call_is_sent_on),
        cmocka_unit_test(every_live_call_is_secure),
        cmocka_unit_test(data_and_treatment_are_told_before_the_reply),
        cmocka_unit_test(what_goes_along_needs_a_live_call),
        cmocka_unit_test(device_specific_bytes_come_back),
        cmocka_unit_test(lines_without_it_refuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
