/* Operations on calls; see operations.c. */
#ifndef CF_CORE_OPERATIONS_H
#define CF_CORE_OPERATIONS_H

#include "core/requests.h"

/* What an owner may do with that call now: its state, its line, and whether it stands for a conference. LINECALLFEATURE_ */
uint32_t cf_operation_features_of(const struct cf_engine *e, const struct cf_call *c);

#endif
