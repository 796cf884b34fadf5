/*
 * The simulator's timer wheel against a plain list.
 */
#include "adapters/sim/wheel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/sim/random.h"

enum { NODES = 500 };

struct timer {
    struct cf_wheel_node node;
    uint64_t wanted; /* CF_WHEEL_NEVER: not set */
    uint64_t order;  /* of setting */
};

struct fixture {
    struct cf_wheel wheel;
    struct timer timers[NODES];
    uint64_t orders;
};

static void set_up(struct fixture *f, uint64_t now)
{
    memset(f, 0, sizeof *f);
    for (int i = 0; i < NODES; i++) {
        cf_wheel_node_init(&f->timers[i].node);
        f->timers[i].wanted = CF_WHEEL_NEVER;
    }
    assert_true(cf_wheel_init(&f->wheel, f->timers, sizeof f->timers[0], now));
}

static void assert_sound(const struct fixture *f)
{
    char why[200] = "";
    if (!cf_wheel_check(&f->wheel, why, sizeof why))
        fail_msg("%s", why);
}

static void set(struct fixture *f, uint32_t i, uint64_t due)
{
    f->timers[i].wanted = due < f->wheel.now ? f->wheel.now : due;
    f->timers[i].order = ++f->orders;
    cf_wheel_set(&f->wheel, i, due);
}

/* Expires everything due now and compares it with the timers' own wishes. Returns how many. */
static unsigned expire_all(struct fixture *f)
{
    unsigned n = 0;
    uint64_t last = 0;
    for (uint32_t i; (i = cf_wheel_expire(&f->wheel)) != CF_WHEEL_NONE; n++) {
        assert_int_equal(f->timers[i].wanted, f->wheel.now);
        assert_true(f->timers[i].order > last); /* first set, first out */
        last = f->timers[i].order;
        f->timers[i].wanted = CF_WHEEL_NEVER;
    }
    for (int i = 0; i < NODES; i++)
        assert_true(f->timers[i].wanted > f->wheel.now); /* none was forgotten */
    return n;
}

static void timers_expire_exactly_when_due(void **state)
{
    (void)state;
    struct fixture f;
    struct cf_random random;
    cf_random_init(&random, 7);
    set_up(&f, 1000000);
    for (int round = 0; round < 20000; round++) {
        uint32_t i = cf_random_below(&random, NODES);
        if (cf_random_below(&random, 4) == 0) {
            cf_wheel_cancel(&f.wheel, i);
            f.timers[i].wanted = CF_WHEEL_NEVER;
        } else {
            /* Near, far, and some rounds of the wheel away. */
            static const uint32_t reach[] = {4, 300, 3 * CF_WHEEL_SLOTS};
            set(&f, i, f.wheel.now + cf_random_below(&random, reach[cf_random_below(&random, 3)]));
        }
        expire_all(&f);
        cf_wheel_advance(&f.wheel);
    }
    assert_sound(&f);
    cf_wheel_fini(&f.wheel);
}

/* Skipping from one filled slot to the next finds the same timers at the same ticks as looking at every tick. */
static void skipping_misses_nothing(void **state)
{
    (void)state;
    struct fixture f;
    struct cf_random random;
    cf_random_init(&random, 11);
    set_up(&f, 5);
    uint64_t end = 5 + 5 * (uint64_t)CF_WHEEL_SLOTS;
    for (uint32_t i = 0; i < NODES; i++)
        set(&f, i, 5 + cf_random_next(&random) % (end - 5));
    unsigned expired = 0, looks = 0;
    while (f.wheel.now < end) {
        expired += expire_all(&f);
        looks++;
        uint64_t next = cf_wheel_next(&f.wheel, end);
        assert_true(next >= f.wheel.now && next <= end);
        for (uint32_t i = 0; i < NODES; i++)
            assert_true(f.timers[i].wanted >= next);
        if (next > f.wheel.now)
            cf_wheel_skip(&f.wheel, next);
        else
            cf_wheel_advance(&f.wheel);
    }
    assert_int_equal(expired, NODES);
    assert_true(looks < 6 * NODES); /* or nothing was skipped */
    assert_int_equal(cf_wheel_next(&f.wheel, CF_WHEEL_NEVER), CF_WHEEL_NEVER);
    cf_wheel_fini(&f.wheel);
}

static void a_timer_set_while_its_tick_expires_still_comes(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, 0);
    set(&f, 1, 0);
    set(&f, 2, CF_WHEEL_SLOTS); /* the same slot, one round later */
    assert_int_equal(cf_wheel_expire(&f.wheel), 1);
    assert_int_equal(cf_wheel_expire(&f.wheel), CF_WHEEL_NONE);
    assert_int_equal(cf_wheel_next(&f.wheel, 1000),
                     1000); /* what stands in the slot of now was seen: no reason to stay */
    cf_wheel_set(&f.wheel, 3, 0);
    assert_int_equal(cf_wheel_next(&f.wheel, 1000), 0);
    assert_int_equal(cf_wheel_expire(&f.wheel), 3);
    cf_wheel_set(&f.wheel, 4, 0);
    cf_wheel_set(&f.wheel, 5, 0);
    cf_wheel_cancel(&f.wheel, 4); /* the next one to look at */
    assert_int_equal(cf_wheel_expire(&f.wheel), 5);
    assert_int_equal(cf_wheel_expire(&f.wheel), CF_WHEEL_NONE);
    assert_int_equal(f.wheel.entries, 1);
    assert_sound(&f);
    cf_wheel_fini(&f.wheel);
}

static void the_check_sees_damage(void **state)
{
    (void)state;
    struct fixture f;
    char why[200];
    set_up(&f, 0);
    for (uint32_t i = 0; i < 10; i++)
        set(&f, i, 3);
    assert_sound(&f);
    f.timers[4].node.previous = 7;
    assert_false(cf_wheel_check(&f.wheel, why, sizeof why));
    f.timers[4].node.previous = 3;
    assert_sound(&f);
    f.timers[4].node.due = 4;
    assert_false(cf_wheel_check(&f.wheel, why, sizeof why));
    f.timers[4].node.due = 3;
    f.wheel.entries++;
    assert_false(cf_wheel_check(&f.wheel, why, sizeof why));
    f.wheel.entries--;
    f.wheel.filled[0] = 0;
    assert_false(cf_wheel_check(&f.wheel, why, sizeof why));
    cf_wheel_fini(&f.wheel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_expire_exactly_when_due),
        cmocka_unit_test(skipping_misses_nothing),
        cmocka_unit_test(a_timer_set_while_its_tick_expires_still_comes),
        cmocka_unit_test(the_check_sees_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
