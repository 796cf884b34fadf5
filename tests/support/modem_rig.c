#include "tests/support/modem_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "callfan/tapi_const.h"

#define MS INT64_C(1000000)

static void broken(struct modem_rig *rig, const char *why)
{
    if (!rig->broken)
        snprintf(rig->why, sizeof(rig->why), "%s", why);
    rig->broken = true;
}

static char letter_of(uint32_t state, uint32_t mode)
{
    static const char letters[] = "IOA?GRB?CPLF??D?"; /* by bit */
    for (unsigned bit = 0; bit < 16; bit++)
        if (state == 1u << bit)
            return state == LINECALLSTATE_CONNECTED && mode == LINECONNECTEDMODE_ACTIVEHELD ? 'H' : letters[bit];
    return '?';
}

/* ------------------------------------------------------------------ callbacks */

static void on_write(void *context, const char *bytes, uint32_t len)
{
    struct modem_rig *rig = context;
    if (rig->written_len + len > sizeof(rig->written))
        rig->written_len = rig->read_at = 0;
    memcpy(rig->written + rig->written_len, bytes, len);
    rig->written_len += len;
}

static struct modem_rig_call *told(struct modem_rig *rig, const struct cf_modem_call *call)
{
    if (call->user == 0 || call->user > rig->calls) {
        broken(rig, "a call that was not announced");
        return &rig->call[0];
    }
    if (rig->call[call->user - 1].forgotten)
        broken(rig, "a call that the core has forgotten");
    return &rig->call[call->user - 1];
}

static void add_state(struct modem_rig *rig, struct modem_rig_call *to, const struct cf_modem_call *call)
{
    if (to->ended)
        broken(rig, "a state after IDLE");
    if (to->states_count + 1 < sizeof(to->states))
        to->states[to->states_count] = letter_of(call->state, call->mode);
    to->states_count += to->states_count + 1 < sizeof(to->states);
    to->ended = call->state == LINECALLSTATE_IDLE;
}

static uint64_t name(struct modem_rig *rig, const struct cf_modem_call *call)
{
    if (rig->calls == RIG_CALLS || rig->refuse_offers)
        return 0;
    struct modem_rig_call *to = &rig->call[rig->calls++];
    *to = (struct modem_rig_call){.serial = call->serial};
    memcpy(to->number, call->number, sizeof(to->number));
    return rig->calls;
}

static uint64_t on_offer(void *context, const struct cf_modem_call *call)
{
    struct modem_rig *rig = context;
    const uint64_t user = name(rig, call);
    if (user != 0)
        add_state(rig, &rig->call[user - 1], call);
    return user;
}

static uint64_t on_dialled(void *context, const struct cf_modem_call *call)
{
    return name(context, call);
}

static void on_state(void *context, const struct cf_modem_call *call, const char *cause)
{
    struct modem_rig *rig = context;
    struct modem_rig_call *to = told(rig, call);
    add_state(rig, to, call);
    if (call->state == LINECALLSTATE_DISCONNECTED) {
        to->mode = call->mode;
        snprintf(to->cause, sizeof(to->cause), "%s", cause != NULL ? cause : "");
        if (call->mode == 0 || (call->mode & (call->mode - 1)) != 0)
            broken(rig, "a disconnect mode of not one bit");
    }
}

static void on_info(void *context, const struct cf_modem_call *call, uint32_t info_states)
{
    struct modem_rig *rig = context;
    struct modem_rig_call *to = told(rig, call);
    if (info_states == 0 || to->ended)
        broken(rig, "an information about nothing");
    to->infos++;
    memcpy(to->number, call->number, sizeof(to->number));
}

static void on_ringing(void *context, uint32_t count)
{
    struct modem_rig *rig = context;
    (void)count;
    rig->rings++;
}

static void on_service(void *context, bool in_service)
{
    struct modem_rig *rig = context;
    if (rig->service == (unsigned)in_service)
        broken(rig, "the same service told twice");
    rig->service = in_service;
}

static void on_reply(void *context, uint64_t number, int32_t result, uint64_t user)
{
    struct modem_rig *rig = context;
    (void)user;
    if (number == 0 || number > rig->number || rig->replied[number % 65536])
        broken(rig, "a reply to nothing, or a second one");
    rig->replied[number % 65536] = true;
    rig->replies++;
    rig->result = result;
}

static void on_dead(void *context)
{
    struct modem_rig *rig = context;
    rig->dead++;
}

/* ------------------------------------------------------------------ driving */

