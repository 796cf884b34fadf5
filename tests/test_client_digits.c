/* lineGatherDigits in libcallfan: when the application's buffer is written, and that it never is once the handle was given back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/fake_app.h"

#define OWNER LINECALLPRIVILEGE_OWNER
#define FILL  '~'

static LONG gather(HCALL call, char *buffer, DWORD room)
{
    return lineGatherDigits(call, LINEDIGITMODE_DTMF, buffer, room, NULL, 0, 0);
}

/* The number that the n-th request brought. */
static uint64_t number_of(struct fake_app *a, uint32_t n)
{
    return fake_await(a->port, CF_REQ_GATHER_DIGITS, n).param3;
}

static void send_gathered(struct fake_port *port, HCALL call, uint32_t how, uint64_t number, const char *digits,
                          uint32_t open_line)
{
    struct cf_record r = {.m = {.id = LINE_GATHERDIGITS,
                                .device = call,
                                .param1 = how,
                                .param2 = number,
                                .param3 = 9,
                                .open_line = open_line}};
    cf_fields_append_text(&r, CF_FIELD_DIGITS, digits);
    fake_send(port, &r);
}

static void told(struct fake_app *a, HCALL call, DWORD how)
{
    LINEMESSAGE m = fake_app_next(a);
    assert_int_equal(m.dwMessageID, LINE_GATHERDIGITS);
    assert_true(m.hDevice == call);
    assert_int_equal(m.dwParam1, how);
    assert_int_equal(m.dwParam2, 0);
    assert_int_equal(m.dwParam3, 9);
}

static void the_buffer_is_written_as_the_message_is_handed_out(void **state)
{
    struct fake_app *a = *state;
    char one[4], two[4];
    HCALL call = fake_app_announce(a, 0, 1, OWNER);
    memset(one, FILL, sizeof one);
    memset(two, FILL, sizeof two);
    assert_int_equal(gather(call, one, 3), 0);
    assert_int_equal(gather(call, two, 3), 0);
    assert_true(number_of(a, 0) != number_of(a, 1));
    send_gathered(a->port, call, LINEGATHERTERM_CANCEL, number_of(a, 0), "1", 0);
    send_gathered(a->port, call, LINEGATHERTERM_BUFFERFULL, number_of(a, 1), "12345",
                  0);               /* more than there is room for */
    assert_int_equal(two[0], FILL); /* nobody has read it */
    told(a, call, LINEGATHERTERM_CANCEL);
    assert_int_equal(one[0], FILL);
    told(a, call, LINEGATHERTERM_BUFFERFULL);
    assert_memory_equal(two, "123~", 4);
}

/* What no gathering waits for, or another handle's, is nobody's. */
static void messages_that_nobody_waits_for_are_not_handed_out(void **state)
{
    struct fake_app *a = *state;
    char buffer[2] = {FILL, FILL};
    HCALL call = fake_app_announce(a, 0, 1, OWNER), other = fake_app_announce(a, 1, 1, OWNER);
    assert_int_equal(gather(call, buffer, 1), 0);
    uint64_t number = number_of(a, 0);
    send_gathered(a->port, call, LINEGATHERTERM_BUFFERFULL, 0, "1", 0);
    send_gathered(a->port, call, LINEGATHERTERM_BUFFERFULL, number + 1024, "1", 0); /* another life of its place */
    send_gathered(a->port, call, LINEGATHERTERM_BUFFERFULL, UINT64_MAX, "1", 0);
    send_gathered(a->port, other, LINEGATHERTERM_BUFFERFULL, number, "1", 0);
    fake_app_none(a);
    assert_int_equal(buffer[0], FILL);
    send_gathered(a->port, call, LINEGATHERTERM_BUFFERFULL, number, "1", 0); /* it still waits for its own, once */
    told(a, call, LINEGATHERTERM_BUFFERFULL);
    assert_int_equal(buffer[0], '1');
    buffer[0] = FILL;
    send_gathered(a->port, call, LINEGATHERTERM_BUFFERFULL, number, "2", 0);
    fake_app_none(a);
    assert_int_equal(buffer[0], FILL);
}

static bool refuse(struct fake_port *port, const struct cf_record *r, void *arg)
{
    (void)arg;
    if (r->m.id != CF_REQ_GATHER_DIGITS)
        return false;
    fake_answer(port, &r->m, LINEERR_NOTOWNER, NULL, 0);
    return true;
}

static void what_was_refused_leaves_nothing_behind(void **state)
{
    struct fake_app *a = *state;
    char buffer[2] = {FILL, FILL};
    HCALL call = fake_app_announce(a, 0, 1, OWNER);
    fake_on_request(a->core, refuse, NULL);
    for (uint32_t i = 0; i < 3000; i++) /* more than there are places */
        assert_int_equal(gather(call, buffer, 1), LINEERR_NOTOWNER);
    fake_on_request(a->core, NULL, NULL);
    assert_int_equal(gather(call, buffer, 1), 0);
}

