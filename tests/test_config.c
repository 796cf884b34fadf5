/* The configuration: values, defaults, and faults named by file and line. */
#include <grp.h>
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
    assert_false(config.identity.set);
    assert_true(config.sandbox);
    assert_true(config.huge_pages);
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
             "ring_bytes_max = 524288\nspin_us = 47\nengine_cpu = 1\ndoor_cpu = 0\nhang_seconds = 53\n"
             "provider_hang_seconds = 57\nhello_ms = 59\nhellos_max = 61\n"
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
    assert_int_equal(config.provider_hang_seconds, 57);
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

static void access_sections_are_read_in_the_order_of_the_file(void **state)
{
    (void)state;
    assert_true(
        load("access staff { users = {root, \"17\"}\n groups = {daemon, 4294967294}\n own = {\"p\", \"q:7\"}\n"
             " monitor = {\"*\", \"q:7\", \"q:8-9\"}\n provider = {q}\n status = true\n handles = 5\n open_lines = 6\n"
             " requests_per_turn = 7\n ring_bytes = 131072\n applications = 8 }\n"
             "provider p { command = x }\nprovider q { }\naccess guests { groups = {0} }\n"));
    assert_int_equal(config.access_count, 2);
    const struct cf_access_section *a = &config.access[0];
    assert_string_equal(a->name, "staff");
    assert_int_equal(a->users_count, 2);
    assert_int_equal(a->users[0], 0);
    assert_int_equal(a->users[1], 17);
    assert_int_equal(a->groups_count, 2);
    assert_int_equal(a->groups[0], getgrnam("daemon")->gr_gid);
    assert_int_equal(a->groups[1], 4294967294);
    const struct cf_rights_rule want[] = {
        {cf_rights_provider("p"), 0, UINT32_MAX, CF_RIGHT_OWN, 0},
        {cf_rights_provider("q"), 7, 7, CF_RIGHT_OWN | CF_RIGHT_MONITOR, 0},
        {0, 0, UINT32_MAX, CF_RIGHT_MONITOR, 0},
        {cf_rights_provider("q"), 8, 9, CF_RIGHT_MONITOR, 0},
    };
    assert_int_equal(a->rules_count, 4);
    assert_memory_equal(a->rules, want, sizeof want);
    assert_int_equal(a->providers_count, 1);
    assert_int_equal(a->status, 1);
    assert_int_equal(a->handles, 5);
    assert_int_equal(a->open_lines, 6);
    assert_int_equal(a->requests_per_turn, 7);
    assert_int_equal(a->ring_bytes, 131072);
    assert_int_equal(a->applications, 8);
    a = &config.access[1];
    assert_string_equal(a->name, "guests");
    assert_int_equal(a->rules_count, 0);
    assert_int_equal(a->status, 0);
    assert_int_equal(a->handles, 0);

    struct cf_config other, same = config;
    assert_true(load("provider p { command = x }\nprovider q { }\naccess guests { groups = {0} }\n"));
    other = config;
    assert_true(cf_config_take_access(&same, &other));
    assert_int_equal(same.access_count, 1);
    assert_int_equal(other.access_count, 0);
    assert_true(load("# moved\nprovider p { command = x }\nprovider q { }\n\naccess guests {\n groups = {root} }\n"));
    assert_false(cf_config_take_access(&same, &config));
    cf_config_fini(&config);
    cf_config_fini(&same);
    cf_config_fini(&other);
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
        {"# *\nprovider a*{ }\n", 2, "'*' means nothing here"},
        {"provider a {\n number = \"+49\"\n}\n/* + */ provider b {\n number = +49\n}\n", 5, "'+' means nothing here; a text with it needs quotes"},
        {"#\nprovider a {\n command = \"\"\n}\n", 3, "the command of provider a is empty"},
        {"provider a {\n # x\n restart_ms_min = 0\n}\n", 3, "restart_ms_min of provider a is 0"},
        {"provider b { }\nprovider a {\n restart_ms_min = 20\n restart_ms_max = 10\n}\n", 4, "exceeds"},
        {"provider a { restart_ms_max = x }\n", 1, "restart_ms_max"},
        {"providers = 1\nprovider a { }\nprovider b { }\n", 3, "provider b is one more than the limit of 1"},
        {"spin_us = 1\nprovider a {\n command = \"x\"\n", 2, "no closing brace"},
        {"spin_us = 1 }\n", 1, "closing brace"},
        {"provider b{d=''s{\"\",{\"\"}t{}e{}p{e={\"\"}n{}}provider p{n{\"\"}}t{\"\"}\"\"{\"\"}g=7}", 0, "provider p stands within another section, or a brace"},
        {"access a { }\n", 1, "access a: it names nobody"},
        {"# c\naccess {\n users = {1}\n}\n", 0, "title"},
        {"access \"a b\" { users = {1} }\n", 1, "the name of an access section"},
        {"access a { users = {1} }\n\naccess a { users = {2} }\n", 3, "duplicate"},
        {"access a {\n users = {1}\n\n right = 1\n}\n", 4, "no such option of access a: right"},
        {"access a {\n groups = {1}\n users = {root, callfan-no-such-user}\n}\n", 3,
         "access a: there is no user 'callfan-no-such-user'"},
        {"access a {\n groups =\n {0, callfan-no-such-group}\n}\n", 2,
         "access a: there is no group 'callfan-no-such-group'"},
        {"access a {\n users = {4294967295}\n}\n", 2, "there is no user '4294967295'"},
        {"access a {\n users = {-1}\n}\n", 2, "there is no user '-1'"},
        {"access a {\n users = {1}\n own = {\"nowhere\"}\n}\n", 3, "there is no provider 'nowhere'"},
        {"provider p { }\naccess a {\n users = {1}\n monitor = {\"p:1\", \"q:1\"}\n}\n", 4, "there is no provider 'q'"},
        {"provider p { }\naccess a {\n users = {1}\n own = {\"p:\"}\n}\n", 4, "'p:' of own is none of"},
        {"provider p { }\naccess a {\n users = {1}\n own = {\"p:x\"}\n}\n", 4, "'p:x' of own is none of"},
        {"provider p { }\naccess a {\n users = {1}\n own = {\"p:1-\"}\n}\n", 4, "'p:1-' of own is none of"},
        {"provider p { }\naccess a {\n users = {1}\n own = {\"p:2-1\"}\n}\n", 4, "'p:2-1' of own is none of"},
        {"provider p { }\naccess a {\n users = {1}\n own = {\"p:-1\"}\n}\n", 4, "'p:-1' of own is none of"},
        {"provider p { }\naccess a {\n users = {1}\n own = {\"p:131072\"}\n}\n", 4, "lines up to 131071"},
        {"provider p { }\naccess a {\n users = {1}\n own = {\"p:0\", \"p:1\", \"p:2\", \"p:3\", \"p:4\", \"p:5\", "
         "\"p:6\", \"p:7\"}\n"
         " monitor = {\"p:0\", \"p:11\", \"p:12\", \"p:13\", \"p:14\", \"p:15\", \"p:16\", \"p:17\", \"p:18\", "
         "\"p:19\"}\n}\n",
         5, "more than 16 different ranges"},
        {"access a {\n users = {1}\n provider = {\"p\"}\n}\n", 3, "there is no provider 'p'"},
        {"provider p { command = x }\naccess a {\n users = {1}\n provider = {\"p\"}\n}\n", 4,
         "provider p has a command"},
        {"handles = 100\naccess a {\n users = {1}\n handles = 101\n}\n", 4,
         "handles is 101, must be 1 to 100, the limit of everybody"},
        {"access a {\n users = {1}\n handles = 0\n}\n", 3, "handles is 0"},
        {"open_lines = 7\naccess a {\n users = {1}\n open_lines = 8\n}\n", 4, "open_lines is 8, must be 1 to 7"},
        {"port_records = 7\naccess a {\n users = {1}\n requests_per_turn = 8\n}\n", 4,
         "requests_per_turn is 8, must be 1 to 7"},
        {"ring_bytes_max = 4194304\naccess a {\n users = {1}\n ring_bytes = 8388608\n}\n", 4,
         "ring_bytes is 8388608, must be 65536 to 4194304"},
        {"access a {\n users = {1}\n ring_bytes = 70000\n}\n", 3, "power of two"},
        {"applications = 7\naccess a {\n users = {1}\n applications = 8\n}\n", 4, "applications is 8, must be 1 to 7"},
        {"access a {\n users = {1}\n status = perhaps\n}\n", 3, "status"},
        {"provider a {\n handles = 0\n}\naccess a {\n users = {1}\n handles = 0\n}\n", 6,
         "handles is 0"}, /* not the provider's */
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

static void slashes_within_a_word_are_no_comment(void **state)
{
    (void)state;
    assert_true(load("socket = /tmp//a/s // here is one\nprovider q { command = x script = /tmp//b/c }\n"));
    assert_string_equal(config.socket, "/tmp//a/s");
    assert_int_equal(config.providers_count, 1);
    cf_config_fini(&config);
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
    assert_true(load("spin_us = 2\nwake_interval_us = 9\nhello_ms = 50\nhang_seconds = 7\nprovider_hang_seconds = 3\n"
                     "calls = 100\nprovider x { }\n"));
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

/* libConfuse would read only what stands before it. */
static void a_nul_byte_is_told_with_its_line(void **state)
{
    (void)state;
    static const char text[] = "providers = 2\nprovider a { }\0\nprovider b { }\n";
    struct cf_outline o;
    assert_int_equal(cf_outline_parse(text, sizeof text - 1, &o), 0);
    assert_int_equal(o.stray_line, 2);
    assert_int_equal(o.stray, '\0');
    cf_outline_fini(&o);
    assert_int_equal(cf_outline_parse(text, 14, &o), 0);
    assert_int_equal(o.stray_line, 0);
    cf_outline_fini(&o);
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

/* Those that only root may name are in test_confine_service. */
static void users_groups_and_the_sandbox(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    assert_true(
        load("user = root\nsandbox = false\nprovider a { }\nprovider b { user = \"65533\" groups = {\"7\", \"8\"} }\n"
             "socket_group = \"9\"\n") == false);
    assert_non_null(strstr(why, ":5: there is no group 9")); /* of the socket: by name */
    assert_true(load("user = \"65534\"\nsandbox = false\nprovider a { }\nprovider b { user = \"65533\" groups = "
                     "{\"7\", \"8\"} }\n"));
    assert_true(config.identity.set);
    assert_int_equal(config.identity.uid, 65534);
    assert_false(config.sandbox);
    const struct cf_identity *a = &config.providers[0].identity, *b = &config.providers[1].identity;
    assert_memory_equal(a, &config.identity, sizeof *a);
    assert_int_equal(b->uid, 65533);
    assert_int_equal(b->groups_count, 4); /* its own, 7, 8, and that of the socket */
    assert_int_equal(b->groups[1], 7);
    assert_int_equal(b->groups[2], 8);
    assert_int_equal(b->groups[3], config.identity.gid);
    struct cf_config old = config;
    char names[128];
    assert_true(load("user = \"65533\"\nsandbox = true\nhuge_pages = false\n"));
    assert_false(config.huge_pages);
    assert_true(cf_config_needs_restart(&old, &config, names, sizeof names));
    assert_string_equal(names, "user, sandbox, huge_pages");
    cf_config_fini(&old);
    cf_config_fini(&config);
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
        cmocka_unit_test(access_sections_are_read_in_the_order_of_the_file),
        cmocka_unit_test(faults_are_named_with_their_line),
        cmocka_unit_test(a_file_that_is_not_there_is_named),
        cmocka_unit_test(slashes_within_a_word_are_no_comment),
        cmocka_unit_test(any_bytes_get_a_verdict),
        cmocka_unit_test(what_needs_a_restart_is_listed),
        cmocka_unit_test(a_nul_byte_is_told_with_its_line),
        cmocka_unit_test(a_section_that_only_moved_has_not_changed),
        cmocka_unit_test(commands_are_found),
        cmocka_unit_test(users_groups_and_the_sandbox),
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
