/*
 * One monitor's view of tens of millions of calls, in two bytes each: the digest of the states it was told, to be held against the one that
 * callfan-sim keeps of what it told (adapters/sim/digests.h).
 *
 * Shape      a digest per call, by the call's number; the number of a call, by the slot of its handle: each process has one usage
 * Invariant  memory appears as calls come: two bytes a call that ever was, four a handle slot that was ever used
 * Overlap    one thread
 * Errors     false, with the reason on stderr
 * Trust      the file is another program's: its header is checked once, and nothing of it is used as an index
 */
#ifndef CF_APPS_CALLFAN_DIGESTS_H
#define CF_APPS_CALLFAN_DIGESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "apps/callfan/compare.h"
#include "callfan/tapi.h"

struct cf_sim_digests_header;

struct cf_digests {
    const struct cf_sim_digests_header *header; /* mapped, shared with the simulator and the other monitors */
    const uint16_t *sent;
    uint64_t calls_count, first_serial; /* as checked */
    size_t file_bytes;
    uint16_t *seen;      /* by number of the call */
    uint32_t *number_at; /* by slot of the handle: number + 1; 0: none; ENDED in the top bit */
    uint64_t begun_at_ready;
    uint64_t unknown_count; /* announced calls that no simulator made: without a number, or beyond its room */
    uint64_t twice_count;   /* calls announced again */
};

bool cf_digests_open(struct cf_digests *d, const char *path);
void cf_digests_close(struct cf_digests *d);

/* Its lines are open: calls that began before may have come too early for it. */
void cf_digests_ready(struct cf_digests *d);

/* serial: of the announced call, 0 for none. False, and counted: it is unknown, or announced already. */
bool cf_digests_announce(struct cf_digests *d, HCALL call, uint64_t serial);

/* What became of a state. */
enum cf_digest_told { CF_DIGEST_FIRST, CF_DIGEST_LATER, CF_DIGEST_AFTER_IDLE, CF_DIGEST_UNKNOWN };
enum cf_digest_told cf_digests_state(struct cf_digests *d, HCALL call, uint32_t state, uint32_t mode);

void cf_digests_give_back(struct cf_digests *d, HCALL call);

/* Prints the first findings to `to` (NULL: none). Of the result same, early, unseen, different, lost and unknown are counted. */
void cf_digests_compare(const struct cf_digests *d, FILE *to, struct cf_compare_result *ret_result);

/* States that the simulator could not tell at once: what was told instead is not in the digest. */
uint64_t cf_digests_waited(const struct cf_digests *d);

#endif
