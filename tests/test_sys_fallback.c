/*
 * What shm/ does on kernels that lack a call: the files are compiled here once more with that call taken away, and take the
 * place of the library's.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>

static int calls;

static long lacking(int error)
{
    calls++;
    errno = error;
    return -1;
}

static int old_memfd_create(const char *name, unsigned flags)
{
    return flags > 7 ? (int)lacking(EINVAL) : memfd_create(name, flags); /* before MFD_NOEXEC_SEAL */
}
static int old_madvise(void *memory, size_t bytes, int advice)
{
    return advice == 22 || advice == 23 ? (int)lacking(EINVAL) : madvise(memory, bytes, advice);
}
static int old_getsockopt(int fd, int level, int name, void *value, socklen_t *bytes)
{
    return name == 77 ? (int)lacking(ENOPROTOOPT) : getsockopt(fd, level, name, value, bytes);
}

static ssize_t old_preadv2(int fd, const struct iovec *v, int count, off_t offset, int flags)
{
    return flags != 0 ? lacking(EOPNOTSUPP) : preadv2(fd, v, count, offset, flags);
}

#define memfd_create old_memfd_create
#define madvise old_madvise
#define getsockopt old_getsockopt
#define preadv2 old_preadv2
#include "shm/sys_bell.c"
#include "shm/sys_memory.c"
#include "shm/sys_socket.c"
#undef madvise

static void bells_before_rwf_nowait_are_drained(void **state)
{
    (void)state;
    int in = -1, out = -1;
    assert_int_equal(cf_bell_create_up(&in, &out), 0);
    calls = 0;
    assert_int_equal(cf_bell_drain(in), 0);
    assert_int_equal(cf_bell_ring_up(out), 0);
    assert_int_equal(cf_bell_ring_up(out), 0);
    assert_int_equal(cf_bell_drain(in), 1);
    assert_int_equal(cf_bell_drain(in), 0);
    assert_int_equal(calls, 3);
    close(in);
    close(out);
}

static void memory_before_populate_is_touched(void **state)
{
    (void)state;
    enum { PAGES = 16 };
    unsigned char present[PAGES];
    int fd = -1;
    void *memory = NULL;
    calls = 0;
    assert_int_equal(cf_memory_create("test", CF_OBJECT_UP, PAGES * 4096, &fd), 0);
    assert_int_equal(calls, 1);
    assert_int_equal(cf_memory_map(fd, PAGES * 4096, CF_ACCESS_WRITE, NULL, &memory), 0);
    ((uint8_t *)memory)[4096] = 200;
    assert_int_equal(cf_memory_populate(memory, PAGES * 4096, true), 0);
    assert_true(calls > 1);
    assert_int_equal(mincore(memory, PAGES * 4096, present), 0);
    for (int i = 0; i < PAGES; i++)
        assert_int_equal(present[i] & 1, 1);
    assert_int_equal(((uint8_t *)memory)[4096], 200);
    assert_int_equal(cf_memory_populate(memory, PAGES * 4096, false), 0);
    cf_memory_unmap(memory, PAGES * 4096);
    close(fd);
}

static void a_pidfd_before_so_peerpidfd_comes_from_the_number(void **state)
{
    (void)state;
    int pair[2], pidfd = -1;
    calls = 0;
    assert_int_equal(cf_socket_pair(pair), 0);
    assert_int_equal(cf_socket_pidfd(pair[0], &pidfd), 0); /* of this process: it made the pair */
    assert_int_equal(calls, 1);
    assert_int_equal(cf_socket_wait(pidfd, POLLIN, 0), -ETIMEDOUT);
    close(pidfd);
    close(pair[0]);
    close(pair[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bells_before_rwf_nowait_are_drained),
        cmocka_unit_test(memory_before_populate_is_touched),
        cmocka_unit_test(a_pidfd_before_so_peerpidfd_comes_from_the_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
