/* What an application can do to the service with its descriptors: bells, sockets, and those that it sends. */
#define _GNU_SOURCE 1
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include <linux/userfaultfd.h>

#include "tests/e2e/hostile/hostile.h"

enum { PINGS = 64, PACKET_FDS = 64, PORTS_MAX = 512, VISITORS_MAX = 256, LISTENERS = 8, WATCHERS_MAX = 60000 };

static void on_alarm(int number)
{
    (void)number; /* so that a call which blocks returns */
}

static void interrupt_every(int64_t us)
{
    struct sigaction action = {.sa_handler = on_alarm};
    struct itimerval timer = {{us / 1000000, us % 1000000}, {us / 1000000, us % 1000000}};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &timer, NULL);
}

/* So that the core has something to answer and to ring for. */
static void ping(struct hostile *h)
{
    struct cf_record r;
    for (int i = 0; i < PINGS; i++, h->acts++) {
        raw_record(&r, CF_REQ_PING, 0, 0, 0, 0)->m.flags = (uint8_t)(i % CF_REPLY_SLOTS);
        cf_store_relaxed_64(&h->port.up->wake_at, cf_load_relaxed_64(&h->port.down->down.tail));
        if (!raw_put(&h->port, &r, raw_now_ns() + 1000000))
            return;
    }
}

/* ------------------------------------------------------------------ nonblock, drain */

/* As full as it gets, whatever it is; made blocking afterwards, so that only others can be kept by it. */
static void fill(int fd)
{
    static const uint64_t words[512] = {1, 1, 1, 1};
    uint64_t nearly = UINT64_MAX - 1;
    fcntl(fd, F_SETFL, O_NONBLOCK);
    ssize_t n = write(fd, &nearly, sizeof nearly); /* an eventfd is full then, a pipe or a socket is not */
    for (int i = 0; i < 32 && n >= 0; i++)
        n = write(fd, words, sizeof words);
    fcntl(fd, F_SETFL, 0);
}

static void empty(int fd)
{
    uint8_t bytes[4096];
    struct pollfd f = {.fd = fd, .events = POLLIN};
    for (int i = 0; i < 64 && poll(&f, 1, 0) == 1 && read(fd, bytes, sizeof bytes) > 0; i++)
        ;
}

/* The other end of it, when the kernel lets us have it. */
static int reopen(int fd, int flags)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return open(path, flags | O_CLOEXEC);
}

static void fill_all(struct hostile *h)
{
    const int bells[] = {h->port.fds[RAW_DOWN_BELL], h->port.fds[RAW_UP_BELL]};
    for (int i = 0; i < 2; i++) {
        int other = reopen(bells[i], O_RDWR | O_NONBLOCK);
        fcntl(bells[i], F_SETPIPE_SZ, raw_below(&h->random, 2) == 0 ? 4096 : 1 << 20);
        fill(bells[i]);
        if (other >= 0) {
            fill(other);
            close(other);
        }
    }
    for (int i = 0; i < RAW_FDS; i++)
        fcntl(h->port.fds[i], F_SETFL, 0);
    fcntl(h->port.socket, F_SETFL, 0);
}

static void close_end(struct hostile *h)
{
    int *fd = &h->port.fds[raw_below(&h->random, RAW_FDS)];
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void hostile_nonblock(struct hostile *h)
{
    h->hello.wake_interval_us = 0;
    interrupt_every(5000);
    while (hostile_join(h)) {
        fill_all(h);
        ping(h);
        if (raw_below(&h->random, 8) == 0) {
            close_end(h);
            ping(h);
            hostile_leave(h);
        }
    }
    interrupt_every(0);
}

void hostile_drain(struct hostile *h)
{
    uint8_t byte = 1;
    interrupt_every(5000);
    while (hostile_join(h)) {
        int up = reopen(h->port.fds[RAW_UP_BELL], O_RDONLY | O_NONBLOCK),
            down = reopen(h->port.fds[RAW_DOWN_BELL], O_WRONLY | O_NONBLOCK);
        for (int i = 0; i < PINGS && !raw_hung_up(&h->port); i++) {
            ping(h);
            empty(up >= 0 ? up : h->port.fds[RAW_UP_BELL]);
            empty(h->port.fds[RAW_DOWN_BELL]);
            ssize_t n = write(down >= 0 ? down : h->port.fds[RAW_DOWN_BELL], &byte, 1);
            (void)n;
        }
        if (up >= 0)
            close(up);
        if (down >= 0)
            close(down);
    }
    interrupt_every(0);
}

/* ------------------------------------------------------------------ fault */

/*
 * A page that is not there when the kernel copies to or from it: the copy waits within the system call, and with it whoever needs a lock that
 * the call holds. userfaultfd(2) makes it wait for as long as we like; without that right a hole that is being punched does for a while.
 */
struct slow_page {
    uint8_t *at;
    size_t bytes;
    int fd; /* userfaultfd, or the memfd that gets holes */
    bool punched;
    uint32_t stop;
};

enum { SLOW_BYTES = 64 << 20 };

static bool slow_page_init(struct slow_page *s)
{
    *s = (struct slow_page){.fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK)};
    struct uffdio_api api = {.api = UFFD_API};
    if (s->fd >= 0 && ioctl(s->fd, UFFDIO_API, &api) == 0) {
        s->bytes = 4096;
        s->at = mmap(NULL, s->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        struct uffdio_register reg = {.range = {(uintptr_t)s->at, s->bytes}, .mode = UFFDIO_REGISTER_MODE_MISSING};
        if (s->at != MAP_FAILED && ioctl(s->fd, UFFDIO_REGISTER, &reg) == 0)
            return true;
    }
    if (s->fd >= 0)
        close(s->fd);
    s->punched = true;
    s->bytes = SLOW_BYTES;
    s->fd = memfd_create("slow", MFD_CLOEXEC);
    if (s->fd < 0 || ftruncate(s->fd, SLOW_BYTES) != 0)
        return false;
    s->at = mmap(NULL, s->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, 0);
    return s->at != MAP_FAILED;
}

static void slow_page_fini(struct slow_page *s)
{
    munmap(s->at, s->bytes);
    close(s->fd);
}

/* Makes the page come, late, and go again. */
static void *serve_page(void *arg)
{
    struct slow_page *s = arg;
    struct uffdio_zeropage zero = {.range = {(uintptr_t)s->at, s->bytes}};
    while (cf_load_acquire_32(&s->stop) == 0) {
        if (s->punched) {
            for (size_t i = 0; i < s->bytes; i += 4096)
                cf_store_relaxed_64((uint64_t *)(void *)(s->at + i), 1);
            fallocate(s->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)s->bytes);
            continue;
        }
        raw_sleep_us(300000);
        ioctl(s->fd, UFFDIO_ZEROPAGE, &zero);
        madvise(s->at, s->bytes, MADV_DONTNEED);
    }
    if (!s->punched)
        ioctl(s->fd, UFFDIO_ZEROPAGE, &zero);
    return NULL;
}

