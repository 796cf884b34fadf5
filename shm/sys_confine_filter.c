/*
 * The system calls that are left. A list of what is allowed, by class; what is refused with an error instead of the end is what
 * libraries try and do without.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "shm/sys_confine.h"

#ifndef F_ADD_SEALS
#define F_ADD_SEALS 1033
#define F_GET_SEALS 1034
#endif
#define SOCKET_KIND_MASK 0xf /* of a socket's type, without SOCK_CLOEXEC and SOCK_NONBLOCK */

enum { BASE = 0 };

static const struct {
    uint32_t calls; /* BASE: for everyone */
    int number;
} allowed[] = {
    /* memory; mmap and mprotect below */
    {BASE, SCMP_SYS(munmap)},
    {BASE, SCMP_SYS(mremap)},
    {BASE, SCMP_SYS(madvise)},
    {BASE, SCMP_SYS(brk)},
    /* threads that run, and the end */
    {BASE, SCMP_SYS(futex)},
    {BASE, SCMP_SYS(sched_yield)},
    {BASE, SCMP_SYS(exit)},
    {BASE, SCMP_SYS(exit_group)},
    {BASE, SCMP_SYS(restart_syscall)},
    /* signals; kill and tgkill below */
    {BASE, SCMP_SYS(rt_sigaction)},
    {BASE, SCMP_SYS(rt_sigprocmask)},
    {BASE, SCMP_SYS(rt_sigpending)},
    {BASE, SCMP_SYS(rt_sigtimedwait)},
    {BASE, SCMP_SYS(rt_sigreturn)},
    {BASE, SCMP_SYS(sigaltstack)},
    /* time, where the vDSO does not serve */
    {BASE, SCMP_SYS(clock_gettime)},
    {BASE, SCMP_SYS(clock_getres)},
    {BASE, SCMP_SYS(gettimeofday)},
    {BASE, SCMP_SYS(time)},
    {BASE, SCMP_SYS(nanosleep)},
    {BASE, SCMP_SYS(clock_nanosleep)},
    /* who am I; random bytes; how much memory and how many processors there are (qsort, malloc) */
    {BASE, SCMP_SYS(getpid)},
    {BASE, SCMP_SYS(getppid)},
    {BASE, SCMP_SYS(gettid)},
    {BASE, SCMP_SYS(getuid)},
    {BASE, SCMP_SYS(geteuid)},
    {BASE, SCMP_SYS(getgid)},
    {BASE, SCMP_SYS(getegid)},
    {BASE, SCMP_SYS(getrandom)},
    {BASE, SCMP_SYS(sysinfo)},
    {BASE, SCMP_SYS(sched_getaffinity)},
    /* descriptors that are there */
    {BASE, SCMP_SYS(read)},
    {BASE, SCMP_SYS(readv)},
    {BASE, SCMP_SYS(write)},
    {BASE, SCMP_SYS(writev)},
    {BASE, SCMP_SYS(preadv2)},
    {BASE, SCMP_SYS(pwritev2)},
    {BASE, SCMP_SYS(lseek)},
    {BASE, SCMP_SYS(close)},
    {BASE, SCMP_SYS(fstat)},
    {BASE, SCMP_SYS(poll)},
    {BASE, SCMP_SYS(ppoll)},
    {BASE, SCMP_SYS(recvmsg)},
    {BASE, SCMP_SYS(recvfrom)},
    {BASE, SCMP_SYS(sendmsg)},
    {BASE, SCMP_SYS(sendto)},
    {BASE, SCMP_SYS(shutdown)},
    {BASE, SCMP_SYS(getsockopt)},
    /* the core: its door, and both its threads' sleep */
    {CF_CALLS_DOOR, SCMP_SYS(accept4)},
    {CF_CALLS_DOOR, SCMP_SYS(memfd_create)},
    {CF_CALLS_DOOR, SCMP_SYS(ftruncate)},
    {CF_CALLS_DOOR, SCMP_SYS(fchmod)},
    {CF_CALLS_DOOR, SCMP_SYS(eventfd2)},
    {CF_CALLS_DOOR, SCMP_SYS(pidfd_open)},
    {CF_CALLS_DOOR, SCMP_SYS(epoll_ctl)},
    {CF_CALLS_DOOR, SCMP_SYS(epoll_wait)},
    {CF_CALLS_DOOR, SCMP_SYS(epoll_pwait)},
    {CF_CALLS_DOOR, SCMP_SYS(epoll_pwait2)},
    /* sockets; socket() below */
    {CF_CALLS_LOCAL | CF_CALLS_INTERNET, SCMP_SYS(connect)},
    {CF_CALLS_LOCAL | CF_CALLS_INTERNET, SCMP_SYS(setsockopt)},
    {CF_CALLS_INTERNET, SCMP_SYS(bind)},
    {CF_CALLS_INTERNET, SCMP_SYS(listen)},
    {CF_CALLS_INTERNET, SCMP_SYS(accept4)},
    {CF_CALLS_INTERNET, SCMP_SYS(getsockname)},
    {CF_CALLS_INTERNET, SCMP_SYS(getpeername)},
    {CF_CALLS_INTERNET, SCMP_SYS(eventfd2)}, /* the spare descriptor of who accepts */
    /* a ring, which has restrictions of its own */
    {CF_CALLS_URING, SCMP_SYS(io_uring_enter)},
    {CF_CALLS_URING, SCMP_SYS(io_uring_register)},
};

