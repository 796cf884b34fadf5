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

/* The last line can do what any line can. */
static const struct cf_line_caps plain_caps = {
    .line_features = LINEFEATURE_MAKECALL,
    .call_features = LINECALLFEATURE_ACCEPT | LINECALLFEATURE_ANSWER | LINECALLFEATURE_DROP,
    .calls_max = 1000,
};

static const struct cf_feature_caps services = {
    .address_features = LINEADDRFEATURE_FORWARD | LINEADDRFEATURE_PICKUP | LINEADDRFEATURE_UNPARK | LINEADDRFEATURE_UNCOMPLETECALL,
    .park_modes = LINEPARKMODE_DIRECTED | LINEPARKMODE_NONDIRECTED,
    .forward_modes = LINEFORWARDMODE_UNCOND | LINEFORWARDMODE_BUSY | LINEFORWARDMODE_NOANSW | LINEFORWARDMODE_UNCONDSPECIFIC,
    .forward_entries_max = 3,
    .forward_specific_max = 1,
    .forward_rings_min = 2,
    .forward_rings_max = 9,
    .completions_max = 5,
    .completion_modes = LINECALLCOMPLMODE_CAMPON | LINECALLCOMPLMODE_CALLBACK | LINECALLCOMPLMODE_MESSAGE,
    .completion_conditions = LINECALLCOMPLCOND_BUSY | LINECALLCOMPLCOND_NOANSWER,
    .completion_messages = 2,
    .call_treatments = 1u << LINECALLTREATMENT_SILENCE | 1u << LINECALLTREATMENT_MUSIC,
};

void exchange_addresses(struct exchange *x, uint32_t line, uint32_t addresses)
{
    char name[32], address[32];
    snprintf(name, sizeof name, "test line %u", line);
    snprintf(address, sizeof address, "55%u", line);
    struct cf_line_info info = {
        .line = line,
        .name = name,
        .address = address,
        .info = "exchange of the tests",
        .caps = {.permanent_id = 1000 + line,
                 .addresses = addresses,
                 .line_features = LINEFEATURE_MAKECALL | LINEFEATURE_FORWARD | LINEFEATURE_DEVSPECIFIC,
                 .dev_cap_flags = line == 1 ? LINEDEVCAPFLAGS_DIALBILLING | LINEDEVCAPFLAGS_DIALQUIET | LINEDEVCAPFLAGS_DIALDIALTONE : 0,
                 .more = services,
                 .call_features = LINECALLFEATURE_ACCEPT | LINECALLFEATURE_ANSWER | LINECALLFEATURE_DROP |
                                  LINECALLFEATURE_HOLD | LINECALLFEATURE_UNHOLD | LINECALLFEATURE_GENERATEDIGITS |
                                  LINECALLFEATURE_SETCALLPARAMS | LINECALLFEATURE_SWAPHOLD |
                                  LINECALLFEATURE_SETUPTRANSFER | LINECALLFEATURE_COMPLETETRANSF |
                                  LINECALLFEATURE_BLINDTRANSFER | LINECALLFEATURE_SETUPCONF |
                                  LINECALLFEATURE_PREPAREADDCONF | LINECALLFEATURE_ADDTOCONF |
                                  LINECALLFEATURE_REMOVEFROMCONF | LINECALLFEATURE_MONITORDIGITS |
                                  LINECALLFEATURE_MONITORMEDIA | LINECALLFEATURE_MONITORTONES |
                                  LINECALLFEATURE_GATHERDIGITS | LINECALLFEATURE_GENERATETONE |
                                  LINECALLFEATURE_DIAL | LINECALLFEATURE_REDIRECT |
                                  LINECALLFEATURE_SECURECALL | LINECALLFEATURE_SENDUSERUSER |
                                  LINECALLFEATURE_RELEASEUSERUSERINFO | LINECALLFEATURE_SETCALLDATA |
                                  LINECALLFEATURE_SETTREATMENT | LINECALLFEATURE_PARK | LINECALLFEATURE_COMPLETECALL,
                 .monitor_digit_modes = LINEDIGITMODE_DTMF | LINEDIGITMODE_DTMFEND,
                 .gather_timeout_min_ms = 100,
                 .gather_timeout_max_ms = 60000,
                 .generate_tone_modes = LINETONEMODE_CUSTOM | LINETONEMODE_BUSY | LINETONEMODE_BEEP,
                 .generate_tone_freqs = 2,
                 .monitor_tone_freqs = 2,
                 .monitor_tone_entries = 3,
                 .addr_cap_flags = LINEADDRCAPFLAGS_SETUPCONFNULL | LINEADDRCAPFLAGS_PARTIALDIAL |
                                   (line == 0 ? LINEADDRCAPFLAGS_PICKUPGROUPID | LINEADDRCAPFLAGS_FWDCONSULT : 0),
                 .transfer_modes = LINETRANSFERMODE_TRANSFER | LINETRANSFERMODE_CONFERENCE,
                 .conference_max = 8,
                 .remove_from_conf_caps = LINEREMOVEFROMCONF_ANY,
                 .remove_from_conf_state = LINECALLSTATE_CONNECTED,
                 .bearer_modes = LINEBEARERMODE_VOICE | LINEBEARERMODE_SPEECH,
                 .call_states = LINECALLSTATE_OFFERING | LINECALLSTATE_CONNECTED | LINECALLSTATE_IDLE,
                 .calls_max = 1000},
    };
    if (line == EXCHANGE_PLAIN_LINE) {
        info.caps = plain_caps;
        info.caps.permanent_id = 1000 + line;
        info.caps.addresses = addresses;
    }
    assert_true(cf_provider_post_line(x->provider, &info));
    cf_provider_flush(x->provider);
}

