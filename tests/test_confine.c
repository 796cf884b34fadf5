/*
 * What a process gives up, tried by a child that gave it up: each profile of Callfan's processes against each deed. A deed that is
 * not allowed ends the child by SIGSYS. And a new user, from which there is no way back.
 */
#define _GNU_SOURCE
#include "shm/sys_confine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/io_uring.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* As core.c, adapters/provider/sandbox.h and the programs have them. */
enum profile {
    CORE = 1,
    SIP = 2,
    MODEM = 4,
    SIM = 8,
    NOBODY = 0,
    PROVIDERS = SIP | MODEM | SIM,
    ALL = CORE | PROVIDERS
};

static const struct {
    enum profile profile;
    const char *name;
    uint32_t calls;
} profiles[] = {
    {CORE, "core", CF_CALLS_DOOR},
    {SIP, "sip", CF_CALLS_LOCAL | CF_CALLS_URING | CF_CALLS_INTERNET},
    {MODEM, "modem", CF_CALLS_LOCAL | CF_CALLS_URING | CF_CALLS_TTY},
    {SIM, "sim", CF_CALLS_LOCAL | CF_CALLS_URING},
};

/* ------------------------------------------------------------------ deeds */

static int before[2]; /* a pipe that was there */
static pid_t parent;

static void allocates(void)
{
    char *at[64];
    for (size_t i = 0; i < 64; i++)
        memset(at[i] = malloc(100 << i % 16), 1, 100 << i % 16);
    for (size_t i = 0; i < 64; i++)
        free(at[i]);
    at[0] = realloc(malloc(1 << 20), 8 << 20);
    free(at[0]);
}

static void prints(void)
{
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    fprintf(stderr, "%s", "");
    printf("%s", "");
    fflush(stdout);
}

static void writes_and_reads(void)
{
    char byte = 1;
    if (write(before[1], &byte, 1) != 1 || read(before[0], &byte, 1) != 1)
        _exit(2);
}

static void sleeps(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 1000}, NULL);
}

static void opens_to_read(void)
{
    open("/etc/passwd", O_RDONLY | O_CLOEXEC);
}

