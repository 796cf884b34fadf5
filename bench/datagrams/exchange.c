#define _GNU_SOURCE 1
#include "bench/datagrams/exchange.h"

#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "adapters/provider/clock.h"
#include "bench/cbench.h"
#include "bench/support/pair.h"
#include "bench/support/system_calls.h"
#include "shm/atomics.h"

#define SOCKET_BYTES (8 << 20)      /* receive_bytes of callfan-sip */
#define BACKLOG      UINT64_C(2048) /* datagrams of a portion */
#define PLACE_BYTES  8192 /* that a datagram takes of the socket's buffer at most, with what is the kernel's */
/* Not measured: every buffer of every receiver is touched. */
#define WARM_FLOOD   4096
#define WARM_PACED   1500
#define WARM_SMOKE   100
#define STRAGGLER_NS (200 * CF_NS_PER_MS) /* since the last: for what the kernel may still have on its way */

/* What the two ends and their parent share. */
struct shared {
    struct sender_board board;
    struct pair_gate gate;
    struct exchange_result result;
    uint64_t answered __attribute__((aligned(128)));
    char why[2][128]; /* sender, receiver */
};

/* What they know from their parent. */
struct plan {
    const struct exchange *exchange;
    struct shared *shared;
    int sender_fd, receiver_fd;
};

static double seconds_of(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ------------------------------------------------------------------ what is measured */

struct meter {
    int counter; /* of system calls, or -1 */
    double begin, cpu_begin;
    uint64_t sleeps_begin, calls_begin, received_begin;
};

static uint64_t sleeps(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (uint64_t)u.ru_nvcsw;
}

static void meter_start(struct meter *m, const struct receiver_link *l)
{
    m->received_begin = l->received;
    m->sleeps_begin = sleeps();
    m->begin = seconds_of(CLOCK_MONOTONIC);
    m->cpu_begin = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    if (m->counter >= 0)
        m->calls_begin = system_calls_read(m->counter) + 1; /* and this one */
}

static void meter_stop(const struct meter *m, const struct receiver_link *l, struct exchange_result *r)
{
    if (m->counter >= 0)
        r->calls += system_calls_read(m->counter) - m->calls_begin;
    r->cpu_seconds += seconds_of(CLOCK_PROCESS_CPUTIME_ID) - m->cpu_begin;
    r->seconds += seconds_of(CLOCK_MONOTONIC) - m->begin;
    r->sleeps += sleeps() - m->sleeps_begin;
    r->received += l->received - m->received_begin;
}

/* ------------------------------------------------------------------ the receiver */

static uint64_t dropped_of(int fd)
{
    uint32_t info[SK_MEMINFO_VARS] = {0};
    socklen_t bytes = sizeof info;
    getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &bytes);
    return info[SK_MEMINFO_DROPS];
}

static uint64_t portion_of(int fd)
{
    int room = 0;
    socklen_t bytes = sizeof room;
    getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, &bytes);
    const uint64_t places = (uint64_t)room / PLACE_BYTES;
    return places < BACKLOG ? places : BACKLOG;
}

/* So many more lie ready in the socket. */
static bool await_backlog(struct plan *p, struct receiver_link *l, uint64_t count)
{
    struct sender_board *board = &p->shared->board;
    const uint64_t wanted = l->received + count;
    cf_store_release_64(&board->wanted, wanted); /* pairs with the sender's acquire in due() */
    while (cf_load_acquire_64(&board->sent) < wanted)
        nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL);
    return dropped_of(l->fd) == 0 || receiver_fail(l, "a portion does not find room in the socket");
}

static bool receive_portions(struct plan *p, struct receiver_link *l, struct meter *m, struct exchange_result *r)
{
    const struct exchange *x = p->exchange;
    const uint64_t portion = portion_of(l->fd);
    for (uint64_t warm = 0; warm < (cbench_smoke() ? 1 : BACKLOG); warm += portion)
        if (!await_backlog(p, l, portion) || !x->receiver->receive(l, l->received + portion))
            return false;
    while (r->received < x->count) {
        const uint64_t left = x->count - r->received, n = left < portion ? left : portion;
        if (!await_backlog(p, l, n))
            return false;
        meter_start(m, l);
        if (!x->receiver->receive(l, l->received + n))
            return false;
        meter_stop(m, l, r);
    }
    return true;
}

static bool receive_stream(struct plan *p, struct receiver_link *l, struct meter *m, struct exchange_result *r)
{
    const struct exchange *x = p->exchange;
    const uint64_t warm = cbench_smoke() ? WARM_SMOKE : x->pace == SENDER_FLOOD ? WARM_FLOOD : WARM_PACED;
    if (!x->receiver->receive(l, warm))
        return false;
    meter_start(m, l);
    if (!x->receiver->receive(l, l->received + x->count))
        return false;
    meter_stop(m, l, r);
    return true;
}

