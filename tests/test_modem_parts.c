/*
 * What the modem's state machine stands on: lines and their names, fields, causes, profiles, and the dialogue.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "adapters/modem/at.h"
#include "adapters/modem/cause.h"
#include "adapters/modem/chat.h"
#include "adapters/modem/profile.h"
#include "callfan/tapi_const.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* ---- lines */

/* Every line of the bytes as "KIND:text|". */
static void lines_of(const char *bytes, size_t len, bool numeric, char *to, size_t to_bytes)
{
    static const char kinds[] = "TRUPGL";
    struct cf_at_parser parser;
    struct cf_at_line line;
    size_t n = 0;
    cf_at_init(&parser);
    parser.numeric = numeric;
    to[0] = '\0';
    for (size_t i = 0; i < len; i++)
        if (cf_at_push(&parser, (uint8_t)bytes[i], &line))
            n += (size_t)snprintf(to + n, to_bytes - n, "%c:%.*s|", kinds[line.kind], (int)line.len, line.text);
}

static void bytes_become_lines(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *lines;
    } table[] = {
        {"\r\nOK\r\n", "R:OK|"},
        {"OK\r", "R:OK|"},
        {"AT+CLCC\r\r\nOK\r\n", "T:AT+CLCC|R:OK|"},
        {"\r\n\r\n\r\r\n", ""},
        {"\r\nRING\r\n\r\n+CLIP: \"1\",129\r\n", "U:RING|U:+CLIP: \"1\",129|"},
        {"\r\n> ", "P:> |"},
        {"\r\n>x\r\n", "T:>x|"},
        {"\r\nO\x01K\r\n\r\nOK\r\n", "G:|R:OK|"},
        {"CONNECT\rCONNECT 9600/ARQ\rCONNECTED\r", "R:CONNECT|R:CONNECT 9600/ARQ|T:CONNECTED|"},
        {"NO CARRIER\rNO CARRIER \rNO DIAL TONE\r", "R:NO CARRIER|T:NO CARRIER |R:NO DIAL TONE|"},
        {"+CME ERROR: 30\r+CMS ERROR: 500\r", "R:+CME ERROR: 30|R:+CMS ERROR: 500|"},
        {"0\r12\r", "T:0|T:12|"},
        {"RINGING\rRIN\r", "T:RINGING|T:RIN|"},
        {"OK", ""},
    };
    char have[512];
    for (size_t i = 0; i < COUNT(table); i++) {
        lines_of(table[i].bytes, strlen(table[i].bytes), false, have, sizeof(have));
        assert_string_equal(have, table[i].lines);
    }
}

static void numbers_are_results_when_asked_for(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum cf_at_kind kind;
        enum cf_at_result result;
    } table[] = {
        {"0", CF_AT_RESULT, CF_AT_OK},
        {"1", CF_AT_RESULT, CF_AT_CONNECT},
        {"2", CF_AT_URC, CF_AT_OK},
        {"3", CF_AT_RESULT, CF_AT_NO_CARRIER},
        {"4", CF_AT_RESULT, CF_AT_ERROR},
        {"5", CF_AT_RESULT, CF_AT_CONNECT},
        {"6", CF_AT_RESULT, CF_AT_NO_DIALTONE},
        {"7", CF_AT_RESULT, CF_AT_BUSY},
        {"8", CF_AT_RESULT, CF_AT_NO_ANSWER},
        {"12", CF_AT_RESULT, CF_AT_CONNECT},
        {"123", CF_AT_TEXT, CF_AT_OK},
        {"1x", CF_AT_TEXT, CF_AT_OK},
        {"OK", CF_AT_RESULT, CF_AT_OK},
    };
    struct cf_at_line line;
    for (size_t i = 0; i < COUNT(table); i++) {
        cf_at_name(table[i].text, (uint32_t)strlen(table[i].text), true, &line);
        assert_int_equal(line.kind, table[i].kind);
        assert_int_equal(line.result, table[i].result);
    }
}