static void opens_a_terminal(void)
{
    open("/dev/null", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
}

static void creates_a_file(void)
{
    open("/tmp/callfan-never", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CREAT, 0600);
}

static void truncates_a_file(void)
{
    open("/dev/null", O_RDWR | O_NOCTTY | O_NONBLOCK | O_TRUNC);
}

static void opens_by_openat2(void)
{
    syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", NULL, 0);
}

static void removes_a_file(void)
{
    unlink("/tmp/callfan-never");
}

static void changes_the_mode_of_a_file(void)
{
    chmod("/tmp/callfan-never", 0777);
}

static void makes_a_local_socket(void)
{
    socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
}

static void makes_a_local_stream(void)
{
    socket(AF_UNIX, SOCK_STREAM, 0);
}

static void makes_an_udp_socket(void)
{
    socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static void makes_a_tcp_socket(void)
{
    socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static void makes_a_raw_socket(void)
{
    socket(AF_INET, SOCK_RAW, 1);
}

static void makes_a_netlink_socket(void)
{
    socket(AF_NETLINK, SOCK_RAW, 0);
}

static void connects(void)
{
    connect(before[0], NULL, 0);
}

static void binds(void)
{
    bind(before[0], NULL, 0);
}

static void listens(void)
{
    listen(before[0], 1);
}

static void accepts(void)
{
    accept4(before[0], NULL, NULL, SOCK_CLOEXEC);
}

static void makes_a_memory_object(void)
{
    syscall(SYS_memfd_create, "x", 0);
}

static void makes_a_bell(void)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        _exit(2);
}

static void makes_an_event(void)
{
    if (eventfd(0, EFD_CLOEXEC) < 0)
        _exit(2);
}

static void makes_a_pipe(void)
{
    int ends[2];
    (void)!pipe2(ends, O_CLOEXEC);
}

static void waits_by_epoll(void)
{
    struct epoll_event e;
    epoll_wait(before[0], &e, 1, 0);
}

static void watches_a_process(void)
{
    syscall(SYS_pidfd_open, getpid(), 0);
}

static void executes(void)
{
    execl("/bin/true", "true", (char *)NULL);
}

static void forks(void)
{
    if (fork() == 0)
        _exit(0);
}

static void *nothing(void *arg)
{
    return arg;
}

static void starts_a_thread(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, nothing, NULL);
}

static void traces(void)
{
    ptrace(PTRACE_ATTACH, parent, NULL, NULL);
}

static void reads_another_s_memory(void)
{
    char byte;
    struct iovec here = {&byte, 1}, there = {&byte, 1};
    process_vm_readv(parent, &here, 1, &there, 1, 0);
}

static void takes_another_s_descriptor(void)
{
    syscall(SYS_pidfd_getfd, 3, 0, 0);
}

static void signals_another(void)
{
    kill(parent, 0);
}

static void signals_a_thread_of_another(void)
{
    syscall(SYS_tgkill, parent, parent, 0);
}

static void maps_code(void)
{
    mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void turns_data_into_code(void)
{
    static char page[8192] __attribute__((aligned(4096)));
    mprotect(page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC);
}

static void shows_itself(void)
{
    prctl(PR_SET_DUMPABLE, 1);
}

static void becomes_root(void)
{
    if (setuid(0) != 0)
        _exit(2);
}

static void raises_a_limit(void)
{
    struct rlimit l = {1, 1};
    setrlimit(RLIMIT_CORE, &l);
}

static void makes_a_ring(void)
{
    struct io_uring_params p = {0};
    syscall(SYS_io_uring_setup, 4, &p);
}

static void asks_a_ring(void)
{
    syscall(SYS_io_uring_enter, before[0], 0, 0, 0, NULL, 0);
}

static void sets_a_terminal(void)
{
    struct termios t = {0};
    tcsetattr(before[0], TCSANOW, &t);
    tcflush(before[0], TCIFLUSH);
}

static void types_into_a_terminal(void)
{
    ioctl(before[0], TIOCSTI, "x");
}

static void asks_for_a_terminal(void)
{
    isatty(before[0]);
}

static void loads_a_program_into_the_kernel(void)
{
    syscall(SYS_bpf, 0, NULL, 0);
}

static void looks_for_page_faults(void)
{
    syscall(SYS_userfaultfd, 0);
}

static void mounts(void)
{
    syscall(SYS_mount, NULL, NULL, NULL, 0, NULL);
}

#ifdef __x86_64__
/* Another way to name the same calls: of 32-bit programs with 64-bit registers. */
static void calls_as_x32(void)
{
    syscall(0x40000000 | SYS_getpid);
}
#endif

#define DEED(function, allowed)                                                                                        \
    {                                                                                                                  \
#function, function, allowed                                                                                   \
    }

static const struct {
    const char *name;
    void (*deed)(void);
    int allowed; /* profiles */
} deeds[] = {
    DEED(allocates, ALL),
    DEED(prints, ALL),
    DEED(writes_and_reads, ALL),
    DEED(sleeps, ALL),
    DEED(asks_for_a_terminal, ALL), /* an error for most, as stdio asks */
    DEED(opens_to_read, NOBODY),
    DEED(opens_a_terminal, MODEM),
    DEED(creates_a_file, NOBODY),
    DEED(truncates_a_file, NOBODY),
    DEED(opens_by_openat2, NOBODY),
    DEED(removes_a_file, NOBODY),
    DEED(changes_the_mode_of_a_file, NOBODY),
    DEED(makes_a_local_socket, PROVIDERS),
    DEED(makes_a_local_stream, NOBODY),
    DEED(makes_an_udp_socket, SIP),
    DEED(makes_a_tcp_socket, SIP),
    DEED(makes_a_raw_socket, NOBODY),
    DEED(makes_a_netlink_socket, NOBODY),
    DEED(connects, PROVIDERS),
    DEED(binds, SIP),
    DEED(listens, SIP),
    DEED(accepts, CORE | SIP),
    DEED(makes_a_memory_object, CORE),
    DEED(makes_a_bell, CORE),
    DEED(makes_an_event, CORE | SIP),
    DEED(makes_a_pipe, NOBODY),
    DEED(waits_by_epoll, CORE),
    DEED(watches_a_process, CORE),
    DEED(executes, NOBODY),
    DEED(forks, NOBODY),
    DEED(starts_a_thread, NOBODY),
    DEED(traces, NOBODY),
    DEED(reads_another_s_memory, NOBODY),
    DEED(takes_another_s_descriptor, NOBODY),
    DEED(signals_another, NOBODY),
    DEED(signals_a_thread_of_another, NOBODY),
    DEED(maps_code, NOBODY),
    DEED(turns_data_into_code, NOBODY),
    DEED(shows_itself, NOBODY),
    DEED(becomes_root, NOBODY),
    DEED(raises_a_limit, NOBODY),
    DEED(makes_a_ring, NOBODY),
    DEED(asks_a_ring, PROVIDERS),
    DEED(sets_a_terminal, MODEM),
    DEED(types_into_a_terminal, NOBODY),
    DEED(loads_a_program_into_the_kernel, NOBODY),
    DEED(looks_for_page_faults, NOBODY),
    DEED(mounts, NOBODY),
#ifdef __x86_64__
    DEED(calls_as_x32, NOBODY),
#endif
};

/* How a child ends that is confined and does it. */
static int status_of(uint32_t calls, void (*deed)(void))
{
    int status;
    parent = getpid();
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (cf_confine_harden() != 0 || cf_confine_filter(calls) != 0)
            _exit(3);
        deed();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void every_profile_may_what_it_needs_and_nothing_else(void **state)
{
    (void)state;
    if (!cf_confine_filters())
        skip();
    for (size_t p = 0; p < sizeof profiles / sizeof profiles[0]; p++) {
        for (size_t i = 0; i < sizeof deeds / sizeof deeds[0]; i++) {
            int status = status_of(profiles[p].calls, deeds[i].deed);
            bool good = (deeds[i].allowed & (int)profiles[p].profile) != 0
                            ? WIFEXITED(status) && WEXITSTATUS(status) == 0
                            : WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
            if (!good)
                fail_msg("%s %s: status %#x", profiles[p].name, deeds[i].name, (unsigned)status);
        }
    }
}

static void aborts(void)
{
    abort();
}

static void an_abort_is_an_abort(void **state)
{
    (void)state;
    int status = status_of(CF_CALLS_DOOR, aborts);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_false(WCOREDUMP(status));
}

/* A thread that runs already is bound too: it ends the process. */
static pthread_barrier_t begin;

static void *opens_after_the_filter(void *arg)
{
    pthread_barrier_wait(&begin);
    pthread_barrier_wait(&begin);
    opens_to_read();
    return arg;
}

static void the_filter_binds_threads_that_run(void **state)
{
    (void)state;
    int status;
    if (!cf_confine_filters())
        skip();
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        pthread_t thread;
        pthread_barrier_init(&begin, NULL, 2);
        if (cf_confine_harden() != 0 || pthread_create(&thread, NULL, opens_after_the_filter, NULL) != 0)
            _exit(3);
        pthread_barrier_wait(&begin);
        if (cf_confine_filter(CF_CALLS_DOOR) != 0)
            _exit(4);
        pthread_barrier_wait(&begin);
        pthread_join(thread, NULL);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSYS);
}

/* ------------------------------------------------------------------ another user */

/* The hexadecimal or decimal number of a line of /proc/self/status. */
static unsigned long long own_status(const char *key, int base)
{
    char line[256];
    unsigned long long value = ~0ull;
    FILE *f = fopen("/proc/self/status", "re");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, key, strlen(key)) == 0)
            value = strtoull(line + strlen(key), NULL, base);
    if (f != NULL)
        fclose(f);
    return value;
}

