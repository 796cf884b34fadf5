#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <cmocka.h>

#include "tests/support/sip_peer.h"

struct cf_sip_config sip_peer_config(void)
{
    struct cf_sip_config config = sip_rig_config();
    config.has_peer = true;
    config.domain = "example.com";
    config.number = "100";
    config.redirects_max = 3;
    assert_true(cf_sip_addr_parse(&config.peer.addr, "198.51.100.7", 12, 5070));
    return config;
}

struct cf_sip_config sip_peer_login_config(void)
{
    struct cf_sip_config config = sip_peer_config();
    config.username = "alice";
    config.password = "secret";
    return config;
}

void sip_peer_open(struct sip_rig *rig)
{
    sip_rig_open(rig, sip_peer_config());
}

void sip_peer_close(struct sip_rig *rig)
{
    sip_rig_clear(rig);
    sip_rig_pass(rig, 60 * S);
    sip_rig_assert_nothing_left(rig);
    sip_rig_close(rig);
}

void sip_peer_pass_until_sent(struct sip_rig *rig, uint64_t most)
{
    const uint64_t end = rig->now + most;
    while (rig->sent_count == 0 && rig->now < end)
        sip_rig_pass(rig, 10 * MS);
}

bool sip_peer_slice_is(const struct cf_sip_msg *msg, struct cf_sip_slice slice, const char *text)
{
    return slice.len == strlen(text) && memcmp(cf_sip_ptr(msg, slice), text, slice.len) == 0;
}

void sip_peer_take(struct sip_rig *rig, unsigned index, struct sip_asked *ret_asked)
{
    assert_true(index < rig->sent_count);
    memcpy(ret_asked->text, rig->sent[index].text, sizeof(ret_asked->text));
    assert_int_equal(cf_sip_scan(&ret_asked->msg, ret_asked->text, rig->sent[index].len), CF_SIP_ERROR_OK);
    assert_true(ret_asked->msg.is_request);
}

void sip_peer_make(struct sip_rig *rig, const char *destination, struct sip_asked *ret_invite)
{
    const struct cf_sip_making making = {.destination = {destination, strlen(destination)}, .user = 4711};
    assert_int_equal(cf_sip_ua_make(rig->ua, rig->now, &making, &rig->call), 0);
    assert_int_equal(rig->sent_count, 1);
    sip_peer_take(rig, 0, ret_invite);
    assert_int_equal(ret_invite->msg.method, CF_SIP_INVITE);
    rig->sent_count = 0;
    assert_true(cf_sip_ua_check(rig->ua));
}

void sip_peer_answer(struct sip_rig *rig, const struct sip_asked *asked, unsigned status, const char *tag,
                     const char *extra, const char *body)
{
    static char text[8192];
    const struct cf_sip_msg *msg = &asked->msg;
    const bool tagged = msg->to.tag.len != 0;
    snprintf(text, sizeof(text),
             "SIP/2.0 %u Whatever\r\nVia: %.*s\r\nFrom: %.*s\r\nTo: %.*s%s%s\r\nCall-ID: %.*s\r\nCSeq: %.*s\r\n"
             "%s%sContent-Length: %zu\r\n\r\n%s",
             status, msg->vias[0].len, cf_sip_ptr(msg, msg->vias[0]), msg->from.value.len,
             cf_sip_ptr(msg, msg->from.value), msg->to.value.len, cf_sip_ptr(msg, msg->to.value),
             !tagged && tag != NULL ? ";tag=" : "", !tagged && tag != NULL ? tag : "", msg->call_id.len,
             cf_sip_ptr(msg, msg->call_id), msg->cseq_value.len, cf_sip_ptr(msg, msg->cseq_value), extra,
             body != NULL ? "Content-Type: application/sdp\r\n" : "", body != NULL ? strlen(body) : 0,
             body != NULL ? body : "");
    sip_rig_receive(rig, text);
}

void sip_peer_connect(struct sip_rig *rig, struct sip_asked *ret_invite)
{
    sip_peer_make(rig, "200", ret_invite);
    sip_peer_answer(rig, ret_invite, 200, "callee", "Contact: <sip:200@198.51.100.7:5071>\r\n", ANSWER("sendrecv"));
    sip_rig_assert_sent(rig, "ACK");
    sip_rig_assert_log(rig, "INFORMED CONNECTED");
}

void sip_peer_ask(struct sip_rig *rig, const struct sip_asked *invite, const char *method, unsigned cseq,
                  const char *extra, const char *body)
{
    static char text[8192];
    const struct cf_sip_msg *msg = &invite->msg;
    const char *branch = strcmp(method, "ACK") == 0 ? "INVITE" : method; /* so that it confirms a refusal too */
    snprintf(text, sizeof(text),
             "%s sip:callfan@192.0.2.1:5060 SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.7:5070;branch=z9hG4bKpeer%s%u\r\n"
             "Max-Forwards: 70\r\nFrom: %.*s;tag=callee\r\nTo: %.*s\r\nCall-ID: %.*s\r\nCSeq: %u %s\r\n"
             "Contact: <sip:200@198.51.100.7:5071>\r\n%s%sContent-Length: %zu\r\n\r\n%s",
             method, branch, cseq, msg->to.value.len, cf_sip_ptr(msg, msg->to.value), msg->from.value.len,
             cf_sip_ptr(msg, msg->from.value), msg->call_id.len, cf_sip_ptr(msg, msg->call_id), cseq, method, extra,
             sip_rig_type(extra, body), body != NULL ? strlen(body) : 0, body != NULL ? body : "");
    sip_rig_receive(rig, text);
}
