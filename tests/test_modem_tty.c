/*
 * The serial line of a modem under a real reactor, on pseudo terminals.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <fcntl.h>
#include <termios.h>
#include <unistd.h>
#include <cmocka.h>

#include "adapters/modem/tty.h"

enum { PATIENCE_S = 30 };

struct rig {
    struct cf_reactor *reactor;
    struct cf_tty tty;
    int master;
    char path[64];
    unsigned opened, gone;
    uint64_t received;
    uint8_t next; /* what the next byte should be */
    char why[128];
};

static void on_opened(void *context, int64_t now_ns)
{
    (void)now_ns;
    ((struct rig *)context)->opened++;
}

static void on_gone(void *context, const char *why, int64_t now_ns)
{
    struct rig *r = context;
    (void)now_ns;
    r->gone++;
    snprintf(r->why, sizeof(r->why), "%s", why);
}

static void on_received(void *context, const uint8_t *bytes, uint32_t len, int64_t now_ns)
{
    struct rig *r = context;
    (void)now_ns;
    for (uint32_t i = 0; i < len; i++)
        assert_int_equal(bytes[i], r->next++);
    r->received += len;
}

static void plug_in(struct rig *r)
{
    struct termios t;
    r->master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    assert_true(r->master >= 0 && grantpt(r->master) == 0 && unlockpt(r->master) == 0);
    assert_int_equal(ptsname_r(r->master, r->path, sizeof(r->path)), 0);
    assert_int_equal(tcgetattr(r->master, &t), 0);
    cfmakeraw(&t);
    assert_int_equal(tcsetattr(r->master, TCSANOW, &t), 0);
}

static void begin(struct rig *r, const char *path)
{
    const struct cf_tty_callbacks callbacks = {on_opened, on_gone, on_received, r};
    char why[256];
    memset(r, 0, sizeof(*r));
    r->master = -1;
    assert_int_equal(cf_reactor_open(&r->reactor, &(struct cf_reactor_options){.datagram_buffers_count = 8}, why, sizeof(why)),
                     0);
    if (path == NULL)
        plug_in(r);
    cf_tty_init(&r->tty, path != NULL ? path : r->path, 115200, false, 5 * CF_NS_PER_MS, r->reactor, &callbacks);
}

static void turn(struct rig *r)
{
    const int64_t now = cf_clock_ns();
    const int64_t due = cf_tty_tick(&r->tty, now), soon = now + CF_NS_PER_MS;
    assert_true(cf_reactor_turn(r->reactor, due < soon ? due : soon) >= 0);
}

static void end(struct rig *r)
{
    cf_tty_close(&r->tty);
    cf_reactor_close(r->reactor);
    if (r->master >= 0)
        close(r->master);
}

#define UNTIL(r, condition)                                                                                            \
    do {                                                                                                               \
        const int64_t until = cf_clock_ns() + PATIENCE_S * CF_NS_PER_S;                                                \
        while (turn(r), !(condition))                                                                                  \
            assert_true(cf_clock_ns() < until);                                                                        \
    } while (0)

/* Reads what has come at the other end and checks that it goes on. */
static uint64_t drain(struct rig *r, uint8_t *next)
{
    uint8_t bytes[512];
    uint64_t total = 0;
    ssize_t n;
    while ((n = read(r->master, bytes, sizeof(bytes))) > 0) {
        for (ssize_t i = 0; i < n; i++)
            assert_int_equal(bytes[i], (*next)++);
        total += (uint64_t)n;
    }
    return total;
}

static void short_writes_go_on_when_there_is_room(void **state)
{
    (void)state;
    static struct rig r;
    char bytes[100];
    uint8_t written = 0, read_next = 0;
    uint64_t total = 0, came = 0;
    begin(&r, NULL);
    UNTIL(&r, r.opened == 1);
    for (bool room = true; room; total += room ? sizeof(bytes) : 0) { /* nobody reads: until our buffer is full too */
        for (size_t i = 0; i < sizeof(bytes); i++)
            bytes[i] = (char)(written + i);
        room = cf_tty_write(&r.tty, bytes, sizeof(bytes));
        written = (uint8_t)(written + (room ? sizeof(bytes) : 0));
        assert_true(total < 1 << 20);
    }
    assert_true(r.tty.out_len > CF_TTY_OUT_MAX - sizeof(bytes));
    UNTIL(&r, (came += drain(&r, &read_next)) == total);
    assert_int_equal(r.tty.out_len, 0);
    end(&r);
}

