/*
 * A thousand calls of every kind through callfan-modem, at ten modems of different manners, and what the core heard of each.
 *
 * ctest-timeout: 240
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/support/modem_program.h"

static struct modem_program p;

#define UNTIL(condition) MODEM_PROGRAM_UNTIL(&p, condition)

enum { CALLS = 1000, JOBS_LINES = 10, GSM_LINES = 8 };

struct job {
    const struct kind *kind;
    unsigned step;
    uint32_t line;
    int id, id_2;
    struct modem_heard *first, *second;
    uint64_t number;
    unsigned calls_before;
    int64_t ring_due;
};

/* A step that is done returns true; the job goes on with the next, in the same turn or a later one. */
typedef bool step_fn(struct job *j);

static struct modem_emulator *modem_of(const struct job *j)
{
    return &p.modem[j->line];
}

static bool first_is(const struct job *j, const char *states)
{
    return j->first != NULL && strcmp(j->first->states, states) == 0;
}

/* The newest call of the line, when it is one of this job. */
static struct modem_heard *new_one(const struct job *j)
{
    unsigned n = 0;
    for (unsigned i = 0; i < p.core.calls; i++)
        n += p.core.heard[i].line == j->line;
    return n > j->calls_before ? modem_program_newest(&p, j->line) : NULL;
}

static void ring_now_and_then(struct job *j, int id)
{
    const int64_t now = cf_clock_ns();
    if (now < j->ring_due)
        return;
    modem_ring(modem_of(j), id);
    j->ring_due = now + 100 * CF_NS_PER_MS;
}

static bool comes_in(struct job *j)
{
    if (j->id == 0)
        j->id = modem_incoming(modem_of(j), "5550123", modem_of(j)->analogue);
    if ((j->first = new_one(j)) == NULL)
        ring_now_and_then(j, j->id);
    return j->first != NULL;
}

static bool answer(struct job *j)
{
    j->number = modem_core_order(&p.core, CF_CMD_ANSWER, j->first->call);
    return true;
}

static bool good_reply(struct job *j)
{
    if (!modem_program_replied(&p, j->number))
        return false;
    if (p.core.reply[j->number].result != 0)
        fail_msg("%x: %s", (unsigned)p.core.reply[j->number].result, modem_program_tail(modem_of(j)->log));
    return true;
}

static bool drop(struct job *j)
{
    j->number = modem_core_order(&p.core, CF_CMD_DROP, j->first->call);
    return true;
}

static bool hangs_up(struct job *j)
{
    modem_remote_hangs_up(modem_of(j), j->id, 16);
    return true;
}

static bool is_listed(struct job *j)
{
    return modem_of(j)->analogue || modem_of(j)->call[j->id].seen;
}

static bool gives_up(struct job *j)
{
    modem_caller_gives_up(modem_of(j), j->id);
    return true;
}

static bool connected(struct job *j)
{
    const size_t n = j->first != NULL ? strlen(j->first->states) : 0;
    return n > 0 && j->first->states[n - 1] == 'C';
}

static bool ringback(struct job *j)
{
    return first_is(j, "GPR");
}

static bool hold(struct job *j)
{
    j->number = modem_core_order(&p.core, CF_CMD_HOLD, j->first->call);
    return true;
}

static bool unhold(struct job *j)
{
    j->number = modem_core_order(&p.core, CF_CMD_UNHOLD, j->first->call);
    return true;
}

static bool digits(struct job *j)
{
    memset(modem_of(j)->digits, 0, sizeof(modem_of(j)->digits));
    j->number = modem_core_digits(&p.core, j->first->call, "159#A*");
    return true;
}

static bool digits_came(struct job *j)
{
    assert_string_equal(modem_of(j)->digits, "159#A*");
    return true;
}

static bool another_waits(struct job *j)
{
    if (j->id_2 == 0)
        j->id_2 = modem_incoming(modem_of(j), "777", false);
    struct modem_heard *newer = new_one(j);
    j->second = newer != j->first ? newer : NULL;
    if (j->second == NULL)
        ring_now_and_then(j, j->id_2);
    return j->second != NULL;
}

