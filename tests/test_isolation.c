/*
 * An application tries everything against what it was given, against other applications, providers, core and keeper: once as another
 * user, once as the user of the service itself. Each try has one outcome that is right; afterwards the others are served as before.
 *
 * Shape      the service runs as SERVICE_UID; a victim application as VICTIM_UID; the attacker is a child process, so that what it
 *            does to itself ends with it. A try returns 0 when the system lets it do it, else the errno
 */
#define _GNU_SOURCE
#include "tests/test_keeper_peer.h"

#include <grp.h>
#include <liburing.h>
#include <linux/userfaultfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "shm/sys_confine.h"

/* ctest-timeout: 180 */

enum { SERVICE_UID = 65534, ATTACKER_UID = 65533, VICTIM_UID = 65532 };

#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif

/* Outcomes beside an errno: the system let it happen, as it may; this system has not got the way that was tried. */
enum { HARMLESS = 0, NOT_HERE = -1 };

static struct daemon d;

/* What an attacker knows and has. */
static struct {
    struct peer own;
    pid_t keeper, core, provider, victim, twin; /* twin: an application of its own user */
    int twin_fds[2];                            /* the twin's down and up object, as numbers in that process */
    char byte;
} me;

static int result_of(long rc)
{
    return rc < 0 ? errno : 0;
}

