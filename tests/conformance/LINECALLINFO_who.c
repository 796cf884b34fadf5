/*
 * LINECALLINFO's parties: caller, called, connected, redirecting and redirection, each with number, name and LINECALLPARTYID_ flags; from the
 * announcement and from LINE_CALLINFO, where what is not said stays as it was.
 */
#include "tests/support/conformance.h"

#include <stdio.h>

enum { BUFFER = 4096 };

struct info {
    LINECALLINFO head;
    uint8_t rest[BUFFER];
};

static struct info *info_of(HCALL call)
{
    static struct info i;
    memset(&i, 0, sizeof i);
    i.head.dwTotalSize = sizeof i;
    assert_error(lineGetCallInfo(call, &i.head), 0);
    assert_int_equal(i.head.dwNeededSize, i.head.dwUsedSize);
    return &i;
}

static void assert_part(const struct info *i, DWORD size, DWORD offset, const char *text)
{
    if (text == NULL) {
        assert_int_equal(size, 0);
        assert_int_equal(offset, 0);
        return;
    }
    assert_int_equal(size, strlen(text) + 1);
    assert_string_equal((const char *)i + offset, text);
}

struct party {
    const char *address, *name;
    DWORD flags;
};

/* In the order of the structure: caller, called, connected, redirection, redirecting. */
static void assert_who(HCALL call, const struct party who[5])
{
    const struct info *i = info_of(call);
    const DWORD *member = &i->head.dwCallerIDFlags;
    for (int n = 0; n < 5; n++, member += 5) {
        if (member[0] != who[n].flags)
            fail_msg("party %d has flags 0x%x, not 0x%x", n, member[0], who[n].flags);
        assert_part(i, member[1], member[2], who[n].address);
        assert_part(i, member[3], member[4], who[n].name);
    }
}

#define ADDRESS LINECALLPARTYID_ADDRESS
#define NAME    LINECALLPARTYID_NAME
#define UNKNOWN LINECALLPARTYID_UNKNOWN
#define UNAVAIL LINECALLPARTYID_UNAVAIL
#define PARTIAL LINECALLPARTYID_PARTIAL
#define BLOCKED LINECALLPARTYID_BLOCKED

static uint64_t announce(struct world *w, const struct cf_new_call *who)
{
    struct cf_new_call c = *who;
    c.call = cf_provider_call_new(w->exchange.provider, w);
    c.state = LINECALLSTATE_OFFERING;
    c.time_ns = cf_clock_ns();
    assert_true(cf_provider_post_new_call(w->exchange.provider, &c));
    cf_provider_flush(w->exchange.provider);
    return c.call;
}

static void change(struct world *w, uint64_t call, uint32_t bits, uint16_t tag, const char *text, uint16_t tag2,
                   const char *text2)
{
    struct cf_record r = {.payload_bytes = 0};
    assert_true(cf_fields_append(&r, tag, text, (uint32_t)strlen(text)));
    if (text2 != NULL)
        assert_true(cf_fields_append(&r, tag2, text2, (uint32_t)strlen(text2)));
    assert_true(cf_provider_post_call_info(w->exchange.provider, call, bits, cf_clock_ns(), &r));
    cf_provider_flush(w->exchange.provider);
}

static void everything_of_the_announcement(void **state)
{
    struct world *w = *state;
    struct client c;
    HLINE line = client_start(&c, MONITOR);
    const struct cf_new_call who = {
        .caller = cf_text_of("+49 30 1"),
        .caller_name = cf_text_of("Ada \xc3\x84"),
        .called = cf_text_of("200"),
        .called_name = cf_text_of("Front desk"),
        .connected = cf_text_of("201"),
        .connected_name = cf_text_of("Back office"),
        .redirecting = cf_text_of("300"),
        .redirecting_name = cf_text_of("Boss"),
        .redirection = cf_text_of("400"),
        .redirection_name = cf_text_of("Deputy"),
    };
    uint64_t id = announce(w, &who);
    HCALL call = client_new_call(&c, line, MONITOR, LINECALLSTATE_OFFERING);
    assert_who(call, (struct party[]){{"+49 30 1", "Ada \xc3\x84", ADDRESS | NAME},
                                      {"200", "Front desk", ADDRESS | NAME},
                                      {"201", "Back office", ADDRESS | NAME},
                                      {"400", "Deputy", ADDRESS | NAME},
                                      {"300", "Boss", ADDRESS | NAME}});
    exchange_end(&w->exchange, id);
    client_state(&c, call, LINECALLSTATE_DISCONNECTED);
    client_state(&c, call, LINECALLSTATE_IDLE);
    assert_int_equal(info_of(call)->head.dwRedirectingIDFlags, ADDRESS | NAME); /* also of a call that has ended */
    service_wait_status(&w->service, "totals.party_blocks", 1);
    client_leave(&c);
    service_wait_status(&w->service, "totals.party_blocks", 0); /* and nothing is left when its last handle is gone */
}

