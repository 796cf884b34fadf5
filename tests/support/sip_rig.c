#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <cmocka.h>

#include "tests/support/sip_rig.h"

static void on_send(void *context, const struct cf_sip_hop *to, const char *bytes, size_t len)
{
    struct sip_rig *rig = context;
    assert_true(rig->sent_count < SENT_MAX && len < sizeof(rig->sent[0].text));
    struct sip_sent *sent = &rig->sent[rig->sent_count++];
    memcpy(sent->text, bytes, len);
    sent->text[len] = '\0';
    sent->len = len;
    sent->to = *to;
    sent->port = cf_sip_addr_port(&to->addr);
}

static void on_event(void *context, const struct cf_sip_event *event)
{
    static const char *const names[CF_SIP_EVENTS_COUNT] = {
        [CF_SIP_OFFERING] = "OFFERING", [CF_SIP_ACCEPTED] = "ACCEPTED", [CF_SIP_PROCEEDING] = "PROCEEDING",
        [CF_SIP_RINGBACK] = "RINGBACK", [CF_SIP_BUSY] = "BUSY",         [CF_SIP_CONNECTED] = "CONNECTED",
        [CF_SIP_HELD] = "HELD",         [CF_SIP_RESUMED] = "RESUMED",   [CF_SIP_ONHOLD] = "ONHOLD",
        [CF_SIP_INFORMED] = "INFORMED", [CF_SIP_DONE] = "DONE",         [CF_SIP_DISCONNECTED] = "DISCONNECTED",
        [CF_SIP_IDLE] = "IDLE",         [CF_SIP_BEGUN] = "BEGUN",       [CF_SIP_DIGIT] = "DIGIT",
        [CF_SIP_ROSTER] = "ROSTER",
    };
    struct sip_rig *rig = context;
    const size_t used = strlen(rig->log);
    snprintf(rig->log + used, sizeof(rig->log) - used, "%s%s", used != 0 ? " " : "", names[event->kind]);
    rig->last = *event;
    if (event->kind == CF_SIP_DISCONNECTED) {
        char cause[24];
        cf_sip_cause_text(&event->cause, cause);
        snprintf(rig->log + strlen(rig->log), sizeof(rig->log) - strlen(rig->log), "(%x,%s)", event->mode, cause);
    }
    if (event->kind == CF_SIP_DIGIT)
        snprintf(rig->log + strlen(rig->log), sizeof(rig->log) - strlen(rig->log), "(%c)", event->digit);
    if (event->kind == CF_SIP_DONE)
        snprintf(rig->log + strlen(rig->log), sizeof(rig->log) - strlen(rig->log), "(%u)", event->status);
    if (event->kind != CF_SIP_OFFERING && event->kind != CF_SIP_BEGUN)
        return;
    rig->identity = *event->identity;
    rig->call = event->call;
    snprintf(rig->caller, sizeof(rig->caller), "%.*s", (int)event->caller.len, event->caller.text);
    snprintf(rig->caller_name, sizeof(rig->caller_name), "%.*s", (int)event->caller_name.len, event->caller_name.text);
    snprintf(rig->called, sizeof(rig->called), "%.*s", (int)event->called.len, event->called.text);
    assert_int_equal(cf_sip_ua_bind(rig->ua, event->call, 4711), 0);
    if (rig->refuse != 0)
        assert_int_equal(cf_sip_ua_drop(rig->ua, rig->now, event->call, rig->refuse), 0);
}

static void on_service(void *context, bool in_service, unsigned status)
{
    struct sip_rig *rig = context;
    snprintf(rig->log + strlen(rig->log), sizeof(rig->log) - strlen(rig->log), "%s%s(%u)",
             rig->log[0] != '\0' ? " " : "", in_service ? "INSERVICE" : "OUTOFSERVICE", status);
}

struct cf_sip_config sip_rig_config(void)
{
    return (struct cf_sip_config){
        .host = "192.0.2.1",
        .media = {.address = "192.0.2.2", .port = 4000, .codecs = 2, .codec = {{0, "PCMU"}, {8, "PCMA"}}},
        .secret = {{1, 2}},
        .calls_max = 16,
    };
}

void sip_rig_open(struct sip_rig *rig, struct cf_sip_config config)
{
    sip_rig_open_holding(rig, config, NULL);
}

void sip_rig_open_holding(struct sip_rig *rig, struct cf_sip_config config,
                          void (*hold)(void *context, uint64_t connection, bool on))
{
    memset(rig, 0, sizeof(*rig));
    assert_null(cf_sip_config_complete(&config));
    const size_t bytes = cf_sip_ua_bytes(&config);
    rig->memory = aligned_alloc(64, bytes);
    assert_non_null(rig->memory);
    memset(rig->memory, 0, bytes);
    rig->now = 1000 * S;
    assert_true(cf_sip_addr_parse(&rig->peer.addr, "198.51.100.7", 12, 5070));
    const struct cf_sip_ua_callbacks callbacks = {
        .send = on_send, .event = on_event, .hold = hold, .service = on_service, .context = rig};
    rig->ua = cf_sip_ua_init(rig->memory, &config, &callbacks, rig->now);
}

void sip_rig_close(struct sip_rig *rig)
{
    assert_true(cf_sip_ua_check(rig->ua));
    free(rig->memory);
}

void sip_rig_clear(struct sip_rig *rig)
{
    rig->sent_count = 0;
    rig->log[0] = '\0';
}

