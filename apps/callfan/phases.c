#include "apps/callfan/phases.h"

#include <stdio.h>
#include <stdlib.h>

void cf_phases_fini(struct cf_phases *p)
{
    for (unsigned i = 0; i < p->count; i++)
        free(p->of[i].latency);
    *p = (struct cf_phases){0};
}

void cf_phases_begin(struct cf_phases *p, const char *name, int64_t at_ns)
{
    if (p->count == CF_PHASES_MAX)
        return;
    struct cf_phase *phase = &p->of[p->count];
    phase->latency = calloc(1, sizeof *phase->latency);
    if (phase->latency == NULL) {
        fprintf(stderr, "callfan check: no memory\n");
        exit(EXIT_FAILURE);
    }
    snprintf(phase->name, sizeof phase->name, "%s", name);
    phase->at_ns = p->count > 0 && at_ns < phase[-1].at_ns ? phase[-1].at_ns : at_ns;
    p->count++;
}

void cf_phases_latency(struct cf_phases *p, int64_t event_ns, int64_t latency_ns)
{
    unsigned i = p->count;
    while (i > 0 && p->of[i - 1].at_ns > event_ns)
        i--;
    if (i > 0)
        cf_histogram_add(p->of[i - 1].latency, latency_ns);
}
