/*
 * The digests: what the simulator told of each call of its own, in two bytes of a file that readers map, so that tens of millions of calls
 * can be compared where a journal of every state would be larger than the memory.
 *
 * Shape      struct cf_sim_digests_header, then one digest per call: of the call with serial number first_serial + i at i; the machine's
 *            byte order
 *            digest: low 5 bits the number of states told (31: that or more), above them 11 bits that depend on each of them and on
 *            their order; 0: nothing was told of it
 * Invariant  two lists of states of the same length that differ in one of them have different digests
 * Writers    the simulator; stores and no locks: a reader compares when nothing has changed for a while
 * Errors     everything when it is made; afterwards nothing can fail
 * Overlap    none
 */
#ifndef CF_SIM_DIGESTS_H
#define CF_SIM_DIGESTS_H

#include <assert.h>
#include <stdint.h>

#include "adapters/sim/journal.h"
#include "callfan/tapi_const.h"

#define CF_SIM_DIGESTS_MAGIC   UINT64_C(0x5453454744495343) /* "CSIDGEST" */
#define CF_SIM_DIGESTS_VERSION 1u
#define CF_SIM_DIGESTS_MAX     (UINT64_C(1) << 30) /* calls */

struct cf_sim_digests_header {
    uint64_t magic;
    uint32_t version;
    uint32_t reserved;
    uint64_t first_serial;
    uint64_t calls_count;      /* room: the simulator's key calls */
    uint64_t begun;            /* calls that were or are just about to be told */
    uint64_t waited;           /* states that found the ring full, so that newer ones may have taken their place */
    int64_t first_ns, last_ns; /* CLOCK_MONOTONIC: when the first call was told, and the newest */
};
static_assert(sizeof(struct cf_sim_digests_header) == 64, "layout");

static inline uint32_t cf_sim_digest_states(uint16_t digest)
{
    return digest & 31;
}

/* The digest of a call of which one more state was told. Mode 0 of OFFERING and CONNECTED is ACTIVE, as in TAPI. */
static inline uint16_t cf_sim_digest_add(uint16_t digest, uint32_t state, uint32_t mode)
{
    uint32_t standard = state & 0x00FFFFFF;
    if (mode == 0 && (standard & (LINECALLSTATE_OFFERING | LINECALLSTATE_CONNECTED)) != 0)
        mode = 1;
    uint32_t code = (standard == 0 ? 31u : (uint32_t)__builtin_ctz(standard)) << 6;
    code |= mode == 0 ? 0u : (uint32_t)__builtin_ctz(mode) + 1;
    /* An odd factor: of two different hashes, or codes, no two results are the same. */
    uint32_t hash = (((uint32_t)digest >> 5 ^ code) * 1181u + 727u) & 0x7FF;
    uint32_t states = cf_sim_digest_states(digest);
    return (uint16_t)(hash << 5 | (states < 31 ? states + 1 : 31));
}

struct cf_sim_digests;

/* Creates or empties path. Returns 0 or a negative errno. */
int cf_sim_digests_open(struct cf_sim_digests **ret_digests, const char *path, uint64_t first_serial, uint64_t calls_count);
void cf_sim_digests_close(struct cf_sim_digests *d); /* NULL is a no-op */

/* Before a call is told: who reads `begun` after it began to listen knows which calls it may have come too late for. */
void cf_sim_digests_begin(struct cf_sim_digests *d, uint64_t serial, int64_t now_ns);

/* What a journal would have. Calls that applications made and what is told again to another core are left out. */
void cf_sim_digests_note(struct cf_sim_digests *d, const struct cf_sim_journal_entry *entry);

#endif
