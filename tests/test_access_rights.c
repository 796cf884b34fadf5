/* What the access sections let a user do, and how much, at a running callfand: for each rule who may not, and who may. */
#define _GNU_SOURCE
#include "tests/support/access_user.h"

#include <grp.h>
#include <inttypes.h>

/* ctest-timeout: 240 */

/* ------------------------------------------------------------------ what they may do then */

static void watch_and_try(LONG *r, const void *arg)
{
    HLINE line, none;
    DWORD privilege = 0, entries = 0;
    (void)arg;
    r[0] = access_join();
    r[1] = access_open(ALPHA, 1, MONITOR, &line);
    r[2] = access_try_open(ALPHA, 1, OWNER);
    r[3] = access_try_open(ALPHA, 1, OWNER | MONITOR);
    r[4] = access_open(ALPHA, 2, NOTHING, &none);
    HCALL call = access_next_call(&privilege);
    r[5] = (LONG)privilege;
    r[6] = lineSetCallPrivilege(call, OWNER);
    r[7] = access_reply(lineAnswer(call, NULL, 0));
    r[8] = access_reply(lineDrop(call, NULL, 0));
    r[9] = access_make_call(line);
    r[10] = access_make_call(none);
    r[11] = lineSetCallPrivilege(call, MONITOR); /* what it has */
    r[12] = access_list_calls(line, &entries);
    r[13] = access_list_calls(none, &entries);
    HLINE mapped;
    r[14] = lineOpen(access_app, LINEMAPPER, &mapped, V22, 0, 0, OWNER, VOICE, NULL);
    r[15] = lineShutdown(access_app);
    r[16] = access_join(); /* anew: nothing is different */
    r[17] = access_try_open(ALPHA, 1, OWNER);
    r[18] = access_try_open(ALPHA, 1, MONITOR);
}

static void a_monitor_cannot_own_make_or_raise(void **state)
{
    (void)state;
    LONG r[RESULTS];
    access_start_exchanges("access watch { users = {\"nobody\"}\n monitor = {\"alpha\"} }\n");
    access_as(&access_nobody, watch_and_try, NULL, r);
    assert_int_equal(r[0], 0);
    assert_int_equal(r[1], 0);
    assert_int_equal(r[2], LINEERR_INVALPRIVSELECT);
    assert_int_equal(r[3], LINEERR_INVALPRIVSELECT);
    assert_int_equal(r[4], 0);
    assert_int_equal(r[5], MONITOR);
    assert_int_equal(r[6], LINEERR_INVALCALLPRIVILEGE);
    assert_int_equal(r[7], LINEERR_NOTOWNER);
    assert_int_equal(r[8], LINEERR_NOTOWNER);
    assert_int_equal(r[9], LINEERR_OPERATIONUNAVAIL);
    assert_int_equal(r[10], LINEERR_OPERATIONUNAVAIL);
    assert_int_equal(r[11], 0);
    assert_int_equal(r[12], 0);
    assert_int_equal(r[13], 0);
    assert_int_equal(r[14], LINEERR_LINEMAPPERFAILED);
    assert_int_equal(r[15], 0);
    assert_int_equal(r[16], 0);
    assert_int_equal(r[17], LINEERR_INVALPRIVSELECT);
    assert_int_equal(r[18], 0);
    assert_in_range(daemon_number(&access_daemon, "totals", "denied"), 6 + 8, 1000); /* LINEMAPPER tried all lines */
    daemon_stop(&access_daemon);
}

static void own_and_try(LONG *r, const void *arg)
{
    HLINE line, none;
    DWORD privilege = 0, entries = 0;
    (void)arg;
    r[0] = access_join();
    r[1] = access_open(ALPHA, 1, OWNER, &line);
    r[2] = access_try_open(ALPHA, 1, MONITOR);
    r[3] = access_try_open(ALPHA, 1, OWNER | MONITOR);
    r[4] = access_open(BETA, 1, NOTHING, &none);
    HCALL call = access_next_call(&privilege);
    r[5] = (LONG)privilege;
    r[6] = access_reply(lineAnswer(call, NULL, 0));
    r[7] = access_make_call(line);
    r[8] = access_make_call(none);
    r[9] = access_list_calls(line, &entries);
    r[10] = access_list_calls(none, &entries);
    r[11] = access_try_open(BETA, 0, OWNER);
    r[12] = access_try_open(BETA, 2, OWNER);
}

