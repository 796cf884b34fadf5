/*
 * Question: what do datagrams of SIP's size cost the reactor of the adapters (io_uring, one multishot recvmsg into provided buffers, a
 * restricted ring, one system call a turn), and what by epoll with recvmsg, by epoll with recvmmsg, and by a bare thread in recvmmsg? With
 * and without an answer to each.
 *
 * Expected: the kernel's part of receiving is the same for all: an address, a copy, a buffer freed, 0.5 to 1 us; that of sending over
 * loopback too, 2 us and more, since delivery is in it. A system call is 0.1 to 0.3 us on top: one and a bit per datagram one by one, 1/64 in
 * batches, 1/32 for the reactor (a multishot operation goes to the end of the queue after 32), which pays for a completion and a buffer given back
 * instead. So with datagrams waiting (backlog, flood) recvmmsg and reactor should be level and a fifth ahead of recvmsg. Paced, each datagram is a
 * sleep and a wake-up of 5 to 10 us, by which everything else is small: the reactor enters the kernel once for each, epoll two and three
 * times, with an answer once, three and four times.
 *
 * Method: bench/datagrams/: a sender on the first CPU, the receiver on the second (bench-cpus: 2), every datagram verified. Sizes: bytes of a
 * BYE and of an INVITE. backlog: 2,048 lie in the socket when the clock starts and the sender is quiet: the most that the receiver can take,
 * whoever sends. flood: the sender sends as fast as it can, in an open loop. Time of both: per datagram received. paced: 10,000 datagrams
 * a second, an open loop; the time is CPU time of the receiver. The bare reference (_ref) is a thread in recvmmsg, which can wait for nothing
 * else. Counters per datagram received: cpu_ns of the receiver, its system calls (counted in an exchange of their own) and sleeps; per_s received;
 * busy_% the receiver's share of its CPU; lost_% of those sent, answers_lost_% of those answered.
 */
#include "bench/cbench.h"

#include <stdio.h>
#include <unistd.h>

#include "bench/datagrams/exchange.h"
#include "bench/support/system_calls.h"

#define PACED_PER_SECOND 10000
#define PACED_COUNT      5000
#define COUNTED_MAX      20000 /* datagrams while system calls are counted */
#define COUNTED_PACED    1000
/* Sleeps per datagram. In a flood more: the receiver waited for the sender. Paced fewer: they came several at a time. */
#define STARVED_FLOOD 0.001
#define STARVED_PACED 0.5
#define STARVED_BUSY  0.9 /* share of its CPU below which others had it, where the receiver never sleeps */

static const struct {
    const struct receiver *receiver;
    const char *reference; /* what stands behind the mode in the benchmark's name */
} receivers[] = {
    {&receiver_reactor, ""},
    {&receiver_recvmmsg, "_ref"},
    {&receiver_epoll_recvmsg, "_ref_epoll_recvmsg"},
    {&receiver_epoll_recvmmsg, "_ref_epoll_recvmmsg"},
};
#define RECEIVERS (sizeof receivers / sizeof *receivers)

static const char *const paces[] = {[SENDER_BACKLOG] = "backlog", [SENDER_FLOOD] = "flood", [SENDER_PACED] = "paced"};
#define PACES (sizeof paces / sizeof *paces)

/* One benchmark at one size. */
struct run {
    struct exchange exchange;
    struct exchange_result counted; /* calls_known: the kernel counted */
    bool counting_done;
    char failed[CBENCH_FAILED_BYTES];
};

/* In an exchange of its own, once; in a smoke run one is both. */
static bool count_calls(struct run *r, const struct exchange_result *timed, const char **ret_why)
{
    struct exchange x = r->exchange;
    if (r->counting_done)
        return true;
    r->counting_done = true;
    if (cbench_smoke()) {
        r->counted = *timed;
        return true;
    }
    x.counted = true;
    x.count = x.pace == SENDER_PACED ? COUNTED_PACED : COUNTED_MAX;
    return exchange_run(&x, &r->counted, ret_why);
}

static double percent(uint64_t part, uint64_t whole)
{
    return whole != 0 ? 100.0 * (double)part / (double)whole : 0;
}

