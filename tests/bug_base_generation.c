/*
 * A hello whose handles would begin above the last generation was admitted, and the engine ended itself over it: any application
 * could end the core, as often as it liked. Found by fuzz_provider_records.
 */
#define _GNU_SOURCE
#include "tests/test_keeper_peer.h"

#include "shm/handle_table.h"

static struct daemon d;

static void handles_beyond_the_last_generation_are_refused(void **state)
{
    (void)state;
    struct peer witness, late;
    daemon_start(&d, "");
    peer_attach_application(&witness, &d, "witness");
    struct cf_hello h = test_hello(CF_HELLO_APPLICATION, "late");
    h.base_generation = CF_GENERATION_END;
    assert_int_equal(peer_say(&late, peer_connect(&d), &h, sizeof h), -EINVAL);
    assert_non_null(strstr(late.welcome.text, "base generation"));
    close(late.socket);
    assert_true(peer_ping(&witness));
    assert_int_equal(daemon_number(&d, "process", "core_restarts"), 0);
    peer_close(&witness);
    daemon_stop(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(handles_beyond_the_last_generation_are_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
