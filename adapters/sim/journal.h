/*
 * The journal: what the simulator reported, as a file, so that a test can hold each monitor's view against it.
 *
 * Shape      struct cf_sim_journal_header, then struct cf_sim_journal_entry without gaps, in the order of reporting; the machine's
 *            byte order
 * Units      time_ns: CLOCK_MONOTONIC ns, the same that travels with the event
 * Errors     the first failed write is kept and told by every later call: an incomplete journal is no journal
 * Overlap    none
 */
#ifndef CF_SIM_JOURNAL_H
#define CF_SIM_JOURNAL_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CF_SIM_JOURNAL_MAGIC   UINT64_C(0x314c4e4a4d495343) /* "CSIMJNL1" */
#define CF_SIM_JOURNAL_VERSION 1u

struct cf_sim_journal_header {
    uint64_t magic;
    uint32_t version;
    uint32_t entry_bytes;
    uint64_t seed;
    uint64_t first_serial;
    int64_t start_ns;
    uint64_t reserved[3];
};
_Static_assert(sizeof(struct cf_sim_journal_header) == 64, "layout");

enum cf_sim_journal_flag {
    CF_JOURNAL_NEW = 1,     /* the call was announced with this state */
    CF_JOURNAL_WAITED = 2,  /* the ring was full: sent later, unless a newer state of the call took its place */
    CF_JOURNAL_UNSENT = 4,  /* never sent: no room for a new call, or no core */
    CF_JOURNAL_REFUSED = 8, /* the core refused the call: state is enum cf_refusal; nothing of it was or will be told */
    CF_JOURNAL_OUTGOING = 16, /* a call made by lineMakeCall */
    CF_JOURNAL_CLOSED = 32,   /* the core closed the call while it lived: state is what it had; nothing follows */
    CF_JOURNAL_AGAIN = 64,    /* announced again to another core */
};

struct cf_sim_journal_entry {
    uint64_t serial; /* of the call; its caller's number in decimal digits, unless it is outgoing */
    int64_t time_ns;
    uint32_t state, mode;
    uint32_t line;
    uint32_t flags; /* enum cf_sim_journal_flag */
};
_Static_assert(sizeof(struct cf_sim_journal_entry) == 32, "layout");

struct cf_sim_journal;

/* Creates or empties path. Returns 0 or a negative errno. */
int cf_sim_journal_open(struct cf_sim_journal **ret_journal, const char *path,
                        const struct cf_sim_journal_header *header);

/* Writes the rest. Returns 0 or the first error. NULL is a no-op. */
int cf_sim_journal_close(struct cf_sim_journal *j);

void cf_sim_journal_add(struct cf_sim_journal *j, const struct cf_sim_journal_entry *entry);

/* Hands what was added to the kernel, so that it outlives this process. Returns 0 or the first error. */
int cf_sim_journal_flush(struct cf_sim_journal *j);

#endif
