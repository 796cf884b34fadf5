/* Who is let in as a provider that callfand starts itself: only who has the whole token. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "apps/callfand/admit.h"
#include "shm/hello.h"
#include "shm/port.h"

static struct cf_limits limits;
static struct cf_provider_view providers[CF_PROVIDERS_MAX];

static int32_t admit(const char token[CF_NAME_MAX])
{
    struct cf_admit_rules rules = {.limits = &limits, .providers = providers};
    struct cf_hello h = {
        .magic = CF_HELLO_MAGIC, .version = CF_LAYOUT_VERSION, .kind = CF_HELLO_PROVIDER, .name = "sim"};
    struct cf_admission a;
    struct cf_peer peer = {0};
    memcpy(h.token, token, CF_NAME_MAX);
    cf_admit(&rules, &h, sizeof h, &peer, &a);
    return a.result;
}

static int setup(void **state)
{
    (void)state;
    cf_limits_default(&limits);
    memset(providers, 0, sizeof providers);
    providers[0].used = 1;
    strcpy(providers[0].name, "sim");
    memset(providers[0].token, 'a', CF_NAME_MAX - 1);
    return 0;
}

static void a_token_with_one_wrong_byte_is_wrong(void **state)
{
    (void)state;
    char token[CF_NAME_MAX];
    memcpy(token, providers[0].token, sizeof token);
    assert_int_equal(admit(token), 0);
    for (size_t i = 0; i < sizeof token; i++) {
        token[i] ^= 1;
        assert_int_equal(admit(token), -13); /* EACCES */
        token[i] ^= 1;
    }
}

/* A program that does not run has none, and nobody else has it either. */
static void no_token_is_the_token_of_nobody(void **state)
{
    (void)state;
    static const char none[CF_NAME_MAX];
    memset(providers[0].token, 0, sizeof providers[0].token);
    assert_int_equal(admit(none), -13);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_token_with_one_wrong_byte_is_wrong, setup),
        cmocka_unit_test_setup(no_token_is_the_token_of_nobody, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
