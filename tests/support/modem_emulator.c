#define _GNU_SOURCE
#include "tests/support/modem_emulator.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

enum { ACTIVE = 0, HELD = 1, DIALLING = 2, ALERTING = 3, INCOMING = 4, WAITING = 5 };

static uint64_t random_next(struct modem_emulator *e)
{
    uint64_t z = (e->seed += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* ------------------------------------------------------------------ the terminal */

static void plug_in(struct modem_emulator *e)
{
    struct termios t;
    char name[64];
    e->master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    assert_true(e->master >= 0 && grantpt(e->master) == 0 && unlockpt(e->master) == 0);
    assert_int_equal(ptsname_r(e->master, name, sizeof(name)), 0);
    assert_int_equal(tcgetattr(e->master, &t), 0);
    cfmakeraw(&t);
    assert_int_equal(tcsetattr(e->master, TCSANOW, &t), 0);
    unlink(e->link);
    assert_int_equal(symlink(name, e->link), 0);
}

static void switch_on(struct modem_emulator *e)
{
    memset(e->call, 0, sizeof(e->call));
    e->echo = true;
    e->numeric = e->online = e->mute = false;
    e->line_len = e->plus = e->out_len = 0;
    e->pending = 0;
    e->cause = 16;
}

void modem_open(struct modem_emulator *e, const char *link)
{
    snprintf(e->link, sizeof(e->link), "%s", link);
    switch_on(e);
    plug_in(e);
}

void modem_vanish(struct modem_emulator *e)
{
    unlink(e->link);
    close(e->master);
    e->master = -1;
}

void modem_return(struct modem_emulator *e)
{
    switch_on(e);
    plug_in(e);
}

void modem_close(struct modem_emulator *e)
{
    if (e->master >= 0)
        modem_vanish(e);
}

/* ------------------------------------------------------------------ speaking */

static void put(struct modem_emulator *e, const char *text, size_t len)
{
    if (e->master < 0 || e->mute)
        return;
    assert_true(e->out_len + len <= sizeof(e->out));
    memcpy(e->out + e->out_len, text, len);
    e->out_len += (unsigned)len;
}

static void noise(struct modem_emulator *e)
{
    static const char *const noises[] = {"\r\n\x01\x02~\x7f\r\n", "\r\nxyzzy\r\n", "\r\n\xff\xfe\xf0\r\n"};
    if (!e->noise || e->online || random_next(e) % 4 != 0)
        return;
    const char *text = noises[random_next(e) % 3];
    put(e, text, strlen(text));
}

void modem_say(struct modem_emulator *e, const char *text)
{
    char line[MODEM_LINE + 8];
    noise(e);
    const int n = snprintf(line, sizeof(line), "\r\n%s\r\n", text);
    put(e, line, (size_t)n);
}

void modem_result(struct modem_emulator *e, const char *words)
{
    static const struct {
        const char *words, *number;
    } table[] = {{"OK", "0"},           {"CONNECT", "1"},     {"RING", "2"}, {"NO CARRIER", "3"}, {"ERROR", "4"},
                 {"CONNECT 1200", "5"}, {"NO DIALTONE", "6"}, {"BUSY", "7"}, {"NO ANSWER", "8"}};
    for (size_t i = 0; e->numeric && i < sizeof(table) / sizeof(table[0]); i++)
        if (strcmp(words, table[i].words) == 0) {
            put(e, table[i].number, 1);
            put(e, "\r", 1);
            return;
        }
    modem_say(e, words);
}

/* With split, a few bytes at a time. */
static void write_out(struct modem_emulator *e)
{
    while (e->out_len > 0 && e->master >= 0) {
        size_t len = e->out_len;
        if (e->split && len > 1)
            len = 1 + random_next(e) % (len < 9 ? len : 9);
        const ssize_t n = write(e->master, e->out, len);
        if (n <= 0)
            return;
        e->out_len -= (unsigned)n;
        memmove(e->out, e->out + n, e->out_len);
        if (e->split && random_next(e) % 2 == 0)
            return;
    }
}

/* ------------------------------------------------------------------ the network */

int modem_find(const struct modem_emulator *e, int stat)
{
    for (int id = 1; id < MODEM_CALLS; id++)
        if (e->call[id].used && e->call[id].stat == stat)
            return id;
    return 0;
}

unsigned modem_calls(const struct modem_emulator *e)
{
    unsigned n = 0;
    for (int id = 1; id < MODEM_CALLS; id++)
        n += e->call[id].used;
    return n;
}

static int new_call(struct modem_emulator *e, const char *number, int stat)
{
    for (int id = 1; id < MODEM_CALLS; id++) {
        if (e->call[id].used)
            continue;
        e->call[id] = (struct modem_call){.used = true, .stat = stat, .incoming = stat >= INCOMING};
        snprintf(e->call[id].number, sizeof(e->call[id].number), "%s", number);
        return id;
    }
    return 0;
}

int modem_incoming(struct modem_emulator *e, const char *number, bool data)
{
    const int id = new_call(e, number, modem_calls(e) == 0 ? INCOMING : WAITING);
    e->call[id].data = data;
    return id;
}

void modem_ring(struct modem_emulator *e, int id)
{
    char text[MODEM_LINE];
    const struct modem_call *call = &e->call[id];
    if (call->stat == WAITING) {
        snprintf(text, sizeof(text), "+CCWA: \"%s\",129,1", call->number);
        modem_say(e, text);
        return;
    }
    if (e->analogue)
        modem_result(e, "RING");
    else
        modem_say(e, call->data ? "+CRING: ASYNC" : "+CRING: VOICE");
    snprintf(text, sizeof(text), e->analogue ? "NMBR = %s" : "+CLIP: \"%s\",129,,,,0", call->number);
    modem_say(e, text);
}

static void release(struct modem_emulator *e, int id)
{
    e->call[id].used = false;
    const int waiting = modem_find(e, WAITING);
    if (modem_calls(e) == 1 && waiting != 0)
        e->call[waiting].stat = INCOMING;
}

void modem_remote_hangs_up(struct modem_emulator *e, int id, int cause)
{
    e->cause = cause;
    e->online = false;
    release(e, id);
    modem_result(e, "NO CARRIER");
}

void modem_caller_gives_up(struct modem_emulator *e, int id)
{
    release(e, id);
}

/* ------------------------------------------------------------------ commands about calls */

static void ends(struct modem_emulator *e, int id, int cause, const char *words)
{
    e->cause = cause;
    release(e, id);
    modem_result(e, words);
}

/* An outgoing voice call after the network was asked how it is. */
static void progress(struct modem_emulator *e, int id)
{
    struct modem_call *call = &e->call[id];
    if (call->stat == DIALLING && call->fate == FATE_NO_CARRIER) {
        ends(e, id, 1, "NO CARRIER");
    } else if (call->stat == DIALLING) {
        call->stat = ALERTING;
        call->seen = false;
    } else if (call->stat == ALERTING && call->fate == FATE_ANSWERED) {
        call->stat = ACTIVE;
    } else if (call->stat == ALERTING && call->fate == FATE_BUSY) {
        ends(e, id, 17, "BUSY");
    } else if (call->stat == ALERTING && call->fate == FATE_NO_ANSWER) {
        ends(e, id, 19, "NO ANSWER");
    }
}

static void list(struct modem_emulator *e)
{
    char text[MODEM_LINE];
    if (e->other_call)
        modem_say(e, "+CLCC: 7,0,0,1,0,\"*99#\",129");
    for (int id = 1; id < MODEM_CALLS; id++) {
        struct modem_call *call = &e->call[id];
        if (!call->used)
            continue;
        snprintf(text, sizeof(text), "+CLCC: %d,%d,%d,%d,%d,\"%s\",129", id, call->incoming, call->stat, call->data,
                 call->multiparty, call->number);
        modem_say(e, text);
        call->seen = true;
    }
    modem_result(e, "OK");
    for (int id = 1; id < MODEM_CALLS; id++)
        if (e->call[id].used && e->call[id].seen && !e->call[id].incoming)
            progress(e, id);
}

static void dial(struct modem_emulator *e, const char *number)
{
    const size_t len = strlen(number);
    const bool voice = len > 0 && number[len - 1] == ';';
    static const struct {
        char fate;
        const char *words;
    } at_once[] = {{FATE_NO_DIALTONE, "NO DIALTONE"},
                   {FATE_ERROR, "ERROR"},
                   {FATE_BLACKLISTED, "BLACKLISTED"},
                   {FATE_DELAYED, "DELAYED"}};
    for (size_t i = 0; i < sizeof(at_once) / sizeof(at_once[0]); i++)
        if (number[0] == at_once[i].fate) {
            modem_result(e, at_once[i].words);
            return;
        }
    char plain[32];
    snprintf(plain, sizeof(plain), "%.*s", (int)(voice ? len - 1 : len), number);
    const int id = new_call(e, plain, DIALLING);
    e->call[id].fate = number[0];
    if (number[0] == FATE_NEVER || (!voice && number[0] == FATE_RINGS_ON)) {
        e->pending = 'D';
    } else if (voice) {
        modem_result(e, "OK");
    } else if (number[0] == FATE_ANSWERED) {
        e->call[id].stat = ACTIVE;
        e->call[id].data = true;
        modem_result(e, e->numeric ? "CONNECT" : "CONNECT 9600");
        e->online = true;
    } else {
        ends(e, id, number[0] == FATE_BUSY ? 17 : 1,
             number[0] == FATE_BUSY        ? "BUSY"
             : number[0] == FATE_NO_ANSWER ? "NO ANSWER"
                                           : "NO CARRIER");
    }
}

static void answer(struct modem_emulator *e)
{
    const int id = modem_find(e, INCOMING);
    if (id == 0) {
        modem_result(e, "NO CARRIER");
        return;
    }
    e->call[id].stat = ACTIVE;
    modem_result(e, e->call[id].data ? "CONNECT 9600" : "OK");
    e->online = e->call[id].data;
}

static void hang_up(struct modem_emulator *e, bool all)
{
    for (int id = 1; id < MODEM_CALLS; id++) {
        struct modem_call *call = &e->call[id];
        if (call->used && (all || call->stat != HELD) && !(e->analogue && call->stat == INCOMING))
            release(e, id);
    }
    modem_result(e, "OK");
}

static void hold(struct modem_emulator *e, const char *what)
{
    const int waiting = modem_find(e, WAITING), active = modem_find(e, ACTIVE), held = modem_find(e, HELD);
    if (what[0] == '0') {
        if (waiting != 0 || held != 0)
            release(e, waiting != 0 ? waiting : held);
    } else if (what[0] == '1' && what[1] != '\0') {
        release(e, what[1] - '0');
    } else if (what[0] == '1') {
        if (active != 0)
            e->call[active].used = false;
        if (waiting != 0 || held != 0)
            e->call[waiting != 0 ? waiting : held].stat = ACTIVE;
    } else if (active + waiting + held == 0) {
        modem_say(e, "+CME ERROR: 3");
        return;
    } else {
        if (active != 0)
            e->call[active].stat = HELD;
        if (waiting != 0)
            e->call[waiting].stat = ACTIVE;
        else if (held != 0)
            e->call[held].stat = ACTIVE;
    }
    modem_result(e, "OK");
}

/* ------------------------------------------------------------------ the command line */

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static void pin_command(struct modem_emulator *e, const char *text)
{
    char wanted[32];
    if (text[0] == '?') {
        modem_say(e, e->pin != NULL ? "+CPIN: SIM PIN" : "+CPIN: READY");
        modem_result(e, "OK");
        return;
    }
    e->pins++;
    snprintf(wanted, sizeof(wanted), "=\"%s\"", e->pin != NULL ? e->pin : "");
    if (e->pin != NULL && strcmp(text, wanted) == 0) {
        e->pin = NULL;
        modem_result(e, "OK");
    } else {
        modem_say(e, "+CME ERROR: 16");
    }
}

static void mobile_command(struct modem_emulator *e, const char *text)
{
    char reply[64];
    if (begins(text, "+CLCC")) {
        list(e);
    } else if (begins(text, "+CEER")) {
        snprintf(reply, sizeof(reply), "+CEER: \"CC\",%d", e->cause);
        modem_say(e, reply);
        modem_result(e, "OK");
    } else if (begins(text, "+CHUP")) {
        hang_up(e, false);
    } else if (begins(text, "+CHLD=")) {
        hold(e, text + 6);
    } else if (begins(text, "+VTS=")) {
        const size_t n = strlen(e->digits);
        if (n + 1 < sizeof(e->digits))
            e->digits[n] = text[5];
        modem_result(e, "OK");
    } else if (begins(text, "+CPIN")) {
        pin_command(e, text + 5);
    } else if (begins(text, "+CREG?")) {
        modem_say(e, e->creg_is_asked ? "+CREG: 1,2" : "+CREG: 1,1");
        modem_result(e, "OK");
    } else {
        modem_result(e, "OK");
    }
}

static void obey(struct modem_emulator *e, const char *text)
{
    if (text[0] == '\0' || text[0] == 'X') {
        modem_result(e, "OK");
    } else if (begins(text, "E0V")) {
        e->echo = e->echo_stays;
        e->numeric = text[3] == '0';
        modem_result(e, "OK");
    } else if (text[0] == 'D') {
        dial(e, text + 1);
    } else if (text[0] == 'A') {
        answer(e);
    } else if (text[0] == 'H') {
        hang_up(e, true);
    } else if (text[0] == '+' && !e->analogue) {
        mobile_command(e, text);
    } else {
        modem_result(e, "ERROR");
    }
}

static void keep(struct modem_emulator *e)
{
    size_t used = strlen(e->log);
    if (used + e->line_len + 2 > sizeof(e->log))
        used = 0;
    memcpy(e->log + used, e->line, e->line_len);
    memcpy(e->log + used + e->line_len, "\n", 2);
    memcpy(e->last, e->line, e->line_len + 1);
    e->commands++;
}

static void take_line(struct modem_emulator *e)
{
    e->line[e->line_len] = '\0';
    if (begins(e->line, "AT")) {
        keep(e);
        obey(e, e->line + 2);
    }
    e->line_len = 0;
}

static void take_online(struct modem_emulator *e, char c)
{
    e->plus = c == '+' ? e->plus + 1 : 0;
    if (e->plus < 3)
        return;
    e->plus = 0;
    e->online = false;
    modem_result(e, "OK");
}

static void take(struct modem_emulator *e, char c)
{
    if (e->online) {
        take_online(e, c);
        return;
    }
    if (e->pending != 0) { /* any character breaks it off */
        e->pending = 0;
        ends(e, modem_find(e, DIALLING), 16, "NO CARRIER");
        return;
    }
    if (e->echo)
        put(e, &c, 1);
    if (c == '\r')
        take_line(e);
    else if (e->line_len + 1 < sizeof(e->line) && c >= ' ')
        e->line[e->line_len++] = c;
}

void modem_turn(struct modem_emulator *e)
{
    char bytes[256];
    ssize_t n;
    while (e->master >= 0 && (n = read(e->master, bytes, sizeof(bytes))) > 0)
        for (ssize_t i = 0; i < n; i++)
            take(e, bytes[i]);
    write_out(e);
}