static void a_flood_is_read_whole_and_in_slices(void **state)
{
    (void)state;
    static struct rig r;
    enum { FLOOD = 200000 };
    static uint8_t bytes[FLOOD];
    uint64_t sent = 0;
    for (size_t i = 0; i < FLOOD; i++)
        bytes[i] = (uint8_t)i;
    begin(&r, NULL);
    UNTIL(&r, r.opened == 1);
    while (r.received < FLOOD) {
        const ssize_t n = sent < FLOOD ? write(r.master, bytes + sent, FLOOD - sent) : 0;
        const uint64_t before = r.received;
        sent += n > 0 ? (uint64_t)n : 0;
        turn(&r);
        assert_true(r.received - before <= 3 * CF_TTY_TURN_MAX);
    }
    end(&r);
}

static void what_came_while_paused_is_read_afterwards(void **state)
{
    (void)state;
    static struct rig r;
    begin(&r, NULL);
    UNTIL(&r, r.opened == 1);
    cf_tty_pause(&r.tty, true);
    assert_int_equal(write(r.master, "\0\1\2", 3), 3);
    UNTIL(&r, r.tty.more);
    assert_int_equal(r.received, 0);
    cf_tty_pause(&r.tty, false);
    UNTIL(&r, r.received == 3);
    end(&r);
}

static void a_hang_up_is_told_once_and_the_device_looked_for(void **state)
{
    (void)state;
    static struct rig r;
    char folder[] = "/tmp/callfan-test-XXXXXX", name[64];
    begin(&r, NULL);
    assert_non_null(mkdtemp(folder));
    snprintf(name, sizeof(name), "%s/modem", folder);
    assert_int_equal(symlink(r.path, name), 0);
    r.tty.path = name; /* the number of a pty that is gone may be somebody else's at once */
    UNTIL(&r, r.opened == 1);
    assert_int_equal(unlink(name), 0);
    assert_int_equal(rmdir(folder), 0);
    close(r.master);
    r.master = -1;
    UNTIL(&r, r.gone >= 1);
    assert_int_equal(r.gone, 1);
    assert_false(cf_tty_write(&r.tty, "AT", 2));
    UNTIL(&r, r.gone >= 3); /* the path is gone too: each try is told */
    assert_true(r.tty.failures >= 3);
    end(&r);
}

static void pauses_double_and_are_bounded(void **state)
{
    (void)state;
    static struct rig r;
    begin(&r, "/nonexistent/modem");
    int64_t now = 0, last = 0;
    for (unsigned i = 0; i < 10; i++) {
        const int64_t next = cf_tty_tick(&r.tty, now);
        assert_int_equal(r.gone, i + 1);
        assert_true(next - now >= last && next - now <= 16 * 5 * CF_NS_PER_MS);
        assert_int_equal(cf_tty_tick(&r.tty, next - 1), next);
        last = next - now;
        now = next;
    }
    assert_int_equal(last, 16 * 5 * CF_NS_PER_MS);
    cf_tty_is_well(&r.tty);
    assert_int_equal(cf_tty_tick(&r.tty, now) - now, 5 * CF_NS_PER_MS);
    end(&r);
}

static void what_is_no_terminal_is_not_opened(void **state)
{
    (void)state;
    static struct rig r;
    begin(&r, "/dev/null");
    UNTIL(&r, r.gone >= 1);
    assert_int_equal(r.opened, 0);
    assert_string_equal(r.why, strerror(ENOTTY));
    end(&r);
}

static void giving_up_closes_it_after_the_callback(void **state)
{
    (void)state;
    static struct rig r;
    begin(&r, NULL);
    UNTIL(&r, r.opened == 1);
    cf_tty_give_up(&r.tty);
    UNTIL(&r, r.gone == 1);
    UNTIL(&r, r.opened == 2); /* it is still there */
    end(&r);
}

static void speeds_are_those_of_termios(void **state)
{
    (void)state;
    assert_true(cf_tty_speed_is_known(9600) && cf_tty_speed_is_known(921600));
    assert_false(cf_tty_speed_is_known(0) || cf_tty_speed_is_known(12345));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_writes_go_on_when_there_is_room),
        cmocka_unit_test(a_flood_is_read_whole_and_in_slices),
        cmocka_unit_test(what_came_while_paused_is_read_afterwards),
        cmocka_unit_test(a_hang_up_is_told_once_and_the_device_looked_for),
        cmocka_unit_test(pauses_double_and_are_bounded),
        cmocka_unit_test(what_is_no_terminal_is_not_opened),
        cmocka_unit_test(giving_up_closes_it_after_the_callback),
        cmocka_unit_test(speeds_are_those_of_termios),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