static bool answer_second(struct job *j)
{
    j->number = modem_core_order(&p.core, CF_CMD_ANSWER, j->second->call);
    return true;
}

static bool drop_second(struct job *j)
{
    j->number = modem_core_order(&p.core, CF_CMD_DROP, j->second->call);
    return true;
}

static bool second_is_over(struct job *j)
{
    return strchr(j->second->states, 'I') != NULL;
}

static bool pulled(struct job *j)
{
    modem_vanish(modem_of(j));
    return true;
}

static bool first_is_over(struct job *j)
{
    return j->first != NULL && strchr(j->first->states, 'I') != NULL;
}

static bool plugged_in(struct job *j)
{
    modem_return(modem_of(j));
    return true;
}

static bool in_service(struct job *j)
{
    const char *events = p.core.line[j->line].events;
    return events[strlen(events) - 1] == 's';
}

static void dial(struct job *j, char fate, uint32_t media)
{
    const char number[] = {fate, '2', '3', '\0'};
    j->number = modem_core_dial(&p.core, j->line, number, media);
}

#define DIALS(name, fate, media)                                                                                       \
    static bool name(struct job *j)                                                                                    \
    {                                                                                                                  \
        dial(j, fate, media);                                                                                          \
        return true;                                                                                                   \
    }
DIALS(dial_answered, FATE_ANSWERED, 0)
DIALS(dial_busy, FATE_BUSY, 0)
DIALS(dial_no_answer, FATE_NO_ANSWER, 0)
DIALS(dial_no_carrier, FATE_NO_CARRIER, 0)
DIALS(dial_no_dialtone, FATE_NO_DIALTONE, 0)
DIALS(dial_error, FATE_ERROR, 0)
DIALS(dial_rings_on, FATE_RINGS_ON, 0)
DIALS(dial_blacklisted, FATE_BLACKLISTED, 0)
DIALS(dial_delayed, FATE_DELAYED, 0)
DIALS(dial_never, FATE_NEVER, 0)
DIALS(dial_data, FATE_ANSWERED, LINEMEDIAMODE_DATAMODEM)

static bool dialled(struct job *j)
{
    if (!good_reply(j))
        return false;
    j->first = modem_core_call(&p.core, p.core.reply[j->number].call);
    assert_non_null(j->first);
    j->id = modem_calls(modem_of(j)) != 0 ? 1 : 0;
    return true;
}

/* On a slow machine the error comes after the reply and ends the call instead. */
static bool failed(struct job *j)
{
    if (!modem_program_replied(&p, j->number))
        return false;
    if (p.core.reply[j->number].result != 0)
        return true;
    j->first = modem_core_call(&p.core, p.core.reply[j->number].call);
    return first_is(j, "GDI") && j->first->mode == LINEDISCONNECTMODE_TEMPFAILURE;
}

static bool is_gone(struct job *j)
{
    return modem_calls(modem_of(j)) == 0;
}

#define STEPS_MAX 24

