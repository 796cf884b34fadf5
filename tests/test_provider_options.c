/*
 * The command line and the configuration that all adapters have in common.
 */
#define _GNU_SOURCE
#include "adapters/provider/options.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const struct cf_options_program program = {"callfan-test", "test", "A test.", NULL};
static const char *const colours[] = {"red", "green", NULL};

struct fixture {
    char path[64];
    struct cf_options options;
    cfg_t *cfg;
    char why[256];
};

static int read_with(struct fixture *f)
{
    cfg_opt_t keys[] = {CFG_INT("count", 3, CFGF_NONE),         CFG_FLOAT("rate", 0.5, CFGF_NONE),
                        CFG_STR("colour", "red", CFGF_NONE),    CFG_BOOL("fast", cfg_false, CFGF_NONE),
                        CFG_STR_LIST("words", "{}", CFGF_NONE), CFG_END()};
    f->why[0] = '\0';
    f->cfg = NULL;
    return cf_options_section(&f->options, keys, &f->cfg, f->why, sizeof f->why);
}

/* Reads a file with that text as provider "me". */
static int read_text(struct fixture *f, const char *text)
{
    memset(f, 0, sizeof *f);
    snprintf(f->path, sizeof f->path, "/tmp/callfan-test-XXXXXX");
    int fd = mkstemp(f->path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    f->options = (struct cf_options){.name = "me", .config = f->path};
    return read_with(f);
}

static void done(struct fixture *f)
{
    if (f->cfg != NULL)
        cfg_free(f->cfg);
    unlink(f->path);
}

static void assert_says(const struct fixture *f, const char *words)
{
    if (strstr(f->why, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", f->why, words);
}

/* ------------------------------------------------------------------ command line */

static enum cf_options_parsed parse(struct cf_options *o, char *why, const char *const *words)
{
    char *argv[16] = {(char *)(uintptr_t) "callfan-test"};
    int argc = 1;
    for (; words[argc - 1] != NULL; argc++)
        argv[argc] = (char *)(uintptr_t)words[argc - 1];
    return cf_options_parse(argc, argv, &program, o, why, 200);
}

static void the_command_line_is_read(void **state)
{
    (void)state;
    struct cf_options o;
    char why[200] = "";
    unsetenv("CALLFAN_SOCKET");
    assert_int_equal(parse(&o, why, (const char *const[]){NULL}), CF_OPTIONS_RUN);
    assert_string_equal(o.socket_path, "/run/callfan/callfan.sock");
    assert_string_equal(o.name, "test");
    assert_null(o.config);
    setenv("CALLFAN_SOCKET", "/tmp/elsewhere", 1);
    assert_int_equal(parse(&o, why, (const char *const[]){"--name", "x", "--set", "a=1", "--set=b=2", "--check", NULL}),
                     CF_OPTIONS_RUN);
    unsetenv("CALLFAN_SOCKET");
    assert_string_equal(o.socket_path, "/tmp/elsewhere");
    assert_string_equal(o.name, "x");
    assert_int_equal(o.sets_count, 2);
    assert_string_equal(o.sets[1], "b=2");
    assert_true(o.check);
    assert_int_equal(parse(&o, why, (const char *const[]){"--socket", "/s", "--config", "/c", NULL}), CF_OPTIONS_RUN);
    assert_string_equal(o.socket_path, "/s");
    assert_string_equal(o.config, "/c");
    assert_false(o.check);
}

static void a_wrong_command_line_is_told(void **state)
{
    (void)state;
    const struct {
        const char *words[4];
        const char *says;
    } cases[] = {
        {{"--colour"}, "unknown option --colour"},
        {{"--socket"}, "--socket needs a value"},
        {{"stray"}, "unexpected argument stray"},
        {{"--set", "novalue"}, "KEY=VALUE"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct cf_options o;
        char why[200] = "";
        assert_int_equal(parse(&o, why, cases[i].words), CF_OPTIONS_BAD);
        if (strstr(why, cases[i].says) == NULL)
            fail_msg("\"%s\" does not say \"%s\"", why, cases[i].says);
    }
}

/* ------------------------------------------------------------------ the section */

static void without_a_file_defaults_hold(void **state)
{
    (void)state;
    struct fixture f = {.options = {.name = "me"}};
    assert_int_equal(read_with(&f), 0);
    assert_int_equal(cfg_getint(f.cfg, "count"), 3);
    cfg_free(f.cfg);
}

static void the_own_section_is_read_among_others(void **state)
{
    (void)state;
    struct fixture f;
    const char *text = "socket = \"/tmp/x\" # provider me { count = 9 }\n"
                       "/* provider me {\n count = 8 } */\n"
                       "note = 'provider me { count = 7 }'\n"
                       "provider other { command = \"x\" nonsense = 5 args = {\"{\", '}'} }\n"
                       "provider \"me\" {\n"
                       "  command = \"callfan-test\"\n"
                       "  args = {\"--set\", \"fast=true\"}\n"
                       "  restart_ms_min = 5\n"
                       "  count = 11  // eleven }\n"
                       "  rate = 2\n"
                       "  words = {\"a\", \"b }\"}\n"
                       "}\n"
                       "provider me2 { count = 10 }\n";
    assert_int_equal(read_text(&f, text), 0);
    assert_int_equal(cfg_getint(f.cfg, "count"), 11);
    assert_true(cfg_getfloat(f.cfg, "rate") == 2.0);
    assert_int_equal(cfg_size(f.cfg, "words"), 2);
    assert_string_equal(cfg_getnstr(f.cfg, "words", 1), "b }");
    assert_string_equal(cfg_getstr(f.cfg, "command"), "callfan-test");
    done(&f);
}

static void set_lines_come_after_the_section(void **state)
{
    (void)state;
    struct fixture f;
    assert_int_equal(read_text(&f, "provider me { count = 11 words = {\"a\"} }"), 0);
    cfg_free(f.cfg);
    const char *sets[] = {"count=12", "colour=green \"and\" $blue", "words={\"x\", \"y\"}", "fast=true", "rate=1e3"};
    for (unsigned i = 0; i < 5; i++)
        f.options.sets[f.options.sets_count++] = sets[i];
    if (read_with(&f) != 0)
        fail_msg("%s", f.why);
    assert_int_equal(cfg_getint(f.cfg, "count"), 12);
    assert_string_equal(cfg_getstr(f.cfg, "colour"), "green \"and\" $blue");
    assert_int_equal(cfg_size(f.cfg, "words"), 2);
    assert_string_equal(cfg_getnstr(f.cfg, "words", 0), "x");
    assert_int_equal(cfg_getbool(f.cfg, "fast"), cfg_true);
    assert_true(cfg_getfloat(f.cfg, "rate") == 1000.0);
    done(&f);
}

static void faults_name_file_and_line(void **state)
{
    (void)state;
    const struct {
        const char *text, *place, *says;
    } cases[] = {
        {"\nprovider me {\n\n  cuont = 1\n}\n", ":4: ", "cuont"},
        {"provider me {\n  count = many\n}\n", ":2: ", "option 'count'"},
        {"provider me {\n  fast = maybe\n}\n", ":2: ", "fast"},
        {"provider me {\n  count 5\n}\n", ":2: ", "equal sign"},
        {"provider you { }\n", ": ", "there is no section `provider me"},
        {"provider me { }\nprovider me { }\n", ": ", "twice"},
        {"provider me {\n", ": ", "does not end"},
        {"provider me { colour = \"red }\n", ": ", "does not end"},
        {"provider me { colour = +49 }\n", ": ", "'+' or a NUL byte stands without quotes"},
        {"provider me { colour = red* }\n", ": ", "stands without quotes"},
        {"/* provider me { }\n", ": ", "does not end"},
        {"}\nprovider me { }\n", ": ", "does not end"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture f;
        assert_int_equal(read_text(&f, cases[i].text), -EINVAL);
        assert_null(f.cfg);
        assert_int_equal(strncmp(f.why, f.path, strlen(f.path)), 0);
        assert_says(&f, cases[i].place);
        assert_says(&f, cases[i].says);
        done(&f);
    }
    struct fixture f = {.options = {.name = "me", .config = "/nowhere/at/all"}};
    assert_int_equal(read_with(&f), -ENOENT);
    assert_says(&f, "/nowhere/at/all");
}

static void wrong_set_lines_are_told(void **state)
{
    (void)state;
    const char *sets[] = {"cuont=1", "count=many", "count=1\nrate=2", "words={\"a\""};
    for (unsigned i = 0; i < 4; i++) {
        struct fixture f = {.options = {.name = "me", .sets = {sets[i]}, .sets_count = 1}};
        if (read_with(&f) != -EINVAL)
            fail_msg("--set %s was taken", sets[i]);
        assert_says(&f, "--set ");
    }
}

static void values_are_held_to_their_bounds(void **state)
{
    (void)state;
    struct fixture f;
    long count = 0;
    double rate = 0;
    int colour = -1;
    char line[128];
    assert_int_equal(read_text(&f, "provider me {\n count = 5\n\n  rate = -1\n  colour = green\n}"), 0);
    assert_int_equal(cf_options_int(&f.options, f.cfg, "count", 1, 5, &count, f.why, sizeof f.why), 0);
    assert_int_equal(count, 5);
    assert_int_equal(cf_options_int(&f.options, f.cfg, "count", 6, 9, &count, f.why, sizeof f.why), -EINVAL);
    snprintf(line, sizeof line, "%s:2: count is 5, must be 6 to 9", f.path);
    assert_string_equal(f.why, line);
    assert_int_equal(count, 5);
    assert_int_equal(cf_options_float(&f.options, f.cfg, "rate", 0, 1, &rate, f.why, sizeof f.why), -EINVAL);
    snprintf(line, sizeof line, "%s:4: rate is -1, must be 0 to 1", f.path);
    assert_string_equal(f.why, line);
    assert_int_equal(cf_options_choice(&f.options, f.cfg, "colour", colours, &colour, f.why, sizeof f.why), 0);
    assert_int_equal(colour, 1);
    cfg_setstr(f.cfg, "colour", "blue");
    assert_int_equal(cf_options_choice(&f.options, f.cfg, "colour", colours, &colour, f.why, sizeof f.why), -EINVAL);
    snprintf(line, sizeof line, "%s:5: colour is 'blue', must be red or green", f.path);
    assert_string_equal(f.why, line);
    /* A default out of bounds has no line. */
    cf_options_where(&f.options, "words", line, sizeof line);
    assert_string_equal(line, "provider me: ");
    done(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_command_line_is_read),         cmocka_unit_test(a_wrong_command_line_is_told),
        cmocka_unit_test(without_a_file_defaults_hold),     cmocka_unit_test(the_own_section_is_read_among_others),
        cmocka_unit_test(set_lines_come_after_the_section), cmocka_unit_test(faults_name_file_and_line),
        cmocka_unit_test(wrong_set_lines_are_told),         cmocka_unit_test(values_are_held_to_their_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
