/* Fuzz entry of digest authentication: the same bytes as a challenge, as a list of challenges and as credentials. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "adapters/sip/auth.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const admit[] = {"bob:hunter2", "alice:se:cret"};
static const struct cf_sip_guard guard = {
    .secret = {{1, 2}}, .realm = "callfan", .admit = admit, .admits = 2, .nonce_s = 60};

/* What is answered is one line, whatever the challenge held. */
static void answer(const struct cf_sip_challenge *challenge)
{
    char text[2000];
    struct cf_sip_out out = {.text = text, .bytes_max = sizeof(text)};
    assert(challenge->realm_len <= CF_SIP_REALM_MAX && challenge->nonce_len != 0);
    assert(cf_sip_authorization_put(
        &out, challenge, &(struct cf_sip_credentials){"bob", "hunter2"},
        &(struct cf_sip_auth_use){.method = "INVITE", .uri = "sip:b@y", .uri_len = 7, .nc = 1, .cnonce = "c"}));
    struct cf_sip_msg request = {
        .base = text, .is_request = true, .extras_count = 1, .extra = {{CF_SIP_HEADER_AUTHORIZATION, {15, 0}}}};
    unsigned at;
    request.extra[0].value.len = (uint16_t)(out.len - 17);
    char realm[CF_SIP_REALM_MAX + 1] = "";
    memcpy(realm, challenge->realm, challenge->realm_len);
    struct cf_sip_guard theirs = guard;
    theirs.realm = realm; /* and whoever made the challenge can read it */
    const enum cf_sip_auth result = cf_sip_authorization_check(&theirs, &request, "1234", 4, 1000, &at);
    assert(strlen(realm) != challenge->realm_len || result == CF_SIP_AUTH_WRONG || result == CF_SIP_AUTH_STALE);
    assert(!out.full && memchr(text, '\n', out.len) == text + out.len - 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct cf_sip_msg msg = {.base = text, .is_request = true, .extras_count = 1};
    struct cf_sip_challenge challenge;
    unsigned at = 9;
    if (cf_sip_challenge_choose(text, size, false, NULL, false, &challenge))
        answer(&challenge);
    if (size > UINT16_MAX)
        return 0;
    msg.extra[0] = (struct cf_sip_extra){CF_SIP_HEADER_AUTHORIZATION, {0, (uint16_t)size}};
    const enum cf_sip_auth result = cf_sip_authorization_check(&guard, &msg, "1234", 4, 1000, &at);
    assert(result <= CF_SIP_AUTH_STALE && (result == CF_SIP_AUTH_OK) == (at < 2));
    msg.is_request = false;
    msg.status = 401;
    msg.extra[0].header = CF_SIP_HEADER_WWW_AUTHENTICATE;
    if (cf_sip_challenge_read(&msg, "callfan", &challenge))
        answer(&challenge);
    return 0;
}
