/*
 * A fault in a provider's section was told with a wrong line when comments stood before it: libConfuse counts the line of a comment twice.
 * Found by fuzz_config.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "adapters/provider/options.h"

static void comments_before_a_fault_do_not_move_its_line(void **state)
{
    (void)state;
    static const char text[] = "# one\nprovider me {\n  # three\n  // four\n  count = 1 # five\n  /* six\n  seven */\n"
                               "  words = {\"#8\", '//'}\n  nonsense = 9\n}\n";
    char path[] = "/tmp/callfan-line-XXXXXX", why[200] = "", wanted[100];
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    cfg_opt_t keys[] = {CFG_INT("count", 3, CFGF_NONE), CFG_STR_LIST("words", "{}", CFGF_NONE), CFG_END()};
    const struct cf_options options = {.name = "me", .config = path};
    cfg_t *cfg = NULL;
    assert_true(cf_options_section(&options, keys, &cfg, why, sizeof why) < 0);
    unlink(path);
    snprintf(wanted, sizeof wanted, "%s:9: ", path);
    if (strncmp(why, wanted, strlen(wanted)) != 0)
        fail_msg("'%s' does not begin with '%s'", why, wanted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(comments_before_a_fault_do_not_move_its_line)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