static void only_what_is_said_changes(void **state)
{
    struct world *w = *state;
    struct client c;
    HLINE line = client_start(&c, MONITOR);
    uint64_t id = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "100", "200");
    HCALL call = client_new_call(&c, line, MONITOR, LINECALLSTATE_OFFERING);
    struct party who[5] = {{"100", NULL, ADDRESS},
                           {"200", NULL, ADDRESS},
                           {NULL, NULL, UNKNOWN},
                           {NULL, NULL, UNAVAIL},
                           {NULL, NULL, UNAVAIL}};
    assert_who(call, who);

    change(w, id, LINECALLINFOSTATE_CONNECTEDID, CF_FIELD_CONNECTED, "555", CF_FIELD_CONNECTED_NAME, "Bob");
    client_info(&c, call, LINECALLINFOSTATE_CONNECTEDID);
    who[2] = (struct party){"555", "Bob", ADDRESS | NAME};
    assert_who(call, who);

    change(w, id, LINECALLINFOSTATE_CALLERID, CF_FIELD_CALLER_NAME, "Ada", 0, NULL);
    client_info(&c, call, LINECALLINFOSTATE_CALLERID);
    who[0] = (struct party){"100", "Ada", ADDRESS | NAME};
    assert_who(call, who);

    change(w, id, LINECALLINFOSTATE_CONNECTEDID, CF_FIELD_CONNECTED, "5", CF_FIELD_CALLED, "201");
    client_info(&c, call, LINECALLINFOSTATE_CONNECTEDID);
    who[1].address = "201";
    who[2].address = "5";
    assert_who(call, who);
    exchange_end(&w->exchange, id);
    client_leave(&c);
}

static void withheld_and_cut(void **state)
{
    struct world *w = *state;
    struct client c;
    HLINE line = client_start(&c, MONITOR);
    uint64_t id = exchange_call(&w->exchange, 0, LINECALLSTATE_OFFERING, "100", "200");
    HCALL call = client_new_call(&c, line, MONITOR, LINECALLSTATE_OFFERING);
    char name[81], name_kept[64];
    memset(name, 'n', 80);
    name[80] = '\0';
    memcpy(name + 62, "\xe2\x82\xac", 3); /* a character across the 63rd byte is left out whole */
    snprintf(name_kept, sizeof name_kept, "%.62s", name);
    change(w, id, LINECALLINFOSTATE_CALLERID, CF_FIELD_CALLER, "", CF_FIELD_CALLER_NAME, name);
    client_info(&c, call, LINECALLINFOSTATE_CALLERID);
    change(w, id, LINECALLINFOSTATE_CONNECTEDID, CF_FIELD_CONNECTED, "", CF_FIELD_CALLED,
           "0123456789012345678901234567890123");
    client_info(&c, call, LINECALLINFOSTATE_CONNECTEDID);
    change(w, id, LINECALLINFOSTATE_REDIRECTINGID, CF_FIELD_REDIRECTING, "1\n2\x7f", 0, NULL);
    client_info(&c, call, LINECALLINFOSTATE_REDIRECTINGID);
    assert_who(call, (struct party[]){{NULL, name_kept, BLOCKED | NAME | PARTIAL},
                                      {"0123456789012345678901234567890", NULL, ADDRESS | PARTIAL},
                                      {NULL, NULL, BLOCKED},
                                      {NULL, NULL, UNAVAIL},
                                      {"1?2?", NULL, ADDRESS}});
    change(w, id, LINECALLINFOSTATE_CALLERID, CF_FIELD_CALLER, "7", CF_FIELD_CALLER_NAME, "");
    client_info(&c, call, LINECALLINFOSTATE_CALLERID);
    assert_int_equal(info_of(call)->head.dwCallerIDFlags, ADDRESS);
    exchange_end(&w->exchange, id);
    client_leave(&c);
}

/* The announcement of a call whose caller is withheld carries none, and the batch call gives "". */
static void a_withheld_caller_is_announced_without(void **state)
{
    struct world *w = *state;
    struct client c;
    HLINE line = client_start(&c, MONITOR);
    struct cf_record r = {.m = {.id = CF_EV_NEW_CALL,
                                .device = cf_provider_call_new(w->exchange.provider, w),
                                .param2 = LINECALLSTATE_OFFERING,
                                .time_ns = cf_clock_ns(),
                                .open_line = CF_INDEX_NONE}};
    assert_true(cf_fields_append(&r, CF_FIELD_CALLER, "", 0));
    assert_true(cf_fields_append(&r, CF_FIELD_CALLED, "200", 3));
    uint64_t id = r.m.device;
    assert_true(cf_provider_post_raw(w->exchange.provider, &r));
    cf_provider_flush(w->exchange.provider);
    struct cf_batch_message m[1];
    uint32_t count = 0;
    while (count == 0 || m[0].dwMessageID != LINE_APPNEWCALL)
        assert_error(cf_line_get_messages(c.app, m, 1, 30000, &count), 0);
    assert_true(m[0].hDevice == line);
    assert_string_equal(m[0].caller, "");
    assert_string_equal(m[0].called, "200");
    const struct info *i = info_of((HCALL)m[0].dwParam2);
    assert_int_equal(i->head.dwCallerIDFlags, BLOCKED);
    assert_int_equal(i->head.dwReason, LINECALLREASON_UNKNOWN); /* none of the reasons there are */
    exchange_end(&w->exchange, id);
    client_leave(&c);
}

RUN_IN_WORLD(cmocka_unit_test(everything_of_the_announcement), cmocka_unit_test(only_what_is_said_changes),
             cmocka_unit_test(withheld_and_cut), cmocka_unit_test(a_withheld_caller_is_announced_without))