static void places_are_limited_and_come_back_with_the_handles(void **state)
{
    struct fake_app *a = *state;
    char buffer[2] = {FILL, FILL};
    HCALL first = fake_app_announce(a, 0, 1, OWNER), second = fake_app_announce(a, 1, 1, OWNER);
    for (uint32_t i = 0; i < CF_REQUESTS_PER_PORT_MAX; i++)
        assert_int_equal(gather(i == 7 ? first : second, buffer, 1), 0);
    assert_int_equal(gather(second, buffer, 1), LINEERR_RESOURCEUNAVAIL);
    assert_int_equal(lineDeallocateCall(first), 0);
    assert_int_equal(gather(second, buffer, 1), 0);
    assert_int_equal(gather(second, buffer, 1), LINEERR_RESOURCEUNAVAIL);
    fake_message(a->port, LINE_CLOSE, a->line, 0, 0, 0, cf_handle_slot(a->line)); /* closed by force */
    assert_int_equal(fake_app_next(a).dwMessageID, LINE_CLOSE);
    assert_int_equal(gather(second, buffer, 1), LINEERR_INVALCALLHANDLE);
    a->line = fake_app_open(a, 1, CF_TAPI_VERSION_2_2, FAKE_INSTANCE);
    HCALL third = fake_app_announce(a, 2, 1, OWNER);
    for (uint32_t i = 0; i < CF_REQUESTS_PER_PORT_MAX; i++)
        assert_int_equal(gather(third, buffer, 1), 0);
}

struct reader {
    struct fake_app *a;
    uint32_t stop, told;
};

static void *read_messages(void *arg)
{
    struct reader *r = arg;
    LINEMESSAGE m;
    while (cf_load_acquire_32(&r->stop) == 0)
        if (lineGetMessage(r->a->app, &m, 1) == 0 && m.dwMessageID == LINE_GATHERDIGITS)
            cf_add_relaxed_32(&r->told, 1);
    return NULL;
}

/* Answers, and tells the end of it at once, from the core's thread. */
static bool gather_at_once(struct fake_port *port, const struct cf_record *r, void *arg)
{
    (void)arg;
    if (r->m.id != CF_REQ_GATHER_DIGITS)
        return false;
    fake_answer(port, &r->m, 0, NULL, 0);
    send_gathered(port, r->m.device, LINEGATHERTERM_BUFFERFULL, r->m.param3, "1234567890", r->m.open_line);
    return true;
}

/* Another thread hands the message out while this one gives the handle back, or its line, and then its buffer (a sanitizer looks). */
static void the_buffer_is_ours_again_when_the_handle_was_given_back(void **state)
{
    struct fake_app *a = *state;
    struct reader r = {.a = a};
    pthread_t thread;
    fake_on_request(a->core, gather_at_once, NULL);
    assert_int_equal(pthread_create(&thread, NULL, read_messages, &r), 0);
    for (uint32_t life = 1; life <= 500; life++) {
        HCALL call = fake_app_call(a, 0, life);
        char *buffer = malloc(10);
        assert_non_null(buffer);
        memset(buffer, FILL, 10);
        fake_new_call(a->port, a->line, call, LINECALLSTATE_CONNECTED, OWNER, "", "");
        LONG error;
        while ((error = gather(call, buffer, 10)) == LINEERR_INVALCALLHANDLE) /* until the reader has it */
            sched_yield();
        assert_int_equal(error, 0);
        if (life % 3 == 0) {
            assert_int_equal(lineClose(a->line), 0);
        } else {
            assert_int_equal(lineDeallocateCall(call), 0);
        }
        char seen = buffer[0];
        assert_true(seen == FILL || memcmp(buffer, "1234567890", 10) == 0); /* all or nothing */
        for (uint32_t i = 0; i < 50; i++)
            assert_int_equal(((volatile char *)buffer)[0], seen);
        free(buffer);
        if (life % 3 == 0)
            a->line = fake_app_open(a, 1, CF_TAPI_VERSION_2_2, FAKE_INSTANCE);
    }
    cf_store_release_32(&r.stop, 1);
    pthread_join(thread, NULL);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fake_app_setup, fake_app_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(the_buffer_is_written_as_the_message_is_handed_out),
        CASE(messages_that_nobody_waits_for_are_not_handed_out),
        CASE(what_was_refused_leaves_nothing_behind),
        CASE(places_are_limited_and_come_back_with_the_handles),
        CASE(the_buffer_is_ours_again_when_the_handle_was_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
