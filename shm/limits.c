/* Defaults and mutual checks of struct cf_limits. */
#include "callfan/limits.h"

#include <stdio.h>

void cf_limits_default(struct cf_limits *l) {
    *l = (struct cf_limits){
        .applications = CF_APPLICATIONS_MAX,
        .providers = CF_PROVIDERS_MAX,
        .lines = CF_LINES_MAX,
        .open_lines = CF_OPEN_LINES_MAX,
        .calls = CF_CALLS_MAX,
        .handles = 1 << 21,
        .calls_per_provider = CF_CALLS_MAX,
        .turn_records = CF_TURN_RECORDS_MAX,
        .port_records = 32,
        .idle_handles_max = 65536,
        .resync_slice = 64,
        .sweep_slice = 64,
        .down_ring_bytes = 4 << 20,
        .up_ring_bytes = 256 << 10,
        .provider_up_ring_bytes = 4 << 20,
        .wake_interval_us = 250,
    };
}

static bool power_of_two(uint32_t n) { return n != 0 && (n & (n - 1)) == 0; }

bool cf_limits_check(const struct cf_limits *l, char *why, size_t why_bytes) {
    const struct {
        const char *name;
        uint32_t value, low, high;
    } ranges[] = {
        {"applications", l->applications, 1, CF_APPLICATIONS_MAX},
        {"providers", l->providers, 1, CF_PROVIDERS_MAX},
        {"lines", l->lines, 1, CF_LINES_MAX},
        {"open_lines", l->open_lines, 1, CF_OPEN_LINES_MAX},
        {"calls", l->calls, 16, CF_CALLS_MAX},
        {"handles", l->handles, 16, CF_HANDLES_PER_APP_MAX},
        {"calls_per_provider", l->calls_per_provider, 16, CF_CALLS_MAX},
        {"turn_records", l->turn_records, 1, CF_TURN_RECORDS_MAX},
        {"port_records", l->port_records, 1, CF_TURN_RECORDS_MAX},
        {"idle_handles_max", l->idle_handles_max, 1, CF_HANDLES_PER_APP_MAX},
        {"resync_slice", l->resync_slice, 16, 4096},
        {"sweep_slice", l->sweep_slice, 16, 4096},
        {"down_ring_bytes", l->down_ring_bytes, 64 << 10, 1u << 30},
        {"up_ring_bytes", l->up_ring_bytes, 16 << 10, 1u << 28},
        {"provider_up_ring_bytes", l->provider_up_ring_bytes, 64 << 10, 1u << 28},
        {"wake_interval_us", l->wake_interval_us, 0, 1000000},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        if (ranges[i].value < ranges[i].low || ranges[i].value > ranges[i].high) {
            snprintf(why, why_bytes, "%s is %u, must be %u to %u", ranges[i].name, ranges[i].value, ranges[i].low,
                     ranges[i].high);
            return false;
        }
    }
    if (!power_of_two(l->down_ring_bytes) || !power_of_two(l->up_ring_bytes) || !power_of_two(l->provider_up_ring_bytes)) {
        snprintf(why, why_bytes, "ring sizes must be powers of two");
        return false;
    }
    if (l->calls_per_provider > l->calls) {
        snprintf(why, why_bytes, "calls_per_provider (%u) exceeds calls (%u)", l->calls_per_provider, l->calls);
        return false;
    }
    return true;
}
