/* See provider_rig.h. */
#include "tests/support/provider_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "callfan/tapi.h"

int64_t provider_rig_soon(void)
{
    return cf_clock_ns() + PATIENCE_S * CF_NS_PER_S;
}

struct cf_provider *provider_rig_new(struct provider_core *core, uint32_t calls_max, uint32_t commands_max)
{
    struct cf_provider *p = NULL;
    const struct cf_provider_options options = {.socket_path = core->path,
                                                .name = "test",
                                                .token = "secret",
                                                .calls_max = calls_max,
                                                .commands_max = commands_max,
                                                .ring_bytes = 16384};
    assert_int_equal(cf_provider_new(&p, &options), 0);
    return p;
}

void provider_rig_attach(struct provider_rig *f)
{
    char why[200] = "";
    provider_core_serve(&f->core);
    int rc = cf_provider_attach(f->provider, PATIENCE_S * CF_NS_PER_S, why, sizeof why);
    provider_core_served(&f->core);
    if (rc < 0)
        fail_msg("attach: %s (%s)", why, strerror(-rc));
    assert_true(cf_provider_attached(f->provider));
}

void provider_rig_set_up_sized(struct provider_rig *f, uint32_t calls_max, uint32_t commands_max)
{
    char why[200];
    memset(f, 0, sizeof *f);
    provider_core_init(&f->core, DOWN_SLOTS, UP_SLOTS);
    f->provider = provider_rig_new(&f->core, calls_max, commands_max);
    assert_int_equal(cf_reactor_open(&f->reactor, NULL, why, sizeof why), 0);
    provider_rig_attach(f);
}

void provider_rig_set_up(struct provider_rig *f)
{
    provider_rig_set_up_sized(f, 1000, 16);
}

void provider_rig_tear_down(struct provider_rig *f)
{
    char why[200] = "";
    if (!cf_provider_check(f->provider, why, sizeof why))
        fail_msg("%s", why);
    cf_provider_free(f->provider);
    cf_reactor_close(f->reactor);
    provider_core_fini(&f->core);
}

struct cf_provider_counters provider_rig_counters(const struct provider_rig *f)
{
    struct cf_provider_counters c;
    cf_provider_counters(f->provider, &c);
    return c;
}

struct cf_record *provider_rig_take(struct provider_rig *f)
{
    static struct cf_record r;
    if (!provider_core_take(&f->core, &r, true))
        fail_msg("no event");
    return &r;
}

void provider_rig_no_event(struct provider_rig *f)
{
    struct cf_record r;
    assert_false(provider_core_take(&f->core, &r, true));
}

uint64_t provider_rig_call(struct provider_rig *f)
{
    struct cf_new_call c = {
        .call = cf_provider_call_new(f->provider, NULL), .state = LINECALLSTATE_OFFERING, .time_ns = 1};
    assert_int_not_equal(c.call, 0);
    assert_true(cf_provider_post_new_call(f->provider, &c));
    return c.call;
}

enum cf_posted provider_rig_post(struct provider_rig *f, uint64_t call, uint32_t state, uint32_t mode)
{
    const struct cf_call_state s = {.state = state, .mode = mode, .time_ns = cf_clock_ns()};
    return cf_provider_post_call_state(f->provider, call, &s);
}

unsigned provider_rig_fill(struct provider_rig *f, uint64_t call)
{
    unsigned n = 0;
    while (provider_rig_post(f, call, LINECALLSTATE_ONHOLD, n) == CF_POSTED)
        n++;
    return n;
}
