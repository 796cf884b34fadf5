#define _GNU_SOURCE 1
#include "bench/support/pair.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/cbench.h"
#include "shm/atomics.h"

#define PATIENCE_S       60
#define PATIENCE_SMOKE_S 30

void pair_gate_pass(struct pair_gate *gate, bool far)
{
    uint32_t *mine = far ? &gate->far : &gate->near;
    const uint32_t *other = far ? &gate->near : &gate->far;
    uint32_t step = *mine + 1;
    cf_store_release_32(mine, step); /* pairs with the other end's acquire below */
    while (cf_load_acquire_32(other) < step)
        nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL);
}

static pid_t start(pair_end_fn *fn, void *arg, bool far)
{
    fflush(NULL); /* or both would print what waits */
    pid_t parent = getpid(), child = fork();
    if (child != 0)
        return child;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    alarm(cbench_smoke() ? PATIENCE_SMOKE_S : PATIENCE_S);
    cbench_pin(far);
    exit(fn(arg, far) ? 0 : 1); /* not _exit(): iceoryx takes its leave of RouDi then */
}

/* The first that fails ends the other, which would wait for it. */
static bool await(const pid_t ends[2])
{
    struct pollfd p[2];
    bool good = true;
    for (int i = 0; i < 2; i++) {
        p[i] = (struct pollfd){.fd = ends[i] > 0 ? pidfd_open(ends[i], 0) : -1, .events = POLLIN};
        good &= p[i].fd >= 0;
    }
    while (good && (p[0].fd >= 0 || p[1].fd >= 0)) {
        poll(p, 2, -1);
        for (int i = 0; i < 2; i++) {
            siginfo_t info = {0};
            if (p[i].fd < 0 || p[i].revents == 0)
                continue;
            waitid(P_PID, (id_t)ends[i], &info, WEXITED | WNOWAIT);
            good &= info.si_code == CLD_EXITED && info.si_status == 0;
            close(p[i].fd);
            p[i].fd = -1;
        }
    }
    for (int i = 0; i < 2; i++) {
        if (p[i].fd >= 0)
            close(p[i].fd);
        if (ends[i] > 0 && !good)
            kill(ends[i], SIGKILL);
        if (ends[i] > 0)
            waitpid(ends[i], NULL, 0);
    }
    return good;
}

bool pair_run(pair_end_fn *fn, void *arg)
{
    const pid_t ends[2] = {start(fn, arg, false), start(fn, arg, true)};
    return await(ends);
}