void sip_rig_receive(struct sip_rig *rig, const char *text)
{
    /* from the heap, exactly as long as it is: reading past the end is a fault under AddressSanitizer */
    const size_t len = strlen(text);
    char *copy = malloc(len + (len == 0));
    assert_non_null(copy);
    memcpy(copy, text, len);
    cf_sip_ua_receive(rig->ua, rig->now, &rig->peer, copy, len, false);
    free(copy);
    assert_true(cf_sip_ua_check(rig->ua));
}

/* Lets the time pass from deadline to deadline, as the program around it does. */
void sip_rig_pass(struct sip_rig *rig, uint64_t ns)
{
    const uint64_t end = rig->now + ns;
    uint64_t next;
    while ((next = cf_sip_ua_next_deadline(rig->ua)) <= end) {
        if (next > rig->now)
            rig->now = next;
        cf_sip_ua_tick(rig->ua, rig->now);
        assert_true(cf_sip_ua_next_deadline(rig->ua) > rig->now);
    }
    rig->now = end;
    cf_sip_ua_tick(rig->ua, rig->now);
    assert_true(cf_sip_ua_check(rig->ua));
}

const char *sip_rig_type(const char *extra, const char *body)
{
    const bool said = strstr(extra, "Content-Type:") != NULL || strncmp(extra, "c: ", 3) == 0;
    return body != NULL && !said ? "Content-Type: application/sdp\r\n" : "";
}

/* Builds a request of the caller. `extra` are header lines; body NULL: none. */
const char *sip_rig_request(struct sip_rig *rig, const char *method, unsigned cseq, const char *branch, bool tagged,
                            const char *extra, const char *body)
{
    static char text[8192];
    char to_tag[80] = "";
    if (tagged)
        snprintf(to_tag, sizeof(to_tag), ";tag=%s", rig->tag);
    snprintf(text, sizeof(text),
             "%s sip:+4420@192.0.2.1 SIP/2.0\r\n"
             "Via: SIP/2.0/UDP 198.51.100.7:5070;branch=z9hG4bK%s\r\n"
             "Max-Forwards: 70\r\n"
             "From: \"Al \\\"Q\\\"\" <sip:%%2b1555@a.example>;tag=caller\r\n"
             "To: <sip:+4420@192.0.2.1>%s\r\n"
             "Call-ID: one@a.example\r\n"
             "CSeq: %u %s\r\n"
             "Contact: <sip:al@198.51.100.7:5070>\r\n"
             "%s%sContent-Length: %zu\r\n\r\n%s",
             method, branch, to_tag, cseq, method, extra, sip_rig_type(extra, body), body != NULL ? strlen(body) : 0,
             body != NULL ? body : "");
    return text;
}

void sip_rig_invite(struct sip_rig *rig)
{
    sip_rig_receive(rig, sip_rig_request(rig, "INVITE", 1, "inv", false, "", SDP("sendrecv")));
}

struct cf_sip_msg sip_rig_read_sent(const struct sip_rig *rig, unsigned index)
{
    struct cf_sip_msg msg;
    assert_true(index < rig->sent_count);
    assert_int_equal(cf_sip_scan(&msg, rig->sent[index].text, rig->sent[index].len), CF_SIP_ERROR_OK);
    return msg;
}

/* The statuses (or methods) that were sent, as one line of words. */
void sip_rig_assert_sent(struct sip_rig *rig, const char *wanted)
{
    char words[1024] = "";
    for (unsigned i = 0; i < rig->sent_count; i++) {
        const struct cf_sip_msg msg = sip_rig_read_sent(rig, i);
        char word[32];
        if (msg.is_request)
            snprintf(word, sizeof(word), "%s", cf_sip_method_name((enum cf_sip_method)msg.method));
        else
            snprintf(word, sizeof(word), "%u", msg.status);
        if (!msg.is_request && msg.to.tag.len != 0)
            snprintf(rig->tag, sizeof(rig->tag), "%.*s", msg.to.tag.len, cf_sip_ptr(&msg, msg.to.tag));
        snprintf(words + strlen(words), sizeof(words) - strlen(words), "%s%s", i != 0 ? " " : "", word);
    }
    assert_string_equal(words, wanted);
    rig->sent_count = 0;
}

void sip_rig_assert_log(struct sip_rig *rig, const char *wanted)
{
    assert_string_equal(rig->log, wanted);
    rig->log[0] = '\0';
}

void sip_rig_assert_nothing_left(struct sip_rig *rig)
{
    const struct cf_sip_live live = cf_sip_ua_live(rig->ua);
    assert_int_equal(live.calls, 0);
    assert_int_equal(live.server_transactions, 0);
    assert_int_equal(live.client_transactions, 0);
    assert_int_equal(live.timers, 0);
    assert_int_equal(live.blocks_free, live.blocks_max);
    assert_true(cf_sip_ua_next_deadline(rig->ua) == CF_SIP_TIMER_NEVER);
}

/* An answered and confirmed call. */
void sip_rig_connect(struct sip_rig *rig)
{
    sip_rig_invite(rig);
    sip_rig_assert_sent(rig, "100");
    assert_int_equal(cf_sip_ua_answer(rig->ua, rig->now, rig->call), 0);
    sip_rig_assert_sent(rig, "200");
    sip_rig_receive(rig, sip_rig_request(rig, "ACK", 1, "ack", true, "", NULL));
    sip_rig_assert_sent(rig, "");
    sip_rig_assert_log(rig, "OFFERING CONNECTED");
}

bool sip_rig_body_has(const struct sip_rig *rig, unsigned index, const char *line)
{
    return strstr(rig->sent[index].text, line) != NULL;
}
