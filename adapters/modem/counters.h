/*
 * What is counted, per line; callfan-modem prints the sums. docs/adapters/modem.md says what each means.
 */
#ifndef CALLFAN_ADAPTERS_MODEM_COUNTERS_H
#define CALLFAN_ADAPTERS_MODEM_COUNTERS_H

#include <stdint.h>

#define CF_MODEM_COUNTERS(X)                                                                                           \
    X(received_bytes)                                                                                                  \
    X(online_bytes)                                                                                                    \
    X(commands)                                                                                                        \
    X(results)                                                                                                         \
    X(urcs)                                                                                                            \
    X(echoes)                                                                                                          \
    X(prompts)                                                                                                         \
    X(unexpected)                                                                                                      \
    X(garbage)                                                                                                         \
    X(long_lines)                                                                                                      \
    X(strays)                                                                                                          \
    X(timeouts)                                                                                                        \
    X(resyncs)                                                                                                         \
    X(dead)                                                                                                            \
    X(init_errors)                                                                                                     \
    X(queue_full)                                                                                                      \
    X(offered)                                                                                                         \
    X(dialled)                                                                                                         \
    X(found)                                                                                                           \
    X(answered)                                                                                                        \
    X(ended)                                                                                                           \
    X(unheard)                                                                                                         \
    X(no_call)                                                                                                         \
    X(rings)                                                                                                           \
    X(rings_late)                                                                                                      \
    X(rings_lost)                                                                                                      \
    X(polls)                                                                                                           \
    X(rows_other)                                                                                                      \
    X(rows_bad)                                                                                                        \
    X(ghosts)                                                                                                          \
    X(digits)                                                                                                          \
    X(refused)                                                                                                         \
    X(opened)                                                                                                          \
    X(vanished)                                                                                                        \
    X(removed)                                                                                                         \
    X(unwritten)

struct cf_modem_counters {
#define X(name) uint64_t name;
    CF_MODEM_COUNTERS(X)
#undef X
};

#endif