static void an_owner_without_monitor_sees_its_own_calls_alone(void **state)
{
    (void)state;
    LONG r[RESULTS];
    access_start_exchanges("access agent { users = {\"12345\"}\n own = {\"alpha:1\", \"beta:1\"} }\n");
    access_as(&access_stranger, own_and_try, NULL, r);
    assert_int_equal(r[0], 0);
    assert_int_equal(r[1], 0);
    assert_int_equal(r[2], LINEERR_INVALPRIVSELECT);
    assert_int_equal(r[3], LINEERR_INVALPRIVSELECT);
    assert_int_equal(r[4], 0);
    assert_int_equal(r[5], OWNER);
    assert_int_equal(r[6], 0);
    assert_int_equal(r[7], 0);
    assert_int_equal(r[8], 0);
    assert_int_equal(r[9], LINEERR_OPERATIONUNAVAIL);
    assert_int_equal(r[10], LINEERR_OPERATIONUNAVAIL);
    assert_int_equal(r[11], LINEERR_INVALPRIVSELECT);
    assert_int_equal(r[12], LINEERR_INVALPRIVSELECT);
    daemon_stop(&access_daemon);
}

/* Each line of both exchanges with each privilege, by cf_line_open_many. */
static void open_them_all(LONG *r, const void *arg)
{
    const DWORD *privileges = arg;
    DWORD ids[8];
    HLINE lines[8];
    r[0] = access_join();
    for (DWORD i = 0; i < 8; i++)
        ids[i] = access_device(i < 4 ? ALPHA : BETA, i % 4);
    r[1] = cf_line_open_many(access_app, ids, 8, lines, r + 2, V22, 0, *privileges, VOICE);
}

