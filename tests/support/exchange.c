#include "tests/support/exchange.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/provider/clock.h"

enum { PATIENCE_S = 30 };

static void announce_line(struct exchange *x, uint32_t line)
{
    char name[32], address[32];
    snprintf(name, sizeof name, "test line %u", line);
    snprintf(address, sizeof address, "55%u", line);
    const struct cf_line_info info = {
        .line = line,
        .name = name,
        .address = address,
        .info = "exchange of the tests",
        .caps = {.permanent_id = 1000 + line,
                 .line_features = LINEFEATURE_MAKECALL,
                 .call_features = LINECALLFEATURE_ACCEPT | LINECALLFEATURE_ANSWER | LINECALLFEATURE_DROP |
                                  LINECALLFEATURE_HOLD | LINECALLFEATURE_UNHOLD | LINECALLFEATURE_GENERATEDIGITS |
                                  LINECALLFEATURE_SETCALLPARAMS,
                 .bearer_modes = LINEBEARERMODE_VOICE | LINEBEARERMODE_SPEECH,
                 .call_states = LINECALLSTATE_OFFERING | LINECALLSTATE_CONNECTED | LINECALLSTATE_IDLE,
                 .calls_max = 1000},
    };
    assert_true(cf_provider_post_line(x->provider, &info));
}

void exchange_attach(struct exchange *x, uint32_t lines)
{
    char why[200] = "";
    *x = (struct exchange){.lines = lines};
    const struct cf_provider_options options = {
        .socket_path = getenv("CALLFAN_SOCKET"), .name = "test", .calls_max = 65536};
    assert_int_equal(cf_provider_new(&x->provider, &options), 0);
    if (cf_reactor_open(&x->reactor, NULL, why, sizeof why) != 0)
        fail_msg("%s", why);
    if (cf_provider_attach(x->provider, PATIENCE_S * CF_NS_PER_S, why, sizeof why) != 0)
        fail_msg("%s", why);
    assert_true(cf_provider_snapshot_begin(x->provider));
    for (uint32_t line = 0; line < lines; line++)
        announce_line(x, line);
    assert_true(cf_provider_snapshot_end(x->provider));
    cf_provider_flush(x->provider);
}

void exchange_detach(struct exchange *x)
{
    cf_provider_free(x->provider);
    cf_reactor_close(x->reactor);
    *x = (struct exchange){0};
}

uint64_t exchange_call(struct exchange *x, uint32_t line, uint32_t state, const char *caller, const char *called)
{
    const struct cf_new_call c = {.call = cf_provider_call_new(x->provider, x),
                                  .line = line,
                                  .state = state,
                                  .origin = LINECALLORIGIN_EXTERNAL,
                                  .reason = LINECALLREASON_DIRECT,
                                  .time_ns = cf_clock_ns(),
                                  .caller = cf_text_of(caller),
                                  .called = cf_text_of(called)};
    assert_true(c.call != 0);
    assert_true(cf_provider_post_new_call(x->provider, &c));
    cf_provider_flush(x->provider);
    return c.call;
}

void exchange_state(struct exchange *x, uint64_t call, uint32_t state, uint32_t mode)
{
    const struct cf_call_state s = {.state = state, .mode = mode, .time_ns = cf_clock_ns()};
    assert_int_equal(cf_provider_post_call_state(x->provider, call, &s), CF_POSTED);
    cf_provider_flush(x->provider);
}

void exchange_end(struct exchange *x, uint64_t call)
{
    exchange_state(x, call, LINECALLSTATE_DISCONNECTED, LINEDISCONNECTMODE_NORMAL);
    exchange_state(x, call, LINECALLSTATE_IDLE, 0);
}

void exchange_line_close(struct exchange *x, uint32_t line)
{
    assert_true(cf_provider_post_line_close(x->provider, line));
    cf_provider_flush(x->provider);
}

void exchange_line_remove(struct exchange *x, uint32_t line)
{
    assert_true(cf_provider_post_line_remove(x->provider, line));
    cf_provider_flush(x->provider);
}

uint32_t exchange_mark(struct exchange *x, uint32_t line)
{
    x->marker++;
    assert_true(cf_provider_post_line_state(x->provider, line, LINEDEVSTATE_OTHER, x->marker));
    cf_provider_flush(x->provider);
    return x->marker;
}

/* A command that nobody waits for yet; the oldest of too many is forgotten. */
static void keep(struct exchange *x, const struct cf_command *c)
{
    if (x->waiting.count == sizeof x->waiting.kept / sizeof *x->waiting.kept) {
        x->waiting.count--;
        memmove(x->waiting.kept, x->waiting.kept + 1, x->waiting.count * sizeof *x->waiting.kept);
    }
    x->waiting.kept[x->waiting.count++] = *c;
}

/* After these the identifier may be used again. */
static void ended(struct exchange *x, const struct cf_command *c)
{
    if (c->id == CF_CMD_CLOSE_CALL || c->id == CF_CMD_REFUSED)
        cf_provider_call_free(x->provider, c->call);
}

static bool fits(const struct cf_command *c, uint16_t id, uint64_t call)
{
    return c->id == id && (call == 0 || c->call == call);
}

static bool take(struct exchange *x, uint16_t id, uint64_t call, struct cf_command *ret_command)
{
    for (unsigned i = 0; i < x->waiting.count; i++) {
        const struct cf_command *k = &x->waiting.kept[i];
        if (!fits(k, id, call))
            continue;
        *ret_command = *k;
        x->waiting.count--;
        memmove(x->waiting.kept + i, x->waiting.kept + i + 1, (x->waiting.count - i) * sizeof *k);
        return true;
    }
    while (cf_provider_next_command(x->provider, ret_command)) {
        ended(x, ret_command);
        if (fits(ret_command, id, call))
            return true;
        keep(x, ret_command);
    }
    return false;
}

struct cf_command exchange_command_of(struct exchange *x, uint16_t id, uint64_t call)
{
    struct cf_command c;
    int64_t end_ns = cf_clock_ns() + PATIENCE_S * CF_NS_PER_S;
    while (!take(x, id, call, &c)) {
        if (cf_clock_ns() > end_ns)
            fail_msg("no command 0x%x came", id);
        assert_true(cf_provider_turn(x->provider, x->reactor, end_ns) >= 0);
        assert_true(cf_provider_attached(x->provider));
    }
    return c;
}

struct cf_command exchange_command(struct exchange *x, uint16_t id)
{
    return exchange_command_of(x, id, 0);
}

bool exchange_has(struct exchange *x, uint16_t id, uint64_t call)
{
    struct cf_command c;
    if (!take(x, id, call, &c))
        return false;
    keep(x, &c);
    return true;
}

void exchange_reply(struct exchange *x, const struct cf_command *c, int32_t result, uint64_t call)
{
    cf_provider_reply(x->provider, c->number, result, call);
    cf_provider_flush(x->provider);
}