/* In a child. Which expectation failed, or 0. */
static int become_nobody(void)
{
    struct cf_identity nobody;
    gid_t groups[8];
    if (cf_identity_find("65534", &nobody) != 0 || cf_identity_add_group(&nobody, 12345) != 0 ||
        cf_identity_add_group_named(&nobody, "12346") != 0)
        return 10;
    if (cf_confine_become(&nobody) != 0)
        return 11;
    if (getuid() != 65534 || geteuid() != 65534 || getgid() != nobody.gid || getegid() != nobody.gid)
        return 12;
    if (getgroups(8, groups) != 3 || groups[0] + groups[1] + groups[2] != 12345 + 12346 + nobody.gid)
        return 13;
    if (own_status("CapEff:", 16) != 0 || own_status("CapPrm:", 16) != 0 || own_status("CapInh:", 16) != 0 ||
        own_status("CapBnd:", 16) != 0 || own_status("CapAmb:", 16) != 0)
        return 14;
    if (setuid(0) == 0 || seteuid(0) == 0 || setgid(0) == 0 || setgroups(0, NULL) == 0)
        return 15;
    if (!cf_identity_possible(&nobody) || cf_confine_become(&nobody) != 0)
        return 16; /* who is it already stays it */
    nobody.groups[1] = 777;
    if (cf_identity_possible(&nobody))
        return 17;
    return 0;
}