static void a_long_line_is_bounded_and_the_next_is_whole(void **state)
{
    (void)state;
    static char bytes[3000];
    char have[1024];
    memset(bytes, 'x', sizeof(bytes));
    memcpy(bytes + 2000, "\r\nOK\r\n", 6);
    lines_of(bytes, 2006, false, have, sizeof(have));
    assert_string_equal(have, "L:|R:OK|");
    memset(bytes, 'x', CF_AT_LINE_MAX);
    bytes[CF_AT_LINE_MAX] = '\r';
    lines_of(bytes, CF_AT_LINE_MAX + 1, false, have, sizeof(have));
    assert_int_equal(strlen(have), CF_AT_LINE_MAX + 3);
}

static void every_result_has_a_text_and_a_mode_of_one_bit(void **state)
{
    (void)state;
    for (int i = 0; i <= CF_AT_ABORTED; i++) {
        const uint32_t mode = cf_modem_mode_of_result((enum cf_at_result)i);
        assert_true(mode != 0 && (mode & (mode - 1)) == 0);
        assert_true(strlen(cf_at_result_text((enum cf_at_result)i)) > 1);
    }
    assert_string_equal(cf_at_result_text((enum cf_at_result)99), "?");
    assert_int_equal(cf_modem_mode_of_result((enum cf_at_result)99), LINEDISCONNECTMODE_UNKNOWN);
}

/* ---- fields */

static void fields_are_split_outside_of_quotes(void **state)
{
    (void)state;
    struct cf_at_fields fields;
    char text[16];
    cf_at_split("1, \"a,b\" ,,\"c", 13, &fields);
    assert_int_equal(fields.count, 4);
    assert_int_equal(cf_at_number(&fields, 0), 1);
    cf_at_string(&fields, 1, text, sizeof(text));
    assert_string_equal(text, "a,b");
    assert_true(fields.field[1].quoted && !fields.field[2].quoted);
    assert_int_equal(fields.field[2].len, 0);
    cf_at_string(&fields, 3, text, sizeof(text));
    assert_string_equal(text, "c");
    cf_at_string(&fields, 4, text, sizeof(text));
    assert_string_equal(text, "");
    cf_at_split("", 0, &fields);
    assert_int_equal(fields.count, 0);
    cf_at_split(",", 1, &fields);
    assert_int_equal(fields.count, 2);
    cf_at_split("1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18", 44, &fields);
    assert_int_equal(fields.count, CF_AT_FIELDS_MAX);
}

static void numbers_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int32_t value;
    } table[] = {{"0", 0},           {"007", 7}, {"999999999", 999999999},
                 {"1000000000", -1}, {"", -1},   {"-1", -1},
                 {"1x", -1},         {" 5", 5},  {"5 ", 5},
                 {"\"6\"", 6}};
    for (size_t i = 0; i < COUNT(table); i++) {
        struct cf_at_fields fields;
        cf_at_split(table[i].text, (uint32_t)strlen(table[i].text), &fields);
        assert_int_equal(cf_at_number(&fields, 0), table[i].value);
    }
}

static void a_string_is_cut_to_its_room(void **state)
{
    (void)state;
    struct cf_at_fields fields;
    char text[4];
    cf_at_split("\"abcdef\"", 8, &fields);
    cf_at_string(&fields, 0, text, sizeof(text));
    assert_string_equal(text, "abc");
}

/* ---- causes: the whole table of docs/adapters/modem.md */

#define M(name) LINEDISCONNECTMODE_##name

