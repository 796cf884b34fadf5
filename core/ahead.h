/*
 * Looking ahead: the lines that a port's waiting records will need are brought nearer while earlier records are worked on.
 *
 * Shape      of an event: the entry of the provider's map, then the call, then its further references. Of a release: the handle and its
 *            marks, then the call, then its further references and its neighbours on the line. Each a few records nearer than the one before
 * Trust      what is read of a record is a hint, copied by nobody: only indices, clamped to what exists, and nothing is believed
 * Writers    none: prefetches alone
 */
#ifndef CF_CORE_AHEAD_H
#define CF_CORE_AHEAD_H

#include "core/internal.h"

/* Before the first record of a turn is taken of a provider or an application: at those that no earlier one has looked at. */
void cf_ahead_begin(const struct cf_engine *e, uint32_t port);

/* Before each record. */
void cf_ahead_go_on(const struct cf_engine *e, uint32_t port);

#endif