static int harden_as_root(void)
{
    if (cf_confine_harden() != 0)
        return 20;
    if (own_status("CapEff:", 16) != 0 || own_status("CapPrm:", 16) != 0 || own_status("CapBnd:", 16) != 0)
        return 21;
    if (own_status("NoNewPrivs:", 10) != 1 || prctl(PR_GET_DUMPABLE) != 0)
        return 22;
    struct rlimit core;
    if (getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_cur != 0 || core.rlim_max != 0)
        return 23;
    if (setresuid(1, 1, 1) == 0)
        return 24;
    return 0;
}

static void expect_of_child(int (*work)(void))
{
    int status;
    if (geteuid() != 0)
        skip();
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        _exit(work());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void another_user_has_no_way_back(void **state)
{
    (void)state;
    expect_of_child(become_nobody);
}

static void root_without_capabilities_is_root_by_name(void **state)
{
    (void)state;
    if (!cf_confine_filters())
        skip();
    expect_of_child(harden_as_root);
}

static void users_and_groups_are_found_by_name_and_number(void **state)
{
    (void)state;
    struct cf_identity i;
    assert_int_equal(cf_identity_find("root", &i), 0);
    assert_true(i.set && i.uid == 0 && i.gid == 0 && i.groups_count >= 1 && i.groups[0] == 0);
    assert_int_equal(cf_identity_find("4200000", &i), 0);
    assert_true(i.uid == 4200000 && i.gid == 4200000 && i.groups_count == 1);
    assert_int_equal(cf_identity_find("no-such-user", &i), -ENOENT);
    assert_int_equal(cf_identity_find("4294967295", &i), -ENOENT);
    assert_int_equal(cf_identity_find("-1", &i), -ENOENT);
    assert_int_equal(cf_identity_find("12x", &i), -ENOENT);
    assert_int_equal(cf_identity_find("", &i), -ENOENT);
    assert_int_equal(cf_identity_add_group_named(&i, "no-such-group"), -ENOENT);
    assert_int_equal(cf_identity_add_group_named(&i, "root"), 0);
    assert_int_equal(i.groups_count, 2);
    assert_int_equal(cf_identity_add_group(&i, 0), 0);
    assert_int_equal(i.groups_count, 2); /* it was there */
    for (gid_t g = 1; g <= CF_GROUPS_MAX - 2; g++)
        assert_int_equal(cf_identity_add_group(&i, g), 0);
    assert_int_equal(cf_identity_add_group(&i, 99), -E2BIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_profile_may_what_it_needs_and_nothing_else),
        cmocka_unit_test(an_abort_is_an_abort),
        cmocka_unit_test(the_filter_binds_threads_that_run),
        cmocka_unit_test(another_user_has_no_way_back),
        cmocka_unit_test(root_without_capabilities_is_root_by_name),
        cmocka_unit_test(users_and_groups_are_found_by_name_and_number),
    };
    if (pipe2(before, O_CLOEXEC) != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