void modem_rig_init(struct modem_rig *rig, enum cf_modem_profile_id profile)
{
    memset(rig, 0, sizeof(*rig));
    rig->now = 1000 * MS;
    rig->config = (struct cf_modem_config){
        .profile = &cf_modem_profiles[profile],
        .voice = cf_modem_profiles[profile].voice,
        .command_ns = 5000 * MS,
        .dial_ns = 90000 * MS,
        .settle_ns = 150 * MS,
        .guard_ns = 1100 * MS,
        .poll_ns = 500 * MS,
        .ring_ns = 7000 * MS,
        .reply_ns = 500 * MS,
        .late_ns = 1000 * MS,
    };
}

static void check(struct modem_rig *rig)
{
    char why[100];
    if (!cf_modem_check(&rig->modem, why, sizeof(why)))
        broken(rig, why);
}

/* As a program does: what is due, and again at every deadline until the time. */
void modem_rig_pass(struct modem_rig *rig, int64_t ms)
{
    const int64_t end = rig->now + ms * MS;
    for (unsigned i = 0; i < 1000000; i++) {
        const int64_t next = cf_modem_tick(&rig->modem, rig->now);
        check(rig);
        if (next > end)
            break;
        if (next > rig->now)
            rig->now = next;
        else if (i > 1000 && next <= rig->now && i % 1000 == 0)
            broken(rig, "it is always due");
    }
    rig->now = end;
}

void modem_rig_feed(struct modem_rig *rig, const void *bytes, size_t len)
{
    cf_modem_receive(&rig->modem, bytes, (uint32_t)len, rig->now);
    check(rig);
}

static void say(struct modem_rig *rig, const char *text)
{
    char line[600];
    const int n = snprintf(line, sizeof(line), "\r\n%s\r\n", text);
    modem_rig_feed(rig, line, (size_t)n);
}

/* The next command that the modem got, "" for none; a lone CR is "\r". */
static const char *next_command(struct modem_rig *rig)
{
    static char text[300];
    unsigned n = 0;
    while (rig->read_at < rig->written_len && n + 1 < sizeof(text)) {
        const char c = rig->written[rig->read_at++];
        if (c == '\r' && n > 0)
            break;
        text[n++] = c;
        text[n] = '\0';
        if (c == '\r' || c == '\x1b' || strcmp(text, "+++") == 0)
            break;
    }
    text[n] = '\0';
    return text;
}

void modem_rig_begin(struct modem_rig *rig, bool ready)
{
    const struct cf_modem_callbacks callbacks = {on_write,   on_offer,   on_dialled, on_state, on_info,
                                                 on_ringing, on_service, on_reply,   on_dead,  rig};
    cf_modem_init(&rig->modem, &rig->config, &callbacks);
    cf_modem_opened(&rig->modem, rig->now);
    for (unsigned i = 0; ready && i < 100; i++) {
        modem_rig_pass(rig, 200);
        const char *command = next_command(rig);
        if (command[0] == '\0')
            break;
        if (strcmp(command, "AT+CREG?") == 0)
            say(rig, "+CREG: 1,1");
        say(rig, "OK");
    }
    if (ready)
        assert_int_equal(rig->modem.chat.state, CF_CHAT_READY);
}

struct cf_modem_call *modem_rig_find(struct modem_rig *rig, unsigned call)
{
    if (call >= rig->calls || rig->call[call].forgotten) /* its name is void */
        return NULL;
    return cf_modem_find(&rig->modem, rig->call[call].serial);
}

void modem_rig_dial(struct modem_rig *rig, const char *destination, size_t len, bool data)
{
    rig->asked++;
    cf_modem_make_call(&rig->modem, ++rig->number, destination, (uint32_t)len, data ? LINEMEDIAMODE_DATAMODEM : 0,
                       rig->now);
    check(rig);
}

void modem_rig_order(struct modem_rig *rig, unsigned index, const char *what, const char *digits)
{
    struct cf_modem *m = &rig->modem;
    struct cf_modem_call *call = modem_rig_find(rig, index);
    if (strcmp(what, "forget") == 0 || strcmp(what, "refuse") == 0 || strcmp(what, "retry") == 0) {
        if (call == NULL)
            return;
        rig->call[index].forgotten = true;
        if (what[0] == 'f')
            cf_modem_forget(m, call, rig->now);
        else
            cf_modem_refused(m, call, what[2] == 't');
        check(rig);
        return;
    }
    const uint64_t number = ++rig->number;
    rig->asked++;
    if (strcmp(what, "accept") == 0)
        cf_modem_accept(m, call, number, rig->now);
    else if (strcmp(what, "answer") == 0)
        cf_modem_answer(m, call, number, rig->now);
    else if (strcmp(what, "drop") == 0)
        cf_modem_drop(m, call, number, rig->now);
    else if (strcmp(what, "hold") == 0 || strcmp(what, "unhold") == 0)
        cf_modem_hold(m, call, number, what[0] == 'h', rig->now);
    else if (strcmp(what, "digits") == 0)
        cf_modem_digits(m, call, number, LINEDIGITMODE_DTMF, digits, (uint32_t)strlen(digits), rig->now);
    else
        broken(rig, "no such order");
    check(rig);
}

