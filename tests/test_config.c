/* The configuration: values, defaults, and faults named by file and line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "apps/callfand/config.h"
#include "apps/callfand/outline.h"

static char path[] = "/tmp/callfan-config-XXXXXX";
static struct cf_config config;
static char why[512];

static bool load(const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
    return cf_config_load(path, &config, why, sizeof why);
}

static void an_empty_file_gives_the_defaults(void **state)
{
    (void)state;
    struct cf_limits defaults;
    cf_limits_default(&defaults);
    assert_true(load(""));
    assert_memory_equal(&config.limits, &defaults, sizeof defaults);
    assert_string_equal(config.socket, "/run/callfan/callfan.sock");
    assert_int_equal(config.socket_mode, 0660);
    assert_int_equal(config.close_policy, CF_CLOSE_DROPS);
    assert_int_equal(config.providers_count, 0);
    assert_int_equal(config.engine_cpu, -1);
    cf_config_fini(&config);
}

static void every_option_arrives(void **state)
{
    (void)state;
    assert_true(
        load("socket = /tmp/x.sock # one\nsocket_mode = 0600 // two\n/* three\n */ close_policy = keep\n"
             "applications = 3\nproviders = 5\nlines = 7\nopen_lines = 11\ncalls = 99\nhandles = "
             "17\ncalls_per_provider = 19\n"
             "turn_records = 23\nport_records = 29\nidle_handles_max = 31\nresync_slice = 37\nsweep_slice = 41\n"
             "down_ring_bytes = 131072\nup_ring_bytes = 32768\nprovider_up_ring_bytes = 262144\nwake_interval_us = 43\n"
             "ring_bytes_max = 524288\nspin_us = 47\nengine_cpu = 1\ndoor_cpu = 0\nhang_seconds = 53\nhello_ms = "
             "59\nhellos_max = 61\n"
             "provider \"a\" { }\nprovider b.c-d_9 { command = 'prog'\n args = {\"x\", 'y z'}\n restart_ms_min = 2 "
             "restart_ms_max = 3\n"
             " listen = {\"udp:127.0.0.1:5060\", \"udp:[::1]:5060\"}\n rate = 2.5\n}\n"));
    const struct cf_limits want = {3, 5, 7, 11, 99, 17, 19, 23, 29, 31, 37, 41, 131072, 32768, 262144, 43};
    assert_memory_equal(&config.limits, &want, sizeof want);
    assert_string_equal(config.socket, "/tmp/x.sock");
    assert_int_equal(config.socket_mode, 0600);
    assert_int_equal(config.close_policy, CF_CLOSE_KEEPS);
    assert_int_equal(config.ring_bytes_max, 524288);
    assert_int_equal(config.spin_us, 47);
    assert_int_equal(config.engine_cpu, 1);
    assert_int_equal(config.door_cpu, 0);
    assert_int_equal(config.hang_seconds, 53);
    assert_int_equal(config.hello_ms, 59);
    assert_int_equal(config.hellos_max, 61);
    assert_int_equal(config.providers_count, 2);
    assert_string_equal(config.providers[0].name, "a");
    assert_null(config.providers[0].command);
    const struct cf_config_provider *b = &config.providers[1];
    assert_string_equal(b->name, "b.c-d_9");
    assert_string_equal(b->command, "prog");
    assert_int_equal(b->args_count, 2);
    assert_string_equal(b->args[0], "x");
    assert_string_equal(b->args[1], "y z");
    assert_int_equal(b->restart_ms_min, 2);
    assert_int_equal(b->restart_ms_max, 3);
    cf_config_fini(&config);
}

static void faults_are_named_with_their_line(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned line; /* 0: none to name */
        const char *says;
    } faults[] = {
        {"# a\n\nsocke = \"x\"\n", 3, "no such option or section: socke"},
        {"limits { calls = 16 }\n", 1, "no such option or section: limits"},
        {"# one\n# two\ncalls = many\n", 3, "calls"},
        {"\n\n\n/* x\ny */\ncalls = 15\n", 6, "calls is 15, must be 16 to 33554432"},
        {"calls = 99999999999999999999\n", 1, "calls"},
        {"calls = -5\n", 1, "calls is -5"},
        {"#\ncalls = 100\ncalls_per_provider = 200\n", 3, "calls_per_provider (200) exceeds calls (100)"},
        {"#\n#\nup_ring_bytes = 70000\n", 3, "powers of two"},
        {"ring_bytes_max = 65536\n", 1, "not below down_ring_bytes"},
        {"spin_us = 5\nring_bytes_max = 100000000\n", 2, "power of two"},
        {"\nsocket = \"\"\n", 2, "path"},
        {"socket_mode = 01000\n", 1, "socket_mode"},
        {"\n\nsocket_group = callfan-no-such-group\n", 3, "no group callfan-no-such-group"},
        {"\nclose_policy = maybe\n", 2, "'maybe', must be drop or keep"},
        {"engine_cpu = -2\n", 1, "engine_cpu is -2"},
        {"# c\nprovider {\n}\n", 0, "title"},
        {"provider a { }\n\nprovider a { }\n", 3, "duplicate"},
        {"provider \"a b\" { }\n", 1, "the name of a provider"},
        {"#\nprovider a {\n command = \"\"\n}\n", 3, "the command of provider a is empty"},
        {"provider a {\n # x\n restart_ms_min = 0\n}\n", 3, "restart_ms_min of provider a is 0"},
        {"provider b { }\nprovider a {\n restart_ms_min = 20\n restart_ms_max = 10\n}\n", 4, "exceeds"},
        {"provider a { restart_ms_max = x }\n", 1, "restart_ms_max"},
        {"providers = 1\nprovider a { }\nprovider b { }\n", 3, "provider b is one more than the limit of 1"},
        {"spin_us = 1\nprovider a {\n command = \"x\"\n", 2, "no closing brace"},
        {"spin_us = 1 }\n", 1, "closing brace"},
        {"spin_us = 1\nsocket = \"abc\n", 0, ""},
        {"spin_us 1\n", 1, ""},
        {"spin_us =\n", 0, ""},
    };
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        char where[64];
        if (load(faults[i].text))
            fail_msg("this was taken for good:\n%s", faults[i].text);
        snprintf(where, sizeof where, "%s:%u: ", path, faults[i].line);
        if (faults[i].line != 0 && strncmp(why, where, strlen(where)) != 0)
            fail_msg("'%s' does not name line %u of\n%s", why, faults[i].line, faults[i].text);
        if (strncmp(why, path, strlen(path)) != 0 || strstr(why, faults[i].says) == NULL)
            fail_msg("'%s' does not say '%s' of\n%s", why, faults[i].says, faults[i].text);
    }
}

