/*
 * An adapter's side of a port and, at its other end, a core that the test plays.
 *
 * Overlap    the test's thread alone
 * Errors     whatever fails ends the test
 */
#ifndef CF_TESTS_PROVIDER_RIG_H
#define CF_TESTS_PROVIDER_RIG_H

#include <stdint.h>

#include "adapters/provider/port.h"
#include "tests/support/provider_core.h"

enum { DOWN_SLOTS = 256, UP_SLOTS = 256, PATIENCE_S = 30 };

struct provider_rig {
    struct provider_core core;
    struct cf_provider *provider;
    struct cf_reactor *reactor;
};

int64_t provider_rig_soon(void);

struct cf_provider *provider_rig_new(struct provider_core *core, uint32_t calls_max, uint32_t commands_max);

void provider_rig_attach(struct provider_rig *f);

void provider_rig_set_up_sized(struct provider_rig *f, uint32_t calls_max, uint32_t commands_max);

void provider_rig_set_up(struct provider_rig *f);

void provider_rig_tear_down(struct provider_rig *f);

struct cf_provider_counters provider_rig_counters(const struct provider_rig *f);

/* The next event, which must be there. */
struct cf_record *provider_rig_take(struct provider_rig *f);

void provider_rig_no_event(struct provider_rig *f);

uint64_t provider_rig_call(struct provider_rig *f);

enum cf_posted provider_rig_post(struct provider_rig *f, uint64_t call, uint32_t state, uint32_t mode);

/* Fills the up ring with states of one call, until one of them has to wait. Returns how many went in. */
unsigned provider_rig_fill(struct provider_rig *f, uint64_t call);

#endif