bool modem_rig_settled(struct modem_rig *rig)
{
    for (unsigned i = 0; i < rig->calls; i++)
        if (!rig->call[i].ended && !rig->call[i].forgotten)
            return false;
    return rig->replies == rig->asked && cf_modem_live(&rig->modem) == 0;
}

/* ------------------------------------------------------------------ scripts */

static const struct {
    const char *name;
    int32_t value;
} results[] = {{"0", 0},
               {"INVALCALLSTATE", LINEERR_INVALCALLSTATE},
               {"OPERATIONFAILED", LINEERR_OPERATIONFAILED},
               {"OPERATIONUNAVAIL", LINEERR_OPERATIONUNAVAIL},
               {"RESOURCEUNAVAIL", LINEERR_RESOURCEUNAVAIL},
               {"CALLUNAVAIL", LINEERR_CALLUNAVAIL},
               {"INVALADDRESS", LINEERR_INVALADDRESS},
               {"INVALDIGITS", LINEERR_INVALDIGITS}};

static const struct {
    const char *name;
    uint32_t value;
} modes[] = {{"NORMAL", LINEDISCONNECTMODE_NORMAL},           {"UNKNOWN", LINEDISCONNECTMODE_UNKNOWN},
             {"REJECT", LINEDISCONNECTMODE_REJECT},           {"BUSY", LINEDISCONNECTMODE_BUSY},
             {"NOANSWER", LINEDISCONNECTMODE_NOANSWER},       {"BADADDRESS", LINEDISCONNECTMODE_BADADDRESS},
             {"NODIALTONE", LINEDISCONNECTMODE_NODIALTONE},   {"BLOCKED", LINEDISCONNECTMODE_BLOCKED},
             {"TEMPFAILURE", LINEDISCONNECTMODE_TEMPFAILURE}, {"CANCELLED", LINEDISCONNECTMODE_CANCELLED}};

static void expect_command(struct modem_rig *rig, const char *text, const char *step)
{
    const unsigned patience = step[1] == '!' ? 0 : 20;
    for (unsigned i = 0; i < patience && rig->read_at == rig->written_len; i++)
        modem_rig_pass(rig, i == 0 ? 0 : 50); /* the silence after the result of a call */
    const char *command = next_command(rig);
    if (strcmp(command, text) != 0)
        fail_msg("step \"%s\": the modem got \"%s\"", step, command);
}

static void expect_number(const char *step, uint64_t have, uint64_t want)
{
    if (have != want)
        fail_msg("step \"%s\": it is %llu", step, (unsigned long long)have);
}

static void expect_reply(const struct modem_rig *rig, const char *text, const char *step)
{
    for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++)
        if (strcmp(results[i].name, text) == 0) {
            if (results[i].value != rig->result || rig->replies != rig->asked)
                fail_msg("step \"%s\": it is %x, %u replies to %u commands", step, (unsigned)rig->result, rig->replies,
                         rig->asked);
            return;
        }
    fail_msg("step \"%s\": what result?", step);
}

static void expect_of_call(struct modem_rig *rig, const char *what, unsigned index, const char *text, const char *step)
{
    const struct modem_rig_call *call = &rig->call[index];
    if (index >= rig->calls)
        fail_msg("step \"%s\": there is no such call", step);
    if (what[0] == '=' && strcmp(call->states, text) != 0)
        fail_msg("step \"%s\": its states are %s", step, call->states);
    if (strcmp(what, "caller") == 0 && strcmp(call->number, text) != 0)
        fail_msg("step \"%s\": it is %s", step, call->number);
    if (strcmp(what, "cause") == 0 && strcmp(call->cause, text) != 0)
        fail_msg("step \"%s\": it is %s", step, call->cause);
    if (strcmp(what, "mode") != 0)
        return;
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
        if (strcmp(modes[i].name, text) == 0 && modes[i].value == call->mode)
            return;
    fail_msg("step \"%s\": it is %x", step, call->mode);
}

