#define _GNU_SOURCE 1
#include "bench/datagrams/sender.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

#include "adapters/provider/clock.h"
#include "shm/atomics.h"

#define BATCH   64    /* datagrams in one call, and at most so many segments in one (older kernels' UDP_MAX_SEGMENTS) */
#define LOOK_NS 20000 /* how often is looked whether more are wanted */

_Static_assert(BATCH *DATAGRAM_BYTES_MAX <= 65507, "segments of one datagram");

static bool fail(struct sender *s, const char *why)
{
    s->why = why;
    return false;
}

/* ------------------------------------------------------------------ answers */

bool sender_take_answers(struct sender *s)
{
    static uint8_t room[BATCH][DATAGRAM_ANSWER_BYTES];
    static struct iovec part[BATCH];
    static struct mmsghdr in[BATCH];
    int n;
    for (int i = 0; i < BATCH; i++) {
        part[i] = (struct iovec){room[i], sizeof room[i]};
        in[i].msg_hdr = (struct msghdr){.msg_iov = &part[i], .msg_iovlen = 1};
    }
    do {
        n = recvmmsg(s->fd, in, BATCH, MSG_DONTWAIT, NULL);
        for (int i = 0; i < n; i++)
            if (in[i].msg_len != sizeof room[i] || !datagram_follows(room[i], sizeof room[i], &s->last))
                return fail(s, "an answer is none, or came a second time");
        if (n > 0)
            cf_store_release_64(&s->board->answers, s->board->answers + (uint64_t)n);
    } while (n == BATCH);
    return n >= 0 || errno == EAGAIN || errno == EINTR || fail(s, "answers cannot be received");
}

/* ------------------------------------------------------------------ datagrams */

static uint8_t room[BATCH * DATAGRAM_BYTES_MAX] __attribute__((aligned(64)));

/* In one piece, which the kernel cuts. */
static bool send_segments(struct sender *s, unsigned count)
{
    ssize_t n;
    while ((n = send(s->fd, room, count * s->bytes, MSG_NOSIGNAL)) < 0 && (errno == ENOBUFS || errno == EAGAIN))
        ;
    return n >= 0;
}

static bool send_each(struct sender *s, unsigned count)
{
    static struct iovec part[BATCH];
    static struct mmsghdr out[BATCH];
    for (unsigned i = 0; i < count; i++) {
        part[i] = (struct iovec){room + i * s->bytes, s->bytes};
        out[i].msg_hdr = (struct msghdr){.msg_iov = &part[i], .msg_iovlen = 1};
    }
    for (unsigned sent = 0; sent < count;) {
        int n = sendmmsg(s->fd, out + sent, count - sent, MSG_NOSIGNAL);
        if (n < 0 && errno != ENOBUFS && errno != EAGAIN)
            return false;
        sent += n > 0 ? (unsigned)n : 0;
    }
    return true;
}

static bool send_some(struct sender *s, uint64_t count, bool segments)
{
    const unsigned n = count < BATCH ? (unsigned)count : BATCH;
    const uint64_t first = s->board->sent + 1;
    for (unsigned i = 0; i < n; i++)
        numbered_set(room + i * s->bytes, s->bytes, first + i);
    if (!(segments ? send_segments(s, n) : send_each(s, n)))
        return fail(s, "datagrams cannot be sent");
    cf_store_release_64(&s->board->sent, s->board->sent + n); /* pairs with the receiver's acquire */
    return true;
}

/* ------------------------------------------------------------------ paces */

static int64_t ns_of(const struct sender *s, uint64_t datagrams)
{
    return (int64_t)(datagrams * (uint64_t)CF_NS_PER_S / s->per_second);
}

/* How many are due and not sent. */
static uint64_t due(const struct sender *s, int64_t start_ns)
{
    switch (s->pace) {
    case SENDER_BACKLOG:
        return cf_load_acquire_64(&s->board->wanted) - s->board->sent;
    case SENDER_PACED:
        return (uint64_t)(cf_clock_ns() - start_ns) * s->per_second / (uint64_t)CF_NS_PER_S - s->board->sent;
    default:
        return BATCH;
    }
}

static void sleep_until_due(const struct sender *s, int64_t start_ns)
{
    const int64_t at = s->pace == SENDER_PACED ? start_ns + ns_of(s, s->board->sent + 1) : cf_clock_ns() + LOOK_NS;
    const struct timespec t = {.tv_sec = at / CF_NS_PER_S, .tv_nsec = at % CF_NS_PER_S};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

bool sender_run(struct sender *s)
{
    const int bytes = (int)s->bytes;
    /* Without segments (before Linux 4.18) a flood is weaker, which shows in whether the receiver sleeps. */
    const bool segments = s->pace == SENDER_FLOOD && setsockopt(s->fd, SOL_UDP, UDP_SEGMENT, &bytes, sizeof bytes) == 0;
    const int64_t start_ns = cf_clock_ns();
    numbered_fill(room, BATCH * s->bytes);
    prctl(PR_SET_TIMERSLACK, 1);
    while (cf_load_acquire_32(&s->board->done) == 0) {
        const uint64_t n = due(s, start_ns);
        /* A backlog's answers wait until the receiver has none to give, and takes what comes next. */
        if (s->answered && (n != 0 || s->pace != SENDER_BACKLOG) && !sender_take_answers(s))
            return false;
        if (n == 0)
            sleep_until_due(s, start_ns);
        else if (!send_some(s, n, segments))
            return false;
    }
    return true;
}
