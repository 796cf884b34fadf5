/*
 * The lines of memory that calls in the engine have, moved in the engine's order, and nothing else: what a machine needs at least for the life of
 * a call. No journal, no privilege, no look whether anybody lives.
 *
 * Shape      as the engine's: a call of four lines, eight references in the second, chunks of two lines with 15 more; a table entry of 8 bytes; of each
 *            port a handle of 16 bytes and two rings; all calls on one list. A call has the same number in each table
 * Units      a turn is CF_BED_EVENTS calls
 * Errors     end the program, as those of a bed
 * Overlap    one thread
 */
#ifndef CALLFAN_BENCH_BARE_CALLS_H
#define CALLFAN_BENCH_BARE_CALLS_H

#include <stdint.h>

struct cf_bare_calls;

/* So many calls, all live. */
struct cf_bare_calls *cf_bare_calls_new(uint32_t ports, uint64_t calls);
void cf_bare_calls_free(struct cf_bare_calls *r);

/* Those calls have that state: a message to each port. OFFERING: they begin, with handles, and it is two messages of three slots. */
void cf_bare_calls_turn(struct cf_bare_calls *r, const uint32_t *calls, uint32_t state);

/* Each port puts into its ring that it gives back its handles of those calls. */
void cf_bare_calls_ask(struct cf_bare_calls *r, const uint32_t *calls, uint32_t count);

/* Those of the calls that were asked of next are given back, and the calls end. */
void cf_bare_calls_release(struct cf_bare_calls *r, const uint32_t *calls);

uint32_t cf_bare_calls_ports(const struct cf_bare_calls *r);
uint64_t cf_bare_calls_bytes(const struct cf_bare_calls *r);

#endif