static int done_with(int fd)
{
    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

static int opened(int flags, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int opened(int flags, const char *format, ...)
{
    char path[128];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(path, sizeof path, format, arguments);
    va_end(arguments);
    return open(path, flags | O_CLOEXEC);
}

static int map_writable(int fd, size_t bytes)
{
    void *m = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (m == MAP_FAILED)
        return errno;
    munmap(m, bytes);
    return 0;
}

#define DOWN_FD    me.own.fds[0]
#define UP_FD      me.own.fds[1]
#define BELL_READ  me.own.fds[2]
#define BELL_WRITE me.own.fds[3]
#define DOWN       ((void *)me.own.down)
#define UP         ((void *)me.own.up)
#define DOWN_BYTES ((size_t)me.own.welcome.down_bytes)
#define UP_BYTES   ((size_t)me.own.welcome.up_bytes)

/* ------------------------------------------------------------------ the down object: the core alone writes it */

static int map_down_to_write(void)
{
    return map_writable(DOWN_FD, DOWN_BYTES);
}

static int make_the_mapping_of_down_writable(void)
{
    return result_of(mprotect(DOWN, DOWN_BYTES, PROT_READ | PROT_WRITE));
}

static int make_a_second_mapping_of_down_writable(void)
{
    void *second = mremap(DOWN, 0, DOWN_BYTES, MREMAP_MAYMOVE);
    if (second == MAP_FAILED)
        return 0x1000 + errno;
    int error = result_of(mprotect(second, DOWN_BYTES, PROT_READ | PROT_WRITE));
    munmap(second, DOWN_BYTES);
    return error;
}

static int write_down(void)
{
    return result_of(pwrite(DOWN_FD, &me.byte, 1, 0));
}

static int splice_into_down(void)
{
    int ends[2];
    loff_t at = 0;
    if (pipe2(ends, O_CLOEXEC) != 0 || write(ends[1], "x", 1) != 1)
        return 0x1000 + errno;
    int error = result_of(splice(ends[0], NULL, DOWN_FD, &at, 1, 0));
    close(ends[0]);
    close(ends[1]);
    return error;
}

static int copy_up_over_down(void)
{
    loff_t from = 0, to = 0;
    return result_of(copy_file_range(UP_FD, &from, DOWN_FD, &to, 64, 0));
}

static int shrink_down(void)
{
    return result_of(ftruncate(DOWN_FD, 0));
}

static int grow_down(void)
{
    return result_of(ftruncate(DOWN_FD, (off_t)DOWN_BYTES * 2));
}

static int grow_down_by_allocating(void)
{
    return result_of(fallocate(DOWN_FD, 0, 0, (off_t)DOWN_BYTES * 2));
}

static int punch_down(void)
{
    return result_of(fallocate(DOWN_FD, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096));
}

static int remove_pages_of_down(void)
{
    return result_of(madvise(DOWN, 4096, MADV_REMOVE));
}

static int seal_down(void)
{
    return result_of(fcntl(DOWN_FD, F_ADD_SEALS, F_SEAL_WRITE));
}

static int reopen_down_to_write(void)
{
    int fd = opened(O_RDWR, "/proc/self/fd/%d", DOWN_FD);
    if (fd < 0)
        return errno;
    int error = map_writable(fd, DOWN_BYTES);
    close(fd);
    return error;
}

static int change_the_mode_of_down(void)
{
    return result_of(fchmod(DOWN_FD, 0600));
}

/* After the change of mode: who could make it writable by name gets no further. */
static int reopen_down_and_map_it(void)
{
    return reopen_down_to_write();
}

static int reopen_down_to_read_and_protect(void)
{
    int fd = opened(O_RDONLY, "/proc/self/fd/%d", DOWN_FD);
    if (fd < 0)
        return errno;
    void *m = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    int error = m == MAP_FAILED ? 0x1000 + errno : result_of(mprotect(m, 4096, PROT_READ | PROT_WRITE));
    close(fd);
    return error;
}

static int give_down_away(void)
{
    return result_of(fchown(DOWN_FD, getuid(), getgid()));
}

static int write_down_through_own_memory_file(void)
{
    int fd = opened(O_RDWR, "/proc/self/mem");
    if (fd < 0)
        return 0x1000 + errno;
    int error = result_of(pwrite(fd, &me.byte, 1, (off_t)(uintptr_t)DOWN));
    close(fd);
    return error;
}

static int write_down_as_another_process_would(void)
{
    struct iovec from = {&me.byte, 1}, to = {DOWN, 1};
    return result_of(process_vm_writev(getpid(), &from, 1, &to, 1, 0));
}

static int let_the_kernel_read_into_down(void)
{
    int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    int error = result_of(read(fd, DOWN, 64));
    close(fd);
    return error;
}

/* What io_uring answers to one entry, or a failure to register. */
static int ring_reads(void *to, bool registered)
{
    struct io_uring ring;
    struct io_uring_cqe *cqe;
    struct iovec part = {to, 4096};
    if (io_uring_queue_init(4, &ring, 0) != 0)
        return NOT_HERE;
    int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC), error = 0;
    if (registered) {
        error = -io_uring_register_buffers(&ring, &part, 1);
    } else {
        io_uring_prep_read(io_uring_get_sqe(&ring), fd, to, 64, 0);
        if (io_uring_submit_and_wait(&ring, 1) != 1 || io_uring_peek_cqe(&ring, &cqe) != 0)
            error = 0x2000;
        else
            error = cqe->res < 0 ? -cqe->res : 0;
    }
    io_uring_queue_exit(&ring);
    close(fd);
    return error;
}

static int let_a_ring_read_into_down(void)
{
    return ring_reads(DOWN, false);
}

static int register_down_with_a_ring(void)
{
    return ring_reads(DOWN, true);
}

static int handle_page_faults_of(void *memory, size_t bytes)
{
    struct uffdio_api api = {.api = UFFD_API};
    struct uffdio_register r = {.range = {(uintptr_t)memory, bytes}, .mode = UFFDIO_REGISTER_MODE_MISSING};
    int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
    if (fd < 0)
        return NOT_HERE;
    int error = ioctl(fd, UFFDIO_API, &api) != 0 ? 0x1000 + errno : result_of(ioctl(fd, UFFDIO_REGISTER, &r));
    close(fd);
    return error;
}

static int handle_page_faults_of_down(void)
{
    return handle_page_faults_of(DOWN, DOWN_BYTES);
}

static int execute_down(void)
{
    char *const argv[] = {(char *)"x", NULL};
    return result_of(fexecve(DOWN_FD, argv, argv + 1));
}

static int merge_pages_of_down(void)
{
    int error = result_of(madvise(DOWN, DOWN_BYTES, MADV_MERGEABLE));
    return error == EINVAL ? 0 : error; /* a kernel without it */
}

static int lock_down_and_up(void)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int error = result_of(fcntl(UP_FD, F_SETLK, &whole));
    if (error == 0)
        error = result_of(flock(DOWN_FD, LOCK_EX | LOCK_NB));
    return error != 0 ? error : result_of(flock(UP_FD, LOCK_EX | LOCK_NB));
}

static int lease_down(void)
{
    return result_of(fcntl(DOWN_FD, F_SETLEASE, F_WRLCK));
}

static int change_flags_of_down(void)
{
    return result_of(fcntl(DOWN_FD, F_SETFL, O_APPEND | O_NONBLOCK));
}