struct faulter {
    struct slow_page *page;
    int fd;
    bool writes;
    uint32_t *stop;
};

static void *fault_on(void *arg)
{
    const struct faulter *f = arg;
    while (cf_load_acquire_32(f->stop) == 0) {
        uint8_t *at = f->page->at + (f->page->punched ? 8192 : 0) + (f->writes ? 128 : 64);
        ssize_t n = f->writes ? write(f->fd, at, 8) : read(f->fd, at, 8);
        if (n < 0)
            raw_sleep_us(200);
    }
    return NULL;
}

static void fault_once(struct hostile *h, struct slow_page *s)
{
    pthread_t threads[3];
    uint32_t stop = 0;
    struct faulter f[2] = {{s, h->port.fds[RAW_DOWN_BELL], false, &stop}, {s, h->port.fds[RAW_UP_BELL], true, &stop}};
    s->stop = 0;
    if (pthread_create(&threads[0], NULL, serve_page, s) != 0 ||
        pthread_create(&threads[1], NULL, fault_on, &f[0]) != 0 ||
        pthread_create(&threads[2], NULL, fault_on, &f[1]) != 0)
        abort();
    while (hostile_goes_on(h) && !raw_hung_up(&h->port)) {
        ping(h);
        raw_sleep_us(1000);
    }
    cf_store_release_32(&stop, 1);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i + 1], NULL);
    cf_store_release_32(&s->stop, 1);
    pthread_join(threads[0], NULL);
}

void hostile_fault(struct hostile *h)
{
    struct slow_page s;
    if (!slow_page_init(&s)) {
        fprintf(stderr, "hostile fault: no memory that comes late: %s\n", strerror(errno));
        return;
    }
    h->hello.wake_interval_us = 0;
    while (hostile_join(h)) {
        cf_store_relaxed_64(&h->port.up->wake_at, 1);
        if (hostile_open_lines(h, LINECALLPRIVILEGE_MONITOR))
            fault_once(h, &s);
    }
    slow_page_fini(&s);
}

/* ------------------------------------------------------------------ watch */

/* As many watchers as the process may have; -1 at the end. */
static void watch_bells(struct hostile *h, int *sets)
{
    int n = 0;
    for (; n < WATCHERS_MAX && (sets[n] = epoll_create1(EPOLL_CLOEXEC)) >= 0; n++)
        for (int i = RAW_DOWN_BELL; i < RAW_FDS; i++) {
            struct epoll_event e = {.events = EPOLLIN | EPOLLOUT};
            epoll_ctl(sets[n], EPOLL_CTL_ADD, h->port.fds[i], &e);
        }
    sets[n] = -1;
}