void exchange_address_state(struct exchange *x, uint32_t line, uint32_t address, uint32_t address_states)
{
    assert_true(cf_provider_post_address_state(x->provider, line, address, address_states));
    cf_provider_flush(x->provider);
}

void exchange_forwarding(struct exchange *x, uint32_t line, uint32_t address, uint32_t rings, struct cf_text list)
{
    assert_true(cf_provider_post_forwarding(x->provider, line, address, rings, list));
    cf_provider_flush(x->provider);
}

void exchange_attach(struct exchange *x, uint32_t lines)
{
    exchange_attach_small(x, lines, 0);
}

void exchange_attach_small(struct exchange *x, uint32_t lines, uint32_t commands_max)
{
    char why[200] = "";
    *x = (struct exchange){.lines = lines};
    const struct cf_provider_options options = {
        .socket_path = getenv("CALLFAN_SOCKET"), .name = "test", .calls_max = 65536, .commands_max = commands_max};
    assert_int_equal(cf_provider_new(&x->provider, &options), 0);
    if (cf_reactor_open(&x->reactor, NULL, why, sizeof why) != 0)
        fail_msg("%s", why);
    if (cf_provider_attach(x->provider, PATIENCE_S * CF_NS_PER_S, why, sizeof why) != 0)
        fail_msg("%s", why);
    assert_true(cf_provider_snapshot_begin(x->provider));
    for (uint32_t line = 0; line < lines; line++)
        exchange_addresses(x, line, 1);
    assert_true(cf_provider_snapshot_end(x->provider));
    cf_provider_flush(x->provider);
}

void exchange_detach(struct exchange *x)
{
    cf_provider_free(x->provider);
    cf_reactor_close(x->reactor);
    *x = (struct exchange){0};
}

static uint64_t announce_call(struct exchange *x, struct cf_new_call c)
{
    c.call = cf_provider_call_new(x->provider, x);
    c.origin = LINECALLORIGIN_EXTERNAL;
    c.reason = LINECALLREASON_DIRECT;
    c.time_ns = cf_clock_ns();
    assert_true(c.call != 0);
    assert_true(cf_provider_post_new_call(x->provider, &c));
    cf_provider_flush(x->provider);
    return c.call;
}

uint64_t exchange_call(struct exchange *x, uint32_t line, uint32_t state, const char *caller, const char *called)
{
    return announce_call(x, (struct cf_new_call){.line = line, .state = state, .caller = cf_text_of(caller),
                                                 .called = cf_text_of(called)});
}

