/*
 * Digests: what two bytes tell of a call's states, the simulator's file of them, and a monitor's view held against it.
 */
#include "adapters/sim/digests.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "apps/callfan/digests.h"
#include "shm/handle.h"

/* The 12 messages of an exact profile. */
static const uint32_t states[][2] = {
    {LINECALLSTATE_OFFERING, 0}, {LINECALLSTATE_ACCEPTED, 0},  {LINECALLSTATE_CONNECTED, 0}, {LINECALLSTATE_ONHOLD, 0},
    {LINECALLSTATE_CONNECTED, 0}, {LINECALLSTATE_ONHOLD, 0},   {LINECALLSTATE_CONNECTED, 0}, {LINECALLSTATE_ONHOLD, 0},
    {LINECALLSTATE_CONNECTED, 0}, {LINECALLSTATE_DISCONNECTED, LINEDISCONNECTMODE_NORMAL}, {LINECALLSTATE_IDLE, 0},
};
enum { STATES = sizeof states / sizeof states[0], CALLS = 10, FIRST = 1000 };

/* Of the profile without state `without` (STATES: with all), `twice` told twice, and `other` told as PROCEEDING. */
static uint16_t digest_but(unsigned without, unsigned twice, unsigned other)
{
    uint16_t d = 0;
    for (unsigned i = 0; i < STATES; i++)
        for (unsigned n = i == without ? 0 : i == twice ? 2 : 1; n > 0; n--)
            d = cf_sim_digest_add(d, i == other ? LINECALLSTATE_PROCEEDING : states[i][0], states[i][1]);
    return d;
}

static void one_state_too_few_too_many_or_in_place_of_another_shows(void **state)
{
    (void)state;
    uint16_t whole = digest_but(STATES, STATES, STATES);
    assert_int_equal(cf_sim_digest_states(whole), STATES);
    for (unsigned i = 0; i < STATES; i++) {
        assert_int_not_equal(digest_but(i, STATES, STATES), whole);
        assert_int_not_equal(digest_but(STATES, i, STATES), whole);
        assert_int_not_equal(digest_but(STATES, STATES, i), whole);
        assert_int_equal(cf_sim_digest_states(digest_but(i, STATES, STATES)), STATES - 1);
    }
}

static void any_two_states_differ(void **state)
{
    (void)state;
    for (uint32_t a = 1; a <= LINECALLSTATE_UNKNOWN; a <<= 1)
        for (uint32_t b = a << 1; b <= LINECALLSTATE_UNKNOWN; b <<= 1)
            assert_int_not_equal(cf_sim_digest_add(0x1234, a, 0), cf_sim_digest_add(0x1234, b, 0));
    for (uint32_t mode = 1; mode <= LINEDISCONNECTMODE_BLOCKED; mode <<= 1)
        assert_int_not_equal(cf_sim_digest_add(0x1234, LINECALLSTATE_DISCONNECTED, mode),
                             cf_sim_digest_add(0x1234, LINECALLSTATE_DISCONNECTED, mode << 1));
}

static void mode_zero_is_active(void **state)
{
    (void)state;
    assert_int_equal(cf_sim_digest_add(0, LINECALLSTATE_CONNECTED, 0),
                     cf_sim_digest_add(0, LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_ACTIVE));
    assert_int_not_equal(cf_sim_digest_add(0, LINECALLSTATE_CONNECTED, 0),
                         cf_sim_digest_add(0, LINECALLSTATE_CONNECTED, LINECONNECTEDMODE_INACTIVE));
}

/* ------------------------------------------------------------------ the file and a view */

static char path[64];

static struct cf_sim_digests *new_file(void)
{
    struct cf_sim_digests *d = NULL;
    snprintf(path, sizeof path, "/tmp/callfan-digests.%d", (int)getpid());
    assert_int_equal(cf_sim_digests_open(&d, path, FIRST, CALLS), 0);
    return d;
}

static void tell(struct cf_sim_digests *d, uint64_t serial, unsigned state, uint32_t flags)
{
    const struct cf_sim_journal_entry e = {.serial = serial, .state = states[state][0], .mode = states[state][1], .flags = flags};
    if (state == 0)
        cf_sim_digests_begin(d, serial, (int64_t)serial);
    cf_sim_digests_note(d, &e);
}

static HCALL handle(uint64_t serial)
{
    return cf_handle_of_usage(1, (uint32_t)(serial % 64), CF_KIND_CALL, 1);
}

static void told(struct cf_digests *v, uint64_t serial, unsigned state)
{
    if (state == 0)
        assert_true(cf_digests_announce(v, handle(serial), serial));
    assert_int_equal(cf_digests_state(v, handle(serial), states[state][0], states[state][1]),
                     state == 0 ? CF_DIGEST_FIRST : CF_DIGEST_LATER);
}