void hostile_watch(struct hostile *h)
{
    static int sets[WATCHERS_MAX + 1];
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    h->hello.wake_interval_us = 0;
    while (hostile_join(h)) {
        watch_bells(h, sets);
        while (hostile_goes_on(h) && !raw_hung_up(&h->port)) {
            struct cf_record r;
            cf_store_relaxed_64(&h->port.up->wake_at, 1 + h->acts % 7); /* another each time: rung each time */
            if (h->opened == 0 && !hostile_open_lines(h, LINECALLPRIVILEGE_MONITOR))
                break;
            raw_ask(&h->port, raw_record(&r, CF_REQ_PING, 0, 0, 0, 0), raw_now_ns() + RAW_WAIT_NS);
            cf_bell_ring_up(h->port.fds[RAW_UP_BELL]);
            empty(h->port.fds[RAW_DOWN_BELL]);
            hostile_read(h, 16);
            h->acts++;
        }
        for (int i = 0; sets[i] >= 0; i++)
            close(sets[i]);
    }
}

/* ------------------------------------------------------------------ connect */

static int knock(struct hostile *h)
{
    int fd = -1;
    h->refused += cf_socket_connect(h->path, 20000000, &fd) != 0;
    h->acts++;
    return fd;
}

/* Connections that say nothing, too little, or nonsense, and go at once or stay. */
static void half_hellos(struct hostile *h)
{
    int fds[VISITORS_MAX];
    uint32_t most = 1 + (uint32_t)raw_below(&h->random, VISITORS_MAX), count = 0;
    for (; count < most && hostile_goes_on(h); count++) {
        struct cf_hello hello = h->hello;
        const uint32_t i = count;
        fds[i] = knock(h);
        hello.kind = (uint32_t)raw_below(&h->random, 5);
        if (raw_below(&h->random, 4) == 0)
            hello.version = (uint32_t)hostile_number(h);
        if (fds[i] >= 0 && raw_below(&h->random, 3) != 0)
            cf_socket_send(fds[i], &hello, raw_below(&h->random, sizeof hello + 1), NULL, 0);
        if (fds[i] >= 0 && raw_below(&h->random, 2) == 0) {
            close(fds[i]);
            fds[i] = -1;
        }
    }
    for (uint32_t i = 0; i < count; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

/* A TCP socket that takes long to close: it lingers over bytes which nobody takes. */
static int lingering_socket(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct linger linger = {.l_onoff = 1, .l_linger = 1};
    static uint8_t load[1 << 20];
    static int listeners[LISTENERS], at; /* stay open for a while: else the bytes were refused and nothing lingered */
    if (listeners[at] > 0)
        close(listeners[at]);
    listeners[at] = listener;
    at = (at + 1) % LISTENERS;
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 1) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &bytes) != 0 ||
        connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return -1;
    }
    for (int i = 0; i < 64 && send(fd, load, sizeof load, MSG_DONTWAIT | MSG_NOSIGNAL) > 0; i++)
        ;
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    return fd;
}

static void send_descriptors(struct hostile *h, int fd, const void *data, size_t bytes, int one, uint32_t count)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(PACKET_FDS * sizeof(int))];
    } control = {0};
    struct iovec v = {(void *)(uintptr_t)data, bytes};
    struct msghdr m = {.msg_iov = &v,
                       .msg_iovlen = 1,
                       .msg_control = control.bytes,
                       .msg_controllen = CMSG_SPACE(count * sizeof(int))};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    *c = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(count * sizeof(int))};
    for (uint32_t i = 0; i < count; i++)
        memcpy(CMSG_DATA(c) + i * sizeof one, &one, sizeof one);
    h->refused += sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT) < 0;
    h->acts++;
}

/* Descriptors with the hello, before it, and after the welcome; some that take long to close. */
static void flood_descriptors(struct hostile *h)
{
    int fd = knock(h);
    if (fd < 0)
        return;
    int slow = raw_below(&h->random, 4) == 0 ? lingering_socket() : -1;
    send_descriptors(h, fd, &h->hello, sizeof h->hello,
                     slow >= 0             ? slow
                     : h->port.socket >= 0 ? h->port.socket
                                           : fd,
                     slow >= 0 ? 1 : PACKET_FDS);
    if (slow >= 0)
        close(slow);
    close(fd);
    if (hostile_join(h))
        for (int i = 0; i < 4; i++)
            send_descriptors(h, h->port.socket, "x", 1, h->port.socket, PACKET_FDS);
}

/* As many ports as there are, all of which die at once. */
static void take_all_ports(struct hostile *h)
{
    static struct raw_port ports[PORTS_MAX];
    int n = 0;
    while (n < PORTS_MAX && hostile_goes_on(h) && raw_attach(&ports[n], h->path, &h->hello) == 0) {
        n++;
        h->attached++;
    }
    h->refused++;
    while (n > 0)
        raw_detach(&ports[--n]);
}

/* Says hello and is gone before the welcome. */
static void die_young(struct hostile *h)
{
    for (int i = 0; i < 16; i++) {
        int fd = knock(h);
        if (fd < 0)
            return;
        cf_socket_send(fd, &h->hello, sizeof h->hello, NULL, 0);
        close(fd);
    }
}

void hostile_connect(struct hostile *h)
{
    static void (*const ways[])(struct hostile *) = {half_hellos, half_hellos, flood_descriptors, take_all_ports,
                                                     die_young};
    h->hello.ring_bytes = 65536;
    while (hostile_goes_on(h))
        ways[raw_below(&h->random, sizeof ways / sizeof ways[0])](h);
}
