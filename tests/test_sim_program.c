/*
 * The program callfan-sim as callfand starts it, against a core of the test's own.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "adapters/provider/clock.h"
#include "adapters/sim/journal.h"
#include "callfan/provider.h"
#include "callfan/tapi.h"
#include "shm/fields.h"
#include "shm/handle.h"
#include "tests/support/provider_core.h"

enum { PATIENCE_S = 30, ARGS_MAX = 40, SLOTS = 4096, CALLS = 100 };

static int64_t soon(void)
{
    return cf_clock_ns() + PATIENCE_S * CF_NS_PER_S;
}

struct process {
    pid_t pid;
    int errors; /* its stderr */
};

static struct process run(const char *const *words)
{
    char path[512];
    snprintf(path, sizeof path, "%s/callfan-sim", getenv("CALLFAN_BIN"));
    char *argv[ARGS_MAX] = {path};
    for (int i = 0; words[i] != NULL; i++)
        argv[i + 1] = (char *)(uintptr_t)words[i];
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    struct process p = {fork(), ends[0]};
    assert_true(p.pid >= 0);
    if (p.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(ends[1], STDERR_FILENO);
        execv(path, argv);
        _exit(127);
    }
    close(ends[1]);
    return p;
}

/* Waits for the end; returns the exit status, and what it said in text. */
static int ended(struct process *p, char *text, size_t text_bytes)
{
    size_t n = 0;
    for (int64_t end = soon(); cf_clock_ns() < end && n + 1 < text_bytes;) {
        struct pollfd ready = {.fd = p->errors, .events = POLLIN};
        if (poll(&ready, 1, 100) == 0)
            continue;
        ssize_t got = read(p->errors, text + n, text_bytes - 1 - n);
        if (got <= 0)
            break;
        n += (size_t)got;
    }
    text[n] = '\0';
    int status = -1;
    pid_t done = 0;
    for (int64_t end = soon(); (done = waitpid(p->pid, &status, WNOHANG)) == 0 && cf_clock_ns() < end;)
        sched_yield();
    if (done == 0) {
        kill(p->pid, SIGKILL);
        waitpid(p->pid, &status, 0);
        fail_msg("callfan-sim did not end; it said: %s", text);
    }
    close(p->errors);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static struct cf_record *take(struct provider_core *core)
{
    static struct cf_record r;
    for (int64_t end = soon(); cf_clock_ns() < end; sched_yield())
        if (provider_core_take(core, &r, true))
            return &r;
    fail_msg("no event");
    return NULL;
}

static uint64_t serial_of(const struct cf_record *r)
{
    struct cf_field field = {0};
    char digits[32];
    assert_true(cf_fields_find(r, CF_FIELD_CALLER, &field) && field.bytes < sizeof digits);
    memcpy(digits, field.data, field.bytes);
    digits[field.bytes] = '\0';
    return strtoull(digits, NULL, 10);
}

static void take_snapshot(struct provider_core *core, unsigned lines)
{
    assert_int_equal(take(core)->m.id, CF_EV_SNAPSHOT_BEGIN);
    for (unsigned i = 0; i < lines; i++) {
        const struct cf_record *r = take(core);
        assert_int_equal(r->m.id, CF_EV_LINE);
        assert_int_equal(r->m.param1, i);
    }
}

/* ------------------------------------------------------------------ what it reports and what it writes down */

static void the_journal_holds_exactly_what_was_reported(void **state)
{
    (void)state;
    struct provider_core core;
    char journal[128], record[160], text[4096];
    static struct cf_sim_journal_entry heard[CALLS * 16];
    static uint64_t serials[CALLS * 2];
    unsigned count = 0, idle = 0;
    provider_core_init(&core, SLOTS, SLOTS);
    provider_core_serve(&core);
    snprintf(journal, sizeof journal, "%s/journal", core.folder);
    snprintf(record, sizeof record, "record=%s", journal);
    struct process p = run((const char *const[]){
        "--socket",   core.path, "--set",      "calls=100",     "--set",       "rate=2000", "--set",
        "messages=8", "--set",   "hold_ms=50", "--set",         "answer_ms=5", "--set",     "accept_ms=2",
        "--set",      "lines=3", "--set",      "calls_max=200", "--set",       record,      NULL});
    provider_core_served(&core);
    assert_string_equal(core.hello.name, "sim");
    take_snapshot(&core, 3);
    assert_int_equal(take(&core)->m.id, CF_EV_SNAPSHOT_END);
    provider_core_command(&core, CF_CMD_OPEN_LINE, 0, 1, LINEMEDIAMODE_INTERACTIVEVOICE);
    while (idle < CALLS) {
        const struct cf_record *r = take(&core);
        assert_true(count < sizeof heard / sizeof heard[0]);
        uint64_t *serial = &serials[cf_handle_index(r->m.device)];
        bool is_new = r->m.id == CF_EV_NEW_CALL;
        if (is_new)
            *serial = serial_of(r);
        uint64_t state_word = is_new ? r->m.param2 : r->m.param1 | r->m.param2 << 32;
        heard[count++] = (struct cf_sim_journal_entry){.serial = *serial,
                                                       .time_ns = r->m.time_ns,
                                                       .state = (uint32_t)state_word,
                                                       .mode = (uint32_t)(state_word >> 32),
                                                       .line = 1,
                                                       .flags = is_new ? CF_JOURNAL_NEW : 0};
        if ((uint32_t)state_word == LINECALLSTATE_IDLE) {
            idle++;
            provider_core_command(&core, CF_CMD_CLOSE_CALL, r->m.device, 0, 0);
        }
    }
    for (int64_t end = soon(); cf_load_acquire_64(&core.up->down_ack) != core.commands.tail && cf_clock_ns() < end;)
        sched_yield(); /* until it has read the last command */
    kill(p.pid, SIGTERM);
    assert_int_equal(ended(&p, text, sizeof text), 0);
    assert_non_null(strstr(text, "calls 100,"));
    assert_non_null(strstr(text, "live 0,"));
    assert_int_equal(count, CALLS * 7); /* with LINE_APPNEWCALL eight messages each */

    FILE *f = fopen(journal, "re");
    assert_non_null(f);
    struct cf_sim_journal_header header;
    static struct cf_sim_journal_entry written[CALLS * 16];
    assert_int_equal(fread(&header, sizeof header, 1, f), 1);
    assert_true(header.magic == CF_SIM_JOURNAL_MAGIC && header.entry_bytes == sizeof written[0] && header.seed == 1);
    assert_int_equal(fread(written, sizeof written[0], CALLS * 16, f), count);
    assert_memory_equal(written, heard, count * sizeof heard[0]);
    fclose(f);
    unlink(journal);
    provider_core_fini(&core);
}

static void it_joins_another_core_and_tells_of_its_live_calls(void **state)
{
    (void)state;
    struct provider_core core;
    char text[4096];
    uint64_t calls[5];
    provider_core_init(&core, SLOTS, SLOTS);
    provider_core_serve(&core);
    struct process p =
        run((const char *const[]){"--socket", core.path, "--name", "exchange", "--set", "calls=5", "--set", "rate=1000",
                                  "--set", "answer=owner", "--set", "when=always", "--set", "lines=1", NULL});
    provider_core_served(&core);
    assert_string_equal(core.hello.name, "exchange");
    take_snapshot(&core, 1);
    assert_int_equal(take(&core)->m.id, CF_EV_SNAPSHOT_END);
    for (int i = 0; i < 5; i++)
        calls[i] = take(&core)->m.device;
    provider_core_command(&core, CF_CMD_ANSWER, calls[2], 1, 0);
    assert_int_equal(take(&core)->m.id, CF_EV_REPLY);
    assert_int_equal(take(&core)->m.param1, LINECALLSTATE_CONNECTED);
    provider_core_hang_up(&core);
    provider_core_serve(&core);
    provider_core_served(&core);
    take_snapshot(&core, 1);
    for (int i = 0; i < 5; i++) {
        const struct cf_record *r = take(&core);
        assert_int_equal(r->m.id, CF_EV_NEW_CALL);
        assert_int_equal(r->m.device, calls[i]);
        assert_int_equal((uint32_t)r->m.param2, i == 2 ? LINECALLSTATE_CONNECTED : LINECALLSTATE_OFFERING);
    }
    assert_int_equal(take(&core)->m.id, CF_EV_SNAPSHOT_END);
    kill(p.pid, SIGINT);
    assert_int_equal(ended(&p, text, sizeof text), 0);
    provider_core_fini(&core);
}

static void it_hears_signals_while_there_is_no_service(void **state)
{
    (void)state;
    struct provider_core core;
    char text[4096];
    provider_core_init(&core, SLOTS, SLOTS);
    provider_core_serve(&core);
    struct process p = run((const char *const[]){"--socket", core.path, NULL});
    provider_core_served(&core);
    take_snapshot(&core, 4);
    cf_socket_listener_close(&core.listener, core.path, true);
    core.listener.fd = -1;
    int64_t begin = cf_clock_ns();
    provider_core_hang_up(&core);
    for (size_t n = 0; n + 1 < sizeof text; n++) { /* until it has seen that */
        assert_int_equal(read(p.errors, text + n, 1), 1);
        text[n + 1] = '\0';
        if (strstr(text, "hung up\n") != NULL)
            break;
    }
    kill(p.pid, SIGTERM);
    assert_int_equal(ended(&p, text, sizeof text), 0);
    assert_true(cf_clock_ns() - begin < PATIENCE_S * CF_NS_PER_S);
    provider_core_fini(&core);
}

static void a_script_is_played(void **state)
{
    (void)state;
    struct provider_core core;
    char script[128], set[160], text[4096];
    provider_core_init(&core, SLOTS, SLOTS);
    snprintf(script, sizeof script, "%s/script", core.folder);
    snprintf(set, sizeof set, "script=%s", script);
    FILE *f = fopen(script, "we");
    assert_non_null(f);
    fputs("lines 2\nat 0.01 line 1 call 1 new offering caller 100\nat +0.01 call 1 state disconnected cancelled\n", f);
    fclose(f);
    provider_core_serve(&core);
    struct process p = run((const char *const[]){"--socket", core.path, "--set", set, NULL});
    provider_core_served(&core);
    take_snapshot(&core, 2);
    assert_int_equal(take(&core)->m.id, CF_EV_SNAPSHOT_END);
    provider_core_command(&core, CF_CMD_OPEN_LINE, 0, 1, LINEMEDIAMODE_INTERACTIVEVOICE);
    const struct cf_record *r = take(&core);
    int64_t began = r->m.time_ns;
    assert_int_equal(serial_of(r), 100);
    r = take(&core);
    assert_int_equal(r->m.param2, LINEDISCONNECTMODE_CANCELLED);
    assert_true(r->m.time_ns >= began); /* each is late by its own wake-up, so the distance may be anything */
    kill(p.pid, SIGTERM);
    assert_int_equal(ended(&p, text, sizeof text), 0);
    unlink(script);
    provider_core_fini(&core);
}

/* ------------------------------------------------------------------ wrong use */

static void wrong_use_is_told_and_ends_with_2(void **state)
{
    (void)state;
    static const struct {
        const char *words[6];
        const char *says;
    } cases[] = {
        {{"--rate", "5"}, "unknown option --rate"},
        {{"--set", "rate=fast"}, "rate"},
        {{"--set", "lines=0"}, "lines is 0, must be 1 to 131072"},
        {{"--set", "busy=0.9", "--set", "abandon=0.2"}, "together exceed 1"},
        {{"--set", "burst=0.5"}, "burst"},
        {{"--set", "burst_every_ms=500"}, "burst_ms is more than burst_every_ms"},
        {{"--set", "hold_max_ms=-1"}, "hold_max_ms is -1"},
        {{"--set", "messages=3"}, "messages must be 0 or 4 to 256"},
        {{"--set", "messages=12", "--set", "answer=owner"}, "needs answer = auto"},
        {{"--set", "dial={\"5\"}"}, "PREFIX=OUTCOME"},
        {{"--set", "without={\"hold\", \"drop\"}"}, "without has a word that is not in the list"},
        {{"--set", "conference_max=2"}, "conference_max is 2, must be 3 to 256"},
        {{"--set", "dialtone_ms=0"}, "dialtone_ms is 0"},
        {{"--set", "remove=first"}, "remove"},
        {{"--set", "removed=onhold"}, "removed"},
        {{"--set", "orbits=101"}, "orbits is 101"},
        {{"--set", "park_ms=0"}, "park_ms is 0"},
        {{"--set", "completions=101"}, "completions is 101"},
        {{"--set", "free_ms=0"}, "free_ms is 0"},
        {{"--set", "ring_ms=0"}, "ring_ms is 0"},
        {{"--set", "pickup_group="}, "pickup_group must have 1 to 31"},
        {{"--set", "digits=12x"}, "at most 63 of 0-9"},
        {{"--set", "script=/nowhere"}, "/nowhere: No such file"},
        {{"--config", "/nowhere"}, "/nowhere: No such file"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[4096];
        const char *words[8] = {0};
        size_t n = 0;
        for (; cases[i].words[n] != NULL; n++)
            words[n] = cases[i].words[n];
        words[n] = "--check";
        struct process p = run(words);
        assert_int_equal(ended(&p, text, sizeof text), 2);
        if (strstr(text, cases[i].says) == NULL)
            fail_msg("\"%s\" does not say \"%s\"", text, cases[i].says);
    }
    char text[4096];
    struct process p = run((const char *const[]){"--check", "--set", "lines=100", "--set", "dial={\"5=busy\"}", "--set",
                                                 "without={\"hold\", \"confdrop\"}", "--set", "remove=last", NULL});
    assert_int_equal(ended(&p, text, sizeof text), 0);
    assert_string_equal(text, "");
}

static void a_refusal_of_the_service_ends_it_with_1(void **state)
{
    (void)state;
    struct provider_core core;
    char text[4096];
    provider_core_init(&core, SLOTS, SLOTS);
    core.answer = CORE_REFUSES;
    provider_core_serve(&core);
    struct process p = run((const char *const[]){"--socket", core.path, NULL});
    provider_core_served(&core);
    assert_int_equal(ended(&p, text, sizeof text), 1);
    assert_non_null(strstr(text, "the service refuses provider \"sim\": not you"));
    provider_core_fini(&core);
}

static void a_journal_that_cannot_be_written_ends_it_with_1(void **state)
{
    (void)state;
    struct provider_core core;
    char text[4096];
    provider_core_init(&core, SLOTS, SLOTS);
    struct process p = run((const char *const[]){"--socket", core.path, "--set", "record=/nowhere/at/all", NULL});
    assert_int_equal(ended(&p, text, sizeof text), 1);
    assert_non_null(strstr(text, "/nowhere/at/all: No such file"));

    provider_core_serve(&core);
    p = run((const char *const[]){"--socket", core.path, "--set", "record=/dev/full", NULL});
    assert_int_equal(ended(&p, text, sizeof text), 1);
    assert_non_null(strstr(text, "/dev/full: No space left"));
    /* It never came: let the door's thread end. */
    p = run((const char *const[]){"--socket", core.path, NULL});
    provider_core_served(&core);
    kill(p.pid, SIGTERM);
    ended(&p, text, sizeof text);
    provider_core_fini(&core);
}

int main(void)
{
    if (getenv("CALLFAN_BIN") == NULL) {
        fprintf(stderr, "CALLFAN_BIN does not name the folder of the programs\n");
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_journal_holds_exactly_what_was_reported),
        cmocka_unit_test(it_joins_another_core_and_tells_of_its_live_calls),
        cmocka_unit_test(it_hears_signals_while_there_is_no_service),
        cmocka_unit_test(a_script_is_played),
        cmocka_unit_test(wrong_use_is_told_and_ends_with_2),
        cmocka_unit_test(a_refusal_of_the_service_ends_it_with_1),
        cmocka_unit_test(a_journal_that_cannot_be_written_ends_it_with_1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
