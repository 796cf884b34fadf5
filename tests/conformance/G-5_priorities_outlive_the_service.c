/*
 * lineSetAppPriority: what was set is there after a restart of the service, and after one of its core; it needs no HLINEAPP. A file that
 * holds no lists is told in the log and costs nothing else.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/support/conformance.h"

static char folder[] = "/tmp/callfan-priorities-XXXXXX", file[64], configuration[256];

static void set_priority(const char *name, DWORD priority)
{
    assert_error(lineSetAppPriority(name, LINEMEDIAMODE_G3FAX, NULL, 0, NULL, priority), 0);
}

static DWORD priority_of(const char *name)
{
    DWORD priority = 77;
    assert_error(lineGetAppPriority(name, LINEMEDIAMODE_G3FAX, NULL, 0, NULL, &priority), 0);
    return priority;
}

static int make_folder(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(file, sizeof file, "%s/lists", folder);
    snprintf(configuration, sizeof configuration, EXCHANGE_SECTION_PATIENT "priorities = \"%s\"\n", file);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(file);
    return rmdir(folder);
}

static void over_restarts(void **state)
{
    struct test_service s;
    (void)state;
    service_start(&s, configuration);
    assert_int_equal(priority_of("one"), 0);
    set_priority("one", 1);
    set_priority("two", 1);
    service_kill_core(&s);
    assert_int_equal(priority_of("two"), 1);
    assert_int_equal(priority_of("one"), 2);
    set_priority("three", 1);
    service_stop(&s); /* at once */
    assert_error(lineSetAppPriority("four", LINEMEDIAMODE_G3FAX, NULL, 0, NULL, 1), LINEERR_SERVICE_NOT_RUNNING);
    service_start(&s, configuration);
    assert_int_equal(priority_of("three"), 1);
    assert_int_equal(priority_of("two"), 2);
    assert_int_equal(priority_of("one"), 3);
    set_priority("two", 0);
    service_stop(&s);
    service_start(&s, configuration);
    assert_int_equal(priority_of("one"), 2);
    assert_int_equal(priority_of("two"), 0);
    service_stop(&s);
}

static void a_file_that_holds_no_lists(void **state)
{
    struct test_service s;
    (void)state;
    assert_int_equal(truncate(file, 100), 0);
    service_start(&s, configuration);
    service_wait_log(&s, "it holds no lists");
    assert_int_equal(priority_of("one"), 0);
    set_priority("one", 1);
    service_stop(&s);
    int fd = open(file, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "\xFF", 1, 8), 1); /* as many names as nobody has room for */
    close(fd);
    service_start(&s, configuration);
    service_wait_log(&s, "it holds no lists");
    assert_int_equal(priority_of("one"), 0);
    service_stop(&s);
}

static void a_file_that_cannot_be_written(void **state)
{
    struct test_service s;
    char elsewhere[256];
    (void)state;
    snprintf(elsewhere, sizeof elsewhere, EXCHANGE_SECTION_PATIENT "priorities = \"%s/none/lists\"\n", folder);
    service_start(&s, elsewhere);
    set_priority("one", 1);
    service_wait_log(&s, "cannot be kept in");
    assert_int_equal(priority_of("one"), 1);
    service_stop(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(over_restarts),
        cmocka_unit_test(a_file_that_holds_no_lists),
        cmocka_unit_test(a_file_that_cannot_be_written),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