/* ------------------------------------------------------------------ the up object: its own, but not its size */

static int shrink_up(void)
{
    return result_of(ftruncate(UP_FD, 0));
}

static int grow_up(void)
{
    return result_of(ftruncate(UP_FD, (off_t)UP_BYTES * 2));
}

static int grow_up_by_writing(void)
{
    return result_of(pwrite(UP_FD, &me.byte, 1, (off_t)UP_BYTES));
}

static int seal_up(void)
{
    return result_of(fcntl(UP_FD, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
}

static int register_up_with_a_ring(void)
{
    return ring_reads(UP, true);
}

static int punch_up(void)
{
    return result_of(fallocate(UP_FD, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)UP_BYTES));
}

static int remove_pages_of_up(void)
{
    return result_of(madvise(UP, UP_BYTES, MADV_REMOVE));
}

/* ------------------------------------------------------------------ bells */

static int make_own_ends_block(void)
{
    int error = result_of(fcntl(BELL_READ, F_SETFL, 0));
    return error != 0 ? error : result_of(fcntl(BELL_WRITE, F_SETFL, 0));
}

/* They are no pipes. */
static int enlarge_bells(void)
{
    int error = result_of(fcntl(BELL_READ, F_SETPIPE_SZ, 1 << 20));
    return error != 0 ? error : result_of(fcntl(BELL_WRITE, F_SETPIPE_SZ, 1 << 20));
}

static int fill_the_up_bell(void)
{
    static const uint64_t most = UINT64_MAX - 1;
    if (fcntl(BELL_WRITE, F_SETFL, O_NONBLOCK) != 0)
        return errno;
    for (int i = 0; i < 4096 && write(BELL_WRITE, &most, sizeof most) > 0; i++)
        continue;
    return 0;
}

static int ring_the_down_bell(void)
{
    return result_of(send(BELL_READ, &me.byte, 1, MSG_NOSIGNAL));
}

static int reopen_the_down_bell_to_write(void)
{
    return done_with(opened(O_WRONLY | O_NONBLOCK, "/proc/self/fd/%d", BELL_READ));
}

/* The bell tells the core of its own news by a signal. Refused when it would be sent, not when it is asked for. */
static int make_bells_signal(pid_t to)
{
    if (fcntl(BELL_READ, F_SETOWN, to) != 0 || fcntl(BELL_WRITE, F_SETOWN, to) != 0)
        return errno;
    if (fcntl(BELL_READ, F_SETFL, O_ASYNC | O_NONBLOCK) != 0 || fcntl(BELL_WRITE, F_SETFL, O_ASYNC | O_NONBLOCK) != 0)
        return errno;
    for (int i = 0; i < 4; i++) {
        if (!peer_ping(&me.own))
            return 0x1000;
        (void)!write(BELL_WRITE, &(uint64_t){1}, sizeof(uint64_t));
    }
    return 0;
}

static int make_bells_signal_the_core(void)
{
    return make_bells_signal(me.core);
}

/* ------------------------------------------------------------------ the processes of the service */

static int trace(pid_t pid)
{
    int error = result_of(ptrace(PTRACE_SEIZE, pid, NULL, NULL));
    if (error == 0)
        ptrace(PTRACE_DETACH, pid, NULL, NULL);
    return error;
}

static int write_memory_of(pid_t pid)
{
    struct iovec from = {&me.byte, 1}, to = {&me.byte, 1};
    return result_of(process_vm_writev(pid, &from, 1, &to, 1, 0));
}

static int take_descriptor_of(pid_t pid, int fd)
{
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    int taken = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
    int error = errno;
    close(pidfd);
    if (taken < 0)
        return error;
    close(taken);
    return 0;
}

/* One outcome for all the ways into a process: 0 when one was open. */
static int enter(pid_t pid)
{
    static const char *const files[] = {"fd", "fd/0", "fd/3", "mem", "maps", "environ", "map_files", "fdinfo", "cwd"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        int fd = opened(O_RDONLY, "/proc/%d/%s", (int)pid, files[i]);
        if (fd < 0 && errno != EACCES && errno != EPERM && errno != ENOENT)
            return 0x1000 + errno;
        if (fd >= 0) {
            fprintf(stderr, "/proc/%d/%s is open\n", (int)pid, files[i]);
            close(fd);
            return 0;
        }
    }
    const int tries[] = {trace(pid), write_memory_of(pid), take_descriptor_of(pid, 0), take_descriptor_of(pid, 3)};
    for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++)
        if (tries[i] != EPERM)
            return 0x2000 + tries[i];
    return EPERM;
}