static void causes_map_to_modes(void **state)
{
    (void)state;
    static const struct {
        unsigned cause;
        struct cf_q850_progress progress;
        uint32_t mode;
    } table[] = {
        {1, {0}, M(BADADDRESS)},
        {2, {0}, M(UNREACHABLE)},
        {3, {0}, M(UNREACHABLE)},
        {4, {0}, M(UNKNOWN)},
        {5, {0}, M(BADADDRESS)},
        {6, {0}, M(CONGESTION)},
        {8, {0}, M(BLOCKED)},
        {17, {0}, M(BUSY)},
        {19, {0}, M(NOANSWER)},
        {20, {0}, M(UNREACHABLE)},
        {21, {0}, M(REJECT)},
        {22, {0}, M(NUMBERCHANGED)},
        {23, {0}, M(FORWARDED)},
        {24, {0}, M(BLOCKED)},
        {25, {0}, M(UNREACHABLE)},
        {26, {0}, M(PICKUP)},
        {27, {0}, M(OUTOFORDER)},
        {28, {0}, M(BADADDRESS)},
        {29, {0}, M(REJECT)},
        {30, {0}, M(UNKNOWN)},
        {34, {0}, M(CONGESTION)},
        {38, {0}, M(UNREACHABLE)},
        {41, {0}, M(TEMPFAILURE)},
        {42, {0}, M(CONGESTION)},
        {43, {0}, M(UNKNOWN)},
        {44, {0}, M(CONGESTION)},
        {46, {0}, M(BLOCKED)},
        {47, {0}, M(CONGESTION)},
        {49, {0}, M(QOSUNAVAIL)},
        {50, {0}, M(BLOCKED)},
        {52, {0}, M(BLOCKED)},
        {53, {0}, M(BLOCKED)},
        {54, {0}, M(BLOCKED)},
        {55, {0}, M(BLOCKED)},
        {57, {0}, M(BLOCKED)},
        {58, {0}, M(INCOMPATIBLE)},
        {62, {0}, M(TEMPFAILURE)},
        {63, {0}, M(TEMPFAILURE)},
        {65, {0}, M(INCOMPATIBLE)},
        {66, {0}, M(INCOMPATIBLE)},
        {69, {0}, M(INCOMPATIBLE)},
        {70, {0}, M(INCOMPATIBLE)},
        {79, {0}, M(INCOMPATIBLE)},
        {81, {0}, M(UNKNOWN)},
        {82, {0}, M(UNKNOWN)},
        {87, {0}, M(BLOCKED)},
        {88, {0}, M(INCOMPATIBLE)},
        {91, {0}, M(UNREACHABLE)},
        {95, {0}, M(UNKNOWN)},
        {101, {0}, M(UNKNOWN)},
        {111, {0}, M(UNKNOWN)},
        {127, {0}, M(UNKNOWN)},
        {0, {0}, M(UNKNOWN)},
        {128, {0}, M(UNKNOWN)},
        {16, {0}, M(NORMAL)},
        {18, {0}, M(UNREACHABLE)},
        {31, {0}, M(UNKNOWN)},
        {102, {0}, M(TEMPFAILURE)},
        {16, {.incoming = true}, M(CANCELLED)},
        {16, {.incoming = true, .connected = true}, M(NORMAL)},
        {18, {.alerted = true}, M(NOANSWER)},
        {31, {.connected = true}, M(NORMAL)},
        {102, {.alerted = true}, M(NOANSWER)},
    };
    for (size_t i = 0; i < COUNT(table); i++)
        assert_int_equal(cf_modem_mode_of_cause(table[i].cause, table[i].progress), table[i].mode);
}

static void reports_hold_causes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned cause;
    } table[] = {
        {"16", 16},
        {"\"CC setup error\",17,\"User busy\"", 17},
        {"Cause Select:68 Cause:16", 16},
        {"cause: 1 cause: 21", 21},
        {"Cause: none", 0},
        {"0,Normal call clearing", 16},
        {"User alerting, no answer", 19},
        {"NO ANSWER", 19},
        {"\"Operator determined barring\"", 8},
        {"1000, 200, 128", 0},
        {"1616161616161616161616", 0},
        {"", 0},
        {"xyz", 0},
    };
    for (size_t i = 0; i < COUNT(table); i++)
        assert_int_equal(cf_modem_cause_of_report(table[i].text, (uint32_t)strlen(table[i].text)), table[i].cause);
}

/* ---- profiles */

