/* Futexes: the timeout holds, a wake from another process arrives, also on a read-only mapping. */
#define _GNU_SOURCE 1
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/atomics.h"
#include "shm/sys_futex.h"
#include "shm/sys_memory.h"

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void a_word_that_differs_returns_at_once(void **state)
{
    (void)state;
    uint32_t word = 5;
    assert_int_equal(cf_futex_wait(&word, 4, -1), 0);
}

static void a_wait_ends_with_its_timeout(void **state)
{
    (void)state;
    uint32_t word = 5;
    int64_t start = now_ns();
    assert_int_equal(cf_futex_wait(&word, 5, 20000000), -ETIMEDOUT);
    assert_true(now_ns() - start >= 20000000);
    assert_int_equal(cf_futex_wait(&word, 5, 0), -ETIMEDOUT);
}

static void waking_nobody_wakes_none(void **state)
{
    (void)state;
    uint32_t word = 0;
    assert_int_equal(cf_futex_wake(&word, 1000), 0);
}

static void the_low_half_is_the_one_that_counts_first(void **state)
{
    (void)state;
    uint64_t word = UINT64_C(0x1122334455667788);
    assert_int_equal(*cf_futex_low(&word), 0x55667788);
}

static void a_reader_of_read_only_memory_is_woken_by_another_process(void **state)
{
    (void)state;
    int fd;
    void *writer, *reader;
    assert_int_equal(cf_memory_create("test", CF_OBJECT_DOWN, 4096, &fd), 0);
    assert_int_equal(cf_memory_map(fd, 4096, CF_ACCESS_WRITE, NULL, &writer), 0);
    assert_int_equal(cf_memory_seal(fd, CF_OBJECT_DOWN), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (cf_memory_map(fd, 4096, CF_ACCESS_READ, NULL, &reader) != 0)
            _exit(2);
        const uint64_t *done = reader;
        while (cf_load_acquire_64(done) != 42)
            if (cf_futex_wait(cf_futex_low(done), 0, INT64_C(20000000000)) != 0)
                _exit(3);
        _exit(0);
    }
    /* The child sleeps when a wake finds it; until then there is nobody to wake. */
    int64_t end = now_ns() + INT64_C(20000000000);
    while (cf_futex_wake(cf_futex_low(writer), 1) == 0 && now_ns() < end)
        sched_yield();
    cf_store_release_64(writer, 42);
    cf_futex_wake(cf_futex_low(writer), 1);
    int status = -1;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    cf_memory_unmap(writer, 4096);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_word_that_differs_returns_at_once),
        cmocka_unit_test(a_wait_ends_with_its_timeout),
        cmocka_unit_test(waking_nobody_wakes_none),
        cmocka_unit_test(the_low_half_is_the_one_that_counts_first),
        cmocka_unit_test(a_reader_of_read_only_memory_is_woken_by_another_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