static int enter_keeper(void)
{
    return enter(me.keeper);
}

static int enter_core(void)
{
    return enter(me.core);
}

static int enter_provider(void)
{
    return enter(me.provider);
}

static int enter_another_user_s_application(void)
{
    return enter(me.victim);
}

static int signal_keeper(void)
{
    return result_of(kill(me.keeper, 0));
}

static int signal_core(void)
{
    return result_of(kill(me.core, 0));
}

static int limit_core(void)
{
    struct rlimit l;
    return result_of(prlimit(me.core, RLIMIT_NOFILE, NULL, &l));
}

static int move_the_socket_away(void)
{
    char away[128];
    snprintf(away, sizeof away, "%s.away", d.socket);
    int error = result_of(rename(d.socket, away));
    if (error == 0 && rename(away, d.socket) != 0)
        return 0x1000 + errno;
    return error;
}

static int change_the_mode_of_the_socket(void)
{
    return result_of(chmod(d.socket, 0666));
}

/* ------------------------------------------------------------------ an application of the same user */

/* Yama forbids to trace others but one's own children. */
static bool yama_forbids(void)
{
    char scope = '0';
    int fd = opened(O_RDONLY, "/proc/sys/kernel/yama/ptrace_scope");
    if (fd < 0)
        return false;
    bool forbids = read(fd, &scope, 1) == 1 && scope != '0';
    close(fd);
    return forbids;
}

static int take_the_up_object_of_the_twin(void)
{
    if (yama_forbids())
        return NOT_HERE;
    return take_descriptor_of(me.twin, me.twin_fds[1]);
}

static int reopen_the_down_object_of_the_twin(void)
{
    return done_with(opened(O_RDWR, "/proc/%d/fd/%d", (int)me.twin, me.twin_fds[0]));
}

/* Even in the hands of a stranger it is read only. */
static int write_the_down_object_of_the_twin(void)
{
    if (yama_forbids())
        return NOT_HERE;
    int pidfd = (int)syscall(SYS_pidfd_open, me.twin, 0);
    int taken = (int)syscall(SYS_pidfd_getfd, pidfd, me.twin_fds[0], 0);
    close(pidfd);
    if (taken < 0)
        return 0x1000 + errno;
    int error = map_writable(taken, 4096);
    close(taken);
    return error;
}

/* ------------------------------------------------------------------ the table */

#define TRY(function, stranger, insider)                                                                               \
    {                                                                                                                  \
#function, function, stranger, insider                                                                         \
    }