static void profiles_say_what_they_can(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_MODEM_PROFILES_COUNT; i++) {
        const struct cf_modem_profile *p = &cf_modem_profiles[i];
        assert_true(p->name != NULL && p->hang_up != NULL && p->hang_up_2 != NULL && p->init != NULL);
        assert_int_equal(p->holds, (p->call_features & LINECALLFEATURE_HOLD) != 0);
        assert_int_equal(p->holds, (p->call_features & LINECALLFEATURE_UNHOLD) != 0);
        assert_int_equal(p->call_features & LINECALLFEATURE_SETCALLPARAMS, 0);
        assert_true(p->holds ? p->lists : p->calls_max == 1);
    }
}

/* ---- the dialogue */

struct talk {
    struct cf_chat chat;
    struct cf_modem_counters counters;
    char written[4096];
    enum cf_at_result results[64];
    enum cf_chat_kind kinds[64];
    unsigned results_count, lines, readies, deads;
};

static void talk_write(void *context, const char *bytes, uint32_t len)
{
    struct talk *t = context;
    const size_t used = strlen(t->written);
    assert_true(used + len < sizeof(t->written));
    memcpy(t->written + used, bytes, len);
    t->written[used + len] = '\0';
}

static void talk_result(void *context, const struct cf_chat_command *command, enum cf_at_result result,
                        const struct cf_at_line *line)
{
    struct talk *t = context;
    (void)line;
    assert_true(t->results_count < COUNT(t->results));
    t->kinds[t->results_count] = command->kind;
    t->results[t->results_count++] = result;
}

static void talk_line(void *context, const struct cf_at_line *line, const struct cf_chat_command *asked)
{
    struct talk *t = context;
    (void)line;
    (void)asked;
    t->lines++;
}

static void talk_ready(void *context)
{
    ((struct talk *)context)->readies++;
}

static void talk_dead(void *context)
{
    ((struct talk *)context)->deads++;
}

static void talk_begin(struct talk *t, const char *init)
{
    const struct cf_chat_config config = {
        .init = init, .command_ns = 1000, .dial_ns = 10000, .settle_ns = 10, .guard_ns = 100};
    const struct cf_chat_callbacks callbacks = {talk_write, talk_result, talk_line, talk_ready, talk_dead, t};
    memset(t, 0, sizeof(*t));
    cf_chat_init(&t->chat, &config, &callbacks, &t->counters);
    cf_chat_open(&t->chat, 0);
}

static void hear(struct talk *t, const char *text, int64_t now)
{
    cf_chat_receive(&t->chat, (const uint8_t *)text, (uint32_t)strlen(text), now);
    cf_chat_tick(&t->chat, now + 10); /* the silence after a result */
}

static void send(struct talk *t, enum cf_chat_kind kind, const char *text, bool front)
{
    struct cf_chat_command command = {.kind = kind, .serial = 1};
    snprintf(command.text, sizeof(command.text), "%s", text);
    assert_true(cf_chat_send(&t->chat, &command, front));
}

static void one_command_at_a_time(void **state)
{
    (void)state;
    static struct talk t;
    talk_begin(&t, "");
    hear(&t, "OK\r", 1);
    hear(&t, "OK\r", 20);
    assert_int_equal(t.readies, 1);
    t.written[0] = '\0';
    send(&t, CF_CHAT_LIST, "AT+CLCC", false);
    send(&t, CF_CHAT_DIGIT, "AT+VTS=1", false);
    send(&t, CF_CHAT_HANG_UP, "ATH", true);
    cf_chat_tick(&t.chat, 100);
    assert_string_equal(t.written, "ATH\r");
    hear(&t, "RING\r", 110);
    assert_string_equal(t.written, "ATH\r");
    hear(&t, "OK\r", 120);
    hear(&t, "OK\r", 130);
    assert_string_equal(t.written, "ATH\rAT+CLCC\rAT+VTS=1\r");
    assert_true(cf_chat_has(&t.chat, CF_CHAT_DIGIT, 1) && cf_chat_in_modem(&t.chat, CF_CHAT_DIGIT, 1));
    assert_int_equal(t.lines, 1);
}