static void core_step(struct modem_rig *rig, const char *step)
{
    char what[16], text[64] = "", more[16] = "";
    unsigned call = 0;
    assert_true(sscanf(step + 2, "%15s %u %63s %15s", what, &call, text, more) >= 2);
    if (strcmp(what, "dial") == 0)
        modem_rig_dial(rig, text, strlen(text), more[0] == 'd');
    else
        modem_rig_order(rig, call, what, text);
    modem_rig_pass(rig, 0);
}

static void word_step(struct modem_rig *rig, const char *step)
{
    char what[16], text[64] = "";
    unsigned index = 0;
    int at = 0;
    assert_true(sscanf(step, "%15s %n", what, &at) >= 1);
    snprintf(text, sizeof(text), "%s", step + at);
    if (strcmp(what, "=") == 0 || strcmp(what, "mode") == 0 || strcmp(what, "cause") == 0 ||
        strcmp(what, "caller") == 0) {
        int rest = 0;
        assert_true(sscanf(step + at, "%u %n", &index, &rest) >= 1);
        expect_of_call(rig, what, index, step + at + rest, step);
    } else if (strcmp(what, "reply") == 0) {
        expect_reply(rig, text, step);
    } else if (strcmp(what, "replies") == 0) {
        expect_number(step, rig->replies, strtoul(text, NULL, 10));
    } else if (strcmp(what, "calls") == 0) {
        expect_number(step, rig->calls, strtoul(text, NULL, 10));
    } else if (strcmp(what, "live") == 0) {
        expect_number(step, cf_modem_live(&rig->modem), strtoul(text, NULL, 10));
    } else if (strcmp(what, "rings") == 0) {
        expect_number(step, rig->rings, strtoul(text, NULL, 10));
    } else if (strcmp(what, "service") == 0) {
        expect_number(step, rig->service, strtoul(text, NULL, 10));
    } else if (strcmp(what, "vanish") == 0) {
        cf_modem_vanished(&rig->modem, rig->now);
    } else if (strcmp(what, "open") == 0) {
        cf_modem_opened(&rig->modem, rig->now);
    } else if (strcmp(what, "void") == 0) {
        cf_modem_void_orders(&rig->modem, rig->now);
        modem_rig_pass(rig, 0);
    } else if (strcmp(what, "end") == 0) {
        cf_modem_hang_up_all(&rig->modem, rig->now);
        modem_rig_pass(rig, 0);
    } else if (strcmp(what, "listen") == 0) {
        cf_modem_offer_unheard(&rig->modem, rig->now);
    } else {
        fail_msg("what is \"%s\"?", step);
    }
}

void modem_rig_play(struct modem_rig *rig, const char *const *script)
{
    for (; *script != NULL; script++) {
        const char *step = *script;
        if (step[0] == '<' && step[1] == '<')
            modem_rig_feed(rig, step + 3, strlen(step + 3));
        else if (step[0] == '<')
            say(rig, step + 2);
        else if (step[0] == '>')
            expect_command(rig, step + (step[1] == '!' ? 3 : 2), step);
        else if (step[0] == '+')
            modem_rig_pass(rig, strtol(step + 2, NULL, 10));
        else if (step[0] == '!')
            core_step(rig, step);
        else if (step[0] == '~' && rig->read_at != rig->written_len)
            fail_msg("step ~: the modem got \"%s\"", next_command(rig));
        else if (step[0] != '~')
            word_step(rig, step);
        check(rig);
        if (rig->broken)
            fail_msg("after step \"%s\": %s", step, rig->why);
    }
}

#define PLAY(...) modem_rig_play(rig, (const char *const[]){__VA_ARGS__, NULL})

void modem_rig_open(struct modem_rig *rig, enum cf_modem_profile_id profile)
{
    modem_rig_init(rig, profile);
    modem_rig_begin(rig, true);
    PLAY("~", "service 1");
}

void modem_rig_active_call(struct modem_rig *rig)
{
    modem_rig_open(rig, CF_MODEM_GSM);
    PLAY("< RING", LIST("< +CLCC: 1,1,4,0,0"), "! answer 0", "> ATA", "< OK", LIST("< +CLCC: 1,1,0,0,0"), "= 0 OC");
}

void modem_rig_waiting_call(struct modem_rig *rig)
{
    modem_rig_active_call(rig);
    PLAY("< +CCWA: \"777\",129,1", "= 1 O", "caller 1 777", LIST("< +CLCC: 1,1,0,0,0", "< +CLCC: 2,1,5,0,0"), "= 1 O");
}