static const struct {
    const char *name;
    int (*attempt)(void);
    int stranger, insider; /* outcome for another user, for the user of the service */
} tries[] = {
    TRY(map_down_to_write, EPERM, EPERM),
    TRY(make_the_mapping_of_down_writable, EACCES, EACCES),
    TRY(make_a_second_mapping_of_down_writable, EACCES, EACCES),
    TRY(write_down, EPERM, EPERM),
    TRY(splice_into_down, EPERM, EPERM),
    TRY(copy_up_over_down, EPERM, EPERM),
    TRY(shrink_down, EPERM, EPERM),
    TRY(grow_down, EPERM, EPERM),
    TRY(grow_down_by_allocating, EPERM, EPERM),
    TRY(punch_down, EPERM, EPERM),
    TRY(remove_pages_of_down, EACCES, EACCES),
    TRY(seal_down, EPERM, EPERM),
    TRY(reopen_down_to_write, EACCES, EACCES),
    TRY(reopen_down_to_read_and_protect, EACCES, EACCES),
    TRY(change_the_mode_of_down, EPERM, HARMLESS),
    TRY(reopen_down_and_map_it, EACCES, EPERM),
    TRY(give_down_away, EPERM, HARMLESS),
    TRY(write_down_through_own_memory_file, EIO, EIO),
    TRY(write_down_as_another_process_would, EFAULT, EFAULT),
    TRY(let_the_kernel_read_into_down, EFAULT, EFAULT),
    TRY(let_a_ring_read_into_down, EFAULT, EFAULT),
    TRY(register_down_with_a_ring, EFAULT, EFAULT),
    TRY(handle_page_faults_of_down, EPERM, EPERM),
    TRY(execute_down, EACCES, EACCES),
    TRY(merge_pages_of_down, HARMLESS, HARMLESS),
    TRY(lock_down_and_up, HARMLESS, HARMLESS),
    TRY(lease_down, EACCES, EAGAIN),
    TRY(change_flags_of_down, HARMLESS, HARMLESS),
    TRY(shrink_up, EPERM, EPERM),
    TRY(grow_up, EPERM, EPERM),
    TRY(grow_up_by_writing, EPERM, EPERM),
    TRY(seal_up, EPERM, EPERM),
    TRY(make_own_ends_block, HARMLESS, HARMLESS),
    TRY(enlarge_bells, EBADF, EBADF),
    TRY(fill_the_up_bell, HARMLESS, HARMLESS),
    TRY(ring_the_down_bell, EPIPE, EPIPE),
    TRY(reopen_the_down_bell_to_write, ENXIO, ENXIO),
    TRY(enter_keeper, EPERM, EPERM),
    TRY(enter_core, EPERM, EPERM),
    TRY(enter_provider, EPERM, EPERM),
    TRY(enter_another_user_s_application, EPERM, EPERM),
    TRY(signal_keeper, EPERM, EPERM),
    TRY(signal_core, EPERM, HARMLESS), /* not closed: docs/SECURITY.md */
    TRY(limit_core, EPERM, HARMLESS),  /* not closed */
    TRY(move_the_socket_away, EACCES, EACCES),
    TRY(change_the_mode_of_the_socket, EPERM, HARMLESS),     /* not closed */
    TRY(take_the_up_object_of_the_twin, HARMLESS, HARMLESS), /* not closed */
    TRY(reopen_the_down_object_of_the_twin, EACCES, EACCES),
    TRY(write_the_down_object_of_the_twin, EPERM, EPERM),
    TRY(register_up_with_a_ring, HARMLESS, HARMLESS),
    TRY(punch_up, HARMLESS, HARMLESS), /* the last: its own port is spoilt */
    TRY(remove_pages_of_up, HARMLESS, HARMLESS),
};

/* Where the keeper is of that user too, as under a service manager: what else is open. It is no way into the keeper. */
static int outcome_of_an_insider(size_t i, bool keeper_too)
{
    return keeper_too && (tries[i].attempt == signal_keeper || tries[i].attempt == move_the_socket_away)
               ? HARMLESS
               : tries[i].insider;
}

/* Only for a stranger: who may signal the core by kill(2) may as well do it so. */
static int stranger_s_signals(void)
{
    return make_bells_signal_the_core();
}

/* ------------------------------------------------------------------ the processes of the test */

static void become(uid_t uid)
{
    if (setgroups(0, NULL) != 0 || setresgid(uid, uid, uid) != 0 || setresuid(uid, uid, uid) != 0)
        _exit(90);
    prctl(PR_SET_DUMPABLE, 1); /* as a program that was started by that user */
}

/* An application that answers each byte by a ping. */
struct guest {
    pid_t pid;
    int ask[2], answer[2];
    int fds[2]; /* numbers of its objects */
};

static void guest_start(struct guest *g, uid_t uid)
{
    assert_int_equal(pipe2(g->ask, O_CLOEXEC), 0);
    assert_int_equal(pipe2(g->answer, O_CLOEXEC), 0);
    g->pid = fork();
    assert_true(g->pid >= 0);
    if (g->pid == 0) {
        static struct peer p;
        char byte;
        become(uid);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(g->ask[1]);
        peer_attach_application(&p, &d, "guest");
        if (write(g->answer[1], p.fds, 2 * sizeof(int)) < 0)
            _exit(91);
        while (read(g->ask[0], &byte, 1) == 1 && byte == '?') {
            byte = peer_ping(&p) ? 'y' : 'n';
            if (write(g->answer[1], &byte, 1) != 1)
                _exit(92);
        }
        _exit(0);
    }
    close(g->ask[0]);
    close(g->answer[1]);
    assert_int_equal(read(g->answer[0], g->fds, sizeof g->fds), sizeof g->fds);
}

static bool guest_is_served(const struct guest *g)
{
    char byte = 'n';
    return write(g->ask[1], "?", 1) == 1 && read(g->answer[0], &byte, 1) == 1 && byte == 'y';
}