static void lines_are_granted_by_provider_and_range(void **state)
{
    (void)state;
    access_start_exchanges("access some { users = {\"nobody\"}\n own = {\"alpha:1-2\"}\n monitor = {\"alpha:1-2\", "
                           "\"beta:3\", \"alpha:0\"} }\n"
                           "access rest { users = {\"12345\"}\n monitor = {\"beta\"} }\n"
                           "access none { users = {\"23456\"} }\n");
    static const struct identity unlined = {23456, 23456, 0};
    static const struct {
        const struct identity *who;
        DWORD privileges;
        const char *open; /* alpha 0 to 3, beta 0 to 3 */
    } cases[] = {
        {&access_nobody, OWNER, "-xx- ----"},
        {&access_nobody, MONITOR, "xxx- ---x"},
        {&access_nobody, OWNER | MONITOR, "-xx- ----"},
        {&access_nobody, NOTHING, "xxx- ---x"},
        {&access_stranger, OWNER, "---- ----"},
        {&access_stranger, MONITOR, "---- xxxx"},
        {&unlined, NOTHING, "---- ----"},
        {&access_root, OWNER | MONITOR, "xxxx xxxx"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        LONG r[RESULTS];
        access_as(cases[i].who, open_them_all, &cases[i].privileges, r);
        assert_int_equal(r[0], 0);
        for (size_t k = 0; k < 8; k++) {
            bool open = cases[i].open[k < 4 ? k : k + 1] == 'x';
            if (r[2 + k] != (open ? 0 : LINEERR_INVALPRIVSELECT))
                fail_msg("case %zu, line %zu: %#x", i, k, (unsigned)r[2 + k]);
        }
    }
    daemon_stop(&access_daemon);
}

/* ------------------------------------------------------------------ limits */

static void open_until_refused(LONG *r, const void *arg)
{
    HLINE line;
    (void)arg;
    r[0] = access_join();
    while (r[1] < 10 && (r[2] = access_open(ALPHA, (DWORD)r[1] % 4, NOTHING, &line)) == 0)
        r[1]++;
    lineClose(line);
    r[3] = lineClose(line);
    r[4] = access_open(ALPHA, 0, NOTHING, &line); /* the last one made room */
    r[5] = access_open(ALPHA, 0, NOTHING, &line);
}

static void make_until_refused(LONG *r, const void *arg)
{
    HLINE line, witness;
    DWORD entries = 0;
    (void)arg;
    r[0] = access_join();
    r[1] = access_open(BETA, 0, NOTHING, &line);
    while (r[2] < 20 && (r[3] = access_make_call(line)) == 0)
        r[2]++;
    r[4] = access_open(BETA, 0, MONITOR, &witness); /* each call once more, by another open line */
    r[5] = access_list_calls(witness, &entries);
    r[6] = (LONG)entries;
}

static void keep_attached(LONG *r, const void *arg)
{
    struct peer p[4];
    struct cf_hello h = test_hello(CF_HELLO_APPLICATION, "many");
    (void)arg;
    for (int i = 0; i < 4; i++) {
        do { /* while those before it are being ended */
            int socket;
            r[i] = cf_socket_connect(access_daemon.socket, WAIT_MS * INT64_C(1000000), &socket) == 0
                       ? peer_say(&p[i], socket, &h, sizeof h)
                       : -ENOTCONN;
        } while (r[i] == -EAGAIN);
        memcpy(access_said->text, p[i].welcome.text, sizeof access_said->text);
    }
}

static void limits_of_a_section_hold(void **state)
{
    (void)state;
    LONG r[RESULTS];
    access_start_exchanges(
        "access tight { users = {\"nobody\", \"12345\"}\n own = {\"*\"}\n monitor = {\"*\"}\n handles = "
        "5\n open_lines = 3\n"
        " requests_per_turn = 2\n ring_bytes = 65536\n applications = 2 }\n");
    access_as(&access_nobody, open_until_refused, NULL, r);
    assert_int_equal(r[0], 0);
    assert_int_equal(r[1], 3);
    assert_int_equal(r[2], LINEERR_RESOURCEUNAVAIL);
    daemon_wait_ports(&access_daemon, 2);
    access_as(&access_nobody, make_until_refused, NULL, r);
    assert_int_equal(r[1], 0);
    assert_int_equal(r[2], 5);
    assert_int_equal(r[3], LINEERR_NOMEM);
    assert_int_equal(r[4], 0);
    assert_int_equal(r[6], 0); /* not one handle more */
    daemon_wait_ports(&access_daemon, 2);
    access_as(&access_nobody, keep_attached, NULL, r);
    assert_int_equal(r[0], 0);
    assert_int_equal(r[1], 0);
    assert_int_equal(r[2], -ENOSPC);
    assert_non_null(
        strstr(access_said->text, "all 2 applications that access tight of callfan.conf allows user 65534 are there"));
    daemon_wait_ports(&access_daemon, 2);
    struct peer own[3]; /* root has another section's worth: none */
    for (int i = 0; i < 3; i++)
        peer_attach_application(&own[i], &access_daemon, "root's");
    for (int i = 0; i < 3; i++)
        peer_close(&own[i]);
    daemon_stop(&access_daemon);
}

static void a_ring_is_no_larger_than_the_section_says(void **state)
{
    (void)state;
    LONG unused[RESULTS];
    struct cf_hello h = test_hello(CF_HELLO_APPLICATION, "wishful");
    access_start("ring_bytes_max = 524288\ndown_ring_bytes = 131072\n"
                 "access small { users = {\"nobody\"}\n ring_bytes = 65536 }\naccess middle { users = {\"12345\"}\n "
                 "ring_bytes = 262144 }\n");
    assert_int_equal(access_hello(&access_nobody, CF_HELLO_APPLICATION, "x"), 0);
    assert_int_equal(access_said->slots, 65536 / 64); /* the default is larger */
    assert_int_equal(access_hello(&access_stranger, CF_HELLO_APPLICATION, "x"), 0);
    assert_int_equal(access_said->slots, 131072 / 64);
    h.ring_bytes = UINT32_MAX;
    static const struct {
        const struct identity *who;
        uint64_t bytes;
    } cases[] = {{&access_nobody, 65536}, {&access_stranger, 262144}, {&access_root, 524288}};
    for (size_t i = 0; i < 3; i++) {
        access_as(cases[i].who, access_say, &h, unused);
        assert_int_equal(access_said->result, 0);
        assert_int_equal(access_said->slots, cases[i].bytes / 64);
    }
    daemon_stop(&access_daemon);
}

/* One user's applications take no place from another user of the same section. */
static void applications_are_counted_for_each_user(void **state)
{
    (void)state;
    struct guest g[2];
    access_start("access pair { users = {\"nobody\", \"12345\"}\n applications = 2 }\n");
    for (int i = 0; i < 2; i++)
        guest_invite(&g[i], &access_nobody);
    assert_int_equal(access_hello(&access_nobody, CF_HELLO_APPLICATION, "x"), -ENOSPC);
    assert_int_equal(access_hello(&access_stranger, CF_HELLO_APPLICATION, "x"), 0);
    guest_leaves(&g[0]);
    daemon_wait_ports(&access_daemon, 1);
    assert_int_equal(access_hello(&access_nobody, CF_HELLO_APPLICATION, "x"), 0);
    guest_leaves(&g[1]);
    daemon_stop(&access_daemon);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_monitor_cannot_own_make_or_raise),
        cmocka_unit_test(an_owner_without_monitor_sees_its_own_calls_alone),
        cmocka_unit_test(lines_are_granted_by_provider_and_range),
        cmocka_unit_test(limits_of_a_section_hold),
        cmocka_unit_test(a_ring_is_no_larger_than_the_section_says),
        cmocka_unit_test(applications_are_counted_for_each_user),
    };
    return access_run(tests, sizeof tests / sizeof tests[0]);
}