static void what_was_told_alike_is_the_same(void **state)
{
    (void)state;
    struct cf_sim_digests *d = new_file();
    struct cf_digests v = {0};
    struct cf_compare_result r;
    assert_true(cf_digests_open(&v, path));
    cf_digests_ready(&v);
    for (uint64_t serial = FIRST; serial < FIRST + CALLS; serial++)
        for (unsigned i = 0; i < STATES; i++) {
            tell(d, serial, i, i == 0 ? CF_JOURNAL_NEW : 0);
            told(&v, serial, i);
        }
    cf_digests_compare(&v, NULL, &r);
    assert_int_equal(r.same, CALLS);
    assert_int_equal(r.unseen + r.early + r.lost + r.different + r.unknown, 0);
    assert_int_equal(cf_digests_waited(&v), 0);
    cf_digests_close(&v);
    cf_sim_digests_close(d);
    unlink(path);
}

static void each_way_to_differ_is_counted(void **state)
{
    (void)state;
    struct cf_sim_digests *d = new_file();
    struct cf_digests v = {0};
    struct cf_compare_result r;
    assert_true(cf_digests_open(&v, path));
    tell(d, FIRST, 0, CF_JOURNAL_NEW); /* before it was ready */
    cf_digests_ready(&v);
    tell(d, FIRST + 1, 0, CF_JOURNAL_NEW); /* never seen */
    tell(d, FIRST + 2, 0, CF_JOURNAL_NEW); /* one state seen of two */
    tell(d, FIRST + 2, 1, 0);
    told(&v, FIRST + 2, 0);
    tell(d, FIRST + 3, 0, CF_JOURNAL_NEW); /* another state seen */
    tell(d, FIRST + 3, 1, 0);
    told(&v, FIRST + 3, 0);
    told(&v, FIRST + 3, 2);
    told(&v, FIRST + 4, 0); /* never sent */
    tell(d, FIRST + 5, 0, CF_JOURNAL_NEW); /* refused, and so not seen */
    tell(d, FIRST + 5, 0, CF_JOURNAL_REFUSED);
    tell(d, FIRST + 6, 0, CF_JOURNAL_NEW | CF_JOURNAL_UNSENT);
    tell(d, FIRST + 7, 0, CF_JOURNAL_NEW | CF_JOURNAL_WAITED);
    told(&v, FIRST + 7, 0);
    assert_false(cf_digests_announce(&v, handle(FIRST + CALLS), FIRST + CALLS)); /* beyond the room */
    assert_false(cf_digests_announce(&v, handle(50), 0));                        /* without a number */
    cf_digests_compare(&v, NULL, &r);
    assert_int_equal(r.early, 1);
    assert_int_equal(r.unseen, 1);
    assert_int_equal(r.lost, 1);
    assert_int_equal(r.different, 1);
    assert_int_equal(r.unknown, 3);
    assert_int_equal(r.same, 1);
    assert_int_equal(cf_digests_waited(&v), 1);
    cf_digests_close(&v);
    cf_sim_digests_close(d);
    unlink(path);
}

static void a_second_end_or_announcement_shows(void **state)
{
    (void)state;
    struct cf_sim_digests *d = new_file();
    struct cf_digests v = {0};
    assert_true(cf_digests_open(&v, path));
    for (unsigned i = 0; i < STATES; i++)
        told(&v, FIRST, i);
    assert_int_equal(cf_digests_state(&v, handle(FIRST), LINECALLSTATE_IDLE, 0), CF_DIGEST_AFTER_IDLE);
    assert_false(cf_digests_announce(&v, handle(FIRST + 1), FIRST));
    assert_int_equal(v.twice_count, 1);
    cf_digests_give_back(&v, handle(FIRST));
    assert_int_equal(cf_digests_state(&v, handle(FIRST), LINECALLSTATE_IDLE, 0), CF_DIGEST_UNKNOWN);
    assert_false(cf_digests_announce(&v, handle(FIRST), FIRST));
    cf_digests_close(&v);
    cf_sim_digests_close(d);
    unlink(path);
}

static void a_file_that_is_none_is_refused(void **state)
{
    (void)state;
    struct cf_sim_digests *d = new_file();
    struct cf_digests v = {0};
    cf_sim_digests_close(d);
    assert_int_equal(truncate(path, sizeof(struct cf_sim_digests_header) + CALLS), 0); /* half of it */
    assert_false(cf_digests_open(&v, path));
    assert_int_equal(truncate(path, 10), 0);
    assert_false(cf_digests_open(&v, path));
    assert_int_equal(truncate(path, 4096), 0);
    int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, "CSIMJNL1", 8, 0), 8); /* a journal */
    close(fd);
    assert_false(cf_digests_open(&v, path));
    unlink(path);
    assert_false(cf_digests_open(&v, path));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_state_too_few_too_many_or_in_place_of_another_shows),
        cmocka_unit_test(any_two_states_differ),
        cmocka_unit_test(mode_zero_is_active),
        cmocka_unit_test(what_was_told_alike_is_the_same),
        cmocka_unit_test(each_way_to_differ_is_counted),
        cmocka_unit_test(a_second_end_or_announcement_shows),
        cmocka_unit_test(a_file_that_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