static void guest_stop(struct guest *g)
{
    int status;
    assert_int_equal(write(g->ask[1], "!", 1), 1);
    close(g->ask[1]);
    close(g->answer[0]);
    assert_int_equal(waitpid(g->pid, &status, 0), g->pid);
    assert_int_equal(status, 0);
}

static int wrong_outcomes(bool insider, bool keeper_too)
{
    int wrong = 0;
    for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
        int want = insider ? outcome_of_an_insider(i, keeper_too) : tries[i].stranger;
        int got = tries[i].attempt();
        if (got == want || got == NOT_HERE)
            continue;
        wrong++;
        fprintf(stderr, "%s: %s: outcome %#x (%s), not %d (%s)\n", insider ? "insider" : "stranger", tries[i].name,
                (unsigned)got, strerror(got & 0xFFF), want, strerror(want));
    }
    return wrong;
}

/* In a child. */
static int attack(uid_t uid, bool keeper_too)
{
    bool insider = uid == SERVICE_UID;
    become(uid);
    peer_attach_application(&me.own, &d, "attacker");
    if (!peer_ping(&me.own))
        return 93;
    if (!insider && stranger_s_signals() != 0)
        return 94;
    return wrong_outcomes(insider, keeper_too) != 0 ? 95 : 0;
}

/* Starts callfand as root, or as the user of the service. */
static void start(uid_t keeper)
{
    int log[2];
    daemon_folder(&d);
    assert_int_equal(chmod(d.folder, 0755), 0);
    assert_int_equal(chown(d.folder, keeper, keeper), 0);
    daemon_configure(&d,
                     "user = \"65534\"\nsocket_mode = 0666\n"
                     "access all { users = {\"65532\", \"65533\"} monitor = {\"*\"} own = {\"*\"} }\n"
                     "provider sim { command = \"callfan-sim\" lines = 2 }\n");
    assert_int_equal(pipe2(log, O_CLOEXEC), 0);
    d.pid = fork();
    assert_true(d.pid >= 0);
    if (d.pid == 0) {
        dup2(log[1], STDERR_FILENO);
        if (keeper != 0)
            become(keeper);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execl(daemon_program(), "callfand", "--config", d.config, (char *)NULL);
        _exit(126);
    }
    close(log[1]);
    d.log_fd = log[0];
    daemon_wait_log(&d, "attached to");
}

static void service_withstands(uid_t uid, uid_t keeper)
{
    struct guest victim, twin;
    struct peer witness;
    int status;
    if (geteuid() != 0 || !cf_confine_filters())
        skip();
    start(keeper);
    peer_attach_application(&witness, &d, "witness");
    guest_start(&victim, VICTIM_UID);
    guest_start(&twin, uid);
    me.keeper = d.pid;
    me.core = daemon_core(&d);
    me.provider = daemon_provider(&d, "sim");
    me.victim = victim.pid;
    me.twin = twin.pid;
    memcpy(me.twin_fds, twin.fds, sizeof me.twin_fds);
    fflush(NULL);
    pid_t attacker = fork();
    if (attacker == 0)
        _exit(attack(uid, keeper == uid));
    assert_int_equal(waitpid(attacker, &status, 0), attacker);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("the attacker ended with %#x\n%s", (unsigned)status, d.log);
    assert_int_equal(daemon_core(&d), me.core);
    assert_int_equal(daemon_provider(&d, "sim"), me.provider);
    assert_true(peer_ping(&witness));
    assert_true(guest_is_served(&victim));
    assert_true(guest_is_served(&twin));
    peer_close(&witness);
    guest_stop(&victim);
    guest_stop(&twin);
    daemon_stop(&d);
}

static void a_stranger_reaches_only_its_own_port(void **state)
{
    (void)state;
    service_withstands(ATTACKER_UID, 0);
}

/* What is not closed to it is in docs/SECURITY.md. */
static void the_user_of_the_service_cannot_write_what_the_core_wrote(void **state)
{
    (void)state;
    service_withstands(SERVICE_UID, 0);
}

static void nor_can_it_enter_the_keeper_of_its_own_user(void **state)
{
    (void)state;
    service_withstands(SERVICE_UID, SERVICE_UID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stranger_reaches_only_its_own_port),
        cmocka_unit_test(the_user_of_the_service_cannot_write_what_the_core_wrote),
        cmocka_unit_test(nor_can_it_enter_the_keeper_of_its_own_user),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