uint64_t exchange_call_media(struct exchange *x, uint32_t line, uint32_t address, uint32_t state, uint32_t media_modes)
{
    return announce_call(x, (struct cf_new_call){.line = line, .address = address, .state = state, .media_modes = media_modes});
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

static struct cf_text text_of(const struct cf_record *r, const struct cf_text *text, uint16_t tag)
{
    struct cf_field f;
    return text->at != NULL && cf_fields_find(r, tag, &f) ? (struct cf_text){(const char *)f.data, f.bytes}
                                                          : (struct cf_text){NULL, 0};
}

/* A command's texts point into its record: here into that of the copy that the exchange keeps until the next command. */
static struct cf_command lasting(struct exchange *x, const struct cf_command *c)
{
    struct cf_command *last = &x->last;
    *last = *c;
    last->destination = text_of(&last->record, &c->destination, CF_FIELD_DESTINATION);
    last->user_user = text_of(&last->record, &c->user_user, CF_FIELD_USER_USER);
    last->digits = text_of(&last->record, &c->digits, CF_FIELD_DIGITS);
    last->termination = text_of(&last->record, &c->termination, CF_FIELD_TERMINATION_DIGITS);
    last->tones = text_of(&last->record, &c->tones, CF_FIELD_TONES);
    last->target = text_of(&last->record, &c->target, CF_FIELD_TARGET);
    last->group = text_of(&last->record, &c->group, CF_FIELD_GROUP);
    last->forward_list = text_of(&last->record, &c->forward_list, CF_FIELD_FORWARD_LIST);
    last->call_data = text_of(&last->record, &c->call_data, CF_FIELD_CALL_DATA);
    last->dev_specific = text_of(&last->record, &c->dev_specific, CF_FIELD_DEV_SPECIFIC);
    last->orig_address = text_of(&last->record, &c->orig_address, CF_FIELD_ADDRESS);
    return *last;
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
    return lasting(x, &c);
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

void exchange_reply_text(struct exchange *x, const struct cf_command *c, const char *text)
{
    cf_provider_reply_text(x->provider, c->number, c->call, c->id, cf_text_of(text));
    cf_provider_flush(x->provider);
}

void exchange_info(struct exchange *x, uint64_t call, uint32_t bits, uint16_t tag, const void *data, uint32_t bytes)
{
    struct cf_record r = {.payload_bytes = 0};
    assert_true(cf_fields_append(&r, tag, data, bytes));
    assert_true(cf_provider_post_call_info(x->provider, call, bits, cf_clock_ns(), &r));
    cf_provider_flush(x->provider);
}

bool exchange_text_is(struct cf_text text, const char *string)
{
    return text.bytes == strlen(string) && memcmp(text.at, string, text.bytes) == 0;
}

void exchange_reply_two(struct exchange *x, const struct cf_command *c, uint64_t first, uint64_t second)
{
    cf_provider_reply_two(x->provider, c->number, 0, first, second);
    cf_provider_flush(x->provider);
}

void exchange_gathered(struct exchange *x, const struct cf_command *c, uint32_t how, const char *digits)
{
    cf_provider_reply_gathered(x->provider, c->number, how, c->call, cf_text_of(digits));
    cf_provider_flush(x->provider);
}

void exchange_hears(struct exchange *x, uint64_t call, uint16_t event, uint32_t what, uint32_t detail)
{
    const struct cf_heard h = {.event = event, .what = what, .detail = detail, .time_ns = cf_clock_ns()};
    assert_true(cf_provider_post_heard(x->provider, call, &h));
    cf_provider_flush(x->provider);
}

void exchange_conferenced(struct exchange *x, uint64_t call, uint64_t parent)
{
    const struct cf_call_state s = {.state = LINECALLSTATE_CONFERENCED, .parent = parent, .time_ns = cf_clock_ns()};
    assert_int_equal(cf_provider_post_call_state(x->provider, call, &s), CF_POSTED);
    cf_provider_flush(x->provider);
}

void exchange_reply(struct exchange *x, const struct cf_command *c, int32_t result, uint64_t call)
{
    cf_provider_reply(x->provider, c->number, result, call);
    cf_provider_flush(x->provider);
}
