/*
 * A peer reads from or writes to its bell with memory that comes late: the core's side of that bell did not return before it came, and stood
 * still inside the kernel, where SIGKILL did not end it either. The peer's memory here comes when the test says so.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/userfaultfd.h>

#include <cmocka.h>

#include "shm/sys_bell.h"

enum { SECONDS = 10 }; /* after which what blocks has failed */

static int fault_fd = -1;
static void *page;

static bool make_page(void)
{
    struct uffdio_api api = {.api = UFFD_API};
    fault_fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
    if (fault_fd < 0)
        return false;
    page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct uffdio_register r = {.range = {(uintptr_t)page, 4096}, .mode = UFFDIO_REGISTER_MODE_MISSING};
    return page != MAP_FAILED && ioctl(fault_fd, UFFDIO_API, &api) == 0 && ioctl(fault_fd, UFFDIO_REGISTER, &r) == 0;
}

/* The peer is within its system call and waits for the page. */
static void wait_for_fault(void)
{
    struct pollfd f = {.fd = fault_fd, .events = POLLIN};
    struct uffd_msg m;
    assert_int_equal(poll(&f, 1, SECONDS * 1000), 1);
    assert_int_equal(read(fault_fd, &m, sizeof m), sizeof m);
}

static void let_page_come(void)
{
    struct uffdio_zeropage z = {.range = {(uintptr_t)page, 4096}};
    assert_int_equal(ioctl(fault_fd, UFFDIO_ZEROPAGE, &z), 0);
}

static void *read_late(void *fd)
{
    return (void *)(intptr_t)read(*(int *)fd, page, 8);
}

static void *write_late(void *fd)
{
    return (void *)(intptr_t)write(*(int *)fd, page, 8);
}

static void begin(pthread_t *thread, void *(*peer)(void *), int *fd)
{
    if (!make_page()) {
        print_message("no userfaultfd(2) here: %d\n", errno);
        skip();
    }
    alarm(SECONDS);
    assert_int_equal(pthread_create(thread, NULL, peer, fd), 0);
    wait_for_fault();
}

static void end(pthread_t thread)
{
    alarm(0);
    let_page_come();
    assert_int_equal(pthread_join(thread, NULL), 0);
    munmap(page, 4096);
    close(fault_fd);
}

static void a_reader_whose_memory_comes_late_does_not_stop_who_rings(void **state)
{
    (void)state;
    int in, out;
    pthread_t thread;
    assert_int_equal(cf_bell_create_down(&in, &out), 0);
    assert_int_equal(cf_bell_ring_down(out), 0);
    begin(&thread, read_late, &in);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(cf_bell_ring_down(out), 0);
    end(thread);
    close(in);
    close(out);
}

static void a_ringer_whose_memory_comes_late_does_not_stop_who_hears(void **state)
{
    (void)state;
    int in, out;
    pthread_t thread;
    assert_int_equal(cf_bell_create_up(&in, &out), 0);
    begin(&thread, write_late, &out);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(cf_bell_drain(in), 0);
    assert_int_equal(cf_bell_ring_up(out), 0);
    assert_int_equal(cf_bell_drain(in), 1);
    end(thread);
    close(in);
    close(out);
}

static void a_reader_whose_memory_comes_late_does_not_stop_who_hears(void **state)
{
    (void)state;
    int in, out;
    pthread_t thread;
    assert_int_equal(cf_bell_create_up(&in, &out), 0);
    assert_int_equal(cf_bell_ring_up(out), 0);
    begin(&thread, read_late, &out);
    for (int i = 0; i < 1000; i++)
        assert_true(cf_bell_drain(in) >= 0);
    end(thread);
    close(in);
    close(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reader_whose_memory_comes_late_does_not_stop_who_rings),
        cmocka_unit_test(a_ringer_whose_memory_comes_late_does_not_stop_who_hears),
        cmocka_unit_test(a_reader_whose_memory_comes_late_does_not_stop_who_hears),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