static void a_full_queue_refuses_and_cancelling_makes_room(void **state)
{
    (void)state;
    static struct talk t;
    struct cf_chat_command command = {.kind = CF_CHAT_DIGIT, .serial = 7, .text = "AT"};
    talk_begin(&t, "");
    hear(&t, "OK\r", 1);
    hear(&t, "OK\r", 20);
    for (unsigned i = 0; i < CF_CHAT_QUEUE_MAX; i++) {
        command.serial = i % 2;
        assert_true(cf_chat_send(&t.chat, &command, i % 3 == 0));
    }
    assert_false(cf_chat_send(&t.chat, &command, false));
    assert_false(cf_chat_send(&t.chat, &command, true));
    assert_int_equal(t.counters.queue_full, 2);
    assert_true(cf_chat_cancel(&t.chat, CF_CHAT_DIGIT, 1));
    assert_false(cf_chat_cancel(&t.chat, CF_CHAT_DIGIT, 1));
    assert_false(cf_chat_has(&t.chat, CF_CHAT_DIGIT, 1));
    assert_int_equal(t.chat.count, CF_CHAT_QUEUE_MAX / 2);
    assert_true(cf_chat_send(&t.chat, &command, false));
}

static void an_initial_command_that_is_never_answered_is_passed_over(void **state)
{
    (void)state;
    static struct talk t;
    talk_begin(&t, "AT+ONE|AT+TWO");
    hear(&t, "OK\r", 1);         /* AT */
    hear(&t, "OK\r", 20);        /* ATE0V1 */
    cf_chat_tick(&t.chat, 2000); /* AT+ONE */
    assert_string_equal(t.written, "AT\rATE0V1\rAT+ONE\rAT\r");
    hear(&t, "OK\r", 2010);
    hear(&t, "OK\r", 2030);
    assert_string_equal(t.written, "AT\rATE0V1\rAT+ONE\rAT\rAT+TWO\r");
    assert_int_equal(t.readies, 1);
}

static void three_silent_probes_are_the_end(void **state)
{
    (void)state;
    static struct talk t;
    talk_begin(&t, "");
    for (int64_t now = 1000; now <= 5000; now += 1000)
        cf_chat_tick(&t.chat, now);
    assert_string_equal(t.written, "AT\rAT\rAT\r");
    assert_int_equal(t.deads, 1);
    assert_int_equal(t.chat.state, CF_CHAT_CLOSED);
    hear(&t, "OK\r", 6000);
    assert_string_equal(t.written, "AT\rAT\rAT\r");
}

static void deadlines_are_never_in_the_past(void **state)
{
    (void)state;
    static struct talk t;
    talk_begin(&t, "AT+ONE");
    for (int64_t now = 0; now < 20000 && t.deads == 0;) {
        const int64_t next = cf_chat_tick(&t.chat, now);
        assert_true(next > now);
        now = next;
    }
    assert_int_equal(t.deads, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_become_lines),
        cmocka_unit_test(numbers_are_results_when_asked_for),
        cmocka_unit_test(a_long_line_is_bounded_and_the_next_is_whole),
        cmocka_unit_test(every_result_has_a_text_and_a_mode_of_one_bit),
        cmocka_unit_test(fields_are_split_outside_of_quotes),
        cmocka_unit_test(numbers_are_checked),
        cmocka_unit_test(a_string_is_cut_to_its_room),
        cmocka_unit_test(causes_map_to_modes),
        cmocka_unit_test(reports_hold_causes),
        cmocka_unit_test(profiles_say_what_they_can),
        cmocka_unit_test(one_command_at_a_time),
        cmocka_unit_test(a_full_queue_refuses_and_cancelling_makes_room),
        cmocka_unit_test(an_initial_command_that_is_never_answered_is_passed_over),
        cmocka_unit_test(three_silent_probes_are_the_end),
        cmocka_unit_test(deadlines_are_never_in_the_past),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