static const struct kind {
    const char *name;
    bool gsm, v250;
    const char *first, *second; /* all their states; NULL: no such call, or the steps have looked */
    uint32_t mode;
    step_fn *steps[STEPS_MAX];
} kinds[] = {
    {"answered, the caller hangs up",
     true,
     true,
     "OCDI",
     NULL,
     LINEDISCONNECTMODE_NORMAL,
     {comes_in, answer, good_reply, connected, hangs_up, first_is_over}},
    {"answered, dropped",
     true,
     true,
     "OCI",
     NULL,
     0,
     {comes_in, answer, good_reply, connected, drop, good_reply, first_is_over, is_gone}},
    {"rejected",
     true,
     false,
     "ODI",
     NULL,
     LINEDISCONNECTMODE_REJECT,
     {comes_in, drop, good_reply, first_is_over, is_gone}},
    {"cancelled",
     true,
     false,
     "ODI",
     NULL,
     LINEDISCONNECTMODE_CANCELLED,
     {comes_in, is_listed, gives_up, first_is_over}},
    {"dialled, the called hangs up",
     true,
     false,
     "GPRCDI",
     NULL,
     LINEDISCONNECTMODE_NORMAL,
     {dial_answered, dialled, connected, hangs_up, first_is_over}},
    {"dialled, dropped",
     true,
     false,
     "GPRCI",
     NULL,
     0,
     {dial_answered, dialled, connected, drop, good_reply, first_is_over, is_gone}},
    {"busy", true, false, "GPRBDI", NULL, LINEDISCONNECTMODE_BUSY, {dial_busy, dialled, first_is_over}},
    {"no answer", true, false, "GPRDI", NULL, LINEDISCONNECTMODE_NOANSWER, {dial_no_answer, dialled, first_is_over}},
    {"no carrier", true, false, "GPDI", NULL, LINEDISCONNECTMODE_BADADDRESS, {dial_no_carrier, dialled, first_is_over}},
    {"no dialtone", true, true, "GDI", NULL, LINEDISCONNECTMODE_NODIALTONE, {dial_no_dialtone, dialled, first_is_over}},
    {"error", true, true, NULL, NULL, 0, {dial_error, failed}},
    {"blacklisted", true, true, "GDI", NULL, LINEDISCONNECTMODE_BLOCKED, {dial_blacklisted, dialled, first_is_over}},
    {"delayed", true, true, "GDI", NULL, LINEDISCONNECTMODE_BLOCKED, {dial_delayed, dialled, first_is_over}},
    {"dropped while it rings",
     true,
     false,
     "GPRI",
     NULL,
     0,
     {dial_rings_on, dialled, ringback, drop, good_reply, first_is_over, is_gone}},
    {"dropped while ATD runs",
     true,
     true,
     "GI",
     NULL,
     0,
     {dial_never, dialled, drop, good_reply, first_is_over, is_gone}},
    {"held and retrieved",
     true,
     false,
     "OCLCDI",
     NULL,
     LINEDISCONNECTMODE_NORMAL,
     {comes_in, answer, good_reply, connected, hold, good_reply, unhold, good_reply, connected, hangs_up,
      first_is_over}},
    {"a second call, swapped",
     true,
     false,
     "OCLCI",
     "OCLI",
     0,
     {comes_in, answer, good_reply, connected, another_waits, answer_second, good_reply, unhold, good_reply, connected,
      drop_second, good_reply, second_is_over, drop, good_reply, first_is_over, is_gone}},
    {"a second call, rejected",
     true,
     false,
     "OCI",
     "ODI",
     0,
     {comes_in, answer, good_reply, connected, another_waits, drop_second, good_reply, second_is_over, drop, good_reply,
      first_is_over, is_gone}},
    {"digits",
     true,
     false,
     "OCI",
     NULL,
     0,
     {comes_in, answer, good_reply, connected, digits, good_reply, digits_came, drop, good_reply, first_is_over,
      is_gone}},
    {"data, the far end hangs up",
     true,
     true,
     "GCDI",
     NULL,
     LINEDISCONNECTMODE_NORMAL,
     {dial_data, dialled, connected, hangs_up, first_is_over}},
    {"data, dropped",
     true,
     true,
     "GCI",
     NULL,
     0,
     {dial_data, dialled, connected, drop, good_reply, first_is_over, is_gone}},
    {"busy, analogue", false, true, "GBDI", NULL, LINEDISCONNECTMODE_BUSY, {dial_busy, dialled, first_is_over}},
    {"no answer, analogue",
     false,
     true,
     "GDI",
     NULL,
     LINEDISCONNECTMODE_NOANSWER,
     {dial_no_answer, dialled, first_is_over}},
    {"no carrier, analogue",
     false,
     true,
     "GDI",
     NULL,
     LINEDISCONNECTMODE_UNKNOWN,
     {dial_no_carrier, dialled, first_is_over}},
    {"cancelled, analogue",
     false,
     true,
     "ODI",
     NULL,
     LINEDISCONNECTMODE_CANCELLED,
     {comes_in, gives_up, first_is_over}},
    {"pulled while it is up",
     true,
     true,
     "OCDI",
     NULL,
     LINEDISCONNECTMODE_UNKNOWN,
     {comes_in, answer, good_reply, connected, pulled, first_is_over, plugged_in, in_service}},
    {"pulled while it rings",
     true,
     true,
     "ODI",
     NULL,
     LINEDISCONNECTMODE_UNKNOWN,
     {comes_in, pulled, first_is_over, plugged_in, in_service}},
    {"pulled while it is dialled",
     true,
     false,
     "GPRDI",
     NULL,
     LINEDISCONNECTMODE_UNKNOWN,
     {dial_rings_on, dialled, ringback, pulled, first_is_over, plugged_in, in_service}},
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static void job_begin(struct job *j, uint32_t line, unsigned *next_kind)
{
    const bool gsm = line < GSM_LINES;
    const struct kind *kind;
    do
        kind = &kinds[(*next_kind)++ % KINDS];
    while (gsm ? !kind->gsm : !kind->v250);
    *j = (struct job){.kind = kind, .line = line};
    for (unsigned i = 0; i < p.core.calls; i++)
        j->calls_before += p.core.heard[i].line == line;
}

static void expect_states(const struct job *j, const struct modem_heard *heard, const char *states)
{
    if (states == NULL)
        return;
    if (heard == NULL || strcmp(heard->states, states) != 0)
        fail_msg("\"%s\" on line %u: %s instead of %s; the modem: %s", j->kind->name, j->line,
                 heard != NULL ? heard->states : "no call", states, modem_program_tail(modem_of(j)->log));
}

/* True when it has ended as it should. */
static bool job_turn(struct job *j)
{
    while (j->step < STEPS_MAX && j->kind->steps[j->step] != NULL)
        if (!j->kind->steps[j->step](j))
            return false;
        else
            j->step++;
    expect_states(j, j->first, j->kind->first);
    expect_states(j, j->second, j->kind->second);
    if (j->kind->first != NULL && j->kind->mode != 0 && j->first->mode != j->kind->mode)
        fail_msg("\"%s\": mode %x", j->kind->name, j->first->mode);
    return true;
}

static void a_thousand_calls_of_every_kind_end_in_the_right_states(void **state)
{
    (void)state;
    static struct job job[JOBS_LINES];
    unsigned begun = 0, ended = 0, next_kind[JOBS_LINES];
    modem_program_set_up(&p, JOBS_LINES);
    for (unsigned i = 0; i < JOBS_LINES; i++) {
        p.modem[i].analogue = i >= GSM_LINES;
        p.modem[i].echo_stays = i % 4 == 1;
        p.modem[i].split = i % 3 != 0;
        p.modem[i].noise = i % 4 == 3;
        p.modem[i].other_call = i == 4;
        next_kind[i] = i * 3;
    }
    modem_program_start(&p, "profile={gsm, gsm, gsm, gsm, gsm, gsm, gsm, gsm, v250}", NULL);
    for (unsigned i = 0; i < JOBS_LINES; i++, begun++)
        job_begin(&job[i], i, &next_kind[i]);
    const int64_t end = cf_clock_ns() + 150 * CF_NS_PER_S;
    while (ended < CALLS) {
        modem_program_turn(&p);
        for (unsigned i = 0; i < JOBS_LINES; i++) {
            if (job[i].kind == NULL || !job_turn(&job[i]))
                continue;
            ended++;
            job[i].kind = NULL;
            if (begun++ < CALLS)
                job_begin(&job[i], i, &next_kind[i]);
        }
        if (cf_clock_ns() > end)
            for (unsigned i = 0; i < JOBS_LINES; i++)
                if (job[i].kind != NULL)
                    fail_msg("%u of %u; line %u: \"%s\" stands at step %u, %s; the modem: %s\nit said: %s", ended,
                             CALLS, i, job[i].kind->name, job[i].step,
                             job[i].first != NULL ? job[i].first->states : "no call",
                             modem_program_tail(p.modem[i].log), modem_program_tail(p.said));
        poll(NULL, 0, 1);
    }
    for (unsigned i = 0; i < p.core.calls; i++) {
        const char *states = p.core.heard[i].states;
        assert_int_equal(states[strlen(states) - 1], 'I');
    }
    assert_int_equal(kill(p.pid, SIGHUP), 0);
    UNTIL(modem_program_said(&p, "live: calls 0"));
    modem_program_tear_down(&p);
    assert_null(strstr(p.said, "timeouts"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thousand_calls_of_every_kind_end_in_the_right_states),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
