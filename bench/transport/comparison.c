#include "bench/transport/comparison.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/cbench.h"
#include "bench/transport/session.h"
#include "bench/support/system_calls.h"

#define COUNTED_S 0.05 /* length of the session in which calls are counted */

static const struct {
    const struct transport *transport; /* NULL: not there when this was built */
    const char *reference;             /* what stands behind the mode in the benchmark's name */
    const char *wants;
} peers[] = {
    {&transport_ring, "", NULL},
    {&transport_bare, "_ref", NULL},
    {&transport_ck_ring, "_ref_ck_ring", NULL},
    {&transport_pipe, "_ref_pipe", NULL},
    {&transport_seqpacket, "_ref_seqpacket", NULL},
    {&transport_mq, "_ref_mq", NULL},
#ifdef CALLFAN_ZEROMQ
    {&transport_zeromq, "_ref_zeromq", NULL},
    {&transport_zeromq_deep, "_ref_zeromq_16384", NULL},
#else
    {NULL, "_ref_zeromq", "libzmq3-dev"},
#endif
#ifdef CALLFAN_ICEORYX
    {&transport_iceoryx, "_ref_iceoryx", NULL},
#else
    {NULL, "_ref_iceoryx", "libiceoryx-binding-c-dev"},
#endif
};
#define PEERS (sizeof peers / sizeof *peers)
#define OWN   2 /* the first ones are never left out: what is wrong with them is a failure */

static const struct {
    enum transport_mode mode;
    const char *name;
} modes[] = {{TRANSPORT_SPINNING, "spinning"}, {TRANSPORT_SLEEPING, "sleeping"}};
#define MODES (sizeof modes / sizeof *modes)

/* One benchmark at one size. */
struct run {
    struct session session;
    struct session_result counts;
    uint64_t counted; /* messages of the counted session; 0: not yet */
    char failed[CBENCH_FAILED_BYTES];
};

static const char *const who_counted[] = {
    [SESSION_CALLS_UNKNOWN] = "system calls not counted",
    [SESSION_CALLS_OF_TRANSPORT] = "system calls as the transport makes them",
    [SESSION_CALLS_OF_KERNEL] = "system calls counted by the kernel",
};

/* After a session that was long enough to tell how many messages fill the counted one. In a smoke run one is both. */
static bool count_calls(struct run *r, const struct session_result *timed, const char **ret_why)
{
    struct session s = r->session;
    if (cbench_smoke()) {
        r->counts = *timed;
        r->counted = s.count;
    }
    if (r->counted != 0 || timed->seconds < COUNTED_S)
        return true;
    s.counted = true;
    s.count = 1 + (uint64_t)((double)s.count * COUNTED_S / timed->seconds);
    if (!session_run(&s, &r->counts, ret_why))
        return false;
    r->counted = s.count;
    return true;
}

static void report(struct cbench_state *s, const struct run *r)
{
    if (r->counted == 0) {
        cbench_label(s, "too short to count system calls");
        return;
    }
    const double per_million = 1e6 / (double)r->counted;
    cbench_label(s, who_counted[r->counts.calls]);
    if (r->counts.calls != SESSION_CALLS_UNKNOWN) {
        cbench_counter(s, "near_calls", (double)r->counts.near.calls * per_million, 0);
        cbench_counter(s, "far_calls", (double)r->counts.far.calls * per_million, 0);
    }
    cbench_counter(s, "near_sleeps", (double)r->counts.near.sleeps * per_million, 0);
    cbench_counter(s, "far_sleeps", (double)r->counts.far.sleeps * per_million, 0);
}

static void measure(struct cbench_state *s, void *arg)
{
    struct run *r = arg;
    struct session_result result;
    const char *why = r->failed;
    int64_t count = cbench_begin(s);
    r->session.count = (uint64_t)count;
    if (r->failed[0] != 0 || !session_run(&r->session, &result, &why) || !count_calls(r, &result, &why)) {
        cbench_fail_all(s, r->failed, why);
    } else {
        cbench_set_time(s, result.seconds);
        cbench_items(s, count);
        cbench_counter(s, "line_ns", result.line_ns, 0);
        report(s, r);
    }
    cbench_end(s);
}

static void add(struct run *r, const char *name, const char *reference)
{
    char whole[64];
    snprintf(whole, sizeof whole, "%s%s/%zu", name, reference, r->session.bytes);
    cbench_manual_time(cbench_add(whole, measure, r));
}

/* Whether one message gets through. */
static bool works(size_t peer, bool round_trip)
{
    const struct transport *t = peers[peer].transport;
    struct session s = {t, 64, TRANSPORT_SLEEPING, round_trip, 1, false};
    struct session_result result;
    const char *why;
    if (t == NULL) {
        fprintf(stderr, "not compared: %s, for want of %s when this was built\n", peers[peer].reference + 5,
                peers[peer].wants);
        return false;
    }
    if ((t->modes & TRANSPORT_SLEEPING) == 0)
        s.mode = TRANSPORT_SPINNING;
    if (session_run(&s, &result, &why))
        return true;
    fprintf(stderr, "not compared: %s: %s\n", t->name, why);
    return false;
}

/* In a smoke run the trace point stays in use: putting it into use and out of it takes the kernel up to a second each. */
static void tell_who_counts(void)
{
    int counter = system_calls_open();
    if (counter < 0)
        fprintf(stderr,
                "no raw_syscalls trace point: a library's system calls are not counted, others where they are made\n");
    else if (!cbench_smoke())
        close(counter);
}

void comparison_register(bool round_trip)
{
#define SIZE(size) size,
    static const size_t sizes[] = {TRANSPORT_SIZES(SIZE)};
#undef SIZE
    const size_t sizes_count = round_trip || cbench_smoke() ? 1 : sizeof sizes / sizeof *sizes;
    static struct run runs[PEERS * MODES * (sizeof sizes / sizeof *sizes)];
    size_t count = 0;
    bool found[PEERS];
    tell_who_counts();
    for (size_t p = 0; p < PEERS; p++)
        found[p] = p < OWN || works(p, round_trip);
    for (size_t m = 0; m < MODES; m++)
        for (size_t i = 0; i < sizes_count; i++)
            for (size_t p = 0; p < PEERS; p++) {
                if (!found[p] || (peers[p].transport->modes & modes[m].mode) == 0)
                    continue;
                struct run *r = &runs[count++];
                r->session = (struct session){peers[p].transport, sizes[i], modes[m].mode,
                                              round_trip,         0,        cbench_smoke() && p == 0};
                add(r, modes[m].name, peers[p].reference);
            }
}