/* Calls with one argument that must have a value: (argument & mask) == value. */
static const struct {
    uint32_t calls;
    int number;
    unsigned argument;
    uint64_t mask, value;
} allowed_if[] = {
    {BASE, SCMP_SYS(mmap), 2, PROT_EXEC, 0},
    {BASE, SCMP_SYS(mprotect), 2, PROT_EXEC, 0},
    {BASE, SCMP_SYS(newfstatat), 3, UINT32_MAX, AT_EMPTY_PATH}, /* fstat() of glibc */
    {BASE, SCMP_SYS(prctl), 0, UINT32_MAX, PR_SET_NAME},
    {BASE, SCMP_SYS(fcntl), 1, UINT32_MAX, F_GETFL},
    {BASE, SCMP_SYS(fcntl), 1, UINT32_MAX, F_GET_SEALS},
    {CF_CALLS_DOOR, SCMP_SYS(fcntl), 1, UINT32_MAX, F_ADD_SEALS},
    {CF_CALLS_DOOR, SCMP_SYS(fcntl), 1, UINT32_MAX, F_DUPFD_CLOEXEC},
    {CF_CALLS_DOOR, SCMP_SYS(socketpair), 0, UINT32_MAX, AF_UNIX},
    {CF_CALLS_TTY, SCMP_SYS(openat), 2, O_ACCMODE | O_CREAT | O_TRUNC | O_NOCTTY | O_NONBLOCK,
     O_RDWR | O_NOCTTY | O_NONBLOCK},
    {CF_CALLS_TTY, SCMP_SYS(ioctl), 1, UINT32_MAX, TCGETS},
    {CF_CALLS_TTY, SCMP_SYS(ioctl), 1, UINT32_MAX, TCSETS},
    {CF_CALLS_TTY, SCMP_SYS(ioctl), 1, UINT32_MAX, TCFLSH},
    {CF_CALLS_TTY, SCMP_SYS(ioctl), 1, UINT32_MAX, TIOCEXCL},
};

/* Sockets by family and kind. */
static const struct {
    uint32_t calls;
    int family, kind;
} sockets[] = {
    {CF_CALLS_LOCAL, AF_UNIX, SOCK_SEQPACKET},   {CF_CALLS_INTERNET, AF_INET, SOCK_DGRAM},
    {CF_CALLS_INTERNET, AF_INET, SOCK_STREAM},   {CF_CALLS_INTERNET, AF_INET6, SOCK_DGRAM},
    {CF_CALLS_INTERNET, AF_INET6, SOCK_STREAM},
};

#define LENGTH(table) (sizeof(table) / sizeof(table)[0])

static bool wanted(uint32_t of, uint32_t calls)
{
    return of == BASE || (of & calls) != 0;
}

/* Only to itself: abort(), and a test's crash. */
static int allow_own_signals(scmp_filter_ctx filter)
{
    const struct scmp_arg_cmp self = SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid());
    int error = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(kill), 1, &self);
    return error != 0 ? error : seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, &self);
}

/* What stdio and allocators try, and do without. */
static int refuse_mildly(scmp_filter_ctx filter, uint32_t calls)
{
    const struct scmp_arg_cmp names_memory = SCMP_A0(SCMP_CMP_MASKED_EQ, UINT32_MAX, 0x53564d41); /* PR_SET_VMA */
    const struct scmp_arg_cmp is_a_terminal = SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, TCGETS);
    int error = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EINVAL), SCMP_SYS(prctl), 1, &names_memory);
    if (error == 0 && (calls & CF_CALLS_TTY) == 0)
        error = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(ENOTTY), SCMP_SYS(ioctl), 1, &is_a_terminal);
    return error;
}

static int fill(scmp_filter_ctx filter, uint32_t calls)
{
    int error = 0;
    for (size_t i = 0; i < LENGTH(allowed) && error == 0; i++)
        if (wanted(allowed[i].calls, calls))
            error = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, allowed[i].number, 0, NULL);
    for (size_t i = 0; i < LENGTH(allowed_if) && error == 0; i++) {
        const struct scmp_arg_cmp is =
            SCMP_CMP64(allowed_if[i].argument, SCMP_CMP_MASKED_EQ, allowed_if[i].mask, allowed_if[i].value);
        if (wanted(allowed_if[i].calls, calls))
            error = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, allowed_if[i].number, 1, &is);
    }
    for (size_t i = 0; i < LENGTH(sockets) && error == 0; i++) {
        const struct scmp_arg_cmp is[] = {
            SCMP_A0(SCMP_CMP_MASKED_EQ, UINT32_MAX, (scmp_datum_t)sockets[i].family),
            SCMP_A1(SCMP_CMP_MASKED_EQ, SOCKET_KIND_MASK, (scmp_datum_t)sockets[i].kind)};
        if (wanted(sockets[i].calls, calls))
            error = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2, is);
    }
    if (error == 0)
        error = allow_own_signals(filter);
    return error != 0 ? error : refuse_mildly(filter, calls);
}

int cf_confine_filter(uint32_t calls)
{
    if (!cf_confine_filters())
        return 0;
    tzset(); /* what gmtime_r() would open */
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (filter == NULL)
        return -ENOMEM;
    int error = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (error == 0)
        error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree of numbers, not a chain; libseccomp 2.5 */
    seccomp_attr_set(filter, SCMP_FLTATR_CTL_SSB, 1);      /* no slower loads for it; libseccomp 2.5 */
    if (error == 0)
        error = fill(filter, calls);
    if (error == 0)
        error = seccomp_load(filter);
    seccomp_release(filter);
    return error;
}