static void a_file_that_is_not_there_is_named(void **state)
{
    (void)state;
    assert_false(cf_config_load("/nowhere/callfan.conf", &config, why, sizeof why));
    assert_string_equal(why, "cannot read the configuration /nowhere/callfan.conf: No such file or directory");
    assert_false(cf_config_load("/tmp", &config, why, sizeof why));
    assert_non_null(strstr(why, "Is a directory"));
}

/* Whatever the bytes are: a verdict, no fault of ours (the sanitizers watch). */
static void any_bytes_get_a_verdict(void **state)
{
    (void)state;
    static const char pieces[][12] = {"provider", " a ", "{",     "}",  "=",  "\"", "'",  "#",    "//", "/*",
                                      "*/",       "\n",  "calls", "16", "+=", ",",  "\\", "args", "{}", "x"};
    uint32_t seed = 7;
    for (int i = 0; i < 3000; i++) {
        char text[512];
        size_t used = 0;
        for (int k = 0; k < 20; k++) {
            seed = seed * 1664525 + 1013904223;
            used += (size_t)snprintf(text + used, sizeof text - used, "%s",
                                     pieces[(seed >> 16) % (sizeof pieces / sizeof pieces[0])]);
        }
        if (load(text))
            cf_config_fini(&config);
    }
}

static void what_needs_a_restart_is_listed(void **state)
{
    (void)state;
    static struct cf_config old;
    char names[256];
    assert_true(load("spin_us = 1\ncalls = 100\n"));
    old = config;
    assert_true(
        load("spin_us = 2\nwake_interval_us = 9\nhello_ms = 50\nhang_seconds = 7\ncalls = 100\nprovider x { }\n"));
    assert_false(cf_config_needs_restart(&old, &config, names, sizeof names));
    cf_config_fini(&config);
    assert_true(load("calls = 100\nlines = 7\nsocket = \"/elsewhere\"\n"));
    assert_true(cf_config_needs_restart(&old, &config, names, sizeof names));
    assert_string_equal(names, "lines, socket");
    cf_config_fini(&config);
    cf_config_fini(&old);
}

static uint64_t digest_of(const char *text)
{
    struct cf_outline o;
    assert_int_equal(cf_outline_parse(text, strlen(text), &o), 0);
    const struct cf_outline_entry *e = cf_outline_section(&o, "provider", "a");
    assert_non_null(e);
    uint64_t digest = e->digest;
    cf_outline_fini(&o);
    return digest;
}

static void a_section_that_only_moved_has_not_changed(void **state)
{
    (void)state;
    uint64_t digest = digest_of("provider a { rate = 5 # c\n x = {1, 2} }");
    assert_true(digest == digest_of("# more\nprovider b { }\n\nprovider a {\n  rate = 5\n  x = {1,2} // d\n}\n"));
    assert_false(digest == digest_of("provider a { rate = 6 x = {1, 2} }"));
    assert_false(digest == digest_of("provider a { rate = 5 x = {1, 3} }"));
}

static void commands_are_found(void **state)
{
    (void)state;
    char found[4096];
    assert_true(cf_config_command_path("/bin/sh", found, sizeof found));
    assert_string_equal(found, "/bin/sh");
    assert_true(cf_config_command_path("sh", found, sizeof found));
    assert_true(found[0] == '/');
    assert_true(cf_config_command_path("test_config", found, sizeof found)); /* beside this very program */
    assert_false(cf_config_command_path("/bin/no-such-program", found, sizeof found));
    assert_false(cf_config_command_path("no-such-program", found, sizeof found));
}

/* The configuration that is installed. */
static void the_shipped_configuration_is_good(void **state)
{
    (void)state;
    char shipped[512];
    const char *source = getenv("CALLFAN_SOURCE");
    assert_non_null(source);
    snprintf(shipped, sizeof shipped, "%s/etc/callfan.conf", source);
    if (!cf_config_load(shipped, &config, why, sizeof why))
        fail_msg("%s", why);
    assert_true(cf_config_provider_find(&config, "sim") >= 0);
    assert_true(cf_config_provider_find(&config, "sip") >= 0);
    cf_config_fini(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_file_gives_the_defaults),
        cmocka_unit_test(every_option_arrives),
        cmocka_unit_test(faults_are_named_with_their_line),
        cmocka_unit_test(a_file_that_is_not_there_is_named),
        cmocka_unit_test(any_bytes_get_a_verdict),
        cmocka_unit_test(what_needs_a_restart_is_listed),
        cmocka_unit_test(a_section_that_only_moved_has_not_changed),
        cmocka_unit_test(commands_are_found),
        cmocka_unit_test(the_shipped_configuration_is_good),
    };
    int fd = mkstemp(path);
    if (fd < 0)
        return 1;
    close(fd);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}