/* What two CPUs, and whoever shares them, made of it. */
static const char *starved(const struct run *r, const struct exchange_result *e)
{
    const double sleeps = (double)e->sleeps / (double)e->received;
    if (r->exchange.pace == SENDER_FLOOD && sleeps > STARVED_FLOOD)
        return "starved: the receiver waited for the sender; ";
    if (r->exchange.pace != SENDER_PACED && e->cpu_seconds < STARVED_BUSY * e->seconds)
        return "starved: others had the receiver's CPU; ";
    if (r->exchange.pace == SENDER_PACED && sleeps < STARVED_PACED)
        return "starved: an end waited for its CPU, so they came in bursts; ";
    return "";
}

static void report(struct cbench_state *s, const struct run *r, const struct exchange_result *e)
{
    const double received = (double)e->received;
    const uint64_t lost = e->all_sent - e->all_received;
    char label[160];
    cbench_items(s, (int64_t)e->received);
    cbench_counter(s, "per_s", received / e->seconds, 0);
    cbench_counter(s, "cpu_ns", e->cpu_seconds * 1e9 / received, 0);
    cbench_counter(s, "busy_%", 100 * e->cpu_seconds / e->seconds, 0);
    cbench_counter(s, "sleeps", (double)e->sleeps / received, 0);
    if (r->counted.calls_known)
        cbench_counter(s, "calls", (double)r->counted.calls / (double)r->counted.received, 0);
    cbench_counter(s, "lost_%", percent(lost, e->all_sent), 0);
    if (r->exchange.answers)
        cbench_counter(s, "answers_lost_%", percent(e->answerable - e->answers, e->answerable), 0);
    snprintf(label, sizeof label, "%s%s%s", starved(r, e),
             lost != e->dropped ? "not all that were lost were dropped by the socket; " : "",
             r->counted.calls_known ? "system calls counted by the kernel" : "system calls not counted");
    cbench_label(s, label);
}

static void measure(struct cbench_state *s, void *arg)
{
    struct run *r = arg;
    struct exchange_result result;
    const char *why = r->failed;
    r->exchange.count = (uint64_t)cbench_begin(s);
    if (r->failed[0] != 0 || !exchange_run(&r->exchange, &result, &why) || !count_calls(r, &result, &why)) {
        cbench_fail_all(s, r->failed, why);
    } else {
        cbench_set_time(s, r->exchange.pace == SENDER_PACED ? result.cpu_seconds : result.seconds);
        report(s, r, &result);
    }
    cbench_end(s);
}

static void add(struct run *r, const char *reference)
{
    char whole[96];
    snprintf(whole, sizeof whole, "%s_%s%s/%zu", paces[r->exchange.pace], r->exchange.answers ? "answer" : "read",
             reference, r->exchange.bytes);
    struct cbench *b = cbench_add(whole, measure, r);
    cbench_manual_time(b);
    if (r->exchange.pace == SENDER_PACED)
        cbench_fix_iterations(b, PACED_COUNT);
}

/* In a smoke run the trace point stays in use: putting it into use and out of it takes the kernel up to a second each. */
static void tell_who_counts(void)
{
    int counter = system_calls_open();
    if (counter < 0)
        fprintf(stderr,
                "not compared: system calls, for want of the trace point raw_syscalls or of the right to use it\n");
    else if (!cbench_smoke())
        close(counter);
}

int main(int argc, char **argv)
{
#define SIZE(size) size,
    static const size_t sizes[] = {DATAGRAM_SIZES(SIZE)};
#undef SIZE
    static struct run runs[PACES * 2 * (sizeof sizes / sizeof *sizes) * RECEIVERS];
    struct run *r = runs;
    const size_t sizes_count = cbench_smoke() ? 1 : sizeof sizes / sizeof *sizes;
    if (!cbench_init(&argc, argv))
        return 1;
    tell_who_counts();
    for (unsigned pace = 0; pace < PACES; pace++)
        for (int answers = 0; answers < 2; answers++)
            for (size_t i = 0; i < sizes_count; i++)
                for (size_t k = 0; k < RECEIVERS; k++, r++) {
                    r->exchange = (struct exchange){.receiver = receivers[k].receiver,
                                                    .bytes = sizes[i],
                                                    .answers = answers != 0,
                                                    .pace = (enum sender_pace)pace,
                                                    .per_second = PACED_PER_SECOND,
                                                    .counted = cbench_smoke() && k == 0};
                    add(r, receivers[k].reference);
                }
    return cbench_run();
}
