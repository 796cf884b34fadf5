/*
 * The deterministic simulation of the engine: random applications, providers, lines, closes, deaths and full rings from a seed,
 * every turn held against a model; with --crash the engine crashes at a random touch, output, commit or publish of some
 * turns, with --walk at every one of every turn, and what its peers see must be what they see without the crash.
 *
 * ctest-args: --seeds 220 --first 1 --steps 300
 * ctest-args: --seeds 80 --first 10001 --steps 200 --crash
 * ctest-args: --seeds 4 --first 20001 --steps 40 --walk
 * ctest-args-sanitized: --seeds 25 --first 1 --steps 200
 * ctest-args-sanitized: --seeds 10 --first 10001 --steps 150 --crash
 * ctest-args-sanitized: --seeds 1 --first 20001 --steps 12 --walk
 * ctest-timeout: 300
 * ctest-labels: one-thread
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/model/sim.h"

static struct sim sim;

static int usage(const char *name) {
    fprintf(stderr,
            "usage: %s [--seeds N] [--first S] [--seed S] [--steps M] [--crash] [--walk] [--verbose] [--watch C]\n"
            "  --seeds N   runs N seeds (100; CF_SIM_SEEDS overrides)   --first S  from seed S on (1)\n"
            "  --seed S    one run, with seed S                         --steps M  steps of a run (300)\n"
            "  --crash     crash some turns at a random point           --walk     crash every turn at every point\n"
            "  --verbose   prints every turn                            --watch C  and what the model believes of call C\n",
            name);
    return 2;
}

int main(int argc, char **argv) {
    struct sim_options o = {.steps = 300};
    uint64_t first = 1, seeds = 100, turns = 0, records = 0, messages = 0, crashes = 0, points = 0, behinds = 0, checked = 0, asides = 0;
    const char *wanted = getenv("CF_SIM_SEEDS");
    for (int i = 1; i < argc; i++) {
        bool more = i + 1 < argc;
        if (strcmp(argv[i], "--crash") == 0)
            o.crash = true;
        else if (strcmp(argv[i], "--walk") == 0)
            o.walk = true;
        else if (strcmp(argv[i], "--verbose") == 0)
            o.verbose = true;
        else if (strcmp(argv[i], "--watch") == 0 && more)
            o.watch = (uint32_t)strtoul(argv[++i], NULL, 0);
        else if (strcmp(argv[i], "--seeds") == 0 && more)
            seeds = strtoull(argv[++i], NULL, 0);
        else if (strcmp(argv[i], "--first") == 0 && more)
            first = strtoull(argv[++i], NULL, 0);
        else if (strcmp(argv[i], "--steps") == 0 && more)
            o.steps = (uint32_t)strtoull(argv[++i], NULL, 0);
        else if (strcmp(argv[i], "--seed") == 0 && more)
            first = strtoull(argv[++i], NULL, 0), seeds = 1, wanted = NULL;
        else
            return usage(argv[0]);
    }
    if (wanted != NULL && strtoull(wanted, NULL, 0) != 0)
        seeds = strtoull(wanted, NULL, 0);
    for (uint64_t seed = first; seed < first + seeds; seed++) {
        o.seed = seed;
        if (!sim_run(&sim, &o)) {
            printf("seed %lu: %s\n", seed, sim.why);
            printf("replay: %s --seed %lu --steps %u%s%s\n", argv[0], seed, o.steps, o.crash ? " --crash" : "",
                   o.walk ? " --walk" : "");
            return 1;
        }
        if (o.verbose)
            printf("seed %lu: %lu turns, %lu records, %lu messages, %lu crashes\n", seed, sim.turns, sim.records, sim.messages,
                   sim.crashes);
        turns += sim.turns, records += sim.records, messages += sim.messages, crashes += sim.crashes, points += sim.points;
        behinds += sim.behinds, checked += sim.model.checked, asides += sim.asides;
    }
    printf("%lu seeds: %lu turns, %lu records, %lu messages, %lu expectations met, %lu turns with a port behind, %lu crashes (%lu "
           "points passed), %lu records set aside\n",
           seeds, turns, records, messages, checked, behinds, crashes, points, asides);
    return 0;
}
