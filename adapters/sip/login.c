/* See login.h. */
#include "adapters/sip/login.h"

enum { TRIES_MAX = 2 };

bool cf_sip_login_challenged(struct cf_sip_stack *stack, const struct cf_sip_msg *response, uint8_t *tries)
{
    struct cf_sip_login *login = &stack->login;
    struct cf_sip_challenge challenge;
    const unsigned shift = response->status == 407 ? 4 : 0;
    const unsigned tried = *tries >> shift & 15;
    stack->counters.challenged++;
    if (stack->config.username == NULL || tried >= TRIES_MAX || !cf_sip_challenge_read(response, NULL, &challenge) ||
        (tried != 0 && !challenge.stale)) {
        stack->counters.login_failed++;
        return false;
    }
    *tries = (uint8_t)(*tries + (1u << shift));
    login->known[challenge.proxy] = (struct cf_sip_known){.challenge = challenge, .have = true};
    return true;
}

void cf_sip_login_put(struct cf_sip_stack *stack, const char *method, const char *uri, size_t uri_len)
{
    struct cf_sip_login *login = &stack->login;
    const struct cf_sip_credentials credentials = {stack->config.username, stack->config.password};
    char cnonce[CF_SIP_CNONCE_LEN + 1];
    for (unsigned i = 0; i < 2 && credentials.username != NULL; i++) {
        struct cf_sip_known *known = &login->known[i];
        if (!known->have)
            continue;
        cf_sip_cnonce_make(&stack->config.secret, ++login->cnonces, cnonce);
        const struct cf_sip_auth_use use = {
            .method = method, .uri = uri, .uri_len = uri_len, .nc = ++known->nc, .cnonce = cnonce};
        cf_sip_authorization_put(&stack->out, &known->challenge, &credentials, &use);
    }
}
