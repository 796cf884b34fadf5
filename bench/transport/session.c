#define _GNU_SOURCE 1
#include "bench/transport/session.h"

#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "bench/cbench.h"
#include "bench/support/pair.h"
#include "bench/support/system_calls.h"

/* What the two ends and their parent share. Each end writes its own words. */
struct shared {
    struct {
        int64_t first_ns, last_ns;
        enum session_calls who;
        struct session_end did;
        char why[128];
        double line_ns;
    } end[2] __attribute__((aligned(128))); /* near, far */
    struct pair_gate gate;
    uint64_t there __attribute__((aligned(128))); /* for time_line() */
    uint64_t back __attribute__((aligned(128)));
};

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ------------------------------------------------------------------ an end */

/* How long a line takes from one CPU to the other: two words go to and fro. The shortest of some batches, at the near end. */
static double time_line(struct shared *shared, bool far)
{
    const uint64_t rounds = cbench_smoke() ? 10 : 200, batches = cbench_smoke() ? 1 : 10;
    uint64_t *mine = far ? &shared->back : &shared->there;
    const uint64_t *other = far ? &shared->there : &shared->back;
    uint64_t seen = cf_load_relaxed_64(mine);
    uint32_t spins = 0;
    double least = 0;
    for (uint64_t batch = 0; batch < batches; batch++) {
        int64_t begin = now_ns();
        for (uint64_t i = 0; i < rounds; i++) {
            if (!far)
                cf_store_release_64(mine, seen + 1);
            while (cf_load_acquire_64(other) != seen + 1)
                transport_spin(&spins);
            seen++;
            if (far)
                cf_store_release_64(mine, seen);
        }
        double line = (double)(now_ns() - begin) / (double)rounds / 2;
        if (batch == 0 || line < least)
            least = line;
    }
    return least;
}

static uint64_t sleeps(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (uint64_t)u.ru_nvcsw;
}

static bool pass(const struct session *s, struct transport_link *l, uint64_t first, uint64_t count)
{
    const struct transport *t = s->transport;
    if (!s->round_trip)
        return l->far ? t->receive(l, first, count) : t->send(l, first, count);
    for (uint64_t i = first; i < first + count; i++)
        if (l->far ? !t->receive(l, i, 1) || !t->send(l, i, 1) : !t->send(l, i, 1) || !t->receive(l, i, 1))
            return false;
    return true;
}

static bool run(const struct session *s, struct shared *shared, struct transport_link *l)
{
    int counter = s->counted ? system_calls_open() : -1; /* before there are more threads */
    if ((s->transport->join != NULL && !s->transport->join(l)) || !pass(s, l, 0, 1))
        return false;
    pair_gate_pass(&shared->gate, l->far);
    double line_ns = time_line(shared, l->far);
    struct session_end before = {l->calls, sleeps()};
    if (counter >= 0)
        before.calls = system_calls_read(counter) + 1; /* and this one */
    shared->end[l->far].first_ns = now_ns();
    if (!pass(s, l, 1, s->count))
        return false;
    shared->end[l->far].last_ns = now_ns();
    struct session_end after = {l->calls, 0};
    if (counter >= 0)
        after.calls = system_calls_read(counter);
    after.sleeps = sleeps();
    shared->end[l->far].did = (struct session_end){after.calls - before.calls, after.sleeps - before.sleeps};
    shared->end[l->far].who = counter >= 0                 ? SESSION_CALLS_OF_KERNEL
                              : s->transport->counts_calls ? SESSION_CALLS_OF_TRANSPORT
                                                           : SESSION_CALLS_UNKNOWN;
    pair_gate_pass(&shared->gate, l->far);
    shared->end[l->far].line_ns = (line_ns + time_line(shared, l->far)) / 2;
    pair_gate_pass(&shared->gate, l->far);
    if (s->transport->leave != NULL)
        s->transport->leave(l);
    return true;
}

/* What the two ends know from their parent. */
struct plan {
    const struct session *session;
    struct shared *shared;
    const struct transport_link *link;
};

static bool be_end(void *arg, bool far)
{
    const struct plan *p = arg;
    struct transport_link l = *p->link;
    l.far = far;
    l.why = "";
    bool good = run(p->session, p->shared, &l);
    snprintf(p->shared->end[far].why, sizeof p->shared->end[far].why, "%s", l.why);
    return good;
}

/* ------------------------------------------------------------------ the parent */

static const char *reason(const struct shared *shared)
{
    static char why[2 * sizeof shared->end[0].why];
    snprintf(why, sizeof why, "%s%s", shared->end[0].why, shared->end[1].why);
    return why[0] != 0 ? why : "an end died, or took more than a minute";
}

bool session_run(const struct session *s, struct session_result *ret_result, const char **ret_why)
{
    struct transport_link link = {.bytes = s->bytes, .mode = s->mode, .round_trip = s->round_trip};
    struct shared *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    *ret_why = "no memory";
    if (shared == MAP_FAILED)
        return false;
    bool good = s->transport->open(&link);
    *ret_why = link.why;
    if (good) {
        good = pair_run(be_end, &(struct plan){s, shared, &link});
        if (good)
            *ret_result = (struct session_result){
                .seconds = (double)(shared->end[s->round_trip ? 0 : 1].last_ns - shared->end[0].first_ns) / 1e9,
                .calls = shared->end[0].who < shared->end[1].who ? shared->end[0].who : shared->end[1].who,
                .line_ns = shared->end[0].line_ns,
                .near = shared->end[0].did,
                .far = shared->end[1].did,
            };
        else
            *ret_why = reason(shared);
    }
    s->transport->close(&link);
    munmap(shared, sizeof *shared);
    return good;
}