/* What the receiver left in its socket, and no answer is sent to. */
static void take_rest(struct plan *p, struct receiver_link *l)
{
    static uint8_t room[DATAGRAM_ROOM_BYTES];
    const uint64_t sent = cf_load_acquire_64(&p->shared->board.sent);
    int64_t end = cf_clock_ns() + STRAGGLER_NS;
    while (l->received + dropped_of(l->fd) < sent && cf_clock_ns() < end) {
        ssize_t n = recv(l->fd, room, sizeof room, MSG_DONTWAIT);
        if (n < 0)
            continue;
        receiver_take(l, room, (size_t)n);
        end = cf_clock_ns() + STRAGGLER_NS;
    }
}

static bool be_receiver(struct plan *p, struct receiver_link *l)
{
    const struct exchange *x = p->exchange;
    struct exchange_result *r = &p->shared->result;
    struct meter m = {.counter = x->counted ? system_calls_open() : -1};
    r->calls_known = m.counter >= 0;
    if (!x->receiver->open(l))
        return false;
    pair_gate_pass(&p->shared->gate, true);
    if (!(x->pace == SENDER_BACKLOG ? receive_portions(p, l, &m, r) : receive_stream(p, l, &m, r)))
        return false;
    cf_store_release_32(&p->shared->board.done, 1);
    x->receiver->close(l);
    r->answerable = l->received;
    p->shared->answered = x->answers ? l->received - l->unanswered : 0;
    pair_gate_pass(&p->shared->gate, true);
    take_rest(p, l);
    r->all_received = l->received;
    r->dropped = dropped_of(l->fd);
    return !l->failed || receiver_fail(l, "a datagram is not one that was sent, or came a second time");
}

/* ------------------------------------------------------------------ the sender */

/* Begins when the receiver waits: counting system calls alone may take a second to prepare. */
static bool be_sender(struct plan *p, struct sender *s)
{
    pair_gate_pass(&p->shared->gate, false);
    if (!sender_run(s))
        return false;
    pair_gate_pass(&p->shared->gate, false);
    int64_t end = cf_clock_ns() + STRAGGLER_NS;
    while (s->board->answers < p->shared->answered && cf_clock_ns() < end) {
        const uint64_t before = s->board->answers;
        if (!sender_take_answers(s))
            return false;
        end = s->board->answers != before ? cf_clock_ns() + STRAGGLER_NS : end;
    }
    return true;
}

static bool be_end(void *arg, bool far)
{
    struct plan *p = arg;
    const struct exchange *x = p->exchange;
    const char *why;
    bool good;
    if (far) {
        static struct receiver_link l;
        l = (struct receiver_link){.fd = p->receiver_fd, .bytes = x->bytes, .answers = x->answers, .why = ""};
        numbered_fill(l.answer, sizeof l.answer);
        good = be_receiver(p, &l);
        why = l.why;
    } else {
        struct sender s = {.fd = p->sender_fd,
                           .bytes = x->bytes,
                           .pace = x->pace,
                           .per_second = x->per_second,
                           .answered = x->answers,
                           .board = &p->shared->board,
                           .why = ""};
        good = be_sender(p, &s);
        why = s.why;
    }
    snprintf(p->shared->why[far], sizeof p->shared->why[far], "%s", why);
    return good;
}

/* ------------------------------------------------------------------ the parent */

static int open_socket(struct sockaddr_in *ret_address)
{
    const int bytes = SOCKET_BYTES;
    socklen_t address_bytes = sizeof *ret_address;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    *ret_address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (fd < 0)
        return -1;
    /* As adapters/sip/transport.c does it. */
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    if (bind(fd, (struct sockaddr *)ret_address, sizeof *ret_address) == 0 &&
        getsockname(fd, (struct sockaddr *)ret_address, &address_bytes) == 0)
        return fd;
    close(fd);
    return -1;
}

static const char *reason(const struct shared *shared)
{
    static char why[sizeof shared->why];
    snprintf(why, sizeof why, "%s%s", shared->why[0], shared->why[1]);
    return why[0] != 0 ? why : "an end died, or took more than a minute";
}

bool exchange_run(const struct exchange *x, struct exchange_result *ret_result, const char **ret_why)
{
    struct sockaddr_in from, to;
    struct plan p = {.exchange = x, .sender_fd = open_socket(&from), .receiver_fd = open_socket(&to)};
    bool good = p.sender_fd >= 0 && p.receiver_fd >= 0 && connect(p.sender_fd, (struct sockaddr *)&to, sizeof to) == 0;
    *ret_why = "no sockets";
    p.shared = mmap(NULL, sizeof *p.shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (p.shared != MAP_FAILED) {
        if (good) {
            good = pair_run(be_end, &p);
            *ret_why = reason(p.shared);
        }
        *ret_result = p.shared->result;
        ret_result->all_sent = p.shared->board.sent;
        ret_result->answers = p.shared->board.answers;
        munmap(p.shared, sizeof *p.shared);
    } else {
        good = false;
    }
    if (p.sender_fd >= 0)
        close(p.sender_fd);
    if (p.receiver_fd >= 0)
        close(p.receiver_fd);
    return good;
}
