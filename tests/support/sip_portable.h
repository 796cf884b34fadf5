/*
 * The SIP scanner built without SSE2, under a name of its own beside the real one, so that a test can hold one against the other.
 *
 * Overlap    pure functions
 */
#ifndef CF_TESTS_SIP_PORTABLE_H
#define CF_TESTS_SIP_PORTABLE_H

#include "adapters/sip/scan.h"

enum cf_sip_error sip_portable_scan(struct cf_sip_msg *ret_msg, const char *data, size_t len);

/* True when two scans of the same bytes gave the same in every member. */
bool sip_same_scan(const struct cf_sip_msg *a, const struct cf_sip_msg *b);

#endif
