#define _GNU_SOURCE
#include "tests/support/sim_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/sim/script_words.h"
#include "callfan/tapi.h"
#include "shm/forward.h"

/* ------------------------------------------------------------------ the listener */

static const char *word_of(const struct cf_script_word *table, uint32_t value)
{
    for (; table->name != NULL; table++)
        if (table->value == value)
            return table->name;
    return "?";
}

static void say(struct sim_listener *l, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(struct sim_listener *l, const char *format, ...)
{
    va_list arguments;
    size_t n = strlen(l->said);
    va_start(arguments, format);
    vsnprintf(l->said + n, sizeof l->said - n, format, arguments);
    va_end(arguments);
}

static uint64_t listen_call_new(void *arg)
{
    struct sim_listener *l = arg;
    for (uint32_t i = 0; i < l->calls_max; i++)
        if (l->generation[i] % 2 == 0)
            return cf_handle_make(i, CF_KIND_PROVIDER, ++l->generation[i]);
    return 0;
}

static void listen_call_free(void *arg, uint64_t call)
{
    struct sim_listener *l = arg;
    assert_int_equal(l->generation[cf_handle_index(call)], cf_handle_generation(call));
    l->generation[cf_handle_index(call)]++;
}

static void hear(struct sim_listener *l, uint64_t call, uint32_t state, uint32_t mode, const struct cf_sim_note *note,
                 struct cf_text caller)
{
    assert_true(l->count < SIM_RIG_LOG_MAX);
    assert_int_equal(l->generation[cf_handle_index(call)], cf_handle_generation(call));
    if ((note->flags & CF_JOURNAL_NEW) == 0 && l->serials[cf_handle_index(call)] == note->serial)
        assert_int_not_equal(l->states[cf_handle_index(call)], LINECALLSTATE_IDLE);
    l->serials[cf_handle_index(call)] = note->serial;
    l->states[cf_handle_index(call)] = state;
    struct sim_heard *h = &l->log[l->count++];
    *h = (struct sim_heard){
        .call = call, .serial = note->serial, .line = note->line, .state = state, .mode = mode, .flags = note->flags};
    snprintf(h->caller, sizeof h->caller, "%.*s", (int)caller.bytes, caller.at != NULL ? caller.at : "");
    if (state == LINECALLSTATE_IDLE && l->closes)
        l->to_close[l->to_close_count++] = call;
}

static bool listen_announce(void *arg, const struct cf_new_call *c, const struct cf_sim_note *note)
{
    struct sim_listener *l = arg;
    if (l->refuses || (l->refuses_serial != 0 && l->refuses_serial == note->serial))
        return false;
    const struct cf_sim_note new_note = {note->serial, note->line, note->flags | CF_JOURNAL_NEW};
    assert_int_equal(c->line, note->line);
    l->last_origin = c->origin;
    l->last_reason = c->reason;
    l->last_completion = c->completion_id;
    snprintf(l->last_called, sizeof l->last_called, "%.*s", (int)c->called.bytes, c->called.at != NULL ? c->called.at : "");
    snprintf(l->last_redirecting, sizeof l->last_redirecting, "%.*s", (int)c->redirecting.bytes,
             c->redirecting.at != NULL ? c->redirecting.at : "");
    say(l, " +%llu:%s", (unsigned long long)note->serial, word_of(cf_script_states, c->state));
    hear(l, c->call, c->state, c->mode, &new_note, c->caller);
    return true;
}

static void listen_state(void *arg, uint64_t call, const struct cf_call_state *s, const struct cf_sim_note *note)
{
    struct sim_listener *l = arg;
    say(l, " %llu:%s", (unsigned long long)note->serial, word_of(cf_script_states, s->state));
    if (s->state == LINECALLSTATE_CONFERENCED)
        say(l, "(%llu)", s->parent == 0 ? 0ULL : (unsigned long long)l->serials[cf_handle_index(s->parent)]);
    else
        assert_true(s->parent == 0);
    if (s->parent != 0) /* it must live */
        assert_int_equal(l->generation[cf_handle_index(s->parent)], cf_handle_generation(s->parent));
    hear(l, call, s->state, s->mode, note, (struct cf_text){NULL, 0});
}

static void listen_reply(void *arg, uint64_t number, int32_t result, uint64_t call, uint64_t second)
{
    struct sim_listener *l = arg;
    assert_in_range(number, 77, 79);
    say(l, " =%s", result == 0 ? "ok" : word_of(cf_script_errors, (uint32_t)result));
    l->replies++;
    l->reply_number = number;
    l->reply_at = l->count;
    l->reply_result = result;
    l->reply_call = call;
    l->reply_second = second;
}

/* What it was reads as the reply's result; the digits are told of in test_sim_far_end. */
static void listen_gathered(void *arg, uint64_t number, uint32_t how, uint64_t call, struct cf_text digits)
{
    (void)digits;
    listen_reply(arg, number, (int32_t)how, call, 0);
}

static void listen_reply_text(void *arg, uint64_t number, uint64_t call, uint16_t command, struct cf_text text)
{
    struct sim_listener *l = arg;
    assert_true(command == CF_CMD_PARK || command == CF_CMD_DEV_SPECIFIC);
    listen_reply(arg, number, 0, call, 0);
    say(l, "(%.*s)", (int)text.bytes, text.at);
}

static void listen_reply_completion(void *arg, uint64_t number, uint64_t call, uint32_t id)
{
    struct sim_listener *l = arg;
    listen_reply(arg, number, 0, call, 0);
    say(l, "(%u)", id);
}

static bool listen_info(void *arg, uint64_t call, const struct cf_sim_info *info, int64_t now_ns)
{
    struct sim_listener *l = arg;
    (void)now_ns;
    assert_int_equal(l->generation[cf_handle_index(call)], cf_handle_generation(call));
    if (l->refuses)
        return false;
    say(l, " %llu:%s(%.*s)", (unsigned long long)l->serials[cf_handle_index(call)],
        info->states == LINECALLINFOSTATE_CALLERID   ? "caller"
        : info->states == LINECALLINFOSTATE_CALLDATA ? "data"
                                                     : "treatment",
        (int)info->text.bytes, info->text.at != NULL ? info->text.at : "");
    assert_int_equal(info->states == LINECALLINFOSTATE_TREATMENT, info->treatment != 0);
    return true;
}

static bool listen_forwarding(void *arg, uint32_t line, uint32_t rings, struct cf_text list)
{
    struct sim_listener *l = arg;
    const uint8_t *at = (const uint8_t *)list.at, *end = at + list.bytes;
    struct cf_forward_entry e;
    if (l->refuses)
        return false;
    say(l, " line%u:forward", line);
    int n = snprintf(l->last_forwards, sizeof l->last_forwards, "rings %u", rings);
    while (cf_forward_next(&at, end, &e))
        n += snprintf(l->last_forwards + n, sizeof l->last_forwards - (size_t)n, ", %x to %.*s of %u", e.head.mode,
                      (int)e.head.address_bytes, (const char *)e.address, e.head.country);
    assert_true(at == end);
    assert_true((size_t)n < sizeof l->last_forwards);
    return true;
}

static void listen_dev_specific(void *arg, uint64_t call, uint32_t line, const uint32_t param[3], int64_t now_ns)
{
    struct sim_listener *l = arg;
    (void)now_ns;
    if (call != 0)
        say(l, " %llu:specific(%u,%x,%x)", (unsigned long long)l->serials[cf_handle_index(call)], param[0], param[1],
            param[2]);
    else
        say(l, " line%u:specific(%u,%x,%x)", line, param[0], param[1], param[2]);
}

static void listen_note(void *arg, const struct cf_sim_note *note, uint32_t state, int64_t now_ns)
{
    struct sim_listener *l = arg;
    (void)state;
    (void)now_ns;
    l->notes++;
    l->last_note_flags = note->flags;
}

/* ------------------------------------------------------------------ life */

void sim_rig_set_up(struct sim_rig *f)
{
    memset(f, 0, sizeof *f);
    cf_sim_settings_default(&f->settings);
    f->settings.needs_open = false;
    f->settings.rate = 100;
    f->settings.calls_max = f->listener.calls_max = SIM_RIG_CALLS_MAX;
    f->listener.closes = true;
    f->listener.log = malloc(SIM_RIG_LOG_MAX * sizeof *f->listener.log);
    assert_non_null(f->listener.log);
    f->outlet = (struct cf_sim_outlet){.arg = &f->listener,
                                       .call_new = listen_call_new,
                                       .call_free = listen_call_free,
                                       .announce = listen_announce,
                                       .state = listen_state,
                                       .reply = listen_reply,
                                       .reply_text = listen_reply_text,
                                       .reply_completion = listen_reply_completion,
                                       .info = listen_info,
                                       .forwarding = listen_forwarding,
                                       .dev_specific = listen_dev_specific,
                                       .gathered = listen_gathered,
                                       .note = listen_note};
    f->now_ns = 1000 * CF_NS_PER_S;
}

void sim_rig_start(struct sim_rig *f)
{
    assert_int_equal(cf_sim_model_new(&f->model, &f->settings, &f->outlet, f->now_ns), 0);
}

void sim_rig_check(const struct sim_rig *f)
{
    char why[200] = "";
    if (!cf_sim_model_check(f->model, why, sizeof why))
        fail_msg("%s", why);
}

void sim_rig_tear_down(struct sim_rig *f)
{
    sim_rig_check(f);
    cf_sim_model_free(f->model);
    free(f->listener.log);
    cf_sim_settings_fini(&f->settings);
}

/* ------------------------------------------------------------------ commands and time */

void sim_rig_obey(struct sim_rig *f, struct cf_command command)
{
    command.number = command.number != 0 ? command.number : 77;
    cf_sim_model_command(f->model, &command, f->now_ns);
}

void sim_rig_command(struct sim_rig *f, uint16_t id, uint64_t call, uint32_t line, const char *destination)
{
    sim_rig_obey(f, (struct cf_command){.id = id, .call = call, .line = line, .destination = cf_text_of(destination)});
}

void sim_rig_digits(struct sim_rig *f, uint64_t number, uint64_t call, const char *text, uint32_t digit_ms)
{
    sim_rig_obey(f, (struct cf_command){.id = CF_CMD_GENERATE_DIGITS,
                                        .number = number,
                                        .call = call,
                                        .digits = cf_text_of(text),
                                        .digit_mode = LINEDIGITMODE_DTMF,
                                        .digit_ms = digit_ms});
}

static void close_what_ended(struct sim_rig *f)
{
    for (uint32_t i = 0; i < f->listener.to_close_count; i++)
        sim_rig_command(f, CF_CMD_CLOSE_CALL, f->listener.to_close[i], 0, NULL);
    f->listener.to_close_count = 0;
}

void sim_rig_pass(struct sim_rig *f, int64_t ns, int64_t step_ns, uint32_t limit)
{
    for (int64_t end = f->now_ns + ns; f->now_ns < end;) {
        f->now_ns += step_ns < end - f->now_ns ? step_ns : end - f->now_ns;
        while (cf_sim_model_work(f->model, f->now_ns, limit) == limit)
            ;
        close_what_ended(f);
    }
}

/* ------------------------------------------------------------------ what was heard */

const struct sim_heard *sim_rig_last_of(const struct sim_rig *f, uint64_t call)
{
    for (uint32_t i = f->listener.count; i-- > 0;)
        if (f->listener.log[i].call == call)
            return &f->listener.log[i];
    fail_msg("nothing was heard of the call");
    return NULL;
}

uint32_t sim_rig_count_of(const struct sim_rig *f, uint64_t serial)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < f->listener.count; i++)
        n += f->listener.log[i].serial == serial;
    return n;
}

void sim_rig_said(struct sim_rig *f, const char *expected)
{
    const char *said = f->listener.said;
    sim_rig_check(f);
    assert_string_equal(*said == ' ' ? said + 1 : said, expected);
    f->listener.said[0] = '\0';
}
